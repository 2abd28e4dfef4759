/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rows of the tables of broken VMCSs (rows.c), and the good ones that they start from
 * (test_entry_check.c). Section titles are those of the SDM, "VM Entries".
 */
#ifndef MINIKVM_UNIT_ENTRY_CHECK_ROWS_H
#define MINIKVM_UNIT_ENTRY_CHECK_ROWS_H

#include "arch/x86/vmx/explain/entry_check.h"

/* Known-good VMCSs of guests in different modes. */
void good_long(void);
void good_real(void);
void good_pae(void);
void good_restricted(void);
void good_v8086(void);
void good_apicv(void);

struct change {
	u32 field;
	u64 value;		/* what the field becomes, or the bits that change */
	bool toggle;
};

struct expected {
	u32 field;
	const char *rule;	/* part of the words */
};

struct row {
	void (*good)(void);
	const char *section;
	struct change change[3];
	struct expected expected[2];
};

#define SET(field, value)	{ field, value, false }
#define FLIP(field, value)	{ field, value, true }
#define EXECUTION	"VM-Execution Control Fields"
#define EXIT		"VM-Exit Control Fields"
#define ENTRY		"VM-Entry Control Fields"
#define HOST_REGISTERS	"Checks on Host Control Registers, MSRs, and SSP"
#define HOST_SEGMENTS	"Checks on Host Segment and Descriptor-Table Registers"
#define HOST_SIZE	"Checks Related to Address-Space Size"
#define REGISTERS	"Checks on Guest Control Registers, Debug Registers, and MSRs"
#define SEGMENTS	"Checks on Guest Segment Registers"
#define TABLES		"Checks on Guest Descriptor-Table Registers"
#define RIP_RFLAGS	"Checks on Guest RIP, RFLAGS, and SSP"
#define NON_REGISTER	"Checks on Guest Non-Register State"
#define PDPTES		"Checks on Guest Page-Directory-Pointer-Table Entries"

#define BEYOND		BIT_ULL(45)
#define NOT_CANONICAL	0x0000800000000000ull
#define EVENT(type, vector, more)	(INTR_INFO_VALID_MASK | (type) | (vector) | (more))

struct row_table {
	const struct row *rows;
	size_t n;
};

#define NR_ROW_TABLES	4
extern const struct row_table row_tables[NR_ROW_TABLES];

#endif
