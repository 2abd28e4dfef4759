// SPDX-License-Identifier: GPL-2.0-only
/*
 * The loop around KVM_RUN: enter the guest, serve the exit, enter again, until the machine is
 * stopped. One thread per vCPU; SIGUSR1 together with kvm_run.immediate_exit brings a thread
 * back from the guest without a window in which the request could be lost.
 *
 * Relies on the kernel for everything that the in-kernel interrupt controllers do: HLT comes here
 * only where there are none.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>

#include "kvm/exits.h"
#include "kvm/refusal.h"
#include "machine/ports.h"
#include "machine/vcpu_loop.h"

#define KICK_SIGNAL	SIGUSR1

struct vcpu_thread {
	struct machine *m;
	struct vcpu *vcpu;
};

static struct vcpu_thread threads[VM_VCPUS_MAX];

static void kicked(int sig)
{
	(void)sig;	/* its purpose is to interrupt KVM_RUN */
}

static void serve_io(struct machine *m, struct kvm_run *run, struct exit_counts *counts)
{
	__u8 *data = (__u8 *)run + run->io.data_offset;

	if (counts->port)
		counts->port[run->io.port]++;
	if (run->io.direction == KVM_EXIT_IO_OUT)
		port_out(m, run->io.port, run->io.size, data, run->io.count);
	else
		port_in(m, run->io.port, run->io.size, data, run->io.count);
}

/* What is no RAM is a device's; or reads give ones, and writes are lost. */
static void serve_mmio(struct machine *m, struct kvm_run *run)
{
	if (run->mmio.is_write)
		bus_write(&m->memory, run->mmio.phys_addr, run->mmio.data, run->mmio.len);
	else if (!bus_read(&m->memory, run->mmio.phys_addr, run->mmio.data, run->mmio.len))
		memset(run->mmio.data, 0xff, sizeof(run->mmio.data));
}

/* The vCPU cannot go on. A debugger looks at it first. */
static void fail(struct machine *m, struct vcpu *vcpu, enum outcome how, const struct sentence *why)
{
	if (m->pause.attached)
		pause_park(m, vcpu->id, REPORT_FAULT);
	machine_stop(m, how, why, 0);
}

static void serve_system_event(struct machine *m, const struct kvm_run *run)
{
	struct sentence why;

	switch (run->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		machine_stop(m, OUTCOME_POWER_OFF, NULL, 0);
		break;
	case KVM_SYSTEM_EVENT_RESET:
		machine_stop(m, OUTCOME_RESET, NULL, 0);
		break;
	default:
		say(&why,
		    "The guest reported system event %u (KVM_EXIT_SYSTEM_EVENT), most likely a crash.",
		    run->system_event.type);
		machine_stop(m, OUTCOME_FAILED, &why, 0);
	}
}

static void serve_exit(struct machine *m, struct vcpu *vcpu, struct exit_counts *counts)
{
	struct kvm_run *run = vcpu->run;
	struct sentence why;

	if (run->exit_reason < EXIT_REASONS_MAX)
		counts->reason[run->exit_reason]++;
	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		serve_io(m, run, counts);
		break;
	case KVM_EXIT_MMIO:
		serve_mmio(m, run);
		break;
	case KVM_EXIT_INTR:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
	case KVM_EXIT_SET_TPR:
		break;
	case KVM_EXIT_HLT:
		machine_stop(m, OUTCOME_HALTED, NULL, 0);
		break;
	case KVM_EXIT_SHUTDOWN:
		fail(m, vcpu, OUTCOME_TRIPLE_FAULT, NULL);
		break;
	case KVM_EXIT_SYSTEM_EVENT:
		serve_system_event(m, run);
		break;
	default:
		exit_explain(run, &why);
		fail(m, vcpu, OUTCOME_FAILED, &why);
	}
	exit_log_exit(&m->exit_log, vcpu);
	if (m->console.matched)
		machine_stop(m, OUTCOME_MATCHED, NULL, 0);
	if (m->console.broken) {
		say(&why, "Standard output cannot be written: %s.", strerror(m->console.broken));
		machine_stop(m, OUTCOME_FAILED, &why, 0);
	}
}

static void *vcpu_loop(void *arg)
{
	struct vcpu_thread *t = arg;
	struct exit_counts *counts = &t->m->counts[t->vcpu->id];
	unsigned int id = t->vcpu->id;
	bool complete = true;	/* KVM_RUN has nothing left to do for the last exit */
	struct sentence why;
	sigset_t kick;
	int err;

	sigemptyset(&kick);
	sigaddset(&kick, KICK_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &kick, NULL);
	while (t->m->outcome == OUTCOME_NONE) {
		if (pause_wanted(t->m, id)) {
			if (complete) {
				pause_park(t->m, id, REPORT_NOTHING);
				continue;
			}
			t->vcpu->run->immediate_exit = 1;
		}
		counts->runs++;
		err = ioctl(t->vcpu->fd, KVM_RUN, 0) < 0 ? errno : 0;
		complete = err;
		if (err == EINTR || err == EAGAIN) {
			counts->interrupted++;
			exit_log_interrupted(&t->m->exit_log, t->vcpu);
		} else if (!err && t->vcpu->run->exit_reason == KVM_EXIT_DEBUG) {
			counts->reason[KVM_EXIT_DEBUG]++;
			complete = true;
			exit_log_exit(&t->m->exit_log, t->vcpu);
			pause_park(t->m, id, REPORT_DEBUG);
		} else if (!err || t->vcpu->run->exit_reason == KVM_EXIT_INTERNAL_ERROR) {
			/* Some failures of KVM_RUN come with an exit that says more. */
			serve_exit(t->m, t->vcpu, counts);
		} else {
			run_error_explain(err, &why);
			refusal_add(t->vcpu->fd, err, &why);
			fail(t->m, t->vcpu, OUTCOME_FAILED, &why);
		}
	}
	return NULL;
}

/**
 * machine_start() - start one thread for every vCPU
 * @m: the machine
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1.
 */
int machine_start(struct machine *m, struct sentence *why)
{
	struct sigaction sa = { .sa_handler = kicked };
	unsigned int i;
	int err;

	sigaction(KICK_SIGNAL, &sa, NULL);
	for (i = 0; i < m->vm.nr_vcpus; i++) {
		threads[i] = (struct vcpu_thread) { .m = m, .vcpu = &m->vm.vcpu[i] };
		err = pthread_create(&m->thread[i], NULL, vcpu_loop, &threads[i]);
		if (err)
			return say(why, "The thread of vCPU %u cannot be started: %s.", i,
				   strerror(err));
		m->threads++;
	}
	return 0;
}

/* Bring one vCPU's thread out of the guest. */
void vcpu_kick(struct machine *m, unsigned int vcpu)
{
	m->vm.vcpu[vcpu].run->immediate_exit = 1;
	pthread_kill(m->thread[vcpu], KICK_SIGNAL);
}

/* Bring every vCPU thread out of the guest and wait for its end. Needs machine_stop() before. */
void machine_join(struct machine *m)
{
	unsigned int i;

	for (i = 0; i < m->threads; i++) {
		vcpu_kick(m, i);
		pthread_join(m->thread[i], NULL);
	}
	m->threads = 0;
}
