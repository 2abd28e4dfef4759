/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VM of another process, as the module shows it in debugfs.
 */
#ifndef MINIKVM_TOOL_VM_FILES_H
#define MINIKVM_TOOL_VM_FILES_H

#include <stdbool.h>
#include <stdio.h>

#include "terminal/sentence.h"

#define VM_FILES_ROOT	"/sys/kernel/debug/minikvm"

/**
 * struct vm_target - which VM, and which of its vCPUs
 * @pid: the process that made the VM
 * @number: the VM's number since the module was loaded, or 0: the process has only one
 * @vcpu: the vCPU's number, or -1
 * @directory: the VM's directory
 */
struct vm_target {
	int pid;
	unsigned int number;
	int vcpu;
	char directory[80];
};

int vm_target_parse(const char *text, struct vm_target *target, struct sentence *why);
int vm_target_find(struct vm_target *target, struct sentence *why);
FILE *vm_file_open(const struct vm_target *target, const char *name, struct sentence *why);

#endif
