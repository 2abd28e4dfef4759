// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_CHECK_EXTENSION and KVM_ENABLE_CAP, and the capabilities that any hypervisor has.
 *
 * KVM's ABI. What is in no table is 0. A comment names the file that does what a capability
 * promises.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/cpumask.h>

#include "virt/arch.h"
#include "virt/capability.h"
#include "virt/irq_routing.h"

#define DIRTY_LOG_FLAGS \
	(KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET)

static int nr_vcpus(void)
{
	return min_t(int, num_online_cpus(), MKVM_MAX_VCPUS);
}

/* Once, before there are vCPUs: APIC IDs below a smaller limit make smaller tables. */
static int enable_max_vcpu_id(struct mkvm_vm *vm, u64 limit)
{
	const char *why = NULL;

	if (limit < vm->arch.bsp_vcpu_id)
		why = "is below the one of KVM_SET_BOOT_CPU_ID";
	else if (vm->max_vcpu_ids && vm->max_vcpu_ids != limit)
		why = "is not what it was set to before";
	else if (!vm->max_vcpu_ids && vm->online_vcpus)
		why = "comes after the first vCPU";
	else
		vm->max_vcpu_ids = limit;
	if (why)
		mkvm_refuse(vm, "KVM_CAP_MAX_VCPU_ID: %llu %s", limit, why);
	return why ? -EINVAL : 0;
}

static int enable_manual_dirty_log(struct mkvm_vm *vm, u64 flags)
{
	if (flags == KVM_DIRTY_LOG_INITIALLY_SET) {
		mkvm_refuse(vm, "KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2: 0x%llx: a log that is set initially must be cleared by hand",
			    flags);
		return -EINVAL;
	}
	WRITE_ONCE(vm->dirty_log_manual, flags);
	return 0;
}

static int enable_halt_poll(struct mkvm_vm *vm, u64 limit)
{
	WRITE_ONCE(vm->halt_poll_limit, limit);
	return 0;
}

static const struct mkvm_capability capabilities[] = {
	MKVM_CAP(KVM_CAP_USER_MEMORY, 1),			/* virt/memory_region.c */
	MKVM_CAP(KVM_CAP_DESTROY_MEMORY_REGION_WORKS, 1),	/* virt/memory_region.c */
	MKVM_CAP(KVM_CAP_JOIN_MEMORY_REGIONS_WORKS, 1),		/* virt/memory_region.c */
	MKVM_CAP(KVM_CAP_NR_MEMSLOTS, MKVM_USER_MEM_SLOTS),	/* virt/memory_region.c */
	MKVM_CAP(KVM_CAP_READONLY_MEM, 1),			/* virt/memory_region.c */
	{ .name = "KVM_CAP_USER_MEMORY2", .cap = COMPAT_CAP_USER_MEMORY2, .value = 1 },
	MKVM_CAP(KVM_CAP_SYNC_MMU, 1),				/* virt/mmu_notifier.c */
	MKVM_CAP(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, DIRTY_LOG_FLAGS,	/* virt/dirty_log.c */
		 .enable = enable_manual_dirty_log, .flags = DIRTY_LOG_FLAGS),
	MKVM_CAP(KVM_CAP_CHECK_EXTENSION_VM, 1),		/* virt/vm.c */
	MKVM_CAP(KVM_CAP_ENABLE_CAP, 1),			/* this file */
	MKVM_CAP(KVM_CAP_ENABLE_CAP_VM, 1),			/* this file */
	MKVM_CAP_FN(KVM_CAP_NR_VCPUS, nr_vcpus),		/* virt/vcpu.c */
	MKVM_CAP(KVM_CAP_MAX_VCPUS, MKVM_MAX_VCPUS),		/* virt/vcpu.c */
	MKVM_CAP(KVM_CAP_MAX_VCPU_ID, MKVM_MAX_VCPU_ID,		/* virt/vcpu.c */
		 .enable = enable_max_vcpu_id, .max = MKVM_MAX_VCPU_ID),
	MKVM_CAP(KVM_CAP_HALT_POLL, 1,				/* virt/halt.c */
		 .enable = enable_halt_poll, .max = UINT_MAX),
	MKVM_CAP(KVM_CAP_BINARY_STATS_FD, 1),			/* virt/stats_fd.c */
	MKVM_CAP(KVM_CAP_IRQ_ROUTING, MKVM_MAX_ROUTES),		/* virt/gsi_routing.c */
	MKVM_CAP(KVM_CAP_SIGNAL_MSI, 1),			/* virt/gsi_routing.c */
	MKVM_CAP(KVM_CAP_IRQ_INJECT_STATUS, 1),			/* virt/irq_routing.c */
	MKVM_CAP(KVM_CAP_IRQFD, 1),				/* virt/irqfd.c */
	MKVM_CAP(KVM_CAP_IRQFD_RESAMPLE, 1),			/* virt/irqfd.c */
	MKVM_CAP(KVM_CAP_IOEVENTFD, 1),				/* virt/ioeventfd.c */
	MKVM_CAP(KVM_CAP_IOEVENTFD_ANY_LENGTH, 1),		/* virt/ioeventfd.c */
	MKVM_CAP(KVM_CAP_IOEVENTFD_NO_LENGTH, 1),		/* virt/ioeventfd.c */
	/* The page of kvm_run's mapping in which the ring is. */
	MKVM_CAP(KVM_CAP_COALESCED_MMIO, KVM_COALESCED_MMIO_PAGE_OFFSET), /* virt/coalesced_io.c */
	MKVM_CAP(KVM_CAP_COALESCED_PIO, 1),			/* virt/coalesced_io.c */
	MKVM_CAP(KVM_CAP_DEVICE_CTRL, 1),			/* virt/vfio_device.c */
	{ }
};

static const struct mkvm_capability *find_in(const struct mkvm_capability *row, unsigned long cap)
{
	for (; row->name; row++) {
		if (row->cap == cap)
			return row;
	}
	return NULL;
}

static const struct mkvm_capability *find(unsigned long cap)
{
	return find_in(capabilities, cap) ?: find_in(arch_capabilities, cap);
}

/**
 * mkvm_check_extension() - KVM_CHECK_EXTENSION, on the device node or on a VM
 * @call: its argument is KVM_CAP_*
 *
 * Return: the capability's value, 0 when there is none of that number.
 */
long mkvm_check_extension(struct mkvm_call *call)
{
	const struct mkvm_capability *row = find(call->arg);

	if (!row)
		return 0;
	return row->value_fn ? row->value_fn() : row->value;
}

static bool can_be_enabled(const struct mkvm_capability *row, const struct mkvm_call *call)
{
	return row && (call->vcpu ? !!row->enable_vcpu : !!row->enable);
}

/**
 * mkvm_enable_cap() - KVM_ENABLE_CAP on a VM or a vCPU
 * @call: its data is struct kvm_enable_cap; vm->lock or vcpu->mutex is held
 *
 * Return: 0; -EINVAL, also for what cannot be enabled; the errno of the capability's row.
 */
long mkvm_enable_cap(struct mkvm_call *call)
{
	const struct kvm_enable_cap *args = call->data;
	const struct mkvm_capability *row = find(args->cap);
	u64 arg = args->args[0];
	int ret;

	if (args->flags) {
		mkvm_refuse(call->vm, "KVM_ENABLE_CAP: capability %u with flags 0x%x, must be 0",
			    args->cap, args->flags);
		return -EINVAL;
	}
	if (!can_be_enabled(row, call)) {
		mkvm_refuse(call->vm, "KVM_ENABLE_CAP: capability %u cannot be enabled on a %s",
			    args->cap, call->vcpu ? "vCPU" : "VM");
		return -EINVAL;
	}
	if (row->max && arg > row->max) {
		mkvm_refuse(call->vm, "%s: %llu is more than %llu", row->name, arg, row->max);
		return -EINVAL;
	}
	if (row->flags && arg & ~row->flags) {
		mkvm_refuse(call->vm, "%s: unknown flags 0x%llx", row->name, arg & ~row->flags);
		return -EINVAL;
	}
	ret = mkvm_check_needs(row->needs, row->name, call);
	if (ret)
		return ret;
	return call->vcpu ? row->enable_vcpu(call->vcpu, arg) : row->enable(call->vm, arg);
}
