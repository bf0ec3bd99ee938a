/* What every command needs. */
#include "engraft/run.h"
#include "kernel/gemm.h"

void eg_run_setup(void)
{
    eg_gemm_setup();
}
