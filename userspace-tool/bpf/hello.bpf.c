// SPDX-License-Identifier: GPL-2.0-only
/*
 * hello - the first of five eBPF programs: one line for each VM entry.
 *
 * The kernel runs hello() whenever the trace event kvm_entry happens, on the CPU and in the thread
 * that is about to enter the guest. bpf_printk() writes to the kernel's trace buffer, which every
 * user of tracing shares; the loader reads it at its end, trace_pipe. Documentation/bpf.rst goes
 * through the five in order; the next one is exits.bpf.c.
 */
#include "bpf/record.bpf.h"

__u64 entries;	/* in the map .bss, which the loader reads like a variable of its own */

SEC("tracepoint")
int hello(const void *record)
{
	if (!is_watched())
		return 0;
	COUNT(entries);
	bpf_printk("VM %d, vCPU %d enters the guest at 0x%lx", current_vm(),
		   FIELD(__u32, record, fields.entry_vcpu_id),
		   FIELD(__u64, record, fields.entry_rip));
	return 0;
}

/*
 * The same with the field read directly. Its offset is a constant to the verifier, but stands in a
 * register and not in the load: refused. Loaded by `minikvm bpf hello --refused` only.
 */
SEC("?tracepoint")
int hello_refused(const void *record)
{
	const __u32 *vcpu = record + fields.entry_vcpu_id;

	bpf_printk("vCPU %d enters the guest", *vcpu);
	return 0;
}
