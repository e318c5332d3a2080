#!/usr/bin/env bash
# Counts the instructions of each hot path with callgrind and compares them with expected.txt: count.sh PROGRAM [--update].
# A path is done 20 times and 120 times; what lies between is a hundred times its work, without the start of the program.
# More than 2 % more than expected fails. Another compiler or another kind of processor counts otherwise: --update writes
# down what is counted now, and the change is read like any other.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
program=$1 update=${2:-}
command -v valgrind >/dev/null || {
    echo 'valgrind was not found: install it (Debian: apt-get install valgrind) and try again' >&2
    exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

counted() { # path, times
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$1" "$2" 2>"$work/log" >&2 || {
        cat "$work/log" >&2
        exit 1
    }
    sed -n 's/^.*Collected : \([0-9]*\).*$/\1/p' "$work/log"
}

status=0
while IFS= read -r path; do
    few=$(counted "$path" 20)
    many=$(counted "$path" 120)
    now=$(((many - few) / 100))
    echo "$path: $now" >>"$work/now"
    before=$(sed -n "s/^$path: //p" expected.txt 2>/dev/null || true)
    if [ -z "$before" ]; then
        change='new'
    else
        change=$(awk -v now="$now" -v before="$before" 'BEGIN { printf "%+.1f %%", (now - before) * 100 / before }')
        if [ $((now * 100)) -gt $((before * 102)) ] && [ "$update" != --update ]; then
            change="$change: more than expected ($before)"
            status=1
        fi
    fi
    printf '%-48s %10d instructions   %s\n' "$path" "$now" "$change"
done < <("$program")
[ "$update" != --update ] || cp "$work/now" expected.txt
[ "$status" = 0 ] || echo 'If that is meant: make instructions ARGS=--update, and say why in the commit.' >&2
exit "$status"
