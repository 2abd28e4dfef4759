// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests of the LAPIC while the processor virtualizes it: the posted-interrupt descriptor as an
 * inbox, what RVI and SVI must be, and interrupts that are held until their EOI exits.
 * SDM, "Virtual-Interrupt Delivery", "Posted-Interrupt Processing". Relies on the bench; the test
 * plays the processor.
 */
#include "bench.h"
#include "arch/x86/irq/posted.h"

#define VECTOR 0x61

static struct posted_desc desc;

static struct mkvm_vcpu *vcpu_with_desc(void)
{
	struct mkvm_vm *vm = vm_new(1, 0, 1);

	memset(&desc, 0, sizeof(desc));
	vm->vcpus[0]->arch.posted = &desc;
	return vm->vcpus[0];
}

static int send_level(struct mkvm_vcpu *v, u8 vector)
{
	struct lapic_irq irq = { .vector = vector, .level = true, .trig_level = true };

	return lapic_deliver(v->vm, NULL, &irq);
}

/* What the processor does with RVI: IRR to ISR. */
static void deliver(struct mkvm_vcpu *v, u8 vector)
{
	clear_bit(vector & 31, lapic_vec_long(v->arch.apic, APIC_IRR, vector));
	set_bit(vector & 31, lapic_vec_long(v->arch.apic, APIC_ISR, vector));
}

static bool posted(u8 vector)
{
	return test_bit(vector, desc.pir);
}

static void test_inbox(void)
{
	struct mkvm_vcpu *v = vcpu_with_desc();

	tap_ok(send_fixed(v->vm, 0, VECTOR) == 1 && posted(VECTOR) && v->kicks == 1 &&
	       !reg_r(v, APIC_IRR + VECTOR / 32 * 0x10), "a sender leaves IRR alone");
	tap_ok(!send_fixed(v->vm, 0, VECTOR) && v->kicks == 1, "merged in PIR");
	tap_ok(send_fixed(v->vm, 0, 0x45) == 1 && v->kicks == 1, "ON is set: no notification");
	tap_ok(take(v) == VECTOR && !desc.control && !posted(VECTOR), "collected, taken");
	tap_ok(take(v) == -1 && !send_fixed(v->vm, 0, 0x45), "merged in IRR");
	lapic_eoi(v);
	tap_ok(take(v) == 0x45, "the lower one later");
	send_fixed(v->vm, 0, VECTOR);
	reset_vcpu(v, true);
	tap_ok(take(v) == -1 && !posted(VECTOR), "INIT empties the inbox");
	vm_free(v->vm);
}

static void test_status(void)
{
	struct mkvm_vcpu *v = vcpu_with_desc();
	struct mkvm_lapic *apic = v->arch.apic;

	lapic_set_virtualized(v, true);
	send_fixed(v->vm, 0, VECTOR);
	send_fixed(v->vm, 0, 0x45);
	lapic_collect_posted(v);
	tap_ok(v->requesting == VECTOR && lapic_interrupt_status(v) == VECTOR, "RVI");
	deliver(v, VECTOR);
	tap_ok(lapic_interrupt_status(v) == (VECTOR << 8 | 0x45), "SVI, RVI");
	/* The processor takes a posted one over by itself, behind the summary's back. */
	set_bit(0xf1 & 31, lapic_vec_long(apic, APIC_IRR, 0xf1));
	tap_ok(lapic_interrupt_status(v) == (VECTOR << 8 | 0xf1) && lapic_ppr(apic) == 0x60 &&
	       lapic_pending_vector(v) == 0xf1, "what only the page knows");
	lapic_set_virtualized(v, false);
	tap_ok(take(v) == 0xf1 && take(v) == -1, "given back to software");
	lapic_eoi(v);
	lapic_eoi(v);
	tap_ok(take(v) == 0x45, "... with what was in service");
	vm_free(v->vm);
}

static void test_held(void)
{
	struct mkvm_vcpu *v = vcpu_with_desc();
	unsigned long notify[4] = { };

	tap_ok(send_level(v, VECTOR) == 1 && !posted(VECTOR) && v->kicks == 1 &&
	       test_bit(MKVM_REQ_EOI_EXITS, &v->requests), "held until its EOI exits");
	lapic_update_eoi_exits(v);
	tap_ok(posted(VECTOR) && test_bit(VECTOR, v->eoi_exits), "then posted");
	tap_ok(take(v) == VECTOR && send_level(v, VECTOR) == 1 && posted(VECTOR),
	       "the next one at once");
	lapic_eoi_virtualized(v, VECTOR);
	tap_ok(v->eois == 1 && v->eoi_vector == VECTOR, "the IOAPIC hears of the EOI");

	set_bit(0x45, notify);
	lapic_set_eoi_bitmap(v, notify);
	tap_ok(send_fixed(v->vm, 0, 0x45) == 1 && !posted(0x45), "an awaited edge, too");
	lapic_update_eoi_exits(v);
	tap_ok(posted(0x45) && test_bit(0x45, v->eoi_exits) && test_bit(VECTOR, v->eoi_exits),
	       "posted; level triggered ones stay in the bitmap");
	vm_free(v->vm);
}

int main(void)
{
	test_inbox();
	test_status();
	test_held();
	return tap_done();
}
