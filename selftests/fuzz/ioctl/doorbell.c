// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cases "doorbell": a guest that writes its own stores to an ioeventfd, at page ends as a rule.
 *
 * The module carries such a store out without decoding it when the instruction's bytes are those
 * that it remembers (arch/x86/insn/doorbell.c). Which bytes does it compare? The guest's linear
 * pages lie in another order in guest-physical memory, whose pages follow each other in the host's
 * as well. So behind the page with an instruction's beginning lies, in the host, a page which is
 * not the one that the guest executes next, and the beginnings of all pages hold the ends of other
 * instructions. Each store's value has an eventfd of its own: if the wrong page decides, the wrong
 * one rings. KVM's ABI: KVM_IOEVENTFD with a datamatch.
 */
#include <sys/eventfd.h>

#include "fuzz.h"

#define DOORBELL (KT_MMIO + 0x5000)
#define CODE (KT_TEST_AREA + 0x100000)
#define VALUES 4

static const struct {
	u8 head[3];
	u8 head_len, disp_len, size;
} forms[] = {
	{ { 0xc7, 0x07 }, 2, 0, 4 },		/* movl $imm, (%rdi) */
	{ { 0xc7, 0x47 }, 2, 1, 4 },		/* movl $imm, disp8(%rdi) */
	{ { 0xc7, 0x87 }, 2, 4, 4 },		/* movl $imm, disp32(%rdi) */
	{ { 0x48, 0xc7, 0x07 }, 3, 0, 8 },	/* movq $imm, (%rdi) */
	{ { 0x48, 0xc7, 0x47 }, 3, 1, 8 },
	{ { 0x48, 0xc7, 0x87 }, 3, 4, 8 },
};

struct bell {
	int fd;
	u32 size;
	u32 value;
	u64 expected;
};

static struct bell bells[2 * VALUES];

static u32 encode(u8 *insn, u32 form, u32 disp, u32 value)
{
	u32 len = forms[form].head_len;

	memcpy(insn, forms[form].head, len);
	memcpy(insn + len, &disp, forms[form].disp_len);
	len += forms[form].disp_len;
	memcpy(insn + len, &value, 4);
	return len + 4;
}

static u32 some_value(struct fz_rng *r)
{
	return 0x11111111 * (1 + fz_below(r, VALUES));
}

static void expect(u32 value, u32 size, u64 times)
{
	for (u32 i = 0; i < KT_ARRAY_SIZE(bells); i++)
		if (bells[i].value == value && bells[i].size == size)
			bells[i].expected += times;
}

static void new_step(struct fz_rng *r, struct fz_bell_step *s, const struct fz_bell_step *last,
		     u32 *form)
{
	u32 value = some_value(r), page = fz_below(r, FZ_BELL_PAGES - 1), disp;
	u8 other[16];

	memset(s, 0, sizeof(*s));
	/* The same place with another value, or another place. */
	if (last && fz_one_in(r, 2)) {
		s->start = last->start;
		s->rdi = last->rdi;
		s->len = last->len;
		memcpy(s->insn, last->insn, 16);
		memcpy(s->insn + s->len - 4, &value, 4);
	} else {
		*form = fz_below(r, KT_ARRAY_SIZE(forms));
		disp = forms[*form].disp_len == 4 ? fz_next(r) & 0x7fffff :
		       forms[*form].disp_len == 1 ? fz_next(r) & 0x7f : 0;
		s->len = encode(s->insn, *form, disp, value);
		s->rdi = DOORBELL - disp;
		s->start = CODE + page * 4096;
		if (fz_one_in(r, 4))
			s->start += fz_below(r, 4000);
		else
			s->start += 4096 - fz_below(r, s->len + 2);
		/* The ends that instructions there would have, with another value. */
		if ((s->start & 0xfff) + s->len > 4096) {
			u32 behind = (s->start & 0xfff) + s->len - 4096;

			encode(other, *form, disp, some_value(r));
			memcpy(s->spray, other + s->len - behind, behind);
			s->spray_len = behind;
			s->tail_at = CODE;
		}
	}
	s->times = 1 + fz_below(r, 4);
	expect(value, forms[*form].size, s->times);
}

static void new_bells(struct kt_vm *vm)
{
	for (u32 i = 0; i < KT_ARRAY_SIZE(bells); i++) {
		struct kvm_ioeventfd args = {
			.addr = DOORBELL, .flags = KVM_IOEVENTFD_FLAG_DATAMATCH,
		};
		struct bell *b = &bells[i];

		b->fd = eventfd(0, EFD_NONBLOCK);
		b->size = i % 2 ? 8 : 4;
		b->value = 0x11111111 * (1 + i / 2);
		b->expected = 0;
		args.fd = b->fd;
		args.len = b->size;
		args.datamatch = b->value;
		KT_IOCTL(vm->fd, KVM_IOEVENTFD, &args);
	}
}

/* Linear page i of the code is guest-physical page order[i]. */
static void shuffle(struct fz_rng *r, struct kt_vm *vm)
{
	u64 *pt = kt_g2h(vm, KT_PT);
	u32 first = (CODE - KT_TEST_AREA) >> 12, order[FZ_BELL_PAGES];

	for (u32 i = 0; i < FZ_BELL_PAGES; i++)
		order[i] = i;
	for (u32 i = FZ_BELL_PAGES - 1; i; i--) {
		u32 j = fz_below(r, i + 1), k = order[i];

		order[i] = order[j];
		order[j] = k;
	}
	for (u32 i = 0; i < FZ_BELL_PAGES; i++)
		pt[first + i] = (CODE + order[i] * 4096) | 7;
}

/**
 * fz_doorbell() - a guest whose doorbells lie at page ends
 * @c: the case
 */
void fz_doorbell(struct fz_case *c)
{
	struct fz_bell_step steps[FZ_BELL_STEPS], *last = NULL;
	struct kt_vcpu *vcpu;
	u32 form = 0, n = 0;
	struct kt_ucall uc;

	vcpu = kt_long(0, 0, fz_guest_doorbell_steps);
	madvise(vcpu->vm->mem, KT_MEM, MADV_HUGEPAGE);
	new_bells(vcpu->vm);
	shuffle(&c->rng, vcpu->vm);
	KT_RUN_SYNC(vcpu, 1);
	for (u32 i = 0; i < FZ_BELL_STEPS; i++) {
		struct fz_rng r;

		if (!fz_in_subset(&fz_opt.ops, i))
			continue;
		fz_seed(&r, fz_opt.seed, c->nr, 0, i);
		new_step(&r, &steps[n], last, &form);
		last = &steps[n++];
	}
	memcpy((void *)&GV(vcpu->vm, fz_bell_steps), steps, n * sizeof(*steps));
	GV(vcpu->vm, fz_bell_n) = n;
	while (kt_run_raw(vcpu) && errno == EINTR)
		;
	fz_report->runs++;
	if (vcpu->run->exit_reason == KVM_EXIT_MMIO)
		fz_fail("a store of %#x to %#llx came out of the guest, which makes no such store",
			*(u32 *)vcpu->run->mmio.data, vcpu->run->mmio.phys_addr);
	else if (!kt_ucall(vcpu, &uc) || uc.cmd != UC_SYNC)
		fz_fail("the doorbell guest ended with exit reason %u", vcpu->run->exit_reason);
	for (u32 i = 0; i < KT_ARRAY_SIZE(bells); i++) {
		u64 got = 0;

		if (read(bells[i].fd, &got, 8) < 0)
			got = 0;
		if (got != bells[i].expected)
			fz_fail("the doorbell for %#x (%u bytes) rang %llu times, the guest stored %llu: bytes behind the instruction's page decided",
				bells[i].value, bells[i].size, (unsigned long long)got,
				(unsigned long long)bells[i].expected);
	}
}
