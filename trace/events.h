/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The module's tracepoints as a whole; each room includes the header of those that it calls.
 */
#ifndef MINIKVM_TRACE_EVENTS_H
#define MINIKVM_TRACE_EVENTS_H

void trace_say_where(void);

#endif
