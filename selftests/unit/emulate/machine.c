// SPDX-License-Identifier: GPL-2.0-only
/*
 * machine.c - the test guest of machine.h: callbacks, and the part that userspace plays.
 *
 * It implements the caller's side of emulate.h: cache reads that userspace answered, queue the
 * writes, re-run after EMUL_IO_NEEDED, empty the cache after anything else.
 */
#include "insn.h"
#include "machine.h"

static void broken(struct machine *m, const char *promise)
{
	if (!m->broken)
		m->broken = promise;
}

static enum emul_rc page_fault(struct emul_ctxt *c, u64 linear, u32 error_code)
{
	c->fault = (struct emul_fault){
		.vector = EMUL_PF, .has_error_code = true, .error_code = error_code,
		.has_cr2 = true, .cr2 = linear,
	};
	return EMUL_FAULT;
}

static bool inside(u64 linear, unsigned int len, u64 base, u64 size)
{
	return linear - base < size && size - (linear - base) >= len;
}

static bool is_device(const struct machine *m, u64 linear)
{
	return linear >= m->mmio_start && linear < m->mmio_end;
}

/* The iterations of a string instruction are instructions of their own. */
static bool is_string(const struct machine *m)
{
	return m->c.d.op >= OP_MOVS && m->c.d.op <= OP_SCAS;
}

static enum emul_rc guest_fetch(struct emul_ctxt *c, u64 linear, void *buf, unsigned int len)
{
	struct machine *m = c->opaque;
	u64 off = linear - m->code_base;

	if (!len || len > EMUL_MAX_INSN)
		broken(m, "fetches 1 to 15 bytes");
	if ((linear & 4095) + len > 4096)
		broken(m, "a fetch does not cross a page");
	/* Like a page: readable to its end, whatever is behind the last byte that matters. */
	if (off >= m->code_size)
		return page_fault(c, linear, 16);
	memset(buf, 0xcc, len);
	if (len > m->code_size - off)
		len = m->code_size - off;
	memcpy(buf, m->code + off, len);
	return EMUL_OK;
}

static enum emul_rc read_device(struct machine *m, u64 linear, void *buf, unsigned int len)
{
	struct machine_read *r;
	unsigned int i;

	m->c.mmio_touched = true;
	for (i = 0; i < m->nr_reads; i++) {
		r = &m->reads[i];
		if (r->done && r->addr == linear && r->len == len) {
			memcpy(buf, r->data, len);
			return EMUL_OK;
		}
	}
	if (m->nr_reads == ARRAY_SIZE(m->reads)) {
		broken(m, "an instruction reads memory a few times at most");
		return EMUL_UNHANDLED;
	}
	r = &m->reads[m->nr_reads++];
	r->addr = linear;
	r->len = len;
	r->done = false;
	return EMUL_IO_NEEDED;
}

static enum emul_rc guest_read(struct emul_ctxt *c, u64 linear, void *buf, unsigned int len)
{
	struct machine *m = c->opaque;

	m->nr_asked++;
	if (!len || len > 64)
		broken(m, "reads are 1 to 64 bytes");
	if (m->written && !is_string(m))
		broken(m, "all reads come before the first write");
	if (!inside(linear, len, m->ram_base, m->ram_size))
		return page_fault(c, linear, c->read_for_write ? 2 : 0);
	if (is_device(m, linear))
		return read_device(m, linear, buf, len);
	memcpy(buf, m->ram + (linear - m->ram_base), len);
	return EMUL_OK;
}

static enum emul_rc guest_write(struct emul_ctxt *c, u64 linear, const void *buf, unsigned int len)
{
	struct machine *m = c->opaque;

	if (!len || len > 64)
		broken(m, "writes are 1 to 64 bytes");
	if (m->written && m->written >= m->probed && !is_string(m))
		broken(m, "a second write has been asked about");
	if (!inside(linear, len, m->ram_base, m->ram_size)) {
		if (m->written && !is_string(m))
			broken(m, "a second write does not fail");
		return page_fault(c, linear, 2);
	}
	m->written++;

	if (m->nr_writes < MACHINE_WRITES)
		m->writes[m->nr_writes] = (struct machine_write){ .addr = linear, .len = len };
	m->nr_writes++;
	if (!is_device(m, linear)) {
		memcpy(m->ram + (linear - m->ram_base), buf, len);
		return EMUL_OK;
	}
	c->mmio_touched = true;
	if (m->nr_queue == ARRAY_SIZE(m->queue)) {
		broken(m, "an instruction writes memory a few times at most");
		return EMUL_UNHANDLED;
	}
	m->queue[m->nr_queue].addr = linear;
	m->queue[m->nr_queue].len = len;
	memcpy(m->queue[m->nr_queue++].data, buf, len);
	return EMUL_OK;
}

static enum emul_rc guest_cmpxchg(struct emul_ctxt *c, u64 linear, const void *old,
				  const void *new_, unsigned int len)
{
	struct machine *m = c->opaque;

	if (m->retry) {
		m->retry = false;
		return EMUL_RETRY;
	}
	if (inside(linear, len, m->ram_base, m->ram_size) && !is_device(m, linear) &&
	    memcmp(m->ram + (linear - m->ram_base), old, len))
		broken(m, "compare-exchange gets the value that was read");
	return guest_write(c, linear, new_, len);
}

static u64 guest_segment_base(struct emul_ctxt *c, enum emul_seg seg)
{
	struct machine *m = c->opaque;

	if (c->mode == EMUL_LONG64 && seg != EMUL_FS && seg != EMUL_GS)
		broken(m, "in 64-bit mode only FS and GS have a base");
	return m->seg_base[seg];
}

static enum emul_rc guest_segment_check(struct emul_ctxt *c, enum emul_seg seg, u64 off,
					unsigned int len, bool write)
{
	struct machine *m = c->opaque;

	(void)write;
	if (c->mode == EMUL_LONG64)
		broken(m, "no segment check in 64-bit mode");
	if (off + (len ? len - 1 : 0) <= m->seg_limit[seg])
		return EMUL_OK;
	c->fault = (struct emul_fault){
		.vector = seg == EMUL_SS ? EMUL_SS_FAULT : EMUL_GP, .has_error_code = true,
	};
	return EMUL_FAULT;
}

static u16 guest_segment_selector(struct emul_ctxt *c, enum emul_seg seg)
{
	return ((struct machine *)c->opaque)->selector[seg];
}

static enum emul_rc guest_load_segment(struct emul_ctxt *c, enum emul_seg seg, u16 selector)
{
	struct machine *m = c->opaque;

	m->selector[seg] = selector;
	if (c->mode == EMUL_REAL16)
		m->seg_base[seg] = (u32)selector << 4;
	return EMUL_OK;
}

static void guest_read_xmm(struct emul_ctxt *c, unsigned int reg, void *buf, unsigned int len)
{
	memcpy(buf, ((struct machine *)c->opaque)->ymm[reg], len);
}

static void guest_write_xmm(struct emul_ctxt *c, unsigned int reg, const void *buf,
			    unsigned int len)
{
	memcpy(((struct machine *)c->opaque)->ymm[reg], buf, len);
}

static enum emul_rc guest_load_cs(struct emul_ctxt *c, u16 selector, u64 offset, enum emul_far why)
{
	struct machine *m = c->opaque;

	(void)why;
	if (c->mode != EMUL_LONG64 && offset > m->seg_limit[EMUL_CS]) {
		c->fault = (struct emul_fault){ .vector = EMUL_GP, .has_error_code = true };
		return EMUL_FAULT;
	}
	return guest_load_segment(c, EMUL_CS, selector);
}

static bool guest_umip(struct emul_ctxt *c)
{
	(void)c;
	return true;
}

static void guest_read_table(struct emul_ctxt *c, bool idt, struct emul_table *table)
{
	*table = ((struct machine *)c->opaque)->table[idt];
}

static void guest_write_table(struct emul_ctxt *c, bool idt, const struct emul_table *table)
{
	((struct machine *)c->opaque)->table[idt] = *table;
}

static u64 guest_read_cr0(struct emul_ctxt *c)
{
	return ((struct machine *)c->opaque)->cr0;
}

static enum emul_rc guest_load_msw(struct emul_ctxt *c, u16 msw)
{
	struct machine *m = c->opaque;

	m->cr0 = (m->cr0 & ~0xeULL) | (msw & 0xf);
	return EMUL_OK;
}

static void guest_read_mm(struct emul_ctxt *c, unsigned int reg, u64 *value)
{
	*value = ((struct machine *)c->opaque)->mm[reg];
}

static void guest_write_mm(struct emul_ctxt *c, unsigned int reg, const u64 *value)
{
	((struct machine *)c->opaque)->mm[reg] = *value;
}

static u16 guest_x87_word(struct emul_ctxt *c, bool status)
{
	return ((struct machine *)c->opaque)->x87[status];
}

/* The control word, the registers; nothing behind them. */
static unsigned int guest_fxsave(struct emul_ctxt *c, void *image)
{
	struct machine *m = c->opaque;

	memset(image, 0, EMUL_FXSAVE_LEN);
	memcpy(image, &m->x87[0], 2);
	memcpy((u8 *)image + 32, m->mm, sizeof(m->mm));
	return 160;
}

static enum emul_rc guest_fxrstor(struct emul_ctxt *c, const void *image)
{
	struct machine *m = c->opaque;

	memcpy(&m->x87[0], image, 2);
	memcpy(m->mm, (const u8 *)image + 32, sizeof(m->mm));
	return EMUL_OK;
}

static enum emul_rc guest_probe_write(struct emul_ctxt *c, u64 linear, unsigned int len)
{
	struct machine *m = c->opaque;

	if (!inside(linear, len, m->ram_base, m->ram_size))
		return page_fault(c, linear, 2);
	m->probed++;
	return EMUL_OK;
}

const struct emul_ops machine_ops = {
	.fetch = guest_fetch,
	.read = guest_read,
	.write = guest_write,
	.cmpxchg = guest_cmpxchg,
	.segment_base = guest_segment_base,
	.segment_check = guest_segment_check,
	.segment_selector = guest_segment_selector,
	.load_segment = guest_load_segment,
	.read_xmm = guest_read_xmm,
	.write_xmm = guest_write_xmm,
	.load_cs = guest_load_cs,
	.umip = guest_umip,
	.read_table = guest_read_table,
	.write_table = guest_write_table,
	.read_cr0 = guest_read_cr0,
	.load_msw = guest_load_msw,
	.read_mm = guest_read_mm,
	.write_mm = guest_write_mm,
	.x87_word = guest_x87_word,
	.fxsave = guest_fxsave,
	.fxrstor = guest_fxrstor,
	.probe_write = guest_probe_write,
};

/**
 * machine_init() - a machine with no memory, flat segments, zero registers
 * @m: machine
 * @mode: processor mode
 */
void machine_init(struct machine *m, enum emul_mode mode)
{
	unsigned int i;

	memset(m, 0, sizeof(*m));
	m->c.ops = &machine_ops;
	m->c.opaque = m;
	m->c.mode = mode;
	m->c.rflags = 2;
	for (i = 0; i < EMUL_NR_SEGS; i++)
		m->seg_limit[i] = mode == EMUL_REAL16 ? 0xffff : 0xffffffff;
}

static void answer_reads(struct machine *m)
{
	unsigned int i;

	for (i = 0; i < m->nr_reads; i++) {
		struct machine_read *r = &m->reads[i];

		if (r->done)
			continue;
		memcpy(r->data, m->ram + (r->addr - m->ram_base), r->len);
		r->done = true;
		m->device_reads++;
	}
}

static void complete_writes(struct machine *m)
{
	unsigned int i;

	for (i = 0; i < m->nr_queue; i++) {
		memcpy(m->ram + (m->queue[i].addr - m->ram_base), m->queue[i].data,
		       m->queue[i].len);
		m->device_writes++;
	}
	m->nr_queue = 0;
}

/**
 * machine_step() - one emulate_insn(), and all that userspace must do for it
 * @m: machine
 *
 * Return: what the emulator returned in the end, never EMUL_IO_NEEDED.
 */
enum emul_rc machine_step(struct machine *m)
{
	struct emul_ctxt before = m->c;
	unsigned int rounds = 0;
	enum emul_rc rc;
	bool same;

	m->nr_reads = 0;
	m->nr_queue = 0;
	for (;;) {
		unsigned int writes = m->nr_writes;

		m->written = 0;
		m->probed = 0;
		rc = emulate_insn(&m->c);
		if (m->c.insn_len > EMUL_MAX_INSN || m->c.fetched > EMUL_MAX_INSN)
			broken(m, "no instruction is longer than 15 bytes");
		same = !memcmp(m->c.gpr, before.gpr, sizeof(before.gpr)) &&
		       m->c.rflags == before.rflags;
		if (rc != EMUL_OK && m->c.rip != before.rip)
			broken(m, "rip stays unless the result is EMUL_OK");
		if (rc != EMUL_OK && !m->c.rep_more && (!same || m->nr_writes != writes))
			broken(m, "without EMUL_OK nothing changes");
		if (rc != EMUL_OK && m->nr_queue)
			broken(m, "without EMUL_OK there is no device write");
		if (rc != EMUL_IO_NEEDED)
			break;
		if (++rounds > ARRAY_SIZE(m->reads)) {
			broken(m, "the same reads are asked for again");
			return EMUL_UNHANDLED;
		}
		before = m->c;
		answer_reads(m);
	}
	m->nr_reads = 0;
	if (rc == EMUL_FAULT && m->c.fault.vector > 31)
		broken(m, "faults have exception vectors");
	if (rc == EMUL_UNHANDLED && !m->c.why)
		broken(m, "what is unhandled has a reason");
	complete_writes(m);
	return rc;
}

/**
 * machine_run() - one instruction, to the end of its REP iterations
 * @m: machine
 *
 * Return: as machine_step().
 */
enum emul_rc machine_run(struct machine *m)
{
	enum emul_rc rc;

	m->nr_writes = 0;
	do {
		rc = machine_step(m);
	} while (rc == EMUL_OK && m->c.rep_more && m->nr_writes < MACHINE_WRITES);
	return rc;
}
