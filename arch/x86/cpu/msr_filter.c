// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSR accesses that userspace filters or answers.
 *
 * KVM's ABI: KVM_X86_SET_MSR_FILTER (ranges with a bitmap of what is allowed) and
 * KVM_CAP_X86_USER_SPACE_MSR (which refused accesses become KVM_EXIT_X86_RDMSR and
 * KVM_EXIT_X86_WRMSR instead of #GP). x2APIC registers are never filtered. Relies on
 * msr_pass_update(), which lets through only what the filter allows.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/kvm.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/apicdef.h>

#include "arch/x86/cpu/msr.h"
#include "arch/x86/cpu/msr_filter.h"
#include "arch/x86/cpu/msr_table.h"
#include "arch/x86/event/inject.h"
#include "arch/x86/event/skip.h"
#include "arch/x86/regs.h"
#include "trace/kvm_x86_events.h"
#include "virt/vm.h"

#define MAX_BITMAP_BYTES	0x600

struct filter_range {
	u32 access, base, nmsrs;
	unsigned long *bitmap;
};

struct msr_filter {
	bool default_allow;
	u32 nr;
	struct filter_range range[KVM_MSR_FILTER_MAX_RANGES];
};

/* The first range that has @msr and @access decides. */
static bool filter_allows(const struct msr_filter *f, u32 msr, u32 access)
{
	u32 i;

	for (i = 0; i < f->nr; i++) {
		const struct filter_range *r = &f->range[i];
		u32 bit = msr - r->base;

		if ((r->access & access) && bit < r->nmsrs)
			return test_bit(array_index_nospec(bit, r->nmsrs), r->bitmap);
	}
	return f->default_allow;
}

static bool is_x2apic(u32 msr)
{
	return msr - APIC_BASE_MSR < 0x100;
}

/**
 * msr_filter_allows() - does userspace's filter let the guest access an MSR?
 * @vm: the VM
 * @msr: number
 * @access: KVM_MSR_FILTER_READ or KVM_MSR_FILTER_WRITE
 *
 * Return: true without a filter, too. Context: any.
 */
bool msr_filter_allows(struct mkvm_vm *vm, u32 msr, u32 access)
{
	struct msr_filter *f;
	bool allowed = true;
	int idx;

	if (!rcu_access_pointer(vm->arch.msr_filter) || is_x2apic(msr))
		return true;
	idx = srcu_read_lock(&vm->srcu);
	f = srcu_dereference(vm->arch.msr_filter, &vm->srcu);
	if (f)
		allowed = filter_allows(f, msr, access);
	srcu_read_unlock(&vm->srcu, idx);
	return allowed;
}

static void filter_free(struct msr_filter *f)
{
	u32 i;

	if (!f)
		return;
	for (i = 0; i < f->nr; i++)
		kfree(f->range[i].bitmap);
	kfree(f);
}

/* 0, -EINVAL, -EFAULT, -ENOMEM. A range without MSRs is none. */
static int append_range(struct mkvm_vm *vm, struct msr_filter *f,
			const struct kvm_msr_filter_range *user)
{
	struct filter_range *r = &f->range[f->nr];
	size_t size = BITS_TO_LONGS((u64)user->nmsrs) * sizeof(long);

	if (!user->nmsrs)
		return 0;
	if (user->flags & ~(KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE)) {
		mkvm_refuse(vm, "KVM_X86_SET_MSR_FILTER: a range has unknown flags 0x%x",
			    user->flags & ~(KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE));
		return -EINVAL;
	}
	if (size > MAX_BITMAP_BYTES) {
		mkvm_refuse(vm, "KVM_X86_SET_MSR_FILTER: a range of %u MSRs, at most %u",
			    user->nmsrs, MAX_BITMAP_BYTES * 8);
		return -EINVAL;
	}
	r->bitmap = memdup_user((void __user *)user->bitmap, size);
	if (IS_ERR(r->bitmap)) {
		mkvm_refuse(vm, "KVM_X86_SET_MSR_FILTER: cannot read the bitmap of %zu bytes",
			    size);
		return PTR_ERR(r->bitmap);
	}
	r->access = user->flags;
	r->base = user->base;
	r->nmsrs = user->nmsrs;
	f->nr++;
	return 0;
}

static struct msr_filter *build(struct mkvm_vm *vm, const struct kvm_msr_filter *args)
{
	struct msr_filter *f;
	unsigned int i;
	int err;

	f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);
	if (!f)
		return ERR_PTR(-ENOMEM);
	f->default_allow = !(args->flags & KVM_MSR_FILTER_DEFAULT_DENY);
	for (i = 0; i < ARRAY_SIZE(args->ranges); i++) {
		err = append_range(vm, f, &args->ranges[i]);
		if (err) {
			filter_free(f);
			return ERR_PTR(err);
		}
	}
	return f;
}

/* May the fast paths serve the row's register as if there were no filter? */
static bool row_is_allowed(const struct msr_filter *f, const struct msr_row *row)
{
	u32 msr;

	for (msr = row->first; msr <= row->last && !is_x2apic(msr); msr++)
		if ((row->fast_write && !filter_allows(f, msr, KVM_MSR_FILTER_WRITE)) ||
		    ((row->flags & MSR_FAST_READ) && !filter_allows(f, msr, KVM_MSR_FILTER_READ)))
			return false;
	return true;
}

/* May the fast paths go on as if there were no filter and no exits? Refused accesses come there. */
static void update_fast_path(struct mkvm_vm *vm, const struct msr_filter *f)
{
	bool slow = vm->arch.user_space_msr_mask & ~KVM_MSR_EXIT_REASON_FILTER;
	unsigned int i;

	for (i = 1; f && i < msr_table_rows; i++)
		slow |= !row_is_allowed(f, &msr_table[i]);
	WRITE_ONCE(vm->arch.msr_slow, slow);
}

/**
 * msr_filter_set_ioctl() - KVM_X86_SET_MSR_FILTER
 * @vm: the VM
 * @user: struct kvm_msr_filter; without any range the filter goes
 *
 * Return: 0, -EINVAL, -EFAULT, -ENOMEM. Context: takes vm->lock.
 */
long msr_filter_set_ioctl(struct mkvm_vm *vm, void __user *user)
{
	struct msr_filter *f = NULL, *old;
	struct kvm_msr_filter args;
	unsigned int i;
	bool empty = true;

	if (copy_from_user(&args, user, sizeof(args)))
		return -EFAULT;
	for (i = 0; i < ARRAY_SIZE(args.ranges); i++)
		empty &= !args.ranges[i].nmsrs;
	if (args.flags & ~KVM_MSR_FILTER_DEFAULT_DENY) {
		mkvm_refuse(vm, "KVM_X86_SET_MSR_FILTER: unknown flags 0x%x",
			    args.flags & ~KVM_MSR_FILTER_DEFAULT_DENY);
		return -EINVAL;
	}
	if (empty && (args.flags & KVM_MSR_FILTER_DEFAULT_DENY)) {
		mkvm_refuse(vm, "KVM_X86_SET_MSR_FILTER: all is denied, and no range allows any");
		return -EINVAL;
	}
	if (!empty) {
		f = build(vm, &args);
		if (IS_ERR(f))
			return PTR_ERR(f);
	}
	mutex_lock(&vm->lock);
	old = rcu_dereference_protected(vm->arch.msr_filter, lockdep_is_held(&vm->lock));
	rcu_assign_pointer(vm->arch.msr_filter, f);
	update_fast_path(vm, f);
	synchronize_srcu_expedited(&vm->srcu);
	mutex_unlock(&vm->lock);
	filter_free(old);
	/* The vCPUs' MSR bitmaps let through what the old filter allowed. */
	mkvm_make_all_request(vm, MKVM_REQ_MSR_PASS);
	return 0;
}

/**
 * msr_filter_destroy() - free the filter of a VM that goes
 * @vm: the VM, which has no user left
 */
void msr_filter_destroy(struct mkvm_vm *vm)
{
	filter_free(rcu_dereference_protected(vm->arch.msr_filter, true));
	RCU_INIT_POINTER(vm->arch.msr_filter, NULL);
}

/**
 * msr_exits_enable() - KVM_CAP_X86_USER_SPACE_MSR
 * @vm: the VM; vm->lock is held
 * @reasons: KVM_MSR_EXIT_REASON_*: refused accesses that go to userspace from now on
 *
 * Return: 0.
 */
int msr_exits_enable(struct mkvm_vm *vm, u64 reasons)
{
	vm->arch.user_space_msr_mask = reasons;
	update_fast_path(vm, rcu_dereference_protected(vm->arch.msr_filter,
						       lockdep_is_held(&vm->lock)));
	return 0;
}

/* If userspace wants exits for @reason, fill vcpu->run: true. */
static bool ask_userspace(struct mkvm_vcpu *vcpu, u32 exit, u32 reason, u64 data,
			  int (*complete)(struct mkvm_vcpu *vcpu))
{
	struct kvm_run *run = vcpu->run;

	if (!(READ_ONCE(vcpu->vm->arch.user_space_msr_mask) & reason))
		return false;
	run->exit_reason = exit;
	run->msr.error = 0;
	memset(run->msr.pad, 0, sizeof(run->msr.pad));
	run->msr.reason = reason;
	run->msr.index = reg_read(vcpu, GREG_RCX);
	run->msr.data = data;
	vcpu->arch.complete_userspace_io = complete;
	return true;
}

static int complete_access(struct mkvm_vcpu *vcpu)
{
	if (vcpu->run->msr.error)
		inject_gp(vcpu, 0);
	else
		skip_instruction(vcpu);
	return 1;
}

static int complete_read(struct mkvm_vcpu *vcpu)
{
	trace_kvm_msr(0, reg_read(vcpu, GREG_RCX), vcpu->run->msr.data, vcpu->run->msr.error);
	if (!vcpu->run->msr.error)
		edx_eax_write(vcpu, vcpu->run->msr.data);
	return complete_access(vcpu);
}

static u32 reason_for(int ret)
{
	return ret == MSR_UNKNOWN ? KVM_MSR_EXIT_REASON_UNKNOWN : KVM_MSR_EXIT_REASON_INVAL;
}

/**
 * msr_emulate_read() - the guest's RDMSR
 * @vcpu: loaded vCPU
 *
 * RIP moves behind the instruction, if userspace is asked in the next KVM_RUN.
 *
 * Return: 1 = go on, 0 = KVM_EXIT_X86_RDMSR, or -errno. Context: process context, vm->srcu
 * read-held.
 */
int msr_emulate_read(struct mkvm_vcpu *vcpu)
{
	u32 msr = reg_read(vcpu, GREG_RCX), reason = KVM_MSR_EXIT_REASON_FILTER;
	u64 data = 0;
	int ret = 1;

	if (msr_filter_allows(vcpu->vm, msr, KVM_MSR_FILTER_READ)) {
		ret = msr_get(vcpu, msr, &data, false);
		if (ret < 0)
			return ret;
		reason = reason_for(ret);
	}
	if (!ret) {
		trace_kvm_msr(0, msr, data, false);
		edx_eax_write(vcpu, data);
		skip_instruction(vcpu);
		return 1;
	}
	if (ask_userspace(vcpu, KVM_EXIT_X86_RDMSR, reason, 0, complete_read))
		return 0;
	trace_kvm_msr(0, msr, 0, true);
	inject_gp(vcpu, 0);
	return 1;
}

/**
 * msr_emulate_write() - the guest's WRMSR
 * @vcpu: loaded vCPU
 *
 * Return: 1 = go on, 0 = KVM_EXIT_X86_WRMSR, or -errno; all else as in msr_emulate_read().
 */
int msr_emulate_write(struct mkvm_vcpu *vcpu)
{
	u32 msr = reg_read(vcpu, GREG_RCX), reason = KVM_MSR_EXIT_REASON_FILTER;
	u64 data = edx_eax_read(vcpu);
	int ret = 1;

	if (msr_filter_allows(vcpu->vm, msr, KVM_MSR_FILTER_WRITE)) {
		ret = msr_set(vcpu, msr, data, false);
		if (ret < 0)
			return ret;
		reason = reason_for(ret);
	}
	if (!ret) {
		trace_kvm_msr(1, msr, data, false);
		skip_instruction(vcpu);
		return 1;
	}
	if (ask_userspace(vcpu, KVM_EXIT_X86_WRMSR, reason, data, complete_access))
		return 0;
	trace_kvm_msr(1, msr, data, true);
	inject_gp(vcpu, 0);
	return 1;
}
