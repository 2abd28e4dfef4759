// SPDX-License-Identifier: GPL-2.0-only
/*
 * The states of VMs and vCPUs, as debugfs shows them: init, ready, running, pending, zombie,
 * dead. Documentation/statistics.rst. Relies on lib/, debugfs and root.
 */
#include <fcntl.h>
#include <glob.h>
#include <pthread.h>
#include <asm/kvm_para.h>
#include <linux/minikvm.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "apic.h"

#define PAGE 4096UL

/* The first line of a file of the VM that process @owner made that begins with @key, behind it. */
static const char *line_of(pid_t owner, const char *file, const char *key)
{
	static char line[256];
	char path[96];
	glob_t found;
	FILE *f;

	if (!kt_is_minikvm())
		kt_skip("only minikvm shows states");
	snprintf(path, sizeof(path), "/sys/kernel/debug/minikvm/%d-*/%s", owner, file);
	if (glob(path, 0, NULL, &found))
		return "gone";
	f = fopen(found.gl_pathv[0], "re");
	globfree(&found);
	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		if (!strncmp(line, key, strlen(key))) {
			fclose(f);
			return line + strlen(key);
		}
	}
	if (f)
		fclose(f);
	return "missing";
}

#define WANT(file, state)							\
	do {									\
		const char *__s = line_of(getpid(), file, "state ");		\
										\
		KT_TRUE(!strcmp(__s, state), "%s is %s, not %s", file, __s, state);	\
	} while (0)

/* It gets there; how long that takes is the host's affair. */
static void await(const char *file, const char *state)
{
	for (u32 i = 0; i < 2000; i++) {
		if (!strcmp(line_of(getpid(), file, "state "), state))
			return;
		kt_msleep(10);
	}
	kt_fail("%s is %s, not %s", file, line_of(getpid(), file, "state "), state);
}

static volatile u64 stop;

static void spin_guest(void)
{
	GUEST_SYNC(1);
	while (!stop)
		asm volatile("sti; pause; cli");
	guest_done();
}

static void halt_guest(void)
{
	guest_handler[0x60] = guest_count_eoi;
	apic_enable();
	sti_hlt_cli();
	guest_done();
}

static void running(void)
{
	struct kt_vm *vm = kt_vm_new(KT_MEM, 0);
	struct kt_vcpu *vcpu;
	pthread_t t;

	WANT("state", "init");
	vcpu = kt_vcpu_new(vm, 0);
	kt_vcpu_long(vcpu, spin_guest);
	WANT("vcpu0", "ready");
	WANT("state", "ready");
	KT_RUN_SYNC(vcpu, 1);
	WANT("vcpu0", "pending userspace");
	WANT("state", "pending userspace");
	KT_EQ(pthread_create(&t, NULL, kt_thread_run_done, vcpu), 0);
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1) {
		await("vcpu0", "running");
		await("state", "running");
	} else {
		/* The test has the only CPU while it looks. */
		await("vcpu0", "ready");
	}
	GV(vm, stop) = 1;
	KT_EQ(pthread_join(t, NULL), 0);
	/* Its thread is gone; another may run it. */
	await("vcpu0", "zombie");
	KT_RUN_DONE(vcpu);
	WANT("vcpu0", "pending userspace");
}

static void halted(void)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, halt_guest);
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = 0x60 };
	pthread_t t;

	/* The library would start it. */
	KT_IOCTL(vcpu->vm->fd, KVM_CREATE_VCPU, 1);
	WANT("vcpu1", "init");
	KT_EQ(pthread_create(&t, NULL, kt_thread_run_done, vcpu), 0);
	await("vcpu0", "pending halt");
	WANT("state", "pending halt");
	KT_EQ(KT_IOCTL(vcpu->vm->fd, KVM_SIGNAL_MSI, &msi), 1);
	KT_EQ(pthread_join(t, NULL), 0);
}

/* ---- pending for the host ----------------------------------------------------------------- */

#define LAZY_GPA	0x4000000
#define CLOCK_GPA	0x8000

static void lazy_guest(void)
{
	GUEST_EQ(rd32(LAZY_GPA), 0);
	guest_done();
}

/* The guest's page comes when userspace says so, and KVM_RUN sleeps until then. */
static void fault(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, lazy_guest);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_zeropage zero = { };
	int uffd = syscall(__NR_userfaultfd, O_CLOEXEC);
	struct uffd_msg msg;
	pthread_t t;
	void *page;

	if (uffd < 0)
		kt_skip("userfaultfd: %s", strerror(errno));
	KT_IOCTL(uffd, UFFDIO_API, &api);
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	KT_TRUE(page != MAP_FAILED);
	reg.range = (struct uffdio_range){ .start = (unsigned long)page, .len = PAGE };
	KT_IOCTL(uffd, UFFDIO_REGISTER, &reg);
	KT_EQ(kt_slot(vcpu->vm, 1, 0, LAZY_GPA, PAGE, page), 0);
	KT_EQ(pthread_create(&t, NULL, kt_thread_run_done, vcpu), 0);
	KT_EQ(read(uffd, &msg, sizeof(msg)), sizeof(msg));
	await("vcpu0", "pending fault");
	WANT("state", "pending fault");
	zero.range = reg.range;
	KT_IOCTL(uffd, UFFDIO_ZEROPAGE, &zero);
	KT_EQ(pthread_join(t, NULL), 0);
	close(uffd);
}

/* Each of these writes is a request: the structure behind kvmclock is written before the entry. */
static void clock_guest(void)
{
	while (!stop)
		wrmsr(MSR_KVM_SYSTEM_TIME_NEW, CLOCK_GPA | 1);
	guest_done();
}

static void request(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, clock_guest);
	pthread_t t;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		kt_skip("needs two CPUs: a thread that serves requests has the only one");
	KT_EQ(pthread_create(&t, NULL, kt_thread_run_done, vcpu), 0);
	for (u32 i = 0; strcmp(line_of(getpid(), "vcpu0", "state "), "pending request"); i++)
		if (i == 100000)
			kt_fail("it never waits for a request");
	GV(vcpu->vm, stop) = 1;
	KT_EQ(pthread_join(t, NULL), 0);
}

/* ---- the end ------------------------------------------------------------------------------ */

static void dead(void)
{
	struct minikvm_vmcs_field kill = { .flags = MINIKVM_VMCS_KILL_VM };
	struct kt_vcpu *vcpu = kt_long(0, 0, spin_guest), *other = kt_vcpu_new(vcpu->vm, 1);
	struct kvm_regs regs;

	KT_RUN_SYNC(vcpu, 1);
	WANT("vcpu0", "pending userspace");
	if (ioctl(vcpu->fd, MINIKVM_VCPU_SET_VMCS, &kill))
		kt_skip("needs root and a module built with TESTHOOKS=1 and loaded with inject=1");
	WANT("state", "dead");
	WANT("vcpu0", "dead");
	WANT("vcpu1", "dead");
	KT_TRUE(!strcmp(line_of(getpid(), "state", "reason "), "a test asked for it"));
	KT_IOCTL_ERR(vcpu->fd, KVM_RUN, 0, EIO);
	KT_IOCTL_ERR(other->fd, KVM_GET_REGS, &regs, EIO);
	KT_IOCTL_ERR(vcpu->vm->fd, KVM_CREATE_VCPU, 2, EIO);
}

/* The process that made the VM is gone; another holds its descriptor. */
static void zombie(void)
{
	char holder[32];
	int go[2], status;
	pid_t maker, child;
	int tell[2];

	KT_EQ(pipe(go), 0);
	KT_EQ(pipe(tell), 0);
	maker = fork();
	if (!maker) {
		struct kt_vm *vm = kt_vm_new(KT_MEM, 0);

		kt_vcpu_new(vm, 0);
		child = fork();
		if (!child) {
			char c;

			close(go[1]);
			_exit(read(go[0], &c, 1) < 0);
		}
		if (write(tell[1], &child, sizeof(child)) != sizeof(child))
			_exit(1);
		_exit(0);
	}
	KT_EQ(read(tell[0], &child, sizeof(child)), sizeof(child));
	KT_EQ(waitpid(maker, &status, 0), maker);
	KT_EQ(status, 0);
	snprintf(holder, sizeof(holder), "%d %.15s", child, program_invocation_short_name);
	KT_TRUE(!strcmp(line_of(maker, "state", "state "), "zombie"), "it is %s",
		line_of(maker, "state", "state "));
	KT_TRUE(!strcmp(line_of(maker, "vcpu0", "state "), "zombie"));
	KT_TRUE(!strcmp(line_of(maker, "state", "holder "), holder), "holder is %s, not %s",
		line_of(maker, "state", "holder "), holder);
	close(go[1]);
	for (u32 i = 0; i < 1000 && strcmp(line_of(maker, "state", "state "), "gone"); i++)
		kt_msleep(10);
	KT_TRUE(!strcmp(line_of(maker, "state", "state "), "gone"));
}

static const struct kt_test tests[] = {
	{ "running", running },
	{ "halted", halted },
	{ "fault", fault },
	{ "request", request },
	{ "dead", dead },
	{ "zombie", zombie },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
