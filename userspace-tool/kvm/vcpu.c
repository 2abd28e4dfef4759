// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vCPU part of KVM's ABI: KVM_CREATE_VCPU, KVM_SET_CPUID2 from KVM_GET_SUPPORTED_CPUID,
 * KVM_SET_LAPIC, KVM_SET_MSRS, and the first state by KVM_SET_SREGS and KVM_SET_REGS ("Processor
 * State After Reset", "Switching to Protected Mode" and "Initializing IA-32e Mode" of the SDM).
 *
 * Relies on the GDT and the page tables that place_boot_area() has put into guest memory.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "compiler.h"
#include "kvm/guest_cpuid.h"
#include "kvm/refusal.h"
#include "kvm/vcpu.h"

#define MSR_IA32_MISC_ENABLE	0x1a0
#define MISC_ENABLE_FAST_STRING	0x1
#define MSR_MTRR_DEF_TYPE	0x2ff
#define MTRR_ENABLE_WRITE_BACK	0x806

#define APIC_LVT_LINT0		0x350
#define APIC_LVT_LINT1		0x360
#define APIC_MODE_NMI		0x400
#define APIC_MODE_EXTINT	0x700

#define CR0_PE			BIT_ULL(0)
#define CR0_ET			BIT_ULL(4)
#define CR0_PG			BIT_ULL(31)
#define CR4_PAE			BIT_ULL(5)
#define EFER_LME		BIT_ULL(8)
#define EFER_LMA		BIT_ULL(10)
#define RFLAGS_FIXED		0x2

#define SELECTOR_CODE		0x10
#define SELECTOR_DATA		0x18

static int set_cpuid(struct vm *vm, struct vcpu *vcpu, unsigned int cpus, bool *mtrr,
		     struct sentence *why)
{
	struct kvm_cpuid2 *cpuid;
	bool tsc_deadline;
	int ret = 0;

	cpuid = calloc(1, sizeof(*cpuid) + CPUID_ENTRIES_MAX * sizeof(cpuid->entries[0]));
	if (!cpuid)
		return say(why, "There is no memory for the CPUID table.");
	cpuid->nent = CPUID_ENTRIES_MAX;
	tsc_deadline = vm->irqchip &&
		       ioctl(vm->dev_fd, KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) > 0;
	if (ioctl(vm->dev_fd, KVM_GET_SUPPORTED_CPUID, cpuid) < 0) {
		ret = say(why,
			  "%s does not say what its CPUs can do (KVM_GET_SUPPORTED_CPUID): %s.",
			  vm->device, refusal(vm->dev_fd));
	} else {
		int khz = ioctl(vcpu->fd, KVM_GET_TSC_KHZ, 0);

		*mtrr = cpuid_adjust(cpuid, vcpu->id, cpus, tsc_deadline);
		cpuid_announce_tsc(cpuid, khz > 0 ? khz : 0);
		if (ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid) < 0)
			ret = say(why, "%s refuses its own CPUID table (KVM_SET_CPUID2): %s.",
				  vm->device, refusal(vcpu->fd));
	}
	free(cpuid);
	return ret;
}

static void set_msr(const struct vcpu *vcpu, __u32 index, __u64 value)
{
	/* One entry behind the header, which C cannot declare without an extension. */
	struct kvm_msrs *msrs = calloc(1, sizeof(*msrs) + sizeof(msrs->entries[0]));

	if (!msrs)
		return;
	msrs->nmsrs = 1;
	msrs->entries[0].index = index;
	msrs->entries[0].data = value;
	/* Firmware usually sets these; a guest can do without, so that a refusal is no error. */
	ioctl(vcpu->fd, KVM_SET_MSRS, msrs);
	free(msrs);
}

/* The PIC's output arrives at LINT0 of the first CPU, NMI at LINT1, as PC firmware has it. */
static int set_lapic(struct vm *vm, struct vcpu *vcpu, struct sentence *why)
{
	struct kvm_lapic_state lapic;
	__u32 lint0 = vcpu->id == 0 ? APIC_MODE_EXTINT : 1u << 16 | APIC_MODE_EXTINT;
	__u32 lint1 = APIC_MODE_NMI;

	if (ioctl(vcpu->fd, KVM_GET_LAPIC, &lapic) < 0)
		return say(why, "%s does not show the local APIC (KVM_GET_LAPIC): %s.", vm->device,
			   refusal(vcpu->fd));
	memcpy(lapic.regs + APIC_LVT_LINT0, &lint0, sizeof(lint0));
	memcpy(lapic.regs + APIC_LVT_LINT1, &lint1, sizeof(lint1));
	if (ioctl(vcpu->fd, KVM_SET_LAPIC, &lapic) < 0)
		return say(why,
			   "%s refuses the local APIC's state (KVM_SET_LAPIC): %s.", vm->device,
			   refusal(vcpu->fd));
	return 0;
}

/**
 * vcpu_create() - add the next vCPU, with CPUID and local APIC as firmware would leave them
 * @vm: the VM
 * @cpus: how many there will be, for CPUID
 * @why: receives the sentence on failure
 *
 * Return: 0, or -1.
 */
int vcpu_create(struct vm *vm, unsigned int cpus, struct sentence *why)
{
	struct vcpu *vcpu = &vm->vcpu[vm->nr_vcpus];
	bool mtrr = false;
	int size;

	if (vm->nr_vcpus == VM_VCPUS_MAX)
		return say(why, "At most %d vCPUs are supported.", VM_VCPUS_MAX);
	vcpu->id = vm->nr_vcpus;
	vcpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU, (unsigned long)vcpu->id);
	if (vcpu->fd < 0)
		return say(why, "%s cannot create a vCPU (KVM_CREATE_VCPU): %s.", vm->device,
			   refusal(vm->fd));
	size = ioctl(vm->dev_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (size < (int)sizeof(*vcpu->run)) {
		close(vcpu->fd);
		return say(why,
			   "%s gives %d bytes as the size of struct kvm_run, which is too little.",
			   vm->device, size);
	}
	vcpu->run_size = size;
	vcpu->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED) {
		close(vcpu->fd);
		return say(why, "struct kvm_run of %s cannot be mapped: %s.", vm->device,
			   strerror(errno));
	}
	vm->nr_vcpus++;
	if (set_cpuid(vm, vcpu, cpus, &mtrr, why))
		return -1;
	if (vm->irqchip && set_lapic(vm, vcpu, why))
		return -1;
	set_msr(vcpu, MSR_IA32_MISC_ENABLE, MISC_ENABLE_FAST_STRING);
	if (mtrr)
		set_msr(vcpu, MSR_MTRR_DEF_TYPE, MTRR_ENABLE_WRITE_BACK);
	return 0;
}

static struct kvm_segment flat_segment(__u16 selector, __u8 type, bool long_mode)
{
	return (struct kvm_segment) {
		.selector = selector,
		.limit = 0xffffffff,
		.type = type,
		.present = 1,
		.s = 1,
		.g = 1,
		.db = !long_mode,
		.l = long_mode,
	};
}

static void set_flat_mode(struct kvm_sregs *s, bool long_mode)
{
	struct kvm_segment data = flat_segment(SELECTOR_DATA, 0x3, false);

	s->cs = flat_segment(SELECTOR_CODE, 0xb, long_mode);
	s->ds = data;
	s->es = data;
	s->fs = data;
	s->gs = data;
	s->ss = data;
	s->gdt.base = GUEST_GDT;
	s->gdt.limit = 4 * 8 - 1;
	/* No interrupt descriptor is there yet: an exception ends in a triple fault at once. */
	s->idt.base = 0;
	s->idt.limit = 0;
	s->cr0 = CR0_PE | CR0_ET;
	if (!long_mode)
		return;
	s->cr0 |= CR0_PG;
	s->cr3 = GUEST_PAGE_TABLES;
	s->cr4 |= CR4_PAE;
	s->efer |= EFER_LME | EFER_LMA;
}

static void set_real_mode(struct kvm_sregs *s, __u16 cs)
{
	struct kvm_segment *data[] = { &s->ds, &s->es, &s->fs, &s->gs, &s->ss };
	size_t i;

	s->cs.selector = cs;
	s->cs.base = cs * 16;
	for (i = 0; i < ARRAY_SIZE(data); i++) {
		data[i]->selector = 0;
		data[i]->base = 0;
	}
}

/* Put a vCPU into its first state. Return: 0, or -1 with the sentence in @why. */
int vcpu_set_boot_state(struct vcpu *vcpu, const struct boot_state *state, struct sentence *why)
{
	struct kvm_regs regs = {
		.rax = state->rax,
		.rbx = state->rbx,
		.rsi = state->rsi,
		.rsp = state->rsp,
		.rip = state->rip,
		.rflags = RFLAGS_FIXED,
	};
	struct kvm_sregs sregs;

	if (ioctl(vcpu->fd, KVM_GET_SREGS, &sregs) < 0)
		return say(why, "The vCPU's first state cannot be read (KVM_GET_SREGS): %s.",
			   refusal(vcpu->fd));
	if (state->mode == CPU_REAL16)
		set_real_mode(&sregs, state->cs);
	else
		set_flat_mode(&sregs, state->mode == CPU_LONG64);
	if (ioctl(vcpu->fd, KVM_SET_SREGS, &sregs) < 0)
		return say(why, "The vCPU's mode cannot be set (KVM_SET_SREGS): %s.",
			   refusal(vcpu->fd));
	if (ioctl(vcpu->fd, KVM_SET_REGS, &regs) < 0)
		return say(why, "The vCPU's registers cannot be set (KVM_SET_REGS): %s.",
			   refusal(vcpu->fd));
	return 0;
}

static void print_segment(FILE *to, const char *name, const struct kvm_segment *s)
{
	fprintf(to,
		"  %s %04x base %016llx limit %08x type %x s %u dpl %u p %u l %u db %u g %u%s\n",
		name, s->selector, s->base, s->limit, s->type, s->s, s->dpl, s->present, s->l,
		s->db, s->g, s->unusable ? " unusable" : "");
}

/* Print the registers, for the person who has to find out what went wrong. */
void vcpu_print_registers(FILE *to, const struct vcpu *vcpu)
{
	struct kvm_sregs s;
	struct kvm_regs r;

	if (ioctl(vcpu->fd, KVM_GET_REGS, &r) < 0 || ioctl(vcpu->fd, KVM_GET_SREGS, &s) < 0) {
		fprintf(to, "  (the registers of vCPU %u cannot be read: %s)\n", vcpu->id,
			refusal(vcpu->fd));
		return;
	}
	fprintf(to, "vCPU %u:\n", vcpu->id);
	fprintf(to, "  rip %016llx rflags %016llx rsp %016llx rbp %016llx\n", r.rip, r.rflags,
		r.rsp, r.rbp);
	fprintf(to, "  rax %016llx rbx %016llx rcx %016llx rdx %016llx\n", r.rax, r.rbx, r.rcx,
		r.rdx);
	fprintf(to, "  rsi %016llx rdi %016llx r8  %016llx r9  %016llx\n", r.rsi, r.rdi, r.r8,
		r.r9);
	fprintf(to, "  r10 %016llx r11 %016llx r12 %016llx r13 %016llx\n", r.r10, r.r11, r.r12,
		r.r13);
	fprintf(to, "  r14 %016llx r15 %016llx\n", r.r14, r.r15);
	fprintf(to,
		"  cr0 %016llx cr2 %016llx cr3 %016llx cr4 %016llx efer %llx\n", s.cr0, s.cr2,
		s.cr3, s.cr4, s.efer);
	print_segment(to, "cs", &s.cs);
	print_segment(to, "ss", &s.ss);
	print_segment(to, "ds", &s.ds);
	print_segment(to, "es", &s.es);
	print_segment(to, "fs", &s.fs);
	print_segment(to, "gs", &s.gs);
	print_segment(to, "tr", &s.tr);
	print_segment(to, "ldt", &s.ldt);
	fprintf(to,
		"  gdt %016llx limit %04x  idt %016llx limit %04x\n", s.gdt.base, s.gdt.limit,
		s.idt.base, s.idt.limit);
}
