/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * supervise.h - what the lab knows of a running host.
 *
 * supervise.c runs the emulator and decides; supervise-host.c takes the byte
 * stream of port 0xE9 apart (frame.h) and keeps what the host has said;
 * supervise-window.c reads the host's memory; supervise-terminal.c and
 * supervise-files.c are the caller's terminal and files, for a shell in the host;
 * supervise-net.c is the wire to other hosts.
 */
#ifndef LAB_SUPERVISE_H
#define LAB_SUPERVISE_H

#include "frame.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define CONSOLE_KEPT	(1 << 17)	/* bytes of kernel log, the last ones */
#define SUPERVISE_CPUS	64

/**
 * struct host - a host, from its boot to its end
 * @cpus: how many it has
 * @stream_output: whether COMMAND's output goes to stdout
 * @stream_console: whether the kernel's log goes to stderr
 * @archive: where /out goes, or NULL
 * @log: a copy of the kernel's log, or NULL
 * @hello: init runs
 * @started: COMMAND runs
 * @terminal: COMMAND has the caller's terminal
 * @ended: the end frame came
 * @was_reset: the firmware started a second time
 * @damaged: what was wrong with a frame, or NULL
 * @emulator: the process whose memory is the host's
 * @beats: signs of life: beats that the slowest CPU had too, pieces and requests from init
 * @slowest: how often every CPU has beaten
 * @cpu_beats: the same for each CPU
 * @problem: why init could not go on, or NULL
 * @have_status: whether @status is set
 * @status: COMMAND's exit status
 * @input_wanted: number of the piece of COMMAND's input that the host waits for, or 0
 * @archive_error: errno of the first failed write to @archive
 * @report: what the kernel reported about itself, found by init
 * @report_len: bytes in @report
 * @console: ring of the last bytes of the kernel's log
 * @console_end: bytes of the kernel's log so far
 * @frame: the frame that is being received
 * @frame_len: its symbols so far
 */
struct host {
	int cpus, stream_output, stream_console;
	FILE *archive, *log;
	int hello, started, terminal, ended, was_reset;
	const char *damaged;
	pid_t emulator;
	unsigned long beats, slowest, cpu_beats[SUPERVISE_CPUS];
	char *problem;
	int have_status, status;
	unsigned int input_wanted;
	int archive_error;
	char *report;
	size_t report_len;
	unsigned char console[CONSOLE_KEPT];
	size_t console_end;
	unsigned char frame[3 + (1 << 14) + 1];
	size_t frame_len;
};

void host_feed(struct host *h, const unsigned char *data, size_t len);
int host_print_report(struct host *h);
void host_print_tail(struct host *h);

int window_set_magic(const char *text);
uintptr_t window_find(pid_t pid, uint8_t mask, size_t size);
int window_copy_from(pid_t pid, uintptr_t address, void *data, size_t len);
int window_copy_to(pid_t pid, uintptr_t address, const void *data, size_t len);
void window_take(struct host *h, pid_t pid, const char *text);
void input_ask(struct host *h, pid_t pid, const char *text);
size_t input_room(void);
void input_give(struct host *h, pid_t pid, const void *data, size_t len);
void input_size(struct host *h, pid_t pid);

void terminal_start(void);
void terminal_restore(int orderly);
void terminal_size(uint16_t *rows, uint16_t *columns);
int terminal_resized(void);
int terminal_room(void);
int terminal_read(void);
size_t terminal_take(void *keys, size_t room);
void terminal_watch(const unsigned char *data, size_t len);

int files_add(const char *text);
void files_request(struct host *h, pid_t pid, const void *data, size_t len);

int net_join(const char *text);
void net_frame(struct host *h, pid_t pid, const void *data, size_t len);
int net_port(void);
int net_pass(struct host *h, pid_t pid);

__attribute__((format(printf, 1, 2)))
void complain(const char *format, ...);

#endif
