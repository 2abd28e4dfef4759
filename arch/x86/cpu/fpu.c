// SPDX-License-Identifier: GPL-2.0-only
/*
 * X87, SSE, AVX and the other XSAVE-managed state of a guest.
 *
 * SDM, "Managing State Using the XSAVE Feature Set"; KVM_GET/SET_FPU, XSAVE, XSAVE2, XCRS.
 * Relies on the kernel's fpu_guest interface for storage, context switches and the layout of
 * userspace's XSAVE area. AMX (XFD) is hidden: its state would have to be asked for first.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/kvm.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <asm/fpu/api.h>
#include <asm/fpu/xcr.h>
#include <asm/msr.h>

#include "arch/x86/cpu/cpuid.h"
#include "arch/x86/cpu/fpu.h"
#include "arch/x86/regs.h"

#define XFEATURE_AVX512 \
	(XFEATURE_MASK_OPMASK | XFEATURE_MASK_ZMM_Hi256 | XFEATURE_MASK_Hi16_ZMM)
/* Everything a guest may have if the host has it. */
#define XFEATURE_GUEST \
	(XFEATURE_MASK_FPSSE | XFEATURE_MASK_YMM | XFEATURE_AVX512 | XFEATURE_MASK_PKRU)

#define NR_XSTATE	10	/* components 0 to 9 (PKRU) */
#define XSAVE_HDR_END	(512 + 64)
#define MXCSR_INIT	0x1f80u
#define FCW_INIT	0x37fu	/* FNINIT */

u64 fpu_supported_xcr0 __ro_after_init;
static u64 host_xcr0 __ro_after_init;
static u64 host_xss __ro_after_init;
static u32 mxcsr_mask __ro_after_init;
static struct { u32 size, offset; bool align64; } xstate[NR_XSTATE] __ro_after_init;

static u32 host_mxcsr_mask(void)
{
	struct fxregs_state *area = kzalloc(sizeof(*area) + 16, GFP_KERNEL);
	u32 mask = 0;

	if (area) {
		fpregs_lock();
		asm volatile("fxsaveq %0" : "=m"(*PTR_ALIGN(area, 16)));
		fpregs_unlock();
		mask = PTR_ALIGN(area, 16)->mxcsr_mask;
		kfree(area);
	}
	/* SDM: a mask of 0 stands for this one. */
	return mask ? mask : 0xffbf;
}

/**
 * fpu_module_init() - decide which state components guests may enable
 */
void fpu_module_init(void)
{
	u32 eax, ebx, ecx, edx;
	unsigned int i;

	mxcsr_mask = host_mxcsr_mask();
	fpu_supported_xcr0 = XFEATURE_MASK_FPSSE;
	if (!boot_cpu_has(X86_FEATURE_XSAVE))
		return;
	host_xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK);
	if (boot_cpu_has(X86_FEATURE_XSAVES))
		rdmsrl(MSR_IA32_XSS, host_xss);
	fpu_supported_xcr0 = host_xcr0 & XFEATURE_GUEST;
	if (!boot_cpu_has(X86_FEATURE_OSPKE))
		fpu_supported_xcr0 &= ~XFEATURE_MASK_PKRU;
	if ((fpu_supported_xcr0 & XFEATURE_AVX512) != XFEATURE_AVX512)
		fpu_supported_xcr0 &= ~XFEATURE_AVX512;
	for (i = 2; i < NR_XSTATE; i++) {
		cpuid_count(0xd, i, &eax, &ebx, &ecx, &edx);
		xstate[i].size = eax;
		xstate[i].offset = ebx;
		xstate[i].align64 = ecx & BIT(1);
	}
}

/**
 * fpu_xstate_size() - bytes of an XSAVE area
 * @xfeatures: the state components in it
 * @compacted: in the compacted format
 *
 * Return: the size.
 */
u32 fpu_xstate_size(u64 xfeatures, bool compacted)
{
	u32 end = XSAVE_HDR_END;
	unsigned int i;

	for (i = 2; i < NR_XSTATE; i++) {
		if (!(xfeatures & BIT_ULL(i)))
			continue;
		if (!compacted)
			end = max(end, xstate[i].offset + xstate[i].size);
		else
			end = (xstate[i].align64 ? ALIGN(end, 64) : end) + xstate[i].size;
	}
	return end;
}

/**
 * fpu_uabi_size() - KVM_CAP_XSAVE2: bytes of KVM_GET_XSAVE2
 *
 * Return: the size.
 */
u32 fpu_uabi_size(void)
{
	return max_t(u32, fpu_xstate_size(fpu_supported_xcr0, false), sizeof(struct kvm_xsave));
}

/**
 * fpu_vcpu_init() - a new vCPU: memory for its registers
 * @vcpu: the vCPU, not visible yet
 *
 * Return: 0 or -ENOMEM.
 */
int fpu_vcpu_init(struct mkvm_vcpu *vcpu)
{
	if (!fpu_alloc_guest_fpstate(&vcpu->arch.guest_fpu))
		return -ENOMEM;
	vcpu->arch.xcr0 = XFEATURE_MASK_FP;
	return 0;
}

/**
 * fpu_vcpu_free() - the end of a vCPU
 * @vcpu: the vCPU
 */
void fpu_vcpu_free(struct mkvm_vcpu *vcpu)
{
	if (vcpu->arch.guest_fpu.fpstate)
		fpu_free_guest_fpstate(&vcpu->arch.guest_fpu);
}

/* The guest's registers in memory; not between fpu_load_guest() and fpu_put_guest(). */
static struct fxregs_state *fxregs(struct mkvm_vcpu *vcpu)
{
	return &vcpu->arch.guest_fpu.fpstate->regs.fxsave;
}

/* A component that XSAVE found in its initial state is not in memory, only flagged so. */
static bool xstate_in_memory(struct mkvm_vcpu *vcpu, u64 mask)
{
	if (!boot_cpu_has(X86_FEATURE_XSAVE))
		return true;
	return vcpu->arch.guest_fpu.fpstate->regs.xsave.header.xfeatures & mask;
}

static bool in_guest_thread(struct mkvm_vcpu *vcpu)
{
	return vcpu->arch.guest_fpu.fpstate->in_use;
}

/**
 * fpu_vcpu_reset() - power-up and RESET: x87, SSE and AVX
 * @vcpu: the vCPU
 *
 * INIT leaves them as they are; XCR0, IA32_XSS and PKRU are in the table of run/reset.c.
 */
void fpu_vcpu_reset(struct mkvm_vcpu *vcpu)
{
	struct fxregs_state *fx = fxregs(vcpu);
	/* In the middle of KVM_RUN the registers are live. */
	bool loaded = in_guest_thread(vcpu);

	if (loaded)
		fpu_put_guest(vcpu);
	/*
	 * All components initial. SDM has FCW 40H after power-up; KVM gives what FNINIT leaves, and
	 * guests without a BIOS count on that.
	 */
	memset(fx, 0, sizeof(*fx));
	fx->cwd = FCW_INIT;
	fx->mxcsr = MXCSR_INIT;
	if (boot_cpu_has(X86_FEATURE_XSAVE))
		vcpu->arch.guest_fpu.fpstate->regs.xsave.header.xfeatures = 0;
	if (loaded)
		fpu_load_guest(vcpu);
}

/**
 * fpu_load_guest() - KVM_RUN begins: put the guest's registers into the thread
 * @vcpu: loaded vCPU
 */
void fpu_load_guest(struct mkvm_vcpu *vcpu)
{
	fpu_swap_kvm_fpstate(&vcpu->arch.guest_fpu, true);
}

/**
 * fpu_put_guest() - KVM_RUN ends: take the guest's registers out of the thread
 * @vcpu: loaded vCPU
 */
void fpu_put_guest(struct mkvm_vcpu *vcpu)
{
	fpu_swap_kvm_fpstate(&vcpu->arch.guest_fpu, false);
}

/**
 * fpu_update_switch() - what must entries switch?
 * @vcpu: loaded vCPU, whose CR4.OSXSAVE, CR4.PKE, XCR0, XSS or CPUID changed
 */
void fpu_update_switch(struct mkvm_vcpu *vcpu)
{
	struct mkvm_arch_vcpu *a = &vcpu->arch;
	bool in_guest = a->fpu_loaded & FPU_IN_GUEST;
	u8 what = 0;

	/* OSXSAVE and PKE are never guest-owned: arch.cr4 has them right. */
	if (a->cr4 & X86_CR4_OSXSAVE) {
		if (a->xcr0 != host_xcr0)
			what |= FPU_SWITCH_XCR0;
		if (guest_cpuid_has(vcpu, X86_FEATURE_XSAVES) && a->ia32_xss != host_xss)
			what |= FPU_SWITCH_XSS;
	}
	/* The guest can change PKRU by WRPKRU with CR4.PKE, by XRSTOR with its XCR0 bit. */
	if (boot_cpu_has(X86_FEATURE_OSPKE) &&
	    ((a->cr4 & X86_CR4_PKE) ||
	     ((a->cr4 & X86_CR4_OSXSAVE) && (a->xcr0 & XFEATURE_MASK_PKRU))))
		what |= FPU_SWITCH_PKRU;
	if (a->fpu_switch == what)
		return;
	/* MOV to CR4 is handled without leaving the entry loop: what is loaded must change, too. */
	if (in_guest)
		fpu_load_host_xsave_state(vcpu);
	a->fpu_switch = what;
	if (in_guest)
		fpu_load_guest_xsave_state(vcpu);
}

void __fpu_load_guest_xsave_state(struct mkvm_vcpu *vcpu)
{
	u8 what = vcpu->arch.fpu_loaded;

	if (what & FPU_SWITCH_XCR0)
		xsetbv(XCR_XFEATURE_ENABLED_MASK, vcpu->arch.xcr0);
	if (what & FPU_SWITCH_XSS)
		wrmsrl(MSR_IA32_XSS, vcpu->arch.ia32_xss);
	if (what & FPU_SWITCH_PKRU) {
		vcpu->arch.host_pkru = read_pkru();
		write_pkru(vcpu->arch.pkru);
	}
}

void __fpu_load_host_xsave_state(struct mkvm_vcpu *vcpu)
{
	u8 what = vcpu->arch.fpu_loaded;

	if (what & FPU_SWITCH_PKRU) {
		vcpu->arch.pkru = read_pkru();
		write_pkru(vcpu->arch.host_pkru);
	}
	if (what & FPU_SWITCH_XCR0)
		xsetbv(XCR_XFEATURE_ENABLED_MASK, host_xcr0);
	if (what & FPU_SWITCH_XSS)
		wrmsrl(MSR_IA32_XSS, host_xss);
}

/* The registers in the CPU until fpregs_unlock(). */
static void lock_live_registers(void)
{
	fpregs_lock();
	if (test_thread_flag(TIF_NEED_FPU_LOAD))
		switch_fpu_return();
}

/* An instruction names its register: one set of functions for each of the sixteen. */
#define DEFINE_XMM_ACCESS(n)							\
static void read_xmm##n(void *p)						\
{										\
	asm volatile("movdqu %%xmm" #n ", (%0)" : : "r"(p) : "memory");		\
}										\
static void write_xmm##n(const void *p)						\
{										\
	asm volatile("movdqu (%0), %%xmm" #n : : "r"(p) : "memory");		\
}										\
static void read_ymm##n(void *p)						\
{										\
	asm volatile("vmovdqu %%ymm" #n ", (%0)" : : "r"(p) : "memory");	\
}										\
static void write_ymm##n(const void *p)						\
{										\
	asm volatile("vmovdqu (%0), %%ymm" #n : : "r"(p) : "memory");		\
}

DEFINE_XMM_ACCESS(0)
DEFINE_XMM_ACCESS(1)
DEFINE_XMM_ACCESS(2)
DEFINE_XMM_ACCESS(3)
DEFINE_XMM_ACCESS(4)
DEFINE_XMM_ACCESS(5)
DEFINE_XMM_ACCESS(6)
DEFINE_XMM_ACCESS(7)
DEFINE_XMM_ACCESS(8)
DEFINE_XMM_ACCESS(9)
DEFINE_XMM_ACCESS(10)
DEFINE_XMM_ACCESS(11)
DEFINE_XMM_ACCESS(12)
DEFINE_XMM_ACCESS(13)
DEFINE_XMM_ACCESS(14)
DEFINE_XMM_ACCESS(15)

#define XMM_ROW(n)	{ read_xmm##n, write_xmm##n, read_ymm##n, write_ymm##n }

static const struct {
	void (*read_xmm)(void *p);
	void (*write_xmm)(const void *p);
	void (*read_ymm)(void *p);
	void (*write_ymm)(const void *p);
} xmm_access[16] = {
	XMM_ROW(0), XMM_ROW(1), XMM_ROW(2), XMM_ROW(3), XMM_ROW(4), XMM_ROW(5), XMM_ROW(6),
	XMM_ROW(7), XMM_ROW(8), XMM_ROW(9), XMM_ROW(10), XMM_ROW(11), XMM_ROW(12), XMM_ROW(13),
	XMM_ROW(14), XMM_ROW(15),
};

/* A guest that runs AVX instructions was given AVX; one that was not cannot get here. */
/**
 * fpu_read_xmm() - read a vector register of the guest
 * @reg: 0 to 15
 * @data: the result
 * @len: 16 or 32 bytes
 *
 * Context: process, between fpu_load_guest() and fpu_put_guest(); so are the next six functions.
 */
void fpu_read_xmm(unsigned int reg, void *data, unsigned int len)
{
	reg = array_index_nospec(reg & 15, ARRAY_SIZE(xmm_access));
	lock_live_registers();
	if (len == 32 && boot_cpu_has(X86_FEATURE_AVX))
		xmm_access[reg].read_ymm(data);
	else
		xmm_access[reg].read_xmm(data);
	fpregs_unlock();
}

/**
 * fpu_write_xmm() - write a vector register of the guest
 * @reg: 0 to 15
 * @data: the value
 * @len: 16 or 32 bytes; 16 leave the upper part alone, 32 clear what is above bit 255
 */
void fpu_write_xmm(unsigned int reg, const void *data, unsigned int len)
{
	reg = array_index_nospec(reg & 15, ARRAY_SIZE(xmm_access));
	lock_live_registers();
	if (len == 32 && boot_cpu_has(X86_FEATURE_AVX))
		xmm_access[reg].write_ymm(data);
	else
		xmm_access[reg].write_xmm(data);
	fpregs_unlock();
}

#define FSW_ES		BIT(7)	/* an unmasked x87 exception is pending */

#define DEFINE_MM_ACCESS(n)							\
static void read_mm##n(u64 *p)							\
{										\
	asm volatile("movq %%mm" #n ", (%0)" : : "r"(p) : "memory");		\
}										\
static void write_mm##n(const u64 *p)						\
{										\
	asm volatile("movq (%0), %%mm" #n : : "r"(p) : "memory");		\
}

DEFINE_MM_ACCESS(0)
DEFINE_MM_ACCESS(1)
DEFINE_MM_ACCESS(2)
DEFINE_MM_ACCESS(3)
DEFINE_MM_ACCESS(4)
DEFINE_MM_ACCESS(5)
DEFINE_MM_ACCESS(6)
DEFINE_MM_ACCESS(7)

#define MM_ROW(n)	{ read_mm##n, write_mm##n }

static const struct {
	void (*read)(u64 *p);
	void (*write)(const u64 *p);
} mmx_access[8] = {
	MM_ROW(0), MM_ROW(1), MM_ROW(2), MM_ROW(3), MM_ROW(4), MM_ROW(5), MM_ROW(6), MM_ROW(7),
};

/* MMX instructions raise #MF, which the host must not get, when the guest has one pending. */
static bool x87_exception_pending(void)
{
	u16 status;

	asm volatile("fnstsw %0" : "=m"(status));
	return status & FSW_ES;
}

/**
 * fpu_read_mm() - read an MMX register of the guest
 * @reg: 0 to 7
 * @value: the result
 *
 * The x87 stack becomes MMX's, as with every MMX instruction. No x87 exception is pending.
 */
void fpu_read_mm(unsigned int reg, u64 *value)
{
	reg = array_index_nospec(reg & 7, ARRAY_SIZE(mmx_access));
	lock_live_registers();
	if (!x87_exception_pending())
		mmx_access[reg].read(value);
	fpregs_unlock();
}

/**
 * fpu_write_mm() - write an MMX register of the guest
 * @reg: 0 to 7
 * @value: the value
 *
 * As fpu_read_mm().
 */
void fpu_write_mm(unsigned int reg, const u64 *value)
{
	reg = array_index_nospec(reg & 7, ARRAY_SIZE(mmx_access));
	lock_live_registers();
	if (!x87_exception_pending())
		mmx_access[reg].write(value);
	fpregs_unlock();
}

/**
 * fpu_x87_word() - the x87 control or status word of the guest
 * @status: the status word
 *
 * Return: the word.
 */
u16 fpu_x87_word(bool status)
{
	u16 word;

	lock_live_registers();
	if (status)
		asm volatile("fnstsw %0" : "=m"(word));
	else
		asm volatile("fnstcw %0" : "=m"(word));
	fpregs_unlock();
	return word;
}

/* What FXSAVE and FXRSTOR want aligned, wherever the stack is. */
struct fx_room {
	u8 bytes[sizeof(struct fxregs_state) + 15];
};

static struct fxregs_state *fx_aligned(struct fx_room *room)
{
	return (void *)PTR_ALIGN(&room->bytes[0], 16);
}

/**
 * fpu_fxsave() - FXSAVE
 * @image: 512 bytes
 * @wide: as with REX.W
 */
void fpu_fxsave(void *image, bool wide)
{
	struct fx_room room;
	struct fxregs_state *fx = fx_aligned(&room);

	/* The processor leaves the reserved bytes as they are. */
	memset(fx, 0, sizeof(*fx));
	lock_live_registers();
	if (wide)
		asm volatile("fxsaveq (%0)" : : "r"(fx) : "memory");
	else
		asm volatile("fxsave (%0)" : : "r"(fx) : "memory");
	fpregs_unlock();
	memcpy(image, fx, sizeof(*fx));
}

/**
 * fpu_fxrstor() - FXRSTOR
 * @image: 512 bytes
 * @wide: as with REX.W
 *
 * Return: 0, or 1 = #GP: reserved bits of MXCSR.
 */
int fpu_fxrstor(const void *image, bool wide)
{
	struct fx_room room;
	struct fxregs_state *fx = fx_aligned(&room);

	memcpy(fx, image, sizeof(*fx));
	if (fx->mxcsr & ~mxcsr_mask)
		return 1;
	lock_live_registers();
	if (wide)
		asm volatile("fxrstorq (%0)" : : "r"(fx) : "memory");
	else
		asm volatile("fxrstor (%0)" : : "r"(fx) : "memory");
	fpregs_unlock();
	return 0;
}

/**
 * fpu_check_xcr0() - may the guest have this XCR0?
 * @vcpu: the vCPU
 * @xcr0: the value
 *
 * Return: 0, or 1 = #GP.
 */
int fpu_check_xcr0(struct mkvm_vcpu *vcpu, u64 xcr0)
{
	/* SDM, XSETBV: x87 cannot be turned off, AVX needs SSE, AVX-512 is all or nothing. */
	if (!(xcr0 & XFEATURE_MASK_FP))
		return 1;
	if ((xcr0 & XFEATURE_MASK_YMM) && !(xcr0 & XFEATURE_MASK_SSE))
		return 1;
	if ((xcr0 & XFEATURE_AVX512) &&
	    ((xcr0 & XFEATURE_AVX512) != XFEATURE_AVX512 || !(xcr0 & XFEATURE_MASK_YMM)))
		return 1;
	if (xcr0 & ~(vcpu->arch.guest_supported_xcr0 | XFEATURE_MASK_FP))
		return 1;
	return 0;
}

/**
 * fpu_get_fpu() - KVM_GET_FPU
 * @vcpu: loaded vCPU
 * @fpu: the result
 */
void fpu_get_fpu(struct mkvm_vcpu *vcpu, struct kvm_fpu *fpu)
{
	const struct fxregs_state *fx = fxregs(vcpu);

	fpu->fcw = FCW_INIT;
	fpu->mxcsr = MXCSR_INIT;
	if (xstate_in_memory(vcpu, XFEATURE_MASK_FP)) {
		memcpy(fpu->fpr, fx->st_space, sizeof(fpu->fpr));
		fpu->fcw = fx->cwd;
		fpu->fsw = fx->swd;
		fpu->ftwx = fx->twd;
		fpu->last_opcode = fx->fop;
		fpu->last_ip = fx->rip;
		fpu->last_dp = fx->rdp;
	}
	if (xstate_in_memory(vcpu, XFEATURE_MASK_SSE)) {
		memcpy(fpu->xmm, fx->xmm_space, sizeof(fpu->xmm));
		fpu->mxcsr = fx->mxcsr;
	}
}

/**
 * fpu_set_fpu() - KVM_SET_FPU
 * @vcpu: loaded vCPU
 * @fpu: the new state
 *
 * Return: 0 or -EINVAL.
 */
int fpu_set_fpu(struct mkvm_vcpu *vcpu, const struct kvm_fpu *fpu)
{
	struct fxregs_state *fx = fxregs(vcpu);

	/*
	 * A reserved MXCSR bit would make the kernel's own XRSTOR fault. Clients leave mxcsr
	 * uninitialised now and then (KVM never looked), so drop the bits rather than refuse.
	 */
	memcpy(fx->st_space, fpu->fpr, sizeof(fpu->fpr));
	fx->cwd = fpu->fcw;
	fx->swd = fpu->fsw;
	fx->twd = fpu->ftwx;
	fx->fop = fpu->last_opcode;
	fx->rip = fpu->last_ip;
	fx->rdp = fpu->last_dp;
	memcpy(fx->xmm_space, fpu->xmm, sizeof(fpu->xmm));
	fx->mxcsr = fpu->mxcsr & mxcsr_mask;
	if (boot_cpu_has(X86_FEATURE_XSAVE))
		vcpu->arch.guest_fpu.fpstate->regs.xsave.header.xfeatures |= XFEATURE_MASK_FPSSE;
	return 0;
}

/**
 * fpu_get_xsave() - KVM_GET_XSAVE, KVM_GET_XSAVE2
 * @vcpu: loaded vCPU
 * @buf: the result
 * @size: its bytes
 */
void fpu_get_xsave(struct mkvm_vcpu *vcpu, void *buf, u32 size)
{
	fpu_copy_guest_fpstate_to_uabi(&vcpu->arch.guest_fpu, buf, size,
				       vcpu->arch.guest_supported_xcr0 | XFEATURE_MASK_FPSSE,
				       vcpu->arch.pkru);
}

/**
 * fpu_set_xsave() - KVM_SET_XSAVE
 * @vcpu: loaded vCPU
 * @buf: fpu_uabi_size() bytes
 *
 * Return: 0 or -EINVAL.
 */
int fpu_set_xsave(struct mkvm_vcpu *vcpu, const void *buf)
{
	/*
	 * All that the host has and guests may have, whatever this one's CPUID says: clients
	 * restore before KVM_SET_CPUID2, too. The guest reaches none that its XCR0 cannot enable.
	 */
	u64 allowed = fpu_supported_xcr0 | XFEATURE_MASK_FPSSE;

	if (fpu_copy_uabi_to_guest_fpstate(&vcpu->arch.guest_fpu, buf, allowed,
					   &vcpu->arch.pkru)) {
		mkvm_refuse(vcpu->vm, "KVM_SET_XSAVE: state components beyond 0x%llx or a bad header",
			    allowed);
		return -EINVAL;
	}
	return 0;
}

/**
 * fpu_get_xcrs() - KVM_GET_XCRS
 * @vcpu: loaded vCPU
 * @xcrs: the result
 */
void fpu_get_xcrs(struct mkvm_vcpu *vcpu, struct kvm_xcrs *xcrs)
{
	if (!boot_cpu_has(X86_FEATURE_XSAVE))
		return;
	xcrs->nr_xcrs = 1;
	xcrs->xcrs[0].xcr = XCR_XFEATURE_ENABLED_MASK;
	xcrs->xcrs[0].value = vcpu->arch.xcr0;
}

/**
 * fpu_set_xcrs() - KVM_SET_XCRS
 * @vcpu: loaded vCPU
 * @xcrs: the new values
 *
 * Return: 0 or -EINVAL.
 */
int fpu_set_xcrs(struct mkvm_vcpu *vcpu, const struct kvm_xcrs *xcrs)
{
	u32 i;

	if (!boot_cpu_has(X86_FEATURE_XSAVE))
		return -EINVAL;
	if (xcrs->nr_xcrs > KVM_MAX_XCRS || xcrs->flags) {
		mkvm_refuse(vcpu->vm, "KVM_SET_XCRS: %u registers, flags 0x%x", xcrs->nr_xcrs,
			    xcrs->flags);
		return -EINVAL;
	}
	for (i = 0; i < xcrs->nr_xcrs; i++) {
		if (xcrs->xcrs[i].xcr != XCR_XFEATURE_ENABLED_MASK)
			continue;
		if (fpu_check_xcr0(vcpu, xcrs->xcrs[i].value)) {
			mkvm_refuse(vcpu->vm, "KVM_SET_XCRS: XCR0 0x%llx is not valid for this CPUID",
				    xcrs->xcrs[i].value);
			return -EINVAL;
		}
		vcpu->arch.xcr0 = xcrs->xcrs[i].value;
		fpu_update_switch(vcpu);
		cpuid_update_runtime(vcpu);
		break;
	}
	return 0;
}
