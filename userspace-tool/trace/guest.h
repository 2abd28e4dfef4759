/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a guest kernel announces by hypercalls: guest.c.
 */
#ifndef MINIKVM_TOOL_GUEST_H
#define MINIKVM_TOOL_GUEST_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#define GUEST_NAME_MAX	16	/* with the final NUL */

/**
 * struct guest_switch - a vCPU goes over to another process of its guest's
 * @process: its number in the guest
 * @task: of its tasks, the one that runs: also a number in the guest
 * @name: its name: letters, digits and the like
 */
struct guest_switch {
	unsigned int process, task;
	char name[GUEST_NAME_MAX];
};

bool guest_describe(const __u64 call[5], char *text, size_t size);
bool guest_is_end(const __u64 call[5]);
bool guest_read_switch(const __u64 call[5], struct guest_switch *s);

#endif
