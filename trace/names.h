/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers and names in the module's tracepoints, and what kvm_entry and kvm_exit tell.
 *
 * The names are KVM's: programs search for them. Constants only, no enumerators: the text that the
 * tools read must hold numbers.
 */
#ifndef MINIKVM_TRACE_NAMES_H
#define MINIKVM_TRACE_NAMES_H

#include <linux/kvm.h>
#include <linux/types.h>
#include <asm/apicdef.h>
#include <asm/trapnr.h>
#include <asm/vmx.h>

#define MKVM_EXIT_NAME(exit)	{ KVM_EXIT_##exit, "KVM_EXIT_" #exit }
/* Those that x86 has. */
#define MKVM_USER_EXITS								\
	MKVM_EXIT_NAME(UNKNOWN), MKVM_EXIT_NAME(EXCEPTION), MKVM_EXIT_NAME(IO),	\
	MKVM_EXIT_NAME(HYPERCALL), MKVM_EXIT_NAME(DEBUG), MKVM_EXIT_NAME(HLT),	\
	MKVM_EXIT_NAME(MMIO), MKVM_EXIT_NAME(IRQ_WINDOW_OPEN),			\
	MKVM_EXIT_NAME(SHUTDOWN), MKVM_EXIT_NAME(FAIL_ENTRY),			\
	MKVM_EXIT_NAME(INTR), MKVM_EXIT_NAME(SET_TPR),				\
	MKVM_EXIT_NAME(TPR_ACCESS), MKVM_EXIT_NAME(NMI),			\
	MKVM_EXIT_NAME(INTERNAL_ERROR), MKVM_EXIT_NAME(SYSTEM_EVENT),		\
	MKVM_EXIT_NAME(IOAPIC_EOI), MKVM_EXIT_NAME(HYPERV),			\
	MKVM_EXIT_NAME(X86_RDMSR), MKVM_EXIT_NAME(X86_WRMSR),			\
	MKVM_EXIT_NAME(DIRTY_RING_FULL), MKVM_EXIT_NAME(X86_BUS_LOCK)

/* Delivery modes of interrupt messages, as LAPIC, IOAPIC and MSI encode them. */
#define MKVM_DELIVERY_MODES							\
	{ 0, "Fixed" }, { 1, "LowPrio" }, { 2, "SMI" }, { 3, "Res3" },		\
	{ 4, "NMI" }, { 5, "INIT" }, { 6, "SIPI" }, { 7, "ExtINT" }

#define MKVM_IRQCHIPS								\
	{ KVM_IRQCHIP_PIC_MASTER, "PIC master" },				\
	{ KVM_IRQCHIP_PIC_SLAVE, "PIC slave" }, { KVM_IRQCHIP_IOAPIC, "IOAPIC" }

/* For kvm_mmio. */
#define KVM_TRACE_MMIO_READ_UNSATISFIED	0	/* userspace is asked */
#define KVM_TRACE_MMIO_READ		1
#define KVM_TRACE_MMIO_WRITE		2

#define MKVM_MMIO_TYPES								\
	{ KVM_TRACE_MMIO_READ_UNSATISFIED, "unsatisfied-read" },		\
	{ KVM_TRACE_MMIO_READ, "read" }, { KVM_TRACE_MMIO_WRITE, "write" }

/* For kvm_pio. */
#define KVM_PIO_IN	0
#define KVM_PIO_OUT	1

/* For kvm_exit. */
#define KVM_ISA_VMX	1

#define MKVM_EXCEPTION_NAME(x)	{ X86_TRAP_##x, "#" #x }
#define MKVM_EXCEPTIONS								\
	MKVM_EXCEPTION_NAME(DE), MKVM_EXCEPTION_NAME(DB), MKVM_EXCEPTION_NAME(BP),\
	MKVM_EXCEPTION_NAME(OF), MKVM_EXCEPTION_NAME(BR), MKVM_EXCEPTION_NAME(UD),\
	MKVM_EXCEPTION_NAME(NM), MKVM_EXCEPTION_NAME(DF), MKVM_EXCEPTION_NAME(TS),\
	MKVM_EXCEPTION_NAME(NP), MKVM_EXCEPTION_NAME(SS), MKVM_EXCEPTION_NAME(GP),\
	MKVM_EXCEPTION_NAME(PF), MKVM_EXCEPTION_NAME(MF), MKVM_EXCEPTION_NAME(AC),\
	MKVM_EXCEPTION_NAME(MC)

#define MKVM_APIC_NAME(reg)	{ APIC_##reg, "APIC_" #reg }
#define MKVM_APIC_REGISTERS							\
	MKVM_APIC_NAME(ID), MKVM_APIC_NAME(LVR), MKVM_APIC_NAME(TASKPRI),	\
	MKVM_APIC_NAME(ARBPRI), MKVM_APIC_NAME(PROCPRI), MKVM_APIC_NAME(EOI),	\
	MKVM_APIC_NAME(RRR), MKVM_APIC_NAME(LDR), MKVM_APIC_NAME(DFR),		\
	MKVM_APIC_NAME(SPIV), MKVM_APIC_NAME(ISR), MKVM_APIC_NAME(TMR),		\
	MKVM_APIC_NAME(IRR), MKVM_APIC_NAME(ESR), MKVM_APIC_NAME(ICR),		\
	MKVM_APIC_NAME(ICR2), MKVM_APIC_NAME(LVTT), MKVM_APIC_NAME(LVTTHMR),	\
	MKVM_APIC_NAME(LVTPC), MKVM_APIC_NAME(LVT0), MKVM_APIC_NAME(LVT1),	\
	MKVM_APIC_NAME(LVTERR), MKVM_APIC_NAME(TMICT), MKVM_APIC_NAME(TMCCT),	\
	MKVM_APIC_NAME(TDCR), MKVM_APIC_NAME(SELF_IPI)

#define MKVM_SHORTHANDS								\
	{ 0, "dst" }, { 1, "self" }, { 2, "all" }, { 3, "all-but-self" }

/* States of a VM or a vCPU, and what one waits for that is pending. */
#define MKVM_STATE_NAMES							\
	{ 0, "init" }, { 1, "ready" }, { 2, "running" }, { 3, "pending" },	\
	{ 4, "zombie" }, { 5, "dead" }
#define MKVM_STATE_WHYS								\
	{ 0, "" }, { 1, " (halt)" }, { 2, " (fault)" }, { 3, " (userspace)" },	\
	{ 4, " (request)" }

/* For minikvm_posted: what a notification would do now. */
#define MKVM_POSTED_RUNNING	0
#define MKVM_POSTED_PREEMPTED	1
#define MKVM_POSTED_HALTED	2
#define MKVM_POSTED_STATES							\
	{ MKVM_POSTED_RUNNING, "running" }, { MKVM_POSTED_PREEMPTED, "preempted" },\
	{ MKVM_POSTED_HALTED, "halted" }

/**
 * struct mkvm_trace_entry - what kvm_entry tells
 * @vcpu_id: number of the vCPU
 * @rip: where the guest goes on
 * @intr_info: VM-entry interruption-information field, 0 if nothing is injected
 * @error_code: the error code that goes with it
 * @ticks: of the host's TSC since the last exit; 0 if that was not traced
 */
struct mkvm_trace_entry {
	unsigned int vcpu_id;
	unsigned long rip;
	u32 intr_info, error_code;
	u64 ticks;
};

/**
 * struct mkvm_trace_exit - what kvm_exit tells
 * @vcpu_id: number of the vCPU
 * @rip: of the guest
 * @info1: exit qualification
 * @info2: IDT-vectoring information field
 * @intr_info: VM-exit interruption-information field
 * @error_code: the error code that goes with it
 * @requests: requests that wait for the vCPU
 * @ticks: of the host's TSC since the entry; 0 if that was not traced
 */
struct mkvm_trace_exit {
	unsigned int vcpu_id;
	unsigned long rip;
	u64 info1, info2;
	u32 intr_info, error_code;
	u64 requests, ticks;
};

#endif
