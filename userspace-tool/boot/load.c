// SPDX-License-Identifier: GPL-2.0-only
/*
 * What every boot protocol shares: telling the protocols apart, the descriptor table and the
 * identity-mapping page tables ("Initializing IA-32e Mode" and "4-Level Paging" in the SDM),
 * and the places of initial ramdisk, command line and Linux' struct boot_params ("zero page").
 *
 * Relies on the layout of guest_ram.h. Pure: linked into the unit tests too.
 */
#include <asm/bootparam.h>
#include <stdio.h>
#include <string.h>

#include "boot/load.h"
#include "compiler.h"

#define PTE_PRESENT	BIT_ULL(0)
#define PTE_WRITE	BIT_ULL(1)
#define PTE_PAGE_SIZE	BIT_ULL(7)

/* Flat segments: base 0, limit 4 GiB, accessed, present, ring 0. */
#define GDT_CODE64	0x00af9b000000ffffULL
#define GDT_CODE32	0x00cf9b000000ffffULL
#define GDT_DATA	0x00cf93000000ffffULL

/**
 * place_boot_area() - check that the boot area is there and write GDT and page tables
 * @mode: the mode that the tables are for; CPU_REAL16 needs none
 * @ram: the guest's memory
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1 where the guest has less than 1 MiB of memory.
 */
int place_boot_area(enum cpu_mode mode, const struct guest_ram *ram, struct sentence *why)
{
	__u64 *gdt, *pml4, *pdpt, *pd;
	unsigned int i;

	if (ram->low_size < GUEST_HIGH_MEMORY)
		return say(why, "A guest needs at least 1 MiB of memory.");
	if (mode == CPU_REAL16)
		return 0;
	/* The Linux boot protocol fixes the selectors: 0x10 is code, 0x18 is data. */
	gdt = guest_ram_at(ram, GUEST_GDT, 4 * sizeof(*gdt));
	gdt[0] = 0;
	gdt[1] = 0;
	gdt[2] = mode == CPU_LONG64 ? GDT_CODE64 : GDT_CODE32;
	gdt[3] = GDT_DATA;
	if (mode != CPU_LONG64)
		return 0;
	pml4 = guest_ram_at(ram, GUEST_PAGE_TABLES, 6 * 4096);
	memset(pml4, 0, 2 * 4096);
	pdpt = pml4 + 512;
	pd = pdpt + 512;
	for (i = 0; i < 4 * 512; i++)
		pd[i] = i * 2 * MIB | PTE_PRESENT | PTE_WRITE | PTE_PAGE_SIZE;
	for (i = 0; i < 4; i++)
		pdpt[i] = (GUEST_PAGE_TABLES + (2 + i) * 4096) | PTE_PRESENT | PTE_WRITE;
	pml4[0] = (GUEST_PAGE_TABLES + 4096) | PTE_PRESENT | PTE_WRITE;
	return 0;
}

/**
 * place_initrd() - put the initial ramdisk as high as it may go
 * @req: what to boot; nothing happens without an initial ramdisk
 * @ram: the guest's memory
 * @floor: first address that the kernel leaves free
 * @last: highest address that the initial ramdisk's last byte may have
 * @gpa: receives its address, 0 without one
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1 where it does not fit.
 */
int place_initrd(const struct boot_request *req, const struct guest_ram *ram, __u64 floor,
		 __u64 last, __u64 *gpa, struct sentence *why)
{
	__u64 size = req->initrd.size, top = ram->low_size, start;

	*gpa = 0;
	if (!req->initrd.data)
		return 0;
	if (last < top)
		top = last + 1;
	start = size > top ? 0 : (top - size) & ~4095ULL;
	if (size > top || start < floor) {
		__u64 need = ((floor + 4095) & ~4095ULL) + ((size + 4095) & ~4095ULL);
		char hint[64] = "";

		if (top == ram->low_size && need <= last && need <= GUEST_LOW_RAM_MAX)
			snprintf(hint, sizeof(hint),
				 ": give the guest more with --mem, at least %llu MiB",
				 (need + MIB - 1) / MIB);
		return say(why,
			   "The initial ramdisk %s (%llu KiB) does not fit below %llu MiB beside the kernel, which needs the first %llu MiB%s.",
			   req->initrd.name, size / KIB, top / MIB, (floor + MIB - 1) / MIB, hint);
	}
	memcpy(guest_ram_at(ram, start, size), req->initrd.data, size);
	*gpa = start;
	return 0;
}

/* How much memory a guest must have for RAM at [gpa, gpa + size); 0 where no amount does it. */
static __u64 memory_up_to(__u64 gpa, __u64 size)
{
	if (gpa <= GUEST_LOW_RAM_MAX && size <= GUEST_LOW_RAM_MAX - gpa)
		return gpa + size;
	if (gpa >= GUEST_HIGH_RAM_BASE && gpa + size > gpa)
		return gpa + size - (GUEST_HIGH_RAM_BASE - GUEST_LOW_RAM_MAX);
	return 0;
}

/**
 * say_no_memory() - a part of the kernel has no memory to go to
 * @img: the kernel
 * @gpa: where it wants to go
 * @size: bytes
 * @why: receives the sentence, with the amount of memory that would be enough
 *
 * Return: -1.
 */
int say_no_memory(const struct image *img, __u64 gpa, __u64 size, struct sentence *why)
{
	__u64 need = memory_up_to(gpa, size);
	char hint[64] = ", and would not with more";

	if (need)
		snprintf(hint, sizeof(hint), ": give it at least %llu MiB with --mem",
			 need / MIB + (need % MIB != 0));
	return say(why, "The kernel %s wants %llu KiB at 0x%llx, and the guest has no memory there%s.",
		   img->name, size / KIB, gpa, hint);
}

/**
 * place_cmdline() - put the command line at GUEST_CMDLINE
 * @cmdline: the command line
 * @max: most bytes that the kernel takes, without the final NUL
 * @ram: the guest's memory
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1 where it is too long.
 */
int place_cmdline(const char *cmdline, __u64 max, const struct guest_ram *ram,
		  struct sentence *why)
{
	size_t len = strlen(cmdline);

	if (max > GUEST_CMDLINE_MAX - 1)
		max = GUEST_CMDLINE_MAX - 1;
	if (len > max)
		return say(why,
			   "The kernel command line has %zu characters, and this kernel takes at most %llu.",
			   len, max);
	memcpy(guest_ram_at(ram, GUEST_CMDLINE, len + 1), cmdline, len + 1);
	return 0;
}

/**
 * place_linux_params() - fill the parts of struct boot_params that do not come from a bzImage
 * @bp: guest-resident struct boot_params, zeroed but for its header
 * @req: what to boot
 * @ram: the guest's memory
 * @initrd: guest-physical address of the initial ramdisk, 0 for none; below 4 GiB
 */
void place_linux_params(struct boot_params *bp, const struct boot_request *req,
			const struct guest_ram *ram, __u64 initrd)
{
	struct e820_map map;
	unsigned int i;

	bp->hdr.type_of_loader = 0xff;		/* "undefined": minikvm has no number */
	bp->hdr.cmd_line_ptr = GUEST_CMDLINE;
	bp->hdr.ramdisk_image = initrd;
	bp->hdr.ramdisk_size = initrd ? req->initrd.size : 0;
	bp->acpi_rsdp_addr = req->rsdp;
	e820_build(ram, &map);
	bp->e820_entries = map.count;
	for (i = 0; i < map.count; i++) {
		bp->e820_table[i].addr = map.range[i].start;
		bp->e820_table[i].size = map.range[i].size;
		bp->e820_table[i].type = map.range[i].type;
	}
}

static const struct {
	const char *magic;
	size_t len;
	const char *what;
} not_kernels[] = {
	{ "\x1f\x8b", 2, "is compressed with gzip: decompress it first" },
	{ "\xfd\x37zXZ", 5, "is compressed with xz: decompress it first" },
	{ "\x28\xb5\x2f\xfd", 4, "is compressed with zstd: decompress it first" },
	{ "!<arch>\n", 8, "is a Debian package or an archive: extract the kernel from it" },
	{ "0707", 4, "is a cpio archive: is it the initial ramdisk?" },
	{ "#!", 2, "is a script" },
	{ "MZ", 2, "is an EFI or DOS program without a Linux boot header" },
};

/* The first 512 bytes of a disk: real-mode code that a BIOS loads, and mostly asks for the rest. */
static bool is_boot_sector(const struct image *img)
{
	return img->size >= 512 && img->data[510] == 0x55 && img->data[511] == 0xaa;
}

/**
 * load_kernel() - recognise a kernel and load it
 * @req: what to boot
 * @ram: where to; must be zeroed
 * @state: receives the boot state
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1 with nothing but guest memory changed.
 */
int load_kernel(const struct boot_request *req, const struct guest_ram *ram,
		struct boot_state *state, struct sentence *why)
{
	const struct image *img = &req->kernel;
	bool elf = elf_recognise(img), multiboot = multiboot_recognise(img);
	size_t i;

	memset(state, 0, sizeof(*state));
	if (bzimage_recognise(img))
		return load_bzimage(req, ram, state, why);
	if ((elf || multiboot) && req->entry != ENTRY_AUTO)
		return say(why,
			   "%s is no bzImage, and --entry is for the two entry points of a bzImage.",
			   img->name);
	if (multiboot && !(elf && elf_has_pvh_note(img)))
		return load_multiboot(req, ram, state, why);
	if (elf)
		return load_elf(req, ram, state, why);
	for (i = 0; i < ARRAY_SIZE(not_kernels); i++)
		if (img->size >= not_kernels[i].len &&
		    !memcmp(img->data, not_kernels[i].magic, not_kernels[i].len))
			return say(why, "%s is not a kernel that can be booted: it %s.",
				   img->name, not_kernels[i].what);
	if (is_boot_sector(img))
		return say(why,
			   "%s is a boot sector: it has only a real-mode entry, and there is no BIOS (what needs none is run with --flat).",
			   img->name);
	return say(why,
		   "%s is not a kernel: it has neither a Linux boot header, nor an ELF header, nor a Multiboot header (a raw real-mode image is run with --flat).",
		   img->name);
}
