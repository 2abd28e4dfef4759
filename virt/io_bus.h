/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Devices in the kernel, found by port or guest-physical address.
 *
 * PIC, PIT, IOAPIC and ioeventfds register here. Lookups run under vm->srcu; changes replace
 * the sorted range array as a whole under vm->slots_lock.
 */
#ifndef MINIKVM_VIRT_IO_BUS_H
#define MINIKVM_VIRT_IO_BUS_H

#include <linux/kvm_types.h>

#include "virt/vcpu.h"

struct mkvm_io_device;

/**
 * struct mkvm_io_device_ops - what a device answers
 * @read: 0 when @data was filled, -EOPNOTSUPP when the access is not for this device
 * @write: 0 when the write was taken, -EOPNOTSUPP as above
 * @destroy: frees the device when its last range goes; may be NULL
 * @atomic: both accesses may be made with interrupts off
 *
 * Both accesses run in the vCPU's thread under vm->srcu and may take spinlocks only.
 */
struct mkvm_io_device_ops {
	int (*read)(struct mkvm_vcpu *vcpu, struct mkvm_io_device *dev, gpa_t addr, int len,
		    void *data);
	int (*write)(struct mkvm_vcpu *vcpu, struct mkvm_io_device *dev, gpa_t addr, int len,
		     const void *data);
	void (*destroy)(struct mkvm_io_device *dev);
	bool atomic;
};

struct mkvm_io_device {
	const struct mkvm_io_device_ops *ops;
};

/* Ranges on one bus, ioeventfds included; each change copies them all. */
#define MKVM_IO_BUS_MAX_RANGES	8192

int mkvm_io_bus_register(struct mkvm_vm *vm, enum mkvm_bus_idx bus, gpa_t addr, int len,
			 struct mkvm_io_device *dev);
int mkvm_io_bus_unregister(struct mkvm_vm *vm, enum mkvm_bus_idx bus,
			   struct mkvm_io_device *dev);
void mkvm_io_buses_destroy(struct mkvm_vm *vm);
int mkvm_io_bus_read(struct mkvm_vcpu *vcpu, enum mkvm_bus_idx bus, gpa_t addr, int len,
		     void *data);
int mkvm_io_bus_write(struct mkvm_vcpu *vcpu, enum mkvm_bus_idx bus, gpa_t addr, int len,
		      const void *data);

/* No bus has an address as high as this makes of one of another bus. */
static __always_inline u64 mkvm_io_key(enum mkvm_bus_idx bus, gpa_t addr)
{
	return addr ^ (u64)bus << 62;
}

/*
 * Most accesses to a device of userspace's are to the same few addresses: the last one that no
 * device takes is remembered, by mkvm_io_bus_read() and mkvm_io_bus_write(). That stays true until
 * a device comes. Needs no vm->srcu: an access that runs side by side with the arrival of a device
 * may be before it.
 */
static __always_inline bool mkvm_io_bus_misses(const struct mkvm_vcpu *vcpu,
					       enum mkvm_bus_idx bus, gpa_t addr)
{
	return vcpu->io_miss.key == mkvm_io_key(bus, addr) &&
	       vcpu->io_miss.generation == READ_ONCE(vcpu->vm->io_generation);
}

#endif
