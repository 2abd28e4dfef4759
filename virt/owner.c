// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who has VMs: counts, limits and sums for each user.
 *
 * Users are real user IDs in the initial name space, as for RLIMIT_NPROC. A VM is counted from its
 * creation until the last descriptor that reaches it is closed, wherever that descriptor went by
 * fork, dup or a socket; its vCPUs live as long. So what is counted is what exists. The errnos are
 * those of the kernel's other instances that a user may have so many of (inotify).
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/cred.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uidgid.h>

#include "virt/arch.h"
#include "virt/owner.h"

static unsigned int max_vms_per_user;
module_param(max_vms_per_user, uint, 0644);
MODULE_PARM_DESC(max_vms_per_user, "VMs that one user may have, root too (0 = no limit)");

static unsigned int max_vcpus_per_user;
module_param(max_vcpus_per_user, uint, 0644);
MODULE_PARM_DESC(max_vcpus_per_user,
		 "vCPUs that one user may have in all VMs together, root too (0 = no limit)");

/**
 * struct mkvm_owner - a user who has VMs
 * @uid: the user
 * @nr_vms: VMs, those under creation and destruction too
 * @nr_vcpus: their vCPUs
 * @vms: VMs that are complete
 * @link: in the list of owners
 */
struct mkvm_owner {
	kuid_t uid;
	unsigned int nr_vms, nr_vcpus;
	struct list_head vms;
	struct list_head link;
};

/* Guards the list of owners and everything in them. */
static DEFINE_MUTEX(owners_lock);
static LIST_HEAD(owners);

static struct mkvm_owner *find_or_make(kuid_t uid)
{
	struct mkvm_owner *owner;

	list_for_each_entry(owner, &owners, link)
		if (uid_eq(owner->uid, uid))
			return owner;
	owner = kzalloc(sizeof(*owner), GFP_KERNEL_ACCOUNT);
	if (!owner)
		return NULL;
	owner->uid = uid;
	INIT_LIST_HEAD(&owner->vms);
	list_add_tail(&owner->link, &owners);
	return owner;
}

/**
 * mkvm_owner_charge_vm() - may the caller have one more VM? Then count it.
 * @vm: the VM, under creation; mkvm_owner_uncharge_vm() takes it off again
 *
 * Return: 0; -EMFILE: the user has max_vms_per_user VMs; -ENOMEM.
 */
int mkvm_owner_charge_vm(struct mkvm_vm *vm)
{
	unsigned int max = READ_ONCE(max_vms_per_user);
	struct mkvm_owner *owner;
	int ret = 0;

	INIT_LIST_HEAD(&vm->owner_link);
	mutex_lock(&owners_lock);
	owner = find_or_make(current_uid());
	if (!owner) {
		ret = -ENOMEM;
	} else if (max && owner->nr_vms >= max) {
		mkvm_refuse(NULL, "KVM_CREATE_VM: user %u has %u VMs, and max_vms_per_user is %u",
			    from_kuid(&init_user_ns, owner->uid), owner->nr_vms, max);
		ret = -EMFILE;
	} else {
		owner->nr_vms++;
		vm->owner = owner;
	}
	mutex_unlock(&owners_lock);
	return ret;
}

/**
 * mkvm_owner_uncharge_vm() - a VM is gone, or did not come to be
 * @vm: the VM, without vCPUs that are counted
 */
void mkvm_owner_uncharge_vm(struct mkvm_vm *vm)
{
	struct mkvm_owner *owner = vm->owner;

	mutex_lock(&owners_lock);
	if (!--owner->nr_vms) {
		list_del(&owner->link);
		kfree(owner);
	}
	mutex_unlock(&owners_lock);
}

/**
 * mkvm_owner_charge_vcpu() - may the owner of a VM have one more vCPU? Then count it.
 * @vm: the VM
 *
 * Return: 0; -ENOSPC: the user has max_vcpus_per_user vCPUs.
 */
int mkvm_owner_charge_vcpu(struct mkvm_vm *vm)
{
	unsigned int max = READ_ONCE(max_vcpus_per_user);
	struct mkvm_owner *owner = vm->owner;
	int ret = 0;

	mutex_lock(&owners_lock);
	if (max && owner->nr_vcpus >= max) {
		mkvm_refuse(vm, "KVM_CREATE_VCPU: user %u has %u vCPUs, and max_vcpus_per_user is %u",
			    from_kuid(&init_user_ns, owner->uid), owner->nr_vcpus, max);
		ret = -ENOSPC;
	} else {
		owner->nr_vcpus++;
	}
	mutex_unlock(&owners_lock);
	return ret;
}

/**
 * mkvm_owner_uncharge_vcpu() - a vCPU is gone, or did not come to be
 * @vm: its VM
 */
void mkvm_owner_uncharge_vcpu(struct mkvm_vm *vm)
{
	mutex_lock(&owners_lock);
	vm->owner->nr_vcpus--;
	mutex_unlock(&owners_lock);
}

/* The user who created a VM, as a number for people. */
unsigned int mkvm_vm_uid(struct mkvm_vm *vm)
{
	return from_kuid(&init_user_ns, vm->owner->uid);
}

/**
 * mkvm_owner_list_vm() - a VM is complete: mkvm_owner_each_vm() finds it
 * @vm: the VM
 */
void mkvm_owner_list_vm(struct mkvm_vm *vm)
{
	mutex_lock(&owners_lock);
	list_add_tail(&vm->owner_link, &vm->owner->vms);
	mutex_unlock(&owners_lock);
}

/**
 * mkvm_owner_unlist_vm() - a VM is about to go
 * @vm: the VM; whoever looked at it has finished on return
 */
void mkvm_owner_unlist_vm(struct mkvm_vm *vm)
{
	mutex_lock(&owners_lock);
	list_del_init(&vm->owner_link);
	mutex_unlock(&owners_lock);
}

/**
 * mkvm_owner_each_vm() - call a function for each VM
 * @fn: the function; it may neither make nor destroy a VM or vCPU
 */
void mkvm_owner_each_vm(void (*fn)(struct mkvm_vm *vm))
{
	struct mkvm_owner *owner;
	struct mkvm_vm *vm;

	mutex_lock(&owners_lock);
	list_for_each_entry(owner, &owners, link)
		list_for_each_entry(vm, &owner->vms, owner_link)
			fn(vm);
	mutex_unlock(&owners_lock);
}

/**
 * mkvm_owners_show() - print a line for each user: what the user has, and what it took
 * @m: where to
 */
void mkvm_owners_show(struct seq_file *m)
{
	struct mkvm_owner *owner;
	struct mkvm_vm *vm;

	mutex_lock(&owners_lock);
	list_for_each_entry(owner, &owners, link) {
		struct mkvm_vm_sums sums = { 0 };

		list_for_each_entry(vm, &owner->vms, owner_link)
			mkvm_vm_add_sums(vm, &sums);
		seq_printf(m, "uid %u vms %u vcpus %u exits %llu cpu_ns %llu guest_memory_bytes %llu kernel_memory_bytes %llu page_table_bytes %llu\n",
			   from_kuid(&init_user_ns, owner->uid), owner->nr_vms, owner->nr_vcpus,
			   sums.exits, sums.cpu_ns, sums.guest_memory_bytes,
			   sums.kernel_memory_bytes, sums.page_table_bytes);
	}
	mutex_unlock(&owners_lock);
}
