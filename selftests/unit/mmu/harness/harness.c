// SPDX-License-Identifier: GPL-2.0-only
/*
 * harness.c - guest memory without a guest: a test module that links the real virt/ and
 * arch/x86/mmu/ files and is itself the processor.
 *
 * A software vCPU translates through the EPT as the SDM describes it, with a TLB that is only
 * emptied when the code under test asks for it, accessed and dirty flags, and PML. So a missing
 * flush, a table freed too early or a lost dirty page shows on any machine, with or without
 * VT-x, at full speed and on several CPUs. Never part of minikvm.ko.
 */
#define pr_fmt(fmt) "mmu-harness: " fmt

#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/uaccess.h>

#include "arch/x86/pv/async_pf.h"
#include "arch/x86/mmu/ept_table.h"
#include "arch/x86/vmx/vmx.h"
#include "harness.h"
#include "virt/arch.h"
#include "virt/dirty_log.h"
#include "virt/host_page.h"
#include "virt/memory_region.h"
#include "virt/memslot.h"
#include "virt/mmu_notifier.h"
#include "virt/state.h"

#define TLB_ENTRIES	64
#define HOLD_LIMIT	(60 * HZ)

struct vmx_caps vmx_caps;
static int hold_next;
static DECLARE_COMPLETION(held);
static DECLARE_COMPLETION(released);

struct soft_tlb {
	long generation;
	gfn_t gfn;
	u64 entry;
	int level;
};

struct soft_vcpu {
	struct mkvm_vcpu vcpu;
	struct soft_tlb tlb[TLB_ENTRIES];
};

struct harness {
	struct mkvm_vm vm;
	atomic_long_t tlb_generation;
	atomic_long_t flushes;
	struct soft_vcpu *cpu[HARNESS_VCPUS];
};

/*
 * The moment between looking a page up and entering it is the one that the whole protocol of
 * virt/mmu_notifier.h is about: make it long now and then, or as long as a test wants it. (The
 * linker puts this in between.)
 */
int __wrap_mkvm_host_page_get(struct mkvm_vm *vm, unsigned long hva, unsigned int how,
			      struct mkvm_host_page *hp)
{
	int r = __real_mkvm_host_page_get(vm, hva, how, hp);

	if (xchg(&hold_next, 0)) {
		complete(&held);
		wait_for_completion_killable_timeout(&released, HOLD_LIMIT);
	} else if (get_random_u32() % 64 == 0) {
		usleep_range(100, 2000);
	}
	return r;
}

static int hold_ioctl(unsigned long what)
{
	switch (what) {
	case HOLD_NEXT:
		reinit_completion(&held);
		reinit_completion(&released);
		xchg(&hold_next, 1);
		return 0;
	case HOLD_WAIT:
		return wait_for_completion_killable_timeout(&held, HOLD_LIMIT) > 0 ? 0 : -ETIME;
	case HOLD_END:
		complete(&released);
		return 0;
	}
	return -EINVAL;
}

/* No LAPIC, whose page no slot may have. */
const char *arch_gfns_reserved(struct mkvm_vm *vm, gfn_t base, u64 npages)
{
	return NULL;
}

/* There is no guest here to be told that a page is not there: arch/x86/pv/async_pf.c. */
bool async_pf_allowed(struct mkvm_vcpu *vcpu, gfn_t gfn)
{
	return false;
}

bool async_pf_start(struct mkvm_vcpu *vcpu, gfn_t gfn, unsigned long hva, bool write)
{
	return false;
}

static void acknowledge(void *unused)
{
}

/* There are no vCPUs whose state could be traced. */
void mkvm_state_trace_zombie(struct mkvm_vm *vm)
{
}

/* What minikvm.ko does with INVEPT and an IPI. */
void mkvm_make_all_request(struct mkvm_vm *vm, enum mkvm_request req)
{
	struct harness *h = container_of(vm, struct harness, vm);

	if (req != MKVM_REQ_TLB_FLUSH)
		return;
	atomic_long_inc(&h->flushes);
	atomic_long_inc(&h->tlb_generation);
	/* A CPU that fills its TLB from now on must see the new number, or the changed entry. */
	smp_mb__after_atomic();
	/* An access runs with interrupts off: when all have answered, the old ones are over. */
	on_each_cpu(acknowledge, NULL, 1);
}

/* Interrupts are off. The leaf for @gfn by a walk that takes no lock, as the processor's. */
static u64 *hardware_walk(struct mkvm_vm *vm, gfn_t gfn, int *levelp)
{
	u64 *table = READ_ONCE(vm->arch.ept.pml4);
	int level;

	for (level = vm->arch.ept.levels; level; level--) {
		u64 *e = &table[ept_index(gfn, level)];
		u64 val = READ_ONCE(*e);

		if (!ept_present(val))
			return NULL;
		if (ept_is_leaf(val, level)) {
			*levelp = level;
			return e;
		}
		table = ept_table(val);
	}
	return NULL;
}

/*
 * Fill a TLB entry, with flags set as for @write; false is an EPT violation, and *@allowed is
 * then what the leaf that was found allowed.
 */
static bool tlb_fill(struct harness *h, struct soft_tlb *tlb, gfn_t gfn, u64 need, bool write,
		     bool *logged, u64 *allowed)
{
	u64 flags, val, *e;
	int level;

	*allowed = 0;
	tlb->generation = atomic_long_read(&h->tlb_generation);
	/* The number is older than the entry; pairs with mkvm_make_all_request(). */
	smp_rmb();
	e = hardware_walk(&h->vm, gfn, &level);
	if (!e)
		return false;
	val = READ_ONCE(*e);
	do {
		if (!ept_present(val) || !ept_is_leaf(val, level) || (need & ~val)) {
			*allowed = val & EPT_RWX;
			return false;
		}
		if (!vmx_caps.ept_ad)
			break;
		flags = EPT_ACCESSED | (write ? EPT_DIRTY : 0);
		*logged = write && !(val & EPT_DIRTY);
		if ((val & flags) == flags)
			break;
	} while (!try_cmpxchg64(e, &val, val | flags));
	/* The entry as it was when its flags were set: rights that came later do not count. */
	tlb->entry = vmx_caps.ept_ad ? val | EPT_ACCESSED | (write ? EPT_DIRTY : 0) : val;
	tlb->gfn = gfn;
	tlb->level = level;
	return true;
}

/* One access; false is an EPT violation, which *@allowed is about. */
static bool soft_access(struct harness *h, struct soft_vcpu *cpu, u32 op, gpa_t gpa, u64 *value,
			u64 *allowed)
{
	bool write = op == HARNESS_WRITE || op == HARNESS_ADD, logged = false, ok = true;
	gfn_t gfn = gpa >> PAGE_SHIFT;
	struct soft_tlb *tlb = &cpu->tlb[gfn % TLB_ENTRIES];
	u64 need = op == HARNESS_FETCH ? EPT_EXEC : write ? EPT_WRITE : EPT_READ;
	unsigned long flags;
	u64 pfn, *where;

	local_irq_save(flags);
	if (tlb->generation != atomic_long_read(&h->tlb_generation) || tlb->gfn != gfn ||
	    (need & ~tlb->entry) || (write && vmx_caps.ept_ad && !(tlb->entry & EPT_DIRTY)))
		ok = tlb_fill(h, tlb, gfn, need, write, &logged, allowed);
	if (ok) {
		pfn = ept_pfn(tlb->entry) + (gfn & (ept_level_pages(tlb->level) - 1));
		where = phys_to_virt((pfn << PAGE_SHIFT) + offset_in_page(gpa));
		if (op == HARNESS_WRITE)
			WRITE_ONCE(*where, *value);
		else if (op == HARNESS_ADD)
			atomic64_add(*value, (atomic64_t *)where);
		else
			*value = READ_ONCE(*where);
	} else {
		tlb->generation = 0;	/* a violation drops what is cached for the address */
	}
	/* The log of one entry: drained at once. */
	if (logged && h->vm.arch.pml)
		ept_log_dirty_gpa(&cpu->vcpu, gpa);
	local_irq_restore(flags);
	return ok;
}

static int one_access(struct harness *h, struct soft_vcpu *cpu, struct harness_access *a,
		      gpa_t gpa)
{
	u32 access = a->op == HARNESS_READ ? EPT_FAULT_READ :
		     a->op == HARNESS_FETCH ? EPT_FAULT_FETCH : EPT_FAULT_WRITE;

	u64 allowed;

	while (!soft_access(h, cpu, a->op, gpa, &a->value, &allowed)) {
		int idx, r;

		if (signal_pending(current))
			return -EINTR;
		cond_resched();
		idx = srcu_read_lock(&h->vm.srcu);
		r = ept_handle_fault(&cpu->vcpu, gpa, access | allowed << 3);
		srcu_read_unlock(&h->vm.srcu, idx);
		cpu->vcpu.stats.ept_faults++;
		if (r == EPT_FAULT_MMIO || r == EPT_FAULT_ROM) {
			a->result = 1;
			return 1;
		}
		if (r)
			return r;
	}
	return 0;
}

static int access_ioctl(struct harness *h, struct harness_access __user *user)
{
	struct harness_access a;
	struct soft_vcpu *cpu;
	u64 i;
	int r = 0;

	if (copy_from_user(&a, user, sizeof(a)))
		return -EFAULT;
	if (a.vcpu >= HARNESS_VCPUS || a.op > HARNESS_FETCH || (a.gpa & 7))
		return -EINVAL;
	cpu = h->cpu[a.vcpu];
	a.result = 0;
	a.done = 0;
	mutex_lock(&cpu->vcpu.mutex);
	for (i = 0; i < max(a.count, 1ULL) && !r; i++) {
		gpa_t gpa = a.gpa;
		u64 seed = a.seed;

		if (a.npages > 1)
			gpa += (harness_next(&seed) % a.npages) << PAGE_SHIFT;
		r = one_access(h, cpu, &a, gpa);
		if (!r) {
			a.seed = seed;
			a.done++;
		}
	}
	mutex_unlock(&cpu->vcpu.mutex);
	if (copy_to_user(user, &a, sizeof(a)))
		return -EFAULT;
	return min(r, 0);
}

static int entry_ioctl(struct harness *h, struct harness_entry __user *user)
{
	struct harness_entry arg;
	struct ept_iter it;
	bool found;

	if (copy_from_user(&arg, user, sizeof(arg)))
		return -EFAULT;
	read_lock(&h->vm.mmu_lock);
	found = ept_find_leaf(&it, &h->vm, arg.gpa >> PAGE_SHIFT);
	arg.entry = found ? it.val : 0;
	arg.level = found ? it.level : 0;
	read_unlock(&h->vm.mmu_lock);
	return copy_to_user(user, &arg, sizeof(arg)) ? -EFAULT : 0;
}

static int stats_ioctl(struct harness *h, struct harness_stats __user *user)
{
	struct harness_stats s = {
		.tables = atomic_long_read(&h->vm.arch.ept.pages),
		.flushes = atomic_long_read(&h->flushes),
	};
	int i;

	for (i = 0; i < HARNESS_VCPUS; i++)
		s.faults += h->cpu[i]->vcpu.stats.ept_faults;
	return copy_to_user(user, &s, sizeof(s)) ? -EFAULT : 0;
}

static int setup_ioctl(struct harness *h, struct harness_setup __user *user)
{
	struct harness_setup s;

	if (copy_from_user(&s, user, sizeof(s)))
		return -EFAULT;
	vmx_caps.ept_ad = s.ad;
	h->vm.arch.pml = s.pml;
	h->vm.dirty_log_manual = s.manual;
	return 0;
}

static long harness_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	struct harness *h = filp->private_data;
	void __user *user = (void __user *)arg;
	union {
		struct kvm_userspace_memory_region region;
		struct kvm_dirty_log log;
		struct kvm_clear_dirty_log clear;
	} u;

	if (current->mm != h->vm.mm)
		return -EIO;
	switch (cmd) {
	case HARNESS_SETUP:
		return setup_ioctl(h, user);
	case HARNESS_ACCESS:
		return access_ioctl(h, user);
	case HARNESS_ENTRY:
		return entry_ioctl(h, user);
	case HARNESS_HOLD:
		return hold_ioctl(arg);
	case HARNESS_STATS:
		return stats_ioctl(h, user);
	case KVM_SET_USER_MEMORY_REGION:
	case KVM_GET_DIRTY_LOG:
	case KVM_CLEAR_DIRTY_LOG:
		if (copy_from_user(&u, user, _IOC_SIZE(cmd)))
			return -EFAULT;
		if (cmd == KVM_SET_USER_MEMORY_REGION)
			return mkvm_set_memory_region(&h->vm, &u.region);
		if (cmd == KVM_GET_DIRTY_LOG)
			return mkvm_get_dirty_log(&h->vm, &u.log);
		return mkvm_clear_dirty_log(&h->vm, &u.clear);
	}
	return -ENOTTY;
}

static void harness_free(struct harness *h)
{
	int i;

	mkvm_mmu_notifier_unregister(&h->vm);
	ept_destroy_vm(&h->vm);
	mkvm_memslots_destroy(&h->vm);
	cleanup_srcu_struct(&h->vm.srcu);
	mmdrop(h->vm.mm);
	for (i = 0; i < HARNESS_VCPUS; i++)
		kvfree(h->cpu[i]);
	mkvm_refusals_free(&h->vm.refusals);
	kvfree(h);
}

static int harness_open(struct inode *inode, struct file *filp)
{
	struct harness *h = kvzalloc(sizeof(*h), GFP_KERNEL);
	int i, r;

	if (!h)
		return -ENOMEM;
	mutex_init(&h->vm.slots_lock);
	rwlock_init(&h->vm.mmu_lock);
	atomic_long_set(&h->tlb_generation, 1);
	strscpy(h->vm.name, "harness", sizeof(h->vm.name));
	mkvm_refusals_init(&h->vm.refusals);
	h->vm.mm = current->mm;
	mmgrab(h->vm.mm);
	r = init_srcu_struct(&h->vm.srcu);
	if (r)
		goto out_mm;
	for (i = 0; i < HARNESS_VCPUS; i++) {
		h->cpu[i] = kvzalloc(sizeof(*h->cpu[i]), GFP_KERNEL);
		if (!h->cpu[i]) {
			r = -ENOMEM;
			goto out_vcpus;
		}
		h->cpu[i]->vcpu.vm = &h->vm;
		mutex_init(&h->cpu[i]->vcpu.mutex);
	}
	r = mkvm_memslots_init(&h->vm);
	if (r)
		goto out_vcpus;
	r = ept_init_vm(&h->vm);
	if (r)
		goto out_slots;
	r = mkvm_mmu_notifier_register(&h->vm);
	if (r)
		goto out_ept;
	filp->private_data = h;
	return 0;

out_ept:
	ept_destroy_vm(&h->vm);
out_slots:
	mkvm_memslots_destroy(&h->vm);
out_vcpus:
	for (i = 0; i < HARNESS_VCPUS; i++)
		kvfree(h->cpu[i]);
	cleanup_srcu_struct(&h->vm.srcu);
out_mm:
	mmdrop(h->vm.mm);
	kvfree(h);
	return r;
}

static int harness_release(struct inode *inode, struct file *filp)
{
	harness_free(filp->private_data);
	return 0;
}

static const struct file_operations harness_fops = {
	.owner = THIS_MODULE,
	.open = harness_open,
	.release = harness_release,
	.unlocked_ioctl = harness_ioctl,
};

static struct miscdevice harness_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = HARNESS_NODE,
	.fops = &harness_fops,
};

static int __init harness_init(void)
{
	vmx_caps.ept_2m = true;
	vmx_caps.ept_1g = true;
	vmx_caps.ept_wb = true;
	ept_module_init();
	return misc_register(&harness_misc);
}
module_init(harness_init);

static void __exit harness_exit(void)
{
	misc_deregister(&harness_misc);
	ept_module_exit();
}
module_exit(harness_exit);

MODULE_DESCRIPTION("minikvm: guest memory without a guest");
MODULE_LICENSE("GPL");
