/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest's store to a device of the kernel's, without the emulator.
 *
 * KVM's ABI: KVM_IOEVENTFD on the MMIO bus. Part of struct mkvm_arch_vcpu. The processor does not
 * say what the instruction is (SDM, "Information for VM Exits Due to Instruction Execution": its
 * length is undefined for an EPT violation); doorbell.c remembers it and checks it each time.
 */
#ifndef MINIKVM_ARCH_X86_DOORBELL_H
#define MINIKVM_ARCH_X86_DOORBELL_H

#include <linux/kvm_types.h>
#include <linux/types.h>

struct emul_ctxt;
struct mkvm_vcpu;

/* Longest instruction that is remembered: two words to compare. */
#define DOORBELL_MAX_INSN	16
#define DOORBELL_NO_REG		(-1)
/* Levels of the guest's page tables. */
#define DOORBELL_MAX_LEVELS	5

/**
 * struct mkvm_doorbell - a plain MOV to memory that a device of the kernel's took
 * @gfn: the device's page
 * @generation: of the memory slots, none of which holds that page; 0: nothing is remembered
 * @rip: of the instruction
 * @insn: its bytes, zeros behind them
 * @mask: ones where @insn holds bytes
 * @disp: displacement; of a RIP-relative operand with the address of the next instruction added
 * @imm: the value, if @value is DOORBELL_NO_REG
 * @lapic: the device is the vCPU's own LAPIC
 * @len: of the instruction, bytes
 * @size: of the store, 1, 2, 4 or 8 bytes
 * @base: register, or DOORBELL_NO_REG
 * @index: likewise; @scale is its shift count
 * @value: register that is stored, or DOORBELL_NO_REG
 * @levels: of the walk below; 0: it has to be made anew
 * @cr3: the walk began here
 * @entry: the guest's paging-structure entries on the way to the instruction, from the top
 * @seen: what they were
 * @code: the instruction in the kernel's map
 */
struct mkvm_doorbell {
	gfn_t gfn;
	u64 generation;
	u64 rip;
	u64 insn[2], mask[2];
	u64 disp, imm;
	bool lapic;
	u8 len, size;
	s8 base, index, value;
	u8 scale;
	u8 levels;
	u64 cr3;
	const u64 *entry[DOORBELL_MAX_LEVELS];
	u64 seen[DOORBELL_MAX_LEVELS];
	const u64 *code;
};

/* Found by the low bits of the frame: a page of doorbells is rung from few places. */
#define NR_DOORBELLS	4

void doorbell_learn(struct mkvm_vcpu *vcpu, const struct emul_ctxt *c, gpa_t gpa);
struct mkvm_doorbell *doorbell_find(struct mkvm_vcpu *vcpu, gpa_t gpa);
int doorbell_ring(struct mkvm_vcpu *vcpu, struct mkvm_doorbell *bell, gpa_t gpa, u64 rip, u64 cr3);
void doorbell_forget(struct mkvm_vcpu *vcpu);
void doorbell_forget_memory(struct mkvm_vcpu *vcpu);

#endif
