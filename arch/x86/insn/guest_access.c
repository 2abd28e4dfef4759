// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accesses of an instruction that the module executes for the guest: memory, devices, userspace.
 *
 * KVM's ABI: KVM_EXIT_MMIO, at most 8 bytes at a time. An instruction that reads a device of
 * userspace is executed again from its start when the data is there; the reads already made
 * are answered from vcpu->arch.mmio.reads[], so that no device is read twice. Its writes wait
 * in writes[] until the instruction is complete. Relies on mmu/guest_walk.c and virt/memslot.h.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "arch/x86/insn/guest_access.h"
#include "arch/x86/irq/lapic.h"
#include "arch/x86/regs.h"
#include "trace/kvm_events.h"
#include "virt/io_bus.h"
#include "virt/guest_memory.h"
#include "virt/memslot.h"

/**
 * guest_access_begin() - an instruction begins, of which no access was made yet
 * @vcpu: loaded vCPU
 *
 * What the exit says of an access may be put into vcpu->arch.mmio behind this.
 */
void guest_access_begin(struct mkvm_vcpu *vcpu)
{
	struct mkvm_mmio *mmio = &vcpu->arch.mmio;

	mmio->nr_reads = 0;
	mmio->hint = false;
	mmio->hint_offset = false;
	mmio->no_slot = false;
}

/**
 * guest_access_go() - the instruction is executed from its start, for the first time or again
 * @vcpu: loaded vCPU
 * @cpl: current privilege level; this is the one place that makes user accesses of it
 * @wrap: linear addresses have 32 bits
 *
 * Of an instruction executed again, the same reads in the same order get the answers they had.
 */
void guest_access_go(struct mkvm_vcpu *vcpu, int cpl, bool wrap)
{
	struct mkvm_mmio *mmio = &vcpu->arch.mmio;

	/* The walk and the data passed through this CPU's cache (vmx/l1d_flush.c). */
	vcpu->arch.l1tf_flush = true;
	mmio->user = cpl == 3 ? WALK_USER : 0;
	mmio->wrap = wrap;
	mmio->touched = false;
	mmio->next_read = 0;
	mmio->nr_writes = 0;
	mmio->next_write = 0;
}

/**
 * guest_access_translate() - which guest-physical address is it?
 * @vcpu: loaded vCPU, vm->srcu read-held, process context
 * @linear: linear address
 * @access: WALK_WRITE for a read of what will be written, WALK_FETCH for an instruction, else 0
 * @gpa: the result
 * @fault: as returned
 *
 * Return: 0; 1 = the guest must get @fault; GUEST_ACCESS_WAIT, of a read only; -EFAULT with the
 * reason in vcpu->arch.mmio.why.
 */
int guest_access_translate(struct mkvm_vcpu *vcpu, u64 linear, u32 access, gpa_t *gpa,
			   struct walk_fault *fault)
{
	struct mkvm_mmio *mmio = &vcpu->arch.mmio;
	int ret;

	/* The exit told of the address only what all mappings of a page have in common. */
	if (mmio->hint_offset && offset_in_page(linear) == mmio->linear &&
	    (access & (WALK_WRITE | WALK_FETCH)) == (mmio->hint_write ? WALK_WRITE : 0)) {
		*gpa = mmio->gpa | mmio->linear;
		return 0;
	}
	/* The processor has just translated this page for the same access. */
	if (mmio->hint && !((linear ^ mmio->linear) >> PAGE_SHIFT) && !(access & WALK_FETCH) &&
	    (mmio->hint_write || !(access & WALK_WRITE))) {
		*gpa = mmio->gpa | offset_in_page(linear);
		return 0;
	}
	ret = guest_translate(vcpu, linear, access | mmio->user, gpa, fault);
	if (ret < 0)
		mmio->why = "the guest's page tables are not in memory";
	return ret;
}

/**
 * guest_access_owner() - who answers an access to a guest-physical address
 * @vcpu: loaded vCPU, vm->srcu read-held
 * @gpa: the address
 * @write: the access is a write
 *
 * The order holds for every path, as in KVM: a slot goes first, because EPT maps it and then no
 * other path is asked; where there is none, the vCPU's LAPIC, if it is there now; then the devices.
 * At 0xfee00000 there is no slot in a VM with LAPICs: arch_gfns_reserved(). A slot that is being
 * deleted counts for nothing: who still sees it asks for the device that comes in its place.
 *
 * Return: the owner.
 */
enum guest_access_owner guest_access_owner(struct mkvm_vcpu *vcpu, gpa_t gpa, bool write)
{
	struct mkvm_memslot *slot = mkvm_vcpu_gfn_to_slot(vcpu, gpa >> PAGE_SHIFT);

	if (slot && !(slot->flags & (MKVM_SLOT_INVALID | (write ? KVM_MEM_READONLY : 0))))
		return GUEST_ACCESS_MEMORY;
	return lapic_owns_gpa(vcpu, gpa) ? GUEST_ACCESS_LAPIC : GUEST_ACCESS_DEVICE;
}

/* Is this guest-physical address ordinary memory, for that kind of access? */
static bool is_memory(struct mkvm_vcpu *vcpu, gpa_t gpa, bool write)
{
	const struct mkvm_mmio *mmio = &vcpu->arch.mmio;

	/* The fault has just found no slot there for this access, and vm->srcu is still held. */
	if (mmio->no_slot && mmio->hint_write == write && !((gpa ^ mmio->gpa) >> PAGE_SHIFT))
		return false;
	return guest_access_owner(vcpu, gpa, write) == GUEST_ACCESS_MEMORY;
}

/**
 * guest_access_what() - what is at a guest-physical address, for the log
 * @vcpu: the vCPU, vm->srcu read-held
 * @gpa: the address
 *
 * Return: static string.
 */
const char *guest_access_what(struct mkvm_vcpu *vcpu, gpa_t gpa)
{
	if (guest_access_owner(vcpu, gpa, false) == GUEST_ACCESS_LAPIC)
		return "is the local APIC's";
	if (!is_memory(vcpu, gpa, false))
		return "has no memory slot";
	return is_memory(vcpu, gpa, true) ? "is memory" : "is in a read-only slot";
}

/* A device in the kernel: 0 when one answered. */
static int device_read(struct mkvm_vcpu *vcpu, gpa_t gpa, unsigned int len, void *data)
{
	if (lapic_owns_gpa(vcpu, gpa)) {
		memset(data, 0, len);
		lapic_mmio_read(vcpu, offset_in_page(gpa), len, data);
		return 0;
	}
	return mkvm_io_bus_read(vcpu, MKVM_MMIO_BUS, gpa, len, data);
}

static int device_write(struct mkvm_vcpu *vcpu, gpa_t gpa, unsigned int len, const void *data)
{
	if (lapic_owns_gpa(vcpu, gpa)) {
		lapic_mmio_write(vcpu, offset_in_page(gpa), len, data);
		return 0;
	}
	return mkvm_io_bus_write(vcpu, MKVM_MMIO_BUS, gpa, len, data);
}

/* The first device that an instruction of the vCPU's reaches: many vCPUs never need the room. */
static noinline bool allocate_accesses(struct mkvm_mmio *mmio)
{
	mmio->reads = kmalloc_array(2 * MKVM_MMIO_MAX_ACCESSES, sizeof(*mmio->reads),
				    GFP_KERNEL_ACCOUNT);
	if (!mmio->reads) {
		mmio->why = "no memory for what devices are asked";
		return false;
	}
	mmio->writes = mmio->reads + MKVM_MMIO_MAX_ACCESSES;
	return true;
}

static bool room_for_accesses(struct mkvm_mmio *mmio)
{
	return likely(mmio->reads) || allocate_accesses(mmio);
}

/* Read at most 8 bytes of a device, or of what this instruction read there before. */
static int read_device(struct mkvm_vcpu *vcpu, gpa_t gpa, void *data, unsigned int len)
{
	struct mkvm_mmio *mmio = &vcpu->arch.mmio;
	struct mkvm_mmio_access *done;

	mmio->touched = true;
	if (!room_for_accesses(mmio))
		return -EFAULT;
	if (mmio->next_read < mmio->nr_reads) {
		done = &mmio->reads[mmio->next_read];
		if (done->gpa == gpa && done->len == len) {
			mmio->next_read++;
			memcpy(data, done->data, len);
			return 0;
		}
		/* Another vCPU changed the instruction or its registers: forget the rest. */
		mmio->nr_reads = mmio->next_read;
	}
	if (mmio->nr_reads == MKVM_MMIO_MAX_ACCESSES) {
		mmio->why = "one instruction reads devices too often";
		return -EFAULT;
	}
	if (device_read(vcpu, gpa, len, data)) {
		trace_kvm_mmio(KVM_TRACE_MMIO_READ_UNSATISFIED, len, gpa, NULL);
		mmio->wanted.gpa = gpa;
		mmio->wanted.len = len;
		return GUEST_ACCESS_WAIT;
	}
	trace_kvm_mmio(KVM_TRACE_MMIO_READ, len, gpa, data);
	done = &mmio->reads[mmio->nr_reads++];
	mmio->next_read++;
	done->gpa = gpa;
	done->len = len;
	memcpy(done->data, data, len);
	return 0;
}

static int write_device(struct mkvm_vcpu *vcpu, gpa_t gpa, const void *data, unsigned int len)
{
	struct mkvm_mmio *mmio = &vcpu->arch.mmio;
	bool first = !mmio->nr_writes;
	struct mkvm_mmio_access *access;

	mmio->touched = true;
	trace_kvm_mmio(KVM_TRACE_MMIO_WRITE, len, gpa, data);
	/* Order matters to devices: behind a write that waits, all wait. */
	if (first && !device_write(vcpu, gpa, len, data))
		return 0;
	if (!room_for_accesses(mmio))
		return -EFAULT;
	if (mmio->nr_writes == MKVM_MMIO_MAX_ACCESSES) {
		mmio->why = "one instruction writes devices too often";
		return -EFAULT;
	}
	access = &mmio->writes[mmio->nr_writes++];
	access->gpa = gpa;
	access->len = len;
	access->for_user = first;
	memcpy(access->data, data, len);
	return 0;
}

/* Bytes that one go can handle: to the end of the page, and 8 for a device. */
static unsigned int piece(u64 linear, unsigned int len, bool memory)
{
	len = min_t(unsigned int, len, PAGE_SIZE - offset_in_page(linear));
	return memory ? len : min_t(unsigned int, len, 8);
}

static u64 wrap(const struct mkvm_mmio *mmio, u64 linear)
{
	return mmio->wrap ? (u32)linear : linear;
}

/**
 * guest_access_read() - read as an instruction does
 * @vcpu: loaded vCPU, vm->srcu read-held, process context
 * @linear: linear address
 * @data: the result
 * @len: bytes
 * @access: as guest_access_translate()
 * @fault: as returned
 *
 * Return: 0; 1 = the guest must get @fault; GUEST_ACCESS_WAIT, of a read only; -EFAULT with the
 * reason in vcpu->arch.mmio.why.
 */
int guest_access_read(struct mkvm_vcpu *vcpu, u64 linear, void *data, unsigned int len,
		      u32 access, struct walk_fault *fault)
{
	struct mkvm_mmio *mmio = &vcpu->arch.mmio;
	unsigned int n;
	bool memory;
	gpa_t gpa;
	int ret;

	for (; len; linear = wrap(mmio, linear + n), data += n, len -= n) {
		ret = guest_access_translate(vcpu, linear, access, &gpa, fault);
		if (ret)
			return ret;
		memory = is_memory(vcpu, gpa, false);
		n = piece(linear, len, memory);
		if (memory && !mkvm_read_guest(vcpu->vm, gpa, data, n))
			continue;
		if (memory && is_memory(vcpu, gpa, false)) {
			mmio->why = "userspace unmapped the guest memory that is read";
			return -EFAULT;
		}
		/* No slot, or one that went away between the look and the read. */
		n = piece(linear, len, false);
		ret = read_device(vcpu, gpa, data, n);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * guest_access_probe() - may all of it be written, or read?
 * @vcpu: loaded vCPU, vm->srcu read-held, process context
 * @linear: linear address
 * @len: bytes
 * @access: as guest_access_translate()
 * @memory: is all of it memory? or NULL
 * @fault: as returned
 *
 * Return: 0; 1 = the guest must get @fault; GUEST_ACCESS_WAIT, of a read only; -EFAULT with the
 * reason in vcpu->arch.mmio.why.
 */
int guest_access_probe(struct mkvm_vcpu *vcpu, u64 linear, unsigned int len, u32 access,
		       bool *memory, struct walk_fault *fault)
{
	bool write = access & WALK_WRITE;
	gpa_t gpa;
	int ret;

	ret = guest_access_translate(vcpu, linear, access, &gpa, fault);
	if (ret)
		return ret;
	if (memory)
		*memory = is_memory(vcpu, gpa, write);
	if (offset_in_page(linear) + len <= PAGE_SIZE)
		return 0;
	linear = wrap(&vcpu->arch.mmio, (linear + len - 1) & PAGE_MASK);
	ret = guest_access_translate(vcpu, linear, access, &gpa, fault);
	if (!ret && memory)
		*memory = *memory && is_memory(vcpu, gpa, write);
	return ret;
}

/**
 * guest_access_write() - write as an instruction does
 * @vcpu: loaded vCPU, vm->srcu read-held, process context
 * @linear: linear address
 * @data: what
 * @len: bytes
 * @fault: as returned
 *
 * Both pages of a crossing write must take it before either is changed.
 *
 * Return: 0; 1 = the guest must get @fault; GUEST_ACCESS_WAIT, of a read only; -EFAULT with the
 * reason in vcpu->arch.mmio.why.
 */
int guest_access_write(struct mkvm_vcpu *vcpu, u64 linear, const void *data, unsigned int len,
		       struct walk_fault *fault)
{
	struct mkvm_mmio *mmio = &vcpu->arch.mmio;
	unsigned int n;
	bool memory;
	gpa_t gpa;
	int ret;

	ret = guest_access_probe(vcpu, linear, len, WALK_WRITE, NULL, fault);
	for (; !ret && len; linear = wrap(mmio, linear + n), data += n, len -= n) {
		ret = guest_access_translate(vcpu, linear, WALK_WRITE, &gpa, fault);
		if (ret)
			return ret;
		memory = is_memory(vcpu, gpa, true);
		n = piece(linear, len, memory);
		if (memory && !mkvm_write_guest(vcpu->vm, gpa, data, n))
			continue;
		if (memory && is_memory(vcpu, gpa, true)) {
			mmio->why = "userspace unmapped the guest memory that is written";
			return -EFAULT;
		}
		/* As in guest_access_read(). */
		n = piece(linear, len, false);
		ret = write_device(vcpu, gpa, data, n);
	}
	return ret;
}

/**
 * guest_access_cmpxchg() - write if the old value is still there
 * @vcpu: loaded vCPU, vm->srcu read-held, process context
 * @linear: linear address
 * @old: what the instruction read
 * @new: what it writes
 * @len: bytes
 * @fault: as returned
 *
 * A device is just written.
 *
 * Return: as guest_access_write(); -EAGAIN when @old is not there any more.
 */
int guest_access_cmpxchg(struct mkvm_vcpu *vcpu, u64 linear, const void *old, const void *new,
			 unsigned int len, struct walk_fault *fault)
{
	u64 expected[2] = {}, value[2] = {};
	gpa_t gpa;
	int ret;

	ret = guest_access_translate(vcpu, linear, WALK_WRITE, &gpa, fault);
	if (ret)
		return ret;
	if (!is_memory(vcpu, gpa, true) || !mkvm_lockable(gpa, len))
		return guest_access_write(vcpu, linear, new, len, fault);
	memcpy(expected, old, len);
	memcpy(value, new, len);
	if (len == 16)
		ret = mkvm_cmpxchg16_guest(vcpu->vm, gpa, expected, value);
	else
		ret = mkvm_cmpxchg_guest(vcpu->vm, gpa, expected, value[0], len);
	if (!ret || ret == -EAGAIN)
		return ret;
	if (!is_memory(vcpu, gpa, true))
		return guest_access_write(vcpu, linear, new, len, fault);
	vcpu->arch.mmio.why = "userspace unmapped the guest memory that is exchanged";
	return -EFAULT;
}

/**
 * guest_access_exit() - a device of userspace's is accessed
 * @vcpu: the vCPU, whose complete_userspace_io may be set
 * @gpa: guest-physical address
 * @len: bytes, 1 to 8
 * @data: what is written; more than @len bytes of it do not matter
 * @write: it is a write
 *
 * Return: 0, for the exit handler to return.
 */
int guest_access_exit(struct mkvm_vcpu *vcpu, gpa_t gpa, unsigned int len, u64 data, bool write)
{
	struct kvm_run *run = vcpu->run;

	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.phys_addr = gpa;
	run->mmio.len = len;
	run->mmio.is_write = write;
	/* Zeros behind the data. */
	data &= ~0ull >> (64 - 8 * len);
	memcpy(run->mmio.data, &data, sizeof(data));
	return 0;
}

static int exit_mmio(struct mkvm_vcpu *vcpu, const struct mkvm_mmio_access *access, bool write)
{
	u64 data = 0;

	if (write)
		memcpy(&data, access->data, sizeof(data));
	return guest_access_exit(vcpu, access->gpa, access->len, data, write);
}

static int complete_read(struct mkvm_vcpu *vcpu)
{
	struct mkvm_mmio *mmio = &vcpu->arch.mmio;
	struct mkvm_mmio_access *done = &mmio->reads[mmio->nr_reads++];

	*done = mmio->wanted;
	memcpy(done->data, vcpu->run->mmio.data, done->len);
	trace_kvm_mmio(KVM_TRACE_MMIO_READ, done->len, done->gpa, done->data);
	mmio->no_slot = false;	/* by now there may be one */
	return mmio->again(vcpu);
}

/**
 * guest_access_wait() - ask userspace for the read that GUEST_ACCESS_WAIT is about
 * @vcpu: loaded vCPU
 * @again: executes the instruction again, from guest_access_go()
 *
 * Return: 0, with KVM_EXIT_MMIO in vcpu->run.
 */
int guest_access_wait(struct mkvm_vcpu *vcpu, int (*again)(struct mkvm_vcpu *vcpu))
{
	vcpu->arch.mmio.again = again;
	vcpu->arch.complete_userspace_io = complete_read;
	return exit_mmio(vcpu, &vcpu->arch.mmio.wanted, false);
}

/**
 * guest_access_finish() - the instruction is complete: its writes go to their devices
 * @vcpu: loaded vCPU, vm->srcu read-held
 *
 * Return: 1, or 0 with KVM_EXIT_MMIO in vcpu->run; the next KVM_RUN goes on with the next write.
 */
int guest_access_finish(struct mkvm_vcpu *vcpu)
{
	struct mkvm_mmio *mmio = &vcpu->arch.mmio;
	struct mkvm_mmio_access *access;

	while (mmio->next_write < mmio->nr_writes) {
		access = &mmio->writes[mmio->next_write++];
		/* The first was offered to the kernel's devices; those behind it waited for it. */
		if (!access->for_user &&
		    !device_write(vcpu, access->gpa, access->len, access->data))
			continue;
		vcpu->arch.complete_userspace_io = guest_access_finish;
		return exit_mmio(vcpu, access, true);
	}
	mmio->nr_writes = 0;
	mmio->next_write = 0;
	return 1;
}

/**
 * guest_access_vcpu_free() - the end of a vCPU
 * @vcpu: the vCPU
 */
void guest_access_vcpu_free(struct mkvm_vcpu *vcpu)
{
	kfree(vcpu->arch.mmio.reads);
}
