/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All that iommu/hw takes from its surroundings.
 *
 * In the module the names come from the kernel. A userspace program that links iommu/hw (the model
 * of the remapping hardware in selftests/unit) defines the functions that the second half declares,
 * and so decides what registers and memory are.
 */
#ifndef MINIKVM_IOMMU_HW_SHIM_H
#define MINIKVM_IOMMU_HW_SHIM_H

#ifdef __KERNEL__

#include <linux/bits.h>
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <asm/cacheflush.h>
#include <asm/cpufeature.h>

static inline u64 shim_read64(void __iomem *regs, u32 reg)
{
	return readq(regs + reg);
}

static inline void shim_write64(void __iomem *regs, u32 reg, u64 value)
{
	writeq(value, regs + reg);
}

static inline u32 shim_read32(void __iomem *regs, u32 reg)
{
	return readl(regs + reg);
}

static inline void shim_write32(void __iomem *regs, u32 reg, u32 value)
{
	writel(value, regs + reg);
}

static inline void shim_delay(void)
{
	udelay(1);
}

/* A spinlock with the interrupt state of its holder, so that shim_pause() can give up both. */
struct shim_lock {
	spinlock_t lock;
	unsigned long flags;
};

static inline void shim_lock_init(struct shim_lock *lock)
{
	spin_lock_init(&lock->lock);
}

static inline void shim_lock(struct shim_lock *lock)
	__acquires(&lock->lock)
{
	unsigned long flags;

	spin_lock_irqsave(&lock->lock, flags);
	lock->flags = flags;
}

static inline void shim_unlock(struct shim_lock *lock)
	__releases(&lock->lock)
{
	unsigned long flags = lock->flags;

	spin_unlock_irqrestore(&lock->lock, flags);
}

/*
 * A microsecond in which others may have the lock. Interrupts are meanwhile as they were before the
 * caller took it: on, unless they were off for another reason (irq chips' callbacks).
 */
static inline void shim_pause(struct shim_lock *lock)
{
	shim_unlock(lock);
	shim_delay();
	cpu_relax();
	shim_lock(lock);
}

/* 2^@order zeroed pages; the hardware reads them by their physical address. */
static inline void *shim_alloc(unsigned int order, gfp_t gfp)
{
	return (void *)__get_free_pages(gfp | __GFP_ZERO, order);
}

static inline void shim_free(void *p, unsigned int order)
{
	free_pages((unsigned long)p, order);
}

/* Pages for page tables, of which there are many; shim.c. */
void *shim_alloc_tables(gfp_t gfp, unsigned int *count);
void shim_free_table(void *table);

static inline u64 shim_phys(const void *p)
{
	return virt_to_phys((void *)p);
}

static inline void *shim_virt(u64 phys)
{
	return phys_to_virt(phys);
}

/* Memory that the hardware may read at any moment changes only through these three. */
static inline void shim_store64(u64 *to, u64 value)
{
	WRITE_ONCE(*to, value);
}

/* Stores @new if @to still holds @old, and returns whether it did. */
static inline bool shim_replace64(u64 *to, u64 old, u64 new)
{
	return cmpxchg64(to, old, new) == old;
}

/*
 * One store of 16 bytes, aligned, if they still are @old: a remapping unit sees all of it or
 * nothing. Returns false if they are not, or if the processor has no such store.
 */
static inline bool shim_store128(u64 *to, const u64 *old, const u64 *new)
{
	u64 lo = old[0], hi = old[1];
	bool done = false;

	if (boot_cpu_has(X86_FEATURE_CX16))
		asm volatile("lock cmpxchg16b %1"
			     : "=@ccz" (done), "+m" (*(u64 (*)[2])to), "+a" (lo), "+d" (hi)
			     : "b" (new[0]), "c" (new[1]) : "memory");
	return done;
}

/* Writes @bytes at @p back to memory, for a unit whose walks do not snoop the caches. */
static inline void shim_flush(const void *p, size_t bytes)
{
	clflush_cache_range((void *)p, bytes);
}

#else

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __s32 s32;
/* Not __u64, which is unsigned long long and does not fit printf()'s %lx and BIT(). */
typedef unsigned long u64;
#define gfp_t unsigned int
#define GFP_KERNEL 0
#define GFP_ATOMIC 0
#define __GFP_NOWARN 0

#define __iomem
#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define GENMASK_ULL(h, l)	((~0ULL >> (63 - (h))) & (~0ULL << (l)))
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define dma_wmb()		__sync_synchronize()
#define min(a, b)		((a) < (b) ? (a) : (b))

/* There is one thread, in which shim_pause() may call what else uses the unit. */
struct shim_lock {
	int unused;
};

static inline void shim_lock_init(struct shim_lock *lock)
{
}

u64 shim_read64(void *regs, u32 reg);
void shim_write64(void *regs, u32 reg, u64 value);
u32 shim_read32(void *regs, u32 reg);
void shim_write32(void *regs, u32 reg, u32 value);
void shim_delay(void);
void shim_pause(struct shim_lock *lock);
void *shim_alloc(unsigned int order, gfp_t gfp);
void shim_free(void *p, unsigned int order);
void *shim_alloc_tables(gfp_t gfp, unsigned int *count);
void shim_free_table(void *table);
u64 shim_phys(const void *p);
void *shim_virt(u64 phys);
void shim_flush(const void *p, size_t bytes);
void shim_store64(u64 *to, u64 value);
bool shim_replace64(u64 *to, u64 old, u64 new);
bool shim_store128(u64 *to, const u64 *old, const u64 *new);

#endif

#endif
