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
#include "virt/arch.h"
#include "virt/host_page.h"
#include "virt/mmu_notifier.h"

/*
 * On processors with the iTLB multihit erratum a guest that executes from a page while its size
 * changes can stop the machine. There large pages are mapped without the right to execute, and
 * the first fetch from one splits it.
 */
static bool huge_pages_not_exec __read_mostly;

/* Tables a fault may need; allocated without the lock, used under it. */
struct ept_pool {
	u64 *table[EPT_MAX_LEVELS];
	int nr;
};

/* A leaf to be: everything but its address, which depends on the level it ends up at. */
struct ept_want {
	gfn_t gfn;
	kvm_pfn_t pfn;
	int level;
	u64 bits;
};

/* Pages that one fault enters at most: 64 KiB, aligned, so all in one table. */
#define AROUND_PAGES	16

int ept_module_init(void)
{
	huge_pages_not_exec = boot_cpu_has_bug(X86_BUG_ITLB_MULTIHIT) && !cpu_mitigations_off();
	return 0;
}

void ept_module_exit(void)
{
}

static int pool_fill(struct mkvm_vm *vm, struct ept_pool *pool, int need)
{
	while (pool->nr < need) {
		u64 *table = ept_table_alloc(vm);

		if (!table)
			return -ENOMEM;
		pool->table[pool->nr++] = table;
	}
	return 0;
}

static void pool_drain(struct mkvm_vm *vm, struct ept_pool *pool)
{
	while (pool->nr)
		ept_table_free(vm, pool->table[--pool->nr]);
}

/*
 * Put a table where *@e is empty, or in place of the large page *@e maps. @val is the value
 * seen there. On return *@val is what is there now, whoever put it. The pool is not empty.
 */
static void link_table(struct ept_pool *pool, u64 *e, u64 *val, int level)
{
	u64 *child = pool->table[pool->nr - 1];
	bool split = ept_present(*val);
	int i;

	/* Filled before it is linked: no vCPU ever misses a page that was there. */
	for (i = 0; split && i < EPT_ENTRIES; i++)
		child[i] = ept_split_child(*val, level, i);

	if (try_cmpxchg64(e, val, ept_link(child))) {
		*val = ept_link(child);
		pool->nr--;
	} else if (split) {
		/* Another vCPU, or the processor's flags, were quicker. */
		clear_page(child);
	}
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
 * Enter a leaf; read lock held. Returns 0, -EEXIST when another frame is there (which the
 * caller must zap), or -ENOMEM when the pool is too small: *@need says how many it takes.
 */
static int ept_enter(struct mkvm_vm *vm, const struct ept_want *want, struct ept_pool *pool,
		     int *need)
{
	u64 *table = vm->arch.ept.pml4;
	int level = vm->arch.ept.levels;
	u64 *e, val, new;

	for (;;) {
		e = &table[ept_index(want->gfn, level)];
		val = READ_ONCE(*e);
		if (level <= want->level && (!ept_present(val) || ept_is_leaf(val, level)))
			break;
		/* An empty entry or a page too large: below here a table is wanted. */
		while (!ept_present(val) || ept_is_leaf(val, level)) {
			if (!pool->nr) {
				*need = level - want->level;
				return -ENOMEM;
			}
			link_table(pool, e, &val, level);
		}
		/* Also where a table is in the way of a large page: go on below it. */
		table = ept_table(val);
		level--;
	}

	new = want_leaf(want, level);
	do {
		if (ept_present(val)) {
			if (!ept_is_leaf(val, level))
				return -EAGAIN;
			if (ept_pfn(val) != ept_pfn(new))
				return -EEXIST;
			/* Rights and flags add up; everything else is the same already. */
			new = val | (new & EPT_GROWS);
			if (new == val)
				return 0;
		}
	} while (!try_cmpxchg64(e, &val, new));
	return 0;
}

/* Memory type bits of a leaf at @level; -1 if the MTRRs forbid a page that large. */
static int leaf_memtype(struct mkvm_vcpu *vcpu, gfn_t gfn, kvm_pfn_t pfn, bool is_mmio, int level)
{
	struct ept_memtype_in in = {
		.is_mmio = is_mmio,
		.noncoherent_dma = vcpu->vm->arch.noncoherent_dma,
		.cache_disabled = vcpu->arch.cr0 & X86_CR0_CD,
		.cd_ignored = !(READ_ONCE(vcpu->vm->arch.disabled_quirks) &
				KVM_X86_QUIRK_CD_NW_CLEARED),
	};

	if (in.noncoherent_dma && !is_mmio) {
		const struct guest_mtrrs mtrrs = {
			.def_type = vcpu->arch.mtrr_def_type,
			.fixed = vcpu->arch.mtrr_fixed,
			.var = vcpu->arch.mtrr_var,
		};
		u64 pages = ept_level_pages(level);
		int type = mtrr_range_type(&mtrrs, (gfn & ~(pages - 1)) << PAGE_SHIFT,
					   pages << PAGE_SHIFT, vcpu->arch.maxphyaddr);

		if (type < 0)
			return -1;
		in.mtrr_type = type;
	}
	return ept_memtype(&in) << EPT_MEMTYPE_SHIFT;
}

/*
 * The largest page that host mapping, slot, alignment and dirty log allow at @gfn. Under the
 * lock and after mkvm_invalidate_retry(): who splits the host's page from here on must first
 * wait for the lock to zap ours.
 */
static int fault_level(struct mkvm_vcpu *vcpu, const struct mkvm_memslot *slot, gfn_t gfn,
		       const struct mkvm_host_page *hp, u32 access, bool is_mmio)
{
	unsigned long hva = mkvm_slot_hva(slot, gfn);
	unsigned int order;
	int level;

	if (mkvm_slot_logs_dirty(slot) || (huge_pages_not_exec && (access & EPT_FAULT_FETCH)) ||
	    (hp->page && mkvm_page_is_small(hp->page)))
		return 1;
	order = mkvm_host_mapping_order(vcpu->vm, hva);
	for (level = 3; level > 1; level--) {
		u64 pages = ept_level_pages(level), mask = pages - 1;
		gfn_t base = gfn & ~mask;

		if (!(level == 3 ? vmx_caps.ept_1g : vmx_caps.ept_2m))
			continue;
		if (order >= ilog2(pages) && base >= slot->base_gfn &&
		    base + pages <= slot->base_gfn + slot->npages &&
		    !((gfn ^ hp->pfn) & mask) && !((gfn ^ (hva >> PAGE_SHIFT)) & mask) &&
		    leaf_memtype(vcpu, gfn, hp->pfn, is_mmio, level) >= 0)
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
	u64 need = 0, val, new;
	bool fixed = false;
	int level;
	u64 *e;

	if (access & EPT_FAULT_READ)
		need |= EPT_READ;
	if (access & EPT_FAULT_WRITE)
		need |= EPT_WRITE;
	if (access & EPT_FAULT_FETCH)
		need |= EPT_EXEC;

	read_lock(&vm->mmu_lock);
	e = ept_find_leaf(vm, gfn, &level);
	if (!e)
		goto out;
	val = READ_ONCE(*e);
	do {
		if (!ept_present(val) || !ept_is_leaf(val, level))
			goto out;
		if (!(need & ~val)) {
			fixed = true;
			goto out;
		}
		/* A large page in a logged slot must be split first. */
		if ((need & ~val) != EPT_WRITE || !(val & EPT_HOST_WRITABLE) ||
		    (level > 1 && mkvm_slot_logs_dirty(slot)))
			goto out;
		new = val | EPT_WRITE | (vmx_caps.ept_ad ? EPT_DIRTY : 0);
	} while (!try_cmpxchg64(e, &val, new));
	mkvm_mark_page_dirty(vm, slot, gfn);
	fixed = true;
out:
	read_unlock(&vm->mmu_lock);
	return fixed;
}

/* Enter @hp at @gfn if it is not stale. Returns EPT_FAULT_FIXED, also when stale, or -errno. */
static int map_page(struct mkvm_vcpu *vcpu, struct mkvm_memslot *slot, gfn_t gfn,
		    const struct mkvm_host_page *hp, u32 access, unsigned long seq)
{
	bool writable = hp->writable && !(slot->flags & KVM_MEM_READONLY);
	bool is_mmio = !hp->page && mkvm_pfn_is_mmio(hp->pfn);
	struct mkvm_vm *vm = vcpu->vm;
	struct ept_want want = { .gfn = gfn, .pfn = hp->pfn };
	struct ept_pool pool = {};
	int r, need = 0;
	bool dirty;

	want.bits = leaf_rights(vm, slot, writable, access, &dirty);
	do {
		r = pool_fill(vm, &pool, need);
		if (r)
			break;
		read_lock(&vm->mmu_lock);
		if (mkvm_invalidate_retry(vm, seq, mkvm_slot_hva(slot, gfn))) {
			/* Let the guest fault again: signals get their chance on the way. */
			r = 0;
		} else {
			want.level = fault_level(vcpu, slot, gfn, hp, access, is_mmio);
			want.bits &= ~((u64)(EPT_MEMTYPE_MASK | EPT_MEMTYPE_IPAT)
				       << EPT_MEMTYPE_SHIFT);
			want.bits |= leaf_memtype(vcpu, gfn, hp->pfn, is_mmio, want.level);
			r = ept_enter(vm, &want, &pool, &need);
			if (!r)
				mkvm_host_page_mapped(hp);
			if (!r && dirty)
				mkvm_mark_page_dirty(vm, slot, gfn);
		}
		read_unlock(&vm->mmu_lock);
		if (r == -EEXIST)
			arch_mmu_zap_range(vm, gfn, gfn + 1, true);
	} while (r == -EEXIST || r == -EAGAIN || r == -ENOMEM);
	pool_drain(vm, &pool);
	return r ? r : EPT_FAULT_FIXED;
}

/* The level-1 entry of @gfn, present or not; NULL where there is no table or a large page. */
static u64 *small_entry(struct mkvm_vm *vm, gfn_t gfn)
{
	u64 *table = vm->arch.ept.pml4;
	int level;

	for (level = vm->arch.ept.levels; level > 1; level--) {
		u64 val = READ_ONCE(table[ept_index(gfn, level)]);

		if (!ept_present(val) || ept_is_leaf(val, level))
			return NULL;
		table = ept_table(val);
	}
	return &table[ept_index(gfn, 1)];
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
	u64 *e, rights;
	int i, nr, done = 0;
	bool dirty;

	if (first >= end || mkvm_slot_logs_dirty(slot))
		return first;
	nr = get_user_pages_fast_only(mkvm_slot_hva(slot, first), end - first, FOLL_WRITE, pages);
	if (nr <= 0)
		return first;
	/* Not accessed yet: the host's aging must not believe otherwise. */
	rights = leaf_rights(vm, slot, true, EPT_FAULT_READ, &dirty) & ~EPT_ACCESSED;
	read_lock(&vm->mmu_lock);
	e = small_entry(vm, gfn);
	for (i = 0; e && i < nr; i++) {
		struct ept_want want = { .pfn = page_to_pfn(pages[i]), .bits = rights };

		if (mkvm_invalidate_retry(vm, seq, mkvm_slot_hva(slot, first + i)))
			break;
		want.bits |= leaf_memtype(vcpu, first + i, want.pfn, false, 1);
		/* Writes of the guest's do not pass by the owner's page table. */
		if (!PageDirty(pages[i]))
			SetPageDirty(pages[i]);
		cmpxchg64(&e[1 + i], 0, want_leaf(&want, 1));
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

int ept_handle_fault(struct mkvm_vcpu *vcpu, gpa_t gpa, u32 access)
{
	struct mkvm_vm *vm = vcpu->vm;
	gfn_t gfn = gpa >> PAGE_SHIFT;
	struct mkvm_host_page hp;
	struct mkvm_memslot *slot;
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
	r = map_page(vcpu, slot, gfn, &hp, access, seq);
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
	struct ept_pool pool = {};
	int r, need = 0;

	if (vmx_caps.ept_ad)
		want.bits |= EPT_ACCESSED | EPT_DIRTY;
	do {
		r = pool_fill(vm, &pool, need);
		if (r)
			break;
		read_lock(&vm->mmu_lock);
		/* Who sets the flag zaps afterwards: he finds our entry, or we find the flag. */
		r = inhibited && *inhibited ? 0 : ept_enter(vm, &want, &pool, &need);
		read_unlock(&vm->mmu_lock);
		if (r == -EEXIST)
			arch_mmu_zap_range(vm, gfn, gfn + 1, true);
	} while (r == -EEXIST || r == -EAGAIN || r == -ENOMEM);
	pool_drain(vm, &pool);
	return r;
}

int ept_map_apic_access_page(struct mkvm_vm *vm, gfn_t gfn, struct page *page)
{
	return map_own_page(vm, gfn, page, &vm->arch.apic_access_inhibited);
}

int ept_map_page(struct mkvm_vm *vm, gfn_t gfn, struct page *page)
{
	return map_own_page(vm, gfn, page, NULL);
}
