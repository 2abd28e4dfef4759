// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bringing a remapping unit up and down, its root and context entries, its invalidation queue.
 *
 * VT-d specification, "Global Command Register" (one bit at a time), "Setting Up the Root Table",
 * "Queued Invalidation Interface". Every entry is written so that the word with Present comes
 * last, and every wait is bounded: a unit that does not answer is marked broken. The status of a
 * wait lives as long as the unit, so that a late answer cannot land in someone else's memory.
 */
#include "unit.h"

/* A second; the specification names no limit. A fuzzer has no such time. */
#ifndef HW_TIMEOUT_US
#define HW_TIMEOUT_US 1000000
#endif

static bool wait_status(struct hw_unit *unit, u32 bit, bool set)
{
	unsigned int i;

	for (i = 0; i < HW_TIMEOUT_US; i++) {
		if (!!(hw_read32(unit->regs, DMAR_GSTS) & bit) == set)
			return true;
		hw_wait();
	}
	unit->broken = true;
	return false;
}

/**
 * hw_command() - give one command through the Global Command register, and wait for it
 * @unit: its unit
 * @bit: the command
 * @on: set or clear it
 * @expect: what Global Status shows when it is done
 *
 * The register wants the state bits as they are and exactly one change. Return: 0, or -EIO when
 * the unit does not answer (it is broken from then on).
 */
int hw_command(struct hw_unit *unit, u32 bit, bool on, bool expect)
{
	u32 state = hw_read32(unit->regs, DMAR_GSTS) & GCMD_STATE;

	hw_write32(unit->regs, DMAR_GCMD, on ? state | bit : state & ~bit);
	return wait_status(unit, bit, expect) ? 0 : -EIO;
}

static void publish(struct hw_unit *unit, const void *p, size_t bytes)
{
	if (!(unit->ecap & ECAP_C))
		hw_flush(p, bytes);
}

/**
 * hw_unit_probe() - read a unit's capabilities and say whether minikvm can drive it
 * @unit: to be filled
 * @regs: the unit's mapped registers
 * @why: receives a reason in words on failure
 *
 * Changes nothing in the hardware. Return: 0, -EBUSY when somebody drives the unit, -ENODEV when
 * it lacks what minikvm needs.
 */
int hw_unit_probe(struct hw_unit *unit, void __iomem *regs, const char **why)
{
	*unit = (struct hw_unit){ .regs = regs };
	unit->cap = hw_read64(regs, DMAR_CAP);
	unit->ecap = hw_read64(regs, DMAR_ECAP);
	unit->initial_gsts = hw_read32(regs, DMAR_GSTS);
	if (unit->cap == ~0ULL && unit->ecap == ~0ULL) {
		*why = "no unit answers at its register address";
		return -ENODEV;
	}
	if (unit->initial_gsts & (GCMD_TE | GCMD_QIE | GCMD_IRE)) {
		*why = "the unit is in use";
		return -EBUSY;
	}
	if (!(unit->ecap & ECAP_QI)) {
		*why = "the unit has no invalidation queue (ECAP.QI is 0)";
		return -ENODEV;
	}
	if (!(CAP_SAGAW(unit->cap) & (BIT(1) | BIT(2) | BIT(3)))) {
		*why = "the unit walks no table of 3, 4 or 5 levels (CAP.SAGAW)";
		return -ENODEV;
	}
	if (CAP_FRO(unit->cap) + 16 * CAP_NFR(unit->cap) > 4096) {
		*why = "the fault records lie outside the register page (CAP.FRO)";
		return -ENODEV;
	}
	return 0;
}

/**
 * hw_unit_init() - allocate root table, invalidation queue and status word
 * @unit: probed
 *
 * Return: 0 or -ENOMEM; hw_unit_free() undoes it in both cases.
 */
int hw_unit_init(struct hw_unit *unit)
{
	unit->root = hw_alloc(0, GFP_KERNEL);
	unit->queue = hw_alloc(0, GFP_KERNEL);
	unit->status = hw_alloc(0, GFP_KERNEL);
	if (!unit->root || !unit->queue || !unit->status)
		return -ENOMEM;
	publish(unit, unit->root, 4096);
	return 0;
}

/**
 * hw_unit_free() - free the tables
 * @unit: disabled; of a broken unit nothing is freed, it may still read and write there
 */
void hw_unit_free(struct hw_unit *unit)
{
	unsigned int i;

	if (unit->broken)
		return;
	for (i = 0; unit->root && i < HW_NR_BUSES; i++)
		if (unit->root[i].lo & ENTRY_PRESENT)
			hw_free(hw_virt(unit->root[i].lo & ADDR_MASK), 0);
	if (unit->root)
		hw_free(unit->root, 0);
	if (unit->queue)
		hw_free(unit->queue, 0);
	if (unit->status)
		hw_free(unit->status, 0);
	unit->root = NULL;
	unit->queue = NULL;
	unit->status = NULL;
}

static void queue_add(struct hw_unit *unit, u64 lo, u64 hi)
{
	struct dmar_entry *slot = &unit->queue[unit->tail];

	hw_store64(&slot->hi, hi);
	hw_store64(&slot->lo, lo);
	publish(unit, slot, sizeof(*slot));
	unit->tail = (unit->tail + 1) % HW_QUEUE_ENTRIES;
}

/* Add a wait descriptor, start the queue, wait. The queue is empty afterwards. */
static int queue_run(struct hw_unit *unit)
{
	u32 want = ++unit->sequence;
	unsigned int i;
	u32 fsts;

	if (unit->broken)
		return -EIO;
	queue_add(unit, QI_WAIT | QI_WAIT_STATUS | (u64)want << 32, hw_phys(unit->status));
	dma_wmb();
	hw_write64(unit->regs, DMAR_IQT, (u64)unit->tail << 4);
	for (i = 0; i < HW_TIMEOUT_US; i++) {
		if (READ_ONCE(*unit->status) == want)
			return 0;
		fsts = hw_read32(unit->regs, DMAR_FSTS);
		if (fsts & (FSTS_IQE | FSTS_ICE | FSTS_ITE))
			break;
		hw_wait();
	}
	unit->broken = true;
	return -EIO;
}

/**
 * hw_queue() - give one invalidation descriptor to the unit, and wait until it is done
 * @unit: with its queue on
 * @lo: lower half
 * @hi: upper half
 *
 * Return: 0, or -EIO when the unit did not answer (it is broken from then on).
 */
int hw_queue(struct hw_unit *unit, u64 lo, u64 hi)
{
	queue_add(unit, lo, hi);
	return queue_run(unit);
}

static int flush_all(struct hw_unit *unit)
{
	queue_add(unit, QI_CONTEXT | QI_GLOBAL, 0);
	queue_add(unit, QI_IOTLB | QI_IOTLB_DRAIN | QI_GLOBAL, 0);
	return queue_run(unit);
}

/**
 * hw_flush_domain() - forget every cached translation of a domain, and wait for it
 * @unit: enabled
 * @domain: domain identifier
 *
 * Return: 0, or -EIO when the unit did not answer (it is broken from then on).
 */
int hw_flush_domain(struct hw_unit *unit, u16 domain)
{
	return hw_queue(unit, QI_IOTLB | QI_IOTLB_DRAIN | QI_DOMAIN | (u64)domain << 16, 0);
}

/**
 * hw_flush_pages() - forget the cached translations of an address range
 * @unit: enabled
 * @domain: domain identifier
 * @first: first address
 * @last: last address, inclusive
 *
 * One descriptor covers a naturally aligned power of two of pages; a range that needs a larger one
 * than the unit has is flushed with its whole domain. Return: as hw_flush_domain().
 */
int hw_flush_pages(struct hw_unit *unit, u16 domain, u64 first, u64 last)
{
	u64 different = (first ^ last) >> 12;
	unsigned int mask = 0;

	while (different >> mask)
		mask++;
	if (!(unit->cap & CAP_PSI) || mask > CAP_MAMV(unit->cap))
		return hw_flush_domain(unit, domain);
	first &= ~((4096ULL << mask) - 1);
	return hw_queue(unit, QI_IOTLB | QI_IOTLB_DRAIN | QI_FINE | (u64)domain << 16,
			first | mask);
}

static struct dmar_entry *context_entry(struct hw_unit *unit, u8 bus, u8 devfn, bool create)
{
	struct dmar_entry *root = &unit->root[bus], *table;

	if (!(root->lo & ENTRY_PRESENT)) {
		if (!create)
			return NULL;
		/* Callers hold a spinlock. */
		table = hw_alloc(0, GFP_ATOMIC);
		if (!table)
			return NULL;
		publish(unit, table, 4096);
		dma_wmb();
		hw_store64(&root->lo, hw_phys(table) | ENTRY_PRESENT);
		publish(unit, root, sizeof(*root));
	}
	return (struct dmar_entry *)hw_virt(root->lo & ADDR_MASK) + devfn;
}

/**
 * hw_context_get() - the context entry of a requester
 * @unit: initialised
 * @bus: bus number
 * @devfn: device and function
 *
 * Return: a copy; all zero where there is none.
 */
struct dmar_entry hw_context_get(struct hw_unit *unit, u8 bus, u8 devfn)
{
	struct dmar_entry *entry = context_entry(unit, bus, devfn, false);

	return entry ? *entry : (struct dmar_entry){ 0 };
}

/**
 * hw_context_set() - replace the context entry of a requester
 * @unit: initialised; invalidation happens only when it is enabled
 * @bus: bus number
 * @devfn: device and function
 * @entry: new contents; Present clear blocks the device
 *
 * Between the old and the new contents the device is blocked; after return no request uses the
 * old ones. Return: 0, -ENOMEM (nothing changed), -EIO (the unit does not answer).
 */
int hw_context_set(struct hw_unit *unit, u8 bus, u8 devfn, struct dmar_entry entry)
{
	bool running = hw_read32(unit->regs, DMAR_GSTS) & GCMD_TE;
	bool present = entry.lo & ENTRY_PRESENT;
	struct dmar_entry *slot = context_entry(unit, bus, devfn, present);
	u16 source = bus << 8 | devfn, old;
	int ret = 0;

	if (!slot)
		return present ? -ENOMEM : 0;
	if (slot->lo & ENTRY_PRESENT) {
		old = slot->hi >> 8;
		hw_store64(&slot->lo, 0);
		publish(unit, slot, sizeof(*slot));
		if (running) {
			queue_add(unit, QI_CONTEXT | QI_FINE | (u64)old << 16 |
				  (u64)source << 32, 0);
			ret = hw_flush_domain(unit, old);
		}
		if (ret)
			return ret;
	}
	hw_store64(&slot->hi, entry.hi);
	dma_wmb();
	hw_store64(&slot->lo, entry.lo);
	publish(unit, slot, sizeof(*slot));
	if (!running || !present)
		return 0;
	/* In caching mode the absence was cached, too, under domain 0. */
	if (unit->cap & CAP_CM) {
		queue_add(unit, QI_CONTEXT | QI_FINE | (u64)source << 32, 0);
		return hw_flush_domain(unit, (u16)(entry.hi >> 8));
	}
	if (unit->cap & CAP_RWBF)
		return hw_command(unit, GCMD_WBF, true, false);
	return 0;
}

/**
 * hw_context_pass_through() - a context entry that lets requests through untranslated
 * @unit: probed, with ECAP.PT
 *
 * Return: the entry. Its width must be the largest that the unit supports.
 */
struct dmar_entry hw_context_pass_through(struct hw_unit *unit)
{
	unsigned int sagaw = CAP_SAGAW(unit->cap);
	u64 width = sagaw & BIT(3) ? 3 : sagaw & BIT(2) ? 2 : 1;

	return (struct dmar_entry){
		.lo = ENTRY_PRESENT | CONTEXT_TT_PASS,
		.hi = width | HW_IDENTITY_DOMAIN << 8,
	};
}

/**
 * hw_context_table() - a context entry that translates through a second-level table
 * @table: physical address of the root page
 * @levels: 3, 4 or 5
 * @domain: domain identifier
 *
 * Return: the entry.
 */
struct dmar_entry hw_context_table(u64 table, unsigned int levels, u16 domain)
{
	return (struct dmar_entry){
		.lo = ENTRY_PRESENT | table,
		.hi = (levels - 2) | (u64)domain << 8,
	};
}

/**
 * hw_unit_enable() - queue on, root table set, caches emptied, translation on
 * @unit: initialised, its context entries filled
 *
 * Return: 0, or -EIO with the unit as far back as it lets itself be brought.
 */
int hw_unit_enable(struct hw_unit *unit)
{
	int ret;

	hw_write32(unit->regs, DMAR_FECTL, FECTL_IM);
	unit->tail = 0;
	hw_write64(unit->regs, DMAR_IQT, 0);
	hw_write64(unit->regs, DMAR_IQA, hw_phys(unit->queue));
	ret = hw_command(unit, GCMD_QIE, true, true);
	if (ret)
		return ret;
	hw_write64(unit->regs, DMAR_RTADDR, hw_phys(unit->root));
	ret = hw_command(unit, GCMD_SRTP, true, true);
	if (!ret)
		ret = flush_all(unit);
	if (!ret)
		ret = hw_command(unit, GCMD_TE, true, true);
	if (ret) {
		hw_unit_disable(unit);
		return ret;
	}
	/* Firmware's protection of memory before the kernel ran; translation takes its place. */
	if (unit->cap & (CAP_PLMR | CAP_PHMR)) {
		unit->initial_pmen = hw_read32(unit->regs, DMAR_PMEN);
		if (unit->initial_pmen & PMEN_EPM)
			hw_write32(unit->regs, DMAR_PMEN, unit->initial_pmen & ~PMEN_EPM);
	}
	return 0;
}

/**
 * hw_unit_disable() - translation off, queue off, as the unit was found
 * @unit: enabled, wholly or in part
 *
 * Return: 0, or -EIO when the unit does not answer.
 */
int hw_unit_disable(struct hw_unit *unit)
{
	int ret, ret2;

	hw_write32(unit->regs, DMAR_FECTL, FECTL_IM);
	if (unit->initial_pmen & PMEN_EPM)
		hw_write32(unit->regs, DMAR_PMEN, unit->initial_pmen);
	ret = hw_command(unit, GCMD_TE, false, false);
	ret2 = hw_command(unit, GCMD_QIE, false, false);
	return ret ?: ret2;
}

/**
 * hw_fault_next() - take the oldest fault record out of the unit
 * @unit: enabled
 * @fault: receives it
 *
 * Return: false when no record is left.
 */
bool hw_fault_next(struct hw_unit *unit, struct hw_fault *fault)
{
	u32 fsts = hw_read32(unit->regs, DMAR_FSTS);
	unsigned int nr = CAP_NFR(unit->cap), i;
	u32 reg;
	u64 hi;

	for (i = 0; i < nr; i++) {
		reg = CAP_FRO(unit->cap) + (FSTS_FRI(fsts) + i) % nr * 16;
		hi = hw_read64(unit->regs, reg + 8);
		if (!(hi & FRCD_F))
			continue;
		fault->address = hw_read64(unit->regs, reg);
		fault->index = FRCD_INDEX(fault->address);
		fault->address &= ~0xfffULL;
		fault->source = FRCD_SID(hi);
		fault->reason = FRCD_REASON(hi);
		fault->read = hi & FRCD_READ;
		/* Written as one, so that a full record is free again for the next fault. */
		hw_write32(unit->regs, reg + 12, (u32)(FRCD_F >> 32));
		return true;
	}
	if (fsts & FSTS_PFO)
		hw_write32(unit->regs, DMAR_FSTS, FSTS_PFO);
	return false;
}

/**
 * hw_fault_name() - a fault reason in words
 * @reason: the code of the fault record
 *
 * VT-d specification, "Fault Conditions". Return: a string.
 */
const char *hw_fault_name(u8 reason)
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
	};

	return reason < ARRAY_SIZE(names) && names[reason] ? names[reason] : "unknown reason";
}
