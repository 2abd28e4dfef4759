/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A writer of AML, the byte code of ACPI's definition blocks (DSDT).
 */
#ifndef MINIKVM_TOOL_AML_H
#define MINIKVM_TOOL_AML_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

/**
 * struct aml - code that is being written
 * @at: where it goes
 * @room: bytes there
 * @len: bytes written
 * @full: something did not fit
 */
struct aml {
	__u8 *at;
	size_t room, len;
	bool full;
};

void aml_bytes(struct aml *a, const void *bytes, size_t len);
void aml_integer(struct aml *a, __u64 value);
void aml_name(struct aml *a, const char *name);
size_t aml_open(struct aml *a);
void aml_close(struct aml *a, size_t start);
size_t aml_scope(struct aml *a, const char *name);
size_t aml_device(struct aml *a, const char *name);
size_t aml_package(struct aml *a, __u8 elements);
void aml_buffer(struct aml *a, const void *bytes, __u8 len);
void aml_string(struct aml *a, const char *text);
void aml_path(struct aml *a, const char *names);
size_t aml_method(struct aml *a, const char *name, unsigned int arguments);
void aml_registers(struct aml *a, const char *region, unsigned int port, const char *names);
void aml_load(struct aml *a, unsigned int local, const char *name);
void aml_store(struct aml *a, __u64 value, const char *name);
size_t aml_if(struct aml *a, unsigned int local, __u64 bits);
void aml_notify(struct aml *a, const char *names, unsigned int value);

#endif
