// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does each VM-entry rule find what breaks it, and nothing else?
 *
 * SDM, "VM Entries". A VMCS is an array here. Each of the known-good ones must pass; each row of
 * the tables changes one field or two of a good one, and exactly the rules that the row names may
 * be reported, in any order: with field, words and section.
 */
#include <stdlib.h>
#include <string.h>
#include <asm/processor-flags.h>

#include "arch/x86/vmx/entry_check.h"

#define NR_FIELDS	0x8000
#define MAX_FOUND	256

static u64 vmcs[NR_FIELDS];
static struct entry_check_caps caps;
static int vtpr;
static u32 link_revision;

static struct {
	u32 field;
	char rule[160];
	const char *section;
} found[MAX_FOUND];
static int nr_found, tests, failures;

static u64 read_field(struct entry_check *c, u32 field)
{
	(void)c;
	if (field >= NR_FIELDS || (field & 1)) {
		printf("Bail out! field %#x does not exist\n", field);
		exit(1);
	}
	return vmcs[field];
}

static void report(struct entry_check *c, u32 field, u64 value, const char *rule)
{
	if (nr_found == MAX_FOUND || value != vmcs[field]) {
		printf("Bail out! too many findings, or a wrong value\n");
		exit(1);
	}
	found[nr_found].field = field;
	found[nr_found].section = c->section;
	snprintf(found[nr_found].rule, sizeof(found[0].rule), "%s", rule);
	nr_found++;
}

#define REVISION	0x12
#define PIN_MUST	0x16
#define CPU_MUST	0x04006172
#define EXIT_MUST	0x36dfb
#define ENTRY_MUST	0x11fb
#define FULL_LIMIT	0xffffffff

static void set_segment(u32 nr, u16 selector, u64 base, u32 limit, u32 ar)
{
	vmcs[GUEST_ES_SELECTOR + 2 * nr] = selector;
	vmcs[GUEST_ES_BASE + 2 * nr] = base;
	vmcs[GUEST_ES_LIMIT + 2 * nr] = limit;
	vmcs[GUEST_ES_AR_BYTES + 2 * nr] = ar;
}

/* A processor that can nearly everything. */
static void good_caps(void)
{
	memset(&caps, 0, sizeof(caps));
	caps.must_be_1[WORD_PIN] = PIN_MUST;
	caps.may_be_1[WORD_PIN] = 0xff;
	caps.must_be_1[WORD_CPU] = CPU_MUST;
	caps.may_be_1[WORD_CPU] = 0xfffbfffe;
	caps.may_be_1[WORD_SECONDARY] = 0xdfffffff;
	caps.may_be_1[WORD_TERTIARY] = 0x9f;
	caps.must_be_1[WORD_EXIT] = EXIT_MUST;
	caps.may_be_1[WORD_EXIT] = 0x7fffffff;
	caps.must_be_1[WORD_ENTRY] = ENTRY_MUST;
	caps.may_be_1[WORD_ENTRY] = 0x7fffff;
	caps.basic = REVISION;
	caps.misc = 0x1c0 | 4 << 16 | BIT(30);
	caps.ept_vpid = 0x6734141ull | BIT_ULL(7);
	caps.vmfunc = 1;
	caps.cr0_fixed0 = 0x80000021;
	caps.cr0_fixed1 = 0xffffffff;
	caps.cr4_fixed0 = 0x2000;
	caps.cr4_fixed1 = 0xf77fff;
	caps.perf_global_ctrl = 0x70000000full;
	caps.physical_bits = 40;
	caps.linear_bits = 48;
	caps.rtm = true;
	caps.sgx = true;
	caps.cet = true;
	vtpr = 0x50;
	link_revision = ~0u;
}

static void good_controls(void)
{
	vmcs[PIN_BASED_VM_EXEC_CONTROL] = PIN_MUST | 0x29;
	vmcs[CPU_BASED_VM_EXEC_CONTROL] = CPU_MUST | CPU_BASED_TPR_SHADOW |
		CPU_BASED_USE_MSR_BITMAPS | CPU_BASED_USE_IO_BITMAPS |
		CPU_BASED_ACTIVATE_SECONDARY_CONTROLS;
	vmcs[SECONDARY_VM_EXEC_CONTROL] = SECONDARY_EXEC_ENABLE_EPT |
		SECONDARY_EXEC_UNRESTRICTED_GUEST | SECONDARY_EXEC_ENABLE_VPID |
		SECONDARY_EXEC_ENABLE_PML | SECONDARY_EXEC_TSC_SCALING;
	vmcs[VM_EXIT_CONTROLS] = EXIT_MUST | VM_EXIT_HOST_ADDR_SPACE_SIZE | VM_EXIT_LOAD_IA32_PAT |
		VM_EXIT_LOAD_IA32_EFER | VM_EXIT_LOAD_IA32_PERF_GLOBAL_CTRL;
	vmcs[VM_ENTRY_CONTROLS] = ENTRY_MUST | VM_ENTRY_LOAD_DEBUG_CONTROLS |
		VM_ENTRY_IA32E_MODE | VM_ENTRY_LOAD_IA32_PAT | VM_ENTRY_LOAD_IA32_EFER |
		VM_ENTRY_LOAD_IA32_PERF_GLOBAL_CTRL | VM_ENTRY_LOAD_BNDCFGS;
	vmcs[MSR_BITMAP] = 0x10000;
	vmcs[IO_BITMAP_A] = 0x11000;
	vmcs[IO_BITMAP_B] = 0x12000;
	vmcs[VIRTUAL_APIC_PAGE_ADDR] = 0x13000;
	vmcs[PML_ADDRESS] = 0x14000;
	/* Write-back, a walk of 4, accessed and dirty flags. */
	vmcs[EPT_POINTER] = 0x150000005e;
	vmcs[VIRTUAL_PROCESSOR_ID] = 1;
	vmcs[TSC_MULTIPLIER] = BIT_ULL(48);
	vmcs[TPR_THRESHOLD] = 3;
}

static void good_host(void)
{
	vmcs[HOST_CR0] = 0x80050033;
	vmcs[HOST_CR3] = 0x2000;
	vmcs[HOST_CR4] = 0x3726f0;
	vmcs[HOST_IA32_SYSENTER_ESP] = 0xfffffe0000002000;
	vmcs[HOST_IA32_SYSENTER_EIP] = 0xffffffff81801000;
	vmcs[HOST_IA32_PAT] = 0x0407050600070106;
	vmcs[HOST_IA32_EFER] = 0xd01;
	vmcs[HOST_CS_SELECTOR] = 0x10;
	vmcs[HOST_SS_SELECTOR] = 0x18;
	vmcs[HOST_TR_SELECTOR] = 0x40;
	vmcs[HOST_GS_BASE] = 0xffff88807c000000;
	vmcs[HOST_TR_BASE] = 0xfffffe0000003000;
	vmcs[HOST_GDTR_BASE] = 0xfffffe0000001000;
	vmcs[HOST_IDTR_BASE] = 0xfffffe0000000000;
	vmcs[HOST_RSP] = 0xffffc90000000000;
	vmcs[HOST_RIP] = 0xffffffffc0000000;
}

/* A guest in 64-bit mode. */
static void good_long(void)
{
	u32 i;

	memset(vmcs, 0, sizeof(vmcs));
	good_caps();
	good_controls();
	good_host();
	for (i = 0; i < 6; i++)
		set_segment(i, 0x10, 0, FULL_LIMIT, 0xc093);
	set_segment(1, 8, 0, FULL_LIMIT, 0xa09b);
	set_segment(6, 0, 0, 0, 0x10000);
	set_segment(7, 0x40, 0x5000, 0x67, 0x8b);
	vmcs[GUEST_CR0] = 0x80050033;
	vmcs[GUEST_CR3] = 0x10000;
	vmcs[GUEST_CR4] = 0x2620;
	vmcs[GUEST_DR7] = 0x400;
	vmcs[GUEST_IA32_PAT] = 0x0007040600070406;
	vmcs[GUEST_IA32_EFER] = 0xd01;
	vmcs[GUEST_GDTR_LIMIT] = 0xffff;
	vmcs[GUEST_IDTR_LIMIT] = 0xfff;
	vmcs[GUEST_RIP] = 0xffffffff81000000;
	vmcs[GUEST_RFLAGS] = 2;
	vmcs[VMCS_LINK_POINTER] = ~0ull;
}

/* Real mode, which only "unrestricted guest" allows: the state after reset. */
static void good_real(void)
{
	u32 i;

	good_long();
	vmcs[VM_ENTRY_CONTROLS] &= ~(u64)VM_ENTRY_IA32E_MODE;
	for (i = 0; i < 6; i++)
		set_segment(i, 0, 0, 0xffff, 0x93);
	set_segment(1, 0xf000, 0xffff0000, 0xffff, 0x9b);
	set_segment(6, 0, 0, 0xffff, 0x82);
	set_segment(7, 0, 0, 0xffff, 0x8b);
	vmcs[GUEST_CR0] = 0x60000030;
	vmcs[GUEST_CR4] = 0x2000;
	vmcs[GUEST_IA32_EFER] = 0;
	vmcs[GUEST_RIP] = 0xfff0;
}

/* 32-bit protected mode with PAE paging. */
static void good_pae(void)
{
	u32 i;

	good_long();
	vmcs[VM_ENTRY_CONTROLS] &= ~(u64)VM_ENTRY_IA32E_MODE;
	set_segment(1, 8, 0, FULL_LIMIT, 0xc09b);
	vmcs[GUEST_IA32_EFER] = 0;
	vmcs[GUEST_RIP] = 0x100000;
	for (i = 0; i < 4; i++)
		vmcs[GUEST_PDPTR0 + 2 * i] = 0x20001;
}

/* 32-bit paging on a processor where "unrestricted guest" is off. */
static void good_restricted(void)
{
	good_pae();
	vmcs[SECONDARY_VM_EXEC_CONTROL] &= ~(u64)SECONDARY_EXEC_UNRESTRICTED_GUEST;
	vmcs[GUEST_CR4] = 0x2010;
}

static void good_v8086(void)
{
	u32 i;

	good_restricted();
	vmcs[GUEST_RFLAGS] = 0x20202;
	for (i = 0; i < 6; i++)
		set_segment(i, 0x1000 + i, (0x1000 + i) << 4, 0xffff, 0xf3);
	vmcs[GUEST_RIP] = 0x100;
}

/* A guest whose LAPIC is virtualized by the processor, with posted interrupts. */
static void good_apicv(void)
{
	good_long();
	vmcs[PIN_BASED_VM_EXEC_CONTROL] |= PIN_BASED_POSTED_INTR;
	vmcs[VM_EXIT_CONTROLS] |= VM_EXIT_ACK_INTR_ON_EXIT;
	vmcs[SECONDARY_VM_EXEC_CONTROL] |= SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY |
		SECONDARY_EXEC_APIC_REGISTER_VIRT | SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES;
	vmcs[POSTED_INTR_NV] = 0xf2;
	vmcs[POSTED_INTR_DESC_ADDR] = 0x15040;
	vmcs[APIC_ACCESS_ADDR] = 0x16000;
}

struct change {
	u32 field;
	u64 value;		/* what the field becomes, or the bits that change */
	bool toggle;
};

struct expected {
	u32 field;
	const char *rule;	/* part of the words */
};

struct row {
	void (*good)(void);
	const char *section;
	struct change change[3];
	struct expected expected[2];
};

#define SET(field, value)	{ field, value, false }
#define FLIP(field, value)	{ field, value, true }
#define EXECUTION	"VM-Execution Control Fields"
#define EXIT		"VM-Exit Control Fields"
#define ENTRY		"VM-Entry Control Fields"
#define HOST_REGISTERS	"Checks on Host Control Registers, MSRs, and SSP"
#define HOST_SEGMENTS	"Checks on Host Segment and Descriptor-Table Registers"
#define HOST_SIZE	"Checks Related to Address-Space Size"
#define REGISTERS	"Checks on Guest Control Registers, Debug Registers, and MSRs"
#define SEGMENTS	"Checks on Guest Segment Registers"
#define TABLES		"Checks on Guest Descriptor-Table Registers"
#define RIP_RFLAGS	"Checks on Guest RIP, RFLAGS, and SSP"
#define NON_REGISTER	"Checks on Guest Non-Register State"
#define PDPTES		"Checks on Guest Page-Directory-Pointer-Table Entries"

#define BEYOND		BIT_ULL(45)
#define NOT_CANONICAL	0x0000800000000000ull
#define EVENT(type, vector, more)	(INTR_INFO_VALID_MASK | (type) | (vector) | (more))

static const struct row control_rows[] = {
	/* Bits that the capability MSRs fix. */
	{ good_long, EXECUTION, { FLIP(PIN_BASED_VM_EXEC_CONTROL, BIT(1)) },
	  { { PIN_BASED_VM_EXEC_CONTROL, "reserved bits 0x2 must be 1" } } },
	{ good_long, EXECUTION, { FLIP(PIN_BASED_VM_EXEC_CONTROL, BIT(9) | BIT(10)) },
	  { { PIN_BASED_VM_EXEC_CONTROL, "reserved bits 0x600 must be 0" } } },
	{ good_long, EXECUTION, { FLIP(CPU_BASED_VM_EXEC_CONTROL, BIT(4)) },
	  { { CPU_BASED_VM_EXEC_CONTROL, "reserved bits 0x10 must be 1" } } },
	{ good_long, EXECUTION, { FLIP(CPU_BASED_VM_EXEC_CONTROL, BIT(18)) },
	  { { CPU_BASED_VM_EXEC_CONTROL, "reserved bits 0x40000 must be 0" } } },
	{ good_long, EXECUTION, { FLIP(SECONDARY_VM_EXEC_CONTROL, BIT(29)) },
	  { { SECONDARY_VM_EXEC_CONTROL, "reserved bits 0x20000000 must be 0" } } },
	{ good_long, EXECUTION, { FLIP(CPU_BASED_VM_EXEC_CONTROL, BIT(17)),
				  SET(TERTIARY_VM_EXEC_CONTROL, BIT_ULL(40)) },
	  { { TERTIARY_VM_EXEC_CONTROL, "reserved bits 0x10000000000 must be 0" } } },
	{ good_long, EXIT, { FLIP(VM_EXIT_CONTROLS, BIT(0)) },
	  { { VM_EXIT_CONTROLS, "reserved bits 0x1 must be 1" } } },
	{ good_long, EXIT, { FLIP(VM_EXIT_CONTROLS, BIT(31)) },
	  { { VM_EXIT_CONTROLS, "bit 31 (\"activate secondary controls\") must be 0" } } },
	{ good_long, ENTRY, { FLIP(VM_ENTRY_CONTROLS, BIT(12)) },
	  { { VM_ENTRY_CONTROLS, "reserved bits 0x1000 must be 1" } } },
	{ good_long, ENTRY, { FLIP(VM_ENTRY_CONTROLS, BIT(23)) },
	  { { VM_ENTRY_CONTROLS, "reserved bits 0x800000 must be 0" } } },
	/* VM-execution controls. */
	{ good_long, EXECUTION, { SET(CR3_TARGET_COUNT, 5) },
	  { { CR3_TARGET_COUNT, "not be greater than 4" } } },
	{ good_long, EXECUTION, { SET(IO_BITMAP_A, 0x11001) }, { { IO_BITMAP_A, "0xfff" } } },
	{ good_long, EXECUTION, { SET(IO_BITMAP_A, BEYOND) }, { { IO_BITMAP_A, "width" } } },
	{ good_long, EXECUTION, { SET(IO_BITMAP_B, 0x12800) }, { { IO_BITMAP_B, "0xfff" } } },
	{ good_long, EXECUTION, { SET(IO_BITMAP_B, BEYOND) }, { { IO_BITMAP_B, "width" } } },
	{ good_long, EXECUTION, { SET(MSR_BITMAP, 0x10010) }, { { MSR_BITMAP, "0xfff" } } },
	{ good_long, EXECUTION, { SET(MSR_BITMAP, BEYOND) }, { { MSR_BITMAP, "width" } } },
	{ good_long, EXECUTION, { SET(VIRTUAL_APIC_PAGE_ADDR, 0x13004) },
	  { { VIRTUAL_APIC_PAGE_ADDR, "0xfff" } } },
	{ good_long, EXECUTION, { SET(VIRTUAL_APIC_PAGE_ADDR, BEYOND) },
	  { { VIRTUAL_APIC_PAGE_ADDR, "width" } } },
	{ good_long, EXECUTION, { SET(TPR_THRESHOLD, 0x10) },
	  { { TPR_THRESHOLD, "bits 31:4 must be 0" } } },
	{ good_long, EXECUTION, { SET(TPR_THRESHOLD, 6) },
	  { { TPR_THRESHOLD, "bits 7:4 of VTPR, which is 0x50" } } },
	{ good_long, EXECUTION, { FLIP(PIN_BASED_VM_EXEC_CONTROL, PIN_BASED_NMI_EXITING) },
	  { { PIN_BASED_VM_EXEC_CONTROL,
	      "\"virtual NMIs\" must be 0, because \"NMI exiting\" is 0" } } },
	{ good_long, EXECUTION, { FLIP(PIN_BASED_VM_EXEC_CONTROL, PIN_BASED_VIRTUAL_NMIS),
				  FLIP(CPU_BASED_VM_EXEC_CONTROL, CPU_BASED_NMI_WINDOW_EXITING) },
	  { { CPU_BASED_VM_EXEC_CONTROL, "\"NMI-window exiting\" must be 0" } } },
	{ good_long, EXECUTION, { FLIP(CPU_BASED_VM_EXEC_CONTROL, CPU_BASED_TPR_SHADOW),
				  FLIP(SECONDARY_VM_EXEC_CONTROL,
				       SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE) },
	  { { SECONDARY_VM_EXEC_CONTROL, "\"virtualize x2APIC mode\" must be 0" } } },
	{ good_long, EXECUTION, { FLIP(CPU_BASED_VM_EXEC_CONTROL, CPU_BASED_TPR_SHADOW),
				  FLIP(SECONDARY_VM_EXEC_CONTROL,
				       SECONDARY_EXEC_APIC_REGISTER_VIRT) },
	  { { SECONDARY_VM_EXEC_CONTROL, "\"APIC-register virtualization\" must be 0" } } },
	{ good_long, EXECUTION, { FLIP(CPU_BASED_VM_EXEC_CONTROL, CPU_BASED_TPR_SHADOW),
				  FLIP(SECONDARY_VM_EXEC_CONTROL,
				       SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY) },
	  { { SECONDARY_VM_EXEC_CONTROL, "\"virtual-interrupt delivery\" must be 0" } } },
	{ good_long, EXECUTION, { FLIP(CPU_BASED_VM_EXEC_CONTROL, CPU_BASED_TPR_SHADOW | BIT(17)),
				  SET(TERTIARY_VM_EXEC_CONTROL, BIT(4)) },
	  { { TERTIARY_VM_EXEC_CONTROL, "\"IPI virtualization\" must be 0" } } },
	{ good_long, EXECUTION, { FLIP(CPU_BASED_VM_EXEC_CONTROL, BIT(17)),
				  SET(TERTIARY_VM_EXEC_CONTROL, BIT(4)),
				  SET(PID_POINTER_TABLE, 4) },
	  { { PID_POINTER_TABLE, "bits 0x7" } } },
	{ good_apicv, EXECUTION, { FLIP(SECONDARY_VM_EXEC_CONTROL,
					SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE) },
	  { { SECONDARY_VM_EXEC_CONTROL,
	      "\"virtualize APIC accesses\" must be 0, because \"virtualize x2APIC mode\" is 1"
	    } } },
	{ good_apicv, EXECUTION, { SET(APIC_ACCESS_ADDR, 0x16100) },
	  { { APIC_ACCESS_ADDR, "0xfff" } } },
	{ good_apicv, EXECUTION, { SET(APIC_ACCESS_ADDR, BEYOND) },
	  { { APIC_ACCESS_ADDR, "width" } } },
	{ good_apicv, EXECUTION, { FLIP(PIN_BASED_VM_EXEC_CONTROL, PIN_BASED_EXT_INTR_MASK) },
	  { { PIN_BASED_VM_EXEC_CONTROL, "\"external-interrupt exiting\" must be 1" } } },
	{ good_apicv, EXECUTION, { FLIP(SECONDARY_VM_EXEC_CONTROL,
					SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY) },
	  { { SECONDARY_VM_EXEC_CONTROL, "\"virtual-interrupt delivery\" must be 1" } } },
	{ good_apicv, EXECUTION, { FLIP(VM_EXIT_CONTROLS, VM_EXIT_ACK_INTR_ON_EXIT) },
	  { { VM_EXIT_CONTROLS, "\"acknowledge interrupt on exit\" must be 1" } } },
	{ good_apicv, EXECUTION, { SET(POSTED_INTR_NV, 0x1f2) },
	  { { POSTED_INTR_NV, "at most 255" } } },
	{ good_apicv, EXECUTION, { SET(POSTED_INTR_DESC_ADDR, 0x15020) },
	  { { POSTED_INTR_DESC_ADDR, "0x3f" } } },
	{ good_apicv, EXECUTION, { SET(POSTED_INTR_DESC_ADDR, BEYOND) },
	  { { POSTED_INTR_DESC_ADDR, "width" } } },
	{ good_long, EXECUTION, { FLIP(VIRTUAL_PROCESSOR_ID, 1) },
	  { { VIRTUAL_PROCESSOR_ID, "\"enable VPID\"" } } },
	{ good_long, EXECUTION, { SET(TSC_MULTIPLIER, 0) },
	  { { TSC_MULTIPLIER, "\"use TSC scaling\"" } } },
	{ good_long, EXECUTION, { SET(EPT_POINTER, 0x1500000059) },
	  { { EPT_POINTER, "bits 2:0" } } },
	{ good_long, EXECUTION, { SET(EPT_POINTER, 0x1500000056) },
	  { { EPT_POINTER, "bits 5:3" } } },
	{ good_long, EXECUTION, { SET(EPT_POINTER, 0x15000000de) }, { { EPT_POINTER, "bit 7" } } },
	{ good_long, EXECUTION, { SET(EPT_POINTER, 0x150000045e) },
	  { { EPT_POINTER, "bits 11:8" } } },
	{ good_long, EXECUTION, { SET(EPT_POINTER, BEYOND | 0x5e) },
	  { { EPT_POINTER, "physical-address width" } } },
	{ good_long, EXECUTION, { SET(PML_ADDRESS, 0x14001) }, { { PML_ADDRESS, "0xfff" } } },
	{ good_long, EXECUTION, { SET(PML_ADDRESS, BEYOND) }, { { PML_ADDRESS, "width" } } },
	{ good_restricted, EXECUTION, { FLIP(SECONDARY_VM_EXEC_CONTROL,
					     SECONDARY_EXEC_ENABLE_EPT) },
	  { { SECONDARY_VM_EXEC_CONTROL,
	      "\"enable EPT\" must be 1, because \"enable PML\" is 1" } } },
	{ good_long, EXECUTION, { FLIP(SECONDARY_VM_EXEC_CONTROL,
				       SECONDARY_EXEC_ENABLE_EPT | SECONDARY_EXEC_ENABLE_PML) },
	  { { SECONDARY_VM_EXEC_CONTROL,
	      "\"enable EPT\" must be 1, because \"unrestricted guest\" is 1" } } },
	{ good_restricted, EXECUTION, { FLIP(SECONDARY_VM_EXEC_CONTROL,
					     SECONDARY_EXEC_ENABLE_EPT |
					     SECONDARY_EXEC_ENABLE_PML |
					     SECONDARY_EXEC_MODE_BASED_EPT_EXEC) },
	  { { SECONDARY_VM_EXEC_CONTROL, "because \"mode-based execute control for EPT\"" } } },
	{ good_restricted, EXECUTION, { FLIP(SECONDARY_VM_EXEC_CONTROL,
					     SECONDARY_EXEC_ENABLE_EPT |
					     SECONDARY_EXEC_ENABLE_PML | BIT(23)) },
	  { { SECONDARY_VM_EXEC_CONTROL, "because \"sub-page write permissions for EPT\"" } } },
	{ good_long, EXECUTION, { FLIP(SECONDARY_VM_EXEC_CONTROL, BIT(23)), SET(0x2030, 1) },
	  { { 0x2030, "0xfff" } } },
	{ good_long, EXECUTION, { FLIP(SECONDARY_VM_EXEC_CONTROL, SECONDARY_EXEC_PT_USE_GPA) },
	  { { VM_ENTRY_CONTROLS, "\"load IA32_RTIT_CTL\" must be 1" },
	    { VM_EXIT_CONTROLS, "\"clear IA32_RTIT_CTL\" must be 1" } } },
	{ good_long, EXECUTION, { FLIP(SECONDARY_VM_EXEC_CONTROL, SECONDARY_EXEC_ENABLE_VMFUNC),
				  SET(VM_FUNCTION_CONTROL, 2) },
	  { { VM_FUNCTION_CONTROL, "IA32_VMX_VMFUNC" } } },
	{ good_long, EXECUTION, { FLIP(SECONDARY_VM_EXEC_CONTROL, SECONDARY_EXEC_ENABLE_VMFUNC),
				  SET(VM_FUNCTION_CONTROL, 1), SET(EPTP_LIST_ADDRESS, 8) },
	  { { EPTP_LIST_ADDRESS, "0xfff" } } },
	{ good_restricted, EXECUTION, { FLIP(SECONDARY_VM_EXEC_CONTROL,
					     SECONDARY_EXEC_ENABLE_VMFUNC |
					     SECONDARY_EXEC_ENABLE_EPT |
					     SECONDARY_EXEC_ENABLE_PML),
					SET(VM_FUNCTION_CONTROL, 1) },
	  { { VM_FUNCTION_CONTROL, "\"EPTP switching\" needs \"enable EPT\"" } } },
	{ good_long, EXECUTION, { FLIP(SECONDARY_VM_EXEC_CONTROL, SECONDARY_EXEC_SHADOW_VMCS),
				  SET(VMREAD_BITMAP, 1) }, { { VMREAD_BITMAP, "0xfff" } } },
	{ good_long, EXECUTION, { FLIP(SECONDARY_VM_EXEC_CONTROL, SECONDARY_EXEC_SHADOW_VMCS),
				  SET(VMWRITE_BITMAP, BEYOND) }, { { VMWRITE_BITMAP, "width" } } },
	{ good_long, EXECUTION, { FLIP(SECONDARY_VM_EXEC_CONTROL, BIT(18)), SET(0x202a, 1) },
	  { { 0x202a, "0xfff" } } },
	/* VM-exit controls. */
	{ good_long, EXIT, { FLIP(VM_EXIT_CONTROLS, VM_EXIT_SAVE_VMX_PREEMPTION_TIMER) },
	  { { VM_EXIT_CONTROLS, "\"save VMX-preemption timer value\" must be 0" } } },
	{ good_long, EXIT, { SET(VM_EXIT_MSR_STORE_COUNT, 1), SET(VM_EXIT_MSR_STORE_ADDR, 8) },
	  { { VM_EXIT_MSR_STORE_ADDR, "bits 0xf " } } },
	{ good_long, EXIT, { SET(VM_EXIT_MSR_LOAD_COUNT, 1), SET(VM_EXIT_MSR_LOAD_ADDR, BEYOND) },
	  { { VM_EXIT_MSR_LOAD_ADDR, "width" } } },
	{ good_long, EXIT, { SET(VM_EXIT_MSR_LOAD_COUNT, 2),
			     SET(VM_EXIT_MSR_LOAD_ADDR, (BIT_ULL(40)) - 16) },
	  { { VM_EXIT_MSR_LOAD_COUNT, "last byte" } } },
	/* VM-entry controls. */
	{ good_long, ENTRY, { SET(VM_ENTRY_MSR_LOAD_COUNT, 1), SET(VM_ENTRY_MSR_LOAD_ADDR, 1) },
	  { { VM_ENTRY_MSR_LOAD_ADDR, "bits 0xf " } } },
	{ good_long, ENTRY, { FLIP(VM_ENTRY_CONTROLS, VM_ENTRY_SMM) },
	  { { VM_ENTRY_CONTROLS, "\"entry to SMM\"" } } },
	{ good_long, ENTRY, { FLIP(VM_ENTRY_CONTROLS, VM_ENTRY_DEACT_DUAL_MONITOR) },
	  { { VM_ENTRY_CONTROLS, "\"deactivate dual-monitor treatment\"" } } },
	{ good_long, ENTRY, { SET(VM_ENTRY_INTR_INFO_FIELD, EVENT(INTR_TYPE_RESERVED, 0x40, 0)) },
	  { { VM_ENTRY_INTR_INFO_FIELD, "must not be 1" } } },
	{ good_long, ENTRY, { SET(VM_ENTRY_INTR_INFO_FIELD, EVENT(INTR_TYPE_NMI_INTR, 3, 0)) },
	  { { VM_ENTRY_INTR_INFO_FIELD, "must be 2" } } },
	{ good_long, ENTRY, { SET(VM_ENTRY_INTR_INFO_FIELD,
				  EVENT(INTR_TYPE_HARD_EXCEPTION, 32, 0)) },
	  { { VM_ENTRY_INTR_INFO_FIELD, "at most 31" } } },
	{ good_long, ENTRY, { SET(VM_ENTRY_INTR_INFO_FIELD, EVENT(INTR_TYPE_OTHER_EVENT, 1, 0)) },
	  { { VM_ENTRY_INTR_INFO_FIELD, "must be 0, because the type is other event" } } },
	{ good_long, ENTRY, { SET(VM_ENTRY_INTR_INFO_FIELD,
				  EVENT(INTR_TYPE_HARD_EXCEPTION, 13, 0)) },
	  { { VM_ENTRY_INTR_INFO_FIELD, "bit 11 (deliver error code) must be 1" } } },
	{ good_long, ENTRY, { SET(VM_ENTRY_INTR_INFO_FIELD,
				  EVENT(INTR_TYPE_HARD_EXCEPTION, 21, 0)) },
	  { { VM_ENTRY_INTR_INFO_FIELD, "bit 11 (deliver error code) must be 1" } } },
	{ good_long, ENTRY, { SET(VM_ENTRY_INTR_INFO_FIELD,
				  EVENT(INTR_TYPE_HARD_EXCEPTION, 6, BIT(11))) },
	  { { VM_ENTRY_INTR_INFO_FIELD, "bit 11 (deliver error code) must be 0" } } },
	{ good_real, ENTRY, { SET(VM_ENTRY_INTR_INFO_FIELD,
				  EVENT(INTR_TYPE_HARD_EXCEPTION, 13, BIT(11))) },
	  { { VM_ENTRY_INTR_INFO_FIELD, "bit 11 (deliver error code) must be 0" } } },
	{ good_long, ENTRY, { SET(VM_ENTRY_INTR_INFO_FIELD,
				  EVENT(INTR_TYPE_NMI_INTR, 2, BIT(20))) },
	  { { VM_ENTRY_INTR_INFO_FIELD, "bits 30:12" } } },
	{ good_long, ENTRY, { SET(VM_ENTRY_INTR_INFO_FIELD,
				  EVENT(INTR_TYPE_HARD_EXCEPTION, 14, BIT(11))),
			      SET(VM_ENTRY_EXCEPTION_ERROR_CODE, 0x10000) },
	  { { VM_ENTRY_EXCEPTION_ERROR_CODE, "bits 31:16" } } },
	{ good_long, ENTRY, { SET(VM_ENTRY_INTR_INFO_FIELD, EVENT(INTR_TYPE_SOFT_INTR, 0x80, 0)),
			      SET(VM_ENTRY_INSTRUCTION_LEN, 16) },
	  { { VM_ENTRY_INSTRUCTION_LEN, "from 0 to 15" } } },
};

static const struct row host_rows[] = {
	{ good_long, HOST_REGISTERS, { FLIP(HOST_CR0, X86_CR0_NE) },
	  { { HOST_CR0, "bit 5 must be 1" } } },
	{ good_long, HOST_REGISTERS, { FLIP(HOST_CR0, BIT_ULL(32)) },
	  { { HOST_CR0, "bit 32 must be 0" } } },
	{ good_long, HOST_REGISTERS, { FLIP(HOST_CR4, X86_CR4_VMXE) },
	  { { HOST_CR4, "bit 13 must be 1" } } },
	{ good_long, HOST_REGISTERS, { FLIP(HOST_CR4, BIT(15)) },
	  { { HOST_CR4, "bit 15 must be 0" } } },
	{ good_long, HOST_REGISTERS, { FLIP(HOST_CR4, BIT(23)), FLIP(HOST_CR0, X86_CR0_WP) },
	  { { HOST_CR0, "CR4.CET" } } },
	{ good_long, HOST_REGISTERS, { SET(HOST_CR3, BEYOND) }, { { HOST_CR3, "width" } } },
	{ good_long, HOST_REGISTERS, { SET(HOST_IA32_SYSENTER_ESP, NOT_CANONICAL) },
	  { { HOST_IA32_SYSENTER_ESP, "canonical" } } },
	{ good_long, HOST_REGISTERS, { SET(HOST_IA32_SYSENTER_EIP, NOT_CANONICAL) },
	  { { HOST_IA32_SYSENTER_EIP, "canonical" } } },
	{ good_long, HOST_REGISTERS, { SET(HOST_IA32_PERF_GLOBAL_CTRL, BIT(8)) },
	  { { HOST_IA32_PERF_GLOBAL_CTRL, "reserved" } } },
	{ good_long, HOST_REGISTERS, { SET(HOST_IA32_PAT, 0x0007040600020406) },
	  { { HOST_IA32_PAT, "byte 2" } } },
	{ good_long, HOST_REGISTERS, { SET(HOST_IA32_EFER, 0xd03) },
	  { { HOST_IA32_EFER, "reserved" } } },
	{ good_long, HOST_REGISTERS, { SET(HOST_IA32_EFER, 0x901) },
	  { { HOST_IA32_EFER, "(LMA)" } } },
	{ good_long, HOST_REGISTERS, { SET(HOST_IA32_EFER, 0xc01) },
	  { { HOST_IA32_EFER, "(LME)" } } },
	{ good_long, HOST_SEGMENTS, { SET(HOST_CS_SELECTOR, 0x13) },
	  { { HOST_CS_SELECTOR, "RPL" } } },
	{ good_long, HOST_SEGMENTS, { SET(HOST_SS_SELECTOR, 0x1c) },
	  { { HOST_SS_SELECTOR, "TI" } } },
	{ good_long, HOST_SEGMENTS, { SET(HOST_DS_SELECTOR, 1) }, { { HOST_DS_SELECTOR, "RPL" } } },
	{ good_long, HOST_SEGMENTS, { SET(HOST_ES_SELECTOR, 2) }, { { HOST_ES_SELECTOR, "RPL" } } },
	{ good_long, HOST_SEGMENTS, { SET(HOST_FS_SELECTOR, 3) }, { { HOST_FS_SELECTOR, "RPL" } } },
	{ good_long, HOST_SEGMENTS, { SET(HOST_GS_SELECTOR, 4) }, { { HOST_GS_SELECTOR, "TI" } } },
	{ good_long, HOST_SEGMENTS, { SET(HOST_TR_SELECTOR, 0x44) },
	  { { HOST_TR_SELECTOR, "TI" } } },
	{ good_long, HOST_SEGMENTS, { SET(HOST_CS_SELECTOR, 0) },
	  { { HOST_CS_SELECTOR, "not be 0" } } },
	{ good_long, HOST_SEGMENTS, { SET(HOST_TR_SELECTOR, 0) },
	  { { HOST_TR_SELECTOR, "not be 0" } } },
	{ good_long, HOST_SEGMENTS, { SET(HOST_FS_BASE, NOT_CANONICAL) },
	  { { HOST_FS_BASE, "canonical" } } },
	{ good_long, HOST_SEGMENTS, { SET(HOST_GS_BASE, NOT_CANONICAL) },
	  { { HOST_GS_BASE, "canonical" } } },
	{ good_long, HOST_SEGMENTS, { SET(HOST_TR_BASE, NOT_CANONICAL) },
	  { { HOST_TR_BASE, "canonical" } } },
	{ good_long, HOST_SEGMENTS, { SET(HOST_GDTR_BASE, NOT_CANONICAL) },
	  { { HOST_GDTR_BASE, "canonical" } } },
	{ good_long, HOST_SEGMENTS, { SET(HOST_IDTR_BASE, NOT_CANONICAL) },
	  { { HOST_IDTR_BASE, "canonical" } } },
	{ good_long, HOST_SIZE, { FLIP(HOST_CR4, X86_CR4_PAE) }, { { HOST_CR4, "(PAE)" } } },
	{ good_long, HOST_SIZE, { SET(HOST_RIP, NOT_CANONICAL) }, { { HOST_RIP, "canonical" } } },
	{ good_long, HOST_SIZE, { FLIP(VM_EXIT_CONTROLS, VM_EXIT_HOST_ADDR_SPACE_SIZE |
				       VM_EXIT_LOAD_IA32_EFER) },
	  { { VM_EXIT_CONTROLS, "\"host address-space size\" must be 1" } } },
};

static const struct row guest_rows[] = {
	{ good_long, REGISTERS, { FLIP(GUEST_CR0, X86_CR0_NE) },
	  { { GUEST_CR0, "bit 5 must be 1" } } },
	{ good_long, REGISTERS, { FLIP(GUEST_CR0, BIT_ULL(40)) },
	  { { GUEST_CR0, "bit 40 must be 0" } } },
	{ good_restricted, REGISTERS, { FLIP(GUEST_CR0, X86_CR0_PG) },
	  { { GUEST_CR0, "bit 31 must be 1" } } },
	{ good_pae, REGISTERS, { FLIP(GUEST_CR0, X86_CR0_PE) },
	  { { GUEST_CR0, "because bit 31 (PG) is 1" } } },
	{ good_long, REGISTERS, { FLIP(GUEST_CR4, X86_CR4_VMXE) },
	  { { GUEST_CR4, "bit 13 must be 1" } } },
	{ good_long, REGISTERS, { FLIP(GUEST_CR4, BIT(31)) },
	  { { GUEST_CR4, "bit 31 must be 0" } } },
	{ good_long, REGISTERS, { FLIP(GUEST_CR4, BIT(23)), FLIP(GUEST_CR0, X86_CR0_WP) },
	  { { GUEST_CR0, "CR4.CET" } } },
	{ good_long, REGISTERS, { SET(GUEST_CR0, 0x50033), SET(GUEST_IA32_EFER, 0xd01) },
	  { { GUEST_CR0, "with \"IA-32e mode guest\"" } } },
	{ good_long, REGISTERS, { FLIP(GUEST_CR4, X86_CR4_PAE) },
	  { { GUEST_CR4, "with \"IA-32e mode guest\"" } } },
	{ good_pae, REGISTERS, { FLIP(GUEST_CR4, X86_CR4_PCIDE) },
	  { { GUEST_CR4, "without \"IA-32e mode guest\"" } } },
	{ good_long, REGISTERS, { SET(GUEST_CR3, BEYOND) }, { { GUEST_CR3, "width" } } },
	{ good_long, REGISTERS, { SET(GUEST_IA32_DEBUGCTL, BIT(3)) },
	  { { GUEST_IA32_DEBUGCTL, "reserved" } } },
	{ good_long, REGISTERS, { SET(GUEST_IA32_DEBUGCTL, BIT(2)) },
	  { { GUEST_IA32_DEBUGCTL, "reserved" } } },
	{ good_long, REGISTERS, { SET(GUEST_DR7, BIT_ULL(32) | 0x400) },
	  { { GUEST_DR7, "bits 63:32" } } },
	{ good_long, REGISTERS, { SET(GUEST_SYSENTER_ESP, NOT_CANONICAL) },
	  { { GUEST_SYSENTER_ESP, "canonical" } } },
	{ good_long, REGISTERS, { SET(GUEST_SYSENTER_EIP, NOT_CANONICAL) },
	  { { GUEST_SYSENTER_EIP, "canonical" } } },
	{ good_long, REGISTERS, { SET(GUEST_IA32_PERF_GLOBAL_CTRL, BIT_ULL(40)) },
	  { { GUEST_IA32_PERF_GLOBAL_CTRL, "reserved" } } },
	{ good_long, REGISTERS, { SET(GUEST_IA32_PAT, 0x0307040600070406) },
	  { { GUEST_IA32_PAT, "byte 7" } } },
	{ good_long, REGISTERS, { SET(GUEST_IA32_EFER, 0x1d01) },
	  { { GUEST_IA32_EFER, "reserved" } } },
	{ good_pae, REGISTERS, { SET(GUEST_IA32_EFER, 0x500) },
	  { { GUEST_IA32_EFER, "(LMA) must equal \"IA-32e mode guest\", which is 0" } } },
	{ good_long, REGISTERS, { SET(GUEST_IA32_EFER, 0xc01) },
	  { { GUEST_IA32_EFER, "(LME) must be equal" } } },
	{ good_long, REGISTERS, { SET(GUEST_BNDCFGS, 4) }, { { GUEST_BNDCFGS, "bits 11:2" } } },
	{ good_long, REGISTERS, { SET(GUEST_BNDCFGS, NOT_CANONICAL | 1) },
	  { { GUEST_BNDCFGS, "canonical" } } },

	{ good_long, TABLES, { SET(GUEST_GDTR_BASE, NOT_CANONICAL) },
	  { { GUEST_GDTR_BASE, "canonical" } } },
	{ good_long, TABLES, { SET(GUEST_IDTR_BASE, NOT_CANONICAL) },
	  { { GUEST_IDTR_BASE, "canonical" } } },
	{ good_long, TABLES, { SET(GUEST_GDTR_LIMIT, 0x10000) },
	  { { GUEST_GDTR_LIMIT, "bits 31:16" } } },
	{ good_long, TABLES, { SET(GUEST_IDTR_LIMIT, 0x80000000) },
	  { { GUEST_IDTR_LIMIT, "bits 31:16" } } },

	{ good_long, RIP_RFLAGS, { SET(GUEST_RIP, 0x0008000000000000) },
	  { { GUEST_RIP, "canonical" } } },
	{ good_pae, RIP_RFLAGS, { SET(GUEST_RIP, 0x100000000) },
	  { { GUEST_RIP, "bits 63:32" } } },
	{ good_long, RIP_RFLAGS, { SET(GUEST_RFLAGS, 0) }, { { GUEST_RFLAGS, "bit 1 " } } },
	{ good_long, RIP_RFLAGS, { SET(GUEST_RFLAGS, BIT(3) | 2) },
	  { { GUEST_RFLAGS, "5 and 3" } } },
	{ good_long, RIP_RFLAGS, { SET(GUEST_RFLAGS, BIT(15) | 2) },
	  { { GUEST_RFLAGS, "5 and 3" } } },
	{ good_long, RIP_RFLAGS, { SET(GUEST_RFLAGS, BIT_ULL(63) | 2) },
	  { { GUEST_RFLAGS, "63:22" } } },
	{ good_long, RIP_RFLAGS, { SET(GUEST_RFLAGS, X86_EFLAGS_VM | 2) },
	  { { GUEST_RFLAGS, "bit 17 (VM)" } } },
	{ good_real, RIP_RFLAGS, { SET(GUEST_RFLAGS, X86_EFLAGS_VM | 2) },
	  { { GUEST_RFLAGS, "bit 17 (VM)" } } },
	{ good_long, RIP_RFLAGS, { SET(VM_ENTRY_INTR_INFO_FIELD,
				       EVENT(INTR_TYPE_EXT_INTR, 0x30, 0)) },
	  { { GUEST_RFLAGS, "bit 9 (IF)" } } },

	{ good_long, NON_REGISTER, { SET(GUEST_ACTIVITY_STATE, 4) },
	  { { GUEST_ACTIVITY_STATE, "IA32_VMX_MISC" } } },
	{ good_long, NON_REGISTER, { SET(GUEST_ACTIVITY_STATE, 1), SET(GUEST_CS_AR_BYTES, 0xa0fb),
				     SET(GUEST_SS_AR_BYTES, 0xc0f3) },
	  { { GUEST_ACTIVITY_STATE, "DPL of SS" } } },
	{ good_long, NON_REGISTER, { SET(GUEST_ACTIVITY_STATE, 1),
				     SET(GUEST_INTERRUPTIBILITY_INFO, GUEST_INTR_STATE_MOV_SS) },
	  { { GUEST_ACTIVITY_STATE, "STI or MOV SS" } } },
	{ good_long, NON_REGISTER, { SET(GUEST_ACTIVITY_STATE, 1),
				     SET(VM_ENTRY_INTR_INFO_FIELD,
					 EVENT(INTR_TYPE_HARD_EXCEPTION, 6, 0)) },
	  { { GUEST_ACTIVITY_STATE, "may be injected" } } },
	{ good_long, NON_REGISTER, { SET(GUEST_ACTIVITY_STATE, 2), SET(GUEST_RFLAGS, 0x202),
				     SET(VM_ENTRY_INTR_INFO_FIELD,
					 EVENT(INTR_TYPE_EXT_INTR, 0x30, 0)) },
	  { { GUEST_ACTIVITY_STATE, "may be injected" } } },
	{ good_long, NON_REGISTER, { SET(GUEST_ACTIVITY_STATE, 3),
				     SET(VM_ENTRY_INTR_INFO_FIELD,
					 EVENT(INTR_TYPE_NMI_INTR, 2, 0)) },
	  { { GUEST_ACTIVITY_STATE, "may be injected" } } },
	{ good_long, NON_REGISTER, { SET(GUEST_INTERRUPTIBILITY_INFO, BIT(10)) },
	  { { GUEST_INTERRUPTIBILITY_INFO, "bits 31:5" } } },
	{ good_long, NON_REGISTER, { SET(GUEST_INTERRUPTIBILITY_INFO, 3),
				     SET(GUEST_RFLAGS, 0x202) },
	  { { GUEST_INTERRUPTIBILITY_INFO, "not both be 1" } } },
	{ good_long, NON_REGISTER, { SET(GUEST_INTERRUPTIBILITY_INFO, 1) },
	  { { GUEST_INTERRUPTIBILITY_INFO, "RFLAGS.IF" } } },
	{ good_long, NON_REGISTER, { SET(GUEST_INTERRUPTIBILITY_INFO, 1),
				     SET(GUEST_RFLAGS, 0x202),
				     SET(VM_ENTRY_INTR_INFO_FIELD,
					 EVENT(INTR_TYPE_EXT_INTR, 0x30, 0)) },
	  { { GUEST_INTERRUPTIBILITY_INFO, "external interrupt is injected" } } },
	{ good_long, NON_REGISTER, { SET(GUEST_INTERRUPTIBILITY_INFO, 2),
				     SET(VM_ENTRY_INTR_INFO_FIELD,
					 EVENT(INTR_TYPE_NMI_INTR, 2, 0)) },
	  { { GUEST_INTERRUPTIBILITY_INFO, "because an NMI is injected" } } },
	{ good_long, NON_REGISTER, { SET(GUEST_INTERRUPTIBILITY_INFO, 8),
				     SET(VM_ENTRY_INTR_INFO_FIELD,
					 EVENT(INTR_TYPE_NMI_INTR, 2, 0)) },
	  { { GUEST_INTERRUPTIBILITY_INFO, "\"virtual NMIs\"" } } },
	{ good_long, NON_REGISTER, { SET(GUEST_INTERRUPTIBILITY_INFO, 4) },
	  { { GUEST_INTERRUPTIBILITY_INFO, "blocking by SMI" } } },
	{ good_long, NON_REGISTER, { SET(GUEST_INTERRUPTIBILITY_INFO, 0x12) },
	  { { GUEST_INTERRUPTIBILITY_INFO, "enclave interruption) is 1" } } },
	{ good_long, NON_REGISTER, { SET(GUEST_PENDING_DBG_EXCEPTIONS, BIT_ULL(63)) },
	  { { GUEST_PENDING_DBG_EXCEPTIONS, "63:17" } } },
	{ good_long, NON_REGISTER, { SET(GUEST_PENDING_DBG_EXCEPTIONS, BIT(4)) },
	  { { GUEST_PENDING_DBG_EXCEPTIONS, "11:4" } } },
	{ good_long, NON_REGISTER, { SET(GUEST_PENDING_DBG_EXCEPTIONS, BIT(11)) },
	  { { GUEST_PENDING_DBG_EXCEPTIONS, "11:4" } } },
	{ good_long, NON_REGISTER, { SET(GUEST_RFLAGS, 0x302),
				     SET(GUEST_INTERRUPTIBILITY_INFO, 1) },
	  { { GUEST_PENDING_DBG_EXCEPTIONS, "(BS) must be 1" } } },
	{ good_long, NON_REGISTER, { SET(GUEST_ACTIVITY_STATE, 1),
				     SET(GUEST_PENDING_DBG_EXCEPTIONS, BIT(14)) },
	  { { GUEST_PENDING_DBG_EXCEPTIONS, "(BS) must be 0" } } },
	{ good_long, NON_REGISTER, { SET(GUEST_PENDING_DBG_EXCEPTIONS, BIT(16)) },
	  { { GUEST_PENDING_DBG_EXCEPTIONS, "bit 12 must be 1" } } },
	{ good_long, NON_REGISTER, { SET(GUEST_PENDING_DBG_EXCEPTIONS, BIT(16) | BIT(12)),
				     SET(GUEST_INTERRUPTIBILITY_INFO, 2) },
	  { { GUEST_INTERRUPTIBILITY_INFO, "RTM" } } },
	{ good_long, NON_REGISTER, { SET(VMCS_LINK_POINTER, 0x1001) },
	  { { VMCS_LINK_POINTER, "0xfff" } } },
	{ good_long, NON_REGISTER, { SET(VMCS_LINK_POINTER, BEYOND) },
	  { { VMCS_LINK_POINTER, "width" } } },
	{ good_long, NON_REGISTER, { SET(VMCS_LINK_POINTER, 0x99000) },
	  { { VMCS_LINK_POINTER, "current VMCS" } } },

	{ good_pae, PDPTES, { SET(GUEST_PDPTR0, 0x20003) }, { { GUEST_PDPTR0, "2:1" } } },
	{ good_pae, PDPTES, { SET(GUEST_PDPTR1, 0x20021) }, { { GUEST_PDPTR1, "8:5" } } },
	{ good_pae, PDPTES, { SET(GUEST_PDPTR2, BEYOND | 1) }, { { GUEST_PDPTR2, "width" } } },
	{ good_pae, PDPTES, { SET(GUEST_PDPTR3, 0x20101) }, { { GUEST_PDPTR3, "8:5" } } },
};

static const struct row segment_rows[] = {
	/* Selectors */
	{ good_long, SEGMENTS, { SET(GUEST_TR_SELECTOR, 0x44) }, { { GUEST_TR_SELECTOR, "TI" } } },
	{ good_real, SEGMENTS, { SET(GUEST_LDTR_SELECTOR, 4) },
	  { { GUEST_LDTR_SELECTOR, "TI" } } },
	{ good_restricted, SEGMENTS, { SET(GUEST_SS_SELECTOR, 0x13),
				       SET(GUEST_SS_AR_BYTES, 0xc0f3),
				       SET(GUEST_CS_AR_BYTES, 0xc0fb) },
	  { { GUEST_SS_SELECTOR, "RPL of CS" } } },
	/* Bases */
	{ good_v8086, SEGMENTS, { SET(GUEST_ES_BASE, 0) }, { { GUEST_ES_BASE, "times 16" } } },
	{ good_v8086, SEGMENTS, { SET(GUEST_GS_BASE, 0) }, { { GUEST_GS_BASE, "times 16" } } },
	{ good_long, SEGMENTS, { SET(GUEST_TR_BASE, NOT_CANONICAL) },
	  { { GUEST_TR_BASE, "canonical" } } },
	{ good_long, SEGMENTS, { SET(GUEST_FS_BASE, NOT_CANONICAL) },
	  { { GUEST_FS_BASE, "canonical" } } },
	{ good_long, SEGMENTS, { SET(GUEST_GS_BASE, NOT_CANONICAL) },
	  { { GUEST_GS_BASE, "canonical" } } },
	{ good_real, SEGMENTS, { SET(GUEST_LDTR_BASE, NOT_CANONICAL) },
	  { { GUEST_LDTR_BASE, "canonical" } } },
	{ good_long, SEGMENTS, { SET(GUEST_CS_BASE, BIT_ULL(32)) },
	  { { GUEST_CS_BASE, "63:32" } } },
	{ good_long, SEGMENTS, { SET(GUEST_SS_BASE, BIT_ULL(33)) },
	  { { GUEST_SS_BASE, "63:32" } } },
	{ good_long, SEGMENTS, { SET(GUEST_DS_BASE, BIT_ULL(34)) },
	  { { GUEST_DS_BASE, "63:32" } } },
	{ good_long, SEGMENTS, { SET(GUEST_ES_BASE, BIT_ULL(35)) },
	  { { GUEST_ES_BASE, "63:32" } } },
	/* Virtual-8086 */
	{ good_v8086, SEGMENTS, { SET(GUEST_DS_LIMIT, 0xfffe) }, { { GUEST_DS_LIMIT, "FFFFH" } } },
	{ good_v8086, SEGMENTS, { SET(GUEST_CS_AR_BYTES, 0x9b) },
	  { { GUEST_CS_AR_BYTES, "F3H" } } },
	/* CS */
	{ good_long, SEGMENTS, { SET(GUEST_CS_AR_BYTES, 0xa091) },
	  { { GUEST_CS_AR_BYTES, "or 3 with" } } },
	{ good_restricted, SEGMENTS, { SET(GUEST_CS_AR_BYTES, 0xc093) },
	  { { GUEST_CS_AR_BYTES, "without \"unrestricted guest\"" } } },
	{ good_real, SEGMENTS, { SET(GUEST_CS_AR_BYTES, 0xb3) },
	  { { GUEST_CS_AR_BYTES, "because the type is 3" } } },
	{ good_long, SEGMENTS, { SET(GUEST_CS_AR_BYTES, 0xa08b) },
	  { { GUEST_CS_AR_BYTES, "(S)" } } },
	{ good_long, SEGMENTS, { SET(GUEST_CS_AR_BYTES, 0xa0fb) },
	  { { GUEST_CS_AR_BYTES, "non-conforming" } } },
	{ good_long, SEGMENTS, { SET(GUEST_CS_AR_BYTES, 0xa0bf) },
	  { { GUEST_CS_AR_BYTES, "for conforming" } } },
	{ good_long, SEGMENTS, { SET(GUEST_CS_AR_BYTES, 0xa01b) },
	  { { GUEST_CS_AR_BYTES, "(P)" } } },
	{ good_long, SEGMENTS, { SET(GUEST_CS_AR_BYTES, 0xa19b) },
	  { { GUEST_CS_AR_BYTES, "bits 11:8" } } },
	{ good_long, SEGMENTS, { SET(GUEST_CS_AR_BYTES, 0x2a09b) },
	  { { GUEST_CS_AR_BYTES, "bits 31:17" } } },
	{ good_long, SEGMENTS, { SET(GUEST_CS_AR_BYTES, 0xe09b) },
	  { { GUEST_CS_AR_BYTES, "(D/B)" } } },
	{ good_long, SEGMENTS, { SET(GUEST_CS_LIMIT, 0xfffffffe) },
	  { { GUEST_CS_AR_BYTES, "(G) must be 0" } } },
	{ good_long, SEGMENTS, { SET(GUEST_CS_AR_BYTES, 0x209b) },
	  { { GUEST_CS_AR_BYTES, "(G) must be 1" } } },
	/* SS */
	{ good_restricted, SEGMENTS, { SET(GUEST_SS_SELECTOR, 0x13), SET(GUEST_CS_SELECTOR, 0xb) },
	  { { GUEST_SS_AR_BYTES, "RPL of the selector" } } },
	{ good_real, SEGMENTS, { SET(GUEST_SS_AR_BYTES, 0xb3), SET(GUEST_CS_AR_BYTES, 0x93) },
	  { { GUEST_SS_AR_BYTES, "CR0.PE is 0" } } },
	{ good_long, SEGMENTS, { SET(GUEST_SS_AR_BYTES, 0xc091) },
	  { { GUEST_SS_AR_BYTES, "3 or 7" } } },
	{ good_long, SEGMENTS, { SET(GUEST_SS_AR_BYTES, 0xc083) },
	  { { GUEST_SS_AR_BYTES, "(S)" } } },
	{ good_long, SEGMENTS, { SET(GUEST_SS_AR_BYTES, 0xc013) },
	  { { GUEST_SS_AR_BYTES, "(P)" } } },
	{ good_long, SEGMENTS, { SET(GUEST_SS_AR_BYTES, 0xc293) },
	  { { GUEST_SS_AR_BYTES, "bits 11:8" } } },
	{ good_long, SEGMENTS, { SET(GUEST_SS_AR_BYTES, 0x4093) },
	  { { GUEST_SS_AR_BYTES, "(G) must be 1" } } },
	/* DS, ES, FS, GS */
	{ good_long, SEGMENTS, { SET(GUEST_DS_AR_BYTES, 0xc092) },
	  { { GUEST_DS_AR_BYTES, "(accessed)" } } },
	{ good_long, SEGMENTS, { SET(GUEST_ES_AR_BYTES, 0xc099) },
	  { { GUEST_ES_AR_BYTES, "(readable)" } } },
	{ good_long, SEGMENTS, { SET(GUEST_FS_AR_BYTES, 0xc083) },
	  { { GUEST_FS_AR_BYTES, "(S)" } } },
	{ good_restricted, SEGMENTS, { SET(GUEST_GS_SELECTOR, 0x13) },
	  { { GUEST_GS_AR_BYTES, "not be less than the RPL" } } },
	{ good_long, SEGMENTS, { SET(GUEST_GS_AR_BYTES, 0xc013) },
	  { { GUEST_GS_AR_BYTES, "(P)" } } },
	{ good_long, SEGMENTS, { SET(GUEST_DS_AR_BYTES, 0xc893) },
	  { { GUEST_DS_AR_BYTES, "bits 11:8" } } },
	{ good_long, SEGMENTS, { SET(GUEST_ES_AR_BYTES, 0x8000c093) },
	  { { GUEST_ES_AR_BYTES, "bits 31:17" } } },
	{ good_long, SEGMENTS, { SET(GUEST_FS_LIMIT, 0xffff0000) },
	  { { GUEST_FS_AR_BYTES, "(G) must be 0" } } },
	/* TR */
	{ good_long, SEGMENTS, { SET(GUEST_TR_AR_BYTES, 0x89) },
	  { { GUEST_TR_AR_BYTES, "64-bit busy TSS" } } },
	{ good_long, SEGMENTS, { SET(GUEST_TR_AR_BYTES, 0x83) },
	  { { GUEST_TR_AR_BYTES, "64-bit busy TSS" } } },
	{ good_pae, SEGMENTS, { SET(GUEST_TR_AR_BYTES, 0x81) },
	  { { GUEST_TR_AR_BYTES, "3 or 11" } } },
	{ good_long, SEGMENTS, { SET(GUEST_TR_AR_BYTES, 0x9b) }, { { GUEST_TR_AR_BYTES, "(S)" } } },
	{ good_long, SEGMENTS, { SET(GUEST_TR_AR_BYTES, 0x0b) }, { { GUEST_TR_AR_BYTES, "(P)" } } },
	{ good_long, SEGMENTS, { SET(GUEST_TR_AR_BYTES, 0x1008b) },
	  { { GUEST_TR_AR_BYTES, "(unusable)" } } },
	{ good_long, SEGMENTS, { SET(GUEST_TR_AR_BYTES, 0x18b) },
	  { { GUEST_TR_AR_BYTES, "bits 11:8" } } },
	{ good_long, SEGMENTS, { SET(GUEST_TR_AR_BYTES, 0x808b) },
	  { { GUEST_TR_AR_BYTES, "(G) must be 0" } } },
	{ good_long, SEGMENTS, { SET(GUEST_TR_LIMIT, 0x100067) },
	  { { GUEST_TR_AR_BYTES, "(G) must be 1" } } },
	{ good_long, SEGMENTS, { SET(GUEST_TR_AR_BYTES, 0x2008b) },
	  { { GUEST_TR_AR_BYTES, "bits 31:17" } } },
	/* LDTR */
	{ good_real, SEGMENTS, { SET(GUEST_LDTR_AR_BYTES, 0x83) },
	  { { GUEST_LDTR_AR_BYTES, "2 (LDT)" } } },
	{ good_real, SEGMENTS, { SET(GUEST_LDTR_AR_BYTES, 0x92) },
	  { { GUEST_LDTR_AR_BYTES, "(S)" } } },
	{ good_real, SEGMENTS, { SET(GUEST_LDTR_AR_BYTES, 0x02) },
	  { { GUEST_LDTR_AR_BYTES, "(P)" } } },
	{ good_real, SEGMENTS, { SET(GUEST_LDTR_AR_BYTES, 0x482) },
	  { { GUEST_LDTR_AR_BYTES, "bits 11:8" } } },
	{ good_real, SEGMENTS, { SET(GUEST_LDTR_AR_BYTES, 0x40082) },
	  { { GUEST_LDTR_AR_BYTES, "bits 31:17" } } },
	{ good_real, SEGMENTS, { SET(GUEST_LDTR_LIMIT, 0x200000) },
	  { { GUEST_LDTR_AR_BYTES, "(G) must be 1" } } },
};

static int run(void)
{
	struct entry_check c = {
		.read = read_field, .report = report, .caps = &caps, .vmcs_pa = 0x99000,
		.vtpr = vtpr, .link_revision = link_revision,
	};
	int broken;

	nr_found = 0;
	broken = entry_check_all(&c);
	if (broken != nr_found) {
		printf("Bail out! %d rules counted, %d reported\n", broken, nr_found);
		exit(1);
	}
	return broken;
}

static void result(bool ok, const char *name)
{
	int i;

	tests++;
	failures += !ok;
	printf("%s %d - %s\n", ok ? "ok" : "not ok", tests, name);
	for (i = 0; !ok && i < nr_found; i++)
		printf("#   field %#x = %#llx: %s (%s)\n", found[i].field,
		       (unsigned long long)vmcs[found[i].field], found[i].rule,
		       found[i].section);
}

static void test_good(void (*good)(void), const char *name)
{
	good();
	result(run() == 0, name);
}

static bool was_found(const struct row *row, const struct expected *e)
{
	int i;

	for (i = 0; i < nr_found; i++)
		if (found[i].field == e->field && strstr(found[i].rule, e->rule) &&
		    !strcmp(found[i].section, row->section))
			return true;
	return false;
}

static void test_row(const struct row *row)
{
	const struct change *m;
	char name[200];
	int i, wanted = 0;
	bool ok = true;

	row->good();
	for (m = row->change; m < row->change + ARRAY_SIZE(row->change) && m->field | m->value;
	     m++)
		vmcs[m->field] = m->toggle ? vmcs[m->field] ^ m->value : m->value;
	run();
	for (i = 0; i < (int)ARRAY_SIZE(row->expected) && row->expected[i].rule; i++, wanted++)
		ok &= was_found(row, &row->expected[i]);
	snprintf(name, sizeof(name), "%s: field %#x: %s", row->section, row->expected[0].field,
		 row->expected[0].rule);
	result(ok && nr_found == wanted, name);
}

static void test_rows(const struct row *rows, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		test_row(&rows[i]);
}

/* Rules whose outcome depends on the processor rather than on the VMCS. */
static void test_processors(void)
{
	good_long();
	caps.ept_vpid &= ~VMX_EPT_AD_BIT;
	result(run() == 1 && strstr(found[0].rule, "bit 6 (accessed"), "EPTP without A/D flags");

	good_long();
	caps.basic |= BIT_ULL(48);
	result(run() == 0, "addresses of 32 bits");
	vmcs[MSR_BITMAP] = BIT_ULL(32);
	result(run() == 1 && found[0].field == MSR_BITMAP, "an address above 32 bits");

	good_long();
	caps.misc &= ~0x1c0ull;
	vmcs[GUEST_ACTIVITY_STATE] = 1;
	result(run() == 1 && found[0].field == GUEST_ACTIVITY_STATE, "no HLT state");

	good_long();
	caps.misc &= ~(u64)BIT(30);
	vmcs[VM_ENTRY_INTR_INFO_FIELD] = EVENT(INTR_TYPE_SOFT_EXCEPTION, 3, 0);
	result(run() == 1 && strstr(found[0].rule, "from 1 to 15"), "instruction length 0");

	good_long();
	caps.may_be_1[WORD_CPU] &= ~(u64)CPU_BASED_MONITOR_TRAP_FLAG;
	vmcs[VM_ENTRY_INTR_INFO_FIELD] = EVENT(INTR_TYPE_OTHER_EVENT, 0, 0);
	result(run() == 1 && strstr(found[0].rule, "monitor trap flag"), "no pending MTF");

	good_long();
	caps.basic |= BIT_ULL(56);
	vmcs[VM_ENTRY_INTR_INFO_FIELD] = EVENT(INTR_TYPE_HARD_EXCEPTION, 6, BIT(11));
	result(run() == 0, "any exception may have an error code");

	good_long();
	caps.cet = false;
	vmcs[VM_ENTRY_INTR_INFO_FIELD] = EVENT(INTR_TYPE_HARD_EXCEPTION, 21, BIT(11));
	result(run() == 1, "#CP without CET");

	good_long();
	caps.sgx = false;
	vmcs[GUEST_INTERRUPTIBILITY_INFO] = 0x10;
	result(run() == 1 && strstr(found[0].rule, "SGX"), "enclave interruption without SGX");

	good_long();
	caps.rtm = false;
	vmcs[GUEST_PENDING_DBG_EXCEPTIONS] = BIT(16) | BIT(12);
	result(run() == 1 && strstr(found[0].rule, "RTM"), "pending RTM without RTM");
	vmcs[GUEST_PENDING_DBG_EXCEPTIONS] = 0;
	vmcs[GUEST_IA32_DEBUGCTL] = BIT(15);
	result(run() == 1 && found[0].field == GUEST_IA32_DEBUGCTL, "DEBUGCTL.RTM without RTM");

	good_long();
	caps.bus_lock_debug = true;
	vmcs[GUEST_IA32_DEBUGCTL] = BIT(2);
	vmcs[GUEST_PENDING_DBG_EXCEPTIONS] = BIT(11);
	result(run() == 0, "bus-lock debug exceptions");

	good_long();
	caps.linear_bits = 57;
	vmcs[GUEST_FS_BASE] = NOT_CANONICAL;
	result(run() == 0, "canonical with 57 bits");
	vmcs[GUEST_FS_BASE] = BIT_ULL(56);
	result(run() == 1, "not canonical with 57 bits");

	good_long();
	vmcs[VMCS_LINK_POINTER] = 0x7000;
	link_revision = REVISION;
	result(run() == 0, "link pointer to a VMCS");
	link_revision = REVISION + 1;
	result(run() == 1 && strstr(found[0].rule, "revision"), "link pointer to something else");
	link_revision = REVISION | BIT(31);
	result(run() == 1 && strstr(found[0].rule, "revision"), "link pointer to a shadow VMCS");

	good_long();
	vtpr = -1;
	vmcs[TPR_THRESHOLD] = 15;
	result(run() == 0, "TPR that cannot be told");

	good_long();
	vmcs[VM_EXIT_CONTROLS] &= ~(u64)(VM_EXIT_HOST_ADDR_SPACE_SIZE | VM_EXIT_LOAD_IA32_EFER);
	vmcs[HOST_SS_SELECTOR] = 0;
	result(run() == 2 && found[0].field == HOST_SS_SELECTOR &&
	       !strcmp(found[0].section, HOST_SEGMENTS), "SS of a 32-bit host");

	/* A guest is looked at only if controls and host area are right. */
	good_long();
	vmcs[VIRTUAL_PROCESSOR_ID] = 0;
	vmcs[GUEST_RFLAGS] = 0;
	result(run() == 1 && found[0].field == VIRTUAL_PROCESSOR_ID, "controls before guest");

	/* Words that are not activated count as 0, and no value makes the checker stumble. */
	good_long();
	vmcs[CPU_BASED_VM_EXEC_CONTROL] &= ~(u64)CPU_BASED_ACTIVATE_SECONDARY_CONTROLS;
	vmcs[SECONDARY_VM_EXEC_CONTROL] = ~0u;
	vmcs[GUEST_CR0] = 0x80050033;
	result(run() == 0, "secondary controls that are not activated");
}

/* Nothing that userspace or a guest can put there may upset the checker itself. */
static void test_noise(void)
{
	u64 seed = 0x243f6a8885a308d3;
	int i, n;
	u32 f;

	for (n = 0; n < 2000; n++) {
		good_long();
		for (f = 0; f < NR_FIELDS; f += 2) {
			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			if ((seed >> 60) < (u64)(n & 15))
				vmcs[f] = seed ^ seed >> 21;
		}
		/* Let half of them through to the guest's rules. */
		if (n & 1) {
			u64 guest[NR_FIELDS];

			memcpy(guest, vmcs, sizeof(guest));
			good_long();
			for (i = 0; i < NR_FIELDS; i += 2)
				if (((i >> 10) & 3) == 2)
					vmcs[i] = guest[i];
		}
		run();
	}
	result(true, "2000 VMCSs of noise");
}

int main(void)
{
	printf("TAP version 13\n");
	test_good(good_long, "64-bit guest");
	test_good(good_real, "real-mode guest");
	test_good(good_pae, "PAE guest");
	test_good(good_restricted, "guest without \"unrestricted guest\"");
	test_good(good_v8086, "virtual-8086 guest");
	test_good(good_apicv, "guest with APIC virtualization");
	test_rows(control_rows, ARRAY_SIZE(control_rows));
	test_rows(host_rows, ARRAY_SIZE(host_rows));
	test_rows(guest_rows, ARRAY_SIZE(guest_rows));
	test_rows(segment_rows, ARRAY_SIZE(segment_rows));
	test_processors();
	test_noise();
	printf("1..%d\n", tests);
	return failures ? 1 : 0;
}
