// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VM generation ID, by Microsoft's specification "Virtual Machine Generation ID": 16 random
 * bytes in the guest's memory, which are others after each restore. \_SB.VGEN of the DSDT
 * (boot/dsdt.c) says where they are, and general-purpose event 1 that they have changed: the
 * guest's kernel then no longer trusts the state of its random number generator, which a clone of
 * it has, too.
 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "boot/acpi.h"
#include "machine/generation.h"
#include "machine/machine.h"
#include "machine/power.h"

#define ID_SIZE		16

/**
 * generation_renew() - give the guest another generation ID
 * @m: the machine, none of whose vCPUs runs
 * @tell: raise the event: it has run before
 * @why: receives the sentence on failure
 *
 * A guest whose DSDT has no such device is not disturbed: the bytes are in memory that its
 * operating system does not use, and the event is not enabled.
 *
 * Return: 0, or -1.
 */
int generation_renew(struct machine *m, bool tell, struct sentence *why)
{
	void *id = guest_ram_at(&m->vm.ram, GUEST_GENERATION, ID_SIZE);

	if (!id)
		return 0;	/* less than a MiB: it has no ACPI tables either */
	if (getrandom(id, ID_SIZE, 0) != ID_SIZE)
		return say(why, "There are no random bytes for the VM generation ID: %s.",
			   strerror(errno));
	if (tell)
		power_event(m, ACPI_GPE_GENERATION);
	return 0;
}
