// SPDX-License-Identifier: GPL-2.0-only
/*
 * Smaller capabilities of a VM: coalesced MMIO and PIO, KVM_CAP_X86_DISABLE_EXITS,
 * KVM_CAP_DISABLE_QUIRKS2, KVM_CAP_MAX_VCPU_ID, KVM_SET_USER_MEMORY_REGION2, attributes of the
 * device, KVM_CREATE_DEVICE. KVM's ABI is the reference. Relies on lib/.
 */
#include <pthread.h>
#include <asm/kvm_para.h>

#include "apic.h"
#include "stat.h"

#define PORT 0x600
#define RING_SIZE ((4096 - 8) / sizeof(struct kvm_coalesced_mmio))

#ifndef KVM_CAP_USER_MEMORY2
#define KVM_CAP_USER_MEMORY2 231
#endif

struct region2 {
	struct kvm_userspace_memory_region region;
	u64 guest_memfd_offset;
	u32 guest_memfd, pad1;
	u64 pad2[14];
};

static int enable_cap(struct kt_vm *vm, u32 cap, u64 arg)
{
	struct kvm_enable_cap args = { .cap = cap, .args[0] = arg };

	return ioctl(vm->fd, KVM_ENABLE_CAP, &args) ? -errno : 0;
}

/* ---- coalesced writes --------------------------------------------------------------------- */

static void coalesced_guest(void)
{
	GUEST_SYNC(1);
	for (u32 i = 0; i < 10; i++)
		wr32(KT_MMIO + 0x100 + i * 4, i);
	outw(PORT, 0x1234);
	GUEST_SYNC(2);
	wr8(KT_MMIO + 0x1fff, 9);	/* the zone's last byte */
	wr8(KT_MMIO + 0x2000, 9);	/* behind it */
	GUEST_SYNC(3);
	for (u32 i = 0; i < RING_SIZE; i++)
		wr32(KT_MMIO + 0x100, i);
	GUEST_SYNC(4);
	wr32(KT_MMIO + 0x100, 1);
	outw(PORT, 1);
	guest_done();
}

static struct kvm_coalesced_mmio_ring *ring_of(struct kt_vcpu *vcpu)
{
	return (void *)((u8 *)vcpu->run + kt_cap(KVM_CAP_COALESCED_MMIO) * 4096);
}

static void want_entry(struct kvm_coalesced_mmio_ring *ring, u64 addr, u32 len, u64 data, u32 pio)
{
	struct kvm_coalesced_mmio *e = &ring->coalesced_mmio[ring->first];
	u64 value = 0;

	KT_TRUE(ring->first != ring->last, "the ring is empty");
	memcpy(&value, e->data, e->len);
	KT_EQ(e->phys_addr, addr);
	KT_EQ(e->len, len);
	KT_EQ(e->pio, pio);
	KT_EQ(value, data);
	ring->first = (ring->first + 1) % RING_SIZE;
}

static void coalesced(void)
{
	struct kvm_coalesced_mmio_zone mmio = { .addr = KT_MMIO, .size = 0x2000 };
	struct kvm_coalesced_mmio_zone pio = { .addr = PORT, .size = 4, .pio = 1 };
	struct kvm_coalesced_mmio_zone bad = { .addr = PORT, .size = 4, .pio = 2 };
	struct kt_vcpu *vcpu = kt_long(0, 0, coalesced_guest);
	struct kvm_coalesced_mmio_ring *ring;

	kt_require_cap(KVM_CAP_COALESCED_PIO, "KVM_CAP_COALESCED_PIO");
	ring = ring_of(vcpu);
	KT_IOCTL_ERR(vcpu->vm->fd, KVM_REGISTER_COALESCED_MMIO, &bad, EINVAL);
	KT_IOCTL(vcpu->vm->fd, KVM_REGISTER_COALESCED_MMIO, &mmio);
	KT_IOCTL(vcpu->vm->fd, KVM_REGISTER_COALESCED_MMIO, &pio);
	KT_RUN_SYNC(vcpu, 1);
	KT_EQ(ring->last, 0);
	KT_RUN_SYNC(vcpu, 2);
	for (u32 i = 0; i < 10; i++)
		want_entry(ring, KT_MMIO + 0x100 + i * 4, 4, i, 0);
	want_entry(ring, PORT, 2, 0x1234, 1);
	KT_EQ(ring->first, ring->last);
	KT_RUN_EXIT(vcpu, KVM_EXIT_MMIO);
	KT_EQ(vcpu->run->mmio.phys_addr, KT_MMIO + 0x2000);
	KT_RUN_SYNC(vcpu, 3);
	want_entry(ring, KT_MMIO + 0x1fff, 1, 9, 0);
	/* One place stays free; the write that finds the ring full exits. */
	KT_RUN_EXIT(vcpu, KVM_EXIT_MMIO);
	KT_EQ(*(u32 *)vcpu->run->mmio.data, RING_SIZE - 1);
	for (u32 i = 0; i < RING_SIZE - 1; i++)
		want_entry(ring, KT_MMIO + 0x100, 4, i, 0);
	KT_EQ(ring->first, ring->last);
	/* A page that userspace ruined does no harm: the write exits. */
	KT_RUN_SYNC(vcpu, 4);
	ring->last = 0xfffffff0;
	KT_IOCTL(vcpu->vm->fd, KVM_UNREGISTER_COALESCED_MMIO, &pio);
	KT_RUN_EXIT(vcpu, KVM_EXIT_MMIO);
	KT_IOCTL(vcpu->vm->fd, KVM_UNREGISTER_COALESCED_MMIO, &mmio);
	KT_IOCTL(vcpu->vm->fd, KVM_UNREGISTER_COALESCED_MMIO, &mmio);
	KT_RUN_EXIT(vcpu, KVM_EXIT_IO);
	KT_EQ(vcpu->run->io.port, PORT);
	KT_RUN_DONE(vcpu);
}

/* ---- exits that are switched off ---------------------------------------------------------- */

static void hlt_guest(void)
{
	guest_handler[0x60] = guest_count_eoi;
	apic_enable();
	apic_write(APIC_TDCR, 0xb);
	apic_write(APIC_LVTT, 0x60);
	GUEST_SYNC(1);
	for (u32 i = 1; i <= 5; i++) {
		apic_write(APIC_TMICT, 200000);
		sti_hlt_cli();
		GUEST_EQ(guest_irqs[0x60], i);
	}
	guest_done();
}

static void disabled_hlt_exits(void)
{
	struct kt_vm *vm = kt_vm_new(KT_MEM, KT_IRQCHIP), *late = kt_vm_new(0, 0);
	struct kvm_cpuid2 *c = kt_supported_cpuid();
	u32 pv_unhalt = 1 << KVM_FEATURE_PV_UNHALT;
	struct kt_vcpu *vcpu;

	kt_require_cap(KVM_CAP_X86_DISABLE_EXITS, "KVM_CAP_X86_DISABLE_EXITS");
	KT_EQ(enable_cap(vm, KVM_CAP_X86_DISABLE_EXITS, 0x100), -EINVAL);
	/* What the host cannot do is taken all the same. */
	KT_EQ(enable_cap(kt_vm_new(0, 0), KVM_CAP_X86_DISABLE_EXITS, 0xf), 0);
	KT_EQ(enable_cap(vm, KVM_CAP_X86_DISABLE_EXITS, KVM_X86_DISABLE_EXITS_HLT |
			 KVM_X86_DISABLE_EXITS_PAUSE), 0);
	kt_vcpu_new(late, 0);
	KT_EQ(enable_cap(late, KVM_CAP_X86_DISABLE_EXITS, KVM_X86_DISABLE_EXITS_HLT), -EINVAL);
	vcpu = kt_vcpu_new(vm, 0);
	kt_vcpu_long(vcpu, hlt_guest);
	/* No kick ends such a HLT: the guest is not told that one would. */
	KT_EQ(kt_cpuid_entry(c, 0x40000001, 0)->eax & pv_unhalt, pv_unhalt);
	KT_IOCTL(vcpu->fd, KVM_SET_CPUID2, c);
	KT_IOCTL(vcpu->fd, KVM_GET_CPUID2, c);
	KT_EQ(kt_cpuid_entry(c, 0x40000001, 0)->eax & pv_unhalt, 0);
	KT_RUN_SYNC(vcpu, 1);
	kt_cpuid_entry(c, 0x40000001, 0)->eax |= pv_unhalt;
	KT_IOCTL(vcpu->fd, KVM_SET_CPUID2, c);		/* what it got is the same */
	KT_RUN_DONE(vcpu);
}

/* ---- quirks ------------------------------------------------------------------------------- */

static void quirk_guest(void)
{
	GUEST_EQ(GUEST_TRY("monitor", NOTHING, "a"(KT_TEST_AREA), "c"(0UL), "d"(0UL)),
		 GUEST_NO_EXC);
	GUEST_SYNC(1);
	GUEST_EQ(GUEST_TRY("monitor", NOTHING, "a"(KT_TEST_AREA), "c"(0UL), "d"(0UL)), 6);
	GUEST_EQ(GUEST_TRY("mwait", NOTHING, "a"(0UL), "c"(0UL)), 6);
	GUEST_SYNC(2);
	GUEST_EQ(GUEST_TRY("mwait", NOTHING, "a"(0UL), "c"(0UL)), GUEST_NO_EXC);
	guest_done();
}

static void quirks(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, quirk_guest);
	int quirks = kt_cap(KVM_CAP_DISABLE_QUIRKS2);
	struct kt_vm *vm;
	struct kvm_lapic_state lapic;

	kt_require_cap(KVM_CAP_DISABLE_QUIRKS2, "KVM_CAP_DISABLE_QUIRKS2");
	KT_EQ(enable_cap(vcpu->vm, KVM_CAP_DISABLE_QUIRKS2, 1 << 20), -EINVAL);
	KT_RUN_SYNC(vcpu, 1);
	KT_EQ(quirks & (1 << 6), 1 << 6);
	KT_EQ(enable_cap(vcpu->vm, KVM_CAP_DISABLE_QUIRKS2, 1 << 6), 0);
	KT_RUN_SYNC(vcpu, 2);
	/* Now CPUID, and with it the instruction, follows IA32_MISC_ENABLE, bit 18. */
	KT_EQ(enable_cap(vcpu->vm, KVM_CAP_DISABLE_QUIRKS2, 1 << 6 | 1 << 4), 0);
	KT_EQ(kt_try_set_msr(vcpu, 0x1a0, 1 << 18), 1);
	KT_RUN_DONE(vcpu);
	/* LINT0 of the boot processor. */
	KT_EQ(quirks & KVM_X86_QUIRK_LINT0_REENABLED, KVM_X86_QUIRK_LINT0_REENABLED);
	vm = kt_vm_new(0, KT_IRQCHIP);
	KT_IOCTL(kt_vcpu_new(vm, 0)->fd, KVM_GET_LAPIC, &lapic);
	KT_EQ(*(u32 *)(lapic.regs + APIC_LVT0), 0x700);
	vm = kt_vm_new(0, KT_IRQCHIP);
	KT_EQ(enable_cap(vm, KVM_CAP_DISABLE_QUIRKS2, KVM_X86_QUIRK_LINT0_REENABLED), 0);
	KT_IOCTL(kt_vcpu_new(vm, 0)->fd, KVM_GET_LAPIC, &lapic);
	KT_EQ(*(u32 *)(lapic.regs + APIC_LVT0), 0x10000);
}

/* IN and OUT of userspace: where RIP is meanwhile, and that userspace may move it. */
static void out_rip_guest(void)
{
	u64 al = 0;

#define AT(insn) asm volatile("lea 1f(%%rip), %%rbx; lea 2f(%%rip), %%rcx; 1:" insn "; ud2; 2:" \
			      : "+a"(al) : : "rbx", "rcx", "memory")
	AT("out %%al, $0x7d; jmp 2f");
	AT("out %%al, $0x7e; jmp 2f");
	AT("out %%al, $0x7e; jmp 2f");
	AT("in $0x7e, %%al; jmp 2f");
	GUEST_EQ(al, 0x5a);
	/* Userspace goes behind the trap; what it answered is not used. */
	AT("out %%al, $0x7d");
	AT("in $0x7d, %%al");
	GUEST_EQ(al, 0x5a);
#undef AT
	guest_done();
}

/* Run to the next access; by how much is RIP behind its start? */
static u64 rip_moved(struct kt_vcpu *vcpu, u16 port, struct kvm_regs *regs)
{
	KT_RUN_EXIT(vcpu, KVM_EXIT_IO);
	KT_EQ(vcpu->run->io.port, port);
	*((u8 *)vcpu->run + vcpu->run->io.data_offset) = 0x5a;
	kt_get_regs(vcpu, regs);
	return regs->rip - regs->rbx;
}

static void out_rip(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, out_rip_guest);
	struct kvm_regs regs;

	KT_EQ(rip_moved(vcpu, 0x7d, &regs), 0);
	KT_EQ(rip_moved(vcpu, 0x7e, &regs), 2);
	KT_EQ(enable_cap(vcpu->vm, KVM_CAP_DISABLE_QUIRKS2, KVM_X86_QUIRK_OUT_7E_INC_RIP), 0);
	KT_EQ(rip_moved(vcpu, 0x7e, &regs), 0);
	KT_EQ(rip_moved(vcpu, 0x7e, &regs), 0);
	for (u32 i = 0; i < 2; i++) {
		KT_EQ(rip_moved(vcpu, 0x7d, &regs), 0);
		*((u8 *)vcpu->run + vcpu->run->io.data_offset) = 0xa5;
		regs.rip = regs.rcx;
		kt_set_regs(vcpu, &regs);
	}
	KT_RUN_DONE(vcpu);
}

#define CR0_NW_CD (3u << 29)
#define EXIT_WBINVD 54

static void caches_off_guest(void)
{
	u64 cr0;

	for (u64 i = 1; i <= 2; i++) {
		asm volatile("mov %%cr0, %0" : "=r"(cr0));
		GUEST_EQ(cr0 & CR0_NW_CD, 0);
		asm volatile("mov %0, %%cr0" : : "r"(cr0 | CR0_NW_CD) : "memory");
		asm volatile("mov %%cr0, %0" : "=r"(cr0));
		GUEST_EQ(cr0 & CR0_NW_CD, CR0_NW_CD);
		GUEST_SYNC(i);
		asm volatile("wbinvd; mov %0, %%cr0" : : "r"(cr0 & ~(u64)CR0_NW_CD) : "memory");
	}
	guest_done();
}

/* On Intel the bits stay what the guest made them, with and without the quirk. */
static void caches_off(void)
{
	struct kt_vcpu *vcpu = kt_long(0, 0, caches_off_guest);
	u64 exits[KT_EXIT_REASONS];
	struct kvm_sregs sregs;

	for (u64 i = 1; i <= 2; i++) {
		KT_RUN_SYNC(vcpu, i);
		kt_get_sregs(vcpu, &sregs);
		KT_EQ(sregs.cr0 & CR0_NW_CD, CR0_NW_CD);
		KT_EQ(enable_cap(vcpu->vm, KVM_CAP_DISABLE_QUIRKS2,
				 KVM_X86_QUIRK_CD_NW_CLEARED), 0);
	}
	KT_RUN_DONE(vcpu);
	/* No guest empties the caches of its neighbours. */
	if (kt_exit_counts(vcpu, exits))
		KT_EQ(exits[EXIT_WBINVD], 2);
}

/* ---- the rest ----------------------------------------------------------------------------- */

static void max_vcpu_id(void)
{
	struct kt_vm *vm = kt_vm_new(0, 0);
	int limit = kt_cap(KVM_CAP_MAX_VCPU_ID);

	KT_EQ(enable_cap(vm, KVM_CAP_MAX_VCPU_ID, limit + 1), -EINVAL);
	KT_EQ(enable_cap(vm, KVM_CAP_MAX_VCPU_ID, 0), 0);	/* as it was: no limit */
	KT_EQ(enable_cap(vm, KVM_CAP_MAX_VCPU_ID, 10), 0);
	KT_EQ(enable_cap(vm, KVM_CAP_MAX_VCPU_ID, 11), -EINVAL);
	KT_IOCTL_ERR(vm->fd, KVM_CREATE_VCPU, 10, EINVAL);
	KT_IOCTL(vm->fd, KVM_CREATE_VCPU, 9);
	/* No limit below the boot processor's number: KVM's rule since 6.11, and ours. */
	if (!kt_is_minikvm())
		return;
	vm = kt_vm_new(0, 0);
	KT_IOCTL(vm->fd, KVM_SET_BOOT_CPU_ID, 10);
	KT_EQ(enable_cap(vm, KVM_CAP_MAX_VCPU_ID, 9), -EINVAL);
	KT_EQ(enable_cap(vm, KVM_CAP_MAX_VCPU_ID, 10), 0);
	KT_IOCTL_ERR(vm->fd, KVM_SET_BOOT_CPU_ID, 11, EINVAL);
	KT_IOCTL(vm->fd, KVM_SET_BOOT_CPU_ID, 10);
	KT_IOCTL_ERR(vm->fd, KVM_SET_BOOT_CPU_ID, limit + 1, EINVAL);
}

static void memory_guest(void)
{
	GUEST_EQ(rd32(KT_MMIO), 0x5a5a5a5a);
	wr32(KT_MMIO + 8, 7);
	guest_done();
}

static void memory_region2(void)
{
	struct region2 r = { .guest_memfd = -1 };
	struct kt_vcpu *vcpu;
	u32 *mem;

	kt_require_cap(KVM_CAP_USER_MEMORY2, "KVM_CAP_USER_MEMORY2");
	KT_EQ(sizeof(r), 160);
	vcpu = kt_long(0, 0, memory_guest);
	mem = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(mem, 0x5a, 4096);
	r.region = (struct kvm_userspace_memory_region){
		.slot = 5, .guest_phys_addr = KT_MMIO, .memory_size = 4096,
		.userspace_addr = (u64)(unsigned long)mem, .flags = 1 << 2,	/* guest_memfd */
	};
	KT_IOCTL_ERR(vcpu->vm->fd, _IOW(KVMIO, 0x49, struct region2), &r, EINVAL);
	r.region.flags = 0;
	KT_IOCTL(vcpu->vm->fd, _IOW(KVMIO, 0x49, struct region2), &r);
	KT_RUN_DONE(vcpu);
	KT_EQ(mem[2], 7);
}

static void system_attributes(void)
{
	struct kvm_cpuid2 *c = kt_supported_cpuid();
	struct kvm_cpuid_entry2 *e = kt_cpuid_entry(c, 0xd, 0);
	struct kvm_device_attr attr = { .attr = 0 };
	u64 xcr0 = 0;

	kt_require_cap(KVM_CAP_SYS_ATTRIBUTES, "KVM_CAP_SYS_ATTRIBUTES");
	attr.addr = (u64)(unsigned long)&xcr0;
	KT_IOCTL(kt_sys(), KVM_HAS_DEVICE_ATTR, &attr);
	KT_IOCTL(kt_sys(), KVM_GET_DEVICE_ATTR, &attr);
	KT_EQ(xcr0, e->eax | (u64)e->edx << 32);
	attr.attr = 7;
	KT_IOCTL_ERR(kt_sys(), KVM_HAS_DEVICE_ATTR, &attr, ENXIO);
}

/* ---- who looks for work before a halted thread sleeps -------------------------------------- */

#define POLL_CONTROL 0x4b564d05

static void poll_guest(void)
{
	guest_handler[0x60] = guest_count_eoi;
	apic_enable();
	apic_write(APIC_TDCR, 0xb);
	apic_write(APIC_LVTT, 0x60);
	GUEST_EQ(rdmsr(POLL_CONTROL), 1);
	GUEST_EQ(try_wrmsr(POLL_CONTROL, 2), 13);
	GUEST_EQ(try_wrmsr(POLL_CONTROL, 0), GUEST_NO_EXC);
	for (u64 i = 1;; i++) {
		/* Short enough to be worth a look, long enough to get there, on any kernel. */
		for (u32 j = 0; j < 80; j++) {
			apic_write(APIC_TMICT, 20000u << j / 20);
			sti_hlt_cli();
		}
		GUEST_SYNC(i);
		GUEST_EQ(rdmsr(POLL_CONTROL), i > 1);
		wrmsr(POLL_CONTROL, 1);
	}
}

static void poll_control(void)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, poll_guest);
	struct kvm_cpuid2 *c = kt_supported_cpuid();
	u64 value;
	int fd;

	kt_require_cap(KVM_CAP_BINARY_STATS_FD, "KVM_CAP_BINARY_STATS_FD");
	KT_EQ(kt_cpuid_entry(c, 0x40000001, 0)->eax >> KVM_FEATURE_POLL_CONTROL & 1, 1);
	fd = KT_IOCTL(vcpu->fd, KVM_GET_STATS_FD, 0);
	KT_RUN_SYNC(vcpu, 1);
	KT_EQ(kt_stat(fd, "halt_successful_poll"), 0);
	KT_EQ(kt_try_get_msr(vcpu, POLL_CONTROL, &value), 1);
	KT_EQ(value, 0);
	KT_RUN_SYNC(vcpu, 2);
	KT_TRUE(kt_stat(fd, "halt_successful_poll"));
}

/* The VM's own limit: 0 and no halt is looked into, whatever the module's parameter says. */
static void halt_poll(void)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, poll_guest);
	int fd = KT_IOCTL(vcpu->fd, KVM_GET_STATS_FD, 0);

	kt_require_cap(KVM_CAP_HALT_POLL, "KVM_CAP_HALT_POLL");
	KT_EQ(enable_cap(vcpu->vm, KVM_CAP_HALT_POLL, 1UL << 32), -EINVAL);
	KT_EQ(enable_cap(vcpu->vm, KVM_CAP_HALT_POLL, 0), 0);
	KT_RUN_SYNC(vcpu, 1);
	KT_RUN_SYNC(vcpu, 2);
	KT_EQ(kt_stat(fd, "halt_successful_poll"), 0);
	KT_EQ(enable_cap(vcpu->vm, KVM_CAP_HALT_POLL, 200000), 0);
	KT_RUN_SYNC(vcpu, 3);
	KT_TRUE(kt_stat(fd, "halt_successful_poll"));
}

/* ---- instructions that the module cannot emulate ------------------------------------------- */

static void unknown_guest(void)
{
	/* An x87 load from a device. */
	GUEST_EQ(GUEST_TRY("fldt (%0)", NOTHING, "r"(KT_MMIO)), 6);
	guest_done();
}

static struct kt_vcpu *in_ring3(void (*guest)(void))
{
	struct kt_vcpu *vcpu = kt_long(0, 0, guest);
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	kt_get_sregs(vcpu, &sregs);
	sregs.cs.selector = KT_UCS;
	sregs.ss.selector = KT_UDS;
	sregs.cs.dpl = 3;
	sregs.ss.dpl = 3;
	kt_set_sregs(vcpu, &sregs);
	kt_get_regs(vcpu, &regs);
	regs.rflags |= 3 << 12;		/* IOPL: it may speak to the test */
	kt_set_regs(vcpu, &regs);
	return vcpu;
}

/* A guest's program gets #UD, its kernel's instruction ends the run; the capability: both do. */
static void emulation_failure(void)
{
	struct kt_vcpu *vcpu = in_ring3(unknown_guest);

	KT_RUN_DONE(vcpu);
	vcpu = in_ring3(unknown_guest);
	KT_EQ(enable_cap(vcpu->vm, KVM_CAP_EXIT_ON_EMULATION_FAILURE, 2), -EINVAL);
	KT_EQ(enable_cap(vcpu->vm, KVM_CAP_EXIT_ON_EMULATION_FAILURE, 1), 0);
	KT_RUN_EXIT(vcpu, KVM_EXIT_INTERNAL_ERROR);
	KT_EQ(vcpu->run->emulation_failure.suberror, KVM_INTERNAL_ERROR_EMULATION);
	KT_TRUE(vcpu->run->emulation_failure.insn_size >= 2);
	KT_RUN_EXIT(kt_long(0, 0, unknown_guest), KVM_EXIT_INTERNAL_ERROR);
}

/* ---- KVM_CREATE_DEVICE: the VFIO pseudo device -------------------------------------------- */

static long device_attr(int fd, unsigned long cmd, u64 attr, int file)
{
	struct kvm_device_attr args = {
		.group = KVM_DEV_VFIO_GROUP,
		.attr = attr,
		.addr = (unsigned long)&file,
	};

	return ioctl(fd, cmd, &args) ? -errno : 0;
}

static void vfio_device(void)
{
	struct kvm_create_device args = { .type = KVM_DEV_TYPE_VFIO, .fd = 77 };
	struct kt_vm *vm = kt_vm_new(2 << 20, KT_NOIMAGE);
	struct kvm_device_attr other = { .group = KVM_DEV_VFIO_GROUP, .attr = 99 };
	int fd;

	KT_EQ(kt_cap(KVM_CAP_DEVICE_CTRL), 1);
	args.flags = KVM_CREATE_DEVICE_TEST;
	KT_IOCTL(vm->fd, KVM_CREATE_DEVICE, &args);
	KT_EQ(args.fd, 77);
	args.flags = 0;
	KT_IOCTL(vm->fd, KVM_CREATE_DEVICE, &args);
	fd = args.fd;
	KT_TRUE(fd >= 0 && fd != 77);
	KT_IOCTL_ERR(vm->fd, KVM_CREATE_DEVICE, &args, EBUSY);

	KT_EQ(device_attr(fd, KVM_HAS_DEVICE_ATTR, KVM_DEV_VFIO_GROUP_ADD, 0), 0);
	KT_EQ(device_attr(fd, KVM_HAS_DEVICE_ATTR, KVM_DEV_VFIO_GROUP_DEL, 0), 0);
	KT_IOCTL_ERR(fd, KVM_HAS_DEVICE_ATTR, &other, ENXIO);
	KT_IOCTL_ERR(fd, KVM_SET_DEVICE_ATTR, &other, ENXIO);
	KT_IOCTL_ERR(fd, KVM_GET_DEVICE_ATTR, &other, EPERM);
	KT_IOCTL_ERR(fd, KVM_SET_DEVICE_ATTR, 8, EFAULT);
	KT_IOCTL_ERR(fd, KVM_CREATE_VCPU, 0, ENOTTY);
	KT_EQ(device_attr(fd, KVM_SET_DEVICE_ATTR, KVM_DEV_VFIO_GROUP_ADD, -1), -EBADF);
	/* A file, but not VFIO's. */
	KT_EQ(device_attr(fd, KVM_SET_DEVICE_ATTR, KVM_DEV_VFIO_GROUP_ADD, vm->fd), -EINVAL);
	KT_EQ(device_attr(fd, KVM_SET_DEVICE_ATTR, KVM_DEV_VFIO_GROUP_DEL, vm->fd), -ENOENT);

	/* The descriptor keeps the VM; without one, the VM can have another. */
	close(fd);
	KT_IOCTL(vm->fd, KVM_CREATE_DEVICE, &args);
	close(vm->fd);
	KT_EQ(device_attr(args.fd, KVM_HAS_DEVICE_ATTR, KVM_DEV_VFIO_GROUP_ADD, 0), 0);
}

static void unknown_device(void)
{
	struct kvm_create_device args = { .type = 1 };
	struct kt_vm *vm = kt_vm_new(2 << 20, KT_NOIMAGE);

	/* FSL_MPIC_20, a PowerPC's interrupt controller. */
	KT_IOCTL_ERR(vm->fd, KVM_CREATE_DEVICE, &args, ENODEV);
	args.type = 0xffffffff;
	args.flags = KVM_CREATE_DEVICE_TEST;
	KT_IOCTL_ERR(vm->fd, KVM_CREATE_DEVICE, &args, ENODEV);
}

static const struct kt_test tests[] = {
	{ "coalesced", coalesced },
	{ "disabled_hlt_exits", disabled_hlt_exits },
	{ "quirks", quirks },
	{ "out_rip", out_rip },
	{ "caches_off", caches_off },
	{ "max_vcpu_id", max_vcpu_id },
	{ "memory_region2", memory_region2 },
	{ "system_attributes", system_attributes },
	{ "poll_control", poll_control },
	{ "halt_poll", halt_poll },
	{ "emulation_failure", emulation_failure },
	{ "vfio_device", vfio_device },
	{ "unknown_device", unknown_device },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
