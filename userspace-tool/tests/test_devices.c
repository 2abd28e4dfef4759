// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the serial port and the clock: registers, interrupts, and what Linux' drivers probe.
 */
#include <string.h>

#include "boot/guest_ram.h"
#include "bus/space.h"
#include "devices/msix.h"
#include "devices/pci.h"
#include "devices/pci_endpoint.h"
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
	/* A year before 1900 has digits, too. */
	set_cmos(&r, 0x0b, 0x82);
	set_cmos(&r, 9, 0x51);
	set_cmos(&r, 0x32, 0x18);
	set_cmos(&r, 0x0b, 0x02);
	CHECK(cmos(&r, 9) == 0x51 && cmos(&r, 0x32) == 0x18);
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

static __u32 config(struct pci_root *root, __u32 address)
{
	__u32 value = 0;
	int i;

	pci_write_address(root, address);
	for (i = 0; i < 4; i++)
		value |= (__u32)pci_read_byte(root, 4 + i) << i * 8;
	CHECK(value == pci_read_data(root, 0, 4));
	return value;
}

#define TEST_GSIS	8

/* What the wires were last told. */
static struct {
	unsigned int lines;		/* one bit for each GSI that is high */
	unsigned int routes;
	struct msi_message message[TEST_GSIS];
	int fd[TEST_GSIS];
	__u64 doorbell;
	unsigned int doorbells;
} wired;

static int wires_take(void *opaque, unsigned int count)
{
	(void)opaque;
	CHECK(count <= TEST_GSIS);
	return 0;
}

static void wires_give(void *opaque, unsigned int first)
{
	(void)opaque;
	CHECK(first == 0);
}

static int wires_route(void *opaque, unsigned int gsi, const struct msi_message *message)
{
	(void)opaque;
	wired.routes++;
	wired.message[gsi] = *message;
	return 0;
}

static int wires_irqfd(void *opaque, unsigned int gsi, int fd, bool on)
{
	(void)opaque;
	wired.fd[gsi] = on ? fd : 0;
	return 0;
}

static void wires_line(void *opaque, unsigned int gsi, bool level)
{
	(void)opaque;
	CHECK(!!(wired.lines & BIT(gsi)) != level);
	wired.lines ^= BIT(gsi);
}

static int wires_doorbell(void *opaque, __u64 gpa, unsigned int len, int fd, bool on)
{
	(void)opaque;
	(void)fd;
	CHECK(len == 2);
	wired.doorbell = gpa;
	wired.doorbells += on ? 1 : -1;
	return 0;
}

static const struct wires_ops test_wires = {
	wires_take, wires_give, wires_route, wires_irqfd, wires_line, wires_doorbell,
};

static struct {
	struct bus memory, ports;
	struct pci_root root;
} pci;

static struct pci_root *start_pci(void)
{
	const struct wires wires = { .ops = &test_wires };

	memset(&wired, 0, sizeof(wired));
	bus_init(&pci.memory);
	bus_init(&pci.ports);
	pci_root_init(&pci.root, &pci.memory, &pci.ports, &wires, 8 * GIB, GIB);
	return &pci.root;
}

static void pci_host_bridge(void)
{
	struct pci_root *root = start_pci();
	__u64 value;

	CHECK(config(root, 0x80000000) == 0x00081b36);
	CHECK(pci_read_byte(root, 3) == 0x80 && pci_read_byte(root, 0) == 0);
	CHECK(config(root, 0x80000008) == 0x06000000);
	CHECK(config(root, 0x8000000c) == 0);
	CHECK(config(root, 0x00000000) == 0xffffffff);
	CHECK(config(root, 0x80000100) == 0xffffffff);
	CHECK(config(root, 0x80000800) == 0xffffffff);
	CHECK(config(root, 0x80010000) == 0xffffffff);
	/* The same by ECAM, where an access of 8 bytes is two of 4. */
	CHECK(bus_read(&pci.memory, 0xfe000000, &value, 8) && value == 0x00081b36);
	CHECK(bus_read(&pci.memory, 0xfe008000, &value, 8) && value == ~0ULL);
	CHECK(!bus_read(&pci.memory, 0xfe0ffffd, &value, 4));
}

static __u8 device_config[PCI_CONFIG_SIZE];

static __u32 device_read(void *opaque, unsigned int reg, unsigned int size)
{
	__u32 value = 0;

	CHECK(opaque == device_config && reg + size <= PCI_CONFIG_SIZE);
	CHECK(reg / 4 == (reg + size - 1) / 4);
	memcpy(&value, device_config + reg, size);
	return value;
}

static void device_write(void *opaque, unsigned int reg, unsigned int size, __u32 value)
{
	CHECK(opaque == device_config && reg + size <= PCI_CONFIG_SIZE);
	memcpy(device_config + reg, &value, size);
}

static void pci_device(void)
{
	static const struct pci_device_ops ops = { device_read, device_write };
	struct pci_root *root = start_pci();
	const __u32 word = 0xcafe;

	memset(device_config, 0x11, sizeof(device_config));
	CHECK(pci_root_add(root, 1, &ops, device_config) == 1 && pci_root_devices(root) == 1);
	pci_write_address(root, 0x80000810);
	pci_write_data(root, 0, 4, 0x12345678);
	CHECK(config(root, 0x80000810) == 0x12345678);
	pci_write_data(root, 2, 1, 0xab);
	CHECK(config(root, 0x80000810) == 0x12ab5678);
	/* Across the register's end: nothing. */
	pci_write_data(root, 3, 2, 0xffff);
	pci_write_data(root, 1, 4, 0);
	CHECK(config(root, 0x80000810) == 0x12ab5678 && config(root, 0x800008fc) == 0x11111111);
	/* Another function, another device, the bridge, and the enable bit clear: not it. */
	CHECK(config(root, 0x80000910) == 0xffffffff && config(root, 0x80001010) == 0xffffffff);
	pci_write_data(root, 0, 4, 0);
	pci_write_address(root, 0x00000810);
	pci_write_data(root, 0, 4, 0);
	CHECK(config(root, 0x80000810) == 0x12ab5678);
	CHECK(config(root, 0x80000000) == 0x00081b36);
	/* Beyond 256 bytes by ECAM alone. */
	CHECK(bus_write(&pci.memory, 0xfe008ffe, &word, 2));
	CHECK(device_config[0xffe] == 0xfe && device_config[0xfff] == 0xca);
	pci_root_remove(root, 1);
	CHECK(config(root, 0x80000810) == 0xffffffff);
}

static void pci_lines(void)
{
	struct pci_root *root = start_pci();

	/* Devices 1 and 9 share a line: it falls when both have let go. */
	pci_root_line(root, 1, 0, true);
	pci_root_line(root, 9, 0, true);
	pci_root_line(root, 1, 1, true);
	CHECK(wired.lines == (BIT(17) | BIT(18)));
	pci_root_line(root, 1, 0, false);
	CHECK(wired.lines == (BIT(17) | BIT(18)));
	pci_root_line(root, 9, 0, false);
	CHECK(wired.lines == BIT(18));
}

static __u8 bar_memory[256];

static void memory_read(void *opaque, __u64 offset, void *data, unsigned int len)
{
	CHECK(!opaque && offset + len <= sizeof(bar_memory));
	memcpy(data, bar_memory + offset, len);
}

static void memory_write(void *opaque, __u64 offset, const void *data, unsigned int len)
{
	CHECK(!opaque && offset + len <= sizeof(bar_memory));
	memcpy(bar_memory + offset, data, len);
}

static const struct bus_ops memory_ops = { memory_read, memory_write };
static __u64 moved_to;

static void moved(void *opaque, unsigned int bar, __u64 at)
{
	(void)opaque;
	if (bar == 0)
		moved_to = at;
}

static void set_config(struct pci_root *root, __u32 address, unsigned int size, __u32 value)
{
	pci_write_address(root, address & ~3u);
	pci_write_data(root, address & 3, size, value);
}

static void pci_bars(void)
{
	static const struct pci_endpoint_ops ops = { .bar_moved = moved };
	const struct pci_identity identity = {
		.vendor = 0x1af4, .device = 0x1044, .class = 0xff0000,
	};
	struct pci_root *root = start_pci();
	static struct pci_endpoint e, other;
	struct sentence why;
	__u32 word = 0x600d;

	pci_endpoint_init(&e, &identity, &ops, NULL);
	pci_endpoint_add_bar(&e, 0, 256, false, false, &memory_ops);
	pci_endpoint_add_bar(&e, 2, 16, true, false, &memory_ops);
	pci_endpoint_add_bar(&e, 4, 65536, false, true, &memory_ops);
	CHECK(pci_endpoint_plug(&e, root, 1, &why) == 0);
	pci_endpoint_init(&other, &identity, &ops, NULL);
	pci_endpoint_add_bar(&other, 1, 256, false, false, &memory_ops);
	CHECK(pci_endpoint_plug(&other, root, 1, &why) == 0 && other.number == 2);

	/* Found, with addresses, decoded. */
	CHECK(config(root, 0x80000800) == 0x10441af4 && moved_to == 0xc0000000);
	CHECK(bus_write(&pci.memory, 0xc0000010, &word, 4) && bar_memory[0x10] == 0x0d);
	CHECK(bus_read(&pci.ports, 0x1000, &word, 4) && !bus_read(&pci.ports, 0x1010, &word, 1));
	CHECK(config(root, 0x80000818) == 0x1001);
	/* Sized, as "Implementation Note: Sizing a 32-bit Base Address Register" has it. */
	set_config(root, 0x80000804, 2, 0);
	CHECK(!moved_to && !bus_read(&pci.memory, 0xc0000010, &word, 4));
	set_config(root, 0x80000810, 4, 0xffffffff);
	CHECK(config(root, 0x80000810) == 0xffffff00);
	set_config(root, 0x80000820, 4, 0xffffffff);
	set_config(root, 0x80000824, 4, 0xffffffff);
	CHECK(config(root, 0x80000820) == 0xffff0004 && config(root, 0x80000824) == 0xffffffff);
	CHECK(config(root, 0x80000814) == 0 && config(root, 0x80000830) == 0);
	/* Moved; not to RAM, to the interrupt controllers, nor to where another one is. */
	set_config(root, 0x80000804, 2, 7);
	CHECK(!moved_to);
	set_config(root, 0x80000810, 4, 0xd0000000);
	CHECK(moved_to == 0xd0000000 && bus_read(&pci.memory, 0xd0000010, &word, 4));
	set_config(root, 0x80000810, 4, 0x00100000);
	CHECK(!moved_to);
	set_config(root, 0x80000810, 4, 0xfee00000);
	CHECK(!moved_to);
	set_config(root, 0x80000810, 4, 0xfe000000);
	CHECK(!moved_to);
	set_config(root, 0x80000810, 4, other.bar[1].at);
	CHECK(!moved_to);
	/* 64 bits: within the window above RAM alone. */
	set_config(root, 0x80000820, 4, 0);
	set_config(root, 0x80000824, 4, 2);
	CHECK(e.bar[4].at == 8 * GIB);
	set_config(root, 0x80000824, 4, 1);
	CHECK(e.bar[4].at == 0);
	pci_endpoint_unplug(&e);
	CHECK(config(root, 0x80000800) == 0xffffffff);
	pci_endpoint_unplug(&other);
	CHECK(pci.memory.count == 1 && pci.ports.count == 0);
}

static bool pending(struct msix *m, unsigned int vector)
{
	__u64 bits;

	msix_pending_read(m, 0, &bits, 8);
	return bits >> vector & 1;
}

static void msix_table(void)
{
	struct pci_root *root = start_pci();
	__u32 entry[4] = { 0xfee00000, 0, 0x41, 0 };
	const __u32 masked = 1, open = 0;
	__u64 value;
	struct msix m;

	CHECK(msix_init(&m, &root->wires, 3) == 0);
	msix_table_read(&m, 2 * 16 + 8, &value, 8);
	CHECK(value == 1ULL << 32);
	msix_table_write(&m, 16, entry, 8);
	msix_table_write(&m, 24, entry + 2, 8);
	CHECK(!wired.fd[1] && !wired.routes);
	msix_set_control(&m, 0x8000);
	CHECK(wired.fd[1] && wired.routes == 1 && wired.message[1].data == 0x41 && !wired.fd[0]);
	/* Masked: what comes stays pending, until the machine listens again. */
	msix_table_write(&m, 28, &masked, 4);
	CHECK(!wired.fd[1] && !pending(&m, 1));
	msix_signal(&m, 1);
	msix_signal(&m, 3);
	msix_signal(&m, 0xffff);
	CHECK(pending(&m, 1) && !pending(&m, 0));
	msix_table_write(&m, 28, &open, 4);
	CHECK(wired.fd[1] == msix_fd(&m, 1) && wired.routes == 1);
	msix_set_control(&m, 0xc000);
	CHECK(!wired.fd[1]);
	/* Neither odd widths nor what lies behind the table. */
	msix_table_write(&m, 17, entry, 4);
	msix_table_write(&m, 16, entry, 2);
	msix_table_write(&m, 48, entry, 4);
	msix_table_write(&m, ~0ULL - 7, entry, 8);
	msix_pending_read(&m, ~0ULL - 7, &value, 8);
	CHECK(value == 0);
	msix_reset(&m);
	CHECK(!pending(&m, 1));
	msix_release(&m);
}

static int add(struct bus *b, __u64 base, __u64 size)
{
	return bus_add(b, base, size, &memory_ops, NULL);
}

static void bus_ranges(void)
{
	static struct bus b;
	__u8 data[8];
	__u64 i;

	bus_init(&b);
	CHECK(add(&b, 0x1000, 0x100) == 0);
	CHECK(add(&b, 0x10ff, 1) && add(&b, 0xfff, 2));
	CHECK(add(&b, 0xf00, 0x300) && add(&b, 0x2000, 0));
	CHECK(add(&b, ~0ULL, 2));
	CHECK(add(&b, 0x1100, 8) == 0 && add(&b, 0xff0, 16) == 0);
	CHECK(bus_read(&b, 0x10ff, data, 1) && bus_read(&b, 0x10f8, data, 8));
	/* Across two ranges is in none. */
	CHECK(!bus_read(&b, 0x10ff, data, 2) && !bus_read(&b, 0x1107, data, 2));
	CHECK(!bus_write(&b, 0xfef, data, 1) && bus_write(&b, 0xff0, data, 1));
	bus_remove(&b, 0x1001);
	CHECK(bus_read(&b, 0x1000, data, 1));
	bus_remove(&b, 0x1000);
	CHECK(!bus_read(&b, 0x1000, data, 1) && bus_read(&b, 0x1100, data, 1));
	for (i = 0; b.count < BUS_RANGES; i++)
		CHECK(add(&b, 0x10000 + i, 1) == 0);
	CHECK(add(&b, 0x100000, 1));
}

static void space_numbers(void)
{
	static struct space s;
	unsigned int i;

	space_init(&s, 0x1100, 0x1000);
	CHECK(space_take(&s, 0x100, 0x1000) == 0x2000);
	CHECK(space_take(&s, 0x100, 0x100) == 0x1100 && space_take(&s, 0xe00, 1) == 0x1200);
	CHECK(space_take(&s, 1, 1) == SPACE_NONE && space_take(&s, ~0ULL, 1) == SPACE_NONE);
	space_give(&s, 0x1200);
	CHECK(space_take(&s, 0x1001, 1) == SPACE_NONE && space_take(&s, 0x800, 0x800) == 0x1800);
	space_init(&s, 0, 1000);
	for (i = 0; i < SPACE_PIECES; i++)
		CHECK(space_take(&s, 1, 1) == i);
	CHECK(space_take(&s, 1, 1) == SPACE_NONE);
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
	{ "PCI: devices share interrupt lines", pci_lines },
	{ "PCI: BARs are found, sized and moved", pci_bars },
	{ "MSI-X: table, masks and pending bits", msix_table },
	{ "bus: ranges do not overlap, and hold an access whole", bus_ranges },
	{ "space: numbers are taken and given back", space_numbers },
	{ }
};
