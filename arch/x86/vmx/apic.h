/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VMCS fields that virtualize the LAPIC.
 */
#ifndef MINIKVM_ARCH_X86_VMX_APIC_H
#define MINIKVM_ARCH_X86_VMX_APIC_H

#include <linux/types.h>

struct mkvm_vcpu;
struct page;

void vmx_set_virtual_apic_page(struct mkvm_vcpu *vcpu, void *page);
void vmx_set_apic_access_page(struct mkvm_vcpu *vcpu, struct page *page);
void vmx_set_x2apic_mode(struct mkvm_vcpu *vcpu, bool on);
bool vmx_x2apic_mode(struct mkvm_vcpu *vcpu);
void vmx_set_apicv(struct mkvm_vcpu *vcpu, bool on);
void vmx_write_interrupt_status(struct mkvm_vcpu *vcpu, u16 status);
void vmx_raise_requesting_vector(struct mkvm_vcpu *vcpu, u8 vector);
void vmx_write_eoi_exits(struct mkvm_vcpu *vcpu, const unsigned long *bitmap);

#endif
