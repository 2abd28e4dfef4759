// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking a snapshot: every part of the VM's state, of the vCPUs' and of the devices', one section
 * each, and the memory. KVM's ABI, Documentation/virt/kvm/api.rst in the kernel, for the parts.
 *
 * Relies on all vCPUs being parked (pause.c): then nobody writes to guest memory but devices,
 * which drain() stops. The files come as open descriptors, so that this process needs no right to
 * open any.
 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "kvm/machine_state.h"
#include "snapshot/snapshot.h"

static int save_parts(struct snapshot_writer *w, const struct vm *vm,
		      const struct state_part *part, int fd, __u32 instance, struct sentence *why)
{
	for (; part->name; part++) {
		struct state_out *out;

		if (!state_part_exists(vm, part))
			continue;
		out = section_begin(w, part->name, instance, 1);
		if (state_part_save(vm, part, fd, out, why))
			return -1;
		section_end(w);
	}
	return 0;
}

static int save_machine(struct snapshot_writer *w, const struct machine *m, struct sentence *why)
{
	const struct vm *vm = &m->vm;
	struct snapshot_machine s = {
		.low_size = vm->ram.low_size,
		.high_size = vm->ram.high_size,
		.cpus = vm->nr_vcpus,
		.irqchip = vm->irqchip,
	};
	unsigned int i;

	STATE_PUT(section_begin(w, "machine", 0, 1), s);
	section_end(w);
	if (save_parts(w, vm, vm_state_parts, vm->fd, 0, why))
		return -1;
	for (i = 0; i < vm->nr_vcpus; i++)
		if (save_parts(w, vm, vcpu_state_parts, vm->vcpu[i].fd, i, why))
			return -1;
	for (i = 0; i < m->states; i++) {
		const struct machine_state *d = &m->state[i];

		d->ops->save(d->device, section_begin(w, d->ops->name, d->instance,
						      d->ops->version));
		section_end(w);
	}
	return 0;
}

static int write_state(const struct state_out *out, int fd, struct sentence *why)
{
	size_t done = 0;
	ssize_t n;

	if (ftruncate(fd, 0) < 0)
		return say(why, "The snapshot's state cannot be written: %s.", strerror(errno));
	while (done < out->len) {
		n = pwrite(fd, out->data + done, out->len - done, done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return say(why, "The snapshot's state cannot be written: %s.",
				   n ? strerror(errno) : "nothing is taken");
		done += n;
	}
	return 0;
}

/**
 * snapshot_save() - take a snapshot
 * @m: the machine; all of its vCPUs are parked
 * @state_fd: an empty file for the state, which is written last
 * @memory_fd: an empty file for the memory
 * @why: receives the sentence on failure
 *
 * The machine is as it was before. Return: 0, or -1 with unusable files.
 */
int snapshot_save(struct machine *m, int state_fd, int memory_fd, struct sentence *why)
{
	__u8 id[SNAPSHOT_ID_SIZE];
	struct snapshot_writer w;
	unsigned int i;
	int ret;

	if (m->assigned_count)
		return say(why,
			   "The guest has a PCI device of the host's, whose state nobody can read: no snapshot can be taken.");
	if (m->vm.shared)
		return say(why,
			   "Another process serves a device of the guest's, and keeps its state: no snapshot can be taken.");
	if (getrandom(id, sizeof(id), 0) != sizeof(id))
		return say(why, "There are no random bytes: %s.", strerror(errno));
	for (i = 0; i < m->states; i++)
		if (m->state[i].ops->drain)
			m->state[i].ops->drain(m->state[i].device);
	snapshot_begin(&w);
	ret = save_machine(&w, m, why);
	if (!ret)
		ret = snapshot_end(&w, id, time(NULL), why);
	if (!ret)
		ret = memory_write(&m->vm.ram, id, memory_fd, why);
	if (!ret)
		ret = write_state(&w.out, state_fd, why);
	state_free(&w.out);
	for (i = 0; i < m->states; i++)
		if (m->state[i].ops->resume)
			m->state[i].ops->resume(m->state[i].device);
	return ret;
}
