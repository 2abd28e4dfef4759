// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions that a VM-execution control makes undefined: each is there exactly if its own CPUID
 * bit is.
 *
 * SDM volume 3, "Changes to Instruction Behavior in VMX Non-Root Operation": enable RDTSCP, enable
 * INVPCID, enable XSAVES, RDRAND and RDSEED exiting. Every row runs with its bit and without, and
 * again with all other bits of the table and none of them. Relies on lib/.
 */
#include "guest.h"

#define UD 6

enum insn { RDTSCP, RDPID, INVPCID, XSAVES, RDRAND, RDSEED, NR_INSNS };

/* Where CPUID names it; PCID, which INVPCID does not need, comes last and is no instruction. */
static const struct {
	const char *name;
	u32 function, index;
	u8 reg, bit;
} bits[] = {
	[RDTSCP] = { "RDTSCP", 0x80000001, 0, 3, 27 },
	[RDPID] = { "RDPID", 7, 0, 2, 22 },
	[INVPCID] = { "INVPCID", 7, 0, 1, 10 },
	[XSAVES] = { "XSAVES", 0xd, 1, 0, 3 },
	[RDRAND] = { "RDRAND", 1, 0, 2, 30 },
	[RDSEED] = { "RDSEED", 7, 0, 1, 18 },
	[NR_INSNS] = { "PCID", 1, 0, 2, 17 },
};

static u32 expect_ud[NR_INSNS], skipped[NR_INSNS];
static u64 got[NR_INSNS];

static void insns_guest(void)
{
	static u8 area[4096] __attribute__((aligned(64)));
	struct { u64 pcid, address; } desc = { };
	u32 a, d, c;
	u64 v;

	GUEST_WRITE_REG("cr4", GUEST_READ_REG("cr4") | 1 << 18);	/* OSXSAVE */
	got[RDTSCP] = GUEST_TRY("rdtscp", OUTS("=a"(a), "=d"(d), "=c"(c)), "i"(0));
	got[INVPCID] = GUEST_TRY("invpcid %0, %1", NOTHING, "m"(desc), "r"(2UL));
	/* XSAVES64 of no component. */
	got[XSAVES] = GUEST_TRY(".byte 0x48, 0x0f, 0xc7, 0x29", NOTHING, "c"(area), "a"(0), "d"(0));
	got[RDRAND] = GUEST_TRY("rdrand %0", "=r"(v), "i"(0));
	got[RDSEED] = GUEST_TRY("rdseed %0", "=r"(v), "i"(0));
	for (u32 i = 0; i < NR_INSNS; i++)
		if (!skipped[i])
			GUEST_EQ(got[i] << 8 | i, (expect_ud[i] ? UD : GUEST_NO_EXC) << 8 | i);
	guest_done();
}

static u32 *word(struct kvm_cpuid2 *c, unsigned int i)
{
	struct kvm_cpuid_entry2 *e = kt_cpuid_entry(c, bits[i].function, bits[i].index);
	u32 *regs;

	if (!e)
		return NULL;
	regs = &e->eax;
	return &regs[bits[i].reg];
}

static bool offered(struct kvm_cpuid2 *c, unsigned int i)
{
	u32 *w = word(c, i);

	return w && *w & 1u << bits[i].bit;
}

/* A guest whose CPUID has those of the host's bits that @mask has. */
static void run_with(u32 mask)
{
	struct kvm_cpuid2 *host = kt_supported_cpuid(), *c = kt_supported_cpuid();
	struct kt_vcpu *vcpu = kt_long(0, 0, insns_guest);
	bool rdpid = offered(host, RDPID) && mask & 1 << RDPID;

	for (u32 i = 0; i <= NR_INSNS; i++)
		if (offered(host, i) && !(mask & 1u << i))
			*word(c, i) &= ~(1u << bits[i].bit);
	KT_IOCTL(vcpu->fd, KVM_SET_CPUID2, c);
	for (u32 i = 0; i < NR_INSNS; i++) {
		/* One control is for RDTSCP and RDPID. */
		bool there = offered(c, i) || (i == RDTSCP && rdpid);

		GV(vcpu->vm, skipped[i]) = !offered(host, i) || i == RDPID;
		GV(vcpu->vm, expect_ud[i]) = !there;
	}
	KT_RUN_DONE(vcpu);
}

#define ALL ((1u << (NR_INSNS + 1)) - 1)

static void one_by_one(void)
{
	struct kvm_cpuid2 *host = kt_supported_cpuid();

	for (u32 i = 0; i <= NR_INSNS; i++) {
		if (!offered(host, i)) {
			kt_note("this host has no %s", bits[i].name);
			continue;
		}
		run_with(1u << i);
		run_with(ALL & ~(1u << i));
	}
}

static void all_and_none(void)
{
	run_with(ALL);
	run_with(0);
}

/* ---- what is there by emulation ------------------------------------------------------------- */

/* KVM's answer, whatever the host has. */
static void emulated_list(void)
{
	struct kvm_cpuid2 *c = calloc(1, sizeof(*c) + 8 * sizeof(c->entries[0]));
	bool rdtscp = offered(kt_supported_cpuid(), RDTSCP);

	c->nent = 8;
	KT_IOCTL(kt_sys(), KVM_GET_EMULATED_CPUID, c);
	KT_EQ(c->nent, 3);
	KT_EQ(c->entries[0].function, 0);
	KT_EQ(c->entries[0].eax, 7);
	KT_EQ(c->entries[1].function, 1);
	KT_EQ(c->entries[1].ecx, 1 << 22);		/* MOVBE */
	KT_EQ(c->entries[2].function, 7);
	KT_EQ(c->entries[2].ecx, rdtscp ? 1 << 22 : 0);	/* RDPID */
	KT_EQ(c->entries[2].flags, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
}

#define RDPID_RAX ".byte 0xf3, 0x0f, 0xc7, 0xf8"
#define RDPID_R12 ".byte 0xf3, 0x41, 0x0f, 0xc7, 0xfc"

static u32 has_rdpid;

static void rdpid_guest(void)
{
	u64 v = ~0UL, r12 = ~0UL;

	if (!has_rdpid) {
		GUEST_EQ(GUEST_TRY(RDPID_RAX, "+a"(v), "i"(0)), UD);
		guest_done();
	}
	wrmsr(0xc0000103, 0x12345678);
	GUEST_EQ(GUEST_TRY(RDPID_RAX, "+a"(v), "i"(0)), GUEST_NO_EXC);
	GUEST_EQ(v, 0x12345678);
	GUEST_EQ(GUEST_TRY("mov %0, %%r12; " RDPID_R12 "; mov %%r12, %0", "+a"(r12), "i"(0)),
		 GUEST_NO_EXC);
	GUEST_EQ(r12, 0x12345678);
	/* What is like it, is not it: 0F C7 /7 of a register without F3 is RDSEED. */
	GUEST_EQ(GUEST_TRY0(".byte 0xf3, 0x0f, 0x0b"), UD);
	guest_done();
}

static void rdpid(void)
{
	for (u32 with = 0; with < 2; with++) {
		struct kvm_cpuid2 *c = kt_supported_cpuid();
		struct kt_vcpu *vcpu = kt_long(0, 0, rdpid_guest);

		if (!offered(c, RDTSCP))
			kt_skip("the host has no RDTSCP");
		*word(c, RDPID) &= ~(1u << bits[RDPID].bit);
		*word(c, RDPID) |= with << bits[RDPID].bit;
		if (!with)
			*word(c, RDTSCP) &= ~(1u << bits[RDTSCP].bit);
		KT_IOCTL(vcpu->fd, KVM_SET_CPUID2, c);
		GV(vcpu->vm, has_rdpid) = with;
		KT_RUN_DONE(vcpu);
	}
}

static const struct kt_test tests[] = {
	{ "one_by_one", one_by_one },
	{ "all_and_none", all_and_none },
	{ "emulated_list", emulated_list },
	{ "emulated_rdpid", rdpid },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
