#include "base/log.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { BAR_WIDTH = 28 };

static bool bar_shown;

void eg_log(const char *format, ...)
{
    eg_log_progress_end();
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

bool eg_log_colour(FILE *stream)
{
    const char *term = getenv("TERM"), *never = getenv("NO_COLOR");
    return isatty(fileno(stream)) && !(never && *never) && !(term && strcmp(term, "dumb") == 0);
}

unsigned eg_log_width(FILE *stream)
{
    struct winsize size = {0};
    return isatty(fileno(stream)) && ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

void eg_log_progress(const char *label, uint64_t done, uint64_t total, const char *text)
{
    if (!eg_log_colour(stderr)) return;
    int filled = total ? (int)(done * BAR_WIDTH / total) : 0;
    fprintf(stderr, "\r\033[K%s  ", label);
    for (int i = 0; i < BAR_WIDTH; i++) fputs(i < filled ? "\u2501" : "\u2500", stderr);
    fprintf(stderr, "  %llu/%llu  %s", (unsigned long long)done, (unsigned long long)total, text);
    fflush(stderr);
    bar_shown = true;
}

void eg_log_progress_end(void)
{
    if (!bar_shown) return;
    fputs("\r\033[K", stderr);
    bar_shown = false;
}
