/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The differential guest fuzzer: what its files share.
 *
 * A case is a small random guest program with its machine's first state. It follows from the seed
 * and the case's number alone. program.c makes it, machine.c builds the VM and its memory, run.c
 * runs it and writes a transcript, known.c says which differences are expected. Relies on
 * <linux/kvm.h> and libc alone, so that the same binary runs on kvm_intel and on minikvm.
 */
#ifndef FUZZ_GUEST_H
#define FUZZ_GUEST_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define BIT(n) (1UL << (n))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/*
 * Guest-physical memory, mapped one to one where there is paging. What a program works on lies in
 * ten pages of different nature, so that an operand that crosses a page meets two of them.
 */
#define GDT 0x00800UL
#define TSS 0x00c00UL		/* with a bitmap of the first 256 ports */
#define TSS2 0x00e00UL		/* available, for LTR */
#define IDT 0x01000UL
#define PML4 0x02000UL
#define PD32 0x06000UL
#define STUBS 0x08000UL		/* 32 bytes for each vector */
#define KERNEL_STACK 0x0c000UL
#define STACK 0x0d800UL
#define CODE 0x0e000UL		/* two pages */
#define DATA 0x10000UL
#define DEVICE 0x11000UL	/* no slot */
#define ROM 0x13000UL		/* a read-only slot, with a copy of the GDT */
#define ROM_GDT (ROM + 0x800)
#define NOT_PRESENT 0x15000UL	/* by its page-table entry, and so the next two */
#define READ_ONLY 0x16000UL
#define SUPERVISOR 0x17000UL
#define DEVICE2 0x19000UL	/* no slot */
#define MEMORY 0x20000UL

/* Selectors. */
#define KCODE64 0x08
#define KDATA 0x10
#define KCODE32 0x18
#define UCODE32 0x23
#define UDATA 0x2b
#define UCODE64 0x33
#define KCODE16 0x38
#define KDATA16 0x40
#define TSS_SEL 0x48
#define LDT_SEL 0x58
#define ABSENT_SEL 0x68
#define CONFORMING 0x70
#define EXPAND_DOWN 0x78
#define READ_ONLY_SEL 0x80
#define UCODE16 0x8b
#define TSS2_SEL 0x90
#define GDT_LIMIT 0xaf

enum mode { REAL, PROT16, PROT32, PAGED32, V86, LONG64, COMPAT32, MODES };

/* The program's end: INT 0xFE, which every ring may execute. */
#define END_VECTOR 0xfe
/* What the stubs of all vectors write to. */
#define STUB_PORT 0xee
#define IRQ_VECTOR 0x61
#define MAX_CODE 240

/**
 * struct fuzz_case - one program and the state in which it starts
 * @mode: processor mode of the program
 * @user: it runs in ring 3
 * @tf: RFLAGS.TF is set from the start
 * @irqs: external interrupts that wait until the guest takes them
 * @nmi: an NMI is sent before the first entry (1) or after the first exit (2)
 * @debug: KVM_SET_GUEST_DEBUG single-steps the guest
 * @irqchip: the VM has an interrupt controller in the kernel
 * @gdt_in_rom: the GDT lies in read-only memory
 * @shadow: interrupt shadow at the start, KVM_X86_SHADOW_INT_*
 * @regs: general registers
 * @iopl: I/O privilege level
 * @dr7: DR7, with @dr set
 * @stack: the stack lies among the data
 * @code: the program, @len bytes, which start at @start
 */
struct fuzz_case {
	u64 number;
	enum mode mode;
	bool user, tf, debug, irqchip, gdt_in_rom, stack;
	int irqs, nmi, iopl;
	u8 shadow;
	u64 dr[4], dr7, cr4;
	struct kvm_regs regs;
	u64 start;
	unsigned int len;
	u8 code[MAX_CODE + 32];
	/* Of the generator. */
	u64 random;
	bool strict;
};

/* program.c */
void fuzz_make(struct fuzz_case *c, u64 seed, u64 number);
u64 fuzz_mix(u64 x);
const char *fuzz_mode_name(enum mode mode);

/* machine.c */
struct machine {
	int vm, vcpu;
	struct kvm_run *run;
	u8 *memory;
	bool irqchip;
};

extern struct kvm_cpuid2 *fuzz_cpuid;	/* what every vCPU gets */

void machine_open(const char *device);
void machine_new(struct machine *m, bool irqchip);
void machine_free(struct machine *m);
void machine_set(struct machine *m, const struct fuzz_case *c);
void machine_step(struct machine *m);
const u8 *machine_pristine(const struct fuzz_case *c);
int machine_ioctl(int fd, unsigned long request, void *arg, const char *name);
#define IOCTL(fd, request, arg) machine_ioctl(fd, request, (void *)(uintptr_t)(arg), #request)
void machine_die(const char *what) __attribute__((noreturn));

/* run.c */
#define TRANSCRIPT 65536

/* How a case ended, also for known.c. */
enum ending { ENDED, GAVE_UP, STUCK };

enum ending run_case(struct machine *m, const struct fuzz_case *c, char *transcript);

/* known.c */
bool known_difference(const struct fuzz_case *c, const char *kvm, const char *ours);
void known_print(void);

#endif
