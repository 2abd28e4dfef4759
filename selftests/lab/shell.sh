# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2034,SC2153,SC2154 # the parts share variables
#
# shell.sh - lab shell: COMMAND at the caller's terminal.
#
# A run like any other, with three things more: a pseudo-terminal in the host
# (init-terminal.c, supervise-terminal.c), the caller's directory at /work and
# this repository at /repo (init-files.c, supervise-files.c), and what is in
# shell/, which goes to /lab.

LAST_RESORT=vt100		# a terminal that every other one can play

# Prints where the description of a terminal is that programs with ncurses read.
find_terminfo() { # TERM
	local directory

	[[ $1 = */* ]] && return 1
	for directory in "${TERMINFO-}" "${HOME-}/.terminfo" /etc/terminfo /lib/terminfo \
		/usr/share/terminfo; do
		if [ -n "$directory" ] && [ -f "$directory/${1:0:1}/$1" ]; then
			echo "$directory/${1:0:1}/$1"
			return
		fi
	done
	return 1
}

choose_terminal() {
	case ${TERM-} in
	dumb) ;;
	'')	say "TERM is not set; taking $LAST_RESORT."
		TERM=$LAST_RESORT ;;
	*)	find_terminfo "$TERM" >/dev/null && return
		say "this machine has no description of the terminal '$TERM'; taking $LAST_RESORT."
		TERM=$LAST_RESORT ;;
	esac
}

shell_config() {
	echo "terminal=1"
	echo "env=TERM=$TERM"
	echo "env=ENV=/lab/profile"
	echo "files=repo"
	echo "path=${TOP//$'\n'/?}"
	echo "files=work"
	echo "path=${PWD//$'\n'/?}"
}

# Adds to the entries of make_initramfs.
shell_entries() {
	local file

	entries+=("file:$LAB_DIR/shell/profile=lab/profile" "file:$LAB_DIR/shell/welcome=lab/welcome"
		"link:/repo/build/shell=examples")
	for file in "$LAB_DIR"/shell/bin/*; do
		entries+=("exec:$file=lab/bin/${file##*/}")
	done
	file=$(find_terminfo "$TERM") || return 0
	entries+=(dir:usr/lib/terminfo "dir:usr/lib/terminfo/${TERM:0:1}"
		"file:$file=usr/lib/terminfo/${TERM:0:1}/$TERM")
}

lab_shell() {
	TERMINAL=1 QUIET=1 TIMEOUT=1000000 KERNEL=$(default_kernel)
	[[ " $* " = *' --help '* ]] || { [ -t 0 ] && [ -t 1 ]; } ||
		die "a shell needs a terminal for its input and its output; for one command write: lab run [OPTION...] -- COMMAND"
	choose_terminal
	SETTINGS=$(stty -g) || SETTINGS=
	say "booting a machine for you; Ctrl-C gives up"
	lab_run "$@"
}
