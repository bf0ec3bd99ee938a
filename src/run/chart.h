/* Curves as inline SVG. */
#ifndef ENGRAFT_RUN_CHART_H
#define ENGRAFT_RUN_CHART_H

#include "base/str.h"

/* One curve; NaN where there is no value. */
typedef struct eg_curve {
    const char *name, *colour;
    const double *y;
} eg_curve;

typedef struct eg_chart {
    const char *title, *unit; /* of x: "epoch" */
    size_t points;            /* of each curve; x counts from 1 */
    const eg_curve *curves;
    size_t curve_count;
    const size_t *borders; /* x of vertical lines: after so many points */
    size_t border_count;
} eg_chart;

/* The same bytes for the same numbers. Long curves are thinned out to some hundred points. */
void eg_chart_draw(const eg_chart *chart, eg_buf *out);

#endif
