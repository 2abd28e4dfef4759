/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Debug registers, the guest's own and those that userspace borrows.
 *
 * SDM, "Debug Registers"; KVM_SET_GUEST_DEBUG and KVM_GET/SET_DEBUGREGS. The hardware's DR0 to
 * DR3 and DR6 are loaded around guest mode only while guest or debugger use them (switch_db_regs).
 */
#ifndef MINIKVM_ARCH_X86_DEBUG_H
#define MINIKVM_ARCH_X86_DEBUG_H

#include "virt/vcpu.h"

/* Bits of vcpu->arch.switch_db_regs. */
#define DEBUG_BP_ENABLED	1	/* the DR7 in force has a breakpoint armed */
#define DEBUG_WONT_EXIT		2	/* MOV DR does not exit: registers live in the CPU */
#define DEBUG_DR6_LIVE		4	/* the CPU's DR6 is the guest's now, arch.dr6 is old */

/* What KVM_SET_GUEST_DEBUG knows: KVM_CAP_SET_GUEST_DEBUG2. */
#define GUESTDBG_KNOWN \
	(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_SW_BP | \
	 KVM_GUESTDBG_USE_HW_BP | KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP | \
	 KVM_GUESTDBG_BLOCKIRQ)

void debug_load_guest(struct mkvm_vcpu *vcpu);
void debug_put_guest(struct mkvm_vcpu *vcpu);
int debug_get_dr(struct mkvm_vcpu *vcpu, int dr, unsigned long *val);
int debug_set_dr(struct mkvm_vcpu *vcpu, int dr, unsigned long val);
void debug_merge_dr6(struct mkvm_vcpu *vcpu, u64 payload);
void debug_clear_dr7(struct mkvm_vcpu *vcpu, unsigned long bits);
void debug_lend_registers(struct mkvm_vcpu *vcpu);
int debug_set_guest_debug(struct mkvm_vcpu *vcpu, const struct kvm_guest_debug *dbg);
void debug_get_regs(struct mkvm_vcpu *vcpu, struct kvm_debugregs *regs);
int debug_set_regs(struct mkvm_vcpu *vcpu, const struct kvm_debugregs *regs);

#endif
