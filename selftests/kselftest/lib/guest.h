/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's side of the minikvm kselftests: port I/O, MSRs, control registers, calls to the
 * test, and GUEST_TRY(), which runs one instruction and says which exception it raised.
 * Guest functions live in the program's own image; they must not call libc, because libc may
 * pick vector instructions that a guest has not enabled. Chapter: SDM volume 3, "Interrupt and
 * Exception Handling".
 */
#ifndef KT_GUEST_H
#define KT_GUEST_H

#include "kt.h"

/* What the exception stubs of guest_idt.S leave on the stack. */
struct gframe {
	u64 r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
	u64 vector, error;
	u64 rip, cs, rflags, rsp, ss;
};

struct gexc {
	u64 vector, error, rip, cr2;
};

#define GUEST_NO_EXC 0xffffUL

extern u64 guest_fixup;
extern volatile struct gexc guest_exc;
extern void (*guest_handler[256])(struct gframe *f);
extern volatile u32 guest_irqs[256];	/* guest_count() adds here */

void guest_trap(struct gframe *f);
void guest_count(struct gframe *f);
void guest_count_eoi(struct gframe *f);
void guest_count_x2eoi(struct gframe *f);

static inline void outb(u16 port, u8 v)
{
	asm volatile("out %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

static inline void outw(u16 port, u16 v)
{
	asm volatile("out %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

static inline void outl(u16 port, u32 v)
{
	asm volatile("out %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

static inline u8 inb(u16 port)
{
	u8 v;

	asm volatile("in %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

static inline u16 inw(u16 port)
{
	u16 v;

	asm volatile("in %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

static inline u32 inl(u16 port)
{
	u32 v;

	asm volatile("in %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

/* Registers carry the call, so a guest that lost its memory can still make it. */
#define guest_ucall(cmd, x, y, z)					\
	asm volatile("out %%al, $0xe0"					\
		     : : "a"(0UL), "D"((u64)(cmd)), "S"((u64)(x)), "d"((u64)(y)),	\
			 "c"((u64)(z)) : "memory")

#define GUEST_SYNC(stage) guest_ucall(UC_SYNC, stage, 0, 0)
#define GUEST_SYNC_VAL(stage, val) guest_ucall(UC_SYNC, stage, val, 0)

static inline void __attribute__((noreturn)) guest_done(void)
{
	for (;;)
		guest_ucall(UC_DONE, 0, 0, 0);
}

#define GUEST_EQ(a, b)							\
	do {								\
		u64 __x = (u64)(a), __y = (u64)(b);			\
		if (__x != __y)						\
			guest_ucall(UC_ASSERT, __LINE__, __x, __y);	\
	} while (0)

#define GUEST_TRUE(c) GUEST_EQ(!!(c), 1)

/*
 * Run one instruction. Evaluates to the vector of the exception that it raised or to
 * GUEST_NO_EXC; guest_exc has the rest. R11 is used.
 */
#define GUEST_TRY(insn, outs, ...)					\
	({								\
		guest_exc.vector = GUEST_NO_EXC;			\
		asm volatile("lea 771f(%%rip), %%r11\n\t"		\
			     "mov %%r11, guest_fixup(%%rip)\n\t"	\
			     insn "\n"					\
			     "771:\tmovq $0, guest_fixup(%%rip)"	\
			     : outs : __VA_ARGS__ : "r11", "memory", "cc");	\
		guest_exc.vector;					\
	})
#define NOTHING
#define OUTS(...) __VA_ARGS__	/* several outputs as one argument */
/* The same for an instruction that reads nothing and writes RAX at most. */
#define GUEST_TRY0(insn)						\
	({								\
		u64 __rax = 0;						\
		GUEST_TRY(insn, "+a"(__rax), "i"(0));			\
	})

static inline u64 rdmsr(u32 index)
{
	u32 a, d;

	asm volatile("rdmsr" : "=a"(a), "=d"(d) : "c"(index) : "memory");
	return (u64)d << 32 | a;
}

static inline void wrmsr(u32 index, u64 v)
{
	asm volatile("wrmsr" : : "a"((u32)v), "d"((u32)(v >> 32)), "c"(index) : "memory");
}

static inline u64 try_rdmsr(u32 index, u64 *value)
{
	u32 a = 0, d = 0;
	u64 vec;

	vec = GUEST_TRY("rdmsr", OUTS("+a"(a), "+d"(d)), "c"(index));
	*value = (u64)d << 32 | a;
	return vec;
}

static inline u64 try_wrmsr(u32 index, u64 v)
{
	return GUEST_TRY("wrmsr", NOTHING, "a"((u32)v), "d"((u32)(v >> 32)), "c"(index));
}

#define GUEST_READ_REG(reg)						\
	({								\
		u64 __v;						\
		asm volatile("mov %%" reg ", %0" : "=r"(__v) : : "memory");	\
		__v;							\
	})
#define GUEST_WRITE_REG(reg, v) asm volatile("mov %0, %%" reg : : "r"((u64)(v)) : "memory")
#define GUEST_TRY_WRITE_REG(reg, v) GUEST_TRY("mov %0, %%" reg, NOTHING, "r"((u64)(v)))

static inline void guest_cpuid(u32 leaf, u32 sub, u32 *r)
{
	asm volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
		     : "a"(leaf), "c"(sub));
}

static inline u64 rdtsc(void)
{
	u32 a, d;

	asm volatile("rdtsc" : "=a"(a), "=d"(d));
	return (u64)d << 32 | a;
}

static inline u8 rd8(u64 addr)
{
	return *(volatile u8 *)addr;
}

static inline u32 rd32(u64 addr)
{
	return *(volatile u32 *)addr;
}

static inline u64 rd64(u64 addr)
{
	return *(volatile u64 *)addr;
}

static inline void wr8(u64 addr, u8 v)
{
	*(volatile u8 *)addr = v;
}

static inline void wr32(u64 addr, u32 v)
{
	*(volatile u32 *)addr = v;
}

static inline void wr64(u64 addr, u64 v)
{
	*(volatile u64 *)addr = v;
}

static inline void sti(void)
{
	asm volatile("sti" : : : "memory");
}

static inline void cli(void)
{
	asm volatile("cli" : : : "memory");
}

static inline void sti_nop(void)
{
	asm volatile("sti; nop; nop; nop" : : : "memory");
}

static inline void hlt(void)
{
	asm volatile("hlt" : : : "memory");
}

static inline void sti_hlt_cli(void)
{
	asm volatile("sti; hlt; cli" : : : "memory");
}

static inline void cpu_relax(void)
{
	asm volatile("pause" : : : "memory");
}

static inline void flush_page(u64 va)
{
	asm volatile("invlpg (%0)" : : "r"(va) : "memory");
}

/* Far returns to ring 3 and back keep the same stack; RSP0 is elsewhere (guest.c). */
static inline void to_user(void)
{
	asm volatile("mov %%rsp, %%rax\n\t"
		     "push %0\n\t"
		     "push %%rax\n\t"
		     "push $0x3202\n\t"		/* IOPL 3, for the calls to the test */
		     "push %1\n\t"
		     "lea 1f(%%rip), %%rax\n\t"
		     "push %%rax\n\t"
		     "iretq\n"
		     "1:" : : "i"(KT_UDS), "i"(KT_UCS) : "rax", "memory");
}

static inline void back_to_kernel(struct gframe *f)
{
	f->cs = KT_CS;
	f->ss = KT_DS;
}

static inline void to_kernel(void)
{
	asm volatile("int $0x80" : : : "memory");
}

/* Page-table entry of a page of KT_TEST_AREA, in the guest's own tables. */
static inline volatile u64 *guest_pte(u64 va)
{
	return (volatile u64 *)(KT_PT + ((va - KT_TEST_AREA) >> 12) * 8);
}

#endif
