/* engraft --version. */
#include <stdio.h>

#include "engraft/run.h"
#include "format/json.h"
#include "kernel/arithmetic.h"
#include "kernel/gemm.h"

bool eg_run_version(bool json, eg_error *err)
{
    if (!json) return puts("engraft " ENGRAFT_VERSION) >= 0 || eg_fail(err, EG_SYSTEM, "cannot write");
    eg_json *out = eg_json_object();
    eg_gemm_setup();
    eg_json_string(out, "version", ENGRAFT_VERSION);
    eg_json_string(out, "arithmetic", eg_arithmetic());
    bool ok = eg_json_print(out, stdout, err);
    eg_json_free(out);
    return ok;
}
