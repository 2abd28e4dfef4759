// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters of every VM and vCPU under /sys/kernel/debug/minikvm.
 *
 * One directory per VM, <pid>-<number>, with one file per vCPU: a line "name value" for each
 * counter and for each exit reason that was seen. Written for people and scripts.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "virt/arch.h"
#include "virt/debugfs.h"

static struct dentry *root;

static int vcpu_show(struct seq_file *m, void *unused)
{
	struct mkvm_vcpu *vcpu = m->private;
	struct mkvm_vcpu_stats *stats = &vcpu->stats;
	unsigned int i;

	seq_printf(m, "exits %llu\n", READ_ONCE(stats->exits));
	seq_printf(m, "user_exits %llu\n", READ_ONCE(stats->user_exits));
	seq_printf(m, "halts %llu\n", READ_ONCE(stats->halts));
	seq_printf(m, "halt_wakeups %llu\n", READ_ONCE(stats->halt_wakeups));
	seq_printf(m, "halt_polls %llu\n", READ_ONCE(stats->halt_polls));
	seq_printf(m, "directed_yields %llu\n", READ_ONCE(stats->directed_yields));
	seq_printf(m, "irq_injections %llu\n", READ_ONCE(stats->irq_injections));
	seq_printf(m, "nmi_injections %llu\n", READ_ONCE(stats->nmi_injections));
	seq_printf(m, "tlb_flushes %llu\n", READ_ONCE(stats->tlb_flushes));
	seq_printf(m, "mmio_emulated %llu\n", READ_ONCE(stats->mmio_emulated));
	seq_printf(m, "ept_faults %llu\n", READ_ONCE(stats->ept_faults));
	for (i = 0; i < ARRAY_SIZE(stats->exits_by_reason); i++)
		if (stats->exits_by_reason[i])
			seq_printf(m, "exit[%u] %llu %s\n", i,
				   READ_ONCE(stats->exits_by_reason[i]),
				   arch_exit_reason_name(i));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vcpu);

static int state_show(struct seq_file *m, void *unused)
{
	struct mkvm_vm *vm = m->private;

	seq_printf(m, "owner %d\n", vm->owner_pid);
	seq_printf(m, "vcpus %d\n", READ_ONCE(vm->online_vcpus));
	seq_printf(m, "state %s\n", READ_ONCE(vm->dead) ? vm->dead_reason : "alive");
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(state);

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
}

/**
 * mkvm_debugfs_init() - make the module's directory
 */
void mkvm_debugfs_init(void)
{
	root = debugfs_create_dir("minikvm", NULL);
	arch_debugfs_init(root);
}

/**
 * mkvm_debugfs_exit() - remove the module's directory; no VM exists any more
 */
void mkvm_debugfs_exit(void)
{
	debugfs_remove_recursive(root);
}
