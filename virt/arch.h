/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Everything that virt/ asks of a processor architecture.
 *
 * virt/ knows descriptors, slots, eventfds and threads; arch/x86 knows VT-x. This header is
 * the whole border between them: the top of virt/ calls these functions and no others, the
 * services of virt/ (virt/request.c, memslot.c, guest_memory.c, ...) call none.
 */
#ifndef MINIKVM_VIRT_ARCH_H
#define MINIKVM_VIRT_ARCH_H

#include "virt/capability.h"
#include "virt/ioctl.h"
#include "virt/vcpu.h"
#include "virt/vm.h"

/* Module life: check the processor and turn VMX on; turn it off. Process context. */
int arch_init(void);
void arch_exit(void);

/* From init to exit, a crash leaves the hardware so that a crash kernel can use it. */
void arch_crash_init(void);
void arch_crash_exit(void);

/* Diagnostics: an exit reason's name, NULL if it is reserved; statistics; files in debugfs. */
struct dentry;
const char *arch_exit_reason_name(u32 reason);
extern const struct mkvm_stat arch_vcpu_stats[];
u64 arch_mmu_table_bytes(struct mkvm_vm *vm);
u64 arch_vcpu_bytes(struct mkvm_vcpu *vcpu);
bool arch_vcpu_waits_for_start(struct mkvm_vcpu *vcpu);
void arch_debugfs_init(struct dentry *root);
void arch_debugfs_add_vm(struct mkvm_vm *vm);
void arch_debugfs_add_vcpu(struct mkvm_vcpu *vcpu);

/* VM and vCPU life. Errors leave nothing behind. vm->lock is not held. */
int arch_vm_create(struct mkvm_vm *vm, unsigned long type);
/* No vCPU can run any more: stop timers and whatever else may reach for one. */
void arch_vm_stop(struct mkvm_vm *vm);
void arch_vm_destroy(struct mkvm_vm *vm);
int arch_vcpu_precreate(struct mkvm_vm *vm, u32 id);	/* vm->lock held */
int arch_vcpu_create(struct mkvm_vcpu *vcpu);
void arch_vcpu_power_up(struct mkvm_vcpu *vcpu);	/* its first state; loaded */
void arch_vcpu_postcreate(struct mkvm_vcpu *vcpu);	/* it is visible now */
void arch_vcpu_destroy(struct mkvm_vcpu *vcpu);

/* vcpu->mutex held; called again by the preempt notifier, then interrupts may be off. */
void arch_vcpu_load(struct mkvm_vcpu *vcpu, int cpu);
void arch_vcpu_put(struct mkvm_vcpu *vcpu);

/* KVM_RUN: 0 with vcpu->run filled, or -errno. vcpu loaded, vcpu->mutex held. */
int arch_vcpu_run(struct mkvm_vcpu *vcpu);

/* The processor's rows of the tables of ioctls and capabilities; an empty row ends each. */
extern const struct mkvm_ioctl arch_node_ioctls[], arch_vm_ioctls[], arch_vcpu_ioctls[];
extern const struct mkvm_capability arch_capabilities[];

/*
 * Second-level page tables (EPT); arch/x86/mmu/ept.h says what each promises. Ranges are guest
 * frames [start, end). All but write_protect_mask take vm->mmu_lock themselves.
 */
struct mkvm_memslot;
gfn_t arch_mmu_max_gfn(void);
/* What has one of these frames in every guest, so that no slot may; or NULL. slots_lock held. */
const char *arch_gfns_reserved(struct mkvm_vm *vm, gfn_t base, u64 npages);
bool arch_mmu_zap_range(struct mkvm_vm *vm, gfn_t start, gfn_t end, bool may_block);
bool arch_mmu_age_range(struct mkvm_vm *vm, gfn_t start, gfn_t end, bool clear);
void arch_mmu_write_protect_slot(struct mkvm_vm *vm, struct mkvm_memslot *slot);
bool arch_mmu_write_protect_mask(struct mkvm_vm *vm, struct mkvm_memslot *slot,
				 gfn_t offset, unsigned long mask);
void arch_mmu_recover_huge_pages(struct mkvm_vm *vm, struct mkvm_memslot *slot);
void arch_mmu_sync_dirty_log(struct mkvm_vm *vm);

/* Some device does not snoop the caches, or none any more: what the guest asks of them counts. */
void arch_vm_set_noncoherent_dma(struct mkvm_vm *vm, bool noncoherent);

/* A GSI's route: x86 knows IRQCHIP and MSI entries. 0 or -EINVAL. */
struct mkvm_route;
int arch_set_route(struct mkvm_vm *vm, struct mkvm_route *route,
		   const struct kvm_irq_routing_entry *ue);
/* The routing table or the set of ack notifiers changed. vm->irq_lock held. */
void arch_irq_routing_changed(struct mkvm_vm *vm);
/* Can a device's interrupt reach a vCPU without the host? Then where to: vm->irq_lock held. */
bool arch_irq_bypass_possible(void);
void arch_irq_bypass(struct mkvm_vm *vm, int host_irq, const struct mkvm_route *route);
bool arch_irqchip_in_kernel(struct mkvm_vm *vm);
/* May an irqfd be made? Resampling needs pins, and those only the full irqchip has. */
bool arch_irqfd_allowed(struct mkvm_vm *vm, bool resample);

#endif
