// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model of the remapping hardware: registers, commands, invalidation queue, fault records.
 *
 * VT-d specification, "Register Descriptions", "Queued Invalidation Interface", "Primary Fault
 * Logging". What software must not do is a violation, in words; what it may do is done, later.
 */
#include <string.h>

#include "memory.h"
#include "vtd.h"

enum {
	VER = 0x00, CAP = 0x08, ECAP = 0x10, GCMD = 0x18, GSTS = 0x1c, RTADDR = 0x20, FSTS = 0x34,
	FECTL = 0x38, FEDATA = 0x3c, FEADDR = 0x40, FEUADDR = 0x44, PMEN = 0x64, IQH = 0x80,
	IQT = 0x88, IQA = 0x90, ICS = 0x9c, IECTL = 0xa0, IEDATA = 0xa4, IEADDR = 0xa8,
	IEUADDR = 0xac, IRTA = 0xb8,
};

#define TE	(1U << 31)
#define SRTP	(1U << 30)
#define WBF	(1U << 27)
#define QIE	(1U << 26)
#define IRE	(1U << 25)
#define SIRTP	(1U << 24)
#define CFI	(1U << 23)
#define ENABLES	(TE | QIE | IRE | CFI)
#define ONCE	(SRTP | WBF | SIRTP)

#define PFO	(1U << 0)
#define PPF	(1U << 1)
#define IQE	(1U << 4)
#define ICE	(1U << 5)
#define ITE	(1U << 6)
#define MASKED	(1U << 31)
#define WAITING	(1U << 30)

static uint32_t *reg32(struct vtd *v, uint32_t at)
{
	return &v->reg[at / 4];
}

static uint64_t reg64(struct vtd *v, uint32_t at)
{
	return v->reg[at / 4] | (uint64_t)v->reg[at / 4 + 1] << 32;
}

uint64_t vtd_bits(uint64_t value, unsigned int high, unsigned int low)
{
	return value << (63 - high) >> (63 - high + low);
}

void vtd_power_on(struct vtd *v, const struct vtd_choice *choice)
{
	uint64_t cap = choice->cap | choice->domains | (uint64_t)(choice->mgaw - 1) << 16 |
		       (uint64_t)(VTD_FRO / 16) << 24 | (uint64_t)(choice->records - 1) << 40 |
		       (uint64_t)choice->mamv << 48;
	uint64_t ecap = choice->ecap | (uint64_t)choice->mhmv << 20;

	memset(v, 0, sizeof(*v));
	v->is = *choice;
	*reg32(v, VER) = 0x10;
	memcpy(reg32(v, CAP), &cap, sizeof(cap));
	memcpy(reg32(v, ECAP), &ecap, sizeof(ecap));
	*reg32(v, FECTL) = MASKED;
	*reg32(v, IECTL) = MASKED;
}

static void fault_event(struct vtd *v)
{
	if (*reg32(v, FECTL) & MASKED)
		*reg32(v, FECTL) |= WAITING;
	else
		v->fault_events++;
}

/* A bit of Fault Status is set; software is told if none was set before. */
static void set_fault_status(struct vtd *v, uint32_t bit)
{
	uint32_t before = *reg32(v, FSTS) & (PFO | PPF | IQE | ICE | ITE);

	*reg32(v, FSTS) |= bit;
	if (!before)
		fault_event(v);
}

/* Record a fault; @info is the upper half-record: page address, or index in the bits 63:48. */
struct vtd_answer vtd_fault(struct vtd *v, uint8_t reason, uint16_t source, uint64_t info,
			    bool read)
{
	uint32_t *record = reg32(v, VTD_FRO + 16 * v->next_record);
	struct vtd_answer answer = { .outcome = VTD_FAULT, .reason = reason };

	if (*reg32(v, FSTS) & PFO)
		return answer;
	if (record[3] >> 31) {
		set_fault_status(v, PFO);
		return answer;
	}
	record[0] = info & ~0xfffUL;
	record[1] = info >> 32;
	record[2] = source;
	record[3] = 1U << 31 | (uint32_t)read << 30 | reason;
	if (!(*reg32(v, FSTS) & PPF))
		*reg32(v, FSTS) = (*reg32(v, FSTS) & ~0xff00U) | v->next_record << 8;
	set_fault_status(v, PPF);
	v->next_record = (v->next_record + 1) % v->is.records;
	return answer;
}

static void clear_record(struct vtd *v, uint32_t at)
{
	bool any = false;
	unsigned int i;

	*reg32(v, at) &= ~(1U << 31);
	for (i = 0; i < v->is.records; i++)
		any |= *reg32(v, VTD_FRO + 16 * i + 12) >> 31;
	if (!any)
		*reg32(v, FSTS) &= ~PPF;
}

static void begin_command(struct vtd *v, uint32_t value)
{
	uint32_t *status = reg32(v, GSTS);
	uint32_t change = ((value ^ *status) & ENABLES) | (value & ONCE);

	if (value & ~(ENABLES | ONCE))
		violation("Global Command %#x has bits that this unit does not know", value);
	if (change & (change - 1))
		violation("Global Command %#x changes more than one thing", value);
	if (v->command)
		violation("Global Command %#x before %#x is done", value, v->command);
	if (change & QIE && value & QIE && reg64(v, IQT))
		violation("queue on while its tail is %#lx", reg64(v, IQT));
	if (change & QIE && !(value & QIE) && reg64(v, IQT) != reg64(v, IQH))
		violation("queue off while it is not empty");
	if (change & TE && value & TE && !(*status & SRTP))
		violation("translation on without a root table");
	if (change & TE && value & TE && vtd_scalable(v) && !(reg64(v, IQA) >> 11 & 1))
		violation("scalable mode with a queue of small descriptors");
	if (change & IRE && value & IRE && !(*status & SIRTP))
		violation("interrupt remapping on without a table");
	if (change & (IRE | SIRTP) && !(v->is.ecap & VTD_ECAP_IR))
		violation("interrupt remapping commanded, and there is none");
	*status &= ~(change & (SRTP | SIRTP));
	*status |= change & WBF;
	v->command = change;
	v->delay = mem_random() % 4;
}

static void finish_command(struct vtd *v)
{
	uint32_t *status = reg32(v, GSTS), change = v->command;

	v->command = 0;
	*status ^= change & (ENABLES | WBF);
	*status |= change & (SRTP | SIRTP);
	if (change & SRTP)
		v->root = reg64(v, RTADDR);
	if (change & SIRTP)
		v->irt = reg64(v, IRTA);
	if (change & QIE)
		*reg32(v, IQH) = 0;
	if (change & WBF)
		mem_drain();
}

/* Is every bit of @value that is not in [high:low] of one of the fields zero? */
static bool only(uint64_t value, uint64_t fields)
{
	return !(value & ~fields);
}

#define FIELD(high, low)	((~0UL >> (63 - (high))) & (~0UL << (low)))

/* Where a device-TLB descriptor names the physical function. */
static uint64_t pf_fields(const struct vtd *v)
{
	return v->is.ecap & VTD_ECAP_DIT ? FIELD(15, 12) | FIELD(63, 52) : 0;
}

/* Descriptors that exist in 256 bits only. Return: as execute(). */
static uint32_t execute_pasid(struct vtd *v, uint64_t lo, uint64_t hi)
{
	unsigned int granularity = vtd_bits(lo, 5, 4), mask = vtd_bits(hi, 5, 0);
	uint32_t pasid = vtd_bits(lo, 51, 32);
	uint16_t domain = vtd_bits(lo, 31, 16);

	switch (lo & 0xf) {
	case 6:		/* PASID-based IOTLB */
		if (!only(lo, FIELD(5, 0) | FIELD(51, 16)) || granularity < 2 ||
		    !only(hi, FIELD(6, 0) | FIELD(63, 12)))
			return IQE;
		if (granularity == 3 && (!(v->is.cap & VTD_CAP_PSI) || mask > v->is.mamv))
			return IQE;
		if (granularity == 3 && hi >> 12 & ((1UL << mask) - 1))
			violation("invalidation by PASID of %#lx is not aligned to its mask", hi);
		mem_drain();
		vtd_forget_pasid_pages(v, granularity == 2, domain, pasid, hi & ~0xfffUL, mask,
				       hi >> 6 & 1);
		return 0;
	case 7:		/* PASID-cache */
		if (!only(lo, FIELD(5, 0) | FIELD(51, 16)) || hi || granularity == 2)
			return IQE;
		mem_drain();
		vtd_forget_pasids(v, granularity, domain, pasid);
		return 0;
	case 8:		/* PASID-based device-TLB */
		if (!(v->is.ecap & VTD_ECAP_DT) ||
		    !only(lo, FIELD(8, 0) | FIELD(51, 16) | pf_fields(v)) ||
		    !only(hi, FIELD(0, 0) | FIELD(11, 11) | FIELD(63, 12)))
			return IQE;
		if (v->time_out)
			return ITE;
		vtd_forget_device_pages(v, domain, pasid, hi & ~0xfffUL, hi >> 11 & 1);
		return 0;
	}
	return IQE;
}

/* Return: 0, or the bit of Fault Status that ends the queue's progress. */
static uint32_t execute(struct vtd *v, uint64_t lo, uint64_t hi)
{
	unsigned int granularity = vtd_bits(lo, 5, 4), mask;
	uint16_t domain = vtd_bits(lo, 31, 16);

	switch (lo & 0xf) {
	case 1:		/* context-cache */
		if (!only(lo, FIELD(5, 0) | FIELD(49, 16)) || hi || !granularity)
			return IQE;
		if (vtd_scalable(v) && granularity == 2)
			violation("context invalidation by domain, and contexts have none");
		mem_drain();
		vtd_forget_contexts(v, granularity, domain, vtd_bits(lo, 47, 32),
				    vtd_bits(lo, 49, 48));
		return 0;
	case 2:		/* IOTLB */
		mask = vtd_bits(hi, 5, 0);
		if (!only(lo, FIELD(7, 0) | FIELD(31, 16)) || !granularity ||
		    !only(hi, FIELD(6, 0) | FIELD(63, 12)))
			return IQE;
		if (granularity == 3 && (!(v->is.cap & VTD_CAP_PSI) || mask > v->is.mamv))
			return IQE;
		if (granularity == 3 && hi >> 12 & ((1UL << mask) - 1))
			violation("IOTLB invalidation of %#lx is not aligned to its mask", hi);
		mem_drain();
		vtd_forget_pages(v, granularity, domain, hi & ~0xfffUL, mask, hi >> 6 & 1);
		return 0;
	case 3:		/* device-TLB */
		if (!(v->is.ecap & VTD_ECAP_DT) || !only(hi, FIELD(0, 0) | FIELD(63, 12)) ||
		    !only(lo, FIELD(3, 0) | FIELD(20, 16) | FIELD(47, 32) | pf_fields(v)))
			return IQE;
		if (v->time_out)
			return ITE;
		vtd_forget_device_pages(v, vtd_bits(lo, 47, 32), VTD_NO_PASID,
					hi & ~0xfffUL, hi & 1);
		return 0;
	case 4:		/* interrupt-entry cache */
		mask = vtd_bits(lo, 31, 27);
		if (!only(lo, FIELD(4, 0) | FIELD(47, 27)) || hi || !(v->is.ecap & VTD_ECAP_IR) ||
		    (lo >> 4 & 1 && mask > v->is.mhmv))
			return IQE;
		if (lo >> 4 & 1 && vtd_bits(lo, 47, 32) & ((1U << mask) - 1))
			violation("interrupt-entry invalidation is not aligned to its mask");
		vtd_forget_interrupts(v, !(lo >> 4 & 1), vtd_bits(lo, 47, 32), mask);
		return 0;
	case 5:		/* wait */
		if (!only(lo, FIELD(7, 0) | FIELD(63, 32)) || hi & 3)
			return IQE;
		if (lo >> 5 & 1 && !mem_write32(hi, lo >> 32))
			violation("wait descriptor reports to %#lx, which is no memory", hi);
		if (lo >> 4 & 1)
			*reg32(v, ICS) |= 1;
		return 0;
	}
	return IQE;
}

/* The queue is always read coherently, unlike the tables. Return: as execute(). */
static uint32_t run_descriptor(struct vtd *v, uint64_t at, bool large)
{
	uint64_t *d = mem_at(at, large ? 32 : 16);

	if (!d || (large && (d[2] | d[3])))
		return IQE;
	return large && (d[0] & 0xf) > 5 ? execute_pasid(v, d[0], d[1]) : execute(v, d[0], d[1]);
}

static void run_queue(struct vtd *v, unsigned int most)
{
	uint64_t base = reg64(v, IQA) & ~0xfffUL;
	bool large = reg64(v, IQA) >> 11 & 1;
	uint32_t *head = reg32(v, IQH), size = 4096U << (reg64(v, IQA) & 7), end, *next;
	uint32_t step = large ? 32 : 16;

	while (most-- && *reg32(v, GSTS) & QIE && !v->hold && *head != *reg32(v, IQT) &&
	       !(*reg32(v, FSTS) & (IQE | ITE))) {
		end = run_descriptor(v, base + *head, large);
		v->descriptors++;
		if (end)
			set_fault_status(v, end);
		if (end != IQE)
			*head = (*head + step) % size;
		/* A wait that was fetched already is given up. */
		next = mem_at(base + *head, step);
		if (end == ITE && *head != *reg32(v, IQT) && next && (*next & 0xf) == 5 &&
		    mem_random() % 2)
			*head = (*head + step) % size;
	}
}

/* Time passes: commands and descriptors complete, some of them. */
void vtd_tick(struct vtd *v)
{
	if (v->command && !v->deaf && !v->delay--)
		finish_command(v);
	run_queue(v, mem_random() % 3);
}

uint32_t vtd_read32(struct vtd *v, uint32_t at)
{
	vtd_tick(v);
	return *reg32(v, at & 0xffc);
}

void vtd_write32(struct vtd *v, uint32_t at, uint32_t value)
{
	uint32_t records = VTD_FRO + 16 * v->is.records, queue = *reg32(v, IQA);

	vtd_tick(v);
	switch (at) {
	case GCMD:
		begin_command(v, value);
		return;
	case FSTS:
		*reg32(v, FSTS) &= ~(value & (PFO | IQE | ICE | ITE));
		return;
	case FECTL:
		*reg32(v, FECTL) = (*reg32(v, FECTL) & WAITING) | (value & MASKED);
		if (*reg32(v, FECTL) == WAITING) {
			*reg32(v, FECTL) = 0;
			fault_event(v);
		}
		return;
	case IQA: case IQA + 4:
		if (*reg32(v, GSTS) & QIE)
			violation("queue address written while the queue is on");
		if (at == IQA && value & (v->is.ecap & VTD_ECAP_SMTS ? 0x7f8 : 0xff8))
			violation("queue address %#x has bits that this unit does not know", value);
		break;
	case IQT:
		if (value & (queue >> 11 & 1 ? 0x1f : 0xf) || value >= 4096U << (queue & 7))
			violation("queue tail %#x lies beyond the queue", value);
		break;
	case PMEN:
		value = value >> 31 ? 1U << 31 | 1 : 0;
		break;
	case RTADDR:
		if (value & (v->is.ecap & VTD_ECAP_SMTS ? 0xbff : 0xfff))
			violation("root table address %#x asks for another mode", value);
		break;
	case IRTA:
		if (value & 0x7f0 || (value >> 11 & 1 && !(v->is.ecap & VTD_ECAP_EIM)))
			violation("interrupt table address %#x asks for what there is not", value);
		break;
	case IQT + 4: case RTADDR + 4: case IRTA + 4: case FEDATA: case FEADDR: case FEUADDR:
	case IEDATA: case IEADDR: case IEUADDR: case IECTL:
		break;
	default:
		if (at >= VTD_FRO && at < records && at % 16 == 12 && value >> 31)
			clear_record(v, at);
		else if (at < VTD_FRO || at >= records)
			violation("write to the register at %#x", at);
		return;
	}
	*reg32(v, at) = value;
}
