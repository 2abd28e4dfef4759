/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The life of a vCPU on x86: reset, KVM_RUN's loop, completion of exits.
 */
#ifndef MINIKVM_ARCH_X86_RUN_H
#define MINIKVM_ARCH_X86_RUN_H

#include "virt/vcpu.h"

/* State after power-up or INIT. The vCPU's mutex is held or it is not visible yet; loaded. */
void mkvm_vcpu_reset(struct mkvm_vcpu *vcpu, bool init_event);

/* Carry out the INIT and SIPI that the LAPIC has; vCPU loaded. */
void vcpu_accept_events(struct mkvm_vcpu *vcpu);
#endif
