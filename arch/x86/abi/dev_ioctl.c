// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of the device descriptor that ask what x86 offers.
 *
 * KVM's ABI: KVM_GET_SUPPORTED_CPUID, KVM_GET_EMULATED_CPUID, KVM_GET_MSR_INDEX_LIST,
 * KVM_GET_MSR_FEATURE_INDEX_LIST, KVM_GET_MSRS on the device, KVM_X86_GET_MCE_CAP_SUPPORTED.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/uaccess.h>

#include "arch/x86/abi/attribute.h"
#include "arch/x86/cpu/cpuid.h"
#include "arch/x86/cpu/mce.h"
#include "arch/x86/cpu/msr_list.h"
#include "virt/arch.h"

/**
 * arch_dev_ioctl() - the ioctls of the device descriptor that virt/ does not know
 * @filp: the descriptor
 * @cmd: ioctl number
 * @arg: its argument
 *
 * Return: the ioctl's result; -ENOIOCTLCMD when nobody knows it.
 */
long arch_dev_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;
	u64 mcg_cap;

	switch (cmd) {
	case KVM_GET_SUPPORTED_CPUID:
	case KVM_GET_EMULATED_CPUID:
		return cpuid_supported_ioctl(user, cmd == KVM_GET_EMULATED_CPUID);
	case KVM_GET_MSR_INDEX_LIST:
	case KVM_GET_MSR_FEATURE_INDEX_LIST:
		return msr_index_list_ioctl(user, cmd == KVM_GET_MSR_FEATURE_INDEX_LIST);
	case KVM_GET_MSRS:
		return msr_get_ioctl(NULL, user);
	case KVM_HAS_DEVICE_ATTR:
	case KVM_GET_DEVICE_ATTR:
		return attribute_dev_ioctl(cmd, user);
	case KVM_X86_GET_MCE_CAP_SUPPORTED:
		mcg_cap = mce_supported_cap();
		return copy_to_user(user, &mcg_cap, sizeof(mcg_cap)) ? -EFAULT : 0;
	}
	return -ENOIOCTLCMD;
}
