// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who gets an interrupt message.
 *
 * SDM, "Determining IPI Destination" and "Logical Destination Mode in x2APIC Mode". Besides
 * cases by hand, random machines: what lapic_deliver() does through its table must be what this
 * file's own, naive matcher says. And threads that deliver while a vCPU takes and ends.
 */
#include <pthread.h>
#include <time.h>
#include "bench.h"
#include "arch/x86/irq/posted.h"

#define XAPIC	0xfee00800ull
#define X2APIC	0xfee00c00ull
#define OFF	0xfee00000ull

static u64 seed;

static u32 rnd(u32 below)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (u32)(seed >> 33) % below;
}

/* Which vCPUs have @vector in IRR, as a mask; takes it out. */
static u64 who_got(struct mkvm_vm *vm, u8 vector)
{
	struct mkvm_vcpu *v;
	u64 mask = 0;
	int i;

	mkvm_for_each_vcpu(i, v, vm) {
		u32 *word = (u32 *)(lapic_regs_page(v) + 0x200 + (vector >> 5) * 16);

		if (*word & 1u << (vector & 31))
			mask |= 1ull << i;
		*word &= ~(1u << (vector & 31));
	}
	return mask;
}

static u64 logical(struct mkvm_vm *vm, u32 dest)
{
	struct lapic_irq irq = { .dest_id = dest, .vector = 0x40, .level = true, .logical = true };

	lapic_deliver(vm, NULL, &irq);
	return who_got(vm, 0x40);
}

static void test_by_hand(void)
{
	struct mkvm_vm *vm = vm_new(4, 0, 1);
	struct lapic_irq irq = { .vector = 0x40, .level = true, .delivery_mode = DM_LOWEST,
				 .logical = true, .dest_id = 7 };
	int i, counts[3] = { 0 };
	u64 got;

	send_fixed(vm, 2, 0x40);
	tap_ok(who_got(vm, 0x40) == 4, "physical: one");
	tap_ok(send_fixed(vm, 9, 0x40) == -1, "physical: no destination is -1");
	tap_ok(send_fixed(vm, 0xff, 0x40) == 4 && who_got(vm, 0x40) == 0xf, "physical: broadcast");
	reg_w(vm->vcpus[1], APIC_ICR, 0x84040);
	tap_ok(who_got(vm, 0x40) == 0xf, "shorthand: all");
	reg_w(vm->vcpus[1], APIC_ICR, 0xc4040);
	tap_ok(who_got(vm, 0x40) == 0xd, "shorthand: all but self");
	vm->vcpus[1]->kicks = 0;
	reg_w(vm->vcpus[1], APIC_ICR, 0x44040);
	tap_ok(vm->vcpus[1]->kicks == 0 && who_got(vm, 0x40) == 2, "shorthand: self, no kick");

	for (i = 0; i < 4; i++)
		reg_w(vm->vcpus[i], APIC_LDR, 1u << (24 + i));
	tap_ok(logical(vm, 8) == 8 && logical(vm, 5) == 5 && logical(vm, 0xf0) == 0 &&
	       logical(vm, 0xff) == 0xf, "flat: by bits");
	for (i = 0; i < 300; i++) {
		lapic_deliver(vm, NULL, &irq);
		got = who_got(vm, 0x40);
		if (got != 1 && got != 2 && got != 4)
			break;
		counts[__builtin_ctzll(got)]++;
	}
	tap_ok(counts[0] == 100 && counts[1] == 100 && counts[2] == 100,
	       "lowest priority: one each time, in turn among equals");
	reg_w(vm->vcpus[0], APIC_TASKPRI, 0x20);
	reg_w(vm->vcpus[1], APIC_TASKPRI, 0x30);
	reg_w(vm->vcpus[2], APIC_TASKPRI, 0x10);
	lapic_deliver(vm, NULL, &irq);
	tap_ok(who_got(vm, 0x40) == 4, "lowest priority: the lowest TPR");
	reg_w(vm->vcpus[2], APIC_SPIV, 0xff);
	lapic_deliver(vm, NULL, &irq);
	tap_ok(who_got(vm, 0x40) == 1, "lowest priority: not one that is software-disabled");
	reg_w(vm->vcpus[2], APIC_SPIV, 0x1ff);

	for (i = 0; i < 4; i++) {
		reg_w(vm->vcpus[i], APIC_DFR, 0x0fffffff);
		reg_w(vm->vcpus[i], APIC_LDR, (0x10 * (i / 2) + (1 << (i % 2))) << 24);
	}
	tap_ok(logical(vm, 0x13) == 0xc && logical(vm, 0x02) == 2 && logical(vm, 0x2f) == 0 &&
	       logical(vm, 0xff) == 0xf, "cluster");

	reg_w(vm->vcpus[3], APIC_ID, 1u << 24);
	send_fixed(vm, 1, 0x40);
	tap_ok(who_got(vm, 0x40) == 0xa, "two with one ID both get it");
	tap_ok(send_fixed(vm, 3, 0x40) == -1, "and no vCPU is left with the old ID");
	reg_w(vm->vcpus[3], APIC_ID, 3u << 24);
	send_fixed(vm, 1, 0x40);
	tap_ok(who_got(vm, 0x40) == 2, "and one again");
	lapic_set_base(vm->vcpus[1], OFF, true);
	tap_ok(send_fixed(vm, 1, 0x40) == -1, "a disabled APIC gets nothing");
	vm_free(vm);

	vm = vm_new(40, 0, 10);
	for (i = 0; i < 40; i++)
		lapic_set_base(vm->vcpus[i], X2APIC, true);
	tap_ok(logical(vm, 0x00010010) == 1 << 2 && logical(vm, 0x00010410) == 0x4 &&
	       logical(vm, 0x00010411) == 0x4 && logical(vm, 0xfffe0001) == 0, "x2APIC cluster");
	tap_ok(send_fixed(vm, 390, 0x40) == 1 && who_got(vm, 0x40) == 1ull << 39,
	       "x2APIC physical above 255");
	tap_ok(send_fixed(vm, 0xff, 0x41) == 40, "quirk: eight ones of a device mean all");
	who_got(vm, 0x41);
	vm->arch.x2apic_no_broadcast_quirk = true;
	tap_ok(send_fixed(vm, 0xff, 0x41) == -1, "without it, ID 255");
	tap_ok(send_fixed(vm, 0xffffffff, 0x41) == 40, "32 ones mean all");
	who_got(vm, 0x41);
	lapic_set_base(vm->vcpus[39], XAPIC, true);
	reg_w(vm->vcpus[39], APIC_SPIV, 0x1ff);
	tap_ok(send_fixed(vm, 390, 0x40) == 1, "an xAPIC with an ID that does not fit is reached");
	vm_free(vm);
}

static void test_msi(void)
{
	struct mkvm_vm *vm = vm_new(1, 0, 1);
	struct lapic_irq irq;

	lapic_msi_to_irq(vm, 0x12345600feeab00cull, 0xc1ef, &irq);
	tap_ok(irq.dest_id == 0xab && irq.logical && irq.msi_redir_hint && irq.vector == 0xef &&
	       irq.delivery_mode == DM_LOWEST && irq.trig_level && irq.level, "MSI decoded");
	vm->arch.x2apic_32bit = true;
	lapic_msi_to_irq(vm, 0x12345600feeab000ull, 0x00ef, &irq);
	tap_ok(irq.dest_id == 0x123456ab && !irq.logical && irq.delivery_mode == DM_FIXED &&
	       !irq.trig_level, "MSI with a destination of 32 bits");
	vm_free(vm);
}

/* The SDM's words, written down without a thought of speed. */
static bool naive(struct mkvm_vm *vm, struct mkvm_vcpu *v, bool ipi, u32 dest, bool log)
{
	u32 id, ldr, dfr;

	if (!lapic_enabled(v))
		return false;
	if (lapic_x2apic_mode(v)) {
		if (dest == 0xffffffff)
			return true;
		if (dest == 0xff && !ipi && !vm->arch.x2apic_no_broadcast_quirk)
			return true;
		if (!log)
			return dest == v->id;
		return v->id / 16 == dest >> 16 && dest & 1u << v->id % 16;
	}
	id = reg_r(v, APIC_ID) >> 24;
	ldr = reg_r(v, APIC_LDR) >> 24;
	dfr = reg_r(v, APIC_DFR) >> 28;
	if (dest == 0xff)
		return true;
	if (!log)
		return dest == id || (dest > 255 && dest == v->id);
	if (dest > 255)
		return false;
	if (dfr == 15)
		return ldr & dest;
	return dfr == 0 && ldr / 16 == dest / 16 && ldr % 16 & dest % 16;
}

static u32 random_dest(struct mkvm_vm *vm)
{
	struct mkvm_vcpu *v = vm->vcpus[rnd(vm->online_vcpus)];

	switch (rnd(8)) {
	case 0:
		return 0xff;
	case 1:
		return 0xffffffff;
	case 2:
		return rnd(1100);
	case 3:
		return v->id;
	case 4:
		return v->id / 16 << 16 | rnd(0x10000);
	case 5:
		return rnd(0x7fffffff) * 2 + rnd(2);
	default:
		return rnd(256);
	}
}

static void random_change(struct mkvm_vm *vm, int style)
{
	static const u64 base[3] = { XAPIC, X2APIC, OFF };
	struct mkvm_vcpu *v = vm->vcpus[rnd(vm->online_vcpus)];
	u32 ldr = style == 1 ? 1u << rnd(8) : style == 2 ? rnd(16) << 4 | 1u << rnd(4) : rnd(256);

	switch (rnd(style ? 3 : 5)) {
	case 0:
		reg_w(v, APIC_ID, rnd(2) ? rnd(256) << 24 : v->id << 24);
		break;
	case 1:
		reg_w(v, APIC_LDR, ldr << 24);
		break;
	case 2:
		reg_w(v, APIC_DFR, style == 1 ? ~0u : style == 2 ? 0 : rnd(3) << 28 | rnd(2) << 31);
		break;
	default:
		lapic_set_base(v, base[rnd(3)], true);
		reg_w(v, APIC_SPIV, 0x1ff);
		break;
	}
}

/* style 0: everything mixed, 1: flat, 2: cluster, 3: all in x2APIC mode. */
static void test_random(int style, int rounds)
{
	struct mkvm_vm *vm = NULL;
	struct mkvm_vcpu *v, *source;
	struct lapic_irq irq;
	u64 want, got;
	int round, i, ret, n, wrong = 0, hits = 0;

	for (round = 0; round < rounds && wrong < 5; round++) {
		if (round % 500 == 0) {
			if (vm)
				vm_free(vm);
			vm = vm_new(1 + rnd(style == 1 ? 8 : 60), rnd(20), 1 + rnd(17));
			vm->arch.x2apic_no_broadcast_quirk = rnd(2);
			mkvm_for_each_vcpu(i, v, vm) {
				if (style == 1)
					reg_w(v, APIC_LDR, 1u << (24 + i));
				if (style == 2)
					reg_w(v, APIC_DFR, 0);
				if (style == 3)
					lapic_set_base(v, X2APIC, true);
			}
		}
		if (rnd(3) == 0 && style != 3)
			random_change(vm, style);
		source = rnd(2) ? vm->vcpus[rnd(vm->online_vcpus)] : NULL;
		irq = (struct lapic_irq) { .dest_id = random_dest(vm), .vector = 0x40,
					   .level = true, .logical = rnd(2) };
		want = 0;
		mkvm_for_each_vcpu(i, v, vm)
			if (naive(vm, v, source, irq.dest_id, irq.logical))
				want |= 1ull << i;
		ret = lapic_deliver(vm, source, &irq);
		got = who_got(vm, 0x40);
		n = __builtin_popcountll(want);
		hits += n == 1;
		if (got != want || ret != (n ? n : -1)) {
			printf("# dest %#x %s: %#llx instead of %#llx, returned %d\n", irq.dest_id,
			       irq.logical ? "logical" : "physical", (unsigned long long)got,
			       (unsigned long long)want, ret);
			wrong++;
		}
	}
	vm_free(vm);
	tap_ok(!wrong && hits > rounds / 100, "random machines, style %d: %d of %d to one vCPU",
	       style, hits, round);
}

/*
 * One thread delivers, waits until that is taken, delivers the next to the same word of IRR; the
 * vCPU takes. The next one comes just when the word has become empty, which is where a summary
 * of IRR can lose it; then it would never be taken.
 */
#define RACE_MESSAGES	400000
#define RACE_PATIENCE	10	/* seconds: the machine may be busy with other things */

static struct mkvm_vm *race_vm;
static bool race_over;
static int race_refused, race_lost;

static void *race_sender(void *unused)
{
	struct mkvm_vcpu *v = race_vm->vcpus[0];
	const u32 *word = lapic_regs_page(v) + 0x200 + 0x20;
	const struct posted_desc *desc = v->arch.posted;
	time_t since;
	int i;

	(void)unused;
	for (i = 0; i < RACE_MESSAGES && !race_lost; i++) {
		race_refused += send_fixed(race_vm, 0, 0x40 + i % 32) != 1;
		since = time(NULL);
		while ((READ_ONCE(*word) || (desc && READ_ONCE(desc->pir[1]))) && !race_lost)
			race_lost = time(NULL) - since > RACE_PATIENCE;
	}
	WRITE_ONCE(race_over, true);
	return NULL;
}

/* @posted: through a posted-interrupt descriptor. */
static void test_race(struct posted_desc *posted)
{
	struct mkvm_vcpu *v;
	pthread_t thread;
	int taken = 0;

	race_vm = vm_new(1, 0, 1);
	v = race_vm->vcpus[0];
	v->arch.posted = posted;
	race_over = false;
	pthread_create(&thread, NULL, race_sender, NULL);
	while (!READ_ONCE(race_over)) {
		if (take(v) < 0)
			continue;
		taken++;
		lapic_eoi(v);
	}
	pthread_join(thread, NULL);
	tap_ok(!race_lost && !race_refused && taken == RACE_MESSAGES,
	       "race of delivery and acknowledgment%s: %d taken, %d lost",
	       posted ? ", posted" : "", taken, race_lost);
	vm_free(race_vm);
}

static struct posted_desc desc;

int main(int argc, char **argv)
{
	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (u64)time(NULL);
	printf("# seed %llu\n", (unsigned long long)seed);
	test_by_hand();
	test_msi();
	test_random(0, 20000);
	test_random(1, 20000);
	test_random(2, 20000);
	test_random(3, 20000);
	test_race(NULL);
	test_race(&desc);
	return tap_done();
}
