/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kernel.h - as much of the kernel as the interrupt controllers and the I/O bus need, for
 * userspace. Every <linux/...> and <asm/...> that those files include leads here (the Makefile
 * makes the forwarding headers). The tests have one thread: locks only check that they are
 * balanced. Time is a number that the test moves (bench.h).
 */
#ifndef IRQCHIP_TEST_KERNEL_H
#define IRQCHIP_TEST_KERNEL_H

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <linux/kvm.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef unsigned long long u64;
typedef long long s64;
typedef u64 gpa_t;
typedef s64 ktime_t;

#define BIT(n)			(1ul << (n))
#define BIT_ULL(n)		(1ull << (n))
#define GENMASK_ULL(h, l)	((~0ull >> (63 - (h))) & (~0ull << (l)))
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define NSEC_PER_USEC		1000l
#define NSEC_PER_SEC		1000000000l
#define HZ			250
#define max(a, b)		((a) > (b) ? (a) : (b))
#define min(a, b)		((a) < (b) ? (a) : (b))
#define max_t(t, a, b)		max((t)(a), (t)(b))
#define min_t(t, a, b)		min((t)(a), (t)(b))
#define container_of(p, t, m)	((t *)((char *)(p) - offsetof(t, m)))
#define READ_ONCE(x)		(*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v)	(*(volatile typeof(x) *)&(x) = (v))
#define smp_mb()		__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_load_acquire(p)	__atomic_load_n(p, __ATOMIC_ACQUIRE)

/* These tests run where interrupts are on. */
static inline bool irqs_disabled(void)
{
	return false;
}

#define smp_store_release(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)
#define array_index_nospec(i, n) ((i) < (n) ? (i) : 0)
#define __releases(x)
#define __rcu
#define __user
#define module_param(a, b, c)
#define MODULE_PARM_DESC(a, b)	_Static_assert(1, "")
#define struct_size(p, m, n)	(sizeof(*(p)) + (n) * sizeof((p)->m[0]))

#define GFP_KERNEL_ACCOUNT	0
#define kzalloc(size, flags)	calloc(1, size)
#define kvmalloc(size, flags)	malloc(size)
#define kfree			free
#define kvfree			free

#define DECLARE_BITMAP(name, bits) unsigned long name[(bits) / 64]
#define __ffs(x)		__builtin_ctzl(x)

static inline bool test_bit(long nr, const unsigned long *p)
{
	return p[nr / 64] >> (nr & 63) & 1;
}

static inline void __set_bit(long nr, unsigned long *p)
{
	p[nr / 64] |= 1ul << (nr & 63);
}

static inline bool bitmap_equal(const unsigned long *a, const unsigned long *b, int bits)
{
	return !memcmp(a, b, bits / 8);
}

static inline u8 ror8(u8 x, unsigned int n)
{
	return x >> (n & 7) | x << (-n & 7);
}

static inline u64 mul_u64_u32_div(u64 a, u32 mul, u32 div)
{
	return (unsigned __int128)a * mul / div;
}

static inline u64 div64_u64_rem(u64 a, u64 b, u64 *rem)
{
	*rem = a % b;
	return a / b;
}

static inline unsigned int bcd2bin(u8 x)
{
	return (x & 15) + (x >> 4) * 10;
}

static inline u8 bin2bcd(unsigned int x)
{
	return (x / 10) << 4 | x % 10;
}

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

enum hrtimer_restart { HRTIMER_NORESTART, HRTIMER_RESTART };
#define HRTIMER_MODE_ABS	0
struct hrtimer {
	enum hrtimer_restart (*function)(struct hrtimer *timer);
	s64 expires;
	bool armed;
};

extern s64 now_ns;

#define ktime_get_ns()			((u64)now_ns)
#define ktime_to_ns(k)			(k)
#define ns_to_ktime(n)			((ktime_t)(n))
#define hrtimer_init(t, c, m)		((void)(t))
#define hrtimer_cancel(t)		((t)->armed = false)
#define hrtimer_start(t, when, m)	((t)->expires = (when), (t)->armed = true)
#define hrtimer_expires_remaining(t)	((t)->expires - now_ns)
u64 hrtimer_forward_now(struct hrtimer *timer, ktime_t period);

#define APIC_LVT0		0x350
#define APIC_LVT_MASKED		0x10000
#define APIC_MODE_MASK		0x700
#define APIC_DM_NMI		0x400

#endif
