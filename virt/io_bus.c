// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices in the kernel, found by port or guest-physical address.
 *
 * A bus is an array of ranges, sorted by address and replaced as a whole, so that a lookup is
 * a binary search under vm->srcu with no lock and no write to shared memory. Each range also
 * carries the highest end of all ranges up to it: a lookup scans back only as long as a range
 * can still cover the address, and finds all of several overlapping ones (ioeventfds that
 * differ in their datamatch).
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "virt/io_bus.h"
#include "virt/vcpu.h"

struct io_range {
	gpa_t addr;
	gpa_t max_end;		/* highest last byte of this and all earlier ranges */
	u32 len;		/* 0: any access that begins at addr */
	struct mkvm_io_device *dev;
};

struct mkvm_io_bus {
	u64 generation;		/* no other bus of the VM has it, nor had */
	unsigned int nr;
	struct io_range range[];
};

/*
 * The device of a range whose own device was taken away. To take one away is so one store, which
 * cannot fail for want of memory; the next registration drops the range.
 */
static const struct mkvm_io_device_ops gone_ops = { };
static struct mkvm_io_device gone_device = { .ops = &gone_ops };

/* Index of the first range that begins after @addr. */
static unsigned int upper_bound(const struct mkvm_io_bus *bus, gpa_t addr)
{
	unsigned int lo = 0, hi = bus->nr;

	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;

		if (bus->range[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool range_covers(const struct io_range *r, gpa_t addr, unsigned int len)
{
	if (!r->len)
		return r->addr == addr;
	return len <= r->len && addr - r->addr <= r->len - len;
}

static struct mkvm_io_bus *bus_get(struct mkvm_vm *vm, enum mkvm_bus_idx idx)
{
	return srcu_dereference(vm->buses[idx], &vm->srcu);
}

static struct mkvm_io_bus *bus_get_locked(struct mkvm_vm *vm, enum mkvm_bus_idx idx)
{
	return rcu_dereference_protected(vm->buses[idx], lockdep_is_held(&vm->slots_lock));
}

/*
 * Wait until no reader uses the old state of a bus. Only threads of vCPUs are readers: before the
 * first vCPU and after the end of the VM there are none.
 */
static void wait_for_readers(struct mkvm_vm *vm)
{
	/* The new state is visible before the look whether a vCPU could have seen the old. */
	smp_mb();
	if (READ_ONCE(vm->online_vcpus) && refcount_read(&vm->users))
		synchronize_srcu_expedited(&vm->srcu);
}

/* The next range before @pos that contains [@addr, @addr + @len), or NULL. Hot: always inline. */
static __always_inline struct io_range *next_covering(struct mkvm_io_bus *bus, unsigned int *pos,
						      gpa_t addr, unsigned int len)
{
	while (*pos) {
		struct io_range *r = &bus->range[--*pos];

		if (r->max_end < addr)
			break;
		if (range_covers(r, addr, len))
			return r;
	}
	return NULL;
}

/* upper_bound(). The address of the last access is often that of the next. */
static __always_inline unsigned int find(struct mkvm_vcpu *vcpu, const struct mkvm_io_bus *bus,
					 gpa_t addr)
{
	if (!bus)
		return 0;
	if (unlikely(vcpu->io_found.addr != addr ||
		     vcpu->io_found.generation != bus->generation)) {
		vcpu->io_found.pos = upper_bound(bus, addr);
		vcpu->io_found.addr = addr;
		vcpu->io_found.generation = bus->generation;
	}
	return vcpu->io_found.pos;
}

/* See mkvm_io_bus_misses(). */
static noinline void remember_miss(struct mkvm_vcpu *vcpu, enum mkvm_bus_idx idx, gpa_t addr)
{
	/* Pairs with the release in mkvm_io_bus_register(): the bus is at least as new. */
	u64 generation = smp_load_acquire(&vcpu->vm->io_generation);
	struct mkvm_io_bus *bus = bus_get(vcpu->vm, idx);
	unsigned int pos = bus ? upper_bound(bus, addr) : 0;

	/* A range that is too short for this access may do for the next. */
	if (next_covering(bus, &pos, addr, 1))
		return;
	vcpu->io_miss.key = mkvm_io_key(idx, addr);
	vcpu->io_miss.generation = generation;
}

/**
 * mkvm_io_bus_read() - offer a read to the devices in the kernel
 * @vcpu: the vCPU that reads; vm->srcu read-held
 * @idx: which bus
 * @addr: port or guest-physical address
 * @len: bytes, 1 to 8
 * @data: where they go
 *
 * Return: 0 when a device answered, -EOPNOTSUPP when none did; -EAGAIN when interrupts are off
 * and the device wants them on.
 */
int mkvm_io_bus_read(struct mkvm_vcpu *vcpu, enum mkvm_bus_idx idx, gpa_t addr, int len,
		     void *data)
{
	struct mkvm_io_bus *bus;
	struct io_range *r;
	unsigned int pos;

	if (mkvm_io_bus_misses(vcpu, idx, addr))
		return -EOPNOTSUPP;
	bus = bus_get(vcpu->vm, idx);
	pos = find(vcpu, bus, addr);
	while ((r = next_covering(bus, &pos, addr, len))) {
		struct mkvm_io_device *dev = READ_ONCE(r->dev);

		if (!dev->ops->atomic && irqs_disabled())
			return -EAGAIN;
		if (dev->ops->read && !dev->ops->read(vcpu, dev, addr, len, data))
			return 0;
	}
	remember_miss(vcpu, idx, addr);
	return -EOPNOTSUPP;
}

/**
 * mkvm_io_bus_write() - offer a write to the devices in the kernel
 * @vcpu: the vCPU that writes; vm->srcu read-held
 * @idx: which bus
 * @addr: port or guest-physical address
 * @len: bytes, 1 to 8
 * @data: what is written
 *
 * Return: 0 when a device took it, -EOPNOTSUPP when none did; -EAGAIN as for reads.
 */
int mkvm_io_bus_write(struct mkvm_vcpu *vcpu, enum mkvm_bus_idx idx, gpa_t addr, int len,
		      const void *data)
{
	struct mkvm_io_bus *bus;
	struct io_range *r;
	unsigned int pos;

	if (mkvm_io_bus_misses(vcpu, idx, addr))
		return -EOPNOTSUPP;
	bus = bus_get(vcpu->vm, idx);
	pos = find(vcpu, bus, addr);
	while ((r = next_covering(bus, &pos, addr, len))) {
		struct mkvm_io_device *dev = READ_ONCE(r->dev);

		if (!dev->ops->atomic && irqs_disabled())
			return -EAGAIN;
		if (dev->ops->write && !dev->ops->write(vcpu, dev, addr, len, data))
			return 0;
	}
	remember_miss(vcpu, idx, addr);
	return -EOPNOTSUPP;
}

static void append(struct mkvm_io_bus *bus, gpa_t addr, u32 len, struct mkvm_io_device *dev)
{
	gpa_t end = addr + (len ? len - 1 : 0);
	struct io_range *r = &bus->range[bus->nr];

	*r = (struct io_range){ .addr = addr, .max_end = end, .len = len, .dev = dev };
	if (bus->nr)
		r->max_end = max(end, r[-1].max_end);
	bus->nr++;
}

/**
 * mkvm_io_bus_register() - put a device on a bus
 * @vm: the VM; vm->slots_lock held, vm->srcu not
 * @idx: which bus
 * @addr: first port or guest-physical address
 * @len: bytes; 0 takes accesses of every length at exactly @addr
 * @dev: the device; it may have several ranges and share them with other devices
 *
 * Return: 0, -EINVAL for a range that wraps, -ENOSPC, -ENOMEM; on error nothing changed.
 */
int mkvm_io_bus_register(struct mkvm_vm *vm, enum mkvm_bus_idx idx, gpa_t addr, int len,
			 struct mkvm_io_device *dev)
{
	struct mkvm_io_bus *old = bus_get_locked(vm, idx), *new;
	unsigned int i, live = 0;
	bool placed = false;

	lockdep_assert_held(&vm->slots_lock);
	if (len < 0 || addr + len < addr)
		return -EINVAL;
	for (i = 0; old && i < old->nr; i++)
		live += old->range[i].dev != &gone_device;
	if (live >= MKVM_IO_BUS_MAX_RANGES) {
		mkvm_refuse(vm, "I/O bus %d is full: %u ranges", idx, live);
		return -ENOSPC;
	}
	new = kvmalloc(struct_size(new, range, live + 1), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;

	new->nr = 0;
	new->generation = vm->io_generation + 1;
	for (i = 0; old && i < old->nr; i++) {
		const struct io_range *r = &old->range[i];

		if (r->dev == &gone_device)
			continue;
		if (!placed && r->addr > addr) {
			append(new, addr, len, dev);
			placed = true;
		}
		append(new, r->addr, r->len, r->dev);
	}
	if (!placed)
		append(new, addr, len, dev);

	rcu_assign_pointer(vm->buses[idx], new);
	/* What a vCPU remembers with the new number it has seen on the new bus. */
	smp_store_release(&vm->io_generation, new->generation);
	wait_for_readers(vm);
	kvfree(old);
	return 0;
}

/**
 * mkvm_io_bus_unregister() - take a device and all its ranges off a bus
 * @vm: the VM; vm->slots_lock held, vm->srcu not
 * @idx: which bus
 * @dev: the device; its destroy() is called when no vCPU can reach it any more
 *
 * Return: 0, or -ENOENT when @dev is not on the bus.
 */
int mkvm_io_bus_unregister(struct mkvm_vm *vm, enum mkvm_bus_idx idx,
			   struct mkvm_io_device *dev)
{
	struct mkvm_io_bus *bus = bus_get_locked(vm, idx);
	bool found = false;
	unsigned int i;

	lockdep_assert_held(&vm->slots_lock);
	for (i = 0; bus && i < bus->nr; i++) {
		if (bus->range[i].dev != dev)
			continue;
		WRITE_ONCE(bus->range[i].dev, &gone_device);
		found = true;
	}
	if (!found)
		return -ENOENT;
	wait_for_readers(vm);
	if (dev->ops->destroy)
		dev->ops->destroy(dev);
	return 0;
}

/**
 * mkvm_io_buses_destroy() - destroy the devices that are left, and the buses
 * @vm: the VM, which no vCPU and no descriptor can reach any more; process context
 */
void mkvm_io_buses_destroy(struct mkvm_vm *vm)
{
	unsigned int i;
	int idx;

	mutex_lock(&vm->slots_lock);
	for (idx = 0; idx < MKVM_NR_BUSES; idx++) {
		struct mkvm_io_bus *bus = bus_get_locked(vm, idx);

		/* Each call takes all ranges of one device. */
		for (i = 0; bus && i < bus->nr; i++)
			if (bus->range[i].dev != &gone_device)
				mkvm_io_bus_unregister(vm, idx, bus->range[i].dev);
		RCU_INIT_POINTER(vm->buses[idx], NULL);
		kvfree(bus);
	}
	mutex_unlock(&vm->slots_lock);
}
