// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC while the processor virtualizes it.
 *
 * SDM, "APIC Virtualization and Virtual Interrupts". With virtual-interrupt delivery the processor
 * moves vectors from IRR to ISR and out of it by itself, in the same page. Then what is cached of
 * the two does not hold (lapic_in_service()), senders write to the posted-interrupt descriptor and
 * never to IRR, and an EOI exits only where the EOI-exit bitmap says so. Which vCPU is
 * virtualized when is decided in exit/apic_page.c.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/bitmap.h>

#include "arch/x86/irq/lapic_internal.h"
#include "arch/x86/irq/posted.h"
#include "arch/x86/vmx/apic.h"

DEFINE_STATIC_KEY_FALSE(posted_key);

/**
 * lapic_collect_posted() - take what was posted over into IRR
 * @vcpu: the vCPU, loaded, not in the guest; it has a descriptor
 *
 * Context: vCPU thread, interrupts may be off.
 */
void lapic_collect_posted(struct mkvm_vcpu *vcpu)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;
	struct posted_desc *desc = vcpu->arch.posted;
	int i, word, highest = -1;
	unsigned long bits;

	clear_bit(POSTED_ON, &desc->control);
	/* ON before PIR: a sender whose bit is not seen below sets ON again. */
	smp_mb__after_atomic();
	for (i = 0; i < 4; i++) {
		if (!READ_ONCE(desc->pir[i]))
			continue;
		bits = xchg(&desc->pir[i], 0);
		if (bits)
			highest = i * 64 + __fls(bits);
		for (word = 2 * i; bits; word++, bits >>= 32) {
			if (!(u32)bits)
				continue;
			/* Only this thread writes to IRR while the vCPU is out of the guest. */
			lapic_put(apic, APIC_IRR + word * 0x10,
				  lapic_get(apic, APIC_IRR + word * 0x10) | (u32)bits);
			set_bit(word, &apic->irr_summary);
		}
	}
	if (!lapic_virtualized(vcpu))
		mkvm_make_request(MKVM_REQ_EVENT, vcpu);
	else if (highest >= 0)
		vmx_raise_requesting_vector(vcpu, highest);
}

/* lapic_pending_vector() of a vCPU with a descriptor: by the page, which the processor writes. */
int lapic_posted_pending(struct mkvm_vcpu *vcpu)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;
	int vector;

	if (posted_outstanding(vcpu))
		lapic_collect_posted(vcpu);
	vector = lapic_highest_in_page(apic, APIC_IRR);
	if (vector < 0 || apic->mode == LAPIC_DISABLED ||
	    (vector & 0xf0) <= (lapic_tpr(apic) & 0xf0) ||
	    vector >> 4 <= lapic_highest_in_page(apic, APIC_ISR) >> 4)
		return -1;
	return vector;
}

/* Forget what was posted or held: the registers are replaced. */
void lapic_discard_posted(struct mkvm_vcpu *vcpu)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;
	struct posted_desc *desc = vcpu->arch.posted;
	int i;

	for (i = 0; desc && i < 4; i++) {
		xchg(&desc->pir[i], 0);
		xchg(&apic->held[i], 0);
	}
}

/**
 * lapic_set_virtualized() - the processor takes the LAPIC over, or gives it back
 * @vcpu: the vCPU, which has a descriptor
 * @on: takes it over
 *
 * Context: vCPU thread, process.
 */
void lapic_set_virtualized(struct mkvm_vcpu *vcpu, bool on)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;

	WRITE_ONCE(vcpu->arch.apic_virtualized, on);
	if (!on)
		lapic_recount(apic);
	/* Pairs with lapic_timer_fn(), which parks, then looks at apic_virtualized. */
	smp_mb();
	if (unlikely(READ_ONCE(apic->timer.parked)))
		lapic_timer_unpark(apic);
	mkvm_make_request(MKVM_REQ_EVENT, vcpu);
}

/**
 * lapic_interrupt_status() - the guest interrupt status as the page says it must be
 * @vcpu: the vCPU, which is virtualized
 *
 * Return: RVI in bits 7:0, SVI in bits 15:8.
 */
u16 lapic_interrupt_status(struct mkvm_vcpu *vcpu)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;

	return max(lapic_highest_in_page(apic, APIC_IRR), 0) |
	       max(lapic_highest_in_page(apic, APIC_ISR), 0) << 8;
}

/**
 * lapic_set_eoi_bitmap() - which EOIs are waited for although the vector is edge triggered
 * @vcpu: the vCPU; without a LAPIC nothing is done
 * @bitmap: 256 bits: vectors of the in-kernel IOAPIC with acknowledge notifiers, or all vectors of
 *	userspace's IOAPIC
 *
 * Context: any thread.
 */
void lapic_set_eoi_bitmap(struct mkvm_vcpu *vcpu, const unsigned long *bitmap)
{
	if (!vcpu->arch.apic || bitmap_equal(vcpu->arch.apic->eoi_notify, bitmap, 256))
		return;
	bitmap_copy(vcpu->arch.apic->eoi_notify, bitmap, 256);
	if (posted_used(vcpu)) {
		mkvm_make_request(MKVM_REQ_EOI_EXITS, vcpu);
		mkvm_vcpu_kick(vcpu);
	}
}

/**
 * lapic_update_eoi_exits() - write anew which vectors' EOIs exit, and post what waited for that
 * @vcpu: the vCPU, loaded; without a descriptor nothing is done
 *
 * An EOI exits if the IOAPIC waits for it (lapic_set_eoi_bitmap()), or if the interrupt came level
 * triggered (TMR): an MSI may be, and an IOAPIC may drop an entry whose interrupt is still in
 * service. Vectors that hold() kept back are posted once the VMCS has the bitmap.
 *
 * Context: vCPU thread, process.
 */
void lapic_update_eoi_exits(struct mkvm_vcpu *vcpu)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;
	DECLARE_BITMAP(released, 256);
	int i, vector;
	u64 level;

	if (!vcpu->arch.posted)
		return;
	for (i = 0; i < 4; i++) {
		/* First what is held: its bits of TMR were set before. */
		released[i] = xchg(&apic->held[i], 0);
		level = lapic_get(apic, APIC_TMR + i * 0x20) |
			(u64)lapic_get(apic, APIC_TMR + i * 0x20 + 0x10) << 32;
		WRITE_ONCE(apic->eoi_exits[i], READ_ONCE(apic->eoi_notify[i]) | level);
	}
	vmx_write_eoi_exits(vcpu, apic->eoi_exits);
	for_each_set_bit(vector, released, 256)
		posted_accept(vcpu, vcpu, vector);
}

/*
 * Must the vCPU leave the guest before it may get this interrupt? Then it is held.
 *
 * If the VMCS does not say yet that this vector's EOI must exit, a running guest could take and end
 * the interrupt without an exit. So the vector waits until the thread has written the bitmap.
 */
static bool hold(struct mkvm_lapic *apic, u8 vector, bool trig_level)
{
	if (likely(!trig_level && !test_bit(vector, apic->eoi_notify)) ||
	    test_bit(vector, apic->eoi_exits))
		return false;
	set_bit(vector, apic->held);
	mkvm_make_request(MKVM_REQ_EOI_EXITS, apic->vcpu);
	return true;
}

/**
 * lapic_accept_posted() - a vector arrives at a vCPU with a descriptor
 * @vcpu: the vCPU
 * @source: the vCPU whose thread this is, or NULL
 * @vector: 16 to 255
 * @trig_level: it comes level triggered; TMR says so already
 *
 * Context: any.
 * Return: 1, or 0 if it was merged with one that waits.
 */
int lapic_accept_posted(struct mkvm_vcpu *vcpu, struct mkvm_vcpu *source, u8 vector,
			bool trig_level)
{
	struct mkvm_lapic *apic = vcpu->arch.apic;

	trace_kvm_apicv_accept_irq(vcpu->id, 0, trig_level, vector);
	if (unlikely(hold(apic, vector, trig_level))) {
		if (vcpu != source)
			mkvm_vcpu_kick(vcpu);
		return 1;
	}
	/*
	 * A vector that waits in IRR is not taken yet: the two become one. The guest's handler may
	 * start right now, so what the sender wrote for it must be visible before IRR is read.
	 */
	smp_mb();
	if (lapic_vec_test(apic, APIC_IRR, vector))
		return 0;
	return posted_accept(vcpu, source, vector);
}
