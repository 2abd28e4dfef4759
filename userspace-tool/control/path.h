/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the control sockets of running guests are: path.c.
 */
#ifndef MINIKVM_TOOL_PATH_H
#define MINIKVM_TOOL_PATH_H

#include <stdbool.h>
#include <sys/un.h>

#include "terminal/sentence.h"

#define CONTROL_NAME_MAX	48

bool control_name_ok(const char *name);
int control_directory(char *dir, size_t size, bool make, struct sentence *why);
int control_address(const char *name, bool make, struct sockaddr_un *sa, struct sentence *why);
int control_connect(const struct sockaddr_un *sa);

#endif
