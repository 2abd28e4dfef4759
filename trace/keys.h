/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the ways of a vCPU ask before they trace: static keys that several events share.
 *
 * A tracepoint that is off is an instruction that does nothing, but each one on a way costs that
 * one. Where several would follow each other, one key stands for all of them and leads to a
 * function of its own that tells them. Relies on TRACE_EVENT_FN(), whose functions the kernel calls
 * when an event is switched on for its first user and off by its last.
 */
#ifndef MINIKVM_TRACE_KEYS_H
#define MINIKVM_TRACE_KEYS_H

#include <linux/jump_label.h>
#include <linux/tracepoint.h>

DECLARE_STATIC_KEY_FALSE(trace_run_key);
DECLARE_STATIC_KEY_FALSE(trace_msr_key);

int trace_run_on(void);
void trace_run_off(void);
int trace_msr_on(void);
void trace_msr_off(void);

/* Is KVM_RUN watched: one of its events, of kvm_entry and kvm_exit, or the histograms? */
static __always_inline bool trace_run(void)
{
	return static_branch_unlikely(&trace_run_key);
}

/* Is there an event of a RDMSR or WRMSR that is on, the LAPIC's registers included? */
static __always_inline bool trace_msr(void)
{
#ifdef TRACEPOINTS_ENABLED
	return static_branch_unlikely(&trace_msr_key);
#else
	return false;
#endif
}

/*
 * A function that tells an event on a hot way: behind trace_NAME_enabled(), with what it needs as
 * arguments. It saves all registers itself, so that its caller keeps its values where they are and
 * saves none for a call that is hardly ever made. The function tracer saves fewer and stays away.
 */
#define trace_out_of_line noinline notrace __cold __no_caller_saved_registers

#endif
