/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state of a device as bytes, and how a device says what its state is.
 *
 * A device that wants to be in snapshots defines a struct device_state and registers it with
 * machine_add_state(). What save() puts, load() gets in the same order. Bytes are those of this
 * processor; a change of their meaning is a new version, and load() says which ones it knows.
 */
#ifndef MINIKVM_TOOL_STATE_H
#define MINIKVM_TOOL_STATE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "terminal/sentence.h"

#define STATE_NAME_SIZE	24	/* with the final NUL */

/**
 * struct state_out - bytes that are being written
 * @data: the bytes
 * @len: how many there are
 * @room: how many fit
 * @failed: there was no memory, and some are missing
 */
struct state_out {
	__u8 *data;
	size_t len;
	size_t room;
	bool failed;
};

/**
 * struct state_in - bytes that are being read
 * @data: the bytes
 * @len: how many there are
 * @at: how many have been read
 * @failed: more was wanted than there is
 */
struct state_in {
	const __u8 *data;
	size_t len;
	size_t at;
	bool failed;
};

/**
 * struct device_state - the state of a kind of device
 * @name: of its section in a snapshot, less than STATE_NAME_SIZE characters
 * @version: what save() writes
 * @drain: finish what is under way and begin nothing new, or NULL; every vCPU stands still
 * @resume: go on after drain(), or NULL
 * @save: write the state; every vCPU stands still, and drain() was called
 * @load: read the state into a device that is as after its initialisation, before any vCPU runs.
 *	It must not rely on what it reads: a snapshot may come from anywhere. Return: 0, or -1 with
 *	the sentence; bytes that are missing or left over are found by the caller
 *
 * The first argument is the one that machine_add_state() was given.
 */
struct device_state {
	const char *name;
	__u32 version;
	void (*drain)(void *device);
	void (*resume)(void *device);
	void (*save)(void *device, struct state_out *out);
	int (*load)(void *device, struct state_in *in, __u32 version, struct sentence *why);
};

void *state_room(struct state_out *out, size_t len);
void state_put(struct state_out *out, const void *data, size_t len);
void state_get(struct state_in *in, void *data, size_t len);
const void *state_take(struct state_in *in, size_t len);
void state_free(struct state_out *out);

/* An object, as many bytes as it has. */
#define STATE_PUT(out, object) state_put(out, &(object), sizeof(object))
#define STATE_GET(in, object) state_get(in, &(object), sizeof(object))

#endif
