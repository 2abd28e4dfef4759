/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `minikvm run --gdb`: a debugger at a socket.
 */
#ifndef MINIKVM_TOOL_STUB_H
#define MINIKVM_TOOL_STUB_H

#include <stdbool.h>

#include "machine/machine.h"

struct stub;

bool stub_address_ok(const char *address);
struct stub *stub_open(struct machine *m, const char *address, struct sentence *why);
int stub_start(struct stub *s, struct sentence *why);
void stub_close(struct stub *s, int status);

#endif
