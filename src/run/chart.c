#include "run/chart.h"

#include <math.h>

enum { WIDTH = 640, HEIGHT = 200, LEFT = 56, RIGHT = 8, TOP = 8, BOTTOM = 24, MOST = 400 };

typedef struct range {
    double low, high;
} range;

static range find_range(const eg_chart *chart)
{
    range r = {INFINITY, -INFINITY};
    for (size_t c = 0; c < chart->curve_count; c++)
        for (size_t i = 0; i < chart->points; i++) {
            double y = chart->curves[c].y[i];
            if (isnan(y)) continue;
            r.low = fmin(r.low, y);
            r.high = fmax(r.high, y);
        }
    if (!(r.low <= r.high)) return (range){0, 1};
    if (r.low == r.high) return (range){r.low - 0.5, r.high + 0.5};
    return r;
}

static double place_x(const eg_chart *chart, double x)
{
    double span = chart->points > 1 ? (double)(chart->points - 1) : 1;
    return LEFT + (WIDTH - LEFT - RIGHT) * (x - 1) / span;
}

static double place_y(range r, double y)
{
    return TOP + (HEIGHT - TOP - BOTTOM) * (r.high - y) / (r.high - r.low);
}

static void draw_curve(const eg_chart *chart, const eg_curve *curve, range r, eg_buf *out)
{
    size_t stride = chart->points / MOST + 1, drawn = 0;
    eg_buf_printf(out, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\" points=\"", curve->colour);
    for (size_t i = 0; i < chart->points;
         i += i + stride < chart->points || i + 1 == chart->points ? stride : chart->points - 1 - i) {
        if (isnan(curve->y[i])) continue;
        eg_buf_printf(out, "%s%.1f,%.1f", drawn++ ? " " : "", place_x(chart, (double)i + 1),
                      place_y(r, curve->y[i]));
    }
    eg_buf_puts(out, "\"/>\n");
    if (drawn == 1 && !isnan(curve->y[0]))
        eg_buf_printf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n", place_x(chart, 1),
                      place_y(r, curve->y[0]), curve->colour);
}

static void draw_frame(const eg_chart *chart, range r, eg_buf *out)
{
    const double ends[] = {r.high, r.low};
    eg_buf_printf(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"none\" stroke=\"#ccc\"/>\n",
                  LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
    for (int i = 0; i < 2; i++)
        eg_buf_printf(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.4g</text>\n", LEFT - 4,
                      place_y(r, ends[i]) + (i ? 0 : 10), ends[i]);
    eg_buf_printf(out, "<text x=\"%d\" y=\"%d\">%s 1</text>\n", LEFT, HEIGHT - 8, chart->unit);
    if (chart->points > 1)
        eg_buf_printf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%zu</text>\n", WIDTH - RIGHT,
                      HEIGHT - 8, chart->points);
    for (size_t i = 0; i < chart->border_count; i++) {
        double x = place_x(chart, (double)chart->borders[i] + 0.5);
        eg_buf_printf(out,
                      "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\" stroke=\"#999\" "
                      "stroke-dasharray=\"3 3\"/>\n",
                      x, x, TOP, HEIGHT - BOTTOM);
    }
}

void eg_chart_draw(const eg_chart *chart, eg_buf *out)
{
    range r = find_range(chart);
    eg_buf_printf(out, "<figure>\n<figcaption>%s", chart->title);
    for (size_t c = 0; c < chart->curve_count; c++)
        eg_buf_printf(out, " <span style=\"color:%s\">&#9644; %s</span>", chart->curves[c].colour,
                      chart->curves[c].name);
    eg_buf_printf(out, "</figcaption>\n<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">\n", WIDTH,
                  HEIGHT, chart->title);
    draw_frame(chart, r, out);
    for (size_t c = 0; c < chart->curve_count; c++) draw_curve(chart, &chart->curves[c], r, out);
    eg_buf_puts(out, "</svg>\n</figure>\n");
}
