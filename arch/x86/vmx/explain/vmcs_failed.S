/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The call that a failed VMREAD or VMWRITE makes.
 *
 * SDM, "VMREAD", "VMWRITE". The accessors of vmcs.h are inlined everywhere, so what stands beside
 * each for the case that it fails is one call, which costs the compiler no register.
 */
#include <linux/linkage.h>
#include <asm/nospec-branch.h>

	.text

/**
 * vmcs_failed_thunk() - call vmcs_access_failed() and preserve all registers
 * @what: %rax
 *
 * For vmcs_failed(), whose caller has values in the registers that a function of C may change.
 */
SYM_FUNC_START(vmcs_failed_thunk)
	push	%rbp
	mov	%rsp, %rbp
	push	%rax
	push	%rcx
	push	%rdx
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	mov	%rax, %rdi
	call	vmcs_access_failed
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rdi
	pop	%rsi
	pop	%rdx
	pop	%rcx
	pop	%rax
	pop	%rbp
	RET
SYM_FUNC_END(vmcs_failed_thunk)
