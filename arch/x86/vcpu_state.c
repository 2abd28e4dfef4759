// SPDX-License-Identifier: GPL-2.0-only
/*
 * Life of the processor state that is not VMX's.
 *
 * SDM, "Processor State After Reset" (the table "IA-32 and Intel 64 Processor States Following
 * Power-up, Reset, or INIT"). Calls each part in the order that their dependencies ask for.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "arch/x86/async_pf.h"
#include "arch/x86/cpuid.h"
#include "arch/x86/cr.h"
#include "arch/x86/debug.h"
#include "arch/x86/fpu.h"
#include "arch/x86/irq/lapic.h"
#include "arch/x86/msr.h"
#include "arch/x86/regs.h"
#include "arch/x86/pvclock.h"
#include "arch/x86/tsc.h"
#include "arch/x86/vcpu_state.h"
#include "arch/x86/vmx/vmx.h"

#define CR0_RESET	(X86_CR0_CD | X86_CR0_NW | X86_CR0_ET)
#define RIP_RESET	0xfff0ul
/* Family 6 in EDX, what processors leave there when CPUID was never set. */
#define RDX_RESET	0x600ul

void state_module_init(void)
{
	fpu_module_init();
	cpuid_module_init();
	msr_module_init();
}

void state_vm_init(struct mkvm_vm *vm)
{
	tsc_vm_init(vm);
	vm->arch.guest_can_read_platform_info = true;
	pvclock_vm_init(vm);
}

int state_vcpu_init(struct mkvm_vcpu *vcpu)
{
	int ret;

	ret = fpu_vcpu_init(vcpu);
	if (ret)
		return ret;
	ret = mce_vcpu_init(vcpu);
	if (ret) {
		fpu_vcpu_free(vcpu);
		return ret;
	}
	cpuid_vcpu_init(vcpu);
	msr_vcpu_init(vcpu);
	tsc_vcpu_init(vcpu);
	async_pf_vcpu_init(vcpu);
	return 0;
}

void state_vcpu_free(struct mkvm_vcpu *vcpu)
{
	cpuid_vcpu_free(vcpu);
	mce_vcpu_free(vcpu);
	fpu_vcpu_free(vcpu);
}

/* EDX after RESET is the processor's signature. */
static unsigned long rdx_after_reset(struct mkvm_vcpu *vcpu)
{
	int i;

	for (i = 0; i < vcpu->arch.cpuid_nent; i++) {
		if (vcpu->arch.cpuid[i].function == 1)
			return vcpu->arch.cpuid[i].eax;
	}
	return RDX_RESET;
}

void state_vcpu_reset(struct mkvm_vcpu *vcpu, bool init_event)
{
	unsigned long old_cr0 = cr0_read(vcpu);
	int reg;

	for (reg = GREG_RAX; reg <= GREG_R15; reg++)
		reg_write(vcpu, reg, 0);
	reg_write(vcpu, GREG_RDX, rdx_after_reset(vcpu));
	rip_write(vcpu, RIP_RESET);
	rflags_write(vcpu, X86_EFLAGS_FIXED);
	vcpu->arch.cr2 = 0;

	vmx_set_efer(vcpu, 0);
	/* INIT leaves CD and NW as they were. */
	vmx_set_cr0(vcpu, init_event ? X86_CR0_ET | (old_cr0 & (X86_CR0_CD | X86_CR0_NW)) :
				       CR0_RESET);
	vmx_set_cr3(vcpu, 0);
	vmx_set_cr4(vcpu, 0);
	mkvm_set_cr8(vcpu, 0);
	/* With an irqchip lapic_reset() did this. */
	if (!vcpu->arch.apic && !init_event)
		lapic_set_base(vcpu, LAPIC_DEFAULT_BASE | MSR_IA32_APICBASE_ENABLE |
				     (vcpu->arch.boot_vcpu ? MSR_IA32_APICBASE_BSP : 0), true);

	fpu_vcpu_reset(vcpu, init_event);
	msr_vcpu_reset(vcpu, init_event);
	debug_vcpu_reset(vcpu);
	if (!init_event)
		vmx_write_tsc_offset(vcpu);
	fpu_update_switch(vcpu);
	cpuid_update_runtime(vcpu);
	vmx_flush_tlb_guest(vcpu);
}
