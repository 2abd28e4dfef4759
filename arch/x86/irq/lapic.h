/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The local APIC: SDM, "Advanced Programmable Interrupt Controller".
 *
 * xAPIC and x2APIC, all timer modes. State may be changed by other threads (interrupts come
 * in any context): IRR, TMR, ESR and INIT/SIPI are atomic, the rest belongs to the vCPU's
 * thread. vcpu->arch.apic is NULL where userspace has the interrupt controllers; the
 * functions that a run loop needs say what they do then.
 */
#ifndef MINIKVM_ARCH_X86_IRQ_LAPIC_H
#define MINIKVM_ARCH_X86_IRQ_LAPIC_H

#include "virt/vcpu.h"

#define LAPIC_DEFAULT_BASE	0xfee00000ull

/* vcpu->arch.hv_timer_tsc when the VMX-preemption timer has nothing to wait for. */
#define LAPIC_NO_HV_TIMER	0ull

/* Delivery modes and destinations as the ICR encodes them. */
enum lapic_delivery {
	DM_FIXED, DM_LOWEST, DM_SMI, DM_RESERVED, DM_NMI, DM_INIT, DM_SIPI, DM_EXTINT
};

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
void lapic_postcreate(struct mkvm_vcpu *vcpu);
void lapic_destroy(struct mkvm_vcpu *vcpu);
void lapic_reset(struct mkvm_vcpu *vcpu, bool init_event);

/* Messages: any context. */
int lapic_deliver(struct mkvm_vm *vm, struct mkvm_vcpu *source, const struct lapic_irq *irq);
void lapic_msi_to_irq(struct mkvm_vm *vm, u64 address, u32 data, struct lapic_irq *irq);
bool lapic_matches(struct mkvm_vcpu *vcpu, struct mkvm_vcpu *source, const struct lapic_irq *irq);
void lapic_post_nmi(struct mkvm_vcpu *vcpu);
void lapic_deliver_lint(struct mkvm_vcpu *vcpu, int lint);
int lapic_deliver_lvt(struct mkvm_vcpu *vcpu, u32 reg);

/* Interrupts that wait, and their end: the vCPU's thread. */
int lapic_pending_vector(struct mkvm_vcpu *vcpu);
void lapic_ack(struct mkvm_vcpu *vcpu, int vector);
bool lapic_accepts_pic(struct mkvm_vcpu *vcpu);
int lapic_tpr_threshold(struct mkvm_vcpu *vcpu);
void lapic_eoi(struct mkvm_vcpu *vcpu);
bool lapic_eoi_fast(struct mkvm_vcpu *vcpu);
void lapic_set_eoi_bitmap(struct mkvm_vcpu *vcpu, const unsigned long *bitmap);
int lapic_take_ioapic_eoi(struct mkvm_vcpu *vcpu);

/* INIT and SIPI wait here until the vCPU thread takes them. */
enum lapic_event { LAPIC_EVENT_INIT, LAPIC_EVENT_SIPI };

bool lapic_has_events(struct mkvm_vcpu *vcpu);
unsigned long lapic_accept_events(struct mkvm_vcpu *vcpu, u8 *vector);
void lapic_post_sipi(struct mkvm_vcpu *vcpu);
void lapic_set_sipi_vector(struct mkvm_vcpu *vcpu, u8 vector);

/* Registers. */
int lapic_mmio_read(struct mkvm_vcpu *vcpu, u32 offset, int len, void *data);
int lapic_mmio_write(struct mkvm_vcpu *vcpu, u32 offset, int len, const void *data);
int lapic_x2apic_msr_read(struct mkvm_vcpu *vcpu, u32 msr, u64 *data);
int lapic_x2apic_msr_write(struct mkvm_vcpu *vcpu, u32 msr, u64 data);
int lapic_x2apic_eoi_write_fast(struct mkvm_vcpu *vcpu, u64 data);
int lapic_x2apic_icr_write_fast(struct mkvm_vcpu *vcpu, u64 data);
unsigned long lapic_get_cr8(struct mkvm_vcpu *vcpu);
void lapic_set_cr8(struct mkvm_vcpu *vcpu, unsigned long cr8);
void *lapic_regs_page(struct mkvm_vcpu *vcpu);
int lapic_get_state(struct mkvm_vcpu *vcpu, struct kvm_lapic_state *s);
int lapic_set_state(struct mkvm_vcpu *vcpu, const struct kvm_lapic_state *s);

/* Modes. */
int lapic_set_base(struct mkvm_vcpu *vcpu, u64 base, bool host);
bool lapic_base_valid(struct mkvm_vcpu *vcpu, u64 base, bool host);
bool lapic_enabled(struct mkvm_vcpu *vcpu);
bool lapic_sw_enabled(struct mkvm_vcpu *vcpu);
bool lapic_x2apic_mode(struct mkvm_vcpu *vcpu);
bool lapic_owns_gpa(struct mkvm_vcpu *vcpu, gpa_t gpa);
void lapic_cpuid_changed(struct mkvm_vcpu *vcpu);

/* The timer. */
void lapic_use_hv_timer(struct mkvm_vcpu *vcpu);
void lapic_inject_timer(struct mkvm_vcpu *vcpu);
bool lapic_timer_pending(struct mkvm_vcpu *vcpu);
void lapic_timer_migrate(struct mkvm_vcpu *vcpu);
void lapic_timer_block(struct mkvm_vcpu *vcpu);
void lapic_timer_unblock(struct mkvm_vcpu *vcpu);
void lapic_tsc_changed(struct mkvm_vcpu *vcpu);
u64 lapic_get_tsc_deadline(struct mkvm_vcpu *vcpu);
void lapic_set_tsc_deadline(struct mkvm_vcpu *vcpu, u64 deadline);

/* While the processor virtualizes the LAPIC: the vCPU's thread; exit/apic_page.c decides. */
void lapic_set_virtualized(struct mkvm_vcpu *vcpu, bool on);
void lapic_collect_posted(struct mkvm_vcpu *vcpu);
u16 lapic_interrupt_status(struct mkvm_vcpu *vcpu);
void lapic_update_eoi_exits(struct mkvm_vcpu *vcpu);
void lapic_eoi_virtualized(struct mkvm_vcpu *vcpu, u8 vector);
void lapic_virtual_write(struct mkvm_vcpu *vcpu, u32 offset);
bool lapic_x2apic_readable(struct mkvm_vcpu *vcpu, u32 msr);

#endif
