/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * harness.h - what /dev/mmu-harness takes, beside KVM_SET_USER_MEMORY_REGION, KVM_GET_DIRTY_LOG
 * and KVM_CLEAR_DIRTY_LOG, which it takes with KVM's numbers and structures.
 *
 * Shared by the module (harness.c) and by the tests (guestmem.c).
 */
#ifndef MINIKVM_UNIT_MMU_HARNESS_H
#define MINIKVM_UNIT_MMU_HARNESS_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define HARNESS_NODE	"mmu-harness"
#define HARNESS_VCPUS	8

/*
 * Set once, before the first slot: EPT A/D flags, PML, flags of KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2.
 */
struct harness_setup {
	__u32 ad, pml, manual;
};

/*
 * For HARNESS_HOLD: stop the next fault between looking its page up and entering it; wait until one
 * is stopped there; let it go on.
 */
enum { HOLD_NEXT, HOLD_WAIT, HOLD_END };

enum { HARNESS_READ, HARNESS_WRITE, HARNESS_ADD, HARNESS_FETCH };

/**
 * struct harness_access - @count accesses of 8 bytes by software vCPU @vcpu
 * @gpa: address of the first; the others are at random pages of [@gpa, + @npages pages)
 * @npages: 0 or 1: always @gpa
 * @seed: state of the generator, see harness_next(); updated
 * @value: to be written or added; of HARNESS_READ the result
 * @result: 0; 1 = MMIO at @gpa of the last access
 * @done: accesses made
 */
struct harness_access {
	__u32 vcpu, op;
	__u64 gpa, npages, count, seed, value, result, done;
};

/* The EPT entry that maps @gpa: @level 0 if none. */
struct harness_entry {
	__u64 gpa, entry;
	__u32 level, pad;
};

struct harness_stats {
	__u64 tables, flushes, faults;
};

#define HARNESS_SETUP	_IOW('H', 1, struct harness_setup)
#define HARNESS_ACCESS	_IOWR('H', 2, struct harness_access)
#define HARNESS_ENTRY	_IOWR('H', 3, struct harness_entry)
#define HARNESS_STATS	_IOR('H', 4, struct harness_stats)
#define HARNESS_HOLD	_IO('H', 5)

static inline __u64 harness_next(__u64 *seed)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return *seed >> 33;
}

#ifdef __KERNEL__
/* The linker's --wrap: calls of the first name without prefix go to __wrap_. */
struct mkvm_vm;
struct mkvm_host_page;
int __real_mkvm_host_page_get(struct mkvm_vm *vm, unsigned long hva, unsigned int how,
			      struct mkvm_host_page *hp);
int __wrap_mkvm_host_page_get(struct mkvm_vm *vm, unsigned long hva, unsigned int how,
			      struct mkvm_host_page *hp);
#endif

#endif
