// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules of x86 paging: entry formats, reserved bits, access rights.
 *
 * SDM, "32-Bit Paging", "PAE Paging", "4-Level Paging and 5-Level Paging", "Access Rights",
 * "Page-Fault Exceptions". Pure C; see paging.h.
 */
#include "arch/x86/mmu/paging.h"

#define ADDR_MASK	GENMASK_ULL(51, 12)

/**
 * paging_is_leaf() - does an entry map a page?
 * @m: the mode
 * @level: of its table
 * @entry: the entry, which is present
 *
 * Return: true if it does; false: it links a table.
 */
bool paging_is_leaf(const struct paging_mode *m, int level, u64 entry)
{
	if (level == 1)
		return true;
	if (!(entry & PTE_PS))
		return false;
	switch (level) {
	case 2:
		return m->levels > 2 || m->pse;
	case 3:
		/* PAE's PDPTEs have a reserved bit there; they are not walked but loaded. */
		return m->levels > 3 && m->gbpages;
	default:
		return false;
	}
}

/**
 * paging_reserved() - which reserved bits of an entry are set?
 * @m: the mode
 * @level: of its table
 * @entry: the entry, which is present
 *
 * Return: the bits that ought to be 0 and are not.
 */
u64 paging_reserved(const struct paging_mode *m, int level, u64 entry)
{
	bool leaf = paging_is_leaf(m, level, entry);
	u64 rsvd;

	if (m->levels == 2) {
		unsigned int width = m->maxphyaddr < 40 ? m->maxphyaddr : 40;

		if (level == 1 || !leaf)
			return 0;
		/* PSE-36: bits 20:13 are address bits 39:32, as many as there are. */
		rsvd = BIT_ULL(21);
		if (width < 40)
			rsvd |= GENMASK_ULL(20, width > 32 ? width - 19 : 13);
		return entry & rsvd;
	}

	rsvd = m->maxphyaddr < 52 ? GENMASK_ULL(51, m->maxphyaddr) : 0;
	if (!m->nxe)
		rsvd |= PTE_XD;
	if (m->levels == 3)
		rsvd |= GENMASK_ULL(62, 52);
	if (leaf && level > 1)
		rsvd |= GENMASK_ULL(11 + 9 * (level - 1), 13);	/* 12 is PAT */
	else if (level > 2)
		rsvd |= PTE_PS;		/* no page of that size */
	return entry & rsvd;
}

/**
 * paging_suspect() - bits that ordinary entries have clear
 * @m: the mode
 *
 * An entry without any of them has no reserved bit set, whatever its level, and is a leaf only at
 * level 1: a walk need not ask paging_reserved() and paging_is_leaf() then.
 *
 * Return: the bits.
 */
u64 paging_suspect(const struct paging_mode *m)
{
	u64 bits = PTE_PS;

	if (m->levels == 2)
		return bits;
	if (m->maxphyaddr < 52)
		bits |= GENMASK_ULL(51, m->maxphyaddr);
	if (!m->nxe)
		bits |= PTE_XD;
	if (m->levels == 3)
		bits |= GENMASK_ULL(62, 52);
	return bits;
}

/**
 * paging_table() - where the next table is
 * @m: the mode
 * @entry: an entry that links it, or CR3
 *
 * Return: its physical address.
 */
u64 paging_table(const struct paging_mode *m, u64 entry)
{
	return entry & (m->levels == 2 ? GENMASK_ULL(31, 12) : ADDR_MASK);
}

/**
 * paging_address() - where a page is
 * @m: the mode
 * @level: of its table
 * @entry: a leaf
 * @linear: the linear address
 *
 * Return: the physical address to which the leaf translates @linear.
 */
u64 paging_address(const struct paging_mode *m, int level, u64 entry, u64 linear)
{
	unsigned int bits = 12 + (m->levels == 2 ? 10 : 9) * (level - 1);
	u64 offset = BIT_ULL(bits) - 1;
	u64 base = entry & ADDR_MASK & ~offset;

	if (m->levels == 2) {
		base &= GENMASK_ULL(31, 12);
		if (level == 2)
			base |= (entry & GENMASK_ULL(20, 13)) << 19;
	}
	return base | (linear & offset);
}

/**
 * paging_canonical() - is a linear address canonical?
 * @m: the mode
 * @linear: the address
 *
 * Return: true if it is, always below 4 levels.
 */
bool paging_canonical(const struct paging_mode *m, u64 linear)
{
	unsigned int bits = m->levels == 5 ? 57 : 48;
	u64 top;

	if (m->levels < 4)
		return true;
	top = linear >> (bits - 1);
	return top == 0 || top == (~0ULL >> (bits - 1));
}

/**
 * paging_error() - error code of an access that met no page
 * @m: the mode
 * @access: PF_WRITE, PF_USER, PF_FETCH
 * @rsvd: a reserved bit is set; else an entry is not present
 *
 * Return: the error code of the page fault.
 */
u32 paging_error(const struct paging_mode *m, u32 access, bool rsvd)
{
	u32 error = access & (PF_WRITE | PF_USER);

	/* A fetch is called one only where it can be forbidden at all. */
	if ((access & PF_FETCH) && (m->nxe || m->smep))
		error |= PF_FETCH;
	if (rsvd)
		error |= PF_P | PF_RSVD;
	return error;
}

/**
 * paging_check() - may this access be made?
 * @m: the mode
 * @r: rights of the page
 * @access: PF_WRITE, PF_USER, PF_FETCH
 * @implicit: a supervisor access to a system structure, whatever the CPL
 *
 * Return: 0, or the error code of the page fault.
 */
u32 paging_check(const struct paging_mode *m, const struct paging_rights *r, u32 access,
		 bool implicit)
{
	bool write = access & PF_WRITE, fetch = access & PF_FETCH;
	bool user = (access & PF_USER) && !implicit;
	bool denied = false;
	u32 pk = 0;

	if (user) {
		denied |= !r->user;
		denied |= write && !r->write;
	} else {
		denied |= write && !r->write && m->wp;
		if (r->user) {
			denied |= fetch && m->smep;
			denied |= !fetch && m->smap && (implicit || !m->ac);
		}
	}
	denied |= fetch && r->nx && m->nxe;

	/* Keys guard data accesses to user pages, by whomever. */
	if (m->pke && r->user && !fetch) {
		u32 key = m->pkru >> (r->pkey * 2) & 3;

		if ((key & 1) || ((key & 2) && write && (user || m->wp)))
			pk = PF_PK;
	}

	if (!denied && !pk)
		return 0;
	if (implicit)
		access &= ~PF_USER;
	return paging_error(m, access, false) | PF_P | pk;
}
