// SPDX-License-Identifier: GPL-2.0-only
/*
 * Structures of ioctls that mean something only when their fields fit together: memory slots,
 * routing, eventfds, MSR and CPUID lists, attributes. KVM's ABI documentation says what each holds.
 * Each function fills the buffer with something that would mostly be taken; table.c mutates then.
 */
#include <linux/kvm.h>
#include <linux/minikvm.h>

#include "fuzz.h"

static struct fz_rng *rng(struct fz_thread *t)
{
	return &t->rng;
}

static u64 below(struct fz_thread *t, u64 n)
{
	return fz_below(&t->rng, n);
}

/* Slot 0 is the guest's own memory: it goes or changes only now and then. */
void fz_fill_region(struct fz_thread *t, void *buf, int fd)
{
	struct kvm_userspace_memory_region *r = buf;

	(void)fd;
	r->slot = 1 + below(t, 8);
	r->flags = below(t, 4);
	r->guest_phys_addr = (fz_one_in(rng(t), 2) ? KT_MEM : KT_MMIO) + below(t, 1024) * 4096;
	r->memory_size = below(t, 64) * 4096;
	if (fz_one_in(rng(t), 4))
		r->memory_size = below(t, 3) << 21;
	if (fz_one_in(rng(t), 8))
		r->guest_phys_addr = fz_gpa(rng(t)) & ~0xfffull;
	r->userspace_addr = fz_hva(t);
	if (fz_one_in(rng(t), 40) && !t->c->sane) {
		r->slot = 0;
		r->guest_phys_addr = 0;
		r->memory_size = KT_MEM;
		r->userspace_addr = (u64)t->c->vm[0]->mem;
	}
	if (fz_one_in(rng(t), 24))
		r->slot |= (1 + below(t, 2)) << 16;
}

static int event(struct fz_thread *t)
{
	return fz_fd_get(t->c, rng(t), fz_one_in(rng(t), 24) ? below(t, FZ_NR_FDS) : FZ_EVENT);
}

void fz_fill_irqfd(struct fz_thread *t, void *buf, int fd)
{
	struct kvm_irqfd *i = buf;

	(void)fd;
	i->fd = event(t);
	i->gsi = below(t, 26);
	i->flags = below(t, 4);
	i->resamplefd = event(t);
}

void fz_fill_ioeventfd(struct fz_thread *t, void *buf, int fd)
{
	static const u32 lengths[] = { 0, 1, 2, 4, 8 };
	struct kvm_ioeventfd *i = buf;

	(void)fd;
	i->datamatch = below(t, 3);
	i->addr = KT_MMIO + 0x5000 + below(t, 4) * 4096 + below(t, 2) * 4;
	i->len = fz_one_in(rng(t), 4) ? below(t, 10) : lengths[below(t, KT_ARRAY_SIZE(lengths))];
	i->fd = event(t);
	i->flags = below(t, 8);
	if (i->flags & KVM_IOEVENTFD_FLAG_PIO)
		i->addr = fz_one_in(rng(t), 2) ? 0x510 : 0x3f8;
	if (fz_one_in(rng(t), 8))
		i->addr = fz_gpa(rng(t));
}

void fz_fill_routing(struct fz_thread *t, void *buf, int fd)
{
	struct kvm_irq_routing *r = buf;

	(void)fd;
	r->nr = below(t, 40);
	r->flags = 0;
	for (u32 i = 0; i < r->nr; i++) {
		struct kvm_irq_routing_entry *e = &r->entries[i];

		memset(e, 0, sizeof(*e));
		e->gsi = below(t, 26);
		e->type = 1 + below(t, 2);
		if (e->type == KVM_IRQ_ROUTING_IRQCHIP) {
			e->u.irqchip.irqchip = below(t, 3);
			e->u.irqchip.pin = below(t, 24);
		} else {
			e->u.msi.address_lo = 0xfee00000 | below(t, 8) << 12 | below(t, 4) << 2;
			e->u.msi.data = below(t, 256) | below(t, 8) << 8;
		}
		if (fz_one_in(rng(t), 32))
			fz_mutate(rng(t), e, sizeof(*e));
	}
	if (fz_one_in(rng(t), 24))
		r->nr = fz_value(rng(t));
}

void fz_fill_dirty_log(struct fz_thread *t, void *buf, int fd)
{
	struct kvm_dirty_log *d = buf;

	(void)fd;
	memset(d, 0, sizeof(*d));
	d->slot = below(t, 9);
	d->dirty_bitmap = t->buf + FZ_ROOM / 2;
}

void fz_fill_clear_log(struct fz_thread *t, void *buf, int fd)
{
	struct kvm_clear_dirty_log *d = buf;

	(void)fd;
	memset(d, 0, sizeof(*d));
	d->slot = below(t, 9);
	d->num_pages = below(t, 16) * 64;
	d->first_page = below(t, 4) * 64;
	d->dirty_bitmap = t->buf + FZ_ROOM / 2;
}

void fz_fill_zone(struct fz_thread *t, void *buf, int fd)
{
	struct kvm_coalesced_mmio_zone *z = buf;

	(void)fd;
	z->addr = KT_MMIO + below(t, 8) * 4096;
	z->size = 1 + below(t, 4096);
	z->pio = below(t, 2);
	if (z->pio) {
		z->addr = 0x80 + below(t, 2) * 0x48e;
		z->size = 1 + below(t, 4);
	}
}

void fz_fill_irq_level(struct fz_thread *t, void *buf, int fd)
{
	struct kvm_irq_level *i = buf;

	(void)fd;
	i->irq = below(t, 26);
	i->level = below(t, 2);
}

void fz_fill_irqchip(struct fz_thread *t, void *buf, int fd)
{
	struct kvm_irqchip *i = buf;

	memset(i, 0, sizeof(*i));
	i->chip_id = below(t, 4);
	ioctl(fd, KVM_GET_IRQCHIP, i);
}

void fz_fill_msi(struct fz_thread *t, void *buf, int fd)
{
	struct kvm_msi *m = buf;

	(void)fd;
	memset(m, 0, sizeof(*m));
	m->address_lo = 0xfee00000 | below(t, 8) << 12 | below(t, 4) << 2;
	m->data = 0x30 + below(t, 200) + (below(t, 8) << 8);
}

static const u32 vm_caps[] = {
	KVM_CAP_MAX_VCPU_ID, KVM_CAP_SPLIT_IRQCHIP, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
	KVM_CAP_X2APIC_API, KVM_CAP_X86_USER_SPACE_MSR, KVM_CAP_X86_DISABLE_EXITS,
	KVM_CAP_DISABLE_QUIRKS2, KVM_CAP_DISABLE_QUIRKS, KVM_CAP_HALT_POLL,
	KVM_CAP_EXCEPTION_PAYLOAD, KVM_CAP_X86_TRIPLE_FAULT_EVENT,
	KVM_CAP_EXIT_ON_EMULATION_FAILURE, KVM_CAP_MSR_PLATFORM_INFO,
};

void fz_fill_cap(struct fz_thread *t, void *buf, int fd)
{
	struct kvm_enable_cap *c = buf;

	(void)fd;
	memset(c, 0, sizeof(*c));
	c->cap = fz_one_in(rng(t), 16) ? below(t, 250) :
		 vm_caps[below(t, KT_ARRAY_SIZE(vm_caps))];
	c->args[0] = fz_one_in(rng(t), 4) ? fz_value(rng(t)) : below(t, 32);
}

void fz_fill_vcpu_cap(struct fz_thread *t, void *buf, int fd)
{
	struct kvm_enable_cap *c = buf;

	(void)fd;
	memset(c, 0, sizeof(*c));
	c->cap = fz_one_in(rng(t), 4) ? below(t, 250) : KVM_CAP_ENFORCE_PV_FEATURE_CPUID;
	c->args[0] = below(t, 2);
}

void fz_fill_device(struct fz_thread *t, void *buf, int fd)
{
	struct kvm_create_device *d = buf;

	(void)fd;
	d->type = KVM_DEV_TYPE_VFIO;
	d->fd = -1;
	d->flags = fz_one_in(rng(t), 4);
}

void fz_fill_attribute(struct fz_thread *t, void *buf, int fd)
{
	struct kvm_device_attr *a = buf;
	int *value = (int *)(t->buf + FZ_ROOM / 2);

	(void)fd;
	a->flags = 0;
	a->group = below(t, 3);
	a->attr = below(t, 4);
	a->addr = (u64)value;
	*value = fz_fd_get(t->c, rng(t), below(t, FZ_NR_FDS));
}

void fz_fill_msrs(struct fz_thread *t, void *buf, int fd)
{
	struct kvm_msrs *m = buf;
	u32 n = below(t, 12);

	m->nmsrs = n;
	m->pad = 0;
	for (u32 i = 0; i < n; i++) {
		struct kvm_msr_entry *e = &m->entries[i];

		*e = (struct kvm_msr_entry){ .index = fz_msr(rng(t)), .data = below(t, 4) };
		if (fz_one_in(rng(t), 3))
			e->data = fz_one_in(rng(t), 2) ? fz_value(rng(t)) : fz_gpa(rng(t)) | 1;
	}
	/* What a register held, with a bit changed. */
	if (fz_one_in(rng(t), 2) && ioctl(fd, KVM_GET_MSRS, m) > 0)
		m->entries[0].data ^= 1ull << below(t, 64);
	if (fz_one_in(rng(t), 32))
		m->nmsrs = fz_value(rng(t));
}

void fz_fill_index_list(struct fz_thread *t, void *buf, int fd)
{
	(void)fd;
	((struct kvm_msr_list *)buf)->nmsrs = fz_one_in(rng(t), 2) ? 512 : fz_value(rng(t));
}

void fz_fill_supported(struct fz_thread *t, void *buf, int fd)
{
	(void)fd;
	((struct kvm_cpuid2 *)buf)->nent = fz_one_in(rng(t), 2) ? 100 : fz_value(rng(t));
}

void fz_fill_cpuid(struct fz_thread *t, void *buf, int fd)
{
	struct kvm_cpuid2 *c = buf;

	c->nent = 128;
	c->padding = 0;
	if (ioctl(fd, KVM_GET_CPUID2, c))
		c->nent = 0;
	if (c->nent && fz_one_in(rng(t), 2)) {
		struct kvm_cpuid_entry2 *e = &c->entries[below(t, c->nent)];

		(&e->eax)[below(t, 4)] ^= 1u << below(t, 32);
	}
	if (fz_one_in(rng(t), 8))
		c->nent = fz_value(rng(t));
}

void fz_fill_filter(struct fz_thread *t, void *buf, int fd)
{
	struct kvm_msr_filter *f = buf;

	(void)fd;
	memset(f, 0, sizeof(*f));
	f->flags = below(t, 2);
	for (u32 i = below(t, 4); i; i--) {
		struct kvm_msr_filter_range *r = &f->ranges[below(t, KVM_MSR_FILTER_MAX_RANGES)];

		r->flags = 1 + below(t, 3);
		r->nmsrs = 1 + below(t, 64);
		r->base = fz_msr(rng(t)) & ~7u;
		r->bitmap = t->buf + FZ_ROOM / 2;
	}
}

void fz_fill_signal_mask(struct fz_thread *t, void *buf, int fd)
{
	struct kvm_signal_mask *m = buf;
	u64 mask = fz_next(rng(t));

	(void)fd;
	m->len = 8;
	/* The one by which threads are told to come back stays free. */
	mask &= ~(1ull << (10 - 1));
	memcpy(m->sigset, &mask, 8);
}

void fz_fill_mp_state(struct fz_thread *t, void *buf, int fd)
{
	(void)fd;
	((struct kvm_mp_state *)buf)->mp_state = fz_one_in(rng(t), 2) ? 0 : below(t, 12);
}

static const u32 fields[] = {
	0x0000, 0x0800, 0x0802, 0x080e, 0x2800, 0x2802, 0x2806, 0x280a, 0x4012, 0x4016, 0x401a,
	0x4800, 0x4802, 0x480e, 0x4814, 0x4816, 0x4822, 0x4824, 0x482a, 0x6800, 0x6802,
	0x6804, 0x6806, 0x6808, 0x681a, 0x681c, 0x681e, 0x6820, 0x6822, 0x6824, 0x4002, 0x201a,
	0x6c00,
};

/*
 * Fields of the guest's state, and some that must be refused. Not the activity state: a processor
 * that waits for a SIPI is lost to the host.
 */
void fz_fill_vmcs(struct fz_thread *t, void *buf, int fd)
{
	struct minikvm_vmcs_field *f = buf;

	(void)fd;
	f->flags = fz_one_in(rng(t), 8);
	f->encoding = fields[below(t, KT_ARRAY_SIZE(fields))];
	if ((f->encoding & 0xc00) != 0x800)
		f->flags = 1;
	f->value = fz_value(rng(t));
}

void fz_fill_vmcs_room(struct fz_thread *t, void *buf, int fd)
{
	/* All threads' readers write here, and nothing is read from it. */
	static struct minikvm_vmcs_value values[400];
	static struct minikvm_vmcs_rule rules[400];
	struct minikvm_vmcs *v = buf;

	(void)fd;
	*v = (struct minikvm_vmcs){
		.nr_fields = KT_ARRAY_SIZE(values), .nr_rules = KT_ARRAY_SIZE(rules),
		.fields = (u64)(unsigned long)values, .rules = (u64)(unsigned long)rules,
	};
	if (fz_one_in(rng(t), 8))
		v->nr_fields = below(t, 100);
	if (fz_one_in(rng(t), 8))
		v->rules = fz_value(rng(t));
	v->flags = fz_one_in(rng(t), 16);
}

void fz_fill_post(struct fz_thread *t, void *buf, int fd)
{
	struct minikvm_post *p = buf;

	(void)fd;
	p->vcpu = below(t, 5);
	p->vector = below(t, 260);
}

void fz_fill_test_device(struct fz_thread *t, void *buf, int fd)
{
	struct minikvm_test_device *d = buf;

	(void)fd;
	d->eventfd = event(t);
	d->flags = below(t, 2);
}
