// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests of what shows a VM from outside: names of VMs, a VMCS, walks, capabilities, codes.
 *
 * The lines that the module writes are those of a run in the lab.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/caps_print.h"
#include "inspect/codes.h"
#include "inspect/vm_files.h"
#include "inspect/vmcs_print.h"
#include "inspect/walk.h"
#include "tests.h"

static char shown[64 * 1024];

/* Run a printer over lines: what it printed is in shown[]. */
static FILE *out(void)
{
	memset(shown, 0, sizeof(shown));
	return fmemopen(shown, sizeof(shown) - 1, "w");
}

static FILE *in(const char *lines)
{
	return fmemopen((void *)(unsigned long)lines, strlen(lines), "r");
}

static void vm_names(void)
{
	static const char * const bad[] = { "", "x", "-1", "0", "12-", "12-0", "12-x", "12/", "12/x",
					    "12/1x", "12 ", "99999999999", "12-3/4/5", "+5" };
	struct vm_target t;
	struct sentence why;
	size_t i;

	CHECK(!vm_target_parse("102", &t, &why) && t.pid == 102 && !t.number && t.vcpu == -1);
	CHECK(!vm_target_parse("102-7", &t, &why) && t.pid == 102 && t.number == 7);
	CHECK(!vm_target_parse("102/3", &t, &why) && !t.number && t.vcpu == 3);
	CHECK(!vm_target_parse("102-7/0", &t, &why) && t.number == 7 && !t.vcpu);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(vm_target_parse(bad[i], &t, &why) == -1 && strstr(why.text, "is no VM"));
}

static int decodes_to(unsigned int field, unsigned long long value, const char *words)
{
	char text[256];

	vmcs_decode(field, value, text, sizeof(text));
	if (strcmp(text, words) != 0)
		printf("# 0x%x = 0x%llx: '%s', not '%s'\n", field, value, text, words);
	return !strcmp(text, words);
}

static void vmcs_fields_decoded(void)
{
	char small[8];

	CHECK(decodes_to(0x4816, 0xa09b,
			 "code readable accessed, DPL 0, 64-bit, limit in pages"));
	CHECK(decodes_to(0x4818, 0x10000, "unusable"));
	CHECK(decodes_to(0x481a, 0xc0f3,
			 "data writable accessed, DPL 3, 32-bit, limit in pages"));
	CHECK(decodes_to(0x4820, 0x82, "LDT, DPL 0"));
	CHECK(decodes_to(0x4822, 0x8b, "busy TSS, DPL 0"));
	CHECK(decodes_to(0x4822, 0x0b, "busy TSS, DPL 0, not present"));
	CHECK(decodes_to(0x4016, 0x80000b0e,
			 "hardware exception, vector 14, with an error code"));
	CHECK(decodes_to(0x4016, 0x0000020e, "none"));
	CHECK(decodes_to(0x6800, 0x80000031, "PE ET NE PG"));
	CHECK(decodes_to(0x2806, 0xd01, "SCE LME LMA NXE"));
	CHECK(decodes_to(0x6820, 0x46, "PF ZF"));
	CHECK(decodes_to(0x4826, 3, "wait for SIPI"));
	CHECK(decodes_to(0x4826, 9, "no such state"));
	CHECK(decodes_to(0x4402, 0x80000021,
			 "VM entry failed: VM-entry failure: invalid guest state"));
	CHECK(decodes_to(0x4400, 12, "VMREAD/VMWRITE from/to unsupported VMCS component"));
	CHECK(decodes_to(0x201a, 0x41a805e,
			 "write-back structures, walk of 4, accessed and dirty flags"));
	CHECK(decodes_to(0x4012, 0x200, "IA-32e mode guest"));
	CHECK(decodes_to(0x4824, 9, "blocking by STI blocking by NMI"));
	CHECK(decodes_to(0x681e, 0x200013, ""));
	/* A buffer that is too small ends early and ends. */
	vmcs_decode(0x4012, ~0ULL, small, sizeof(small));
	CHECK(strlen(small) < sizeof(small));
	vmcs_decode(0x4012, ~0ULL, small, 1);
	CHECK(!small[0]);
}

static void vmcs_printed(void)
{
	struct sentence why;
	FILE *from = in("vmcs 102-7 (x) vcpu 0 broken 1\n"
			"field 0x681e 0x10000000000\nfield 0x6c16 masked\n"
			"field 0xfffe 0x1\nnonsense\n"
			"rule holds 0x6820 A section|bit 1 must be 1\n"
			"rule broken 0x681e A section|bits 63:32 must be 0\n"
			"rule broken 0x681e no bar\n");
	FILE *to = out();

	CHECK(!vmcs_print(from, to, &why));
	fclose(from);
	fclose(to);
	CHECK(strstr(shown, "GUEST_RIP                      0x10000000000\n"));
	CHECK(strstr(shown, "HOST_RIP                       (of the host"));
	CHECK(strstr(shown, "ok     GUEST_RFLAGS: bit 1 must be 1\n"));
	CHECK(strstr(shown, "BROKEN GUEST_RIP: bits 63:32 must be 0\n"));
	CHECK(strstr(shown, "Guest-state area") < strstr(shown, "Host-state area"));
	from = in("something else\n");
	to = out();
	CHECK(vmcs_print(from, to, &why) == -1);
	fclose(from);
	fclose(to);
}

#define PAGES 16
static unsigned char memory[PAGES][4096];

static bool read_memory(void *arg, unsigned long long gpa, void *to, size_t size)
{
	(void)arg;
	if (gpa + size > sizeof(memory))
		return false;
	memcpy(to, (unsigned char *)memory + gpa, size);
	return true;
}

static void entry(unsigned long long gpa, unsigned long long value, size_t size)
{
	memcpy((unsigned char *)memory + gpa, &value, size);
}

static int walk_to(const struct walk_registers *r, unsigned long long linear,
		   unsigned long long *gpa)
{
	const struct walk_memory m = { .read = read_memory };
	FILE *to = out();
	int ret = walk_print(r, &m, linear, 40, to, gpa);

	fclose(to);
	return ret;
}

static void guest_walks(void)
{
	struct walk_registers r = { .cr0 = 0x80000001, .cr3 = 0x1000, .cr4 = 0x20, .efer = 0xd00 };
	unsigned long long gpa = 0;

	memset(memory, 0, sizeof(memory));
	entry(0x1000 + 8, 0x2023, 8);
	entry(0x2000, 0x3023, 8);
	entry(0x3000 + 2 * 8, 0x4023, 8);
	entry(0x4000 + 3 * 8, 0x8000000000005067, 8);
	CHECK(walk_to(&r, 0x8000403abcULL, &gpa) == 0 && gpa == 0x5abc);
	CHECK(strstr(shown, "4-level") && strstr(shown, "level 1, index 3"));
	CHECK(strstr(shown, "not executable") && strstr(shown, "user, accessed, dirty"));
	CHECK(walk_to(&r, 0x8000404000ULL, &gpa) == 1 && strstr(shown, "not present"));
	CHECK(walk_to(&r, 0x800000000000ULL, &gpa) == 1 && strstr(shown, "not canonical"));
	/* A 2M page, one with a reserved bit, a table that is nowhere. */
	entry(0x3000, 0x6000e3, 8);
	CHECK(walk_to(&r, 0x8000123456ULL, &gpa) == 0 && gpa == 0x723456);
	CHECK(strstr(shown, "2M page"));
	entry(0x3000, 0x6020e3, 8);
	CHECK(walk_to(&r, 0x8000123456ULL, &gpa) == 1 && strstr(shown, "reserved bits 0x2000"));
	entry(0x3000, 0x7000000023, 8);
	CHECK(walk_to(&r, 0x8000123456ULL, &gpa) == -1 && strstr(shown, "no memory slot"));
	/* PAE: the PDPTEs are registers. 32-bit: 4M pages. Off. */
	r = (struct walk_registers){ .cr0 = 0x80000001, .cr4 = 0x20, .pdpte = { 0, 0x3001 } };
	entry(0x3000, 0x6000e3, 8);
	CHECK(walk_to(&r, 0x40123456, &gpa) == 0 && gpa == 0x723456 && strstr(shown, "PAE"));
	CHECK(walk_to(&r, 0x123456, &gpa) == 1);
	r = (struct walk_registers){ .cr0 = 0x80000001, .cr3 = 0x1000, .cr4 = 0x10 };
	entry(0x1000 + 4, 0x8000e3, 4);
	CHECK(walk_to(&r, 0x412345, &gpa) == 0 && gpa == 0x812345 && strstr(shown, "4M"));
	r.cr0 = 1;
	CHECK(walk_to(&r, 0x412345, &gpa) == 0 && gpa == 0x412345);
}

static void ept_walks(void)
{
	struct sentence why;
	FILE *from = in("gpa 0x200000 eptp 0x41a805e levels 4\n"
			"slot 0 gpa 0x0 size 0x10000000 hva 0x7fffe7e00000\n"
			"level 4 index 0 entry 0x4194107\nlevel 3 index 0 entry 0x4195107\n"
			"level 2 index 1 entry 0x4196107\nlevel 1 index 0 entry 0x10000007800377\n");
	FILE *to = out();

	CHECK(!ept_print(from, to, &why));
	fclose(from);
	fclose(to);
	CHECK(strstr(shown, "level 4, index 0: 0x4194107 table\n"));
	CHECK(strstr(shown, "4K page, rwx, WB, accessed, dirty\n"));
	from = in("gpa 0xfec00000 eptp 0x5e levels 4 masked\nlevel 4 index 0 entry 0x0\n");
	to = out();
	CHECK(!ept_print(from, to, &why));
	fclose(from);
	fclose(to);
	CHECK(strstr(shown, "left out") && strstr(shown, "no memory slot"));
	CHECK(strstr(shown, "not present: an access exits"));
	from = in("gpa 0x1000000200000 eptp 0x5e levels 4 masked\n");
	to = out();
	CHECK(!ept_print(from, to, &why));
	fclose(from);
	fclose(to);
	CHECK(strstr(shown, "above the guest's physical addresses"));
}

static void capabilities(void)
{
	FILE *from = in("msr basic 0xd810000000002b\nmsr misc 0x600401e0\n"
			"msr ept_vpid 0xf0106734141\nmsr vmfunc 0x1\nmsr cr0_fixed0 0x80000021\n"
			"word secondary must 0x0 may 0x2577fff used 0x2131fff\n"
			"word exit must 0x36dfb may 0x407fffff used 0x2befff\nfeature apicv 0\n");
	FILE *to = out();

	CHECK(!caps_print_vmx(from, to));
	fclose(from);
	fclose(to);
	CHECK(strstr(shown, "VMCS revision 0x2b"));
	CHECK(strstr(shown, "yes  required  bit 6   page walk of 4"));
	CHECK(strstr(shown, "yes     required  used  bit 1   enable EPT"));
	CHECK(strstr(shown, "always  required  used  bit 2   save debug controls") ||
	      strstr(shown, "yes     required  used  bit 2   save debug controls"));
	CHECK(strstr(shown, "off  apicv"));
	from = in("dmar0 at 0xfed90000, segment 0, version 1.0\n"
		  "  cap 0xd2008c222f0686 ecap 0xf00f5e gsts 0xc6000000 translating\n"
		  "  used cap 0xc00000080 ecap 0x4b\n");
	to = out();
	CHECK(caps_print_vtd(from, to) == 1);
	fclose(from);
	fclose(to);
	CHECK(strstr(shown, "VT-d unit dmar0"));
	CHECK(strstr(shown, "yes  required  used  bit 1   queued"));
	CHECK(strstr(shown, "yes  wanted    used  bit 34  2M pages"));
	CHECK(strstr(shown, "yes  wanted          bit 39  page-selective invalidation"));
	CHECK(strstr(shown, "yes  wanted          bit 2   device TLBs"));
}

/* Does the code explain to something with these words? */
static int explains(const char *topic, const char *code, const char *words)
{
	struct sentence why;
	FILE *to = out();
	int ret = explain_code(topic, code, to, &why);

	fclose(to);
	if (!ret && strstr(shown, words))
		return 1;
	printf("# explain %s %s: %s\n", topic, code ? code : "", ret ? why.text : shown);
	return 0;
}

static void codes(void)
{
	static const char * const topics[] = { "exit", "entry-failure", "vmx-error", "ioctl",
					       "fault" };
	static const char * const bad[] = { "999", "nothing", "", "-1", "0x", "1x", "ept:",
					    "ept:x" };
	struct sentence why;
	size_t i, j;
	FILE *to;

	CHECK(explains("exit", "48", "EPT violation"));
	CHECK(explains("exit", "0x30", "EPT violation"));
	CHECK(explains("exit", "ept-violation", "EPT violation"));
	CHECK(explains("exit", "EPT_VIOLATION", "EPT violation"));
	CHECK(explains("exit", "0x80000021", "Bit 31"));
	CHECK(explains("entry-failure", "0x80000022", "MSR loading"));
	CHECK(explains("entry-failure", "7", "control field"));
	CHECK(explains("vmx-error", "26", "MOV SS"));
	CHECK(explains("ioctl", "0xae80", "KVM_RUN"));
	CHECK(explains("ioctl", "kvm_run", "KVM_RUN"));
	CHECK(explains("ioctl", "RUN", "KVM_RUN"));
	CHECK(explains("ioctl", "0x8090ae81", "KVM_GET_REGS"));
	CHECK(explains("fault", "0x26", "interrupt from a wrong source"));
	CHECK(explains("fault", "ept:0x182", "the access: write"));
	CHECK(explains("fault", "page:0x15", "instruction fetch by the user"));
	for (i = 0; i < ARRAY_SIZE(topics); i++) {
		CHECK(explains(topics[i], NULL, "\n"));
		for (j = 0; j < ARRAY_SIZE(bad); j++) {
			to = out();
			CHECK(explain_code(topics[i], bad[j], to, &why) == -1 &&
			      strstr(why.text, "is no code"));
			fclose(to);
		}
	}
	to = out();
	CHECK(explain_code("exits", "1", to, &why) == -1 && strstr(why.text, "is no topic"));
	fclose(to);
}

const struct test inspect_tests[] = {
	{ "names of VMs", vm_names },
	{ "fields of a VMCS decoded", vmcs_fields_decoded },
	{ "a VMCS printed", vmcs_printed },
	{ "walks of the guest's tables", guest_walks },
	{ "walks of EPT", ept_walks },
	{ "capabilities", capabilities },
	{ "codes explained", codes },
	{ }
};
