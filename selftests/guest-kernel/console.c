// SPDX-License-Identifier: GPL-2.0-only
/*
 * The serial console: a 16550A at 3f8h, as the first serial port of a PC. Output is polled, by runs
 * of 16 characters, which the transmitter's FIFO takes at once: REP OUTSB makes one exit of them
 * where 16 OUTs would make 16. Input comes by interrupt.
 */
#include "console.h"
#include "format.h"
#include "machine.h"

#define UART			0x3f8
#define UART_DATA		(UART + 0)
#define UART_INTERRUPTS		(UART + 1)	/* IER */
#define UART_FIFO		(UART + 2)	/* FCR */
#define UART_LINE		(UART + 3)	/* LCR */
#define UART_MODEM		(UART + 4)	/* MCR */
#define UART_STATUS		(UART + 5)	/* LSR */
#define STATUS_RECEIVED		0x01
#define STATUS_EMPTY		0x20
#define FIFO_SIZE		16
#define EMPTY_TRIES		1000000

struct list console_readers;

static char input[256];
static u32 input_head, input_tail;

void console_init(void)
{
	list_init(&console_readers);
	out8(UART_INTERRUPTS, 0);
	out8(UART_LINE, 0x80);		/* the divisor: 115,200 baud */
	out8(UART_DATA, 1);
	out8(UART_INTERRUPTS, 0);
	out8(UART_LINE, 0x03);		/* 8 bits, no parity, 1 stop bit */
	out8(UART_FIFO, 0x07);		/* on, cleared, an interrupt for each character */
	out8(UART_MODEM, 0x0b);		/* DTR, RTS, and OUT2, which lets interrupts through */
}

static void put_run(const char *text, u64 n)
{
	u32 tries = EMPTY_TRIES;

	while (!(in8(UART_STATUS) & STATUS_EMPTY) && --tries)
		;
	out8_string(UART_DATA, text, n);
}

/* Writes text, with a carriage return before each end of line. */
void console_write(const char *text, u64 n)
{
	char run[FIFO_SIZE];
	u32 length = 0;
	u64 i;

	for (i = 0; i < n; i++) {
		if (length > FIFO_SIZE - 2) {
			put_run(run, length);
			length = 0;
		}
		if (text[i] == '\n')
			run[length++] = '\r';
		run[length++] = text[i];
	}
	if (length)
		put_run(run, length);
}

/* From now on, characters that arrive cause an interrupt. */
void console_listen(void)
{
	out8(UART_INTERRUPTS, 1);
}

/* What has arrived goes to the buffer; where that is full, it stays with the UART. */
void console_interrupt(void)
{
	while (input_head - input_tail < sizeof(input) &&
	       (in8(UART_STATUS) & STATUS_RECEIVED))
		input[input_head++ % sizeof(input)] = in8(UART_DATA);
}

/* Takes up to @n characters that have arrived. Return: how many, 0 if none has. */
u64 console_take(char *to, u64 n)
{
	bool full = input_head - input_tail == sizeof(input);
	u64 taken = 0;

	while (taken < n && input_head != input_tail)
		to[taken++] = input[input_tail++ % sizeof(input)];
	/* No interrupt tells again of what has been left there. */
	if (full)
		console_interrupt();
	return taken;
}

/* The kernel's own messages: cut to 200 characters. */
void print(const char *fmt, ...)
{
	char text[200];
	va_list args;

	va_start(args, fmt);
	format(text, sizeof(text), fmt, args);
	va_end(args);
	console_write(text, strlen(text));
}
