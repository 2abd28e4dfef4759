/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VMX instructions and the accessors of VMCS fields.
 *
 * SDM, "VMX Instruction Reference" and "Field Encoding in VMCS". Field names are those of
 * <asm/vmx.h>. Every instruction has an exception-table entry: after an emergency VMXOFF it
 * faults with #UD, and the host must survive that. There is one accessor per field width and
 * a wrong one does not compile.
 */
#ifndef MINIKVM_ARCH_X86_VMX_VMCS_H
#define MINIKVM_ARCH_X86_VMX_VMCS_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/percpu.h>
#include <asm/asm.h>
#include <asm/vmx.h>

/* "Enable XSAVES/XRSTORS": the kernels' headers have two names for it. */
#define MINIKVM_EXEC_XSAVES	VMCS_CONTROL_BIT(XSAVES)

/* "Enable ENCLV exiting" and its bitmap, which the kernels' headers do not name. */
#define MINIKVM_EXEC_ENCLV_EXITING	VMCS_CONTROL_BIT(ENCLV_EXITING)
#define ENCLV_EXITING_BITMAP		0x2036

/* One VMXON or VMCS region: 4 KiB; the hardware owns everything behind the header. */
struct vmcs {
	u32 revision_id;
	u32 abort;
	u8 data[PAGE_SIZE - 8];
} __packed;

/* Counting is compiled in with COUNT_VMCS=y alone, for the benchmark: no exit pays for it. */
struct vmcs_access_count {
	u64 reads;
	u64 writes;
};

#ifdef MINIKVM_COUNT_VMCS
DECLARE_PER_CPU(struct vmcs_access_count, vmcs_access_count);
#define vmcs_count(what)	this_cpu_inc(vmcs_access_count.what)
#else
#define vmcs_count(what)	do { } while (0)
#endif

/* SDM, "Structure of VMCS Component Encoding": bits 14:13 are the width. */
enum vmcs_width { VMCS_WIDTH_16, VMCS_WIDTH_64, VMCS_WIDTH_32, VMCS_WIDTH_NATURAL };
#define vmcs_field_width(field)		(((field) >> 13) & 3)
#define vmcs_field_high(field)		((field) & 1)

/* What failed: the encoding of the field, which has 16 bits, and these. */
#define VMCS_FAILED_WRITE	BIT(16)	/* VMWRITE, else VMREAD */
#define VMCS_FAILED_FAULT	BIT(17)	/* the instruction faulted, else it set CF or ZF */

/*
 * Calls vmcs_access_failed(), which names the field in the log, a little later. Any context. The
 * callee (vmcs_failed.S) preserves all registers, and the compiler is told so: a function with a
 * VMREAD need not save its registers for the sake of a failure that does not happen.
 */
static __always_inline void vmcs_failed(unsigned long what)
{
	asm volatile("call vmcs_failed_thunk" : ASM_CALL_CONSTRAINT : "a" (what) : "cc", "memory");
}

static __always_inline unsigned long vmcs_read_any(unsigned long field)
{
	unsigned long value;

	vmcs_count(reads);
	asm goto("1: vmread %[field], %[value]\n\t"
		 "jbe %l[failed]\n\t"
		 _ASM_EXTABLE(1b, %l[fault])
		 : [value] "=&r" (value) : [field] "r" (field) : "cc" : failed, fault);
	return value;
failed:
	vmcs_failed(field);
	return 0;
fault:
	vmcs_failed(field | VMCS_FAILED_FAULT);
	return 0;
}

static __always_inline void vmcs_write_any(unsigned long field, unsigned long value)
{
	vmcs_count(writes);
	asm goto("1: vmwrite %[value], %[field]\n\t"
		 "jbe %l[failed]\n\t"
		 _ASM_EXTABLE(1b, %l[fault])
		 : : [value] "rm" (value), [field] "r" (field) : "cc" : failed, fault);
	return;
failed:
	vmcs_failed(field | VMCS_FAILED_WRITE);
	return;
fault:
	vmcs_failed(field | VMCS_FAILED_WRITE | VMCS_FAILED_FAULT);
}

/* A field of another width, or the high half of a 64-bit one, is refused by the compiler. */
#define VMCS_CHECK_WIDTH(field, ok)						\
	BUILD_BUG_ON_MSG(!__builtin_constant_p(field) || !(ok),		\
			 "VMCS accessor of the wrong width for this field")

static __always_inline u16 vmcs_read16(unsigned long field)
{
	VMCS_CHECK_WIDTH(field, vmcs_field_width(field) == VMCS_WIDTH_16);
	return vmcs_read_any(field);
}

static __always_inline u32 vmcs_read32(unsigned long field)
{
	VMCS_CHECK_WIDTH(field, vmcs_field_width(field) == VMCS_WIDTH_32);
	return vmcs_read_any(field);
}

/* 64-bit fields, and natural-width ones: this module is 64-bit only. */
static __always_inline u64 vmcs_read64(unsigned long field)
{
	VMCS_CHECK_WIDTH(field, (vmcs_field_width(field) & 1) && !vmcs_field_high(field));
	return vmcs_read_any(field);
}

static __always_inline void vmcs_write16(unsigned long field, u16 value)
{
	VMCS_CHECK_WIDTH(field, vmcs_field_width(field) == VMCS_WIDTH_16);
	vmcs_write_any(field, value);
}

static __always_inline void vmcs_write32(unsigned long field, u32 value)
{
	VMCS_CHECK_WIDTH(field, vmcs_field_width(field) == VMCS_WIDTH_32);
	vmcs_write_any(field, value);
}

static __always_inline void vmcs_write64(unsigned long field, u64 value)
{
	VMCS_CHECK_WIDTH(field, (vmcs_field_width(field) & 1) && !vmcs_field_high(field));
	vmcs_write_any(field, value);
}

/*
 * The other VMX instructions: 0, or -EIO for VMfailInvalid, VMfailValid or a fault. @pa is the
 * physical address of a region.
 */
#define VMX_INSN(name, insn, constraint, ...)					\
static __always_inline int name						\
{										\
	asm goto("1: " insn "\n\t"						\
		 "jbe %l[failed]\n\t"						\
		 _ASM_EXTABLE(1b, %l[failed])					\
		 : : __VA_ARGS__ : "cc", "memory" : failed);			\
	return 0;								\
failed:										\
	return -EIO;								\
}

VMX_INSN(vmxon(u64 pa), "vmxon %[pa]", m, [pa] "m" (pa))
VMX_INSN(vmcs_clear(u64 pa), "vmclear %[pa]", m, [pa] "m" (pa))
VMX_INSN(vmcs_load(u64 pa), "vmptrld %[pa]", m, [pa] "m" (pa))
VMX_INSN(vmxoff(void), "vmxoff", m, [unused] "i" (0))

struct invept_desc {
	u64 eptp, reserved;
};

struct invvpid_desc {
	u64 vpid, linear;
};

VMX_INSN(invept(unsigned long type, struct invept_desc desc), "invept %[desc], %[type]", m,
	 [desc] "m" (desc), [type] "r" (type))
VMX_INSN(invvpid(unsigned long type, struct invvpid_desc desc), "invvpid %[desc], %[type]", m,
	 [desc] "m" (desc), [type] "r" (type))

#endif
