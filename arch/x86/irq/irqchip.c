// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interrupt controllers of a VM as a whole.
 *
 * KVM's ABI: KVM_CREATE_IRQCHIP, KVM_GET_IRQCHIP, KVM_SET_IRQCHIP, KVM_CAP_SPLIT_IRQCHIP; what a
 * GSI route means on x86 (virt/arch.h); and which EOIs are waited for.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/slab.h>
#include <linux/string.h>

#include "arch/x86/irq/ioapic.h"
#include "arch/x86/irq/irqchip.h"
#include "arch/x86/irq/lapic.h"
#include "arch/x86/irq/pic.h"
#include "arch/x86/irq/pit.h"
#include "trace/kvm_events.h"
#include "virt/arch.h"
#include "virt/irq_routing.h"

#define NR_ISA_IRQS	16
#define PIC_PINS	8

static void set_irqchip_mode(struct mkvm_vm *vm, enum mkvm_irqchip_mode mode)
{
	/* The chips are complete before another thread sees that they exist. */
	smp_store_release(&vm->arch.irqchip_mode, mode);
}

bool arch_irqchip_in_kernel(struct mkvm_vm *vm)
{
	return irqchip_mode(vm) != MKVM_IRQCHIP_NONE;
}

bool arch_irqfd_allowed(struct mkvm_vm *vm, bool resample)
{
	return resample ? irqchip_mode(vm) == MKVM_IRQCHIP_KERNEL : arch_irqchip_in_kernel(vm);
}

static int route_set_pic(struct mkvm_route *route, struct mkvm_vm *vm, int source, int level)
{
	return pic_set_irq(vm->arch.pic, route->chip.irqchip * PIC_PINS + route->chip.pin, source,
			   level);
}

static int route_set_ioapic(struct mkvm_route *route, struct mkvm_vm *vm, int source, int level)
{
	return ioapic_set_irq(vm->arch.ioapic, route->chip.pin, source, level);
}

static trace_out_of_line void tell_message(u64 address, u32 data)
{
	trace_kvm_msi_set_irq(address, data);
}

static int route_set_msi(struct mkvm_route *route, struct mkvm_vm *vm, int source, int level)
{
	u64 address = (u64)route->msi.address_hi << 32 | route->msi.address_lo;
	struct lapic_irq irq;

	if (!level)
		return -1;	/* a message has no falling edge */
	if (trace_kvm_msi_set_irq_enabled())
		tell_message(address, route->msi.data);
	lapic_msi_to_irq(vm, address, route->msi.data, &irq);
	return lapic_deliver(vm, NULL, &irq);
}

/**
 * arch_set_route() - what one entry of KVM_SET_GSI_ROUTING means
 * @vm: the VM
 * @route: to be filled, with gsi and type already set
 * @ue: the entry
 *
 * Return: 0, or -EINVAL for a type, chip or pin that this VM does not have.
 */
int arch_set_route(struct mkvm_vm *vm, struct mkvm_route *route,
		   const struct kvm_irq_routing_entry *ue)
{
	switch (ue->type) {
	case KVM_IRQ_ROUTING_IRQCHIP:
		if (irqchip_mode(vm) == MKVM_IRQCHIP_SPLIT)
			return -EINVAL;
		switch (ue->u.irqchip.irqchip) {
		case KVM_IRQCHIP_PIC_MASTER:
		case KVM_IRQCHIP_PIC_SLAVE:
			if (ue->u.irqchip.pin >= PIC_PINS)
				return -EINVAL;
			route->set = route_set_pic;
			break;
		case KVM_IRQCHIP_IOAPIC:
			if (ue->u.irqchip.pin >= IOAPIC_NR_PINS)
				return -EINVAL;
			route->set = route_set_ioapic;
			break;
		default:
			return -EINVAL;
		}
		route->chip.irqchip = ue->u.irqchip.irqchip;
		route->chip.pin = ue->u.irqchip.pin;
		return 0;
	case KVM_IRQ_ROUTING_MSI:
		/* With 32-bit x2APIC IDs the upper address holds ID bits 8-31, and nothing else. */
		if (vm->arch.x2apic_32bit && (ue->u.msi.address_hi & 0xff))
			return -EINVAL;
		route->set = route_set_msi;
		route->msi.address_lo = ue->u.msi.address_lo;
		route->msi.address_hi = ue->u.msi.address_hi;
		route->msi.data = ue->u.msi.data;
		return 0;
	default:
		return -EINVAL;
	}
}

/* Split irqchip: level-triggered messages of the GSIs that stand for userspace's IOAPIC. */
struct split_scan_data {
	struct mkvm_vm *vm;
	unsigned long *vectors;
};

static void split_scan_route(const struct mkvm_route *route, void *data)
{
	struct split_scan_data *scan = data;
	struct lapic_irq irq;

	if (route->type != KVM_IRQ_ROUTING_MSI)
		return;
	lapic_msi_to_irq(scan->vm, (u64)route->msi.address_hi << 32 | route->msi.address_lo,
			 route->msi.data, &irq);
	if (irq.trig_level)
		__set_bit(irq.vector, scan->vectors);
}

static void split_scan(struct mkvm_vm *vm, unsigned long *vectors)
{
	struct split_scan_data scan = { .vm = vm, .vectors = vectors };

	mkvm_walk_routes(vm, vm->arch.split_reserved_routes, split_scan_route, &scan);
}

void arch_irq_routing_changed(struct mkvm_vm *vm)
{
	DECLARE_BITMAP(vectors, 256) = { };
	struct mkvm_vcpu *vcpu;
	int i;

	lockdep_assert_held(&vm->irq_lock);
	if (vm->arch.ioapic)
		ioapic_scan(vm->arch.ioapic);
	if (irqchip_mode(vm) != MKVM_IRQCHIP_SPLIT)
		return;
	split_scan(vm, vectors);
	mkvm_for_each_vcpu(i, vcpu, vm)
		lapic_set_eoi_bitmap(vcpu, vectors);
}

/**
 * irqchip_scan_vcpu() - tell a new vCPU's LAPIC which EOIs are waited for
 * @vcpu: the vCPU, which is visible in vm->vcpus
 *
 * Later changes are told by arch_irq_routing_changed().
 *
 * Context: process.
 */
void irqchip_scan_vcpu(struct mkvm_vcpu *vcpu)
{
	DECLARE_BITMAP(vectors, 256) = { };
	struct mkvm_vm *vm = vcpu->vm;

	if (irqchip_mode(vm) == MKVM_IRQCHIP_KERNEL) {
		ioapic_scan_vcpu(vm->arch.ioapic, vcpu);
	} else if (irqchip_mode(vm) == MKVM_IRQCHIP_SPLIT) {
		mutex_lock(&vm->irq_lock);
		split_scan(vm, vectors);
		lapic_set_eoi_bitmap(vcpu, vectors);
		mutex_unlock(&vm->irq_lock);
	}
}

/* KVM's default: GSI n to IOAPIC pin n, and the first sixteen to the 8259s as well. */
static int set_default_routing(struct mkvm_vm *vm)
{
	struct mkvm_route route = { .type = KVM_IRQ_ROUTING_IRQCHIP };
	struct mkvm_irq_routing *table;
	unsigned int gsi;

	table = mkvm_routing_alloc(IOAPIC_NR_PINS + NR_ISA_IRQS, IOAPIC_NR_PINS);
	if (!table)
		return -ENOMEM;
	for (gsi = 0; gsi < IOAPIC_NR_PINS; gsi++) {
		route.gsi = gsi;
		route.set = route_set_ioapic;
		route.chip.irqchip = KVM_IRQCHIP_IOAPIC;
		route.chip.pin = gsi;
		mkvm_routing_add(table, &route);
		if (gsi >= NR_ISA_IRQS)
			continue;
		route.set = route_set_pic;
		route.chip.irqchip = gsi / PIC_PINS;	/* master is 0, slave is 1 */
		route.chip.pin = gsi % PIC_PINS;
		mkvm_routing_add(table, &route);
	}
	/* No reader looks at the old table: nothing could drive a GSI before. */
	mutex_lock(&vm->irq_lock);
	mkvm_routing_free(mkvm_routing_replace(vm, table));
	mutex_unlock(&vm->irq_lock);
	return 0;
}

static void destroy_chips(struct mkvm_vm *vm)
{
	mutex_lock(&vm->slots_lock);
	ioapic_destroy(vm);
	pic_destroy(vm);
	mutex_unlock(&vm->slots_lock);
}

/**
 * irqchip_create() - KVM_CREATE_IRQCHIP: LAPICs, the IOAPIC and the 8259s in the kernel
 * @vm: the VM, which has no interrupt controller and no vCPU; vm->lock is held
 *
 * Return: 0 or -ENOMEM.
 */
int irqchip_create(struct mkvm_vm *vm)
{
	int err;

	mutex_lock(&vm->slots_lock);
	err = pic_create(vm);
	if (!err)
		err = ioapic_create(vm);
	mutex_unlock(&vm->slots_lock);
	if (!err)
		err = set_default_routing(vm);
	if (err) {
		destroy_chips(vm);
		return err;
	}
	set_irqchip_mode(vm, MKVM_IRQCHIP_KERNEL);
	return 0;
}

/**
 * irqchip_enable_split() - KVM_CAP_SPLIT_IRQCHIP: LAPICs here, the rest in userspace
 * @vm: the VM, which has no interrupt controller and no vCPU; vm->lock is held
 * @reserved_routes: how many GSIs from 0 stand for userspace's IOAPIC pins
 *
 * Return: 0.
 */
int irqchip_enable_split(struct mkvm_vm *vm, u64 reserved_routes)
{
	vm->arch.split_reserved_routes = reserved_routes;
	set_irqchip_mode(vm, MKVM_IRQCHIP_SPLIT);
	return 0;
}

/**
 * irqchip_destroy() - free PIC, IOAPIC and PIT
 * @vm: the VM; no vCPU can run, but their LAPICs still exist: the timer may fire until this returns
 *
 * Context: process.
 */
void irqchip_destroy(struct mkvm_vm *vm)
{
	pit_destroy(vm);
	destroy_chips(vm);
}

static int refuse_chip(struct mkvm_vm *vm, const char *ioctl, u32 chip)
{
	mkvm_refuse(vm, "%s: there is no chip %u", ioctl, chip);
	return -EINVAL;
}

/**
 * irqchip_get_state() - KVM_GET_IRQCHIP
 * @vm: the VM, in irqchip mode MKVM_IRQCHIP_KERNEL
 * @chip: its chip_id says which; to be filled
 *
 * Return: 0, or -EINVAL for another number.
 */
int irqchip_get_state(struct mkvm_vm *vm, struct kvm_irqchip *chip)
{
	switch (chip->chip_id) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		pic_get_state(vm->arch.pic, chip->chip_id, &chip->chip.pic);
		return 0;
	case KVM_IRQCHIP_IOAPIC:
		ioapic_get_state(vm->arch.ioapic, &chip->chip.ioapic);
		return 0;
	}
	return refuse_chip(vm, "KVM_GET_IRQCHIP", chip->chip_id);
}

/**
 * irqchip_set_state() - KVM_SET_IRQCHIP
 * @vm: the VM, in irqchip mode MKVM_IRQCHIP_KERNEL
 * @chip: the new state
 *
 * Return: 0, or -EINVAL for a number that is no chip's.
 */
int irqchip_set_state(struct mkvm_vm *vm, const struct kvm_irqchip *chip)
{
	switch (chip->chip_id) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		pic_set_state(vm->arch.pic, chip->chip_id, &chip->chip.pic);
		return 0;
	case KVM_IRQCHIP_IOAPIC:
		ioapic_set_state(vm->arch.ioapic, &chip->chip.ioapic);
		return 0;
	}
	return refuse_chip(vm, "KVM_SET_IRQCHIP", chip->chip_id);
}

/**
 * irqchip_create_pit() - KVM_CREATE_PIT, KVM_CREATE_PIT2
 * @vm: the VM, in irqchip mode MKVM_IRQCHIP_KERNEL and without a PIT; vm->lock is held
 * @flags: of struct kvm_pit_config
 *
 * Return: 0 or an errno of pit_create().
 */
int irqchip_create_pit(struct mkvm_vm *vm, u32 flags)
{
	int err = pit_create(vm, flags);

	if (!err)
		ioapic_scan(vm->arch.ioapic);
	return err;
}

/**
 * irqchip_set_reinject() - KVM_REINJECT_CONTROL
 * @vm: the VM, which has a PIT; vm->lock is held
 * @reinject: deliver later the ticks that the guest was too slow for
 */
void irqchip_set_reinject(struct mkvm_vm *vm, bool reinject)
{
	pit_set_reinject(vm->arch.pit, reinject);
	ioapic_scan(vm->arch.ioapic);
}
