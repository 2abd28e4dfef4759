/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The states of a VM and of a vCPU, as an operating system's of a process. See state.c.
 */
#ifndef MINIKVM_VIRT_STATE_H
#define MINIKVM_VIRT_STATE_H

#include "virt/vcpu.h"

struct seq_file;

/* The numbers are those that trace/names.h has for the trace events. */
enum mkvm_state {
	MKVM_STATE_INIT,	/* a VM without vCPUs; a vCPU that waits for INIT and SIPI */
	MKVM_STATE_READY,	/* it could run: it has not been run yet, or waits for a CPU */
	MKVM_STATE_RUNNING,	/* its thread is in KVM_RUN, on a CPU */
	MKVM_STATE_PENDING,	/* it waits, for what enum mkvm_why says */
	MKVM_STATE_ZOMBIE,	/* nothing can run it any more; descriptors are open */
	MKVM_STATE_DEAD,	/* mkvm_vm_kill() */
};

enum mkvm_why {
	MKVM_WHY_NONE,
	MKVM_WHY_HALT,		/* an event that ends HLT */
	MKVM_WHY_FAULT,		/* its thread sleeps in KVM_RUN: for a page or the host's locks */
	MKVM_WHY_USERSPACE,	/* the next KVM_RUN */
	MKVM_WHY_REQUEST,	/* its thread serves requests before it may enter the guest */
};

enum mkvm_state mkvm_vcpu_state(struct mkvm_vcpu *vcpu, enum mkvm_why *why);
enum mkvm_state mkvm_vm_state(struct mkvm_vm *vm, enum mkvm_why *why);
void mkvm_state_trace_zombie(struct mkvm_vm *vm);
void mkvm_state_show(struct seq_file *m, enum mkvm_state state, enum mkvm_why why);
void mkvm_vm_holders_show(struct seq_file *m, struct mkvm_vm *vm);

#endif
