/* Python's arithmetic and order on data. */
#ifndef ENGRAFT_NET_ARITH_H
#define ENGRAFT_NET_ARITH_H

#include "net/eval.h"

/* + - * / // % on numbers; + joins texts and lists, list * int repeats. False and a problem: other kinds,
 * division by zero, an integer beyond 63 bits, a real beyond finite. */
bool eg_arith_apply(eg_eval *eval, const eg_expr *at, eg_operator op, const eg_datum *a, const eg_datum *b,
                    eg_datum *out);
/* == != < <= > >= in, not in. */
bool eg_arith_compare(eg_eval *eval, const eg_expr *at, eg_operator op, const eg_datum *a, const eg_datum *b,
                      bool *out);
/* A finite real as an integer: false and a problem when it does not fit. */
bool eg_arith_integer(eg_eval *eval, const eg_expr *at, double real, int64_t *out);

#endif
