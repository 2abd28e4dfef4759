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

#include "arch/x86/vmx/msr_switch.h"
#include "arch/x86/vmx/vmx_vcpu.h"

/* RPL and TI of each of four selectors. */
#define ODD_SELECTORS	0x0007000700070007ull

static const u32 uret_msr_index[NR_URET_MSRS] = {
	[URET_STAR] = MSR_STAR,
	[URET_LSTAR] = MSR_LSTAR,
	[URET_CSTAR] = MSR_CSTAR,
	[URET_SYSCALL_MASK] = MSR_SYSCALL_MASK,
	[URET_TSC_AUX] = MSR_TSC_AUX,
};

static bool tsc_aux_present;

struct uret_cpu {
	struct user_return_notifier notifier;
	bool registered, host_known;
	u64 host[NR_URET_MSRS], now[NR_URET_MSRS];
};

static DEFINE_PER_CPU(struct uret_cpu, uret_cpu);

static __always_inline void uret_write(struct uret_cpu *cpu, enum vmx_uret_msr msr, u64 value)
{
	if (cpu->now[msr] == value)
		return;
	native_wrmsrl(uret_msr_index[msr], value);
	cpu->now[msr] = value;
}

/* Each by its name, not in a loop: the number of the MSR is then a constant. */
static __always_inline void uret_write_syscall(struct uret_cpu *cpu, const u64 *values)
{
	uret_write(cpu, URET_STAR, values[URET_STAR]);
	uret_write(cpu, URET_LSTAR, values[URET_LSTAR]);
	uret_write(cpu, URET_CSTAR, values[URET_CSTAR]);
	uret_write(cpu, URET_SYSCALL_MASK, values[URET_SYSCALL_MASK]);
}

/* Interrupts off: the one that turns VMX off restores, too. */
static void uret_watch(struct uret_cpu *cpu, bool on)
{
	unsigned long flags;

	local_irq_save(flags);
	if (cpu->registered != on) {
		cpu->registered = on;
		if (on)
			user_return_notifier_register(&cpu->notifier);
		else
			user_return_notifier_unregister(&cpu->notifier);
	}
	local_irq_restore(flags);
}

/* The host's values again. Preemption is off. */
static void uret_restore(struct uret_cpu *cpu)
{
	if (unlikely(cpu->registered))
		uret_watch(cpu, false);
	uret_write_syscall(cpu, cpu->host);
	uret_write(cpu, URET_TSC_AUX, cpu->host[URET_TSC_AUX]);
}

/* Another task than the vCPU's goes to user mode on this CPU. */
static void uret_on_user_return(struct user_return_notifier *notifier)
{
	uret_restore(container_of(notifier, struct uret_cpu, notifier));
}

static noinline void uret_read_host(struct uret_cpu *cpu)
{
	int i;

	for (i = 0; i < NR_URET_MSRS; i++) {
		if (i != URET_TSC_AUX || tsc_aux_present)
			rdmsrl(uret_msr_index[i], cpu->host[i]);
		cpu->now[i] = cpu->host[i];
	}
	cpu->host_known = true;
}

static void uret_load(struct mkvm_vcpu *vcpu)
{
	struct uret_cpu *cpu = this_cpu_ptr(&uret_cpu);
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (unlikely(!cpu->host_known))
		uret_read_host(cpu);
	if ((vcpu->arch.efer & (EFER_SCE | EFER_LMA)) == (EFER_SCE | EFER_LMA))
		uret_write_syscall(cpu, vmx->uret_msrs);
	if (tsc_aux_present)
		uret_write(cpu, URET_TSC_AUX, vmx->uret_msrs[URET_TSC_AUX]);
	vmx->uret_loaded = true;
	vmx->uret_used = true;
}

/*
 * The thread leaves the CPU, or KVM_RUN. What follows KVM_RUN is user mode, so the host's values
 * come back at once. The task that follows the thread may stay in the kernel, and often the thread
 * itself is next again: then the notifier brings them back before user mode, if that comes.
 */
static void uret_put(struct mkvm_vcpu *vcpu)
{
	struct uret_cpu *cpu = this_cpu_ptr(&uret_cpu);

	to_vmx(vcpu)->uret_loaded = false;
	to_vmx(vcpu)->uret_used = false;
	if (likely(!vcpu->preempted)) {
		uret_restore(cpu);
	} else {
		cpu->notifier.on_user_return = uret_on_user_return;
		uret_watch(cpu, true);
	}
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
	vmx->host_gdt.address = gdt.address;
	vmx->host_gdt.size = GDT_SIZE - 1;
	vmcs_write64(HOST_GDTR_BASE, gdt.address);
	vmcs_write64(HOST_TR_BASE, host_tss_base(&gdt));
	rdmsrl(MSR_IA32_SYSENTER_ESP, value);
	vmcs_write64(HOST_IA32_SYSENTER_ESP, value);
	rdmsrl(MSR_GS_BASE, value);
	vmx->host_gs_base = value;
	vmcs_write64(HOST_GS_BASE, value);
}

static void write_host_selector(unsigned long field, u16 value)
{
	/* VM entry refuses a selector with RPL or TI set; the way back reloads those by hand. */
	vmcs_write_any(field, value & 7 ? 0 : value);
}

/* Nearly every process has the same selectors all its life, and they are compared as one word. */
static void write_host_selectors(struct vmx_vcpu *vmx)
{
	union host_selectors now;

	savesegment(fs, now.fs);
	savesegment(gs, now.gs);
	savesegment(ds, now.ds);
	savesegment(es, now.es);
	store_ldt(vmx->host_ldt);
	if (likely(now.all == vmx->host_sel.all))
		return;
	vmx->host_sel = now;
	write_host_selector(HOST_FS_SELECTOR, now.fs);
	write_host_selector(HOST_GS_SELECTOR, now.gs);
	write_host_selector(HOST_DS_SELECTOR, now.ds);
	write_host_selector(HOST_ES_SELECTOR, now.es);
}

/* The bases of user mode's FS and GS. KERNEL_GS_BASE has the latter while the kernel runs. */
static void read_host_bases(unsigned long *fs, u64 *gs)
{
	if (cpu_feature_enabled(X86_FEATURE_FSGSBASE)) {
		*fs = rdfsbase();
		*gs = __rdmsr(MSR_KERNEL_GS_BASE);
		return;
	}
	current_save_fsgs();
	*fs = current->thread.fsbase;
	*gs = current->thread.gsbase;
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
	unsigned long fs_base;

	if (!vmx->uret_loaded)
		uret_load(vcpu);
	if (vmx->guest_state_loaded)
		return;

	write_host_selectors(vmx);
	read_host_bases(&fs_base, &vmx->host_kernel_gs_base);
	if (unlikely(vmx->host_fs_base != fs_base)) {
		vmx->host_fs_base = fs_base;
		vmcs_write64(HOST_FS_BASE, fs_base);
	}
	native_wrmsrl(MSR_KERNEL_GS_BASE, vmx->guest_kernel_gs_base);
	vmx->guest_state_loaded = true;
}

/* The selectors that VM exit could not load. Loading one clobbers its base. */
static noinline void load_odd_selectors(struct vmx_vcpu *vmx)
{
	/* The others may lead there. */
	if (vmx->host_ldt)
		asm volatile("lldt %0" : : "rm" (vmx->host_ldt));
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
}

/*
 * invalidate_tss_limit() where it loads TR: out of line, because the descriptor that it writes
 * needs room on the stack, and a function with that gets a stack guard.
 */
static noinline void reload_tss_limit(void)
{
	invalidate_tss_limit();
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

	if (vmx->uret_used)
		uret_put(vcpu);
	if (!vmx->guest_state_loaded)
		return;
	vmx->guest_state_loaded = false;

	vmx->guest_kernel_gs_base = __rdmsr(MSR_KERNEL_GS_BASE);
	if (unlikely(vmx->host_ldt || (vmx->host_sel.all & ODD_SELECTORS)))
		load_odd_selectors(vmx);
	/* VM exit left TR with limit 67h, GDTR and IDTR with limit FFFFh: invalidate_tss_limit() */
	if (unlikely(test_thread_flag(TIF_IO_BITMAP)))
		reload_tss_limit();
	else
		this_cpu_write(__tss_limit_invalid, true);
	native_wrmsrl(MSR_KERNEL_GS_BASE, vmx->host_kernel_gs_base);
	native_load_gdt(&vmx->host_gdt);
}

/**
 * vmx_msr_switch_cpu_off() - this CPU goes: its next user finds the host's values
 *
 * When the CPU comes back, the kernel writes the host's values, and maybe others than today's: they
 * are read anew. A CPU that has not returned to user mode since its last guest has the notifier in
 * its list, which must be left before the module's code goes.
 *
 * Context: interrupts off.
 */
void vmx_msr_switch_cpu_off(void)
{
	struct uret_cpu *cpu = this_cpu_ptr(&uret_cpu);

	uret_restore(cpu);
	cpu->host_known = false;
}

/**
 * vmx_msr_switch_init() - find out whether IA32_TSC_AUX exists
 */
void vmx_msr_switch_init(void)
{
	tsc_aux_present = boot_cpu_has(X86_FEATURE_RDTSCP) || boot_cpu_has(X86_FEATURE_RDPID);
}
