// SPDX-License-Identifier: GPL-2.0-only
/*
 * The processor's own writes to descriptor tables in read-only memory.
 *
 * SDM, "Segment Descriptors": loading a segment register sets the descriptor's accessed bit, LTR
 * and task switches the busy bit. A guest whose table is in ROM relies on such a write having no
 * effect. Here it is an EPT violation of whatever made the processor write: an instruction, or the
 * delivery of an event, through gates and to any ring. None of these is emulated: the guest gets a
 * copy of the page to write to, executes one step, which the monitor trap flag ends (SDM, "Monitor
 * Trap Flag"), and the copy is thrown away. Relies on mmu/ept.h.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/kvm.h>
#include <linux/mm.h>

#include "arch/x86/exit/rom_write.h"
#include "arch/x86/insn/descriptor.h"
#include "arch/x86/insn/mmio.h"
#include "arch/x86/mmu/ept.h"
#include "arch/x86/vmx/vmx_vcpu.h"
#include "virt/arch.h"
#include "virt/guest_memory.h"

/* Is that linear address in the GDT or the LDT? */
static bool in_descriptor_table(struct mkvm_vcpu *vcpu, u64 linear)
{
	struct kvm_segment ldt;
	struct kvm_dtable gdt;

	vmx_get_table(vcpu, VMX_GDTR, &gdt);
	if (linear - gdt.base <= gdt.limit)
		return true;
	vmx_get_segment(vcpu, &ldt, SEG_LDTR);
	return !ldt.unusable && linear - ldt.base <= ldt.limit;
}

/* The copy of that page; made anew, or the one that another vCPU's read has put out of EPT. */
static struct page *get_copy(struct mkvm_vcpu *vcpu, gfn_t gfn)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	struct page *page;
	int i;

	for (i = 0; i < vcpu->arch.nr_rom_copies; i++) {
		if (vmx->rom_copy[i].gfn == gfn)
			return vmx->rom_copy[i].page;
	}
	if (i == ARRAY_SIZE(vmx->rom_copy))
		return NULL;
	page = alloc_page(GFP_KERNEL_ACCOUNT);
	if (!page)
		return NULL;
	if (mkvm_read_guest(vcpu->vm, gfn << PAGE_SHIFT, page_address(page), PAGE_SIZE)) {
		__free_page(page);
		return NULL;
	}
	vmx->rom_copy[i].gfn = gfn;
	vmx->rom_copy[i].page = page;
	vcpu->arch.nr_rom_copies++;
	return page;
}

/**
 * rom_write_step() - an EPT violation: does the processor itself write to a table in ROM?
 * @vcpu: loaded vCPU, vm->srcu read-held, process context
 * @linear: linear address of a write that was not made for a page walk
 * @gpa: its guest-physical address, in a read-only slot
 *
 * An instruction that writes there by an operand is not meant: its write goes to userspace.
 *
 * Return: 1 = enter the guest, for one step; 0 = this is something else; -ENOMEM.
 */
int rom_write_step(struct mkvm_vcpu *vcpu, u64 linear, gpa_t gpa)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	struct page *page;
	int ret;

	if (!in_descriptor_table(vcpu, linear) ||
	    !(vmx_caps.cpu_based & CPU_BASED_MONITOR_TRAP_FLAG))
		return 0;
	if (!vmx->idt_vectoring_valid && !mmio_loads_segment(vcpu))
		return 0;
	page = get_copy(vcpu, gpa >> PAGE_SHIFT);
	if (!page)
		return 0;
	ret = ept_map_page(vcpu->vm, gpa >> PAGE_SHIFT, page);
	if (ret)
		return ret;
	vmx_cpu_based_set(vmx, CPU_BASED_MONITOR_TRAP_FLAG);
	return 1;
}

/**
 * rom_write_forget() - the step is done, or KVM_RUN ends: the ROM is as it was
 * @vcpu: loaded vCPU, process context
 */
void rom_write_forget(struct mkvm_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	vmx_cpu_based_clear(vmx, CPU_BASED_MONITOR_TRAP_FLAG);
	while (vcpu->arch.nr_rom_copies) {
		struct vmx_rom_copy *copy = &vmx->rom_copy[--vcpu->arch.nr_rom_copies];

		arch_mmu_zap_range(vcpu->vm, copy->gfn, copy->gfn + 1, true);
		__free_page(copy->page);
	}
}
