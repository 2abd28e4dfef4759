// SPDX-License-Identifier: GPL-2.0-only
/*
 * bochs-smp.c - preloaded into Bochs 3.0 when it has several processors: repairs what its loop for
 * them forgets.
 *
 * Bochs delivers an exception and leaves the instruction by longjmp(). BX_CPU_C::cpu_loop(), which
 * runs a lone processor, then takes the new RIP for that of the next instruction: prev_rip. The
 * loop for several does not. So until the handler's first instruction is complete, a VM exit (an
 * interrupt, the VMX-preemption timer, an EPT violation) or another exception saves the RIP of the
 * instruction that faulted, with the stack and the privilege of the handler. A Linux guest dies
 * of it in one boot of fifteen or so.
 *
 * Relies on the symbols that Bochs exports to its plugins. Where the fields are is read from the
 * code of cpu_loop() itself, so that another build is noticed and refused instead of damaged.
 */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of cpu_loop() that are searched; the place is within its first 200. */
#define LOOP_BYTES	512

static char ***processors;	/* the address of Bochs' pointer to the pointers */
static const unsigned char *nr_processors;
static const void *jump_buffer;
static void (*next_longjmp)(struct __jmp_buf_tag *env, int value);
static uint32_t rip, prev_rip, speculative_rsp;

void __longjmp_chk(struct __jmp_buf_tag env[1], int value) __attribute__((noreturn));

static uint32_t displacement(const unsigned char *code)
{
	uint32_t value;

	memcpy(&value, code, sizeof(value));
	return value;
}

/*
 *	mov rip(%rdx),%rax ... movb $0,speculative_rsp(%rdx); mov %rax,prev_rip(%rdx)
 */
static int find_fields(const unsigned char *code)
{
	int i, load = -1;

	for (i = 0; i < LOOP_BYTES; i++) {
		if (!memcmp(code + i, "\x48\x8b\x82", 3))
			load = i;
		if (load < 0 || memcmp(code + i, "\xc6\x82", 2) || code[i + 6] ||
		    memcmp(code + i + 7, "\x48\x89\x82", 3))
			continue;
		rip = displacement(code + load + 3);
		speculative_rsp = displacement(code + i + 2);
		prev_rip = displacement(code + i + 10);
		return 0;
	}
	return -1;
}

__attribute__((constructor)) static void find_processors(void)
{
	const unsigned char *loop = dlsym(RTLD_DEFAULT, "_ZN8BX_CPU_C8cpu_loopEv");

	processors = dlsym(RTLD_DEFAULT, "bx_cpu_array");
	nr_processors = dlsym(RTLD_DEFAULT, "bx_cpu_count");
	jump_buffer = dlsym(RTLD_DEFAULT, "_ZN8BX_CPU_C11jmp_buf_envE");
	next_longjmp = dlsym(RTLD_NEXT, "__longjmp_chk");
	if (loop && processors && nr_processors && jump_buffer && next_longjmp &&
	    !find_fields(loop))
		return;
	fprintf(stderr, "bochs-smp: this is not the Bochs that it was written for\n");
	_Exit(1);
}

void __longjmp_chk(struct __jmp_buf_tag env[1], int value)
{
	int i;

	/* The others are between two instructions, where both are the same anyway. */
	for (i = 0; env == jump_buffer && i < *nr_processors; i++) {
		char *cpu = (*processors)[i];

		memcpy(cpu + prev_rip, cpu + rip, sizeof(uint64_t));
		cpu[speculative_rsp] = 0;
	}
	next_longjmp(env, value);
	abort();
}
