// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asynchronous page faults: a guest that does something else while the host reads a page in.
 *
 * KVM's ABI, "MSR_KVM_ASYNC_PF_EN" and its neighbours. The guest gets #PF with a token in CR2
 * instead of a vCPU that sleeps; a worker reads the page; when it is there, the token comes back
 * by an interrupt, one at a time, each acknowledged. The worker knows the owner's memory and, as
 * long as there is one, the vCPU: a page that never comes (userfaultfd) keeps no VM from ending.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/kvm_para.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "arch/x86/event/inject.h"
#include "arch/x86/event/interruptibility.h"
#include "arch/x86/irq/lapic.h"
#include "arch/x86/pv/async_pf.h"
#include "arch/x86/vmx/vmx.h"
#include "trace/kvm_events.h"
#include "virt/guest_memory.h"
#include "virt/memslot.h"

#define MSR_BITS	GENMASK_ULL(5, 0)
#define MSR_RESERVED	GENMASK_ULL(5, 4)
#define WANTED		(KVM_ASYNC_PF_ENABLED | KVM_ASYNC_PF_DELIVERY_AS_INT)

/* A token: the vCPU, and which of its faults. All ones wake every task that waits in the guest. */
#define TOKEN_ID_SHIFT	12
#define TOKEN_EVERYBODY	(~0u)
static_assert(BIT(TOKEN_ID_SHIFT) >= MKVM_MAX_VCPU_ID);

#define MAX_PER_VCPU	64
/*
 * No more than there are workers: a page that never comes keeps its worker, and must not keep
 * another guest's page waiting for one.
 */
#define MAX_WORKERS	256

/**
 * struct async_pf - a page that is being read in
 * @work: the worker
 * @node: in arch.async_pf_faults, vCPU thread only
 * @lock: protects @vcpu
 * @vcpu: the vCPU that waits, NULL when it does not wait any more
 * @mm: the owner's, held by the worker
 * @hva: the address there
 * @gfn: the frame in the guest
 * @token: what the guest was given
 * @write: the page is wanted for writing
 * @ready: the worker is done
 * @refs: the list's and the worker's
 */
struct async_pf {
	struct work_struct work;
	struct list_head node;
	spinlock_t lock;
	struct mkvm_vcpu *vcpu;
	struct mm_struct *mm;
	unsigned long hva;
	gfn_t gfn;
	u32 token;
	bool write, ready;
	refcount_t refs;
};

static struct workqueue_struct *workers;
static atomic_t nr_workers;

/**
 * async_pf_module_init() - make the cache of faults
 *
 * Return: 0 or -ENOMEM.
 */
int async_pf_module_init(void)
{
	workers = alloc_workqueue("minikvm_async_pf", WQ_UNBOUND, MAX_WORKERS);
	return workers ? 0 : -ENOMEM;
}

/**
 * async_pf_module_exit() - free the cache of faults
 *
 * No VM exists any more. Waits for the threads that are just waking a vCPU.
 */
void async_pf_module_exit(void)
{
	destroy_workqueue(workers);
}

/**
 * async_pf_vcpu_init() - a new vCPU waits for no page
 * @vcpu: the vCPU, not visible yet
 */
void async_pf_vcpu_init(struct mkvm_vcpu *vcpu)
{
	INIT_LIST_HEAD(&vcpu->arch.async_pf_faults);
}

static void put(struct async_pf *fault)
{
	if (refcount_dec_and_test(&fault->refs))
		kfree(fault);
}

static void read_page(struct work_struct *work)
{
	struct async_pf *fault = container_of(work, struct async_pf, work);
	unsigned int flags = FAULT_FLAG_REMOTE | (fault->write ? FAULT_FLAG_WRITE : 0);
	struct mm_struct *mm = fault->mm;
	bool unlocked = false;

	/* If it fails, the vCPU will find the same when the guest comes back to the page. */
	mmap_read_lock(mm);
	fixup_user_fault(mm, fault->hva, flags, &unlocked);
	mmap_read_unlock(mm);

	trace_kvm_async_pf_completed(fault->hva, fault->gfn << PAGE_SHIFT);
	spin_lock(&fault->lock);
	/* Pairs with the load in first_ready(). */
	smp_store_release(&fault->ready, true);
	if (fault->vcpu) {
		mkvm_make_request(MKVM_REQ_ASYNC_PF, fault->vcpu);
		mkvm_vcpu_kick(fault->vcpu);
	}
	spin_unlock(&fault->lock);
	put(fault);
	mmput(mm);
	atomic_dec(&nr_workers);
	/* What is left of this function is waited for in async_pf_module_exit(). */
	module_put(THIS_MODULE);
}

static void drop(struct mkvm_vcpu *vcpu, struct async_pf *fault)
{
	list_del(&fault->node);
	vcpu->arch.nr_async_pf--;
	spin_lock(&fault->lock);
	fault->vcpu = NULL;
	spin_unlock(&fault->lock);
	put(fault);
}

static void drop_all(struct mkvm_vcpu *vcpu)
{
	struct async_pf *fault, *next;

	list_for_each_entry_safe(fault, next, &vcpu->arch.async_pf_faults, node)
		drop(vcpu, fault);
	vcpu->arch.async_pf_wake_all = false;
}

/**
 * async_pf_forget() - drop the faults of a vCPU: the guest is not told of them any more
 * @vcpu: the vCPU, at RESET, INIT, its end, or when its guest switches this off
 */
void async_pf_forget(struct mkvm_vcpu *vcpu)
{
	drop_all(vcpu);
	vcpu->arch.async_pf_enable = 0;
	vcpu->arch.async_pf_vector = 0;
}

static bool enabled(const struct mkvm_vcpu *vcpu)
{
	return (vcpu->arch.async_pf_enable & WANTED) == WANTED;
}

static gpa_t area(const struct mkvm_vcpu *vcpu)
{
	return vcpu->arch.async_pf_enable & ~MSR_BITS;
}

/**
 * async_pf_write_enable() - WRMSR of MSR_KVM_ASYNC_PF_EN
 * @vcpu: loaded vCPU
 * @data: guest-physical address of its structure, aligned to 64 bytes, and KVM_ASYNC_PF_* bits
 *
 * The first token makes every task that waits in the guest look again: after a migration the pages
 * that they wait for are reported by no other.
 *
 * Return: 0, or 1 for #GP.
 */
int async_pf_write_enable(struct mkvm_vcpu *vcpu, u64 data)
{
	if (data & MSR_RESERVED)
		return 1;
	/* It ends in an interrupt, and without a LAPIC of ours there is no way to raise one. */
	if (!vcpu->arch.apic)
		return data ? 1 : 0;
	if ((data & WANTED) == WANTED && !mkvm_gfn_to_slot(vcpu->vm, data >> PAGE_SHIFT))
		return 1;
	vcpu->arch.async_pf_enable = data;
	if (!enabled(vcpu)) {
		drop_all(vcpu);
	} else {
		vcpu->arch.async_pf_wake_all = true;
		mkvm_make_request(MKVM_REQ_ASYNC_PF, vcpu);
	}
	return 0;
}

/**
 * async_pf_write_vector() - WRMSR of MSR_KVM_ASYNC_PF_INT
 * @vcpu: loaded vCPU
 * @data: the vector of "page ready"
 *
 * Return: 0, or 1 for #GP.
 */
int async_pf_write_vector(struct mkvm_vcpu *vcpu, u64 data)
{
	if (!vcpu->arch.apic)
		return data ? 1 : 0;
	if (data > 0xff)
		return 1;
	vcpu->arch.async_pf_vector = data;
	return 0;
}

/**
 * async_pf_ack() - WRMSR of MSR_KVM_ASYNC_PF_ACK: the guest has taken a token
 * @vcpu: loaded vCPU
 * @data: bit 0, or nothing happens
 *
 * The guest can take the next one.
 */
void async_pf_ack(struct mkvm_vcpu *vcpu, u64 data)
{
	if (data & 1)
		mkvm_make_request(MKVM_REQ_ASYNC_PF, vcpu);
}

/**
 * async_pf_allowed() - may the guest be told of a page that is not there?
 * @vcpu: loaded vCPU, after an exit
 * @gfn: the page's frame
 *
 * Return: true if it wants to hear of them, an exception would reach it now, and it does not wait
 * for this page already.
 */
bool async_pf_allowed(struct mkvm_vcpu *vcpu, gfn_t gfn)
{
	const struct mkvm_arch_vcpu *arch = &vcpu->arch;
	struct async_pf *fault;

	if (likely(!enabled(vcpu)))
		return false;
	if (arch->exception.pending || arch->exception.injected || arch->interrupt.injected ||
	    arch->nmi_injected || !event_interrupt_allowed(vcpu))
		return false;
	if (!(arch->async_pf_enable & KVM_ASYNC_PF_SEND_ALWAYS) && !vmx_get_code(vcpu).cpl)
		return false;
	if (arch->nr_async_pf >= MAX_PER_VCPU)
		return false;
	list_for_each_entry(fault, &arch->async_pf_faults, node) {
		if (fault->gfn == gfn)
			return false;
	}
	return true;
}

/**
 * async_pf_start() - have a page read in, and tell the guest
 * @vcpu: loaded vCPU, for which async_pf_allowed() was true; vm->srcu read-held, may sleep
 * @gfn: the page's frame
 * @hva: its address in the owner
 * @write: the guest wants to write to it
 *
 * Return: true when a "page not present" was raised; false when the caller must wait itself.
 */
bool async_pf_start(struct mkvm_vcpu *vcpu, gfn_t gfn, unsigned long hva, bool write)
{
	const u32 reason = KVM_PV_REASON_PAGE_NOT_PRESENT;
	struct mkvm_arch_vcpu *arch = &vcpu->arch;
	struct async_pf *fault;

	trace_kvm_try_async_get_page(gfn << PAGE_SHIFT, gfn);
	if (atomic_inc_return(&nr_workers) > MAX_WORKERS)
		goto busy;
	fault = kzalloc(sizeof(*fault), GFP_KERNEL_ACCOUNT);
	if (!fault)
		goto busy;
	if (mkvm_write_guest(vcpu->vm, area(vcpu) + offsetof(struct kvm_vcpu_pv_apf_data, flags),
			     &reason, sizeof(reason))) {
		kfree(fault);
		goto busy;
	}

	INIT_WORK(&fault->work, read_page);
	spin_lock_init(&fault->lock);
	refcount_set(&fault->refs, 2);
	fault->vcpu = vcpu;
	fault->mm = current->mm;
	fault->hva = hva;
	fault->gfn = gfn;
	fault->write = write;
	/* Never 0, which in the guest's structure means that there is no token. */
	arch->async_pf_last_id = arch->async_pf_last_id % (BIT(31 - TOKEN_ID_SHIFT) - 1) + 1;
	fault->token = arch->async_pf_last_id << TOKEN_ID_SHIFT | vcpu->id;
	list_add_tail(&fault->node, &arch->async_pf_faults);
	arch->nr_async_pf++;

	mmget(fault->mm);
	__module_get(THIS_MODULE);
	queue_work(workers, &fault->work);
	trace_kvm_async_pf_not_present(fault->token, gfn << PAGE_SHIFT);
	inject_page_fault(vcpu, fault->token, 0);
	return true;
busy:
	atomic_dec(&nr_workers);
	return false;
}

static struct async_pf *first_ready(struct mkvm_vcpu *vcpu)
{
	struct async_pf *fault;

	list_for_each_entry(fault, &vcpu->arch.async_pf_faults, node) {
		/* Pairs with the store in read_page(): the page is there. */
		if (smp_load_acquire(&fault->ready))
			return fault;
	}
	return NULL;
}

/**
 * async_pf_tell_ready() - MKVM_REQ_ASYNC_PF: tell of a page that has come, if the guest can hear it
 * @vcpu: loaded vCPU, vm->srcu read-held
 */
void async_pf_tell_ready(struct mkvm_vcpu *vcpu)
{
	struct lapic_irq irq = {
		.vector = vcpu->arch.async_pf_vector,
		.delivery_mode = DM_FIXED,
		.shorthand = DSH_SELF,
		.level = true,
	};
	gpa_t gpa = area(vcpu) + offsetof(struct kvm_vcpu_pv_apf_data, token);
	struct async_pf *fault;
	u32 token;

	/* Until the guest has cleared the last token there is no room: it will say so. */
	if (!enabled(vcpu) || !lapic_sw_enabled(vcpu) ||
	    mkvm_read_guest(vcpu->vm, gpa, &token, sizeof(token)) || token)
		return;
	fault = first_ready(vcpu);
	if (vcpu->arch.async_pf_wake_all)
		token = TOKEN_EVERYBODY;
	else if (fault)
		token = fault->token;
	else
		return;
	if (mkvm_write_guest(vcpu->vm, gpa, &token, sizeof(token)))
		return;
	trace_kvm_async_pf_ready(token, token == TOKEN_EVERYBODY ? 0 : fault->gfn << PAGE_SHIFT);
	if (token == TOKEN_EVERYBODY)
		vcpu->arch.async_pf_wake_all = false;
	else
		drop(vcpu, fault);
	lapic_deliver(vcpu->vm, vcpu, &irq);
}
