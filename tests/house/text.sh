#!/bin/sh
# Text files: UTF-8, no tabs, no trailing space, one final newline; no unfinished work, no names of other places.
status=0
files=$(git ls-files --cached --others --exclude-standard | grep -vE '\.(png|jpe?g|pth|pt|bin|safetensors|ubyte|gif|npy|idx[0-9]-ubyte)$|^tests/(fuzz/corpus|data)/|^LICENSE$')
complain() {
    [ -z "$2" ] || { echo "$1:"; echo "$2"; status=1; }
}
complain 'tabs' "$(grep -nP '\t' $files | grep -v '^.ci/' | head)"
complain 'trailing space' "$(grep -nE ' +$' $(echo "$files" | grep -vE '\.t$|^configs/arch/README') | head)"
complain 'carriage returns' "$(grep -lP '\r$' $files)"
complain 'unfinished work' "$(grep -nwE 'TODO|FIXME|XXX|HACK' $files | grep -v '^tests/house/text.sh' | head)"
complain 'places outside the project' "$(grep -nE '/work/|\.\./shared/(design|recipe|style)|\.library' $files | grep -v '^tests/house/text.sh' | head)"
for file in $files; do
    [ ! -s "$file" ] || [ -z "$(tail -c 1 "$file")" ] || { echo "$file: no final newline"; status=1; }
    iconv -f UTF-8 -t UTF-8 "$file" >/dev/null 2>&1 || { echo "$file: not UTF-8"; status=1; }
done
exit $status
