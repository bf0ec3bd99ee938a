#include "run/history.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "format/json.h"

enum { LARGEST = 1 << 30 };

static double number(const eg_json *json, const char *key)
{
    double value;
    return eg_json_get_real(json, key, &value) ? value : NAN;
}

static double highest(const eg_json *json)
{
    const eg_json *rates = eg_json_get(json, "lr");
    double most = 0, rate;
    for (size_t i = 0; i < eg_json_count(rates); i++)
        if (eg_json_real_at(rates, i, &rate)) most = fmax(most, rate);
    return most;
}

static void add_line(eg_history *history, eg_arena *arena, const eg_json *json)
{
    const char *event = eg_json_get_string(json, "event"), *phase = eg_json_get_string(json, "phase");
    if (!event || strcmp(event, "epoch") != 0) {
        history->lr[history->step_count++] = highest(json);
        return;
    }
    eg_history_epoch *epoch = &history->epochs[history->epoch_count++];
    *epoch = (eg_history_epoch){.phase = eg_arena_string(arena, phase ? phase : ""),
                                .loss = number(json, "loss"),
                                .accuracy = number(json, "accuracy"),
                                .val_loss = number(json, "val_loss"),
                                .val_accuracy = number(json, "val_accuracy"),
                                .val_macro_f1 = number(json, "val_macro_f1")};
    eg_json_get_bool(json, "best", &epoch->best);
    eg_json_get_bool(json, "stop", &epoch->stop);
}

bool eg_history_read(eg_history *history, eg_arena *arena, const char *path, eg_error *err)
{
    char *text = eg_file_read(arena, path, LARGEST, NULL, err);
    size_t lines = 1;
    if (!text) return false;
    for (const char *at = text; *at; at++) lines += *at == '\n';
    *history = (eg_history){.epochs = EG_NEW_ARRAY(arena, eg_history_epoch, lines),
                            .lr = EG_NEW_ARRAY(arena, double, lines)};
    while (*text) {
        size_t length = strcspn(text, "\n");
        bool more = text[length] == '\n';
        text[length] = '\0';
        eg_json *json = eg_json_parse(text, err);
        if (!json) return eg_error_in(err, path);
        add_line(history, arena, json);
        eg_json_free(json);
        text += length + more;
    }
    return true;
}
