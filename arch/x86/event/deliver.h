/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The next event into the guest, and back when its delivery was cut short.
 */
#ifndef MINIKVM_ARCH_X86_DELIVER_H
#define MINIKVM_ARCH_X86_DELIVER_H

#include "virt/vcpu.h"

void event_deliver(struct mkvm_vcpu *vcpu);
void event_recover(struct mkvm_vcpu *vcpu, u32 info);
bool event_has_interrupt(struct mkvm_vcpu *vcpu);
bool event_ready_for_user_interrupt(struct mkvm_vcpu *vcpu);

#endif
