/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a vCPU does apart from executing instructions: it halts, or waits for INIT or SIPI.
 *
 * KVM's ABI, KVM_GET_MP_STATE; SDM, "Guest Non-Register State" (activity state). All writes of
 * vcpu->arch.mp_state are made here. The vCPU's mutex is held.
 */
#ifndef MINIKVM_ARCH_X86_MP_STATE_H
#define MINIKVM_ARCH_X86_MP_STATE_H

#include "virt/vcpu.h"

/* @state: KVM_MP_STATE_* */
static inline void mp_state_set(struct mkvm_vcpu *vcpu, u32 state)
{
	vcpu->arch.mp_state = state;
}

#endif
