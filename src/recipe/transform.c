#include "recipe/transform.h"

#include <string.h>

enum { MAX_SIZE = 65536 };

/* A side, or [height, width]; width 0 for a side alone. */
static bool read_sides(eg_schema *in, const eg_doc *doc, const char *key, int *height, int *width)
{
    int64_t sides[2] = {0, 0};
    bool pair = doc->kind == EG_DOC_LIST && doc->count == 2;
    bool ok = pair ? eg_scalar_int(doc->items[0], &sides[0]) && eg_scalar_int(doc->items[1], &sides[1])
                   : eg_scalar_int(doc, &sides[0]);
    if (!ok) {
        eg_schema_expected(in, doc, key, "a size in pixels, or [height, width]");
    } else if (sides[0] < 1 || sides[0] > MAX_SIZE || (pair && (sides[1] < 1 || sides[1] > MAX_SIZE))) {
        eg_problem_add(in->problems, "out_of_range", doc->place, "'%s' expects sizes between 1 and %d pixels",
                       key, MAX_SIZE);
        ok = false;
    } else {
        *height = (int)sides[0];
        *width = (int)sides[1];
    }
    return ok;
}

static void read_resize(eg_schema *in, const eg_doc *doc, void *base)
{
    eg_transform *out = base;
    read_sides(in, doc, "resize", &out->height, &out->width);
}

static void read_crop(eg_schema *in, const eg_doc *doc, void *base)
{
    eg_transform *out = base;
    if (read_sides(in, doc, "size", &out->height, &out->width) && out->width == 0) out->width = out->height;
}

/* One number for each channel. */
static int read_channels(eg_schema *in, const eg_doc *doc, const char *key, bool positive, double out[4])
{
    const eg_doc *const *items;
    size_t count = eg_schema_items(&doc, &items);
    bool ok = count >= 1 && count <= 4;
    for (size_t i = 0; ok && i < count; i++)
        ok = eg_scalar_number(items[i], &out[i]) && (!positive || out[i] > 0);
    if (ok) return (int)count;
    eg_schema_expected(in, doc, key,
                       positive ? "one number above 0 for each channel, such as [0.229, 0.224, 0.225]"
                                : "one number for each channel, such as [0.485, 0.456, 0.406]");
    return 0;
}

static void read_mean(eg_schema *in, const eg_doc *doc, void *base)
{
    eg_transform *out = base;
    int channels = read_channels(in, doc, "mean", false, out->mean);
    if (channels > out->channels) out->channels = channels;
}

static void read_std(eg_schema *in, const eg_doc *doc, void *base)
{
    eg_transform *out = base;
    int channels = read_channels(in, doc, "std", true, out->std);
    if (channels > out->channels) out->channels = channels;
}

static size_t channel_count(const eg_doc *doc)
{
    return doc->kind == EG_DOC_LIST ? doc->count : 1;
}

static void check_normalize(eg_schema *in, const eg_doc *doc, void *base)
{
    (void)base;
    const eg_doc *mean = eg_doc_find(doc, "mean"), *std = eg_doc_find(doc, "std");
    if (mean && std && channel_count(mean) != channel_count(std))
        eg_problem_add(in->problems, "wrong_type", std->place, "'std' has %zu values, but 'mean' has %zu",
                       channel_count(std), channel_count(mean));
}

/* torchvision takes the ratio's logarithm, and shares of the area are positive. */
static void check_random_crop(eg_schema *in, const eg_doc *doc, void *base)
{
    const eg_transform *out = base;
    const char *wrong = out->scale[0] <= 0 || out->scale[0] > out->scale[1]   ? "scale"
                        : out->ratio[0] <= 0 || out->ratio[0] > out->ratio[1] ? "ratio"
                                                                              : NULL;
    const eg_doc *at = wrong ? eg_doc_find(doc, wrong) : NULL;
    if (at)
        eg_problem_add(in->problems, "out_of_range", at->place,
                       "'%s' expects [low, high] with 0 < low <= high", wrong);
}

static const eg_word interpolations[] = {
    {"nearest", EG_NEAREST},
    {"bilinear", EG_BILINEAR},
    {"bicubic", EG_BICUBIC},
    {"lanczos", EG_WORD_UNSUPPORTED},
    {"box", EG_WORD_UNSUPPORTED},
    {"hamming", EG_WORD_UNSUPPORTED},
    {0},
};

#define AT(member) offsetof(eg_transform, member)
#define INTERPOLATION                                                                                        \
    {                                                                                                        \
        "interpolation", EG_TYPE_WORD, AT(interpolation), "bilinear", .words = interpolations,               \
                                                                      .doc = "Pillow's filter, antialiased"  \
    }

static const eg_field resize_rows[] = {
    {"size", EG_TYPE_OTHER, 0, .read = read_resize, .required = true,
     .doc = "the shorter side, or [height, width]"},
    INTERPOLATION,
};
static const eg_field center_crop_rows[] = {
    {"size", EG_TYPE_OTHER, 0, .read = read_crop, .required = true, .doc = "the side, or [height, width]"},
};
static const eg_field random_resized_crop_rows[] = {
    {"size", EG_TYPE_OTHER, 0, .read = read_crop, .doc = "of the result; preprocess's when not given"},
    {"scale", EG_TYPE_PAIR, AT(scale), "[0.08, 1.0]", 0, 1, .doc = "share of the area that a crop has"},
    {"ratio", EG_TYPE_PAIR, AT(ratio), "[0.75, 1.3333333333333333]", 0, 1000,
     .doc = "width / height of a crop"},
    INTERPOLATION,
};
static const eg_field horizontal_flip_rows[] = {
    {"p", EG_TYPE_NUMBER, AT(p), "0.5", 0, 1, .doc = "probability"},
};
static const eg_field vertical_flip_rows[] = {
    {"p", EG_TYPE_NUMBER, AT(p), "0.5", 0, 1, .doc = "probability"},
};
static const eg_field grayscale_rows[] = {
    {"p", EG_TYPE_NUMBER, AT(p), "0.1", 0, 1, .doc = "probability"},
};

/* A number x is [max(0, centre - x), centre + x]; hue's centre is 0 and its ends are at most a half. */
static void read_jitter(eg_schema *in, const eg_doc *doc, const char *key, bool hue, double out[2])
{
    double x;
    const double centre = hue ? 0 : 1, most = hue ? 0.5 : 1e6;
    if (eg_scalar_number(doc, &x) && x >= 0 && x <= most) {
        out[0] = hue || x < centre ? centre - x : 0;
        out[1] = centre + x;
        return;
    }
    bool pair = doc->kind == EG_DOC_LIST && doc->count == 2 && eg_scalar_number(doc->items[0], &out[0]) &&
                eg_scalar_number(doc->items[1], &out[1]) && out[0] <= out[1];
    if (!pair || out[0] < (hue ? -most : 0) || out[1] > most)
        eg_schema_expected(in, doc, key,
                           hue ? "a number from 0 to 0.5, or [low, high] between -0.5 and 0.5"
                               : "a number of 0 or more, or factors [low, high]");
}

static void read_brightness(eg_schema *in, const eg_doc *doc, void *base)
{
    read_jitter(in, doc, "brightness", false, ((eg_transform *)base)->brightness);
}

static void read_contrast(eg_schema *in, const eg_doc *doc, void *base)
{
    read_jitter(in, doc, "contrast", false, ((eg_transform *)base)->contrast);
}

static void read_saturation(eg_schema *in, const eg_doc *doc, void *base)
{
    read_jitter(in, doc, "saturation", false, ((eg_transform *)base)->saturation);
}

static void read_hue(eg_schema *in, const eg_doc *doc, void *base)
{
    read_jitter(in, doc, "hue", true, ((eg_transform *)base)->hue);
}

static const eg_field color_jitter_rows[] = {
    {"brightness", EG_TYPE_OTHER, .standard = "0", .read = read_brightness,
     .doc = "x: a factor from max(0, 1 - x) to 1 + x; or [low, high]"},
    {"contrast", EG_TYPE_OTHER, .standard = "0", .read = read_contrast, .doc = "likewise"},
    {"saturation", EG_TYPE_OTHER, .standard = "0", .read = read_saturation, .doc = "likewise"},
    {"hue", EG_TYPE_OTHER, .standard = "0", .read = read_hue,
     .doc = "x: a turn from -x to x; or [low, high]"},
};

/* A quality, or [low, high]. */
static void read_quality(eg_schema *in, const eg_doc *doc, void *base)
{
    int64_t *out = ((eg_transform *)base)->quality;
    const eg_doc *const *items;
    size_t count = eg_schema_items(&doc, &items);
    bool ok = (count == 1 || count == 2) && eg_scalar_int(items[0], &out[0]) &&
              eg_scalar_int(items[count - 1], &out[1]) && 1 <= out[0] && out[0] <= out[1] && out[1] <= 100;
    if (!ok) eg_schema_expected(in, doc, "range", "a quality from 1 to 100, or [low, high]");
}

static const eg_field jpeg_quality_rows[] = {
    {"range", EG_TYPE_OTHER, .standard = "[50, 95]", .read = read_quality,
     .doc = "quality that the image is saved with and read again: [low, high]"},
    {"p", EG_TYPE_NUMBER, AT(p), "1", 0, 1, .doc = "probability"},
};
static const eg_field normalize_rows[] = {
    {"mean", EG_TYPE_OTHER, 0, .read = read_mean, .required = true,
     .doc = "of each channel, of values in [0, 1]"},
    {"std", EG_TYPE_OTHER, 0, .read = read_std, .required = true,
     .doc = "of each channel, of values in [0, 1]"},
};

#define NO_PLACE .given = EG_NOWHERE, .place = EG_NOWHERE

/* The steps by name; `random` ones belong under augment. */
static const struct {
    eg_section section;
    bool random;
} steps[EG_TRANSFORM_COUNT] = {
    [EG_TRANSFORM_RESIZE] = {{"resize", EG_FIELDS(resize_rows), .bare = "size", NO_PLACE}, false},
    [EG_TRANSFORM_CENTER_CROP] = {{"center_crop", EG_FIELDS(center_crop_rows), .bare = "size", NO_PLACE},
                                  false},
    [EG_TRANSFORM_RANDOM_RESIZED_CROP] = {{"random_resized_crop", EG_FIELDS(random_resized_crop_rows),
                                           .bare = "size", NO_PLACE, .check = check_random_crop},
                                          true},
    [EG_TRANSFORM_HORIZONTAL_FLIP] = {{"horizontal_flip", EG_FIELDS(horizontal_flip_rows), .bare = "p",
                                       NO_PLACE},
                                      true},
    [EG_TRANSFORM_VERTICAL_FLIP] = {{"vertical_flip", EG_FIELDS(vertical_flip_rows), .bare = "p", NO_PLACE},
                                    true},
    [EG_TRANSFORM_COLOR_JITTER] = {{"color_jitter", EG_FIELDS(color_jitter_rows), NO_PLACE}, true},
    [EG_TRANSFORM_GRAYSCALE] = {{"grayscale", EG_FIELDS(grayscale_rows), .bare = "p", NO_PLACE}, true},
    [EG_TRANSFORM_JPEG_QUALITY] = {{"jpeg_quality", EG_FIELDS(jpeg_quality_rows), .bare = "range", NO_PLACE},
                                   true},
    [EG_TRANSFORM_NORMALIZE] = {{"normalize", EG_FIELDS(normalize_rows), NO_PLACE, .check = check_normalize},
                                false},
};

static const eg_word names[] = {
    {"resize", EG_TRANSFORM_RESIZE},
    {"center_crop", EG_TRANSFORM_CENTER_CROP},
    {"random_resized_crop", EG_TRANSFORM_RANDOM_RESIZED_CROP},
    {"horizontal_flip", EG_TRANSFORM_HORIZONTAL_FLIP},
    {"vertical_flip", EG_TRANSFORM_VERTICAL_FLIP},
    {"color_jitter", EG_TRANSFORM_COLOR_JITTER},
    {"grayscale", EG_TRANSFORM_GRAYSCALE},
    {"jpeg_quality", EG_TRANSFORM_JPEG_QUALITY},
    {"normalize", EG_TRANSFORM_NORMALIZE},
    {"random_crop", EG_WORD_UNSUPPORTED},
    {"rotation", EG_WORD_UNSUPPORTED},
    {"random_erasing", EG_WORD_UNSUPPORTED},
    {"gaussian_blur", EG_WORD_UNSUPPORTED},
    {"auto_augment", EG_WORD_UNSUPPORTED},
    {"rand_augment", EG_WORD_UNSUPPORTED},
    {"trivial_augment", EG_WORD_UNSUPPORTED},
    {"mixup", EG_WORD_UNSUPPORTED},
    {"cutmix", EG_WORD_UNSUPPORTED},
    {0},
};

const char *eg_transform_name(eg_transform_kind kind)
{
    return steps[kind].section.name;
}

const eg_section *eg_step_section(eg_transform_kind kind, bool *random)
{
    *random = steps[kind].random;
    return &steps[kind].section;
}

/* The step's kind by its name; false and a problem when there is no such step. */
static bool find_kind(eg_schema *in, const eg_doc *name, eg_transform_kind *kind)
{
    int value = -2;
    const eg_field field = {"step", EG_TYPE_WORD, 0, .words = names};
    eg_schema_word(in, &field, name, &value);
    if (value < 0) return false;
    *kind = (eg_transform_kind)value;
    return true;
}

/* `horizontal_flip`, or {horizontal_flip: parameters}. */
static bool read_step(eg_schema *in, const eg_doc *doc, bool augment, eg_transform *out)
{
    bool tagged = doc->kind == EG_DOC_MAP && doc->count == 1;
    if (!tagged && (doc->kind != EG_DOC_SCALAR || !doc->text[0])) {
        eg_problem_add(in->problems, "wrong_type", doc->place,
                       "a step is a name or a mapping of one name to its parameters, such as 'resize: 256'");
        return false;
    }
    eg_doc none = {.kind = EG_DOC_MAP, .place = doc->place, .text = ""};
    const eg_doc *name = tagged ? doc->keys[0] : doc;
    const eg_doc *parameters = tagged && !eg_doc_is_null(doc->items[0]) ? doc->items[0] : &none;
    *out = (eg_transform){.place = name->place};
    if (!find_kind(in, name, &out->kind)) return false;
    if (steps[out->kind].random != augment)
        eg_problem_add(in->problems, "misplaced_step", name->place, "'%s' belongs under '%s': %s", name->text,
                       augment ? "preprocess" : "augment",
                       augment ? "it is not random" : "evaluation must not depend on chance");
    eg_schema_read(in, &steps[out->kind].section, parameters, out);
    return true;
}

static void read_steps(eg_schema *in, const eg_doc *doc, bool augment, eg_transform_list *out)
{
    const eg_doc *const *items;
    size_t count = eg_schema_items(&doc, &items), kept = 0;
    eg_transform *list = EG_NEW_ARRAY(in->arena, eg_transform, count);
    for (size_t i = 0; i < count; i++) kept += read_step(in, items[i], augment, &list[kept]);
    *out = (eg_transform_list){list, kept};
}

void eg_augment_read(eg_schema *in, const eg_doc *doc, eg_transform_list *out)
{
    read_steps(in, doc, true, out);
}

/* ---- the short form ---- */

typedef struct short_form {
    eg_transform resize, crop, normalize;
    eg_interpolation interpolation;
} short_form;

static void read_short_resize(eg_schema *in, const eg_doc *doc, void *base)
{
    read_resize(in, doc, &((short_form *)base)->resize);
}

static void read_short_size(eg_schema *in, const eg_doc *doc, void *base)
{
    read_crop(in, doc, &((short_form *)base)->crop);
}

static void read_short_mean(eg_schema *in, const eg_doc *doc, void *base)
{
    read_mean(in, doc, &((short_form *)base)->normalize);
}

static void read_short_std(eg_schema *in, const eg_doc *doc, void *base)
{
    read_std(in, doc, &((short_form *)base)->normalize);
}

static void read_short_range(eg_schema *in, const eg_doc *doc, void *base)
{
    double low, high;
    (void)base;
    bool unit = doc->kind == EG_DOC_LIST && doc->count == 2 && eg_scalar_number(doc->items[0], &low) &&
                eg_scalar_number(doc->items[1], &high) && low == 0 && high == 1;
    if (!unit) eg_schema_expected(in, doc, "range", "[0, 1], the only range of this version");
}

static void check_short(eg_schema *in, const eg_doc *doc, void *base)
{
    const eg_doc *mean = eg_doc_find(doc, "mean"), *std = eg_doc_find(doc, "std");
    check_normalize(in, doc, base);
    if (doc && !mean != !std)
        eg_problem_add(in->problems, "missing_key", doc->place,
                       "'mean' and 'std' are given together or not at all");
}

static const eg_word channel_orders[] = {{"rgb", 0}, {"bgr", EG_WORD_UNSUPPORTED}, {0}};

static const eg_field short_rows[] = {
    {"resize", EG_TYPE_OTHER, 0, .read = read_short_resize, .doc = "the shorter side; `size` when not given"},
    {"size", EG_TYPE_OTHER, 0, .read = read_short_size, .doc = "of the center crop"},
    {"interpolation", EG_TYPE_WORD, offsetof(short_form, interpolation), "bilinear", .words = interpolations,
     .doc = "of the resize"},
    {"mean", EG_TYPE_OTHER, 0, .read = read_short_mean, .doc = "of each channel, of values in [0, 1]"},
    {"std", EG_TYPE_OTHER, 0, .read = read_short_std, .doc = "of each channel, of values in [0, 1]"},
    {"channel_order", EG_TYPE_WORD, EG_NOWHERE, .words = channel_orders, .doc = "of the network's input"},
    {"range", EG_TYPE_OTHER, 0, .read = read_short_range, .doc = "of the values that mean and std speak of"},
};
static const eg_section short_section = {"preprocess", EG_FIELDS(short_rows), NO_PLACE, .check = check_short};

static void read_short_form(eg_schema *in, const eg_doc *doc, eg_transform_list *out)
{
    short_form given = {0};
    eg_schema_read(in, &short_section, doc, &given);
    eg_transform *list = EG_NEW_ARRAY(in->arena, eg_transform, 3);
    size_t count = 0;
    if (given.resize.height || given.crop.height) {
        bool square = given.crop.height == given.crop.width;
        eg_transform resize = given.resize;
        if (!resize.height) resize.height = given.crop.height, resize.width = square ? 0 : given.crop.width;
        resize.interpolation = given.interpolation;
        list[count] = resize;
        list[count++].kind = EG_TRANSFORM_RESIZE;
    }
    if (given.crop.height) {
        list[count] = given.crop;
        list[count++].kind = EG_TRANSFORM_CENTER_CROP;
    }
    if (given.normalize.channels) {
        list[count] = given.normalize;
        list[count++].kind = EG_TRANSFORM_NORMALIZE;
    }
    for (size_t i = 0; i < count; i++) list[i].place = doc->place;
    *out = (eg_transform_list){list, count};
}

void eg_preprocess_read(eg_schema *in, const eg_doc *doc, eg_transform_list *out)
{
    if (doc->kind == EG_DOC_MAP)
        read_short_form(in, doc, out);
    else
        read_steps(in, doc, false, out);
}

const eg_section *eg_preprocess_section(void)
{
    return &short_section;
}
