// SPDX-License-Identifier: GPL-2.0-only
/*
 * Host and guest state that the VMCS does not switch.
 *
 * SDM, "Loading Host State" lists what VM exit restores; the rest is here. FS, GS and
 * KERNEL_GS_BASE change once when the vCPU thread comes from userspace or from the scheduler,
 * not at each exit. The SYSCALL MSRs and TSC_AUX matter to user mode only, so the host's values
 * come back when this CPU returns to user mode.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/percpu.h>
#include <linux/user-return-notifier.h>
#include <asm/desc.h>
#include <asm/fsgsbase.h>
#include <asm/mmu_context.h>
#include <asm/msr.h>

#include "arch/x86/vmx/vmx_vcpu.h"

static const u32 uret_msr_index[NR_URET_MSRS] = {
	[URET_STAR] = MSR_STAR,
	[URET_LSTAR] = MSR_LSTAR,
	[URET_CSTAR] = MSR_CSTAR,
	[URET_SYSCALL_MASK] = MSR_SYSCALL_MASK,
	[URET_TSC_AUX] = MSR_TSC_AUX,
};

static bool uret_msr_present[NR_URET_MSRS];

struct uret_cpu {
	struct user_return_notifier notifier;
	bool registered, host_known;
	u64 host[NR_URET_MSRS], now[NR_URET_MSRS];
};

static DEFINE_PER_CPU(struct uret_cpu, uret_cpu);

/* On the way to user mode, interrupts off or about to be; also when the CPU or the module goes. */
static void uret_restore(struct user_return_notifier *notifier)
{
	struct uret_cpu *cpu = container_of(notifier, struct uret_cpu, notifier);
	unsigned long flags;
	int i;

	local_irq_save(flags);
	if (cpu->registered) {
		cpu->registered = false;
		user_return_notifier_unregister(notifier);
		for (i = 0; i < NR_URET_MSRS; i++) {
			if (cpu->now[i] == cpu->host[i])
				continue;
			wrmsrl(uret_msr_index[i], cpu->host[i]);
			cpu->now[i] = cpu->host[i];
		}
	}
	local_irq_restore(flags);
}

static void uret_load(struct mkvm_vcpu *vcpu)
{
	struct uret_cpu *cpu = this_cpu_ptr(&uret_cpu);
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	bool syscall = (vcpu->arch.efer & (EFER_SCE | EFER_LMA)) == (EFER_SCE | EFER_LMA);
	bool changed = false;
	int i;

	if (!cpu->host_known) {
		for (i = 0; i < NR_URET_MSRS; i++) {
			if (uret_msr_present[i])
				rdmsrl(uret_msr_index[i], cpu->host[i]);
			cpu->now[i] = cpu->host[i];
		}
		cpu->host_known = true;
	}
	for (i = syscall ? 0 : URET_TSC_AUX; i < NR_URET_MSRS; i++) {
		if (!uret_msr_present[i] || cpu->now[i] == vmx->uret_msrs[i])
			continue;
		wrmsrl(uret_msr_index[i], vmx->uret_msrs[i]);
		cpu->now[i] = vmx->uret_msrs[i];
		changed = true;
	}
	if (changed && !cpu->registered) {
		cpu->registered = true;
		cpu->notifier.on_user_return = uret_restore;
		user_return_notifier_register(&cpu->notifier);
	}
	vmx->uret_loaded = true;
}

/* Base of this CPU's task-state segment, out of its descriptor. */
static unsigned long host_tss_base(const struct desc_ptr *gdt)
{
	const struct ldttss_desc *desc = (void *)gdt->address + GDT_ENTRY_TSS * 8;

	return desc->base0 | desc->base1 << 16 | (unsigned long)desc->base2 << 24 |
	       (unsigned long)desc->base3 << 32;
}

/**
 * vmx_host_cpu_changed() - write the host state that belongs to one CPU
 * @vcpu: the vCPU, whose VMCS was just made current on this CPU
 *
 * Context: preemption off.
 */
void vmx_host_cpu_changed(struct mkvm_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	struct desc_ptr gdt;
	u64 value;

	native_store_gdt(&gdt);
	vmcs_write64(HOST_GDTR_BASE, gdt.address);
	vmcs_write64(HOST_TR_BASE, host_tss_base(&gdt));
	rdmsrl(MSR_IA32_SYSENTER_ESP, value);
	vmcs_write64(HOST_IA32_SYSENTER_ESP, value);
	rdmsrl(MSR_GS_BASE, value);
	vmx->host_gs_base = value;
	vmcs_write64(HOST_GS_BASE, value);
}

static void write_host_selector(unsigned long field, u16 *cached, u16 now)
{
	/* VM entry refuses a selector with RPL or TI set; the way back reloads those by hand. */
	u16 value = now & 7 ? 0 : now;

	if (*cached != value) {
		*cached = value;
		vmcs_write_any(field, value);
	}
}

/**
 * vmx_prepare_guest() - put the guest's FS, GS and MSRs in place for a series of entries
 * @vcpu: loaded vCPU
 *
 * Context: preemption off; undone by vmx_load_host_state() when the thread is scheduled out
 * or returns to userspace.
 */
void vmx_prepare_guest(struct mkvm_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (!vmx->uret_loaded)
		uret_load(vcpu);
	if (vmx->guest_state_loaded)
		return;

	current_save_fsgs();
	savesegment(fs, vmx->host_sel.fs);
	savesegment(gs, vmx->host_sel.gs);
	savesegment(ds, vmx->host_sel.ds);
	savesegment(es, vmx->host_sel.es);
	store_ldt(vmx->host_sel.ldt);
	write_host_selector(HOST_FS_SELECTOR, &vmx->host_vmcs_sel.fs, vmx->host_sel.fs);
	write_host_selector(HOST_GS_SELECTOR, &vmx->host_vmcs_sel.gs, vmx->host_sel.gs);
	write_host_selector(HOST_DS_SELECTOR, &vmx->host_vmcs_sel.ds, vmx->host_sel.ds);
	write_host_selector(HOST_ES_SELECTOR, &vmx->host_vmcs_sel.es, vmx->host_sel.es);
	if (vmx->host_fs_base != current->thread.fsbase) {
		vmx->host_fs_base = current->thread.fsbase;
		vmcs_write64(HOST_FS_BASE, vmx->host_fs_base);
	}
	vmx->host_kernel_gs_base = current->thread.gsbase;
	wrmsrl(MSR_KERNEL_GS_BASE, vmx->guest_kernel_gs_base);
	vmx->guest_state_loaded = true;
}

/**
 * vmx_load_host_state() - undo vmx_prepare_guest()
 * @vcpu: loaded vCPU
 *
 * Context: preemption off, maybe interrupts, too.
 */
void vmx_load_host_state(struct mkvm_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	vmx->uret_loaded = false;
	if (!vmx->guest_state_loaded)
		return;
	vmx->guest_state_loaded = false;

	rdmsrl(MSR_KERNEL_GS_BASE, vmx->guest_kernel_gs_base);
	/* The others may lead there. */
	if (vmx->host_sel.ldt)
		asm volatile("lldt %0" : : "rm" (vmx->host_sel.ldt));
	/* The selectors that VM exit could not load. Loading one clobbers its base. */
	if (vmx->host_sel.gs & 7)
		load_gs_index(vmx->host_sel.gs);
	if (vmx->host_sel.fs & 7) {
		loadsegment(fs, vmx->host_sel.fs);
		wrmsrl(MSR_FS_BASE, vmx->host_fs_base);
	}
	if (vmx->host_sel.ds & 7)
		loadsegment(ds, vmx->host_sel.ds);
	if (vmx->host_sel.es & 7)
		loadsegment(es, vmx->host_sel.es);
	/* VM exit left TR with limit 67h and GDTR, IDTR with limit FFFFh. */
	invalidate_tss_limit();
	wrmsrl(MSR_KERNEL_GS_BASE, vmx->host_kernel_gs_base);
	load_fixmap_gdt(raw_smp_processor_id());
}

static void read_presence(void *unused)
{
	u64 value;
	int i;

	for (i = 0; i < NR_URET_MSRS; i++)
		uret_msr_present[i] = !rdmsrl_safe(uret_msr_index[i], &value);
	uret_msr_present[URET_TSC_AUX] = boot_cpu_has(X86_FEATURE_RDTSCP) ||
					 boot_cpu_has(X86_FEATURE_RDPID);
}

/**
 * vmx_msr_switch_cpu_off() - this CPU goes: its next user finds the host's values
 *
 * When it comes back, the kernel writes the host's values without asking us, and maybe others than
 * today's: they are read anew. And one that never returned to user mode since its last guest has
 * the notifier in its list: the code must not go before it.
 *
 * Context: interrupts off.
 */
void vmx_msr_switch_cpu_off(void)
{
	struct uret_cpu *cpu = this_cpu_ptr(&uret_cpu);

	uret_restore(&cpu->notifier);
	cpu->host_known = false;
}

/**
 * vmx_msr_switch_init() - find out which of the lazily switched MSRs exist
 */
void vmx_msr_switch_init(void)
{
	read_presence(NULL);
}
