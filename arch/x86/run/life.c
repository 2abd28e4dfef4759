// SPDX-License-Identifier: GPL-2.0-only
/*
 * Life of the module, of a VM and of a vCPU, as x86 sees it.
 *
 * Implements the first part of virt/arch.h: calls each subsystem of arch/x86 in the order that
 * their dependencies ask for, and in the reverse order on the way down.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/debugfs.h>
#include <linux/gfp.h>
#include <linux/kvm.h>
#include <linux/kvm_para.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <asm/tsc.h>

#include "arch/x86/cpu/cpuid.h"
#include "arch/x86/cpu/fpu.h"
#include "arch/x86/cpu/mce.h"
#include "arch/x86/cpu/msr.h"
#include "arch/x86/cpu/msr_filter.h"
#include "arch/x86/cpu/tsc.h"
#include "arch/x86/event/debug.h"
#include "arch/x86/event/mp_state.h"
#include "arch/x86/insn/mmio.h"
#include "arch/x86/irq/irqchip.h"
#include "arch/x86/irq/lapic.h"
#include "arch/x86/irq/posted.h"
#include "arch/x86/mmu/ept.h"
#include "arch/x86/pv/async_pf.h"
#include "arch/x86/pv/pvclock.h"
#include "arch/x86/pv/steal_time.h"
#include "arch/x86/run/reset.h"
#include "arch/x86/vmx/apic.h"
#include "arch/x86/vmx/caps_show.h"
#include "arch/x86/vmx/explain/vmcs_access.h"
#include "arch/x86/vmx/vmx.h"
#include "virt/arch.h"
#include "virt/memslot.h"

int arch_init(void)
{
	int ret;

	ret = vmx_module_init();
	if (ret)
		return ret;
	fpu_module_init();
	cpuid_module_init();
	msr_module_init();
	ret = ept_module_init();
	if (ret)
		goto out_vmx;
	ret = async_pf_module_init();
	if (ret)
		goto out_ept;
	ret = posted_module_init();
	if (ret)
		goto out_async_pf;
	return 0;

out_async_pf:
	async_pf_module_exit();
out_ept:
	ept_module_exit();
out_vmx:
	vmx_module_exit();
	return ret;
}

void arch_exit(void)
{
	posted_module_exit();
	async_pf_module_exit();
	ept_module_exit();
	vmx_module_exit();
}

void arch_debugfs_init(struct dentry *root)
{
	vmcs_access_debugfs_init(root);
	caps_debugfs_init(root);
}

int arch_vm_create(struct mkvm_vm *vm, unsigned long type)
{
	if (type) {
		mkvm_refuse(NULL, "KVM_CREATE_VM: type %lu, only 0 is known", type);
		return -EINVAL;
	}
	tsc_vm_init(vm);
	vm->arch.guest_can_read_platform_info = true;
	pvclock_vm_init(vm);
	vm->arch.pml = vmx_caps.pml;
	return ept_init_vm(vm);
}

void arch_vm_stop(struct mkvm_vm *vm)
{
	/* Their timers and delayed work reach for vCPUs. */
	irqchip_destroy(vm);
}

void arch_vm_destroy(struct mkvm_vm *vm)
{
	ept_destroy_vm(vm);
	msr_filter_destroy(vm);
	if (vm->arch.apic_access_page)
		__free_page(vm->arch.apic_access_page);
}

const char *arch_gfns_reserved(struct mkvm_vm *vm, gfn_t base, u64 npages)
{
	gfn_t apic = LAPIC_DEFAULT_BASE >> PAGE_SHIFT;

	lockdep_assert_held(&vm->slots_lock);
	if (vm->arch.apic_page_reserved && apic >= base && apic - base < npages)
		return "the page of the LAPICs at 0xfee00000";
	return NULL;
}

/*
 * From its first vCPU on, a VM with LAPICs has no memory where they are after reset: all vCPUs
 * share one EPT, so a slot would hide the LAPIC from accesses that the processor makes, and the
 * LAPIC the slot from emulated ones. KVM keeps a slot of its own there, hence its errno.
 */
static int reserve_apic_page(struct mkvm_vm *vm)
{
	int ret = 0;

	mutex_lock(&vm->slots_lock);
	if (mkvm_slots_overlap(mkvm_memslots(vm), NULL, LAPIC_DEFAULT_BASE >> PAGE_SHIFT, 1)) {
		mkvm_refuse(vm, "KVM_CREATE_VCPU: a memory slot covers the page of the LAPIC at 0x%llx",
			    LAPIC_DEFAULT_BASE);
		ret = -EEXIST;
	} else {
		vm->arch.apic_page_reserved = true;
	}
	mutex_unlock(&vm->slots_lock);
	return ret;
}

int arch_vcpu_precreate(struct mkvm_vm *vm, u32 id)
{
	int ret;

	if (!arch_irqchip_in_kernel(vm))
		return 0;
	ret = reserve_apic_page(vm);
	if (ret)
		return ret;
	if (vmx_caps.flexpriority && !vm->arch.apic_access_page) {
		vm->arch.apic_access_page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
		if (!vm->arch.apic_access_page)
			return -ENOMEM;
	}
	return 0;
}

/* What the guest's processor is, apart from VMX. 0, or -ENOMEM with nothing left behind. */
static int create_cpu(struct mkvm_vcpu *vcpu)
{
	int ret;

	ret = fpu_vcpu_init(vcpu);
	if (ret)
		return ret;
	ret = mce_vcpu_init(vcpu);
	if (ret) {
		fpu_vcpu_free(vcpu);
		return ret;
	}
	cpuid_vcpu_init(vcpu);
	tsc_vcpu_init(vcpu);
	async_pf_vcpu_init(vcpu);
	return 0;
}

static void destroy_cpu(struct mkvm_vcpu *vcpu)
{
	cpuid_vcpu_free(vcpu);
	mce_vcpu_free(vcpu);
	fpu_vcpu_free(vcpu);
}

int arch_vcpu_create(struct mkvm_vcpu *vcpu)
{
	int ret;

	vcpu->arch.boot_vcpu = vcpu->id == vcpu->vm->arch.bsp_vcpu_id;
	vcpu->arch.regs_avail = ~0u;
	mp_state_set(vcpu, KVM_MP_STATE_RUNNABLE);
	if (arch_irqchip_in_kernel(vcpu->vm)) {
		ret = lapic_create(vcpu);
		if (!ret)
			ret = posted_create(vcpu);
		if (ret)
			goto out_lapic;
		if (!vcpu->arch.boot_vcpu)
			mp_state_set(vcpu, KVM_MP_STATE_UNINITIALIZED);
	}
	ret = create_cpu(vcpu);
	if (ret)
		goto out_lapic;
	ret = mmio_vcpu_init(vcpu);
	if (ret)
		goto out_cpu;
	ret = vmx_vcpu_create(vcpu);
	if (ret)
		goto out_mmio;
	/* The timer stands still in the deep C-states into which MWAIT leads. */
	if (vmx_caps.preemption_timer &&
	    !(vcpu->vm->arch.disabled_exits & KVM_X86_DISABLE_EXITS_MWAIT))
		lapic_use_hv_timer(vcpu);
	return 0;

out_mmio:
	mmio_vcpu_free(vcpu);
out_cpu:
	destroy_cpu(vcpu);
out_lapic:
	if (vcpu->arch.apic)
		lapic_destroy(vcpu);
	posted_destroy(vcpu);
	return ret;
}

void arch_vcpu_power_up(struct mkvm_vcpu *vcpu)
{
	if (vcpu->arch.apic)
		vmx_set_virtual_apic_page(vcpu, lapic_regs_page(vcpu));
	reset_vcpu(vcpu, false);
}

void arch_vcpu_postcreate(struct mkvm_vcpu *vcpu)
{
	if (!vcpu->arch.apic)
		return;
	lapic_postcreate(vcpu);
	/* An IOAPIC that is programmed already waits for this LAPIC's EOIs, too. */
	irqchip_scan_vcpu(vcpu);
}

void arch_vcpu_destroy(struct mkvm_vcpu *vcpu)
{
	async_pf_forget(vcpu);
	if (vcpu->arch.apic)
		lapic_destroy(vcpu);
	posted_destroy(vcpu);
	vmx_vcpu_destroy(vcpu);
	mmio_vcpu_free(vcpu);
	destroy_cpu(vcpu);
}

void arch_vcpu_load(struct mkvm_vcpu *vcpu, int cpu)
{
	if (vcpu->cpu != cpu) {
		if (vcpu->arch.apic)
			lapic_timer_migrate(vcpu);
		if (unlikely(check_tsc_unstable()))
			pvclock_tsc_changed(vcpu);
	}
	/* A TSC does not go back while VMX is on. */
	if (vmx_vcpu_load(vcpu, cpu))
		tsc_vcpu_load(vcpu);
	if (posted_used(vcpu))
		posted_load(vcpu, cpu);
	if (unlikely(vcpu->arch.steal_time_msr & KVM_MSR_ENABLED))
		steal_time_load(vcpu);
}

void arch_vcpu_put(struct mkvm_vcpu *vcpu)
{
	if (unlikely(vcpu->arch.steal_time_msr & KVM_MSR_ENABLED) && vcpu->preempted)
		steal_time_preempted(vcpu);
	if (posted_used(vcpu))
		posted_put(vcpu);
	vmx_vcpu_put(vcpu);
	tsc_vcpu_put(vcpu);
}
