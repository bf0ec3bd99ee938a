/* What `engraft selftest` looks at: kernels against the definition, in every form that this processor runs;
 * and trainings that must give the same bits in every form, on any number of threads. */
#ifndef ENGRAFT_RUN_SELFTEST_H
#define ENGRAFT_RUN_SELFTEST_H

#include "engraft/run.h"
#include "kernel/cpu.h"

typedef struct eg_selftest_check {
    const char *group; /* "kernel", "training" */
    const char *name;
    const char *form;   /* the instruction set, or "all" */
    const char *result; /* an error's size, or a digest */
    bool ok;
} eg_selftest_check;

typedef struct eg_selftest {
    eg_arena *arena;
    const int *threads; /* numbers to compare */
    size_t thread_count;
    bool quick;
    eg_selftest_check *checks;
    size_t count, capacity, failed;
} eg_selftest;

/* Adds a line. The texts are borrowed, or in the arena. */
void eg_selftest_add(eg_selftest *test, eg_selftest_check check);

/* Products, convolutions of every kind and gradients. Errors: no memory. */
bool eg_selftest_kernels(eg_selftest *test, eg_error *err);
/* A few steps of a small network of each family, and of one with each optimizer. */
bool eg_selftest_training(eg_selftest *test, eg_error *err);

#endif
