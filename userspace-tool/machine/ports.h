/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine's I/O ports, as the vCPU loop sees them (KVM_EXIT_IO).
 */
#ifndef MINIKVM_TOOL_PORTS_H
#define MINIKVM_TOOL_PORTS_H

#include "machine/machine.h"

void ports_init(struct machine *m);
void port_out(struct machine *m, __u16 port, unsigned int size, const __u8 *data, __u32 count);
void port_in(struct machine *m, __u16 port, unsigned int size, __u8 *data, __u32 count);
const char *port_owner(__u16 port, bool flat);

#endif
