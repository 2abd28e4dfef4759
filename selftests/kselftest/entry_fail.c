// SPDX-License-Identifier: GPL-2.0-only
/*
 * Failing VM entries, made on purpose by MINIKVM_VCPU_SET_VMCS (uapi/linux/minikvm.h): each must
 * become KVM_EXIT_FAIL_ENTRY with the hardware's reason and a log line that names field, value,
 * rule and SDM section; the host, another VM and the same vCPU go on. SDM volume 3, "VM Entries".
 * Before each, MINIKVM_GET_VMCS must give the same verdict of the entry that is still to come.
 * Nor may failures flood the log, or tell where things lie in the host's memory. Needs minikvm
 * loaded with inject=1; skips on KVM. Relies on lib/ and /dev/kmsg.
 */
#include <fcntl.h>
#include <linux/minikvm.h>

#include "guest.h"

#define CONTROL 7			/* VM-instruction error: invalid control field(s) */
#define GUEST 0x80000021UL		/* exit reason 33 with bit 31 */
#define MSR_LOAD 0x80000022UL

struct injection {
	const char *what;
	const char *field;		/* as the log names it; NULL: only the reason is checked */
	u32 encoding;
	u64 value;
	u64 reason;
	const char *says;		/* words of the rule, if the field has many */
};

static const struct injection cr_dr[] = {
	{ "CR0 with PG and without PE", "GUEST_CR0", 0x6800, 0x80050032, GUEST },
	{ "CR4 without VMXE", "GUEST_CR4", 0x6804, 0x620, GUEST },
	{ "CR4 with bit 63", "GUEST_CR4", 0x6804, 1UL << 63 | 0x2620, GUEST },
	{ "CR3 beyond MAXPHYADDR", "GUEST_CR3", 0x6802, 1UL << 60, GUEST },
	{ "DR7 with its upper half", NULL, 0x681a, 1UL << 40 | 0x400, GUEST },
};

static const struct injection rip_rflags[] = {
	{ "RFLAGS without bit 1", "GUEST_RFLAGS", 0x6820, 0x200, GUEST },
	{ "RFLAGS with bit 15", "GUEST_RFLAGS", 0x6820, 0x8202, GUEST },
	{ "RFLAGS with VM in long mode", "GUEST_RFLAGS", 0x6820, 0x20202, GUEST },
};

static const struct injection bases[] = {
	{ "FS base not canonical", "GUEST_FS_BASE", 0x680e, 0x0000800000000000, GUEST },
	{ "GS base not canonical", "GUEST_GS_BASE", 0x6810, 0x8000000000000000, GUEST },
	{ "TR base not canonical", "GUEST_TR_BASE", 0x6814, 0x0000800000000000, GUEST },
	{ "CS base above 4 GiB", "GUEST_CS_BASE", 0x6808, 1UL << 32, GUEST },
	{ "DS base above 4 GiB", "GUEST_DS_BASE", 0x680c, 1UL << 40, GUEST },
	{ "GDTR base not canonical", "GUEST_GDTR_BASE", 0x6816, 0x0000800000000000, GUEST },
	{ "IDTR base not canonical", "GUEST_IDTR_BASE", 0x6818, 0xffff000000000000, GUEST },
	{ "GDTR limit above FFFFH", "GUEST_GDTR_LIMIT", 0x4810, 0x10000, GUEST },
	{ "IDTR limit above FFFFH", "GUEST_IDTR_LIMIT", 0x4812, 0xffffffff, GUEST },
	{ "SYSENTER_ESP not canonical", "GUEST_SYSENTER_ESP", 0x6824, 1UL << 47, GUEST },
	{ "SYSENTER_EIP not canonical", "GUEST_SYSENTER_EIP", 0x6826, 1UL << 62, GUEST },
};

static const struct injection access_rights[] = {
	{ "ES not accessed", "GUEST_ES_AR_BYTES", 0x4814, 0xc092, GUEST },
	{ "CS a data segment", "GUEST_CS_AR_BYTES", 0x4816, 0xa093 & ~2U, GUEST },
	{ "SS read-only", "GUEST_SS_AR_BYTES", 0x4818, 0xc091, GUEST },
	{ "DS with reserved bit 8", "GUEST_DS_AR_BYTES", 0x481a, 0xc193, GUEST },
	{ "FS execute-only", "GUEST_FS_AR_BYTES", 0x481c, 0xc099, GUEST },
	{ "GS not present", "GUEST_GS_AR_BYTES", 0x481e, 0xc013, GUEST },
	{ "LDTR no LDT", "GUEST_LDTR_AR_BYTES", 0x4820, 0x83, GUEST },
	{ "TR unusable", "GUEST_TR_AR_BYTES", 0x4822, 0x1008b, GUEST },
	{ "TR an available TSS", "GUEST_TR_AR_BYTES", 0x4822, 0x89, GUEST },
	{ "CS with D and L", "GUEST_CS_AR_BYTES", 0x4816, 0xe09b, GUEST },
};

static const struct injection activity[] = {
	{ "activity state 4", "GUEST_ACTIVITY_STATE", 0x4826, 4, GUEST },
	{ "blocking by STI and by MOV SS", "GUEST_INTERRUPTIBILITY_INFO", 0x4824, 3, GUEST },
	{ "interruptibility bit 10", "GUEST_INTERRUPTIBILITY_INFO", 0x4824, 1 << 10, GUEST },
};

static const struct injection controls[] = {
	{ "no pin-based control", "PIN_BASED_VM_EXEC_CONTROL", 0x4000, 0, CONTROL },
	{ "no processor-based control", "CPU_BASED_VM_EXEC_CONTROL", 0x4002, 0, CONTROL },
	{ "all processor-based controls", "CPU_BASED_VM_EXEC_CONTROL", 0x4002, 0xffffffff,
	  CONTROL },
	{ "no exit control", "VM_EXIT_CONTROLS", 0x400c, 0, CONTROL },
	{ "no entry control", "VM_ENTRY_CONTROLS", 0x4012, 0, CONTROL },
	{ "EPTP of a reserved memory type", "EPT_POINTER", 0x201a, 0x1000 | 3 << 3 | 1, CONTROL },
	{ "EPTP with a walk of 2", "EPT_POINTER", 0x201a, 0x1000 | 1 << 3 | 6, CONTROL },
	{ "EPTP with reserved bits", "EPT_POINTER", 0x201a, 0x1000 | 3 << 3 | 6 | 0x400,
	  CONTROL },
};

/* Rules of which the log is not asked: the verdict has the same words. */
static const struct injection more_registers[] = {
	{ "CR0 without NE", NULL, 0x6800, 0x80050013, GUEST, "bit 5 must be 1" },
	{ "CR4 without PAE", NULL, 0x6804, 0x2600, GUEST, "bit 5 (PAE)" },
	{ "EFER with bit 1", NULL, 0x2806, 0xd03, GUEST, "reserved bits" },
	{ "EFER without LMA", NULL, 0x2806, 0x101, GUEST, "must equal \"IA-32e mode guest\"" },
	{ "EFER without LME", NULL, 0x2806, 0x401, GUEST, "bits 10 (LMA) and 8 (LME)" },
	{ "PAT of type 2", NULL, 0x2804, 0x0007040600070402, GUEST, "byte 0" },
	{ "blocking by SMI", NULL, 0x4824, 4, GUEST, "bit 2 (blocking by SMI)" },
	{ "enclave interruption", NULL, 0x4824, 0x10, GUEST, "without SGX" },
};

static const struct injection more_segments[] = {
	{ "TR in an LDT", NULL, 0x080e, 0x44, GUEST, "TI (bit 2)" },
	{ "SS base above 4 GiB", NULL, 0x680a, 1UL << 32, GUEST, "bits 63:32" },
	{ "ES base above 4 GiB", NULL, 0x6806, 1UL << 32, GUEST, "bits 63:32" },
	{ "CS a system segment", NULL, 0x4816, 0xa08b, GUEST, "bit 4 (S)" },
	{ "CS not present", NULL, 0x4816, 0xa01b, GUEST, "bit 7 (P)" },
	{ "CS with reserved bit 8", NULL, 0x4816, 0xa19b, GUEST, "bits 11:8" },
	{ "CS with reserved bit 17", NULL, 0x4816, 0x2a09b, GUEST, "bits 31:17" },
	{ "CS of DPL 3", NULL, 0x4816, 0xa0fb, GUEST, "non-conforming" },
	{ "conforming CS of DPL 3", NULL, 0x4816, 0xa0ff, GUEST, "for conforming" },
	{ "CS with a limit in bytes", NULL, 0x4816, 0x209b, GUEST, "bit 15 (G) must be 1" },
	{ "DS code that cannot be read", NULL, 0x481a, 0xc099, GUEST, "(readable)" },
	{ "SS a system segment", NULL, 0x4818, 0xc083, GUEST, "bit 4 (S)" },
	{ "SS not present", NULL, 0x4818, 0xc013, GUEST, "bit 7 (P)" },
	{ "TR a code segment", NULL, 0x4822, 0x9b, GUEST, "bit 4 (S) must be 0" },
	{ "TR not present", NULL, 0x4822, 0x0b, GUEST, "bit 7 (P)" },
	{ "TR with reserved bit 8", NULL, 0x4822, 0x18b, GUEST, "bits 11:8" },
	{ "TR with a limit in pages", NULL, 0x4822, 0x808b, GUEST, "bit 15 (G) must be 0" },
	{ "LDTR a data segment", NULL, 0x4820, 0x92, GUEST, "bit 4 (S) must be 0" },
	{ "LDTR not present", NULL, 0x4820, 0x02, GUEST, "bit 7 (P)" },
};

static const struct injection events[] = {
	{ "event of reserved type 1", "VM_ENTRY_INTR_INFO_FIELD", 0x4016, 0x80000140, CONTROL },
	{ "NMI of vector 3", "VM_ENTRY_INTR_INFO_FIELD", 0x4016, 0x80000203, CONTROL },
	{ "exception of vector 32", "VM_ENTRY_INTR_INFO_FIELD", 0x4016, 0x80000320, CONTROL },
	{ "event with reserved bit 20", "VM_ENTRY_INTR_INFO_FIELD", 0x4016, 0x80100220 & ~0x20U,
	  CONTROL },
};

static struct kt_vcpu *victim, *bystander;
static int kmsg;

static void guest(void)
{
	for (u64 i = 0; ; i++) {
		u32 r[4];

		guest_cpuid(0, 0, r);
		GUEST_SYNC(i);
	}
}

static void prepare(void)
{
	struct minikvm_vmcs_field f = { .encoding = 0x6800, .value = 0 };
	char buf[64] = "";
	int fd;

	if (!kt_is_minikvm())
		kt_skip("KVM has no MINIKVM_VCPU_SET_VMCS");
	fd = open("/sys/module/minikvm/parameters/inject", O_RDONLY);
	if (fd < 0 || read(fd, buf, sizeof(buf) - 1) < 1)
		kt_skip("the module has no parameter inject");
	if (buf[0] != 'Y') {
		victim = kt_long(0, 0, guest);
		KT_IOCTL_ERR(victim->fd, MINIKVM_VCPU_SET_VMCS, &f, EPERM);
		kt_skip("the module was not loaded with inject=1");
	}
	victim = kt_long(0, 0, guest);
	bystander = kt_long(0, 0, guest);
	KT_RUN_SYNC(victim, 0);
	KT_RUN_SYNC(bystander, 0);
	kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	if (kmsg < 0)
		kt_skip("no /dev/kmsg");
}

#define ROOM 400

/* The rule that the entry to come breaks: what it says, in words. */
static const char *verdict(const struct injection *in)
{
	static struct minikvm_vmcs_value fields[ROOM];
	static struct minikvm_vmcs_rule rules[ROOM];
	struct minikvm_vmcs v = {
		.nr_fields = ROOM, .nr_rules = ROOM,
		.fields = (u64)(unsigned long)fields, .rules = (u64)(unsigned long)rules,
	};
	const char *first = NULL;

	KT_IOCTL(victim->fd, MINIKVM_GET_VMCS, &v);
	for (u32 i = 0; i < v.nr_rules; i++) {
		if (!(rules[i].flags & MINIKVM_VMCS_BROKEN))
			continue;
		if (!first || (in->says && strstr(rules[i].text, in->says)))
			first = rules[i].text;
		if (rules[i].field == in->encoding && rules[i].value == in->value &&
		    (!in->says || strstr(rules[i].text, in->says)))
			return rules[i].text;
	}
	kt_fail("%s: %u rules are broken, none as expected; one is: %s", in->what, v.nr_broken,
		first ? first : "(none)");
}

/*
 * The module explains 20 failures in 5 seconds, and dumps 4 VMCSs: who looks for one in the log
 * waits until what other tests have had explained does not count any more.
 */
static void await_limit(void)
{
	kt_msleep(6000);
}

/* Does a new log record name the field, its value, the rule and a section of the SDM? */
static bool logged(const struct injection *in, const char *rule)
{
	char line[2048], want[512];
	bool found = false;
	ssize_t n;

	snprintf(want, sizeof(want), "%s = 0x%llx: %s", in->field, (unsigned long long)in->value,
		 rule);
	for (int i = 0; i < 20000; i++) {
		n = read(kmsg, line, sizeof(line) - 1);
		if (n < 0 && errno == EPIPE)
			continue;
		if (n <= 0)
			break;
		line[n] = 0;
		if (strstr(line, want) && strstr(line, "(SDM, \""))
			found = true;
	}
	return found;
}

static void inject(const struct injection *in, u32 n)
{
	u64 stage = 1;
	u32 silent = 0;

	prepare();
	await_limit();
	for (u32 i = 0; i < n; i++) {
		struct minikvm_vmcs_field f = { .encoding = in[i].encoding, .value = in[i].value };
		const char *rule;
		u64 reason;

		lseek(kmsg, 0, SEEK_END);
		if (ioctl(victim->fd, MINIKVM_VCPU_SET_VMCS, &f))
			kt_fail("%s: MINIKVM_VCPU_SET_VMCS: %s", in[i].what, kt_errno_name(errno));
		rule = verdict(&in[i]);
		if (kt_run_raw(victim))
			kt_fail("%s: KVM_RUN: %s", in[i].what, kt_errno_name(errno));
		if (victim->run->exit_reason != KVM_EXIT_FAIL_ENTRY) {
			kt_dump(victim);
			kt_fail("%s: want KVM_EXIT_FAIL_ENTRY", in[i].what);
		}
		reason = victim->run->fail_entry.hardware_entry_failure_reason;
		if (reason != in[i].reason)
			kt_fail("%s: reason %#llx, want %#llx", in[i].what,
				(unsigned long long)reason, (unsigned long long)in[i].reason);
		if (in[i].field && !logged(&in[i], rule)) {
			kt_note("%s: the log has no '%s = 0x%llx: ... (SDM, ...)'", in[i].what,
				in[i].field, (unsigned long long)in[i].value);
			silent++;
		}
		/* One shot: the same vCPU runs on where it was, and so does the other VM. */
		KT_RUN_SYNC(victim, stage);
		KT_RUN_SYNC(bystander, stage);
		stage++;
	}
	KT_EQ(silent, 0);
}

#define GROUP(name)							\
	static void bad_##name(void)					\
	{								\
		inject(name, KT_ARRAY_SIZE(name));			\
	}

GROUP(cr_dr)
GROUP(rip_rflags)
GROUP(bases)
GROUP(access_rights)
GROUP(activity)
GROUP(controls)
GROUP(events)
GROUP(more_registers)
GROUP(more_segments)

static void refused_arguments(void)
{
	static const u32 host[] = { 0x6c00, 0x6c02, 0x6c16, 0x4400, 0x681, 0xffffffff, 0x2004,
				    0x2800, 0x2012 };
	struct minikvm_vmcs_field f = { 0 };

	prepare();
	for (u32 i = 0; i < KT_ARRAY_SIZE(host); i++) {
		f.encoding = host[i];
		KT_IOCTL_ERR(victim->fd, MINIKVM_VCPU_SET_VMCS, &f, EINVAL);
	}
	f.encoding = 0x6800;
	f.flags = 1;
	KT_IOCTL_ERR(victim->fd, MINIKVM_VCPU_SET_VMCS, &f, EINVAL);
	KT_IOCTL_ERR(victim->fd, MINIKVM_VCPU_SET_VMCS, 8, EFAULT);
	KT_RUN_SYNC(victim, 1);
}

/* The very first entry of a vCPU fails: its VMCS is not launched then. */
static void first_entry_fails(void)
{
	struct minikvm_vmcs_field guest_state = { .encoding = 0x6820, .value = 0x8202 };
	struct minikvm_vmcs_field control = { .encoding = 0x4012, .value = 0 };
	struct kt_vcpu *vcpu;

	prepare();
	vcpu = kt_long(0, 0, guest);
	KT_IOCTL(vcpu->fd, MINIKVM_VCPU_SET_VMCS, &guest_state);
	KT_RUN_EXIT(vcpu, KVM_EXIT_FAIL_ENTRY);
	KT_EQ(vcpu->run->fail_entry.hardware_entry_failure_reason, GUEST);
	KT_RUN_SYNC(vcpu, 0);
	vcpu = kt_long(0, 0, guest);
	KT_IOCTL(vcpu->fd, MINIKVM_VCPU_SET_VMCS, &control);
	KT_RUN_EXIT(vcpu, KVM_EXIT_FAIL_ENTRY);
	KT_EQ(vcpu->run->fail_entry.hardware_entry_failure_reason, CONTROL);
	KT_RUN_SYNC(vcpu, 0);
}

/* A guest in real mode beyond 4 GiB: any owner of a VM can have that. */
static struct kt_vcpu *refused_guest(void)
{
	static const u8 real_code[] = { 0xf4, 0xf4 };
	struct kt_vcpu *vcpu = kt_long(0, 0, guest);
	struct kvm_regs r;

	kt_vcpu_real(vcpu, real_code, real_code + 2);
	kt_get_regs(vcpu, &r);
	r.rip = 1UL << 40;			/* must fit 32 bits outside 64-bit mode */
	kt_set_regs(vcpu, &r);
	return vcpu;
}

/* A state that SET_SREGS and SET_REGS take and the CPU refuses: no privilege is needed. */
static void refused_by_the_cpu_alone(void)
{
	struct kt_vcpu *vcpu;

	prepare();
	vcpu = refused_guest();
	for (int i = 0; i < 3; i++) {
		KT_RUN_EXIT(vcpu, KVM_EXIT_FAIL_ENTRY);
		KT_EQ(vcpu->run->fail_entry.hardware_entry_failure_reason, GUEST);
	}
	kt_vcpu_long(vcpu, guest);
	KT_RUN_SYNC(vcpu, 0);
}

/* More failures than the log may say: none may be lost to the test. */
static void many_failures(void)
{
	prepare();
	for (u32 i = 0; i < 300; i++) {
		struct minikvm_vmcs_field f = { .encoding = 0x6820, .value = 0x8202 };

		KT_IOCTL(victim->fd, MINIKVM_VCPU_SET_VMCS, &f);
		KT_RUN_EXIT(victim, KVM_EXIT_FAIL_ENTRY);
	}
	KT_RUN_SYNC(victim, 1);
	KT_RUN_SYNC(bystander, 1);
}

/* What the log got since the last look. */
struct log_count {
	u32 lines, headings, counts, dumps, host_addresses, shown_addresses;
};

/* Fields that hold an address of the host's; a dump says of these only that they are not 0. */
static const char * const address_fields[] = {
	"IO_BITMAP_", "MSR_BITMAP", "PML_ADDRESS", "VIRTUAL_APIC_PAGE_ADDR", "APIC_ACCESS_ADDR",
	"POSTED_INTR_DESC_ADDR", "EPT_POINTER", "HOST_CR3", "HOST_RSP", "HOST_RIP",
};

static void look_at_line(struct log_count *c, const char *line)
{
	const char *value = strstr(line, " = ");

	c->lines++;
	c->headings += !!strstr(line, "VM entry failed: ");
	c->counts += !!strstr(line, "VM entries failed like one");
	c->dumps += !!strstr(line, "VMCS of vm ");
	for (u32 i = 0; value && i < KT_ARRAY_SIZE(address_fields); i++) {
		if (!strstr(line, address_fields[i]))
			continue;
		if (!strncmp(value, " = (host address)", 17))
			c->host_addresses++;
		else
			c->shown_addresses++;
	}
}

static struct log_count read_log(void)
{
	struct log_count c = { 0 };
	char line[2048];
	ssize_t n;

	for (int i = 0; i < 20000; i++) {
		n = read(kmsg, line, sizeof(line) - 1);
		if (n < 0 && errno == EPIPE)
			continue;
		if (n <= 0)
			break;
		line[n] = 0;
		if (strstr(line, "minikvm: ") || strstr(line, "callbacks suppressed"))
			look_at_line(&c, line);
	}
	return c;
}

/* Each cause is explained once and then counted: at the 10th, the 100th and the 1000th. */
static void one_cause_one_explanation(void)
{
	struct log_count c;
	struct kt_vcpu *vcpu;

	prepare();
	await_limit();
	vcpu = refused_guest();
	lseek(kmsg, 0, SEEK_END);
	for (int i = 0; i < 1000; i++)
		KT_RUN_EXIT(vcpu, KVM_EXIT_FAIL_ENTRY);
	c = read_log();
	kt_note("1000 failures: %u lines, %u headings, %u dumps, %u counts", c.lines, c.headings,
		c.dumps, c.counts);
	KT_EQ(c.headings, 1);
	KT_EQ(c.dumps, 1);
	KT_EQ(c.counts, 3);
	KT_TRUE(c.lines < 120);
}

static void no_host_addresses(void)
{
	struct log_count c;

	prepare();
	await_limit();
	lseek(kmsg, 0, SEEK_END);
	KT_RUN_EXIT(refused_guest(), KVM_EXIT_FAIL_ENTRY);
	c = read_log();
	KT_EQ(c.dumps, 1);
	KT_TRUE(c.host_addresses > 1);
	KT_EQ(c.shown_addresses, 0);
}

/* New VMs do not help either. */
static void many_vms_fail(void)
{
	struct log_count c;

	prepare();
	await_limit();
	lseek(kmsg, 0, SEEK_END);
	for (int i = 0; i < 60; i++) {
		struct kt_vcpu *vcpu = refused_guest();

		KT_RUN_EXIT(vcpu, KVM_EXIT_FAIL_ENTRY);
		kt_vm_free(vcpu->vm);
	}
	c = read_log();
	kt_note("60 VMs: %u lines, %u headings, %u dumps", c.lines, c.headings, c.dumps);
	KT_TRUE(c.dumps && c.dumps < c.headings);
}

static const struct kt_test tests[] = {
	{ "refused_arguments", refused_arguments },
	{ "first_entry_fails", first_entry_fails },
	{ "refused_by_the_cpu_alone", refused_by_the_cpu_alone },
	{ "bad_cr_dr", bad_cr_dr },
	{ "bad_rip_rflags", bad_rip_rflags },
	{ "bad_bases", bad_bases },
	{ "bad_access_rights", bad_access_rights },
	{ "bad_activity", bad_activity },
	{ "bad_controls", bad_controls },
	{ "bad_events", bad_events },
	{ "more_bad_registers", bad_more_registers },
	{ "more_bad_segments", bad_more_segments },
	{ "many_failures", many_failures },
	{ "one_cause_one_explanation", one_cause_one_explanation },
	{ "no_host_addresses", no_host_addresses },
	{ "many_vms_fail", many_vms_fail },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
