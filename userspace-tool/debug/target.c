// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM as the target of a debugger, through KVM's ABI: KVM_SET_GUEST_DEBUG, KVM_EXIT_DEBUG,
 * KVM_TRANSLATE, and the ioctls for registers. SDM, "Debug Exceptions", for what DR6 says.
 *
 * Relies on pause.c: the file descriptors of vCPUs are used only while the vCPU is parked. Memory
 * is that of the machine's RAM; devices' is not reachable, because a read may change a device.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "compiler.h"
#include "debug/target.h"
#include "kvm/exits.h"
#include "machine/pause.h"

#define PAGE_BYTES	4096ULL
#define VECTOR_DB	1
#define VECTOR_BP	3
#define DR6_ABOUT	0xe00fULL	/* B0 to B3, BD, BS, BT */

_Static_assert(VM_VCPUS_MAX <= THREADS_MAX, "a vCPU has no thread in the protocol");

static int vcpu_fd(const struct vm_target *t, unsigned int thread)
{
	return t->m->vm.vcpu[thread].fd;
}

static unsigned int threads(void *target)
{
	const struct vm_target *t = target;

	return t->m->vm.nr_vcpus;
}

static const char *mode_of(const struct kvm_sregs *s)
{
	if (!(s->cr0 & 1))
		return "real mode";
	if (s->cs.l)
		return "64-bit";
	return s->cs.db ? "32-bit" : "16-bit protected mode";
}

static void describe(void *target, unsigned int thread, char *line, size_t size)
{
	static const char * const states[] = {
		[KVM_MP_STATE_RUNNABLE] = "running",
		[KVM_MP_STATE_UNINITIALIZED] = "waits for INIT",
		[KVM_MP_STATE_INIT_RECEIVED] = "waits for SIPI",
		[KVM_MP_STATE_HALTED] = "halted",
		[KVM_MP_STATE_SIPI_RECEIVED] = "got SIPI",
	};
	struct vm_target *t = target;
	struct kvm_mp_state mp = { KVM_MP_STATE_RUNNABLE };
	struct kvm_sregs s;

	if (ioctl(vcpu_fd(t, thread), KVM_GET_SREGS, &s) < 0)
		s.cr0 = 0;
	ioctl(vcpu_fd(t, thread), KVM_GET_MP_STATE, &mp);
	if (mp.mp_state >= ARRAY_SIZE(states))
		mp.mp_state = KVM_MP_STATE_RUNNABLE;
	snprintf(line, size, "vCPU %u, %s, %s", thread, states[mp.mp_state], mode_of(&s));
}

static int get_registers(void *target, unsigned int thread, struct debug_registers *r)
{
	int fd = vcpu_fd(target, thread);

	memset(r, 0, sizeof(*r));
	if (ioctl(fd, KVM_GET_REGS, &r->regs) < 0 || ioctl(fd, KVM_GET_SREGS, &r->sregs) < 0 ||
	    ioctl(fd, KVM_GET_FPU, &r->fpu) < 0)
		return -errno;
	return 0;
}

/* What did not change is not set, so that a refusal is about what the debugger wants. */
static int set_registers(void *target, unsigned int thread, const struct debug_registers *r)
{
	int fd = vcpu_fd(target, thread), ret;
	struct debug_registers now;

	ret = get_registers(target, thread, &now);
	if (ret)
		return ret;
	if (memcmp(&r->sregs, &now.sregs, sizeof(now.sregs)) != 0 &&
	    ioctl(fd, KVM_SET_SREGS, &r->sregs) < 0)
		return -errno;
	if (memcmp(&r->fpu, &now.fpu, sizeof(now.fpu)) != 0 && ioctl(fd, KVM_SET_FPU, &r->fpu) < 0)
		return -errno;
	if (memcmp(&r->regs, &now.regs, sizeof(now.regs)) != 0 &&
	    ioctl(fd, KVM_SET_REGS, &r->regs) < 0)
		return -errno;
	return 0;
}

/* Where a linear address lies in guest-physical memory, by the page tables of a vCPU. */
static bool translate(struct vm_target *t, unsigned int thread, __u64 linear, __u64 *gpa)
{
	struct kvm_translation tr = { .linear_address = linear };

	if (ioctl(vcpu_fd(t, thread), KVM_TRANSLATE, &tr) < 0 || !tr.valid)
		return false;
	*gpa = tr.physical_address;
	return true;
}

/* A stretch that ends with its page. Return: the tool's address of it, or NULL. */
static __u8 *page_part(struct vm_target *t, unsigned int thread, __u64 at, size_t *len, __u64 *gpa)
{
	size_t room = PAGE_BYTES - at % PAGE_BYTES;

	if (*len > room)
		*len = room;
	if (!translate(t, thread, at, gpa))
		return NULL;
	return guest_ram_at(&t->m->vm.ram, *gpa, *len);
}

static size_t read_memory(void *target, unsigned int thread, __u64 at, void *data, size_t len)
{
	struct vm_target *t = target;
	size_t done, part;
	__u8 *from;
	__u64 gpa;

	for (done = 0; done < len; done += part) {
		part = len - done;
		from = page_part(t, thread, at + done, &part, &gpa);
		if (!from)
			break;
		memcpy((__u8 *)data + done, from, part);
		software_hide(&t->breakpoints, gpa, (__u8 *)data + done, part);
	}
	return done;
}

static int write_memory(void *target, unsigned int thread, __u64 at, const void *data, size_t len)
{
	struct vm_target *t = target;
	size_t done, part;
	__u8 *to;
	__u64 gpa;

	/* All of it has to be there before the first byte is written. */
	for (done = 0; done < len; done += part) {
		part = len - done;
		if (!page_part(t, thread, at + done, &part, &gpa))
			return -EFAULT;
	}
	for (done = 0; done < len; done += part) {
		part = len - done;
		to = page_part(t, thread, at + done, &part, &gpa);
		if (!to)
			return -EFAULT;
		memcpy(to, (const __u8 *)data + done, part);
		software_keep(&t->breakpoints, gpa, to, part);
	}
	return 0;
}

static int insert_software(struct vm_target *t, unsigned int thread, __u64 at)
{
	size_t one = 1;
	__u64 gpa;
	__u8 *byte = page_part(t, thread, at, &one, &gpa);

	return byte ? software_insert(&t->breakpoints, at, gpa, byte) : -EFAULT;
}

static void remove_software(struct vm_target *t, struct software_breakpoint *s)
{
	/* By where it was put: the address may lead elsewhere by now. */
	software_remove(&t->breakpoints, s, guest_ram_at(&t->m->vm.ram, s->gpa, 1));
}

static int insert(void *target, unsigned int thread, enum breakpoint_type type, __u64 at, __u64 len)
{
	struct vm_target *t = target;

	switch (type) {
	case BREAKPOINT_SOFTWARE:
		return insert_software(t, thread, at);
	case WATCHPOINT_READ:
		/* The processor has none that does not see writes as well. */
		return -EOPNOTSUPP;
	default:
		return hardware_insert(&t->breakpoints, type, at, len);
	}
}

static int remove_one(void *target, unsigned int thread, enum breakpoint_type type, __u64 at,
		      __u64 len)
{
	struct vm_target *t = target;
	struct software_breakpoint *s;

	(void)thread;
	if (type == WATCHPOINT_READ)
		return -EOPNOTSUPP;
	if (type != BREAKPOINT_SOFTWARE)
		return hardware_remove(&t->breakpoints, type, at, len);
	s = software_find(&t->breakpoints, at);
	if (!s)
		return -ENOENT;
	remove_software(t, s);
	return 0;
}

/* @extra: KVM_GUESTDBG_INJECT_BP or _DB, or 0. */
static void arm(struct vm_target *t, unsigned int thread, __u32 extra)
{
	struct kvm_guest_debug d = { .control = extra };
	unsigned int i;

	if (t->breakpoints.nr_software)
		d.control |= KVM_GUESTDBG_USE_SW_BP;
	if (t->action[thread] == THREAD_STEP) {
		d.control |= KVM_GUESTDBG_SINGLESTEP;
		if (t->block_irq)
			d.control |= KVM_GUESTDBG_BLOCKIRQ;
	}
	if (hardware_used(&t->breakpoints)) {
		d.control |= KVM_GUESTDBG_USE_HW_BP;
		for (i = 0; i < DEBUG_REGISTERS; i++)
			d.arch.debugreg[i] = t->breakpoints.hardware[i].linear;
		d.arch.debugreg[7] = hardware_dr7(&t->breakpoints);
	}
	if (d.control)
		d.control |= KVM_GUESTDBG_ENABLE;
	ioctl(vcpu_fd(t, thread), KVM_SET_GUEST_DEBUG, &d);
}

static void resume(void *target, const enum thread_action action[THREADS_MAX])
{
	struct vm_target *t = target;
	bool told = false;
	unsigned int i;

	memcpy(t->action, action, sizeof(t->action));
	t->stopped = false;
	/* A vCPU with something to report does that first, and the others need not begin. */
	for (i = 0; i < t->m->vm.nr_vcpus; i++)
		if (t->has_pending[i] && action[i] != THREAD_STAY)
			told = true;
	if (told) {
		pause_wake(t->m);
		return;
	}
	for (i = 0; i < t->m->vm.nr_vcpus; i++) {
		if (action[i] == THREAD_STAY)
			continue;
		arm(t, i, 0);
		pause_release(t->m, i);
	}
}

static void run_all(struct vm_target *t)
{
	enum thread_action action[THREADS_MAX];
	unsigned int i;

	memset(t->has_pending, 0, sizeof(t->has_pending));
	for (i = 0; i < THREADS_MAX; i++)
		action[i] = THREAD_CONTINUE;
	resume(t, action);
}

static void detach(void *target)
{
	target_forget(target);
	run_all(target);
}

static void kill_vm(void *target)
{
	struct vm_target *t = target;

	machine_stop(t->m, OUTCOME_KILLED, NULL, 0);
}

static void monitor_exits(struct vm_target *t, unsigned int thread, char *answer, size_t size)
{
	const struct exit_counts *c = &t->m->counts[thread];
	unsigned int reason;
	size_t len;

	len = snprintf(answer, size, "vCPU %u: %llu times KVM_RUN, %llu interrupted\n", thread,
		       c->runs, c->interrupted);
	for (reason = 0; reason < EXIT_REASONS_MAX && len < size; reason++)
		if (c->reason[reason])
			len += snprintf(answer + len, size - len, "  %-15s %llu\n",
					exit_name(reason), c->reason[reason]);
}

static const char monitor_help[] =
	"exits        this vCPU's exits to minikvm, by reason\n"
	"gpa ADDRESS  the guest-physical address of a linear one, for this vCPU\n";

static void monitor(void *target, unsigned int thread, const char *command, char *answer,
		    size_t size)
{
	struct vm_target *t = target;
	const char *s = command + 4;
	__u64 linear, gpa;

	if (!strcmp(command, "exits")) {
		monitor_exits(t, thread, answer, size);
	} else if (!strncmp(command, "gpa ", 4)) {
		if (!strncmp(s, "0x", 2))
			s += 2;
		if (!hex_number(&s, &linear) || *s)
			snprintf(answer, size, "gpa takes a hexadecimal address.\n");
		else if (translate(t, thread, linear, &gpa))
			snprintf(answer, size, "linear 0x%llx is guest-physical 0x%llx, %s\n",
				 linear, gpa, guest_ram_at(&t->m->vm.ram, gpa, 1) ? "RAM" : "no RAM");
		else
			snprintf(answer, size, "linear 0x%llx is not mapped\n", linear);
	} else {
		snprintf(answer, size, "%s%s", strcmp(command, "help") ? "minikvm knows:\n" : "",
			 monitor_help);
	}
}

const struct target_ops vm_target_ops = {
	.threads = threads,
	.describe = describe,
	.get_registers = get_registers,
	.set_registers = set_registers,
	.read_memory = read_memory,
	.write_memory = write_memory,
	.insert = insert,
	.remove = remove_one,
	.resume = resume,
	.detach = detach,
	.kill = kill_vm,
	.monitor = monitor,
};

void target_init(struct vm_target *t, struct machine *m)
{
	int known = ioctl(m->vm.dev_fd, KVM_CHECK_EXTENSION, KVM_CAP_SET_GUEST_DEBUG2);

	t->m = m;
	t->block_irq = known > 0 && (known & KVM_GUESTDBG_BLOCKIRQ);
	t->stopped = true;
}

/* The debugger is gone: nothing of it stays in the guest. Every vCPU stands still. */
void target_forget(struct vm_target *t)
{
	unsigned int i;

	while (t->breakpoints.nr_software)
		remove_software(t, t->breakpoints.software);
	memset(&t->breakpoints, 0, sizeof(t->breakpoints));
	memset(t->action, 0, sizeof(t->action));
	for (i = 0; i < t->m->vm.nr_vcpus; i++)
		arm(t, i, 0);
}

/* Is an INT3 of ours at that byte of memory? It may be reached by several linear addresses. */
static bool is_ours(struct vm_target *t, unsigned int thread, __u64 linear)
{
	unsigned int i;
	__u64 gpa;

	if (!translate(t, thread, linear, &gpa))
		return false;
	for (i = 0; i < t->breakpoints.nr_software; i++)
		if (t->breakpoints.software[i].gpa == gpa)
			return true;
	return false;
}

/* A #DB of the guest's own: it expects in its DR6 what the exit was about. */
static void give_back(struct vm_target *t, unsigned int thread, __u64 dr6)
{
	struct kvm_debugregs d;

	if (ioctl(vcpu_fd(t, thread), KVM_GET_DEBUGREGS, &d) < 0)
		return;
	d.dr6 |= dr6 & DR6_ABOUT;
	ioctl(vcpu_fd(t, thread), KVM_SET_DEBUGREGS, &d);
}

/*
 * KVM_EXIT_DEBUG: is it about the debugger's breakpoints and steps? If not, the guest gets its
 * exception. Return: whether the target stops for it.
 */
static bool debug_exit(struct vm_target *t, unsigned int thread, struct thread_stop *stop)
{
	const struct kvm_debug_exit_arch *e = &t->m->vm.vcpu[thread].run->debug.arch;
	const struct debug_register *r;

	*stop = (struct thread_stop) { .signal = GDB_SIGNAL_TRAP, .thread = thread };
	if (e->exception == VECTOR_BP) {
		stop->reason = STOP_SOFTWARE;
		if (is_ours(t, thread, e->pc))
			return true;
		arm(t, thread, KVM_GUESTDBG_INJECT_BP);
		return false;
	}
	r = hardware_hit(&t->breakpoints, e->dr6);
	if (r) {
		stop->reason = r->type == BREAKPOINT_HARDWARE ? STOP_HARDWARE : STOP_WATCH;
		stop->type = r->type;
		stop->address = r->linear;
		return true;
	}
	if (t->action[thread] == THREAD_STEP)
		return true;
	if (e->exception == VECTOR_DB) {
		give_back(t, thread, e->dr6);
		arm(t, thread, KVM_GUESTDBG_INJECT_DB);
	}
	return false;
}

/* A breakpoint before an instruction is met again when the vCPU runs on; what traps is not. */
static bool comes_again(const struct thread_stop *stop)
{
	return stop->reason == STOP_SOFTWARE || stop->reason == STOP_HARDWARE;
}

/* One vCPU's report. Return: whether the target stops for it. */
static bool take_report(struct vm_target *t, unsigned int thread, struct thread_stop *stop)
{
	switch (pause_take_report(t->m, thread)) {
	case REPORT_DEBUG:
		if (debug_exit(t, thread, stop))
			return true;
		/* The guest goes on with its exception, unless all others stand still by now. */
		if (!t->stopped)
			pause_release(t->m, thread);
		return false;
	case REPORT_FAULT:
		*stop = (struct thread_stop) { .signal = GDB_SIGNAL_ABRT, .thread = thread };
		return true;
	case REPORT_NOTHING:
		break;
	}
	if (t->stopped || !t->has_pending[thread] || t->action[thread] == THREAD_STAY)
		return false;
	*stop = t->pending[thread];
	t->has_pending[thread] = false;
	return true;
}

/**
 * target_stop() - stop every vCPU
 * @t: the target
 *
 * What vCPUs report meanwhile is taken at once: afterwards a report would be of a vCPU that may
 * run, whose file descriptor KVM_RUN has. What is not met again is kept until the vCPU is resumed.
 * Returns when all stand still, or the run has ended.
 */
void target_stop(struct vm_target *t)
{
	struct thread_stop other;
	unsigned int i;

	pause_hold_all(t->m);
	pause_wait_all(t->m);
	t->stopped = true;
	for (i = 0; i < t->m->vm.nr_vcpus && t->m->outcome == OUTCOME_NONE; i++) {
		if (!take_report(t, i, &other) || comes_again(&other))
			continue;
		t->pending[i] = other;
		t->has_pending[i] = true;
	}
}

/**
 * target_reports() - look at what vCPUs have reported
 * @t: the target
 * @stop: receives what the debugger is to be told
 *
 * Return: whether there is something; then every vCPU stands still.
 */
bool target_reports(struct vm_target *t, struct thread_stop *stop)
{
	unsigned int i;

	for (i = 0; i < t->m->vm.nr_vcpus && !t->stopped; i++) {
		if (!take_report(t, i, stop))
			continue;
		target_stop(t);
		return true;
	}
	return false;
}
