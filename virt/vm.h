/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * struct mkvm_vm: one virtual machine, whatever the processor.
 *
 * What KVM_CREATE_VM returns a descriptor of. Relies on virt/arch.h for the part that
 * belongs to x86 (struct mkvm_arch_vm), on virt/memslot.h for guest memory and on
 * virt/vcpu.h for its processors.
 *
 * The order of the locks and what each guards is in Documentation/locking.rst.
 */
#ifndef MINIKVM_VIRT_VM_H
#define MINIKVM_VIRT_VM_H

#include <linux/kvm.h>
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#include "arch/x86/arch_vm.h"
#include "compat/compat.h"
#include "virt/refuse.h"

/* vCPUs in one VM, and the first APIC ID that does not exist any more. */
#define MKVM_MAX_VCPUS		256
#define MKVM_MAX_VCPU_ID	1024

/* User slots of one address space: KVM_CAP_NR_MEMSLOTS. */
#define MKVM_USER_MEM_SLOTS	4096

struct mkvm_io_bus;
struct mkvm_irq_routing;
struct mkvm_memslots;
struct mkvm_owner;
struct mkvm_vcpu;

enum mkvm_bus_idx { MKVM_MMIO_BUS, MKVM_PIO_BUS, MKVM_NR_BUSES };

/**
 * struct mkvm_vm - one virtual machine
 * @mm: address space whose memory backs the guest; only its threads may use the VM
 * @users: one for each descriptor that reaches the VM: its own, a vCPU's, the VFIO device's, those
 *	of statistics; irqfds go when its own is closed
 * @lock: vCPU creation, interrupt controller creation, ENABLE_CAP
 * @slots_lock: serialises every change of @memslots and of the I/O buses
 * @srcu: readers of @memslots, @buses and @routing
 * @memslots: the current slots; replaced as a whole, never changed in place
 * @slot_ids: the slots of @memslots by their number, under @slots_lock
 * @mmu_lock: EPT structure: read side for faults that fill entries, write side to zap
 * @invalidate_seq: counts finished MMU-notifier invalidations; a fault that saw another
 *	value before it looked up its page must start again
 * @invalidate_in_progress: invalidations between start and end, protected by @mmu_lock
 * @invalidate_start: lowest user address of those, with @invalidate_end as their hull
 * @invalidate_end: first address above it
 * @invalidate_wait: faults that wait for @invalidate_in_progress to become 0
 * @vcpus: by creation order; entries are set once and stay until the VM dies
 * @online_vcpus: how many entries of @vcpus are valid; written under @lock, with release semantics
 * @last_boosted: index of the vCPU that got a spinning vCPU's CPU last, a hint
 * @buses: in-kernel device buses, RCU-protected by @srcu
 * @io_generation: how many devices were put on its buses; changed under @slots_lock
 * @irq_lock: changes of @routing and of the irqfd list
 * @routing: GSI routing table, RCU-protected by @srcu
 * @irqfds: struct mkvm_irqfd, under @irq_lock
 * @ioeventfds: struct mkvm_ioeventfd, under @slots_lock
 * @coalesced_zones: coalesced_io.c, under @slots_lock
 * @coalesced_lock: writers of @coalesced_ring, interrupts off
 * @coalesced_ring: page that every vCPU's mapping shows, NULL until mkvm_coalesced_ring()
 * @has_vfio_device: vfio_device.c, under @lock
 * @devices_assigned: the VFIO device was told of some, which the guest may reach by MMIO
 * @dead: a bug or an unrecoverable failure ended this VM; every ioctl gives -EIO
 * @dead_reason: why, a static string
 * @refusals: what was said of its refused ioctls
 * @halt_poll_limit: KVM_CAP_HALT_POLL, nanoseconds; -1: the module's parameter
 * @stats_dentry: debugfs directory
 * @owner: the user who created it
 * @owner_link: in @owner's list
 * @owner_pid: process that created it
 * @number: a VM's number since the module was loaded, from 1 on
 * @name: what messages call it: "<pid>-<number> (<command>)"
 * @dirty_log_manual: KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, KVM_DIRTY_LOG_* flags
 * @max_vcpu_ids: KVM_CAP_MAX_VCPU_ID, 0: MKVM_MAX_VCPU_ID
 * @mmu_notifier: tells of changes of @mm
 * @arch: what x86 adds
 */
struct mkvm_vm {
	struct mm_struct *mm;
	refcount_t users;
	struct mutex lock;
	struct mutex slots_lock;
	struct srcu_struct srcu;
	struct mkvm_memslots __rcu *memslots;
	struct xarray slot_ids;

	rwlock_t mmu_lock;
	struct mmu_notifier mmu_notifier;
	unsigned long invalidate_seq;
	long invalidate_in_progress;
	unsigned long invalidate_start, invalidate_end;
	wait_queue_head_t invalidate_wait;

	struct mkvm_vcpu *vcpus[MKVM_MAX_VCPUS];
	int online_vcpus;
	int last_boosted;
	u32 max_vcpu_ids;

	struct mkvm_io_bus __rcu *buses[MKVM_NR_BUSES];
	u64 io_generation;
	struct mutex irq_lock;
	struct mkvm_irq_routing __rcu *routing;
	struct list_head irqfds;
	struct list_head ioeventfds;
	struct list_head coalesced_zones;
	spinlock_t coalesced_lock;
	struct kvm_coalesced_mmio_ring *coalesced_ring;

	bool has_vfio_device;
	bool devices_assigned;
	bool dead;
	const char *dead_reason;
	struct mkvm_refusals refusals;
	s64 halt_poll_limit;
	struct dentry *stats_dentry;
	struct mkvm_owner *owner;
	struct list_head owner_link;
	pid_t owner_pid;
	unsigned int number;
	char name[48];
	u64 dirty_log_manual;

	struct mkvm_arch_vm arch;
};

/**
 * mkvm_vm_get() - take a reference to a VM
 * @vm: the VM, which the caller already holds a reference to
 */
static inline void mkvm_vm_get(struct mkvm_vm *vm)
{
	refcount_inc(&vm->users);
}

void mkvm_vm_put(struct mkvm_vm *vm);

int mkvm_vm_create(unsigned long type);

struct mkvm_ioctl_set;
extern const struct mkvm_ioctl_set mkvm_vm_ioctls;

int mkvm_vm_refuse_use(struct mkvm_vm *vm);

/* May the caller use this VM: is it alive, and its memory the caller's own? 0 or -EIO. */
static inline int mkvm_vm_may_use(struct mkvm_vm *vm)
{
	if (unlikely(vm->mm != current->mm || READ_ONCE(vm->dead)))
		return mkvm_vm_refuse_use(vm);
	return 0;
}

/* How many vCPUs can be found in vm->vcpus[]. */
static inline int mkvm_online_vcpus(struct mkvm_vm *vm)
{
	/* Pairs with smp_store_release() in mkvm_vcpu_create(). */
	return smp_load_acquire(&vm->online_vcpus);
}

/* Iterate over the online vCPUs. @i is an int, @vcpu a struct mkvm_vcpu pointer. */
#define mkvm_for_each_vcpu(i, vcpu, vm)					\
	for ((i) = 0;							\
	     (i) < mkvm_online_vcpus(vm) &&				\
	     ((vcpu) = (vm)->vcpus[i], true);				\
	     (i)++)

#endif
