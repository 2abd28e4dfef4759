/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vCPUs that stand still because a debugger or the control socket wants it.
 *
 * A vCPU that is to stand still is held; once its thread is out of KVM_RUN and has nothing left
 * to complete there, it is parked. Only then may others use its file descriptor. A vCPU parks
 * itself when it has something to report.
 */
#ifndef MINIKVM_TOOL_PAUSE_H
#define MINIKVM_TOOL_PAUSE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "kvm/vm.h"

struct machine;

/* What a vCPU that has parked itself has to report. */
enum report {
	REPORT_NOTHING,
	REPORT_DEBUG,	/* KVM_EXIT_DEBUG, in its struct kvm_run */
	REPORT_FAULT,	/* it cannot go on: when it is released, the run ends */
};

/**
 * struct pause - which vCPUs stand still
 * @lock: of all that is no atomic, and of changes to @held
 * @changed: @parked, @held or the end of the run
 * @event_fd: eventfd that is told of reports and of the end of the run, or -1 without a debugger
 * @attached: a debugger is there to be told of faults
 * @held: the vCPU is to stand still
 * @parked: it does
 * @report: what it has to report; taken by pause_take_report()
 */
struct pause {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int event_fd;
	atomic_bool attached;
	atomic_bool held[VM_VCPUS_MAX];
	bool parked[VM_VCPUS_MAX];
	enum report report[VM_VCPUS_MAX];
};

void pause_init(struct machine *m);
void pause_wake(struct machine *m);
void pause_hold_all(struct machine *m);
void pause_wait_all(struct machine *m);
bool pause_all_parked(struct machine *m);
void pause_release(struct machine *m, unsigned int vcpu);
enum report pause_take_report(struct machine *m, unsigned int vcpu);

/* For the thread of the vCPU. */
bool pause_wanted(const struct machine *m, unsigned int vcpu);
void pause_park(struct machine *m, unsigned int vcpu, enum report report);

#endif
