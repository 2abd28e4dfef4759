// SPDX-License-Identifier: GPL-2.0-only
/*
 * A new vCPU before KVM_SET_CPUID2: which of the ioctls that set state it takes, and what is in it.
 *
 * KVM's ABI is the reference: CPUID is not a condition of any of them. A client may restore the
 * state in the order that it likes, so what the host supports is taken. Relies on lib/.
 */
#include "apic.h"

#define XSAVE_HEADER 512
#define XFEATURE_YMM 4UL

static struct kt_vcpu *bare(unsigned int flags)
{
	struct kt_vm *vm = kt_vm_new(KT_MEM, flags);
	struct kt_vcpu *vcpu = calloc(1, sizeof(*vcpu));

	KT_TRUE(vcpu);
	vcpu->vm = vm;
	vcpu->fd = KT_IOCTL(vm->fd, KVM_CREATE_VCPU, 0);
	return vcpu;
}

/* What GET gives is taken back by SET. */
#define BACK(vcpu, type, get, set)					\
	do {								\
		type *__s = calloc(1, sizeof(*__s) + 8192);		\
									\
		KT_IOCTL((vcpu)->fd, get, __s);				\
		KT_IOCTL((vcpu)->fd, set, __s);				\
		free(__s);						\
	} while (0)

static void what_get_gave(void)
{
	struct kt_vcpu *vcpu = bare(KT_IRQCHIP);

	BACK(vcpu, struct kvm_regs, KVM_GET_REGS, KVM_SET_REGS);
	BACK(vcpu, struct kvm_sregs, KVM_GET_SREGS, KVM_SET_SREGS);
	BACK(vcpu, struct kvm_sregs2, KVM_GET_SREGS2, KVM_SET_SREGS2);
	BACK(vcpu, struct kvm_fpu, KVM_GET_FPU, KVM_SET_FPU);
	BACK(vcpu, struct kvm_xsave, KVM_GET_XSAVE2, KVM_SET_XSAVE);
	BACK(vcpu, struct kvm_xcrs, KVM_GET_XCRS, KVM_SET_XCRS);
	BACK(vcpu, struct kvm_lapic_state, KVM_GET_LAPIC, KVM_SET_LAPIC);
	BACK(vcpu, struct kvm_mp_state, KVM_GET_MP_STATE, KVM_SET_MP_STATE);
	BACK(vcpu, struct kvm_vcpu_events, KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS);
	BACK(vcpu, struct kvm_debugregs, KVM_GET_DEBUGREGS, KVM_SET_DEBUGREGS);
}

/* Components of the host's that this vCPU was not told of yet. */
static void xsave(void)
{
	struct kt_vcpu *vcpu = bare(0);
	struct kvm_cpuid_entry2 *e = kt_cpuid_entry(kt_supported_cpuid(), 0xd, 0);
	struct kvm_xsave *x = calloc(1, sizeof(*x) + 8192);
	u64 *header = (u64 *)((u8 *)x->region + XSAVE_HEADER);

	if (!e || !(e->eax & XFEATURE_YMM))
		kt_skip("the host has no AVX");
	KT_IOCTL(vcpu->fd, KVM_GET_XSAVE2, x);
	*header = 3 | XFEATURE_YMM;
	KT_IOCTL(vcpu->fd, KVM_SET_XSAVE, x);
	*header = 3 | 1UL << 62;
	KT_IOCTL_ERR(vcpu->fd, KVM_SET_XSAVE, x, EINVAL);
}

/* The same behind a KVM_SET_CPUID2 that says nothing of XSAVE. */
static void xsave_other_cpuid(void)
{
	struct kvm_cpuid2 *c = kt_supported_cpuid();
	struct kvm_cpuid_entry2 *e = kt_cpuid_entry(c, 0xd, 0);
	struct kvm_xsave *x = calloc(1, sizeof(*x) + 8192);
	u64 *header = (u64 *)((u8 *)x->region + XSAVE_HEADER);
	struct kt_vcpu *vcpu = bare(0);

	if (!e || !(e->eax & XFEATURE_YMM))
		kt_skip("the host has no AVX");
	e->eax = 3;
	KT_IOCTL(vcpu->fd, KVM_SET_CPUID2, c);
	KT_IOCTL(vcpu->fd, KVM_GET_XSAVE2, x);
	*header = 3 | XFEATURE_YMM;
	KT_IOCTL(vcpu->fd, KVM_SET_XSAVE, x);
	/* KVM takes no entry as a new table, too. */
	c->nent = 0;
	KT_IOCTL(vcpu->fd, KVM_SET_CPUID2, c);
	KT_IOCTL(vcpu->fd, KVM_SET_XSAVE, x);
}

/* Long mode with what a 64-bit kernel sets, as a client restores it. */
static void long_mode(void)
{
	struct kt_vcpu *vcpu = bare(KT_IRQCHIP);
	struct kvm_sregs s;

	KT_IOCTL(vcpu->fd, KVM_GET_SREGS, &s);
	s.cr0 = 0x80050033;
	s.cr4 = 0x6a0;
	s.cr3 = KT_PML4;
	s.efer = 0xd01;
	KT_IOCTL(vcpu->fd, KVM_SET_SREGS, &s);
	KT_IOCTL(vcpu->fd, KVM_GET_SREGS, &s);
	KT_EQ(s.efer, 0xd01);
	KT_EQ(s.cr4, 0x6a0);
}

static void others(void)
{
	struct kt_vcpu *vcpu = bare(KT_IRQCHIP);
	struct kvm_enable_cap cap = { .cap = KVM_CAP_ENFORCE_PV_FEATURE_CPUID };
	struct kvm_guest_debug debug = { .control = KVM_GUESTDBG_ENABLE };
	struct kvm_vapic_addr vapic = { .vapic_addr = 0x1000 };
	struct kvm_tpr_access_ctl tpr = { };
	struct kvm_translation tr = { .linear_address = 0x1000 };
	u64 mcg_cap = 10 | 1 << 8;
	static const u32 msrs[] = {
		0x10, 0x3a, 0x3b, 0x8b, 0x174, 0x175, 0x176, 0x1a0, 0x277, 0x2ff, 0x6e0, 0xc0000080,
		0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000102,
	};

	KT_IOCTL(vcpu->fd, KVM_X86_SETUP_MCE, &mcg_cap);
	KT_IOCTL(vcpu->fd, KVM_ENABLE_CAP, &cap);
	KT_IOCTL(vcpu->fd, KVM_SET_GUEST_DEBUG, &debug);
	KT_IOCTL(vcpu->fd, KVM_SET_VAPIC_ADDR, &vapic);
	KT_IOCTL(vcpu->fd, KVM_TPR_ACCESS_REPORTING, &tpr);
	KT_IOCTL(vcpu->fd, KVM_TRANSLATE, &tr);
	KT_IOCTL(vcpu->fd, KVM_NMI, 0);
	KT_IOCTL(vcpu->fd, KVM_SET_TSC_KHZ, KT_IOCTL(vcpu->fd, KVM_GET_TSC_KHZ, 0));
	for (unsigned int i = 0; i < KT_ARRAY_SIZE(msrs); i++) {
		u64 v;

		KT_EQ(kt_try_get_msr(vcpu, msrs[i], &v), 1);
		KT_TRUE(kt_try_set_msr(vcpu, msrs[i], v) == 1, "MSR %#x", msrs[i]);
	}
	vcpu = bare(0);
	KT_IOCTL(vcpu->fd, KVM_INTERRUPT, &(struct kvm_interrupt){ .irq = 0x20 });
}

/* KVM's values, which its clients have come to know. */
static void new_values(void)
{
	struct kt_vcpu *vcpu = bare(KT_IRQCHIP);

	KT_EQ(kt_get_msr(vcpu, 0x8b), 0x100000000UL);	/* IA32_BIOS_SIGN_ID */
	KT_EQ(kt_get_msr(vcpu, 0x1a0), 0x1800);		/* IA32_MISC_ENABLE */
	KT_EQ(kt_get_msr(vcpu, 0x3a), 0);		/* IA32_FEATURE_CONTROL */
	KT_EQ(kt_get_msr(vcpu, 0x2c), 1 << 24);		/* MSR_EBC_FREQUENCY_ID */
	KT_EQ(kt_get_msr(vcpu, 0xcd), 3);		/* MSR_FSB_FREQ */
	KT_EQ(kt_get_msr(vcpu, 0x198), 0x400000003e8);	/* IA32_PERF_STATUS */
	/* Machine checks: all or nothing, and no MCG_CTL without MCG_CTL_P. */
	KT_EQ(kt_try_set_msr(vcpu, 0x400, 5), 0);
	KT_EQ(kt_try_set_msr(vcpu, 0x400, ~0UL), 1);
	KT_EQ(kt_try_set_msr(vcpu, 0x401, 5), 1);
	KT_EQ(kt_try_set_msr(vcpu, 0x17b, 0), 1);
	KT_EQ(kt_try_set_msr(vcpu, 0x17b, ~0UL), 0);
}

static void untranslated(void)
{
	struct kt_vcpu *vcpu = bare(0);
	struct kvm_translation tr = { .linear_address = ~0UL };

	KT_IOCTL(vcpu->fd, KVM_TRANSLATE, &tr);
	KT_EQ(tr.valid, 0);
	KT_EQ(tr.physical_address, ~0UL);
	tr.linear_address = 0xfffff000;
	KT_IOCTL(vcpu->fd, KVM_TRANSLATE, &tr);
	KT_EQ(tr.valid, 1);
	KT_EQ(tr.physical_address, 0xfffff000);
}

static void get_cpuid_room(void)
{
	struct kt_vcpu *vcpu = bare(0);
	struct kvm_cpuid2 *c = kt_supported_cpuid();
	u32 n = c->nent;

	KT_IOCTL(vcpu->fd, KVM_SET_CPUID2, c);
	c->nent = 3;
	KT_IOCTL_ERR(vcpu->fd, KVM_GET_CPUID2, c, E2BIG);
	KT_EQ(c->nent, 3);
	c->nent = n;
	KT_IOCTL(vcpu->fd, KVM_GET_CPUID2, c);
	KT_EQ(c->nent, n);
}

static const struct kt_test tests[] = {
	{ "what_get_gave", what_get_gave },
	{ "xsave", xsave },
	{ "xsave_other_cpuid", xsave_other_cpuid },
	{ "long_mode", long_mode },
	{ "others", others },
	{ "new_values", new_values },
	{ "untranslated", untranslated },
	{ "get_cpuid_room", get_cpuid_room },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
