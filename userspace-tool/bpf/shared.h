/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the eBPF programs (NAME.bpf.c) and their loaders (NAME.c) have in common: the places of the
 * fields in the records of KVM's trace events, and the keys and values of the maps.
 *
 * Both sides see the same layout because only types of fixed size stand here. A struct that is the
 * key of a map has no padding: the kernel compares and hashes every byte of it. A VM is named by
 * the process that runs it, as the trace events name no VM.
 */
#ifndef MINIKVM_BPF_SHARED_H
#define MINIKVM_BPF_SHARED_H

#include <linux/types.h>

/**
 * struct record_fields - offsets of fields in the records of the trace events kvm_*
 *
 * A kernel's own are in events/kvm/NAME/format of its tracefs.
 */
struct record_fields {
	__u32 entry_vcpu_id;
	__u32 entry_rip;
	__u32 exit_reason;
	__u32 exit_rip;
	__u32 exit_vcpu_id;
	__u32 exit_info1;
	__u32 msr_ecx;
	__u32 msr_write;
	__u32 mmio_type;
	__u32 mmio_len;
	__u32 mmio_gpa;
	__u32 hypercall_nr;
};

#define COMM_SIZE	16	/* the kernel's TASK_COMM_LEN */

/* exits: how often a vCPU left the guest for a reason, and what the VM's process is called. */
struct exit_key {
	__u32 vm;
	__u32 vcpu;
	__u32 reason;
};

struct vm_name {
	char comm[COMM_SIZE];
};

/* latency: the time from an exit to the next entry, for one reason. */
/* Slot n counts times from 2^n to 2^(n+1) - 1 ns; 0 ns is in slot 0. */
#define LATENCY_SLOTS	64

struct latency {
	__u64 count;
	__u64 sum_ns;
	__u64 max_ns;
	__u64 slept;		/* of @count: the thread gave its CPU away meanwhile */
	__u64 slots[LATENCY_SLOTS];
};

/* stream: one entry or exit. */
enum stream_kind { STREAM_ENTRY, STREAM_EXIT };

struct stream_event {
	__u64 time_ns;
	__u64 rip;
	__u64 qualification;	/* of an exit */
	__u32 vm;
	__u32 vcpu;
	__u32 reason;		/* of an exit */
	__u32 kind;
};

/* dispatch: what was accessed. */
enum access_kind {
	ACCESS_IO,		/* what: port; how: IO_* */
	ACCESS_MMIO,		/* what: guest-physical address; how: bytes, IO_IN */
	ACCESS_MSR,		/* what: MSR; how: MSR_WRITE */
	ACCESS_CR,		/* what: number of the register; how: CR_* */
	ACCESS_EPT,		/* how: EPT_* */
	ACCESS_HYPERCALL,	/* what: number of the hypercall */
	ACCESS_KINDS
};

#define IO_BYTES	0x0fU	/* 1, 2, 4 or, for MMIO, 8 */
#define IO_IN		0x10U
#define IO_STRING	0x20U
#define MSR_WRITE	1U
/* MOV from the register, CLTS or LMSW; otherwise MOV to it. */
#define CR_FROM		1U
#define CR_CLTS		2U
#define CR_LMSW		3U
#define EPT_READ	1U
#define EPT_WRITE	2U
#define EPT_FETCH	4U
#define EPT_MAPPED	8U	/* a translation was there, without the right to do this */

struct access_key {
	__u64 what;
	__u32 kind;
	__u32 how;
};

/* Basic exit reasons are below this (SDM, appendix "VMX Basic Exit Reasons"). */
#define EXIT_REASONS	128U
#define BASIC_REASON(r)	((r) & 0xffffU)

#endif
