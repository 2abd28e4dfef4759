/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kernel.h - as much of the kernel as the unit suites' files of the module need, for userspace.
 *
 * Every <linux/...> and <asm/...> that those files include leads here (unit.mk makes the forwarding
 * headers). Atomics are real, so that threads can race in a test; locks only check that they are
 * balanced, for tests of one thread. Time is a number that the test moves (kernel.c).
 */
#ifndef MINIKVM_UNIT_KERNEL_H
#define MINIKVM_UNIT_KERNEL_H

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <asm/types.h>
#include <linux/kvm.h>

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
#define NSEC_PER_SEC		1000000000l
#define HZ			250
#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)
#define max(a, b)		({ typeof(a) a_ = (a); typeof(b) b_ = (b); a_ > b_ ? a_ : b_; })
#define min(a, b)		({ typeof(a) a_ = (a); typeof(b) b_ = (b); a_ < b_ ? a_ : b_; })
#define max_t(type, a, b)	({ type x_ = (a), y_ = (b); x_ > y_ ? x_ : y_; })
#define min_t(type, a, b)	({ type x_ = (a), y_ = (b); x_ < y_ ? x_ : y_; })
#define max3(a, b, c)		({ typeof(a) m_ = max(a, b); max(m_, c); })
#define container_of(p, type, m) ((type *)((char *)(p) - offsetof(type, m)))
#define struct_size(p, m, n)	(sizeof(*(p)) + (n) * sizeof((p)->m[0]))
#define WARN_ON_ONCE(x)		((void)(x))
#define __user
#define __rcu
#define __releases(x)
#define __printf(a, b)		__attribute__((format(printf, a, b)))
#define noinline		__attribute__((noinline))
#define __cold			__attribute__((cold))
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

static inline void __set_bit(long nr, unsigned long *p)
{
	p[nr / 64] |= 1ul << (nr & 63);
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

static inline unsigned long __ffs64(u64 x)
{
	return __builtin_ctzll(x);
}

static inline u8 ror8(u8 x, unsigned int n)
{
	return x >> (n & 7) | x << (-n & 7);
}

static inline unsigned int bcd2bin(u8 x)
{
	return (x & 15) + (x >> 4) * 10;
}

static inline u8 bin2bcd(unsigned int x)
{
	return (x / 10) << 4 | x % 10;
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

#define PAGE_SIZE		4096
#define GFP_KERNEL_ACCOUNT	0
#define kzalloc(size, gfp)	calloc(1, size)
#define kvmalloc(size, gfp)	malloc(size)
#define kfree(p)		free(p)
#define kvfree(p)		free(p)

typedef struct { int n; } atomic_t;

static inline int atomic_read(const atomic_t *a) { return a->n; }
static inline void atomic_set(atomic_t *a, int n) { a->n = n; }
static inline void atomic_add(int n, atomic_t *a) { a->n += n; }

static inline int atomic_xchg(atomic_t *a, int n)
{
	int old = a->n;

	a->n = n;
	return old;
}

static inline int atomic_dec_if_positive(atomic_t *a)
{
	return a->n > 0 ? --a->n : a->n - 1;
}

typedef struct { int held; } raw_spinlock_t, spinlock_t;
struct mutex { int held; };

static inline void test_lock(int *held)
{
	assert(!*held);		/* would deadlock */
	*held = 1;
}

static inline void test_unlock(int *held)
{
	assert(*held);
	*held = 0;
}

#define raw_spin_lock_init(l)		((l)->held = 0)
#define spin_lock_init(l)		((l)->held = 0)
#define raw_spin_lock_irqsave(l, f)	((f) = 0, test_lock(&(l)->held))
#define raw_spin_unlock_irqrestore(l, f) ((void)(f), test_unlock(&(l)->held))
#define spin_lock(l)			test_lock(&(l)->held)
#define spin_unlock(l)			test_unlock(&(l)->held)
#define mutex_lock(l)			test_lock(&(l)->held)
#define mutex_unlock(l)			test_unlock(&(l)->held)
#define lockdep_assert_held(l)		assert((l)->held)
#define lockdep_is_held(l)		1

struct srcu_struct { int grace_periods; };

#define srcu_dereference(p, s)		(p)
#define rcu_dereference_protected(p, c)	(p)
#define rcu_assign_pointer(p, v)	((p) = (v))
#define RCU_INIT_POINTER(p, v)		((p) = (v))
#define synchronize_srcu_expedited(s)	((s)->grace_periods++)

typedef struct { int n; } refcount_t;

static inline int refcount_read(const refcount_t *r) { return r->n; }

struct hlist_node { struct hlist_node *next, **pprev; };
struct list_head { struct list_head *next, *prev; };

struct work_struct { int unused; };
struct delayed_work {
	struct work_struct work;
	void (*fn)(struct work_struct *work);
	bool queued;
};

#define to_delayed_work(w)		container_of(w, struct delayed_work, work)
#define INIT_DELAYED_WORK(w, f)		((w)->fn = (f))
#define schedule_delayed_work(w, t)	((w)->queued = true)
#define cancel_delayed_work_sync(w)	((w)->queued = false)

#define MODULE_PARM_DESC(name, text)
#define module_param(name, type, mode)
#define pr_notice_ratelimited(...) ((void)0)

/* The tests run where interrupts are on. */
static inline bool irqs_disabled(void)
{
	return false;
}

/* A test ends with 0, or something was locked and not unlocked. */
extern int preempt_count;

/* ---- time, which stands still unless the test moves it ------------------------------------- */

extern s64 now_ns;
extern u32 tsc_khz;
/* How often hrtimer callbacks ran. */
extern int callbacks;

/* Until @ns; the hrtimers that fall due on the way run, each at its own time. */
void advance_to(s64 ns);

static inline ktime_t ktime_get(void)
{
	return now_ns;
}

static inline u64 ktime_get_ns(void)
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
#define HRTIMER_MODE_ABS		0
#define HRTIMER_MODE_ABS_PINNED_HARD	1

struct hrtimer {
	enum hrtimer_restart (*function)(struct hrtimer *timer);
	s64 expires;
	bool queued;
	struct hrtimer *next;		/* of those that are queued */
};

void hrtimer_init(struct hrtimer *t, int clock, int mode);
void hrtimer_start(struct hrtimer *t, ktime_t expires, int mode);
int hrtimer_cancel(struct hrtimer *t);
u64 hrtimer_forward_now(struct hrtimer *t, ktime_t interval);

static inline void hrtimer_set_expires(struct hrtimer *t, ktime_t expires)
{
	t->expires = expires;
}

static inline ktime_t hrtimer_get_expires(const struct hrtimer *t)
{
	return t->expires;
}

static inline s64 hrtimer_expires_remaining(const struct hrtimer *t)
{
	return t->expires - now_ns;
}

static inline void hrtimer_start_expires(struct hrtimer *t, int mode)
{
	hrtimer_start(t, t->expires, mode);
}

#define MCG_CMCI_P			BIT_ULL(10)

/* Features of the test's guest: two bits of no matter what numbers. */
#define X86_FEATURE_X2APIC		0
#define X86_FEATURE_TSC_DEADLINE_TIMER	1

#endif
