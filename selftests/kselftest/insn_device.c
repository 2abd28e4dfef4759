// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions that the module executes for the guest because their memory is a device or ROM.
 *
 * SDM volume 1, "Input/Output" (INS, OUTS), volume 3, "Segment Descriptors" (the accessed and busy
 * bits), volume 2. KVM's ABI: KVM_EXIT_IO, KVM_EXIT_MMIO, KVM_MEM_READONLY. Runs on /dev/kvm, too,
 * which does not know all of it. Relies on lib/.
 */
#include "guest.h"

#define PORT 0x500
#define ROM 0xc0000000UL	/* a read-only slot, or what the test puts there */

static u8 device[4096];

/* ---- INS and OUTS ------------------------------------------------------------------------- */

static void ins_guest(void)
{
	u64 n = 20, p = KT_MMIO + 3;

	asm volatile("cld; rep insb" : "+D"(p), "+c"(n) : "d"(PORT) : "memory");
	GUEST_EQ(n, 0);
	GUEST_EQ(p, KT_MMIO + 23);
	p = KT_MMIO + 0x100;
	asm volatile("insl" : "+D"(p) : "d"(PORT), "c"(9UL) : "memory");
	GUEST_EQ(p, KT_MMIO + 0x104);
	n = 3;
	p = KT_MMIO + 0x204;
	asm volatile("std; rep insw; cld" : "+D"(p), "+c"(n) : "d"(PORT) : "memory");
	GUEST_EQ(n, 0);
	GUEST_EQ(p, KT_MMIO + 0x1fe);
	guest_done();
}

static void outs_guest(void)
{
	u64 n = 5, p = KT_MMIO + 6;

	asm volatile("cld; rep outsw" : "+S"(p), "+c"(n) : "d"(PORT) : "memory");
	GUEST_EQ(n, 0);
	GUEST_EQ(p, KT_MMIO + 16);
	p = KT_MMIO + 0x100;
	asm volatile("outsb" : "+S"(p) : "d"(PORT), "c"(9UL) : "memory");
	GUEST_EQ(p, KT_MMIO + 0x101);
	guest_done();
}

static void user_ins_guest(void)
{
	to_user();
	ins_guest();
}

static void user_outs_guest(void)
{
	to_user();
	outs_guest();
}

/*
 * Play port and device until the guest is done: IN gives 1, 2, 3, ... byte by byte, OUT goes to
 * @out. Returns the number of bytes that OUT brought.
 */
static u32 serve(struct kt_vcpu *vcpu, u64 gpa, u8 *memory, u8 *out)
{
	struct kvm_run *run = vcpu->run;
	struct kt_ucall uc;
	u32 n_out = 0;
	u8 next = 1;

	for (;;) {
		u8 *data = kt_io_data(vcpu);
		u32 len;

		KT_EQ(kt_run_raw(vcpu), 0);
		if (kt_mmio_serve(vcpu, gpa, memory, 4096))
			continue;
		if (kt_ucall(vcpu, &uc))
			break;
		if (run->exit_reason != KVM_EXIT_IO || run->io.port != PORT) {
			kt_dump(vcpu);
			kt_fail("exit %s", kt_exit_name(run->exit_reason));
		}
		len = run->io.size * run->io.count;
		data = kt_io_data(vcpu);
		for (u32 i = 0; i < len; i++) {
			if (run->io.direction == KVM_EXIT_IO_IN)
				data[i] = next++;
			else
				out[n_out++] = data[i];
		}
	}
	KT_CHECK_GUEST(vcpu, &uc);
	KT_EQ(uc.cmd, UC_DONE);
	return n_out;
}

static void check_ins(void (*guest)(void))
{
	struct kt_vcpu *vcpu = kt_long(0, 0, guest);

	memset(device, 0xee, sizeof(device));
	serve(vcpu, KT_MMIO, device, NULL);
	KT_EQ(device[2], 0xee);
	for (u32 i = 0; i < 20; i++)
		KT_EQ(device[3 + i], i + 1);
	KT_EQ(device[23], 0xee);
	KT_EQ(*(u32 *)(device + 0x100), 0x18171615);
	KT_EQ(*(u16 *)(device + 0x204), 0x1a19);
	KT_EQ(*(u16 *)(device + 0x202), 0x1c1b);
	KT_EQ(*(u16 *)(device + 0x200), 0x1e1d);
	KT_EQ(*(u16 *)(device + 0x1fe), 0xeeee);
}

static void check_outs(void (*guest)(void))
{
	struct kt_vcpu *vcpu = kt_long(0, 0, guest);
	u8 out[64] = { 0 };

	for (u32 i = 0; i < sizeof(device); i++)
		device[i] = i ^ i >> 8;
	KT_EQ(serve(vcpu, KT_MMIO, device, out), 11);
	KT_EQ(memcmp(out, device + 6, 10), 0);
	KT_EQ(out[10], device[0x100]);
}

static void ins_to_device(void)
{
	check_ins(ins_guest);
}

static void ins_to_device_ring3(void)
{
	check_ins(user_ins_guest);
}

static void outs_from_device(void)
{
	check_outs(outs_guest);
}

static void outs_from_device_ring3(void)
{
	check_outs(user_outs_guest);
}

static void ins_rom_guest(void)
{
	u64 n = 4, p = ROM + 0x10;

	asm volatile("cld; rep insw" : "+D"(p), "+c"(n) : "d"(PORT) : "memory");
	GUEST_EQ(n, 0);
	GUEST_EQ(p, ROM + 0x18);
	/* Writing a read-only slot is an access to a device, reading one is not. */
	GUEST_EQ(rd64(ROM + 0x10), 0x5a5a5a5a5a5a5a5a);
	guest_done();
}

static void ins_to_rom(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, ins_rom_guest);
	void *rom = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(rom, 0x5a, 4096);
	KT_EQ(kt_slot(vcpu->vm, 1, KVM_MEM_READONLY, ROM, 4096, rom), 0);
	memset(device, 0, sizeof(device));
	serve(vcpu, ROM, device, NULL);
	KT_EQ(*(u64 *)(device + 0x10), 0x0807060504030201);
}

/* ---- single steps over repeated string instructions ---------------------------------------- */

static u8 room[64];

static void count_step(struct gframe *f)
{
	(void)f;
	guest_irqs[1]++;
}

/* How many #DB one of these raises under TF, with three instructions behind it. */
#define STEPS(insn, at)								\
	({									\
		u64 __p = (u64)(at), __q = __p, __n = 4;			\
		guest_irqs[1] = 0;						\
		asm volatile("cld; pushf; orq $0x100, (%%rsp); popf; " insn	\
			     "; pushf; andq $~0x100, (%%rsp); popf"		\
			     : "+D"(__p), "+S"(__q), "+c"(__n)			\
			     : "d"(PORT), "a"(0) : "memory", "cc");		\
		GUEST_EQ(__n, 0);						\
		guest_irqs[1];							\
	})

static void step_guest(void)
{
	guest_handler[1] = count_step;
	/* The processor's own answer comes first: one for each iteration. */
	GUEST_EQ(STEPS("rep stosb", room), 7);
	GUEST_EQ(STEPS("rep stosb", KT_MMIO), 7);
	GUEST_EQ(STEPS("rep lodsb", KT_MMIO), 7);
	GUEST_EQ(STEPS("rep insb", room), 7);
	GUEST_EQ(STEPS("rep insb", KT_MMIO), 7);
	GUEST_EQ(STEPS("rep outsb", room), 7);
	GUEST_EQ(STEPS("rep outsb", KT_MMIO), 7);
	guest_done();
}

static void single_step(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, step_guest);
	u8 out[64];

	serve(vcpu, KT_MMIO, device, out);
}

/* ---- descriptor tables in ROM ------------------------------------------------------------- */

/*
 * 32-bit code without paging. The GDT in ROM: 08 code, 10 data, 18 TSS, 20 LDT, 28 code of ring 3,
 * 30 data of ring 3, 38 call gate to 08, 40 a second TSS; the LDT: 04 data.
 */
#define ROM_GDT 0xf0000UL
#define ROM_CODE 0x1000
#define ROM_HANDLER 0x3000
#define ROM_TSS 0x4000
#define ROM_TSS2 0x4100
#define ROM_IDT 0x5000
#define ROM_LDT 0xf0800UL
#define ROM_STACK 0x8000
#define GATE(sel, off, type) ((u64)(off) | (u64)(sel) << 16 | (u64)(type) << 40)

struct rom_case {
	const char *name;
	const char *code;
	u32 len;
	u32 eip;		/* behind the HLT, absolute */
};

#define BYTES(s) s, sizeof(s) - 1
#define AT(n) (ROM_CODE + (n))

static const struct rom_case rom_cases[] = {
	{ "MOV DS", BYTES("\x66\xb8\x10\x00\x8e\xd8\xf4"), AT(7) },
	{ "MOV SS", BYTES("\x66\xb8\x10\x00\x8e\xd0\xf4"), AT(7) },
	{ "MOV from memory to ES", BYTES("\x6a\x10\x8e\x04\x24\xf4"), AT(6) },
	{ "POP DS", BYTES("\x6a\x10\x1f\xf4"), AT(4) },
	{ "LDS", BYTES("\x6a\x10\x6a\x00\xc5\x04\x24\xf4"), AT(8) },
	{ "LSS", BYTES("\x89\xe0\x6a\x10\x50\x0f\xb2\x24\x24\xf4"), AT(10) },
	{ "LTR", BYTES("\x66\xb8\x18\x00\x0f\x00\xd8\xf4"), AT(8) },
	{ "LLDT, then MOV from the LDT",
	  BYTES("\x66\xb8\x20\x00\x0f\x00\xd0\x66\xb8\x04\x00\x8e\xd8\xf4"), AT(14) },
	{ "far JMP", BYTES("\xea\x07\x10\x00\x00\x08\x00\xf4"), AT(8) },
	{ "far CALL", BYTES("\x9a\x07\x10\x00\x00\x08\x00\xf4"), AT(8) },
	{ "far CALL through a gate", BYTES("\x9a\x00\x00\x00\x00\x38\x00"), ROM_HANDLER + 1 },
	{ "far RET", BYTES("\x6a\x08\x68\x08\x10\x00\x00\xcb\xf4"), AT(9) },
	{ "IRET", BYTES("\x6a\x02\x6a\x08\x68\x0a\x10\x00\x00\xcf\xf4"), AT(11) },
	{ "INT n", BYTES("\xcd\x20"), ROM_HANDLER + 1 },
	{ "#UD", BYTES("\x0f\x0b"), ROM_HANDLER + 1 },
	/* To ring 3, which cannot execute HLT: #GP back to ring 0, on the stack of the TSS. */
	{ "IRET to ring 3 and #GP back",
	  BYTES("\x66\xb8\x18\x00\x0f\x00\xd8\x6a\x33\x54\x6a\x02\x6a\x2b\x68\x15\x10\x00\x00"
		"\xcf\x90\xf4"), ROM_HANDLER + 1 },
	{ "task switch", BYTES("\x66\xb8\x18\x00\x0f\x00\xd8\xea\x00\x00\x00\x00\x40\x00"),
	  ROM_HANDLER + 1 },
};

static void rom_case(const struct rom_case *c)
{
	struct kt_vm *vm = kt_vm_new(0xf0000, KT_NOIMAGE);
	struct kvm_segment flat = { .limit = ~0u, .selector = 8, .type = 11, .present = 1,
				    .db = 1, .s = 1, .g = 1 };
	struct kvm_regs regs = { .rip = ROM_CODE, .rsp = ROM_STACK, .rflags = 2 };
	struct kt_vcpu *vcpu = kt_vcpu_new(vm, 0);
	u64 *rom, *gdt, *idt = kt_g2h(vm, ROM_IDT);
	struct kvm_sregs sregs;
	u32 *tss;

	rom = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	gdt = rom;
	gdt[1] = 0x00cf9a000000ffff;
	gdt[2] = 0x00cf92000000ffff;
	gdt[3] = 0x0000890000000067 | ROM_TSS << 16;
	gdt[4] = 0x00008200000000ff | (ROM_LDT & 0xffffff) << 16;
	gdt[5] = 0x00cffa000000ffff;
	gdt[6] = 0x00cff2000000ffff;
	gdt[7] = GATE(8, ROM_HANDLER, 0x8c);
	gdt[8] = 0x0000890000000067 | ROM_TSS2 << 16;
	rom[0x800 / 8] = 0x00cf92000000ffff;
	for (u32 i = 0; i < 0x30; i++)
		idt[i] = GATE(8, ROM_HANDLER, 0x8e);
	*(u8 *)kt_g2h(vm, ROM_HANDLER) = 0xf4;
	tss = kt_g2h(vm, ROM_TSS);
	tss[1] = ROM_STACK - 0x400;
	tss[2] = 0x10;
	tss = kt_g2h(vm, ROM_TSS2);
	tss[8] = ROM_HANDLER;
	tss[9] = 2;
	tss[14] = ROM_STACK - 0x800;
	tss[18] = 0x10;
	tss[19] = 8;
	tss[20] = 0x10;
	tss[21] = 0x10;
	memcpy(kt_g2h(vm, ROM_CODE), c->code, c->len);
	KT_EQ(kt_slot(vm, 1, KVM_MEM_READONLY, ROM_GDT, 4096, rom), 0);

	kt_get_sregs(vcpu, &sregs);
	sregs.cr0 |= 1;
	sregs.gdt.base = ROM_GDT;
	sregs.gdt.limit = 0x47;
	sregs.idt.base = ROM_IDT;
	sregs.idt.limit = 0x17f;
	sregs.cs = flat;
	flat.selector = 0x10;
	flat.type = 3;
	sregs.ds = flat;
	sregs.es = flat;
	sregs.fs = flat;
	sregs.gs = flat;
	sregs.ss = flat;
	kt_set_sregs(vcpu, &sregs);
	kt_set_regs(vcpu, &regs);
	KT_EQ(kt_run_raw(vcpu), 0);
	if (vcpu->run->exit_reason != KVM_EXIT_HLT)
		kt_dump(vcpu);
	KT_TRUE(vcpu->run->exit_reason == KVM_EXIT_HLT, "%s ends with %s", c->name,
		kt_exit_name(vcpu->run->exit_reason));
	kt_get_regs(vcpu, &regs);
	KT_TRUE(regs.rip == c->eip, "%s: halted at %#llx, not %#x", c->name, regs.rip, c->eip);
	/* Nothing has become of the writes. */
	KT_EQ(gdt[1], 0x00cf9a000000ffff);
	KT_EQ(gdt[2], 0x00cf92000000ffff);
	KT_EQ(gdt[3], 0x0000890000000067 | ROM_TSS << 16);
	KT_EQ(rom[0x800 / 8], 0x00cf92000000ffff);
	kt_vcpu_free(vcpu);
	kt_vm_free(vm);
}

static void descriptors_in_rom(void)
{
	for (u32 i = 0; i < KT_ARRAY_SIZE(rom_cases); i++)
		rom_case(&rom_cases[i]);
}

/* An instruction that writes the table itself is userspace's, and the next one, too. */
static void store_to_rom_table(void)
{
	struct kt_vm *vm = kt_vm_new(0xf0000, KT_NOIMAGE);
	struct kvm_segment flat = { .limit = ~0u, .selector = 8, .type = 11, .present = 1,
				    .db = 1, .s = 1, .g = 1 };
	struct kvm_regs regs = { .rip = ROM_CODE, .rsp = ROM_STACK, .rflags = 2, .rbx = ROM_GDT };
	/* mov $0x10,%ax; mov %eax,%ds; movb $1,0x15(%ebx); mov %eax,%es; incl 8(%ebx); hlt */
	static const u8 code[] = { 0x66, 0xb8, 0x10, 0, 0x8e, 0xd8, 0xc6, 0x43, 0x15, 1,
				   0x8e, 0xc0, 0xff, 0x43, 8, 0xf4 };
	struct kt_vcpu *vcpu = kt_vcpu_new(vm, 0);
	struct kvm_sregs sregs;
	u64 *gdt;

	gdt = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	gdt[1] = 0x00cf9a000000ffff;
	gdt[2] = 0x00cf92000000ffff;
	memcpy(kt_g2h(vm, ROM_CODE), code, sizeof(code));
	KT_EQ(kt_slot(vm, 1, KVM_MEM_READONLY, ROM_GDT, 4096, gdt), 0);
	kt_get_sregs(vcpu, &sregs);
	sregs.cr0 |= 1;
	sregs.gdt.base = ROM_GDT;
	sregs.gdt.limit = 0x17;
	sregs.cs = flat;
	flat.selector = 0x10;
	flat.type = 3;
	sregs.ds = flat;
	sregs.es = flat;
	sregs.ss = flat;
	kt_set_sregs(vcpu, &sregs);
	kt_set_regs(vcpu, &regs);
	KT_RUN_EXIT(vcpu, KVM_EXIT_MMIO);
	KT_EQ(vcpu->run->mmio.phys_addr, ROM_GDT + 0x15);
	KT_EQ(vcpu->run->mmio.len, 1);
	KT_EQ(vcpu->run->mmio.is_write, 1);
	/* Between two exits userspace changes its ROM, and the guest reads that. */
	gdt[1] = 0x00cf9a0000001234;
	KT_RUN_EXIT(vcpu, KVM_EXIT_MMIO);
	KT_EQ(vcpu->run->mmio.phys_addr, ROM_GDT + 8);
	KT_EQ(*(u32 *)vcpu->run->mmio.data, 0x1235);
	KT_RUN_EXIT(vcpu, KVM_EXIT_HLT);
}

static const struct kt_test tests[] = {
	{ "ins_to_device", ins_to_device },
	{ "ins_to_device_ring3", ins_to_device_ring3 },
	{ "outs_from_device", outs_from_device },
	{ "outs_from_device_ring3", outs_from_device_ring3 },
	{ "ins_to_rom", ins_to_rom },
	{ "single_step", single_step },
	{ "descriptors_in_rom", descriptors_in_rom },
	{ "store_to_rom_table", store_to_rom_table },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
