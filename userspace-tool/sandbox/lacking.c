// SPDX-License-Identifier: GPL-2.0-only
/*
 * The sandbox where the machine that built the tool lacked libseccomp: the guest runs without, and
 * it is said. Compiled instead of sandbox.c (Makefile).
 */
#include "sandbox/sandbox.h"
#include "terminal/message.h"

int sandbox_enter(unsigned int needs, struct sentence *why)
{
	(void)needs;
	(void)why;
	message(MESSAGE_WARNING,
		"This minikvm was built without its sandbox, and runs the guest without one: install these packages and build it again: apt-get install %s",
		SANDBOX_LACKS);
	return 0;
}
