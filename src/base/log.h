/* What is told on standard error while a command runs: lines, and one progress bar on a terminal. */
#ifndef ENGRAFT_BASE_LOG_H
#define ENGRAFT_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* One line on standard error. */
void eg_log(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* True when the stream is a terminal and neither NO_COLOR nor TERM=dumb says otherwise. */
bool eg_log_colour(FILE *stream);
/* Characters in a line of the terminal that the stream is; 0: it is none. */
unsigned eg_log_width(FILE *stream);
/* Redraws the bar "label  [#####     ] 12/80  text" in place; nothing when standard error is not a terminal.
 */
void eg_log_progress(const char *label, uint64_t done, uint64_t total, const char *text);
/* Removes the bar. */
void eg_log_progress_end(void);

#endif
