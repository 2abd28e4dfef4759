// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of what `minikvm stat` reads and computes: the files' form, differences, percentiles.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inspect/stat_data.h"
#include "inspect/stat_print.h"
#include "tests.h"

static const char vcpu_text[] =
	"state pending halt\n"
	"guest_process 3 7 shell\n"
	"exits 1234\n"
	"user_exits 7\n"
	"cpu_ns 5000000\n"
	"cpu_wait_ns 77\n"
	"guest_ns 300\n"
	"halted_ns 900\n"
	"guest_hist 0 0 3\n"
	"a_row_of_tomorrow 1 2 3\n"
	"exit[10] 1000 CPUID\n"
	"exit_hist[10] 4000 0 0 0 1000\n"
	"exit[30] 234 I/O instruction\n"
	"exit[99] 5 beyond\n"
	"exit[x] 5 nonsense\n";

static void vcpu_file(void)
{
	static struct stat_vcpu v;

	memset(&v, 0, sizeof(v));
	stat_parse_vcpu(&v, vcpu_text);
	CHECK(!strcmp(v.state, "pending halt"));
	CHECK(v.exits == 1234 && v.cpu_ns == 5000000 && v.wait_ns == 77);
	CHECK(v.phase_ns[STAT_GUEST] == 300 && v.phase_ns[STAT_HALTED] == 900);
	CHECK(v.phase_ns[STAT_USERSPACE] == 0);
	CHECK(v.process == 3 && v.task == 7 && !strcmp(v.runs, "shell"));
	CHECK(v.reasons[10].exits == 1000 && !strcmp(v.reasons[10].name, "CPUID"));
	CHECK(v.reasons[10].latency.sum == 4000 && stat_samples(&v.reasons[10].latency) == 1000);
	CHECK(v.reasons[30].exits == 234 && !strcmp(v.reasons[30].name, "I/O instruction"));
	CHECK(!stat_samples(&v.reasons[30].latency));
}

/* Cut anywhere, as a file is that changes its length while it is read. */
static void cut_short(void)
{
	static struct stat_vcpu v;
	char *text;
	size_t n;

	for (n = 0; n < sizeof(vcpu_text); n++) {
		/* Exactly as long, so that a step too far is seen. */
		text = strndup(vcpu_text, n);
		memset(&v, 0, sizeof(v));
		stat_parse_vcpu(&v, text);
		CHECK(v.exits <= 1234);
		free(text);
	}
}

static void vm_file(void)
{
	struct stat_vm vm = { .id = "12-3" };

	stat_parse_vm(&vm, "state running\nowner 12\nname 12-3 (qemu\033[2J)\nuid 1000\nvcpus 2\n"
		      "guest_memory_bytes 16777216\npage_table_bytes 4096\npinned_bytes 0\n");
	CHECK(!strcmp(vm.state, "running") && vm.uid == 1000);
	CHECK(vm.memory == 16 << 20 && vm.tables == 4096);
	/* What the process is called cannot move the cursor. */
	CHECK(!strcmp(vm.name, "12-3 (qemu?[2J)"));
}

static void differences(void)
{
	static struct stat_vcpu before, now, d, sum;

	memset(&before, 0, sizeof(before));
	memset(&sum, 0, sizeof(sum));
	stat_parse_vcpu(&before, vcpu_text);
	now = before;
	now.exits += 10;
	now.reasons[10].exits += 10;
	now.reasons[10].latency.bucket[4] += 10;
	now.reasons[10].latency.sum += 100;
	now.cpu_ns -= 1;
	stat_vcpu_between(&d, &before, &now);
	CHECK(d.exits == 10 && d.reasons[10].exits == 10 && d.reasons[30].exits == 0);
	CHECK(stat_samples(&d.reasons[10].latency) == 10 && d.reasons[10].latency.sum == 100);
	/* Nothing goes backwards. */
	CHECK(d.cpu_ns == 0);
	stat_vcpu_between(&d, NULL, &now);
	CHECK(d.exits == 1244);
	stat_vcpu_add(&sum, &d);
	stat_vcpu_add(&sum, &d);
	CHECK(sum.exits == 2488 && sum.reasons[10].exits == 2020);
	CHECK(!strcmp(sum.reasons[10].name, "CPUID"));
}

static void percentiles(void)
{
	struct stat_hist h = { 0 };

	CHECK(stat_percentile(&h, 50) == 0);
	h.bucket[0] = 5;
	CHECK(stat_percentile(&h, 99) == 0);
	memset(&h, 0, sizeof(h));
	h.bucket[11] = 98;		/* 1024 to 2047 */
	h.bucket[21] = 2;		/* a million and more */
	CHECK(stat_percentile(&h, 50) >= 1024 && stat_percentile(&h, 50) < 2048);
	CHECK(stat_percentile(&h, 98) <= 2048);
	CHECK(stat_percentile(&h, 99) >= 1 << 20 && stat_percentile(&h, 99) <= 1 << 21);
	CHECK(stat_percentile(&h, 100) <= 1 << 21);
	memset(&h, 0, sizeof(h));
	h.bucket[STAT_BUCKETS - 1] = ~0ULL;
	CHECK(stat_percentile(&h, 50) >= 1ULL << (STAT_BUCKETS - 2));
}

#ifdef HAVE_JSON
static char printed[4096];

static void keep_line(void *ctx, bool bold, const char *line)
{
	snprintf(printed + strlen(printed), sizeof(printed) - strlen(printed), "%s\n", line);
}

/* The lines for people, of a VM whose vCPU's file says @text. */
static const char *lines_of(const char *text)
{
	static struct stat_vcpu v;
	struct stat_vm vm = { .id = "1-1", .vcpus = &v, .nr_vcpus = 1 };
	struct stat_snapshot s = { .vms = &vm, .nr_vms = 1 };
	struct stat_view view = { .vcpu = -1 };

	memset(&v, 0, sizeof(v));
	printed[0] = 0;
	stat_parse_vcpu(&v, text);
	stat_lines(NULL, &s, &view, keep_line, NULL);
	return printed;
}

/* The guest chooses the name: it moves no cursor, and it has an end. */
static void guest_process(void)
{
	CHECK(strstr(lines_of("state running\nguest_process 3 7 shell\n"), "process 3 (shell)\n"));
	CHECK(!strstr(lines_of("state running\nexits 3\n"), "process"));
	CHECK(strstr(lines_of("guest_process 255 1 \033[2Jx\n"), "process 255 (?[2Jx)\n"));
	CHECK(strstr(lines_of("guest_process 1 1 0123456789abcdefGHIJ\n"),
		     "process 1 (0123456789abcdef)\n"));
	CHECK(!strstr(lines_of("guest_process 5\n"), "process"));
	CHECK(!strstr(lines_of("guest_process 5 7\n"), "process"));
}
#endif

static void write_file(const char *directory, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	f = fopen(path, "w");
	CHECK(f && fputs(text, f) >= 0);
	if (f)
		fclose(f);
}

static void directories(void)
{
	char root[] = "/tmp/minikvm-stat-XXXXXX", path[300];
	struct stat_snapshot s;
	struct sentence why;

	CHECK(mkdtemp(root));
	snprintf(path, sizeof(path), "%s/77-1", root);
	CHECK(!mkdir(path, 0700));
	write_file(path, "state", "state pending halt\nname 77-1 (x)\nuid 5\n");
	write_file(path, "vcpu0", vcpu_text);
	write_file(path, "vcpu1", "");
	write_file(root, "owners", "uid 5\n");
	CHECK(!stat_read(&s, root, &why));
	CHECK(s.nr_vms == 1 && s.vms[0].nr_vcpus == 2 && s.vms[0].uid == 5);
	CHECK(stat_find_vm(&s, "77-1") == s.vms && !stat_find_vm(&s, "77-2"));
	CHECK(stat_find_vcpu(s.vms, 0)->exits == 1234 && !stat_find_vcpu(s.vms, 9));
	stat_free(&s);
	snprintf(path, sizeof(path), "rm -r %s", root);
	CHECK(!system(path));
	CHECK(stat_read(&s, root, &why) == -1);
	CHECK(strstr(why.text, "modprobe minikvm"));
}

const struct test stat_tests[] = {
	{ "stat_vcpu_file", vcpu_file },
	{ "stat_cut_short", cut_short },
	{ "stat_vm_file", vm_file },
	{ "stat_differences", differences },
	{ "stat_percentiles", percentiles },
	{ "stat_directories", directories },
#ifdef HAVE_JSON
	{ "stat_guest_process", guest_process },
#endif
	{ }
};
