/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The exceptions of x86: what each one is, and what it leaves behind.
 *
 * SDM volume 3, "Exceptions and Interrupts" (the table of vectors), "Exception Classifications",
 * "Interrupt 8 - Double Fault Exception" (the table of classes), and volume 3, "Debug Registers",
 * on RFLAGS.RF. Everything that raises or delivers an exception reads this one table.
 */
#ifndef MINIKVM_ARCH_X86_EXCEPTION_H
#define MINIKVM_ARCH_X86_EXCEPTION_H

#include <linux/types.h>

/**
 * enum exception_kind - which RIP and which RFLAGS.RF the frame gets
 * @EXCEPTION_FAULT: RIP of the instruction, which runs again after IRET. RF is 1, so that an
 *	instruction breakpoint there does not come a second time
 * @EXCEPTION_TRAP: RIP of the next instruction, RF as it is
 * @EXCEPTION_ABORT: RIP says nothing for certain, RF as it is
 * @EXCEPTION_DEBUG: #DB, which can be either. RF as it is, also for general detect: that is what
 *	processors do, whatever the SDM says of faults
 */
enum exception_kind { EXCEPTION_FAULT, EXCEPTION_TRAP, EXCEPTION_ABORT, EXCEPTION_DEBUG };

/* What becomes of a second exception while the first is being delivered. */
enum exception_class { BENIGN, CONTRIBUTORY, PAGE_FAULT_CLASS };

/* Where the exception leaves more than its frame holds. */
enum exception_payload { PAYLOAD_NONE, PAYLOAD_CR2, PAYLOAD_DR6 };

/**
 * struct exception_row - an exception
 * @name: the SDM's mnemonic
 * @kind: enum exception_kind
 * @class: enum exception_class
 * @payload: enum exception_payload
 * @error_code: it pushes one, outside real-address mode
 */
struct exception_row {
	const char *name;
	u8 kind, class, payload;
	bool error_code;
};

#define NR_EXCEPTIONS	32

const struct exception_row *exception_row(u8 vector);

#endif
