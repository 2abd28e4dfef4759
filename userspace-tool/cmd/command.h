/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The subcommands, and the exit statuses that Documentation/tool.rst promises.
 */
#ifndef MINIKVM_TOOL_COMMAND_H
#define MINIKVM_TOOL_COMMAND_H

#define STATUS_OK		0
#define STATUS_FAILED		1
#define STATUS_USAGE		2
#define STATUS_RESET		3
#define STATUS_TRIPLE_FAULT	4
#define STATUS_TIMEOUT		124
#define STATUS_SIGNAL		128	/* plus the signal's number */

struct described_command;

/* Each with what it does and which options it has: cmd/describe.h */
extern const struct described_command run_description;
extern const struct described_command hello_description;
extern const struct described_command doctor_description;
extern const struct described_command iommu_description;
extern const struct described_command bpf_description;
extern const struct described_command stat_description;
extern const struct described_command symbols_description;
extern const struct described_command vmcs_description;
extern const struct described_command ept_description;
extern const struct described_command walk_description;
extern const struct described_command caps_description;
extern const struct described_command explain_description;
extern const struct described_command trace_description;
extern const struct described_command ls_description;
extern const struct described_command ctl_description;
extern const struct described_command takeover_description;
extern const struct described_command release_description;
extern const struct described_command report_description;
extern const struct described_command first_run_description;
extern const struct described_command vhost_user_rng_description;
extern const struct described_command vhost_user_blk_description;

extern const char minikvm_version[];

/* Of those that a build may be without, which lists them all the same (cmd/lacking.c) */
#define BPF_SUMMARY	"five eBPF programs that watch VMs, to read and to use"
#define STAT_SUMMARY	"which VMs there are, and where their time goes"
#define TRACE_SUMMARY	"record what guests do, as text, for Perfetto, or as a page"

/* The arguments after the program's name: argv[0] is the subcommand. Return: the exit status. */
int command_run(int argc, char **argv);

#endif
