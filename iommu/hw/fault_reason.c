// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reasons of remapping faults in words.
 *
 * VT-d specification, "Fault Conditions", the tables of fault reasons. Pure data: the minikvm tool
 * has the same table.
 */
#include "shim.h"
#include "fault_reason.h"

/**
 * fault_reason_name() - a fault reason in words
 * @reason: the code of the fault record
 *
 * VT-d specification, "Fault Conditions".
 *
 * Return: a string.
 */
const char *fault_reason_name(unsigned int reason)
{
	static const char * const names[] = {
		[0x01] = "root entry not present",
		[0x02] = "context entry not present",
		[0x03] = "context entry invalid",
		[0x04] = "address beyond the width of the table",
		[0x05] = "write without permission",
		[0x06] = "read without permission",
		[0x07] = "page table not readable",
		[0x08] = "root table not readable",
		[0x09] = "context table not readable",
		[0x0a] = "reserved bit in a root entry",
		[0x0b] = "reserved bit in a context entry",
		[0x0c] = "reserved bit in a page-table entry",
		[0x0d] = "translation request blocked",
		[0x20] = "reserved bit in the interrupt request",
		[0x21] = "interrupt index beyond the table",
		[0x22] = "interrupt entry not present",
		[0x23] = "interrupt table not readable",
		[0x24] = "reserved bit in an interrupt entry",
		[0x25] = "compatibility-format interrupt blocked",
		[0x26] = "interrupt from a wrong source",
		[0x27] = "posted-interrupt descriptor not accessible",
		[0x28] = "reserved bit in a posted-interrupt descriptor",
		[0x30] = "root table address invalid",
		[0x31] = "request with PASID in legacy mode",
		[0x38] = "root table not readable",
		[0x39] = "root entry not present",
		[0x3a] = "reserved bit in a root entry",
		[0x40] = "context table not readable",
		[0x41] = "context entry not present",
		[0x42] = "reserved bit in a context entry",
		[0x43] = "context entry invalid",
		[0x44] = "device may not ask for translations",
		[0x45] = "device may not use PASIDs",
		[0x46] = "PASID beyond the directory",
		[0x50] = "PASID directory not readable",
		[0x51] = "PASID directory entry not present",
		[0x52] = "reserved bit in a PASID directory entry",
		[0x58] = "PASID table not readable",
		[0x59] = "PASID entry not present",
		[0x5a] = "reserved bit in a PASID entry",
		[0x5b] = "PASID entry invalid",
		[0x70] = "first-stage table not readable",
		[0x71] = "nothing mapped in the first stage",
		[0x72] = "reserved bit in a first-stage entry",
		[0x73] = "first-stage root not readable",
		[0x78] = "second-stage table not readable",
		[0x79] = "second stage without permission",
		[0x7a] = "reserved bit in a second-stage entry",
		[0x80] = "address not canonical",
		[0x81] = "first-stage entry for the supervisor only",
		[0x83] = "address beyond the width of the machine",
		[0x84] = "address beyond the width of the table",
		[0x85] = "write without permission",
		[0x86] = "read without permission",
		[0x87] = "address of interrupts",
		[0x90] = "accessed bit in memory that is not coherent",
		[0x91] = "accessed bit not writable",
	};

	return reason < ARRAY_SIZE(names) && names[reason] ? names[reason] : "unknown reason";
}
