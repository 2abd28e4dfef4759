// SPDX-License-Identifier: GPL-2.0-only
/*
 * A 16550A serial port, from National Semiconductor's PC16550D data sheet.
 *
 * Written for few exits and few system calls: the transmitter is always empty, so that a guest
 * can fill its 16-byte FIFO without waiting; runs of bytes (REP OUTSB) are passed on whole; the
 * interrupt line is driven only when it changes.
 *
 * Input is held back in the ring until the guest has enabled the receive interrupt or polls the
 * line status, and goes back there when it stops: drivers that probe or start the port switch the
 * interrupt on and off and clear the FIFO, and what was typed ahead must survive that.
 */
#include <string.h>

#include "devices/uart.h"

enum {
	REG_DATA = 0,		/* also divisor low */
	REG_IER = 1,		/* also divisor high */
	REG_IIR_FCR = 2,
	REG_LCR = 3,
	REG_MCR = 4,
	REG_LSR = 5,
	REG_MSR = 6,
	REG_SCR = 7,
};

#define IER_RX		0x01
#define IER_THRE	0x02
#define IER_MASK	0x0f
#define IIR_NONE	0x01
#define IIR_THRE	0x02
#define IIR_RX		0x04
#define IIR_FIFO	0xc0
#define FCR_ENABLE	0x01
#define FCR_CLEAR_RX	0x02
#define LCR_DLAB	0x80
#define MCR_DTR		0x01
#define MCR_RTS		0x02
#define MCR_OUT1	0x04
#define MCR_OUT2	0x08
#define MCR_LOOP	0x10
#define MCR_MASK	0x1f
#define LSR_DATA	0x01
#define LSR_EMPTY	0x60	/* holding register and shift register */
#define MSR_CTS		0x10
#define MSR_DSR		0x20
#define MSR_RI		0x40
#define MSR_DCD		0x80

/*
 * So many looks at an empty receiver in a row, with no other access between, make a guest that
 * polls for input. Linux' driver looks some dozen times while it probes the port.
 */
#define POLLS_OF_A_POLLER	1000

#define RING_SIZE	sizeof(((struct uart *)0)->ring)

/**
 * uart_init() - a port as after reset
 * @u: the port
 * @host: its connections; must outlive it
 * @opaque: their first argument
 * @carrier: whether a person is at the other end: the state of the carrier-detect line
 */
void uart_init(struct uart *u, const struct uart_host *host, void *opaque, bool carrier)
{
	memset(u, 0, sizeof(*u));
	pthread_mutex_init(&u->lock, NULL);
	u->host = host;
	u->opaque = opaque;
	u->carrier = carrier;
	u->thre_pending = true;
	u->dll = 1;		/* 115200 baud, as firmware would leave it */
	u->lcr = 3;		/* 8 bits, no parity */
}

static void update_irq(struct uart *u)
{
	bool line = ((u->ier & IER_RX) && u->fifo_len) || ((u->ier & IER_THRE) && u->thre_pending);

	if (line == u->line)
		return;
	u->line = line;
	u->host->set_irq(u->opaque, line);
}

static bool fifo_put(struct uart *u, __u8 byte)
{
	if (u->fifo_len == (u->fifo_enabled ? UART_FIFO : 1))
		return false;
	u->fifo[(u->fifo_head + u->fifo_len++) % UART_FIFO] = byte;
	return true;
}

static bool listening(const struct uart *u)
{
	return (u->ier & IER_RX) || u->poller;
}

/* Empty the FIFO; what came from outside goes back to the ring, as if it had not arrived yet. */
static void retract(struct uart *u)
{
	while (u->fifo_len && !(u->mcr & MCR_LOOP)) {
		u->ring_head = (u->ring_head + RING_SIZE - 1) % RING_SIZE;
		u->ring[u->ring_head] = u->fifo[(u->fifo_head + --u->fifo_len) % UART_FIFO];
		u->ring_len++;
	}
	u->fifo_len = 0;
}

static void refill(struct uart *u)
{
	if (!listening(u) || (u->mcr & MCR_LOOP))
		return;
	while (u->ring_len && fifo_put(u, u->ring[u->ring_head])) {
		u->ring_head = (u->ring_head + 1) % RING_SIZE;
		u->ring_len--;
	}
	if (u->was_full && u->ring_len <= UART_RING / 2) {
		u->was_full = false;
		u->host->space(u->opaque);
	}
}

static void write_fcr(struct uart *u, __u8 value)
{
	bool enable = value & FCR_ENABLE;

	/* Changing the mode empties both FIFOs; the transmitter's is always empty. */
	if (enable != u->fifo_enabled || (value & FCR_CLEAR_RX))
		retract(u);
	u->fifo_enabled = enable;
}

static void write_one(struct uart *u, unsigned int reg, __u8 value)
{
	switch (reg) {
	case REG_DATA:
		u->dll = value;
		break;
	case REG_IER:
		if (u->lcr & LCR_DLAB) {
			u->dlm = value;
			break;
		}
		/* Enabling the interrupt while the transmitter is empty raises it at once. */
		if ((value & IER_THRE) && !(u->ier & IER_THRE))
			u->thre_pending = true;
		u->ier = value & IER_MASK;
		if (!listening(u) && !(u->mcr & MCR_LOOP))
			retract(u);
		break;
	case REG_IIR_FCR:
		write_fcr(u, value);
		break;
	case REG_LCR:
		u->lcr = value;
		break;
	case REG_MCR:
		if ((value ^ u->mcr) & MCR_LOOP)
			retract(u);
		u->mcr = value & MCR_MASK;
		break;
	case REG_SCR:
		u->scr = value;
		break;
	}
}

/**
 * uart_write() - the guest writes registers
 * @u: the port
 * @reg: register, 0 to 7
 * @data: the bytes; all go to the same register, as REP OUTSB has it
 * @len: how many
 */
void uart_write(struct uart *u, unsigned int reg, const __u8 *data, size_t len)
{
	bool transmit = false;
	size_t i;

	pthread_mutex_lock(&u->lock);
	u->polls = 0;
	if (reg != REG_DATA || (u->lcr & LCR_DLAB)) {
		u->poller = false;	/* it sets the port up, perhaps for interrupts */
		for (i = 0; i < len; i++)
			write_one(u, reg, data[i]);
	} else {
		u->thre_pending = true;
		transmit = !(u->mcr & MCR_LOOP);
		for (i = 0; i < len && !transmit; i++)
			fifo_put(u, data[i]);
	}
	refill(u);
	update_irq(u);
	pthread_mutex_unlock(&u->lock);
	if (transmit)
		u->host->transmit(u->opaque, data, len);
}

static __u8 read_data(struct uart *u)
{
	__u8 byte = 0;

	if (u->lcr & LCR_DLAB)
		return u->dll;
	if (u->fifo_len) {
		byte = u->fifo[u->fifo_head];
		u->fifo_head = (u->fifo_head + 1) % UART_FIFO;
		u->fifo_len--;
	}
	return byte;
}

static __u8 read_iir(struct uart *u)
{
	__u8 fifo = u->fifo_enabled ? IIR_FIFO : 0;

	if ((u->ier & IER_RX) && u->fifo_len)
		return fifo | IIR_RX;
	if ((u->ier & IER_THRE) && u->thre_pending) {
		u->thre_pending = false;
		return fifo | IIR_THRE;
	}
	return fifo | IIR_NONE;
}

static __u8 read_msr(const struct uart *u)
{
	__u8 value = 0;

	if (!(u->mcr & MCR_LOOP))
		return MSR_CTS | MSR_DSR | (u->carrier ? MSR_DCD : 0);
	if (u->mcr & MCR_DTR)
		value |= MSR_DSR;
	if (u->mcr & MCR_RTS)
		value |= MSR_CTS;
	if (u->mcr & MCR_OUT1)
		value |= MSR_RI;
	if (u->mcr & MCR_OUT2)
		value |= MSR_DCD;
	return value;
}

/* The guest reads register @reg, 0 to 7. */
__u8 uart_read(struct uart *u, unsigned int reg)
{
	__u8 value = 0;

	pthread_mutex_lock(&u->lock);
	u->polls = reg == REG_LSR && !u->fifo_len ? u->polls + 1 : 0;
	switch (reg) {
	case REG_DATA:
		value = read_data(u);
		refill(u);
		update_irq(u);
		break;
	case REG_IER:
		value = u->lcr & LCR_DLAB ? u->dlm : u->ier;
		break;
	case REG_IIR_FCR:
		value = read_iir(u);
		update_irq(u);
		break;
	case REG_LCR:
		value = u->lcr;
		break;
	case REG_MCR:
		value = u->mcr;
		break;
	case REG_LSR:
		if (u->polls == POLLS_OF_A_POLLER)
			u->poller = true;
		if (!u->fifo_len && u->ring_len) {
			refill(u);
			update_irq(u);
		}
		value = LSR_EMPTY | (u->fifo_len ? LSR_DATA : 0);
		break;
	case REG_MSR:
		value = read_msr(u);
		break;
	case REG_SCR:
		value = u->scr;
		break;
	}
	pthread_mutex_unlock(&u->lock);
	return value;
}

/**
 * uart_receive() - bytes arrive from the other end
 * @u: the port
 * @data: the bytes
 * @len: how many
 *
 * Return: how many were taken. If fewer than @len, the host's space() follows later.
 */
size_t uart_receive(struct uart *u, const __u8 *data, size_t len)
{
	size_t taken;

	pthread_mutex_lock(&u->lock);
	for (taken = 0; taken < len && u->ring_len < UART_RING; taken++)
		u->ring[(u->ring_head + u->ring_len++) % RING_SIZE] = data[taken];
	u->was_full = u->ring_len >= UART_RING;
	refill(u);
	update_irq(u);
	pthread_mutex_unlock(&u->lock);
	return taken;
}

/* How many bytes uart_receive() would take now. */
size_t uart_space(struct uart *u)
{
	size_t space;

	pthread_mutex_lock(&u->lock);
	space = u->ring_len < UART_RING ? UART_RING - u->ring_len : 0;
	u->was_full = space == 0;
	pthread_mutex_unlock(&u->lock);
	return space;
}
