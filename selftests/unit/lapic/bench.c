// SPDX-License-Identifier: GPL-2.0-only
/*
 * See bench.h: vCPUs as arch_vcpu_create() would make them, no more.
 *
 * Relies on nothing but the C library and the shim.
 */
#include "bench.h"
#include "arch/x86/irq/posted.h"

/* As posted.c, but for the notification. */
int posted_accept(struct mkvm_vcpu *vcpu, struct mkvm_vcpu *source, u8 vector)
{
	if (test_and_set_bit(vector, vcpu->arch.posted->pir))
		return 0;
	if (!test_and_set_bit(POSTED_ON, &vcpu->arch.posted->control) && vcpu != source)
		mkvm_vcpu_kick(vcpu);
	return 1;
}

void reset_vcpu(struct mkvm_vcpu *vcpu, bool init_event)
{
	vcpu->resets++;
	vcpu->rip = 0xfff0;
	vcpu->cs.selector = 0xf000;
	lapic_reset(vcpu, init_event);
}

struct mkvm_vm *vm_new(int n, u32 first, u32 step)
{
	struct mkvm_vm *vm = calloc(1, sizeof(*vm));
	struct mkvm_vcpu *vcpu;
	int i;

	posted_key = true;
	vm->arch.irqchip_mode = MKVM_IRQCHIP_KERNEL;
	vm->arch.bsp_vcpu_id = first;
	for (i = 0; i < n; i++) {
		vcpu = calloc(1, sizeof(*vcpu));
		vcpu->vm = vm;
		vcpu->id = first + i * step;
		vcpu->arch.features = ~0ul;
		vcpu->arch.tsc_scaling_ratio = TSC_RATIO_ONE;
		vcpu->arch.virtual_tsc_khz = tsc_khz;
		vcpu->arch.reserved_gpa_bits = ~0ull << 46;
		vcpu->arch.mp_state = i ? KVM_MP_STATE_UNINITIALIZED : KVM_MP_STATE_RUNNABLE;
		if (lapic_create(vcpu))
			abort();
		lapic_reset(vcpu, false);
		vm->vcpus[i] = vcpu;
		vm->online_vcpus = i + 1;
		lapic_postcreate(vcpu);
		reg_w(vcpu, APIC_SPIV, 0x1ff);
		vcpu->requests = 0;
	}
	return vm;
}

void vm_free(struct mkvm_vm *vm)
{
	int i;

	for (i = 0; i < vm->online_vcpus; i++) {
		lapic_destroy(vm->vcpus[i]);
		free(vm->vcpus[i]);
	}
	free(vm);
}
