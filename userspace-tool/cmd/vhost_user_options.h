/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The options of `minikvm run` for devices that another process serves.
 */
#ifndef MINIKVM_TOOL_VHOST_USER_OPTIONS_H
#define MINIKVM_TOOL_VHOST_USER_OPTIONS_H

#include "machine/devices.h"
#include "vhost_user/device.h"

#define VHOST_USER_MAX	16

/* Their values as options, beside those of options.c. */
enum {
	OPT_VHOST_USER_BLK = 0x1000,
	OPT_VHOST_USER_FS,
	OPT_VHOST_USER_RNG,
	OPT_SHARE,
};

#define DESCRIBED_VHOST_USER								\
	{ .name = "share", .value = OPT_SHARE, .argument = "DIR",			\
	  .help = "Share a directory, or DIR,tag=NAME, by virtiofsd. In the guest:\n"	\
		  "mount -t virtiofs NAME /mnt (NAME is share where it is left out)." }, \
	{ .name = "vhost-user-blk", .value = OPT_VHOST_USER_BLK, .argument = "SOCKET",	\
	  .kind = TAKES_FILE,								\
	  .help = "Virtio disk that another process serves; may be given several times." }, \
	{ .name = "vhost-user-fs", .value = OPT_VHOST_USER_FS, .argument = "SOCKET,tag=NAME", \
	  .help = "Virtio file system that another process serves." },			\
	{ .name = "vhost-user-rng", .value = OPT_VHOST_USER_RNG, .argument = "SOCKET",	\
	  .kind = TAKES_FILE,								\
	  .help = "Virtio source of random numbers that another process serves." }

/**
 * struct vhost_user_option - one of these devices
 * @option: which option it was
 * @place: socket, or directory
 * @tag: of a file system, or ""
 * @sandbox: how virtiofsd confines itself
 */
struct vhost_user_option {
	int option;
	char place[4096];
	char tag[VHOST_USER_TAG_MAX + 1];
	char sandbox[16];
};

/* All of them, in the order of the command line. */
struct vhost_user_options {
	struct vhost_user_option device[VHOST_USER_MAX];
	unsigned int count;
};

bool vhost_user_option_parse(struct vhost_user_options *o, int option, const char *arg,
			     struct sentence *why);
bool vhost_user_options_share(const struct vhost_user_options *o);
int vhost_user_options_add(struct machine *m, const struct vhost_user_options *o,
			   struct sentence *why);

#endif
