// SPDX-License-Identifier: GPL-2.0-only
/*
 * minikvm-slirp: the user mode network of `minikvm run --net user`, a program of its own
 * (virtio/net_user.c says why). libslirp is a TCP/IP in a library: it answers ARP, DHCP and DNS,
 * and makes a socket of this process for each connection of the guest's.
 *
 * usage: minikvm-slirp MTU [tcp|udp:ADDRESS:PORT-ADDRESS:PORT]... <SOCKET
 *
 * Standard input is a socket that keeps frames apart; each has 12 bytes of virtio's header before
 * it, which mean nothing here. The program ends when the other side of the socket does.
 *
 * Relies on backpressure: it waits until a frame for the guest is taken, and never drops one, so
 * that TCP does not have to find out. Only its own guest waits with it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <slirp/libslirp.h>
#include <stdio.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "clock.h"
#include "compiler.h"

#define CABLE		STDIN_FILENO
#define HEADER		12
#define FRAME_MAX	(HEADER + 65536 + 64)
#define TURN		64	/* frames of the guest's before connections have their turn */
#define POLLS_MAX	4096
#define EXIT_USAGE	2

/**
 * struct network - the network
 * @slirp: the library's
 * @poll: what to wait for; [0] is the cable
 * @polls: how many
 * @alarm_at: when slirp_handle_timer() is due, in ms of the clock; 0 for never
 * @alarm: which timer that is
 * @alarm_opaque: its argument
 * @frame: the guest's, while it is looked at
 */
struct network {
	Slirp *slirp;
	struct pollfd poll[POLLS_MAX];
	unsigned int polls;
	int64_t alarm_at;
	SlirpTimerId alarm;
	void *alarm_opaque;
	uint8_t frame[FRAME_MAX];
};

static int64_t get_clock(void *opaque)
{
	(void)opaque;
	return now_ns();
}

/* A frame for the guest. */
static ssize_t send_packet(const void *frame, size_t len, void *opaque)
{
	static uint8_t header[HEADER];
	struct iovec part[] = {
		{ .iov_base = header, .iov_len = sizeof(header) },
		{ .iov_base = (void *)frame, .iov_len = len },
	};

	(void)opaque;
	while (writev(CABLE, part, 2) < 0)
		if (errno != EINTR)
			return -1;	/* the next read tells that the guest is gone */
	return len;
}

static void guest_error(const char *message, void *opaque)
{
	(void)message;	/* the guest could cause it without end */
	(void)opaque;
}

/* There is one kind of timer: router advertisements. */
static void *timer_new(SlirpTimerId id, void *timer_opaque, void *opaque)
{
	struct network *n = opaque;

	n->alarm = id;
	n->alarm_opaque = timer_opaque;
	return n;
}

static void timer_free(void *timer, void *opaque)
{
	(void)timer;
	((struct network *)opaque)->alarm_at = 0;
}

static void timer_mod(void *timer, int64_t at, void *opaque)
{
	(void)timer;
	((struct network *)opaque)->alarm_at = at;
}

/* Descriptors are listed before each poll(); nothing has to be known of them before. */
static void ignore_fd(int fd, void *opaque)
{
	(void)fd;
	(void)opaque;
}

static void ignore_notify(void *opaque)
{
	(void)opaque;	/* there is one thread */
}

static const SlirpCb callbacks = {
	.send_packet = send_packet,
	.guest_error = guest_error,
	.clock_get_ns = get_clock,
	.timer_free = timer_free,
	.timer_mod = timer_mod,
	.timer_new_opaque = timer_new,
	.register_poll_fd = ignore_fd,
	.unregister_poll_fd = ignore_fd,
	.notify = ignore_notify,
};

static const struct {
	int slirp;
	short poll;
} events[] = {
	{ SLIRP_POLL_IN, POLLIN },
	{ SLIRP_POLL_OUT, POLLOUT },
	{ SLIRP_POLL_PRI, POLLPRI },
	{ SLIRP_POLL_ERR, POLLERR },
	{ SLIRP_POLL_HUP, POLLHUP },
};

static int add_poll(int fd, int wanted, void *opaque)
{
	struct network *n = opaque;
	struct pollfd *p = &n->poll[n->polls];
	size_t i;

	if (n->polls == POLLS_MAX)
		return -1;
	*p = (struct pollfd) { .fd = fd };
	for (i = 0; i < ARRAY_SIZE(events); i++)
		if (wanted & events[i].slirp)
			p->events |= events[i].poll;
	return n->polls++;
}

static int get_events(int index, void *opaque)
{
	struct network *n = opaque;
	int seen = 0;
	size_t i;

	for (i = 0; index >= 0 && i < ARRAY_SIZE(events); i++)
		if (n->poll[index].revents & events[i].poll)
			seen |= events[i].slirp;
	return seen;
}

/* What the guest has sent. Return: false when it is gone. */
static bool take_frames(struct network *n)
{
	unsigned int turn;
	ssize_t len;

	for (turn = 0; turn < TURN; turn++) {
		len = recv(CABLE, n->frame, sizeof(n->frame), MSG_DONTWAIT);
		if (len < 0 && (errno == EAGAIN || errno == EINTR))
			return true;
		if (len <= 0)
			return false;
		if (len > HEADER)
			slirp_input(n->slirp, n->frame + HEADER, len - HEADER);
	}
	return true;
}

static int shorter(uint32_t wanted, const struct network *n)
{
	int64_t left = n->alarm_at - now_ns() / NS_PER_MS;
	int timeout = wanted > INT32_MAX ? -1 : (int)wanted;

	if (!n->alarm_at)
		return timeout;
	if (left < 0)
		left = 0;
	return timeout < 0 || left < timeout ? left : timeout;
}

/* One turn: wait, and serve. Return: false when the guest is gone. */
static bool turn(struct network *n)
{
	uint32_t timeout = UINT32_MAX;
	int ret;

	n->poll[0] = (struct pollfd) { .fd = CABLE, .events = POLLIN };
	n->polls = 1;
	slirp_pollfds_fill(n->slirp, &timeout, add_poll, n);
	ret = poll(n->poll, n->polls, shorter(timeout, n));
	if (ret < 0 && errno != EINTR)
		return false;
	slirp_pollfds_poll(n->slirp, ret < 0, get_events, n);
	if (n->alarm_at && now_ns() / NS_PER_MS >= n->alarm_at) {
		n->alarm_at = 0;
		slirp_handle_timer(n->slirp, n->alarm, n->alarm_opaque);
	}
	return ret <= 0 || !n->poll[0].revents || take_frames(n);
}

/* ---- the beginning --------------------------------------------------------------------------- */

/* ADDRESS:PORT up to @end. */
static bool parse_end(const char *text, const char *end, struct in_addr *address, int *port)
{
	char copy[INET_ADDRSTRLEN + sizeof(":65535")], *colon, *rest;
	long number;

	if (end - text >= (ptrdiff_t)sizeof(copy))
		return false;
	memcpy(copy, text, end - text);
	copy[end - text] = '\0';
	colon = strchr(copy, ':');
	if (!colon)
		return false;
	*colon = '\0';
	number = strtol(colon + 1, &rest, 10);
	*port = number;
	return colon[1] >= '0' && colon[1] <= '9' && !*rest && number > 0 && number < 65536 &&
	       inet_pton(AF_INET, copy, address) == 1;
}

static int add_forward(struct network *n, const char *text)
{
	const char *dash = strchr(text, '-');
	bool udp = !strncmp(text, "udp:", strlen("udp:"));
	struct in_addr host, guest;
	int host_port, guest_port;

	if ((!udp && strncmp(text, "tcp:", strlen("tcp:")) != 0) || !dash ||
	    !parse_end(text + strlen("tcp:"), dash, &host, &host_port) ||
	    !parse_end(dash + 1, dash + 1 + strlen(dash + 1), &guest, &guest_port)) {
		fprintf(stderr, "minikvm-slirp: '%s' is not tcp:ADDRESS:PORT-ADDRESS:PORT.\n",
			text);
		return EXIT_USAGE;
	}
	if (slirp_add_hostfwd(n->slirp, udp, host, host_port, guest, guest_port)) {
		fprintf(stderr, "minikvm-slirp: Port %d of %.*s cannot be forwarded: %s.\n",
			host_port, (int)(strchr(text + strlen("tcp:"), ':') - text - 4),
			text + strlen("tcp:"), strerror(errno));
		return EXIT_FAILURE;
	}
	return 0;
}

static Slirp *start(struct network *n, unsigned long mtu)
{
	SlirpConfig config = {
		.version = 4,
		.in_enabled = true,
		.in6_enabled = true,
		.vprefix_len = 64,
		.vhostname = "minikvm",
		.if_mtu = mtu,
		.if_mru = mtu,
	};

	inet_pton(AF_INET, "10.0.2.0", &config.vnetwork);
	inet_pton(AF_INET, "255.255.255.0", &config.vnetmask);
	inet_pton(AF_INET, "10.0.2.2", &config.vhost);
	inet_pton(AF_INET, "10.0.2.15", &config.vdhcp_start);
	inet_pton(AF_INET, "10.0.2.3", &config.vnameserver);
	inet_pton(AF_INET6, "fec0::", &config.vprefix_addr6);
	inet_pton(AF_INET6, "fec0::2", &config.vhost6);
	inet_pton(AF_INET6, "fec0::3", &config.vnameserver6);
	return slirp_new(&config, &callbacks, n);
}

int main(int argc, char **argv)
{
	struct network *n = calloc(1, sizeof(*n));
	int i, status;

	signal(SIGPIPE, SIG_IGN);
	if (!n || argc < 2) {
		fputs("usage: minikvm-slirp MTU [tcp:ADDRESS:PORT-ADDRESS:PORT]... <SOCKET\n"
		      "This program is a part of 'minikvm run --net user'.\n", stderr);
		free(n);
		return EXIT_USAGE;
	}
	n->slirp = start(n, strtoul(argv[1], NULL, 10));
	if (!n->slirp) {
		fputs("minikvm-slirp: libslirp does not start.\n", stderr);
		free(n);
		return EXIT_FAILURE;
	}
	for (i = 2; i < argc; i++) {
		status = add_forward(n, argv[i]);
		if (status)
			return status;
	}
	/* The tool waits for this byte. */
	if (write(CABLE, "", 1) == 1)
		while (turn(n))
			;
	slirp_cleanup(n->slirp);
	free(n);
	return EXIT_SUCCESS;
}
