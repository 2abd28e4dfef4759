// SPDX-License-Identifier: GPL-2.0-only
/*
 * What x86 adds to the statistics of a VM and a vCPU.
 *
 * KVM's ABI, KVM_GET_STATS_FD: counters of KVM's that are exits of one reason (SDM, "VMX Basic Exit
 * Reasons") are read from where those are counted. Memory is that of EPT and of a vCPU's pages; the
 * state before SIPI is the SDM's "MP initialization protocol".
 */
#include <linux/kvm.h>
#include <linux/kernel.h>

#include "arch/x86/vmx/explain/exit_reason.h"
#include "virt/arch.h"

static_assert(MKVM_NR_EXIT_REASONS == NR_EXIT_REASONS);

#define EXITS(text, reason)	MKVM_COUNTER(text, exits_by_reason[reason])

const struct mkvm_stat arch_vcpu_stats[] = {
	EXITS("io_exits", EXIT_REASON_IO_INSTRUCTION),
	EXITS("irq_exits", EXIT_REASON_EXTERNAL_INTERRUPT),
	EXITS("irq_window_exits", EXIT_REASON_INTERRUPT_WINDOW),
	EXITS("nmi_window_exits", EXIT_REASON_NMI_WINDOW),
	EXITS("invlpg", EXIT_REASON_INVLPG),
	EXITS("hypercalls", EXIT_REASON_VMCALL),
	{ }
};

const char *arch_exit_reason_name(u32 reason)
{
	return exit_reason_known(reason) ? exit_reason_name(reason) : NULL;
}

u64 arch_mmu_table_bytes(struct mkvm_vm *vm)
{
	return (u64)atomic_long_read(&vm->arch.ept.pages) << PAGE_SHIFT;
}

/* Two VMCS-sized pages (VMCS, MSR bitmap), the FPU's state, the LAPIC's registers. */
u64 arch_vcpu_bytes(struct mkvm_vcpu *vcpu)
{
	u64 fpu = vcpu->arch.guest_fpu.fpstate ? vcpu->arch.guest_fpu.fpstate->size : 0;

	return 2 * PAGE_SIZE + fpu + (vcpu->arch.apic ? PAGE_SIZE : 0) +
	       vcpu->arch.cpuid_nent * sizeof(*vcpu->arch.cpuid);
}

/* INIT puts a vCPU there, and all but the first begin there. */
bool arch_vcpu_waits_for_start(struct mkvm_vcpu *vcpu)
{
	u32 mp_state = READ_ONCE(vcpu->arch.mp_state);

	return mp_state == KVM_MP_STATE_UNINITIALIZED || mp_state == KVM_MP_STATE_INIT_RECEIVED;
}
