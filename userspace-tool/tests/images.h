/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel images that the loader tests make up, and a guest memory to load them into.
 *
 * Every image is its own allocation of exactly its size: reading past it is an ASan report.
 */
#ifndef MINIKVM_TOOL_TESTS_IMAGES_H
#define MINIKVM_TOOL_TESTS_IMAGES_H

#include <asm/bootparam.h>

#include "boot/load.h"

#define TEST_RAM	(64 * MIB)

struct guest_ram test_ram(__u64 size);
void test_ram_free(struct guest_ram *ram);

/* An image of @size zero bytes. */
struct image test_image(size_t size);
void test_image_free(struct image *img);
void *test_bytes(const struct image *img);

/* A relocatable bzImage of protocol 2.15 with a 64-bit entry and @payload bytes of code. */
struct image test_bzimage(size_t payload);
struct setup_header *test_header(const struct image *img);

enum test_elf_kind { TEST_ELF64, TEST_ELF32, TEST_ELF64_PVH };
#define TEST_ELF_ADDRESS	0x200000
#define TEST_ELF_ENTRY		0x200010
#define TEST_PVH_ENTRY		0x200020

/* An ELF kernel with one segment at TEST_ELF_ADDRESS. */
struct image test_elf(enum test_elf_kind kind);

/* TEST_ELF64_PVH with another note before the entry's, and a choice of both alignments. */
struct image test_elf_notes(unsigned int p_align, unsigned int note_align);

/* A Multiboot kernel with load addresses in its header, or an ELF32 one without. */
struct image test_multiboot(bool addresses);

#endif
