// SPDX-License-Identifier: GPL-2.0-only
/*
 * vCPUs that stand still because a debugger or the control socket wants it: see pause.h.
 *
 * Relies on kvm_run.immediate_exit, with which KVM_RUN completes the last exit and returns, and on
 * machine_stop() calling pause_wake(), so that no thread stays parked after the end of the run.
 */
#include <string.h>
#include <unistd.h>

#include "machine/machine.h"
#include "machine/pause.h"
#include "machine/vcpu_loop.h"

/* Without a debugger; with one, @event_fd is set afterwards. */
void pause_init(struct machine *m)
{
	memset(&m->pause, 0, sizeof(m->pause));
	pthread_mutex_init(&m->pause.lock, NULL);
	pthread_cond_init(&m->pause.changed, NULL);
	m->pause.event_fd = -1;
}

static void tell(struct machine *m)
{
	const __u64 one = 1;
	ssize_t ignored;

	if (m->pause.event_fd < 0)
		return;
	ignored = write(m->pause.event_fd, &one, sizeof(one));
	(void)ignored;	/* it fails only when the counter is full, which tells as well */
}

/* The run has ended: nothing is to wait any more. */
void pause_wake(struct machine *m)
{
	pthread_mutex_lock(&m->pause.lock);
	pthread_cond_broadcast(&m->pause.changed);
	pthread_mutex_unlock(&m->pause.lock);
	tell(m);
}

/* Ask every vCPU to stand still. Before the threads have started, they will not begin to run. */
void pause_hold_all(struct machine *m)
{
	unsigned int i;

	pthread_mutex_lock(&m->pause.lock);
	for (i = 0; i < m->vm.nr_vcpus; i++) {
		m->pause.held[i] = true;
		if (!m->pause.parked[i] && i < m->threads)
			vcpu_kick(m, i);
	}
	pthread_mutex_unlock(&m->pause.lock);
}

static bool all_parked(const struct machine *m)
{
	unsigned int i;

	for (i = 0; i < m->vm.nr_vcpus; i++)
		if (!m->pause.parked[i])
			return false;
	return true;
}

/* Wait until every vCPU stands still, or the run has ended. */
void pause_wait_all(struct machine *m)
{
	pthread_mutex_lock(&m->pause.lock);
	while (!all_parked(m) && m->outcome == OUTCOME_NONE)
		pthread_cond_wait(&m->pause.changed, &m->pause.lock);
	pthread_mutex_unlock(&m->pause.lock);
}

/* Does every vCPU stand still? When one begins to, it wakes the event loop. */
bool pause_all_parked(struct machine *m)
{
	bool all;

	pthread_mutex_lock(&m->pause.lock);
	all = all_parked(m);
	pthread_mutex_unlock(&m->pause.lock);
	return all;
}

/* Let one vCPU run. */
void pause_release(struct machine *m, unsigned int vcpu)
{
	pthread_mutex_lock(&m->pause.lock);
	m->pause.held[vcpu] = false;
	pthread_cond_broadcast(&m->pause.changed);
	pthread_mutex_unlock(&m->pause.lock);
}

/* Return: what a vCPU has parked itself for, once. */
enum report pause_take_report(struct machine *m, unsigned int vcpu)
{
	enum report report;

	pthread_mutex_lock(&m->pause.lock);
	report = m->pause.report[vcpu];
	m->pause.report[vcpu] = REPORT_NOTHING;
	pthread_mutex_unlock(&m->pause.lock);
	return report;
}

/* Is the vCPU to stand still? */
bool pause_wanted(const struct machine *m, unsigned int vcpu)
{
	return m->pause.held[vcpu];
}

/**
 * pause_park() - stand still until the vCPU is released, or the run has ended
 * @m: the machine
 * @vcpu: the calling thread's vCPU, for which KVM_RUN has nothing left to complete
 * @report: why, if it is the vCPU's own wish; it is then held by this call
 */
void pause_park(struct machine *m, unsigned int vcpu, enum report report)
{
	pthread_mutex_lock(&m->pause.lock);
	m->pause.parked[vcpu] = true;
	if (report != REPORT_NOTHING) {
		m->pause.held[vcpu] = true;
		m->pause.report[vcpu] = report;
		tell(m);
	}
	pthread_cond_broadcast(&m->pause.changed);
	machine_wake(m);
	while (m->pause.held[vcpu] && m->outcome == OUTCOME_NONE)
		pthread_cond_wait(&m->pause.changed, &m->pause.lock);
	m->pause.parked[vcpu] = false;
	/* Under the lock: what a later pause_hold_all() sets stays. */
	m->vm.vcpu[vcpu].run->immediate_exit = 0;
	pthread_mutex_unlock(&m->pause.lock);
}
