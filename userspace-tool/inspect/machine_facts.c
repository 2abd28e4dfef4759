// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a maintainer asks about a machine first: see machine_facts.h.
 *
 * Processor, microcode, firmware, kernel, mitigations, the module and its lines of the log. Every
 * line goes through scrub_line(). Relies on CPUID, /proc, /sys and, as root, /dev/kmsg and
 * /dev/cpu/N/msr; what cannot be read is said and not guessed.
 */
#include <cpuid.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "compiler.h"
#include "inspect/machine_facts.h"
#include "inspect/scrub.h"
#include "kvm/kernel_log.h"
#include "kvm/node.h"

#define CPUID_1_ECX_VMX		BIT(5)
#define PARAMETERS		"/sys/module/minikvm/parameters"
#define VULNERABILITIES		"/sys/devices/system/cpu/vulnerabilities"

/**
 * facts_put_line() - a line of a report
 * @to: the report
 * @line: without its end; what tells whose machine it is, is left out
 */
void facts_put_line(FILE *to, const char *line)
{
	const char *sudo = getenv("SUDO_USER"), *user = getenv("USER"), *names[4];
	struct utsname name;
	char clean[4096];
	int n = 0;

	if (!uname(&name) && name.nodename[0] && strcmp(name.nodename, "(none)") != 0)
		names[n++] = name.nodename;
	if (sudo)
		names[n++] = sudo;
	if (user && strcmp(user, "root") != 0)
		names[n++] = user;
	names[n] = NULL;
	scrub_line(line, names, clean, sizeof(clean));
	fprintf(to, "%s\n", clean);
}

/* The first line of a file, or why there is none. */
static void put_file(FILE *to, const char *what, const char *path)
{
	char text[4096], line[4300];
	FILE *f = fopen(path, "re");

	if (!f)
		snprintf(text, sizeof(text), "(%s)", strerror(errno));
	else if (!fgets(text, sizeof(text), f))
		snprintf(text, sizeof(text), "(empty)");
	if (f)
		fclose(f);
	text[strcspn(text, "\n")] = 0;
	snprintf(line, sizeof(line), "%-22s %s", what, text);
	facts_put_line(to, line);
}

static int no_dots(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* One line for each file of a directory. */
static void put_directory(FILE *to, const char *directory)
{
	struct dirent **entries;
	char path[600];
	int n = scandir(directory, &entries, no_dots, alphasort), i;

	if (n < 0) {
		fprintf(to, "(%s)\n", strerror(errno));
		return;
	}
	for (i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
		put_file(to, entries[i]->d_name, path);
		free(entries[i]);
	}
	free(entries);
}

/* How many processors, and those lines of the first that tell its kind. */
static void put_processors(FILE *to)
{
	static const char * const keys[] = {
		"vendor_id", "cpu family", "model", "model name", "stepping", "microcode", "bugs",
		"vmx flags",
	};
	char *line = NULL, *colon;
	FILE *f = fopen("/proc/cpuinfo", "re");
	int cpus = 0;
	size_t size = 0, i, length;

	while (f && getline(&line, &size, f) > 0) {
		line[strcspn(line, "\n")] = 0;
		colon = strchr(line, ':');
		if (!colon)
			continue;
		for (length = colon - line; length && strchr(" \t", line[length - 1]); length--)
			;
		if (length == strlen("processor") && !strncmp(line, "processor", length))
			cpus++;
		for (i = 0; cpus == 1 && i < ARRAY_SIZE(keys); i++)
			if (strlen(keys[i]) == length && !strncmp(line, keys[i], length))
				fprintf(to, "%-22s%s\n", keys[i], colon + 1);
	}
	fprintf(to, "%-22s %d\n", "processors online", cpus);
	free(line);
	if (f)
		fclose(f);
}

/** facts_have_vmx() - Return: has the processor VMX, whatever the firmware allows? */
bool facts_have_vmx(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid(1, &a, &b, &c, &d) && c & CPUID_1_ECX_VMX;
}

/**
 * facts_print_machine() - processor, firmware, kernel, mitigations
 * @to: where they go
 */
void facts_print_machine(FILE *to)
{
	struct utsname name;
	char line[256];

	put_processors(to);
	put_file(to, "firmware vendor", "/sys/class/dmi/id/bios_vendor");
	put_file(to, "firmware version", "/sys/class/dmi/id/bios_version");
	put_file(to, "firmware date", "/sys/class/dmi/id/bios_date");
	put_file(to, "machine", "/sys/class/dmi/id/product_name");
	if (!uname(&name)) {
		snprintf(line, sizeof(line), "%-22s %.64s %.64s", "kernel", name.release,
			 name.version);
		facts_put_line(to, line);
	}
	put_file(to, "command line", "/proc/cmdline");
	put_file(to, "tainted", "/proc/sys/kernel/tainted");
	put_file(to, "clock source",
		 "/sys/devices/system/clocksource/clocksource0/current_clocksource");
	fputs("\nMitigations\n", to);
	put_directory(to, VULNERABILITIES);
}

/**
 * facts_print_module() - who has VT-x, and how the module was loaded
 * @to: where it goes
 */
void facts_print_module(FILE *to)
{
	static const char * const others[] = { "kvm_intel", "kvm", "vboxdrv", "vfio_pci" };
	size_t i;

	fprintf(to, "minikvm is %s\n", minikvm_state() == MINIKVM_READY ? "loaded, with VT-x" :
		minikvm_state() == MINIKVM_ABSENT ? "not loaded" : "loaded for VT-d alone");
	for (i = 0; i < ARRAY_SIZE(others); i++)
		fprintf(to, "%-22s %s\n", others[i],
			module_loaded(others[i]) ? "loaded" : "not loaded");
	if (minikvm_state() == MINIKVM_ABSENT)
		return;
	put_file(to, "srcversion", "/sys/module/minikvm/srcversion");
	put_file(to, "taint", "/sys/module/minikvm/taint");
	put_directory(to, PARAMETERS);
}

/**
 * facts_print_log() - the module's lines of the kernel's log
 * @to: where they go
 */
void facts_print_log(FILE *to)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC), lines = 0;
	char record[KERNEL_LOG_RECORD], *words;

	if (fd < 0) {
		fprintf(to, "(%s)\n", strerror(errno));
		return;
	}
	while ((words = kernel_log_next(fd, record))) {
		if (!strstr(words, "minikvm") && !strstr(words, "DMAR") &&
		    !strstr(words, "kvm_intel"))
			continue;
		facts_put_line(to, words);
		lines++;
	}
	close(fd);
	if (!lines)
		fputs("(no line)\n", to);
}

/* A read_msr of msr_caps_read(): @context is the descriptor of /dev/cpu/N/msr. */
static int read_msr(void *context, __u32 index, __u64 *value)
{
	return pread(*(int *)context, value, sizeof(*value), index) == sizeof(*value) ? 0 : -1;
}

/**
 * facts_read_caps() - the capability MSRs of one processor
 * @cpu: its number
 * @caps: receives them
 * @why: receives the sentence on failure
 *
 * Return: 0 or -1.
 */
int facts_read_caps(int cpu, struct msr_caps *caps, struct sentence *why)
{
	char path[32];
	int fd, ret;

	snprintf(path, sizeof(path), "/dev/cpu/%d/msr", cpu);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return say(why, "%s cannot be opened: %s.", path, strerror(errno));
	ret = msr_caps_read(caps, read_msr, &fd, why);
	close(fd);
	return ret;
}
