// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmbench's rows of memory slots: changing one of many, the dirty log, fork of the VMM.
 *
 * KVM's ABI: KVM_SET_USER_MEMORY_REGION, KVM_GET_DIRTY_LOG, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
 * KVM_CLEAR_DIRTY_LOG. Ticks of the ioctl, or of fork(), in the VMM; what fork() costs without a
 * guest is printed beside it.
 */
#include <sys/wait.h>

#include "vmbench.h"

#define SLOTS 512
#define GPA_SLOTS 0x50000000UL
#define CHANGES 17

#define GPA_LOG 0x50000000UL
#define SIZE_LOG (256UL << 20)
#define SIZE_BACKING (2UL << 20)
#define LOGS 3			/* of each kind */

#define GPA_FORK 0x40000000UL
#define SIZE_FORK (32UL << 20)
#define SIZE_FORK_1G (1UL << 30)
#define HUGE_PAGE 0x200000UL
#define FORKS 9

/* Add a slot to @SLOTS others and delete it again; *@deleted gets the price of the latter. */
static long change_slots(long *deleted)
{
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, guest_done);
	long add[CHANGES], del[CHANGES];
	u8 *page = map(4096);

	KT_RUN_DONE(vcpu);
	for (u32 i = 1; i <= SLOTS; i++)
		KT_EQ(kt_slot(vcpu->vm, i, 0, GPA_SLOTS + i * 0x2000, 4096, page), 0);
	for (u32 i = 0; i < CHANGES; i++) {
		u64 start = rdtsc(), added;

		KT_EQ(kt_slot(vcpu->vm, SLOTS + 1, 0, GPA_SLOTS + 0x1000, 4096, page), 0);
		added = rdtsc();
		KT_EQ(kt_slot(vcpu->vm, SLOTS + 1, 0, GPA_SLOTS + 0x1000, 0, page), 0);
		del[i] = rdtsc() - added;
		add[i] = added - start;
	}
	kt_vm_free(vcpu->vm);
	munmap(page, 4096);
	*deleted = median(del, CHANGES);
	return median(add, CHANGES);
}

void slot_add_row(const char *name, void (*unused)(void))
{
	long deleted;

	(void)unused;
	print_row(name, change_slots(&deleted));
}

void slot_delete_row(const char *name, void (*unused)(void))
{
	long deleted;

	(void)unused;
	change_slots(&deleted);
	print_row(name, deleted);
}

/* Write to each page, tell the host, again. */
static void write_pages(u64 base, u64 size, u64 page)
{
	sti();
	for (;;) {
		for (u64 at = base; at < base + size; at += page)
			wr32(at, 1);
		GUEST_SYNC(0);
	}
}

static void guest_writes_log(void)
{
	write_pages(GPA_LOG, SIZE_LOG, 4096);
}

static void guest_writes_fork(void)
{
	write_pages(GPA_FORK, SIZE_FORK, 4096);
}

static void guest_writes_1g(void)
{
	write_pages(GPA_FORK, SIZE_FORK_1G, HUGE_PAGE);
}

/* Until the guest has written to each page once more. */
static void let_write(struct kt_vcpu *vcpu)
{
	struct kt_ucall uc;

	kt_run(vcpu);
	if (!kt_ucall(vcpu, &uc) || uc.cmd != UC_SYNC)
		kt_fail("the guest that writes its memory made another exit");
}

u8 *map_repeated(u64 size)
{
	u8 *mem = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = memfd_create("vmbench", 0);

	if (mem == MAP_FAILED || fd < 0 || ftruncate(fd, SIZE_BACKING))
		kt_fail("memfd: %s", strerror(errno));
	for (u64 at = 0; at < size; at += SIZE_BACKING)
		if (mmap(mem + at, SIZE_BACKING, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED | MAP_POPULATE, fd, 0) == MAP_FAILED)
			kt_fail("mmap: %s", strerror(errno));
	close(fd);
	return mem;
}

static long ticks_of(int fd, unsigned long request, void *arg)
{
	u64 start = rdtsc();

	KT_IOCTL(fd, request, arg);
	return rdtsc() - start;
}

static void check_all_dirty(const u64 *bitmap)
{
	for (u64 i = 0; i < SIZE_LOG >> 18; i++)
		if (~bitmap[i])
			kt_fail("word %lu of the dirty log is %#lx", i, bitmap[i]);
}

/* The log of a slot all of whose pages were written: fetched and re-armed, then in two steps. */
void dirty_log_rows(const char *name, void (*unused)(void))
{
	struct kvm_enable_cap manual = {
		.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, .args = { 1 },
	};
	struct kt_vcpu *vcpu = kt_long(0, KT_IRQCHIP, guest_writes_log);
	struct kt_vm *vm = vcpu->vm;
	u64 *bitmap = map(SIZE_LOG >> 15);
	struct kvm_dirty_log get = { .slot = 1, .dirty_bitmap = bitmap };
	struct kvm_clear_dirty_log clear = {
		.slot = 1, .num_pages = SIZE_LOG >> 12, .dirty_bitmap = bitmap,
	};
	long values[LOGS], cleared[LOGS];
	u8 *mem = map_repeated(SIZE_LOG);

	(void)name;
	(void)unused;
	KT_EQ(kt_slot(vm, 1, KVM_MEM_LOG_DIRTY_PAGES, GPA_LOG, SIZE_LOG, mem), 0);
	for (int i = 0; i < LOGS; i++) {
		let_write(vcpu);
		values[i] = ticks_of(vm->fd, KVM_GET_DIRTY_LOG, &get);
		check_all_dirty(bitmap);
	}
	print_row("dirty_log_get", median(values, LOGS));

	KT_IOCTL(vm->fd, KVM_ENABLE_CAP, &manual);
	for (int i = 0; i < LOGS; i++) {
		let_write(vcpu);
		values[i] = ticks_of(vm->fd, KVM_GET_DIRTY_LOG, &get);
		check_all_dirty(bitmap);
		cleared[i] = ticks_of(vm->fd, KVM_CLEAR_DIRTY_LOG, &clear);
	}
	print_row("dirty_log_look", median(values, LOGS));
	print_row("dirty_log_clear", median(cleared, LOGS));
	kt_vm_free(vm);
	munmap(mem, SIZE_LOG);
	munmap(bitmap, SIZE_LOG >> 15);
}

/* The child does nothing. */
static long ticks_of_fork(void)
{
	u64 begin = rdtsc(), ticks;
	pid_t child = fork();

	if (!child)
		_exit(0);
	ticks = rdtsc() - begin;
	if (child < 0 || waitpid(child, NULL, 0) != child)
		kt_fail("fork: %s", strerror(errno));
	return ticks;
}

static void write_all(u8 *mem, u64 size)
{
	for (u64 at = 0; at < size; at += 4096)
		*(volatile u8 *)(mem + at) = 1;
}

/*
 * fork() of a process whose guest has all of @size bytes mapped, in pages of @advice; first without
 * the guest.
 */
static void measure_fork(const char *name, void (*guest)(void), u64 size, int advice)
{
	u8 *start = map(size + HUGE_PAGE);
	u8 *mem = (u8 *)(((u64)start + HUGE_PAGE - 1) & -HUGE_PAGE);
	struct kt_vcpu *vcpu;
	long values[FORKS];

	madvise(mem, size, advice);
	for (int i = 0; i < FORKS; i++) {
		write_all(mem, size);
		values[i] = ticks_of_fork();
	}
	print_own(name, median(values, FORKS));
	write_all(mem, size);
	vcpu = kt_long(0, KT_IRQCHIP, guest);
	KT_EQ(kt_slot(vcpu->vm, 1, 0, GPA_FORK, size, mem), 0);
	for (int i = 0; i < FORKS; i++) {
		let_write(vcpu);
		values[i] = ticks_of_fork();
	}
	print_row(name, median(values, FORKS));
	kt_vm_free(vcpu->vm);
	munmap(start, size + HUGE_PAGE);
}

void fork_row(const char *name, void (*unused)(void))
{
	(void)unused;
	measure_fork(name, guest_writes_fork, SIZE_FORK, MADV_NOHUGEPAGE);
}

void fork_1g_row(const char *name, void (*unused)(void))
{
	(void)unused;
	measure_fork(name, guest_writes_1g, SIZE_FORK_1G, MADV_HUGEPAGE);
}
