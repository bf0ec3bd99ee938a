# Shell functions of the cases.

# manifest ARCH PREFIX [--set NAME=VALUE]...: names, dtypes and shapes of a network, as a source to plan with.
manifest() {
    arch=$1 prefix=$2
    shift 2
    engraft arch "$arch" --keys "$@" | awk -v prefix="$prefix" '
        BEGIN { print "{\"manifest\": 1, \"tensors\": [" }
        {
            rest = $0
            sub(/^[^ ]+ +/, "", rest)
            end = index(rest, "]")
            printf "%s  {\"name\": \"%s%s\", \"dtype\": \"%s\", \"shape\": %s}", (NR > 1 ? ",\n" : ""), prefix, $1,
                substr(rest, end + 3, 3), substr(rest, 1, end)
        }
        END { print "\n]}" }'
}

# diagnosis RECIPE: what is wrong with its plan, without the plan.
diagnosis() {
    engraft plan "$1" 2>&1 >/dev/null
}

# paste RECIPE OUT: a recipe that extends it by the lines that its diagnosis proposes, appended to lists that are there.
paste() {
    { echo "extends: $1"; diagnosis "$1" | sed -n 's/^  > //p' | sed 's/^  mapping:/  +mapping:/; s/^  skip:/  +skip:/'; } >"$2"
}
