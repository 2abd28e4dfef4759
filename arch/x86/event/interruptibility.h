/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the guest takes now: the shadow of STI and MOV SS, the blocking of NMIs, RFLAGS.IF.
 */
#ifndef MINIKVM_ARCH_X86_INTERRUPTIBILITY_H
#define MINIKVM_ARCH_X86_INTERRUPTIBILITY_H

#include "virt/vcpu.h"

u32 event_get_shadow(struct mkvm_vcpu *vcpu);
void event_set_shadow(struct mkvm_vcpu *vcpu, u32 mask);
bool event_get_nmi_mask(struct mkvm_vcpu *vcpu);
void event_set_nmi_mask(struct mkvm_vcpu *vcpu, bool masked);
bool event_interrupt_allowed(struct mkvm_vcpu *vcpu);
bool event_nmi_allowed(struct mkvm_vcpu *vcpu);

#endif
