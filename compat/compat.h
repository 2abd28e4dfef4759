/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one place that knows that kernels differ: 6.1 and 6.12 are supported.
 *
 * compat/probe compiles the files of compat/tests/ against the kernel's headers and passes
 * -DHAVE_<NAME> for each that compiles: Debian moves interfaces between point releases, so that a
 * version number does not tell what a kernel has. Nothing else in the module tests for a version.
 */
#ifndef MINIKVM_COMPAT_H
#define MINIKVM_COMPAT_H

#include <linux/kvm.h>
#include <linux/types.h>
#include <linux/syscore_ops.h>
#include <asm/cpufeatures.h>
#include <asm/msr-index.h>

/* A variable that compilers which clear the stack leave alone, where they know how to. */
#if __has_attribute(__uninitialized__)
#define compat_uninitialized	__attribute__((__uninitialized__))
#else
#define compat_uninitialized
#endif

/* Kernels that do not know Indirect Target Selection cannot report that a CPU is free of it. */
#ifdef X86_BUG_ITS
#define COMPAT_BUG_ITS			X86_BUG_ITS
#define COMPAT_ARCH_CAP_ITS_NO		ARCH_CAP_ITS_NO
#else
#define COMPAT_BUG_ITS			X86_BUG_CPU_MELTDOWN
#define COMPAT_ARCH_CAP_ITS_NO		0
#endif

/*
 * compat_guest_ran(): a guest has used this CPU's branch predictors. The way to user mode then
 * empties them, where the kernel knows of VMSCAPE. Preemption is off; the user includes
 * <asm/nospec-branch.h>.
 */
#ifdef X86_FEATURE_IBPB_EXIT_TO_USER
#define compat_guest_ran() do {							\
	if (cpu_feature_enabled(X86_FEATURE_IBPB_EXIT_TO_USER))			\
		this_cpu_write(x86_ibpb_exit_to_user, true);			\
} while (0)
#else
#define compat_guest_ran()	do { } while (0)
#endif

/*
 * compat_task_runnable(): does a task that is being switched out want the CPU on? The user includes
 * <linux/sched.h>.
 */
#ifdef HAVE_TASK_IS_RUNNABLE
#define compat_task_runnable(task)	task_is_runnable(task)
#else
#define compat_task_runnable(task)	((task)->on_rq)
#endif

/* Execute VERW; the user includes <asm/nospec-branch.h>. */
#ifdef HAVE_CLEAR_CPU_BUFFERS
#define compat_clear_cpu_buffers()	x86_clear_cpu_buffers()
#else
#define compat_clear_cpu_buffers()	mds_clear_cpu_buffers()
#endif

/*
 * KVM's ABI of kernels that are newer than these headers: the same numbers on every host. The
 * first structure is the one of KVM_SET_USER_MEMORY_REGION, and guest_memfd is not offered.
 */
struct compat_memory_region2 {
	struct kvm_userspace_memory_region region;
	__u64 guest_memfd_offset;
	__u32 guest_memfd;
	__u32 pad1;
	__u64 pad2[14];
};

#define COMPAT_SET_USER_MEMORY_REGION2	_IOW(KVMIO, 0x49, struct compat_memory_region2)
#define COMPAT_CAP_USER_MEMORY2		231

#ifdef HAVE_VIRT_FENCE
#error "this kernel fences VMX helpers off for KVM alone; minikvm needs 6.1 or 6.12"
#endif

/* Suspend, resume and shutdown of the last CPU: newer kernels pass an argument. */
#ifdef HAVE_REGISTER_SYSCORE_OPS
#define COMPAT_SYSCORE(name, suspend_fn, resume_fn)				\
	static struct syscore_ops name = {					\
		.suspend = suspend_fn, .resume = resume_fn,			\
	}
#define COMPAT_SYSCORE_SHUTDOWN(name, shutdown_fn)				\
	static struct syscore_ops name = { .shutdown = shutdown_fn }
#define compat_register_syscore		register_syscore_ops
#define compat_unregister_syscore	unregister_syscore_ops
#else
#define COMPAT_SYSCORE(name, suspend_fn, resume_fn)				\
	static int name##_suspend(void *data) { return suspend_fn(); }		\
	static void name##_resume(void *data) { resume_fn(); }			\
	static const struct syscore_ops name##_ops = {				\
		.suspend = name##_suspend, .resume = name##_resume,		\
	};									\
	static struct syscore name = { .ops = &name##_ops }
#define COMPAT_SYSCORE_SHUTDOWN(name, shutdown_fn)				\
	static void name##_shutdown(void *data) { shutdown_fn(); }		\
	static const struct syscore_ops name##_ops = {				\
		.shutdown = name##_shutdown,					\
	};									\
	static struct syscore name = { .ops = &name##_ops }
#define compat_register_syscore		register_syscore
#define compat_unregister_syscore	unregister_syscore
#endif

/*
 * compat_follow_pfn(vma, addr, &pfn, &writable): the frame behind @addr of a VM_PFNMAP or VM_IO
 * mapping, and whether it may be written. 0, or -EINVAL while nothing is mapped there. The mmap
 * lock is held for reading; the user includes <linux/mm.h>.
 */
#ifdef HAVE_FOLLOW_PFNMAP
#define compat_follow_pfn(_vma, _addr, _pfn, _writable) ({			\
	struct follow_pfnmap_args _args = { .vma = (_vma), .address = (_addr) };\
	int _r = follow_pfnmap_start(&_args);					\
										\
	if (!_r) {								\
		*(_pfn) = _args.pfn;						\
		*(_writable) = _args.writable;					\
		follow_pfnmap_end(&_args);					\
	}									\
	_r;									\
})
#else
#define compat_follow_pfn(_vma, _addr, _pfn, _writable) ({			\
	spinlock_t *_ptl;							\
	pte_t *_ptep;								\
	int _r = follow_pte((_vma)->vm_mm, _addr, &_ptep, &_ptl);		\
										\
	if (!_r) {								\
		__acquire(_ptl);						\
		*(_pfn) = pte_pfn(*_ptep);					\
		*(_writable) = pte_write(*_ptep);				\
		pte_unmap_unlock(_ptep, _ptl);					\
	}									\
	_r;									\
})
#endif

/* A flag of get_user_pages(): any signal ends the wait for a userfaultfd page. */
#ifdef HAVE_FOLL_INTERRUPTIBLE
#define COMPAT_FOLL_INTERRUPTIBLE	FOLL_INTERRUPTIBLE
#else
#define COMPAT_FOLL_INTERRUPTIBLE	0
#endif

/* Add one to an eventfd; older kernels take the number as an argument. */
#ifdef HAVE_EVENTFD_SIGNAL_COUNT
#define compat_eventfd_signal(ctx)	eventfd_signal(ctx, 1)
#else
#define compat_eventfd_signal(ctx)	eventfd_signal(ctx)
#endif

/* Posted interrupts need two of the kernel's vectors, which exist only if it has KVM. */
#ifdef HAVE_POSTED_INTR_VECTOR
#define COMPAT_POSTED_INTR		true
#define compat_set_wakeup_handler(fn)	kvm_set_posted_intr_wakeup_handler(fn)
#else
#define COMPAT_POSTED_INTR		false
#define compat_set_wakeup_handler(fn)	((void)(fn))
#endif

/*
 * KVM's own state of CPU hotplug, which is torn down after the last task has left the CPU and set
 * up before the first one comes. Older kernels call its functions with interrupts off, and they
 * must not fail there. The user includes <linux/cpuhotplug.h>.
 */
#ifdef HAVE_CPUHP_KVM_ONLINE
#define COMPAT_CPUHP_TASKLESS		CPUHP_AP_KVM_ONLINE
#else
#define COMPAT_CPUHP_TASKLESS		CPUHP_AP_KVM_STARTING
#endif

/* With FRED, events do not go through the gates of the IDT, which run/hot_loop.c relies on. */
#ifdef X86_FEATURE_FRED
#define compat_uses_fred()		boot_cpu_has(X86_FEATURE_FRED)
#else
#define compat_uses_fred()		false
#endif

/* kvm_run.immediate_exit, read once, as userspace may change it at any time. */
#ifdef HAVE_IMMEDIATE_EXIT_UNSAFE
#define compat_immediate_exit(run)	READ_ONCE((run)->immediate_exit__unsafe)
#else
#define compat_immediate_exit(run)	READ_ONCE((run)->immediate_exit)
#endif

/*
 * compat_forget_iommu_ops(ops): 6.1 keeps the operations of the last IOMMU driver in each bus, also
 * after the driver has gone. The user includes <linux/pci.h> and <linux/platform_device.h>.
 */
#ifdef HAVE_BUS_IOMMU_OPS
#define compat_forget_iommu_ops(_ops) do {					\
	if (pci_bus_type.iommu_ops == (_ops))					\
		pci_bus_type.iommu_ops = NULL;					\
	if (platform_bus_type.iommu_ops == (_ops))				\
		platform_bus_type.iommu_ops = NULL;				\
} while (0)
#else
#define compat_forget_iommu_ops(_ops)	((void)(_ops))
#endif

/*
 * The flag of an irq domain whose messages are checked for their sender. Older kernels look for it
 * in all MSI domains, or else ask the IOMMU. The user includes <linux/irqdomain.h>,
 * <linux/iommu.h>.
 */
#ifdef HAVE_ISOLATED_MSI
#define COMPAT_DOMAIN_ISOLATED	IRQ_DOMAIN_FLAG_ISOLATED_MSI
#define compat_asks_for_isolation(cap)	((void)(cap), false)
#else
#define COMPAT_DOMAIN_ISOLATED	IRQ_DOMAIN_FLAG_MSI_REMAP
#define compat_asks_for_isolation(cap)	((cap) == IOMMU_CAP_INTR_REMAP)
#endif

/* The device whose identifier a device's requests carry: below Intel's VMD, the VMD. */
#if IS_ENABLED(CONFIG_VMD)
#define compat_sender(pdev)							\
	(is_vmd((pdev)->bus) ? to_pci_sysdata((pdev)->bus)->vmd_dev : (pdev))
#else
#define compat_sender(pdev)	(pdev)
#endif

/* Does VFIO ask whether a domain can force snooping? Older kernels ask the domain itself. */
#ifdef HAVE_ENFORCE_COHERENCY_CAP
#define compat_asks_for_snooping(cap)	((cap) == IOMMU_CAP_ENFORCE_CACHE_COHERENCY)
#else
#define compat_asks_for_snooping(cap)	((void)(cap), false)
#endif

/*
 * May PCI devices below a domain have MSI with several messages? Newer kernels read this in
 * constant operations of @_domain itself, which are replaced by a copy; older ones in the PCI
 * domain above it, where a flag is toggled. compat_make_msi_offer() returns what
 * compat_exchange_msi_offer() takes; that returns what takes its effect back. NULL (no memory, no
 * such domain) changes nothing. The user includes <linux/msi.h>, <linux/pci.h> and <linux/slab.h>.
 */
#ifdef HAVE_MSI_PARENT_OPS
#define compat_make_msi_offer(_domain) ({					\
	struct msi_parent_ops *_copy = NULL;					\
										\
	if ((_domain)->msi_parent_ops)						\
		_copy = kmemdup((_domain)->msi_parent_ops, sizeof(*_copy), GFP_KERNEL);\
	if (_copy)								\
		_copy->supported_flags |= MSI_FLAG_MULTI_PCI_MSI;		\
	(void *)_copy;								\
})
#define compat_exchange_msi_offer(_domain, _offer) ({				\
	const void *_old = (_offer);						\
										\
	if (_old)								\
		_old = xchg(&(_domain)->msi_parent_ops, _old);			\
	(void *)_old;								\
})
#define compat_free_msi_offer(_offer)	kfree(_offer)
#else
#define compat_make_msi_offer(_domain) ({					\
	struct msi_domain_info *_info = NULL;					\
	struct irq_domain *_above;						\
	struct pci_dev *_pdev = NULL;						\
										\
	for_each_pci_dev(_pdev) {						\
		_above = dev_get_msi_domain(&_pdev->dev);			\
		if (_above && _above->parent == (_domain) &&			\
		    _above->bus_token == DOMAIN_BUS_PCI_MSI)			\
			_info = _above->host_data;				\
	}									\
	(void *)_info;								\
})
#define compat_exchange_msi_offer(_domain, _offer) ({				\
	struct msi_domain_info *_info = (_offer);				\
										\
	if (_info)								\
		_info->flags ^= MSI_FLAG_MULTI_PCI_MSI;				\
	(void *)_info;								\
})
#define compat_free_msi_offer(_offer)	((void)(_offer))
#endif

/* Older kernels want consecutive vectors for such messages, which remapping does not need. */
#ifdef HAVE_CONTIGUOUS_VECTORS
#define compat_any_vectors(_info)	((_info)->flags &= ~X86_IRQ_ALLOC_CONTIGUOUS_VECTORS)
#else
#define compat_any_vectors(_info)	((void)(_info))
#endif

#endif
