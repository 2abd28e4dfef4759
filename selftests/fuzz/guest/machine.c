// SPDX-License-Identifier: GPL-2.0-only
/*
 * The differential guest fuzzer's VM: slots, descriptor tables, page tables, exception stubs, and
 * the state in which a case starts. SDM volume 3, "Protected-Mode Memory Management", "Paging",
 * "Task Management". Every case finds the same memory, so one VM serves for many.
 */
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

struct kvm_cpuid2 *fuzz_cpuid;
static int system_fd;
static size_t run_size;
static u8 pristine[3][MEMORY];	/* 16-bit, 32-bit and 64-bit handlers */

void machine_die(const char *what)
{
	fprintf(stderr, "guest_fuzz: %s: %s\n", what, strerror(errno));
	exit(1);
}

int machine_ioctl(int fd, unsigned long request, void *arg, const char *name)
{
	int ret = ioctl(fd, request, arg);

	if (ret < 0)
		machine_die(name);
	return ret;
}

static u64 segment(u32 base, u32 limit, u8 type, int dpl, bool db, bool l)
{
	u64 d = 0;

	/* S and P are set; the granularity is pages where the limit needs it. */
	if (limit > 0xfffff) {
		limit >>= 12;
		d |= BIT(55);
	}
	d |= (limit & 0xffff) | (u64)(limit & 0xf0000) << 32;
	d |= (u64)(base & 0xffffff) << 16 | (u64)(base & 0xff000000) << 32;
	d |= (u64)type << 40 | BIT(44) | (u64)dpl << 45 | BIT(47);
	return d | (db ? BIT(54) : 0) | (l ? BIT(53) : 0);
}

/* A system descriptor; the upper half of the 64-bit form is zero. */
static u64 system_segment(u32 base, u32 limit, u8 type)
{
	return segment(base, limit, type, 0, false, false) & ~BIT(44);
}

static void descriptors(u8 *m, bool is_long)
{
	u64 *gdt = (u64 *)(m + GDT);

	gdt[KCODE64 >> 3] = segment(0, 0xffffffff, 11, 0, false, true);
	gdt[KDATA >> 3] = segment(0, 0xffffffff, 3, 0, true, false);
	gdt[KCODE32 >> 3] = segment(0, 0xffffffff, 11, 0, true, false);
	gdt[UCODE32 >> 3] = segment(0, 0xffffffff, 11, 3, true, false);
	gdt[UDATA >> 3] = segment(0, 0xffffffff, 3, 3, true, false);
	gdt[UCODE64 >> 3] = segment(0, 0xffffffff, 11, 3, false, true);
	gdt[KCODE16 >> 3] = segment(0, 0xffff, 11, 0, false, false);
	gdt[KDATA16 >> 3] = segment(DATA, 0xffff, 3, 0, false, false);
	gdt[TSS_SEL >> 3] = system_segment(TSS, 0x68 + 32, 11);
	gdt[LDT_SEL >> 3] = system_segment(GDT, 0x7f, 2);
	gdt[ABSENT_SEL >> 3] = segment(0, 0xffff, 3, 3, true, false) & ~BIT(47);
	gdt[CONFORMING >> 3] = segment(0, 0xffffffff, 15, 0, true, false);
	gdt[EXPAND_DOWN >> 3] = segment(0, 0xfff, 7, 3, true, false);
	/* Without the accessed bit: loading it writes to the table. */
	gdt[READ_ONLY_SEL >> 3] = segment(0, 0xffffffff, 0, 3, true, false);
	gdt[UCODE16 >> 3] = segment(0, 0xffff, 11, 3, false, false);
	gdt[TSS2_SEL >> 3] = system_segment(TSS2, 0x67, 9);
	memcpy(m + ROM_GDT, gdt, GDT_LIMIT + 1);

	/* RSP0 has eight bytes, ESP0 four, and SS0 behind them. */
	*(u32 *)(m + TSS + 4) = KERNEL_STACK;
	*(u32 *)(m + TSS + 8) = is_long ? 0 : KDATA;
	*(u16 *)(m + TSS + 102) = 104;
	memset(m + TSS + 104, 0xaa, 32);	/* every other port is free to all */
	m[TSS + 104 + 32] = 0xff;
	*(u32 *)(m + TSS2 + 4) = KERNEL_STACK;
	*(u32 *)(m + TSS2 + 8) = is_long ? 0 : KDATA;
	*(u16 *)(m + TSS2 + 102) = 104;
}

/*
 * Stubs and their table. A stub pushes something, tells the host by the port, removes what it
 * pushed and returns; the host knows the vector by RIP.
 */
static void handlers(u8 *m, int bits)
{
	static const u8 stubs[3][10] = {
		{ 0x6a, 0x55, 0xe6, STUB_PORT, 0x83, 0xc4, 0x02, 0xcf },
		{ 0x6a, 0x55, 0xe6, STUB_PORT, 0x83, 0xc4, 0x04, 0xcf },
		{ 0x6a, 0x55, 0xe6, STUB_PORT, 0x48, 0x83, 0xc4, 0x08, 0x48, 0xcf },
	};

	for (u32 n = 0; n < 256; n++) {
		u32 stub = STUBS + n * 32;

		memcpy(m + stub, stubs[bits], sizeof(stubs[bits]));
		if (bits == 0) {
			((u32 *)m)[n] = (u32)(STUBS >> 4) << 16 | n * 32;
		} else {
			u64 code = bits == 2 ? KCODE64 : KCODE32;
			u64 gate = (stub & 0xffff) | code << 16 | 0xee00UL << 32;

			((u64 *)(m + IDT))[bits == 2 ? n * 2 : n] = gate;
		}
	}
}

/* Accessed and dirty flags are set: whether a TLB remembers them must not matter. */
static void page_tables(u8 *m, bool is_long)
{
	u64 *pt = (u64 *)(m + PML4 + 0x3000);
	u32 *pt32 = (u32 *)(m + PD32 + 0x1000);

	if (is_long) {
		for (int i = 0; i < 3; i++)
			*(u64 *)(m + PML4 + i * 0x1000) = (PML4 + (i + 1) * 0x1000) | 0x27;
	} else {
		*(u32 *)(m + PD32) = (PD32 + 0x1000) | 0x27;
	}
	for (u64 i = 0; i < 512; i++) {
		u64 address = i << 12, e = address | 0x67;
		bool code = (address >= STUBS && address < STUBS + 0x2000) ||
			    (address >= CODE && address < DATA);

		/* Not the tables themselves: a changed entry would live on in a TLB. */
		if (address == NOT_PRESENT || (address >= PML4 && address < STUBS))
			e &= ~1UL;
		if (address == READ_ONLY)
			e &= ~2UL;
		if (address == SUPERVISOR || address < STACK - 0x1800)
			e &= ~4UL;
		if (is_long)
			pt[i] = e | (code ? 0 : BIT(63));
		else
			pt32[i] = e;
	}
}

static void fill(u8 *m, int bits)
{
	for (u64 i = DATA; i < MEMORY; i += 8)
		*(u64 *)(m + i) = fuzz_mix(i + 77);
	descriptors(m, bits == 2);
	handlers(m, bits);
	if (bits)
		page_tables(m, bits == 2);
	/* A program that runs on meets breakpoints. */
	memset(m + CODE, 0xcc, DATA - CODE);
}

static int bits_of(enum mode mode)
{
	return mode == REAL ? 0 : mode == LONG64 || mode == COMPAT32 ? 2 : 1;
}

const u8 *machine_pristine(const struct fuzz_case *c)
{
	return pristine[bits_of(c->mode)];
}

void machine_open(const char *device)
{
	system_fd = open(device, O_RDWR | O_CLOEXEC);
	if (system_fd < 0)
		machine_die(device);
	run_size = IOCTL(system_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	for (int i = 0; i < 3; i++)
		fill(pristine[i], i);
	if (!fuzz_cpuid) {
		fuzz_cpuid = calloc(1, sizeof(*fuzz_cpuid) + 256 * sizeof(struct kvm_cpuid_entry2));
		fuzz_cpuid->nent = 256;
		IOCTL(system_fd, KVM_GET_SUPPORTED_CPUID, fuzz_cpuid);
	}
}

/*
 * Every page once, in flat 32-bit mode: when a page enters the tables of EPT must not show, and an
 * EPT violation in the middle of an event's delivery does, in RFLAGS.RF.
 */
static void touch_memory(struct machine *m)
{
	static const u8 code[] = {
		0x31, 0xf6,				/* xor %esi,%esi */
		0x8a, 0x06,				/* 1: mov (%esi),%al */
		0x88, 0x06,				/* mov %al,(%esi) */
		0x81, 0xc6, 0x00, 0x10, 0x00, 0x00,	/* add $0x1000,%esi */
		0x81, 0xfe, 0x00, 0x00, 0x02, 0x00,	/* cmp $MEMORY,%esi */
		0x75, 0xee,				/* jne 1b */
		0xcd, END_VECTOR,
	};
	struct fuzz_case c = {
		.mode = PROT32, .start = CODE, .len = sizeof(code),
		.regs = { .rip = CODE, .rsp = STACK, .rflags = 2 },
	};

	memcpy(c.code, code, sizeof(code));
	machine_set(m, &c);
	do {
		if (ioctl(m->vcpu, KVM_RUN, 0))
			machine_die("KVM_RUN");
	} while (m->run->exit_reason == KVM_EXIT_MMIO);
	m->run->immediate_exit = 1;
	ioctl(m->vcpu, KVM_RUN, 0);
	m->run->immediate_exit = 0;
}

void machine_new(struct machine *m, bool irqchip)
{
	static const struct { u64 first, end; u32 flags; } slots[] = {
		{ 0, DEVICE, 0 },
		{ DEVICE + 0x1000, ROM, 0 },
		{ ROM, ROM + 0x1000, KVM_MEM_READONLY },
		{ ROM + 0x1000, DEVICE2, 0 },
		{ DEVICE2 + 0x1000, MEMORY, 0 },
	};
	u64 identity = 0xfffbc000;

	memset(m, 0, sizeof(*m));
	m->irqchip = irqchip;
	m->memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m->memory == MAP_FAILED)
		machine_die("mmap");
	m->vm = IOCTL(system_fd, KVM_CREATE_VM, 0);
	IOCTL(m->vm, KVM_SET_TSS_ADDR, 0xfffbd000);
	IOCTL(m->vm, KVM_SET_IDENTITY_MAP_ADDR, &identity);
	if (irqchip)
		IOCTL(m->vm, KVM_CREATE_IRQCHIP, 0);
	for (u32 i = 0; i < ARRAY_SIZE(slots); i++) {
		struct kvm_userspace_memory_region region = {
			.slot = i, .flags = slots[i].flags, .guest_phys_addr = slots[i].first,
			.memory_size = slots[i].end - slots[i].first,
			.userspace_addr = (uintptr_t)m->memory + slots[i].first,
		};

		IOCTL(m->vm, KVM_SET_USER_MEMORY_REGION, &region);
	}
	m->vcpu = IOCTL(m->vm, KVM_CREATE_VCPU, 0);
	IOCTL(m->vcpu, KVM_SET_CPUID2, fuzz_cpuid);
	m->run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, m->vcpu, 0);
	if (m->run == MAP_FAILED)
		machine_die("mmap of the vCPU");
	touch_memory(m);
}

void machine_free(struct machine *m)
{
	munmap(m->run, run_size);
	close(m->vcpu);
	close(m->vm);
	munmap(m->memory, MEMORY);
}

static struct kvm_segment flat(u16 selector, u8 type, bool db, bool l)
{
	return (struct kvm_segment) {
		.selector = selector, .limit = 0xffffffff, .type = type, .present = 1, .s = 1,
		.dpl = selector & 3, .db = db, .l = l, .g = 1,
	};
}

static struct kvm_segment real(u64 base, u8 dpl)
{
	return (struct kvm_segment) {
		.selector = base >> 4, .base = base, .limit = 0xffff, .type = 3, .present = 1,
		.s = 1, .dpl = dpl,
	};
}

static void set_segments(struct kvm_sregs *s, const struct fuzz_case *c)
{
	bool user = c->user;
	struct kvm_segment data = flat(user ? UDATA : KDATA, 3, true, false);
	u64 stack = c->stack ? DATA : 0;

	switch (c->mode) {
	case REAL:
	case V86:
		data = real(DATA, c->mode == V86 ? 3 : 0);
		s->cs = real(CODE, data.dpl);
		if (c->mode == REAL)
			s->cs.type = 11;
		s->ss = real(stack, data.dpl);
		break;
	case PROT16:
		data.limit = 0xffff;
		data.base = DATA;
		data.g = data.db = 0;
		data.selector = user ? UDATA : KDATA16;
		s->cs = flat(user ? UCODE16 : KCODE16, 11, false, false);
		s->cs.limit = 0xffff;
		s->cs.g = 0;
		s->ss = data;
		s->ss.base = stack;
		break;
	default:
		s->cs = c->mode == LONG64 ? flat(user ? UCODE64 : KCODE64, 11, false, true) :
					    flat(user ? UCODE32 : KCODE32, 11, true, false);
		s->ss = data;
	}
	s->ds = s->es = s->fs = s->gs = data;
	if (c->mode == LONG64) {
		s->fs.base = 0x40;
		s->gs.base = DATA;
	}
	s->tr = (struct kvm_segment) {
		.base = TSS, .limit = 0x68 + 32, .type = 11, .present = 1, .selector = TSS_SEL,
	};
	s->ldt = (struct kvm_segment) { .unusable = 1, .type = 2 };
}

static void set_sregs(struct machine *m, const struct fuzz_case *c)
{
	struct kvm_sregs s;

	IOCTL(m->vcpu, KVM_GET_SREGS, &s);
	memset(s.interrupt_bitmap, 0, sizeof(s.interrupt_bitmap));
	set_segments(&s, c);
	s.gdt.base = c->gdt_in_rom ? ROM_GDT : GDT;
	s.gdt.limit = GDT_LIMIT;
	s.idt.base = c->mode == REAL ? 0 : IDT;
	s.idt.limit = c->mode == REAL ? 0x3ff : bits_of(c->mode) == 2 ? 0xfff : 0x7ff;
	s.cr0 = 0x32;
	s.cr2 = 0;
	s.cr3 = 0;
	s.cr4 = 0x600 | c->cr4;
	s.cr8 = 0;
	s.efer = 0;
	if (c->mode != REAL)
		s.cr0 |= 1;
	if (c->mode == PAGED32) {
		s.cr0 |= 0x80010000;
		s.cr3 = PD32;
	} else if (bits_of(c->mode) == 2) {
		s.cr0 |= 0x80010000;
		s.cr3 = PML4;
		s.cr4 |= 0x20;
		s.efer = 0xd00;
	}
	IOCTL(m->vcpu, KVM_SET_SREGS, &s);
}

static void set_msrs(struct machine *m)
{
	static const struct { u32 index; u64 value; } values[] = {
		{ 0x174, KCODE64 }, { 0x175, KERNEL_STACK }, { 0x176, STUBS + 0x80 * 32 },
		{ 0xc0000081, (u64)KCODE64 << 32 | (u64)KCODE32 << 48 },
		{ 0xc0000082, STUBS + 0x81 * 32 }, { 0xc0000083, STUBS + 0x82 * 32 },
		{ 0xc0000084, 0x200 }, { 0xc0000102, 0 }, { 0x1d9, 0 },
	};
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entries[ARRAY_SIZE(values)];
	} msrs = { .head.nmsrs = ARRAY_SIZE(values) };

	for (u32 i = 0; i < ARRAY_SIZE(values); i++) {
		msrs.entries[i].index = values[i].index;
		msrs.entries[i].data = values[i].value;
	}
	if (IOCTL(m->vcpu, KVM_SET_MSRS, &msrs) != ARRAY_SIZE(values)) {
		errno = EINVAL;
		machine_die("KVM_SET_MSRS");
	}
}

/* SDM volume 1, "XSAVE Area": by KVM_SET_XSAVE, as KVM_SET_FPU leaves XSTATE_BV as it is. */
static void set_fpu(struct machine *m)
{
	static struct kvm_xsave xsave;
	u8 *area = (u8 *)xsave.region;

	if (!xsave.region[128]) {
		*(u16 *)area = 0x37f;
		*(u32 *)(area + 24) = 0x1f80;
		for (u32 i = 32; i < 160 + 256; i++)
			area[i] = i >= 160 || (i & 15) < 10 ? fuzz_mix(i) : 0;
		xsave.region[128] = 3;	/* XSTATE_BV: x87 and SSE */
	}
	IOCTL(m->vcpu, KVM_SET_XSAVE, &xsave);
}

void machine_step(struct machine *m)
{
	struct kvm_guest_debug debug = {
		.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP,
	};

	IOCTL(m->vcpu, KVM_SET_GUEST_DEBUG, &debug);
}

/* Everything that a program can change, so that no case knows of the one before. */
void machine_set(struct machine *m, const struct fuzz_case *c)
{
	struct kvm_guest_debug debug = {};
	struct kvm_vcpu_events events = {
		.flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW,
		.interrupt.shadow = c->shadow,
	};
	struct kvm_debugregs dregs = { .dr6 = 0xffff0ff0, .dr7 = 0x400 | c->dr7 };
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_RUNNABLE };

	memcpy(m->memory, machine_pristine(c), MEMORY);
	memcpy(m->memory + c->start, c->code, c->len);
	memcpy(dregs.db, c->dr, sizeof(dregs.db));
	if (m->irqchip)
		IOCTL(m->vcpu, KVM_SET_MP_STATE, &state);
	IOCTL(m->vcpu, KVM_SET_GUEST_DEBUG, &debug);
	set_sregs(m, c);
	set_msrs(m);
	IOCTL(m->vcpu, KVM_SET_REGS, &c->regs);
	set_fpu(m);
	IOCTL(m->vcpu, KVM_SET_DEBUGREGS, &dregs);
	IOCTL(m->vcpu, KVM_SET_VCPU_EVENTS, &events);
	if (c->debug)
		machine_step(m);
	m->run->request_interrupt_window = 0;
	m->run->immediate_exit = 0;
}
