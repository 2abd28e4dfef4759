// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests of the first day on a machine: made-up capability MSRs, and what a report leaves out.
 *
 * SDM, "VMX Capability Reporting Facility". The processors are made up from the one of the lab by
 * taking bits away and by adding every bit that exists or may come to exist.
 */
#include <stdio.h>
#include <string.h>

#include "inspect/msr_caps.h"
#include "inspect/scrub.h"
#include "tests.h"

/* What Bochs' Skylake-X answers. Of the older control MSRs, one is here. */
static const struct { __u32 index; __u64 value; } skylake[] = {
	{ 0x3a, 0x5 }, { 0x480, 0xd810000000002b }, { 0x481, 0xff00000016 },
	{ 0x485, 0x600401e0 }, { 0x486, 0x80000021 }, { 0x487, 0xffffffff }, { 0x488, 0x2000 },
	{ 0x489, 0x3727ff }, { 0x48b, 0x2577fff00000000 }, { 0x48c, 0xf0106734141 },
	{ 0x48d, 0xff00000016 }, { 0x48e, 0xfff9fffe04006172 }, { 0x48f, 0x407fffff00036dfb },
	{ 0x490, 0xffff000011fb }, { 0x491, 1 },
};

#define MSRS	ARRAY_SIZE(skylake)

static __u64 values[MSRS];
static bool absent[MSRS];

static size_t at(__u32 index)
{
	size_t i;

	for (i = 0; i < MSRS; i++)
		if (skylake[i].index == index)
			return i;
	CHECK(!"an MSR of the list");
	return 0;
}

static void make_processor(void)
{
	size_t i;

	for (i = 0; i < MSRS; i++) {
		values[i] = skylake[i].value;
		absent[i] = false;
	}
}

static int read_made_up(void *context, __u32 index, __u64 *value)
{
	size_t i;

	(void)context;
	for (i = 0; i < MSRS; i++)
		if (skylake[i].index == index && !absent[i]) {
			*value = values[i];
			return 0;
		}
	return -1;
}

static int reads(struct msr_caps *caps)
{
	struct sentence why;

	return msr_caps_read(caps, read_made_up, NULL, &why);
}

static bool lacks(const char *name)
{
	struct msr_caps caps;
	struct sentence why = { "" };

	if (reads(&caps) || !msr_caps_suffice(&caps, &why))
		return false;
	return strstr(why.text, name);
}

static const struct control_bit *bits_end(int word)
{
	return control_words[word].bits + control_words[word].nr_bits;
}

static void caps_of_the_lab(void)
{
	struct sentence why = { "" };
	struct msr_caps caps;

	make_processor();
	CHECK(!reads(&caps));
	CHECK(!msr_caps_suffice(&caps, &why));
	CHECK(values[at(0x491)] == caps.vmfunc);
	if (why.text[0])
		printf("# %s\n", why.text);
	CHECK(msr_caps_apicv(&caps));
}

/* Each required control taken away alone: it is named, and no other is. */
static void caps_missing_named(void)
{
	static const __u32 msrs[NR_ENTRY_WORDS] = {
		[WORD_PIN] = 0x48d, [WORD_CPU] = 0x48e, [WORD_SECONDARY] = 0x48b,
		[WORD_EXIT] = 0x48f, [WORD_ENTRY] = 0x490,
	};
	const struct control_bit *b;
	struct msr_caps caps;
	struct sentence why;
	char quoted[96];
	int w;

	for (w = 0; w < NR_ENTRY_WORDS; w++) {
		for (b = control_words[w].bits; b < bits_end(w) && msrs[w]; b++) {
			make_processor();
			values[at(msrs[w])] &= ~(1ULL << (32 + b->bit));
			CHECK(!reads(&caps));
			snprintf(quoted, sizeof(quoted), "\"%s\"", b->name);
			if (b->use == CONTROL_REQUIRED)
				CHECK(lacks(quoted));
			else
				CHECK(!msr_caps_suffice(&caps, &why));
		}
	}
	make_processor();
	values[at(0x48c)] &= ~(1ULL << 14);
	CHECK(lacks("write-back EPT"));
	make_processor();
	values[at(0x3a)] = 1;
	CHECK(lacks("locked VT-x off"));
	/* Not locked: the module locks it with VMX on. */
	make_processor();
	values[at(0x3a)] = 0;
	CHECK(!lacks(""));
}

/* A processor that may have every bit: nothing is set that the table does not want. */
static void caps_unknown_stays_off(void)
{
	const struct control_bit *b;
	__u32 wanted, missing;
	int w, bit;

	for (w = 0; w < NR_ENTRY_WORDS; w++) {
		if (w == WORD_TERTIARY)
			continue;
		wanted = 0;
		for (b = control_words[w].bits; b < bits_end(w); b++)
			if (b->use != CONTROL_KNOWN)
				wanted |= 1U << b->bit;
		CHECK(control_decide(w, 0, ~0U, &missing) == wanted);
		CHECK(!missing);
		/* What the processor demands is set, and it alone. */
		for (bit = 0; bit < 32; bit++)
			CHECK(control_decide(w, 1U << bit, ~0U, &missing) == (wanted | 1U << bit));
		CHECK(!control_decide(w, 0, 0, &missing));
	}
}

/* What silicon has and Bochs has not: these are known by name, and not used (status.rst). */
static void caps_of_silicon_stay_off(void)
{
	static const struct { enum entry_word word; unsigned char bit; } off[] = {
		{ WORD_CPU, 17 },		/* tertiary controls */
		{ WORD_SECONDARY, 13 },		/* VM functions */
		{ WORD_SECONDARY, 14 },		/* VMCS shadowing */
		{ WORD_SECONDARY, 18 },		/* EPT-violation #VE */
		{ WORD_SECONDARY, 22 },		/* mode-based execute control */
		{ WORD_SECONDARY, 23 },		/* sub-page write permissions */
		{ WORD_SECONDARY, 24 },		/* PT with guest physical addresses */
		{ WORD_SECONDARY, 27 },		/* PCONFIG */
		{ WORD_SECONDARY, 29 },		/* reserved today */
		{ WORD_SECONDARY, 30 },		/* bus-lock detection */
		{ WORD_SECONDARY, 31 },		/* instruction timeout: notify exits */
		{ WORD_EXIT, 12 }, { WORD_EXIT, 26 }, { WORD_EXIT, 28 }, { WORD_EXIT, 29 },
		{ WORD_EXIT, 31 }, { WORD_ENTRY, 13 }, { WORD_ENTRY, 18 }, { WORD_ENTRY, 19 },
		{ WORD_ENTRY, 20 }, { WORD_ENTRY, 21 }, { WORD_ENTRY, 22 }, { WORD_ENTRY, 23 },
	};
	__u32 missing;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(off); i++)
		CHECK(!(control_decide(off[i].word, 0, ~0U, &missing) >> off[i].bit & 1));
}

/* One without TRUE MSRs, one without secondary controls, one that refuses to answer. */
static void caps_of_old_processors(void)
{
	struct msr_caps caps;
	struct sentence why;

	make_processor();
	values[at(0x480)] &= ~(1ULL << 55);
	CHECK(reads(&caps) == -1);
	make_processor();
	values[at(0x48e)] &= ~(1ULL << 63);
	absent[at(0x48b)] = true;
	absent[at(0x48c)] = true;
	CHECK(!reads(&caps));
	CHECK(msr_caps_suffice(&caps, &why) == -1 && strstr(why.text, "secondary controls") &&
	      strstr(why.text, "enable EPT") && !strstr(why.text, "INVEPT"));
	make_processor();
	absent[at(0x485)] = true;
	CHECK(msr_caps_read(&caps, read_made_up, NULL, &why) == -1 && strstr(why.text, "VMX_MISC"));
	make_processor();
	values[at(0x48d)] &= ~(1ULL << 39);
	CHECK(!reads(&caps) && !msr_caps_apicv(&caps) && !msr_caps_suffice(&caps, &why));
}

static void caps_printed(void)
{
	static char text[65536];
	struct msr_caps caps;
	FILE *to = fmemopen(text, sizeof(text), "w");

	make_processor();
	CHECK(!reads(&caps));
	CHECK(to && !msr_caps_print(&caps, to));
	if (to)
		fclose(to);
	CHECK(strstr(text, "locked, VMX outside SMX allowed"));
	CHECK(strstr(text, "secondary processor-based VM-execution controls"));
	CHECK(strstr(text, "required  used  bit 7   unrestricted guest"));
	CHECK(strstr(text, "IA32_VMX_CR4_FIXED1 = 0x3727ff"));
}

static void report_leaves_out(void)
{
	static const struct { const char *line, *clean; } lines[] = {
		{ "plain words, 6.1.0-57 and 0xfe: stay", NULL },
		{ "time 12:34:56, ratio 3.0, version 1.2.3", NULL },
		{ "VMCS field 0x4002 = 0xb6a06dfa", NULL },
		{ "id 123e4567-e89b-12d3-a456-426614174000.", "id (left out)." },
		{ "machine 0123456789abcdef0123456789abcdef", "machine (left out)" },
		{ "mac 52:54:00:12:34:56 up", "mac (left out) up" },
		{ "peer 192.168.1.20:22", "peer (left out):22" },
		{ "peer fe80::1ff:fe23:4567:890a", "peer (left out)" },
		{ "peer 2001:db8:0:1:2:3:4:5!", "peer (left out)!" },
		{ "RIP: ffffffff81234567 at", "RIP: (left out) at" },
		{ "at 0xffff888012345678", "at (left out)" },
		{ "root=UUID=1-2 ro quiet", "root=(left out) ro quiet" },
		{ "quiet ip=10.0.0.2::gw nokaslr", "quiet ip=(left out) nokaslr" },
		{ "BOOT_IMAGE=/vmlinuz-6.1 quiet", "BOOT_IMAGE=(left out) quiet" },
		{ "from marvin to marvins", "from (left out) to marvins" },
		{ "intel_iommu=off intremap=off", NULL },
		{ "", NULL },
	};
	static const char * const names[] = { "marvin", "", NULL };
	char out[128], small[12];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		const char *wanted = lines[i].clean ? lines[i].clean : lines[i].line;

		scrub_line(lines[i].line, names, out, sizeof(out));
		if (strcmp(out, wanted) != 0)
			printf("# '%s', not '%s'\n", out, wanted);
		CHECK(!strcmp(out, wanted));
	}
	/* What does not fit is cut, and a secret is never cut open. */
	scrub_line("xx 192.168.100.200", NULL, small, sizeof(small));
	CHECK(!strstr(small, "192"));
	scrub_line("a long line that does not fit", NULL, small, sizeof(small));
	CHECK(strlen(small) == sizeof(small) - 1);
}

const struct test doors_tests[] = {
	{ "caps_of_the_lab", caps_of_the_lab },
	{ "caps_missing_named", caps_missing_named },
	{ "caps_unknown_stays_off", caps_unknown_stays_off },
	{ "caps_of_silicon_stay_off", caps_of_silicon_stay_off },
	{ "caps_of_old_processors", caps_of_old_processors },
	{ "caps_printed", caps_printed },
	{ "report_leaves_out", report_leaves_out },
	{ }
};
