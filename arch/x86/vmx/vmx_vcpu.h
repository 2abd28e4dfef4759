/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Struct vmx_vcpu: what only the VMX code knows about a vCPU.
 *
 * Shared by the files of this directory. The copies of VMCS fields kept here exist so that
 * nothing is written to the VMCS that did not change.
 */
#ifndef MINIKVM_ARCH_X86_VMX_VMX_VCPU_H
#define MINIKVM_ARCH_X86_VMX_VMX_VCPU_H

#include <linux/list.h>
#include <asm/desc_defs.h>

#include "arch/x86/vmx/vmcs.h"
#include "arch/x86/vmx/vmx.h"
#include "virt/vcpu.h"

/* MSRs that SYSCALL and RDTSCP use: the host's values return before user mode does. */
enum vmx_uret_msr {
	URET_STAR, URET_LSTAR, URET_CSTAR, URET_SYSCALL_MASK, URET_TSC_AUX, NR_URET_MSRS
};

/* What failed when the guest was not entered. */
enum vmx_enter_result { VMX_ENTERED, VMX_ENTRY_VMFAIL, VMX_ENTRY_FAULT };

/* Flags of vmx_enter(). */
#define VMX_ENTER_LAUNCHED	BIT(0)	/* VMRESUME instead of VMLAUNCH */
#define VMX_ENTER_SPEC_CTRL	BIT(1)	/* the guest may write IA32_SPEC_CTRL itself */

#define VMX_PML_ENTRIES		512

/**
 * struct vmx_vcpu - a vCPU's VMCS and what is remembered of it
 * @host_rsp: HOST_RSP as it is in the VMCS; vmenter.S writes it only when it moves
 * @enter_flags: VMX_ENTER_*
 * @spec_ctrl: the guest's IA32_SPEC_CTRL, loaded and saved around the guest by vmenter.S
 * @spec_ctrl_host: what to put back
 * @vcpu: the vCPU
 * @vmcs: the region
 * @vmcs_pa: its physical address
 * @loaded_cpu: CPU on which the VMCS is active, or -1
 * @loaded_link: in that CPU's list of active VMCSs
 * @ran_on: CPUs in whose caches the guest's writes may still be, unseen by devices: to_cpumask()
 * @exit_reason: of the last exit, with bit 31 for a failed entry; bit 31 alone: no exit at all,
 *	VMLAUNCH or VMRESUME failed
 * @entry_result: then, how
 * @instruction_error: then, the VM-instruction error, if there is one
 * @failed_on_cpu: the host's CPU of the last entry that failed
 * @traced_tsc: the host's TSC at the last kvm_entry or kvm_exit that was traced
 * @vpid: tag of the guest's translations, 0 for none
 * @pin_based: copy of the VMCS's pin-based controls
 * @cpu_based: ... primary processor-based controls
 * @secondary: ... secondary processor-based controls
 * @entry_controls: ... VM-entry controls
 * @exit_controls: ... VM-exit controls
 * @exception_bitmap: ... exception bitmap
 * @tpr_threshold: ... TPR threshold
 * @preemption_timer_on: the VMX-preemption timer is to be set, or switched off, at the next entry
 * @host_cr3: copy of HOST_CR3
 * @host_cr4: copy of HOST_CR4
 * @host_fs_base: copy of HOST_FS_BASE
 * @host_gs_base: copy of HOST_GS_BASE
 * @host_sel: the host's FS, GS, DS and ES while the guest's state is loaded
 * @host_ldt: the host's LDTR, likewise
 * @host_gdt: the host's GDTR with its true limit
 * @eptp: copy of EPT_POINTER
 * @msr_bitmap: the page of the MSR bitmap
 * @virtual_apic_page: the page of the virtual APIC, or NULL
 * @guest_state_loaded: the guest's FS, GS and KERNEL_GS_BASE are in the CPU (msr_switch.c)
 * @guest_kernel_gs_base: the guest's KERNEL_GS_BASE while it is not
 * @host_kernel_gs_base: the host's, while the guest's is
 * @uret_msrs: the guest's values of enum vmx_uret_msr
 * @uret_loaded: these are in the CPU
 * @uret_used: these, or older ones, are in the CPU
 * @event_injected: the last entry carried an event
 * @idt_vectoring_valid: the last exit interrupted the delivery of an event
 * @pml_log: page-modification log, a page, or NULL
 * @rom_copy: pages of ROM that one step may write (rom_write.c); vcpu->arch.nr_rom_copies
 * @broken_field: a field that a test has broken, for one entry (break_field.h)
 */
struct vmx_vcpu {
	unsigned long host_rsp;
	unsigned long enter_flags;
	u64 spec_ctrl;
	u64 spec_ctrl_host;

	struct mkvm_vcpu *vcpu;
	struct vmcs *vmcs;
	u64 vmcs_pa;
	int loaded_cpu;
	struct list_head loaded_link;
	u32 exit_reason;
	enum vmx_enter_result entry_result;
	u32 instruction_error;
	int failed_on_cpu;
	u64 traced_tsc;
	u16 vpid;

	u32 pin_based, cpu_based, secondary, entry_controls, exit_controls;
	u32 exception_bitmap;
	u32 tpr_threshold;
	bool preemption_timer_on;
	unsigned long host_cr3, host_cr4;
	unsigned long host_fs_base, host_gs_base;
	union host_selectors {
		struct { u16 fs, gs, ds, es; };
		u64 all;
	} host_sel;
	u16 host_ldt;
	struct desc_ptr host_gdt;
	u64 eptp;
	unsigned long *msr_bitmap;
	void *virtual_apic_page;

	bool guest_state_loaded;
	u64 guest_kernel_gs_base, host_kernel_gs_base;
	u64 uret_msrs[NR_URET_MSRS];
	bool uret_loaded, uret_used;

	bool event_injected;
	bool idt_vectoring_valid;

	u64 *pml_log;
	struct vmx_rom_copy { gfn_t gfn; struct page *page; } rom_copy[4];
	struct { bool armed; u32 encoding; u64 value, saved; } broken_field;
	unsigned long ran_on[];
};

static inline struct vmx_vcpu *to_vmx(struct mkvm_vcpu *vcpu)
{
	return vcpu->arch.vmx;
}

/*
 * RIP and RFLAGS for the fast handlers: rip_read() and rflags_read() do the same, but call a
 * function for the VMREAD.
 */
static __always_inline unsigned long vmx_rip(struct mkvm_vcpu *vcpu)
{
	if (!(vcpu->arch.regs_avail & BIT(GREG_RIP))) {
		vcpu->arch.regs[GREG_RIP] = vmcs_read64(GUEST_RIP);
		reg_mark_available(vcpu, GREG_RIP);
	}
	return vcpu->arch.regs[GREG_RIP];
}

static __always_inline unsigned long vmx_rflags(struct mkvm_vcpu *vcpu)
{
	if (!(vcpu->arch.regs_avail & BIT(GREG_RFLAGS))) {
		vcpu->arch.rflags = vmcs_read64(GUEST_RFLAGS);
		reg_mark_available(vcpu, GREG_RFLAGS);
	}
	return vcpu->arch.rflags;
}

/* vmx_get_code().l alone, with one VMREAD. */
static __always_inline bool vmx_in_64bit_code(struct mkvm_vcpu *vcpu)
{
	return is_long_mode(vcpu) && (vmcs_read32(GUEST_CS_AR_BYTES) & VMX_AR_L_MASK);
}

/* Control words: write only a change. */
#define VMX_CONTROL(name, field, member)						\
static inline void vmx_write_##name(struct vmx_vcpu *vmx, u32 value)		\
{										\
	if (vmx->member == value)						\
		return;							\
	vmx->member = value;							\
	vmcs_write32(field, value);						\
}										\
static inline void vmx_##name##_set(struct vmx_vcpu *vmx, u32 bits)		\
{										\
	vmx_write_##name(vmx, vmx->member | bits);				\
}										\
static inline void vmx_##name##_clear(struct vmx_vcpu *vmx, u32 bits)		\
{										\
	vmx_write_##name(vmx, vmx->member & ~(bits));				\
}

VMX_CONTROL(pin, PIN_BASED_VM_EXEC_CONTROL, pin_based)
VMX_CONTROL(cpu_based, CPU_BASED_VM_EXEC_CONTROL, cpu_based)
VMX_CONTROL(secondary, SECONDARY_VM_EXEC_CONTROL, secondary)
VMX_CONTROL(entry, VM_ENTRY_CONTROLS, entry_controls)
VMX_CONTROL(exit, VM_EXIT_CONTROLS, exit_controls)
VMX_CONTROL(exceptions, EXCEPTION_BITMAP, exception_bitmap)

/* vmenter.S: enum vmx_enter_result. Interrupts off. */
int vmx_enter(struct vmx_vcpu *vmx, unsigned long *regs);
extern char vmx_exit_point[];
/* vmenter.S: call an interrupt gate of the host's as the processor does. Interrupts off. */
void vmx_call_gate(unsigned long handler);

/* setup.c: module option; 0 = the preemption timer serves the LAPIC's timer only. */
extern unsigned int vmx_entry_timer_ticks;

#endif
