#include "run/table.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

const char *eg_count_text(eg_arena *arena, uint64_t n)
{
    const char *digits = eg_arena_printf(arena, "%llu", (unsigned long long)n);
    size_t length = strlen(digits);
    eg_buf buf = {0};
    for (size_t i = 0; i < length; i++)
        eg_buf_printf(&buf, "%s%c", i && (length - i) % 3 == 0 ? "," : "", digits[i]);
    return eg_buf_take(&buf, arena);
}

const char *eg_size_text(eg_arena *arena, uint64_t bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 999.5 && unit < 4; unit++) value /= 1000;
    return eg_arena_printf(arena, unit && value < 99.95 ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

/* Columns a terminal needs: characters, not bytes. */
static int width_of(const char *text)
{
    int width = 0;
    for (; *text; text++) width += (*text & 0xC0) != 0x80;
    return width;
}

void eg_table_print(const eg_row *rows, size_t count, const bool *right)
{
    int widths[EG_TABLE_COLUMNS] = {0};
    for (size_t i = 0; i < count; i++)
        for (int c = 0; c < EG_TABLE_COLUMNS && rows[i].cells[c]; c++) {
            int width = width_of(rows[i].cells[c]);
            bool last = c + 1 == EG_TABLE_COLUMNS || !rows[i].cells[c + 1];
            if (width > widths[c] && !(last && c == 0)) widths[c] = width;
        }
    for (size_t i = 0; i < count; i++) {
        for (int c = 0; c < EG_TABLE_COLUMNS && rows[i].cells[c]; c++) {
            int pad = widths[c] - width_of(rows[i].cells[c]);
            bool last = c + 1 == EG_TABLE_COLUMNS || !rows[i].cells[c + 1];
            if (pad < 0 || (last && !right[c])) pad = 0;
            printf("%s%*s%s%*s", c ? "  " : "", right[c] ? pad : 0, "", rows[i].cells[c], right[c] ? 0 : pad,
                   "");
        }
        putchar('\n');
    }
}
