// SPDX-License-Identifier: GPL-2.0-only
/*
 * The breakpoints and watchpoints that a debugger has set in a VM: see breakpoints.h.
 *
 * SDM, "Debug Registers", "Debug Control Register (DR7)": two bits of each register say what it
 * looks for, two how many bytes, and the address is a multiple of that length. A software
 * breakpoint is INT3, one byte, in the place of the guest's own.
 */
#include <errno.h>
#include <string.h>

#include "debug/breakpoints.h"

#define INT3		0xcc
#define DR7_FIXED	0x400ULL
#define DR7_LE_GE	0x300ULL
#define DR7_GLOBAL(n)	(2ULL << 2 * (n))
#define DR7_CONTROL(n)	(16 + 4 * (n))
#define DR7_EXECUTE	0ULL
#define DR7_WRITE	1ULL
#define DR7_ACCESS	3ULL
#define DR7_LEN_SHIFT	2

/**
 * software_insert() - put an INT3 into the guest's memory
 * @b: the breakpoints
 * @linear: where the debugger wants it
 * @gpa: where that is now
 * @byte: that byte of the guest's memory
 *
 * Return: 0, also if it is there already; -ENOSPC.
 */
int software_insert(struct breakpoints *b, __u64 linear, __u64 gpa, __u8 *byte)
{
	unsigned int i;
	__u8 original = *byte;

	if (software_find(b, linear))
		return 0;
	if (b->nr_software == SOFTWARE_BREAKPOINTS_MAX)
		return -ENOSPC;
	/* Another address of the same byte may have one: its INT3 is not the guest's byte. */
	for (i = 0; i < b->nr_software; i++)
		if (b->software[i].gpa == gpa)
			original = b->software[i].original;
	b->software[b->nr_software++] = (struct software_breakpoint) {
		.linear = linear,
		.gpa = gpa,
		.original = original,
	};
	*byte = INT3;
	return 0;
}

/* The breakpoint at a linear address, or NULL. */
struct software_breakpoint *software_find(struct breakpoints *b, __u64 linear)
{
	unsigned int i;

	for (i = 0; i < b->nr_software; i++)
		if (b->software[i].linear == linear)
			return &b->software[i];
	return NULL;
}

/**
 * software_remove() - take an INT3 out of the guest's memory
 * @b: the breakpoints
 * @s: the one to remove
 * @byte: the byte of the guest's memory at @s->gpa
 *
 * If the guest has written something else there, that stays.
 */
void software_remove(struct breakpoints *b, struct software_breakpoint *s, __u8 *byte)
{
	struct software_breakpoint gone = *s;
	unsigned int i;

	*s = b->software[--b->nr_software];
	for (i = 0; i < b->nr_software; i++)
		if (b->software[i].gpa == gone.gpa)
			return;
	if (*byte == INT3)
		*byte = gone.original;
}

/* Guest memory was read from @gpa on: show the guest's bytes instead of the debugger's INT3. */
void software_hide(const struct breakpoints *b, __u64 gpa, __u8 *data, size_t len)
{
	unsigned int i;

	for (i = 0; i < b->nr_software; i++)
		if (b->software[i].gpa - gpa < len && data[b->software[i].gpa - gpa] == INT3)
			data[b->software[i].gpa - gpa] = b->software[i].original;
}

/* Guest memory was written from @gpa on: the debugger's INT3 stay, with the new bytes behind. */
void software_keep(struct breakpoints *b, __u64 gpa, __u8 *memory, size_t len)
{
	unsigned int i, k;

	for (i = 0; i < b->nr_software; i++) {
		__u64 at = b->software[i].gpa;

		if (at - gpa >= len)
			continue;
		for (k = 0; k < i && b->software[k].gpa != at; k++)
			;
		/* A second breakpoint on the byte: the first has seen what was written. */
		b->software[i].original = k < i ? b->software[k].original : memory[at - gpa];
		memory[at - gpa] = INT3;
	}
}

/* The longest aligned stretch that one register can look at, from @linear on. */
static unsigned int stretch(__u64 linear, __u64 len)
{
	unsigned int size = 8;

	while (size > len || linear % size)
		size /= 2;
	return size;
}

static unsigned int registers_needed(__u64 linear, __u64 len)
{
	unsigned int n = 0, size;

	for (; len && n <= DEBUG_REGISTERS; n++) {
		size = stretch(linear, len);
		linear += size;
		len -= size;
	}
	return n;
}

static bool is_part_of(const struct debug_register *r, enum breakpoint_type type, __u64 linear,
		       __u64 len)
{
	return r->used && r->type == type && r->whole == linear && r->whole_len == len;
}

/**
 * hardware_insert() - use debug registers for a breakpoint or a watchpoint
 * @b: the breakpoints
 * @type: BREAKPOINT_HARDWARE, WATCHPOINT_WRITE or WATCHPOINT_ACCESS
 * @linear: its address
 * @len: bytes that are watched; a breakpoint's is ignored
 *
 * A watchpoint that is longer than 8 bytes, or not aligned, takes several registers.
 *
 * Return: 0, also if it is there already; -ENOSPC if there are not enough registers; -EINVAL for
 * a length of 0, or a type that the processor does not have.
 */
int hardware_insert(struct breakpoints *b, enum breakpoint_type type, __u64 linear, __u64 len)
{
	unsigned int i, size, free_registers = 0;
	__u64 at = linear;

	if (type == BREAKPOINT_HARDWARE)
		len = 1;
	if (!len || type == BREAKPOINT_SOFTWARE || type == WATCHPOINT_READ)
		return -EINVAL;
	for (i = 0; i < DEBUG_REGISTERS; i++) {
		if (is_part_of(&b->hardware[i], type, linear, len))
			return 0;
		free_registers += !b->hardware[i].used;
	}
	if (registers_needed(linear, len) > free_registers)
		return -ENOSPC;
	for (i = 0; at != linear + len; i++) {
		if (b->hardware[i].used)
			continue;
		size = stretch(at, linear + len - at);
		b->hardware[i] = (struct debug_register) {
			.used = true,
			.type = type,
			.linear = at,
			.len = size,
			.whole = linear,
			.whole_len = len,
		};
		at += size;
	}
	return 0;
}

/* Take it out again; arguments as hardware_insert(). Return: 0, or -ENOENT. */
int hardware_remove(struct breakpoints *b, enum breakpoint_type type, __u64 linear, __u64 len)
{
	int ret = -ENOENT;
	unsigned int i;

	if (type == BREAKPOINT_HARDWARE)
		len = 1;
	for (i = 0; i < DEBUG_REGISTERS; i++) {
		if (!is_part_of(&b->hardware[i], type, linear, len))
			continue;
		memset(&b->hardware[i], 0, sizeof(b->hardware[i]));
		ret = 0;
	}
	return ret;
}

bool hardware_used(const struct breakpoints *b)
{
	unsigned int i;

	for (i = 0; i < DEBUG_REGISTERS; i++)
		if (b->hardware[i].used)
			return true;
	return false;
}

/* DR7 for what is set; DR0 to DR3 are the addresses. */
__u64 hardware_dr7(const struct breakpoints *b)
{
	/* The length's encoding by the length: 8 bytes came last, with IA-32e mode. */
	static const __u8 length[] = { [1] = 0, [2] = 1, [4] = 3, [8] = 2 };
	__u64 dr7 = DR7_FIXED | DR7_LE_GE, control;
	unsigned int i;

	for (i = 0; i < DEBUG_REGISTERS; i++) {
		const struct debug_register *r = &b->hardware[i];

		if (!r->used)
			continue;
		control = r->type == BREAKPOINT_HARDWARE ? DR7_EXECUTE :
			  r->type == WATCHPOINT_WRITE ? DR7_WRITE : DR7_ACCESS;
		control |= (__u64)length[r->len] << DR7_LEN_SHIFT;
		dr7 |= DR7_GLOBAL(i) | control << DR7_CONTROL(i);
	}
	return dr7;
}

/* Which register a #DB is about, by DR6; NULL if by none that is in use. */
const struct debug_register *hardware_hit(const struct breakpoints *b, __u64 dr6)
{
	unsigned int i;

	for (i = 0; i < DEBUG_REGISTERS; i++)
		if ((dr6 & DR6_HIT(i)) && b->hardware[i].used)
			return &b->hardware[i];
	return NULL;
}
