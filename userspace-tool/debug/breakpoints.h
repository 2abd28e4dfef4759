/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The breakpoints and watchpoints that a debugger has set in a VM.
 *
 * SDM, "Debug Registers" and "Breakpoint Exception (#BP)". Pure: what is in the guest's memory is
 * reached by pointers that the caller has found.
 */
#ifndef MINIKVM_TOOL_BREAKPOINTS_H
#define MINIKVM_TOOL_BREAKPOINTS_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#define SOFTWARE_BREAKPOINTS_MAX	512
#define DEBUG_REGISTERS			4
#define DR6_HIT(n)			(1ULL << (n))
#define DR6_BS				(1ULL << 14)

/* The numbers of packets Z and z, and at once what is looked at. */
enum breakpoint_type {
	BREAKPOINT_SOFTWARE,
	BREAKPOINT_HARDWARE,
	WATCHPOINT_WRITE,
	WATCHPOINT_READ,
	WATCHPOINT_ACCESS,
};

/**
 * struct software_breakpoint - one INT3 in the guest's memory
 * @linear: where the debugger wanted it
 * @gpa: where it is: another address space may have something else at @linear
 * @original: the guest's byte
 */
struct software_breakpoint {
	__u64 linear;
	__u64 gpa;
	__u8 original;
};

/**
 * struct debug_register - what one of DR0 to DR3 is used for
 * @used: it is in use
 * @type: BREAKPOINT_HARDWARE, WATCHPOINT_WRITE or WATCHPOINT_ACCESS
 * @linear: its address
 * @len: 1, 2, 4 or 8
 * @whole: first byte of the watchpoint that it is a part of
 * @whole_len: bytes of that watchpoint
 */
struct debug_register {
	bool used;
	enum breakpoint_type type;
	__u64 linear;
	unsigned int len;
	__u64 whole;
	__u64 whole_len;
};

struct breakpoints {
	struct software_breakpoint software[SOFTWARE_BREAKPOINTS_MAX];
	unsigned int nr_software;
	struct debug_register hardware[DEBUG_REGISTERS];
};

int software_insert(struct breakpoints *b, __u64 linear, __u64 gpa, __u8 *byte);
struct software_breakpoint *software_find(struct breakpoints *b, __u64 linear);
void software_remove(struct breakpoints *b, struct software_breakpoint *s, __u8 *byte);
void software_hide(const struct breakpoints *b, __u64 gpa, __u8 *data, size_t len);
void software_keep(struct breakpoints *b, __u64 gpa, __u8 *memory, size_t len);

int hardware_insert(struct breakpoints *b, enum breakpoint_type type, __u64 linear, __u64 len);
int hardware_remove(struct breakpoints *b, enum breakpoint_type type, __u64 linear, __u64 len);
bool hardware_used(const struct breakpoints *b);
__u64 hardware_dr7(const struct breakpoints *b);
const struct debug_register *hardware_hit(const struct breakpoints *b, __u64 dr6);

#endif
