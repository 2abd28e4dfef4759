/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a vCPU's thread waits in HLT: how long it polls before it sleeps. See halt.c.
 */
#ifndef MINIKVM_VIRT_HALT_H
#define MINIKVM_VIRT_HALT_H

#include <linux/types.h>

struct mkvm_vcpu;

/**
 * struct mkvm_halt - one halt of a vCPU
 * @start: when it began, on the clock of ktime_get_ns()
 * @polled_ns: how long the thread has polled
 * @poll_ns: how long it may, 0: it sleeps at once
 */
struct mkvm_halt {
	u64 start;
	u64 polled_ns;
	unsigned int poll_ns;
};

void mkvm_halt_begin(struct mkvm_vcpu *vcpu, struct mkvm_halt *halt);
bool mkvm_halt_polls_on(struct mkvm_halt *halt);
void mkvm_halt_end(struct mkvm_vcpu *vcpu, const struct mkvm_halt *halt, bool slept);

#endif
