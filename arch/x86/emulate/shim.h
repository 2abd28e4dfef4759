/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * shim.h - the only door between the emulator and its surroundings.
 *
 * In the module it takes types, memcpy() and array_index_nospec() from the kernel; in userspace
 * (unit tests, fuzzer) it defines the same names on top of the C library.  Nothing else in
 * arch/x86/emulate includes a header from outside this directory.
 */
#ifndef MINIKVM_EMULATE_SHIM_H
#define MINIKVM_EMULATE_SHIM_H

#ifdef __KERNEL__

#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/string.h>
#include <linux/types.h>

#else

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Userspace tests do not defend against Spectre v1: an in-range index is returned as it is. */
#define array_index_nospec(index, size) ((index) < (size) ? (index) : 0)

#ifndef fallthrough
#define fallthrough __attribute__((__fallthrough__))
#endif

#endif /* __KERNEL__ */

#endif /* MINIKVM_EMULATE_SHIM_H */
