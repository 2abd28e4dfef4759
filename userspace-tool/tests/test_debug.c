// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the protocol of gdb: frames, requests and answers, registers, debug registers.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "compiler.h"
#include "debug_model.h"
#include "tests.h"

static struct model m;

static bool asks(const char *contents, const char *answer)
{
	const char *got = model_ask(&m, contents, strlen(contents));

	if (strcmp(got, answer) != 0)
		printf("# %s: %.200s instead of %s\n", contents, got, answer);
	return !strcmp(got, answer) && !m.bad;
}

static void frames(void)
{
	static struct packet_decoder d;
	static const char * const damaged[] = {
		"$g#68", "$g#g7", "$g#6", "$#zz", "$}#7d", "$$g#6",
	};
	static struct packet_text t;
	static __u8 frame[PACKET_FRAME_MAX];
	char all[256];
	size_t i, n, k;

	model_open(&m);
	model_bytes(&m, "noise$qC#b4", 11);	/* the sums are right */
	CHECK(m.sent_len == 8 && !memcmp(m.sent, "+$QC1#c5", 8));
	model_bytes(&m, "-", 1);
	CHECK(m.sent_len == 15);
	m.sent_len = 0;
	for (i = 0; i < ARRAY_SIZE(damaged); i++)
		model_bytes(&m, damaged[i], strlen(damaged[i]));
	CHECK(!memchr(m.sent, '+', m.sent_len) && memchr(m.sent, '-', m.sent_len));
	/* Every byte survives the way there and back. */
	for (i = 0; i < sizeof(all); i++)
		all[i] = i;
	text_clear(&t);
	text_put(&t, all, sizeof(all));
	n = packet_encode(&t, frame);
	for (i = 0; i + 1 < n; i++)
		CHECK(packet_decode(&d, frame[i]) == PACKET_NOTHING);
	CHECK(packet_decode(&d, frame[i]) == PACKET_COMPLETE);
	CHECK(d.len == sizeof(all) && !memcmp(d.data, all, sizeof(all)));
	/* One byte too many is noticed, whatever the checksum. */
	packet_decode(&d, '$');
	for (k = 0; k <= PACKET_MAX; k++)
		packet_decode(&d, 0);
	packet_decode(&d, '#');
	packet_decode(&d, '0');
	CHECK(packet_decode(&d, '0') == PACKET_DAMAGED && d.len == PACKET_MAX);
}

static void no_ack(void)
{
	model_open(&m);
	CHECK(asks("QStartNoAckMode", "OK"));
	CHECK(m.sent_len && m.sent[0] == '+');
	CHECK(asks("qC", "QC1"));
	CHECK(m.sent_len && m.sent[0] == '$');
	m.sent_len = 0;
	model_bytes(&m, "$qC#00-", 7);
	CHECK(!m.sent_len);
}

static void queries(void)
{
	model_open(&m);
	model_ask(&m, "qSupported:multiprocess+;swbreak+;hwbreak+", 42);
	CHECK(!strncmp(m.answer, "PacketSize=4000;QStartNoAckMode+;qXfer:features:read+;swbr", 58));
	CHECK(m.gdb.swbreak);
	CHECK(asks("vMustReplyEmpty", ""));
	CHECK(asks("qfThreadInfo", "m1,2"));
	CHECK(asks("qsThreadInfo", "l"));
	CHECK(asks("qThreadExtraInfo,2", "7468726561642031"));
	CHECK(asks("qThreadExtraInfo,3", "E22"));
	CHECK(asks("qAttached", "1"));
	CHECK(asks("T2", "OK"));
	CHECK(asks("T3", "E03"));
	CHECK(asks("T10000000000000001", "E03"));
	CHECK(asks("?", "T05thread:1;"));
	CHECK(asks("qRcmd,68", "6821"));
	CHECK(asks("qRcmd,6", "E22"));
	CHECK(asks("vCont?", "vCont;c;C;s;S"));
	CHECK(asks("Hg2", "OK"));
	CHECK(m.gdb.general == 1);
	CHECK(asks("Hg3", "E22"));
	CHECK(asks("H", "E22"));
	CHECK(m.gdb.general == 1);
}

static void description(void)
{
	const char *xml = registers_description(), *at;
	static char whole[PACKET_MAX];
	char request[64];
	unsigned int n = 0;
	size_t have = 0;

	model_open(&m);
	do {
		snprintf(request, sizeof(request), "qXfer:features:read:target.xml:%zx,100", have);
		model_ask(&m, request, strlen(request));
		CHECK(m.answer[0] == 'm' || m.answer[0] == 'l');
		strncat(whole, m.answer + 1, sizeof(whole) - 1 - have);
		have = strlen(whole);
	} while (m.answer[0] == 'm' && have < sizeof(whole) - 0x200);
	CHECK(m.answer[0] == 'l' && !strcmp(whole, xml));
	CHECK(strlen(xml) > 10 && !strcmp(xml + strlen(xml) - 9, "</target>"));
	for (at = xml; (at = strstr(at, "<reg ")); at++)
		n++;
	CHECK(n == registers_count());
	CHECK(asks("qXfer:features:read:other.xml:0,100", "E00"));
	CHECK(asks("qXfer:features:read:target.xml:ffffffffffffffff,100", "E22"));
	CHECK(asks("qXfer:features:read:target.xml:0,0", "m"));
}

static void memory(void)
{
	static char big[3 * PACKET_MAX];

	model_open(&m);
	CHECK(asks("m1000,4", "00070e15"));
	/* What is there is shown; nothing there is an error. */
	CHECK(asks("m27fe,4", "f2f9"));
	CHECK(asks("m2800,1", "E14"));
	CHECK(asks("m0,1", "E14"));
	CHECK(asks("mffffffffffffffff,2", "E14"));
	CHECK(asks("m1000,0", ""));
	CHECK(asks("m1000", "E22"));
	CHECK(asks("m11112222333344445,1", "E22"));
	CHECK(asks("M1001,2:abcd", "OK"));
	CHECK(asks("m1000,4", "00abcd15"));
	CHECK(asks("M1001,2:abc", "E22"));
	CHECK(asks("M1001,2:abxd", "E22"));
	CHECK(asks("M27ff,2:0102", "E14"));
	CHECK(!strcmp(model_ask(&m, "X1000,4:#$}*", 12), "OK"));
	CHECK(asks("m1000,4", "23247d2a"));
	CHECK(!strcmp(model_ask(&m, "X1000,3:\0\0\0", 11), "OK"));
	CHECK(asks("X1000,3:ab", "E22"));
	CHECK(strlen(model_ask(&m, "m1000,ffffffffffffffff", 22)) == 2 * MODEL_SIZE);
	memset(big, 'a', sizeof(big));
	model_bytes(&m, "$", 1);
	model_bytes(&m, big, sizeof(big));
	model_bytes(&m, "#00", 3);
	CHECK(asks("m1003,1", "2a"));
}

static void registers_in_packets(void)
{
	static char all[PACKET_MAX + 1];
	struct debug_registers *r;

	model_open(&m);
	r = &m.registers[0];
	r->regs.rax = 0x1122334455667788;
	r->regs.rip = 0xffffffff81000000;
	r->sregs.cs.selector = 0x10;
	r->sregs.gs.base = 0xffff888000000000;
	r->sregs.cr0 = 0x80000001;
	CHECK(asks("p0", "8877665544332211"));
	CHECK(asks("p10", "00000081ffffffff"));
	CHECK(asks("p12", "10000000"));
	CHECK(asks("p3a", "000000008088ffff"));
	CHECK(asks("p3b", "0100008000000000"));
	CHECK(asks("p41", "E22"));
	CHECK(asks("pffffffffffffffff", "E22"));
	CHECK(asks("P1=0102030405060708", "OK"));
	CHECK(r->regs.rbx == 0x0807060504030201);
	CHECK(asks("P1=01020304", "E22"));
	CHECK(asks("P1=010203040506070z", "E22"));
	CHECK(asks("P41=00", "E22"));
	/* A selector in protected mode, in real mode. */
	CHECK(asks("P12=10000000", "OK"));
	CHECK(asks("P12=18000000", "E95"));
	r->sregs.cr0 = 0;
	CHECK(asks("P12=00f00000", "OK"));
	CHECK(r->sregs.cs.selector == 0xf000 && r->sregs.cs.base == 0xf0000);
	CHECK(asks("P12=00000100", "E22"));
	/* All of them, there and back. */
	snprintf(all, sizeof(all), "G%s", model_ask(&m, "g", 1));
	CHECK(strlen(all) == 1 + 2 * (536 + 16));
	r->regs.rax = 0;
	CHECK(asks(all, "OK"));
	CHECK(r->regs.rax == 0x1122334455667788);
	all[5] = 'x';
	CHECK(asks(all, "E22"));
	CHECK(asks("G00", "E22"));
}

/* The full tag word from the abridged one: "x87 FPU Tag Word" of the SDM. */
static void x87(void)
{
	static const __u8 pi[10] = { 0x35, 0xc2, 0x68, 0x21, 0xa2, 0xda, 0x0f, 0xc9, 0x00, 0x40 };
	struct kvm_fpu *f;

	model_open(&m);
	f = &m.registers[0].fpu;
	CHECK(asks("p22", "ffff0000"));
	f->fsw = 6 << 11;	/* TOP is 6: ST0 is R6 */
	f->ftwx = 0xc0;
	memcpy(f->fpr[0], pi, sizeof(pi));
	CHECK(asks("p18", "35c26821a2da0fc90040"));
	CHECK(asks("p22", "ff4f0000"));	/* R6 valid, R7 zero */
	f->fpr[1][9] = 0x7f;
	f->fpr[1][8] = 0xff;
	CHECK(asks("p22", "ff8f0000"));
	CHECK(asks("P22=ffff0000", "OK"));
	CHECK(f->ftwx == 0);
	CHECK(asks("P20=7f030000", "OK"));
	CHECK(f->fcw == 0x37f);
	CHECK(asks("P23=34120000", "OK"));
	CHECK(asks("P24=78563412", "OK"));
	CHECK(f->last_ip == 0x123412345678);
}

static void resumption(void)
{
	model_open(&m);
	CHECK(asks("vCont;s:1", ""));
	CHECK(m.resumed == 1 && m.action[0] == THREAD_STEP && m.action[1] == THREAD_STAY);
	/* Running: nothing is answered but Ctrl-C. */
	CHECK(asks("g", "E16"));
	model_bytes(&m, "\003", 1);
	CHECK(!strcmp(m.answer, "T02thread:2;") && !m.gdb.running);
	model_bytes(&m, "\003", 1);
	CHECK(asks("qC", "QC2"));
	CHECK(asks("vCont;s:1;c", ""));
	CHECK(m.action[0] == THREAD_STEP && m.action[1] == THREAD_CONTINUE);
	model_bytes(&m, "\003", 1);
	CHECK(asks("vCont;C05:2;c:1", ""));
	CHECK(m.action[0] == THREAD_CONTINUE && m.action[1] == THREAD_CONTINUE);
	model_bytes(&m, "\003", 1);
	CHECK(asks("vCont", "E22"));
	CHECK(asks("vCont;", "E22"));
	CHECK(asks("vCont;t", "E22"));
	CHECK(asks("vCont;c:3", "E22"));
	CHECK(asks("vCont;c:", "E22"));
	CHECK(asks("vCont;S:1", "E22"));
	CHECK(m.resumed == 3);
	CHECK(asks("Hc1", "OK"));
	CHECK(asks("s1234", ""));
	CHECK(m.resumed == 4 && m.action[0] == THREAD_STEP && m.action[1] == THREAD_STAY);
	CHECK(m.registers[0].regs.rip == 0x1234);
	model_bytes(&m, "\003", 1);
	CHECK(asks("C05;1000", ""));
	CHECK(m.registers[1].regs.rip == 0x1000 && m.action[0] == THREAD_CONTINUE);
}

static void stops(void)
{
	struct thread_stop s = { .signal = GDB_SIGNAL_TRAP, .thread = 1, .reason = STOP_SOFTWARE };

	model_open(&m);
	gdb_stopped(&m.gdb, &s);
	CHECK(!strcmp(m.answer, "T05thread:2;"));
	model_ask(&m, "qSupported:swbreak+", 19);
	gdb_stopped(&m.gdb, &s);
	CHECK(!strcmp(m.answer, "T05thread:2;swbreak:;"));
	s.reason = STOP_HARDWARE;
	gdb_stopped(&m.gdb, &s);
	CHECK(!strcmp(m.answer, "T05thread:2;hwbreak:;"));
	s.reason = STOP_WATCH;
	s.type = WATCHPOINT_ACCESS;
	s.address = 0xffffffff82000010;
	gdb_stopped(&m.gdb, &s);
	CHECK(!strcmp(m.answer, "T05thread:2;awatch:ffffffff82000010;"));
	gdb_exited(&m.gdb, 3);
	CHECK(!strcmp(m.answer, "W03") && m.gdb.ended);
	model_open(&m);
	CHECK(asks("D", "OK") && m.detached && m.gdb.ended);
	model_open(&m);
	CHECK(asks("k", "") && m.killed && m.gdb.ended);
	model_open(&m);
	CHECK(asks("vKill;1", "OK") && m.killed);
}

static void software(void)
{
	static struct breakpoints b;
	static __u8 page[16];
	char request[32];
	int i;

	model_open(&m);
	CHECK(asks("Z0,1001,1", "OK"));
	CHECK(m.memory[1] == 0xcc);
	CHECK(asks("Z0,1001,1", "OK"));
	CHECK(m.breakpoints.nr_software == 1);
	CHECK(asks("m1000,3", "00070e"));
	CHECK(asks("M1000,3:aabbcc", "OK"));
	CHECK(m.memory[1] == 0xcc && asks("m1000,3", "aabbcc"));
	CHECK(asks("z0,1001,1", "OK"));
	CHECK(m.memory[1] == 0xbb);
	CHECK(asks("z0,1001,1", "E02"));
	CHECK(asks("Z0,8000,1", "E14"));
	CHECK(asks("Z0,1001", "E22"));
	CHECK(asks("Z3,1000,4", ""));
	CHECK(asks("Z5,1000,4", ""));
	for (i = 0; i < SOFTWARE_BREAKPOINTS_MAX; i++) {
		snprintf(request, sizeof(request), "Z0,%x,1", (unsigned int)MODEL_MEMORY + i);
		CHECK(asks(request, "OK"));
	}
	CHECK(asks("Z0,1300,1", "E28"));
	/* Two linear addresses of one byte; the guest writes where a breakpoint was. */
	page[3] = 0x55;
	CHECK(!software_insert(&b, 0x1003, 3, &page[3]));
	CHECK(!software_insert(&b, 0x2003, 3, &page[3]));
	software_remove(&b, software_find(&b, 0x1003), &page[3]);
	CHECK(page[3] == 0xcc);
	page[3] = 0x66;
	software_remove(&b, software_find(&b, 0x2003), &page[3]);
	CHECK(page[3] == 0x66 && !b.nr_software);
}

static void hardware(void)
{
	static struct breakpoints b;

	model_open(&m);
	CHECK(asks("Z1,1000,1", "OK"));
	CHECK(asks("Z2,2000,4", "OK"));
	CHECK(asks("Z4,3000,8", "OK"));
	CHECK(asks("Z2,4001,1", "OK"));
	CHECK(asks("Z1,5000,1", "E28"));
	CHECK(asks("Z2,2000,4", "OK"));
	/* R/W and LEN of each, the global enables, LE and GE, and the bit that is always 1. */
	CHECK(hardware_dr7(&m.breakpoints) == 0x1bd007aa);
	CHECK(hardware_hit(&m.breakpoints, DR6_HIT(2))->linear == 0x3000);
	CHECK(!hardware_hit(&m.breakpoints, DR6_BS));
	CHECK(asks("z2,2000,8", "E02"));
	CHECK(asks("z2,2000,4", "OK"));
	CHECK(asks("Z2,5000,0", "E22"));
	CHECK(asks("Z2,5001,2", "E28"));
	/* Unaligned and long ones in parts, all or nothing; also at the end of memory. */
	CHECK(!hardware_insert(&b, WATCHPOINT_WRITE, 0x1003, 9));
	CHECK(b.hardware[0].len == 1 && b.hardware[1].linear == 0x1004 &&
	      b.hardware[1].len == 4 && b.hardware[2].linear == 0x1008 && b.hardware[2].len == 4);
	CHECK(hardware_insert(&b, WATCHPOINT_WRITE, 0x2001, 2) == -ENOSPC);
	CHECK(!hardware_insert(&b, WATCHPOINT_ACCESS, ~7ULL, 8));
	CHECK(!hardware_remove(&b, WATCHPOINT_WRITE, 0x1003, 9) && b.hardware[3].used);
	CHECK(hardware_insert(&b, WATCHPOINT_WRITE, 0, ~0ULL) == -ENOSPC);
	CHECK(!hardware_remove(&b, WATCHPOINT_ACCESS, ~7ULL, 8) && !hardware_used(&b));
}

const struct test debug_tests[] = {
	{ "gdb: frames", frames },
	{ "gdb: without confirmations", no_ack },
	{ "gdb: queries", queries },
	{ "gdb: the target description", description },
	{ "gdb: memory", memory },
	{ "gdb: registers", registers_in_packets },
	{ "gdb: the x87 state", x87 },
	{ "gdb: resuming", resumption },
	{ "gdb: stops and ends", stops },
	{ "gdb: software breakpoints", software },
	{ "gdb: debug registers", hardware },
	{ }
};
