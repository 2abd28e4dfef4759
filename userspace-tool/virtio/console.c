// SPDX-License-Identifier: GPL-2.0-only
/*
 * Consoles: section "Console Device" of virtio 1.2, with several ports, the terminal's size, and
 * the emergency write. Port 0 is the terminal (/dev/hvc0).
 *
 * Each port has a queue to the guest and one from it; a further pair carries control messages,
 * by which device and driver tell each other which ports there are and which are open. What arrives
 * for the guest waits in a ring until the driver has given buffers; the ring's lock is the only
 * one that a thread other than the worker takes, and it is taken last.
 */
#include <errno.h>
#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "compiler.h"
#include "virtio/console.h"

#define CLASS_SERIAL	0x078000
#define CONTROL_RECEIVE	2		/* to the guest */
#define CONTROL_TRANSMIT 3
#define MESSAGES_MAX	32		/* that wait for the driver's buffers */
#define MESSAGE_SIZE	64		/* with a name */

/* The queues of port n: 0 and 1 for the first, then from 4 on. */
static unsigned int receive_queue(unsigned int port)
{
	return port ? 2 + 2 * port : 0;
}

/* Which port a queue belongs to; not for the control queues. */
static unsigned int port_of(unsigned int queue)
{
	return queue < 2 ? 0 : queue / 2 - 1;
}

struct message {
	__u8 data[MESSAGE_SIZE];
	unsigned int len;
};

/**
 * struct port - a port
 * @host: what it is connected to
 * @lock: of the ring
 * @ring: what waits for the guest
 * @head: its first byte
 * @len: how many
 * @open: the driver has opened it; what arrives before would be thrown away there
 * @was_full: console_space() said 0, or console_receive() did not take all
 */
struct port {
	struct console_port host;
	pthread_mutex_t lock;
	__u8 ring[CONSOLE_RING];
	unsigned int head, len;
	bool open;
	bool was_full;
};

/**
 * struct console_device - the device; what is not in a port belongs to the worker
 * @device: what all devices have
 * @port: the ports
 * @ports: how many
 * @message: control messages that wait
 * @messages: how many
 */
struct console_device {
	struct virtio_device device;
	struct port port[CONSOLE_PORTS_MAX];
	unsigned int ports;
	struct message message[MESSAGES_MAX];
	unsigned int messages;
};

/* ---- control messages ------------------------------------------------------------------------ */

/* Hand what waits to the driver, as far as it has given buffers. */
static void send_messages(struct console_device *c)
{
	struct virtqueue_chain chain;
	unsigned int sent;

	for (sent = 0; sent < c->messages; sent++) {
		const struct message *m = &c->message[sent];

		if (virtio_pop(&c->device, CONTROL_RECEIVE, &chain) <= 0)
			break;
		virtio_push(&c->device, CONTROL_RECEIVE, &chain,
			    virtqueue_write(&chain, 0, m->data, m->len));
	}
	if (!sent)
		return;
	c->messages -= sent;
	memmove(c->message, c->message + sent, c->messages * sizeof(c->message[0]));
	virtio_flush(&c->device, CONTROL_RECEIVE);
}

/* Only a driver that asks and does not listen can fill the list; it loses what is too much. */
static void tell(struct console_device *c, __u32 port, __u16 event, __u16 value, const void *more,
		 unsigned int len)
{
	struct virtio_console_control control = { .id = port, .event = event, .value = value };
	struct message *m;

	if (c->messages == MESSAGES_MAX || sizeof(control) + len > MESSAGE_SIZE)
		return;
	m = &c->message[c->messages++];
	memcpy(m->data, &control, sizeof(control));
	if (len)
		memcpy(m->data + sizeof(control), more, len);
	m->len = sizeof(control) + len;
}

/* The size is columns and rows here, as in the configuration. */
static void tell_size(struct console_device *c)
{
	__u16 size[2];

	pthread_mutex_lock(&c->device.config_lock);
	memcpy(size, c->device.config, sizeof(size));
	pthread_mutex_unlock(&c->device.config_lock);
	if (size[0] && size[1])
		tell(c, 0, VIRTIO_CONSOLE_RESIZE, 0, size, sizeof(size));
}

static void port_ready(struct console_device *c, unsigned int port)
{
	const char *name = c->port[port].host.name;

	if (name)
		tell(c, port, VIRTIO_CONSOLE_PORT_NAME, 1, name, strlen(name));
	else
		tell(c, port, VIRTIO_CONSOLE_CONSOLE_PORT, 1, NULL, 0);
	tell(c, port, VIRTIO_CONSOLE_PORT_OPEN, 1, NULL, 0);
	if (!port)
		tell_size(c);
}

static void open_port(struct console_device *c, unsigned int port, bool open)
{
	c->port[port].open = open;
	if (open)
		virtio_kick(&c->device, receive_queue(port));
}

static void heard(struct console_device *c, const struct virtio_console_control *control)
{
	unsigned int i;

	if (control->event == VIRTIO_CONSOLE_DEVICE_READY && control->value)
		for (i = 0; i < c->ports; i++)
			tell(c, i, VIRTIO_CONSOLE_PORT_ADD, 1, NULL, 0);
	else if (control->event == VIRTIO_CONSOLE_PORT_READY && control->value &&
		 control->id < c->ports)
		port_ready(c, control->id);
	else if (control->event == VIRTIO_CONSOLE_PORT_OPEN && control->id < c->ports)
		open_port(c, control->id, control->value);
}

static void receive_messages(struct console_device *c)
{
	struct virtio_console_control control;
	struct virtqueue_chain chain;

	while (virtio_pop(&c->device, CONTROL_TRANSMIT, &chain) > 0) {
		if (virtqueue_read(&chain, 0, &control, sizeof(control)) == sizeof(control))
			heard(c, &control);
		virtio_push(&c->device, CONTROL_TRANSMIT, &chain, 0);
	}
	virtio_flush(&c->device, CONTROL_TRANSMIT);
	send_messages(c);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static void transmit(struct console_device *c, unsigned int queue)
{
	const struct console_port *host = &c->port[port_of(queue)].host;
	struct virtqueue_chain chain;
	unsigned int i;

	while (virtio_pop(&c->device, queue, &chain) > 0) {
		for (i = 0; i < chain.readable; i++)
			host->transmit(host->opaque, chain.part[i].iov_base, chain.part[i].iov_len);
		virtio_push(&c->device, queue, &chain, 0);
	}
	virtio_flush(&c->device, queue);
}

/* Take bytes out of the ring. Return: how many. */
static size_t take(struct port *p, const struct virtqueue_chain *chain)
{
	size_t n, done = 0;

	while (p->len && done < chain->writable_bytes) {
		n = CONSOLE_RING - p->head < p->len ? CONSOLE_RING - p->head : p->len;
		n = virtqueue_write(chain, done, p->ring + p->head, n);
		p->head = (p->head + n) % CONSOLE_RING;
		p->len -= n;
		done += n;
	}
	return done;
}

static void deliver(struct console_device *c, unsigned int queue)
{
	struct port *p = &c->port[port_of(queue)];
	struct virtqueue_chain chain;
	bool space = false;

	if (virtio_has(&c->device, VIRTIO_CONSOLE_F_MULTIPORT) && !p->open)
		return;
	pthread_mutex_lock(&p->lock);
	while (p->len && virtio_pop(&c->device, queue, &chain) > 0)
		virtio_push(&c->device, queue, &chain, take(p, &chain));
	if (p->was_full && p->len < CONSOLE_RING) {
		p->was_full = false;
		space = true;
	}
	pthread_mutex_unlock(&p->lock);
	virtio_flush(&c->device, queue);
	if (space)
		p->host.space(p->host.opaque);
}

static void notify(struct virtio_device *d, unsigned int queue)
{
	struct console_device *c = d->opaque;

	if (queue == CONTROL_RECEIVE)
		send_messages(c);
	else if (queue == CONTROL_TRANSMIT)
		receive_messages(c);
	else if (queue % 2)
		transmit(c, queue);
	else
		deliver(c, queue);
}

static void stop(struct virtio_device *d)
{
	struct console_device *c = d->opaque;
	unsigned int i;

	c->messages = 0;
	for (i = 0; i < c->ports; i++)
		c->port[i].open = false;
}

/* The emergency write: a character by the configuration, for a driver whose queues are not up. */
static void config_written(struct virtio_device *d, unsigned int offset, unsigned int len)
{
	unsigned int at = offsetof(struct virtio_console_config, emerg_wr);
	struct console_device *c = d->opaque;
	__u8 character;

	if (offset > at || offset + len <= at)
		return;
	character = d->config[at];
	c->port[0].host.transmit(c->port[0].host.opaque, &character, 1);
}

/* ---- for the machine ------------------------------------------------------------------------- */

/**
 * console_receive() - bytes arrive for the guest
 * @d: the device
 * @port: for which port
 * @data: the bytes
 * @len: how many
 *
 * Return: how many were taken. If fewer than @len, the port's space() follows later.
 */
size_t console_receive(struct virtio_device *d, unsigned int port, const __u8 *data, size_t len)
{
	struct console_device *c = d->opaque;
	struct port *p = &c->port[port];
	size_t taken;

	pthread_mutex_lock(&p->lock);
	for (taken = 0; taken < len && p->len < CONSOLE_RING; taken++)
		p->ring[(p->head + p->len++) % CONSOLE_RING] = data[taken];
	p->was_full = p->len == CONSOLE_RING;
	pthread_mutex_unlock(&p->lock);
	virtio_kick(d, receive_queue(port));
	return taken;
}

/* How many bytes console_receive() would take now. */
size_t console_space(struct virtio_device *d, unsigned int port)
{
	struct console_device *c = d->opaque;
	struct port *p = &c->port[port];
	size_t space;

	pthread_mutex_lock(&p->lock);
	space = CONSOLE_RING - p->len;
	p->was_full = !space;
	pthread_mutex_unlock(&p->lock);
	return space;
}

/* The terminal has another size now. No lock of the device's is held. */
void console_resize(struct virtio_device *d, __u16 columns, __u16 rows)
{
	struct console_device *c = d->opaque;
	const __u16 size[2] = { columns, rows };

	virtio_config_set(d, 0, size, sizeof(size));
	virtio_lock(d);
	if (d->running && virtio_has(d, VIRTIO_CONSOLE_F_MULTIPORT)) {
		tell_size(c);
		send_messages(c);
	}
	virtio_unlock(d);
}

static void save(struct virtio_device *d, struct state_out *out)
{
	struct console_device *c = d->opaque;
	unsigned int i;
	__u8 open;

	for (i = 0; i < c->ports; i++) {
		open = c->port[i].open;
		STATE_PUT(out, open);
	}
	STATE_PUT(out, c->messages);
	STATE_PUT(out, c->message);
}

/* What was typed and not delivered is not the restored guest's. */
static int load(struct virtio_device *d, struct state_in *in, struct sentence *why)
{
	struct console_device *c = d->opaque;
	unsigned int i;
	__u8 open;

	for (i = 0; i < c->ports; i++) {
		STATE_GET(in, open);
		c->port[i].open = open;
	}
	STATE_GET(in, c->messages);
	STATE_GET(in, c->message);
	for (i = 0; i < MESSAGES_MAX; i++)
		if (c->messages > MESSAGES_MAX || c->message[i].len > MESSAGE_SIZE)
			return say(why, "The snapshot's state of the console cannot be one.");
	return 0;
}

static void close_device(struct virtio_device *d)
{
	virtio_device_release(d);
	free(d->opaque);
}

static const struct virtio_device_ops ops = {
	.id = VIRTIO_ID_CONSOLE,
	.class = CLASS_SERIAL,
	.stop = stop,
	.notify = notify,
	.config_written = config_written,
	.save = save,
	.load = load,
	.close = close_device,
};

/**
 * console_device_open() - a console with its ports
 * @ram: the guest's memory
 * @ports: what the ports are connected to; the first is a console
 * @count: how many, 1 to CONSOLE_PORTS_MAX
 * @why: receives the sentence on failure
 *
 * Return: the device, to be ended by its close(); or NULL.
 */
struct virtio_device *console_device_open(const struct guest_ram *ram,
					  const struct console_port *ports, unsigned int count,
					  struct sentence *why)
{
	struct console_device *c = calloc(1, sizeof(*c));
	struct virtio_console_config config = { .max_nr_ports = count };
	struct virtio_device *d;
	unsigned int i;

	if (!c) {
		say(why, "There is no memory.");
		return NULL;
	}
	d = &c->device;
	for (i = 0; i < count; i++) {
		c->port[i].host = ports[i];
		pthread_mutex_init(&c->port[i].lock, NULL);
	}
	c->ports = count;
	if (virtio_device_init(d, &ops, "console", c, ram, 2 + 2 * count, 1, why)) {
		close_device(d);
		return NULL;
	}
	d->offered |= BIT_ULL(VIRTIO_CONSOLE_F_SIZE) | BIT_ULL(VIRTIO_CONSOLE_F_MULTIPORT) |
		      BIT_ULL(VIRTIO_CONSOLE_F_EMERG_WRITE);
	memcpy(d->config, &config, sizeof(config));
	memset(d->config_writable + offsetof(struct virtio_console_config, emerg_wr), 0xff,
	       sizeof(config.emerg_wr));
	d->config_size = sizeof(config);
	return d;
}
