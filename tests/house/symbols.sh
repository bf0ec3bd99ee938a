#!/bin/sh
# Every global symbol of the library starts with eg_.
build=$1
names=$(nm -g --defined-only "$build/libengraft.a" 2>/dev/null | awk 'NF == 3 { print $3 }' | grep -v '^eg_' |
    grep -vE '^(__asan|__odr_asan|__ubsan|_GLOBAL_)' | sort -u)
[ -z "$names" ] || { echo "global symbols without the prefix eg_:" $names; exit 1; }
