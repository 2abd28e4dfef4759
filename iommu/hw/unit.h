/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One remapping unit and its tables: unit.c, and what all of iommu/hw knows of it.
 *
 * VT-d specification, "DMA Remapping" and "Software Considerations: Caching". Legacy or scalable
 * mode with queued invalidation; a unit without a queue is refused. The caller holds the lock of
 * the unit in all calls but hw_fault_next(). shim_pause() gives the lock up while hardware takes
 * its time, so that calls overlap there: invalidations in any order, others in turns
 * (hw_take_turn()).
 */
#ifndef MINIKVM_IOMMU_HW_UNIT_H
#define MINIKVM_IOMMU_HW_UNIT_H

#include "regs.h"

#define HW_NR_BUSES		256
#define HW_NR_DEVFNS		256
/* Every device under identity carries this domain; 0 belongs to the hardware in caching mode. */
#define HW_IDENTITY_DOMAIN	1
#define HW_FIRST_DOMAIN		2

/* A second; the specification names no limit. A fuzzer has no such time. */
#ifndef HW_TIMEOUT_US
#define HW_TIMEOUT_US 1000000
#endif

/**
 * struct hw_unit - a remapping unit and its tables
 * @lock: serialises all use but the reading of fault records; see shim_pause()
 * @regs: its registers
 * @cap: Capability register
 * @ecap: Extended Capability register
 * @root: 256 root entries
 * @queue: the invalidation queue, one page
 * @status: where the hardware reports that a wait descriptor completed
 * @tail: next free entry of @queue
 * @fence: entry of @queue up to which it was found free; @tail does not pass it
 * @timeouts: how often the queue stood still because a device did not answer (ITE)
 * @sequence: what the next wait descriptor reports
 * @initial_gsts: Global Status before the unit was touched
 * @initial_pmen: protected-memory enable before the unit was touched
 * @irt: interrupt-remapping table, or none (irte.c)
 * @irt_used: which of its entries are reserved, a bit each
 * @irt_size: how many it has
 * @x2apic: its destinations have 32 bits
 * @scalable: in scalable mode; set after probing, before anything is attached
 * @interrupts_only: its devices' memory accesses are never translated; set as @scalable
 * @on: it translates, and caches what it read
 * @commanding: a command is under way
 * @attaching: an entry of a device is being changed
 * @asking: a device is being asked for its translations
 * @broken: it did not answer; nothing is freed or believed any more
 * @times_given_up: how often that happened; only a reset of the unit makes it usable again
 */
struct hw_unit {
	struct shim_lock lock;
	void __iomem *regs;
	u64 cap;
	u64 ecap;
	struct dmar_entry *root;
	struct dmar_entry *queue;
	u32 *status;
	u32 tail;
	u32 fence;
	u32 timeouts;
	u32 sequence;
	u32 initial_gsts;
	u32 initial_pmen;
	struct dmar_entry *irt;
	u64 *irt_used;
	unsigned int irt_size;
	bool x2apic;
	bool scalable;
	bool interrupts_only;
	bool on;
	bool commanding;
	bool attaching;
	bool asking;
	bool broken;
	u32 times_given_up;
};

int hw_unit_probe(struct hw_unit *unit, void __iomem *regs, const char **why);
int hw_unit_init(struct hw_unit *unit);
int hw_unit_enable(struct hw_unit *unit);
int hw_unit_disable(struct hw_unit *unit);
void hw_unit_free(struct hw_unit *unit);

/* Makes @bytes at @p visible to a unit whose walks do not snoop the caches. */
static inline void hw_publish(const struct hw_unit *unit, const void *p, size_t bytes)
{
	if (!(unit->ecap & ECAP_C))
		hw_flush(p, bytes);
}

#endif
