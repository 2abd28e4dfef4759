/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only door between the pure files of this directory (memtype, paging,
 * ept_pte.h) and their surroundings.
 *
 * In the module it takes types and bit macros from the kernel; in the unit tests of
 * selftests/unit/mmu it defines the same names on top of the C library.
 */
#ifndef MINIKVM_ARCH_X86_MMU_SHIM_H
#define MINIKVM_ARCH_X86_MMU_SHIM_H

#ifdef __KERNEL__

#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/types.h>

#else

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

typedef __u8 u8;
typedef __u32 u32;
/* Not __u64: that is unsigned long long, which printf() and BIT() do not agree with. */
typedef unsigned long u64;

#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define GENMASK_ULL(h, l)	((~0ULL >> (63 - (h))) & (~0ULL << (l)))
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))

#endif

#endif
