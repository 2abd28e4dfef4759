// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory types from MTRRs, PAT and what the memory is.
 *
 * SDM, "MTRR Precedences", "Fixed Range MTRRs", "Variable Range MTRRs", "EPT and Memory Typing".
 * Pure C; see memtype.h for the rule in words.
 */
#include "arch/x86/mmu/memtype.h"

#define DEF_TYPE_FIXED_ENABLE	BIT_ULL(10)
#define DEF_TYPE_ENABLE		BIT_ULL(11)
#define PHYSMASK_VALID		BIT_ULL(11)
#define FIXED_END		0x100000ULL

/* The eleven fixed registers cover the first megabyte in steps of 64K, 16K and 4K. */
static u8 fixed_type(const u64 *fixed, u64 addr)
{
	unsigned int reg, byte;

	if (addr < 0x80000) {
		reg = 0;
		byte = addr >> 16;
	} else if (addr < 0xc0000) {
		reg = 1 + ((addr - 0x80000) >> 17);
		byte = (addr - 0x80000) >> 14 & 7;
	} else {
		reg = 3 + ((addr - 0xc0000) >> 15);
		byte = (addr - 0xc0000) >> 12 & 7;
	}
	return fixed[reg] >> (byte * 8);
}

static int fixed_range_type(const u64 *fixed, u64 start, u64 end)
{
	u8 type = fixed_type(fixed, start);
	u64 addr;

	for (addr = start; addr < end; addr += 0x1000)
		if (fixed_type(fixed, addr) != type)
			return -1;
	return type;
}

/* Two variable ranges over the same byte: UC wins, WT beats WB, anything else is undefined. */
static u8 combine(u8 a, u8 b)
{
	if (a == b)
		return a;
	if (a == MEMTYPE_UC || b == MEMTYPE_UC)
		return MEMTYPE_UC;
	if ((a == MEMTYPE_WT && b == MEMTYPE_WB) || (a == MEMTYPE_WB && b == MEMTYPE_WT))
		return MEMTYPE_WT;
	return MEMTYPE_UC;	/* undefined: the safe one */
}

/**
 * mtrr_range_type() - memory type that the MTRRs give to a range
 * @m: the MTRRs
 * @start: first byte, 4K-aligned guest-physical address
 * @len: bytes, a power of two not below 4096; @start is aligned to it
 * @maxphyaddr: physical address width of the guest
 *
 * Return: MEMTYPE_*, or -1 when the range has more than one type.
 */
int mtrr_range_type(const struct guest_mtrrs *m, u64 start, u64 len, unsigned int maxphyaddr)
{
	u64 width = maxphyaddr < 64 ? BIT_ULL(maxphyaddr) - 1 : ~0ULL;
	int type = -1;
	unsigned int i;

	/* After reset and until firmware says otherwise everything is uncacheable. */
	if (!(m->def_type & DEF_TYPE_ENABLE))
		return MEMTYPE_UC;

	if ((m->def_type & DEF_TYPE_FIXED_ENABLE) && start < FIXED_END) {
		u64 end = start + len;

		if (end > FIXED_END)
			return -1;	/* 2M page at 0: the first half is not what the rest is */
		return fixed_range_type(m->fixed, start, end);
	}

	for (i = 0; i < MTRR_NR_VAR; i++) {
		u64 base = m->var[2 * i], mask = m->var[2 * i + 1];
		u64 care = mask & width & ~0xfffULL;
		u8 t = base & 0xff;

		if (!(mask & PHYSMASK_VALID))
			continue;
		/*
		 * An address is inside when it agrees with base in all bits of the mask. A range
		 * that is aligned to its length may be in, out, or (when the mask has a bit
		 * inside the range) partly in.
		 */
		if ((start ^ base) & care & ~(len - 1))
			continue;
		if (care & (len - 1))
			return -1;
		type = type < 0 ? t : combine(type, t);
	}
	return type < 0 ? (int)(m->def_type & 0xff) : type;
}

/**
 * ept_memtype() - the memory type of a leaf
 * @in: what it depends on
 *
 * Return: the type in bits 2:0, EPT_MEMTYPE_IPAT as bit 3.
 */
u8 ept_memtype(const struct ept_memtype_in *in)
{
	/*
	 * Registers of an assigned device. UC here still lets the guest's PAT choose WC (the one
	 * combination in which PAT overrides UC), which frame buffers want.
	 */
	if (in->is_mmio)
		return MEMTYPE_UC;

	/*
	 * RAM that only CPUs and snooping devices touch looks the same to all of them under any
	 * type, so the guest gets the fastest, whatever it asks for. This also keeps the guest
	 * from making the host's view of the page incoherent.
	 */
	if (!in->noncoherent_dma)
		return MEMTYPE_WB | EPT_MEMTYPE_IPAT;

	/* A device reads past the caches: now the guest's wishes are more than performance. */
	if (in->cache_disabled)
		return (in->cd_ignored ? MEMTYPE_WB : MEMTYPE_UC) | EPT_MEMTYPE_IPAT;
	switch (in->mtrr_type) {
	case MEMTYPE_UC:
	case MEMTYPE_WC:
	case MEMTYPE_WT:
	case MEMTYPE_WP:
	case MEMTYPE_WB:
		return in->mtrr_type;
	default:
		/* 2, 3 and 7 are reserved in an EPT leaf: they would end in a misconfiguration. */
		return MEMTYPE_UC;
	}
}
