// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writing and reading the file "state" of a snapshot: see format.h.
 *
 * A file is wholly checked before anything is taken from it: magic, version, length, and the
 * checksum of header and sections. The checksum is against accidents, not against enemies: what a
 * section holds is checked by its reader. Relies on zlib's crc32(). Pure: linked into the unit
 * tests and the fuzzer.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "snapshot/format.h"

#define ALIGNMENT	8
#define PADDING(length)	(-(length) & (ALIGNMENT - 1))

_Static_assert(sizeof(struct snapshot_header) == 56, "the header's layout is promised");
_Static_assert(sizeof(struct section_header) == 48, "a section's layout is promised");

static __u32 header_crc(const struct snapshot_header *header)
{
	struct snapshot_header h = *header;

	h.crc = 0;
	return crc32(0, (const __u8 *)&h, sizeof(h));
}

static __u32 section_crc(const struct section_header *header)
{
	struct section_header h = *header;

	h.crc = 0;
	return crc32(crc32(0, (const __u8 *)&h, sizeof(h)), (const __u8 *)(header + 1), h.length);
}

void snapshot_begin(struct snapshot_writer *w)
{
	memset(w, 0, sizeof(*w));
	state_room(&w->out, sizeof(struct snapshot_header));
}

/**
 * section_begin() - begin a section
 * @w: the file
 * @name: its name, shorter than STATE_NAME_SIZE
 * @instance: which of several with that name
 * @version: of its bytes
 *
 * Return: where its bytes go, up to section_end().
 */
struct state_out *section_begin(struct snapshot_writer *w, const char *name, __u32 instance,
				__u32 version)
{
	struct section_header h = { .instance = instance, .version = version };

	strncpy(h.name, name, sizeof(h.name) - 1);
	w->section = w->out.len;
	w->sections++;
	STATE_PUT(&w->out, h);
	return &w->out;
}

void section_end(struct snapshot_writer *w)
{
	struct section_header *h;
	size_t length;

	if (w->out.failed)
		return;
	length = w->out.len - w->section - sizeof(*h);
	state_room(&w->out, PADDING(length));
	if (w->out.failed)
		return;
	h = (struct section_header *)(w->out.data + w->section);
	h->length = length;
	h->crc = section_crc(h);
}

/**
 * snapshot_end() - complete the file
 * @w: the file; its bytes are in @w->out, which the caller frees
 * @id: SNAPSHOT_ID_SIZE random bytes
 * @taken: seconds since 1970
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1 where there was no memory for all of it.
 */
int snapshot_end(struct snapshot_writer *w, const __u8 *id, __u64 taken, struct sentence *why)
{
	struct snapshot_header *h = (struct snapshot_header *)w->out.data;

	if (w->out.failed)
		return say(why, "There is no memory for the state of the guest.");
	memcpy(h->magic, SNAPSHOT_MAGIC, sizeof(h->magic));
	h->version = SNAPSHOT_VERSION;
	h->sections = w->sections;
	h->length = w->out.len;
	h->taken = taken;
	memcpy(h->id, id, sizeof(h->id));
	h->crc = header_crc(h);
	return 0;
}

static int check_header(const struct snapshot_header *h, size_t len, struct sentence *why)
{
	if (len < sizeof(*h) || memcmp(h->magic, SNAPSHOT_MAGIC, sizeof(h->magic)) != 0)
		return say(why, "It is no snapshot of minikvm: its state does not begin with %s.",
			   SNAPSHOT_MAGIC);
	/* The version comes before the checksum: a newer header may be another one. */
	if (h->version > SNAPSHOT_VERSION)
		return say(why,
			   "The snapshot is newer than this minikvm: its format is version %u, and %u is known.",
			   h->version, SNAPSHOT_VERSION);
	if (h->crc != header_crc(h) || !h->version)
		return say(why, "The snapshot is damaged: the checksum of its header is wrong.");
	if (h->length > len)
		return say(why,
			   "The snapshot is truncated: its state has %zu bytes of %llu.", len,
			   h->length);
	if (h->length < len)
		return say(why, "The snapshot is damaged: %llu bytes follow its state.",
			   len - h->length);
	return 0;
}

/* Return: the section after this one, or NULL with the sentence. */
static const __u8 *check_section(const __u8 *at, size_t left, struct sentence *why)
{
	const struct section_header *h = (const struct section_header *)at;
	char name[STATE_NAME_SIZE];

	if (left < sizeof(*h) || h->length > left - sizeof(*h) ||
	    PADDING(h->length) > left - sizeof(*h) - h->length) {
		say(why, "The snapshot is damaged: a section reaches beyond its end.");
		return NULL;
	}
	if (h->name[sizeof(h->name) - 1] || h->crc != section_crc(h)) {
		memcpy(name, h->name, sizeof(name));
		name[sizeof(name) - 1] = 0;
		make_printable(name);
		say(why, "The snapshot is damaged: the checksum of section '%s' is wrong.", name);
		return NULL;
	}
	return at + sizeof(*h) + h->length + PADDING(h->length);
}

/**
 * snapshot_open() - check a state file
 * @r: receives what is in it; snapshot_close() follows in any case
 * @data: the file, aligned to 8 bytes; stays as it is until snapshot_close()
 * @len: its bytes
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1 where it is foreign, newer, truncated or damaged.
 */
int snapshot_open(struct snapshot_reader *r, const void *data, size_t len, struct sentence *why)
{
	const __u8 *at = data, *end = at + len;
	__u32 i;

	memset(r, 0, sizeof(*r));
	if (check_header(data, len, why))
		return -1;
	r->header = data;
	if (r->header->sections > len / sizeof(struct section_header))
		return say(why, "The snapshot is damaged: it cannot have %u sections.",
			   r->header->sections);
	r->section = calloc(r->header->sections + 1, sizeof(*r->section));
	if (!r->section)
		return say(why, "There is no memory for the snapshot's sections.");
	at += sizeof(*r->header);
	for (i = 0; i < r->header->sections; i++) {
		r->section[i].header = (const struct section_header *)at;
		at = check_section(at, end - at, why);
		if (!at)
			return -1;
	}
	if (at != end)
		return say(why, "The snapshot is damaged: it has more than its %u sections.",
			   r->header->sections);
	return 0;
}

/**
 * section_find() - look for a section
 * @r: the file
 * @name: the section's name
 * @instance: which of several
 * @version: receives its version
 * @in: receives its bytes
 *
 * Return: whether it is there. Each is given once.
 */
bool section_find(struct snapshot_reader *r, const char *name, __u32 instance, __u32 *version,
		  struct state_in *in)
{
	__u32 i;

	for (i = 0; i < r->header->sections; i++) {
		struct snapshot_section *s = &r->section[i];

		if (s->used || s->header->instance != instance ||
		    strcmp(s->header->name, name) != 0)
			continue;
		s->used = true;
		*version = s->header->version;
		*in = (struct state_in) {
			.data = (const __u8 *)(s->header + 1),
			.len = s->header->length,
		};
		return true;
	}
	return false;
}

/* A section was read: were there as many bytes as its reader wanted? Return: 0, or -1. */
int section_check(const char *name, const struct state_in *in, struct sentence *why)
{
	if (in->failed)
		return say(why, "The snapshot's section '%s' is too short.", name);
	if (in->at != in->len)
		return say(why, "The snapshot's section '%s' is %zu bytes too long.", name,
			   in->len - in->at);
	return 0;
}

/* Everything was read: is there a section that the machine did not ask for? Return: 0, or -1. */
int snapshot_check_used(const struct snapshot_reader *r, struct sentence *why)
{
	char name[STATE_NAME_SIZE];
	__u32 i;

	for (i = 0; i < r->header->sections; i++) {
		if (r->section[i].used)
			continue;
		memcpy(name, r->section[i].header->name, sizeof(name));
		make_printable(name);
		return say(why,
			   "The snapshot has a section '%s' (instance %u), which this machine has nothing for.",
			   name, r->section[i].header->instance);
	}
	return 0;
}

void snapshot_close(struct snapshot_reader *r)
{
	free(r->section);
	memset(r, 0, sizeof(*r));
}
