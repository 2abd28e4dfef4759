// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that ask for translations and keep them (PCIe Address Translation Services).
 *
 * VT-d specification, "Device-TLBs", "Root Port ATS Capability Reporting Structure". A device may
 * keep translations while it is assigned, if its unit has device-TLBs (ECAP.DT) and the root port
 * above it forwards its requests (ATSR). Each unmapping then asks the device for its translations
 * back. A device that does not answer is cut off: its context entry blocks its translated requests,
 * and it may not master the bus (closed.c).
 */
#define pr_fmt(fmt) "minikvm: VT-d: " fmt

#include <linux/module.h>
#include <linux/pci-ats.h>

#include "iommu/hw/errata.h"
#include "iommu/linux/vtd.h"

static bool ats_wanted = true;
module_param_named(iommu_ats, ats_wanted, bool, 0444);
MODULE_PARM_DESC(iommu_ats, "let assigned devices keep translations (ATS; default on)");

/* Do translation requests of a device reach its unit? Those of the root complex always do. */
static bool is_forwarded(struct pci_dev *pdev)
{
	struct vtd_structure *ports;
	struct pci_dev *port;

	if (pci_is_root_bus(pdev->bus))
		return true;
	port = pcie_find_root_port(pdev);
	list_for_each_entry(ports, &vtd.root_ports, node) {
		if (ports->dmar.segment != pci_domain_nr(pdev->bus))
			continue;
		if (ports->dmar.all || (port && vtd_in_scope(port, &ports->dmar)))
			return true;
	}
	return false;
}

/* A virtual function translates with the page size that is set in its physical function. */
static bool has_page_size(struct pci_dev *pdev)
{
	return !pdev->is_virtfn || pci_physfn(pdev)->ats_stu == PAGE_SHIFT;
}

/**
 * vtd_ats_probe() - find out whether a device may keep translations while it is assigned
 * @device: a new one, with its unit
 */
void vtd_ats_probe(struct vtd_device *device)
{
	struct pci_dev *pdev = to_pci_dev(device->dev);
	u16 capability = 0;

	INIT_LIST_HEAD(&device->ats_node);
	if (!ats_wanted || !(device->unit->hw.ecap & ECAP_DT) || !pci_ats_supported(pdev) ||
	    pdev->dma_alias_mask || errata_no_ats(pdev->vendor, pdev->device) ||
	    !has_page_size(pdev) || !is_forwarded(pci_physfn(pdev)))
		return;
	pci_read_config_word(pdev, pci_find_ext_capability(pdev, PCI_EXT_CAP_ID_ATS) + PCI_ATS_CAP,
			     &capability);
	device->tlb = (struct qi_device){
		.source = pci_dev_id(pdev),
		.pf = pci_dev_id(pci_physfn(pdev)),
		.depth = PCI_ATS_CAP_QDEP(capability),
	};
	device->can_ats = true;
}

/**
 * vtd_ats_start() - let a device keep translations of a domain
 * @device: attached to it, with a context entry that allows it
 * @d: the domain
 *
 * The caller holds vtd.mutex.
 *
 * Return: false if the device refuses; it then needs a context entry without ATS.
 */
bool vtd_ats_start(struct vtd_device *device, struct vtd_domain *d)
{
	/* In the list before it can have a translation. */
	spin_lock(&d->ats_lock);
	list_add(&device->ats_node, &d->ats_devices);
	spin_unlock(&d->ats_lock);
	device->ats = true;
	if (!pci_enable_ats(to_pci_dev(device->dev), PAGE_SHIFT))
		return true;
	vtd_ats_stop(device, d);
	device->can_ats = false;
	return false;
}

/**
 * vtd_ats_stop() - no longer let a device keep translations
 * @device: blocked, so that it cannot use those that it has; or one that never kept any
 * @d: the domain of vtd_ats_start()
 *
 * The caller holds vtd.mutex.
 */
void vtd_ats_stop(struct vtd_device *device, struct vtd_domain *d)
{
	struct pci_dev *pdev = to_pci_dev(device->dev);
	struct vtd_unit *unit = device->unit;
	int ret = 0;

	if (!device->ats)
		return;
	spin_lock(&d->ats_lock);
	list_del_init(&device->ats_node);
	spin_unlock(&d->ats_lock);
	device->ats = false;
	if (!pdev->ats_enabled)
		return;
	/* Or it would use translations of this domain when it is attached to the next. */
	if (device->can_ats && pci_device_is_present(pdev)) {
		vtd_lock(unit);
		ret = qi_flush_device(&unit->hw, &device->tlb, 0, ~0ULL);
		vtd_unlock(unit);
	}
	if (ret)
		device->can_ats = false;
	pci_disable_ats(pdev);
}

/*
 * The device may use its translations as long as its context entry allows it. If the entry cannot
 * be changed, the unit is broken. In both cases the device cannot send any more. The caller holds
 * the unit's and the domain's lock.
 */
static void cut_off(struct vtd_device *device)
{
	static const struct context_target blocked;

	list_del_init(&device->ats_node);
	device->can_ats = false;
	context_attach(&device->unit->hw, device->tlb.source, 0, &blocked);
	vtd_close(device);
}

/**
 * vtd_ats_flush() - ask the devices of a domain for an address range back
 * @d: the domain; the units have forgotten the range already
 * @first: first address
 * @last: last address, inclusive
 *
 * The wait for a device has interrupts on, if they are on here.
 */
void vtd_ats_flush(struct vtd_domain *d, u64 first, u64 last)
{
	struct vtd_device *device, *next;

	/*
	 * A device that joins from here on cannot meet the entries, which are gone: flush_range().
	 */
	if (list_empty(&d->ats_devices))
		return;
	spin_lock(&d->ats_lock);
	list_for_each_entry_safe(device, next, &d->ats_devices, ats_node) {
		vtd_lock(device->unit);
		if (qi_flush_device(&device->unit->hw, &device->tlb, first, last) == -ETIMEDOUT)
			cut_off(device);
		vtd_unlock(device->unit);
	}
	spin_unlock(&d->ats_lock);
}
