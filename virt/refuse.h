/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why an ioctl was refused: one line in the log for each, and what MINIKVM_GET_LAST_ERROR tells.
 *
 * KVM's ABI has an errno and no word more. The function that finds the broken rule says it by
 * mkvm_refuse(); virt/ioctl.c brackets every ioctl by mkvm_refuse_begin() and mkvm_refuse_said(),
 * and explains the errno where nothing was said.
 */
#ifndef MINIKVM_VIRT_REFUSE_H
#define MINIKVM_VIRT_REFUSE_H

#include <linux/compiler.h>
#include <linux/ratelimit_types.h>
#include <linux/spinlock.h>

#include "uapi/linux/minikvm.h"

struct mkvm_vm;
struct task_struct;

/**
 * struct mkvm_refusal - the last refusal of one thread
 * @by: the thread, compared and never dereferenced
 * @started: when it began, so that a later thread at the same address is another one
 * @number: of the refusal: the lowest of several is the oldest
 * @error: what is told
 */
struct mkvm_refusal {
	const struct task_struct *by;
	u64 started;
	u64 number;
	struct minikvm_last_error error;
};

/**
 * struct mkvm_refusals - what a VM, or the device node, said of refused ioctls
 * @limit: this one's share of the log
 * @lock: guards what is below; @number only grows
 * @number: of the last refusal that was kept
 * @first: one thread's last refusal
 * @more: those of others; a VM has no memory for it before a second thread is refused something
 * @nr_more: how many there is room for; a thread that finds none takes the oldest one's place
 */
struct mkvm_refusals {
	struct ratelimit_state limit;
	raw_spinlock_t lock;
	u64 number;
	struct mkvm_refusal first;
	struct mkvm_refusal *more;
	unsigned int nr_more;
};

extern struct mkvm_refusals mkvm_node_refusals;

void mkvm_refusals_init(struct mkvm_refusals *refusals);
void mkvm_refusals_free(struct mkvm_refusals *refusals);
bool mkvm_refuse_said(struct mkvm_refusals *refusals, u64 began);
void mkvm_refusal_was(struct mkvm_refusals *refusals, u64 began, u32 cmd, int err);
bool mkvm_refusal_get(struct mkvm_refusals *refusals, struct minikvm_last_error *error);

/* @vm is NULL for the device node. */
__printf(2, 3) void mkvm_refuse(struct mkvm_vm *vm, const char *fmt, ...);

/* An ioctl begins: what this thread says from now on has a higher number than this. */
static inline u64 mkvm_refuse_begin(const struct mkvm_refusals *refusals)
{
	return READ_ONCE(refusals->number);
}

#endif
