// SPDX-License-Identifier: GPL-2.0-only
/*
 * MINIKVM_GET_LAST_ERROR: why an ioctl was refused, told to the thread that issued it.
 *
 * Each refusal of lib/refusal_table.h is carried out; then the ioctl's number, its errno and the
 * words of the table must be told through each descriptor of the same VM. A thread gets its own
 * refusal, neither another thread's nor another process's; a VM that is another process's says so.
 * Skips on KVM. Relies on lib/.
 */
#include <pthread.h>
#include <sys/wait.h>
#include <linux/minikvm.h>

#include "refusal_table.h"

static void want(int fd, const char *what, unsigned long cmd, int err, const char *says)
{
	struct minikvm_last_error e;

	memset(&e, 0xee, sizeof(e));
	if (ioctl(fd, MINIKVM_GET_LAST_ERROR, &e))
		kt_fail("%s: MINIKVM_GET_LAST_ERROR: %s", what, kt_errno_name(errno));
	if (e.cmd != (u32)cmd || e.error != (u32)err || e.flags || e.reserved)
		kt_fail("%s: told of ioctl 0x%x, errno %s", what, e.cmd, kt_errno_name(e.error));
	if (!memchr(e.text, 0, sizeof(e.text)) || !strstr(e.text, says))
		kt_fail("%s: \"%.*s\" does not say \"%s\"", what, (int)sizeof(e.text), e.text,
			says);
	/* What is behind the text is not the rest of a longer one. */
	for (size_t i = strlen(e.text); i < sizeof(e.text); i++)
		KT_EQ(e.text[i], 0);
}

static void want_none(int fd, const char *what)
{
	struct minikvm_last_error e;

	if (ioctl(fd, MINIKVM_GET_LAST_ERROR, &e) != -1 || errno != ENOENT)
		kt_fail("%s: wants ENOENT, is told \"%s\"", what, e.text);
}

static void each_refusal(void)
{
	const struct refusal *r;
	struct machine m;
	int fd;

	need_minikvm();
	for (r = refusals; r < refusals + KT_ARRAY_SIZE(refusals); r++) {
		fd = refusal_machine(r, &m);
		if (m.vm)
			want_none(fd, r->name);
		if (ioctl(fd, r->cmd, r->arg) != -1 || errno != r->err)
			kt_fail("%s: not refused with %s", r->name, kt_errno_name(r->err));
		want(fd, r->name, r->cmd, r->err, r->says);
		if (!m.vm)
			continue;
		want(m.vm->fd, r->name, r->cmd, r->err, r->says);
		want(m.vcpu->fd, r->name, r->cmd, r->err, r->says);
		kt_vm_free(m.vm);
	}
}

/* As errno: what succeeds does not clear it, and asking does not either. */
static void stays(void)
{
	struct machine m = plain();
	struct kvm_regs regs;

	need_minikvm();
	want_none(m.vcpu->fd, "a new VM");
	KT_IOCTL_ERR(m.vcpu->fd, KVM_SET_REGS, 16, EFAULT);
	KT_IOCTL(m.vcpu->fd, KVM_GET_REGS, &regs);
	want(m.vcpu->fd, "after a success", KVM_SET_REGS, EFAULT, "KVM_SET_REGS");
	KT_IOCTL_ERR(m.vcpu->fd, MINIKVM_GET_LAST_ERROR, 24, EFAULT);
	want(m.vcpu->fd, "after asking in vain", KVM_SET_REGS, EFAULT, "KVM_SET_REGS");
	/* "Come again" is no refusal. */
	m.vcpu->run->immediate_exit = 1;
	KT_IOCTL_ERR(m.vcpu->fd, KVM_RUN, 0, EINTR);
	want(m.vcpu->fd, "after EINTR", KVM_SET_REGS, EFAULT, "KVM_SET_REGS");
}

/* A short count is no error, and is explained. */
static void in_part(void)
{
	struct kvm_msrs *msrs = calloc(1, sizeof(*msrs) + sizeof(msrs->entries[0]));
	struct machine m = plain();

	need_minikvm();
	msrs->nmsrs = 1;
	msrs->entries[0].index = 0x12345678;
	KT_EQ(KT_IOCTL(m.vcpu->fd, KVM_SET_MSRS, msrs), 0);
	want(m.vcpu->fd, "KVM_SET_MSRS", 0, 0, "0x12345678");
}

static void vfio_device(void)
{
	struct kvm_create_device create = { .type = KVM_DEV_TYPE_VFIO };
	struct kvm_device_attr attr = { .group = 55 };
	struct machine m = plain();

	need_minikvm();
	KT_IOCTL(m.vm->fd, KVM_CREATE_DEVICE, &create);
	KT_IOCTL_ERR(create.fd, KVM_HAS_DEVICE_ATTR, &attr, ENXIO);
	want(create.fd, "the VFIO device", KVM_HAS_DEVICE_ATTR, ENXIO, "group 55");
	want(m.vm->fd, "its VM", KVM_HAS_DEVICE_ATTR, ENXIO, "group 55");
}

#define THREADS 6

static struct machine shared;
static pthread_barrier_t refused, asked;

/* Several threads on one VM, each with its number. */
static void in_threads(void *(*function)(void *))
{
	pthread_t thread[THREADS];

	need_minikvm();
	shared = plain();
	pthread_barrier_init(&refused, NULL, THREADS);
	pthread_barrier_init(&asked, NULL, THREADS);
	for (unsigned long i = 0; i < THREADS; i++)
		KT_EQ(pthread_create(&thread[i], NULL, function, (void *)i), 0);
	for (unsigned long i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
}

static void *one_thread(void *number)
{
	unsigned long slot = 100 + (unsigned long)number;
	struct kvm_dirty_log log = { .slot = slot };
	char says[32];

	want_none(shared.vm->fd, "a new thread");
	KT_IOCTL_ERR(shared.vm->fd, KVM_GET_DIRTY_LOG, &log, ENOENT);
	pthread_barrier_wait(&refused);
	snprintf(says, sizeof(says), "slot %lu", slot);
	want(shared.vm->fd, says, KVM_GET_DIRTY_LOG, ENOENT, says);
	want(shared.vcpu->fd, says, KVM_GET_DIRTY_LOG, ENOENT, says);
	pthread_barrier_wait(&asked);
	return NULL;
}

static void threads_apart(void)
{
	in_threads(one_thread);
	want_none(shared.vm->fd, "the thread that had none refused");
}

/* Refusals of several threads at the same moment: each is told its own reason, and all of it. */
static void *one_of_many(void *number)
{
	unsigned long slot = 100 + (unsigned long)number;
	struct kvm_dirty_log log = { .slot = slot };
	char says[32];

	snprintf(says, sizeof(says), "slot %lu", slot);
	pthread_barrier_wait(&refused);
	for (u32 i = 0; i < 2000; i++) {
		KT_IOCTL_ERR(shared.vm->fd, KVM_GET_DIRTY_LOG, &log, ENOENT);
		want(shared.vm->fd, says, KVM_GET_DIRTY_LOG, ENOENT, says);
	}
	return NULL;
}

static void at_once(void)
{
	in_threads(one_of_many);
}

static void *another_refusal(void *unused)
{
	struct kvm_dirty_log log = { .slot = 77 };

	KT_IOCTL_ERR(shared.vm->fd, KVM_GET_DIRTY_LOG, &log, ENOENT);
	return unused;
}

/* More threads than there is room for: the oldest refusals go, and no one gets another's. */
static void many_threads(void)
{
	struct kvm_dirty_log log = { .slot = 42 };
	struct minikvm_last_error e;
	pthread_t thread;

	need_minikvm();
	shared = plain();
	KT_IOCTL_ERR(shared.vm->fd, KVM_GET_DIRTY_LOG, &log, ENOENT);
	for (int i = 0; i < 100; i++) {
		KT_EQ(pthread_create(&thread, NULL, another_refusal, NULL), 0);
		pthread_join(thread, NULL);
	}
	if (!ioctl(shared.vm->fd, MINIKVM_GET_LAST_ERROR, &e))
		KT_TRUE(strstr(e.text, "slot 42"), "told \"%s\"", e.text);
	else
		KT_EQ(errno, ENOENT);
	KT_IOCTL_ERR(shared.vm->fd, KVM_GET_DIRTY_LOG, &log, ENOENT);
	want(shared.vm->fd, "after 100 threads", KVM_GET_DIRTY_LOG, ENOENT, "slot 42");
}

/* Runs in a process of its own. */
static void in_child(void (*fn)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		fn();
		exit(0);
	}
	waitpid(pid, &status, 0);
	KT_EQ(status, 0);
}

static void node_child(void)
{
	want_none(kt_sys(), "another process, on the node");
	KT_IOCTL_ERR(kt_sys(), KVM_GET_API_VERSION, 5, EINVAL);
	want(kt_sys(), "another process", KVM_GET_API_VERSION, EINVAL, "0x5");
}

static void vm_child(void)
{
	want_none(shared.vm->fd, "another process, on the VM");
	KT_IOCTL_ERR(shared.vm->fd, KVM_CREATE_VCPU, 1, EIO);
	want(shared.vm->fd, "another process", KVM_CREATE_VCPU, EIO, "another process's");
	KT_IOCTL_ERR(shared.vcpu->fd, KVM_RUN, 0, EIO);
	want(shared.vcpu->fd, "another process", KVM_RUN, EIO, "another process's");
}

static void processes_apart(void)
{
	struct kvm_dirty_log log = { .slot = 42 };

	need_minikvm();
	shared = plain();
	KT_IOCTL_ERR(kt_sys(), KVM_GET_VCPU_MMAP_SIZE, 6, EINVAL);
	KT_IOCTL_ERR(shared.vm->fd, KVM_GET_DIRTY_LOG, &log, ENOENT);
	in_child(node_child);
	in_child(vm_child);
	want(kt_sys(), "the parent", KVM_GET_VCPU_MMAP_SIZE, EINVAL, "0x6");
	want(shared.vm->fd, "the parent", KVM_GET_DIRTY_LOG, ENOENT, "slot 42");
}

static const struct kt_test tests[] = {
	{ "each_refusal", each_refusal },
	{ "stays", stays },
	{ "in_part", in_part },
	{ "vfio_device", vfio_device },
	{ "threads_apart", threads_apart },
	{ "at_once", at_once },
	{ "many_threads", many_threads },
	{ "processes_apart", processes_apart },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
