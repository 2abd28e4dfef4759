/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file "state" of a snapshot: a header, and sections with a name, a version and a checksum.
 * Documentation/snapshot.rst has the layout.
 */
#ifndef MINIKVM_TOOL_FORMAT_H
#define MINIKVM_TOOL_FORMAT_H

#include "state/state.h"

#define SNAPSHOT_MAGIC		"MKVMSNAP"
#define SNAPSHOT_VERSION	1
#define SNAPSHOT_ID_SIZE	16
#define SNAPSHOT_STATE_MAX	(64 * 1024 * 1024)

/**
 * struct snapshot_header - the first bytes of the file
 * @magic: SNAPSHOT_MAGIC without its NUL
 * @version: SNAPSHOT_VERSION; a reader knows this one and older ones
 * @sections: how many there are
 * @length: bytes of the whole file
 * @taken: seconds since 1970
 * @id: random; the memory file has it, too
 * @reserved: 0
 * @crc: CRC-32 of this header with 0 in this place
 */
struct snapshot_header {
	__u8 magic[8];
	__u32 version;
	__u32 sections;
	__u64 length;
	__u64 taken;
	__u8 id[SNAPSHOT_ID_SIZE];
	__u32 reserved;
	__u32 crc;
};

/**
 * struct section_header - what each section begins with
 * @name: padded with NULs, at least one
 * @instance: which of several with that name, such as the vCPU's number
 * @version: of its bytes
 * @length: how many follow, without the padding to a multiple of 8
 * @reserved: 0
 * @crc: CRC-32 of this header with 0 in this place, and of the bytes
 */
struct section_header {
	char name[STATE_NAME_SIZE];
	__u32 instance;
	__u32 version;
	__u64 length;
	__u32 reserved;
	__u32 crc;
};

/**
 * struct snapshot_writer - a state file that is being made
 * @out: the file
 * @section: where the header of the open section is
 * @sections: how many there are
 */
struct snapshot_writer {
	struct state_out out;
	size_t section;
	__u32 sections;
};

void snapshot_begin(struct snapshot_writer *w);
struct state_out *section_begin(struct snapshot_writer *w, const char *name, __u32 instance,
				__u32 version);
void section_end(struct snapshot_writer *w);
int snapshot_end(struct snapshot_writer *w, const __u8 *id, __u64 taken, struct sentence *why);

/**
 * struct snapshot_section - a section that was found to be whole
 * @header: where it begins
 * @used: it was asked for
 */
struct snapshot_section {
	const struct section_header *header;
	bool used;
};

/**
 * struct snapshot_reader - a state file that was found to be whole
 * @header: its header
 * @section: its sections
 */
struct snapshot_reader {
	const struct snapshot_header *header;
	struct snapshot_section *section;
};

int snapshot_open(struct snapshot_reader *r, const void *data, size_t len, struct sentence *why);
bool section_find(struct snapshot_reader *r, const char *name, __u32 instance, __u32 *version,
		  struct state_in *in);
int section_check(const char *name, const struct state_in *in, struct sentence *why);
int snapshot_check_used(const struct snapshot_reader *r, struct sentence *why);
void snapshot_close(struct snapshot_reader *r);

#endif
