// SPDX-License-Identifier: GPL-2.0-only
/*
 * Segments, descriptor tables and lazily read registers.
 *
 * SDM, "Guest Register State" and "Format of Access Rights". The VMCS always holds the
 * segments; KVM's ABI has its own form of access rights, and the translation is here.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/kvm.h>

#include "arch/x86/vmx/vmx_vcpu.h"

/* SDM, "Format of Access Rights". */
#define ACCESS_TYPE(ar)	((ar) & 0xf)
#define ACCESS_S		BIT(4)
#define ACCESS_DPL(ar)	(((ar) >> 5) & 3)
#define ACCESS_AVL		BIT(12)
#define ACCESS_L		BIT(13)
#define ACCESS_DB		BIT(14)
#define ACCESS_G		BIT(15)
#define ACCESS_UNUSABLE	BIT(16)

static const struct {
	u16 selector, limit, ar, base;
} segment_fields[] = {
#define SEGMENT(name)								\
	[SEG_##name] = { GUEST_##name##_SELECTOR, GUEST_##name##_LIMIT,		\
			 GUEST_##name##_AR_BYTES, GUEST_##name##_BASE }
	SEGMENT(ES), SEGMENT(CS), SEGMENT(SS), SEGMENT(DS),
	SEGMENT(FS), SEGMENT(GS), SEGMENT(TR), SEGMENT(LDTR),
};

/* All bits also of an unusable segment: SS keeps the CPL in its DPL. */
static u32 ar_from_segment(const struct kvm_segment *var)
{
	u32 ar = (var->type & 0xf) | (var->s & 1) << 4 | (var->dpl & 3) << 5 |
		 (var->present & 1) << 7 | (var->avl & 1) << 12 | (var->l & 1) << 13 |
		 (var->db & 1) << 14 | (var->g & 1) << 15;

	return var->unusable || !var->present ? ar | ACCESS_UNUSABLE : ar;
}

/**
 * vmx_get_segment() - a segment register in KVM's form
 * @vcpu: loaded vCPU
 * @var: gets all of it
 * @seg: enum mkvm_seg
 */
void vmx_get_segment(struct mkvm_vcpu *vcpu, struct kvm_segment *var, int seg)
{
	u32 ar = vmcs_read_any(segment_fields[seg].ar);

	memset(var, 0, sizeof(*var));
	var->base = vmcs_read_any(segment_fields[seg].base);
	var->limit = vmcs_read_any(segment_fields[seg].limit);
	var->selector = vmcs_read_any(segment_fields[seg].selector);
	var->unusable = !!(ar & ACCESS_UNUSABLE);
	var->type = ACCESS_TYPE(ar);
	var->s = !!(ar & ACCESS_S);
	var->dpl = ACCESS_DPL(ar);
	/* An unusable segment has no P bit of its own: userspace sees it as not present. */
	var->present = !var->unusable;
	var->avl = !!(ar & ACCESS_AVL);
	var->l = !!(ar & ACCESS_L);
	var->db = !!(ar & ACCESS_DB);
	var->g = !!(ar & ACCESS_G);
}

/**
 * vmx_set_segment() - load a segment register
 * @vcpu: loaded vCPU
 * @var: selector and descriptor, as KVM_SET_SREGS has them
 * @seg: enum mkvm_seg
 */
void vmx_set_segment(struct mkvm_vcpu *vcpu, const struct kvm_segment *var, int seg)
{
	u32 ar = ar_from_segment(var);

	/*
	 * VM entry wants the accessed bit set in every usable segment and a busy TSS; userspace
	 * that builds its own descriptors often leaves both out, and processors do not mind.
	 */
	if (!(ar & ACCESS_UNUSABLE)) {
		if (seg <= SEG_GS)
			ar |= 1;
		else if (seg == SEG_TR)
			ar |= 2;
	}
	vmcs_write_any(segment_fields[seg].selector, var->selector);
	vmcs_write_any(segment_fields[seg].base, var->base);
	vmcs_write_any(segment_fields[seg].limit, var->limit);
	vmcs_write_any(segment_fields[seg].ar, ar);
}

/**
 * vmx_get_segment_base() - the base address in a segment register
 * @vcpu: loaded vCPU
 * @seg: enum mkvm_seg
 *
 * Return: the base.
 */
unsigned long vmx_get_segment_base(struct mkvm_vcpu *vcpu, int seg)
{
	return vmcs_read_any(segment_fields[seg].base);
}

/**
 * vmx_get_table() - GDTR or IDTR
 * @vcpu: loaded vCPU
 * @table: VMX_GDTR or VMX_IDTR
 * @dt: gets base and limit
 */
void vmx_get_table(struct mkvm_vcpu *vcpu, enum vmx_table table, struct kvm_dtable *dt)
{
	bool gdt = table == VMX_GDTR;

	dt->base = gdt ? vmcs_read64(GUEST_GDTR_BASE) : vmcs_read64(GUEST_IDTR_BASE);
	dt->limit = gdt ? vmcs_read32(GUEST_GDTR_LIMIT) : vmcs_read32(GUEST_IDTR_LIMIT);
}

/**
 * vmx_set_table() - load GDTR or IDTR
 * @vcpu: loaded vCPU
 * @table: VMX_GDTR or VMX_IDTR
 * @dt: base and limit
 */
void vmx_set_table(struct mkvm_vcpu *vcpu, enum vmx_table table, const struct kvm_dtable *dt)
{
	if (table == VMX_GDTR) {
		vmcs_write64(GUEST_GDTR_BASE, dt->base);
		vmcs_write32(GUEST_GDTR_LIMIT, dt->limit);
	} else {
		vmcs_write64(GUEST_IDTR_BASE, dt->base);
		vmcs_write32(GUEST_IDTR_LIMIT, dt->limit);
	}
}

/**
 * vmx_get_code() - what the code that runs may do
 * @vcpu: loaded vCPU
 *
 * SDM, "Guest Register State": the privilege level is the DPL of SS. It is 0 in real mode and 3 in
 * virtual-8086 mode.
 *
 * Return: privilege level; whether CS is a 64-bit code segment, in IA-32e mode; CS.D.
 */
struct vmx_code vmx_get_code(struct mkvm_vcpu *vcpu)
{
	u32 cs = vmcs_read32(GUEST_CS_AR_BYTES);
	struct vmx_code code = { .d = cs & ACCESS_DB };

	if (!is_protmode(vcpu))
		return code;
	code.l = is_long_mode(vcpu) && (cs & ACCESS_L);
	/* IA-32e mode has no virtual-8086 mode. */
	if (!is_long_mode(vcpu) && (rflags_read(vcpu) & X86_EFLAGS_VM))
		code.cpl = 3;
	else
		code.cpl = ACCESS_DPL(vmcs_read32(GUEST_SS_AR_BYTES));
	return code;
}

/* All but RIP and RFLAGS; out of line, so that these two need no stack frame. */
static noinline void cache_other(struct mkvm_vcpu *vcpu, int reg)
{
	struct mkvm_arch_vcpu *arch = &vcpu->arch;

	switch (reg) {
	case GREG_RSP:
		arch->regs[GREG_RSP] = vmcs_read64(GUEST_RSP);
		break;
	case GREG_CR0:
		arch->cr0 = (arch->cr0 & ~arch->cr0_guest_owned) |
			    (vmcs_read64(GUEST_CR0) & arch->cr0_guest_owned);
		break;
	case GREG_CR3:
		arch->cr3 = vmcs_read64(GUEST_CR3);
		break;
	case GREG_CR4:
		arch->cr4 = (arch->cr4 & ~arch->cr4_guest_owned) |
			    (vmcs_read64(GUEST_CR4) & arch->cr4_guest_owned);
		break;
	case GREG_PDPTR:
		arch->pdptr[0] = vmcs_read64(GUEST_PDPTR0);
		arch->pdptr[1] = vmcs_read64(GUEST_PDPTR1);
		arch->pdptr[2] = vmcs_read64(GUEST_PDPTR2);
		arch->pdptr[3] = vmcs_read64(GUEST_PDPTR3);
		break;
	default:
		WARN_ONCE(1, "register %d is not kept in the VMCS\n", reg);
	}
	reg_mark_available(vcpu, reg);
}

/**
 * vmx_cache_rip() - read RIP from the VMCS
 * @vcpu: loaded vCPU
 */
void vmx_cache_rip(struct mkvm_vcpu *vcpu)
{
	vcpu->arch.regs[GREG_RIP] = vmcs_read64(GUEST_RIP);
	reg_mark_available(vcpu, GREG_RIP);
}

/**
 * vmx_cache_rflags() - read RFLAGS from the VMCS
 * @vcpu: loaded vCPU
 */
void vmx_cache_rflags(struct mkvm_vcpu *vcpu)
{
	vcpu->arch.rflags = vmcs_read64(GUEST_RFLAGS);
	reg_mark_available(vcpu, GREG_RFLAGS);
}

/**
 * vmx_cache_reg() - read a lazily kept register from the VMCS
 * @vcpu: loaded vCPU
 * @reg: GREG_RSP, GREG_RIP, GREG_RFLAGS, GREG_CR0, GREG_CR3, GREG_CR4 or GREG_PDPTR
 */
void vmx_cache_reg(struct mkvm_vcpu *vcpu, int reg)
{
	switch (reg) {
	case GREG_RFLAGS:
		vmx_cache_rflags(vcpu);
		break;
	case GREG_RIP:
		vmx_cache_rip(vcpu);
		break;
	default:
		cache_other(vcpu, reg);
	}
}
