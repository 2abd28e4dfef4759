/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tracepoints that KVM does not have: the life of VMs and vCPUs, EPT mappings, posted
 * interrupts, irqfds, and VT-d.
 *
 * They are in the system "minikvm", whether KVM is there or not. Every room may call them;
 * trace/events.c defines them. The chapter is Documentation/tracing.rst.
 */
#if !defined(MINIKVM_TRACE_MINIKVM_EVENTS_H) || defined(TRACE_HEADER_MULTI_READ)
#define MINIKVM_TRACE_MINIKVM_EVENTS_H

#include <linux/tracepoint.h>

#include "trace/keys.h"
#include "trace/names.h"

#undef TRACE_SYSTEM
#define TRACE_SYSTEM minikvm
#undef TRACE_SYSTEM_VAR
#define TRACE_SYSTEM_VAR minikvm

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
TRACE_EVENT_FN(minikvm_vcpu_state,
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
		  __print_symbolic(__entry->why, MKVM_STATE_WHYS)),
	trace_run_on, trace_run_off
);

/*
 * A leaf of the VM's EPT is written.
 * @level 1 is 4 KiB, 2 is 2 MiB, 3 is 1 GiB; @rights are bits 2:0 of it.
 */
TRACE_EVENT(minikvm_ept_map,
	TP_PROTO(unsigned int vm, u64 gfn, int level, unsigned int rights),
	TP_ARGS(vm, gfn, level, rights),
	TP_STRUCT__entry(
		__field(unsigned int, vm)
		__field(u64, gfn)
		__field(int, level)
		__field(unsigned int, rights)
	),
	TP_fast_assign(
		__entry->vm = vm;
		__entry->gfn = gfn;
		__entry->level = level;
		__entry->rights = rights;
	),
	TP_printk("vm %u gfn 0x%llx level %d %s%s%s", __entry->vm, __entry->gfn, __entry->level,
		  __entry->rights & 1 ? "r" : "-", __entry->rights & 2 ? "w" : "-",
		  __entry->rights & 4 ? "x" : "-")
);

/* What the VM's EPT maps of frames [start, end) is taken away; @changed: there was something. */
TRACE_EVENT(minikvm_ept_zap,
	TP_PROTO(unsigned int vm, u64 start, u64 end, bool changed),
	TP_ARGS(vm, start, end, changed),
	TP_STRUCT__entry(
		__field(unsigned int, vm)
		__field(u64, start)
		__field(u64, end)
		__field(bool, changed)
	),
	TP_fast_assign(
		__entry->vm = vm;
		__entry->start = start;
		__entry->end = end;
		__entry->changed = changed;
	),
	TP_printk("vm %u gfn 0x%llx to 0x%llx%s", __entry->vm, __entry->start, __entry->end,
		  __entry->changed ? "" : ", nothing was mapped")
);

/* An irqfd was signalled. */
TRACE_EVENT(minikvm_irqfd,
	TP_PROTO(unsigned int vm, unsigned int gsi),
	TP_ARGS(vm, gsi),
	TP_STRUCT__entry(
		__field(unsigned int, vm)
		__field(unsigned int, gsi)
	),
	TP_fast_assign(
		__entry->vm = vm;
		__entry->gsi = gsi;
	),
	TP_printk("vm %u gsi %u", __entry->vm, __entry->gsi)
);

/* How a vCPU takes posted interrupts now. */
TRACE_EVENT(minikvm_posted,
	TP_PROTO(unsigned int vm, unsigned int vcpu_id, unsigned int state, int cpu),
	TP_ARGS(vm, vcpu_id, state, cpu),
	TP_STRUCT__entry(
		__field(unsigned int, vm)
		__field(unsigned int, vcpu_id)
		__field(unsigned int, state)
		__field(int, cpu)
	),
	TP_fast_assign(
		__entry->vm = vm;
		__entry->vcpu_id = vcpu_id;
		__entry->state = state;
		__entry->cpu = cpu;
	),
	TP_printk("vm %u vcpu %u: %s, CPU %d", __entry->vm, __entry->vcpu_id,
		  __print_symbolic(__entry->state, MKVM_POSTED_STATES), __entry->cpu)
);

/* Pages of a domain are mapped: @size bytes were, then @error. */
TRACE_EVENT(minikvm_iommu_map,
	TP_PROTO(unsigned int domain, u64 iova, u64 phys, u64 page_size, u64 size,
		 unsigned int rights, int error),
	TP_ARGS(domain, iova, phys, page_size, size, rights, error),
	TP_STRUCT__entry(
		__field(unsigned int, domain)
		__field(u64, iova)
		__field(u64, phys)
		__field(u64, page_size)
		__field(u64, size)
		__field(unsigned int, rights)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->domain = domain;
		__entry->iova = iova;
		__entry->phys = phys;
		__entry->page_size = page_size;
		__entry->size = size;
		__entry->rights = rights;
		__entry->error = error;
	),
	TP_printk("domain %u iova 0x%llx phys 0x%llx size 0x%llx by 0x%llx %s%s error %d",
		  __entry->domain, __entry->iova, __entry->phys, __entry->size, __entry->page_size,
		  __entry->rights & 1 ? "r" : "-", __entry->rights & 2 ? "w" : "-",
		  __entry->error)
);

/* Pages of a domain are unmapped: so many bytes were mapped. */
TRACE_EVENT(minikvm_iommu_unmap,
	TP_PROTO(unsigned int domain, u64 iova, u64 size),
	TP_ARGS(domain, iova, size),
	TP_STRUCT__entry(
		__field(unsigned int, domain)
		__field(u64, iova)
		__field(u64, size)
	),
	TP_fast_assign(
		__entry->domain = domain;
		__entry->iova = iova;
		__entry->size = size;
	),
	TP_printk("domain %u iova 0x%llx size 0x%llx", __entry->domain, __entry->iova,
		  __entry->size)
);

/* A unit was told to forget what it knows of a domain's addresses. */
TRACE_EVENT(minikvm_iommu_flush,
	TP_PROTO(unsigned int unit, unsigned int domain, u64 first, u64 last, int error),
	TP_ARGS(unit, domain, first, last, error),
	TP_STRUCT__entry(
		__field(unsigned int, unit)
		__field(unsigned int, domain)
		__field(u64, first)
		__field(u64, last)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->unit = unit;
		__entry->domain = domain;
		__entry->first = first;
		__entry->last = last;
		__entry->error = error;
	),
	TP_printk("unit %u domain %u 0x%llx to 0x%llx error %d", __entry->unit, __entry->domain,
		  __entry->first, __entry->last, __entry->error)
);

/* A unit blocked a request. @source is bus, device, function, @reason the specification's. */
TRACE_EVENT(minikvm_iommu_fault,
	TP_PROTO(unsigned int unit, unsigned int source, unsigned int reason, u64 address,
		 bool read),
	TP_ARGS(unit, source, reason, address, read),
	TP_STRUCT__entry(
		__field(unsigned int, unit)
		__field(unsigned int, source)
		__field(unsigned int, reason)
		__field(u64, address)
		__field(bool, read)
	),
	TP_fast_assign(
		__entry->unit = unit;
		__entry->source = source;
		__entry->reason = reason;
		__entry->address = address;
		__entry->read = read;
	),
	TP_printk("unit %u %02x:%02x.%x %s 0x%llx reason 0x%x", __entry->unit, __entry->source >> 8,
		  __entry->source >> 3 & 0x1f, __entry->source & 7,
		  __entry->read ? "read" : "write", __entry->address, __entry->reason)
);

/* An entry of a unit's interrupt-remapping table is written; @posted: its format. */
TRACE_EVENT(minikvm_iommu_irte,
	TP_PROTO(unsigned int unit, unsigned int index, u64 lo, u64 hi, bool posted),
	TP_ARGS(unit, index, lo, hi, posted),
	TP_STRUCT__entry(
		__field(unsigned int, unit)
		__field(unsigned int, index)
		__field(u64, lo)
		__field(u64, hi)
		__field(bool, posted)
	),
	TP_fast_assign(
		__entry->unit = unit;
		__entry->index = index;
		__entry->lo = lo;
		__entry->hi = hi;
		__entry->posted = posted;
	),
	TP_printk("unit %u index %u %s 0x%016llx%016llx", __entry->unit, __entry->index,
		  __entry->posted ? "posted" : "remapped", __entry->hi, __entry->lo)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH trace
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE minikvm_events

/* Outside of the guard. */
#include <trace/define_trace.h>
