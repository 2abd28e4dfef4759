/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * virt/vcpu.h of the LAPIC's unit tests: the members of vCPU and VM that it uses, and the
 * functions of others that it calls, which the test counts. The Makefile makes headers of the
 * other names (cpuid.h, tsc.h, reset.h, ...) that lead here.
 */
#ifndef LAPIC_TEST_VCPU_H
#define LAPIC_TEST_VCPU_H

#include "kernel.h"
#include "arch/x86/irq/lapic_map.h"

#define MKVM_MAX_VCPUS		256
#define MKVM_MAX_VCPU_ID	1024
#define TSC_RATIO_ONE		1ull
#define SEG_CS			1
#define MSR_IA32_APICBASE_BSP	BIT(8)

enum mkvm_irqchip_mode { MKVM_IRQCHIP_NONE, MKVM_IRQCHIP_KERNEL, MKVM_IRQCHIP_SPLIT };
enum mkvm_request {
	MKVM_REQ_EVENT, MKVM_REQ_IOAPIC_EOI, MKVM_REQ_INIT_SIPI, MKVM_REQ_EOI_EXITS,
	MKVM_REQ_ASYNC_PF, MKVM_REQ_APIC_MODE, MKVM_REQ_NMI
};

struct mkvm_vcpu;
struct mkvm_lapic;

struct mkvm_vm {
	struct mkvm_vcpu *vcpus[MKVM_MAX_VCPUS];
	int online_vcpus;
	struct {
		struct lapic_map apic_map;
		enum mkvm_irqchip_mode irqchip_mode;
		u32 bsp_vcpu_id;
		u64 disabled_quirks;
		bool x2apic_32bit, x2apic_no_broadcast_quirk;
	} arch;
};

struct mkvm_vcpu {
	struct mkvm_vm *vm;
	u32 id;
	struct {
		struct mkvm_lapic *apic;
		struct posted_desc *posted;
		bool apic_virtualized;
		u64 hv_timer_tsc;
		u64 apic_base, mcg_cap, reserved_gpa_bits;
		unsigned long cr8;
		u32 mp_state, virtual_tsc_khz;
		u64 tsc_offset, tsc_scaling_ratio;
		unsigned long features;
		int nmi_queued;
	} arch;
	unsigned long requests;
	struct kvm_segment cs;
	u64 rip;
	int kicks, resets, eois;
	int requesting;				/* RVI, as far as software has raised it */
	unsigned long eoi_exits[4];		/* the VMCS's bitmap */
	int eoi_vector;
};

#define mkvm_refuse(vm, ...)	((void)(vm))
#define mkvm_for_each_vcpu(i, vcpu, vm) \
	for ((i) = 0; (i) < (vm)->online_vcpus && ((vcpu) = (vm)->vcpus[i], true); (i)++)

static inline void mkvm_make_request(enum mkvm_request req, struct mkvm_vcpu *vcpu)
{
	set_bit(req, &vcpu->requests);
}

static inline void mkvm_vcpu_kick(struct mkvm_vcpu *vcpu)
{
	__atomic_fetch_add(&vcpu->kicks, 1, __ATOMIC_SEQ_CST);
}

static inline void atomic_inc(int *n)
{
	__atomic_fetch_add(n, 1, __ATOMIC_SEQ_CST);
}

static inline bool guest_cpuid_has(const struct mkvm_vcpu *vcpu, unsigned int feature)
{
	return vcpu->arch.features & BIT(feature);
}

static inline u64 tsc_guest_at(const struct mkvm_vcpu *vcpu, u64 host)
{
	return host + vcpu->arch.tsc_offset;
}

static inline u64 tsc_guest_now(const struct mkvm_vcpu *vcpu)
{
	return tsc_guest_at(vcpu, rdtsc());
}

static inline void ioapic_eoi_broadcast(struct mkvm_vcpu *vcpu, int vector)
{
	vcpu->eois++;
	vcpu->eoi_vector = vector;
}

static inline void vmx_write_eoi_exits(struct mkvm_vcpu *vcpu, const unsigned long *bitmap)
{
	bitmap_copy(vcpu->eoi_exits, bitmap, 256);
}

static inline void vmx_raise_requesting_vector(struct mkvm_vcpu *vcpu, u8 vector)
{
	if (vector > vcpu->requesting)
		vcpu->requesting = vector;
}

static inline void vmx_get_segment(struct mkvm_vcpu *vcpu, struct kvm_segment *s, int seg)
{
	(void)seg;
	*s = vcpu->cs;
}

static inline void vmx_set_segment(struct mkvm_vcpu *vcpu, const struct kvm_segment *s, int seg)
{
	(void)seg;
	vcpu->cs = *s;
}

static inline void rip_write(struct mkvm_vcpu *vcpu, u64 rip)
{
	vcpu->rip = rip;
}

void reset_vcpu(struct mkvm_vcpu *vcpu, bool init_event);

#endif
