/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One remapping unit: capabilities, enabling, context entries, invalidation, faults.
 *
 * VT-d specification, "DMA Remapping" and "Software Considerations: Caching". Legacy mode with
 * queued invalidation; a unit without a queue is refused. The caller serialises all calls for one
 * unit but hw_fault_next(), which may run beside the others.
 */
#ifndef MINIKVM_IOMMU_HW_UNIT_H
#define MINIKVM_IOMMU_HW_UNIT_H

#include "regs.h"

#define HW_NR_BUSES		256
#define HW_NR_DEVFNS		256
#define HW_QUEUE_ENTRIES	256
/* Every device under identity carries this domain; 0 belongs to the hardware in caching mode. */
#define HW_IDENTITY_DOMAIN	1
#define HW_FIRST_DOMAIN		2
#define HW_FAULT_INTERRUPT	0x20
#define HW_FAULT_COMPATIBILITY	0x25

/**
 * struct hw_unit - a remapping unit and its tables
 * @regs: its registers
 * @cap: Capability register
 * @ecap: Extended Capability register
 * @root: 256 root entries
 * @queue: the invalidation queue, one page
 * @status: where the hardware reports that a wait descriptor completed
 * @tail: next free entry of @queue
 * @sequence: what the next wait descriptor reports
 * @initial_gsts: Global Status before the unit was touched
 * @initial_pmen: protected-memory enable before the unit was touched
 * @irt: interrupt-remapping table, or none (irte.c)
 * @irt_used: which of its entries are reserved, a bit each
 * @irt_size: how many it has
 * @x2apic: its destinations have 32 bits
 * @broken: an invalidation did not complete; nothing is freed or believed any more
 */
struct hw_unit {
	void __iomem *regs;
	u64 cap;
	u64 ecap;
	struct dmar_entry *root;
	struct dmar_entry *queue;
	u32 *status;
	u32 tail;
	u32 sequence;
	u32 initial_gsts;
	u32 initial_pmen;
	struct dmar_entry *irt;
	u64 *irt_used;
	unsigned int irt_size;
	bool x2apic;
	bool broken;
};

/** struct hw_fault - one decoded fault record; reasons from HW_FAULT_INTERRUPT on have an @index */
struct hw_fault {
	u64 address;
	u16 index;
	u16 source;
	u8 reason;
	bool read;
};

int hw_unit_probe(struct hw_unit *unit, void __iomem *regs, const char **why);
int hw_unit_init(struct hw_unit *unit);
int hw_unit_enable(struct hw_unit *unit);
int hw_unit_disable(struct hw_unit *unit);
void hw_unit_free(struct hw_unit *unit);

int hw_context_set(struct hw_unit *unit, u8 bus, u8 devfn, struct dmar_entry entry);
struct dmar_entry hw_context_get(struct hw_unit *unit, u8 bus, u8 devfn);
struct dmar_entry hw_context_pass_through(struct hw_unit *unit);
struct dmar_entry hw_context_table(u64 table, unsigned int levels, u16 domain);

int hw_command(struct hw_unit *unit, u32 bit, bool on, bool expect);
int hw_queue(struct hw_unit *unit, u64 lo, u64 hi);
int hw_flush_domain(struct hw_unit *unit, u16 domain);
int hw_flush_pages(struct hw_unit *unit, u16 domain, u64 first, u64 last);

bool hw_fault_next(struct hw_unit *unit, struct hw_fault *fault);
const char *hw_fault_name(u8 reason);

#endif
