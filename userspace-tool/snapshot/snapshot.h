/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Snapshots of a machine: a directory with the files "state" and "memory", whose layout is in
 * Documentation/snapshot.rst.
 */
#ifndef MINIKVM_TOOL_SNAPSHOT_H
#define MINIKVM_TOOL_SNAPSHOT_H

#include "machine/machine.h"
#include "snapshot/format.h"

#define SNAPSHOT_STATE_FILE	"state"
#define SNAPSHOT_MEMORY_FILE	"memory"

/**
 * struct snapshot_machine - the section "machine": what has to be there before the rest is loaded
 * @low_size: bytes of RAM from 0
 * @high_size: bytes of RAM from 4 GiB
 * @cpus: vCPUs
 * @irqchip: interrupt controllers and timer are in the kernel
 */
struct snapshot_machine {
	__u64 low_size;
	__u64 high_size;
	__u32 cpus;
	__u32 irqchip;
};

/**
 * struct snapshot - a snapshot that is to be restored
 * @dir: where it is
 * @machine: what the machine is like
 * @memory_fd: its memory file, for vm_create()
 * @state: its state file
 * @reader: what is in that
 */
struct snapshot {
	const char *dir;
	struct snapshot_machine machine;
	int memory_fd;
	struct state_out state;
	struct snapshot_reader reader;
};

int snapshot_save(struct machine *m, int state_fd, int memory_fd, struct sentence *why);

int snapshot_read(struct snapshot *s, const char *dir, struct sentence *why);
int snapshot_restore(struct snapshot *s, struct machine *m, struct sentence *why);
void snapshot_forget(struct snapshot *s);

/* The memory file. */
int memory_write(const struct guest_ram *ram, const __u8 *id, int fd, struct sentence *why);
int memory_check(int fd, __u64 size, const __u8 *id, struct sentence *why);

#endif
