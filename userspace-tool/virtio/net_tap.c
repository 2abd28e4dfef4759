// SPDX-License-Identifier: GPL-2.0-only
/*
 * A tap device: see net_tap.h, and "Universal TUN/TAP device driver" in Linux' documentation. What
 * the guest transmits arrives at the host's interface of that name, and the reverse; each frame has
 * the header of virtio before it (IFF_VNET_HDR): checksums that are still to be computed,
 * and packets that are still to be cut, pass as they are.
 *
 * Relies on the administrator: an ordinary user can open only an interface that was made for him
 * (ip tuntap add mode tap user NAME), and addresses, routes and bridges are not the tool's.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "virtio/net_tap.h"

#define TUN_NODE	"/dev/net/tun"

static int attach(int fd, const char *name, struct sentence *why)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int header = NET_HEADER;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &request)) {
		if (errno == EPERM)
			return say(why, "The interface %s is not yours: as root, run 'ip tuntap add dev %s mode tap user NAME' first.",
				   name, name);
		if (errno == EBUSY)
			return say(why, "The interface %s is in use by another program, or is no tap device of one queue.",
				   name);
		return say(why, "The interface %s cannot be had: %s.", name, strerror(errno));
	}
	if (ioctl(fd, TUNSETVNETHDRSZ, &header))
		return say(why, "The interface %s cannot carry virtio's headers: %s.", name,
			   strerror(errno));
	return 0;
}

/**
 * net_tap_open() - a tap device, which is made if it is not there
 * @cable: receives it, to be closed by net_cable_close()
 * @name: the interface, shorter than IFNAMSIZ; with "%d" the kernel numbers it
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1.
 */
int net_tap_open(struct net_cable *cable, const char *name, struct sentence *why)
{
	int fd = open(TUN_NODE, O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return say(why, TUN_NODE " cannot be opened: %s%s.", strerror(errno),
			   errno == ENOENT ? " (modprobe tun)" : "");
	if (attach(fd, name, why)) {
		close(fd);
		return -1;
	}
	*cable = (struct net_cable) { .fd = fd, .tap = true };
	return 0;
}
