// SPDX-License-Identifier: GPL-2.0-only
/*
 * The grammar: every ioctl of KVM's ABI and of <linux/minikvm.h>, the descriptor that it belongs
 * to, what fills its structure, and the descriptor that it gives. One step of a thread takes a row,
 * a descriptor that fits it as a rule, a structure that was valid a moment ago, and changes a
 * little of it; or the memory in which the structure lies.
 */
#include <sys/eventfd.h>
#include <linux/minikvm.h>

#include "fuzz.h"

#ifndef KVM_SET_USER_MEMORY_REGION2
#define KVM_SET_USER_MEMORY_REGION2 _IOC(_IOC_WRITE, KVMIO, 0x49, 160)
#endif

/**
 * struct fz_row - one ioctl
 * @name: for people
 * @cmd: its number; the structure's length and direction are in it
 * @on: the kind of descriptor
 * @weight: how often, among the rows of its kind
 * @flags: ROW_*
 * @get: an ioctl that fills the structure with what there is, or 0
 * @fill: likewise, a function
 * @gives: kind of the descriptor that it returns
 * @limit: of a number as argument, 0: a number of any size
 */
struct fz_row {
	const char *name;
	unsigned long cmd;
	enum fz_fd on;
	u8 weight;
	u8 flags;
	unsigned long get;
	void (*fill)(struct fz_thread *t, void *buf, int fd);
	enum fz_fd gives;
	u32 limit;
};

#define ROW_STATE 1	/* changes a vCPU's state, or what it lives on: not under a sane guest */
#define ROW_GIVES 2
#define ROW_FD_IN_BUF 4	/* the descriptor is in the structure, not the return value */
#define ROW_EXACT 8	/* not to be mutated: what it could do to the host is meant */

#define ROW(c, kind, w, ...) { .name = #c, .cmd = (c), .on = (kind), .weight = (w), __VA_ARGS__ }
#define SET(c, kind, w, from) ROW(c, kind, w, .get = (from), .flags = ROW_STATE)

static const struct fz_row rows[] = {
	ROW(KVM_GET_API_VERSION, FZ_SYS, 1),
	ROW(KVM_CREATE_VM, FZ_SYS, 3, .flags = ROW_GIVES, .gives = FZ_VM, .limit = 1),
	ROW(KVM_CHECK_EXTENSION, FZ_SYS, 2, .limit = 260),
	ROW(KVM_GET_VCPU_MMAP_SIZE, FZ_SYS, 1, .limit = 1),
	ROW(KVM_GET_SUPPORTED_CPUID, FZ_SYS, 2, .fill = fz_fill_supported),
	ROW(KVM_GET_EMULATED_CPUID, FZ_SYS, 1, .fill = fz_fill_supported),
	ROW(KVM_GET_MSR_INDEX_LIST, FZ_SYS, 2, .fill = fz_fill_index_list),
	ROW(KVM_GET_MSR_FEATURE_INDEX_LIST, FZ_SYS, 1, .fill = fz_fill_index_list),
	ROW(KVM_GET_MSRS, FZ_SYS, 2, .fill = fz_fill_msrs),
	ROW(KVM_X86_GET_MCE_CAP_SUPPORTED, FZ_SYS, 1),
	ROW(KVM_GET_DEVICE_ATTR, FZ_SYS, 1, .fill = fz_fill_attribute),
	ROW(KVM_HAS_DEVICE_ATTR, FZ_SYS, 1, .fill = fz_fill_attribute),
	ROW(MINIKVM_GET_VERSION, FZ_SYS, 1),
	ROW(MINIKVM_GET_LAST_ERROR, FZ_SYS, 1),

	ROW(KVM_CREATE_VCPU, FZ_VM, 4, .flags = ROW_GIVES, .gives = FZ_VCPU, .limit = 12),
	ROW(KVM_CHECK_EXTENSION, FZ_VM, 1, .limit = 260),
	ROW(KVM_SET_USER_MEMORY_REGION, FZ_VM, 12, .fill = fz_fill_region),
	ROW(KVM_SET_USER_MEMORY_REGION2, FZ_VM, 2, .fill = fz_fill_region),
	ROW(KVM_GET_DIRTY_LOG, FZ_VM, 4, .fill = fz_fill_dirty_log),
	ROW(KVM_CLEAR_DIRTY_LOG, FZ_VM, 3, .fill = fz_fill_clear_log),
	ROW(KVM_SET_TSS_ADDR, FZ_VM, 1),
	ROW(KVM_SET_IDENTITY_MAP_ADDR, FZ_VM, 1),
	ROW(KVM_SET_BOOT_CPU_ID, FZ_VM, 1, .limit = 8),
	ROW(KVM_SET_NR_MMU_PAGES, FZ_VM, 1),
	ROW(KVM_GET_NR_MMU_PAGES, FZ_VM, 1),
	ROW(KVM_CREATE_IRQCHIP, FZ_VM, 2, .limit = 1),
	ROW(KVM_CREATE_PIT2, FZ_VM, 2),
	ROW(KVM_CREATE_PIT, FZ_VM, 1, .limit = 1),
	ROW(KVM_IRQ_LINE, FZ_VM, 6, .fill = fz_fill_irq_level),
	ROW(KVM_IRQ_LINE_STATUS, FZ_VM, 3, .fill = fz_fill_irq_level),
	ROW(KVM_GET_IRQCHIP, FZ_VM, 2, .fill = fz_fill_irqchip),
	ROW(KVM_SET_IRQCHIP, FZ_VM, 4, .fill = fz_fill_irqchip, .flags = ROW_STATE),
	ROW(KVM_GET_PIT, FZ_VM, 1),
	ROW(KVM_SET_PIT, FZ_VM, 2, .get = KVM_GET_PIT),
	ROW(KVM_GET_PIT2, FZ_VM, 1),
	ROW(KVM_SET_PIT2, FZ_VM, 3, .get = KVM_GET_PIT2),
	ROW(KVM_REINJECT_CONTROL, FZ_VM, 1),
	ROW(KVM_SET_GSI_ROUTING, FZ_VM, 4, .fill = fz_fill_routing, .flags = ROW_STATE),
	ROW(KVM_SIGNAL_MSI, FZ_VM, 6, .fill = fz_fill_msi, .flags = ROW_STATE),
	ROW(KVM_IRQFD, FZ_VM, 8, .fill = fz_fill_irqfd),
	ROW(KVM_IOEVENTFD, FZ_VM, 8, .fill = fz_fill_ioeventfd),
	ROW(KVM_REGISTER_COALESCED_MMIO, FZ_VM, 3, .fill = fz_fill_zone),
	ROW(KVM_UNREGISTER_COALESCED_MMIO, FZ_VM, 2, .fill = fz_fill_zone),
	ROW(KVM_GET_CLOCK, FZ_VM, 1),
	ROW(KVM_SET_CLOCK, FZ_VM, 2, .get = KVM_GET_CLOCK),
	ROW(KVM_GET_TSC_KHZ, FZ_VM, 1),
	ROW(KVM_SET_TSC_KHZ, FZ_VM, 1),
	ROW(KVM_ENABLE_CAP, FZ_VM, 6, .fill = fz_fill_cap, .flags = ROW_STATE),
	ROW(KVM_X86_SET_MSR_FILTER, FZ_VM, 3, .fill = fz_fill_filter),
	ROW(KVM_CREATE_DEVICE, FZ_VM, 2, .fill = fz_fill_device, .gives = FZ_DEVICE,
	    .flags = ROW_GIVES | ROW_FD_IN_BUF),
	ROW(KVM_GET_STATS_FD, FZ_VM, 2, .flags = ROW_GIVES, .gives = FZ_STATS),
	ROW(KVM_SET_PMU_EVENT_FILTER, FZ_VM, 1),
	ROW(KVM_RESET_DIRTY_RINGS, FZ_VM, 1),
	ROW(MINIKVM_GET_LAST_ERROR, FZ_VM, 1),
	ROW(MINIKVM_VM_POST_INTERRUPT, FZ_VM, 2, .fill = fz_fill_post, .flags = ROW_STATE),
	ROW(MINIKVM_VM_TEST_DEVICE, FZ_VM, 3, .fill = fz_fill_test_device, .flags = ROW_GIVES,
	    .gives = FZ_TEST_DEVICE),

	ROW(KVM_RUN, FZ_VCPU, 8, .limit = 1, .flags = ROW_STATE),
	ROW(KVM_GET_REGS, FZ_VCPU, 2),
	SET(KVM_SET_REGS, FZ_VCPU, 3, KVM_GET_REGS),
	ROW(KVM_GET_SREGS, FZ_VCPU, 2),
	SET(KVM_SET_SREGS, FZ_VCPU, 8, KVM_GET_SREGS),
	ROW(KVM_GET_SREGS2, FZ_VCPU, 1),
	SET(KVM_SET_SREGS2, FZ_VCPU, 4, KVM_GET_SREGS2),
	ROW(KVM_GET_FPU, FZ_VCPU, 1),
	SET(KVM_SET_FPU, FZ_VCPU, 2, KVM_GET_FPU),
	ROW(KVM_GET_XSAVE, FZ_VCPU, 1),
	ROW(KVM_GET_XSAVE2, FZ_VCPU, 1),
	SET(KVM_SET_XSAVE, FZ_VCPU, 3, KVM_GET_XSAVE),
	ROW(KVM_GET_XCRS, FZ_VCPU, 1),
	SET(KVM_SET_XCRS, FZ_VCPU, 2, KVM_GET_XCRS),
	ROW(KVM_GET_LAPIC, FZ_VCPU, 2),
	SET(KVM_SET_LAPIC, FZ_VCPU, 5, KVM_GET_LAPIC),
	ROW(KVM_GET_MP_STATE, FZ_VCPU, 2),
	ROW(KVM_SET_MP_STATE, FZ_VCPU, 4, .fill = fz_fill_mp_state, .flags = ROW_STATE),
	ROW(KVM_GET_VCPU_EVENTS, FZ_VCPU, 2),
	SET(KVM_SET_VCPU_EVENTS, FZ_VCPU, 8, KVM_GET_VCPU_EVENTS),
	ROW(KVM_GET_DEBUGREGS, FZ_VCPU, 1),
	SET(KVM_SET_DEBUGREGS, FZ_VCPU, 3, KVM_GET_DEBUGREGS),
	ROW(KVM_SET_GUEST_DEBUG, FZ_VCPU, 3, .flags = ROW_STATE),
	ROW(KVM_NMI, FZ_VCPU, 3, .flags = ROW_STATE),
	ROW(KVM_SMI, FZ_VCPU, 1, .flags = ROW_STATE),
	ROW(KVM_INTERRUPT, FZ_VCPU, 4, .flags = ROW_STATE),
	ROW(KVM_TRANSLATE, FZ_VCPU, 3),
	ROW(KVM_SET_SIGNAL_MASK, FZ_VCPU, 2, .fill = fz_fill_signal_mask),
	ROW(KVM_SET_CPUID, FZ_VCPU, 1, .flags = ROW_STATE),
	ROW(KVM_SET_CPUID2, FZ_VCPU, 4, .fill = fz_fill_cpuid, .flags = ROW_STATE),
	ROW(KVM_GET_CPUID2, FZ_VCPU, 1, .fill = fz_fill_supported),
	ROW(KVM_GET_MSRS, FZ_VCPU, 4, .fill = fz_fill_msrs),
	ROW(KVM_SET_MSRS, FZ_VCPU, 12, .fill = fz_fill_msrs, .flags = ROW_STATE),
	ROW(KVM_TPR_ACCESS_REPORTING, FZ_VCPU, 1),
	ROW(KVM_SET_VAPIC_ADDR, FZ_VCPU, 2),
	ROW(KVM_X86_SETUP_MCE, FZ_VCPU, 2, .flags = ROW_STATE),
	ROW(KVM_X86_SET_MCE, FZ_VCPU, 3, .flags = ROW_STATE),
	ROW(KVM_ENABLE_CAP, FZ_VCPU, 1, .fill = fz_fill_vcpu_cap, .flags = ROW_STATE),
	ROW(KVM_KVMCLOCK_CTRL, FZ_VCPU, 2, .limit = 1),
	ROW(KVM_GET_TSC_KHZ, FZ_VCPU, 1),
	ROW(KVM_SET_TSC_KHZ, FZ_VCPU, 3, .flags = ROW_STATE),
	ROW(KVM_SET_DEVICE_ATTR, FZ_VCPU, 2, .fill = fz_fill_attribute, .flags = ROW_STATE),
	ROW(KVM_GET_DEVICE_ATTR, FZ_VCPU, 1, .fill = fz_fill_attribute),
	ROW(KVM_GET_STATS_FD, FZ_VCPU, 2, .flags = ROW_GIVES, .gives = FZ_STATS),
	ROW(KVM_GET_NESTED_STATE, FZ_VCPU, 1),
	ROW(KVM_SET_NESTED_STATE, FZ_VCPU, 1, .flags = ROW_STATE),
	ROW(KVM_GET_ONE_REG, FZ_VCPU, 1),
	ROW(MINIKVM_GET_LAST_ERROR, FZ_VCPU, 1),
	ROW(MINIKVM_GET_VMCS, FZ_VCPU, 3, .fill = fz_fill_vmcs_room),
	ROW(MINIKVM_VCPU_SET_VMCS, FZ_VCPU, 4, .fill = fz_fill_vmcs,
	    .flags = ROW_STATE | ROW_EXACT),

	ROW(KVM_SET_DEVICE_ATTR, FZ_DEVICE, 4, .fill = fz_fill_attribute),
	ROW(KVM_HAS_DEVICE_ATTR, FZ_DEVICE, 1, .fill = fz_fill_attribute),
	ROW(MINIKVM_GET_LAST_ERROR, FZ_DEVICE, 1),
	ROW(KVM_GET_DEVICE_ATTR, FZ_DEVICE, 1, .fill = fz_fill_attribute),
};

/* ---- descriptors -------------------------------------------------------------------------- */

/**
 * fz_fd_get() - a descriptor of a kind
 * @c: the case
 * @r: the generator
 * @kind: which
 * Return: a descriptor that another thread may be closing, or -1.
 */
int fz_fd_get(struct fz_case *c, struct fz_rng *r, enum fz_fd kind)
{
	u32 at = fz_below(r, FZ_FDS);

	for (u32 i = 0; i < FZ_FDS; i++) {
		int fd = __atomic_load_n(&c->fd[kind][(at + i) % FZ_FDS], __ATOMIC_RELAXED);

		if (fd >= 0)
			return fd;
	}
	return -1;
}

/**
 * fz_fd_put() - keep a descriptor; what was in its place is closed
 * @c: the case
 * @r: the generator
 * @kind: its kind
 * @fd: the descriptor; -1: only close something
 */
void fz_fd_put(struct fz_case *c, struct fz_rng *r, enum fz_fd kind, int fd)
{
	u32 at = fz_below(r, FZ_FDS);
	int old;

	/* A sane guest's descriptors, and the device, stay. */
	if ((c->sane || kind == FZ_SYS) && at < 4)
		at += 4;
	old = __atomic_exchange_n(&c->fd[kind][at], fd, __ATOMIC_RELAXED);
	if (old >= 0)
		close(old);
}

/* ---- one step ----------------------------------------------------------------------------- */

static const int known[] = {
	EINVAL, EFAULT, ENOTTY, EIO, EPERM, EEXIST, ENOENT, ENXIO, E2BIG, EBUSY, EAGAIN, EINTR,
	ENOMEM, EMFILE, ENFILE, EBADF, ENODEV, EOPNOTSUPP, EACCES, ENOSPC, ERANGE, ESRCH, EOVERFLOW,
};

/**
 * fz_check_errno() - an ioctl failed: with one of KVM's errnos?
 * @name: of the ioctl
 * @err: errno
 */
void fz_check_errno(const char *name, int err)
{
	for (u32 i = 0; i < KT_ARRAY_SIZE(known); i++)
		if (known[i] == err)
			return;
	fz_fail("%s: errno %d, which no ioctl of KVM's has", name, err);
}

static u32 weight_of(const struct fz_row *row, struct fz_case *c)
{
	return c->sane && (row->flags & ROW_STATE) ? 0 : row->weight;
}

static const struct fz_row *pick(struct fz_thread *t)
{
	u32 sum = 0, at;

	for (u32 i = 0; i < KT_ARRAY_SIZE(rows); i++)
		sum += weight_of(&rows[i], t->c);
	at = fz_below(&t->rng, sum);
	for (u32 i = 0; i < KT_ARRAY_SIZE(rows); i++) {
		u32 w = weight_of(&rows[i], t->c);

		if (at < w)
			return &rows[i];
		at -= w;
	}
	return rows;
}

/* Where the structure lies: sometimes over the end of memory, or nowhere. */
static void *place(struct fz_thread *t, void *buf, size_t size)
{
	u64 where = fz_below(&t->rng, 64);
	u8 *end = t->buf + FZ_ROOM;

	if (where == 0)
		return (void *)(unsigned long)fz_value(&t->rng);
	if (where < 3 && size) {
		u8 *at = end - size + fz_below(&t->rng, size + 1) / (where == 1 ? 1 : size + 1);

		memmove(at, buf, end - at);
		return at;
	}
	return buf;
}

static void keep_fd(struct fz_thread *t, const struct fz_row *row, int ret, void *buf)
{
	int fd = ret;

	if (row->flags & ROW_FD_IN_BUF)
		fd = ((struct kvm_create_device *)buf)->fd;
	/* The test of KVM_CREATE_DEVICE gives none, and a number there may be any descriptor. */
	if (row->flags & ROW_FD_IN_BUF && (((struct kvm_create_device *)buf)->flags || fd < 3))
		return;
	fz_fd_put(t->c, &t->rng, row->gives, fd);
}

/* A sane guest's memory is its own. */
static bool may_mutate(struct fz_thread *t, const struct fz_row *row)
{
	return !(row->flags & ROW_EXACT) && !(t->c->sane && row->on == FZ_VM);
}

static void one_ioctl(struct fz_thread *t)
{
	const struct fz_row *row = pick(t);
	size_t size = _IOC_SIZE(row->cmd);
	unsigned long arg = 0, cmd = row->cmd;
	enum fz_fd kind = row->on;
	bool in_place = true;
	int fd, ret;

	if (fz_one_in(&t->rng, 64))
		kind = fz_below(&t->rng, FZ_NR_FDS);
	fd = fz_fd_get(t->c, &t->rng, kind);
	if (fd < 0)
		return;
	if (size) {
		void *at;

		memset(t->buf, fz_one_in(&t->rng, 4) ? 0x5a : 0, size);
		if (row->get)
			ioctl(fd, row->get, t->buf);
		if (row->fill)
			row->fill(t, t->buf, fd);
		if (may_mutate(t, row) &&
		    (fz_one_in(&t->rng, row->fill ? 4 : 2) || (!row->get && !row->fill)))
			fz_mutate(&t->rng, t->buf, size);
		at = place(t, t->buf, size);
		in_place = at == t->buf;
		arg = (unsigned long)at;
	} else if (row->limit) {
		arg = fz_one_in(&t->rng, 16) ? fz_value(&t->rng) : fz_below(&t->rng, row->limit);
	} else {
		arg = fz_one_in(&t->rng, 4) ? fz_value(&t->rng) : 0;
	}
	/* The command itself: its length, its direction, its number. */
	if (fz_one_in(&t->rng, 64) && may_mutate(t, row))
		cmd ^= 1ul << fz_below(&t->rng, 32);
	if (fz_opt.verbose)
		fz_log("thread %u: %s on %d, argument %#lx", t->nr, row->name, fd, arg);
	ret = ioctl(fd, cmd, arg);
	__atomic_add_fetch(&fz_report->ioctls, 1, __ATOMIC_RELAXED);
	if (ret < 0) {
		fz_check_errno(row->name, errno);
		return;
	}
	__atomic_add_fetch(&fz_report->accepted, 1, __ATOMIC_RELAXED);
	if (row->flags & ROW_GIVES && kind == row->on && cmd == row->cmd && in_place)
		keep_fd(t, row, ret, t->buf);
}

/* What else one does with a descriptor. */
static void other_call(struct fz_thread *t)
{
	enum fz_fd kind = fz_below(&t->rng, FZ_NR_FDS);
	int fd = fz_fd_get(t->c, &t->rng, kind);
	u64 one = 1 + fz_below(&t->rng, 3), size = (1 + fz_below(&t->rng, 4)) * 4096;
	void *p;

	switch (fz_below(&t->rng, 8)) {
	case 0:
		fz_fd_put(t->c, &t->rng, kind, -1);
		break;
	case 1:
		fz_fd_put(t->c, &t->rng, FZ_EVENT, eventfd(0, EFD_NONBLOCK));
		break;
	case 2:
		fz_fd_put(t->c, &t->rng, kind, fd < 0 ? -1 : dup(fd));
		break;
	case 3:
		if (pread(fd, t->buf, fz_below(&t->rng, FZ_ROOM), fz_value(&t->rng)) < 0)
			break;
		break;
	case 4:
		p = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 fz_one_in(&t->rng, 2) ? MAP_SHARED : MAP_PRIVATE, fd,
			 fz_below(&t->rng, 5) * 4096);
		if (p != MAP_FAILED) {
			/* A touch would be SIGBUS behind the last page. */
			madvise(p, 4096, MADV_WILLNEED);
			munmap(p, size);
		}
		break;
	default:
		fd = fz_fd_get(t->c, &t->rng, fz_one_in(&t->rng, 4) ? FZ_TEST_DEVICE : FZ_EVENT);
		if (write(fd, &one, 8) < 0 || read(fd, t->buf, 64) < 0)
			break;
	}
}

/**
 * fz_ioctl_step() - one step of a thread that issues ioctls
 * @t: the thread, its generator set for the step
 */
void fz_ioctl_step(struct fz_thread *t)
{
	if (fz_one_in(&t->rng, 6))
		other_call(t);
	else
		one_ioctl(t);
}
