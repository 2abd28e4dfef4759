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

/* Is a kernel module of this name loaded, or built in with parameters? */
bool module_loaded(const char *name);

enum minikvm_state minikvm_state(void);

/* The node that minikvm has, or would have if it were loaded without options. */
const char *node_default(void);

/**
 * node_is_minikvm() - is minikvm behind this node, or would it be?
 * @device: its path
 *
 * Asks the node itself. Where it cannot be opened, its name has to do.
 */
bool node_is_minikvm(const char *device);

/**
 * node_open() - open a device node that speaks KVM's ABI
 * @device: its path
 * @why: receives the sentence on failure, which also says what to do
 *
 * Return: the file descriptor, or -1 where the node is absent, may not be opened, has no driver
 * behind it or answers another version than NODE_API_VERSION.
 */
int node_open(const char *device, struct sentence *why);

#endif
