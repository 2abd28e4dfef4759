/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only door between the emulator and its surroundings.
 *
 * In the module it takes types, memcpy() and array_index_nospec() from the kernel; in userspace
 * (unit tests, fuzzer) it defines the same names on top of the C library. Nothing else in
 * arch/x86/emulate includes a header from outside this directory.
 */
#ifndef MINIKVM_EMULATE_SHIM_H
#define MINIKVM_EMULATE_SHIM_H

#ifdef __KERNEL__

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/string.h>
#include <linux/types.h>

#else

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s8 s8;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define BIT_ULL(n) (1ULL << (n))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Userspace tests do not defend against Spectre v1: an in-range index is returned as it is. */
static inline unsigned long array_index_nospec(unsigned long index, unsigned long size)
{
	return index < size ? index : 0;
}

#ifndef fallthrough
#define fallthrough __attribute__((__fallthrough__))
#endif

#endif /* __KERNEL__ */

#endif /* MINIKVM_EMULATE_SHIM_H */
