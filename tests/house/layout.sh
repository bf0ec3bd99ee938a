#!/bin/sh
# The top level holds what the design names, and nothing else; file names are unique across the tree.
allowed=' .ci .clang-format .clang-tidy .editorconfig .gitignore LICENSE README.md configs dev include meson.build meson_options.txt src tests '
status=0
for entry in $(git ls-files --cached --others --exclude-standard | cut -d/ -f1 | sort -u); do
    case "$allowed" in
    *" $entry "*) ;;
    *) echo "top level: $entry does not belong here"; status=1 ;;
    esac
done
rooms=' base kernel tensor format recipe net plan data train run '
for entry in $(git ls-files --cached --others --exclude-standard src | cut -d/ -f2 | sort -u); do
    case "$rooms main.c " in
    *" $entry "*) ;;
    *) echo "src/$entry is not a room"; status=1 ;;
    esac
done
twice=$(git ls-files --cached --others --exclude-standard 'src/*.c' | sed 's|.*/||' | sort | uniq -d)
[ -z "$twice" ] || { echo "two files of one name: $twice"; status=1; }
exit $status
