// SPDX-License-Identifier: GPL-2.0-only
/*
 * A 64-bit kernel for gdb (selftests/gdb): functions that call each other, variables that change,
 * the FPU, a breakpoint of its own, and an end. Entered by minikvm in long mode with the first
 * 4 GiB identity-mapped ("Kernels" in Documentation/tool.rst). Compiled with debug information.
 *
 * What it prints at the debug console says what the debugger did to it.
 */
#define PORT_CONSOLE	0xe9
#define PORT_POWER	0x604
#define POWER_OFF	0x2000

typedef unsigned long u64;

struct gate {
	unsigned short low, selector, type;
	unsigned short middle;
	unsigned int high, zero;
} __attribute((packed));

static struct gate idt[32];

/* What gdb looks at and changes. */
volatile int counter;
volatile u64 wide[4];
volatile int own_breakpoints;
volatile int turns = 3;

static void out(unsigned char byte)
{
	__asm__ volatile("outb %0, %1" : : "a" (byte), "Nd" ((unsigned short)PORT_CONSOLE));
}

static void print(const char *s)
{
	while (*s)
		out(*s++);
}

static void print_number(int n)
{
	if (n >= 10)
		print_number(n / 10);
	out('0' + n % 10);
}

/* The innermost function: gdb's backtrace shows who called it. */
__attribute((noinline)) int leaf(int n)
{
	counter++;
	wide[1] += n;
	return counter + n;
}

__attribute((noinline)) int middle(int n)
{
	int sum = leaf(n);

	return sum + leaf(n + 1);
}

__attribute((noinline)) void outer(int n)
{
	print_number(middle(n));
	print("\n");
}

/* The guest's own INT3 must reach the guest while gdb has breakpoints. */
void own_breakpoint(void);
__asm__("own_breakpoint_entry:\n"
	"	incl own_breakpoints(%rip)\n"
	"	iretq\n"
	".globl own_breakpoint\n"
	"own_breakpoint:\n"
	"	int3\n"
	"	ret\n");
extern char own_breakpoint_entry[];

static void set_up_exceptions(void)
{
	struct {
		unsigned short limit;
		u64 base;
	} __attribute((packed)) idtr = { sizeof(idt) - 1, (u64)idt };
	u64 entry = (u64)own_breakpoint_entry;

	idt[3] = (struct gate) {
		.low = entry,
		.selector = 0x10,
		.type = 0x8e00,
		.middle = entry >> 16,
		.high = entry >> 32,
	};
	__asm__ volatile("lidt %0" : : "m" (idtr));
}

__attribute((noinline)) void finish(void)
{
	print("own breakpoints ");
	print_number(own_breakpoints);
	print("\ncounter ");
	print_number(counter);
	print("\n");
	__asm__ volatile("outw %0, %1" : : "a" ((unsigned short)POWER_OFF),
			 "d" ((unsigned short)PORT_POWER));
}

/* With turns at 0 it never ends: only a debugger that stops it can change that. */
void start(void)
{
	int i;

	set_up_exceptions();
	__asm__ volatile("fninit; fld1; fldpi");
	for (i = 1; turns == 0 || i <= turns; i++) {
		if (turns)
			outer(i);
		own_breakpoint();
	}
	finish();
}
