/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * As much of the kernel as arch/x86/irq/lapic*.c need, for userspace.
 *
 * Every <linux/...> and <asm/...> that those files include leads here (the Makefile makes the
 * forwarding headers). Atomics are real, so that threads can race in a test; time is a number
 * that the test moves. Register numbers are those of the SDM, "Local APIC Register Address Map".
 */
#ifndef LAPIC_TEST_KERNEL_H
#define LAPIC_TEST_KERNEL_H

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <asm/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;
typedef u64 gpa_t;
typedef s64 ktime_t;

#define BIT(n)			(1ul << (n))
#define BIT_ULL(n)		(1ull << (n))
#define GENMASK(h, l)		((unsigned int)GENMASK_ULL(h, l))
#define GENMASK_ULL(h, l)	((~0ull >> (63 - (h))) & (~0ull << (l)))
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define PAGE_MASK		(~4095l)
#define U64_MAX			UINT64_MAX
#define S64_MAX			INT64_MAX
#define KTIME_MAX		INT64_MAX
#define NSEC_PER_USEC		1000l
#define NSEC_PER_MSEC		1000000l
#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)
#define max(a, b)		({ typeof(a) a_ = (a); typeof(b) b_ = (b); a_ > b_ ? a_ : b_; })
#define min(a, b)		({ typeof(a) a_ = (a); typeof(b) b_ = (b); a_ < b_ ? a_ : b_; })
#define max_t(type, a, b)	({ type x_ = (a), y_ = (b); x_ > y_ ? x_ : y_; })
#define min_t(type, a, b)	({ type x_ = (a), y_ = (b); x_ < y_ ? x_ : y_; })
#define max3(a, b, c)		({ typeof(a) m_ = max(a, b); max(m_, c); })
#define container_of(p, type, m) ((type *)((char *)(p) - offsetof(type, m)))
#define __user
#define noinline		__attribute__((noinline))
/* The test's vCPUs have what the keys stand for, or not: asked each time. */
#define DECLARE_STATIC_KEY_FALSE(key) extern bool key
#define DEFINE_STATIC_KEY_FALSE(key) bool key
#define static_branch_unlikely(key) unlikely(*(key))
#define __aligned(n)		__attribute__((aligned(n)))
#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v)	__atomic_store_n(&(x), v, __ATOMIC_RELAXED)
/* What the kernel's barriers promise, in C11's words. */
#define smp_mb()		__atomic_thread_fence(__ATOMIC_SEQ_CST) /* full */
#define smp_wmb()		__atomic_thread_fence(__ATOMIC_RELEASE) /* stores */
#define smp_mb__after_atomic()	__atomic_thread_fence(__ATOMIC_SEQ_CST) /* full */
#define smp_load_acquire(p)	__atomic_load_n(p, __ATOMIC_ACQUIRE) /* acquire */
#define smp_store_release(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE) /* release */
#define xchg(p, v)		__atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
#define array_index_nospec(i, n) ({ typeof(i) i_ = (i); i_ < (n) ? i_ : 0; })
#define DECLARE_BITMAP(name, bits) unsigned long name[(bits) / 64]
#define preempt_disable()	(preempt_count++)
#define preempt_enable()	(preempt_count--)
#define local_irq_save(f)	((f) = 0)
#define local_irq_restore(f)	((void)(f))

static inline void set_bit(long nr, unsigned long *p)
{
	__atomic_fetch_or(p + nr / 64, 1ul << (nr & 63), __ATOMIC_SEQ_CST);
}

static inline void clear_bit(long nr, unsigned long *p)
{
	__atomic_fetch_and(p + nr / 64, ~(1ul << (nr & 63)), __ATOMIC_SEQ_CST);
}

static inline bool test_and_set_bit(long nr, unsigned long *p)
{
	unsigned long bit = 1ul << (nr & 63);

	return __atomic_fetch_or(p + nr / 64, bit, __ATOMIC_SEQ_CST) & bit;
}

static inline bool test_and_clear_bit(long nr, unsigned long *p)
{
	unsigned long bit = 1ul << (nr & 63);

	return __atomic_fetch_and(p + nr / 64, ~bit, __ATOMIC_SEQ_CST) & bit;
}

static inline bool test_bit(long nr, const unsigned long *p)
{
	return READ_ONCE(p[nr / 64]) & (1ul << (nr & 63));
}

static inline unsigned int __fls(unsigned long x)
{
	return 63 - __builtin_clzl(x);
}

static inline unsigned int __ffs(unsigned long x)
{
	return __builtin_ctzl(x);
}

static inline unsigned int hweight8(u8 x)
{
	return __builtin_popcount(x);
}

static inline void bitmap_copy(unsigned long *to, const unsigned long *from, int bits)
{
	memcpy(to, from, bits / 8);
}

static inline bool bitmap_equal(const unsigned long *a, const unsigned long *b, int bits)
{
	return !memcmp(a, b, bits / 8);
}

static inline int find_next_bit(const unsigned long *p, int size, int from)
{
	while (from < size && !test_bit(from, p))
		from++;
	return from;
}

#define for_each_set_bit(bit, p, size)					\
	for ((bit) = find_next_bit(p, size, 0); (bit) < (size);		\
	     (bit) = find_next_bit(p, size, (bit) + 1))

static inline void bit_spin_lock(int nr, unsigned long *p)
{
	while (test_and_set_bit(nr, p))
		;
}

static inline void bit_spin_unlock(int nr, unsigned long *p)
{
	clear_bit(nr, p);
}

static inline u64 div_u64(u64 a, u32 b)
{
	return a / b;
}

static inline u64 div64_u64(u64 a, u64 b)
{
	return a / b;
}

static inline u64 div64_u64_rem(u64 a, u64 b, u64 *rem)
{
	*rem = a % b;
	return a / b;
}

static inline u64 mul_u64_u32_div(u64 a, u32 mul, u32 div)
{
	return (__uint128_t)a * mul / div;
}

#define GFP_KERNEL_ACCOUNT	0
#define kzalloc(size, gfp)	calloc(1, size)
#define kfree(p)		free(p)
#define get_zeroed_page(gfp)	((unsigned long)aligned_alloc_zero())
#define free_page(p)		free((void *)(p))

static inline void *aligned_alloc_zero(void)
{
	void *p = aligned_alloc(4096, 4096);

	return p ? memset(p, 0, 4096) : NULL;
}

#define MODULE_PARM_DESC(name, text)
#define module_param(name, type, mode)
#define pr_notice_ratelimited(...) ((void)0)

/* A test ends with 0, or something was locked and not unlocked. */
extern int preempt_count;

/* Time: the test's. */
extern s64 now_ns;
extern u32 tsc_khz;

static inline ktime_t ktime_get(void)
{
	return now_ns;
}

static inline u64 rdtsc(void)
{
	return mul_u64_u32_div(now_ns, tsc_khz, NSEC_PER_MSEC);
}

static inline s64 ktime_to_ns(ktime_t t)
{
	return t;
}

static inline ktime_t ns_to_ktime(u64 ns)
{
	return ns;
}

static inline ktime_t ktime_add_ns(ktime_t t, u64 ns)
{
	return t + ns;
}

enum hrtimer_restart { HRTIMER_NORESTART, HRTIMER_RESTART };
#define HRTIMER_MODE_ABS_PINNED_HARD	1
#define CLOCK_MONOTONIC			1

struct hrtimer {
	enum hrtimer_restart (*function)(struct hrtimer *timer);
	s64 expires;
	bool queued;
};

void hrtimer_init(struct hrtimer *t, int clock, int mode);
void hrtimer_start(struct hrtimer *t, ktime_t expires, int mode);
int hrtimer_cancel(struct hrtimer *t);
void hrtimer_forward_now(struct hrtimer *t, ktime_t interval);

static inline void hrtimer_set_expires(struct hrtimer *t, ktime_t expires)
{
	t->expires = expires;
}

static inline ktime_t hrtimer_get_expires(const struct hrtimer *t)
{
	return t->expires;
}

static inline void hrtimer_start_expires(struct hrtimer *t, int mode)
{
	hrtimer_start(t, t->expires, mode);
}

/* KVM's ABI */
struct kvm_lapic_state { char regs[0x400]; };
struct kvm_segment { u64 base; u32 limit; u16 selector; };
#define KVM_MP_STATE_RUNNABLE		0
#define KVM_MP_STATE_UNINITIALIZED	1
#define KVM_MP_STATE_INIT_RECEIVED	2
#define KVM_X86_QUIRK_LINT0_REENABLED	1
#define KVM_X86_QUIRK_LAPIC_MMIO_HOLE	4
#define MCG_CMCI_P			BIT_ULL(10)

/* Features of the test's guest: two bits of no matter what numbers. */
#define X86_FEATURE_X2APIC		0
#define X86_FEATURE_TSC_DEADLINE_TIMER	1

/* SDM */
#define APIC_ID		0x20
#define APIC_LVR	0x30
#define APIC_LVR_DIRECTED_EOI	BIT(24)
#define APIC_TASKPRI	0x80
#define APIC_ARBPRI	0x90
#define APIC_PROCPRI	0xa0
#define APIC_EOI	0xb0
#define APIC_LDR	0xd0
#define APIC_LDR_MASK	(0xffu << 24)
#define APIC_DFR	0xe0
#define APIC_DFR_FLAT	0xffffffffu
#define APIC_SPIV	0xf0
#define APIC_SPIV_DIRECTED_EOI		BIT(12)
#define APIC_SPIV_FOCUS_DISABLED	BIT(9)
#define APIC_SPIV_APIC_ENABLED		BIT(8)
#define APIC_ISR	0x100
#define APIC_TMR	0x180
#define APIC_IRR	0x200
#define APIC_ESR	0x280
#define APIC_ESR_SENDILL	0x20
#define APIC_ESR_RECVILL	0x40
#define APIC_ESR_ILLREGA	0x80
#define APIC_LVTCMCI	0x2f0
#define APIC_ICR	0x300
#define APIC_DEST_SELF		0x40000
#define APIC_INT_LEVELTRIG	0x8000
#define APIC_INT_ASSERT		0x4000
#define APIC_ICR_BUSY		0x1000
#define APIC_DEST_LOGICAL	0x800
#define APIC_ICR2	0x310
#define APIC_LVTT	0x320
#define APIC_LVTTHMR	0x330
#define APIC_LVTPC	0x340
#define APIC_LVT0	0x350
#define APIC_LVT1	0x360
#define APIC_LVTERR	0x370
#define APIC_LVT_MASKED		BIT(16)
#define APIC_LVT_LEVEL_TRIGGER	BIT(15)
#define APIC_LVT_REMOTE_IRR	BIT(14)
#define APIC_INPUT_POLARITY	BIT(13)
#define APIC_SEND_PENDING	BIT(12)
#define APIC_MODE_MASK		0x700
#define APIC_DM_NMI		0x400
#define APIC_DM_EXTINT		0x700
#define APIC_VECTOR_MASK	0xff
#define APIC_TMICT	0x380
#define APIC_TMCCT	0x390
#define APIC_TDCR	0x3e0
#define APIC_SELF_IPI	0x3f0

#endif
