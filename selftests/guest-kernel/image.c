// SPDX-License-Identifier: GPL-2.0-only
/*
 * The programs' image: an ELF file (System V ABI, "Program Loading") in the kernel's read-only
 * data, put there by the assembler. Its segments become pages with the rights that their headers
 * ask for, and none is for writing and execution at once.
 */
#include "image.h"
#include "console.h"
#include "format.h"
#include "machine.h"
#include "memory.h"
#include "paging.h"

asm(".section .rodata\n\t"
    ".balign 8\n\t"
    ".globl user_image, user_image_end\n"
    "user_image:\n\t"
    ".incbin \"" USER_ELF "\"\n"
    "user_image_end:\n\t"
    ".previous");

extern const u8 user_image[], user_image_end[];

struct elf_header {
	u8 ident[16];
	u16 type, machine;
	u32 version;
	u64 entry, phoff, shoff;
	u32 flags;
	u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct elf_segment {
	u32 type, flags;
	u64 offset, vaddr, paddr, filesz, memsz, align;
};

#define SEGMENT_LOAD	1
#define FLAG_EXECUTE	1
#define FLAG_WRITE	2

static bool load_segment(struct space *s, const struct elf_segment *p)
{
	u64 flags = p->flags & FLAG_EXECUTE ? 0 : PAGE_NO_EXECUTE, at, page, part;

	if (p->flags & FLAG_WRITE)
		flags |= PAGE_WRITABLE;
	for (at = 0; at < p->memsz; at += PAGE_SIZE) {
		page = page_get();
		if (!page)
			return false;
		if (at < p->filesz) {
			part = min(p->filesz - at, (u64)PAGE_SIZE);
			memcpy(physical(page), user_image + p->offset + at, part);
		}
		if (!space_add(s, p->vaddr + at, page, flags))
			return false;
	}
	return true;
}

/**
 * image_load() - the programs' image becomes the memory of a process
 * @s: the memory, empty
 * @entry: receives where it begins
 *
 * Return: false without memory.
 */
bool image_load(struct space *s, u64 *entry)
{
	const struct elf_header *h = (const void *)user_image;
	const struct elf_segment *p = (const void *)(user_image + h->phoff);
	unsigned int i;

	if (memcmp(h->ident, "\177ELF", 4))
		stop("the programs' image is no ELF file");
	for (i = 0; i < h->phnum; i++) {
		if (p[i].type != SEGMENT_LOAD)
			continue;
		if (p[i].vaddr % PAGE_SIZE)
			stop("a segment of the programs' image at %lx", p[i].vaddr);
		if (!load_segment(s, &p[i]))
			return false;
	}
	*entry = h->entry;
	return true;
}
