// SPDX-License-Identifier: GPL-2.0-only
/*
 * `minikvm report`: what a maintainer asks for first, in one text that can be shown to strangers.
 *
 * Documentation/operations.rst, "What to collect". Relies on inspect/machine_facts.h; as root it
 * knows the capability MSRs, the VMs and the log as well.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/describe.h"
#include "inspect/caps_print.h"
#include "inspect/machine_facts.h"
#include "inspect/vm_files.h"
#include "kvm/owner.h"

#define OPT_OUTPUT	257

static const struct described_option options[] = {
	{
		.name = "output", .value = OPT_OUTPUT, .argument = "FILE", .kind = TAKES_FILE,
		.help = "Write it to FILE, which must not be there yet, instead of the terminal.",
	},
	{ }
};

static void head(FILE *to, const char *title)
{
	fprintf(to, "\n== %s\n", title);
}

/* Each VM's counters: numbers alone. */
static void put_vms(FILE *to)
{
	char path[600], line[256];
	struct dirent *entry;
	DIR *dir = opendir(VM_FILES_ROOT);
	FILE *f;
	int vms = 0;

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
			continue;
		vms++;
		fprintf(to, "VM %d\n", vms);
		snprintf(path, sizeof(path), "%s/%s/vcpu0", VM_FILES_ROOT, entry->d_name);
		f = fopen(path, "re");
		while (f && fgets(line, sizeof(line), f)) {
			line[strcspn(line, "\n")] = 0;
			fputs("  ", to);
			facts_put_line(to, line);
		}
		if (f)
			fclose(f);
	}
	if (dir)
		closedir(dir);
	if (!vms)
		fprintf(to, "(%s)\n", dir ? "none" : "not known: root, and debugfs, are needed");
}

static void put_caps(FILE *to)
{
	struct msr_caps caps;
	struct sentence why;

	if (!facts_have_vmx()) {
		fputs("(this processor has no VMX)\n", to);
		return;
	}
	if (access("/dev/cpu/0/msr", F_OK) && !geteuid())
		owner_load("msr", NULL, &why);
	if (facts_read_caps(0, &caps, &why)) {
		fprintf(to, "(%s)\n", why.text);
		return;
	}
	msr_caps_print(&caps, to);
	fprintf(to, "\n%s\n", msr_caps_suffice(&caps, &why) ? why.text :
		"The processor has all that minikvm requires.");
}

static int print_report(FILE *to)
{
	fputs("minikvm report: read it before you show it. Serial numbers, names and addresses are left out.\n",
	      to);
	fprintf(to, "tool %s\n", minikvm_version);
	head(to, "machine");
	facts_print_machine(to);
	head(to, "modules");
	facts_print_module(to);
	head(to, "capabilities of VMX, processor 0");
	put_caps(to);
	head(to, "VMs");
	put_vms(to);
	head(to, "lines of the kernel's log");
	facts_print_log(to);
	return ferror(to) ? -1 : 0;
}

static int command_report(int argc, char **argv)
{
	const char *path = NULL;
	int opt, fd, failed;
	FILE *to = stdout;

	while ((opt = describe_next(&report_description, argc, argv)) != OPTION_END) {
		if (opt != OPT_OUTPUT)
			return opt == OPTION_HELP ? STATUS_OK : STATUS_USAGE;
		path = optarg;
	}
	if (argc != optind) {
		describe_help(&report_description, stderr);
		return STATUS_USAGE;
	}
	if (!path)
		return print_report(to) ? STATUS_FAILED : STATUS_OK;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	to = fd < 0 ? NULL : fdopen(fd, "w");
	if (!to) {
		fprintf(stderr, "minikvm: %s cannot be written: %s.\n", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return STATUS_FAILED;
	}
	failed = print_report(to);
	if (fclose(to))
		failed = -1;
	if (failed)
		fprintf(stderr, "minikvm: %s cannot be written: %s.\n", path, strerror(errno));
	else
		printf("wrote %s\n", path);
	return failed ? STATUS_FAILED : STATUS_OK;
}

const struct described_command report_description = {
	.name = "report",
	.run = command_report,
	.summary = "what to attach when you report a fault",
	.synopsis = "[--output FILE]",
	.about =
	"Prints processor, microcode, firmware, kernel, mitigations, the module's parameters, the\n"
	"capabilities of VMX, counters of the VMs that run, and the module's lines of the kernel's\n"
	"log. Serial numbers, names and addresses are left out. Root sees more than others.",
	.options = options,
};
