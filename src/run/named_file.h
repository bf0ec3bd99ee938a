/* A checkpoint that the command line names, where no recipe says how to read it. */
#ifndef ENGRAFT_RUN_NAMED_FILE_H
#define ENGRAFT_RUN_NAMED_FILE_H

#include "engraft/checkpoint.h"

/* eg_checkpoint_open, with the option that helps in the sentence of SEL-001. */
eg_checkpoint *eg_named_file_open(const char *path, const eg_checkpoint_options *options, eg_error *err);

#endif
