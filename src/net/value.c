#include "engraft/net.h"

#include "base/str.h"

int64_t eg_value_numel(const eg_value *value)
{
    int64_t numel = 1;
    for (uint32_t i = 0; i < value->rank; i++) numel *= value->dims[i];
    return numel;
}

const char *eg_value_text(eg_arena *arena, const eg_value *value)
{
    eg_buf text = {0};
    eg_buf_puts(&text, "(");
    for (uint32_t i = 0; i < value->rank; i++)
        eg_buf_printf(&text, "%s%lld", i ? ", " : "", (long long)value->dims[i]);
    eg_buf_puts(&text, ")");
    return eg_buf_take(&text, arena);
}
