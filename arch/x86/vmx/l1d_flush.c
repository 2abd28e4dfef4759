// SPDX-License-Identifier: GPL-2.0-only
/*
 * L1 terminal fault: nothing of the host's in the L1 data cache.
 *
 * The kernel's documentation, "L1TF - L1 Terminal Fault", "Guest mitigation mechanisms". On an
 * affected processor a guest can read what the L1 data cache holds; so it is emptied before the
 * guest runs. When is the kernel's choice (l1tf=, kvm-intel.vmentry_l1d_flush=): always, or only
 * after host code that may have left something there ("cond"). Processors without
 * IA32_FLUSH_CMD fill the cache with a buffer of zeros instead.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/gfp.h>
#include <linux/hardirq.h>
#include <linux/jump_label.h>
#include <linux/mm.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/vmx.h>

#include "arch/x86/vmx/l1d_flush.h"
#include "arch/x86/vmx/vmx_vcpu.h"

/* Twice the largest L1 data cache of the affected processors: replacement is not strictly LRU. */
#define FILL_ORDER	4
#define FILL_BYTES	(PAGE_SIZE << FILL_ORDER)

DEFINE_STATIC_KEY_FALSE(vmx_l1d_flush_key);
static bool flush_always __ro_after_init;
static void *fill_buffer __ro_after_init;

static enum vmx_l1d_flush_state kernels_choice(void)
{
	u64 capabilities = 0;

	if (!boot_cpu_has_bug(X86_BUG_L1TF))
		return VMENTER_L1D_FLUSH_NOT_REQUIRED;
	if (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES)) {
		rdmsrl(MSR_IA32_ARCH_CAPABILITIES, capabilities);
		if (capabilities & ARCH_CAP_SKIP_VMENTRY_L1DFLUSH)
			return VMENTER_L1D_FLUSH_NOT_REQUIRED;
	}
	if (l1tf_vmx_mitigation != VMENTER_L1D_FLUSH_AUTO)
		return l1tf_vmx_mitigation;
	switch (l1tf_mitigation) {
	case L1TF_MITIGATION_OFF:
		return VMENTER_L1D_FLUSH_NEVER;
	case L1TF_MITIGATION_FULL:
	case L1TF_MITIGATION_FULL_FORCE:
		return VMENTER_L1D_FLUSH_ALWAYS;
	default:
		return VMENTER_L1D_FLUSH_COND;
	}
}

/**
 * vmx_l1d_flush_init() - find out whether and when the cache must be emptied
 *
 * Return: 0, or -ENOMEM.
 */
int vmx_l1d_flush_init(void)
{
	enum vmx_l1d_flush_state choice = kernels_choice();
	struct page *page;

	if (choice != VMENTER_L1D_FLUSH_COND && choice != VMENTER_L1D_FLUSH_ALWAYS)
		return 0;
	if (!boot_cpu_has(X86_FEATURE_FLUSH_L1D)) {
		page = alloc_pages(GFP_KERNEL | __GFP_ZERO, FILL_ORDER);
		if (!page)
			return -ENOMEM;
		fill_buffer = page_address(page);
	}
	flush_always = choice == VMENTER_L1D_FLUSH_ALWAYS;
	static_branch_enable(&vmx_l1d_flush_key);
	return 0;
}

/**
 * vmx_l1d_flush_exit() - free the buffer; no guest runs any more
 */
void vmx_l1d_flush_exit(void)
{
	if (fill_buffer)
		free_pages((unsigned long)fill_buffer, FILL_ORDER);
}

static void fill(void)
{
	const char *p = fill_buffer, *end = p + FILL_BYTES;

	/* The translations first: a page walk in the middle would bring other lines in. */
	asm volatile(".set offset, 0\n\t"
		     ".rept %c1\n\t"
		     "mov offset(%0), %%al\n\t"
		     ".set offset, offset + %c2\n\t"
		     ".endr\n\t"
		     : : "r" (p), "i" (1 << FILL_ORDER), "i" (PAGE_SIZE) : "al", "memory");
	barrier_nospec();
	/* One load for each line of 64 bytes, a page at a time. */
	for (; p < end; p += PAGE_SIZE)
		asm volatile(".set offset, 0\n\t"
			     ".rept %c1 / 64\n\t"
			     "mov offset(%0), %%al\n\t"
			     ".set offset, offset + 64\n\t"
			     ".endr\n\t"
			     : : "r" (p), "i" (PAGE_SIZE) : "al", "memory");
	barrier_nospec();
}

/**
 * vmx_l1d_flush() - empty the L1 data cache if it may hold something of the host's
 * @vcpu: the vCPU that is about to run; arch.l1tf_flush says that host code ran for it
 *
 * Context: interrupts off, directly before entry; vmx_l1d_flush_key is on.
 */
void vmx_l1d_flush(struct mkvm_vcpu *vcpu)
{
	bool needed = vcpu->arch.l1tf_flush || kvm_get_cpu_l1tf_flush_l1d();

	vcpu->arch.l1tf_flush = false;
	kvm_clear_cpu_l1tf_flush_l1d();
	if (!needed && !flush_always)
		return;
	if (fill_buffer)
		fill();
	else
		native_wrmsrl(MSR_IA32_FLUSH_CMD, L1D_FLUSH);
}
