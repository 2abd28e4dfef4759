/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What floor.c and enter.S share: fields of the VMCS by their encodings (SDM, appendix "Field
 * Encoding in VMCS"), and how a run ends.
 */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#define FLOOR_HOST_RSP			0x6c14
#define FLOOR_EXIT_REASON		0x4402
#define FLOOR_INSTRUCTION_LENGTH	0x440c
#define FLOOR_GUEST_RIP			0x681e
#define FLOOR_REASON_VMCALL		18

/* Above every exit reason; the first is also RAX at the guest's last VMCALL. */
#define FLOOR_DONE			0x10000
#define FLOOR_NO_ENTRY			0x10001

#endif
