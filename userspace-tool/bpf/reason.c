// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exit reasons and accesses in words. Pure.
 *
 * The names are those of the kernel's header <asm/vmx.h>, so they are also perf's and trace-cmd's.
 */
#include <asm/vmx.h>
#include <stdio.h>

#include "bpf/reason.h"
#include "kvm/exits.h"

/**
 * reason_name() - the name of an exit reason
 * @reason: the VM-exit reason field of the VMCS
 * @name: where to write it
 *
 * Return: @name.
 */
const char *reason_name(__u32 reason, char name[REASON_NAME_SIZE])
{
	const char *failed = reason & VMX_EXIT_REASONS_FAILED_VMENTRY ? "FAILED_VMENTRY " : "";
	const char *basic = vmx_exit_name(reason);

	if (basic)
		snprintf(name, REASON_NAME_SIZE, "%s%s", failed, basic);
	else
		snprintf(name, REASON_NAME_SIZE, "%sreason %u", failed, BASIC_REASON(reason));
	return name;
}

/**
 * access_text() - what was accessed, and how
 * @key: the access, as dispatch.bpf.c writes it
 * @text: where to write it
 *
 * Return: @text.
 */
const char *access_text(const struct access_key *key, char text[ACCESS_TEXT_SIZE])
{
	static const char * const cr[] = { "to CR%llu", "from CR%llu", "CLTS", "LMSW" };

	switch (key->kind) {
	case ACCESS_IO:
		snprintf(text, ACCESS_TEXT_SIZE, "%s%s port 0x%llx, %u byte%s",
			 key->how & IO_IN ? "IN" : "OUT", key->how & IO_STRING ? "S" : "",
			 key->what, key->how & IO_BYTES, (key->how & IO_BYTES) > 1 ? "s" : "");
		break;
	case ACCESS_MMIO:
		snprintf(text, ACCESS_TEXT_SIZE, "%s 0x%llx, %u byte%s",
			 key->how & IO_IN ? "read" : "write", key->what, key->how & IO_BYTES,
			 (key->how & IO_BYTES) > 1 ? "s" : "");
		break;
	case ACCESS_MSR:
		snprintf(text, ACCESS_TEXT_SIZE, "%s 0x%llx",
			 key->how & MSR_WRITE ? "WRMSR" : "RDMSR", key->what);
		break;
	case ACCESS_CR:
		snprintf(text, ACCESS_TEXT_SIZE, cr[key->how & 3], key->what);
		break;
	case ACCESS_EPT:
		snprintf(text, ACCESS_TEXT_SIZE, "%s%s%s, %s", key->how & EPT_READ ? "read" : "",
			 key->how & EPT_WRITE ? "write" : "", key->how & EPT_FETCH ? "fetch" : "",
			 key->how & EPT_MAPPED ? "mapped, but not for this" : "not mapped");
		break;
	case ACCESS_HYPERCALL:
		snprintf(text, ACCESS_TEXT_SIZE, "number %llu", key->what);
		break;
	default:
		snprintf(text, ACCESS_TEXT_SIZE, "kind %u, 0x%llx", key->kind, key->what);
		break;
	}
	return text;
}
