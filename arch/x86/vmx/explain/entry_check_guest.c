// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM-entry checks of the guest-state area.
 *
 * SDM, "Checks on Guest Control Registers, Debug Registers, and MSRs", "Checks on Guest
 * Descriptor-Table Registers", "Checks on Guest RIP, RFLAGS, and SSP", "Checks on Guest
 * Non-Register State", "Checks on Guest Page-Directory-Pointer-Table Entries". The segments are
 * in entry_check_segment.c. Pure: see entry_check.h.
 */
#include <linux/kernel.h>
#include <asm/processor-flags.h>

#include "arch/x86/vmx/explain/entry_check.h"

#define EFER_RESERVED		(~0xd01ull)	/* all but SCE, LME, LMA, NXE */
#define EFER_LME_BIT		BIT_ULL(8)
#define EFER_LMA_BIT		BIT_ULL(10)
#define DEBUGCTL_RESERVED	(~0xffc7ull)
#define DEBUGCTL_BTF_BIT	BIT_ULL(1)
#define DEBUGCTL_BUS_LOCK	BIT_ULL(2)
#define DEBUGCTL_RTM		BIT_ULL(15)
#define BNDCFGS_RESERVED	0xffcull
#define RFLAGS_RESERVED		(~0x3f7fd7ull)	/* 63:22, 15, 5, 3 */
#define PENDING_RESERVED	(~0x1580full)	/* 63:17, 15, 13, 10:4 */
#define PENDING_BUS_LOCK	BIT_ULL(11)
#define PENDING_ENABLED		BIT_ULL(12)
#define PENDING_BS		BIT_ULL(14)
#define PENDING_RTM		BIT_ULL(16)
#define PDPTE_RESERVED		0x1e6ull	/* 8:5, 2:1 */
#define LINK_NONE		(~0ull)

static bool ia32e(const struct entry_check *c)
{
	return entry_on(c, WORD_ENTRY, VM_ENTRY_IA32E_MODE);
}

static void check_efer(struct entry_check *c, u64 cr0)
{
	u64 efer = entry_read(c, GUEST_IA32_EFER);

	entry_must(c, !(efer & EFER_RESERVED), GUEST_IA32_EFER, "reserved bits must be 0");
	entry_must(c, !!(efer & EFER_LMA_BIT) == ia32e(c), GUEST_IA32_EFER,
		   "bit 10 (LMA) must equal \"IA-32e mode guest\", which is %d", ia32e(c));
	if (cr0 & X86_CR0_PG)
		entry_must(c, !(efer & EFER_LMA_BIT) == !(efer & EFER_LME_BIT), GUEST_IA32_EFER,
			   "bits 10 (LMA) and 8 (LME) must be equal, because CR0.PG is 1");
}

static void check_debug_controls(struct entry_check *c)
{
	u64 debugctl = entry_read(c, GUEST_IA32_DEBUGCTL), reserved = DEBUGCTL_RESERVED;

	if (!c->caps->bus_lock_debug)
		reserved |= DEBUGCTL_BUS_LOCK;
	if (!c->caps->rtm)
		reserved |= DEBUGCTL_RTM;
	entry_must(c, !(debugctl & reserved), GUEST_IA32_DEBUGCTL, "reserved bits must be 0");
	entry_must(c, !(entry_read(c, GUEST_DR7) >> 32), GUEST_DR7, "bits 63:32 must be 0");
}

static void check_registers(struct entry_check *c)
{
	u64 cr0 = entry_read(c, GUEST_CR0), cr4 = entry_read(c, GUEST_CR4), value;
	bool unrestricted = entry_on(c, WORD_SECONDARY, SECONDARY_EXEC_UNRESTRICTED_GUEST);

	c->section = "Checks on Guest Control Registers, Debug Registers, and MSRs";
	entry_check_cr(c, GUEST_CR0, GUEST_CR4, unrestricted ? X86_CR0_PE | X86_CR0_PG : 0);
	if (cr0 & X86_CR0_PG)
		entry_must(c, cr0 & X86_CR0_PE, GUEST_CR0,
			   "bit 0 (PE) must be 1, because bit 31 (PG) is 1");
	if (ia32e(c)) {
		entry_must(c, cr0 & X86_CR0_PG, GUEST_CR0,
			   "bit 31 (PG) must be 1 with \"IA-32e mode guest\"");
		entry_must(c, cr4 & X86_CR4_PAE, GUEST_CR4,
			   "bit 5 (PAE) must be 1 with \"IA-32e mode guest\"");
	} else {
		entry_must(c, !(cr4 & X86_CR4_PCIDE), GUEST_CR4,
			   "bit 17 (PCIDE) must be 0 without \"IA-32e mode guest\"");
	}
	entry_must(c, !(entry_read(c, GUEST_CR3) & entry_bits_from(c->caps->physical_bits)),
		   GUEST_CR3, "bits beyond the processor's physical-address width must be 0");
	if (entry_on(c, WORD_ENTRY, VM_ENTRY_LOAD_DEBUG_CONTROLS))
		check_debug_controls(c);
	entry_check_canonical(c, GUEST_SYSENTER_ESP);
	entry_check_canonical(c, GUEST_SYSENTER_EIP);
	if (entry_on(c, WORD_ENTRY, VM_ENTRY_LOAD_IA32_PERF_GLOBAL_CTRL))
		entry_must(c, !(entry_read(c, GUEST_IA32_PERF_GLOBAL_CTRL) &
				~c->caps->perf_global_ctrl),
			   GUEST_IA32_PERF_GLOBAL_CTRL, "reserved bits must be 0");
	if (entry_on(c, WORD_ENTRY, VM_ENTRY_LOAD_IA32_PAT))
		entry_check_pat(c, GUEST_IA32_PAT);
	if (entry_on(c, WORD_ENTRY, VM_ENTRY_LOAD_IA32_EFER))
		check_efer(c, cr0);
	if (entry_on(c, WORD_ENTRY, VM_ENTRY_LOAD_BNDCFGS)) {
		value = entry_read(c, GUEST_BNDCFGS);
		entry_must(c, !(value & BNDCFGS_RESERVED), GUEST_BNDCFGS,
			   "bits 11:2 are reserved and must be 0");
		entry_must(c, entry_canonical(c, value & ~0xfffull), GUEST_BNDCFGS,
			   "the address in bits 63:12 must be canonical");
	}
}

static void check_tables(struct entry_check *c)
{
	static const u16 limits[] = { GUEST_GDTR_LIMIT, GUEST_IDTR_LIMIT };
	unsigned int i;

	c->section = "Checks on Guest Descriptor-Table Registers";
	entry_check_canonical(c, GUEST_GDTR_BASE);
	entry_check_canonical(c, GUEST_IDTR_BASE);
	for (i = 0; i < ARRAY_SIZE(limits); i++)
		entry_must(c, !(entry_read(c, limits[i]) >> 16), limits[i],
			   "bits 31:16 must be 0");
}

static void check_rip_rflags(struct entry_check *c)
{
	u64 rip = entry_read(c, GUEST_RIP), rflags = entry_read(c, GUEST_RFLAGS);
	u32 event = entry_read(c, VM_ENTRY_INTR_INFO_FIELD);

	c->section = "Checks on Guest RIP, RFLAGS, and SSP";
	if (ia32e(c) && (entry_read(c, GUEST_CS_AR_BYTES) & VMX_AR_L_MASK))
		entry_check_canonical(c, GUEST_RIP);
	else
		entry_must(c, !(rip >> 32), GUEST_RIP, "bits 63:32 must be 0 outside 64-bit mode");

	entry_must(c, !(rflags & RFLAGS_RESERVED), GUEST_RFLAGS,
		   "bits 63:22, 15, 5 and 3 are reserved and must be 0");
	entry_must(c, rflags & X86_EFLAGS_FIXED, GUEST_RFLAGS, "bit 1 must be 1");
	if (ia32e(c) || !(entry_read(c, GUEST_CR0) & X86_CR0_PE))
		entry_must(c, !(rflags & X86_EFLAGS_VM), GUEST_RFLAGS,
			   "bit 17 (VM) must be 0 in IA-32e mode and when CR0.PE is 0");
	if ((event & (INTR_INFO_VALID_MASK | INTR_INFO_INTR_TYPE_MASK)) ==
	    (INTR_INFO_VALID_MASK | INTR_TYPE_EXT_INTR))
		entry_must(c, rflags & X86_EFLAGS_IF, GUEST_RFLAGS,
			   "bit 9 (IF) must be 1, because an external interrupt is injected");
}

/* May this event be injected into that activity state? Only into the active state all may. */
static bool event_fits_activity(u32 event, u64 activity)
{
	u32 type = event & INTR_INFO_INTR_TYPE_MASK;
	u8 vector = event & INTR_INFO_VECTOR_MASK;

	switch (activity) {
	case GUEST_ACTIVITY_ACTIVE:
		return true;
	case GUEST_ACTIVITY_HLT:
		return type == INTR_TYPE_EXT_INTR || type == INTR_TYPE_NMI_INTR ||
		       (type == INTR_TYPE_HARD_EXCEPTION && (vector == 1 || vector == 18)) ||
		       (type == INTR_TYPE_OTHER_EVENT && !vector);
	case GUEST_ACTIVITY_SHUTDOWN:
		return type == INTR_TYPE_NMI_INTR ||
		       (type == INTR_TYPE_HARD_EXCEPTION && vector == 18);
	default:
		return false;
	}
}

static void check_activity(struct entry_check *c, u64 activity, u64 blocking)
{
	u32 event = entry_read(c, VM_ENTRY_INTR_INFO_FIELD);

	/* IA32_VMX_MISC has a bit for each state but the active one. */
	entry_must(c, activity <= GUEST_ACTIVITY_WAIT_SIPI &&
		   (!activity || (c->caps->misc & (VMX_MISC_ACTIVITY_HLT << (activity - 1)))),
		   GUEST_ACTIVITY_STATE, "must be a state that IA32_VMX_MISC reports");
	if (activity == GUEST_ACTIVITY_HLT)
		entry_must(c, !VMX_AR_DPL(entry_read(c, GUEST_SS_AR_BYTES)), GUEST_ACTIVITY_STATE,
			   "must not be 1 (HLT), because the DPL of SS is not 0");
	if (blocking & (GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS))
		entry_must(c, activity == GUEST_ACTIVITY_ACTIVE, GUEST_ACTIVITY_STATE,
			   "must be 0 (active) while blocking by STI or MOV SS is in effect");
	if ((event & INTR_INFO_VALID_MASK) && activity <= GUEST_ACTIVITY_WAIT_SIPI)
		entry_must(c, event_fits_activity(event, activity), GUEST_ACTIVITY_STATE,
			   "must be a state into which the event in VM_ENTRY_INTR_INFO_FIELD may be injected");
}

static void check_interruptibility(struct entry_check *c, u64 blocking)
{
	u32 event = entry_read(c, VM_ENTRY_INTR_INFO_FIELD);
	u32 type = event & INTR_INFO_INTR_TYPE_MASK, field = GUEST_INTERRUPTIBILITY_INFO;
	bool valid = event & INTR_INFO_VALID_MASK;
	bool sti = blocking & GUEST_INTR_STATE_STI, mov_ss = blocking & GUEST_INTR_STATE_MOV_SS;

	entry_must(c, !(blocking & ~0x1full), field, "bits 31:5 are reserved and must be 0");
	entry_must(c, !(sti && mov_ss), field,
		   "bits 0 (blocking by STI) and 1 (blocking by MOV SS) must not both be 1");
	if (!(entry_read(c, GUEST_RFLAGS) & X86_EFLAGS_IF))
		entry_must(c, !sti, field,
			   "bit 0 (blocking by STI) must be 0, because RFLAGS.IF is 0");
	if (valid && type == INTR_TYPE_EXT_INTR)
		entry_must(c, !sti && !mov_ss, field,
			   "bits 0 (blocking by STI) and 1 (blocking by MOV SS) must be 0, because an external interrupt is injected");
	if (valid && type == INTR_TYPE_NMI_INTR) {
		entry_must(c, !mov_ss, field,
			   "bit 1 (blocking by MOV SS) must be 0, because an NMI is injected");
		if (entry_on(c, WORD_PIN, PIN_BASED_VIRTUAL_NMIS))
			entry_must(c, !(blocking & GUEST_INTR_STATE_NMI), field,
				   "bit 3 (blocking by NMI) must be 0, because an NMI is injected with \"virtual NMIs\"");
	}
	entry_must(c, !(blocking & GUEST_INTR_STATE_SMI), field,
		   "bit 2 (blocking by SMI) must be 0 outside system-management mode");
	if (blocking & GUEST_INTR_STATE_ENCLAVE_INTR) {
		entry_must(c, c->caps->sgx, field,
			   "bit 4 (enclave interruption) must be 0 on a processor without SGX");
		entry_must(c, !mov_ss, field,
			   "bit 1 (blocking by MOV SS) must be 0, because bit 4 (enclave interruption) is 1");
	}
}

static void check_pending_debug(struct entry_check *c, u64 activity, u64 blocking)
{
	u64 pending = entry_read(c, GUEST_PENDING_DBG_EXCEPTIONS), reserved = PENDING_RESERVED;
	u64 debugctl = entry_read(c, GUEST_IA32_DEBUGCTL);
	u32 field = GUEST_PENDING_DBG_EXCEPTIONS;
	bool single_step;

	if (!c->caps->bus_lock_debug)
		reserved |= PENDING_BUS_LOCK;
	entry_must(c, !(pending & reserved), field,
		   "bits 63:17, 15, 13 and 11:4 are reserved and must be 0");
	if ((blocking & (GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS)) ||
	    activity == GUEST_ACTIVITY_HLT) {
		single_step = (entry_read(c, GUEST_RFLAGS) & X86_EFLAGS_TF) &&
			      !(debugctl & DEBUGCTL_BTF_BIT);
		entry_must(c, !!(pending & PENDING_BS) == single_step, field,
			   "bit 14 (BS) must be %d: it follows RFLAGS.TF and IA32_DEBUGCTL.BTF in HLT and after STI or MOV SS",
			   single_step);
	}
	if (pending & PENDING_RTM) {
		entry_must(c, c->caps->rtm, field,
			   "bit 16 (RTM) must be 0 on a processor without RTM");
		entry_must(c, (pending & PENDING_ENABLED) &&
			   !(pending & ~(PENDING_RTM | PENDING_ENABLED)), field,
			   "with bit 16 (RTM), bit 12 must be 1 and all others 0");
		entry_must(c, !(blocking & GUEST_INTR_STATE_MOV_SS), GUEST_INTERRUPTIBILITY_INFO,
			   "bit 1 (blocking by MOV SS) must be 0, because a debug exception of RTM is pending");
	}
}

static void check_link_pointer(struct entry_check *c)
{
	bool shadow = entry_on(c, WORD_SECONDARY, SECONDARY_EXEC_SHADOW_VMCS);
	u64 link = entry_read(c, VMCS_LINK_POINTER);
	u32 revision;

	if (link == LINK_NONE)
		return;
	entry_check_physical(c, VMCS_LINK_POINTER, 0xfff);
	entry_must(c, link != c->vmcs_pa, VMCS_LINK_POINTER,
		   "must not be the current VMCS itself");
	if (c->link_revision == ~0u)
		return;
	revision = vmx_basic_vmcs_revision_id(c->caps->basic);
	entry_must(c, c->link_revision == (revision | (shadow ? BIT(31) : 0)), VMCS_LINK_POINTER,
		   "the region must begin with the VMCS revision identifier, and bit 31 must equal \"VMCS shadowing\"");
}

/**
 * entry_check_non_register() - activity, interruptibility, pending debug exceptions, link pointer
 * @c: the pass
 */
void entry_check_non_register(struct entry_check *c)
{
	u64 activity = entry_read(c, GUEST_ACTIVITY_STATE);
	u64 blocking = entry_read(c, GUEST_INTERRUPTIBILITY_INFO);

	c->section = "Checks on Guest Non-Register State";
	check_activity(c, activity, blocking);
	check_interruptibility(c, blocking);
	check_pending_debug(c, activity, blocking);
	check_link_pointer(c);
}

static void check_pdptes(struct entry_check *c)
{
	u64 reserved = PDPTE_RESERVED | entry_bits_from(c->caps->physical_bits), pdpte;
	u32 field;

	c->section = "Checks on Guest Page-Directory-Pointer-Table Entries";
	/* Only PAE paging uses the fields, and only with EPT: else they are read from memory. */
	if (ia32e(c) || !(entry_read(c, GUEST_CR0) & X86_CR0_PG) ||
	    !(entry_read(c, GUEST_CR4) & X86_CR4_PAE) ||
	    !entry_on(c, WORD_SECONDARY, SECONDARY_EXEC_ENABLE_EPT))
		return;
	for (field = GUEST_PDPTR0; field <= GUEST_PDPTR3; field += 2) {
		pdpte = entry_read(c, field);
		entry_must(c, !(pdpte & 1) || !(pdpte & reserved), field,
			   "reserved bits of a present entry must be 0: 2:1, 8:5 and those beyond the physical-address width");
	}
}

/**
 * entry_check_guest() - the guest-state area
 * @c: the pass; entry_check_controls() was called
 */
void entry_check_guest(struct entry_check *c)
{
	check_registers(c);
	entry_check_segments(c);
	check_tables(c);
	check_rip_rflags(c);
	entry_check_non_register(c);
	check_pdptes(c);
}

/**
 * entry_check_all() - every rule, in the processor's order
 * @c: the pass: read, report, caps and what belongs to the VMCS are filled in
 *
 * As the processor does, looks at the guest only if controls and host area are right.
 *
 * Return: the number of broken rules.
 */
int entry_check_all(struct entry_check *c)
{
	c->broken = 0;
	entry_check_controls(c);
	entry_check_host(c);
	if (!c->broken)
		entry_check_guest(c);
	return c->broken;
}
