// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model of the remapping hardware: interrupt requests, remapped or posted.
 *
 * VT-d specification, "Interrupt Remapping", "Interrupt Posting", "Interrupt-Remapping Table
 * Entry", "Posted Interrupt Descriptor". An entry is read as a whole; so is a descriptor, which is
 * then changed as by one locked operation.
 */
#include "memory.h"
#include "vtd.h"

#define REMAPPING_ON(v)		((v)->reg[0x1c / 4] >> 25 & 1)
#define COMPATIBILITY_ON(v)	((v)->reg[0x1c / 4] >> 23 & 1)
#define EXTENDED(v)		((v)->irt >> 11 & 1)

void vtd_forget_interrupts(struct vtd *v, bool all, unsigned int index, unsigned int mask)
{
	unsigned int i;

	for (i = 0; i < VTD_INTERRUPTS; i++)
		if (all || (v->interrupts[i].tag ^ index) >> mask == 0)
			v->interrupts[i].valid = false;
}

static bool good_source(uint64_t hi, uint16_t source)
{
	static const uint16_t ignored[] = { 0, 4, 6, 7 };

	switch (vtd_bits(hi, 19, 18)) {
	case 0:
		return true;
	case 1:
		return !(((uint16_t)hi ^ source) & ~ignored[vtd_bits(hi, 17, 16)]);
	default:
		return source >> 8 >= vtd_bits(hi, 15, 8) && source >> 8 <= vtd_bits(hi, 7, 0);
	}
}

static bool irte_reserved(const struct vtd *v, uint64_t lo, uint64_t hi)
{
	bool posted = lo >> 15 & 1;

	if (vtd_bits(hi, 19, 18) == 3 || vtd_bits(lo, 31, 24))
		return true;
	if (posted && !(v->is.cap & VTD_CAP_PI))
		return true;
	if (posted)
		return vtd_bits(lo, 7, 2) || vtd_bits(lo, 13, 12) || vtd_bits(lo, 37, 32) ||
		       vtd_bits(hi, 31, 20);
	if (vtd_bits(lo, 14, 12) || vtd_bits(hi, 63, 20) || vtd_bits(lo, 7, 5) == 3 ||
	    vtd_bits(lo, 7, 5) == 6)
		return true;
	return !EXTENDED(v) && (vtd_bits(lo, 39, 32) || vtd_bits(lo, 63, 48));
}

/* "Interrupt Posting Hardware Operation". */
static uint8_t post(struct vtd *v, uint64_t lo, uint64_t hi, struct vtd_answer *answer)
{
	uint64_t *pid, control;
	bool urgent = lo >> 14 & 1;

	answer->outcome = VTD_POSTED;
	answer->vector = vtd_bits(lo, 23, 16);
	answer->address = vtd_bits(lo, 63, 38) << 6 | (hi >> 32 << 32);
	pid = mem_at(answer->address, 64);
	if (!pid || answer->address >> v->is.haw)
		return PID_ACCESS;
	control = pid[4];
	if (vtd_bits(control, 15, 2) || vtd_bits(control, 31, 24) || pid[5] | pid[6] | pid[7] ||
	    (!EXTENDED(v) && (vtd_bits(control, 39, 32) || vtd_bits(control, 63, 48))))
		return PID_RESERVED;
	pid[answer->vector / 64] |= 1UL << answer->vector % 64;
	if (control & 1 || (control & 2 && !urgent))
		return 0;
	pid[4] = control | 1;
	answer->notified = true;
	answer->notification = vtd_bits(control, 23, 16);
	answer->destination = EXTENDED(v) ? control >> 32 : vtd_bits(control, 47, 40);
	return 0;
}

static uint8_t read_entry(struct vtd *v, unsigned int index, uint64_t *lo, uint64_t *hi)
{
	struct vtd_cached *slot = &v->interrupts[(index ^ index >> 8) % VTD_INTERRUPTS];
	uint64_t at = (v->irt & ~0xfffUL) + 16 * index;
	uint8_t reason = 0;

	if (slot->valid && slot->tag == index && mem_random() % 8) {
		v->cache_hits++;
		*lo = slot->lo;
		*hi = slot->hi;
		return slot->reason;
	}
	if (!mem_read(at, lo) || !mem_read(at + 8, hi))
		return IRT_ACCESS;
	if (!(*lo & 1))
		reason = IRTE_NOT_PRESENT;
	else if (irte_reserved(v, *lo, *hi))
		reason = IRTE_RESERVED;
	if (!reason || v->is.cap & VTD_CAP_CM)
		*slot = (struct vtd_cached){
			.valid = true, .tag = index, .lo = *lo, .hi = *hi, .reason = reason,
		};
	return reason;
}

static struct vtd_answer as_it_is(uint64_t address, uint32_t data)
{
	return (struct vtd_answer){
		.outcome = VTD_INTERRUPT, .compatibility = true, .vector = data,
		.delivery = vtd_bits(data, 10, 8), .level = data >> 15 & 1,
		.destination = vtd_bits(address, 19, 12), .redirection = address >> 3 & 1,
		.logical = address >> 2 & 1,
	};
}

/* A write of 4 bytes to 0xfeexxxxx. */
struct vtd_answer vtd_interrupt(struct vtd *v, uint16_t source, uint64_t address, uint32_t data)
{
	struct vtd_answer answer = { .outcome = VTD_INTERRUPT };
	unsigned int index = vtd_bits(address, 19, 5) | (address >> 2 & 1) << 15;
	uint64_t lo = 0, hi = 0;
	uint8_t reason;

	if (!REMAPPING_ON(v))
		return as_it_is(address, data);
	if (!(address >> 4 & 1)) {
		if (!EXTENDED(v) && COMPATIBILITY_ON(v))
			return as_it_is(address, data);
		return vtd_fault(v, IRQ_COMPATIBILITY, source, 0, false);
	}
	/* Subhandle Valid: the device counts its messages in the data. */
	if (address >> 3 & 1) {
		if (data >> 16)
			return vtd_fault(v, IRQ_RESERVED, source, (uint64_t)index << 48, false);
		index += data;
	}
	if (index >= 2U << (v->irt & 0xf))
		return vtd_fault(v, IRQ_INDEX, source, (uint64_t)index << 48, false);
	reason = read_entry(v, index, &lo, &hi);
	if (!reason && !good_source(hi, source))
		reason = IRQ_SOURCE;
	if (!reason && lo >> 15 & 1)
		reason = post(v, lo, hi, &answer);
	if (reason) {
		if (lo & 2 && reason != IRT_ACCESS)
			return (struct vtd_answer){ .outcome = VTD_FAULT, .reason = reason };
		return vtd_fault(v, reason, source, (uint64_t)index << 48, false);
	}
	if (answer.outcome == VTD_POSTED)
		return answer;
	answer.logical = lo >> 2 & 1;
	answer.redirection = lo >> 3 & 1;
	answer.level = lo >> 4 & 1;
	answer.delivery = vtd_bits(lo, 7, 5);
	answer.vector = vtd_bits(lo, 23, 16);
	answer.destination = EXTENDED(v) ? lo >> 32 : vtd_bits(lo, 47, 40);
	return answer;
}
