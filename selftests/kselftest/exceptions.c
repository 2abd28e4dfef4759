// SPDX-License-Identifier: GPL-2.0-only
/*
 * What each exception leaves in its frame: RIP of the instruction or of the next, error code,
 * RFLAGS.RF, and CR2 and DR6 beside it. First every vector as userspace brings it with
 * KVM_SET_VCPU_EVENTS, then what the module itself raises in place of the processor. SDM volume 3,
 * "Exception Classifications", "Exception and Interrupt Reference", "Debug Registers" (on RF).
 * Relies on lib/; passes on KVM.
 */
#include "apic.h"

#define RF (1UL << 16)
#define TF (1UL << 8)
#define NO_ERROR 0	/* what guest_idt.S pushes where the processor pushes none */

enum { DE, DB, NMI, BP, OF, BR, UD, NM, DF, CSO, TS, NP, SS, GP, PF, RSVD, MF, AC, MC, XM };

static volatile struct gframe seen;
static volatile u64 seen_cr2, seen_dr6, seen_count;

static void note(struct gframe *f)
{
	seen = *f;
	seen_cr2 = GUEST_READ_REG("cr2");
	seen_dr6 = GUEST_READ_REG("dr6");
	seen_count++;
	f->rflags &= ~(RF | TF);
	if (guest_fixup)
		f->rip = guest_fixup;
	guest_fixup = 0;
}

/* Have the pages mapped that every exception needs: Bochs sets RF when that interrupts one. */
static void note_all(void)
{
	for (u32 i = 0; i < 32; i++)
		guest_handler[i] = note;
	GUEST_TRY0("ud2");
	wr64(KT_STACKS - 0x6008, 0);	/* the stack of #DF */
	seen_count = 0;
}

/* ---- from userspace ----------------------------------------------------------------------- */

static const struct from_userspace {
	u8 vector;
	bool has_error_code, sets_rf;
} from_userspace[] = {
	{ DE, false, true }, { DB, false, false }, { BP, false, false }, { OF, false, false },
	{ BR, false, true }, { UD, false, true }, { NM, false, true }, { DF, true, false },
	{ CSO, false, true }, { TS, true, true }, { NP, true, true }, { SS, true, true },
	{ GP, true, true }, { PF, true, true }, { RSVD, false, true }, { MF, false, true },
	{ AC, true, true }, { MC, false, false }, { XM, false, true }, { 20, false, true },
	{ 22, false, true }, { 31, false, true },
};

static void waiting_guest(void)
{
	note_all();
	GUEST_WRITE_REG("cr2", 0x1111);
	/* INT3 and INTO come back one byte further. */
	for (;;)
		asm volatile("out %%al, $0xe0\n\tnop\n\tnop"
			     : : "a"(0UL), "D"((u64)UC_SYNC), "S"(seen_count) : "memory");
}

/* Let the OUT of the last call end, so that the exception comes behind it. */
static void finish_out(struct kt_vcpu *vcpu)
{
	vcpu->run->immediate_exit = 1;
	KT_TRUE(kt_run_raw(vcpu) && errno == EINTR);
	vcpu->run->immediate_exit = 0;
}

static void bring(bool pending)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, waiting_guest);
	struct kvm_enable_cap cap = { .cap = KVM_CAP_EXCEPTION_PAYLOAD, .args[0] = 1 };
	struct kvm_vcpu_events ev;
	struct kvm_regs r;
	u64 count = 0;

	kt_require_cap(KVM_CAP_EXCEPTION_PAYLOAD, "KVM_CAP_EXCEPTION_PAYLOAD");
	KT_IOCTL(vcpu->vm->fd, KVM_ENABLE_CAP, &cap);
	KT_RUN_SYNC(vcpu, count);
	for (u32 i = 0; i < KT_ARRAY_SIZE(from_userspace); i++) {
		const struct from_userspace *e = &from_userspace[i];

		kt_note("vector %u %s", e->vector, pending ? "pending" : "injected");
		finish_out(vcpu);
		kt_get_regs(vcpu, &r);
		KT_EQ(r.rflags & RF, 0);
		KT_IOCTL(vcpu->fd, KVM_GET_VCPU_EVENTS, &ev);
		ev.flags |= KVM_VCPUEVENT_VALID_PAYLOAD;
		ev.exception.pending = pending;
		ev.exception.injected = !pending;
		ev.exception.nr = e->vector;
		ev.exception.has_error_code = e->has_error_code;
		ev.exception.error_code = e->has_error_code ? 0x18 : 0;
		ev.exception_has_payload = 0;
		if (e->vector == DF)
			ev.exception.error_code = 0;
		KT_IOCTL(vcpu->fd, KVM_SET_VCPU_EVENTS, &ev);
		KT_RUN_SYNC(vcpu, ++count);
		KT_EQ(GV(vcpu->vm, seen).vector, e->vector);
		KT_EQ(GV(vcpu->vm, seen).error, ev.exception.error_code);
		KT_EQ(GV(vcpu->vm, seen).rflags & RF, pending && e->sets_rf ? RF : 0);
		/* INT3 and INTO push what lies behind them. */
		KT_TRUE(GV(vcpu->vm, seen).rip == r.rip ||
			(e->vector == BP || e->vector == OF));
		KT_EQ(GV(vcpu->vm, seen).rsp, r.rsp);
		KT_EQ(GV(vcpu->vm, seen_cr2), 0x1111);
	}
}

static void pending_from_userspace(void)
{
	bring(true);
}

/* Its delivery had begun elsewhere, where RF was set. */
static void injected_from_userspace(void)
{
	bring(false);
}

/* ---- from the module ---------------------------------------------------------------------- */

/* Run @insn, whose exception must be @vec; RIP must be that of the instruction plus @skip. */
#define RAISES(vec, err, rf, skip, insn, ...)						\
	do {										\
		u64 __at, __before = seen_count;					\
											\
		asm volatile("lea 772f(%%rip), %%r11\n\t"				\
			     "mov %%r11, guest_fixup(%%rip)\n\t"			\
			     "lea 771f(%%rip), %0\n\t"					\
			     "771: " insn "\n"						\
			     "772: movq $0, guest_fixup(%%rip)"				\
			     : "=&r"(__at) : __VA_ARGS__ : "r11", "memory", "cc");	\
		GUEST_EQ(seen_count, __before + 1);					\
		GUEST_EQ(seen.vector, vec);						\
		GUEST_EQ(seen.error, err);						\
		GUEST_EQ(seen.rip, __at + (skip));					\
		GUEST_EQ(seen.rflags & RF, (rf) ? RF : 0);				\
	} while (0)

static void exits_guest(void)
{
	note_all();
	/* #GP: MSRs, control registers, XCR0, counters, descriptor tables. */
	RAISES(GP, 0, 1, 0, "rdmsr", "c"(0x12345678));
	RAISES(GP, 0, 1, 0, "wrmsr", "c"(0x12345678), "a"(0), "d"(0));
	RAISES(GP, 0, 1, 0, "wrmsr", "c"(0xc0000080), "a"(~0), "d"(0));
	RAISES(GP, 0, 1, 0, "mov %1, %%cr0", "r"(0x80000000UL));
	RAISES(GP, 0, 1, 0, "mov %1, %%cr4", "r"(1UL << 40));
	RAISES(GP, 0, 1, 0, "mov %1, %%cr8", "r"(16UL));
	RAISES(GP, 0, 1, 0, "mov %1, %%dr7", "r"(1UL << 32));
	RAISES(GP, 0, 1, 0, "rdpmc", "c"(0x77));
	/* #UD: instructions of VMX, DR4 with CR4.DE, XSETBV without CR4.OSXSAVE. */
	RAISES(UD, NO_ERROR, 1, 0, "vmxoff", "i"(0));
	RAISES(UD, NO_ERROR, 1, 0, "ud2", "i"(0));
	RAISES(UD, NO_ERROR, 1, 0, "xsetbv", "a"(1), "d"(0), "c"(0));
	GUEST_WRITE_REG("cr4", GUEST_READ_REG("cr4") | 8);
	RAISES(UD, NO_ERROR, 1, 0, ".byte 0x0f, 0x21, 0xe0", "a"(0));	/* mov dr4, rax */
	guest_done();
}

static void of_exits(void)
{
	KT_RUN_DONE(kt_long(0, 0, exits_guest));
}

static void debug_guest(void)
{
	note_all();
	/* General detect: in front of the instruction, RF as it was. */
	GUEST_WRITE_REG("dr6", 0);
	GUEST_WRITE_REG("dr7", 0x2400);
	RAISES(DB, NO_ERROR, 0, 0, "mov %%dr0, %1", "r"(0UL));
	GUEST_EQ(seen_dr6 & 0xe00f, 0x2000);
	GUEST_WRITE_REG("dr7", 0x400);
	/* INT1 and INT3: behind it. */
	GUEST_WRITE_REG("dr6", 0);
	RAISES(DB, NO_ERROR, 0, 1, ".byte 0xf1", "i"(0));
	RAISES(BP, NO_ERROR, 0, 1, "int3", "i"(0));
	/* A single step behind an instruction that the module does, and behind another. */
	GUEST_WRITE_REG("dr6", 0);
	RAISES(DB, NO_ERROR, 0, 11, "pushf\n\torl $0x100, (%%rsp)\n\tpopf\n\twbinvd\n\tnop",
	       "i"(0));
	GUEST_EQ(seen_dr6 & 0xe00f, 0x4000);
	GUEST_WRITE_REG("dr6", 0);
	RAISES(DB, NO_ERROR, 0, 10, "pushf\n\torl $0x100, (%%rsp)\n\tpopf\n\tnop\n\tnop", "i"(0));
	GUEST_EQ(seen_dr6 & 0xe00f, 0x4000);
	guest_done();
}

static void of_debugging(void)
{
	KT_RUN_DONE(kt_long(0, 0, debug_guest));
}

/* ---- from the emulator -------------------------------------------------------------------- */

static u8 device[4096] = { [8] = KT_DS };
static volatile bool on_minikvm;

static void emulator_guest(void)
{
	u64 *pte = (u64 *)KT_PT;

	note_all();
	/* Divide by what a device holds, which is 0. */
	RAISES(DE, NO_ERROR, 1, 0, "divl (%1)", "r"(KT_MMIO), "a"(1), "d"(0));
	/* From the device to a page that is not there. */
	pte[5] = 0;
	asm volatile("invlpg (%0)" : : "r"(KT_TEST_AREA + 0x5000) : "memory");
	RAISES(PF, 2, 1, 0, "movsl", "S"(KT_MMIO), "D"(KT_TEST_AREA + 0x5008));
	GUEST_EQ(seen_cr2, KT_TEST_AREA + 0x5008);
	/* From the device to an address that is not canonical. */
	RAISES(GP, 0, 1, 0, "movsl", "S"(KT_MMIO), "D"(1UL << 62));
	/* Behind an emulated instruction RF is 0 again, and a single step traps. */
	GUEST_WRITE_REG("dr6", 0);
	RAISES(DB, NO_ERROR, 0, 11, "pushf\n\torl $0x100, (%%rsp)\n\tpopf\n\tmov %%eax, (%1)\n\tnop",
	       "b"(KT_MMIO));
	GUEST_EQ(seen_dr6 & 0xe00f, 0x4000);
	/* MOV SS holds the trap off until the next instruction is over. */
	if (on_minikvm) {
		GUEST_WRITE_REG("dr6", 0);
		RAISES(DB, NO_ERROR, 0, 12,
		       "pushf\n\torl $0x100, (%%rsp)\n\tpopf\n\tmov (%1), %%ss\n\tnop\n\tnop",
		       "b"(KT_MMIO + 8));
		GUEST_EQ(seen_dr6 & 0xe00f, 0x4000);
	}
	guest_done();
}

static void of_the_emulator(void)
{
	struct kt_vcpu *vcpu;
	struct kt_ucall uc;

	on_minikvm = kt_is_minikvm();
	vcpu = kt_long(0, 0, emulator_guest);
	kt_run_served(vcpu, KT_MMIO, device, sizeof(device));
	KT_TRUE(kt_ucall(vcpu, &uc));
	KT_CHECK_GUEST(vcpu, &uc);
	KT_EQ(uc.cmd, UC_DONE);
}

/* ---- REP, interrupted --------------------------------------------------------------------- */

extern const u8 ex_rep_stos[], ex_rep_outs[];

static void rep_guest(void)
{
	u64 to = KT_MMIO, count = 64;

	note_all();
	guest_handler[0x55] = note;
	apic_enable();
	/* Each element is an exit; between two of them the interrupt comes. */
	asm volatile("sti\n\tnop\n\t.globl ex_rep_stos\n\tex_rep_stos: rep stosl\n\tcli"
		     : "+D"(to), "+c"(count) : "a"(0x1234) : "memory");
	GUEST_EQ(seen_count, 1);
	wr32(APIC_BASE + APIC_EOI, 0);
	GUEST_EQ(seen.vector, 0x55);
	GUEST_EQ(seen.rip, (u64)ex_rep_stos);
	GUEST_EQ(seen.rflags & RF, RF);
	GUEST_TRUE(seen.rcx && seen.rcx < 64);

	/* The same of a REP to a port: elements that one exit holds are done together. */
	seen_count = 0;
	to = KT_TEST_AREA;
	count = 8192;
	asm volatile("sti\n\tnop\n\t.globl ex_rep_outs\n\tex_rep_outs: rep outsb\n\tcli"
		     : "+S"(to), "+c"(count) : "d"(0x77) : "memory");
	wr32(APIC_BASE + APIC_EOI, 0);
	GUEST_EQ(seen_count, 1);
	GUEST_EQ(seen.rip, (u64)ex_rep_outs);
	GUEST_EQ(seen.rflags & RF, RF);
	GUEST_TRUE(seen.rcx && seen.rcx < 8192);
	guest_done();
}

static void of_an_interrupted_string(void)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, rep_guest);
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = 0x55 };
	struct kt_ucall uc;

	for (u32 i = 0;; i++) {
		if (kt_run(vcpu) != KVM_EXIT_MMIO)
			break;
		if (i == 5)
			KT_IOCTL(vcpu->vm->fd, KVM_SIGNAL_MSI, &msi);
	}
	for (u32 i = 0; !kt_ucall(vcpu, &uc); i++) {
		KT_EQ(vcpu->run->exit_reason, KVM_EXIT_IO);
		KT_EQ(vcpu->run->io.port, 0x77);
		if (i == 0)
			KT_IOCTL(vcpu->vm->fd, KVM_SIGNAL_MSI, &msi);
		kt_run(vcpu);
	}
	KT_CHECK_GUEST(vcpu, &uc);
	KT_EQ(uc.cmd, UC_DONE);
}

/* ---- a halt that ends by its own trap ----------------------------------------------------- */

static void halting_guest(void)
{
	note_all();
	apic_enable();
	GUEST_WRITE_REG("dr6", 0);
	RAISES(DB, NO_ERROR, 0, 11, "cli\n\tpushf\n\torl $0x100, (%%rsp)\n\tpopf\n\thlt\n\tnop",
	       "i"(0));
	GUEST_EQ(seen_dr6 & 0xe00f, 0x4000);
	guest_done();
}

static void halted_and_stepped(void)
{
	KT_RUN_DONE(kt_long(0, KT_IRQCHIP, halting_guest));
}

/* The step goes on over STI, whose handler returns to HLT. */
static void step_on(struct gframe *f)
{
	seen = *f;
	seen_dr6 = GUEST_READ_REG("dr6");
	if (++seen_count == 3)
		f->rflags &= ~TF;
}

extern const u8 ex_behind_hlt[];

static void sti_hlt_guest(void)
{
	guest_handler[DB] = step_on;
	apic_enable();
	GUEST_WRITE_REG("dr6", 0);
	asm volatile("pushf\n\torl $0x100, (%%rsp)\n\tpopf\n\tsti\n\thlt\n\t"
		     ".globl ex_behind_hlt\n\tex_behind_hlt: nop\n\tnop\n\tcli" : : : "memory");
	GUEST_EQ(seen_count, 3);
	GUEST_EQ(seen.rip, (u64)ex_behind_hlt + 1);
	guest_done();
}

static void sti_hlt_stepped(void)
{
	KT_RUN_DONE(kt_long(0, KT_IRQCHIP, sti_hlt_guest));
}

/* ---- a step that userspace sees ----------------------------------------------------------- */

extern const u8 ex_behind_out[];

static void stepped_out_guest(void)
{
	guest_handler[DB] = note;
	GUEST_WRITE_REG("dr6", 0);
	asm volatile("pushf\n\torl $0x100, (%%rsp)\n\tpopf\n\tout %%al, $0x77\n\t"
		     ".globl ex_behind_out\n\tex_behind_out: nop" : : "a"(0) : "memory");
	GUEST_SYNC_VAL(1, seen_count);
	guest_done();
}

static struct kt_vcpu *stepped_out(struct kvm_vcpu_events *ev)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, stepped_out_guest);
	struct kvm_regs r;

	KT_RUN_EXIT(vcpu, KVM_EXIT_IO);
	KT_EQ(vcpu->run->io.port, 0x77);
	finish_out(vcpu);
	kt_get_regs(vcpu, &r);
	KT_EQ(r.rip, (u64)ex_behind_out);
	KT_IOCTL(vcpu->fd, KVM_GET_VCPU_EVENTS, ev);
	return vcpu;
}

/* The trap of an OUT that userspace has just done is in what it saves, and not lost. */
static void step_is_saved(void)
{
	struct kvm_vcpu_events ev;
	struct kvm_debugregs d;
	struct kt_vcpu *vcpu = stepped_out(&ev);

	KT_EQ(ev.exception.injected, 1);
	KT_EQ(ev.exception.nr, DB);
	KT_IOCTL(vcpu->fd, KVM_GET_DEBUGREGS, &d);
	KT_EQ(d.dr6, 0xffff4ff0);
	KT_IOCTL(vcpu->fd, KVM_SET_VCPU_EVENTS, &ev);
	KT_EQ(KT_RUN_SYNC(vcpu, 1), 1);
	KT_EQ(GV(vcpu->vm, seen).rip, (u64)ex_behind_out);
	KT_EQ(GV(vcpu->vm, seen_dr6) & 0xe00f, 0x4000);
	KT_RUN_DONE(vcpu);
}

/* Userspace that sets the registers says where the guest goes on: the step is over. */
static void step_ends_with_set_regs(void)
{
	struct kvm_vcpu_events ev;
	struct kt_vcpu *vcpu = stepped_out(&ev);
	struct kvm_regs r;

	kt_get_regs(vcpu, &r);
	r.rflags &= ~TF;
	kt_set_regs(vcpu, &r);
	KT_EQ(KT_RUN_SYNC(vcpu, 1), 0);
	KT_RUN_DONE(vcpu);
}

/* ---- a delivery that leads nowhere -------------------------------------------------------- */

static void undeliverable_guest(void)
{
	/* KVM marks the page as a device's with the first access. */
	struct { u16 limit; u64 base; } __attribute__((packed)) idtr = { 0xfff, KT_MMIO };

	rd32(KT_MMIO);
	asm volatile("lidt %0" : : "m"(idtr));
	asm volatile("ud2");
	guest_done();
}

static void through_a_device(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, undeliverable_guest);
	struct kvm_run *run = vcpu->run;

	KT_RUN_EXIT(vcpu, KVM_EXIT_MMIO);
	KT_RUN_EXIT(vcpu, KVM_EXIT_INTERNAL_ERROR);
	KT_EQ(run->internal.suberror, KVM_INTERNAL_ERROR_DELIVERY_EV);
	kt_note("%u words: %#llx %#llx %#llx %#llx %#llx", run->internal.ndata,
		run->internal.data[0], run->internal.data[1], run->internal.data[2],
		run->internal.data[3], run->internal.data[4]);
	KT_EQ(run->internal.ndata, 5);
	KT_EQ(run->internal.data[0], 0x80000306);	/* #UD, hardware exception */
	/* An EPT violation, or the misconfiguration by which KVM marks devices. */
	KT_TRUE(run->internal.data[1] == 48 || run->internal.data[1] == 49);
	KT_EQ(run->internal.data[3], KT_MMIO + 6 * 16);
	KT_TRUE(run->internal.data[4] < 64);
}

static const struct kt_test tests[] = {
	{ "pending_from_userspace", pending_from_userspace },
	{ "injected_from_userspace", injected_from_userspace },
	{ "of_exits", of_exits },
	{ "of_debugging", of_debugging },
	{ "of_the_emulator", of_the_emulator },
	{ "of_an_interrupted_string", of_an_interrupted_string },
	{ "halted_and_stepped", halted_and_stepped, .timeout = 20 },
	{ "sti_hlt_stepped", sti_hlt_stepped, .timeout = 20 },
	{ "step_is_saved", step_is_saved },
	{ "step_ends_with_set_regs", step_ends_with_set_regs },
	{ "through_a_device", through_a_device },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
