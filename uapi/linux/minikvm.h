/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What /dev/minikvm understands beyond KVM's ABI.
 *
 * Everything else is in <linux/kvm.h>. The ioctl magic is minikvm's own, never KVM's AEh.
 */
#ifndef _UAPI_LINUX_MINIKVM_H
#define _UAPI_LINUX_MINIKVM_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define MINIKVM_MAGIC		0xB5
#define MINIKVM_ABI_VERSION	1

/* Device: the version of this header that the module was built with. */
#define MINIKVM_GET_VERSION	_IO(MINIKVM_MAGIC, 0x00)

/**
 * struct minikvm_vmcs_field - a VMCS field for the next VM entry only
 * @encoding: the field's encoding (SDM, "Field Encoding in VMCS")
 * @flags: 0; or MINIKVM_VMCS_KILL_VM, and the others are 0: no field, the VM is dead from now on
 * @value: what is written directly before the entry
 *
 * For tests of failing VM entries: the field gets its old value back after the entry. Needs
 * CAP_SYS_ADMIN, and a module built with TESTHOOKS=1 and loaded with inject=1.
 */
struct minikvm_vmcs_field {
	__u32 encoding;
	__u32 flags;
	__u64 value;
};

#define MINIKVM_VMCS_KILL_VM	0x80000000u

/* vCPU: 0; EPERM without the above; EINVAL for flags, a host or read-only field. */
#define MINIKVM_VCPU_SET_VMCS	_IOW(MINIKVM_MAGIC, 0x01, struct minikvm_vmcs_field)

/**
 * struct minikvm_post - an interrupt as a device posts it
 * @vcpu: the vCPU's number
 * @vector: 16 to 255
 *
 * For tests of posted interrupts on machines whose remapping hardware cannot post: does what it
 * does (VT-d specification, "Interrupt Posting"), and nothing else tells the vCPU. Needs
 * CAP_SYS_ADMIN, and a module built with TESTHOOKS=1 and loaded with inject=1.
 */
struct minikvm_post {
	__u32 vcpu;
	__u32 vector;
};

/* VM: 0; EPERM without the above; EINVAL for the numbers; EOPNOTSUPP without APICv. */
#define MINIKVM_VM_POST_INTERRUPT	_IOW(MINIKVM_MAGIC, 0x02, struct minikvm_post)

/**
 * struct minikvm_test_device - an assigned device with one interrupt, for a test
 * @eventfd: what VFIO would signal for the interrupt
 * @flags: MINIKVM_TEST_DEVICE_*
 *
 * Plays VFIO, which makes the interrupt a producer of the kernel's IRQ bypass manager, and the
 * remapping hardware, whose entry for the interrupt is in remapped or in posted format. Needs
 * CAP_SYS_ADMIN, and a module built with TESTHOOKS=1 and loaded with inject=1.
 */
struct minikvm_test_device {
	__s32 eventfd;
	__u32 flags;
};

/* Its hardware cannot post. */
#define MINIKVM_TEST_DEVICE_NO_POSTING	0x1

/**
 * struct minikvm_test_entry - what read() of the device's descriptor returns
 * @posted: 1 = in posted format
 * @vector: if so, the guest's vector
 * @descriptor: if so, the descriptor's physical address
 */
struct minikvm_test_entry {
	__u32 posted;
	__u32 vector;
	__u64 descriptor;
};

/*
 * VM: the device's descriptor. A write() of anything is its interrupt, read() tells its entry, the
 * last close() takes it away. EPERM without the above; EBADF, EINVAL for the eventfd, EINVAL for
 * flags, ENOENT without the kernel's irqbypass, EBUSY if the eventfd has a producer.
 */
#define MINIKVM_VM_TEST_DEVICE	_IOW(MINIKVM_MAGIC, 0x03, struct minikvm_test_device)

/**
 * struct minikvm_vmcs_value - one field of a VMCS
 * @encoding: the field (SDM, "Field Encoding in VMCS")
 * @flags: MINIKVM_VMCS_MASKED
 * @value: what it holds, and what the next VM entry would see
 */
struct minikvm_vmcs_value {
	__u32 encoding;
	__u32 flags;
	__u64 value;
};

/* The value is not shown, and 0: it tells of the host, and the caller lacks CAP_SYS_ADMIN. */
#define MINIKVM_VMCS_MASKED	0x1
/* The rule is broken: a VM entry would fail. */
#define MINIKVM_VMCS_BROKEN	0x2

/**
 * struct minikvm_vmcs_rule - a rule of the SDM that applies to a VMCS, and whether it holds
 * @field: the field that it is about
 * @flags: MINIKVM_VMCS_*
 * @value: what the field holds
 * @section: title of the SDM's section, below "VM Entries"
 * @text: the rule in words
 */
struct minikvm_vmcs_rule {
	__u32 field;
	__u32 flags;
	__u64 value;
	char section[80];
	char text[160];
};

/**
 * struct minikvm_vmcs - a VMCS, and what a VM entry would make of it
 * @nr_fields: in: room in @fields, out: how many there are
 * @nr_rules: in: room in @rules, out: how many there are
 * @fields: address of an array of struct minikvm_vmcs_value: all that this processor has
 * @rules: address of an array of struct minikvm_vmcs_rule: all that apply; those of the guest-state
 *	area are looked at only if controls and host-state area break none, as the processor does
 * @nr_broken: out: rules that are broken
 * @flags: in: 0, out: MINIKVM_VMCS_RUNNING
 */
struct minikvm_vmcs {
	__u32 nr_fields;
	__u32 nr_rules;
	__u64 fields;
	__u64 rules;
	__u32 nr_broken;
	__u32 flags;
};

/* The vCPU is in KVM_RUN: this is what it was between two entries. */
#define MINIKVM_VMCS_RUNNING	0x1

/*
 * vCPU: 0; E2BIG with the numbers filled in if there is not room enough; EINVAL for flags; EBUSY if
 * the vCPU could not be asked within a second, because it is held up in the host's kernel.
 */
#define MINIKVM_GET_VMCS	_IOWR(MINIKVM_MAGIC, 0x11, struct minikvm_vmcs)

/* Bytes of a reason, with the 0 at its end. */
#define MINIKVM_REASON_SIZE	240

/**
 * struct minikvm_last_error - why the last ioctl of this thread was refused
 * @cmd: the ioctl's number; 0: it was carried out in part (KVM_SET_MSRS and its short count)
 * @error: the errno that it failed with, positive; 0 with @cmd
 * @flags: 0
 * @reserved: 0
 * @text: the ioctl by name, the check that failed and the value that it was about, as in the log
 *
 * As errno, it stays until the next refusal; an ioctl that succeeds does not clear it.
 */
struct minikvm_last_error {
	__u32 cmd;
	__u32 error;
	__u32 flags;
	__u32 reserved;
	char text[MINIKVM_REASON_SIZE];
};

/*
 * Device, VM, vCPU, device of a VM: 0; ENOENT if nothing is kept of this thread. What is kept of a
 * VM is found through each of its descriptors, also when the VM is dead or another process's; no
 * thread sees another's. Is not refused, and keeps no reason, itself.
 */
#define MINIKVM_GET_LAST_ERROR	_IOR(MINIKVM_MAGIC, 0x10, struct minikvm_last_error)

/* Hypercall (RAX of VMCALL): the VM exits of all the guest's vCPUs so far, in RAX. */
#define MINIKVM_HC_EXITS	0x6d6b7678

/*
 * Hypercall: the guest says what it does, for `minikvm stat` and `minikvm trace`. RBX is what; RAX
 * becomes 0, whatever it is. Without effect on anything else: on other hypervisors -KVM_ENOSYS.
 */
#define MINIKVM_HC_ANNOUNCE	0x6d6b7670
#define MINIKVM_ANNOUNCE_SWITCH	1	/* RCX = process | task << 8; RDX, RSI = its name */
#define MINIKVM_ANNOUNCE_END	4	/* from now on, no processor announces */
#define MINIKVM_ANNOUNCE_NAME	16	/* bytes of a name; the rest are zeros */

#endif
