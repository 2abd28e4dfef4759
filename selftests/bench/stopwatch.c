// SPDX-License-Identifier: GPL-2.0-only
/*
 * stopwatch - how long a program takes to print a line, in ticks of the TSC.
 *
 * usage: stopwatch WORD COMMAND [ARG...]
 *
 * Starts COMMAND, passes on what it prints, and puts a line `elapsed N` behind the first line of
 * it that begins with WORD: N ticks from just before the fork to the line's end. Nothing here runs
 * while COMMAND is silent. Status: COMMAND's, or 1.
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

int main(int argc, char **argv)
{
	unsigned long long start, end;
	char line[1024];
	int fds[2], status;
	int seen = 0;
	pid_t child;
	FILE *in;

	if (argc < 3 || pipe(fds))
		return 1;
	start = __rdtsc();
	child = fork();
	if (child < 0)
		return 1;
	if (!child) {
		dup2(fds[1], 1);
		dup2(fds[1], 2);
		close(fds[0]);
		close(fds[1]);
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	close(fds[1]);
	in = fdopen(fds[0], "r");
	while (in && fgets(line, sizeof(line), in)) {
		end = __rdtsc();
		fputs(line, stdout);
		if (!seen && !strncmp(line, argv[1], strlen(argv[1]))) {
			printf("elapsed %llu\n", end - start);
			seen = 1;
		}
		fflush(stdout);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
