/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest registers as the exit handlers and ioctls see them.
 *
 * The fifteen registers that vmx/vmenter.S saves are always current in arch.regs[]; RSP, RIP,
 * RFLAGS, CR0, CR3, CR4 live in the VMCS and are read when they are
 * needed (regs_avail) and written back before an entry when they were changed (regs_dirty).
 */
#ifndef MINIKVM_ARCH_X86_REGS_H
#define MINIKVM_ARCH_X86_REGS_H

#include <asm/special_insns.h>

#include "virt/vcpu.h"

/* SDM, "Debug Status Register" and "Debug Control Register". */
#ifndef DR6_BD
#define DR6_BD		BIT(13)
#define DR6_BS		BIT(14)
#define DR7_GD		BIT(13)
#endif

/* vmx/segment.c: read one lazily kept register from the VMCS; vCPU loaded. */
void vmx_cache_reg(struct mkvm_vcpu *vcpu, int reg);

/* The same for one register: most that ask, ask for one of these. */
void vmx_cache_rip(struct mkvm_vcpu *vcpu);
void vmx_cache_rflags(struct mkvm_vcpu *vcpu);

static inline void reg_make_available(struct mkvm_vcpu *vcpu, int reg)
{
	if (!(vcpu->arch.regs_avail & BIT(reg)))
		vmx_cache_reg(vcpu, reg);
}

/* arch.regs[], or its place elsewhere, holds what the guest has. */
static __always_inline void reg_mark_available(struct mkvm_vcpu *vcpu, int reg)
{
	vcpu->arch.regs_avail |= BIT(reg);
}

/* All that vmx/vmenter.S saves is in arch.regs[]; the rest is in the VMCS. */
static __always_inline void regs_after_exit(struct mkvm_vcpu *vcpu)
{
	vcpu->arch.regs_avail = (BIT(GREG_RIP) - 1) & ~BIT(GREG_RSP);
}

static inline void reg_mark_dirty(struct mkvm_vcpu *vcpu, int reg)
{
	reg_mark_available(vcpu, reg);
	vcpu->arch.regs_dirty |= BIT(reg);
}

/* @reg is 0..15; RSP costs a VMREAD once per exit. */
static inline unsigned long reg_read(struct mkvm_vcpu *vcpu, int reg)
{
	if (reg == GREG_RSP)
		reg_make_available(vcpu, reg);
	return vcpu->arch.regs[reg];
}

static inline void reg_write(struct mkvm_vcpu *vcpu, int reg, unsigned long val)
{
	vcpu->arch.regs[reg] = val;
	if (reg == GREG_RSP)
		reg_mark_dirty(vcpu, reg);
}

static inline unsigned long rip_read(struct mkvm_vcpu *vcpu)
{
	if (!(vcpu->arch.regs_avail & BIT(GREG_RIP)))
		vmx_cache_rip(vcpu);
	return vcpu->arch.regs[GREG_RIP];
}

static inline void rip_write(struct mkvm_vcpu *vcpu, unsigned long val)
{
	vcpu->arch.regs[GREG_RIP] = val;
	reg_mark_dirty(vcpu, GREG_RIP);
}

static inline unsigned long rflags_read(struct mkvm_vcpu *vcpu)
{
	if (!(vcpu->arch.regs_avail & BIT(GREG_RFLAGS)))
		vmx_cache_rflags(vcpu);
	return vcpu->arch.rflags;
}

static inline void rflags_write(struct mkvm_vcpu *vcpu, unsigned long val)
{
	vcpu->arch.rflags = val;
	reg_mark_dirty(vcpu, GREG_RFLAGS);
}

/* RFLAGS.TF for a debugger who steps. */
static inline void rflags_set_tf(struct mkvm_vcpu *vcpu, bool on)
{
	unsigned long rflags = rflags_read(vcpu);

	rflags_write(vcpu, on ? rflags | X86_EFLAGS_TF : rflags & ~X86_EFLAGS_TF);
}

static inline unsigned long cr0_read(struct mkvm_vcpu *vcpu)
{
	reg_make_available(vcpu, GREG_CR0);
	return vcpu->arch.cr0;
}

static inline unsigned long cr3_read(struct mkvm_vcpu *vcpu)
{
	reg_make_available(vcpu, GREG_CR3);
	return vcpu->arch.cr3;
}

static inline unsigned long cr4_read(struct mkvm_vcpu *vcpu)
{
	reg_make_available(vcpu, GREG_CR4);
	return vcpu->arch.cr4;
}

/* The register itself holds the guest's CR2 while the thread is in the hot loop. */
static inline void cr2_write(struct mkvm_vcpu *vcpu, unsigned long val)
{
	vcpu->arch.cr2 = val;
	if (READ_ONCE(vcpu->mode) != MKVM_OUTSIDE_GUEST)
		native_write_cr2(val);
}

static inline bool is_paging(struct mkvm_vcpu *vcpu)
{
	return vcpu->arch.cr0 & X86_CR0_PG;	/* never guest-owned */
}

static inline bool is_protmode(struct mkvm_vcpu *vcpu)
{
	return vcpu->arch.cr0 & X86_CR0_PE;	/* never guest-owned */
}

static inline bool is_pae(struct mkvm_vcpu *vcpu)
{
	return vcpu->arch.cr4 & X86_CR4_PAE;	/* never guest-owned */
}

static inline bool is_la57(struct mkvm_vcpu *vcpu)
{
	return vcpu->arch.cr4 & X86_CR4_LA57;	/* never guest-owned */
}

/* As the guest's paging has it: 48 or 57 bits. */
static inline bool is_canonical(struct mkvm_vcpu *vcpu, u64 address)
{
	return __is_canonical_address(address, is_la57(vcpu) ? 57 : 48);
}

static inline bool is_long_mode(struct mkvm_vcpu *vcpu)
{
	return vcpu->arch.efer & EFER_LMA;
}

/* EDX:EAX as RDMSR, WRMSR, XSETBV and friends use them. */
static inline u64 edx_eax_read(struct mkvm_vcpu *vcpu)
{
	return (u32)vcpu->arch.regs[GREG_RAX] | (u64)vcpu->arch.regs[GREG_RDX] << 32;
}

static inline void edx_eax_write(struct mkvm_vcpu *vcpu, u64 val)
{
	vcpu->arch.regs[GREG_RAX] = (u32)val;
	vcpu->arch.regs[GREG_RDX] = val >> 32;
}

#endif
