// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interrupt controllers of a VM as a whole.
 *
 * KVM's ABI: KVM_CREATE_IRQCHIP, KVM_GET_IRQCHIP, KVM_SET_IRQCHIP, KVM_CREATE_PIT(2),
 * KVM_GET_PIT(2), KVM_SET_PIT(2), KVM_REINJECT_CONTROL, KVM_CAP_SPLIT_IRQCHIP; what a GSI route
 * means on x86 (virt/arch.h); and which EOIs somebody waits for.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "arch/x86/irq/ioapic.h"
#include "arch/x86/irq/irqchip.h"
#include "arch/x86/irq/lapic.h"
#include "arch/x86/irq/pic.h"
#include "arch/x86/irq/pit.h"
#include "virt/arch.h"
#include "virt/irq_routing.h"

#define NR_ISA_IRQS	16
#define PIC_PINS	8

static enum mkvm_irqchip_mode irqchip_mode(struct mkvm_vm *vm)
{
	/* Pairs with the release when it was set: the chips are complete. */
	return smp_load_acquire(&vm->arch.irqchip_mode);
}

static void set_irqchip_mode(struct mkvm_vm *vm, enum mkvm_irqchip_mode mode)
{
	/* The chips are complete before anybody sees that there are some. */
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

static int route_set_pic(struct mkvm_route *route, struct mkvm_vm *vm, int source, int level,
			 bool line_status)
{
	return pic_set_irq(vm->arch.pic, route->chip.irqchip * PIC_PINS + route->chip.pin, source,
			   level);
}

static int route_set_ioapic(struct mkvm_route *route, struct mkvm_vm *vm, int source, int level,
			    bool line_status)
{
	return ioapic_set_irq(vm->arch.ioapic, route->chip.pin, source, level);
}

static int route_set_msi(struct mkvm_route *route, struct mkvm_vm *vm, int source, int level,
			 bool line_status)
{
	struct lapic_irq irq;

	if (!level)
		return -1;	/* a message has no falling edge */
	lapic_msi_to_irq(vm, (u64)route->msi.address_hi << 32 | route->msi.address_lo,
			 route->msi.data, &irq);
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

/**
 * arch_vm_irq_line() - KVM_IRQ_LINE, KVM_IRQ_LINE_STATUS
 * @vm: the VM
 * @irq: GSI and level; its status is filled in
 * @line_status: the caller wants the status
 *
 * Return: 0, or -ENXIO without an interrupt controller in the kernel.
 */
int arch_vm_irq_line(struct mkvm_vm *vm, struct kvm_irq_level *irq, bool line_status)
{
	if (!arch_irqchip_in_kernel(vm)) {
		vm_refuse(vm, "KVM_IRQ_LINE without an interrupt controller in the kernel");
		return -ENXIO;
	}
	irq->status = mkvm_set_irq(vm, MKVM_USERSPACE_IRQ_SOURCE, irq->irq, !!irq->level,
				   line_status);
	return 0;
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

/* vm->lock held. */
static int create_irqchip(struct mkvm_vm *vm)
{
	int err;

	if (arch_irqchip_in_kernel(vm)) {
		vm_refuse(vm, "KVM_CREATE_IRQCHIP: there is one already");
		return -EEXIST;
	}
	if (vm->created_vcpus) {
		vm_refuse(vm, "KVM_CREATE_IRQCHIP: too late, there are vCPUs");
		return -EINVAL;
	}
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

int irqchip_enable_split(struct mkvm_vm *vm, u64 reserved_routes)
{
	int err = 0;

	if (reserved_routes > MKVM_MAX_ROUTES) {
		vm_refuse(vm, "KVM_CAP_SPLIT_IRQCHIP: %llu reserved routes, at most %u",
			  reserved_routes, MKVM_MAX_ROUTES);
		return -EINVAL;
	}
	mutex_lock(&vm->lock);
	if (arch_irqchip_in_kernel(vm) || vm->created_vcpus) {
		vm_refuse(vm, "KVM_CAP_SPLIT_IRQCHIP: there is an irqchip, or a vCPU, already");
		err = -EEXIST;
	} else {
		vm->arch.split_reserved_routes = reserved_routes;
		set_irqchip_mode(vm, MKVM_IRQCHIP_SPLIT);
	}
	mutex_unlock(&vm->lock);
	return err;
}

void irqchip_destroy(struct mkvm_vm *vm)
{
	pit_destroy(vm);
	destroy_chips(vm);
}

static int irqchip_state(struct mkvm_vm *vm, void __user *user, bool set)
{
	struct kvm_irqchip *chip;
	int err = 0;

	chip = memdup_user(user, sizeof(*chip));
	if (IS_ERR(chip))
		return PTR_ERR(chip);
	if (irqchip_mode(vm) != MKVM_IRQCHIP_KERNEL) {
		vm_refuse(vm, "irqchip state without KVM_CREATE_IRQCHIP");
		err = -ENXIO;
		goto out;
	}
	switch (chip->chip_id) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		if (set)
			pic_set_state(vm->arch.pic, chip->chip_id, &chip->chip.pic);
		else
			pic_get_state(vm->arch.pic, chip->chip_id, &chip->chip.pic);
		break;
	case KVM_IRQCHIP_IOAPIC:
		if (set)
			ioapic_set_state(vm->arch.ioapic, &chip->chip.ioapic);
		else
			ioapic_get_state(vm->arch.ioapic, &chip->chip.ioapic);
		break;
	default:
		vm_refuse(vm, "irqchip state: no chip %u", chip->chip_id);
		err = -EINVAL;
		goto out;
	}
	if (!set && copy_to_user(user, chip, sizeof(*chip)))
		err = -EFAULT;
out:
	kfree(chip);
	return err;
}

/* vm->lock held. */
static int create_pit(struct mkvm_vm *vm, u32 flags)
{
	int err;

	if (vm->arch.pit) {
		vm_refuse(vm, "KVM_CREATE_PIT: there is one already");
		return -EEXIST;
	}
	if (irqchip_mode(vm) != MKVM_IRQCHIP_KERNEL) {
		vm_refuse(vm, "KVM_CREATE_PIT needs KVM_CREATE_IRQCHIP first");
		return -ENOENT;
	}
	err = pit_create(vm, flags);
	if (!err)
		ioapic_scan(vm->arch.ioapic);
	return err;
}

/* The ioctls of a PIT that exists; struct kvm_pit_state is how kvm_pit_state2 begins. */
static int pit_ioctl(struct mkvm_vm *vm, unsigned int cmd, void __user *user)
{
	struct mkvm_pit *pit = vm->arch.pit;
	struct kvm_reinject_control control;
	struct kvm_pit_state2 state = { };
	size_t size = sizeof(state);

	if (!pit) {
		vm_refuse(vm, "PIT ioctl %#x without a PIT", cmd);
		return -ENXIO;
	}
	switch (cmd) {
	case KVM_REINJECT_CONTROL:
		if (copy_from_user(&control, user, sizeof(control)))
			return -EFAULT;
		pit_set_reinject(pit, control.pit_reinject);
		ioapic_scan(vm->arch.ioapic);
		return 0;
	case KVM_GET_PIT:
	case KVM_SET_PIT:
		size = sizeof(struct kvm_pit_state);
		break;
	}
	pit_get_state(pit, &state);
	if (cmd == KVM_GET_PIT || cmd == KVM_GET_PIT2)
		return copy_to_user(user, &state, size) ? -EFAULT : 0;
	if (copy_from_user(&state, user, size))
		return -EFAULT;
	pit_set_state(pit, &state);
	return 0;
}

long irqchip_vm_ioctl(struct mkvm_vm *vm, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;
	struct kvm_pit_config config = { .flags = KVM_PIT_SPEAKER_DUMMY };
	long ret;

	BUILD_BUG_ON(offsetof(struct kvm_pit_state2, flags) != sizeof(struct kvm_pit_state));

	switch (cmd) {
	case KVM_GET_IRQCHIP:
	case KVM_SET_IRQCHIP:
		return irqchip_state(vm, user, cmd == KVM_SET_IRQCHIP);
	case KVM_CREATE_PIT2:
		if (copy_from_user(&config, user, sizeof(config)))
			return -EFAULT;
		break;
	case KVM_CREATE_IRQCHIP:
	case KVM_CREATE_PIT:
	case KVM_GET_PIT:
	case KVM_SET_PIT:
	case KVM_GET_PIT2:
	case KVM_SET_PIT2:
	case KVM_REINJECT_CONTROL:
		break;
	default:
		return -ENOIOCTLCMD;
	}

	mutex_lock(&vm->lock);
	switch (cmd) {
	case KVM_CREATE_IRQCHIP:
		ret = create_irqchip(vm);
		break;
	case KVM_CREATE_PIT:
	case KVM_CREATE_PIT2:
		ret = create_pit(vm, config.flags);
		break;
	default:
		ret = pit_ioctl(vm, cmd, user);
		break;
	}
	mutex_unlock(&vm->lock);
	return ret;
}
