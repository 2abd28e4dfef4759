// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits that end in userspace: port I/O of every form and size, MMIO of every size and across
 * pages, HLT, triple fault; and CPUID, whose answers are userspace's table. Checks KVM's ABI
 * ("The kvm_run structure": KVM_EXIT_IO, KVM_EXIT_MMIO, KVM_EXIT_HLT, KVM_EXIT_SHUTDOWN) and
 * SDM volume 3, "VMX Non-Root Operation". Relies on lib/.
 */
#include "guest.h"

#define PORT 0x1234

/* ---- port I/O ----------------------------------------------------------------------------- */

static void io_out_guest(void)
{
	outb(PORT, 0x11);
	outw(PORT, 0x2233);
	outl(PORT, 0x44556677);
	asm volatile("outb %%al, $0x42" : : "a"(0x88));
	asm volatile("outw %%ax, $0x43" : : "a"(0x99aa));
	asm volatile("outl %%eax, $0xff" : : "a"(0xbbccddee));
	guest_done();
}

static void io_out(void)
{
	static const struct {
		u16 port;
		u8 size;
		u32 value;
	} want[] = {
		{ PORT, 1, 0x11 }, { PORT, 2, 0x2233 }, { PORT, 4, 0x44556677 },
		{ 0x42, 1, 0x88 }, { 0x43, 2, 0x99aa }, { 0xff, 4, 0xbbccddee },
	};
	struct kt_vcpu *vcpu = kt_long(0, 0, io_out_guest);

	for (unsigned int i = 0; i < KT_ARRAY_SIZE(want); i++) {
		u32 v = 0;

		KT_RUN_EXIT(vcpu, KVM_EXIT_IO);
		KT_EQ(vcpu->run->io.direction, KVM_EXIT_IO_OUT);
		KT_EQ(vcpu->run->io.port, want[i].port);
		KT_EQ(vcpu->run->io.size, want[i].size);
		KT_EQ(vcpu->run->io.count, 1);
		memcpy(&v, kt_io_data(vcpu), want[i].size);
		KT_EQ(v, want[i].value);
	}
	KT_RUN_DONE(vcpu);
}

static void io_in_guest(void)
{
	u64 rax = 0x1122334455667788;

	asm volatile("inb %%dx, %%al" : "+a"(rax) : "d"(PORT));
	GUEST_EQ(rax, 0x11223344556677a1);
	asm volatile("inw %%dx, %%ax" : "+a"(rax) : "d"(PORT));
	GUEST_EQ(rax, 0x112233445566b2b1);
	asm volatile("inl %%dx, %%eax" : "+a"(rax) : "d"(PORT));
	GUEST_EQ(rax, 0xc4c3c2c1);
	asm volatile("inb $0x42, %%al" : "+a"(rax));
	GUEST_EQ(rax, 0xc4c3c2d1);
	asm volatile("inw $0x43, %%ax" : "+a"(rax));
	GUEST_EQ(rax, 0xc4c3e2e1);
	asm volatile("inl $0x44, %%eax" : "+a"(rax));
	GUEST_EQ(rax, 0xf4f3f2f1);
	guest_done();
}

static void io_in(void)
{
	static const u32 answer[] = { 0xa1, 0xb2b1, 0xc4c3c2c1, 0xd1, 0xe2e1, 0xf4f3f2f1 };
	static const u8 size[] = { 1, 2, 4, 1, 2, 4 };
	struct kt_vcpu *vcpu = kt_long(0, 0, io_in_guest);

	for (unsigned int i = 0; i < 6; i++) {
		KT_RUN_EXIT(vcpu, KVM_EXIT_IO);
		KT_EQ(vcpu->run->io.direction, KVM_EXIT_IO_IN);
		KT_EQ(vcpu->run->io.size, size[i]);
		KT_EQ(vcpu->run->io.count, 1);
		memcpy(kt_io_data(vcpu), &answer[i], size[i]);
	}
	KT_RUN_DONE(vcpu);
}

#define STR_LEN 300

static u32 str_in[STR_LEN + 4], str_out[STR_LEN + 4];
/* What is behind KT_MMIO. */
static u8 device[3 * 4096];

static void io_string_guest(void)
{
	u64 n, p;

	for (u32 i = 0; i < STR_LEN; i++)
		str_out[i] = i * 0x01010101 + 7;
	p = (u64)str_out;
	n = STR_LEN * 4;
	asm volatile("cld; rep outsb" : "+S"(p), "+c"(n) : "d"(PORT) : "memory");
	GUEST_EQ(n, 0);
	GUEST_EQ(p, (u64)str_out + STR_LEN * 4);
	p = (u64)str_out;
	n = STR_LEN;
	asm volatile("rep outsl" : "+S"(p), "+c"(n) : "d"(PORT + 1) : "memory");
	GUEST_EQ(n, 0);
	p = (u64)str_out;
	asm volatile("outsw" : "+S"(p) : "d"(PORT + 2), "c"(5UL) : "memory");
	GUEST_EQ(p, (u64)str_out + 2);
	/* Backwards. */
	p = (u64)&str_out[3];
	n = 4;
	asm volatile("std; rep outsl; cld" : "+S"(p), "+c"(n) : "d"(PORT + 3) : "memory");
	GUEST_EQ(p, (u64)str_out - 4);
	/* Nothing at all. */
	n = 0;
	asm volatile("rep outsb" : "+S"(p), "+c"(n) : "d"(PORT + 4) : "memory");

	p = (u64)str_in;
	n = STR_LEN * 4;
	asm volatile("rep insb" : "+D"(p), "+c"(n) : "d"(PORT) : "memory");
	GUEST_EQ(n, 0);
	GUEST_EQ(p, (u64)str_in + STR_LEN * 4);
	for (u32 i = 0; i < STR_LEN * 4; i++)
		GUEST_EQ(((volatile u8 *)str_in)[i], (u8)(i * 3));
	p = (u64)str_in;
	n = STR_LEN;
	asm volatile("rep insl" : "+D"(p), "+c"(n) : "d"(PORT + 1) : "memory");
	GUEST_EQ(n, 0);
	for (u32 i = 0; i < STR_LEN; i++)
		GUEST_EQ(((volatile u32 *)str_in)[i], i * 5);
	p = (u64)str_in;
	asm volatile("insw" : "+D"(p) : "d"(PORT + 2), "c"(9UL) : "memory");
	GUEST_EQ(p, (u64)str_in + 2);
	GUEST_EQ(*(volatile u16 *)str_in, 0x7eef);
	guest_done();
}

/* Takes an OUTS of total units in whatever chunks the module chooses. */
static void take_outs(struct kt_vcpu *vcpu, u16 port, u32 size, u32 total, u8 *to)
{
	struct kvm_run *run = vcpu->run;

	for (u32 done = 0; done < total; done += run->io.count) {
		KT_RUN_EXIT(vcpu, KVM_EXIT_IO);
		KT_EQ(run->io.direction, KVM_EXIT_IO_OUT);
		KT_EQ(run->io.port, port);
		KT_EQ(run->io.size, size);
		KT_TRUE(run->io.count > 0 && done + run->io.count <= total);
		KT_TRUE(run->io.size * run->io.count <= 4096);
		memcpy(to + done * size, kt_io_data(vcpu), size * run->io.count);
	}
}

static void give_ins(struct kt_vcpu *vcpu, u16 port, u32 size, u32 total, const void *from)
{
	struct kvm_run *run = vcpu->run;

	for (u32 done = 0; done < total; done += run->io.count) {
		KT_RUN_EXIT(vcpu, KVM_EXIT_IO);
		KT_EQ(run->io.direction, KVM_EXIT_IO_IN);
		KT_EQ(run->io.port, port);
		KT_EQ(run->io.size, size);
		KT_TRUE(run->io.count > 0 && done + run->io.count <= total);
		KT_TRUE(run->io.size * run->io.count <= 4096);
		memcpy(kt_io_data(vcpu), (const u8 *)from + done * size, size * run->io.count);
	}
}

static void io_string(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, io_string_guest);
	u32 buf[STR_LEN], ref[STR_LEN];

	for (u32 i = 0; i < STR_LEN; i++)
		ref[i] = i * 0x01010101 + 7;
	take_outs(vcpu, PORT, 1, STR_LEN * 4, (u8 *)buf);
	KT_EQ(memcmp(buf, ref, sizeof(ref)), 0);
	memset(buf, 0, sizeof(buf));
	take_outs(vcpu, PORT + 1, 4, STR_LEN, (u8 *)buf);
	KT_EQ(memcmp(buf, ref, sizeof(ref)), 0);
	take_outs(vcpu, PORT + 2, 2, 1, (u8 *)buf);
	KT_EQ(*(u16 *)buf, (u16)ref[0]);
	take_outs(vcpu, PORT + 3, 4, 4, (u8 *)buf);
	for (u32 i = 0; i < 4; i++)
		KT_EQ(buf[i], ref[3 - i]);
	for (u32 i = 0; i < STR_LEN * 4; i++)
		((u8 *)buf)[i] = i * 3;
	give_ins(vcpu, PORT, 1, STR_LEN * 4, buf);
	for (u32 i = 0; i < STR_LEN; i++)
		buf[i] = i * 5;
	give_ins(vcpu, PORT + 1, 4, STR_LEN, buf);
	buf[0] = 0x7eef;
	give_ins(vcpu, PORT + 2, 2, 1, buf);
	KT_RUN_DONE(vcpu);
}

/*
 * Ends of segments and of 16-bit addresses, in real mode: what the module does in the guest's
 * place stops there with #GP, or wraps, as the processor does.
 */
asm(".text\n"
    "limit_guest: .code16\n"
    "limit_outsb: rep outsb\n"
    "	hlt\n"
    "limit_insw: insw\n"
    "	hlt\n"
    "limit_movsb: rep movsb\n"
    "	hlt\n"
    "limit_gp: hlt\n"
    "limit_guest_end: .code64\n");
extern const u8 limit_guest[], limit_outsb[], limit_insw[], limit_movsb[], limit_gp[],
	limit_guest_end[];

#define LIMIT_OFFSET(label) ((u64)(label) - (u64)limit_guest)

static void limit_start(struct kt_vcpu *vcpu, const u8 *at, u64 rsi, u64 rdi, u64 rcx)
{
	struct kvm_regs r = {
		.rip = LIMIT_OFFSET(at), .rflags = 2, .rsp = 0x7000, .rsi = rsi, .rdi = rdi,
		.rcx = rcx, .rdx = PORT,
	};

	kt_set_regs(vcpu, &r);
}

/* The guest has halted behind that label. */
static void limit_halted(struct kt_vcpu *vcpu, const u8 *at, u64 rsi, u64 rdi, u64 rcx)
{
	struct kvm_regs r;

	KT_RUN_EXIT(vcpu, KVM_EXIT_HLT);
	kt_get_regs(vcpu, &r);
	KT_EQ(r.rip, LIMIT_OFFSET(at) + 1);
	KT_EQ(r.rsi, rsi);
	KT_EQ(r.rdi, rdi);
	KT_EQ(r.rcx, rcx);
}

static void string_segment_limits(void)
{
	struct kt_vcpu *vcpu = kt_vcpu_new(kt_vm_new(KT_MEM, KT_NOIMAGE), 0);
	u8 *memory = kt_g2h(vcpu->vm, 0), buf[8];
	struct kvm_sregs s;

	kt_vcpu_real(vcpu, limit_guest, limit_guest_end);
	/* Vectors 12 and 13: KT_REAL_CODE:limit_gp. */
	for (int vector = 12; vector <= 13; vector++) {
		((u16 *)memory)[vector * 2] = LIMIT_OFFSET(limit_gp);
		((u16 *)memory)[vector * 2 + 1] = KT_REAL_CODE >> 4;
	}
	memcpy(memory + 0xffe0, "0123456789abcdefghijklmnopqrstuv", 32);

	/* SI wraps at 64 KiB: two bytes there, then two from the start of the segment. */
	limit_start(vcpu, limit_outsb, 0xfffe, 0, 4);
	take_outs(vcpu, PORT, 1, 4, buf);
	KT_EQ(memcmp(buf, "uv", 2), 0);
	KT_EQ(memcmp(buf + 2, memory, 2), 0);
	limit_halted(vcpu, limit_outsb + 2, 2, 0, 0);

	/* A word at 0xffff is not within the segment: the port is not asked. */
	limit_start(vcpu, limit_insw, 0, 0xffff, 0);
	limit_halted(vcpu, limit_gp, 0, 0xffff, 0);

	/* Two bytes up to the limit, then #GP with the registers moved that far. */
	kt_get_sregs(vcpu, &s);
	s.ds.limit = 0xffef;
	kt_set_sregs(vcpu, &s);
	limit_start(vcpu, limit_outsb, 0xffee, 0, 5);
	take_outs(vcpu, PORT, 1, 2, buf);
	KT_EQ(memcmp(buf, "ef", 2), 0);
	limit_halted(vcpu, limit_gp, 0xfff0, 0, 3);

	/* A device's bytes to memory up to ES' limit. */
	s.ds.base = KT_MMIO;
	s.es.limit = 0x9001;
	kt_set_sregs(vcpu, &s);
	memcpy(device, "device", 6);
	limit_start(vcpu, limit_movsb, 0, 0x9000, 5);
	kt_run_served(vcpu, KT_MMIO, device, sizeof(device));
	KT_EQ(vcpu->run->exit_reason, KVM_EXIT_HLT);
	KT_EQ(memcmp(memory + 0x9000, "de\0", 3), 0);
	limit_start(vcpu, limit_movsb, 1, 0x9002, 1);
	kt_run_served(vcpu, KT_MMIO, device, sizeof(device));
	KT_EQ(vcpu->run->exit_reason, KVM_EXIT_HLT);
	KT_EQ(memory[0x9002], 0);
}

/* INS whose count userspace shrinks between exits: nothing may be written past the end. */
static void ins_rcx_guest(void)
{
	u64 p = (u64)str_in, n = 64;

	asm volatile("cld; rep insb" : "+D"(p), "+c"(n) : "d"(PORT) : "memory");
	GUEST_SYNC_VAL(1, n);
	guest_done();
}

static void io_ins_user_changes_rcx(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, ins_rcx_guest);
	volatile u8 *in = (void *)&GV(vcpu->vm, str_in);
	u32 first, seen = 0;
	struct kvm_regs r;

	memset((void *)in, 0x55, STR_LEN * 4);
	KT_RUN_EXIT(vcpu, KVM_EXIT_IO);
	KT_EQ(vcpu->run->io.port, PORT);
	first = vcpu->run->io.count;
	memset(kt_io_data(vcpu), 0xcc, first);
	kt_get_regs(vcpu, &r);
	r.rcx = 1;
	kt_set_regs(vcpu, &r);
	for (int i = 0; i < 70; i++) {
		struct kt_ucall uc;

		KT_RUN_EXIT(vcpu, KVM_EXIT_IO);
		if (kt_ucall(vcpu, &uc)) {
			KT_EQ(uc.cmd, UC_SYNC);
			break;
		}
		memset(kt_io_data(vcpu), 0xcc, vcpu->run->io.count);
	}
	for (u32 i = 0; i < STR_LEN * 4; i++)
		seen += in[i] == 0xcc;
	KT_TRUE(seen <= 64, "%u bytes written", seen);
	KT_EQ(in[64], 0x55);
}

/* ---- MMIO --------------------------------------------------------------------------------- */

#define DEV (KT_MMIO + 4096)

static void mmio_sizes_guest(void)
{
	u64 v;

	wr8(DEV + 1, 0x12);
	*(volatile u16 *)(DEV + 2) = 0x3456;
	wr32(DEV + 4, 0x789abcde);
	wr64(DEV + 8, 0xfedcba9876543210);
	GUEST_SYNC(1);
	GUEST_EQ(rd8(DEV + 1), 0x12);
	GUEST_EQ(*(volatile u16 *)(DEV + 2), 0x3456);
	GUEST_EQ(rd32(DEV + 4), 0x789abcde);
	GUEST_EQ(rd64(DEV + 8), 0xfedcba9876543210);
	v = ~0UL;
	asm volatile("movzbq (%1), %0" : "=r"(v) : "r"(DEV + 7));
	GUEST_EQ(v, 0x78);
	asm volatile("movsbq (%1), %0" : "=r"(v) : "r"(DEV + 15));
	GUEST_EQ(v, 0xfffffffffffffffe);
	asm volatile("movslq (%1), %0" : "=r"(v) : "r"(DEV + 12));
	GUEST_EQ(v, 0xfffffffffedcba98);
	v = ~0UL;
	asm volatile("movl (%1), %k0" : "+r"(v) : "r"(DEV + 8));
	GUEST_EQ(v, 0x76543210);
	v = ~0UL;
	asm volatile("movw (%1), %w0" : "+r"(v) : "r"(DEV + 8));
	GUEST_EQ(v, 0xffffffffffff3210);
	guest_done();
}

static void mmio_sizes(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, mmio_sizes_guest);
	struct kvm_run *run = vcpu->run;
	static const struct {
		u32 off, len;
		u64 v;
	} w[] = {
		{ 1, 1, 0x12 }, { 2, 2, 0x3456 }, { 4, 4, 0x789abcde },
		{ 8, 8, 0xfedcba9876543210 },
	};

	for (unsigned int i = 0; i < 4; i++) {
		u64 v = 0;

		KT_RUN_EXIT(vcpu, KVM_EXIT_MMIO);
		KT_EQ(run->mmio.is_write, 1);
		KT_EQ(run->mmio.phys_addr, DEV + w[i].off);
		KT_EQ(run->mmio.len, w[i].len);
		memcpy(&v, run->mmio.data, w[i].len);
		KT_EQ(v, w[i].v);
		kt_mmio_serve(vcpu, KT_MMIO, device, sizeof(device));
	}
	KT_RUN_SYNC(vcpu, 1);
	for (unsigned int i = 0; i < 4; i++) {
		KT_RUN_EXIT(vcpu, KVM_EXIT_MMIO);
		KT_EQ(run->mmio.is_write, 0);
		KT_EQ(run->mmio.phys_addr, DEV + w[i].off);
		KT_EQ(run->mmio.len, w[i].len);
		kt_mmio_serve(vcpu, KT_MMIO, device, sizeof(device));
	}
	for (unsigned int i = 0; i < 5; i++) {
		KT_RUN_EXIT(vcpu, KVM_EXIT_MMIO);
		kt_mmio_serve(vcpu, KT_MMIO, device, sizeof(device));
	}
	KT_RUN_DONE(vcpu);
}

static void mmio_cross_guest(void)
{
	u64 ram_end = KT_MEM;

	/* Two device pages. */
	for (u64 k = 1; k < 8; k++) {
		u64 at = KT_MMIO + 4096 - k, v = 0x0102030405060708 * k;

		wr64(at, v);
		GUEST_EQ(rd64(at), v);
	}
	wr32(KT_MMIO + 8190, 0xa1b2c3d4);
	GUEST_EQ(rd32(KT_MMIO + 8190), 0xa1b2c3d4);
	*(volatile u16 *)(KT_MMIO + 4095) = 0x6655;
	GUEST_EQ(*(volatile u16 *)(KT_MMIO + 4095), 0x6655);
	GUEST_SYNC(1);
	/* RAM in front, the device behind, and through the page tables the other way round. */
	wr64(ram_end - 3, 0x8877665544332211);
	GUEST_EQ(rd64(ram_end - 3), 0x8877665544332211);
	GUEST_SYNC(2);
	*guest_pte(KT_TEST_AREA) = KT_MMIO | 7;
	flush_page(KT_TEST_AREA);
	wr64(KT_TEST_AREA + 0xffd, 0x1827364554637281);
	GUEST_EQ(rd64(KT_TEST_AREA + 0xffd), 0x1827364554637281);
	GUEST_EQ(rd32(KT_TEST_AREA + 0x1000), 0x27364554);
	guest_done();
}

static void mmio_page_crossing(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, mmio_cross_guest);
	static u8 above[4096];

	kt_run_served(vcpu, KT_MMIO, device, sizeof(device));
	KT_TRUE(vcpu->run->exit_reason == KVM_EXIT_IO);
	KT_EQ(*(u32 *)(device + 8190), 0xa1b2c3d4);
	KT_EQ(*(u16 *)(device + 4095), 0x6655);
	kt_run_served(vcpu, KT_MEM, above, sizeof(above));
	KT_EQ(vcpu->run->exit_reason, KVM_EXIT_IO);
	KT_EQ(vcpu->vm->mem[KT_MEM - 3], 0x11);
	KT_EQ(vcpu->vm->mem[KT_MEM - 1], 0x33);
	KT_EQ(above[0], 0x44);
	KT_EQ(above[4], 0x88);
	kt_run_served(vcpu, KT_MMIO, device, sizeof(device));
	KT_EQ(vcpu->run->exit_reason, KVM_EXIT_IO);
	KT_EQ(device[0xffd], 0x81);
	KT_EQ(device[0xfff], 0x63);
	KT_EQ(vcpu->vm->mem[KT_TEST_AREA + 0x1000], 0x54);
}

/* Read-modify-write: a read exit, then a write exit, flags by the value read. */
static void mmio_rmw_guest(void)
{
	u8 cf;

	wr32(DEV, 0xfffffffe);
	asm volatile("addl $2, (%1); setc %0" : "=r"(cf) : "r"(DEV) : "memory", "cc");
	GUEST_EQ(cf, 1);
	GUEST_EQ(rd32(DEV), 0);
	asm volatile("lock orl $0x80000001, (%0)" : : "r"(DEV) : "memory", "cc");
	GUEST_EQ(rd32(DEV), 0x80000001);
	asm volatile("btsl $4, (%1); setc %0" : "=r"(cf) : "r"(DEV) : "memory", "cc");
	GUEST_EQ(cf, 0);
	GUEST_EQ(rd32(DEV), 0x80000011);
	guest_done();
}

static void mmio_read_modify_write(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, mmio_rmw_guest);

	kt_run_served(vcpu, KT_MMIO, device, sizeof(device));
	KT_EQ(vcpu->run->exit_reason, KVM_EXIT_IO);
	KT_EQ(*(u32 *)(device + 4096), 0x80000011);
}

static void mmio_string_guest(void)
{
	u64 s = (u64)str_out, d = DEV, n = 200;

	for (u32 i = 0; i < 200; i++)
		str_out[i] = i * 0x10001;
	asm volatile("cld; rep movsl" : "+S"(s), "+D"(d), "+c"(n) : : "memory");
	GUEST_EQ(n, 0);
	GUEST_EQ(d, DEV + 800);
	s = DEV;
	d = (u64)str_in;
	n = 100;
	asm volatile("rep movsq" : "+S"(s), "+D"(d), "+c"(n) : : "memory");
	GUEST_EQ(n, 0);
	for (u32 i = 0; i < 200; i++)
		GUEST_EQ(((volatile u32 *)str_in)[i], i * 0x10001);
	/* Device to device. */
	s = DEV;
	d = DEV + 2048;
	n = 33;
	asm volatile("rep movsb" : "+S"(s), "+D"(d), "+c"(n) : : "memory");
	GUEST_EQ(s, DEV + 33);
	d = DEV + 3000;
	n = 17;
	asm volatile("rep stosw" : "+D"(d), "+c"(n) : "a"(0xa55a) : "memory");
	GUEST_EQ(d, DEV + 3034);
	guest_done();
}

static void mmio_string(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, mmio_string_guest);
	u8 *p = device + 4096;

	kt_run_served(vcpu, KT_MMIO, device, sizeof(device));
	KT_EQ(vcpu->run->exit_reason, KVM_EXIT_IO);
	KT_EQ(((u32 *)p)[199], 199 * 0x10001);
	KT_EQ(memcmp(p, p + 2048, 33), 0);
	KT_EQ(p[2048 + 33], 0);
	KT_EQ(*(u16 *)(p + 3000 + 32), 0xa55a);
	KT_EQ(p[3034], 0);
}

/* A fetch from where no memory is cannot be emulated: a named error, not a loop. */
static void mmio_fetch_guest(void)
{
	asm volatile("jmp *%0" : : "r"(DEV));
	guest_done();
}

static void mmio_instruction_fetch(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, mmio_fetch_guest);

	KT_RUN_EXIT(vcpu, KVM_EXIT_INTERNAL_ERROR);
	KT_EQ(vcpu->run->internal.suberror, KVM_INTERNAL_ERROR_EMULATION);
}

/* The access's page is mapped read-only by the guest's own tables: #PF, no MMIO exit. */
static void mmio_guest_fault_guest(void)
{
	*guest_pte(KT_TEST_AREA) = KT_MMIO | 5;
	*guest_pte(KT_TEST_AREA + 4096) = 0;
	asm volatile("mov %%cr3, %%rax; mov %%rax, %%cr3" : : : "rax", "memory");
	GUEST_EQ(GUEST_TRY("movl $1, (%0)", NOTHING, "r"(KT_TEST_AREA)), 14);
	GUEST_EQ(guest_exc.error, 3);
	GUEST_EQ(guest_exc.cr2, KT_TEST_AREA);
	/* Crosses into a page that is not present: the device must see nothing of the write. */
	*guest_pte(KT_TEST_AREA) = KT_MMIO | 7;
	flush_page(KT_TEST_AREA);
	GUEST_EQ(GUEST_TRY("movq $1, (%0)", NOTHING, "r"(KT_TEST_AREA + 0xffc)), 14);
	GUEST_EQ(guest_exc.error, 2);
	GUEST_EQ(guest_exc.cr2, KT_TEST_AREA + 0x1000);
	guest_done();
}

static void mmio_guest_page_fault(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, mmio_guest_fault_guest);

	KT_RUN_DONE(vcpu);
}

/* ---- HLT, shutdown ------------------------------------------------------------------------ */

static void hlt_guest(void)
{
	for (int i = 0; i < 3; i++) {
		hlt();
		GUEST_SYNC(i);
	}
	guest_done();
}

static void hlt_without_irqchip(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, hlt_guest);

	for (int i = 0; i < 3; i++) {
		KT_RUN_EXIT(vcpu, KVM_EXIT_HLT);
		KT_RUN_SYNC(vcpu, i);
	}
	KT_RUN_DONE(vcpu);
}

static void triple_fault_guest(void)
{
	struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) idtr = { 0, 0 };

	asm volatile("lidt %0; ud2" : : "m"(idtr));
	guest_done();
}

static void triple_fault(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, triple_fault_guest);

	KT_RUN_EXIT(vcpu, KVM_EXIT_SHUTDOWN);
	/* Set up anew the vCPU is as good as new. */
	kt_vcpu_long(vcpu, io_out_guest);
	KT_RUN_EXIT(vcpu, KVM_EXIT_IO);
	KT_EQ(vcpu->run->io.port, PORT);
}

/* ---- CPUID -------------------------------------------------------------------------------- */

static struct kvm_cpuid_entry2 cpuid_table[100];
static u32 cpuid_count;

static void cpuid_guest(void)
{
	for (u32 i = 0; i < cpuid_count; i++) {
		volatile struct kvm_cpuid_entry2 *e = &cpuid_table[i];
		u32 r[4], mask[4] = { ~0u, ~0u, ~0u, ~0u };

		guest_cpuid(e->function, e->index, r);
		if (e->function == 1)
			mask[2] &= ~(1u << 27);
		if (e->function == 7 && !e->index)
			mask[2] &= ~(1u << 4);
		if (e->function == 0xd)
			mask[1] = 0;
		if (e->function == 2)
			mask[0] &= ~0xffu;
		GUEST_EQ(r[0] & mask[0], e->eax & mask[0]);
		GUEST_EQ(r[1] & mask[1], e->ebx & mask[1]);
		GUEST_EQ(r[2] & mask[2], e->ecx & mask[2]);
		GUEST_EQ(r[3] & mask[3], e->edx & mask[3]);
	}
	GUEST_SYNC(1);
	guest_done();
}

static void cpuid_table_seen(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, cpuid_guest);
	struct kvm_cpuid2 *c = kt_supported_cpuid();

	for (u32 i = 0; i < c->nent; i++)
		if (c->entries[i].function == 1)
			c->entries[i].ebx &= 0xffffff;
	KT_IOCTL(vcpu->fd, KVM_SET_CPUID2, c);
	GV(vcpu->vm, cpuid_count) = c->nent;
	memcpy((void *)&GV(vcpu->vm, cpuid_table), c->entries, c->nent * sizeof(c->entries[0]));
	KT_RUN_SYNC(vcpu, 1);
}

static void cpuid_range_guest(void)
{
	u32 r[4];

	/* Upper halves are cleared. */
	{
		u64 a = ~0UL << 32, b = ~0UL, c = ~0UL << 32, d = ~0UL;

		asm volatile("cpuid" : "+a"(a), "+b"(b), "+c"(c), "+d"(d));
		GUEST_EQ(a >> 32 | b >> 32 | c >> 32 | d >> 32, 0);
		GUEST_EQ(a, 7);
	}
	guest_cpuid(5, 0, r);		/* in range, not in the table */
	GUEST_EQ(r[0] | r[1] | r[2] | r[3], 0);
	guest_cpuid(0x1000, 0, r);	/* above the highest: the highest */
	GUEST_EQ(r[0], 0x70);
	GUEST_EQ(r[1], 0x71);
	guest_cpuid(7, 3, r);		/* significant index that is not in the table */
	GUEST_EQ(r[0] | r[1] | r[2] | r[3], 0);
	guest_done();
}

static void cpuid_out_of_range(void)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 e[4];
	} c = {
		.head.nent = 4,
		.e = {
			{ .function = 0, .eax = 7, .ebx = 0x756e6547, .edx = 0x49656e69,
			  .ecx = 0x6c65746e },
			{ .function = 1, .eax = 0x506e3, .edx = 0x078bfbff },
			{ .function = 7, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX, .eax = 0x70,
			  .ebx = 0x71 },
			{ .function = 0x80000001, .edx = 0x20100800 },
		},
	};
	struct kt_vcpu *vcpu = kt_long(0, 0, cpuid_range_guest);

	KT_IOCTL(vcpu->fd, KVM_SET_CPUID2, &c);
	KT_RUN_DONE(vcpu);
}

static const struct kt_test tests[] = {
	{ "io_out", io_out },
	{ "io_in", io_in },
	{ "io_string", io_string },
	{ "string_segment_limits", string_segment_limits },
	{ "io_ins_user_changes_rcx", io_ins_user_changes_rcx },
	{ "mmio_sizes", mmio_sizes },
	{ "mmio_page_crossing", mmio_page_crossing },
	{ "mmio_read_modify_write", mmio_read_modify_write },
	{ "mmio_string", mmio_string },
	{ "mmio_instruction_fetch", mmio_instruction_fetch },
	{ "mmio_guest_page_fault", mmio_guest_page_fault },
	{ "hlt_without_irqchip", hlt_without_irqchip },
	{ "triple_fault", triple_fault },
	{ "cpuid_table_seen", cpuid_table_seen },
	{ "cpuid_out_of_range", cpuid_out_of_range },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
