// SPDX-License-Identifier: GPL-2.0-only
/*
 * The invalidation queue of a remapping unit.
 *
 * VT-d specification, "Queued Invalidation Interface". Descriptors have 128 bits in legacy mode and
 * 256 in scalable mode. Each batch ends in a wait descriptor, and every wait is bounded: a unit
 * that does not answer is given up. If a device does not answer, only its own invalidation fails
 * (ITE). The word to which waits report lives as long as the unit, so that a late answer cannot
 * overwrite memory that was freed. Several callers may wait at once: the unit works the queue off
 * in order, each wait reports a larger number than the one before, and a number stands for all
 * smaller ones.
 */
#include "command.h"
#include "qi.h"

static unsigned int step(const struct remap_unit *unit)
{
	return unit->scalable ? 2 : 1;
}

static void submit(struct remap_unit *unit)
{
	dma_wmb();
	shim_write64(unit->regs, DMAR_IQT, (u64)unit->tail << 4);
}

/* Wait until the unit has fetched the old descriptor where the next one goes. */
static bool make_room(struct remap_unit *unit)
{
	unsigned int i, head;

	for (i = 0; i < REMAP_TIMEOUT_US && !unit->broken; i++) {
		head = (shim_read64(unit->regs, DMAR_IQH) >> 4) % QI_ENTRIES;
		/* A tail that reaches the head would say that the queue is empty. */
		unit->fence = (head + QI_ENTRIES - step(unit)) % QI_ENTRIES;
		if (unit->tail != unit->fence)
			return true;
		submit(unit);
		shim_pause(&unit->lock);
	}
	remap_give_up(unit);
	return false;
}

/**
 * qi_add() - write a descriptor, which the next call that waits gives to the unit
 * @unit: with its queue on
 * @lo: first 64 bits
 * @hi: next 64 bits; the rest of a larger descriptor is zero
 *
 * If the unit does not answer, nothing is written, and the call that waits returns -EIO.
 */
void qi_add(struct remap_unit *unit, u64 lo, u64 hi)
{
	struct entry128 *slot;

	if (unit->tail == unit->fence && !make_room(unit))
		return;
	slot = &unit->queue[unit->tail];
	shim_store64(&slot->hi, hi);
	shim_store64(&slot->lo, lo);
	remap_publish(unit, slot, sizeof(*slot));
	unit->tail = (unit->tail + step(unit)) % QI_ENTRIES;
}

/* Returns the number that *@unit->status reaches when everything up to here is done. */
static u32 start(struct remap_unit *unit)
{
	u32 want = ++unit->sequence;

	qi_add(unit, QI_WAIT | QI_WAIT_STATUS | (u64)want << 32, shim_phys(unit->status));
	submit(unit);
	return want;
}

/* Returns false if the queue has stopped for good. */
static bool goes_on(struct remap_unit *unit)
{
	u32 fsts = shim_read32(unit->regs, DMAR_FSTS);

	if (fsts & FSTS_IQE)
		return false;
	/* A device answered a request that there was not; the queue goes on. */
	if (fsts & FSTS_ICE)
		shim_write32(unit->regs, DMAR_FSTS, FSTS_ICE);
	if (fsts & FSTS_ITE) {
		/* The queue stands still until the bit is cleared, and has dropped its waits. */
		shim_write32(unit->regs, DMAR_FSTS, FSTS_ITE);
		unit->timeouts++;
		/* A new wait reports for all of them. */
		start(unit);
	}
	return true;
}

/* Add a wait descriptor, start the queue and wait until everything before it is done. */
static int queue_run(struct remap_unit *unit)
{
	unsigned int i;
	u32 want;

	if (unit->broken)
		return -EIO;
	want = start(unit);
	for (i = 0; ; i++) {
		if ((s32)(READ_ONCE(*unit->status) - want) >= 0)
			return 0;
		if (unit->broken || i == REMAP_TIMEOUT_US || !goes_on(unit))
			break;
		shim_pause(&unit->lock);
	}
	remap_give_up(unit);
	return -EIO;
}

/**
 * qi_submit() - give one invalidation descriptor to the unit, and wait until it is done
 * @unit: with its queue on
 * @lo: first 64 bits
 * @hi: next 64 bits
 *
 * Return: 0, or -EIO when the unit did not answer (it is given up then).
 */
int qi_submit(struct remap_unit *unit, u64 lo, u64 hi)
{
	qi_add(unit, lo, hi);
	return queue_run(unit);
}

/**
 * qi_flush_all() - forget everything that was cached for requests with an address
 * @unit: with its queue on
 *
 * Return: as qi_submit().
 */
int qi_flush_all(struct remap_unit *unit)
{
	qi_add(unit, QI_CONTEXT | QI_GLOBAL, 0);
	if (unit->scalable)
		qi_add(unit, QI_PASID_CACHE | QI_PASID_GLOBAL, 0);
	return qi_submit(unit, QI_IOTLB | QI_IOTLB_DRAIN | QI_GLOBAL, 0);
}

/**
 * qi_flush_domain() - forget every second-stage and nested translation of a domain
 * @unit: enabled
 * @domain: domain identifier
 *
 * A change in the second stage of nested translation needs this: the unit caches nested
 * translations by first-stage addresses, which the second stage does not tell.
 *
 * Return: as qi_submit().
 */
int qi_flush_domain(struct remap_unit *unit, u16 domain)
{
	return qi_submit(unit, QI_IOTLB | QI_IOTLB_DRAIN | QI_DOMAIN | (u64)domain << 16, 0);
}

/* The smallest naturally aligned power of two of pages around a range, as its exponent. */
static unsigned int range_mask(u64 first, u64 last)
{
	u64 different = (first ^ last) >> 12;
	unsigned int mask = 0;

	while (different >> mask)
		mask++;
	return mask;
}

static bool has_mask(const struct remap_unit *unit, unsigned int mask)
{
	return unit->cap & CAP_PSI && mask <= CAP_MAMV(unit->cap);
}

/**
 * qi_flush_pages() - forget the second-stage translations of an address range
 * @unit: enabled
 * @domain: domain identifier
 * @first: first address
 * @last: last address, inclusive
 *
 * One descriptor covers a naturally aligned power of two of pages. Where the range needs a larger
 * power than the unit can, the whole domain is flushed.
 *
 * Return: as qi_submit().
 */
int qi_flush_pages(struct remap_unit *unit, u16 domain, u64 first, u64 last)
{
	unsigned int mask = range_mask(first, last);

	if (!has_mask(unit, mask))
		return qi_flush_domain(unit, domain);
	first &= ~((4096ULL << mask) - 1);
	return qi_submit(unit, QI_IOTLB | QI_IOTLB_DRAIN | QI_FINE | (u64)domain << 16,
			 first | mask);
}

static u64 pasid_iotlb(u64 granularity, u16 domain, u32 pasid)
{
	return QI_PASID_IOTLB | granularity | (u64)domain << 16 | (u64)pasid << 32;
}

/**
 * qi_flush_pasid() - forget every first-stage and nested translation of a PASID
 * @unit: enabled, in scalable mode
 * @domain: domain identifier
 * @pasid: process address space identifier
 *
 * Return: as qi_submit().
 */
int qi_flush_pasid(struct remap_unit *unit, u16 domain, u32 pasid)
{
	return qi_submit(unit, pasid_iotlb(QI_DOMAIN, domain, pasid), 0);
}

/**
 * qi_flush_pasid_pages() - forget the first-stage translations of an address range
 * @unit: enabled, in scalable mode
 * @domain: domain identifier
 * @pasid: process address space identifier
 * @first: first address
 * @last: last address, inclusive
 *
 * Return: as qi_submit().
 */
int qi_flush_pasid_pages(struct remap_unit *unit, u16 domain, u32 pasid, u64 first, u64 last)
{
	unsigned int mask = range_mask(first, last);

	if (!has_mask(unit, mask))
		return qi_flush_pasid(unit, domain, pasid);
	first &= ~((4096ULL << mask) - 1);
	return qi_submit(unit, pasid_iotlb(QI_FINE, domain, pasid), first | mask);
}

/**
 * qi_flush_device() - have a device forget the translations of an address range
 * @unit: enabled, with ECAP.DT; its own caches have forgotten the range already
 * @tlb: the device
 * @first: first address
 * @last: last address, inclusive
 *
 * Return: 0; -ETIMEDOUT when the device did not answer and may still use its translations; -EIO.
 */
int qi_flush_device(struct remap_unit *unit, const struct qi_device *tlb, u64 first, u64 last)
{
	unsigned int mask = range_mask(first, last);
	u64 address = first & ~((4096ULL << mask) - 1), lo = 0;
	u32 timeouts;
	int ret;

	/* One device at a time, as ITE does not tell which device did not answer. */
	if (!remap_take_turn(unit, &unit->asking))
		return -EIO;
	timeouts = unit->timeouts;
	/* The lowest address bit that is 0 gives the size of a range of several pages. */
	if (mask)
		address |= ((2048ULL << mask) - 1) & ~4095ULL;
	if (unit->ecap & ECAP_DIT)
		lo = (u64)(tlb->pf & 0xf) << 12 | (u64)(tlb->pf >> 4) << 52;
	if (tlb->pasid)
		qi_add(unit, lo | QI_PASID_DEVICE_TLB | (u64)(tlb->depth & 0x1f) << 4 |
		       (u64)tlb->source << 16 | (u64)tlb->pasid << 32,
		       address | (mask ? QI_PASID_DEVICE_RANGE : 0));
	else
		qi_add(unit, lo | QI_DEVICE_TLB | (u64)(tlb->depth & 0x1f) << 16 |
		       (u64)tlb->source << 32, address | (mask ? QI_DEVICE_TLB_RANGE : 0));
	ret = queue_run(unit);
	if (!ret && unit->timeouts != timeouts)
		ret = -ETIMEDOUT;
	unit->asking = false;
	return ret;
}
