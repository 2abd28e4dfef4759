// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random numbers, and the values that interest a hypervisor: ends of ranges, single bits, addresses
 * of devices, page ends, MSRs of KVM's ABI and of the SDM's "Model-Specific Registers".
 */
#include "fuzz.h"

static u64 mix(u64 z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/**
 * fz_seed() - begin a row of random numbers
 * @r: the generator
 * @seed: of the run
 * @nr: case
 * @thread: number of the thread in the case
 * @step: of the thread
 */
void fz_seed(struct fz_rng *r, u64 seed, u64 nr, u64 thread, u64 step)
{
	r->state = mix(seed + 0x9e3779b97f4a7c15 * (nr + 1));
	r->state = mix(r->state ^ thread << 40 ^ step);
}

u64 fz_next(struct fz_rng *r)
{
	r->state += 0x9e3779b97f4a7c15;
	return mix(r->state);
}

u64 fz_below(struct fz_rng *r, u64 n)
{
	return n ? fz_next(r) % n : 0;
}

bool fz_one_in(struct fz_rng *r, u64 n)
{
	return !fz_below(r, n);
}

static const u64 special[] = {
	0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256, 0xfff, 0x1000, 0x1001,
	0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0xfee00000, 0xfec00000,
	0xfee00900, 0x7fffffffffff, 0x800000000000, 0xffff800000000000, 0x7fffffffffffffff,
	0x8000000000000000, 0xfffffffffffff000, 0xffffffffffffffff, KT_MMIO, KT_TEST_AREA,
	KT_TEST_AREA + 0xffd, KT_PML4, KT_MEM, KT_MEM - 1, 0x80010033, 0xd01, 0x620,
};

/*
 * The oracle takes what looks like an address of the host's kernel for one. Nothing that the
 * fuzzer writes may.
 */
static u64 not_a_host_address(u64 v)
{
	return v >= 0xffff880000000000 && v < 0xffffffffff000000 ? v ^ 1ull << 62 : v;
}

/**
 * fz_value() - a number that may be interesting
 * @r: the generator
 * Return: the number.
 */
u64 fz_value(struct fz_rng *r)
{
	u64 v;

	switch (fz_below(r, 8)) {
	case 0:
		return fz_below(r, 4);
	case 1:
		v = 1ull << fz_below(r, 64);
		break;
	case 2:
		v = (1ull << fz_below(r, 64)) - 1;
		break;
	case 3:
		v = -(1ull << fz_below(r, 64));
		break;
	case 4:
		v = fz_next(r) >> fz_below(r, 64);
		break;
	default:
		v = special[fz_below(r, KT_ARRAY_SIZE(special))];
	}
	return not_a_host_address(v);
}

/**
 * fz_gpa() - a guest-physical address
 * @r: the generator
 * Return: memory, device, or neither; often at a page's end.
 */
u64 fz_gpa(struct fz_rng *r)
{
	static const u64 base[] = {
		0, KT_TEST_AREA, KT_MEM, KT_MMIO, KT_MMIO + 0x5000, 0xfee00000, 0xfec00000, 0xa0000,
		0x100000, KT_GDT, KT_IDT, KT_PML4, KT_PT, KT_STACKS - 0x1000, 0x100000000,
		0x10000000000, 1ull << 45, 1ull << 51,
	};
	u64 at = base[fz_below(r, KT_ARRAY_SIZE(base))];

	if (fz_one_in(r, 8))
		return fz_value(r);
	at += fz_below(r, 8) * 4096;
	if (fz_one_in(r, 3))
		at += 4096 - fz_below(r, 64);
	return at;
}

/**
 * fz_hva() - an address of the process, aligned to a page as a rule
 * @t: the thread
 * Return: guest memory, scratch memory, or nonsense.
 */
u64 fz_hva(struct fz_thread *t)
{
	struct kt_vm *vm = t->c->vm[fz_below(&t->rng, t->c->vms)];
	u64 at = (u64)vm->mem + fz_below(&t->rng, KT_MEM / 4096) * 4096;

	if (fz_one_in(&t->rng, 16))
		return fz_value(&t->rng);
	if (fz_one_in(&t->rng, 2))
		at = (u64)t->c->scratch + fz_below(&t->rng, 1024) * 4096;
	return fz_one_in(&t->rng, 16) ? at + fz_below(&t->rng, 4096) : at;
}

static const u32 msrs[] = {
	0x10, 0x11, 0x12, 0x1b, 0x34, 0x3a, 0x3b, 0x48, 0x49, 0x8b, 0xce, 0xfe, 0x10a, 0x10b,
	0x122, 0x140, 0x174, 0x175, 0x176, 0x179, 0x17a, 0x17b, 0x186, 0x198, 0x1a0, 0x1c9, 0x1d9,
	0x1db, 0x1fc, 0x200, 0x201, 0x20f, 0x250, 0x258, 0x26f, 0x277, 0x2ff, 0x345, 0x38d, 0x38f,
	0x400, 0x401, 0x402, 0x403, 0x413, 0x480, 0x48b, 0x491, 0x4d0, 0x6e0, 0x7fff, 0x800, 0x802,
	0x808, 0x80b, 0x80d, 0x80f, 0x828, 0x830, 0x832, 0x838, 0x83e, 0x83f, 0xd90, 0xda0,
	0xc0000080, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000100, 0xc0000101,
	0xc0000102, 0xc0000103, 0xc0010015, 0x40000000, 0x40000001, 0x4b564d00, 0x4b564d01,
	0x4b564d02, 0x4b564d03, 0x4b564d04, 0x4b564d05, 0x4b564d06, 0x4b564d07, 0x4b564d08,
};

/**
 * fz_msr() - the number of an MSR
 * @r: the generator
 * Return: one that KVM knows, as a rule.
 */
u32 fz_msr(struct fz_rng *r)
{
	return fz_one_in(r, 16) ? fz_next(r) : msrs[fz_below(r, KT_ARRAY_SIZE(msrs))];
}

/**
 * fz_mutate() - change a few fields of a structure
 * @r: the generator
 * @buf: the structure
 * @size: its length in bytes
 */
void fz_mutate(struct fz_rng *r, void *buf, size_t size)
{
	u32 n = fz_below(r, 5);

	while (n-- && size) {
		size_t width = 1u << fz_below(r, 4);
		u64 v = fz_value(r);

		if (width > size)
			width = size & -size;
		/* More often near the beginning, where the flags and counts are. */
		if (fz_one_in(r, 3) && size > 64)
			memcpy((u8 *)buf + fz_below(r, 64 / width) * width, &v, width);
		else
			memcpy((u8 *)buf + fz_below(r, size / width) * width, &v, width);
	}
}
