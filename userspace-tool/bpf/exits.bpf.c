// SPDX-License-Identifier: GPL-2.0-only
/*
 * exits - the second of five eBPF programs: how often each vCPU left the guest, by reason.
 *
 * A hash map counts. Its key is the whole of what is told apart: VM, vCPU and reason. All CPUs
 * share the one counter of a key, so it is incremented atomically. The name of the VM's process is
 * read out of the kernel's task_struct: CO-RE. Relies on the kernel's BTF for that. The next one is
 * latency.bpf.c.
 */
#include "bpf/record.bpf.h"
#include "bpf/task.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct exit_key);
	__type(value, __u64);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct vm_name);
} names SEC(".maps");

__u64 exits;
__u64 uncounted;	/* of these: not in the map, because it is full */

/* A new key. Another CPU may be faster, then its counter is the one. */
static __always_inline __u64 *add(const struct exit_key *key)
{
	static const __u64 zero;
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct vm_name name = {};

	BPF_CORE_READ_STR_INTO(&name.comm, task, group_leader, comm);
	bpf_map_update_elem(&names, &key->vm, &name, BPF_ANY);
	bpf_map_update_elem(&counts, key, &zero, BPF_NOEXIST);
	return bpf_map_lookup_elem(&counts, key);
}

SEC("tracepoint")
int count_exit(const void *record)
{
	struct exit_key key = {
		.vm = current_vm(),
		.vcpu = FIELD(__u32, record, fields.exit_vcpu_id),
		.reason = FIELD(__u32, record, fields.exit_reason),
	};
	__u64 *count;

	if (!is_watched())
		return 0;
	COUNT(exits);
	count = bpf_map_lookup_elem(&counts, &key);
	if (!count)
		count = add(&key);
	if (count)
		COUNT(*count);
	else
		COUNT(uncounted);
	return 0;
}
