// SPDX-License-Identifier: GPL-2.0-only
/*
 * init-net.c - a network card of a lab host that needs neither a driver nor a port of the emulator.
 *
 * The card is a tap device (the kernel's Documentation/networking/tuntap.rst). A thread here reads
 * the Ethernet frames that the host sends and passes each out as a frame of the channel; the
 * supervisor gives them to the other hosts on the same net (supervise-net.c), and puts theirs into
 * a ring in a page of this host's memory (window.h), where another thread looks for them.
 *
 * That thread has to look: nothing can interrupt the host from outside. It sleeps between two
 * looks, the longer the less there is. Relies on the module tun, or on a kernel with it built in.
 */
#include "frame.h"
#include "init.h"
#include "window.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CARD		"eth0"
#define FIRST_SLEEP	50000		/* nanoseconds between two looks, growing */
#define LONGEST_SLEEP	2000000

_Static_assert(FRAME_MAX / 8 * 7 >= NET_FRAME_MAX, "an Ethernet frame is one frame");

static struct net *ring;
static int tap = -1;

static void *send_frames(void *unused)
{
	static uint8_t data[NET_FRAME_MAX];

	for (;;) {
		ssize_t len = read(tap, data, sizeof(data));

		if (len < 0 && errno != EINTR && errno != EAGAIN)
			return unused;
		if (len > 0)
			channel_send(FRAME_NET, data, len);
	}
}

static void *take_frames(void *unused)
{
	struct timespec pause = { .tv_nsec = FIRST_SLEEP };

	for (;;) {
		uint32_t taken = ring->taken;

		if (__atomic_load_n(&ring->given, __ATOMIC_ACQUIRE) == taken) {
			nanosleep(&pause, NULL);
			if (pause.tv_nsec < LONGEST_SLEEP)
				pause.tv_nsec *= 2;
			continue;
		}
		pause.tv_nsec = FIRST_SLEEP;
		while (__atomic_load_n(&ring->given, __ATOMIC_ACQUIRE) != taken) {
			struct net_slot *slot = &ring->slot[taken % NET_SLOTS];

			/* A card whose interface is down loses what comes. */
			if (slot->len <= sizeof(slot->data) &&
			    write(tap, slot->data, slot->len) < 0 && errno == EBADF)
				return unused;
			__atomic_store_n(&ring->taken, ++taken, __ATOMIC_RELEASE);
		}
	}
}

static int find_supervisor(void)
{
	ring = window_map(NET_MASK);
	if (!ring)
		return -1;
	channel_send(FRAME_NET, NULL, 0);
	return window_await(&ring->found);
}

static void set_address(struct sockaddr *address, const char *text)
{
	struct sockaddr_in *in = (struct sockaddr_in *)address;

	in->sin_family = AF_INET;
	inet_pton(AF_INET, text, &in->sin_addr);
}

/* The card of the host with this number: its address, on all hosts' common net, and its name. */
static void set_up(int number)
{
	struct ifreq request = { .ifr_hwaddr.sa_family = ARPHRD_ETHER };
	const unsigned char mac[6] = { 0x02, 'l', 'a', 'b', 0, number };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), failed;
	char name[16], address[24];

	snprintf(name, sizeof(name), "lab%d", number);
	snprintf(address, sizeof(address), "192.168.77.%d", number);
	strcpy(request.ifr_name, CARD);
	memcpy(request.ifr_hwaddr.sa_data, mac, sizeof(mac));
	failed = ioctl(fd, SIOCSIFHWADDR, &request);
	request.ifr_mtu = NET_MTU;
	failed |= ioctl(fd, SIOCSIFMTU, &request);
	set_address(&request.ifr_addr, address);
	failed |= ioctl(fd, SIOCSIFADDR, &request);
	set_address(&request.ifr_netmask, "255.255.255.0");
	failed |= ioctl(fd, SIOCSIFNETMASK, &request);
	request.ifr_flags = IFF_UP | IFF_RUNNING | IFF_BROADCAST | IFF_MULTICAST;
	failed |= ioctl(fd, SIOCSIFFLAGS, &request);
	if (failed)
		problem("the host's network card cannot be set up: %s", strerror(errno));
	close(fd);
	sethostname(name, strlen(name));
}

static void name_hosts(void)
{
	FILE *f = fopen("/etc/hosts", "ae");
	int i;

	for (i = 1; f && i <= NET_HOSTS; i++)
		fprintf(f, "192.168.77.%d lab%d\n", i, i);
	if (f)
		fclose(f);
}

/**
 * net_open - put the host on its net, if it is to be on one
 */
void net_open(void)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	pthread_t thread;
	char text[16];

	if (!config("net", 0, text, sizeof(text)))
		return;
	if (access("/dev/net/tun", F_OK))
		try_modprobe("tun");
	tap = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	strcpy(request.ifr_name, CARD);
	if (tap < 0 || ioctl(tap, TUNSETIFF, &request))
		problem("the host has no network card, for its kernel has no tap device: %s",
			strerror(errno));
	if (find_supervisor())
		problem("the host has no network: the emulator's memory cannot be read here");
	set_up(atoi(text));
	name_hosts();
	if (pthread_create(&thread, NULL, send_frames, NULL) ||
	    pthread_create(&thread, NULL, take_frames, NULL))
		problem("init cannot start a thread");
}
