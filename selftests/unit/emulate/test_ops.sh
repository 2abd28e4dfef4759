#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Has the module a function for every callback of the emulator's interface?
#	test_ops.sh EMULATE.H MMIO.C
# A callback that struct emul_ops has and the module's table lacks is NULL: the emulator then calls
# the instruction unknown, however well it knows it. Prints TAP.
n=0
failed=0
body=$(sed -n '/^static const struct emul_ops mmio_ops = {/,/^};/p' "$2")
names=$(sed -n '/^struct emul_ops {/,/^};/s/.*(\*\([a-z0-9_]*\))(.*/\1/p' "$1")
for name in $names; do
	n=$((n + 1))
	if printf '%s\n' "$body" | grep -Eq "^	\.$name = op_$name,$"; then
		echo "ok $n - the module has $name"
	else
		echo "not ok $n - the module has $name"
		failed=$((failed + 1))
	fi
done
echo "1..$n"
# A table that was not found has no callbacks, and no test has been made.
[ "$n" -ge 20 ] || failed=1
echo "# $((n - failed)) passed, $failed failed"
[ "$failed" = 0 ]
