// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's time-stamp counter.
 *
 * SDM, "Time-Stamp Counter" and "TSC Scaling"; KVM_SET/GET_TSC_KHZ; IA32_TIME_STAMP_COUNTER and
 * IA32_TSC_ADJUST with KVM's meaning: a write by the guest moves both, a write by userspace
 * moves only the one it names. Relies on the host's tsc_khz.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/ktime.h>
#include <asm/tsc.h>

#include "arch/x86/irq/lapic.h"
#include "arch/x86/pv/pvclock.h"
#include "arch/x86/cpu/tsc.h"
#include "arch/x86/vmx/vmx.h"
#include "trace/kvm_x86_events.h"

/* Without scaling hardware a frequency this near the host's is taken for it. */
#define TSC_TOLERANCE_PPM	250

/* @khz is below tsc_khz << 16: a larger quotient would make the division trap. */
static u64 khz_to_ratio(u32 khz)
{
	return khz == tsc_khz ? TSC_RATIO_ONE :
	       mul_u64_u32_div(TSC_RATIO_ONE, khz, tsc_khz);
}

/* By multiplication: whatever userspace chose for @khz, this wraps but never traps. */
static u64 nsec_to_cycles(u64 nsec, u32 khz)
{
	return mul_u64_u64_shr(nsec, div_u64((u64)khz << 32, NSEC_PER_MSEC), 32);
}

static u64 offset_for(struct mkvm_vcpu *vcpu, u64 guest_tsc)
{
	return guest_tsc - tsc_scale(vcpu, rdtsc());
}

/**
 * tsc_set_offset() - the guest's TSC is the (scaled) host's plus an offset from now on
 * @vcpu: loaded vCPU
 * @offset: the offset
 */
void tsc_set_offset(struct mkvm_vcpu *vcpu, u64 offset)
{
	trace_kvm_write_tsc_offset(vcpu->id, vcpu->arch.tsc_offset, offset);
	vcpu->arch.tsc_offset = offset;
	vmx_write_tsc_offset(vcpu);
	lapic_tsc_changed(vcpu);
	pvclock_tsc_changed(vcpu);
}

/**
 * matching_offset() - the offset that makes the guest's TSC @value now
 * @vcpu: the vCPU
 * @value: wanted guest TSC
 *
 * Userspace sets the TSC of several vCPUs one after the other; time passes between the writes.
 * A value that is where a TSC written before would stand by now, give or take a second, means
 * "the same clock": it gets exactly the offset of that write, and so does 0, the value of a vCPU
 * that joins. The first value that userspace writes is no such thing: it comes from elsewhere,
 * and what is running is only what vCPU creation began with. With an unstable host TSC the
 * elapsed time is what is added instead.
 *
 * Return: the offset.
 */
static u64 matching_offset(struct mkvm_vcpu *vcpu, u64 value)
{
	struct mkvm_arch_vm *vm = &vcpu->vm->arch;
	u32 khz = vcpu->arch.virtual_tsc_khz;
	u64 now, expected, distance, offset;
	unsigned long flags;

	raw_spin_lock_irqsave(&vm->tsc_lock, flags);
	now = ktime_get_boottime_ns();
	expected = vm->tsc_last_write + nsec_to_cycles(now - vm->tsc_last_nsec, khz);
	distance = value > expected ? value - expected : expected - value;
	if (vm->tsc_last_khz == khz &&
	    (!value || (vm->tsc_user_set && distance < khz * 1000ull))) {
		offset = check_tsc_unstable() ? offset_for(vcpu, expected) : vm->tsc_last_offset;
	} else {
		offset = offset_for(vcpu, value);
		vm->tsc_last_khz = khz;
		vm->tsc_last_offset = offset;
		vm->tsc_last_write = value;
		vm->tsc_last_nsec = now;
	}
	vm->tsc_user_set |= !!value;
	raw_spin_unlock_irqrestore(&vm->tsc_lock, flags);
	return offset;
}

/**
 * tsc_vm_init() - a new VM has the frequency of the host
 * @vm: the VM, not visible yet
 */
void tsc_vm_init(struct mkvm_vm *vm)
{
	raw_spin_lock_init(&vm->arch.tsc_lock);
	vm->arch.default_tsc_khz = tsc_khz;
}

/**
 * tsc_vcpu_init() - a new vCPU: its frequency, and a TSC in step with its peers
 * @vcpu: the vCPU, not visible yet
 */
void tsc_vcpu_init(struct mkvm_vcpu *vcpu)
{
	vcpu->arch.virtual_tsc_khz = READ_ONCE(vcpu->vm->arch.default_tsc_khz);
	vcpu->arch.tsc_scaling_ratio = khz_to_ratio(vcpu->arch.virtual_tsc_khz);
	vcpu->arch.tsc_offset = matching_offset(vcpu, 0);
}

/**
 * tsc_vcpu_load() - the vCPU comes to this CPU
 * @vcpu: the vCPU
 *
 * The guest's TSC never goes back, even where the host's did.
 *
 * Context: preemption off.
 */
void tsc_vcpu_load(struct mkvm_vcpu *vcpu)
{
	u64 last = vcpu->arch.last_host_tsc, now = rdtsc();

	/*
	 * Another CPU with a TSC behind, or a suspend that reset it: go on from the last value
	 * the guest can have seen.
	 */
	if (unlikely(now < last)) {
		vcpu->arch.tsc_offset += tsc_scale(vcpu, last) - tsc_scale(vcpu, now);
		vmx_write_tsc_offset(vcpu);
		pvclock_tsc_changed(vcpu);
	}
}

/**
 * tsc_write() - WRMSR of IA32_TIME_STAMP_COUNTER
 * @vcpu: loaded vCPU
 * @value: what the guest shall read now
 * @host: userspace writes it
 */
void tsc_write(struct mkvm_vcpu *vcpu, u64 value, bool host)
{
	if (host) {
		tsc_set_offset(vcpu, matching_offset(vcpu, value));
	} else {
		u64 offset = offset_for(vcpu, value);

		/* SDM: a write to the TSC adds the same difference to IA32_TSC_ADJUST. */
		vcpu->arch.ia32_tsc_adjust += offset - vcpu->arch.tsc_offset;
		tsc_set_offset(vcpu, offset);
	}
}

/**
 * tsc_write_adjust() - WRMSR of IA32_TSC_ADJUST
 * @vcpu: loaded vCPU
 * @value: the new adjustment
 * @host: userspace writes it, and the TSC stays as it is
 */
void tsc_write_adjust(struct mkvm_vcpu *vcpu, u64 value, bool host)
{
	/* Linux writes back what it read, on each CPU that comes up: then nothing moves. */
	if (!host && value != (u64)vcpu->arch.ia32_tsc_adjust)
		tsc_set_offset(vcpu, vcpu->arch.tsc_offset + value - vcpu->arch.ia32_tsc_adjust);
	vcpu->arch.ia32_tsc_adjust = value;
}

static bool near_host(unsigned long khz)
{
	u64 slack = div_u64((u64)tsc_khz * TSC_TOLERANCE_PPM, 1000000);

	return khz >= tsc_khz - slack && khz <= tsc_khz + slack;
}

static bool khz_possible(struct mkvm_vm *vm, unsigned long khz)
{
	u64 ratio;

	if (near_host(khz))
		return true;
	if (!vmx_caps.tsc_scaling) {
		mkvm_refuse(vm, "KVM_SET_TSC_KHZ: %lu kHz, the host's %u cannot be scaled", khz,
			    tsc_khz);
		return false;
	}
	ratio = khz <= U32_MAX && khz < (u64)tsc_khz << 16 ? khz_to_ratio(khz) : 0;
	if (!ratio || ratio > vmx_caps.tsc_scaling_max) {
		mkvm_refuse(vm, "KVM_SET_TSC_KHZ: %lu kHz is beyond the scaling hardware", khz);
		return false;
	}
	return true;
}

/**
 * tsc_set_khz() - KVM_SET_TSC_KHZ of a vCPU
 * @vcpu: loaded vCPU
 * @khz: frequency in kHz, 0 = the host's
 *
 * Return: 0 or -EINVAL.
 */
int tsc_set_khz(struct mkvm_vcpu *vcpu, unsigned long khz)
{
	u64 guest_tsc = tsc_guest_now(vcpu);

	if (!khz)
		khz = tsc_khz;
	if (!khz_possible(vcpu->vm, khz))
		return -EINVAL;
	vcpu->arch.virtual_tsc_khz = khz;
	vcpu->arch.tsc_scaling_ratio = vmx_caps.tsc_scaling ? khz_to_ratio(khz) : TSC_RATIO_ONE;
	/* Peers whose clocks claimed to tick like ours must look again. */
	mkvm_request_all_async(vcpu->vm, MKVM_REQ_CLOCK_UPDATE);
	/* The same offset under another ratio would make the guest's TSC jump. */
	tsc_set_offset(vcpu, offset_for(vcpu, guest_tsc));
	return 0;
}

/**
 * tsc_vm_set_khz() - KVM_SET_TSC_KHZ of a VM, for its next vCPUs
 * @vm: the VM
 * @khz: frequency in kHz, 0 = the host's
 *
 * Return: 0 or -EINVAL.
 */
int tsc_vm_set_khz(struct mkvm_vm *vm, unsigned long khz)
{
	if (!khz)
		khz = tsc_khz;
	if (!khz_possible(vm, khz))
		return -EINVAL;
	WRITE_ONCE(vm->arch.default_tsc_khz, khz);
	return 0;
}
