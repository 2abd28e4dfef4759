// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM and vCPU wrappers of the minikvm kselftests: thin calls to the ioctls of <linux/kvm.h>
 * that end the subtest with ioctl, file, line and errno when one fails that must not.
 * A guest talks to its test through port KT_PORT: command and arguments are in registers.
 */
#include <fcntl.h>
#include <glob.h>
#include <cpuid.h>

#include "kt.h"

static int sys_fd = -1;

/**
 * kt_errno_name() - symbolic name of the errno values that the ABI uses
 * @err: errno
 * Return: the name, or what strerror() says.
 */
const char *kt_errno_name(int err)
{
	static const struct {
		int nr;
		const char *name;
	} names[] = {
#define E(x) { x, #x }
		E(EINVAL), E(ENOTTY), E(EFAULT), E(EBADF), E(E2BIG), E(EEXIST), E(ENXIO),
		E(EINTR), E(EAGAIN), E(EPERM), E(EBUSY), E(ENOMEM), E(EIO), E(ENOENT), E(ENODEV),
		E(EMFILE), E(EOPNOTSUPP), E(ENOSYS), E(ERANGE),
#undef E
	};

	for (unsigned int i = 0; i < KT_ARRAY_SIZE(names); i++)
		if (names[i].nr == err)
			return names[i].name;
	return strerror(err);
}

int kt_ioctl_at(const char *file, int line, const char *name, int fd, unsigned long req,
		unsigned long arg)
{
	int ret = ioctl(fd, req, arg);

	if (ret < 0)
		kt_fail_at(file, line, "%s: %s", name, kt_errno_name(errno));
	return ret;
}

void kt_ioctl_err_at(const char *file, int line, const char *name, int fd, unsigned long req,
		     unsigned long arg, int err)
{
	int ret = ioctl(fd, req, arg);

	if (ret >= 0)
		kt_fail_at(file, line, "%s: returned %d, want %s", name, ret, kt_errno_name(err));
	if (errno != err)
		kt_fail_at(file, line, "%s: %s, want %s", name, kt_errno_name(errno),
			   kt_errno_name(err));
}

/**
 * kt_open() - open the device under test
 * Return: a new descriptor; ends the subtest when there is none.
 */
int kt_open(void)
{
	int fd = open(kt_dev, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		kt_fail("open %s: %s", kt_dev, strerror(errno));
	return fd;
}

/**
 * kt_sys() - the process's one descriptor of the device
 * Return: the descriptor, opened on first use.
 */
int kt_sys(void)
{
	if (sys_fd < 0)
		sys_fd = kt_open();
	return sys_fd;
}

/**
 * kt_is_minikvm() - is the device under test minikvm's?
 * Return: true for /dev/minikvm and for minikvm serving as /dev/kvm.
 */
bool kt_is_minikvm(void)
{
	if (strstr(kt_dev, "minikvm"))
		return true;
	return !access("/sys/module/minikvm", F_OK) && access("/sys/module/kvm", F_OK);
}

/**
 * kt_cpu_intel() - does the host CPU call itself GenuineIntel?
 * Return: true if so; a few tests of VT-x's own rules make no sense elsewhere.
 */
bool kt_cpu_intel(void)
{
	u32 a, b, c, d;

	__cpuid(0, a, b, c, d);
	return b == 0x756e6547;
}

int kt_cap(int cap)
{
	return ioctl(kt_sys(), KVM_CHECK_EXTENSION, cap);
}

/**
 * kt_require_cap() - skip the subtest unless a capability is there
 * @cap: KVM_CAP_*
 * @name: its name for the skip line
 */
void kt_require_cap(int cap, const char *name)
{
	if (kt_cap(cap) <= 0)
		kt_skip("%s is not offered", name);
}

void *kt_g2h(struct kt_vm *vm, u64 gpa)
{
	if (gpa >= vm->size)
		kt_fail("guest address %#llx is outside slot 0", (unsigned long long)gpa);
	return vm->mem + gpa;
}

/**
 * kt_slot() - KVM_SET_USER_MEMORY_REGION
 * @vm: the VM
 * @slot: slot number (and address space in the upper half)
 * @flags: KVM_MEM_*
 * @gpa: guest physical address, bytes
 * @size: bytes, 0 deletes
 * @hva: backing
 * Return: 0 or -errno.
 */
int kt_slot(struct kt_vm *vm, u32 slot, u32 flags, u64 gpa, u64 size, void *hva)
{
	struct kvm_userspace_memory_region r = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (u64)(unsigned long)hva,
	};

	return ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &r) ? -errno : 0;
}

/**
 * kt_vm_new() - create a VM with RAM at guest physical 0
 * @size: bytes of RAM, 0 for none
 * @flags: KT_IRQCHIP, KT_PIT, KT_NOIMAGE
 * Return: the VM; ends the subtest on failure.
 */
struct kt_vm *kt_vm_new(size_t size, unsigned int flags)
{
	struct kt_vm *vm = calloc(1, sizeof(*vm));
	int ret;

	if (!vm)
		kt_fail("out of memory");
	vm->flags = flags;
	vm->fd = KT_IOCTL(kt_sys(), KVM_CREATE_VM, 0);
	if (flags & (KT_IRQCHIP | KT_PIT)) {
		KT_IOCTL(vm->fd, KVM_SET_TSS_ADDR, 0xfffbd000UL);
		KT_IOCTL(vm->fd, KVM_CREATE_IRQCHIP, 0);
	} else if (ioctl(vm->fd, KVM_SET_TSS_ADDR, 0xfffbd000UL)) {
		kt_fail("KVM_SET_TSS_ADDR: %s", kt_errno_name(errno));
	}
	if (flags & KT_PIT) {
		struct kvm_pit_config cfg = { .flags = KVM_PIT_SPEAKER_DUMMY };

		KT_IOCTL(vm->fd, KVM_CREATE_PIT2, &cfg);
	}
	if (!size)
		return vm;
	vm->size = size;
	vm->mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (vm->mem == MAP_FAILED)
		kt_fail("mmap of %zu bytes: %s", size, strerror(errno));
	ret = kt_slot(vm, 0, 0, 0, size, vm->mem);
	if (ret)
		kt_fail("KVM_SET_USER_MEMORY_REGION: %s", kt_errno_name(-ret));
	if (!(flags & KT_NOIMAGE))
		kt_vm_load_image(vm);
	return vm;
}

/**
 * kt_vm_free() - close the VM and its vCPUs and unmap the RAM
 * @vm: the VM
 */
void kt_vm_free(struct kt_vm *vm)
{
	for (int i = 0; i < KT_MAX_VCPUS; i++)
		if (vm->vcpu[i])
			kt_vcpu_free(vm->vcpu[i]);
	if (vm->fd >= 0)
		close(vm->fd);
	if (vm->size)
		munmap(vm->mem, vm->size);
	free(vm);
}

/**
 * kt_supported_cpuid() - KVM_GET_SUPPORTED_CPUID
 * Return: a table the caller may change and free().
 */
struct kvm_cpuid2 *kt_supported_cpuid(void)
{
	struct kvm_cpuid2 *c = calloc(1, sizeof(*c) + 100 * sizeof(c->entries[0]));

	if (!c)
		kt_fail("out of memory");
	c->nent = 100;
	KT_IOCTL(kt_sys(), KVM_GET_SUPPORTED_CPUID, c);
	return c;
}

struct kvm_cpuid_entry2 *kt_cpuid_entry(struct kvm_cpuid2 *c, u32 function, u32 index)
{
	for (u32 i = 0; i < c->nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entries[i];

		if (e->function == function &&
		    (!(e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) || e->index == index))
			return e;
	}
	return NULL;
}

/**
 * kt_vcpu_new() - create a vCPU, map its kvm_run, give it the supported CPUID
 * @vm: its VM
 * @id: its number (and APIC ID), below KT_MAX_VCPUS
 * Return: the vCPU; ends the subtest on failure.
 */
struct kt_vcpu *kt_vcpu_new(struct kt_vm *vm, int id)
{
	struct kt_vcpu *v = calloc(1, sizeof(*v));
	struct kvm_cpuid2 *c;

	if (!v || id >= KT_MAX_VCPUS)
		kt_fail("no room for vCPU %d", id);
	v->vm = vm;
	v->id = id;
	v->fd = KT_IOCTL(vm->fd, KVM_CREATE_VCPU, id);
	v->run_size = KT_IOCTL(kt_sys(), KVM_GET_VCPU_MMAP_SIZE, 0);
	v->run = mmap(NULL, v->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	if (v->run == MAP_FAILED)
		kt_fail("mmap of the vCPU: %s", strerror(errno));
	c = kt_supported_cpuid();
	for (u32 i = 0; i < c->nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entries[i];

		if (e->function == 1)
			e->ebx = (e->ebx & 0xffffff) | (u32)id << 24;
		if (e->function == 0xb || e->function == 0x1f)
			e->edx = id;
	}
	KT_IOCTL(v->fd, KVM_SET_CPUID2, c);
	free(c);
	if (id && (vm->flags & (KT_IRQCHIP | KT_PIT))) {
		struct kvm_mp_state mp = { .mp_state = KVM_MP_STATE_RUNNABLE };

		KT_IOCTL(v->fd, KVM_SET_MP_STATE, &mp);
	}
	vm->vcpu[id] = v;
	return v;
}

/**
 * kt_vcpu_free() - unmap and close
 * @vcpu: the vCPU
 */
void kt_vcpu_free(struct kt_vcpu *vcpu)
{
	vcpu->vm->vcpu[vcpu->id] = NULL;
	if (vcpu->run != MAP_FAILED)
		munmap(vcpu->run, vcpu->run_size);
	close(vcpu->fd);
	free(vcpu);
}

void kt_get_regs(struct kt_vcpu *vcpu, struct kvm_regs *regs)
{
	KT_IOCTL(vcpu->fd, KVM_GET_REGS, regs);
}

void kt_set_regs(struct kt_vcpu *vcpu, const struct kvm_regs *regs)
{
	KT_IOCTL(vcpu->fd, KVM_SET_REGS, regs);
}

void kt_get_sregs(struct kt_vcpu *vcpu, struct kvm_sregs *sregs)
{
	KT_IOCTL(vcpu->fd, KVM_GET_SREGS, sregs);
}

void kt_set_sregs(struct kt_vcpu *vcpu, const struct kvm_sregs *sregs)
{
	KT_IOCTL(vcpu->fd, KVM_SET_SREGS, sregs);
}

struct one_msr {
	struct kvm_msrs head;
	struct kvm_msr_entry e;
};

int kt_try_get_msr(struct kt_vcpu *vcpu, u32 index, u64 *value)
{
	struct one_msr m = { .head.nmsrs = 1, .e.index = index };
	int ret = KT_IOCTL(vcpu->fd, KVM_GET_MSRS, &m);

	*value = m.e.data;
	return ret;
}

/**
 * kt_get_msr() - KVM_GET_MSRS of one MSR that must exist
 * @vcpu: the vCPU
 * @index: the MSR
 * Return: its value.
 */
u64 kt_get_msr(struct kt_vcpu *vcpu, u32 index)
{
	u64 value;

	if (kt_try_get_msr(vcpu, index, &value) != 1)
		kt_fail("KVM_GET_MSRS refuses MSR %#x", index);
	return value;
}

/**
 * kt_try_set_msr() - KVM_SET_MSRS of one MSR
 * @vcpu: the vCPU
 * @index: the MSR
 * @value: to be written
 * Return: 1 if taken, 0 if refused.
 */
int kt_try_set_msr(struct kt_vcpu *vcpu, u32 index, u64 value)
{
	struct one_msr m = { .head.nmsrs = 1, .e.index = index, .e.data = value };

	return KT_IOCTL(vcpu->fd, KVM_SET_MSRS, &m);
}

/**
 * kt_exit_name() - name of a KVM_EXIT_* reason
 * @reason: kvm_run.exit_reason
 * Return: the name.
 */
const char *kt_exit_name(u32 reason)
{
	static const char * const names[] = {
#define X(x)[KVM_EXIT_##x] = "KVM_EXIT_" #x
		X(UNKNOWN), X(EXCEPTION), X(IO), X(HYPERCALL), X(DEBUG), X(HLT), X(MMIO),
		X(IRQ_WINDOW_OPEN), X(SHUTDOWN), X(FAIL_ENTRY), X(INTR), X(SET_TPR),
		X(TPR_ACCESS), X(INTERNAL_ERROR), X(SYSTEM_EVENT), X(IOAPIC_EOI),
#undef X
	};

	if (reason < KT_ARRAY_SIZE(names) && names[reason])
		return names[reason];
	return "another exit reason";
}

/**
 * kt_dump() - print the vCPU's last exit and registers as diagnostics
 * @vcpu: the vCPU
 */
void kt_dump(struct kt_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	struct kvm_sregs s;
	struct kvm_regs r;

	kt_note("vCPU %d: exit %u (%s)", vcpu->id, run->exit_reason,
		kt_exit_name(run->exit_reason));
	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		kt_note("  io port %#x size %u count %u %s", run->io.port, run->io.size,
			run->io.count, run->io.direction ? "out" : "in");
		break;
	case KVM_EXIT_MMIO:
		kt_note("  mmio %#llx len %u %s", run->mmio.phys_addr, run->mmio.len,
			run->mmio.is_write ? "write" : "read");
		break;
	case KVM_EXIT_FAIL_ENTRY:
		kt_note("  entry failure reason %#llx",
			run->fail_entry.hardware_entry_failure_reason);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		kt_note("  suberror %u ndata %u data %#llx %#llx %#llx", run->internal.suberror,
			run->internal.ndata, run->internal.data[0], run->internal.data[1],
			run->internal.data[2]);
		break;
	}
	if (ioctl(vcpu->fd, KVM_GET_REGS, &r) || ioctl(vcpu->fd, KVM_GET_SREGS, &s))
		return;
	kt_note("  rip %llx rflags %llx rsp %llx rax %llx rbx %llx rcx %llx rdx %llx", r.rip,
		r.rflags, r.rsp, r.rax, r.rbx, r.rcx, r.rdx);
	kt_note("  rsi %llx rdi %llx cr0 %llx cr2 %llx cr3 %llx cr4 %llx efer %llx", r.rsi, r.rdi,
		s.cr0, s.cr2, s.cr3, s.cr4, s.efer);
	kt_note("  cs %x base %llx limit %x ss %x base %llx", s.cs.selector, s.cs.base, s.cs.limit,
		s.ss.selector, s.ss.base);
}

int kt_run_raw(struct kt_vcpu *vcpu)
{
	return ioctl(vcpu->fd, KVM_RUN, 0);
}

/**
 * kt_run() - KVM_RUN that must return 0
 * @vcpu: the vCPU
 * Return: the exit reason.
 */
u32 kt_run(struct kt_vcpu *vcpu)
{
	if (kt_run_raw(vcpu)) {
		int err = errno;

		kt_dump(vcpu);
		kt_fail("KVM_RUN: %s", kt_errno_name(err));
	}
	return vcpu->run->exit_reason;
}

/**
 * kt_io_data() - data of a KVM_EXIT_IO
 * @vcpu: the vCPU
 * Return: pointer into the shared page.
 */
void *kt_io_data(struct kt_vcpu *vcpu)
{
	return (u8 *)vcpu->run + vcpu->run->io.data_offset;
}

/**
 * kt_mmio_serve() - answer a KVM_EXIT_MMIO as if a buffer were the device
 * @vcpu: the vCPU
 * @base: guest physical address of @buf
 * @buf: the device's memory
 * @size: its bytes
 * Return: false if the last exit is no MMIO exit; ends the subtest if it is a wrong one.
 */
bool kt_mmio_serve(struct kt_vcpu *vcpu, u64 base, void *buf, size_t size)
{
	struct kvm_run *run = vcpu->run;
	u64 off = run->mmio.phys_addr - base;

	if (run->exit_reason != KVM_EXIT_MMIO)
		return false;
	if (run->mmio.len < 1 || run->mmio.len > 8 || off >= size || off + run->mmio.len > size) {
		kt_dump(vcpu);
		kt_fail("MMIO exit outside the device");
	}
	if (run->mmio.is_write)
		memcpy((u8 *)buf + off, run->mmio.data, run->mmio.len);
	else
		memcpy(run->mmio.data, (u8 *)buf + off, run->mmio.len);
	return true;
}

/**
 * kt_run_served() - run on, serving MMIO, until another exit comes
 * @vcpu: the vCPU
 * @base: as for kt_mmio_serve()
 * @buf: as for kt_mmio_serve()
 * @size: as for kt_mmio_serve()
 */
void kt_run_served(struct kt_vcpu *vcpu, u64 base, void *buf, size_t size)
{
	for (int i = 0; i < 1000000; i++) {
		kt_run(vcpu);
		if (!kt_mmio_serve(vcpu, base, buf, size))
			return;
	}
	kt_fail("more MMIO exits than any test makes");
}

/**
 * kt_ucall() - is the last exit a call of the guest to its test?
 * @vcpu: the vCPU
 * @uc: takes command and arguments
 * Return: true if so.
 */
bool kt_ucall(struct kt_vcpu *vcpu, struct kt_ucall *uc)
{
	struct kvm_run *run = vcpu->run;
	struct kvm_regs r;

	if (run->exit_reason != KVM_EXIT_IO || run->io.port != KT_PORT || !run->io.direction)
		return false;
	kt_get_regs(vcpu, &r);
	uc->cmd = r.rdi;
	uc->a = r.rsi;
	uc->b = r.rdx;
	uc->c = r.rcx;
	return true;
}

/**
 * kt_check_guest_at() - end the subtest if the guest found something wrong
 * @file: source file, by KT_CHECK_GUEST()
 * @line: source line, by KT_CHECK_GUEST()
 * @vcpu: the vCPU
 * @uc: the guest's call
 */
void kt_check_guest_at(const char *file, int line, struct kt_vcpu *vcpu, struct kt_ucall *uc)
{
	if (uc->cmd == UC_ASSERT)
		kt_fail_at(file, (int)uc->a, "in the guest: found %#llx, want %#llx",
			   (unsigned long long)uc->b, (unsigned long long)uc->c);
	if (uc->cmd == UC_TRAP) {
		kt_dump(vcpu);
		kt_fail_at(file, line, "unexpected guest exception %llu error %#llx at %#llx",
			   (unsigned long long)uc->a, (unsigned long long)uc->b,
			   (unsigned long long)uc->c);
	}
}

void kt_want_exit_at(const char *file, int line, struct kt_vcpu *vcpu, u32 reason)
{
	struct kt_ucall uc;

	if (kt_run_raw(vcpu)) {
		int err = errno;

		kt_dump(vcpu);
		kt_fail_at(file, line, "KVM_RUN: %s", kt_errno_name(err));
	}
	if (kt_ucall(vcpu, &uc)) {
		kt_check_guest_at(file, line, vcpu, &uc);
		if (reason == KVM_EXIT_IO)
			return;
	} else if (vcpu->run->exit_reason == reason) {
		return;
	}
	kt_dump(vcpu);
	kt_fail_at(file, line, "exit %s, want %s", kt_exit_name(vcpu->run->exit_reason),
		   kt_exit_name(reason));
}

u64 kt_want_sync_at(const char *file, int line, struct kt_vcpu *vcpu, u64 stage)
{
	struct kt_ucall uc;

	kt_want_exit_at(file, line, vcpu, KVM_EXIT_IO);
	if (!kt_ucall(vcpu, &uc) || uc.cmd != UC_SYNC || uc.a != stage) {
		kt_dump(vcpu);
		kt_fail_at(file, line, "want the guest's sync %llu", (unsigned long long)stage);
	}
	return uc.b;
}

void kt_want_done_at(const char *file, int line, struct kt_vcpu *vcpu)
{
	struct kt_ucall uc;

	kt_want_exit_at(file, line, vcpu, KVM_EXIT_IO);
	if (!kt_ucall(vcpu, &uc) || uc.cmd != UC_DONE) {
		kt_dump(vcpu);
		kt_fail_at(file, line, "want the guest's end");
	}
}

/**
 * kt_thread_run_done() - run a vCPU until its guest has ended, as the function of a thread
 * @vcpu: the vCPU
 * Return: NULL.
 */
void *kt_thread_run_done(void *vcpu)
{
	KT_RUN_DONE((struct kt_vcpu *)vcpu);
	return NULL;
}

/**
 * kt_exit_counts() - a vCPU's exits so far, from its file in minikvm's debugfs
 * @counts: receives KT_EXIT_REASONS numbers, by basic exit reason
 * Return: false where there is no such file: on /dev/kvm.
 */
bool kt_exit_counts(struct kt_vcpu *vcpu, u64 *counts)
{
	unsigned long long value;
	char name[64], line[128];
	unsigned int reason;
	glob_t found;
	FILE *f;

	memset(counts, 0, KT_EXIT_REASONS * sizeof(*counts));
	snprintf(name, sizeof(name), "/sys/kernel/debug/minikvm/%d-*/vcpu%d", getpid(), vcpu->id);
	if (glob(name, 0, NULL, &found))
		return false;
	KT_EQ(found.gl_pathc, 1);
	f = fopen(found.gl_pathv[0], "re");
	KT_TRUE(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "exit[%u] %llu", &reason, &value) == 2 && reason < KT_EXIT_REASONS)
			counts[reason] = value;
	fclose(f);
	globfree(&found);
	return true;
}
