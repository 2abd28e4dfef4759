/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the process of a guest may still do once the guest runs: sandbox.c and
 * Documentation/sandbox.rst.
 */
#ifndef MINIKVM_TOOL_SANDBOX_H
#define MINIKVM_TOOL_SANDBOX_H

#include "terminal/sentence.h"

/* What a run needs beyond what every run does. A device that needs more has a bit here. */
#define SANDBOX_SOCKETS		0x1	/* it accepts connections: debugger, control socket */
#define SANDBOX_UNLINK		0x2	/* it removes its own socket at the end */
#define SANDBOX_REOPEN		0x4	/* a reset opens devices and images again */
#define SANDBOX_DISK		0x8	/* it has images: io_uring, which begins with each queue */
#define SANDBOX_VHOST_USER	0x10	/* other processes serve devices: it connects again */
#define SANDBOX_CHILD		0x20	/* it waits for the end of a process that it has started */
#define SANDBOX_CONNECT		0x40	/* it connects to unix sockets */
#define SANDBOX_HOTPLUG		0x80	/* disks come while it runs, as descriptors */

int sandbox_enter(unsigned int needs, struct sentence *why);

#endif
