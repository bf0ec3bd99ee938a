/* Where a training was, in a file: DIR/state/training.safetensors, whole or not at all.
 *
 *   weights/NAME, average/NAME, best.raw/NAME, best.ema/NAME   the state dicts that there are
 *   optimizer/NAME                                             what the optimizer keeps of a parameter
 *   confusion (i64), metrics (u8)                              of the best epoch; metrics.jsonl so far
 *   card: {"state": 1, "decided": digest, "progress": {…}, "steps": [per parameter], "phases": […]} */
#ifndef ENGRAFT_RUN_STATE_H
#define ENGRAFT_RUN_STATE_H

#include "run/tuning.h"

/* A digest of what decided the training: recipe, plan, samples. A state continues that training alone. */
const char *eg_state_decided(eg_arena *arena, const eg_transfer *transfer, const eg_problems *problems,
                             const eg_samples *samples);
bool eg_state_write(const char *path, eg_tuning *tuning, eg_trainer *trainer, const char *decided,
                    eg_error *err);
/* Puts the tuning, which has not begun, where the file was written; its metrics file gets the lines of then.
 * EG_MISMATCH when the file is of another training. */
bool eg_state_read(const char *path, eg_tuning *tuning, const char *decided, eg_error *err);

#endif
