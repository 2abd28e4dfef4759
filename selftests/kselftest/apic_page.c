// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which of memory, LAPIC and userspace's devices a guest-physical address belongs to.
 *
 * KVM's ABI is the reference: where there is a LAPIC in the kernel, no memory slot covers its page
 * at 0xfee00000, whichever of the two comes first; where the guest has moved its LAPIC, a slot at
 * the new place goes first, for accesses that the processor makes and for emulated ones alike.
 * SDM, "Relocating the Local APIC Registers". Relies on lib/.
 */
#include "apic.h"

#define MSR_APICBASE 0x1b
#define BASE_EN 0x900UL		/* enabled, boot processor */
#define AREA 0xfedf0000UL	/* 128 KiB, with the LAPIC's page in the middle */
#define AREA_SIZE 0x20000UL
#define MOVED 0x50000000UL	/* no slot is there unless a test makes one */

static void *area(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	KT_TRUE(p != MAP_FAILED);
	memset(p, 0x5a, size);
	return p;
}

static void split(struct kt_vm *vm)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args[0] = 24 };

	KT_IOCTL(vm->fd, KVM_ENABLE_CAP, &cap);
}

static void version_guest(void)
{
	GUEST_EQ(apic_read(APIC_LVR) & 0xf0, 0x10);
	apic_enable();
	GUEST_EQ(apic_read(APIC_SVR), 0x1ff);
	guest_done();
}

static void slot_second(struct kt_vm *vm)
{
	struct kt_vcpu *vcpu = kt_vcpu_new(vm, 0);
	void *p = area(AREA_SIZE);

	KT_EQ(kt_slot(vm, 1, 0, AREA, AREA_SIZE, p), -EEXIST);
	KT_EQ(kt_slot(vm, 1, 0, APIC_BASE, 0x1000, p), -EEXIST);
	KT_EQ(kt_slot(vm, 1, KVM_MEM_READONLY, AREA, AREA_SIZE, p), -EEXIST);
	/* Up to it, and from behind it. */
	KT_EQ(kt_slot(vm, 1, 0, AREA, APIC_BASE - AREA, p), 0);
	KT_EQ(kt_slot(vm, 2, 0, APIC_BASE + 0x1000, 0x1000, p), 0);
	/* Nor may one be moved there. */
	KT_EQ(kt_slot(vm, 2, 0, APIC_BASE, 0x1000, p), -EEXIST);
	KT_EQ(kt_slot(vm, 2, 0, APIC_BASE + 0x2000, 0x1000, p), 0);
	kt_vcpu_long(vcpu, version_guest);
	KT_RUN_DONE(vcpu);
}

static void slot_after_vcpu(void)
{
	slot_second(kt_vm_new(KT_MEM, KT_IRQCHIP));
}

static void slot_after_vcpu_split(void)
{
	struct kt_vm *vm = kt_vm_new(KT_MEM, 0);

	split(vm);
	slot_second(vm);
}

static void slot_first(void)
{
	struct kt_vm *vm = kt_vm_new(KT_MEM, KT_IRQCHIP);
	struct kt_vcpu *vcpu;
	void *p = area(AREA_SIZE);

	KT_EQ(kt_slot(vm, 1, 0, AREA, AREA_SIZE, p), 0);
	KT_IOCTL_ERR(vm->fd, KVM_CREATE_VCPU, 0, EEXIST);
	KT_IOCTL_ERR(vm->fd, KVM_CREATE_VCPU, 0, EEXIST);
	KT_EQ(kt_slot(vm, 1, 0, AREA, 0, p), 0);
	vcpu = kt_vcpu_new(vm, 0);
	KT_EQ(kt_slot(vm, 1, 0, AREA, AREA_SIZE, p), -EEXIST);
	kt_vcpu_long(vcpu, version_guest);
	KT_RUN_DONE(vcpu);
}

static void ram_guest(void)
{
	GUEST_EQ(rd32(APIC_BASE + APIC_LVR), 0x5a5a5a5a);
	wr32(APIC_BASE + APIC_SVR, 0x11223344);
	guest_done();
}

/* Without a LAPIC in the kernel the page is as any other. */
static void no_lapic(void)
{
	struct kt_vm *vm = kt_vm_new(KT_MEM, 0);
	struct kt_vcpu *vcpu;
	u8 *p = area(AREA_SIZE);

	KT_EQ(kt_slot(vm, 1, 0, AREA, AREA_SIZE, p), 0);
	vcpu = kt_vcpu_new(vm, 0);
	kt_vcpu_long(vcpu, ram_guest);
	KT_RUN_DONE(vcpu);
	KT_EQ(*(u32 *)(p + (APIC_BASE - AREA) + APIC_SVR), 0x11223344);
}

/* The emulator's access: the other operand is a device. */
static inline void movs_to_device(u64 from)
{
	u64 to = KT_MMIO, src = from;

	asm volatile("movsl" : "+S"(src), "+D"(to) : : "memory");
}

static void moved_guest(void)
{
	wrmsr(MSR_APICBASE, MOVED | BASE_EN);
	/* Nothing is left at the old place. */
	GUEST_SYNC(1);
	(void)rd32(APIC_BASE + APIC_LVR);
	GUEST_SYNC(2);
	GUEST_EQ(rd32(MOVED + APIC_LVR) & 0xf0, 0x10);
	for (int i = 0; i < 4; i++)
		wr32(MOVED + APIC_SVR, 0x100 | (0xf0 + i));
	GUEST_EQ(rd32(MOVED + APIC_SVR), 0x1f3);
	GUEST_SYNC(3);
	/* Now there is memory: it goes first, whatever makes the access. */
	GUEST_EQ(rd32(MOVED + APIC_LVR), 0x5a5a5a5a);
	for (int i = 0; i < 4; i++)
		wr32(MOVED + APIC_SVR, 0x01020304 + i);
	GUEST_EQ(rd32(MOVED + APIC_SVR), 0x01020307);
	movs_to_device(MOVED + APIC_SVR);
	GUEST_SYNC(4);
	guest_done();
}

static void moved(void)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, moved_guest);
	u8 *p = area(0x1000);

	KT_RUN_SYNC(vcpu, 1);
	KT_RUN_EXIT(vcpu, KVM_EXIT_MMIO);
	KT_EQ(vcpu->run->mmio.phys_addr, APIC_BASE + APIC_LVR);
	KT_EQ(vcpu->run->mmio.is_write, 0);
	KT_RUN_SYNC(vcpu, 2);
	KT_RUN_SYNC(vcpu, 3);
	KT_EQ(kt_slot(vcpu->vm, 1, 0, MOVED, 0x1000, p), 0);
	KT_RUN_EXIT(vcpu, KVM_EXIT_MMIO);
	KT_EQ(vcpu->run->mmio.phys_addr, KT_MMIO);
	KT_EQ(vcpu->run->mmio.is_write, 1);
	KT_EQ(*(u32 *)vcpu->run->mmio.data, 0x01020307);
	KT_RUN_SYNC(vcpu, 4);
	KT_RUN_DONE(vcpu);
	KT_EQ(*(u32 *)(p + APIC_SVR), 0x01020307);
}

static const struct kt_test tests[] = {
	{ "slot_after_vcpu", slot_after_vcpu },
	{ "slot_after_vcpu_split", slot_after_vcpu_split },
	{ "slot_first", slot_first },
	{ "no_lapic", no_lapic },
	{ "moved", moved },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
