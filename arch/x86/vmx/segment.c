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

unsigned long vmx_get_segment_base(struct mkvm_vcpu *vcpu, int seg)
{
	return vmcs_read_any(segment_fields[seg].base);
}

void vmx_get_idt(struct mkvm_vcpu *vcpu, struct kvm_dtable *dt)
{
	dt->base = vmcs_read64(GUEST_IDTR_BASE);
	dt->limit = vmcs_read32(GUEST_IDTR_LIMIT);
}

void vmx_set_idt(struct mkvm_vcpu *vcpu, const struct kvm_dtable *dt)
{
	vmcs_write64(GUEST_IDTR_BASE, dt->base);
	vmcs_write32(GUEST_IDTR_LIMIT, dt->limit);
}

void vmx_get_gdt(struct mkvm_vcpu *vcpu, struct kvm_dtable *dt)
{
	dt->base = vmcs_read64(GUEST_GDTR_BASE);
	dt->limit = vmcs_read32(GUEST_GDTR_LIMIT);
}

void vmx_set_gdt(struct mkvm_vcpu *vcpu, const struct kvm_dtable *dt)
{
	vmcs_write64(GUEST_GDTR_BASE, dt->base);
	vmcs_write32(GUEST_GDTR_LIMIT, dt->limit);
}

int vmx_get_cpl(struct mkvm_vcpu *vcpu)
{
	if (!is_protmode(vcpu))
		return 0;
	if (rflags_read(vcpu) & X86_EFLAGS_VM)
		return 3;
	return ACCESS_DPL(vmcs_read32(GUEST_SS_AR_BYTES));
}

void vmx_get_cs_db_l(struct mkvm_vcpu *vcpu, bool *cs_db, bool *cs_l)
{
	u32 ar = vmcs_read32(GUEST_CS_AR_BYTES);

	*cs_db = ar & ACCESS_DB;
	*cs_l = is_long_mode(vcpu) && (ar & ACCESS_L);
}

/**
 * vmx_cache_reg() - read a lazily kept register from the VMCS
 * @vcpu: loaded vCPU
 * @reg: GREG_RSP, GREG_RIP, GREG_RFLAGS, GREG_CR0, GREG_CR3, GREG_CR4 or GREG_PDPTR
 */
void vmx_cache_reg(struct mkvm_vcpu *vcpu, int reg)
{
	struct mkvm_arch_vcpu *arch = &vcpu->arch;

	/* The two that nearly every exit to userspace asks for. */
	if (likely(reg == GREG_RFLAGS)) {
		vmx_rflags(vcpu);
		return;
	}
	if (likely(reg == GREG_RIP)) {
		vmx_rip(vcpu);
		return;
	}
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
