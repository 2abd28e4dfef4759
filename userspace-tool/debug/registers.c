// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's registers in gdb's order: "Standard Target Features", "i386 Features" of the GDB
 * manual (org.gnu.gdb.i386.core, .sse and .segments), and a feature of minikvm's own for the
 * control registers and EFER. The image of the x87 state is that of "FXSAVE" of the SDM, which
 * abridges the tag word; gdb wants all of it.
 *
 * The order is that in which gdb without XML, too, expects an x86-64 target's registers. Such a
 * gdb takes no packet g longer than it knows: minikvm's own feature is read by packet p alone.
 * As with QEMU, a vCPU is an x86-64 processor in every mode, and RIP is the offset in CS.
 *
 * Pure: linked into the tool, its unit tests and its fuzzer.
 */
#include <errno.h>
#include <string.h>

#include "compiler.h"
#include "debug/registers.h"

#define SELECTOR_REAL_SHIFT	4
#define CR0_PE			BIT_ULL(0)
#define RFLAGS_VM		BIT_ULL(17)

/* Where a register's bytes lie in struct debug_registers. */
#define AT(field)	offsetof(struct debug_registers, field)

enum kind {
	PLAIN,		/* the bytes as they are */
	SELECTOR,	/* 4 bytes of a packet, 2 of the structure */
	X87,		/* 10 of 16 bytes */
	X87_CONTROL,	/* 4 bytes of a packet; which one is told by the offset */
};

struct reg {
	const char *name;
	const char *type;
	__u16 offset;
	__u8 size;		/* in a packet */
	__u8 kind;
};

enum { FCTRL, FSTAT, FTAG, FISEG, FIOFF, FOSEG, FOOFF, FOP };

#define R64(n, t)	{ #n, t, AT(regs.n), 8, PLAIN }
#define R32(n, f, t)	{ #n, t, AT(f), 4, PLAIN }
#define SEL(n)		{ #n, "int32", AT(sregs.n.selector), 4, SELECTOR }
#define ST(n)		{ "st" #n, "i387_ext", AT(fpu.fpr[n]), 10, X87 }
#define CONTROL(n, w)	{ n, "int", w, 4, X87_CONTROL }
#define XMM(n)		{ "xmm" #n, "vec128", AT(fpu.xmm[n]), 16, PLAIN }
#define SYS(n)		{ #n, "int64", AT(sregs.n), 8, PLAIN }

static const struct reg registers[] = {
	R64(rax, "int64"), R64(rbx, "int64"), R64(rcx, "int64"), R64(rdx, "int64"),
	R64(rsi, "int64"), R64(rdi, "int64"), R64(rbp, "data_ptr"), R64(rsp, "data_ptr"),
	R64(r8, "int64"), R64(r9, "int64"), R64(r10, "int64"), R64(r11, "int64"),
	R64(r12, "int64"), R64(r13, "int64"), R64(r14, "int64"), R64(r15, "int64"),
	R64(rip, "code_ptr"), R32(eflags, regs.rflags, "i386_eflags"),
	SEL(cs), SEL(ss), SEL(ds), SEL(es), SEL(fs), SEL(gs),
	ST(0), ST(1), ST(2), ST(3), ST(4), ST(5), ST(6), ST(7),
	CONTROL("fctrl", FCTRL), CONTROL("fstat", FSTAT), CONTROL("ftag", FTAG),
	CONTROL("fiseg", FISEG), CONTROL("fioff", FIOFF), CONTROL("foseg", FOSEG),
	CONTROL("fooff", FOOFF), CONTROL("fop", FOP),
#define SSE_FIRST	40
	XMM(0), XMM(1), XMM(2), XMM(3), XMM(4), XMM(5), XMM(6), XMM(7),
	XMM(8), XMM(9), XMM(10), XMM(11), XMM(12), XMM(13), XMM(14), XMM(15),
	R32(mxcsr, fpu.mxcsr, "i386_mxcsr"),
#define SEGMENTS_FIRST	57
	{ "fs_base", "int64", AT(sregs.fs.base), 8, PLAIN },
	{ "gs_base", "int64", AT(sregs.gs.base), 8, PLAIN },
#define SYSTEM_FIRST	59
	SYS(cr0), { "cr2", "int64", AT(sregs.cr2), 8, PLAIN }, SYS(cr3), SYS(cr4), SYS(cr8),
	SYS(efer),
};

/* A bit of a register, by its number and its name in the SDM. */
struct flag {
	const char *name;
	unsigned int bit;
};

static const struct flag eflags[] = {
	{ "CF", 0 }, { "", 1 }, { "PF", 2 }, { "AF", 4 }, { "ZF", 6 }, { "SF", 7 }, { "TF", 8 },
	{ "IF", 9 }, { "DF", 10 }, { "OF", 11 }, { "NT", 14 }, { "RF", 16 }, { "VM", 17 },
	{ "AC", 18 }, { "VIF", 19 }, { "VIP", 20 }, { "ID", 21 }, { }
};

static const struct flag mxcsr[] = {
	{ "IE", 0 }, { "DE", 1 }, { "ZE", 2 }, { "OE", 3 }, { "UE", 4 }, { "PE", 5 }, { "DAZ", 6 },
	{ "IM", 7 }, { "DM", 8 }, { "ZM", 9 }, { "OM", 10 }, { "UM", 11 }, { "PM", 12 },
	{ "FZ", 15 }, { }
};

/* The ways in which gdb shows an XMM register. */
static const char * const vectors[] = {
	"<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/>",
	"<vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>",
	"<vector id=\"v16i8\" type=\"int8\" count=\"16\"/>",
	"<vector id=\"v8i16\" type=\"int16\" count=\"8\"/>",
	"<vector id=\"v4i32\" type=\"int32\" count=\"4\"/>",
	"<vector id=\"v2i64\" type=\"int64\" count=\"2\"/>",
	"<union id=\"vec128\">",
	"<field name=\"v4_float\" type=\"v4f\"/><field name=\"v2_double\" type=\"v2d\"/>",
	"<field name=\"v16_int8\" type=\"v16i8\"/><field name=\"v8_int16\" type=\"v8i16\"/>",
	"<field name=\"v4_int32\" type=\"v4i32\"/><field name=\"v2_int64\" type=\"v2i64\"/>",
	"<field name=\"uint128\" type=\"uint128\"/></union>",
	NULL
};

/* Each feature with the types that its registers have, beside those that gdb knows. */
static const struct {
	const char *name, *flags_type;
	const struct flag *flags;
	const char * const *types;
	unsigned int first;
} features[] = {
	{ "org.gnu.gdb.i386.core", "i386_eflags", eflags, NULL, 0 },
	{ "org.gnu.gdb.i386.sse", "i386_mxcsr", mxcsr, vectors, SSE_FIRST },
	{ "org.gnu.gdb.i386.segments", NULL, NULL, NULL, SEGMENTS_FIRST },
	{ "org.minikvm.system", NULL, NULL, NULL, SYSTEM_FIRST },
};

_Static_assert(ARRAY_SIZE(registers) == SYSTEM_FIRST + 6, "a feature begins elsewhere");

/* How many registers the description has. */
unsigned int registers_count(void)
{
	return ARRAY_SIZE(registers);
}

static void open_feature(struct packet_text *t, unsigned int f)
{
	const struct flag *flag = features[f].flags;
	const char * const *type = features[f].types;

	text_printf(t, "<feature name=\"%s\">", features[f].name);
	while (type && *type)
		text_printf(t, "%s", *type++);
	if (!flag)
		return;
	text_printf(t, "<flags id=\"%s\" size=\"4\">", features[f].flags_type);
	for (; flag->name; flag++)
		text_printf(t, "<field name=\"%s\" start=\"%u\" end=\"%u\"/>", flag->name,
			    flag->bit, flag->bit);
	text_printf(t, "</flags>");
}

/**
 * registers_description() - the target description
 *
 * Built once, by the first caller, from the tables above.
 *
 * Return: the XML document.
 */
const char *registers_description(void)
{
	static char xml[PACKET_MAX];
	struct packet_text t;
	unsigned int f = 0, n;

	if (*xml)
		return xml;
	text_clear(&t);
	text_printf(&t, "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\">");
	text_printf(&t, "<target><architecture>i386:x86-64</architecture>");
	for (n = 0; n < ARRAY_SIZE(registers); n++) {
		const struct reg *r = &registers[n];

		if (f < ARRAY_SIZE(features) && features[f].first == n) {
			if (f)
				text_printf(&t, "</feature>");
			open_feature(&t, f++);
		}
		text_printf(&t, "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\" regnum=\"%u\"/>",
			    r->name, r->size * 8, r->type, n);
	}
	text_printf(&t, "</feature></target>");
	memcpy(xml, t.data, t.len);	/* a test checks that it does not overflow */
	return xml;
}

/* The tag of physical register @n: 3 empty, 1 zero, 2 special, 0 valid ("x87 FPU Tag Word"). */
static unsigned int full_tag(const struct kvm_fpu *f, unsigned int n)
{
	const __u8 *st = f->fpr[(n - (f->fsw >> 11)) & 7];
	__u16 exponent;
	__u64 mantissa;

	if (!(f->ftwx & 1 << n))
		return 3;
	memcpy(&mantissa, st, 8);
	memcpy(&exponent, st + 8, 2);
	exponent &= 0x7fff;
	if (!exponent && !mantissa)
		return 1;
	return exponent == 0x7fff || !exponent || !(mantissa >> 63) ? 2 : 0;
}

static __u32 get_x87_control(const struct kvm_fpu *f, unsigned int which)
{
	__u32 tags = 0;
	unsigned int n;

	switch (which) {
	case FCTRL:
		return f->fcw;
	case FSTAT:
		return f->fsw;
	case FTAG:
		for (n = 0; n < 8; n++)
			tags |= full_tag(f, n) << 2 * n;
		return tags;
	case FISEG:
		return f->last_ip >> 32 & 0xffff;
	case FIOFF:
		return f->last_ip;
	case FOSEG:
		return f->last_dp >> 32 & 0xffff;
	case FOOFF:
		return f->last_dp;
	default:
		return f->last_opcode;
	}
}

static void set_x87_control(struct kvm_fpu *f, unsigned int which, __u32 value)
{
	unsigned int n;

	switch (which) {
	case FCTRL:
		f->fcw = value;
		break;
	case FSTAT:
		f->fsw = value;
		break;
	case FTAG:
		f->ftwx = 0;
		for (n = 0; n < 8; n++)
			if ((value >> 2 * n & 3) != 3)
				f->ftwx |= 1 << n;
		break;
	case FISEG:
		f->last_ip = (f->last_ip & ~(0xffffULL << 32)) | (value & 0xffffULL) << 32;
		break;
	case FIOFF:
		f->last_ip = (f->last_ip & ~0xffffffffULL) | value;
		break;
	case FOSEG:
		f->last_dp = (f->last_dp & ~(0xffffULL << 32)) | (value & 0xffffULL) << 32;
		break;
	case FOOFF:
		f->last_dp = (f->last_dp & ~0xffffffffULL) | value;
		break;
	default:
		f->last_opcode = value;
	}
}

/* Bytes of register @n in a packet; 0 for a number that no register has. */
size_t register_size(unsigned int n)
{
	return n < ARRAY_SIZE(registers) ? registers[n].size : 0;
}

/**
 * register_get() - one register as a packet has it
 * @r: the vCPU's registers
 * @n: its number in the description
 * @value: receives its bytes, the lowest first
 *
 * Return: how many bytes, 0 for a number that no register has.
 */
size_t register_get(const struct debug_registers *r, unsigned int n, __u8 value[REGISTER_SIZE_MAX])
{
	const __u8 *at = (const __u8 *)r;
	__u32 control;

	if (n >= ARRAY_SIZE(registers))
		return 0;
	memset(value, 0, REGISTER_SIZE_MAX);
	switch (registers[n].kind) {
	case X87_CONTROL:
		control = get_x87_control(&r->fpu, registers[n].offset);
		memcpy(value, &control, sizeof(control));
		break;
	case SELECTOR:
		memcpy(value, at + registers[n].offset, sizeof(__u16));
		break;
	default:
		memcpy(value, at + registers[n].offset, registers[n].size);
	}
	return registers[n].size;
}

/* All registers that packet g has. */
void registers_all(const struct debug_registers *r, struct packet_text *t)
{
	__u8 value[REGISTER_SIZE_MAX];
	unsigned int n;

	for (n = 0; n < SYSTEM_FIRST; n++)
		text_hex(t, value, register_get(r, n, value));
}

/* In real mode a selector is its base; else a descriptor would have to be loaded, as by MOV. */
static int set_selector(struct debug_registers *r, unsigned int offset, __u32 value)
{
	struct kvm_segment *s = (struct kvm_segment *)((__u8 *)r + offset -
						       offsetof(struct kvm_segment, selector));

	if (value == s->selector)
		return 0;
	if ((r->sregs.cr0 & CR0_PE) && !(r->regs.rflags & RFLAGS_VM))
		return -EOPNOTSUPP;
	if (value > 0xffff)
		return -EINVAL;
	s->selector = value;
	s->base = value << SELECTOR_REAL_SHIFT;
	return 0;
}

/**
 * register_set() - change one register
 * @r: the vCPU's registers
 * @n: its number in the description
 * @value: its bytes, register_size() of them
 *
 * Whether a control register may have the value is for KVM_SET_SREGS to say.
 *
 * Return: 0; -EINVAL for a number that no register has; -EOPNOTSUPP for a selector in protected
 * mode, whose descriptor is not loaded here.
 */
int register_set(struct debug_registers *r, unsigned int n, const __u8 *value)
{
	__u32 word;

	if (n >= ARRAY_SIZE(registers))
		return -EINVAL;
	memcpy(&word, value, sizeof(word));
	switch (registers[n].kind) {
	case X87_CONTROL:
		set_x87_control(&r->fpu, registers[n].offset, word);
		return 0;
	case SELECTOR:
		return set_selector(r, registers[n].offset, word);
	default:
		memcpy((__u8 *)r + registers[n].offset, value, registers[n].size);
		return 0;
	}
}

/**
 * registers_set_all() - packet G
 * @r: the vCPU's registers; changed as a whole or not at all
 * @hex: digits, as registers_all() writes them; fewer registers than that are allowed
 * @len: how many digits
 *
 * Return: 0, or as register_set().
 */
int registers_set_all(struct debug_registers *r, const char *hex, size_t len)
{
	struct debug_registers changed = *r;
	__u8 value[REGISTER_SIZE_MAX];
	unsigned int n;
	size_t size;
	int ret;

	for (n = 0; n < SYSTEM_FIRST && len; n++) {
		size = registers[n].size;
		if (hex_bytes(hex, len, value, size) < size)
			return -EINVAL;
		ret = register_set(&changed, n, value);
		if (ret)
			return ret;
		hex += 2 * size;
		len -= 2 * size;
	}
	if (len)
		return -EINVAL;
	*r = changed;
	return 0;
}
