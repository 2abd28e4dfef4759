// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of the device node that ask what x86 offers.
 *
 * KVM's ABI: KVM_GET_SUPPORTED_CPUID, KVM_GET_EMULATED_CPUID, KVM_GET_MSR_INDEX_LIST,
 * KVM_GET_MSR_FEATURE_INDEX_LIST, KVM_GET_MSRS on the device, KVM_X86_GET_MCE_CAP_SUPPORTED.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include "arch/x86/abi/attribute.h"
#include "arch/x86/cpu/cpuid.h"
#include "arch/x86/cpu/mce.h"
#include "arch/x86/cpu/msr_list.h"
#include "virt/arch.h"

static long get_cpuid(struct mkvm_call *call)
{
	return cpuid_supported_ioctl(mkvm_call_user(call), call->cmd == KVM_GET_EMULATED_CPUID);
}

static long get_msr_index_list(struct mkvm_call *call)
{
	return msr_index_list_ioctl(mkvm_call_user(call),
				    call->cmd == KVM_GET_MSR_FEATURE_INDEX_LIST);
}

static long get_msrs(struct mkvm_call *call)
{
	return msr_get_ioctl(NULL, mkvm_call_user(call));
}

static long get_mce_cap_supported(struct mkvm_call *call)
{
	*(u64 *)call->data = mce_supported_cap();
	return 0;
}

const struct mkvm_ioctl arch_node_ioctls[] = {
	MKVM_IOCTL(KVM_GET_SUPPORTED_CPUID, get_cpuid),
	MKVM_IOCTL(KVM_GET_EMULATED_CPUID, get_cpuid),
	MKVM_IOCTL(KVM_GET_MSR_INDEX_LIST, get_msr_index_list),
	MKVM_IOCTL(KVM_GET_MSR_FEATURE_INDEX_LIST, get_msr_index_list),
	MKVM_IOCTL(KVM_GET_MSRS, get_msrs),
	MKVM_IOCTL_COPY(KVM_HAS_DEVICE_ATTR, attribute_node_ioctl),
	MKVM_IOCTL_COPY(KVM_GET_DEVICE_ATTR, attribute_node_ioctl),
	MKVM_IOCTL_COPY(KVM_X86_GET_MCE_CAP_SUPPORTED, get_mce_cap_supported),
	{ }
};
