/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vCPUs that wait: directed yield for those that spin, polling for those that halt. See spin.c.
 * Relies on vcpu->ready and vcpu->pid, which virt/vcpu.c keeps.
 */
#ifndef MINIKVM_VIRT_SPIN_H
#define MINIKVM_VIRT_SPIN_H

#include "virt/vcpu.h"

bool mkvm_vcpu_yield_to(struct mkvm_vcpu *vcpu);
void mkvm_vcpu_on_spin(struct mkvm_vcpu *me);
bool mkvm_halt_poll(struct mkvm_vcpu *vcpu, bool (*ends)(struct mkvm_vcpu *vcpu));
void mkvm_halt_poll_adapt(struct mkvm_vcpu *vcpu, u64 ns);

#endif
