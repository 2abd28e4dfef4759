// SPDX-License-Identifier: GPL-2.0-only
/*
 * A small fuzz loop over the loaders: good images of every kind, cut at every length of their
 * headers, and with bytes and words of them replaced by numbers that break sums and shifts. The
 * sanitizers and the guard pages around guest memory are the judges; the loop itself demands
 * that a refusal comes with a sentence and a success with an entry inside guest memory.
 *
 * The random numbers are always the same, so that a failure can be repeated.
 */
#include <stdlib.h>
#include <string.h>

#include "compiler.h"
#include "images.h"
#include "tests.h"

#define ROUNDS		3000
#define HEADER_BYTES	0x600
#define FUZZ_RAM	(32 * MIB)

static __u64 seed;

static __u64 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static __u64 nasty(void)
{
	static const __u64 numbers[] = {
		0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x90000, 0xfffff, 0x100000,
		0x7fffffff, 0x80000000, 0xfffff000, 0xffffffff, 0x100000000,
		0x7fffffffffffffff, 0x8000000000000000, 0xfffffffffffff000, 0xffffffffffffffff,
	};

	if (rnd() % 4 == 0)
		return rnd();
	return numbers[rnd() % ARRAY_SIZE(numbers)] + rnd() % 3 - 1;
}

static bool one(const struct image *img, struct guest_ram *ram)
{
	static __u8 ramdisk[8192];
	struct boot_request req = {
		.kernel = *img,
		.initrd = { .name = "initrd", .data = ramdisk, .size = sizeof(ramdisk) },
		.linux_cmdline = "console=ttyS0",
		.append = "x",
	};
	struct boot_state state;
	struct sentence why = { "" };

	if (load_kernel(&req, ram, &state, &why) < 0)
		return why.text[0] != 0;
	return guest_ram_at(ram, state.rip, 1) && state.protocol;
}

/* The image with its exact size as an allocation of its own. */
static struct image copy(const struct image *img, size_t size)
{
	struct image c = test_image(size);

	memcpy(test_bytes(&c), img->data, size);
	return c;
}

static bool cut_everywhere(const struct image *img, struct guest_ram *ram)
{
	bool good = true;
	size_t size;

	for (size = 1; size < img->size && size < HEADER_BYTES; size++) {
		struct image c = copy(img, size);

		good &= one(&c, ram);
		test_image_free(&c);
	}
	return good;
}

static bool damage(const struct image *img, struct guest_ram *ram)
{
	static const unsigned int widths[] = { 1, 2, 4, 8 };
	size_t span = img->size < HEADER_BYTES ? img->size : HEADER_BYTES;
	bool good = true;
	int round, i;

	for (round = 0; round < ROUNDS; round++) {
		struct image c = copy(img, rnd() % 8 ? img->size : 1 + rnd() % img->size);
		int changes = 1 + rnd() % 3;

		for (i = 0; i < changes; i++) {
			unsigned int width = widths[rnd() % 4];
			__u64 value = nasty();
			size_t at = rnd() % span;

			/* Most fields are at the beginning of the header. */
			if (rnd() % 2)
				at = (img->data[0] == 0x7f ? 0 : 0x1f1) + rnd() % 0x90;
			if (at + width <= c.size)
				memcpy((__u8 *)test_bytes(&c) + at, &value, width);
		}
		good &= one(&c, ram);
		test_image_free(&c);
	}
	return good;
}

static void fuzz(struct image img, __u64 start)
{
	struct guest_ram ram = test_ram(FUZZ_RAM);

	seed = start;
	CHECK(one(&img, &ram));
	CHECK(cut_everywhere(&img, &ram));
	CHECK(damage(&img, &ram));
	test_image_free(&img);
	test_ram_free(&ram);
}

static void fuzz_bzimage(void)
{
	fuzz(test_bzimage(4096), 0x1234567);
}

static void fuzz_elf(void)
{
	fuzz(test_elf(TEST_ELF64), 0x2345678);
	fuzz(test_elf(TEST_ELF32), 0x3456789);
}

static void fuzz_pvh(void)
{
	fuzz(test_elf(TEST_ELF64_PVH), 0x456789a);
}

static void fuzz_multiboot(void)
{
	fuzz(test_multiboot(true), 0x56789ab);
	fuzz(test_multiboot(false), 0x6789abc);
}

const struct test fuzz_tests[] = {
	{ "fuzz: bzImage", fuzz_bzimage },
	{ "fuzz: ELF", fuzz_elf },
	{ "fuzz: ELF with PVH note", fuzz_pvh },
	{ "fuzz: Multiboot", fuzz_multiboot },
	{ }
};
