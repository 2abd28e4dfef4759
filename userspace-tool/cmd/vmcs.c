// SPDX-License-Identifier: GPL-2.0-only
/*
 * `minikvm vmcs`: the VMCS of a vCPU of another process, and which rules of the SDM it breaks.
 *
 * Relies on the files vmcsN that the module has for each vCPU in debugfs, and on root.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/describe.h"
#include "inspect/vm_files.h"
#include "inspect/vmcs_print.h"

static int print_vcpu(const struct vm_target *target, int vcpu)
{
	struct sentence why;
	char name[24];
	FILE *file;
	int ret;

	snprintf(name, sizeof(name), "vmcs%d", vcpu);
	file = vm_file_open(target, name, &why);
	if (!file) {
		fprintf(stderr, "minikvm: %s\n", why.text);
		return STATUS_FAILED;
	}
	ret = vmcs_print(file, stdout, &why);
	fclose(file);
	if (ret)
		fprintf(stderr, "minikvm: %s\n", why.text);
	return ret ? STATUS_FAILED : STATUS_OK;
}

static int by_number(const struct dirent **a, const struct dirent **b)
{
	return atoi((*a)->d_name + 4) - atoi((*b)->d_name + 4);
}

static int is_vmcs(const struct dirent *entry)
{
	return !strncmp(entry->d_name, "vmcs", 4);
}

static int print_all(const struct vm_target *target)
{
	struct dirent **entries;
	int i, n = scandir(target->directory, &entries, is_vmcs, by_number), ret = STATUS_OK;

	if (n < 0) {
		fprintf(stderr, "minikvm: %s cannot be read: %s.\n", target->directory,
			strerror(errno));
		return STATUS_FAILED;
	}
	if (!n) {
		fprintf(stderr, "minikvm: The VM of process %d has no vCPU.\n", target->pid);
		ret = STATUS_FAILED;
	}
	for (i = 0; i < n; i++) {
		if (i)
			putchar('\n');
		if (print_vcpu(target, atoi(entries[i]->d_name + 4)))
			ret = STATUS_FAILED;
		free(entries[i]);
	}
	free(entries);
	return ret;
}

static int command_vmcs(int argc, char **argv)
{
	int ret = describe_next(&vmcs_description, argc, argv);
	struct vm_target target;
	struct sentence why;

	if (ret != OPTION_END)
		return ret == OPTION_HELP ? STATUS_OK : STATUS_USAGE;
	if (argc - optind != 1) {
		describe_help(&vmcs_description, stderr);
		return STATUS_USAGE;
	}
	if (vm_target_parse(argv[optind], &target, &why)) {
		fprintf(stderr, "minikvm: %s\n", why.text);
		return STATUS_USAGE;
	}
	if (vm_target_find(&target, &why)) {
		fprintf(stderr, "minikvm: %s\n", why.text);
		return STATUS_FAILED;
	}
	return target.vcpu < 0 ? print_all(&target) : print_vcpu(&target, target.vcpu);
}

const struct described_command vmcs_description = {
	.name = "vmcs",
	.run = command_vmcs,
	.summary = "the VMCS of another process's vCPU, and which rules it breaks",
	.synopsis = "PID[-VM][/VCPU]",
	.about =
	"Prints the VMCS of a vCPU, or of all vCPUs, of the VM that process PID has: the fields\n"
	"that this processor has, in the groups of the SDM and decoded, and for each rule of the\n"
	"SDM's VM-entry checks that applies whether it holds. A guest that runs is looked at\n"
	"between two VM entries. Root only.",
};
