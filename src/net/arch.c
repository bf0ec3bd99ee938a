/* The architecture file: its sections, and from them the net. */
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "engraft/net.h"
#include "net/args.h"
#include "net/collect.h"
#include "net/flow.h"
#include "net/init_rules.h"
#include "net/library.h"

enum { MAX_FILE = 1 << 20 };

/* The sections of a file, before anything is evaluated. */
typedef struct document {
    eg_lines lines;
    eg_body_reader reader;
    const char *arch;
    const eg_doc *args, *variants;
    const eg_expr **input; /* sizes */
    size_t input_count;
    const eg_let *lets;
    size_t let_count;
    const eg_let *inits; /* patterns of parameters, and their distributions */
    size_t init_count;
    const eg_block **blocks;
    size_t block_count;
    const eg_body *model;      /* or */
    const eg_expr *model_expr; /* a block's call */
    const eg_origin *model_origin;
} document;

static bool fail_section(document *d, const eg_doc *doc, const char *expected)
{
    eg_problem_add(d->reader.problems, "syntax", doc->place, "%s", expected);
    return false;
}

static bool read_arch(document *d, const eg_doc *doc)
{
    if (doc->kind != EG_DOC_SCALAR || !doc->text[0])
        return fail_section(d, doc, "arch: expected the name of the family");
    d->arch = doc->text;
    return true;
}

static bool read_args(document *d, const eg_doc *doc)
{
    d->args = eg_doc_is_null(doc) ? NULL : doc;
    return true;
}

static bool read_variants(document *d, const eg_doc *doc)
{
    d->variants = eg_doc_is_null(doc) ? NULL : doc;
    return true;
}

static bool read_input(document *d, const eg_doc *doc)
{
    bool ok = true;
    if (doc->kind != EG_DOC_LIST || doc->count == 0 || doc->count > 3)
        return fail_section(d, doc,
                            "input: expected [channels, height, width], [tokens, features] or [features]");
    d->input = EG_NEW_ARRAY(d->reader.arena, const eg_expr *, doc->count);
    d->input_count = doc->count;
    for (size_t i = 0; i < doc->count; i++)
        ok &= (d->input[i] = eg_body_expr(&d->reader, doc->items[i])) != NULL;
    return ok;
}

static bool read_let(document *d, const eg_doc *doc)
{
    return eg_doc_is_null(doc) || eg_lets_build(&d->reader, doc, &d->lets, &d->let_count);
}

static bool read_init(document *d, const eg_doc *doc)
{
    if (doc->kind != EG_DOC_MAP)
        return fail_section(d, doc, "init: expected a mapping of parameters to distributions");
    return eg_lets_build(&d->reader, doc, &d->inits, &d->init_count);
}

static bool read_blocks(document *d, const eg_doc *doc)
{
    bool ok = true;
    if (eg_doc_is_null(doc)) return true;
    if (doc->kind != EG_DOC_MAP)
        return fail_section(d, doc, "blocks: expected a mapping of 'name(parameters):' to modules");
    d->blocks = EG_NEW_ARRAY(d->reader.arena, const eg_block *, doc->count);
    for (size_t i = 0; i < doc->count; i++) {
        const eg_block *block = eg_block_build(&d->reader, doc->keys[i], doc->items[i]);
        for (size_t k = 0; block && k < d->block_count; k++)
            if (strcmp(d->blocks[k]->name, block->name) == 0)
                ok = fail_section(d, doc->keys[i], "there are two blocks of this name");
        if (block) d->blocks[d->block_count++] = block;
        ok &= block != NULL;
    }
    return ok;
}

static bool read_model(document *d, const eg_doc *doc)
{
    d->model_origin = eg_origin_new(d->reader.arena, doc, &d->lines);
    if (doc->kind == EG_DOC_SCALAR)
        d->model_expr = eg_body_expr(&d->reader, doc);
    else
        d->model = eg_body_build(&d->reader, doc);
    return d->model || d->model_expr;
}

static const struct {
    const char *key;
    bool (*read)(document *d, const eg_doc *doc);
    bool required;
} sections[] = {
    {"arch", read_arch, true},   {"variants", read_variants, false}, {"args", read_args, false},
    {"input", read_input, true}, {"let", read_let, false},           {"blocks", read_blocks, false},
    {"init", read_init, false},  {"model", read_model, true},
};

enum { SECTION_COUNT = sizeof sections / sizeof *sections };

static bool check_keys(document *d, const eg_doc *doc)
{
    const char *names[SECTION_COUNT];
    bool ok = true;
    for (size_t i = 0; i < SECTION_COUNT; i++) names[i] = sections[i].key;
    for (size_t i = 0; i < doc->count; i++) {
        bool known = false;
        for (size_t k = 0; k < SECTION_COUNT; k++) known |= strcmp(names[k], doc->keys[i]->text) == 0;
        if (known) continue;
        const char *nearest = eg_nearest(doc->keys[i]->text, names, SECTION_COUNT);
        eg_problem_add(d->reader.problems, "unknown_key", doc->keys[i]->place,
                       "an architecture has no section '%s'%s%s%s", doc->keys[i]->text,
                       nearest ? " (did you mean '" : "", nearest ? nearest : "", nearest ? "'?)" : "");
        ok = false;
    }
    return ok;
}

/* Everything that is wrong with the file's form, in one go. */
static bool read_document(document *d, const eg_doc *doc)
{
    if (doc->kind != EG_DOC_MAP)
        return fail_section(d, doc, "expected an architecture: a mapping with 'arch', 'input' and 'model'");
    bool ok = check_keys(d, doc);
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        const eg_doc *section = eg_doc_find(doc, sections[i].key);
        if (section) {
            ok &= sections[i].read(d, section);
        } else if (sections[i].required) {
            eg_problem_add(d->reader.problems, "missing_key", doc->place, "the section '%s' is missing",
                           sections[i].key);
            ok = false;
        }
    }
    return ok;
}

/* ---- building ---- */

static bool bind_globals(eg_builder *b, const document *d, const eg_args_source *source, const char **args)
{
    eg_arena *arena = b->eval.arena;
    eg_scope *blocks = eg_scope_new(arena, NULL);
    eg_scope *globals = eg_scope_new(arena, blocks);
    for (size_t i = 0; i < d->block_count; i++)
        eg_scope_set(blocks, arena, d->blocks[i]->name,
                     (eg_datum){.kind = EG_DATUM_BLOCK, .block = d->blocks[i]});
    if (!eg_args_bind(&b->eval, &d->reader, source, globals, args)) return false;
    for (size_t i = 0; i < d->let_count; i++) {
        eg_datum datum;
        if (!eg_eval_run(&b->eval, globals, d->lets[i].expr, &datum)) return false;
        eg_scope_set(globals, arena, d->lets[i].name, datum);
    }
    b->globals = globals;
    return true;
}

/* The input's shape, channels last. */
static bool add_input(eg_builder *b, const document *d)
{
    enum { MOST = 1 << 20 };
    eg_value shape = {.rank = (uint32_t)d->input_count};
    for (size_t i = 0; i < d->input_count; i++) {
        eg_datum size;
        if (!eg_eval_run(&b->eval, b->globals, d->input[i], &size)) return false;
        if (size.kind != EG_DATUM_INT || size.integer < 1 || size.integer > MOST)
            return eg_eval_fail(&b->eval, d->input[i], "value",
                                "input: expected a whole number from 1 to %d, found %s", MOST,
                                eg_datum_describe(b->eval.arena, &size));
        shape.dims[d->input_count == 3 ? (i + 2) % 3 : i] = size.integer;
    }
    if (eg_value_numel(&shape) > (int64_t)1 << 32)
        return eg_eval_fail(&b->eval, d->input[0], "value",
                            "input: expected at most 2^32 numbers in a sample");
    eg_graph_value(&b->graph, &shape);
    return true;
}

/* The whole model as a block without parameters, so that `x` is the net's input. */
static eg_part *make_root(eg_builder *b, const document *d)
{
    eg_part *root = EG_NEW(b->eval.arena, eg_part);
    *root = (eg_part){.kind = EG_PART_MODULE, .path = "", .origin = d->model_origin};
    root->type = d->model && d->model->list ? "Sequential" : d->arch;
    root->body = d->model;
    root->alias = d->model_expr;
    root->scope = b->globals;
    root->is_block = true;
    return root;
}

static bool trace(eg_builder *b, const document *d, eg_net *net)
{
    eg_datum output;
    const int32_t input = 0;
    eg_part *root = make_root(b, d);
    if (!eg_flow_call(b, d->model_expr, root, &input, 1, &output)) return false;
    if (output.kind != EG_DATUM_VALUE)
        return eg_part_fail(b, root, "type", "the model gives several values, expected one");
    net->arch = d->arch;
    net->output = (int32_t)output.integer;
    eg_graph_prune(&b->graph, &net->output);
    if (!eg_collect(b, root, net) || !eg_init_rules_apply(b, d->inits, d->init_count, net)) return false;
    net->values = b->graph.values;
    net->value_count = b->graph.value_count;
    net->nodes = b->graph.nodes;
    net->node_count = b->graph.node_count;
    if (net->output != 0) return true;
    return eg_part_fail(b, root, "type", "the model gives its input back: there is nothing to compute");
}

static bool build(eg_arena *arena, document *d, const eg_args_source *source, eg_net *net)
{
    eg_builder b = {
        .eval = {.arena = arena, .problems = d->reader.problems, .path = "", .steps = EG_EVAL_STEPS},
        .graph = {.arena = arena}};
    if (!bind_globals(&b, d, source, &net->args) || !add_input(&b, d)) return false;
    b.eval.hooks = &eg_flow_hooks;
    b.eval.context = &b;
    return trace(&b, d, net);
}

static const eg_net *parse(eg_arena *arena, const char *name, const char *text, const char *variant,
                           const eg_doc *args, eg_problems *problems, eg_error *err)
{
    eg_problems own = {.arena = arena};
    if (!problems) problems = &own;
    size_t before = problems->errors;
    const eg_doc *doc = eg_doc_parse(arena, name, text, strlen(text), err);
    if (!doc) return NULL;
    document d = {.lines = eg_lines_find(arena, text)};
    d.reader = (eg_body_reader){arena, problems, &d.lines};
    eg_net *net = EG_NEW(arena, eg_net);
    net->text = eg_arena_string(arena, text);
    if (read_document(&d, doc)) {
        eg_args_source source = {d.args, d.variants, variant, args && eg_doc_is_null(args) ? NULL : args};
        if (build(arena, &d, &source, net)) return net;
    }
    if (problems->errors == before) eg_fail(err, EG_RECIPE, "the architecture cannot be built");
    eg_problems_check(problems, EG_RECIPE, err);
    return NULL;
}

const eg_net *eg_net_parse(eg_arena *arena, const char *name, const char *text, const eg_doc *args,
                           eg_problems *problems, eg_error *err)
{
    return parse(arena, name, text, NULL, args, problems, err);
}

const eg_net *eg_net_read(eg_arena *arena, const char *arch, const eg_doc *args, eg_problems *problems,
                          eg_error *err)
{
    const char *variant = NULL, *path = arch;
    size_t length;
    if (!strchr(arch, '/') && !eg_ends_with(arch, ".yaml"))
        path = eg_library_find(arena, arch, &variant, err);
    const char *text = path ? eg_file_read(arena, path, MAX_FILE, &length, err) : NULL;
    if (!text) return NULL;
    if (strlen(text) != length) {
        eg_fail(err, EG_RECIPE, "a text may not hold a zero character");
        eg_error_in(err, path);
        return NULL;
    }
    return parse(arena, path, text, variant, args, problems, err);
}
