// SPDX-License-Identifier: GPL-2.0-only
/*
 * MINIKVM_GET_VMCS: what is in a vCPU's VMCS, and which rules of the SDM it breaks.
 *
 * The fields agree with KVM_GET_REGS and KVM_GET_SREGS, a new vCPU breaks no rule, and one whose
 * state KVM takes and the processor refuses breaks the one that the processor refuses it for. What
 * tells of the host is not shown without CAP_SYS_ADMIN. A guest that never exits, and one that
 * sleeps in HLT, do not keep the reader waiting. SDM, "VM Entries". Skips on KVM. Relies on lib/.
 */
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <time.h>
#include <linux/minikvm.h>

#include "guest.h"

#define ROOM 400

#define F_EPT_POINTER	0x201a
#define F_GUEST_CR0	0x6800
#define F_GUEST_CR3	0x6802
#define F_GUEST_RSP	0x681c
#define F_GUEST_RIP	0x681e
#define F_GUEST_RFLAGS	0x6820
#define F_HOST_CR3	0x6c02
#define F_HOST_RIP	0x6c16

static struct minikvm_vmcs_value fields[ROOM];
static struct minikvm_vmcs_rule rules[ROOM];

static struct minikvm_vmcs get(struct kt_vcpu *vcpu)
{
	struct minikvm_vmcs v = {
		.nr_fields = ROOM, .nr_rules = ROOM,
		.fields = (u64)(unsigned long)fields, .rules = (u64)(unsigned long)rules,
	};

	memset(fields, 0xee, sizeof(fields));
	memset(rules, 0xee, sizeof(rules));
	KT_IOCTL(vcpu->fd, MINIKVM_GET_VMCS, &v);
	KT_TRUE(v.nr_fields > 80 && v.nr_fields < ROOM, "%u fields", v.nr_fields);
	KT_TRUE(v.nr_rules > 100 && v.nr_rules < ROOM, "%u rules", v.nr_rules);
	return v;
}

static const struct minikvm_vmcs_value *find(const struct minikvm_vmcs *v, u32 encoding)
{
	for (u32 i = 0; i < v->nr_fields; i++)
		if (fields[i].encoding == encoding)
			return &fields[i];
	kt_fail("field 0x%x is missing", encoding);
}

static void need_minikvm(void)
{
	if (!kt_is_minikvm())
		kt_skip("KVM shows no VMCS");
}

static volatile u64 turns;

static void syncs(void)
{
	for (u64 i = 0; ; i++)
		GUEST_SYNC(i);
}

static void spins(void)
{
	for (;;)
		turns++;
}

static void halts(void)
{
	for (;;)
		asm volatile("sti; hlt");
}

static void no_rule_broken(const struct minikvm_vmcs *v)
{
	for (u32 i = 0; i < v->nr_rules; i++) {
		if (!memchr(rules[i].text, 0, sizeof(rules[i].text)) || !rules[i].section[0])
			kt_fail("rule %u has no end, or no section", i);
		if (rules[i].flags & MINIKVM_VMCS_BROKEN)
			kt_fail("field 0x%x = 0x%llx breaks: %s", rules[i].field,
				(unsigned long long)rules[i].value, rules[i].text);
	}
	KT_EQ(v->nr_broken, 0);
}

static void agrees(struct kt_vcpu *vcpu)
{
	struct minikvm_vmcs v = get(vcpu);
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	KT_EQ(v.flags, 0);
	kt_get_regs(vcpu, &regs);
	kt_get_sregs(vcpu, &sregs);
	KT_EQ(find(&v, F_GUEST_RIP)->value, regs.rip);
	KT_EQ(find(&v, F_GUEST_RSP)->value, regs.rsp);
	KT_EQ(find(&v, F_GUEST_RFLAGS)->value, regs.rflags);
	KT_EQ(find(&v, F_GUEST_CR3)->value, sregs.cr3);
	KT_TRUE(find(&v, F_GUEST_CR0)->value & 1);
	no_rule_broken(&v);
}

static void fields_and_verdict(void)
{
	struct kt_vcpu *vcpu;

	need_minikvm();
	vcpu = kt_long(0, 0, syncs);
	/* Before the first entry, after one, and with registers that wait for the next. */
	agrees(vcpu);
	KT_RUN_SYNC(vcpu, 0);
	agrees(vcpu);
	kt_vcpu_long(vcpu, syncs);
	agrees(vcpu);
	KT_RUN_SYNC(vcpu, 0);
}

/* The same as entry_fail's: KVM_SET_REGS takes it, the processor does not. */
static void broken_before_it_fails(void)
{
	static const u8 real_code[] = { 0xf4, 0xf4 };
	struct minikvm_vmcs v;
	struct kt_vcpu *vcpu;
	struct kvm_regs r;
	u32 found = 0;

	need_minikvm();
	vcpu = kt_long(0, 0, syncs);
	kt_vcpu_real(vcpu, real_code, real_code + 2);
	kt_get_regs(vcpu, &r);
	r.rip = 1UL << 40;
	kt_set_regs(vcpu, &r);
	v = get(vcpu);
	KT_EQ(v.nr_broken, 1);
	for (u32 i = 0; i < v.nr_rules; i++) {
		if (!(rules[i].flags & MINIKVM_VMCS_BROKEN))
			continue;
		found++;
		KT_EQ(rules[i].field, F_GUEST_RIP);
		KT_EQ(rules[i].value, 1UL << 40);
		KT_TRUE(strstr(rules[i].text, "outside 64-bit mode"), "%s", rules[i].text);
		KT_TRUE(strstr(rules[i].section, "RIP"), "%s", rules[i].section);
	}
	KT_EQ(found, 1);
	KT_RUN_EXIT(vcpu, KVM_EXIT_FAIL_ENTRY);
}

static void refused(void)
{
	struct minikvm_vmcs v = { .flags = 4 };
	struct kt_vcpu *vcpu;
	int status;
	pid_t pid;

	need_minikvm();
	vcpu = kt_long(0, 0, syncs);
	KT_IOCTL_ERR(vcpu->fd, MINIKVM_GET_VMCS, &v, EINVAL);
	KT_IOCTL_ERR(vcpu->fd, MINIKVM_GET_VMCS, 8, EFAULT);
	v.flags = 0;
	KT_IOCTL_ERR(vcpu->fd, MINIKVM_GET_VMCS, &v, E2BIG);
	KT_TRUE(v.nr_fields > 80 && v.nr_rules > 100);
	/* The numbers that it has told are enough, and one less is not. */
	v.fields = (u64)(unsigned long)fields;
	v.rules = (u64)(unsigned long)rules;
	KT_IOCTL(vcpu->fd, MINIKVM_GET_VMCS, &v);
	v.nr_rules--;
	KT_IOCTL_ERR(vcpu->fd, MINIKVM_GET_VMCS, &v, E2BIG);
	v.rules = 8;
	KT_IOCTL_ERR(vcpu->fd, MINIKVM_GET_VMCS, &v, EFAULT);
	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(ioctl(vcpu->fd, MINIKVM_GET_VMCS, &v) == -1 && errno == EIO ? 0 : 1);
	waitpid(pid, &status, 0);
	KT_EQ(status, 0);
}

/* No link pointer, the TSC offset, masks and shadows of CR0 and CR4. */
static bool may_be_high(const struct minikvm_vmcs_value *v)
{
	return v->value == ~0UL || v->encoding == 0x2010 || (v->encoding & ~6U) == 0x6000;
}

/* What tells of the host: all of the host-state area, and addresses in other groups. */
static void host_is_masked(void)
{
	struct minikvm_vmcs v;
	struct kt_vcpu *vcpu;

	need_minikvm();
	vcpu = kt_long(0, 0, syncs);
	KT_RUN_SYNC(vcpu, 0);
	v = get(vcpu);
	for (u32 i = 0; i < v.nr_fields; i++)
		KT_EQ(fields[i].flags, 0);
	KT_TRUE(find(&v, F_HOST_RIP)->value >> 63);
	KT_TRUE(find(&v, F_EPT_POINTER)->value);
	if (setresuid(65534, 65534, 65534))
		kt_fail("setresuid: %s", kt_errno_name(errno));
	v = get(vcpu);
	for (u32 i = 0; i < v.nr_fields; i++) {
		if ((fields[i].encoding >> 10 & 3) == 3)
			KT_EQ(fields[i].flags, MINIKVM_VMCS_MASKED);
		if (fields[i].flags & MINIKVM_VMCS_MASKED)
			KT_EQ(fields[i].value, 0);
		/* No kernel address anywhere: the guest has none either. */
		KT_TRUE(fields[i].value < 0xffff800000000000 || may_be_high(&fields[i]),
			"field 0x%x = 0x%llx", fields[i].encoding,
			(unsigned long long)fields[i].value);
	}
	/* I/O and MSR bitmaps, MSR areas, PML, virtual-APIC and APIC-access page, PI descriptor. */
	for (u32 i = 0; i < v.nr_fields; i++)
		if ((fields[i].encoding >= 0x2000 && fields[i].encoding <= 0x200e) ||
		    (fields[i].encoding >= 0x2012 && fields[i].encoding <= 0x2016))
			KT_TRUE(fields[i].flags == MINIKVM_VMCS_MASKED, "field 0x%x",
				fields[i].encoding);
	KT_EQ(find(&v, F_EPT_POINTER)->flags, MINIKVM_VMCS_MASKED);
	KT_EQ(find(&v, F_GUEST_RIP)->flags, 0);
	for (u32 i = 0; i < v.nr_rules; i++)
		if ((rules[i].field >> 10 & 3) == 3)
			KT_TRUE(rules[i].flags == MINIKVM_VMCS_MASKED && !rules[i].value);
	KT_EQ(v.nr_broken, 0);
}

static void *runner(void *arg)
{
	struct kt_vcpu *vcpu = arg;

	ioctl(vcpu->fd, KVM_RUN, 0);
	return NULL;
}

static void while_it_runs(struct kt_vcpu *vcpu)
{
	struct minikvm_vmcs v = { };
	pthread_t thread;

	KT_EQ(pthread_create(&thread, NULL, runner, vcpu), 0);
	for (int i = 0; i < 1000 && !(v.flags & MINIKVM_VMCS_RUNNING); i++) {
		kt_msleep(10);
		v = get(vcpu);
	}
	KT_EQ(v.flags, MINIKVM_VMCS_RUNNING);
	no_rule_broken(&v);
	for (int i = 0; i < 20; i++) {
		v = get(vcpu);
		KT_EQ(v.flags, MINIKVM_VMCS_RUNNING);
	}
	KT_TRUE(find(&v, F_GUEST_RIP)->value >= KT_IMAGE);
	/* The thread ends with the process. */
}

static void endless_guest(void)
{
	struct kt_vcpu *vcpu;
	u64 before;

	need_minikvm();
	vcpu = kt_long(0, 0, spins);
	while_it_runs(vcpu);
	/* And it goes on. */
	before = GV(vcpu->vm, turns);
	for (int i = 0; i < 1000 && GV(vcpu->vm, turns) == before; i++)
		kt_msleep(10);
	KT_TRUE(GV(vcpu->vm, turns) != before);
}

static void halted_guest(void)
{
	need_minikvm();
	while_it_runs(kt_long(0, KT_IRQCHIP, halts));
}

/* ---- the reader's processor is another one ------------------------------------------------- */

/* This thread goes to @cpu; false if there is none. */
static bool go_to_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return !sched_setaffinity(0, sizeof(set), &set);
}

/*
 * A reader on CPU 1 makes the VMCS active there. The vCPU that comes there next must find the
 * host's state of that CPU in it all the same, or an exit takes CPU 0's per-CPU data.
 */
static void read_elsewhere(void)
{
	struct kt_vcpu *vcpu;

	need_minikvm();
	if (!go_to_cpu(1))
		kt_skip("one processor");
	go_to_cpu(0);
	vcpu = kt_long(0, 0, syncs);
	for (u64 i = 0; i < 20; i += 2) {
		KT_RUN_SYNC(vcpu, i);
		go_to_cpu(1);
		get(vcpu);
		KT_RUN_SYNC(vcpu, i + 1);
		go_to_cpu(0);
		get(vcpu);
	}
}

static const struct kt_test tests[] = {
	{ "fields_and_verdict", fields_and_verdict },
	{ "broken_before_it_fails", broken_before_it_fails },
	{ "refused", refused },
	{ "host_is_masked", host_is_masked },
	{ "endless_guest", endless_guest },
	{ "halted_guest", halted_guest },
	{ "read_elsewhere", read_elsewhere },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
