// SPDX-License-Identifier: GPL-2.0-only
/*
 * LOCKed instructions that the module emulates on ordinary memory, while others write there.
 *
 * SDM volume 3, "Locked Atomic Operations"; volume 2, CMPXCHG8B/CMPXCHG16B. The processor leaves
 * accesses to memory to the module when it cannot set the accessed flag on its way there, for the
 * page table is in read-only memory: then every access of a window is emulated. Relies on lib/.
 */
#include <pthread.h>

#include "guest.h"

#define WINDOW 0x30000000UL		/* linear; nothing else is there */
#define ROM 0x08000000UL		/* guest-physical: the window's page table */
#define FLAT(at) (KT_TEST_AREA + (at))	/* the same memory, by the processor alone */
#define TIMES 500
#define PAIR 0x40UL
#define ODD 0x85UL			/* not aligned, but inside a cache line */
#define WORD 0xc0UL

static volatile bool over;
static u64 added[3];

static u64 rom[512] __attribute__((aligned(4096)));

static struct kt_vcpu *with_window(void (*guest)(void))
{
	struct kt_vcpu *vcpu = kt_long(0, 0, guest);
	u64 *pd = kt_g2h(vcpu->vm, KT_PD);

	/* Present, writable, neither accessed nor dirty. */
	for (int i = 0; i < 512; i++)
		rom[i] = FLAT(i * 4096UL) | 3;
	KT_EQ(kt_slot(vcpu->vm, 1, KVM_MEM_READONLY, ROM, sizeof(rom), rom), 0);
	pd[WINDOW >> 21] = ROM | 3;
	return vcpu;
}

static bool cmpxchg16b(u64 at, u64 *low, u64 *high, u64 new_low, u64 new_high)
{
	bool equal;

	asm volatile("lock cmpxchg16b (%[at]); sete %[equal]"
		     : [equal] "=q"(equal), "+a"(*low), "+d"(*high)
		     : [at] "r"(at), "b"(new_low), "c"(new_high) : "memory", "cc");
	return equal;
}

/* ---- what they do -------------------------------------------------------------------------- */

static void results_guest(void)
{
	u64 low = 1, high = 2, v;
	u32 word = 5;
	u8 carry;

	wr64(FLAT(PAIR), 1);
	wr64(FLAT(PAIR + 8), 2);
	GUEST_EQ(cmpxchg16b(WINDOW + PAIR, &low, &high, 3, 4), true);
	GUEST_EQ(rd64(FLAT(PAIR)), 3);
	GUEST_EQ(rd64(FLAT(PAIR + 8)), 4);
	GUEST_EQ(low, 1);
	/* Half of it is right. */
	low = 3;
	high = 5;
	GUEST_EQ(cmpxchg16b(WINDOW + PAIR, &low, &high, 6, 7), false);
	GUEST_EQ(low, 3);
	GUEST_EQ(high, 4);
	GUEST_EQ(rd64(FLAT(PAIR)), 3);
	GUEST_EQ(rd64(FLAT(PAIR + 8)), 4);
	v = GUEST_TRY("lock cmpxchg16b (%[at])", OUTS("+a"(low), "+d"(high)),
		      [at] "r"(WINDOW + PAIR + 8), "b"(0UL), "c"(0UL));
	GUEST_EQ(v, 13);

	wr64(FLAT(ODD), ~0UL);
	asm volatile("lock incq (%1); setz %0" : "=q"(carry) : "r"(WINDOW + ODD) : "memory", "cc");
	GUEST_EQ(carry, 1);
	GUEST_EQ(rd64(FLAT(ODD)), 0);
	wr32(FLAT(WORD), 7);
	asm volatile("lock xaddl %0, (%1)" : "+r"(word) : "r"(WINDOW + WORD) : "memory", "cc");
	GUEST_EQ(word, 7);
	GUEST_EQ(rd32(FLAT(WORD)), 12);
	asm volatile("xchgw %w0, (%1)" : "+r"(word) : "r"(WINDOW + WORD) : "memory");
	GUEST_EQ(word, 12);
	GUEST_EQ(rd32(FLAT(WORD)), 7);
	/* Across two cache lines, and two pages. */
	wr64(FLAT(0xffc), 0xffffffff);
	asm volatile("lock addq $1, (%0)" : : "r"(WINDOW + 0xffc) : "memory", "cc");
	GUEST_EQ(rd64(FLAT(0xffc)), 0x100000000);
	guest_done();
}

static void results(void)
{
	struct kt_vcpu *vcpu = with_window(results_guest);

	KT_RUN_DONE(vcpu);
	/* All of that was emulated: the processor would have set the flags, or gone nowhere. */
	KT_EQ(rom[0], FLAT(0) | 3);
}

/* ---- while somebody else writes ------------------------------------------------------------ */

static void add_pair(u64 at)
{
	u64 low = 0, high = 0;

	while (!cmpxchg16b(at, &low, &high, low + 1, high - 1))
		;
}

static void add_odd(u64 at)
{
	asm volatile("lock incq (%0)" : : "r"(at) : "memory", "cc");
}

static void add_word(u64 at)
{
	u32 old = rd32(at), found;

	for (;; old = found) {
		found = old;
		asm volatile("lock cmpxchgl %2, (%1)"
			     : "+a"(found) : "r"(at), "r"(old + 1) : "memory", "cc");
		if (found == old)
			return;
	}
}

static void against_guest(void)
{
	for (u32 i = 0; i < TIMES; i++) {
		add_pair(WINDOW + PAIR);
		add_odd(WINDOW + ODD);
		add_word(WINDOW + WORD);
	}
	guest_done();
}

/* Not all the time: the emulation needs a moment to read and exchange, and has to begin again. */
static void *add(void *area)
{
	while (!over) {
		for (volatile u32 i = 0; i < 2000; i++)
			;
		add_pair((u64)area + PAIR);
		added[0]++;
		add_odd((u64)area + ODD);
		added[1]++;
		add_word((u64)area + WORD);
		added[2]++;
	}
	return NULL;
}

static void against_thread(void)
{
	struct kt_vcpu *vcpu = with_window(against_guest);
	u8 *area = kt_g2h(vcpu->vm, FLAT(0));
	pthread_t thread;

	KT_TRUE(!pthread_create(&thread, NULL, add, area));
	KT_RUN_DONE(vcpu);
	over = true;
	pthread_join(thread, NULL);
	kt_note("%u additions here, %llu there", TIMES, (unsigned long long)added[0]);
	KT_EQ(*(u64 *)(area + PAIR), added[0] + TIMES);
	KT_EQ(*(u64 *)(area + PAIR + 8), -(added[0] + TIMES));
	KT_EQ(*(u64 *)(area + ODD), added[1] + TIMES);
	KT_EQ(*(u32 *)(area + WORD), (u32)(added[2] + TIMES));
}

/* Memory that userspace can read but not write: an error with a name. */
static void unwritable_guest(void)
{
	u64 low = 0, high = 0;

	cmpxchg16b(WINDOW + PAIR, &low, &high, 1, 1);
	guest_done();
}

static void unwritable(void)
{
	struct kt_vcpu *vcpu = with_window(unwritable_guest);

	KT_EQ(mprotect(kt_g2h(vcpu->vm, FLAT(0)), 4096, PROT_READ), 0);
	KT_RUN_EXIT(vcpu, KVM_EXIT_INTERNAL_ERROR);
	KT_EQ(vcpu->run->internal.suberror, KVM_INTERNAL_ERROR_EMULATION);
	KT_EQ(*(u64 *)kt_g2h(vcpu->vm, FLAT(PAIR)), 0);
	/* Nothing of it has happened: once the page can be written the instruction is done. */
	KT_EQ(mprotect(kt_g2h(vcpu->vm, FLAT(0)), 4096, PROT_READ | PROT_WRITE), 0);
	KT_RUN_DONE(vcpu);
	KT_EQ(*(u64 *)kt_g2h(vcpu->vm, FLAT(PAIR)), 1);
}

static const struct kt_test tests[] = {
	{ "locked_results", results },
	{ "locked_against_thread", against_thread },
	{ "locked_unwritable", unwritable },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
