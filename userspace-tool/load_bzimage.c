// SPDX-License-Identifier: GPL-2.0-only
/*
 * The Linux/x86 boot protocol (Documentation/arch/x86/boot.rst in the kernel): bzImage files of
 * protocol 2.04 and later, entered by the 64-bit entry point where the kernel has one
 * (XLF_KERNEL_64), else by the 32-bit one. The real-mode setup code is not run: it would ask a
 * BIOS, and there is none.
 *
 * Relies on the struct boot_params of <asm/bootparam.h>. Every number in the header is the
 * image's own word and is checked against the file and the guest's memory.
 */
#include <asm/bootparam.h>
#include <string.h>

#include "load.h"

#define SETUP_HEADER_OFFSET	0x1f1
#define BOOT_FLAG_OFFSET	0x1fe
#define HEADER_LENGTH_OFFSET	0x201	/* second byte of the jump at 0x200 */
#define HEADER_MAGIC_OFFSET	0x202
#define SECTOR			512

#define PROTOCOL_MIN		0x0204	/* 32-bit syssize */
#define PROTOCOL_RELOCATABLE	0x0205
#define PROTOCOL_CMDLINE_SIZE	0x0206
#define PROTOCOL_INIT_SIZE	0x020a
#define PROTOCOL_XLOADFLAGS	0x020c
#define ENTRY64_OFFSET		0x200
#define OLD_INITRD_MAX		0x37ffffff
#define OLD_CMDLINE_MAX		255

bool bzimage_recognise(const struct image *img)
{
	return img->size >= HEADER_MAGIC_OFFSET + 4 &&
	       img->data[BOOT_FLAG_OFFSET] == 0x55 && img->data[BOOT_FLAG_OFFSET + 1] == 0xaa &&
	       !memcmp(img->data + HEADER_MAGIC_OFFSET, "HdrS", 4);
}

/* Copy the header; what lies beyond the length that the image gives for it reads as zero. */
static int read_header(const struct image *img, struct setup_header *hdr, struct sentence *why)
{
	size_t end = HEADER_MAGIC_OFFSET + img->data[HEADER_LENGTH_OFFSET];
	size_t len = end - SETUP_HEADER_OFFSET;

	if (end > img->size)
		return say(why, "The kernel %s is cut short: the file ends inside its boot header.",
			   img->name);
	if (len > sizeof(*hdr))
		len = sizeof(*hdr);
	memset(hdr, 0, sizeof(*hdr));
	memcpy(hdr, img->data + SETUP_HEADER_OFFSET, len);
	if (hdr->version < PROTOCOL_MIN)
		return say(why,
			   "The kernel %s speaks version %u.%02u of the Linux boot protocol; 2.04 (Linux 2.6.14) is the oldest that is supported.",
			   img->name, hdr->version >> 8, hdr->version & 0xff);
	if (!(hdr->loadflags & LOADED_HIGH))
		return say(why,
			   "The kernel %s is a zImage, which loads below 1 MiB; only a bzImage is supported.",
			   img->name);
	return 0;
}

/**
 * choose_address() - where the protected-mode part goes
 * @img: the kernel, for the sentence
 * @hdr: its header
 * @need: bytes from the load address that the kernel uses before it knows the memory map
 * @ram: the guest's memory
 * @load: receives the address
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1 where there is too little memory.
 */
static int choose_address(const struct image *img, const struct setup_header *hdr, __u64 need,
			  const struct guest_ram *ram, __u64 *load, struct sentence *why)
{
	__u64 want = GUEST_HIGH_MEMORY, align = 1;

	if (hdr->version >= PROTOCOL_INIT_SIZE && hdr->pref_address >= GUEST_HIGH_MEMORY)
		want = hdr->pref_address;
	if (guest_ram_at(ram, want, need)) {
		*load = want;
		return 0;
	}
	if (hdr->version >= PROTOCOL_RELOCATABLE && hdr->relocatable_kernel) {
		if (hdr->kernel_alignment)
			align = hdr->kernel_alignment;
		if (align & (align - 1))
			return say(why,
				   "The kernel %s asks for an alignment of %#llx, which is no power of two.",
				   img->name, align);
		want = (GUEST_HIGH_MEMORY + align - 1) & ~(align - 1);
		if (guest_ram_at(ram, want, need)) {
			*load = want;
			return 0;
		}
	}
	if (need > GUEST_LOW_RAM_MAX || want > GUEST_LOW_RAM_MAX - need)
		return say(why,
			   "The kernel %s asks for %llu MiB at %#llx, where no guest has memory.",
			   img->name, need / MIB, want);
	return say(why,
		   "The kernel %s needs at least %llu MiB of memory to start, and the guest has %llu MiB below 3 GiB: give it more with --mem.",
		   img->name, (want + need + MIB - 1) / MIB, ram->low_size / MIB);
}

static int choose_entry(const struct boot_request *req, const struct setup_header *hdr,
			__u64 size, struct boot_state *state, struct sentence *why)
{
	bool has64 = hdr->version >= PROTOCOL_XLOADFLAGS && (hdr->xloadflags & XLF_KERNEL_64);

	if (req->entry == ENTRY_64 && !has64)
		return say(why, "The kernel %s has no 64-bit entry point.", req->kernel.name);
	state->mode = has64 && req->entry != ENTRY_32 ? CPU_LONG64 : CPU_PROTECTED32;
	if (state->mode == CPU_LONG64 && size <= ENTRY64_OFFSET)
		return say(why, "The kernel %s ends before its 64-bit entry point.",
			   req->kernel.name);
	state->protocol = state->mode == CPU_LONG64 ? "Linux bzImage, 64-bit entry" :
						      "Linux bzImage, 32-bit entry";
	return 0;
}

int load_bzimage(const struct boot_request *req, const struct guest_ram *ram,
		 struct boot_state *state, struct sentence *why)
{
	const struct image *img = &req->kernel;
	__u64 offset, size, need, load = 0, initrd = 0, initrd_last = OLD_INITRD_MAX;
	__u64 cmdline_max = OLD_CMDLINE_MAX;
	struct boot_params *bp;
	struct setup_header hdr = { 0 };

	if (read_header(img, &hdr, why))
		return -1;
	offset = ((hdr.setup_sects ? hdr.setup_sects : 4) + 1) * SECTOR;
	size = hdr.syssize * 16ULL;
	if (!size)
		return say(why, "The kernel %s has an empty protected-mode part.", img->name);
	if (offset > img->size || size > img->size - offset)
		return say(why,
			   "The kernel %s is cut short: its header promises %llu bytes, the file has %zu.",
			   img->name, offset + size, img->size);
	if (choose_entry(req, &hdr, size, state, why))
		return -1;
	need = size;
	if (hdr.version >= PROTOCOL_INIT_SIZE && hdr.init_size > need)
		need = hdr.init_size;
	if (choose_address(img, &hdr, need, ram, &load, why))
		return -1;
	if (hdr.initrd_addr_max)
		initrd_last = hdr.initrd_addr_max;
	if (hdr.version >= PROTOCOL_CMDLINE_SIZE && hdr.cmdline_size)
		cmdline_max = hdr.cmdline_size;
	if (place_boot_area(state->mode, ram, why) ||
	    place_cmdline(req->linux_cmdline, cmdline_max, ram, why) ||
	    place_initrd(req, ram, load + need, initrd_last, &initrd, why))
		return -1;
	memcpy(guest_ram_at(ram, load, size), img->data + offset, size);

	bp = guest_ram_at(ram, GUEST_BOOT_PARAMS, sizeof(*bp));
	memset(bp, 0, sizeof(*bp));
	bp->hdr = hdr;
	bp->hdr.code32_start = load;
	place_linux_params(bp, req, ram, initrd);

	state->rip = state->mode == CPU_LONG64 ? load + ENTRY64_OFFSET : load;
	state->rsp = GUEST_STACK_TOP;
	state->rsi = GUEST_BOOT_PARAMS;
	return 0;
}
