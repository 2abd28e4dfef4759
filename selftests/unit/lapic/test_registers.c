// SPDX-License-Identifier: GPL-2.0-only
/*
 * The LAPIC's registers, modes, priorities, EOI, INIT/SIPI, KVM_GET/SET_LAPIC.
 *
 * Expectations are from the SDM's chapter "Advanced Programmable Interrupt Controller" and from
 * KVM's ABI, not from the code under test. Relies on bench.h.
 */
#include "bench.h"

#define XAPIC	0xfee00800ull
#define X2APIC	0xfee00c00ull
#define OFF	0xfee00000ull

static void test_reset(void)
{
	struct mkvm_vm *vm = vm_new(2, 0, 1);
	struct mkvm_vcpu *bsp = vm->vcpus[0], *ap = vm->vcpus[1];
	u32 reg, nonzero = 0;

	reset_vcpu(bsp, false);
	reset_vcpu(ap, false);
	tap_ok(bsp->arch.apic_base == 0xfee00900 && ap->arch.apic_base == 0xfee00800,
	       "reset: IA32_APIC_BASE, BSP flag only on the BSP");
	tap_ok(reg_r(bsp, APIC_ID) == 0 && reg_r(ap, APIC_ID) == 1u << 24, "reset: IDs");
	tap_ok(reg_r(ap, APIC_LVR) == 0x00050014, "reset: version 0x14, six LVT entries");
	tap_ok(reg_r(ap, APIC_SPIV) == 0xff && reg_r(ap, APIC_DFR) == ~0u, "reset: SVR, DFR");
	for (reg = APIC_LVTT; reg <= APIC_LVTERR; reg += 0x10)
		nonzero += reg_r(ap, reg) != APIC_LVT_MASKED;
	tap_ok(!nonzero, "reset: every LVT entry of an AP is masked");
	tap_ok(reg_r(bsp, APIC_LVT0) == APIC_DM_EXTINT && lapic_accepts_pic(bsp) &&
	       !lapic_accepts_pic(ap), "reset: the BSP's LINT0 takes the 8259");
	for (reg = APIC_ISR; reg <= APIC_ESR; reg += 0x10)
		nonzero += reg_r(ap, reg);
	tap_ok(!nonzero && !reg_r(ap, APIC_TASKPRI) && !reg_r(ap, APIC_LDR), "reset: others are 0");
	vm->arch.disabled_quirks = KVM_X86_QUIRK_LINT0_REENABLED;
	reset_vcpu(bsp, false);
	tap_ok(reg_r(bsp, APIC_LVT0) == APIC_LVT_MASKED, "reset: LINT0 masked without the quirk");
	ap->arch.mcg_cap = MCG_CMCI_P;
	tap_ok(reg_r(ap, APIC_LVR) == 0x00060014 && reg_r(ap, APIC_LVTCMCI) == APIC_LVT_MASKED,
	       "CMCI: seventh LVT entry");
	vm_free(vm);
}

static void test_priorities(void)
{
	struct mkvm_vm *vm = vm_new(1, 0, 1);
	struct mkvm_vcpu *v = vm->vcpus[0];
	int order[4], i;

	tap_ok(lapic_pending_vector(v) == -1, "nothing pending");
	tap_ok(send_fixed(vm, 0, 0x31) == 1 && send_fixed(vm, 0, 0x31) == 0,
	       "delivery: 1, then 0 when it merges");
	tap_ok(v->requests == BIT(MKVM_REQ_EVENT) && v->kicks == 1, "one request, one kick");
	send_fixed(vm, 0, 0x35);
	send_fixed(vm, 0, 0x42);
	send_fixed(vm, 0, 0xf0);
	tap_ok(take(v) == 0xf0 && take(v) == -1, "the highest, then nothing of its class or below");
	tap_ok(reg_r(v, APIC_PROCPRI) == 0xf0, "PPR is the class in service");
	v->requests = 0;
	reg_w(v, APIC_EOI, 0);
	tap_ok(v->requests == BIT(MKVM_REQ_EVENT), "EOI looks for what waits");
	for (i = 0; i < 4; i++) {
		order[i] = take(v);
		reg_w(v, APIC_EOI, 0);
	}
	tap_ok(order[0] == 0x42 && order[1] == 0x35 && order[2] == 0x31 && order[3] == -1,
	       "the others in order");
	tap_ok(reg_r(v, APIC_PROCPRI) == 0 && reg_r(v, APIC_IRR + 0x10) == 0, "all quiet");

	send_fixed(vm, 0, 0x51);
	reg_w(v, APIC_TASKPRI, 0x50);
	tap_ok(take(v) == -1 && lapic_tpr_threshold(v) == 5, "TPR of the class holds it back");
	*(u32 *)(lapic_regs_page(v) + 0x80) = 0x4f;
	tap_ok(lapic_pending_vector(v) == 0x51 && lapic_tpr_threshold(v) == 0 &&
	       lapic_get_cr8(v) == 4, "TPR as the hardware wrote it in the page counts at once");
	lapic_set_cr8(v, 5);
	tap_ok(reg_r(v, APIC_TASKPRI) == 0x50 && take(v) == -1, "CR8 is the TPR");
	v->requests = 0;
	lapic_set_cr8(v, 0);
	tap_ok(v->requests && take(v) == 0x51, "lowering CR8 lets it through");
	send_fixed(vm, 0, 0x61);
	tap_ok(take(v) == 0x61, "a higher class nests");
	lapic_eoi(v);
	tap_ok(reg_r(v, APIC_PROCPRI) == 0x50, "EOI ends the inner one");
	tap_ok(lapic_eoi_fast(v) && reg_r(v, APIC_PROCPRI) == 0, "then the outer one");
	lapic_eoi(v);
	tap_ok(lapic_eoi_fast(v), "an EOI too many does nothing");
	vm_free(vm);
}

static void test_eoi_broadcast(void)
{
	struct mkvm_vm *vm = vm_new(1, 0, 1);
	struct mkvm_vcpu *v = vm->vcpus[0];
	struct lapic_irq irq = { .vector = 0x60, .level = true, .trig_level = true };
	unsigned long bitmap[4] = { [1] = BIT(0x70 - 64) };

	lapic_deliver(vm, NULL, &irq);
	take(v);
	tap_ok(reg_r(v, APIC_TMR + 0x30) == 1, "TMR tells level");
	tap_ok(!lapic_eoi_fast(v) && reg_r(v, APIC_PROCPRI) == 0x60,
	       "the fast path leaves a level-triggered EOI alone");
	lapic_eoi(v);
	tap_ok(v->eois == 1 && v->eoi_vector == 0x60, "EOI of a level goes to the IOAPIC");
	irq.trig_level = false;
	lapic_deliver(vm, NULL, &irq);
	take(v);
	lapic_eoi(v);
	tap_ok(v->eois == 1 && !reg_r(v, APIC_TMR + 0x30), "EOI of an edge does not");
	lapic_set_eoi_bitmap(v, bitmap);
	send_fixed(vm, 0, 0x70);
	take(v);
	lapic_eoi(v);
	tap_ok(v->eois == 2 && v->eoi_vector == 0x70, "but if the IOAPIC asked for it");
	vm->arch.irqchip_mode = MKVM_IRQCHIP_SPLIT;
	send_fixed(vm, 0, 0x70);
	take(v);
	v->requests = 0;
	lapic_eoi(v);
	tap_ok(v->eois == 2 && v->requests == BIT(MKVM_REQ_IOAPIC_EOI) &&
	       lapic_take_ioapic_eoi(v) == 0x70 && lapic_take_ioapic_eoi(v) == -1,
	       "split irqchip: an exit tells userspace, once");
	tap_ok(reg_r(v, APIC_LVR) & APIC_LVR_DIRECTED_EOI, "split irqchip: directed EOI exists");
	reg_w(v, APIC_SPIV, 0x11ff);
	send_fixed(vm, 0, 0x70);
	take(v);
	lapic_eoi(v);
	tap_ok(lapic_take_ioapic_eoi(v) == -1, "directed EOI: no broadcast");
	vm_free(vm);
}

static void test_xapic_access(void)
{
	struct mkvm_vm *vm = vm_new(1, 3, 1);
	struct mkvm_vcpu *v = vm->vcpus[0];
	u8 bytes[8];
	u32 off, val = 0xffffffff;

	reg_w(v, APIC_LVT1, ~0u);
	tap_ok(reg_r(v, APIC_LVT1) == 0x1a7ff, "LVT: only bits that exist, not the read-only ones");
	reg_w(v, APIC_SPIV, 0xff);
	reg_w(v, APIC_LVT1, 0x400);
	tap_ok(reg_r(v, APIC_LVT1) == 0x10400, "LVT stays masked while software-disabled");
	reg_w(v, APIC_SPIV, 0x1ff);
	tap_ok(reg_r(v, APIC_LVT1) == 0x10400, "and after");
	lapic_mmio_write(v, APIC_TASKPRI, 2, &val);
	lapic_mmio_write(v, APIC_TASKPRI + 4, 4, &val);
	tap_ok(reg_r(v, APIC_TASKPRI) == 0, "writes of other sizes or places are dropped");
	reg_w(v, APIC_TASKPRI, 0x5a);
	lapic_mmio_read(v, APIC_TASKPRI, 1, bytes);
	lapic_mmio_read(v, APIC_ID + 3, 1, bytes + 1);
	tap_ok(bytes[0] == 0x5a && bytes[1] == 3, "byte reads");
	lapic_mmio_read(v, APIC_ID + 2, 8, bytes);
	tap_ok(!memcmp(bytes, "\0\3\0\0\0\0\0\0", 8), "a read past the register gives zeros");
	reg_w(v, APIC_ESR, 0);
	for (off = 0; off < 0x1000; off++)	/* nothing may crash: ASan looks */
		lapic_mmio_read(v, off, 4, bytes);
	reg_w(v, APIC_ESR, 0);
	tap_ok(reg_r(v, APIC_ESR) == APIC_ESR_ILLREGA, "reserved registers: ESR says so");
	reg_w(v, APIC_ESR, 0);
	tap_ok(reg_r(v, APIC_ESR) == 0, "the next write of ESR clears it");
	reg_w(v, APIC_LVTERR, 0xee);
	reg_w(v, APIC_ICR, 0x40000 | 5);
	reg_w(v, APIC_ESR, 0);
	tap_ok(reg_r(v, APIC_ESR) == APIC_ESR_SENDILL && take(v) == 0xee,
	       "an IPI of vector 5: error interrupt, not sent");
	lapic_eoi(v);
	tap_ok(send_fixed(vm, 3, 15) == 0 && take(v) == 0xee, "received vector 15 the same");
	lapic_eoi(v);
	reg_w(v, APIC_LVTERR, 3);
	reg_w(v, APIC_ESR, 0);
	send_fixed(vm, 3, 15);
	tap_ok(take(v) == -1, "an illegal vector in LVT error does not recurse");
	reg_w(v, APIC_ICR2, 0x12345678);
	reg_w(v, APIC_ICR, 0xffffffff & ~0x700);
	tap_ok(reg_r(v, APIC_ICR2) == 0x12000000 && reg_r(v, APIC_ICR) == 0xffffe8ff,
	       "ICR keeps what was written but delivery status");
	lapic_set_base(v, OFF, true);
	memset(bytes, 0, 8);
	lapic_mmio_read(v, APIC_ID, 8, bytes);
	tap_ok(lapic_owns_gpa(v, 0xfee00020) && bytes[0] == 0xff && bytes[7] == 0xff,
	       "quirk: a disabled APIC's page reads as ones");
	vm->arch.disabled_quirks = KVM_X86_QUIRK_LAPIC_MMIO_HOLE;
	tap_ok(!lapic_owns_gpa(v, 0xfee00020), "without the quirk the page is not ours");
	lapic_set_base(v, 0x12345800, true);
	tap_ok(lapic_owns_gpa(v, 0x12345fff) && !lapic_owns_gpa(v, 0xfee00000), "base moves");
	vm_free(vm);
}

/* One row for each MSR that exists: may it be read, and which bits may a write have set. */
static const struct { u16 msr; bool read; bool write; u64 bits; } msrs[] = {
	{ 0x802, 1, 0 }, { 0x803, 1, 0 }, { 0x808, 1, 1, 0xff }, { 0x80a, 1, 0 },
	{ 0x80b, 0, 1, 0 }, { 0x80d, 1, 0 }, { 0x80f, 1, 1, 0x3ff },
	{ 0x810, 1, 0 }, { 0x811, 1, 0 }, { 0x812, 1, 0 }, { 0x813, 1, 0 }, { 0x814, 1, 0 },
	{ 0x815, 1, 0 }, { 0x816, 1, 0 }, { 0x817, 1, 0 }, { 0x818, 1, 0 }, { 0x819, 1, 0 },
	{ 0x81a, 1, 0 }, { 0x81b, 1, 0 }, { 0x81c, 1, 0 }, { 0x81d, 1, 0 }, { 0x81e, 1, 0 },
	{ 0x81f, 1, 0 }, { 0x820, 1, 0 }, { 0x821, 1, 0 }, { 0x822, 1, 0 }, { 0x823, 1, 0 },
	{ 0x824, 1, 0 }, { 0x825, 1, 0 }, { 0x826, 1, 0 }, { 0x827, 1, 0 },
	{ 0x828, 1, 1, 0 }, { 0x830, 1, 1, 0xffffffff000cdfff },
	{ 0x832, 1, 1, 0x750ff }, { 0x833, 1, 1, 0x157ff }, { 0x834, 1, 1, 0x157ff },
	{ 0x835, 1, 1, 0x1f7ff }, { 0x836, 1, 1, 0x1f7ff }, { 0x837, 1, 1, 0x150ff },
	{ 0x838, 1, 1, 0xffffffff }, { 0x839, 1, 0 }, { 0x83e, 1, 1, 0xb },
	{ 0x83f, 0, 1, 0xff },
};

static void test_x2apic_access(void)
{
	struct mkvm_vm *vm = vm_new(1, 0x123, 1);
	struct mkvm_vcpu *v = vm->vcpus[0];
	u32 msr, wrong_read = 0, wrong_write = 0, i;
	bool read, write;
	u64 val, allowed;
	int bit;

	tap_ok(lapic_x2apic_msr_read(v, 0x802, &val) == 1 &&
	       lapic_x2apic_msr_write(v, 0x808, 0) == 1, "x2APIC MSRs are #GP in xAPIC mode");
	lapic_set_base(v, X2APIC, true);
	for (msr = 0x7f0; msr < 0x910; msr++) {
		read = false;
		write = false;
		allowed = 0;
		for (i = 0; i < ARRAY_SIZE(msrs); i++) {
			if (msrs[i].msr != msr)
				continue;
			read = msrs[i].read;
			write = msrs[i].write;
			allowed = msrs[i].bits;
		}
		if (lapic_x2apic_msr_read(v, msr, &val) != !read) {
			printf("# read of %#x\n", msr);
			wrong_read++;
		}
		if (msr != 0x830 && msr != 0x83f &&
		    lapic_x2apic_msr_write(v, msr, 0) != !write) {
			printf("# write of 0 to %#x\n", msr);
			wrong_write++;
		}
		for (bit = 0; bit < 64; bit++) {
			/* An ICR with INIT or SIPI is legal, but ends the test. */
			if (lapic_x2apic_msr_write(v, msr, 1ull << bit) !=
			    !(write && allowed & 1ull << bit)) {
				printf("# write of bit %d to %#x\n", bit, msr);
				wrong_write++;
			}
		}
	}
	tap_ok(!wrong_read, "x2APIC: which MSRs can be read");
	tap_ok(!wrong_write, "x2APIC: which MSRs and bits can be written");
	tap_ok(reg_r(v, APIC_ID) == 0x123 && reg_r(v, APIC_LDR) == 0x00120008,
	       "x2APIC: ID of 32 bits, LDR derived from it");
	tap_ok(!lapic_x2apic_msr_write(v, 0x830, 0x0000012300004044) &&
	       !lapic_x2apic_msr_read(v, 0x830, &val) && val == 0x0000012300004044,
	       "x2APIC: ICR is one register of 64 bits");
	reset_vcpu(v, true);
	tap_ok(reg_r(v, APIC_ID) == 0x123 && reg_r(v, APIC_LDR) == 0x00120008 &&
	       lapic_x2apic_mode(v), "x2APIC: INIT keeps mode, ID and LDR");
	reg_w(v, APIC_SPIV, 0x1ff);
	lapic_x2apic_msr_write(v, 0x83f, 0x77);
	tap_ok(take(v) == 0x77, "x2APIC: self IPI");
	vm_free(vm);
}

static void test_base(void)
{
	static const u64 base[4] = { OFF, XAPIC, X2APIC, 0xfee00400 };
	/* [from][to]: may the guest go there? The last is not a mode. */
	static const bool legal[3][4] = {
		{ true, true, false, false }, { true, true, true, false },
		{ true, false, true, false },
	};
	struct mkvm_vm *vm = vm_new(1, 0x123, 1);
	struct mkvm_vcpu *v = vm->vcpus[0];
	int from, to, wrong = 0;

	for (from = 0; from < 3; from++) {
		for (to = 0; to < 4; to++) {
			if (lapic_set_base(v, base[from], true))
				wrong++;
			wrong += lapic_base_valid(v, base[to], true) != (to < 3);
			wrong += lapic_set_base(v, base[to], false) != !legal[from][to];
			wrong += v->arch.apic_base != (legal[from][to] ? base[to] : base[from]);
		}
	}
	tap_ok(!wrong, "IA32_APIC_BASE: legal transitions and #GP");
	tap_ok(lapic_set_base(v, XAPIC | 1, true) && lapic_set_base(v, XAPIC | 1ull << 50, true) &&
	       lapic_set_base(v, XAPIC | 0x200, true), "IA32_APIC_BASE: reserved bits");
	lapic_set_base(v, OFF, true);
	v->requests = 0;
	lapic_set_base(v, XAPIC, true);
	tap_ok(test_bit(MKVM_REQ_APIC_MODE, &v->requests), "a change of mode asks for controls");
	v->arch.features = 0;
	tap_ok(lapic_set_base(v, X2APIC, true) == 1, "no x2APIC in CPUID, no x2APIC mode");
	v->arch.features = ~0ul;
	reg_w(v, APIC_SPIV, 0x1ff);
	reg_w(v, APIC_ID, 0x55000000);
	send_fixed(vm, 0x55, 0x90);
	lapic_set_base(v, X2APIC, false);
	tap_ok(reg_r(v, APIC_ID) == 0x123 && lapic_pending_vector(v) == 0x90,
	       "to x2APIC: ID as it was made, the rest stays");
	lapic_set_base(v, OFF, false);
	tap_ok(lapic_pending_vector(v) == -1 && lapic_accepts_pic(v) &&
	       send_fixed(vm, 0x123, 0x91) == -1, "disabled: nothing pending, no destination");
	lapic_set_base(v, XAPIC, false);
	tap_ok(reg_r(v, APIC_ID) == 0x23000000 && reg_r(v, APIC_SPIV) == 0xff &&
	       !reg_r(v, APIC_LDR), "enabled again: as after reset");
	vm_free(vm);
}

static void test_events(void)
{
	struct mkvm_vm *vm = vm_new(2, 0, 1);
	struct mkvm_vcpu *bsp = vm->vcpus[0], *ap = vm->vcpus[1];

	reg_w(bsp, APIC_ICR2, 1 << 24);
	reg_w(bsp, APIC_ICR, 0x4612);
	tap_ok(lapic_has_events(ap) && ap->kicks == 1 && ap->requests & ~BIT(MKVM_REQ_EVENT),
	       "SIPI waits, and asks for more than an injection");
	init_sipi_accept(ap);
	tap_ok(!lapic_has_events(ap) && ap->arch.mp_state == KVM_MP_STATE_UNINITIALIZED,
	       "SIPI without INIT is dropped");
	reg_w(bsp, APIC_ICR, 0x8500);
	tap_ok(!lapic_has_events(ap), "INIT level de-assert is nothing");
	reg_w(bsp, APIC_ICR, 0x4612);
	reg_w(bsp, APIC_ICR, 0xc500);
	init_sipi_accept(ap);
	tap_ok(ap->arch.mp_state == KVM_MP_STATE_INIT_RECEIVED && ap->resets == 1,
	       "INIT: reset, and the SIPI before it is void");
	reg_w(bsp, APIC_ICR, 0x46ab);
	init_sipi_accept(ap);
	tap_ok(ap->arch.mp_state == KVM_MP_STATE_RUNNABLE && ap->cs.selector == 0xab00 &&
	       ap->cs.base == 0xab000 && ap->rip == 0, "SIPI: starts at vector << 12");
	reg_w(bsp, APIC_ICR, 0x46cd);
	init_sipi_accept(ap);
	tap_ok(ap->cs.selector == 0xab00, "a second SIPI is dropped");
	reg_w(bsp, APIC_ICR, 0x4500);
	reg_w(bsp, APIC_ICR, 0x4622);
	init_sipi_accept(ap);
	tap_ok(ap->cs.selector == 0x2200 && ap->resets == 2, "INIT and SIPI taken together");
	reg_w(bsp, APIC_ICR, 0x44500);
	init_sipi_accept(bsp);
	tap_ok(bsp->arch.mp_state == KVM_MP_STATE_RUNNABLE && bsp->resets == 1,
	       "INIT of the BSP: it runs on from reset");
	reg_w(bsp, APIC_SPIV, 0x1ff);
	reg_w(bsp, APIC_ICR2, 1 << 24);
	reg_w(bsp, APIC_ICR, 0x4400);
	reg_w(bsp, APIC_ICR, 0x4200);
	reg_w(bsp, APIC_ICR, 0x4700);
	tap_ok(ap->arch.nmi_queued == 1 && test_bit(MKVM_REQ_NMI, &ap->requests) &&
	       !bsp->arch.nmi_queued, "NMI arrives, SMI and ExtINT do not");
	vm_free(vm);
}

static u32 st(const struct kvm_lapic_state *s, u32 reg)
{
	u32 val;

	memcpy(&val, s->regs + reg, 4);
	return val;
}

static void st_put(struct kvm_lapic_state *s, u32 reg, u32 val)
{
	memcpy(s->regs + reg, &val, 4);
}

static void test_state(void)
{
	struct mkvm_vm *vm = vm_new(2, 0x21, 1);
	struct mkvm_vcpu *v = vm->vcpus[0], *w = vm->vcpus[1];
	struct kvm_lapic_state s, t;

	/* As kvmtool does before the first KVM_RUN. */
	reset_vcpu(w, false);
	lapic_get_state(w, &s);
	st_put(&s, APIC_LVT0, 0x700);
	st_put(&s, APIC_LVT1, 0x400);
	lapic_set_state(w, &s);
	tap_ok(lapic_accepts_pic(w) && reg_r(w, APIC_LVT1) == 0x400,
	       "SET_LAPIC: LINT0 and LINT1 unmasked while software-disabled");

	send_fixed(vm, 0x21, 0x44);
	take(v);
	send_fixed(vm, 0x21, 0x55);
	reg_w(v, APIC_LDR, 0x04000000);
	reg_w(v, APIC_ICR2, 0x77000000);
	lapic_get_state(v, &s);
	tap_ok(st(&s, APIC_ID) == 0x21000000 && st(&s, APIC_IRR + 0x20) == 1 << 21 &&
	       st(&s, APIC_ISR + 0x20) == 1 << 4 && st(&s, APIC_PROCPRI) == 0x40,
	       "GET_LAPIC: xAPIC ID, IRR, ISR, PPR");
	reset_vcpu(v, false);
	lapic_set_state(v, &s);
	lapic_get_state(v, &t);
	tap_ok(!memcmp(&s, &t, sizeof(s)), "SET_LAPIC, GET_LAPIC: the same");
	tap_ok(take(v) == 0x55, "the restored interrupt comes");
	lapic_eoi(v);
	lapic_eoi(v);
	tap_ok(reg_r(v, APIC_PROCPRI) == 0 && reg_r(v, APIC_ISR + 0x20) == 0, "and ISR empties");

	memset(&s, 0xff, sizeof(s));
	lapic_set_state(v, &s);
	while (take(v) >= 0)
		;
	tap_ok(lapic_pending_vector(v) == -1, "SET_LAPIC of all ones: no crash, no endless loop");
	memset(&s, 0, sizeof(s));
	st_put(&s, APIC_IRR, 0xffff);
	lapic_set_state(v, &s);
	lapic_get_state(v, &t);
	tap_ok(lapic_pending_vector(v) == -1 && st(&t, APIC_IRR) == 0xffff,
	       "IRR below 16 is kept and never delivered");

	lapic_set_base(v, X2APIC, true);
	reg_w(v, APIC_SPIV, 0x1ff);
	reg_w(v, APIC_ICR, 0x9900004440ull);
	lapic_get_state(v, &s);
	tap_ok(st(&s, APIC_ID) == 0x21000000 && st(&s, APIC_LDR) == 0x00020002 &&
	       st(&s, APIC_ICR) == 0x4440 && st(&s, APIC_ICR2) == 0x99,
	       "GET_LAPIC in x2APIC mode: ID << 24, ICR split");
	lapic_set_state(v, &s);
	lapic_get_state(v, &t);
	tap_ok(!memcmp(&s, &t, sizeof(s)) && reg_r(v, APIC_ID) == 0x21, "x2APIC round trip");
	vm->arch.x2apic_32bit = true;
	lapic_get_state(v, &s);
	tap_ok(st(&s, APIC_ID) == 0x21 && !lapic_set_state(v, &s), "32-bit IDs");
	st_put(&s, APIC_ID, 0x22);
	tap_ok(lapic_set_state(v, &s) == -EINVAL, "another vCPU's x2APIC ID is refused");
	vm_free(vm);
}

static void test_absent(void)
{
	struct mkvm_vm vm = { 0 };
	struct mkvm_vcpu v = { .vm = &vm };
	struct kvm_lapic_state s;
	u64 val;

	lapic_reset(&v, false);
	lapic_set_cr8(&v, 7);
	lapic_inject_timer(&v);
	lapic_timer_migrate(&v);
	lapic_timer_block(&v);
	lapic_timer_unblock(&v);
	lapic_tsc_changed(&v);
	lapic_set_tsc_deadline(&v, 5);
	init_sipi_accept(&v);
	lapic_post_sipi(&v);
	lapic_deliver_lint(&v, 0);
	tap_ok(lapic_pending_vector(&v) == -1 && lapic_accepts_pic(&v) && lapic_get_cr8(&v) == 7 &&
	       v.arch.apic_base == 0xfee00900 && lapic_enabled(&v) && !lapic_has_events(&v) &&
	       !lapic_timer_pending(&v) && !lapic_tpr_threshold(&v) && !lapic_owns_gpa(&v, 0) &&
	       lapic_x2apic_msr_read(&v, 0x802, &val) && lapic_get_state(&v, &s) == -EINVAL &&
	       lapic_set_state(&v, &s) == -EINVAL, "without a LAPIC every function does the sane");
}

int main(void)
{
	test_reset();
	test_priorities();
	test_eoi_broadcast();
	test_xapic_access();
	test_x2apic_access();
	test_base();
	test_events();
	test_state();
	test_absent();
	return tap_done();
}
