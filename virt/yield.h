/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Directed yield: a vCPU that spins gives its CPU to one that it may be waiting for. See yield.c.
 */
#ifndef MINIKVM_VIRT_YIELD_H
#define MINIKVM_VIRT_YIELD_H

#include <linux/types.h>

struct mkvm_vcpu;

bool mkvm_vcpu_yield_to(struct mkvm_vcpu *vcpu);
void mkvm_vcpu_on_spin(struct mkvm_vcpu *me);

#endif
