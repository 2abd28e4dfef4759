// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of guest memory bounds, the E820 map, the ACPI tables, the page tables, and the sentences
 * for exits.
 */
#include <asm/vmx.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/acpi.h"
#include "boot/bios_data.h"
#include "images.h"
#include "kvm/exit_sentence.h"
#include "kvm/exits.h"
#include "kvm/guest_cpuid.h"
#include "tests.h"

static void ram_bounds(void)
{
	static __u8 low[4096], high[4096], other[4096];
	struct guest_stretch elsewhere = { 0x5000, sizeof(other), other };
	struct guest_ram ram = { low, sizeof(low), high, sizeof(high), &elsewhere, 1 };

	CHECK(guest_ram_at(&ram, 0, 4096) == low);
	CHECK(guest_ram_at(&ram, 0x5800, 0x800) == other + 0x800);
	CHECK(!guest_ram_at(&ram, 0x5800, 0x801) && !guest_ram_at(&ram, 0x4fff, 1));
	CHECK(guest_ram_at(&ram, 4095, 1) == low + 4095);
	CHECK(guest_ram_at(&ram, 4096, 0) == low + 4096);
	CHECK(!guest_ram_at(&ram, 4095, 2));
	CHECK(!guest_ram_at(&ram, 1, ~0ULL));
	CHECK(!guest_ram_at(&ram, ~0ULL, 1));
	CHECK(!guest_ram_at(&ram, ~0ULL, ~0ULL));
	CHECK(guest_ram_at(&ram, 4 * GIB, 4096) == high);
	CHECK(guest_ram_at(&ram, 4 * GIB + 4095, 1) == high + 4095);
	CHECK(!guest_ram_at(&ram, 4 * GIB - 1, 1));
	CHECK(!guest_ram_at(&ram, 4 * GIB - 1, 2));
	CHECK(!guest_ram_at(&ram, 4 * GIB + 4095, 2));
	ram.high = NULL;
	ram.high_size = 0;
	CHECK(!guest_ram_at(&ram, 4 * GIB, 0));
}

/* A guest computes kHz of the crystal * EBX / EAX, in 32 bits. */
static void tsc_frequency(void)
{
	static const unsigned int khz[] = {
		100000, 999999, 1000000, 2099998, 2593907, 3312000, 3699850, 4200007, 5999999,
	};
	struct kvm_cpuid2 *c = calloc(1, sizeof(*c) + CPUID_ENTRIES_MAX * sizeof(c->entries[0]));
	struct kvm_cpuid_entry2 *e;
	size_t i;

	if (!c) {
		CHECK(c);
		return;
	}
	c->nent = 1;
	c->entries[0].eax = 0xd;
	cpuid_announce_tsc(c, 0);
	cpuid_announce_tsc(c, 1000116);	/* 1 is too far off, and so is 4294 / 4293 */
	CHECK(c->nent == 1 && c->entries[0].eax == 0xd);
	for (i = 0; i < ARRAY_SIZE(khz); i++) {
		long long guess;

		cpuid_announce_tsc(c, khz[i]);
		CHECK(c->nent == 2 && c->entries[0].eax == 0x15);
		e = &c->entries[1];
		CHECK(e->function == 0x15 && e->ecx == 1000000000 && e->eax && e->ebx);
		CHECK((__u64)(e->ecx / 1000) * e->ebx <= UINT32_MAX);
		guess = e->eax ? e->ecx / 1000 * e->ebx / e->eax : 0;
		CHECK(llabs(guess - (long long)khz[i]) * 50000 <= khz[i]);
	}
	free(c);
}

static void e820(void)
{
	struct guest_ram ram = { .low_size = 3 * GIB, .high_size = 2 * GIB };
	struct e820_map map;
	__u64 end = 0, usable = 0;
	unsigned int i;

	e820_build(&ram, &map);
	CHECK(map.count == 7);
	for (i = 0; i < map.count; i++) {
		CHECK(map.range[i].start >= end);
		CHECK(map.range[i].size);
		end = map.range[i].start + map.range[i].size;
		if (map.range[i].type == E820_RAM)
			usable += map.range[i].size;
		/* The ACPI tables must not be used as free memory. */
		if (map.range[i].start <= GUEST_ACPI && GUEST_ACPI < end)
			CHECK(map.range[i].type == E820_RESERVED);
	}
	CHECK(end == 6 * GIB);
	CHECK(usable == 5 * GIB - (GUEST_HIGH_MEMORY - GUEST_EBDA));
}

static __u64 get(const __u8 *p, unsigned int bytes)
{
	__u64 v = 0;

	memcpy(&v, p, bytes);
	return v;
}

static bool sums_to_zero(const __u8 *p, size_t len)
{
	__u8 sum = 0;

	while (len--)
		sum += *p++;
	return sum == 0;
}

static void acpi(void)
{
	struct guest_ram ram = test_ram(MIB);
	const __u8 *rsdp, *xsdt, *fadt, *madt, *dsdt, *facs;
	__u64 at = acpi_build(&ram, 3, NULL, false);

	CHECK(at == GUEST_ACPI && at % 16 == 0);
	rsdp = ram.low + at;
	CHECK(!memcmp(rsdp, "RSD PTR ", 8) && sums_to_zero(rsdp, 20) && sums_to_zero(rsdp, 36));
	xsdt = ram.low + get(rsdp + 24, 8);
	CHECK(!memcmp(xsdt, "XSDT", 4) && sums_to_zero(xsdt, get(xsdt + 4, 4)));
	fadt = ram.low + get(xsdt + 36, 8);
	CHECK(!memcmp(fadt, "FACP", 4) && sums_to_zero(fadt, get(fadt + 4, 4)));
	CHECK(get(fadt + 46, 2) == 9);
	CHECK(get(fadt + 56, 4) == 0x600 && get(fadt + 64, 4) == 0x604);
	CHECK(get(fadt + 120, 8) == 0xcf9 && fadt[128] == 6);
	dsdt = ram.low + get(fadt + 40, 4);
	CHECK(get(fadt + 140, 8) == get(fadt + 40, 4));
	CHECK(!memcmp(dsdt, "DSDT", 4) && sums_to_zero(dsdt, get(dsdt + 4, 4)));
	CHECK(!memcmp(dsdt + 37, "_S5_", 4));
	facs = ram.low + get(fadt + 36, 4);
	CHECK(!memcmp(facs, "FACS", 4) && get(fadt + 36, 4) % 64 == 0);
	madt = ram.low + get(xsdt + 44, 8);
	CHECK(!memcmp(madt, "APIC", 4) && sums_to_zero(madt, get(madt + 4, 4)));
	CHECK(get(madt + 4, 4) == 44 + 3 * 8 + 12 + 10 + 6);
	CHECK(madt[44 + 2 * 8 + 3] == 2);
	test_ram_free(&ram);
	ram = test_ram(512 * KIB);
	CHECK(acpi_build(&ram, 1, NULL, false) == 0);
	CHECK(acpi_build(&ram, 100000, NULL, false) == 0);
	test_ram_free(&ram);
}

static bool holds(const __u8 *table, const char *bytes, size_t len)
{
	return memmem(table, get(table + 4, 4), bytes, len);
}

/* A guest with a control socket has slots and an event; others have neither. */
static void acpi_hotplug(void)
{
	struct guest_ram ram = test_ram(MIB);
	struct pci_root root = { .high_base = 4 * GIB, .high_size = GIB };
	const __u8 *fadt, *dsdt;

	CHECK(acpi_build(&ram, 1, &root, true));
	fadt = ram.low + GUEST_ACPI + 0x400;
	dsdt = ram.low + get(fadt + 40, 4);
	CHECK(sums_to_zero(fadt, get(fadt + 4, 4)) && sums_to_zero(dsdt, get(dsdt + 4, 4)));
	CHECK(get(fadt + 80, 4) == 0x608 && fadt[92] == 2 && get(fadt + 224, 8) == 0x608);
	/* Method (_EJ0, 1) { Store (0x01000000, PCEJ) } */
	CHECK(holds(dsdt, "\x14\x10_EJ0\x01\x70\x0c\0\0\0\x01PCEJ", 17));
	/* Name (_ADR, 0x1f0000) */
	CHECK(holds(dsdt, "S1F_\x08_ADR\x0c\0\0\x1f\0", 14) && !holds(dsdt, "S17_", 4));
	/* If (And (Local1, 0x80000000)) { Notify (\_SB.PCI0.S1F_, 3) } */
	CHECK(holds(dsdt, "\xa0\x1b\x7b\x61\x0c\0\0\0\x80\0"
		    "\x86\\\x2f\x03_SB_PCI0S1F_\x0a\x03", 28));
	/* Scope (_GPE) { Method (_E00) { \_SB.PCI0.PCNT } } */
	CHECK(holds(dsdt, "_GPE\x14\x15_E00\0\\\x2f\x03_SB_PCI0PCNT", 26));
	/* Method (_E01) { Notify (\_SB.VGEN, 0x80) } */
	CHECK(holds(dsdt, "\x14\x13_E01\0\x86\\\x2e_SB_VGEN\x0a\x80", 20));
	/* Name (ADDR, Package () { 0xe8000, 0 }) */
	CHECK(holds(dsdt, "ADDR\x12\x08\x02\x0c\0\x80\x0e\0\0", 13));
	CHECK(holds(dsdt, "QEMU0001", 9));
	CHECK(acpi_build(&ram, 1, &root, false));
	CHECK(!holds(dsdt, "_EJ0", 4) && !holds(dsdt, "_GPE", 4));
	test_ram_free(&ram);
}

/* Kernels look for the RSDP in the EBDA's first KiB, then between 0xe0000 and 1 MiB. */
static __u64 find_rsdp(const struct guest_ram *ram, __u64 from, __u64 size)
{
	__u64 gpa;

	for (gpa = from; gpa < from + size; gpa += 16)
		if (!memcmp(ram->low + gpa, "RSD PTR ", 8) && sums_to_zero(ram->low + gpa, 20) &&
		    sums_to_zero(ram->low + gpa, 36))
			return gpa;
	return 0;
}

static void bios_data(void)
{
	struct guest_ram ram = test_ram(MIB);
	struct e820_map map;
	__u64 rsdp = acpi_build(&ram, 1, NULL, false), ebda, copy;

	bios_data_build(&ram, rsdp);
	e820_build(&ram, &map);
	ebda = get(ram.low + 0x40e, 2) * 16;
	CHECK(map.range[0].type == E820_RAM && !map.range[0].start);
	CHECK(map.range[1].type == E820_RESERVED && map.range[1].start == ebda);
	CHECK(get(ram.low + 0x413, 2) * KIB == map.range[0].size);
	CHECK(ram.low[ebda] * KIB == map.range[1].size);
	CHECK(get(ram.low + 0x400, 2) == 0x3f8 && get(ram.low + 0x402, 6) == 0);
	CHECK((get(ram.low + 0x410, 2) >> 9 & 7) == 1);
	copy = find_rsdp(&ram, ebda, KIB);
	CHECK(copy && get(ram.low + copy + 24, 8) == get(ram.low + rsdp + 24, 8));
	CHECK(find_rsdp(&ram, 0xe0000, 0x20000) == rsdp);
	memset(ram.low, 0, MIB);
	bios_data_build(&ram, 0);
	CHECK(get(ram.low + 0x413, 2) == 639 && !find_rsdp(&ram, ebda, KIB));
	test_ram_free(&ram);
	ram = test_ram(512 * KIB);
	bios_data_build(&ram, 0);
	bios_vectors_build(&ram);
	CHECK(!get(ram.low + 0x40e, 2));
	test_ram_free(&ram);
}

/* Each vector leads to code of the firmware's, apart from the ACPI tables. */
static void bios_vectors(void)
{
	struct guest_ram ram = test_ram(MIB);
	const __u8 *code;
	unsigned int i;

	bios_vectors_build(&ram);
	for (i = 0; i < 256; i++) {
		code = ram.low + get(ram.low + i * 4 + 2, 2) * 16 + get(ram.low + i * 4, 2);
		CHECK(code >= ram.low + 0xf0000 && code < ram.low + MIB);
		if (i < 0x10 || i > 0x1a)
			CHECK(*code == 0xcf);
		else
			CHECK(*code && *code != 0xcf);
	}
	test_ram_free(&ram);
}

static void page_tables(void)
{
	struct guest_ram ram = test_ram(MIB);
	struct sentence why;
	unsigned long addr;
	__u64 entry;

	CHECK(place_boot_area(CPU_LONG64, &ram, &why) == 0);
	CHECK(get(ram.low + GUEST_GDT + 0x10, 8) == 0x00af9b000000ffffULL);
	for (addr = 0; addr < 4 * GIB; addr += 2 * MIB) {
		entry = get(ram.low + GUEST_PAGE_TABLES, 8);
		entry = get(ram.low + (entry & ~0xfffULL) + addr / GIB * 8, 8);
		entry = get(ram.low + (entry & ~0xfffULL) + addr % GIB / (2 * MIB) * 8, 8);
		if (entry != (addr | 0x83)) {
			CHECK(entry == (addr | 0x83));
			break;
		}
	}
	CHECK(GUEST_PAGE_TABLES + 6 * 4096 <= GUEST_CMDLINE);
	CHECK(GUEST_CMDLINE + GUEST_CMDLINE_MAX <= GUEST_EBDA);
	CHECK(place_boot_area(CPU_PROTECTED32, &ram, &why) == 0);
	CHECK(get(ram.low + GUEST_GDT + 0x10, 8) == 0x00cf9b000000ffffULL);
	test_ram_free(&ram);
	ram = test_ram(512 * KIB);
	CHECK(place_boot_area(CPU_LONG64, &ram, &why) < 0);
	test_ram_free(&ram);
}

static bool explained(const struct kvm_run *run, const char *part)
{
	struct sentence s;

	if (exit_explain(run, &s) != -1 || !strstr(s.text, part)) {
		printf("# wanted '%s' in '%s'\n", part, s.text);
		return false;
	}
	return true;
}

static void fail_entry(void)
{
	struct kvm_run run = { .exit_reason = KVM_EXIT_FAIL_ENTRY };

	run.fail_entry.hardware_entry_failure_reason = 0x80000021;
	CHECK(explained(&run, "INVALID_STATE"));
	run.fail_entry.hardware_entry_failure_reason = 0x80000022;
	CHECK(explained(&run, "MSR_LOAD_FAIL"));
	run.fail_entry.hardware_entry_failure_reason = 7;
	CHECK(explained(&run, "invalid control field(s)"));
	run.fail_entry.hardware_entry_failure_reason = 0x1234;
	CHECK(explained(&run, "0x1234"));
	run.fail_entry.hardware_entry_failure_reason = ~0ULL;
	CHECK(explained(&run, "0xffffffffffffffff"));
}

static void internal_error(void)
{
	struct kvm_run run = { .exit_reason = KVM_EXIT_INTERNAL_ERROR };

	run.internal.suberror = KVM_INTERNAL_ERROR_EMULATION;
	CHECK(explained(&run, "cannot emulate"));
	run.emulation_failure.ndata = 3;
	run.emulation_failure.flags = KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES;
	run.emulation_failure.insn_size = 3;
	memcpy(run.emulation_failure.insn_bytes, "\x0f\xae\x38", 3);
	CHECK(explained(&run, "bytes are 0f ae 38 "));
	run.emulation_failure.insn_size = 0;
	CHECK(explained(&run, "no memory to fetch it from"));
	run.emulation_failure.insn_size = 255;
	CHECK(explained(&run, "bytes are 0f ae 38 00"));
	memset(&run.internal, 0, sizeof(run.internal));
	run.internal.suberror = KVM_INTERNAL_ERROR_DELIVERY_EV;
	run.internal.ndata = 3;
	run.internal.data[0] = 0x80000b0e;
	run.internal.data[1] = EXIT_REASON_EPT_MISCONFIG;
	run.internal.data[2] = 0x77;
	CHECK(explained(&run, "event 0xe to the guest made it exit with EPT_MISCONFIG"));
	CHECK(explained(&run, "0x77"));
	run.internal.suberror = KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON;
	run.internal.data[0] = EXIT_REASON_VMFUNC;
	CHECK(explained(&run, "VMFUNC"));
	run.internal.ndata = ~0u;
	CHECK(explained(&run, "VMFUNC"));
	run.internal.suberror = 99;
	CHECK(explained(&run, "suberror 99"));
}

static void other_exits(void)
{
	struct kvm_run run = { .exit_reason = KVM_EXIT_UNKNOWN };
	struct sentence s;
	unsigned int i;

	run.hw.hardware_exit_reason = EXIT_REASON_ENCLS;
	CHECK(explained(&run, "ENCLS"));
	run.exit_reason = KVM_EXIT_SHUTDOWN;
	CHECK(explained(&run, "triple fault"));
	run.exit_reason = KVM_EXIT_DEBUG;
	CHECK(explained(&run, "KVM_EXIT_DEBUG"));
	for (i = 0; i < 200; i++)
		CHECK(exit_name(i) && *exit_name(i));
	CHECK(!strcmp(exit_name(~0u), "unnamed"));
	run_error_explain(EFAULT, &s);
	CHECK(strstr(s.text, "EFAULT"));
	run_error_explain(EPERM, &s);
	CHECK(strstr(s.text, strerror(EPERM)));
}

static void exit_sets(void)
{
	struct exit_set set = { };
	struct sentence why = { "" };

	CHECK(!exit_set_parse(&set, "io,mmio", &why));
	CHECK(set.has[KVM_EXIT_IO] && set.has[KVM_EXIT_MMIO] && !set.has[KVM_EXIT_HLT]);
	CHECK(exit_set_parse(&set, "hlt,fly", &why) == -1);
	CHECK(strstr(why.text, "no exit 'fly'; there are: all unknown exception io "));
	CHECK(strstr(why.text, " notify."));
	CHECK(exit_set_parse(&set, "", &why) == -1);
	CHECK(exit_set_parse(&set, "io,", &why) == -1);
	CHECK(exit_set_parse(&set, "i", &why) == -1);
	CHECK(exit_set_parse(&set, "al", &why) == -1);
	CHECK(!exit_set_parse(&set, "all", &why) && set.has[KVM_EXIT_HLT] && set.has[63]);
}

static bool tells(const struct kvm_run *run, const char *owner, const char *words)
{
	struct sentence s = { "" };

	exit_tell(run, owner, &s);
	if (strcmp(s.text, words) != 0)
		printf("# '%s' instead of '%s'\n", s.text, words);
	return !strcmp(s.text, words);
}

static void exit_sentences(void)
{
	static const char no_use[] =
		"The guest left with KVM_EXIT_SET_TPR (11), which this machine has no use for";
	struct {
		struct kvm_run run;
		__u8 data[16];
	} r = { .run.exit_reason = KVM_EXIT_IO, .data = "Hello" };

	r.run.io.data_offset = sizeof(r.run);
	r.run.io.direction = KVM_EXIT_IO_OUT;
	r.run.io.size = 1;
	r.run.io.count = 1;
	r.run.io.port = 0x3f8;
	CHECK(tells(&r.run, "the serial port's",
		    "writes 0x48 ('H') to port 0x3f8, the serial port's"));
	r.run.io.count = 5;
	r.run.io.direction = KVM_EXIT_IO_IN;
	r.run.io.size = 2;
	CHECK(tells(&r.run, NULL, "reads 0x6548, and 4 more from port 0x3f8"));
	memset(&r.run, 0, sizeof(r.run));
	r.run.exit_reason = KVM_EXIT_MMIO;
	r.run.mmio.phys_addr = 0xd0000000;
	r.run.mmio.len = 4;
	memset(r.run.mmio.data, 0xff, 8);
	CHECK(tells(&r.run, NULL,
		    "reads 0xffffffff from guest-physical 0xd0000000, where nothing is"));
	r.run.exit_reason = KVM_EXIT_SET_TPR;
	CHECK(tells(&r.run, NULL, no_use));
}

const struct test table_tests[] = {
	{ "guest memory: every access is bounded", ram_bounds },
	{ "E820: ascending, complete, tables reserved", e820 },
	{ "TSC frequency in CPUID", tsc_frequency },
	{ "ACPI: tables found from the RSDP, checksums, contents", acpi },
	{ "ACPI: slots for hot plug", acpi_hotplug },
	{ "BIOS data area: agrees with E820, leads to the EBDA and its RSDP", bios_data },
	{ "interrupt vectors of real mode", bios_vectors },
	{ "boot area: GDT and identity map of 4 GiB", page_tables },
	{ "exits: KVM_EXIT_FAIL_ENTRY is decoded", fail_entry },
	{ "exits: KVM_EXIT_INTERNAL_ERROR is decoded", internal_error },
	{ "exits: the others have names", other_exits },
	{ "exits: sets by name", exit_sets },
	{ "exits: sentences", exit_sentences },
	{ }
};
