// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why ioctls were refused: the lines in the log, how many there may be, and what is kept of them.
 *
 * An owner of a VM decides how often ioctls are refused, so both a VM and all of them together
 * have a limit: one VM's lines do not drown another's, and a thousand VMs do not drown the log. A
 * line names the check that failed and the value that it was about; no host address is in it.
 * The last one of each thread is kept, without a limit, for MINIKVM_GET_LAST_ERROR (last_error.c).
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/pid.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "virt/refuse.h"
#include "virt/vm.h"

#define INTERVAL	(5 * HZ)
#define BURST_ONE	20	/* of one VM */
#define BURST_ALL	200

/* All processes share the device node: another one's refusals may take a thread's place. */
static struct mkvm_refusal node_last[64];

struct mkvm_refusals mkvm_node_refusals = {
	.limit = RATELIMIT_STATE_INIT(mkvm_node_refusals.limit, INTERVAL, BURST_ONE),
	.lock = __RAW_SPIN_LOCK_UNLOCKED(mkvm_node_refusals.lock),
	.slots = ARRAY_SIZE(node_last),
	.last = node_last,
};

static DEFINE_RATELIMIT_STATE(all_limit, INTERVAL, BURST_ALL);

/**
 * mkvm_refusals_init() - a VM is made: it has its whole share of the log
 * @refusals: the VM's
 * @last: where the last refusals of its threads go, all 0
 * @slots: how many there is room for
 */
void mkvm_refusals_init(struct mkvm_refusals *refusals, struct mkvm_refusal *last,
			unsigned int slots)
{
	ratelimit_state_init(&refusals->limit, INTERVAL, BURST_ONE);
	raw_spin_lock_init(&refusals->lock);
	refusals->number = 0;
	refusals->last = last;
	refusals->slots = slots;
}

/* What is kept of this thread, or NULL. refusals->lock is held. */
static struct mkvm_refusal *find_own(struct mkvm_refusals *refusals)
{
	struct mkvm_refusal *r;

	for (r = refusals->last; r < refusals->last + refusals->slots; r++)
		if (r->by == current && r->started == current->start_time)
			return r;
	return NULL;
}

/* Its place, or that of the oldest refusal. refusals->lock is held. */
static struct mkvm_refusal *own_place(struct mkvm_refusals *refusals)
{
	struct mkvm_refusal *r = find_own(refusals), *other;

	if (r)
		return r;
	r = refusals->last;
	for (other = r; other < refusals->last + refusals->slots; other++)
		if (other->number < r->number)
			r = other;
	r->by = current;
	r->started = current->start_time;
	return r;
}

static void keep(struct mkvm_refusals *refusals, const char *text)
{
	struct mkvm_refusal *r;
	unsigned long flags;

	raw_spin_lock_irqsave(&refusals->lock, flags);
	r = own_place(refusals);
	r->number = refusals->number + 1;
	WRITE_ONCE(refusals->number, r->number);
	/* Which ioctl, and with which errno, virt/ioctl.c says when it is over. */
	r->error.cmd = 0;
	r->error.error = 0;
	strscpy_pad(r->error.text, text, sizeof(r->error.text));
	raw_spin_unlock_irqrestore(&refusals->lock, flags);
}

/* What this thread has said since @began, or NULL. refusals->lock is held. */
static struct mkvm_refusal *find_said(struct mkvm_refusals *refusals, u64 began)
{
	struct mkvm_refusal *r = find_own(refusals);

	return r && r->number > began ? r : NULL;
}

/**
 * mkvm_refuse_said() - has this thread's ioctl been explained?
 * @refusals: the VM's, or the node's
 * @began: what mkvm_refuse_begin() returned when it began
 *
 * Return: true if so. What other threads say meanwhile does not count.
 */
bool mkvm_refuse_said(struct mkvm_refusals *refusals, u64 began)
{
	unsigned long flags;
	bool said;

	/* Nobody said anything: KVM_RUN's EINTR, mostly. */
	if (READ_ONCE(refusals->number) == began)
		return false;
	raw_spin_lock_irqsave(&refusals->lock, flags);
	said = find_said(refusals, began);
	raw_spin_unlock_irqrestore(&refusals->lock, flags);
	return said;
}

/**
 * mkvm_refusal_was() - say which ioctl it was that this thread has explained, if it did
 * @refusals: the VM's, or the node's
 * @began: what mkvm_refuse_begin() returned when the ioctl began
 * @cmd: the ioctl
 * @err: its errno, negative
 */
void mkvm_refusal_was(struct mkvm_refusals *refusals, u64 began, u32 cmd, int err)
{
	struct mkvm_refusal *r;
	unsigned long flags;

	if (READ_ONCE(refusals->number) == began)
		return;
	raw_spin_lock_irqsave(&refusals->lock, flags);
	r = find_said(refusals, began);
	if (r) {
		r->error.cmd = cmd;
		r->error.error = -err;
	}
	raw_spin_unlock_irqrestore(&refusals->lock, flags);
}

/**
 * mkvm_refusal_get() - what is kept of this thread
 * @refusals: the VM's, or the node's
 * @error: filled
 *
 * Return: false if nothing is kept.
 */
bool mkvm_refusal_get(struct mkvm_refusals *refusals, struct minikvm_last_error *error)
{
	struct mkvm_refusal *r;
	unsigned long flags;

	raw_spin_lock_irqsave(&refusals->lock, flags);
	r = find_own(refusals);
	if (r)
		*error = r->error;
	raw_spin_unlock_irqrestore(&refusals->lock, flags);
	return r;
}

/**
 * mkvm_refuse() - say why an ioctl is refused
 * @vm: the VM that it is about, or NULL: the device node
 * @fmt: the ioctl, the check that failed and the value, without a newline
 *
 * Context: any.
 */
void mkvm_refuse(struct mkvm_vm *vm, const char *fmt, ...)
{
	struct mkvm_refusals *refusals = vm ? &vm->refusals : &mkvm_node_refusals;
	char text[MINIKVM_REASON_SIZE];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	keep(refusals, text);
	if (!__ratelimit(&refusals->limit) || !__ratelimit(&all_limit))
		return;
	if (vm)
		pr_notice("vm %s: %s\n", vm->name, text);
	else
		pr_notice("process %d: %s\n", task_tgid_nr(current), text);
}

/**
 * mkvm_vm_refuse_use() - say why the caller may not use a VM, see mkvm_vm_may_use()
 * @vm: the VM
 *
 * Return: -EIO.
 */
int mkvm_vm_refuse_use(struct mkvm_vm *vm)
{
	if (vm->mm != current->mm)
		mkvm_refuse(vm, "its memory is another process's: process %d can do nothing with it",
			    task_tgid_nr(current));
	else
		mkvm_refuse(vm, "it is dead: %s", READ_ONCE(vm->dead_reason) ?: "for no reason");
	return -EIO;
}
