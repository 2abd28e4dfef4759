/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the entries in entry.S leave on the kernel stack, and where they lead: trap.c.
 */
#ifndef GUEST_TRAP_H
#define GUEST_TRAP_H

#include "types.h"

/* In the order of entry.S, from the lowest address. */
struct frame {
	u64 r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	u64 vector, error;
	u64 rip, cs, rflags, rsp, ss;
};

void trap_init(void);
void trap(struct frame *f);
void task_enter_user(void *unused);
void system_call(struct frame *f);

extern char vectors[], system_call_entry[], leave_kernel[], task_begin[];
void switch_stack(u64 *saved_rsp, u64 rsp);

#endif
