/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What must be so before ioctls of x86 are carried out, for the tables of this directory.
 */
#ifndef MINIKVM_ARCH_X86_ABI_RULE_H
#define MINIKVM_ARCH_X86_ABI_RULE_H

#include "virt/ioctl.h"

extern const struct mkvm_rule rule_no_vcpus, rule_no_irqchip, rule_full_irqchip, rule_no_pit,
			      rule_pit, rule_lapic;

#endif
