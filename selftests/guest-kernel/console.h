/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The serial console: console.c.
 */
#ifndef GUEST_CONSOLE_H
#define GUEST_CONSOLE_H

#include "list.h"

#define UART_IRQ	4

extern struct list console_readers;

void console_init(void);
void console_write(const char *text, u64 n);
void console_listen(void);
void console_interrupt(void);
u64 console_take(char *to, u64 n);
void print(const char *fmt, ...) __printf(1, 2);
void stop(const char *fmt, ...) __printf(1, 2) __noreturn;

#endif
