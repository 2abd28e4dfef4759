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

/* The specification names no limit. A fuzzer cannot wait for a second, and defines its own. */
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
 * @fence: @queue is known to be free from @tail up to this entry, which @tail does not pass
 * @timeouts: how often the queue stood still because a device did not answer (ITE)
 * @sequence: number of the last wait descriptor
 * @initial_gsts: Global Status before the unit was touched
 * @initial_pmen: protected-memory enable before the unit was touched
 * @irt: interrupt-remapping table, or none (irte.c)
 * @irt_used: which entries of @irt are reserved, a bit each
 * @irt_size: how many entries @irt has
 * @x2apic: destinations in @irt have 32 bits
 * @scalable: in scalable mode; set after probing, before anything is attached
 * @interrupts_only: memory accesses of its devices are never translated; set when @scalable is
 * @on: translation is on, so that the unit may have cached any entry
 * @commanding: a command is under way
 * @attaching: an entry of a device is being changed
 * @asking: a device is being asked to give translations back
 * @broken: it was given up, as it did not answer: it is not used, and its tables are not freed
 * @times_given_up: how often that happened; a reset makes the unit usable again
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
