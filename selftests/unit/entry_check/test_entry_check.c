// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does each VM-entry rule find what breaks it, and nothing else?
 *
 * SDM, "VM Entries". A VMCS is an array here. Each of the known-good ones must pass; each row of
 * rows.c changes one field or two of a good one, and exactly the rules that the row names may
 * be reported, in any order: with field, words and section. At the end each rule that was ever
 * looked at must have been broken once, and Documentation/entry-failures.rst, whose path is the
 * argument, must say how many there are.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <asm/processor-flags.h>

#include "rows.h"
#include "tap.h"

#define NR_FIELDS	0x8000
#define MAX_FOUND	256

static u64 vmcs[NR_FIELDS];
static struct entry_check_caps caps;
static int vtpr;
static u32 link_revision;

static struct {
	u32 field;
	char rule[160];
	const char *section;
} found[MAX_FOUND];
static int nr_found;

/* Each rule that was looked at: its words with numbers left out are its name. */
#define MAX_RULES	512
static struct {
	char name[240];
	bool broken;
} rules[MAX_RULES];
static int nr_rules;
/* What noise finds is not noted: there are hundreds of combinations. */
static bool noise;

static void note_rule(const char *section, const char *rule, bool broken)
{
	char name[240], *to = name;
	const char *from;
	int i;

	if (noise)
		return;
	to += snprintf(name, sizeof(name), "%s: ", section);
	for (from = rule; *from && to < name + sizeof(name) - 1; from++)
		if (!isdigit((unsigned char)*from) || !isdigit((unsigned char)from[1]))
			*to++ = isdigit((unsigned char)*from) ? '#' : *from;
	*to = 0;
	for (i = 0; i < nr_rules && strcmp(rules[i].name, name); i++)
		;
	if (i == MAX_RULES) {
		printf("Bail out! too many rules\n");
		exit(1);
	}
	if (i == nr_rules)
		strcpy(rules[nr_rules++].name, name);
	rules[i].broken |= broken;
}

static void holds(struct entry_check *c, u32 field, u64 value, const char *rule)
{
	if (value != vmcs[field]) {
		printf("Bail out! a wrong value\n");
		exit(1);
	}
	note_rule(c->section, rule, false);
}

static u64 read_field(struct entry_check *c, u32 field)
{
	(void)c;
	if (field >= NR_FIELDS || (field & 1)) {
		printf("Bail out! field %#x does not exist\n", field);
		exit(1);
	}
	return vmcs[field];
}

static void report(struct entry_check *c, u32 field, u64 value, const char *rule)
{
	if (nr_found == MAX_FOUND || value != vmcs[field]) {
		printf("Bail out! too many findings, or a wrong value\n");
		exit(1);
	}
	note_rule(c->section, rule, true);
	found[nr_found].field = field;
	found[nr_found].section = c->section;
	snprintf(found[nr_found].rule, sizeof(found[0].rule), "%s", rule);
	nr_found++;
}

#define REVISION	0x12
#define PIN_MUST	0x16
#define CPU_MUST	0x04006172
#define EXIT_MUST	0x36dfb
#define ENTRY_MUST	0x11fb
#define FULL_LIMIT	0xffffffff

static void set_segment(u32 nr, u16 selector, u64 base, u32 limit, u32 ar)
{
	vmcs[GUEST_ES_SELECTOR + 2 * nr] = selector;
	vmcs[GUEST_ES_BASE + 2 * nr] = base;
	vmcs[GUEST_ES_LIMIT + 2 * nr] = limit;
	vmcs[GUEST_ES_AR_BYTES + 2 * nr] = ar;
}

/* A processor that can nearly everything. */
static void good_caps(void)
{
	memset(&caps, 0, sizeof(caps));
	caps.must_be_1[WORD_PIN] = PIN_MUST;
	caps.may_be_1[WORD_PIN] = 0xff;
	caps.must_be_1[WORD_CPU] = CPU_MUST;
	caps.may_be_1[WORD_CPU] = 0xfffbfffe;
	caps.may_be_1[WORD_SECONDARY] = 0xdfffffff;
	caps.may_be_1[WORD_TERTIARY] = 0x9f;
	caps.must_be_1[WORD_EXIT] = EXIT_MUST;
	caps.may_be_1[WORD_EXIT] = 0x7fffffff;
	caps.must_be_1[WORD_ENTRY] = ENTRY_MUST;
	caps.may_be_1[WORD_ENTRY] = 0x7fffff;
	caps.basic = REVISION;
	caps.misc = 0x1c0 | 4 << 16 | BIT(30);
	caps.ept_vpid = 0x6734141ull | BIT_ULL(7);
	caps.vmfunc = 1;
	caps.cr0_fixed0 = 0x80000021;
	caps.cr0_fixed1 = 0xffffffff;
	caps.cr4_fixed0 = 0x2000;
	caps.cr4_fixed1 = 0xf77fff;
	caps.perf_global_ctrl = 0x70000000full;
	caps.physical_bits = 40;
	caps.linear_bits = 48;
	caps.rtm = true;
	caps.sgx = true;
	caps.cet = true;
	vtpr = 0x50;
	link_revision = ~0u;
}

static void good_controls(void)
{
	vmcs[PIN_BASED_VM_EXEC_CONTROL] = PIN_MUST | 0x29;
	vmcs[CPU_BASED_VM_EXEC_CONTROL] = CPU_MUST | CPU_BASED_TPR_SHADOW |
		CPU_BASED_USE_MSR_BITMAPS | CPU_BASED_USE_IO_BITMAPS |
		CPU_BASED_ACTIVATE_SECONDARY_CONTROLS;
	vmcs[SECONDARY_VM_EXEC_CONTROL] = SECONDARY_EXEC_ENABLE_EPT |
		SECONDARY_EXEC_UNRESTRICTED_GUEST | SECONDARY_EXEC_ENABLE_VPID |
		SECONDARY_EXEC_ENABLE_PML | SECONDARY_EXEC_TSC_SCALING;
	vmcs[VM_EXIT_CONTROLS] = EXIT_MUST | VM_EXIT_HOST_ADDR_SPACE_SIZE | VM_EXIT_LOAD_IA32_PAT |
		VM_EXIT_LOAD_IA32_EFER | VM_EXIT_LOAD_IA32_PERF_GLOBAL_CTRL;
	vmcs[VM_ENTRY_CONTROLS] = ENTRY_MUST | VM_ENTRY_LOAD_DEBUG_CONTROLS |
		VM_ENTRY_IA32E_MODE | VM_ENTRY_LOAD_IA32_PAT | VM_ENTRY_LOAD_IA32_EFER |
		VM_ENTRY_LOAD_IA32_PERF_GLOBAL_CTRL | VM_ENTRY_LOAD_BNDCFGS;
	vmcs[MSR_BITMAP] = 0x10000;
	vmcs[IO_BITMAP_A] = 0x11000;
	vmcs[IO_BITMAP_B] = 0x12000;
	vmcs[VIRTUAL_APIC_PAGE_ADDR] = 0x13000;
	vmcs[PML_ADDRESS] = 0x14000;
	/* Write-back, a walk of 4, accessed and dirty flags. */
	vmcs[EPT_POINTER] = 0x150000005e;
	vmcs[VIRTUAL_PROCESSOR_ID] = 1;
	vmcs[TSC_MULTIPLIER] = BIT_ULL(48);
	vmcs[TPR_THRESHOLD] = 3;
}

static void good_host(void)
{
	vmcs[HOST_CR0] = 0x80050033;
	vmcs[HOST_CR3] = 0x2000;
	vmcs[HOST_CR4] = 0x3726f0;
	vmcs[HOST_IA32_SYSENTER_ESP] = 0xfffffe0000002000;
	vmcs[HOST_IA32_SYSENTER_EIP] = 0xffffffff81801000;
	vmcs[HOST_IA32_PAT] = 0x0407050600070106;
	vmcs[HOST_IA32_EFER] = 0xd01;
	vmcs[HOST_CS_SELECTOR] = 0x10;
	vmcs[HOST_SS_SELECTOR] = 0x18;
	vmcs[HOST_TR_SELECTOR] = 0x40;
	vmcs[HOST_GS_BASE] = 0xffff88807c000000;
	vmcs[HOST_TR_BASE] = 0xfffffe0000003000;
	vmcs[HOST_GDTR_BASE] = 0xfffffe0000001000;
	vmcs[HOST_IDTR_BASE] = 0xfffffe0000000000;
	vmcs[HOST_RSP] = 0xffffc90000000000;
	vmcs[HOST_RIP] = 0xffffffffc0000000;
}

/* A guest in 64-bit mode. */
void good_long(void)
{
	u32 i;

	memset(vmcs, 0, sizeof(vmcs));
	good_caps();
	good_controls();
	good_host();
	for (i = 0; i < 6; i++)
		set_segment(i, 0x10, 0, FULL_LIMIT, 0xc093);
	set_segment(1, 8, 0, FULL_LIMIT, 0xa09b);
	set_segment(6, 0, 0, 0, 0x10000);
	set_segment(7, 0x40, 0x5000, 0x67, 0x8b);
	vmcs[GUEST_CR0] = 0x80050033;
	vmcs[GUEST_CR3] = 0x10000;
	vmcs[GUEST_CR4] = 0x2620;
	vmcs[GUEST_DR7] = 0x400;
	vmcs[GUEST_IA32_PAT] = 0x0007040600070406;
	vmcs[GUEST_IA32_EFER] = 0xd01;
	vmcs[GUEST_GDTR_LIMIT] = 0xffff;
	vmcs[GUEST_IDTR_LIMIT] = 0xfff;
	vmcs[GUEST_RIP] = 0xffffffff81000000;
	vmcs[GUEST_RFLAGS] = 2;
	vmcs[VMCS_LINK_POINTER] = ~0ull;
}

/* Real mode, which only "unrestricted guest" allows: the state after reset. */
void good_real(void)
{
	u32 i;

	good_long();
	vmcs[VM_ENTRY_CONTROLS] &= ~(u64)VM_ENTRY_IA32E_MODE;
	for (i = 0; i < 6; i++)
		set_segment(i, 0, 0, 0xffff, 0x93);
	set_segment(1, 0xf000, 0xffff0000, 0xffff, 0x9b);
	set_segment(6, 0, 0, 0xffff, 0x82);
	set_segment(7, 0, 0, 0xffff, 0x8b);
	vmcs[GUEST_CR0] = 0x60000030;
	vmcs[GUEST_CR4] = 0x2000;
	vmcs[GUEST_IA32_EFER] = 0;
	vmcs[GUEST_RIP] = 0xfff0;
}

/* 32-bit protected mode with PAE paging. */
void good_pae(void)
{
	u32 i;

	good_long();
	vmcs[VM_ENTRY_CONTROLS] &= ~(u64)VM_ENTRY_IA32E_MODE;
	set_segment(1, 8, 0, FULL_LIMIT, 0xc09b);
	vmcs[GUEST_IA32_EFER] = 0;
	vmcs[GUEST_RIP] = 0x100000;
	for (i = 0; i < 4; i++)
		vmcs[GUEST_PDPTR0 + 2 * i] = 0x20001;
}

/* 32-bit paging on a processor where "unrestricted guest" is off. */
void good_restricted(void)
{
	good_pae();
	vmcs[SECONDARY_VM_EXEC_CONTROL] &= ~(u64)SECONDARY_EXEC_UNRESTRICTED_GUEST;
	vmcs[GUEST_CR4] = 0x2010;
}

void good_v8086(void)
{
	u32 i;

	good_restricted();
	vmcs[GUEST_RFLAGS] = 0x20202;
	for (i = 0; i < 6; i++)
		set_segment(i, 0x1000 + i, (0x1000 + i) << 4, 0xffff, 0xf3);
	vmcs[GUEST_RIP] = 0x100;
}

/* A guest whose LAPIC is virtualized by the processor, with posted interrupts. */
void good_apicv(void)
{
	good_long();
	vmcs[PIN_BASED_VM_EXEC_CONTROL] |= PIN_BASED_POSTED_INTR;
	vmcs[VM_EXIT_CONTROLS] |= VM_EXIT_ACK_INTR_ON_EXIT;
	vmcs[SECONDARY_VM_EXEC_CONTROL] |= SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY |
		SECONDARY_EXEC_APIC_REGISTER_VIRT | SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES;
	vmcs[POSTED_INTR_NV] = 0xf2;
	vmcs[POSTED_INTR_DESC_ADDR] = 0x15040;
	vmcs[APIC_ACCESS_ADDR] = 0x16000;
}

static int run(void)
{
	struct entry_check c = {
		.read = read_field, .report = report, .holds = holds, .caps = &caps,
		.vmcs_pa = 0x99000,
		.vtpr = vtpr, .link_revision = link_revision,
	};
	int broken;

	nr_found = 0;
	broken = entry_check_all(&c);
	if (broken != nr_found) {
		printf("Bail out! %d rules counted, %d reported\n", broken, nr_found);
		exit(1);
	}
	return broken;
}

static void result(bool ok, const char *name)
{
	int i;

	tap_ok(ok, "%s", name);
	for (i = 0; !ok && i < nr_found; i++)
		printf("#   field %#x = %#llx: %s (%s)\n", found[i].field,
		       (unsigned long long)vmcs[found[i].field], found[i].rule,
		       found[i].section);
}

static void test_good(void (*good)(void), const char *name)
{
	good();
	result(run() == 0, name);
}

static bool was_found(const struct row *row, const struct expected *e)
{
	int i;

	for (i = 0; i < nr_found; i++)
		if (found[i].field == e->field && strstr(found[i].rule, e->rule) &&
		    !strcmp(found[i].section, row->section))
			return true;
	return false;
}

static void test_row(const struct row *row)
{
	const struct change *m;
	char name[200];
	int i, wanted = 0;
	bool ok = true;

	row->good();
	for (m = row->change; m < row->change + ARRAY_SIZE(row->change) && m->field | m->value;
	     m++)
		vmcs[m->field] = m->toggle ? vmcs[m->field] ^ m->value : m->value;
	run();
	for (i = 0; i < (int)ARRAY_SIZE(row->expected) && row->expected[i].rule; i++, wanted++)
		ok &= was_found(row, &row->expected[i]);
	snprintf(name, sizeof(name), "%s: field %#x: %s", row->section, row->expected[0].field,
		 row->expected[0].rule);
	result(ok && nr_found == wanted, name);
}

static void test_rows(const struct row_table *table)
{
	size_t i;

	for (i = 0; i < table->n; i++)
		test_row(&table->rows[i]);
}

/* Rules whose outcome depends on the processor rather than on the VMCS. */
static void test_processors(void)
{
	good_long();
	caps.ept_vpid &= ~VMX_EPT_AD_BIT;
	result(run() == 1 && strstr(found[0].rule, "bit 6 (accessed"), "EPTP without A/D flags");

	good_long();
	caps.basic |= BIT_ULL(48);
	result(run() == 0, "addresses of 32 bits");
	vmcs[MSR_BITMAP] = BIT_ULL(32);
	result(run() == 1 && found[0].field == MSR_BITMAP, "an address above 32 bits");

	good_long();
	caps.misc &= ~0x1c0ull;
	vmcs[GUEST_ACTIVITY_STATE] = 1;
	result(run() == 1 && found[0].field == GUEST_ACTIVITY_STATE, "no HLT state");

	good_long();
	caps.misc &= ~(u64)BIT(30);
	vmcs[VM_ENTRY_INTR_INFO_FIELD] = EVENT(INTR_TYPE_SOFT_EXCEPTION, 3, 0);
	result(run() == 1 && strstr(found[0].rule, "from 1 to 15"), "instruction length 0");

	good_long();
	caps.may_be_1[WORD_CPU] &= ~(u64)CPU_BASED_MONITOR_TRAP_FLAG;
	vmcs[VM_ENTRY_INTR_INFO_FIELD] = EVENT(INTR_TYPE_OTHER_EVENT, 0, 0);
	result(run() == 1 && strstr(found[0].rule, "monitor trap flag"), "no pending MTF");

	good_long();
	caps.basic |= BIT_ULL(56);
	vmcs[VM_ENTRY_INTR_INFO_FIELD] = EVENT(INTR_TYPE_HARD_EXCEPTION, 6, BIT(11));
	result(run() == 0, "any exception may have an error code");

	good_long();
	caps.cet = false;
	vmcs[VM_ENTRY_INTR_INFO_FIELD] = EVENT(INTR_TYPE_HARD_EXCEPTION, 21, BIT(11));
	result(run() == 1, "#CP without CET");

	good_long();
	caps.sgx = false;
	vmcs[GUEST_INTERRUPTIBILITY_INFO] = 0x10;
	result(run() == 1 && strstr(found[0].rule, "SGX"), "enclave interruption without SGX");

	good_long();
	caps.rtm = false;
	vmcs[GUEST_PENDING_DBG_EXCEPTIONS] = BIT(16) | BIT(12);
	result(run() == 1 && strstr(found[0].rule, "RTM"), "pending RTM without RTM");
	vmcs[GUEST_PENDING_DBG_EXCEPTIONS] = 0;
	vmcs[GUEST_IA32_DEBUGCTL] = BIT(15);
	result(run() == 1 && found[0].field == GUEST_IA32_DEBUGCTL, "DEBUGCTL.RTM without RTM");

	good_long();
	caps.bus_lock_debug = true;
	vmcs[GUEST_IA32_DEBUGCTL] = BIT(2);
	vmcs[GUEST_PENDING_DBG_EXCEPTIONS] = BIT(11);
	result(run() == 0, "bus-lock debug exceptions");

	good_long();
	caps.linear_bits = 57;
	vmcs[GUEST_FS_BASE] = NOT_CANONICAL;
	result(run() == 0, "canonical with 57 bits");
	vmcs[GUEST_FS_BASE] = BIT_ULL(56);
	result(run() == 1, "not canonical with 57 bits");

	good_long();
	vmcs[VMCS_LINK_POINTER] = 0x7000;
	link_revision = REVISION;
	result(run() == 0, "link pointer to a VMCS");
	link_revision = REVISION + 1;
	result(run() == 1 && strstr(found[0].rule, "revision"), "link pointer to something else");
	link_revision = REVISION | BIT(31);
	result(run() == 1 && strstr(found[0].rule, "revision"), "link pointer to a shadow VMCS");

	good_long();
	vtpr = -1;
	vmcs[TPR_THRESHOLD] = 15;
	result(run() == 0, "TPR that cannot be told");

	good_long();
	vmcs[VM_EXIT_CONTROLS] &= ~(u64)(VM_EXIT_HOST_ADDR_SPACE_SIZE | VM_EXIT_LOAD_IA32_EFER);
	vmcs[HOST_SS_SELECTOR] = 0;
	result(run() == 2 && found[0].field == HOST_SS_SELECTOR &&
	       !strcmp(found[0].section, HOST_SEGMENTS), "SS of a 32-bit host");

	/* A guest is looked at only if controls and host area are right. */
	good_long();
	vmcs[VIRTUAL_PROCESSOR_ID] = 0;
	vmcs[GUEST_RFLAGS] = 0;
	result(run() == 1 && found[0].field == VIRTUAL_PROCESSOR_ID, "controls before guest");

	/* Words that are not activated count as 0, and no value makes the checker stumble. */
	good_long();
	vmcs[CPU_BASED_VM_EXEC_CONTROL] &= ~(u64)CPU_BASED_ACTIVATE_SECONDARY_CONTROLS;
	vmcs[SECONDARY_VM_EXEC_CONTROL] = ~0u;
	vmcs[GUEST_CR0] = 0x80050033;
	result(run() == 0, "secondary controls that are not activated");
}

/* Nothing that userspace or a guest can put there may upset the checker itself. */
static void test_noise(void)
{
	u64 seed = 0x243f6a8885a308d3;
	int i, n;
	u32 f;

	for (n = 0; n < 2000; n++) {
		good_long();
		for (f = 0; f < NR_FIELDS; f += 2) {
			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			if ((seed >> 60) < (u64)(n & 15))
				vmcs[f] = seed ^ seed >> 21;
		}
		/* Let half of them through to the guest's rules. */
		if (n & 1) {
			u64 guest[NR_FIELDS];

			memcpy(guest, vmcs, sizeof(guest));
			good_long();
			for (i = 0; i < NR_FIELDS; i += 2)
				if (((i >> 10) & 3) == 2)
					vmcs[i] = guest[i];
		}
		run();
	}
	result(true, "2000 VMCSs of noise");
}

/* "Each bit must be as ...": no bit is wrong, and a wrong one has a rule of its own. */
static bool sums_up(const char *name)
{
	return strstr(name, "each bit must be as");
}

/* Does the chapter have a line with both? */
static bool says(const char *chapter, const char *one, const char *other)
{
	FILE *file = chapter ? fopen(chapter, "r") : NULL;
	bool said = false;
	char line[512];

	while (file && fgets(line, sizeof(line), file))
		said |= strstr(line, one) && strstr(line, other);
	if (file)
		fclose(file);
	return said;
}

static void test_section_count(const char *chapter, const char *section)
{
	size_t len = strlen(section);
	char count[32];
	int i, n = 0;

	for (i = 0; i < nr_rules; i++)
		n += !strncmp(rules[i].name, section, len) && rules[i].name[len] == ':' &&
		     !sums_up(rules[i].name);
	snprintf(count, sizeof(count), "  %d  ", n);
	tap_ok(says(chapter, section, count), "the book counts %d of \"%s\"", n, section);
}

/* Was each rule broken by some row, and does the book say how many there are? */
static void test_coverage(const char *chapter)
{
	static const char * const sections[] = {
		EXECUTION, EXIT, ENTRY, HOST_REGISTERS, HOST_SEGMENTS, HOST_SIZE, REGISTERS,
		SEGMENTS, TABLES, RIP_RFLAGS, NON_REGISTER, PDPTES,
	};
	char want[64];
	int i, n = 0;

	for (i = 0; i < nr_rules; i++) {
		if (sums_up(rules[i].name))
			continue;
		n++;
		if (!rules[i].broken)
			printf("# never broken: %s\n", rules[i].name);
		tap_ok(rules[i].broken, "broken once: %s", rules[i].name);
	}
	snprintf(want, sizeof(want), "**%d rules**", n);
	tap_ok(says(chapter, want, ""), "the book counts the rules: %s", want);
	for (i = 0; i < (int)ARRAY_SIZE(sections); i++)
		test_section_count(chapter, sections[i]);
}

int main(int argc, char **argv)
{
	int i;

	printf("TAP version 13\n");
	test_good(good_long, "64-bit guest");
	test_good(good_real, "real-mode guest");
	test_good(good_pae, "PAE guest");
	test_good(good_restricted, "guest without \"unrestricted guest\"");
	test_good(good_v8086, "virtual-8086 guest");
	test_good(good_apicv, "guest with APIC virtualization");
	for (i = 0; i < NR_ROW_TABLES; i++)
		test_rows(&row_tables[i]);
	test_processors();
	test_coverage(argc > 1 ? argv[1] : NULL);
	noise = true;
	test_noise();
	return tap_done();
}
