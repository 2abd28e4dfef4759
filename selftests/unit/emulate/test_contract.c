// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_contract.c - what emulate.h promises its caller, beyond the result of one instruction.
 *
 * When callbacks are called and when not, what has changed after each result, how REP goes on, how
 * an instruction at the end of a page is fetched.  The promises that hold for every instruction are
 * checked by machine.c on the way, here and in the other tests.
 */
#include "machine.h"
#include "tap.h"

#define RAM_SIZE 0x10000
#define CODE 0x7000

static u8 ram[RAM_SIZE];
static struct machine machine;
static const char *broken_promise;

/* A 64-bit machine about to execute these bytes, with a device at 0x4000 to 0x4fff. */
static struct machine *prepare(const u8 *code, unsigned int len)
{
	struct machine *m = &machine;

	if (m->broken)
		broken_promise = m->broken;
	memset(ram, 0, sizeof(ram));
	machine_init(m, EMUL_LONG64);
	m->ram = ram;
	m->ram_size = RAM_SIZE;
	m->mmio_start = 0x4000;
	m->mmio_end = 0x5000;
	m->code = code;
	m->code_base = CODE;
	m->code_size = len;
	m->c.rip = CODE;
	return m;
}

#define PREPARE(...) \
	prepare((const u8[]){ __VA_ARGS__ }, sizeof((const u8[]){ __VA_ARGS__ }))

static void test_io_needed(void)
{
	struct machine *m = PREPARE(0x03, 0x03);	/* add eax, [rbx] */
	struct emul_ctxt before;

	m->c.gpr[3] = 0x4000;
	m->c.gpr[0] = 1;
	ram[0x4000] = 41;
	before = m->c;
	tap_ok(emulate_insn(&m->c) == EMUL_IO_NEEDED, "a device read needs userspace");
	tap_ok(!memcmp(m->c.gpr, before.gpr, sizeof(before.gpr)) && m->c.rip == before.rip &&
	       m->c.rflags == before.rflags, "and changes nothing");
	tap_ok(machine_run(m) == EMUL_OK && m->c.gpr[0] == 42 && !m->broken,
	       "with the data there the instruction completes");
	tap_ok(m->device_reads == 1 && m->c.mmio_touched, "after one device read");

	m = PREPARE(0x8b, 0x03);
	m->c.gpr[3] = 0x4000;
	ram[0x4000] = 7;
	emulate_insn(&m->c);
	memcpy(m->reads[0].data, ram + 0x4000, 4);
	m->reads[0].done = true;
	tap_ok(emul_execute(&m->c) == EMUL_OK && m->c.gpr[0] == 7 && m->c.rip == CODE + 2,
	       "emul_execute() goes on without fetching again");
}

static void test_read_modify_write(void)
{
	struct machine *m = PREPARE(0xf0, 0x01, 0x03);	/* lock add [rbx], eax */

	m->c.gpr[3] = 0x1000;
	m->c.gpr[0] = 0x80000001;
	m->retry = true;
	tap_ok(machine_run(m) == EMUL_RETRY && m->c.rip == CODE && m->c.rflags == 2 && !ram[0x1000],
	       "a lost race is retried, with nothing changed");
	tap_ok(machine_run(m) == EMUL_OK && ram[0x1000] == 1 && m->c.rflags == 0x82,
	       "and then succeeds");
	m->c.rip = CODE;
	m->c.gpr[3] = 0x4000;
	tap_ok(machine_run(m) == EMUL_OK && ram[0x4000] == 1 && m->device_reads == 1 &&
	       m->device_writes == 1, "LOCK on a device is a read and a write");

	m = PREPARE(0x01, 0x03);
	m->c.gpr[3] = RAM_SIZE;
	tap_ok(machine_run(m) == EMUL_FAULT && m->c.fault.error_code == 2 &&
	       m->c.fault.cr2 == RAM_SIZE, "the read of what will be written is one for writing");

	m = PREPARE(0x87, 0x03);			/* xchg [rbx], eax */
	m->c.gpr[3] = 0x1000;
	m->retry = true;
	tap_ok(machine_run(m) == EMUL_RETRY, "XCHG is atomic without a prefix");

	m = PREPARE(0x0f, 0x18, 0x03);			/* prefetchnta [rbx] */
	m->c.gpr[3] = 0x4000;
	tap_ok(machine_run(m) == EMUL_OK && !m->device_reads && !m->nr_asked,
	       "a prefetch reads nothing");

	m = PREPARE(0x0f, 0xb1, 0x0b);			/* cmpxchg [rbx], ecx */
	m->c.gpr[3] = 0x4000;
	m->c.gpr[0] = 1;
	tap_ok(machine_run(m) == EMUL_OK && m->device_writes == 1,
	       "a CMPXCHG that does not compare writes its own value back");
}

static void test_faults(void)
{
	struct machine *m = PREPARE(0x8f, 0x03);	/* pop [rbx] */

	m->c.gpr[4] = 0x2000;
	m->c.gpr[3] = RAM_SIZE - 4;
	tap_ok(machine_run(m) == EMUL_FAULT && m->c.gpr[4] == 0x2000 &&
	       m->c.fault.vector == EMUL_PF, "a POP that faults leaves the stack pointer");

	m = PREPARE(0xff, 0x13);			/* call [rbx] */
	m->c.gpr[4] = 4;
	m->c.gpr[3] = 0x1000;
	tap_ok(machine_run(m) == EMUL_FAULT && m->c.gpr[4] == 4 && m->c.rip == CODE,
	       "a CALL without a stack does not jump");

	m = PREPARE(0x48, 0xf7, 0x33);			/* div qword [rbx] */
	m->c.gpr[3] = 0x1000;
	m->c.gpr[0] = 5;
	tap_ok(machine_run(m) == EMUL_FAULT && m->c.fault.vector == EMUL_DE &&
	       !m->c.fault.has_error_code && m->c.gpr[0] == 5, "#DE has no error code");

	m = PREPARE(0x8b, 0x03);
	m->c.gpr[3] = 1ULL << 50;
	tap_ok(machine_run(m) == EMUL_FAULT && m->c.fault.vector == EMUL_GP &&
	       m->c.fault.has_error_code && !m->c.fault.error_code, "#GP has error code 0");
	m->c.la57 = true;
	tap_ok(machine_run(m) == EMUL_FAULT && m->c.fault.vector == EMUL_PF,
	       "with LA57 the same address is canonical");
}

static void test_rep(void)
{
	struct machine *m = PREPARE(0xf3, 0xa4);	/* rep movsb */
	unsigned int steps = 0;

	m->c.gpr[1] = 3;
	m->c.gpr[6] = 0x1000;
	m->c.gpr[7] = 0x4000;
	memcpy(ram + 0x1000, "abc", 3);
	tap_ok(machine_step(m) == EMUL_OK && m->c.rep_more && m->c.rip == CODE && m->c.gpr[1] == 2,
	       "a device ends the batch after one iteration");
	while (machine_step(m) == EMUL_OK && m->c.rep_more)
		steps++;
	tap_ok(steps == 1 && m->device_writes == 3 && !memcmp(ram + 0x4000, "abc", 3) &&
	       m->c.rip == CODE + 2, "and the rest follows, one write each");

	m = PREPARE(0xf3, 0xa4);
	m->c.gpr[1] = 5000;
	m->c.gpr[6] = 0x1000;
	m->c.gpr[7] = 0x8000;
	machine_step(m);
	tap_ok(m->c.rep_more && m->c.gpr[1] == 5000 - EMUL_REP_BATCH, "batches are bounded");

	m = PREPARE(0xf3, 0xa4);			/* RAM, then into the device */
	m->c.gpr[1] = 8;
	m->c.gpr[6] = 0x3ffc;
	m->c.gpr[7] = 0x2000;
	memcpy(ram + 0x3ffc, "ramsdevs", 8);
	tap_ok(emulate_insn(&m->c) == EMUL_IO_NEEDED && m->c.gpr[1] == 4 && m->c.rep_more &&
	       m->c.rip == CODE, "iterations before the device are kept when it needs userspace");
	tap_ok(machine_run(m) == EMUL_OK && !memcmp(ram + 0x2000, "ramsdevs", 8) &&
	       m->device_reads == 4 && !m->broken, "and are not done twice");

	m = PREPARE(0xf3, 0xaa);			/* rep stosb, off the end of memory */
	m->c.gpr[1] = 8;
	m->c.gpr[7] = RAM_SIZE - 3;
	tap_ok(machine_run(m) == EMUL_FAULT && m->c.gpr[1] == 5 && m->c.gpr[7] == RAM_SIZE &&
	       m->c.fault.cr2 == RAM_SIZE && m->c.rip == CODE,
	       "a fault in the middle keeps the part done");

	m = PREPARE(0xf3, 0xa6);			/* repe cmpsb, both in the device */
	m->c.gpr[1] = 4;
	m->c.gpr[6] = 0x4000;
	m->c.gpr[7] = 0x4100;
	ram[0x4002] = 1;
	tap_ok(machine_run(m) == EMUL_OK && m->c.gpr[1] == 1 && m->device_reads == 6,
	       "REPE CMPS on two devices");

	m = PREPARE(0xf3, 0xaa);			/* rep stosb to RAM, single step */
	m->c.gpr[1] = 3;
	m->c.gpr[7] = 0x1000;
	m->c.rflags |= 0x100;
	tap_ok(machine_step(m) == EMUL_OK && m->c.rep_more && m->c.gpr[1] == 2,
	       "a single step ends at each iteration");

	m = PREPARE(0xf3, 0x6c);			/* rep insb: exits for its port */
	m->c.gpr[1] = 2;
	m->c.gpr[7] = 0x4000;
	tap_ok(machine_run(m) == EMUL_RETRY && m->c.gpr[1] == 2, "INS is the guest's to execute");
}

static void test_several_writes(void)
{
	struct machine *m;

	m = PREPARE(0x60);				/* pusha, the last word where nothing is */
	m->c.mode = EMUL_PROT32;
	m->ram_base = 4;
	m->ram_size = RAM_SIZE - 4;
	m->c.gpr[4] = 0x20;
	tap_ok(machine_run(m) == EMUL_FAULT && !m->nr_writes && m->c.gpr[4] == 0x20,
	       "PUSHA that cannot write all writes nothing");
	m = PREPARE(0xff, 0x1b);			/* far call, its stack missing */
	m->c.gpr[3] = 0x1000;
	m->c.gpr[4] = RAM_SIZE + 0x100;
	m->selector[EMUL_CS] = 8;
	tap_ok(machine_run(m) == EMUL_FAULT && m->selector[EMUL_CS] == 8,
	       "a far CALL that cannot push has not loaded CS");
}

static void test_fetching(void)
{
	static u8 code[0x1000];
	struct machine *m = prepare(code, sizeof(code));

	/* The code ends with its page; nothing is mapped behind it. */
	memcpy(code + 0xffe, "\x8b\x03", 2);
	m->c.rip = CODE + 0xffe;
	m->c.gpr[3] = 0x1000;
	tap_ok(machine_run(m) == EMUL_OK && m->c.fetched == 2,
	       "the page after the instruction is not fetched");
	memcpy(code + 0xffe, "\x8b\x43", 2);
	m->c.rip = CODE + 0xffe;
	tap_ok(machine_run(m) == EMUL_FAULT && m->c.fault.vector == EMUL_PF &&
	       m->c.fault.cr2 == CODE + 0x1000 && m->c.rip == CODE + 0xffe,
	       "but it faults if the instruction goes on there");

	m = prepare(code, sizeof(code));
	m->code_base = 0x17000;
	m->c.mode = EMUL_REAL16;
	m->seg_base[EMUL_CS] = 0x10000;
	memcpy(code, "\x8b\x07", 2);
	m->c.gpr[3] = 0x1000;
	ram[0x1000] = 9;
	tap_ok(machine_run(m) == EMUL_OK && m->c.gpr[0] == 9 && m->c.rip == CODE + 2,
	       "code is fetched from CS");

	m = PREPARE(0xd9, 0x03);
	tap_ok(machine_run(m) == EMUL_UNHANDLED && m->c.insn[0] == 0xd9 && m->c.fetched >= 2,
	       "the bytes of an unknown instruction are there for the report");
}

int main(void)
{
	test_io_needed();
	test_read_modify_write();
	test_faults();
	test_rep();
	test_several_writes();
	test_fetching();
	PREPARE(0x90);
	tap_ok(!broken_promise, "no promise was broken on the way: %s",
	       broken_promise ? broken_promise : "none");
	return tap_done();
}
