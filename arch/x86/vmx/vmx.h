/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What VMX offers to the rooms above: the guest's registers, the life of a VMCS, and what the
 * processor can do.
 *
 * Only vmx/, event/, exit/ and the hot loop access VMCS fields; other rooms reach what is in them
 * by these functions. Unless said otherwise the vCPU is loaded on this CPU (mkvm_vcpu_load()).
 */
#ifndef MINIKVM_ARCH_X86_VMX_VMX_H
#define MINIKVM_ARCH_X86_VMX_VMX_H

#include "arch/x86/regs.h"
#include "virt/vcpu.h"

/* Segments and descriptor tables. */
void vmx_get_segment(struct mkvm_vcpu *vcpu, struct kvm_segment *var, int seg);
void vmx_set_segment(struct mkvm_vcpu *vcpu, const struct kvm_segment *var, int seg);
unsigned long vmx_get_segment_base(struct mkvm_vcpu *vcpu, int seg);
enum vmx_table { VMX_GDTR, VMX_IDTR };
void vmx_get_table(struct mkvm_vcpu *vcpu, enum vmx_table table, struct kvm_dtable *dt);
void vmx_set_table(struct mkvm_vcpu *vcpu, enum vmx_table table, const struct kvm_dtable *dt);

/* What the code that runs may do: privilege level, 64-bit code, CS.D. */
struct vmx_code {
	u8 cpl;
	bool l, d;
};

struct vmx_code vmx_get_code(struct mkvm_vcpu *vcpu);

/* Control registers. */
void vmx_set_cr0(struct mkvm_vcpu *vcpu, unsigned long cr0);
void vmx_set_cr3(struct mkvm_vcpu *vcpu, unsigned long cr3);
void vmx_set_cr4(struct mkvm_vcpu *vcpu, unsigned long cr4);
void vmx_set_efer(struct mkvm_vcpu *vcpu, u64 efer);
void vmx_cpuid_changed(struct mkvm_vcpu *vcpu);

/* Debug registers. */
unsigned long vmx_get_dr7(struct mkvm_vcpu *vcpu);
void vmx_set_dr7(struct mkvm_vcpu *vcpu, unsigned long dr7);
void vmx_set_mov_dr_exiting(struct mkvm_vcpu *vcpu, bool on);
void vmx_update_exception_bitmap(struct mkvm_vcpu *vcpu);

/* MSRs that are in the VMCS or switched with the guest; which need no exit. */
int vmx_get_msr(struct mkvm_vcpu *vcpu, u32 msr, u64 *data);
int vmx_set_msr(struct mkvm_vcpu *vcpu, u32 msr, u64 data);
enum vmx_msr_access { VMX_MSR_READ = 1, VMX_MSR_WRITE = 2, VMX_MSR_RW = 3 };
void vmx_msr_passthrough(struct mkvm_vcpu *vcpu, u32 msr, enum vmx_msr_access access, bool on);
bool vmx_spec_ctrl_switched(struct mkvm_vcpu *vcpu);
void vmx_write_tsc_offset(struct mkvm_vcpu *vcpu);

/* Module and vCPU. */
int vmx_module_init(void);
void vmx_module_exit(void);
int vmx_vcpu_create(struct mkvm_vcpu *vcpu);
void vmx_vcpu_destroy(struct mkvm_vcpu *vcpu);
bool vmx_vcpu_load(struct mkvm_vcpu *vcpu, int cpu);
void vmx_vcpu_put(struct mkvm_vcpu *vcpu);
void vmx_vcpu_reset(struct mkvm_vcpu *vcpu);

/* TLBs. */
void vmx_flush_tlb(struct mkvm_vcpu *vcpu);
void vmx_flush_tlb_guest(struct mkvm_vcpu *vcpu);

/* What this CPU can do, decided once at load. */
struct vmx_caps {
	u64 basic;
	u32 pin_based, cpu_based, secondary, entry, exit;
	u64 ept_vpid;
	bool ept_ad, ept_1g, ept_2m, ept_5level, ept_wb;
	bool vpid, invvpid_single, flexpriority, tpr_shadow, pml, tsc_scaling, preemption_timer;
	bool apicv, invpcid, rdtscp, xsaves, umip_emulation, host_counters;
	u8 preemption_timer_shift;
	u64 cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1;
	u64 cr4_possible;	/* what a guest can set: cr4_fixed1, and UMIP if it is emulated */
	u64 tsc_scaling_max;
};

extern struct vmx_caps vmx_caps;

#endif
