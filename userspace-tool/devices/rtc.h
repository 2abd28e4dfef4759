/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The MC146818 real-time clock with its CMOS memory (ports 0x70 and 0x71, IRQ 8), in UTC.
 *
 * Pure: the time comes in through rtc_host, interrupts go out through it.
 */
#ifndef MINIKVM_TOOL_RTC_H
#define MINIKVM_TOOL_RTC_H

#include <linux/types.h>
#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#define RTC_BASE	0x70
#define RTC_PORTS	2
#define RTC_IRQ		8
#define RTC_CMOS_SIZE	128

/**
 * struct rtc_host - what the clock is connected to
 * @now: seconds since 1970, UTC
 * @set_irq: drive the interrupt line; called on changes only
 * @want_ticks: whether rtc_tick() has to be called once a second; called on changes only
 */
struct rtc_host {
	time_t (*now)(void *opaque);
	void (*set_irq)(void *opaque, bool level);
	void (*want_ticks)(void *opaque, bool on);
};

struct rtc {
	pthread_mutex_t lock;
	const struct rtc_host *host;
	void *opaque;
	time_t offset;		/* the guest's time minus the host's */
	__u8 index;
	bool line;
	bool ticking;
	__u8 cmos[RTC_CMOS_SIZE];
};

void rtc_init(struct rtc *r, const struct rtc_host *host, void *opaque, __u64 low, __u64 high);
void rtc_write(struct rtc *r, unsigned int reg, __u8 value);
__u8 rtc_read(struct rtc *r, unsigned int reg);
void rtc_tick(struct rtc *r);
void rtc_resume(struct rtc *r);

#endif
