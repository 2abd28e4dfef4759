/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * struct mkvm_vcpu: one virtual processor, whatever its architecture.
 *
 * What KVM_CREATE_VCPU returns a descriptor of: the kvm_run page, the run loop's state, and the
 * requests of other threads. The part that belongs to x86 is struct mkvm_arch_vcpu.
 */
#ifndef MINIKVM_VIRT_VCPU_H
#define MINIKVM_VIRT_VCPU_H

#include <linux/bitops.h>
#include <linux/kvm.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/preempt.h>
#include <linux/rcuwait.h>
#include <linux/sched.h>

#include "arch/x86/arch_vcpu.h"
#include "virt/announce.h"
#include "virt/stats.h"
#include "virt/vm.h"

struct mkvm_latency;
struct mkvm_inspection;
struct mkvm_memslot;

/* Requests: set by any thread or interrupt, consumed by the vCPU's thread before entry. */
enum mkvm_request {
	MKVM_REQ_EVENT,		/* look for something to inject */
	MKVM_REQ_TLB_FLUSH,	/* INVEPT of this VM's context before the next entry */
	MKVM_REQ_VM_DEAD,	/* leave KVM_RUN with -EIO */
	MKVM_REQ_TRIPLE_FAULT,	/* KVM_EXIT_SHUTDOWN */
	MKVM_REQ_NMI,		/* arch.nmi_queued is not zero */
	MKVM_REQ_LAPIC_TIMER,	/* the LAPIC timer fired: lapic_inject_timer() */
	MKVM_REQ_INIT_SIPI,	/* INIT or SIPI waits: leave the inner loop and take it */
	MKVM_REQ_IOAPIC_EOI,	/* split irqchip: KVM_EXIT_IOAPIC_EOI */
	MKVM_REQ_PML_FLUSH,	/* drain the page-modification log */
	MKVM_REQ_CLOCK_UPDATE,	/* write the guest's pvclock structure anew */
	MKVM_REQ_MSR_PASS,	/* other MSRs need no exit: MSR bitmap anew */
	MKVM_REQ_EOI_EXITS,	/* other vectors' EOIs must exit */
	MKVM_REQ_APIC_MODE,	/* another LAPIC mode: choose the controls that fit it */
	MKVM_REQ_STEAL_UPDATE,	/* the vCPU runs again: tell the guest what it missed */
	MKVM_REQ_ASYNC_PF,	/* a page that the guest waits for is there */
	MKVM_REQ_INSPECT,	/* another thread wants to look: mkvm_inspect() */
	MKVM_REQ_LATENCY,	/* latency statistics are on: it wants histograms */
};

/* Where the vCPU's thread is; written by itself, and by a kick that sends an IPI. */
enum mkvm_vcpu_mode {
	MKVM_OUTSIDE_GUEST,
	MKVM_IN_GUEST,		/* interrupts are off, requests were checked */
	MKVM_EXITING_GUEST,	/* as before, and an IPI was sent: do not enter again */
};

/**
 * struct mkvm_vcpu - one virtual processor
 * @vm: the VM it belongs to; the vCPU holds a reference
 * @id: the number given to KVM_CREATE_VCPU; also the initial APIC ID
 * @idx: index into vm->vcpus
 * @cpu: host CPU on which its state is loaded, or -1
 * @mode: enum mkvm_vcpu_mode
 * @requests: bitmap of enum mkvm_request
 * @mutex: held by the thread that is in any vCPU ioctl
 * @run: the page shared with userspace
 * @pio_data: second page of the mapping, data of KVM_EXIT_IO
 * @wait: the thread that blocks in HLT
 * @notifier: tells when the vCPU thread is scheduled in or out
 * @srcu_idx: cookie of the vm->srcu read section held while exit handlers run
 * @sigset_active: KVM_SET_SIGNAL_MASK was given a mask
 * @sigset: that mask
 * @preempted: the scheduler took the thread off its CPU
 * @ready: it did so while the thread ran, or the thread was woken since: it waits for a CPU
 * @no_halt_poll: the guest asked that HLT sleeps at once
 * @woken_ns: when it was woken from its last sleep, on the clock of ktime_get_ns()
 * @halt_poll_ns: how long HLT looks for an interrupt before the thread sleeps
 * @pid: the thread that ran KVM_RUN last, for directed yields
 * @last_slot: where mkvm_vcpu_gfn_to_slot() looks first
 * @last_slot_generation: the set of slots that @last_slot belongs to, 0: none
 * @io_found: where on the bus of that generation the search for an address ended
 * @io_miss: an address on a bus that no device has, as long as the VM is in that @io_generation
 * @latency: histograms of where its time goes, NULL until they are asked for
 * @inspection: what another thread waits to look at (inspect.c), only ever exchanged
 * @announced: what the guest says that it runs (announce.c)
 * @stats: counters
 * @arch: what x86 adds
 */
struct mkvm_vcpu {
	struct mkvm_vm *vm;
	u32 id;
	int idx;
	int cpu;
	int mode;
	unsigned long requests;
	struct mkvm_arch_vcpu arch;

	struct mutex mutex;
	struct kvm_run *run;
	void *pio_data;
	struct rcuwait wait;
	struct preempt_notifier notifier;
	int srcu_idx;
	bool preempted, ready, no_halt_poll;
	u64 woken_ns;
	unsigned int halt_poll_ns;
	struct pid __rcu *pid;
	bool sigset_active;
	sigset_t sigset;
	struct mkvm_memslot *last_slot;
	u64 last_slot_generation;
	struct { u64 generation, key; } io_miss;
	struct { u64 generation; gpa_t addr; unsigned int pos; } io_found;
	struct mkvm_latency *latency;
	struct mkvm_inspection *inspection;
	struct mkvm_announced announced;
	struct mkvm_vcpu_stats stats;
};

/*
 * The vCPU that has the number given to KVM_CREATE_VCPU, or NULL. A guest may have chosen @id. VMMs
 * number vCPUs from 0 on, as they are created: that place is looked at first.
 */
static inline struct mkvm_vcpu *mkvm_vcpu_by_id(struct mkvm_vm *vm, u32 id)
{
	struct mkvm_vcpu *vcpu;
	int i;

	if (id < mkvm_online_vcpus(vm)) {
		vcpu = vm->vcpus[array_index_nospec(id, MKVM_MAX_VCPUS)];
		if (vcpu->id == id)
			return vcpu;
	}
	mkvm_for_each_vcpu(i, vcpu, vm)
		if (vcpu->id == id)
			return vcpu;
	return NULL;
}

/* For the ioctls of a vCPU: its state is in this CPU's registers in between. */
void mkvm_vcpu_load(struct mkvm_vcpu *vcpu);
void mkvm_vcpu_put(struct mkvm_vcpu *vcpu);

int mkvm_vcpu_create(struct mkvm_vm *vm, unsigned long id);
void mkvm_vcpu_destroy(struct mkvm_vcpu *vcpu);

extern const struct mkvm_ioctl_set mkvm_vcpu_ioctls;

/* Requests are what most users of a vCPU need it for. */
#include "virt/request.h"

#endif
