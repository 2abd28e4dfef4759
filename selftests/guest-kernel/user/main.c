// SPDX-License-Identifier: GPL-2.0-only
/*
 * Init, the root of all user processes: runs the tests if the command line says "test", measures
 * if it says "bench", else keeps a shell alive; and collects whatever becomes an orphan.
 */
#include "lib.h"

int main(void)
{
	char line[256] = "";
	int id, child;

	system_call(SYS_COMMAND_LINE, (long)line, sizeof(line), 0);
	if (find_word(line, "test")) {
		power_off(run_tests(find_word(line, "fail")));
		return 1;
	}
	if (find_word(line, "bench")) {
		run_bench();
		power_off(0);
	}
	for (;;) {
		child = fork();
		if (child == IN_CHILD) {
			set_name("shell");
			set_priority(getpid(), PRIORITY_SHELL);
			exit(shell());
		}
		do
			id = waitpid(ANY_CHILD, NULL, 0);
		while (id >= 0 && id != child);
	}
}
