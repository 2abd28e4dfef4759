// SPDX-License-Identifier: GPL-2.0-only
/*
 * `minikvm caps`: what VMX and VT-d can do here, and what minikvm requires, wants and uses.
 *
 * Relies on the module's files in debugfs and on root.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/describe.h"
#include "inspect/caps_print.h"
#include "inspect/vm_files.h"

#define VTD_UNITS	"/sys/kernel/debug/minikvm-iommu/units"

static int command_caps(int argc, char **argv)
{
	int ret = describe_next(&caps_description, argc, argv), units = 0;
	FILE *file;

	if (ret != OPTION_END)
		return ret == OPTION_HELP ? STATUS_OK : STATUS_USAGE;
	if (argc != optind) {
		describe_help(&caps_description, stderr);
		return STATUS_USAGE;
	}
	file = fopen(VM_FILES_ROOT "/caps", "r");
	if (file) {
		if (caps_print_vmx(file, stdout))
			fputs("minikvm: The module shows no capabilities of VMX.\n", stderr);
		fclose(file);
	} else if (errno == ENOENT) {
		puts("VMX: the module drives none (is it loaded, and debugfs mounted?)");
	} else {
		fprintf(stderr, "minikvm: %s: %s\n", VM_FILES_ROOT "/caps", strerror(errno));
		return STATUS_FAILED;
	}
	file = fopen(VTD_UNITS, "r");
	if (file) {
		units = caps_print_vtd(file, stdout);
		fclose(file);
	}
	if (!units)
		puts("\nVT-d: minikvm drives no unit");
	return STATUS_OK;
}

const struct described_command caps_description = {
	.name = "caps",
	.run = command_caps,
	.summary = "what VMX and VT-d can do here, and what minikvm uses",
	.synopsis = "",
	.about =
	"Prints what the processor's VMX and the remapping units of VT-d offer, bit by bit, and\n"
	"what minikvm requires (without it the module does not load), wants (uses where it is\n"
	"there) and uses. Root only.",
};
