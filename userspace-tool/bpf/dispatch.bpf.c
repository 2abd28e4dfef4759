// SPDX-License-Identifier: GPL-2.0-only
/*
 * dispatch - the fifth of five eBPF programs: each exit reason has a program that decodes it.
 *
 * dispatch() jumps through a program array, whose index is the basic exit reason. A tail call does
 * not return: it replaces the running program, and gets nothing of it but the context. Where the
 * array is empty it does nothing, and the program goes on: such exits are counted. The decoders
 * read the exit qualification (SDM, "Exit Qualification for ..."); what an exit's record does not
 * hold is in the records that KVM writes while it handles the exit: kvm_msr, kvm_mmio,
 * kvm_hypercall.
 */
#include "bpf/record.bpf.h"

#include <asm/vmx.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct access_key);
	__type(value, __u64);
} accesses SEC(".maps");

__u64 exits;
__u64 decoded[ACCESS_KINDS];
__u64 ignored;
__u64 fell_through;
__u64 unlisted;		/* accesses that the map had no room for */

/* Both take the kind as a constant, so that the verifier knows where in the array it is. */
static __always_inline void list(enum access_kind kind, __u64 what, __u32 how)
{
	static const __u64 zero;
	struct access_key key = { .kind = kind, .what = what, .how = how };
	__u64 *count = bpf_map_lookup_elem(&accesses, &key);

	if (!count) {
		bpf_map_update_elem(&accesses, &key, &zero, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&accesses, &key);
	}
	if (count)
		COUNT(*count);
	else
		COUNT(unlisted);
}

/* Exit qualification for I/O instructions: size - 1, direction, string, REP, operand, port. */
SEC("tracepoint")
int decode_io(const void *record)
{
	__u64 q = FIELD(__u64, record, fields.exit_info1);
	__u32 how = (q & 7) + 1;

	if (q & 1 << 3)
		how |= IO_IN;
	if (q & 1 << 4)
		how |= IO_STRING;
	COUNT(decoded[ACCESS_IO]);
	list(ACCESS_IO, q >> 16 & 0xffff, how);
	return 0;
}

/* Exit qualification for control-register accesses: register, access type. */
SEC("tracepoint")
int decode_cr(const void *record)
{
	static const __u32 how[] = { 0, CR_FROM, CR_CLTS, CR_LMSW };
	__u64 q = FIELD(__u64, record, fields.exit_info1);

	COUNT(decoded[ACCESS_CR]);
	list(ACCESS_CR, q & 0xf, how[q >> 4 & 3]);
	return 0;
}

/* Exit qualification for EPT violations: bits 2:0 the access, 5:3 what the entries allow. */
SEC("tracepoint")
int decode_ept(const void *record)
{
	__u64 q = FIELD(__u64, record, fields.exit_info1);

	COUNT(decoded[ACCESS_EPT]);
	list(ACCESS_EPT, 0, (q & 7) | (q >> 3 & 7 ? EPT_MAPPED : 0));
	return 0;
}

/* An EPT misconfiguration has no qualification. KVM makes them for MMIO. */
SEC("tracepoint")
int decode_mmio(const void *record)
{
	COUNT(decoded[ACCESS_MMIO]);
	return 0;
}

SEC("tracepoint")
int decode_msr(const void *record)
{
	COUNT(decoded[ACCESS_MSR]);
	return 0;
}

SEC("tracepoint")
int decode_hypercall(const void *record)
{
	COUNT(decoded[ACCESS_HYPERCALL]);
	return 0;
}

/* An interrupt of the host says nothing about the guest. */
SEC("tracepoint")
int ignore(const void *record)
{
	COUNT(ignored);
	return 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, EXIT_REASONS);
	__type(key, __u32);
	__array(values, int (const void *));
} decoders SEC(".maps") = {
	.values = {
		[EXIT_REASON_EXTERNAL_INTERRUPT] = (void *)&ignore,
		[EXIT_REASON_VMCALL] = (void *)&decode_hypercall,
		[EXIT_REASON_CR_ACCESS] = (void *)&decode_cr,
		[EXIT_REASON_IO_INSTRUCTION] = (void *)&decode_io,
		[EXIT_REASON_MSR_READ] = (void *)&decode_msr,
		[EXIT_REASON_MSR_WRITE] = (void *)&decode_msr,
		[EXIT_REASON_EPT_VIOLATION] = (void *)&decode_ept,
		[EXIT_REASON_EPT_MISCONFIG] = (void *)&decode_mmio,
	},
};

SEC("tracepoint")
int dispatch(const void *record)
{
	if (!is_watched())
		return 0;
	COUNT(exits);
	bpf_tail_call((void *)record, &decoders,
		      BASIC_REASON(FIELD(__u32, record, fields.exit_reason)));
	/* Only without a program for this reason is this reached. */
	COUNT(fell_through);
	return 0;
}

/* Attached to kvm_msr: which MSR. */
SEC("?tracepoint")
int name_msr(const void *record)
{
	if (is_watched())
		list(ACCESS_MSR, FIELD(__u32, record, fields.msr_ecx),
		     FIELD(__u32, record, fields.msr_write) ? MSR_WRITE : 0);
	return 0;
}

/* Attached to kvm_mmio, which tells a read twice: when it begins (type 0), with its value (1). */
SEC("?tracepoint")
int name_mmio(const void *record)
{
	__u32 type = FIELD(__u32, record, fields.mmio_type);

	if (is_watched() && type)
		list(ACCESS_MMIO, FIELD(__u64, record, fields.mmio_gpa),
		     (FIELD(__u32, record, fields.mmio_len) & IO_BYTES) |
		     (type == 1 ? IO_IN : 0));
	return 0;
}

/* Attached to kvm_hypercall: which number. */
SEC("?tracepoint")
int name_hypercall(const void *record)
{
	if (is_watched())
		list(ACCESS_HYPERCALL, FIELD(__u64, record, fields.hypercall_nr), 0);
	return 0;
}
