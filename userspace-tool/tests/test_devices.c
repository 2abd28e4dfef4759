// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the serial port and the clock: registers, interrupts, and what Linux' drivers probe.
 */
#include <string.h>

#include "boot/guest_ram.h"
#include "devices/pci.h"
#include "devices/rtc.h"
#include "devices/uart.h"
#include "tests.h"

static __u8 sent[10000];
static size_t sent_len;
static bool line;
static unsigned int line_changes, spaces;

static void transmit(void *opaque, const __u8 *data, size_t len)
{
	(void)opaque;
	memcpy(sent + sent_len, data, len);
	sent_len += len;
}

static void set_irq(void *opaque, bool level)
{
	(void)opaque;
	CHECK(level != line);
	line = level;
	line_changes++;
}

static void space(void *opaque)
{
	(void)opaque;
	spaces++;
}

static const struct uart_host uart_host = { transmit, set_irq, space };

static void reset(struct uart *u)
{
	sent_len = 0;
	line = false;
	line_changes = 0;
	spaces = 0;
	uart_init(u, &uart_host, NULL, true);
}

static void out(struct uart *u, unsigned int reg, __u8 value)
{
	uart_write(u, reg, &value, 1);
}

static void uart_transmits(void)
{
	struct uart u;

	reset(&u);
	uart_write(&u, 0, (const __u8 *)"hello", 5);
	out(&u, 0, '!');
	CHECK(sent_len == 6 && !memcmp(sent, "hello!", 6));
	CHECK(uart_read(&u, 5) == 0x60);
	CHECK(!line);
}

static void uart_divisor(void)
{
	struct uart u;

	reset(&u);
	out(&u, 3, 0x83);
	out(&u, 0, 0x34);
	out(&u, 1, 0x12);
	CHECK(uart_read(&u, 0) == 0x34 && uart_read(&u, 1) == 0x12);
	out(&u, 3, 0x03);
	CHECK(uart_read(&u, 1) == 0);
	CHECK(sent_len == 0);
	out(&u, 7, 0xa5);
	CHECK(uart_read(&u, 7) == 0xa5);
}

/* The transmitter interrupt: on enabling, gone by reading IIR, again after a byte. */
static void uart_thre(void)
{
	struct uart u;

	reset(&u);
	CHECK(uart_read(&u, 2) == 0x01);
	out(&u, 1, 0x02);
	CHECK(line);
	CHECK(uart_read(&u, 2) == 0x02);
	CHECK(!line && uart_read(&u, 2) == 0x01);
	out(&u, 0, 'a');
	CHECK(line);
	uart_write(&u, 0, (const __u8 *)"bcdefghijklmnop", 15);
	CHECK(line_changes == 3);
	out(&u, 1, 0);
	CHECK(!line);
	out(&u, 1, 0x02);
	CHECK(line);
}

static void uart_receives(void)
{
	static const __u8 typed[] = "0123456789abcdefXYZ";
	struct uart u;
	int i;

	reset(&u);
	out(&u, 2, 0x01);
	CHECK(uart_read(&u, 2) == 0xc1);
	/* What was typed before the guest listens must survive its driver's start. */
	CHECK(uart_receive(&u, typed, 19) == 19);
	CHECK(uart_read(&u, 5) == 0x60);
	out(&u, 2, 0x07);
	out(&u, 1, 0x0f);	/* Linux tries which bits there are, */
	out(&u, 1, 0);
	uart_read(&u, 0);	/* reads "for luck", */
	out(&u, 1, 0x01);
	out(&u, 2, 0x07);	/* and clears */
	out(&u, 4, 0x1b);
	out(&u, 0, '?');
	out(&u, 4, 0x0b);
	CHECK(line && uart_read(&u, 2) == 0xc4);
	for (i = 0; i < 19; i++) {
		CHECK(uart_read(&u, 5) & 1);
		CHECK(uart_read(&u, 0) == typed[i]);
	}
	CHECK(!line && uart_read(&u, 5) == 0x60);
	CHECK(uart_read(&u, 0) == 0);
}

static void uart_polled_input(void)
{
	struct uart u;
	int i;

	reset(&u);
	uart_receive(&u, (const __u8 *)"k", 1);
	/* A driver that probes must not lose it. */
	for (i = 0; i < 100; i++)
		CHECK(!(uart_read(&u, 5) & 1));
	uart_read(&u, 6);
	for (i = 0; i < 5000 && !(uart_read(&u, 5) & 1); i++)
		;
	CHECK(i > 100 && i < 5000);
	CHECK(uart_read(&u, 0) == 'k');
	/* Known for a poller, it has the next at once, also after an answer. */
	out(&u, 0, 'k');
	uart_receive(&u, (const __u8 *)"l", 1);
	CHECK(uart_read(&u, 5) & 1);
	out(&u, 2, 0x07);
	uart_receive(&u, (const __u8 *)"m", 1);
	CHECK(!(uart_read(&u, 5) & 1));
}

static void uart_backpressure(void)
{
	static __u8 much[UART_RING + 100];
	struct uart u;
	size_t i, got = 0;

	reset(&u);
	CHECK(uart_space(&u) == UART_RING);
	CHECK(uart_receive(&u, much, sizeof(much)) == UART_RING);
	CHECK(uart_space(&u) == 0);
	out(&u, 2, 0x01);
	out(&u, 1, 0x01);
	for (i = 0; i < sizeof(much) && (uart_read(&u, 5) & 1); i++, got++)
		uart_read(&u, 0);
	CHECK(got == UART_RING);
	CHECK(spaces == 1);
	/* A full ring, a full FIFO, and the FIFO's contents go back. */
	CHECK(uart_receive(&u, much, 16) == 16);
	CHECK(uart_receive(&u, much, sizeof(much)) == UART_RING);
	out(&u, 1, 0);
	CHECK(uart_space(&u) == 0);
	out(&u, 1, 0x01);
	for (got = 0; got < sizeof(much) && (uart_read(&u, 5) & 1); got++)
		uart_read(&u, 0);
	CHECK(got == UART_RING + 16);
	CHECK(uart_space(&u) == UART_RING);
}

static void uart_loopback(void)
{
	struct uart u;

	reset(&u);
	CHECK(uart_read(&u, 6) == 0xb0);
	out(&u, 4, 0x10 | 0x0a);
	CHECK((uart_read(&u, 6) & 0xf0) == 0x90);
	out(&u, 0, 'x');
	CHECK(sent_len == 0);
	CHECK(uart_read(&u, 5) & 1);
	CHECK(uart_read(&u, 0) == 'x');
	out(&u, 4, 0x0b);
	out(&u, 0, 'y');
	CHECK(sent_len == 1 && sent[0] == 'y');
	uart_init(&u, &uart_host, NULL, false);
	CHECK(uart_read(&u, 6) == 0x30);
}

static time_t host_time;
static bool ticks;

static time_t now(void *opaque)
{
	(void)opaque;
	return host_time;
}

static void want_ticks(void *opaque, bool on)
{
	(void)opaque;
	ticks = on;
}

static const struct rtc_host rtc_host = { now, set_irq, want_ticks };

static __u8 cmos(struct rtc *r, __u8 index)
{
	rtc_write(r, 0, index);
	return rtc_read(r, 1);
}

static void set_cmos(struct rtc *r, __u8 index, __u8 value)
{
	rtc_write(r, 0, index);
	rtc_write(r, 1, value);
}

static void start_clock(struct rtc *r)
{
	host_time = 1767323045;		/* Friday, 2026-01-02 03:04:05 */
	line = false;
	ticks = false;
	rtc_init(r, &rtc_host, NULL, 2 * GIB, 8 * GIB);
}

static void rtc_shows_time(void)
{
	static const __u8 bcd[] = { 0x05, 0x04, 0x03, 0x06, 0x02, 0x01, 0x26, 0x20 };
	static const __u8 reg[] = { 0, 2, 4, 6, 7, 8, 9, 0x32 };
	struct rtc r;
	size_t i;

	start_clock(&r);
	for (i = 0; i < sizeof(reg); i++)
		CHECK(cmos(&r, reg[i]) == bcd[i]);
	CHECK(!(cmos(&r, 0x0a) & 0x80));
	CHECK(cmos(&r, 0x0d) == 0x80);
	host_time += 20 * 3600;		/* 23:04:05 */
	set_cmos(&r, 0x0b, 0x04);	/* binary, 12 hours */
	CHECK(cmos(&r, 4) == (0x80 | 11));
	CHECK(cmos(&r, 9) == 26);
	CHECK(cmos(&r, 0x80) == 5);	/* bit 7 is the NMI mask */
}

static void rtc_can_be_set(void)
{
	struct rtc r;

	start_clock(&r);
	set_cmos(&r, 0x0b, 0x82);
	set_cmos(&r, 0, 0x59);
	set_cmos(&r, 2, 0x59);
	set_cmos(&r, 4, 0x23);
	set_cmos(&r, 7, 0x31);
	set_cmos(&r, 8, 0x12);
	set_cmos(&r, 9, 0x99);
	set_cmos(&r, 0x32, 0x19);
	host_time += 100;
	CHECK(cmos(&r, 0) == 0x59);
	set_cmos(&r, 0x0b, 0x02);
	host_time += 1;
	CHECK(cmos(&r, 0) == 0 && cmos(&r, 9) == 0 && cmos(&r, 0x32) == 0x20);
}

static void rtc_interrupts(void)
{
	struct rtc r;

	start_clock(&r);
	rtc_tick(&r);
	CHECK(!line && !ticks);
	cmos(&r, 0x0c);
	set_cmos(&r, 1, 0x06);
	set_cmos(&r, 3, 0x04);
	set_cmos(&r, 5, 0xff);
	set_cmos(&r, 0x0b, 0x22);
	CHECK(ticks && !line);
	rtc_tick(&r);
	CHECK(!line);
	cmos(&r, 0x0c);
	host_time++;
	rtc_tick(&r);
	CHECK(line);
	CHECK(cmos(&r, 0x0c) == 0xb0);
	CHECK(!line && cmos(&r, 0x0c) == 0);
	set_cmos(&r, 0x0b, 0x02);
	CHECK(!ticks);
}

static void rtc_memory_sizes(void)
{
	struct rtc r;

	start_clock(&r);
	CHECK(cmos(&r, 0x34) == 0x00 && cmos(&r, 0x35) == 0x7f);
	CHECK(cmos(&r, 0x5b) == 0x00 && cmos(&r, 0x5c) == 0x00 && cmos(&r, 0x5d) == 0x02);
}

static __u32 config(struct pci_bus *bus, __u32 address)
{
	__u32 value = 0;
	int i;

	pci_write_address(bus, address);
	for (i = 0; i < 4; i++)
		value |= (__u32)pci_read_byte(bus, 4 + i) << i * 8;
	return value;
}

static void pci_host_bridge(void)
{
	struct pci_bus bus = { 0 };

	CHECK(config(&bus, 0x80000000) == 0x00081b36);
	CHECK(pci_read_byte(&bus, 3) == 0x80 && pci_read_byte(&bus, 0) == 0);
	CHECK(config(&bus, 0x80000008) == 0x06000000);
	CHECK(config(&bus, 0x8000000c) == 0);
	CHECK(config(&bus, 0x00000000) == 0xffffffff);
	CHECK(config(&bus, 0x80000100) == 0xffffffff);
	CHECK(config(&bus, 0x80000800) == 0xffffffff);
	CHECK(config(&bus, 0x80010000) == 0xffffffff);
}

static __u8 device_config[256];

static __u8 device_read(void *opaque, unsigned int reg)
{
	CHECK(opaque == device_config && reg < 256);
	return device_config[reg];
}

static void device_write(void *opaque, unsigned int reg, unsigned int size, __u32 value)
{
	CHECK(opaque == device_config && reg + size <= 256);
	memcpy(device_config + reg, &value, size);
}

static void pci_device(void)
{
	static const struct pci_device_ops ops = { device_read, device_write };
	struct pci_bus bus = { .device = &ops, .opaque = device_config };

	memset(device_config, 0x11, sizeof(device_config));
	pci_write_address(&bus, 0x80000810);
	pci_write_data(&bus, 0, 4, 0x12345678);
	CHECK(config(&bus, 0x80000810) == 0x12345678);
	pci_write_data(&bus, 2, 1, 0xab);
	CHECK(config(&bus, 0x80000810) == 0x12ab5678);
	/* Across the register's end: nothing. */
	pci_write_data(&bus, 3, 2, 0xffff);
	pci_write_data(&bus, 1, 4, 0);
	CHECK(config(&bus, 0x80000810) == 0x12ab5678 && config(&bus, 0x800008fc) == 0x11111111);
	/* Another function, another device, the bridge, and the enable bit clear: not it. */
	CHECK(config(&bus, 0x80000910) == 0xffffffff && config(&bus, 0x80001010) == 0xffffffff);
	pci_write_data(&bus, 0, 4, 0);
	pci_write_address(&bus, 0x00000810);
	pci_write_data(&bus, 0, 4, 0);
	CHECK(config(&bus, 0x80000810) == 0x12ab5678);
	CHECK(config(&bus, 0x80000000) == 0x00081b36);
}

const struct test device_tests[] = {
	{ "UART: transmits bytes and runs of bytes", uart_transmits },
	{ "UART: divisor latch and scratch register", uart_divisor },
	{ "UART: transmitter interrupt", uart_thre },
	{ "UART: receives with interrupts, keeps what was typed early", uart_receives },
	{ "UART: receives for a guest that polls", uart_polled_input },
	{ "UART: a full ring takes no more and tells when it does", uart_backpressure },
	{ "UART: loopback and modem lines as Linux probes them", uart_loopback },
	{ "RTC: shows the host's time", rtc_shows_time },
	{ "RTC: keeps the time that the guest sets", rtc_can_be_set },
	{ "RTC: update and alarm interrupts", rtc_interrupts },
	{ "RTC: memory sizes", rtc_memory_sizes },
	{ "PCI: the host bridge and nothing else", pci_host_bridge },
	{ "PCI: one device behind it", pci_device },
	{ }
};
