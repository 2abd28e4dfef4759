// SPDX-License-Identifier: GPL-2.0-only
/*
 * The differential guest fuzzer runs one case and writes down what happened: every exit to
 * userspace with its data, every exception and interrupt with its frame, and at the end registers
 * and memory. KVM's ABI, "The kvm_run structure". Two hypervisors are alike where the transcripts
 * are.
 */
#include "fuzz.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>

/* No program needs more. */
#define MAX_EXITS 300
/*
 * How long the guest may go without an exit. On Bochs time is counted in instructions, so that this
 * is 20 million of them on every machine.
 */
#define MICROSECONDS 200000

static char *text;
static size_t used;

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void note(const char *format, ...)
{
	size_t left = TRANSCRIPT - used;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text + used, left, format, args);
	va_end(args);
	used += n < (int)left ? n : (int)left - 1;
}

static void note_bytes(const u8 *data, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		note("%02x", data[i]);
	note("\n");
}

static bool is_device(u64 address)
{
	u64 page = address & ~0xfffUL;

	return page == DEVICE || page == DEVICE2;
}

/* A device keeps what is written to it; where nothing is, every address has its own value. */
static void serve_mmio(struct machine *m)
{
	struct kvm_run *run = m->run;

	note("mmio %s %#llx %u", run->mmio.is_write ? "write" : "read",
	     (unsigned long long)run->mmio.phys_addr, run->mmio.len);
	for (u32 i = 0; i < run->mmio.len && i < 8; i++) {
		u64 address = run->mmio.phys_addr + i;

		if (run->mmio.is_write) {
			if (is_device(address))
				m->memory[address] = run->mmio.data[i];
		} else {
			run->mmio.data[i] = is_device(address) ? m->memory[address] :
							       fuzz_mix(address);
		}
	}
	if (run->mmio.is_write) {
		note(" ");
		note_bytes(run->mmio.data, run->mmio.len > 8 ? 8 : run->mmio.len);
	} else {
		note("\n");
	}
}

/* Element by element: how many of them a string instruction hands over at once is no semantics. */
static void serve_io(struct kvm_run *run, u32 *reads)
{
	u8 *data = (u8 *)run + run->io.data_offset;

	for (u32 i = 0; i < run->io.count; i++, data += run->io.size) {
		note("%s %#x %u", run->io.direction == KVM_EXIT_IO_OUT ? "out" : "in", run->io.port,
		     run->io.size);
		if (run->io.direction == KVM_EXIT_IO_OUT) {
			note(" ");
			note_bytes(data, run->io.size);
		} else {
			u64 value = fuzz_mix(run->io.port << 8 | (*reads)++);

			memcpy(data, &value, run->io.size);
			note("\n");
		}
	}
}

/* A handler's stub: which vector, with which frame. True when the program is to go on. */
static bool serve_stub(struct machine *m)
{
	struct kvm_sregs s;
	struct kvm_regs r;
	unsigned int width;
	u64 linear, sp, vector;

	if (ioctl(m->vcpu, KVM_GET_REGS, &r) || ioctl(m->vcpu, KVM_GET_SREGS, &s))
		machine_die("KVM_GET_REGS");
	linear = s.cs.base + r.rip;
	if (linear < STUBS || linear >= STUBS + 256 * 32)
		return true;
	vector = (linear - STUBS) / 32;
	if (vector == END_VECTOR)
		return false;
	note("vector %llu", (unsigned long long)vector);
	width = s.cs.l ? 8 : s.cs.db ? 4 : 2;
	sp = s.ss.base + (s.ss.db || s.cs.l ? r.rsp : r.rsp & 0xffff) + width;
	if (vector == 14)
		note(" cr2 %#llx", (unsigned long long)s.cr2);
	if (vector == 1) {
		struct kvm_debugregs d;

		if (ioctl(m->vcpu, KVM_GET_DEBUGREGS, &d))
			machine_die("KVM_GET_DEBUGREGS");
		note(" dr6 %#llx", (unsigned long long)d.dr6);
	}
	for (int i = 0; i < 6 && sp + width <= MEMORY; i++, sp += width) {
		u64 word = 0;

		memcpy(&word, m->memory + sp, width);
		note(" %llx", (unsigned long long)word);
	}
	note("\n");
	/* Traps and interrupts return behind what caused them. */
	return vector == 1 || vector == 2 || vector == 3 || vector == 4 || vector >= 0x20;
}

static void serve_interrupt(struct machine *m, int *left)
{
	struct kvm_interrupt irq = { .irq = IRQ_VECTOR };

	note("window if_flag %u\n", m->run->if_flag);
	if (*left > 0) {
		(*left)--;
		if (ioctl(m->vcpu, KVM_INTERRUPT, &irq))
			note("KVM_INTERRUPT: %s\n", strerror(errno));
	}
	m->run->request_interrupt_window = *left > 0;
}

static void note_segment(const char *name, const struct kvm_segment *s)
{
	/* Of one that cannot be used nothing else matters. */
	if (s->unusable) {
		note("%s %x unusable\n", name, s->selector);
		return;
	}
	note("%s %x %llx %x %u%u%u%u%u%u%u\n", name, s->selector, (unsigned long long)s->base,
	     s->limit, s->type, s->present, s->dpl, s->db, s->s, s->l, s->g);
}

static void note_registers(struct machine *m)
{
	static const char names[16][4] = {
		"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rsp", "rbp", "r8", "r9", "r10", "r11",
		"r12", "r13", "r14", "r15",
	};
	struct kvm_vcpu_events e;
	struct kvm_debugregs d;
	struct kvm_sregs s;
	struct kvm_regs r;
	static struct kvm_xsave x;
	const u8 *area = (const u8 *)x.region;

	if (ioctl(m->vcpu, KVM_GET_REGS, &r) || ioctl(m->vcpu, KVM_GET_SREGS, &s) ||
	    ioctl(m->vcpu, KVM_GET_XSAVE, &x) || ioctl(m->vcpu, KVM_GET_DEBUGREGS, &d) ||
	    ioctl(m->vcpu, KVM_GET_VCPU_EVENTS, &e))
		machine_die("reading the registers");
	for (int i = 0; i < 16; i++)
		note("%s %llx\n", names[i], (unsigned long long)((u64 *)&r)[i]);
	note("rip %llx rflags %llx\n", (unsigned long long)r.rip, (unsigned long long)r.rflags);
	note_segment("cs", &s.cs);
	note_segment("ss", &s.ss);
	note_segment("ds", &s.ds);
	note_segment("es", &s.es);
	note_segment("fs", &s.fs);
	note_segment("gs", &s.gs);
	note_segment("tr", &s.tr);
	note_segment("ldt", &s.ldt);
	note("cr0 %llx cr2 %llx cr4 %llx efer %llx gdt %llx %x idt %llx %x\n",
	     (unsigned long long)s.cr0, (unsigned long long)s.cr2, (unsigned long long)s.cr4,
	     (unsigned long long)s.efer, (unsigned long long)s.gdt.base, s.gdt.limit,
	     (unsigned long long)s.idt.base, s.idt.limit);
	note("dr6 %llx dr7 %llx\n", (unsigned long long)d.dr6, (unsigned long long)d.dr7);
	note("fcw %x fsw %x ftw %x mxcsr %x\n", *(const u16 *)area, *(const u16 *)(area + 2),
	     area[4], *(const u32 *)(area + 24));
	for (int i = 0; i < 8; i++) {
		note("st%d ", i);
		note_bytes(area + 32 + i * 16, 10);
	}
	for (int i = 0; i < 16; i++) {
		note("xmm%d ", i);
		note_bytes(area + 160 + i * 16, 16);
	}
	note("events exception %u %u interrupt %u shadow %u nmi %u %u %u\n", e.exception.injected,
	     e.exception.pending, e.interrupt.injected, e.interrupt.shadow, e.nmi.injected,
	     e.nmi.pending, e.nmi.masked);
}

/* The bytes that the program changed; of many, a hash. */
static void note_memory(struct machine *m, const struct fuzz_case *c)
{
	const u8 *old = machine_pristine(c);
	unsigned int shown = 0;
	u64 hash = 0;

	for (u64 i = 0; i < MEMORY; i += 8) {
		if (*(u64 *)(m->memory + i) == *(u64 *)(old + i) ||
		    (i + 8 > c->start && i < c->start + c->len))
			continue;
		hash = fuzz_mix(hash + i + *(u64 *)(m->memory + i));
		if (shown++ < 40) {
			note("memory %#llx ", (unsigned long long)i);
			note_bytes(m->memory + i, 8);
		}
	}
	note("memory %u words %llx\n", shown, (unsigned long long)hash);
}

static void watch(unsigned int microseconds)
{
	struct itimerval limit = { .it_value.tv_usec = microseconds };

	setitimer(ITIMER_REAL, &limit, NULL);
}

/* One exit. True when the guest is to go on; @ending says how it ended else. */
static bool serve(struct machine *m, u32 *reads, int *irqs, enum ending *ending)
{
	struct kvm_run *run = m->run;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		if (run->io.port == STUB_PORT && run->io.direction == KVM_EXIT_IO_OUT &&
		    run->io.count == 1)
			return serve_stub(m);
		serve_io(run, reads);
		return true;
	case KVM_EXIT_MMIO:
		serve_mmio(m);
		return true;
	case KVM_EXIT_HLT:
		note("hlt\n");
		return true;
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		serve_interrupt(m, irqs);
		return true;
	case KVM_EXIT_DEBUG:
		/* Not DR7: kvm_intel leaves there what was there when it emulates. */
		note("debug exception %u pc %#llx dr6 %#llx\n", run->debug.arch.exception,
		     (unsigned long long)run->debug.arch.pc,
		     (unsigned long long)run->debug.arch.dr6);
		/* As QEMU does for each step. */
		machine_step(m);
		return true;
	case KVM_EXIT_SHUTDOWN:
		note("shutdown\n");
		*ending = ENDED;
		return false;
	case KVM_EXIT_INTERNAL_ERROR:
		note("internal error %u\n", run->internal.suberror);
		*ending = GAVE_UP;
		return false;
	default:
		note("exit %u\n", run->exit_reason);
		*ending = GAVE_UP;
		return false;
	}
}

/**
 * run_case() - run a case on a VM
 * @m: the VM
 * @c: the case
 * @transcript: TRANSCRIPT bytes, what happened
 *
 * Return: ENDED, GAVE_UP = the hypervisor could not go on, STUCK = the program did not end; after
 * the latter two, and after a shutdown, the VM should not be used again.
 */
enum ending run_case(struct machine *m, const struct fuzz_case *c, char *transcript)
{
	enum ending ending = ENDED;
	int irqs = c->irqs, exits;
	u32 reads = 0;

	text = transcript;
	used = 0;
	machine_set(m, c);
	if (c->nmi == 1)
		IOCTL(m->vcpu, KVM_NMI, 0);
	m->run->request_interrupt_window = irqs > 0;
	for (exits = 0; exits < MAX_EXITS; exits++) {
		watch(MICROSECONDS);
		if (ioctl(m->vcpu, KVM_RUN, 0)) {
			note("KVM_RUN: %s\n", strerror(errno));
			ending = errno == EINTR ? STUCK : GAVE_UP;
			break;
		}
		watch(0);
		if (!serve(m, &reads, &irqs, &ending))
			break;
		if (exits == 0 && c->nmi == 2)
			IOCTL(m->vcpu, KVM_NMI, 0);
	}
	watch(0);
	if (exits == MAX_EXITS)
		note("too many exits\n");
	note_registers(m);
	note_memory(m, c);
	/* What userspace has answered is complete after this, and the next case finds nothing. */
	m->run->immediate_exit = 1;
	ioctl(m->vcpu, KVM_RUN, 0);
	m->run->immediate_exit = 0;
	return ending;
}
