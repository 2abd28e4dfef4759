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
#include <linux/slab.h>
#include <linux/string.h>

#include "virt/refuse.h"
#include "virt/vm.h"

#define INTERVAL	(5 * HZ)
#define BURST_ONE	20	/* of one VM */
#define BURST_ALL	200

/* Threads of a VM whose last refusal is kept, beside the first of them. */
#define MORE_OF_VM	7

/* All processes share the device node: another one's refusals may take a thread's place. */
static struct mkvm_refusal node_more[63];

struct mkvm_refusals mkvm_node_refusals = {
	.limit = RATELIMIT_STATE_INIT(mkvm_node_refusals.limit, INTERVAL, BURST_ONE),
	.lock = __RAW_SPIN_LOCK_UNLOCKED(mkvm_node_refusals.lock),
	.more = node_more,
	.nr_more = ARRAY_SIZE(node_more),
};

static DEFINE_RATELIMIT_STATE(all_limit, INTERVAL, BURST_ALL);

/**
 * mkvm_refusals_init() - a VM is made: it has its whole share of the log
 * @refusals: the VM's, all 0
 */
void mkvm_refusals_init(struct mkvm_refusals *refusals)
{
	ratelimit_state_init(&refusals->limit, INTERVAL, BURST_ONE);
	raw_spin_lock_init(&refusals->lock);
}

/**
 * mkvm_refusals_free() - undo mkvm_refusals_init()
 * @refusals: the VM's, which no thread can reach any more
 */
void mkvm_refusals_free(struct mkvm_refusals *refusals)
{
	kfree(refusals->more);
}

static bool is_own(const struct mkvm_refusal *r)
{
	return r->by == current && r->started == current->start_time;
}

/* What is kept of this thread, or NULL. refusals->lock is held. */
static struct mkvm_refusal *find_own(struct mkvm_refusals *refusals)
{
	unsigned int i;

	if (is_own(&refusals->first))
		return &refusals->first;
	for (i = 0; i < refusals->nr_more; i++)
		if (is_own(&refusals->more[i]))
			return &refusals->more[i];
	return NULL;
}

/* Its place, or that of the oldest refusal. refusals->lock is held. */
static struct mkvm_refusal *own_place(struct mkvm_refusals *refusals)
{
	struct mkvm_refusal *r = find_own(refusals);
	unsigned int i;

	if (r)
		return r;
	r = &refusals->first;
	for (i = 0; i < refusals->nr_more; i++)
		if (refusals->more[i].number < r->number)
			r = &refusals->more[i];
	WRITE_ONCE(r->by, current);
	r->started = current->start_time;
	return r;
}

/*
 * Room for other threads' refusals, once there are two threads; NULL if it is there or not needed.
 * Without memory a thread takes another one's place. The caller may hold a spinlock.
 */
static struct mkvm_refusal *more_alloc(struct mkvm_refusals *refusals)
{
	const struct task_struct *first = READ_ONCE(refusals->first.by);

	if (READ_ONCE(refusals->more) || !first || first == current)
		return NULL;
	return kcalloc(MORE_OF_VM, sizeof(*refusals->more),
		       GFP_NOWAIT | __GFP_ACCOUNT | __GFP_NOWARN);
}

static void keep(struct mkvm_refusals *refusals, const char *text)
{
	struct mkvm_refusal *r, *more = more_alloc(refusals);
	unsigned long flags;

	raw_spin_lock_irqsave(&refusals->lock, flags);
	if (more && !refusals->more) {
		WRITE_ONCE(refusals->more, more);
		refusals->nr_more = MORE_OF_VM;
		more = NULL;
	}
	r = own_place(refusals);
	r->number = refusals->number + 1;
	WRITE_ONCE(refusals->number, r->number);
	/* Which ioctl, and with which errno, virt/ioctl.c says when it is over. */
	r->error.cmd = 0;
	r->error.error = 0;
	strscpy_pad(r->error.text, text, sizeof(r->error.text));
	raw_spin_unlock_irqrestore(&refusals->lock, flags);
	kfree(more);
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

	/* Most often KVM_RUN ends with EINTR, of which no thread says anything. */
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
