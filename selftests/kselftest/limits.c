// SPDX-License-Identifier: GPL-2.0-only
/*
 * Limits that an administrator sets: max_vms_per_user, max_vcpus_per_user, memory by a cgroup.
 * What is refused is refused by name, and what is counted is what exists, however descriptors went
 * round.
 * Relies on lib/ and root; the last on a memory cgroup (version 2).
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "guest.h"
#include "stat.h"

static void limit(const char *name, unsigned int value)
{
	char text[16];

	if (!kt_is_minikvm())
		kt_skip("only minikvm has limits");
	snprintf(text, sizeof(text), "%u", value);
	kt_param_set(name, text);
}

/* The number behind @key in this user's line of debugfs' "owners"; 0 if there is no line. */
static unsigned int counted(const char *key)
{
	char line[512], start[32], *found;
	unsigned int n = 0;
	FILE *f = fopen("/sys/kernel/debug/minikvm/owners", "re");

	if (!f)
		kt_skip("debugfs is not mounted");
	snprintf(start, sizeof(start), "uid %u ", getuid());
	while (fgets(line, sizeof(line), f)) {
		found = strncmp(line, start, strlen(start)) ? NULL : strstr(line, key);
		if (found)
			n = atoi(found + strlen(key));
	}
	fclose(f);
	return n;
}

/* Does the log say that this user has @there of @what, and that @parameter is as much? */
static bool said(unsigned int there, const char *what, const char *parameter)
{
	static char log[1 << 20];
	int n = klogctl(3 /* SYSLOG_ACTION_READ_ALL */, log, sizeof(log) - 1);
	char words[128];

	snprintf(words, sizeof(words), "user %u has %u %s, and %s is %u\n", getuid(), there, what,
		 parameter, there);
	log[n < 0 ? 0 : n] = 0;
	return strstr(log, words);
}

static int new_vm(void)
{
	int fd = ioctl(kt_sys(), KVM_CREATE_VM, 0);

	return fd < 0 ? -errno : fd;
}

static int new_vcpu(int vm, int id)
{
	int fd = ioctl(vm, KVM_CREATE_VCPU, id);

	return fd < 0 ? -errno : fd;
}

static void vms(void)
{
	unsigned int there = counted(" vms ");
	int a, b;

	limit("max_vms_per_user", there + 2);
	a = new_vm();
	b = new_vm();
	KT_TRUE(a >= 0 && b >= 0);
	KT_EQ(counted(" vms "), there + 2);
	KT_EQ(new_vm(), -EMFILE);
	KT_TRUE(said(there + 2, "VMs", "max_vms_per_user"));
	KT_EQ(counted(" vms "), there + 2);
	/* A refusal takes nothing, and what is closed may be made again. */
	close(a);
	a = new_vm();
	KT_TRUE(a >= 0);
	KT_EQ(new_vm(), -EMFILE);
	limit("max_vms_per_user", 0);
	KT_TRUE(new_vm() >= 0);
	KT_EQ(counted(" vms "), there + 3);
}

static void vcpus(void)
{
	unsigned int there = counted(" vcpus ");
	int a = new_vm(), b = new_vm(), v;

	limit("max_vcpus_per_user", there + 3);
	v = new_vcpu(a, 0);
	KT_TRUE(v >= 0 && new_vcpu(a, 1) >= 0 && new_vcpu(b, 0) >= 0);
	KT_EQ(new_vcpu(b, 1), -ENOSPC);
	KT_EQ(new_vcpu(a, 2), -ENOSPC);
	KT_TRUE(said(there + 3, "vCPUs", "max_vcpus_per_user"));
	/* A vCPU lives as long as its VM. */
	close(v);
	KT_EQ(new_vcpu(b, 1), -ENOSPC);
	/* What fails for another reason is not counted. */
	limit("max_vcpus_per_user", there + 4);
	for (u32 i = 0; i < 10; i++) {
		KT_EQ(new_vcpu(a, 1), -EEXIST);
		KT_EQ(new_vcpu(a, 100000), -EINVAL);
	}
	KT_EQ(counted(" vcpus "), there + 3);
	KT_TRUE(new_vcpu(b, 1) >= 0);
	limit("max_vcpus_per_user", 0);
	close(a);
	close(b);
}

/* Descriptors run out behind the count: the vCPU is taken off again. */
static void error_paths(void)
{
	unsigned int vms = counted(" vms "), vcpus = counted(" vcpus ");
	int vm = new_vm(), last = -1, fd;

	KT_TRUE(vm >= 0);
	kt_sys();
	while ((fd = dup(vm)) >= 0)
		last = fd;
	KT_EQ(errno, EMFILE);
	KT_EQ(new_vcpu(vm, 0), -EMFILE);
	KT_EQ(ioctl(kt_sys(), KVM_CREATE_VM, 0), -1);
	KT_TRUE(last > vm);
	for (fd = vm + 1; fd <= last; fd++)
		if (fd != kt_sys())
			close(fd);
	if (kt_is_minikvm()) {
		KT_EQ(counted(" vms "), vms + 1);
		KT_EQ(counted(" vcpus "), vcpus);
	}
}

/* A child that holds the descriptor holds the VM; who it is counted for stays who made it. */
static void forked(void)
{
	unsigned int there = counted(" vms ");
	int vm, go[2], status;
	char c = 0;
	pid_t child;

	limit("max_vms_per_user", there + 1);
	KT_EQ(pipe(go), 0);
	vm = new_vm();
	KT_TRUE(vm >= 0);
	child = fork();
	if (!child) {
		close(go[1]);
		if (setuid(12345) || read(go[0], &c, 1) < 0)
			_exit(1);
		_exit(0);
	}
	close(vm);
	KT_EQ(counted(" vms "), there + 1);
	KT_EQ(new_vm(), -EMFILE);
	close(go[1]);
	KT_EQ(waitpid(child, &status, 0), child);
	KT_EQ(status, 0);
	KT_EQ(counted(" vms "), there);
	vm = new_vm();
	KT_TRUE(vm >= 0);
	limit("max_vms_per_user", 0);
}

/* Users do not share a limit. */
static void by_user(void)
{
	unsigned int there = counted(" vms ");
	int status, node = kt_sys(), mine;
	pid_t child;

	limit("max_vms_per_user", there + 1);
	mine = new_vm();
	KT_TRUE(mine >= 0 && new_vm() == -EMFILE);
	child = fork();
	if (!child) {
		if (setuid(12345))
			_exit(2);
		for (u32 i = 0; i <= there; i++)
			if (ioctl(node, KVM_CREATE_VM, 0) < 0)
				_exit(3);
		_exit(ioctl(node, KVM_CREATE_VM, 0) < 0 && errno == EMFILE ? 0 : 4);
	}
	KT_EQ(waitpid(child, &status, 0), child);
	KT_EQ(status, 0);
	limit("max_vms_per_user", 0);
}

/* ---- memory ---------------------------------------------------------------------------------- */

#define CGROUP "/tmp/minikvm-cgroup"

/* A group that may have little memory: VMs are refused with ENOMEM, or their process is ended. */
static void cgroup_memory(void)
{
	int status, vm, made = 0;
	pid_t child;

	if (!kt_is_minikvm())
		kt_skip("about minikvm's memory");
	mkdir(CGROUP, 0700);
	if (mount("none", CGROUP, "cgroup2", 0, NULL) ||
	    !kt_write_file(CGROUP "/cgroup.subtree_control", "+memory"))
		kt_skip("no memory cgroup (version 2)");
	mkdir(CGROUP "/small", 0700);
	KT_TRUE(kt_write_file(CGROUP "/small/memory.max", "8388608"));
	child = fork();
	if (!child) {
		if (!kt_write_file(CGROUP "/small/cgroup.procs", "0"))
			_exit(2);
		for (made = 0; made < 300; made++) {
			vm = ioctl(kt_sys(), KVM_CREATE_VM, 0);
			if (vm < 0)
				_exit(errno == ENOMEM ? 0 : 3);
			for (u32 id = 0; id < 4; id++)
				if (ioctl(vm, KVM_CREATE_VCPU, id) < 0)
					_exit(errno == ENOMEM ? 0 : 4);
		}
		_exit(5);
	}
	KT_EQ(waitpid(child, &status, 0), child);
	KT_TRUE((WIFEXITED(status) && !WEXITSTATUS(status)) ||
		(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL), "status 0x%x", status);
	rmdir(CGROUP "/small");
	umount(CGROUP);
	/* Nothing is left of it, and the host goes on. */
	KT_TRUE(new_vm() >= 0);
}

static const struct kt_test tests[] = {
	{ "vms", vms },
	{ "vcpus", vcpus },
	{ "error_paths", error_paths },
	{ "forked", forked },
	{ "by_user", by_user },
	{ "cgroup_memory", cgroup_memory, 180 },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
