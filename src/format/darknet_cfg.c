#include "format/darknet_cfg.h"

#include <inttypes.h>
#include <string.h>

#include "base/str.h"

enum { MAX_LAYERS = 10000, MAX_NUMBER = 1 << 24 };

typedef struct option {
    const char *key, *value;
    uint32_t line;
} option;

typedef struct section {
    const char *name; /* without brackets */
    uint32_t line;
    size_t first, count; /* its options */
} section;

typedef struct parser {
    eg_arena *arena;
    const char *file;
    section *sections;
    size_t section_count;
    option *options;
    size_t option_count;
    eg_darknet_layer *layers; /* done so far */
    size_t count;
    eg_error *err;
} parser;

static bool fail_line(parser *p, uint32_t line, const char *what, const char *text)
{
    return eg_fail_at(p->err, EG_MALFORMED, (eg_place){p->file, line, 0}, "%s '%s'", what,
                      eg_printable(p->arena, text, strnlen(text, 80)));
}

/* ---- lines ---- */

/* Spaces mean nothing anywhere in a line. */
static char *squeeze(eg_arena *arena, const char *line, size_t length)
{
    char *out = eg_arena_substring(arena, line, length);
    size_t n = 0;
    for (size_t i = 0; i < length; i++)
        if (!strchr(" \t\r\v\f", line[i])) out[n++] = line[i];
    out[n] = '\0';
    return out;
}

static bool add_line(parser *p, char *text, uint32_t number)
{
    if (!text[0] || text[0] == '#' || text[0] == ';') return true;
    if (text[0] == '[') {
        size_t length = strlen(text);
        if (text[length - 1] != ']') return fail_line(p, number, "a section's name ends in ']'; found", text);
        text[length - 1] = '\0';
        p->sections[p->section_count++] = (section){text + 1, number, p->option_count, 0};
        return true;
    }
    char *value = strchr(text, '=');
    if (!value) return fail_line(p, number, "expected [section] or key=value; found", text);
    if (!p->section_count) return fail_line(p, number, "expected [net] before", text);
    *value = '\0';
    p->options[p->option_count++] = (option){text, value + 1, number};
    p->sections[p->section_count - 1].count++;
    return true;
}

static bool split_lines(parser *p, const char *text)
{
    size_t lines = 1;
    for (const char *c = text; *c; c++) lines += *c == '\n';
    p->sections = EG_NEW_ARRAY(p->arena, section, lines);
    p->options = EG_NEW_ARRAY(p->arena, option, lines);
    for (uint32_t number = 1; *text; number++) {
        size_t length = strcspn(text, "\n");
        if (!add_line(p, squeeze(p->arena, text, length), number)) return false;
        text += length + (text[length] == '\n');
    }
    return true;
}

/* ---- options ---- */

/* As darknet: of options of one name the first counts. */
static const option *find(const parser *p, const section *s, const char *key)
{
    for (size_t i = s->first; i < s->first + s->count; i++)
        if (strcmp(p->options[i].key, key) == 0) return &p->options[i];
    return NULL;
}

/* A number at *text, which is moved behind it; what follows is the caller's business. */
static bool parse_number(const char **text, int64_t *out)
{
    const char *c = *text;
    bool minus = *c == '-';
    c += minus;
    if (*c < '0' || *c > '9') return false;
    for (*out = 0; *c >= '0' && *c <= '9'; c++)
        if ((*out = *out * 10 + (*c - '0')) > MAX_NUMBER) return false;
    if (minus) *out = -*out;
    *text = c;
    return true;
}

static bool get_number(parser *p, const section *s, const char *key, int64_t least, int64_t *out)
{
    const option *o = find(p, s, key);
    if (!o) return true; /* the default stays */
    const char *text = o->value;
    if (parse_number(&text, out) && !*text && *out >= least) return true;
    return eg_fail_at(p->err, EG_MALFORMED, (eg_place){p->file, o->line, 0},
                      "%s is '%s'; expected a number from %" PRId64 " to %d", key,
                      eg_printable(p->arena, o->value, strnlen(o->value, 80)), least, MAX_NUMBER);
}

/* A number as get_number, or the default. */
static int64_t number_or(parser *p, const section *s, const char *key, int64_t least, int64_t value, bool *ok)
{
    *ok &= get_number(p, s, key, least, &value);
    return value;
}

/* The next layer number of a list; negative ones count back from this layer. NULL at the end or on errors. */
static const eg_darknet_layer *next_layer(parser *p, const option *o, const char **text, bool *ok)
{
    int64_t at;
    if (!**text) return NULL;
    if (!parse_number(text, &at) || (**text && **text != ',')) {
        *ok = fail_line(p, o->line, "expected layer numbers; found", o->value);
        return NULL;
    }
    *text += **text == ',';
    if (at < 0) at += (int64_t)p->count;
    if (at >= 0 && at < (int64_t)p->count) return &p->layers[at];
    *ok = eg_fail_at(p->err, EG_MALFORMED, (eg_place){p->file, o->line, 0},
                     "layer %" PRId64 " does not come before layer %zu", at, p->count);
    return NULL;
}

static bool refuse_options(parser *p, const section *s, const char *const *keys)
{
    for (; *keys; keys++) {
        const option *o = find(p, s, *keys);
        if (o && strcmp(o->value, "0") != 0 && strcmp(o->value, "none") != 0)
            return eg_fail_at(p->err, EG_MALFORMED, (eg_place){p->file, o->line, 0},
                              "%s=%s is not supported: it changes which weights are in the file", *keys,
                              eg_printable(p->arena, o->value, strnlen(o->value, 80)));
    }
    return true;
}

/* ---- layers ---- */

/* Comes with the shape that goes into the layer. */
typedef bool layer_reader(parser *p, const section *s, eg_darknet_layer *l);

static bool read_same(parser *p, const section *s, eg_darknet_layer *l)
{
    (void)p, (void)s, (void)l;
    return true;
}

/* The sides after a window of `size` moved by `stride` over `padding` more than the input. */
static bool slide(parser *p, const section *s, eg_darknet_layer *l, int64_t size, int64_t padding)
{
    bool ok = true;
    int64_t stride = number_or(p, s, "stride", 1, 1, &ok);
    int64_t x = number_or(p, s, "stride_x", 1, stride, &ok), y = number_or(p, s, "stride_y", 1, stride, &ok);
    if (!ok) return false;
    l->width = l->width + padding < size ? 0 : (l->width + padding - size) / x + 1;
    l->height = l->height + padding < size ? 0 : (l->height + padding - size) / y + 1;
    return true;
}

static bool read_conv(parser *p, const section *s, eg_darknet_layer *l)
{
    static const char *const unsupported[] = {"antialiasing", "share_index", "dontload", "dontloadscales",
                                              NULL};
    bool ok = refuse_options(p, s, unsupported);
    int64_t groups = number_or(p, s, "groups", 1, 1, &ok), pad = number_or(p, s, "pad", 0, 0, &ok);
    l->kind = EG_DARKNET_CONV;
    l->outputs = number_or(p, s, "filters", 1, 1, &ok);
    l->size = number_or(p, s, "size", 1, 1, &ok);
    int64_t padding = number_or(p, s, "padding", 0, 0, &ok);
    l->batch_norm = number_or(p, s, "batch_normalize", 0, 0, &ok) != 0;
    l->flipped = number_or(p, s, "flipped", 0, 0, &ok) != 0;
    if (!ok || !slide(p, s, l, l->size, 2 * (pad ? l->size / 2 : padding))) return false;
    if (l->channels < 1 || l->channels % groups || l->outputs % groups)
        return eg_fail_at(p->err, EG_MALFORMED, (eg_place){p->file, s->line, 0},
                          "%" PRId64 " channels in and %" PRId64 " out are not divided by %" PRId64 " groups",
                          l->channels, l->outputs, groups);
    l->inputs = l->channels / groups;
    l->channels = l->outputs;
    return true;
}

static bool read_connected(parser *p, const section *s, eg_darknet_layer *l)
{
    bool ok = true;
    l->kind = EG_DARKNET_LINEAR;
    l->outputs = number_or(p, s, "output", 1, 1, &ok);
    l->batch_norm = number_or(p, s, "batch_normalize", 0, 0, &ok) != 0;
    if (!ok) return false;
    if (__builtin_mul_overflow(l->channels * l->height, l->width, &l->inputs) || l->inputs < 1)
        return eg_fail_at(p->err, EG_MALFORMED, (eg_place){p->file, s->line, 0},
                          "nothing comes into this layer (%" PRId64 " channels of %" PRId64 "x%" PRId64 ")",
                          l->channels, l->height, l->width);
    l->channels = l->outputs;
    l->height = l->width = 1;
    return true;
}

static bool read_maxpool(parser *p, const section *s, eg_darknet_layer *l)
{
    bool ok = true;
    int64_t stride = number_or(p, s, "stride", 1, 1, &ok);
    int64_t size = number_or(p, s, "size", 1, stride, &ok);
    int64_t padding = number_or(p, s, "padding", 0, size - 1, &ok);
    if (number_or(p, s, "maxpool_depth", 0, 0, &ok)) {
        l->channels = number_or(p, s, "out_channels", 1, 1, &ok);
        return ok;
    }
    return ok && slide(p, s, l, size, padding);
}

static bool read_avgpool(parser *p, const section *s, eg_darknet_layer *l)
{
    (void)p, (void)s;
    l->height = l->width = 1;
    return true;
}

static bool read_route(parser *p, const section *s, eg_darknet_layer *l)
{
    const option *o = find(p, s, "layers");
    const char *text = o ? o->value : "";
    const eg_darknet_layer *from;
    bool ok = true;
    int64_t groups = number_or(p, s, "groups", 1, 1, &ok);
    if (!*text) return fail_line(p, s->line, "layers= is missing in", s->name);
    for (l->channels = 0; ok && (from = next_layer(p, o, &text, &ok));) {
        if (l->channels == 0) l->height = from->height, l->width = from->width;
        l->channels += from->channels;
    }
    if (ok && l->channels > MAX_NUMBER) return fail_line(p, s->line, "too many channels in", s->name);
    l->channels /= groups;
    return ok;
}

/* The result has the shape of the layer that it is combined with. */
static bool read_scaled(parser *p, const section *s, eg_darknet_layer *l)
{
    const option *o = find(p, s, "from");
    const char *text = o ? o->value : "";
    bool ok = true;
    const eg_darknet_layer *from = o ? next_layer(p, o, &text, &ok) : NULL;
    if (!from) return !ok ? false : fail_line(p, s->line, "from= is missing in", s->name);
    l->channels = from->channels, l->height = from->height, l->width = from->width;
    return true;
}

static bool read_shortcut(parser *p, const section *s, eg_darknet_layer *l)
{
    static const char *const unsupported[] = {"weights_type", NULL};
    (void)l;
    return refuse_options(p, s, unsupported);
}

static bool read_upsample(parser *p, const section *s, eg_darknet_layer *l)
{
    bool ok = true;
    int64_t stride = number_or(p, s, "stride", 1, 2, &ok);
    l->height *= stride, l->width *= stride;
    return ok;
}

static bool read_reorg(parser *p, const section *s, eg_darknet_layer *l)
{
    bool ok = true;
    int64_t stride = number_or(p, s, "stride", 1, 1, &ok);
    if (!ok || stride > 1024) return ok && fail_line(p, s->line, "the stride is too large in", s->name);
    if (number_or(p, s, "reverse", 0, 0, &ok)) {
        l->height *= stride, l->width *= stride, l->channels /= stride * stride;
    } else {
        l->height /= stride, l->width /= stride, l->channels *= stride * stride;
    }
    return ok;
}

static bool read_crop(parser *p, const section *s, eg_darknet_layer *l)
{
    bool ok = true;
    l->height = number_or(p, s, "crop_height", 1, l->height, &ok);
    l->width = number_or(p, s, "crop_width", 1, l->width, &ok);
    return ok;
}

static const struct {
    const char *name;
    layer_reader *read;
} kinds[] = {
    {"convolutional", read_conv},    {"conv", read_conv},         {"connected", read_connected},
    {"conn", read_connected},        {"maxpool", read_maxpool},   {"max", read_maxpool},
    {"local_avgpool", read_maxpool}, {"avgpool", read_avgpool},   {"avg", read_avgpool},
    {"route", read_route},           {"shortcut", read_shortcut}, {"upsample", read_upsample},
    {"reorg", read_reorg},           {"crop", read_crop},         {"sam", read_scaled},
    {"scale_channels", read_scaled}, {"dropout", read_same},      {"activation", read_same},
    {"softmax", read_same},          {"soft", read_same},         {"cost", read_same},
    {"normalization", read_same},    {"lrn", read_same},          {"yolo", read_same},
    {"Gaussian_yolo", read_same},    {"region", read_same},       {"detection", read_same},
};

static bool read_layer(parser *p, const section *s, eg_darknet_layer *l)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(s->name, kinds[i].name) != 0) continue;
        if (!kinds[i].read(p, s, l)) return false;
        if (l->channels <= MAX_NUMBER && l->height <= MAX_NUMBER && l->width <= MAX_NUMBER) return true;
        return fail_line(p, s->line, "what comes out is too large behind", s->name);
    }
    return eg_fail_at(p->err, EG_MALFORMED, (eg_place){p->file, s->line, 0},
                      "[%s] layers are not supported: how many weights they have is not known",
                      eg_printable(p->arena, s->name, strnlen(s->name, 80)));
}

static bool read_input(parser *p, eg_darknet_layer *input)
{
    const section *s = p->sections;
    bool ok = true;
    if (!p->section_count || (strcmp(s->name, "net") != 0 && strcmp(s->name, "network") != 0))
        return fail_line(p, p->section_count ? s->line : 1, "expected [net] first; found",
                         p->section_count ? s->name : "");
    input->height = number_or(p, s, "height", 1, 1, &ok);
    input->width = number_or(p, s, "width", 1, 1, &ok);
    input->channels = number_or(p, s, "channels", 1, number_or(p, s, "inputs", 1, 0, &ok), &ok);
    return ok;
}

bool eg_darknet_cfg_parse(eg_darknet_cfg *cfg, eg_arena *arena, const char *name, const char *text,
                          eg_error *err)
{
    parser p = {.arena = arena, .file = name, .err = err};
    eg_darknet_layer shape = {0};
    if (!split_lines(&p, text) || !read_input(&p, &shape)) return false;
    if (p.section_count > MAX_LAYERS) return fail_line(&p, 1, "there are too many layers in", name);
    p.layers = EG_NEW_ARRAY(arena, eg_darknet_layer, p.section_count);
    for (size_t i = 1; i < p.section_count; i++) {
        eg_darknet_layer *l = &p.layers[p.count];
        *l = (eg_darknet_layer){.channels = shape.channels, .height = shape.height, .width = shape.width};
        if (!read_layer(&p, &p.sections[i], l)) return false;
        shape = *l;
        p.count++;
    }
    *cfg = (eg_darknet_cfg){p.layers, p.count};
    return true;
}
