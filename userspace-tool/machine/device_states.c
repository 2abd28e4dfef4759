// SPDX-License-Identifier: GPL-2.0-only
/*
 * The states of serial port, clock, power registers and PCI's address register, for snapshots: see
 * state.h.
 *
 * An interrupt line is loaded as it was last driven, and not driven again: what the interrupt
 * controllers made of it is in their own state. What the port is connected to is not part of it: a
 * restored guest's serial port is the terminal of the run that restores it.
 */
#include <string.h>

#include "boot/acpi.h"
#include "machine/device_states.h"
#include "machine/machine.h"

#define OFFSET_MAX	(1LL << 40)	/* seconds: more than any calendar has */

static int impossible(const char *what, struct sentence *why)
{
	return say(why, "The snapshot's state of the %s cannot be one.", what);
}

static void uart_save(void *device, struct state_out *out)
{
	struct uart *u = device;
	__u8 fifo_enabled, thre_pending, line, was_full, poller;

	pthread_mutex_lock(&u->lock);
	fifo_enabled = u->fifo_enabled;
	thre_pending = u->thre_pending;
	line = u->line;
	was_full = u->was_full;
	poller = u->poller;
	STATE_PUT(out, u->ier);
	STATE_PUT(out, u->lcr);
	STATE_PUT(out, u->mcr);
	STATE_PUT(out, u->scr);
	STATE_PUT(out, u->dll);
	STATE_PUT(out, u->dlm);
	STATE_PUT(out, fifo_enabled);
	STATE_PUT(out, thre_pending);
	STATE_PUT(out, line);
	STATE_PUT(out, was_full);
	STATE_PUT(out, poller);
	STATE_PUT(out, u->fifo);
	STATE_PUT(out, u->fifo_head);
	STATE_PUT(out, u->fifo_len);
	STATE_PUT(out, u->ring);
	STATE_PUT(out, u->ring_head);
	STATE_PUT(out, u->ring_len);
	pthread_mutex_unlock(&u->lock);
}

static int uart_load(void *device, struct state_in *in, __u32 version, struct sentence *why)
{
	struct uart *u = device;
	__u8 fifo_enabled, thre_pending, line, was_full, poller;

	(void)version;
	STATE_GET(in, u->ier);
	STATE_GET(in, u->lcr);
	STATE_GET(in, u->mcr);
	STATE_GET(in, u->scr);
	STATE_GET(in, u->dll);
	STATE_GET(in, u->dlm);
	STATE_GET(in, fifo_enabled);
	STATE_GET(in, thre_pending);
	STATE_GET(in, line);
	STATE_GET(in, was_full);
	STATE_GET(in, poller);
	STATE_GET(in, u->fifo);
	STATE_GET(in, u->fifo_head);
	STATE_GET(in, u->fifo_len);
	STATE_GET(in, u->ring);
	STATE_GET(in, u->ring_head);
	STATE_GET(in, u->ring_len);
	u->fifo_enabled = fifo_enabled;
	u->thre_pending = thre_pending;
	u->line = line;
	u->was_full = was_full;
	u->poller = poller;
	if (u->fifo_head >= sizeof(u->fifo) || u->fifo_len > sizeof(u->fifo) ||
	    u->ring_head >= sizeof(u->ring) || u->ring_len > sizeof(u->ring) - u->fifo_len)
		return impossible("serial port", why);
	return 0;
}

const struct device_state uart_state = {
	.name = "uart",
	.version = 1,
	.save = uart_save,
	.load = uart_load,
};

static void rtc_save(void *device, struct state_out *out)
{
	struct rtc *r = device;
	__s64 offset;
	__u8 line;

	pthread_mutex_lock(&r->lock);
	offset = r->offset;
	line = r->line;
	STATE_PUT(out, offset);
	STATE_PUT(out, r->index);
	STATE_PUT(out, line);
	STATE_PUT(out, r->cmos);
	pthread_mutex_unlock(&r->lock);
}

static int rtc_load(void *device, struct state_in *in, __u32 version, struct sentence *why)
{
	struct rtc *r = device;
	__s64 offset;
	__u8 line;

	(void)version;
	STATE_GET(in, offset);
	STATE_GET(in, r->index);
	STATE_GET(in, line);
	STATE_GET(in, r->cmos);
	if (offset < -OFFSET_MAX || offset > OFFSET_MAX || r->index >= RTC_CMOS_SIZE)
		return impossible("clock", why);
	r->offset = offset;
	r->line = line;
	rtc_resume(r);
	return 0;
}

const struct device_state rtc_state = {
	.name = "rtc",
	.version = 1,
	.save = rtc_save,
	.load = rtc_load,
};

static void power_save(void *device, struct state_out *out)
{
	struct machine *m = device;
	__u8 sci;

	pthread_mutex_lock(&m->power_lock);
	sci = m->sci;
	STATE_PUT(out, m->pm1);
	STATE_PUT(out, sci);
	STATE_PUT(out, m->gpe);
	STATE_PUT(out, m->hotplug);
	pthread_mutex_unlock(&m->power_lock);
}

static int power_load(void *device, struct state_in *in, __u32 version, struct sentence *why)
{
	struct machine *m = device;
	__u8 sci;

	(void)why;
	STATE_GET(in, m->pm1);
	STATE_GET(in, sci);
	m->sci = sci;
	if (version < 2)
		return 0;
	STATE_GET(in, m->gpe);
	/*
	 * The bits need no check: a slot is looked up before its device is removed or closed, so
	 * that the bit of an empty one does nothing.
	 */
	STATE_GET(in, m->hotplug);
	return 0;
}

const struct device_state power_state = {
	.name = "power",
	.version = 2,
	.save = power_save,
	.load = power_load,
};

static void pci_address_save(void *device, struct state_out *out)
{
	struct pci_root *bus = device;
	__u32 address = bus->config_address;

	STATE_PUT(out, address);
}

static int pci_address_load(void *device, struct state_in *in, __u32 version, struct sentence *why)
{
	struct pci_root *bus = device;
	__u32 address;

	(void)version;
	(void)why;
	STATE_GET(in, address);
	bus->config_address = address;
	return 0;
}

const struct device_state pci_address_state = {
	.name = "pci-address",
	.version = 1,
	.save = pci_address_save,
	.load = pci_address_load,
};
