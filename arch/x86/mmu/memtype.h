/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which memory type an EPT leaf gets.
 *
 * SDM, "Memory Type Range Registers (MTRRs)" and "EPT and Memory Typing". Pure: no state, no
 * kernel; tested by selftests/unit/mmu.
 *
 * The rule for learners. In a guest the type of an access comes from two places only: the EPT
 * leaf (bits 5:3, in the role that the MTRRs have on bare hardware) and the guest's own PAT,
 * combined as MTRR and PAT are. The *host's* MTRRs do not count. If the leaf sets "ignore PAT"
 * (bit 6), the guest's PAT does not count either. A hypervisor that leaves bits 5:3 zero has
 * made all memory uncacheable: everything works, a hundred times slower.
 */
#ifndef MINIKVM_ARCH_X86_MMU_MEMTYPE_H
#define MINIKVM_ARCH_X86_MMU_MEMTYPE_H

#include "arch/x86/mmu/shim.h"

/* Encodings of MTRRs, PAT and EPT. */
enum { MEMTYPE_UC = 0, MEMTYPE_WC = 1, MEMTYPE_WT = 4, MEMTYPE_WP = 5, MEMTYPE_WB = 6 };

/* Leaf bits, shifted down to bit 3: what ept_memtype() returns. */
#define EPT_MEMTYPE_MASK	7
#define EPT_MEMTYPE_IPAT	BIT(3)

#define MTRR_NR_VAR		8

/**
 * struct guest_mtrrs - the MTRRs of a guest, as WRMSR gave them
 * @def_type: IA32_MTRR_DEF_TYPE: type in 7:0, fixed ranges on in 10, all on in 11
 * @fixed: 64K_00000, 16K_80000, 16K_A0000, 4K_C0000 ... 4K_F8000; a byte for each sub-range
 * @var: PHYSBASE0, PHYSMASK0, PHYSBASE1, ...
 */
struct guest_mtrrs {
	u64 def_type;
	const u64 *fixed;
	const u64 *var;
};

int mtrr_range_type(const struct guest_mtrrs *m, u64 start, u64 len, unsigned int maxphyaddr);

/**
 * struct ept_memtype_in - what the type of a leaf depends on
 * @is_mmio: the host frame is device memory (of an assigned device), not RAM
 * @noncoherent_dma: a device that does not snoop the caches can reach guest memory
 * @cache_disabled: CR0.CD of the guest
 * @cd_ignored: KVM_X86_QUIRK_CD_NW_CLEARED: CR0.CD does not make memory uncacheable
 * @mtrr_type: what mtrr_range_type() said
 */
struct ept_memtype_in {
	bool is_mmio;
	bool noncoherent_dma;
	bool cache_disabled;
	bool cd_ignored;
	u8 mtrr_type;
};

u8 ept_memtype(const struct ept_memtype_in *in);

#endif
