#!/bin/sh
# Each third-party library has one door.
status=0
door() {
    for file in $(git ls-files --cached --others --exclude-standard src include | xargs grep -lE "^ *# *include *<$1>"); do
        echo "$file" | grep -qE "^($2)\$" && continue
        echo "$file includes <$1>: its door is $2"
        status=1
    done
}
door 'pcre2\.h' 'src/base/regex\.c'
door 'openssl/.*' 'src/base/sha256\.c'
door 'libdeflate\.h' 'src/base/crc32\.c'
door 'pthread\.h' 'src/base/pool\.c'
door 'yaml\.h' 'src/format/yaml\.c'
door 'jansson\.h' 'src/format/json\.c'
door 'jpeglib\.h' 'src/format/jpeg\.c'
door 'png\.h' 'src/format/png\.c'
door 'zlib\.h' 'src/(base/crc32|format/[a-z_]*)\.c'
door 'zip\.h' 'src/format/[a-z_]*\.c'
door 'cblas\.h' 'src/kernel/gemm\.c'
exit $status
