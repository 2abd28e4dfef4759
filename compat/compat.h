/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat/compat.h - the one place that knows that kernels differ.
 *
 * 6.1 and 6.12 are supported. compat/probe compiles the snippets of compat/tests/ against the
 * kernel at hand and passes -DHAVE_<NAME> for each that compiles: Debian moves interfaces
 * between point releases, so a version number tells nothing. Nothing else in the module tests
 * for a kernel version.
 */
#ifndef MINIKVM_COMPAT_H
#define MINIKVM_COMPAT_H

#include <linux/version.h>
#include <linux/types.h>

#endif
