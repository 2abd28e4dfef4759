// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters of every VM and vCPU under /sys/kernel/debug/minikvm.
 *
 * One directory per VM, <pid>-<number>, with a file of the VM's own and one per vCPU: a line
 * "name value" for each row of the table (stats.c), and for each exit reason that was seen. A
 * file "owners" sums up by user. Written for people, scripts and `minikvm stat`.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "virt/announce.h"
#include "virt/arch.h"
#include "virt/debugfs.h"
#include "virt/latency.h"
#include "virt/owner.h"
#include "virt/state.h"
#include "virt/stats.h"

static struct dentry *root;

/* "name value"; of a histogram all buckets up to the last that is not empty. */
static void show_row(void *ctx, const struct mkvm_stat *stat, unsigned int size, const u64 *values)
{
	struct seq_file *m = ctx;
	unsigned int i;

	seq_printf(m, "%s", stat->name);
	while (size > 1 && !READ_ONCE(values[size - 1]))
		size--;
	for (i = 0; i < size; i++)
		seq_printf(m, " %llu", READ_ONCE(values[i]));
	seq_putc(m, '\n');
}

/* exit[30] 17 I/O instruction, and exit_hist[30]: nanoseconds in all, buckets */
static void show_reason(struct seq_file *m, struct mkvm_vcpu *vcpu, unsigned int reason)
{
	const struct mkvm_latency *latency = mkvm_latency(vcpu);
	u64 exits = READ_ONCE(vcpu->stats.exits_by_reason[reason]);
	const struct mkvm_hist *hist;
	unsigned int i, n;

	if (!exits)
		return;
	seq_printf(m, "exit[%u] %llu %s\n", reason, exits,
		   arch_exit_reason_name(reason) ?: "reserved exit reason");
	if (!latency)
		return;
	hist = &latency->reasons[reason];
	for (n = MKVM_HIST_BUCKETS; n && !READ_ONCE(hist->bucket[n - 1]); n--)
		;
	if (!n)
		return;
	seq_printf(m, "exit_hist[%u] %llu", reason, READ_ONCE(hist->sum));
	for (i = 0; i < n; i++)
		seq_printf(m, " %llu", READ_ONCE(hist->bucket[i]));
	seq_putc(m, '\n');
}

static int vcpu_show(struct seq_file *m, void *unused)
{
	struct mkvm_vcpu *vcpu = m->private;
	enum mkvm_why why;
	enum mkvm_state state = mkvm_vcpu_state(vcpu, &why);
	unsigned int i;

	mkvm_state_show(m, state, why);
	mkvm_announce_show(m, vcpu);
	mkvm_stats_each(vcpu->vm, vcpu, show_row, m);
	for (i = 0; i < MKVM_NR_EXIT_REASONS; i++)
		show_reason(m, vcpu, i);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vcpu);

static int state_show(struct seq_file *m, void *unused)
{
	struct mkvm_vm *vm = m->private;
	enum mkvm_why why;
	enum mkvm_state state = mkvm_vm_state(vm, &why);

	mkvm_state_show(m, state, why);
	if (state == MKVM_STATE_DEAD)
		seq_printf(m, "reason %s\n", READ_ONCE(vm->dead_reason) ?: "not said");
	if (state == MKVM_STATE_ZOMBIE)
		mkvm_vm_holders_show(m, vm);
	seq_printf(m, "owner %d\n", vm->owner_pid);
	seq_printf(m, "name %s\n", vm->name);
	seq_printf(m, "uid %u\n", mkvm_vm_uid(vm));
	mkvm_stats_each(vm, NULL, show_row, m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(state);

static int owners_show(struct seq_file *m, void *unused)
{
	mkvm_owners_show(m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(owners);

/**
 * mkvm_debugfs_add_vm() - make a VM's directory
 * @vm: the VM, under creation
 */
void mkvm_debugfs_add_vm(struct mkvm_vm *vm)
{
	char name[32];

	snprintf(name, sizeof(name), "%d-%u", vm->owner_pid, vm->number);
	vm->stats_dentry = debugfs_create_dir(name, root);
	debugfs_create_file("state", 0444, vm->stats_dentry, vm, &state_fops);
	arch_debugfs_add_vm(vm);
}

/**
 * mkvm_debugfs_remove_vm() - remove a VM's directory, and wait for its readers
 * @vm: the VM; its vCPUs still exist
 */
void mkvm_debugfs_remove_vm(struct mkvm_vm *vm)
{
	debugfs_remove_recursive(vm->stats_dentry);
}

/**
 * mkvm_debugfs_add_vcpu() - make a vCPU's file in its VM's directory
 * @vcpu: the vCPU, complete
 */
void mkvm_debugfs_add_vcpu(struct mkvm_vcpu *vcpu)
{
	char name[16];

	snprintf(name, sizeof(name), "vcpu%u", vcpu->id);
	debugfs_create_file(name, 0444, vcpu->vm->stats_dentry, vcpu, &vcpu_fops);
	arch_debugfs_add_vcpu(vcpu);
}

/**
 * mkvm_debugfs_init() - make the module's directory
 */
void mkvm_debugfs_init(void)
{
	root = debugfs_create_dir("minikvm", NULL);
	debugfs_create_file("owners", 0444, root, NULL, &owners_fops);
	arch_debugfs_init(root);
}

/**
 * mkvm_debugfs_exit() - remove the module's directory; no VM exists any more
 */
void mkvm_debugfs_exit(void)
{
	debugfs_remove_recursive(root);
}
