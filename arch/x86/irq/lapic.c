// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC's life, modes, priorities and EOI.
 *
 * SDM, "Local APIC", "Local APIC State", "Interrupt, Task, and Processor Priority", "Signaling
 * Interrupt Servicing Completion", "Extended XAPIC (x2APIC)" and "INIT and Startup IPI
 * Handling". IRR is the architectural register in the page; a summary of it, one bit for each
 * of its eight words, makes "nothing pending" one load and one compare.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/gfp.h>
#include <linux/slab.h>
#include <asm/mce.h>

#include "arch/x86/cpu/cpuid.h"
#include "arch/x86/irq/ioapic.h"
#include "arch/x86/irq/lapic_internal.h"
#include "arch/x86/irq/posted.h"

#define LAPIC_VERSION	0x14	/* SDM, "Local APIC Version Register": integrated, P4 and later */

static enum lapic_mode base_to_mode(u64 base)
{
	if (!(base & APIC_BASE_EN))
		return LAPIC_DISABLED;
	return base & APIC_BASE_EXTD ? LAPIC_X2APIC : LAPIC_XAPIC;
}

bool lapic_has_cmci(const struct mkvm_lapic *apic)
{
	return apic->vcpu->arch.mcg_cap & MCG_CMCI_P;
}

/* An in-kernel IOAPIC of version 0x11 has no EOI register, so its guests need the broadcast. */
static bool has_directed_eoi(const struct mkvm_lapic *apic)
{
	return apic->vcpu->vm->arch.irqchip_mode == MKVM_IRQCHIP_SPLIT &&
	       guest_cpuid_has(apic->vcpu, X86_FEATURE_X2APIC);
}

u32 lapic_version(const struct mkvm_lapic *apic)
{
	u32 max_lvt = lapic_has_cmci(apic) ? 6 : 5;

	return LAPIC_VERSION | max_lvt << 16 |
	       (has_directed_eoi(apic) ? APIC_LVR_DIRECTED_EOI : 0);
}

/**
 * lapic_cpuid_changed() - the guest's CPUID changed, and the version register with it
 * @vcpu: the vCPU, which has a LAPIC
 */
void lapic_cpuid_changed(struct mkvm_vcpu *vcpu)
{
	lapic_put(vcpu->arch.apic, APIC_LVR, lapic_version(vcpu->arch.apic));
}

/* Bits that software may write; delivery status (12) and remote IRR (14) are read only. */
u32 lapic_lvt_valid_bits(const struct mkvm_lapic *apic, u32 reg)
{
	switch (reg) {
	case APIC_LVTT:
		return APIC_VECTOR_MASK | APIC_LVT_MASKED |
		       (guest_cpuid_has(apic->vcpu, X86_FEATURE_TSC_DEADLINE_TIMER) ?
			LVTT_MODE_MASK : LVTT_PERIODIC);
	case APIC_LVT0:
	case APIC_LVT1:
		return APIC_VECTOR_MASK | APIC_LVT_MASKED | APIC_MODE_MASK |
		       APIC_INPUT_POLARITY | APIC_LVT_LEVEL_TRIGGER;
	case APIC_LVTERR:
		return APIC_VECTOR_MASK | APIC_LVT_MASKED;
	default:	/* thermal, performance counters, CMCI */
		return APIC_VECTOR_MASK | APIC_LVT_MASKED | APIC_MODE_MASK;
	}
}

/*
 * Word @word of IRR was seen empty: say so in the summary, unless a sender fills the word now. A
 * sender sets first the bit in IRR, then the bit in the summary. So either the sender's bit is seen
 * here, or the sender sets the summary's bit after it was cleared here.
 */
static void irr_word_empty(struct mkvm_lapic *apic, int word)
{
	clear_bit(word, &apic->irr_summary);
	/* Pairs with the atomic operations of accept_vector(). */
	smp_mb__after_atomic();
	if (READ_ONCE(*lapic_reg_ptr(apic, APIC_IRR + word * 0x10)))
		set_bit(word, &apic->irr_summary);
}

/*
 * Highest vector in IRR or ISR, @reg, by the page alone, or -1. For APICv; out of line, so that the
 * functions that call it stay short where APICv is not used.
 */
noinline int lapic_highest_in_page(const struct mkvm_lapic *apic, u32 reg)
{
	int word;

	for (word = 7; word >= 0; word--) {
		u32 bits = lapic_get(apic, reg + word * 0x10);

		if (bits)
			return word * 32 + __fls(bits);
	}
	return -1;
}

/*
 * Highest vector in IRR whatever the priorities, or -1. Not while the LAPIC is virtualized: the
 * summary does not have what the processor has put into IRR.
 */
static int highest_irr(struct mkvm_lapic *apic)
{
	unsigned long summary;

	while ((summary = READ_ONCE(apic->irr_summary))) {
		int word = __fls(summary);
		u32 bits = lapic_get(apic, APIC_IRR + word * 0x10);

		if (likely(bits))
			return word * 32 + __fls(bits);
		irr_word_empty(apic, word);
	}
	return -1;
}

static int highest_isr(const struct mkvm_lapic *apic)
{
	int word;

	if (!apic->isr_summary)
		return -1;
	word = __fls(apic->isr_summary);
	return word * 32 + __fls(lapic_get(apic, APIC_ISR + word * 0x10));
}

/* Derive all that is cached of IRR and ISR from the page. vCPU thread. */
void lapic_recount(struct mkvm_lapic *apic)
{
	int word;

	apic->isr_summary = 0;
	for (word = 0; word < 8; word++) {
		if (lapic_get(apic, APIC_ISR + word * 0x10))
			apic->isr_summary |= BIT(word);
		if (lapic_get(apic, APIC_IRR + word * 0x10))
			set_bit(word, &apic->irr_summary);
	}
	apic->highest_isr = highest_isr(apic);
}

/* SDM, "Task and Processor Priorities": the higher of TPR and the class in service. */
u32 lapic_ppr(const struct mkvm_lapic *apic)
{
	u32 isrv = max(lapic_in_service(apic), 0);
	u32 tpr = lapic_tpr(apic);

	return (tpr & 0xf0) >= (isrv & 0xf0) ? tpr : isrv & 0xf0;
}

/**
 * lapic_pending_vector() - the interrupt that could be injected now
 * @vcpu: the vCPU
 *
 * Return: highest vector in IRR if its class is above the processor priority, else -1; -1
 * without a LAPIC. Context: vCPU thread, interrupts may be off.
 */
int lapic_pending_vector(struct mkvm_vcpu *vcpu)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;
	int vector;

	if (posted_used(vcpu))
		return lapic_posted_pending(vcpu);
	if (!apic || !READ_ONCE(apic->irr_summary))
		return -1;
	vector = highest_irr(apic);
	if (vector < 0 || apic->mode == LAPIC_DISABLED)
		return -1;
	if ((vector & 0xf0) <= (lapic_tpr(apic) & 0xf0) ||
	    vector >> 4 <= apic->highest_isr >> 4)
		return -1;
	return vector;
}

/**
 * lapic_ack() - the interrupt is being injected
 * @vcpu: the vCPU
 * @vector: what lapic_pending_vector() returned
 *
 * Context: vCPU thread, interrupts may be off.
 */
void lapic_ack(struct mkvm_vcpu *vcpu, int vector)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;
	u8 vec = vector;

	clear_bit(vec & 31, lapic_vec_long(apic, APIC_IRR, vec));
	if (!READ_ONCE(*lapic_vec_word(apic, APIC_IRR, vec)))
		irr_word_empty(apic, vec >> 5);

	*lapic_vec_word(apic, APIC_ISR, vec) |= BIT(vec & 31);
	apic->isr_summary |= BIT(vec >> 5);
	if (vec > apic->highest_isr)
		apic->highest_isr = vec;

	/* Pairs with lapic_timer_fn(), which parks, then looks at IRR. */
	smp_mb__after_atomic();
	if (unlikely(READ_ONCE(apic->timer.parked)))
		lapic_timer_unpark(apic);
}

static void eoi_notify(struct mkvm_lapic *apic, u8 vector)
{
	struct mkvm_vcpu *vcpu = apic->vcpu;

	if (lapic_get(apic, APIC_SPIV) & APIC_SPIV_DIRECTED_EOI)
		return;
	if (vcpu->vm->arch.irqchip_mode == MKVM_IRQCHIP_KERNEL) {
		ioapic_eoi_broadcast(vcpu, vector);
	} else {
		/* It came level triggered, even if userspace's IOAPIC has changed since. */
		apic->ioapic_eoi = vector;
		mkvm_make_request(MKVM_REQ_IOAPIC_EOI, vcpu);
	}
}

/* Retire @vector, the highest in service. */
static void retire(struct mkvm_lapic *apic, u8 vector)
{
	u32 *word = lapic_vec_word(apic, APIC_ISR, vector);

	*word &= ~BIT(vector & 31);
	if (lapic_virtualized(apic->vcpu)) {
		/* Software changed ISR: the processor's interrupt status must follow. */
		mkvm_make_request(MKVM_REQ_EVENT, apic->vcpu);
		return;
	}
	if (!*word)
		apic->isr_summary &= ~BIT(vector >> 5);
	apic->highest_isr = highest_isr(apic);
	if (READ_ONCE(apic->irr_summary))
		mkvm_make_request(MKVM_REQ_EVENT, apic->vcpu);
}

static bool eoi_is_awaited(const struct mkvm_lapic *apic, u8 vector)
{
	return lapic_vec_test(apic, APIC_TMR, vector) || test_bit(vector, apic->eoi_notify);
}

/**
 * lapic_eoi() - end of interrupt: a write of the EOI register
 * @vcpu: the vCPU, which has a LAPIC
 *
 * Retires the highest vector in service, tells the IOAPIC if it was level triggered, and asks
 * for MKVM_REQ_EVENT if others wait. Context: vCPU thread, exit handlers.
 */
void lapic_eoi(struct mkvm_vcpu *vcpu)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;
	int vector = lapic_in_service(apic);

	trace_kvm_eoi(vcpu->id, vector);
	if (unlikely(vector < 0))
		return;
	retire(apic, vector);
	if (unlikely(eoi_is_awaited(apic, vector)))
		eoi_notify(apic, vector);
}

static trace_out_of_line void tell_eoi(struct mkvm_vcpu *vcpu, int vector)
{
	trace_kvm_eoi(vcpu->id, vector);
}

static __always_inline bool eoi_fast(struct mkvm_vcpu *vcpu, bool tell)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;
	int vector = lapic_in_service(apic);

	if (likely(vector >= 0) && unlikely(eoi_is_awaited(apic, vector)))
		return false;
	if (tell && trace_kvm_eoi_enabled())
		tell_eoi(vcpu, vector);
	if (likely(vector >= 0))
		retire(apic, vector);
	return true;
}

/**
 * lapic_eoi_fast() - lapic_eoi() for the fast paths of exits
 * @vcpu: the vCPU, which has a LAPIC
 *
 * Context: vCPU thread, interrupts may be off; no memory slots are touched.
 * Return: false, with nothing done, if the IOAPIC must hear of the EOI.
 */
bool lapic_eoi_fast(struct mkvm_vcpu *vcpu)
{
	return eoi_fast(vcpu, true);
}

/**
 * lapic_x2apic_eoi_write_fast() - WRMSR to 0x80b, x2APIC's EOI
 * @vcpu: the vCPU, which has a LAPIC
 * @data: what is written
 *
 * Context: as lapic_eoi_fast(); trace_msr() says no.
 * Return: 0; 1 for #GP; -EAGAIN, with nothing done, if the IOAPIC must hear of it.
 */
int lapic_x2apic_eoi_write_fast(struct mkvm_vcpu *vcpu, u64 data)
{
	if (unlikely(vcpu->arch.apic->mode != LAPIC_X2APIC || data))
		return 1;
	return eoi_fast(vcpu, false) ? 0 : -EAGAIN;
}

/**
 * lapic_eoi_virtualized() - the processor has carried out an EOI, and the EOI exited
 * @vcpu: the vCPU, which is virtualized
 * @vector: what the processor has retired: one of the EOI-exit bitmap
 *
 * Context: vCPU thread, process.
 */
void lapic_eoi_virtualized(struct mkvm_vcpu *vcpu, u8 vector)
{
	trace_kvm_eoi(vcpu->id, vector);
	if (eoi_is_awaited(vcpu->arch.apic, vector))
		eoi_notify(vcpu->arch.apic, vector);
}

/**
 * lapic_take_ioapic_eoi() - MKVM_REQ_IOAPIC_EOI: what KVM_EXIT_IOAPIC_EOI tells
 * @vcpu: the vCPU
 *
 * Return: the vector, or -1.
 */
int lapic_take_ioapic_eoi(struct mkvm_vcpu *vcpu)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;
	int vector = apic ? apic->ioapic_eoi : -1;

	if (vector >= 0)
		apic->ioapic_eoi = -1;
	return vector;
}

/**
 * lapic_accepts_pic() - may the 8259 interrupt this vCPU?
 * @vcpu: the vCPU
 *
 * Return: LVT0 is ExtINT and not masked, or the LAPIC is off or absent.
 */
bool lapic_accepts_pic(struct mkvm_vcpu *vcpu)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;

	if (!apic || READ_ONCE(apic->mode) == LAPIC_DISABLED)
		return true;
	return (lapic_get(apic, APIC_LVT0) & (APIC_LVT_MASKED | APIC_MODE_MASK)) ==
	       APIC_DM_EXTINT;
}

/**
 * lapic_enabled() - is the LAPIC globally enabled?
 * @vcpu: the vCPU
 *
 * Return: bit 11 of IA32_APIC_BASE.
 */
bool lapic_enabled(struct mkvm_vcpu *vcpu)
{
	return vcpu->arch.apic_base & APIC_BASE_EN;
}

/**
 * lapic_sw_enabled() - is the LAPIC enabled by software?
 * @vcpu: the vCPU
 *
 * Return: bit 8 of the spurious-interrupt vector register; false without a LAPIC.
 */
bool lapic_sw_enabled(struct mkvm_vcpu *vcpu)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;

	return apic && READ_ONCE(apic->sw_enabled);
}

/**
 * lapic_x2apic_mode() - is the LAPIC in x2APIC mode?
 * @vcpu: the vCPU
 *
 * Return: as IA32_APIC_BASE says.
 */
bool lapic_x2apic_mode(struct mkvm_vcpu *vcpu)
{
	return base_to_mode(vcpu->arch.apic_base) == LAPIC_X2APIC;
}

/**
 * lapic_regs_page() - the page that holds the registers
 * @vcpu: the vCPU
 *
 * It can be the VMCS's virtual-APIC page: the TPR that the processor leaves there is the TPR.
 *
 * Return: the page, or NULL without a LAPIC.
 */
void *lapic_regs_page(struct mkvm_vcpu *vcpu)
{
	return vcpu->arch.apic ? vcpu->arch.apic->regs : NULL;
}

/**
 * lapic_tpr_threshold() - when the guest's lowering of TPR must exit
 * @vcpu: the vCPU
 *
 * SDM, "Controls for APIC Virtualization": the exit comes when TPR[7:4] falls below the
 * threshold. An interrupt that waits behind ISR only needs none, its EOI exits anyway.
 *
 * Return: class of the highest pending vector if TPR holds it back, else 0.
 */
int lapic_tpr_threshold(struct mkvm_vcpu *vcpu)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;
	int class;

	if (!apic || !READ_ONCE(apic->irr_summary))
		return 0;
	class = highest_irr(apic) >> 4;
	return class > 0 && lapic_tpr(apic) >> 4 >= class ? class : 0;
}

void lapic_write_tpr(struct mkvm_lapic *apic, u8 tpr)
{
	lapic_put(apic, APIC_TASKPRI, tpr);
	if (READ_ONCE(apic->irr_summary))
		mkvm_make_request(MKVM_REQ_EVENT, apic->vcpu);
}

/**
 * lapic_get_cr8() - CR8: the upper four bits of the TPR
 * @vcpu: the vCPU
 *
 * Return: CR8; without a LAPIC vcpu->arch.cr8.
 */
unsigned long lapic_get_cr8(struct mkvm_vcpu *vcpu)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;

	return apic ? lapic_tpr(apic) >> 4 : vcpu->arch.cr8;
}

/**
 * lapic_set_cr8() - MOV to CR8
 * @vcpu: the vCPU
 * @cr8: the new value, of which four bits count; without a LAPIC vcpu->arch.cr8 takes them
 */
void lapic_set_cr8(struct mkvm_vcpu *vcpu, unsigned long cr8)
{
	if (vcpu->arch.apic)
		lapic_write_tpr(vcpu->arch.apic, (cr8 & 0xf) << 4);
	else
		vcpu->arch.cr8 = cr8 & 0xf;
}

/* SDM, "Spurious Interrupt": bit 8 off masks every LVT entry, which stays so when it is on. */
void lapic_write_svr(struct mkvm_lapic *apic, u32 val)
{
	bool was_enabled = apic->sw_enabled;
	u32 reg;

	val &= APIC_VECTOR_MASK | APIC_SPIV_APIC_ENABLED | APIC_SPIV_FOCUS_DISABLED |
	       (has_directed_eoi(apic) ? APIC_SPIV_DIRECTED_EOI : 0);
	lapic_put(apic, APIC_SPIV, val);
	WRITE_ONCE(apic->sw_enabled, val & APIC_SPIV_APIC_ENABLED);
	if (apic->sw_enabled != was_enabled) {
		mkvm_make_request(MKVM_REQ_APIC_MODE, apic->vcpu);
		/* Pages that became ready while it was disabled are told now (pv/async_pf.c). */
		mkvm_make_request(MKVM_REQ_ASYNC_PF, apic->vcpu);
	}
	if (apic->sw_enabled) {
		/* Pairs with lapic_timer_fn(), which parks, then looks at sw_enabled. */
		smp_mb();
		if (unlikely(READ_ONCE(apic->timer.parked)))
			lapic_timer_unpark(apic);
		return;
	}
	for (reg = APIC_LVTT; reg <= APIC_LVTERR; reg += 0x10)
		lapic_put(apic, reg, lapic_get(apic, reg) | APIC_LVT_MASKED);
	lapic_put(apic, APIC_LVTCMCI, lapic_get(apic, APIC_LVTCMCI) | APIC_LVT_MASKED);
}

/* SDM, "Local APIC State After Power-Up or Reset" and "... After an INIT Reset". */
static void reset_registers(struct mkvm_lapic *apic)
{
	struct mkvm_vcpu *vcpu = apic->vcpu;
	u32 reg;

	lapic_timer_stop(apic);
	for (reg = APIC_TASKPRI; reg <= APIC_TDCR; reg += 0x10) {
		/* A bit of IRR that a sender sets after this is in irr_summary, too. */
		if (reg != APIC_LDR || apic->mode != LAPIC_X2APIC)
			lapic_put(apic, reg, 0);
	}
	lapic_discard_posted(vcpu);
	lapic_put(apic, APIC_ICR + 4, 0);
	lapic_put(apic, APIC_LVR, lapic_version(apic));
	lapic_put(apic, APIC_DFR, APIC_DFR_FLAT);
	lapic_put(apic, APIC_LVTCMCI, APIC_LVT_MASKED);
	lapic_write_svr(apic, 0xff);
	lapic_timer_write_lvtt(apic, APIC_LVT_MASKED);
	lapic_timer_write_divide(apic, 0);
	/* KVM leaves the 8259 connected to the boot processor, for firmware that relies on it. */
	if (vcpu->id == vcpu->vm->arch.bsp_vcpu_id &&
	    !(vcpu->vm->arch.disabled_quirks & KVM_X86_QUIRK_LINT0_REENABLED))
		lapic_put(apic, APIC_LVT0, APIC_DM_EXTINT);
	apic->esr_pending = 0;
	apic->ioapic_eoi = -1;
	lapic_recount(apic);
}

static void set_initial_id(struct mkvm_lapic *apic)
{
	u32 id = apic->vcpu->id;

	if (apic->mode == LAPIC_X2APIC) {
		lapic_put(apic, APIC_ID, id);
		lapic_put(apic, APIC_LDR, x2apic_ldr(id));
	} else {
		lapic_put(apic, APIC_ID, id << 24);
	}
}

/**
 * lapic_base_valid() - would lapic_set_base() take this value?
 * @vcpu: the vCPU
 * @base: a value for IA32_APIC_BASE
 * @host: userspace writes it: any change of mode is legal
 *
 * For KVM_SET_SREGS, which must not half succeed.
 *
 * Return: whether it would.
 */
bool lapic_base_valid(struct mkvm_vcpu *vcpu, u64 base, bool host)
{
	enum lapic_mode old = base_to_mode(vcpu->arch.apic_base);
	enum lapic_mode new = base_to_mode(base);

	if (base & (APIC_BASE_RESERVED | vcpu->arch.reserved_gpa_bits))
		return false;
	if (base & APIC_BASE_EXTD) {
		if (!(base & APIC_BASE_EN) || !guest_cpuid_has(vcpu, X86_FEATURE_X2APIC))
			return false;
	}
	if (host)
		return true;
	/* SDM, "x2APIC State Transitions". */
	return !(old == LAPIC_X2APIC && new == LAPIC_XAPIC) &&
	       !(old == LAPIC_DISABLED && new == LAPIC_X2APIC);
}

/**
 * lapic_set_base() - IA32_APIC_BASE is written
 * @vcpu: loaded vCPU
 * @base: the new value
 * @host: userspace writes it: any change of mode is legal
 *
 * The caller refreshes CPUID, which shows whether the LAPIC is enabled. A change of mode or address
 * requests MKVM_REQ_APIC_MODE.
 *
 * Return: 0, or 1 for #GP.
 */
int lapic_set_base(struct mkvm_vcpu *vcpu, u64 base, bool host)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;
	u64 old_base = vcpu->arch.apic_base;
	enum lapic_mode old, new = base_to_mode(base);

	if (!lapic_base_valid(vcpu, base, host))
		return 1;
	vcpu->arch.apic_base = base;
	if (!apic)
		return 0;

	old = apic->mode;
	if (new != old) {
		WRITE_ONCE(apic->mode, new);
		/* What the SDM allows to be lost when the APIC is off, is lost. */
		if (new == LAPIC_DISABLED && !host)
			reset_registers(apic);
		if (old == LAPIC_DISABLED || new == LAPIC_X2APIC || old == LAPIC_X2APIC)
			set_initial_id(apic);
		/* A 64-bit ICR in x2APIC mode, two 32-bit registers in xAPIC mode. */
		if (new == LAPIC_X2APIC) {
			lapic_put(apic, APIC_ICR + 4, lapic_get(apic, APIC_ICR2));
			lapic_put(apic, APIC_ICR2, 0);
		} else if (old == LAPIC_X2APIC) {
			lapic_put(apic, APIC_ICR2, lapic_get(apic, APIC_ICR + 4) & 0xff000000);
			lapic_put(apic, APIC_ICR + 4, 0);
			lapic_put(apic, APIC_LDR, 0);
		}
		lapic_map_update(vcpu->vm);
		if (unlikely(READ_ONCE(apic->timer.parked)))
			lapic_timer_unpark(apic);
		mkvm_make_request(MKVM_REQ_EVENT, vcpu);
	}
	if (new != old || ((base ^ old_base) & PAGE_MASK))
		mkvm_make_request(MKVM_REQ_APIC_MODE, vcpu);
	return 0;
}

/**
 * lapic_owns_gpa() - is an address inside this vCPU's xAPIC page?
 * @vcpu: the vCPU
 * @gpa: guest-physical address
 *
 * Return: whether the LAPIC answers an access there.
 */
bool lapic_owns_gpa(struct mkvm_vcpu *vcpu, gpa_t gpa)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;

	if (!apic || (gpa ^ vcpu->arch.apic_base) & PAGE_MASK)
		return false;
	/* KVM: unless this quirk is off, a page without an APIC behind it reads as ones. */
	return apic->mode == LAPIC_XAPIC ||
	       !(vcpu->vm->arch.disabled_quirks & KVM_X86_QUIRK_LAPIC_MMIO_HOLE);
}

/**
 * lapic_has_events() - does an INIT or a SIPI wait?
 * @vcpu: the vCPU
 *
 * Context: any.
 * Return: whether lapic_accept_events() would take one.
 */
bool lapic_has_events(struct mkvm_vcpu *vcpu)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;

	return apic && READ_ONCE(apic->events);
}

/**
 * lapic_accept_events() - take the INIT and the SIPI that wait
 * @vcpu: the vCPU
 * @vector: gets the SIPI's vector
 *
 * The caller carries them out, the INIT first: a SIPI that an INIT followed is void and was
 * dropped when that INIT came.
 *
 * Context: vCPU thread.
 * Return: a bit for each enum lapic_event that waited.
 */
unsigned long lapic_accept_events(struct mkvm_vcpu *vcpu, u8 *vector)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;
	unsigned long events;

	if (!lapic_has_events(vcpu))
		return 0;
	events = xchg(&apic->events, 0);
	*vector = READ_ONCE(apic->sipi_vector);
	return events;
}

/**
 * lapic_post_sipi() - KVM_SET_MP_STATE(SIPI_RECEIVED)
 * @vcpu: the vCPU, its mutex held
 */
void lapic_post_sipi(struct mkvm_vcpu *vcpu)
{
	if (!vcpu->arch.apic)
		return;
	set_bit(LAPIC_EVENT_SIPI, &vcpu->arch.apic->events);
	lapic_announce_event(vcpu, vcpu);
}

/**
 * lapic_set_sipi_vector() - the sipi_vector of KVM_SET_VCPU_EVENTS
 * @vcpu: the vCPU, its mutex held
 * @vector: where the next SIPI starts it
 */
void lapic_set_sipi_vector(struct mkvm_vcpu *vcpu, u8 vector)
{
	if (vcpu->arch.apic)
		WRITE_ONCE(vcpu->arch.apic->sipi_vector, vector);
}

static u64 power_up_base(const struct mkvm_vcpu *vcpu)
{
	return LAPIC_DEFAULT_BASE | APIC_BASE_EN |
	       (vcpu->id == vcpu->vm->arch.bsp_vcpu_id ? APIC_BASE_BSP : 0);
}

/**
 * lapic_reset() - the state after power-up, or the part of it that INIT resets
 * @vcpu: loaded vCPU; without a LAPIC only IA32_APIC_BASE
 * @init_event: INIT
 */
void lapic_reset(struct mkvm_vcpu *vcpu, bool init_event)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;

	/* INIT keeps IA32_APIC_BASE, and with it the mode and the APIC ID. */
	if (!init_event) {
		lapic_set_base(vcpu, power_up_base(vcpu), true);
		if (apic) {
			set_initial_id(apic);
			WRITE_ONCE(apic->events, 0);
		}
	}
	if (!apic)
		return;
	reset_registers(apic);
	/* A new vCPU is not in the table of destinations before lapic_postcreate(). */
	if (init_event)
		lapic_map_update(vcpu->vm);
	mkvm_make_request(MKVM_REQ_APIC_MODE, vcpu);
}

/**
 * lapic_create() - give a vCPU its local APIC; lapic_reset() brings it into a state
 * @vcpu: the vCPU, not visible to others yet; vcpu->id is its initial APIC ID
 *
 * Return: 0 or -ENOMEM.
 */
int lapic_create(struct mkvm_vcpu *vcpu)
{
	struct mkvm_lapic *apic;

	apic = kzalloc(sizeof(*apic), GFP_KERNEL_ACCOUNT);
	if (!apic)
		return -ENOMEM;
	apic->regs = kzalloc(PAGE_SIZE, GFP_KERNEL_ACCOUNT);
	if (!apic->regs) {
		kfree(apic);
		return -ENOMEM;
	}
	apic->vcpu = vcpu;
	apic->mode = LAPIC_XAPIC;
	lapic_timer_init(apic);
	vcpu->arch.apic_base = power_up_base(vcpu);
	set_initial_id(apic);
	vcpu->arch.apic = apic;
	return 0;
}

/**
 * lapic_postcreate() - the vCPU can be found in vm->vcpus now
 * @vcpu: the vCPU; it is entered in the table of destinations
 */
void lapic_postcreate(struct mkvm_vcpu *vcpu)
{
	if (vcpu->arch.apic)
		lapic_map_update(vcpu->vm);
}

/**
 * lapic_destroy() - undo lapic_create()
 * @vcpu: the vCPU, which no sender can reach any more; without a LAPIC nothing is done
 */
void lapic_destroy(struct mkvm_vcpu *vcpu)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;

	if (!apic)
		return;
	lapic_timer_stop(apic);
	vcpu->arch.apic = NULL;
	kfree(apic->regs);
	kfree(apic);
}
