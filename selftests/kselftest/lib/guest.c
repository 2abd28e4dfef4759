// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sets up the selftests' guests: copies the program's image into guest memory, writes GDT, IDT,
 * TSS and page tables, and puts a vCPU into real, protected or long mode. Chapters: SDM volume 3,
 * "Protected-Mode Memory Management", "Paging", "Processor Management and Initialization".
 * Also holds guest_trap(), which the exception stubs call inside the guest.
 */
#include <elf.h>

#include "guest.h"

u64 guest_fixup;
volatile struct gexc guest_exc;
void (*guest_handler[256])(struct gframe *f);
volatile u32 guest_irqs[256];

extern const u8 guest_idt_stubs[], guest_idt_stubs32[], guest_touch[];
extern const Elf64_Ehdr __ehdr_start;

/* ---- inside the guest --------------------------------------------------------------------- */

/**
 * guest_trap() - every exception and interrupt of a 64-bit guest comes here
 * @f: its frame
 *
 * A handler of the test goes first, then GUEST_TRY()'s fix-up; anything else ends the subtest.
 */
void guest_trap(struct gframe *f)
{
	if (guest_handler[f->vector]) {
		guest_handler[f->vector](f);
		return;
	}
	if (guest_fixup) {
		guest_exc.vector = f->vector;
		guest_exc.error = f->error;
		guest_exc.rip = f->rip;
		guest_exc.cr2 = GUEST_READ_REG("cr2");
		f->rip = guest_fixup;
		guest_fixup = 0;
		return;
	}
	for (;;)
		guest_ucall(UC_TRAP, f->vector, f->error, f->rip);
}

/* Interrupt handlers: count alone, count and EOI by xAPIC, count and EOI by x2APIC. */
void guest_count(struct gframe *f)
{
	guest_irqs[f->vector]++;
}

void guest_count_eoi(struct gframe *f)
{
	guest_irqs[f->vector]++;
	wr32(0xfee000b0, 0);
}

void guest_count_x2eoi(struct gframe *f)
{
	guest_irqs[f->vector]++;
	wrmsr(0x80b, 0);
}

/* ---- on the host -------------------------------------------------------------------------- */

static u64 *g64(struct kt_vm *vm, u64 gpa)
{
	return kt_g2h(vm, gpa);
}

static u64 seg_desc(u32 base, u32 limit, u8 access, u8 flags)
{
	return (limit & 0xffff) | (u64)(base & 0xffffff) << 16 | (u64)access << 40 |
	       (u64)(limit >> 16 & 0xf) << 48 | (u64)flags << 52 | (u64)(base >> 24) << 56;
}

static void write_gdt(struct kt_vm *vm)
{
	u64 *gdt = g64(vm, KT_GDT);

	gdt[KT_CS / 8] = seg_desc(0, 0xfffff, 0x9b, 0xa);
	gdt[KT_DS / 8] = seg_desc(0, 0xfffff, 0x93, 0xc);
	gdt[KT_UCS / 8] = seg_desc(0, 0xfffff, 0xfb, 0xa);
	gdt[KT_UDS / 8] = seg_desc(0, 0xfffff, 0xf3, 0xc);
	gdt[KT_CS32 / 8] = seg_desc(0, 0xfffff, 0x9b, 0xc);
	gdt[KT_CS16 / 8] = seg_desc(0, 0xffff, 0x9b, 0);
	gdt[KT_CS16 / 8 + 1] = seg_desc(0, 0xffff, 0x93, 0);
	for (int i = 0; i < KT_MAX_VCPUS; i++) {
		u64 tss = KT_TSS + i * 128UL;

		gdt[KT_TR / 8 + i * 2] = seg_desc(tss, 0x67, 0x89, 0);
		/* RSP0 and IST1 lie in the lower part of the vCPU's own stack. */
		memset(g64(vm, tss), 0, 0x68);
		*(u64 *)((u8 *)g64(vm, tss) + 4) = KT_STACKS - i * KT_STACK_SIZE - 0x4000;
		*(u64 *)((u8 *)g64(vm, tss) + 0x24) = KT_STACKS - i * KT_STACK_SIZE - 0x6000;
		*(u16 *)((u8 *)g64(vm, tss) + 0x66) = 0x68;
	}
}

static void write_idt(struct kt_vm *vm)
{
	u64 *idt = g64(vm, KT_IDT), *idt32 = g64(vm, KT_IDT32);

	for (u64 i = 0; i < 256; i++) {
		u64 at = (u64)(guest_idt_stubs + i * 16);
		u64 ist = i == 8 ? 1 : 0;
		u64 type = i == 3 || i == 0x80 ? 0xee : 0x8e;

		idt[i * 2] = (at & 0xffff) | KT_CS << 16 | ist << 32 | type << 40 |
			     (at >> 16 & 0xffff) << 48;
		idt[i * 2 + 1] = at >> 32;
		at = (u64)(guest_idt_stubs32 + i * 16);
		idt32[i] = (at & 0xffff) | KT_CS32 << 16 | type << 40 | (at >> 16 & 0xffff) << 48;
	}
}

static void write_page_tables(struct kt_vm *vm)
{
	u64 *pd = g64(vm, KT_PD), *pt = g64(vm, KT_PT);
	u32 *pd32 = kt_g2h(vm, KT_PD32);

	*g64(vm, KT_PML4) = KT_PDPT | 7;
	for (u64 i = 0; i < 4; i++)
		g64(vm, KT_PDPT)[i] = (KT_PD + i * 4096) | 7;
	for (u64 i = 0; i < 2048; i++)
		pd[i] = i << 21 | 0x87;
	for (u64 i = 0; i < 512; i++)
		pt[i] = (KT_TEST_AREA + (i << 12)) | 7;
	pd[KT_TEST_AREA >> 21] = KT_PT | 7;
	for (u32 i = 0; i < 1024; i++)
		pd32[i] = i << 22 | 0x87;
}

/**
 * kt_vm_load_image() - make the program's image and the system tables visible in the guest
 * @vm: the VM, with at least KT_MEM bytes of RAM
 *
 * The guest gets the globals' present values.
 */
void kt_vm_load_image(struct kt_vm *vm)
{
	const Elf64_Ehdr *eh = &__ehdr_start;
	const Elf64_Phdr *ph = (const void *)((const u8 *)eh + eh->e_phoff);

	for (int i = 0; i < eh->e_phnum; i++) {
		if (ph[i].p_type != PT_LOAD)
			continue;
		if (ph[i].p_vaddr + ph[i].p_memsz > vm->size)
			kt_fail("the guest's memory is too small for the program");
		memcpy(kt_g2h(vm, ph[i].p_vaddr), (const void *)ph[i].p_vaddr, ph[i].p_memsz);
	}
	write_gdt(vm);
	write_idt(vm);
	write_page_tables(vm);
}

static struct kvm_segment segment(u16 selector, u64 base, u32 limit, u8 type)
{
	return (struct kvm_segment){
		.base = base, .limit = limit, .selector = selector, .type = type,
		.present = 1, .s = 1, .dpl = selector & 3,
	};
}

static void flat_segments(struct kvm_sregs *s, struct kvm_segment *cs, struct kvm_segment *ds)
{
	s->cs = *cs;
	s->ds = *ds;
	s->es = *ds;
	s->fs = *ds;
	s->gs = *ds;
	s->ss = *ds;
	s->ldt = (struct kvm_segment){ .unusable = 1, .type = 2 };
	s->gdt.base = KT_GDT;
	s->gdt.limit = 0x3ff;
	s->idt.limit = 0xfff;
}

static u64 start_flags(struct kt_vcpu *vcpu)
{
	/* IF=1 where no interrupt can come: a runaway guest then stays preemptible on Bochs. */
	return vcpu->vm->flags & (KT_IRQCHIP | KT_PIT) ? 0x2 : 0x202;
}

/**
 * kt_apicv() - was the module told to use APICv whatever it thinks of the processor (apicv=1)?
 *
 * In the lab that is Bochs, which delivers virtual interrupts with bugs of its own: lab.rst.
 */
bool kt_apicv(void)
{
	FILE *f = fopen("/sys/module/minikvm/parameters/apicv", "re");
	int value = 0;

	if (f) {
		if (fscanf(f, "%d", &value) != 1)
			value = 0;
		fclose(f);
	}
	return value == 1;
}

/**
 * kt_vcpu_long() - 64-bit mode, ring 0, one-to-one paging
 * @vcpu: the vCPU
 * @fn: where it begins; must not return
 */
void kt_vcpu_long(struct kt_vcpu *vcpu, void (*fn)(void))
{
	struct kvm_segment cs = segment(KT_CS, 0, 0xffffffff, 0xb);
	struct kvm_segment ds = segment(KT_DS, 0, 0xffffffff, 0x3);
	struct kvm_regs r = { .rflags = start_flags(vcpu), .rip = (u64)(unsigned long)fn };
	struct kvm_sregs s;

	kt_get_sregs(vcpu, &s);
	cs.l = 1;
	cs.g = 1;
	ds.db = 1;
	ds.g = 1;
	flat_segments(&s, &cs, &ds);
	s.tr = segment(KT_TR + vcpu->id * 16, KT_TSS + vcpu->id * 128UL, 0x67, 0xb);
	s.tr.s = 0;
	s.tr.dpl = 0;
	s.idt.base = KT_IDT;
	s.cr0 = 0x80010033;
	s.cr3 = KT_PML4;
	s.cr4 = 0x620;
	s.efer = 0xd01;
	kt_set_sregs(vcpu, &s);
	/* As after a CALL, so that the compiler's idea of the stack's alignment holds. */
	r.rsp = KT_STACKS - vcpu->id * KT_STACK_SIZE - 8;
	/* Bochs forgets a virtual interrupt whose delivery meets an EPT violation. */
	if (kt_apicv()) {
		*(u64 *)kt_g2h(vcpu->vm, r.rsp - 8) = r.rip;
		r.rsp -= 8;
		r.rip = (u64)(unsigned long)guest_touch;
	}
	kt_set_regs(vcpu, &r);
}

/**
 * kt_vcpu_prot32() - 32-bit protected mode, flat segments
 * @vcpu: the vCPU
 * @eip: .code32 code of the program
 * @paging: with one-to-one paging by 4 MiB pages
 */
void kt_vcpu_prot32(struct kt_vcpu *vcpu, const void *eip, bool paging)
{
	struct kvm_segment cs = segment(KT_CS32, 0, 0xffffffff, 0xb);
	struct kvm_segment ds = segment(KT_DS, 0, 0xffffffff, 0x3);
	struct kvm_regs r = { .rflags = start_flags(vcpu), .rip = (u64)(unsigned long)eip };
	struct kvm_sregs s;

	kt_get_sregs(vcpu, &s);
	cs.db = 1;
	cs.g = 1;
	ds.db = 1;
	ds.g = 1;
	flat_segments(&s, &cs, &ds);
	s.tr = segment(KT_TR, KT_TSS, 0x67, 0xb);
	s.tr.s = 0;
	s.idt.base = KT_IDT32;
	s.idt.limit = 0x7ff;
	s.cr0 = paging ? 0x80010033 : 0x33;
	s.cr3 = paging ? KT_PD32 : 0;
	s.cr4 = paging ? 0x610 : 0x600;
	s.efer = 0;
	kt_set_sregs(vcpu, &s);
	r.rsp = KT_STACKS - vcpu->id * KT_STACK_SIZE;
	kt_set_regs(vcpu, &r);
}

/**
 * kt_vcpu_real() - real mode
 * @vcpu: the vCPU
 * @start: position-independent .code16 code, copied to KT_REAL_CODE, entered at its start
 * @end: its end
 */
void kt_vcpu_real(struct kt_vcpu *vcpu, const void *start, const void *end)
{
	struct kvm_segment cs = segment(KT_REAL_CODE >> 4, KT_REAL_CODE, 0xffff, 0xb);
	struct kvm_segment ds = segment(0, 0, 0xffff, 0x3);
	struct kvm_regs r = { .rflags = start_flags(vcpu) };
	struct kvm_sregs s;

	memcpy(kt_g2h(vcpu->vm, KT_REAL_CODE), start, (const u8 *)end - (const u8 *)start);
	kt_get_sregs(vcpu, &s);
	flat_segments(&s, &cs, &ds);
	s.cs.dpl = 0;
	s.tr = segment(0, 0, 0xffff, 0xb);
	s.tr.s = 0;
	s.ldt = segment(0, 0, 0xffff, 0x2);
	s.ldt.s = 0;
	s.gdt.base = 0;
	s.gdt.limit = 0xffff;
	s.idt.base = 0;
	s.idt.limit = 0x3ff;
	s.cr0 = 0x10;
	s.cr3 = 0;
	s.cr4 = 0;
	s.efer = 0;
	kt_set_sregs(vcpu, &s);
	r.rsp = 0x7000;
	kt_set_regs(vcpu, &r);
}

/**
 * kt_long() - a VM with one vCPU about to run a 64-bit guest function
 * @size: bytes of RAM, 0 for KT_MEM
 * @flags: as for kt_vm_new()
 * @fn: the guest
 * Return: the vCPU.
 */
struct kt_vcpu *kt_long(size_t size, unsigned int flags, void (*fn)(void))
{
	struct kt_vm *vm = kt_vm_new(size ? size : KT_MEM, flags);
	struct kt_vcpu *vcpu = kt_vcpu_new(vm, 0);

	kt_vcpu_long(vcpu, fn);
	return vcpu;
}

/**
 * kt_frame32() - the exception frame of a 32-bit guest that stopped at KT_PORT32
 * @vcpu: the vCPU, after a KVM_EXIT_IO
 * Return: pointer into guest memory, NULL if the exit is another one.
 */
struct kt_frame32 *kt_frame32(struct kt_vcpu *vcpu)
{
	struct kvm_regs r;

	if (vcpu->run->exit_reason != KVM_EXIT_IO || vcpu->run->io.port != KT_PORT32)
		return NULL;
	kt_get_regs(vcpu, &r);
	return kt_g2h(vcpu->vm, r.rsp);
}
