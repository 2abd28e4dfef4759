// SPDX-License-Identifier: GPL-2.0-only
/*
 * Task switches that fault behind the commit point, and the less common ones: 16-bit TSS, LDT,
 * virtual-8086 task, task at CPL 3, NMI, external interrupt and double fault through a task gate
 * (SDM volume 3, "Task Management", "Exception Conditions Checked During a Task Switch").
 * A fault of the new task goes through a task gate itself, to task C. Relies on lib/.
 */
#include <pthread.h>

#include "guest.h"

#define TSS_A 0x5000UL
#define TSS_B 0x5100UL
#define TSS_C 0x5200UL
#define LDT_B 0x5300UL
#define LOW_CODE 0x6000UL
#define SEL_A 0x200
#define SEL_B 0x208
#define SEL_C 0x210
#define SEL_CODE_NP 0x218
#define SEL_DATA_NP 0x220
#define SEL_CODE_XO 0x228
#define SEL_CODE_SHORT 0x230
#define SEL_LDT 0x238
#define SEL_UCODE 0x240
#define SEL_UDATA 0x248
#define SEL_BEYOND 0x7f8
#define STACK_C 0x1e0000

struct tss32 {
	u32 link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags;
	u32 eax, ecx, edx, ebx, esp, ebp, esi, edi;
	u32 es, cs, ss, ds, fs, gs, ldt;
	u16 trap, iomap;
};

struct tss16 {
	u16 link, stacks[6], ip, flags, ax, cx, dx, bx, sp, bp, si, di, es, cs, ss, ds, ldt;
};

asm(".text\n"
    "tf_main: .code32\n"
    "	mov $0x200, %eax\n"
    "	ltr %ax\n"
    "tf_jmp:	ljmp $0x208, $0\n"
    "tf_back:\n"
    "	out %al, $0x90\n"
    "tf_wait:\n"
    "	sti\n"
    "	nop\n"
    "tf_waiting:\n"
    "	out %al, $0x91\n"
    "	jmp tf_waiting\n"
    "tf_main_wait:\n"
    "	mov $0x200, %eax\n"
    "	ltr %ax\n"
    "	jmp tf_wait\n"
    "tf_main_df:\n"
    "	mov $0x200, %eax\n"
    "	ltr %ax\n"
    "	mov $0x1000, %eax\n"
    "tf_gp:	mov %ax, %fs\n"
    "tf_main_rdmsr:\n"
    "	mov $0x200, %eax\n"
    "	ltr %ax\n"
    "	mov $0x12345678, %ecx\n"
    "tf_rdmsr:	rdmsr\n"
    "tf_b:\n"
    "	out %al, $0xa0\n"
    "	ljmp $0x200, $0\n"
    "tf_c:\n"
    "	out %al, $0xc0\n"
    "	iret\n"
    "	out %al, $0xc1\n"
    "	iret\n"
    "	.code64\n");
extern const u8 tf_main[], tf_jmp[], tf_back[], tf_b[], tf_c[], tf_main_wait[], tf_waiting[],
	tf_main_df[], tf_gp[], tf_main_rdmsr[], tf_rdmsr[];

static struct kt_vcpu *vcpu;
static struct kt_vm *vm;
static struct tss32 *a, *b, *c;
static u64 *gdt, *idt;

static u64 descriptor(u32 base, u32 limit, u8 access, u8 flags)
{
	return (limit & 0xffff) | (u64)(base & 0xffffff) << 16 | (u64)access << 40 |
	       (u64)(limit >> 16 & 15) << 48 | (u64)flags << 52 | (u64)(base >> 24) << 56;
}

static u64 task_gate(u16 selector)
{
	return 0x0000850000000000 | (u64)selector << 16;
}

static u32 low(const u8 *p)
{
	return (u32)(unsigned long)p;
}

static void prepare(const u8 *start)
{
	vm = kt_vm_new(KT_MEM, 0);
	vcpu = kt_vcpu_new(vm, 0);
	gdt = kt_g2h(vm, KT_GDT);
	idt = kt_g2h(vm, KT_IDT32);
	a = kt_g2h(vm, TSS_A);
	b = kt_g2h(vm, TSS_B);
	c = kt_g2h(vm, TSS_C);
	*a = (struct tss32){ .iomap = 104 };
	*b = (struct tss32){
		.eip = low(tf_b), .eflags = 0x2, .eax = 0xb0, .ebx = 0xb3, .esp = 0x1f0000,
		.es = KT_DS, .cs = KT_CS32, .ss = KT_DS, .ds = KT_DS, .fs = KT_DS, .iomap = 104,
	};
	*c = *b;
	c->eip = low(tf_c);
	c->esp = STACK_C;
	gdt[SEL_A / 8] = descriptor(TSS_A, 103, 0x89, 0);
	gdt[SEL_B / 8] = descriptor(TSS_B, 103, 0x89, 0);
	gdt[SEL_C / 8] = descriptor(TSS_C, 103, 0x89, 0);
	gdt[SEL_CODE_NP / 8] = descriptor(0, 0xfffff, 0x1a, 0xc);
	gdt[SEL_DATA_NP / 8] = descriptor(0, 0xfffff, 0x12, 0xc);
	gdt[SEL_CODE_XO / 8] = descriptor(0, 0xfffff, 0x98, 0xc);
	gdt[SEL_CODE_SHORT / 8] = descriptor(0, 0xfff, 0x9a, 0x4);
	gdt[SEL_LDT / 8] = descriptor(LDT_B, 15, 0x82, 0);
	gdt[SEL_UCODE / 8] = descriptor(0, 0xfffff, 0xfa, 0xc);
	gdt[SEL_UDATA / 8] = descriptor(0, 0xfffff, 0xf2, 0xc);
	kt_vcpu_prot32(vcpu, start, false);
}

static void stage(u16 port)
{
	KT_RUN_EXIT(vcpu, KVM_EXIT_IO);
	if (vcpu->run->io.port != port) {
		kt_dump(vcpu);
		kt_fail("stopped at port %#x, want %#x", vcpu->run->io.port, port);
	}
}

static u8 type_of(u16 selector)
{
	return gdt[selector / 8] >> 40 & 15;
}

/* Stopped in task C, which was entered by an exception of task @from with this error code. */
static void check_c(u16 from, bool has_error, u32 error)
{
	struct kvm_sregs s;
	struct kvm_regs r;

	kt_get_sregs(vcpu, &s);
	kt_get_regs(vcpu, &r);
	KT_EQ(s.tr.selector, SEL_C);
	KT_EQ(c->link & 0xffff, from);
	KT_EQ(type_of(from), 0xb);
	KT_EQ(type_of(SEL_C), 0xb);
	KT_EQ(!!(r.rflags & 1 << 14), 1);
	KT_EQ(r.rsp, has_error ? STACK_C - 4 : STACK_C);
	if (has_error)
		KT_EQ(*(u32 *)kt_g2h(vm, STACK_C - 4), error);
}

struct fault {
	const char *what;
	u32 offset;		/* of what changes in task B */
	u32 value;
	u8 vector;
	u32 error;
};

#define B(member) offsetof(struct tss32, member)

static const struct fault faults[] = {
	{ "SS beyond the GDT", B(ss), SEL_BEYOND, 10, SEL_BEYOND },
	{ "SS null", B(ss), 0, 10, 0 },
	{ "SS a code segment", B(ss), KT_CS32, 10, KT_CS32 },
	{ "SS with another RPL", B(ss), KT_UDS, 10, KT_UDS & ~3 },
	{ "SS not present", B(ss), SEL_DATA_NP, 12, SEL_DATA_NP },
	{ "CS null", B(cs), 0, 10, 0 },
	{ "CS a data segment", B(cs), KT_DS, 10, KT_DS },
	{ "CS of another DPL", B(cs), SEL_UCODE, 10, SEL_UCODE },
	{ "CS not present", B(cs), SEL_CODE_NP, 11, SEL_CODE_NP },
	{ "CS in no LDT", B(cs), 4, 10, 4 },
	{ "DS not present", B(ds), SEL_DATA_NP, 11, SEL_DATA_NP },
	{ "ES execute-only", B(es), SEL_CODE_XO, 10, SEL_CODE_XO },
	{ "FS a TSS", B(fs), SEL_A, 10, SEL_A },
	{ "GS beyond the GDT", B(gs), SEL_BEYOND | 3, 10, SEL_BEYOND },
	{ "LDT a TSS", B(ldt), SEL_A, 10, SEL_A },
	{ "LDT in the LDT", B(ldt), 0xc, 10, 0xc },
	{ "EIP beyond the limit", B(cs), SEL_CODE_SHORT, 13, 0 },
};

static void faults_of_the_new_task(void)
{
	for (u32 i = 0; i < KT_ARRAY_SIZE(faults); i++) {
		const struct fault *f = &faults[i];
		u32 *field;

		prepare(tf_main);
		idt[f->vector] = task_gate(SEL_C);
		field = (u32 *)((u8 *)b + f->offset);
		*field = f->value;
		kt_note("%s", f->what);
		stage(0xc0);
		check_c(SEL_B, true, f->error);
		/* The new task was committed to: its state is in its TSS, the old one's in A. */
		KT_EQ(b->eip, low(tf_b));
		KT_EQ(b->ebx, 0xb3);
		KT_EQ(*field & 0xffff, f->value);
		KT_EQ(a->eip, low(tf_back));
		KT_EQ(type_of(SEL_A), 9);
		/* Mended, it begins where it was. */
		*field = f->offset == B(ldt) || f->offset == B(gs) ? 0 :
			 f->offset == B(cs) ? KT_CS32 : KT_DS;
		c->esp += 4;
		{
			struct kvm_regs r;

			kt_get_regs(vcpu, &r);
			r.rsp += 4;
			kt_set_regs(vcpu, &r);
		}
		stage(0xa0);
		kt_vm_free(vm);
	}
}

static void debug_trap(void)
{
	struct kvm_debugregs d;

	prepare(tf_main);
	idt[1] = task_gate(SEL_C);
	b->trap = 1;
	KT_IOCTL(vcpu->fd, KVM_GET_DEBUGREGS, &d);
	d.dr7 = 0x400 | 0x155 | 0xaa;
	d.db[0] = d.db[1] = d.db[2] = d.db[3] = 0xdead0000;
	KT_IOCTL(vcpu->fd, KVM_SET_DEBUGREGS, &d);
	stage(0xc0);
	check_c(SEL_B, false, 0);
	KT_EQ(b->eip, low(tf_b));
	KT_IOCTL(vcpu->fd, KVM_GET_DEBUGREGS, &d);
	KT_EQ(d.dr6 & 0x8000, 0x8000);
	KT_EQ(d.dr7 & 0x3ff, 0xaa);
	/* The trap bit stays: going back to the task traps again unless it is cleared. */
	b->trap = 0;
	stage(0xa0);
}

static void local_descriptors(void)
{
	u64 *ldt;
	struct kvm_sregs s;

	prepare(tf_main);
	ldt = kt_g2h(vm, LDT_B);
	ldt[0] = descriptor(0, 0xfffff, 0x9a, 0xc);
	ldt[1] = descriptor(0, 0xfffff, 0x92, 0xc);
	b->ldt = SEL_LDT;
	b->cs = 4;
	b->ss = b->ds = b->es = 0xc;
	stage(0xa0);
	kt_get_sregs(vcpu, &s);
	KT_EQ(s.ldt.selector, SEL_LDT);
	KT_EQ(s.ldt.base, LDT_B);
	KT_EQ(s.cs.selector, 4);
	KT_EQ(s.ss.selector, 0xc);
	KT_EQ(ldt[0] >> 40 & 0xff, 0x9b);
	KT_EQ(ldt[1] >> 40 & 0xff, 0x93);
	stage(0x90);
	kt_get_sregs(vcpu, &s);
	KT_EQ(s.ldt.unusable, 1);
}

static void user_task(void)
{
	struct kvm_sregs s;

	prepare(tf_main);
	b->cs = SEL_UCODE | 3;
	b->ss = b->ds = b->es = b->fs = SEL_UDATA | 3;
	b->eflags = 0x3002;
	stage(0xa0);
	kt_get_sregs(vcpu, &s);
	KT_EQ(s.ss.dpl, 3);
	KT_EQ(s.cs.dpl, 3);
	KT_EQ(s.cs.selector, SEL_UCODE | 3);
}

static void v8086_task(void)
{
	static const u8 code[] = { 0xe6, 0xa0, 0xf4 };
	struct kvm_sregs s;
	struct kvm_regs r;

	prepare(tf_main);
	memcpy(kt_g2h(vm, LOW_CODE + 0x10), code, sizeof(code));
	/* In virtual-8086 mode the I/O bitmap counts whatever IOPL is. */
	gdt[SEL_B / 8] = descriptor(TSS_B, 223, 0x89, 0);
	b->eflags = 0x23002;
	b->cs = LOW_CODE >> 4;
	b->eip = 0x10;
	b->ss = b->ds = b->es = b->fs = b->gs = 0x1234;
	b->esp = 0x100;
	stage(0xa0);
	kt_get_sregs(vcpu, &s);
	kt_get_regs(vcpu, &r);
	KT_EQ(r.rflags & 1 << 17, 1 << 17);
	KT_EQ(s.cs.base, LOW_CODE);
	KT_EQ(s.cs.limit, 0xffff);
	KT_EQ(s.gs.base, 0x12340);
	KT_EQ(s.ss.dpl, 3);
}

static void tss_of_16_bits(void)
{
	static const u8 code[] = { 0xe6, 0xa0, 0xea, 0, 0, 0, 0, SEL_A & 0xff, SEL_A >> 8 };
	struct tss16 *t;
	struct kvm_regs r;
	struct kvm_sregs s;

	prepare(tf_main);
	memcpy(kt_g2h(vm, LOW_CODE), code, sizeof(code));
	gdt[SEL_B / 8] = descriptor(TSS_B, 43, 0x81, 0);
	t = (void *)b;
	*t = (struct tss16){
		.ip = LOW_CODE, .flags = 2, .ax = 0xb0, .cx = 0xb1, .dx = 0xb2, .bx = 0xb3,
		.sp = 0x7000, .bp = 0xb5, .si = 0xb6, .di = 0xb7,
		.es = KT_DS, .cs = KT_CS32, .ss = KT_DS, .ds = KT_DS,
	};
	stage(0xa0);
	kt_get_regs(vcpu, &r);
	kt_get_sregs(vcpu, &s);
	KT_EQ(s.tr.type, 3);
	KT_EQ(type_of(SEL_B), 3);
	KT_EQ(r.rax & 0xffff, 0xb0);
	KT_EQ(r.rcx & 0xffff, 0xb1);
	KT_EQ(r.rdx & 0xffff, 0xb2);
	KT_EQ(r.rbx & 0xffff, 0xb3);
	KT_EQ(r.rsp & 0xffff, 0x7000);
	KT_EQ(r.rbp & 0xffff, 0xb5);
	KT_EQ(r.rsi & 0xffff, 0xb6);
	KT_EQ(r.rdi & 0xffff, 0xb7);
	KT_EQ(s.fs.unusable, 1);
	r.rbx = 0x1b1b1b1b;
	kt_set_regs(vcpu, &r);
	stage(0x90);
	KT_EQ(t->bx, 0x1b1b);
	KT_EQ(t->ip, LOW_CODE + sizeof(code));
	KT_EQ(t->ds, KT_DS);
	KT_EQ(type_of(SEL_B), 1);
}

static void nmi_gate(void)
{
	struct kvm_vcpu_events e;

	prepare(tf_main_wait);
	idt[2] = task_gate(SEL_C);
	stage(0x91);
	KT_IOCTL(vcpu->fd, KVM_NMI, 0);
	stage(0xc0);
	check_c(SEL_A, false, 0);
	KT_IOCTL(vcpu->fd, KVM_GET_VCPU_EVENTS, &e);
	KT_EQ(e.nmi.masked, 1);
	KT_EQ(e.nmi.injected, 0);
	stage(0x91);
	KT_IOCTL(vcpu->fd, KVM_GET_VCPU_EVENTS, &e);
	KT_EQ(e.nmi.masked, 0);
	KT_IOCTL(vcpu->fd, KVM_NMI, 0);
	stage(0xc1);
	stage(0x91);
}

static void interrupt_gate(void)
{
	struct kvm_interrupt irq = { 0x41 };

	prepare(tf_main_wait);
	idt[0x41] = task_gate(SEL_C);
	stage(0x91);
	KT_IOCTL(vcpu->fd, KVM_INTERRUPT, &irq);
	stage(0xc0);
	check_c(SEL_A, false, 0);
	KT_TRUE(a->eip >= low(tf_waiting) && a->eip <= low(tf_waiting) + 4);
	stage(0x91);
	KT_EQ(type_of(SEL_C), 9);
}

/* A fault through a task gate leaves RF in the old task's TSS, where IRET finds it. */
static void fault_gate(void)
{
	prepare(tf_main_rdmsr);
	idt[13] = task_gate(SEL_C);
	stage(0xc0);
	check_c(SEL_A, true, 0);
	KT_EQ(a->eip, low(tf_rdmsr));
	KT_EQ(a->eflags & 1 << 16, 1 << 16);
	kt_vm_free(vm);

	prepare(tf_main_df);
	idt[13] = task_gate(SEL_C);
	stage(0xc0);
	check_c(SEL_A, true, 0x1000);
	KT_EQ(a->eip, low(tf_gp));
	KT_EQ(a->eflags & 1 << 16, 1 << 16);
}

static volatile bool flips_over;

/* Change the DPL of task C's TSS descriptor, of which nothing depends here, as fast as can be. */
static void *flip(void *unused)
{
	u8 *access = (u8 *)&gdt[SEL_C / 8] + 5;

	while (!flips_over) {
		u8 old = __atomic_load_n(access, __ATOMIC_RELAXED);

		__atomic_compare_exchange_n(access, &old, (old & ~0x60) | ((old + 0x20) & 0x60),
					    false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	}
	return unused;
}

/* An event that meets a descriptor that somebody changes is delivered all the same, and once. */
static void busy_descriptor(void)
{
	struct kvm_interrupt irq = { 0x41 };
	struct kvm_vcpu_events e;
	pthread_t thread;

	prepare(tf_main_wait);
	idt[0x41] = task_gate(SEL_C);
	idt[2] = task_gate(SEL_C);
	stage(0x91);
	KT_TRUE(!pthread_create(&thread, NULL, flip, NULL));
	for (u32 i = 0; i < 400; i++) {
		if (i & 1)
			KT_IOCTL(vcpu->fd, KVM_NMI, 0);
		else
			KT_IOCTL(vcpu->fd, KVM_INTERRUPT, &irq);
		stage(i & 1 ? 0xc1 : 0xc0);
		KT_IOCTL(vcpu->fd, KVM_GET_VCPU_EVENTS, &e);
		KT_EQ(e.nmi.masked, i & 1);
		KT_EQ(e.nmi.injected | e.nmi.pending | e.interrupt.injected, 0);
		/* Task C goes on behind its IRET: begin anew after the second. */
		if (i & 1) {
			stage(0x91);
			c->eip = low(tf_c);
		} else {
			stage(0x91);
		}
	}
	flips_over = true;
	pthread_join(thread, NULL);
}

/* A #GP that finds no gate becomes #DF, whose error code goes on the new task's stack. */
static void double_fault_gate(void)
{
	prepare(tf_main_df);
	idt[13] &= ~(1ULL << 47);
	idt[8] = task_gate(SEL_C);
	stage(0xc0);
	check_c(SEL_A, true, 0);
	KT_EQ(a->eip, low(tf_gp));
}

/* A page of the old TSS that cannot be written: nothing has changed, the old task gets #PF. */
static void old_tss_read_only(void)
{
	u32 *pd, *pt;
	struct kt_frame32 *f;
	struct kvm_sregs s;

	prepare(tf_main);
	kt_vcpu_prot32(vcpu, tf_main, true);
	a->cr3 = b->cr3 = c->cr3 = KT_PD32;
	pd = kt_g2h(vm, KT_PD32);
	pt = kt_g2h(vm, 0x30000);
	for (u32 i = 0; i < 1024; i++)
		pt[i] = i << 12 | 7;
	pt[TSS_A >> 12] &= ~2U;
	/* TSS B on a page of its own, so that only A is read-only. */
	memcpy(kt_g2h(vm, 0x7000), b, sizeof(*b));
	gdt[SEL_B / 8] = descriptor(0x7000, 103, 0x89, 0);
	pd[0] = 0x30000 | 7;
	kt_get_sregs(vcpu, &s);
	s.cr0 |= 1 << 16;
	kt_set_sregs(vcpu, &s);
	stage(KT_PORT32);
	f = kt_frame32(vcpu);
	KT_EQ(f->vector, 14);
	KT_EQ(f->error, 3);
	KT_EQ(f->eip, low(tf_jmp));
	kt_get_sregs(vcpu, &s);
	KT_EQ(s.tr.selector, SEL_A);
	KT_EQ(s.cr2 >> 12, TSS_A >> 12);
	KT_EQ(type_of(SEL_B), 9);
	KT_EQ(type_of(SEL_A), 0xb);
}

static const struct kt_test tests[] = {
	{ "faults_of_the_new_task", faults_of_the_new_task },
	{ "debug_trap", debug_trap },
	{ "local_descriptors", local_descriptors },
	{ "user_task", user_task },
	{ "v8086_task", v8086_task },
	{ "tss_of_16_bits", tss_of_16_bits },
	{ "nmi_gate", nmi_gate },
	{ "interrupt_gate", interrupt_gate },
	{ "fault_gate", fault_gate },
	{ "busy_descriptor", busy_descriptor },
	{ "double_fault_gate", double_fault_gate },
	{ "old_tss_read_only", old_tss_read_only },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
