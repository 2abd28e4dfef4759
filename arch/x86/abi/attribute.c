// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_HAS_DEVICE_ATTR, KVM_GET_DEVICE_ATTR, KVM_SET_DEVICE_ATTR.
 *
 * KVM's ABI: KVM_CAP_SYS_ATTRIBUTES (on the device node: which XSAVE components guests may have)
 * and KVM_CAP_VCPU_ATTRIBUTES (on a vCPU: the offset of its TSC). Relies on fpu.c and tsc.c.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/uaccess.h>

#include "arch/x86/abi/attribute.h"
#include "arch/x86/cpu/fpu.h"
#include "arch/x86/cpu/tsc.h"

/**
 * attribute_node_ioctl() - attributes of the device node
 * @call: KVM_HAS_DEVICE_ATTR or KVM_GET_DEVICE_ATTR
 *
 * Return: 0; -ENXIO for an attribute that is not there, -EFAULT.
 */
long attribute_node_ioctl(struct mkvm_call *call)
{
	const struct kvm_device_attr *attr = call->data;

	if (attr->group || attr->attr != KVM_X86_XCOMP_GUEST_SUPP) {
		mkvm_refuse(NULL, "%s: group %u of the device node has no attribute %llu",
			    call->name, attr->group, attr->attr);
		return -ENXIO;
	}
	if (call->cmd == KVM_HAS_DEVICE_ATTR)
		return 0;
	return put_user(fpu_supported_xcr0, (u64 __user *)attr->addr) ? -EFAULT : 0;
}

/**
 * attribute_vcpu_ioctl() - attributes of a vCPU
 * @call: KVM_HAS_DEVICE_ATTR, KVM_GET_DEVICE_ATTR or KVM_SET_DEVICE_ATTR; the vCPU is loaded
 *
 * Return: 0; -ENXIO for an attribute that is not there, -EFAULT.
 */
long attribute_vcpu_ioctl(struct mkvm_call *call)
{
	const struct kvm_device_attr *attr = call->data;
	struct mkvm_vcpu *vcpu = call->vcpu;
	u64 offset;

	if (attr->group != KVM_VCPU_TSC_CTRL || attr->attr != KVM_VCPU_TSC_OFFSET) {
		mkvm_refuse(vcpu->vm, "%s: group %u of a vCPU has no attribute %llu", call->name,
			    attr->group, attr->attr);
		return -ENXIO;
	}
	switch (call->cmd) {
	case KVM_GET_DEVICE_ATTR:
		return put_user(vcpu->arch.tsc_offset, (u64 __user *)attr->addr) ? -EFAULT : 0;
	case KVM_SET_DEVICE_ATTR:
		if (get_user(offset, (u64 __user *)attr->addr))
			return -EFAULT;
		tsc_set_offset(vcpu, offset);
		return 0;
	default:
		return 0;
	}
}
