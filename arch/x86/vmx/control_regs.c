// SPDX-License-Identifier: GPL-2.0-only
/*
 * CR0, CR3, CR4, EFER, DR7 and the MSR bitmap in the VMCS.
 *
 * SDM, "Guest/Host Masks and Read Shadows for CR0 and CR4", "MSR-Bitmap Address", "Exception
 * Bitmap". A bit that the guest owns changes without an exit; VMX fixes some bits, which the
 * guest sees through the read shadow as it wrote them.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/kvm.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/tlbflush.h>

#include "arch/x86/cpu/cpuid.h"
#include "arch/x86/vmx/vmx_vcpu.h"

/* No VMCS control depends on these, and no part of the module caches them. */
#define CR0_GUEST_OWNED		(X86_CR0_TS | X86_CR0_MP | X86_CR0_EM | X86_CR0_WP | X86_CR0_AM)
#define CR4_GUEST_OWNED_ALWAYS	(X86_CR4_VME | X86_CR4_PVI | X86_CR4_TSD | X86_CR4_DE | \
				 X86_CR4_PGE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT)
#define CR4_GUEST_OWNED_IF_ALLOWED \
	(X86_CR4_FSGSBASE | X86_CR4_SMEP | X86_CR4_SMAP | X86_CR4_PSE)

/* With unrestricted guest, PE and PG are free although CR0_FIXED0 says otherwise. */
static unsigned long cr0_must_be_1(void)
{
	return vmx_caps.cr0_fixed0 & ~(X86_CR0_PE | X86_CR0_PG);
}

static void write_pdptrs(struct mkvm_vcpu *vcpu)
{
	/* Only PAE paging uses them; VM entry loads them then (SDM, "Loading PDPTEs"). */
	if (!is_paging(vcpu) || !is_pae(vcpu) || is_long_mode(vcpu))
		return;
	vmcs_write64(GUEST_PDPTR0, vcpu->arch.pdptr[0]);
	vmcs_write64(GUEST_PDPTR1, vcpu->arch.pdptr[1]);
	vmcs_write64(GUEST_PDPTR2, vcpu->arch.pdptr[2]);
	vmcs_write64(GUEST_PDPTR3, vcpu->arch.pdptr[3]);
	reg_mark_available(vcpu, GREG_PDPTR);
}

/**
 * vmx_set_cr0() - store CR0
 * @vcpu: loaded vCPU
 * @cr0: the new value, which is valid; cr0_write() adds what follows from it in other rooms
 */
void vmx_set_cr0(struct mkvm_vcpu *vcpu, unsigned long cr0)
{
	vcpu->arch.cr0 = cr0;
	reg_mark_available(vcpu, GREG_CR0);
	/*
	 * CD and NW of a guest change nothing: its memory type comes from EPT. To set them in
	 * the real CR0 would disable the cache of the whole core.
	 */
	vmcs_write64(GUEST_CR0, (cr0 & ~(X86_CR0_CD | X86_CR0_NW)) | cr0_must_be_1());
	vmcs_write64(CR0_READ_SHADOW, cr0);
	write_pdptrs(vcpu);
}

/**
 * vmx_set_cr3() - store CR3
 * @vcpu: loaded vCPU
 * @cr3: the new value, which is valid; with PAE paging vcpu->arch.pdptr holds its PDPTEs
 */
void vmx_set_cr3(struct mkvm_vcpu *vcpu, unsigned long cr3)
{
	vcpu->arch.cr3 = cr3;
	reg_mark_available(vcpu, GREG_CR3);
	vmcs_write64(GUEST_CR3, cr3);
	write_pdptrs(vcpu);
}

/**
 * vmx_set_cr4() - store CR4
 * @vcpu: loaded vCPU
 * @cr4: the new value, which is valid
 */
void vmx_set_cr4(struct mkvm_vcpu *vcpu, unsigned long cr4)
{
	unsigned long real = cr4 | (vmx_caps.cr4_fixed0 & vmx_caps.cr4_fixed1);

	/* With MCE clear, a machine check while the guest runs would shut the processor down. */
	real = (real & ~X86_CR4_MCE) | (cr4_read_shadow() & X86_CR4_MCE);

	if (vmx_caps.umip_emulation) {
		/* The processor lacks the bit: SGDT and its like exit instead. */
		real &= ~X86_CR4_UMIP;
		if (cr4 & X86_CR4_UMIP)
			vmx_secondary_set(to_vmx(vcpu), SECONDARY_EXEC_DESC);
		else
			vmx_secondary_clear(to_vmx(vcpu), SECONDARY_EXEC_DESC);
	}
	vcpu->arch.cr4 = cr4;
	reg_mark_available(vcpu, GREG_CR4);
	vmcs_write64(GUEST_CR4, real);
	vmcs_write64(CR4_READ_SHADOW, cr4);
	write_pdptrs(vcpu);
}

/**
 * vmx_set_efer() - store IA32_EFER, and the control "IA-32e mode guest"
 * @vcpu: loaded vCPU
 * @efer: the new value, which is valid
 */
void vmx_set_efer(struct mkvm_vcpu *vcpu, u64 efer)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	vcpu->arch.efer = efer;
	vmcs_write64(GUEST_IA32_EFER, efer);
	if (efer & EFER_LMA)
		vmx_entry_set(vmx, VM_ENTRY_IA32E_MODE);
	else
		vmx_entry_clear(vmx, VM_ENTRY_IA32E_MODE);
	/* EFER.SCE decides whether the SYSCALL MSRs matter. */
	vmx->uret_loaded = false;
}

/**
 * vmx_set_dr7() - DR7 for the time in the guest
 * @vcpu: loaded vCPU
 * @dr7: the guest's own, or a debugger's
 */
void vmx_set_dr7(struct mkvm_vcpu *vcpu, unsigned long dr7)
{
	vmcs_write64(GUEST_DR7, dr7);
}

/**
 * vmx_get_dr7() - DR7 as the guest left it
 * @vcpu: loaded vCPU
 *
 * VM exit saves DR7 ("save debug controls"), so a guest that has the registers may change it.
 *
 * Return: its value.
 */
unsigned long vmx_get_dr7(struct mkvm_vcpu *vcpu)
{
	return vmcs_read64(GUEST_DR7);
}

/**
 * vmx_set_mov_dr_exiting() - does MOV DR exit?
 * @vcpu: loaded vCPU
 * @on: it does; otherwise the guest has the debug registers
 */
void vmx_set_mov_dr_exiting(struct mkvm_vcpu *vcpu, bool on)
{
	if (on)
		vmx_cpu_based_set(to_vmx(vcpu), CPU_BASED_MOV_DR_EXITING);
	else
		vmx_cpu_based_clear(to_vmx(vcpu), CPU_BASED_MOV_DR_EXITING);
}

/**
 * vmx_update_exception_bitmap() - which exceptions exit; vcpu->arch.guest_debug was updated
 * @vcpu: loaded vCPU
 */
void vmx_update_exception_bitmap(struct mkvm_vcpu *vcpu)
{
	/*
	 * #DB and #AC must exit always: a guest whose handler's stack raises the same exception
	 * again would otherwise keep the processor delivering it without end, interrupts ignored.
	 * #UD exits for the sake of VMMCALL.
	 */
	u32 bitmap = BIT(18) | BIT(17) | BIT(6) | BIT(1);

	if ((vcpu->arch.guest_debug & (KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP)) ==
	    (KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP))
		bitmap |= BIT(3);
	vmx_write_exceptions(to_vmx(vcpu), bitmap);
}

/**
 * vmx_write_tsc_offset() - the guest's TSC; vcpu->arch.tsc_offset or tsc_scaling_ratio was updated
 * @vcpu: loaded vCPU
 */
void vmx_write_tsc_offset(struct mkvm_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	vmcs_write64(TSC_OFFSET, vcpu->arch.tsc_offset);
	if (!vmx_caps.tsc_scaling)
		return;
	if (vcpu->arch.tsc_scaling_ratio && vcpu->arch.tsc_scaling_ratio != 1ull << 48) {
		vmx_secondary_set(vmx, SECONDARY_EXEC_TSC_SCALING);
		vmcs_write64(TSC_MULTIPLIER, vcpu->arch.tsc_scaling_ratio);
	} else {
		vmx_secondary_clear(vmx, SECONDARY_EXEC_TSC_SCALING);
	}
}

/**
 * vmx_msr_passthrough() - let the guest access an MSR without an exit, or stop that
 * @vcpu: the vCPU
 * @msr: index in one of the two ranges that the bitmap covers; others always exit
 * @access: which accesses
 * @on: pass through, or exit
 */
void vmx_msr_passthrough(struct mkvm_vcpu *vcpu, u32 msr, enum vmx_msr_access access, bool on)
{
	unsigned long *bitmap = to_vmx(vcpu)->msr_bitmap;
	unsigned int bit;

	/* SDM, "MSR-Bitmap Address": read low, read high, write low, write high, 1 KiB each. */
	if (msr < 0x2000)
		bit = msr;
	else if (msr >= 0xc0000000 && msr < 0xc0002000)
		bit = 0x400 * 8 + (msr & 0x1fff);
	else
		return;
	if (access & VMX_MSR_READ)
		assign_bit(bit, bitmap, !on);
	if (access & VMX_MSR_WRITE)
		assign_bit(bit + 0x800 * 8, bitmap, !on);
}

/*
 * Secondary controls that decide whether an instruction is there for the guest: SDM, "Changes to
 * Instruction Behavior in VMX Non-Root Operation". Each follows exactly the CPUID bits by which the
 * SDM enumerates its instructions, and no other: a guest may have INVPCID without PCID. A control
 * of the kind "enable" is set where the guest has one of the features, one of the kind "exiting"
 * where it has not: then the exit's handler raises #UD. UMONITOR's, ENCLV's and the like are never
 * set, and cpuid_supported.c offers none of these instructions.
 */
static const struct cpuid_control {
	u32 control;
	bool exiting;
	u16 feature, other;
} cpuid_controls[] = {
	{ SECONDARY_EXEC_ENABLE_RDTSCP, false, X86_FEATURE_RDTSCP, X86_FEATURE_RDPID },
	{ SECONDARY_EXEC_ENABLE_INVPCID, false, X86_FEATURE_INVPCID, X86_FEATURE_INVPCID },
	{ MINIKVM_EXEC_XSAVES, false, X86_FEATURE_XSAVES, X86_FEATURE_XSAVES },
	{ SECONDARY_EXEC_RDRAND_EXITING, true, X86_FEATURE_RDRAND, X86_FEATURE_RDRAND },
	{ SECONDARY_EXEC_RDSEED_EXITING, true, X86_FEATURE_RDSEED, X86_FEATURE_RDSEED },
};

static void follow_cpuid(struct mkvm_vcpu *vcpu)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cpuid_controls); i++) {
		const struct cpuid_control *c = &cpuid_controls[i];
		bool has = guest_cpuid_has(vcpu, c->feature) || guest_cpuid_has(vcpu, c->other);

		if (!(vmx_caps.secondary & c->control))
			continue;
		if (has != c->exiting)
			vmx_secondary_set(to_vmx(vcpu), c->control);
		else
			vmx_secondary_clear(to_vmx(vcpu), c->control);
	}
}

/**
 * vmx_cpuid_changed() - the guest's CPUID changed
 * @vcpu: loaded vCPU
 *
 * Chooses the guest-owned bits of CR0 and CR4 and the controls that follow CPUID.
 */
void vmx_cpuid_changed(struct mkvm_vcpu *vcpu)
{
	struct mkvm_arch_vcpu *arch = &vcpu->arch;
	unsigned long cr0 = cr0_read(vcpu), cr4 = cr4_read(vcpu);

	arch->cr0_guest_owned = CR0_GUEST_OWNED;
	arch->cr4_guest_owned = CR4_GUEST_OWNED_ALWAYS |
				(CR4_GUEST_OWNED_IF_ALLOWED & ~arch->cr4_guest_rsvd);
	/* What the guest may not set must exit, so that it gets its #GP. */
	arch->cr4_guest_owned &= ~arch->cr4_guest_rsvd;
	vmcs_write64(CR0_GUEST_HOST_MASK, ~arch->cr0_guest_owned);
	vmcs_write64(CR4_GUEST_HOST_MASK, ~arch->cr4_guest_owned);
	vmx_set_cr0(vcpu, cr0);
	vmx_set_cr4(vcpu, cr4);
	follow_cpuid(vcpu);
}

/**
 * vmx_spec_ctrl_switched() - is IA32_SPEC_CTRL saved and loaded around the guest?
 * @vcpu: the vCPU
 *
 * Return: true since the guest, or userspace, has put another value than 0 into it; then the guest
 * may have the register without exits.
 */
bool vmx_spec_ctrl_switched(struct mkvm_vcpu *vcpu)
{
	return to_vmx(vcpu)->enter_flags & VMX_ENTER_SPEC_CTRL;
}

/**
 * vmx_get_msr() - read an MSR that is in the VMCS or switched with the guest
 * @vcpu: loaded vCPU
 * @msr: one whose row of cpu/msr_table.c says MSR_VMX
 * @data: gets the value
 *
 * Return: 0, or -ENOENT for any other.
 */
int vmx_get_msr(struct mkvm_vcpu *vcpu, u32 msr, u64 *data)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	switch (msr) {
	case MSR_FS_BASE:
		*data = vmcs_read64(GUEST_FS_BASE);
		return 0;
	case MSR_GS_BASE:
		*data = vmcs_read64(GUEST_GS_BASE);
		return 0;
	case MSR_KERNEL_GS_BASE:
		preempt_disable();
		if (vmx->guest_state_loaded)
			rdmsrl(MSR_KERNEL_GS_BASE, vmx->guest_kernel_gs_base);
		*data = vmx->guest_kernel_gs_base;
		preempt_enable();
		return 0;
	case MSR_IA32_SYSENTER_CS:
		*data = vmcs_read32(GUEST_SYSENTER_CS);
		return 0;
	case MSR_IA32_SYSENTER_ESP:
		*data = vmcs_read64(GUEST_SYSENTER_ESP);
		return 0;
	case MSR_IA32_SYSENTER_EIP:
		*data = vmcs_read64(GUEST_SYSENTER_EIP);
		return 0;
	case MSR_STAR:
		*data = vmx->uret_msrs[URET_STAR];
		return 0;
	case MSR_LSTAR:
		*data = vmx->uret_msrs[URET_LSTAR];
		return 0;
	case MSR_CSTAR:
		*data = vmx->uret_msrs[URET_CSTAR];
		return 0;
	case MSR_SYSCALL_MASK:
		*data = vmx->uret_msrs[URET_SYSCALL_MASK];
		return 0;
	case MSR_TSC_AUX:
		*data = vmx->uret_msrs[URET_TSC_AUX];
		return 0;
	case MSR_IA32_DEBUGCTLMSR:
		*data = vmcs_read64(GUEST_IA32_DEBUGCTL);
		return 0;
	case MSR_IA32_SPEC_CTRL:
		*data = vmx->spec_ctrl;
		return 0;
	case MSR_IA32_CR_PAT:
		*data = vcpu->arch.pat;
		return 0;
	default:
		return -ENOENT;
	}
}

static void set_uret(struct vmx_vcpu *vmx, enum vmx_uret_msr which, u64 data)
{
	vmx->uret_msrs[which] = data;
	vmx->uret_loaded = false;
}

/**
 * vmx_set_msr() - write an MSR that is in the VMCS or switched with the guest
 * @vcpu: loaded vCPU
 * @msr: one whose row of cpu/msr_table.c says MSR_VMX
 * @data: value, which the caller has checked
 *
 * Return: 0, or -ENOENT for any other.
 */
int vmx_set_msr(struct mkvm_vcpu *vcpu, u32 msr, u64 data)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	switch (msr) {
	case MSR_FS_BASE:
		vmcs_write64(GUEST_FS_BASE, data);
		return 0;
	case MSR_GS_BASE:
		vmcs_write64(GUEST_GS_BASE, data);
		return 0;
	case MSR_KERNEL_GS_BASE:
		preempt_disable();
		vmx->guest_kernel_gs_base = data;
		if (vmx->guest_state_loaded)
			wrmsrl(MSR_KERNEL_GS_BASE, data);
		preempt_enable();
		return 0;
	case MSR_IA32_SYSENTER_CS:
		vmcs_write32(GUEST_SYSENTER_CS, data);
		return 0;
	case MSR_IA32_SYSENTER_ESP:
		vmcs_write64(GUEST_SYSENTER_ESP, data);
		return 0;
	case MSR_IA32_SYSENTER_EIP:
		vmcs_write64(GUEST_SYSENTER_EIP, data);
		return 0;
	case MSR_STAR:
		set_uret(vmx, URET_STAR, data);
		return 0;
	case MSR_LSTAR:
		set_uret(vmx, URET_LSTAR, data);
		return 0;
	case MSR_CSTAR:
		set_uret(vmx, URET_CSTAR, data);
		return 0;
	case MSR_SYSCALL_MASK:
		set_uret(vmx, URET_SYSCALL_MASK, data);
		return 0;
	case MSR_TSC_AUX:
		set_uret(vmx, URET_TSC_AUX, data);
		return 0;
	case MSR_IA32_DEBUGCTLMSR:
		vmcs_write64(GUEST_IA32_DEBUGCTL, data);
		return 0;
	case MSR_IA32_SPEC_CTRL:
		vmx->spec_ctrl = data;
		if (data && boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL))
			vmx->enter_flags |= VMX_ENTER_SPEC_CTRL;
		return 0;
	case MSR_IA32_CR_PAT:
		vcpu->arch.pat = data;
		vmcs_write64(GUEST_IA32_PAT, data);
		return 0;
	default:
		return -ENOENT;
	}
}

/**
 * vmx_flush_tlb() - invalidate this CPU's translations of the VM's EPT
 * @vcpu: loaded vCPU
 */
void vmx_flush_tlb(struct mkvm_vcpu *vcpu)
{
	invept(VMX_EPT_EXTENT_CONTEXT, (struct invept_desc){ vcpu->vm->arch.ept.eptp, 0 });
	vcpu->stats.tlb_flushes++;
}

/**
 * vmx_flush_tlb_guest() - invalidate the vCPU's own linear translations, as MOV to CR3 or CR4 must
 * @vcpu: loaded vCPU
 */
void vmx_flush_tlb_guest(struct mkvm_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	/* Without VPID every entry and exit flushes. */
	if (vmx->vpid)
		invvpid(VMX_VPID_EXTENT_SINGLE_CONTEXT, (struct invvpid_desc){ vmx->vpid, 0 });
}
