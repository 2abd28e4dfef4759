// SPDX-License-Identifier: GPL-2.0-only
/*
 * `minikvm symbols`: the symbols of a running kernel, as an ELF file that gdb reads.
 *
 * Distributions strip their kernels, and the packages with symbols are large; but every kernel
 * lists its own in /proc/kallsyms (CONFIG_KALLSYMS_ALL: all of them), lines of an address, a
 * letter as of nm(1) and a name. The file has sections without contents, one for each stretch
 * that the kernel's linker script names, so that gdb knows what is code. ELF: System V ABI,
 * "Object Files"; written by libelf.
 */
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <getopt.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/describe.h"
#include "compiler.h"
#include "terminal/sentence.h"

#define KALLSYMS	"/proc/kallsyms"

/* Where code and data lie, by the names of the kernel's linker script. */
static const struct {
	const char *section, *from, *to;
	GElf_Xword flags;
} stretches[] = {
	{ ".text", "_stext", "_etext", SHF_ALLOC | SHF_EXECINSTR },
	{ ".init.text", "_sinittext", "_einittext", SHF_ALLOC | SHF_EXECINSTR },
	{ ".rodata", "__start_rodata", "__end_rodata", SHF_ALLOC },
	{ ".data", "_sdata", "_edata", SHF_ALLOC | SHF_WRITE },
	{ ".bss", "__bss_start", "__bss_stop", SHF_ALLOC | SHF_WRITE },
};

struct symbols {
	Elf64_Sym *sym;
	size_t count, room;
	char *names;
	size_t names_len, names_room;
	__u64 from[ARRAY_SIZE(stretches)], to[ARRAY_SIZE(stretches)];
};

static void *grow(void *old, size_t *room, size_t size, size_t first)
{
	*room = *room ? *room * 2 : first;
	return realloc(old, *room * size);
}

static int add(struct symbols *s, __u64 address, char type, const char *name,
	       struct sentence *why)
{
	size_t len = strlen(name) + 1;

	if (s->count == s->room)
		s->sym = grow(s->sym, &s->room, sizeof(*s->sym), 1 << 16);
	if (s->names_len + len > s->names_room)
		s->names = grow(s->names, &s->names_room, 1, 1 << 20);
	if (!s->sym || !s->names)
		return say(why, "There is no memory for the symbols.");
	memcpy(s->names + s->names_len, name, len);
	s->sym[s->count++] = (Elf64_Sym) {
		.st_name = s->names_len,
		.st_info = ELF64_ST_INFO(type >= 'a' ? STB_LOCAL : STB_GLOBAL,
					 strchr("tTwW", type) ? STT_FUNC : STT_OBJECT),
		.st_value = address,
	};
	s->names_len += len;
	return 0;
}

/* The module's name behind a symbol in brackets: modules are not in the guest. */
static int read_symbols(struct symbols *s, const char *path, struct sentence *why)
{
	char line[1024], name[512], type;
	unsigned long long address;
	size_t i;
	FILE *f;

	f = fopen(path, "re");
	if (!f)
		return say(why, "%s cannot be read: %s.", path, strerror(errno));
	if (add(s, 0, 'a', "", why)) {
		fclose(f);
		return -1;
	}
	s->sym[0].st_info = 0;
	while (fgets(line, sizeof(line), f)) {
		if (strchr(line, '[') || sscanf(line, "%llx %c %511s", &address, &type, name) != 3)
			continue;
		for (i = 0; i < ARRAY_SIZE(stretches); i++) {
			if (!strcmp(name, stretches[i].from))
				s->from[i] = address;
			if (!strcmp(name, stretches[i].to))
				s->to[i] = address;
		}
		if (type != 'a' && type != 'A' && add(s, address, type, name, why)) {
			fclose(f);
			return -1;
		}
	}
	fclose(f);
	/* A kernel without CONFIG_KALLSYMS_ALL does not name the ends of its data. */
	for (i = 0; i < ARRAY_SIZE(stretches); i++)
		if (!s->from[i] || s->to[i] < s->from[i])
			s->to[i] = s->from[i];
	if (!s->from[0])
		return say(why,
			   "%s shows no addresses: read it as root, with /proc/sys/kernel/kptr_restrict at 0 or 1.",
			   path);
	return 0;
}

/* Which stretch, as the number of its section; 0 for none. */
static unsigned int section_of(const struct symbols *s, __u64 address)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(stretches); i++)
		if (address >= s->from[i] && address < s->to[i])
			return i + 1;
	return 0;
}

static int by_binding(const void *a, const void *b)
{
	const Elf64_Sym *x = a, *y = b;
	bool global_x = x->st_name && ELF64_ST_BIND(x->st_info) == STB_GLOBAL;
	bool global_y = y->st_name && ELF64_ST_BIND(y->st_info) == STB_GLOBAL;

	if (global_x != global_y)
		return global_x - global_y;
	return x->st_value < y->st_value ? -1 : x->st_value > y->st_value;
}

static bool put_section(Elf *elf, const GElf_Shdr *header, void *data, size_t size)
{
	Elf_Scn *scn = elf_newscn(elf);
	Elf_Data *d = scn ? elf_newdata(scn) : NULL;
	GElf_Shdr shdr;

	if (!d || !gelf_getshdr(scn, &shdr))
		return false;
	d->d_buf = data;
	d->d_size = size;
	d->d_type = header->sh_type == SHT_SYMTAB ? ELF_T_SYM : ELF_T_BYTE;
	d->d_align = header->sh_addralign;
	shdr = *header;
	return gelf_update_shdr(scn, &shdr);
}

static bool write_elf(struct symbols *s, int fd)
{
	char names[] = "\0.text\0.init.text\0.rodata\0.data\0.bss\0.symtab\0.strtab\0.shstrtab";
	unsigned int strtab = ARRAY_SIZE(stretches) + 2, i;
	GElf_Word name = 1;
	size_t local = 0, n;
	GElf_Ehdr ehdr;
	bool good = true;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_WRITE, NULL);
	if (!elf || !gelf_newehdr(elf, ELFCLASS64) || !gelf_getehdr(elf, &ehdr)) {
		elf_end(elf);
		return false;
	}
	ehdr.e_ident[EI_DATA] = ELFDATA2LSB;
	ehdr.e_type = ET_EXEC;
	ehdr.e_machine = EM_X86_64;
	ehdr.e_version = EV_CURRENT;
	ehdr.e_shstrndx = strtab + 1;
	good &= gelf_update_ehdr(elf, &ehdr);
	for (i = 0; i < ARRAY_SIZE(stretches); i++) {
		GElf_Shdr h = {
			.sh_name = name,
			.sh_type = SHT_NOBITS,
			.sh_flags = stretches[i].flags,
			.sh_addr = s->from[i],
			.sh_addralign = 1,
		};

		good &= put_section(elf, &h, NULL, s->to[i] - s->from[i]);
		name += strlen(names + name) + 1;
	}
	for (n = 0; n < s->count; n++)
		local += !n || ELF64_ST_BIND(s->sym[n].st_info) == STB_LOCAL;
	good &= put_section(elf, &(GElf_Shdr) {
		.sh_name = name, .sh_type = SHT_SYMTAB, .sh_link = strtab, .sh_info = local,
		.sh_entsize = sizeof(*s->sym), .sh_addralign = 8 },
		s->sym, s->count * sizeof(*s->sym));
	name += strlen(names + name) + 1;
	good &= put_section(elf, &(GElf_Shdr) {
		.sh_name = name, .sh_type = SHT_STRTAB, .sh_addralign = 1 },
		s->names, s->names_len);
	name += strlen(names + name) + 1;
	good &= put_section(elf, &(GElf_Shdr) {
		.sh_name = name, .sh_type = SHT_STRTAB, .sh_addralign = 1 },
		names, sizeof(names));
	good &= elf_update(elf, ELF_C_WRITE) >= 0;
	elf_end(elf);
	return good;
}

static int write_symbols(struct symbols *s, const char *path, struct sentence *why)
{
	size_t n, kept = 1;
	bool good;
	int fd;

	if (!s->sym)
		return say(why, "There is no symbol to write to %s.", path);
	for (n = 1; n < s->count; n++) {
		s->sym[n].st_shndx = section_of(s, s->sym[n].st_value);
		if (s->sym[n].st_shndx)
			s->sym[kept++] = s->sym[n];
	}
	s->count = kept;
	qsort(s->sym, s->count, sizeof(*s->sym), by_binding);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return say(why, "%s cannot be written: %s.", path, strerror(errno));
	good = write_elf(s, fd);
	if (close(fd) < 0 && good)
		return say(why, "%s cannot be written: %s.", path, strerror(errno));
	if (!good)
		return say(why, "%s cannot be written: %s.", path, elf_errmsg(-1));
	return 0;
}

static int command_symbols(int argc, char **argv)
{
	struct symbols s = { };
	struct sentence why;
	int ret;

	ret = describe_next(&symbols_description, argc, argv);
	if (ret != OPTION_END)
		return ret == OPTION_HELP ? STATUS_OK : STATUS_USAGE;
	argc -= optind;
	argv += optind;
	if (argc < 1 || argc > 2) {
		fputs("minikvm symbols: Say where to write: minikvm symbols OUTPUT [KALLSYMS].\n",
		      stderr);
		return STATUS_USAGE;
	}
	ret = read_symbols(&s, argc > 1 ? argv[1] : KALLSYMS, &why);
	if (!ret)
		ret = write_symbols(&s, argv[0], &why);
	if (ret)
		fprintf(stderr, "minikvm: %s\n", why.text);
	else
		printf("%zu symbols are in %s.\n", s.count - 1, argv[0]);
	free(s.sym);
	free(s.names);
	return ret ? STATUS_FAILED : STATUS_OK;
}

const struct described_command symbols_description = {
	.name = "symbols",
	.run = command_symbols,
	.summary = "the running kernel's symbols, as a file for gdb",
	.synopsis = "OUTPUT [KALLSYMS]",
	.about =
	"Writes an ELF file with the symbols of this kernel, or of the one whose /proc/kallsyms was\n"
	"copied to KALLSYMS, for gdb to look at a guest that runs the same kernel with 'nokaslr'.",
};
