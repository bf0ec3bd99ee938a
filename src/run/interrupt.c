#include "run/interrupt.h"

#include <signal.h>
#include <string.h>

#include "engraft/run.h"

static volatile sig_atomic_t caught;

static void note(int number)
{
    caught = number;
}

void eg_interrupt_watch(void)
{
    struct sigaction action = {.sa_handler = note, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool eg_interrupt_check(eg_error *err)
{
    int number = caught;
    if (number) eg_fail(err, EG_SYSTEM, "stopped by a signal (%s); no model was written", strsignal(number));
    return number != 0;
}

int eg_run_signal(void)
{
    return caught;
}
