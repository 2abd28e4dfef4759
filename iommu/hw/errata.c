// SPDX-License-Identifier: GPL-2.0-only
/*
 * PCI devices that do not do what the VT-d specification says, by their identifiers.
 *
 * Intel's specification updates: "5520 and 5500 Chipset" (interrupt remapping), "4th Gen Xeon" (the
 * QAT device). iommu/linux asks for each device. Relies on nothing.
 */
#include "errata.h"

#define INTEL 0x8086

/**
 * errata_no_remapping() - is a device the host bridge of a chipset whose interrupt remapping fails?
 * @vendor: its vendor identifier
 * @device: its device identifier
 * @revision: its revision identifier
 *
 * The 5500, 5520 and X58 lose interrupts when entries change.
 *
 * Return: whether it is.
 */
bool errata_no_remapping(u16 vendor, u16 device, u8 revision)
{
	if (vendor != INTEL || (device != 0x3403 && device != 0x3405 && device != 0x3406))
		return false;
	return revision <= 0x13 || (device == 0x3405 && revision == 0x22);
}

/**
 * errata_no_ats() - may a device still use a translation that it says it has forgotten?
 * @vendor: its vendor identifier
 * @device: its device identifier
 *
 * Each invalidation would have to be sent twice to such a device.
 *
 * Return: whether it may.
 */
bool errata_no_ats(u16 vendor, u16 device)
{
	return vendor == INTEL && (device & 0xfffc) == 0x4940;
}
