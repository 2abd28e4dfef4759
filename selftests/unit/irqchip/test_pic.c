// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_pic.c - the two 8259s: initialisation, priorities, end of interrupt, cascade, ELCR.
 */
#include "bench.h"

static void line(int irq, int level)
{
	pic_set_irq(vm.arch.pic, irq, 0, level);
}

static void pulse(int irq)
{
	line(irq, 1);
	line(irq, 0);
}

/* As every PC does: vectors 8 and 70h, or those of Linux. */
static void init(u8 master, u8 slave, u8 icw4)
{
	out8(0x20, 0x11);
	out8(0x21, master);
	out8(0x21, 4);
	out8(0x21, icw4);
	out8(0xa0, 0x11);
	out8(0xa1, slave);
	out8(0xa1, 2);
	out8(0xa1, icw4);
	out8(0x21, 0);
	out8(0xa1, 0);
}

static int take(void)
{
	return pic_output(&vm) ? pic_read_irq(&vm) : -1;
}

static void test_basics(void)
{
	init(0x20, 0x28, 1);
	tap_ok(!pic_output(&vm), "nothing is pending after initialisation");
	pulse(3);
	tap_ok(pic_output(&vm) && vcpu.kicks == 1, "an edge raises INTR and kicks the vCPU");
	tap_ok(take() == 0x23, "the vector is base plus line");
	tap_ok(take() == -1, "a line in service does not interrupt itself");
	pulse(3);
	tap_ok(take() == -1, "nor does its next edge, until the EOI");
	out8(0x20, 0x20);
	tap_ok(take() == 0x23 && acks[3] == 1, "after which it comes, and the ack is told");
	pulse(1);
	tap_ok(take() == 0x21, "a more urgent one interrupts it");
	pulse(5);
	tap_ok(take() == -1, "a less urgent one waits");
	out8(0x20, 0x0b);
	tap_ok(in8(0x20) == 0x0a, "OCW3 reads the in-service register");
	out8(0x20, 0x0a);
	tap_ok(in8(0x20) == 0x20, "and the request register");
	out8(0x20, 0x20);
	out8(0x20, 0x0b);
	tap_ok(in8(0x20) == 0x08, "a non-specific EOI ends the most urgent");
	out8(0x20, 0x63);
	tap_ok(in8(0x20) == 0 && take() == 0x25, "a specific EOI ends the one named");
	out8(0x20, 0x20);
	out8(0x21, 0xfb);
	tap_ok(in8(0x21) == 0xfb, "the mask reads back");
	pulse(4);
	tap_ok(take() == -1, "a masked line is silent");
	out8(0x21, 0);
	tap_ok(take() == 0x24, "and its edge is kept until it is unmasked");
	out8(0x20, 0x20);
	line(6, 1);
	line(6, 1);
	tap_ok(take() == 0x26, "a line that goes up");
	out8(0x20, 0x20);
	tap_ok(take() == -1, "and stays up is one edge");
	line(6, 0);
	tap_ok(pic_set_irq(vm.arch.pic, 2, 0, 1) == -1 && !pic_output(&vm),
	       "no source can drive the cascade line");
	tap_ok(pic_set_irq(vm.arch.pic, 99, 0, 1) == -1, "nor a line that does not exist");
}

static void test_cascade(void)
{
	init(0x20, 0x28, 1);
	pulse(12);
	tap_ok(take() == 0x2c, "a slave's interrupt has the slave's vector");
	out8(0x20, 0x0b);
	out8(0xa0, 0x0b);
	tap_ok(in8(0x20) == 4 && in8(0xa0) == 0x10, "it is in service on both chips");
	pulse(9);
	tap_ok(take() == -1, "the master does not nest its slave");
	pulse(0);
	tap_ok(take() == 0x20, "but its own more urgent lines");
	out8(0x20, 0x20);
	out8(0xa0, 0x20);
	out8(0x20, 0x20);
	tap_ok(take() == 0x29 && acks[12] == 1, "after both EOIs the other one comes");
	out8(0xa0, 0x20);
	out8(0x20, 0x20);
	init(0x20, 0x28, 0x11);
	pulse(12);
	take();
	pulse(9);
	tap_ok(take() == 0x29, "in special fully nested mode the master nests it");
}

static void test_modes(void)
{
	init(0x20, 0x28, 3);
	pulse(3);
	tap_ok(take() == 0x23 && acks[3] == 1, "automatic EOI");
	pulse(3);
	tap_ok(take() == 0x23, "leaves nothing in service");

	init(0x20, 0x28, 1);
	out8(0x20, 0xc3);
	pulse(3);
	pulse(4);
	tap_ok(take() == 0x24, "with priority set, line 4 comes before line 3");
	out8(0x20, 0xa0);
	pulse(4);
	tap_ok(take() == 0x23, "rotation on EOI puts it last");
	out8(0x20, 0x20);
	out8(0x20, 0x20);
	init(0x20, 0x28, 1);
	tap_ok(vm.arch.pic->chip[0].priority_add == 0, "ICW1 undoes rotation");

	pulse(1);
	take();
	out8(0x21, 0x02);
	out8(0x20, 0x68);
	pulse(5);
	tap_ok(take() == 0x25, "special mask mode: a masked line in service blocks nothing");
	out8(0x20, 0x20);
	out8(0x20, 0x0b);
	tap_ok(in8(0x20) == 0x02, "nor is it ended by a non-specific EOI");
	out8(0x20, 0x48);

	init(0x20, 0x28, 1);
	pulse(6);
	out8(0x20, 0x0c);
	tap_ok(in8(0x20) == 0x86, "a poll returns the level with bit 7");
	out8(0x20, 0x0b);
	tap_ok(in8(0x20) == 0x40 && !pic_output(&vm), "and is its INTA cycle");
	out8(0x20, 0x0c);
	tap_ok(in8(0x21) == 0, "a poll of nothing returns 0");
	out8(0x20, 0x20);
}

static void test_level(void)
{
	init(0x20, 0x28, 1);
	out8(0x4d0, 0xff);
	out8(0x4d1, 0xff);
	tap_ok(in8(0x4d0) == 0xf8 && in8(0x4d1) == 0xde, "ELCR keeps wired lines edge-triggered");
	line(11, 1);
	tap_ok(take() == 0x2b, "a level-triggered line interrupts");
	out8(0xa0, 0x20);
	out8(0x20, 0x20);
	tap_ok(take() == 0x2b, "and again after EOI while it is up");
	line(11, 0);
	out8(0xa0, 0x20);
	out8(0x20, 0x20);
	tap_ok(take() == -1, "but not when it is down");
	line(5, 1);
	tap_ok(pic_output(&vm), "a request that goes away");
	line(5, 0);
	tap_ok(!pic_output(&vm) && pic_read_irq(&vm) == 0x27, "leaves a spurious IRQ 7");
	out8(0x20, 0x0b);
	tap_ok(in8(0x20) == 0, "which is not in service");
	pic_set_irq(vm.arch.pic, 5, 0, 1);
	pic_set_irq(vm.arch.pic, 5, 1, 1);
	pic_set_irq(vm.arch.pic, 5, 0, 0);
	tap_ok(take() == 0x25, "a line is the OR of its sources");
	pic_set_irq(vm.arch.pic, 5, 1, 0);
	out8(0x20, 0x20);
	tap_ok(take() == -1, "and down when the last lets go");
}

static void test_state(void)
{
	struct kvm_pic_state s, hostile;
	u16 wide = 0x1234;

	init(0x20, 0x28, 1);
	out8(0x21, 0x12);
	pulse(6);
	pic_get_state(vm.arch.pic, 0, &s);
	tap_ok(s.irq_base == 0x20 && s.imr == 0x12 && s.irr == 0x40, "the state tells all");
	out8(0x20, 0x11);
	pic_set_state(vm.arch.pic, 0, &s);
	tap_ok(take() == 0x26, "and restores all");
	memset(&hostile, 0xff, sizeof(hostile));
	pic_set_state(vm.arch.pic, 0, &hostile);
	pic_set_state(vm.arch.pic, 1, &hostile);
	pic_read_irq(&vm);
	out8(0x20, 0x20);
	out8(0x21, 0x20);
	pic_get_state(vm.arch.pic, 0, &s);
	tap_ok(s.elcr_mask == 0xff && s.elcr == 0xff && take() <= 0xff,
	       "a hostile state is given back as it was, and harms nothing");
	tap_ok(!mkvm_io_bus_read(&vcpu, MKVM_PIO_BUS, 0x20, 2, &wide) && !wide,
	       "a word read gives 0");
	tap_ok(!mkvm_io_bus_write(&vcpu, MKVM_PIO_BUS, 0x20, 2, &wide), "a word write is lost");
	tap_ok(mkvm_io_bus_read(&vcpu, MKVM_PIO_BUS, 0x21, 2, &wide) == -EOPNOTSUPP,
	       "an access that reaches past the device is not its own");
}

int main(void)
{
	void (*tests[])(void) = { test_basics, test_cascade, test_modes, test_level, test_state };

	for (int i = 0; i < ARRAY_SIZE(tests); i++) {
		bench_new(0);
		tests[i]();
		bench_free();
	}
	return tap_done();
}
