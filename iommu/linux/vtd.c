// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state that the files of iommu/linux share, and which unit a device is behind.
 *
 * VT-d specification, "Device Scope Structure" and "Requests from Devices behind PCI Bridges".
 * Relies on the DMAR table, whose device scopes iommu/hw/dmar.c has checked.
 */
#include <linux/pci.h>

#include "iommu/linux/vtd.h"

struct vtd vtd;

/**
 * vtd_path_matches() - does the path of a device scope entry lead to a device?
 * @pdev: the device
 * @scope: the entry
 *
 * Return: whether it does.
 */
bool vtd_path_matches(struct pci_dev *pdev, const struct dmar_scope *scope)
{
	unsigned int hop = scope->hops;

	while (pdev && hop) {
		const u8 *step = &scope->path[2 * --hop];

		if (step[0] > 31 || step[1] > 7 || pdev->devfn != PCI_DEVFN(step[0], step[1]))
			return false;
		if (!hop)
			return pdev->bus->number == scope->bus;
		pdev = pdev->bus->self;
	}
	return false;
}

/**
 * vtd_in_scope() - do the device scopes of a structure name a device?
 * @pdev: the device
 * @structure: DRHD, RMRR or ATSR
 *
 * A bridge in the scope stands for everything below it. A virtual function is in no scope: the unit
 * of its physical function serves it, but the physical function's reserved memory is not its own.
 * INCLUDE_PCI_ALL is ignored here.
 *
 * Return: whether they do.
 */
bool vtd_in_scope(struct pci_dev *pdev, const struct dmar_structure *structure)
{
	const u8 *at = structure->scopes, *end = at + structure->scopes_size;
	struct dmar_scope scope;
	struct pci_dev *p;

	if (pci_domain_nr(pdev->bus) != structure->segment)
		return false;
	while (dmar_next_scope(&at, end, &scope)) {
		if (scope.type == SCOPE_ENDPOINT && vtd_path_matches(pdev, &scope))
			return true;
		for (p = pdev; scope.type == SCOPE_BRIDGE && p; p = p->bus->self)
			if (vtd_path_matches(p, &scope))
				return true;
	}
	return false;
}

/**
 * vtd_unit_of() - the unit that the requests of a device meet
 * @pdev: the device
 *
 * Return: the unit, or NULL.
 */
struct vtd_unit *vtd_unit_of(struct pci_dev *pdev)
{
	struct vtd_unit *all = NULL;
	unsigned int i;

	pdev = pci_physfn(pdev);
	for (i = 0; i < vtd.nr_units; i++) {
		if (vtd_in_scope(pdev, &vtd.units[i]->drhd))
			return vtd.units[i];
		if (vtd.units[i]->drhd.all &&
		    vtd.units[i]->drhd.segment == pci_domain_nr(pdev->bus))
			all = vtd.units[i];
	}
	return all;
}

/**
 * vtd_visit_aliases() - every source identifier that requests of a device may carry
 * @pdev: the device
 * @visit: called with bus, device and function, and @arg; a value other than 0 ends the walk
 * @arg: its last argument
 *
 * They are its own, those that the kernel's quirks name, and those of the bridges to conventional
 * PCI above it. Requests through a PCIe-to-PCI bridge carry function 0 of its secondary bus;
 * through a PCI bridge or a PCI-to-PCIe bridge they carry the bridge's own (VT-d specification,
 * "Requests from Devices behind PCI Bridges").
 *
 * Return: what @visit returned last.
 */
int vtd_visit_aliases(struct pci_dev *pdev, vtd_alias_t visit, void *arg)
{
	struct pci_bus *bus;
	unsigned int devfn;
	int ret = visit(pdev->bus->number, pdev->devfn, arg);

	if (pdev->dma_alias_mask)
		for_each_set_bit(devfn, pdev->dma_alias_mask, NR_DEVFNS)
			ret = ret ?: visit(pdev->bus->number, devfn, arg);
	for (bus = pdev->bus; !ret && !pci_is_root_bus(bus); bus = bus->parent) {
		struct pci_dev *bridge = bus->self;

		if (!bridge)
			continue;
		/* The flag marks such a bridge without the capability that says so. */
		if (pci_pcie_type(bridge) == PCI_EXP_TYPE_PCI_BRIDGE ||
		    (!pci_is_pcie(bridge) && bridge->dev_flags & PCI_DEV_FLAG_PCIE_BRIDGE_ALIAS))
			ret = visit(bus->number, 0, arg);
		else if (!pci_is_pcie(bridge) || pci_pcie_type(bridge) == PCI_EXP_TYPE_PCIE_BRIDGE)
			ret = visit(bridge->bus->number, bridge->devfn, arg);
	}
	return ret;
}

/** vtd_any_broken() - is there a unit that does not answer, and so may go on reading its tables? */
bool vtd_any_broken(void)
{
	unsigned int i;

	for (i = 0; i < vtd.nr_units; i++)
		if (READ_ONCE(vtd.units[i]->hw.broken))
			return true;
	return false;
}
