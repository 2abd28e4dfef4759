/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The programs' image: image.c.
 */
#ifndef GUEST_IMAGE_H
#define GUEST_IMAGE_H

#include "types.h"

struct space;

bool image_load(struct space *s, u64 *entry);

#endif
