// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_SET_GUEST_DEBUG: software breakpoints, userspace's hardware breakpoints and watchpoints,
 * single step (over plain instructions, exits, exceptions of the guest), KVM_GUESTDBG_BLOCKIRQ,
 * injection of #DB and #BP. SDM volume 3, "Debug Exceptions", and KVM's ABI. Relies on lib/.
 */
#include "apic.h"

#define VECTOR 0x55

static void debug_set(struct kt_vcpu *vcpu, u32 control, u64 dr0, u64 dr7)
{
	struct kvm_guest_debug dbg = {
		.control = control ? control | KVM_GUESTDBG_ENABLE : 0,
		.arch.debugreg = { [0] = dr0, [7] = dr7 },
	};

	KT_IOCTL(vcpu->fd, KVM_SET_GUEST_DEBUG, &dbg);
}

static void want_debug_at(int line, struct kt_vcpu *vcpu, u32 vector, u64 pc, u64 dr6)
{
	struct kvm_debug_exit_arch *d = &vcpu->run->debug.arch;

	KT_RUN_EXIT(vcpu, KVM_EXIT_DEBUG);
	if (d->exception != vector || d->pc != pc || (vector == 1 && (d->dr6 & 0x600f) != dr6)) {
		kt_dump(vcpu);
		kt_fail("line %d: exception %u at %#llx, DR6 %#llx; want %u at %#llx, %#llx", line,
			d->exception, d->pc, d->dr6, vector, (unsigned long long)pc,
			(unsigned long long)dr6);
	}
}

#define WANT_DEBUG(vcpu, vector, pc, dr6) \
	want_debug_at(__LINE__, vcpu, vector, (u64)(unsigned long)(pc), dr6)

extern const u8 gd_int3[], gd_hw[], gd_after[], gd_s0[], gd_s1[], gd_s2[], gd_s3[], gd_s4[],
	gd_s5[], gd_b0[], gd_b1[], gd_b2[], gd_inj[];

/* ---- breakpoints -------------------------------------------------------------------------- */

static void sw_guest(void)
{
	guest_handler[3] = guest_count;
	asm volatile(".globl gd_int3\ngd_int3: int3");
	GUEST_SYNC_VAL(1, guest_irqs[3]);
	asm volatile("int3");
	GUEST_SYNC_VAL(2, guest_irqs[3]);
	guest_done();
}

static void software_breakpoint(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, sw_guest);
	struct kvm_regs r;

	debug_set(vcpu, KVM_GUESTDBG_USE_SW_BP, 0, 0);
	WANT_DEBUG(vcpu, 3, gd_int3, 0);
	kt_get_regs(vcpu, &r);
	KT_EQ(r.rip, (u64)(unsigned long)gd_int3);
	r.rip++;
	kt_set_regs(vcpu, &r);
	KT_EQ(KT_RUN_SYNC(vcpu, 1), 0);
	/* Off: the guest's own again. */
	debug_set(vcpu, 0, 0, 0);
	KT_EQ(KT_RUN_SYNC(vcpu, 2), 1);
	KT_RUN_DONE(vcpu);
}

static void hw_guest(void)
{
	GUEST_WRITE_REG("dr0", 0x1234);
	GUEST_SYNC(1);
	asm volatile(".globl gd_hw\ngd_hw: nop");
	/* What the guest sees of the debug registers is its own. */
	GUEST_EQ(GUEST_READ_REG("dr0"), 0x1234);
	GUEST_EQ(GUEST_READ_REG("dr7"), 0x400);
	GUEST_WRITE_REG("dr0", 0x5678);
	GUEST_EQ(GUEST_READ_REG("dr0"), 0x5678);
	GUEST_SYNC(2);
	asm volatile("movq $1, %0\n\t"
		     ".globl gd_after\ngd_after: nop" : "=m"(*(u64 *)KT_TEST_AREA));
	GUEST_SYNC(3);
	rd64(KT_TEST_AREA);
	GUEST_EQ(GUEST_READ_REG("dr0"), 0x5678);
	GUEST_EQ(GUEST_READ_REG("dr6") & 0xf, 0);
	guest_done();
}

static void hardware_breakpoint(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, hw_guest);
	struct kvm_debugregs dr;
	struct kvm_regs r;

	KT_RUN_SYNC(vcpu, 1);
	debug_set(vcpu, KVM_GUESTDBG_USE_HW_BP, (u64)(unsigned long)gd_hw, 0x402);
	WANT_DEBUG(vcpu, 1, gd_hw, 1);
	KT_EQ(vcpu->run->debug.arch.dr7, 0x402);
	/* RF: not again at the same place. */
	kt_get_regs(vcpu, &r);
	r.rflags |= 1 << 16;
	kt_set_regs(vcpu, &r);
	KT_RUN_SYNC(vcpu, 2);
	/* A watchpoint on a write of eight bytes, then on reads and writes. */
	debug_set(vcpu, KVM_GUESTDBG_USE_HW_BP, KT_TEST_AREA, 0x402 | 0x9UL << 16);
	WANT_DEBUG(vcpu, 1, gd_after, 1);
	KT_RUN_SYNC(vcpu, 3);
	debug_set(vcpu, KVM_GUESTDBG_USE_HW_BP, KT_TEST_AREA, 0x402 | 0xbUL << 16);
	KT_RUN_EXIT(vcpu, KVM_EXIT_DEBUG);
	KT_EQ(vcpu->run->debug.arch.dr6 & 0xf, 1);
	KT_IOCTL(vcpu->fd, KVM_GET_DEBUGREGS, &dr);
	KT_EQ(dr.db[0], 0x5678);
	debug_set(vcpu, 0, 0, 0);
	KT_RUN_DONE(vcpu);
}

/* ---- single step -------------------------------------------------------------------------- */

static void step_guest(void)
{
	GUEST_SYNC(1);
	asm volatile("nop; nop\n\t"
		     ".globl gd_s0\ngd_s0: nop\n\t"
		     ".globl gd_s1\ngd_s1: cpuid\n\t"
		     ".globl gd_s2\ngd_s2: outb %%al, $0x77\n\t"
		     ".globl gd_s3\ngd_s3: pushf\n\t"
		     ".globl gd_s4\ngd_s4: popq %%rbx\n\t"
		     ".globl gd_s5\ngd_s5: nop"
		     : : "a"(0) : "rbx", "rcx", "rdx");
	guest_done();
}

static void step_at(int line, struct kt_vcpu *vcpu, const void *to)
{
	if (kt_run(vcpu) != KVM_EXIT_DEBUG) {
		kt_dump(vcpu);
		kt_fail_at(__FILE__, line, "no step");
	}
	KT_EQ(vcpu->run->debug.arch.exception, 1);
	KT_EQ(vcpu->run->debug.arch.dr6 & 0x4000, 0x4000);
	if (to)
		KT_EQ(vcpu->run->debug.arch.pc, (u64)(unsigned long)to);
}

#define step(vcpu, to) step_at(__LINE__, vcpu, to)

static void step_to(struct kt_vcpu *vcpu, const void *to)
{
	for (int i = 0; i < 100; i++) {
		step(vcpu, NULL);
		if (vcpu->run->debug.arch.pc == (u64)(unsigned long)to)
			return;
	}
	kt_fail("100 steps do not reach it");
}

static void single_step(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, step_guest);
	struct kvm_regs r;

	KT_RUN_SYNC(vcpu, 1);
	debug_set(vcpu, KVM_GUESTDBG_SINGLESTEP, 0, 0);
	step_to(vcpu, gd_s0);
	step(vcpu, gd_s1);
	step(vcpu, gd_s2);
	KT_RUN_EXIT(vcpu, KVM_EXIT_IO);
	KT_EQ(vcpu->run->io.port, 0x77);
	step(vcpu, gd_s3);
	kt_get_regs(vcpu, &r);
	KT_EQ(r.rflags & 0x100, 0);	/* the trap flag is not the guest's */
	step(vcpu, gd_s4);
	step(vcpu, gd_s5);
	debug_set(vcpu, 0, 0, 0);
	kt_get_regs(vcpu, &r);
	KT_EQ(r.rflags & 0x100, 0);
	KT_RUN_DONE(vcpu);
}

/* ---- a step over HLT, and over what the emulator does -------------------------------------- */

static void halt_guest(void)
{
	guest_handler[1] = guest_count;
	guest_handler[VECTOR] = guest_count_eoi;
	apic_enable();
	cli();
	GUEST_WRITE_REG("dr7", 0x4aa);
	GUEST_SYNC(1);
	asm volatile(".globl gd_h0\ngd_h0: sti\n\t"
		     ".globl gd_h1\ngd_h1: hlt\n\t"
		     ".globl gd_h2\ngd_h2: nop\n\t"
		     ".globl gd_h3\ngd_h3: movl %%eax, (%0)\n\t"
		     ".globl gd_h4\ngd_h4: movl (%0), %%eax\n\t"
		     ".globl gd_h5\ngd_h5: nop"
		     : : "b"(KT_MMIO), "a"(0x1234) : "memory");
	GUEST_SYNC_VAL(2, guest_irqs[VECTOR]);
	/* The debugger's steps were not the guest's. */
	GUEST_EQ(guest_irqs[1], 0);
	guest_done();
}

extern const u8 gd_h0[], gd_h1[], gd_h2[], gd_h3[], gd_h4[], gd_h5[];

static void step_over_halt(void)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, halt_guest);
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = VECTOR };
	struct kvm_mp_state mp;

	KT_RUN_SYNC(vcpu, 1);
	debug_set(vcpu, KVM_GUESTDBG_SINGLESTEP, 0, 0);
	step_to(vcpu, gd_h0);
	/* No breakpoint of the debugger's: DR7 is the guest's. */
	KT_EQ(vcpu->run->debug.arch.dr7, 0x4aa);
	step(vcpu, gd_h1);
	step(vcpu, gd_h2);
	/* The step is over, the halt is not. */
	KT_IOCTL(vcpu->fd, KVM_GET_MP_STATE, &mp);
	KT_EQ(mp.mp_state, KVM_MP_STATE_HALTED);
	debug_set(vcpu, KVM_GUESTDBG_USE_HW_BP, (u64)(unsigned long)gd_h3, 0x402);
	KT_IOCTL(vcpu->vm->fd, KVM_SIGNAL_MSI, &msi);
	WANT_DEBUG(vcpu, 1, gd_h3, 1);
	debug_set(vcpu, KVM_GUESTDBG_SINGLESTEP, 0, 0);
	KT_RUN_EXIT(vcpu, KVM_EXIT_MMIO);
	KT_EQ(vcpu->run->mmio.is_write, 1);
	/* KVM forgets the step of a store that userspace carries out. */
	if (kt_is_minikvm())
		step(vcpu, gd_h4);
	KT_RUN_EXIT(vcpu, KVM_EXIT_MMIO);
	KT_EQ(vcpu->run->mmio.is_write, 0);
	step(vcpu, gd_h5);
	debug_set(vcpu, 0, 0, 0);
	KT_EQ(KT_RUN_SYNC(vcpu, 2), 1);
	KT_RUN_DONE(vcpu);
}

static void last_step_guest(void)
{
	guest_handler[1] = guest_count;
	GUEST_SYNC(1);
	outb(0x77, 0);
	GUEST_EQ(guest_irqs[1], 0);
	guest_done();
}

/* A debugger that goes away between an instruction and its step takes the step along. */
static void step_of_nobody(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, last_step_guest);

	KT_RUN_SYNC(vcpu, 1);
	debug_set(vcpu, KVM_GUESTDBG_SINGLESTEP, 0, 0);
	while (kt_run(vcpu) == KVM_EXIT_DEBUG)
		;
	KT_EQ(vcpu->run->exit_reason, KVM_EXIT_IO);
	KT_EQ(vcpu->run->io.port, 0x77);
	/* KVM reports the step here, the module with the next entry. */
	vcpu->run->immediate_exit = 1;
	if (!kt_run_raw(vcpu))
		KT_EQ(vcpu->run->exit_reason, KVM_EXIT_DEBUG);
	vcpu->run->immediate_exit = 0;
	debug_set(vcpu, 0, 0, 0);
	KT_RUN_DONE(vcpu);
}

/* ---- interrupts while stepping ------------------------------------------------------------ */

static void block_guest(void)
{
	guest_handler[VECTOR] = guest_count_eoi;
	apic_enable();
	cli();
	self_ipi(VECTOR);
	GUEST_SYNC(1);
	asm volatile("sti; nop\n\t"
		     ".globl gd_b0\ngd_b0: nop\n\t"
		     ".globl gd_b1\ngd_b1: nop\n\t"
		     ".globl gd_b2\ngd_b2: nop" : : : "memory");
	GUEST_SYNC_VAL(2, guest_irqs[VECTOR]);
	asm volatile("nop; nop");
	GUEST_SYNC_VAL(3, guest_irqs[VECTOR]);
	guest_done();
}

static void block_interrupts(void)
{
	struct kt_vcpu *vcpu;

	if (kt_cap(KVM_CAP_SET_GUEST_DEBUG2) <= 0 ||
	    !(kt_cap(KVM_CAP_SET_GUEST_DEBUG2) & KVM_GUESTDBG_BLOCKIRQ))
		kt_skip("KVM_GUESTDBG_BLOCKIRQ is not offered");
	vcpu = kt_long(0, KT_IRQCHIP, block_guest);
	KT_RUN_SYNC(vcpu, 1);
	debug_set(vcpu, KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_BLOCKIRQ, 0, 0);
	step_to(vcpu, gd_b0);
	step(vcpu, gd_b1);
	step(vcpu, gd_b2);
	/* Not stepping, but still without interrupts. */
	debug_set(vcpu, KVM_GUESTDBG_BLOCKIRQ, 0, 0);
	KT_EQ(KT_RUN_SYNC(vcpu, 2), 0);
	debug_set(vcpu, 0, 0, 0);
	KT_EQ(KT_RUN_SYNC(vcpu, 3), 1);
	KT_RUN_DONE(vcpu);
}

/* ---- injection and errors ----------------------------------------------------------------- */

static void inject_guest(void)
{
	guest_handler[1] = guest_count;
	guest_handler[3] = guest_count;
	GUEST_SYNC(1);
	GUEST_EQ(guest_irqs[1], 1);
	asm volatile("int3");
	GUEST_EQ(guest_irqs[3], 1);
	guest_done();
}

static void inject(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, inject_guest);
	struct kvm_guest_debug dbg = { .control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_INJECT_DB };

	KT_RUN_SYNC(vcpu, 1);
	/* Finish the OUT first: the exception is behind it. */
	vcpu->run->immediate_exit = 1;
	KT_TRUE(kt_run_raw(vcpu) && errno == EINTR);
	vcpu->run->immediate_exit = 0;
	KT_IOCTL(vcpu->fd, KVM_SET_GUEST_DEBUG, &dbg);
	KT_IOCTL_ERR(vcpu->fd, KVM_SET_GUEST_DEBUG, &dbg, EBUSY);
	debug_set(vcpu, KVM_GUESTDBG_USE_SW_BP, 0, 0);
	KT_RUN_EXIT(vcpu, KVM_EXIT_DEBUG);
	KT_EQ(vcpu->run->debug.arch.exception, 3);
	/* Not the debugger's: give it to the guest, which goes on behind its INT3. */
	dbg.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP | KVM_GUESTDBG_INJECT_BP;
	KT_IOCTL(vcpu->fd, KVM_SET_GUEST_DEBUG, &dbg);
	KT_RUN_DONE(vcpu);
}

static const struct kt_test tests[] = {
	{ "software_breakpoint", software_breakpoint },
	{ "hardware_breakpoint", hardware_breakpoint },
	{ "single_step", single_step },
	{ "step_over_halt", step_over_halt, .timeout = 20 },
	{ "step_of_nobody", step_of_nobody },
	{ "block_interrupts", block_interrupts },
	{ "inject", inject },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
