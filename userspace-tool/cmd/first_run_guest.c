// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guests of `minikvm first-run`: a few bytes of real-mode code each, so small that whatever
 * goes wrong is the hypervisor's or the processor's.
 *
 * KVM's ABI; SDM, "Instructions That Cause VM Exits". A guest is one page of code in 640 KiB of
 * memory; above it nothing answers, so that a read from there is MMIO. KVM_RUN is interrupted by a
 * timer: a guest that never comes back is a surprise, and not a hang. Cycles are those of the TSC.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "cmd/first_run.h"
#include "kvm/exits.h"
#include "kvm/guest_cpuid.h"
#include "kvm/node.h"
#include "kvm/refusal.h"

#define MEMORY		0xa0000
#define CODE		0x1000
#define STACK		0x8000
#define HANDLER		0x700
#define COUNTER		0x600
#define FIRST_PAGE	0x10000
#define PAGE		0x1000
#define PAGES		((MEMORY - FIRST_PAGE) / PAGE)
#define SECONDS_MOST	20
#define EXITS		1000
#define VECTOR		0x30
#define INTERRUPTS	200
#define IN_MODULE	0	/* KVM_EXIT_UNKNOWN, which no exit here is */

#define APIC_BASE_X2APIC	0xfee00d00	/* enabled, x2APIC mode, the first processor's */

struct small_guest {
	int dev, vm, vcpu;
	struct kvm_run *run;
	size_t run_size;
	__u8 *memory;
};

static int refused(int fd, const char *what, struct sentence *why)
{
	return say(why, "%s failed: %s.", what, refusal(fd));
}

static void guest_destroy(struct small_guest *g)
{
	if (g->run)
		munmap(g->run, g->run_size);
	if (g->memory)
		munmap(g->memory, MEMORY);
	if (g->vcpu >= 0)
		close(g->vcpu);
	if (g->vm >= 0)
		close(g->vm);
	if (g->dev >= 0)
		close(g->dev);
}

/* The guest has what the processor and the module offer. */
static int give_cpuid(struct small_guest *g, struct sentence *why)
{
	struct kvm_cpuid2 *cpuid;
	int ret = 0;

	cpuid = calloc(1, sizeof(*cpuid) + CPUID_ENTRIES_MAX * sizeof(cpuid->entries[0]));
	if (!cpuid)
		return say(why, "There is no memory.");
	cpuid->nent = CPUID_ENTRIES_MAX;
	if (ioctl(g->dev, KVM_GET_SUPPORTED_CPUID, cpuid) < 0)
		ret = refused(g->dev, "KVM_GET_SUPPORTED_CPUID", why);
	else if (ioctl(g->vcpu, KVM_SET_CPUID2, cpuid) < 0)
		ret = refused(g->vcpu, "KVM_SET_CPUID2", why);
	free(cpuid);
	return ret;
}

static int guest_fill(struct small_guest *g, bool irqchip, struct sentence *why)
{
	struct kvm_userspace_memory_region region = { .memory_size = MEMORY };
	void *memory, *run;
	int size;

	g->dev = node_open(node_default(), why);
	if (g->dev < 0)
		return -1;
	g->vm = ioctl(g->dev, KVM_CREATE_VM, 0);
	if (g->vm < 0)
		return refused(g->dev, "KVM_CREATE_VM", why);
	memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return say(why, "There is no memory for a guest.");
	g->memory = memory;
	region.userspace_addr = (__u64)(unsigned long)memory;
	if (ioctl(g->vm, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return refused(g->vm, "KVM_SET_USER_MEMORY_REGION", why);
	if (irqchip && ioctl(g->vm, KVM_CREATE_IRQCHIP) < 0)
		return refused(g->vm, "KVM_CREATE_IRQCHIP", why);
	g->vcpu = ioctl(g->vm, KVM_CREATE_VCPU, 0);
	if (g->vcpu < 0)
		return refused(g->vm, "KVM_CREATE_VCPU", why);
	size = ioctl(g->dev, KVM_GET_VCPU_MMAP_SIZE, 0);
	run = size < 0 ? MAP_FAILED :
	      mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, g->vcpu, 0);
	if (run == MAP_FAILED)
		return refused(g->vcpu, "mmap of struct kvm_run", why);
	g->run = run;
	g->run_size = size;
	return give_cpuid(g, why);
}

static int guest_create(struct small_guest *g, bool irqchip, struct sentence *why)
{
	*g = (struct small_guest){ .dev = -1, .vm = -1, .vcpu = -1 };
	if (!guest_fill(g, irqchip, why) && g->run && g->memory)
		return 0;
	guest_destroy(g);
	return -1;
}

/* Code to CODE, registers as the code wants them: SI counts, all segments begin at 0. */
static int guest_start(struct small_guest *g, const __u8 *code, size_t size, __u16 count,
		       struct sentence *why)
{
	struct kvm_regs regs = { .rip = CODE, .rsi = count, .rsp = STACK, .rflags = 2 };
	struct kvm_sregs sregs;

	memcpy(g->memory + CODE, code, size);
	if (ioctl(g->vcpu, KVM_GET_SREGS, &sregs) < 0)
		return refused(g->vcpu, "KVM_GET_SREGS", why);
	sregs.cs.selector = sregs.ds.selector = sregs.es.selector = sregs.ss.selector = 0;
	sregs.cs.base = sregs.ds.base = sregs.es.base = sregs.ss.base = 0;
	if (ioctl(g->vcpu, KVM_SET_SREGS, &sregs) < 0)
		return refused(g->vcpu, "KVM_SET_SREGS", why);
	if (ioctl(g->vcpu, KVM_SET_REGS, &regs) < 0)
		return refused(g->vcpu, "KVM_SET_REGS", why);
	return 0;
}

static void on_alarm(int signal)
{
	(void)signal;
}

/* SIGALRM interrupts KVM_RUN, where the guest is still in it after so many seconds. */
static void watch(int seconds)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval timer = { .it_value.tv_sec = seconds };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static int guest_run(struct small_guest *g, __u32 reason, struct sentence *why)
{
	if (ioctl(g->vcpu, KVM_RUN, 0) < 0) {
		int err = errno;

		if (err == EINTR)
			return say(why, "The guest did not come back within %d seconds.",
				   SECONDS_MOST);
		run_error_explain(err, why);
		refusal_add(g->vcpu, err, why);
		return -1;
	}
	if (g->run->exit_reason == reason)
		return 0;
	return exit_explain(g->run, why), -1;
}

/**
 * guest_one_entry() - one VM entry, one exit
 * @why: receives the sentence on failure
 *
 * Return: 0 or -1.
 */
int guest_one_entry(struct sentence *why)
{
	static const __u8 hlt[] = { 0xf4 };
	struct small_guest g;
	int ret;

	if (guest_create(&g, false, why))
		return -1;
	watch(SECONDS_MOST);
	ret = guest_start(&g, hlt, sizeof(hlt), 0, why) || guest_run(&g, KVM_EXIT_HLT, why);
	watch(0);
	guest_destroy(&g);
	return ret ? -1 : 0;
}

/**
 * struct exit_kind - an instruction whose exit is measured
 * @name: the instruction
 * @before: code that is run once
 * @before_size: its size
 * @code: code that is run EXITS times
 * @size: its size
 * @reason: what KVM_RUN returns with each time, or IN_MODULE: it does not return
 */
static const struct exit_kind {
	const char *name;
	__u8 before[8], before_size, code[12], size;
	__u32 reason;
} exit_kinds[] = {
	{ "CPUID", {}, 0, { 0x66, 0x31, 0xc0, 0x0f, 0xa2 }, 5, IN_MODULE },
	{ "RDMSR IA32_MISC_ENABLE", {}, 0, { 0x66, 0xb9, 0xa0, 0x01, 0, 0, 0x0f, 0x32 }, 8,
	  IN_MODULE },
	{ "WRMSR IA32_MISC_ENABLE", { 0x66, 0xb9, 0xa0, 0x01, 0, 0, 0x0f, 0x32 }, 8,
	  { 0x0f, 0x30 }, 2, IN_MODULE },
	/* CR0.NE is VMX's own: it cannot change without an exit. */
	{ "MOV to CR0", { 0x0f, 0x20, 0xc0 }, 3, { 0x66, 0x83, 0xf0, 0x20, 0x0f, 0x22, 0xc0 }, 7,
	  IN_MODULE },
	{ "WBINVD", {}, 0, { 0x0f, 0x09 }, 2, IN_MODULE },
	{ "OUT, to the tool", {}, 0, { 0xe6, 0x80 }, 2, KVM_EXIT_IO },
	{ "IN, from the tool", {}, 0, { 0xe4, 0x80 }, 2, KVM_EXIT_IO },
	{ "MMIO read, from the tool", { 0xb8, 0x00, 0xa0, 0x8e, 0xc0 }, 5,
	  { 0x26, 0xa0, 0x00, 0x00 }, 4, KVM_EXIT_MMIO },
	{ "HLT, to the tool", {}, 0, { 0xf4 }, 1, KVM_EXIT_HLT },
};

/* Cycles for a loop of EXITS times @kind's code, which ends with HLT. */
static int measure(struct small_guest *g, const struct exit_kind *kind, __u64 *cycles,
		   struct sentence *why)
{
	__u8 code[64], *at = code;
	__u64 begin;
	int i;

	memcpy(at, kind->before, kind->before_size);
	at += kind->before_size;
	memcpy(at, kind->code, kind->size);
	at += kind->size;
	*at++ = 0x4e;				/* dec si */
	*at++ = 0x75;				/* jnz back to the code */
	*at++ = (__u8)-(kind->size + 3);
	*at++ = 0xf4;
	if (guest_start(g, code, at - code, EXITS, why))
		return -1;
	watch(SECONDS_MOST);
	begin = __rdtsc();
	for (i = 0; kind->reason && i < EXITS; i++)
		if (guest_run(g, kind->reason, why))
			return -1;
	if (guest_run(g, KVM_EXIT_HLT, why))
		return -1;
	*cycles = __rdtsc() - begin;
	watch(0);
	return 0;
}

/**
 * guest_exits() - each kind of exit by itself, and its cost
 * @r: the run
 * @why: receives the sentence on failure
 *
 * Return: 0 or -1.
 */
int guest_exits(struct first_run *r, struct sentence *why)
{
	static const struct exit_kind nothing = { .name = "nothing" };
	__u64 empty, cycles;
	struct small_guest g;
	int ret = -1;
	size_t i;

	if (guest_create(&g, false, why))
		return -1;
	if (first_run_step(r, why, "an empty loop") || measure(&g, &nothing, &empty, why))
		goto out;
	for (i = 0; i < ARRAY_SIZE(exit_kinds); i++) {
		if (first_run_step(r, why, "%s", exit_kinds[i].name) ||
		    measure(&g, &exit_kinds[i], &cycles, why))
			goto out;
		cycles = cycles > empty ? (cycles - empty) / EXITS : 0;
		first_run_tell(r, "  %-28s %8llu cycles", exit_kinds[i].name, cycles);
	}
	ret = 0;
out:
	guest_destroy(&g);
	return ret;
}

/* Writes each page's segment into its first word. */
static const __u8 write_pages[] = {
	0xb8, 0x00, 0x10,		/* mov ax, 0x1000 */
	0x8e, 0xc0,			/* mov es, ax */
	0x26, 0xa3, 0x00, 0x00,		/* mov es:[0], ax */
	0x05, 0x00, 0x01,		/* add ax, 0x100: the next page */
	0x3d, 0x00, 0xa0,		/* cmp ax, 0xa000 */
	0x72, 0xf2,			/* jb */
	0xf4,
};

/* Adds the first words of all pages in BX. */
static const __u8 add_pages[] = {
	0x31, 0xdb,			/* xor bx, bx */
	0xb8, 0x00, 0x10,		/* mov ax, 0x1000 */
	0x8e, 0xc0,			/* mov es, ax */
	0x26, 0x03, 0x1e, 0x00, 0x00,	/* add bx, es:[0] */
	0x05, 0x00, 0x01,		/* add ax, 0x100 */
	0x3d, 0x00, 0xa0,		/* cmp ax, 0xa000 */
	0x72, 0xf1,			/* jb */
	0xf4,
};

static int timed(struct small_guest *g, const __u8 *code, size_t size, __u64 *cycles,
		 struct sentence *why)
{
	int ret;

	if (guest_start(g, code, size, 0, why))
		return -1;
	watch(SECONDS_MOST);
	*cycles = __rdtsc();
	ret = guest_run(g, KVM_EXIT_HLT, why);
	*cycles = __rdtsc() - *cycles;
	watch(0);
	return ret;
}

static int sum_is(struct small_guest *g, __u16 wanted, const char *when, struct sentence *why)
{
	struct kvm_regs regs;
	__u64 cycles;

	if (timed(g, add_pages, sizeof(add_pages), &cycles, why))
		return -1;
	if (ioctl(g->vcpu, KVM_GET_REGS, &regs) < 0)
		return refused(g->vcpu, "KVM_GET_REGS", why);
	if ((__u16)regs.rbx == wanted)
		return 0;
	return say(why, "The guest read a sum of %u %s, and not %u.", (__u16)regs.rbx, when,
		   wanted);
}

static int memory_tests(struct first_run *r, struct small_guest *g, struct sentence *why)
{
	__u64 first, again;
	__u32 i, at;

	if (first_run_step(r, why, "the first touch of %d pages", PAGES) ||
	    timed(g, write_pages, sizeof(write_pages), &first, why) ||
	    timed(g, write_pages, sizeof(write_pages), &again, why))
		return -1;
	for (i = 0; i < PAGES; i++) {
		at = FIRST_PAGE + i * PAGE;
		if ((g->memory[at] | g->memory[at + 1] << 8) != (__u16)(at >> 4))
			return say(why, "Page 0x%x does not hold what the guest wrote.", at);
	}
	first_run_tell(r, "  %-28s %8llu cycles", "first touch of a page",
		       first > again ? (first - again) / PAGES : 0);
	if (first_run_step(r, why, "pages taken away from under the guest"))
		return -1;
	if (madvise(g->memory + FIRST_PAGE, MEMORY - FIRST_PAGE, MADV_DONTNEED) < 0)
		return say(why, "madvise failed: %s.", strerror(errno));
	if (sum_is(g, 0, "of pages that were taken away", why) ||
	    first_run_step(r, why, "pages that the host writes"))
		return -1;
	for (i = 0; i < PAGES; i++)
		g->memory[FIRST_PAGE + i * PAGE] = i + 1;
	return sum_is(g, PAGES * (PAGES + 1) / 2, "of what the host wrote", why);
}

/**
 * guest_memory() - guest memory: violations, contents, pages that go and come
 * @r: the run
 * @why: receives the sentence on failure
 *
 * Return: 0 or -1.
 */
int guest_memory(struct first_run *r, struct sentence *why)
{
	struct small_guest g;
	int ret;

	if (guest_create(&g, false, why))
		return -1;
	ret = memory_tests(r, &g, why);
	guest_destroy(&g);
	return ret;
}

/* Switches its local APIC on, lets interrupts in, and spins until INTERRUPTS have come. */
static const __u8 spin[] = {
	0x66, 0xb9, 0x0f, 0x08, 0, 0,	/* mov ecx, 0x80f: the spurious-interrupt register */
	0x66, 0xb8, 0xff, 0x01, 0, 0,	/* mov eax, 0x1ff */
	0x66, 0x31, 0xd2,		/* xor edx, edx */
	0x0f, 0x30,			/* wrmsr */
	0xfb,				/* sti */
	0x81, 0x3e, COUNTER & 255, COUNTER >> 8, INTERRUPTS, 0,	/* cmp word [COUNTER], ... */
	0x72, 0xf8,			/* jb */
	0xfa,				/* cli */
	0xe6, 0x80,			/* out 0x80, al */
};

/* Ends the interrupt by the x2APIC's EOI register, and counts it. */
static const __u8 handler[] = {
	0x66, 0xb9, 0x0b, 0x08, 0, 0,	/* mov ecx, 0x80b */
	0x66, 0x31, 0xc0,		/* xor eax, eax */
	0x66, 0x31, 0xd2,		/* xor edx, edx */
	0x0f, 0x30,			/* wrmsr */
	0xff, 0x06, COUNTER & 255, COUNTER >> 8,	/* inc word [COUNTER] */
	0xcf,				/* iret */
};

struct sender {
	int vm;
	bool stop;
	unsigned int sent;
	pthread_t thread;
};

static void *send_interrupts(void *argument)
{
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = VECTOR };
	const struct timespec pause = { .tv_nsec = 100000 };
	struct sender *s = argument;

	while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
		if (ioctl(s->vm, KVM_SIGNAL_MSI, &msi) >= 0)
			s->sent++;
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static int interrupt_tests(struct first_run *r, struct small_guest *g, struct sentence *why)
{
	struct sender s = { .vm = g->vm };
	struct kvm_sregs sregs;
	sigset_t alarm;
	int ret;

	if (ioctl(g->vcpu, KVM_GET_SREGS, &sregs) < 0)
		return refused(g->vcpu, "KVM_GET_SREGS", why);
	sregs.apic_base = APIC_BASE_X2APIC;
	if (ioctl(g->vcpu, KVM_SET_SREGS, &sregs) < 0)
		return refused(g->vcpu, "KVM_SET_SREGS", why);
	memcpy(g->memory + HANDLER, handler, sizeof(handler));
	g->memory[VECTOR * 4] = HANDLER & 255;
	g->memory[VECTOR * 4 + 1] = HANDLER >> 8;
	if (guest_start(g, spin, sizeof(spin), 0, why) ||
	    first_run_step(r, why, "%d interrupts to a guest that runs", INTERRUPTS))
		return -1;
	/* The alarm is the vCPU's. */
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarm, NULL);
	ret = pthread_create(&s.thread, NULL, send_interrupts, &s);
	pthread_sigmask(SIG_UNBLOCK, &alarm, NULL);
	if (ret)
		return say(why, "No thread can be made: %s.", strerror(ret));
	watch(SECONDS_MOST);
	ret = guest_run(g, KVM_EXIT_IO, why);
	watch(0);
	__atomic_store_n(&s.stop, true, __ATOMIC_RELAXED);
	pthread_join(s.thread, NULL);
	if (ret)
		return say(why, "%u interrupts were sent and %u arrived; then: the guest did not end.",
			   s.sent, g->memory[COUNTER] | g->memory[COUNTER + 1] << 8);
	first_run_tell(r, "  %d interrupts arrived, %u were sent (those that were pending are one)",
		       INTERRUPTS, s.sent);
	return 0;
}

/**
 * guest_interrupts() - interrupts to a guest that runs
 * @r: the run
 * @why: receives the sentence on failure
 *
 * Return: 0 or -1.
 */
int guest_interrupts(struct first_run *r, struct sentence *why)
{
	struct small_guest g;
	int ret;

	if (guest_create(&g, true, why))
		return -1;
	ret = interrupt_tests(r, &g, why);
	guest_destroy(&g);
	return ret;
}
