/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device node behind which a hypervisor speaks KVM's ABI, and which module that is: minikvm
 * as /dev/minikvm, minikvm as /dev/kvm (module option node=kvm), or KVM.
 */
#ifndef MINIKVM_TOOL_NODE_H
#define MINIKVM_TOOL_NODE_H

#include <stdbool.h>

#include "terminal/sentence.h"

#define NODE_API_VERSION	12

/* What minikvm.ko is on this machine. */
enum minikvm_state {
	MINIKVM_ABSENT,		/* not loaded */
	MINIKVM_VTD_ALONE,	/* loaded, but without VT-x there is no node */
	MINIKVM_READY,		/* loaded, and its node is node_default() */
};

bool module_loaded(const char *name);
enum minikvm_state minikvm_state(void);
const char *node_default(void);
bool node_is_minikvm(const char *device);
int node_open(const char *device, struct sentence *why);

#endif
