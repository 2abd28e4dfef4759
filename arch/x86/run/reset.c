// SPDX-License-Identifier: GPL-2.0-only
/*
 * Power-up, RESET and INIT: one table that both read.
 *
 * SDM volume 3, "Processor State After Reset", the table "IA-32 and Intel 64 Processor States
 * Following Power-up, Reset, or INIT". A row says where the register is, what RESET puts into it,
 * and which of its bits INIT leaves as they were. The registers of the local APIC are in
 * lapic_reset(); what only VMX has (activity state, interruptibility) is in vmx_vcpu_reset().
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "arch/x86/cpu/cpuid.h"
#include "arch/x86/cpu/cr.h"
#include "arch/x86/cpu/fpu.h"
#include "arch/x86/cpu/msr.h"
#include "arch/x86/event/debug.h"
#include "arch/x86/event/inject.h"
#include "arch/x86/irq/lapic.h"
#include "arch/x86/pv/async_pf.h"
#include "arch/x86/regs.h"
#include "arch/x86/run/reset.h"
#include "arch/x86/vmx/vmx.h"

/* Where a row's register is; @which of struct reset_row says which of that kind. */
enum reset_kind {
	RESET_GPR,		/* enum mkvm_reg */
	RESET_SIGNATURE,	/* EDX: CPUID.1:EAX, or the row's value before KVM_SET_CPUID2 */
	RESET_RIP,
	RESET_RFLAGS,
	RESET_CR,		/* its number */
	RESET_EFER,
	RESET_SEGMENT,		/* enum mkvm_seg; @segment */
	RESET_GDTR,		/* @segment: base and limit */
	RESET_IDTR,
	RESET_DR,		/* its number */
	RESET_FPU,		/* x87, MMX, SSE, AVX, AVX-512: all initial */
	RESET_TSC,		/* goes on from what tsc_vcpu_init() decided */
	RESET_MSRS,		/* msr_vcpu_reset() */
	RESET_FIELD,		/* offset in struct mkvm_arch_vcpu; @len bytes, a u64 or all 0 */
};

/* INIT leaves the whole register as it was. */
#define KEPT	(~0ull)

/**
 * struct reset_row - a register over power-up, RESET and INIT
 * @kind: where it is
 * @which: which of that kind
 * @len: RESET_FIELD: its bytes
 * @reset: its value after power-up and RESET
 * @kept: bits that INIT leaves as they were; the others get those of @reset
 * @segment: instead of @reset
 */
struct reset_row {
	u8 kind;
	u32 which;
	u32 len;
	u64 reset;
	u64 kept;
	const struct kvm_segment *segment;
};

static const struct kvm_segment code_segment = {
	.base = 0xffff0000, .limit = 0xffff, .selector = 0xf000,
	.type = 11, .present = 1, .s = 1,
};

static const struct kvm_segment data_segment = { .limit = 0xffff, .type = 3, .present = 1, .s = 1 };

/* VM entry wants a busy TSS, and 11 is what KVM gives: a 32-bit one. */
static const struct kvm_segment task_segment = { .limit = 0xffff, .type = 11, .present = 1 };

static const struct kvm_segment ldt_segment = { .limit = 0xffff, .type = 2, .present = 1 };

static const struct kvm_segment descriptor_table = { .limit = 0xffff };

#define GPR(reg)		{ RESET_GPR, reg }
#define CR(nr, value, bits)	{ RESET_CR, nr, .reset = value, .kept = bits }
#define SEGMENT(reg, value)	{ RESET_SEGMENT, reg, .segment = value }
#define DR(nr, value)		{ RESET_DR, nr, .reset = value }
#define FIELD(member, value, bits)						\
	{ RESET_FIELD, offsetof(struct mkvm_arch_vcpu, member),			\
	  sizeof_field(struct mkvm_arch_vcpu, member), value, bits }

/* In an order in which each row finds what it depends on: EFER before CR0, CR0 before CR4. */
static const struct reset_row rows[] = {
	GPR(GREG_RAX), GPR(GREG_RBX), GPR(GREG_RCX), GPR(GREG_RSI), GPR(GREG_RDI),
	GPR(GREG_RBP), GPR(GREG_RSP), GPR(GREG_R8), GPR(GREG_R9), GPR(GREG_R10),
	GPR(GREG_R11), GPR(GREG_R12), GPR(GREG_R13), GPR(GREG_R14), GPR(GREG_R15),
	{ RESET_SIGNATURE, GREG_RDX, .reset = 0x600 },
	{ RESET_RIP, .reset = 0xfff0 },
	{ RESET_RFLAGS, .reset = X86_EFLAGS_FIXED },

	{ RESET_EFER },
	CR(0, X86_CR0_CD | X86_CR0_NW | X86_CR0_ET, X86_CR0_CD | X86_CR0_NW),
	CR(2, 0, 0), CR(3, 0, 0), CR(4, 0, 0), CR(8, 0, 0),

	SEGMENT(SEG_CS, &code_segment), SEGMENT(SEG_SS, &data_segment),
	SEGMENT(SEG_DS, &data_segment), SEGMENT(SEG_ES, &data_segment),
	SEGMENT(SEG_FS, &data_segment), SEGMENT(SEG_GS, &data_segment),
	SEGMENT(SEG_TR, &task_segment), SEGMENT(SEG_LDTR, &ldt_segment),
	{ RESET_GDTR, .segment = &descriptor_table },
	{ RESET_IDTR, .segment = &descriptor_table },

	DR(0, 0), DR(1, 0), DR(2, 0), DR(3, 0),
	/* Bits that read as 1 are set by debug_set_dr(). */
	DR(6, 0), DR(7, 0),

	/* FCW is 37FH after RESET, see fpu_vcpu_reset(). */
	{ RESET_FPU, .kept = KEPT },
	FIELD(xcr0, XFEATURE_MASK_FP, KEPT),
	FIELD(pkru, 0, KEPT),

	{ RESET_TSC, .kept = KEPT },
	/* Each MSR's row of cpu/msr_table.c says what becomes of it. */
	{ RESET_MSRS },
	FIELD(pv_unhalted, 0, 0),
};

static u32 cpuid_signature(struct mkvm_vcpu *vcpu, u32 otherwise)
{
	int i;

	for (i = 0; i < vcpu->arch.cpuid_nent; i++) {
		if (vcpu->arch.cpuid[i].function == 1)
			return vcpu->arch.cpuid[i].eax;
	}
	return otherwise;
}

static void reset_cr(struct mkvm_vcpu *vcpu, const struct reset_row *row, bool init_event)
{
	u64 value = row->reset;

	switch (row->which) {
	case 0:
		if (init_event)
			value = (value & ~row->kept) | (cr0_read(vcpu) & row->kept);
		cr0_write(vcpu, value);
		break;
	case 2:
		cr2_write(vcpu, value);
		break;
	case 3:
		vmx_set_cr3(vcpu, value);
		break;
	case 4:
		vmx_set_cr4(vcpu, value);
		break;
	case 8:
		cr8_set(vcpu, value);
		break;
	}
}

static void reset_field(struct mkvm_vcpu *vcpu, const struct reset_row *row)
{
	void *field = (char *)&vcpu->arch + row->which;

	if (row->len == sizeof(u64))
		*(u64 *)field = row->reset;
	else
		memset(field, 0, row->len);
}

static void reset_table(struct mkvm_vcpu *vcpu, const struct reset_row *row, enum vmx_table which)
{
	struct kvm_dtable table = { .base = row->segment->base, .limit = row->segment->limit };

	vmx_set_table(vcpu, which, &table);
}

static void reset_row(struct mkvm_vcpu *vcpu, const struct reset_row *row, bool init_event)
{
	if (init_event && row->kept == KEPT)
		return;
	switch ((enum reset_kind)row->kind) {
	case RESET_GPR:
		reg_write(vcpu, row->which, row->reset);
		break;
	case RESET_SIGNATURE:
		reg_write(vcpu, row->which, cpuid_signature(vcpu, row->reset));
		break;
	case RESET_RIP:
		rip_write(vcpu, row->reset);
		break;
	case RESET_RFLAGS:
		rflags_write(vcpu, row->reset);
		break;
	case RESET_CR:
		reset_cr(vcpu, row, init_event);
		break;
	case RESET_EFER:
		vmx_set_efer(vcpu, row->reset);
		break;
	case RESET_SEGMENT:
		vmx_set_segment(vcpu, row->segment, row->which);
		break;
	case RESET_GDTR:
		reset_table(vcpu, row, VMX_GDTR);
		break;
	case RESET_IDTR:
		reset_table(vcpu, row, VMX_IDTR);
		break;
	case RESET_DR:
		debug_set_dr(vcpu, row->which, row->reset);
		break;
	case RESET_FPU:
		fpu_vcpu_reset(vcpu);
		break;
	case RESET_TSC:
		vmx_write_tsc_offset(vcpu);
		break;
	case RESET_MSRS:
		msr_vcpu_reset(vcpu, init_event);
		break;
	case RESET_FIELD:
		reset_field(vcpu, row);
		break;
	}
}

static void reset_registers(struct mkvm_vcpu *vcpu, bool init_event)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		reset_row(vcpu, &rows[i], init_event);
	/* With an irqchip lapic_reset() did this. */
	if (!vcpu->arch.apic && !init_event)
		lapic_set_base(vcpu, LAPIC_DEFAULT_BASE | MSR_IA32_APICBASE_ENABLE |
				     (vcpu->arch.boot_vcpu ? MSR_IA32_APICBASE_BSP : 0), true);
	fpu_update_switch(vcpu);
	cpuid_update_runtime(vcpu);
	vmx_flush_tlb_guest(vcpu);
}

/**
 * reset_vcpu() - the state after power-up, RESET or INIT
 * @vcpu: loaded vCPU; its VMCS exists
 * @init_event: INIT: caches, FPU and most MSRs keep their contents. Otherwise power-up, which is
 *	the only RESET that there is: userspace that wants another sets every register itself
 */
void reset_vcpu(struct mkvm_vcpu *vcpu, bool init_event)
{
	inject_clear(vcpu);
	async_pf_forget(vcpu);
	mkvm_announce_forget(vcpu);
	vcpu->arch.complete_userspace_io = NULL;
	vcpu->arch.complete_registers_only = false;
	if (vcpu->arch.apic)
		lapic_reset(vcpu, init_event);
	reset_registers(vcpu, init_event);
	vmx_vcpu_reset(vcpu);
	mkvm_make_request(MKVM_REQ_MSR_PASS, vcpu);
	mkvm_make_request(MKVM_REQ_EVENT, vcpu);
}
