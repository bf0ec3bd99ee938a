#!/bin/sh
# gcc compares vectors that are wider than an instruction set's own number by number: in the forms for AVX2 and
# AVX-512 of every kernel, comparisons of single numbers may only finish what vectors leave over, which is at
# most seven or fifteen for the one or more comparisons of vectors in the same loop.
build=$1
command -v objdump >/dev/null || { echo 'no objdump'; exit 77; }
found=$(objdump -d --no-show-raw-insn "$build/libengraft.a" 2>/dev/null | awk '
    /^[0-9a-f]+ </ { name = $2; form = name ~ /\.avx(2|512f)>:$/; forms += form }
    form && /v?u?comiss/ { single[name]++ }
    form && /vcmp[a-z]*ps|v(max|min)ps/ { whole[name]++ }
    END {
        for (name in single)
            if (single[name] > 8 * whole[name]) print name, single[name], "against", whole[name] + 0
        if (!forms) print "none"
    }')
[ "$found" != none ] || { echo 'this build has one form of every kernel'; exit 77; }
[ -z "$found" ] || { echo 'comparisons of single numbers against those of vectors:'; echo "$found"; exit 1; }
