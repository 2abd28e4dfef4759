// SPDX-License-Identifier: GPL-2.0-only
/*
 * AML: see aml.h; chapter "ACPI Machine Language (AML) Specification" of ACPI 6.x, section "AML
 * Grammar Definition".
 *
 * A package begins with its own length, in one to four bytes, which is known when it is complete:
 * aml_close() moves the content to make room for it. Pure.
 */
#include <string.h>

#include "boot/aml.h"

#define OP_ZERO		0x00
#define OP_NAME		0x08
#define OP_BYTE		0x0a
#define OP_WORD		0x0b
#define OP_DWORD	0x0c
#define OP_QWORD	0x0e
#define OP_SCOPE	0x10
#define OP_BUFFER	0x11
#define OP_STRING	0x0d
#define OP_PACKAGE	0x12
#define OP_METHOD	0x14
#define OP_PATH_TWO	0x2e
#define OP_PATH_MORE	0x2f
#define OP_EXT		0x5b
#define OP_EXT_REGION	0x80
#define OP_EXT_FIELD	0x81
#define OP_EXT_DEVICE	0x82
#define OP_ROOT		0x5c
#define OP_LOCAL0	0x60
#define OP_STORE	0x70
#define OP_AND		0x7b
#define OP_NOTIFY	0x86
#define OP_IF		0xa0

#define REGION_IO	0x01
#define FIELD_DWORD	0x03	/* accesses of 4 bytes, no lock, the rest of the word preserved */
#define FIELD_BITS	32

/* Append bytes; what does not fit is lost, and @a->full says so. */
void aml_bytes(struct aml *a, const void *bytes, size_t len)
{
	if (len > a->room - a->len) {
		a->full = true;
		return;
	}
	memcpy(a->at + a->len, bytes, len);
	a->len += len;
}

static void put(struct aml *a, __u8 byte)
{
	aml_bytes(a, &byte, 1);
}

/* An integer, in as few bytes as it needs. */
void aml_integer(struct aml *a, __u64 value)
{
	if (!value) {
		put(a, OP_ZERO);
	} else if (value <= 0xff) {
		put(a, OP_BYTE);
		aml_bytes(a, &value, 1);
	} else if (value <= 0xffff) {
		put(a, OP_WORD);
		aml_bytes(a, &value, 2);
	} else if (value <= 0xffffffff) {
		put(a, OP_DWORD);
		aml_bytes(a, &value, 4);
	} else {
		put(a, OP_QWORD);
		aml_bytes(a, &value, 8);
	}
}

/* Name (@name, ...): what it names follows. Names have four characters. */
void aml_name(struct aml *a, const char *name)
{
	put(a, OP_NAME);
	aml_bytes(a, name, 4);
}

/* Begin what has a length. Return: for aml_close(). */
size_t aml_open(struct aml *a)
{
	return a->len;
}

/**
 * aml_close() - the content since aml_open() is complete: put its length before it
 * @a: the code
 * @start: what aml_open() returned
 */
void aml_close(struct aml *a, size_t start)
{
	size_t content = a->len - start, bytes = 1, total;
	__u8 length[3];

	/* The length counts its own bytes; the first holds 6 bits, or 4 where others follow. */
	if (content + 1 > 0x3f)
		bytes = content + 2 > 0xfff ? 3 : 2;
	total = content + bytes;
	length[0] = bytes == 1 ? total : (bytes - 1) << 6 | (total & 0xf);
	length[1] = total >> 4;
	length[2] = total >> 12;
	if (bytes > a->room - a->len) {
		a->full = true;
		return;
	}
	memmove(a->at + start + bytes, a->at + start, content);
	memcpy(a->at + start, length, bytes);
	a->len += bytes;
}

/* Scope (\@name) {: closed by aml_close(). */
size_t aml_scope(struct aml *a, const char *name)
{
	size_t start;

	put(a, OP_SCOPE);
	start = aml_open(a);
	aml_bytes(a, name, 4);
	return start;
}

/* Device (@name) {: closed by aml_close(). */
size_t aml_device(struct aml *a, const char *name)
{
	size_t start;

	put(a, OP_EXT);
	put(a, OP_EXT_DEVICE);
	start = aml_open(a);
	aml_bytes(a, name, 4);
	return start;
}

/* Package () {: its elements follow; closed by aml_close(). */
size_t aml_package(struct aml *a, __u8 elements)
{
	size_t start;

	put(a, OP_PACKAGE);
	start = aml_open(a);
	put(a, elements);
	return start;
}

/* Buffer () {@bytes}. */
void aml_buffer(struct aml *a, const void *bytes, __u8 len)
{
	size_t start;

	put(a, OP_BUFFER);
	start = aml_open(a);
	aml_integer(a, len);
	aml_bytes(a, bytes, len);
	aml_close(a, start);
}

/* "text". */
void aml_string(struct aml *a, const char *text)
{
	put(a, OP_STRING);
	aml_bytes(a, text, strlen(text) + 1);
}

/* A path from the root on, such as "_SB_PCI0": names of four characters, one behind the other. */
void aml_path(struct aml *a, const char *names)
{
	size_t count = strlen(names) / 4;

	put(a, OP_ROOT);
	if (count == 2)
		put(a, OP_PATH_TWO);
	if (count > 2) {
		put(a, OP_PATH_MORE);
		put(a, count);
	}
	aml_bytes(a, names, count * 4);
}

/* Method (@name, @arguments) {: closed by aml_close(). */
size_t aml_method(struct aml *a, const char *name, unsigned int arguments)
{
	size_t start;

	put(a, OP_METHOD);
	start = aml_open(a);
	aml_bytes(a, name, 4);
	put(a, arguments);
	return start;
}

/**
 * aml_registers() - registers at ports: OperationRegion (@region, SystemIO, ...), Field (...) {...}
 * @a: the code
 * @region: what the region is called
 * @port: its first port
 * @names: names of its registers of 32 bits, one behind the other
 */
void aml_registers(struct aml *a, const char *region, unsigned int port, const char *names)
{
	size_t start, count = strlen(names) / 4, i;

	put(a, OP_EXT);
	put(a, OP_EXT_REGION);
	aml_bytes(a, region, 4);
	put(a, REGION_IO);
	aml_integer(a, port);
	aml_integer(a, count * FIELD_BITS / 8);
	put(a, OP_EXT);
	put(a, OP_EXT_FIELD);
	start = aml_open(a);
	aml_bytes(a, region, 4);
	put(a, FIELD_DWORD);
	for (i = 0; i < count; i++) {
		aml_bytes(a, names + 4 * i, 4);
		put(a, FIELD_BITS);
	}
	aml_close(a, start);
}

/* Local@local = @name, a register. */
void aml_load(struct aml *a, unsigned int local, const char *name)
{
	put(a, OP_STORE);
	aml_bytes(a, name, 4);
	put(a, OP_LOCAL0 + local);
}

/* @name = @value, a register. */
void aml_store(struct aml *a, __u64 value, const char *name)
{
	put(a, OP_STORE);
	aml_integer(a, value);
	aml_bytes(a, name, 4);
}

/* If (Local@local & @bits) {: closed by aml_close(). */
size_t aml_if(struct aml *a, unsigned int local, __u64 bits)
{
	size_t start;

	put(a, OP_IF);
	start = aml_open(a);
	put(a, OP_AND);
	put(a, OP_LOCAL0 + local);
	aml_integer(a, bits);
	put(a, OP_ZERO);	/* the result goes nowhere else */
	return start;
}

/* Notify (\@names, @value). */
void aml_notify(struct aml *a, const char *names, unsigned int value)
{
	put(a, OP_NOTIFY);
	aml_path(a, names);
	aml_integer(a, value);
}
