/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every file may use: the kernel's names for a few things that the compiler offers, so that
 * the tool reads like the rest of the project, and units of size.
 */
#ifndef MINIKVM_TOOL_COMPILER_H
#define MINIKVM_TOOL_COMPILER_H

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
/* A file of the module's that is compiled in may have them already. */
#ifndef BIT
#define BIT(n)		(1U << (n))
#endif
#ifndef BIT_ULL
#define BIT_ULL(n)	(1ULL << (n))
#endif

#define KIB		1024ULL
#define MIB		(1024 * KIB)
#define GIB		(1024 * MIB)

#undef __packed
#define __packed	__attribute((packed))
#define __printf(f, a)	__attribute((format(printf, f, a)))

#endif
