/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * frame.h - the one-way channel from the lab's init to the lab.
 *
 * Everything that a booted host says leaves through I/O port 0xE9, one byte at
 * a time: the kernel's own log (through earlycon) and what init has to tell.
 * The two interleave at any byte, on any CPU.  They stay apart because the
 * kernel's bytes are below 0x80 and those of init are 0x80 and above.
 *
 * With the top bit taken off, init's bytes form frames of 7-bit symbols:
 *
 *	type, length (2 symbols, high first), payload, checksum
 *
 * An upper-case type means that the payload is packed, 7 bytes in 8 symbols
 * (the first holds the seven top bits); otherwise it is plain ASCII.  Nothing
 * can lose a byte, so there is no resynchronisation: a wrong checksum is fatal.
 */
#ifndef LAB_FRAME_H
#define LAB_FRAME_H

#define FRAME_PORT	0xe9
#define FRAME_MAX	9600		/* symbols of one frame: FUSE's longest request */

#define FRAME_HELLO	'h'		/* init runs; payload: the kernel's release */
#define FRAME_START	'c'		/* COMMAND starts now */
#define FRAME_OUTPUT	'o'		/* what COMMAND wrote */
#define FRAME_BEAT	'b'		/* a CPU still schedules; payload: its number */
#define FRAME_ARCHIVE	'a'		/* a piece of /out as a newc archive */
#define FRAME_WINDOW	'w'		/* a piece of it lies in the window: window.h */
#define FRAME_INPUT	'i'		/* COMMAND's next piece of input is wanted: window.h */
#define FRAME_FILES	'f'		/* a request of the file system: number, FUSE's message */
#define FRAME_NET	'n'		/* an Ethernet frame, or a question: window.h */
#define FRAME_LOG	'k'		/* lines of the kernel log where it is quiet */
#define FRAME_REPORT	'r'		/* lines of the kernel log: the host failed */
#define FRAME_PROBLEM	'p'		/* why init cannot go on */
#define FRAME_STATUS	's'		/* the exit status of COMMAND, in decimal */
#define FRAME_END	'e'		/* everything has been sent */
#define FRAME_RESET	0x7f		/* alone, without length: the host was reset */

#define FRAME_BYTE(symbol)	((unsigned char)(0x80 | (symbol)))

#endif
