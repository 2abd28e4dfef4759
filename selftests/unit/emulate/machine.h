/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * machine.h - a guest small enough to hold in the hand, for testing the emulator.
 *
 * It stands where the module stands: it answers the callbacks of struct emul_ops from a block of
 * memory, and plays userspace for the part of it that is a device.  Device reads end the emulation
 * with EMUL_IO_NEEDED the first time, device writes are queued until the instruction is done; on
 * the way it checks that the emulator keeps the promises of emulate.h.
 */
#ifndef MINIKVM_TEST_MACHINE_H
#define MINIKVM_TEST_MACHINE_H

#include <stdio.h>

#include "emulate.h"

#define MACHINE_WRITES 4096

/* A read that "userspace" has answered, or one it still must (done == false). */
struct machine_read {
	u64 addr;
	unsigned int len;
	bool done;
	u8 data[64];
};

struct machine_write {
	u64 addr;
	unsigned int len;
};

/**
 * struct machine - guest memory, segments and vector registers
 * @c: the emulator's context
 * @ram: guest memory
 * @ram_base: its linear address
 * @ram_size: bytes
 * @code: instruction bytes
 * @code_base: their linear address
 * @code_size: bytes
 * @mmio_start: linear addresses from here
 * @mmio_end: up to here, exclusive, are a device
 * @seg_base: segment bases
 * @seg_limit: segment limits, not looked at in 64-bit mode
 * @selector: selectors, for MOV from a segment register
 * @ymm: vector registers
 * @reads: device reads of the current instruction
 * @nr_reads: how many
 * @writes: all writes of the last machine_run()
 * @nr_writes: how many
 * @queue: device writes that wait for their instruction to end
 * @nr_queue: how many
 * @written: writes of the current instruction (iteration)
 * @probed: writes of it that it has asked about
 * @nr_asked: reads that the emulator asked for
 * @device_reads: what "userspace" was asked for
 * @device_writes: what it was given
 * @retry: make the next compare-exchange fail
 * @table: GDTR and IDTR
 * @cr0: control register 0
 * @mm: MMX registers
 * @x87: x87 control and status word
 * @broken: a promise that the emulator broke, or NULL
 */
struct machine {
	struct emul_ctxt c;
	u8 *ram;
	u64 ram_base;
	u64 ram_size;
	const u8 *code;
	u64 code_base;
	u64 code_size;
	u64 mmio_start;
	u64 mmio_end;
	u64 seg_base[EMUL_NR_SEGS];
	u32 seg_limit[EMUL_NR_SEGS];
	u16 selector[EMUL_NR_SEGS + 2];
	u8 ymm[16][32];

	struct machine_read reads[40];
	unsigned int nr_reads;
	struct machine_write writes[MACHINE_WRITES];
	unsigned int nr_writes;
	struct machine_read queue[40];
	unsigned int nr_queue;
	unsigned int written;
	unsigned int probed;
	unsigned int nr_asked;
	unsigned int device_reads;
	unsigned int device_writes;
	bool retry;
	struct emul_table table[2];
	u64 cr0;
	u64 mm[8];
	u16 x87[2];
	const char *broken;
};

extern const struct emul_ops machine_ops;

void machine_init(struct machine *m, enum emul_mode mode);
enum emul_rc machine_step(struct machine *m);
enum emul_rc machine_run(struct machine *m);

#endif /* MINIKVM_TEST_MACHINE_H */
