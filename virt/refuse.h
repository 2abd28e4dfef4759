/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why an ioctl was refused: one line in the log for each.
 *
 * KVM's ABI has an errno and no word more. Whoever finds the fault says what it is by
 * mkvm_refuse(); the dispatcher of each descriptor brackets its ioctls by mkvm_refuse_begin() and
 * mkvm_refuse_end(), which speaks for those who said nothing. So no refusal is silent.
 */
#ifndef MINIKVM_VIRT_REFUSE_H
#define MINIKVM_VIRT_REFUSE_H

#include <linux/compiler.h>
#include <linux/ratelimit_types.h>
#include <linux/sched.h>

struct mkvm_vm;

/**
 * struct mkvm_refusals - what a VM, or the device node, said of refused ioctls
 * @limit: this one's share of the log
 * @by: the thread whose ioctl was explained last, compared and never dereferenced
 *
 * @by needs no lock: a thread that sees another's value there says one line more than it needs.
 */
struct mkvm_refusals {
	struct ratelimit_state limit;
	const struct task_struct *by;
};

extern struct mkvm_refusals mkvm_node_refusals;

void mkvm_refusals_init(struct mkvm_refusals *refusals);

/* @vm is NULL for the device node. */
__printf(2, 3) void mkvm_refuse(struct mkvm_vm *vm, const char *fmt, ...);
void mkvm_refuse_default(struct mkvm_vm *vm, unsigned int cmd, unsigned long arg, long ret);

/* An ioctl begins: what this thread's last one was told does not count for it. */
static inline void mkvm_refuse_begin(struct mkvm_refusals *refusals)
{
	if (unlikely(READ_ONCE(refusals->by) == current))
		WRITE_ONCE(refusals->by, NULL);
}

/* It ends with @ret; -ENOIOCTLCMD: there is no such ioctl. */
static inline void mkvm_refuse_end(struct mkvm_vm *vm, struct mkvm_refusals *refusals,
				   unsigned int cmd, unsigned long arg, long ret)
{
	if (unlikely(ret < 0) && READ_ONCE(refusals->by) != current)
		mkvm_refuse_default(vm, cmd, arg, ret);
}

#endif
