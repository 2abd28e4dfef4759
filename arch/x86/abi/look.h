/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Looking into a VM from outside: MINIKVM_GET_VMCS, and files in debugfs.
 */
#ifndef MINIKVM_ARCH_X86_ABI_LOOK_H
#define MINIKVM_ARCH_X86_ABI_LOOK_H

#include "virt/ioctl.h"

long look_vmcs_ioctl(struct mkvm_call *call);
bool look_sees_host(void);

#endif
