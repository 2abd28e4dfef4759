// SPDX-License-Identifier: GPL-2.0-only
/*
 * How an ioctl is carried out, whatever it is.
 *
 * KVM's ABI has an errno for a refusal and no word more. What a row asks for is checked here, and
 * the line in the log is made of the row. A function that finds another reason says it by
 * mkvm_refuse(); where it said nothing, its errno is explained here. So no refusal is silent.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/err.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>

#include "virt/arch.h"
#include "virt/ioctl.h"
#include "virt/last_error.h"

/* Arguments up to this size, most of them, are copied to the stack. */
#define SMALL_ARG	160

static const struct mkvm_ioctl_set *const *all_sets;

/**
 * mkvm_ioctl_init() - make the names of all ioctls known
 * @sets: the sets of all kinds of descriptors, NULL at the end
 */
void mkvm_ioctl_init(const struct mkvm_ioctl_set *const *sets)
{
	all_sets = sets;
}

static const struct mkvm_ioctl *find_in(const struct mkvm_ioctl *row, unsigned int cmd)
{
	if (!row)
		return NULL;
	while (row->cmd && row->cmd != cmd)
		row++;
	return row->cmd ? row : NULL;
}

static const struct mkvm_ioctl *find(const struct mkvm_ioctl_set *set, unsigned int cmd)
{
	return find_in(set->rows, cmd) ?: find_in(set->arch_rows, cmd);
}

/**
 * mkvm_check_needs() - is all so that must be so first?
 * @needs: the two rules of a row
 * @name: of the row
 * @call: the ioctl
 *
 * Return: 0, or the errno of the first rule that does not hold, with a line in the log.
 */
int mkvm_check_needs(const struct mkvm_need *needs, const char *name, const struct mkvm_call *call)
{
	unsigned int i;

	for (i = 0; i < 2 && needs[i].rule; i++) {
		if (likely(needs[i].rule->holds(call)))
			continue;
		mkvm_refuse(call->vm, "%s: %s", name, needs[i].rule->text);
		return needs[i].err;
	}
	return 0;
}

/*
 * Not around the copying, which userspace can make last as long as it likes: a change of the slots
 * waits for readers, and nothing interrupts it.
 */
static long call_in_srcu(const struct mkvm_ioctl *row, struct mkvm_call *call)
{
	int idx = srcu_read_lock(&call->vm->srcu);
	long ret = row->fn(call);

	srcu_read_unlock(&call->vm->srcu, idx);
	return ret;
}

/* The argument is copied by now, and is not copied back yet. */
static long carry_out(const struct mkvm_ioctl *row, struct mkvm_call *call)
{
	unsigned int around = row->around;
	long ret;

	if (around & MKVM_VM_LOCK)
		mutex_lock(&call->vm->lock);
	ret = row->needs[0].rule ? mkvm_check_needs(row->needs, row->name, call) : 0;
	if (!ret) {
		if (around & MKVM_LOADED)
			mkvm_vcpu_load(call->vcpu);
		ret = around & MKVM_SRCU ? call_in_srcu(row, call) : row->fn(call);
		if (around & MKVM_LOADED)
			mkvm_vcpu_put(call->vcpu);
	}
	if (around & MKVM_VM_LOCK)
		mutex_unlock(&call->vm->lock);
	return ret;
}

static noinline long copy_and_carry_out(const struct mkvm_ioctl *row, struct mkvm_call *call)
{
	void __user *user = mkvm_call_user(call);
	size_t size = max(row->in, row->out);
	/* What is used of it is filled below: the compiler need not clear it, too. */
	u64 small[SMALL_ARG / sizeof(u64)] compat_uninitialized;
	long ret = -EFAULT;

	call->data = small;
	if (size > sizeof(small)) {
		call->data = kmalloc(size, GFP_KERNEL);
		if (!call->data)
			return -ENOMEM;
	}
	/* So that no field left alone tells userspace anything. */
	if (row->in < size)
		memset(call->data + row->in, 0, size - row->in);
	/*
	 * call->data has @size bytes, which is all that hardened usercopy would find out: it asks
	 * where the size is not a constant, at 200 ticks a copy.
	 */
	if (!row->in || !_copy_from_user(call->data, user, row->in)) {
		ret = carry_out(row, call);
		if (!ret && row->out && _copy_to_user(user, call->data, row->out))
			ret = -EFAULT;
	}
	if (call->data != small)
		kfree(call->data);
	return ret;
}

/* -ENOIOCTLCMD: there is no such ioctl on this descriptor. */
static long dispatch(const struct mkvm_ioctl_set *set, struct mkvm_call *call)
{
	const struct mkvm_ioctl *row;
	bool locked;
	long ret;

	ret = call->vm ? mkvm_vm_may_use(call->vm) : 0;
	if (ret)
		return ret;
	row = find(set, call->cmd);
	if (!row)
		return -ENOIOCTLCMD;
	call->name = row->name;
	if ((row->around & MKVM_NO_ARG) && call->arg) {
		mkvm_refuse(call->vm, "%s: its argument must be 0, not 0x%lx", row->name,
			    call->arg);
		return -EINVAL;
	}
	locked = call->vcpu && !(row->around & MKVM_RUNNING);
	if (locked && mutex_lock_killable(&call->vcpu->mutex))
		return -EINTR;
	ret = row->in || row->out ? copy_and_carry_out(row, call) : carry_out(row, call);
	if (locked)
		mutex_unlock(&call->vcpu->mutex);
	return ret;
}

/**
 * mkvm_ioctl() - carry an ioctl out
 * @set: the ioctls of this kind of descriptor
 * @call: the ioctl
 *
 * Context: process; no lock held.
 * Return: its result, or an errno with a line in the log that says why.
 */
long mkvm_ioctl(const struct mkvm_ioctl_set *set, struct mkvm_call *call)
{
	long ret;

	if (unlikely(call->cmd == mkvm_any_ioctl.cmd))
		return mkvm_any_ioctl.fn(call);
	call->began = mkvm_refuse_begin(mkvm_refusals_of(call->vm));
	ret = dispatch(set, call);
	return unlikely(ret < 0) ? mkvm_ioctl_failed(set, call, ret) : ret;
}

static void unknown(const struct mkvm_ioctl_set *set, const struct mkvm_call *call)
{
	const struct mkvm_ioctl_set *const *other = all_sets;
	const struct mkvm_ioctl *row = NULL;

	for (; *other && !row; other++)
		row = find(*other, call->cmd);
	if (row)
		mkvm_refuse(call->vm, "%s: %s has no such ioctl, %s has", row->name, set->of,
			    other[-1]->of);
	else
		mkvm_refuse(call->vm, "ioctl 0x%x: %s has no such ioctl", call->cmd, set->of);
}

/* As mkvm_ioctl_failed(), which also remembers it. */
static long explain(const struct mkvm_ioctl_set *set, const struct mkvm_call *call, long err)
{
	const struct mkvm_ioctl *row = find(set, call->cmd);
	const char *name = row ? row->name : "ioctl";
	struct mkvm_vm *vm = call->vm;

	if (err == -ENOIOCTLCMD) {
		unknown(set, call);
		return set->unknown;
	}
	if (mkvm_refuse_said(mkvm_refusals_of(call->vm), call->began))
		return err;
	switch (err) {
	case -EINTR:
		break;
	case -EAGAIN:
		if (call->cmd != KVM_RUN)
			mkvm_refuse(vm, "%s: try again", name);
		break;
	case -EFAULT:
		mkvm_refuse(vm, "%s: its argument, or what that points to, cannot be read or written at 0x%lx",
			    name, call->arg);
		break;
	case -ENOMEM:
		mkvm_refuse(vm, "%s: no memory is left", name);
		break;
	case -EMFILE:
	case -ENFILE:
		mkvm_refuse(vm, "%s: no file descriptor is left", name);
		break;
	default:
		mkvm_refuse(vm, "%s: %pe, argument 0x%lx", name, ERR_PTR(err), call->arg);
	}
	return err;
}

/**
 * mkvm_ioctl_failed() - an ioctl was refused: see that the log says why, and keep it
 * @set: the ioctls of this kind of descriptor
 * @call: the ioctl
 * @err: its errno; -ENOIOCTLCMD: there is no such ioctl
 *
 * KVM_RUN's -EINTR and -EAGAIN, and a signal that came before an ioctl began, are no refusals: the
 * caller is to come again.
 *
 * Return: the errno for the caller.
 */
long mkvm_ioctl_failed(const struct mkvm_ioctl_set *set, const struct mkvm_call *call, long err)
{
	err = explain(set, call, err);
	mkvm_refusal_was(mkvm_refusals_of(call->vm), call->began, call->cmd, err);
	return err;
}
