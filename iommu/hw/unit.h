/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One remapping unit and its tables: unit.c, and what all of iommu/hw knows of it.
 *
 * VT-d specification, "DMA Remapping" and "Software Considerations: Caching". Legacy or scalable
 * mode with queued invalidation; a unit without a queue is refused. The caller holds the lock of
 * the unit in all calls but fault_record_next(). shim_pause() gives the lock up while hardware
 * takes its time, so that calls overlap there: invalidations in any order, others in turns
 * (remap_take_turn()).
 */
#ifndef MINIKVM_IOMMU_HW_UNIT_H
#define MINIKVM_IOMMU_HW_UNIT_H

#include "regs.h"

#define NR_BUSES		256
#define NR_DEVFNS		256
/* Every device under identity carries this domain; 0 belongs to the hardware in caching mode. */
#define DOMAIN_ID_IDENTITY	1
#define DOMAIN_ID_FIRST		2

/* A second; the specification names no limit. A fuzzer has no such time. */
#ifndef REMAP_TIMEOUT_US
#define REMAP_TIMEOUT_US 1000000
#endif

/**
 * struct remap_unit - a remapping unit and its tables
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
struct remap_unit {
	struct shim_lock lock;
	void __iomem *regs;
	u64 cap;
	u64 ecap;
	struct entry128 *root;
	struct entry128 *queue;
	u32 *status;
	u32 tail;
	u32 fence;
	u32 timeouts;
	u32 sequence;
	u32 initial_gsts;
	u32 initial_pmen;
	struct entry128 *irt;
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

int remap_probe(struct remap_unit *unit, void __iomem *regs, const char **why);
int remap_init(struct remap_unit *unit);
int remap_enable(struct remap_unit *unit);
int remap_disable(struct remap_unit *unit);
void remap_free(struct remap_unit *unit);

/* Makes @bytes at @p visible to a unit whose walks do not snoop the caches. */
static inline void remap_publish(const struct remap_unit *unit, const void *p, size_t bytes)
{
	if (!(unit->ecap & ECAP_C))
		shim_flush(p, bytes);
}

#endif
