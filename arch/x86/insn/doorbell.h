/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest's MOV to or from a device, without the emulator.
 *
 * Part of struct mkvm_arch_vcpu. The processor does not say what the instruction is (SDM,
 * "Information for VM Exits Due to Instruction Execution": its length is undefined for an EPT
 * violation); doorbell.c remembers it and checks it each time.
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
 * struct mkvm_doorbell - a plain MOV between a register and a device
 * @gfn: the device's page
 * @generation: of the memory slots, none of which answers that access; 0: nothing is remembered
 * @rip: of the instruction
 * @insn: its bytes, zeros behind them
 * @mask: ones where @insn holds bytes
 * @disp: displacement; of a RIP-relative operand with the address of the next instruction added
 * @imm: the value, if @reg is DOORBELL_NO_REG
 * @load: from the device to the register, else the other way
 * @lapic: the device is the vCPU's own LAPIC
 * @len: of the instruction, bytes
 * @size: of the access, 1, 2, 4 or 8 bytes
 * @reg_size: of a load: how much of the register the instruction writes, likewise
 * @base: register, or DOORBELL_NO_REG
 * @index: likewise
 * @scale: shift count of the index
 * @reg: register that is stored or loaded, or DOORBELL_NO_REG
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
	bool load, lapic;
	u8 len, size, reg_size;
	s8 base, index, reg;
	u8 scale;
	u8 levels;
	u64 cr3;
	const u64 *entry[DOORBELL_MAX_LEVELS];
	u64 seen[DOORBELL_MAX_LEVELS];
	const u64 *code;
};

/* A load that userspace answers: what the next KVM_RUN finishes. */
struct mkvm_doorbell_load {
	u64 rip;
	u8 len, size, reg_size, reg;
};

/* Found by frame and instruction: a driver reads one register and writes another of a page. */
#define NR_DOORBELLS	8

void doorbell_learn(struct mkvm_vcpu *vcpu, const struct emul_ctxt *c, gpa_t gpa);
/*
 * Could a page be one of those that are known? Nearly every EPT violation is that of ordinary
 * memory, which a test of one bit tells.
 */
#define doorbell_page(vcpu, gpa) \
	((vcpu)->arch.doorbell_pages >> ((gpa) >> PAGE_SHIFT & 63) & 1)

struct mkvm_doorbell *doorbell_find(struct mkvm_vcpu *vcpu, gpa_t gpa, u64 rip, bool load);
bool doorbell_matches(struct mkvm_vcpu *vcpu, struct mkvm_doorbell *bell, gpa_t gpa, u64 cr3);
int doorbell_execute(struct mkvm_vcpu *vcpu, const struct mkvm_doorbell *bell, gpa_t gpa);
int doorbell_execute_checked(struct mkvm_vcpu *vcpu, gpa_t gpa);
void doorbell_forget(struct mkvm_vcpu *vcpu);
void doorbell_forget_memory(struct mkvm_vcpu *vcpu);

#endif
