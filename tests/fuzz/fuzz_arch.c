/* An architecture file of any bytes: a net or a problem, within bounds, and nothing leaks. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "engraft/net.h"
#include "format/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    eg_arena arena = {0};
    eg_problems problems = {.arena = &arena};
    eg_error err = {0};
    const char *text = eg_arena_substring(&arena, (const char *)data, size);
    const eg_net *net = eg_net_parse(&arena, "fuzz.yaml", text, NULL, &problems, &err);
    if (!net == (err.code == EG_OK)) __builtin_trap();
    /* What was built once is built again from its own text and arguments. */
    if (net) {
        eg_error none = {0};
        const eg_doc *args = eg_doc_parse(&arena, "args", net->args, strlen(net->args), &none);
        const eg_net *again = args ? eg_net_parse(&arena, "fuzz.yaml", net->text, args, NULL, &none) : NULL;
        if (!again || strcmp(again->args, net->args) != 0 || again->param_count != net->param_count ||
            again->node_count != net->node_count)
            __builtin_trap();
    }
    eg_arena_clear(&arena);
    return 0;
}
