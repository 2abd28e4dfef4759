// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finding and opening the device node: see node.h. KVM's ABI, "System ioctls", and minikvm's own
 * MINIKVM_GET_VERSION, by which its node can be told from KVM's.
 *
 * Relies on /sys/module for what is loaded, on minikvm's module parameter "node" and on
 * /sys/class/misc for the nodes that drivers have registered.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kvm/node.h"
#include "kvm/refusal.h"
#include "uapi/linux/minikvm.h"

#define OWN_NODE	"/dev/minikvm"
#define KVM_NODE	"/dev/kvm"

/* Is a kernel module of this name loaded, or built in with parameters? */
bool module_loaded(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/module/%s", name);
	return access(path, F_OK) == 0;
}

/* Was minikvm loaded with node=kvm? */
static bool stands_in_for_kvm(void)
{
	int fd = open("/sys/module/minikvm/parameters/node", O_RDONLY | O_CLOEXEC);
	char node[4] = "";

	if (fd < 0)
		return false;
	if (read(fd, node, sizeof(node)) < 0)
		node[0] = 0;
	close(fd);
	return !memcmp(node, "kvm\n", sizeof(node));
}

/* The node that minikvm has, or would have if it were loaded without options. */
const char *node_default(void)
{
	return stands_in_for_kvm() ? KVM_NODE : OWN_NODE;
}

enum minikvm_state minikvm_state(void)
{
	if (!module_loaded("minikvm"))
		return MINIKVM_ABSENT;
	/* module_loaded() has seen sysfs, so that /sys/class is there, too. */
	if (access(stands_in_for_kvm() ? "/sys/class/misc/kvm" : "/sys/class/misc/minikvm", F_OK))
		return MINIKVM_VTD_ALONE;
	return MINIKVM_READY;
}

/* Only a character device is opened: opening other files may have effects or wait. */
static int open_node(const char *device)
{
	struct stat st;

	if (stat(device, &st) < 0)
		return -1;
	if (!S_ISCHR(st.st_mode)) {
		errno = ENOTTY;
		return -1;
	}
	return open(device, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

/**
 * node_is_minikvm() - is minikvm behind this node, or would it be?
 * @device: its path
 *
 * Asks the node itself. A node that cannot be opened is judged by its name.
 *
 * Return: whether it is.
 */
bool node_is_minikvm(const char *device)
{
	int fd = open_node(device), version;

	if (fd < 0)
		return strstr(device, "minikvm") ||
		       (minikvm_state() != MINIKVM_ABSENT && !strcmp(device, node_default()));
	version = ioctl(fd, MINIKVM_GET_VERSION, 0);
	close(fd);
	return version > 0;
}

/* @what says what is wrong with the node. Say which module would provide it. */
static int say_absent(const char *device, const char *what, struct sentence *why)
{
	const char *own = node_default();

	switch (minikvm_state()) {
	case MINIKVM_VTD_ALONE:
		if (strcmp(device, own) != 0 && strcmp(device, OWN_NODE) != 0)
			break;
		return say(why,
			   "%s: the module minikvm is loaded, but for VT-d alone, because it found no VT-x to run VMs with (`minikvm doctor` looks for the reason; `dmesg | grep minikvm` has the module's own words).",
			   what);
	case MINIKVM_READY:
		if (!strcmp(device, own))
			return say(why,
				   "%s, although the module minikvm is loaded and has registered it: make it by `mknod %s c $(tr : ' ' </sys/class/misc/%s/dev)`.",
				   what, own, own + strlen("/dev/"));
		return say(why, "%s: the module minikvm is loaded, and its node is %s%s.", what,
			   own, strcmp(device, KVM_NODE) != 0 ? "" :
			   " (for KVM's own: rmmod minikvm, modprobe kvm_intel)");
	case MINIKVM_ABSENT:
		break;
	}
	return say(why, "%s: load the module %s (`minikvm doctor` looks for the reason).", what,
		   strcmp(device, KVM_NODE) != 0 ? "minikvm" : "kvm_intel (or kvm_amd)");
}

static int say_unopened(const char *device, int err, struct sentence *why)
{
	struct sentence what;

	switch (err) {
	case ENOENT:
		say(&what, "There is no device node %s", device);
		return say_absent(device, what.text, why);
	case ENXIO:
	case ENODEV:
		say(&what, "The device node %s exists, but no driver is behind it", device);
		return say_absent(device, what.text, why);
	case ENOTTY:
		return say(why, "%s does not speak KVM's ABI: it is no device node.", device);
	case EACCES:
	case EPERM:
		return say(why,
			   "Permission to open %s is denied: become root, or join the group that owns it.",
			   device);
	case EBUSY:
		return say(why,
			   "The driver behind %s is busy: another hypervisor has the CPU's virtualization in use.",
			   device);
	default:
		return say(why, "The device node %s cannot be opened: %s.", device, strerror(err));
	}
}

/**
 * node_open() - open a device node that speaks KVM's ABI
 * @device: its path
 * @why: receives the sentence on failure, which also says what to do
 *
 * Return: the file descriptor, or -1 where the node is absent, may not be opened, has no driver
 * behind it or answers another version than NODE_API_VERSION.
 */
int node_open(const char *device, struct sentence *why)
{
	int fd = open_node(device), version;

	if (fd < 0)
		return say_unopened(device, errno, why);
	version = ioctl(fd, KVM_GET_API_VERSION, 0);
	if (version == NODE_API_VERSION)
		return fd;
	if (version < 0)
		say(why, "%s does not speak KVM's ABI: it refuses KVM_GET_API_VERSION (%s).",
		    device, refusal(fd));
	else
		say(why, "%s speaks version %d of KVM's ABI; this tool speaks version %d.", device,
		    version, NODE_API_VERSION);
	close(fd);
	return -1;
}
