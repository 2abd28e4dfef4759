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

/* The arguments after the program's name: argv[0] is the subcommand. Return: the exit status. */
int command_run(int argc, char **argv);
int command_hello(int argc, char **argv);
int command_doctor(int argc, char **argv);
int command_iommu(int argc, char **argv);
int command_bpf(int argc, char **argv);
int command_symbols(int argc, char **argv);

#endif
