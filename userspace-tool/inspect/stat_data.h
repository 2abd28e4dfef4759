/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What `minikvm stat` knows of VMs: a snapshot of minikvm's directory in debugfs, and what happened
 * between two of them. Documentation/statistics.rst has the form of the files.
 */
#ifndef MINIKVM_TOOL_STAT_DATA_H
#define MINIKVM_TOOL_STAT_DATA_H

#include <stdbool.h>
#include <stddef.h>

#include "terminal/sentence.h"

#define STAT_REASONS	80
#define STAT_BUCKETS	64
#define STAT_RUNS_MAX	17	/* of a name, with its NUL */

typedef unsigned long long stat_u64;

/**
 * struct stat_hist - a histogram: bucket 0 counts zeros, bucket n [2^(n-1), 2^n) ns
 * @sum: all samples together, ns
 * @bucket: counts
 */
struct stat_hist {
	stat_u64 sum;
	stat_u64 bucket[STAT_BUCKETS];
};

/**
 * struct stat_reason - exits of one reason
 * @name: the reason's name
 * @exits: how many
 * @latency: from the exit to the next entry, empty where the module does not measure it
 */
struct stat_reason {
	char name[64];
	stat_u64 exits;
	struct stat_hist latency;
};

/* Where a vCPU's time goes; the names of the module's rows are these and "_ns". */
enum stat_phase {
	STAT_GUEST, STAT_HOT_LOOP, STAT_SLOW_PATH, STAT_USERSPACE, STAT_HALTED, STAT_PHASES
};

extern const char *const stat_phase_names[STAT_PHASES];

/**
 * struct stat_vcpu - one vCPU
 * @id: its number
 * @state: its state, in words
 * @runs: the name of the guest's process there, empty where the guest announces none
 * @process: that process's number
 * @task: that of the process's task
 * @exits: VM exits
 * @cpu_ns: CPU time
 * @wait_ns: time it waited for a CPU
 * @phase_ns: time by phase, zeros where the module does not measure it
 * @reasons: by exit reason
 */
struct stat_vcpu {
	unsigned int id;
	char state[32];
	char runs[STAT_RUNS_MAX];
	unsigned int process, task;
	stat_u64 exits, cpu_ns, wait_ns;
	stat_u64 phase_ns[STAT_PHASES];
	struct stat_reason reasons[STAT_REASONS];
};

/**
 * struct stat_vm - one VM
 * @id: "<pid>-<number>"
 * @name: of the process
 * @state: its state, in words
 * @uid: the user who has it
 * @memory: bytes of guest memory
 * @tables: bytes of second-level page tables
 * @pinned: bytes that its process has pinned
 * @vcpus: its vCPUs by number
 * @nr_vcpus: how many
 */
struct stat_vm {
	char id[32];
	char name[64];
	char state[32];
	unsigned int uid;
	stat_u64 memory, tables, pinned;
	struct stat_vcpu *vcpus;
	size_t nr_vcpus;
};

/**
 * struct stat_snapshot - all VMs at one moment
 * @ns: when, on CLOCK_MONOTONIC
 * @vms: the VMs by process and number
 * @nr_vms: how many
 */
struct stat_snapshot {
	stat_u64 ns;
	struct stat_vm *vms;
	size_t nr_vms;
};

int stat_read(struct stat_snapshot *s, const char *directory, struct sentence *why);
void stat_free(struct stat_snapshot *s);

void stat_parse_vm(struct stat_vm *vm, const char *text);
void stat_parse_vcpu(struct stat_vcpu *vcpu, const char *text);

const struct stat_vm *stat_find_vm(const struct stat_snapshot *s, const char *id);
const struct stat_vcpu *stat_find_vcpu(const struct stat_vm *vm, unsigned int id);

void stat_vcpu_between(struct stat_vcpu *d, const struct stat_vcpu *before,
		       const struct stat_vcpu *now);
void stat_vcpu_add(struct stat_vcpu *sum, const struct stat_vcpu *v);
stat_u64 stat_samples(const struct stat_hist *h);
stat_u64 stat_percentile(const struct stat_hist *h, unsigned int percent);

#endif
