/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tracepoints that KVM does not have: the life of VMs and vCPUs.
 *
 * They are in the system "minikvm", whether KVM is there or not. Every room may call them;
 * trace/events.c defines them. The chapter is Documentation/tracing.rst.
 */
#if !defined(MINIKVM_TRACE_MINIKVM_EVENTS_H) || defined(TRACE_HEADER_MULTI_READ)
#define MINIKVM_TRACE_MINIKVM_EVENTS_H

#include <linux/tracepoint.h>

#undef TRACE_SYSTEM
#define TRACE_SYSTEM minikvm
#undef TRACE_SYSTEM_VAR
#define TRACE_SYSTEM_VAR minikvm

/* States of a VM or a vCPU, and what one waits for that is pending. */
#define MKVM_STATE_NAMES							\
	{ 0, "init" }, { 1, "ready" }, { 2, "running" }, { 3, "pending" },	\
	{ 4, "zombie" }, { 5, "dead" }
#define MKVM_STATE_WHYS								\
	{ 0, "" }, { 1, " (halt)" }, { 2, " (fault)" }, { 3, " (userspace)" },	\
	{ 4, " (request)" }

/* A VM is in another state now. @vm is its number, @owner the process that created it. */
TRACE_EVENT(minikvm_vm_state,
	TP_PROTO(unsigned int vm, int owner, unsigned int from, unsigned int to),
	TP_ARGS(vm, owner, from, to),
	TP_STRUCT__entry(
		__field(unsigned int, vm)
		__field(int, owner)
		__field(unsigned int, from)
		__field(unsigned int, to)
	),
	TP_fast_assign(
		__entry->vm = vm;
		__entry->owner = owner;
		__entry->from = from;
		__entry->to = to;
	),
	TP_printk("vm %u of %d: %s -> %s", __entry->vm, __entry->owner,
		  __print_symbolic(__entry->from, MKVM_STATE_NAMES),
		  __print_symbolic(__entry->to, MKVM_STATE_NAMES))
);

/* A vCPU is in another state now. */
TRACE_EVENT(minikvm_vcpu_state,
	TP_PROTO(unsigned int vm, unsigned int vcpu_id, unsigned int from, unsigned int to,
		 unsigned int why),
	TP_ARGS(vm, vcpu_id, from, to, why),
	TP_STRUCT__entry(
		__field(unsigned int, vm)
		__field(unsigned int, vcpu_id)
		__field(unsigned int, from)
		__field(unsigned int, to)
		__field(unsigned int, why)
	),
	TP_fast_assign(
		__entry->vm = vm;
		__entry->vcpu_id = vcpu_id;
		__entry->from = from;
		__entry->to = to;
		__entry->why = why;
	),
	TP_printk("vm %u vcpu %u: %s -> %s%s", __entry->vm, __entry->vcpu_id,
		  __print_symbolic(__entry->from, MKVM_STATE_NAMES),
		  __print_symbolic(__entry->to, MKVM_STATE_NAMES),
		  __print_symbolic(__entry->why, MKVM_STATE_WHYS))
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH trace
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE minikvm_events

/* Outside of the guard. */
#include <trace/define_trace.h>
