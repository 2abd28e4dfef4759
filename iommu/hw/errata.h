/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Devices and chipsets with errata in "Interrupt Remapping" and "Device-TLBs" of the VT-d
 * specification: questions only, the caller acts.
 */
#ifndef MINIKVM_IOMMU_HW_ERRATA_H
#define MINIKVM_IOMMU_HW_ERRATA_H

#include "shim.h"

bool errata_no_remapping(u16 vendor, u16 device, u8 revision);
bool errata_no_ats(u16 vendor, u16 device);

#endif
