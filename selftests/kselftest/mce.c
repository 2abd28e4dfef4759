// SPDX-License-Identifier: GPL-2.0-only
/*
 * Machine checks that userspace injects: KVM_X86_SETUP_MCE, KVM_X86_SET_MCE and the banks' MSRs,
 * CMCI and LMCE included. SDM volume 3, "Machine-Check Architecture" ("IA32_MCi_CTL2 MSRs",
 * "Corrected Machine Check Interrupt", "UCR Error Classification", "Local Machine Check
 * Exception"). Relies on lib/.
 */
#include "apic.h"

#define GP 13
#define MC 18
#define APIC_LVTCMCI 0x2f0
#define MCG_STATUS 0x17a
#define MC_CTL2(i) (0x280 + (i))
#define MC_STATUS(i) (0x401 + (i) * 4)
#define MC_ADDR(i) (0x402 + (i) * 4)

#define BANKS 8
#define CMCI_P (1UL << 10)
#define CMCI_EN (1UL << 30)
#define VAL (1UL << 63)
#define OVER (1UL << 62)
#define UC (1UL << 61)
#define EN (1UL << 60)
#define ADDRV (1UL << 58)
#define PCC (1UL << 57)

static void inject(struct kt_vcpu *vcpu, u8 bank, u64 status, u64 addr, u64 mcg_status)
{
	struct kvm_x86_mce mce = {
		.status = status, .addr = addr, .mcg_status = mcg_status, .bank = bank,
	};

	KT_IOCTL(vcpu->fd, KVM_X86_SET_MCE, &mce);
}

static struct kt_vcpu *with_banks(void (*guest)(void), u64 flags)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, guest);
	u64 cap = BANKS | flags, supported;

	KT_IOCTL(kt_sys(), KVM_X86_GET_MCE_CAP_SUPPORTED, &supported);
	KT_EQ(supported & flags, flags);
	KT_IOCTL(vcpu->fd, KVM_X86_SETUP_MCE, &cap);
	return vcpu;
}

/* ---- errors that need no action ------------------------------------------------------------ */

static void cmci_guest(void)
{
	u64 v;

	GUEST_EQ(rdmsr(0x179), BANKS | CMCI_P);
	apic_enable();
	GUEST_EQ(apic_read(APIC_LVR) >> 16 & 0xff, 6);
	apic_write(APIC_LVTCMCI, 0x61);
	guest_handler[0x61] = guest_count_eoi;
	GUEST_EQ(try_wrmsr(MC_CTL2(3), CMCI_EN | 0x7fff), GUEST_NO_EXC);
	GUEST_EQ(rdmsr(MC_CTL2(3)), CMCI_EN | 0x7fff);
	GUEST_EQ(try_wrmsr(MC_CTL2(3), 1UL << 29), GP);
	GUEST_EQ(try_rdmsr(MC_CTL2(BANKS), &v), GP);
	asm volatile("sti");
	GUEST_SYNC(1);
	GUEST_EQ(guest_irqs[0x61], 1);
	GUEST_EQ(rdmsr(MC_STATUS(3)), VAL | UC | EN | ADDRV);
	GUEST_EQ(rdmsr(MC_ADDR(3)), 0x1000);
	wrmsr(MC_CTL2(3), 0);
	GUEST_SYNC(2);
	/* No interrupt announces it, but it is there, and over the first one. */
	GUEST_EQ(guest_irqs[0x61], 1);
	GUEST_EQ(rdmsr(MC_STATUS(3)), VAL | OVER | UC | EN | ADDRV);
	GUEST_EQ(rdmsr(MC_ADDR(3)), 0x2000);
	guest_done();
}

static void cmci(void)
{
	struct kt_vcpu *vcpu = with_banks(cmci_guest, CMCI_P);

	KT_RUN_SYNC(vcpu, 1);
	inject(vcpu, 3, VAL | UC | EN | ADDRV, 0x1000, 0);
	KT_RUN_SYNC(vcpu, 2);
	inject(vcpu, 3, VAL | UC | EN | ADDRV, 0x2000, 0);
	KT_RUN_DONE(vcpu);
}

static void no_cmci_guest(void)
{
	u64 v;

	apic_enable();
	GUEST_EQ(apic_read(APIC_LVR) >> 16 & 0xff, 5);
	GUEST_EQ(try_rdmsr(MC_CTL2(0), &v), GP);
	GUEST_EQ(try_wrmsr(MC_CTL2(0), 0), GP);
	guest_done();
}

static void no_cmci(void)
{
	KT_RUN_DONE(with_banks(no_cmci_guest, 0));
}

/* ---- errors that do ------------------------------------------------------------------------ */

static void mc_guest(void)
{
	guest_handler[MC] = guest_count;
	GUEST_WRITE_REG("cr4", GUEST_READ_REG("cr4") | 1 << 6);
	GUEST_SYNC(1);
	/* Corrected: only kept. */
	GUEST_EQ(guest_irqs[MC], 0);
	GUEST_EQ(rdmsr(MC_STATUS(2)), VAL | EN | ADDRV);
	GUEST_EQ(rdmsr(MC_ADDR(2)), 0x3000);
	GUEST_EQ(try_wrmsr(MC_STATUS(2), 1), GP);
	wrmsr(MC_STATUS(2), 0);
	GUEST_SYNC(2);
	GUEST_EQ(guest_irqs[MC], 1);
	GUEST_EQ(rdmsr(MCG_STATUS), 4);
	GUEST_EQ(rdmsr(MC_STATUS(2)), VAL | UC | EN | PCC);
	GUEST_SYNC(3);
	/* Corrected, over one that was not: lost, and said so. */
	GUEST_EQ(rdmsr(MC_STATUS(2)), VAL | OVER | UC | EN | PCC);
	GUEST_SYNC(4);
	GUEST_TRUE(0);
}

/* In progress means MCIP: a second machine check then shuts the processor down. */
static void machine_check(void)
{
	struct kt_vcpu *vcpu = with_banks(mc_guest, 0);

	KT_RUN_SYNC(vcpu, 1);
	inject(vcpu, 2, VAL | EN | ADDRV, 0x3000, 0);
	KT_RUN_SYNC(vcpu, 2);
	inject(vcpu, 2, VAL | UC | EN | PCC, 0, 4);
	KT_RUN_SYNC(vcpu, 3);
	inject(vcpu, 2, VAL | EN, 0, 0);
	KT_RUN_SYNC(vcpu, 4);
	inject(vcpu, 2, VAL | UC | EN | PCC, 0, 4);
	KT_RUN_EXIT(vcpu, KVM_EXIT_SHUTDOWN);
}

/* ---- the banks' registers, and local machine checks ------------------------------------------ */

static void bank_guest(void)
{
	/* KVM takes any value of ADDR and MISC, and only 0 of STATUS. */
	GUEST_EQ(try_wrmsr(MC_ADDR(1), 0x123456789abc), GUEST_NO_EXC);
	GUEST_EQ(rdmsr(MC_ADDR(1)), 0x123456789abc);
	GUEST_EQ(try_wrmsr(MC_ADDR(1) + 1, ~0UL), GUEST_NO_EXC);
	GUEST_EQ(rdmsr(MC_ADDR(1) + 1), ~0UL);
	GUEST_EQ(try_wrmsr(MC_ADDR(1), 0), GUEST_NO_EXC);
	GUEST_EQ(rdmsr(MC_ADDR(1)), 0);
	GUEST_EQ(try_wrmsr(MC_STATUS(1), 1), GP);
	GUEST_EQ(try_wrmsr(MC_STATUS(1), 0), GUEST_NO_EXC);
	GUEST_EQ(try_wrmsr(MC_STATUS(1) - 1, 5), GP);
	GUEST_EQ(try_wrmsr(MC_STATUS(1) - 1, 0), GUEST_NO_EXC);
	GUEST_EQ(try_wrmsr(MC_STATUS(1) - 1, ~0UL), GUEST_NO_EXC);
	guest_done();
}

static void bank_registers(void)
{
	KT_RUN_DONE(with_banks(bank_guest, 0));
}

#define LMCE_P (1UL << 27)
#define FEAT_CTL 0x3a
#define FEAT_LOCKED 1UL
#define FEAT_LMCE (1UL << 20)
#define MCG_EXT_CTL 0x4d0

static void lmce_guest(void)
{
	u64 v;

	GUEST_EQ(rdmsr(0x179), BANKS | LMCE_P);
	/* What firmware does: until then the register is not there. */
	GUEST_EQ(try_rdmsr(MCG_EXT_CTL, &v), GP);
	GUEST_EQ(rdmsr(FEAT_CTL), 0);
	GUEST_EQ(try_wrmsr(FEAT_CTL, 1UL << 40), GP);
	GUEST_EQ(try_wrmsr(FEAT_CTL, FEAT_LOCKED | FEAT_LMCE), GUEST_NO_EXC);
	GUEST_EQ(rdmsr(FEAT_CTL), FEAT_LOCKED | FEAT_LMCE);
	GUEST_EQ(try_wrmsr(FEAT_CTL, 0), GP);
	GUEST_EQ(rdmsr(MCG_EXT_CTL), 0);
	GUEST_EQ(try_wrmsr(MCG_EXT_CTL, 2), GP);
	GUEST_EQ(try_wrmsr(MCG_EXT_CTL, 1), GUEST_NO_EXC);
	GUEST_EQ(rdmsr(MCG_EXT_CTL), 1);
	guest_done();
}

static void lmce(void)
{
	struct kt_vcpu *vcpu = with_banks(lmce_guest, LMCE_P);

	KT_EQ(kt_try_set_msr(vcpu, MCG_EXT_CTL, 0), 1);
	KT_EQ(kt_try_set_msr(vcpu, MCG_EXT_CTL, 2), 0);
	KT_RUN_DONE(vcpu);
	KT_EQ(kt_get_msr(vcpu, MCG_EXT_CTL), 1);
	/* Userspace may write it always: what a reset does. */
	KT_EQ(kt_try_set_msr(vcpu, FEAT_CTL, 0), 1);
	KT_EQ(kt_try_set_msr(vcpu, FEAT_CTL, 1UL << 40), 0);
}

static void no_lmce_guest(void)
{
	u64 v;

	GUEST_EQ(try_wrmsr(FEAT_CTL, FEAT_LMCE), GP);
	GUEST_EQ(try_wrmsr(FEAT_CTL, FEAT_LOCKED), GUEST_NO_EXC);
	GUEST_EQ(try_rdmsr(MCG_EXT_CTL, &v), GP);
	GUEST_EQ(try_wrmsr(MCG_EXT_CTL, 0), GP);
	guest_done();
}

static void no_lmce(void)
{
	KT_RUN_DONE(with_banks(no_lmce_guest, 0));
}

static void refused(void)
{
	struct kt_vcpu *vcpu = with_banks(no_cmci_guest, 0);
	struct kvm_x86_mce mce = { .status = VAL, .bank = BANKS };
	u64 cap = 0;

	KT_IOCTL_ERR(vcpu->fd, KVM_X86_SET_MCE, &mce, EINVAL);
	mce.bank = 0;
	mce.status = 0;
	KT_IOCTL_ERR(vcpu->fd, KVM_X86_SET_MCE, &mce, EINVAL);
	KT_IOCTL_ERR(vcpu->fd, KVM_X86_SETUP_MCE, &cap, EINVAL);
	cap = 1 | 1UL << 40;
	KT_IOCTL_ERR(vcpu->fd, KVM_X86_SETUP_MCE, &cap, EINVAL);
	KT_EQ(kt_try_set_msr(vcpu, MC_CTL2(0), 0), 1);
	KT_EQ(kt_try_set_msr(vcpu, MC_CTL2(0), CMCI_EN), 0);
}

static const struct kt_test tests[] = {
	{ "mce_cmci", cmci },
	{ "mce_without_cmci", no_cmci },
	{ "mce_machine_check", machine_check },
	{ "mce_bank_registers", bank_registers },
	{ "mce_lmce", lmce },
	{ "mce_without_lmce", no_lmce },
	{ "mce_refused", refused },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
