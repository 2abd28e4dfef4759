/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of exit reasons.
 */
#ifndef MINIKVM_ARCH_X86_EXIT_TABLE_H
#define MINIKVM_ARCH_X86_EXIT_TABLE_H

#include <linux/nospec.h>

#include "arch/x86/vmx/explain/exit_reason.h"
#include "virt/vcpu.h"

/*
 * What handlers return: 1 = resume the guest, 0 = vcpu->run is filled, < 0 = errno. A fast
 * handler runs with interrupts off and takes no sleeping lock; it returns EXIT_SLOW, with nothing
 * done, when the exit needs the slow one.
 */
typedef int (*exit_handler)(struct mkvm_vcpu *vcpu);
#define EXIT_SLOW		2

/**
 * struct exit_row - how one basic exit reason is handled
 * @fast: with interrupts off, or NULL
 * @slow: in process context, or NULL
 * @in_delivery: the exit can come in the middle of the delivery of an event through the guest's
 *	IDT: the IDT-vectoring fields are read, and the handler decides what becomes of the event
 */
struct exit_row {
	exit_handler fast, slow;
	bool in_delivery;
} __aligned(32);	/* the hot loop finds a row by a shift */

/* The last row is for reasons that the SDM does not have. */
extern const struct exit_row exit_rows[NR_EXIT_REASONS + 1];

/* @reason is that of an exit, not of a VM entry that failed. */
static __always_inline const struct exit_row *exit_row(u32 reason)
{
	if (unlikely(reason >= NR_EXIT_REASONS))
		return &exit_rows[NR_EXIT_REASONS];
	return &exit_rows[array_index_nospec(reason, NR_EXIT_REASONS)];
}

int exit_handle(struct mkvm_vcpu *vcpu);
int exit_unexpected(struct mkvm_vcpu *vcpu, const char *what);
int exit_delivery_failed(struct mkvm_vcpu *vcpu);

#endif
