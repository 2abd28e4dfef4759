/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SGDT, SIDT, LGDT, LIDT, SLDT, STR, LLDT, LTR.
 */
#ifndef MINIKVM_ARCH_X86_EXIT_DESCRIPTOR_H
#define MINIKVM_ARCH_X86_EXIT_DESCRIPTOR_H

#include "virt/vcpu.h"

int exit_descriptor_table(struct mkvm_vcpu *vcpu);

#endif
