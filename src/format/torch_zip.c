#include "format/torch_zip.h"

#include "format/state_dict.h"
#include "format/torch_archive.h"
#include "format/torch_legacy.h"

enum { MAX_CARD = 64 << 20 };

static bool read_object(eg_torch_archive *a)
{
    eg_checkpoint_file *file = a->file;
    size_t length;
    const eg_pickle *pickle = eg_torch_archive_pickle(a, "data.pkl");
    if (!pickle || !eg_torch_archive_check(a)) return false;
    eg_torch torch = {.arena = &file->arena,
                      .pickle = pickle,
                      .allow_expand = file->options.allow_expand,
                      .nested = eg_torch_legacy_nested};
    if (!eg_state_dict_references(pickle, &file->options, &file->arena, &file->checkpoint, a->err))
        return false;
    return eg_torch_collect(&torch, a->err) && eg_torch_archive_attach_all(a, &torch, "data") &&
           eg_state_dict_extract(&torch, &file->options, &file->checkpoint, a->err) &&
           eg_torch_archive_text(a, EG_CARD_RECORD, MAX_CARD, &file->checkpoint.card, &length);
}

bool eg_torch_zip_read(eg_checkpoint_file *file, eg_error *err)
{
    file->checkpoint.format = "torch-zip";
    eg_torch_archive *a = eg_torch_archive_open(file, err);
    bool ok = a && read_object(a);
    if (a) a->err = NULL; /* the caller's error does not outlive this call */
    return ok;
}
