#include "net/language.h"

#include <string.h>

#include "base/str.h"
#include "net/helper.h"
#include "net/op.h"

/* "conv2d(out_channels, kernel_size, stride=1, …)"; of a choice the first word is the default. */
static const char *op_signature(eg_arena *arena, const eg_op *op)
{
    eg_buf text = {0};
    eg_buf_printf(&text, "%s(", op->name);
    for (const eg_arg *arg = op->args; arg && arg->name; arg++) {
        eg_buf_printf(&text, "%s%s", arg == op->args ? "" : ", ", arg->name);
        if (!arg->standard) continue;
        bool choice = arg->kind == EG_ARG_CHOICE;
        size_t length = choice ? strcspn(arg->standard, "|") : strlen(arg->standard);
        eg_buf_printf(&text, choice ? "='%.*s'" : "=%.*s", (int)length, arg->standard);
    }
    eg_buf_puts(&text, ")");
    return eg_buf_take(&text, arena);
}

static void print_op(eg_arena *arena, const eg_op *op, FILE *out)
{
    fprintf(out, "%-26s  %s", op->type, op_signature(arena, op));
    if (op->max_inputs == 0)
        fprintf(out, "  of no value");
    else if (op->max_inputs > 1)
        fprintf(out, "  of %d%s values", op->min_inputs, op->max_inputs > op->min_inputs ? " or more" : "");
    fprintf(out, "\n");
}

void eg_language_print(FILE *out)
{
    eg_arena arena = {0};
    size_t count;
    const eg_op *const *ops = eg_op_list(&count);
    fprintf(out, "operators\n");
    for (size_t i = 0; i < count; i++) print_op(&arena, ops[i], out);
    fprintf(out, "\nhelpers of expressions\n");
    for (size_t i = 0; eg_helper_at(i); i++)
        fprintf(out, "%s\n", eg_helper_signature(&arena, eg_helper_find(eg_helper_at(i))));
    eg_arena_clear(&arena);
}
