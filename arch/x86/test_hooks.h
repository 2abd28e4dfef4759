/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Is the code in this module that only tests reach?
 *
 * It is compiled with TESTHOOKS=1 alone: the Makefile sets that for the lab's kernels. Without it
 * the ioctls behind it are refused, and what it adds to other files is compiled away.
 */
#ifndef MINIKVM_ARCH_X86_TEST_HOOKS_H
#define MINIKVM_ARCH_X86_TEST_HOOKS_H

#include "virt/vm.h"

#ifdef MINIKVM_TESTHOOKS
#define TEST_HOOKS	1
#else
#define TEST_HOOKS	0
#endif

/* The answer of an ioctl, @what, whose code is not there. */
static inline long test_hooks_refuse(struct mkvm_vm *vm, const char *what)
{
	mkvm_refuse(vm, "%s: this module was built without TESTHOOKS=1", what);
	return -EPERM;
}

#endif
