// SPDX-License-Identifier: GPL-2.0-only
/*
 * SGDT, SIDT, LGDT, LIDT, SLDT, STR, LLDT, LTR.
 *
 * SDM, "User-Mode Instruction Prevention"; "VM-Exit Instruction-Information Field" as used for
 * these instructions. They exit only with "descriptor-table exiting", which is how a guest gets
 * UMIP on a processor that has none: the four that store must not run at CPL > 0, and all eight
 * exit for that. Faults by privilege come before the exit, those by memory operands behind it.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "arch/x86/event/inject.h"
#include "arch/x86/event/skip.h"
#include "arch/x86/exit/exit_descriptor.h"
#include "arch/x86/exit/operand.h"
#include "arch/x86/insn/descriptor.h"
#include "arch/x86/insn/guest_access.h"
#include "arch/x86/insn/internal_error.h"
#include "arch/x86/insn/segment_load.h"
#include "arch/x86/vmx/vmx_vcpu.h"

#define INFO_REGISTER(i)	(((i) >> 3) & 15)	/* only in the second format */
#define INFO_IS_REGISTER	BIT(10)
#define INFO_IDENTITY(i)	(((i) >> 28) & 3)

/* Identity of the instruction, in either format. */
enum gdtr_idtr_insn { INSN_SGDT, INSN_SIDT, INSN_LGDT, INSN_LIDT };
enum ldtr_tr_insn { INSN_SLDT, INSN_STR, INSN_LLDT, INSN_LTR };

#define PREFIX_OPERAND_SIZE	0x66
#define PREFIX_REX_W		0x48	/* the upper five bits */
#define MAX_INSN_LEN		15

/* An operand of GDTR or IDTR: 2 bytes limit, 4 or 8 bytes base. */
struct table_operand {
	u16 limit;
	u64 base;
} __packed;

static int access_again(struct mkvm_vcpu *vcpu);

/*
 * After a step that returned 0, 1 = @fault, GUEST_ACCESS_WAIT, or -EFAULT. What the exit says stays
 * in the VMCS until the next entry, so the instruction can be done again from its start.
 */
static int finish(struct mkvm_vcpu *vcpu, int ret, const struct walk_fault *fault)
{
	switch (ret) {
	case 0:
		skip_instruction(vcpu);
		return guest_access_finish(vcpu);
	case 1:
		descriptor_inject_fault(vcpu, fault);
		return 1;
	case GUEST_ACCESS_WAIT:
		return guest_access_wait(vcpu, access_again);
	default:
		pr_notice_ratelimited("vm %s vcpu %u: descriptor-table instruction at RIP 0x%lx: %s\n",
				      vcpu->vm->name, vcpu->id, rip_read(vcpu),
				      vcpu->arch.mmio.why);
		return internal_error_emulation(vcpu, NULL, 0);
	}
}

/* UMIP: the instructions that store are the supervisor's. */
static bool umip_forbids(struct mkvm_vcpu *vcpu)
{
	return vmx_get_code(vcpu).cpl > 0 && (cr4_read(vcpu) & X86_CR4_UMIP);
}

/*
 * The exit does not tell the operand size of SLDT and STR. It does tell that of LGDT and LIDT, but
 * Bochs 3.0 always says 16 bits, so look at the prefixes for these, too.
 */
static int is_wide_operand(struct mkvm_vcpu *vcpu, bool *wide, struct walk_fault *fault)
{
	bool prefix = false, rex_w = false;
	struct vmx_code code = vmx_get_code(vcpu);
	unsigned int len = min_t(u32, vmcs_read32(VM_EXIT_INSTRUCTION_LEN), MAX_INSN_LEN), i;
	u64 linear = vmx_get_segment_base(vcpu, SEG_CS) + rip_read(vcpu);
	u8 bytes[MAX_INSN_LEN];
	int ret;

	ret = guest_access_read(vcpu, linear, bytes, len, WALK_FETCH, fault);
	/* The opcode begins with 0FH; all before it are prefixes. */
	for (i = 0; !ret && i < len && bytes[i] != 0x0f; i++) {
		prefix |= bytes[i] == PREFIX_OPERAND_SIZE;
		rex_w = code.l && (bytes[i] & 0xf8) == PREFIX_REX_W;
	}
	*wide = rex_w || prefix != (code.l || code.d);
	return ret;
}

static int access_gdtr_idtr(struct mkvm_vcpu *vcpu, u32 info)
{
	enum gdtr_idtr_insn insn = INFO_IDENTITY(info);
	bool store = insn == INSN_SGDT || insn == INSN_SIDT, wide = true;
	bool cs_l = vmx_in_64bit_code(vcpu);
	struct table_operand operand = {};
	struct walk_fault fault;
	struct kvm_dtable table;
	unsigned int len;
	u64 linear;
	int ret;

	if (store && umip_forbids(vcpu)) {
		inject_gp(vcpu, 0);
		return 1;
	}
	len = cs_l ? 10 : 6;
	if (operand_linear(vcpu, info, store, len, &linear))
		return 1;

	if (store) {
		vmx_get_table(vcpu, insn == INSN_SGDT ? VMX_GDTR : VMX_IDTR, &table);
		operand.limit = table.limit;
		operand.base = table.base;
		ret = guest_access_write(vcpu, linear, &operand, len, &fault);
		return finish(vcpu, ret, &fault);
	}

	ret = guest_access_read(vcpu, linear, &operand, len, 0, &fault);
	if (!ret && !cs_l)
		ret = is_wide_operand(vcpu, &wide, &fault);
	if (ret)
		return finish(vcpu, ret, &fault);
	table.limit = operand.limit;
	table.base = operand.base;
	/* With 16-bit operand size the base has 24 bits. */
	if (!wide)
		table.base &= 0xffffff;
	if (cs_l && !is_canonical(vcpu, table.base)) {
		inject_gp(vcpu, 0);
		return 1;
	}
	vmx_set_table(vcpu, insn == INSN_LGDT ? VMX_GDTR : VMX_IDTR, &table);
	return finish(vcpu, 0, NULL);
}

static int store_selector(struct mkvm_vcpu *vcpu, u32 info, u16 selector)
{
	int reg = INFO_REGISTER(info), ret;
	struct walk_fault fault;
	unsigned long old;
	bool wide;
	u64 linear;

	if (umip_forbids(vcpu)) {
		inject_gp(vcpu, 0);
		return 1;
	}
	if (!(info & INFO_IS_REGISTER)) {
		if (operand_linear(vcpu, info, true, sizeof(selector), &linear))
			return 1;
		ret = guest_access_write(vcpu, linear, &selector, sizeof(selector), &fault);
		return finish(vcpu, ret, &fault);
	}
	ret = is_wide_operand(vcpu, &wide, &fault);
	if (ret)
		return finish(vcpu, ret, &fault);
	/* A 16-bit operand leaves the rest of the register; wider ones are zero-extended. */
	old = reg_read(vcpu, reg);
	reg_write(vcpu, reg, wide ? selector : (old & ~0xfffful) | selector);
	return finish(vcpu, 0, NULL);
}

static int load_selector(struct mkvm_vcpu *vcpu, u32 info, bool tr)
{
	struct walk_fault fault;
	u16 selector = 0;
	u64 linear;
	int ret = 0;

	if (info & INFO_IS_REGISTER) {
		selector = reg_read(vcpu, INFO_REGISTER(info));
	} else {
		if (operand_linear(vcpu, info, false, sizeof(selector), &linear))
			return 1;
		ret = guest_access_read(vcpu, linear, &selector, sizeof(selector), 0, &fault);
	}
	if (!ret) {
		ret = segment_load_system(vcpu, selector, tr, &fault);
		if (ret == -EAGAIN)
			return 1;	/* another vCPU's write came first: execute it again */
		if (ret == -EFAULT)
			vcpu->arch.mmio.why = "a descriptor table is not in memory";
	}
	return finish(vcpu, ret, &fault);
}

static int access_table(struct mkvm_vcpu *vcpu)
{
	u32 info = vmcs_read32(VMX_INSTRUCTION_INFO);
	struct kvm_segment seg;
	struct vmx_code code = vmx_get_code(vcpu);

	guest_access_go(vcpu, code.cpl, !code.l);
	if (to_vmx(vcpu)->exit_reason == EXIT_REASON_GDTR_IDTR)
		return access_gdtr_idtr(vcpu, info);
	switch ((enum ldtr_tr_insn)INFO_IDENTITY(info)) {
	case INSN_SLDT:
		vmx_get_segment(vcpu, &seg, SEG_LDTR);
		return store_selector(vcpu, info, seg.selector);
	case INSN_STR:
		vmx_get_segment(vcpu, &seg, SEG_TR);
		return store_selector(vcpu, info, seg.selector);
	case INSN_LLDT:
		return load_selector(vcpu, info, false);
	default:
		return load_selector(vcpu, info, true);
	}
}

/* A device has answered; but a debugger may have moved the vCPU meanwhile. */
static int access_again(struct mkvm_vcpu *vcpu)
{
	return rip_read(vcpu) == vcpu->arch.mmio.rip ? access_table(vcpu) : 1;
}

/**
 * exit_descriptor_table() - "access to GDTR or IDTR" and "access to LDTR or TR"
 * @vcpu: loaded vCPU, vm->srcu read-held
 *
 * Return: 1 = enter the guest, maybe with a fault; 0 with KVM_EXIT_MMIO, or with
 * KVM_EXIT_INTERNAL_ERROR when the operand is neither memory nor a device.
 */
int exit_descriptor_table(struct mkvm_vcpu *vcpu)
{
	guest_access_begin(vcpu);
	vcpu->arch.mmio.rip = rip_read(vcpu);
	return access_table(vcpu);
}
