// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module's tracepoints, and the system that each is in.
 *
 * The events that KVM has are in the system "kvm", so that the tools for KVM find them; while kvm
 * itself is loaded its own are there, and these are in "minikvm" beside those that only minikvm
 * has. The kernel registers a module's events before it calls any of the module's functions but
 * one: an event's raw_init(). So the system is chosen there. Relies on TRACE_EVENT() and on
 * EXPORT_TRACEPOINT_SYMBOL_GPL() of KVM's own kvm_exit.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/module.h>
#include <linux/printk.h>
#include <linux/trace_events.h>

#include "trace/events.h"
#include "trace/keys.h"

#ifdef TRACEPOINTS_ENABLED	/* by <linux/tracepoint.h> */
static int choose_system(struct trace_event_call *call);

/* The macros below name the kernel's function; choose_system() ends by calling it. */
#define trace_event_raw_init choose_system
#endif
#define CREATE_TRACE_POINTS
#include "trace/kvm_events.h"
#include "trace/kvm_x86_events.h"
#include "trace/minikvm_events.h"
#undef trace_event_raw_init

/* Counts: of events that are on, and of the histograms' switch. */
DEFINE_STATIC_KEY_FALSE(trace_run_key);
DEFINE_STATIC_KEY_FALSE(trace_msr_key);

#define KVM_SYSTEM	"kvm"
#define OWN_SYSTEM	"minikvm"

/* NULL until the first event is registered. */
static const char *system_of_kvm_events;

#ifdef TRACEPOINTS_ENABLED
/* Is the module kvm loaded, or part of the kernel? Its tracepoint is exported, ours is not. */
static bool kvm_is_there(void)
{
	if (!__symbol_get("__tracepoint_kvm_exit"))
		return false;
	__symbol_put("__tracepoint_kvm_exit");
	return true;
}

/* The kernel holds its event_mutex; the event is in no list yet. */
static int choose_system(struct trace_event_call *call)
{
	if (!system_of_kvm_events)
		system_of_kvm_events = kvm_is_there() ? OWN_SYSTEM : KVM_SYSTEM;
	if (!strcmp(call->class->system, KVM_SYSTEM))
		call->class->system = system_of_kvm_events;
	return trace_event_raw_init(call);
}
#endif

/**
 * trace_run_on() - KVM_RUN is watched by one more
 *
 * Context: process; the kernel holds its lock of tracepoints where an event is switched on.
 * Return: 0.
 */
int trace_run_on(void)
{
	static_branch_inc(&trace_run_key);
	return 0;
}

/**
 * trace_run_off() - undo trace_run_on()
 */
void trace_run_off(void)
{
	static_branch_dec(&trace_run_key);
}

/**
 * trace_msr_on() - RDMSR and WRMSR are watched by one more event
 *
 * Context: as trace_run_on().
 * Return: 0.
 */
int trace_msr_on(void)
{
	static_branch_inc(&trace_msr_key);
	return 0;
}

/**
 * trace_msr_off() - undo trace_msr_on()
 */
void trace_msr_off(void)
{
	static_branch_dec(&trace_msr_key);
}

/**
 * trace_say_where() - tell the log in which system the events are
 *
 * Without tracing in the kernel, or in a module that the kernel does not trust with it, nothing.
 */
void trace_say_where(void)
{
	if (system_of_kvm_events)
		pr_info("tracepoints: KVM's in the system \"%s\", others in \"" OWN_SYSTEM "\"\n",
			system_of_kvm_events);
}
