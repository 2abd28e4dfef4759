// SPDX-License-Identifier: GPL-2.0-only
/*
 * Address translations level by level: the guest's own page tables, and EPT.
 *
 * SDM, "Paging", "The Extended Page Table Mechanism (EPT)". The rules of paging are the module's
 * (arch/x86/mmu/paging.c), compiled in; the guest's entries come through a function, the entries of
 * EPT from the lines of the module's file ept (arch/x86/abi/look_memory.c). Nothing is written: no
 * accessed flag is set by looking. Pure.
 */
#include <string.h>

#include "arch/x86/mmu/ept_pte.h"
#include "arch/x86/mmu/paging.h"
#include "inspect/walk.h"

#define CR0_PG		BIT_ULL(31)
#define CR4_PSE		BIT_ULL(4)
#define CR4_PAE		BIT_ULL(5)
#define CR4_LA57	BIT_ULL(12)
#define EFER_LMA	BIT_ULL(10)
#define EFER_NXE	BIT_ULL(11)
#define LINE_MAX_LENGTH	256

static struct paging_mode mode_of(const struct walk_registers *r, unsigned int physical_bits)
{
	struct paging_mode m = {
		.pse = r->cr4 & CR4_PSE, .gbpages = true, .maxphyaddr = (u8)physical_bits,
	};

	if (!(r->cr4 & CR4_PAE))
		m.levels = 2;
	else if (!(r->efer & EFER_LMA))
		m.levels = 3;
	else
		m.levels = r->cr4 & CR4_LA57 ? 5 : 4;
	m.nxe = m.levels > 2 && (r->efer & EFER_NXE);
	return m;
}

static const char *page_size(const struct paging_mode *m, int level)
{
	if (level == 1)
		return "4K";
	if (level == 2)
		return m->levels == 2 ? "4M" : "2M";
	return "1G";
}

static void print_entry(FILE *to, const struct paging_mode *m, int level, unsigned long long at,
			unsigned long long e, unsigned long long linear)
{
	bool leaf = paging_is_leaf(m, level, e);

	fprintf(to, "  level %d, index %u at 0x%llx: 0x%llx", level,
		paging_index(m, level, linear), at, e);
	if (!(e & PTE_P)) {
		fputs(" not present\n", to);
		return;
	}
	fprintf(to, " %s%s%s%s%s%s\n", leaf ? page_size(m, level) : "table",
		leaf ? " page" : "", e & PTE_RW ? ", writable" : ", read-only",
		e & PTE_US ? ", user" : ", supervisor", e & PTE_A ? ", accessed" : "",
		leaf && (e & PTE_D) ? ", dirty" : "");
	if (m->nxe && (e & PTE_XD))
		fputs("           not executable\n", to);
	if (paging_reserved(m, level, e))
		fprintf(to, "           reserved bits 0x%lx are set: a page fault\n",
			paging_reserved(m, level, e));
}

/**
 * walk_print() - print the walk of a linear address through the guest's page tables
 * @regs: the vCPU's registers
 * @memory: the guest's memory
 * @linear: the address
 * @physical_bits: width of a physical address
 * @to: where it goes
 * @gpa: the result
 *
 * Return: 0; 1: nothing is mapped there; -1: a table is not in memory.
 */
int walk_print(const struct walk_registers *regs, const struct walk_memory *memory,
	       unsigned long long linear, unsigned int physical_bits, FILE *to,
	       unsigned long long *gpa)
{
	struct paging_mode m = mode_of(regs, physical_bits);
	unsigned long long table = regs->cr3, at, e;
	int level = m.levels;

	if (!(regs->cr0 & CR0_PG)) {
		fprintf(to, "linear 0x%llx: paging is off, the address is itself\n", linear);
		*gpa = linear;
		return 0;
	}
	fprintf(to, "linear 0x%llx: %s paging, CR3 0x%llx\n", linear, m.levels == 2 ? "32-bit" :
		m.levels == 3 ? "PAE" : m.levels == 4 ? "4-level" : "5-level", regs->cr3);
	if (!paging_canonical(&m, linear)) {
		fputs("  not canonical: #GP, or #SS through SS\n", to);
		return 1;
	}
	if (m.levels == 3) {
		table = regs->pdpte[linear >> 30 & 3];
		fprintf(to, "  PDPTE %llu: 0x%llx%s\n", linear >> 30 & 3, table,
			table & PTE_P ? "" : " not present");
		if (!(table & PTE_P))
			return 1;
		level = 2;
	}
	for (; level; level--) {
		at = paging_table(&m, table) +
		     (unsigned long long)paging_index(&m, level, linear) * paging_entry_size(&m);
		e = 0;
		if (!memory->read(memory->arg, at, &e, paging_entry_size(&m))) {
			fprintf(to, "  level %d at 0x%llx: no memory slot is there\n", level, at);
			return -1;
		}
		print_entry(to, &m, level, at, e, linear);
		if (!(e & PTE_P) || paging_reserved(&m, level, e))
			return 1;
		if (paging_is_leaf(&m, level, e)) {
			*gpa = paging_address(&m, level, e, linear);
			return 0;
		}
		table = e;
	}
	return 1;
}

static void print_ept_entry(FILE *to, int level, unsigned int index, unsigned long long e)
{
	static const char * const types[8] = { "UC", "WC", "type 2", "type 3", "WT", "WP", "WB",
					       "type 7" };
	static const char * const sizes[] = { "", "4K", "2M", "1G", "", "" };

	fprintf(to, "  level %d, index %u: 0x%llx", level, index, e);
	if (!ept_present(e)) {
		fputs(" not present: an access exits\n", to);
		return;
	}
	if (level > 5 || !ept_is_leaf(e, level)) {
		fputs(" table\n", to);
		return;
	}
	fprintf(to, " %s page, %c%c%c, %s%s%s%s\n", sizes[level], e & EPT_READ ? 'r' : '-',
		e & EPT_WRITE ? 'w' : '-', e & EPT_EXEC ? 'x' : '-',
		types[e >> EPT_MEMTYPE_SHIFT & 7], e & EPT_ACCESSED ? ", accessed" : "",
		e & EPT_DIRTY ? ", dirty" : "",
		!(e & EPT_WRITE) && (e & EPT_HOST_WRITABLE) ? ", write-protected by the dirty log" :
							      "");
}

/**
 * ept_print() - print a walk of EPT
 * @from: the module's lines
 * @to: where it goes
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1: @from holds no walk.
 */
int ept_print(FILE *from, FILE *to, struct sentence *why)
{
	unsigned long long a, b;
	char line[LINE_MAX_LENGTH];
	unsigned int index;
	bool slot = false;
	int level, lines = 0, entries = 0;

	while (fgets(line, sizeof(line), from)) {
		lines++;
		if (sscanf(line, "gpa %llx eptp %llx levels %d", &a, &b, &level) == 3) {
			fprintf(to, "guest-physical 0x%llx: EPTP 0x%llx, %d levels%s\n", a, b,
				level, strstr(line, " masked") ? " (the host's addresses are left out)"
							       : "");
		} else if (!strncmp(line, "slot ", 5)) {
			slot = true;
			fprintf(to, "  %s", line);
		} else if (sscanf(line, "level %d index %u entry %llx", &level, &index, &a) == 3) {
			if (lines == 2 && !slot)
				fputs("  no memory slot: an access is MMIO, for userspace\n", to);
			print_ept_entry(to, level, index, a);
			entries++;
		}
	}
	if (lines && !entries)
		fputs("  above the guest's physical addresses: no access gets there\n", to);
	return lines ? 0 : say(why, "The module shows no walk.");
}
