/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vCPU that halts: what ends it, and how its thread waits for that. See halt.c.
 */
#ifndef MINIKVM_ARCH_X86_HALT_H
#define MINIKVM_ARCH_X86_HALT_H

#include "virt/vcpu.h"

bool halt_has_event(struct mkvm_vcpu *vcpu);
void halt_leave(struct mkvm_vcpu *vcpu);
void halt_block(struct mkvm_vcpu *vcpu);

#endif
