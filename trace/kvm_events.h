/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tracepoints that KVM has on every architecture, with KVM's names, fields and sentences.
 *
 * KVM's ABI of tracing: what perf kvm, trace-cmd and BPF programs for KVM read. Fields stand in
 * KVM's order; what minikvm adds stands behind them. What x86 adds is in kvm_x86_events.h. Every
 * room may call these functions; trace/events.c defines them and says in which system they are.
 */
#if !defined(MINIKVM_TRACE_KVM_EVENTS_H) || defined(TRACE_HEADER_MULTI_READ)
#define MINIKVM_TRACE_KVM_EVENTS_H

#include <linux/tracepoint.h>

#include "trace/keys.h"
#include "trace/names.h"

#undef TRACE_SYSTEM
#define TRACE_SYSTEM kvm
#undef TRACE_SYSTEM_VAR
#define TRACE_SYSTEM_VAR kvm

/* KVM_RUN returns: with an exit, or with an errno. */
TRACE_EVENT_FN(kvm_userspace_exit,
	TP_PROTO(__u32 reason, int errno),
	TP_ARGS(reason, errno),
	TP_STRUCT__entry(
		__field(__u32, reason)
		__field(int, errno)
	),
	TP_fast_assign(
		__entry->reason = reason;
		__entry->errno = errno;
	),
	TP_printk("reason %s (%d)",
		  __entry->errno < 0 ? (__entry->errno == -EINTR ? "restart" : "error") :
		  __print_symbolic(__entry->reason, MKVM_USER_EXITS),
		  __entry->errno < 0 ? -__entry->errno : __entry->reason),
	trace_run_on, trace_run_off
);

/* A halt is over: how long it was, whether the thread slept, whether an event ended it. */
TRACE_EVENT(kvm_vcpu_wakeup,
	TP_PROTO(__u64 ns, bool waited, bool valid),
	TP_ARGS(ns, waited, valid),
	TP_STRUCT__entry(
		__field(__u64, ns)
		__field(bool, waited)
		__field(bool, valid)
	),
	TP_fast_assign(
		__entry->ns = ns;
		__entry->waited = waited;
		__entry->valid = valid;
	),
	TP_printk("%s time %lld ns, polling %s", __entry->waited ? "wait" : "poll", __entry->ns,
		  __entry->valid ? "valid" : "invalid")
);

/* The time that a vCPU's halts may poll changed. */
TRACE_EVENT(kvm_halt_poll_ns,
	TP_PROTO(bool grow, unsigned int vcpu_id, unsigned int new, unsigned int old),
	TP_ARGS(grow, vcpu_id, new, old),
	TP_STRUCT__entry(
		__field(bool, grow)
		__field(unsigned int, vcpu_id)
		__field(unsigned int, new)
		__field(unsigned int, old)
	),
	TP_fast_assign(
		__entry->grow = grow;
		__entry->vcpu_id = vcpu_id;
		__entry->new = new;
		__entry->old = old;
	),
	TP_printk("vcpu %u: halt_poll_ns %u (%s %u)", __entry->vcpu_id, __entry->new,
		  __entry->grow ? "grow" : "shrink", __entry->old)
);

/* A GSI is driven, before its routes are looked up. */
TRACE_EVENT(kvm_set_irq,
	TP_PROTO(unsigned int gsi, int level, int irq_source_id),
	TP_ARGS(gsi, level, irq_source_id),
	TP_STRUCT__entry(
		__field(unsigned int, gsi)
		__field(int, level)
		__field(int, irq_source_id)
	),
	TP_fast_assign(
		__entry->gsi = gsi;
		__entry->level = level;
		__entry->irq_source_id = irq_source_id;
	),
	TP_printk("gsi %u level %d source %d", __entry->gsi, __entry->level,
		  __entry->irq_source_id)
);

/* A pin of the IOAPIC is up; @e is its redirection entry. */
TRACE_EVENT(kvm_ioapic_set_irq,
	TP_PROTO(__u64 e, int pin, bool coalesced),
	TP_ARGS(e, pin, coalesced),
	TP_STRUCT__entry(
		__field(__u64, e)
		__field(int, pin)
		__field(bool, coalesced)
	),
	TP_fast_assign(
		__entry->e = e;
		__entry->pin = pin;
		__entry->coalesced = coalesced;
	),
	TP_printk("pin %u dst %x vec %u (%s|%s|%s%s)%s",
		  __entry->pin, (u8)(__entry->e >> 56), (u8)__entry->e,
		  __print_symbolic((__entry->e >> 8 & 0x7), MKVM_DELIVERY_MODES),
		  (__entry->e & (1 << 11)) ? "logical" : "physical",
		  (__entry->e & (1 << 15)) ? "level" : "edge",
		  (__entry->e & (1 << 16)) ? "|masked" : "",
		  __entry->coalesced ? " (coalesced)" : "")
);

/* A message of a device's. */
TRACE_EVENT(kvm_msi_set_irq,
	TP_PROTO(__u64 address, __u64 data),
	TP_ARGS(address, data),
	TP_STRUCT__entry(
		__field(__u64, address)
		__field(__u64, data)
	),
	TP_fast_assign(
		__entry->address = address;
		__entry->data = data;
	),
	TP_printk("dst %llx vec %u (%s|%s|%s%s)",
		  (u8)(__entry->address >> 12) | ((__entry->address >> 32) & 0xffffff00),
		  (u8)__entry->data,
		  __print_symbolic((__entry->data >> 8 & 0x7), MKVM_DELIVERY_MODES),
		  (__entry->address & (1 << 2)) ? "logical" : "physical",
		  (__entry->data & (1 << 15)) ? "level" : "edge",
		  (__entry->address & (1 << 3)) ? "|rh" : "")
);

/* The guest ended the interrupt of a pin. */
TRACE_EVENT(kvm_ack_irq,
	TP_PROTO(unsigned int irqchip, unsigned int pin),
	TP_ARGS(irqchip, pin),
	TP_STRUCT__entry(
		__field(unsigned int, irqchip)
		__field(unsigned int, pin)
	),
	TP_fast_assign(
		__entry->irqchip = irqchip;
		__entry->pin = pin;
	),
	TP_printk("irqchip %s pin %u", __print_symbolic(__entry->irqchip, MKVM_IRQCHIPS),
		  __entry->pin)
);

/* An access to a device that is in memory. @val is NULL while it is not known. */
TRACE_EVENT(kvm_mmio,
	TP_PROTO(int type, int len, u64 gpa, const void *val),
	TP_ARGS(type, len, gpa, val),
	TP_STRUCT__entry(
		__field(u32, type)
		__field(u32, len)
		__field(u64, gpa)
		__field(u64, val)
	),
	TP_fast_assign(
		__entry->type = type;
		__entry->len = len;
		__entry->gpa = gpa;
		__entry->val = 0;
		if (val)
			memcpy(&__entry->val, val, min_t(u32, sizeof(__entry->val), len));
	),
	TP_printk("mmio %s len %u gpa 0x%llx val 0x%llx",
		  __print_symbolic(__entry->type, MKVM_MMIO_TYPES), __entry->len, __entry->gpa,
		  __entry->val)
);

/* The guest's FPU registers are loaded, or put back into memory. */
TRACE_EVENT_FN(kvm_fpu,
	TP_PROTO(int load),
	TP_ARGS(load),
	TP_STRUCT__entry(
		__field(u32, load)
	),
	TP_fast_assign(
		__entry->load = load;
	),
	TP_printk("%s", __print_symbolic(__entry->load, { 0, "unload" }, { 1, "load" })),
	trace_run_on, trace_run_off
);

/* The host's memory management says something of the owner's memory [start, end). */
DECLARE_EVENT_CLASS(kvm_hva_range,
	TP_PROTO(unsigned long start, unsigned long end),
	TP_ARGS(start, end),
	TP_STRUCT__entry(
		__field(unsigned long, start)
		__field(unsigned long, end)
	),
	TP_fast_assign(
		__entry->start = start;
		__entry->end = end;
	),
	TP_printk("mmu notifier unmap range: %#016lx -- %#016lx", __entry->start, __entry->end)
);

/* It goes away. */
DEFINE_EVENT(kvm_hva_range, kvm_unmap_hva_range,
	TP_PROTO(unsigned long start, unsigned long end),
	TP_ARGS(start, end));

/* Which of its pages were used? That is forgotten. */
DEFINE_EVENT_PRINT(kvm_hva_range, kvm_age_hva,
	TP_PROTO(unsigned long start, unsigned long end),
	TP_ARGS(start, end),
	TP_printk("mmu notifier age hva: %#016lx -- %#016lx", __entry->start, __entry->end));

/* The host asks whether a page was used. */
TRACE_EVENT(kvm_test_age_hva,
	TP_PROTO(unsigned long hva),
	TP_ARGS(hva),
	TP_STRUCT__entry(
		__field(unsigned long, hva)
	),
	TP_fast_assign(
		__entry->hva = hva;
	),
	TP_printk("mmu notifier test age hva: %#016lx", __entry->hva)
);

/* Asynchronous page faults. @gva is the guest-physical address, as in KVM with EPT. */
DECLARE_EVENT_CLASS(kvm_async_get_page_class,
	TP_PROTO(u64 gva, u64 gfn),
	TP_ARGS(gva, gfn),
	TP_STRUCT__entry(
		__field(__u64, gva)
		__field(u64, gfn)
	),
	TP_fast_assign(
		__entry->gva = gva;
		__entry->gfn = gfn;
	),
	TP_printk("gva = %#llx, gfn = %#llx", __entry->gva, __entry->gfn)
);

/* A page is to be read in while the guest does something else. */
DEFINE_EVENT(kvm_async_get_page_class, kvm_try_async_get_page,
	TP_PROTO(u64 gva, u64 gfn),
	TP_ARGS(gva, gfn)
);

DECLARE_EVENT_CLASS(kvm_async_pf_nopresent_ready,
	TP_PROTO(u64 token, u64 gva),
	TP_ARGS(token, gva),
	TP_STRUCT__entry(
		__field(__u64, token)
		__field(__u64, gva)
	),
	TP_fast_assign(
		__entry->token = token;
		__entry->gva = gva;
	),
	TP_printk("token %#llx gva %#llx", __entry->token, __entry->gva)
);

/* The guest is told that a page is not there, */
DEFINE_EVENT(kvm_async_pf_nopresent_ready, kvm_async_pf_not_present,
	TP_PROTO(u64 token, u64 gva),
	TP_ARGS(token, gva)
);

/* and that it is there. */
DEFINE_EVENT(kvm_async_pf_nopresent_ready, kvm_async_pf_ready,
	TP_PROTO(u64 token, u64 gva),
	TP_ARGS(token, gva)
);

/* The page has been read in. */
TRACE_EVENT(kvm_async_pf_completed,
	TP_PROTO(unsigned long address, u64 gva),
	TP_ARGS(address, gva),
	TP_STRUCT__entry(
		__field(unsigned long, address)
		__field(u64, gva)
	),
	TP_fast_assign(
		__entry->address = address;
		__entry->gva = gva;
	),
	TP_printk("gva %#llx address %#lx", __entry->gva, __entry->address)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH trace
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE kvm_events

/* Outside of the guard. */
#include <trace/define_trace.h>
