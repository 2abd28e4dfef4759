// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every refused ioctl leaves a line in the log that names the check that failed, and the value.
 *
 * The table of refusals (lib/refusal_table.h) over the device node, a VM and a vCPU, and the VFIO
 * device: each is carried out on a VM of its own and must add a line with the words that the table
 * has for it. Retry-style errnos of KVM_RUN leave none. Relies on lib/ and /dev/kmsg.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "refusal_table.h"

/* The module's limits: lines of all VMs in so many seconds. */
#define BURST_ALL 200
#define INTERVAL_MS 5500

static int kmsg = -1;

static void log_forget(void)
{
	if (kmsg < 0)
		kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	if (kmsg < 0)
		kt_skip("/dev/kmsg cannot be read");
	lseek(kmsg, 0, SEEK_END);
}

/* How many of the module's lines have come since; the last one is in @line. */
static int log_lines(char *line, size_t size)
{
	char record[2048];
	ssize_t n;
	int lines = 0;

	for (;;) {
		n = read(kmsg, record, sizeof(record) - 1);
		if (n < 0 && errno == EPIPE)
			continue;
		if (n <= 0)
			return lines;
		record[n] = 0;
		if (strstr(record, ";minikvm: ")) {
			snprintf(line, size, "%s", strstr(record, ";minikvm: ") + 1);
			*strchrnul(line, '\n') = 0;
			lines++;
		}
	}
}

/* The log's share of all VMs: waited for before it is used up. */
static void pace(void)
{
	static int lines;

	if (++lines % (BURST_ALL - 10) == 0)
		kt_msleep(INTERVAL_MS);
}

static void want_line(const char *name, const char *says)
{
	char line[2048] = "";
	int lines = log_lines(line, sizeof(line));

	if (lines != 1)
		kt_fail("%s: %d lines in the log, want 1; the last: %s", name, lines, line);
	if (!strstr(line, says))
		kt_fail("%s: the line does not say \"%s\": %s", name, says, line);
	pace();
}

static void refuse(const struct refusal *r)
{
	struct machine m;
	int fd, ret;

	fd = refusal_machine(r, &m);
	log_forget();
	ret = ioctl(fd, r->cmd, r->arg);
	if (ret != -1 || errno != r->err)
		kt_fail("%s: returned %d (%s), want %s", r->name, ret, kt_errno_name(errno),
			kt_errno_name(r->err));
	want_line(r->name, r->says);
	if (m.vm)
		kt_vm_free(m.vm);
}

/* The node has one share of the log for all its callers, of 20 lines. */
static void table(bool node)
{
	bool its;

	need_minikvm();
	kt_msleep(INTERVAL_MS);
	for (unsigned int i = 0; i < KT_ARRAY_SIZE(refusals); i++) {
		its = refusals[i].where == NODE;
		if (its == node)
			refuse(&refusals[i]);
	}
}

static void of_the_node(void)
{
	table(true);
}

static void of_vms_and_vcpus(void)
{
	table(false);
}

static void vfio_device(void)
{
	struct kvm_create_device create = { .type = KVM_DEV_TYPE_VFIO };
	struct kvm_device_attr attr = { .group = 55 };
	struct machine m = plain();
	int fd = 54321;

	need_minikvm();
	KT_IOCTL(m.vm->fd, KVM_CREATE_DEVICE, &create);
	log_forget();
	KT_IOCTL_ERR(m.vm->fd, KVM_CREATE_DEVICE, &create, EBUSY);
	want_line("KVM_CREATE_DEVICE", "already");
	KT_IOCTL_ERR(create.fd, KVM_GET_DEVICE_ATTR, &attr, EPERM);
	want_line("KVM_GET_DEVICE_ATTR", "can be read");
	KT_IOCTL_ERR(create.fd, KVM_HAS_DEVICE_ATTR, &attr, ENXIO);
	want_line("KVM_HAS_DEVICE_ATTR", "group 55");
	attr.group = KVM_DEV_VFIO_GROUP;
	attr.attr = KVM_DEV_VFIO_GROUP_ADD;
	attr.addr = (u64)(unsigned long)&fd;
	KT_IOCTL_ERR(create.fd, KVM_SET_DEVICE_ATTR, &attr, EBADF);
	want_line("KVM_SET_DEVICE_ATTR", "54321");
	KT_IOCTL_ERR(create.fd, KVM_RUN, 0, ENOTTY);
	want_line("KVM_RUN", "no such ioctl");
}

static void state_guest(void)
{
	GUEST_SYNC(1);
	guest_done();
}

/* Refusals that need more than one ioctl. */
static void in_a_state(void)
{
	struct kvm_guest_debug debug = { .control = KVM_GUESTDBG_INJECT_BP };
	struct kvm_enable_cap split = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args[0] = 24 };
	struct kvm_interrupt irq = { .irq = 0x55 };
	struct kt_vcpu *vcpu;
	struct kvm_cpuid2 *c;
	struct kt_vm *vm;
	int status;
	pid_t pid;

	need_minikvm();
	vcpu = plain().vcpu;
	KT_IOCTL(vcpu->fd, KVM_SET_GUEST_DEBUG, &debug);
	log_forget();
	KT_IOCTL_ERR(vcpu->fd, KVM_SET_GUEST_DEBUG, &debug, EBUSY);
	want_line("KVM_SET_GUEST_DEBUG", "exception 3");

	vm = kt_vm_new(0, 0);
	KT_IOCTL(vm->fd, KVM_ENABLE_CAP, &split);
	vcpu = kt_vcpu_new(vm, 0);
	KT_IOCTL(vcpu->fd, KVM_INTERRUPT, &irq);
	log_forget();
	KT_IOCTL_ERR(vcpu->fd, KVM_INTERRUPT, &irq, EEXIST);
	want_line("KVM_INTERRUPT", "85 is still waiting");

	vcpu = kt_long(0, 0, state_guest);
	KT_RUN_SYNC(vcpu, 1);
	c = kt_supported_cpuid();
	c->nent--;
	log_forget();
	KT_IOCTL_ERR(vcpu->fd, KVM_SET_CPUID2, c, EINVAL);
	want_line("KVM_SET_CPUID2", "after KVM_RUN");

	/* A VM belongs to the process that made it. */
	fflush(stdout);
	log_forget();
	pid = fork();
	if (!pid)
		_exit(ioctl(vcpu->fd, KVM_RUN, 0) == -1 && errno == EIO ? 0 : 1);
	waitpid(pid, &status, 0);
	KT_EQ(status, 0);
	want_line("KVM_RUN of another process", "another process's");
	log_forget();
	pid = fork();
	if (!pid)
		_exit(ioctl(vcpu->vm->fd, KVM_CREATE_VCPU, 1) == -1 && errno == EIO ? 0 : 1);
	waitpid(pid, &status, 0);
	KT_EQ(status, 0);
	want_line("KVM_CREATE_VCPU of another process", "another process's");
}

/* "Come again" is no refusal; and what was said once does not count for the next. */
static void none_and_each(void)
{
	struct kt_vm *vm = kt_vm_new(KT_MEM, KT_IRQCHIP | KT_NOIMAGE);
	struct kvm_msrs *msrs = calloc(1, sizeof(*msrs) + sizeof(msrs->entries[0]));
	struct kt_vcpu *bsp = kt_vcpu_new(vm, 0);
	char line[2048];

	need_minikvm();
	log_forget();
	bsp->run->immediate_exit = 1;
	KT_IOCTL_ERR(bsp->fd, KVM_RUN, 0, EINTR);
	KT_EQ(log_lines(line, sizeof(line)), 0);
	/* A short count is explained, and no error; the error behind it is explained as well. */
	msrs->nmsrs = 1;
	msrs->entries[0].index = 0x12345678;
	KT_EQ(KT_IOCTL(bsp->fd, KVM_SET_MSRS, msrs), 0);
	want_line("KVM_SET_MSRS", "0x12345678");
	KT_IOCTL_ERR(bsp->fd, KVM_SET_REGS, 16, EFAULT);
	want_line("KVM_SET_REGS", "KVM_SET_REGS");
	KT_IOCTL_ERR(bsp->fd, KVM_SET_REGS, 16, EFAULT);
	want_line("KVM_SET_REGS", "KVM_SET_REGS");
}

/* A VM that asks for more has used its share; another has its own. */
static void bounded(void)
{
	struct machine loud = plain(), quiet = plain();
	char line[2048];
	int lines;

	need_minikvm();
	kt_msleep(INTERVAL_MS);
	log_forget();
	for (int i = 0; i < 1000; i++)
		KT_IOCTL_ERR(loud.vm->fd, KVM_RUN, 0, ENOTTY);
	lines = log_lines(line, sizeof(line));
	KT_TRUE(lines >= 10 && lines <= 200, "%d lines", lines);
	KT_IOCTL_ERR(quiet.vm->fd, KVM_RUN, 0, ENOTTY);
	want_line("KVM_RUN", "no such ioctl");
}

static const struct kt_test tests[] = {
	{ "of_the_node", of_the_node },
	{ "of_vms_and_vcpus", of_vms_and_vcpus },
	{ "vfio_device", vfio_device },
	{ "in_a_state", in_a_state },
	{ "none_and_each", none_and_each },
	{ "bounded", bounded },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
