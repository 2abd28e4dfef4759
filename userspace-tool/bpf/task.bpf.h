/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of the kernel's task_struct that the programs read, written down by hand.
 *
 * Neither order nor offsets are the kernel's. preserve_access_index has the compiler note, for each
 * access, the name of the field; libbpf looks the name up in the BTF of the kernel that runs
 * (/sys/kernel/btf/vmlinux) and writes the offset into the instruction: CO-RE, "compile once, run
 * everywhere". A header that bpftool makes of a kernel's BTF holds every type of that kernel in
 * three megabytes, and would do the same.
 */
#ifndef MINIKVM_BPF_TASK_BPF_H
#define MINIKVM_BPF_TASK_BPF_H

#include <bpf/bpf_core_read.h>

#include "bpf/shared.h"

struct task_struct {
	char comm[COMM_SIZE];
	unsigned long nvcsw;			/* how often it gave its CPU away of its own will */
	struct task_struct *group_leader;	/* the first thread of its process */
} __attribute__((preserve_access_index));

#endif
