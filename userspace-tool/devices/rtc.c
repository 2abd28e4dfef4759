// SPDX-License-Identifier: GPL-2.0-only
/*
 * The MC146818 real-time clock and CMOS memory, from Motorola's data sheet and the PC's use of
 * the memory behind it (century byte, memory sizes).
 *
 * Time is the host's plus an offset that changes when the guest sets its clock. Update and alarm
 * interrupts come once a second while the guest has them enabled; the periodic interrupt is not
 * generated, since Linux makes its own from a finer timer.
 */
#include <string.h>

#include "compiler.h"
#include "devices/rtc.h"

enum {
	CMOS_SECONDS = 0x00,
	CMOS_SECONDS_ALARM = 0x01,
	CMOS_MINUTES = 0x02,
	CMOS_MINUTES_ALARM = 0x03,
	CMOS_HOURS = 0x04,
	CMOS_HOURS_ALARM = 0x05,
	CMOS_WEEKDAY = 0x06,
	CMOS_DAY = 0x07,
	CMOS_MONTH = 0x08,
	CMOS_YEAR = 0x09,
	CMOS_A = 0x0a,
	CMOS_B = 0x0b,
	CMOS_C = 0x0c,
	CMOS_D = 0x0d,
	CMOS_BASE_MEMORY = 0x15,
	CMOS_EXTENDED_MEMORY = 0x17,
	CMOS_EXTENDED_MEMORY_POST = 0x30,
	CMOS_CENTURY = 0x32,
	CMOS_MEMORY_64K = 0x34,		/* above 16 MiB */
	CMOS_HIGH_MEMORY_64K = 0x5b,	/* above 4 GiB, three bytes */
};

#define A_DEFAULT	0x26	/* 32768 Hz time base, 1024 Hz periodic rate, no update running */
#define A_UPDATING	0x80
#define B_SET		0x80
#define B_ALARM		0x20
#define B_UPDATE	0x10
#define B_BINARY	0x04
#define B_24H		0x02
#define C_ANY		0x80
#define D_VALID		0x80
#define HOUR_PM		0x80
#define ALARM_ANY	0xc0	/* alarm bytes from here on match every value */

static void put16(struct rtc *r, unsigned int at, __u64 value)
{
	if (value > 0xffff)
		value = 0xffff;
	r->cmos[at] = value & 0xff;
	r->cmos[at + 1] = value >> 8;
}

/**
 * rtc_init() - a clock that shows the host's time
 * @r: the clock
 * @host: its connections; must outlive it
 * @opaque: their first argument
 * @low: bytes of RAM below 4 GiB, for the memory size that the CMOS holds
 * @high: bytes of RAM above 4 GiB
 */
void rtc_init(struct rtc *r, const struct rtc_host *host, void *opaque, __u64 low, __u64 high)
{
	__u64 above_1m = low > MIB ? (low - MIB) / KIB : 0;

	memset(r, 0, sizeof(*r));
	pthread_mutex_init(&r->lock, NULL);
	r->host = host;
	r->opaque = opaque;
	r->cmos[CMOS_A] = A_DEFAULT;
	r->cmos[CMOS_B] = B_24H;
	r->cmos[CMOS_D] = D_VALID;
	put16(r, CMOS_BASE_MEMORY, 640);
	put16(r, CMOS_EXTENDED_MEMORY, above_1m);
	put16(r, CMOS_EXTENDED_MEMORY_POST, above_1m);
	put16(r, CMOS_MEMORY_64K, low > 16 * MIB ? (low - 16 * MIB) / (64 * KIB) : 0);
	high /= 64 * KIB;
	put16(r, CMOS_HIGH_MEMORY_64K, high & 0xffff);
	r->cmos[CMOS_HIGH_MEMORY_64K + 2] = high >> 16;
}

static __u8 encode(const struct rtc *r, int value)
{
	return r->cmos[CMOS_B] & B_BINARY ? value : value / 10 << 4 | value % 10;
}

static int decode(const struct rtc *r, __u8 value)
{
	return r->cmos[CMOS_B] & B_BINARY ? value : (value >> 4) * 10 + (value & 0xf);
}

static __u8 encode_hour(const struct rtc *r, int hour)
{
	if (r->cmos[CMOS_B] & B_24H)
		return encode(r, hour);
	return encode(r, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? HOUR_PM : 0);
}

static int decode_hour(const struct rtc *r, __u8 value)
{
	if (r->cmos[CMOS_B] & B_24H)
		return decode(r, value);
	return decode(r, value & ~HOUR_PM) % 12 + (value & HOUR_PM ? 12 : 0);
}

/* Bring the time registers up to date; not while the guest has stopped them to set them. */
static void latch(struct rtc *r)
{
	time_t now = r->host->now(r->opaque) + r->offset;
	struct tm tm;

	/* A guest can set any year from 0 on; one before that has no digits. */
	if ((r->cmos[CMOS_B] & B_SET) || !gmtime_r(&now, &tm) || tm.tm_year < -1900)
		return;
	r->cmos[CMOS_SECONDS] = encode(r, tm.tm_sec);
	r->cmos[CMOS_MINUTES] = encode(r, tm.tm_min);
	r->cmos[CMOS_HOURS] = encode_hour(r, tm.tm_hour);
	r->cmos[CMOS_WEEKDAY] = encode(r, tm.tm_wday + 1);
	r->cmos[CMOS_DAY] = encode(r, tm.tm_mday);
	r->cmos[CMOS_MONTH] = encode(r, tm.tm_mon + 1);
	r->cmos[CMOS_YEAR] = encode(r, (tm.tm_year + 1900) % 100);
	r->cmos[CMOS_CENTURY] = encode(r, (tm.tm_year + 1900) / 100);
}

/* The guest has set the registers: remember how far it is from the host's time. */
static void adopt(struct rtc *r)
{
	struct tm tm = {
		.tm_sec = decode(r, r->cmos[CMOS_SECONDS]),
		.tm_min = decode(r, r->cmos[CMOS_MINUTES]),
		.tm_hour = decode_hour(r, r->cmos[CMOS_HOURS]),
		.tm_mday = decode(r, r->cmos[CMOS_DAY]),
		.tm_mon = decode(r, r->cmos[CMOS_MONTH]) - 1,
		.tm_year = decode(r, r->cmos[CMOS_CENTURY]) * 100 +
			   decode(r, r->cmos[CMOS_YEAR]) - 1900,
	};
	time_t guest = timegm(&tm);

	if (guest != (time_t)-1)
		r->offset = guest - r->host->now(r->opaque);
}

static void update_irq(struct rtc *r)
{
	bool line = r->cmos[CMOS_C] & r->cmos[CMOS_B] & (B_ALARM | B_UPDATE);
	bool ticking = r->cmos[CMOS_B] & (B_ALARM | B_UPDATE);

	if (line)
		r->cmos[CMOS_C] |= C_ANY;
	if (line != r->line) {
		r->line = line;
		r->host->set_irq(r->opaque, line);
	}
	if (ticking != r->ticking) {
		r->ticking = ticking;
		r->host->want_ticks(r->opaque, ticking);
	}
}

static void write_cmos(struct rtc *r, __u8 value)
{
	__u8 old;

	switch (r->index) {
	case CMOS_A:
		r->cmos[CMOS_A] = value & ~A_UPDATING;
		break;
	case CMOS_B:
		old = r->cmos[CMOS_B];
		latch(r);
		r->cmos[CMOS_B] = value;
		if ((old & B_SET) && !(value & B_SET))
			adopt(r);
		update_irq(r);
		break;
	case CMOS_C:
	case CMOS_D:
		break;
	case CMOS_SECONDS:
	case CMOS_MINUTES:
	case CMOS_HOURS:
	case CMOS_DAY:
	case CMOS_MONTH:
	case CMOS_YEAR:
	case CMOS_CENTURY:
		latch(r);
		r->cmos[r->index] = value;
		if (!(r->cmos[CMOS_B] & B_SET))
			adopt(r);
		break;
	default:
		r->cmos[r->index] = value;
	}
}

/* The guest writes @value to port 0x70 + @reg. */
void rtc_write(struct rtc *r, unsigned int reg, __u8 value)
{
	pthread_mutex_lock(&r->lock);
	if (reg == 0)
		r->index = value % RTC_CMOS_SIZE;	/* bit 7 masks NMI on a PC */
	else
		write_cmos(r, value);
	pthread_mutex_unlock(&r->lock);
}

/* The guest reads port 0x70 + @reg. */
__u8 rtc_read(struct rtc *r, unsigned int reg)
{
	__u8 value = 0xff;		/* the index port is write-only */

	pthread_mutex_lock(&r->lock);
	if (reg == 1) {
		if (r->index < CMOS_A || r->index == CMOS_CENTURY)
			latch(r);
		value = r->cmos[r->index];
		if (r->index == CMOS_C) {
			r->cmos[CMOS_C] = 0;
			update_irq(r);
		}
	}
	pthread_mutex_unlock(&r->lock);
	return value;
}

static bool alarm_matches(const struct rtc *r, unsigned int alarm, unsigned int time)
{
	return r->cmos[alarm] >= ALARM_ANY || r->cmos[alarm] == r->cmos[time];
}

/* A second has passed: raise the update and alarm interrupts that are due. */
void rtc_tick(struct rtc *r)
{
	pthread_mutex_lock(&r->lock);
	if (!(r->cmos[CMOS_B] & B_SET)) {
		latch(r);
		r->cmos[CMOS_C] |= B_UPDATE;
		if (alarm_matches(r, CMOS_SECONDS_ALARM, CMOS_SECONDS) &&
		    alarm_matches(r, CMOS_MINUTES_ALARM, CMOS_MINUTES) &&
		    alarm_matches(r, CMOS_HOURS_ALARM, CMOS_HOURS))
			r->cmos[CMOS_C] |= B_ALARM;
		update_irq(r);
	}
	pthread_mutex_unlock(&r->lock);
}

/* The registers were loaded from a snapshot: ask for what they need from the host. */
void rtc_resume(struct rtc *r)
{
	pthread_mutex_lock(&r->lock);
	update_irq(r);
	pthread_mutex_unlock(&r->lock);
}
