// SPDX-License-Identifier: GPL-2.0-only
/*
 * EPT violations: give the guest the page that it wants.
 *
 * SDM, "EPT Violations", "EPT Misconfigurations". Relies on the invalidation protocol of
 * virt/mmu_notifier.h: the host page is looked up without a lock and entered under the read
 * side of vm->mmu_lock if nothing invalidated it meanwhile. Any number of vCPUs do this at once;
 * who comes second finds the entry there and is content.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/cpu.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <asm/cpufeature.h>

#include "arch/x86/pv/async_pf.h"
#include "arch/x86/mmu/ept.h"
#include "arch/x86/mmu/ept_table.h"
#include "arch/x86/mmu/memtype.h"
#include "arch/x86/vmx/vmx.h"
#include "trace/minikvm_events.h"
#include "virt/arch.h"
#include "virt/host_page.h"
#include "virt/mmu_notifier.h"

/*
 * On processors with the iTLB multihit erratum a guest that executes from a page while its size
 * changes can stop the machine. There large pages are mapped without the right to execute, and
 * the first fetch from one splits it.
 */
static bool huge_pages_not_exec __read_mostly;

/**
 * struct ept_want - a leaf to be
 * @gfn: guest frame
 * @pfn: host frame
 * @bits: everything but the address, which depends on the level it ends up at
 * @level: of the largest page that it may be
 */
struct ept_want {
	gfn_t gfn;
	kvm_pfn_t pfn;
	int level;
	u64 bits;
};

/**
 * struct ept_fault - a violation on its way to a leaf
 * @vcpu: whose it is
 * @slot: of the frame
 * @hp: the host's page
 * @access: EPT_FAULT_*
 * @seq: of mkvm_invalidate_begin(), from before the page was found
 * @is_mmio: the page is a device's
 * @dirty: the write must be logged
 */
struct ept_fault {
	struct mkvm_vcpu *vcpu;
	struct mkvm_memslot *slot;
	const struct mkvm_host_page *hp;
	unsigned long seq;
	u32 access;
	bool is_mmio, dirty;
};

/* Pages that one fault enters at most: 64 KiB, aligned, so all in one table. */
#define AROUND_PAGES	16

/**
 * ept_module_init() - find out what the host's processor wants of large pages
 *
 * Return: 0.
 */
int ept_module_init(void)
{
	huge_pages_not_exec = boot_cpu_has_bug(X86_BUG_ITLB_MULTIHIT) && !cpu_mitigations_off();
	return 0;
}

/** ept_module_exit() - undo ept_module_init() */
void ept_module_exit(void)
{
}

/*
 * Put a table where @it->e is empty, or in place of the large page that it maps: *@spare if there
 * is one, else what the allocator has at once. On return @it->val is what is there now, also where
 * another vCPU put it. False when there was no table to put.
 */
static bool link_table(struct mkvm_vm *vm, struct ept_iter *it, u64 **spare)
{
	u64 *child = *spare ?: ept_table_alloc(vm, GFP_NOWAIT);
	bool split = ept_present(it->val);
	int i;

	if (!child)
		return false;
	*spare = NULL;
	/* Filled before it is linked: no vCPU ever misses a page that was there. */
	for (i = 0; split && i < EPT_ENTRIES; i++)
		child[i] = ept_split_child(it->val, it->level, i);

	if (try_cmpxchg64(it->e, &it->val, ept_link(child)))
		it->val = ept_link(child);
	else	/* Another vCPU, or the processor's flags, were quicker. */
		ept_table_free(vm, child);
	return true;
}

static u64 want_leaf(const struct ept_want *want, int level)
{
	u64 pfn = want->pfn & ~(ept_level_pages(level) - 1);
	u64 bits = want->bits;

	if (level > 1) {
		bits |= EPT_LEAF;
		if (huge_pages_not_exec)
			bits &= ~EPT_EXEC;
	}
	return pfn << PAGE_SHIFT | bits;
}

/*
 * Enter a leaf; read lock held. Returns 0; -EEXIST when another frame is there, which the caller
 * must zap; -EAGAIN when a table came in the way; -ENOMEM when it takes a table that the allocator
 * does not have at once: the caller brings one in *@spare.
 */
static int ept_enter(struct mkvm_vm *vm, const struct ept_want *want, u64 **spare)
{
	struct ept_iter it;
	u64 new;

	if (unlikely(!ept_iter_top(&it, vm, want->gfn)))
		return 0;
	for (;;) {
		/* A table where a large page could be stays: go on below it. */
		while (ept_iter_down(&it, want->gfn))
			;
		if (it.level <= want->level)
			break;
		/* An empty entry or a page too large: below here a table is wanted. */
		if (!link_table(vm, &it, spare))
			return -ENOMEM;
	}

	new = want_leaf(want, it.level);
	do {
		if (ept_present(it.val)) {
			if (!ept_is_leaf(it.val, it.level))
				return -EAGAIN;
			if (ept_pfn(it.val) != ept_pfn(new))
				return -EEXIST;
			/* Rights and flags add up; everything else is the same already. */
			new = it.val | (new & EPT_GROWS);
			if (new == it.val)
				return 0;
		}
	} while (!try_cmpxchg64(it.e, &it.val, new));
	return 0;
}

/* Where a device does not snoop the caches, the type is the guest's wish, and limits the size. */
static noinline int guest_memtype(struct mkvm_vcpu *vcpu, gfn_t gfn, int level)
{
	const struct guest_mtrrs mtrrs = {
		.def_type = vcpu->arch.mtrr_def_type,
		.fixed = vcpu->arch.mtrr_fixed,
		.var = vcpu->arch.mtrr_var,
	};
	struct ept_memtype_in in = {
		.noncoherent_dma = true,
		.cache_disabled = vcpu->arch.cr0 & X86_CR0_CD,
		.cd_ignored = !(READ_ONCE(vcpu->vm->arch.disabled_quirks) &
				KVM_X86_QUIRK_CD_NW_CLEARED),
	};
	u64 pages = ept_level_pages(level);
	int type = mtrr_range_type(&mtrrs, (gfn & ~(pages - 1)) << PAGE_SHIFT, pages << PAGE_SHIFT,
				   vcpu->arch.maxphyaddr);

	if (type < 0)
		return -1;
	in.mtrr_type = type;
	return ept_memtype(&in) << EPT_MEMTYPE_SHIFT;
}

/* Memory type bits of a leaf at @level; -1 if the MTRRs forbid a page that large. */
static int leaf_memtype(struct mkvm_vcpu *vcpu, gfn_t gfn, bool is_mmio, int level)
{
	const struct ept_memtype_in in = { .is_mmio = is_mmio };

	if (unlikely(vcpu->vm->arch.noncoherent_dma) && !is_mmio)
		return guest_memtype(vcpu, gfn, level);
	return ept_memtype(&in) << EPT_MEMTYPE_SHIFT;
}

/*
 * The largest page that host mapping, slot, alignment and dirty log allow at @gfn. Under the
 * lock and after mkvm_invalidate_retry(): who splits the host's page from here on must first
 * wait for the lock to zap ours.
 */
static int fault_level(const struct ept_fault *fault, gfn_t gfn)
{
	const struct mkvm_memslot *slot = fault->slot;
	const struct mkvm_host_page *hp = fault->hp;
	unsigned long hva = mkvm_slot_hva(slot, gfn);
	unsigned int order;
	int level;

	if (mkvm_slot_logs_dirty(slot) || (hp->page && mkvm_page_is_small(hp->page)) ||
	    (huge_pages_not_exec && (fault->access & EPT_FAULT_FETCH)))
		return 1;
	order = mkvm_host_mapping_order(fault->vcpu->vm, hva);
	for (level = 3; level > 1; level--) {
		u64 pages = ept_level_pages(level), mask = pages - 1;
		gfn_t base = gfn & ~mask;

		if (!(level == 3 ? vmx_caps.ept_1g : vmx_caps.ept_2m))
			continue;
		if (order >= ilog2(pages) && base >= slot->base_gfn &&
		    base + pages <= slot->base_gfn + slot->npages &&
		    !((gfn ^ hp->pfn) & mask) && !((gfn ^ (hva >> PAGE_SHIFT)) & mask) &&
		    leaf_memtype(fault->vcpu, gfn, fault->is_mmio, level) >= 0)
			break;
	}
	return level;
}

/* The rights of a leaf of @slot, and A/D flags; says in *@dirty whether this is a logged write. */
static u64 leaf_rights(struct mkvm_vm *vm, const struct mkvm_memslot *slot, bool writable,
		       u32 access, bool *dirty)
{
	bool logs = mkvm_slot_logs_dirty(slot), write = access & EPT_FAULT_WRITE;
	bool pml = vm->arch.pml;
	u64 bits = EPT_READ | EPT_EXEC;

	*dirty = false;
	if (writable) {
		bits |= EPT_HOST_WRITABLE;
		/* With a log by write protection only a write makes writable. */
		if (write || !logs || pml)
			bits |= EPT_WRITE;
		*dirty = write && logs;
	}
	/*
	 * Flags that are set already cost the processor nothing. A clear dirty flag under PML
	 * means: log the first write. This write is logged here.
	 */
	if (vmx_caps.ept_ad) {
		bits |= EPT_ACCESSED;
		if (write || !logs || !pml)
			bits |= EPT_DIRTY;
	}
	return bits;
}

/*
 * The page is mapped and only a right is missing, or not even that: another vCPU was quicker,
 * or the dirty log took the right to write. True when the guest can go on.
 */
static bool fix_in_place(struct mkvm_vm *vm, struct mkvm_memslot *slot, gfn_t gfn, u32 access)
{
	struct ept_iter it;
	bool fixed = false;
	u64 need = 0, new;

	if (access & EPT_FAULT_READ)
		need |= EPT_READ;
	if (access & EPT_FAULT_WRITE)
		need |= EPT_WRITE;
	if (access & EPT_FAULT_FETCH)
		need |= EPT_EXEC;

	read_lock(&vm->mmu_lock);
	if (!ept_iter_to(&it, vm, gfn))
		goto out;
	do {
		if (!ept_present(it.val) || !ept_is_leaf(it.val, it.level))
			goto out;
		if (!(need & ~it.val)) {
			fixed = true;
			goto out;
		}
		/* A large page in a logged slot must be split first. */
		if ((need & ~it.val) != EPT_WRITE || !(it.val & EPT_HOST_WRITABLE) ||
		    (it.level > 1 && mkvm_slot_logs_dirty(slot)))
			goto out;
		new = it.val | EPT_WRITE | (vmx_caps.ept_ad ? EPT_DIRTY : 0);
	} while (!try_cmpxchg64(it.e, &it.val, new));
	mkvm_mark_page_dirty(vm, slot, gfn);
	fixed = true;
out:
	read_unlock(&vm->mmu_lock);
	return fixed;
}

/* Size and memory type of the leaf, under the lock. False when the host's page may be stale. */
static bool size_leaf(const struct ept_fault *fault, struct ept_want *want, u64 rights)
{
	if (mkvm_invalidate_retry(fault->vcpu->vm, fault->seq,
				  mkvm_slot_hva(fault->slot, want->gfn)))
		return false;
	want->level = fault_level(fault, want->gfn);
	want->bits = rights | leaf_memtype(fault->vcpu, want->gfn, fault->is_mmio, want->level);
	return true;
}

/*
 * Enter @want: of @fault if the host's page is not stale, or a page of the module's unless
 * *@inhibited. Returns 0, also when it was not entered and the guest faults again, or -ENOMEM.
 */
static int enter_leaf(struct mkvm_vm *vm, struct ept_want *want, const struct ept_fault *fault,
		      const bool *inhibited)
{
	u64 rights = want->bits, *spare = NULL;
	int r;

	do {
		r = 0;
		read_lock(&vm->mmu_lock);
		/* The flag is set, then zapped: that thread sees the entry, or we the flag. */
		if (fault ? size_leaf(fault, want, rights) : !(inhibited && *inhibited)) {
			r = ept_enter(vm, want, &spare);
			if (trace_minikvm_ept_map_enabled() && !r)
				trace_minikvm_ept_map(vm->number, want->gfn, want->level,
						      want->bits & 7);
			if (!r && fault) {
				mkvm_host_page_mapped(fault->hp);
				if (fault->dirty)
					mkvm_mark_page_dirty(vm, fault->slot, want->gfn);
			}
		}
		read_unlock(&vm->mmu_lock);
		if (unlikely(r == -EEXIST)) {
			arch_mmu_zap_range(vm, want->gfn, want->gfn + 1, true);
		} else if (unlikely(r == -ENOMEM)) {
			spare = ept_table_alloc(vm, GFP_KERNEL);
			if (!spare)
				return -ENOMEM;
		}
	} while (unlikely(r));
	if (unlikely(spare))
		ept_table_free(vm, spare);
	return 0;
}

/* Enter @hp at @gfn if it is not stale. Returns EPT_FAULT_FIXED, also when stale, or -errno. */
static int map_page(struct ept_fault *fault, gfn_t gfn)
{
	const struct mkvm_host_page *hp = fault->hp;
	bool writable = hp->writable && !(fault->slot->flags & KVM_MEM_READONLY);
	struct ept_want want = { .gfn = gfn, .pfn = hp->pfn };
	struct mkvm_vm *vm = fault->vcpu->vm;

	fault->is_mmio = !hp->page && mkvm_pfn_is_mmio(hp->pfn);
	want.bits = leaf_rights(vm, fault->slot, writable, fault->access, &fault->dirty);
	return enter_leaf(vm, &want, fault, NULL) ?: EPT_FAULT_FIXED;
}

/*
 * A guest that touched the page before this one is on its way through memory, and where one page
 * of the owner's is resident the next ones often are: entered now, each saves an exit. @gfn was
 * just entered by the fault that saw @seq. Returns the first frame behind those entered.
 */
static gfn_t map_around(struct mkvm_vcpu *vcpu, struct mkvm_memslot *slot, gfn_t gfn,
			unsigned long seq)
{
	gfn_t first = gfn + 1, end = min(ALIGN(first, AROUND_PAGES),
					 slot->base_gfn + slot->npages);
	struct page *pages[AROUND_PAGES];
	struct mkvm_vm *vm = vcpu->vm;
	struct ept_iter it;
	int i, nr, done = 0;
	bool dirty, table;
	u64 rights;

	if (first >= end || mkvm_slot_logs_dirty(slot))
		return first;
	nr = get_user_pages_fast_only(mkvm_slot_hva(slot, first), end - first, FOLL_WRITE, pages);
	if (nr <= 0)
		return first;
	/* Not accessed yet: the host's aging must not believe otherwise. */
	rights = leaf_rights(vm, slot, true, EPT_FAULT_READ, &dirty) & ~EPT_ACCESSED;
	read_lock(&vm->mmu_lock);
	table = ept_iter_to(&it, vm, gfn) && it.level == 1;
	for (i = 0; table && i < nr; i++) {
		struct ept_want want = { .pfn = page_to_pfn(pages[i]), .bits = rights };

		if (mkvm_invalidate_retry(vm, seq, mkvm_slot_hva(slot, first + i)))
			break;
		want.bits |= leaf_memtype(vcpu, first + i, false, 1);
		/* Writes of the guest's do not pass by the owner's page table. */
		if (!PageDirty(pages[i]))
			SetPageDirty(pages[i]);
		cmpxchg64(&it.e[1 + i], 0, want_leaf(&want, 1));
		trace_minikvm_ept_map(vm->number, first + i, 1, want.bits & 7);
		done++;
	}
	read_unlock(&vm->mmu_lock);
	for (i = 0; i < nr; i++)
		put_page(pages[i]);
	return first + done;
}

/*
 * The page behind @hva, for @gfn. Where it must be read in first, a guest that can do something
 * else meanwhile is told so: -EBUSY.
 */
static int fault_page(struct mkvm_vcpu *vcpu, gfn_t gfn, unsigned long hva, u32 access,
		      struct mkvm_host_page *hp)
{
	unsigned int how = access & EPT_FAULT_WRITE ? MKVM_PAGE_WRITE : 0;
	int r;

	if (async_pf_allowed(vcpu, gfn)) {
		r = mkvm_host_page_get(vcpu->vm, hva, how | MKVM_PAGE_NOWAIT, hp);
		if (r != -EBUSY || async_pf_start(vcpu, gfn, hva, how))
			return r;
	}
	return mkvm_host_page_get(vcpu->vm, hva, how, hp);
}

/**
 * ept_handle_fault() - give the guest the page it faulted on
 * @vcpu: the vCPU; vm->srcu read-held, process context, may sleep
 * @gpa: guest-physical address
 * @access: EPT_FAULT_* bits
 *
 * Return: enum ept_fault_result or -errno.
 */
int ept_handle_fault(struct mkvm_vcpu *vcpu, gpa_t gpa, u32 access)
{
	struct mkvm_vm *vm = vcpu->vm;
	gfn_t gfn = gpa >> PAGE_SHIFT;
	struct mkvm_host_page hp;
	struct mkvm_memslot *slot;
	struct ept_fault fault;
	unsigned long seq, hva;
	int r;

	slot = mkvm_vcpu_gfn_to_slot(vcpu, gfn);
	if (!slot)
		return EPT_FAULT_MMIO;
	if (slot->flags & MKVM_SLOT_INVALID) {
		/* It is just being deleted or moved: soon the answer will be another. */
		cond_resched();
		return EPT_FAULT_FIXED;
	}
	if ((access & EPT_FAULT_WRITE) && (slot->flags & KVM_MEM_READONLY))
		return EPT_FAULT_ROM;
	/* What was not present has nothing to fix; if it is by now, ept_enter() will see. */
	if ((access & EPT_FAULT_ALLOWED) && fix_in_place(vm, slot, gfn, access))
		return EPT_FAULT_FIXED;

	hva = mkvm_slot_hva(slot, gfn);
	mkvm_invalidate_wait(vm, hva);
	seq = mkvm_invalidate_begin(vm);
	r = fault_page(vcpu, gfn, hva, access, &hp);
	if (r == -EAGAIN || r == -EBUSY)
		return EPT_FAULT_FIXED;
	if (r)
		return r;
	fault = (struct ept_fault) {
		.vcpu = vcpu, .slot = slot, .hp = &hp, .seq = seq, .access = access,
	};
	r = map_page(&fault, gfn);
	if (r == EPT_FAULT_FIXED && hp.resident && gfn == vcpu->arch.next_fault_gfn &&
	    !(slot->flags & KVM_MEM_READONLY))
		vcpu->arch.next_fault_gfn = map_around(vcpu, slot, gfn, seq);
	else
		vcpu->arch.next_fault_gfn = gfn + 1;
	mkvm_host_page_put(&hp);
	return r;
}

/* Map @page at @gfn, whatever is there, unless *@inhibited. */
static int map_own_page(struct mkvm_vm *vm, gfn_t gfn, struct page *page, const bool *inhibited)
{
	struct ept_want want = {
		.gfn = gfn,
		.pfn = page_to_pfn(page),
		.level = 1,
		.bits = EPT_READ | EPT_WRITE |
			(u64)(MEMTYPE_WB | EPT_MEMTYPE_IPAT) << EPT_MEMTYPE_SHIFT,
	};

	if (vmx_caps.ept_ad)
		want.bits |= EPT_ACCESSED | EPT_DIRTY;
	return enter_leaf(vm, &want, NULL, inhibited);
}

/**
 * ept_map_apic_access_page() - map the APIC-access page, which no slot knows
 * @vm: the VM
 * @gfn: frame of the APIC base
 * @page: the page; its owner keeps it until the VM's tables are gone
 *
 * Called on its violation; arch_mmu_zap_range() takes it away again. May sleep. Does nothing once
 * vm->arch.apic_access_inhibited is set.
 * Return: 0 or -ENOMEM.
 */
int ept_map_apic_access_page(struct mkvm_vm *vm, gfn_t gfn, struct page *page)
{
	return map_own_page(vm, gfn, page, &vm->arch.apic_access_inhibited);
}

/**
 * ept_map_page() - map a page of the module's for reading and writing, whatever is there
 * @vm: the VM
 * @gfn: frame
 * @page: the page; its owner takes it away by arch_mmu_zap_range() before freeing it
 *
 * May sleep. Another vCPU that faults on the frame puts the slot's page in its place.
 * Return: 0 or -ENOMEM.
 */
int ept_map_page(struct mkvm_vm *vm, gfn_t gfn, struct page *page)
{
	return map_own_page(vm, gfn, page, NULL);
}
