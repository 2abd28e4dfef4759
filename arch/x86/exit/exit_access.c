// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accesses that exit: EPT violations and misconfigurations, the page-modification log, the APIC's
 * page, I/O instructions, INVLPG and INVPCID.
 *
 * SDM, "Exit Qualification for EPT Violations", "Page-Modification Logging", "Exit Qualification
 * for APIC-Access VM Exits", "Exit Qualification for I/O Instructions" and "Format of the VM-Exit
 * Instruction-Information Field as Used for INS and OUTS". A violation where there is no slot is
 * an access to a device. What the accesses do is in insn/ and mmu/.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/kvm.h>
#include <linux/mm.h>
#include <asm/apicdef.h>

#include "arch/x86/cpu/cpuid.h"
#include "arch/x86/cpu/cr.h"
#include "arch/x86/event/inject.h"
#include "arch/x86/event/interruptibility.h"
#include "arch/x86/event/skip.h"
#include "arch/x86/exit/apic_page.h"
#include "arch/x86/exit/exit_access.h"
#include "arch/x86/exit/operand.h"
#include "arch/x86/exit/rom_write.h"
#include "arch/x86/exit/table.h"
#include "arch/x86/insn/doorbell.h"
#include "arch/x86/insn/mmio.h"
#include "arch/x86/insn/pio.h"
#include "arch/x86/irq/lapic.h"
#include "arch/x86/mmu/ept.h"
#include "arch/x86/mmu/guest_walk.h"
#include "arch/x86/vmx/vmx_vcpu.h"
#include "trace/kvm_x86_events.h"
#include "virt/io_bus.h"
#include "virt/memslot.h"

#define EPT_QUAL_ACCESS(q)		((q) & GENMASK(5, 0))
#define EPT_QUAL_LINEAR_VALID		BIT(7)
#define EPT_QUAL_TRANSLATED		BIT(8)	/* the final access, not a walk */
#define EPT_QUAL_NMI_UNBLOCKED		BIT(12)

/* An access of the instruction's own, to where nothing is mapped: a read or a write. */
#define DOORBELL_QUAL		(EPT_QUAL_LINEAR_VALID | EPT_QUAL_TRANSLATED)
#define DOORBELL_QUAL_MASK	(DOORBELL_QUAL | EPT_FAULT_FETCH | EPT_FAULT_ALLOWED | \
				 EPT_QUAL_NMI_UNBLOCKED)

/*
 * An instruction that doorbell.c knows: no emulator, no memory slot. An EPT violation where the
 * LAPIC is finds its page not mapped, which is a matter of the slow path.
 */
static __always_inline int fast_doorbell(struct mkvm_vcpu *vcpu, gpa_t gpa, bool load,
					 bool apic_access)
{
	struct mkvm_doorbell *bell = doorbell_find(vcpu, gpa, vmx_rip(vcpu), load);
	int idx, ret = -EAGAIN;

	/* With breakpoints armed RF must be cleared behind the access, which the emulator does. */
	if (!bell || (bell->lapic && !apic_access && vmx_caps.flexpriority) ||
	    to_vmx(vcpu)->idt_vectoring_valid || !is_long_mode(vcpu) ||
	    unlikely(vcpu->arch.switch_db_regs) ||
	    !(vmcs_read32(GUEST_CS_AR_BYTES) & VMX_AR_L_MASK))
		return EXIT_SLOW;
	idx = srcu_read_lock(&vcpu->vm->srcu);
	if (doorbell_matches(vcpu, bell, gpa, vmcs_read64(GUEST_CR3)))
		ret = doorbell_execute(vcpu, bell, gpa);
	srcu_read_unlock(&vcpu->vm->srcu, idx);
	return ret == -EAGAIN ? EXIT_SLOW : ret;
}

static noinline int fast_device_violation(struct mkvm_vcpu *vcpu, gpa_t gpa)
{
	unsigned long qualification = vmcs_read64(EXIT_QUALIFICATION);

	if ((qualification & DOORBELL_QUAL_MASK) != DOORBELL_QUAL)
		return EXIT_SLOW;
	return fast_doorbell(vcpu, gpa, !(qualification & EPT_FAULT_WRITE), false);
}

int exit_fast_ept_violation(struct mkvm_vcpu *vcpu)
{
	gpa_t gpa = vmcs_read64(GUEST_PHYSICAL_ADDRESS);

	return unlikely(doorbell_page(vcpu, gpa)) ? fast_device_violation(vcpu, gpa) : EXIT_SLOW;
}

int exit_ept_violation(struct mkvm_vcpu *vcpu)
{
	unsigned long qualification = vmcs_read64(EXIT_QUALIFICATION);
	gpa_t gpa = vmcs_read64(GUEST_PHYSICAL_ADDRESS);
	bool hint, rom;
	int ret;

	/* An IRET that faulted had unblocked NMIs already. */
	if ((qualification & EPT_QUAL_NMI_UNBLOCKED) && !to_vmx(vcpu)->idt_vectoring_valid)
		event_set_nmi_mask(vcpu, true);

	ret = doorbell_execute_checked(vcpu, gpa);
	if (ret != -EAGAIN)
		return ret;
	vcpu->stats.ept_faults++;
	if (trace_kvm_page_fault_enabled())
		trace_kvm_page_fault(vcpu, gpa, qualification, vcpu->id, rip_read(vcpu));
	ret = ept_handle_fault(vcpu, gpa, EPT_QUAL_ACCESS(qualification));
	if (likely(ret == EPT_FAULT_FIXED))
		return 1;
	if (ret < 0)
		return ret;
	rom = ret == EPT_FAULT_ROM;
	ret = apic_page_map(vcpu, gpa);
	if (ret)
		return ret;
	hint = (qualification & EPT_QUAL_LINEAR_VALID) && (qualification & EPT_QUAL_TRANSLATED);
	if (unlikely(rom) && hint) {
		ret = rom_write_step(vcpu, vmcs_read64(GUEST_LINEAR_ADDRESS), gpa);
		if (ret)
			return ret;
	}
	/* An event cannot be delivered through a device. */
	if (to_vmx(vcpu)->idt_vectoring_valid)
		return exit_delivery_failed(vcpu);
	return mmio_emulate(vcpu, hint, qualification & EPT_FAULT_WRITE,
			    hint ? vmcs_read64(GUEST_LINEAR_ADDRESS) : 0, gpa);
}

int exit_ept_misconfig(struct mkvm_vcpu *vcpu)
{
	gpa_t gpa = vmcs_read64(GUEST_PHYSICAL_ADDRESS);

	if (to_vmx(vcpu)->idt_vectoring_valid)
		return exit_delivery_failed(vcpu);
	/* The module writes no such entry: this is memory corruption or a bug. */
	pr_err_ratelimited("vm %s vcpu %u: EPT misconfiguration at guest-physical 0x%llx\n",
			   vcpu->vm->name, vcpu->id, gpa);
	ept_dump_walk(vcpu->vm, gpa);
	return exit_unexpected(vcpu, "EPT entry that the SDM forbids");
}

/* The log is not empty. */
static noinline void copy_pml(struct mkvm_vcpu *vcpu, u16 index)
{
	/* The index counts down and wraps to FFFFh when the log is full. */
	const u64 *log = to_vmx(vcpu)->pml_log;
	int i;

	for (i = index >= VMX_PML_ENTRIES ? 0 : index + 1; i < VMX_PML_ENTRIES; i++)
		ept_log_dirty_gpa(vcpu, log[i]);
	vmcs_write16(GUEST_PML_INDEX, VMX_PML_ENTRIES - 1);
}

/**
 * exit_flush_pml() - copy the page-modification log to the dirty bitmaps
 * @vcpu: loaded vCPU, vm->srcu read-held
 */
void exit_flush_pml(struct mkvm_vcpu *vcpu)
{
	u16 index;

	if (!to_vmx(vcpu)->pml_log)
		return;
	index = vmcs_read16(GUEST_PML_INDEX);
	if (unlikely(index != VMX_PML_ENTRIES - 1))
		copy_pml(vcpu, index);
}

int exit_pml_full(struct mkvm_vcpu *vcpu)
{
	trace_kvm_pml_full(vcpu->id);
	if ((vmcs_read64(EXIT_QUALIFICATION) & EPT_QUAL_NMI_UNBLOCKED) &&
	    !to_vmx(vcpu)->idt_vectoring_valid)
		event_set_nmi_mask(vcpu, true);
	exit_flush_pml(vcpu);
	return 1;
}

#define APIC_QUAL_OFFSET(q)	((q) & 0xfff)
#define APIC_QUAL_TYPE(q)	(((q) >> 12) & 15)
#define APIC_TYPE_LINEAR_WRITE	1	/* 0 is a read */

static bool is_write(unsigned long qualification)
{
	return APIC_QUAL_TYPE(qualification) == APIC_TYPE_LINEAR_WRITE;
}

/* EOI is most of what an xAPIC guest does here, and its value does not matter; ICR comes next. */
int exit_fast_apic_access(struct mkvm_vcpu *vcpu)
{
	unsigned long qualification = vmcs_read64(EXIT_QUALIFICATION);
	gpa_t gpa;

	if (APIC_QUAL_TYPE(qualification) > APIC_TYPE_LINEAR_WRITE || !vcpu->arch.apic)
		return EXIT_SLOW;
	if (is_write(qualification) && APIC_QUAL_OFFSET(qualification) == APIC_EOI) {
		if (to_vmx(vcpu)->idt_vectoring_valid || !lapic_eoi_fast(vcpu))
			return EXIT_SLOW;
		return skip_instruction(vcpu);
	}
	gpa = (vcpu->arch.apic_base & PAGE_MASK) | APIC_QUAL_OFFSET(qualification);
	return fast_doorbell(vcpu, gpa, !is_write(qualification), true);
}

int exit_apic_access(struct mkvm_vcpu *vcpu)
{
	unsigned long qualification = vmcs_read64(EXIT_QUALIFICATION);
	u32 offset = APIC_QUAL_OFFSET(qualification);
	int ret;

	if (to_vmx(vcpu)->idt_vectoring_valid)
		return exit_delivery_failed(vcpu);
	ret = doorbell_execute_checked(vcpu, (vcpu->arch.apic_base & PAGE_MASK) | offset);
	if (ret != -EAGAIN)
		return ret;
	if (is_write(qualification) && offset == APIC_EOI && vcpu->arch.apic) {
		lapic_eoi(vcpu);
		return skip_instruction(vcpu);
	}
	/* A fetch, or a page walk through the APIC: let the emulator find out. */
	if (APIC_QUAL_TYPE(qualification) > APIC_TYPE_LINEAR_WRITE)
		return mmio_emulate(vcpu, false, false, 0, 0);
	return mmio_emulate_apic(vcpu, is_write(qualification), vcpu->arch.apic_base & PAGE_MASK,
				 offset);
}

#define IO_SIZE(q)	(((q) & 7) + 1)
#define IO_IN		BIT(3)
#define IO_STRING	BIT(4)
#define IO_REP		BIT(5)
#define IO_PORT(q)	((u16)((q) >> 16))

/* IN or OUT of one element, in any context; -EAGAIN when the device wants interrupts on. */
static int simple_io(struct mkvm_vcpu *vcpu, unsigned long qualification)
{
	u16 port = IO_PORT(qualification);
	int size = IO_SIZE(qualification);

	if (qualification & IO_IN)
		return pio_in(vcpu, port, size);
	return pio_out(vcpu, port, size);
}

static noinline int fast_device_io(struct mkvm_vcpu *vcpu, unsigned long qualification)
{
	int idx = srcu_read_lock(&vcpu->vm->srcu);
	int ret = simple_io(vcpu, qualification);

	srcu_read_unlock(&vcpu->vm->srcu, idx);
	return ret == -EAGAIN ? EXIT_SLOW : ret;
}

/*
 * Most devices can be spoken to with interrupts off, and so can userspace: its exit is only a
 * few words in the kvm_run page.
 */
int exit_fast_io(struct mkvm_vcpu *vcpu)
{
	unsigned long qualification = vmcs_read64(EXIT_QUALIFICATION);

	if (unlikely(qualification & IO_STRING))
		return EXIT_SLOW;
	if (mkvm_io_bus_misses(vcpu, MKVM_PIO_BUS, IO_PORT(qualification)))
		return pio_to_user(vcpu, qualification & IO_IN, IO_PORT(qualification),
				   IO_SIZE(qualification));
	return fast_device_io(vcpu, qualification);
}

int exit_io(struct mkvm_vcpu *vcpu)
{
	unsigned long qualification = vmcs_read64(EXIT_QUALIFICATION);
	int size = IO_SIZE(qualification);
	bool in = qualification & IO_IN;
	struct mkvm_pio_request req;
	u32 info;

	if (!(qualification & IO_STRING))
		return simple_io(vcpu, qualification);
	info = vmcs_read32(VMX_INSTRUCTION_INFO);
	req = (struct mkvm_pio_request) {
		.port = IO_PORT(qualification),
		.size = size,
		.addr_bytes = 2 << INFO_ADDRESS_SIZE(info),
		/* INS always stores to ES; the field has three bits for six registers. */
		.segment = in ? SEG_ES : min_t(u32, INFO_SEGMENT(info), SEG_GS),
		.string = true,
		.rep = qualification & IO_REP,
		.down = rflags_read(vcpu) & X86_EFLAGS_DF,
	};
	return pio_string(vcpu, in, &req);
}

/* INVLPG exiting is off; the row exists so that a control that forces it on works. */
int exit_invlpg(struct mkvm_vcpu *vcpu)
{
	vmx_flush_tlb_guest(vcpu);
	return skip_instruction(vcpu);
}

/* Exits with "INVLPG exiting" alone, which is off; without "enable INVPCID" it is undefined. */
int exit_invpcid(struct mkvm_vcpu *vcpu)
{
	if (!guest_cpuid_has(vcpu, X86_FEATURE_INVPCID)) {
		inject_ud(vcpu);
		return 1;
	}
	/* Flushing everything is always allowed. */
	vmx_flush_tlb_guest(vcpu);
	return skip_instruction(vcpu);
}
