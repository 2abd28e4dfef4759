// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtio over PCI: see virtio_pci.h; section "Virtio Over PCI Bus" of virtio 1.2.
 *
 * Five capabilities tell the driver where things are: the common configuration, the notification
 * registers, the ISR status, the device's own configuration, and a window in configuration space
 * to all of them for those who cannot map memory. BAR 0 holds them, one page each, so that a
 * notification register can be a doorbell: a write to it signals the queue's eventfd in the kernel
 * and the vCPU's thread never hears of it.
 *
 * Relies on struct virtio_device for what the registers mean. Registers are little-endian like the
 * machine. A guest may write anything at any time, from several vCPUs at once: @lock makes one
 * write follow the other, and a worker never takes it.
 */
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_pci.h>
#include <string.h>

#include "compiler.h"
#include "virtio/virtio_pci.h"

#define VENDOR_VIRTIO		0x1af4
#define DEVICE_MODERN		0x1040	/* plus the device's number */
#define SUBSYSTEM		0x1100
#define REVISION_MODERN		1

#define COMMON_SIZE		64

#define ISR_QUEUE		0x1
#define ISR_CONFIG		0x2
#define STATUS_WRITABLE		(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | \
				 VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_FEATURES_OK | \
				 VIRTIO_CONFIG_S_FAILED)
#define NOTIFY_LEN		2	/* bytes that a driver writes to notify */

/* ---- interrupts ------------------------------------------------------------------------------ */

/* From workers' threads: a queue has used buffers, or (-1) the configuration has changed. */
static void interrupt(void *transport, int queue)
{
	struct virtio_pci *p = transport;

	if (msix_enabled(&p->endpoint.msix)) {
		msix_signal(&p->endpoint.msix,
			    queue < 0 ? p->config_vector : p->queue[queue].vector);
		return;
	}
	pthread_mutex_lock(&p->isr_lock);
	p->isr |= queue < 0 ? ISR_CONFIG : ISR_QUEUE;
	pci_endpoint_pin(&p->endpoint, true);
	pthread_mutex_unlock(&p->isr_lock);
}

/* Reading the ISR status takes the interrupt back. */
static __u8 read_isr(struct virtio_pci *p)
{
	__u8 isr;

	pthread_mutex_lock(&p->isr_lock);
	isr = p->isr;
	p->isr = 0;
	pci_endpoint_pin(&p->endpoint, false);
	pthread_mutex_unlock(&p->isr_lock);
	return isr;
}

/**
 * virtio_pci_queue_fd() - the eventfd whose write is a queue's interrupt
 * @p: the transport
 * @queue: the queue
 *
 * For back ends that are not in this process. It is valid once the driver has set DRIVER_OK.
 *
 * Return: the descriptor, or -1 where the driver uses no message for the queue.
 */
int virtio_pci_queue_fd(struct virtio_pci *p, unsigned int queue)
{
	if (!msix_enabled(&p->endpoint.msix))
		return -1;
	return msix_fd(&p->endpoint.msix, p->queue[queue].vector);
}

/* A vector that there is, or that there is none (the driver reads back which). */
static __u16 checked_vector(const struct virtio_pci *p, __u16 vector)
{
	return vector < p->endpoint.msix.count ? vector : VIRTIO_MSI_NO_VECTOR;
}

/* ---- common configuration -------------------------------------------------------------------- */

static struct virtio_pci_queue *selected(struct virtio_pci *p)
{
	return p->queue_select < p->device->queues ? &p->queue[p->queue_select] : NULL;
}

static void reset_queue_registers(struct virtio_pci *p, struct virtio_pci_queue *q)
{
	memset(&q->layout, 0, sizeof(q->layout));
	q->layout.size = p->device->queue_size;
	q->vector = VIRTIO_MSI_NO_VECTOR;
}

static void reset(struct virtio_pci *p)
{
	unsigned int i;

	virtio_reset(p->device);
	p->device_select = 0;
	p->driver_select = 0;
	p->accepted = 0;
	p->queue_select = 0;
	p->status = 0;
	p->config_vector = VIRTIO_MSI_NO_VECTOR;
	for (i = 0; i < p->device->queues; i++)
		reset_queue_registers(p, &p->queue[i]);
	read_isr(p);
}

static bool features_ok(const struct virtio_pci *p)
{
	return !(p->accepted & ~p->device->offered) &&
	       (p->accepted & BIT_ULL(VIRTIO_F_VERSION_1));
}

/* Bits are only ever set; 0 is the reset. */
static void write_status(struct virtio_pci *p, __u8 value)
{
	__u8 set = value & STATUS_WRITABLE & ~p->status;

	if (!value) {
		reset(p);
		return;
	}
	if (set & VIRTIO_CONFIG_S_FEATURES_OK) {
		if (features_ok(p))
			p->device->features = p->accepted;
		else
			set &= ~VIRTIO_CONFIG_S_FEATURES_OK;
	}
	if (!((p->status | set) & VIRTIO_CONFIG_S_FEATURES_OK))
		set &= ~VIRTIO_CONFIG_S_DRIVER_OK;
	p->status |= set;
	if (set & VIRTIO_CONFIG_S_DRIVER_OK)
		virtio_start(p->device);
}

static bool is_enabled(const struct virtio_pci *p)
{
	return p->device->queue[p->queue_select].enabled;
}

static void enable_queue(struct virtio_pci *p, struct virtio_pci_queue *q)
{
	const struct virtio_device *d = p->device;

	/* Before FEATURES_OK the format of the queue is not known. */
	if (is_enabled(p) || !(p->status & VIRTIO_CONFIG_S_FEATURES_OK))
		return;
	q->layout.packed = virtio_has(d, VIRTIO_F_RING_PACKED);
	q->layout.indirect = virtio_has(d, VIRTIO_RING_F_INDIRECT_DESC);
	q->layout.event_index = virtio_has(d, VIRTIO_RING_F_EVENT_IDX);
	virtio_queue_enable(p->device, p->queue_select, &q->layout);
}

static __u32 half(__u64 value, __u32 select)
{
	return select < 2 ? value >> select * 32 : 0;
}

static void set_half(__u64 *to, unsigned int which, __u32 value)
{
	*to = which ? (*to & 0xffffffff) | (__u64)value << 32 : (*to & ~0xffffffffULL) | value;
}

static __u32 common_read(struct virtio_pci *p, unsigned int at)
{
	struct virtio_pci_queue *q = selected(p);

	switch (at) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		return p->device_select;
	case VIRTIO_PCI_COMMON_DF:
		return half(p->device->offered, p->device_select);
	case VIRTIO_PCI_COMMON_GFSELECT:
		return p->driver_select;
	case VIRTIO_PCI_COMMON_GF:
		return half(p->accepted, p->driver_select);
	case VIRTIO_PCI_COMMON_MSIX:
		return p->config_vector;
	case VIRTIO_PCI_COMMON_NUMQ:
		return p->device->queues;
	case VIRTIO_PCI_COMMON_STATUS:
		return p->status | (p->device->needs_reset ? VIRTIO_CONFIG_S_NEEDS_RESET : 0);
	case VIRTIO_PCI_COMMON_CFGGENERATION:
		return p->device->generation;
	case VIRTIO_PCI_COMMON_Q_SELECT:
		return p->queue_select;
	}
	if (!q)
		return 0;
	switch (at) {
	case VIRTIO_PCI_COMMON_Q_SIZE:
		return q->layout.size;
	case VIRTIO_PCI_COMMON_Q_MSIX:
		return q->vector;
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		return is_enabled(p);
	case VIRTIO_PCI_COMMON_Q_NOFF:
		return p->queue_select;
	case VIRTIO_PCI_COMMON_Q_DESCLO:
	case VIRTIO_PCI_COMMON_Q_DESCHI:
		return half(q->layout.descriptors, at == VIRTIO_PCI_COMMON_Q_DESCHI);
	case VIRTIO_PCI_COMMON_Q_AVAILLO:
	case VIRTIO_PCI_COMMON_Q_AVAILHI:
		return half(q->layout.driver, at == VIRTIO_PCI_COMMON_Q_AVAILHI);
	case VIRTIO_PCI_COMMON_Q_USEDLO:
	case VIRTIO_PCI_COMMON_Q_USEDHI:
		return half(q->layout.device, at == VIRTIO_PCI_COMMON_Q_USEDHI);
	case VIRTIO_PCI_COMMON_Q_NDATA:
		return p->queue_select;
	default:
		return 0;
	}
}

static void write_queue(struct virtio_pci *p, struct virtio_pci_queue *q, unsigned int at,
			__u32 value)
{
	bool enabled = is_enabled(p);

	switch (at) {
	case VIRTIO_PCI_COMMON_Q_MSIX:
		q->vector = checked_vector(p, value);
		return;
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		if (value == 1)
			enable_queue(p, q);
		return;
	case VIRTIO_PCI_COMMON_Q_RESET:
		if (value == 1 && enabled && virtio_has(p->device, VIRTIO_F_RING_RESET)) {
			virtio_queue_reset(p->device, p->queue_select);
			reset_queue_registers(p, q);
		}
		return;
	}
	if (enabled)
		return;		/* the rest cannot change under the device */
	switch (at) {
	case VIRTIO_PCI_COMMON_Q_SIZE:
		q->layout.size = value;
		break;
	case VIRTIO_PCI_COMMON_Q_DESCLO:
	case VIRTIO_PCI_COMMON_Q_DESCHI:
		set_half(&q->layout.descriptors, at == VIRTIO_PCI_COMMON_Q_DESCHI, value);
		break;
	case VIRTIO_PCI_COMMON_Q_AVAILLO:
	case VIRTIO_PCI_COMMON_Q_AVAILHI:
		set_half(&q->layout.driver, at == VIRTIO_PCI_COMMON_Q_AVAILHI, value);
		break;
	case VIRTIO_PCI_COMMON_Q_USEDLO:
	case VIRTIO_PCI_COMMON_Q_USEDHI:
		set_half(&q->layout.device, at == VIRTIO_PCI_COMMON_Q_USEDHI, value);
		break;
	}
}

static void common_write(struct virtio_pci *p, unsigned int at, __u32 value)
{
	struct virtio_pci_queue *q = selected(p);

	switch (at) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		p->device_select = value;
		break;
	case VIRTIO_PCI_COMMON_GFSELECT:
		p->driver_select = value;
		break;
	case VIRTIO_PCI_COMMON_GF:
		if (p->driver_select < 2 && !(p->status & VIRTIO_CONFIG_S_FEATURES_OK))
			set_half(&p->accepted, p->driver_select, value);
		break;
	case VIRTIO_PCI_COMMON_MSIX:
		p->config_vector = checked_vector(p, value);
		break;
	case VIRTIO_PCI_COMMON_STATUS:
		write_status(p, value);
		break;
	case VIRTIO_PCI_COMMON_Q_SELECT:
		p->queue_select = value;
		break;
	default:
		if (q)
			write_queue(p, q, at, value);
	}
}

/* Bytes of the register at @at: a driver has to access each whole. */
static unsigned int common_width(unsigned int at)
{
	switch (at) {
	case VIRTIO_PCI_COMMON_STATUS:
	case VIRTIO_PCI_COMMON_CFGGENERATION:
		return 1;
	case VIRTIO_PCI_COMMON_MSIX:
	case VIRTIO_PCI_COMMON_NUMQ:
	case VIRTIO_PCI_COMMON_Q_SELECT:
	case VIRTIO_PCI_COMMON_Q_SIZE:
	case VIRTIO_PCI_COMMON_Q_MSIX:
	case VIRTIO_PCI_COMMON_Q_ENABLE:
	case VIRTIO_PCI_COMMON_Q_NOFF:
	case VIRTIO_PCI_COMMON_Q_NDATA:
	case VIRTIO_PCI_COMMON_Q_RESET:
		return 2;
	default:
		return at % 4 ? 0 : 4;
	}
}

/* ---- BAR 0 ----------------------------------------------------------------------------------- */

/* One register, or (the addresses of a queue) two at once. */
static void access_common(struct virtio_pci *p, unsigned int at, __u8 *data, unsigned int len,
			  bool write)
{
	unsigned int width, done;
	__u32 value;

	pthread_mutex_lock(&p->lock);
	for (done = 0; done < len; done += width) {
		width = at + done < COMMON_SIZE ? common_width(at + done) : 0;
		if (!width || width > len - done)
			break;
		value = 0;
		if (write) {
			memcpy(&value, data + done, width);
			common_write(p, at + done, value);
		} else {
			value = common_read(p, at + done);
			memcpy(data + done, &value, width);
		}
	}
	pthread_mutex_unlock(&p->lock);
}

static void read_device(struct virtio_device *d, unsigned int at, __u8 *data, unsigned int len)
{
	if (at >= d->config_size || len > d->config_size - at)
		return;
	pthread_mutex_lock(&d->config_lock);
	memcpy(data, d->config + at, len);
	pthread_mutex_unlock(&d->config_lock);
}

static void write_device(struct virtio_device *d, unsigned int at, const __u8 *data,
			 unsigned int len)
{
	unsigned int i;

	if (at >= d->config_size || len > d->config_size - at)
		return;
	pthread_mutex_lock(&d->config_lock);
	for (i = at; i < at + len; i++)
		d->config[i] = (d->config[i] & ~d->config_writable[i]) |
			       (data[i - at] & d->config_writable[i]);
	pthread_mutex_unlock(&d->config_lock);
	if (d->ops->config_written)
		d->ops->config_written(d, at, len);
}

static void bar_read(void *opaque, __u64 offset, void *data, unsigned int len)
{
	struct virtio_pci *p = opaque;

	memset(data, 0, len);
	if (offset >= VIRTIO_BAR_PENDING)
		msix_pending_read(&p->endpoint.msix, offset - VIRTIO_BAR_PENDING, data, len);
	else if (offset >= VIRTIO_BAR_MSIX)
		msix_table_read(&p->endpoint.msix, offset - VIRTIO_BAR_MSIX, data, len);
	else if (offset >= VIRTIO_BAR_NOTIFY)
		return;
	else if (offset >= VIRTIO_BAR_DEVICE)
		read_device(p->device, offset - VIRTIO_BAR_DEVICE, data, len);
	else if (offset == VIRTIO_BAR_ISR)
		*(__u8 *)data = read_isr(p);
	else if (offset < VIRTIO_BAR_ISR)
		access_common(p, offset, data, len, false);
}

static void bar_write(void *opaque, __u64 offset, const void *data, unsigned int len)
{
	struct virtio_pci *p = opaque;

	if (offset >= VIRTIO_BAR_PENDING)
		return;
	if (offset >= VIRTIO_BAR_MSIX)
		msix_table_write(&p->endpoint.msix, offset - VIRTIO_BAR_MSIX, data, len);
	else if (offset >= VIRTIO_BAR_NOTIFY)
		virtio_kick(p->device, (offset - VIRTIO_BAR_NOTIFY) / VIRTIO_NOTIFY_MULTIPLIER);
	else if (offset >= VIRTIO_BAR_DEVICE)
		write_device(p->device, offset - VIRTIO_BAR_DEVICE, data, len);
	else if (offset < VIRTIO_BAR_ISR)
		access_common(p, offset, (__u8 *)data, len, true);
}

static const struct bus_ops bar_ops = {
	.read = bar_read,
	.write = bar_write,
};

/* The doorbells go where the BAR goes. Without them notifications come by exits, to bar_write(). */
static void bar_moved(void *opaque, unsigned int bar, __u64 at)
{
	struct virtio_pci *p = opaque;
	const struct wires *w = &p->endpoint.root->wires;
	unsigned int i;
	__u64 base;
	int on;

	(void)bar;
	for (on = 0; on < 2; on++) {
		base = on ? at : p->doorbell_at;
		for (i = 0; base && i < p->device->queues; i++)
			w->ops->doorbell(w->opaque, base + VIRTIO_BAR_NOTIFY +
					 i * VIRTIO_NOTIFY_MULTIPLIER, NOTIFY_LEN,
					 p->device->queue[i].kick.fd, on);
	}
	p->doorbell_at = at;
}

/* ---- access through configuration space ------------------------------------------------------ */

/* Which access the capability's fields describe, if the driver touches its data at @reg. */
static bool window(struct virtio_pci *p, unsigned int reg, unsigned int size, __u32 *offset,
		   __u32 *len)
{
	const struct pci_endpoint *e = &p->endpoint;
	unsigned int data = p->cfg_cap + sizeof(struct virtio_pci_cap);

	if (reg + size <= data || reg >= data + 4)
		return false;
	memcpy(offset, e->config + p->cfg_cap + VIRTIO_PCI_CAP_OFFSET, 4);
	memcpy(len, e->config + p->cfg_cap + VIRTIO_PCI_CAP_LENGTH, 4);
	return e->config[p->cfg_cap + VIRTIO_PCI_CAP_BAR] == 0 &&
	       (*len == 1 || *len == 2 || *len == 4) && *offset % *len == 0 &&
	       *offset <= VIRTIO_BAR_SIZE - *len;
}

static void config_access(struct virtio_pci *p, unsigned int reg, unsigned int size, bool write)
{
	__u8 *at = p->endpoint.config + p->cfg_cap + sizeof(struct virtio_pci_cap);
	__u32 offset, len;
	__u8 data[4];
	bool mine;

	pthread_mutex_lock(&p->endpoint.lock);
	mine = window(p, reg, size, &offset, &len);
	memcpy(data, at, sizeof(data));
	pthread_mutex_unlock(&p->endpoint.lock);
	if (!mine)
		return;
	if (write) {
		bar_write(p, offset, data, len);
		return;
	}
	bar_read(p, offset, data, len);
	pthread_mutex_lock(&p->endpoint.lock);
	memcpy(at, data, len);
	pthread_mutex_unlock(&p->endpoint.lock);
}

static void config_read(void *opaque, unsigned int reg, unsigned int size)
{
	config_access(opaque, reg, size, false);
}

static void config_written(void *opaque, unsigned int reg, unsigned int size)
{
	config_access(opaque, reg, size, true);
}

static const struct pci_endpoint_ops endpoint_ops = {
	.bar_moved = bar_moved,
	.config_read = config_read,
	.config_written = config_written,
};

/* ---- its life -------------------------------------------------------------------------------- */

/* Append one of the five capabilities, which have @extra bytes behind struct virtio_pci_cap. */
static unsigned int add_capability(struct virtio_pci *p, __u8 type, __u32 offset, __u32 length,
				   __u32 behind, unsigned int extra)
{
	struct {
		struct virtio_pci_cap cap;
		__u32 behind;
	} c = {
		.cap = {
			.cap_len = sizeof(c.cap) + extra,
			.cfg_type = type,
			.offset = offset,
			.length = length,
		},
		.behind = behind,
	};

	return pci_endpoint_add_capability(&p->endpoint, PCI_CAP_ID_VNDR,
					   (const __u8 *)&c + VIRTIO_PCI_CAP_LEN,
					   c.cap.cap_len - VIRTIO_PCI_CAP_LEN);
}

static void add_capabilities(struct virtio_pci *p)
{
	const struct virtio_device *d = p->device;

	add_capability(p, VIRTIO_PCI_CAP_COMMON_CFG, VIRTIO_BAR_COMMON, COMMON_SIZE, 0, 0);
	add_capability(p, VIRTIO_PCI_CAP_NOTIFY_CFG, VIRTIO_BAR_NOTIFY,
		       d->queues * VIRTIO_NOTIFY_MULTIPLIER, VIRTIO_NOTIFY_MULTIPLIER, 4);
	add_capability(p, VIRTIO_PCI_CAP_ISR_CFG, VIRTIO_BAR_ISR, 1, 0, 0);
	if (d->config_size)
		add_capability(p, VIRTIO_PCI_CAP_DEVICE_CFG, VIRTIO_BAR_DEVICE, d->config_size, 0,
			       0);
	p->cfg_cap = add_capability(p, VIRTIO_PCI_CAP_PCI_CFG, 0, 0, 0, 4);
	p->endpoint.writable[p->cfg_cap + VIRTIO_PCI_CAP_BAR] = 0xff;
	memset(p->endpoint.writable + p->cfg_cap + VIRTIO_PCI_CAP_OFFSET, 0xff, 12);
}

/**
 * virtio_pci_plug() - put a virtio device on the PCI bus; its threads are still to be started
 * @p: receives the transport; virtio_pci_unplug() must follow in any case
 * @device: the device, complete
 * @root: the bus
 * @first: it goes into the first free slot from this one on
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1.
 */
int virtio_pci_plug(struct virtio_pci *p, struct virtio_device *device, struct pci_root *root,
		    unsigned int first, struct sentence *why)
{
	struct pci_identity identity = {
		.vendor = VENDOR_VIRTIO,
		.device = DEVICE_MODERN + device->ops->id,
		.subsystem_vendor = VENDOR_VIRTIO,
		.subsystem = SUBSYSTEM,
		.class = device->ops->class,
		.revision = REVISION_MODERN,
	};
	unsigned int i;

	memset(p, 0, sizeof(*p));
	pthread_mutex_init(&p->lock, NULL);
	pthread_mutex_init(&p->isr_lock, NULL);
	p->device = device;
	p->config_vector = VIRTIO_MSI_NO_VECTOR;
	for (i = 0; i < device->queues; i++)
		reset_queue_registers(p, &p->queue[i]);
	device->interrupt = interrupt;
	device->transport = p;
	pci_endpoint_init(&p->endpoint, &identity, &endpoint_ops, p);
	pci_endpoint_add_bar(&p->endpoint, 0, VIRTIO_BAR_SIZE, false, false, &bar_ops);
	if (pci_endpoint_add_msix(&p->endpoint, &root->wires, device->queues + 1, 0,
				  VIRTIO_BAR_MSIX, VIRTIO_BAR_PENDING))
		return say(why, "The interrupt messages of the device %s cannot be had.",
			   device->name);
	add_capabilities(p);
	return pci_endpoint_plug(&p->endpoint, root, first, why);
}

/* Take it from the bus; its threads end. No vCPU runs, or none can be in its BAR any more. */
void virtio_pci_unplug(struct virtio_pci *p)
{
	unsigned int i;

	if (!p->device)
		return;
	for (i = 0; i < p->device->workers; i++)
		worker_stop(&p->device->worker[i]);
	virtio_reset(p->device);
	pci_endpoint_unplug(&p->endpoint);
}
