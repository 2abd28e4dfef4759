// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvmclock: a clock that the guest reads from memory and its TSC.
 *
 * KVM's ABI: struct pvclock_vcpu_time_info and struct pvclock_wall_clock in guest memory, their
 * MSRs, KVM_GET_CLOCK, KVM_SET_CLOCK, KVM_KVMCLOCK_CTRL.
 *
 * A VM has one clock: so many nanoseconds at such a host TSC, and on from there at the host
 * TSC's nominal rate. Every vCPU's structure is computed from that one pair, so all of them and
 * KVM_GET_CLOCK agree to the tick, and nothing needs to be written again while they run; that is
 * what PVCLOCK_TSC_STABLE_BIT promises the guest. Only where the host's TSC is unstable the
 * host's boot clock takes its place, read anew whenever a vCPU changes its CPU.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/ktime.h>
#include <linux/kvm_para.h>
#include <linux/sched/stat.h>
#include <linux/uaccess.h>
#include <asm/pvclock-abi.h>
#include <asm/tsc.h>

#include "arch/x86/pv/pvclock.h"
#include "arch/x86/cpu/tsc.h"
#include "trace/kvm_x86_events.h"
#include "virt/guest_memory.h"

#define CLOCK_FLAGS	(KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC)

/* Ticks to nanoseconds as the guest computes it: shift, then multiply by a fraction of 2^32. */
struct tick_scale {
	u32 mul;
	s8 shift;
};

static struct tick_scale scale_for(u32 khz)
{
	u64 ns = NSEC_PER_SEC / 1000, ticks = khz;
	struct tick_scale scale = { };

	/* The fraction's first bit is set: no more precision can be had. */
	while (ns >= ticks) {
		ticks <<= 1;
		scale.shift++;
	}
	while (ns * 2 < ticks) {
		ns <<= 1;
		scale.shift--;
	}
	scale.mul = div64_u64(ns << 32, ticks);
	return scale;
}

static u64 ticks_to_ns(struct tick_scale scale, u64 ticks)
{
	ticks = scale.shift >= 0 ? ticks << scale.shift : ticks >> -scale.shift;
	return mul_u64_u32_shr(ticks, scale.mul, 32);
}

/**
 * clock_at() - what the VM's clock shows
 * @vm: the VM; its pvclock_lock is held
 * @tsc: the host's TSC of just now
 * @boot: the host's boot clock of just now, nanoseconds
 *
 * Return: nanoseconds.
 */
static u64 clock_at(struct mkvm_vm *vm, u64 tsc, u64 boot)
{
	const struct mkvm_pvclock *c = &vm->arch.pvclock;

	/* A TSC behind the base: the host slept and its TSC began again. */
	if (check_tsc_unstable() || tsc < c->host_tsc)
		return c->ns + (boot - c->host_boot);
	return c->ns + ticks_to_ns(scale_for(tsc_khz), tsc - c->host_tsc);
}

/* The three clocks of the host, as nearly at one time as can be. */
static void read_host(u64 *tsc, u64 *boot, u64 *real)
{
	unsigned long flags;

	local_irq_save(flags);
	*boot = ktime_get_boottime_ns();
	*real = ktime_get_real_ns();
	*tsc = rdtsc_ordered();
	local_irq_restore(flags);
}

static u64 clock_now(struct mkvm_vm *vm, u64 *tsc, u64 *real)
{
	u64 boot, now;

	read_host(tsc, &boot, real);
	spin_lock(&vm->arch.pvclock_lock);
	now = clock_at(vm, *tsc, boot);
	spin_unlock(&vm->arch.pvclock_lock);
	return now;
}

/**
 * pvclock_vm_init() - a new VM's clock begins at 0
 * @vm: the VM, not visible yet
 */
void pvclock_vm_init(struct mkvm_vm *vm)
{
	u64 real;

	spin_lock_init(&vm->arch.pvclock_lock);
	vm->arch.pvclock.ns = 0;
	read_host(&vm->arch.pvclock.host_tsc, &vm->arch.pvclock.host_boot, &real);
}

/* The same pair for all from now on. On an unstable or restarted TSC: a new pair. */
static struct mkvm_pvclock current_base(struct mkvm_vm *vm)
{
	struct mkvm_pvclock base;
	u64 tsc, boot, real;

	read_host(&tsc, &boot, &real);
	spin_lock(&vm->arch.pvclock_lock);
	if (unlikely(check_tsc_unstable() || tsc < vm->arch.pvclock.host_tsc))
		vm->arch.pvclock = (struct mkvm_pvclock) {
			.ns = clock_at(vm, tsc, boot), .host_tsc = tsc, .host_boot = boot,
		};
	base = vm->arch.pvclock;
	spin_unlock(&vm->arch.pvclock_lock);
	return base;
}

/* At which rate the guest's TSC really ticks: without scaling hardware at the host's. */
static u32 real_khz(const struct mkvm_vcpu *vcpu)
{
	return vcpu->arch.tsc_scaling_ratio == TSC_RATIO_ONE ? tsc_khz :
							       vcpu->arch.virtual_tsc_khz;
}

/* Do all vCPUs compute alike? Rates that differ round differently. */
static bool stable(const struct mkvm_vcpu *vcpu)
{
	return !check_tsc_unstable() && real_khz(vcpu) == real_khz(vcpu->vm->vcpus[0]);
}

/**
 * write_versioned() - write a structure that the guest reads under a version
 * @vm: the VM; vm->srcu read-held
 * @gpa: where
 * @data: the structure; its first four bytes are the version that the guest has there now
 * @len: its bytes
 *
 * Odd while it changes: the guest reads again if it saw an odd or another number. All or nothing: a
 * structure of which a part lies in no slot, or in a read-only one, stays as it is. If userspace
 * takes a page away meanwhile the version stays odd, and no guest takes the rest for valid.
 *
 * Return: 0 or -EFAULT.
 */
static int write_versioned(struct mkvm_vm *vm, gpa_t gpa, void *data, unsigned int len)
{
	u32 version = *(u32 *)data;

	if (!mkvm_in_one_page(gpa, len) && !mkvm_guest_writable(vm, gpa, len))
		return -EFAULT;
	version = (version | 1) + (version & 1 ? 2 : 0);
	if (mkvm_write_guest(vm, gpa, &version, sizeof(version)))
		return -EFAULT;
	/* An odd version before what it covers. */
	smp_wmb();
	if (mkvm_write_guest(vm, gpa + sizeof(version), data + sizeof(version),
			     len - sizeof(version)))
		return -EFAULT;
	/* Then an even version. */
	smp_wmb();
	version++;
	return mkvm_write_guest(vm, gpa, &version, sizeof(version));
}

/**
 * pvclock_update() - MKVM_REQ_CLOCK_UPDATE: write the vCPU's structure anew
 * @vcpu: the vCPU
 *
 * Context: vCPU thread, vm->srcu read-held.
 */
void pvclock_update(struct mkvm_vcpu *vcpu)
{
	gpa_t gpa = vcpu->arch.system_time_msr & ~1ull;
	struct pvclock_vcpu_time_info info = { };
	struct mkvm_vm *vm = vcpu->vm;
	struct mkvm_pvclock base;
	struct tick_scale scale;

	if (!(vcpu->arch.system_time_msr & KVM_MSR_ENABLED) ||
	    mkvm_read_guest(vm, gpa, &info, sizeof(info)))
		return;
	base = current_base(vm);
	scale = scale_for(real_khz(vcpu));
	info = (struct pvclock_vcpu_time_info) {
		.version = info.version,
		.tsc_timestamp = tsc_guest_at(vcpu, base.host_tsc),
		.system_time = base.ns,
		.tsc_to_system_mul = scale.mul,
		.tsc_shift = scale.shift,
		/* Only the guest takes "you were stopped" away. */
		.flags = info.flags & PVCLOCK_GUEST_STOPPED,
	};
	if (stable(vcpu))
		info.flags |= PVCLOCK_TSC_STABLE_BIT;
	if (vcpu->arch.pvclock_stopped)
		info.flags |= PVCLOCK_GUEST_STOPPED;
	trace_kvm_pvclock_update(vcpu->id, &info);
	if (!write_versioned(vm, gpa, &info, sizeof(info)))
		vcpu->arch.pvclock_stopped = false;
}

/**
 * pvclock_write_system_time() - WRMSR of MSR_KVM_SYSTEM_TIME, old or new number
 * @vcpu: loaded vCPU, vm->srcu read-held
 * @data: guest-physical address of the structure, and the enable bit
 */
void pvclock_write_system_time(struct mkvm_vcpu *vcpu, u64 data)
{
	vcpu->arch.system_time_msr = data;
	if (data & KVM_MSR_ENABLED)
		mkvm_make_request(MKVM_REQ_CLOCK_UPDATE, vcpu);
}

/* The guest asks once for the time of day at which its clock showed 0. */
/**
 * pvclock_write_wall_clock() - WRMSR of MSR_KVM_WALL_CLOCK, old or new number
 * @vcpu: loaded vCPU, vm->srcu read-held
 * @data: guest-physical address of the structure, which is written once
 */
void pvclock_write_wall_clock(struct mkvm_vcpu *vcpu, u64 data)
{
	struct pvclock_wall_clock wall = { };
	struct mkvm_vm *vm = vcpu->vm;
	u64 tsc, real, zero;

	vcpu->arch.wall_clock_msr = data;
	if (!data || mkvm_read_guest(vm, data, &wall.version, sizeof(wall.version)))
		return;
	zero = clock_now(vm, &tsc, &real);
	zero = real - zero;
	wall.nsec = do_div(zero, NSEC_PER_SEC);
	wall.sec = zero;
	write_versioned(vm, data, &wall, sizeof(wall));
}

/**
 * pvclock_guest_stopped() - KVM_KVMCLOCK_CTRL
 * @vcpu: the vCPU
 *
 * Return: 0, or -EINVAL when the guest has no such clock.
 */
int pvclock_guest_stopped(struct mkvm_vcpu *vcpu)
{
	if (!(vcpu->arch.system_time_msr & KVM_MSR_ENABLED)) {
		mkvm_refuse(vcpu->vm, "KVM_KVMCLOCK_CTRL: the guest uses no kvmclock on vCPU %u",
			    vcpu->id);
		return -EINVAL;
	}
	vcpu->arch.pvclock_stopped = true;
	mkvm_make_request(MKVM_REQ_CLOCK_UPDATE, vcpu);
	return 0;
}

/**
 * pvclock_flags() - KVM_CAP_ADJUST_CLOCK: the flags that KVM_GET_CLOCK may give
 *
 * Return: KVM_CLOCK_*.
 */
int pvclock_flags(void)
{
	return check_tsc_unstable() ? KVM_CLOCK_REALTIME : CLOCK_FLAGS;
}

/**
 * pvclock_get_clock() - KVM_GET_CLOCK
 * @vm: the VM; no lock held
 * @data: to be filled, all zero
 */
void pvclock_get_clock(struct mkvm_vm *vm, struct kvm_clock_data *data)
{
	data->flags = pvclock_flags();
	data->clock = clock_now(vm, &data->host_tsc, &data->realtime);
}

/**
 * pvclock_set_clock() - KVM_SET_CLOCK
 * @vm: the VM; no lock held
 * @data: what KVM_GET_CLOCK returned, perhaps on another host
 *
 * Return: 0, or -EINVAL for unknown flags.
 */
int pvclock_set_clock(struct mkvm_vm *vm, const struct kvm_clock_data *data)
{
	u64 tsc, boot, real, ns = data->clock;

	/* What KVM_GET_CLOCK returned may come back whole. */
	if (data->flags & ~CLOCK_FLAGS) {
		mkvm_refuse(vm, "KVM_SET_CLOCK: unknown flags 0x%x", data->flags & ~CLOCK_FLAGS);
		return -EINVAL;
	}
	read_host(&tsc, &boot, &real);
	/* The clock went on between the two hosts of a migration. */
	if ((data->flags & KVM_CLOCK_REALTIME) && real > data->realtime)
		ns += real - data->realtime;
	spin_lock(&vm->arch.pvclock_lock);
	vm->arch.pvclock = (struct mkvm_pvclock) {
		.ns = ns, .host_tsc = tsc, .host_boot = boot,
	};
	spin_unlock(&vm->arch.pvclock_lock);
	/* No vCPU shows the old time any more when this returns. */
	mkvm_make_all_request(vm, MKVM_REQ_CLOCK_UPDATE);
	return 0;
}
