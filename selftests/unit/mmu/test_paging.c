// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_paging.c - tables for arch/x86/mmu/paging.c, and every combination of rights against a
 * second statement of the rules.
 *
 * SDM, "Paging", sections "Access Rights", "Protection Keys", "Page-Fault Exceptions" and the
 * tables of reserved bits.
 */
#include "arch/x86/mmu/paging.h"
#include "tap.h"

static const struct paging_mode bit32 = { .levels = 2, .pse = true, .maxphyaddr = 36 };
static const struct paging_mode nopse = { .levels = 2, .maxphyaddr = 36 };
static const struct paging_mode pse40 = { .levels = 2, .pse = true, .maxphyaddr = 46 };
static const struct paging_mode pse32 = { .levels = 2, .pse = true, .maxphyaddr = 32 };
static const struct paging_mode pae = { .levels = 3, .nxe = true, .maxphyaddr = 40 };
static const struct paging_mode long4 = {
	.levels = 4, .nxe = true, .gbpages = true, .maxphyaddr = 46,
};

static const struct paging_mode nonx = { .levels = 4, .maxphyaddr = 52 };
static const struct paging_mode long5 = { .levels = 5, .nxe = true, .gbpages = true,
					  .maxphyaddr = 52 };

static const struct {
	const char *name;
	const struct paging_mode *m;
	int level;
	u64 entry, want;
} rsvd_cases[] = {
	{ "32-bit PTE has no reserved bit", &bit32, 1, 0xffffffff, 0 },
	{ "32-bit PDE of a table has none", &bit32, 2, 0xffffff7f, 0 },
	{ "4M page: bit 21", &bit32, 2, 0x200081, 0x200000 },
	{ "4M page, 36 bits: 17 to 21 are reserved", &bit32, 2, 0x3fe081, 0x3e0000 },
	{ "4M page, 40 bits: only 21", &pse40, 2, 0x3fe081, 0x200000 },
	{ "4M page, 32 bits: 13 to 21", &pse32, 2, 0x3fe081, 0x3fe000 },
	{ "without PSE bit 7 means nothing", &nopse, 2, 0x3fe081, 0 },
	{ "PAE PTE: 52 to 62", &pae, 1, 0x7ff0000000000001, 0x7ff0000000000000 },
	{ "PAE PTE: above 40 bits", &pae, 1, 0x000fff0000000001, 0x000fff0000000000 },
	{ "PAE 2M: 13 to 20", &pae, 2, 0x1ff081, 0x1fe000 },
	{ "PAE: XD with NXE", &pae, 1, PTE_XD | 1, 0 },
	{ "long mode: XD without NXE", &nonx, 1, PTE_XD | 1, PTE_XD },
	{ "long mode: 52 to 62 are ignored", &long4, 1, 0x7ff0000000000001, 0 },
	{ "long mode: above 46 bits", &long4, 3, 0x000fc00000000001, 0x000fc00000000000 },
	{ "long mode, 52 bits: none above", &nonx, 2, 0x000ffffffffff001, 0 },
	{ "2M: 13 to 20", &long4, 2, 0x1ff081, 0x1fe000 },
	{ "1G: 13 to 29", &long4, 3, 0x3ffff081, 0x3fffe000 },
	{ "1G where there is none: bit 7", &nonx, 3, 0x81, 0x80 },
	{ "PML4E: bit 7", &long4, 4, 0x81, 0x80 },
	{ "PML5E: bit 7", &long5, 5, 0x81, 0x80 },
};

static const struct {
	const char *name;
	const struct paging_mode *m;
	int level;
	u64 entry, linear, want;
} address_cases[] = {
	{ "32-bit 4K", &bit32, 1, 0x12345fff, 0xabcdef12, 0x12345f12 },
	{ "32-bit 4M", &bit32, 2, 0x12400081, 0xabcdef12, 0x124def12 },
	{ "PSE-36", &bit32, 2, 0x1241e081, 0x00001234, 0xf12401234 },
	{ "PAE 2M", &pae, 2, 0xab00200081, 0x001fffff, 0xab003fffff },
	{ "4K drops flags and XD", &long4, 1, 0x8ff0000012345fff, 0xfff, 0x12345fff },
	{ "1G", &long4, 3, 0x80001081, 0x3fffffff, 0xbfffffff },
};

static const struct {
	const char *name;
	const struct paging_mode *m;
	u64 linear;
	bool want;
} canonical_cases[] = {
	{ "lower half", &long4, 0x00007fffffffffff, true },
	{ "first hole", &long4, 0x0000800000000000, false },
	{ "last hole", &long4, 0xffff7fffffffffff, false },
	{ "upper half", &long4, 0xffff800000000000, true },
	{ "5 levels, lower half", &long5, 0x00ffffffffffffff, true },
	{ "5 levels, hole", &long5, 0x0100000000000000, false },
	{ "5 levels, upper half", &long5, 0xff00000000000000, true },
	{ "32-bit has no hole", &bit32, 0xffffffff, true },
};

static const struct {
	const char *name;
	struct paging_mode m;
	struct paging_rights r;
	u32 access;
	bool implicit;
	u32 want;
} check_cases[] = {
	{ "user reads user page", { .levels = 4 }, { .user = true }, PF_USER, false, 0 },
	{ "user reads supervisor page", { .levels = 4 }, { .write = true }, PF_USER, false,
	  PF_P | PF_USER },
	{ "user writes read-only page", { .levels = 4 }, { .user = true }, PF_USER | PF_WRITE,
	  false, PF_P | PF_USER | PF_WRITE },
	{ "supervisor writes read-only page, WP=0", { .levels = 4 }, {}, PF_WRITE, false, 0 },
	{ "supervisor writes read-only page, WP=1", { .levels = 4, .wp = true }, {}, PF_WRITE,
	  false, PF_P | PF_WRITE },
	{ "fetch from XD page", { .levels = 4, .nxe = true }, { .nx = true }, PF_FETCH, false,
	  PF_P | PF_FETCH },
	{ "fetch from XD page, 32-bit paging", { .levels = 2 }, { .nx = true }, PF_FETCH, false,
	  0 },
	{ "user fetch from supervisor page without NXE, SMEP: no I/D", { .levels = 4 }, {},
	  PF_FETCH | PF_USER, false, PF_P | PF_USER },
	{ "the same with SMEP", { .levels = 4, .smep = true }, {}, PF_FETCH | PF_USER, false,
	  PF_P | PF_USER | PF_FETCH },
	{ "SMEP", { .levels = 4, .smep = true }, { .user = true }, PF_FETCH, false,
	  PF_P | PF_FETCH },
	{ "SMAP", { .levels = 4, .smap = true }, { .user = true }, 0, false, PF_P },
	{ "SMAP with AC", { .levels = 4, .smap = true, .ac = true }, { .user = true }, 0, false,
	  0 },
	{ "SMAP with AC, implicit", { .levels = 4, .smap = true, .ac = true }, { .user = true },
	  0, true, PF_P },
	{ "SMAP does not stop fetches", { .levels = 4, .smap = true }, { .user = true },
	  PF_FETCH, false, 0 },
	{ "implicit access at CPL 3 is supervisor's", { .levels = 4 }, {}, PF_USER, true, 0 },
	{ "key disables access", { .levels = 4, .pke = true, .pkru = 1 << 6 },
	  { .user = true, .write = true, .pkey = 3 }, PF_USER, false, PF_P | PF_USER | PF_PK },
	{ "another key's bit does not", { .levels = 4, .pke = true, .pkru = 1 << 6 },
	  { .user = true, .write = true, .pkey = 2 }, PF_USER, false, 0 },
	{ "key 15 disables writes", { .levels = 4, .pke = true, .pkru = 1U << 31 },
	  { .user = true, .write = true, .pkey = 15 }, PF_USER | PF_WRITE, false,
	  PF_P | PF_USER | PF_WRITE | PF_PK },
	{ "but not reads", { .levels = 4, .pke = true, .pkru = 1U << 31 },
	  { .user = true, .write = true, .pkey = 15 }, PF_USER, false, 0 },
	{ "nor the supervisor's writes with WP=0", { .levels = 4, .pke = true, .pkru = 2 },
	  { .user = true, .write = true }, PF_WRITE, false, 0 },
	{ "but those with WP=1", { .levels = 4, .pke = true, .wp = true, .pkru = 2 },
	  { .user = true, .write = true }, PF_WRITE, false, PF_P | PF_WRITE | PF_PK },
	{ "keys do not guard supervisor pages", { .levels = 4, .pke = true, .pkru = ~0U },
	  { .write = true }, PF_WRITE, false, 0 },
	{ "nor fetches", { .levels = 4, .pke = true, .pkru = ~0U }, { .user = true },
	  PF_USER | PF_FETCH, false, 0 },
};

/* The rules once more, in the order of the SDM's list, as one answer: may it, or not? */
static bool allowed(const struct paging_mode *m, const struct paging_rights *r, u32 access,
		    bool implicit)
{
	bool supervisor = implicit || !(access & PF_USER);
	u32 key = m->pkru >> (2 * r->pkey) & 3;

	if (access & PF_FETCH) {
		if (m->nxe && r->nx)
			return false;
		return supervisor ? !(r->user && m->smep) : r->user;
	}
	if (r->user && m->pke) {
		if (key & 1)
			return false;
		if ((access & PF_WRITE) && (key & 2) && (!supervisor || m->wp))
			return false;
	}
	if (!supervisor)
		return r->user && (!(access & PF_WRITE) || r->write);
	if (r->user && m->smap && !(m->ac && !implicit))
		return false;
	return !(access & PF_WRITE) || r->write || !m->wp;
}

static void test_all_rights(void)
{
	static const u32 accesses[] = {
		0, PF_WRITE, PF_USER, PF_USER | PF_WRITE, PF_FETCH, PF_FETCH | PF_USER,
	};
	unsigned int bits, a, n = 0, bad = 0;

	for (bits = 0; bits < 1 << 12; bits++) {
		struct paging_mode m = {
			.levels = 4, .maxphyaddr = 46, .nxe = bits & 1, .wp = bits & 2,
			.smep = bits & 4, .smap = bits & 8, .pke = bits & 16, .ac = bits & 32,
			.pkru = (bits >> 6 & 3) << 10,
		};
		struct paging_rights r = {
			.write = bits & 0x100, .user = bits & 0x200, .nx = bits & 0x400, .pkey = 5,
		};
		bool implicit = bits & 0x800;

		for (a = 0; a < ARRAY_SIZE(accesses); a++) {
			u32 error;

			if (implicit && (accesses[a] & PF_FETCH))
				continue;
			error = paging_check(&m, &r, accesses[a], implicit);
			n++;
			/* Every refusal of present pages has P; none has RSVD. */
			bad += allowed(&m, &r, accesses[a], implicit) != !error ||
			       (error && !(error & PF_P)) || (error & PF_RSVD);
		}
	}
	tap_ok(!bad, "%u combinations of mode, rights and access (%u wrong)", n, bad);
}

/* No entry that is reserved or a large page may look like an ordinary one to a walk. */
static void test_suspect(void)
{
	static const struct paging_mode *const modes[] = {
		&bit32, &nopse, &pse40, &pse32, &pae, &long4, &nonx, &long5,
	};
	unsigned int i, bit, bad = 0, needless = 0;
	int level;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		const struct paging_mode *m = modes[i];
		u64 suspect = paging_suspect(m);

		for (level = 1; level <= m->levels; level++)
			for (bit = 0; bit < (m->levels == 2 ? 32 : 64); bit++) {
				u64 e = PTE_P | BIT_ULL(bit);

				bad += (e & suspect) ? 0 : !!paging_reserved(m, level, e);
				bad += level > 1 && !(e & suspect) && paging_is_leaf(m, level, e);
			}
		needless += !!(suspect & (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D));
	}
	tap_ok(!bad, "every reserved bit and every large page is suspect (%u are not)", bad);
	tap_ok(!needless, "no flag of every day is suspect (%u are)", needless);
}

int main(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rsvd_cases); i++) {
		u64 got = paging_reserved(rsvd_cases[i].m, rsvd_cases[i].level,
					  rsvd_cases[i].entry);

		tap_ok(got == rsvd_cases[i].want, "reserved: %s (%#llx, want %#llx)",
		       rsvd_cases[i].name, (unsigned long long)got,
		       (unsigned long long)rsvd_cases[i].want);
	}
	for (i = 0; i < ARRAY_SIZE(address_cases); i++) {
		u64 got = paging_address(address_cases[i].m, address_cases[i].level,
					 address_cases[i].entry, address_cases[i].linear);

		tap_ok(got == address_cases[i].want, "address: %s (%#llx, want %#llx)",
		       address_cases[i].name, (unsigned long long)got,
		       (unsigned long long)address_cases[i].want);
	}
	for (i = 0; i < ARRAY_SIZE(canonical_cases); i++)
		tap_ok(paging_canonical(canonical_cases[i].m, canonical_cases[i].linear) ==
		       canonical_cases[i].want, "canonical: %s", canonical_cases[i].name);
	for (i = 0; i < ARRAY_SIZE(check_cases); i++) {
		u32 got = paging_check(&check_cases[i].m, &check_cases[i].r,
				       check_cases[i].access, check_cases[i].implicit);

		tap_ok(got == check_cases[i].want, "rights: %s (%#x, want %#x)",
		       check_cases[i].name, got, check_cases[i].want);
	}
	test_all_rights();
	test_suspect();
	tap_ok(paging_error(&long4, PF_WRITE | PF_USER, false) == (PF_WRITE | PF_USER),
	       "not present: P is clear");
	tap_ok(paging_error(&long4, PF_FETCH, true) == (PF_P | PF_RSVD | PF_FETCH),
	       "reserved bits: P and RSVD");
	tap_ok(paging_error(&nopse, PF_FETCH, false) == 0, "a fetch is not told without NXE");
	return tap_done();
}
