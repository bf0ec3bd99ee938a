/* Which instruction sets this processor offers, for kernels that have a form for each. All forms of a kernel
 * give the same bits, unless its header says otherwise. */
#ifndef ENGRAFT_KERNEL_CPU_H
#define ENGRAFT_KERNEL_CPU_H

typedef enum eg_cpu {
    EG_CPU_PORTABLE, /* plain C */
    EG_CPU_AVX2,     /* with FMA */
    EG_CPU_AVX512,   /* F, DQ, VL */
    EG_CPU_COUNT
} eg_cpu;

/* The best form that the processor and the system can run; ENGRAFT_CPU=portable|avx2|avx512 in the
 * environment sets an upper limit (another value sets none). */
eg_cpu eg_cpu_best(void);
/* Sets an upper limit for what is chosen from now on, for comparing forms. From one thread, while none
 * computes. */
void eg_cpu_limit(eg_cpu most);
/* What the processor offers, whatever the environment says. */
eg_cpu eg_cpu_detect(void);
const char *eg_cpu_name(eg_cpu cpu);

#endif
