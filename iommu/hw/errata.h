/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Devices and chipsets that are known to be wrong.
 *
 * VT-d specification, "Interrupt Remapping" and "Device-TLBs", as far as some do not keep to it.
 * Decisions only; who asks acts.
 */
#ifndef MINIKVM_IOMMU_HW_ERRATA_H
#define MINIKVM_IOMMU_HW_ERRATA_H

#include "shim.h"

bool errata_no_remapping(u16 vendor, u16 device, u8 revision);
bool errata_no_ats(u16 vendor, u16 device);

#endif
