/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Attributes of the device node and of vCPUs: KVM_HAS_DEVICE_ATTR, KVM_GET_DEVICE_ATTR,
 * KVM_SET_DEVICE_ATTR of KVM's ABI. See attribute.c.
 */
#ifndef MINIKVM_ARCH_X86_ATTRIBUTE_H
#define MINIKVM_ARCH_X86_ATTRIBUTE_H

#include "virt/ioctl.h"

long attribute_node_ioctl(struct mkvm_call *call);
long attribute_vcpu_ioctl(struct mkvm_call *call);

#endif
