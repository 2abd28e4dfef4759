// SPDX-License-Identifier: GPL-2.0-only
/*
 * supervise-net.c - the wire between the lab hosts of one net.
 *
 * Each host's supervisor has a datagram socket, NUMBER/port in the net's directory (unix(7)). An
 * Ethernet frame of a host goes to all the others', as on a hub; what does not find room is lost,
 * as on a wire. The host's side is init-net.c, the ring between the two is in window.h. There is no
 * process beside the supervisors, and nobody needs to be root: who may write to the sockets, by
 * their directory's modes, is on the net.
 *
 * The host is not trusted: lengths are bounded, and a ring whose counts make no sense is full.
 */
#include "supervise.h"
#include "window.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int directory = -1, port = -1, own;
static uintptr_t page;
static uint32_t given;

/* Through the open directory: its own path may be longer than an address. */
static void port_address(struct sockaddr_un *address, int number)
{
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d/%d/port",
		 directory, number);
}

/**
 * net_join - become a host of a net
 * @text: NUMBER=DIRECTORY; the number is this host's alone, and its directory is there
 *
 * Return: 0, or -1 with errno.
 */
int net_join(const char *text)
{
	const char *path = strchr(text, '=');
	struct sockaddr_un address;
	int room = 4 << 20;

	own = atoi(text);
	if (!path || own < 1 || own > NET_HOSTS) {
		errno = EINVAL;
		return -1;
	}
	directory = open(path + 1, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return -1;
	port = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	port_address(&address, own);
	if (port < 0 || bind(port, (struct sockaddr *)&address, sizeof(address)))
		return -1;
	setsockopt(port, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	return 0;
}

/**
 * net_frame - take a frame of the host's
 * @h: the host
 * @pid: the emulator
 * @data: the Ethernet frame; none asks whether the ring can be found
 * @len: its bytes
 */
void net_frame(struct host *h, pid_t pid, const void *data, size_t len)
{
	const uint32_t yes = 1;
	struct sockaddr_un address;
	int i;

	if (port < 0 || len > NET_FRAME_MAX) {
		h->damaged = "a network frame that cannot be";
		return;
	}
	if (!len) {
		page = window_find(pid, NET_MASK, sizeof(struct net));
		if (page && window_copy_to(pid, page + offsetof(struct net, found), &yes,
					   sizeof(yes)))
			h->damaged = "the host's memory cannot be written";
		return;
	}
	for (i = 1; i <= NET_HOSTS; i++) {
		if (i == own)
			continue;
		port_address(&address, i);
		/* What fails is lost: there is no such host, or it has its hands full. */
		sendto(port, data, len, MSG_DONTWAIT, (struct sockaddr *)&address,
		       sizeof(address));
	}
}

static int ring_has_room(pid_t pid)
{
	uint32_t taken;

	return !window_copy_from(pid, page + offsetof(struct net, taken), &taken, sizeof(taken)) &&
	       given - taken < NET_SLOTS;
}

/**
 * net_port - what to wait at for frames of other hosts
 *
 * Return: a file descriptor, or -1 while there is no host to give them to.
 */
int net_port(void)
{
	return page ? port : -1;
}

/**
 * net_pass - give the host what has come for it, as long as its ring has room
 * @h: the host
 * @pid: the emulator
 *
 * Return: whether frames are left for which there is no room yet.
 */
int net_pass(struct host *h, pid_t pid)
{
	static struct net_slot slot;
	ssize_t len;

	while (ring_has_room(pid)) {
		uintptr_t at = page + offsetof(struct net, slot) + given % NET_SLOTS * sizeof(slot);

		len = recv(port, slot.data, sizeof(slot.data), 0);
		if (len < 0)
			return 0;
		slot.len = len;
		given++;
		/* The count last: it says that the frame is there. */
		if (window_copy_to(pid, at, &slot, offsetof(struct net_slot, data) + len) ||
		    window_copy_to(pid, page + offsetof(struct net, given), &given,
				   sizeof(given))) {
			h->damaged = "the host's memory cannot be written";
			return 0;
		}
	}
	return 1;
}
