/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest memory as an instruction sees it that the module executes for the guest.
 *
 * One way for all of them, the emulator's, INS and OUTS alike: a linear address leads to memory, to
 * a device in the kernel or to one of userspace. Reading a read-only slot reads memory, writing one
 * is an access to a device (KVM's ABI, KVM_MEM_READONLY).
 */
#ifndef MINIKVM_ARCH_X86_GUEST_ACCESS_H
#define MINIKVM_ARCH_X86_GUEST_ACCESS_H

#include "arch/x86/mmu/guest_walk.h"
#include "virt/vcpu.h"

/* Userspace must answer first: return guest_access_wait(). */
#define GUEST_ACCESS_WAIT	2

/* Who answers an access to a guest-physical address: guest_access_owner(). */
enum guest_access_owner {
	GUEST_ACCESS_MEMORY,	/* a slot, which takes that kind of access */
	GUEST_ACCESS_LAPIC,	/* the vCPU's own */
	GUEST_ACCESS_DEVICE,	/* one on the bus, else userspace's */
};

enum guest_access_owner guest_access_owner(struct mkvm_vcpu *vcpu, gpa_t gpa, bool write);

/**
 * guest_access_begin() - an instruction begins, of which no access was made yet
 * @vcpu: loaded vCPU
 *
 * What the exit says of an access may be put into vcpu->arch.mmio behind this.
 */
void guest_access_begin(struct mkvm_vcpu *vcpu);

/**
 * guest_access_go() - the instruction is executed from its start, for the first time or again
 * @vcpu: loaded vCPU
 * @cpl: current privilege level; this is the one place that makes user accesses of it
 * @wrap: linear addresses have 32 bits
 *
 * Of an instruction executed again, the same reads in the same order get the answers they had.
 */
void guest_access_go(struct mkvm_vcpu *vcpu, int cpl, bool wrap);

/*
 * All of these: vCPU loaded, vm->srcu read-held, process context; @access: WALK_WRITE for a read
 * of what will be written, WALK_FETCH for an instruction, else 0.
 * Return 0; 1 = the guest must get @fault; GUEST_ACCESS_WAIT, reads only; -EFAULT with the reason
 * in vcpu->arch.mmio.why.
 */
int guest_access_translate(struct mkvm_vcpu *vcpu, u64 linear, u32 access, gpa_t *gpa,
			   struct walk_fault *fault);
int guest_access_read(struct mkvm_vcpu *vcpu, u64 linear, void *data, unsigned int len,
		      u32 access, struct walk_fault *fault);
/* May all of it be written? @memory, if not NULL: is all of it memory? */
int guest_access_probe(struct mkvm_vcpu *vcpu, u64 linear, unsigned int len, u32 access,
		       bool *memory, struct walk_fault *fault);
/* Both pages of a crossing write must take it before either is changed. */
int guest_access_write(struct mkvm_vcpu *vcpu, u64 linear, const void *data, unsigned int len,
		       struct walk_fault *fault);
/* Write @new if @old is still there; -EAGAIN when it is not. A device is just written. */
int guest_access_cmpxchg(struct mkvm_vcpu *vcpu, u64 linear, const void *old, const void *new,
			 unsigned int len, struct walk_fault *fault);

/* What is at that guest-physical address, for the log. vm->srcu read-held. */
const char *guest_access_what(struct mkvm_vcpu *vcpu, gpa_t gpa);

/**
 * guest_access_wait() - ask userspace for the read that GUEST_ACCESS_WAIT is about
 * @vcpu: loaded vCPU
 * @again: executes the instruction again, from guest_access_go()
 *
 * Return: 0, with KVM_EXIT_MMIO in vcpu->run.
 */
int guest_access_wait(struct mkvm_vcpu *vcpu, int (*again)(struct mkvm_vcpu *vcpu));

/**
 * guest_access_finish() - the instruction is complete: its writes go to their devices
 * @vcpu: loaded vCPU, vm->srcu read-held
 *
 * Return: 1, or 0 with KVM_EXIT_MMIO in vcpu->run; the next KVM_RUN goes on with the next write.
 */
int guest_access_finish(struct mkvm_vcpu *vcpu);

int guest_access_exit(struct mkvm_vcpu *vcpu, gpa_t gpa, unsigned int len, u64 data, bool write);

int guest_access_vcpu_init(struct mkvm_vcpu *vcpu);
void guest_access_vcpu_free(struct mkvm_vcpu *vcpu);

#endif
