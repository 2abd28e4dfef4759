// SPDX-License-Identifier: GPL-2.0-only
/*
 * Differential test of the MMIO emulator: the same instruction runs once on RAM, where the CPU
 * executes it, and once on MMIO, where the module does and this program plays plain memory.
 * Registers, defined flags and memory must come out the same. SDM volume 2; the forms are in
 * lib/decoder_insns.S. Two VMs per mode differ in one page-table entry (or segment base) alone.
 */
#include <signal.h>

#include "guest.h"

struct form {
	const u8 *code;
	const char *name;
	u64 undefined;		/* flags that the SDM leaves undefined */
	u64 group;
};

extern const struct form __start_dd64[], __stop_dd64[], __start_dd32[], __stop_dd32[];
extern const struct form __start_dd16[], __stop_dd16[];
extern const u8 __start_dd16text[], __stop_dd16text[];
extern u8 stack_page[];

enum {
	MOV, MOVX, ADDRESSING, STRINGS, ALU, XCHG, BITS, PUSH_POP, OTHERS, MODE_32, MODE_16,
	SYSTEM_64, SYSTEM_32, SYSTEM_16,
};

#define OPERAND 0x210000UL	/* guest address of the operand page, all but real mode */
#define REAL_RAM 0x90000UL
#define REAL_MMIO 0xa0000UL
#define PT32 0x19000UL
#define STACK (0x1f0000UL - 64)	/* what a push or pop can reach */
#define SETS 3
#define MAX_EXITS 500		/* no form needs more */
#define FORM_SECONDS 4

struct side {
	struct kt_vcpu *vcpu;
	u8 *operand;		/* the RAM page, or what serves as MMIO */
	u64 mmio;		/* guest physical address of the operand, 0 for RAM */
	struct kvm_sregs start;
	struct kvm_regs out;
	struct kvm_sregs sregs_out;
	struct kvm_fpu fpu_out;
};

static u8 device[4096];

static u64 mix(u64 x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdUL;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53UL;
	return x ^ x >> 33;
}

static void fill(struct side *s, u64 seed)
{
	u8 *stack = kt_g2h(s->vcpu->vm, 0x6f00);

	for (u32 i = 0; i < 512; i++)
		((u64 *)s->operand)[i] = mix(seed + i);
	memset(stack, 0x99, 0x200);
	memset(kt_g2h(s->vcpu->vm, STACK), 0x99, 128);
	memset(kt_g2h(s->vcpu->vm, (unsigned long)stack_page), 0x3c, 4096);
}

static bool is_16(u64 group)
{
	return group == MODE_16 || group == SYSTEM_16;
}

static bool is_system(u64 group)
{
	return group >= SYSTEM_64;
}

static struct kvm_regs start_regs(u64 group, u64 seed)
{
	u64 base = is_16(group) ? 0 : OPERAND;
	struct kvm_regs r = {
		.rax = mix(seed ^ 1), .rdx = mix(seed ^ 2), .rbx = base + 0x200,
		.rbp = base + 0x280, .rsi = base + 0x300, .rdi = base + 0x500, .rcx = 5 + seed % 3,
		.r8 = 3 + seed % 4, .r9 = mix(seed ^ 3), .r10 = mix(seed ^ 4), .r11 = mix(seed ^ 5),
		.r12 = base + 0x600, .r13 = base + 0x700, .r14 = 300 + seed % 64,
		.r15 = (u64)-70L, .rsp = is_16(group) ? 0x7000 : 0x1f0000,
	};

	if (is_system(group))
		r.rsp = base + 0x800;
	if (group == MODE_32 || group == SYSTEM_32 || is_16(group)) {
		r.rax &= 0xffffffff;
		r.rdx &= 0xffffffff;
		memset(&r.r8, 0, 8 * sizeof(r.r8));
	}
	if (group == BITS)
		r.r8 = seed % 2 ? 21 : 3;
	/* CF, PF, AF, ZF, SF, OF all set or all clear; IF so that a runaway can be stopped. */
	r.rflags = 0x202 | (seed & 1 ? 0x8d5 : 0);
	return r;
}

static void set_fpu(struct kt_vcpu *vcpu, u64 seed)
{
	struct kvm_fpu fpu = { .fcw = 0x37f, .ftwx = 0xff, .mxcsr = 0x1f80 };

	for (u32 i = 0; i < 8; i++) {
		*(u64 *)fpu.fpr[i] = mix(seed + 100 + i);
		*(u16 *)(fpu.fpr[i] + 8) = 0x3fff;
	}
	for (u32 i = 0; i < 16; i++)
		*(u64 *)fpu.xmm[i] = mix(seed + 200 + i);
	KT_IOCTL(vcpu->fd, KVM_SET_FPU, &fpu);
}

/* Runs one form on one side; false if the run did not reach the HLT behind it. */
static bool run_form(struct side *s, const struct form *f, u64 seed)
{
	struct kvm_regs r = start_regs(f->group, seed);

	fill(s, seed);
	if (is_system(f->group)) {
		kt_set_sregs(s->vcpu, &s->start);
		set_fpu(s->vcpu, seed);
	}
	if (is_16(f->group))
		r.rip = f->code - __start_dd16text;
	else
		r.rip = (unsigned long)f->code;
	kt_set_regs(s->vcpu, &r);
	for (u32 i = 0; i < MAX_EXITS; i++) {
		alarm(FORM_SECONDS);
		if (kt_run_raw(s->vcpu)) {
			kt_note("%s: KVM_RUN: %s", f->name, kt_errno_name(errno));
			kt_dump(s->vcpu);
			return false;
		}
		if (!s->mmio || !kt_mmio_serve(s->vcpu, s->mmio, s->operand, 4096))
			break;
	}
	kt_get_regs(s->vcpu, &s->out);
	kt_get_sregs(s->vcpu, &s->sregs_out);
	KT_IOCTL(s->vcpu->fd, KVM_GET_FPU, &s->fpu_out);
	return s->vcpu->run->exit_reason == KVM_EXIT_HLT;
}

/* Of an unusable segment only the selector means anything. */
static bool segment_differs(const struct kvm_segment *a, const struct kvm_segment *b)
{
	if (a->unusable && b->unusable)
		return a->selector != b->selector;
	return memcmp(a, b, sizeof(*a));
}

/* The registers that only these forms reach. In real mode the two sides differ in their bases. */
static const char *system_differs(struct side *ram, struct side *mmio, const struct form *f)
{
	struct kvm_sregs *a = &ram->sregs_out, *b = &mmio->sregs_out;
	struct kvm_fpu *x = &ram->fpu_out, *y = &mmio->fpu_out;

	if (memcmp(x->fpr, y->fpr, sizeof(x->fpr)))
		return "the x87 registers differ";
	if (x->fcw != y->fcw || x->fsw != y->fsw || x->ftwx != y->ftwx)
		return "the x87 state differs";
	if (memcmp(x->xmm, y->xmm, sizeof(x->xmm)) || x->mxcsr != y->mxcsr)
		return "the vector registers differ";
	if (a->cr0 != b->cr0)
		return "CR0 differs";
	if (memcmp(&a->gdt, &b->gdt, 10) || memcmp(&a->idt, &b->idt, 10))
		return "GDTR or IDTR differs";
	/* In 64-bit mode their bases count in any case. */
	if (a->fs.base != b->fs.base || a->gs.base != b->gs.base)
		return "the base of FS or GS differs";
	if (segment_differs(&a->cs, &b->cs) || segment_differs(&a->fs, &b->fs) ||
	    segment_differs(&a->gs, &b->gs))
		return "CS, FS or GS differs";
	if (f->group == SYSTEM_16)
		return NULL;
	if (segment_differs(&a->ds, &b->ds) || segment_differs(&a->es, &b->es) ||
	    segment_differs(&a->ss, &b->ss))
		return "DS, ES or SS differs";
	if (segment_differs(&a->tr, &b->tr) || segment_differs(&a->ldt, &b->ldt))
		return "TR or LDTR differs";
	return NULL;
}

static const char *first_difference(struct side *ram, struct side *mmio, const struct form *f)
{
	static const char * const names[] = {
		"RAX", "RBX", "RCX", "RDX", "RSI", "RDI", "RSP", "RBP", "R8", "R9", "R10", "R11",
		"R12", "R13", "R14", "R15", "RIP",
	};
	static char text[160];
	u64 *a = (u64 *)&ram->out, *b = (u64 *)&mmio->out;
	u64 mask = ~f->undefined & (is_system(f->group) ? 0x3fffff : 0xcd5);

	for (unsigned int i = 0; i < KT_ARRAY_SIZE(names); i++)
		if (a[i] != b[i]) {
			snprintf(text, sizeof(text), "%s is %#llx on RAM, %#llx on MMIO", names[i],
				 (unsigned long long)a[i], (unsigned long long)b[i]);
			return text;
		}
	if ((ram->out.rflags ^ mmio->out.rflags) & mask) {
		snprintf(text, sizeof(text), "RFLAGS is %#llx on RAM, %#llx on MMIO",
			 (unsigned long long)(ram->out.rflags & mask),
			 (unsigned long long)(mmio->out.rflags & mask));
		return text;
	}
	for (u32 i = 0; i < 4096; i++)
		if (ram->operand[i] != mmio->operand[i]) {
			snprintf(text, sizeof(text), "byte %#x is %#x on RAM, %#x on MMIO", i,
				 ram->operand[i], mmio->operand[i]);
			return text;
		}
	if (is_system(f->group) && system_differs(ram, mmio, f))
		return system_differs(ram, mmio, f);
	if (memcmp(kt_g2h(ram->vcpu->vm, STACK), kt_g2h(mmio->vcpu->vm, STACK), 128) ||
	    memcmp(kt_g2h(ram->vcpu->vm, 0x6f00), kt_g2h(mmio->vcpu->vm, 0x6f00), 0x200))
		return "the stack differs";
	if (memcmp(kt_g2h(ram->vcpu->vm, (unsigned long)stack_page),
		   kt_g2h(mmio->vcpu->vm, (unsigned long)stack_page), 4096))
		return "the other page differs";
	return NULL;
}

static void make_long(struct side *s, bool mmio)
{
	struct kvm_sregs sr;
	u64 *pt;

	s->vcpu = kt_long(0, 0, guest_done);
	kt_get_sregs(s->vcpu, &sr);
	sr.fs.base = OPERAND + 0x100;
	sr.gs.base = OPERAND + 0x180;
	kt_set_sregs(s->vcpu, &sr);
	pt = kt_g2h(s->vcpu->vm, KT_PT);
	s->operand = kt_g2h(s->vcpu->vm, OPERAND);
	if (mmio) {
		pt[(OPERAND - KT_TEST_AREA) >> 12] = KT_MMIO | 7;
		s->operand = device;
		s->mmio = KT_MMIO;
	}
}

static void make_32(struct side *s, bool mmio)
{
	struct kt_vm *vm = kt_vm_new(KT_MEM, 0);
	u32 *pt = kt_g2h(vm, PT32), *pd = kt_g2h(vm, KT_PD32);

	s->vcpu = kt_vcpu_new(vm, 0);
	for (u32 i = 0; i < 1024; i++)
		pt[i] = i << 12 | 7;
	pd[0] = PT32 | 7;
	kt_vcpu_prot32(s->vcpu, __start_dd32[0].code, true);
	s->operand = kt_g2h(vm, OPERAND);
	if (mmio) {
		pt[OPERAND >> 12] = KT_MMIO | 7;
		s->operand = device;
		s->mmio = KT_MMIO;
	}
}

static void make_16(struct side *s, bool mmio)
{
	u64 base = mmio ? REAL_MMIO : REAL_RAM;
	struct kt_vm *vm = kt_vm_new(KT_MEM, 0);
	struct kvm_sregs sr;

	/* The hole of the old video memory. */
	KT_EQ(kt_slot(vm, 0, 0, 0, 0, NULL), 0);
	KT_EQ(kt_slot(vm, 0, 0, 0, 0xa0000, vm->mem), 0);
	KT_EQ(kt_slot(vm, 1, 0, 0x100000, KT_MEM - 0x100000, vm->mem + 0x100000), 0);
	s->vcpu = kt_vcpu_new(vm, 0);
	kt_vcpu_real(s->vcpu, __start_dd16text, __stop_dd16text);
	kt_get_sregs(s->vcpu, &sr);
	sr.ds.base = base;
	sr.ds.selector = base >> 4;
	sr.es.base = base;
	sr.es.selector = base >> 4;
	kt_set_sregs(s->vcpu, &sr);
	s->operand = kt_g2h(vm, REAL_RAM);
	if (mmio) {
		s->operand = device;
		s->mmio = REAL_MMIO;
	}
}

static void make_16_stack(struct side *s, bool mmio)
{
	struct kvm_sregs sr;

	make_16(s, mmio);
	kt_get_sregs(s->vcpu, &sr);
	sr.ss = sr.ds;
	kt_set_sregs(s->vcpu, &sr);
}

static void on_alarm(int sig)
{
	(void)sig;		/* KVM_RUN ends with EINTR */
}

static void start_system(struct side *s)
{
	kt_get_sregs(s->vcpu, &s->start);
	s->start.cr0 &= ~0xcUL;		/* TS, EM */
	s->start.cr4 |= 0x200;		/* OSFXSR */
}

static void diff(const struct form *from, const struct form *to, u64 group,
		 void (*make)(struct side *s, bool mmio))
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct side ram = { 0 }, mmio = { 0 };
	u32 n = 0, bad = 0;

	sigaction(SIGALRM, &sa, NULL);

	make(&ram, false);
	make(&mmio, true);
	if (is_system(group)) {
		start_system(&ram);
		start_system(&mmio);
	}
	for (const struct form *f = from; f < to; f++) {
		if (f->group != group)
			continue;
		n++;
		for (u64 set = 0; set < SETS; set++) {
			const char *what;

			if (!run_form(&ram, f, set * 77 + n))
				kt_fail("%s: does not run on RAM", f->name);
			if (!run_form(&mmio, f, set * 77 + n)) {
				struct kvm_run *run = mmio.vcpu->run;

				kt_note("%s: ends with %s suberror %u", f->name,
					kt_exit_name(run->exit_reason),
					run->exit_reason == KVM_EXIT_INTERNAL_ERROR ?
					run->internal.suberror : 0);
				bad++;
				break;
			}
			what = first_difference(&ram, &mmio, f);
			if (what) {
				kt_note("%s: %s", f->name, what);
				bad++;
				break;
			}
		}
	}
	KT_TRUE(n > 0);
	if (bad)
		kt_fail("%u of %u forms differ", bad, n);
	kt_note("%u forms agree", n);
}

#define LONG_GROUP(name, group)						\
	static void name(void)						\
	{								\
		diff(__start_dd64, __stop_dd64, group, make_long);	\
	}

LONG_GROUP(mov, MOV)
LONG_GROUP(movzx_movsx, MOVX)
LONG_GROUP(addressing_and_prefixes, ADDRESSING)
LONG_GROUP(strings, STRINGS)
LONG_GROUP(arithmetic_and_logic, ALU)
LONG_GROUP(exchange, XCHG)
LONG_GROUP(bits, BITS)
LONG_GROUP(push_pop, PUSH_POP)
LONG_GROUP(others, OTHERS)

static void mode_32(void)
{
	diff(__start_dd32, __stop_dd32, MODE_32, make_32);
}

static void mode_16(void)
{
	diff(__start_dd16, __stop_dd16, MODE_16, make_16);
}

static void system_64(void)
{
	diff(__start_dd64, __stop_dd64, SYSTEM_64, make_long);
}

static void system_32(void)
{
	diff(__start_dd32, __stop_dd32, SYSTEM_32, make_32);
}

static void system_16(void)
{
	diff(__start_dd16, __stop_dd16, SYSTEM_16, make_16_stack);
}

static const struct kt_test tests[] = {
	{ "mov", mov },
	{ "movzx_movsx", movzx_movsx },
	{ "addressing_and_prefixes", addressing_and_prefixes },
	{ "strings", strings },
	{ "arithmetic_and_logic", arithmetic_and_logic },
	{ "exchange", exchange },
	{ "bits", bits },
	{ "push_pop", push_pop },
	{ "others", others },
	{ "mode_32", mode_32 },
	{ "mode_16", mode_16 },
	{ "system_64", system_64 },
	{ "system_32", system_32 },
	{ "system_16", system_16 },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
