// SPDX-License-Identifier: GPL-2.0-only
/*
 * What CPUID tells the guest.
 *
 * SDM, "CPUID - CPU Identification"; KVM_SET_CPUID(2), KVM_GET_CPUID2. What the guest sees is
 * userspace's table with a few bits that follow the guest's own registers; those are kept current
 * when the registers change, so that the exit only looks up and copies. Relies on
 * cpuid_supported.c for what the module offers, and on fpu.c for XSAVE sizes.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/kvm_para.h>
#include <asm/processor.h>

#include "arch/x86/cpu/cpuid.h"
#include "arch/x86/cpu/cr.h"
#include "arch/x86/cpu/fpu.h"
#include "arch/x86/irq/lapic.h"
#include "arch/x86/regs.h"
#include "arch/x86/vmx/vmx.h"
#include "trace/kvm_x86_events.h"

/* Where the words of the capability array come from. */
struct caps_source {
	u32 function, index;
	u8 reg;			/* 0 EAX, 1 EBX, 2 ECX, 3 EDX */
	u8 word;		/* enum cpuid_leafs */
};

static const struct caps_source caps_sources[] = {
	{ 1, 0, 3, CPUID_1_EDX }, { 1, 0, 2, CPUID_1_ECX },
	{ 7, 0, 1, CPUID_7_0_EBX }, { 7, 0, 2, CPUID_7_ECX }, { 7, 0, 3, CPUID_7_EDX },
	{ 7, 1, 0, CPUID_7_1_EAX }, { 0xd, 1, 0, CPUID_D_1_EAX },
	{ 0x80000001, 0, 3, CPUID_8000_0001_EDX }, { 0x80000001, 0, 2, CPUID_8000_0001_ECX },
};

static __always_inline bool answers(const struct kvm_cpuid_entry2 *e, u32 function, u32 index)
{
	return e->function == function &&
	       (!(e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) || e->index == index);
}

static struct kvm_cpuid_entry2 *scan(struct kvm_cpuid_entry2 *entries, int nent, u32 function,
				     u32 index)
{
	struct kvm_cpuid_entry2 *e;

	for (e = entries; e < entries + nent; e++) {
		if (answers(e, function, index))
			return e;
	}
	return NULL;
}

/* Where the entries of a leaf begin: at its first one, or for leaves without an index anywhere. */
static __always_inline struct kvm_cpuid_entry2 *first_entry(struct mkvm_vcpu *vcpu, u32 function)
{
	u32 slot, first;

	if (function < ARRAY_SIZE(vcpu->arch.cpuid_basic)) {
		slot = array_index_nospec(function, ARRAY_SIZE(vcpu->arch.cpuid_basic));
		first = vcpu->arch.cpuid_basic[slot];
	} else if (function - 0x80000000u < ARRAY_SIZE(vcpu->arch.cpuid_extended)) {
		slot = array_index_nospec(function - 0x80000000u,
					  ARRAY_SIZE(vcpu->arch.cpuid_extended));
		first = vcpu->arch.cpuid_extended[slot];
	} else {
		first = vcpu->arch.cpuid_nent ? 1 : 0;
	}
	return first ? vcpu->arch.cpuid + first - 1 : NULL;
}

static struct kvm_cpuid_entry2 *find(struct mkvm_vcpu *vcpu, u32 function, u32 index)
{
	struct kvm_cpuid_entry2 *e = first_entry(vcpu, function);

	if (!e)
		return NULL;
	return scan(e, vcpu->arch.cpuid + vcpu->arch.cpuid_nent - e, function, index);
}

/*
 * SDM: a leaf beyond the highest one of its range reads as the highest basic leaf. (AMD's rule
 * is zeros.) The hypervisor's range ends where its first leaf says, if it has one.
 */
static struct kvm_cpuid_entry2 *find_out_of_range(struct mkvm_vcpu *vcpu, u32 function,
						  u32 index)
{
	struct kvm_cpuid_entry2 *base;

	if (vcpu->arch.cpuid_amd_range || !vcpu->arch.cpuid_nent)
		return NULL;
	if (function >= 0x40000000 && function <= 0x4fffffff)
		base = find(vcpu, function & 0xffffff00, 0);
	else if (function >= 0x80000000)
		base = find(vcpu, function & 0xffff0000, 0);
	else
		base = find(vcpu, 0, 0);
	if (base && function <= base->eax)
		return NULL;
	return find(vcpu, vcpu->arch.cpuid_max_basic, index);
}

static __always_inline void give(struct mkvm_vcpu *vcpu, const struct kvm_cpuid_entry2 *e)
{
	vcpu->arch.regs[GREG_RAX] = e->eax;
	vcpu->arch.regs[GREG_RBX] = e->ebx;
	vcpu->arch.regs[GREG_RCX] = e->ecx;
	vcpu->arch.regs[GREG_RDX] = e->edx;
}

/* Topology: past the last level the level number and the x2APIC ID still show. */
static void execute_missing(struct mkvm_vcpu *vcpu, u32 function, u32 index)
{
	const struct kvm_cpuid_entry2 *e = NULL;

	if (function == 0xb || function == 0x1f)
		e = find(vcpu, function, 1);
	vcpu->arch.regs[GREG_RAX] = 0;
	vcpu->arch.regs[GREG_RBX] = 0;
	vcpu->arch.regs[GREG_RCX] = e ? index & 0xff : 0;
	vcpu->arch.regs[GREG_RDX] = e ? e->edx : 0;
}

/* Any entry of a leaf, or none. Out of line: the usual case calls nothing and saves no register. */
static noinline const struct kvm_cpuid_entry2 *execute(struct mkvm_vcpu *vcpu, u32 function,
						       u32 index)
{
	const struct kvm_cpuid_entry2 *e = find(vcpu, function, index);

	if (!e)
		e = find_out_of_range(vcpu, function, index);
	if (e)
		give(vcpu, e);
	else
		execute_missing(vcpu, function, index);
	return e;
}

static noinline void execute_traced(struct mkvm_vcpu *vcpu, u32 function, u32 index)
{
	const struct kvm_cpuid_entry2 *e = execute(vcpu, function, index);
	const unsigned long *regs = vcpu->arch.regs;

	trace_kvm_cpuid(function, index, regs[GREG_RAX], regs[GREG_RBX], regs[GREG_RCX],
			regs[GREG_RDX], e && e->function == function,
			e && e->function != function);
}

/**
 * cpuid_execute() - the CPUID exit: EAX, EBX, ECX, EDX from EAX and ECX
 * @vcpu: the vCPU; only registers change, RIP is the caller's
 *
 * Two array look-ups for the usual leaves: the first entry of a leaf is nearly always the one.
 *
 * Context: any, interrupts may be off.
 */
void cpuid_execute(struct mkvm_vcpu *vcpu)
{
	u32 function = vcpu->arch.regs[GREG_RAX], index = vcpu->arch.regs[GREG_RCX];
	const struct kvm_cpuid_entry2 *e = first_entry(vcpu, function);

	if (trace_kvm_cpuid_enabled())
		execute_traced(vcpu, function, index);
	else if (likely(e && answers(e, function, index)))
		give(vcpu, e);
	else
		execute(vcpu, function, index);
}

static void set_bits(u32 *word, u32 mask, bool on)
{
	*word = on ? *word | mask : *word & ~mask;
}

/* KVM's leaves may stand behind those of another hypervisor: found by their signature. */
static struct kvm_cpuid_entry2 *find_pv_features(struct kvm_cpuid_entry2 *entries, int nent)
{
	struct kvm_cpuid_entry2 *e;
	u32 base;

	for (base = 0x40000000; base < 0x40010000; base += 0x100) {
		e = scan(entries, nent, base, 0);
		if (e && !memcmp(&e->ebx, KVM_SIGNATURE, 12))
			return scan(entries, nent, base | KVM_CPUID_FEATURES, 0);
	}
	return NULL;
}

/* HLT that does not exit ends by no kick: the guest must not sleep in it for a lock. */
static void hide_unhalt(struct mkvm_vcpu *vcpu, struct kvm_cpuid_entry2 *entries, int nent)
{
	struct kvm_cpuid_entry2 *e;

	if (!(vcpu->vm->arch.disabled_exits & KVM_X86_DISABLE_EXITS_HLT))
		return;
	e = find_pv_features(entries, nent);
	if (e)
		e->eax &= ~BIT(KVM_FEATURE_PV_UNHALT);
}

/* Bits of CPUID that mirror a register of the guest. */
static void apply_runtime(struct mkvm_vcpu *vcpu, struct kvm_cpuid_entry2 *entries, int nent)
{
	struct kvm_cpuid_entry2 *e;

	e = scan(entries, nent, 1, 0);
	if (e) {
		set_bits(&e->ecx, BIT(27), vcpu->arch.cr4 & X86_CR4_OSXSAVE);
		/* With the quirk, CPUID says MWAIT whatever IA32_MISC_ENABLE says. */
		if (vcpu->vm->arch.disabled_quirks & KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT)
			set_bits(&e->ecx, BIT(3),
				 vcpu->arch.misc_enable & MSR_IA32_MISC_ENABLE_MWAIT);
		set_bits(&e->edx, BIT(9), vcpu->arch.apic_base & MSR_IA32_APICBASE_ENABLE);
	}
	e = scan(entries, nent, 7, 0);
	if (e)
		set_bits(&e->ecx, BIT(4), vcpu->arch.cr4 & X86_CR4_PKE);
	e = scan(entries, nent, 0xd, 0);
	if (e)
		e->ebx = fpu_xstate_size(vcpu->arch.xcr0, false);
	e = scan(entries, nent, 0xd, 1);
	if (e && (e->eax & (BIT(1) | BIT(3))))	/* XSAVEC, XSAVES */
		e->ebx = fpu_xstate_size(vcpu->arch.xcr0 | vcpu->arch.ia32_xss, true);
}

/**
 * cpuid_update_runtime() - refresh the bits that mirror other state
 * @vcpu: the vCPU, whose CR4.OSXSAVE, CR4.PKE, XCR0, XSS or APIC enable changed
 */
void cpuid_update_runtime(struct mkvm_vcpu *vcpu)
{
	struct kvm_cpuid_entry2 *e;

	apply_runtime(vcpu, vcpu->arch.cpuid, vcpu->arch.cpuid_nent);
	/* The one mirrored bit for which guest_cpuid_has() is asked. */
	e = find(vcpu, 1, 0);
	if (e)
		set_bits(&vcpu->arch.guest_caps[X86_FEATURE_MWAIT / 32],
			 BIT(X86_FEATURE_MWAIT & 31), e->ecx & BIT(3));
}

static void build_index(struct mkvm_vcpu *vcpu)
{
	struct mkvm_arch_vcpu *a = &vcpu->arch;
	u16 *slot;
	int i;

	memset(a->cpuid_basic, 0, sizeof(a->cpuid_basic));
	memset(a->cpuid_extended, 0, sizeof(a->cpuid_extended));
	for (i = 0; i < a->cpuid_nent; i++) {
		u32 function = a->cpuid[i].function;

		if (function < ARRAY_SIZE(a->cpuid_basic))
			slot = &a->cpuid_basic[function];
		else if (function - 0x80000000u < ARRAY_SIZE(a->cpuid_extended))
			slot = &a->cpuid_extended[function - 0x80000000u];
		else
			continue;
		if (!*slot)
			*slot = i + 1;
	}
}

static u32 entry_reg(const struct kvm_cpuid_entry2 *e, u8 reg)
{
	const u32 regs[] = { e->eax, e->ebx, e->ecx, e->edx };

	return regs[reg];
}

static u8 query_maxphyaddr(struct mkvm_vcpu *vcpu)
{
	struct kvm_cpuid_entry2 *e = find(vcpu, 0x80000000, 0);

	if (e && e->eax >= 0x80000008) {
		e = find(vcpu, 0x80000008, 0);
		if (e)
			return e->eax & 0xff;
	}
	return 36;
}

/* Everything that follows from a new table; the table is in place. */
static void table_changed(struct mkvm_vcpu *vcpu)
{
	struct mkvm_arch_vcpu *a = &vcpu->arch;
	struct kvm_cpuid_entry2 *e;
	unsigned int i;

	build_index(vcpu);
	e = find(vcpu, 0, 0);
	a->cpuid_max_basic = e ? e->eax : 0;
	/* "AuthenticAMD" and "HygonGenuine" begin their second register like this. */
	a->cpuid_amd_range = e && (e->ebx == 0x68747541 || e->ebx == 0x6f677948);

	memset(a->guest_caps, 0, sizeof(a->guest_caps));
	for (i = 0; i < ARRAY_SIZE(caps_sources); i++) {
		const struct caps_source *s = &caps_sources[i];

		e = find(vcpu, s->function, s->index);
		if (e)
			a->guest_caps[s->word] = entry_reg(e, s->reg);
	}
	e = find(vcpu, 7, 2);
	a->guest_cap_7_2_edx = e ? e->edx & supported_7_2_edx : 0;

	e = find_pv_features(a->cpuid, a->cpuid_nent);
	a->pv_features = e ? e->eax : 0;
	a->maxphyaddr = query_maxphyaddr(vcpu);
	e = find(vcpu, 0xd, 0);
	a->guest_supported_xcr0 = e ? (e->eax | (u64)e->edx << 32) & fpu_supported_xcr0 : 0;
}

static void derive(struct mkvm_vcpu *vcpu)
{
	vcpu->arch.reserved_gpa_bits = GENMASK_ULL(63, vcpu->arch.maxphyaddr);
	vcpu->arch.cr4_guest_rsvd = cr4_reserved_bits(vcpu);
	fpu_update_switch(vcpu);
}

/**
 * cpuid_vcpu_init() - a new vCPU has what the module offers, until KVM_SET_CPUID2
 * @vcpu: the vCPU, not visible yet
 */
void cpuid_vcpu_init(struct mkvm_vcpu *vcpu)
{
	memcpy(vcpu->arch.guest_caps, supported_caps, sizeof(supported_caps));
	vcpu->arch.guest_cap_7_2_edx = supported_7_2_edx;
	vcpu->arch.maxphyaddr = boot_cpu_data.x86_phys_bits;
	vcpu->arch.guest_supported_xcr0 = fpu_supported_xcr0;
	derive(vcpu);
}

/**
 * cpuid_vcpu_free() - the end of a vCPU
 * @vcpu: the vCPU
 */
void cpuid_vcpu_free(struct mkvm_vcpu *vcpu)
{
	kvfree(vcpu->arch.cpuid);
	vcpu->arch.cpuid = NULL;
	vcpu->arch.cpuid_nent = 0;
}

static int check_entries(struct mkvm_vcpu *vcpu, struct kvm_cpuid_entry2 *entries, int nent)
{
	struct kvm_cpuid_entry2 *e = scan(entries, nent, 0x80000008, 0);
	u32 linear;

	if (!e)
		return 0;
	linear = (e->eax >> 8) & 0xff;
	if (linear && linear != 48 && linear != 57) {
		mkvm_refuse(vcpu->vm, "KVM_SET_CPUID2: %u linear-address bits, not 48 or 57",
			    linear);
		return -EINVAL;
	}
	if ((e->eax & 0xff) > 52) {
		mkvm_refuse(vcpu->vm, "KVM_SET_CPUID2: %u physical-address bits, more than 52",
			    e->eax & 0xff);
		return -EINVAL;
	}
	return 0;
}

static bool same_entries(struct mkvm_vcpu *vcpu, struct kvm_cpuid_entry2 *entries, int nent)
{
	int i;

	if (nent != vcpu->arch.cpuid_nent)
		return false;
	apply_runtime(vcpu, entries, nent);
	for (i = 0; i < nent; i++) {
		/* The padding at the end says nothing. */
		if (memcmp(&entries[i], &vcpu->arch.cpuid[i],
			   offsetof(struct kvm_cpuid_entry2, padding)))
			return false;
	}
	return true;
}

/* Takes @entries over (or frees it). 0 or -EINVAL with the old table still in force. */
static int set_entries(struct mkvm_vcpu *vcpu, struct kvm_cpuid_entry2 *entries, int nent)
{
	int ret;

	hide_unhalt(vcpu, entries, nent);
	/* What the guest saw cannot change under it; repeating the same is harmless. */
	if (vcpu->arch.ran) {
		ret = same_entries(vcpu, entries, nent) ? 0 : -EINVAL;
		if (ret)
			mkvm_refuse(vcpu->vm, "KVM_SET_CPUID2: other data after KVM_RUN");
		goto free;
	}
	ret = check_entries(vcpu, entries, nent);
	if (ret)
		goto free;

	swap(vcpu->arch.cpuid, entries);
	vcpu->arch.cpuid_nent = nent;
	table_changed(vcpu);
	derive(vcpu);
	cpuid_update_runtime(vcpu);
	vmx_cpuid_changed(vcpu);
	if (vcpu->arch.apic)
		lapic_cpuid_changed(vcpu);
free:
	kvfree(entries);
	return ret;
}

/* @user's @nent entries of @size bytes each, charged to the VM's owner; NULL when @nent is 0. */
static void *copy_entries(const void __user *user, u32 nent, size_t size)
{
	void *entries;

	if (!nent)
		return NULL;
	entries = kvmalloc_array(nent, size, GFP_KERNEL_ACCOUNT);
	if (!entries)
		return ERR_PTR(-ENOMEM);
	if (copy_from_user(entries, user, nent * size)) {
		kvfree(entries);
		return ERR_PTR(-EFAULT);
	}
	return entries;
}

static int read_nent(struct mkvm_vcpu *vcpu, const u32 __user *user, u32 *nent)
{
	if (get_user(*nent, user))
		return -EFAULT;
	if (*nent > MKVM_MAX_CPUID_ENTRIES) {
		mkvm_refuse(vcpu->vm, "KVM_SET_CPUID: %u entries, more than %u", *nent,
			    MKVM_MAX_CPUID_ENTRIES);
		return -E2BIG;
	}
	return 0;
}

/**
 * cpuid_set_ioctl() - KVM_SET_CPUID2
 * @vcpu: loaded vCPU
 * @user: the table
 *
 * Return: 0; -E2BIG for more than MKVM_MAX_CPUID_ENTRIES; -EINVAL, -EFAULT, -ENOMEM.
 */
int cpuid_set_ioctl(struct mkvm_vcpu *vcpu, struct kvm_cpuid2 __user *user)
{
	struct kvm_cpuid_entry2 *entries;
	u32 nent;
	int ret;

	ret = read_nent(vcpu, &user->nent, &nent);
	if (ret)
		return ret;
	entries = copy_entries(user->entries, nent, sizeof(*entries));
	if (IS_ERR(entries))
		return PTR_ERR(entries);
	return set_entries(vcpu, entries, nent);
}

/* KVM_SET_CPUID: the same without subleaves. */
/**
 * cpuid_set_legacy_ioctl() - KVM_SET_CPUID
 * @vcpu: loaded vCPU
 * @user: the structure
 *
 * Return: 0 or -errno.
 */
int cpuid_set_legacy_ioctl(struct mkvm_vcpu *vcpu, struct kvm_cpuid __user *user)
{
	struct kvm_cpuid_entry2 *entries = NULL;
	struct kvm_cpuid_entry *old;
	u32 nent, i;
	int ret;

	ret = read_nent(vcpu, &user->nent, &nent);
	if (ret)
		return ret;
	old = copy_entries(user->entries, nent, sizeof(*old));
	if (IS_ERR(old))
		return PTR_ERR(old);
	if (nent) {
		entries = kvcalloc(nent, sizeof(*entries), GFP_KERNEL_ACCOUNT);
		if (!entries) {
			kvfree(old);
			return -ENOMEM;
		}
	}
	for (i = 0; i < nent; i++) {
		entries[i].function = old[i].function;
		entries[i].eax = old[i].eax;
		entries[i].ebx = old[i].ebx;
		entries[i].ecx = old[i].ecx;
		entries[i].edx = old[i].edx;
	}
	kvfree(old);
	return set_entries(vcpu, entries, nent);
}

/* KVM_GET_CPUID2: -E2BIG when the room is too small; as in KVM, nent is then left alone. */
/**
 * cpuid_get_ioctl() - KVM_GET_CPUID2
 * @vcpu: loaded vCPU
 * @user: the structure
 *
 * Return: 0, -E2BIG with the number in @user, or -EFAULT.
 */
int cpuid_get_ioctl(struct mkvm_vcpu *vcpu, struct kvm_cpuid2 __user *user)
{
	u32 room, nent = vcpu->arch.cpuid_nent;

	if (get_user(room, &user->nent))
		return -EFAULT;
	if (room < nent) {
		mkvm_refuse(vcpu->vm, "KVM_GET_CPUID2: room for %u entries, there are %u", room,
			    nent);
		return -E2BIG;
	}
	if (put_user(nent, &user->nent) ||
	    copy_to_user(user->entries, vcpu->arch.cpuid, nent * sizeof(*vcpu->arch.cpuid)))
		return -EFAULT;
	return 0;
}
