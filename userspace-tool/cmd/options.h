/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command line of `minikvm run`.
 */
#ifndef MINIKVM_TOOL_OPTIONS_H
#define MINIKVM_TOOL_OPTIONS_H

#include <linux/types.h>
#include <stdbool.h>

#include "boot/load.h"
#include "kvm/exit_sentence.h"
#include "vfio/vfio.h"

/**
 * struct run_options - what the user wants
 * @device: the device node
 * @kernel: kernel file, or NULL with @flat
 * @flat: raw real-mode image, or NULL
 * @assigned: address of the PCI device that the guest gets, or empty
 * @initrd: initial ramdisk, or NULL
 * @append: the user's own part of the command line (--cmdline, --append), never NULL
 * @cmdline: the whole of it for a Linux kernel
 * @gdb: where to listen for a debugger, or NULL
 * @log: exits that are told while they happen
 * @log_any: there are some
 * @log_file: where to, or NULL for standard error
 * @exit_on: string that ends the run, or NULL
 * @mem: bytes of guest memory
 * @load: address of @flat
 * @timeout: seconds, 0 for none
 * @cpus: vCPUs
 * @debug_exit_port: port that ends the run, or NO_PORT
 * @entry: which entry of a bzImage
 * @stats: print exit counts at the end
 * @registers: print the registers at the end
 * @name: the guest's name, under which its control socket is found; or NULL
 * @restore: directory of a snapshot that is restored, or NULL
 * @reboot: a reset starts the guest anew
 * @quiet: say nothing of a success
 * @config: what keeps the strings of a configuration file, or NULL
 */
struct run_options {
	const char *device;
	const char *kernel;
	char assigned[PCI_ADDRESS_SIZE];
	const char *flat;
	const char *initrd;
	char *append;
	char *cmdline;
	const char *gdb;
	struct exit_set log;
	bool log_any;
	const char *log_file;
	const char *exit_on;
	__u64 mem;
	__u64 load;
	double timeout;
	unsigned int cpus;
	unsigned int debug_exit_port;
	enum entry_choice entry;
	bool stats;
	bool registers;
	const char *name;
	const char *restore;
	bool reboot;
	bool quiet;
	struct config *config;
};

int options_parse(struct run_options *opt, int argc, char **argv);
void options_free(struct run_options *opt);

#endif
