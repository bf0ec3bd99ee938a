#include "run/named_file.h"

#include <stdio.h>
#include <string.h>

eg_checkpoint *eg_named_file_open(const char *path, const eg_checkpoint_options *options, eg_error *err)
{
    eg_checkpoint *file = eg_checkpoint_open(path, options, err);
    if (!file && err && strcmp(err->id, "SEL-001") == 0) {
        size_t length = strlen(err->text);
        snprintf(err->text + length, sizeof err->text - length, " (on the command line: --state-dict PATH)");
    }
    return file;
}
