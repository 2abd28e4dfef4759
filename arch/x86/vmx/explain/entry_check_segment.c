// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM-entry checks of the guest's segment registers.
 *
 * SDM, "Checks on Guest Segment Registers". The rules depend on three things: virtual-8086 mode,
 * where base, limit and access rights are fixed; "unrestricted guest", which allows real mode and
 * its segments; and whether the segment is usable. Pure: see entry_check.h.
 */
#include <linux/kernel.h>
#include <asm/processor-flags.h>

#include "arch/x86/vmx/explain/entry_check.h"

#define SELECTOR_RPL	3
#define SELECTOR_TI	4

/* SDM, "Format of Access Rights". */
#define AR_ACCESSED	BIT(0)
#define AR_READABLE	BIT(1)
#define AR_CODE		BIT(3)
#define AR_RESERVED_LOW	0xf00
#define AR_RESERVED	0xfffe0000
#define AR_V8086	0xf3

/* Segment types: SDM, "Code- and Data-Segment Descriptor Types", "System Descriptor Types". */
enum {
	TYPE_LDT = 2, TYPE_DATA_RW_ACCESSED = 3, TYPE_BUSY_TSS16 = 3,
	TYPE_DATA_DOWN_RW_ACCESSED = 7, TYPE_CODE_ACCESSED = 9, TYPE_BUSY_TSS = 11,
	TYPE_CODE_CONFORMING_ACCESSED = 13,
};

/* A segment register as the VMCS holds it. */
struct segment {
	u32 selector_field, base_field, limit_field, ar_field;
	u16 selector;
	u64 base;
	u32 limit, ar;
	u8 type, dpl;
	bool usable;
};

enum { ES, CS, SS, DS, FS, GS, LDTR, TR, NR_SEGMENTS };

/* What the checks of one segment need to know of the rest. */
struct segment_context {
	struct segment seg[NR_SEGMENTS];
	bool unrestricted, v8086, ia32e, real;
};

static void read_segments(struct entry_check *c, struct segment_context *x)
{
	struct segment *s;
	unsigned int i;

	for (i = 0; i < NR_SEGMENTS; i++) {
		s = &x->seg[i];
		/* The VMCS encodes the eight registers in this order, two apart. */
		s->selector_field = GUEST_ES_SELECTOR + 2 * i;
		s->base_field = GUEST_ES_BASE + 2 * i;
		s->limit_field = GUEST_ES_LIMIT + 2 * i;
		s->ar_field = GUEST_ES_AR_BYTES + 2 * i;
		s->selector = entry_read(c, s->selector_field);
		s->base = entry_read(c, s->base_field);
		s->limit = entry_read(c, s->limit_field);
		s->ar = entry_read(c, s->ar_field);
		s->type = s->ar & VMX_AR_TYPE_MASK;
		s->dpl = VMX_AR_DPL(s->ar);
		s->usable = !(s->ar & VMX_AR_UNUSABLE_MASK);
	}
}

static void check_selectors(struct entry_check *c, const struct segment_context *x)
{
	const struct segment *tr = &x->seg[TR], *ldtr = &x->seg[LDTR], *ss = &x->seg[SS];

	entry_must(c, !(tr->selector & SELECTOR_TI), tr->selector_field, "TI (bit 2) must be 0");
	if (ldtr->usable)
		entry_must(c, !(ldtr->selector & SELECTOR_TI), ldtr->selector_field,
			   "TI (bit 2) must be 0");
	if (!x->v8086 && !x->unrestricted)
		entry_must(c, !((ss->selector ^ x->seg[CS].selector) & SELECTOR_RPL),
			   ss->selector_field, "RPL must equal the RPL of CS");
}

static void check_bases(struct entry_check *c, const struct segment_context *x)
{
	static const u8 canonical[] = { TR, FS, GS };
	static const u8 low[] = { CS, SS, DS, ES };
	const struct segment *s;
	unsigned int i;

	if (x->v8086)
		for (s = x->seg; s <= &x->seg[GS]; s++)
			entry_must(c, s->base == (u64)s->selector << 4, s->base_field,
				   "must be the selector times 16 in virtual-8086 mode");
	for (i = 0; i < ARRAY_SIZE(canonical); i++)
		entry_check_canonical(c, x->seg[canonical[i]].base_field);
	if (x->seg[LDTR].usable)
		entry_check_canonical(c, x->seg[LDTR].base_field);
	for (i = 0; i < ARRAY_SIZE(low); i++) {
		s = &x->seg[low[i]];
		if (s->usable || low[i] == CS)
			entry_must(c, !(s->base >> 32), s->base_field, "bits 63:32 must be 0");
	}
}

static void check_v8086(struct entry_check *c, const struct segment_context *x)
{
	const struct segment *s;

	for (s = x->seg; s <= &x->seg[GS]; s++) {
		entry_must(c, s->limit == 0xffff, s->limit_field,
			   "must be FFFFH in virtual-8086 mode");
		entry_must(c, s->ar == AR_V8086, s->ar_field,
			   "must be F3H in virtual-8086 mode");
	}
}

/* Rules that hold for every usable segment: P, the reserved bits, and G as the limit has it. */
static void check_present_granular(struct entry_check *c, const struct segment *s)
{
	entry_must(c, s->ar & VMX_AR_P_MASK, s->ar_field, "bit 7 (P) must be 1");
	entry_must(c, !(s->ar & AR_RESERVED_LOW), s->ar_field,
		   "bits 11:8 are reserved and must be 0");
	entry_must(c, !(s->ar & AR_RESERVED), s->ar_field,
		   "bits 31:17 are reserved and must be 0");
	if ((s->limit & 0xfff) != 0xfff)
		entry_must(c, !(s->ar & VMX_AR_G_MASK), s->ar_field,
			   "bit 15 (G) must be 0, because bits 11:0 of the limit are not all 1");
	if (s->limit & 0xfff00000)
		entry_must(c, s->ar & VMX_AR_G_MASK, s->ar_field,
			   "bit 15 (G) must be 1, because bits 31:20 of the limit are not all 0");
}

static void check_cs(struct entry_check *c, const struct segment_context *x)
{
	const struct segment *cs = &x->seg[CS];
	u8 ss_dpl = x->seg[SS].dpl;

	switch (cs->type) {
	case TYPE_DATA_RW_ACCESSED:
		/* CS in real mode keeps the data segment that reset gave it. */
		entry_must(c, x->unrestricted, cs->ar_field,
			   "bits 3:0 (type) must be 9, 11, 13 or 15 without \"unrestricted guest\"");
		if (x->unrestricted)
			entry_must(c, !cs->dpl, cs->ar_field,
				   "bits 6:5 (DPL) must be 0, because the type is 3");
		break;
	case TYPE_CODE_ACCESSED:
	case TYPE_CODE_ACCESSED | AR_READABLE:
		entry_must(c, cs->dpl == ss_dpl, cs->ar_field,
			   "bits 6:5 (DPL) must equal the DPL of SS for non-conforming code");
		break;
	case TYPE_CODE_CONFORMING_ACCESSED:
	case TYPE_CODE_CONFORMING_ACCESSED | AR_READABLE:
		entry_must(c, cs->dpl <= ss_dpl, cs->ar_field,
			   "bits 6:5 (DPL) must not be greater than the DPL of SS for conforming code");
		break;
	default:
		entry_broken(c, cs->ar_field, "bits 3:0 (type) must be 9, 11, 13 or 15%s",
			     x->unrestricted ? ", or 3 with \"unrestricted guest\"" : "");
	}
	entry_must(c, cs->ar & VMX_AR_S_MASK, cs->ar_field,
		   "bit 4 (S) must be 1: code or data");
	check_present_granular(c, cs);
	if (x->ia32e && (cs->ar & VMX_AR_L_MASK))
		entry_must(c, !(cs->ar & VMX_AR_DB_MASK), cs->ar_field,
			   "bit 14 (D/B) must be 0, because bit 13 (L) is 1 in IA-32e mode");
}

static void check_ss(struct entry_check *c, const struct segment_context *x)
{
	const struct segment *ss = &x->seg[SS];

	/* The DPL of SS is the CPL: it counts even if SS is unusable. */
	if (!x->unrestricted)
		entry_must(c, ss->dpl == (ss->selector & SELECTOR_RPL), ss->ar_field,
			   "bits 6:5 (DPL) must equal the RPL of the selector");
	if (x->seg[CS].type == TYPE_DATA_RW_ACCESSED || x->real)
		entry_must(c, !ss->dpl, ss->ar_field,
			   "bits 6:5 (DPL) must be 0, because CS has type 3 or CR0.PE is 0");
	if (!ss->usable)
		return;
	entry_must(c, ss->type == TYPE_DATA_RW_ACCESSED || ss->type == TYPE_DATA_DOWN_RW_ACCESSED,
		   ss->ar_field, "bits 3:0 (type) must be 3 or 7");
	entry_must(c, ss->ar & VMX_AR_S_MASK, ss->ar_field,
		   "bit 4 (S) must be 1: code or data");
	check_present_granular(c, ss);
}

static void check_data(struct entry_check *c, const struct segment_context *x,
		       const struct segment *s)
{
	if (!s->usable)
		return;
	entry_must(c, s->type & AR_ACCESSED, s->ar_field, "bit 0 of the type (accessed) must be 1");
	if (s->type & AR_CODE)
		entry_must(c, s->type & AR_READABLE, s->ar_field,
			   "bit 1 of the type (readable) must be 1 for a code segment");
	entry_must(c, s->ar & VMX_AR_S_MASK, s->ar_field,
		   "bit 4 (S) must be 1: code or data");
	if (!x->unrestricted && s->type <= TYPE_BUSY_TSS)
		entry_must(c, s->dpl >= (s->selector & SELECTOR_RPL), s->ar_field,
			   "bits 6:5 (DPL) must not be less than the RPL of the selector");
	check_present_granular(c, s);
}

static void check_tr(struct entry_check *c, const struct segment_context *x)
{
	const struct segment *tr = &x->seg[TR];

	if (x->ia32e)
		entry_must(c, tr->type == TYPE_BUSY_TSS, tr->ar_field,
			   "bits 3:0 (type) must be 11 (64-bit busy TSS) in IA-32e mode");
	else
		entry_must(c, tr->type == TYPE_BUSY_TSS16 || tr->type == TYPE_BUSY_TSS,
			   tr->ar_field, "bits 3:0 (type) must be 3 or 11 (busy TSS)");
	entry_must(c, !(tr->ar & VMX_AR_S_MASK), tr->ar_field, "bit 4 (S) must be 0: system");
	entry_must(c, tr->usable, tr->ar_field, "bit 16 (unusable) must be 0");
	check_present_granular(c, tr);
}

static void check_ldtr(struct entry_check *c, const struct segment_context *x)
{
	const struct segment *ldtr = &x->seg[LDTR];

	if (!ldtr->usable)
		return;
	entry_must(c, ldtr->type == TYPE_LDT, ldtr->ar_field, "bits 3:0 (type) must be 2 (LDT)");
	entry_must(c, !(ldtr->ar & VMX_AR_S_MASK), ldtr->ar_field,
		   "bit 4 (S) must be 0: system");
	check_present_granular(c, ldtr);
}

/**
 * entry_check_segments() - the guest's eight segment registers
 * @c: the pass; entry_check_controls() was called
 */
void entry_check_segments(struct entry_check *c)
{
	static const u8 data[] = { DS, ES, FS, GS };
	struct segment_context x = {
		.unrestricted = entry_on(c, WORD_SECONDARY, SECONDARY_EXEC_UNRESTRICTED_GUEST),
		.ia32e = entry_on(c, WORD_ENTRY, VM_ENTRY_IA32E_MODE),
		.real = !(entry_read(c, GUEST_CR0) & X86_CR0_PE),
	};
	unsigned int i;

	/* Where RFLAGS.VM must not be, its own rule says so; this would only repeat it. */
	x.v8086 = (entry_read(c, GUEST_RFLAGS) & X86_EFLAGS_VM) && !x.ia32e && !x.real;
	c->section = "Checks on Guest Segment Registers";
	read_segments(c, &x);
	check_selectors(c, &x);
	check_bases(c, &x);
	if (x.v8086) {
		check_v8086(c, &x);
	} else {
		check_cs(c, &x);
		check_ss(c, &x);
		for (i = 0; i < ARRAY_SIZE(data); i++)
			check_data(c, &x, &x.seg[data[i]]);
	}
	check_tr(c, &x);
	check_ldtr(c, &x);
}
