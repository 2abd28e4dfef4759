// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the pure half of `minikvm bpf`: formats of trace events, lost lines, lockdown,
 * histograms, names.
 */
#include <asm/vmx.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/event_format.h"
#include "bpf/histogram.h"
#include "bpf/reason.h"
#include "compiler.h"
#include "tests.h"

/* As Linux 6.12 writes it, with some fields of other events. */
static const char format[] =
	"name: kvm_exit\nID: 1635\nformat:\n"
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
	"\tfield:unsigned int exit_reason;\toffset:8;\tsize:4;\tsigned:0;\n"
	"\tfield:unsigned long guest_rip;\toffset:16;\tsize:8;\tsigned:0;\n"
	"\tfield:const char *name;\toffset:24;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned int vcpu_id;\toffset:56;\tsize:4;\tsigned:0;\n\n"
	"print fmt: \"vcpu %u rip\", REC->vcpu_id, REC->guest_rip\n";

static bool is_at(const char *text, const char *name, __u32 offset, __u32 size)
{
	__u32 o = ~0U, s = ~0U;

	return format_find_field(text, name, &o, &s) && o == offset && s == size;
}

static void bpf_format(void)
{
	__u32 o, s;

	CHECK(is_at(format, "exit_reason", 8, 4));
	CHECK(is_at(format, "guest_rip", 16, 8));
	CHECK(is_at(format, "name", 24, 8));
	CHECK(is_at(format, "vcpu_id", 56, 4));
	/* Neither a part of a word nor a word of a type is a field. */
	CHECK(!format_find_field(format, "reason", &o, &s));
	CHECK(!format_find_field(format, "rip", &o, &s));
	CHECK(!format_find_field(format, "int", &o, &s));
	CHECK(!format_find_field(format, "rip; offset:1", &o, &s));
	CHECK(!format_find_field("", "rip", &o, &s));
	CHECK(!format_find_field("\tfield:u64 rip", "rip", &o, &s));
	CHECK(!format_find_field("\tfield:u64 rip;", "rip", &o, &s));
	CHECK(!format_find_field("\tfield:u64 rip;\toffset:8;", "rip", &o, &s));
	CHECK(!format_find_field("field:;", "rip", &o, &s));
}

static void bpf_lost_lines(void)
{
	__u64 lost = 1;

	CHECK(trace_line_lost("CPU:0 [LOST 4711 EVENTS]", &lost) && lost == 4712);
	CHECK(trace_line_lost("CPU:12 [LOST EVENTS]", &lost) && lost == 4712);
	CHECK(!trace_line_lost("minikvm-77 [000] 1.0: x: [LOST 3 EVENTS]", &lost) && lost == 4712);
	CHECK(!trace_line_lost("CPU:0 ok", &lost));
	CHECK(!trace_line_lost("", &lost));
}

static void bpf_lockdown(void)
{
	char level[8];

	CHECK(!lockdown_level("[none] integrity confidentiality\n", level, sizeof(level)));
	CHECK(lockdown_level("none [integrity] confidentiality\n", level, sizeof(level)));
	CHECK(!strcmp(level, "integri"));
	CHECK(!lockdown_level("", level, sizeof(level)));
	CHECK(!lockdown_level("]none[", level, sizeof(level)));
}

static void bpf_percentiles(void)
{
	struct latency sum = {}, cpu = { .count = 90, .sum_ns = 900, .max_ns = 15, .slept = 1 };

	CHECK(latency_percentile(&sum, 50) == 0);
	cpu.slots[3] = 90;
	latency_add(&sum, &cpu);
	memset(&cpu, 0, sizeof(cpu));
	cpu.count = 10;
	cpu.sum_ns = 10000;
	cpu.max_ns = 1500;
	cpu.slots[9] = 8;
	cpu.slots[10] = 2;
	latency_add(&sum, &cpu);
	CHECK(sum.count == 100 && sum.sum_ns == 10900 && sum.max_ns == 1500 && sum.slept == 1);
	CHECK(latency_percentile(&sum, 1) == 15);
	CHECK(latency_percentile(&sum, 50) == 15);
	CHECK(latency_percentile(&sum, 90) == 15);
	CHECK(latency_percentile(&sum, 91) == 1023);
	CHECK(latency_percentile(&sum, 98) == 1023);
	/* The slot ends at 2047; none was longer than 1500. */
	CHECK(latency_percentile(&sum, 99) == 1500);
	CHECK(latency_percentile(&sum, 100) == 1500);
	memset(&sum, 0, sizeof(sum));
	sum.count = 1;
	sum.max_ns = ~0ULL;
	sum.slots[63] = 1;
	CHECK(latency_percentile(&sum, 50) == ~0ULL);
}

static void bpf_histogram_print(void)
{
	static const char printed[] =
		"             0 ns           4  ########################################\n"
		"             2 ns           0\n"
		"             4 ns           2  ####################\n";
	struct latency l = { .count = 6 };
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	l.slots[0] = 4;
	l.slots[2] = 2;
	latency_print(f, &l);
	fclose(f);
	CHECK(text && !strcmp(text, printed));
	free(text);
	text = NULL;
	memset(&l, 0, sizeof(l));
	f = open_memstream(&text, &size);
	latency_print(f, &l);
	fclose(f);
	CHECK(text && !*text);
	free(text);
}

static bool text_is(const struct access_key *key, const char *wanted)
{
	char text[ACCESS_TEXT_SIZE];

	return !strcmp(access_text(key, text), wanted);
}

static void bpf_names(void)
{
	char name[REASON_NAME_SIZE];

	CHECK(!strcmp(reason_name(EXIT_REASON_IO_INSTRUCTION, name), "IO_INSTRUCTION"));
	CHECK(!strcmp(reason_name(EXIT_REASON_INVALID_STATE | VMX_EXIT_REASONS_FAILED_VMENTRY,
				  name), "FAILED_VMENTRY INVALID_STATE"));
	CHECK(!strcmp(reason_name(999, name), "reason 999"));
	CHECK(text_is(&(struct access_key){ 0x3f8, ACCESS_IO, 1 }, "OUT port 0x3f8, 1 byte"));
	CHECK(text_is(&(struct access_key){ 0x1f0, ACCESS_IO, 2 | IO_IN | IO_STRING },
		      "INS port 0x1f0, 2 bytes"));
	CHECK(text_is(&(struct access_key){ 0xfee000b0, ACCESS_MMIO, 4 },
		      "write 0xfee000b0, 4 bytes"));
	CHECK(text_is(&(struct access_key){ 0x6e0, ACCESS_MSR, MSR_WRITE }, "WRMSR 0x6e0"));
	CHECK(text_is(&(struct access_key){ 3, ACCESS_CR, CR_FROM }, "from CR3"));
	CHECK(text_is(&(struct access_key){ 0, ACCESS_CR, CR_CLTS }, "CLTS"));
	CHECK(text_is(&(struct access_key){ 0, ACCESS_EPT, EPT_WRITE | EPT_MAPPED },
		      "write, mapped, but not for this"));
	CHECK(text_is(&(struct access_key){ 5, ACCESS_HYPERCALL, 0 }, "number 5"));
	CHECK(text_is(&(struct access_key){ 5, 99, 0 }, "kind 99, 0x5"));
}

const struct test bpf_tests[] = {
	{ "bpf_format", bpf_format },
	{ "bpf_lost_lines", bpf_lost_lines },
	{ "bpf_lockdown", bpf_lockdown },
	{ "bpf_percentiles", bpf_percentiles },
	{ "bpf_histogram_print", bpf_histogram_print },
	{ "bpf_names", bpf_names },
	{ }
};
