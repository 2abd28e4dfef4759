/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory accesses that reach a device instead of memory.
 */
#ifndef MINIKVM_ARCH_X86_MMIO_H
#define MINIKVM_ARCH_X86_MMIO_H

#include "virt/vcpu.h"

/**
 * mmio_emulate() - emulate the guest's current instruction because it touches a device
 * @vcpu: loaded vCPU, vm->srcu read-held, process context
 * @hint: @linear and @gpa are known from the exit
 * @write: the exit was for a write, so write permission was checked
 * @linear: linear address of the access that exited
 * @gpa: its guest-physical address
 *
 * Return: 1 = enter the guest, 0 = vcpu->run holds KVM_EXIT_MMIO or KVM_EXIT_INTERNAL_ERROR,
 * < 0 = errno of KVM_RUN.
 */
int mmio_emulate(struct mkvm_vcpu *vcpu, bool hint, bool write, unsigned long linear, gpa_t gpa);

/**
 * mmio_emulate_apic() - the same for an access to the xAPIC page that the processor has recognized
 * @vcpu: loaded vCPU, vm->srcu read-held, process context
 * @write: it was a write
 * @page: guest-physical address of the page
 * @offset: in the page
 *
 * Return: as mmio_emulate().
 */
int mmio_emulate_apic(struct mkvm_vcpu *vcpu, bool write, gpa_t page, unsigned int offset);

/**
 * mmio_loads_segment() - is the guest's current instruction one that loads a segment register?
 * @vcpu: loaded vCPU, vm->srcu read-held, process context
 *
 * Return: true for MOV, POP and LDS to segment registers, LTR, far branches and IRET, and for what
 * the emulator does not know; false for an instruction that writes memory by an operand.
 */
bool mmio_loads_segment(struct mkvm_vcpu *vcpu);

/**
 * mmio_emulate_movbe() - the instruction that raised #UD, if it is a MOVBE
 * @vcpu: loaded vCPU, vm->srcu read-held, process context
 *
 * Return: -ENOENT when it is another, and nothing happened; else as mmio_emulate().
 */
int mmio_emulate_movbe(struct mkvm_vcpu *vcpu);

int mmio_vcpu_init(struct mkvm_vcpu *vcpu);
void mmio_vcpu_free(struct mkvm_vcpu *vcpu);

#endif
