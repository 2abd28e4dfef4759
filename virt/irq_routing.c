// SPDX-License-Identifier: GPL-2.0-only
/*
 * The GSI routing table and what drives it.
 *
 * KVM's ABI: KVM_SET_GSI_ROUTING, KVM_IRQ_LINE, KVM_IRQ_LINE_STATUS, KVM_SIGNAL_MSI. A table
 * is built aside and replaces the old one as a whole; a GSI is driven by walking its routes
 * under vm->srcu, which works in hard interrupts too (PIT) and under an eventfd's wait-queue
 * lock (irqfd). What a route does is arch_set_route()'s business.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "virt/arch.h"
#include "virt/irq_routing.h"

/* Pins of one interrupt controller: the most that any route may name. */
#define NR_CHIPS	KVM_NR_IRQCHIPS
#define NR_PINS		KVM_IOAPIC_NUM_PINS

/* Outlives the tables, hence apart from them. */
struct ack_notifiers {
	struct hlist_head list;
};

struct mkvm_irq_routing {
	struct ack_notifiers *acks;
	u32 nr_gsis;
	int pin_gsi[NR_CHIPS][NR_PINS];		/* -1: no GSI leads there */
	struct hlist_head *gsi;			/* nr_gsis lists of routes */
	struct mkvm_route route[];		/* followed by the list heads */
};

static struct mkvm_irq_routing *routing_get(struct mkvm_vm *vm)
{
	return srcu_dereference(vm->routing, &vm->srcu);
}

static struct mkvm_irq_routing *routing_get_locked(struct mkvm_vm *vm)
{
	return rcu_dereference_protected(vm->routing, lockdep_is_held(&vm->irq_lock));
}

static struct mkvm_irq_routing *routing_alloc(unsigned int nr_routes, u32 nr_gsis)
{
	size_t heads = offsetof(struct mkvm_irq_routing, route[nr_routes]);
	struct mkvm_irq_routing *t;

	t = kvzalloc(heads + nr_gsis * sizeof(struct hlist_head), GFP_KERNEL_ACCOUNT);
	if (!t)
		return NULL;
	t->nr_gsis = nr_gsis;
	t->gsi = (void *)t + heads;
	memset(t->pin_gsi, -1, sizeof(t->pin_gsi));
	return t;
}

/**
 * mkvm_routing_init() - an empty table for a new VM
 * @vm: the VM, not yet visible to anybody
 *
 * Return: 0 or -ENOMEM.
 */
int mkvm_routing_init(struct mkvm_vm *vm)
{
	struct mkvm_irq_routing *t = routing_alloc(0, 0);

	if (t)
		t->acks = kzalloc(sizeof(*t->acks), GFP_KERNEL_ACCOUNT);
	if (!t || !t->acks) {
		kvfree(t);
		return -ENOMEM;
	}
	RCU_INIT_POINTER(vm->routing, t);
	return 0;
}

/**
 * mkvm_routing_destroy() - free the table
 * @vm: the VM, which nobody can reach any more; may never have had a table
 */
void mkvm_routing_destroy(struct mkvm_vm *vm)
{
	struct mkvm_irq_routing *t = rcu_dereference_protected(vm->routing, true);

	if (t)
		kfree(t->acks);
	RCU_INIT_POINTER(vm->routing, NULL);
	kvfree(t);
}

/* One GSI may lead to one pin of each chip, or to one message: not to both. */
static bool conflicts(struct hlist_head *list, const struct kvm_irq_routing_entry *ue)
{
	struct mkvm_route *r;

	hlist_for_each_entry(r, list, link)
		if (r->type != KVM_IRQ_ROUTING_IRQCHIP || ue->type != KVM_IRQ_ROUTING_IRQCHIP ||
		    r->chip.irqchip == ue->u.irqchip.irqchip)
			return true;
	return false;
}

static int add_route(struct mkvm_vm *vm, struct mkvm_irq_routing *t, struct mkvm_route *r,
		     const struct kvm_irq_routing_entry *ue)
{
	u32 valid_flags = ue->type == KVM_IRQ_ROUTING_MSI ? KVM_MSI_VALID_DEVID : 0;
	struct hlist_head *list = &t->gsi[array_index_nospec(ue->gsi, t->nr_gsis)];

	if (ue->flags & ~valid_flags) {
		vm_refuse(vm, "GSI %u: unknown route flags %#x", ue->gsi, ue->flags);
		return -EINVAL;
	}
	if (conflicts(list, ue)) {
		vm_refuse(vm, "GSI %u: a second route to the same place", ue->gsi);
		return -EINVAL;
	}
	r->gsi = ue->gsi;
	r->type = ue->type;
	if (arch_set_route(vm, r, ue)) {
		vm_refuse(vm, "GSI %u: no such route: type %u, chip %u pin %u", ue->gsi, ue->type,
			  ue->u.irqchip.irqchip, ue->u.irqchip.pin);
		return -EINVAL;
	}
	if (r->type == KVM_IRQ_ROUTING_IRQCHIP) {
		if (WARN_ON_ONCE(r->chip.irqchip >= NR_CHIPS || r->chip.pin >= NR_PINS))
			return -EINVAL;
		t->pin_gsi[array_index_nospec(r->chip.irqchip, NR_CHIPS)]
			  [array_index_nospec(r->chip.pin, NR_PINS)] = r->gsi;
	}
	hlist_add_head(&r->link, list);
	return 0;
}

/**
 * mkvm_set_routing() - replace the routing table
 * @vm: the VM; vm->srcu and vm->irq_lock not held, process context
 * @entries: the new table, already in kernel memory
 * @nr: how many entries
 * @flags: must be 0
 *
 * Return: 0; -EINVAL or -ENOMEM with the old table still in force.
 */
int mkvm_set_routing(struct mkvm_vm *vm, const struct kvm_irq_routing_entry *entries,
		     unsigned int nr, unsigned int flags)
{
	struct mkvm_irq_routing *new, *old;
	u32 nr_gsis = 0;
	unsigned int i;
	int err;

	if (flags || nr > MKVM_MAX_ROUTES) {
		vm_refuse(vm, "routing table of %u entries, flags %#x: at most %u, flags 0",
			  nr, flags, MKVM_MAX_ROUTES);
		return -EINVAL;
	}
	for (i = 0; i < nr; i++) {
		if (entries[i].gsi >= MKVM_MAX_ROUTES) {
			vm_refuse(vm, "GSI %u is past the last one, %u", entries[i].gsi,
				  MKVM_MAX_ROUTES - 1);
			return -EINVAL;
		}
		nr_gsis = max(nr_gsis, entries[i].gsi + 1);
	}
	new = routing_alloc(nr, nr_gsis);
	if (!new)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		err = add_route(vm, new, &new->route[i], &entries[i]);
		if (err) {
			kvfree(new);
			return err;
		}
	}

	mutex_lock(&vm->irq_lock);
	old = routing_get_locked(vm);
	new->acks = old->acks;
	rcu_assign_pointer(vm->routing, new);
	arch_irq_routing_changed(vm);
	mkvm_irqfds_rerouted(vm);
	mutex_unlock(&vm->irq_lock);

	/* KVM_CREATE_IRQCHIP's own table: nothing could drive a GSI before. */
	if (arch_irqchip_in_kernel(vm))
		synchronize_srcu_expedited(&vm->srcu);
	kvfree(old);
	return 0;
}

/**
 * mkvm_set_gsi_routing_ioctl() - KVM_SET_GSI_ROUTING
 * @vm: the VM
 * @user: the caller's struct kvm_irq_routing
 *
 * Return: 0, -EFAULT, -EINVAL (also without an interrupt controller in the kernel), -ENOMEM.
 */
int mkvm_set_gsi_routing_ioctl(struct mkvm_vm *vm, struct kvm_irq_routing __user *user)
{
	struct kvm_irq_routing_entry *entries = NULL;
	struct kvm_irq_routing head;
	int err;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (!arch_irqchip_in_kernel(vm)) {
		vm_refuse(vm, "GSI routing without an interrupt controller in the kernel");
		return -EINVAL;
	}
	if (head.nr > MKVM_MAX_ROUTES || head.flags)
		return mkvm_set_routing(vm, NULL, head.nr, head.flags);
	if (head.nr) {
		entries = vmemdup_user(user->entries, array_size(head.nr, sizeof(*entries)));
		if (IS_ERR(entries))
			return PTR_ERR(entries);
	}
	err = mkvm_set_routing(vm, entries, head.nr, 0);
	kvfree(entries);
	return err;
}

/**
 * mkvm_set_irq() - drive a GSI
 * @vm: the VM
 * @source: who drives, MKVM_*_SOURCE; a level-triggered line is the OR of its sources
 * @gsi: any number; one without a route is ignored
 * @level: the line's new level; messages are sent on 1
 * @line_status: the caller wants to know about coalescing
 *
 * Context: any but NMI.
 * Return: < 0 masked or ignored everywhere, 0 coalesced, > 0 delivered to so many vCPUs.
 */
int mkvm_set_irq(struct mkvm_vm *vm, int source, u32 gsi, int level, bool line_status)
{
	struct mkvm_irq_routing *t;
	struct mkvm_route *route;
	int idx, ret = -1;

	idx = srcu_read_lock(&vm->srcu);
	t = routing_get(vm);
	if (gsi < t->nr_gsis) {
		gsi = array_index_nospec(gsi, t->nr_gsis);
		hlist_for_each_entry(route, &t->gsi[gsi], link) {
			int r = route->set(route, vm, source, level, line_status);

			if (r >= 0)
				ret = r + max(ret, 0);
		}
	}
	srcu_read_unlock(&vm->srcu, idx);
	return ret;
}

/**
 * mkvm_walk_routes() - walk the routes of the first GSIs
 * @vm: the VM
 * @nr_gsis: GSIs from 0 on
 * @fn: called for each of their routes, under vm->srcu
 * @data: for @fn
 */
void mkvm_walk_routes(struct mkvm_vm *vm, u32 nr_gsis,
		      void (*fn)(const struct mkvm_route *route, void *data), void *data)
{
	struct mkvm_irq_routing *t;
	struct mkvm_route *route;
	int idx;
	u32 gsi;

	idx = srcu_read_lock(&vm->srcu);
	t = routing_get(vm);
	for (gsi = 0; gsi < min(nr_gsis, t->nr_gsis); gsi++)
		hlist_for_each_entry(route, &t->gsi[gsi], link)
			fn(route, data);
	srcu_read_unlock(&vm->srcu, idx);
}

/**
 * mkvm_message_of_gsi() - the message that a GSI is
 * @vm: the VM; irq_lock is held
 * @gsi: any number
 * @copy: gets the route
 *
 * Return: false where the GSI leads to a pin, or nowhere.
 */
bool mkvm_message_of_gsi(struct mkvm_vm *vm, u32 gsi, struct mkvm_route *copy)
{
	struct mkvm_irq_routing *t = routing_get_locked(vm);
	struct mkvm_route *route;

	if (gsi >= t->nr_gsis)
		return false;
	gsi = array_index_nospec(gsi, t->nr_gsis);
	hlist_for_each_entry(route, &t->gsi[gsi], link) {
		if (route->type == KVM_IRQ_ROUTING_MSI) {
			*copy = *route;
			return true;
		}
	}
	return false;
}

/**
 * mkvm_signal_msi() - KVM_SIGNAL_MSI
 * @vm: the VM
 * @msi: the message; flags must be 0 (x86 has no device IDs)
 *
 * Return: > 0 delivered to so many vCPUs, 0 merged with one that waits or addressed to nobody,
 * -EINVAL.
 */
int mkvm_signal_msi(struct mkvm_vm *vm, const struct kvm_msi *msi)
{
	const struct kvm_irq_routing_entry ue = {
		.type = KVM_IRQ_ROUTING_MSI,
		.u.msi = {
			.address_lo = msi->address_lo,
			.address_hi = msi->address_hi,
			.data = msi->data,
		},
	};
	struct mkvm_route route = { .type = KVM_IRQ_ROUTING_MSI };
	int idx, ret;

	if (!arch_irqchip_in_kernel(vm)) {
		vm_refuse(vm, "KVM_SIGNAL_MSI without an interrupt controller in the kernel");
		return -EINVAL;
	}
	if (msi->flags) {
		vm_refuse(vm, "KVM_SIGNAL_MSI: unknown flags %#x", msi->flags);
		return -EINVAL;
	}
	if (arch_set_route(vm, &route, &ue)) {
		vm_refuse(vm, "KVM_SIGNAL_MSI: bad address %#x:%08x", msi->address_hi,
			  msi->address_lo);
		return -EINVAL;
	}
	idx = srcu_read_lock(&vm->srcu);
	ret = route.set(&route, vm, MKVM_USERSPACE_IRQ_SOURCE, 1, false);
	srcu_read_unlock(&vm->srcu, idx);
	/* Nobody at that destination: the guest's affair, not an error of the caller's. */
	return max(ret, 0);
}

static int pin_gsi(const struct mkvm_irq_routing *t, unsigned int irqchip, unsigned int pin)
{
	if (irqchip >= NR_CHIPS || pin >= NR_PINS)
		return -1;
	return t->pin_gsi[array_index_nospec(irqchip, NR_CHIPS)][array_index_nospec(pin, NR_PINS)];
}

/**
 * mkvm_pin_to_gsi() - which GSI leads to a pin
 * @vm: the VM
 * @irqchip: KVM_IRQCHIP_*
 * @pin: pin of that chip, 0-7 for each 8259
 *
 * Return: the GSI, the last one routed there if several are, or -1.
 */
int mkvm_pin_to_gsi(struct mkvm_vm *vm, unsigned int irqchip, unsigned int pin)
{
	int idx = srcu_read_lock(&vm->srcu);
	int gsi = pin_gsi(routing_get(vm), irqchip, pin);

	srcu_read_unlock(&vm->srcu, idx);
	return gsi;
}

/**
 * mkvm_notify_acked_irq() - the guest acknowledged the interrupt of a pin
 * @vm: the VM
 * @irqchip: KVM_IRQCHIP_*
 * @pin: pin of that chip
 *
 * Context: thread of a vCPU or an ioctl, no interrupt controller's lock held.
 */
void mkvm_notify_acked_irq(struct mkvm_vm *vm, unsigned int irqchip, unsigned int pin)
{
	struct mkvm_ack_notifier *n;
	struct mkvm_irq_routing *t;
	int idx, gsi;

	idx = srcu_read_lock(&vm->srcu);
	t = routing_get(vm);
	gsi = pin_gsi(t, irqchip, pin);
	if (gsi >= 0)
		hlist_for_each_entry_srcu(n, &t->acks->list, link, srcu_read_lock_held(&vm->srcu))
			if (n->gsi == gsi)
				n->acked(n, vm);
	srcu_read_unlock(&vm->srcu, idx);
}

/**
 * mkvm_pin_has_ack_notifier() - would mkvm_notify_acked_irq() reach anybody?
 * @vm: the VM
 * @irqchip: KVM_IRQCHIP_*
 * @pin: pin of that chip
 *
 * Context: any.
 */
bool mkvm_pin_has_ack_notifier(struct mkvm_vm *vm, unsigned int irqchip, unsigned int pin)
{
	struct mkvm_ack_notifier *n;
	struct mkvm_irq_routing *t;
	bool found = false;
	int idx, gsi;

	idx = srcu_read_lock(&vm->srcu);
	t = routing_get(vm);
	gsi = pin_gsi(t, irqchip, pin);
	if (gsi >= 0)
		hlist_for_each_entry_srcu(n, &t->acks->list, link, srcu_read_lock_held(&vm->srcu))
			if (n->gsi == gsi)
				found = true;
	srcu_read_unlock(&vm->srcu, idx);
	return found;
}

/**
 * mkvm_register_ack_notifier() - be told when the guest acknowledges a GSI
 * @vm: the VM; vm->irq_lock held
 * @notifier: with gsi and acked filled in
 */
void mkvm_register_ack_notifier(struct mkvm_vm *vm, struct mkvm_ack_notifier *notifier)
{
	lockdep_assert_held(&vm->irq_lock);
	hlist_add_head_rcu(&notifier->link, &routing_get_locked(vm)->acks->list);
	arch_irq_routing_changed(vm);
}

/**
 * mkvm_unregister_ack_notifier() - the reverse
 * @vm: the VM; vm->irq_lock held, vm->srcu not
 * @notifier: may be freed on return
 */
void mkvm_unregister_ack_notifier(struct mkvm_vm *vm, struct mkvm_ack_notifier *notifier)
{
	lockdep_assert_held(&vm->irq_lock);
	hlist_del_init_rcu(&notifier->link);
	if (!refcount_read(&vm->users))
		return;		/* the VM ends: nobody is left */
	synchronize_srcu_expedited(&vm->srcu);
	arch_irq_routing_changed(vm);
}
