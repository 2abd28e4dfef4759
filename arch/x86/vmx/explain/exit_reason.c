// SPDX-License-Identifier: GPL-2.0-only
/*
 * The names of exit reasons.
 *
 * SDM, "VMX Basic Exit Reasons". What is done about each stands in exit/table.c. Pure: the minikvm
 * tool has the same table.
 */
#include "arch/x86/vmx/explain/exit_reason.h"

static const char * const names[NR_EXIT_REASONS] = {
	[EXIT_REASON_EXCEPTION_NMI] = "exception or NMI",
	[EXIT_REASON_EXTERNAL_INTERRUPT] = "external interrupt",
	[EXIT_REASON_TRIPLE_FAULT] = "triple fault",
	[EXIT_REASON_INIT_SIGNAL] = "INIT signal",
	[REASON_SIPI] = "start-up IPI (SIPI)",
	[REASON_IO_SMI] = "I/O SMI",
	[REASON_OTHER_SMI] = "other SMI",
	[EXIT_REASON_INTERRUPT_WINDOW] = "interrupt window",
	[EXIT_REASON_NMI_WINDOW] = "NMI window",
	[EXIT_REASON_TASK_SWITCH] = "task switch",
	[EXIT_REASON_CPUID] = "CPUID",
	[REASON_GETSEC] = "GETSEC",
	[EXIT_REASON_HLT] = "HLT",
	[EXIT_REASON_INVD] = "INVD",
	[EXIT_REASON_INVLPG] = "INVLPG",
	[EXIT_REASON_RDPMC] = "RDPMC",
	[EXIT_REASON_RDTSC] = "RDTSC",
	[REASON_RSM] = "RSM",
	[EXIT_REASON_VMCALL] = "VMCALL",
	[EXIT_REASON_VMCLEAR] = "VMCLEAR",
	[EXIT_REASON_VMLAUNCH] = "VMLAUNCH",
	[EXIT_REASON_VMPTRLD] = "VMPTRLD",
	[EXIT_REASON_VMPTRST] = "VMPTRST",
	[EXIT_REASON_VMREAD] = "VMREAD",
	[EXIT_REASON_VMRESUME] = "VMRESUME",
	[EXIT_REASON_VMWRITE] = "VMWRITE",
	[EXIT_REASON_VMOFF] = "VMXOFF",
	[EXIT_REASON_VMON] = "VMXON",
	[EXIT_REASON_CR_ACCESS] = "control-register access",
	[EXIT_REASON_DR_ACCESS] = "MOV DR",
	[EXIT_REASON_IO_INSTRUCTION] = "I/O instruction",
	[EXIT_REASON_MSR_READ] = "RDMSR",
	[EXIT_REASON_MSR_WRITE] = "WRMSR",
	[EXIT_REASON_INVALID_STATE] = "VM-entry failure: invalid guest state",
	[EXIT_REASON_MSR_LOAD_FAIL] = "VM-entry failure: MSR loading",
	[EXIT_REASON_MWAIT_INSTRUCTION] = "MWAIT",
	[EXIT_REASON_MONITOR_TRAP_FLAG] = "monitor trap flag",
	[EXIT_REASON_MONITOR_INSTRUCTION] = "MONITOR",
	[EXIT_REASON_PAUSE_INSTRUCTION] = "PAUSE",
	[EXIT_REASON_MCE_DURING_VMENTRY] = "VM-entry failure: machine-check event",
	[EXIT_REASON_TPR_BELOW_THRESHOLD] = "TPR below threshold",
	[EXIT_REASON_APIC_ACCESS] = "APIC access",
	[EXIT_REASON_EOI_INDUCED] = "virtualized EOI",
	[EXIT_REASON_GDTR_IDTR] = "access to GDTR or IDTR",
	[EXIT_REASON_LDTR_TR] = "access to LDTR or TR",
	[EXIT_REASON_EPT_VIOLATION] = "EPT violation",
	[EXIT_REASON_EPT_MISCONFIG] = "EPT misconfiguration",
	[EXIT_REASON_INVEPT] = "INVEPT",
	[EXIT_REASON_RDTSCP] = "RDTSCP",
	[EXIT_REASON_PREEMPTION_TIMER] = "VMX-preemption timer expired",
	[EXIT_REASON_INVVPID] = "INVVPID",
	[EXIT_REASON_WBINVD] = "WBINVD or WBNOINVD",
	[EXIT_REASON_XSETBV] = "XSETBV",
	[EXIT_REASON_APIC_WRITE] = "APIC write",
	[EXIT_REASON_RDRAND] = "RDRAND",
	[EXIT_REASON_INVPCID] = "INVPCID",
	[EXIT_REASON_VMFUNC] = "VMFUNC",
	[EXIT_REASON_ENCLS] = "ENCLS",
	[EXIT_REASON_RDSEED] = "RDSEED",
	[EXIT_REASON_PML_FULL] = "page-modification log full",
	[EXIT_REASON_XSAVES] = "XSAVES",
	[EXIT_REASON_XRSTORS] = "XRSTORS",
	[REASON_PCONFIG] = "PCONFIG",
	[REASON_SPP] = "sub-page write-permission event",
	[EXIT_REASON_UMWAIT] = "UMWAIT",
	[EXIT_REASON_TPAUSE] = "TPAUSE",
	[REASON_LOADIWKEY] = "LOADIWKEY",
	[REASON_ENCLV] = "ENCLV",
	[REASON_ENQCMD_PASID] = "ENQCMD PASID translation failure",
	[REASON_ENQCMDS_PASID] = "ENQCMDS PASID translation failure",
	[EXIT_REASON_BUS_LOCK] = "bus lock",
	[REASON_INSTRUCTION_TIMEOUT] = "instruction timeout",
	[REASON_SEAMCALL] = "SEAMCALL",
	[REASON_TDCALL] = "TDCALL",
	[REASON_RDMSRLIST] = "RDMSRLIST",
	[REASON_WRMSRLIST] = "WRMSRLIST",
};

/**
 * exit_reason_name() - the SDM's name of a basic exit reason
 * @reason: exit reason; bits above the basic reason are ignored
 *
 * Return: static string.
 */
const char *exit_reason_name(u32 reason)
{
	const char *name = NULL;

	reason &= 0xffff;
	if (reason < NR_EXIT_REASONS)
		name = names[array_index_nospec(reason, NR_EXIT_REASONS)];
	return name ?: "reserved exit reason";
}

/**
 * exit_reason_known() - does the SDM have this basic exit reason?
 * @reason: a basic exit reason
 *
 * Return: false if it is reserved.
 */
bool exit_reason_known(u32 reason)
{
	return reason < NR_EXIT_REASONS && names[array_index_nospec(reason, NR_EXIT_REASONS)];
}
