// SPDX-License-Identifier: GPL-2.0-only
/*
 * A MOV to an MMIO ioeventfd, or to and from a device of userspace's, that the module remembers and
 * then carries out without its emulator
 * (arch/x86/insn/doorbell.c): every form of MOV, and everything that may change behind the module's
 * back between two rings: the instruction's bytes, the page it lies in, the memory behind that
 * page, what is at the doorbell's address. KVM's ABI documentation, KVM_IOEVENTFD, is the
 * reference. Relies on lib/; the guest calls code that the test writes.
 */
#include <fcntl.h>
#include <sys/eventfd.h>

#include "guest.h"

#define DOORBELL (KT_MMIO + 0x5000)
#define CODE KT_TEST_AREA
#define OTHER_CODE (KT_TEST_AREA + 0x1000)
#define ROUNDS 5		/* one to learn, others to find what was learnt */

static volatile u64 at = CODE, target = DOORBELL, value, rounds = ROUNDS;

/* RAX holds the value, RDI the address; RCX, RSI, R9 are for those who want more. */
static void caller(void)
{
	for (;;) {
		GUEST_SYNC(1);
		for (u64 i = 0; i < rounds; i++)
			asm volatile("mov %1, %%r9\n\tcall *%0"
				     : : "r"(at), "r"(0x9999999999999999), "a"(value),
					 "D"(target), "S"(0x66), "c"(2)
				     : "r9", "memory");
	}
}

static const u8 store4[] = { 0x89, 0x07, 0xc3 };		/* mov %eax, (%rdi) */
static const u8 store2[] = { 0x66, 0x89, 0x07, 0xc3 };		/* mov %ax, (%rdi) */

static struct kt_vcpu *new_guest(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, caller);

	memcpy(kt_g2h(vcpu->vm, CODE), store4, sizeof(store4));
	KT_RUN_SYNC(vcpu, 1);
	return vcpu;
}

static int ioeventfd(struct kt_vm *vm, u64 addr, u32 len, u32 flags, u64 data)
{
	struct kvm_ioeventfd args = {
		.fd = eventfd(0, EFD_NONBLOCK), .addr = addr, .len = len, .flags = flags,
		.datamatch = data,
	};

	KT_IOCTL(vm->fd, KVM_IOEVENTFD, &args);
	return args.fd;
}

static u64 drain(int fd)
{
	u64 n = 0;

	if (read(fd, &n, sizeof(n)) != sizeof(n) && errno != EAGAIN)
		kt_fail("read of an eventfd: %s", strerror(errno));
	return n;
}

static void want_rings(struct kt_vcpu *vcpu, int fd, u64 n)
{
	KT_RUN_SYNC(vcpu, 1);
	KT_EQ(drain(fd), n);
}

#define V 0x8877665544332211UL

static const struct {
	u8 code[13];
	u8 size;
	u8 offset;
	u64 stored;
} forms[] = {
	{ { 0x88, 0x07, 0xc3 }, 1, 0, 0x11 },				/* mov %al, (%rdi) */
	{ { 0x88, 0x27, 0xc3 }, 1, 0, 0x22 },				/* mov %ah, (%rdi) */
	{ { 0x40, 0x88, 0x37, 0xc3 }, 1, 0, 0x66 },			/* mov %sil, (%rdi) */
	{ { 0x66, 0x89, 0x07, 0xc3 }, 2, 0, 0x2211 },
	{ { 0x89, 0x07, 0xc3 }, 4, 0, 0x44332211 },
	{ { 0x48, 0x89, 0x07, 0xc3 }, 8, 0, V },
	{ { 0x44, 0x89, 0x0f, 0xc3 }, 4, 0, 0x99999999 },		/* mov %r9d, (%rdi) */
	{ { 0x89, 0x44, 0x8f, 0x10, 0xc3 }, 4, 0x18, 0x44332211 },	/* 16(%rdi, %rcx, 4) */
	{ { 0x89, 0x87, 0x20, 0, 0, 0, 0xc3 }, 4, 0x20, 0x44332211 },	/* 32(%rdi) */
	{ { 0xc6, 0x07, 0x85, 0xc3 }, 1, 0, 0x85 },			/* movb $0x85, (%rdi) */
	{ { 0x66, 0xc7, 0x07, 0x34, 0x92, 0xc3 }, 2, 0, 0x9234 },
	{ { 0xc7, 0x07, 1, 2, 3, 0x84, 0xc3 }, 4, 0, 0x84030201 },
	{ { 0x48, 0xc7, 0x07, 1, 2, 3, 0x84, 0xc3 }, 8, 0, 0xffffffff84030201 },
	{ { 0x48, 0xc7, 0x87, 8, 0, 0, 0, 1, 0, 0, 0, 0xc3 }, 8, 8, 1 },
	{ { 0x89, 0x05, 0xfa, 0x4f, 0xe0, 0x3f, 0xc3 }, 4, 0, 0x44332211 },	/* RIP-relative */
	{ { 0x67, 0x89, 0x07, 0xc3 }, 4, 0, 0x44332211 },		/* (%edi) */
	{ { 0x0f, 0xc3, 0x07, 0xc3 }, 4, 0, 0x44332211 },		/* movnti %eax, (%rdi) */
};

static void every_form(void)
{
	struct kt_vcpu *vcpu = new_guest();

	GV(vcpu->vm, value) = V;
	for (unsigned int i = 0; i < KT_ARRAY_SIZE(forms); i++) {
		const u32 match = KVM_IOEVENTFD_FLAG_DATAMATCH;
		int fd = ioeventfd(vcpu->vm, DOORBELL + forms[i].offset, forms[i].size, match,
				   forms[i].stored);
		struct kvm_ioeventfd gone = {
			.fd = fd, .addr = DOORBELL + forms[i].offset, .len = forms[i].size,
			.flags = match | KVM_IOEVENTFD_FLAG_DEASSIGN,
			.datamatch = forms[i].stored,
		};

		memcpy(kt_g2h(vcpu->vm, CODE), forms[i].code, sizeof(forms[i].code));
		KT_RUN_SYNC(vcpu, 1);
		if (drain(fd) != ROUNDS)
			kt_fail("form %u did not ring as often as it was executed", i);
		KT_IOCTL(vcpu->vm->fd, KVM_IOEVENTFD, &gone);
		close(fd);
	}
}

/* One instruction, many values, each of them a queue's. */
static void values_differ(void)
{
	struct kt_vcpu *vcpu = new_guest();
	int fd[8];

	for (u64 i = 0; i < 8; i++)
		fd[i] = ioeventfd(vcpu->vm, DOORBELL, 4, KVM_IOEVENTFD_FLAG_DATAMATCH, i);
	for (int i = 0; i < 24; i++) {
		GV(vcpu->vm, value) = i % 8;
		want_rings(vcpu, fd[i % 8], ROUNDS);
	}
	for (int i = 0; i < 8; i++)
		KT_EQ(drain(fd[i]), 0);
}

static void instruction_changes(void)
{
	struct kt_vcpu *vcpu = new_guest();
	int four = ioeventfd(vcpu->vm, DOORBELL, 4, 0, 0);
	int two = ioeventfd(vcpu->vm, DOORBELL, 2, 0, 0);

	for (int i = 0; i < 4; i++) {
		memcpy(kt_g2h(vcpu->vm, CODE), store4, sizeof(store4));
		want_rings(vcpu, four, ROUNDS);
		KT_EQ(drain(two), 0);
		memcpy(kt_g2h(vcpu->vm, CODE), store2, sizeof(store2));
		want_rings(vcpu, two, ROUNDS);
		KT_EQ(drain(four), 0);
	}
}

/* A second set of tables, from the top. */
static const u64 tables[] = { KT_PML4, KT_PDPT, KT_PD, KT_PT };

#define TABLE(i) (KT_TEST_AREA + 0x20000 + (i) * 4096UL)

static u64 *table(struct kt_vm *vm, int i)
{
	return kt_g2h(vm, TABLE(i));
}

/* The guest maps another page where the instruction was, by any level of its tables. */
static void code_page_changes(void)
{
	struct kt_vcpu *vcpu = new_guest();
	int four = ioeventfd(vcpu->vm, DOORBELL, 4, 0, 0);
	int two = ioeventfd(vcpu->vm, DOORBELL, 2, 0, 0);
	u64 *pte = kt_g2h(vcpu->vm, KT_PT), *pd = kt_g2h(vcpu->vm, KT_PD);
	struct kvm_sregs sregs;

	memcpy(kt_g2h(vcpu->vm, OTHER_CODE), store2, sizeof(store2));
	want_rings(vcpu, four, ROUNDS);
	kt_get_sregs(vcpu, &sregs);
	pte[0] = OTHER_CODE | 7;
	kt_set_sregs(vcpu, &sregs);	/* and its TLB forgets */
	want_rings(vcpu, two, ROUNDS);
	/* Another page table, whose first page is the other one as well; then the old one. */
	memcpy(kt_g2h(vcpu->vm, KT_TEST_AREA + 0x10000), pte, 4096);
	pte[0] = CODE | 7;
	pd[1] = (KT_TEST_AREA + 0x10000) | 7;
	kt_set_sregs(vcpu, &sregs);
	want_rings(vcpu, two, ROUNDS);
	pd[1] = KT_PT | 7;
	kt_set_sregs(vcpu, &sregs);
	want_rings(vcpu, four, ROUNDS);
	/* A large page; its physical address is the same. */
	pd[1] = KT_TEST_AREA | 0x87;
	kt_set_sregs(vcpu, &sregs);
	want_rings(vcpu, four, ROUNDS);
	/* Another address space, with the other code, while the first one stays as it is. */
	for (int i = 0; i < 4; i++) {
		memcpy(table(vcpu->vm, i), kt_g2h(vcpu->vm, tables[i]), 4096);
		if (i)
			table(vcpu->vm, i - 1)[i == 3] = TABLE(i) | 7;
	}
	table(vcpu->vm, 3)[0] = OTHER_CODE | 7;
	sregs.cr3 = TABLE(0);
	kt_set_sregs(vcpu, &sregs);
	want_rings(vcpu, two, ROUNDS);
	sregs.cr3 = KT_PML4;
	kt_set_sregs(vcpu, &sregs);
	want_rings(vcpu, four, ROUNDS);
	KT_EQ(drain(two), 0);
}

/* Userspace puts another page under the guest's code; the first one lives on, unchanged. */
static void memory_is_replaced(void)
{
	struct kt_vcpu *vcpu = new_guest();
	int four = ioeventfd(vcpu->vm, DOORBELL, 4, 0, 0);
	int two = ioeventfd(vcpu->vm, DOORBELL, 2, 0, 0);
	int fd = memfd_create("code", 0);
	u8 *page = kt_g2h(vcpu->vm, CODE);

	KT_EQ(pwrite(fd, store4, sizeof(store4), 0), sizeof(store4));
	KT_EQ(pwrite(fd, store2, sizeof(store2), 4096), sizeof(store2));
	KT_EQ(ftruncate(fd, 8192), 0);
	for (int i = 0; i < 6; i++) {
		KT_TRUE(mmap(page, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
			     (i & 1) * 4096) == page);
		want_rings(vcpu, i & 1 ? two : four, ROUNDS);
	}
	KT_EQ(drain(two) + drain(four), 0);
}

/* The address becomes memory and a doorbell again. */
static void slot_comes_and_goes(void)
{
	struct kt_vcpu *vcpu = new_guest();
	int fd = ioeventfd(vcpu->vm, DOORBELL, 0, 0, 0);
	u32 *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	KT_TRUE(page != MAP_FAILED);
	for (u32 i = 1; i < 4; i++) {
		want_rings(vcpu, fd, ROUNDS);
		KT_EQ(kt_slot(vcpu->vm, 1, 0, DOORBELL, 4096, page), 0);
		GV(vcpu->vm, value) = i;
		want_rings(vcpu, fd, 0);
		KT_EQ(page[0], i);
		KT_EQ(kt_slot(vcpu->vm, 1, 0, DOORBELL, 0, page), 0);
	}
	want_rings(vcpu, fd, ROUNDS);
}

static void want_write(struct kt_vcpu *vcpu, u64 addr, u32 len, u64 data)
{
	KT_RUN_EXIT(vcpu, KVM_EXIT_MMIO);
	KT_EQ(vcpu->run->mmio.phys_addr, addr);
	KT_EQ(vcpu->run->mmio.len, len);
	KT_EQ(vcpu->run->mmio.is_write, 1);
	KT_EQ(*(u64 *)vcpu->run->mmio.data, data);
}

/* The ioeventfd is gone: the write goes to userspace. */
static void doorbell_is_taken_away(void)
{
	struct kt_vcpu *vcpu = new_guest();
	int fd = ioeventfd(vcpu->vm, DOORBELL, 4, 0, 0);
	struct kvm_ioeventfd gone = {
		.fd = fd, .addr = DOORBELL, .len = 4, .flags = KVM_IOEVENTFD_FLAG_DEASSIGN,
	};

	GV(vcpu->vm, value) = 0x12345678;
	want_rings(vcpu, fd, ROUNDS);
	KT_IOCTL(vcpu->vm->fd, KVM_IOEVENTFD, &gone);
	for (int i = 0; i < ROUNDS; i++)
		want_write(vcpu, DOORBELL, 4, 0x12345678);
	KT_RUN_SYNC(vcpu, 1);
	KT_EQ(drain(fd), 0);
	fd = ioeventfd(vcpu->vm, DOORBELL, 0, 0, 0);
	want_rings(vcpu, fd, ROUNDS);
}

/* A store that begins on the page before: its second half lies at a doorbell of any length. */
static void store_crosses(void)
{
	struct kt_vcpu *vcpu = new_guest();
	int fd = ioeventfd(vcpu->vm, DOORBELL, 0, 0, 0);

	GV(vcpu->vm, value) = 0x44332211;
	want_rings(vcpu, fd, ROUNDS);
	GV(vcpu->vm, rounds) = 1;
	GV(vcpu->vm, target) = DOORBELL - 2;
	want_write(vcpu, DOORBELL - 2, 2, 0x2211);
	KT_EQ(drain(fd), 0);
	want_rings(vcpu, fd, 1);
	/* Where the first page is memory, its half must be written. */
	KT_EQ(kt_slot(vcpu->vm, 1, 0, DOORBELL - 4096, 4096, kt_g2h(vcpu->vm, OTHER_CODE)), 0);
	GV(vcpu->vm, target) = DOORBELL;
	want_rings(vcpu, fd, 1);
	GV(vcpu->vm, target) = DOORBELL - 2;
	want_rings(vcpu, fd, 1);
	KT_EQ(*(u16 *)kt_g2h(vcpu->vm, OTHER_CODE + 4094), 0x2211);
}

static const struct {
	u8 code[8];
	u8 size;
	u64 rax;		/* after a load of V where RAX held ones */
} loads[] = {
	{ { 0x8a, 0x07, 0xc3 }, 1, 0xffffffffffffff11 },		/* mov (%rdi), %al */
	{ { 0x8a, 0x27, 0xc3 }, 1, 0xffffffffffff11ff },		/* mov (%rdi), %ah */
	{ { 0x66, 0x8b, 0x07, 0xc3 }, 2, 0xffffffffffff2211 },
	{ { 0x8b, 0x07, 0xc3 }, 4, 0x44332211 },
	{ { 0x48, 0x8b, 0x07, 0xc3 }, 8, V },
	{ { 0x0f, 0xb6, 0x07, 0xc3 }, 1, 0x11 },			/* movzbl (%rdi), %eax */
	{ { 0x66, 0x0f, 0xb6, 0x07, 0xc3 }, 1, 0xffffffffffff0011 },	/* movzbw */
	{ { 0x48, 0x0f, 0xb7, 0x07, 0xc3 }, 2, 0x2211 },		/* movzwq */
	{ { 0x0f, 0xbe, 0x07, 0xc3 }, 1, 0x11 },			/* movsbl */
	{ { 0x23, 0x07, 0xc3 }, 4, 0x44332211 },			/* and (%rdi), %eax */
};

static volatile u64 loaded;

static void loader(void)
{
	for (;;) {
		GUEST_SYNC(1);
		for (u64 i = 0; i < rounds; i++) {
			u64 rax = ~0ul;

			asm volatile("call *%1" : "+a"(rax) : "r"(at), "D"(target) : "memory");
			loaded = rax;
			GUEST_SYNC(2);
		}
	}
}

static struct kt_vcpu *new_loader(const u8 *code, u32 len)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, loader);

	memcpy(kt_g2h(vcpu->vm, CODE), code, len);
	KT_RUN_SYNC(vcpu, 1);
	return vcpu;
}

static void answer_read(struct kt_vcpu *vcpu, u32 len, u64 data)
{
	KT_RUN_EXIT(vcpu, KVM_EXIT_MMIO);
	KT_EQ(vcpu->run->mmio.phys_addr, DOORBELL);
	KT_EQ(vcpu->run->mmio.len, len);
	KT_EQ(vcpu->run->mmio.is_write, 0);
	memcpy(vcpu->run->mmio.data, &data, sizeof(data));
}

/* Userspace's device is read, by every form of MOV and by what is none. */
static void every_load(void)
{
	struct kt_vcpu *vcpu = new_loader(loads[0].code, sizeof(loads[0].code));

	for (unsigned int i = 0; i < KT_ARRAY_SIZE(loads); i++) {
		memcpy(kt_g2h(vcpu->vm, CODE), loads[i].code, sizeof(loads[i].code));
		for (int n = 0; n < ROUNDS; n++) {
			answer_read(vcpu, loads[i].size, V);
			KT_RUN_SYNC(vcpu, 2);
			if (GV(vcpu->vm, loaded) != loads[i].rax)
				kt_fail("load %u in round %d: %#lx", i, n, GV(vcpu->vm, loaded));
		}
		KT_RUN_SYNC(vcpu, 1);
	}
}

/*
 * While userspace has the read it puts the guest elsewhere, or memory in the device's place: the
 * next execution reads that.
 */
static void load_is_disturbed(void)
{
	struct kt_vcpu *vcpu = new_loader(loads[3].code, sizeof(loads[3].code));
	u64 *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct kvm_regs regs;

	KT_TRUE(page != MAP_FAILED);
	page[0] = 0x1234;
	for (int i = 0; i < 2; i++) {
		answer_read(vcpu, 4, V);
		KT_RUN_SYNC(vcpu, 2);
		KT_EQ(GV(vcpu->vm, loaded), 0x44332211);
	}
	answer_read(vcpu, 4, V);
	kt_get_regs(vcpu, &regs);
	KT_EQ(regs.rip, CODE);
	regs.rip += 2;			/* its RET: nothing is loaded */
	regs.rax = 77;
	kt_set_regs(vcpu, &regs);
	KT_RUN_SYNC(vcpu, 2);
	KT_EQ(GV(vcpu->vm, loaded), 77);
	/* The answer to a read that was asked for counts, whatever is there now. */
	answer_read(vcpu, 4, V);
	KT_EQ(kt_slot(vcpu->vm, 1, 0, DOORBELL, 4096, page), 0);
	KT_RUN_SYNC(vcpu, 2);
	KT_EQ(GV(vcpu->vm, loaded), 0x44332211);
	KT_RUN_SYNC(vcpu, 2);
	KT_EQ(GV(vcpu->vm, loaded), 0x1234);
	KT_RUN_SYNC(vcpu, 1);
	KT_EQ(kt_slot(vcpu->vm, 1, 0, DOORBELL, 0, page), 0);
	for (int i = 0; i < ROUNDS; i++) {
		answer_read(vcpu, 4, i);
		KT_RUN_SYNC(vcpu, 2);
		KT_EQ(GV(vcpu->vm, loaded), (u64)i);
	}
}

static u64 frame_of(int pagemap, const void *page)
{
	u64 entry = 0;

	KT_EQ(pread(pagemap, &entry, sizeof(entry), (u64)page / 4096 * 8), sizeof(entry));
	return entry & ((1UL << 55) - 1);
}

/* Put two pages that are neighbours in the host's memory under two pages of the guest's. */
static void place_neighbours(u8 *first, u8 *second)
{
	enum { PAGES = 2048 };
	const int pagemap = open("/proc/self/pagemap", O_RDONLY), prot = PROT_READ | PROT_WRITE;
	u8 *area = mmap(NULL, PAGES * 4096, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const int how = MREMAP_MAYMOVE | MREMAP_FIXED;
	static u64 frame[PAGES];

	KT_TRUE(pagemap >= 0 && area != MAP_FAILED);
	madvise(area, PAGES * 4096, MADV_NOHUGEPAGE);
	for (u32 i = 0; i < PAGES; i++) {
		area[i * 4096] = 1;
		frame[i] = frame_of(pagemap, &area[i * 4096]);
	}
	KT_TRUE(frame[0]);
	for (u32 i = 0; i < PAGES; i++) {
		for (u32 j = 0; j < PAGES; j++) {
			if (frame[j] != frame[i] + 1)
				continue;
			KT_TRUE(mremap(&area[i * 4096], 4096, 4096, how, first) == first);
			KT_TRUE(mremap(&area[j * 4096], 4096, 4096, how, second) == second);
			munmap(area, PAGES * 4096);
			close(pagemap);
			return;
		}
	}
	kt_fail("no two of %d pages are neighbours", PAGES);
}

/*
 * The last byte of the store lies on the next page, which is first the host's next page, too, and
 * then another one: only the guest's page tables may say what the byte is.
 */
static void instruction_crosses(void)
{
	static const u8 store8[] = { 0x48, 0xc7, 0x87, 0, 0, 0, 0, 0, 0, 0 };
	const u32 match = KVM_IOEVENTFD_FLAG_DATAMATCH;
	struct kt_vcpu *vcpu = new_guest();
	u8 *code = kt_g2h(vcpu->vm, CODE), *next = kt_g2h(vcpu->vm, OTHER_CODE);
	u8 *third = kt_g2h(vcpu->vm, TABLE(0));
	int one = ioeventfd(vcpu->vm, DOORBELL, 8, match, 0x1000000);
	int two = ioeventfd(vcpu->vm, DOORBELL, 8, match, 0x2000000);
	u64 *pte = kt_g2h(vcpu->vm, KT_PT);
	struct kvm_sregs sregs;

	place_neighbours(code, next);
	memcpy(code + 4096 - sizeof(store8), store8, sizeof(store8));
	next[0] = 1;
	third[0] = 2;
	next[1] = 0xc3;
	third[1] = 0xc3;
	GV(vcpu->vm, at) = OTHER_CODE - sizeof(store8);
	kt_get_sregs(vcpu, &sregs);
	for (int i = 0; i < 3; i++) {
		want_rings(vcpu, one, ROUNDS);
		pte[1] = TABLE(0) | 7;
		kt_set_sregs(vcpu, &sregs);
		want_rings(vcpu, two, ROUNDS);
		pte[1] = OTHER_CODE | 7;
		kt_set_sregs(vcpu, &sregs);
	}
	KT_EQ(drain(one) + drain(two), 0);
}

/* Single steps see each store as one instruction. */
static void single_steps(void)
{
	struct kvm_guest_debug debug = {
		.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP,
	};
	struct kt_vcpu *vcpu = new_guest();
	int fd = ioeventfd(vcpu->vm, DOORBELL, 0, 0, 0), stores = 0;
	struct kvm_regs regs;
	u64 before = 0;

	want_rings(vcpu, fd, ROUNDS);
	KT_IOCTL(vcpu->fd, KVM_SET_GUEST_DEBUG, &debug);
	while (stores < ROUNDS) {
		KT_RUN_EXIT(vcpu, KVM_EXIT_DEBUG);
		kt_get_regs(vcpu, &regs);
		stores += before == CODE && regs.rip == CODE + 2;
		before = regs.rip;
	}
	KT_EQ(drain(fd), ROUNDS);
}

static const struct kt_test tests[] = {
	{ "every_form", every_form },
	{ "values_differ", values_differ },
	{ "instruction_changes", instruction_changes },
	{ "code_page_changes", code_page_changes },
	{ "memory_is_replaced", memory_is_replaced },
	{ "slot_comes_and_goes", slot_comes_and_goes },
	{ "doorbell_is_taken_away", doorbell_is_taken_away },
	{ "store_crosses", store_crosses },
	{ "instruction_crosses", instruction_crosses },
	{ "single_steps", single_steps },
	{ "every_load", every_load },
	{ "load_is_disturbed", load_is_disturbed },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
