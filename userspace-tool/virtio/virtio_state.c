// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state of a virtio device with its transport, for snapshots: see state/state.h.
 *
 * A device is saved at rest: its workers are held, and what was under way has been answered, so
 * that rings and registers are all there is, and what a kind of device adds by its own save().
 * The rings themselves are guest memory. A device is loaded into one that was opened from the same
 * options; what the state says is checked as if a driver had written it.
 */
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <string.h>

#include "virtio/virtio_pci.h"
#include "virtio/virtio_state.h"

static void drain(void *device)
{
	struct virtio_pci *p = device;

	virtio_lock(p->device);
	if (p->device->ops->drain)
		p->device->ops->drain(p->device);
}

static void resume(void *device)
{
	struct virtio_pci *p = device;

	virtio_unlock(p->device);
}

/* ---- saving ---------------------------------------------------------------------------------- */

static void save_queue(struct virtio_pci *p, unsigned int i, struct state_out *out)
{
	const struct virtqueue_layout *l = &p->queue[i].layout;
	const struct virtio_queue *q = &p->device->queue[i];
	__u16 vector = p->queue[i].vector;
	__u8 flags = q->enabled | q->ring.avail_wrap << 1 | q->ring.used_wrap << 2;

	STATE_PUT(out, l->size);
	STATE_PUT(out, l->descriptors);
	STATE_PUT(out, l->driver);
	STATE_PUT(out, l->device);
	STATE_PUT(out, vector);
	STATE_PUT(out, flags);
	STATE_PUT(out, q->ring.next_avail);
	STATE_PUT(out, q->ring.next_used);
	STATE_PUT(out, q->ring.signalled);
}

static void save_msix(struct msix *m, struct state_out *out)
{
	__u8 pending[MSIX_VECTORS_MAX / 8];
	__u64 entry;
	unsigned int i;

	for (i = 0; i < m->count * 2; i++) {
		msix_table_read(m, 8ULL * i, &entry, sizeof(entry));
		STATE_PUT(out, entry);
	}
	msix_pending_read(m, 0, pending, sizeof(pending));
	STATE_PUT(out, pending);
}

static void save(void *device, struct state_out *out)
{
	struct virtio_pci *p = device;
	struct virtio_device *d = p->device;
	__u16 config_vector = p->config_vector;
	__u8 needs_reset = d->needs_reset, generation = d->generation;
	__u32 queues = d->queues, slot = p->endpoint.number;
	unsigned int i;

	STATE_PUT(out, d->ops->id);
	STATE_PUT(out, queues);
	STATE_PUT(out, slot);
	pthread_mutex_lock(&p->lock);
	STATE_PUT(out, p->device_select);
	STATE_PUT(out, p->driver_select);
	STATE_PUT(out, p->accepted);
	STATE_PUT(out, p->queue_select);
	STATE_PUT(out, p->status);
	STATE_PUT(out, config_vector);
	STATE_PUT(out, p->isr);
	STATE_PUT(out, needs_reset);
	STATE_PUT(out, generation);
	for (i = 0; i < d->queues; i++)
		save_queue(p, i, out);
	pthread_mutex_unlock(&p->lock);
	STATE_PUT(out, p->endpoint.config);
	save_msix(&p->endpoint.msix, out);
	if (d->ops->save)
		d->ops->save(d, out);
}

/* ---- loading --------------------------------------------------------------------------------- */

static int impossible(const struct virtio_device *d, struct sentence *why)
{
	return say(why, "The snapshot's state of the device %s cannot be one.", d->name);
}

static int load_queue(struct virtio_pci *p, unsigned int i, struct state_in *in,
		      struct sentence *why)
{
	struct virtqueue_layout *l = &p->queue[i].layout;
	struct virtio_device *d = p->device;
	struct virtio_queue *q = &d->queue[i];
	__u16 vector, next_avail, next_used, signalled;
	__u8 flags;

	STATE_GET(in, l->size);
	STATE_GET(in, l->descriptors);
	STATE_GET(in, l->driver);
	STATE_GET(in, l->device);
	STATE_GET(in, vector);
	STATE_GET(in, flags);
	STATE_GET(in, next_avail);
	STATE_GET(in, next_used);
	STATE_GET(in, signalled);
	p->queue[i].vector = vector < p->endpoint.msix.count ? vector : VIRTIO_MSI_NO_VECTOR;
	q->enabled = false;
	if (!(flags & 1))
		return 0;
	l->packed = virtio_has(d, VIRTIO_F_RING_PACKED);
	l->indirect = virtio_has(d, VIRTIO_RING_F_INDIRECT_DESC);
	l->event_index = virtio_has(d, VIRTIO_RING_F_EVENT_IDX);
	if (virtqueue_enable(&q->ring, l, d->ram) ||
	    (l->packed && (next_avail >= l->size || next_used >= l->size)))
		return impossible(d, why);
	q->ring.next_avail = next_avail;
	q->ring.next_used = next_used;
	q->ring.signalled = signalled;
	q->ring.avail_wrap = flags & 2;
	q->ring.used_wrap = flags & 4;
	q->enabled = true;
	return 0;
}

/* The guest's writable bits of configuration space, in the order in which they do no harm. */
static void load_config(struct virtio_pci *p, const __u8 *config)
{
	const struct pci_slot *slot = &p->endpoint.root->slot[p->endpoint.number];
	unsigned int data = p->cfg_cap + sizeof(struct virtio_pci_cap), reg;
	__u32 value;

	slot->ops->write(slot->opaque, PCI_COMMAND, 2, 0);
	for (reg = PCI_CACHE_LINE_SIZE; reg < ENDPOINT_CONFIG; reg += 4) {
		memcpy(&value, config + reg, sizeof(value));
		/* A write there would be an access to a register of the device's. */
		if (reg != data)
			slot->ops->write(slot->opaque, reg, 4, value);
	}
	memcpy(&value, config + PCI_COMMAND, 2);
	slot->ops->write(slot->opaque, PCI_COMMAND, 2, value);
}

static void load_msix(struct msix *m, struct state_in *in)
{
	__u8 pending[MSIX_VECTORS_MAX / 8];
	__u64 entry;
	unsigned int i;

	msix_reset(m);
	for (i = 0; i < m->count * 2; i++) {
		STATE_GET(in, entry);
		msix_table_write(m, 8ULL * i, &entry, sizeof(entry));
	}
	STATE_GET(in, pending);
	for (i = 0; i < m->count; i++)
		if (pending[i / 8] >> i % 8 & 1)
			msix_signal(m, i);
}

static int load_registers(struct virtio_pci *p, struct state_in *in, struct sentence *why)
{
	struct virtio_device *d = p->device;
	__u8 needs_reset, generation;
	__u16 config_vector;
	unsigned int i;

	STATE_GET(in, p->device_select);
	STATE_GET(in, p->driver_select);
	STATE_GET(in, p->accepted);
	STATE_GET(in, p->queue_select);
	STATE_GET(in, p->status);
	STATE_GET(in, config_vector);
	STATE_GET(in, p->isr);
	STATE_GET(in, needs_reset);
	STATE_GET(in, generation);
	p->config_vector = config_vector < p->endpoint.msix.count ? config_vector :
								    VIRTIO_MSI_NO_VECTOR;
	d->needs_reset = needs_reset;
	d->generation = generation;
	d->features = 0;
	if (p->status & VIRTIO_CONFIG_S_FEATURES_OK) {
		if (p->accepted & ~d->offered)
			return say(why, "The snapshot's device %s has features that this one has not.",
				   d->name);
		d->features = p->accepted;
	}
	for (i = 0; i < d->queues; i++)
		if (load_queue(p, i, in, why))
			return -1;
	return 0;
}

static int load(void *device, struct state_in *in, __u32 version, struct sentence *why)
{
	struct virtio_pci *p = device;
	struct virtio_device *d = p->device;
	__u32 queues, slot = p->endpoint.number;
	__u8 config[ENDPOINT_CONFIG];
	__u16 id;
	int ret;

	STATE_GET(in, id);
	STATE_GET(in, queues);
	if (version >= 2)
		STATE_GET(in, slot);
	if (id != d->ops->id || queues != d->queues)
		return say(why,
			   "The snapshot's virtio devices are not those of the options: give the same ones, in the same order.");
	/* One that came while the guest ran is not in the slot that its option gives it. */
	if (pci_endpoint_move(&p->endpoint, slot))
		return impossible(d, why);
	virtio_lock(d);
	ret = load_registers(p, in, why);
	virtio_unlock(d);
	if (ret)
		return -1;
	STATE_GET(in, config);
	load_msix(&p->endpoint.msix, in);
	load_config(p, config);
	if (p->isr)
		pci_endpoint_pin(&p->endpoint, true);
	if (d->ops->load && d->ops->load(d, in, why))
		return -1;
	/* It goes on as one whose driver has just set DRIVER_OK: it looks at every queue. */
	if (p->status & VIRTIO_CONFIG_S_DRIVER_OK)
		virtio_start(d);
	return 0;
}

const struct device_state virtio_state = {
	.name = "virtio",
	.version = 2,
	.drain = drain,
	.resume = resume,
	.save = save,
	.load = load,
};
