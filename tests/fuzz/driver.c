/* Runs a fuzz target on every file of a folder, once, so that corpora are ordinary tests. */
#include <stdio.h>

#include "base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int main(int argc, char **argv)
{
    eg_arena arena = {0};
    eg_error err = {0};
    const char *const *names;
    size_t count = 0;
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 1;
    }
    if (!eg_folder_list(&arena, argv[1], &names, &count, &err)) {
        fprintf(stderr, "%s: %s\n", argv[1], err.text);
        return 1;
    }
    for (size_t i = 0; i < count; i++) {
        eg_mapping mapping;
        if (!eg_mapping_open(&mapping, eg_path_join(&arena, argv[1], names[i]), &err)) {
            fprintf(stderr, "%s: %s\n", names[i], err.text);
            return 1;
        }
        LLVMFuzzerTestOneInput(mapping.bytes, mapping.size);
        eg_mapping_close(&mapping);
    }
    printf("%zu inputs\n", count);
    eg_arena_clear(&arena);
    return count == 0;
}
