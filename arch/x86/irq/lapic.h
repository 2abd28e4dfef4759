/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * arch/x86/irq/lapic.h - the local APIC: SDM, "Advanced Programmable Interrupt Controller".
 *
 * xAPIC and x2APIC, all timer modes. State may be changed by other threads (interrupts come
 * in any context): IRR and pending events are atomic, the rest belongs to the vCPU's thread.
 */
#ifndef MINIKVM_ARCH_X86_IRQ_LAPIC_H
#define MINIKVM_ARCH_X86_IRQ_LAPIC_H

#include "virt/vcpu.h"

#define LAPIC_DEFAULT_BASE	0xfee00000ull
#define LAPIC_MMIO_SIZE		0x1000

/* Delivery modes and destinations as the ICR encodes them. */
enum lapic_delivery { DM_FIXED, DM_LOWEST, DM_SMI, DM_RESERVED, DM_NMI, DM_INIT, DM_SIPI, DM_EXTINT };
enum lapic_shorthand { DSH_NONE, DSH_SELF, DSH_ALL, DSH_ALL_BUT_SELF };

/* One interrupt message, from an ICR, an IOAPIC entry or an MSI. */
struct lapic_irq {
	u32 dest_id;
	u8 vector;
	u8 delivery_mode;	/* enum lapic_delivery */
	u8 shorthand;
	bool logical;		/* logical destination mode */
	bool level;		/* assert */
	bool trig_level;	/* level triggered */
	bool msi_redir_hint;
};

int lapic_create(struct mkvm_vcpu *vcpu);
void lapic_destroy(struct mkvm_vcpu *vcpu);
void lapic_reset(struct mkvm_vcpu *vcpu, bool init_event);

/* Send @irq to whom it may concern: number of vCPUs reached, 0 coalesced, -1 nobody. Any context. */
int lapic_deliver(struct mkvm_vm *vm, struct mkvm_vcpu *source, const struct lapic_irq *irq);
/* MSI address and data to a struct lapic_irq. */
void lapic_msi_to_irq(struct mkvm_vm *vm, u64 address, u32 data, struct lapic_irq *irq);

/* Highest vector in IRR that PPR lets through, or -1. No side effect. vCPU thread. */
int lapic_pending_vector(struct mkvm_vcpu *vcpu);
/* Move @vector from IRR to ISR: it is being injected. */
void lapic_ack(struct mkvm_vcpu *vcpu, int vector);
/* May the 8259 interrupt this vCPU (LVT0 as ExtINT unmasked, or APIC off)? */
bool lapic_accepts_pic(struct mkvm_vcpu *vcpu);
bool lapic_enabled(struct mkvm_vcpu *vcpu);	/* globally, IA32_APIC_BASE */
bool lapic_sw_enabled(struct mkvm_vcpu *vcpu);
/* Priority threshold for the TPR-below-threshold exit: 0 when none is wanted. */
int lapic_tpr_threshold(struct mkvm_vcpu *vcpu);

/* Registers. @offset within the page; len 1..4 (8 for x2APIC's ICR). 0, or 1 for #GP (x2APIC). */
int lapic_mmio_read(struct mkvm_vcpu *vcpu, u32 offset, int len, void *data);
int lapic_mmio_write(struct mkvm_vcpu *vcpu, u32 offset, int len, const void *data);
int lapic_x2apic_msr_read(struct mkvm_vcpu *vcpu, u32 msr, u64 *data);
int lapic_x2apic_msr_write(struct mkvm_vcpu *vcpu, u32 msr, u64 data);
/* The two hot writes, for exit fast paths. */
void lapic_eoi(struct mkvm_vcpu *vcpu);
int lapic_set_base(struct mkvm_vcpu *vcpu, u64 base, bool host);
bool lapic_x2apic_mode(struct mkvm_vcpu *vcpu);
/* Is @gpa inside this vCPU's xAPIC page? */
bool lapic_owns_gpa(struct mkvm_vcpu *vcpu, gpa_t gpa);

unsigned long lapic_get_cr8(struct mkvm_vcpu *vcpu);
void lapic_set_cr8(struct mkvm_vcpu *vcpu, unsigned long cr8);
/* TPR as the hardware left it in the virtual-APIC page: the same page, nothing to copy. */
void *lapic_regs_page(struct mkvm_vcpu *vcpu);

u64 lapic_get_tsc_deadline(struct mkvm_vcpu *vcpu);
void lapic_set_tsc_deadline(struct mkvm_vcpu *vcpu, u64 deadline);
/* MKVM_REQ_LAPIC_TIMER: turn the expired timer into an interrupt. vCPU thread. */
void lapic_inject_timer(struct mkvm_vcpu *vcpu);
bool lapic_timer_pending(struct mkvm_vcpu *vcpu);

/* LINT0/LINT1: the 8254's NMI watchdog use, KVM_NMI. */
void lapic_deliver_lint(struct mkvm_vcpu *vcpu, int lint);

/* INIT and SIPI wait here until the vCPU thread takes them. */
bool lapic_has_events(struct mkvm_vcpu *vcpu);
void lapic_accept_events(struct mkvm_vcpu *vcpu);

/* KVM_GET_LAPIC, KVM_SET_LAPIC: 0 or -EINVAL. vCPU loaded. */
int lapic_get_state(struct mkvm_vcpu *vcpu, struct kvm_lapic_state *s);
int lapic_set_state(struct mkvm_vcpu *vcpu, const struct kvm_lapic_state *s);

#endif
