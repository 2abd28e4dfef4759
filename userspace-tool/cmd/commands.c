// SPDX-License-Identifier: GPL-2.0-only
/*
 * The commands of minikvm, in the order in which they are listed.
 *
 * A new command defines its description (cmd/describe.h) in its own file, is declared in
 * cmd/command.h, and has a line here; help, man pages and completion follow.
 */
#include <stddef.h>

#include "cmd/command.h"
#include "cmd/describe.h"

const struct described_command *const described_commands[] = {
	&run_description,
	&ls_description,
	&ctl_description,
	&hello_description,
	&doctor_description,
	&iommu_description,
	&stat_description,
	&bpf_description,
	&symbols_description,
	&vmcs_description,
	&ept_description,
	&walk_description,
	&caps_description,
	&explain_description,
	&trace_description,
	&takeover_description,
	&release_description,
	&report_description,
	&first_run_description,
	&vhost_user_rng_description,
	&vhost_user_blk_description,
	NULL
};
