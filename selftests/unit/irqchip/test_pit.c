// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_pit.c - the 8254: counts and outputs of all modes, latches, ticks and reinjection.
 */
#include "bench.h"

/* Time of @n ticks, rounded up so that they have passed. */
#define TICKS(n)	((s64)((n) * 1000000000ull / 1193182 + 1))

static void load(int ch, u8 mode, u16 count)
{
	out8(0x43, ch << 6 | 0x30 | mode << 1);
	out8(0x40 + ch, count & 0xff);
	out8(0x40 + ch, count >> 8);
}

static int count(int ch)
{
	int low;

	out8(0x43, ch << 6);
	low = in8(0x40 + ch);
	return low | in8(0x40 + ch) << 8;
}

static int out_pin(int ch)
{
	out8(0x43, 0xe0 | 2 << ch);
	return in8(0x40 + ch) >> 7;
}

static void test_modes(void)
{
	load(1, 0, 1000);
	advance(TICKS(300));
	tap_ok(count(1) == 700 && !out_pin(1), "mode 0 counts down, OUT low");
	advance(TICKS(701));
	tap_ok(out_pin(1) && count(1) > 65000, "OUT goes high at the end, the count goes round");
	load(1, 2, 100);
	advance(TICKS(130));
	tap_ok(count(1) == 70 && out_pin(1), "mode 2 begins anew");
	advance(TICKS(69));
	tap_ok(!out_pin(1), "OUT is low for its last tick");
	load(1, 3, 100);
	advance(TICKS(20));
	tap_ok(count(1) == 60 && out_pin(1), "mode 3 counts by twos, OUT high");
	advance(TICKS(35));
	tap_ok(!out_pin(1), "and low in the second half");
	load(1, 4, 50);
	tap_ok(out_pin(1), "mode 4: OUT is high");
	advance(TICKS(50));
	tap_ok(!out_pin(1), "but for one tick");
	load(1, 1, 50);
	tap_ok(!out_pin(1), "mode 1: low while it counts");
	advance(TICKS(60));
	tap_ok(out_pin(1), "then high");
	load(1, 7, 100);
	out8(0x43, 0xe0 | 2 << 1);
	tap_ok((in8(0x41) & 0x3f) == 0x36, "mode 7 is mode 3; the status has access and mode");
	load(1, 2, 0);
	tap_ok(count(1) == 0, "a count of 0 is 65536");
	advance(TICKS(1));
	tap_ok(count(1) == 0xffff, "which counts");
	out8(0x43, 0x75);
	out8(0x41, 0x00);
	out8(0x41, 0x20);
	advance(TICKS(1));
	tap_ok(count(1) == 0x1999, "BCD counts in tens");
	out8(0x41, 0xff);
	out8(0x41, 0xff);
	tap_ok(count(1) >= 0, "and survives digits that are none");
}

static void test_latches(void)
{
	int low;

	load(1, 2, 0x1234);
	out8(0x43, 0x40);
	advance(TICKS(100));
	out8(0x43, 0x40);
	low = in8(0x41);
	tap_ok((low | in8(0x41) << 8) == 0x1234, "the first latch stays until it is read");
	low = in8(0x41);
	tap_ok((low | in8(0x41) << 8) == 0x1234 - 100, "then reads are live");
	out8(0x43, 0xc0 | 2 << 1);
	tap_ok((in8(0x41) & 0x3f) == 0x34, "read-back: status first");
	low = in8(0x41);
	tap_ok((low | in8(0x41) << 8) == 0x1234 - 100, "then the count");
	out8(0x43, 0x50 | 4);
	out8(0x41, 200);
	tap_ok(in8(0x41) == 200 && in8(0x41) == 200, "low byte only");
	out8(0x43, 0x60 | 4);
	out8(0x41, 2);
	tap_ok(in8(0x41) == 2, "high byte only");
	tap_ok(in8(0x43) == 0, "the control word cannot be read");
}

/* All that the guest would do about a tick through the IOAPIC. */
static void ack(void)
{
	ioapic_eoi_broadcast(&vcpu, 0x30);
}

static void unmask_pin0(void)
{
	u32 sel = 0x10, val = 0x30;

	mkvm_io_bus_write(&vcpu, MKVM_MMIO_BUS, 0xfec00000, 4, &sel);
	mkvm_io_bus_write(&vcpu, MKVM_MMIO_BUS, 0xfec00010, 4, &val);
}

static void test_ticks(void)
{
	int i;

	unmask_pin0();
	load(0, 2, 11932);
	for (i = 0; i < 10; i++) {
		advance(TICKS(11932));
		ack();
	}
	tap_ok(edges[0] == 10, "ten periods are ten ticks (%d)", edges[0]);
	advance(TICKS(11932 * 5));
	tap_ok(edges[0] == 11, "without an EOI there is one");
	for (i = 0; i < 8; i++)
		ack();
	tap_ok(edges[0] == 15, "each EOI brings one that was missed (%d)", edges[0]);
	advance(TICKS(11932 * 5));
	for (i = 0; i < 8; i++)
		ack();
	tap_ok(edges[0] == 20, "all of them (%d)", edges[0]);
	pit_set_reinject(vm.arch.pit, false);
	edges[0] = 0;
	advance(TICKS(11932 * 5));
	tap_ok(edges[0] == 5, "without reinjection every period ticks");
	load(0, 2, 10);
	edges[0] = 0;
	advance(10000000);
	tap_ok(edges[0] <= 51, "no more than 5000 a second (%d in 10 ms)", edges[0]);
	out8(0x43, 0x34);
	edges[0] = 0;
	advance(10000000);
	tap_ok(!edges[0], "the control word stops it");
	load(0, 0, 1000);
	advance(TICKS(5000));
	tap_ok(edges[0] == 1, "mode 0 ticks once");
	load(0, 1, 1000);
	advance(TICKS(5000));
	tap_ok(edges[0] == 1, "mode 1 waits for a gate that never opens");
	*((u32 *)lapic_regs_page(&vcpu) + 0x350 / 4) = 0x400;
	load(0, 0, 1000);
	advance(TICKS(5000));
	tap_ok(vcpu.nmis == 1, "LINT0 as NMI gets the tick, too");
}

static void test_reinject_8259(void)
{
	int i, vectors = 0;

	out8(0x20, 0x11);
	out8(0x21, 0x20);
	out8(0x21, 4);
	out8(0x21, 1);
	out8(0x21, 0);
	load(0, 2, 11932);
	advance(TICKS(11932 * 4));
	for (i = 0; i < 10 && pic_output(&vm); i++) {
		vectors += pic_read_irq(&vm) == 0x20;
		out8(0x20, 0x20);
	}
	tap_ok(vectors == 4, "through the 8259 four ticks come, late but all (%d)", vectors);
	advance(TICKS(11932 * 4));
	out8(0x21, 1);
	pic_read_irq(&vm);
	out8(0x21, 0);
	out8(0x20, 0x20);
	tap_ok(atomic_read(&vm.arch.pit->pending) == 0, "unmasking forgets those that are missing");
}

static void test_speaker(void)
{
	struct kvm_pit_state2 s;

	load(2, 0, 1000);
	advance(TICKS(2000));
	tap_ok(!(in8(0x61) & 0x21), "channel 2 does not count while its gate is closed");
	out8(0x61, 1);
	advance(TICKS(999));
	tap_ok(!(in8(0x61) & 0x20), "it does when the gate opens");
	out8(0x61, 0);
	advance(TICKS(50));
	out8(0x61, 1);
	tap_ok(!(in8(0x61) & 0x20), "stops when it closes");
	advance(TICKS(3));
	tap_ok(in8(0x61) & 0x20, "and ends where it had stopped");
	out8(0x61, 3);
	pit_get_state(vm.arch.pit, &s);
	tap_ok((in8(0x61) & 3) == 3 && s.flags == KVM_PIT_FLAGS_SPEAKER_DATA_ON &&
	       s.channels[2].gate, "gate and data bit are kept");
}

static void test_state(void)
{
	struct kvm_pit_state2 s;

	unmask_pin0();
	load(0, 2, 11932);
	pit_get_state(vm.arch.pit, &s);
	tap_ok(s.channels[0].count == 11932 && s.channels[0].mode == 2 &&
	       s.channels[0].rw_mode == 3, "the state has count, mode and access");
	s.flags = KVM_PIT_FLAGS_HPET_LEGACY;
	pit_set_state(vm.arch.pit, &s);
	advance(TICKS(50000));
	tap_ok(!edges[0] && count(0), "with the HPET in legacy mode there are no ticks");
	s.flags = 0;
	pit_set_state(vm.arch.pit, &s);
	advance(TICKS(11932));
	tap_ok(edges[0] == 1, "a restored state ticks");
	memset(&s, 0xff, sizeof(s));
	pit_set_state(vm.arch.pit, &s);
	memset(&s, 0, sizeof(s));
	count(0);
	out_pin(1);
	pit_set_state(vm.arch.pit, &s);
	count(1);
	out_pin(2);
	tap_ok(vm.arch.pit->ch[0].count == 0x10000, "a hostile state divides by nothing");
}

int main(void)
{
	void (*tests[])(void) = {
		test_modes, test_latches, test_ticks, test_reinject_8259, test_speaker, test_state
	};

	for (int i = 0; i < ARRAY_SIZE(tests); i++) {
		bench_new(tests[i] == test_speaker ? KVM_PIT_SPEAKER_DUMMY : 0);
		tests[i]();
		bench_free();
	}
	return tap_done();
}
