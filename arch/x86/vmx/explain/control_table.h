/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control words of the VMCS and the names of their bits.
 */
#ifndef MINIKVM_ARCH_X86_VMX_EXPLAIN_CONTROL_TABLE_H
#define MINIKVM_ARCH_X86_VMX_EXPLAIN_CONTROL_TABLE_H

#include "arch/x86/vmx/explain/shim.h"

/* The control words, in the order of the SDM. */
enum entry_word {
	WORD_PIN, WORD_CPU, WORD_SECONDARY, WORD_TERTIARY, WORD_EXIT, WORD_ENTRY, NR_ENTRY_WORDS
};

/* What a control is to this module. */
enum control_use {
	CONTROL_KNOWN,		/* named in messages, never used */
	CONTROL_WANTED,		/* used where the processor has it */
	CONTROL_REQUIRED,	/* without it minikvm cannot run a guest */
};

/**
 * struct control_bit - one control
 * @bit: its number
 * @use: enum control_use
 * @name: as the SDM's tables call it
 */
struct control_bit {
	u8 bit;
	u8 use;
	const char *name;
};

/**
 * struct control_word - one control word
 * @field: its encoding in the VMCS
 * @name: for messages
 * @bits: the bits that have a name
 * @nr_bits: how many
 */
struct control_word {
	u32 field;
	const char *name;
	const struct control_bit *bits;
	unsigned int nr_bits;
};

extern const struct control_word control_words[NR_ENTRY_WORDS];

u32 control_decide(enum entry_word word, u32 must_be_1, u32 may_be_1, u32 *missing);
const char *control_bit_name(enum entry_word word, unsigned int bit);

#endif
