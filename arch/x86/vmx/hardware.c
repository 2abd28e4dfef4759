// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMX on and off, on every CPU, in every way that a host can end.
 *
 * SDM, "Enabling and Entering VMX Operation". VMX is on from insmod to rmmod. CPU hotplug,
 * suspend, reboot and the crash path turn it off: a CPU in VMX operation blocks INIT and
 * faults when CR4.VMXE is cleared. Also: which VMCS is active on which CPU, so that it can be
 * flushed from there by VMCLEAR.
 *
 * A CPU that is hotplugged turns VMX on before the first task runs there, and off when the last one
 * has left: a task can rely on VMX until the machine goes down. Whether it came on is looked at a
 * little later, where a message can be printed and the CPU can be refused.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/namei.h>
#include <linux/reboot.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <asm/cpufeature.h>
#include <asm/hypervisor.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include <asm/perf_event.h>
#include <asm/reboot.h>
#include <asm/tlbflush.h>

#include "arch/x86/vmx/capabilities.h"
#include "arch/x86/vmx/hardware.h"
#include "arch/x86/vmx/msr_switch.h"
#include "arch/x86/vmx/vmx_vcpu.h"
#include "compat/compat.h"
#include "iommu/linux/vtd.h"
#include "virt/arch.h"

/* Per CPU: the VMXON region; is VMX on, and what kept it off; the active VMCSs, the current one. */
static DEFINE_PER_CPU(struct vmcs *, vmxon_region);
static DEFINE_PER_CPU(bool, vmx_on);
static DEFINE_PER_CPU(int, vmx_on_error);
static DEFINE_PER_CPU(struct list_head, active_vmcss);
DEFINE_PER_CPU(u64, vmx_current_vmcs);

/* The state of vmx_cpu_online(): the kernel chooses its number. */
static int online_state;
/* Set when the machine goes down: from then on no CPU may enter a guest. */
static bool going_down;

/**
 * vmx_is_on() - may this CPU execute VMX instructions?
 *
 * Context: preemption off.
 * Return: false after a shutdown path turned VMX off.
 */
bool vmx_is_on(void)
{
	return __this_cpu_read(vmx_on);
}

/**
 * vmx_alloc_vmcs() - a zeroed VMCS or VMXON region with the revision identifier set
 * @cpu: CPU whose memory node is wanted, or -1
 *
 * Return: the region, one page, to be freed by kfree(); or NULL.
 */
struct vmcs *vmx_alloc_vmcs(int cpu)
{
	int node = cpu < 0 ? NUMA_NO_NODE : cpu_to_node(cpu);
	/* A slab's object of a page is aligned to it, too, and costs less. */
	struct vmcs *vmcs = kzalloc_node(PAGE_SIZE, GFP_KERNEL_ACCOUNT, node);

	if (vmcs)
		vmcs->revision_id = vmx_caps.basic & 0x7fffffff;
	return vmcs;
}

/* Interrupts off, on the CPU in question. */
static int cpu_vmx_on(void)
{
	struct vmcs *region = __this_cpu_read(vmxon_region);
	int ret;

	if (__this_cpu_read(vmx_on))
		return 0;
	if (cr4_read_shadow() & X86_CR4_VMXE)
		return -EBUSY;
	/* Older processors cannot trace in VMX operation: perf must not try. */
	intel_pt_handle_vmx(1);
	cr4_set_bits(X86_CR4_VMXE);
	ret = vmxon(__pa(region));
	if (ret) {
		cr4_clear_bits(X86_CR4_VMXE);
		intel_pt_handle_vmx(0);
		return ret;
	}
	__this_cpu_write(vmx_on, true);
	__this_cpu_write(vmx_current_vmcs, 0);
	/* An earlier user of VMX may have left translations under the same EPTPs and VPIDs. */
	if (vmx_caps.ept_vpid & VMX_EPT_EXTENT_GLOBAL_BIT)
		invept(VMX_EPT_EXTENT_GLOBAL, (struct invept_desc){});
	if (vmx_caps.ept_vpid >> 32 & VMX_VPID_EXTENT_GLOBAL_CONTEXT_BIT)
		invvpid(VMX_VPID_EXTENT_ALL_CONTEXT, (struct invvpid_desc){});
	return 0;
}

/* VMCLEAR what is active here; interrupts off, or on the way down of the whole machine. */
static void cpu_clear_active(void)
{
	struct vmx_vcpu *vmx, *next;

	list_for_each_entry_safe(vmx, next, this_cpu_ptr(&active_vmcss), loaded_link) {
		vmcs_clear(vmx->vmcs_pa);
		list_del_init(&vmx->loaded_link);
		vmx->enter_flags &= ~VMX_ENTER_LAUNCHED;
		/* Pairs with vmx_vmcs_activate(): the list is left before the CPU is. */
		smp_store_release(&vmx->loaded_cpu, -1);
	}
	__this_cpu_write(vmx_current_vmcs, 0);
}

static void cpu_vmx_off(void)
{
	vmx_msr_switch_cpu_off();
	if (!__this_cpu_read(vmx_on))
		return;
	cpu_clear_active();
	__this_cpu_write(vmx_on, false);
	/* VMXOFF fails under dual-monitor treatment of SMIs; clearing CR4.VMXE would fault then. */
	if (vmxoff())
		return;
	cr4_clear_bits(X86_CR4_VMXE);
	intel_pt_handle_vmx(0);
}

/* Crash, kdump, emergency reboot: NMI context, locks may be held, nothing may be trusted. */
static void emergency_off(void)
{
	struct vmx_vcpu *vmx;

	WRITE_ONCE(going_down, true);
	vtd_emergency();
	if (!__this_cpu_read(vmx_on))
		return;
	/* Not removed from the list: the list's owner may have been interrupted in it. */
	list_for_each_entry(vmx, this_cpu_ptr(&active_vmcss), loaded_link)
		vmcs_clear(vmx->vmcs_pa);
	__this_cpu_write(vmx_on, false);
	vmxoff();
	/* Not through cr4_clear_bits(): its bookkeeping may be what crashed. */
	asm volatile("mov %0, %%cr4" : : "r" (__read_cr4() & ~X86_CR4_VMXE) : "memory");
}

static void vmx_off_ipi(void *unused)
{
	cpu_vmx_off();
}

/* The firmware may have left the register open: close it with VMX allowed. On each CPU. */
static void lock_feature_control(void *unused)
{
	u64 value;

	if (!rdmsrl_safe(MSR_IA32_FEAT_CTL, &value) && !(value & FEAT_CTL_LOCKED))
		wrmsrl_safe(MSR_IA32_FEAT_CTL, value | FEAT_CTL_LOCKED |
			    FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX);
}

static bool basic_differs(void)
{
	u64 value;

	return rdmsrl_safe(MSR_IA32_VMX_BASIC, &value) || value != vmx_caps.basic;
}

/* No task runs on @cpu yet. Interrupts may be off: vmx_cpu_online() tells of a failure. */
static int vmx_cpu_starting(unsigned int cpu)
{
	unsigned long flags;
	int ret = 0;

	local_irq_save(flags);
	if (!READ_ONCE(going_down)) {
		lock_feature_control(NULL);
		ret = basic_differs() ? -EOPNOTSUPP : cpu_vmx_on();
	}
	__this_cpu_write(vmx_on_error, ret);
	local_irq_restore(flags);
	return 0;
}

/* The last task has left @cpu. Interrupts may be off. */
static int vmx_cpu_dying(unsigned int cpu)
{
	unsigned long flags;

	local_irq_save(flags);
	cpu_vmx_off();
	local_irq_restore(flags);
	return 0;
}

/* Before user tasks are let onto @cpu: an error keeps it offline. */
static int vmx_cpu_online(unsigned int cpu)
{
	int ret = per_cpu(vmx_on_error, cpu);

	if (ret == -EBUSY)
		pr_err("CPU %u: VT-x is in use (CR4.VMXE is set): another hypervisor runs; unload it (modprobe -r kvm_intel; VirtualBox: modprobe -r vboxdrv) and try again\n",
		       cpu);
	else if (ret == -EOPNOTSUPP)
		pr_err("CPU %u differs from the others in IA32_VMX_BASIC\n", cpu);
	else if (ret)
		pr_err("CPU %u: VMXON failed\n", cpu);
	return ret;
}

static int vmx_reboot(struct notifier_block *nb, unsigned long action, void *data)
{
	WRITE_ONCE(going_down, true);
	/* A CPU that comes up has VMX on before on_each_cpu() reaches it: the lock waits for it. */
	cpus_read_lock();
	on_each_cpu(vmx_off_ipi, NULL, 1);
	cpus_read_unlock();
	return NOTIFY_OK;
}

static struct notifier_block reboot_notifier = { .notifier_call = vmx_reboot };

/* The boot CPU only, interrupts off: the others went by hotplug. */
static int vmx_suspend(void)
{
	cpu_vmx_off();
	return 0;
}

static void vmx_resume(void)
{
	if (cpu_vmx_on())
		pr_err("VMXON failed on resume: guests will not run\n");
}

COMPAT_SYSCORE(vmx_syscore, vmx_suspend, vmx_resume);

static void vmcs_leave_this_cpu(void *info)
{
	struct vmx_vcpu *vmx = info;
	int cpu = smp_processor_id();

	if (vmx->loaded_cpu != cpu)
		return;		/* hotplug was first */
	vmcs_clear(vmx->vmcs_pa);
	if (__this_cpu_read(vmx_current_vmcs) == vmx->vmcs_pa)
		__this_cpu_write(vmx_current_vmcs, 0);
	list_del_init(&vmx->loaded_link);
	vmx->enter_flags &= ~VMX_ENTER_LAUNCHED;
	/* The list is left before the CPU number says so. */
	smp_store_release(&vmx->loaded_cpu, -1);
}

/**
 * vmx_vmcs_deactivate() - flush a VMCS from the CPU on which it is active
 * @vmx: the vCPU; its mutex is held or no other thread knows it
 *
 * A CPU that is offline has flushed the VMCS before it went: nothing is lost when the call does not
 * reach one.
 *
 * Context: process or the scheduler's tail, interrupts on.
 * Return: true when the VMCS is active nowhere. False cannot happen as far as the module knows;
 * then some CPU may still write to the region, which must neither be used nor freed.
 */
bool vmx_vmcs_deactivate(struct vmx_vcpu *vmx)
{
	int cpu = READ_ONCE(vmx->loaded_cpu);

	if (cpu < 0 || !smp_call_function_single(cpu, vmcs_leave_this_cpu, vmx, 1))
		return true;
	/* Pairs with the release where the list was left. */
	return !WARN_ON_ONCE(smp_load_acquire(&vmx->loaded_cpu) >= 0);
}

/* As vmx_vmcs_activate(), where another VMCS is current or this one is active elsewhere. */
static noinline bool activate(struct vmx_vcpu *vmx, int cpu)
{
	unsigned long flags;

	if (vmx->loaded_cpu != cpu) {
		if (!vmx_vmcs_deactivate(vmx))
			return false;
		local_irq_save(flags);
		/* The way down of the machine sends IPIs to turn VMX off. */
		if (!vmx_is_on()) {
			local_irq_restore(flags);
			return false;
		}
		/* Pairs with the release where the list was left. */
		smp_rmb();
		list_add(&vmx->loaded_link, this_cpu_ptr(&active_vmcss));
		vmx->loaded_cpu = cpu;
		local_irq_restore(flags);
	}
	if (__this_cpu_read(vmx_current_vmcs) != vmx->vmcs_pa) {
		if (vmcs_load(vmx->vmcs_pa))
			return false;
		__this_cpu_write(vmx_current_vmcs, vmx->vmcs_pa);
		/* What one guest taught the branch predictors is not for the next. */
		indirect_branch_prediction_barrier();
	}
	return true;
}

/**
 * vmx_vmcs_activate() - make a vCPU's VMCS current on this CPU
 * @vmx: the vCPU, loaded here or on its way
 * @cpu: this CPU
 *
 * Context: preemption off; interrupts may be off when the VMCS is already active here, and
 * are on (in the scheduler's tail, too) when it must be called home from another CPU.
 * Return: false when that is impossible: VMX is off because the machine goes down, or the
 * processor does not take the region. No VMX instruction may count on a current VMCS then.
 */
bool vmx_vmcs_activate(struct vmx_vcpu *vmx, int cpu)
{
	if (likely(vmx_vmcs_is_here(vmx, cpu)))
		return true;
	return activate(vmx, cpu);
}

/* A sentence for each cause: users ask most which of these it was. */
static int check_processor(void)
{
	u64 feature_control;
	struct path path;

	if (!(cpuid_ecx(1) & BIT(5))) {
		if (boot_cpu_data.x86_vendor != X86_VENDOR_INTEL)
			pr_err("this processor has no VT-x: its vendor is %s, minikvm needs Intel\n",
			       boot_cpu_data.x86_vendor_id);
		else if (boot_cpu_has(X86_FEATURE_HYPERVISOR))
			pr_err("running inside a VM whose hypervisor does not offer VT-x: switch nested virtualization on (KVM: modprobe kvm_intel nested=1 and -cpu host)\n");
		else
			pr_err("this processor has no VT-x (CPUID.1:ECX.VMX is 0)\n");
		return -ENODEV;
	}
	if (rdmsrl_safe(MSR_IA32_FEAT_CTL, &feature_control)) {
		pr_err("cannot read IA32_FEATURE_CONTROL: the hypervisor around us offers VT-x but not its control register\n");
		return -ENODEV;
	}
	if ((feature_control & FEAT_CTL_LOCKED) &&
	    !(feature_control & FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX)) {
		pr_err("VT-x is disabled by the firmware (IA32_FEATURE_CONTROL = 0x%llx is locked without VMX): enable \"Intel Virtualization Technology\" in the firmware set-up\n",
		       feature_control);
		return -EPERM;
	}
	if (compat_uses_fred()) {
		pr_err("this kernel takes its interrupts by FRED, of which minikvm knows nothing: boot with fred=off\n");
		return -EOPNOTSUPP;
	}
	/* The kernel also hides the feature when the firmware disabled it, which was told above. */
	if (!boot_cpu_has(X86_FEATURE_VMX)) {
		pr_err("this processor has VT-x, but the kernel does not use it: look for clearcpuid=vmx on its command line\n");
		return -ENODEV;
	}
	/* In 6.1 an idle kvm_intel leaves CR4.VMXE clear: it is there all the same. */
	if (!kern_path("/sys/module/kvm_intel", 0, &path)) {
		path_put(&path);
		pr_err("kvm_intel is loaded and owns VT-x: stop its VMs and unload it (modprobe -r kvm_intel), then load minikvm again\n");
		return -EBUSY;
	}
	if (cr4_read_shadow() & X86_CR4_VMXE) {
		pr_err("VT-x is in use (CR4.VMXE is set): another hypervisor runs; unload it (modprobe -r kvm_intel; VirtualBox: modprobe -r vboxdrv) and try again\n");
		return -EBUSY;
	}
	return 0;
}

static void free_regions(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		kfree(per_cpu(vmxon_region, cpu));
		per_cpu(vmxon_region, cpu) = NULL;
	}
}

/**
 * vmx_hardware_init() - check the processor and turn VMX on everywhere
 *
 * Context: process, once, from module init.
 * Return: 0; -ENODEV without VT-x, -EPERM when the firmware locked it, -EOPNOTSUPP when controls
 * are missing or the CPUs differ, -EBUSY when another hypervisor owns it, -ENOMEM. Nothing is left
 * behind.
 */
int vmx_hardware_init(void)
{
	int cpu, ret;

	ret = check_processor();
	if (ret)
		return ret;
	on_each_cpu(lock_feature_control, NULL, 1);
	ret = vmx_caps_init();
	if (ret)
		return ret;
	for_each_possible_cpu(cpu) {
		INIT_LIST_HEAD(&per_cpu(active_vmcss, cpu));
		per_cpu(vmxon_region, cpu) = vmx_alloc_vmcs(cpu);
		if (!per_cpu(vmxon_region, cpu)) {
			free_regions();
			return -ENOMEM;
		}
	}
	ret = cpuhp_setup_state(COMPAT_CPUHP_TASKLESS, "minikvm:vmx", vmx_cpu_starting,
				vmx_cpu_dying);
	if (ret < 0) {
		pr_err("CPU hotplug has room for one hypervisor, and another one is loaded (modprobe -r kvm_intel)\n");
		free_regions();
		return ret;
	}
	ret = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "minikvm:online", vmx_cpu_online, NULL);
	if (ret < 0) {
		cpuhp_remove_state(COMPAT_CPUHP_TASKLESS);
		free_regions();
		return ret;
	}
	online_state = ret;
	compat_register_syscore(&vmx_syscore);
	register_reboot_notifier(&reboot_notifier);
	return 0;
}

/**
 * vmx_hardware_exit() - turn VMX off everywhere
 *
 * Context: process, from module exit; no VM exists.
 */
void vmx_hardware_exit(void)
{
	unregister_reboot_notifier(&reboot_notifier);
	compat_unregister_syscore(&vmx_syscore);
	cpuhp_remove_state(online_state);
	cpuhp_remove_state(COMPAT_CPUHP_TASKLESS);
	free_regions();
}

/** arch_crash_init() - see virt/arch.h; the kernel has room for one such call, also without VT-x */
void arch_crash_init(void)
{
	cpu_emergency_register_virt_callback(emergency_off);
}

void arch_crash_exit(void)
{
	cpu_emergency_unregister_virt_callback(emergency_off);
}
