#!/bin/sh
# A file includes its own room and rooms above it; the command line includes the public headers only.
order='base kernel tensor format recipe net plan data train run'
status=0
complain() {
    echo "$1: may not include $2"
    status=1
}
rank() {
    n=0
    for room in $order; do
        n=$((n + 1))
        [ "$room" != "$1" ] || { echo $n; return; }
    done
    echo 0
}
for file in $(git ls-files --cached --others --exclude-standard 'src/*.c' 'src/*.h'); do
    room=$(echo "$file" | cut -d/ -f2)
    own=$(rank "$room")
    for header in $(sed -n 's/^ *# *include *"\([^"]*\)".*/\1/p' "$file"); do
        other=${header%%/*}
        case "$room:$other" in
        main.c:engraft) continue ;;
        main.c:*) complain "$file" "$header" ;;
        kernel:kernel) continue ;;
        kernel:*) complain "$file" "$header" ;;
        plan:format | train:plan | format:recipe | format:net) complain "$file" "$header" ;;
        *:engraft) continue ;;
        esac
        [ "$(rank "$other")" != 0 ] || complain "$file" "$header (its folder is missing: write \"room/name.h\")"
        [ "$(rank "$other")" -le "$own" ] || complain "$file" "$header"
    done
done
for file in $(git ls-files --cached --others --exclude-standard include); do
    for header in $(sed -n 's/^ *# *include *"\([^"]*\)".*/\1/p' "$file"); do
        case "$header" in
        engraft/*) ;;
        *) complain "$file" "$header" ;;
        esac
    done
done
exit $status
