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
#include <linux/uaccess.h>

#include "virt/arch.h"
#include "virt/coalesced_io.h"
#include "virt/debugfs.h"
#include "virt/dirty_log.h"
#include "virt/gsi_routing.h"
#include "virt/io_bus.h"
#include "virt/ioeventfd.h"
#include "virt/irq_routing.h"
#include "virt/irqfd.h"
#include "virt/memory_region.h"
#include "virt/mmu_notifier.h"
#include "virt/stats_fd.h"
#include "virt/vfio_device.h"

static void vm_destroy(struct mkvm_vm *vm)
{
	int i;

	mkvm_debugfs_remove_vm(vm);
	mkvm_mmu_notifier_unregister(vm);
	arch_vm_stop(vm);
	for (i = 0; i < vm->online_vcpus; i++)
		mkvm_vcpu_destroy(vm->vcpus[i]);
	xa_destroy(&vm->vcpu_ids);
	arch_vm_destroy(vm);
	mkvm_routing_destroy(vm);
	mkvm_io_buses_destroy(vm);
	mkvm_coalesced_destroy(vm);
	mkvm_memslots_destroy(vm);
	cleanup_srcu_struct(&vm->srcu);
	mmdrop(vm->mm);
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

/* Structures that the core takes as a whole: copied once, then only the copy is looked at. */
static long struct_ioctl(struct mkvm_vm *vm, unsigned int cmd, void __user *user)
{
	union {
		struct kvm_userspace_memory_region region;
		struct compat_memory_region2 region2;
		struct kvm_coalesced_mmio_zone zone;
		struct kvm_dirty_log log;
		struct kvm_clear_dirty_log clear;
		struct kvm_irqfd irqfd;
		struct kvm_ioeventfd ioeventfd;
		struct kvm_irq_level irq;
		struct kvm_msi msi;
		struct kvm_enable_cap cap;
	} u;
	long ret;

	if (WARN_ON_ONCE(_IOC_SIZE(cmd) > sizeof(u)))
		return -EINVAL;
	if (copy_from_user(&u, user, _IOC_SIZE(cmd)))
		return -EFAULT;
	switch (cmd) {
	case KVM_SET_USER_MEMORY_REGION:
		return mkvm_set_memory_region(vm, &u.region);
	case COMPAT_SET_USER_MEMORY_REGION2:
		/* Without guest_memfd: what it adds must be unused, and its flag is refused. */
		return mkvm_set_memory_region(vm, &u.region2.region);
	case KVM_REGISTER_COALESCED_MMIO:
	case KVM_UNREGISTER_COALESCED_MMIO:
		return mkvm_coalesced_ioctl(vm, &u.zone, cmd == KVM_REGISTER_COALESCED_MMIO);
	case KVM_GET_DIRTY_LOG:
		return mkvm_get_dirty_log(vm, &u.log);
	case KVM_CLEAR_DIRTY_LOG:
		return mkvm_clear_dirty_log(vm, &u.clear);
	case KVM_IRQFD:
		return mkvm_irqfd_ioctl(vm, &u.irqfd);
	case KVM_IOEVENTFD:
		return mkvm_ioeventfd_ioctl(vm, &u.ioeventfd);
	case KVM_IRQ_LINE:
		return arch_vm_irq_line(vm, &u.irq, false);
	case KVM_IRQ_LINE_STATUS:
		ret = arch_vm_irq_line(vm, &u.irq, true);
		if (!ret && copy_to_user(user, &u.irq, sizeof(u.irq)))
			ret = -EFAULT;
		return ret;
	case KVM_SIGNAL_MSI:
		return mkvm_signal_msi(vm, &u.msi);
	case KVM_ENABLE_CAP:
		return arch_vm_enable_cap(vm, &u.cap);
	}
	return -ENOTTY;
}

int mkvm_vm_refuse_use(struct mkvm_vm *vm)
{
	if (vm->mm != current->mm)
		vm_refuse(vm, "its memory is another process's: process %d can do nothing with it",
			  task_tgid_nr(current));
	else
		vm_refuse(vm, "it is dead: %s", READ_ONCE(vm->dead_reason) ?: "for no reason");
	return -EIO;
}

/* -ENOIOCTLCMD: there is no such ioctl on this descriptor. */
static long do_ioctl(struct mkvm_vm *vm, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;
	int ret = mkvm_vm_may_use(vm);

	if (ret)
		return ret;
	switch (cmd) {
	case KVM_CREATE_VCPU:
		return mkvm_vcpu_create(vm, arg);
	case KVM_CHECK_EXTENSION:
		return arch_check_extension(vm, arg);
	case KVM_SET_USER_MEMORY_REGION:
	case COMPAT_SET_USER_MEMORY_REGION2:
	case KVM_REGISTER_COALESCED_MMIO:
	case KVM_UNREGISTER_COALESCED_MMIO:
	case KVM_GET_DIRTY_LOG:
	case KVM_CLEAR_DIRTY_LOG:
	case KVM_IRQFD:
	case KVM_IOEVENTFD:
	case KVM_IRQ_LINE:
	case KVM_IRQ_LINE_STATUS:
	case KVM_SIGNAL_MSI:
	case KVM_ENABLE_CAP:
		return struct_ioctl(vm, cmd, user);
	case KVM_SET_GSI_ROUTING:
		return mkvm_set_gsi_routing_ioctl(vm, user);
	case KVM_GET_STATS_FD:
		return mkvm_vm_stats_fd(vm);
	case KVM_CREATE_DEVICE:
		return mkvm_create_device(vm, user);
	}
	return arch_vm_ioctl(vm, cmd, arg);
}

static long vm_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	struct mkvm_vm *vm = filp->private_data;
	long ret;

	mkvm_refuse_begin(&vm->refusals);
	ret = do_ioctl(vm, cmd, arg);
	mkvm_refuse_end(vm, &vm->refusals, cmd, arg, ret);
	return ret == -ENOIOCTLCMD ? -ENOTTY : ret;
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
	xa_init(&vm->vcpu_ids);
	mutex_init(&vm->lock);
	mutex_init(&vm->slots_lock);
	mutex_init(&vm->irq_lock);
	rwlock_init(&vm->mmu_lock);
	INIT_LIST_HEAD(&vm->irqfds);
	INIT_LIST_HEAD(&vm->ioeventfds);
	mkvm_refusals_init(&vm->refusals);
	vm->halt_poll_limit = -1;
	vm_give_name(vm);
	vm->mm = current->mm;
	mmgrab(vm->mm);

	ret = init_srcu_struct(&vm->srcu);
	if (ret)
		goto out_mm;
	ret = mkvm_memslots_init(vm);
	if (ret)
		goto out_srcu;
	ret = mkvm_coalesced_init(vm);
	if (ret)
		goto out_slots;
	ret = mkvm_routing_init(vm);
	if (ret)
		goto out_coalesced;
	ret = arch_vm_create(vm, type);
	if (ret)
		goto out_routing;
	ret = mkvm_mmu_notifier_register(vm);
	if (ret)
		goto out_arch;
	mkvm_debugfs_add_vm(vm);
	return vm;

out_arch:
	arch_vm_destroy(vm);
out_routing:
	mkvm_routing_destroy(vm);
	mkvm_io_buses_destroy(vm);
out_coalesced:
	mkvm_coalesced_destroy(vm);
out_slots:
	mkvm_memslots_destroy(vm);
out_srcu:
	cleanup_srcu_struct(&vm->srcu);
out_mm:
	mmdrop(vm->mm);
	kvfree(vm);
	return ERR_PTR(ret);
}

/**
 * mkvm_vm_create() - KVM_CREATE_VM
 * @type: 0
 *
 * Return: a new descriptor; -EINVAL for another type; -ENOMEM, -EMFILE, -EINTR.
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
