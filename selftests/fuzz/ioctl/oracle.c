// SPDX-License-Identifier: GPL-2.0-only
/*
 * What must hold after a case, beyond a host that still stands: every VM is gone, the log is not
 * flooded, holds no address of the host's and no report, memory has not become less. Relies on
 * /dev/kmsg, /sys/module/minikvm/refcnt and debugfs; what is not there is not looked at.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>

#include "fuzz.h"

/*
 * Lines of minikvm's that one case may leave: each place that prints has a limit of its own, ten
 * lines in five seconds as a rule, and a case reaches many places.
 */
#define MAX_LINES 600
#define MAX_LOSS_KIB (48 << 10)

struct fz_report *fz_report;

static int kmsg = -1, console = -1;
static long base_refcnt, base_vms, base_memory;
static u32 worst_lines;

/**
 * fz_fail() - the case has failed; only the first reason is kept
 * @fmt: why
 */
void fz_fail(const char *fmt, ...)
{
	va_list ap;

	if (__atomic_exchange_n(&fz_report->failed, 1, __ATOMIC_ACQ_REL))
		return;
	va_start(ap, fmt);
	vsnprintf(fz_report->why, sizeof(fz_report->why), fmt, ap);
	va_end(ap);
}

/**
 * fz_log() - a line in the host's log, which reaches the lab even if the host dies next
 * @fmt: printf format, no newline
 */
void fz_log(const char *fmt, ...)
{
	char text[300];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = snprintf(text, sizeof(text), "<5>ioctl_fuzz: ");
	n += vsnprintf(text + n, sizeof(text) - n, fmt, ap);
	va_end(ap);
	if (n > (int)sizeof(text) - 1)
		n = sizeof(text) - 1;
	if (console >= 0 && write(console, text, n) < 0)
		return;
}

static long read_number(const char *name)
{
	char text[64] = "";
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	long n = -1;

	if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0)
		n = atol(text);
	close(fd);
	return n;
}

static long count_vms(void)
{
	DIR *d = opendir("/sys/kernel/debug/minikvm");
	struct dirent *e;
	long n = 0;

	if (!d)
		return 0;
	while ((e = readdir(d)))
		n += e->d_name[0] >= '0' && e->d_name[0] <= '9';
	closedir(d);
	return n;
}

static long refcnt(void)
{
	return read_number("/sys/module/minikvm/refcnt");
}

/* What the kernel could free is freed, and what ended a moment ago has ended, before one looks. */
static long free_kib(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);
	char line[128];
	long n = 0, kib = 0;
	FILE *f;

	kt_msleep(500);
	if (fd >= 0 && write(fd, "3", 1) != 1)
		kt_note("caches could not be dropped");
	close(fd);
	f = fopen("/proc/meminfo", "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemFree: %ld kB", &n) == 1)
			kib = n;
	if (f)
		fclose(f);
	return kib;
}

/**
 * fz_oracle_init() - remember how things are before the first case
 */
void fz_oracle_init(void)
{
	int fd = open("/proc/sys/kernel/printk_devkmsg", O_WRONLY | O_CLOEXEC);

	/* Userspace's lines have a limit, too: not here. */
	if (fd >= 0 && write(fd, "on\n", 3) != 3)
		kt_note("the log may lose lines of the fuzzer");
	close(fd);
	console = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (kmsg >= 0)
		lseek(kmsg, 0, SEEK_END);
	base_refcnt = refcnt();
	base_vms = count_vms();
}

/* VMCS fields that hold host-physical addresses: a dump for the owner's eyes leaves them out. */
static const char *const host_physical[] = {
	"EPT_POINTER = 0x", "MSR_BITMAP = 0x", "IO_BITMAP_A = 0x", "IO_BITMAP_B = 0x",
	"VIRTUAL_APIC_PAGE_ADDR = 0x", "APIC_ACCESS_ADDR = 0x", "POSTED_INTR_DESC_ADDR = 0x",
	"PML_ADDRESS = 0x", "MSR_LOAD_ADDR = 0x", "MSR_STORE_ADDR = 0x", "VMREAD_BITMAP = 0x",
	"VMWRITE_BITMAP = 0x", "EPTP 0x", "HOST_CR3 = 0x", "HOST_RIP = 0x", "HOST_RSP = 0x",
};

/*
 * The lab's kernels have no KASLR: memory, vmalloc(), struct page, text and modules. Narrow, as a
 * number put together of two halves that the fuzzer wrote may lie anywhere else.
 */
static const u64 host_virtual[][2] = {
	{ 0xffff888000000000, 0xffff888100000000 },
	{ 0xffffc90000000000, 0xffffc90100000000 },
	{ 0xffffea0000000000, 0xffffea0100000000 },
	{ 0xffffffff81000000, 0xffffffffd0000000 },
};

/* An address of one of these in hexadecimal digits. */
static bool has_host_address(const char *line)
{
	/* A difference of clocks may look like one. */
	if (strstr(line, "TSC"))
		return false;
	for (const char *p = line; (p = strstr(p, "ffff")); p++) {
		size_t n = strspn(p, "0123456789abcdef");
		u64 v;

		if (n != 16 || (p > line && strchr("0123456789abcdef", p[-1])))
			continue;
		v = strtoull(p, NULL, 16);
		for (u32 i = 0; i < KT_ARRAY_SIZE(host_virtual); i++)
			if (v >= host_virtual[i][0] && v < host_virtual[i][1] && v & 0xffffff)
				return true;
	}
	return false;
}

/* Of the kernel's, and of minikvm's about what must not be. */
static const char *const reports[] = {
	"BUG: ", "WARNING: ", "Oops", "general protection fault", "list_add corruption",
	"list_del corruption", "KASAN: ", "UBSAN: ", "INFO: task ", "refcount_t: ", "Bad page",
	"unchecked MSR access", "possible circular locking", "INFO: possible ",
	"scheduling while atomic", "suspicious RCU",
};

static const char *const own_reports[] = {
	"VMX is off", "VMPTRLD failed", "VMXOFF failed", "VMREAD of", "VMWRITE of",
};

static bool has_word(const char *line, const char *const *words, u32 n)
{
	for (u32 i = 0; i < n; i++)
		if (strstr(line, words[i]))
			return true;
	return false;
}

static bool look_at_line(const char *line, u32 *lines, char *why, size_t size)
{
	const char *text = strchr(line, ';');
	bool own;

	text = text ? text + 1 : line;
	if (!strncmp(text, "ioctl_fuzz: ", 12))
		return true;
	own = !strncmp(text, "minikvm: ", 9);
	if (own ? has_word(text, own_reports, KT_ARRAY_SIZE(own_reports)) :
		  has_word(text, reports, KT_ARRAY_SIZE(reports))) {
		snprintf(why, size, "the log says: %.200s", text);
		return false;
	}
	if (!own)
		return true;
	++*lines;
	if (has_host_address(text) ||
	    has_word(text, host_physical, KT_ARRAY_SIZE(host_physical))) {
		snprintf(why, size, "an address of the host's in the log: %.200s", text);
		return false;
	}
	return true;
}

static bool look_at_log(char *why, size_t size)
{
	static char record[8192];
	bool good = true;
	u32 lines = 0;
	ssize_t n;

	if (kmsg < 0)
		return true;
	for (;;) {
		n = read(kmsg, record, sizeof(record) - 1);
		if (n < 0 && errno == EPIPE) {
			lines += 1000;	/* overwritten before it was read */
			continue;
		}
		if (n <= 0)
			break;
		record[n] = 0;
		if (good)
			good = look_at_line(record, &lines, why, size);
	}
	if (lines > worst_lines)
		worst_lines = lines;
	if (good && lines > MAX_LINES) {
		snprintf(why, size, "%u lines in the log, at most %u are borne", lines, MAX_LINES);
		good = false;
	}
	return good;
}

/**
 * fz_oracle_case() - the processes of a case are gone: is everything else?
 * @nr: the case, 0 for the first
 * @why: receives what is wrong
 * @size: of @why
 * Return: true if nothing is wrong.
 */
bool fz_oracle_case(u32 nr, char *why, size_t size)
{
	u32 i;

	/* Descriptors and eventfds end in work that others do. */
	for (i = 0; i < 2000; i++) {
		if (refcnt() == base_refcnt && count_vms() == base_vms)
			break;
		kt_msleep(5);
	}
	if (i == 2000) {
		snprintf(why, size,
			 "a VM is left: %ld references to the module, %ld VMs in debugfs (%ld, %ld before)",
			 refcnt(), count_vms(), base_refcnt, base_vms);
		return false;
	}
	if (nr == 16)
		base_memory = free_kib();
	return look_at_log(why, size);
}

/**
 * fz_oracle_end() - has all the memory come back?
 * @why: receives what is wrong
 * @size: of @why
 * Return: true if nothing is wrong.
 */
bool fz_oracle_end(char *why, size_t size)
{
	long lost = 0;
	u32 tries;

	kt_note("the most lines that a case left in the log: %u", worst_lines);
	/* kmemleak knows better, and KASAN keeps what is free. */
	if (!base_memory || !access("/sys/kernel/debug/kmemleak", F_OK))
		return true;
	/* Some of it comes back late. */
	for (tries = 0; tries < 10; tries++) {
		lost = base_memory - free_kib();
		if (lost <= MAX_LOSS_KIB)
			break;
	}
	kt_note("memory: %ld KiB less than after 16 cases", lost);
	if (lost <= MAX_LOSS_KIB)
		return true;
	snprintf(why, size, "%ld KiB of memory have not come back", lost);
	return false;
}

/**
 * fz_oracle_stacks() - where each thread of a process hangs
 * @pid: the process
 */
void fz_oracle_stacks(int pid)
{
	static const char *const files[] = { "comm", "wchan", "syscall", "stack" };
	char name[400], text[4096];
	struct dirent *e;
	DIR *d;

	snprintf(name, sizeof(name), "/proc/%d/task", pid);
	d = opendir(name);
	while (d && (e = readdir(d))) {
		for (u32 i = 0; e->d_name[0] != '.' && i < KT_ARRAY_SIZE(files); i++) {
			ssize_t n;
			int fd;

			snprintf(name, sizeof(name), "/proc/%d/task/%s/%s", pid, e->d_name,
				 files[i]);
			fd = open(name, O_RDONLY | O_CLOEXEC);
			n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
			text[n < 0 ? 0 : n] = 0;
			close(fd);
			kt_note("%s %s: %s", e->d_name, files[i], text);
		}
	}
	if (d)
		closedir(d);
}
