// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bounds-checked access to guest RAM, and the E820 map ("System Address Map Interfaces" of the
 * ACPI specification). See guest_ram.h for the layout.
 *
 * Relies on nothing but the C library; linked into the tool and into its unit tests.
 */
#include "boot/guest_ram.h"

static void *within(__u8 *base, __u64 base_gpa, __u64 size, __u64 gpa, __u64 len)
{
	if (!base || gpa < base_gpa || gpa - base_gpa > size)
		return NULL;
	if (len > size - (gpa - base_gpa))
		return NULL;
	return base + (gpa - base_gpa);
}

/**
 * guest_ram_at() - the tool's address of a stretch of guest RAM
 * @ram: the guest's memory
 * @gpa: guest-physical address, from anywhere (also from a hostile image)
 * @len: bytes; 0 is allowed
 *
 * Return: the address, or NULL unless the whole stretch is RAM.
 */
void *guest_ram_at(const struct guest_ram *ram, __u64 gpa, __u64 len)
{
	void *p = within(ram->low, 0, ram->low_size, gpa, len);
	unsigned int i;

	if (!p)
		p = within(ram->high, GUEST_HIGH_RAM_BASE, ram->high_size, gpa, len);
	for (i = 0; !p && i < ram->others; i++)
		p = within(ram->other[i].at, ram->other[i].gpa, ram->other[i].size, gpa, len);
	return p;
}

static void add(struct e820_map *map, __u64 start, __u64 end, __u32 type)
{
	if (end <= start || map->count == E820_MAX)
		return;
	map->range[map->count++] = (struct e820_range) {
		.start = start,
		.size = end - start,
		.type = type,
	};
}

/**
 * e820_build() - the memory map a BIOS would report
 * @ram: the guest's memory
 * @map: receives the ranges in ascending order, none overlapping
 */
void e820_build(const struct guest_ram *ram, struct e820_map *map)
{
	map->count = 0;
	add(map, 0, GUEST_EBDA, E820_RAM);
	add(map, GUEST_EBDA, GUEST_VIDEO_HOLE, E820_RESERVED);
	add(map, GUEST_ACPI, GUEST_HIGH_MEMORY, E820_RESERVED);
	add(map, GUEST_HIGH_MEMORY, ram->low_size, E820_RAM);
	add(map, GUEST_ECAM, GUEST_ECAM + GUEST_ECAM_SIZE, E820_RESERVED);
	add(map, GUEST_IDENTITY_MAP, GUEST_HIGH_RAM_BASE, E820_RESERVED);
	add(map, GUEST_HIGH_RAM_BASE, GUEST_HIGH_RAM_BASE + ram->high_size, E820_RAM);
}
