// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steal time: how long a vCPU's thread wanted a CPU and had none, told to the guest.
 *
 * KVM's ABI: struct kvm_steal_time and MSR_KVM_STEAL_TIME. Its "preempted" byte also carries
 * KVM_VCPU_FLUSH_TLB, by which other vCPUs leave a TLB flush to a vCPU that does not run. Relies
 * on the scheduler's run_delay.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/kvm_para.h>
#include <linux/sched.h>
#include <linux/sched/stat.h>
#include <linux/uaccess.h>

#include "arch/x86/pv/steal_time.h"
#include "arch/x86/vmx/vmx.h"
#include "virt/guest_memory.h"

#define RESERVED_BITS	GENMASK_ULL(5, 1)

static gpa_t area(const struct mkvm_vcpu *vcpu)
{
	return vcpu->arch.steal_time_msr & ~(RESERVED_BITS | KVM_MSR_ENABLED);
}

/**
 * steal_time_write() - WRMSR of MSR_KVM_STEAL_TIME
 * @vcpu: loaded vCPU
 * @data: guest-physical address of the structure, and KVM_MSR_ENABLED
 *
 * Return: 0, or 1 = #GP.
 */
int steal_time_write(struct mkvm_vcpu *vcpu, u64 data)
{
	if (!sched_info_on() || (data & RESERVED_BITS))
		return 1;
	vcpu->arch.steal_time_msr = data;
	if (data & KVM_MSR_ENABLED) {
		vcpu->arch.last_run_delay = current->sched_info.run_delay;
		mkvm_make_request(MKVM_REQ_STEAL_UPDATE, vcpu);
	}
	return 0;
}

/**
 * steal_time_load() - the vCPU gets a CPU: ask for an update if it waited for one
 * @vcpu: the vCPU, whose guest wants to know
 *
 * Context: preemption off.
 */
void steal_time_load(struct mkvm_vcpu *vcpu)
{
	/* The thread may have waited between two KVM_RUNs: that is stolen, too. */
	if (vcpu->preempted || current->sched_info.run_delay != vcpu->arch.last_run_delay)
		mkvm_make_request(MKVM_REQ_STEAL_UPDATE, vcpu);
}

/* Take the "preempted" byte back; what others asked for meanwhile is done now. */
static void clear_preempted(struct mkvm_vcpu *vcpu, gpa_t gpa)
{
	u64 old = KVM_VCPU_PREEMPTED;
	int i;

	/* Each failure means that another vCPU has just set a bit: there are two. */
	for (i = 0; i < 4; i++) {
		int ret = mkvm_cmpxchg_guest(vcpu->vm, gpa, &old, 0, 1);

		if (ret != -EAGAIN) {
			if (!ret && (old & KVM_VCPU_FLUSH_TLB))
				vmx_flush_tlb_guest(vcpu);
			return;
		}
	}
}

/**
 * steal_time_update() - MKVM_REQ_STEAL_UPDATE: the vCPU runs again
 * @vcpu: the vCPU
 *
 * Context: vCPU thread, vm->srcu read-held.
 */
void steal_time_update(struct mkvm_vcpu *vcpu)
{
	u64 delay = current->sched_info.run_delay;
	struct mkvm_vm *vm = vcpu->vm;
	struct kvm_steal_time st;
	gpa_t gpa = area(vcpu);

	if (!(vcpu->arch.steal_time_msr & KVM_MSR_ENABLED) ||
	    mkvm_read_guest(vm, gpa, &st, offsetof(struct kvm_steal_time, preempted) + 1))
		return;
	if (st.preempted)
		clear_preempted(vcpu, gpa + offsetof(struct kvm_steal_time, preempted));
	/* Odd while it changes. */
	st.version = (st.version | 1) + (st.version & 1 ? 2 : 0);
	/* Another thread runs the vCPU now if it waited less. */
	if (delay > vcpu->arch.last_run_delay)
		st.steal += delay - vcpu->arch.last_run_delay;
	vcpu->arch.last_run_delay = delay;
	/* Its 64 bytes are aligned to as many: all of it can be written, or none. */
	if (mkvm_write_guest(vm, gpa + offsetof(struct kvm_steal_time, version), &st.version,
			     sizeof(st.version)))
		return;
	/* An odd version before what it covers. */
	smp_wmb();
	if (mkvm_write_guest(vm, gpa + offsetof(struct kvm_steal_time, steal), &st.steal,
			     sizeof(st.steal)))
		return;
	/* Then an even version. */
	smp_wmb();
	st.version++;
	mkvm_write_guest(vm, gpa + offsetof(struct kvm_steal_time, version), &st.version,
			 sizeof(st.version));
}

/**
 * steal_time_preempted() - the vCPU's thread is scheduled out
 * @vcpu: the vCPU, whose guest wants to know
 *
 * Context: preempt notifier.
 */
void steal_time_preempted(struct mkvm_vcpu *vcpu)
{
	gpa_t gpa = area(vcpu) + offsetof(struct kvm_steal_time, preempted);
	u8 preempted = KVM_VCPU_PREEMPTED;
	int idx;

	/* The scheduler called: a page that is not there stays so, it is only a hint. */
	pagefault_disable();
	idx = srcu_read_lock(&vcpu->vm->srcu);
	mkvm_write_guest(vcpu->vm, gpa, &preempted, sizeof(preempted));
	srcu_read_unlock(&vcpu->vm->srcu, idx);
	pagefault_enable();
}
