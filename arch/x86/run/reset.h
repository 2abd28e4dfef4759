/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Power-up, RESET and INIT.
 */
#ifndef MINIKVM_ARCH_X86_RESET_H
#define MINIKVM_ARCH_X86_RESET_H

#include "virt/vcpu.h"

void reset_vcpu(struct mkvm_vcpu *vcpu, bool init_event);

#endif
