/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The other end of the control socket, for `minikvm ctl` and `minikvm ls`: client.c.
 */
#ifndef MINIKVM_TOOL_CLIENT_H
#define MINIKVM_TOOL_CLIENT_H

#include <json-c/json.h>

#include "control/line.h"
#include "control/path.h"

/**
 * struct control_client - a connection to a guest's control socket
 * @fd: the connection, or -1
 * @lines: what came and was not read yet
 */
struct control_client {
	int fd;
	struct line_reader lines;
};

int client_open(struct control_client *c, const char *name, struct sentence *why);
int client_send(struct control_client *c, struct json_object *request, const int *files,
		unsigned int count, struct sentence *why);
struct json_object *client_receive(struct control_client *c, struct sentence *why);
struct json_object *client_ask(struct control_client *c, struct json_object *request,
			       const int *files, unsigned int count, struct sentence *why);
void client_close(struct control_client *c);

#endif
