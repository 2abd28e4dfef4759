// SPDX-License-Identifier: GPL-2.0-only
/*
 * The exit of a task switch: who causes it, what was being delivered.
 *
 * SDM, "Exit Qualification for Task Switches", "Information for VM Exits That Occur During Event
 * Delivery". The switch itself is in arch/x86/insn/task_switch.c.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include "arch/x86/event/inject.h"
#include "arch/x86/insn/task_switch.h"
#include "arch/x86/vmx/vmx_vcpu.h"

#define QUAL_SELECTOR(q)	((u16)(q))
#define QUAL_SOURCE(q)		(((q) >> 30) & 3)

/* An event reached a task gate in the IDT: what is it, and does it come from an instruction? */
static void read_event(struct task_switch *ts, bool *instruction)
{
	u32 info = vmcs_read32(IDT_VECTORING_INFO_FIELD);

	if (!(info & INTR_INFO_VALID_MASK))
		return;
	switch (info & INTR_INFO_INTR_TYPE_MASK) {
	case INTR_TYPE_SOFT_INTR:
	case INTR_TYPE_SOFT_EXCEPTION:
	case INTR_TYPE_PRIV_SW_EXCEPTION:
		*instruction = true;
		break;
	case INTR_TYPE_NMI_INTR:
		ts->nmi = true;
		fallthrough;
	default:
		ts->external = true;
	}
	ts->has_error_code = info & INTR_INFO_DELIVER_CODE_MASK;
	if (ts->has_error_code)
		ts->error_code = vmcs_read32(IDT_VECTORING_ERROR_CODE);
}

/**
 * vmx_exit_task_switch() - CALL, JMP or IRET to another task, or a task gate in the IDT
 * @vcpu: loaded vCPU, vm->srcu read-held
 *
 * Return: as task_switch().
 */
int vmx_exit_task_switch(struct mkvm_vcpu *vcpu)
{
	unsigned long qualification = vmcs_read64(EXIT_QUALIFICATION);
	struct task_switch ts = {
		.source = QUAL_SOURCE(qualification),
		.selector = QUAL_SELECTOR(qualification),
		.next_rip = rip_read(vcpu),
	};
	bool instruction = ts.source != TASK_SWITCH_BY_GATE;

	/* SDM, "Treatment of Task Switches": outside protected mode they fault, and do not exit. */
	if (is_long_mode(vcpu) || !is_protmode(vcpu))
		return vmx_exit_unexpected(vcpu, "task switch outside protected mode");
	if (ts.source == TASK_SWITCH_BY_GATE)
		read_event(&ts, &instruction);
	if (instruction)
		ts.next_rip = (u32)(ts.next_rip + vmcs_read32(VM_EXIT_INSTRUCTION_LEN));
	return task_switch(vcpu, &ts);
}
