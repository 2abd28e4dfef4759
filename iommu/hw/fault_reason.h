/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The reasons of remapping faults in words.
 */
#ifndef MINIKVM_IOMMU_HW_FAULT_REASON_H
#define MINIKVM_IOMMU_HW_FAULT_REASON_H

const char *fault_reason_name(unsigned int reason);

#endif
