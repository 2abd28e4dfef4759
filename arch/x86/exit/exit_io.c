// SPDX-License-Identifier: GPL-2.0-only
/*
 * IN, OUT, INS, OUTS: what the exit tells of them.
 *
 * SDM, "Exit Qualification for I/O Instructions" and "Format of the VM-Exit
 * Instruction-Information Field as Used for INS and OUTS".
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include "arch/x86/insn/pio.h"
#include "arch/x86/vmx/vmx_vcpu.h"

#define IO_SIZE(q)	(((q) & 7) + 1)
#define IO_IN		BIT(3)
#define IO_STRING	BIT(4)
#define IO_REP		BIT(5)
#define IO_PORT(q)	((u16)((q) >> 16))

/* IN or OUT of one element, in any context; -EAGAIN when the device wants interrupts on. */
static int simple_io(struct mkvm_vcpu *vcpu, unsigned long qualification)
{
	u16 port = IO_PORT(qualification);
	int size = IO_SIZE(qualification);

	if (qualification & IO_IN)
		return pio_in(vcpu, port, size);
	return pio_out(vcpu, port, size);
}

/*
 * Most devices can be spoken to with interrupts off, and so can userspace: its exit is only a
 * few words in the kvm_run page.
 */
int vmx_fast_io(struct mkvm_vcpu *vcpu)
{
	unsigned long qualification = vmcs_read64(EXIT_QUALIFICATION);
	int idx, ret;

	if (unlikely(qualification & IO_STRING))
		return VMX_FAST_NO;
	idx = srcu_read_lock(&vcpu->vm->srcu);
	ret = simple_io(vcpu, qualification);
	srcu_read_unlock(&vcpu->vm->srcu, idx);
	return ret == -EAGAIN ? VMX_FAST_NO : ret;
}

int vmx_exit_io(struct mkvm_vcpu *vcpu)
{
	unsigned long qualification = vmcs_read64(EXIT_QUALIFICATION);
	int size = IO_SIZE(qualification);
	bool in = qualification & IO_IN;
	struct mkvm_pio_request req;
	u32 info;

	if (!(qualification & IO_STRING))
		return simple_io(vcpu, qualification);
	info = vmcs_read32(VMX_INSTRUCTION_INFO);
	req = (struct mkvm_pio_request) {
		.port = IO_PORT(qualification),
		.size = size,
		.addr_bytes = 2 << INFO_ADDRESS_SIZE(info),
		/* INS always stores to ES; the field has three bits for six registers. */
		.segment = in ? SEG_ES : min_t(u32, INFO_SEGMENT(info), SEG_GS),
		.string = true,
		.rep = qualification & IO_REP,
		.down = rflags_read(vcpu) & X86_EFLAGS_DF,
	};
	return pio_string(vcpu, in, &req);
}
