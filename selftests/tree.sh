# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# tree.sh - ends a script at once where the tree's path is one that nothing here can be built in.
#
# make takes a path apart at a space, kbuild refuses colons, and the emulators' files of options have
# separators of their own. Without this, the first that notices is the compiler, after a hundred
# megabytes of downloads. To be sourced at the top of the source tree by every script that starts on
# the machine, and by the Makefile; the lab sets TOP and BUILD before.

case ${BUILD-}${TOP-$PWD} in
*[[:space:]:\;,\#\$%\&\*\?\!\'\"\`\(\)\<\>\|\\]*)
	echo "minikvm: the path '${TOP-$PWD}' (or that of its build/) has a character that make, kbuild or an emulator cannot bear, such as a space: move the tree to a plain path" >&2
	exit "${EXIT_HOST:-1}"
	;;
esac
