/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only door between the tables of this directory and their surroundings: in the module types
 * come from the kernel, in the minikvm tool and in unit tests from the C library.
 */
#ifndef MINIKVM_ARCH_X86_VMX_EXPLAIN_SHIM_H
#define MINIKVM_ARCH_X86_VMX_EXPLAIN_SHIM_H

#ifdef __KERNEL__

#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/types.h>

#else

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#ifndef MINIKVM_UNIT_KERNEL_H
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
#endif

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#endif
#ifndef array_index_nospec
#define array_index_nospec(i, n)	(i)
#endif

#endif

#endif
