// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the fuzzer's guests execute: 64-bit functions that bring a vCPU into the states in which
 * ioctls, hotplug and signals may find it: port and device memory accesses, doorbells, HLT, IPIs,
 * KVM's own MSRs, control registers, and bytes that are no program at all. Chapters: SDM volume 3,
 * "APIC" and "VMX Non-Root Operation"; KVM's ABI, "KVM-specific MSRs". They call no libc.
 */
#include "fuzz.h"
#include "apic.h"

volatile struct fz_bell_step fz_bell_steps[FZ_BELL_STEPS];
volatile u64 fz_bell_n;

static inline u64 rnd(u64 *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static void pio(u64 seed)
{
	static const u16 ports[] = {
		0x20, 0x21, 0x40, 0x43, 0x61, 0x70, 0x71, 0x7e, 0x80, 0x92, 0xa0, 0xcf8, 0xcfc,
		0x3f8, 0x510, 0x4d0, 0xffff,
	};

	for (;;) {
		u16 port = ports[rnd(&seed) % KT_ARRAY_SIZE(ports)];
		u64 at = KT_TEST_AREA + rnd(&seed) % 0x4000, n = rnd(&seed) % 600;

		switch (rnd(&seed) % 8) {
		case 0:
			outb(port, seed);
			break;
		case 1:
			outl(port, seed);
			break;
		case 2:
			inb(port);
			break;
		case 3:
			inw(port);
			break;
		case 4:
			asm volatile("rep insb" : "+D"(at), "+c"(n) : "d"(port) : "memory");
			break;
		case 5:
			asm volatile("rep outsw" : "+S"(at), "+c"(n) : "d"(port) : "memory");
			break;
		case 6:
			at = KT_MMIO + seed % 4096;
			n = n % 4 + 1;
			asm volatile("rep outsb" : "+S"(at), "+c"(n) : "d"(port) : "memory");
			break;
		default:
			at = KT_MMIO + seed % 4096;
			n = n % 4 + 1;
			asm volatile("rep insl" : "+D"(at), "+c"(n) : "d"(port) : "memory");
		}
	}
}

static u64 some_address(u64 *seed)
{
	static const u64 base[] = {
		KT_TEST_AREA, KT_TEST_AREA + 0x10000, KT_MMIO, KT_MMIO + 0x5000, APIC_BASE,
		IOAPIC_BASE, 0xa0000, KT_MEM, KT_MEM + 0x200000, 0xfed00000, 0xffe00000,
	};
	u64 at = base[rnd(seed) % KT_ARRAY_SIZE(base)] + rnd(seed) % 4 * 4096;

	return at + (*seed >> 20 & 1 ? *seed >> 21 & 0xff0 : 4096 - (*seed >> 21 & 15));
}

static void memory(u64 seed)
{
	for (;;) {
		u64 a = some_address(&seed), b = some_address(&seed), n = rnd(&seed) % 64;

		switch (rnd(&seed) % 8) {
		case 0:
			wr8(a, seed);
			break;
		case 1:
			wr32(a, seed);
			break;
		case 2:
			wr64(a, seed);
			break;
		case 3:
			rd32(a);
			break;
		case 4:
			asm volatile("rep movsb" : "+D"(a), "+S"(b), "+c"(n) : : "memory");
			break;
		case 5:
			asm volatile("rep stosl" : "+D"(a), "+c"(n) : "a"(seed) : "memory");
			break;
		case 6:
			asm volatile("lock xaddq %0, (%1)" : "+r"(n) : "r"(a) : "memory", "cc");
			break;
		default:
			asm volatile("xchgq %0, (%1)" : "+r"(n) : "r"(a) : "memory");
		}
	}
}

static void doorbells(u64 seed)
{
	for (;;) {
		u64 at = KT_MMIO + 0x5000 + (rnd(&seed) & 0x3004);

		for (int i = 0; i < 3; i++) {
			wr32(at, i);
			wr64(at, i);
			wr32(APIC_BASE + APIC_TPR, seed & 0x70);
			wr32(APIC_BASE + APIC_EOI, 0);
		}
	}
}

static void halts(u64 seed)
{
	apic_enable();
	apic_write(APIC_TDCR, 0xb);
	apic_write(APIC_LVTT, 0x40 | (seed & 1) << 17);
	for (;;) {
		apic_write(APIC_TMICT, rnd(&seed) % 5000 + 10);
		if (seed >> 30 & 1)
			self_ipi(0x41 + (seed >> 40 & 63));
		sti_hlt_cli();
	}
}

static void ipis(u64 seed)
{
	apic_enable();
	sti();
	for (;;) {
		u32 kind = rnd(&seed) % 16, vector = 0x40 + (seed >> 32 & 63);

		apic_write(APIC_ICR2, (seed >> 40 & 7) << 24);
		if (kind == 0)
			apic_write(APIC_ICR, seed >> 8);
		else if (kind == 1)
			apic_write(APIC_ICR, ICR_INIT | ICR_ASSERT | ICR_OTHERS);
		else if (kind == 2)
			apic_write(APIC_ICR, ICR_SIPI | ICR_ASSERT | (seed >> 50 & 0xff));
		else if (kind == 3)
			apic_write(APIC_ICR, ICR_NMI | ICR_ASSERT | ICR_OTHERS);
		else if (kind < 6)
			apic_write(APIC_ICR, ICR_LOWEST | ICR_LOGICAL | ICR_ASSERT | vector);
		else
			apic_write(APIC_ICR, (kind & 3) << 18 | ICR_ASSERT | vector);
		if (kind == 7)
			hlt();
		if (kind == 8)
			ioapic_rte(seed >> 50 & 31, seed >> 20, seed >> 40 & 7);
	}
}

/* KVM's own structures, at page ends and over the edge of memory; then life goes on. */
static void kvm_msrs(u64 seed)
{
	static const u64 at[] = {
		KT_TEST_AREA + 0x8000, KT_TEST_AREA + 0x8ff0, KT_TEST_AREA + 0x8fc0, KT_MEM - 64,
		KT_MEM - 8, KT_MMIO, KT_GDT, 0xfee00000, KT_TEST_AREA + 0x9040, ~0ull << 12,
	};
	u64 v;

	for (;;) {
		v = at[rnd(&seed) % KT_ARRAY_SIZE(at)] + (seed >> 30 & 1 ? seed >> 31 & 63 : 0);
		try_wrmsr(0x4b564d00 + (rnd(&seed) & 7), v | (seed >> 40 & 15));
		if (seed >> 50 & 1)
			try_wrmsr(0x10, seed);
		if (seed >> 51 & 1)
			asm volatile("int3; int $0x45");
		if ((seed >> 52 & 7) == 0)
			sti_hlt_cli();
		if (seed >> 55 & 1) {
			u64 a = rnd(&seed) % 14;

			asm volatile("vmcall" : "+a"(a) : "b"(seed >> 20), "c"(seed >> 4 & 7),
				     "d"(seed >> 9), "S"(seed >> 3) : "memory");
		}
	}
}

static void msrs(u64 seed)
{
	u64 v;

	for (;;) {
		u64 r = rnd(&seed);
		u32 index = r & 1 ? 0xc0000080 + (r >> 8 & 7) : r & 2 ? 0x800 + (r >> 8 & 0x3f) :
			    r & 4 ? 0x200 + (r >> 8 & 0xff) : r & 8 ? 0x400 + (r >> 8 & 31) :
			    r >> 8 & 0xfff;

		/* What it does without: SYSCALL's switch and the APIC's mode lead elsewhere. */
		if (try_rdmsr(index, &v) == GUEST_NO_EXC)
			try_wrmsr(index, r & 16 ? v : v ^ 1ull << (r >> 32 & 63));
	}
}

static void registers(u64 seed)
{
	u32 r[4];

	for (;;) {
		u64 x = rnd(&seed), v;

		switch (x >> 8 & 15) {
		case 0:
			v = GUEST_READ_REG("cr0");
			GUEST_TRY_WRITE_REG("cr0", v ^ (1ull << (x >> 16 & 31) & ~0x80000001ull));
			break;
		case 1:
			v = GUEST_READ_REG("cr4");
			GUEST_TRY_WRITE_REG("cr4", v ^ (1ull << (x >> 16 & 31) & ~0x20ull));
			break;
		case 2:
			GUEST_TRY_WRITE_REG("cr3", KT_PML4 | (x >> 16 & 0x18));
			break;
		case 3:
			GUEST_TRY_WRITE_REG("cr8", x >> 60);
			break;
		case 4:
			GUEST_TRY_WRITE_REG("dr0", x >> 3);
			GUEST_TRY_WRITE_REG("dr7", (x >> 16 & 0xff0003) | 0x400);
			break;
		case 5:
			guest_cpuid(x >> 16 & 31, x >> 32 & 3, r);
			break;
		case 6:
			GUEST_TRY("xsetbv", NOTHING, "a"((u32)(x >> 16 & 7)), "d"(0), "c"(0));
			break;
		case 7:
			flush_page(x);
			break;
		case 8:
			GUEST_TRY("wbinvd", NOTHING, "i"(0));
			break;
		case 9:
			GUEST_TRY("vmxoff", NOTHING, "i"(0));
			GUEST_TRY("monitor", NOTHING, "a"(KT_GDT), "c"(0), "d"(0));
			break;
		case 10:
			GUEST_TRY("int3", NOTHING, "i"(0));
			GUEST_TRY("mov %%ax, %%fs", NOTHING, "a"(x >> 16 & 0x3ff));
			break;
		case 11:
			asm volatile("pushfq; orq $0x100, (%%rsp); popfq; nop" : : : "memory", "cc");
			break;
		case 12:
			GUEST_TRY("ltr %%ax", NOTHING, "a"(x >> 16 & 0x7f));
			break;
		default:
			asm volatile("pause; rdtsc" : : : "rax", "rdx");
		}
	}
}

/* Bytes that are no program. */
static void noise(u64 seed)
{
	for (;;) {
		volatile u8 *p = (volatile u8 *)(KT_TEST_AREA + 0x20000 + rnd(&seed) % 4096);

		for (int i = 0; i < 24; i++)
			p[i] = rnd(&seed) >> 32;
		p[24] = 0xc3;
		GUEST_TRY("push %%rbx; push %%rbp; call *%0; pop %%rbp; pop %%rbx", NOTHING,
			  "r"(p), "c"(seed & 7), "S"(KT_TEST_AREA), "D"(KT_TEST_AREA + 0x3000));
	}
}

/**
 * fz_guest_sane() - computes, stores, talks, and must never see anything go wrong
 * @seed: any
 */
void fz_guest_sane(u64 seed)
{
	u64 sum = 0, back = 0, s = seed, at = KT_TEST_AREA + 0x40000 + (seed & 7) * 0x1000;

	for (u64 n = 1;; n++) {
		for (u64 i = 0; i < 200; i++) {
			u64 v = rnd(&s);

			sum += v;
			wr64(at + (i & 255) * 8, v);
			back += rd64(at + (i & 255) * 8);
		}
		GUEST_EQ(sum, back);
		wr32(KT_MMIO + 0x5000, n);
		if (!(n & 7)) {
			u32 r[4];

			guest_cpuid(0, 0, r);
			GUEST_TRUE(r[1]);
		}
		if (!(n & 3))
			GUEST_SYNC_VAL(1, n);
	}
}

/* Instructions that are doorbells, written and called: doorbell.c. */
void fz_guest_doorbell_steps(void)
{
	for (;;) {
		GUEST_SYNC(1);
		for (u64 i = 0; i < fz_bell_n; i++) {
			volatile struct fz_bell_step *s = &fz_bell_steps[i];

			for (u64 p = 0; s->spray_len && p < FZ_BELL_PAGES; p++)
				for (u32 j = 0; j < s->spray_len; j++)
					wr8(s->tail_at + p * 4096 + j, s->spray[j]);
			for (u32 j = 0; j < s->len; j++)
				wr8(s->start + j, s->insn[j]);
			wr8(s->start + s->len, 0xc3);
			for (u32 j = 0; j < s->times; j++)
				asm volatile("call *%0" : : "r"(s->start), "D"(s->rdi) : "memory");
		}
	}
}

static const fz_guest guests[] = {
	pio, memory, memory, doorbells, halts, ipis, kvm_msrs, msrs, registers, noise,
	fz_guest_sane,
};

fz_guest fz_pick_guest(struct fz_rng *r)
{
	return guests[fz_below(r, KT_ARRAY_SIZE(guests))];
}

static void ignore(struct gframe *f)
{
	(void)f;
}

/**
 * fz_guests_init() - what the guests' interrupts do
 *
 * Before a VM is made: it gets a copy of the process's image.
 */
void fz_guests_init(void)
{
	for (int i = 0x30; i < 256; i++)
		guest_handler[i] = guest_count_eoi;
	guest_handler[1] = ignore;
	guest_handler[2] = ignore;
}
