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
void guest_access_begin(struct mkvm_vcpu *vcpu);
void guest_access_go(struct mkvm_vcpu *vcpu, int cpl, bool wrap);
int guest_access_translate(struct mkvm_vcpu *vcpu, u64 linear, u32 access, gpa_t *gpa,
			   struct walk_fault *fault);
int guest_access_read(struct mkvm_vcpu *vcpu, u64 linear, void *data, unsigned int len,
		      u32 access, struct walk_fault *fault);
int guest_access_probe(struct mkvm_vcpu *vcpu, u64 linear, unsigned int len, u32 access,
		       bool *memory, struct walk_fault *fault);
int guest_access_write(struct mkvm_vcpu *vcpu, u64 linear, const void *data, unsigned int len,
		       struct walk_fault *fault);
int guest_access_cmpxchg(struct mkvm_vcpu *vcpu, u64 linear, const void *old, const void *new,
			 unsigned int len, struct walk_fault *fault);

const char *guest_access_what(struct mkvm_vcpu *vcpu, gpa_t gpa);
int guest_access_wait(struct mkvm_vcpu *vcpu, int (*again)(struct mkvm_vcpu *vcpu));
int guest_access_finish(struct mkvm_vcpu *vcpu);
int guest_access_exit(struct mkvm_vcpu *vcpu, gpa_t gpa, unsigned int len, u64 data, bool write);
void guest_access_vcpu_free(struct mkvm_vcpu *vcpu);

#endif
