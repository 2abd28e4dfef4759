/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine's I/O ports, as the vCPU loop sees them (KVM_EXIT_IO).
 */
#ifndef MINIKVM_TOOL_PORTS_H
#define MINIKVM_TOOL_PORTS_H

#include "machine/machine.h"

/**
 * port_out() - the guest writes to a port
 * @m: the machine
 * @port: the port
 * @size: bytes of one access: 1, 2 or 4
 * @data: @count accesses, one after the other
 * @count: how many; more than one from REP OUTS
 */
void port_out(struct machine *m, __u16 port, unsigned int size, const __u8 *data, __u32 count);

/* The guest reads from a port; arguments as port_out(), @data is filled. */
void port_in(struct machine *m, __u16 port, unsigned int size, __u8 *data, __u32 count);

/**
 * port_owner() - is a port one of the machine's own, so that --debug-exit cannot have it?
 * @port: the port
 * @flat: the machine of --flat, which has no devices in the kernel
 *
 * The reset ports are not listed: with --debug-exit, a write to one of them ends the run as that.
 *
 * Return: what it is, or NULL.
 */
const char *port_owner(__u16 port, bool flat);

#endif
