/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How an eBPF program of `minikvm bpf` reads a trace event's record, and which VMs it looks at.
 *
 * A program of type tracepoint gets a pointer to the record, as tracefs describes it in the event's
 * format. The places of the fields differ between kernels, and between kvm and minikvm; the loader
 * reads the format and writes them into `fields` before the kernel sees the program. `const
 * volatile` puts both variables into the map .rodata, which is read-only by then, so the verifier
 * takes them for constants.
 */
#ifndef MINIKVM_BPF_RECORD_BPF_H
#define MINIKVM_BPF_RECORD_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "bpf/shared.h"

/* What the helpers for kernel memory and for printing ask for. */
char LICENSE[] SEC("license") = "GPL";

const volatile struct record_fields fields;
const volatile __u32 only_vm;	/* 0 for every VM */

/*
 * The value of a field. The verifier lets a program follow its context pointer with offsets that
 * stand in the instructions, not with computed ones, so a helper copies the value. (`minikvm bpf
 * hello --refused` shows the refusal.)
 */
#define FIELD(type, record, offset) ({						\
	type value = 0;								\
	bpf_probe_read_kernel(&value, sizeof(value), (const char *)(record) + (offset));	\
	value;									\
})

/* The VM is named by its process. The upper half is the process, the lower half the thread. */
static __always_inline __u32 current_vm(void)
{
	return bpf_get_current_pid_tgid() >> 32;
}

static __always_inline int is_watched(void)
{
	return !only_vm || current_vm() == only_vm;
}

/* One more, on whichever CPU: programs run on all of them at the same time. */
#define COUNT(counter)	__sync_fetch_and_add(&(counter), 1)

#endif
