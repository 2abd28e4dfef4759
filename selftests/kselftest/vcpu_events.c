// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET/SET_VCPU_EVENTS with KVM_CAP_EXCEPTION_PAYLOAD (a pending exception keeps CR2 and DR6
 * to itself until it is delivered), KVM_CAP_X86_TRIPLE_FAULT_EVENT, and the vector of a SIPI
 * that waits. KVM's ABI and the SDM, volume 3, "Interrupt and Exception Handling". Relies on
 * lib/.
 */
#include "guest.h"

static int enable_cap(struct kt_vm *vm, u32 cap, u64 arg)
{
	struct kvm_enable_cap args = { .cap = cap, .args[0] = arg };

	return ioctl(vm->fd, KVM_ENABLE_CAP, &args) ? -errno : 0;
}

static volatile u64 seen_cr2, seen_dr6, seen_error;

static void on_pf(struct gframe *f)
{
	seen_cr2 = GUEST_READ_REG("cr2");
	seen_error = f->error;
	guest_irqs[14]++;
}

static void on_db(struct gframe *f)
{
	/* With the first look the register is lent to the guest: the next is the processor's. */
	seen_dr6 = GUEST_READ_REG("dr6");
	GUEST_SYNC(5);
	GUEST_EQ(GUEST_READ_REG("dr6"), seen_dr6);
	guest_irqs[f->vector]++;
}

static void payload_guest(void)
{
	guest_handler[14] = on_pf;
	guest_handler[1] = on_db;
	GUEST_WRITE_REG("cr2", 0x1111);
	GUEST_SYNC(1);
	GUEST_EQ(guest_irqs[14], 1);
	GUEST_EQ(seen_cr2, 0xdead000);
	GUEST_EQ(seen_error, 6);
	GUEST_WRITE_REG("cr2", 0x2222);
	GUEST_SYNC(2);
	GUEST_EQ(guest_irqs[14], 2);
	GUEST_EQ(seen_cr2, 0x2222);
	GUEST_SYNC(3);
	GUEST_EQ(guest_irqs[1], 1);
	GUEST_EQ(seen_dr6, 0xffff0ff5);
	guest_done();
}

/* Let the OUT of the last call end, so that the exception comes behind it. */
static void finish_out(struct kt_vcpu *vcpu)
{
	vcpu->run->immediate_exit = 1;
	KT_TRUE(kt_run_raw(vcpu) && errno == EINTR);
	vcpu->run->immediate_exit = 0;
}

static void payloads(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, payload_guest);
	struct kvm_vcpu_events ev, back;
	struct kvm_sregs s;

	kt_require_cap(KVM_CAP_EXCEPTION_PAYLOAD, "KVM_CAP_EXCEPTION_PAYLOAD");
	KT_RUN_SYNC(vcpu, 1);
	finish_out(vcpu);
	KT_IOCTL(vcpu->fd, KVM_GET_VCPU_EVENTS, &ev);
	KT_EQ(ev.flags & KVM_VCPUEVENT_VALID_PAYLOAD, 0);
	ev.flags |= KVM_VCPUEVENT_VALID_PAYLOAD;
	ev.exception.pending = 1;
	ev.exception.nr = 14;
	ev.exception.has_error_code = 1;
	ev.exception.error_code = 6;
	ev.exception_has_payload = 1;
	ev.exception_payload = 0xdead000;
	KT_IOCTL_ERR(vcpu->fd, KVM_SET_VCPU_EVENTS, &ev, EINVAL);
	KT_EQ(enable_cap(vcpu->vm, KVM_CAP_EXCEPTION_PAYLOAD, 1), 0);
	KT_IOCTL(vcpu->fd, KVM_SET_VCPU_EVENTS, &ev);
	KT_IOCTL(vcpu->fd, KVM_GET_VCPU_EVENTS, &back);
	KT_EQ(back.flags & KVM_VCPUEVENT_VALID_PAYLOAD, KVM_VCPUEVENT_VALID_PAYLOAD);
	KT_EQ(back.exception.pending, 1);
	KT_EQ(back.exception.injected, 0);
	KT_EQ(back.exception_has_payload, 1);
	KT_EQ(back.exception_payload, 0xdead000);
	kt_get_sregs(vcpu, &s);
	KT_EQ(s.cr2, 0x1111);
	KT_RUN_SYNC(vcpu, 2);
	KT_IOCTL(vcpu->fd, KVM_GET_VCPU_EVENTS, &back);
	KT_EQ(back.exception.pending | back.exception.injected, 0);

	/* Injected: its payload was delivered long ago. */
	finish_out(vcpu);
	ev.exception.pending = 0;
	ev.exception.injected = 1;
	KT_IOCTL(vcpu->fd, KVM_SET_VCPU_EVENTS, &ev);
	KT_RUN_SYNC(vcpu, 3);
	finish_out(vcpu);
	ev.exception.injected = 0;
	ev.exception.pending = 1;
	ev.exception.nr = 1;
	ev.exception.has_error_code = 0;
	/* Bits that DR6 does not have change nothing, in the guest or on the host. */
	ev.exception_payload = 5 | 0xdeadbeefull << 32 | BIT(12);
	KT_IOCTL(vcpu->fd, KVM_SET_VCPU_EVENTS, &ev);
	KT_RUN_SYNC(vcpu, 5);
	KT_RUN_DONE(vcpu);
	/* What is no exception is refused. */
	ev.exception.nr = 2;
	KT_IOCTL_ERR(vcpu->fd, KVM_SET_VCPU_EVENTS, &ev, EINVAL);
	ev.exception.nr = 32;
	KT_IOCTL_ERR(vcpu->fd, KVM_SET_VCPU_EVENTS, &ev, EINVAL);
}

static void plain_guest(void)
{
	GUEST_SYNC(1);
	GUEST_SYNC(2);
	guest_done();
}

static void triple_fault(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, plain_guest);
	struct kvm_vcpu_events ev;

	kt_require_cap(KVM_CAP_X86_TRIPLE_FAULT_EVENT, "KVM_CAP_X86_TRIPLE_FAULT_EVENT");
	KT_RUN_SYNC(vcpu, 1);
	KT_IOCTL(vcpu->fd, KVM_GET_VCPU_EVENTS, &ev);
	KT_EQ(ev.flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT, 0);
	ev.flags |= KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
	ev.triple_fault.pending = 1;
	KT_IOCTL_ERR(vcpu->fd, KVM_SET_VCPU_EVENTS, &ev, EINVAL);
	KT_EQ(enable_cap(vcpu->vm, KVM_CAP_X86_TRIPLE_FAULT_EVENT, 1), 0);
	KT_IOCTL(vcpu->fd, KVM_SET_VCPU_EVENTS, &ev);
	KT_IOCTL(vcpu->fd, KVM_GET_VCPU_EVENTS, &ev);
	KT_EQ(ev.triple_fault.pending, 1);
	ev.triple_fault.pending = 0;
	KT_IOCTL(vcpu->fd, KVM_SET_VCPU_EVENTS, &ev);
	KT_RUN_SYNC(vcpu, 2);
	ev.triple_fault.pending = 1;
	KT_IOCTL(vcpu->fd, KVM_SET_VCPU_EVENTS, &ev);
	KT_RUN_EXIT(vcpu, KVM_EXIT_SHUTDOWN);
}

static void set_mp_state(struct kt_vcpu *vcpu, u32 state)
{
	struct kvm_mp_state mp = { .mp_state = state };

	KT_IOCTL(vcpu->fd, KVM_SET_MP_STATE, &mp);
}

/* A vCPU whose SIPI waits: the vector travels in the events, the SIPI in KVM_SET_MP_STATE. */
static void sipi_vector(void)
{
	struct kt_vcpu *vcpu = kt_vcpu_new(kt_vm_new(KT_MEM, KT_IRQCHIP), 1);
	struct kvm_vcpu_events ev;
	struct kvm_mp_state mp;
	struct kvm_sregs s;

	KT_IOCTL(vcpu->fd, KVM_GET_VCPU_EVENTS, &ev);
	KT_EQ(ev.flags & KVM_VCPUEVENT_VALID_SIPI_VECTOR, 0);
	ev.sipi_vector = 0x77;		/* without its flag it says nothing */
	KT_IOCTL(vcpu->fd, KVM_SET_VCPU_EVENTS, &ev);
	set_mp_state(vcpu, KVM_MP_STATE_SIPI_RECEIVED);
	KT_IOCTL(vcpu->fd, KVM_GET_MP_STATE, &mp);
	KT_EQ(mp.mp_state, KVM_MP_STATE_RUNNABLE);
	kt_get_sregs(vcpu, &s);
	KT_EQ(s.cs.selector, 0);
	ev.flags |= KVM_VCPUEVENT_VALID_SIPI_VECTOR;
	ev.sipi_vector = 0x12;
	KT_IOCTL(vcpu->fd, KVM_SET_VCPU_EVENTS, &ev);
	set_mp_state(vcpu, KVM_MP_STATE_SIPI_RECEIVED);
	KT_IOCTL(vcpu->fd, KVM_GET_MP_STATE, &mp);
	KT_EQ(mp.mp_state, KVM_MP_STATE_RUNNABLE);
	kt_get_sregs(vcpu, &s);
	KT_EQ(s.cs.selector, 0x1200);
	KT_EQ(s.cs.base, 0x12000);
}

static const struct kt_test tests[] = {
	{ "payloads", payloads },
	{ "triple_fault", triple_fault },
	{ "sipi_vector", sipi_vector },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
