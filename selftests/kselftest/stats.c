// SPDX-License-Identifier: GPL-2.0-only
/*
 * Statistics: KVM_GET_STATS_FD, the files in debugfs, and the histograms that the module's
 * parameter latency_stats asks for. KVM's ABI, "KVM_GET_STATS_FD". What a guest did is known to the
 * last exit, so counts are compared with it; times are compared with each other only. Relies on
 * lib/ and root.
 */
#include <glob.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "apic.h"
#include "stat.h"

#define EXITS 100

static void cpuid_guest(void)
{
	for (;;) {
		for (u32 i = 0; i < EXITS; i++)
			asm volatile("cpuid" : : "a"(0), "c"(0) : "rbx", "rdx");
		GUEST_SYNC(1);
	}
}

static int vcpu_fd(struct kt_vcpu *vcpu)
{
	kt_require_cap(KVM_CAP_BINARY_STATS_FD, "KVM_CAP_BINARY_STATS_FD");
	return KT_IOCTL(vcpu->fd, KVM_GET_STATS_FD, 0);
}

static void need_minikvm(void)
{
	if (!kt_is_minikvm())
		kt_skip("only minikvm has these statistics");
}

static void histograms(bool on)
{
	need_minikvm();
	kt_param_set("latency_stats", on ? "1" : "0");
}

static u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* ---- the file -------------------------------------------------------------------------------- */

static void counts(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, cpuid_guest);
	int fd = vcpu_fd(vcpu), vm = KT_IOCTL(vcpu->vm->fd, KVM_GET_STATS_FD, 0);

	KT_EQ(kt_stat(fd, "exits"), 0);
	KT_RUN_SYNC(vcpu, 1);
	KT_TRUE(kt_stat(fd, "exits") > EXITS && kt_stat(fd, "exits") < 1000 * EXITS);
	if (kt_is_minikvm()) {
		KT_EQ(kt_stat(vm, "vcpus"), 1);
		KT_EQ(kt_stat(vm, "exits"), kt_stat(fd, "exits"));
		KT_EQ(kt_stat(fd, "exit_cpuid"), EXITS);
		KT_EQ(kt_stat(fd, "io_exits"), 1);
		KT_EQ(kt_stat(fd, "exit_io_instruction"), 1);
	}
	/* It outlives the others. */
	kt_vm_free(vcpu->vm);
	KT_TRUE(kt_stat(fd, "exits") > EXITS);
}

/* What is in the file of a VM or vCPU: types and units that exist, names that differ, an end. */
static void check_layout(int fd)
{
	static char names[512][64];
	struct kvm_stats_header h;
	u64 values = 0;
	u32 n = kt_stats(fd);
	char byte;

	KT_TRUE(n <= KT_ARRAY_SIZE(names));
	for (u32 i = 0; i < n; i++) {
		struct kt_stat s;

		kt_stat_nth(fd, i, &s);
		KT_TRUE((s.flags & KVM_STATS_TYPE_MASK) <= KVM_STATS_TYPE_MAX &&
			(s.flags & KVM_STATS_UNIT_MASK) <= KVM_STATS_UNIT_MAX &&
			(s.flags & KVM_STATS_BASE_MASK) <= KVM_STATS_BASE_MAX, "%s", s.name);
		if ((s.flags & KVM_STATS_TYPE_MASK) == KVM_STATS_TYPE_LOG_HIST)
			KT_TRUE(s.size > 1, "%s", s.name);
		else
			KT_EQ(s.size, 1);
		if (kt_is_minikvm() && strstr(s.name, "_ns"))
			KT_TRUE((s.flags & KVM_STATS_UNIT_MASK) == KVM_STATS_UNIT_SECONDS &&
				s.exponent == -9, "%s", s.name);
		KT_TRUE(strlen(s.name) < 48);
		for (u32 j = 0; j < i; j++)
			KT_TRUE(strcmp(names[j], s.name), "%s is there twice", s.name);
		strcpy(names[i], s.name);
		values += s.size;
	}
	KT_EQ(pread(fd, &h, sizeof(h), 0), sizeof(h));
	KT_EQ(pread(fd, &byte, 1, h.data_offset + 8 * values - 1), 1);
	KT_EQ(pread(fd, &byte, 1, h.data_offset + 8 * values), 0);
}

static void layout(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, cpuid_guest);
	int fd = vcpu_fd(vcpu), vm = KT_IOCTL(vcpu->vm->fd, KVM_GET_STATS_FD, 0);
	u32 n = kt_stats(fd);

	check_layout(fd);
	check_layout(vm);
	if (!kt_is_minikvm())
		return;
	/* A client reads the rows once. */
	histograms(true);
	KT_RUN_SYNC(vcpu, 1);
	KT_EQ(kt_stats(fd), n);
	check_layout(fd);
	histograms(false);
}

/* Every line of the vCPU's file in debugfs that is one number says what the descriptor says. */
static void same_in_debugfs(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, cpuid_guest);
	unsigned long long value;
	char path[64], line[512], name[64];
	int fd = vcpu_fd(vcpu), compared = 0;
	struct kt_stat s;
	glob_t found;
	FILE *f;

	need_minikvm();
	KT_RUN_SYNC(vcpu, 1);
	snprintf(path, sizeof(path), "/sys/kernel/debug/minikvm/%d-*/vcpu0", getpid());
	if (glob(path, 0, NULL, &found))
		kt_skip("debugfs is not mounted");
	f = fopen(found.gl_pathv[0], "re");
	KT_TRUE(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63[a-z_] %llu", name, &value) != 2 || !strcmp(name, "cpu_ns"))
			continue;
		KT_TRUE(kt_stat_find(fd, name, &s), "%s", name);
		if (s.size > 1)
			continue;
		KT_TRUE(s.values[0] == value, "%s: %llu and %llu", name,
			(unsigned long long)s.values[0], value);
		compared++;
	}
	KT_TRUE(compared > 20);
	fclose(f);
	globfree(&found);
}

/* ---- histograms ------------------------------------------------------------------------------ */

static void announce(u64 what, u64 process_and_task, u64 name_low, u64 name_high)
{
	u64 rax = 0x6d6b7670;		/* MINIKVM_HC_ANNOUNCE */

	asm volatile("vmcall" : "+a"(rax) : "b"(what), "c"(process_and_task), "d"(name_low),
		     "S"(name_high) : "memory");
	GUEST_EQ(rax, 0);
}

static void announcing_guest(void)
{
	GUEST_SYNC(1);
	announce(1, 0x0703, 0x6c6c656873, 0);		/* "shell" */
	GUEST_SYNC(2);
	announce(1, ~0ull, 0x6d1b0a41, ~0ull);		/* "A\n\033m", and then no text */
	GUEST_SYNC(3);
	announce(1, 5, 0x6162636465666768, 0x696a6b6c6d6e6f70);	/* without a NUL */
	GUEST_SYNC(4);
	announce(1, 0, 0, 0);
	announce(2, 0x10306, 0, 0);
	announce(77, 1, 2, 3);
	GUEST_SYNC(5);
	announce(4, 0, 0, 0);
	guest_done();
}

/* What the vCPU's file says of the guest's process: @want, or nothing. */
static void check_process(struct kt_vcpu *vcpu, unsigned int stage, const char *want)
{
	char path[64], line[512], found[64] = "";
	glob_t files;
	FILE *f;

	if (stage)
		KT_RUN_SYNC(vcpu, stage);
	else
		KT_RUN_DONE(vcpu);
	snprintf(path, sizeof(path), "/sys/kernel/debug/minikvm/%d-*/vcpu0", getpid());
	if (glob(path, 0, NULL, &files))
		kt_skip("debugfs is not mounted");
	f = fopen(files.gl_pathv[0], "re");
	KT_TRUE(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, "guest_process", 13))
			snprintf(found, sizeof(found), "%.60s", line);
	KT_TRUE(!strcmp(found, want), "%u: '%s', not '%s'", stage, found, want);
	fclose(f);
	globfree(&files);
}

/* MINIKVM_HC_ANNOUNCE: one line of printable text, whatever the guest says; none after its end. */
static void guest_process(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, announcing_guest);

	need_minikvm();
	check_process(vcpu, 1, "");
	check_process(vcpu, 2, "guest_process 3 7 shell\n");
	check_process(vcpu, 3, "guest_process 255 255 A??m\n");
	check_process(vcpu, 4, "guest_process 5 0 hgfedcbaponmlkji\n");
	check_process(vcpu, 5, "guest_process 0 0 ?\n");
	check_process(vcpu, 0, "");
}

static const char *const phases[] = { "userspace", "guest", "hot_loop", "slow_path", "halted" };

/* What a row of each phase says together. */
static u64 phases_ns(int fd)
{
	char name[64];
	u64 sum = 0;

	for (u32 i = 0; i < KT_ARRAY_SIZE(phases); i++) {
		snprintf(name, sizeof(name), "%s_ns", phases[i]);
		sum += kt_stat(fd, name);
	}
	return sum;
}

/* What lies in a histogram's buckets can be as long as the phase was, and not longer or shorter. */
static void check_buckets(int fd, const char *phase)
{
	u64 least = 0, most = 0, ns;
	struct kt_stat s;
	char name[64];

	snprintf(name, sizeof(name), "%s_ns", phase);
	ns = kt_stat(fd, name);
	snprintf(name, sizeof(name), "%s_hist", phase);
	KT_TRUE(kt_stat_find(fd, name, &s), "%s", name);
	for (u32 i = 1; i < s.size; i++) {
		least += s.values[i] << (i - 1);
		most += s.values[i] << i;
	}
	KT_TRUE(ns && least <= ns && ns <= most, "%s: %llu to %llu ns, but %s_ns is %llu", name,
		(unsigned long long)least, (unsigned long long)most, phase, (unsigned long long)ns);
}

static void off_is_empty(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, cpuid_guest);
	int fd = vcpu_fd(vcpu);
	struct kt_stat s;
	u32 n;

	histograms(false);
	KT_RUN_SYNC(vcpu, 1);
	n = kt_stats(fd);
	for (u32 i = 0; i < n; i++) {
		kt_stat_nth(fd, i, &s);
		for (u32 j = 0; j < s.size && s.size > 1; j++)
			KT_TRUE(!s.values[j], "%s", s.name);
	}
	KT_EQ(phases_ns(fd), 0);
}

static void every_exit(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, cpuid_guest);
	int fd = vcpu_fd(vcpu);
	u64 exits, begin, end, sum, least;

	histograms(true);
	KT_RUN_SYNC(vcpu, 1);
	begin = now_ns();
	exits = kt_stat(fd, "exits");
	KT_EQ(kt_stat_samples(fd, "exit_cpuid_hist"), EXITS);
	/* The last exit has no entry behind it yet. */
	KT_EQ(kt_stat_samples(fd, "exit_io_instruction_hist"), 0);
	KT_EQ(kt_stat_samples(fd, "guest_hist"), exits);
	KT_EQ(kt_stat_samples(fd, "hot_loop_hist"), exits);
	sum = phases_ns(fd);
	least = now_ns();
	KT_RUN_SYNC(vcpu, 1);
	least = now_ns() - least;
	sum = phases_ns(fd) - sum;
	end = now_ns();
	KT_EQ(kt_stat_samples(fd, "exit_cpuid_hist"), 2 * EXITS);
	KT_EQ(kt_stat_samples(fd, "exit_io_instruction_hist"), 1);
	KT_EQ(kt_stat_samples(fd, "userspace_hist"), 1);
	KT_EQ(kt_stat_samples(fd, "guest_hist"), kt_stat(fd, "exits"));
	/* At any time the vCPU is in one phase: together they are the time that passed. */
	KT_TRUE(sum <= end - begin, "phases took %llu ns, %llu ns passed",
		(unsigned long long)sum, (unsigned long long)(end - begin));
	/* Two clocks, of which one may be slewed: a phase that is missing would be more. */
	KT_TRUE(sum >= least - least / 8, "phases took %llu ns, at least %llu ns passed",
		(unsigned long long)sum, (unsigned long long)least);
	check_buckets(fd, "guest");
	check_buckets(fd, "hot_loop");
	check_buckets(fd, "slow_path");
	/* Off: nothing moves. */
	histograms(false);
	exits = kt_stat_samples(fd, "guest_hist");
	sum = phases_ns(fd);
	KT_RUN_SYNC(vcpu, 1);
	KT_EQ(kt_stat_samples(fd, "guest_hist"), exits);
	KT_EQ(phases_ns(fd), sum);
	/* On again: what was between is not counted. */
	kt_msleep(50);
	begin = now_ns();
	histograms(true);
	KT_RUN_SYNC(vcpu, 1);
	KT_TRUE(phases_ns(fd) - sum <= now_ns() - begin);
	KT_EQ(kt_stat_samples(fd, "exit_cpuid_hist"), 3 * EXITS);
	histograms(false);
}

/* ---- a guest that stays in KVM_RUN ---------------------------------------------------------- */

static volatile u64 progress, stop;

static void busy_guest(void)
{
	while (!stop) {
		asm volatile("cpuid" : : "a"(0), "c"(0) : "rbx", "rdx");
		progress++;
		asm volatile("sti; nop; cli");
	}
	guest_done();
}

/* Switched on while the guest runs, which does not go to userspace for it. */
static void while_it_runs(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, busy_guest);
	int fd = vcpu_fd(vcpu);
	pthread_t t;
	u64 samples;

	histograms(false);
	KT_EQ(pthread_create(&t, NULL, kt_thread_run_done, vcpu), 0);
	while (!GV(vcpu->vm, progress))
		kt_msleep(10);
	KT_EQ(kt_stat_samples(fd, "exit_cpuid_hist"), 0);
	histograms(true);
	for (u32 i = 0; i < 1000 && kt_stat_samples(fd, "exit_cpuid_hist") < 10; i++)
		kt_msleep(10);
	samples = kt_stat_samples(fd, "exit_cpuid_hist");
	KT_TRUE(samples >= 10);
	KT_EQ(kt_stat(fd, "user_exits"), 0);
	/* Each switch may find the vCPU anywhere. */
	for (u32 i = 0; i < 100; i++)
		histograms(i & 1);
	for (u32 i = 0; i < 1000 && kt_stat_samples(fd, "exit_cpuid_hist") == samples; i++)
		kt_msleep(10);
	KT_TRUE(kt_stat_samples(fd, "exit_cpuid_hist") > samples);
	GV(vcpu->vm, stop) = 1;
	KT_EQ(pthread_join(t, NULL), 0);
	KT_TRUE(kt_stat(fd, "cpu_ns"));
	histograms(false);
}

/* ---- halts ----------------------------------------------------------------------------------- */

static void halt_guest(void)
{
	guest_handler[0x60] = guest_count_eoi;
	apic_enable();
	apic_write(APIC_TDCR, 0xb);
	apic_write(APIC_LVTT, 0x60);
	for (;;) {
		for (u32 i = 0; i < 10; i++) {
			apic_write(APIC_TMICT, 3000000);
			sti_hlt_cli();
		}
		GUEST_SYNC(1);
	}
}

static void halts(void)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, halt_guest);
	int fd = vcpu_fd(vcpu);

	histograms(true);
	KT_RUN_SYNC(vcpu, 1);
	KT_EQ(kt_stat(fd, "halt_exits"), 10);
	KT_EQ(kt_stat_samples(fd, "halted_hist"), 10);
	KT_EQ(kt_stat_samples(fd, "exit_hlt_hist"), 10);
	KT_EQ(kt_stat_samples(fd, "halt_poll_success_hist"), kt_stat(fd, "halt_successful_poll"));
	KT_EQ(kt_stat_samples(fd, "halt_wait_hist"), 10 - kt_stat(fd, "halt_successful_poll"));
	KT_TRUE(kt_stat(fd, "halt_attempted_poll") >= kt_stat(fd, "halt_successful_poll"));
	KT_TRUE(kt_stat(fd, "halt_wait_ns") > 0);
	KT_TRUE(kt_stat(fd, "halted_ns") >= kt_stat(fd, "halt_wait_ns"));
	KT_EQ(kt_stat(fd, "blocking"), 0);
	histograms(false);
}

/* ---- refusals -------------------------------------------------------------------------------- */

static void wrong_values(void)
{
	FILE *f;

	need_minikvm();
	f = fopen("/sys/module/minikvm/parameters/latency_stats", "we");
	if (!f)
		kt_skip("needs root");
	KT_TRUE(fputs("perhaps", f) < 0 || fclose(f) == EOF);
	KT_EQ(errno, EINVAL);
}

static const struct kt_test tests[] = {
	{ "counts", counts },
	{ "layout", layout },
	{ "same_in_debugfs", same_in_debugfs },
	{ "guest_process", guest_process },
	{ "off_is_empty", off_is_empty },
	{ "every_exit", every_exit },
	{ "while_it_runs", while_it_runs },
	{ "halts", halts },
	{ "wrong_values", wrong_values },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
