// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a guest says that its processors run, for who watches it from outside (`minikvm stat`).
 *
 * minikvm's own hypercall MINIKVM_HC_ANNOUNCE (uapi/linux/minikvm.h). Nothing but the line of text
 * depends on it: the guest may say what it likes, so that numbers are cut to a byte, and of a name
 * what cannot be printed is shown as question marks.
 */
#include <linux/preempt.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include "virt/announce.h"
#include "virt/vcpu.h"
#include "virt/vm.h"

/**
 * mkvm_announce_init() - nothing has been announced
 * @vcpu: the vCPU, under creation
 */
void mkvm_announce_init(struct mkvm_vcpu *vcpu)
{
	seqcount_init(&vcpu->announced.seq);
}

/**
 * mkvm_announce_switch() - the guest says what a vCPU runs from now on
 * @vcpu: the vCPU, whose thread calls
 * @process_and_task: process | task << 8
 * @name_low: the first eight bytes of the process's name
 * @name_high: the others
 */
void mkvm_announce_switch(struct mkvm_vcpu *vcpu, u16 process_and_task, u64 name_low,
			  u64 name_high)
{
	struct mkvm_announced *a = &vcpu->announced;

	BUILD_BUG_ON(sizeof(a->name) != sizeof(name_low) + sizeof(name_high));
	preempt_disable();
	write_seqcount_begin(&a->seq);
	a->process = process_and_task;
	a->task = process_and_task >> 8;
	memcpy(a->name, &name_low, sizeof(name_low));
	memcpy(a->name + sizeof(name_low), &name_high, sizeof(name_high));
	write_seqcount_end(&a->seq);
	preempt_enable();
	WRITE_ONCE(a->valid, true);
}

/**
 * mkvm_announce_forget() - what a vCPU runs is not known any more
 * @vcpu: the vCPU
 */
void mkvm_announce_forget(struct mkvm_vcpu *vcpu)
{
	WRITE_ONCE(vcpu->announced.valid, false);
}

/**
 * mkvm_announce_end() - the guest announces no more, on none of its processors
 * @vm: its VM
 */
void mkvm_announce_end(struct mkvm_vm *vm)
{
	struct mkvm_vcpu *vcpu;
	int i;

	mkvm_for_each_vcpu(i, vcpu, vm)
		mkvm_announce_forget(vcpu);
}

/**
 * mkvm_announce_show() - print the line "guest_process PROCESS TASK NAME", or nothing
 * @m: where to
 * @vcpu: whose
 */
void mkvm_announce_show(struct seq_file *m, struct mkvm_vcpu *vcpu)
{
	const struct mkvm_announced *a = &vcpu->announced;
	char name[sizeof(a->name) + 1] = { 0 };
	unsigned int seq, i;
	u8 process, task;

	if (!READ_ONCE(a->valid))
		return;
	do {
		seq = read_seqcount_begin(&a->seq);
		process = a->process;
		task = a->task;
		memcpy(name, a->name, sizeof(a->name));
	} while (read_seqcount_retry(&a->seq, seq));
	for (i = 0; name[i]; i++)
		if (name[i] <= ' ' || name[i] > '~')
			name[i] = '?';
	seq_printf(m, "guest_process %u %u %s\n", process, task, name[0] ? name : "?");
}
