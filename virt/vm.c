// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM's descriptor: its life and its ioctls.
 *
 * KVM's ABI, "VM ioctls". A VM belongs to the address space that created it: its ioctls from
 * another one (after fork, or through a passed descriptor) are refused with EIO, because guest
 * memory is that address space's memory. It lives until its last descriptor is closed.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/anon_inodes.h>
#include <linux/atomic.h>
#include <linux/ctype.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "trace/minikvm_events.h"
#include "virt/arch.h"
#include "virt/capability.h"
#include "virt/coalesced_io.h"
#include "virt/debugfs.h"
#include "virt/dirty_log.h"
#include "virt/gsi_routing.h"
#include "virt/io_bus.h"
#include "virt/ioctl.h"
#include "virt/ioeventfd.h"
#include "virt/irq_routing.h"
#include "virt/irqfd.h"
#include "virt/memory_region.h"
#include "virt/mmu_notifier.h"
#include "virt/owner.h"
#include "virt/state.h"
#include "virt/stats_fd.h"
#include "virt/vfio_device.h"

static void vm_destroy(struct mkvm_vm *vm)
{
	int i;

	if (!vm->dead)
		trace_minikvm_vm_state(vm->number, vm->owner_pid, MKVM_STATE_ZOMBIE,
				       MKVM_STATE_DEAD);
	mkvm_owner_unlist_vm(vm);
	mkvm_debugfs_remove_vm(vm);
	mkvm_mmu_notifier_unregister(vm);
	arch_vm_stop(vm);
	for (i = 0; i < vm->online_vcpus; i++) {
		mkvm_vcpu_destroy(vm->vcpus[i]);
		mkvm_owner_uncharge_vcpu(vm);
	}
	arch_vm_destroy(vm);
	mkvm_routing_destroy(vm);
	mkvm_io_buses_destroy(vm);
	mkvm_coalesced_destroy(vm);
	mkvm_memslots_destroy(vm);
	cleanup_srcu_struct(&vm->srcu);
	mmdrop(vm->mm);
	mkvm_owner_uncharge_vm(vm);
	mkvm_refusals_free(&vm->refusals);
	kvfree(vm);
}

/**
 * mkvm_vm_put() - drop a reference to a VM; the last one destroys it
 * @vm: the VM
 *
 * Context: process, may sleep.
 */
void mkvm_vm_put(struct mkvm_vm *vm)
{
	if (refcount_dec_and_test(&vm->users))
		vm_destroy(vm);
}

/* Without guest_memfd: what the second form adds must be unused, and its flag is refused. */
static long set_user_memory_region(struct mkvm_call *call)
{
	return mkvm_set_memory_region(call->vm, call->data);
}

static long get_dirty_log(struct mkvm_call *call)
{
	return mkvm_get_dirty_log(call->vm, call->data);
}

static long clear_dirty_log(struct mkvm_call *call)
{
	return mkvm_clear_dirty_log(call->vm, call->data);
}

static long create_vcpu(struct mkvm_call *call)
{
	return mkvm_vcpu_create(call->vm, call->arg);
}

static long irq_line(struct mkvm_call *call)
{
	struct kvm_irq_level *irq = call->data;

	irq->status = mkvm_set_irq(call->vm, MKVM_USERSPACE_IRQ_SOURCE, irq->irq, !!irq->level);
	return 0;
}

static long signal_msi(struct mkvm_call *call)
{
	return mkvm_signal_msi(call->vm, call->data);
}

static long set_gsi_routing(struct mkvm_call *call)
{
	return mkvm_set_gsi_routing_ioctl(call->vm, call->data, mkvm_call_user(call));
}

static long irqfd(struct mkvm_call *call)
{
	return mkvm_irqfd_ioctl(call->vm, call->data);
}

static long ioeventfd(struct mkvm_call *call)
{
	return mkvm_ioeventfd_ioctl(call->vm, call->data);
}

static long coalesced_mmio(struct mkvm_call *call)
{
	return mkvm_coalesced_ioctl(call->vm, call->data, call->cmd == KVM_REGISTER_COALESCED_MMIO);
}

static long get_stats_fd(struct mkvm_call *call)
{
	return mkvm_vm_stats_fd(call->vm);
}

static long create_device(struct mkvm_call *call)
{
	return mkvm_create_device(call->vm, call->data, mkvm_call_user(call));
}

static bool has_irqchip(const struct mkvm_call *call)
{
	return arch_irqchip_in_kernel(call->vm);
}

static const struct mkvm_rule irqchip = {
	.text = "the VM has no interrupt controller in the kernel",
	.holds = has_irqchip,
};

/* Those that a VMM issues while the guest runs come first. */
static const struct mkvm_ioctl rows[] = {
	MKVM_IOCTL_COPY(KVM_SIGNAL_MSI, signal_msi, .needs = { { &irqchip, -EINVAL } }),
	MKVM_IOCTL_COPY(KVM_IRQ_LINE, irq_line, .needs = { { &irqchip, -ENXIO } }),
	MKVM_IOCTL_COPY(KVM_IRQ_LINE_STATUS, irq_line,
			.needs = { { &irqchip, -ENXIO } }),
	MKVM_IOCTL_COPY(KVM_GET_DIRTY_LOG, get_dirty_log),
	MKVM_IOCTL_COPY(KVM_CLEAR_DIRTY_LOG, clear_dirty_log),
	MKVM_IOCTL_COPY(KVM_SET_USER_MEMORY_REGION, set_user_memory_region),
	{ .name = "KVM_SET_USER_MEMORY_REGION2", .cmd = COMPAT_SET_USER_MEMORY_REGION2,
	  .in = sizeof(struct compat_memory_region2), .fn = set_user_memory_region },
	MKVM_IOCTL(KVM_CREATE_VCPU, create_vcpu, .around = MKVM_VM_LOCK),
	MKVM_IOCTL_COPY(KVM_SET_GSI_ROUTING, set_gsi_routing,
			.needs = { { &irqchip, -EINVAL } }),
	MKVM_IOCTL_COPY(KVM_IRQFD, irqfd),
	MKVM_IOCTL_COPY(KVM_IOEVENTFD, ioeventfd),
	MKVM_IOCTL_COPY(KVM_REGISTER_COALESCED_MMIO, coalesced_mmio),
	MKVM_IOCTL_COPY(KVM_UNREGISTER_COALESCED_MMIO, coalesced_mmio),
	MKVM_IOCTL(KVM_CHECK_EXTENSION, mkvm_check_extension),
	MKVM_IOCTL_COPY(KVM_ENABLE_CAP, mkvm_enable_cap, .around = MKVM_VM_LOCK),
	MKVM_IOCTL(KVM_CREATE_DEVICE, create_device, .in = sizeof(struct kvm_create_device)),
	MKVM_IOCTL(KVM_GET_STATS_FD, get_stats_fd),
	{ }
};

const struct mkvm_ioctl_set mkvm_vm_ioctls = {
	.of = "a VM",
	.rows = rows,
	.arch_rows = arch_vm_ioctls,
	.unknown = -ENOTTY,
};

static long vm_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	struct mkvm_call call = { .cmd = cmd, .arg = arg, .vm = filp->private_data };

	return mkvm_ioctl(&mkvm_vm_ioctls, &call);
}

static int vm_release(struct inode *inode, struct file *filp)
{
	struct mkvm_vm *vm = filp->private_data;

	mkvm_irqfds_release(vm);
	mkvm_vm_put(vm);
	return 0;
}

static const struct file_operations vm_fops = {
	.owner = THIS_MODULE,
	.release = vm_release,
	.unlocked_ioctl = vm_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

/* Its owner chose the command's name: nothing of it may look like another line of the log. */
static void vm_give_name(struct mkvm_vm *vm)
{
	static atomic_t last_number;
	char command[TASK_COMM_LEN], *c;

	get_task_comm(command, current->group_leader);
	for (c = command; *c; c++)
		if (!isascii(*c) || !isprint(*c))
			*c = '?';
	vm->owner_pid = task_tgid_nr(current);
	vm->number = atomic_inc_return(&last_number);
	snprintf(vm->name, sizeof(vm->name), "%d-%u (%s)", vm->owner_pid, vm->number, command);
}

static struct mkvm_vm *vm_alloc(unsigned long type)
{
	struct mkvm_vm *vm = kvzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!vm)
		return ERR_PTR(-ENOMEM);
	refcount_set(&vm->users, 1);
	mutex_init(&vm->lock);
	mutex_init(&vm->slots_lock);
	mutex_init(&vm->irq_lock);
	rwlock_init(&vm->mmu_lock);
	INIT_LIST_HEAD(&vm->irqfds);
	INIT_LIST_HEAD(&vm->ioeventfds);
	mkvm_refusals_init(&vm->refusals);
	spin_lock_init(&vm->coalesced_lock);
	INIT_LIST_HEAD(&vm->coalesced_zones);
	vm->halt_poll_limit = -1;
	vm_give_name(vm);
	vm->mm = current->mm;
	mmgrab(vm->mm);

	ret = mkvm_owner_charge_vm(vm);
	if (ret)
		goto out_mm;
	ret = init_srcu_struct(&vm->srcu);
	if (ret)
		goto out_owner;
	ret = mkvm_memslots_init(vm);
	if (ret)
		goto out_srcu;
	ret = mkvm_routing_init(vm);
	if (ret)
		goto out_slots;
	ret = arch_vm_create(vm, type);
	if (ret)
		goto out_routing;
	ret = mkvm_mmu_notifier_register(vm);
	if (ret)
		goto out_arch;
	mkvm_debugfs_add_vm(vm);
	mkvm_owner_list_vm(vm);
	trace_minikvm_vm_state(vm->number, vm->owner_pid, MKVM_STATE_INIT, MKVM_STATE_READY);
	return vm;

out_arch:
	arch_vm_destroy(vm);
out_routing:
	mkvm_routing_destroy(vm);
	mkvm_io_buses_destroy(vm);
out_slots:
	mkvm_memslots_destroy(vm);
out_srcu:
	cleanup_srcu_struct(&vm->srcu);
out_owner:
	mkvm_owner_uncharge_vm(vm);
out_mm:
	mmdrop(vm->mm);
	kvfree(vm);
	return ERR_PTR(ret);
}

/**
 * mkvm_vm_create() - KVM_CREATE_VM
 * @type: 0
 *
 * Return: a new descriptor; -EINVAL for another type; -EMFILE, also from max_vms_per_user;
 * -ENOMEM, -EINTR.
 */
int mkvm_vm_create(unsigned long type)
{
	struct mkvm_vm *vm = vm_alloc(type);
	int fd;

	if (IS_ERR(vm))
		return PTR_ERR(vm);
	fd = anon_inode_getfd("kvm-vm", &vm_fops, vm, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		mkvm_vm_put(vm);
	return fd;
}
