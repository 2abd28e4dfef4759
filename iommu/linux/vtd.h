/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of iommu/linux share, and what the module sees of them.
 *
 * iommu/linux presents the remapping units of iommu/hw to Linux as one IOMMU driver. init.c takes
 * VT-d over and gives it back. units.c finds the units and switches them, power.c does so in
 * suspend and reboot. domain.c is the driver (struct iommu_ops), binding.c knows the drivers that
 * keep a group, closed.c stops devices whose unit does not answer, ats.c lets devices keep
 * translations, interrupt.c remaps interrupts, fault.c reports what was blocked, iommu_debugfs.c
 * shows the state, vtd.c is below all of them. Documentation/vtd-linux.rst explains how they work.
 */
#ifndef MINIKVM_IOMMU_LINUX_VTD_H
#define MINIKVM_IOMMU_LINUX_VTD_H

#include <linux/idr.h>
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/spinlock.h>

#include "iommu/hw/context.h"
#include "iommu/hw/dmar.h"
#include "iommu/hw/irte.h"
#include "iommu/hw/iopt.h"
#include "iommu/hw/qi.h"

#define VTD_MAX_UNITS	32

/**
 * struct vtd_unit - a remapping unit
 * @hw: registers, tables, and the lock of both: vtd_lock()
 * @cut_off: value of @hw.times_given_up when devices were last cut off; under the lock
 * @iommu: the unit as Linux' IOMMU core knows it
 * @drhd: its structure of the DMAR table, which stays mapped
 * @index: position in vtd.units
 * @irq: fault interrupt, or 0
 * @irq_domain: the domain of @irq
 * @name: dmar0 and so on
 */
struct vtd_unit {
	struct remap_unit hw;
	u32 cut_off;
	struct iommu_device iommu;
	struct dmar_structure drhd;
	unsigned int index;
	int irq;
	struct irq_domain *irq_domain;
	char name[16];
};

/** struct vtd_structure - of the DMAR table: reserved memory (RMRR), or root ports (ATSR) */
struct vtd_structure {
	struct list_head node;
	struct dmar_structure dmar;
};

/**
 * struct vtd_domain - an address space for devices
 * @domain: the domain as Linux' IOMMU core knows it
 * @plain_ops: operations of a domain without a table, which may outlive the module
 * @table: its page table; identity and blocking domains have none
 * @id: domain identifier in the hardware
 * @users: how many devices behind each unit use the domain; units without any are not flushed
 * @walk_lock: held while @table is read by others than the owner of the range
 * @ats_devices: devices that keep translations of the domain
 * @ats_lock: of that list; taken before a unit's lock
 */
struct vtd_domain {
	struct iommu_domain domain;
	struct iommu_domain_ops plain_ops;
	struct iopt table;
	u16 id;
	u16 users[VTD_MAX_UNITS];
	spinlock_t walk_lock;
	struct list_head ats_devices;
	spinlock_t ats_lock;
};

/**
 * struct vtd_device - a device behind a unit, and the domain it uses; under vtd.mutex
 * @node: in vtd.devices
 * @dev: the device
 * @unit: its unit
 * @domain: its domain
 * @was_bound: a driver was bound before minikvm was loaded; under the device's lock
 * @bound: a driver that keeps the group is bound, and holds the module; under the device's lock
 * @refused: such a driver came when the module could not be held; under the device's lock
 * @claimed: its domain is not identity, and it holds the module
 * @closed: it may not master the bus (closed.c); under vtd.devices_lock
 * @told: its driver was told that it is closed; under vtd.devices_lock
 * @bus: its bus, with the operations that closed.c exchanges
 * @can_ats: it may keep translations while it is assigned
 * @ats: it keeps translations of @domain
 * @ats_node: in the domain's list, under its ats_lock
 * @tlb: how it is asked to give translations back
 */
struct vtd_device {
	struct list_head node;
	struct device *dev;
	struct vtd_unit *unit;
	struct vtd_domain *domain;
	bool was_bound;
	bool bound;
	bool refused;
	bool claimed;
	bool closed;
	bool told;
	struct vtd_bus *bus;
	bool can_ats;
	bool ats;
	struct list_head ats_node;
	struct qi_device tlb;
};

/**
 * struct vtd - all units, and what all of them can do
 * @units: the units
 * @nr_units: how many there are
 * @regions: RMRRs
 * @root_ports: ATSRs
 * @devices: devices; changes under @mutex and @devices_lock, either is enough to read
 * @devices_lock: see @devices; taken after a unit's lock
 * @mutex: serialises attachments; no domain's table is freed while it is held
 * @scalable: the units are in scalable mode
 * @format: of the page tables
 * @width: bits of an address
 * @pgsizes: bitmap of page sizes
 * @snoop: accesses can be forced to snoop the caches
 * @pass_through: context entries can pass requests through untranslated
 * @remaps_interrupts: every unit remaps interrupts
 * @identity: table that maps all memory onto itself, where they cannot
 * @ids: domain identifiers in use
 * @nr_ids: how many domain identifiers the units have
 * @any_broken: a unit has not answered, at some time since the module was loaded
 * @ops: copy of the driver's operations, outside the module (see domain.c)
 */
struct vtd {
	struct vtd_unit *units[VTD_MAX_UNITS];
	unsigned int nr_units;
	struct list_head regions;
	struct list_head root_ports;
	struct list_head devices;
	spinlock_t devices_lock;
	struct mutex mutex;
	bool scalable;
	struct iopt_format format;
	unsigned int width;
	unsigned long pgsizes;
	bool snoop;
	bool pass_through;
	bool remaps_interrupts;
	bool any_broken;
	struct iopt identity;
	struct ida ids;
	unsigned int nr_ids;
	struct iommu_ops *ops;
};

extern struct vtd vtd;

/* init.c, for virt/module.c */
bool vtd_init(void);
void vtd_exit(void);

/* vtd.c */
typedef int (*vtd_alias_t)(u8 bus, u8 devfn, void *arg);
bool vtd_path_matches(struct pci_dev *pdev, const struct dmar_scope *scope);
bool vtd_in_scope(struct pci_dev *pdev, const struct dmar_structure *structure);
struct vtd_unit *vtd_unit_of(struct pci_dev *pdev);
int vtd_visit_aliases(struct pci_dev *pdev, vtd_alias_t visit, void *arg);
bool vtd_any_broken(void);

/* units.c */
int vtd_units_find(void);
int vtd_units_enable(void);
void vtd_units_disable(void);
void vtd_units_free(void);

/* power.c */
int vtd_power_init(void);
void vtd_power_exit(void);
void vtd_emergency(void);

/* domain.c */
int vtd_domain_init(void);
int vtd_domain_pass_acpi(void);
void vtd_domain_exit(void);

/* binding.c */
bool vtd_hold(bool *held, bool need);
bool vtd_may_bind(struct device *dev);
int vtd_binding_start(void);
void vtd_binding_stop(void);

/* closed.c */
struct vtd_bus;
int vtd_closed_probe(struct vtd_device *device);
void vtd_closed_release(struct vtd_device *device);
void vtd_close(struct vtd_device *device);
void vtd_close_unit(struct vtd_unit *unit);
void vtd_reopen(struct vtd_device *device);
void vtd_closed_flush(void);

/* ats.c */
void vtd_ats_probe(struct vtd_device *device);
bool vtd_ats_start(struct vtd_device *device, struct vtd_domain *d);
void vtd_ats_stop(struct vtd_device *device, struct vtd_domain *d);
void vtd_ats_flush(struct vtd_domain *d, u64 first, u64 last);

/* interrupt.c */
struct seq_file;
void vtd_interrupt_start(void);
void vtd_interrupt_stop(void);
bool vtd_interrupts_are_isolated(void);
void vtd_interrupt_suspend(void);
int vtd_interrupt_resume(void);
void vtd_interrupt_show(struct seq_file *m);

/* fault.c */
int vtd_fault_start(struct vtd_unit *unit);
void vtd_fault_resume(struct vtd_unit *unit);
void vtd_fault_stop(struct vtd_unit *unit);
bool vtd_is_fault_irq(unsigned int irq);

/* iommu_debugfs.c */
void vtd_debugfs_init(void);
void vtd_debugfs_exit(void);

/** vtd_lock() - take the lock of a unit; iommu/hw gives it up while hardware takes its time */
static inline void vtd_lock(struct vtd_unit *unit)
	__acquires(&unit->hw.lock.lock)
{
	shim_lock(&unit->hw.lock);
}

/**
 * vtd_unlock() - give the lock of a unit back
 * @unit: the unit
 *
 * Where iommu/hw gave the unit up, its devices are cut off here, before the caller acts on -EIO.
 */
static inline void vtd_unlock(struct vtd_unit *unit)
	__releases(&unit->hw.lock.lock)
{
	if (unlikely(unit->cut_off != unit->hw.times_given_up))
		vtd_close_unit(unit);
	shim_unlock(&unit->hw.lock);
}

#endif
