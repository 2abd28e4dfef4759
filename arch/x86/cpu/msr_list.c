// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which MSRs userspace should save, and the ioctls that do it.
 *
 * KVM_GET_MSR_INDEX_LIST, KVM_GET_MSR_FEATURE_INDEX_LIST, KVM_GET_MSRS, KVM_SET_MSRS. Clients
 * take a short count for a fatal error, so whatever is listed here must be readable and
 * writable with any value that was ever reported. The lists are in the order of the numbers: the
 * TSC comes before its deadline. Relies on msr_table.c and msr.c.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/slab.h>
#include <linux/uaccess.h>

#include "arch/x86/cpu/cpuid.h"
#include "arch/x86/cpu/msr.h"
#include "arch/x86/cpu/msr_feature.h"
#include "arch/x86/cpu/msr_list.h"
#include "arch/x86/cpu/msr_table.h"

/* Entries of one KVM_GET_MSRS or KVM_SET_MSRS. */
#define MAX_MSR_ENTRIES		256

/* Is the row's register in one of the lists? */
static bool listed(const struct msr_row *row, bool features)
{
	if (features)
		return row->offered;
	if (row->flags & MSR_LISTED)
		return true;
	return (row->flags & MSR_LISTED_IF_OFFERED) &&
	       (supported_cpuid_has(row->feature) ||
		(row->or_feature && supported_cpuid_has(row->or_feature)));
}

/* Copy a list to @indices, or count only where that is NULL. Its length, or -EFAULT. */
static int copy_list(u32 __user *indices, bool features)
{
	unsigned int i;
	int n = 0;
	u32 msr;

	for (i = 1; i < msr_table_rows; i++) {
		if (!listed(&msr_table[i], features))
			continue;
		for (msr = msr_table[i].first; msr <= msr_table[i].last; msr++, n++)
			if (indices && put_user(msr, &indices[n]))
				return -EFAULT;
	}
	return n;
}

/**
 * msr_index_list_ioctl() - KVM_GET_MSR_INDEX_LIST, KVM_GET_MSR_FEATURE_INDEX_LIST
 * @user: the caller's list; nmsrs says how many it has room for, and is told how many there are
 * @features: the list of feature MSRs
 *
 * Return: 0, -E2BIG, -EFAULT.
 */
int msr_index_list_ioctl(struct kvm_msr_list __user *user, bool features)
{
	u32 room, n = copy_list(NULL, features);

	if (get_user(room, &user->nmsrs) || put_user(n, &user->nmsrs))
		return -EFAULT;
	if (room < n) {
		mkvm_refuse(NULL, "KVM_GET_MSR_%sINDEX_LIST: room for %u, there are %u",
			    features ? "FEATURE_" : "", room, n);
		return -E2BIG;
	}
	return copy_list(user->indices, features) < 0 ? -EFAULT : 0;
}

static int read_header(struct mkvm_vcpu *vcpu, bool set, struct kvm_msrs __user *user, u32 *n,
		       struct kvm_msr_entry **entries)
{
	if (get_user(*n, &user->nmsrs))
		return -EFAULT;
	if (*n >= MAX_MSR_ENTRIES) {
		mkvm_refuse(vcpu ? vcpu->vm : NULL, "KVM_%s_MSRS: %u entries, at most %u",
			    set ? "SET" : "GET", *n, MAX_MSR_ENTRIES - 1);
		return -E2BIG;
	}
	*entries = memdup_user(user->entries, array_size(*n, sizeof(**entries)));
	return PTR_ERR_OR_ZERO(*entries);
}

static u32 get_vcpu_msrs(struct mkvm_vcpu *vcpu, struct kvm_msr_entry *entries, u32 n)
{
	int idx = srcu_read_lock(&vcpu->vm->srcu);
	u32 i;

	for (i = 0; i < n; i++) {
		if (msr_get(vcpu, entries[i].index, &entries[i].data, true))
			break;
	}
	srcu_read_unlock(&vcpu->vm->srcu, idx);
	return i;
}

static u32 get_feature_msrs(struct kvm_msr_entry *entries, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++) {
		if (msr_feature_value(entries[i].index, &entries[i].data))
			break;
	}
	return i;
}

static u32 set_vcpu_msrs(struct mkvm_vcpu *vcpu, const struct kvm_msr_entry *entries, u32 n)
{
	int idx = srcu_read_lock(&vcpu->vm->srcu);
	u32 i;

	for (i = 0; i < n; i++) {
		if (msr_set(vcpu, entries[i].index, entries[i].data, true))
			break;
	}
	srcu_read_unlock(&vcpu->vm->srcu, idx);
	return i;
}

/**
 * msr_get_ioctl() - KVM_GET_MSRS
 * @vcpu: loaded vCPU; NULL: of the device, feature MSRs only
 * @user: the caller's list of numbers, which gets the values
 *
 * Return: how many were read, up to the first that cannot be; -E2BIG, -EFAULT, -ENOMEM.
 */
long msr_get_ioctl(struct mkvm_vcpu *vcpu, struct kvm_msrs __user *user)
{
	struct kvm_msr_entry *entries;
	u32 n, done;
	long ret;

	ret = read_header(vcpu, false, user, &n, &entries);
	if (ret)
		return ret;
	done = vcpu ? get_vcpu_msrs(vcpu, entries, n) : get_feature_msrs(entries, n);
	if (done < n)
		mkvm_refuse(vcpu ? vcpu->vm : NULL, "KVM_GET_MSRS: MSR 0x%x (%s) cannot be read",
			    entries[done].index, msr_find(entries[done].index)->name);
	ret = copy_to_user(user->entries, entries, done * sizeof(*entries)) ? -EFAULT : done;
	kfree(entries);
	return ret;
}

/**
 * msr_set_ioctl() - KVM_SET_MSRS
 * @vcpu: loaded vCPU
 * @user: the caller's list of numbers and values
 *
 * Return: how many were written, up to the first that cannot be; -E2BIG, -EFAULT, -ENOMEM.
 */
long msr_set_ioctl(struct mkvm_vcpu *vcpu, struct kvm_msrs __user *user)
{
	struct kvm_msr_entry *entries;
	u32 n, done;
	int ret;

	ret = read_header(vcpu, true, user, &n, &entries);
	if (ret)
		return ret;
	done = set_vcpu_msrs(vcpu, entries, n);
	if (done < n)
		mkvm_refuse(vcpu->vm, "KVM_SET_MSRS: MSR 0x%x (%s) does not take 0x%llx",
			    entries[done].index, msr_find(entries[done].index)->name,
			    entries[done].data);
	kfree(entries);
	return done;
}
