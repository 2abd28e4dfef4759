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

/**
 * cpuid_adjust() - what the host reports is the host's topology; the guest must see its own
 * @cpuid: the table, changed in place
 * @id: the vCPU's APIC ID
 * @cpus: number of vCPUs
 * @tsc_deadline: the local APIC has a TSC-deadline timer
 *
 * Return: whether the guest has MTRRs.
 */
bool cpuid_adjust(struct kvm_cpuid2 *cpuid, unsigned int id, unsigned int cpus,
		  bool tsc_deadline);

/**
 * cpuid_announce_tsc() - tell the guest the frequency of its TSC
 * @cpuid: the table, changed in place
 * @tsc_khz: the frequency; 0 = unknown, then nothing is told
 *
 * Leaf 15H, "Time Stamp Counter and Nominal Core Crystal Clock Information": without it, and
 * without a paravirtual clock, a guest has to guess from a PIT that it does not always have. The
 * crystal also is the clock of the local APIC's timer, 1 GHz in KVM's ABI. Nothing is told where
 * the ratio of the two cannot be given to 20 millionths; mostly it is exact to one kHz.
 */
void cpuid_announce_tsc(struct kvm_cpuid2 *cpuid, unsigned int tsc_khz);

#endif
