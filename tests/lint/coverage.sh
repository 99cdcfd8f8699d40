#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What tests/bench/coverage.sh says of two small programs: lines and branches of both together,
# what neither reached, and which of it are errors.
# shellcheck source=tests/lint/lib/lint.sh
. "$(dirname "$0")/lib/lint.sh"

if ! gcc --version >/dev/null 2>&1 || ! gcov --version >/dev/null 2>&1; then
	skip 'figures of a small program' 'no gcc with gcov'
	done_testing
fi
T=$(mktemp -d) || exit 99
trap 'rm -rf "$T"' EXIT
cd "$T" || exit 99
mkdir -p agent/kernel agent/show
cat >agent/kernel/small.c <<'.'
#include <errno.h>
int small(int n);
int never(void);
int small(int n)
{
	if (n < 0)
		return -EINVAL;
	if (n > 9)
		n = 9;
	return n == 4 || n == 5 ? 1 : 0;
}
int never(void)
{
	return -EIO;
}
.
cat >agent/show/main.c <<'.'
#include <stdlib.h>
#include <unistd.h>
#include <sys/wait.h>
int small(int n);
int main(int n, char **words)
{
	(void)words;
	if (n > 1 && fork() == 0)
		_exit(small(10));
	wait(NULL);
	return small(4);
}
.
# each has a small.c of its own, as sources have that tests are built with
for name in one two; do
	gcc -O0 --coverage -include "$SRC/tests/bench/coverage.h" -c -o agent/kernel/$name.o agent/kernel/small.c &&
		gcc -O0 --coverage -include "$SRC/tests/bench/coverage.h" -c -o agent/show/$name.o agent/show/main.c &&
		gcc --coverage -o $name agent/kernel/$name.o agent/show/$name.o || exit 99
done
./one
./two fork

is "$(sh "$SRC/tests/bench/coverage.sh" . 'one two')" \
	'ran: one two
agent/kernel                             5 of     8 lines  62.5 %      6 of     8 branches  75.0 %
agent/show                               5 of     5 lines 100.0 %      4 of     4 branches 100.0 %
agent                                   10 of    13 lines  76.9 %     10 of    12 branches  83.3 %
2 error branches of agent/kernel and agent/move are reached by nothing: coverage.log' \
	'lines and branches by folder, of a child that ended by _exit(), too'
is "$(sed '1,/^agent\/kernel\/small.c: /d' coverage.log)" \
	"E     6  1 of 2   	if (n < 0)
E     7  never    		return -EINVAL;
     10  1 of 4   	return n == 4 || n == 5 ? 1 : 0;
     12  never    int never(void)
E    14  never    	return -EIO;" \
	'what nothing reached is listed, the errors marked'
done_testing
