/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A 16550A serial port (COM1: ports 0x3f8 to 0x3ff, IRQ 4).
 *
 * Pure: what it needs from the machine are the three calls of struct uart_host. The transmitter
 * is infinitely fast; the receiver takes from a ring that holds what the user typed until the
 * guest is ready for it.
 */
#ifndef MINIKVM_TOOL_UART_H
#define MINIKVM_TOOL_UART_H

#include <linux/types.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define UART_COM1_BASE	0x3f8
#define UART_COM1_PORTS	8
#define UART_COM1_IRQ	4

#define UART_RING	4096
#define UART_FIFO	16

/**
 * struct uart_host - what the serial port is connected to
 * @transmit: the guest has sent @len bytes; may block, since the port's lock is not held
 * @set_irq: drive the interrupt line; called on changes only
 * @space: bytes that did not fit by uart_receive() would now
 *
 * The other two are called with the port's lock held and must not call back into it.
 */
struct uart_host {
	void (*transmit)(void *opaque, const __u8 *data, size_t len);
	void (*set_irq)(void *opaque, bool level);
	void (*space)(void *opaque);
};

struct uart {
	pthread_mutex_t lock;
	const struct uart_host *host;
	void *opaque;
	__u8 ier, lcr, mcr, scr, dll, dlm;
	bool fifo_enabled;
	bool thre_pending;	/* the transmitter-empty interrupt has not been taken yet */
	bool line;		/* interrupt line as last driven */
	bool carrier;
	bool was_full;
	bool poller;		/* the guest polls for input */
	unsigned int polls;	/* LSR reads that found nothing, in a row */
	__u8 fifo[UART_FIFO];
	unsigned int fifo_head, fifo_len;
	__u8 ring[UART_RING + UART_FIFO];	/* the FIFO may have to go back into a full one */
	unsigned int ring_head, ring_len;
};

void uart_init(struct uart *u, const struct uart_host *host, void *opaque, bool carrier);
void uart_write(struct uart *u, unsigned int reg, const __u8 *data, size_t len);
__u8 uart_read(struct uart *u, unsigned int reg);
size_t uart_receive(struct uart *u, const __u8 *data, size_t len);
size_t uart_space(struct uart *u);

#endif
