/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The content of the DSDT: dsdt.c.
 */
#ifndef MINIKVM_TOOL_DSDT_H
#define MINIKVM_TOOL_DSDT_H

#include "boot/aml.h"
#include "devices/pci.h"

void dsdt_build(struct aml *a, const struct pci_root *pci, bool steered);

#endif
