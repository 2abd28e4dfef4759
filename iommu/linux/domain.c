// SPDX-License-Identifier: GPL-2.0-only
/*
 * The IOMMU driver: struct iommu_ops of Linux over the units of iommu/hw.
 *
 * Host devices get identity domains, so that they go on working when VT-d is taken over; VFIO asks
 * for domains with a table (IOMMU_DOMAIN_UNMANAGED). VT-d specification, "Domains and Address
 * Translation". Linux' core serialises the attachments of a group, vtd.mutex those of all groups.
 *
 * The core takes a reference to ops->owner for each device, so that the module could never be
 * removed. The operations are therefore a copy outside the module, without an owner. Instead the
 * module is held by each domain with a table, by each device whose domain is not identity, and by
 * drivers that keep a group (binding.c): rmmod is refused while a device is assigned or could be.
 * A group may live longer than the module, and frees its default and its blocking domain at its
 * end: those domains need nothing of the module for that.
 */
#define pr_fmt(fmt) "minikvm: VT-d: " fmt

#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

#include "compat/compat.h"
#include "iommu/linux/vtd.h"
#include "trace/minikvm_events.h"

/* The addresses of local APICs: a write there is an interrupt and is never translated. */
#define MSI_WINDOW_START	0xfee00000ULL
#define MSI_WINDOW_SIZE		0x100000

static struct vtd_domain *to_vtd(struct iommu_domain *domain)
{
	return container_of(domain, struct vtd_domain, domain);
}

static bool vtd_capable(struct device *dev, enum iommu_cap cap)
{
	/* VFIO asks for this before it takes the device's group. */
	if (cap == IOMMU_CAP_CACHE_COHERENCY)
		return vtd_may_bind(dev);
	return (compat_asks_for_snooping(cap) && vtd.snoop) ||
	       (compat_asks_for_isolation(cap) && vtd_interrupts_are_isolated());
}

static int def_domain_type(struct device *dev)
{
	return IOMMU_DOMAIN_IDENTITY;
}

static int attach_dev(struct iommu_domain *domain, struct device *dev);
static phys_addr_t iova_to_phys(struct iommu_domain *domain, dma_addr_t iova);

static struct iommu_domain *domain_alloc(unsigned int type)
{
	struct vtd_domain *d;
	int id;

	if (type != IOMMU_DOMAIN_IDENTITY && type != IOMMU_DOMAIN_BLOCKED &&
	    type != IOMMU_DOMAIN_UNMANAGED)
		return NULL;
	d = kzalloc(sizeof(*d), GFP_KERNEL_ACCOUNT);
	if (!d)
		return NULL;
	d->id = DOMAIN_ID_IDENTITY;
	spin_lock_init(&d->walk_lock);
	spin_lock_init(&d->ats_lock);
	INIT_LIST_HEAD(&d->ats_devices);
	if (type != IOMMU_DOMAIN_UNMANAGED) {
		d->plain_ops.attach_dev = attach_dev;
		d->plain_ops.iova_to_phys = iova_to_phys;
		/*
		 * The domain is the first member of its structure, and nothing else is to be freed.
		 */
		d->plain_ops.free = (void *)kfree;
		d->domain.ops = &d->plain_ops;
		return &d->domain;
	}

	if (!try_module_get(THIS_MODULE))
		goto out_free;
	id = ida_alloc_range(&vtd.ids, DOMAIN_ID_FIRST, vtd.nr_ids - 1, GFP_KERNEL);
	if (id < 0) {
		pr_notice_ratelimited("all %u domain identifiers are in use\n", vtd.nr_ids);
		goto out_put;
	}
	d->id = id;
	if (iopt_init(&d->table, vtd.format, GFP_KERNEL_ACCOUNT))
		goto out_id;
	d->domain.geometry.aperture_end = (1ULL << vtd.width) - 1;
	d->domain.geometry.force_aperture = true;
	return &d->domain;

out_id:
	ida_free(&vtd.ids, id);
out_put:
	module_put(THIS_MODULE);
out_free:
	kfree(d);
	return NULL;
}

/* Frees a domain with a table; the others are freed by kfree(). */
static void domain_free(struct iommu_domain *domain)
{
	struct vtd_domain *d = to_vtd(domain);

	/* Wait for a walk of the table: debugfs and faults do it under the mutex. */
	mutex_lock(&vtd.mutex);
	mutex_unlock(&vtd.mutex);
	/* A unit that no longer answers may go on walking the table. */
	if (!vtd_any_broken()) {
		iopt_destroy(&d->table);
		ida_free(&vtd.ids, d->id);
	}
	kfree(d);
	module_put(THIS_MODULE);
}

struct context_change {
	struct vtd_unit *unit;
	struct context_target target;
};

static int set_context(u8 bus, u8 devfn, void *arg)
{
	struct context_change *change = arg;
	int ret;

	vtd_lock(change->unit);
	ret = context_attach(&change->unit->hw, bus << 8 | devfn, 0, &change->target);
	vtd_unlock(change->unit);
	return ret;
}

static struct context_target target_for(struct vtd_domain *d)
{
	const struct iopt *table = d->domain.type == IOMMU_DOMAIN_IDENTITY ? &vtd.identity :
				   &d->table;
	struct context_target target = { .path = PATH_BLOCKED, .domain = d->id };
	struct context_stage *stage = vtd.format.first_stage ? &target.first : &target.second;

	if (d->domain.type == IOMMU_DOMAIN_BLOCKED)
		return target;
	if (!table->root) {
		target.path = PATH_PASS_THROUGH;
		return target;
	}
	target.path = vtd.format.first_stage ? PATH_FIRST_STAGE : PATH_SECOND_STAGE;
	stage->table = virt_to_phys(table->root);
	stage->levels = vtd.format.levels;
	return target;
}

static bool has_region(struct pci_dev *pdev)
{
	struct vtd_structure *region;

	list_for_each_entry(region, &vtd.regions, node)
		if (vtd_in_scope(pdev, &region->dmar))
			return true;
	return false;
}

/* Say where the requests of a device go, under all the identifiers that they may carry. */
static int direct(struct vtd_device *device, struct vtd_domain *d, bool ats)
{
	struct context_change change = { .unit = device->unit, .target = target_for(d) };

	change.target.ats = ats;
	return vtd_visit_aliases(to_pci_dev(device->dev), set_context, &change);
}

static int block(struct vtd_device *device)
{
	struct context_change change = { .unit = device->unit };

	return vtd_visit_aliases(to_pci_dev(device->dev), set_context, &change);
}

/*
 * Behind a unit that does not answer, no device is attached to a domain with a table. To leave such
 * a domain always succeeds: the device cannot send (closed.c), and the table is never freed.
 */
static int move_behind_broken(struct vtd_device *device, struct vtd_domain *d)
{
	unsigned int index = device->unit->index;
	struct vtd_domain *old = device->domain;

	if (d == old)
		return 0;
	if (!old || d->domain.type == IOMMU_DOMAIN_UNMANAGED)
		return -EIO;
	vtd_close(device);
	block(device);
	vtd_ats_stop(device, old);
	WRITE_ONCE(d->users[index], d->users[index] + 1);
	device->domain = d;
	WRITE_ONCE(old->users[index], old->users[index] - 1);
	return 0;
}

/*
 * Attach a device to a domain. On error the device is in its old domain, as Linux relies on,
 * without ATS; it is blocked if that fails, too. The caller holds vtd.mutex.
 */
static int move(struct vtd_device *device, struct vtd_domain *d)
{
	bool ats = device->can_ats && d->domain.type == IOMMU_DOMAIN_UNMANAGED;
	unsigned int index = device->unit->index;
	struct vtd_domain *old = device->domain;
	int ret = 0;

	if (READ_ONCE(device->unit->hw.broken))
		return move_behind_broken(device, d);
	/* The device keeps translations of the old domain: block it until they are gone. */
	if (device->ats)
		ret = block(device);
	if (!ret)
		vtd_ats_stop(device, old);
	WRITE_ONCE(d->users[index], d->users[index] + 1);
	/* Counted before the device can fill a cache: pairs with flush_range(). */
	smp_mb();
	ret = ret ?: direct(device, d, ats);
	if (!ret && ats && !vtd_ats_start(device, d))
		ret = direct(device, d, false);
	if (ret) {
		if (!old || direct(device, old, false))
			block(device);
		WRITE_ONCE(d->users[index], d->users[index] - 1);
		return ret;
	}
	device->domain = d;
	if (old)
		WRITE_ONCE(old->users[index], old->users[index] - 1);
	vtd_reopen(device);
	return 0;
}

static bool is_identity(const struct vtd_domain *d)
{
	return d->domain.type == IOMMU_DOMAIN_IDENTITY;
}

static int attach_dev(struct iommu_domain *domain, struct device *dev)
{
	struct vtd_device *device = dev_iommu_priv_get(dev);
	struct vtd_domain *d = to_vtd(domain);
	int ret = -ENODEV;

	if (!is_identity(d) && has_region(to_pci_dev(dev))) {
		pr_notice_ratelimited("%s cannot be assigned: firmware keeps memory mapped for it (RMRR)\n",
				      dev_name(dev));
		return -EPERM;
	}
	mutex_lock(&vtd.mutex);
	if (is_identity(d) || vtd_hold(&device->claimed, true))
		ret = move(device, d);
	if (ret)
		pr_err_ratelimited("%s: %s does not accept its context entry (%d)\n", dev_name(dev),
				   device->unit->name, ret);
	vtd_hold(&device->claimed, device->domain && !is_identity(device->domain));
	mutex_unlock(&vtd.mutex);
	return ret;
}

static u64 rights_of(int prot)
{
	return (prot & IOMMU_READ ? SLPTE_READ : 0) | (prot & IOMMU_WRITE ? SLPTE_WRITE : 0);
}

static void release_page(void *page, void *arg)
{
	struct list_head *freelist = arg;

	list_add_tail(&virt_to_page(page)->lru, freelist);
}

static void flush_range(struct vtd_domain *d, u64 first, u64 last)
{
	unsigned int i;
	int ret;

	/* Entries are gone before users are counted: pairs with attach_dev(). */
	smp_mb();
	for (i = 0; i < vtd.nr_units; i++) {
		struct vtd_unit *unit = vtd.units[i];

		if (!READ_ONCE(d->users[i]))
			continue;
		vtd_lock(unit);
		if (vtd.format.first_stage)
			ret = qi_flush_pasid_pages(&unit->hw, d->id, 0, first, last);
		else
			ret = qi_flush_pages(&unit->hw, d->id, first, last);
		vtd_unlock(unit);
		trace_minikvm_iommu_flush(unit->index, d->id, first, last, ret);
		if (ret)
			pr_err_ratelimited("%s does not finish an invalidation: its devices were cut off\n",
					   unit->name);
	}
	vtd_ats_flush(d, first, last);
}

/* Free table pages that no unit can reach any more. */
static void free_pages_of(struct vtd_domain *d, struct list_head *freelist)
{
	struct page *page, *next;
	unsigned long flags;

	if (list_empty(freelist))
		return;
	if (vtd_any_broken()) {
		INIT_LIST_HEAD(freelist);
		return;
	}
	/* Taking the lock waits for readers that met a page before it was unlinked. */
	spin_lock_irqsave(&d->walk_lock, flags);
	spin_unlock_irqrestore(&d->walk_lock, flags);
	list_for_each_entry_safe(page, next, freelist, lru)
		shim_free_table(page_address(page));
	INIT_LIST_HEAD(freelist);
}

/*
 * Map pages of one size; @done receives the bytes that are mapped, whole pages also on error. If a
 * table, perhaps an empty one, is linked where a large page should go, smaller pages are mapped in
 * it: 2 MiB for 1 GiB, and 4 KiB for 2 MiB, so that the function calls itself two levels deep at
 * most.
 */
static int map_run(struct vtd_domain *d, u64 iova, u64 phys, u64 size, u64 count, u64 rights,
		   gfp_t gfp, u64 *done)
{
	u64 small = size == SZ_1G && vtd.pgsizes & SZ_2M ? SZ_2M : SZ_4K, mapped, part;
	LIST_HEAD(freelist);
	int ret;

	for (*done = 0; count; *done += size, count--) {
		ret = iopt_map_run(&d->table, iova + *done, phys + *done, size, count, rights,
				   gfp, &mapped);
		*done += mapped * size;
		count -= mapped;
		if (likely(ret != -EEXIST) || size == SZ_4K)
			return ret;
		ret = map_run(d, iova + *done, phys + *done, small, size / small, rights, gfp,
			      &part);
		if (!ret)
			continue;
		if (part) {
			iopt_unmap(&d->table, iova + *done, part, release_page, &freelist);
			flush_range(d, iova + *done, iova + *done + part - 1);
			free_pages_of(d, &freelist);
		}
		return ret;
	}
	return 0;
}

/* Nothing is mapped that could not be unmapped; VFIO sees the error. */
static bool is_behind_broken(const struct vtd_domain *d)
{
	unsigned int i;

	if (likely(!READ_ONCE(vtd.any_broken)))
		return false;
	for (i = 0; i < vtd.nr_units; i++)
		if (READ_ONCE(vtd.units[i]->hw.broken) && READ_ONCE(d->users[i]))
			return true;
	return false;
}

/*
 * In caching mode the hardware caches that an entry was not present; with write buffers, an
 * invalidation empties them.
 */
static bool must_tell_of_new_pages(void)
{
	unsigned int i;

	for (i = 0; i < vtd.nr_units; i++)
		if (vtd.units[i]->hw.cap & (CAP_CM | CAP_RWBF))
			return true;
	return false;
}

static int map_pages(struct iommu_domain *domain, unsigned long iova, phys_addr_t paddr,
		     size_t pgsize, size_t pgcount, int prot, gfp_t gfp, size_t *mapped)
{
	struct vtd_domain *d = to_vtd(domain);
	u64 rights = rights_of(prot), pages, done, rest;
	int ret;

	if (domain->type != IOMMU_DOMAIN_UNMANAGED)
		return -EINVAL;
	if (is_behind_broken(d)) {
		pr_notice_ratelimited("mapping 0x%zx bytes at 0x%llx: a unit behind it does not answer\n",
				      pgsize, (u64)iova);
		return -EIO;
	}
	ret = iopt_map_run(&d->table, iova, paddr, pgsize, pgcount, rights, gfp, &pages);
	done = pages * pgsize;
	if (ret == -EEXIST && pgsize != SZ_4K) {
		ret = map_run(d, iova + done, paddr + done, pgsize, pgcount - pages, rights, gfp,
			      &rest);
		done += rest;
	}
	*mapped += done;
	trace_minikvm_iommu_map(d->id, iova, paddr, pgsize, done, rights, ret);
	if (ret)
		pr_notice_ratelimited("mapping 0x%zx bytes at 0x%llx: %s (%d)\n", pgsize,
				      (u64)iova + done,
				      ret == -EEXIST ? "something is mapped there" :
				      ret == -ERANGE ? "beyond the width of the table" :
				      ret == -ENOMEM ? "no memory" : "no such page", ret);
	if (done && must_tell_of_new_pages())
		flush_range(d, iova, iova + done - 1);
	return ret;
}

static size_t unmap_pages(struct iommu_domain *domain, unsigned long iova, size_t pgsize,
			  size_t pgcount, struct iommu_iotlb_gather *gather)
{
	struct vtd_domain *d = to_vtd(domain);
	size_t done;

	if (domain->type != IOMMU_DOMAIN_UNMANAGED)
		return 0;
	done = iopt_unmap(&d->table, iova, pgsize * pgcount, release_page, &gather->freelist);
	trace_minikvm_iommu_unmap(d->id, iova, done);
	if (done) {
		gather->start = min(gather->start, iova);
		gather->end = max(gather->end, iova + done - 1);
	}
	return done;
}

static void iotlb_sync(struct iommu_domain *domain, struct iommu_iotlb_gather *gather)
{
	struct vtd_domain *d = to_vtd(domain);

	if (gather->start < gather->end)
		flush_range(d, gather->start, gather->end);
	free_pages_of(d, &gather->freelist);
}

static void flush_iotlb_all(struct iommu_domain *domain)
{
	flush_range(to_vtd(domain), 0, ~0ULL);
}

static phys_addr_t iova_to_phys(struct iommu_domain *domain, dma_addr_t iova)
{
	u64 phys;

	if (domain->type == IOMMU_DOMAIN_IDENTITY)
		return iova;
	if (domain->type != IOMMU_DOMAIN_UNMANAGED ||
	    !iopt_translate(&to_vtd(domain)->table, iova, &phys))
		return 0;
	return phys;
}

static bool enforce_cache_coherency(struct iommu_domain *domain)
{
	return vtd.snoop;
}

static struct iommu_device *probe_device(struct device *dev)
{
	struct vtd_device *device;
	struct vtd_unit *unit;
	int ret;

	if (!dev_is_pci(dev))
		return ERR_PTR(-ENODEV);
	unit = vtd_unit_of(to_pci_dev(dev));
	if (!unit) {
		pr_notice_ratelimited("%s is behind no unit of the DMAR table: it is not translated and cannot be assigned\n",
				      dev_name(dev));
		return ERR_PTR(-ENODEV);
	}
	if (unit->hw.interrupts_only)
		return ERR_PTR(-ENODEV);
	device = kzalloc(sizeof(*device), GFP_KERNEL);
	if (!device)
		return ERR_PTR(-ENOMEM);
	device->dev = dev;
	device->unit = unit;
	device->was_bound = dev->links.status == DL_DEV_DRIVER_BOUND;
	vtd_ats_probe(device);
	mutex_lock(&vtd.mutex);
	ret = vtd_closed_probe(device);
	if (!ret) {
		spin_lock_irq(&vtd.devices_lock);
		list_add_tail(&device->node, &vtd.devices);
		spin_unlock_irq(&vtd.devices_lock);
	}
	mutex_unlock(&vtd.mutex);
	if (ret) {
		kfree(device);
		return ERR_PTR(ret);
	}
	dev_iommu_priv_set(dev, device);
	return &unit->iommu;
}

static int is_source(u8 bus, u8 devfn, void *source)
{
	return PCI_DEVID(bus, devfn) == *(u16 *)source;
}

/* Not if another device of the unit uses the same identifier, as devices behind a bridge do. */
static int clear_context(u8 bus, u8 devfn, void *arg)
{
	struct context_change *change = arg;
	u16 source = PCI_DEVID(bus, devfn);
	struct vtd_device *other;

	list_for_each_entry(other, &vtd.devices, node)
		if (other->unit == change->unit &&
		    vtd_visit_aliases(to_pci_dev(other->dev), is_source, &source))
			return 0;
	return set_context(bus, devfn, arg);
}

static void release_device(struct device *dev)
{
	struct vtd_device *device = dev_iommu_priv_get(dev);
	struct context_change change = { .unit = device->unit };
	unsigned int index = device->unit->index;
	struct vtd_domain *d;

	mutex_lock(&vtd.mutex);
	d = device->domain;
	spin_lock_irq(&vtd.devices_lock);
	list_del(&device->node);
	spin_unlock_irq(&vtd.devices_lock);
	vtd_visit_aliases(to_pci_dev(dev), clear_context, &change);
	vtd_ats_stop(device, d);
	/* Counted as long as the device can fill a cache; as in attach_dev(). */
	if (d)
		WRITE_ONCE(d->users[index], d->users[index] - 1);
	vtd_closed_release(device);
	mutex_unlock(&vtd.mutex);
	vtd_hold(&device->claimed, false);
	vtd_hold(&device->bound, false);
	kfree(device);
}

static void get_resv_regions(struct device *dev, struct list_head *head)
{
	struct iommu_resv_region *reserved;
	struct vtd_structure *region;

	list_for_each_entry(region, &vtd.regions, node) {
		if (!vtd_in_scope(to_pci_dev(dev), &region->dmar))
			continue;
		reserved = iommu_alloc_resv_region(region->dmar.base,
						   region->dmar.limit - region->dmar.base + 1,
						   IOMMU_READ | IOMMU_WRITE, IOMMU_RESV_DIRECT,
						   GFP_KERNEL);
		if (reserved)
			list_add_tail(&reserved->list, head);
	}
	reserved = iommu_alloc_resv_region(MSI_WINDOW_START, MSI_WINDOW_SIZE, 0, IOMMU_RESV_MSI,
					   GFP_KERNEL);
	if (reserved)
		list_add_tail(&reserved->list, head);
}

static const struct iommu_domain_ops domain_ops = {
	.attach_dev = attach_dev,
	.map_pages = map_pages,
	.unmap_pages = unmap_pages,
	.flush_iotlb_all = flush_iotlb_all,
	.iotlb_sync = iotlb_sync,
	.iova_to_phys = iova_to_phys,
	.enforce_cache_coherency = enforce_cache_coherency,
	.free = domain_free,
};

static const struct iommu_ops vtd_ops = {
	.capable = vtd_capable,
	.domain_alloc = domain_alloc,
	.probe_device = probe_device,
	.release_device = release_device,
	.device_group = pci_device_group,
	.get_resv_regions = get_resv_regions,
	.def_domain_type = def_domain_type,
	.default_domain_ops = &domain_ops,
};

static void unregister(unsigned int registered, unsigned int named)
{
	while (registered)
		iommu_device_unregister(&vtd.units[--registered]->iommu);
	while (named)
		iommu_device_sysfs_remove(&vtd.units[--named]->iommu);
	compat_forget_iommu_ops(vtd.ops);
	kfree(vtd.ops);
	vtd.ops = NULL;
}

/**
 * vtd_domain_init() - register the units as IOMMUs
 *
 * All devices are in identity domains when it returns, so that translation may be switched on.
 *
 * Return: 0 or an errno, with nothing registered.
 */
int vtd_domain_init(void)
{
	unsigned int named, registered = 0;
	int ret = 0;

	vtd.ops = kmemdup(&vtd_ops, sizeof(vtd_ops), GFP_KERNEL);
	if (!vtd.ops)
		return -ENOMEM;
	vtd.ops->pgsize_bitmap = vtd.pgsizes;
	/* The first registration already links devices to all units. */
	for (named = 0; named < vtd.nr_units && !ret; named++)
		ret = iommu_device_sysfs_add(&vtd.units[named]->iommu, NULL, NULL, "%s",
					     vtd.units[named]->name);
	if (ret)
		named--;
	for (; !ret && registered < vtd.nr_units; registered++)
		ret = iommu_device_register(&vtd.units[registered]->iommu, vtd.ops, NULL);
	if (ret) {
		pr_info("Linux refuses to register the units (%d): is there another IOMMU driver? VT-d is left alone\n",
			ret);
		unregister(registered ? registered - 1 : 0, named);
		return ret;
	}
	ret = vtd_binding_start();
	if (ret)
		unregister(vtd.nr_units, vtd.nr_units);
	return ret;
}

static int pass_acpi_devices(struct vtd_unit *unit)
{
	const u8 *at = unit->drhd.scopes, *end = at + unit->drhd.scopes_size;
	struct vtd_domain identity = { .id = DOMAIN_ID_IDENTITY };
	struct context_change change = { .unit = unit };
	struct dmar_scope scope;
	int ret = 0, source;

	identity.domain.type = IOMMU_DOMAIN_IDENTITY;
	change.target = target_for(&identity);
	while (!ret && dmar_next_scope(&at, end, &scope)) {
		source = dmar_source(&scope);
		if (scope.type == SCOPE_ACPI && source >= 0)
			ret = set_context(source >> 8, source & 0xff, &change);
	}
	return ret;
}

/**
 * vtd_domain_pass_acpi() - let devices pass that have no PCI function
 *
 * The DMAR table names them, and Linux' IOMMU core does not know them.
 *
 * Return: 0, -ENOMEM.
 */
int vtd_domain_pass_acpi(void)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < vtd.nr_units && !ret; i++)
		ret = pass_acpi_devices(vtd.units[i]);
	return ret;
}

/** vtd_domain_exit() - unregister the units */
void vtd_domain_exit(void)
{
	vtd_binding_stop();
	unregister(vtd.nr_units, vtd.nr_units);
}
