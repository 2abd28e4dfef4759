// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench_floor.ko - what the least hypervisor would cost: the floor of `make bench`.
 *
 * SDM, "VMX Support for Guests", "VM-Entry Controls", "Checks on VMX Controls and Host-State Area".
 * The guest is a function of this module in the host's own address space, at ring 0, with
 * interrupts off: no EPT, no emulation, nothing to inject. Each guest is the loop of a row of
 * vmbench, in batches; enter.S serves its exits. While it is being loaded, the module measures on
 * the CPU that it finds itself on; then it leaves VMX operation and shows the rows in its parameter
 * `rows`. It is refused with EBUSY while another hypervisor has VMX.
 */
#include <linux/cpufeature.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <asm/desc.h>
#include <asm/msr.h>
#include <asm/tlbflush.h>
#include <asm/vmx.h>

#include "floor.h"

#define BATCHES 16
#define BATCH 64

static char rows[512];
module_param_string(rows, rows, sizeof(rows), 0444);
MODULE_PARM_DESC(rows, "`row NAME TICKS` for each loop, once the module is loaded");

/* Exit reasons whose instruction is skipped; enter.S reads it. */
u64 floor_reasons = BIT_ULL(EXIT_REASON_CPUID) | BIT_ULL(EXIT_REASON_VMCALL) |
	BIT_ULL(EXIT_REASON_CR_ACCESS) | BIT_ULL(EXIT_REASON_MSR_READ) |
	BIT_ULL(EXIT_REASON_MSR_WRITE);

u32 floor_run(u64 *regs);
extern u8 floor_exit[];

static u64 samples[BATCHES];

#define NOTHING do { } while (0)

static __always_inline void guest_done(void)
{
	asm volatile("vmcall" : : "a" (FLOOR_DONE) : "memory");
	unreachable();
}

/* As GUEST_LOOP() of vmbench.h. */
#define GUEST_LOOP(name, prepare, body)					\
	static noinline notrace void name(void)				\
	{								\
		unsigned int b, i;					\
									\
		prepare;						\
		for (b = 0; b < BATCHES; b++) {				\
			u64 start = rdtsc();				\
									\
			for (i = 0; i < BATCH; i++) {			\
				body;					\
				asm volatile("" : : : "memory");	\
			}						\
			samples[b] = rdtsc() - start;			\
		}							\
		guest_done();						\
	}

static __always_inline void exit_cpuid(u32 leaf)
{
	u32 ecx = 0, ebx, edx;

	asm volatile("cpuid" : "+a" (leaf), "=b" (ebx), "+c" (ecx), "=d" (edx) : : "memory");
}

static __always_inline void exit_vmcall(void)
{
	u64 number = 1000;

	asm volatile("vmcall" : "+a" (number) : : "memory");
}

static __always_inline void exit_rdmsr(u32 msr)
{
	u32 low, high;

	asm volatile("rdmsr" : "=a" (low), "=d" (high) : "c" (msr) : "memory");
}

static __always_inline void exit_wrmsr(u32 msr)
{
	asm volatile("wrmsr" : : "c" (msr), "a" (0), "d" (0) : "memory");
}

GUEST_LOOP(guest_empty, NOTHING, NOTHING)
GUEST_LOOP(guest_cpuid, NOTHING, exit_cpuid(0))
GUEST_LOOP(guest_cpuid_last, NOTHING, exit_cpuid(0x80000008))
GUEST_LOOP(guest_vmcall, NOTHING, exit_vmcall())
GUEST_LOOP(guest_rdmsr, NOTHING, exit_rdmsr(MSR_IA32_MISC_ENABLE))
GUEST_LOOP(guest_wrmsr, NOTHING, exit_wrmsr(MSR_IA32_MISC_ENABLE))
GUEST_LOOP(guest_tsc_adjust, NOTHING, exit_wrmsr(MSR_IA32_TSC_ADJUST))
/* The shadow keeps the other value, so that each of these writes exits. */
GUEST_LOOP(guest_cr0, unsigned long v = native_read_cr0() ^ X86_CR0_NE,
	   asm volatile("mov %0, %%cr0" : : "r" (v) : "memory"))
GUEST_LOOP(guest_cr4, unsigned long v = native_read_cr4() ^ X86_CR4_MCE,
	   asm volatile("mov %0, %%cr4" : : "r" (v) : "memory"))

static const struct {
	const char *name;
	void (*guest)(void);
} loops[] = {
	{ "empty", guest_empty },	/* what the loop itself costs */
	{ "cpuid", guest_cpuid },
	{ "cpuid_last", guest_cpuid_last },
	{ "vmcall", guest_vmcall },
	{ "rdmsr", guest_rdmsr },
	{ "wrmsr", guest_wrmsr },
	{ "tsc_adjust", guest_tsc_adjust },
	{ "cr0_write", guest_cr0 },
	{ "cr4_write", guest_cr4 },
};

/* ---- the VMCS ------------------------------------------------------------------------------ */

static int vmx_error;		/* an instruction of VMX failed */

static void vmwrite(u32 field, u64 value)
{
	bool failed;

	asm volatile("vmwrite %2, %1" : "=@ccbe" (failed) : "r" ((u64)field), "r" (value) : "cc");
	if (failed)
		vmx_error = -EIO;
}

static void on_region(bool failed)
{
	if (failed)
		vmx_error = -EIO;
}

static void vmxon(u64 pa)
{
	bool failed;

	asm volatile("vmxon %1" : "=@ccbe" (failed) : "m" (pa) : "memory", "cc");
	on_region(failed);
}

static void vmclear(u64 pa)
{
	bool failed;

	asm volatile("vmclear %1" : "=@ccbe" (failed) : "m" (pa) : "memory", "cc");
	on_region(failed);
}

static void vmptrld(u64 pa)
{
	bool failed;

	asm volatile("vmptrld %1" : "=@ccbe" (failed) : "m" (pa) : "memory", "cc");
	on_region(failed);
}

/* The bits that the capability MSR requires, and @want. */
static u32 controls(u32 msr, u32 want)
{
	u64 caps;

	rdmsrl(msr, caps);
	return ((u32)caps | want) & (u32)(caps >> 32);
}

static u64 read_msr(u32 msr)
{
	u64 value;

	rdmsrl(msr, value);
	return value;
}

static void write_controls(void)
{
	vmwrite(PIN_BASED_VM_EXEC_CONTROL, controls(MSR_IA32_VMX_PINBASED_CTLS, 0));
	vmwrite(CPU_BASED_VM_EXEC_CONTROL, controls(MSR_IA32_VMX_PROCBASED_CTLS, 0));
	vmwrite(VM_EXIT_CONTROLS,
		controls(MSR_IA32_VMX_EXIT_CTLS, VM_EXIT_HOST_ADDR_SPACE_SIZE));
	vmwrite(VM_ENTRY_CONTROLS, controls(MSR_IA32_VMX_ENTRY_CTLS, VM_ENTRY_IA32E_MODE));
	vmwrite(EXCEPTION_BITMAP, 0);
	vmwrite(PAGE_FAULT_ERROR_CODE_MASK, 0);
	vmwrite(PAGE_FAULT_ERROR_CODE_MATCH, 0);
	vmwrite(CR3_TARGET_COUNT, 0);
	vmwrite(VM_EXIT_MSR_STORE_COUNT, 0);
	vmwrite(VM_EXIT_MSR_LOAD_COUNT, 0);
	vmwrite(VM_ENTRY_MSR_LOAD_COUNT, 0);
	vmwrite(VM_ENTRY_INTR_INFO_FIELD, 0);
	vmwrite(CR0_GUEST_HOST_MASK, X86_CR0_NE);
	vmwrite(CR0_READ_SHADOW, native_read_cr0());
	vmwrite(CR4_GUEST_HOST_MASK, X86_CR4_MCE);
	vmwrite(CR4_READ_SHADOW, native_read_cr4());
}

/* What both have: the guest lives in the host's address space. */
static void write_shared(u32 cr0, u32 cr3, u32 cr4, u32 sysenter_cs, u32 sysenter_esp,
			 u32 sysenter_eip, u32 fs_base, u32 gs_base)
{
	vmwrite(cr0, native_read_cr0());
	vmwrite(cr3, __native_read_cr3());
	vmwrite(cr4, native_read_cr4());
	vmwrite(sysenter_cs, read_msr(MSR_IA32_SYSENTER_CS));
	vmwrite(sysenter_esp, read_msr(MSR_IA32_SYSENTER_ESP));
	vmwrite(sysenter_eip, read_msr(MSR_IA32_SYSENTER_EIP));
	vmwrite(fs_base, read_msr(MSR_FS_BASE));
	vmwrite(gs_base, read_msr(MSR_GS_BASE));
}

static void write_host(const struct desc_ptr *gdt, const struct desc_ptr *idt, u64 tss)
{
	write_shared(HOST_CR0, HOST_CR3, HOST_CR4, HOST_IA32_SYSENTER_CS, HOST_IA32_SYSENTER_ESP,
		     HOST_IA32_SYSENTER_EIP, HOST_FS_BASE, HOST_GS_BASE);
	vmwrite(HOST_CS_SELECTOR, __KERNEL_CS);
	vmwrite(HOST_SS_SELECTOR, __KERNEL_DS);
	vmwrite(HOST_DS_SELECTOR, 0);
	vmwrite(HOST_ES_SELECTOR, 0);
	vmwrite(HOST_FS_SELECTOR, 0);
	vmwrite(HOST_GS_SELECTOR, 0);
	vmwrite(HOST_TR_SELECTOR, GDT_ENTRY_TSS * 8);
	vmwrite(HOST_TR_BASE, tss);
	vmwrite(HOST_GDTR_BASE, gdt->address);
	vmwrite(HOST_IDTR_BASE, idt->address);
	vmwrite(HOST_RIP, (u64)floor_exit);
}

/* SDM, "Guest Register State": the fields of ES, CS, SS, DS, FS, GS, LDTR, TR follow each other. */
static void write_segment(unsigned int nr, u16 selector, u32 limit, u32 access)
{
	vmwrite(GUEST_ES_SELECTOR + 2 * nr, selector);
	vmwrite(GUEST_ES_LIMIT + 2 * nr, limit);
	vmwrite(GUEST_ES_AR_BYTES + 2 * nr, access);
}

static void write_guest(void (*guest)(void), void *stack_end, const struct desc_ptr *gdt,
			const struct desc_ptr *idt, u64 tss)
{
	const u32 unusable = BIT(16);
	unsigned int nr;

	write_shared(GUEST_CR0, GUEST_CR3, GUEST_CR4, GUEST_SYSENTER_CS, GUEST_SYSENTER_ESP,
		     GUEST_SYSENTER_EIP, GUEST_FS_BASE, GUEST_GS_BASE);
	for (nr = 0; nr < 7; nr++)
		write_segment(nr, 0, 0, unusable);
	write_segment(1, __KERNEL_CS, ~0u, 0xa09b);	/* 64-bit code, accessed */
	write_segment(2, __KERNEL_DS, ~0u, 0xc093);	/* data, writable, accessed */
	write_segment(7, GDT_ENTRY_TSS * 8, __KERNEL_TSS_LIMIT, 0x8b);	/* busy TSS */
	vmwrite(GUEST_ES_BASE, 0);
	vmwrite(GUEST_CS_BASE, 0);
	vmwrite(GUEST_SS_BASE, 0);
	vmwrite(GUEST_DS_BASE, 0);
	vmwrite(GUEST_LDTR_BASE, 0);
	vmwrite(GUEST_TR_BASE, tss);
	vmwrite(GUEST_GDTR_BASE, gdt->address);
	vmwrite(GUEST_GDTR_LIMIT, gdt->size);
	vmwrite(GUEST_IDTR_BASE, idt->address);
	vmwrite(GUEST_IDTR_LIMIT, idt->size);
	vmwrite(GUEST_DR7, 0x400);
	vmwrite(GUEST_IA32_DEBUGCTL, 0);
	vmwrite(GUEST_RFLAGS, X86_EFLAGS_FIXED);
	/* As behind a CALL. */
	vmwrite(GUEST_RSP, (u64)stack_end - 8);
	vmwrite(GUEST_RIP, (u64)guest);
	vmwrite(GUEST_ACTIVITY_STATE, GUEST_ACTIVITY_ACTIVE);
	vmwrite(GUEST_INTERRUPTIBILITY_INFO, 0);
	vmwrite(GUEST_PENDING_DBG_EXCEPTIONS, 0);
	vmwrite(VMCS_LINK_POINTER, ~0ull);
}

/* ---- measuring ----------------------------------------------------------------------------- */

static u64 smallest_batch(void)
{
	u64 least = ~0ull;
	unsigned int b;

	for (b = 0; b < BATCHES; b++)
		least = min(least, samples[b]);
	return least;
}

/* Interrupts are off and VMX is on. */
static u32 run_guest(void (*guest)(void), u64 vmcs, void *stack_end)
{
	static u64 regs[17];
	struct desc_ptr gdt, idt;
	u64 tss = (u64)&get_cpu_entry_area(smp_processor_id())->tss.x86_tss;
	u32 end;

	native_store_gdt(&gdt);
	store_idt(&idt);
	regs[16] = boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL) ? read_msr(MSR_IA32_SPEC_CTRL) : 0;
	vmclear(vmcs);
	vmptrld(vmcs);
	write_controls();
	write_host(&gdt, &idt, tss);
	write_guest(guest, stack_end, &gdt, &idt, tss);
	end = vmx_error ? FLOOR_NO_ENTRY : floor_run(regs);
	/* A VM exit leaves these limits at their largest, that of the TSS at its least. */
	native_load_gdt(&gdt);
	load_idt(&idt);
	invalidate_tss_limit();
	return end;
}

static int measure(void *region, void *vmcs, void *stack)
{
	u64 empty = 0, features;
	unsigned long flags;
	unsigned int i;
	int used = 0;
	u32 end;

	rdmsrl(MSR_IA32_FEAT_CTL, features);
	if (!(features & FEAT_CTL_LOCKED) || !(features & FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX))
		return -EOPNOTSUPP;
	*(u32 *)region = *(u32 *)vmcs = (u32)read_msr(MSR_IA32_VMX_BASIC) & 0x7fffffff;
	for (i = 0; i < ARRAY_SIZE(loops); i++) {
		local_irq_save(flags);
		if (cr4_read_shadow() & X86_CR4_VMXE) {
			local_irq_restore(flags);
			return -EBUSY;
		}
		cr4_set_bits(X86_CR4_VMXE);
		vmxon(__pa(region));
		end = FLOOR_NO_ENTRY;
		if (!vmx_error) {
			end = run_guest(loops[i].guest, __pa(vmcs), stack + PAGE_SIZE);
			/* Or the processor may write to the page when it is another's. */
			vmclear(__pa(vmcs));
			asm volatile("vmxoff" : : : "cc");
		}
		cr4_clear_bits(X86_CR4_VMXE);
		local_irq_restore(flags);
		if (vmx_error || end != FLOOR_DONE) {
			pr_err("bench_floor: %s ended with %#x\n", loops[i].name, end);
			return -EIO;
		}
		if (!i)
			empty = smallest_batch();
		else
			used += scnprintf(rows + used, sizeof(rows) - used, "row %s %llu\n",
					  loops[i].name,
					  (smallest_batch() - empty + BATCH / 2) / BATCH);
	}
	return 0;
}

static int __init floor_init(void)
{
	void *pages[3] = { };
	int ret = -ENOMEM;
	unsigned int i;

	if (!boot_cpu_has(X86_FEATURE_VMX))
		return -EOPNOTSUPP;
	for (i = 0; i < 3; i++)
		pages[i] = (void *)get_zeroed_page(GFP_KERNEL);
	if (pages[0] && pages[1] && pages[2])
		ret = measure(pages[0], pages[1], pages[2]);
	for (i = 0; i < 3; i++)
		free_page((unsigned long)pages[i]);
	return ret;
}

static void __exit floor_exit_module(void)
{
}

module_init(floor_init);
module_exit(floor_exit_module);
MODULE_DESCRIPTION("The least hypervisor, for make bench");
MODULE_LICENSE("GPL");
