// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why an ioctl was refused: see refusal.h.
 *
 * KVM's ABI has an errno and no word more; minikvm keeps the sentence of its log line for the
 * thread that was refused (MINIKVM_GET_LAST_ERROR, uapi/linux/minikvm.h). On KVM's own node the
 * ioctl does not exist, and errno's words are all there is.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "kvm/refusal.h"
#include "uapi/linux/minikvm.h"

static bool last_of(int fd, int err, struct minikvm_last_error *last)
{
	/* What is kept may be older than this failure: then it is another errno's. */
	return !ioctl(fd, MINIKVM_GET_LAST_ERROR, last) && last->error == (unsigned int)err;
}

/**
 * refusal() - why the ioctl that has just failed was refused
 * @fd: the descriptor that it was issued on, or another one of the same VM
 *
 * Return: words for the end of a sentence, valid until this thread's next call. errno stays.
 */
const char *refusal(int fd)
{
	static __thread char words[MINIKVM_REASON_SIZE + 64];
	struct minikvm_last_error last;
	int err = errno;

	if (last_of(fd, err, &last))
		snprintf(words, sizeof(words), "%s (%.*s)", strerror(err),
			 MINIKVM_REASON_SIZE, last.text);
	else
		snprintf(words, sizeof(words), "%s", strerror(err));
	errno = err;
	return words;
}

/**
 * refusal_add() - add minikvm's own words to a sentence about a refused ioctl
 * @fd: the descriptor that the ioctl was issued on
 * @err: its errno
 * @why: the sentence
 */
void refusal_add(int fd, int err, struct sentence *why)
{
	struct minikvm_last_error last;
	size_t length = strlen(why->text);

	if (last_of(fd, err, &last))
		snprintf(why->text + length, sizeof(why->text) - length, " minikvm says: %.*s.",
			 MINIKVM_REASON_SIZE, last.text);
}
