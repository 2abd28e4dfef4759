// SPDX-License-Identifier: GPL-2.0-only
/*
 * Restoring a snapshot: the state file is checked as a whole, the machine is built as it says, and
 * the sections are loaded in the order in which they were saved.
 *
 * A snapshot may come from anywhere. Its sizes are checked here, the state of devices by their
 * load(), and that of the processor by the kernel, which has to bear every value.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kvm/machine_state.h"
#include "snapshot/snapshot.h"

#define PAGE_MASK	4095ULL

/* Return: the descriptor of a file of the snapshot, or -1. */
static int open_file(const struct snapshot *s, const char *name, struct sentence *why)
{
	int dir = open(s->dir, O_DIRECTORY | O_PATH | O_CLOEXEC), fd;

	if (dir < 0)
		return say(why, "The snapshot %s cannot be opened: %s.", s->dir, strerror(errno));
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		say(why, "%s is no snapshot: its file '%s' cannot be opened: %s.", s->dir, name,
		    strerror(errno));
	close(dir);
	return fd;
}

static int read_state(struct snapshot *s, struct sentence *why)
{
	int fd = open_file(s, SNAPSHOT_STATE_FILE, why), ret = -1;
	struct stat st;
	void *room;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > SNAPSHOT_STATE_MAX) {
		say(why, "It is no snapshot of minikvm: its state is not a file of at most %d MiB.",
		    SNAPSHOT_STATE_MAX >> 20);
	} else {
		room = state_room(&s->state, st.st_size);
		if (!room)
			say(why, "There is no memory for the snapshot's state.");
		else if (pread(fd, room, st.st_size, 0) != st.st_size)
			say(why, "The snapshot's state cannot be read: %s.", strerror(errno));
		else
			ret = 0;
	}
	close(fd);
	return ret;
}

static int check_machine(const struct snapshot_machine *m, struct sentence *why)
{
	if (m->low_size > GUEST_LOW_RAM_MAX || !m->low_size || (m->low_size & PAGE_MASK) ||
	    (m->high_size & PAGE_MASK) || m->high_size > 1ULL << 46 ||
	    (m->high_size && m->low_size != GUEST_LOW_RAM_MAX))
		return say(why, "The snapshot's machine cannot have such memory.");
	if (!m->cpus || m->cpus > VM_VCPUS_MAX)
		return say(why, "The snapshot has %u vCPUs, and 1 to %d are possible.", m->cpus,
			   VM_VCPUS_MAX);
	return 0;
}

static int find(struct snapshot *s, const char *name, __u32 instance, __u32 newest,
		__u32 *version, struct state_in *in, struct sentence *why)
{
	if (!section_find(&s->reader, name, instance, version, in))
		return say(why, "The snapshot has no section '%s' (instance %u), which this machine needs.",
			   name, instance);
	if (*version > newest || !*version)
		return say(why,
			   "The snapshot is newer than this minikvm: its section '%s' is version %u, and %u is known.",
			   name, *version, newest);
	return 0;
}

static int read_all(struct snapshot *s, struct sentence *why)
{
	struct state_in in;
	__u32 version;

	if (read_state(s, why) || snapshot_open(&s->reader, s->state.data, s->state.len, why) ||
	    find(s, "machine", 0, 1, &version, &in, why))
		return -1;
	STATE_GET(&in, s->machine);
	if (section_check("machine", &in, why) || check_machine(&s->machine, why))
		return -1;
	s->memory_fd = open_file(s, SNAPSHOT_MEMORY_FILE, why);
	if (s->memory_fd < 0)
		return -1;
	return memory_check(s->memory_fd, s->machine.low_size + s->machine.high_size,
			    s->reader.header->id, why);
}

/**
 * snapshot_read() - read and check a snapshot
 * @s: receives it; snapshot_forget() follows in any case
 * @dir: its directory
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1 where it is foreign, newer, truncated or damaged.
 */
int snapshot_read(struct snapshot *s, const char *dir, struct sentence *why)
{
	struct sentence what;

	memset(s, 0, sizeof(*s));
	s->dir = dir;
	s->memory_fd = -1;
	if (read_all(s, &what) == 0)
		return 0;
	return say(why, "--restore %s: %s", dir, what.text);
}

static int load_parts(struct snapshot *s, const struct vm *vm, const struct state_part *part,
		      int fd, __u32 instance, struct sentence *why)
{
	struct state_in in;
	__u32 version;

	for (; part->name; part++) {
		if (!state_part_exists(vm, part))
			continue;
		if (find(s, part->name, instance, 1, &version, &in, why) ||
		    state_part_load(vm, part, fd, &in, why) || section_check(part->name, &in, why))
			return -1;
	}
	return 0;
}

static int load_all(struct snapshot *s, struct machine *m, struct sentence *why)
{
	struct state_in in;
	__u32 version;
	unsigned int i;

	if (load_parts(s, &m->vm, vm_state_parts, m->vm.fd, 0, why))
		return -1;
	for (i = 0; i < m->vm.nr_vcpus; i++)
		if (load_parts(s, &m->vm, vcpu_state_parts, m->vm.vcpu[i].fd, i, why))
			return -1;
	for (i = 0; i < m->states; i++) {
		const struct machine_state *d = &m->state[i];

		if (find(s, d->ops->name, d->instance, d->ops->version, &version, &in, why) ||
		    d->ops->load(d->device, &in, version, why) ||
		    section_check(d->ops->name, &in, why))
			return -1;
	}
	return snapshot_check_used(&s->reader, why);
}

/**
 * snapshot_restore() - load the state into a machine
 * @s: the snapshot
 * @m: a machine as @s->machine says, none of whose vCPUs has run
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1 with a machine that must not run.
 */
int snapshot_restore(struct snapshot *s, struct machine *m, struct sentence *why)
{
	struct sentence what;

	if (load_all(s, m, &what) == 0)
		return 0;
	return say(why, "--restore %s: %s", s->dir, what.text);
}

void snapshot_forget(struct snapshot *s)
{
	snapshot_close(&s->reader);
	state_free(&s->state);
	if (s->memory_fd >= 0)
		close(s->memory_fd);
	s->memory_fd = -1;
}
