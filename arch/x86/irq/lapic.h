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

/**
 * lapic_create() - give a vCPU its local APIC, in the state after power-up
 * @vcpu: the vCPU, not visible to others yet; vcpu->id is its APIC ID for ever
 *
 * Return: 0 or -ENOMEM.
 */
int lapic_create(struct mkvm_vcpu *vcpu);
/* The vCPU can be found in vm->vcpus now: enter it in the table of destinations. */
void lapic_postcreate(struct mkvm_vcpu *vcpu);
void lapic_destroy(struct mkvm_vcpu *vcpu);
/* Power-up, or the part of it that INIT does. Without a LAPIC only IA32_APIC_BASE. */
void lapic_reset(struct mkvm_vcpu *vcpu, bool init_event);

/* Send @irq: number of vCPUs reached, 0 coalesced, -1 nobody. Any context. */
int lapic_deliver(struct mkvm_vm *vm, struct mkvm_vcpu *source, const struct lapic_irq *irq);
/* MSI address and data to a struct lapic_irq. */
void lapic_msi_to_irq(struct mkvm_vm *vm, u64 address, u32 data, struct lapic_irq *irq);
/* Is @vcpu among the destinations? @source is NULL for interrupts of devices. Any context. */
bool lapic_matches(struct mkvm_vcpu *vcpu, struct mkvm_vcpu *source, const struct lapic_irq *irq);

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
void lapic_eoi(struct mkvm_vcpu *vcpu);
/*
 * The two hot writes, for exit fast paths: no slots are touched, interrupts may be off.
 * lapic_eoi_fast() is false, and did nothing, if the IOAPIC must hear of the EOI.
 */
bool lapic_eoi_fast(struct mkvm_vcpu *vcpu);
/* x2APIC's ICR (MSR 0x830): 0, or 1 for #GP. */
int lapic_x2apic_icr_write(struct mkvm_vcpu *vcpu, u64 data);
/* IA32_APIC_BASE: 0, or 1 for #GP. @host: any change of mode is legal. vCPU loaded. */
int lapic_set_base(struct mkvm_vcpu *vcpu, u64 base, bool host);
/* Would lapic_set_base(@host) take @base? For KVM_SET_SREGS, which must not half succeed. */
bool lapic_base_valid(struct mkvm_vcpu *vcpu, u64 base, bool host);
bool lapic_x2apic_mode(struct mkvm_vcpu *vcpu);
/* Is @gpa inside this vCPU's xAPIC page? */
bool lapic_owns_gpa(struct mkvm_vcpu *vcpu, gpa_t gpa);

/* CR8, which is the TPR's upper four bits. Without a LAPIC: vcpu->arch.cr8. */
unsigned long lapic_get_cr8(struct mkvm_vcpu *vcpu);
void lapic_set_cr8(struct mkvm_vcpu *vcpu, unsigned long cr8);
/* TPR as the hardware left it in the virtual-APIC page: the same page, nothing to copy. */
void *lapic_regs_page(struct mkvm_vcpu *vcpu);

/* IA32_TSC_DEADLINE, in ticks of the guest's TSC; 0 unless the timer is in that mode. */
u64 lapic_get_tsc_deadline(struct mkvm_vcpu *vcpu);
void lapic_set_tsc_deadline(struct mkvm_vcpu *vcpu, u64 deadline);
/*
 * If the armed timer's time has come, turn it into an interrupt; else nothing. For the exit of
 * the VMX-preemption timer and for MKVM_REQ_LAPIC_TIMER (an hrtimer needs neither: it sets IRR
 * itself and asks for MKVM_REQ_EVENT). vCPU thread, interrupts may be off.
 */
void lapic_inject_timer(struct mkvm_vcpu *vcpu);
/* Would lapic_inject_timer() find an interrupt that no hrtimer will bring? vCPU thread. */
bool lapic_timer_pending(struct mkvm_vcpu *vcpu);
/* arch_vcpu_load() on another CPU than before: the hrtimer comes along. Preemption off. */
void lapic_timer_migrate(struct mkvm_vcpu *vcpu);
/* The guest's TSC jumped (KVM_SET_MSRS, WRMSR): TSC-deadline mode must look again. */
void lapic_tsc_changed(struct mkvm_vcpu *vcpu);

/*
 * With the VMX-preemption timer: lapic_use_hv_timer() once, before the vCPU runs. From then on
 * vcpu->arch.hv_timer_tsc is the host TSC at which the guest must exit (LAPIC_NO_HV_TIMER: no
 * need), the exit calls lapic_inject_timer(), and blocking in HLT is bracketed by
 * lapic_timer_block() and lapic_timer_unblock(), between which an hrtimer does the waking.
 */
void lapic_use_hv_timer(struct mkvm_vcpu *vcpu);
void lapic_timer_block(struct mkvm_vcpu *vcpu);
void lapic_timer_unblock(struct mkvm_vcpu *vcpu);

/* An NMI for a vCPU, which may have no LAPIC: event/ takes it in. Any context. */
void lapic_post_nmi(struct mkvm_vcpu *vcpu);
/* LINT0/LINT1: the 8254's NMI watchdog use, KVM_NMI. Any context. */
void lapic_deliver_lint(struct mkvm_vcpu *vcpu, int lint);
/* Interrupt of the LVT entry at register offset @reg (APIC_LVTPC...): as lapic_deliver(). */
int lapic_deliver_lvt(struct mkvm_vcpu *vcpu, u32 reg);

/* INIT and SIPI wait here until the vCPU thread takes them. */
enum lapic_event { LAPIC_EVENT_INIT, LAPIC_EVENT_SIPI };

bool lapic_has_events(struct mkvm_vcpu *vcpu);
unsigned long lapic_accept_events(struct mkvm_vcpu *vcpu, u8 *vector);
/* KVM_SET_MP_STATE(SIPI_RECEIVED) and KVM_SET_VCPU_EVENTS' sipi_vector. */
void lapic_post_sipi(struct mkvm_vcpu *vcpu);
void lapic_set_sipi_vector(struct mkvm_vcpu *vcpu, u8 vector);

/*
 * EOIs that somebody wants to know of although the vector is edge triggered (in-kernel IOAPIC
 * with acknowledge notifiers) or lives in userspace's IOAPIC: 256 bits.
 */
void lapic_set_eoi_bitmap(struct mkvm_vcpu *vcpu, const unsigned long *bitmap);
/* MKVM_REQ_IOAPIC_EOI: the vector for KVM_EXIT_IOAPIC_EOI, or -1. */
int lapic_take_ioapic_eoi(struct mkvm_vcpu *vcpu);

/*
 * While the processor virtualizes the LAPIC (lapic_virtual.c). vCPU thread; exit/apic_page.c
 * decides.
 */
void lapic_set_virtualized(struct mkvm_vcpu *vcpu, bool on);
void lapic_collect_posted(struct mkvm_vcpu *vcpu);
u16 lapic_interrupt_status(struct mkvm_vcpu *vcpu);
void lapic_update_eoi_exits(struct mkvm_vcpu *vcpu);
/* The processor has retired @vector, and its EOI exited. */
void lapic_eoi_virtualized(struct mkvm_vcpu *vcpu, u8 vector);
/* The guest has written to the register at @offset of the page, and that needs software. */
void lapic_virtual_write(struct mkvm_vcpu *vcpu, u32 offset);
/* Is there an x2APIC register behind @msr that RDMSR may take from the page? */
bool lapic_x2apic_readable(struct mkvm_vcpu *vcpu, u32 msr);
/* The guest's CPUID changed, and the version register with it. */
void lapic_cpuid_changed(struct mkvm_vcpu *vcpu);

/* KVM_GET_LAPIC, KVM_SET_LAPIC: 0 or -EINVAL. vCPU loaded. */
int lapic_get_state(struct mkvm_vcpu *vcpu, struct kvm_lapic_state *s);
int lapic_set_state(struct mkvm_vcpu *vcpu, const struct kvm_lapic_state *s);

#endif
