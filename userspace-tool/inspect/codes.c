// SPDX-License-Identifier: GPL-2.0-only
/*
 * Codes in words: exits, VM-entry failures, VM-instruction errors, ioctls, faults.
 *
 * SDM, "VMX Basic Exit Reasons", "VM-Instruction Error Numbers", "Exit Qualification for EPT
 * Violations"; VT-d specification, "Fault Conditions"; KVM's ABI. Names and sentences are the
 * module's own tables, compiled in. A code is a number, decimal or with 0x, or a name, in which
 * case does not matter and '-', '_' and ' ' are the same. Pure.
 */
#include <asm/vmx.h>
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "arch/x86/vmx/explain/exit_reason.h"
#include "arch/x86/vmx/explain/vmx_error.h"
#include "inspect/codes.h"
#include "iommu/hw/fault_reason.h"

#define ENTRY_FAILED	0x80000000ULL
#define VTD_REASONS	256

static char plain(char c)
{
	return c == '-' || c == '_' ? ' ' : (char)tolower((unsigned char)c);
}

static bool same_name(const char *a, const char *b)
{
	while (*a && plain(*a) == plain(*b)) {
		a++;
		b++;
	}
	return !*a && !*b;
}

/* Is @text a number as a whole? */
static bool number(const char *text, unsigned long long *n)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*n = strtoull(text, &end, 0);
	return !errno && !*end;
}

static void print(FILE *to, unsigned long long code, const char *name, const char *sentence)
{
	fprintf(to, "%-4llu 0x%-10llx %s\n", code, code, name);
	if (sentence)
		fprintf(to, "                  %s\n", sentence);
}

/*
 * One topic: the codes below @limit that have a name. @describe sets the name, NULL where there is
 * none, and may set a sentence.
 */
struct topic {
	const char *name, *what;
	unsigned int limit;
	void (*describe)(unsigned int code, const char **name, const char **sentence);
	int (*more)(const char *code, unsigned long long n, bool is_number, FILE *to);
};

static void describe_exit(unsigned int code, const char **name, const char **sentence)
{
	*sentence = exit_sentences[code];
	*name = *sentence ? exit_reason_name(code) : NULL;
}

/* SDM, "Format of Exit Reason": bits above the basic reason. */
static int exit_with_flags(const char *code, unsigned long long n, bool is_number, FILE *to)
{
	unsigned int basic = n & 0xffff;

	(void)code;
	if (!is_number || n > 0xffffffff || n == basic || basic >= NR_EXIT_REASONS ||
	    !exit_sentences[basic])
		return 0;
	print(to, n, exit_reason_name(basic), exit_sentences[basic]);
	if (n & ENTRY_FAILED)
		fputs("                  Bit 31: VM entry failed, the guest did not run.\n", to);
	if (n & (1ULL << 27))
		fputs("                  Bit 27: the exit came from enclave mode.\n", to);
	if (n & (1ULL << 26))
		fputs("                  Bit 26: the guest had locked the bus.\n", to);
	return 1;
}

static const struct { unsigned int code; const char *sentence; } entry_failures[] = {
	{ 7, "Control fields: `minikvm vmcs PID` shows what each rule wants, and if it holds." },
	{ 8, "Host-state area: a fault of the hypervisor's, not of the guest." },
	{ 26, "Retry behind the next instruction: MOV SS blocks events for one." },
	{ 33, "Guest state: `minikvm vmcs PID` and the kernel log name the field and the rule." },
	{ 34, "MSR loading: the exit qualification is the entry's number in the list." },
	{ 41, "A machine check; the host's log has more." },
};

static void describe_entry_failure(unsigned int code, const char **name, const char **sentence)
{
	size_t i;

	*name = NULL;
	for (i = 0; i < ARRAY_SIZE(entry_failures); i++) {
		if (entry_failures[i].code != code)
			continue;
		*name = code < NR_VMX_ERRORS ? vmx_error_name(code) : exit_reason_name(code);
		*sentence = entry_failures[i].sentence;
	}
}

/* As KVM_EXIT_FAIL_ENTRY has it: the whole exit reason. */
static int failed_exit(const char *code, unsigned long long n, bool is_number, FILE *to)
{
	const char *name, *sentence;

	(void)code;
	if (!is_number || (n & ~0xffffULL) != ENTRY_FAILED)
		return 0;
	describe_entry_failure(n & 0xffff, &name, &sentence);
	if (!name || (n & 0xffff) < NR_VMX_ERRORS)
		return 0;
	print(to, n, name, sentence);
	return 1;
}

static void describe_error(unsigned int code, const char **name, const char **sentence)
{
	*name = vmx_errors[code].name;
	*sentence = vmx_errors[code].sentence;
}

static void describe_vtd(unsigned int code, const char **name, const char **sentence)
{
	*name = fault_reason_name(code);
	if (!strcmp(*name, "unknown reason"))
		*name = NULL;
	*sentence = NULL;
}

/* SDM, "Exit Qualification for EPT Violations". */
static void print_ept_violation(unsigned long long q, FILE *to)
{
	fprintf(to, "EPT violation, exit qualification 0x%llx\n", q);
	fprintf(to, "  the access:%s%s%s%s\n", q & 1 ? " read" : "", q & 2 ? " write" : "",
		q & 4 ? " instruction fetch" : "", q & 7 ? "" : " none of read, write and fetch");
	fprintf(to, "  the entries allow:%s%s%s%s\n", q & 8 ? " read" : "", q & 16 ? " write" : "",
		q & 32 ? " execute" : "", q & 56 ? "" : " nothing, they are not present");
	if (q & 128)
		fprintf(to, "  the linear address is valid; the access was %s\n", q & 256 ?
			"to what it translates to" : "to the guest's page tables");
	else
		fputs("  there is no linear address\n", to);
	if (q & (1 << 12))
		fputs("  NMIs were unblocked by IRET\n", to);
}

/* SDM, "Page-Fault Error Code". */
static void print_page_fault(unsigned long long e, FILE *to)
{
	fprintf(to, "page fault, error code 0x%llx\n  %s %s by the %s: %s\n", e,
		e & 16 ? "instruction" : "data", e & 16 ? "fetch" : e & 2 ? "write" : "read",
		e & 4 ? "user" : "supervisor",
		e & 8 ? "a reserved bit is set in an entry" :
		e & 32 ? "the protection key forbids it" :
		e & 1 ? "the page is present and does not allow it" : "the page is not present");
}

static int processor_fault(const char *code, unsigned long long n, bool is_number, FILE *to)
{
	(void)is_number;
	if (!strncmp(code, "ept:", 4) && number(code + 4, &n))
		print_ept_violation(n, to);
	else if (!strncmp(code, "page:", 5) && number(code + 5, &n))
		print_page_fault(n, to);
	else
		return 0;
	return 1;
}

static const struct topic topics[] = {
	{ "exit", "VM exits, by basic exit reason or name", NR_EXIT_REASONS, describe_exit,
	  exit_with_flags },
	{ "entry-failure", "why a VM entry failed, by what KVM_EXIT_FAIL_ENTRY says",
	  NR_EXIT_REASONS, describe_entry_failure, failed_exit },
	{ "vmx-error", "VM-instruction errors", NR_VMX_ERRORS, describe_error, NULL },
	{ "fault", "VT-d fault reasons; ept:QUALIFICATION and page:ERROR-CODE are the processor's",
	  VTD_REASONS, describe_vtd, processor_fault },
};

static int explain_in(const struct topic *topic, const char *code, FILE *to)
{
	const char *name, *sentence = NULL;
	unsigned long long n = 0;
	bool is_number = code && number(code, &n);
	unsigned int i;
	int found = 0;

	for (i = 0; i < topic->limit; i++) {
		topic->describe(i, &name, &sentence);
		if (!name || (code && is_number && n != i) ||
		    (code && !is_number && !same_name(code, name)))
			continue;
		print(to, i, name, sentence);
		found++;
	}
	if (code && !found && topic->more)
		found = topic->more(code, n, is_number, to);
	return found;
}

/* Without direction and size, as 0xae80, people quote them, too. */
static bool is_ioctl(const struct ioctl_code *c, const char *code)
{
	unsigned long long n;

	if (number(code, &n))
		return n == c->number || n == (c->number & 0xffff);
	return same_name(code, c->name) ||
	       (!strncmp(c->name, "KVM_", 4) && same_name(code, c->name + 4));
}

static int explain_ioctl(const char *code, FILE *to)
{
	unsigned int i;
	int found = 0;

	for (i = 0; i < nr_ioctl_codes; i++) {
		if (code && !is_ioctl(&ioctl_codes[i], code))
			continue;
		fprintf(to, "0x%08lx %s, on %s\n           %s\n", ioctl_codes[i].number,
			ioctl_codes[i].name, ioctl_codes[i].where, ioctl_codes[i].sentence);
		found++;
	}
	return found;
}

/**
 * explain_code() - explain a code, or list all of a topic
 * @topic: exit, entry-failure, vmx-error, ioctl or fault
 * @code: a number or a name, or NULL: all
 * @to: where it goes
 * @why: receives the sentence on failure
 *
 * Return: 0; -1: the topic or the code is not known.
 */
int explain_code(const char *topic, const char *code, FILE *to, struct sentence *why)
{
	int found = -1;
	size_t i;

	if (!strcmp(topic, "ioctl"))
		found = explain_ioctl(code, to);
	for (i = 0; i < ARRAY_SIZE(topics); i++)
		if (!strcmp(topic, topics[i].name))
			found = explain_in(&topics[i], code, to);
	if (found > 0)
		return 0;
	if (found < 0)
		return say(why,
			   "'%.40s' is no topic: exit, entry-failure, vmx-error, ioctl and fault are.",
			   topic);
	return say(why,
		   "'%.60s' is no code of the topic %s; `minikvm explain %s` lists those that are.",
		   code, topic, topic);
}
