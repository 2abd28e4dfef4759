// SPDX-License-Identifier: GPL-2.0-only
/*
 * The in-kernel 8259 pair, I/O APIC and 8254, and the routing between userspace's GSIs and them:
 * KVM_IRQ_LINE(_STATUS), KVM_SET_GSI_ROUTING, KVM_GET/SET_IRQCHIP, KVM_GET/SET_PIT2. Chapters:
 * 8259A, 82093AA and 8254 data sheets, "The KVM API" sections 4.24 to 4.27, 4.52, 4.71. The
 * guest stops at a sync for each step; the test moves the lines meanwhile. Relies on lib/.
 */
#include <signal.h>

#include "apic.h"

#define PIC1 0x20
#define PIC2 0xa0

static void line(struct kt_vm *vm, u32 gsi, u32 level)
{
	struct kvm_irq_level l = { .irq = gsi, .level = level };

	KT_IOCTL(vm->fd, KVM_IRQ_LINE, &l);
}

static u32 irqs(struct kt_vm *vm, u32 vector)
{
	return GV(vm, guest_irqs)[vector];
}

/* ---- 8259 --------------------------------------------------------------------------------- */

static void pic_eoi(struct gframe *f)
{
	guest_irqs[f->vector]++;
	if (f->vector >= 0x28)
		outb(PIC2, 0x20);
	outb(PIC1, 0x20);
}

static void pic_init(u8 icw4)
{
	outb(PIC1, 0x11);
	outb(PIC2, 0x11);
	outb(PIC1 + 1, 0x20);
	outb(PIC2 + 1, 0x28);
	outb(PIC1 + 1, 4);
	outb(PIC2 + 1, 2);
	outb(PIC1 + 1, icw4);
	outb(PIC2 + 1, icw4);
	outb(PIC1 + 1, 0);
	outb(PIC2 + 1, 0);
}

static void pic_handlers(void (*fn)(struct gframe *f))
{
	for (u32 v = 0x20; v < 0x30; v++)
		guest_handler[v] = fn;
}

static u8 pic_isr(u16 port)
{
	outb(port, 0x0b);
	return inb(port);
}

static u8 pic_irr(u16 port)
{
	outb(port, 0x0a);
	return inb(port);
}

/* Opens the interrupt window after every step of the test. */
static void pic_steps(void)
{
	for (u32 i = 0; ; i++) {
		GUEST_SYNC(i);
		window();
		window();
	}
}

static void pic_edge_guest(void)
{
	pic_handlers(pic_eoi);
	pic_init(1);
	pic_steps();
}

static void pic_edge(void)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_PIT, pic_edge_guest);
	struct kt_vm *vm = vcpu->vm;

	KT_RUN_SYNC(vcpu, 0);
	line(vm, 3, 1);
	KT_RUN_SYNC(vcpu, 1);
	KT_EQ(irqs(vm, 0x23), 1);
	line(vm, 3, 1);				/* no new edge */
	KT_RUN_SYNC(vcpu, 2);
	KT_EQ(irqs(vm, 0x23), 1);
	line(vm, 3, 0);
	line(vm, 3, 1);
	KT_RUN_SYNC(vcpu, 3);
	KT_EQ(irqs(vm, 0x23), 2);
	line(vm, 3, 0);
	line(vm, 10, 1);			/* through the slave */
	KT_RUN_SYNC(vcpu, 4);
	KT_EQ(irqs(vm, 0x2a), 1);
	line(vm, 10, 0);
	line(vm, 15, 1);
	line(vm, 8, 1);
	line(vm, 1, 1);
	KT_RUN_SYNC(vcpu, 5);
	KT_RUN_SYNC(vcpu, 6);
	KT_EQ(irqs(vm, 0x2f), 1);
	KT_EQ(irqs(vm, 0x28), 1);
	KT_EQ(irqs(vm, 0x21), 1);
}

/* A line that stays high interrupts again after each EOI; the third time it is masked. */
static void pic_level_eoi(struct gframe *f)
{
	GUEST_TRUE(guest_irqs[f->vector] <= 3);	/* the mask holds: no storm */
	if (++guest_irqs[f->vector] == 3) {
		if (f->vector >= 0x28)
			outb(PIC2 + 1, 1 << (f->vector - 0x28));
		else
			outb(PIC1 + 1, 1 << (f->vector - 0x20));
	}
	if (f->vector >= 0x28)
		outb(PIC2, 0x20);
	outb(PIC1, 0x20);
}

static void pic_level_guest(void)
{
	pic_handlers(pic_level_eoi);
	pic_init(1);
	outb(0x4d0, 0x20);			/* IRQ 5 */
	outb(0x4d1, 0x08);			/* IRQ 11 */
	GUEST_EQ(inb(0x4d0), 0x20);
	GUEST_EQ(inb(0x4d1), 0x08);
	outb(0x4d0, 0xff);			/* 0, 1 and 2 cannot be level */
	GUEST_EQ(inb(0x4d0), 0xf8);
	outb(0x4d0, 0x20);
	GUEST_SYNC(0);				/* 5 goes high */
	window();
	GUEST_EQ(guest_irqs[0x25], 3);
	GUEST_EQ(pic_irr(PIC1) & 0x20, 0x20);
	GUEST_SYNC(1);				/* 5 goes low */
	GUEST_EQ(pic_irr(PIC1) & 0x20, 0);
	outb(PIC1 + 1, 0);
	window();
	GUEST_EQ(guest_irqs[0x25], 3);
	GUEST_SYNC(2);				/* 11 goes high */
	window();
	GUEST_EQ(guest_irqs[0x2b], 3);
	GUEST_SYNC(3);				/* 11 goes low */
	outb(PIC2 + 1, 0);
	window();
	GUEST_EQ(guest_irqs[0x2b], 3);
	guest_done();
}

static void pic_level(void)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, pic_level_guest);

	for (u32 i = 0; i < 4; i++) {
		KT_RUN_SYNC(vcpu, i);
		line(vcpu->vm, i < 2 ? 5 : 11, !(i & 1));
	}
	KT_RUN_DONE(vcpu);
}

static volatile u32 order[8], order_n;

static void pic_note(struct gframe *f)
{
	order[order_n++ & 7] = f->vector;
}

static void pic_priority_guest(void)
{
	pic_handlers(pic_note);
	pic_init(1);
	outb(PIC1 + 1, 0x00);
	GUEST_SYNC(0);				/* IRQ 6, 3 and 12 come */
	GUEST_EQ(pic_irr(PIC1), 1 << 6 | 1 << 3 | 1 << 2);
	GUEST_EQ(pic_irr(PIC2), 1 << 4);
	window();
	GUEST_EQ(order_n, 1);			/* 12 by way of 2 is before 3 */
	GUEST_EQ(order[0], 0x2c);
	GUEST_EQ(pic_isr(PIC1), 4);
	GUEST_EQ(pic_isr(PIC2), 0x10);
	window();
	GUEST_EQ(order_n, 1);			/* no EOI, nothing lower */
	GUEST_SYNC(1);				/* IRQ 1 comes: higher */
	window();
	GUEST_EQ(order_n, 2);
	GUEST_EQ(order[1], 0x21);
	outb(PIC1, 0x20);			/* of IRQ 1 */
	GUEST_EQ(pic_isr(PIC1), 4);
	outb(PIC2, 0x60 | 4);			/* specific */
	outb(PIC1, 0x60 | 2);
	GUEST_EQ(pic_isr(PIC1), 0);
	GUEST_EQ(pic_isr(PIC2), 0);
	window();
	GUEST_EQ(order_n, 3);
	GUEST_EQ(order[2], 0x23);
	outb(PIC1, 0x20);
	window();
	GUEST_EQ(order_n, 4);
	GUEST_EQ(order[3], 0x26);
	outb(PIC1, 0x20);
	GUEST_EQ(pic_irr(PIC1) & ~1, 0);
	guest_done();
}

static void pic_priority(void)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, pic_priority_guest);

	KT_RUN_SYNC(vcpu, 0);
	line(vcpu->vm, 6, 1);
	line(vcpu->vm, 3, 1);
	line(vcpu->vm, 12, 1);
	KT_RUN_SYNC(vcpu, 1);
	line(vcpu->vm, 1, 1);
	KT_RUN_DONE(vcpu);
}

static void pic_modes_guest(void)
{
	pic_handlers(pic_note);
	/* Masked: it stays in IRR and comes when unmasked. */
	pic_init(1);
	outb(PIC1 + 1, 1 << 4);
	GUEST_EQ(inb(PIC1 + 1), 1 << 4);
	GUEST_SYNC(0);				/* IRQ 4 */
	window();
	GUEST_EQ(order_n, 0);
	GUEST_EQ(pic_irr(PIC1), 1 << 4);
	outb(PIC1 + 1, 0);
	window();
	GUEST_EQ(order_n, 1);
	outb(PIC1, 0x20);
	/* Automatic EOI. */
	pic_init(3);
	GUEST_SYNC(1);				/* IRQ 3 */
	window();
	GUEST_EQ(order_n, 2);
	GUEST_EQ(pic_isr(PIC1), 0);
	/* Rotate on EOI: after IRQ 3 the highest is IRQ 4. */
	pic_init(1);
	GUEST_SYNC(2);				/* IRQ 3 */
	window();
	GUEST_EQ(order_n, 3);
	outb(PIC1, 0xa0);
	GUEST_SYNC(3);				/* IRQ 1 and 5 */
	window();
	GUEST_EQ(order[3], 0x25);
	outb(PIC1, 0x20);
	window();
	GUEST_EQ(order[4], 0x21);
	outb(PIC1, 0x20);
	outb(PIC1, 0xc7);			/* 7 lowest again */
	guest_done();
}

static void pulse(struct kt_vm *vm, u32 gsi)
{
	line(vm, gsi, 0);
	line(vm, gsi, 1);
}

static void pic_modes(void)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, pic_modes_guest);
	struct kt_vm *vm = vcpu->vm;

	KT_RUN_SYNC(vcpu, 0);
	pulse(vm, 4);
	KT_RUN_SYNC(vcpu, 1);
	pulse(vm, 3);
	KT_RUN_SYNC(vcpu, 2);
	pulse(vm, 3);
	KT_RUN_SYNC(vcpu, 3);
	pulse(vm, 1);
	pulse(vm, 5);
	KT_RUN_DONE(vcpu);
}

/* Special mask mode: a masked level in service blocks nothing. Then poll mode. */
static void pic_smm_guest(void)
{
	pic_handlers(pic_note);
	pic_init(1);
	GUEST_SYNC(0);				/* IRQ 3 */
	window();
	GUEST_EQ(order[0], 0x23);
	outb(PIC1 + 1, 1 << 3);
	outb(PIC1, 0x68);
	GUEST_SYNC(1);				/* IRQ 6 */
	window();
	GUEST_EQ(order_n, 2);
	GUEST_EQ(order[1], 0x26);
	outb(PIC1, 0x66);
	outb(PIC1, 0x48);
	outb(PIC1, 0x63);
	/* Poll mode. */
	GUEST_SYNC(2);				/* IRQ 5 */
	outb(PIC1, 0x0c);
	GUEST_EQ(inb(PIC1), 0x85);
	outb(PIC1, 0x0c);
	GUEST_EQ(inb(PIC1) & 0x80, 0);
	window();
	GUEST_EQ(order_n, 2);
	guest_done();
}

static void pic_special_mask_and_poll(void)
{
	struct kt_vcpu *vcpu;

	if (!kt_is_minikvm())
		kt_skip("KVM 6.1 has no special mask mode, and its poll word lacks bit 7");
	vcpu = kt_long(0, KT_IRQCHIP, pic_smm_guest);
	KT_RUN_SYNC(vcpu, 0);
	pulse(vcpu->vm, 3);
	KT_RUN_SYNC(vcpu, 1);
	pulse(vcpu->vm, 6);
	KT_RUN_SYNC(vcpu, 2);
	pulse(vcpu->vm, 5);
	KT_RUN_DONE(vcpu);
}

/* ---- I/O APIC ----------------------------------------------------------------------------- */

static void ioapic_eoi(struct gframe *f)
{
	guest_irqs[f->vector]++;
	apic_write(APIC_EOI, 0);
}

static void ioapic_start(void)
{
	outb(PIC1 + 1, 0xff);
	outb(PIC2 + 1, 0xff);
	apic_enable();
	for (u32 v = 0x40; v < 0x80; v++)
		guest_handler[v] = ioapic_eoi;
}

static void ioapic_regs_guest(void)
{
	ioapic_start();
	GUEST_EQ(ioapic_read(1) >> 16 & 0xff, 23);
	GUEST_EQ(ioapic_read(1) & 0xff, 0x11);
	ioapic_write(0, 5U << 24);
	GUEST_EQ(ioapic_read(0), 5U << 24);
	for (u32 pin = 0; pin < 24; pin++) {
		GUEST_EQ(ioapic_read(0x10 + pin * 2) & RTE_MASK, RTE_MASK);
		ioapic_write(0x11 + pin * 2, pin << 24);
		ioapic_write(0x10 + pin * 2,
			     RTE_MASK | RTE_LEVEL | RTE_RIRR | 1 << 12 | (0x40 + pin));
		GUEST_EQ(ioapic_read(0x10 + pin * 2), RTE_MASK | RTE_LEVEL | (0x40 + pin));
		GUEST_EQ(ioapic_read(0x11 + pin * 2), pin << 24);
	}
	ioapic_write(0x40, 0xffffffff);		/* past the last entry */
	guest_done();
}

static void ioapic_registers(void)
{
	KT_RUN_DONE(kt_long(0, KT_IRQCHIP, ioapic_regs_guest));
}

static void ioapic_edge_guest(void)
{
	ioapic_start();
	ioapic_rte(4, 0x44, 0);
	ioapic_rte(23, 0x57, 0);
	GUEST_SYNC(0);				/* pin 4 */
	window();
	GUEST_EQ(guest_irqs[0x44], 1);
	GUEST_EQ(ioapic_read(0x18) & RTE_RIRR, 0);
	window();
	GUEST_EQ(guest_irqs[0x44], 1);
	GUEST_SYNC(1);				/* again, twice */
	window();
	GUEST_EQ(guest_irqs[0x44], 2);		/* merged in IRR */
	GUEST_SYNC(2);				/* pin 23 */
	window();
	GUEST_EQ(guest_irqs[0x57], 1);
	ioapic_write(0x18, RTE_MASK | 0x44);
	GUEST_SYNC(3);				/* pin 4 while masked */
	window();
	GUEST_EQ(guest_irqs[0x44], 2);
	/* To a processor that is not there. */
	ioapic_rte(5, 0x45, 9);
	/* Logical destination. */
	apic_write(APIC_LDR, 8U << 24);
	ioapic_rte(6, 1 << 11 | 0x46, 0xc);
	GUEST_SYNC(4);				/* pins 5 and 6 */
	window();
	GUEST_EQ(guest_irqs[0x45], 0);
	GUEST_EQ(guest_irqs[0x46], 1);
	guest_done();
}

static void ioapic_edge(void)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, ioapic_edge_guest);
	struct kt_vm *vm = vcpu->vm;

	KT_RUN_SYNC(vcpu, 0);
	pulse(vm, 4);
	KT_RUN_SYNC(vcpu, 1);
	pulse(vm, 4);
	pulse(vm, 4);
	KT_RUN_SYNC(vcpu, 2);
	pulse(vm, 23);
	KT_RUN_SYNC(vcpu, 3);
	pulse(vm, 4);
	KT_RUN_SYNC(vcpu, 4);
	pulse(vm, 5);
	pulse(vm, 6);
	KT_RUN_DONE(vcpu);
}

static void on_level(struct gframe *f)
{
	guest_irqs[f->vector]++;		/* no EOI: the guest does it */
}

static void ioapic_level_guest(void)
{
	ioapic_start();
	guest_handler[0x49] = on_level;
	ioapic_rte(9, RTE_LEVEL | 0x49, 0);
	GUEST_SYNC(0);				/* high */
	window();
	GUEST_EQ(guest_irqs[0x49], 1);
	GUEST_EQ(ioapic_read(0x22) & RTE_RIRR, RTE_RIRR);
	GUEST_EQ(apic_bit(APIC_TMR, 0x49), 1);
	GUEST_EQ(apic_bit(APIC_ISR, 0x49), 1);
	window();
	GUEST_EQ(guest_irqs[0x49], 1);
	apic_write(APIC_EOI, 0);		/* the line is still high */
	window();
	GUEST_EQ(guest_irqs[0x49], 2);
	GUEST_SYNC(1);				/* low */
	apic_write(APIC_EOI, 0);
	GUEST_EQ(ioapic_read(0x22) & RTE_RIRR, 0);
	window();
	GUEST_EQ(guest_irqs[0x49], 2);
	/* High while masked: it comes with the unmasking. */
	ioapic_write(0x22, RTE_MASK | RTE_LEVEL | 0x49);
	GUEST_SYNC(2);				/* high */
	window();
	GUEST_EQ(guest_irqs[0x49], 2);
	ioapic_write(0x22, RTE_LEVEL | 0x49);
	window();
	GUEST_EQ(guest_irqs[0x49], 3);
	GUEST_SYNC(3);				/* low */
	apic_write(APIC_EOI, 0);
	window();
	GUEST_EQ(guest_irqs[0x49], 3);
	guest_done();
}

static void ioapic_level(void)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, ioapic_level_guest);
	struct kt_vm *vm = vcpu->vm;

	for (u32 i = 0; i < 4; i++) {
		KT_RUN_SYNC(vcpu, i);
		line(vm, 9, !(i & 1));
	}
	KT_RUN_DONE(vcpu);
}

/* ---- routing ------------------------------------------------------------------------------ */

struct routes {
	struct kvm_irq_routing head;
	struct kvm_irq_routing_entry e[4];
};

static void route_guest(void)
{
	ioapic_start();
	ioapic_rte(12, 0x4c, 0);
	for (u32 i = 0; ; i++) {
		GUEST_SYNC(i);
		window();
	}
}

static void gsi_routing(void)
{
	struct routes r = {
		.head.nr = 2,
		.e = {
			{ .gsi = 40, .type = KVM_IRQ_ROUTING_MSI,
			  .u.msi = { .address_lo = 0xfee00000, .data = 0x77 } },
			{ .gsi = 4, .type = KVM_IRQ_ROUTING_IRQCHIP,
			  .u.irqchip = { .irqchip = KVM_IRQCHIP_IOAPIC, .pin = 12 } },
		},
	}, bad;
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, route_guest);
	struct kt_vm *vm = vcpu->vm;

	KT_RUN_SYNC(vcpu, 0);
	KT_IOCTL(vm->fd, KVM_SET_GSI_ROUTING, &r);
	pulse(vm, 40);
	pulse(vm, 4);
	KT_RUN_SYNC(vcpu, 1);
	KT_EQ(irqs(vm, 0x77), 1);
	KT_EQ(irqs(vm, 0x4c), 1);
	r.e[0].u.msi.data = 0x78;
	r.head.nr = 1;
	KT_IOCTL(vm->fd, KVM_SET_GSI_ROUTING, &r);
	pulse(vm, 40);
	pulse(vm, 4);				/* routed nowhere */
	KT_RUN_SYNC(vcpu, 2);
	KT_EQ(irqs(vm, 0x78), 1);
	KT_EQ(irqs(vm, 0x4c), 1);

#define REFUSE(stmt)							\
	do {								\
		bad = r;						\
		stmt;							\
		KT_IOCTL_ERR(vm->fd, KVM_SET_GSI_ROUTING, &bad, EINVAL);	\
	} while (0)
	REFUSE(bad.head.flags = 1);
	REFUSE(bad.head.nr = 1 << 20);
	REFUSE(bad.e[0].type = 99);
	REFUSE(bad.e[0].gsi = 1 << 20);
	REFUSE(bad.e[0].flags = 2);
	REFUSE(bad.e[0] = bad.e[1]; bad.e[0].u.irqchip.pin = 24);
	REFUSE(bad.e[0] = bad.e[1]; bad.e[0].u.irqchip.irqchip = 3);
	REFUSE(bad.e[0] = bad.e[1]; bad.e[0].u.irqchip.irqchip = KVM_IRQCHIP_PIC_MASTER);
	KT_IOCTL_ERR(vm->fd, KVM_SET_GSI_ROUTING, 0, EFAULT);
	pulse(vm, 40);				/* the old table is still in force */
	KT_RUN_SYNC(vcpu, 3);
	KT_EQ(irqs(vm, 0x78), 2);
	r.head.nr = 0;
	KT_IOCTL(vm->fd, KVM_SET_GSI_ROUTING, &r);
	pulse(vm, 40);
	KT_RUN_SYNC(vcpu, 4);
	KT_EQ(irqs(vm, 0x78), 2);
}

static void irq_line_arguments(void)
{
	struct kt_vm *vm = kt_vm_new(0, KT_IRQCHIP), *none = kt_vm_new(0, 0);
	struct kvm_irq_level l = { .irq = 4, .level = 1 };

	KT_IOCTL_ERR(none->fd, KVM_IRQ_LINE, &l, ENXIO);
	KT_IOCTL_ERR(vm->fd, KVM_IRQ_LINE, 0, EFAULT);
	KT_IOCTL(vm->fd, KVM_IRQ_LINE_STATUS, &l);
	l.irq = 100000;
	if (ioctl(vm->fd, KVM_IRQ_LINE, &l) && errno != EINVAL)
		kt_fail("KVM_IRQ_LINE of an unknown GSI: %s", kt_errno_name(errno));
	KT_IOCTL_ERR(vm->fd, KVM_CREATE_IRQCHIP, 0, EEXIST);
}

static void irqchip_after_vcpu(void)
{
	struct kt_vm *vm = kt_vm_new(0, 0);

	kt_vcpu_new(vm, 0);
	KT_IOCTL_ERR(vm->fd, KVM_CREATE_IRQCHIP, 0, EINVAL);
}

static void get_set_irqchip(void)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, ioapic_level_guest);
	struct kvm_irqchip c = { .chip_id = KVM_IRQCHIP_IOAPIC };

	KT_RUN_SYNC(vcpu, 0);
	KT_IOCTL(vcpu->vm->fd, KVM_GET_IRQCHIP, &c);
	KT_EQ(c.chip.ioapic.redirtbl[9].fields.vector, 0x49);
	KT_EQ(c.chip.ioapic.redirtbl[9].fields.trig_mode, 1);
	KT_EQ(c.chip.ioapic.redirtbl[9].fields.mask, 0);
	KT_EQ(c.chip.ioapic.redirtbl[8].fields.mask, 1);
	KT_IOCTL(vcpu->vm->fd, KVM_SET_IRQCHIP, &c);
	c.chip_id = KVM_IRQCHIP_PIC_MASTER;
	KT_IOCTL(vcpu->vm->fd, KVM_GET_IRQCHIP, &c);
	KT_EQ(c.chip.pic.imr, 0xff);
	c.chip.pic.imr = 0xf0;
	c.chip.pic.irq_base = 0x38;
	KT_IOCTL(vcpu->vm->fd, KVM_SET_IRQCHIP, &c);
	memset(&c.chip, 0, sizeof(c.chip));
	KT_IOCTL(vcpu->vm->fd, KVM_GET_IRQCHIP, &c);
	KT_EQ(c.chip.pic.imr, 0xf0);
	KT_EQ(c.chip.pic.irq_base, 0x38);
	c.chip_id = 3;
	KT_IOCTL_ERR(vcpu->vm->fd, KVM_GET_IRQCHIP, &c, EINVAL);
	KT_IOCTL_ERR(vcpu->vm->fd, KVM_SET_IRQCHIP, &c, EINVAL);
}

static void elcr_guest(void)
{
	GUEST_EQ(inb(0x4d1), 0x40);
	outb(0x4d1, 0xff);
	GUEST_EQ(inb(0x4d1), 0x5a);	/* what userspace's mask lets through */
	/* None of the values that no chip can have does harm. */
	outb(0x20, 0x0b);
	(void)inb(0x20);
	outb(0xa1, 0x55);
	outb(0xa0, 0x60);
	outb(0xa0, 0x0c);
	(void)inb(0xa0);
	guest_done();
}

/* What KVM_SET_IRQCHIP gave an 8259, KVM_GET_IRQCHIP gives back, the ELCR's mask included. */
static void pic_state_as_it_was(void)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, elcr_guest);
	struct kvm_irqchip c = { .chip_id = KVM_IRQCHIP_PIC_SLAVE }, back;
	struct kvm_pic_state odd = {
		.last_irr = 0x81, .imr = 0xff, .isr = 0x24, .priority_add = 0xfd, .irq_base = 0x77,
		.read_reg_select = 0xff, .poll = 0, .special_mask = 3, .init_state = 0x80,
		.auto_eoi = 7, .rotate_on_auto_eoi = 9, .special_fully_nested_mode = 2,
		.init4 = 5, .elcr = 0x40, .elcr_mask = 0x5a,
	};

	KT_IOCTL(vcpu->vm->fd, KVM_GET_IRQCHIP, &c);
	KT_EQ(c.chip.pic.elcr_mask, 0xde);
	c.chip.pic = odd;
	KT_IOCTL(vcpu->vm->fd, KVM_SET_IRQCHIP, &c);
	back = c;
	memset(&back.chip, 0, sizeof(back.chip));
	KT_IOCTL(vcpu->vm->fd, KVM_GET_IRQCHIP, &back);
	KT_TRUE(!memcmp(&back.chip.pic, &odd, sizeof(odd)));
	KT_RUN_DONE(vcpu);
}

/* ---- 8254 --------------------------------------------------------------------------------- */

static void pit_irq_guest(void)
{
	pic_handlers(pic_eoi);
	pic_init(1);
	outb(0x43, 0x34);			/* channel 0, both bytes, mode 2 */
	outb(0x40, 0x88);
	outb(0x40, 0x13);			/* 5000 counts, 4.2 ms */
	while (guest_irqs[0x20] < 5)
		sti_hlt_cli();
	outb(PIC1 + 1, 1);
	outb(0x43, 0x30);			/* mode 0: one shot */
	outb(0x40, 0x00);
	outb(0x40, 0x10);
	guest_irqs[0x20] = 0;
	outb(PIC1 + 1, 0);
	while (guest_irqs[0x20] < 1)
		sti_hlt_cli();
	guest_irqs[0x20] = 0;
	guest_done();
}

static void pit_interrupts(void)
{
	KT_RUN_DONE(kt_long(0, KT_PIT, pit_irq_guest));
}

static void pit_regs_guest(void)
{
	u32 a, b;

	/* Read-back of a channel's mode. */
	outb(0x43, 0xb6);			/* channel 2, both, mode 3 */
	outb(0x42, 0xff);
	outb(0x42, 0xff);
	outb(0x43, 0xe8);			/* status of channel 2 */
	GUEST_EQ(inb(0x42) & 0x3f, 0x36);
	/* Latched count: low byte, then high byte, of one moment. */
	outb(0x61, inb(0x61) | 1);		/* gate on */
	outb(0x43, 0xb0);			/* mode 0 */
	outb(0x42, 0xff);
	outb(0x42, 0xff);
	outb(0x43, 0x80);
	a = inb(0x42);
	a |= inb(0x42) << 8;
	for (int i = 0; i < 2000; i++)
		asm volatile("nop");
	outb(0x43, 0x80);
	b = inb(0x42);
	b |= inb(0x42) << 8;
	GUEST_TRUE(b <= a);
	GUEST_TRUE(a <= 0xffff);
	/* OUT of channel 2 in mode 0 rises at the end; bit 5 of port 0x61 shows it. */
	outb(0x43, 0xb0);
	outb(0x42, 200);
	outb(0x42, 0);
	sti();
	while (!(inb(0x61) & 0x20))
		cpu_relax();
	cli();
	outb(0x43, 0xb0);			/* a new count takes it down again */
	outb(0x42, 0xff);
	outb(0x42, 0xff);
	GUEST_EQ(inb(0x61) & 0x20, 0);
	/* Gate and speaker bits read back. */
	outb(0x61, 3);
	GUEST_EQ(inb(0x61) & 3, 3);
	outb(0x61, 0);
	GUEST_EQ(inb(0x61) & 3, 0);
	/* Low byte only. */
	outb(0x43, 0x90);
	outb(0x42, 0x40);
	outb(0x43, 0xe8);
	GUEST_EQ(inb(0x42) & 0x3f, 0x10);
	guest_done();
}

static void pit_registers(void)
{
	KT_RUN_DONE(kt_long(0, KT_PIT, pit_regs_guest));
}

static void pit_state(void)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_PIT, pit_regs_guest);
	struct kvm_pit_state2 s;
	struct kvm_pit_config cfg = { 0 };

	kt_require_cap(KVM_CAP_PIT_STATE2, "KVM_CAP_PIT_STATE2");
	KT_RUN_DONE(vcpu);
	KT_IOCTL(vcpu->vm->fd, KVM_GET_PIT2, &s);
	KT_EQ(s.channels[2].mode, 0);
	KT_EQ(s.channels[2].rw_mode, 1);
	KT_IOCTL(vcpu->vm->fd, KVM_SET_PIT2, &s);
	KT_IOCTL_ERR(vcpu->vm->fd, KVM_CREATE_PIT2, &cfg, EEXIST);
}

/* Without KVM_PIT_SPEAKER_DUMMY port 0x61 is userspace's. */
static void port61_guest(void)
{
	GUEST_EQ(inb(0x61), 0x5a);
	guest_done();
}

static void pit_without_speaker(void)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, port61_guest);
	struct kvm_pit_config cfg = { 0 };

	KT_IOCTL(vcpu->vm->fd, KVM_CREATE_PIT2, &cfg);
	KT_RUN_EXIT(vcpu, KVM_EXIT_IO);
	KT_EQ(vcpu->run->io.port, 0x61);
	*(u8 *)kt_io_data(vcpu) = 0x5a;
	KT_RUN_DONE(vcpu);
}

/* HLT sleeps until a line rises, from whichever source. */
static struct kt_vm *alarm_vm;

static void raise_line(int sig)
{
	struct kvm_irq_level l = { .irq = 7, .level = 1 };

	(void)sig;
	ioctl(alarm_vm->fd, KVM_IRQ_LINE, &l);
}

static void hlt_guest(void)
{
	pic_handlers(pic_eoi);
	pic_init(1);
	while (!guest_irqs[0x27])
		sti_hlt_cli();
	guest_done();
}

static void hlt_wakes_by_line(void)
{
	struct sigaction sa = { .sa_handler = raise_line };
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, hlt_guest);

	alarm_vm = vcpu->vm;
	sigaction(SIGALRM, &sa, NULL);
	ualarm(30000, 0);
	KT_EQ(kt_run_raw(vcpu), -1);
	KT_EQ(errno, EINTR);
	KT_RUN_DONE(vcpu);
}

static const struct kt_test tests[] = {
	{ "pic_edge", pic_edge },
	{ "pic_level", pic_level },
	{ "pic_priority", pic_priority },
	{ "pic_modes", pic_modes },
	{ "pic_special_mask_and_poll", pic_special_mask_and_poll },
	{ "ioapic_registers", ioapic_registers },
	{ "ioapic_edge", ioapic_edge },
	{ "ioapic_level", ioapic_level },
	{ "gsi_routing", gsi_routing },
	{ "irq_line_arguments", irq_line_arguments },
	{ "irqchip_after_vcpu", irqchip_after_vcpu },
	{ "get_set_irqchip", get_set_irqchip },
	{ "pic_state_as_it_was", pic_state_as_it_was },
	{ "pit_interrupts", pit_interrupts },
	{ "pit_registers", pit_registers },
	{ "pit_state", pit_state },
	{ "pit_without_speaker", pit_without_speaker },
	{ "hlt_wakes_by_line", hlt_wakes_by_line },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
