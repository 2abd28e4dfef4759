// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VM ioctls of x86 that belong to no device.
 *
 * KVM's ABI: KVM_SET_TSS_ADDR, KVM_SET_IDENTITY_MAP_ADDR, KVM_SET_BOOT_CPU_ID, KVM_GET/SET_CLOCK,
 * KVM_GET/SET_TSC_KHZ, KVM_GET/SET_NR_MMU_PAGES. The interrupt controllers answer theirs in
 * irq/irqchip.c.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/uaccess.h>

#include "arch/x86/irq/irqchip.h"
#include "arch/x86/irq/posted_test.h"
#include "arch/x86/cpu/msr_filter.h"
#include "arch/x86/pv/pvclock.h"
#include "arch/x86/cpu/tsc.h"
#include "uapi/linux/minikvm.h"
#include "virt/arch.h"

/* KVM refuses fewer; nothing is limited by it here. */
#define MIN_MMU_PAGES		64

/*
 * KVM wants three pages for a TSS, and one for page tables, to run real mode on processors
 * without "unrestricted guest". This module needs that feature, so the addresses are only
 * checked.
 */
static long set_tss_addr(struct mkvm_vm *vm, unsigned long addr)
{
	if (addr > (u32)(-3 * PAGE_SIZE)) {
		vm_refuse(vm, "KVM_SET_TSS_ADDR: 0x%lx leaves no three pages below 4 GiB", addr);
		return -EINVAL;
	}
	return 0;
}

/* Real mode needs no identity map here (unrestricted guest): the address is read, no more. */
static long set_identity_map_addr(struct mkvm_vm *vm, u64 __user *user)
{
	u64 unused __maybe_unused;
	long ret = 0;

	if (get_user(unused, user))
		return -EFAULT;
	mutex_lock(&vm->lock);
	if (vm->created_vcpus) {
		vm_refuse(vm, "KVM_SET_IDENTITY_MAP_ADDR: there are vCPUs already");
		ret = -EINVAL;
	}
	mutex_unlock(&vm->lock);
	return ret;
}

static long set_boot_cpu_id(struct mkvm_vm *vm, unsigned long id)
{
	long ret = 0;

	mutex_lock(&vm->lock);
	if (vm->created_vcpus)
		ret = -EBUSY;
	else if (id > (vm->max_vcpu_ids ?: MKVM_MAX_VCPU_ID))
		ret = -EINVAL;
	else
		vm->arch.bsp_vcpu_id = id;
	mutex_unlock(&vm->lock);
	if (ret)
		vm_refuse(vm, "KVM_SET_BOOT_CPU_ID: %lu, %s", id,
			  ret == -EBUSY ? "but there are vCPUs already" : "no vCPU can have it");
	return ret;
}

static long set_nr_mmu_pages(struct mkvm_vm *vm, unsigned long pages)
{
	if (pages < MIN_MMU_PAGES) {
		vm_refuse(vm, "KVM_SET_NR_MMU_PAGES: %lu, at least %u", pages, MIN_MMU_PAGES);
		return -EINVAL;
	}
	WRITE_ONCE(vm->arch.nr_mmu_pages, min_t(unsigned long, pages, INT_MAX));
	return 0;
}

/**
 * arch_vm_ioctl() - the VM ioctls that virt/ does not know
 * @vm: the VM; no lock held
 * @cmd: ioctl number
 * @arg: its argument
 *
 * Return: the ioctl's result; -ENOIOCTLCMD when nobody knows it.
 */
long arch_vm_ioctl(struct mkvm_vm *vm, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;

	switch (cmd) {
	case KVM_SET_TSS_ADDR:
		return set_tss_addr(vm, arg);
	case KVM_SET_IDENTITY_MAP_ADDR:
		return set_identity_map_addr(vm, user);
	case KVM_SET_BOOT_CPU_ID:
		return set_boot_cpu_id(vm, arg);
	case KVM_GET_CLOCK:
		return pvclock_get_clock(vm, user);
	case KVM_SET_CLOCK:
		return pvclock_set_clock(vm, user);
	case KVM_GET_TSC_KHZ:
		return READ_ONCE(vm->arch.default_tsc_khz);
	case KVM_SET_TSC_KHZ:
		return tsc_vm_set_khz(vm, arg);
	case KVM_X86_SET_MSR_FILTER:
		return msr_filter_set_ioctl(vm, user);
	case KVM_SET_NR_MMU_PAGES:
		return set_nr_mmu_pages(vm, arg);
	case KVM_GET_NR_MMU_PAGES:
		return READ_ONCE(vm->arch.nr_mmu_pages);
	case MINIKVM_VM_POST_INTERRUPT:
		return posted_test_ioctl(vm, user);
	case MINIKVM_VM_TEST_DEVICE:
		return posted_test_device_ioctl(vm, user);
	}
	return irqchip_vm_ioctl(vm, cmd, arg);
}
