// SPDX-License-Identifier: GPL-2.0-only
/*
 * Completion for bash and zsh from the commands' descriptions.
 *
 * The script for bash needs no other package (not bash-completion); that for zsh is a function
 * for its completion system, which finds it as _minikvm.
 */
#include "cmd/describe.h"

#define PCI_DEVICES	"$(ls /sys/bus/pci/devices 2>/dev/null)"

static void print_forms(const struct described_option *o)
{
	printf(o->value < 256 ? "\t\t--%s | -%c)" : "\t\t--%s)", o->name, o->value);
}

static void bash_command(const struct described_command *command)
{
	const struct described_option *o;
	const struct described_word *w;

	printf("\t%s)\n\t\tcase $option in\n", command->name);
	for (o = command->options; o && o->name; o++) {
		if (!o->argument || o->optional)
			continue;
		print_forms(o);
		switch (o->kind) {
		case TAKES_FILE:
			puts(" _minikvm_files; return ;;");
			break;
		case TAKES_NODE:
			puts(" _minikvm_words \"/dev/minikvm /dev/kvm\"; return ;;");
			break;
		case TAKES_PCI_ADDRESS:
			puts(" _minikvm_words \"" PCI_DEVICES "\"; return ;;");
			break;
		case TAKES_WORD:
			printf(" _minikvm_words \"%s\"; return ;;\n", o->words);
			break;
		default:
			puts(" return ;;");
		}
	}
	fputs("\t\tesac\n\t\t_minikvm_words \"--help", stdout);
	for (o = command->options; o && o->name; o++)
		printf(" --%s", o->name);
	for (w = command->operands; w && w->name; w++)
		printf(" %s", w->name);
	puts("\" ;;");
}

/** describe_bash() - print the completion for bash */
void describe_bash(void)
{
	const struct described_command *const *c;

	fputs("# bash completion of minikvm, made by minikvm --describe bash\n\n"
	      "# bash splits words at \"=\" and \":\" too: the word as it was typed counts.\n"
	      "_minikvm_words()\n{\n"
	      "\tlocal prefix=\n\n"
	      "\t[[ $word == *:* ]] && prefix=${word%:*}:\n"
	      "\tmapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$word\")\n"
	      "\tCOMPREPLY=(\"${COMPREPLY[@]#\"$prefix\"}\")\n"
	      "}\n\n"
	      "_minikvm_files()\n{\n"
	      "\tcompopt -o filenames 2>/dev/null\n"
	      "\tmapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
	      "}\n\n"
	      "_minikvm()\n{\n"
	      "\tlocal line=${COMP_LINE:0:COMP_POINT} word option command=${COMP_WORDS[1]}\n\n"
	      "\tCOMPREPLY=()\n"
	      "\tword=${line##*[ =]}\n"
	      "\tline=${line%\"$word\"}\n"
	      "\tline=${line%\"${line##*[! =]}\"}\n"
	      "\toption=${line##* }\n"
	      "\tif ((COMP_CWORD == 1)); then\n"
	      "\t\t_minikvm_words \"--help --version", stdout);
	for (c = described_commands; *c; c++)
		printf(" %s", (*c)->name);
	fputs("\"\n\t\treturn\n\tfi\n\tcase $command in\n", stdout);
	for (c = described_commands; *c; c++)
		bash_command(*c);
	puts("\tesac\n}\n\ncomplete -F _minikvm minikvm");
}

/* A text in single quotes, in brackets, for _arguments. */
static void zsh_text(const char *s)
{
	for (; *s; s++) {
		if (*s == '\'')
			fputs("'\\''", stdout);
		else if (*s == '[' || *s == ']' || *s == ':' || *s == '\\')
			printf("\\%c", *s);
		else
			putchar(*s == '\n' ? ' ' : *s);
	}
}

static void zsh_option(const struct described_option *o)
{
	printf("\t\t\t'--%s%s[", o->name, o->optional ? "=-" : o->argument ? "=" : "");
	zsh_text(o->help);
	putchar(']');
	if (o->argument) {
		fputs(o->optional ? "::" : ":", stdout);
		zsh_text(o->argument);
		switch (o->kind) {
		case TAKES_FILE:
			fputs(":_files", stdout);
			break;
		case TAKES_NODE:
			fputs(":(/dev/minikvm /dev/kvm)", stdout);
			break;
		case TAKES_PCI_ADDRESS:
			fputs(":( " PCI_DEVICES ")", stdout);
			break;
		case TAKES_WORD:
			printf(":(%s)", o->words);
			break;
		default:
			fputs(": ", stdout);
		}
	}
	puts("' \\");
}

static void zsh_words(const struct described_word *w)
{
	if (!w)
		return;
	fputs("\t\t\t'1: :((", stdout);
	for (; w->name; w++) {
		printf("%s\\:\"", w->name);
		zsh_text(w->what);
		fputs(w[1].name ? "\" " : "\"", stdout);
	}
	puts("))' \\");
}

/** describe_zsh() - print the completion for zsh */
void describe_zsh(void)
{
	const struct described_command *const *c;
	const struct described_option *o;

	fputs("#compdef minikvm\n# zsh completion of minikvm, made by minikvm --describe zsh\n\n"
	      "_minikvm() {\n"
	      "\tlocal context state state_descr line\n"
	      "\tlocal -A opt_args\n"
	      "\tlocal -a commands\n\n"
	      "\tcommands=(\n", stdout);
	for (c = described_commands; *c; c++) {
		printf("\t\t'%s:", (*c)->name);
		zsh_text((*c)->summary);
		puts("'");
	}
	fputs("\t)\n"
	      "\t_arguments -C '--help[list the commands]' '--version[print the version]' \\\n"
	      "\t\t'1:command:->command' '*::argument:->argument'\n"
	      "\tcase $state in\n"
	      "\tcommand)\n\t\t_describe command commands ;;\n"
	      "\targument)\n\t\tcase $line[1] in\n", stdout);
	for (c = described_commands; *c; c++) {
		printf("\t\t%s)\n\t\t\t_arguments '--help[explain the command]' \\\n", (*c)->name);
		for (o = (*c)->options; o && o->name; o++)
			zsh_option(o);
		zsh_words((*c)->operands);
		puts("\t\t\t\t;;");
	}
	puts("\t\tesac ;;\n\tesac\n}\n\n_minikvm \"$@\"");
}
