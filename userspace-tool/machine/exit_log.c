// SPDX-License-Identifier: GPL-2.0-only
/*
 * `minikvm run --log exits=...`: a line for each exit to userspace, after it was served, so that
 * the values that the guest reads are in it. Exits that the module serves itself do not come here:
 * its trace events show those.
 *
 * RIP is that of the vCPU while userspace has it: the instruction's, or behind it where the
 * hypervisor has completed it already. A line is written at once, by the vCPU's own thread.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "clock.h"
#include "compiler.h"
#include "kvm/exits.h"
#include "machine/exit_log.h"
#include "machine/ports.h"
#include "terminal/message.h"

/**
 * exit_log_open() - begin to tell exits
 * @log: receives the state
 * @set: which
 * @file: where to, or NULL for where messages go
 * @flat: see struct exit_log
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1.
 */
int exit_log_open(struct exit_log *log, const struct exit_set *set, const char *file, bool flat,
		  struct sentence *why)
{
	log->set = *set;
	log->flat = flat;
	log->start = now_ns();
	log->to = file ? fopen(file, "we") : NULL;
	if (file && !log->to)
		return say(why, "The log %s cannot be written: %s.", file, strerror(errno));
	log->on = true;
	return 0;
}

static void line(const struct exit_log *log, const struct vcpu *vcpu, __u32 reason,
		 const char *text)
{
	long long us = (now_ns() - log->start) / NS_PER_US;
	struct kvm_regs regs;
	struct sentence s;

	if (ioctl(vcpu->fd, KVM_GET_REGS, &regs) < 0)
		regs.rip = 0;
	say(&s, "[%5lld.%06lld] vCPU %u at RIP 0x%llx %s. (KVM_EXIT_%s)", us / 1000000,
	    us % 1000000, vcpu->id, regs.rip, text, exit_name(reason));
	message_lines_to(log->to, MESSAGE_DEBUG, MESSAGE_EXIT, s.text);
}

/* KVM_RUN has returned with an exit, and it was served. */
void exit_log_exit(const struct exit_log *log, const struct vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;
	const char *owner = NULL;
	struct sentence s;

	if (!log->on || run->exit_reason >= EXIT_REASONS_MAX || !log->set.has[run->exit_reason])
		return;
	if (run->exit_reason == KVM_EXIT_IO)
		owner = port_owner(run->io.port, log->flat);
	exit_tell(run, owner, &s);
	line(log, vcpu, run->exit_reason, s.text);
}

/* KVM_RUN has returned with EINTR; struct kvm_run need not say so. */
void exit_log_interrupted(const struct exit_log *log, const struct vcpu *vcpu)
{
	if (log->on && log->set.has[KVM_EXIT_INTR])
		line(log, vcpu, KVM_EXIT_INTR, "is interrupted by a signal");
}

/* Return: 0, or the errno with which writing has failed. */
int exit_log_close(struct exit_log *log)
{
	FILE *to = log->to;
	int err = 0;

	log->to = NULL;
	log->on = false;
	errno = 0;
	if (to && (ferror(to) || fclose(to)))
		err = errno ? errno : EIO;
	return err;
}
