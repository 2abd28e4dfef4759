// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine's devices, what they are connected to, and the end of a run: see machine.h.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/device_states.h"
#include "machine/devices.h"
#include "machine/machine.h"
#include "machine/power.h"
#include "terminal/message.h"

/* Let the event loop look at what has changed. Callable from every thread. */
void machine_wake(struct machine *m)
{
	const __u64 one = 1;
	ssize_t ignored = write(m->wake_fd, &one, sizeof(one));

	(void)ignored;	/* it fails only when the counter is full, which wakes as well */
}

/**
 * machine_stop() - end the run
 * @m: the machine
 * @how: the way; the first call wins
 * @detail: the sentence that belongs to it, or NULL
 * @status: the number that belongs to it
 *
 * vCPU threads see it after their current exit; machine_join() brings them back from the guest.
 */
void machine_stop(struct machine *m, enum outcome how, const struct sentence *detail, int status)
{
	pthread_mutex_lock(&m->outcome_lock);
	if (m->outcome == OUTCOME_NONE) {
		if (detail)
			m->detail = *detail;
		m->status = status;
		m->outcome = how;
	}
	pthread_mutex_unlock(&m->outcome_lock);
	pause_wake(m);
	machine_wake(m);
}

/**
 * machine_report() - tell those who watch the machine by its control socket
 * @m: the machine
 * @event: a word: "panic", "device-error"; stays valid
 * @detail: a sentence
 *
 * Callable from every thread. A guest that causes more than are told loses the rest.
 */
void machine_report(struct machine *m, const char *event, const struct sentence *detail)
{
	pthread_mutex_lock(&m->outcome_lock);
	if (m->reports < REPORTS_MAX)
		m->report[m->reports++] = (struct machine_report) {
			.event = event,
			.detail = *detail,
		};
	pthread_mutex_unlock(&m->outcome_lock);
	machine_wake(m);
}

/* For the event loop: the oldest report. Return: whether there is one. */
bool machine_take_report(struct machine *m, struct machine_report *report)
{
	bool any;

	pthread_mutex_lock(&m->outcome_lock);
	any = m->reports;
	if (any) {
		*report = m->report[0];
		memmove(m->report, m->report + 1, --m->reports * sizeof(*report));
	}
	pthread_mutex_unlock(&m->outcome_lock);
	return any;
}

static void uart_transmit(void *opaque, const __u8 *data, size_t len)
{
	struct machine *m = opaque;

	console_put(&m->console, data, len);
}

static void uart_set_irq(void *opaque, bool level)
{
	struct machine *m = opaque;

	vm_irq_line(&m->vm, UART_COM1_IRQ, level);
}

static void uart_has_space(void *opaque)
{
	machine_wake(opaque);
}

static const struct uart_host uart_host = {
	.transmit = uart_transmit,
	.set_irq = uart_set_irq,
	.space = uart_has_space,
};

static time_t rtc_now(void *opaque)
{
	(void)opaque;
	return time(NULL);
}

static void rtc_set_irq(void *opaque, bool level)
{
	struct machine *m = opaque;

	vm_irq_line(&m->vm, RTC_IRQ, level);
}

static void rtc_want_ticks(void *opaque, bool on)
{
	struct machine *m = opaque;

	m->rtc_ticks = on;
	machine_wake(m);
}

static const struct rtc_host rtc_host = {
	.now = rtc_now,
	.set_irq = rtc_set_irq,
	.want_ticks = rtc_want_ticks,
};

/**
 * machine_add_state() - let a device be in the machine's snapshots
 * @m: the machine
 * @ops: what its state consists of; must outlive @m
 * @device: the argument of @ops' functions
 *
 * A snapshot is restored to a machine that has added the same devices; their order is that in
 * which they are saved and loaded.
 */
void machine_add_state(struct machine *m, const struct device_state *ops, void *device)
{
	struct machine_state *s = &m->state[m->states];
	unsigned int i;

	if (m->states == STATES_MAX || strlen(ops->name) >= STATE_NAME_SIZE) {
		message(MESSAGE_ERROR, "The device %s cannot be in snapshots.", ops->name);
		abort();
	}
	*s = (struct machine_state) { .ops = ops, .device = device };
	for (i = 0; i < m->states; i++)
		s->instance += strcmp(m->state[i].ops->name, ops->name) == 0;
	m->states++;
}

/**
 * machine_init() - wire up the devices
 * @m: the machine, with its VM and console already there
 */
void machine_init(struct machine *m)
{
	pthread_mutex_init(&m->outcome_lock, NULL);
	m->states = 0;
	m->reports = 0;
	pause_init(m);
	uart_init(&m->uart, &uart_host, m, m->console.input_tty);
	rtc_init(&m->rtc, &rtc_host, m, m->vm.ram.low_size, m->vm.ram.high_size);
	power_init(m);
	m->pci.config_address = 0;
	machine_add_state(m, &uart_state, &m->uart);
	machine_add_state(m, &rtc_state, &m->rtc);
	machine_add_state(m, &power_state, m);
	machine_add_state(m, &pci_address_state, &m->pci);
	m->own_states = m->states;
	devices_list_states(m);
}
