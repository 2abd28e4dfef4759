// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits to userspace as sentences: see exit_sentence.h. KVM's ABI, "The kvm_run structure".
 *
 * The subject of each sentence is the guest. Pure: linked into the tool and into its unit tests.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "compiler.h"
#include "kvm/exit_sentence.h"
#include "kvm/exits.h"

#define ALL		"all"
#define UNNAMED		"unnamed"
#define NAME_MAX_LEN	32
#define VECTOR_BP	3

static void lower_name(unsigned int reason, char name[NAME_MAX_LEN])
{
	const char *from = exit_name(reason);
	size_t i;

	for (i = 0; from[i] && i < NAME_MAX_LEN - 1; i++)
		name[i] = tolower((unsigned char)from[i]);
	name[i] = 0;
}

static int say_names(const char *wrong, size_t len, struct sentence *why)
{
	char list[512] = ALL, name[NAME_MAX_LEN];
	size_t have = strlen(list);
	unsigned int i;

	for (i = 0; i < EXIT_REASONS_MAX; i++) {
		lower_name(i, name);
		if (strcmp(name, UNNAMED) != 0 && have < sizeof(list))
			have += snprintf(list + have, sizeof(list) - have, " %s", name);
	}
	return say(why, "There is no exit '%.*s'; there are: %s.", len < 40 ? (int)len : 40, wrong,
		   list);
}

/* Add one name. Return: whether there is such a one. */
static bool add_name(struct exit_set *set, const char *s, size_t len)
{
	char name[NAME_MAX_LEN];
	unsigned int i;
	bool found = false;

	for (i = 0; i < EXIT_REASONS_MAX; i++) {
		lower_name(i, name);
		if ((len == strlen(ALL) && !strncmp(s, ALL, len)) ||
		    (strcmp(name, UNNAMED) != 0 && len == strlen(name) && !strncmp(s, name, len))) {
			set->has[i] = true;
			found = true;
		}
	}
	return found;
}

/**
 * exit_set_parse() - read a list of exits' names
 * @set: what they are added to
 * @names: KVM's names in small letters without KVM_EXIT_, or "all", with commas between
 * @why: receives the sentence on failure, with the names that there are
 *
 * Return: 0, or -1.
 */
int exit_set_parse(struct exit_set *set, const char *names, struct sentence *why)
{
	size_t len;

	for (;;) {
		len = strcspn(names, ",");
		if (!add_name(set, names, len))
			return say_names(names, len, why);
		if (!names[len])
			return 0;
		names += len + 1;
	}
}

/* A number of 1, 2, 4 or 8 bytes; a byte that is a letter as that, too. */
static void number(char text[48], const __u8 *data, unsigned int size)
{
	__u64 value = 0;

	memcpy(&value, data, size <= sizeof(value) ? size : sizeof(value));
	if (size == 1 && value >= ' ' && value <= '~')
		snprintf(text, 48, "0x%02llx ('%c')", value, (char)value);
	else
		snprintf(text, 48, "0x%0*llx", (int)size * 2, value);
}

static void tell_io(const struct kvm_run *run, const char *owner, struct sentence *s)
{
	const __u8 *data = (const __u8 *)run + run->io.data_offset;
	bool out = run->io.direction == KVM_EXIT_IO_OUT;
	char value[48], times[32] = "";

	number(value, data, run->io.size);
	if (run->io.count > 1)
		snprintf(times, sizeof(times), ", and %u more", run->io.count - 1);
	say(s, "%s %s%s %s port 0x%x%s%s", out ? "writes" : "reads", value, times,
	    out ? "to" : "from", run->io.port, owner ? ", " : "", owner ? owner : "");
}

static void tell_mmio(const struct kvm_run *run, const char *owner, struct sentence *s)
{
	bool out = run->mmio.is_write;
	char value[48];

	number(value, run->mmio.data, run->mmio.len);
	say(s, "%s %s %s guest-physical 0x%llx, %s", out ? "writes" : "reads", value,
	    out ? "to" : "from", run->mmio.phys_addr, owner ? owner : "where nothing is");
}

/**
 * exit_tell() - what the guest did that made it leave to userspace
 * @run: the vCPU's struct kvm_run, the exit served: what was read is there
 * @owner: the device that an access went to, or NULL
 * @s: receives a sentence without its subject, which is the vCPU, and without its full stop
 */
void exit_tell(const struct kvm_run *run, const char *owner, struct sentence *s)
{
	size_t len;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		tell_io(run, owner, s);
		break;
	case KVM_EXIT_MMIO:
		tell_mmio(run, owner, s);
		break;
	case KVM_EXIT_HLT:
		say(s, "halts, and there is no interrupt controller that could wake it");
		break;
	case KVM_EXIT_SHUTDOWN:
		say(s, "shuts down: a triple fault");
		break;
	case KVM_EXIT_INTR:
		say(s, "is interrupted: this process has something else to do");
		break;
	case KVM_EXIT_DEBUG:
		say(s, "stops for the debugger at linear 0x%llx: %s (DR6 0x%llx)",
		    run->debug.arch.pc,
		    run->debug.arch.exception == VECTOR_BP ? "a breakpoint in its code" :
		    "a step, or a debug register", run->debug.arch.dr6);
		break;
	case KVM_EXIT_SYSTEM_EVENT:
		say(s, "reports system event %u", run->system_event.type);
		break;
	default:
		/* These have sentences of their own, with a full stop. */
		exit_explain(run, s);
		len = strlen(s->text);
		if (len && s->text[len - 1] == '.')
			s->text[len - 1] = 0;
	}
}
