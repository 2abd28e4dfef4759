// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits to words: the exit reasons of KVM's ABI (struct kvm_run), the basic exit reasons of
 * "VMX Basic Exit Reasons" in the SDM, and the module's own table of "VM-Instruction Error
 * Numbers".
 *
 * Pure. On a processor with SVM the hardware's own codes are shown as numbers, since the tables
 * here are those of VT-x.
 */
#include <asm/vmx.h>
#include <cpuid.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "arch/x86/vmx/explain/vmx_error.h"
#include "compiler.h"
#include "kvm/exits.h"

#define ENTRY_FAILURE_BIT	BIT_ULL(31)
#define BASIC_REASON_MASK	0xffff
#define CPUID_80000001_ECX_SVM	BIT(2)

static const char * const names[] = {
	[KVM_EXIT_UNKNOWN] = "UNKNOWN",
	[KVM_EXIT_EXCEPTION] = "EXCEPTION",
	[KVM_EXIT_IO] = "IO",
	[KVM_EXIT_HYPERCALL] = "HYPERCALL",
	[KVM_EXIT_DEBUG] = "DEBUG",
	[KVM_EXIT_HLT] = "HLT",
	[KVM_EXIT_MMIO] = "MMIO",
	[KVM_EXIT_IRQ_WINDOW_OPEN] = "IRQ_WINDOW_OPEN",
	[KVM_EXIT_SHUTDOWN] = "SHUTDOWN",
	[KVM_EXIT_FAIL_ENTRY] = "FAIL_ENTRY",
	[KVM_EXIT_INTR] = "INTR",
	[KVM_EXIT_SET_TPR] = "SET_TPR",
	[KVM_EXIT_TPR_ACCESS] = "TPR_ACCESS",
	[KVM_EXIT_NMI] = "NMI",
	[KVM_EXIT_INTERNAL_ERROR] = "INTERNAL_ERROR",
	[KVM_EXIT_SYSTEM_EVENT] = "SYSTEM_EVENT",
	[KVM_EXIT_IOAPIC_EOI] = "IOAPIC_EOI",
	[KVM_EXIT_HYPERV] = "HYPERV",
	[KVM_EXIT_X86_RDMSR] = "X86_RDMSR",
	[KVM_EXIT_X86_WRMSR] = "X86_WRMSR",
	[KVM_EXIT_DIRTY_RING_FULL] = "DIRTY_RING_FULL",
	[KVM_EXIT_X86_BUS_LOCK] = "X86_BUS_LOCK",
	[KVM_EXIT_XEN] = "XEN",
	[KVM_EXIT_NOTIFY] = "NOTIFY",
};

static const struct {
	unsigned int reason;
	const char *name;
} vmx_reasons[] = { VMX_EXIT_REASONS };

static const char * const emulation_hint =
	"the hypervisor cannot emulate the guest's instruction";

/* KVM's name of an exit reason without its prefix, such as "IO". Never NULL. */
const char *exit_name(__u32 reason)
{
	if (reason < ARRAY_SIZE(names) && names[reason])
		return names[reason];
	return "unnamed";
}

static bool is_svm(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid(0x80000001, &a, &b, &c, &d) && (c & CPUID_80000001_ECX_SVM);
}

/* The name that <asm/vmx.h> has for the basic exit reason, such as "IO_INSTRUCTION", or NULL. */
const char *vmx_exit_name(__u32 reason)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(vmx_reasons); i++)
		if (vmx_reasons[i].reason == (reason & BASIC_REASON_MASK))
			return vmx_reasons[i].name;
	return NULL;
}

static const char *vmx_reason_name(__u64 reason)
{
	const char *name = is_svm() ? NULL : vmx_exit_name(reason);

	return name ? name : "not in this tool's table";
}

static int explain_fail_entry(const struct kvm_run *run, struct sentence *s)
{
	__u64 code = run->fail_entry.hardware_entry_failure_reason;

	if (is_svm())
		return say(s,
			   "The CPU refused to enter the guest (KVM_EXIT_FAIL_ENTRY, hardware reason 0x%llx); the kernel log may say why.",
			   code);
	if (code & ENTRY_FAILURE_BIT)
		return say(s,
			   "The CPU refused to enter the guest: VM-entry failure %s (KVM_EXIT_FAIL_ENTRY 0x%llx); the kernel log says which field breaks which rule.",
			   vmx_reason_name(code), code);
	if (code < NR_VMX_ERRORS && vmx_errors[code].name)
		return say(s,
			   "The CPU refused to enter the guest: VM-instruction error %llu, %s (KVM_EXIT_FAIL_ENTRY); the kernel log says which field breaks which rule.",
			   code, vmx_errors[code].name);
	return say(s,
		   "The CPU refused to enter the guest (KVM_EXIT_FAIL_ENTRY, hardware reason 0x%llx, %s); the kernel log may say why.",
		   code, vmx_reason_name(code));
}

static void list_data(const struct kvm_run *run, char *buf, size_t size)
{
	__u32 i, n = run->internal.ndata;
	size_t len = 0;

	if (n > ARRAY_SIZE(run->internal.data))
		n = ARRAY_SIZE(run->internal.data);
	buf[0] = 0;
	for (i = 0; i < n && len < size; i++)
		len += snprintf(buf + len, size - len, "%s0x%llx", i ? " " : "",
				(unsigned long long)run->internal.data[i]);
}

static int explain_emulation(const struct kvm_run *run, const char *data, struct sentence *s)
{
	unsigned int i, n = run->emulation_failure.insn_size;
	char bytes[3 * 15 + 1] = "";

	if (run->emulation_failure.ndata < 1 ||
	    !(run->emulation_failure.flags & KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES))
		return say(s, "%s (KVM_INTERNAL_ERROR_EMULATION%s%s).", emulation_hint,
			   *data ? ", data " : "", data);
	if (n > sizeof(run->emulation_failure.insn_bytes))
		n = sizeof(run->emulation_failure.insn_bytes);
	for (i = 0; i < n; i++)
		snprintf(bytes + 3 * i, 4, " %02x", run->emulation_failure.insn_bytes[i]);
	if (!n)
		return say(s,
			   "%s: it lies where the guest has no memory to fetch it from (KVM_INTERNAL_ERROR_EMULATION).",
			   emulation_hint);
	return say(s,
		   "%s: its bytes are%s (KVM_INTERNAL_ERROR_EMULATION); minikvm's line in the kernel log says which guest-physical address it was for.",
		   emulation_hint, bytes);
}

static int explain_internal(const struct kvm_run *run, struct sentence *s)
{
	const __u64 *d = run->internal.data;
	struct sentence detail;
	char data[400];

	list_data(run, data, sizeof(data));
	switch (run->internal.suberror) {
	case KVM_INTERNAL_ERROR_EMULATION:
		explain_emulation(run, data, &detail);
		break;
	case KVM_INTERNAL_ERROR_SIMUL_EX:
		say(&detail, "two exceptions came at once (KVM_INTERNAL_ERROR_SIMUL_EX, data %s).",
		    data);
		break;
	case KVM_INTERNAL_ERROR_DELIVERY_EV:
		say(&detail,
		    "delivering event 0x%llx to the guest made it exit with %s (KVM_INTERNAL_ERROR_DELIVERY_EV, data %s).",
		    run->internal.ndata > 0 ? d[0] & 0xff : 0,
		    run->internal.ndata > 1 ? vmx_reason_name(d[1]) : "an unknown reason", data);
		break;
	case KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON:
		say(&detail,
		    "the guest exited with %s, which has no handler (KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON, data %s).",
		    run->internal.ndata > 0 ? vmx_reason_name(d[0]) : "an unknown reason", data);
		break;
	default:
		say(&detail, "suberror %u, data %s.", run->internal.suberror,
		    *data ? data : "none");
	}
	return say(s,
		   "The hypervisor gave the guest up (KVM_EXIT_INTERNAL_ERROR): %s", detail.text);
}

/**
 * exit_explain() - one sentence for an exit that ends the guest
 * @run: the vCPU's struct kvm_run
 * @s: receives the sentence
 *
 * KVM_EXIT_FAIL_ENTRY and KVM_EXIT_INTERNAL_ERROR are decoded down to the VM-instruction error,
 * the exit reason of the CPU, or the instruction bytes that could not be emulated.
 *
 * Return: always -1, like say().
 */
int exit_explain(const struct kvm_run *run, struct sentence *s)
{
	switch (run->exit_reason) {
	case KVM_EXIT_FAIL_ENTRY:
		return explain_fail_entry(run, s);
	case KVM_EXIT_INTERNAL_ERROR:
		return explain_internal(run, s);
	case KVM_EXIT_UNKNOWN:
		return say(s,
			   "The CPU left the guest for a reason that the hypervisor does not know (KVM_EXIT_UNKNOWN, hardware reason 0x%llx, %s).",
			   run->hw.hardware_exit_reason,
			   vmx_reason_name(run->hw.hardware_exit_reason));
	case KVM_EXIT_SHUTDOWN:
		return say(s, "The guest's CPU shut down: a triple fault (KVM_EXIT_SHUTDOWN).");
	case KVM_EXIT_HLT:
		return say(s, "The guest halted (KVM_EXIT_HLT).");
	case KVM_EXIT_EXCEPTION:
		return say(s,
			   "The guest raised exception %u, error code 0x%x, which the hypervisor hands out (KVM_EXIT_EXCEPTION).",
			   run->ex.exception, run->ex.error_code);
	default:
		return say(s,
			   "The guest left with KVM_EXIT_%s (%u), which this machine has no use for.",
			   exit_name(run->exit_reason), run->exit_reason);
	}
}

/**
 * run_error_explain() - one sentence for a KVM_RUN that failed
 * @err: the errno
 * @s: receives the sentence
 *
 * Return: always -1, like say().
 */
int run_error_explain(int err, struct sentence *s)
{
	switch (err) {
	case EFAULT:
		return say(s,
			   "KVM_RUN failed: the guest touched memory that the host cannot provide (EFAULT).");
	case ENOMEM:
		return say(s, "KVM_RUN failed: the host is out of memory (ENOMEM).");
	case EIO:
		return say(s,
			   "KVM_RUN failed: the VM is dead after an earlier error (EIO); the kernel log says which.");
	case EINVAL:
		return say(s, "KVM_RUN failed: the hypervisor refuses the vCPU's state (EINVAL).");
	case ENODEV:
		return say(s,
			   "KVM_RUN failed: virtualization has been switched off on this CPU (ENODEV).");
	default:
		return say(s, "KVM_RUN failed: %s.", strerror(err));
	}
}
