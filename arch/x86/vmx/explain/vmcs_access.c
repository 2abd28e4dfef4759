// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accesses of VMCS fields: their failures are told, their number is counted.
 *
 * SDM, "VMREAD", "VMWRITE". The accessors of vmcs.h are inlined all over the module; what they
 * share is here, below all who use them. Counting (a module built with COUNT_VMCS=y) is what
 * the benchmark shows as VMREADs and VMWRITEs per exit.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/debugfs.h>
#include <linux/irq_work.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/workqueue.h>

#include "arch/x86/vmx/explain/vmcs_access.h"
#include "arch/x86/vmx/explain/vmcs_field.h"
#include "arch/x86/vmx/vmcs.h"

/*
 * VMREAD and VMWRITE are everywhere, also where interrupts are off and under the run queue's lock,
 * where nothing may be printed and no thread be woken: the interrupt of irq_work is the way out.
 */
static struct {
	atomic_t count;
	unsigned long what;
} access_failure;

static void print_access_failure(struct work_struct *work)
{
	unsigned long what = READ_ONCE(access_failure.what), field = what & U16_MAX;
	int count = atomic_xchg(&access_failure.count, 0);

	pr_err_ratelimited("%s of field 0x%lx (%s) %s; %d such failures\n",
			   what & VMCS_FAILED_WRITE ? "VMWRITE" : "VMREAD", field,
			   vmcs_field_name(field),
			   what & VMCS_FAILED_FAULT ? "faulted: VMX is off on that CPU" :
						      "failed", count);
}

static DECLARE_WORK(access_failure_work, print_access_failure);

static void queue_access_failure(struct irq_work *work)
{
	schedule_work(&access_failure_work);
}

static DEFINE_IRQ_WORK(access_failure_irq_work, queue_access_failure);

/**
 * vmcs_access_failed() - a VMREAD or VMWRITE failed: name the field in the log, a little later
 * @what: its encoding and VMCS_FAILED_*
 *
 * Context: any; called by vmcs_failed_thunk().
 */
void vmcs_access_failed(unsigned long what)
{
	/* One of many is named. */
	if (atomic_inc_return(&access_failure.count) == 1)
		WRITE_ONCE(access_failure.what, what);
	irq_work_queue(&access_failure_irq_work);
}

/**
 * vmcs_access_exit() - print what is left to be printed; no VM exists
 */
void vmcs_access_exit(void)
{
	irq_work_sync(&access_failure_irq_work);
	flush_work(&access_failure_work);
}

#ifdef MINIKVM_COUNT_VMCS
DEFINE_PER_CPU(struct vmcs_access_count, vmcs_access_count);

static int vmcs_accesses_show(struct seq_file *m, void *unused)
{
	u64 reads = 0, writes = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		reads += per_cpu(vmcs_access_count, cpu).reads;
		writes += per_cpu(vmcs_access_count, cpu).writes;
	}
	seq_printf(m, "vmread %llu\nvmwrite %llu\n", reads, writes);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vmcs_accesses);

/**
 * vmcs_access_debugfs_init() - show the counters
 * @root: /sys/kernel/debug/minikvm
 */
void vmcs_access_debugfs_init(struct dentry *root)
{
	debugfs_create_file("vmcs_accesses", 0400, root, NULL, &vmcs_accesses_fops);
}
#endif
