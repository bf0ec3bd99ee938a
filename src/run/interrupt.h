/* Ctrl-C in a long run: the first signal is noted and asked for between batches, so that everything is closed
 * and unfinished files are removed; a second one ends the process at once. */
#ifndef ENGRAFT_RUN_INTERRUPT_H
#define ENGRAFT_RUN_INTERRUPT_H

#include "engraft/error.h"

/* From now on SIGINT and SIGTERM are noted. */
void eg_interrupt_watch(void);
/* True, and err filled, when a signal has come. */
bool eg_interrupt_check(eg_error *err);

#endif
