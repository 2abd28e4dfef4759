// SPDX-License-Identifier: GPL-2.0-only
/*
 * libtraceevent loads plugins by dlopen(3), which a static program cannot: it would need the very
 * C library that it was linked with. The linker's --wrap puts this in its place, which finds none;
 * the events of KVM and of minikvm are printed by their own formats.
 */
#include <stddef.h>

void *__wrap_dlopen(const char *file, int mode);

void *__wrap_dlopen(const char *file, int mode)
{
	(void)file;
	(void)mode;
	return NULL;
}
