/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A file that goes into guest memory (kernel, initial ramdisk, flat image), mapped read-only.
 *
 * The contents are hostile: every reader checks offsets against @size.
 */
#ifndef MINIKVM_TOOL_IMAGE_H
#define MINIKVM_TOOL_IMAGE_H

#include <linux/types.h>
#include <stddef.h>

#include "terminal/sentence.h"

struct image {
	const char *name;
	const __u8 *data;
	size_t size;
};

int image_open(struct image *img, const char *path, const char *what, struct sentence *why);
void image_rest(const struct image *img);
void image_close(struct image *img);

#endif
