/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs share: system calls as functions, and text (lib.c).
 */
#ifndef GUEST_LIB_H
#define GUEST_LIB_H

#include "abi.h"
#include "format.h"

#define PRIORITY_PROGRAM	20	/* of what the shell and the tests start */

long system_call(long nr, long a, long b, long c);

void exit(int status) __noreturn;
int fork(void);
int waitpid(int id, int *status, int flags);
int wait_for(int id);
int kill(int id);
int kill_group(int group);
int getpid(void);
int getppid(void);
void give_way(void);
int sleep_ms(unsigned int ms);
int get_priority(int id);
int set_priority(int id, int priority);
int get_policy(int id);
int set_policy(int id, int policy);
int send(int id, const void *data, int size);
int receive(void *data, int room, int *from);
int thread(void (*function)(void *), void *arg);
int set_name(const char *name);
int get_group(int id);
int set_group(int id, int group);
u64 time_us(void);
int get_random(void *to, int n);
void get_system(struct system_info *info);
void power_off(int status);
bool get_process(int id, struct process_info *info);

void printf(const char *fmt, ...) __printf(1, 2);
const char *error_name(int error);
const char *status_text(int status);
int number(const char *text);

int main(void);
int shell(void);
int run_tests(bool fail);
void run_hostile_tests(void);
void run_bench(void);
int start_program(const char *name, int arg);
void list_programs(void);
int crash(const char *way);
const char *crash_way(unsigned int i);

/* The tests' lines (tests.c). */
void check(bool ok, const char *name);

#endif
