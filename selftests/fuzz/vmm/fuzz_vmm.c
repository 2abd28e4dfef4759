// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_vmm.c - libFuzzer target: snapshots that come from anywhere, and clients of the control
 * socket that send whatever they like.
 *
 * The first byte of the input says what the rest is: a state file as it is; the bytes of a device's
 * section, which are put into a file with right checksums, so that what lies behind these is
 * reached; or what a client sends, in pieces. A device that has taken a state is then used by a
 * guest: ASan and UBSan watch that it stays inside its own memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/line.h"
#include "control/request.h"
#include "machine/device_states.h"
#include "machine/machine.h"
#include "snapshot/format.h"

static void transmit(void *opaque, const __u8 *data, size_t len)
{
	size_t i, sum = 0;

	(void)opaque;
	for (i = 0; i < len; i++)
		sum += data[i];
	if (sum == (size_t)-1)
		abort();
}

static void set_irq(void *opaque, bool level)
{
	(void)opaque;
	(void)level;
}

static void space(void *opaque)
{
	(void)opaque;
}

static time_t now(void *opaque)
{
	(void)opaque;
	return 1767225600;
}

static const struct uart_host uart_host = { transmit, set_irq, space };
static const struct rtc_host rtc_host = { now, set_irq, set_irq };

/* What a guest does with the devices: registers and values by the input. */
static void use(struct machine *m, const __u8 *data, size_t len)
{
	size_t i;

	for (i = 0; i + 1 < len; i += 2) {
		if (data[i] & 0x80)
			uart_read(&m->uart, data[i] & 7);
		else
			uart_write(&m->uart, data[i] & 7, &data[i + 1], 1);
		if (data[i] & 0x40)
			rtc_write(&m->rtc, data[i] & 1, data[i + 1]);
		else
			rtc_read(&m->rtc, 1);
		if (data[i] & 0x20)
			uart_receive(&m->uart, &data[i], 2);
	}
	rtc_tick(&m->rtc);
}

static void try_file(const void *data, size_t len)
{
	struct snapshot_reader r;
	struct state_in in;
	struct sentence why;
	__u32 version;

	if (snapshot_open(&r, data, len, &why) == 0) {
		while (section_find(&r, "machine", 0, &version, &in))
			while (state_take(&in, 1))
				;
		snapshot_check_used(&r, &why);
	}
	snapshot_close(&r);
}

static void try_section(const __u8 *data, size_t len)
{
	static const __u8 id[SNAPSHOT_ID_SIZE];
	static struct machine m;
	const struct device_state *ops[] = {
		&uart_state, &rtc_state, &power_state, &pci_address_state,
	};
	void *device[] = { &m.uart, &m.rtc, &m, &m.pci };
	unsigned int which = data[0] % 4;
	struct snapshot_writer w;
	struct snapshot_reader r;
	struct sentence why;
	struct state_in in;
	__u32 version;
	size_t state = len > 64 ? len - 32 : len;

	uart_init(&m.uart, &uart_host, NULL, false);
	rtc_init(&m.rtc, &rtc_host, NULL, 1 << 20, 0);
	snapshot_begin(&w);
	state_put(section_begin(&w, ops[which]->name, 0, 1), data + 1, state - 1);
	section_end(&w);
	if (snapshot_end(&w, id, 0, &why) || snapshot_open(&r, w.out.data, w.out.len, &why) ||
	    !section_find(&r, ops[which]->name, 0, &version, &in))
		abort();
	if (ops[which]->load(device[which], &in, version, &why) == 0 &&
	    section_check(ops[which]->name, &in, &why) == 0)
		use(&m, data + state, len - state);
	snapshot_close(&r);
	state_free(&w.out);
}

static void try_client(const __u8 *data, size_t len)
{
	struct line_reader lines = { 0 };
	struct request r;
	struct sentence why;
	const char *line;
	size_t piece;

	for (; len; data += piece, len -= piece) {
		piece = 1 + data[0] % 64;
		if (piece > len)
			piece = len;
		if (!line_put(&lines, (const char *)data, piece))
			break;
		while ((line = line_take(&lines))) {
			if (request_parse(line, &r, &why) == 0 && r.verb >= VERBS)
				abort();
			json_object_put(r.id);
		}
	}
	line_free(&lines);
}

int fuzz_one_input(const __u8 *data, size_t len);

int fuzz_one_input(const __u8 *data, size_t len)
{
	void *copy;

	if (len < 3)
		return 0;
	switch (data[0] % 3) {
	case 0:
		/* Aligned, and of the right size for ASan. */
		copy = malloc(len - 1);
		memcpy(copy, data + 1, len - 1);
		try_file(copy, len - 1);
		free(copy);
		break;
	case 1:
		try_section(data + 1, len - 1);
		break;
	default:
		try_client(data + 1, len - 1);
	}
	return 0;
}
