/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tracepoints that KVM has on x86, with KVM's names, fields and sentences.
 *
 * As kvm_events.h, whose rules hold here. kvm_entry and kvm_exit have the fields of the newest
 * kernels; fields that only minikvm has stand last.
 */
#if !defined(MINIKVM_TRACE_KVM_X86_EVENTS_H) || defined(TRACE_HEADER_MULTI_READ)
#define MINIKVM_TRACE_KVM_X86_EVENTS_H

#include <linux/tracepoint.h>
#include <asm/pvclock-abi.h>

#include "trace/keys.h"
#include "trace/names.h"

#undef TRACE_SYSTEM
#define TRACE_SYSTEM kvm
/* For the names of what the macros define: kvm_events.h has the same system. */
#undef TRACE_SYSTEM_VAR
#define TRACE_SYSTEM_VAR kvm_x86

struct mkvm_vcpu;

/* VM entry. The first two arguments are KVM's. */
TRACE_EVENT_FN(kvm_entry,
	TP_PROTO(struct mkvm_vcpu *vcpu, bool force_immediate_exit,
		 const struct mkvm_trace_entry *info),
	TP_ARGS(vcpu, force_immediate_exit, info),
	TP_STRUCT__entry(
		__field(unsigned int, vcpu_id)
		__field(unsigned long, rip)
		__field(bool, immediate_exit)
		__field(u32, intr_info)
		__field(u32, error_code)
		__field(u64, ticks)
	),
	TP_fast_assign(
		__entry->vcpu_id = info->vcpu_id;
		__entry->rip = info->rip;
		__entry->immediate_exit = force_immediate_exit;
		__entry->intr_info = info->intr_info;
		__entry->error_code = info->error_code;
		__entry->ticks = info->ticks;
	),
	TP_printk("vcpu %u, rip 0x%lx intr_info 0x%08x error_code 0x%08x%s ticks %llu",
		  __entry->vcpu_id, __entry->rip, __entry->intr_info, __entry->error_code,
		  __entry->immediate_exit ? "[immediate exit]" : "", __entry->ticks),
	trace_run_on, trace_run_off
);

/* VM exit. The first three arguments are KVM's. */
TRACE_EVENT_FN(kvm_exit,
	TP_PROTO(unsigned int exit_reason, struct mkvm_vcpu *vcpu, u32 isa,
		 const struct mkvm_trace_exit *info),
	TP_ARGS(exit_reason, vcpu, isa, info),
	TP_STRUCT__entry(
		__field(unsigned int, exit_reason)
		__field(unsigned long, guest_rip)
		__field(u32, isa)
		__field(u64, info1)
		__field(u64, info2)
		__field(u32, intr_info)
		__field(u32, error_code)
		__field(unsigned int, vcpu_id)
		__field(u64, requests)
		__field(u64, ticks)
	),
	TP_fast_assign(
		__entry->exit_reason = exit_reason;
		__entry->guest_rip = info->rip;
		__entry->isa = isa;
		__entry->info1 = info->info1;
		__entry->info2 = info->info2;
		__entry->intr_info = info->intr_info;
		__entry->error_code = info->error_code;
		__entry->vcpu_id = info->vcpu_id;
		__entry->requests = info->requests;
		__entry->ticks = info->ticks;
	),
	TP_printk("vcpu %u reason %s%s rip 0x%lx info1 0x%016llx info2 0x%016llx intr_info 0x%08x error_code 0x%08x requests 0x%016llx ticks %llu",
		  __entry->vcpu_id,
		  __print_symbolic(__entry->exit_reason & 0xffff, VMX_EXIT_REASONS),
		  __entry->exit_reason & ~0xffff ? " FAILED_VMENTRY" : "",
		  __entry->guest_rip, __entry->info1, __entry->info2, __entry->intr_info,
		  __entry->error_code, __entry->requests, __entry->ticks),
	trace_run_on, trace_run_off
);

/* VMCALL: number and arguments. */
TRACE_EVENT(kvm_hypercall,
	TP_PROTO(unsigned long nr, unsigned long a0, unsigned long a1, unsigned long a2,
		 unsigned long a3),
	TP_ARGS(nr, a0, a1, a2, a3),
	TP_STRUCT__entry(
		__field(unsigned long, nr)
		__field(unsigned long, a0)
		__field(unsigned long, a1)
		__field(unsigned long, a2)
		__field(unsigned long, a3)
	),
	TP_fast_assign(
		__entry->nr = nr;
		__entry->a0 = a0;
		__entry->a1 = a1;
		__entry->a2 = a2;
		__entry->a3 = a3;
	),
	TP_printk("nr 0x%lx a0 0x%lx a1 0x%lx a2 0x%lx a3 0x%lx", __entry->nr, __entry->a0,
		  __entry->a1, __entry->a2, __entry->a3)
);

/* IN or OUT of one element or, for INS and OUTS, of @count; @data is the first one. */
TRACE_EVENT(kvm_pio,
	TP_PROTO(unsigned int rw, unsigned int port, unsigned int size, unsigned int count,
		 const void *data),
	TP_ARGS(rw, port, size, count, data),
	TP_STRUCT__entry(
		__field(unsigned int, rw)
		__field(unsigned int, port)
		__field(unsigned int, size)
		__field(unsigned int, count)
		__field(unsigned int, val)
	),
	TP_fast_assign(
		__entry->rw = rw;
		__entry->port = port;
		__entry->size = size;
		__entry->count = count;
		__entry->val = 0;
		memcpy(&__entry->val, data, min_t(u32, sizeof(__entry->val), size));
	),
	TP_printk("pio_%s at 0x%x size %d count %d val 0x%x %s",
		  __entry->rw ? "write" : "read", __entry->port, __entry->size, __entry->count,
		  __entry->val, __entry->count > 1 ? "(...)" : "")
);

/* CPUID, after it was executed. */
TRACE_EVENT(kvm_cpuid,
	TP_PROTO(unsigned int function, unsigned int index, unsigned long rax, unsigned long rbx,
		 unsigned long rcx, unsigned long rdx, bool found, bool used_max_basic),
	TP_ARGS(function, index, rax, rbx, rcx, rdx, found, used_max_basic),
	TP_STRUCT__entry(
		__field(unsigned int, function)
		__field(unsigned int, index)
		__field(unsigned long, rax)
		__field(unsigned long, rbx)
		__field(unsigned long, rcx)
		__field(unsigned long, rdx)
		__field(bool, found)
		__field(bool, used_max_basic)
	),
	TP_fast_assign(
		__entry->function = function;
		__entry->index = index;
		__entry->rax = rax;
		__entry->rbx = rbx;
		__entry->rcx = rcx;
		__entry->rdx = rdx;
		__entry->found = found;
		__entry->used_max_basic = used_max_basic;
	),
	TP_printk("func %x idx %x rax %lx rbx %lx rcx %lx rdx %lx, cpuid entry %s%s",
		  __entry->function, __entry->index, __entry->rax, __entry->rbx, __entry->rcx,
		  __entry->rdx, __entry->found ? "found" : "not found",
		  __entry->used_max_basic ? ", used max basic" : "")
);

/* RDMSR and WRMSR that exit. */
TRACE_EVENT_FN(kvm_msr,
	TP_PROTO(unsigned int write, u32 ecx, u64 data, bool exception),
	TP_ARGS(write, ecx, data, exception),
	TP_STRUCT__entry(
		__field(unsigned int, write)
		__field(u32, ecx)
		__field(u64, data)
		__field(u8, exception)
	),
	TP_fast_assign(
		__entry->write = write;
		__entry->ecx = ecx;
		__entry->data = data;
		__entry->exception = exception;
	),
	TP_printk("msr_%s %x = 0x%llx%s", __entry->write ? "write" : "read", __entry->ecx,
		  __entry->data, __entry->exception ? " (#GP)" : ""),
	trace_msr_on, trace_msr_off
);

/* MOV to and from control registers, CLTS and LMSW, as far as they exit. */
TRACE_EVENT(kvm_cr,
	TP_PROTO(unsigned int rw, unsigned int cr, unsigned long val),
	TP_ARGS(rw, cr, val),
	TP_STRUCT__entry(
		__field(unsigned int, rw)
		__field(unsigned int, cr)
		__field(unsigned long, val)
	),
	TP_fast_assign(
		__entry->rw = rw;
		__entry->cr = cr;
		__entry->val = val;
	),
	TP_printk("cr_%s %x = 0x%lx", __entry->rw ? "write" : "read", __entry->cr, __entry->val)
);

/* An EPT violation; @error_code is the exit qualification. */
TRACE_EVENT(kvm_page_fault,
	TP_PROTO(struct mkvm_vcpu *vcpu, u64 fault_address, u64 error_code, unsigned int vcpu_id,
		 unsigned long guest_rip),
	TP_ARGS(vcpu, fault_address, error_code, vcpu_id, guest_rip),
	TP_STRUCT__entry(
		__field(unsigned int, vcpu_id)
		__field(unsigned long, guest_rip)
		__field(u64, fault_address)
		__field(u64, error_code)
	),
	TP_fast_assign(
		__entry->vcpu_id = vcpu_id;
		__entry->guest_rip = guest_rip;
		__entry->fault_address = fault_address;
		__entry->error_code = error_code;
	),
	TP_printk("vcpu %u rip 0x%lx address 0x%016llx error_code 0x%llx", __entry->vcpu_id,
		  __entry->guest_rip, __entry->fault_address, __entry->error_code)
);

/* An interrupt goes into the VM-entry fields. */
TRACE_EVENT(kvm_inj_virq,
	TP_PROTO(unsigned int vector, bool soft, bool reinjected),
	TP_ARGS(vector, soft, reinjected),
	TP_STRUCT__entry(
		__field(unsigned int, vector)
		__field(bool, soft)
		__field(bool, reinjected)
	),
	TP_fast_assign(
		__entry->vector = vector;
		__entry->soft = soft;
		__entry->reinjected = reinjected;
	),
	TP_printk("%s 0x%x%s", __entry->soft ? "Soft/INTn" : "IRQ", __entry->vector,
		  __entry->reinjected ? " [reinjected]" : "")
);

/* An exception goes into the VM-entry fields. */
TRACE_EVENT(kvm_inj_exception,
	TP_PROTO(unsigned int exception, bool has_error, unsigned int error_code,
		 bool reinjected),
	TP_ARGS(exception, has_error, error_code, reinjected),
	TP_STRUCT__entry(
		__field(u8, exception)
		__field(u8, has_error)
		__field(u32, error_code)
		__field(bool, reinjected)
	),
	TP_fast_assign(
		__entry->exception = exception;
		__entry->has_error = has_error;
		__entry->error_code = error_code;
		__entry->reinjected = reinjected;
	),
	TP_printk("%s%s%s%s%s", __print_symbolic(__entry->exception, MKVM_EXCEPTIONS),
		  !__entry->has_error ? "" : " (",
		  !__entry->has_error ? "" : __print_symbolic(__entry->error_code, { }),
		  !__entry->has_error ? "" : ")",
		  __entry->reinjected ? " [reinjected]" : "")
);

/* A register of the LAPIC is read or written by software: the guest's, in an exit. */
TRACE_EVENT_FN(kvm_apic,
	TP_PROTO(unsigned int rw, unsigned int reg, u64 val),
	TP_ARGS(rw, reg, val),
	TP_STRUCT__entry(
		__field(unsigned int, rw)
		__field(unsigned int, reg)
		__field(u64, val)
	),
	TP_fast_assign(
		__entry->rw = rw;
		__entry->reg = reg;
		__entry->val = val;
	),
	TP_printk("apic_%s %s = 0x%llx", __entry->rw ? "write" : "read",
		  __print_symbolic(__entry->reg, MKVM_APIC_REGISTERS), __entry->val),
	trace_msr_on, trace_msr_off
);

/* A LAPIC sends a message: its ICR. */
TRACE_EVENT_FN(kvm_apic_ipi,
	TP_PROTO(__u32 icr_low, __u32 dest_id),
	TP_ARGS(icr_low, dest_id),
	TP_STRUCT__entry(
		__field(__u32, icr_low)
		__field(__u32, dest_id)
	),
	TP_fast_assign(
		__entry->icr_low = icr_low;
		__entry->dest_id = dest_id;
	),
	TP_printk("dst %x vec %u (%s|%s|%s|%s|%s)", __entry->dest_id, (u8)__entry->icr_low,
		  __print_symbolic((__entry->icr_low >> 8 & 0x7), MKVM_DELIVERY_MODES),
		  (__entry->icr_low & (1 << 11)) ? "logical" : "physical",
		  (__entry->icr_low & (1 << 14)) ? "assert" : "de-assert",
		  (__entry->icr_low & (1 << 15)) ? "level" : "edge",
		  __print_symbolic((__entry->icr_low >> 18 & 0x3), MKVM_SHORTHANDS)),
	trace_msr_on, trace_msr_off
);

/* A message for a LAPIC: @dm as in an ICR, with its three bits from 8 on. */
DECLARE_EVENT_CLASS(kvm_accept_irq,
	TP_PROTO(__u32 apicid, __u16 dm, __u16 tm, __u8 vec),
	TP_ARGS(apicid, dm, tm, vec),
	TP_STRUCT__entry(
		__field(__u32, apicid)
		__field(__u16, dm)
		__field(__u16, tm)
		__field(__u8, vec)
	),
	TP_fast_assign(
		__entry->apicid = apicid;
		__entry->dm = dm;
		__entry->tm = tm;
		__entry->vec = vec;
	),
	TP_printk("apicid %x vec %u (%s|%s)", __entry->apicid, __entry->vec,
		  __print_symbolic((__entry->dm >> 8 & 0x7), MKVM_DELIVERY_MODES),
		  __entry->tm ? "level" : "edge")
);

/* It has arrived in the IRR. */
DEFINE_EVENT(kvm_accept_irq, kvm_apic_accept_irq,
	TP_PROTO(__u32 apicid, __u16 dm, __u16 tm, __u8 vec),
	TP_ARGS(apicid, dm, tm, vec));

/* It has gone into the posted-interrupt descriptor. */
DEFINE_EVENT(kvm_accept_irq, kvm_apicv_accept_irq,
	TP_PROTO(__u32 apicid, __u16 dm, __u16 tm, __u8 vec),
	TP_ARGS(apicid, dm, tm, vec));

/* End of interrupt. @vector is -1 if none was in service. */
TRACE_EVENT_FN(kvm_eoi,
	TP_PROTO(__u32 apicid, int vector),
	TP_ARGS(apicid, vector),
	TP_STRUCT__entry(
		__field(__u32, apicid)
		__field(int, vector)
	),
	TP_fast_assign(
		__entry->apicid = apicid;
		__entry->vector = vector;
	),
	TP_printk("apicid %x vector %d", __entry->apicid, __entry->vector),
	trace_msr_on, trace_msr_off
);

/* A line of an 8259 is driven. */
TRACE_EVENT(kvm_pic_set_irq,
	TP_PROTO(__u8 chip, __u8 pin, __u8 elcr, __u8 imr, bool coalesced),
	TP_ARGS(chip, pin, elcr, imr, coalesced),
	TP_STRUCT__entry(
		__field(__u8, chip)
		__field(__u8, pin)
		__field(__u8, elcr)
		__field(__u8, imr)
		__field(bool, coalesced)
	),
	TP_fast_assign(
		__entry->chip = chip;
		__entry->pin = pin;
		__entry->elcr = elcr;
		__entry->imr = imr;
		__entry->coalesced = coalesced;
	),
	TP_printk("chip %u pin %u (%s%s)%s", __entry->chip, __entry->pin,
		  (__entry->elcr & (1 << __entry->pin)) ? "level" : "edge",
		  (__entry->imr & (1 << __entry->pin)) ? "|masked" : "",
		  __entry->coalesced ? " (coalesced)" : "")
);

/* The difference between the guest's TSC and the host's changes. */
TRACE_EVENT(kvm_write_tsc_offset,
	TP_PROTO(unsigned int vcpu_id, __u64 previous_tsc_offset,
		 __u64 next_tsc_offset),
	TP_ARGS(vcpu_id, previous_tsc_offset, next_tsc_offset),
	TP_STRUCT__entry(
		__field(unsigned int, vcpu_id)
		__field(__u64, previous_tsc_offset)
		__field(__u64, next_tsc_offset)
	),
	TP_fast_assign(
		__entry->vcpu_id = vcpu_id;
		__entry->previous_tsc_offset = previous_tsc_offset;
		__entry->next_tsc_offset = next_tsc_offset;
	),
	TP_printk("vcpu=%u prev=%llu next=%llu", __entry->vcpu_id,
		  __entry->previous_tsc_offset, __entry->next_tsc_offset)
);

/* The guest's kvmclock structure is written. */
TRACE_EVENT(kvm_pvclock_update,
	TP_PROTO(unsigned int vcpu_id, const struct pvclock_vcpu_time_info *pvclock),
	TP_ARGS(vcpu_id, pvclock),
	TP_STRUCT__entry(
		__field(unsigned int, vcpu_id)
		__field(__u32, version)
		__field(__u64, tsc_timestamp)
		__field(__u64, system_time)
		__field(__u32, tsc_to_system_mul)
		__field(__s8, tsc_shift)
		__field(__u8, flags)
	),
	TP_fast_assign(
		__entry->vcpu_id = vcpu_id;
		__entry->version = pvclock->version;
		__entry->tsc_timestamp = pvclock->tsc_timestamp;
		__entry->system_time = pvclock->system_time;
		__entry->tsc_to_system_mul = pvclock->tsc_to_system_mul;
		__entry->tsc_shift = pvclock->tsc_shift;
		__entry->flags = pvclock->flags;
	),
	TP_printk("vcpu_id %u, pvclock { version %u, tsc_timestamp 0x%llx, system_time 0x%llx, tsc_to_system_mul 0x%x, tsc_shift %d, flags 0x%x }",
		  __entry->vcpu_id, __entry->version, __entry->tsc_timestamp, __entry->system_time,
		  __entry->tsc_to_system_mul, __entry->tsc_shift, __entry->flags)
);

/* The VMX-preemption timer serves the LAPIC's timer, or does so no more. */
TRACE_EVENT(kvm_hv_timer_state,
	TP_PROTO(unsigned int vcpu_id, unsigned int hv_timer_in_use),
	TP_ARGS(vcpu_id, hv_timer_in_use),
	TP_STRUCT__entry(
		__field(unsigned int, vcpu_id)
		__field(unsigned int, hv_timer_in_use)
	),
	TP_fast_assign(
		__entry->vcpu_id = vcpu_id;
		__entry->hv_timer_in_use = hv_timer_in_use;
	),
	TP_printk("vcpu_id %x hv_timer %x", __entry->vcpu_id, __entry->hv_timer_in_use)
);

/* The page-modification log is full. */
TRACE_EVENT(kvm_pml_full,
	TP_PROTO(unsigned int vcpu_id),
	TP_ARGS(vcpu_id),
	TP_STRUCT__entry(
		__field(unsigned int, vcpu_id)
	),
	TP_fast_assign(
		__entry->vcpu_id = vcpu_id;
	),
	TP_printk("vcpu %d: PML full", __entry->vcpu_id)
);

/* A device's interrupt goes to a vCPU without the host, or does so no more. */
TRACE_EVENT(kvm_pi_irte_update,
	TP_PROTO(unsigned int host_irq, unsigned int vcpu_id, unsigned int gsi, unsigned int gvec,
		 u64 pi_desc_addr, bool set),
	TP_ARGS(host_irq, vcpu_id, gsi, gvec, pi_desc_addr, set),
	TP_STRUCT__entry(
		__field(unsigned int, host_irq)
		__field(unsigned int, vcpu_id)
		__field(unsigned int, gsi)
		__field(unsigned int, gvec)
		__field(u64, pi_desc_addr)
		__field(bool, set)
	),
	TP_fast_assign(
		__entry->host_irq = host_irq;
		__entry->vcpu_id = vcpu_id;
		__entry->gsi = gsi;
		__entry->gvec = gvec;
		__entry->pi_desc_addr = pi_desc_addr;
		__entry->set = set;
	),
	TP_printk("VT-d PI is %s for irq %u, vcpu %u, gsi: 0x%x, gvec: 0x%x, pi_desc_addr: 0x%llx",
		  __entry->set ? "enabled and being updated" : "disabled", __entry->host_irq,
		  __entry->vcpu_id, __entry->gsi, __entry->gvec, __entry->pi_desc_addr)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH trace
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE kvm_x86_events

/* Outside of the guard. */
#include <trace/define_trace.h>
