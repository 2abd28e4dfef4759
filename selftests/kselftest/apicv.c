// SPDX-License-Identifier: GPL-2.0-only
/*
 * The virtualized APIC: the APIC-access page that the vCPUs of a VM share, or must not share.
 * SDM volume 3, "APIC Virtualization and Virtual Interrupts". Relies on lib/; the guests keep
 * RFLAGS.IF set while an interrupt of theirs is pending, because of Bochs (lab.rst, APICv).
 */
#include "apic.h"

#define VECTOR 0x61
#define MSR_APIC_BASE 0x1b
#define APIC_BASE_X2 0xc00UL
#define OTHER_BASE 0xfed00000UL

static u32 done_irqs;

/* Uses its xAPIC page in every way, then again and again when it is told to. */
static void xapic_guest(void)
{
	guest_handler[VECTOR] = guest_count_eoi;
	apic_enable();
	sti();
	for (u64 stage = 1;; stage++) {
		u32 before = guest_irqs[VECTOR];

		apic_write(APIC_TPR, 0x10 + stage);
		GUEST_EQ(apic_read(APIC_TPR), 0x10 + stage);
		apic_write(APIC_LVT1, 0x10000 + 0x20 + stage);
		GUEST_EQ(apic_read(APIC_LVT1), 0x10000 + 0x20 + stage);
		self_ipi(VECTOR);
		while (guest_irqs[VECTOR] == before)
			cpu_relax();
		GUEST_EQ(apic_bit(APIC_ISR, VECTOR), 0);
		done_irqs = guest_irqs[VECTOR];
		GUEST_SYNC(stage);
	}
}

/* In x2APIC mode there is no page: what its address reads as is KVM's to choose, ones. */
static void x2apic_guest(void)
{
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_BASE_X2);
	wrmsr(0x80f, 0x1ff);
	for (u64 stage = 1;; stage++) {
		GUEST_EQ(rd32(APIC_BASE + APIC_LVR), 0xffffffff);
		GUEST_EQ(rd32(APIC_BASE + APIC_TPR), 0xffffffff);
		wr32(APIC_BASE + APIC_TPR, 0x77);
		GUEST_EQ(rdmsr(0x808), 0);
		GUEST_SYNC(stage);
	}
}

/* The page is elsewhere, and where it was userspace has a device. */
static void moved_guest(void)
{
	u32 version = apic_read(APIC_LVR);

	wrmsr(MSR_APIC_BASE, OTHER_BASE | (rdmsr(MSR_APIC_BASE) & 0xfff));
	for (u64 stage = 1;; stage++) {
		GUEST_EQ(rd32(OTHER_BASE + APIC_LVR), version);
		wr32(OTHER_BASE + APIC_TPR, 0x30 + stage);
		GUEST_EQ(rd32(OTHER_BASE + APIC_TPR), 0x30 + stage);
		GUEST_EQ(rd32(APIC_BASE + APIC_LVR), 0x12345678);
		GUEST_SYNC(stage);
	}
}

static struct kt_vcpu *second(struct kt_vm *vm, void (*fn)(void))
{
	struct kvm_mp_state state = { KVM_MP_STATE_RUNNABLE };
	struct kvm_cpuid2 *c = kt_supported_cpuid();
	struct kt_vcpu *vcpu = kt_vcpu_new(vm, 1);

	kt_cpuid_entry(c, 1, 0)->ecx |= BIT(21);
	KT_IOCTL(vcpu->fd, KVM_SET_CPUID2, c);
	free(c);
	kt_vcpu_long(vcpu, fn);
	KT_IOCTL(vcpu->fd, KVM_SET_MP_STATE, &state);
	return vcpu;
}

static void page_and_x2apic(void)
{
	struct kt_vcpu *x = kt_long(0, KT_IRQCHIP, xapic_guest);
	struct kt_vcpu *x2 = second(x->vm, x2apic_guest);

	for (u64 stage = 1; stage < 5; stage++) {
		KT_RUN_SYNC(x, stage);
		KT_EQ(GV(x->vm, done_irqs), stage);
		KT_RUN_SYNC(x2, stage);
	}
}

static void page_and_moved_base(void)
{
	struct kt_vcpu *x = kt_long(0, KT_IRQCHIP, xapic_guest);
	struct kt_vcpu *moved = second(x->vm, moved_guest);

	for (u64 stage = 1; stage < 5; stage++) {
		KT_RUN_SYNC(x, stage);
		KT_EQ(GV(x->vm, done_irqs), stage);
		KT_RUN_EXIT(moved, KVM_EXIT_MMIO);
		KT_EQ(moved->run->mmio.phys_addr, APIC_BASE + APIC_LVR);
		KT_EQ(moved->run->mmio.is_write, 0);
		*(u32 *)moved->run->mmio.data = 0x12345678;
		KT_RUN_SYNC(moved, stage);
	}
}

static const struct kt_test tests[] = {
	{ "page_and_x2apic", page_and_x2apic },
	{ "page_and_moved_base", page_and_moved_base },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
