/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a guest says that its processors run. See announce.c.
 */
#ifndef MINIKVM_VIRT_ANNOUNCE_H
#define MINIKVM_VIRT_ANNOUNCE_H

#include <linux/seqlock.h>
#include <linux/types.h>

#include "uapi/linux/minikvm.h"

struct mkvm_vcpu;
struct mkvm_vm;
struct seq_file;

/**
 * struct mkvm_announced - what a guest says that a vCPU runs
 * @seq: of what follows but @valid: the vCPU's thread writes, anybody reads
 * @valid: the guest has said so, and has not ended to announce
 * @process: number of the guest's process
 * @task: number of the guest's task
 * @name: of the process; any bytes
 */
struct mkvm_announced {
	seqcount_t seq;
	bool valid;
	u8 process, task;
	char name[MINIKVM_ANNOUNCE_NAME];
};

void mkvm_announce_init(struct mkvm_vcpu *vcpu);
void mkvm_announce_switch(struct mkvm_vcpu *vcpu, u16 process_and_task, u64 name_low,
			  u64 name_high);
void mkvm_announce_forget(struct mkvm_vcpu *vcpu);
void mkvm_announce_end(struct mkvm_vm *vm);
void mkvm_announce_show(struct seq_file *m, struct mkvm_vcpu *vcpu);

#endif
