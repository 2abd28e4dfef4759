/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * virt/vcpu.h of the MSR table's unit tests: the members of vCPU and VM that it uses, and the
 * functions of others that it calls. The Makefile makes headers of the other names (cpuid.h,
 * lapic.h, vmx.h, ...) that lead here. Registers that vmx/ keeps are numbers in an array; the MSR
 * bitmap says which accesses exit.
 */
#ifndef MSR_TEST_VCPU_H
#define MSR_TEST_VCPU_H

#include "kernel.h"

/* lib/kernel.h has two features of no matter what numbers; here they are the kernel's. */
#undef X86_FEATURE_X2APIC
#undef X86_FEATURE_TSC_DEADLINE_TIMER
#include <asm/apicdef.h>
#include <asm/cpufeatures.h>
#include <asm/msr-index.h>
#include <linux/kvm_para.h>

#define __ro_after_init
#define BUILD_BUG_ON(x)		_Static_assert(!(x), #x)
#define BITS_TO_LONGS(n)	(((n) + 63) / 64)
#define U8_MAX			255
#define GFP_KERNEL		0
#define NCAPS			(NCAPINTS + 1)
#define FPU_SUPPORTED_XSS	0ull
#define array_size(n, size)	((n) * (size))
#define kcalloc(n, size, gfp)	calloc(n, size)
#define IS_ERR(p)		((unsigned long)(p) > -4096ul)
#define ERR_PTR(e)		((void *)(long)(e))
#define PTR_ERR(p)		((long)(p))
#define PTR_ERR_OR_ZERO(p)	(IS_ERR(p) ? PTR_ERR(p) : 0)
#define rcu_access_pointer(p)	(p)
#define srcu_read_lock(s)	((void)(s), 0)
#define srcu_read_unlock(s, i)	((void)(i))
#define get_user(x, p)		((x) = *(p), 0)
#define put_user(x, p)		(*(p) = (x), 0)

static inline int copy_from_user(void *to, const void *from, unsigned long n)
{
	memcpy(to, from, n);
	return 0;
}

static inline int copy_to_user(void *to, const void *from, unsigned long n)
{
	return copy_from_user(to, from, n);
}

static inline void *memdup_user(const void *from, size_t n)
{
	void *p = malloc(n);

	return p ? memcpy(p, from, n) : ERR_PTR(-ENOMEM);
}

/* <asm/mce.h>: SDM, "Machine-Check Architecture". */
#define MCG_BANKCNT_MASK		0xff
#define MCG_EXT_CNT_MASK		0xff0000
#define MCG_CTL_P			BIT_ULL(8)
#define MCG_SER_P			BIT_ULL(24)
#define MCG_LMCE_P			BIT_ULL(27)
#define MCG_STATUS_MCIP			BIT_ULL(2)
#define MCG_EXT_CTL_LMCE_EN		BIT_ULL(0)
#define MCI_STATUS_VAL			BIT_ULL(63)
#define MCI_STATUS_OVER			BIT_ULL(62)
#define MCI_STATUS_UC			BIT_ULL(61)
#define MCI_STATUS_PCC			BIT_ULL(57)
#define MCI_STATUS_S			BIT_ULL(56)
#define MCI_STATUS_AR			BIT_ULL(55)
#define MCI_CTL2_CMCI_EN		BIT_ULL(30)
#define MCI_CTL2_CMCI_THRESHOLD_MASK	0x7fffull
#define MC_VECTOR			18
#define X86_CR4_MCE			BIT(6)

enum mkvm_request { MKVM_REQ_TRIPLE_FAULT, MKVM_REQ_MSR_PASS };
enum { GREG_RCX = 1 };
enum vmx_msr_access { VMX_MSR_READ = 1, VMX_MSR_WRITE = 2, VMX_MSR_RW = 3 };

struct mkvm_lapic { bool x2apic, awaited, virtualized; u64 deadline, reg[0x100]; };
struct msr_filter;
struct mkvm_vcpu;

struct mkvm_vm {
	struct mutex lock;	/* of the filter */
	struct srcu_struct srcu;
	struct {
		u32 user_space_msr_mask;
		struct msr_filter *msr_filter;
		bool msr_slow, guest_can_read_platform_info;
	} arch;
};

struct mkvm_arch_vcpu {
	struct mkvm_lapic *apic;
	u32 guest_caps[NCAPS], guest_cap_7_2_edx;
	u64 reserved_gpa_bits;
	u8 msr_passed;
	/* The registers themselves, as in arch_vcpu.h. */
	u64 registers[0];
	u64 efer, apic_base, pat, misc_enable;
	u64 arch_capabilities, perf_capabilities, platform_info, misc_features, power_ctl;
	u64 ucode_rev, smbase;
	u64 mtrr_def_type, mtrr_fixed[11], mtrr_var[16];
	u64 mcg_cap, mcg_status, mcg_ctl, mcg_ext_ctl;
	u64 wall_clock_msr, system_time_msr, steal_time_msr;
	u64 smi_count, feat_ctl, hwcr, ia32_xss, ia32_tsc_adjust;
	u64 pv_eoi_msr, migration_msr, async_pf_enable, async_pf_vector;
	u64 registers_end[0];
	u64 *mce_banks;
	u32 pv_features;
	bool pv_enforce_cpuid;
	int (*complete_userspace_io)(struct mkvm_vcpu *vcpu);
};

struct mkvm_vcpu {
	struct mkvm_vm *vm;
	struct kvm_run *run;
	struct mkvm_arch_vcpu arch;
	bool no_halt_poll;
	u64 rcx, edx_eax, tsc, spec_ctrl;
	u64 vmx_msr[0x2400];			/* vmx_slot() */
	bool spec_ctrl_used, x2apic_control;
	unsigned long msr_bitmap[512];		/* SDM, "MSR-Bitmap Address" */
	int gps, skipped;
};

#define mkvm_refuse(vm, ...)	((void)(vm))

static inline void mkvm_make_request(enum mkvm_request req, struct mkvm_vcpu *vcpu) { }
static inline void mkvm_make_all_request(struct mkvm_vm *vm, enum mkvm_request req) { }

/* cpuid.h: what the module offers is the test's choice. */
extern bool offered_by_module;

static inline bool supported_cpuid_has(unsigned int feature)
{
	return offered_by_module;
}

static inline bool guest_cpuid_has(const struct mkvm_vcpu *vcpu, unsigned int feature)
{
	return vcpu->arch.guest_caps[feature / 32] & BIT(feature & 31);
}

static inline unsigned int guest_vaddr_bits(const struct mkvm_vcpu *vcpu)
{
	return 48;
}

static inline u64 __canonical_address(u64 address, u8 bits)
{
	return (s64)(address << (64 - bits)) >> (64 - bits);
}

static inline bool __is_canonical_address(u64 address, u8 bits)
{
	return __canonical_address(address, bits) == address;
}

static inline void cpuid_update_runtime(struct mkvm_vcpu *vcpu) { }
static inline void fpu_update_switch(struct mkvm_vcpu *vcpu) { }
static inline void ept_memtypes_changed(struct mkvm_vm *vm) { }

/* The processor. */
#define boot_cpu_has(feature)		((void)(feature), false)
#define boot_cpu_has_bug(bug)		((void)(bug), true)
#define COMPAT_BUG_ITS			X86_BUG_MDS
#define COMPAT_ARCH_CAP_ITS_NO		0
#define rdmsrl(msr, value)		((value) = 0)

static const struct { u32 microcode; } boot_cpu_data = { 0x1234 };
/* The last command that went to the processor. */
extern u32 last_wrmsr;

static inline void wrmsrl(u32 msr, u64 data)
{
	last_wrmsr = msr;
}

/* regs.h, inject.h, skip.h */
static inline u64 reg_read(struct mkvm_vcpu *vcpu, int reg)
{
	return vcpu->rcx;
}

static inline u64 edx_eax_read(struct mkvm_vcpu *vcpu)
{
	return vcpu->edx_eax;
}

static inline void edx_eax_write(struct mkvm_vcpu *vcpu, u64 data)
{
	vcpu->edx_eax = data;
}

static inline u64 cr4_read(struct mkvm_vcpu *vcpu)
{
	return 0;
}

static inline void inject_gp(struct mkvm_vcpu *vcpu, u32 code)
{
	vcpu->gps++;
}

static inline void inject_exception(struct mkvm_vcpu *vcpu, u8 vector) { }

static inline void skip_instruction(struct mkvm_vcpu *vcpu)
{
	vcpu->skipped++;
}

/* vmx.h */
static inline u64 *vmx_slot(struct mkvm_vcpu *vcpu, u32 msr)
{
	assert(msr < 0x2000 || msr - 0xc0000000 < 0x400);
	return &vcpu->vmx_msr[msr < 0x2000 ? msr : 0x2000 + (msr & 0x3ff)];
}

static inline int vmx_get_msr(struct mkvm_vcpu *vcpu, u32 msr, u64 *data)
{
	*data = *vmx_slot(vcpu, msr);
	return 0;
}

static inline int vmx_set_msr(struct mkvm_vcpu *vcpu, u32 msr, u64 data)
{
	*vmx_slot(vcpu, msr) = data;
	vcpu->spec_ctrl_used |= msr == MSR_IA32_SPEC_CTRL && data;
	return 0;
}

static inline bool vmx_spec_ctrl_switched(struct mkvm_vcpu *vcpu)
{
	return vcpu->spec_ctrl_used;
}

static inline bool vmx_x2apic_mode(struct mkvm_vcpu *vcpu)
{
	return vcpu->x2apic_control;
}

/* Bit of @msr in the bitmap, for reads. */
static inline unsigned int bitmap_bit(u32 msr)
{
	assert(msr < 0x2000 || msr - 0xc0000000 < 0x2000);
	return msr < 0x2000 ? msr : 0x2000 + (msr & 0x1fff);
}

static inline void vmx_msr_passthrough(struct mkvm_vcpu *vcpu, u32 msr,
				       enum vmx_msr_access access, bool on)
{
	unsigned int bit = bitmap_bit(msr) + (access == VMX_MSR_WRITE ? 0x4000 : 0);

	if (on)
		clear_bit(bit, vcpu->msr_bitmap);
	else
		set_bit(bit, vcpu->msr_bitmap);
}

/* cr.h, tsc.h, pvclock.h, async_pf.h: they store. */
static inline int efer_set(struct mkvm_vcpu *vcpu, u64 efer, bool host)
{
	vcpu->arch.efer = efer;
	return 0;
}

static inline u64 tsc_guest_now(struct mkvm_vcpu *vcpu)
{
	return vcpu->tsc;
}

static inline void tsc_write(struct mkvm_vcpu *vcpu, u64 value, bool host)
{
	vcpu->tsc = value;
}

static inline void tsc_write_adjust(struct mkvm_vcpu *vcpu, u64 value, bool host)
{
	vcpu->arch.ia32_tsc_adjust = value;
}

static inline void pvclock_write_wall_clock(struct mkvm_vcpu *vcpu, u64 data)
{
	vcpu->arch.wall_clock_msr = data;
}

static inline void pvclock_write_system_time(struct mkvm_vcpu *vcpu, u64 data)
{
	vcpu->arch.system_time_msr = data;
}

static inline int steal_time_write(struct mkvm_vcpu *vcpu, u64 data)
{
	vcpu->arch.steal_time_msr = data;
	return 0;
}

static inline int async_pf_write_enable(struct mkvm_vcpu *vcpu, u64 data)
{
	vcpu->arch.async_pf_enable = data;
	return 0;
}

static inline int async_pf_write_vector(struct mkvm_vcpu *vcpu, u64 data)
{
	vcpu->arch.async_pf_vector = data;
	return 0;
}

static inline void async_pf_ack(struct mkvm_vcpu *vcpu, u64 data) { }

/* lapic.h: a register for each x2APIC MSR. */
static inline int lapic_x2apic_msr_read(struct mkvm_vcpu *vcpu, u32 msr, u64 *data)
{
	if (!vcpu->arch.apic || !vcpu->arch.apic->x2apic)
		return 1;
	*data = vcpu->arch.apic->reg[msr - 0x800];
	return 0;
}

static inline int lapic_x2apic_msr_write(struct mkvm_vcpu *vcpu, u32 msr, u64 data)
{
	if (!vcpu->arch.apic || !vcpu->arch.apic->x2apic || (msr == 0x80b && data))
		return 1;
	vcpu->arch.apic->reg[msr - 0x800] = data;
	return 0;
}

static inline int lapic_x2apic_icr_write_fast(struct mkvm_vcpu *vcpu, u64 data)
{
	return lapic_x2apic_msr_write(vcpu, 0x830, data);
}

static inline bool lapic_virtualized(struct mkvm_vcpu *vcpu)
{
	return vcpu->arch.apic->virtualized;
}

/* Of this LAPIC the page holds the even ones. */
static inline bool lapic_x2apic_readable(struct mkvm_vcpu *vcpu, u32 msr)
{
	return !(msr & 1);
}

static inline int lapic_x2apic_eoi_write_fast(struct mkvm_vcpu *vcpu, u64 data)
{
	if (!vcpu->arch.apic->x2apic || data)
		return 1;
	return vcpu->arch.apic->awaited ? -1 : 0;
}

static inline u64 lapic_get_tsc_deadline(struct mkvm_vcpu *vcpu)
{
	return vcpu->arch.apic->deadline;
}

static inline void lapic_set_tsc_deadline(struct mkvm_vcpu *vcpu, u64 data)
{
	vcpu->arch.apic->deadline = data;
}

static inline int lapic_set_base(struct mkvm_vcpu *vcpu, u64 base, bool host)
{
	vcpu->arch.apic_base = base;
	return 0;
}

static inline void lapic_deliver_lvt(struct mkvm_vcpu *vcpu, u32 lvt) { }

#endif
