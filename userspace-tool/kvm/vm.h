/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtual machine behind KVM's ABI: the VM, its memory, its interrupts.
 */
#ifndef MINIKVM_TOOL_VM_H
#define MINIKVM_TOOL_VM_H

#include <linux/kvm.h>
#include <linux/types.h>
#include <stdbool.h>

#include "boot/guest_ram.h"
#include "terminal/sentence.h"

#define VM_VCPUS_MAX		64
#define VM_FIRST_FREE_SLOT	2	/* 0 and 1 are RAM */
#define VM_FIRST_MSI		24	/* below: the pins of the IOAPIC */

struct vcpu {
	int fd;
	unsigned int id;
	struct kvm_run *run;
	size_t run_size;
};

struct vm {
	const char *device;
	int dev_fd;
	int fd;
	int vfio_fd;		/* KVM's VFIO pseudo device, or -1 */
	bool irqchip;
	struct guest_ram ram;
	void *ram_map;
	size_t ram_map_size;
	unsigned int nr_vcpus;
	struct vcpu vcpu[VM_VCPUS_MAX];
};

/**
 * vm_create() - create a VM with memory, without vCPUs
 * @vm: receives it; vm_destroy() must follow in any case
 * @device: the device node
 * @mem: bytes of guest memory
 * @irqchip: with interrupt controllers and timer in the kernel; without them HLT returns here
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1.
 */
int vm_create(struct vm *vm, const char *device, __u64 mem, bool irqchip, struct sentence *why);
void vm_destroy(struct vm *vm);

/* Drive interrupt line @irq of the in-kernel interrupt controllers. */
void vm_irq_line(struct vm *vm, unsigned int irq, bool level);

/**
 * vm_set_memory() - make memory of this process the guest's, or take it back
 * @vm: the VM
 * @slot: which slot; VM_FIRST_FREE_SLOT and above
 * @gpa: guest-physical address
 * @mem: page-aligned memory
 * @size: bytes, 0 to remove the slot
 *
 * Return: 0, or -1 with errno.
 */
int vm_set_memory(struct vm *vm, __u32 slot, __u64 gpa, void *mem, __u64 size);

/**
 * vm_set_msi_routes() - route interrupts from VM_FIRST_MSI on to messages, the others as ever
 * @vm: the VM
 * @msi: the messages; one without an address is left out
 * @count: how many
 *
 * Return: 0, or -1 with errno.
 */
int vm_set_msi_routes(struct vm *vm, const struct kvm_irq_routing_msi *msi, unsigned int count);

/**
 * vm_irqfd() - let an eventfd be an interrupt
 * @vm: the VM
 * @fd: the eventfd
 * @gsi: the interrupt
 * @resample: eventfd that is told when a level-triggered one was acknowledged, or -1
 * @assign: false takes it back
 *
 * Return: 0, or -1 with errno.
 */
int vm_irqfd(struct vm *vm, int fd, unsigned int gsi, int resample, bool assign);

/* Tell the VM of a VFIO group, so that it honours caching where the device does not snoop. */
void vm_add_vfio_group(struct vm *vm, int group);

#endif
