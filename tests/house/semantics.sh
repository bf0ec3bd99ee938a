#!/bin/sh
# `semantics` says which test proves which number of the recipe's semantics; each must be where it is said to be.
status=0
while read -r number file name; do
    grep -q -F "$name" "tests/$file" || { echo "semantics $number: tests/$file has no '$name'"; status=1; }
done <tests/house/semantics
exit $status
