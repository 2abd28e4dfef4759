// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_ioapic.c - the IOAPIC: registers, edge and level, Remote IRR, EOI, the storm brake.
 */
#include "bench.h"

#define MASKED	0x10000u
#define LEVEL	0x8000u
#define REMOTE	0x4000u

static u32 rd(u8 reg)
{
	u32 val = reg;

	mkvm_io_bus_write(&vcpu, MKVM_MMIO_BUS, 0xfec00000, 4, &val);
	mkvm_io_bus_read(&vcpu, MKVM_MMIO_BUS, 0xfec00010, 4, &val);
	return val;
}

static void wr(u8 reg, u32 val)
{
	u32 sel = reg;

	mkvm_io_bus_write(&vcpu, MKVM_MMIO_BUS, 0xfec00000, 4, &sel);
	mkvm_io_bus_write(&vcpu, MKVM_MMIO_BUS, 0xfec00010, 4, &val);
}

static int line(int pin, int level)
{
	return ioapic_set_irq(vm.arch.ioapic, pin, 0, level);
}

static void test_registers(void)
{
	u64 wide = ~0ull;

	tap_ok(rd(1) == 0x170011, "24 pins, version 11h");
	wr(0, 0xff000000);
	tap_ok(rd(0) == 0x0f000000 && rd(2) == 0x0f000000, "four bits of ID");
	tap_ok(rd(0x10) == MASKED, "entries begin masked");
	wr(0x3e, 0xffffffff);
	wr(0x3f, 0xffffffff);
	tap_ok(rd(0x3e) == 0x1afff && rd(0x3f) == 0xff000000, "reserved and read-only bits stay 0");
	tap_ok(rd(0x40) == ~0u && rd(0xff) == ~0u, "past the last entry there is nothing");
	wr(0x40, 0);
	tap_ok(!mkvm_io_bus_read(&vcpu, MKVM_MMIO_BUS, 0xfec00010, 8, &wide) && wide == 0xffffffff,
	       "an eight-byte read is padded");
	tap_ok(mkvm_io_bus_read(&vcpu, MKVM_MMIO_BUS, 0xfec00100, 4, &wide) == -EOPNOTSUPP,
	       "the next page is somebody else's");
}

static void test_edge(void)
{
	wr(0x15, 0x03000000);
	wr(0x14, 0x841);
	tap_ok(line(2, 1) == 1 && messages == 1, "an edge is sent");
	tap_ok(last_message.vector == 0x41 && last_message.dest_id == 3 && last_message.logical &&
	       !last_message.trig_level, "with what the entry says");
	tap_ok(line(2, 1) == 0 && messages == 1, "a line that is up has no edge");
	tap_ok(line(2, 0) == 1 && messages == 1, "nor has one that goes down");
	wr(0x14, MASKED | 0x41);
	tap_ok(line(2, 1) == -1, "a masked pin says so");
	wr(0x14, 0x41);
	tap_ok(messages == 1, "and its edge is lost");
	line(2, 0);
	tap_ok(line(2, 1) == 1 && messages == 2, "the next one is not");
	tap_ok(line(24, 1) == -1 && line(~0u, 1) == -1, "no 25th pin");
	tap_ok(!ioapic_handles_vector(&vm, 0x41), "the EOI of an edge is not waited for");
}

static void test_level(void)
{
	int i;

	wr(0x22, LEVEL | 0x51);
	tap_ok(ioapic_handles_vector(&vm, 0x51), "a level-triggered vector wants its EOI");
	line(9, 1);
	tap_ok(messages == 1 && last_message.trig_level && rd(0x22) & REMOTE, "sets Remote IRR");
	line(9, 1);
	tap_ok(messages == 1, "and is not sent twice");
	ioapic_eoi_broadcast(&vcpu, 0x51);
	tap_ok(messages == 2 && acks[9] == 1, "EOI with the line up sends again");
	line(9, 0);
	ioapic_eoi_broadcast(&vcpu, 0x51);
	tap_ok(messages == 2 && !(rd(0x22) & REMOTE), "EOI with the line down does not");
	wr(0x22, MASKED | LEVEL | 0x51);
	line(9, 1);
	wr(0x22, LEVEL | 0x51);
	tap_ok(messages == 3, "a level is not lost by the mask");
	wr(0x22, 0x51);
	tap_ok(!(rd(0x22) & REMOTE), "an entry that becomes edge-triggered has no Remote IRR");
	wr(0x22, LEVEL | 0x51);
	for (i = 0; i < 20000 && !vm.arch.ioapic->eoi_work.queued; i++)
		ioapic_eoi_broadcast(&vcpu, 0x51);
	tap_ok(i > 9000 && i < 11000, "a storm is braked after %d EOIs", i);
	i = messages;
	vm.arch.ioapic->eoi_work.fn(&vm.arch.ioapic->eoi_work.work);
	tap_ok(messages == i + 1, "and goes on later");
	deliver_result = -1;
	line(9, 0);
	ioapic_eoi_broadcast(&vcpu, 0x51);
	line(9, 1);
	tap_ok(!(rd(0x22) & REMOTE), "what reaches no vCPU does not wait for an EOI");
	line(9, 0);
	deliver_result = 1;
	ioapic_set_irq(vm.arch.ioapic, 9, 1, 1);
	i = messages;
	ioapic_set_irq(vm.arch.ioapic, 9, 0, 1);
	ioapic_set_irq(vm.arch.ioapic, 9, 1, 0);
	ioapic_eoi_broadcast(&vcpu, 0x51);
	tap_ok(messages == i + 1, "a line is the OR of its sources");
}

static void test_ack_of_edge(void)
{
	wr(0x10, 0x30);
	tap_ok(ioapic_handles_vector(&vm, 0x30), "the PIT waits for the EOI of GSI 0");
	wr(0x10, 0x31);
	tap_ok(!ioapic_handles_vector(&vm, 0x30) && ioapic_handles_vector(&vm, 0x31),
	       "whatever its vector is");
	ioapic_eoi_broadcast(&vcpu, 0x31);
	tap_ok(acks[0] == 1, "and gets it");
	pit_set_reinject(vm.arch.pit, false);
	tap_ok(!ioapic_handles_vector(&vm, 0x31), "unless it does not care");
}

static void test_state(void)
{
	struct kvm_ioapic_state s, hostile;

	wr(0x14, 0x41);
	line(2, 1);
	wr(0x22, LEVEL | 0x51);
	line(9, 1);
	ioapic_get_state(vm.arch.ioapic, &s);
	tap_ok(s.base_address == 0xfec00000 && s.irr == 1 << 9 && (s.redirtbl[9].bits & REMOTE),
	       "the state has the level that is up, not the edge that was sent");
	s.redirtbl[9].bits &= ~(u64)REMOTE;
	messages = 0;
	ioapic_set_state(vm.arch.ioapic, &s);
	tap_ok(messages == 1 && last_message.vector == 0x51, "restoring sends what was not sent");
	s.irr = 1 << 2;
	ioapic_set_state(vm.arch.ioapic, &s);
	tap_ok(messages == 2 && last_message.vector == 0x41, "edges too");
	memset(&hostile, 0xff, sizeof(hostile));
	ioapic_set_state(vm.arch.ioapic, &hostile);
	ioapic_get_state(vm.arch.ioapic, &s);
	tap_ok(s.ioregsel == 0xff && s.id == 0xf && !(s.irr & ~0xffffff),
	       "a hostile state is cut to what a chip can have");
}

int main(void)
{
	void (*tests[])(void) = {
		test_registers, test_edge, test_level, test_ack_of_edge, test_state
	};

	for (int i = 0; i < ARRAY_SIZE(tests); i++) {
		bench_new(0);
		tests[i]();
		bench_free();
	}
	return tap_done();
}
