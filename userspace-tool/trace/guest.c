// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a guest kernel announces: a hypercall of minikvm's (MINIKVM_HC_ANNOUNCE) whose trace event
 * (kvm_hypercall) holds its arguments, under KVM too, which does not know it. The teaching kernel
 * makes them (selftests/guest-kernel/announce.h), and any other guest may.
 *
 * The guest chooses what stands in there: numbers are cut to a byte, names to what can be printed.
 * Pure: linked into the tool and its tests.
 */
#include <stdio.h>
#include <string.h>

#include "trace/guest.h"

#define ANNOUNCE_HYPERCALL	0x6d6b7670	/* "mkvp" */
#define ANNOUNCE_SWITCH		1
#define ANNOUNCE_STATE		2
#define ANNOUNCE_FAULT		3
#define ANNOUNCE_END		4
#define FAULT_WRITE		0x2
#define FAULT_EXECUTE		0x10

/* A process's state is a set of these. */
static const char * const states[] = { "Init", "Ready", "Running", "Pend", "Zombie" };

static void put_states(__u64 set, char *text, size_t size)
{
	size_t i, used = 0;

	snprintf(text, size, "%s", "free");
	for (i = 0; i < 5; i++)
		if (set >> i & 1 && used < size)
			used += snprintf(text + used, size - used, "%s%s", used ? "+" : "",
					 states[i]);
}

/**
 * guest_describe() - an announcement in words
 * @call: RAX, RBX, RCX, RDX, RSI of the hypercall
 * @text: receives them
 * @size: bytes of @text
 *
 * Return: whether it is one.
 */
bool guest_describe(const __u64 call[5], char *text, size_t size)
{
	struct guest_switch s;
	char set[48];

	if (guest_read_switch(call, &s)) {
		snprintf(text, size, "the guest runs process %u, task %u (%s)", s.process, s.task,
			 s.name);
		return true;
	}
	if (call[0] != ANNOUNCE_HYPERCALL)
		return false;
	if (call[1] == ANNOUNCE_STATE) {
		put_states(call[2] & 0x1f, set, sizeof(set));
		snprintf(text, size, "the guest's process %llu is %s", call[2] >> 8 & 0xff, set);
		return true;
	}
	if (call[1] == ANNOUNCE_FAULT) {
		snprintf(text, size, "the guest's process %llu has a page fault: %s of 0x%llx",
			 call[2] & 0xff,
			 call[4] & FAULT_EXECUTE ? "execution" :
			 call[4] & FAULT_WRITE ? "write" : "read", call[3]);
		return true;
	}
	if (guest_is_end(call)) {
		snprintf(text, size, "the guest announces no more");
		return true;
	}
	return false;
}

/* Does a hypercall say that the guest announces no more? */
bool guest_is_end(const __u64 call[5])
{
	return call[0] == ANNOUNCE_HYPERCALL && call[1] == ANNOUNCE_END;
}

/**
 * guest_read_switch() - is a hypercall the announcement of a switch?
 * @call: RAX, RBX, RCX, RDX, RSI
 * @s: filled if it is
 *
 * Return: whether it is.
 */
bool guest_read_switch(const __u64 call[5], struct guest_switch *s)
{
	unsigned int i;

	if (call[0] != ANNOUNCE_HYPERCALL || call[1] != ANNOUNCE_SWITCH)
		return false;
	s->process = call[2] & 0xff;
	s->task = call[2] >> 8 & 0xff;
	memcpy(s->name, &call[3], GUEST_NAME_MAX);
	s->name[GUEST_NAME_MAX - 1] = 0;
	for (i = 0; s->name[i]; i++)
		if (s->name[i] <= ' ' || s->name[i] > '~')
			s->name[i] = '?';
	return true;
}
