// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compiles on every kernel: tells a kernel tree that cannot build modules from one that lacks
 * the interfaces which the other tests look for.
 */
#include <linux/module.h>
