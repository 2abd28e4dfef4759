// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 82093AA IOAPIC.
 *
 * Intel 82093AA data sheet; SDM, "I/O APIC" and "Level-triggered interrupts and EOI". An edge
 * on a masked pin is lost. A level-triggered line that is still up at its EOI interrupts
 * again at once, unless it did so very often: then the next one waits, or a guest that never
 * quiets its device would spend all its time, and the host's, in this loop.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/bitops.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "arch/x86/irq/ioapic.h"
#include "arch/x86/irq/lapic.h"
#include "arch/x86/irq/pit.h"
#include "trace/kvm_events.h"
#include "virt/irq_routing.h"
#include "virt/vcpu.h"

/* Registers in the MMIO page, and behind the index. */
#define IOREGSEL		0x00
#define IOWIN			0x10
#define IOAPICID		0x00
#define IOAPICVER		0x01
#define IOAPICARB		0x02
#define IOREDTBL		0x10

#define IOAPIC_VERSION		(0x11 | (IOAPIC_NR_PINS - 1) << 16)

/* Redirection entry. */
#define RTE_VECTOR(e)		((u8)(e))
#define RTE_DELIVERY_MODE(e)	((u8)((e) >> 8) & 7)
#define RTE_DEST_LOGICAL	BIT_ULL(11)
#define RTE_DELIVERY_STATUS	BIT_ULL(12)
#define RTE_REMOTE_IRR		BIT_ULL(14)
#define RTE_LEVEL		BIT_ULL(15)
#define RTE_MASKED		BIT_ULL(16)
#define RTE_DEST(e)		((u8)((e) >> 56))
#define RTE_READ_ONLY		(RTE_DELIVERY_STATUS | RTE_REMOTE_IRR)
#define RTE_VALID		(GENMASK_ULL(63, 56) | GENMASK_ULL(16, 0))

/* So many immediate re-deliveries of one pin, then a pause. */
#define EOI_STORM_LIMIT		10000
#define EOI_STORM_PAUSE		(HZ / 100 ?: 1)

static void pin_unmasked(struct mkvm_ioapic *ioapic, unsigned int pin);

/* Drop the lock, then do what must not be done under it. */
static void ioapic_unlock(struct mkvm_ioapic *ioapic, unsigned long flags)
	__releases(&ioapic->lock)
{
	u32 unmasked = ioapic->unmasked;

	ioapic->unmasked = 0;
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
	for (; unmasked; unmasked &= unmasked - 1)
		pin_unmasked(ioapic, __ffs(unmasked));
}

static u64 *rte(struct mkvm_ioapic *ioapic, unsigned int pin)
{
	return &ioapic->state.redirtbl[array_index_nospec(pin, IOAPIC_NR_PINS)].bits;
}

/* Send the message of @pin if its entry lets it. As ioapic_set_irq() returns. */
static int ioapic_service(struct mkvm_ioapic *ioapic, unsigned int pin)
{
	u64 *entry = rte(ioapic, pin), e = *entry;
	struct lapic_irq irq = {
		.dest_id = RTE_DEST(e),
		.vector = RTE_VECTOR(e),
		.delivery_mode = RTE_DELIVERY_MODE(e),
		.shorthand = DSH_NONE,
		.logical = e & RTE_DEST_LOGICAL,
		.level = true,
		.trig_level = e & RTE_LEVEL,
	};
	int ret;

	if ((e & RTE_MASKED) || (irq.trig_level && (e & RTE_REMOTE_IRR)))
		return -1;
	if (!irq.trig_level)
		ioapic->irr_delivered |= BIT(pin);
	ret = lapic_deliver(ioapic->vm, NULL, &irq);
	if (ret > 0 && irq.trig_level)
		*entry |= RTE_REMOTE_IRR;
	return ret;
}

/* Level-triggered, up and not under way: it has to be sent. */
static bool wants_service(struct mkvm_ioapic *ioapic, unsigned int pin)
{
	u64 e = *rte(ioapic, pin);

	return (ioapic->state.irr & BIT(pin)) && (e & RTE_LEVEL) &&
	       !(e & (RTE_MASKED | RTE_REMOTE_IRR));
}

static int line_changed(struct mkvm_ioapic *ioapic, unsigned int pin, bool up)
{
	bool was_up = ioapic->state.irr & BIT(pin);

	if (!up) {
		ioapic->state.irr &= ~BIT(pin);
		return 1;
	}
	ioapic->state.irr |= BIT(pin);
	if (!(*rte(ioapic, pin) & RTE_LEVEL)) {
		if (was_up)
			return 0;
		ioapic->irr_delivered &= ~BIT(pin);
	}
	return ioapic_service(ioapic, pin);
}

/**
 * ioapic_set_irq() - drive a pin
 * @ioapic: the controller
 * @pin: below IOAPIC_NR_PINS
 * @source: MKVM_*_SOURCE
 * @level: what this source puts on the line; polarity is not modelled, 1 is asserted
 *
 * Return: -1 masked or ignored, 0 coalesced, > 0 vCPUs reached.
 * Context: any but NMI.
 */
int ioapic_set_irq(struct mkvm_ioapic *ioapic, unsigned int pin, int source, int level)
{
	unsigned long flags;
	int ret;

	if (pin >= IOAPIC_NR_PINS)
		return -1;
	pin = array_index_nospec(pin, IOAPIC_NR_PINS);
	raw_spin_lock_irqsave(&ioapic->lock, flags);
	if (level)
		ioapic->lines[pin] |= BIT(source);
	else
		ioapic->lines[pin] &= ~BIT(source);
	ret = line_changed(ioapic, pin, ioapic->lines[pin]);
	if (level)
		trace_kvm_ioapic_set_irq(*rte(ioapic, pin), pin, !ret);
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
	return ret;
}

/* Which EOIs concern the IOAPIC. The LAPICs learn it under the lock: the last update stands. */
static void scan_locked(struct mkvm_ioapic *ioapic)
{
	DECLARE_BITMAP(vectors, 256) = { };
	struct mkvm_vcpu *vcpu;
	unsigned int pin;
	int i;

	for (pin = 0; pin < IOAPIC_NR_PINS; pin++) {
		u64 e = *rte(ioapic, pin);

		if ((e & RTE_LEVEL) ||
		    mkvm_pin_has_ack_notifier(ioapic->vm, KVM_IRQCHIP_IOAPIC, pin))
			__set_bit(RTE_VECTOR(e), vectors);
	}
	if (bitmap_equal(vectors, ioapic->eoi_vectors, 256))
		return;
	/* Readers have no lock: a bit that stays must not be seen clear. */
	for (i = 0; i < ARRAY_SIZE(vectors); i++)
		WRITE_ONCE(ioapic->eoi_vectors[i], vectors[i]);
	mkvm_for_each_vcpu(i, vcpu, ioapic->vm)
		lapic_set_eoi_bitmap(vcpu, vectors);
}

/**
 * ioapic_scan() - routes or acknowledge notifiers changed: compute eoi_vectors anew
 * @ioapic: the controller
 */
void ioapic_scan(struct mkvm_ioapic *ioapic)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&ioapic->lock, flags);
	scan_locked(ioapic);
	ioapic_unlock(ioapic, flags);
}

/**
 * ioapic_scan_vcpu() - tell a new vCPU's LAPIC which EOIs concern the IOAPIC
 * @ioapic: the controller
 * @vcpu: the vCPU
 */
void ioapic_scan_vcpu(struct mkvm_ioapic *ioapic, struct mkvm_vcpu *vcpu)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&ioapic->lock, flags);
	lapic_set_eoi_bitmap(vcpu, ioapic->eoi_vectors);
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
}

/* Send again what is still up: @pin had its EOI. */
static void eoi_one(struct mkvm_ioapic *ioapic, unsigned int pin)
{
	*rte(ioapic, pin) &= ~RTE_REMOTE_IRR;
	if (!wants_service(ioapic, pin)) {
		ioapic->eoi_count[pin] = 0;
	} else if (++ioapic->eoi_count[pin] < EOI_STORM_LIMIT) {
		ioapic_service(ioapic, pin);
	} else {
		ioapic->eoi_count[pin] = 0;
		schedule_delayed_work(&ioapic->eoi_work, EOI_STORM_PAUSE);
	}
}

/**
 * ioapic_eoi_pins() - the slow half of ioapic_eoi_broadcast()
 * @ioapic: the controller
 * @vector: the vector that a LAPIC finished
 *
 * The acknowledge notifiers run first, without the lock: a resampling device takes its line down,
 * and only a line that is still up interrupts again.
 */
void ioapic_eoi_pins(struct mkvm_ioapic *ioapic, int vector)
{
	unsigned long flags;
	unsigned int pin;

	for (pin = 0; pin < IOAPIC_NR_PINS; pin++) {
		if (RTE_VECTOR(READ_ONCE(*rte(ioapic, pin))) != vector)
			continue;
		mkvm_notify_acked_irq(ioapic->vm, KVM_IRQCHIP_IOAPIC, pin);
		raw_spin_lock_irqsave(&ioapic->lock, flags);
		if (*rte(ioapic, pin) & RTE_LEVEL)
			eoi_one(ioapic, pin);
		raw_spin_unlock_irqrestore(&ioapic->lock, flags);
	}
}

static void eoi_work(struct work_struct *work)
{
	struct mkvm_ioapic *ioapic = container_of(to_delayed_work(work), struct mkvm_ioapic,
						  eoi_work);
	unsigned long flags;
	unsigned int pin;

	raw_spin_lock_irqsave(&ioapic->lock, flags);
	for (pin = 0; pin < IOAPIC_NR_PINS; pin++)
		if (wants_service(ioapic, pin))
			ioapic_service(ioapic, pin);
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
}

static u32 read_indirect(struct mkvm_ioapic *ioapic)
{
	u32 reg = ioapic->state.ioregsel, pin;
	u64 e;

	switch (reg) {
	case IOAPICID:
	case IOAPICARB:
		return (ioapic->state.id & 0xf) << 24;
	case IOAPICVER:
		return IOAPIC_VERSION;
	}
	pin = (reg - IOREDTBL) >> 1;
	if (reg < IOREDTBL || pin >= IOAPIC_NR_PINS)
		return ~0u;
	e = *rte(ioapic, pin);
	return reg & 1 ? e >> 32 : e;
}

/* Write one half of an entry. */
static void write_rte(struct mkvm_ioapic *ioapic, unsigned int pin, bool high, u32 val)
{
	u64 *entry = rte(ioapic, pin), old = *entry, new;

	if (high)
		new = (u32)old | (u64)val << 32;
	else
		new = (old & GENMASK_ULL(63, 32)) | val;
	new = (new & RTE_VALID & ~RTE_READ_ONLY) | (old & RTE_READ_ONLY);
	/* Guests clear a stuck Remote IRR by making the pin edge-triggered for a moment. */
	if (!(new & RTE_LEVEL))
		new &= ~RTE_REMOTE_IRR;
	WRITE_ONCE(*entry, new);
	if ((old ^ new) & (RTE_LEVEL | 0xff))
		scan_locked(ioapic);
	if ((old & RTE_MASKED) && !(new & RTE_MASKED))
		ioapic->unmasked |= BIT(pin);
	else if (wants_service(ioapic, pin))
		ioapic_service(ioapic, pin);
}

/*
 * A line that is up when its pin is unmasked may be so only because a resampling device waits
 * for this very moment to be asked: ask, then look again. No lock held.
 */
static void pin_unmasked(struct mkvm_ioapic *ioapic, unsigned int pin)
{
	unsigned long flags;

	pit_irq_unmasked(ioapic->vm, KVM_IRQCHIP_IOAPIC, pin);
	if (READ_ONCE(ioapic->state.irr) & BIT(pin) && READ_ONCE(*rte(ioapic, pin)) & RTE_LEVEL)
		mkvm_notify_acked_irq(ioapic->vm, KVM_IRQCHIP_IOAPIC, pin);
	raw_spin_lock_irqsave(&ioapic->lock, flags);
	if (wants_service(ioapic, pin))
		ioapic_service(ioapic, pin);
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
}

/* The base is part of the restorable state; the registers answer where the bus knows them. */
static bool here(struct mkvm_ioapic *ioapic, gpa_t addr)
{
	return addr - ioapic->state.base_address < IOAPIC_MMIO_SIZE;
}

static int ioapic_read(struct mkvm_vcpu *vcpu, struct mkvm_io_device *dev, gpa_t addr, int len,
		       void *data)
{
	struct mkvm_ioapic *ioapic = container_of(dev, struct mkvm_ioapic, dev);
	unsigned long flags;
	u64 val = 0;

	if (!here(ioapic, addr))
		return -EOPNOTSUPP;
	raw_spin_lock_irqsave(&ioapic->lock, flags);
	switch (addr & 0xff) {
	case IOREGSEL:
		val = ioapic->state.ioregsel;
		break;
	case IOWIN:
		val = read_indirect(ioapic);
		break;
	}
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
	memcpy(data, &val, min_t(int, len, sizeof(val)));
	return 0;
}

static int ioapic_write(struct mkvm_vcpu *vcpu, struct mkvm_io_device *dev, gpa_t addr, int len,
			const void *data)
{
	struct mkvm_ioapic *ioapic = container_of(dev, struct mkvm_ioapic, dev);
	unsigned long flags;
	u32 val = 0, reg, pin;

	if (!here(ioapic, addr))
		return -EOPNOTSUPP;
	memcpy(&val, data, min_t(int, len, sizeof(val)));
	raw_spin_lock_irqsave(&ioapic->lock, flags);
	reg = ioapic->state.ioregsel;
	pin = (reg - IOREDTBL) >> 1;
	if ((addr & 0xff) == IOREGSEL)
		ioapic->state.ioregsel = val & 0xff;
	else if ((addr & 0xff) != IOWIN)
		;	/* nothing there: the write is lost */
	else if (reg == IOAPICID)
		ioapic->state.id = (val >> 24) & 0xf;
	else if (reg >= IOREDTBL && pin < IOAPIC_NR_PINS)
		write_rte(ioapic, pin, reg & 1, val);
	ioapic_unlock(ioapic, flags);
	return 0;
}

static const struct mkvm_io_device_ops ioapic_ops = {
	.read = ioapic_read,
	.write = ioapic_write,
};

/**
 * ioapic_get_state() - KVM_GET_IRQCHIP of the IOAPIC
 * @ioapic: the controller
 * @s: gets the registers, which belong together
 */
void ioapic_get_state(struct mkvm_ioapic *ioapic, struct kvm_ioapic_state *s)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&ioapic->lock, flags);
	*s = ioapic->state;
	s->irr &= ~ioapic->irr_delivered;
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
}

/**
 * ioapic_set_state() - KVM_SET_IRQCHIP of the IOAPIC
 * @ioapic: the controller
 * @s: the state; reserved bits are dropped. Lines that were up interrupt anew.
 */
void ioapic_set_state(struct mkvm_ioapic *ioapic, const struct kvm_ioapic_state *s)
{
	unsigned long flags;
	unsigned int pin;

	raw_spin_lock_irqsave(&ioapic->lock, flags);
	ioapic->state = *s;
	ioapic->state.ioregsel &= 0xff;
	ioapic->state.id &= 0xf;
	ioapic->state.irr = 0;
	ioapic->state.pad = 0;
	ioapic->irr_delivered = 0;
	for (pin = 0; pin < IOAPIC_NR_PINS; pin++) {
		*rte(ioapic, pin) &= RTE_VALID;
		ioapic->eoi_count[pin] = 0;
	}
	scan_locked(ioapic);
	for (pin = 0; pin < IOAPIC_NR_PINS; pin++)
		if (s->irr & BIT(pin))
			line_changed(ioapic, pin, true);
	ioapic_unlock(ioapic, flags);
}

/**
 * ioapic_create() - give a VM its IOAPIC
 * @vm: the VM; vm->lock and vm->slots_lock held
 *
 * Return: 0 or -errno with nothing left behind.
 */
int ioapic_create(struct mkvm_vm *vm)
{
	struct mkvm_ioapic *ioapic = kzalloc(sizeof(*ioapic), GFP_KERNEL_ACCOUNT);
	unsigned int pin;
	int err;

	if (!ioapic)
		return -ENOMEM;
	ioapic->dev.ops = &ioapic_ops;
	ioapic->vm = vm;
	raw_spin_lock_init(&ioapic->lock);
	INIT_DELAYED_WORK(&ioapic->eoi_work, eoi_work);
	ioapic->state.base_address = IOAPIC_DEFAULT_BASE;
	for (pin = 0; pin < IOAPIC_NR_PINS; pin++)
		*rte(ioapic, pin) = RTE_MASKED;

	err = mkvm_io_bus_register(vm, MKVM_MMIO_BUS, IOAPIC_DEFAULT_BASE, IOAPIC_MMIO_SIZE,
				   &ioapic->dev);
	if (err) {
		kfree(ioapic);
		return err;
	}
	vm->arch.ioapic = ioapic;
	return 0;
}

/**
 * ioapic_destroy() - take the IOAPIC off the bus and free it
 * @vm: the VM; vm->slots_lock held, no vCPU can run; may have no IOAPIC
 */
void ioapic_destroy(struct mkvm_vm *vm)
{
	struct mkvm_ioapic *ioapic = vm->arch.ioapic;

	if (!ioapic)
		return;
	mkvm_io_bus_unregister(vm, MKVM_MMIO_BUS, &ioapic->dev);
	cancel_delayed_work_sync(&ioapic->eoi_work);
	vm->arch.ioapic = NULL;
	kfree(ioapic);
}
