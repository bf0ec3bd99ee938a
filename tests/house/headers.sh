#!/bin/sh
# Every header compiles alone, guards itself by its path, and the public ones need nothing private.
status=0
for header in $(git ls-files --cached --others --exclude-standard 'include/*.h' 'src/*.h'); do
    case "$header" in
    include/*) guard=ENGRAFT_$(basename "$header" .h) where='-Iinclude' ;;
    *) guard=ENGRAFT_$(echo "${header#src/}" | sed 's|/|_|g; s|\.h$||') where='-Iinclude -Isrc' ;;
    esac
    guard=$(echo "$guard" | tr a-z A-Z)_H
    grep -q "^#ifndef $guard\$" "$header" || { echo "$header: expected the guard $guard"; status=1; }
    # shellcheck disable=SC2086
    cc -std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror $where -fsyntax-only -x c "$header" || status=1
done
exit $status
