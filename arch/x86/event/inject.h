/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events on their way into the guest: exceptions, NMIs, interrupts.
 *
 * SDM, "Interrupt and Exception Handling" (double-fault rules) and "Event Injection".
 * Queueing only notes the event in vcpu->arch; the entry path (deliver.c) delivers it.
 */
#ifndef MINIKVM_ARCH_X86_INJECT_H
#define MINIKVM_ARCH_X86_INJECT_H

#include <asm/trapnr.h>

#include "virt/vcpu.h"

void inject_exception(struct mkvm_vcpu *vcpu, u8 vector);
void inject_exception_code(struct mkvm_vcpu *vcpu, u8 vector, u32 error_code);
void inject_page_fault(struct mkvm_vcpu *vcpu, u64 cr2, u32 error_code);
void inject_debug(struct mkvm_vcpu *vcpu, unsigned long dr6_bits);

static inline void inject_gp(struct mkvm_vcpu *vcpu, u32 error_code)
{
	inject_exception_code(vcpu, X86_TRAP_GP, error_code);
}

static inline void inject_ud(struct mkvm_vcpu *vcpu)
{
	inject_exception(vcpu, X86_TRAP_UD);
}

/* The interrupt that the next entry carries; @soft: of INT n. */
static inline void inject_interrupt(struct mkvm_vcpu *vcpu, u8 vector, bool soft)
{
	vcpu->arch.interrupt.injected = true;
	vcpu->arch.interrupt.soft = soft;
	vcpu->arch.interrupt.nr = vector;
}

/* The interrupt or NMI that was injected is delivered. */
static __always_inline void inject_interrupt_done(struct mkvm_vcpu *vcpu)
{
	vcpu->arch.interrupt.injected = false;
	vcpu->arch.nmi_injected = false;
}

/* What the last entry carried is delivered. */
static __always_inline void inject_done(struct mkvm_vcpu *vcpu)
{
	vcpu->arch.exception.injected = false;
	inject_interrupt_done(vcpu);
}

void inject_get_events(struct mkvm_vcpu *vcpu, struct kvm_vcpu_events *events);
int inject_set_events(struct mkvm_vcpu *vcpu, const struct kvm_vcpu_events *events);
void inject_deliver_payload(struct mkvm_vcpu *vcpu);
void inject_clear(struct mkvm_vcpu *vcpu);
void inject_take_nmis(struct mkvm_vcpu *vcpu);

#endif
