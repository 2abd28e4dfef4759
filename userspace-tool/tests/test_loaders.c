// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the bzImage loader, of raw images, and of the telling apart of files that are no
 * kernels. Every wrong image must be answered by -1 and by a sentence that names the reason.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler.h"
#include "images.h"
#include "tests.h"

static struct boot_state state;
static struct sentence why;

static int boot(const struct image *kernel, const struct image *initrd, const char *cmdline,
		struct guest_ram *ram, enum entry_choice entry)
{
	struct boot_request req = {
		.kernel = *kernel,
		.linux_cmdline = cmdline,
		.append = "",
		.entry = entry,
		.rsdp = GUEST_ACPI,
	};

	if (initrd)
		req.initrd = *initrd;
	why.text[0] = 0;
	return load_kernel(&req, ram, &state, &why);
}

static bool refused(const struct image *kernel, const struct image *initrd, __u64 mem,
		    const char *reason)
{
	struct guest_ram ram = test_ram(mem);
	int ret = boot(kernel, initrd, "x", &ram, ENTRY_AUTO);

	test_ram_free(&ram);
	if (ret == 0 || !strstr(why.text, reason)) {
		printf("# wanted '%s', got %d '%s'\n", reason, ret, why.text);
		return false;
	}
	return true;
}

static void good_bzimage(void)
{
	struct image k = test_bzimage(4096), initrd = test_image(10000);
	struct guest_ram ram = test_ram(TEST_RAM);
	struct boot_params *bp = (void *)(ram.low + GUEST_BOOT_PARAMS);

	memset(test_bytes(&initrd), 0x77, initrd.size);
	CHECK(boot(&k, &initrd, "hello world", &ram, ENTRY_AUTO) == 0);
	CHECK(state.mode == CPU_LONG64);
	CHECK(state.rip == 16 * MIB + 0x200);
	CHECK(state.rsi == GUEST_BOOT_PARAMS);
	CHECK(ram.low[16 * MIB] == 0x5a && ram.low[16 * MIB + 4095] == 0x5a);
	CHECK(!strcmp((char *)ram.low + GUEST_CMDLINE, "hello world"));
	CHECK(bp->hdr.cmd_line_ptr == GUEST_CMDLINE);
	CHECK(bp->hdr.type_of_loader == 0xff);
	CHECK(bp->hdr.ramdisk_size == 10000);
	CHECK(bp->hdr.ramdisk_image % 4096 == 0);
	CHECK(bp->hdr.ramdisk_image + 10000 <= TEST_RAM);
	CHECK(ram.low[bp->hdr.ramdisk_image] == 0x77);
	CHECK(ram.low[bp->hdr.ramdisk_image + 9999] == 0x77);
	CHECK(bp->acpi_rsdp_addr == GUEST_ACPI);
	CHECK(bp->e820_entries == 6);
	CHECK(bp->sentinel == 0);
	test_image_free(&k);
	test_image_free(&initrd);
	test_ram_free(&ram);
}

static void bzimage_entries(void)
{
	struct image k = test_bzimage(4096);
	struct guest_ram ram = test_ram(TEST_RAM);

	CHECK(boot(&k, NULL, "", &ram, ENTRY_32) == 0);
	CHECK(state.mode == CPU_PROTECTED32 && state.rip == 16 * MIB);
	test_header(&k)->xloadflags = 0;
	CHECK(boot(&k, NULL, "", &ram, ENTRY_AUTO) == 0);
	CHECK(state.mode == CPU_PROTECTED32);
	CHECK(boot(&k, NULL, "", &ram, ENTRY_64) < 0);
	CHECK(strstr(why.text, "no 64-bit entry"));
	test_image_free(&k);
	test_ram_free(&ram);
}

/* "init_size" in boot.rst: wherever it is loaded, a kernel runs at pref_address or above it. */
static void bzimage_memory(void)
{
	struct image k = test_bzimage(4096), initrd = test_image(MIB + 1);
	struct guest_ram ram = test_ram(24 * MIB);
	struct setup_header *h = test_header(&k);

	/* 8 MiB from 16 MiB on. */
	CHECK(boot(&k, NULL, "", &ram, ENTRY_AUTO) == 0);
	CHECK(state.rip == 16 * MIB + 0x200);
	test_ram_free(&ram);
	CHECK(refused(&k, NULL, 24 * MIB - 4096, "needs at least 24 MiB"));
	CHECK(refused(&k, NULL, 8 * MIB, "needs at least 24 MiB"));
	CHECK(refused(&k, &initrd, 8 * MIB, "needs at least 26 MiB"));
	CHECK(refused(&k, &initrd, 24 * MIB, "at least 26 MiB"));
	/* It aligns the address where it runs. */
	h->kernel_alignment = 32 * MIB;
	CHECK(refused(&k, NULL, 39 * MIB, "needs at least 40 MiB"));
	h->kernel_alignment = 0x80000000;
	CHECK(refused(&k, NULL, TEST_RAM, "needs at least 2056 MiB"));
	/* One that is not relocatable is loaded at 1 MiB and moves itself. */
	h->relocatable_kernel = 0;
	CHECK(refused(&k, NULL, 16 * MIB, "needs at least 24 MiB"));
	ram = test_ram(24 * MIB);
	CHECK(boot(&k, NULL, "", &ram, ENTRY_AUTO) == 0);
	CHECK(state.rip == MIB + 0x200 && ram.low[MIB] == 0x5a);
	test_ram_free(&ram);
	h->init_size = 0xfffffff0;
	CHECK(refused(&k, NULL, TEST_RAM, "no guest has memory"));
	h->init_size = 8 * MIB;
	h->pref_address = 1ULL << 63;
	CHECK(refused(&k, NULL, TEST_RAM, "no guest has memory"));
	/* Before 2.10 there is no pref_address. */
	h->version = 0x0209;
	ram = test_ram(2 * MIB);
	CHECK(boot(&k, NULL, "", &ram, ENTRY_AUTO) == 0);
	CHECK(state.rip == MIB);
	test_ram_free(&ram);
	test_image_free(&k);
	test_image_free(&initrd);
}

/* syssize counts paragraphs; a file need not be padded to the last one's end. */
static void unpadded_bzimage(void)
{
	struct image k = test_bzimage(4096);
	struct guest_ram ram = test_ram(TEST_RAM);

	k.size -= 15;
	memset(ram.low + 16 * MIB, 0, 4096);
	CHECK(boot(&k, NULL, "", &ram, ENTRY_AUTO) == 0);
	CHECK(ram.low[16 * MIB + 4080] == 0x5a && ram.low[16 * MIB + 4081] == 0);
	test_ram_free(&ram);
	k.size--;
	CHECK(refused(&k, NULL, TEST_RAM, "cut short"));
	k.size = 1024;
	test_header(&k)->syssize = 1;
	CHECK(refused(&k, NULL, TEST_RAM, "cut short"));
	k.size = 1025;
	CHECK(refused(&k, NULL, TEST_RAM, "ends before its 64-bit entry"));
	test_image_free(&k);
}

static void real_mode_only(void)
{
	struct image k = test_bzimage(4096), sector = test_image(512);

	test_header(&k)->code32_start = 0;
	CHECK(refused(&k, NULL, TEST_RAM, "only a real-mode entry"));
	memcpy((__u8 *)test_bytes(&sector) + 510, "\x55\xaa", 2);
	CHECK(refused(&sector, NULL, TEST_RAM, "only a real-mode entry"));
	test_image_free(&k);
	test_image_free(&sector);
}

/* What --entry asks for is not passed over in silence. */
static void entry_of_others(void)
{
	struct image elf = test_elf(TEST_ELF64), mb = test_multiboot(true);
	struct guest_ram ram = test_ram(TEST_RAM);

	CHECK(boot(&elf, NULL, "", &ram, ENTRY_64) < 0 && strstr(why.text, "no bzImage"));
	CHECK(boot(&mb, NULL, "", &ram, ENTRY_32) < 0 && strstr(why.text, "no bzImage"));
	CHECK(boot(&elf, NULL, "", &ram, ENTRY_AUTO) == 0);
	CHECK(boot(&mb, NULL, "", &ram, ENTRY_AUTO) == 0);
	test_image_free(&elf);
	test_image_free(&mb);
	test_ram_free(&ram);
}

static void bad_bzimage(void)
{
	struct image k = test_bzimage(4096), cut;

	cut = k;
	cut.size -= 16;
	CHECK(refused(&cut, NULL, TEST_RAM, "cut short"));
	cut.size = 0x210;
	CHECK(refused(&cut, NULL, TEST_RAM, "cut short"));
	test_header(&k)->version = 0x0203;
	CHECK(refused(&k, NULL, TEST_RAM, "version 2.03"));
	test_header(&k)->version = 0x020f;
	test_header(&k)->loadflags = 0;
	CHECK(refused(&k, NULL, TEST_RAM, "zImage"));
	test_header(&k)->loadflags = LOADED_HIGH;
	test_header(&k)->syssize = 0;
	CHECK(refused(&k, NULL, TEST_RAM, "empty protected-mode part"));
	test_header(&k)->syssize = 0xffffffff;
	CHECK(refused(&k, NULL, TEST_RAM, "cut short"));
	test_header(&k)->syssize = 0x200 / 16;
	CHECK(refused(&k, NULL, TEST_RAM, "ends before its 64-bit entry"));
	test_header(&k)->syssize = 4096 / 16;
	test_header(&k)->kernel_alignment = 3;
	CHECK(refused(&k, NULL, TEST_RAM, "no power of two"));
	test_image_free(&k);
}

static void initrd_limits(void)
{
	struct image k = test_bzimage(4096), initrd = test_image(41 * MIB);

	CHECK(refused(&k, &initrd, TEST_RAM, "give the guest more with --mem"));
	test_header(&k)->initrd_addr_max = 63 * MIB;
	initrd.size = 40 * MIB;
	CHECK(refused(&k, &initrd, TEST_RAM, "does not fit below 63 MiB"));
	test_header(&k)->initrd_addr_max = 1;
	CHECK(refused(&k, &initrd, TEST_RAM, "does not fit below 0 MiB"));
	test_image_free(&k);
	test_image_free(&initrd);
}

static void cmdline_limit(void)
{
	struct image k = test_bzimage(4096);
	struct guest_ram ram = test_ram(TEST_RAM);
	char *line = calloc(1, GUEST_CMDLINE_MAX + 1);

	memset(line, 'a', 2047);
	CHECK(boot(&k, NULL, line, &ram, ENTRY_AUTO) == 0);
	line[2047] = 'a';
	CHECK(boot(&k, NULL, line, &ram, ENTRY_AUTO) < 0);
	CHECK(strstr(why.text, "takes at most 2047"));
	/* Whatever the kernel says that it takes, the place for it is limited. */
	test_header(&k)->cmdline_size = 0xffffffff;
	memset(line, 'a', GUEST_CMDLINE_MAX);
	CHECK(boot(&k, NULL, line, &ram, ENTRY_AUTO) < 0);
	line[GUEST_CMDLINE_MAX - 1] = 0;
	CHECK(boot(&k, NULL, line, &ram, ENTRY_AUTO) == 0);
	free(line);
	test_image_free(&k);
	test_ram_free(&ram);
}

static void not_kernels(void)
{
	static const struct {
		const char *bytes;
		const char *reason;
	} files[] = {
		{ "\x1f\x8b\x08 compressed", "gzip" },
		{ "\xfd\x37zXZ and more", "xz" },
		{ "070701 newc archive", "cpio" },
		{ "#!/bin/sh", "script" },
		{ "MZ but no HdrS", "EFI" },
		{ "hello", "is not a kernel" },
		{ "x", "is not a kernel" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		struct image img = test_image(strlen(files[i].bytes));

		memcpy(test_bytes(&img), files[i].bytes, img.size);
		CHECK(refused(&img, NULL, TEST_RAM, files[i].reason));
		test_image_free(&img);
	}
}

static void flat_images(void)
{
	struct image img = test_image(512);
	struct guest_ram ram = test_ram(MIB);

	memset(test_bytes(&img), 0x5a, img.size);
	CHECK(load_flat(&img, 0x7c00, &ram, &state, &why) == 0);
	CHECK(state.mode == CPU_REAL16 && state.cs == 0 && state.rip == 0x7c00);
	CHECK(ram.low[0x7c00] == 0x5a && ram.low[0x7dff] == 0x5a && ram.low[0x7e00] == 0);
	CHECK(load_flat(&img, 0x20000, &ram, &state, &why) == 0);
	CHECK(state.cs == 0x2000 && state.rip == 0);
	CHECK(load_flat(&img, 0x20001, &ram, &state, &why) < 0);
	CHECK(strstr(why.text, "multiple of 16"));
	CHECK(load_flat(&img, MIB - 256, &ram, &state, &why) < 0);
	CHECK(strstr(why.text, "does not fit"));
	CHECK(load_flat(&img, MIB, &ram, &state, &why) < 0);
	test_image_free(&img);
	test_ram_free(&ram);
}

const struct test loader_tests[] = {
	{ "bzImage: a good one is placed by the boot protocol", good_bzimage },
	{ "bzImage: 32-bit and 64-bit entry", bzimage_entries },
	{ "bzImage: how much memory it needs, loaded there or moved there", bzimage_memory },
	{ "bzImage: a last paragraph that is not whole", unpadded_bzimage },
	{ "images that have only a real-mode entry are named", real_mode_only },
	{ "--entry is refused for what is no bzImage", entry_of_others },
	{ "bzImage: damaged headers are refused with their reason", bad_bzimage },
	{ "bzImage: an initial ramdisk that does not fit is refused", initrd_limits },
	{ "bzImage: the command line's limit is the kernel's and ours", cmdline_limit },
	{ "files that are no kernels are named", not_kernels },
	{ "raw images: entry and limits", flat_images },
	{ }
};
