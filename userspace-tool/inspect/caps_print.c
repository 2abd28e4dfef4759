// SPDX-License-Identifier: GPL-2.0-only
/*
 * Capabilities of VMX and VT-d for people: what the hardware offers, what minikvm requires, wants
 * and uses.
 *
 * SDM, "VMX Capability Reporting Facility"; VT-d specification, "Capability Register", "Extended
 * Capability Register". Reads the lines of the module's files caps (arch/x86/vmx/caps_show.c) and
 * units (iommu/linux/iommu_debugfs.c). The controls and what they are to the module are the
 * module's own table, compiled in. Pure.
 */
#include <stdbool.h>
#include <string.h>

#include "arch/x86/vmx/explain/control_table.h"
#include "inspect/caps_print.h"

#define LINE_MAX_LENGTH	256

/* A bit of a capability word, and what minikvm does with it. */
struct capability {
	unsigned char bit;
	unsigned char use;	/* enum control_use */
	const char *name;
};

static const struct capability basic_bits[] = {
	{ 48, CONTROL_KNOWN, "VMX structures below 4 GiB only" },
	{ 49, CONTROL_KNOWN, "dual-monitor treatment of SMIs" },
	{ 54, CONTROL_WANTED, "information about INS and OUTS" },
	{ 55, CONTROL_WANTED, "controls that are 1 by default may be 0 (TRUE MSRs)" },
	{ 56, CONTROL_KNOWN, "any exception may be injected with an error code" },
};

static const struct capability misc_bits[] = {
	{ 5, CONTROL_KNOWN, "exits store EFER.LMA into \"IA-32e mode guest\"" },
	{ 6, CONTROL_KNOWN, "activity state HLT" },
	{ 7, CONTROL_KNOWN, "activity state shutdown" },
	{ 8, CONTROL_KNOWN, "activity state wait-for-SIPI" },
	{ 14, CONTROL_KNOWN, "Intel PT in VMX operation" },
	{ 15, CONTROL_KNOWN, "RDMSR of IA32_SMBASE" },
	{ 28, CONTROL_KNOWN, "IA32_SMM_MONITOR_CTL bit 2" },
	{ 29, CONTROL_KNOWN, "VMWRITE to exit information" },
	{ 30, CONTROL_KNOWN, "injection with instruction length 0" },
};

static const struct capability ept_bits[] = {
	{ 0, CONTROL_KNOWN, "execute-only pages" },
	{ 6, CONTROL_REQUIRED, "page walk of 4" },
	{ 7, CONTROL_WANTED, "page walk of 5" },
	{ 8, CONTROL_KNOWN, "uncacheable EPT structures" },
	{ 14, CONTROL_REQUIRED, "write-back EPT structures" },
	{ 16, CONTROL_WANTED, "2M pages" },
	{ 17, CONTROL_WANTED, "1G pages" },
	{ 20, CONTROL_REQUIRED, "INVEPT" },
	{ 21, CONTROL_WANTED, "accessed and dirty flags" },
	{ 22, CONTROL_KNOWN, "advanced information about EPT violations" },
	{ 23, CONTROL_KNOWN, "supervisor shadow-stack control" },
	{ 25, CONTROL_REQUIRED, "INVEPT of a single context" },
	{ 26, CONTROL_WANTED, "INVEPT of all contexts" },
	{ 32, CONTROL_WANTED, "INVVPID" },
	{ 40, CONTROL_KNOWN, "INVVPID of an address" },
	{ 41, CONTROL_WANTED, "INVVPID of a single context" },
	{ 42, CONTROL_WANTED, "INVVPID of all contexts" },
	{ 43, CONTROL_KNOWN, "INVVPID of a context but global translations" },
};

static const struct capability vmfunc_bits[] = {
	{ 0, CONTROL_KNOWN, "EPTP switching" },
};

static const char *use_word(unsigned int use)
{
	return use == CONTROL_REQUIRED ? "required" : use == CONTROL_WANTED ? "wanted  " :
					 "        ";
}

static void print_bits(FILE *to, unsigned long long value, const struct capability *c, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		fprintf(to, "  %-3s  %s  bit %-2u  %s\n", value >> c[i].bit & 1 ? "yes" : "no",
			use_word(c[i].use), c[i].bit, c[i].name);
}

/* @used: of the bits, those that minikvm drives the unit with */
static void print_used_bits(FILE *to, unsigned long long value, unsigned long long used,
			    const struct capability *c, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		fprintf(to, "  %-3s  %s  %s  bit %-2u  %s\n", value >> c[i].bit & 1 ? "yes" : "no",
			use_word(c[i].use), used >> c[i].bit & 1 ? "used" : "    ", c[i].bit,
			c[i].name);
}

static void print_basic(FILE *to, unsigned long long v)
{
	fprintf(to, "\nIA32_VMX_BASIC = 0x%llx: VMCS revision 0x%llx, region of %llu bytes, memory type %llu\n",
		v, v & 0x7fffffff, v >> 32 & 0x1fff, v >> 50 & 15);
	print_bits(to, v, basic_bits, ARRAY_SIZE(basic_bits));
}

static void print_misc(FILE *to, unsigned long long v)
{
	fprintf(to, "\nIA32_VMX_MISC = 0x%llx: preemption timer counts TSC bit %llu, %llu CR3-target values, MSR lists of %llu\n",
		v, v & 31, v >> 16 & 511, 512 * ((v >> 25 & 7) + 1));
	print_bits(to, v, misc_bits, ARRAY_SIZE(misc_bits));
}

static void print_fixed(FILE *to, const char *name, unsigned long long v)
{
	fprintf(to, "%s = 0x%llx: %s\n", name, v, strstr(name, "FIXED0") ?
		"these bits must be 1 in VMX operation" : "all others must be 0 in VMX operation");
}

static void print_msr(FILE *to, const char *name, unsigned long long v)
{
	if (!strcmp(name, "basic")) {
		print_basic(to, v);
	} else if (!strcmp(name, "misc")) {
		print_misc(to, v);
	} else if (!strcmp(name, "ept_vpid")) {
		fprintf(to, "\nIA32_VMX_EPT_VPID_CAP = 0x%llx\n", v);
		print_bits(to, v, ept_bits, ARRAY_SIZE(ept_bits));
	} else if (!strcmp(name, "vmfunc")) {
		fprintf(to, "\nIA32_VMX_VMFUNC = 0x%llx\n", v);
		print_bits(to, v, vmfunc_bits, ARRAY_SIZE(vmfunc_bits));
	} else if (!strcmp(name, "cr0_fixed0")) {
		fputc('\n', to);
		print_fixed(to, "IA32_VMX_CR0_FIXED0", v);
	} else if (!strcmp(name, "cr0_fixed1")) {
		print_fixed(to, "IA32_VMX_CR0_FIXED1", v);
	} else if (!strcmp(name, "cr4_fixed0")) {
		print_fixed(to, "IA32_VMX_CR4_FIXED0", v);
	} else if (!strcmp(name, "cr4_fixed1")) {
		print_fixed(to, "IA32_VMX_CR4_FIXED1", v);
	}
}

static void print_word(FILE *to, const char *name, unsigned long long must,
		       unsigned long long may, unsigned long long used)
{
	static const char * const names[NR_ENTRY_WORDS] = {
		[WORD_PIN] = "pin", [WORD_CPU] = "primary", [WORD_SECONDARY] = "secondary",
		[WORD_TERTIARY] = "tertiary", [WORD_EXIT] = "exit", [WORD_ENTRY] = "entry",
	};
	const struct control_word *w;
	const struct control_bit *b;
	unsigned int i;

	for (i = 0; i < NR_ENTRY_WORDS; i++) {
		if (strcmp(name, names[i]) != 0)
			continue;
		w = &control_words[i];
		fprintf(to, "\n%s controls: must be 1 0x%llx, may be 1 0x%llx, minikvm may use 0x%llx\n",
			w->name, must, may, used);
		for (b = w->bits; b < w->bits + w->nr_bits; b++)
			fprintf(to, "  %-6s  %s  %s  bit %-2u  %s\n",
				!(may >> b->bit & 1) ? "no" : must >> b->bit & 1 ? "always" : "yes",
				use_word(b->use), used >> b->bit & 1 ? "used" : "    ", b->bit,
				b->name);
	}
}

/**
 * caps_print_vmx() - what VMX can do here
 * @from: the module's lines
 * @to: where it goes
 *
 * Return: 0, or -1: @from holds no capabilities.
 */
int caps_print_vmx(FILE *from, FILE *to)
{
	unsigned long long a, b, c;
	char line[LINE_MAX_LENGTH], name[32];
	bool features = false;
	int lines = 0, on;

	while (fgets(line, sizeof(line), from)) {
		lines++;
		if (sscanf(line, "msr %31s %llx", name, &a) == 2) {
			print_msr(to, name, a);
		} else if (sscanf(line, "word %31s must %llx may %llx used %llx", name, &a, &b,
				  &c) == 4) {
			print_word(to, name, a, b, c);
		} else if (sscanf(line, "feature %31s %d", name, &on) == 2) {
			if (!features)
				fputs("\nWhat minikvm makes of it\n", to);
			features = true;
			fprintf(to, "  %-3s  %s\n", on ? "on" : "off", name);
		}
	}
	return lines ? 0 : -1;
}

static const struct capability vtd_cap[] = {
	{ 3, CONTROL_KNOWN, "advanced fault logging" },
	{ 4, CONTROL_WANTED, "write buffers need a flush" },
	{ 5, CONTROL_WANTED, "protected low memory" },
	{ 6, CONTROL_WANTED, "protected high memory" },
	{ 7, CONTROL_WANTED, "caching mode" },
	{ 22, CONTROL_KNOWN, "zero-length reads" },
	{ 34, CONTROL_WANTED, "2M pages" },
	{ 35, CONTROL_WANTED, "1G pages" },
	{ 39, CONTROL_WANTED, "page-selective invalidation" },
	{ 54, CONTROL_KNOWN, "write draining" },
	{ 55, CONTROL_KNOWN, "read draining" },
	{ 56, CONTROL_WANTED, "1G pages in the first stage" },
	{ 59, CONTROL_WANTED, "posted interrupts" },
	{ 60, CONTROL_KNOWN, "5-level paging in the first stage" },
};

static const struct capability vtd_ecap[] = {
	{ 0, CONTROL_WANTED, "coherent page walks" },
	{ 1, CONTROL_REQUIRED, "queued invalidation" },
	{ 2, CONTROL_WANTED, "device TLBs" },
	{ 3, CONTROL_WANTED, "interrupt remapping" },
	{ 4, CONTROL_WANTED, "x2APIC destinations" },
	{ 6, CONTROL_WANTED, "pass-through" },
	{ 7, CONTROL_WANTED, "snoop control" },
	{ 26, CONTROL_KNOWN, "nested translation" },
	{ 29, CONTROL_KNOWN, "page requests" },
	{ 40, CONTROL_WANTED, "PASIDs" },
	{ 41, CONTROL_WANTED, "throttling of device-TLB invalidations" },
	{ 43, CONTROL_WANTED, "scalable mode" },
	{ 46, CONTROL_WANTED, "second stage" },
	{ 47, CONTROL_WANTED, "first stage" },
	{ 48, CONTROL_WANTED, "coherent scalable-mode walks" },
};

/**
 * caps_print_vtd_unit() - what a remapping unit can do
 * @to: where it goes
 * @unit: what it is called
 * @cap: its Capability Register
 * @ecap: its Extended Capability Register
 * @used: of these two, the bits that minikvm drives the unit with; NULL where it does not
 */
void caps_print_vtd_unit(FILE *to, const char *unit, unsigned long long cap,
			 unsigned long long ecap, const unsigned long long used[2])
{
	fprintf(to, "\nVT-d unit %s\nCapability register 0x%llx: %llu domains, %llu address bits, %llu fault records\n",
		unit, cap, 1ULL << (4 + 2 * (cap & 7)), (cap >> 16 & 63) + 1,
		(cap >> 40 & 255) + 1);
	if (used)
		print_used_bits(to, cap, used[0], vtd_cap, ARRAY_SIZE(vtd_cap));
	else
		print_bits(to, cap, vtd_cap, ARRAY_SIZE(vtd_cap));
	fprintf(to, "Extended capability register 0x%llx\n", ecap);
	if (used)
		print_used_bits(to, ecap, used[1], vtd_ecap, ARRAY_SIZE(vtd_ecap));
	else
		print_bits(to, ecap, vtd_ecap, ARRAY_SIZE(vtd_ecap));
}

/**
 * caps_print_vtd() - what the remapping units can do
 * @from: the module's lines
 * @to: where it goes
 *
 * Return: how many units there are.
 */
int caps_print_vtd(FILE *from, FILE *to)
{
	char line[LINE_MAX_LENGTH], unit[LINE_MAX_LENGTH] = "";
	unsigned long long cap = 0, ecap = 0, used[2];
	int units = 0;

	while (fgets(line, sizeof(line), from)) {
		line[strcspn(line, "\n")] = 0;
		if (line[0] != ' ')
			snprintf(unit, sizeof(unit), "%s", line);
		if (sscanf(line, " cap %llx ecap %llx", &cap, &ecap) == 2 ||
		    sscanf(line, " used cap %llx ecap %llx", &used[0], &used[1]) != 2)
			continue;
		units++;
		caps_print_vtd_unit(to, unit, cap, ecap, used);
	}
	return units;
}
