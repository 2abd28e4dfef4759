// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asynchronous page faults: MSR_KVM_ASYNC_PF_EN, _INT and _ACK, "page not present" by #PF, "page
 * ready" by an interrupt. KVM's ABI, Documentation/virt/kvm/x86/msr.rst of the kernel. A page that
 * has to be waited for is one that userfaultfd answers for: it comes exactly when the test says.
 * Relies on lib/ and on CONFIG_USERFAULTFD.
 */
#include <asm/kvm_para.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "apic.h"

#define BASE (64UL << 20)
#define PAGE 4096UL
#define PAGES 8
#define READY 0x60
#define PF 14
#define ENABLE (KVM_ASYNC_PF_ENABLED | KVM_ASYNC_PF_DELIVERY_AS_INT)
#define EVERYBODY 0xffffffffu

/* ---- pages that come when they are told to ------------------------------------------------ */

static int uffd;
static u8 *area;

/* A slot of pages that are not there. */
static void lazy_slot(struct kt_vm *vm)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	uffd = syscall(__NR_userfaultfd, O_CLOEXEC);
	if (uffd < 0)
		kt_skip("userfaultfd: %s", strerror(errno));
	KT_IOCTL(uffd, UFFDIO_API, &api);
	area = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	KT_TRUE(area != MAP_FAILED);
	reg.range.start = (unsigned long)area;
	reg.range.len = PAGES * PAGE;
	KT_IOCTL(uffd, UFFDIO_REGISTER, &reg);
	KT_EQ(kt_slot(vm, 1, 0, BASE, PAGES * PAGE, area), 0);
}

/* The next page that somebody waits for. */
static u64 wanted_page(void)
{
	struct uffd_msg msg;

	KT_EQ(read(uffd, &msg, sizeof(msg)), sizeof(msg));
	KT_EQ(msg.event, UFFD_EVENT_PAGEFAULT);
	return (msg.arg.pagefault.address - (unsigned long)area) / PAGE;
}

/* Page @n comes, and begins with 1000 + @n. */
static void page_comes(u64 n)
{
	u64 content[PAGE / 8] = { 1000 + n };
	struct uffdio_copy copy = {
		.dst = (unsigned long)area + n * PAGE,
		.src = (unsigned long)content,
		.len = PAGE,
	};

	KT_IOCTL(uffd, UFFDIO_COPY, &copy);
}

static void *serve(void *count)
{
	for (long i = 0; i < (long)count; i++)
		page_comes(wanted_page());
	return NULL;
}

/* Somebody else brings the next @count pages: the vCPU itself waits for them. */
static pthread_t server(long count)
{
	pthread_t thread;

	KT_EQ(pthread_create(&thread, NULL, serve, (void *)count), 0);
	return thread;
}

/* ---- the guest ---------------------------------------------------------------------------- */

static struct kvm_vcpu_pv_apf_data apf __attribute__((aligned(64)));
static volatile u32 missing[PAGES], nr_missing;	/* tokens of "not present", in order */
static volatile u32 ready[PAGES], nr_ready;	/* tokens of "ready", in order */
static volatile u64 also[PAGES];		/* what the handler touches at each depth */
static volatile u64 wait_for;			/* it leaves when so many are ready */

static void on_page_fault(struct gframe *f)
{
	u64 token = GUEST_READ_REG("cr2");
	u32 depth = nr_missing;

	GUEST_EQ(apf.flags, KVM_PV_REASON_PAGE_NOT_PRESENT);
	GUEST_EQ(f->error, 0);
	apf.flags = 0;
	missing[nr_missing++ % PAGES] = token;
	sti_nop();
	if (also[depth])
		rd64(also[depth]);
	GUEST_SYNC_VAL(1, nr_missing);
	cli();
	while (nr_ready < wait_for)
		sti_hlt_cli();
}

static void on_ready(struct gframe *f)
{
	volatile u32 *token = (u32 *)&apf + 1;

	guest_count_eoi(f);
	ready[nr_ready++ % PAGES] = *token;
	*token = 0;
	wrmsr(MSR_KVM_ASYNC_PF_ACK, 1);
}

/* A task that has waited since before is woken: no later event would wake it. */
static void enable(u64 bits)
{
	u32 before = nr_ready;

	wrmsr(MSR_KVM_ASYNC_PF_EN, (u64)&apf | bits);
	sti_nop();
	cli();
	GUEST_EQ(nr_ready, before + 1);
	GUEST_EQ(ready[before], EVERYBODY);
	nr_ready = before;
}

static void switch_on(u64 bits)
{
	guest_handler[PF] = on_page_fault;
	guest_handler[READY] = on_ready;
	apic_enable();
	wrmsr(MSR_KVM_ASYNC_PF_INT, READY);
	enable(bits);
}

static struct kt_vcpu *lazy_guest(void (*fn)(void))
{
	struct kt_vcpu *vcpu;

	kt_require_cap(KVM_CAP_ASYNC_PF, "KVM_CAP_ASYNC_PF");
	kt_require_cap(KVM_CAP_ASYNC_PF_INT, "KVM_CAP_ASYNC_PF_INT");
	vcpu = kt_long(0, KT_IRQCHIP, fn);
	lazy_slot(vcpu->vm);
	return vcpu;
}

/* ---- the registers ------------------------------------------------------------------------ */

static void msrs_guest(void)
{
	u64 v;

	GUEST_EQ(try_wrmsr(MSR_KVM_ASYNC_PF_EN, (u64)&apf | 0x11), 13);
	GUEST_EQ(try_wrmsr(MSR_KVM_ASYNC_PF_EN, (u64)&apf | 0x21), 13);
	/* No memory there. */
	GUEST_EQ(try_wrmsr(MSR_KVM_ASYNC_PF_EN, 0x7000000000UL | ENABLE), 13);
	GUEST_EQ(try_wrmsr(MSR_KVM_ASYNC_PF_INT, 0x100), 13);
	wrmsr(MSR_KVM_ASYNC_PF_INT, 0xff);
	GUEST_EQ(rdmsr(MSR_KVM_ASYNC_PF_INT), 0xff);
	wrmsr(MSR_KVM_ASYNC_PF_EN, (u64)&apf | ENABLE);
	GUEST_EQ(rdmsr(MSR_KVM_ASYNC_PF_EN), (u64)&apf | ENABLE);
	wrmsr(MSR_KVM_ASYNC_PF_ACK, 1);
	GUEST_EQ(try_rdmsr(MSR_KVM_ASYNC_PF_ACK, &v), GUEST_NO_EXC);
	GUEST_EQ(v, 0);
	guest_done();
}

static void msrs(void)
{
	struct kvm_cpuid2 *c = kt_supported_cpuid();
	u32 features = kt_cpuid_entry(c, KVM_CPUID_FEATURES, 0)->eax;
	struct kt_vcpu *vcpu = lazy_guest(msrs_guest), *bare;

	free(c);
	KT_TRUE(features & 1 << KVM_FEATURE_ASYNC_PF);
	KT_TRUE(features & 1 << KVM_FEATURE_ASYNC_PF_INT);
	KT_RUN_DONE(vcpu);
	KT_EQ(kt_get_msr(vcpu, MSR_KVM_ASYNC_PF_EN), (u64)&apf | ENABLE);
	KT_EQ(kt_get_msr(vcpu, MSR_KVM_ASYNC_PF_INT), 0xff);
	KT_EQ(kt_get_msr(vcpu, MSR_KVM_ASYNC_PF_ACK), 0);
	KT_EQ(kt_try_set_msr(vcpu, MSR_KVM_ASYNC_PF_EN, 0), 1);
	KT_EQ(kt_get_msr(vcpu, MSR_KVM_ASYNC_PF_EN), 0);
	/* Without a LAPIC in the kernel there is no way to say "ready". */
	bare = kt_long(0, 0, msrs_guest);
	KT_EQ(kt_try_set_msr(bare, MSR_KVM_ASYNC_PF_EN, (u64)&apf | ENABLE), 0);
	KT_EQ(kt_try_set_msr(bare, MSR_KVM_ASYNC_PF_INT, READY), 0);
	KT_EQ(kt_try_set_msr(bare, MSR_KVM_ASYNC_PF_EN, 0), 1);
}

/* ---- one page ----------------------------------------------------------------------------- */

static void one_guest(void)
{
	switch_on(ENABLE | KVM_ASYNC_PF_SEND_ALWAYS);
	wait_for = 1;
	sti_nop();
	GUEST_EQ(rd64(BASE), 1000);
	cli();
	GUEST_EQ(nr_missing, 1);
	GUEST_EQ(nr_ready, 1);
	GUEST_EQ(ready[0], missing[0]);
	GUEST_TRUE(missing[0]);
	guest_done();
}

static void not_present_then_ready(void)
{
	struct kt_vcpu *vcpu = lazy_guest(one_guest);

	/* The vCPU is back before the page is: it is a worker who waits. */
	KT_EQ(KT_RUN_SYNC(vcpu, 1), 1);
	KT_EQ(wanted_page(), 0);
	page_comes(0);
	KT_RUN_DONE(vcpu);
}

static void write_guest(void)
{
	switch_on(ENABLE | KVM_ASYNC_PF_SEND_ALWAYS);
	wait_for = 1;
	sti_nop();
	wr64(BASE + PAGE + 8, 5);
	cli();
	GUEST_EQ(nr_missing, 1);
	GUEST_EQ(rd64(BASE + PAGE), 1001);
	guest_done();
}

static void writes_too(void)
{
	struct kt_vcpu *vcpu = lazy_guest(write_guest);

	KT_EQ(KT_RUN_SYNC(vcpu, 1), 1);
	KT_EQ(wanted_page(), 1);
	page_comes(1);
	KT_RUN_DONE(vcpu);
	KT_EQ(*(volatile u64 *)(area + PAGE + 8), 5);
}

/* The handler sleeps in HLT before the page comes: "ready" must wake it. */
static void *comes_later(void *unused)
{
	(void)unused;
	kt_msleep(50);
	page_comes(wanted_page());
	return NULL;
}

static void wakes_hlt(void)
{
	struct kt_vcpu *vcpu = lazy_guest(one_guest);
	pthread_t thread;

	KT_EQ(KT_RUN_SYNC(vcpu, 1), 1);
	KT_EQ(pthread_create(&thread, NULL, comes_later, NULL), 0);
	KT_RUN_DONE(vcpu);
	pthread_join(thread, NULL);
}

/* ---- several ------------------------------------------------------------------------------ */

static void several_guest(void)
{
	switch_on(ENABLE | KVM_ASYNC_PF_SEND_ALWAYS);
	also[0] = BASE + PAGE;
	also[1] = BASE + 2 * PAGE;
	wait_for = 3;
	sti_nop();
	GUEST_EQ(rd64(BASE), 1000);
	cli();
	GUEST_EQ(nr_missing, 3);
	GUEST_EQ(nr_ready, 3);
	GUEST_EQ(guest_irqs[READY], 1 + 3);
	for (u32 i = 0; i < 3; i++) {
		u32 found = 0;

		for (u32 j = 0; j < 3; j++)
			found += ready[j] == missing[i];
		GUEST_EQ(found, 1);
	}
	GUEST_EQ(rd64(BASE + PAGE), 1001);
	GUEST_EQ(rd64(BASE + 2 * PAGE), 1002);
	guest_done();
}

static void several_at_once(void)
{
	struct kt_vcpu *vcpu = lazy_guest(several_guest);
	u64 seen = 0;

	KT_EQ(KT_RUN_SYNC(vcpu, 1), 3);
	for (u32 i = 0; i < 3; i++)
		seen |= BIT(wanted_page());
	KT_EQ(seen, 7);
	/* In another order than they were asked for. */
	page_comes(2);
	page_comes(0);
	page_comes(1);
	/* Each handler reports itself once more on its way back. */
	KT_EQ(KT_RUN_SYNC(vcpu, 1), 3);
	KT_EQ(KT_RUN_SYNC(vcpu, 1), 3);
	KT_RUN_DONE(vcpu);
}

static void no_ack(struct gframe *f)
{
	guest_count_eoi(f);
}

static void ack_guest(void)
{
	volatile u32 *token = (u32 *)&apf + 1;

	switch_on(ENABLE | KVM_ASYNC_PF_SEND_ALWAYS);
	guest_handler[READY] = no_ack;
	guest_irqs[READY] = 0;
	also[0] = BASE + PAGE;
	sti_nop();
	rd64(BASE);
	cli();
	/* Both have come; the second waits for the first to be taken. */
	while (!guest_irqs[READY])
		sti_hlt_cli();
	sti_nop();
	GUEST_EQ(guest_irqs[READY], 1);
	GUEST_TRUE(*token == missing[0] || *token == missing[1]);
	ready[0] = *token;
	wrmsr(MSR_KVM_ASYNC_PF_ACK, 1);		/* too early: the token is still there */
	GUEST_EQ(guest_irqs[READY], 1);
	*token = 0;
	wrmsr(MSR_KVM_ASYNC_PF_ACK, 0);		/* not the bit that counts */
	GUEST_EQ(guest_irqs[READY], 1);
	cli();
	wrmsr(MSR_KVM_ASYNC_PF_ACK, 1);
	while (guest_irqs[READY] < 2)
		sti_hlt_cli();
	GUEST_EQ(*token, ready[0] ^ missing[0] ^ missing[1]);
	guest_done();
}

static void one_token_at_a_time(void)
{
	struct kt_vcpu *vcpu = lazy_guest(ack_guest);

	KT_EQ(KT_RUN_SYNC(vcpu, 1), 2);
	wanted_page();
	wanted_page();
	page_comes(0);
	page_comes(1);
	/* Long enough for both workers, or the guest cannot see that the second was held back. */
	kt_msleep(100 * kt_slowness());
	KT_EQ(KT_RUN_SYNC(vcpu, 1), 2);
	KT_RUN_DONE(vcpu);
}

/* The handler needs the very page that is on its way: it waits like everybody else. */
static void same_guest(void)
{
	switch_on(ENABLE | KVM_ASYNC_PF_SEND_ALWAYS);
	also[0] = BASE;
	wait_for = 1;
	sti_nop();
	GUEST_EQ(rd64(BASE), 1000);
	cli();
	GUEST_EQ(nr_missing, 1);
	GUEST_EQ(nr_ready, 1);
	guest_done();
}

static void same_page_again(void)
{
	struct kt_vcpu *vcpu = lazy_guest(same_guest);
	pthread_t thread;

	KT_EQ(pthread_create(&thread, NULL, comes_later, NULL), 0);
	KT_EQ(KT_RUN_SYNC(vcpu, 1), 1);
	KT_RUN_DONE(vcpu);
	pthread_join(thread, NULL);
}

/* ---- when the guest cannot be told -------------------------------------------------------- */

static void deaf_guest(void)
{
	u64 v;

	/* Interrupts are off. */
	switch_on(ENABLE | KVM_ASYNC_PF_SEND_ALWAYS);
	GUEST_EQ(rd64(BASE), 1000);
	/* In the shadow of STI. */
	asm volatile("sti; mov (%1), %0; cli" : "=r"(v) : "r"(BASE + PAGE) : "memory");
	GUEST_EQ(v, 1001);
	/* In the kernel, which it did not ask for. */
	enable(ENABLE);
	sti_nop();
	GUEST_EQ(rd64(BASE + 2 * PAGE), 1002);
	/* No interrupt to say "ready" with. */
	wrmsr(MSR_KVM_ASYNC_PF_EN, (u64)&apf | KVM_ASYNC_PF_ENABLED | KVM_ASYNC_PF_SEND_ALWAYS);
	GUEST_EQ(rd64(BASE + 3 * PAGE), 1003);
	wrmsr(MSR_KVM_ASYNC_PF_EN, 0);
	GUEST_EQ(rd64(BASE + 4 * PAGE), 1004);
	GUEST_EQ(nr_missing, 0);
	GUEST_EQ(nr_ready, 0);
	GUEST_EQ(apf.flags, 0);
	guest_done();
}

static void not_when_it_cannot(void)
{
	struct kt_vcpu *vcpu = lazy_guest(deaf_guest);
	pthread_t thread = server(5);

	KT_RUN_DONE(vcpu);
	pthread_join(thread, NULL);
}

static void user_guest(void)
{
	guest_handler[0x80] = back_to_kernel;
	switch_on(ENABLE);
	wait_for = 1;
	to_user();
	rd64(BASE);
	to_kernel();
	GUEST_EQ(nr_missing, 1);
	GUEST_EQ(nr_ready, 1);
	guest_done();
}

static void user_mode(void)
{
	struct kt_vcpu *vcpu = lazy_guest(user_guest);

	KT_EQ(KT_RUN_SYNC(vcpu, 1), 1);
	page_comes(wanted_page());
	KT_RUN_DONE(vcpu);
}

/* ---- forgetting --------------------------------------------------------------------------- */

static void off_guest(void)
{
	switch_on(ENABLE | KVM_ASYNC_PF_SEND_ALWAYS);
	sti_nop();
	GUEST_EQ(rd64(BASE), 1000);
	GUEST_EQ(nr_missing, 1);
	GUEST_EQ(nr_ready, 0);
	/* Again, and all is as new. */
	enable(ENABLE | KVM_ASYNC_PF_SEND_ALWAYS);
	wait_for = 1;
	sti_nop();
	GUEST_EQ(rd64(BASE + PAGE), 1001);
	GUEST_EQ(nr_missing, 2);
	GUEST_EQ(nr_ready, 1);
	GUEST_EQ(ready[0], missing[1]);
	GUEST_TRUE(missing[1] != missing[0]);
	guest_done();
}

/* Switched off by userspace, as a reset does, while a page is on its way. */
static void off_while_waiting(void)
{
	struct kt_vcpu *vcpu = lazy_guest(off_guest);

	KT_EQ(KT_RUN_SYNC(vcpu, 1), 1);
	KT_EQ(kt_try_set_msr(vcpu, MSR_KVM_ASYNC_PF_EN, 0), 1);
	page_comes(wanted_page());
	kt_msleep(50);
	KT_EQ(KT_RUN_SYNC(vcpu, 1), 2);
	page_comes(wanted_page());
	KT_RUN_DONE(vcpu);
}

/* The handler disables its LAPIC by software. */
static void on_page_fault_deaf(struct gframe *f)
{
	GUEST_EQ(f->error, 0);
	missing[nr_missing++ % PAGES] = GUEST_READ_REG("cr2");
	apf.flags = 0;
	apic_disable();
	GUEST_SYNC_VAL(1, nr_missing);
	GUEST_SYNC(2);
	GUEST_EQ(nr_ready, 0);
	apic_enable();
	while (nr_ready < 1)
		sti_hlt_cli();
}

static void deaf_lapic_guest(void)
{
	switch_on(ENABLE | KVM_ASYNC_PF_SEND_ALWAYS);
	guest_handler[PF] = on_page_fault_deaf;
	sti_nop();
	GUEST_EQ(rd64(BASE), 1000);
	GUEST_EQ(nr_missing, 1);
	GUEST_EQ(nr_ready, 1);
	GUEST_EQ(ready[0], missing[0]);
	guest_done();
}

/* What is ready while nothing can be told is told as soon as the LAPIC is enabled again. */
static void lapic_disabled_meanwhile(void)
{
	struct kt_vcpu *vcpu = lazy_guest(deaf_lapic_guest);

	KT_EQ(KT_RUN_SYNC(vcpu, 1), 1);
	page_comes(wanted_page());
	kt_msleep(50);
	KT_RUN_SYNC(vcpu, 2);
	KT_RUN_DONE(vcpu);
}

static void restore_guest(void)
{
	switch_on(ENABLE | KVM_ASYNC_PF_SEND_ALWAYS);
	GUEST_SYNC(2);
	sti_nop();
	GUEST_EQ(nr_ready, 1);
	GUEST_EQ(ready[0], EVERYBODY);
	guest_done();
}

/* Tasks that wait were told so on another host: after migration all must look again. */
static void restoring_wakes_everybody(void)
{
	struct kt_vcpu *vcpu = lazy_guest(restore_guest);
	u64 enable;

	KT_RUN_SYNC(vcpu, 2);
	enable = kt_get_msr(vcpu, MSR_KVM_ASYNC_PF_EN);
	KT_EQ(kt_try_set_msr(vcpu, MSR_KVM_ASYNC_PF_EN, enable), 1);
	KT_RUN_DONE(vcpu);
}

static long references(void)
{
	FILE *f = fopen("/sys/module/minikvm/refcnt", "r");
	long n = -1;

	if (!f || fscanf(f, "%ld", &n) != 1)
		n = -1;
	if (f)
		fclose(f);
	return n;
}

/* A page that never comes keeps neither the VM nor, once no process can bring it, the module. */
static void vm_ends_first(void)
{
	struct kt_vcpu *vcpu;
	struct kt_vm *vm;
	long before;

	kt_sys();
	before = references();
	vcpu = lazy_guest(one_guest);
	vm = vcpu->vm;
	KT_EQ(KT_RUN_SYNC(vcpu, 1), 1);
	KT_EQ(wanted_page(), 0);
	kt_vcpu_free(vcpu);
	kt_vm_free(vm);
	if (before < 0)
		return;
	/* The worker is still there, and the module with it. */
	KT_TRUE(references() > before);
	close(uffd);
	while (references() > before)
		kt_msleep(10);
}

static const struct kt_test tests[] = {
	{ "msrs", msrs },
	{ "not_present_then_ready", not_present_then_ready },
	{ "writes_too", writes_too },
	{ "wakes_hlt", wakes_hlt },
	{ "several_at_once", several_at_once },
	{ "one_token_at_a_time", one_token_at_a_time },
	{ "same_page_again", same_page_again },
	{ "not_when_it_cannot", not_when_it_cannot },
	{ "user_mode", user_mode },
	{ "off_while_waiting", off_while_waiting },
	{ "lapic_disabled_meanwhile", lapic_disabled_meanwhile },
	{ "restoring_wakes_everybody", restoring_wakes_everybody },
	{ "vm_ends_first", vm_ends_first },
};

int main(int argc, char **argv)
{
	return kt_main(argc, argv, tests, KT_ARRAY_SIZE(tests));
}
