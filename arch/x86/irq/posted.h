/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Posted interrupts: the descriptor, and which CPU is notified of what is in it.
 *
 * SDM, "Posted-Interrupt Processing"; VT-d specification, "Interrupt Posting". The 64 bytes are
 * written by any CPU and by the remapping hardware of devices at any time: by atomic operations
 * only. posted.c has the states. vcpu->arch.posted is NULL where APICv is not used.
 */
#ifndef MINIKVM_ARCH_X86_IRQ_POSTED_H
#define MINIKVM_ARCH_X86_IRQ_POSTED_H

#include <linux/bitops.h>
#include <linux/jump_label.h>
#include <linux/types.h>

#include "virt/vcpu.h"

/**
 * struct posted_desc - the posted-interrupt descriptor, as processor and VT-d see it
 * @pir: posted-interrupt requests, a bit for each vector
 * @control: POSTED_*, notification vector and destination
 * @reserved: zero
 */
struct posted_desc {
	unsigned long pir[4];
	unsigned long control;
	u64 reserved[3];
} __aligned(64);

/* Bits of @control: in the descriptor these are bits 256 and on. */
#define POSTED_ON		0	/* outstanding: a notification is on its way, or was seen */
#define POSTED_SN		1	/* suppress: devices send no notification */
#define POSTED_NV_SHIFT		16	/* notification vector */
#define POSTED_NDST_SHIFT	32	/* notification destination: an APIC ID of the host's */

int posted_create(struct mkvm_vcpu *vcpu);
void posted_destroy(struct mkvm_vcpu *vcpu);
int posted_accept(struct mkvm_vcpu *vcpu, struct mkvm_vcpu *source, u8 vector);
u64 posted_destination(int cpu);

/* vCPU's thread and scheduler, where posted_used(). Preemption off, but for the last two. */
void posted_load(struct mkvm_vcpu *vcpu, int cpu);
void posted_put(struct mkvm_vcpu *vcpu);
void posted_block(struct mkvm_vcpu *vcpu);
void posted_unblock(struct mkvm_vcpu *vcpu);

int posted_module_init(void);
void posted_module_exit(void);

/* APICv is used, so that vCPUs have descriptors: without it asking costs nothing. */
DECLARE_STATIC_KEY_FALSE(posted_key);

/* Has this vCPU a descriptor? */
static inline bool posted_used(const struct mkvm_vcpu *vcpu)
{
	return static_branch_unlikely(&posted_key) && vcpu->arch.posted;
}

/* Does the processor deliver and end this vCPU's interrupts? IRR and ISR change in the guest. */
static inline bool lapic_virtualized(const struct mkvm_vcpu *vcpu)
{
	return static_branch_unlikely(&posted_key) && READ_ONCE(vcpu->arch.apic_virtualized);
}

/* Is there something for lapic_collect_posted()? vCPU thread, every entry. */
static inline bool posted_outstanding(const struct mkvm_vcpu *vcpu)
{
	return posted_used(vcpu) && READ_ONCE(vcpu->arch.posted->control) & BIT(POSTED_ON);
}

#endif
