# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# shell.sh - the checks of lab shell, a part of run: somebody at a terminal (terminal.c) types.
#
# Each boots a host once and looks at several things, because a boot is what costs.

# The words in single quotes are for the host's shell.
# shellcheck disable=SC2016

build_terminal() {
	[ -x "$WORK/terminal" ] || gcc -D_GNU_SOURCE -O2 -o "$WORK/terminal" "$HERE/terminal.c" -lutil ||
		fail "the test program could not be built."
}

# Runs lab shell in WORK/here on a terminal of 33 lines of 111; standard input is the script.
at_terminal() { # [LAB-OPTION...]
	build_terminal
	mkdir -p "$WORK/here"
	(cd "$WORK/here" && exec "$WORK/terminal" 33 111 "$LAB" shell --host="$HOST" "$@") \
		>"$WORK/stdout" 2>"$WORK/stderr"
	STATUS=$?
	tr -d '\r' <"$WORK/stdout" >"$WORK/screen"
	[ "$STATUS" -ne 99 ] || problem "$(tail -n 3 "$WORK/screen" | tr '\n' '|')"
}

nothing_is_left() {
	expect_line screen "^the terminal's settings are restored"
	leftovers "$(cat "$WORK/pid")"
}

a_shell_behaves() {
	echo first >"$WORK/here.note"
	mkdir -p "$WORK/here/d"
	mv "$WORK/here.note" "$WORK/here/d/note"
	at_terminal --out="$WORK/out4" <<-'EOF'
		do echo $PID >../pid
		expect lab:/work#
		send echo wrogn\x7f\x7fng$((6 * 7))\r
		expect wrong42
		expect #
		send echo size: $(stty size)\r
		expect size: 33 111
		size 44 122
		expect #
		send sleep 1; echo size: $(stty size)\r
		expect size: 44 122
		expect #
		send sleep 1000000\r
		do sleep 2
		send \x03
		expect #
		send echo status: $?\r
		expect status: 130
		expect #
		send echo note: $(cat d/note)\r
		expect note: first
		do echo second >d/note
		expect #
		send sleep 2; echo note: $(cat d/note)\r
		expect note: second
		expect #
		send touch d/new; echo /etc/$(cat /work/../etc/passwd | wc -l); minikvm --version\r
		expect Read-only file system
		expect /etc/1
		expect minikvm
		expect #
		send for d in /sys/kernel/tracing/events /sys/kernel/debug/x86 /repo/virt; do ls -d $d; done\r
		expect /sys/kernel/tracing/events
		expect /sys/kernel/debug/x86
		expect /repo/virt
		expect #
		send echo kept >/out/f; seq 30000 | md5sum; exit 7\r
	EOF
	expect_status 7
	expect_line screen "$(seq 30000 | md5sum)"
	[ "$(cat "$WORK/out4/f")" = kept ] || problem "/out did not come back"
	nothing_is_left
}

# The module that is built while the host runs
a_rebuilt_module_is_loaded() {
	if ! [ -e "$BUILD/module-6.1/minikvm.ko" ] || [ "$HOST" = tcg ]; then
		SKIP='needs VT-x, and the module built for 6.1'
		return
	fi
	rm -f "$WORK/here/minikvm.ko"
	at_terminal <<-EOF
		do echo \$PID >../pid
		expect lab:/work#
		send cat /sys/module/minikvm/parameters/inject; ls *.ko\\r
		expect N
		expect No such file
		do cp $BUILD/module-6.1/minikvm.ko minikvm.ko
		expect #
		send sleep 2; reload /work/minikvm.ko inject=1\\r
		expect loaded /work/minikvm.ko of
		expect #
		send cat /sys/module/minikvm/parameters/inject\\r
		expect Y
		expect #
		send reload; cat /sys/module/minikvm/parameters/inject\\r
		expect loaded /repo/build/module-6.1/minikvm.ko of
		expect N
		expect #
		send cp /work/minikvm.ko /tmp; cmp /tmp/minikvm.ko /work/minikvm.ko && echo the\\ same; rm /tmp/*.ko\\r
		expect the same
		send \\x04
	EOF
	expect_status 0
	rm "$WORK/here/minikvm.ko"
	nothing_is_left
}

a_shell_that_is_killed_leaves_nothing() {
	at_terminal --no-insmod <<-'EOF'
		do echo $PID >../pid
		expect #
		send while :; do :; done\r
		do sleep 1
		do kill -TERM $PID
	EOF
	expect_status 143
	nothing_is_left
	# Who is killed outright cannot give the terminal back; the script that started it can.
	at_terminal --no-insmod <<-'EOF'
		do echo $PID >../pid
		expect #
		do pkill -KILL -P $PID supervise
	EOF
	expect_status 137
	nothing_is_left
}

the_escape_ends_a_host_that_hangs() {
	at_terminal --no-insmod --payload="$WORK/modules" <<-'EOF'
		do echo $PID >../pid
		expect #
		send printf '\\033[?1049h'; insmod /payload/modules/lab-hang.ko mode=1\r
		do sleep 3
		send \x1dq
	EOF
	expect_status 129
	# The screen that the killed program had taken
	expect_line screen "$(printf '\033\\[\\?1049l')"
	nothing_is_left
}

a_shell_survives_a_report() {
	at_terminal --no-insmod --payload="$WORK/modules" <<-'EOF'
		do echo $PID >../pid
		expect #
		send insmod /payload/modules/lab-warn.ko\r
		expect the host's kernel reported a fault
		send \r
		expect #
		send dmesg | grep -c lab_warn_init; exit\r
	EOF
	expect_status 125
	expect_line screen '^WARNING: CPU: 0 .* lab_warn_init'
	nothing_is_left
}

a_command_has_the_terminal() {
	at_terminal --no-insmod -- sh -c 'test -t 0 && stty size && echo $TERM && exit 3' <<-'EOF'
		do echo $PID >../pid
		expect 33 111
	EOF
	expect_status 3
	nothing_is_left
}

wrong_use_of_a_shell_ends_in_a_sentence() {
	lab shell </dev/null
	expect_status 2
	expect_sentence '^lab: a shell needs a terminal'
	TERM=no-such-terminal at_terminal --dry-run --no-insmod </dev/null
	expect_status 0
	expect_line screen "^lab: this machine has no description of the terminal 'no-such-terminal'; taking vt100"
	TERM='' at_terminal --dry-run --no-insmod </dev/null
	expect_line screen '^lab: TERM is not set; taking vt100'
	at_terminal --module=/no.ko </dev/null
	expect_status 2
	expect_line screen "there is no module /no.ko; .*'make shell' builds all"
	at_terminal --colour </dev/null
	expect_status 2
	expect_line screen "^lab: unknown option '--colour'"
}

check_shell() {
	check "a shell's terminal, files and status" a_shell_behaves
	check "a shell loads a module that was built while it runs" a_rebuilt_module_is_loaded
	check "a shell that is killed leaves nothing" a_shell_that_is_killed_leaves_nothing
	check "Ctrl-] q ends a host that hangs" the_escape_ends_a_host_that_hangs
	check "a shell survives a report of the kernel" a_shell_survives_a_report
	check "a command instead of the shell has the terminal" a_command_has_the_terminal
	check "wrong use of a shell ends in one sentence" wrong_use_of_a_shell_ends_in_a_sentence
}
