// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_run.immediate_exit has another name inside newer kernels, to remind of its writer in
 * userspace. Used by arch/x86/run/run.c.
 */
#include <linux/kvm.h>

unsigned char probe(struct kvm_run *run);
unsigned char probe(struct kvm_run *run)
{
	return run->immediate_exit__unsafe;
}
