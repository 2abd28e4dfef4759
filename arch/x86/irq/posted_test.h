/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For tests: an assigned device and the hardware that posts its interrupts, played.
 */
#ifndef MINIKVM_ARCH_X86_IRQ_POSTED_TEST_H
#define MINIKVM_ARCH_X86_IRQ_POSTED_TEST_H

#include "arch/x86/test_hooks.h"

#ifdef MINIKVM_TESTHOOKS
long posted_test_ioctl(struct mkvm_vm *vm, void __user *user);
long posted_test_device_ioctl(struct mkvm_vm *vm, void __user *user);
#else
static inline long posted_test_ioctl(struct mkvm_vm *vm, void __user *user)
{
	return test_hooks_refuse(vm, "MINIKVM_VM_POST_INTERRUPT");
}

static inline long posted_test_device_ioctl(struct mkvm_vm *vm, void __user *user)
{
	return test_hooks_refuse(vm, "MINIKVM_VM_TEST_DEVICE");
}
#endif

#endif
