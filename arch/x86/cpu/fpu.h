/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * X87, SSE, AVX and the other XSAVE-managed state of a guest.
 *
 * SDM, "Managing State Using the XSAVE Feature Set". The kernel keeps the guest's registers in
 * a struct fpu_guest and swaps it with the thread's own around KVM_RUN; from then on the
 * scheduler saves and restores it like any other. XCR0, XSS and PKRU are the exception: they
 * hold the guest's values only between entry and exit, so the kernel always sees its own.
 */
#ifndef MINIKVM_ARCH_X86_FPU_H
#define MINIKVM_ARCH_X86_FPU_H

#include <linux/thread_info.h>
#include <asm/pkru.h>

#include "virt/vcpu.h"

/* Why an entry must switch something: bits of vcpu->arch.fpu_switch and fpu_loaded. */
enum fpu_switch {
	FPU_SWITCH_XCR0 = 1,
	FPU_SWITCH_XSS = 2,
	FPU_SWITCH_PKRU = 4,
	FPU_IN_GUEST = 8,	/* fpu_loaded only: between the load and its undoing */
};

/* State components a guest may enable in XCR0 and in IA32_XSS; MPX and AMX are hidden. */
extern u64 fpu_supported_xcr0;
#define FPU_SUPPORTED_XSS	0ull

void fpu_module_init(void);
u32 fpu_xstate_size(u64 xfeatures, bool compacted);
u32 fpu_uabi_size(void);
int fpu_vcpu_init(struct mkvm_vcpu *vcpu);
void fpu_vcpu_free(struct mkvm_vcpu *vcpu);
void fpu_vcpu_reset(struct mkvm_vcpu *vcpu);
void fpu_update_switch(struct mkvm_vcpu *vcpu);
void fpu_load_guest(struct mkvm_vcpu *vcpu);
void fpu_put_guest(struct mkvm_vcpu *vcpu);

/* Last thing before entry, interrupts off: are the registers in the CPU? */
static inline void fpu_prepare_entry(void)
{
	if (unlikely(test_thread_flag(TIF_NEED_FPU_LOAD)))
		switch_fpu_return();
}

void __fpu_load_guest_xsave_state(struct mkvm_vcpu *vcpu);
void __fpu_load_host_xsave_state(struct mkvm_vcpu *vcpu);

/*
 * Interrupts off, directly around guest mode. Most guests set XCR0 as the host has it. Exits
 * handled in between may change what is to be switched: fpu_update_switch() follows at once.
 */
static inline void fpu_load_guest_xsave_state(struct mkvm_vcpu *vcpu)
{
	vcpu->arch.fpu_loaded = vcpu->arch.fpu_switch | FPU_IN_GUEST;
	if (vcpu->arch.fpu_switch)
		__fpu_load_guest_xsave_state(vcpu);
}

static inline void fpu_load_host_xsave_state(struct mkvm_vcpu *vcpu)
{
	if (vcpu->arch.fpu_loaded & ~FPU_IN_GUEST)
		__fpu_load_host_xsave_state(vcpu);
	vcpu->arch.fpu_loaded = 0;
}

void fpu_read_xmm(unsigned int reg, void *data, unsigned int len);
void fpu_write_xmm(unsigned int reg, const void *data, unsigned int len);
void fpu_read_mm(unsigned int reg, u64 *value);
void fpu_write_mm(unsigned int reg, const u64 *value);
u16 fpu_x87_word(bool status);
void fpu_fxsave(void *image, bool wide);
int fpu_fxrstor(const void *image, bool wide);
int fpu_check_xcr0(struct mkvm_vcpu *vcpu, u64 xcr0);
void fpu_get_fpu(struct mkvm_vcpu *vcpu, struct kvm_fpu *fpu);
int fpu_set_fpu(struct mkvm_vcpu *vcpu, const struct kvm_fpu *fpu);
void fpu_get_xsave(struct mkvm_vcpu *vcpu, void *buf, u32 size);
int fpu_set_xsave(struct mkvm_vcpu *vcpu, const void *buf);
void fpu_get_xcrs(struct mkvm_vcpu *vcpu, struct kvm_xcrs *xcrs);
int fpu_set_xcrs(struct mkvm_vcpu *vcpu, const struct kvm_xcrs *xcrs);

#endif
