// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's descriptor and its thread.
 *
 * KVM's ABI, "vCPU ioctls". The thread that issues KVM_RUN is the vCPU; a preempt notifier
 * takes the hardware state off the CPU when the scheduler takes the thread off. How other
 * threads get its attention is in virt/request.c.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "trace/keys.h"
#include "trace/kvm_events.h"
#include "trace/minikvm_events.h"
#include "virt/arch.h"
#include "virt/capability.h"
#include "virt/coalesced_io.h"
#include "virt/debugfs.h"
#include "virt/ioctl.h"
#include "virt/latency.h"
#include "virt/owner.h"
#include "virt/state.h"
#include "virt/stats_fd.h"

static void sched_in(struct preempt_notifier *notifier, int cpu)
{
	struct mkvm_vcpu *vcpu = container_of(notifier, struct mkvm_vcpu, notifier);

	arch_vcpu_load(vcpu, cpu);
	vcpu->stats.cpu_wait_ns += current->sched_info.run_delay - vcpu->stats.run_delay_seen;
	WRITE_ONCE(vcpu->preempted, false);
	WRITE_ONCE(vcpu->ready, false);
	WRITE_ONCE(vcpu->cpu, cpu);
}

static void sched_out(struct preempt_notifier *notifier, struct task_struct *next)
{
	struct mkvm_vcpu *vcpu = container_of(notifier, struct mkvm_vcpu, notifier);

	WRITE_ONCE(vcpu->preempted, true);
	if (compat_task_runnable(current))
		WRITE_ONCE(vcpu->ready, true);
	vcpu->stats.run_delay_seen = current->sched_info.run_delay;
	vcpu->stats.cpu_seen_ns = current->se.sum_exec_runtime;
	arch_vcpu_put(vcpu);
}

static struct preempt_ops preempt_ops = { .sched_in = sched_in, .sched_out = sched_out };

/**
 * mkvm_vcpu_load() - load a vCPU's hardware state on this CPU, and on each to which its thread goes
 * @vcpu: the vCPU; vcpu->mutex held, or it is not visible yet
 *
 * Context: process; until mkvm_vcpu_put(), in the same thread.
 */
void mkvm_vcpu_load(struct mkvm_vcpu *vcpu)
{
	int cpu = get_cpu();

	preempt_notifier_register(&vcpu->notifier);
	arch_vcpu_load(vcpu, cpu);
	WRITE_ONCE(vcpu->cpu, cpu);
	put_cpu();
}

/**
 * mkvm_vcpu_put() - undo mkvm_vcpu_load()
 * @vcpu: the vCPU
 */
void mkvm_vcpu_put(struct mkvm_vcpu *vcpu)
{
	preempt_disable();
	arch_vcpu_put(vcpu);
	preempt_notifier_unregister(&vcpu->notifier);
	preempt_enable();
}

static long set_signal_mask(struct mkvm_call *call)
{
	struct mkvm_vcpu *vcpu = call->vcpu;
	void __user *user = mkvm_call_user(call);
	struct kvm_signal_mask args;
	sigset_t set;

	if (!user) {
		vcpu->sigset_active = false;
		return 0;
	}
	if (copy_from_user(&args, user, sizeof(args)))
		return -EFAULT;
	if (args.len != sizeof(set)) {
		mkvm_refuse(vcpu->vm, "KVM_SET_SIGNAL_MASK: length %u, must be %zu", args.len,
			    sizeof(set));
		return -EINVAL;
	}
	if (copy_from_user(&set, user + sizeof(args), sizeof(set)))
		return -EFAULT;
	sigdelsetmask(&set, sigmask(SIGKILL) | sigmask(SIGSTOP));
	vcpu->sigset = set;
	vcpu->sigset_active = true;
	return 0;
}

/* Another thread runs the vCPU from now on. */
static noinline void thread_changed(struct mkvm_vcpu *vcpu)
{
	struct pid *old = rcu_dereference_protected(vcpu->pid, lockdep_is_held(&vcpu->mutex));

	mkvm_vcpu_cpu_takeover(vcpu);
	rcu_assign_pointer(vcpu->pid, get_task_pid(current, PIDTYPE_PID));
	if (old) {
		synchronize_rcu();
		put_pid(old);
	}
}

static __always_inline long load_and_run(struct mkvm_vcpu *vcpu)
{
	long ret;

	mkvm_vcpu_load(vcpu);
	ret = arch_vcpu_run(vcpu);
	mkvm_vcpu_put(vcpu);
	return ret;
}

/* Out of line: what is not watched pays for the test alone. */
static noinline long run_watched(struct mkvm_vcpu *vcpu)
{
	bool ran = vcpu->stats.exits;
	long ret;

	mkvm_phase(vcpu, MKVM_PHASE_SLOW_PATH);
	trace_minikvm_vcpu_state(vcpu->vm->number, vcpu->id,
				 ran ? MKVM_STATE_PENDING : MKVM_STATE_READY, MKVM_STATE_RUNNING,
				 ran ? MKVM_WHY_USERSPACE : MKVM_WHY_NONE);
	mkvm_vcpu_load(vcpu);
	trace_kvm_fpu(1);
	ret = arch_vcpu_run(vcpu);
	trace_kvm_fpu(0);
	trace_kvm_userspace_exit(vcpu->run->exit_reason, ret);
	mkvm_vcpu_put(vcpu);
	trace_minikvm_vcpu_state(vcpu->vm->number, vcpu->id, MKVM_STATE_RUNNING,
				 MKVM_STATE_PENDING, MKVM_WHY_USERSPACE);
	mkvm_phase(vcpu, MKVM_PHASE_USERSPACE);
	return ret;
}

static long run(struct mkvm_vcpu *vcpu)
{
	long ret;

	if (unlikely(rcu_access_pointer(vcpu->pid) != task_pid(current)))
		thread_changed(vcpu);
	if (vcpu->sigset_active)
		sigprocmask(SIG_SETMASK, &vcpu->sigset, &current->real_blocked);
	ret = trace_run() ? run_watched(vcpu) : load_and_run(vcpu);
	if (vcpu->sigset_active) {
		sigprocmask(SIG_SETMASK, &current->real_blocked, NULL);
		sigemptyset(&current->real_blocked);
	}
	return ret;
}

static long run_row(struct mkvm_call *call)
{
	return run(call->vcpu);
}

static long get_stats_fd(struct mkvm_call *call)
{
	return mkvm_vcpu_stats_fd(call->vcpu);
}

static const struct mkvm_ioctl rows[] = {
	MKVM_IOCTL(KVM_RUN, run_row, .around = MKVM_NO_ARG),
	MKVM_IOCTL(KVM_SET_SIGNAL_MASK, set_signal_mask),
	MKVM_IOCTL_COPY(KVM_ENABLE_CAP, mkvm_enable_cap),
	MKVM_IOCTL(KVM_GET_STATS_FD, get_stats_fd),
	{ }
};

const struct mkvm_ioctl_set mkvm_vcpu_ioctls = {
	.of = "a vCPU",
	.rows = rows,
	.arch_rows = arch_vcpu_ioctls,
	.unknown = -EINVAL,
};

static noinline long by_table(struct mkvm_vcpu *vcpu, unsigned int cmd, unsigned long arg)
{
	struct mkvm_call call = { .cmd = cmd, .arg = arg, .vm = vcpu->vm, .vcpu = vcpu };

	return mkvm_ioctl(&mkvm_vcpu_ioctls, &call);
}

static noinline long run_failed(struct mkvm_vcpu *vcpu, u64 began, long err)
{
	const struct mkvm_call call = {
		.cmd = KVM_RUN, .vm = vcpu->vm, .vcpu = vcpu, .began = began,
	};

	return mkvm_ioctl_failed(&mkvm_vcpu_ioctls, &call, err);
}

static long vcpu_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	struct mkvm_vcpu *vcpu = filp->private_data;
	u64 began;
	long ret;

	if (unlikely(cmd != KVM_RUN || arg))
		return by_table(vcpu, cmd, arg);
	/* What mkvm_ioctl() does for the row of KVM_RUN, without a search and an indirect call. */
	began = mkvm_refuse_begin(&vcpu->vm->refusals);
	ret = mkvm_vm_may_use(vcpu->vm);
	if (unlikely(ret))
		return run_failed(vcpu, began, ret);
	if (mutex_lock_killable(&vcpu->mutex))
		return -EINTR;
	ret = run(vcpu);
	mutex_unlock(&vcpu->mutex);
	return unlikely(ret < 0) ? run_failed(vcpu, began, ret) : ret;
}

static vm_fault_t vcpu_fault(struct vm_fault *vmf)
{
	struct mkvm_vcpu *vcpu = vmf->vma->vm_file->private_data;
	void *data = vmf->pgoff ? vcpu->pio_data : vcpu->run;

	if (vmf->pgoff > KVM_COALESCED_MMIO_PAGE_OFFSET)
		return VM_FAULT_SIGBUS;
	if (vmf->pgoff == KVM_COALESCED_MMIO_PAGE_OFFSET)
		data = mkvm_coalesced_ring(vcpu->vm);
	if (!data)
		return VM_FAULT_OOM;
	vmf->page = virt_to_page(data);
	get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct vcpu_vm_ops = { .fault = vcpu_fault };

static int vcpu_mmap(struct file *filp, struct vm_area_struct *vma)
{
	vma->vm_ops = &vcpu_vm_ops;
	return 0;
}

static int vcpu_release(struct inode *inode, struct file *filp)
{
	struct mkvm_vcpu *vcpu = filp->private_data;

	mkvm_vm_put(vcpu->vm);
	return 0;
}

static const struct file_operations vcpu_fops = {
	.owner = THIS_MODULE,
	.release = vcpu_release,
	.unlocked_ioctl = vcpu_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = vcpu_mmap,
	.llseek = noop_llseek,
};

static void vcpu_free(struct mkvm_vcpu *vcpu)
{
	put_pid(rcu_dereference_protected(vcpu->pid, true));
	free_page((unsigned long)vcpu->run);
	free_page((unsigned long)vcpu->pio_data);
	kvfree(vcpu->latency);
	kvfree(vcpu);
}

static struct mkvm_vcpu *vcpu_alloc(struct mkvm_vm *vm, u32 id)
{
	struct mkvm_vcpu *vcpu = kvzalloc(sizeof(*vcpu), GFP_KERNEL_ACCOUNT);

	if (!vcpu)
		return NULL;
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->cpu = -1;
	mutex_init(&vcpu->mutex);
	rcuwait_init(&vcpu->wait);
	mkvm_announce_init(vcpu);
	preempt_notifier_init(&vcpu->notifier, &preempt_ops);
	vcpu->run = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	vcpu->pio_data = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!vcpu->run || !vcpu->pio_data) {
		vcpu_free(vcpu);
		return NULL;
	}
	return vcpu;
}

/**
 * mkvm_vcpu_destroy() - free a vCPU that no descriptor refers to any more
 * @vcpu: the vCPU
 */
void mkvm_vcpu_destroy(struct mkvm_vcpu *vcpu)
{
	arch_vcpu_destroy(vcpu);
	vcpu_free(vcpu);
}

/* Is there room, and is the number free? */
static int reserve(struct mkvm_vm *vm, unsigned long id)
{
	u32 limit = vm->max_vcpu_ids ?: MKVM_MAX_VCPU_ID;

	if (id >= limit) {
		mkvm_refuse(vm, "KVM_CREATE_VCPU: id %lu, must be below %u", id, limit);
		return -EINVAL;
	}
	if (vm->online_vcpus >= MKVM_MAX_VCPUS) {
		mkvm_refuse(vm, "KVM_CREATE_VCPU: there are %d vCPUs already, which is the limit",
			    MKVM_MAX_VCPUS);
		return -EINVAL;
	}
	if (mkvm_vcpu_by_id(vm, id)) {
		mkvm_refuse(vm, "KVM_CREATE_VCPU: there is a vCPU %lu already", id);
		return -EEXIST;
	}
	return arch_vcpu_precreate(vm, id);
}

/**
 * mkvm_vcpu_create() - KVM_CREATE_VCPU
 * @vm: the VM; vm->lock is held, so that no other thread creates the same number meanwhile
 * @id: its number, also its APIC ID; all bits of the ioctl's argument
 *
 * Return: a new descriptor; -EINVAL for a number out of range, -EEXIST for one in use;
 * -ENOSPC: max_vcpus_per_user; -ENOMEM, -EMFILE.
 */
int mkvm_vcpu_create(struct mkvm_vm *vm, unsigned long id)
{
	struct mkvm_vcpu *vcpu;
	struct file *file;
	int fd, ret;

	lockdep_assert_held(&vm->lock);
	ret = reserve(vm, id);
	if (ret)
		return ret;
	ret = mkvm_owner_charge_vcpu(vm);
	if (ret)
		return ret;
	fd = get_unused_fd_flags(O_RDWR | O_CLOEXEC);
	ret = fd;
	if (fd < 0)
		goto out_charge;
	ret = -ENOMEM;
	vcpu = vcpu_alloc(vm, id);
	if (!vcpu)
		goto out_fd;
	vcpu->idx = vm->online_vcpus;
	ret = arch_vcpu_create(vcpu);
	if (ret)
		goto out_free;
	mkvm_vcpu_load(vcpu);
	arch_vcpu_power_up(vcpu);
	mkvm_vcpu_put(vcpu);
	file = anon_inode_getfile("kvm-vcpu", &vcpu_fops, vcpu, O_RDWR);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		goto out_arch;
	}
	mkvm_vm_get(vm);	/* vcpu_release() drops it */
	vm->vcpus[vcpu->idx] = vcpu;
	/* Pairs with smp_load_acquire() in mkvm_for_each_vcpu(). */
	smp_store_release(&vm->online_vcpus, vcpu->idx + 1);
	arch_vcpu_postcreate(vcpu);
	if (mkvm_latency_on())
		mkvm_make_request(MKVM_REQ_LATENCY, vcpu);
	mkvm_debugfs_add_vcpu(vcpu);
	trace_minikvm_vcpu_state(vm->number, id, MKVM_STATE_INIT,
				 arch_vcpu_waits_for_start(vcpu) ? MKVM_STATE_INIT :
								   MKVM_STATE_READY, 0);
	/* Last: from here on userspace can reach it. */
	fd_install(fd, file);
	return fd;

out_arch:
	arch_vcpu_destroy(vcpu);
out_free:
	vcpu_free(vcpu);
out_fd:
	put_unused_fd(fd);
out_charge:
	mkvm_owner_uncharge_vcpu(vm);
	return ret;
}
