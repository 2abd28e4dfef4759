/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtual machine behind KVM's ABI: the VM, its memory, its interrupts.
 */
#ifndef MINIKVM_TOOL_VM_H
#define MINIKVM_TOOL_VM_H

#include <linux/kvm.h>
#include <linux/types.h>
#include <pthread.h>
#include <stdbool.h>

#include "boot/guest_ram.h"
#include "bus/space.h"
#include "bus/wires.h"
#include "terminal/sentence.h"

#define VM_VCPUS_MAX		64
#define VM_FIRST_FREE_SLOT	2	/* 0 and 1 are RAM */
#define VM_FREE_SLOTS		500	/* KVM has 509 or more */
#define VM_FIRST_MSI		24	/* below: the pins of the IOAPIC */
#define VM_MSIS			1024

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
	int ram_fd;		/* file that the RAM begins as, or -1: it begins as zeros */
	void *ram_map;
	size_t ram_map_size;
	bool shared;		/* other processes can map the RAM; set before vm_create() */
	int shared_fd;		/* the memfd that they map: low RAM before high; or -1 */
	struct space slots;		/* of memory, from VM_FIRST_FREE_SLOT on */
	struct space gsis;		/* of messages, from VM_FIRST_MSI on */
	pthread_mutex_t route_lock;
	struct msi_message *msi;	/* VM_MSIS; one without an address has no route */
	unsigned int nr_vcpus;
	struct vcpu vcpu[VM_VCPUS_MAX];
};

void vm_init(struct vm *vm);
int vm_create(struct vm *vm, const char *device, __u64 mem, bool irqchip, struct sentence *why);
void vm_clear(struct vm *vm);
void vm_destroy(struct vm *vm);
void vm_high_window(const struct vm *vm, __u64 *base, __u64 *size);
void vm_irq_line(struct vm *vm, unsigned int irq, bool level);
int vm_set_memory(struct vm *vm, __u32 slot, __u64 gpa, void *mem, __u64 size);
int vm_take_gsis(struct vm *vm, unsigned int count);
void vm_give_gsis(struct vm *vm, unsigned int first);
int vm_route_msi(struct vm *vm, unsigned int gsi, const struct msi_message *message);
int vm_doorbell(struct vm *vm, __u64 gpa, unsigned int len, int fd, bool assign);
int vm_irqfd(struct vm *vm, int fd, unsigned int gsi, int resample, bool assign);
void vm_add_vfio_group(struct vm *vm, int group);

#endif
