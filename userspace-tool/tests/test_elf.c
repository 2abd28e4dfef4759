// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the ELF and Multiboot loaders: entry states, the structures handed over, and refusal
 * of damaged files with their reason.
 */
#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "compiler.h"
#include "images.h"
#include "tests.h"

static struct boot_state state;
static struct sentence why;

static int boot(const struct image *kernel, struct guest_ram *ram)
{
	static __u8 ramdisk[5000] = { 1, 2, 3 };
	struct boot_request req = {
		.kernel = *kernel,
		.initrd = { .name = "initrd", .data = ramdisk, .size = sizeof(ramdisk) },
		.linux_cmdline = "linux",
		.append = "other",
		.rsdp = GUEST_ACPI,
	};

	why.text[0] = 0;
	return load_kernel(&req, ram, &state, &why);
}

static bool refused(const struct image *kernel, const char *reason)
{
	struct guest_ram ram = test_ram(TEST_RAM);
	int ret = boot(kernel, &ram);

	test_ram_free(&ram);
	if (ret == 0 || !strstr(why.text, reason)) {
		printf("# wanted '%s', got %d '%s'\n", reason, ret, why.text);
		return false;
	}
	return true;
}

static __u32 u32_at(const struct guest_ram *ram, __u64 gpa)
{
	__u32 v;

	memcpy(&v, ram->low + gpa, sizeof(v));
	return v;
}

static void good_elf(void)
{
	static const struct {
		enum test_elf_kind kind;
		enum cpu_mode mode;
		__u64 rip, rbx;
	} cases[] = {
		{ TEST_ELF64, CPU_LONG64, TEST_ELF_ENTRY, 0 },
		{ TEST_ELF32, CPU_PROTECTED32, TEST_ELF_ENTRY, 0 },
		{ TEST_ELF64_PVH, CPU_PROTECTED32, TEST_PVH_ENTRY, GUEST_START_INFO },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct image k = test_elf(cases[i].kind);
		struct guest_ram ram = test_ram(TEST_RAM);

		memset(ram.low + TEST_ELF_ADDRESS, 0xff, 0x4000);
		CHECK(boot(&k, &ram) == 0);
		CHECK(state.mode == cases[i].mode);
		CHECK(state.rip == cases[i].rip);
		CHECK(state.rbx == cases[i].rbx);
		CHECK(state.rsi == GUEST_BOOT_PARAMS);
		CHECK(ram.low[TEST_ELF_ADDRESS + 0x7ff] == 0x5a);
		CHECK(ram.low[TEST_ELF_ADDRESS + 0x800] == 0);
		CHECK(ram.low[TEST_ELF_ADDRESS + 0x2fff] == 0);
		CHECK(ram.low[TEST_ELF_ADDRESS + 0x3000] == 0xff);
		CHECK(!strcmp((char *)ram.low + GUEST_CMDLINE, "linux"));
		test_image_free(&k);
		test_ram_free(&ram);
	}
}

static void pvh_start_info(void)
{
	struct image k = test_elf(TEST_ELF64_PVH);
	struct guest_ram ram = test_ram(TEST_RAM);
	__u32 modlist;

	CHECK(boot(&k, &ram) == 0);
	CHECK(u32_at(&ram, GUEST_START_INFO) == 0x336ec578);
	CHECK(u32_at(&ram, GUEST_START_INFO + 4) == 1);
	CHECK(u32_at(&ram, GUEST_START_INFO + 12) == 1);
	modlist = u32_at(&ram, GUEST_START_INFO + 16);
	CHECK(u32_at(&ram, modlist + 8) == 5000);
	CHECK(u32_at(&ram, u32_at(&ram, modlist)) == 0x030201);
	CHECK(u32_at(&ram, GUEST_START_INFO + 24) == GUEST_CMDLINE);
	CHECK(u32_at(&ram, GUEST_START_INFO + 32) == GUEST_ACPI);
	CHECK(u32_at(&ram, GUEST_START_INFO + 48) == 6);
	test_image_free(&k);
	test_ram_free(&ram);
}

static void pvh_note_alignment(void)
{
	static const struct {
		unsigned int p_align, note_align;
	} cases[] = { { 0, 4 }, { 1, 4 }, { 4, 4 }, { 8, 8 }, { 8, 4 }, { 4096, 4 } };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct image k = test_elf_notes(cases[i].p_align, cases[i].note_align);
		struct guest_ram ram = test_ram(TEST_RAM);

		CHECK(boot(&k, &ram) == 0);
		if (state.rip != TEST_PVH_ENTRY)
			printf("# notes aligned to %u, p_align %u\n", cases[i].note_align,
			       cases[i].p_align);
		CHECK(state.rip == TEST_PVH_ENTRY);
		test_image_free(&k);
		test_ram_free(&ram);
	}
}

static void virtual_entry(void)
{
	struct image k = test_elf(TEST_ELF64);
	struct guest_ram ram = test_ram(TEST_RAM);

	((Elf64_Ehdr *)test_bytes(&k))->e_entry = 0xffffffff81000000 + TEST_ELF_ENTRY;
	CHECK(boot(&k, &ram) == 0);
	CHECK(state.rip == TEST_ELF_ENTRY);
	test_image_free(&k);
	test_ram_free(&ram);
}

static void bad_elf(void)
{
	struct image k = test_elf(TEST_ELF64);
	Elf64_Ehdr *eh = test_bytes(&k), eh_good = *eh;
	Elf64_Phdr *ph = (Elf64_Phdr *)(eh + 1), ph_good = *ph;

	eh->e_machine = EM_AARCH64;
	CHECK(refused(&k, "another kind of processor"));
	*eh = eh_good;
	eh->e_type = ET_REL;
	CHECK(refused(&k, "object file"));
	*eh = eh_good;
	eh->e_entry = 0x10;
	CHECK(refused(&k, "lies in none of its segments"));
	*eh = eh_good;
	eh->e_phnum = 0;
	CHECK(refused(&k, "no loadable segment"));
	*eh = eh_good;
	eh->e_phoff = 0xfffffffffffffff0;
	CHECK(refused(&k, "damaged"));
	*eh = eh_good;
	ph->p_offset = 0xfff;
	CHECK(refused(&k, "cut short"));
	ph->p_offset = 0xffffffffffffffff;
	CHECK(refused(&k, "cut short"));
	*ph = ph_good;
	ph->p_filesz = 0xffffffffffffffff;
	CHECK(refused(&k, "cut short"));
	*ph = ph_good;
	ph->p_memsz = 16;
	CHECK(refused(&k, "more bytes than memory"));
	*ph = ph_good;
	ph->p_paddr = TEST_RAM - 0x1000;
	CHECK(refused(&k, "no memory there: give it at least 65 MiB with --mem"));
	ph->p_paddr = 4 * GIB;
	CHECK(refused(&k, "no memory there: give it at least 3073 MiB with --mem"));
	ph->p_paddr = 3 * GIB;
	CHECK(refused(&k, "no memory there, and would not with more"));
	ph->p_paddr = 0xfffffffffffff000;
	CHECK(refused(&k, "no memory there, and would not with more"));
	ph->p_paddr = GUEST_BOOT_PARAMS;
	CHECK(refused(&k, "boot information"));
	ph->p_paddr = 0x8f000;
	CHECK(refused(&k, "boot information"));
	*ph = ph_good;
	ph->p_type = PT_INTERP;
	CHECK(refused(&k, "program for an operating system"));
	test_image_free(&k);
}

static void bad_pvh_entry(void)
{
	struct image k = test_elf(TEST_ELF64_PVH);
	__u32 outside = 0xf0000000;

	memcpy((__u8 *)test_bytes(&k) + 0x400 + 16, &outside, 4);
	CHECK(refused(&k, "PVH entry point"));
	test_image_free(&k);
}

static void good_multiboot(void)
{
	int addresses;

	for (addresses = 0; addresses < 2; addresses++) {
		struct image k = test_multiboot(addresses);
		struct guest_ram ram = test_ram(TEST_RAM);
		__u32 mods;

		memset(ram.low + TEST_ELF_ADDRESS, 0xff, 0x4000);
		CHECK(boot(&k, &ram) == 0);
		CHECK(state.mode == CPU_PROTECTED32);
		CHECK(state.rax == 0x2badb002 && state.rbx == GUEST_START_INFO);
		CHECK(state.rip == TEST_ELF_ENTRY);
		CHECK(ram.low[TEST_ELF_ADDRESS + (addresses ? 0xfff : 0x7ff)] == 0x5a);
		CHECK(ram.low[TEST_ELF_ADDRESS + 0x2fff] == 0);
		CHECK(ram.low[TEST_ELF_ADDRESS + 0x3000] == 0xff);
		CHECK(u32_at(&ram, GUEST_START_INFO) == 0x24d);
		CHECK(u32_at(&ram, GUEST_START_INFO + 8) == 63 * 1024);
		CHECK(!strcmp((char *)ram.low + GUEST_CMDLINE, "test other"));
		CHECK(u32_at(&ram, GUEST_START_INFO + 20) == 1);
		mods = u32_at(&ram, GUEST_START_INFO + 24);
		CHECK(u32_at(&ram, mods + 4) - u32_at(&ram, mods) == 5000);
		CHECK(u32_at(&ram, u32_at(&ram, mods)) == 0x030201);
		CHECK(u32_at(&ram, GUEST_START_INFO + 44) == 6 * 24);
		test_image_free(&k);
		test_ram_free(&ram);
	}
}

static void bad_multiboot(void)
{
	struct image k = test_multiboot(true);
	__u32 *h = (__u32 *)((__u8 *)test_bytes(&k) + 0x400), good[8];

	memcpy(good, h, sizeof(good));
	h[1] |= 8;
	h[2] = -(h[0] + h[1]);
	CHECK(refused(&k, "flags 0x8"));
	memcpy(h, good, sizeof(good));
	h[1] = 3;
	h[2] = -(h[0] + h[1]);
	CHECK(refused(&k, "no ELF file"));
	memcpy(h, good, sizeof(good));
	h[4] = h[3] + 4;
	CHECK(refused(&k, "after its own"));
	h[4] = h[3] - 0x401;
	CHECK(refused(&k, "after its own"));
	memcpy(h, good, sizeof(good));
	h[5] = TEST_ELF_ADDRESS + 0x1001;
	CHECK(refused(&k, "cut short"));
	h[5] = 1;
	CHECK(refused(&k, "cut short"));
	memcpy(h, good, sizeof(good));
	h[6] = TEST_ELF_ADDRESS + 1;
	CHECK(refused(&k, "bss inside the data"));
	h[6] = 0xffffffff;
	CHECK(refused(&k, "no memory there"));
	memcpy(h, good, sizeof(good));
	h[7] = 0xf0000000;
	CHECK(refused(&k, "entry point"));
	memcpy(h, good, sizeof(good));
	h[2]++;
	CHECK(refused(&k, "is not a kernel"));
	test_image_free(&k);
}

const struct test elf_tests[] = {
	{ "ELF: 64-bit, 32-bit and PVH entry, bss cleared", good_elf },
	{ "ELF: the PVH start info", pvh_start_info },
	{ "ELF: PVH notes of every alignment", pvh_note_alignment },
	{ "ELF: a virtual entry address is translated", virtual_entry },
	{ "ELF: damaged files are refused with their reason", bad_elf },
	{ "ELF: a PVH entry outside memory is refused", bad_pvh_entry },
	{ "Multiboot: load addresses and ELF, boot information", good_multiboot },
	{ "Multiboot: damaged headers are refused with their reason", bad_multiboot },
	{ }
};
