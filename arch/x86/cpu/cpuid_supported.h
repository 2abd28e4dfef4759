/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What CPUID the module offers on this host.
 */
#ifndef MINIKVM_ARCH_X86_CPUID_SUPPORTED_H
#define MINIKVM_ARCH_X86_CPUID_SUPPORTED_H

#include <linux/kvm.h>
#include <linux/types.h>
#include <asm/cpufeatures.h>

extern u32 supported_caps[NCAPINTS];
extern u32 supported_7_2_edx;

void cpuid_module_init(void);
bool supported_cpuid_has(unsigned int feature);
int cpuid_supported_ioctl(struct kvm_cpuid2 __user *user, bool emulated);

#endif
