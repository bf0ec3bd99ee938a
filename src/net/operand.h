/* Values as operands of the data flow: arguments of calls, operators as functions, arithmetic. */
#ifndef ENGRAFT_NET_OPERAND_H
#define ENGRAFT_NET_OPERAND_H

#include "net/part.h"

typedef struct eg_operands {
    int32_t values[EG_OP_INPUTS];
    int32_t count;
} eg_operands;

static inline eg_datum eg_datum_value(int32_t value)
{
    return (eg_datum){.kind = EG_DATUM_VALUE, .integer = value};
}

/* A value, a list of values, or a parameter or buffer, which is one where data flows. */
bool eg_operand_is(const eg_datum *datum);
bool eg_operand_is_entry(const eg_datum *datum);
/* Adds what is_operand holds for. */
bool eg_operand_add(eg_eval *eval, const eg_expr *at, const eg_datum *datum, eg_operands *in);
/* The leading arguments that are values; *taken is how many those were. */
bool eg_operand_take(eg_eval *eval, const eg_actual *actuals, size_t count, eg_operands *in, size_t *taken);
/* A parameter or buffer as a value, without its first `skip` dimensions, which are 1. */
bool eg_operand_learned(eg_eval *eval, const eg_expr *at, eg_part *entry, int64_t skip, eg_datum *out);

/* The operator of that name as a function of values. */
bool eg_operand_apply(eg_eval *eval, const eg_expr *at, const eg_op *op, const eg_actual *actuals,
                      size_t count, const eg_operands *in, eg_datum *out);
/* Its call as it is written, values first. */
bool eg_operand_call(eg_eval *eval, const eg_expr *at, const eg_op *op, const eg_actual *actuals,
                     size_t count, eg_datum *out);
/* a op b where one is a value and the other one as well, or a number. */
bool eg_operand_operate(eg_eval *eval, const eg_expr *at, eg_operator op, const eg_datum *a,
                        const eg_datum *b, eg_datum *out);

#endif
