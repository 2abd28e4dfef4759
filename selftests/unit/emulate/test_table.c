// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_table.c - one line per instruction: bytes, state before, state after.
 *
 * The expected values are worked out by hand from the SDM's volume 2, so that this test also says
 * something on a machine whose processor test_native cannot use.  Each row runs twice: with the
 * memory as RAM, and with all of it a device that userspace serves; both must agree.
 *
 * A state is a list of words: ax=1 (64-bit value, all of gpr that is named), fl=41 (rflags, without
 * the fixed bit 1), [1000]=aabb:2 (memory, value and bytes), bases: ds@10000, limits: ds^fff, and
 * those of fields[] below.
 * Results: ip=+3 (advance), ip=500 (absolute), fault=d (vector), why=text (unhandled, part of the
 * reason), len=3 (decoded length).  Without one of them the row expects EMUL_OK and ip=+length.
 */
#include <stdlib.h>

#include "machine.h"
#include "tap.h"

#define RAM_SIZE 0x40000
#define CODE_BASE 0x7000

struct row {
	enum emul_mode mode;
	const char *bytes;
	const char *before;
	const char *after;
};

#define R16 EMUL_REAL16
#define P16 EMUL_PROT16
#define P32 EMUL_PROT32
#define L64 EMUL_LONG64

static const struct row rows[] = {
	/* MOV in all its forms */
	{ L64, "88 0b", "bx=1000 cx=1234", "[1000]=34:1" },
	{ L64, "88 2b", "bx=1000 cx=1234", "[1000]=12:1" },
	{ L64, "40 88 2b", "bx=1000 bp=5678", "[1000]=78:1" },
	{ L64, "66 89 0b", "bx=1000 cx=12345678", "[1000]=5678:2" },
	{ L64, "89 0b", "bx=1000 cx=1122334455667788", "[1000]=55667788:4 [1004]=0:4" },
	{ L64, "48 89 0b", "bx=1000 cx=1122334455667788", "[1000]=1122334455667788:8" },
	{ L64, "8a 23", "bx=1000 ax=ffff [1000]=12:1", "ax=12ff" },
	{ L64, "44 8a 23", "bx=1000 r12=ffff [1000]=12:1", "r12=ff12" },
	{ L64, "66 8b 03", "bx=1000 ax=ffffffffffffffff [1000]=1234:2", "ax=ffffffffffff1234" },
	{ L64, "8b 03", "bx=1000 ax=ffffffffffffffff [1000]=80000000:4", "ax=80000000" },
	{ L64, "4c 8b 3b", "bx=1000 [1000]=8000000000000001:8", "r15=8000000000000001" },
	{ L64, "c6 03 7f", "bx=1000", "[1000]=7f:1" },
	{ L64, "c7 03 78 56 34 12", "bx=1000", "[1000]=12345678:4" },
	{ L64, "66 c7 03 34 12", "bx=1000", "[1000]=1234:2 [1002]=0:2" },
	{ L64, "48 c7 03 ff ff ff ff", "bx=1000", "[1000]=ffffffffffffffff:8" },
	{ L64, "a0 00 20 00 00 00 00 00 00", "[2000]=99:1", "ax=99" },
	{ L64, "48 a1 00 20 00 00 00 00 00 00", "[2000]=123456789a:8", "ax=123456789a" },
	{ L64, "67 a3 00 20 00 00", "ax=11223344", "[2000]=11223344:4" },
	{ P32, "a2 00 20 00 00", "ax=77", "[2000]=77:1" },
	{ P32, "67 66 a1 00 20", "ax=ffffffff [2000]=1234:2", "ax=ffff1234" },
	{ R16, "a1 00 20", "ds@10000 [12000]=beef:2", "ax=beef" },
	{ L64, "d7", "bx=1000 ax=ff05 [1005]=42:1", "ax=ff42" },

	/* Segment registers */
	{ P32, "8c 1b", "bx=1000 ds=23 [1000]=ffffffff:4", "[1000]=ffff0023:4" },
	{ L64, "8c c0", "ax=ffffffffffffffff es=2b", "ax=2b" },
	{ R16, "8e 07", "bx=1000 [1000]=1234:2", "es=1234" },
	{ R16, "8e 0f", "bx=1000", "fault=6" },
	{ R16, "8c 37", "bx=1000", "fault=6" },
	{ R16, "06", "es=1234 sp=1000", "sp=ffe [ffe]=1234:2" },
	{ R16, "1f", "sp=1000 [1000]=4321:2", "ds=4321 sp=1002" },

	/* Extending and byte-swapping moves, conditional moves */
	{ L64, "0f b6 03", "bx=1000 ax=ffffffffffffffff [1000]=80:1", "ax=80" },
	{ L64, "66 0f b6 03", "bx=1000 ax=ffffffff [1000]=80:1", "ax=ffff0080" },
	{ L64, "48 0f b7 03", "bx=1000 ax=ffffffffffffffff [1000]=8000:2", "ax=8000" },
	{ L64, "0f be 03", "bx=1000 [1000]=80:1", "ax=ffffff80" },
	{ L64, "48 0f bf 03", "bx=1000 [1000]=8000:2", "ax=ffffffffffff8000" },
	{ L64, "48 63 03", "bx=1000 [1000]=80000000:4", "ax=ffffffff80000000" },
	{ L64, "0f 38 f0 03", "bx=1000 [1000]=11223344:4", "ax=44332211" },
	{ L64, "66 0f 38 f1 03", "bx=1000 ax=1122", "[1000]=2211:2" },
	{ L64, "0f 44 03", "bx=1000 fl=40 ax=ffffffffffffffff [1000]=5:4", "ax=5" },
	{ L64, "0f 44 03", "bx=1000 fl=0 ax=ffffffffffffffff [1000]=5:4", "ax=ffffffff" },
	{ L64, "0f c3 03", "bx=1000 ax=55", "[1000]=55:4" },
	{ L64, "66 0f 38 f8 03", "bx=1000 ax=1040 [1008]=1234:8", "[1048]=1234:8" },
	{ L64, "66 0f 38 f8 03", "bx=1000 ax=1041", "fault=d" },

	/* Addressing */
	{ L64, "8b 44 8b 10", "bx=1000 cx=4 [1020]=1:4", "ax=1" },
	{ L64, "8b 04 25 00 20 00 00", "[2000]=2:4", "ax=2" },
	{ L64, "42 8b 04 23", "bx=1000 r12=8 [1008]=3:4", "ax=3" },
	{ L64, "41 8b 45 00", "r13=1000 [1000]=4:4", "ax=4" },
	{ L64, "41 8b 04 24", "r12=1000 [1000]=5:4", "ax=5" },
	{ L64, "8b 05 f0 9f ff ff", "[ff6]=6:4", "ax=6" },
	{ L64, "c7 05 f0 9f ff ff 78 56 34 12", "", "[ffa]=12345678:4" },
	{ L64, "c6 05 f0 9f ff ff 78", "", "[ff7]=78:1" },
	{ L64, "67 8b 03", "bx=ffffffff00001000 [1000]=7:4", "ax=7" },
	{ L64, "67 8b 43 ff", "bx=1001 [1000]=7:4", "ax=7" },
	{ L64, "65 8b 03", "bx=1000 gs@2000 [3000]=8:4", "ax=8" },
	{ L64, "65 2e 8b 03", "bx=1000 gs@2000 [3000]=8:4", "ax=8" },
	{ L64, "2e 8b 03", "bx=1000 [1000]=9:4", "ax=9" },
	{ P32, "8b 05 00 20 00 00", "[2000]=a:4", "ax=a" },
	{ P32, "8b 45 00", "bp=1000 ss@1000 [2000]=b:4", "ax=b" },
	{ P32, "3e 8b 45 00", "bp=1000 ss@1000 [1000]=c:4", "ax=c" },
	{ P32, "8b 03", "bx=fffff000 ds@3000 [2000]=d:4", "ax=d" },
	{ P32, "67 8b 00", "bx=fff0 si=20 [10]=e:4", "ax=e" },
	{ R16, "8b 07", "bx=1000 ds@10000 [11000]=1111:2", "ax=1111" },
	{ R16, "8b 02", "bp=1000 si=10 ss@20000 [21010]=2222:2", "ax=2222" },
	{ R16, "8b 46 fe", "bp=1000 ss@20000 [20ffe]=3333:2", "ax=3333" },
	{ R16, "8b 87 00 10", "bx=1000 [2000]=4444:2", "ax=4444" },
	{ R16, "8b 06 00 20", "[2000]=5555:2", "ax=5555" },
	{ R16, "26 8b 05", "di=1000 es@10000 [11000]=6666:2", "ax=6666" },
	{ R16, "67 8b 04 88", "ax=1000 cx=4 [1010]=7777:2", "ax=7777" },
	{ R16, "66 8b 07", "bx=1000 [1000]=12345678:4", "ax=12345678" },
	{ R16, "8b 07", "bx=ffff", "fault=d" },
	{ R16, "8b 46 00", "bp=ffff", "fault=c" },
	{ P16, "8b 07", "bx=1000 [1000]=1111:2", "ax=1111" },
	{ P32, "8b 03", "bx=1000 ds^fff", "fault=d" },
	{ P32, "8b 03", "bx=ffc ds^fff [ffc]=1:4", "ax=1" },

	/* Canonical addresses */
	{ L64, "8b 03", "bx=800000000000", "fault=d" },
	{ L64, "8b 45 00", "bp=800000000000", "fault=c" },
	{ L64, "2e 8b 45 00", "bp=800000000000", "fault=c" },
	{ L64, "65 8b 45 00", "bp=800000000000", "fault=d" },
	{ L64, "8b 03", "bx=7ffffffffffd", "fault=d" },
	{ L64, "ff 33", "sp=8000000000000000 bx=1000", "fault=c" },
	{ L64, "8b 03", "bx=80000", "fault=e" },

	/* Several pushes and pops, flags, frames */
	{ P32, "60", "sp=1020 ax=1 cx=2 dx=3 bx=4 bp=6 si=7 di=8",
	  "sp=1000 [1000]=8:4 [1004]=7:4 [1008]=6:4 [100c]=1020:4 [1010]=4:4 [101c]=1:4" },
	{ P32, "66 60", "sp=1010 ax=1 di=8", "sp=1000 [1000]=8:2 [1006]=1010:2 [100e]=1:2" },
	{ R16, "60", "sp=4 ax=1 cx=2 dx=3", "sp=fff4 [2]=1:2 [0]=2:2 [fffe]=3:2 [fffa]=4:2" },
	{ P32, "61", "sp=1000 [1000]=8:4 [100c]=55:4 [1010]=4:4 [101c]=1:4",
	  "sp=1020 di=8 bx=4 ax=1 si=0" },
	{ R16, "61", "sp=1000 ax=ffff0000 [1000]=8:2 [100e]=1:2", "sp=1010 di=8 ax=ffff0001" },
	{ P32, "9c", "sp=1000 fl=10246", "sp=ffc [ffc]=246:4 fl=246" },
	{ L64, "9c", "sp=1000 fl=3246", "sp=ff8 [ff8]=3246:8 fl=3246" },
	{ R16, "9c", "sp=1000 fl=246", "sp=ffe [ffe]=246:2" },
	{ R16, "9c", "sp=1000 fl=20246 cpl=3", "fault=d" },
	{ P32, "9d", "sp=1000 [1000]=3ed7:4", "sp=1004 fl=3ed7" },
	{ P32, "9d", "sp=1000 [1000]=3ed7:4 cpl=3", "sp=1004 fl=cd7" },
	{ P32, "66 9d", "sp=1000 [1000]=ffff:2 fl=40000", "sp=1002 fl=47fd7" },
	{ L64, "9d", "sp=1000 [1000]=346:8", "sp=1008 fl=346" },
	{ P32, "c8 10 00 00", "sp=1000 bp=2000", "bp=ffc sp=fec [ffc]=2000:4" },
	{ P32, "c8 10 00 01", "sp=1000 bp=2000", "bp=ffc sp=fe8 [ffc]=2000:4 [ff8]=ffc:4" },
	{ P32, "c8 10 00 02", "sp=1000 bp=2000 [1ffc]=77:4",
	  "bp=ffc sp=fe4 [ffc]=2000:4 [ff8]=77:4 [ff4]=ffc:4" },
	{ L64, "c8 08 00 00", "sp=1000 bp=2000", "bp=ff8 sp=ff0 [ff8]=2000:8" },
	{ R16, "c8 08 00 00", "sp=1000 bp=12000", "bp=10ffe sp=ff6 [ffe]=2000:2" },

	/* Far pointers */
	{ P32, "c4 03", "bx=1000 [1000]=11223344:4 [1004]=23:2", "ax=11223344 es=23" },
	{ R16, "c5 07", "bx=1000 [1000]=1122:2 [1002]=3344:2", "ax=1122 ds=3344" },
	{ L64, "48 0f b2 03", "bx=1000 [1000]=1122334455667788:8 [1008]=2b:2",
	  "ax=1122334455667788 ss=2b" },
	{ P32, "66 0f b4 03", "bx=1000 ax=99990000 [1000]=1122:2 [1002]=33:2",
	  "ax=99991122 fs=33" },
	{ P32, "0f b5 03", "bx=1000 [1000]=1:4 [1004]=33:2", "ax=1 gs=33" },
	{ P32, "ff 2b", "bx=1000 [1000]=500:4 [1004]=1b:2", "ip=500 cs=1b" },
	{ L64, "ff 2b", "bx=1000 [1000]=500:4 [1004]=1b:2", "ip=500 cs=1b" },
	{ L64, "48 ff 2b", "bx=1000 [1000]=500:8 [1008]=1b:2", "ip=500 cs=1b" },
	{ P32, "ff 1b", "bx=1000 sp=2000 cs=8 [1000]=500:4 [1004]=1b:2",
	  "ip=500 cs=1b sp=1ff8 [1ffc]=8:4 [1ff8]=7002:4" },
	{ R16, "9a 00 05 34 12", "sp=2000 cs=8",
	  "ip=500 cs=1234 sp=1ffc [1ffe]=8:2 [1ffc]=7005:2" },
	{ P32, "ca 04 00", "sp=1000 [1000]=500:4 [1004]=1b:4", "ip=500 cs=1b sp=100c" },
	{ R16, "cb", "sp=1000 [1000]=500:2 [1002]=1234:2", "ip=500 cs=1234 sp=1004" },
	{ R16, "cf", "sp=1000 [1000]=500:2 [1002]=1234:2 [1004]=ed7:2",
	  "ip=500 cs=1234 sp=1006 fl=ed7" },
	{ P32, "cf", "sp=1000 [1000]=500:4 [1004]=1b:4 [1008]=10246:4",
	  "ip=500 cs=1b sp=100c fl=10246" },
	{ L64, "48 cf", "sp=1000", "why=IRET" },

	/* System registers */
	{ P32, "0f 00 03", "bx=1000 ld=28", "[1000]=28:2" },
	{ L64, "0f 00 0b", "bx=1000 tr=40", "[1000]=40:2" },
	{ P32, "0f 00 13", "bx=1000 [1000]=28:2", "ld=28" },
	{ P32, "0f 00 1b", "bx=1000 [1000]=40:2", "tr=40" },
	{ R16, "0f 00 07", "bx=1000", "fault=6" },
	{ P32, "0f 00 1b", "bx=1000 cpl=3", "fault=d" },
	{ P32, "0f 00 03", "bx=1000 cpl=3", "fault=d" },
	{ L64, "0f 01 03", "bx=1000 gb=112233445566 gl=7f", "[1000]=7f:2 [1002]=112233445566:8" },
	{ P32, "0f 01 03", "bx=1000 gb=11223344 gl=7f", "[1000]=7f:2 [1002]=11223344:8" },
	{ P32, "0f 01 13", "bx=1000 [1000]=7f:2 [1002]=11223344:4", "gb=11223344 gl=7f" },
	{ P32, "66 0f 01 13", "bx=1000 [1000]=7f:2 [1002]=11223344:4", "gb=223344 gl=7f" },
	{ L64, "0f 01 13", "bx=1000 [1002]=800000000000:8", "fault=d" },
	{ L64, "0f 01 23", "bx=1000 cr0=80050033", "[1000]=33:2 [1002]=0:2" },
	{ L64, "0f 01 33", "bx=1000 cr0=80050033 [1000]=e:2", "cr0=8005003f" },

	/* x87 and MMX */
	{ P32, "d9 3b", "bx=1000 cw=37f", "[1000]=37f:2 [1002]=0:2" },
	{ L64, "dd 3b", "bx=1000 sw=3800", "[1000]=3800:2" },
	{ L64, "0f 6f 03", "bx=1000 [1000]=1122334455667788:8", "m0=1122334455667788" },
	{ L64, "44 0f 7f 0b", "bx=1000 m1=1122334455667788", "[1000]=1122334455667788:8" },
	{ P32, "0f 6e 13", "bx=1000 m2=ffffffffffffffff [1000]=11223344:8", "m2=11223344" },
	{ P32, "0f 7e 03", "bx=1000 m0=1122334455667788", "[1000]=55667788:8" },
	{ L64, "48 0f 7e 03", "bx=1000 m0=1122334455667788", "[1000]=1122334455667788:8" },
	{ P32, "0f e7 03", "bx=1000 m0=1122334455667788", "[1000]=1122334455667788:8" },
	{ P32, "0f ae 03", "bx=1000 cw=37f m1=1234", "[1000]=37f:2 [1028]=1234:8" },
	{ P32, "0f ae 0b", "bx=1000 [1000]=27f:2 [1028]=99:8", "cw=27f m1=99" },
	{ P32, "0f ae 03", "bx=1008", "fault=d" },

	/* Prefixes, length, what is not an instruction */
	{ L64, "66 66 66 66 66 66 66 66 66 66 66 66 66 8b 03", "bx=1000 [1000]=1:2", "ax=1 ip=+f" },
	{ L64, "66 66 66 66 66 66 66 66 66 66 66 66 66 66 8b 03", "bx=1000", "fault=d" },
	{ L64, "48 66 8b 03", "bx=1000 ax=0 [1000]=ffffffff:4", "ax=ffff" },
	{ L64, "66 48 8b 03", "bx=1000 [1000]=ffffffff:4 [1004]=1:4", "ax=1ffffffff" },
	{ L64, "f0 01 03", "bx=1000 ax=1 [1000]=5:4", "[1000]=6:4" },
	{ L64, "f0 03 03", "bx=1000", "fault=6" },
	{ L64, "f0 01 c3", "", "fault=6" },
	{ L64, "f0 8b 03", "bx=1000", "fault=6" },
	{ L64, "f0 39 03", "bx=1000", "fault=6" },
	{ L64, "f0 0f ba 23 01", "bx=1000", "fault=6" },
	{ L64, "06", "sp=1000", "fault=6" },
	{ L64, "82 03 01", "bx=1000", "fault=6" },
	{ P32, "82 03 01", "bx=1000", "[1000]=1:1" },
	{ L64, "d9 03", "bx=1000", "why=x87" },
	{ L64, "62 f1 7c 48 10 03", "bx=1000", "why=EVEX" },
	{ L64, "0f 58 03", "bx=1000", "why=SSE arithmetic" },
	{ L64, "0f 0f 03 bf", "bx=1000", "why=3DNow" },
	{ L64, "0f 01 2b", "bx=1000", "why=system" },
	{ L64, "0f ae 23", "bx=1000", "why=state" },
	{ L64, "c4 e2 78 f2 03", "bx=1000", "why=VEX" },
	{ R16, "c5 f8 10 07", "bx=1000", "why=register form" },
	{ L64, "f2 0f 38 f1 03", "bx=1000", "why=CRC32" },

	/* Arithmetic and its flags */
	{ L64, "00 0b", "bx=1000 cx=1 [1000]=ff:1", "[1000]=0:1 fl=55" },
	{ L64, "01 0b", "bx=1000 cx=1 [1000]=7fffffff:4", "[1000]=80000000:4 fl=894" },
	{ L64, "13 03", "bx=1000 ax=1 fl=1 [1000]=2:4", "ax=4 fl=0" },
	{ L64, "1b 03", "bx=1000 ax=0 fl=1 [1000]=ffffffff:4", "ax=0 fl=55" },
	{ L64, "29 0b", "bx=1000 cx=1 [1000]=0:4", "[1000]=ffffffff:4 fl=95" },
	{ L64, "38 0b", "bx=1000 cx=80 [1000]=7f:1", "[1000]=7f:1 fl=885" },
	{ L64, "83 3b ff", "bx=1000 [1000]=ffffffff:4", "fl=44" },
	{ L64, "48 81 0b 00 00 00 80", "bx=1000", "[1000]=ffffffff80000000:8 fl=84" },
	{ L64, "80 23 0f", "bx=1000 [1000]=f0:1 fl=1", "[1000]=0:1 fl=44" },
	{ L64, "33 03", "bx=1000 ax=3 [1000]=1:4", "ax=2 fl=0" },
	{ L64, "f6 03 80", "bx=1000 [1000]=80:1", "fl=80" },
	{ L64, "85 0b", "bx=1000 cx=1 [1000]=2:4", "fl=44" },
	{ L64, "fe 03", "bx=1000 fl=1 [1000]=7f:1", "[1000]=80:1 fl=891" },
	{ L64, "ff 0b", "bx=1000 fl=1 [1000]=1:4", "[1000]=0:4 fl=45" },
	{ L64, "f7 13", "bx=1000 fl=8d5 [1000]=f:4", "[1000]=fffffff0:4 fl=8d5" },
	{ L64, "f6 1b", "bx=1000 [1000]=80:1", "[1000]=80:1 fl=881" },

	/* Shifts and rotates */
	{ L64, "c0 23 01", "bx=1000 [1000]=81:1", "[1000]=2:1 fl=801" },
	{ L64, "d3 2b", "bx=1000 cx=20 fl=8d5 [1000]=5:4", "[1000]=5:4 fl=8d5" },
	{ L64, "d0 3b", "bx=1000 [1000]=81:1", "[1000]=c0:1 fl=85" },
	{ L64, "d1 13", "bx=1000 fl=1 [1000]=80000000:4", "[1000]=1:4 fl=801" },
	{ L64, "c0 1b 09", "bx=1000 fl=1 [1000]=5a:1", "[1000]=5a:1" },
	{ L64, "d0 0b", "bx=1000 [1000]=1:1", "[1000]=80:1 fl=801" },
	{ L64, "0f a4 03 08", "bx=1000 ax=aabbccdd [1000]=11223344:4", "[1000]=223344aa:4" },
	{ L64, "48 0f ad 03", "bx=1000 ax=f cx=4 [1000]=10:8", "[1000]=f000000000000001:8" },

	/* Bits.  A register offset leaves the operand, an immediate one wraps in it. */
	{ L64, "0f a3 03", "bx=1000 ax=24 [1004]=10:1", "fl=1" },
	{ L64, "0f ab 03", "bx=1000 ax=ffffffff", "[ffc]=80000000:4" },
	{ L64, "66 0f bb 03", "bx=1000 ax=1f", "[1002]=8000:2" },
	{ L64, "48 0f b3 03", "bx=1000 ax=40 [1008]=3:1", "[1008]=2:1 fl=1" },
	{ L64, "0f ba 2b 3f", "bx=1000", "[1000]=80000000:4" },
	{ L64, "0f ba 33 1f", "bx=1000 [1000]=ffffffff:4", "[1000]=7fffffff:4 fl=1" },
	{ L64, "f3 0f b8 03", "bx=1000 fl=1 [1000]=ff:4", "ax=8 fl=0" },
	{ L64, "0f b8 03", "bx=1000", "fault=6" },
	{ L64, "0f bc 03", "bx=1000 [1000]=100:4", "ax=8" },
	{ L64, "0f bc 03", "bx=1000 ax=ffffffffffffffff", "ax=ffffffffffffffff" },
	{ L64, "f3 0f bc 03", "bx=1000 ax=0", "ax=20" },
	{ L64, "48 0f bd 03", "bx=1000 [1000]=100:4", "ax=8" },
	{ L64, "f3 66 0f bd 03", "bx=1000 [1000]=1:4", "ax=f" },

	/* Multiply and divide */
	{ L64, "f6 23", "bx=1000 ax=ff80 [1000]=4:1", "ax=200" },
	{ L64, "f7 2b", "bx=1000 ax=ffffffff dx=0 [1000]=2:4", "ax=fffffffe dx=ffffffff" },
	{ L64, "0f af 03", "bx=1000 ax=10000 [1000]=10000:4", "ax=0" },
	{ L64, "6b 03 fe", "bx=1000 [1000]=3:4", "ax=fffffffa" },
	{ L64, "69 03 00 01 00 00", "bx=1000 [1000]=3:4", "ax=300" },
	{ L64, "f6 33", "bx=1000 ax=105 [1000]=10:1", "ax=510" },
	{ L64, "48 f7 33", "bx=1000 dx=1 ax=0 [1000]=2:8", "ax=8000000000000000 dx=0" },
	{ L64, "f7 3b", "bx=1000 dx=ffffffff ax=fffffff9 [1000]=2:4", "ax=fffffffd dx=ffffffff" },
	{ L64, "f7 33", "bx=1000 ax=1", "fault=0" },
	{ L64, "f7 33", "bx=1000 ax=1 dx=2 [1000]=2:4", "fault=0" },
	{ L64, "f7 3b", "bx=1000 dx=ffffffff ax=80000000 [1000]=ffffffff:4", "fault=0" },

	/* Exchange */
	{ L64, "87 03", "bx=1000 ax=1 [1000]=2:4", "ax=2 [1000]=1:4" },
	{ L64, "0f c1 03", "bx=1000 ax=1 [1000]=2:4", "ax=2 [1000]=3:4 fl=4" },
	{ L64, "f0 0f b1 0b", "bx=1000 ax=5 cx=9 [1000]=5:4", "ax=5 [1000]=9:4 fl=44" },
	{ L64, "0f b1 0b", "bx=1000 ax=6 cx=9 [1000]=5:4", "ax=5 [1000]=5:4 fl=0" },
	{ L64, "0f c7 0f", "di=1000 ax=1 dx=2 bx=3 cx=4 [1000]=200000001:8",
	  "[1000]=400000003:8 fl=40" },
	{ L64, "f0 48 0f c7 0f", "di=1008 ax=1", "fault=d" },
	{ L64, "f0 48 0f c7 0f", "di=1000 ax=1 dx=2 [1000]=7:8 [1008]=8:8", "ax=7 dx=8 fl=0" },

	/* Stack and branches */
	{ L64, "ff 33", "sp=2000 bx=1000 [1000]=1122334455667788:8",
	  "sp=1ff8 [1ff8]=1122334455667788:8" },
	{ L64, "ff 34 24", "sp=2000 [2000]=5:8", "sp=1ff8 [1ff8]=5:8" },
	{ L64, "8f 04 24", "sp=2000 [2000]=5:8", "sp=2008 [2008]=5:8" },
	{ L64, "66 ff 33", "sp=2000 bx=1000 [1000]=1234:2", "sp=1ffe [1ffe]=1234:2" },
	{ L64, "6a ff", "sp=2000", "[1ff8]=ffffffffffffffff:8" },
	{ P32, "68 78 56 34 12", "sp=2000", "sp=1ffc [1ffc]=12345678:4" },
	{ L64, "54", "sp=2000", "sp=1ff8 [1ff8]=2000:8" },
	{ L64, "5c", "sp=2000 [2000]=3000:8", "sp=3000" },
	{ L64, "41 57", "sp=2000 r15=77", "[1ff8]=77:8" },
	{ R16, "50", "sp=ffff0000 ax=1234 ss@10000", "sp=fffffffe [1fffe]=1234:2" },
	{ L64, "ff 13", "sp=2000 bx=1000 [1000]=5000:8", "sp=1ff8 [1ff8]=7002:8 ip=5000" },
	{ L64, "ff 23", "bx=1000 [1000]=5000:8", "ip=5000" },
	{ L64, "ff 23", "bx=1000 [1000]=800000000000:8", "fault=d" },
	{ L64, "e8 fb ff ff ff", "sp=2000", "sp=1ff8 [1ff8]=7005:8 ip=7000" },
	{ L64, "c3", "sp=2000 [2000]=5000:8", "sp=2008 ip=5000" },
	{ P32, "c2 08 00", "sp=2000 [2000]=5000:4", "sp=200c ip=5000" },
	{ P32, "c3", "sp=2000 [2000]=12345:4 cs^ffff", "fault=d" },
	{ L64, "c9", "bp=2000 [2000]=99:8", "sp=2008 bp=99" },

	/* Strings */
	{ L64, "a4", "si=1000 di=2000 [1000]=5a:1", "[2000]=5a:1 si=1001 di=2001" },
	{ L64, "48 a5", "fl=400 si=1000 di=2000 [1000]=5a:8", "[2000]=5a:8 si=ff8 di=1ff8" },
	{ L64, "f3 aa", "ax=77 cx=4 di=2000", "[2000]=77777777:4 [2004]=0:1 cx=0 di=2004" },
	{ L64, "f3 ab", "ax=77 cx=0 di=2000", "[2000]=0:4 cx=0 di=2000" },
	{ L64, "ad", "si=1000 ax=ffffffffffffffff [1000]=1:4", "ax=1 si=1004" },
	{ L64, "f3 a6", "cx=5 si=1000 di=2000 [1000]=112233:3 [2000]=112233:3 [1003]=1:1",
	  "cx=1 si=1004 di=2004 fl=0" },
	{ L64, "f2 ae", "cx=9 ax=33 di=2000 [2000]=332211:3", "cx=6 di=2003 fl=44" },
	{ L64, "65 a4", "si=1000 di=2000 gs@100 [1100]=9:1", "[2000]=9:1" },
	{ L64, "67 f3 a4", "cx=ffffffff00000001 si=ffffffff00001000 di=ffffffff00002000 [1000]=9:1",
	  "[2000]=9:1 cx=0 si=1001 di=2001" },
	{ R16, "f3 a5", "cx=2 si=fffe di=0 ds@10000 es@20000 [1fffe]=1111:2 [10000]=2222:2",
	  "cx=0 si=2 di=4 [20000]=22221111:4" },

	/* No operation */
	{ L64, "0f 18 0b", "bx=80000", "" },
	{ L64, "0f 0d 0b", "bx=80000", "" },
	{ L64, "0f ae 3b", "bx=80000", "" },
	{ L64, "66 0f ae 33", "bx=80000", "" },
	{ L64, "66 0f 1f 84 00 00 00 00 00", "ax=80000", "" },

	/* Vector moves.  x0 is the low half of XMM0, y0 the next 8 bytes, z0 bits 128 to 191. */
	{ L64, "0f 10 03", "bx=1001 z0=7 [1001]=11:8 [1009]=22:8", "x0=11 y0=22 z0=7" },
	{ L64, "0f 28 03", "bx=1001", "fault=d" },
	{ L64, "66 0f 7f 0b", "bx=1000 x1=11 y1=22", "[1000]=11:8 [1008]=22:8" },
	{ L64, "f3 0f 6f 03", "bx=1001 [1001]=11:8", "x0=11 y0=0" },
	{ L64, "66 0f e7 03", "bx=1000 x0=11 y0=22", "[1000]=11:8 [1008]=22:8" },
	{ L64, "f3 0f 10 03", "bx=1000 x0=ff y0=ff [1000]=1122334455667788:8", "x0=55667788 y0=0" },
	{ L64, "66 0f 6e 03", "bx=1000 y0=1 [1000]=1122334455667788:8", "x0=55667788 y0=0" },
	{ L64, "66 48 0f 7e 03", "bx=1000 x0=1122334455667788", "[1000]=1122334455667788:8" },
	{ L64, "0f 12 03", "bx=1000 x0=1 y0=2 [1000]=5:8", "x0=5 y0=2" },
	{ L64, "0f 16 03", "bx=1000 x0=1 y0=2 [1000]=5:8", "x0=1 y0=5" },
	{ L64, "0f 17 03", "bx=1000 x0=1 y0=2", "[1000]=2:8" },
	{ L64, "c5 fe 6f 03", "bx=1001 [1001]=11:8 [1011]=33:8", "x0=11 z0=33" },
	{ L64, "c5 fd 6f 03", "bx=1010", "fault=d" },
	{ L64, "c5 f8 10 03", "bx=1000 z0=7 [1000]=11:8", "x0=11 z0=0" },
	{ L64, "c5 fe 7f 03", "bx=1000 x0=11 z0=33", "[1000]=11:8 [1010]=33:8" },
	{ L64, "c4 41 7a 6f 3c 24", "r12=1000 [1000]=11:8", "x15=11" },
	{ L64, "c5 e8 12 03", "bx=1000 x2=1 y2=2 [1000]=5:8", "x0=5 y0=2" },
	{ L64, "c5 f0 10 03", "bx=1000", "fault=6" },
	{ L64, "c5 fc 13 03", "bx=1000", "fault=6" },
	{ L64, "66 c5 f8 10 03", "bx=1000", "fault=6" },
	{ L64, "48 c5 f8 10 03", "bx=1000", "fault=6" },
	{ P32, "c5 f8 11 03", "bx=1000 x0=11", "[1000]=11:8" },
	{ L64, "0f 10 c1", "", "why=register form" },
};

static u8 ram[RAM_SIZE];
static struct machine machine;

static const char *const gpr_names[16] = {
	"ax", "cx", "dx", "bx", "sp", "bp", "si", "di",
	"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
};

static const char *const seg_names[EMUL_NR_SEGS] = { "es", "cs", "ss", "ds", "fs", "gs" };

/* More of the machine: name, where it is, bytes. */
static const struct {
	const char *name;
	size_t offset;
	size_t len;
} fields[] = {
#define FIELD(name, member) { name "=", offsetof(struct machine, member), \
			      sizeof(((struct machine *)0)->member) }
	FIELD("tr", selector[EMUL_TR]), FIELD("ld", selector[EMUL_LDTR]), FIELD("cpl", c.cpl),
	FIELD("gb", table[0].base), FIELD("gl", table[0].limit), FIELD("cr0", cr0),
	FIELD("cw", x87[0]), FIELD("sw", x87[1]), FIELD("m0", mm[0]), FIELD("m1", mm[1]),
	FIELD("m2", mm[2]),
};

static int find_name(const char *const *names, int count, const char *word, char separator)
{
	int i;

	for (i = 0; i < count; i++) {
		size_t len = strlen(names[i]);

		if (!strncmp(word, names[i], len) && word[len] == separator)
			return i;
	}
	return -1;
}

/* Apply (check = false) or compare one word of a state; false: differs or makes no sense. */
static bool do_word(struct machine *m, const char *word, bool check)
{
	const char *equals = strchr(word, '=');
	u64 value = equals ? strtoull(equals + 1, NULL, 16) : 0;
	u64 got = 0;
	int i;

	i = find_name(gpr_names, 16, word, '=');
	if (i >= 0) {
		if (!check)
			m->c.gpr[i] = value;
		return m->c.gpr[i] == value;
	}
	i = find_name(seg_names, EMUL_NR_SEGS, word, '=');
	if (i >= 0) {
		if (!check)
			m->selector[i] = value;
		return m->selector[i] == value;
	}
	i = find_name(seg_names, EMUL_NR_SEGS, word, '@');
	if (i >= 0) {
		m->seg_base[i] = strtoull(word + 3, NULL, 16);
		return true;
	}
	i = find_name(seg_names, EMUL_NR_SEGS, word, '^');
	if (i >= 0) {
		m->seg_limit[i] = strtoull(word + 3, NULL, 16);
		return true;
	}
	for (i = 0; i < (int)ARRAY_SIZE(fields); i++) {
		u8 *at = (u8 *)m + fields[i].offset;

		if (strncmp(word, fields[i].name, strlen(fields[i].name)))
			continue;
		if (!check)
			memcpy(at, &value, fields[i].len);
		return !memcmp(at, &value, fields[i].len);
	}
	if (!strncmp(word, "fl=", 3)) {
		if (!check)
			m->c.rflags = value | 2;
		return m->c.rflags == (value | 2);
	}
	if (word[0] >= 'x' && word[0] <= 'z') {
		u8 *at = m->ymm[strtoul(word + 1, NULL, 10) & 15] + 8 * (word[0] - 'x');

		if (!check)
			memcpy(at, &value, 8);
		return !memcmp(at, &value, 8);
	}
	if (word[0] == '[') {
		u64 addr = strtoull(word + 1, NULL, 16);
		unsigned long len = strtoul(strchr(word, ':') + 1, NULL, 10);

		if (addr + len > RAM_SIZE || len > 8)
			return false;
		if (!check)
			memcpy(ram + addr, &value, len);
		memcpy(&got, ram + addr, len);
		return got == value;
	}
	return false;
}

static bool do_state(struct machine *m, const char *state, bool check, char *what, size_t size)
{
	char copy[256];
	char *word, *save;

	snprintf(copy, sizeof(copy), "%s", state);
	for (word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		if (check && (!strncmp(word, "ip=", 3) || !strncmp(word, "fault=", 6)))
			continue;
		if (!do_word(m, word, check)) {
			snprintf(what, size, "%s", word);
			return false;
		}
	}
	return true;
}

static const char *run_row(const struct row *row, bool device)
{
	static char what[320];
	struct machine *m = &machine;
	const char *s = row->bytes;
	u8 code[32];
	unsigned int len = 0;
	u64 want_ip;
	enum emul_rc rc;

	while (*s && len < sizeof(code))
		code[len++] = strtoul(s, (char **)&s, 16);

	memset(ram, 0, sizeof(ram));
	machine_init(m, row->mode);
	m->ram = ram;
	m->ram_size = RAM_SIZE;
	m->code = code;
	m->code_size = len;
	m->code_base = CODE_BASE;
	m->c.rip = CODE_BASE;
	m->mmio_end = device ? RAM_SIZE : 0;
	if (!do_state(m, row->before, false, what, sizeof(what)))
		return what;

	rc = machine_run(m);
	if (m->broken)
		return m->broken;
	s = strstr(row->after, "why=");
	if (s) {
		if (rc != EMUL_UNHANDLED || !strstr(m->c.why, s + 4))
			return rc == EMUL_UNHANDLED ? m->c.why : "should be unhandled";
		return NULL;
	}
	s = strstr(row->after, "fault=");
	if (s) {
		if (rc != EMUL_FAULT || m->c.fault.vector != strtoul(s + 6, NULL, 16))
			return "should fault";
		return NULL;
	}
	if (rc != EMUL_OK)
		return rc == EMUL_UNHANDLED ? m->c.why : "should not fault";

	want_ip = CODE_BASE + len;
	s = strstr(row->after, "ip=");
	if (s && s[3] == '+')
		want_ip = CODE_BASE + strtoull(s + 4, NULL, 16);
	else if (s)
		want_ip = strtoull(s + 3, NULL, 16);
	if (m->c.rip != want_ip) {
		snprintf(what, sizeof(what), "rip is %llx", m->c.rip);
		return what;
	}
	if (m->c.insn_len != len)
		return "decoded length";
	return do_state(m, row->after, true, what, sizeof(what)) ? NULL : what;
}

int main(void)
{
	static const char *const modes[] = { "16-bit real", "16-bit", "32-bit", "64-bit" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *where = "RAM";
		const char *what = run_row(&rows[i], false);

		if (!what) {
			where = "device";
			what = run_row(&rows[i], true);
		}
		tap_ok(!what, "%s %s: %s", modes[rows[i].mode], rows[i].bytes,
		       emul_mnemonic(&machine.c));
		if (what)
			printf("# in %s: %s; rflags %llx\n# before: %s\n# after:  %s\n", where,
			       what, machine.c.rflags, rows[i].before, rows[i].after);
	}
	return tap_done();
}
