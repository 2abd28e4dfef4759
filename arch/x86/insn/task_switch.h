/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hardware task switch, which VMX leaves to the hypervisor.
 */
#ifndef MINIKVM_ARCH_X86_TASK_SWITCH_H
#define MINIKVM_ARCH_X86_TASK_SWITCH_H

#include "virt/vcpu.h"

/* SDM, "Exit Qualification for Task Switches": bits 31:30. */
enum task_switch_source {
	TASK_SWITCH_BY_CALL, TASK_SWITCH_BY_IRET, TASK_SWITCH_BY_JMP, TASK_SWITCH_BY_GATE
};

/**
 * struct task_switch - what causes a task switch
 * @source: the instruction, or a task gate in the IDT
 * @selector: of the new TSS
 * @next_rip: where the old task goes on
 * @nmi: the event is an NMI
 * @external: caused by an event that is external to the program: EXT in error codes
 * @has_error_code: the event pushes an error code on the new task's stack
 * @error_code: this one
 */
struct task_switch {
	enum task_switch_source source;
	u16 selector;
	unsigned long next_rip;
	bool nmi, external, has_error_code;
	u32 error_code;
};

int task_switch(struct mkvm_vcpu *vcpu, const struct task_switch *ts);

#endif
