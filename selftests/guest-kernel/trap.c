// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts and exceptions: the IDT (SDM volume 3, "Interrupt and Exception Handling"), and what
 * each vector means. An exception of a program is the death of its process, but for page faults
 * that paging.c can mend; one of the kernel stops the kernel.
 */
#include "trap.h"
#include "announce.h"
#include "apic.h"
#include "console.h"
#include "cpu.h"
#include "machine.h"
#include "paging.h"
#include "process.h"
#include "random.h"
#include "task.h"

#define VECTOR_NMI		2
#define VECTOR_DOUBLE_FAULT	8
#define VECTOR_PAGE_FAULT	14
#define VECTOR_MACHINE_CHECK	18
#define EXCEPTIONS		32
#define STUB_SIZE		16

struct gate {
	u16 offset_low, selector;
	u8 ist, type;
	u16 offset_middle;
	u32 offset_high, reserved;
};

static struct gate idt[256] __aligned(16);

static const char *const exception_names[EXCEPTIONS] = {
	"divide error", "debug exception", "NMI", "breakpoint", "overflow", "BOUND",
	"invalid opcode", "no x87 or SSE", "double fault", "9", "invalid TSS",
	"segment not present", "stack fault", "general protection", "page fault", "15",
	"x87 error", "alignment check", "machine check", "SIMD error", "20", "control protection",
	"22", "23", "24", "25", "26", "27", "28", "29", "30", "31",
};

/* Fills the table at the first call; each processor loads it. */
void trap_init(void)
{
	struct {
		u16 limit;
		u64 base;
	} __packed pointer = { sizeof(idt) - 1, (u64)idt };
	unsigned int i;
	u64 stub;

	for (i = 0; i < ARRAY_SIZE(idt); i++) {
		stub = (u64)vectors + i * STUB_SIZE;
		idt[i] = (struct gate){
			.offset_low = stub,
			.selector = SELECTOR_KERNEL_CODE,
			.type = 0x8e,	/* present, interrupt gate, for ring 0 alone */
			.offset_middle = stub >> 16,
			.offset_high = stub >> 32,
		};
	}
	idt[VECTOR_NMI].ist = 1;
	idt[VECTOR_DOUBLE_FAULT].ist = 1;
	idt[VECTOR_MACHINE_CHECK].ist = 1;
	/* INT3 is a program's to execute. */
	idt[3].type = 0xee;
	asm volatile("lidt %0" : : "m"(pointer));
}

static __noreturn void kernel_fault(const struct frame *f)
{
	stop("%s in the kernel at %lx, error %lx, CR2 %lx, RSP %lx", exception_names[f->vector],
	     f->rip, f->error, read_cr2(), f->rsp);
}

static void program_fault(struct frame *f, u64 address)
{
	struct process *p = current()->process;

	if (f->vector == VECTOR_PAGE_FAULT)
		print("process %u (%s) ended: page fault, %s of %lx at %lx\n", p->id, p->name,
		      f->error & FAULT_EXECUTE ? "execution" :
		      f->error & FAULT_WRITE ? "write" : "read", address, f->rip);
	else
		print("process %u (%s) ended: %s at %lx\n", p->id, p->name,
		      exception_names[f->vector], f->rip);
	process_kill(p, STATUS_FAULT + f->vector);
}

static void exception(struct frame *f, bool user)
{
	u64 address = read_cr2();

	if (!user || f->vector == VECTOR_NMI || f->vector == VECTOR_DOUBLE_FAULT ||
	    f->vector == VECTOR_MACHINE_CHECK)
		kernel_fault(f);
	lock_kernel();
	if (f->vector == VECTOR_PAGE_FAULT)
		announce_fault(address, f->error);
	if (f->vector != VECTOR_PAGE_FAULT ||
	    !space_fault(current()->process->space, address, f->error))
		program_fault(f, address);
}

static void interrupt(struct frame *f)
{
	struct list *at;

	lock_kernel();
	if (f->vector != VECTOR_SPURIOUS)
		apic_end_of_interrupt();
	switch (f->vector) {
	case VECTOR_TIMER:
		task_timer();
		break;
	case VECTOR_UART:
		console_interrupt();
		while (!list_empty(&console_readers)) {
			at = console_readers.next;
			task_wake(container_of(at, struct task, queue));
		}
		break;
	case VECTOR_RANDOM:
		random_interrupt();
		break;
	case VECTOR_RESCHEDULE:
	case VECTOR_SPURIOUS:
		break;	/* what it is for is done on the way out */
	default:
		print("interrupt %lu, which has no handler\n", f->vector);
	}
}

/* The way out to a program: where it ends if it is to, and where another task may be chosen. */
static void before_user(void)
{
	for (;;) {
		if (current()->process->killed)
			task_exit();
		if (!sched.cpu[this_cpu()->number].resched)
			return;
		task_schedule();
	}
}

/**
 * trap() - every way into the kernel
 * @f: where the program or the kernel was
 */
void trap(struct frame *f)
{
	bool user = f->cs & 3;

	/* Its sender holds the lock. */
	if (f->vector == VECTOR_FLUSH) {
		flush_serve();
		apic_end_of_interrupt();
		return;
	}
	if (f->vector == VECTOR_SYSTEM_CALL) {
		lock_kernel();
		/* A process that was killed meanwhile gets no call: a fork would escape. */
		if (!current()->process->killed)
			system_call(f);
	} else if (f->vector < EXCEPTIONS) {
		exception(f, user);
	} else {
		interrupt(f);
	}
	if (user)
		before_user();
	unlock_kernel();
}

/* A new task's way to its program: behind it on the stack is the frame to leave by. */
void task_enter_user(void *unused)
{
	(void)unused;
	before_user();
	unlock_kernel();
}
