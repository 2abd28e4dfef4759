// SPDX-License-Identifier: GPL-2.0-only
/*
 * Newer kernels export what a VMX module needs to KVM's own modules only. When this compiles,
 * the build is refused with a sentence that says so.
 */
#include <linux/kvm_types.h>

#ifndef EXPORT_SYMBOL_FOR_KVM
#error "not fenced"
#endif
