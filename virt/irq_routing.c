// SPDX-License-Identifier: GPL-2.0-only
/*
 * The GSI routing table: what interrupt lines and messages a GSI stands for.
 *
 * A table is built aside and replaces the old one as a whole; a GSI is driven by walking its
 * routes under vm->srcu, which works in hard interrupts too (PIT) and under an eventfd's
 * wait-queue lock (irqfd). What a route does is in its set() function. The ioctls that change
 * the table are in virt/gsi_routing.c; x86 makes its default table itself.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/slab.h>

#include "trace/kvm_events.h"
#include "virt/irq_routing.h"

/* Pins of one interrupt controller: the most that any route may name. */
#define NR_CHIPS	KVM_NR_IRQCHIPS
#define NR_PINS		KVM_IOAPIC_NUM_PINS

/* Apart from the tables, because it outlives them. */
struct ack_notifiers {
	struct hlist_head list;
};

struct mkvm_irq_routing {
	struct ack_notifiers *acks;
	unsigned int nr_routes, max_routes;
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

/**
 * mkvm_routing_alloc() - make an empty table
 * @nr_routes: how many routes it will have, at most
 * @nr_gsis: its GSIs are those below this number
 *
 * Return: the table, for mkvm_routing_add() and mkvm_routing_replace() or mkvm_routing_free();
 * NULL without memory.
 */
struct mkvm_irq_routing *mkvm_routing_alloc(unsigned int nr_routes, u32 nr_gsis)
{
	size_t heads = offsetof(struct mkvm_irq_routing, route[nr_routes]);
	struct mkvm_irq_routing *t;

	t = kvzalloc(heads + nr_gsis * sizeof(struct hlist_head), GFP_KERNEL_ACCOUNT);
	if (!t)
		return NULL;
	t->max_routes = nr_routes;
	t->nr_gsis = nr_gsis;
	t->gsi = (void *)t + heads;
	memset(t->pin_gsi, -1, sizeof(t->pin_gsi));
	return t;
}

/**
 * mkvm_routing_free() - free a table that is not in force, or not any more
 * @t: the table, or NULL; no reader can see it
 */
void mkvm_routing_free(struct mkvm_irq_routing *t)
{
	kvfree(t);
}

/**
 * mkvm_routing_init() - an empty table for a new VM
 * @vm: the VM, under creation
 *
 * Return: 0 or -ENOMEM.
 */
int mkvm_routing_init(struct mkvm_vm *vm)
{
	struct mkvm_irq_routing *t = mkvm_routing_alloc(0, 0);

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
 * @vm: the VM, whose last reference is gone; may never have had a table
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
static bool conflicts(struct hlist_head *list, const struct mkvm_route *new)
{
	struct mkvm_route *r;

	hlist_for_each_entry(r, list, link)
		if (r->type != KVM_IRQ_ROUTING_IRQCHIP || new->type != KVM_IRQ_ROUTING_IRQCHIP ||
		    r->chip.irqchip == new->chip.irqchip)
			return true;
	return false;
}

/**
 * mkvm_routing_add() - add a route to a table that is being built
 * @t: the table, with room for it
 * @route: the route, complete but for its link; copied
 *
 * Return: 0, or -EEXIST if its GSI leads to the same place already.
 */
int mkvm_routing_add(struct mkvm_irq_routing *t, const struct mkvm_route *route)
{
	struct hlist_head *list;
	struct mkvm_route *r;

	if (WARN_ON_ONCE(route->gsi >= t->nr_gsis || t->nr_routes >= t->max_routes))
		return -EEXIST;
	list = &t->gsi[array_index_nospec(route->gsi, t->nr_gsis)];
	if (conflicts(list, route))
		return -EEXIST;
	if (route->type == KVM_IRQ_ROUTING_IRQCHIP) {
		if (WARN_ON_ONCE(route->chip.irqchip >= NR_CHIPS || route->chip.pin >= NR_PINS))
			return -EEXIST;
		t->pin_gsi[array_index_nospec(route->chip.irqchip, NR_CHIPS)]
			  [array_index_nospec(route->chip.pin, NR_PINS)] = route->gsi;
	}
	r = &t->route[t->nr_routes++];
	*r = *route;
	hlist_add_head(&r->link, list);
	return 0;
}

/**
 * mkvm_routing_replace() - put a new table in the place of the one in force
 * @vm: the VM; vm->irq_lock held
 * @new: the table
 *
 * Return: the old table. The caller frees it by mkvm_routing_free() after a grace period of
 * vm->srcu, for which it must not hold vm->irq_lock.
 */
struct mkvm_irq_routing *mkvm_routing_replace(struct mkvm_vm *vm, struct mkvm_irq_routing *new)
{
	struct mkvm_irq_routing *old = routing_get_locked(vm);

	new->acks = old->acks;
	rcu_assign_pointer(vm->routing, new);
	return old;
}

/**
 * mkvm_set_irq() - drive a GSI
 * @vm: the VM
 * @source: what drives it, MKVM_*_SOURCE; a level-triggered line is the OR of its sources
 * @gsi: any number; one without a route is ignored
 * @level: the line's new level; messages are sent on 1
 *
 * Context: any but NMI.
 * Return: < 0 masked or ignored everywhere, 0 coalesced, > 0 delivered to so many vCPUs.
 */
int mkvm_set_irq(struct mkvm_vm *vm, int source, u32 gsi, int level)
{
	struct mkvm_irq_routing *t;
	struct mkvm_route *route;
	int idx, ret = -1;

	trace_kvm_set_irq(gsi, level, source);
	idx = srcu_read_lock(&vm->srcu);
	t = routing_get(vm);
	if (gsi < t->nr_gsis) {
		gsi = array_index_nospec(gsi, t->nr_gsis);
		hlist_for_each_entry(route, &t->gsi[gsi], link) {
			int r = route->set(route, vm, source, level);

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
 * mkvm_message_of_gsi() - find the message that a GSI is
 * @vm: the VM; vm->irq_lock held
 * @gsi: any number
 *
 * Return: the route, which is valid until a grace period of vm->srcu after it was replaced; NULL if
 * the GSI leads to a pin, or nowhere.
 */
struct mkvm_route *mkvm_message_of_gsi(struct mkvm_vm *vm, u32 gsi)
{
	struct mkvm_irq_routing *t = routing_get_locked(vm);
	struct mkvm_route *route;

	if (gsi >= t->nr_gsis)
		return NULL;
	gsi = array_index_nospec(gsi, t->nr_gsis);
	hlist_for_each_entry(route, &t->gsi[gsi], link)
		if (route->type == KVM_IRQ_ROUTING_MSI)
			return route;
	return NULL;
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

	trace_kvm_ack_irq(irqchip, pin);
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
 * mkvm_pin_has_ack_notifier() - would mkvm_notify_acked_irq() call a notifier?
 * @vm: the VM
 * @irqchip: KVM_IRQCHIP_*
 * @pin: pin of that chip
 *
 * Context: any.
 * Return: true if a notifier is registered for the GSI that leads to the pin.
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
 *
 * The caller then tells the interrupt controllers, by arch_irq_routing_changed() or what is behind
 * it, that a notifier waits for the EOIs of this GSI.
 */
void mkvm_register_ack_notifier(struct mkvm_vm *vm, struct mkvm_ack_notifier *notifier)
{
	lockdep_assert_held(&vm->irq_lock);
	hlist_add_head_rcu(&notifier->link, &routing_get_locked(vm)->acks->list);
}

/**
 * mkvm_unregister_ack_notifier() - undo mkvm_register_ack_notifier()
 * @vm: the VM; vm->irq_lock held, vm->srcu not
 * @notifier: may be freed on return
 */
void mkvm_unregister_ack_notifier(struct mkvm_vm *vm, struct mkvm_ack_notifier *notifier)
{
	lockdep_assert_held(&vm->irq_lock);
	hlist_del_init_rcu(&notifier->link);
	/* While the VM ends no reader is left. */
	if (refcount_read(&vm->users))
		synchronize_srcu_expedited(&vm->srcu);
}
