// SPDX-License-Identifier: GPL-2.0-only
/*
 * A 64-bit kernel for the tests of snapshots: computes a checksum in registers, memory and the FPU,
 * and has state everywhere else that it looks at again in each round: MSRs, debug registers, CR8,
 * local APIC, IOAPIC, 8259s, 8254, UART, CMOS, PM1 and PCI's address. Whatever comes back wrong is
 * printed as "lost NAME". In each round both timers have to interrupt it, or it waits for ever.
 *
 * Prints "round N" and, at the end, "sum X", which depends on nothing but the number of rounds. A
 * byte at the serial port ends it early: 'q' after this round, with the sum so far.
 */
#define ROUNDS		400
#define WORDS		(1 << 17)	/* 1 MiB */
#define STEPS		60000

#define PORT_CONSOLE	0xe9
#define PORT_POWER	0x604
#define POWER_OFF	0x2000
#define PIT_VECTOR	0x20
#define APIC_VECTOR	0x40
#define APIC		0xfee00000UL
#define IOAPIC		0xfec00000UL

typedef unsigned long u64;
typedef unsigned int u32;

struct gate {
	unsigned short low, selector, type;
	unsigned short middle;
	unsigned int high, zero;
} __attribute((packed));

static struct gate idt[0x41];
static u64 table[WORDS];
volatile u32 pit_ticks, apic_ticks;

static void outb(unsigned short port, unsigned char value)
{
	__asm__ volatile("outb %0, %1" : : "a" (value), "Nd" (port));
}

static unsigned char inb(unsigned short port)
{
	unsigned char value;

	__asm__ volatile("inb %1, %0" : "=a" (value) : "Nd" (port));
	return value;
}

static u32 inl(unsigned short port)
{
	u32 value;

	__asm__ volatile("inl %1, %0" : "=a" (value) : "Nd" (port));
	return value;
}

static void print(const char *s)
{
	while (*s)
		outb(PORT_CONSOLE, *s++);
}

static void print_hex(u64 n)
{
	int shift;

	for (shift = 60; shift >= 0; shift -= 4)
		outb(PORT_CONSOLE, "0123456789abcdef"[n >> shift & 15]);
}

static u32 *apic(u32 reg)
{
	return (u32 *)(APIC + reg);
}

static u32 ioapic(u32 reg)
{
	*(volatile u32 *)IOAPIC = reg;
	return *(volatile u32 *)(IOAPIC + 0x10);
}

static void ioapic_write(u32 reg, u32 value)
{
	*(volatile u32 *)IOAPIC = reg;
	*(volatile u32 *)(IOAPIC + 0x10) = value;
}

static void wrmsr(u32 msr, u64 value)
{
	__asm__ volatile("wrmsr" : : "c" (msr), "a" ((u32)value), "d" ((u32)(value >> 32)));
}

static u64 rdmsr(u32 msr)
{
	u32 low, high;

	__asm__ volatile("rdmsr" : "=a" (low), "=d" (high) : "c" (msr));
	return low | (u64)high << 32;
}

void pit_entry(void);
void apic_entry(void);
__asm__("pit_entry:\n"
	"	incl pit_ticks(%rip)\n"
	"	push %rax\n"
	"	mov $0x20, %al\n"
	"	out %al, $0x20\n"
	"	pop %rax\n"
	"	iretq\n"
	"apic_entry:\n"
	"	incl apic_ticks(%rip)\n"
	"	push %rax\n"
	"	mov $0xfee000b0, %eax\n"
	"	movl $0, (%rax)\n"
	"	pop %rax\n"
	"	iretq\n");

static void set_gate(int vector, void (*handler)(void))
{
	u64 entry = (u64)handler;

	idt[vector] = (struct gate) {
		.low = entry,
		.selector = 0x10,
		.type = 0x8e00,
		.middle = entry >> 16,
		.high = entry >> 32,
	};
}

static void set_up(void)
{
	struct {
		unsigned short limit;
		u64 base;
	} __attribute((packed)) idtr = { sizeof(idt) - 1, (u64)idt };
	static const unsigned char icw[] = { 0x11, PIT_VECTOR, 4, 1 };
	static const unsigned char icw2[] = { 0x11, PIT_VECTOR + 8, 2, 1 };
	u64 cr;
	int i;

	set_gate(PIT_VECTOR, pit_entry);
	set_gate(APIC_VECTOR, apic_entry);
	__asm__ volatile("lidt %0" : : "m" (idtr));
	for (i = 0; i < 4; i++)
		outb(i ? 0x21 : 0x20, icw[i]);
	for (i = 0; i < 4; i++)
		outb(i ? 0xa1 : 0xa0, icw2[i]);
	outb(0x21, 0xfe);
	outb(0xa1, 0x5f);
	outb(0x43, 0x34);		/* counter 0, mode 2: 1 kHz */
	outb(0x40, 1193 & 0xff);
	outb(0x40, 1193 >> 8);
	*apic(0xf0) = 0x1ff;
	*apic(0x3e0) = 0xb;		/* divide by 1 */
	*apic(0x320) = 0x20000 | APIC_VECTOR;
	*apic(0x380) = 1000000;
	*apic(0x80) = 0x10;
	ioapic_write(0x10 + 2 * 5, 0x10000 | 0x77);
	ioapic_write(0x11 + 2 * 5, 0x03000000);
	__asm__ volatile("mov %%cr4, %0" : "=r" (cr));
	__asm__ volatile("mov %0, %%cr4" : : "r" (cr | 0x600));
	__asm__ volatile("mov %0, %%dr0; mov %1, %%dr3" : : "r" (0x12345678UL), "r" (0x9abcdef0UL));
	__asm__ volatile("fninit; fldpi; pxor %%xmm0, %%xmm0" : :);
	wrmsr(0xc0000102, 0x1122334455UL);	/* KERNEL_GS_BASE */
	wrmsr(0x175, 0x66778899UL);		/* SYSENTER_ESP */
	wrmsr(0x277, 0x0007040600070406UL);	/* PAT */
	outb(0x3ff, 0x5a);			/* the UART's scratch register */
	outb(0x70, 0x40);
	outb(0x71, 0xa5);			/* CMOS memory */
	outb(0x603, 1);				/* PM1: the power button's interrupt */
	__asm__ volatile("outl %0, %1" : : "a" (0x80001234U), "d" ((unsigned short)0xcf8));
}

static void expect(const char *name, u64 got, u64 wanted)
{
	if (got == wanted)
		return;
	print("lost ");
	print(name);
	print(" ");
	print_hex(got);
	print("\n");
}

static void look(void)
{
	u64 value;
	u32 leaf, b, c, d;

	expect("KERNEL_GS_BASE", rdmsr(0xc0000102), 0x1122334455UL);
	expect("SYSENTER_ESP", rdmsr(0x175), 0x66778899UL);
	expect("PAT", rdmsr(0x277), 0x0007040600070406UL);
	__asm__ volatile("mov %%dr0, %0" : "=r" (value));
	expect("DR0", value, 0x12345678UL);
	__asm__ volatile("mov %%dr3, %0" : "=r" (value));
	expect("DR3", value, 0x9abcdef0UL);
	__asm__ volatile("mov %%cr8, %0" : "=r" (value));
	expect("CR8", value, 1);
	__asm__ volatile("fld %%st(0); fistpq %0" : "=m" (value));
	expect("ST0", value, 3);
	expect("LVT", *apic(0x320), 0x20000 | APIC_VECTOR);
	expect("TMICT", *apic(0x380), 1000000);
	expect("IOAPIC", ioapic(0x10 + 2 * 5), 0x10000 | 0x77);
	expect("IOAPIC-high", ioapic(0x11 + 2 * 5), 0x03000000);
	expect("IMR", inb(0x21), 0xfe);
	expect("IMR2", inb(0xa1), 0x5f);
	expect("UART", inb(0x3ff), 0x5a);
	outb(0x70, 0x40);
	expect("CMOS", inb(0x71), 0xa5);
	expect("PM1", inb(0x603), 1);
	expect("PCI", inl(0xcf8), 0x80001234U);
	__asm__ volatile("cpuid" : "=a" (leaf), "=b" (b), "=c" (c), "=d" (d) : "a" (0), "c" (0));
	expect("CPUID", leaf > 0, 1);
}

static u64 work(u64 sum)
{
	u64 simd;
	u32 i;

	for (i = 0; i < STEPS; i++) {
		sum = sum * 6364136223846793005UL + 1442695040888963407UL;
		table[sum >> 47] += sum ^ i;
		sum ^= table[(sum >> 30) % WORDS];
		__asm__ volatile("movq %0, %%xmm1; paddq %%xmm1, %%xmm0" : : "r" (sum));
	}
	__asm__ volatile("movq %%xmm0, %0" : "=r" (simd));
	return sum + simd;
}

/* Both timers have to come once more. */
static void wait_for_timers(void)
{
	u32 pit = pit_ticks, lapic = apic_ticks;

	__asm__ volatile("sti");
	while (pit == pit_ticks || lapic == apic_ticks)
		__asm__ volatile("hlt");
}

void start(void)
{
	u64 sum = 1;
	int round;

	set_up();
	for (round = 1; round <= ROUNDS; round++) {
		sum = work(sum);
		wait_for_timers();
		look();
		if (round % 10 == 0) {
			print("round ");
			print_hex(round);
			print("\n");
		}
		if ((inb(0x3fd) & 1) && inb(0x3f8) == 'q')
			break;
	}
	print("sum ");
	print_hex(sum);
	print("\n");
	__asm__ volatile("cli; outw %0, %1" : : "a" ((unsigned short)POWER_OFF),
			 "d" ((unsigned short)PORT_POWER));
	for (;;)
		__asm__ volatile("hlt");
}
