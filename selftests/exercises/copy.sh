# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# copy.sh - a copy of this tree to try changes in, for exercises/run and half-hour/run. To be
# sourced at the top of the tree; relies on selftests/setup check.

# copy_sources DIRECTORY : every file that is, or may come to be, in git.
copy_sources() {
	mkdir -p "$1"
	git ls-files -z --cached --others --exclude-standard |
		tar --null -T - -c --ignore-failed-read 2> /dev/null | tar -C "$1" -x
}

# copy_module DIRECTORY : the built module of 6.1. Its objects serve for every file that is not
# changed: kbuild compares command lines and times, so that the paths in what it keeps must become
# those of the copy.
copy_module() {
	local from=$PWD/build/module-6.1 to=$1
	[ -e "$from/minikvm.ko" ] || return 0
	cp -a "$from" "$to"
	find "$to" -type f ! -name '*.o' ! -name '*.ko' ! -name '*.c' -exec \
		sed -i "s,$from\\([/ ;]\\|\$\\),$to\\1,g" {} +
	touch "$to/compat.flags"
}

# copy_tree DIRECTORY : the tree with what was fetched (as links) and built: `make shell` in it has
# little to do.
copy_tree() {
	local path
	copy_sources "$1" || return 1
	mkdir -p "$1/build/lab"
	cp -al build/kernel-6.1 build/shell "$1/build/" || return 1
	for path in build/lab/*; do
		case ${path##*/} in run | lock) ;; *) cp -al "$path" "$1/build/lab/" || return 1 ;; esac
	done
	cp -a build/kselftest build/tool "$1/build/" || return 1
	copy_module "$1/build/module-6.1"
}
