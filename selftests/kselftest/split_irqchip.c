// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_CAP_SPLIT_IRQCHIP (LAPIC in the kernel; IOAPIC, 8259s and PIT in userspace): enabling it,
 * KVM_EXIT_IOAPIC_EOI, KVM_INTERRUPT with request_interrupt_window; and KVM_CAP_X2APIC_API:
 * 32-bit IDs in KVM_GET/SET_LAPIC and in messages, the broadcast quirk. KVM's ABI is the
 * reference. Relies on lib/.
 */
#include "apic.h"

#define PINS 24
#define VECTOR 0x61
#define EXTINT 0x35
#define MSI_LEVEL (1 << 15)

static int enable_cap(struct kt_vm *vm, u32 cap, u64 arg)
{
	struct kvm_enable_cap args = { .cap = cap, .args[0] = arg };

	return ioctl(vm->fd, KVM_ENABLE_CAP, &args) ? -errno : 0;
}

static struct kt_vcpu *split_guest(void (*fn)(void))
{
	struct kt_vm *vm = kt_vm_new(KT_MEM, 0);
	struct kt_vcpu *vcpu;
	struct kvm_cpuid2 *c;
	struct kvm_regs r;

	kt_require_cap(KVM_CAP_SPLIT_IRQCHIP, "KVM_CAP_SPLIT_IRQCHIP");
	KT_EQ(enable_cap(vm, KVM_CAP_SPLIT_IRQCHIP, PINS), 0);
	vcpu = kt_vcpu_new(vm, 0);
	c = kt_supported_cpuid();
	kt_cpuid_entry(c, 1, 0)->ecx |= 1 << 21;
	kt_cpuid_entry(c, 1, 0)->ebx &= 0xffffff;
	KT_IOCTL(vcpu->fd, KVM_SET_CPUID2, c);
	free(c);
	kt_vcpu_long(vcpu, fn);
	kt_get_regs(vcpu, &r);
	r.rflags &= ~0x200UL;
	kt_set_regs(vcpu, &r);
	return vcpu;
}

static void enabling(void)
{
	struct kt_vm *vm = kt_vm_new(0, 0), *full = kt_vm_new(0, KT_IRQCHIP);
	struct kt_vm *late = kt_vm_new(0, 0);
	struct kvm_pit_config pit = { };
	struct kvm_irqchip chip = { };

	kt_require_cap(KVM_CAP_SPLIT_IRQCHIP, "KVM_CAP_SPLIT_IRQCHIP");
	KT_EQ(enable_cap(full, KVM_CAP_SPLIT_IRQCHIP, PINS), -EEXIST);
	kt_vcpu_new(late, 0);
	KT_EQ(enable_cap(late, KVM_CAP_SPLIT_IRQCHIP, PINS), -EEXIST);
	KT_EQ(enable_cap(vm, KVM_CAP_SPLIT_IRQCHIP, 100000), -EINVAL);
	KT_EQ(enable_cap(vm, KVM_CAP_SPLIT_IRQCHIP, PINS), 0);
	KT_EQ(enable_cap(vm, KVM_CAP_SPLIT_IRQCHIP, PINS), -EEXIST);
	KT_IOCTL_ERR(vm->fd, KVM_CREATE_IRQCHIP, 0, EEXIST);
	KT_IOCTL_ERR(vm->fd, KVM_CREATE_PIT2, &pit, ENOENT);
	KT_IOCTL_ERR(vm->fd, KVM_GET_IRQCHIP, &chip, ENXIO);
}

/* GSI 5 as a level-triggered message, or as nothing. */
static void route(struct kt_vm *vm, bool there)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry e;
	} r = {
		.head.nr = there,
		.e = {
			.gsi = 5, .type = KVM_IRQ_ROUTING_MSI,
			.u.msi = { .address_lo = 0xfee00000, .data = MSI_LEVEL | VECTOR },
		},
	};

	KT_IOCTL(vm->fd, KVM_SET_GSI_ROUTING, &r);
}

static void irq_line(struct kt_vm *vm, u32 gsi, u32 level)
{
	struct kvm_irq_level irq = { .irq = gsi, .level = level };

	KT_IOCTL(vm->fd, KVM_IRQ_LINE, &irq);
}

static void eoi_guest(void)
{
	guest_handler[VECTOR] = guest_count_eoi;
	guest_handler[VECTOR + 1] = guest_count_eoi;
	apic_enable();
	for (u64 stage = 1; stage < 4; stage++) {
		GUEST_SYNC_VAL(stage, guest_irqs[VECTOR]);
		window();
	}
	GUEST_SYNC_VAL(4, guest_irqs[VECTOR + 1]);
	/* The same by WRMSR. */
	wrmsr(0x1b, rdmsr(0x1b) | 0xc00);
	guest_handler[VECTOR] = guest_count_x2eoi;
	for (u64 stage = 5; stage < 7; stage++) {
		GUEST_SYNC_VAL(stage, guest_irqs[VECTOR]);
		window();
	}
	guest_done();
}

static void want_eoi(struct kt_vcpu *vcpu)
{
	KT_RUN_EXIT(vcpu, KVM_EXIT_IOAPIC_EOI);
	KT_EQ(vcpu->run->eoi.vector, VECTOR);
}

static void eoi_exits(void)
{
	struct kt_vcpu *vcpu = split_guest(eoi_guest);
	struct kvm_msi edge = { .address_lo = 0xfee00000, .data = VECTOR + 1 };

	route(vcpu->vm, true);
	KT_RUN_SYNC(vcpu, 1);
	irq_line(vcpu->vm, 5, 1);
	want_eoi(vcpu);
	KT_EQ(KT_RUN_SYNC(vcpu, 2), 1);
	/* Userspace's IOAPIC drops the entry while the guest has not ended it yet. */
	irq_line(vcpu->vm, 5, 1);
	route(vcpu->vm, false);
	want_eoi(vcpu);
	KT_EQ(KT_RUN_SYNC(vcpu, 3), 2);
	/* No EOI of an edge is reported. */
	KT_EQ(KT_IOCTL(vcpu->vm->fd, KVM_SIGNAL_MSI, &edge), 1);
	KT_EQ(KT_RUN_SYNC(vcpu, 4), 1);
	route(vcpu->vm, true);
	KT_RUN_SYNC(vcpu, 5);
	irq_line(vcpu->vm, 5, 1);
	want_eoi(vcpu);
	KT_EQ(KT_RUN_SYNC(vcpu, 6), 3);
	KT_RUN_DONE(vcpu);
}

static void extint_guest(void)
{
	guest_handler[EXTINT] = guest_count;
	guest_handler[EXTINT + 1] = guest_count;
	apic_enable();
	apic_write(APIC_LVT0, 0x700);		/* ExtINT, not masked */
	GUEST_SYNC(1);
	window();
	GUEST_EQ(guest_irqs[EXTINT], 1);
	/* With interrupts off, then STI and HLT at once. */
	GUEST_SYNC(2);
	sti_hlt_cli();
	GUEST_EQ(guest_irqs[EXTINT], 2);
	/* Masked: the processor does not listen. */
	apic_write(APIC_LVT0, 0x10700);
	GUEST_SYNC(3);
	window();
	GUEST_EQ(guest_irqs[EXTINT + 1], 0);
	GUEST_SYNC(4);
	apic_write(APIC_LVT0, 0x700);
	window();
	GUEST_EQ(guest_irqs[EXTINT + 1], 1);
	guest_done();
}

static void extint(void)
{
	struct kt_vcpu *vcpu = split_guest(extint_guest);
	struct kvm_interrupt irq = { .irq = EXTINT };
	struct kvm_interrupt bad = { .irq = 256 };

	KT_IOCTL_ERR(vcpu->fd, KVM_INTERRUPT, &bad, EINVAL);
	KT_RUN_SYNC(vcpu, 1);
	KT_EQ(vcpu->run->ready_for_interrupt_injection, 0);
	vcpu->run->request_interrupt_window = 1;
	KT_RUN_EXIT(vcpu, KVM_EXIT_IRQ_WINDOW_OPEN);
	KT_EQ(vcpu->run->ready_for_interrupt_injection, 1);
	KT_EQ(vcpu->run->if_flag, 1);
	KT_IOCTL(vcpu->fd, KVM_INTERRUPT, &irq);
	KT_IOCTL_ERR(vcpu->fd, KVM_INTERRUPT, &irq, EEXIST);
	vcpu->run->request_interrupt_window = 0;
	KT_RUN_SYNC(vcpu, 2);
	KT_EQ(vcpu->run->ready_for_interrupt_injection, 0);
	vcpu->run->request_interrupt_window = 1;
	KT_RUN_EXIT(vcpu, KVM_EXIT_IRQ_WINDOW_OPEN);
	KT_IOCTL(vcpu->fd, KVM_INTERRUPT, &irq);
	vcpu->run->request_interrupt_window = 0;
	KT_RUN_SYNC(vcpu, 3);
	irq.irq = EXTINT + 1;
	KT_IOCTL(vcpu->fd, KVM_INTERRUPT, &irq);
	KT_RUN_SYNC(vcpu, 4);
	KT_RUN_DONE(vcpu);
}

static void full_irqchip_refuses(void)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, extint_guest);
	struct kvm_interrupt irq = { .irq = EXTINT };

	KT_IOCTL_ERR(vcpu->fd, KVM_INTERRUPT, &irq, ENXIO);
	KT_RUN_SYNC(vcpu, 1);
	KT_EQ(vcpu->run->ready_for_interrupt_injection, 1);
}

/* ---- x2APIC ------------------------------------------------------------------------------- */

#define IRR(lapic, vector) \
	(*(u32 *)((lapic)->regs + APIC_IRR + (vector) / 32 * 16) >> ((vector) % 32) & 1)

/* A vCPU with any number, its x2APIC on; not run. */
static int x2apic_vcpu(struct kt_vm *vm, u32 id)
{
	int fd = KT_IOCTL(vm->fd, KVM_CREATE_VCPU, id);
	struct kvm_lapic_state lapic;
	struct kvm_cpuid2 *c = kt_supported_cpuid();
	struct kvm_sregs s;

	kt_cpuid_entry(c, 1, 0)->ecx |= 1 << 21;
	KT_IOCTL(fd, KVM_SET_CPUID2, c);
	free(c);
	KT_IOCTL(fd, KVM_GET_SREGS, &s);
	s.apic_base |= 0xc00;
	KT_IOCTL(fd, KVM_SET_SREGS, &s);
	KT_IOCTL(fd, KVM_GET_LAPIC, &lapic);
	*(u32 *)(lapic.regs + APIC_SVR) = 0x1ff;
	KT_IOCTL(fd, KVM_SET_LAPIC, &lapic);
	return fd;
}

static u32 lapic_id(int fd)
{
	struct kvm_lapic_state lapic;

	KT_IOCTL(fd, KVM_GET_LAPIC, &lapic);
	return *(u32 *)(lapic.regs + APIC_ID);
}

static bool got(int fd, u32 vector)
{
	struct kvm_lapic_state lapic;

	KT_IOCTL(fd, KVM_GET_LAPIC, &lapic);
	return IRR(&lapic, vector);
}

static int send(struct kt_vm *vm, u32 low, u32 high, u32 vector)
{
	struct kvm_msi msi = { .address_lo = low, .address_hi = high, .data = vector };
	int ret = ioctl(vm->fd, KVM_SIGNAL_MSI, &msi);

	return ret < 0 ? -errno : ret;
}

static void x2apic_ids(void)
{
	struct kt_vm *vm = kt_vm_new(0, KT_IRQCHIP), *old = kt_vm_new(0, KT_IRQCHIP);
	struct kvm_lapic_state lapic;
	int small, large, fd;

	kt_require_cap(KVM_CAP_X2APIC_API, "KVM_CAP_X2APIC_API");
	KT_EQ(kt_cap(KVM_CAP_X2APIC_API), 3);
	KT_EQ(enable_cap(vm, KVM_CAP_X2APIC_API, 0x10), -EINVAL);
	KT_EQ(enable_cap(vm, KVM_CAP_X2APIC_API, KVM_X2APIC_API_USE_32BIT_IDS), 0);
	small = x2apic_vcpu(vm, 5);
	large = x2apic_vcpu(vm, 300);
	KT_EQ(lapic_id(small), 5);
	KT_EQ(lapic_id(large), 300);
	KT_IOCTL(large, KVM_GET_LAPIC, &lapic);
	*(u32 *)(lapic.regs + APIC_ID) = 301;
	KT_IOCTL_ERR(large, KVM_SET_LAPIC, &lapic, EINVAL);
	/* 300 is 12ch: 2ch in the lower word, 1 in bits 31:8 of the upper one. */
	KT_EQ(send(vm, 0xfee2c000, 0x100, 0x71), 1);
	KT_EQ(got(large, 0x71), 1);
	KT_EQ(got(small, 0x71), 0);
	KT_EQ(send(vm, 0xfee05000, 0, 0x72), 1);
	KT_EQ(got(small, 0x72), 1);
	KT_EQ(send(vm, 0xfee05000, 1, 0x73), -EINVAL);
	/* No vCPU has ID 105h. */
	KT_EQ(send(vm, 0xfee05000, 0x100, 0x74), 0);
	KT_EQ(got(small, 0x74), 0);

	/* As it was before that API: eight bits, at the top of the register. */
	fd = x2apic_vcpu(old, 5);
	KT_EQ(lapic_id(fd), 5 << 24);
	KT_EQ(send(old, 0xfee05000, 0x100, 0x72), 1);
	KT_EQ(got(fd, 0x72), 1);
}

static void x2apic_broadcast(void)
{
	struct kt_vm *quirk = kt_vm_new(0, KT_IRQCHIP), *none = kt_vm_new(0, KT_IRQCHIP);
	int fd;

	kt_require_cap(KVM_CAP_X2APIC_API, "KVM_CAP_X2APIC_API");
	fd = x2apic_vcpu(quirk, 5);
	KT_EQ(send(quirk, 0xfeeff000, 0, 0x75), 1);
	KT_EQ(got(fd, 0x75), 1);
	KT_EQ(enable_cap(none, KVM_CAP_X2APIC_API, KVM_X2APIC_API_USE_32BIT_IDS |
			 KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK), 0);
	fd = x2apic_vcpu(none, 5);
	KT_EQ(send(none, 0xfeeff000, 0, 0x75), 0);
	KT_EQ(got(fd, 0x75), 0);
	KT_EQ(send(none, 0xfeeff000, 0xffffff00, 0x76), 1);
	KT_EQ(got(fd, 0x76), 1);
}

static const struct kt_test tests[] = {
	{ "enabling", enabling },
	{ "eoi_exits", eoi_exits },
	{ "extint", extint },
	{ "full_irqchip_refuses", full_irqchip_refuses },
	{ "x2apic_ids", x2apic_ids },
	{ "x2apic_broadcast", x2apic_broadcast },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
