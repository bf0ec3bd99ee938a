/* What the architecture language has, from the tables that it is read by. */
#ifndef ENGRAFT_NET_LANGUAGE_H
#define ENGRAFT_NET_LANGUAGE_H

#include <stdio.h>

/* Operators with their arguments, defaults and PyTorch's name; then the helpers of expressions. */
void eg_language_print(FILE *out);

#endif
