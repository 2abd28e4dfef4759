// SPDX-License-Identifier: GPL-2.0-only
/*
 * The outermost layer of KVM's ABI: version, capabilities, errno of unknown ioctls per kind of
 * descriptor, the E2BIG protocols, and one guest in each of real, 32-bit and 64-bit mode.
 * Implements nothing; checks "The KVM API" sections 4.1 to 4.5, 4.46 and 5. Relies on lib/.
 */
#include <fcntl.h>
#include <linux/minikvm.h>

#include "guest.h"

#define MSR_LIST_MAX 1024

static void api_version(void)
{
	KT_EQ(KT_IOCTL(kt_sys(), KVM_GET_API_VERSION, 0), KVM_API_VERSION);
	KT_EQ(KVM_API_VERSION, 12);
	KT_IOCTL_ERR(kt_sys(), KVM_GET_API_VERSION, 1, EINVAL);
}

static void check_extension(void)
{
	static const struct {
		int cap;
		int min;
		const char *name;
	} must[] = {
#define C(x, min) { KVM_CAP_##x, min, #x }
		C(USER_MEMORY, 1), C(SET_TSS_ADDR, 1), C(EXT_CPUID, 1), C(HLT, 1), C(IRQCHIP, 1),
		C(PIT2, 1), C(IRQ_ROUTING, 64), C(IRQ_INJECT_STATUS, 1), C(COALESCED_MMIO, 1),
		C(IMMEDIATE_EXIT, 1), C(NR_MEMSLOTS, 32), C(NR_VCPUS, 1), C(MAX_VCPUS, 1),
		C(MAX_VCPU_ID, 1), C(MP_STATE, 1), C(CHECK_EXTENSION_VM, 1), C(SIGNAL_MSI, 1),
		C(DESTROY_MEMORY_REGION_WORKS, 1), C(JOIN_MEMORY_REGIONS_WORKS, 1),
		C(SYNC_MMU, 1), C(READONLY_MEM, 1), C(USER_NMI, 1), C(CLOCKSOURCE, 1),
		C(EXT_EMUL_CPUID, 1), C(NOP_IO_DELAY, 1), C(IOAPIC_POLARITY_IGNORED, 1),
		C(IOEVENTFD_NO_LENGTH, 1),
#undef C
	};
	struct kt_vm *vm = kt_vm_new(0, 0);

	for (unsigned int i = 0; i < KT_ARRAY_SIZE(must); i++) {
		int sys = KT_IOCTL(kt_sys(), KVM_CHECK_EXTENSION, must[i].cap);
		int v = KT_IOCTL(vm->fd, KVM_CHECK_EXTENSION, must[i].cap);

		if (sys < must[i].min)
			kt_fail("KVM_CAP_%s is %d, want at least %d", must[i].name, sys,
				must[i].min);
		if (sys != v)
			kt_fail("KVM_CAP_%s is %d on the system fd, %d on the VM fd",
				must[i].name, sys, v);
	}
	KT_TRUE(kt_cap(KVM_CAP_MAX_VCPUS) >= kt_cap(KVM_CAP_NR_VCPUS));
	KT_TRUE(kt_cap(KVM_CAP_MAX_VCPU_ID) >= kt_cap(KVM_CAP_MAX_VCPUS));
	KT_EQ(kt_cap(KVM_CAP_STEAL_TIME),
	      kt_cpuid_entry(kt_supported_cpuid(), 0x40000001, 0)->eax >> 5 & 1);
}

static void unknown_capability(void)
{
	static const long bad[] = { 100000, 0x7fffffff, -1, (1L << 40) + KVM_CAP_IRQCHIP };
	struct kt_vm *vm = kt_vm_new(0, 0);

	for (unsigned int i = 0; i < KT_ARRAY_SIZE(bad); i++) {
		KT_EQ(KT_IOCTL(kt_sys(), KVM_CHECK_EXTENSION, bad[i]), 0);
		KT_EQ(KT_IOCTL(vm->fd, KVM_CHECK_EXTENSION, bad[i]), 0);
	}
}

static void vcpu_mmap_size(void)
{
	int size = KT_IOCTL(kt_sys(), KVM_GET_VCPU_MMAP_SIZE, 0);

	KT_TRUE(size >= (int)sizeof(struct kvm_run));
	KT_EQ(size % 4096, 0);
	KT_TRUE(kt_cap(KVM_CAP_COALESCED_MMIO) * 4096 < size);
	KT_IOCTL_ERR(kt_sys(), KVM_GET_VCPU_MMAP_SIZE, 1, EINVAL);
}

static void unknown_ioctl(void)
{
	struct kt_vm *vm = kt_vm_new(0, 0);
	struct kt_vcpu *vcpu = kt_vcpu_new(vm, 0);
	unsigned long unknown = _IO(KVMIO, 0xff);
	unsigned long foreign = _IO('x', 0x10);

	KT_IOCTL_ERR(kt_sys(), unknown, 0, EINVAL);
	KT_IOCTL_ERR(kt_sys(), foreign, 0, EINVAL);
	KT_IOCTL_ERR(kt_sys(), KVM_RUN, 0, EINVAL);
	KT_IOCTL_ERR(kt_sys(), KVM_CREATE_VCPU, 0, EINVAL);
	KT_IOCTL_ERR(vm->fd, unknown, 0, ENOTTY);
	KT_IOCTL_ERR(vm->fd, foreign, 0, ENOTTY);
	KT_IOCTL_ERR(vm->fd, KVM_RUN, 0, ENOTTY);
	KT_IOCTL_ERR(vm->fd, KVM_GET_API_VERSION, 0, ENOTTY);
	KT_IOCTL_ERR(vcpu->fd, unknown, 0, EINVAL);
	KT_IOCTL_ERR(vcpu->fd, foreign, 0, EINVAL);
	KT_IOCTL_ERR(vcpu->fd, KVM_CREATE_VM, 0, EINVAL);
	KT_IOCTL_ERR(vcpu->fd, KVM_RUN, 1, EINVAL);
}

static void create_vm_type(void)
{
	KT_IOCTL_ERR(kt_sys(), KVM_CREATE_VM, 1, EINVAL);
	KT_IOCTL_ERR(kt_sys(), KVM_CREATE_VM, 0x80000000UL, EINVAL);
	KT_IOCTL_ERR(kt_sys(), KVM_CREATE_VM, -1L, EINVAL);
}

static void create_vcpu_args(void)
{
	struct kt_vm *vm = kt_vm_new(0, 0);
	int max = kt_cap(KVM_CAP_MAX_VCPU_ID);
	int fd;

	KT_IOCTL_ERR(vm->fd, KVM_CREATE_VCPU, max, EINVAL);
	KT_IOCTL_ERR(vm->fd, KVM_CREATE_VCPU, -1L, EINVAL);
	/* KVM of 6.1 looks at 32 bits alone, and makes vCPU 0 of it. */
	if (kt_is_minikvm())
		KT_IOCTL_ERR(vm->fd, KVM_CREATE_VCPU, 1L << 32, EINVAL);
	fd = KT_IOCTL(vm->fd, KVM_CREATE_VCPU, max - 1);
	KT_IOCTL_ERR(vm->fd, KVM_CREATE_VCPU, max - 1, EEXIST);
	close(fd);
	/* The vCPU lives as long as the VM. */
	KT_IOCTL_ERR(vm->fd, KVM_CREATE_VCPU, max - 1, EEXIST);
}

static void fds_are_cloexec(void)
{
	struct kt_vm *vm = kt_vm_new(0, 0);
	struct kt_vcpu *vcpu = kt_vcpu_new(vm, 0);

	KT_TRUE(fcntl(vm->fd, F_GETFD) & FD_CLOEXEC);
	KT_TRUE(fcntl(vcpu->fd, F_GETFD) & FD_CLOEXEC);
}

static void msr_list(unsigned long req, const char *name)
{
	struct kvm_msr_list *l = calloc(1, sizeof(*l) + MSR_LIST_MAX * 4);
	u32 want;

	l->nmsrs = 0;
	if (ioctl(kt_sys(), req, l) != -1 || errno != E2BIG)
		kt_fail("%s with nmsrs 0: want E2BIG", name);
	want = l->nmsrs;
	KT_TRUE(want > 0 && want < MSR_LIST_MAX);
	l->nmsrs = want - 1;
	if (ioctl(kt_sys(), req, l) != -1 || errno != E2BIG)
		kt_fail("%s with one entry too few: want E2BIG", name);
	KT_EQ(l->nmsrs, want);
	memset(l->indices, 0xa5, (want + 1) * 4);
	if (ioctl(kt_sys(), req, l))
		kt_fail("%s: %s", name, kt_errno_name(errno));
	KT_EQ(l->nmsrs, want);
	KT_EQ(l->indices[want], 0xa5a5a5a5);
	for (u32 i = 0; i < want; i++)
		for (u32 j = 0; j < i; j++)
			KT_TRUE(l->indices[i] != l->indices[j], "MSR %#x listed twice",
				l->indices[i]);
	if (ioctl(kt_sys(), req, (void *)1) != -1 || errno != EFAULT)
		kt_fail("%s at a bad pointer: want EFAULT", name);
}

static void msr_index_list(void)
{
	msr_list(KVM_GET_MSR_INDEX_LIST, "KVM_GET_MSR_INDEX_LIST");
}

static void msr_feature_list(void)
{
	kt_require_cap(KVM_CAP_GET_MSR_FEATURES, "KVM_CAP_GET_MSR_FEATURES");
	msr_list(KVM_GET_MSR_FEATURE_INDEX_LIST, "KVM_GET_MSR_FEATURE_INDEX_LIST");
}

/* A client reads every listed MSR, writes it back and treats a short count as fatal. */
static void listed_msrs_writable(void)
{
	struct kvm_msr_list *l = calloc(1, sizeof(*l) + MSR_LIST_MAX * 4);
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, guest_done);
	u32 bad = 0;

	l->nmsrs = MSR_LIST_MAX;
	KT_IOCTL(kt_sys(), KVM_GET_MSR_INDEX_LIST, l);
	for (u32 i = 0; i < l->nmsrs; i++) {
		u64 v;

		if (kt_try_get_msr(vcpu, l->indices[i], &v) != 1) {
			kt_note("listed MSR %#x cannot be read", l->indices[i]);
			bad++;
		} else if (kt_try_set_msr(vcpu, l->indices[i], v) != 1) {
			kt_note("listed MSR %#x cannot be set to %#llx", l->indices[i],
				(unsigned long long)v);
			bad++;
		}
	}
	KT_EQ(bad, 0);
	KT_RUN_DONE(vcpu);
}

static void supported_cpuid(void)
{
	struct kvm_cpuid2 *c = calloc(1, sizeof(*c) + 101 * sizeof(c->entries[0]));
	struct kvm_cpuid_entry2 *e;
	u32 n;

	c->nent = 0;
	KT_IOCTL_ERR(kt_sys(), KVM_GET_SUPPORTED_CPUID, c, E2BIG);
	c->nent = 1;
	KT_IOCTL_ERR(kt_sys(), KVM_GET_SUPPORTED_CPUID, c, E2BIG);
	c->nent = 100;
	memset(c->entries, 0xa5, 101 * sizeof(c->entries[0]));
	KT_IOCTL(kt_sys(), KVM_GET_SUPPORTED_CPUID, c);
	n = c->nent;
	KT_TRUE(n > 3 && n <= 100);
	KT_EQ(c->entries[100].function, 0xa5a5a5a5);
	e = kt_cpuid_entry(c, 0, 0);
	KT_TRUE(e && e->eax >= 1);
	e = kt_cpuid_entry(c, 1, 0);
	KT_TRUE(e);
	KT_TRUE(e->edx & 1 << 25, "no SSE");
	KT_EQ(!!(e->ecx & 1u << 27), 0);	/* OSXSAVE mirrors CR4, it is no feature */
	e = kt_cpuid_entry(c, 0x80000001, 0);
	KT_TRUE(e && (e->edx & 1 << 29), "no long mode");
	e = kt_cpuid_entry(c, 0x80000008, 0);
	KT_TRUE(e && (e->eax & 0xff) >= 36 && (e->eax & 0xff) <= 52);
	c->nent = n;
	KT_IOCTL(kt_sys(), KVM_GET_SUPPORTED_CPUID, c);
	KT_EQ(c->nent, n);
	c->nent = n - 1;
	KT_IOCTL_ERR(kt_sys(), KVM_GET_SUPPORTED_CPUID, c, E2BIG);
	KT_IOCTL_ERR(kt_sys(), KVM_GET_SUPPORTED_CPUID, 1, EFAULT);
}

/* 2 + 2 in real mode, printed on port 0x3f8, then HLT: the KVM tutorials' first guest. */
asm(".text\n"
    "real_guest: .code16\n"
    "	mov $0x3f8, %dx\n"
    "	add %bl, %al\n"
    "	add $'0', %al\n"
    "	out %al, (%dx)\n"
    "	mov $'\\n', %al\n"
    "	out %al, (%dx)\n"
    "	hlt\n"
    "real_guest_end: .code64\n");
extern const u8 real_guest[], real_guest_end[];

static void guest_real(void)
{
	struct kt_vm *vm = kt_vm_new(KT_MEM, KT_NOIMAGE);
	struct kt_vcpu *vcpu = kt_vcpu_new(vm, 0);
	struct kvm_regs r;

	kt_vcpu_real(vcpu, real_guest, real_guest_end);
	kt_get_regs(vcpu, &r);
	r.rax = 2;
	r.rbx = 2;
	kt_set_regs(vcpu, &r);
	KT_RUN_EXIT(vcpu, KVM_EXIT_IO);
	KT_EQ(vcpu->run->io.direction, KVM_EXIT_IO_OUT);
	KT_EQ(vcpu->run->io.port, 0x3f8);
	KT_EQ(vcpu->run->io.size, 1);
	KT_EQ(vcpu->run->io.count, 1);
	KT_EQ(*(char *)kt_io_data(vcpu), '4');
	KT_RUN_EXIT(vcpu, KVM_EXIT_IO);
	KT_EQ(*(char *)kt_io_data(vcpu), '\n');
	KT_RUN_EXIT(vcpu, KVM_EXIT_HLT);
	kt_get_regs(vcpu, &r);
	KT_EQ(r.rip, real_guest_end - real_guest);
}

/* As the tutorials do it: only CS base and selector changed after reset, no SET_CPUID2. */
static void guest_real_minimal(void)
{
	int vmfd = KT_IOCTL(kt_sys(), KVM_CREATE_VM, 0);
	struct kt_vm vm = { .fd = vmfd };
	struct kvm_regs r = { .rip = 0x1000, .rax = 3, .rbx = 4, .rflags = 2 };
	struct kvm_sregs s;
	struct kvm_run *run;
	char *mem;
	int fd;

	mem = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	memcpy(mem, real_guest, real_guest_end - real_guest);
	KT_EQ(kt_slot(&vm, 0, 0, 0x1000, 4096, mem), 0);
	fd = KT_IOCTL(vmfd, KVM_CREATE_VCPU, 0);
	run = mmap(NULL, KT_IOCTL(kt_sys(), KVM_GET_VCPU_MMAP_SIZE, 0), PROT_READ | PROT_WRITE,
		   MAP_SHARED, fd, 0);
	KT_IOCTL(fd, KVM_GET_SREGS, &s);
	s.cs.base = 0;
	s.cs.selector = 0;
	KT_IOCTL(fd, KVM_SET_SREGS, &s);
	KT_IOCTL(fd, KVM_SET_REGS, &r);
	KT_EQ(KT_IOCTL(fd, KVM_RUN, 0), 0);
	KT_EQ(run->exit_reason, KVM_EXIT_IO);
	KT_EQ(((char *)run)[run->io.data_offset], '7');
	KT_EQ(KT_IOCTL(fd, KVM_RUN, 0), 0);
	KT_EQ(KT_IOCTL(fd, KVM_RUN, 0), 0);
	KT_EQ(run->exit_reason, KVM_EXIT_HLT);
}

/* Recursive sum and a divide error, in 32-bit mode. */
asm(".text\n"
    "prot_guest: .code32\n"
    "	mov $100, %ecx\n"
    "	xor %eax, %eax\n"
    "1:	push %ecx\n"
    "	add (%esp), %eax\n"
    "	pop %ecx\n"
    "	loop 1b\n"
    "	out %eax, $0x80\n"
    "	xor %ecx, %ecx\n"
    "	xor %edx, %edx\n"
    "prot_div: div %ecx\n"
    "	ud2\n"
    "	.code64\n");
extern const u8 prot_guest[], prot_div[];

static void guest_32(bool paging)
{
	struct kt_vm *vm = kt_vm_new(KT_MEM, 0);
	struct kt_vcpu *vcpu = kt_vcpu_new(vm, 0);
	struct kt_frame32 *f;

	kt_vcpu_prot32(vcpu, prot_guest, paging);
	KT_RUN_EXIT(vcpu, KVM_EXIT_IO);
	KT_EQ(vcpu->run->io.port, 0x80);
	KT_EQ(vcpu->run->io.size, 4);
	KT_EQ(*(u32 *)kt_io_data(vcpu), 5050);
	KT_RUN_EXIT(vcpu, KVM_EXIT_IO);
	f = kt_frame32(vcpu);
	KT_TRUE(f);
	KT_EQ(f->vector, 0);
	KT_EQ(f->eip, (unsigned long)prot_div);
	KT_EQ(f->cs, KT_CS32);
}

static void guest_32_unpaged(void)
{
	guest_32(false);
}

static void guest_32_paged(void)
{
	guest_32(true);
}

static u64 shared = 41;

static void long_guest(void)
{
	GUEST_SYNC_VAL(1, shared);
	shared++;
	GUEST_EQ(GUEST_TRY0("ud2"), 6);
	GUEST_EQ(GUEST_READ_REG("cr3"), KT_PML4);
	GUEST_SYNC_VAL(2, shared);
	guest_done();
}

static void guest_64(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, long_guest);

	KT_EQ(KT_RUN_SYNC(vcpu, 1), 41);
	GV(vcpu->vm, shared) = 99;
	KT_EQ(KT_RUN_SYNC(vcpu, 2), 100);
	KT_RUN_DONE(vcpu);
}

static void minikvm_version(void)
{
	if (!kt_is_minikvm())
		kt_skip("only minikvm has it");
	KT_EQ(KT_IOCTL(kt_sys(), MINIKVM_GET_VERSION, 0), MINIKVM_ABI_VERSION);
	KT_IOCTL_ERR(kt_sys(), MINIKVM_GET_VERSION, 1, EINVAL);
}

static void nr_mmu_pages(void)
{
	struct kt_vm *vm = kt_vm_new(0, 0);

	KT_IOCTL(vm->fd, KVM_SET_NR_MMU_PAGES, 1000);
	KT_EQ(KT_IOCTL(vm->fd, KVM_GET_NR_MMU_PAGES, 0), 1000);
	KT_IOCTL_ERR(vm->fd, KVM_SET_NR_MMU_PAGES, 63, EINVAL);
	KT_EQ(KT_IOCTL(vm->fd, KVM_GET_NR_MMU_PAGES, 0), 1000);
}

static const struct kt_test tests[] = {
	{ "api_version", api_version },
	{ "check_extension", check_extension },
	{ "unknown_capability", unknown_capability },
	{ "vcpu_mmap_size", vcpu_mmap_size },
	{ "unknown_ioctl", unknown_ioctl },
	{ "create_vm_type", create_vm_type },
	{ "create_vcpu_args", create_vcpu_args },
	{ "fds_are_cloexec", fds_are_cloexec },
	{ "msr_index_list", msr_index_list },
	{ "msr_feature_list", msr_feature_list },
	{ "supported_cpuid", supported_cpuid },
	{ "guest_real", guest_real },
	{ "guest_real_minimal", guest_real_minimal },
	{ "guest_32_unpaged", guest_32_unpaged },
	{ "guest_32_paged", guest_32_paged },
	{ "guest_64", guest_64 },
	{ "listed_msrs_writable", listed_msrs_writable },
	{ "minikvm_version", minikvm_version },
	{ "nr_mmu_pages", nr_mmu_pages },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
