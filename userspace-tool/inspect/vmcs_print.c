// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VMCS for people: fields in the SDM's groups, decoded, and the verdict of the entry checks.
 *
 * SDM, "Virtual Machine Control Structures", "VM Entries". Reads the lines of the module's file
 * vmcsN (arch/x86/abi/look.c): "field ENCODING VALUE" and "rule VERDICT ENCODING SECTION|TEXT".
 * Names of fields, controls, exits and errors are the module's own tables, compiled in. Pure.
 */
#include <asm/vmx.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "arch/x86/vmx/explain/control_table.h"
#include "arch/x86/vmx/explain/exit_reason.h"
#include "arch/x86/vmx/explain/vmcs_field_table.h"
#include "arch/x86/vmx/explain/vmx_error.h"
#include "inspect/vmcs_print.h"

#define LINE_MAX_LENGTH	512
#define RULES_MAX	512

/* Text that grows at its end, as far as there is room. */
struct text {
	char *at;
	size_t room;
};

static void __attribute__((format(printf, 2, 3))) add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->at, t->room, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n >= t->room)
		n = t->room ? (int)t->room - 1 : 0;
	t->at += n;
	t->room -= n;
}

struct bit_name {
	unsigned char bit;
	const char *name;
};

static void add_bits(struct text *t, unsigned long long value, const struct bit_name *names,
		     size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (value >> names[i].bit & 1)
			add(t, "%s%s", *(t->at - 1) == ' ' ? "" : " ", names[i].name);
}

static const struct bit_name cr0_bits[] = {
	{ 0, "PE" }, { 1, "MP" }, { 2, "EM" }, { 3, "TS" }, { 4, "ET" }, { 5, "NE" },
	{ 16, "WP" }, { 18, "AM" }, { 29, "NW" }, { 30, "CD" }, { 31, "PG" },
};

static const struct bit_name cr4_bits[] = {
	{ 0, "VME" }, { 1, "PVI" }, { 2, "TSD" }, { 3, "DE" }, { 4, "PSE" }, { 5, "PAE" },
	{ 6, "MCE" }, { 7, "PGE" }, { 8, "PCE" }, { 9, "OSFXSR" }, { 10, "OSXMMEXCPT" },
	{ 11, "UMIP" }, { 12, "LA57" }, { 13, "VMXE" }, { 14, "SMXE" }, { 16, "FSGSBASE" },
	{ 17, "PCIDE" }, { 18, "OSXSAVE" }, { 20, "SMEP" }, { 21, "SMAP" }, { 22, "PKE" },
	{ 23, "CET" }, { 24, "PKS" },
};

static const struct bit_name efer_bits[] = {
	{ 0, "SCE" }, { 8, "LME" }, { 10, "LMA" }, { 11, "NXE" },
};

static const struct bit_name rflags_bits[] = {
	{ 0, "CF" }, { 2, "PF" }, { 4, "AF" }, { 6, "ZF" }, { 7, "SF" }, { 8, "TF" },
	{ 9, "IF" }, { 10, "DF" }, { 11, "OF" }, { 14, "NT" }, { 16, "RF" }, { 17, "VM" },
	{ 18, "AC" }, { 19, "VIF" }, { 20, "VIP" }, { 21, "ID" },
};

static const struct bit_name interruptibility_bits[] = {
	{ 0, "blocking by STI" }, { 1, "blocking by MOV SS" }, { 2, "blocking by SMI" },
	{ 3, "blocking by NMI" }, { 4, "enclave interruption" },
};

static const struct bit_name pending_bits[] = {
	{ 0, "B0" }, { 1, "B1" }, { 2, "B2" }, { 3, "B3" }, { 11, "bus lock" },
	{ 12, "enabled breakpoint" }, { 14, "BS" }, { 16, "RTM" },
};

/* SDM, "Format of Access Rights". */
static void decode_access_rights(struct text *t, unsigned int ar)
{
	static const char * const system[16] = {
		[1] = "available 16-bit TSS", [2] = "LDT", [3] = "busy 16-bit TSS",
		[9] = "available TSS", [11] = "busy TSS",
	};

	if (ar & BIT(16)) {
		add(t, "unusable");
		return;
	}
	if (!(ar & BIT(4)))
		add(t, "%s", system[ar & 15] ? system[ar & 15] : "reserved system type");
	else if (ar & BIT(3))
		add(t, "code%s%s%s", ar & BIT(2) ? " conforming" : "",
		    ar & BIT(1) ? " readable" : "", ar & BIT(0) ? " accessed" : "");
	else
		add(t, "data%s%s%s", ar & BIT(2) ? " expand-down" : "",
		    ar & BIT(1) ? " writable" : "", ar & BIT(0) ? " accessed" : "");
	add(t, ", DPL %u%s%s%s%s", ar >> 5 & 3, ar & BIT(7) ? "" : ", not present",
	    ar & BIT(13) ? ", 64-bit" : "", ar & BIT(14) ? ", 32-bit" : "",
	    ar & BIT(15) ? ", limit in pages" : "");
}

/* SDM, "Format of the VM-Entry Interruption-Information Field" and its kin. */
static void decode_event(struct text *t, unsigned int info)
{
	static const char * const types[8] = {
		"external interrupt", "reserved type", "NMI", "hardware exception",
		"software interrupt", "privileged software exception", "software exception",
		"other event",
	};

	if (!(info & BIT(31))) {
		add(t, "none");
		return;
	}
	add(t, "%s, vector %u%s%s", types[info >> 8 & 7], info & 0xff,
	    info & BIT(11) ? ", with an error code" : "", info & BIT(12) ? ", NMI unblocked" : "");
}

static void decode_controls(struct text *t, const struct control_word *word,
			    unsigned long long value)
{
	unsigned int i;
	bool first = true;

	for (i = 0; i < word->nr_bits; i++) {
		if (!(value >> word->bits[i].bit & 1))
			continue;
		add(t, "%s%s", first ? "" : ", ", word->bits[i].name);
		first = false;
	}
}

static void decode_activity(struct text *t, unsigned long long value)
{
	static const char * const states[] = { "active", "HLT", "shutdown", "wait for SIPI" };

	add(t, "%s", value < ARRAY_SIZE(states) ? states[value] : "no such state");
}

static void decode_eptp(struct text *t, unsigned long long value)
{
	add(t, "%s structures, walk of %llu%s", (value & 7) == 6 ? "write-back" :
	    (value & 7) == 0 ? "uncacheable" : "structures of a reserved type",
	    (value >> 3 & 7) + 1, value & BIT(6) ? ", accessed and dirty flags" : "");
}

static void decode_reason(struct text *t, unsigned long long value)
{
	add(t, "%s%s", value & BIT(31) ? "VM entry failed: " : "",
	    exit_reason_name((u32)value));
}

/**
 * vmcs_decode() - what a field's value means
 * @field: its encoding
 * @value: what it holds
 * @text: receives the words, empty where the number says all
 * @size: its size, not 0
 */
void vmcs_decode(unsigned int field, unsigned long long value, char *text, size_t size)
{
	struct text t = { text + 1, size - 1 };
	unsigned int word;

	text[0] = ' ';		/* add_bits() looks at what stands before */
	if (size < 2) {
		text[0] = 0;
		return;
	}
	text[1] = 0;
	for (word = 0; word < NR_ENTRY_WORDS; word++)
		if (control_words[word].field == field)
			decode_controls(&t, &control_words[word], value);
	if (field >= F_ES_AR && field <= F_TR_AR)
		decode_access_rights(&t, (unsigned int)value);
	switch (field) {
	case F_EVENT:
	case F_EXIT_EVENT:
	case F_IDT_VECTORING:
		decode_event(&t, (unsigned int)value);
		break;
	case F_EXIT_REASON:
		decode_reason(&t, value);
		break;
	case F_INSTRUCTION_ERROR:
		add(&t, "%s", value ? vmx_error_name((u32)value) : "none yet");
		break;
	case F_GUEST_CR0:
	case F_HOST_CR0:
		add_bits(&t, value, cr0_bits, ARRAY_SIZE(cr0_bits));
		break;
	case F_GUEST_CR4:
	case F_HOST_CR4:
		add_bits(&t, value, cr4_bits, ARRAY_SIZE(cr4_bits));
		break;
	case F_EFER:
	case F_HOST_EFER:
		add_bits(&t, value, efer_bits, ARRAY_SIZE(efer_bits));
		break;
	case F_RFLAGS:
		add_bits(&t, value, rflags_bits, ARRAY_SIZE(rflags_bits));
		break;
	case F_INTERRUPTIBILITY:
		add_bits(&t, value, interruptibility_bits, ARRAY_SIZE(interruptibility_bits));
		break;
	case F_PENDING_DEBUG:
		add_bits(&t, value, pending_bits, ARRAY_SIZE(pending_bits));
		break;
	case F_ACTIVITY:
		decode_activity(&t, value);
		break;
	case F_EPTP:
		decode_eptp(&t, value);
		break;
	}
	memmove(text, text + 1, strlen(text + 1) + 1);
}

/* What one file holds. */
struct dump {
	char heading[LINE_MAX_LENGTH];
	bool has[NR_VMCS_FIELDS], masked[NR_VMCS_FIELDS];
	unsigned long long value[NR_VMCS_FIELDS];
	unsigned int nr_rules, nr_broken;
	struct { unsigned int field; bool broken; char text[LINE_MAX_LENGTH]; } rule[RULES_MAX];
};

static void take_field(struct dump *d, unsigned int encoding, const char *value)
{
	unsigned int i;

	for (i = 0; i < NR_VMCS_FIELDS; i++) {
		if (vmcs_fields[i].encoding != encoding)
			continue;
		d->has[i] = true;
		d->masked[i] = !strcmp(value, "masked");
		d->value[i] = strtoull(value, NULL, 0);
	}
}

static void take_line(struct dump *d, char *line)
{
	char word[24];
	unsigned int field;
	int at = 0;

	line[strcspn(line, "\n")] = 0;
	if (sscanf(line, "field %x %23s", &field, word) == 2) {
		take_field(d, field, word);
	} else if (sscanf(line, "rule %23s %x %n", word, &field, &at) == 2 && at) {
		if (d->nr_rules == RULES_MAX)
			return;
		d->rule[d->nr_rules].field = field;
		d->rule[d->nr_rules].broken = !strcmp(word, "broken");
		d->nr_broken += d->rule[d->nr_rules].broken;
		snprintf(d->rule[d->nr_rules++].text, LINE_MAX_LENGTH, "%s", line + at);
	} else if (!strncmp(line, "vmcs ", 5)) {
		snprintf(d->heading, sizeof(d->heading), "%s", line + 5);
	}
}

static void print_field(const struct dump *d, unsigned int i, FILE *to)
{
	char text[1024];

	fprintf(to, "  %-30s ", vmcs_fields[i].name);
	if (d->masked[i]) {
		fputs("(of the host, for CAP_SYS_ADMIN alone)\n", to);
		return;
	}
	vmcs_decode(vmcs_fields[i].encoding, d->value[i], text, sizeof(text));
	fprintf(to, "0x%llx%s%s\n", d->value[i], *text ? "  " : "", text);
}

static void print_group(const struct dump *d, enum vmcs_group group, const char *title, FILE *to)
{
	unsigned int i;

	fprintf(to, "\n%s\n", title);
	for (i = 0; i < NR_VMCS_FIELDS; i++)
		if (d->has[i] && vmcs_field_group(vmcs_fields[i].encoding) == group)
			print_field(d, i, to);
}

static void print_rules(const struct dump *d, FILE *to)
{
	const char *section = "", *bar;
	unsigned int i;

	if (d->nr_broken)
		fprintf(to, "\nEntry checks: %u of %u rules are BROKEN; a VM entry would fail\n",
			d->nr_broken, d->nr_rules);
	else
		fprintf(to, "\nEntry checks: all %u rules that apply hold\n", d->nr_rules);
	for (i = 0; i < d->nr_rules; i++) {
		bar = strchr(d->rule[i].text, '|');
		if (!bar)
			continue;
		if (strncmp(section, d->rule[i].text, (size_t)(bar - d->rule[i].text) + 1) != 0)
			fprintf(to, "  SDM, \"%.*s\"\n", (int)(bar - d->rule[i].text),
				d->rule[i].text);
		section = d->rule[i].text;
		fprintf(to, "    %s %s: %s\n", d->rule[i].broken ? "BROKEN" : "ok    ",
			vmcs_field_name(d->rule[i].field), bar + 1);
	}
}

/**
 * vmcs_print() - print a VMCS
 * @from: the module's lines
 * @to: where it goes
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1: @from holds no VMCS.
 */
int vmcs_print(FILE *from, FILE *to, struct sentence *why)
{
	struct dump *d = calloc(1, sizeof(*d));
	char line[LINE_MAX_LENGTH];

	if (!d)
		return say(why, "There is no memory for a VMCS.");
	while (fgets(line, sizeof(line), from))
		take_line(d, line);
	if (!d->heading[0]) {
		free(d);
		return say(why, "There is no VMCS in what the module shows.");
	}
	fprintf(to, "VMCS of vm %s\n", d->heading);
	print_group(d, VMCS_GUEST, "Guest-state area", to);
	print_group(d, VMCS_HOST, "Host-state area", to);
	print_group(d, VMCS_CONTROL, "Control fields", to);
	print_group(d, VMCS_EXIT_INFORMATION, "VM-exit information", to);
	print_rules(d, to);
	free(d);
	return 0;
}
