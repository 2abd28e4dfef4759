// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the time line that `minikvm trace` makes, on a recording of a few events, and of the two
 * files that are made of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler.h"
#include "tests.h"
#include "trace/guest.h"
#include "trace/html.h"
#include "trace/perfetto.h"

/* vCPU 0 of thread 10 sends an IPI to vCPU 1 of thread 11, which waits for it in HLT. */
static const struct timeline_event sample[] = {
	{ EVENT_EXIT, 1000, 11, 1, "HLT" },
	{ EVENT_ENTRY, 2000, 10, 0, "" },
	{ EVENT_EXIT, 5000, 10, 0, "APIC_WRITE" },
	{ EVENT_IPI, 5500, 10, 0xfb, "" },
	{ EVENT_ENTRY, 6000, 10, 0, "" },
	{ EVENT_WAKEUP, 6500, 11, 5000, "" },
	{ EVENT_INJECT, 7000, 11, 0xfb, "" },
	{ EVENT_INJECT, 7100, 11, 0xfb, "" },
	{ EVENT_ENTRY, 7500, 11, 1, "" },
	{ EVENT_EXIT, 8000, 10, 0, "IO_INSTRUCTION" },
	{ EVENT_USERSPACE, 8500, 10, 0, "KVM_EXIT_IO" },
	{ EVENT_USERSPACE, 8600, 99, 0, "a thread that has no vCPU" },
	{ EVENT_ENTRY, 9000, 10, 0, "" },
	{ EVENT_EXIT, 9500, 10, 0, "</script>\"\\" },
	{ EVENT_DEVICE, 9600, 77, 0x31, "" },
	{ EVENT_INJECT, 9700, 10, 0x31, "" },
	{ EVENT_DEVICE, 9750, 77, 0x32, "" },
	{ EVENT_INJECT, 9800, 10, 0x32, "" },
	{ EVENT_EXIT, 9400, 11, 1, "late" },
};

static void play(struct timeline *t, const struct timeline_ops *ops, void *to)
{
	size_t i;

	memset(t, 0, sizeof(*t));
	t->ops = ops;
	t->to = to;
	for (i = 0; i < ARRAY_SIZE(sample); i++)
		timeline_event(t, &sample[i]);
	timeline_end(t);
}

static void perfetto_file(void)
{
	static struct timeline t;
	char *text = NULL, *name;
	struct perfetto p;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f) {
		CHECK(f);
		return;
	}
	perfetto_begin(&p, f);
	play(&t, &perfetto_ops, &p);
	perfetto_end(&p, 7);
	fclose(f);
	CHECK(t.nr_vcpus == 2 && t.late == 1 && p.flows == 3);
	CHECK(strstr(text, "\"tid\":10,\"ts\":2.000,\"name\":\"guest\",\"dur\":3.000,"));
	CHECK(strstr(text, "\"tid\":10,\"ts\":8.500,\"name\":\"KVM_EXIT_IO\",\"dur\":0.500,"));
	CHECK(strstr(text, "\"tid\":11,\"ts\":1.500,\"name\":\"waiting\",\"dur\":5.000,"));
	CHECK(strstr(text, "{\"ph\":\"s\",\"pid\":1,\"tid\":10,\"ts\":5.500,\"name\":\"IPI, vec"));
	CHECK(strstr(text, "{\"ph\":\"f\",\"pid\":1,\"tid\":11,\"ts\":7.000,"));
	/* An arrow from a thread that is no vCPU's has a slice to hang on, the thread one name. */
	name = strstr(text, "interrupts from thread 77\"");
	CHECK(name && !strstr(name + 1, "interrupts from thread"));
	CHECK(strstr(text, "\"tid\":77,\"ts\":9.600,\"name\":\"device interrupt, vector 49\",\"d"));
	CHECK(strstr(text, "{\"ph\":\"s\",\"pid\":1,\"tid\":77,\"ts\":9.750,"));
	CHECK(strstr(text, "\"\\u003c/script>\\u0022\\u005c\""));
	CHECK(strstr(text, "\"lost events\":\"7\"") && !strstr(text, "\"tid\":99"));
	free(text);
}

static const char *words(unsigned int reason, const char **name)
{
	*name = "HLT";
	return reason == 12 ? "the guest waits" : NULL;
}

static void html_page(void)
{
	static struct timeline t;
	struct html h;
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f || !html_begin(&h)) {
		CHECK(false);
		return;
	}
	play(&t, &html_ops, &h);
	CHECK(html_end(&h, f, 7, words, 80));
	fclose(f);
	CHECK(strstr(text, "const data = {\"tracks\":[\n[11,1],\n[10,0]]"));
	CHECK(strstr(text, "[10,0,\"guest\",2000,3000]"));
	CHECK(strstr(text, "[\"IPI, vector 251\",10,5500,11,7000]"));
	CHECK(strstr(text, "\"HLT\":\"the guest waits\"") && strstr(text, "\"lost\":7};"));
	/* No name ends the script, and nothing is fetched from elsewhere. */
	CHECK(strstr(text, "\\u003c/script>\\u0022\\u005c"));
	CHECK(!strstr(text, "http:") && !strstr(text, "https:") && !strstr(text, "src="));
	CHECK(!strcmp(text + strlen(text) - 8, "</html>\n"));
	free(text);
}

static void many_threads(void)
{
	static struct timeline t;
	struct timeline_event e = { EVENT_ENTRY, 1, 0, 0, "" };
	struct perfetto p;
	FILE *f = fopen("/dev/null", "we");

	if (!f) {
		CHECK(f);
		return;
	}
	perfetto_begin(&p, f);
	t.ops = &perfetto_ops;
	t.to = &p;
	for (e.thread = 1; e.thread <= TIMELINE_VCPUS_MAX + 5; e.thread++)
		timeline_event(&t, &e);
	timeline_end(&t);
	CHECK(t.nr_vcpus == TIMELINE_VCPUS_MAX && t.unknown == 5);
	fclose(f);
}

/* Two vCPUs, and three processes of the guest's on them. */
static void guest_processes(void)
{
	static const struct timeline_event events[] = {
		{ EVENT_PROCESS, 500, 10, 9, "nobody's" },
		{ EVENT_ENTRY, 1000, 10, 0, "" },
		{ EVENT_ENTRY, 1000, 11, 1, "" },
		{ EVENT_PROCESS, 1500, 10, 3, "parent" },
		{ EVENT_PROCESS, 2000, 10, 3, "shell" },
		{ EVENT_PROCESS, 3000, 10, 4, "</script>" },
		{ EVENT_PROCESS, 4000, 11, 3, "shell" },
		{ EVENT_PROCESS, 4500, 10, 3, "shell" },
		{ EVENT_PROCESS, 5000, 10, 4, "</script>" },
		{ EVENT_PROCESS_END, 5500, 11, 0, "" },
		{ EVENT_EXIT, 6000, 11, 1, "HLT" },
	};
	static struct timeline t;
	char *text = NULL;
	struct perfetto p;
	size_t size, i;
	FILE *f = open_memstream(&text, &size);

	if (!f) {
		CHECK(f);
		return;
	}
	memset(&t, 0, sizeof(t));
	t.ops = &perfetto_ops;
	t.to = &p;
	perfetto_begin(&p, f);
	for (i = 0; i < ARRAY_SIZE(events); i++)
		timeline_event(&t, &events[i]);
	timeline_end(&t);
	perfetto_end(&p, 0);
	fclose(f);
	CHECK(strstr(text, "\"args\":{\"name\":\"process 3, shell\"}"));
	CHECK(strstr(text, "2016,\"ts\":2.000,\"name\":\"shell on vCPU 0\",\"dur\":1.000"));
	CHECK(strstr(text, "2080,\"ts\":3.000,\"name\":\"\\u003c/script> on vCPU 0\","));
	CHECK(strstr(text, "2016,\"ts\":4.000,\"name\":\"shell on vCPU 1\",\"dur\":1.500"));
	/* Two vCPUs run it at once. */
	CHECK(strstr(text, "2017,\"ts\":4.500,\"name\":\"shell on vCPU 0\",\"dur\":0.500"));
	CHECK(!strstr(text, "nobody"));
	free(text);
}

static void guest_announcements(void)
{
	__u64 call[5] = { 0x6d6b7670, 1, 0x0703 };
	struct guest_switch s;
	char text[128];

	memcpy(&call[3], "she\nll\x80 and no end of it", 16);
	CHECK(guest_read_switch(call, &s) && s.process == 3 && s.task == 7);
	CHECK(!strcmp(s.name, "she?ll??and?no?"));
	CHECK(guest_describe(call, text, sizeof(text)) &&
	      !strcmp(text, "the guest runs process 3, task 7 (she?ll??and?no?)"));
	call[1] = 2;
	call[2] = 0x10306;
	CHECK(!guest_read_switch(call, &s) && guest_describe(call, text, sizeof(text)) &&
	      !strcmp(text, "the guest's process 3 is Ready+Running"));
	call[1] = 3;
	call[3] = 0x7ff8;
	call[4] = 7;
	CHECK(guest_describe(call, text, sizeof(text)) &&
	      !strcmp(text, "the guest's process 6 has a page fault: write of 0x7ff8"));
	call[1] = 4;
	CHECK(guest_is_end(call) && !guest_read_switch(call, &s));
	CHECK(guest_describe(call, text, sizeof(text)) &&
	      !strcmp(text, "the guest announces no more"));
	call[1] = 1;
	call[0] = 5;
	CHECK(!guest_read_switch(call, &s) && !guest_describe(call, text, sizeof(text)));
}

const struct test trace_tests[] = {
	{ "trace: the guest's processes", guest_processes },
	{ "trace: what a guest announces", guest_announcements },
	{ "trace: the file for Perfetto", perfetto_file },
	{ "trace: the page", html_page },
	{ "trace: more threads than there is room for", many_threads },
	{ }
};
