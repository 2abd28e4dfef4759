/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command line of `minikvm run`.
 */
#ifndef MINIKVM_TOOL_OPTIONS_H
#define MINIKVM_TOOL_OPTIONS_H

#include <linux/types.h>
#include <stdbool.h>

#include "boot/load.h"
#include "cmd/vhost_user_options.h"
#include "kvm/exit_sentence.h"
#include "terminal/message.h"
#include "vfio/vfio.h"
#include "virtio/blk.h"
#include "virtio/net_option.h"

#define ASSIGNED_MAX	16
#define NET_CARDS_MAX	8
#define DISKS_MAX	16

/**
 * struct run_options - what the user wants
 * @device: the device node
 * @kernel: kernel file, or NULL with @flat
 * @flat: raw real-mode image, or NULL
 * @assigned: addresses of the PCI devices that the guest gets
 * @assigned_count: how many
 * @disk: the disks
 * @disk_count: how many
 * @user_data: what cloud-init in the guest is to do, a file, or NULL
 * @virtio_console: the terminal is a virtio console, not the serial port
 * @split: virtio devices offer no packed virtqueues
 * @rng: with a source of random numbers
 * @rng_rate: bytes per second that it gives, 0 for as many as are asked for
 * @vhost_user: devices that other processes serve
 * @net: the network cards
 * @net_count: how many
 * @balloon: with a balloon
 * @balloon_size: bytes that the guest is to lend at first
 * @vsock: where the guest's sockets are on the host, or NULL
 * @vsock_cid: the guest's address
 * @initrd: initial ramdisk, or NULL
 * @append: the user's own part of the command line (--cmdline, --append), never NULL
 * @cmdline: the whole of it for a Linux kernel
 * @gdb: where to listen for a debugger, or NULL
 * @log: exits that are told while they happen
 * @log_any: there are some
 * @log_file: where to, or NULL for where messages go
 * @messages: how what the tool says is told
 * @message_log: file of what the tool says, or NULL
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
 * @no_sandbox: keep all rights of the user
 * @config: what keeps the strings of a configuration file, or NULL
 */
struct run_options {
	const char *device;
	const char *kernel;
	char assigned[ASSIGNED_MAX][PCI_ADDRESS_SIZE];
	unsigned int assigned_count;
	struct blk_options disk[DISKS_MAX];
	unsigned int disk_count;
	const char *user_data;
	bool virtio_console;
	bool split;
	bool rng;
	__u64 rng_rate;
	struct vhost_user_options vhost_user;
	struct net_option net[NET_CARDS_MAX];
	unsigned int net_count;
	bool balloon;
	__u64 balloon_size;
	char *vsock;
	__u64 vsock_cid;
	const char *flat;
	const char *initrd;
	char *append;
	char *cmdline;
	const char *gdb;
	struct exit_set log;
	bool log_any;
	const char *log_file;
	struct message_options messages;
	const char *message_log;
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
	bool no_sandbox;
	struct config *config;
};

int options_parse(struct run_options *opt, int argc, char **argv);
const char *options_kept_open(const struct run_options *opt);
void options_free(struct run_options *opt);

#endif
