// SPDX-License-Identifier: GPL-2.0-only
/*
 * The Multiboot Specification, version 0.6.96 ("Multiboot 1"): the OS image format (a header in
 * the first 8192 bytes, with the load addresses either in it or in the ELF headers), the machine
 * state at entry, and the boot information structure with memory size, memory map, command line
 * and the initial ramdisk as the one module.
 *
 * There is no display: a kernel's wish for a video mode is passed over, as boot loaders do.
 * Header fields come from the image and are checked against the file and guest memory.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "boot/load.h"
#include "compiler.h"

#define HEADER_SEARCH		8192
#define HEADER_MAGIC		0x1badb002
#define LOADER_MAGIC		0x2badb002

#define FLAG_REQUIREMENTS	0xffff		/* a loader must refuse what it does not know */
#define FLAG_PAGE_ALIGN		BIT(0)
#define FLAG_MEMORY_INFO	BIT(1)
#define FLAG_VIDEO_MODE		BIT(2)
#define FLAG_ADDRESSES		BIT(16)

#define INFO_MEMORY		BIT(0)
#define INFO_CMDLINE		BIT(2)
#define INFO_MODULES		BIT(3)
#define INFO_MMAP		BIT(6)
#define INFO_LOADER_NAME	BIT(9)

struct multiboot_header {
	__u32 magic;
	__u32 flags;
	__u32 checksum;
	__u32 header_addr;
	__u32 load_addr;
	__u32 load_end_addr;
	__u32 bss_end_addr;
	__u32 entry_addr;
};

struct multiboot_info {
	__u32 flags;
	__u32 mem_lower;	/* KiB from 0 */
	__u32 mem_upper;	/* KiB from 1 MiB */
	__u32 boot_device;
	__u32 cmdline;
	__u32 mods_count;
	__u32 mods_addr;
	__u32 syms[4];
	__u32 mmap_length;
	__u32 mmap_addr;
	__u32 drives_length;
	__u32 drives_addr;
	__u32 config_table;
	__u32 boot_loader_name;
	__u32 apm_table;
};

struct multiboot_mmap {
	__u32 size;		/* of the rest of the entry */
	__u64 addr;
	__u64 len;
	__u32 type;
} __packed;

struct multiboot_module {
	__u32 start;
	__u32 end;
	__u32 string;
	__u32 reserved;
};

/* One page for all of it, at GUEST_START_INFO. */
struct multiboot_page {
	struct multiboot_info info;
	struct multiboot_module module;
	struct multiboot_mmap mmap[E820_MAX];
	char loader[16];
	char module_name[256];
};

static_assert(sizeof(struct multiboot_page) <= 4096, "one page at GUEST_START_INFO");

/* Offset of the header in the file, or -1. */
static long find_header(const struct image *img, struct multiboot_header *hdr)
{
	size_t limit = img->size < HEADER_SEARCH ? img->size : HEADER_SEARCH, pos;
	size_t len;

	for (pos = 0; pos + 12 <= limit; pos += 4) {
		memset(hdr, 0, sizeof(*hdr));
		memcpy(hdr, img->data + pos, 12);
		if (hdr->magic != HEADER_MAGIC || hdr->magic + hdr->flags + hdr->checksum)
			continue;
		len = limit - pos < sizeof(*hdr) ? limit - pos : sizeof(*hdr);
		if ((hdr->flags & FLAG_ADDRESSES) && len < sizeof(*hdr))
			continue;
		memcpy(hdr, img->data + pos, len);
		return pos;
	}
	return -1;
}

bool multiboot_recognise(const struct image *img)
{
	struct multiboot_header hdr;

	return find_header(img, &hdr) >= 0;
}

/* The "a.out kludge": the header itself says what goes where. */
static int load_by_addresses(const struct image *img, const struct multiboot_header *hdr,
			     __u64 header_pos, const struct guest_ram *ram, __u64 *entry,
			     __u64 *end, struct sentence *why)
{
	__u64 start, size, total;
	__u8 *dest;

	if (hdr->load_addr > hdr->header_addr || hdr->header_addr - hdr->load_addr > header_pos)
		return say(why, "The Multiboot header of %s gives a load address after its own.",
			   img->name);
	start = header_pos - (hdr->header_addr - hdr->load_addr);
	size = img->size - start;
	if (hdr->load_end_addr) {
		if (hdr->load_end_addr < hdr->load_addr ||
		    hdr->load_end_addr - hdr->load_addr > size)
			return say(why,
				   "The kernel %s is cut short: its Multiboot header promises more.",
				   img->name);
		size = hdr->load_end_addr - hdr->load_addr;
	}
	total = size;
	if (hdr->bss_end_addr) {
		if (hdr->bss_end_addr < hdr->load_addr + size)
			return say(why, "The Multiboot header of %s ends the bss inside the data.",
				   img->name);
		total = hdr->bss_end_addr - hdr->load_addr;
	}
	dest = guest_ram_at(ram, hdr->load_addr, total);
	if (!dest)
		return say_no_memory(img, hdr->load_addr, total, why);
	if (hdr->load_addr < GUEST_HIGH_MEMORY && hdr->load_addr + total > GUEST_BOOT_AREA)
		return say(why,
			   "The kernel %s wants the memory between 0x%x and 1 MiB, which the boot information occupies.",
			   img->name, GUEST_BOOT_AREA);
	memcpy(dest, img->data + start, size);
	memset(dest + size, 0, total - size);
	*entry = hdr->entry_addr;
	*end = hdr->load_addr + total;
	return 0;
}

static void fill_info(const struct boot_request *req, const struct guest_ram *ram, __u64 initrd)
{
	struct multiboot_page *page = guest_ram_at(ram, GUEST_START_INFO, sizeof(*page));
	struct e820_map map;
	unsigned int i;

	memset(page, 0, sizeof(*page));
	snprintf(page->loader, sizeof(page->loader), "minikvm");
	page->info.flags = INFO_MEMORY | INFO_CMDLINE | INFO_MMAP | INFO_LOADER_NAME;
	page->info.mem_lower = GUEST_EBDA / KIB;
	page->info.mem_upper = (ram->low_size - GUEST_HIGH_MEMORY) / KIB;
	page->info.cmdline = GUEST_CMDLINE;
	page->info.boot_loader_name = GUEST_START_INFO + offsetof(struct multiboot_page, loader);
	e820_build(ram, &map);
	page->info.mmap_addr = GUEST_START_INFO + offsetof(struct multiboot_page, mmap);
	page->info.mmap_length = map.count * sizeof(page->mmap[0]);
	for (i = 0; i < map.count; i++)
		page->mmap[i] = (struct multiboot_mmap) {
			.size = sizeof(page->mmap[i]) - sizeof(page->mmap[i].size),
			.addr = map.range[i].start,
			.len = map.range[i].size,
			.type = map.range[i].type,
		};
	if (!initrd)
		return;
	snprintf(page->module_name, sizeof(page->module_name), "%s", req->initrd.name);
	page->info.flags |= INFO_MODULES;
	page->info.mods_count = 1;
	page->info.mods_addr = GUEST_START_INFO + offsetof(struct multiboot_page, module);
	page->module.start = initrd;
	page->module.end = initrd + req->initrd.size;
	page->module.string = GUEST_START_INFO + offsetof(struct multiboot_page, module_name);
}

int load_multiboot(const struct boot_request *req, const struct guest_ram *ram,
		   struct boot_state *state, struct sentence *why)
{
	const struct image *img = &req->kernel;
	struct multiboot_header hdr;
	long pos = find_header(img, &hdr);
	char cmdline[GUEST_CMDLINE_MAX];
	__u64 entry = 0, end = 0, initrd = 0;
	const char *name;
	__u32 unknown;

	if (pos < 0)
		return say(why, "%s has no Multiboot header.", img->name);
	unknown = hdr.flags & FLAG_REQUIREMENTS &
		  ~(FLAG_PAGE_ALIGN | FLAG_MEMORY_INFO | FLAG_VIDEO_MODE);
	if (unknown)
		return say(why,
			   "The Multiboot header of %s requires something that this loader does not know (flags 0x%x).",
			   img->name, unknown);
	if (hdr.flags & FLAG_ADDRESSES) {
		if (load_by_addresses(img, &hdr, pos, ram, &entry, &end, why))
			return -1;
	} else if (!elf_recognise(img)) {
		return say(why,
			   "The Multiboot kernel %s is no ELF file and gives no load addresses.",
			   img->name);
	} else if (elf_load_segments(img, ram, &entry, &end, why)) {
		return -1;
	}
	if (!guest_ram_at(ram, entry, 1))
		return say(why, "The entry point 0x%llx of %s lies outside the guest's memory.",
			   entry, img->name);
	/* By convention the first word of a Multiboot command line is the kernel itself. */
	name = strrchr(img->name, '/') ? strrchr(img->name, '/') + 1 : img->name;
	if (snprintf(cmdline, sizeof(cmdline), "%s%s%s", name, *req->append ? " " : "",
		     req->append) >= (int)sizeof(cmdline))
		return say(why, "The kernel command line is too long.");
	if (end < GUEST_HIGH_MEMORY)
		end = GUEST_HIGH_MEMORY;
	if (place_boot_area(CPU_PROTECTED32, ram, why) ||
	    place_cmdline(cmdline, GUEST_CMDLINE_MAX - 1, ram, why) ||
	    place_initrd(req, ram, end, GUEST_LOW_RAM_MAX - 1, &initrd, why))
		return -1;
	fill_info(req, ram, initrd);
	state->mode = CPU_PROTECTED32;
	state->protocol = "Multiboot";
	state->rip = entry;
	state->rsp = GUEST_STACK_TOP;
	state->rax = LOADER_MAGIC;
	state->rbx = GUEST_START_INFO;
	return 0;
}
