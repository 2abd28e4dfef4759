// SPDX-License-Identifier: GPL-2.0-only
/*
 * See bench.h. Relies on nothing but the C library and the shim.
 */
#include "bench.h"

bool offered_by_module = true;
u32 last_wrmsr;

struct mkvm_vcpu *vcpu_new(void)
{
	struct mkvm_vcpu *vcpu = calloc(1, sizeof(*vcpu));

	vcpu->vm = calloc(1, sizeof(*vcpu->vm));
	vcpu->run = calloc(1, sizeof(*vcpu->run));
	vcpu->arch.apic = calloc(1, sizeof(*vcpu->arch.apic));
	vcpu->arch.apic->x2apic = true;
	vcpu->vm->arch.guest_can_read_platform_info = true;
	memset(vcpu->arch.guest_caps, 0xff, sizeof(vcpu->arch.guest_caps));
	memset(vcpu->msr_bitmap, 0xff, sizeof(vcpu->msr_bitmap));
	vcpu->arch.reserved_gpa_bits = ~0ull << 46;
	msr_module_init();
	mce_vcpu_init(vcpu);
	msr_vcpu_reset(vcpu, false);
	vcpu->arch.mcg_cap = mce_supported_cap();
	return vcpu;
}

void vcpu_free(struct mkvm_vcpu *vcpu)
{
	msr_filter_destroy(vcpu->vm);
	mce_vcpu_free(vcpu);
	free(vcpu->arch.apic);
	free(vcpu->run);
	free(vcpu->vm);
	free(vcpu);
}
