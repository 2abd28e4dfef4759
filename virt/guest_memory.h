/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Access to guest memory by the module itself, through the mapping of the VM's owner.
 */
#ifndef MINIKVM_VIRT_GUEST_MEMORY_H
#define MINIKVM_VIRT_GUEST_MEMORY_H

#include <linux/kvm_types.h>
#include <linux/mm.h>

struct mkvm_vcpu;
struct mkvm_vm;

/*
 * Do @len bytes from @gpa lie in one page? The lookup of a frame holds for this frame alone, so
 * every function that makes a pointer of a guest-physical address asks this first.
 */
static inline bool mkvm_in_one_page(gpa_t gpa, unsigned long len)
{
	return len <= PAGE_SIZE - (gpa & ~PAGE_MASK);
}

/*
 * Inside a cache line an access of any alignment can be atomic. Across two lines it would be a
 * split lock, which not every host allows its kernel to take.
 */
static inline bool mkvm_lockable(gpa_t gpa, unsigned int len)
{
	return !((gpa ^ (gpa + len - 1)) & ~63ull);
}

int mkvm_read_guest(struct mkvm_vm *vm, gpa_t gpa, void *data, unsigned long len);
int mkvm_vcpu_read_guest(struct mkvm_vcpu *vcpu, gpa_t gpa, void *data, unsigned int len);
int mkvm_write_guest(struct mkvm_vm *vm, gpa_t gpa, const void *data, unsigned long len);
bool mkvm_guest_writable(struct mkvm_vm *vm, gpa_t gpa, unsigned long len);
int mkvm_cmpxchg_guest(struct mkvm_vm *vm, gpa_t gpa, u64 *old, u64 new, unsigned int len);
int mkvm_cmpxchg16_guest(struct mkvm_vm *vm, gpa_t gpa, const u64 old[2], const u64 new[2]);

#endif
