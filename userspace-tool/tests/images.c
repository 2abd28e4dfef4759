// SPDX-License-Identifier: GPL-2.0-only
/*
 * Made-up kernel images: see images.h. The formats are those of the Linux/x86 boot protocol, the
 * ELF specification and the Multiboot specification.
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "images.h"

#define SETUP_SECTS	1

struct guest_ram test_ram(__u64 size)
{
	struct guest_ram ram = { .low_size = size };

	/* Fresh pages from mmap are zero and cost nothing; guard pages on both sides. */
	ram.low = mmap(NULL, size + 8192, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ram.low += 4096;
	mprotect(ram.low, size, PROT_READ | PROT_WRITE);
	return ram;
}

void test_ram_free(struct guest_ram *ram)
{
	munmap(ram->low - 4096, ram->low_size + 8192);
}

struct image test_image(size_t size)
{
	return (struct image) { .name = "test", .data = calloc(1, size), .size = size };
}

void test_image_free(struct image *img)
{
	free((void *)img->data);
}

void *test_bytes(const struct image *img)
{
	return (void *)img->data;
}

struct setup_header *test_header(const struct image *img)
{
	return (struct setup_header *)(img->data + 0x1f1);
}

struct image test_bzimage(size_t payload)
{
	struct image img = test_image((SETUP_SECTS + 1) * 512 + payload);
	struct setup_header *h = test_header(&img);

	h->setup_sects = SETUP_SECTS;
	h->syssize = payload / 16;
	h->boot_flag = 0xaa55;
	((__u8 *)test_bytes(&img))[0x200] = 0xeb;
	((__u8 *)test_bytes(&img))[0x201] = 0x1f1 + sizeof(*h) - 0x202;
	memcpy(&h->header, "HdrS", 4);
	h->version = 0x020f;
	h->loadflags = LOADED_HIGH;
	h->code32_start = 0x100000;
	h->initrd_addr_max = 0x7fffffff;
	h->kernel_alignment = 2 * MIB;
	h->relocatable_kernel = 1;
	h->xloadflags = XLF_KERNEL_64;
	h->cmdline_size = 2047;
	h->pref_address = 16 * MIB;
	h->init_size = 8 * MIB;
	memset((__u8 *)test_bytes(&img) + (SETUP_SECTS + 1) * 512, 0x5a, payload);
	return img;
}

static struct image elf64(bool pvh)
{
	struct image img = test_image(0x1000);
	__u8 *bytes = test_bytes(&img);
	Elf64_Phdr *ph = (Elf64_Phdr *)(bytes + sizeof(Elf64_Ehdr));
	__u32 note[] = { 4, 4, 18, 0, TEST_PVH_ENTRY };
	Elf64_Ehdr eh = {
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_entry = TEST_ELF_ENTRY,
		.e_phoff = sizeof(eh),
		.e_ehsize = sizeof(eh),
		.e_phentsize = sizeof(*ph),
		.e_phnum = pvh ? 2 : 1,
	};

	memcpy(eh.e_ident, ELFMAG, SELFMAG);
	eh.e_ident[EI_CLASS] = ELFCLASS64;
	eh.e_ident[EI_DATA] = ELFDATA2LSB;
	eh.e_ident[EI_VERSION] = EV_CURRENT;
	memcpy(bytes, &eh, sizeof(eh));
	ph[0] = (Elf64_Phdr) {
		.p_type = PT_LOAD,
		.p_offset = 0x800,
		.p_vaddr = 0xffffffff81000000 + TEST_ELF_ADDRESS,
		.p_paddr = TEST_ELF_ADDRESS,
		.p_filesz = 0x800,
		.p_memsz = 0x3000,
		.p_align = 4096,
	};
	memset(bytes + 0x800, 0x5a, 0x800);
	if (!pvh)
		return img;
	ph[1] = (Elf64_Phdr) {
		.p_type = PT_NOTE,
		.p_offset = 0x400,
		.p_filesz = sizeof(note),
		.p_memsz = sizeof(note),
		.p_align = 4,
	};
	memcpy(&note[3], "Xen", 4);
	memcpy(bytes + 0x400, note, sizeof(note));
	return img;
}

/* Return: the bytes that the note takes. */
static size_t put_note(__u8 *at, const char *name, __u32 type, __u32 desc, unsigned int align)
{
	Elf64_Nhdr note = { strlen(name) + 1, sizeof(desc), type };
	size_t desc_at = (sizeof(note) + note.n_namesz + align - 1) & -(size_t)align;

	memcpy(at, &note, sizeof(note));
	memcpy(at + sizeof(note), name, note.n_namesz);
	memcpy(at + desc_at, &desc, sizeof(desc));
	return (desc_at + sizeof(desc) + align - 1) & -(size_t)align;
}

struct image test_elf_notes(unsigned int p_align, unsigned int note_align)
{
	struct image img = elf64(true);
	__u8 *bytes = test_bytes(&img);
	Elf64_Phdr *ph = (Elf64_Phdr *)(bytes + sizeof(Elf64_Ehdr)) + 1;
	size_t size;

	/* A name whose padding differs between the two alignments, and so does what follows. */
	size = put_note(bytes + 0x400, "Linux", 0x101, 0x11223344, note_align);
	size += put_note(bytes + 0x400 + size, "Xen", 18, TEST_PVH_ENTRY, note_align);
	ph->p_align = p_align;
	ph->p_filesz = size;
	ph->p_memsz = size;
	return img;
}

static struct image elf32(size_t size)
{
	struct image img = test_image(size);
	__u8 *bytes = test_bytes(&img);
	Elf32_Phdr *ph = (Elf32_Phdr *)(bytes + sizeof(Elf32_Ehdr));
	Elf32_Ehdr eh = {
		.e_type = ET_EXEC,
		.e_machine = EM_386,
		.e_version = EV_CURRENT,
		.e_entry = TEST_ELF_ENTRY,
		.e_phoff = sizeof(eh),
		.e_ehsize = sizeof(eh),
		.e_phentsize = sizeof(*ph),
		.e_phnum = 1,
	};

	memcpy(eh.e_ident, ELFMAG, SELFMAG);
	eh.e_ident[EI_CLASS] = ELFCLASS32;
	eh.e_ident[EI_DATA] = ELFDATA2LSB;
	eh.e_ident[EI_VERSION] = EV_CURRENT;
	memcpy(bytes, &eh, sizeof(eh));
	ph[0] = (Elf32_Phdr) {
		.p_type = PT_LOAD,
		.p_offset = 0x800,
		.p_vaddr = TEST_ELF_ADDRESS,
		.p_paddr = TEST_ELF_ADDRESS,
		.p_filesz = 0x800,
		.p_memsz = 0x3000,
		.p_align = 4096,
	};
	memset(bytes + 0x800, 0x5a, 0x800);
	return img;
}

struct image test_elf(enum test_elf_kind kind)
{
	if (kind == TEST_ELF32)
		return elf32(0x1000);
	return elf64(kind == TEST_ELF64_PVH);
}

struct image test_multiboot(bool addresses)
{
	__u32 flags = 3 | (addresses ? 1 << 16 : 0);
	__u32 header[] = {
		0x1badb002, flags, -(0x1badb002 + flags),
		TEST_ELF_ADDRESS + 0x400, TEST_ELF_ADDRESS, TEST_ELF_ADDRESS + 0x1000,
		TEST_ELF_ADDRESS + 0x3000, TEST_ELF_ENTRY,
	};
	struct image img = addresses ? test_image(0x1000) : elf32(0x1000);
	__u8 *bytes = test_bytes(&img);

	memcpy(bytes + 0x400, header, addresses ? sizeof(header) : 12);
	if (addresses)
		memset(bytes + 0x800, 0x5a, 0x800);
	return img;
}
