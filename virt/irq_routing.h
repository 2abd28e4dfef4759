/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * GSIs and where they lead.
 *
 * The table is replaced as a whole; readers hold vm->srcu. What a route does is decided by
 * x86 (arch_set_route()), which fills its set() function.
 */
#ifndef MINIKVM_VIRT_IRQ_ROUTING_H
#define MINIKVM_VIRT_IRQ_ROUTING_H

#include "virt/vm.h"

/* KVM_CAP_IRQ_ROUTING: GSIs, and entries in one table. */
#define MKVM_MAX_ROUTES		4096

/* Sources that can hold one level-triggered line; the line is the OR of all. */
#define MKVM_USERSPACE_IRQ_SOURCE	0
#define MKVM_IRQFD_RESAMPLE_SOURCE	1
#define MKVM_PIT_IRQ_SOURCE		2

/**
 * struct mkvm_route - one place that a GSI leads to
 * @gsi: the GSI
 * @type: KVM_IRQ_ROUTING_IRQCHIP or KVM_IRQ_ROUTING_MSI
 * @set: drive it: < 0 masked or ignored, 0 coalesced, > 0 delivered to so many vCPUs.
 *	Runs under vm->srcu, in any context that may take a spinlock with irqs saved.
 * @chip: of an IRQCHIP route: chip and pin
 * @msi: of an MSI route: address and data of the message
 * @link: in the list of the GSI
 */
struct mkvm_route {
	u32 gsi;
	u32 type;
	int (*set)(struct mkvm_route *route, struct mkvm_vm *vm, int source, int level);
	union {
		struct { u32 irqchip, pin; } chip;
		struct { u32 address_lo, address_hi, data; } msi;
	};
	struct hlist_node link;
};

/**
 * struct mkvm_ack_notifier - called when the guest acknowledges a GSI
 * @link: in the VM's list
 * @gsi: the GSI
 * @acked: runs under vm->srcu in the thread of a vCPU (or of an ioctl), without any interrupt
 *	controller's lock: it may drive GSIs. Must not sleep.
 */
struct mkvm_ack_notifier {
	struct hlist_node link;
	u32 gsi;
	void (*acked)(struct mkvm_ack_notifier *notifier, struct mkvm_vm *vm);
};

/* The table: building it, and putting it in force. */
int mkvm_routing_init(struct mkvm_vm *vm);
void mkvm_routing_destroy(struct mkvm_vm *vm);
struct mkvm_irq_routing *mkvm_routing_alloc(unsigned int nr_routes, u32 nr_gsis);
void mkvm_routing_free(struct mkvm_irq_routing *t);
int mkvm_routing_add(struct mkvm_irq_routing *t, const struct mkvm_route *route);
struct mkvm_irq_routing *mkvm_routing_replace(struct mkvm_vm *vm, struct mkvm_irq_routing *new);

/* Lookups. */
int mkvm_set_irq(struct mkvm_vm *vm, int source, u32 gsi, int level);
void mkvm_walk_routes(struct mkvm_vm *vm, u32 nr_gsis,
		      void (*fn)(const struct mkvm_route *route, void *data), void *data);
struct mkvm_route *mkvm_message_of_gsi(struct mkvm_vm *vm, u32 gsi);
int mkvm_pin_to_gsi(struct mkvm_vm *vm, unsigned int irqchip, unsigned int pin);

/* Acknowledgements. */
void mkvm_register_ack_notifier(struct mkvm_vm *vm, struct mkvm_ack_notifier *notifier);
void mkvm_unregister_ack_notifier(struct mkvm_vm *vm, struct mkvm_ack_notifier *notifier);
void mkvm_notify_acked_irq(struct mkvm_vm *vm, unsigned int irqchip, unsigned int pin);
bool mkvm_pin_has_ack_notifier(struct mkvm_vm *vm, unsigned int irqchip, unsigned int pin);

#endif
