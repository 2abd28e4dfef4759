/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the state of the machine's own small devices consists of: device_states.c.
 */
#ifndef MINIKVM_TOOL_DEVICE_STATES_H
#define MINIKVM_TOOL_DEVICE_STATES_H

#include "state/state.h"

extern const struct device_state uart_state;	/* of a struct uart */
extern const struct device_state rtc_state;	/* of a struct rtc */
extern const struct device_state power_state;	/* of a struct machine: its PM1 registers */
extern const struct device_state pci_address_state;	/* of a struct pci_bus */

#endif
