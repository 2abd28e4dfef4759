/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's CPUID table, from what KVM_GET_SUPPORTED_CPUID offers.
 *
 * SDM, "CPUID - CPU Identification". Relies on the table having CPUID_ENTRIES_MAX entries of room.
 */
#ifndef MINIKVM_TOOL_GUEST_CPUID_H
#define MINIKVM_TOOL_GUEST_CPUID_H

#include <linux/kvm.h>
#include <stdbool.h>

#define CPUID_ENTRIES_MAX	256

bool cpuid_adjust(struct kvm_cpuid2 *cpuid, unsigned int id, unsigned int cpus,
		  bool tsc_deadline);
void cpuid_announce_tsc(struct kvm_cpuid2 *cpuid, unsigned int tsc_khz);

#endif
