// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of exceptions, see exception.h.
 *
 * SDM volume 3, "Exceptions and Interrupts" and "Exception and Interrupt Reference". Pure data:
 * relies on nothing.
 */
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <asm/trapnr.h>

#include "arch/x86/event/exception.h"

#define ROW(mnemonic, ...)	{ .name = mnemonic, __VA_ARGS__ }
#define FAULT		.kind = EXCEPTION_FAULT
#define TRAP		.kind = EXCEPTION_TRAP
#define ABORT		.kind = EXCEPTION_ABORT
#define ERROR_CODE	.error_code = true
#define SECOND(c)	.class = c

static const struct exception_row rows[NR_EXCEPTIONS] = {
	[X86_TRAP_DE] = ROW("#DE", FAULT, SECOND(CONTRIBUTORY)),
	[X86_TRAP_DB] = ROW("#DB", .kind = EXCEPTION_DEBUG, .payload = PAYLOAD_DR6),
	[X86_TRAP_NMI] = ROW("NMI", TRAP),		/* no exception: between two instructions */
	[X86_TRAP_BP] = ROW("#BP", TRAP),
	[X86_TRAP_OF] = ROW("#OF", TRAP),
	[X86_TRAP_BR] = ROW("#BR", FAULT),
	[X86_TRAP_UD] = ROW("#UD", FAULT),
	[X86_TRAP_NM] = ROW("#NM", FAULT),
	[X86_TRAP_DF] = ROW("#DF", ABORT, ERROR_CODE),
	[X86_TRAP_OLD_MF] = ROW("coprocessor segment overrun", FAULT),
	[X86_TRAP_TS] = ROW("#TS", FAULT, ERROR_CODE, SECOND(CONTRIBUTORY)),
	[X86_TRAP_NP] = ROW("#NP", FAULT, ERROR_CODE, SECOND(CONTRIBUTORY)),
	[X86_TRAP_SS] = ROW("#SS", FAULT, ERROR_CODE, SECOND(CONTRIBUTORY)),
	[X86_TRAP_GP] = ROW("#GP", FAULT, ERROR_CODE, SECOND(CONTRIBUTORY)),
	[X86_TRAP_PF] = ROW("#PF", FAULT, ERROR_CODE, SECOND(PAGE_FAULT_CLASS),
			    .payload = PAYLOAD_CR2),
	[X86_TRAP_SPURIOUS] = ROW("reserved", FAULT),
	[X86_TRAP_MF] = ROW("#MF", FAULT),
	[X86_TRAP_AC] = ROW("#AC", FAULT, ERROR_CODE),
	[X86_TRAP_MC] = ROW("#MC", ABORT),
	[X86_TRAP_XF] = ROW("#XM", FAULT),
	[X86_TRAP_VE] = ROW("#VE", FAULT, SECOND(PAGE_FAULT_CLASS)),
	[X86_TRAP_CP] = ROW("#CP", FAULT, ERROR_CODE, SECOND(CONTRIBUTORY)),
	[22 ... NR_EXCEPTIONS - 1] = ROW("reserved", FAULT),
};

/**
 * exception_row() - what is known of an exception
 * @vector: any vector
 *
 * Return: its row; for vectors from NR_EXCEPTIONS on, that of a reserved one.
 */
const struct exception_row *exception_row(u8 vector)
{
	if (vector >= NR_EXCEPTIONS)
		vector = X86_TRAP_SPURIOUS;
	return &rows[array_index_nospec(vector, NR_EXCEPTIONS)];
}
