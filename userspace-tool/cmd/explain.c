// SPDX-License-Identifier: GPL-2.0-only
/*
 * `minikvm explain`: a code in words.
 */
#include <stdio.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/describe.h"
#include "inspect/codes.h"

static const struct described_word topics[] = {
	{ "exit", "basic exit reasons of the SDM" },
	{ "entry-failure", "hardware_entry_failure_reason of KVM_EXIT_FAIL_ENTRY" },
	{ "vmx-error", "VM-instruction error numbers" },
	{ "ioctl", "ioctls of KVM's ABI and minikvm's own" },
	{ "fault", "VT-d fault reasons; ept:QUALIFICATION, page:ERROR-CODE" },
	{ }
};

static int command_explain(int argc, char **argv)
{
	int ret = describe_next(&explain_description, argc, argv);
	struct sentence why;

	if (ret != OPTION_END)
		return ret == OPTION_HELP ? STATUS_OK : STATUS_USAGE;
	if (argc - optind < 1 || argc - optind > 2) {
		describe_help(&explain_description, stderr);
		return STATUS_USAGE;
	}
	if (!explain_code(argv[optind], argv[optind + 1], stdout, &why))
		return STATUS_OK;
	fprintf(stderr, "minikvm: %s\n", why.text);
	return STATUS_USAGE;
}

const struct described_command explain_description = {
	.name = "explain",
	.run = command_explain,
	.summary = "what an exit, an error, an ioctl or a fault means",
	.synopsis = "TOPIC [CODE]",
	.about =
	"Says what a code means, which is a number (48, 0x30) or a name (EPT-violation); without\n"
	"one, lists all of the topic.",
	.operands_title = "Topics",
	.operands = topics,
};
