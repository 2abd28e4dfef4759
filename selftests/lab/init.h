/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * init.h - what the parts of the lab's init share: init.c (the sequence and
 * the channel), init-log.c (the kernel's log), init-modules.c (modules),
 * init-input.c (COMMAND's input), init-terminal.c (its terminal), init-files.c (the
 * caller's files), init-net.c (the net) and init-window.c (the way out for much data).
 *
 * All of it runs as root in process 1 of a lab host; what fails there ends the
 * host through problem(), with a sentence.
 */
#ifndef LAB_INIT_H
#define LAB_INIT_H

#include <stddef.h>
#include <stdint.h>

void channel_send(int type, const void *data, size_t len);
__attribute__((noreturn, format(printf, 1, 2)))
void problem(const char *format, ...);
char *config(const char *name, int index, char *value, size_t len);

void kernel_log_open(void);
int kernel_log_fd(void);
int kernel_log_collect(void);
void kernel_log_check(void);

int input_open(void);
int input_find(void);
void input_to_terminal(int terminal);

int terminal_wanted(void);
int terminal_open(int *slave);
void terminal_size(unsigned int rows, unsigned int columns);

void files_open(void);

void net_open(void);

int window_magic(uint8_t mask, uint8_t *magic);
void *window_map(uint8_t mask);
int window_await(const uint32_t *answer);
int window_open(void);
size_t window_room(void);
void window_send(const void *data, size_t len);

void kernel_release(char *text, size_t len);
void load_modules(void);
int try_modprobe(const char *module);

#endif
