/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VM-instruction error numbers in words.
 */
#ifndef MINIKVM_ARCH_X86_VMX_EXPLAIN_VMX_ERROR_H
#define MINIKVM_ARCH_X86_VMX_EXPLAIN_VMX_ERROR_H

#include "arch/x86/vmx/explain/shim.h"

/* The numbers that the SDM has are below. */
#define NR_VMX_ERRORS	29

/**
 * struct vmx_error - one VM-instruction error
 * @name: the SDM's words
 * @sentence: when it comes
 */
struct vmx_error {
	const char *name;
	const char *sentence;
};

extern const struct vmx_error vmx_errors[NR_VMX_ERRORS];

const char *vmx_error_name(u32 error);

#endif
