// SPDX-License-Identifier: GPL-2.0-only
/*
 * Raw real-mode images: "Real-Address Mode Operation" of the SDM. No header, no protocol: the
 * bytes of the file go to one address and the CPU starts at the first of them.
 *
 * Pure: linked into the unit tests too.
 */
#include <string.h>

#include "boot/load.h"

#define REAL_MODE_SEGMENT	0x10000

/**
 * load_flat() - place a raw real-mode image
 * @img: the image
 * @load: guest-physical address; below 64 KiB it is entered as 0:@load, above (a multiple of
 *	16, below 1 MiB) as @load/16:0
 * @ram: the guest's memory
 * @state: receives the boot state
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1.
 */
int load_flat(const struct image *img, __u64 load, const struct guest_ram *ram,
	      struct boot_state *state, struct sentence *why)
{
	__u8 *dest = guest_ram_at(ram, load, img->size);

	if (load >= GUEST_HIGH_MEMORY)
		return say(why, "Real mode reaches 1 MiB only: --load 0x%llx is beyond it.", load);
	if (load >= REAL_MODE_SEGMENT && load % 16)
		return say(why,
			   "A load address from 64 KiB on must be a multiple of 16: 0x%llx is not.",
			   load);
	if (!dest)
		return say(why,
			   "The image %s (%zu bytes) does not fit into the guest's %llu MiB at 0x%llx.",
			   img->name, img->size, ram->low_size / MIB, load);
	memcpy(dest, img->data, img->size);
	memset(state, 0, sizeof(*state));
	state->mode = CPU_REAL16;
	state->protocol = "raw real-mode image";
	state->cs = load < REAL_MODE_SEGMENT ? 0 : load / 16;
	state->rip = load < REAL_MODE_SEGMENT ? load : 0;
	/* The stack grows down from the image, like a boot sector's; from 64 KiB if it is low. */
	state->rsp = load >= 0x1000 && load < REAL_MODE_SEGMENT ? load : 0xfff0;
	return 0;
}
