/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Support library of the minikvm kselftests: TAP output, one child process per subtest, VM and
 * vCPU wrappers that name the failing ioctl, and set-up of real-mode, 32-bit and 64-bit guests.
 * Relies on <linux/kvm.h> and libc alone, so each program runs on /dev/kvm as well: KVM itself
 * is the oracle. A guest is a function of the program: the program's own image is copied into
 * guest memory at its link address and mapped one to one, see guest.h for the guest's side.
 */
#ifndef KT_H
#define KT_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>
#include <linux/kvm.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define KT_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* kselftest's exit codes. */
#define KT_PASS 0
#define KT_FAIL 1
#define KT_SKIP 4

/**
 * struct kt_test - one subtest
 * @name: what TAP prints
 * @fn: runs in a child process of its own; returning means "passed"
 * @timeout: seconds until the child is killed, 0 means KT_TIMEOUT
 */
struct kt_test {
	const char *name;
	void (*fn)(void);
	unsigned int timeout;
};

#define KT_TIMEOUT 60

/**
 * kt_main() - run a table of subtests and print TAP
 * @argc: from main()
 * @argv: from main(); knows --dev PATH, --list, and names of subtests to run
 * @tests: the table
 * @n: entries in @tests
 * Return: the process's exit status (KT_PASS, KT_FAIL or KT_SKIP).
 */
int kt_main(int argc, char **argv, const struct kt_test *tests, unsigned int n);

extern const char *kt_dev;	/* path of the device under test */

void kt_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void kt_skip(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void kt_fail_at(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), noreturn));

#define kt_fail(...) kt_fail_at(__FILE__, __LINE__, __VA_ARGS__)

#define KT_TRUE(cond, ...)						\
	do {								\
		if (!(cond))						\
			kt_fail(#cond " is false; " __VA_ARGS__);	\
	} while (0)

#define KT_EQ(a, b)							\
	do {								\
		u64 __a = (u64)(a), __b = (u64)(b);			\
		if (__a != __b)						\
			kt_fail("%s = %#llx, want %s = %#llx", #a,	\
				(unsigned long long)__a, #b,		\
				(unsigned long long)__b);		\
	} while (0)

/* ioctl() that must succeed; evaluates to its return value. */
#define KT_IOCTL(fd, req, arg) kt_ioctl_at(__FILE__, __LINE__, #req, fd, req, (unsigned long)(arg))
/* ioctl() that must fail with errno err. */
#define KT_IOCTL_ERR(fd, req, arg, err)					\
	kt_ioctl_err_at(__FILE__, __LINE__, #req, fd, req, (unsigned long)(arg), err)

int kt_ioctl_at(const char *file, int line, const char *name, int fd, unsigned long req,
		unsigned long arg);
void kt_ioctl_err_at(const char *file, int line, const char *name, int fd, unsigned long req,
		     unsigned long arg, int err);
const char *kt_errno_name(int err);

/* ---- VMs and vCPUs ------------------------------------------------------------------------ */

#define KT_MAX_VCPUS 16

#define KT_IRQCHIP BIT(0)	/* kt_vm_new(): KVM_CREATE_IRQCHIP */
#define KT_PIT BIT(1)		/* ... and KVM_CREATE_PIT2 */
#define KT_NOIMAGE BIT(2)	/* ... and leave the guest's memory empty */
#define BIT(n) (1UL << (n))

struct kt_vm;

struct kt_vcpu {
	struct kt_vm *vm;
	int fd;
	int id;
	struct kvm_run *run;
	size_t run_size;
};

struct kt_vm {
	int fd;
	unsigned int flags;
	u8 *mem;			/* guest physical 0 .. size, memory slot 0 */
	size_t size;
	struct kt_vcpu *vcpu[KT_MAX_VCPUS];
};

/* Guest physical (and linear) addresses that the library uses. */
#define KT_GDT 0x1000UL
#define KT_TSS 0x1800UL		/* one 64-bit TSS per vCPU, 128 bytes apart */
#define KT_IDT 0x2000UL
#define KT_IDT32 0x3000UL
#define KT_REAL_CODE 0x8000UL
#define KT_PML4 0x10000UL
#define KT_PDPT 0x11000UL
#define KT_PD 0x12000UL		/* four pages: 4 GiB by 2 MiB pages */
#define KT_PT 0x16000UL		/* 4 KiB pages of KT_TEST_AREA */
#define KT_PD32 0x17000UL	/* 32-bit paging with 4 MiB pages */
#define KT_STACKS 0x200000UL	/* top of vCPU 0's stack; 32 KiB each, downwards */
#define KT_STACK_SIZE 0x8000UL
#define KT_TEST_AREA 0x200000UL	/* 2 MiB free for the test, mapped by 4 KiB pages */
#define KT_IMAGE 0x400000UL
#define KT_MEM (16UL << 20)	/* default size of slot 0 */
#define KT_MMIO 0x40000000UL	/* mapped in the guest, never a slot */

#define KT_CS 0x08
#define KT_DS 0x10
#define KT_UCS 0x1b
#define KT_UDS 0x23
#define KT_CS32 0x28
#define KT_CS16 0x30
#define KT_TR 0x40		/* 16 bytes per vCPU from here */

int kt_open(void);
int kt_sys(void);
bool kt_is_minikvm(void);
bool kt_cpu_intel(void);
int kt_cap(int cap);
void kt_require_cap(int cap, const char *name);

struct kt_vm *kt_vm_new(size_t size, unsigned int flags);
void kt_vm_free(struct kt_vm *vm);
void kt_vm_load_image(struct kt_vm *vm);
int kt_slot(struct kt_vm *vm, u32 slot, u32 flags, u64 gpa, u64 size, void *hva);
struct kt_vcpu *kt_vcpu_new(struct kt_vm *vm, int id);
void kt_vcpu_free(struct kt_vcpu *vcpu);
struct kvm_cpuid2 *kt_supported_cpuid(void);
struct kvm_cpuid_entry2 *kt_cpuid_entry(struct kvm_cpuid2 *c, u32 function, u32 index);
void *kt_g2h(struct kt_vm *vm, u64 gpa);

/* Host's view of a guest's copy of a global variable. */
#define GV(vm, var) (*(volatile __typeof__(var) *)kt_g2h(vm, (u64)(unsigned long)&(var)))

bool kt_apicv(void);
void kt_vcpu_long(struct kt_vcpu *vcpu, void (*fn)(void));
void kt_vcpu_prot32(struct kt_vcpu *vcpu, const void *eip, bool paging);
void kt_vcpu_real(struct kt_vcpu *vcpu, const void *start, const void *end);
struct kt_vcpu *kt_long(size_t size, unsigned int flags, void (*fn)(void));

void kt_get_regs(struct kt_vcpu *vcpu, struct kvm_regs *regs);
void kt_set_regs(struct kt_vcpu *vcpu, const struct kvm_regs *regs);
void kt_get_sregs(struct kt_vcpu *vcpu, struct kvm_sregs *sregs);
void kt_set_sregs(struct kt_vcpu *vcpu, const struct kvm_sregs *sregs);
u64 kt_get_msr(struct kt_vcpu *vcpu, u32 index);
int kt_try_set_msr(struct kt_vcpu *vcpu, u32 index, u64 value);
/* A vCPU's exits by basic reason; false where minikvm's debugfs is not. */
#define KT_EXIT_REASONS 80
bool kt_exit_counts(struct kt_vcpu *vcpu, u64 *counts);
int kt_try_get_msr(struct kt_vcpu *vcpu, u32 index, u64 *value);

/* ---- running ------------------------------------------------------------------------------ */

enum kt_uc { UC_SYNC = 1, UC_DONE, UC_ASSERT, UC_TRAP };

#define KT_PORT 0xe0		/* the guest's calls to the test */
#define KT_PORT32 0xe1		/* a 32-bit guest's exception, see struct kt_frame32 */

/**
 * struct kt_frame32 - stack of a 32-bit guest in its exception stub
 * @regs: edi esi ebp esp ebx edx ecx eax, as PUSHAD leaves them
 * @vector: the exception
 * @error: its error code, or 0
 * @eip: where to continue; the test may change it
 * @cs: code segment
 * @eflags: flags
 */
struct kt_frame32 {
	u32 regs[8];
	u32 vector, error, eip, cs, eflags;
};

struct kt_frame32 *kt_frame32(struct kt_vcpu *vcpu);

struct kt_ucall {
	u64 cmd, a, b, c;
};

int kt_run_raw(struct kt_vcpu *vcpu);
u32 kt_run(struct kt_vcpu *vcpu);
const char *kt_exit_name(u32 reason);
void kt_dump(struct kt_vcpu *vcpu);
bool kt_ucall(struct kt_vcpu *vcpu, struct kt_ucall *uc);
void kt_want_exit_at(const char *file, int line, struct kt_vcpu *vcpu, u32 reason);
u64 kt_want_sync_at(const char *file, int line, struct kt_vcpu *vcpu, u64 stage);
void kt_want_done_at(const char *file, int line, struct kt_vcpu *vcpu);

/* Run and demand this exit / UC_SYNC with this stage / UC_DONE. */
#define KT_RUN_EXIT(vcpu, reason) kt_want_exit_at(__FILE__, __LINE__, vcpu, reason)
#define KT_RUN_SYNC(vcpu, stage) kt_want_sync_at(__FILE__, __LINE__, vcpu, stage)
#define KT_RUN_DONE(vcpu) kt_want_done_at(__FILE__, __LINE__, vcpu)
void *kt_thread_run_done(void *vcpu);

void kt_check_guest_at(const char *file, int line, struct kt_vcpu *vcpu, struct kt_ucall *uc);
#define KT_CHECK_GUEST(vcpu, uc) kt_check_guest_at(__FILE__, __LINE__, vcpu, uc)

void *kt_io_data(struct kt_vcpu *vcpu);
bool kt_mmio_serve(struct kt_vcpu *vcpu, u64 base, void *buf, size_t size);
void kt_run_served(struct kt_vcpu *vcpu, u64 base, void *buf, size_t size);
void kt_msleep(unsigned int ms);
bool kt_write_file(const char *path, const char *text);
unsigned int kt_slowness(void);

#endif
