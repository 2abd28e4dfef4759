// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_SET_GSI_ROUTING and KVM_SIGNAL_MSI.
 *
 * Userspace's entries are checked and become a table of virt/irq_routing.c; what each means is
 * asked of arch_set_route(). The interrupt controllers and the irqfds, which depend on the table,
 * then follow it.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "virt/arch.h"
#include "virt/gsi_routing.h"
#include "virt/irq_routing.h"
#include "virt/irqfd.h"

static int add_route(struct mkvm_vm *vm, struct mkvm_irq_routing *t,
		     const struct kvm_irq_routing_entry *ue)
{
	u32 valid_flags = ue->type == KVM_IRQ_ROUTING_MSI ? KVM_MSI_VALID_DEVID : 0;
	struct mkvm_route route = { .gsi = ue->gsi, .type = ue->type };

	if (ue->flags & ~valid_flags) {
		mkvm_refuse(vm, "KVM_SET_GSI_ROUTING: GSI %u: route flags 0x%x, known are 0x%x",
			    ue->gsi, ue->flags, valid_flags);
		return -EINVAL;
	}
	if (arch_set_route(vm, &route, ue)) {
		mkvm_refuse(vm, "KVM_SET_GSI_ROUTING: GSI %u: no such route: type %u, chip %u pin %u",
			    ue->gsi, ue->type, ue->u.irqchip.irqchip, ue->u.irqchip.pin);
		return -EINVAL;
	}
	if (mkvm_routing_add(t, &route)) {
		mkvm_refuse(vm, "KVM_SET_GSI_ROUTING: GSI %u: a second route to the same chip",
			    ue->gsi);
		return -EINVAL;
	}
	return 0;
}

/* Replace the table by @nr entries in kernel memory. An error leaves the old one in force. */
static int set_routing(struct mkvm_vm *vm, const struct kvm_irq_routing_entry *entries,
		       unsigned int nr)
{
	struct mkvm_irq_routing *new, *old;
	u32 nr_gsis = 0;
	unsigned int i;
	int err;

	for (i = 0; i < nr; i++) {
		if (entries[i].gsi >= MKVM_MAX_ROUTES) {
			mkvm_refuse(vm, "KVM_SET_GSI_ROUTING: GSI %u is past the last one, %u",
				    entries[i].gsi, MKVM_MAX_ROUTES - 1);
			return -EINVAL;
		}
		nr_gsis = max(nr_gsis, entries[i].gsi + 1);
	}
	new = mkvm_routing_alloc(nr, nr_gsis);
	if (!new)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		err = add_route(vm, new, &entries[i]);
		if (err) {
			mkvm_routing_free(new);
			return err;
		}
	}

	mutex_lock(&vm->irq_lock);
	old = mkvm_routing_replace(vm, new);
	arch_irq_routing_changed(vm);
	mkvm_irqfds_rerouted(vm);
	mutex_unlock(&vm->irq_lock);
	synchronize_srcu_expedited(&vm->srcu);
	mkvm_routing_free(old);
	return 0;
}

/**
 * mkvm_set_gsi_routing_ioctl() - KVM_SET_GSI_ROUTING
 * @vm: the VM
 * @head: how many entries, and flags
 * @user: the caller's struct kvm_irq_routing, for the entries
 *
 * Return: 0, -EFAULT, -EINVAL, -ENOMEM.
 */
int mkvm_set_gsi_routing_ioctl(struct mkvm_vm *vm, const struct kvm_irq_routing *head,
			       struct kvm_irq_routing __user *user)
{
	struct kvm_irq_routing_entry *entries = NULL;
	int err;

	if (head->nr > MKVM_MAX_ROUTES || head->flags) {
		mkvm_refuse(vm, "KVM_SET_GSI_ROUTING: %u entries, flags 0x%x: at most %u, flags must be 0",
			    head->nr, head->flags, MKVM_MAX_ROUTES);
		return -EINVAL;
	}
	if (head->nr) {
		entries = vmemdup_user(user->entries, array_size(head->nr, sizeof(*entries)));
		if (IS_ERR(entries))
			return PTR_ERR(entries);
	}
	err = set_routing(vm, entries, head->nr);
	kvfree(entries);
	return err;
}

/**
 * mkvm_signal_msi() - KVM_SIGNAL_MSI
 * @vm: the VM
 * @msi: the message; flags must be 0 (x86 has no device IDs)
 *
 * Return: > 0 delivered to so many vCPUs; 0 if it merged with one that waits, or no vCPU has that
 * address; -EINVAL.
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

	if (msi->flags) {
		mkvm_refuse(vm, "KVM_SIGNAL_MSI: unknown flags 0x%x", msi->flags);
		return -EINVAL;
	}
	if (arch_set_route(vm, &route, &ue)) {
		mkvm_refuse(vm, "KVM_SIGNAL_MSI: 0x%08x%08x is no address of a message",
			    msi->address_hi, msi->address_lo);
		return -EINVAL;
	}
	idx = srcu_read_lock(&vm->srcu);
	ret = route.set(&route, vm, MKVM_USERSPACE_IRQ_SOURCE, 1);
	srcu_read_unlock(&vm->srcu, idx);
	/* No vCPU has that address: that is not the caller's error, but what its guest set up. */
	return max(ret, 0);
}
