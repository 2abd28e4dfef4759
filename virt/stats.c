// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of what is counted, and the parameter that asks for histograms.
 *
 * KVM's ABI, KVM_GET_STATS_FD: a row is a name, a unit and a value; names are KVM's where KVM
 * counts the same. debugfs.c and stats_fd.c print the rows, arch/x86/abi/stats.c adds those of x86.
 * What can be derived from what exists is computed when it is read. A value that moves meanwhile is
 * that of some moment during the read.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/ctype.h>
#include <linux/kstrtox.h>
#include <linux/kvm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/rcuwait.h>
#include <linux/sched.h>

#include "trace/keys.h"
#include "virt/arch.h"
#include "virt/latency.h"
#include "virt/memslot.h"
#include "virt/owner.h"
#include "virt/stats.h"

#define NS	(KVM_STATS_TYPE_CUMULATIVE | KVM_STATS_UNIT_SECONDS | KVM_STATS_BASE_POW10)
#define HIST	(KVM_STATS_TYPE_LOG_HIST | KVM_STATS_UNIT_SECONDS | KVM_STATS_BASE_POW10)
#define BYTES	(KVM_STATS_TYPE_INSTANT | KVM_STATS_UNIT_BYTES | KVM_STATS_BASE_POW2)
#define BOOLEAN	(KVM_STATS_TYPE_INSTANT | KVM_STATS_UNIT_BOOLEAN | KVM_STATS_BASE_POW10)

#define NANOSECONDS(text, member)				\
	{ .name = text, .flags = NS, .exponent = -9,		\
	  .offset = offsetof(struct mkvm_vcpu_stats, member) }

/* ---- what is computed ----------------------------------------------------------------------- */

/**
 * mkvm_vcpu_cpu_ns() - CPU time of the threads that ran a vCPU, each from its first KVM_RUN on
 * @vcpu: the vCPU
 *
 * It holds what the threads did outside of KVM_RUN, too: the VMM's part of the exits. The kernel
 * counts it at each tick of the clock and each switch of threads.
 *
 * Return: nanoseconds.
 */
u64 mkvm_vcpu_cpu_ns(struct mkvm_vcpu *vcpu)
{
	struct mkvm_vcpu_stats *stats = &vcpu->stats;
	struct task_struct *task;
	u64 now;

	rcu_read_lock();
	task = pid_task(rcu_dereference(vcpu->pid), PIDTYPE_PID);
	now = task ? READ_ONCE(task->se.sum_exec_runtime) : READ_ONCE(stats->cpu_seen_ns);
	rcu_read_unlock();
	/* The thread may change while its numbers are read. */
	return READ_ONCE(stats->cpu_past_ns) + max_t(s64, now - READ_ONCE(stats->cpu_start_ns), 0);
}

/**
 * mkvm_vcpu_cpu_takeover() - another thread is going to run a vCPU
 * @vcpu: the vCPU; the caller is that thread, vcpu->pid still the one before
 */
void mkvm_vcpu_cpu_takeover(struct mkvm_vcpu *vcpu)
{
	struct mkvm_vcpu_stats *stats = &vcpu->stats;

	WRITE_ONCE(stats->cpu_past_ns, mkvm_vcpu_cpu_ns(vcpu));
	WRITE_ONCE(stats->cpu_start_ns, current->se.sum_exec_runtime);
	WRITE_ONCE(stats->cpu_seen_ns, current->se.sum_exec_runtime);
}

static u64 blocking(struct mkvm_vcpu *vcpu)
{
	return rcuwait_active(&vcpu->wait);
}

/* Where a histogram has no memory, all its buckets are empty. */
static const u64 empty[MKVM_HIST_BUCKETS];

#define PHASE(name, phase)							\
	static u64 name##_ns(struct mkvm_vcpu *vcpu)				\
	{									\
		return mkvm_latency_ns(vcpu, phase);					\
	}									\
	static const u64 *name##_hist(struct mkvm_vcpu *vcpu)			\
	{									\
		const struct mkvm_latency *latency = mkvm_latency(vcpu);	\
										\
		return latency ? latency->phases[phase].bucket : empty;		\
	}

PHASE(userspace, MKVM_PHASE_USERSPACE)
PHASE(guest, MKVM_PHASE_GUEST)
PHASE(hot_loop, MKVM_PHASE_HOT_LOOP)
PHASE(slow_path, MKVM_PHASE_SLOW_PATH)
PHASE(halted, MKVM_PHASE_HALTED)

#define HALT_HIST(name, member)							\
	static const u64 *name(struct mkvm_vcpu *vcpu)				\
	{									\
		const struct mkvm_latency *latency = mkvm_latency(vcpu);	\
										\
		return latency ? latency->member.bucket : empty;		\
	}

HALT_HIST(poll_success_hist, poll_success)
HALT_HIST(poll_fail_hist, poll_fail)
HALT_HIST(wait_hist, wait)

/* ---- a vCPU's rows -------------------------------------------------------------------------- */

#define COMPUTED(text, fn)	{ .name = text, .flags = NS, .exponent = -9, .vcpu = fn }
#define HISTOGRAM(text, fn)	{ .name = text, .flags = HIST, .exponent = -9, .hist = fn }

static const struct mkvm_stat vcpu_stats[] = {
	MKVM_COUNTER("exits", exits),
	MKVM_COUNTER("user_exits", user_exits),
	MKVM_COUNTER("halt_exits", halts),
	MKVM_COUNTER("halt_wakeup", halt_wakeups),
	MKVM_COUNTER("halt_successful_poll", halt_polls),
	MKVM_COUNTER("halt_attempted_poll", halt_attempts),
	NANOSECONDS("halt_poll_success_ns", halt_poll_success_ns),
	NANOSECONDS("halt_poll_fail_ns", halt_poll_fail_ns),
	NANOSECONDS("halt_wait_ns", halt_wait_ns),
	HISTOGRAM("halt_poll_success_hist", poll_success_hist),
	HISTOGRAM("halt_poll_fail_hist", poll_fail_hist),
	HISTOGRAM("halt_wait_hist", wait_hist),
	{ .name = "blocking", .flags = BOOLEAN, .vcpu = blocking },
	MKVM_COUNTER("directed_yield_successful", directed_yields),
	MKVM_COUNTER("irq_injections", irq_injections),
	MKVM_COUNTER("nmi_injections", nmi_injections),
	MKVM_COUNTER("tlb_flush", tlb_flushes),
	MKVM_COUNTER("insn_emulation", mmio_emulated),
	MKVM_COUNTER("pf_taken", ept_faults),
	COMPUTED("cpu_ns", mkvm_vcpu_cpu_ns),
	NANOSECONDS("cpu_wait_ns", cpu_wait_ns),
	COMPUTED("userspace_ns", userspace_ns),
	COMPUTED("guest_ns", guest_ns),
	COMPUTED("hot_loop_ns", hot_loop_ns),
	COMPUTED("slow_path_ns", slow_path_ns),
	COMPUTED("halted_ns", halted_ns),
	HISTOGRAM("userspace_hist", userspace_hist),
	HISTOGRAM("guest_hist", guest_hist),
	HISTOGRAM("hot_loop_hist", hot_loop_hist),
	HISTOGRAM("slow_path_hist", slow_path_hist),
	HISTOGRAM("halted_hist", halted_hist),
	{ }
};

/* ---- a VM's rows ---------------------------------------------------------------------------- */

static void add_slots(struct mkvm_vm *vm, struct mkvm_vm_sums *sums)
{
	const struct mkvm_memslots *slots;
	unsigned int i;
	int idx;

	idx = srcu_read_lock(&vm->srcu);
	slots = mkvm_memslots(vm);
	sums->kernel_memory_bytes += struct_size(slots, slot, slots->nr);
	for (i = 0; i < slots->nr; i++) {
		const struct mkvm_memslot *slot = slots->slot[i];

		sums->guest_memory_bytes += slot->npages << PAGE_SHIFT;
		sums->kernel_memory_bytes += sizeof(*slot);
		if (mkvm_slot_logs_dirty(slot))
			sums->kernel_memory_bytes += mkvm_dirty_bitmap_bytes(slot->npages);
	}
	srcu_read_unlock(&vm->srcu, idx);
}

/**
 * mkvm_vm_add_sums() - what a VM has and took, added to other VMs'
 * @vm: the VM
 * @sums: where to
 *
 * Context: process.
 */
void mkvm_vm_add_sums(struct mkvm_vm *vm, struct mkvm_vm_sums *sums)
{
	u64 tables = arch_mmu_table_bytes(vm);
	struct mkvm_vcpu *vcpu;
	int i;

	mkvm_for_each_vcpu(i, vcpu, vm) {
		sums->exits += READ_ONCE(vcpu->stats.exits);
		sums->cpu_ns += mkvm_vcpu_cpu_ns(vcpu);
		/* The two pages are kvm_run and the data of KVM_EXIT_IO. */
		sums->kernel_memory_bytes += sizeof(*vcpu) + 2 * PAGE_SIZE + arch_vcpu_bytes(vcpu);
		if (mkvm_latency(vcpu))
			sums->kernel_memory_bytes += sizeof(*vcpu->latency);
	}
	sums->kernel_memory_bytes += sizeof(*vm) + tables;
	sums->page_table_bytes += tables;
	add_slots(vm, sums);
}

#define VM_SUM(member)							\
	static u64 vm_##member(struct mkvm_vm *vm)			\
	{								\
		struct mkvm_vm_sums sums = { 0 };			\
									\
		mkvm_vm_add_sums(vm, &sums);				\
		return sums.member;					\
	}

VM_SUM(exits)
VM_SUM(cpu_ns)
VM_SUM(guest_memory_bytes)
VM_SUM(kernel_memory_bytes)
VM_SUM(page_table_bytes)

static u64 vm_vcpus(struct mkvm_vm *vm)
{
	return mkvm_online_vcpus(vm);
}

/* The module pins no guest memory; VFIO does, in the name of the process, and mlock(). */
static u64 vm_pinned_bytes(struct mkvm_vm *vm)
{
	return (READ_ONCE(vm->mm->locked_vm) + atomic64_read(&vm->mm->pinned_vm)) << PAGE_SHIFT;
}

static const struct mkvm_stat vm_stats[] = {
	{ .name = "vcpus", .flags = MKVM_STAT_NOW, .vm = vm_vcpus },
	{ .name = "exits", .flags = MKVM_STAT_COUNT, .vm = vm_exits },
	{ .name = "cpu_ns", .flags = NS, .exponent = -9, .vm = vm_cpu_ns },
	{ .name = "guest_memory_bytes", .flags = BYTES, .vm = vm_guest_memory_bytes },
	{ .name = "pinned_bytes", .flags = BYTES, .vm = vm_pinned_bytes },
	{ .name = "kernel_memory_bytes", .flags = BYTES, .vm = vm_kernel_memory_bytes },
	{ .name = "page_table_bytes", .flags = BYTES, .vm = vm_page_table_bytes },
	{ }
};

/* ---- reading -------------------------------------------------------------------------------- */

static void vcpu_rows(const struct mkvm_stat *stat, struct mkvm_vcpu *vcpu, mkvm_stat_fn fn,
		      void *ctx)
{
	u64 value;

	for (; stat->name; stat++) {
		if (stat->hist) {
			fn(ctx, stat, MKVM_HIST_BUCKETS, stat->hist(vcpu));
			continue;
		}
		value = stat->vcpu ? stat->vcpu(vcpu) :
				     READ_ONCE(*(u64 *)((void *)&vcpu->stats + stat->offset));
		fn(ctx, stat, 1, &value);
	}
}

/**
 * mkvm_stats_each() - what is counted of a VM or a vCPU
 * @vm: the VM
 * @vcpu: the vCPU, or NULL for the VM itself
 * @fn: called for each row, always in the same order
 * @ctx: its first argument
 */
void mkvm_stats_each(struct mkvm_vm *vm, struct mkvm_vcpu *vcpu, mkvm_stat_fn fn, void *ctx)
{
	const struct mkvm_stat *stat;
	u64 value;

	if (vcpu) {
		vcpu_rows(vcpu_stats, vcpu, fn, ctx);
		vcpu_rows(arch_vcpu_stats, vcpu, fn, ctx);
		return;
	}
	for (stat = vm_stats; stat->name; stat++) {
		value = stat->vm(vm);
		fn(ctx, stat, 1, &value);
	}
}

/* "EPT violation" is ept_violation: names in KVM_GET_STATS_FD have neither blanks nor capitals. */
static void reason_stat_name(char *to, size_t size, const char *name, const char *suffix)
{
	size_t n = strscpy(to, "exit_", size);

	for (; *name && n < size - 1; name++) {
		if (isalnum(*name))
			to[n++] = tolower(*name);
		else if (to[n - 1] != '_' && *name != '/')
			to[n++] = '_';
	}
	if (to[n - 1] == '_')
		n--;
	strscpy(to + n, suffix, size - n);
}

/**
 * mkvm_stats_each_reason() - a vCPU's exits, and their latencies, by the reasons that have a name
 * @vcpu: the vCPU
 * @fn: called twice for each reason, always in the same order
 * @ctx: its first argument
 */
void mkvm_stats_each_reason(struct mkvm_vcpu *vcpu, mkvm_stat_fn fn, void *ctx)
{
	const struct mkvm_latency *latency = mkvm_latency(vcpu);
	char text[MKVM_STAT_NAME_SIZE];
	struct mkvm_stat count = { .name = text, .flags = MKVM_STAT_COUNT };
	struct mkvm_stat hist = { .name = text, .flags = HIST, .exponent = -9 };
	const char *name;
	unsigned int i;
	u64 value;

	for (i = 0; i < MKVM_NR_EXIT_REASONS; i++) {
		name = arch_exit_reason_name(i);
		if (!name)
			continue;
		reason_stat_name(text, sizeof(text), name, "");
		value = READ_ONCE(vcpu->stats.exits_by_reason[i]);
		fn(ctx, &count, 1, &value);
		reason_stat_name(text, sizeof(text), name, "_hist");
		fn(ctx, &hist, MKVM_HIST_BUCKETS, latency ? latency->reasons[i].bucket : empty);
	}
}

/* ---- the parameter -------------------------------------------------------------------------- */

static DEFINE_MUTEX(latency_lock);
static bool latency_stats;

static void ask_for_histograms(struct mkvm_vm *vm)
{
	mkvm_request_all_async(vm, MKVM_REQ_LATENCY);
}

static int set_latency_stats(const char *text, const struct kernel_param *param)
{
	bool on;
	int ret = kstrtobool(text, &on);

	if (ret)
		return ret;
	mutex_lock(&latency_lock);
	if (on && !latency_stats) {
		mkvm_latency_new_epoch();
		static_branch_enable(&mkvm_latency_key);
		trace_run_on();
		mkvm_owner_each_vm(ask_for_histograms);
	} else if (!on && latency_stats) {
		trace_run_off();
		static_branch_disable(&mkvm_latency_key);
	}
	latency_stats = on;
	mutex_unlock(&latency_lock);
	return 0;
}

static const struct kernel_param_ops latency_stats_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = set_latency_stats,
	.get = param_get_bool,
};
module_param_cb(latency_stats, &latency_stats_ops, &latency_stats, 0644);
MODULE_PARM_DESC(latency_stats, "measure where vCPUs' time goes: histograms in debugfs and KVM_GET_STATS_FD");
