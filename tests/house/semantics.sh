#!/bin/sh
# `semantics` says which test proves which number of the recipe's semantics, 1 to 42; each must be where it is said to
# be.
status=0
while read -r number file name; do
    grep -q -F "$name" "tests/$file" || { echo "semantics $number: tests/$file has no '$name'"; status=1; }
done <tests/house/semantics
for number in $(seq 42); do
    grep -q "^ *$number " tests/house/semantics || { echo "semantics $number: no test"; status=1; }
done
exit $status
