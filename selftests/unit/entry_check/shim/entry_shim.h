/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the pure files of the VM-entry checks take from the kernel, on top of the C library. The
 * Makefile lets each kernel header that they name lead here; <asm/vmx.h> is the kernel's own.
 */
#ifndef MINIKVM_UNIT_ENTRY_CHECK_SHIM_H
#define MINIKVM_UNIT_ENTRY_CHECK_SHIM_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s64 s64;

#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define GENMASK_ULL(h, l)	((~0ULL >> (63 - (h))) & (~0ULL << (l)))
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define __printf(a, b)		__attribute__((format(printf, a, b)))
#define __aligned(x)		__attribute__((aligned(x)))
#define WARN_ON_ONCE(x)		((void)(x))

static inline unsigned long __ffs64(u64 word)
{
	return __builtin_ctzll(word);
}

#endif
