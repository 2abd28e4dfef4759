// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interrupt-remapping table: entries, blocks, cache, switching it on and off.
 *
 * VT-d specification, "Interrupt Remapping", "Interrupt-Remapping Table Entry", "Interrupt Entry
 * Cache Invalidate Descriptor", "Programming Considerations: Updates to remapping entries". The
 * hardware may read an entry of 128 bits at any moment. An entry that is not present gets its upper
 * half first. A present entry changes in its lower half alone, or by one store of 16 bytes, or, if
 * the processor has no such store, it is not present in between.
 */
#include "command.h"
#include "irte.h"
#include "qi.h"

#define IRT_MAX_BITS	16
#define IRT_MIN_BITS	8
#define BITS		64

static bool is_used(const struct remap_unit *unit, unsigned int index)
{
	return unit->irt_used[index / BITS] >> index % BITS & 1;
}

static void mark(struct remap_unit *unit, unsigned int index, unsigned int count, bool used)
{
	for (; count; count--, index++) {
		if (used)
			unit->irt_used[index / BITS] |= BIT_ULL(index % BITS);
		else
			unit->irt_used[index / BITS] &= ~BIT_ULL(index % BITS);
	}
}

static unsigned int page_order(size_t bytes)
{
	unsigned int order = 0;

	while (4096UL << order < bytes)
		order++;
	return order;
}

static size_t table_bytes(const struct remap_unit *unit)
{
	return (size_t)unit->irt_size * sizeof(struct entry128);
}

/**
 * irt_init() - allocate an interrupt-remapping table
 * @unit: initialised, with ECAP.IR
 *
 * The table has 65,536 entries, or fewer if there is not as much memory in one piece.
 *
 * Return: 0 or -ENOMEM.
 */
int irt_init(struct remap_unit *unit)
{
	unsigned int bits;

	unit->irt_used = shim_alloc(page_order((1UL << IRT_MAX_BITS) / 8), GFP_KERNEL);
	if (!unit->irt_used)
		return -ENOMEM;
	for (bits = IRT_MAX_BITS; bits >= IRT_MIN_BITS; bits--) {
		unit->irt_size = 1U << bits;
		unit->irt = shim_alloc(page_order(table_bytes(unit)), GFP_KERNEL | __GFP_NOWARN);
		if (unit->irt) {
			remap_publish(unit, unit->irt, table_bytes(unit));
			return 0;
		}
	}
	irt_free(unit);
	return -ENOMEM;
}

/**
 * irt_free() - free the table
 * @unit: with interrupt remapping off; if it is broken, the table is not freed
 */
void irt_free(struct remap_unit *unit)
{
	if (unit->irt && !unit->broken)
		shim_free(unit->irt, page_order(table_bytes(unit)));
	if (unit->irt_used)
		shim_free(unit->irt_used, page_order((1UL << IRT_MAX_BITS) / 8));
	unit->irt = NULL;
	unit->irt_used = NULL;
	unit->irt_size = 0;
}

/* Forget @count cached entries, a power of two, from @index, which is a multiple of it. */
static int flush_entries(struct remap_unit *unit, unsigned int index, unsigned int count)
{
	unsigned int mask = 0;

	/* Unlike other invalidations, this one does not empty the write buffers. */
	if (unit->cap & CAP_RWBF && remap_command(unit, GCMD_WBF, true, false))
		return -EIO;
	while (count >> mask > 1)
		mask++;
	if (mask > ECAP_MHMV(unit->ecap))
		return qi_submit(unit, QI_IEC, 0);
	return qi_submit(unit, QI_IEC | QI_IEC_INDEX | (u64)mask << 27 | (u64)index << 32, 0);
}

/**
 * irt_enable() - table set, cache emptied, interrupt remapping on
 * @unit: enabled, with a table
 * @x2apic: destinations have 32 bits, and interrupts in compatibility format are always blocked
 *
 * Without @x2apic, interrupts in compatibility format pass until irt_pass_compatibility() ends it.
 *
 * Return: 0, or -EIO with remapping switched off, if the unit obeys.
 */
int irt_enable(struct remap_unit *unit, bool x2apic)
{
	unsigned int bits = 0;
	int ret;

	while (2U << bits < unit->irt_size)
		bits++;
	unit->x2apic = x2apic;
	shim_write64(unit->regs, DMAR_IRTA, shim_phys(unit->irt) | (x2apic ? IRTA_EIME : 0) | bits);
	ret = remap_command(unit, GCMD_SIRTP, true, true);
	if (!ret)
		ret = qi_submit(unit, QI_IEC, 0);
	if (ret)
		return ret;
	irt_pass_compatibility(unit, true);
	ret = remap_command(unit, GCMD_IRE, true, true);
	if (ret)
		irt_disable(unit);
	return ret;
}

/**
 * irt_disable() - interrupt remapping off
 * @unit: enabled; no device sends interrupts in remappable format any more
 *
 * Return: 0, or -EIO when the unit does not answer.
 */
int irt_disable(struct remap_unit *unit)
{
	int ret = remap_command(unit, GCMD_IRE, false, false);

	irt_pass_compatibility(unit, unit->initial_gsts & GCMD_CFI);
	return ret;
}

/**
 * irt_pass_compatibility() - let interrupts in compatibility format pass, or block them
 * @unit: the unit
 * @pass: whether to let them pass
 *
 * A device that can write to memory can send one to any processor, with any vector.
 *
 * Return: whether the unit confirms it; some emulators have no such switch.
 */
bool irt_pass_compatibility(struct remap_unit *unit, bool pass)
{
	bool done = false;
	unsigned int i;
	u32 state;

	if (!remap_take_turn(unit, &unit->commanding))
		return false;
	state = shim_read32(unit->regs, DMAR_GSTS) & GCMD_STATE;
	shim_write32(unit->regs, DMAR_GCMD, pass ? state | GCMD_CFI : state & ~GCMD_CFI);
	/* Does not give the lock up: after a crash it is not held (vtd_emergency()). */
	for (i = 0; i < 1000 && !done; i++) {
		done = !!(shim_read32(unit->regs, DMAR_GSTS) & GCMD_CFI) == pass;
		if (!done)
			shim_delay();
	}
	unit->commanding = false;
	return done;
}

/**
 * irte_alloc() - reserve entries in one piece
 * @unit: with a table
 * @count: how many; a power of two, as a device with several messages counts in the low bits
 *
 * The entries are not present until irte_set().
 *
 * Return: the first index, a multiple of @count; -EINVAL, -ENOSPC.
 */
int irte_alloc(struct remap_unit *unit, unsigned int count)
{
	unsigned int index, i;

	if (!count || count & (count - 1) || count > unit->irt_size)
		return -EINVAL;
	for (index = 0; index < unit->irt_size; index += count) {
		for (i = 0; i < count && !is_used(unit, index + i); i++)
			;
		if (i < count)
			continue;
		mark(unit, index, count, true);
		return index;
	}
	return -ENOSPC;
}

/**
 * irte_free() - make entries not present, and give them back when no cache has them
 * @unit: with a table
 * @index: what irte_alloc() returned
 * @count: as given to it
 *
 * If the unit does not answer, they stay reserved.
 */
void irte_free(struct remap_unit *unit, unsigned int index, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		shim_store64(&unit->irt[index + i].lo, 0);
	remap_publish(unit, &unit->irt[index], count * sizeof(struct entry128));
	if (!flush_entries(unit, index, count))
		mark(unit, index, count, false);
}

/**
 * irte_get() - an entry
 * @unit: with a table
 * @index: below the size of the table
 *
 * Return: a copy.
 */
struct entry128 irte_get(const struct remap_unit *unit, unsigned int index)
{
	return (struct entry128){
		.lo = READ_ONCE(unit->irt[index].lo),
		.hi = READ_ONCE(unit->irt[index].hi),
	};
}

/**
 * irte_set() - write an entry
 * @unit: with a table
 * @index: an entry that irte_alloc() returned
 * @entry: from irte_remapped() or irte_posted(); or zero, to block
 *
 * After return the unit does not use the old contents.
 *
 * Return: 0; 1 if the entry was not present for a moment, so that the caller should repeat the
 * interrupt once; -EIO when the unit does not answer.
 */
int irte_set(struct remap_unit *unit, unsigned int index, struct entry128 entry)
{
	struct entry128 *slot = &unit->irt[index];
	struct entry128 old = irte_get(unit, index);
	bool gap = false;
	int ret;

	if (old.lo == entry.lo && old.hi == entry.hi)
		return 0;
	if (old.lo & IRTE_PRESENT && old.hi != entry.hi) {
		if (entry.lo & IRTE_PRESENT && shim_store128(&slot->lo, &old.lo, &entry.lo))
			goto flush;
		shim_store64(&slot->lo, 0);
		remap_publish(unit, slot, sizeof(*slot));
		ret = flush_entries(unit, index, 1);
		if (ret)
			return ret;
		gap = entry.lo & IRTE_PRESENT;
	}
	if (old.hi != entry.hi) {
		shim_store64(&slot->hi, entry.hi);
		/* Also for a unit that snoops: the halves must be written in this order. */
		dma_wmb();
		remap_publish(unit, slot, sizeof(*slot));
	}
	shim_store64(&slot->lo, entry.lo);
flush:
	remap_publish(unit, slot, sizeof(*slot));
	/* Absence is cached in caching mode only; a write buffer may hold the new entry. */
	if (!(old.lo & IRTE_PRESENT) && !(unit->cap & (CAP_CM | CAP_RWBF)))
		return 0;
	return flush_entries(unit, index, 1) ?: gap;
}

static u64 source_bits(struct irte_source source)
{
	return source.id | (u64)(source.ignore & 3) << 16 | (u64)source.check << 18;
}

/**
 * irte_remapped() - an entry that does what a compatibility-format message would do
 * @unit: decides between the destination formats
 * @address: lower half of the message's address
 * @data: its data
 * @apic: destination, the whole APIC identifier
 * @level: level-triggered; must agree with the entry in the I/O APIC
 * @source: who may send it
 *
 * Return: the entry.
 */
struct entry128 irte_remapped(const struct remap_unit *unit, u32 address, u32 data, u32 apic,
			      bool level, struct irte_source source)
{
	u64 destination = unit->x2apic ? apic : (apic & 0xff) << 8;

	return (struct entry128){
		.lo = IRTE_PRESENT | (address & BIT(2) ? IRTE_LOGICAL : 0) |
		      (address & BIT(3) ? IRTE_REDIRECTION : 0) | (level ? IRTE_LEVEL : 0) |
		      (u64)(data >> 8 & 7) << 5 | (u64)(data & 0xff) << 16 | destination << 32,
		.hi = source_bits(source),
	};
}

/**
 * irte_posted() - an entry that posts into a descriptor
 * @descriptor: physical address of the posted-interrupt descriptor, 64-byte aligned
 * @vector: the guest's vector
 * @urgent: notify at once, also when notifications are suppressed
 * @source: who may send it
 *
 * For units with CAP.PI.
 *
 * Return: the entry.
 */
struct entry128 irte_posted(u64 descriptor, u8 vector, bool urgent, struct irte_source source)
{
	return (struct entry128){
		.lo = IRTE_PRESENT | IRTE_POSTED | (urgent ? IRTE_URGENT : 0) |
		      (u64)vector << 16 | (descriptor & 0xffffffc0) << 32,
		.hi = source_bits(source) | (descriptor & 0xffffffff00000000),
	};
}

/**
 * irte_message() - the address of a message in remappable format
 * @index: its entry
 * @block: the device adds its message number, in the data, to @index
 *
 * Without @block the data means nothing to the unit. The upper half of the address is 0.
 *
 * Return: the lower half.
 */
u32 irte_message(unsigned int index, bool block)
{
	return 0xfee00000 | (index & 0x7fff) << 5 | (u32)BIT(4) | (block ? (u32)BIT(3) : 0) |
	       (index >> 15 & 1) << 2;
}
