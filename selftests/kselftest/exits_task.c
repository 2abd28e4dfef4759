// SPDX-License-Identifier: GPL-2.0-only
/*
 * Task switches, which VT-x always hands to the hypervisor (SDM volume 3, "Task Management" and
 * "Treatment of Task Switches" in "VMX Non-Root Operation"), and exceptions as the guest's own
 * IDT sees them: vector, error code, CR2, double fault, and delivery that itself needs a page
 * which no EPT entry maps yet (IDT-vectoring information, "Information for VM Exits During
 * Event Delivery"). Relies on lib/.
 */
#include "guest.h"

#define TSS_A 0x5000UL
#define TSS_B 0x5100UL
#define SEL_A 0x200
#define SEL_B 0x208
#define SEL_GATE 0x210
#define SEL_SHORT 0x218
#define VEC_GATE 0x40
#define PD32_B 0x18000UL

struct tss32 {
	u32 link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags;
	u32 eax, ecx, edx, ebx, esp, ebp, esi, edi;
	u32 es, cs, ss, ds, fs, gs, ldt, iomap;
};

asm(".text\n"
    "task_main: .code32\n"
    "	mov $0x200, %eax\n"
    "	ltr %ax\n"
    "	mov $0x0a0a0a0a, %ebx\n"
    "	mov $0x0b0b0b0b, %esi\n"
    "	ljmp $0x208, $0\n"
    "task_after_jmp:\n"
    "	out %al, $0x90\n"
    "	lcall $0x208, $0\n"
    "task_after_call:\n"
    "	out %al, $0x91\n"
    "	int $0x40\n"
    "task_after_int:\n"
    "	out %al, $0x92\n"
    "	ljmp $0x210, $0\n"
    "	out %al, $0x93\n"
    "task_gp: mov $0x1000, %eax\n"
    "	mov %ax, %fs\n"			/* #GP through the task gate */
    "task_after_gp:\n"
    "	out %al, $0x94\n"
    "	ljmp $0x200, $0\n"		/* busy */
    "task_after_busy:\n"
    "	ljmp $0x218, $0\n"		/* TSS limit too small */
    "task_after_short:\n"
    "	out %al, $0x95\n"
    "	hlt\n"
    "task_b:\n"
    "	out %al, $0xa0\n"
    "	ljmp $0x200, $0\n"
    "	out %al, $0xa1\n"
    "	iret\n"
    "	out %al, $0xa2\n"
    "	iret\n"
    "	out %al, $0xa3\n"
    "	ljmp $0x200, $0\n"
    "	out %al, $0xa4\n"
    "	add $4, %esp\n"
    "	iret\n"
    "	.code64\n");
extern const u8 task_main[], task_b[], task_after_jmp[], task_after_call[], task_after_int[],
	task_after_gp[], task_after_busy[], task_after_short[];

static u8 desc_type(struct kt_vm *vm, u32 sel)
{
	return ((u8 *)kt_g2h(vm, KT_GDT))[sel + 5] & 0xf;
}

static void stage(struct kt_vcpu *vcpu, u16 port)
{
	KT_RUN_EXIT(vcpu, KVM_EXIT_IO);
	if (vcpu->run->io.port != port) {
		kt_dump(vcpu);
		kt_fail("stopped at port %#x, want %#x", vcpu->run->io.port, port);
	}
}

/* At port of task B: it runs on its own TSS, and A's registers are saved. */
static void check_in_b(struct kt_vcpu *vcpu, const u8 *eip_of_a, bool nested, bool paging)
{
	struct tss32 *a = kt_g2h(vcpu->vm, TSS_A), *b = kt_g2h(vcpu->vm, TSS_B);
	struct kvm_sregs s;
	struct kvm_regs r;

	kt_get_regs(vcpu, &r);
	kt_get_sregs(vcpu, &s);
	KT_EQ(s.tr.selector, SEL_B);
	KT_EQ(s.tr.base, TSS_B);
	KT_EQ(s.tr.type, 0xb);
	KT_EQ(s.cr0 & 8, 8);
	KT_EQ(!!(r.rflags & 1 << 14), nested);
	if (eip_of_a)
		KT_EQ(a->eip, (unsigned long)eip_of_a);
	KT_EQ(a->ebx, 0x0a0a0a0a);
	KT_EQ(a->esi, 0x0b0b0b0b);
	KT_EQ(a->cs & 0xffff, KT_CS32);
	KT_EQ(desc_type(vcpu->vm, SEL_B), 0xb);
	KT_EQ(desc_type(vcpu->vm, SEL_A), nested ? 0xb : 0x9);
	if (nested)
		KT_EQ(b->link & 0xffff, SEL_A);
	if (paging)
		KT_EQ(s.cr3, PD32_B);
}

static void check_in_a(struct kt_vcpu *vcpu, bool paging)
{
	struct kvm_sregs s;
	struct kvm_regs r;

	kt_get_regs(vcpu, &r);
	kt_get_sregs(vcpu, &s);
	KT_EQ(s.tr.selector, SEL_A);
	KT_EQ(s.tr.base, TSS_A);
	KT_EQ(r.rbx, 0x0a0a0a0a);
	KT_EQ(r.rsi, 0x0b0b0b0b);
	KT_EQ(r.rflags & 1 << 14, 0);
	KT_EQ(desc_type(vcpu->vm, SEL_A), 0xb);
	KT_EQ(desc_type(vcpu->vm, SEL_B), 0x9);
	if (paging)
		KT_EQ(s.cr3, KT_PD32);
}

static void task_switches(bool paging)
{
	struct kt_vm *vm = kt_vm_new(KT_MEM, 0);
	struct kt_vcpu *vcpu = kt_vcpu_new(vm, 0);
	u64 *gdt = kt_g2h(vm, KT_GDT), *idt = kt_g2h(vm, KT_IDT32), gp_gate;
	struct tss32 *a = kt_g2h(vm, TSS_A), *b = kt_g2h(vm, TSS_B);
	struct kt_frame32 *f;
	struct kvm_regs r;

	*a = (struct tss32){ .cr3 = paging ? KT_PD32 : 0, .iomap = 0x680000 };
	*b = (struct tss32){
		.cr3 = paging ? PD32_B : 0, .eip = (u32)(unsigned long)task_b, .eflags = 0x202,
		.eax = 0xb0, .ecx = 0xb1, .edx = 0xb2, .ebx = 0xb3, .esp = 0x1f0000, .ebp = 0xb5,
		.esi = 0xb6, .edi = 0xb7, .es = KT_DS, .cs = KT_CS32, .ss = KT_DS, .ds = KT_DS,
		.fs = KT_DS, .gs = 0, .iomap = 0x680000,
	};
	memcpy(kt_g2h(vm, PD32_B), kt_g2h(vm, KT_PD32), 4096);
	gdt[SEL_A / 8] = 0x0000890000000067 | TSS_A << 16;
	gdt[SEL_B / 8] = 0x0000890000000067 | TSS_B << 16;
	gdt[SEL_GATE / 8] = 0x0000850000000000 | (u64)SEL_B << 16;
	gdt[SEL_SHORT / 8] = 0x0000890000000020 | 0x5200UL << 16;
	idt[VEC_GATE] = 0x0000850000000000 | (u64)SEL_B << 16;
	kt_vcpu_prot32(vcpu, task_main, paging);

	stage(vcpu, 0xa0);
	check_in_b(vcpu, task_after_jmp, false, paging);
	kt_get_regs(vcpu, &r);
	KT_EQ(r.rax, 0xb0);
	KT_EQ(r.rcx, 0xb1);
	KT_EQ(r.rdx, 0xb2);
	KT_EQ(r.rbx, 0xb3);
	KT_EQ(r.rsp, 0x1f0000);
	KT_EQ(r.rbp, 0xb5);
	KT_EQ(r.rsi, 0xb6);
	KT_EQ(r.rdi, 0xb7);
	stage(vcpu, 0x90);
	check_in_a(vcpu, paging);
	stage(vcpu, 0xa1);
	check_in_b(vcpu, task_after_call, true, paging);
	stage(vcpu, 0x91);
	check_in_a(vcpu, paging);
	stage(vcpu, 0xa2);
	check_in_b(vcpu, task_after_int, true, paging);
	stage(vcpu, 0x92);
	check_in_a(vcpu, paging);
	stage(vcpu, 0xa3);
	check_in_b(vcpu, NULL, false, paging);
	gp_gate = idt[13];
	idt[13] = idt[VEC_GATE];
	stage(vcpu, 0x93);
	check_in_a(vcpu, paging);
	stage(vcpu, 0xa4);
	check_in_b(vcpu, NULL, true, paging);
	kt_get_regs(vcpu, &r);
	KT_EQ(*(u32 *)kt_g2h(vm, r.rsp), 0x1000);
	a->eip = (u32)(unsigned long)task_after_gp;
	idt[13] = gp_gate;
	stage(vcpu, 0x94);
	check_in_a(vcpu, paging);
	stage(vcpu, KT_PORT32);
	f = kt_frame32(vcpu);
	KT_EQ(f->vector, 13);
	KT_EQ(f->error, SEL_A);
	f->eip = (u32)(unsigned long)task_after_busy;
	stage(vcpu, KT_PORT32);
	f = kt_frame32(vcpu);
	KT_EQ(f->vector, 10);
	KT_EQ(f->error, SEL_SHORT);
	f->eip = (u32)(unsigned long)task_after_short;
	stage(vcpu, 0x95);
	check_in_a(vcpu, paging);
}

static void task_switch_unpaged(void)
{
	task_switches(false);
}

static void task_switch_paged(void)
{
	task_switches(true);
}

/* ---- exceptions --------------------------------------------------------------------------- */

#define IDT64 ((volatile u64 *)KT_IDT)

static void exc_guest(void)
{
	u64 vec;
	u32 v;

	GUEST_EQ(GUEST_TRY("divl %0", NOTHING, "r"(0), "a"(1), "d"(0)), 0);
	GUEST_EQ(GUEST_TRY0("int3"), 3);
	GUEST_EQ(GUEST_TRY0("int $3"), 3);
	GUEST_EQ(GUEST_TRY0(".byte 0xf1"), 1);
	GUEST_EQ(GUEST_TRY0("ud2"), 6);
	GUEST_EQ(GUEST_TRY("mov (%1), %0", "=r"(v), "r"(1UL << 63)), 13);
	GUEST_EQ(guest_exc.error, 0);
	/* A vector whose gate is not present, and one beyond the limit. */
	IDT64[0x90 * 2] &= ~(1UL << 47);
	GUEST_EQ(GUEST_TRY0("int $0x90"), 11);
	GUEST_EQ(guest_exc.error, 0x90 * 8 + 2);
	IDT64[0x90 * 2] |= 1UL << 47;
	GUEST_EQ(GUEST_TRY0("int $0x90"), 0x90);
	/* x87 and SSE. */
	{
		u16 cw = 0x340;
		u32 mxcsr = 0x1d80;	/* divide by zero unmasked */

		asm volatile("fninit; fldcw %0" : : "m"(cw));
		GUEST_EQ(GUEST_TRY0("fld1; fldz; fdivrp; fwait"), 16);
		asm volatile("fninit");
		asm volatile("ldmxcsr %0" : : "m"(mxcsr));
		mxcsr = 0x3f800000;
		GUEST_EQ(GUEST_TRY("xorps %%xmm1, %%xmm1; movss %0, %%xmm0; divss %%xmm1, %%xmm0",
				   NOTHING, "m"(mxcsr)), 19);
		mxcsr = 0x1f80;
		asm volatile("ldmxcsr %0" : : "m"(mxcsr));
	}
	/* SS is implied by RBP, which has to be right again at once. */
	asm volatile("lea 1f(%%rip), %%r11\n\t"
		     "mov %%r11, guest_fixup(%%rip)\n\t"
		     "mov %%rbp, %%r10\n\t"
		     "mov %0, %%rbp\n\t"
		     "mov (%%rbp), %%rax\n"
		     "1:\tmov %%r10, %%rbp"
		     : : "r"(1UL << 63) : "rax", "r10", "r11", "memory");
	vec = guest_exc.vector;
	GUEST_EQ(vec, 12);
	GUEST_EQ(guest_exc.error, 0);
	guest_done();
}

static void exceptions(void)
{
	KT_RUN_DONE(kt_long(0, 0, exc_guest));
}

static void pf_guest(void)
{
	u64 va = KT_TEST_AREA + 0x5000, stack_flags;
	u32 v;

	*guest_pte(va) = 0;
	flush_page(va);
	GUEST_EQ(GUEST_TRY("mov (%1), %0", "=r"(v), "r"(va + 8)), 14);
	GUEST_EQ(guest_exc.error, 0);
	GUEST_EQ(guest_exc.cr2, va + 8);
	GUEST_EQ(GUEST_TRY("movl $0, (%0)", NOTHING, "r"(va + 0xffc)), 14);
	GUEST_EQ(guest_exc.error, 2);
	GUEST_EQ(guest_exc.cr2, va + 0xffc);
	*guest_pte(va) = va | 5;
	GUEST_EQ(GUEST_TRY("movl $0, (%0)", NOTHING, "r"(va)), 14);
	GUEST_EQ(guest_exc.error, 3);
	*guest_pte(va) = va | 7 | 1UL << 51;		/* reserved unless MAXPHYADDR is 52 */
	flush_page(va);
	GUEST_EQ(GUEST_TRY("mov (%1), %0", "=r"(v), "r"(va)), 14);
	GUEST_EQ(guest_exc.error, 9);
	*guest_pte(va) = va | 7 | 1UL << 63;
	flush_page(va);
	wr8(va, 0xc3);
	GUEST_EQ(GUEST_TRY("call *%0", NOTHING, "r"(va)), 14);
	GUEST_EQ(guest_exc.error, 0x11);
	GUEST_EQ(guest_exc.rip, va);
	*guest_pte(va) = va | 7;
	flush_page(va);
	asm volatile("call *%0" : : "r"(va) : "memory");
	/* A and D bits are set by the hardware, D by writes alone. */
	*guest_pte(va) = va | 7;
	flush_page(va);
	rd32(va);
	GUEST_EQ(*guest_pte(va) & 0x60, 0x20);
	wr32(va, 1);
	GUEST_EQ(*guest_pte(va) & 0x60, 0x60);
	asm volatile("pushf; pop %0" : "=r"(stack_flags));
	GUEST_TRUE(stack_flags & 2);
	guest_done();
}

static void page_faults(void)
{
	struct kvm_cpuid2 *c = kt_supported_cpuid();

	if ((kt_cpuid_entry(c, 0x80000008, 0)->eax & 0xff) == 52)
		kt_note("MAXPHYADDR is 52: the reserved-bit case would not fault");
	KT_RUN_DONE(kt_long(0, 0, pf_guest));
}

static volatile u64 df_count, df_error;

static void on_df(struct gframe *f)
{
	df_count++;
	df_error = f->error;
	f->rip = guest_fixup;
	guest_fixup = 0;
}

static void df_guest(void)
{
	u64 v;

	guest_handler[8] = on_df;
	IDT64[13 * 2] &= ~(1UL << 47);		/* #GP has no gate: #NP while delivering it */
	GUEST_TRY("mov (%1), %0", "=r"(v), "r"(1UL << 63));
	GUEST_EQ(df_count, 1);
	GUEST_EQ(df_error, 0);
	IDT64[13 * 2] |= 1UL << 47;
	GUEST_SYNC(1);
	/* And without a gate for #DF either: shutdown. */
	IDT64[13 * 2] &= ~(1UL << 47);
	IDT64[8 * 2] &= ~(1UL << 47);
	GUEST_TRY("mov (%1), %0", "=r"(v), "r"(1UL << 63));
	guest_done();
}

static void double_and_triple_fault(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, df_guest);

	KT_RUN_SYNC(vcpu, 1);
	KT_RUN_EXIT(vcpu, KVM_EXIT_SHUTDOWN);
}

asm(".text\n"
    "exc32_guest: .code32\n"
    "	mov $0x7fffffff, %eax\n"
    "	inc %eax\n"
    "	into\n"
    "	mov $0x5800, %ebx\n"
    "	movl $0, (%ebx)\n"
    "	movl $9, 4(%ebx)\n"
    "	mov $10, %eax\n"
    "exc32_bound: bound %eax, (%ebx)\n"
    "	out %al, $0x90\n"
    "	mov $0x300, %eax\n"
    "exc32_seg: mov %ax, %gs\n"
    "	hlt\n"
    "	.code64\n");
extern const u8 exc32_guest[], exc32_bound[], exc32_seg[];

static void exceptions_32(void)
{
	struct kt_vm *vm = kt_vm_new(KT_MEM, 0);
	struct kt_vcpu *vcpu = kt_vcpu_new(vm, 0);
	struct kt_frame32 *f;

	((u8 *)kt_g2h(vm, KT_IDT32))[4 * 8 + 5] = 0xee;
	kt_vcpu_prot32(vcpu, exc32_guest, false);
	stage(vcpu, KT_PORT32);
	KT_EQ(kt_frame32(vcpu)->vector, 4);
	stage(vcpu, KT_PORT32);
	f = kt_frame32(vcpu);
	KT_EQ(f->vector, 5);
	KT_EQ(f->eip, (unsigned long)exc32_bound);
	*(u32 *)kt_g2h(vm, 0x5804) = 10;
	stage(vcpu, 0x90);
	stage(vcpu, KT_PORT32);
	f = kt_frame32(vcpu);
	KT_EQ(f->vector, 13);
	KT_EQ(f->error, 0x300);
	KT_EQ(f->eip, (unsigned long)exc32_seg);
	KT_EQ(kt_frame32(vcpu)->cs, KT_CS32);
}

/* ---- delivery on pages that EPT does not map yet ------------------------------------------ */

#define FRESH (32UL << 20)
#define FRESH_PAGES 64

/* insn raises an exception with RSP at the end of a page that was never touched. */
#define ON_FRESH_STACK(insn, page, ...)					\
	({								\
		guest_exc.vector = GUEST_NO_EXC;			\
		asm volatile("lea 771f(%%rip), %%r11\n\t"		\
			     "mov %%r11, guest_fixup(%%rip)\n\t"	\
			     "mov %%rsp, %%r10\n\t"			\
			     "mov %0, %%rsp\n\t"			\
			     insn "\n"					\
			     "771:\tmov %%r10, %%rsp\n\t"		\
			     "movq $0, guest_fixup(%%rip)"		\
			     : : "r"(FRESH + (page) * 4096UL + 4096), __VA_ARGS__	\
			     : "r10", "r11", "rax", "memory", "cc");	\
		guest_exc.vector;					\
	})

static void fresh_guest(void)
{
	u64 hole = KT_TEST_AREA + 0x7000;

	*guest_pte(hole) = 0;
	flush_page(hole);
	for (u64 i = 0; i < FRESH_PAGES; i += 8) {
		GUEST_EQ(ON_FRESH_STACK("ud2", i, "i"(0)), 6);
		GUEST_EQ(ON_FRESH_STACK("int3", i + 1, "i"(0)), 3);
		GUEST_EQ(ON_FRESH_STACK("int $0x91", i + 2, "i"(0)), 0x91);
		GUEST_EQ(ON_FRESH_STACK("mov (%1), %%rax", i + 3, "r"(hole + i)), 14);
		GUEST_EQ(guest_exc.error, 0);
		GUEST_EQ(guest_exc.cr2, hole + i);
		GUEST_EQ(ON_FRESH_STACK("mov %%eax, (%1)", i + 4, "r"(hole + i)), 14);
		GUEST_EQ(guest_exc.error, 2);
		GUEST_EQ(guest_exc.cr2, hole + i);
		GUEST_EQ(ON_FRESH_STACK("mov %1, %%fs", i + 5, "r"(0x7000)), 13);
		GUEST_EQ(guest_exc.error, 0x7000);
		GUEST_EQ(ON_FRESH_STACK("rdmsr", i + 6, "c"(0x12345)), 13);
		GUEST_EQ(guest_exc.error, 0);
		GUEST_EQ(ON_FRESH_STACK(".byte 0xf1", i + 7, "i"(0)), 1);
	}
	guest_done();
}

static void delivery_on_unmapped_stack(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, fresh_guest);
	void *p = mmap(NULL, FRESH_PAGES * 4096, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	madvise(p, FRESH_PAGES * 4096, MADV_NOHUGEPAGE);
	KT_EQ(kt_slot(vcpu->vm, 1, 0, FRESH, FRESH_PAGES * 4096, p), 0);
	KT_RUN_DONE(vcpu);
}

static const struct kt_test tests[] = {
	{ "task_switch_unpaged", task_switch_unpaged },
	{ "task_switch_paged", task_switch_paged },
	{ "exceptions", exceptions },
	{ "exceptions_32", exceptions_32 },
	{ "page_faults", page_faults },
	{ "double_and_triple_fault", double_and_triple_fault },
	{ "delivery_on_unmapped_stack", delivery_on_unmapped_stack },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
