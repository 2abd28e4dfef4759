// SPDX-License-Identifier: GPL-2.0-only
/*
 * Turns a kernel into the images that Bochs preloads into RAM.
 *
 * Implements the loader's side of the kernel's Documentation/x86/boot.rst (the
 * Linux/x86 Boot Protocol): reads the setup header of a bzImage, fills in what
 * a loader must, and lays out the uncompressed vmlinux by its ELF segments.
 * bootrom.S enters the result.
 *
 *	bootimg payload BZIMAGE				prints "offset length"
 *	bootimg release BZIMAGE				prints the kernel's release
 *	bootimg flatten VMLINUX OUT			prints "load entry end"
 *	bootimg setup BZIMAGE OUT CODE32 INITRD SIZE CMDLINE
 *	bootimg protected BZIMAGE OUT			the compressed kernel
 *	bootimg rom IN OUT				checksums the option ROM
 *	bootimg trampoline IN OUT ENTRY LOAD IMAGE	sets its jump target
 *
 * Addresses and sizes are bytes, in hexadecimal with 0x or in decimal.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Offsets in the setup header */
#define HDR_SETUP_SECTS		0x1f1
#define HDR_MAGIC		0x202
#define HDR_VERSION		0x206
#define HDR_KERNEL_VERSION	0x20e
#define HDR_TYPE_OF_LOADER	0x210
#define HDR_LOADFLAGS		0x211
#define HDR_CODE32_START	0x214
#define HDR_RAMDISK_IMAGE	0x218
#define HDR_RAMDISK_SIZE	0x21c
#define HDR_HEAP_END_PTR	0x224
#define HDR_CMD_LINE_PTR	0x228
#define HDR_CMDLINE_SIZE	0x238
#define HDR_PAYLOAD_OFFSET	0x248
#define HDR_PAYLOAD_LENGTH	0x24c

#define LOADER_UNDEFINED	0xff
#define CAN_USE_HEAP		0x80
#define QUIET_FLAG		0x20

/* Where host-bochs.sh loads the setup image, and the command line behind the heap */
#define SETUP_ADDRESS		0x90000
#define HEAP_END		0xe000
#define CMDLINE_OFFSET		0xe000
#define SETUP_IMAGE_SIZE	0xf000

/* The trampoline's parameters, and the block of RAM that it works in */
#define ENTRY_POINT_OFFSET	8
#define IMAGE_START_OFFSET	16
#define IMAGE_BLOCKS_OFFSET	20
#define BLOCK_WORDS_OFFSET	24
#define MAX_BLOCKS		256
#define BLOCK_SIZE		(8 << 20)

struct file {
	unsigned char *data;
	size_t size;
};

static const char *current;

static void die(const char *what)
{
	fprintf(stderr, "lab: %s: %s.\n", current, what);
	exit(1);
}

static struct file map(const char *path)
{
	struct file f = { 0 };
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	current = path;
	if (fd < 0 || fstat(fd, &st))
		die(strerror(errno));
	f.size = st.st_size;
	if (f.size < 0x400)
		die("too short for what it should be");
	f.data = mmap(NULL, f.size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (f.data == MAP_FAILED)
		die(strerror(errno));
	close(fd);
	return f;
}

static void save(const char *path, const void *data, size_t size)
{
	FILE *f = fopen(path, "we");

	current = path;
	if (!f || fwrite(data, 1, size, f) != size || fclose(f))
		die(strerror(errno));
}

static uint32_t get32(const unsigned char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static void put32(unsigned char *p, uint32_t v)
{
	memcpy(p, &v, sizeof(v));
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t v;

	errno = 0;
	v = strtoull(text, &end, 0);
	if (errno || *end || end == text) {
		current = text;
		die("not a number");
	}
	return v;
}

static struct file map_bzimage(const char *path)
{
	struct file f = map(path);

	if (memcmp(f.data + HDR_MAGIC, "HdrS", 4) || f.data[HDR_VERSION + 1] < 2 ||
	    (f.data[HDR_VERSION + 1] == 2 && f.data[HDR_VERSION] < 8))
		die("not a bzImage of Linux 2.6.26 or later");
	return f;
}

static size_t setup_size(const struct file *f)
{
	unsigned int sectors = f->data[HDR_SETUP_SECTS];
	size_t size = ((sectors ? sectors : 4) + 1) * 512;

	if (size >= f->size || size > CMDLINE_OFFSET)
		die("its setup code has an impossible size");
	return size;
}

static int print_payload(const char *path)
{
	struct file f = map_bzimage(path);
	uint64_t offset = setup_size(&f) + (uint64_t)get32(f.data + HDR_PAYLOAD_OFFSET);
	uint64_t length = get32(f.data + HDR_PAYLOAD_LENGTH);

	if (!length || offset + length > f.size)
		die("its compressed kernel lies outside the file");
	printf("%llu %llu\n", (unsigned long long)offset, (unsigned long long)length);
	return 0;
}

static int print_release(const char *path)
{
	struct file f = map_bzimage(path);
	size_t at = (f.data[HDR_KERNEL_VERSION] | f.data[HDR_KERNEL_VERSION + 1] << 8) + 0x200;

	if (at >= setup_size(&f))
		die("names no kernel release");
	printf("%.*s\n", (int)strcspn((char *)f.data + at, " "), f.data + at);
	return 0;
}

static int flatten(const char *path, const char *out)
{
	struct file f = map(path);
	const Elf64_Ehdr *e = (void *)f.data;
	const Elf64_Phdr *p;
	uint64_t load = UINT64_MAX, file_end = 0, mem_end = 0;
	unsigned char *image;
	int i;

	if (memcmp(e->e_ident, ELFMAG, SELFMAG) || e->e_ident[EI_CLASS] != ELFCLASS64 ||
	    e->e_machine != EM_X86_64)
		die("not a 64-bit x86 kernel");
	if (e->e_phentsize != sizeof(*p) || e->e_phoff > f.size ||
	    e->e_phnum * sizeof(*p) > f.size - e->e_phoff)
		die("has a bad program header table");
	p = (void *)(f.data + e->e_phoff);
	for (i = 0; i < e->e_phnum; i++) {
		if (p[i].p_type != PT_LOAD)
			continue;
		if (p[i].p_offset > f.size || p[i].p_filesz > f.size - p[i].p_offset ||
		    p[i].p_paddr > UINT32_MAX || p[i].p_memsz > UINT32_MAX ||
		    p[i].p_filesz > p[i].p_memsz)
			die("has a segment outside the file");
		if (p[i].p_paddr < load)
			load = p[i].p_paddr;
		if (p[i].p_paddr + p[i].p_filesz > file_end)
			file_end = p[i].p_paddr + p[i].p_filesz;
		if (p[i].p_paddr + p[i].p_memsz > mem_end)
			mem_end = p[i].p_paddr + p[i].p_memsz;
	}
	if (load == UINT64_MAX || file_end - load > 1 << 30)
		die("has no sensible segments");
	image = calloc(1, file_end - load);
	if (!image)
		die(strerror(errno));
	for (i = 0; i < e->e_phnum; i++)
		if (p[i].p_type == PT_LOAD)
			memcpy(image + p[i].p_paddr - load, f.data + p[i].p_offset, p[i].p_filesz);
	save(out, image, file_end - load);
	printf("%#llx %#llx %#llx\n", (unsigned long long)load, (unsigned long long)e->e_entry,
	       (unsigned long long)mem_end);
	return 0;
}

static int make_setup(char **a)
{
	static unsigned char image[SETUP_IMAGE_SIZE];
	struct file f = map_bzimage(a[0]);
	size_t limit = get32(f.data + HDR_CMDLINE_SIZE);

	if (limit > SETUP_IMAGE_SIZE - CMDLINE_OFFSET - 1)
		limit = SETUP_IMAGE_SIZE - CMDLINE_OFFSET - 1;
	if (strlen(a[5]) > limit) {
		fprintf(stderr, "lab: the kernel command line is longer than %zu bytes.\n", limit);
		return 1;
	}
	memcpy(image, f.data, setup_size(&f));
	image[HDR_TYPE_OF_LOADER] = LOADER_UNDEFINED;
	image[HDR_LOADFLAGS] |= CAN_USE_HEAP | QUIET_FLAG;
	put32(image + HDR_CODE32_START, number(a[2]));
	put32(image + HDR_RAMDISK_IMAGE, number(a[3]));
	put32(image + HDR_RAMDISK_SIZE, number(a[4]));
	image[HDR_HEAP_END_PTR] = (HEAP_END - 0x200) & 0xff;
	image[HDR_HEAP_END_PTR + 1] = (HEAP_END - 0x200) >> 8;
	put32(image + HDR_CMD_LINE_PTR, SETUP_ADDRESS + CMDLINE_OFFSET);
	strcpy((char *)image + CMDLINE_OFFSET, a[5]);
	save(a[1], image, sizeof(image));
	return 0;
}

static int make_protected(const char *path, const char *out)
{
	struct file f = map_bzimage(path);
	size_t start = setup_size(&f);

	save(out, f.data + start, f.size - start);
	return 0;
}

static int make_rom(const char *path, const char *out)
{
	struct file f = map(path);
	unsigned char sum = 0;
	size_t i;

	for (i = 0; i < f.size - 1; i++)
		sum += f.data[i];
	f.data[f.size - 1] = -sum;
	save(out, f.data, f.size);
	return 0;
}

static int make_trampoline(char **a)
{
	struct file f = map(a[0]), image;
	uint64_t entry = number(a[2]);
	uint32_t load = number(a[3]);
	size_t blocks, i;

	if (load % BLOCK_SIZE) {
		current = a[3];
		die("the kernel's address is not a multiple of 8 MiB");
	}
	image = map(a[4]);
	blocks = (image.size + BLOCK_SIZE - 1) / BLOCK_SIZE;
	if (blocks > MAX_BLOCKS)
		die("kernel and initramfs are too large");
	memcpy(f.data + ENTRY_POINT_OFFSET, &entry, sizeof(entry));
	put32(f.data + IMAGE_START_OFFSET, load);
	put32(f.data + IMAGE_BLOCKS_OFFSET, blocks);
	for (i = 0; i < blocks; i++) {
		uint32_t word;

		memcpy(&word, image.data + i * BLOCK_SIZE, sizeof(word));
		put32(f.data + BLOCK_WORDS_OFFSET + 4 * i, word);
	}
	save(a[1], f.data, f.size);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "payload") && argc == 3)
		return print_payload(argv[2]);
	if (!strcmp(what, "release") && argc == 3)
		return print_release(argv[2]);
	if (!strcmp(what, "flatten") && argc == 4)
		return flatten(argv[2], argv[3]);
	if (!strcmp(what, "setup") && argc == 8)
		return make_setup(argv + 2);
	if (!strcmp(what, "protected") && argc == 4)
		return make_protected(argv[2], argv[3]);
	if (!strcmp(what, "rom") && argc == 4)
		return make_rom(argv[2], argv[3]);
	if (!strcmp(what, "trampoline") && argc == 7)
		return make_trampoline(argv + 2);
	fprintf(stderr, "usage: see the head of bootimg.c\n");
	return 2;
}
