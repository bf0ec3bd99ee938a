/* What decides the last bits of a result on this machine, as a text: of this program and the libraries that
 * it computes with. Equal texts mean equal bits for equal work; threads have no part in it. */
#ifndef ENGRAFT_KERNEL_ARITHMETIC_H
#define ENGRAFT_KERNEL_ARITHMETIC_H

/* "engraft 0.1.0, avx2, OpenBLAS 0.3.21 Haswell, glibc 2.36". eg_gemm_setup comes first. */
const char *eg_arithmetic(void);

#endif
