// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two cascaded 8259A interrupt controllers with ELCR.
 *
 * Intel 8259A data sheet: ICW1-4, OCW1-3, poll, special mask mode, rotation, automatic EOI,
 * spurious IRQ7 and IRQ15. The slave's output is wired to the master's IR2, which is thus no
 * line that another source can drive. Acknowledge notifiers and wake-ups wait until the lock is
 * dropped, because they drive interrupt lines themselves.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/bitops.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "arch/x86/irq/lapic.h"
#include "arch/x86/irq/pic.h"
#include "arch/x86/irq/pit.h"
#include "trace/kvm_x86_events.h"
#include "virt/irq_routing.h"
#include "virt/vcpu.h"

#define MASTER		0
#define SLAVE		1
#define CASCADE		BIT(2)

/* kvm_pic_state.init_state: which initialisation word comes next. */
enum { PIC_READY, PIC_ICW2, PIC_ICW3, PIC_ICW4 };

/* Lines that are edge-triggered by wiring: 0, 1, 2, 8 and 13. */
static const u8 elcr_mask[2] = { 0xf8, 0xde };

/* Drop the lock, then do what must not be done under it. */
static void pic_unlock(struct mkvm_pic *pic, unsigned long flags)
	__releases(&pic->lock)
{
	u16 acked = pic->acked, unmasked = pic->unmasked;
	struct mkvm_vm *vm = pic->vm;
	bool rose = pic->rose;
	struct mkvm_vcpu *vcpu;
	unsigned int irq;
	int i;

	pic->acked = 0;
	pic->unmasked = 0;
	pic->rose = false;
	raw_spin_unlock_irqrestore(&pic->lock, flags);

	for (; acked; acked &= acked - 1) {
		irq = __ffs(acked);
		mkvm_notify_acked_irq(vm, irq >> 3, irq & 7);
	}
	for (; unmasked; unmasked &= unmasked - 1) {
		irq = __ffs(unmasked);
		pit_irq_unmasked(vm, irq >> 3, irq & 7);
	}
	if (!rose)
		return;
	mkvm_for_each_vcpu(i, vcpu, vm) {
		if (!lapic_accepts_pic(vcpu))
			continue;
		mkvm_make_request(MKVM_REQ_EVENT, vcpu);
		mkvm_vcpu_kick(vcpu);
		break;		/* one INTA cycle, hence one taker */
	}
}

/* Place of the most urgent bit of @mask, 0 the most urgent; 8 if there is none. */
static unsigned int priority(const struct kvm_pic_state *s, u8 mask)
{
	mask = ror8(mask, s->priority_add & 7);
	return mask ? __ffs(mask) : 8;
}

static unsigned int rank_to_irq(const struct kvm_pic_state *s, unsigned int rank)
{
	return (rank + s->priority_add) & 7;
}

/* The interrupt that the chip asks for now, or -1. */
static int pic_pending(const struct mkvm_pic *pic, unsigned int n)
{
	const struct kvm_pic_state *s = &pic->chip[n];
	unsigned int rank = priority(s, s->irr & ~s->imr);
	u8 isr = s->isr;

	if (rank == 8)
		return -1;
	if (s->special_mask)
		isr &= ~s->imr;
	if (s->special_fully_nested_mode && n == MASTER)
		isr &= ~CASCADE;
	return rank < priority(s, isr) ? rank_to_irq(s, rank) : -1;
}

static void pic_update(struct mkvm_pic *pic)
{
	bool out;

	if (pic_pending(pic, SLAVE) >= 0)
		pic->chip[MASTER].irr |= CASCADE;
	else
		pic->chip[MASTER].irr &= ~CASCADE;
	out = pic_pending(pic, MASTER) >= 0;
	if (out && !pic->output)
		pic->rose = true;
	WRITE_ONCE(pic->output, out);
}

static void clear_isr(struct mkvm_pic *pic, unsigned int n, unsigned int irq)
{
	if (!(pic->chip[n].isr & BIT(irq)))
		return;
	pic->chip[n].isr &= ~BIT(irq);
	pic->acked |= BIT(irq + 8 * n);
}

/* The chip's part of an INTA cycle or of a poll. */
static void intack(struct mkvm_pic *pic, unsigned int n, unsigned int irq)
{
	struct kvm_pic_state *s = &pic->chip[n];

	s->isr |= BIT(irq);
	/* A level-triggered request stays for as long as the line does. */
	if (!(s->elcr & BIT(irq)))
		s->irr &= ~BIT(irq);
	if (s->auto_eoi) {
		if (s->rotate_on_auto_eoi)
			s->priority_add = (irq + 1) & 7;
		clear_isr(pic, n, irq);
	}
}

/**
 * pic_read_irq() - the INTA cycle
 * @vm: the VM, which has a PIC
 *
 * A request that went away between INTR and INTA ends as a spurious IRQ7 (or IRQ15), which
 * sets no in-service bit.
 *
 * Return: the vector.
 * Context: vCPU thread, preemption and interrupts may be off.
 */
int pic_read_irq(struct mkvm_vm *vm)
{
	struct mkvm_pic *pic = vm->arch.pic;
	unsigned long flags;
	int irq, vector;

	raw_spin_lock_irqsave(&pic->lock, flags);
	irq = pic_pending(pic, MASTER);
	if (irq >= 0)
		intack(pic, MASTER, irq);
	else
		irq = 7;
	vector = pic->chip[MASTER].irq_base + irq;
	if (irq == 2) {
		irq = pic_pending(pic, SLAVE);
		if (irq >= 0)
			intack(pic, SLAVE, irq);
		else
			irq = 7;
		vector = pic->chip[SLAVE].irq_base + irq;
	}
	pic_update(pic);
	pic_unlock(pic, flags);
	return vector & 0xff;
}

/**
 * pic_set_irq() - drive a line
 * @pic: the pair
 * @irq: 0-15; 2 is the cascade and takes nothing
 * @source: MKVM_*_SOURCE
 * @level: what this source puts on the line
 *
 * Return: -1 masked or ignored, 0 coalesced with a pending request, 1 otherwise.
 * Context: any but NMI.
 */
int pic_set_irq(struct mkvm_pic *pic, unsigned int irq, int source, int level)
{
	struct kvm_pic_state *s;
	unsigned long flags;
	int ret = 1;
	u8 bit;

	if (irq > 15 || irq == 2)
		return -1;
	irq = array_index_nospec(irq, 16);
	s = &pic->chip[irq >> 3];
	bit = BIT(irq & 7);

	raw_spin_lock_irqsave(&pic->lock, flags);
	if (level)
		pic->lines[irq] |= BIT(source);
	else
		pic->lines[irq] &= ~BIT(source);
	if (pic->lines[irq]) {
		if ((s->elcr & bit) || !(s->last_irr & bit)) {
			ret = !(s->irr & bit);
			s->irr |= bit;
		}
		s->last_irr |= bit;
	} else {
		if (s->elcr & bit)
			s->irr &= ~bit;
		s->last_irr &= ~bit;
	}
	if (s->imr & bit)
		ret = -1;
	trace_kvm_pic_set_irq(irq >> 3, irq & 7, s->elcr, s->imr, !ret);
	pic_update(pic);
	pic_unlock(pic, flags);
	return ret;
}

/* ICW1: back to the start, with the level-triggered requests that are still there. */
static void icw1(struct mkvm_pic *pic, unsigned int n, u8 val)
{
	struct kvm_pic_state *s = &pic->chip[n];

	/* The guest will never acknowledge what is dropped: its notifiers run now. */
	pic->acked |= (u16)(s->isr | (s->irr & ~s->elcr)) << (8 * n);
	pic->unmasked |= (u16)s->imr << (8 * n);
	s->last_irr = 0;
	s->irr &= s->elcr;
	s->isr = 0;
	s->imr = 0;
	s->priority_add = 0;
	s->special_mask = 0;
	s->read_reg_select = 0;
	s->poll = 0;
	s->init4 = val & 1;
	if (!s->init4) {
		s->special_fully_nested_mode = 0;
		s->auto_eoi = 0;
	}
	s->init_state = PIC_ICW2;
}

/* OCW2: end of interrupt and rotation, the command in bits 5-7. */
static void ocw2(struct mkvm_pic *pic, unsigned int n, u8 val)
{
	struct kvm_pic_state *s = &pic->chip[n];
	bool rotate = val & 0x80, specific = val & 0x40, eoi = val & 0x20;
	unsigned int rank, irq = val & 7;

	if (!eoi) {
		if (!specific)
			s->rotate_on_auto_eoi = rotate;
		else if (rotate)
			s->priority_add = (irq + 1) & 7;
		return;
	}
	if (!specific) {
		/* In special mask mode, masked interrupts stay in service. */
		rank = priority(s, s->special_mask ? s->isr & ~s->imr : s->isr);
		if (rank == 8)
			return;
		irq = rank_to_irq(s, rank);
	}
	if (rotate)
		s->priority_add = (irq + 1) & 7;
	clear_isr(pic, n, irq);
}

static void write_command(struct mkvm_pic *pic, unsigned int n, u8 val)
{
	struct kvm_pic_state *s = &pic->chip[n];

	if (val & 0x10) {
		icw1(pic, n, val);
	} else if (val & 0x08) {
		if (val & 0x04)
			s->poll = 1;
		if (val & 0x02)
			s->read_reg_select = val & 1;
		if (val & 0x40)
			s->special_mask = (val >> 5) & 1;
	} else {
		ocw2(pic, n, val);
	}
}

static void write_data(struct mkvm_pic *pic, unsigned int n, u8 val)
{
	struct kvm_pic_state *s = &pic->chip[n];

	switch (s->init_state) {
	case PIC_READY:
		pic->unmasked |= (u16)(u8)(s->imr & ~val) << (8 * n);
		s->imr = val;
		break;
	case PIC_ICW2:
		s->irq_base = val & 0xf8;
		s->init_state = PIC_ICW3;
		break;
	case PIC_ICW3:		/* the wiring of a PC is fixed */
		s->init_state = s->init4 ? PIC_ICW4 : PIC_READY;
		break;
	case PIC_ICW4:
		s->special_fully_nested_mode = (val >> 4) & 1;
		s->auto_eoi = (val >> 1) & 1;
		s->init_state = PIC_READY;
		break;
	}
}

/* Poll command: the read is the INTA cycle; bit 7 tells whether there was a request. */
static u8 read_poll(struct mkvm_pic *pic, unsigned int n)
{
	int irq = pic_pending(pic, n);

	pic->chip[n].poll = 0;
	if (irq < 0)
		return 0;
	intack(pic, n, irq);
	pic_update(pic);
	return 0x80 | irq;
}

static int pic_read(struct mkvm_vcpu *vcpu, struct mkvm_io_device *dev, gpa_t addr, int len,
		    void *data)
{
	struct mkvm_pic *pic = container_of(dev, struct mkvm_pic, dev);
	unsigned int n = (addr & 0x80) ? SLAVE : MASTER;
	struct kvm_pic_state *s = &pic->chip[n];
	unsigned long flags;
	u8 val;

	if (len != 1) {		/* the chip has eight data lines */
		memset(data, 0, len);
		return 0;
	}
	if (addr >= 0x4d0) {
		val = READ_ONCE(pic->chip[addr & 1].elcr);
	} else if (READ_ONCE(s->poll)) {
		raw_spin_lock_irqsave(&pic->lock, flags);
		val = read_poll(pic, n);
		pic_unlock(pic, flags);
	} else if (addr & 1) {
		val = READ_ONCE(s->imr);
	} else {
		val = READ_ONCE(s->read_reg_select) ? READ_ONCE(s->isr) : READ_ONCE(s->irr);
	}
	*(u8 *)data = val;
	return 0;
}

static int pic_write(struct mkvm_vcpu *vcpu, struct mkvm_io_device *dev, gpa_t addr, int len,
		     const void *data)
{
	struct mkvm_pic *pic = container_of(dev, struct mkvm_pic, dev);
	unsigned int n = (addr & 0x80) ? SLAVE : MASTER;
	u8 val = *(const u8 *)data;
	unsigned long flags;

	if (len != 1)
		return 0;
	raw_spin_lock_irqsave(&pic->lock, flags);
	if (addr >= 0x4d0)
		pic->chip[addr & 1].elcr = val & pic->chip[addr & 1].elcr_mask;
	else if (addr & 1)
		write_data(pic, n, val);
	else
		write_command(pic, n, val);
	pic_update(pic);
	pic_unlock(pic, flags);
	return 0;
}

static const struct mkvm_io_device_ops pic_ops = {
	.read = pic_read,
	.write = pic_write,
	.atomic = true,
};

/**
 * pic_get_state() - KVM_GET_IRQCHIP of one of the two chips
 * @pic: the pair
 * @chip: KVM_IRQCHIP_PIC_MASTER or KVM_IRQCHIP_PIC_SLAVE
 * @s: where the state goes
 */
void pic_get_state(struct mkvm_pic *pic, unsigned int chip, struct kvm_pic_state *s)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&pic->lock, flags);
	*s = pic->chip[chip];
	pic_unlock(pic, flags);
}

/**
 * pic_set_state() - KVM_SET_IRQCHIP of one of the two chips
 * @pic: the pair
 * @chip: KVM_IRQCHIP_PIC_MASTER or KVM_IRQCHIP_PIC_SLAVE
 * @s: the state, which KVM_GET_IRQCHIP gives back as it is, the mask of the ELCR included
 *
 * Whatever is in it harms only the guest: what indexes or shifts is cut where it is used.
 */
void pic_set_state(struct mkvm_pic *pic, unsigned int chip, const struct kvm_pic_state *s)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&pic->lock, flags);
	pic->chip[chip] = *s;
	pic_update(pic);
	/* It may have been up before, for a vCPU that was not listening yet. */
	pic->rose = pic->output;
	pic_unlock(pic, flags);
}

/**
 * pic_create() - give a VM its 8259s
 * @vm: the VM; vm->lock and vm->slots_lock held
 *
 * Return: 0 or -errno with nothing left behind.
 */
int pic_create(struct mkvm_vm *vm)
{
	static const u16 ports[] = { 0x20, 0xa0, 0x4d0 };
	struct mkvm_pic *pic;
	int i, err;

	pic = kzalloc(sizeof(*pic), GFP_KERNEL_ACCOUNT);
	if (!pic)
		return -ENOMEM;
	pic->dev.ops = &pic_ops;
	pic->vm = vm;
	raw_spin_lock_init(&pic->lock);
	for (i = 0; i < 2; i++)
		pic->chip[i].elcr_mask = elcr_mask[i];

	for (i = 0; i < ARRAY_SIZE(ports); i++) {
		err = mkvm_io_bus_register(vm, MKVM_PIO_BUS, ports[i], 2, &pic->dev);
		if (err) {
			mkvm_io_bus_unregister(vm, MKVM_PIO_BUS, &pic->dev);
			kfree(pic);
			return err;
		}
	}
	vm->arch.pic = pic;
	return 0;
}

/**
 * pic_destroy() - take the 8259s off the bus and free them
 * @vm: the VM; vm->slots_lock held, no vCPU can run; may have no PIC
 */
void pic_destroy(struct mkvm_vm *vm)
{
	struct mkvm_pic *pic = vm->arch.pic;

	if (!pic)
		return;
	mkvm_io_bus_unregister(vm, MKVM_PIO_BUS, &pic->dev);
	vm->arch.pic = NULL;
	kfree(pic);
}
