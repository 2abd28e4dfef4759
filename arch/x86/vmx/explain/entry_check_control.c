// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM-entry checks of the control fields.
 *
 * SDM, "Checks on VMX Controls": "VM-Execution Control Fields", "VM-Exit Control Fields" and
 * "VM-Entry Control Fields". Most rules have one of three forms, and each form is a table: a bit
 * that the capability MSRs fix, a control that needs or forbids another, a control that brings a
 * physical address along. Pure: see entry_check.h.
 */
#include <linux/kernel.h>
#include <asm/processor-flags.h>

#include "arch/x86/vmx/explain/entry_check.h"

#define SECTION_EXECUTION	"VM-Execution Control Fields"
#define SECTION_EXIT		"VM-Exit Control Fields"
#define SECTION_ENTRY		"VM-Entry Control Fields"

/* Controls that <asm/vmx.h> of one of the supported kernels lacks or calls otherwise. */
#define SECONDARY_EPT_VIOLATION_VE	BIT(18)
#define SECONDARY_SPP			BIT(23)
#define TERTIARY_HLAT			BIT(1)
#define TERTIARY_IPI_VIRTUALIZATION	BIT(4)
#define SPPTP				0x2030
#define VE_INFORMATION_ADDRESS		0x202a
#define HLAT_POINTER			0x2040

/* IA32_VMX_BASIC, IA32_VMX_MISC, IA32_VMX_EPT_VPID_CAP. */
#define BASIC_ANY_ERROR_CODE		BIT_ULL(56)
#define EPT_CAP_SHADOW_STACK		BIT_ULL(23)
#define EPTP_SHADOW_STACK		BIT_ULL(7)
#define EPTP_RESERVED			0xf00ull

/* Memory types of the EPT structures (SDM, "Format of Extended-Page-Table Pointer"). */
#define EPTP_TYPE_UC			0
#define EPTP_TYPE_WB			6

static const char *control_name(enum entry_word word, u64 bit)
{
	return control_bit_name(word, __ffs64(bit)) ?: "reserved";
}

/* If control @bit is @on, then @then_bit must be @then_on. */
struct implication {
	u8 word;
	bool on;
	u8 then_word;
	bool then_on;
	u32 bit, then_bit;
};

#define IF_SET(w, b, w2, b2, value)	{ WORD_##w, true, WORD_##w2, value, b, b2 }
#define IF_CLEAR(w, b, w2, b2, value)	{ WORD_##w, false, WORD_##w2, value, b, b2 }

static const struct implication execution_rules[] = {
	IF_CLEAR(PIN, PIN_BASED_NMI_EXITING, PIN, PIN_BASED_VIRTUAL_NMIS, false),
	IF_CLEAR(PIN, PIN_BASED_VIRTUAL_NMIS, CPU, CPU_BASED_NMI_WINDOW_EXITING, false),
	IF_CLEAR(CPU, CPU_BASED_TPR_SHADOW,
		 SECONDARY, SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE, false),
	IF_CLEAR(CPU, CPU_BASED_TPR_SHADOW, SECONDARY, SECONDARY_EXEC_APIC_REGISTER_VIRT, false),
	IF_CLEAR(CPU, CPU_BASED_TPR_SHADOW,
		 SECONDARY, SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY, false),
	IF_CLEAR(CPU, CPU_BASED_TPR_SHADOW, TERTIARY, TERTIARY_IPI_VIRTUALIZATION, false),
	IF_SET(SECONDARY, SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE,
	       SECONDARY, SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES, false),
	IF_SET(SECONDARY, SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY,
	       PIN, PIN_BASED_EXT_INTR_MASK, true),
	IF_SET(PIN, PIN_BASED_POSTED_INTR, SECONDARY, SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY, true),
	IF_SET(PIN, PIN_BASED_POSTED_INTR, EXIT, VM_EXIT_ACK_INTR_ON_EXIT, true),
	IF_SET(SECONDARY, SECONDARY_EXEC_ENABLE_PML, SECONDARY, SECONDARY_EXEC_ENABLE_EPT, true),
	IF_SET(SECONDARY, SECONDARY_EXEC_UNRESTRICTED_GUEST,
	       SECONDARY, SECONDARY_EXEC_ENABLE_EPT, true),
	IF_SET(SECONDARY, SECONDARY_EXEC_MODE_BASED_EPT_EXEC,
	       SECONDARY, SECONDARY_EXEC_ENABLE_EPT, true),
	IF_SET(SECONDARY, SECONDARY_SPP, SECONDARY, SECONDARY_EXEC_ENABLE_EPT, true),
	IF_SET(SECONDARY, SECONDARY_EXEC_PT_USE_GPA, SECONDARY, SECONDARY_EXEC_ENABLE_EPT, true),
	IF_SET(SECONDARY, SECONDARY_EXEC_PT_USE_GPA, ENTRY, VM_ENTRY_LOAD_IA32_RTIT_CTL, true),
	IF_SET(SECONDARY, SECONDARY_EXEC_PT_USE_GPA, EXIT, VM_EXIT_CLEAR_IA32_RTIT_CTL, true),
};

static const struct implication exit_rules[] = {
	IF_CLEAR(PIN, PIN_BASED_VMX_PREEMPTION_TIMER,
		 EXIT, VM_EXIT_SAVE_VMX_PREEMPTION_TIMER, false),
};

static void check_implications(struct entry_check *c, const struct implication *rules, size_t n)
{
	const struct implication *r;

	for (r = rules; r < rules + n; r++)
		if (entry_on(c, r->word, r->bit) == r->on)
			entry_must(c, entry_on(c, r->then_word, r->then_bit) == r->then_on,
				   control_words[r->then_word].field,
				   "\"%s\" must be %d, because \"%s\" is %d",
				   control_name(r->then_word, r->then_bit), r->then_on,
				   control_name(r->word, r->bit), r->on);
}

/* Physical addresses that a control makes the processor use; the low bits in @align must be 0. */
static const struct control_address {
	u8 word;
	u32 bit, field, align;
} control_addresses[] = {
	{ WORD_CPU, CPU_BASED_USE_IO_BITMAPS, IO_BITMAP_A, 0xfff },
	{ WORD_CPU, CPU_BASED_USE_IO_BITMAPS, IO_BITMAP_B, 0xfff },
	{ WORD_CPU, CPU_BASED_USE_MSR_BITMAPS, MSR_BITMAP, 0xfff },
	{ WORD_CPU, CPU_BASED_TPR_SHADOW, VIRTUAL_APIC_PAGE_ADDR, 0xfff },
	{ WORD_SECONDARY, SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES, APIC_ACCESS_ADDR, 0xfff },
	{ WORD_PIN, PIN_BASED_POSTED_INTR, POSTED_INTR_DESC_ADDR, 0x3f },
	{ WORD_SECONDARY, SECONDARY_EXEC_ENABLE_PML, PML_ADDRESS, 0xfff },
	{ WORD_SECONDARY, SECONDARY_SPP, SPPTP, 0xfff },
	{ WORD_SECONDARY, SECONDARY_EXEC_SHADOW_VMCS, VMREAD_BITMAP, 0xfff },
	{ WORD_SECONDARY, SECONDARY_EXEC_SHADOW_VMCS, VMWRITE_BITMAP, 0xfff },
	{ WORD_SECONDARY, SECONDARY_EPT_VIOLATION_VE, VE_INFORMATION_ADDRESS, 0xfff },
	{ WORD_TERTIARY, TERTIARY_HLAT, HLAT_POINTER, 0xfe7 },
	{ WORD_TERTIARY, TERTIARY_IPI_VIRTUALIZATION, PID_POINTER_TABLE, 0x7 },
};

/**
 * entry_check_physical() - an address must be aligned and within the physical-address width
 * @c: the pass
 * @field: holds the address
 * @align: low bits that must be 0
 */
void entry_check_physical(struct entry_check *c, u32 field, u64 align)
{
	u64 address = entry_read(c, field), beyond = entry_bits_from(c->caps->physical_bits);

	/* SDM, "Basic VMX Information": bit 48 limits these addresses to 32 bits. */
	if (c->caps->basic & BIT_ULL(48))
		beyond = entry_bits_from(32);
	entry_must(c, !(address & align), field, "bits 0x%llx of the address must be 0",
		   (unsigned long long)align);
	entry_must(c, !(address & beyond), field,
		   "bits beyond the processor's physical-address width must be 0");
}

/* Controls by name, one line each; the bits that have no name together. */
static void report_bits(struct entry_check *c, enum entry_word word, u64 bits, int must_be)
{
	u64 bit, nameless = 0;

	for (; bits; bits &= bits - 1) {
		bit = bits & -bits;
		if (control_bit_name(word, __ffs64(bit)))
			entry_broken(c, control_words[word].field, "bit %lu (\"%s\") must be %d",
				     (unsigned long)__ffs64(bit), control_name(word, bit),
				     must_be);
		else
			nameless |= bit;
	}
	if (nameless)
		entry_broken(c, control_words[word].field, "the reserved bits 0x%llx must be %d",
			     (unsigned long long)nameless, must_be);
}

/* Bits that the capability MSR of a control word fixes. */
static void check_reserved(struct entry_check *c, enum entry_word word)
{
	u64 value = entry_read(c, control_words[word].field);
	u64 low = c->caps->must_be_1[word] & ~value, high = value & ~c->caps->may_be_1[word];

	report_bits(c, word, low, 1);
	report_bits(c, word, high, 0);
	if (!low && !high)
		entry_holds(c, control_words[word].field,
			    "each bit must be as the processor's capability MSRs allow");
	/* What this processor cannot have does nothing; its fields do not exist. */
	c->words[word] = value & c->caps->may_be_1[word];
}

static void check_words(struct entry_check *c)
{
	c->section = SECTION_EXECUTION;
	check_reserved(c, WORD_PIN);
	check_reserved(c, WORD_CPU);
	/* Words that are not activated count as 0 and are not checked. */
	c->words[WORD_SECONDARY] = 0;
	if (entry_on(c, WORD_CPU, CPU_BASED_ACTIVATE_SECONDARY_CONTROLS))
		check_reserved(c, WORD_SECONDARY);
	c->words[WORD_TERTIARY] = 0;
	if (entry_on(c, WORD_CPU, CPU_BASED_ACTIVATE_TERTIARY_CONTROLS))
		check_reserved(c, WORD_TERTIARY);
	c->section = SECTION_EXIT;
	check_reserved(c, WORD_EXIT);
	c->section = SECTION_ENTRY;
	check_reserved(c, WORD_ENTRY);
	c->section = SECTION_EXECUTION;
}

static void check_tpr(struct entry_check *c)
{
	u64 threshold;

	if (!entry_on(c, WORD_CPU, CPU_BASED_TPR_SHADOW) ||
	    entry_on(c, WORD_SECONDARY, SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY))
		return;
	threshold = entry_read(c, TPR_THRESHOLD);
	entry_must(c, !(threshold & ~0xfull), TPR_THRESHOLD,
		   "bits 31:4 must be 0 without \"virtual-interrupt delivery\"");
	if (entry_on(c, WORD_SECONDARY, SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES) || c->vtpr < 0)
		return;
	entry_must(c, (threshold & 0xf) <= (c->vtpr >> 4), TPR_THRESHOLD,
		   "bits 3:0 must not be greater than bits 7:4 of VTPR, which is 0x%x", c->vtpr);
}

static void check_eptp(struct entry_check *c)
{
	u64 eptp, cap = c->caps->ept_vpid, type, walk;

	if (!entry_on(c, WORD_SECONDARY, SECONDARY_EXEC_ENABLE_EPT))
		return;
	eptp = entry_read(c, EPT_POINTER);
	type = eptp & VMX_EPTP_MT_MASK;
	walk = (eptp & VMX_EPTP_PWL_MASK) >> 3;
	entry_must(c, (type == EPTP_TYPE_UC && (cap & VMX_EPTP_UC_BIT)) ||
		   (type == EPTP_TYPE_WB && (cap & VMX_EPTP_WB_BIT)), EPT_POINTER,
		   "bits 2:0 (memory type of the EPT structures) must be a type that IA32_VMX_EPT_VPID_CAP reports");
	entry_must(c, (walk == 3 && (cap & VMX_EPT_PAGE_WALK_4_BIT)) ||
		   (walk == 4 && (cap & VMX_EPT_PAGE_WALK_5_BIT)), EPT_POINTER,
		   "bits 5:3 (page-walk length less 1) must be a length that IA32_VMX_EPT_VPID_CAP reports");
	if (!(cap & VMX_EPT_AD_BIT))
		entry_must(c, !(eptp & VMX_EPTP_AD_ENABLE_BIT), EPT_POINTER,
			   "bit 6 (accessed and dirty flags) must be 0 on this processor");
	if (!(cap & EPT_CAP_SHADOW_STACK))
		entry_must(c, !(eptp & EPTP_SHADOW_STACK), EPT_POINTER,
			   "bit 7 (supervisor shadow-stack control) must be 0 on this processor");
	entry_must(c, !(eptp & EPTP_RESERVED), EPT_POINTER, "bits 11:8 are reserved and must be 0");
	entry_must(c, !(eptp & entry_bits_from(c->caps->physical_bits)), EPT_POINTER,
		   "bits beyond the processor's physical-address width must be 0");
}

static void check_vm_functions(struct entry_check *c)
{
	u64 functions;

	if (!entry_on(c, WORD_SECONDARY, SECONDARY_EXEC_ENABLE_VMFUNC))
		return;
	functions = entry_read(c, VM_FUNCTION_CONTROL);
	entry_must(c, !(functions & ~c->caps->vmfunc), VM_FUNCTION_CONTROL,
		   "bits that IA32_VMX_VMFUNC does not report must be 0");
	if (!(functions & c->caps->vmfunc & VMX_VMFUNC_EPTP_SWITCHING))
		return;
	entry_must(c, entry_on(c, WORD_SECONDARY, SECONDARY_EXEC_ENABLE_EPT),
		   VM_FUNCTION_CONTROL, "\"EPTP switching\" needs \"enable EPT\"");
	entry_check_physical(c, EPTP_LIST_ADDRESS, 0xfff);
}

static void check_execution(struct entry_check *c)
{
	const struct control_address *a;

	c->section = SECTION_EXECUTION;
	entry_must(c, entry_read(c, CR3_TARGET_COUNT) <= vmx_misc_cr3_count(c->caps->misc),
		   CR3_TARGET_COUNT, "must not be greater than %d",
		   vmx_misc_cr3_count(c->caps->misc));
	check_implications(c, execution_rules, ARRAY_SIZE(execution_rules));
	for (a = control_addresses; a < control_addresses + ARRAY_SIZE(control_addresses); a++)
		if (entry_on(c, a->word, a->bit))
			entry_check_physical(c, a->field, a->align);
	check_tpr(c);
	if (entry_on(c, WORD_PIN, PIN_BASED_POSTED_INTR))
		entry_must(c, entry_read(c, POSTED_INTR_NV) <= 0xff, POSTED_INTR_NV,
			   "the posted-interrupt notification vector must be at most 255");
	if (entry_on(c, WORD_SECONDARY, SECONDARY_EXEC_ENABLE_VPID))
		entry_must(c, entry_read(c, VIRTUAL_PROCESSOR_ID), VIRTUAL_PROCESSOR_ID,
			   "must not be 0, because \"enable VPID\" is 1");
	if (entry_on(c, WORD_SECONDARY, SECONDARY_EXEC_TSC_SCALING))
		entry_must(c, entry_read(c, TSC_MULTIPLIER), TSC_MULTIPLIER,
			   "must not be 0, because \"use TSC scaling\" is 1");
	check_eptp(c);
	check_vm_functions(c);
}

/* A list of MSRs: 16 bytes for each, all of them within the physical-address width. */
static void check_msr_list(struct entry_check *c, u32 count_field, u32 address_field)
{
	u64 count = entry_read(c, count_field), last;

	if (!count)
		return;
	entry_check_physical(c, address_field, 0xf);
	last = entry_read(c, address_field) + count * 16 - 1;
	entry_must(c, !((last ^ entry_read(c, address_field)) &
			entry_bits_from(c->caps->physical_bits)), count_field,
		   "the last byte of the list is beyond the processor's physical-address width");
}

/* Does this vector push an error code? SDM, "Exception and Interrupt Vectors". */
static bool has_error_code(const struct entry_check *c, u8 vector)
{
	switch (vector) {
	case 8:
	case 10 ... 14:
	case 17:
		return true;
	case 21:
		return c->caps->cet;
	default:
		return false;
	}
}

static void check_event(struct entry_check *c)
{
	u32 info = entry_read(c, VM_ENTRY_INTR_INFO_FIELD);
	u8 vector = info & INTR_INFO_VECTOR_MASK;
	bool deliver = info & INTR_INFO_DELIVER_CODE_MASK, protected_mode, wanted;
	u64 length;

	if (!(info & INTR_INFO_VALID_MASK))
		return;
	protected_mode = !entry_on(c, WORD_SECONDARY, SECONDARY_EXEC_UNRESTRICTED_GUEST) ||
			 (entry_read(c, GUEST_CR0) & X86_CR0_PE);
	wanted = protected_mode && has_error_code(c, vector) &&
		 (info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_HARD_EXCEPTION;

	entry_must(c, (info & INTR_INFO_INTR_TYPE_MASK) != INTR_TYPE_RESERVED,
		   VM_ENTRY_INTR_INFO_FIELD,
		   "bits 10:8 (interruption type) must not be 1, which is reserved");
	switch (info & INTR_INFO_INTR_TYPE_MASK) {
	case INTR_TYPE_NMI_INTR:
		entry_must(c, vector == 2, VM_ENTRY_INTR_INFO_FIELD,
			   "bits 7:0 (vector) must be 2, because the type is NMI");
		break;
	case INTR_TYPE_HARD_EXCEPTION:
		entry_must(c, vector <= 31, VM_ENTRY_INTR_INFO_FIELD,
			   "bits 7:0 (vector) must be at most 31, because the type is hardware exception");
		break;
	case INTR_TYPE_OTHER_EVENT:
		entry_must(c, c->caps->may_be_1[WORD_CPU] & CPU_BASED_MONITOR_TRAP_FLAG,
			   VM_ENTRY_INTR_INFO_FIELD,
			   "bits 10:8 (interruption type) must not be 7 without \"monitor trap flag\"");
		entry_must(c, !vector, VM_ENTRY_INTR_INFO_FIELD,
			   "bits 7:0 (vector) must be 0, because the type is other event");
		break;
	case INTR_TYPE_SOFT_INTR:
	case INTR_TYPE_PRIV_SW_EXCEPTION:
	case INTR_TYPE_SOFT_EXCEPTION:
		length = entry_read(c, VM_ENTRY_INSTRUCTION_LEN);
		entry_must(c, length <= 15 && (length || (c->caps->misc & VMX_MISC_ZERO_LEN_INS)),
			   VM_ENTRY_INSTRUCTION_LEN,
			   "must be from %d to 15, because the event is a software one",
			   !(c->caps->misc & VMX_MISC_ZERO_LEN_INS));
		break;
	}
	if (!(c->caps->basic & BASIC_ANY_ERROR_CODE) || !protected_mode ||
	    (info & INTR_INFO_INTR_TYPE_MASK) != INTR_TYPE_HARD_EXCEPTION)
		entry_must(c, deliver == wanted, VM_ENTRY_INTR_INFO_FIELD,
			   "bit 11 (deliver error code) must be %d: this event has %s error code",
			   wanted, wanted ? "an" : "no");
	entry_must(c, !(info & 0x7ffff000), VM_ENTRY_INTR_INFO_FIELD,
		   "bits 30:12 are reserved and must be 0");
	if (deliver)
		entry_must(c, !(entry_read(c, VM_ENTRY_EXCEPTION_ERROR_CODE) >> 16),
			   VM_ENTRY_EXCEPTION_ERROR_CODE, "bits 31:16 must be 0");
}

/**
 * entry_check_controls() - the control fields
 * @c: the pass; its words are filled for the other parts
 */
void entry_check_controls(struct entry_check *c)
{
	check_words(c);
	check_execution(c);

	c->section = SECTION_EXIT;
	check_implications(c, exit_rules, ARRAY_SIZE(exit_rules));
	check_msr_list(c, VM_EXIT_MSR_STORE_COUNT, VM_EXIT_MSR_STORE_ADDR);
	check_msr_list(c, VM_EXIT_MSR_LOAD_COUNT, VM_EXIT_MSR_LOAD_ADDR);

	c->section = SECTION_ENTRY;
	check_event(c);
	check_msr_list(c, VM_ENTRY_MSR_LOAD_COUNT, VM_ENTRY_MSR_LOAD_ADDR);
	/* Linux never runs a hypervisor in system-management mode. */
	entry_must(c, !entry_on(c, WORD_ENTRY, VM_ENTRY_SMM), VM_ENTRY_CONTROLS,
		   "\"entry to SMM\" must be 0 outside system-management mode");
	entry_must(c, !entry_on(c, WORD_ENTRY, VM_ENTRY_DEACT_DUAL_MONITOR), VM_ENTRY_CONTROLS,
		   "\"deactivate dual-monitor treatment\" must be 0 outside system-management mode");
}
