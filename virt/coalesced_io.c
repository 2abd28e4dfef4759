// SPDX-License-Identifier: GPL-2.0-only
/*
 * Coalesced I/O: guest writes that userspace sees later, many at a time.
 *
 * KVM's ABI: KVM_REGISTER_COALESCED_MMIO, KVM_UNREGISTER_COALESCED_MMIO, for memory and ports.
 * Writes into a registered zone go to a ring in a page that userspace maps with each vCPU; when
 * the ring is full, the write exits as usual. Each zone is a device on the I/O bus. The ring's page
 * is made for the first zone, or when userspace looks at it.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/slab.h>

#include "virt/coalesced_io.h"
#include "virt/io_bus.h"
#include "virt/vcpu.h"

struct coalesced_zone {
	struct mkvm_io_device dev;
	struct list_head list;		/* vm->coalesced_zones, under vm->slots_lock */
	struct mkvm_vm *vm;
	enum mkvm_bus_idx bus;
	gpa_t addr;
	u32 size;
};

static int zone_write(struct mkvm_vcpu *vcpu, struct mkvm_io_device *dev, gpa_t addr, int len,
		      const void *data)
{
	struct coalesced_zone *zone = container_of(dev, struct coalesced_zone, dev);
	struct kvm_coalesced_mmio_ring *ring = zone->vm->coalesced_ring;
	struct kvm_coalesced_mmio *entry;
	unsigned long flags;
	int ret = -EOPNOTSUPP;
	u32 last, next;

	spin_lock_irqsave(&zone->vm->coalesced_lock, flags);
	/* Userspace can write the page: no index in it is trusted, and each is read once. */
	last = READ_ONCE(ring->last);
	if (last < KVM_COALESCED_MMIO_MAX) {
		last = array_index_nospec(last, KVM_COALESCED_MMIO_MAX);
		next = (last + 1) % KVM_COALESCED_MMIO_MAX;
		if (next != READ_ONCE(ring->first)) {
			entry = &ring->coalesced_mmio[last];
			entry->phys_addr = addr;
			entry->len = len;
			memcpy(entry->data, data, min_t(int, len, sizeof(entry->data)));
			entry->pio = zone->bus == MKVM_PIO_BUS;
			/* The entry is complete before userspace may look at it. */
			smp_wmb();
			WRITE_ONCE(ring->last, next);
			ret = 0;
		}
	}
	spin_unlock_irqrestore(&zone->vm->coalesced_lock, flags);
	return ret;
}

static void zone_destroy(struct mkvm_io_device *dev)
{
	struct coalesced_zone *zone = container_of(dev, struct coalesced_zone, dev);

	list_del(&zone->list);
	kfree(zone);
}

static const struct mkvm_io_device_ops zone_ops = {
	.write = zone_write,
	.destroy = zone_destroy,
	.atomic = true,
};

/**
 * mkvm_coalesced_ring() - a VM's ring, which stays once it is there
 * @vm: the VM
 *
 * Context: process, may sleep.
 * Return: the ring, a page; NULL without memory.
 */
struct kvm_coalesced_mmio_ring *mkvm_coalesced_ring(struct mkvm_vm *vm)
{
	struct kvm_coalesced_mmio_ring *ring = READ_ONCE(vm->coalesced_ring), *other;

	if (ring)
		return ring;
	ring = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!ring)
		return NULL;
	/* Two threads may come here at once, with or without a lock. */
	other = cmpxchg(&vm->coalesced_ring, NULL, ring);
	if (!other)
		return ring;
	free_page((unsigned long)ring);
	return other;
}

/**
 * mkvm_coalesced_destroy() - free the ring, if there is one
 * @vm: the VM; the zones went with the I/O buses
 */
void mkvm_coalesced_destroy(struct mkvm_vm *vm)
{
	free_page((unsigned long)vm->coalesced_ring);
}

/**
 * mkvm_coalesced_ioctl() - KVM_REGISTER_COALESCED_MMIO, KVM_UNREGISTER_COALESCED_MMIO
 * @vm: the VM; no lock held
 * @args: in kernel memory
 * @add: register
 *
 * Unregistering takes every zone that contains the given range; none is no error.
 *
 * Return: 0; -EINVAL for a bad space number or range; -ENOMEM, -ENOSPC.
 */
int mkvm_coalesced_ioctl(struct mkvm_vm *vm, const struct kvm_coalesced_mmio_zone *args,
			 bool add)
{
	enum mkvm_bus_idx bus = args->pio ? MKVM_PIO_BUS : MKVM_MMIO_BUS;
	struct coalesced_zone *zone, *next;
	int err = 0;

	if (args->pio > 1 || (add && (!args->size || args->size > INT_MAX))) {
		mkvm_refuse(vm, "coalesced zone: space %u must be 0 or 1, size %u must be 1 to %d",
			    args->pio, args->size, INT_MAX);
		return -EINVAL;
	}
	if (add) {
		zone = mkvm_coalesced_ring(vm) ? kzalloc(sizeof(*zone), GFP_KERNEL_ACCOUNT) : NULL;
		if (!zone)
			return -ENOMEM;
		zone->dev.ops = &zone_ops;
		zone->vm = vm;
		zone->bus = bus;
		zone->addr = args->addr;
		zone->size = args->size;
		mutex_lock(&vm->slots_lock);
		err = mkvm_io_bus_register(vm, bus, zone->addr, zone->size, &zone->dev);
		if (err)
			kfree(zone);
		else
			list_add(&zone->list, &vm->coalesced_zones);
		mutex_unlock(&vm->slots_lock);
		return err;
	}
	mutex_lock(&vm->slots_lock);
	list_for_each_entry_safe(zone, next, &vm->coalesced_zones, list) {
		if (zone->bus == bus && args->addr >= zone->addr && args->size <= zone->size &&
		    args->addr - zone->addr <= zone->size - args->size)
			mkvm_io_bus_unregister(vm, bus, &zone->dev);
	}
	mutex_unlock(&vm->slots_lock);
	return err;
}
