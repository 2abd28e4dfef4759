// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tracepoints: where they are, which fields they have, when they come, and that they are counted to
 * the last one.
 *
 * Documentation/tracing.rst; tracefs, and perf_event_open(2) with PERF_TYPE_TRACEPOINT. What is
 * compared are the lines of a trace instance of the test's own, the guest's actions, and the
 * module's counters in debugfs. Runs on /dev/kvm, too, whose events are the model. Relies on lib/.
 */
#include <fcntl.h>
#include <linux/minikvm.h>
#include <linux/perf_event.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "guest.h"

#define TRACEFS "/sys/kernel/tracing"
#define INSTANCE TRACEFS "/instances/kt_trace"
#define PORT 0x1234

/* ---- tracefs ------------------------------------------------------------------------------ */

/* The system in which the events of the device under test are. */
static const char *kvm_system(void)
{
	struct stat st;

	/* While the module kvm is loaded, its events have the place. */
	if (kt_is_minikvm() && !stat("/sys/module/kvm", &st))
		return "minikvm";
	return "kvm";
}

static const char *event_file(const char *system, const char *event, const char *file)
{
	static char path[256];

	snprintf(path, sizeof(path), INSTANCE "/events/%s/%s%s%s", system, event,
		 *event ? "/" : "", file);
	return path;
}

static void set_event(const char *system, const char *event, const char *file, const char *text)
{
	const char *path = event_file(system, event, file);

	KT_TRUE(kt_write_file(path, text), "%s: %s", path, strerror(errno));
}

/* All events of KVM's in an instance that only this test has. */
static void trace_on(void)
{
	set_event(kvm_system(), "", "enable", "1");
}

static void trace_off(void)
{
	set_event(kvm_system(), "", "enable", "0");
}

static void trace_begin(void)
{
	struct stat st;

	if (stat(TRACEFS "/events", &st))
		mount("tracefs", TRACEFS, "tracefs", 0, NULL);
	if (stat(TRACEFS "/events", &st))
		kt_skip("no tracefs in this kernel");
	/* Left behind by a test that failed. */
	if (!stat(INSTANCE, &st)) {
		kt_write_file(INSTANCE "/events/enable", "0");
		rmdir(INSTANCE);
	}
	KT_TRUE(!mkdir(INSTANCE, 0700), "%s", strerror(errno));
}

static void trace_end(void)
{
	kt_write_file(INSTANCE "/events/enable", "0");
	KT_TRUE(!rmdir(INSTANCE), "%s", strerror(errno));
}

static char *read_whole(const char *path)
{
	size_t size = 0, room = 1 << 16;
	char *text = malloc(room);
	FILE *f = fopen(path, "r");
	size_t n;

	KT_TRUE(f && text, "%s", path);
	while ((n = fread(text + size, 1, room - size - 1, f)) > 0) {
		size += n;
		if (room - size < 4096)
			text = realloc(text, room *= 2);
		KT_TRUE(text);
	}
	fclose(f);
	text[size] = 0;
	return text;
}

/* How many lines does the trace have of @event, with @words in them if that is not NULL? */
static unsigned int lines(const char *event, const char *words)
{
	char *text = read_whole(INSTANCE "/trace"), *line, *next, mark[64];
	unsigned int n = 0;

	snprintf(mark, sizeof(mark), " %s: ", event);
	for (line = text; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		if (*line != '#' && strstr(line, mark) && (!words || strstr(line, words)))
			n++;
	}
	free(text);
	return n;
}

static void show_trace(void)
{
	char *text = read_whole(INSTANCE "/trace"), *line = strtok(text, "\n");

	for (int i = 0; line && i < 400; i++, line = strtok(NULL, "\n"))
		kt_note("%.200s", line);
	free(text);
}

#define LINES(event, words, want)						\
	do {									\
		unsigned int __n = lines(event, words), __want = want;		\
		if (__n != __want) {						\
			show_trace();						\
			kt_fail("%u lines of %s with '%s', want %u", __n, event,	\
				(words) ? (const char *)(words) : "", __want);	\
		}								\
	} while (0)

/* ---- formats ------------------------------------------------------------------------------ */

/* Fields as KVM of Linux 6.1 has them; newer kernels and minikvm may have more behind. */
static const struct { const char *event, *fields; } formats[] = {
	{ "kvm_entry", "unsigned int vcpu_id;unsigned long rip;" },
	{ "kvm_exit", "unsigned int exit_reason;unsigned long guest_rip;u32 isa;u64 info1;"
		      "u64 info2;u32 intr_info;u32 error_code;unsigned int vcpu_id;" },
	{ "kvm_hypercall", "unsigned long nr;unsigned long a0;unsigned long a1;unsigned long a2;"
			   "unsigned long a3;" },
	{ "kvm_pio", "unsigned int rw;unsigned int port;unsigned int size;unsigned int count;"
		     "unsigned int val;" },
	{ "kvm_cpuid", "unsigned int function;unsigned int index;unsigned long rax;"
		       "unsigned long rbx;unsigned long rcx;unsigned long rdx;bool found;"
		       "bool used_max_basic;" },
	{ "kvm_apic", "unsigned int rw;unsigned int reg;u64 val;" },
	{ "kvm_inj_virq", "unsigned int vector;bool soft;bool reinjected;" },
	{ "kvm_inj_exception", "u8 exception;u8 has_error;u32 error_code;bool reinjected;" },
	{ "kvm_page_fault", "unsigned int vcpu_id;unsigned long guest_rip;u64 fault_address;"
			    "u64 error_code;" },
	{ "kvm_msr", "unsigned write;u32 ecx;u64 data;u8 exception;" },
	{ "kvm_cr", "unsigned int rw;unsigned int cr;unsigned long val;" },
	{ "kvm_pic_set_irq", "__u8 chip;__u8 pin;__u8 elcr;__u8 imr;bool coalesced;" },
	{ "kvm_apic_ipi", "__u32 icr_low;__u32 dest_id;" },
	{ "kvm_apic_accept_irq", "__u32 apicid;__u16 dm;__u16 tm;__u8 vec;" },
	{ "kvm_apicv_accept_irq", "__u32 apicid;__u16 dm;__u16 tm;__u8 vec;" },
	{ "kvm_eoi", "__u32 apicid;int vector;" },
	{ "kvm_write_tsc_offset", "unsigned int vcpu_id;__u64 previous_tsc_offset;"
				  "__u64 next_tsc_offset;" },
	{ "kvm_pml_full", "unsigned int vcpu_id;" },
	{ "kvm_pvclock_update", "unsigned int vcpu_id;__u32 version;__u64 tsc_timestamp;"
				"__u64 system_time;__u32 tsc_to_system_mul;__s8 tsc_shift;"
				"__u8 flags;" },
	{ "kvm_pi_irte_update", "unsigned int host_irq;unsigned int vcpu_id;unsigned int gsi;"
				"unsigned int gvec;u64 pi_desc_addr;bool set;" },
	{ "kvm_hv_timer_state", "unsigned int vcpu_id;unsigned int hv_timer_in_use;" },
	{ "kvm_userspace_exit", "__u32 reason;int errno;" },
	{ "kvm_vcpu_wakeup", "__u64 ns;bool waited;bool valid;" },
	{ "kvm_set_irq", "unsigned int gsi;int level;int irq_source_id;" },
	{ "kvm_ioapic_set_irq", "__u64 e;int pin;bool coalesced;" },
	{ "kvm_msi_set_irq", "__u64 address;__u64 data;" },
	{ "kvm_ack_irq", "unsigned int irqchip;unsigned int pin;" },
	{ "kvm_mmio", "u32 type;u32 len;u64 gpa;u64 val;" },
	{ "kvm_fpu", "u32 load;" },
	{ "kvm_try_async_get_page", "__u64 gva;u64 gfn;" },
	{ "kvm_async_pf_not_present", "__u64 token;__u64 gva;" },
	{ "kvm_async_pf_ready", "__u64 token;__u64 gva;" },
	{ "kvm_async_pf_completed", "unsigned long address;u64 gva;" },
	{ "kvm_halt_poll_ns", "bool grow;unsigned int vcpu_id;unsigned int new;unsigned int old;" },
	{ "kvm_unmap_hva_range", "unsigned long start;unsigned long end;" },
	{ "kvm_age_hva", "unsigned long start;unsigned long end;" },
	{ "kvm_test_age_hva", "unsigned long hva;" },
};

/* The fields behind the common ones, "type name;" each. */
static void fields_of(const char *event, char *fields, size_t size)
{
	char *text = read_whole(event_file(kvm_system(), event, "format")), *p = text, *end;

	*fields = 0;
	while ((p = strstr(p, "\tfield:"))) {
		p += 7;
		end = strchr(p, ';');
		KT_TRUE(end && strlen(fields) + (end - p) + 2 < size);
		if (!memmem(p, end - p, " common_", 8))
			strncat(fields, p, end - p + 1);
		p = end;
	}
	free(text);
}

static void all_fields(void)
{
	char have[1024], want[1024], *p;

	trace_begin();
	for (unsigned int i = 0; i < KT_ARRAY_SIZE(formats); i++) {
		fields_of(formats[i].event, have, sizeof(have));
		/* The same type: checkpatch wants it written in full. */
		while ((p = strstr(have, "unsigned int write")))
			memmove(p + 8, p + 12, strlen(p + 12) + 1);
		snprintf(want, sizeof(want), "%s", formats[i].fields);
		if (strncmp(have, want, strlen(want)))
			kt_fail("%s has the fields '%s', want first '%s'", formats[i].event, have,
				want);
	}
	trace_end();
}

/* ---- what a guest does -------------------------------------------------------------------- */

#define NR_CPUID 10
#define NR_RDMSR 7
#define NR_VMCALL 3

static void busy_guest(void)
{
	u64 value;
	u32 r[4];

	for (;;) {
		for (int i = 0; i < NR_CPUID; i++)
			guest_cpuid(0x1234, 5, r);
		for (int i = 0; i < NR_RDMSR; i++)
			rdmsr(0x1b);
		for (int i = 0; i < NR_VMCALL; i++)
			asm volatile("vmcall" : "=a"(value)
				     : "a"(77UL), "b"(1UL), "c"(2UL), "d"(3UL), "S"(4UL) : "memory");
		try_rdmsr(0x12345, &value);
		outw(PORT, 0x2233);
		r[0] = inl(PORT + 1);
		wr32(KT_MMIO + 8, 0x4455);
		r[0] = rd32(KT_MMIO + 0x10);
		GUEST_SYNC(1);
	}
}

/* One round of busy_guest(), with the answers that it wants. */
static void round_of(struct kt_vcpu *vcpu)
{
	u32 value = 0x8899;

	KT_RUN_EXIT(vcpu, KVM_EXIT_IO);
	KT_RUN_EXIT(vcpu, KVM_EXIT_IO);
	memcpy(kt_io_data(vcpu), &value, sizeof(value));
	KT_RUN_EXIT(vcpu, KVM_EXIT_MMIO);
	KT_RUN_EXIT(vcpu, KVM_EXIT_MMIO);
	memcpy(vcpu->run->mmio.data, &value, sizeof(value));
	KT_RUN_SYNC(vcpu, 1);
}

/* Every line of the trace follows from what the guest did, and every action has its line. */
static void actions(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, busy_guest);

	trace_begin();
	round_of(vcpu);
	trace_on();
	round_of(vcpu);
	trace_off();

	LINES("kvm_cpuid", NULL, NR_CPUID);
	LINES("kvm_cpuid", "func 1234 idx 5 ", NR_CPUID);
	LINES("kvm_msr", "msr_read 1b = 0x", NR_RDMSR);
	LINES("kvm_msr", "msr_read 12345 = 0x0 (#GP)", 1);
	LINES("kvm_hypercall", NULL, NR_VMCALL);
	LINES("kvm_hypercall", "nr 0x4d a0 0x1 a1 0x2 a2 0x3 a3 0x4", NR_VMCALL);
	LINES("kvm_inj_exception", "#GP (0x0)", 1);
	LINES("kvm_pio", "pio_write at 0x1234 size 2 count 1 val 0x2233", 1);
	LINES("kvm_pio", "pio_read at 0x1235 size 4 count 1 val 0x8899", 1);
	LINES("kvm_mmio", "mmio write len 4 gpa 0x40000008 val 0x4455", 1);
	LINES("kvm_mmio", "mmio unsatisfied-read len 4 gpa 0x40000010 val 0x0", 1);
	LINES("kvm_mmio", "mmio read len 4 gpa 0x40000010 val 0x8899", 1);
	LINES("kvm_userspace_exit", "reason KVM_EXIT_IO (2)", 3);
	LINES("kvm_userspace_exit", "reason KVM_EXIT_MMIO (6)", 2);
	LINES("kvm_fpu", "unload", 5);
	LINES("kvm_exit", "reason CPUID ", NR_CPUID);
	LINES("kvm_exit", "reason MSR_READ ", NR_RDMSR + 1);
	LINES("kvm_exit", "reason VMCALL ", NR_VMCALL);
	LINES("kvm_exit", "reason IO_INSTRUCTION ", 3);
	LINES("kvm_entry", NULL, lines("kvm_exit", NULL));
	trace_end();
}

/* kvm_exit agrees with the module's own counters, reason by reason. */
static void exit_counts(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, busy_guest);
	u64 before[KT_EXIT_REASONS], after[KT_EXIT_REASONS], all = 0;

	if (!kt_exit_counts(vcpu, before))
		kt_skip("no counters of exits in debugfs");
	trace_begin();
	trace_on();
	for (int i = 0; i < 5; i++)
		round_of(vcpu);
	KT_TRUE(kt_exit_counts(vcpu, after));
	trace_off();
	round_of(vcpu);
	for (int i = 0; i < KT_EXIT_REASONS; i++)
		all += after[i] - before[i];
	LINES("kvm_exit", NULL, all);
	LINES("kvm_exit", "reason EPT_VIOLATION ", after[48] - before[48]);
	LINES("kvm_exit", "reason EXTERNAL_INTERRUPT ", after[1] - before[1]);
	/* A known doorbell's are no page faults. */
	KT_TRUE(lines("kvm_page_fault", "vcpu 0 rip 0x") > 0);
	KT_TRUE(lines("kvm_page_fault", NULL) <= after[48] - before[48]);
	trace_end();
}

static void off_on_off(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, busy_guest);

	trace_begin();
	round_of(vcpu);
	LINES("kvm_exit", NULL, 0);
	for (int i = 1; i <= 3; i++) {
		set_event(kvm_system(), "kvm_exit", "enable", "1");
		round_of(vcpu);
		set_event(kvm_system(), "kvm_exit", "enable", "0");
		round_of(vcpu);
		LINES("kvm_exit", "reason CPUID ", i * NR_CPUID);
		LINES("kvm_entry", NULL, 0);
	}
	trace_end();
}

static void filter(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, busy_guest);

	trace_begin();
	set_event(kvm_system(), "kvm_exit", "filter", "exit_reason == 10 && vcpu_id == 0");
	trace_on();
	round_of(vcpu);
	trace_off();
	LINES("kvm_exit", NULL, NR_CPUID);
	trace_end();
}

/* perf's way: an event's number, and a counter of it. */
static void perf_counter(void)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT, .size = sizeof(attr) };
	struct kt_vcpu *vcpu = kt_long(0, 0, busy_guest);
	char *text;
	u64 count = 0;
	int fd;

	trace_begin();
	text = read_whole(event_file(kvm_system(), "kvm_cpuid", "id"));
	attr.config = strtoul(text, NULL, 10);
	free(text);
	fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
	if (fd < 0)
		kt_skip("perf_event_open: %s", strerror(errno));
	round_of(vcpu);
	round_of(vcpu);
	KT_EQ(read(fd, &count, sizeof(count)), sizeof(count));
	KT_EQ(count, 2 * NR_CPUID);
	close(fd);
	round_of(vcpu);
	trace_end();
}

/* ---- interrupts --------------------------------------------------------------------------- */

#define VECTOR 0x51

static void irq_guest(void)
{
	guest_handler[VECTOR] = guest_count_x2eoi;
	wrmsr(0x1b, rdmsr(0x1b) | 0xc00);	/* x2APIC mode */
	wrmsr(0x80f, 0x1ff);			/* SVR: on */
	GUEST_SYNC(1);
	wrmsr(0x83f, VECTOR);			/* SELF_IPI */
	sti_nop();
	cli();
	GUEST_SYNC(2);
	sti_nop();
	GUEST_EQ(guest_irqs[VECTOR], 2);
	guest_done();
}

static void interrupts(void)
{
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = VECTOR };
	struct kvm_irq_level line = { .irq = 5, .level = 1 };
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, irq_guest);

	if (kt_apicv())
		kt_skip("with APICv the processor delivers without an exit");
	trace_begin();
	KT_RUN_SYNC(vcpu, 1);
	trace_on();
	KT_RUN_SYNC(vcpu, 2);
	KT_EQ(KT_IOCTL(vcpu->vm->fd, KVM_SIGNAL_MSI, &msi), 1);
	KT_RUN_DONE(vcpu);
	KT_IOCTL(vcpu->vm->fd, KVM_IRQ_LINE, &line);
	trace_off();

	LINES("kvm_apic", "apic_write APIC_SELF_IPI = 0x51", 1);
	LINES("kvm_apic_ipi", "dst 0 vec 81 (Fixed|physical|", 1);
	LINES("kvm_apic_accept_irq", "apicid 0 vec 81 (Fixed|edge)", 2);
	/* Delivery that faults on a page comes again. */
	LINES("kvm_inj_virq", "IRQ 0x51", 2 + lines("kvm_inj_virq", "IRQ 0x51 [reinjected]"));
	LINES("kvm_eoi", "apicid 0 vector 81", 2);
	LINES("kvm_msi_set_irq", "dst 0 vec 81 (Fixed|physical|edge)", 1);
	LINES("kvm_set_irq", "gsi 5 level 1 source 0", 1);
	LINES("kvm_pic_set_irq", "chip 0 pin 5 (edge", 1);
	LINES("kvm_ioapic_set_irq", "pin 5 dst 0 vec 0 (Fixed|physical|edge|masked)", 1);
	trace_end();
}

/* ---- what only minikvm has ---------------------------------------------------------------- */

static void own_events(void)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, busy_guest);
	struct kvm_irqfd irqfd = { .gsi = 7 };
	u64 one = 1;

	if (!kt_is_minikvm())
		kt_skip("KVM has no such events");
	trace_begin();
	set_event("minikvm", "", "enable", "1");
	round_of(vcpu);
	/* Some pages may be large, or not writable yet. */
	KT_TRUE(lines("minikvm_ept_map", "level 1 rwx") > 0);
	irqfd.fd = eventfd(0, 0);
	KT_IOCTL(vcpu->vm->fd, KVM_IRQFD, &irqfd);
	KT_EQ(write(irqfd.fd, &one, sizeof(one)), sizeof(one));
	kt_slot(vcpu->vm, 0, 0, 0, 0, NULL);
	set_event("minikvm", "", "enable", "0");
	LINES("minikvm_irqfd", "gsi 7", 1);
	KT_TRUE(lines("minikvm_ept_zap", "gfn 0x0 to 0x1000") > 0);
	trace_end();
}

/* From the creation of a VM over five KVM_RUNs: which state follows which. */
static void states(void)
{
	struct kt_vcpu *vcpu;

	if (!kt_is_minikvm())
		kt_skip("KVM has no such events");
	trace_begin();
	set_event("minikvm", "", "enable", "1");
	vcpu = kt_long(0, 0, busy_guest);
	round_of(vcpu);
	set_event("minikvm", "", "enable", "0");
	LINES("minikvm_vm_state", "init -> ready", 1);
	LINES("minikvm_vcpu_state", "vcpu 0: init -> ready", 1);
	LINES("minikvm_vcpu_state", "vcpu 0: ready -> running", 1);
	LINES("minikvm_vcpu_state", "vcpu 0: pending -> running (userspace)", 4);
	LINES("minikvm_vcpu_state", "vcpu 0: running -> pending (userspace)", 5);
	LINES("minikvm_vcpu_state", NULL, 11);
	trace_end();
}

/* A VM whose process ends is a zombie from then on, and dead when its descriptors are closed. */
static void zombies(void)
{
	char text[64];
	const char *vm = text;
	pid_t maker;
	int status;

	if (!kt_is_minikvm())
		kt_skip("KVM has no such events");
	trace_begin();
	set_event("minikvm", "", "enable", "1");
	maker = fork();
	if (!maker) {
		struct kt_vcpu *vcpu = kt_long(0, 0, busy_guest);

		round_of(vcpu);
		kt_vcpu_new(vcpu->vm, 1);
		_exit(0);
	}
	KT_EQ(waitpid(maker, &status, 0), maker);
	KT_EQ(status, 0);
	set_event("minikvm", "", "enable", "0");
	snprintf(text, sizeof(text), "of %d: ready -> zombie", maker);
	LINES("minikvm_vm_state", vm, 1);
	snprintf(text, sizeof(text), "of %d: zombie -> dead", maker);
	LINES("minikvm_vm_state", vm, 1);
	LINES("minikvm_vcpu_state", "vcpu 0: pending -> zombie", 1);
	LINES("minikvm_vcpu_state", "vcpu 1: ready -> zombie", 1);
	LINES("minikvm_vcpu_state", "-> zombie", 2);
	trace_end();
}

static void death(void)
{
	struct minikvm_vmcs_field kill = { .flags = MINIKVM_VMCS_KILL_VM };
	struct kt_vcpu *vcpu = kt_long(0, 0, busy_guest);

	if (!kt_is_minikvm())
		kt_skip("KVM has no such events");
	trace_begin();
	set_event("minikvm", "", "enable", "1");
	if (ioctl(vcpu->fd, MINIKVM_VCPU_SET_VMCS, &kill)) {
		trace_end();
		kt_skip("needs root and a module built with TESTHOOKS=1 and loaded with inject=1");
	}
	set_event("minikvm", "", "enable", "0");
	LINES("minikvm_vm_state", "running -> dead", 1);
	trace_end();
}

int main(int argc, char **argv)
{
	static const struct kt_test tests[] = {
		{ "trace_fields", all_fields },
		{ "trace_actions", actions },
		{ "trace_counters", exit_counts },
		{ "trace_off_on_off", off_on_off },
		{ "trace_filter", filter },
		{ "trace_perf_counter", perf_counter },
		{ "trace_interrupts", interrupts },
		{ "trace_own_events", own_events },
		{ "trace_states", states },
		{ "trace_zombies", zombies },
		{ "trace_death", death },
	};

	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
