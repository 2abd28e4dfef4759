/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sockets between the guest and unix sockets of the host: vsock.c. Connections: vsock_conn.c.
 */
#ifndef MINIKVM_TOOL_VSOCK_H
#define MINIKVM_TOOL_VSOCK_H

#include <linux/virtio_vsock.h>
#include <sys/un.h>

#include "virtio/device.h"

#define VSOCK_CID_MIN		3
#define VSOCK_CID_MAX		0xfffffffeU
#define VSOCK_CID_HOST		2
/* Of the path; "_" and a port have to go behind it. */
#define VSOCK_PATH_SIZE		(sizeof(((struct sockaddr_un *)0)->sun_path) - 11)
#define VSOCK_CONNECTIONS	128
#define VSOCK_BUFFER		65536	/* bytes that a connection holds for the host's socket */
#define VSOCK_LINE		32	/* "CONNECT PORT\n" */
#define VSOCK_RESETS		64	/* refusals that wait; then packets do */

/* The numbers of the queues. */
enum {
	VSOCK_RECEIVE,
	VSOCK_TRANSMIT,
	VSOCK_EVENT,
	VSOCK_QUEUES,
};

enum vsock_state {
	VSOCK_FREE,
	VSOCK_GREETING,		/* the host has connected, and says to which port */
	VSOCK_REQUESTED,	/* the guest is asked, or will be */
	VSOCK_OPEN,
};

/* What the guest is to be told of a connection. */
#define WANT_REQUEST	0x01
#define WANT_RESPONSE	0x02
#define WANT_CREDIT	0x04
#define WANT_SHUTDOWN	0x08

struct vsock;

/**
 * struct vsock_conn - a connection
 * @vsock: its device
 * @state: how far it is
 * @watch: the host's socket
 * @events: what is looked for there
 * @guest_port: the guest's end
 * @host_port: the host's end
 * @want: what the guest is to be told
 * @known: the guest knows of it, and has to be told when it ends
 * @host_done: the host sends nothing more
 * @guest_flags: what the guest has shut down (VIRTIO_VSOCK_SHUTDOWN_*)
 * @sent: bytes that the guest was sent, modulo 2^32 like the next four
 * @guest_room: buffer that the guest has
 * @guest_taken: bytes that it has taken out of that
 * @taken: bytes that the host's socket has taken
 * @told: @taken, as the guest was told last
 * @buffer: bytes for the host's socket, VSOCK_BUFFER of room
 * @buffered: how many
 * @line: the host's greeting, so far
 * @line_len: bytes of it
 */
struct vsock_conn {
	struct vsock *vsock;
	enum vsock_state state;
	struct watch watch;
	__u32 events;
	__u32 guest_port, host_port;
	unsigned int want;
	bool known;
	bool host_done;
	__u32 guest_flags;
	__u32 sent, guest_room, guest_taken, taken, told;
	__u8 *buffer;
	__u32 buffered;
	char line[VSOCK_LINE];
	unsigned int line_len;
};

/**
 * struct vsock - the device
 * @device: what all devices have
 * @path: the unix socket
 * @cid: the guest's address
 * @listen: the listening socket
 * @next_port: the host's end of the next connection from the host
 * @next: connection that is served first
 * @starved: the driver has no buffers left for packets
 * @resets: refusals, each the ports of the guest and the host
 * @restored: the guest is to be told that its connections are gone
 * @reset_count: how many; no more than one for each connection and VSOCK_RESETS for packets
 * @data: a packet's
 * @conn: the connections
 */
struct vsock {
	struct virtio_device device;
	char path[VSOCK_PATH_SIZE];
	__u64 cid;
	struct watch listen;
	__u32 next_port;
	unsigned int next;
	bool starved;
	struct {
		__u32 guest_port, host_port;
	} resets[VSOCK_RESETS + VSOCK_CONNECTIONS + 1];
	unsigned int reset_count;
	bool restored;
	__u8 data[VSOCK_BUFFER];
	struct vsock_conn conn[VSOCK_CONNECTIONS];
};

struct virtio_device *vsock_open(const struct guest_ram *ram, const char *path, __u64 cid,
				 struct sentence *why);

/* vsock.c, for vsock_conn.c */
void vsock_pump(struct vsock *v);
void vsock_refuse(struct vsock *v, __u32 guest_port, __u32 host_port);
bool vsock_send(struct vsock *v, struct vsock_conn *c, __u16 op, __u32 flags);

/* vsock_conn.c, for vsock.c */
struct vsock_conn *vsock_conn_find(struct vsock *v, __u32 guest_port, __u32 host_port);
void vsock_conn_accept(struct vsock *v);
void vsock_conn_request(struct vsock *v, const struct virtio_vsock_hdr *h);
void vsock_conn_packet(struct vsock_conn *c, const struct virtio_vsock_hdr *h,
		       const struct virtqueue_chain *chain);
void vsock_conn_look(struct vsock_conn *c);
void vsock_conn_close(struct vsock_conn *c);
__u32 vsock_conn_credit(const struct vsock_conn *c);

#endif
