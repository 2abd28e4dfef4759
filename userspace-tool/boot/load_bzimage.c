// SPDX-License-Identifier: GPL-2.0-only
/*
 * The Linux/x86 boot protocol (Documentation/arch/x86/boot.rst in the kernel): bzImage files of
 * protocol 2.04 and later, entered by the 64-bit entry point where the kernel has one
 * (XLF_KERNEL_64), else by the 32-bit one. The real-mode setup code is not run: it would ask a
 * BIOS, and there is none.
 *
 * Relies on the struct boot_params of <asm/bootparam.h>. Every number in the header comes
 * from the image and is checked against the file and the guest's memory.
 */
#include <asm/bootparam.h>
#include <string.h>

#include "boot/load.h"

#define SETUP_HEADER_OFFSET	0x1f1
#define BOOT_FLAG_OFFSET	0x1fe
#define HEADER_LENGTH_OFFSET	0x201	/* second byte of the jump at 0x200 */
#define HEADER_MAGIC_OFFSET	0x202
#define SECTOR			512
#define PARAGRAPH		16	/* the unit of syssize */

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
	/* iPXE and others borrow the format so that boot loaders run their real-mode part. */
	if (!hdr->code32_start)
		return say(why,
			   "%s has only a real-mode entry (code32_start in its Linux boot header is 0): that code needs a BIOS, and there is none here.",
			   img->name);
	return 0;
}

/*
 * Where the loader puts the kernel, and the memory that the kernel takes before it knows the
 * memory map: [run, run_end), which is somewhere else if the kernel moves itself.
 */
struct placement {
	__u64 load;
	__u64 run;
	__u64 run_end;
};

/**
 * place_kernel() - the algorithm of "init_size" and "pref_address" in boot.rst
 * @img: the kernel, for the sentence
 * @hdr: its header
 * @size: bytes of the protected-mode part
 * @p: receives the addresses; they are below 2^63, but guest memory need not reach them
 * @why: receives the sentence on failure
 *
 * A kernel that is loaded below pref_address moves itself up to it, so loading it lower saves no
 * memory: the guest needs init_size bytes from there on in any case.
 *
 * Return: 0, or -1 where the header makes no sense.
 */
static int place_kernel(const struct image *img, const struct setup_header *hdr, __u64 size,
			struct placement *p, struct sentence *why)
{
	bool relocatable = hdr->version >= PROTOCOL_RELOCATABLE && hdr->relocatable_kernel;
	__u64 need = size, align = 1;

	*p = (struct placement) { .load = GUEST_HIGH_MEMORY, .run = GUEST_HIGH_MEMORY };
	if (relocatable && hdr->kernel_alignment)
		align = hdr->kernel_alignment;
	if (align & (align - 1))
		return say(why,
			   "The kernel %s asks for an alignment of 0x%llx, which is no power of two.",
			   img->name, align);
	if (hdr->version >= PROTOCOL_INIT_SIZE) {
		if (hdr->pref_address >= GUEST_HIGH_RAM_BASE)
			return say(why,
				   "The kernel %s asks for memory at 0x%llx, where no guest has memory.",
				   img->name, (__u64)hdr->pref_address);
		if (hdr->pref_address > p->run)
			p->run = hdr->pref_address;
		if (hdr->init_size > need)
			need = hdr->init_size;
	}
	p->run = (p->run + align - 1) & ~(align - 1);
	if (relocatable)
		p->load = p->run;
	p->run_end = p->run + need;
	if (p->run_end < p->load + size)
		p->run_end = p->load + size;
	return 0;
}

/* Is there memory for all of it? If not, say how much it takes, the initial ramdisk included. */
static int check_memory(const struct boot_request *req, const struct placement *p,
			const struct guest_ram *ram, struct sentence *why)
{
	__u64 initrd = (req->initrd.size + 4095) & ~4095ULL, end = p->run_end + initrd;

	if (p->run_end > GUEST_LOW_RAM_MAX)
		return say(why,
			   "The kernel %s asks for %llu MiB at 0x%llx, where no guest has memory.",
			   req->kernel.name, (p->run_end - p->run) / MIB, p->run);
	if (p->run_end <= ram->low_size)
		return 0;
	return say(why,
		   "The kernel %s needs at least %llu MiB of memory to start (%llu MiB from %llu MiB on%s), and the guest has %llu MiB: give it more with --mem.",
		   req->kernel.name, (end + MIB - 1) / MIB,
		   (p->run_end - p->run + MIB - 1) / MIB, p->run / MIB,
		   initrd ? ", and the initial ramdisk behind them" : "", ram->low_size / MIB);
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

/**
 * find_payload() - the protected-mode part in the file
 * @img: the kernel
 * @hdr: its header
 * @payload: receives where it is in the file, and how much of it
 * @size: receives its size in memory; up to 15 bytes at its end are not in the file and are 0
 * @why: receives the sentence on failure
 *
 * syssize counts paragraphs of 16 bytes, rounded up, and not every file is padded to a whole one.
 *
 * Return: 0, or -1 where there is none, or not the whole of it.
 */
static int find_payload(const struct image *img, const struct setup_header *hdr,
			struct image *payload, __u64 *size, struct sentence *why)
{
	__u64 offset = ((hdr->setup_sects ? hdr->setup_sects : 4) + 1) * SECTOR;

	*size = hdr->syssize * (__u64)PARAGRAPH;
	if (!*size)
		return say(why, "The kernel %s has an empty protected-mode part.", img->name);
	if (offset >= img->size || *size - PARAGRAPH >= img->size - offset)
		return say(why,
			   "The kernel %s is cut short: its header promises %llu bytes, the file has %zu.",
			   img->name, offset + *size, img->size);
	payload->data = img->data + offset;
	payload->size = *size < img->size - offset ? *size : img->size - offset;
	return 0;
}

int load_bzimage(const struct boot_request *req, const struct guest_ram *ram,
		 struct boot_state *state, struct sentence *why)
{
	const struct image *img = &req->kernel;
	__u64 size = 0, initrd = 0, initrd_last = OLD_INITRD_MAX;
	__u64 cmdline_max = OLD_CMDLINE_MAX;
	struct placement place = { 0 };
	struct image payload = { 0 };
	struct setup_header hdr = { 0 };
	struct boot_params *bp;

	if (read_header(img, &hdr, why) ||
	    find_payload(img, &hdr, &payload, &size, why) ||
	    choose_entry(req, &hdr, size, state, why) ||
	    place_kernel(img, &hdr, size, &place, why) ||
	    check_memory(req, &place, ram, why))
		return -1;
	if (hdr.initrd_addr_max)
		initrd_last = hdr.initrd_addr_max;
	if (hdr.version >= PROTOCOL_CMDLINE_SIZE && hdr.cmdline_size)
		cmdline_max = hdr.cmdline_size;
	if (place_boot_area(state->mode, ram, why) ||
	    place_cmdline(req->linux_cmdline, cmdline_max, ram, why) ||
	    place_initrd(req, ram, place.run_end, initrd_last, &initrd, why))
		return -1;
	memcpy(guest_ram_at(ram, place.load, size), payload.data, payload.size);

	bp = guest_ram_at(ram, GUEST_BOOT_PARAMS, sizeof(*bp));
	memset(bp, 0, sizeof(*bp));
	bp->hdr = hdr;
	bp->hdr.code32_start = place.load;
	place_linux_params(bp, req, ram, initrd);

	state->rip = state->mode == CPU_LONG64 ? place.load + ENTRY64_OFFSET : place.load;
	state->rsp = GUEST_STACK_TOP;
	state->rsi = GUEST_BOOT_PARAMS;
	return 0;
}
