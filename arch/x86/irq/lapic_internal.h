/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * struct mkvm_lapic, shared by the lapic*.c files only.
 *
 * SDM, "Local APIC Register Address Map". The registers live in one page in the layout of the
 * SDM, so that the page can be the VMCS's virtual-APIC page: the processor reads and writes
 * the TPR in it, and the TPR is always read from there, never from a copy.
 *
 * Writers: any thread writes IRR and TMR, irr_summary, esr_pending and events, atomically; the
 * timer's callback writes target, tsc_deadline and parked; the vCPU's thread writes all else, which
 * other threads read with READ_ONCE().
 */
#ifndef MINIKVM_ARCH_X86_IRQ_LAPIC_INTERNAL_H
#define MINIKVM_ARCH_X86_IRQ_LAPIC_INTERNAL_H

#include <linux/bitmap.h>
#include <linux/bits.h>
#include <linux/hrtimer.h>
#include <linux/types.h>
#include <asm/apicdef.h>

#include "arch/x86/irq/lapic.h"
#include "arch/x86/irq/posted.h"
#include "trace/kvm_x86_events.h"

enum lapic_mode { LAPIC_DISABLED, LAPIC_XAPIC, LAPIC_X2APIC };

/* struct lapic_map.logical: how logical destinations are looked up. */
enum lapic_logical_model { LOGICAL_MIXED, LOGICAL_FLAT, LOGICAL_CLUSTER, LOGICAL_X2APIC };

/* Bits of IA32_APIC_BASE. */
#define APIC_BASE_BSP		BIT_ULL(8)
#define APIC_BASE_EXTD		BIT_ULL(10)
#define APIC_BASE_EN		BIT_ULL(11)
#define APIC_BASE_RESERVED	0x2ffull

/* LVT timer register, bits 18:17: 0 is one-shot. */
#define LVTT_MODE_MASK		GENMASK(18, 17)
#define LVTT_PERIODIC		BIT(17)
#define LVTT_TSC_DEADLINE	BIT(18)

#define X2APIC_MSR_FIRST	0x800
#define X2APIC_BROADCAST_ID	0xffffffffu
#define XAPIC_BROADCAST_ID	0xffu

/**
 * struct lapic_timer - the APIC timer
 * @hrtimer: tells the expiry in every mode; only while the vCPU blocks, if @hv
 * @target: CLOCK_MONOTONIC time of the next expiry in ns, 0 when the count stands at 0
 * @mode: of the LVT entry; the guest may have changed that already, without an exit
 * @period: initial count in ns
 * @divide: bus clock ticks of 1 ns per count
 * @tsc_deadline: IA32_TSC_DEADLINE, 0 when disarmed
 * @parked: a periodic timer whose last interrupt the guest has not taken yet, or may not take:
 *	it does not tick until lapic_timer_unpark()
 * @hv: the VMX-preemption timer serves while the vCPU runs
 * @started: the hrtimer was started since it was last cancelled; it may have fired
 * @blocked: between lapic_timer_block() and lapic_timer_unblock()
 */
struct lapic_timer {
	struct hrtimer hrtimer;
	s64 target;
	u32 mode;
	u64 period;
	u32 divide;
	u64 tsc_deadline;
	bool parked;
	bool hv;
	bool started;
	bool blocked;
};

/**
 * struct mkvm_lapic - one local APIC
 * @regs: the register page
 * @irr_summary: bit n is set if 32-bit word n of IRR may be other than 0: never wrongly clear,
 *	sometimes wrongly set
 * @highest_isr: highest vector in service, -1 for none
 * @isr_summary: bit n is set if word n of ISR is not 0
 * @mode: enum lapic_mode, what IA32_APIC_BASE says
 * @sw_enabled: bit 8 of the spurious-interrupt vector register
 * @sipi_vector: of the last SIPI
 * @vcpu: its processor
 * @events: INIT and SIPI that wait, a bit for each enum lapic_event
 * @esr_pending: errors since the last write of ESR
 * @arb: deliveries by lowest priority, to spread equals
 * @ioapic_eoi: vector of a KVM_EXIT_IOAPIC_EOI that is due, -1 for none
 * @timer: the APIC timer
 * @eoi_notify: vectors whose EOI is told to the IOAPIC even if edge triggered
 * @eoi_exits: with APICv: vectors whose EOI exits, as the VMCS has it; vCPU thread
 * @held: ... vectors that wait until their EOI exits; atomic
 */
struct mkvm_lapic {
	void *regs;
	unsigned long irr_summary;
	int highest_isr;
	u8 isr_summary;
	u8 mode;
	bool sw_enabled;
	u8 sipi_vector;
	struct mkvm_vcpu *vcpu;
	unsigned long events;
	unsigned long esr_pending;
	u32 arb;
	int ioapic_eoi;
	struct lapic_timer timer;
	DECLARE_BITMAP(eoi_notify, 256);
	DECLARE_BITMAP(eoi_exits, 256);
	DECLARE_BITMAP(held, 256);
};

static inline u32 *lapic_reg_ptr(const struct mkvm_lapic *apic, u32 reg)
{
	return apic->regs + reg;
}

static inline u32 lapic_get(const struct mkvm_lapic *apic, u32 reg)
{
	return READ_ONCE(*lapic_reg_ptr(apic, reg));
}

static inline void lapic_put(struct mkvm_lapic *apic, u32 reg, u32 val)
{
	WRITE_ONCE(*lapic_reg_ptr(apic, reg), val);
}

/* Word of @vector in one of the 256-bit registers: 32 bits in every 16 bytes. */
static inline u32 *lapic_vec_word(const struct mkvm_lapic *apic, u32 reg, u8 vector)
{
	return lapic_reg_ptr(apic, reg + (vector >> 5) * 0x10);
}

/* The same for atomic bit operations; what follows the word within 8 bytes is never used. */
static inline unsigned long *lapic_vec_long(const struct mkvm_lapic *apic, u32 reg, u8 vector)
{
	return (unsigned long *)lapic_vec_word(apic, reg, vector);
}

static inline bool lapic_vec_test(const struct mkvm_lapic *apic, u32 reg, u8 vector)
{
	return READ_ONCE(*lapic_vec_word(apic, reg, vector)) & BIT(vector & 31);
}

/* SDM, "Task Priority": always from the page, where the processor may have written it. */
static inline u8 lapic_tpr(const struct mkvm_lapic *apic)
{
	return lapic_get(apic, APIC_TASKPRI);
}

/* The x2APIC's LDR follows from its ID: SDM, "Deriving Logical x2APIC ID". */
static inline u32 x2apic_ldr(u32 id)
{
	return (id >> 4) << 16 | BIT(id & 15);
}

/* lapic.c: the highest vector in IRR or ISR, @reg, by the page alone, or -1 */
int lapic_highest_in_page(const struct mkvm_lapic *apic, u32 reg);

/* Highest vector in service, or -1. While the processor writes to ISR nothing is cached of it. */
static inline int lapic_in_service(const struct mkvm_lapic *apic)
{
	if (lapic_virtualized(apic->vcpu))
		return lapic_highest_in_page(apic, APIC_ISR);
	return apic->highest_isr;
}

/* lapic_virtual.c */
int lapic_posted_pending(struct mkvm_vcpu *vcpu);
int lapic_accept_posted(struct mkvm_vcpu *vcpu, struct mkvm_vcpu *source, u8 vector,
			bool trig_level);
void lapic_discard_posted(struct mkvm_vcpu *vcpu);

/* lapic.c */
u32 lapic_ppr(const struct mkvm_lapic *apic);
u32 lapic_version(const struct mkvm_lapic *apic);
bool lapic_has_cmci(const struct mkvm_lapic *apic);
void lapic_write_tpr(struct mkvm_lapic *apic, u8 tpr);
void lapic_write_svr(struct mkvm_lapic *apic, u32 val);
u32 lapic_lvt_valid_bits(const struct mkvm_lapic *apic, u32 reg);
void lapic_recount(struct mkvm_lapic *apic);

/* lapic_deliver.c */
void lapic_map_update(struct mkvm_vm *vm);
int lapic_accept(struct mkvm_vcpu *vcpu, struct mkvm_vcpu *source, const struct lapic_irq *irq);
int lapic_local_irq(struct mkvm_vcpu *vcpu, struct mkvm_vcpu *source, u32 reg);
void lapic_announce_event(struct mkvm_vcpu *vcpu, struct mkvm_vcpu *source);
void lapic_error(struct mkvm_vcpu *vcpu, u32 esr_bit);

/* lapic_timer.c */
void lapic_timer_init(struct mkvm_lapic *apic);
void lapic_timer_stop(struct mkvm_lapic *apic);
void lapic_timer_unpark(struct mkvm_lapic *apic);
void lapic_timer_write_lvtt(struct mkvm_lapic *apic, u32 val);
void lapic_timer_write_initial(struct mkvm_lapic *apic, u32 val);
void lapic_timer_write_divide(struct mkvm_lapic *apic, u32 val);
void lapic_timer_halt(struct mkvm_lapic *apic);
u32 lapic_timer_current(struct mkvm_lapic *apic);
void lapic_timer_restore(struct mkvm_lapic *apic, u32 current_count);

#endif
