/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VM as the target of a debugger: target.c.
 */
#ifndef MINIKVM_TOOL_TARGET_H
#define MINIKVM_TOOL_TARGET_H

#include "debug/breakpoints.h"
#include "debug/protocol.h"
#include "machine/machine.h"

/**
 * struct vm_target - what a debugger has done to a VM
 * @m: the machine
 * @breakpoints: what is set in it
 * @action: what each vCPU does since the last resumption
 * @pending: what a vCPU has reported while another's stop was told
 * @has_pending: @pending is valid
 * @block_irq: single steps can keep interrupts away (KVM_GUESTDBG_BLOCKIRQ)
 * @stopped: every vCPU stands still
 */
struct vm_target {
	struct machine *m;
	struct breakpoints breakpoints;
	enum thread_action action[THREADS_MAX];
	struct thread_stop pending[THREADS_MAX];
	bool has_pending[THREADS_MAX];
	bool block_irq;
	bool stopped;
};

extern const struct target_ops vm_target_ops;

void target_init(struct vm_target *t, struct machine *m);
void target_stop(struct vm_target *t);
void target_forget(struct vm_target *t);
bool target_reports(struct vm_target *t, struct thread_stop *stop);

#endif
