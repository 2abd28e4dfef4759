// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's VMCS from allocation to the first entry.
 *
 * SDM, "Virtual-Machine Control Structures" and "Software Use of the VMCS". Writes the fields
 * that never change for this vCPU; what changes is written by the file that changes it.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/io.h>
#include <asm/desc.h>
#include <asm/msr.h>

#include "arch/x86/vmx/capabilities.h"
#include "arch/x86/vmx/explain/vmcs_access.h"
#include "arch/x86/vmx/hardware.h"
#include "arch/x86/vmx/l1d_flush.h"
#include "arch/x86/vmx/msr_switch.h"
#include "arch/x86/vmx/vmx_vcpu.h"

/* VPID 0 is the host's. When all are taken a vCPU runs without one, and each entry flushes. */
#define NR_VPIDS	4096
static DECLARE_BITMAP(vpid_bitmap, NR_VPIDS);
static DEFINE_SPINLOCK(vpid_lock);

unsigned int vmx_entry_timer_ticks;
module_param_named(entry_timer_ticks, vmx_entry_timer_ticks, uint, 0444);
MODULE_PARM_DESC(entry_timer_ticks,
		 "arm the VMX-preemption timer with so many TSC ticks on each entry (for emulators whose guests with IF=0 hold off host interrupts; 0 = off)");

static unsigned int ple_gap = 128;
module_param(ple_gap, uint, 0444);
MODULE_PARM_DESC(ple_gap, "most TSC ticks between two PAUSEs of one spin loop; 0 = off");
static unsigned int ple_window = 4096;
module_param(ple_window, uint, 0444);
MODULE_PARM_DESC(ple_window, "TSC ticks that a spin loop may take before it exits");

/* A free VPID, or 0 when VPIDs are off or used up. */
static u16 alloc_vpid(void)
{
	unsigned int vpid;

	if (!vmx_caps.vpid)
		return 0;
	spin_lock(&vpid_lock);
	vpid = find_next_zero_bit(vpid_bitmap, NR_VPIDS, 1);
	if (vpid < NR_VPIDS)
		__set_bit(vpid, vpid_bitmap);
	else
		vpid = 0;
	spin_unlock(&vpid_lock);
	return vpid;
}

/* Its translations may linger: vmx_vcpu_load() flushes a VPID when it first runs on a CPU. */
static void free_vpid(u16 vpid)
{
	if (!vpid)
		return;
	spin_lock(&vpid_lock);
	__clear_bit(vpid, vpid_bitmap);
	spin_unlock(&vpid_lock);
}

/* Host state that is the same on every CPU and for every process. */
static void write_constant_host_state(void)
{
	struct desc_ptr idt;
	u64 value;

	vmcs_write64(HOST_CR0, read_cr0() & ~X86_CR0_TS);
	vmcs_write16(HOST_CS_SELECTOR, __KERNEL_CS);
	vmcs_write16(HOST_SS_SELECTOR, __KERNEL_DS);
	vmcs_write16(HOST_DS_SELECTOR, 0);
	vmcs_write16(HOST_ES_SELECTOR, 0);
	vmcs_write16(HOST_FS_SELECTOR, 0);
	vmcs_write16(HOST_GS_SELECTOR, 0);
	vmcs_write16(HOST_TR_SELECTOR, GDT_ENTRY_TSS * 8);
	vmcs_write64(HOST_FS_BASE, 0);
	store_idt(&idt);
	vmcs_write64(HOST_IDTR_BASE, idt.address);
	vmcs_write64(HOST_RIP, (unsigned long)vmx_exit_point);
	rdmsrl(MSR_IA32_SYSENTER_CS, value);
	vmcs_write32(HOST_IA32_SYSENTER_CS, value);
	rdmsrl(MSR_IA32_SYSENTER_EIP, value);
	vmcs_write64(HOST_IA32_SYSENTER_EIP, value);
	rdmsrl(MSR_IA32_CR_PAT, value);
	vmcs_write64(HOST_IA32_PAT, value);
	rdmsrl(MSR_EFER, value);
	vmcs_write64(HOST_IA32_EFER, value);
}

static void write_controls(struct mkvm_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u32 secondary = vmx_caps.secondary, passed = 0;
	u32 exits = vcpu->vm->arch.disabled_exits;

	/* Force the first write: the copies start at zero and zero is never legal here. */
	vmx_write_pin(vmx, vmx_caps.pin_based &
		      ~(PIN_BASED_VMX_PREEMPTION_TIMER | PIN_BASED_POSTED_INTR));

	if (exits & KVM_X86_DISABLE_EXITS_HLT)
		passed |= CPU_BASED_HLT_EXITING;
	if (exits & KVM_X86_DISABLE_EXITS_MWAIT)
		passed |= CPU_BASED_MWAIT_EXITING | CPU_BASED_MONITOR_EXITING;
	vmx_write_cpu_based(vmx, vmx_caps.cpu_based &
			    ~(passed | CPU_BASED_INTR_WINDOW_EXITING |
			      CPU_BASED_NMI_WINDOW_EXITING |
			      CPU_BASED_MONITOR_TRAP_FLAG | CPU_BASED_PAUSE_EXITING |
			      (vcpu->arch.apic && vmx_caps.tpr_shadow ?
			       CPU_BASED_CR8_LOAD_EXITING | CPU_BASED_CR8_STORE_EXITING :
			       CPU_BASED_TPR_SHADOW)));

	secondary &= ~(SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES |
		       SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE | SECONDARY_EXEC_APIC_REGISTER_VIRT |
		       SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY | SECONDARY_EXEC_DESC |
		       SECONDARY_EXEC_RDRAND_EXITING | SECONDARY_EXEC_RDSEED_EXITING |
		       SECONDARY_EXEC_TSC_SCALING |
		       SECONDARY_EXEC_ENABLE_USR_WAIT_PAUSE);
	if (!vmx->vpid)
		secondary &= ~SECONDARY_EXEC_ENABLE_VPID;
	if (!vmx->pml_log)
		secondary &= ~SECONDARY_EXEC_ENABLE_PML;
	if (!ple_gap || (exits & KVM_X86_DISABLE_EXITS_PAUSE))
		secondary &= ~SECONDARY_EXEC_PAUSE_LOOP_EXITING;
	vmx_write_secondary(vmx, secondary);
	if (secondary & SECONDARY_EXEC_PAUSE_LOOP_EXITING) {
		vmcs_write32(PLE_GAP, ple_gap);
		vmcs_write32(PLE_WINDOW, ple_window);
	}
	/* No guest has SGX: every leaf of ENCLS and ENCLV exits, and is #UD (exit/table.c). */
	if (secondary & SECONDARY_EXEC_ENCLS_EXITING)
		vmcs_write64(ENCLS_EXITING_BITMAP, ~0ull);
	if (secondary & MINIKVM_EXEC_ENCLV_EXITING)
		vmcs_write64(ENCLV_EXITING_BITMAP, ~0ull);

	vmx_write_entry(vmx, vmx_caps.entry & ~VM_ENTRY_IA32E_MODE);
	vmx_write_exit(vmx, vmx_caps.exit & ~VM_EXIT_ACK_INTR_ON_EXIT);
	vmx_update_exception_bitmap(vcpu);
}

static void write_first_state(struct mkvm_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	vmcs_write64(VMCS_LINK_POINTER, ~0ull);
	vmcs_write64(MSR_BITMAP, __pa(vmx->msr_bitmap));
	vmcs_write32(PAGE_FAULT_ERROR_CODE_MASK, 0);
	vmcs_write32(PAGE_FAULT_ERROR_CODE_MATCH, 0);
	vmcs_write32(CR3_TARGET_COUNT, 0);
	vmcs_write32(VM_EXIT_MSR_STORE_COUNT, 0);
	vmcs_write32(VM_EXIT_MSR_LOAD_COUNT, 0);
	vmcs_write32(VM_ENTRY_MSR_LOAD_COUNT, 0);
	vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, 0);
	vmcs_write64(GUEST_IA32_DEBUGCTL, 0);
	vmcs_write64(GUEST_PENDING_DBG_EXCEPTIONS, 0);
	vmcs_write64(TSC_OFFSET, 0);
	if (vmx->vpid)
		vmcs_write16(VIRTUAL_PROCESSOR_ID, vmx->vpid);
	if (vmx->pml_log) {
		vmcs_write64(PML_ADDRESS, __pa(vmx->pml_log));
		vmcs_write16(GUEST_PML_INDEX, VMX_PML_ENTRIES - 1);
	}
	if (vmx_caps.xsaves)
		vmcs_write64(XSS_EXIT_BITMAP, 0);
}

/* Put the VM's EPT pointer into the VMCS. */
static void update_eptp(struct mkvm_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u64 eptp = READ_ONCE(vcpu->vm->arch.ept.eptp);

	if (vmx->eptp != eptp) {
		vmx->eptp = eptp;
		vmcs_write64(EPT_POINTER, eptp);
	}
}

/**
 * vmx_vcpu_create() - allocate a vCPU's VMCS and write what never changes
 * @vcpu: the vCPU; its LAPIC exists already if the VM has an irqchip
 *
 * Context: process.
 * Return: 0 or -ENOMEM or -EIO; nothing is left behind on error.
 */
int vmx_vcpu_create(struct mkvm_vcpu *vcpu)
{
	struct vmx_vcpu *vmx;

	vmx = kzalloc(sizeof(*vmx) + cpumask_size(), GFP_KERNEL_ACCOUNT);
	if (!vmx)
		return -ENOMEM;
	vmx->vcpu = vcpu;
	vmx->loaded_cpu = -1;
	/* The module option arms the timer on each entry. */
	vmx->preemption_timer_on = vmx_entry_timer_ticks && vmx_caps.preemption_timer;
	INIT_LIST_HEAD(&vmx->loaded_link);
	vcpu->arch.vmx = vmx;
	vmx->vmcs = vmx_alloc_vmcs(-1);
	vmx->msr_bitmap = kmalloc(PAGE_SIZE, GFP_KERNEL_ACCOUNT);
	if (!vmx->vmcs || !vmx->msr_bitmap)
		goto no_memory;
	if (vmx_caps.pml) {
		vmx->pml_log = kmalloc(PAGE_SIZE, GFP_KERNEL_ACCOUNT);
		if (!vmx->pml_log)
			goto no_memory;
	}
	/* Every MSR exits until cpu/msr_pass.c lets it through. */
	memset(vmx->msr_bitmap, 0xff, PAGE_SIZE);
	vmx->vmcs_pa = __pa(vmx->vmcs);
	vmx->vpid = alloc_vpid();

	get_cpu();
	if (!vmx_is_on() || vmcs_clear(vmx->vmcs_pa)) {
		put_cpu();
		vmx_vcpu_destroy(vcpu);
		return -EIO;
	}
	vmx_vcpu_load(vcpu, smp_processor_id());
	write_constant_host_state();
	write_controls(vcpu);
	write_first_state(vcpu);
	update_eptp(vcpu);
	vmx_vcpu_put(vcpu);
	put_cpu();
	return 0;

no_memory:
	vmx_vcpu_destroy(vcpu);
	return -ENOMEM;
}

/**
 * vmx_vcpu_destroy() - free what vmx_vcpu_create() allocated
 * @vcpu: the vCPU; it will not run again. Process context.
 */
void vmx_vcpu_destroy(struct mkvm_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = vcpu->arch.vmx;

	if (!vmx)
		return;
	vcpu->arch.vmx = NULL;
	/* Better lost than reused: a CPU still has it in its list and cache. */
	if (!vmx_vmcs_deactivate(vmx))
		return;
	free_vpid(vmx->vpid);
	kfree(vmx->pml_log);
	kfree(vmx->msr_bitmap);
	kfree(vmx->vmcs);
	kfree(vmx);
}

/* Another VMCS was current here, or this one is not active here. */
static noinline bool load_vmcs(struct mkvm_vcpu *vcpu, int cpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	bool moved = vmx->loaded_cpu != cpu;

	if (unlikely(!vmx_vmcs_activate(vmx, cpu))) {
		mkvm_vm_kill(vcpu->vm, "VMX is off or lost this VMCS");
		return false;
	}
	if (moved) {
		cpumask_set_cpu(cpu, to_cpumask(vmx->ran_on));
		vmx_host_cpu_changed(vcpu);
		/* What this CPU cached when the vCPU, or this VPID's last owner, was here. */
		mkvm_make_request(MKVM_REQ_TLB_FLUSH, vcpu);
		vmx_flush_tlb_guest(vcpu);
	}
	return moved;
}

/**
 * vmx_vcpu_load() - the vCPU comes to this CPU
 * @vcpu: the vCPU
 * @cpu: this CPU
 *
 * Context: preemption off.
 * Return: true when its VMCS was not active here: the vCPU was on another CPU last, or VMX was off
 * meanwhile.
 */
bool vmx_vcpu_load(struct mkvm_vcpu *vcpu, int cpu)
{
	vcpu->arch.l1tf_flush = true;	/* other host code ran since this vCPU was here */
	return unlikely(!vmx_vmcs_is_here(to_vmx(vcpu), cpu)) && load_vmcs(vcpu, cpu);
}

/**
 * vmx_vcpu_put() - the vCPU leaves this CPU, or its thread returns to userspace
 * @vcpu: the vCPU
 *
 * Context: preemption off. The VMCS stays active here until another CPU wants it.
 */
void vmx_vcpu_put(struct mkvm_vcpu *vcpu)
{
	vmx_load_host_state(vcpu);
}

/**
 * vmx_vcpu_reset() - VMCS state after RESET or INIT
 * @vcpu: loaded vCPU
 *
 * The registers are reset_vcpu()'s; what only VMX has is done here.
 */
void vmx_vcpu_reset(struct mkvm_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	vmcs_write32(GUEST_INTERRUPTIBILITY_INFO, 0);
	vmcs_write32(GUEST_ACTIVITY_STATE, GUEST_ACTIVITY_ACTIVE);
	vmcs_write64(GUEST_PENDING_DBG_EXCEPTIONS, 0);
	vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, 0);
	vmx->event_injected = false;
	vmx->idt_vectoring_valid = false;
	vmx_cpu_based_clear(vmx, CPU_BASED_INTR_WINDOW_EXITING | CPU_BASED_NMI_WINDOW_EXITING);
	vmx_cpuid_changed(vcpu);
	vmx_update_exception_bitmap(vcpu);
	vmx_flush_tlb_guest(vcpu);
}

/**
 * vmx_module_init() - check the processor, turn VMX on
 *
 * Return: as vmx_hardware_init(), or -ENOMEM.
 */
int vmx_module_init(void)
{
	int ret;

	ret = vmx_hardware_init();
	if (ret)
		return ret;
	vmx_caps_decide_apicv();
	vmx_msr_switch_init();
	ret = vmx_l1d_flush_init();
	if (ret) {
		vmx_hardware_exit();
		vmcs_access_exit();
	}
	return ret;
}

/**
 * vmx_module_exit() - give every CPU back as it was
 */
void vmx_module_exit(void)
{
	vmx_hardware_exit();
	vmcs_access_exit();
	vmx_l1d_flush_exit();
}
