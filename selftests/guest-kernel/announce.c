// SPDX-License-Identifier: GPL-2.0-only
/*
 * Telling the hypervisor what the guest does: a hypercall for each change of state. KVM does not
 * know it, and it does nothing there; but its trace event (kvm_hypercall) holds its arguments, and
 * so `minikvm trace` can show the guest's processes beside the exits that they cause. minikvm keeps
 * what each processor runs for `minikvm stat` (MINIKVM_HC_ANNOUNCE in uapi/linux/minikvm.h).
 *
 * It is off at first, since a guest cannot see that its host traces: a change costs a test of one
 * flag then, and no exit. "announce" on the command line or the shell's `announce on` turns it on.
 */
#include "announce.h"
#include "cpu.h"
#include "format.h"
#include "machine.h"
#include "task.h"

bool announcing;

/* Begin to announce, or end it. What the other processors run is told at their next switch. */
void announce_turn(bool on)
{
	if (announcing && !on)
		vmcall(ANNOUNCE_HYPERCALL, ANNOUNCE_END, 0, 0, 0);
	announcing = on;
	if (on)
		announce_switch(current());
}

/* A processor goes over to a task. */
void announce_switch(const struct task *to)
{
	u64 name[2];

	if (!announcing)
		return;
	memcpy(name, to->idle ? to->name : to->process->name, sizeof(name));
	vmcall(ANNOUNCE_HYPERCALL, ANNOUNCE_SWITCH, to->process->id | (u64)to->id << 8, name[0],
	       name[1]);
}

/* The running process has a page fault, which is no exit: the guest's own tables say no. */
void announce_fault(u64 address, u64 error)
{
	if (announcing)
		vmcall(ANNOUNCE_HYPERCALL, ANNOUNCE_FAULT, current()->process->id, address, error);
}

void state_changed(enum subject subject, unsigned int id, u8 to, const char *transition)
{
	(void)transition;
	if (announcing && subject == SUBJECT_PROCESS)
		vmcall(ANNOUNCE_HYPERCALL, ANNOUNCE_STATE, (u64)subject << 16 | id << 8 | to, 0, 0);
}
