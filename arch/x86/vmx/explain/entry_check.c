// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why was this VM entry refused? The module's side of the answer.
 *
 * SDM, "VM Entries": the processor checks the VMCS and reports only that something was wrong.
 * entry_check_vmcs() goes through the same rules (entry_check_control.c, entry_check_host.c,
 * entry_check_guest.c, entry_check_segment.c) with VMREAD, entry_check_print() says which are
 * broken. What the processor can do comes from its capability MSRs. The vCPU must be loaded.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/jhash.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/processor.h>

#include "arch/x86/vmx/break_field.h"
#include "arch/x86/vmx/explain/entry_check.h"
#include "arch/x86/vmx/explain/vmcs_field.h"
#include "arch/x86/vmx/vmx_vcpu.h"

#define MSR_VMX_PROCBASED_CTLS3	0x492
#define VTPR_OFFSET		0x80

/* More broken rules than that are a guest owner's way to a long log. */
#define MAX_RULE_LINES		16

/* One pass over the VMCS. */
struct vmx_pass {
	struct entry_check check;
	struct mkvm_vcpu *vcpu;
	u32 hash;
};

static u64 read_field(struct entry_check *c, u32 field)
{
	return vmcs_read_any(field);
}

/* Which rule of which field: the same fault with another value is the same cause. */
static void add_to_hash(struct entry_check *c, u32 field, u64 value, const char *rule)
{
	struct vmx_pass *pass = container_of(c, struct vmx_pass, check);

	pass->hash = jhash(rule, strlen(rule), pass->hash ^ field);
}

static void print_rule(struct entry_check *c, u32 field, u64 value, const char *rule)
{
	struct mkvm_vcpu *vcpu = container_of(c, struct vmx_pass, check)->vcpu;
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	char shown[24] = "(host address)";

	if (c->broken > MAX_RULE_LINES)
		return;
	/* What a test has put there itself is no secret. */
	if (!vmcs_field_is_host_address(field) ||
	    (break_field_armed(vmx) && vmx->broken_field.encoding == field))
		snprintf(shown, sizeof(shown), "0x%llx", value);
	pr_err("vm %s vcpu %u: %s = %s: %s (SDM, \"%s\")\n", vcpu->vm->name, vcpu->id,
	       vmcs_field_name(field), shown, rule, c->section);
}

/* An MSR that may be missing reads as 0: then nothing that it would allow is allowed. */
static u64 read_msr(u32 msr)
{
	u64 value;

	return rdmsrl_safe(msr, &value) ? 0 : value;
}

static void read_control_caps(struct entry_check_caps *caps, enum entry_word word, u32 msr,
			      u32 true_msr)
{
	u64 value = read_msr(caps->basic & BIT_ULL(55) ? true_msr : msr);

	caps->must_be_1[word] = (u32)value;
	caps->may_be_1[word] = value >> 32;
}

/* SDM, "IA32_PERF_GLOBAL_CTRL": a bit for each counter that CPUID leaf 0AH reports. */
static u64 perf_global_ctrl_bits(void)
{
	u32 eax, ebx, ecx, edx;

	if (boot_cpu_data.cpuid_level < 0xa)
		return 0;
	cpuid(0xa, &eax, &ebx, &ecx, &edx);
	return GENMASK_ULL(31, 0) >> (32 - min(eax >> 8 & 0xff, 32u)) |
	       (GENMASK_ULL(31, 0) >> (32 - min(edx & 0x1f, 31u))) << 32;
}

/**
 * entry_check_caps_read() - what this processor can do
 * @caps: filled
 */
void entry_check_caps_read(struct entry_check_caps *caps)
{
	*caps = (struct entry_check_caps) {
		.basic = read_msr(MSR_IA32_VMX_BASIC),
		.misc = read_msr(MSR_IA32_VMX_MISC),
		.ept_vpid = read_msr(MSR_IA32_VMX_EPT_VPID_CAP),
		.cr0_fixed0 = read_msr(MSR_IA32_VMX_CR0_FIXED0),
		.cr0_fixed1 = read_msr(MSR_IA32_VMX_CR0_FIXED1),
		.cr4_fixed0 = read_msr(MSR_IA32_VMX_CR4_FIXED0),
		.cr4_fixed1 = read_msr(MSR_IA32_VMX_CR4_FIXED1),
		.perf_global_ctrl = perf_global_ctrl_bits(),
		.physical_bits = boot_cpu_data.x86_phys_bits,
		.linear_bits = boot_cpu_data.x86_virt_bits,
		.rtm = boot_cpu_has(X86_FEATURE_RTM),
		.sgx = boot_cpu_has(X86_FEATURE_SGX),
		.bus_lock_debug = boot_cpu_has(X86_FEATURE_BUS_LOCK_DETECT),
	};
	/* Linux may have been told not to use 5-level paging or CET; the processor has them. */
	if (boot_cpu_data.cpuid_level >= 7) {
		if (cpuid_ecx(7) & BIT(16))
			caps->linear_bits = 57;
		caps->cet = (cpuid_ecx(7) & BIT(7)) || (cpuid_edx(7) & BIT(20));
	}
	read_control_caps(caps, WORD_PIN, MSR_IA32_VMX_PINBASED_CTLS,
			  MSR_IA32_VMX_TRUE_PINBASED_CTLS);
	read_control_caps(caps, WORD_CPU, MSR_IA32_VMX_PROCBASED_CTLS,
			  MSR_IA32_VMX_TRUE_PROCBASED_CTLS);
	read_control_caps(caps, WORD_SECONDARY, MSR_IA32_VMX_PROCBASED_CTLS2,
			  MSR_IA32_VMX_PROCBASED_CTLS2);
	read_control_caps(caps, WORD_EXIT, MSR_IA32_VMX_EXIT_CTLS, MSR_IA32_VMX_TRUE_EXIT_CTLS);
	read_control_caps(caps, WORD_ENTRY, MSR_IA32_VMX_ENTRY_CTLS,
			  MSR_IA32_VMX_TRUE_ENTRY_CTLS);
	if (caps->may_be_1[WORD_CPU] & CPU_BASED_ACTIVATE_TERTIARY_CONTROLS)
		caps->may_be_1[WORD_TERTIARY] = read_msr(MSR_VMX_PROCBASED_CTLS3);
	if (caps->may_be_1[WORD_SECONDARY] & SECONDARY_EXEC_ENABLE_VMFUNC)
		caps->vmfunc = read_msr(MSR_IA32_VMX_VMFUNC);
}

/**
 * entry_check_vtpr() - the TPR that the processor compares with the threshold
 * @vcpu: its VMCS is current
 *
 * Return: byte 80H of the virtual-APIC page; -1 if the VMCS names another page.
 */
int entry_check_vtpr(struct mkvm_vcpu *vcpu)
{
	void *page = to_vmx(vcpu)->virtual_apic_page;

	if (!page || vmcs_read64(VIRTUAL_APIC_PAGE_ADDR) != __pa(page))
		return -1;
	return *(u8 *)(page + VTPR_OFFSET);
}

/**
 * entry_check_here() - entry_check_all() with what this processor can do
 * @c: the pass, without its caps
 *
 * Return: the number of broken rules.
 */
int entry_check_here(struct entry_check *c)
{
	struct entry_check_caps caps;
	int broken;

	entry_check_caps_read(&caps);
	c->caps = &caps;
	/* The module has no second VMCS that a link pointer could mean. */
	c->link_revision = ~0u;
	broken = entry_check_all(c);
	c->caps = NULL;
	return broken;
}

static int check(struct vmx_pass *pass, struct mkvm_vcpu *vcpu)
{
	pass->vcpu = vcpu;
	pass->check.read = read_field;
	pass->check.vmcs_pa = to_vmx(vcpu)->vmcs_pa;
	pass->check.vtpr = entry_check_vtpr(vcpu);
	return entry_check_here(&pass->check);
}

/**
 * entry_check_vmcs() - which rules of the SDM does the current VMCS break?
 * @vcpu: loaded vCPU
 * @cause: where to put a number that is the same when the same rules are broken
 *
 * Return: the number of broken rules.
 */
int entry_check_vmcs(struct mkvm_vcpu *vcpu, u32 *cause)
{
	struct vmx_pass pass = { .check.report = add_to_hash };
	int broken = check(&pass, vcpu);

	*cause = pass.hash;
	return broken;
}

/**
 * entry_check_print() - a line for each rule of the SDM that the current VMCS breaks
 * @vcpu: loaded vCPU
 *
 * The caller limits the rate; there are at most MAX_RULE_LINES and one more.
 *
 * Context: process, interrupts on.
 */
void entry_check_print(struct mkvm_vcpu *vcpu)
{
	struct vmx_pass pass = { .check.report = print_rule };
	int broken = check(&pass, vcpu);

	if (!broken)
		pr_err("vm %s vcpu %u: the VMCS breaks no rule that is checked in software\n",
		       vcpu->vm->name, vcpu->id);
	else if (broken > MAX_RULE_LINES)
		pr_err("vm %s vcpu %u: %d more rules are broken\n", vcpu->vm->name,
		       vcpu->id, broken - MAX_RULE_LINES);
}
