/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Basic exit reasons and their names: SDM, "VMX Basic Exit Reasons".
 */
#ifndef MINIKVM_ARCH_X86_VMX_EXPLAIN_EXIT_REASON_H
#define MINIKVM_ARCH_X86_VMX_EXPLAIN_EXIT_REASON_H

#include <asm/vmx.h>

#include "arch/x86/vmx/explain/shim.h"

/* Those that older <asm/vmx.h> does not name. */
#define REASON_SIPI			4
#define REASON_IO_SMI			5
#define REASON_OTHER_SMI		6
#define REASON_GETSEC			11
#define REASON_RSM			17
#define REASON_PCONFIG			65
#define REASON_SPP			66
#define REASON_LOADIWKEY		69
#define REASON_ENCLV			70
#define REASON_ENQCMD_PASID		72
#define REASON_ENQCMDS_PASID		73
#define REASON_INSTRUCTION_TIMEOUT	75
#define REASON_SEAMCALL			76
#define REASON_TDCALL			77
#define REASON_RDMSRLIST		78
#define REASON_WRMSRLIST		79

/* Basic exit reasons that the SDM has: 0 to NR_EXIT_REASONS - 1. */
#define NR_EXIT_REASONS		80

const char *exit_reason_name(u32 reason);
bool exit_reason_known(u32 reason);

/* exit_sentence.c, which the tool has, and the module not; NULL: reserved. */
extern const char * const exit_sentences[NR_EXIT_REASONS];

#endif
