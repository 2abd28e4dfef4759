// SPDX-License-Identifier: GPL-2.0-only
/*
 * Port I/O: a device in the kernel, or KVM_EXIT_IO.
 *
 * KVM's ABI: kvm_run.io with the data in the page behind kvm_run; REP INS and REP OUTS come as
 * one exit of up to a page of elements. The next KVM_RUN finishes an IN or OUT: until then RIP
 * stays at the instruction, unless userspace moves it. The memory side of INS and OUTS is
 * guest_access.c's, so it may be a device, too.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/kvm.h>
#include <linux/mm.h>
#include <asm/trapnr.h>

#include "arch/x86/insn/descriptor.h"
#include "arch/x86/insn/guest_access.h"
#include "arch/x86/event/inject.h"
#include "arch/x86/event/skip.h"
#include "arch/x86/insn/pio.h"
#include "arch/x86/regs.h"
#include "arch/x86/insn/internal_error.h"
#include "arch/x86/vmx/vmx.h"
#include "trace/kvm_x86_events.h"
#include "virt/io_bus.h"

static __always_inline int to_userspace(struct mkvm_vcpu *vcpu, bool in, u16 port, int size,
					u32 count)
{
	struct kvm_run *run = vcpu->run;

	run->exit_reason = KVM_EXIT_IO;
	run->io.direction = in ? KVM_EXIT_IO_IN : KVM_EXIT_IO_OUT;
	run->io.port = port;
	run->io.size = size;
	run->io.count = count;
	run->io.data_offset = PAGE_SIZE;
	return 0;
}

/* A call of memcpy() costs more than all else that is done with the value. */
static void store(void *data, u32 value, int size)
{
	if (size == 1)
		*(u8 *)data = value;
	else if (size == 2)
		*(u16 *)data = value;
	else
		*(u32 *)data = value;
}

static void set_rax(struct mkvm_vcpu *vcpu, u32 value, int size)
{
	unsigned long rax = reg_read(vcpu, GREG_RAX);

	switch (size) {
	case 1:
		rax = (rax & ~0xfful) | (u8)value;
		break;
	case 2:
		rax = (rax & ~0xfffful) | (u16)value;
		break;
	default:
		rax = value;
	}
	reg_write(vcpu, GREG_RAX, rax);
}

/*
 * Where the instruction is, to see in the next KVM_RUN whether the guest is still there. In long
 * mode RIP tells it alone: what puts the guest elsewhere, a debugger or a reset, changes RIP or
 * leaves the mode.
 */
static __always_inline u64 linear_rip(struct mkvm_vcpu *vcpu)
{
	return is_long_mode(vcpu) ? rip_read(vcpu) :
				    vmx_get_segment_base(vcpu, SEG_CS) + rip_read(vcpu);
}

static int complete_out(struct mkvm_vcpu *vcpu)
{
	/* A debugger, or a reset of the machine: the guest goes on where it was put. */
	if (linear_rip(vcpu) != vcpu->arch.pio.linear)
		return 1;
	return skip_instruction(vcpu);
}

static int complete_in(struct mkvm_vcpu *vcpu)
{
	u32 value = 0;

	if (linear_rip(vcpu) == vcpu->arch.pio.linear) {
		memcpy(&value, vcpu->pio_data, vcpu->arch.pio.size);
		trace_kvm_pio(KVM_PIO_IN, vcpu->arch.pio.port, vcpu->arch.pio.size, 1, &value);
		set_rax(vcpu, value, vcpu->arch.pio.size);
	}
	return complete_out(vcpu);
}

/* One IN or OUT is userspace's. */
static __always_inline int exit_simple(struct mkvm_vcpu *vcpu, bool in, u16 port, int size)
{
	vcpu->arch.pio.port = port;
	vcpu->arch.pio.size = size;
	vcpu->arch.pio.linear = linear_rip(vcpu);
	vcpu->arch.complete_userspace_io = in ? complete_in : complete_out;
	vcpu->arch.complete_registers_only = true;
	return to_userspace(vcpu, in, port, size, 1);
}

/* @vcpu's RAX holds the value, in its low bytes. */
static trace_out_of_line void tell_access(struct mkvm_vcpu *vcpu, int direction, u16 port, int size)
{
	trace_kvm_pio(direction, port, size, 1, &vcpu->arch.regs[GREG_RAX]);
}

/* No device in the kernel takes the OUT. */
static __always_inline int out_to_user(struct mkvm_vcpu *vcpu, u16 port, int size)
{
	store(vcpu->pio_data, reg_read(vcpu, GREG_RAX), size);
	if (unlikely(port == 0x7e) && !(READ_ONCE(vcpu->vm->arch.disabled_quirks) &
					KVM_X86_QUIRK_OUT_7E_INC_RIP)) {
		skip_instruction(vcpu);
		return to_userspace(vcpu, false, port, size, 1);
	}
	return exit_simple(vcpu, false, port, size);
}

/**
 * pio_in() - IN
 * @vcpu: loaded vCPU, vm->srcu read-held
 * @port: port
 * @size: 1, 2 or 4 bytes
 *
 * Return: 1 when a device in the kernel answered, else 0 with KVM_EXIT_IO; -EAGAIN, with nothing
 * changed, when interrupts are off and the device wants them on.
 */
int pio_in(struct mkvm_vcpu *vcpu, u16 port, int size)
{
	u32 value = 0;
	int ret;

	ret = mkvm_io_bus_read(vcpu, MKVM_PIO_BUS, port, size, &value);
	if (!ret) {
		set_rax(vcpu, value, size);
		if (trace_kvm_pio_enabled())
			tell_access(vcpu, KVM_PIO_IN, port, size);
		return skip_instruction(vcpu);
	}
	return ret == -EAGAIN ? ret : exit_simple(vcpu, true, port, size);
}

/**
 * pio_out() - OUT
 * @vcpu: loaded vCPU, vm->srcu read-held
 * @port: port
 * @size: 1, 2 or 4 bytes
 *
 * Return: 1 when a device in the kernel took it, else 0 with KVM_EXIT_IO; -EAGAIN as pio_in().
 */
int pio_out(struct mkvm_vcpu *vcpu, u16 port, int size)
{
	int ret;

	ret = mkvm_io_bus_write(vcpu, MKVM_PIO_BUS, port, size, &vcpu->arch.regs[GREG_RAX]);
	if (unlikely(ret == -EAGAIN))
		return ret;
	if (trace_kvm_pio_enabled())
		tell_access(vcpu, KVM_PIO_OUT, port, size);
	return ret ? out_to_user(vcpu, port, size) : skip_instruction(vcpu);
}

/**
 * pio_to_user() - IN or OUT of a port that mkvm_io_bus_misses()
 * @vcpu: loaded vCPU
 * @in: IN
 * @port: port
 * @size: 1, 2 or 4 bytes
 *
 * Context: interrupts may be off; vm->srcu need not be held.
 * Return: 0 with KVM_EXIT_IO.
 */
int pio_to_user(struct mkvm_vcpu *vcpu, bool in, u16 port, int size)
{
	if (in)
		return exit_simple(vcpu, true, port, size);
	if (trace_kvm_pio_enabled())
		tell_access(vcpu, KVM_PIO_OUT, port, size);
	return out_to_user(vcpu, port, size);
}

static unsigned long low_bytes(unsigned long value, int bytes)
{
	return bytes == 8 ? value : value & (BIT(bytes * 8) - 1);
}

/* Write a register as an instruction of that address size does. */
static void set_low_bytes(struct mkvm_vcpu *vcpu, int reg, unsigned long value, int bytes)
{
	unsigned long old = reg_read(vcpu, reg);

	if (bytes == 2)
		value = (old & ~0xfffful) | (u16)value;
	else if (bytes == 4)
		value = (u32)value;
	reg_write(vcpu, reg, value);
}

/* @n elements are done: move the index register and the count. True when none is left. */
static bool advance(struct mkvm_vcpu *vcpu, const struct mkvm_pio_request *req, bool in, u32 n)
{
	int index = in ? GREG_RDI : GREG_RSI;
	unsigned long step = (unsigned long)n * req->size, left;

	set_low_bytes(vcpu, index, reg_read(vcpu, index) + (req->down ? -step : step),
		      req->addr_bytes);
	if (!req->rep)
		return true;
	left = low_bytes(reg_read(vcpu, GREG_RCX), req->addr_bytes);
	/* Userspace may have changed RCX meanwhile; it must not wrap. */
	left = left > n ? left - n : 0;
	set_low_bytes(vcpu, GREG_RCX, left, req->addr_bytes);
	return !left;
}

/*
 * @n elements are done. A single step ends at each; behind the last one skip_instruction() sees to
 * it. SDM, "RF (resume) flag": 1 between two iterations of REP, 0 behind the instruction.
 */
static void finish_elements(struct mkvm_vcpu *vcpu, bool in, u32 n)
{
	bool done = advance(vcpu, &vcpu->arch.pio, in, n);
	unsigned long rflags = rflags_read(vcpu);

	if (done == !!(rflags & X86_EFLAGS_RF))
		rflags_write(vcpu, rflags ^ X86_EFLAGS_RF);
	if (done)
		skip_instruction(vcpu);
	else if (rflags & X86_EFLAGS_TF)
		inject_debug(vcpu, DR6_BS);
}

/* After an access that returned @ret, neither 0 nor GUEST_ACCESS_WAIT. */
static int access_failed(struct mkvm_vcpu *vcpu, int ret, const struct walk_fault *fault)
{
	if (ret > 0) {
		descriptor_inject_fault(vcpu, fault);
		return 1;
	}
	pr_notice_ratelimited("vm %s vcpu %u: string I/O at RIP 0x%lx: %s\n", vcpu->vm->name,
			      vcpu->id, rip_read(vcpu), vcpu->arch.mmio.why);
	return internal_error_emulation(vcpu, NULL, 0);
}

static void access_go(struct mkvm_vcpu *vcpu)
{
	struct vmx_code code = vmx_get_code(vcpu);

	guest_access_go(vcpu, code.cpl, !code.l);
}

static int store_in(struct mkvm_vcpu *vcpu, u32 n)
{
	const struct mkvm_pio_request *pio = &vcpu->arch.pio;
	struct walk_fault fault;
	int ret;

	trace_kvm_pio(KVM_PIO_IN, pio->port, pio->size, n, vcpu->pio_data);
	ret = guest_access_write(vcpu, pio->element, vcpu->pio_data, n * pio->size, &fault);
	if (ret)
		return access_failed(vcpu, ret, &fault);
	finish_elements(vcpu, true, n);
	/* A device of userspace's gets its data now that the instruction is complete. */
	return guest_access_finish(vcpu);
}

static int complete_string_in(struct mkvm_vcpu *vcpu)
{
	const struct mkvm_pio_request *pio = &vcpu->arch.pio;
	u32 n = pio->count;

	/* A debugger, or a reset of the machine: the guest goes on where it was put. */
	if (linear_rip(vcpu) != pio->linear)
		return 1;
	if (pio->rep)
		n = min_t(u64, n, low_bytes(reg_read(vcpu, GREG_RCX), pio->addr_bytes));
	access_go(vcpu);
	return n ? store_in(vcpu, n) : 1;
}

/*
 * How many elements can go at once: they are contiguous, in one page, within the segment, and fit
 * the buffer. Near an end of segment or address size they go one by one, to fault or wrap there.
 */
static u32 batch(struct mkvm_vcpu *vcpu, const struct mkvm_pio_request *req, bool in, u64 offset,
		 unsigned long count)
{
	u32 n = min_t(unsigned long, count, (PAGE_SIZE - offset_in_page(req->element)) / req->size);
	u64 last = offset + n * req->size - 1, linear;

	if (req->down || n <= 1 || (rflags_read(vcpu) & X86_EFLAGS_TF) ||
	    last != low_bytes(last, req->addr_bytes) ||
	    !segment_linear(vcpu, req->segment, offset, n * req->size, in, &linear))
		return 1;
	return n;
}

/*
 * Find the first element and how many go at once. False when there is nothing more to do: *@ret is
 * what the exit returns. A device is read one element at a time, each of them an access of its own;
 * it is written as much as may wait for userspace.
 */
static bool locate(struct mkvm_vcpu *vcpu, bool in, int *ret)
{
	struct mkvm_pio_request *pio = &vcpu->arch.pio;
	unsigned long count = 1;
	struct walk_fault fault;
	bool memory;
	u64 offset;

	*ret = 1;
	if (pio->rep) {
		count = low_bytes(reg_read(vcpu, GREG_RCX), pio->addr_bytes);
		if (!count) {
			skip_instruction(vcpu);
			return false;
		}
	}
	offset = low_bytes(reg_read(vcpu, in ? GREG_RDI : GREG_RSI), pio->addr_bytes);
	if (!segment_linear(vcpu, pio->segment, offset, pio->size, in, &pio->element)) {
		inject_exception_code(vcpu, pio->segment == SEG_SS ? X86_TRAP_SS : X86_TRAP_GP, 0);
		return false;
	}
	/* The port must not be read when its data has nowhere to go. */
	*ret = guest_access_probe(vcpu, pio->element, pio->size, in ? WALK_WRITE : 0, &memory,
				  &fault);
	if (*ret) {
		*ret = access_failed(vcpu, *ret, &fault);
		return false;
	}
	pio->count = batch(vcpu, pio, in, offset, count);
	if (!memory)
		pio->count = in ? min_t(u32, pio->count, 8 * MKVM_MMIO_MAX_ACCESSES / pio->size) :
				  1;
	return true;
}

static int string_in(struct mkvm_vcpu *vcpu)
{
	struct mkvm_pio_request *pio = &vcpu->arch.pio;
	u32 done = 0;
	int ret;

	access_go(vcpu);
	if (!locate(vcpu, true, &ret))
		return ret;
	while (done < pio->count &&
	       !mkvm_io_bus_read(vcpu, MKVM_PIO_BUS, pio->port, pio->size,
				 vcpu->pio_data + done * pio->size))
		done++;
	/* What userspace has to do is the rest, for which the guest comes back. */
	if (done)
		return store_in(vcpu, done);
	vcpu->arch.complete_userspace_io = complete_string_in;
	return to_userspace(vcpu, true, pio->port, pio->size, pio->count);
}

static int string_out_again(struct mkvm_vcpu *vcpu);

static int string_out(struct mkvm_vcpu *vcpu)
{
	struct mkvm_pio_request *pio = &vcpu->arch.pio;
	struct walk_fault fault;
	u32 done = 0;
	int ret;

	access_go(vcpu);
	if (!locate(vcpu, false, &ret))
		return ret;
	ret = guest_access_read(vcpu, pio->element, vcpu->pio_data, pio->count * pio->size, 0,
				&fault);
	if (ret == GUEST_ACCESS_WAIT)
		return guest_access_wait(vcpu, string_out_again);
	if (ret)
		return access_failed(vcpu, ret, &fault);
	while (done < pio->count &&
	       !mkvm_io_bus_write(vcpu, MKVM_PIO_BUS, pio->port, pio->size,
				  vcpu->pio_data + done * pio->size))
		done++;
	trace_kvm_pio(KVM_PIO_OUT, pio->port, pio->size, done ?: pio->count, vcpu->pio_data);
	finish_elements(vcpu, false, done ?: pio->count);
	return done ? 1 : to_userspace(vcpu, false, pio->port, pio->size, pio->count);
}

/* The device has answered what OUTS reads. */
static int string_out_again(struct mkvm_vcpu *vcpu)
{
	return linear_rip(vcpu) == vcpu->arch.pio.linear ? string_out(vcpu) : 1;
}

/**
 * pio_string() - INS or OUTS, with or without REP
 * @vcpu: loaded vCPU, vm->srcu read-held
 * @in: INS
 * @req: what the exit says of it; addresses and count are found here
 *
 * Does as many elements as one exit may hold; the guest executes the rest of a REP again.
 *
 * Return: 1, 0 with KVM_EXIT_IO, KVM_EXIT_MMIO or KVM_EXIT_INTERNAL_ERROR, or -errno.
 */
int pio_string(struct mkvm_vcpu *vcpu, bool in, const struct mkvm_pio_request *req)
{
	vcpu->arch.pio = *req;
	vcpu->arch.pio.linear = linear_rip(vcpu);
	guest_access_begin(vcpu);
	return in ? string_in(vcpu) : string_out(vcpu);
}
