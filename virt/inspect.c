// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looking into a vCPU that may be running.
 *
 * vcpu->mutex guards all of a vCPU, and KVM_RUN holds it for as long as the guest runs: a reader
 * that waited for it could wait without end. So a reader that finds it taken leaves a request, and
 * the vCPU's thread looks for it between two entries. Either thread may be the one that looks; the
 * pointer vcpu->inspection says whose turn it is, and is only ever exchanged. Relies on
 * virt/request.c for the kick.
 */
#include <linux/jiffies.h>
#include <linux/mutex.h>

#include "virt/inspect.h"
#include "virt/request.h"

/* How long a vCPU may be held up by the host before a reader gives up, and how often it looks. */
#define PATIENCE	HZ
#define STEP		max(HZ / 100, 1)

/* Was it not served yet? Then it never will be. */
static bool take_back(struct mkvm_vcpu *vcpu, struct mkvm_inspection *mine)
{
	return cmpxchg(&vcpu->inspection, mine, NULL) == mine;
}

/**
 * mkvm_inspect() - call a function that looks into a vCPU, wherever its thread is
 * @vcpu: the vCPU; the caller holds none of its locks
 * @look: is called once, with vcpu->mutex held by this thread or by the vCPU's; may not write
 * @arg: for @look
 *
 * Context: process. Takes at most about a second.
 * Return: 0, or -EBUSY: the vCPU's thread is held up in the host, and @look was not called.
 */
int mkvm_inspect(struct mkvm_vcpu *vcpu, void (*look)(struct mkvm_vcpu *vcpu, void *arg),
		 void *arg)
{
	struct mkvm_inspection mine = { .look = look, .arg = arg };
	unsigned long end = jiffies + PATIENCE;
	bool asked = false;

	init_completion(&mine.done);
	do {
		if (mutex_trylock(&vcpu->mutex)) {
			if (!asked || take_back(vcpu, &mine))
				look(vcpu, arg);
			mutex_unlock(&vcpu->mutex);
			return 0;
		}
		/* Another reader's turn: this one's may come with the next step. */
		if (!asked && !cmpxchg(&vcpu->inspection, NULL, &mine)) {
			asked = true;
			mkvm_make_request(MKVM_REQ_INSPECT, vcpu);
			mkvm_vcpu_kick(vcpu);
		}
		if (!asked)
			schedule_timeout_uninterruptible(STEP);
		else if (wait_for_completion_timeout(&mine.done, STEP))
			return 0;
	} while (time_before(jiffies, end));
	if (!asked || take_back(vcpu, &mine))
		return -EBUSY;
	/* The vCPU's thread has begun. */
	wait_for_completion(&mine.done);
	return 0;
}

/**
 * mkvm_inspect_serve() - MKVM_REQ_INSPECT: let the reader look
 * @vcpu: the vCPU, whose thread this is
 */
void mkvm_inspect_serve(struct mkvm_vcpu *vcpu)
{
	struct mkvm_inspection *i = xchg(&vcpu->inspection, NULL);

	if (!i)
		return;
	i->look(vcpu, i->arg);
	complete(&i->done);
}
