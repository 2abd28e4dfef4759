/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requests of the control socket that are about devices: device_request.c.
 */
#ifndef MINIKVM_TOOL_DEVICE_REQUEST_H
#define MINIKVM_TOOL_DEVICE_REQUEST_H

#include <json-c/json.h>

#include "machine/machine.h"

void device_request_describe(struct machine *m, struct json_object *o);
struct json_object *device_request_add_disk(struct machine *m, int fd, bool threads,
					    struct sentence *why);
int device_request_balloon(struct machine *m, __u64 size, struct sentence *why);

#endif
