/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One remapping unit: capabilities, enabling, invalidation, faults.
 *
 * VT-d specification, "DMA Remapping" and "Software Considerations: Caching". Legacy or scalable
 * mode with queued invalidation; a unit without a queue is refused. The caller holds the lock of
 * the unit in all calls but hw_fault_next(). hw_wait() gives the lock up while hardware takes its
 * time, so that calls overlap there: invalidations as they like, others take turns.
 */
#ifndef MINIKVM_IOMMU_HW_UNIT_H
#define MINIKVM_IOMMU_HW_UNIT_H

#include "regs.h"

#define HW_NR_BUSES		256
#define HW_NR_DEVFNS		256
/* Of 128 bits; in scalable mode a descriptor takes two. */
#define HW_QUEUE_ENTRIES	256
/* Every device under identity carries this domain; 0 belongs to the hardware in caching mode. */
#define HW_IDENTITY_DOMAIN	1
#define HW_FIRST_DOMAIN		2
#define HW_FAULT_INTERRUPT	0x20
#define HW_FAULT_INTERRUPT_LAST	0x2f
#define HW_FAULT_COMPATIBILITY	0x25

/* A second; the specification names no limit. A fuzzer has no such time. */
#ifndef HW_TIMEOUT_US
#define HW_TIMEOUT_US 1000000
#endif

/**
 * struct hw_unit - a remapping unit and its tables
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
 * @broken: it did not answer; nothing is freed or believed any more, and hw_broken() was called
 */
struct hw_unit {
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
};

/** struct hw_fault - one decoded fault record; @index is there if it is of an interrupt */
struct hw_fault {
	u64 address;
	u16 index;
	u16 source;
	u8 reason;
	bool read;
};

/**
 * struct hw_device_tlb - a device that keeps translations (ATS)
 * @source: bus, device and function
 * @pf: those of its physical function, which answers for it
 * @depth: how many invalidations it can queue, as its ATS capability says
 * @pasid: whose translations; 0 of requests without
 */
struct hw_device_tlb {
	u16 source;
	u16 pf;
	u8 depth;
	u32 pasid;
};

int hw_unit_probe(struct hw_unit *unit, void __iomem *regs, const char **why);
int hw_unit_init(struct hw_unit *unit);
int hw_unit_enable(struct hw_unit *unit);
int hw_unit_disable(struct hw_unit *unit);
void hw_unit_free(struct hw_unit *unit);

void hw_break(struct hw_unit *unit);
bool hw_take_turn(struct hw_unit *unit, bool *taken);
int hw_command(struct hw_unit *unit, u32 bit, bool on, bool expect);

/* queue.c */
void hw_queue_add(struct hw_unit *unit, u64 lo, u64 hi);
int hw_queue(struct hw_unit *unit, u64 lo, u64 hi);
int hw_flush_all(struct hw_unit *unit);
int hw_flush_domain(struct hw_unit *unit, u16 domain);
int hw_flush_pages(struct hw_unit *unit, u16 domain, u64 first, u64 last);
int hw_flush_pasid(struct hw_unit *unit, u16 domain, u32 pasid);
int hw_flush_pasid_pages(struct hw_unit *unit, u16 domain, u32 pasid, u64 first, u64 last);
int hw_flush_device(struct hw_unit *unit, const struct hw_device_tlb *tlb, u64 first, u64 last);

static inline bool hw_fault_is_interrupt(const struct hw_fault *fault)
{
	return fault->reason >= HW_FAULT_INTERRUPT && fault->reason <= HW_FAULT_INTERRUPT_LAST;
}

/* Makes @bytes at @p visible to a unit whose walks do not snoop the caches. */
static inline void hw_publish(const struct hw_unit *unit, const void *p, size_t bytes)
{
	if (!(unit->ecap & ECAP_C))
		hw_flush(p, bytes);
}

bool hw_fault_next(struct hw_unit *unit, struct hw_fault *fault);
const char *hw_fault_name(u8 reason);

#endif
