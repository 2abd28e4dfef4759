/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * GSIs and where they lead: KVM_SET_GSI_ROUTING, KVM_IRQ_LINE,
 * KVM_SIGNAL_MSI, KVM_IRQFD, KVM_IOEVENTFD.
 *
 * The table is replaced as a whole; readers hold vm->srcu. What a route does is decided by
 * arch_set_route(), which fills its set() function.
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
 * struct mkvm_route - one way that a GSI leads to
 * @gsi: the GSI
 * @type: KVM_IRQ_ROUTING_IRQCHIP or KVM_IRQ_ROUTING_MSI
 * @set: drive it: < 0 masked or ignored, 0 coalesced, > 0 delivered to so many vCPUs.
 *	Runs under vm->srcu, in any context that may take a spinlock with irqs saved.
 */
struct mkvm_route {
	u32 gsi;
	u32 type;
	int (*set)(struct mkvm_route *route, struct mkvm_vm *vm, int source, int level,
		   bool line_status);
	union {
		struct { u32 irqchip, pin; } chip;
		struct { u32 address_lo, address_hi, data, flags, devid; } msi;
	};
	struct hlist_node link;
};

/**
 * struct mkvm_ack_notifier - somebody who waits for the guest to acknowledge a GSI
 * @acked: runs under vm->srcu in the thread of a vCPU (or of an ioctl), without any interrupt
 *	controller's lock: it may drive GSIs. Must not sleep.
 */
struct mkvm_ack_notifier {
	struct hlist_node link;
	u32 gsi;
	void (*acked)(struct mkvm_ack_notifier *notifier, struct mkvm_vm *vm);
};

/* Process context, vm->irq_lock held; unregister waits until nobody can be in @acked. */
void mkvm_register_ack_notifier(struct mkvm_vm *vm, struct mkvm_ack_notifier *notifier);
void mkvm_unregister_ack_notifier(struct mkvm_vm *vm, struct mkvm_ack_notifier *notifier);

int mkvm_routing_init(struct mkvm_vm *vm);
void mkvm_routing_destroy(struct mkvm_vm *vm);
/* Replace the table by @nr entries; 0 or -EINVAL/-ENOMEM with the old table still in force. */
int mkvm_set_routing(struct mkvm_vm *vm, const struct kvm_irq_routing_entry *entries,
		     unsigned int nr, unsigned int flags);
/* KVM_SET_GSI_ROUTING with the user's pointer. */
int mkvm_set_gsi_routing_ioctl(struct mkvm_vm *vm, struct kvm_irq_routing __user *user);

/* The message that a GSI is, if it is one: a copy. vm->irq_lock held. */
bool mkvm_message_of_gsi(struct mkvm_vm *vm, u32 gsi, struct mkvm_route *copy);
/* Call @fn for every route of the GSIs below @nr_gsis, under vm->srcu. */
void mkvm_walk_routes(struct mkvm_vm *vm, u32 nr_gsis,
		      void (*fn)(const struct mkvm_route *route, void *data), void *data);
/* Drive a GSI. Any context (vm->srcu is taken inside). Returns as mkvm_route.set does. */
int mkvm_set_irq(struct mkvm_vm *vm, int source, u32 gsi, int level, bool line_status);
/* KVM_SIGNAL_MSI: > 0 delivered, 0 blocked by the guest, < 0 errno. */
int mkvm_signal_msi(struct mkvm_vm *vm, const struct kvm_msi *msi);
/* An interrupt controller's pin got its EOI: run resamplers of the GSIs that lead to it. */
void mkvm_notify_acked_irq(struct mkvm_vm *vm, unsigned int irqchip, unsigned int pin);
bool mkvm_pin_has_ack_notifier(struct mkvm_vm *vm, unsigned int irqchip, unsigned int pin);
/* The GSI that leads to a pin, or -1. Any context. */
int mkvm_pin_to_gsi(struct mkvm_vm *vm, unsigned int irqchip, unsigned int pin);

int mkvm_irqfd_ioctl(struct mkvm_vm *vm, const struct kvm_irqfd *args);
int mkvm_ioeventfd_ioctl(struct mkvm_vm *vm, const struct kvm_ioeventfd *args);
/* The routing table changed. vm->irq_lock held. */
void mkvm_irqfds_rerouted(struct mkvm_vm *vm);
/* The VM goes: detach every eventfd. Process context. */
void mkvm_eventfds_release(struct mkvm_vm *vm);
int mkvm_irqfd_module_init(void);
void mkvm_irqfd_module_exit(void);

#endif
