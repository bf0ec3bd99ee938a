/* Architectures: state dicts equal to PyTorch's (lists written by tests/oracle/arch_keys.py), every feature
 * of the language, every mistake with its line, column and the layer's path, and bounds on what a file can
 * ask for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "engraft/net.h"
#include "format/yaml.h"
#include "net/library.h"
#include "net/op.h"
#include "net/show.h"

static eg_arena arena;

static int clear(void **state)
{
    (void)state;
    eg_arena_clear(&arena);
    return 0;
}

static const eg_doc *args_of(const char *text)
{
    eg_error err = {0};
    const eg_doc *doc = text ? eg_doc_parse(&arena, "recipe.yaml", text, strlen(text), &err) : NULL;
    assert_true(!text || doc);
    return doc;
}

static const eg_net *build(const char *text, const char *args)
{
    eg_problems problems = {.arena = &arena};
    eg_error err = {0};
    const eg_net *net = eg_net_parse(&arena, "net.yaml", text, args_of(args), &problems, &err);
    if (!net) eg_problems_print(&problems, stderr, false);
    if (!net) print_error("%s\n", err.text);
    assert_non_null(net);
    return net;
}

/* "name dims…" of each entry, "@module version" of each module when there is one in the reference. */
static const char *write_keys(const eg_net *net, bool modules)
{
    eg_buf buf = {0};
    for (int32_t i = 0; i < net->param_count; i++) {
        const eg_param *p = &net->params[i];
        eg_buf_puts(&buf, p->name);
        for (uint32_t d = 0; d < p->shape.rank; d++)
            eg_buf_printf(&buf, " %lld", (long long)p->shape.dims[d]);
        eg_buf_puts(&buf, "\n");
    }
    for (int32_t i = 0; modules && i < net->module_count; i++)
        eg_buf_printf(&buf, "@%s %lld\n", net->modules[i].path, (long long)net->modules[i].version);
    return eg_buf_take(&buf, &arena);
}

/* One sweep of what must hold for any net. */
static void check_net(const eg_net *net)
{
    assert_string_equal(net->modules[0].path, "");
    for (int32_t i = 0; i < net->node_count; i++) {
        const eg_node *node = &net->nodes[i];
        assert_true(node->place.line > 0 && node->place.column > 0);
        for (int32_t k = 0; k < node->input_count; k++) assert_true(node->inputs[k] < node->output);
        for (int32_t k = 0; k < node->param_count; k++) assert_true(node->params[k] < net->param_count);
    }
    for (int32_t i = 0; i < net->param_count; i++) {
        const eg_param *p = &net->params[i];
        assert_int_equal(eg_net_param_find(net, p->name), i);
        assert_int_not_equal(p->init.kind, EG_INIT_DEFAULT);
        if (p->node < 0) continue;
        const eg_node *node = &net->nodes[p->node];
        assert_true(eg_starts_with(p->name, node->path));
        bool used = false;
        for (int32_t k = 0; k < node->param_count; k++) used |= node->params[k] == i;
        assert_true(used);
    }
}

/* ---- shipped families ---- */

static void test_keys(void **state)
{
    (void)state;
    static const char *const names[] = {"resnet18",     "resnet50",     "vgg11",   "vgg16_bn",
                                        "mobilenet_v2", "mobilenet_v1", "resnet20"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        eg_problems problems = {.arena = &arena};
        eg_error err = {0};
        const char *root = getenv("ENGRAFT_TEST_ROOT");
        const char *path = eg_arena_printf(&arena, "%s/tests/data/arch/%s.keys", root, names[i]);
        const char *expected = eg_file_read(&arena, path, 1 << 20, NULL, &err);
        const eg_net *net = eg_net_read(&arena, names[i], NULL, &problems, &err);
        assert_non_null(net);
        assert_non_null(expected);
        check_net(net);
        assert_string_equal(write_keys(net, strchr(expected, '@') != NULL), expected);
    }
}

static uint64_t count_trainable(const eg_net *net)
{
    uint64_t sum = 0, numel;
    for (int32_t i = 0; i < net->param_count; i++)
        if (!net->params[i].buffer && eg_shape_numel(net->params[i].shape, &numel)) sum += numel;
    return sum;
}

/* Published parameter counts (torchvision's), and multiply-adds (its documentation's GFLOPS, counted as one
 * each). */
static void test_totals(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint64_t parameters;
        double giga;
    } cases[] = {
        {"resnet34", 21797672, 3.66},        {"resnet101", 44549160, 7.80},
        {"resnet152", 60192808, 11.51},      {"wide_resnet50_2", 68883240, 11.40},
        {"resnext50_32x4d", 25028904, 4.23}, {"resnext101_32x8d", 88791336, 16.41},
        {"vgg13", 133047848, 11.31},         {"vgg19_bn", 143678248, 19.63},
        {"mobilenet_v2", 3504872, 0.30},     {"resnet110", 1727962, 0.25},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        eg_error err = {0};
        const eg_net *net = eg_net_read(&arena, cases[i].name, NULL, NULL, &err);
        assert_non_null(net);
        assert_int_equal(count_trainable(net), cases[i].parameters);
        assert_true(eg_net_flops(net) / 2e9 > cases[i].giga - 0.02 &&
                    eg_net_flops(net) / 2e9 < cases[i].giga + 0.02);
    }
}

/* Every shipped file and variant builds, and again from its own text and arguments, to the same net. */
static void test_families(void **state)
{
    (void)state;
    size_t count;
    const eg_family *families = eg_library_list(&arena, &count);
    assert_true(count >= 8);
    for (size_t i = 0; i < count; i++) {
        for (size_t v = 0; v <= families[i].variant_count; v++) {
            const char *name = v ? families[i].variants[v - 1] : families[i].arch;
            eg_error err = {0};
            const eg_net *net = eg_net_read(&arena, name, NULL, NULL, &err);
            assert_non_null(net);
            assert_string_equal(net->arch, families[i].arch);
            const eg_net *again = build(net->text, net->args);
            assert_string_equal(write_keys(again, true), write_keys(net, true));
            assert_string_equal(again->args, net->args);
        }
    }
}

static void test_arguments(void **state)
{
    (void)state;
    eg_problems problems = {.arena = &arena};
    eg_error err = {0};
    const eg_doc *args =
        args_of("{arch: resnet50, num_classes: 2, in_channels: 1, classes: [a, b], manifest: m}");
    const eg_net *net = eg_net_read(&arena, "resnet50", args, &problems, &err);
    assert_non_null(net);
    assert_string_equal(
        net->args,
        "{depth: 50, num_classes: 2, in_channels: 1, image_size: 224, groups: 1, width_per_group: 64}");
    assert_int_equal(net->params[eg_net_param_find(net, "fc.weight")].shape.dims[0], 2);
    assert_int_equal(net->params[0].shape.dims[1], 1);
    assert_int_equal(net->values[0].dims[2], 1);
    assert_int_equal(net->values[net->output].dims[0], 2);

    args = args_of("{num_class: 2, in_channels: x, depth: 51}");
    assert_null(eg_net_read(&arena, "resnet50", args, &problems, &err));
    assert_int_equal(problems.errors, 1);
    assert_string_equal(problems.items[0].message, "the architecture has no argument 'num_class' (did you "
                                                   "mean 'num_classes'?); it has depth, num_classes, "
                                                   "in_channels, image_size, groups, width_per_group");
    assert_string_equal(problems.items[0].place.file, "recipe.yaml");
    assert_int_equal(problems.items[0].place.column, 2);
    assert_int_equal(err.code, EG_RECIPE);

    problems = (eg_problems){.arena = &arena};
    args = args_of("num_classes: two\nin_channels: [3]");
    assert_null(eg_net_read(&arena, "resnet50", args, &problems, NULL));
    assert_int_equal(problems.errors, 2);
    assert_string_equal(problems.items[0].message,
                        "num_classes: expected a number (as its default 1000), found the text 'two'");
    assert_int_equal(problems.items[1].place.line, 2);
    assert_int_equal(problems.items[1].place.column, 14);

    problems = (eg_problems){.arena = &arena};
    assert_null(eg_net_read(&arena, "resnet50", args_of("depth: 51"), &problems, NULL));
    assert_string_equal(problems.items[0].message,
                        "the number 51 is not among the keys 18, 34, 50, 101, 152");
}

static void test_library(void **state)
{
    (void)state;
    eg_error err = {0};
    assert_null(eg_net_read(&arena, "resnet5", NULL, NULL, &err));
    assert_int_equal(err.code, EG_RECIPE);
    assert_non_null(strstr(err.text, "there is no architecture 'resnet5' (did you mean 'resnet"));
    err = (eg_error){0};
    assert_null(eg_net_read(&arena, "quite_another", NULL, NULL, &err));
    assert_non_null(strstr(err.text, "./quite_another.yaml"));
    err = (eg_error){0};
    assert_null(eg_net_read(&arena, "./absent.yaml", NULL, NULL, &err));
    assert_int_equal(err.code, EG_SYSTEM);

    char folder[] = "/tmp/engraft-arch-XXXXXX";
    assert_non_null(mkdtemp(folder));
    const char *path = eg_arena_printf(&arena, "%s/mine.yaml", folder);
    const char *text =
        "arch: mine\nvariants: {resnet18: {n: 3}}\nargs: {n: 2}\ninput: [4]\nmodel: [linear(n)]\n";
    assert_true(eg_file_write(path, text, strlen(text), NULL));
    setenv("ENGRAFT_ARCH_PATH", eg_arena_printf(&arena, "/nowhere::%s", folder), 1);
    const eg_net *net =
        eg_net_read(&arena, "resnet18", NULL, NULL, &err); /* an earlier folder's variant wins */
    const eg_net *by_path = eg_net_read(&arena, path, NULL, NULL, NULL);
    unsetenv("ENGRAFT_ARCH_PATH");
    unlink(path);
    rmdir(folder);
    assert_string_equal(write_keys(net, false), "0.weight 3 4\n0.bias 3\n");
    assert_string_equal(write_keys(by_path, false), "0.weight 2 4\n0.bias 2\n");
}

/* ---- the language, one feature after the other ---- */

#define HEAD "arch: t\ninput: [4, 8, 8]\n"

/* Keys (with shapes) that a model gives; HEAD is put before it. */
static void keys_are(const char *text, const char *expected)
{
    const eg_net *net = build(eg_arena_printf(&arena, HEAD "%s", text), NULL);
    check_net(net);
    assert_string_equal(write_keys(net, false), expected);
}

static void test_structure(void **state)
{
    (void)state;
    /* mappings and lists nest; none keeps its number, has no keys, and is the identity */
    keys_are("model:\n  a:\n    - conv2d(2, 1, bias=false)\n    - none\n    - {b: 'conv2d(3, 1)'}\n",
             "a.0.weight 2 4 1 1\na.2.b.weight 3 2 1 1\na.2.b.bias 3\n");
    /* for and if splice; a list goes on counting; names unpack */
    keys_are("model:\n  - relu()\n  - for out, k in [[2, 1], [3, 3]]:\n      - conv2d(out, k, bias=false)\n"
             "      - if k > 1: relu()\n  - if false: conv2d(9, 1)\n  - conv2d(1, 1, bias=false)\n",
             "1.weight 2 4 1 1\n2.weight 3 2 3 3\n4.weight 1 3 1 1\n");
    /* names made of texts and expressions */
    keys_are(
        "model:\n  for i in range(1, 3):\n    \"c{i}_{'x' if i == 1 else 'y'}\": conv2d(i, 1, bias=false)\n"
        "    if i == 2:\n      last: conv2d(1, 1, bias=false)\n",
        "c1_x.weight 1 4 1 1\nc2_y.weight 2 1 1 1\nlast.weight 1 2 1 1\n");
    /* a mapping in a loop over a list is one module a turn */
    keys_are("model:\n  - for i in range(2): {c: 'conv2d(2, 1, bias=false)'}\n",
             "0.c.weight 2 4 1 1\n1.c.weight 2 2 1 1\n");
    /* parameters come before buffers, both before submodules, whatever the file's order */
    keys_are("model:\n  c: conv2d(2, 1, bias=false)\n  b: buffer([3])\n  p: parameter([1, 2], std=0.02)\n  "
             "forward: c(x)\n",
             "p 1 2\nb 3\nc.weight 2 4 1 1\n");
}

static void test_blocks(void **state)
{
    (void)state;
    /* defaults see the parameters before them, lets see the block's input */
    keys_are(
        "blocks:\n  b(n, m=n * 2):\n    let: {w: x.channels + m, v: w * 2}\n    c: conv2d(w, 1, bias=false)\n"
        "    d: conv2d(v, 1, bias=false)\nmodel:\n  p: b(1)\n  q: b(1, m=0)\n",
        "p.c.weight 6 4 1 1\np.d.weight 12 6 1 1\nq.c.weight 12 12 1 1\nq.d.weight 24 12 1 1\n");
    /* x in nested children is the block's input, not that of the list around them */
    keys_are("blocks:\n  b():\n    - conv2d(2, 1, bias=false)\n    - - conv2d(x.channels, 1, "
             "bias=false)\nmodel: b()\n",
             "0.weight 2 4 1 1\n1.0.weight 4 2 1 1\n");
    /* blocks, operators and words are passed around; an argument does not hide the operator of its name */
    keys_are("args: {act: relu6, dropout: 0.5}\nlet: {unit: big if true else small}\nblocks:\n  small(): "
             "[relu()]\n"
             "  big(f, g=leaky_relu):\n    - conv2d(2, 1, bias=false)\n    - f()\n    - g(0.1)\n    - "
             "dropout(dropout)\n"
             "    - linear_like(3)\n  linear_like(n): conv2d(n, 1, bias=false)\nmodel: [unit(relu), act()]\n",
             "0.0.weight 2 4 1 1\n0.4.weight 3 2 1 1\n");
    /* a block that is another name of a layer adds no module */
    const eg_net *net =
        build(HEAD "blocks: {conv(n): 'conv2d(n, 1, bias=false)'}\nmodel: {c: conv(2)}\n", NULL);
    assert_int_equal(net->module_count, 2);
    assert_string_equal(net->modules[1].type, "conv2d");
}

/* Nodes as "op(inputs) -> output shape", one a line. */
static const char *write_nodes(const eg_net *net)
{
    eg_buf buf = {0};
    for (int32_t i = 0; i < net->node_count; i++) {
        const eg_node *n = &net->nodes[i];
        eg_buf_printf(&buf, "%s[%s](", n->op->name, n->path);
        for (int32_t k = 0; k < n->input_count; k++) eg_buf_printf(&buf, "%s%d", k ? " " : "", n->inputs[k]);
        eg_buf_printf(&buf, ")%s\n", eg_value_text(&arena, eg_node_output(net, n)));
    }
    return eg_buf_take(&buf, &arena);
}

static void nodes_are(const char *text, const char *expected)
{
    const eg_net *net = build(eg_arena_printf(&arena, HEAD "%s", text), NULL);
    check_net(net);
    assert_string_equal(write_nodes(net), expected);
}

static void test_flow(void **state)
{
    (void)state;
    /* operators on values, functions, calls with keywords; the path is that of the calling module */
    nodes_are("model:\n  c: conv2d(4, 1)\n  n: none\n  forward:\n    - y = n(c(x)) + x\n    - relu(y * y)\n",
              "conv2d[c](0)(8, 8, 4)\nadd[](1 0)(8, 8, 4)\nmul[](2 2)(8, 8, 4)\nrelu[](3)(8, 8, 4)\n");
    nodes_are("model:\n  a:\n    forward: max_pool2d(x, 2, stride=1)\n", "max_pool2d[a](0)(7, 7, 4)\n");
    /* slices are (channels, height, width), without the batch; whole ones are free */
    nodes_are("model:\n  forward: flatten(x[1:3, ::2, -2:][:, :, :])\n",
              "slice[](0)(4, 2, 2)\nflatten[](1)(16)\n");
    /* words and lists as arguments; an operator that gives several values */
    nodes_are(
        "model:\n  - gelu()\n  - gelu(approximate='tanh')\n  - stochastic_depth(0.1, 'batch')\n"
        "  - 'pad([1, 0, 2, 3])'\n  - pad(1)\n",
        "gelu[0](0)(8, 8, 4)\ngelu[1](1)(8, 8, 4)\nstochastic_depth[2](2)(8, 8, 4)\npad[3](3)(13, 9, 4)\n"
        "pad[4](4)(15, 11, 4)\n");
    nodes_are("model:\n  forward:\n    - a, b = chunk(x, 2)\n    - cat(a, b, b)\n",
              "chunk[](0)(8, 8, 2)\nchunk[](0)(8, 8, 2)\ncat[](1 2 2)(8, 8, 6)\n");
    /* cat of values and of a list of them; several names; if and for steps; the last value is the result */
    nodes_are("model:\n  forward:\n    - a, b = [x, relu(x)]\n    - if x.height == 8: b = cat(a, b)\n"
              "    - if x.height != 8: b = cat(a, b)\n    - for i in range(2): b = cat([b, a])\n",
              "relu[](0)(8, 8, 4)\ncat[](0 1)(8, 8, 8)\ncat[](2 0)(8, 8, 12)\ncat[](3 0)(8, 8, 16)\n");
    /* children as data: in a loop, by number, by name */
    nodes_are(
        "model:\n  m: [relu(), relu6()]\n  n: {k: relu()}\n  forward:\n    - for layer in m: x = layer(x)\n"
        "    - x = m[-1](x)\n    - n.k(x)\n",
        "relu[m.0](0)(8, 8, 4)\nrelu6[m.1](1)(8, 8, 4)\nrelu6[m.1](2)(8, 8, 4)\nrelu[n.k](3)(8, 8, 4)\n");
    /* a child wins over the operator of its name; names of outer modules are seen, but not their children */
    nodes_are("args: {k: 2}\nmodel:\n  relu: relu6()\n  m:\n    forward: relu(max_pool2d(x, k))\n  forward: "
              "m(relu(x))\n",
              "relu6[relu](0)(8, 8, 4)\nmax_pool2d[m](1)(4, 4, 4)\nrelu[m](2)(4, 4, 4)\n");
}

static void test_sharing(void **state)
{
    (void)state;
    const eg_net *net = build(HEAD "model:\n  c: conv2d(4, 1)\n  forward: c(c(x))\n", NULL);
    assert_int_equal(net->param_count, 2);
    assert_int_equal(net->node_count, 2);
    assert_int_equal(net->nodes[0].params[0], 0);
    assert_int_equal(net->nodes[1].params[0], 0);
    assert_int_equal(net->nodes[1].params[1], 1);
    assert_int_equal(net->params[0].node, 0);
}

static void test_places(void **state)
{
    (void)state;
    const eg_net *net = build(HEAD "model:\n  c: conv2d(4, 1)\n  forward:\n    - relu(relu6(c(x)))\n", NULL);
    static const struct {
        unsigned line, column;
    } places[] = {{4, 6}, {6, 12}, {6, 7}};
    for (int i = 0; i < 3; i++) {
        assert_string_equal(net->nodes[i].place.file, "net.yaml");
        assert_int_equal(net->nodes[i].place.line, places[i].line);
        assert_int_equal(net->nodes[i].place.column, places[i].column);
    }
}

static void test_inputs(void **state)
{
    (void)state;
    const eg_net *net = build(
        "arch: t\nargs: {n: 6}\nlet: {m: n * 2}\ninput: [m]\nmodel: [linear(x.features // 2)]\n", "n: 5");
    assert_int_equal(net->values[0].rank, 1);
    assert_string_equal(write_keys(net, false), "0.weight 5 10\n0.bias 5\n");
    net = build("arch: t\ninput: [5, 6]\nmodel: [linear(x.tokens)]\n", NULL);
    assert_string_equal(write_keys(net, false), "0.weight 5 6\n0.bias 5\n");
    net =
        build("arch: t\ninput: [3, 5, 7]\nmodel: ['conv2d(x.height * 10 + x.width, 1, bias=false)']\n", NULL);
    assert_string_equal(write_keys(net, false), "0.weight 57 3 1 1\n");
}

static void test_values_of_arguments(void **state)
{
    (void)state;
    const char *text = "arch: t\nargs: {a: 1, b: 0.5, c: [1, 2], d: {x: 1}, e: none, f: word, g: 'x y', h: "
                       "true, i: a + 1, j: unit}\n"
                       "input: [4]\nblocks: {unit(n): 'linear(n)'}\nmodel: [j(i)]\n";
    const eg_net *net = build(text, NULL);
    assert_string_equal(
        net->args,
        "{a: 1, b: 0.5, c: [1, 2], d: {'x': 1}, e: none, f: 'word', g: 'x y', h: true, i: 2, j: unit}");
    assert_string_equal(build(text, net->args)->args, net->args);
    net = build(text, "a: 3\nb: 1\nc: []\nd: {1: '2'}\ne: [a]\nf: \"it's\\n\"\nh: false\n");
    assert_string_equal(
        net->args,
        "{a: 3, b: 1, c: [], d: {1: '2'}, e: [3], f: \"it's\\x0a\", g: 'x y', h: false, i: 4, j: unit}");
    assert_string_equal(build(text, net->args)->args, net->args);
}

static const eg_init *init_of(const eg_net *net, const char *name)
{
    return &net->params[eg_net_param_find(net, name)].init;
}

/* The last rule that fits a parameter's name, or "operator.parameter", says what it starts from. */
static void test_init(void **state)
{
    (void)state;
    const eg_net *net =
        build(HEAD "args: {s: 0.25}\ninit:\n  conv2d.*: normal(std=s / 2, mean=3)\n"
                   "  conv2d.bias: zeros()\n  \"*.0.weight\": kaiming_uniform(a=1, fan_out=true)\n"
                   "  nothing.weight: ones()\n  p: uniform(low=-s, high=s)\n"
                   "model:\n  a: conv2d(2, 1)\n  b: ['conv2d(3, 1)', batch_norm2d()]\n"
                   "  p: parameter([3, 1, 1])\n  forward: b(a(x)) * p\n",
              NULL);
    assert_int_equal(init_of(net, "a.weight")->kind, EG_INIT_NORMAL);
    assert_true(init_of(net, "a.weight")->std == 0.125 && init_of(net, "a.weight")->mean == 3);
    assert_int_equal(init_of(net, "a.bias")->kind, EG_INIT_ZEROS);
    assert_int_equal(init_of(net, "b.0.weight")->kind, EG_INIT_KAIMING_UNIFORM);
    assert_true(init_of(net, "b.0.weight")->fan_out && init_of(net, "b.0.weight")->a == 1);
    assert_int_equal(init_of(net, "b.0.bias")->kind, EG_INIT_ZEROS);
    assert_int_equal(init_of(net, "b.1.bias")->kind, EG_INIT_ZEROS); /* the layer's own */
    assert_true(init_of(net, "p")->low == -0.25 && init_of(net, "p")->high == 0.25);
}

/* A module's version is PyTorch's of its state dict: the operator's, or what the file says. */
static void test_versions(void **state)
{
    (void)state;
    const eg_net *net =
        build(HEAD "blocks:\n  b():\n    version: 3\n    n: batch_norm2d()\nmodel:\n  version: 2\n"
                   "  b: b()\n  t: tokens()\n  a: multi_head_attention(2)\n  e: []\n",
              NULL);
    static const eg_module expected[] = {{"", "t", 2},
                                         {"b", "b", 3},
                                         {"b.n", "batch_norm2d", 2},
                                         {"t", "tokens", 1},
                                         {"a", "multi_head_attention", 1},
                                         {"a.out_proj", "linear", 1},
                                         {"e", "Sequential", 1}};
    assert_int_equal(net->module_count, sizeof expected / sizeof *expected);
    for (int32_t i = 0; i < net->module_count; i++) {
        assert_string_equal(net->modules[i].path, expected[i].path);
        assert_string_equal(net->modules[i].type, expected[i].type);
        assert_int_equal(net->modules[i].version, expected[i].version);
    }
    keys_are("model:\n  version: conv2d(2, 1, bias=false)\n", "version.weight 2 4 1 1\n");
}

/* Parameters and buffers that data flows from, numbers beside values, single tokens. */
static void test_operands(void **state)
{
    (void)state;
    nodes_are("model:\n  p: parameter([4, 1, 1])\n  b: buffer([1, 4, 8, 8])\n  forward: x * p + b\n",
              "learned[p]()(1, 1, 4)\nmul[](0 1)(8, 8, 4)\nlearned[b]()(8, 8, 4)\nadd[](2 3)(8, 8, 4)\n");
    nodes_are("model:\n  p: parameter([1, 1, 4])\n  q: parameter([1, 65, 4])\n  forward:\n"
              "    - y = cat(p[0], tokens(x)) + q\n    - y[0] + y[-1, ::1] + q[:, 1]\n",
              "learned[p]()(1, 4)\ntokens[](0)(64, 4)\ncat[](1 2)(65, 4)\nlearned[q]()(65, 4)\n"
              "add[](3 4)(65, 4)\nindex[](5)(4)\nindex[](5)(4)\nadd[](6 7)(4)\nlearned[q]()(65, 4)\n"
              "index[](9)(4)\nadd[](8 10)(4)\n");
    nodes_are("model:\n  forward:\n    - y = flatten(x * 2 + 1) / 4\n    - 1 - y[2:10]\n",
              "scale[](0)(8, 8, 4)\nscale[](1)(8, 8, 4)\nflatten[](2)(256)\nscale[](3)(256)\n"
              "slice[](4)(8)\nscale[](5)(8)\n");
    nodes_are("model:\n  forward:\n    - y = tokens(-x)\n    - y[1:9:2, 1:]\n",
              "scale[](0)(8, 8, 4)\ntokens[](1)(64, 4)\nslice[](2)(4, 3)\n");
    nodes_are("model:\n  - 'permute([0, 2, 3, 1])'\n  - tokens()\n  - 'permute([0, 2, 1])'\n",
              "permute[0](0)(8, 8, 4)\ntokens[1](1)(64, 4)\npermute[2](2)(4, 64)\n");
    /* a quotient is a product with 1 / b */
    nodes_are(
        "model:\n  p: parameter([4, 1, 1])\n  forward: 6 / (x / p) / 2\n",
        "learned[p]()(1, 1, 4)\nreciprocal[](1)(1, 1, 4)\nmul[](0 2)(8, 8, 4)\nreciprocal[](3)(8, 8, 4)\n"
        "scale[](4)(8, 8, 4)\nscale[](5)(8, 8, 4)\n");
    /* what the result does not depend on is named in the state dict, and not run */
    const eg_net *net =
        build(HEAD "model:\n  aux: [flatten(), linear(2)]\n  c: conv2d(3, 1)\n  p: parameter([7])\n"
                   "  forward:\n    - aux(x)\n    - c(x)\n",
              NULL);
    assert_string_equal(write_keys(net, false),
                        "p 7\naux.1.weight 2 256\naux.1.bias 2\nc.weight 3 4 1 1\nc.bias 3\n");
    assert_int_equal(net->node_count, 1);
    assert_int_equal(net->value_count, 2);
    static const int32_t nodes[] = {-1, -1, -1, 0, 0};
    for (int32_t i = 0; i < net->param_count; i++) assert_int_equal(net->params[i].node, nodes[i]);
}

/* ---- mistakes ---- */

/* The first problem as "line:column: message". */
static const char *refuse(const char *text, const char *args)
{
    eg_problems problems = {.arena = &arena};
    eg_error err = {0};
    const eg_net *net = eg_net_parse(&arena, "net.yaml", text, args_of(args), &problems, &err);
    assert_null(net);
    assert_int_equal(err.code, EG_RECIPE);
    if (problems.count == 0) return eg_arena_printf(&arena, "%u:%u: %s", err.line, err.column, err.text);
    const eg_problem *p = &problems.items[0];
    return eg_arena_printf(&arena, "%u:%u: %s", p->place.line, p->place.column, p->message);
}

static void test_mistakes(void **state)
{
    (void)state;
    int wrong = 0;
    static const char *const cases[][2] = {
        /* shapes: the layer's path, its place, the operator's sentence */
        {"model:\n  a:\n    - conv2d(6, 1)\n    - conv2d(8, 3, groups=5)\n",
         "6:7: a.1: groups=5 does not divide 6 input channels"},
        {"model: [flatten(), 'conv2d(3, 1)']\n", "3:21: 1: "},
        {"model: [flatten(), conv2d(3, 1)]\n", "3:28: expected ')', but the expression ends (inside [ ] or { "
                                               "} of YAML, an expression with commas needs quotes)"},
        {"model:\n  c: conv2d(2, 1)\n  forward: c(x) + x\n", "5:12: "},
        {"model:\n  c: conv2d(4, 3)\n  forward: c(c(c(c(c(x)))))\n", "4:6: c: "},
        {"model:\n  c: conv2d(6, 1)\n  forward: c(c(x))\n",
         "4:6: c: called again with another shape: its weight would be [6, 6, 1, 1], and is [6, 4, 1, 1]"},
        /* names */
        {"model: [\"gelu(approximate='x')\"]\n",
         "3:27: 0: gelu: expected 'none' or 'tanh' for 'approximate', found the text 'x'"},
        {"model: ['pad([1, -1])']\n", "3:14: 0: pad: expected a whole number of at least 0, or a list of a "
                                      "few for 'padding', found a list of 2"},
        {"model:\n  forward: cat(chunk(x, 0))\n", "4:16: chunks must be at least 1, not 0"},
        {"model: ['conv3d(2, 1)']\n", "3:10: 0: 'conv3d' is not an operator of this version, nor a block or "
                                      "child here (did you mean 'conv2d'?)"},
        {"args: {width: 2}\nmodel: ['conv2d(2 * widht, 1)']\n",
         "4:21: 0: there is no 'widht' here (did you mean 'width'?)"},
        {"model:\n  c: relu()\n  forward: d(x)\n",
         "5:12: 'd' is not an operator of this version, nor a block or child here"},
        {"model:\n  m: {c: relu()}\n  forward: m.d(x)\n", "5:12: the module has no child 'd'"},
        {"model: {c: 'conv2d(x.chanels, 1)'}\n",
         "3:20: c: a value has no 'chanels' (did you mean 'channels'?)"},
        {"model: {c: 'conv2d(x.features, 1)'}\n",
         "3:20: c: there is no 'features' here: the value is an image of 4 channels, 8x8"},
        /* arguments of operators */
        {"model: [conv2d(2)]\n", "3:9: 0: conv2d needs 'kernel_size'"},
        {"model: ['conv2d(2, 1, strid=2)']\n",
         "3:29: 0: conv2d takes no argument 'strid' (did you mean 'stride'?)"},
        {"model: ['conv2d(2, 1, kernel_size=2)']\n", "3:35: 0: the argument 'kernel_size' is given twice"},
        {"model: ['conv2d(2.0, 1)']\n",
         "3:17: 0: conv2d: expected a whole number for 'out_channels', found the number 2.0"},
        {"model: ['conv2d(2, [1, 2, 3])']\n", "3:20: 0: conv2d: expected a whole number of at least 0, or a "
                                              "list of two for 'kernel_size', found a list of 3"},
        {"model: ['conv2d(2, 1, padding=\"some\")']\n",
         "3:31: 0: conv2d: expected a whole number of at least 0, a list of two, or 'same' for 'padding', "
         "found the text 'some'"},
        {"model: ['conv2d(2, 1, bias=0)']\n",
         "3:28: 0: conv2d: expected true or false for 'bias', found the number 0"},
        {"model: ['conv2d(2, 1, stride=-1)']\n", "3:30: 0: conv2d: expected a whole number of at least 0, or "
                                                 "a list of two for 'stride', found the number -1"},
        {"model: [relu(3)]\n", "3:14: 0: relu takes no arguments"},
        {"model: ['conv2d(2, 3, stride=0)']\n", "3:10: 0: stride must be at least 1, not 0"},
        /* blocks */
        {"blocks: {b(n): [relu()]}\nmodel: [b()]\n", "4:9: 0: the block b needs 'n'"},
        {"blocks: {b(num): [relu()]}\nmodel: ['b(nun=1)']\n",
         "4:16: 0: the block b takes no argument 'nun' (did you mean 'num'?)"},
        {"blocks: {b(): [relu()]}\nmodel: [b(1)]\n", "4:11: 0: the block b takes 0 arguments"},
        {"blocks: {b(): [relu()]}\nmodel: [b]\n",
         "4:9: 0: a child is a layer, a block or none, found the block b: it needs parentheses"},
        {"blocks: {b(n): ['conv2d(n, 1)']}\nmodel: {a: b(2), c: b('x')}\n",
         "3:25: c.0: conv2d: expected a whole number for 'out_channels', found the text 'x'"},
        {"blocks: {b(): [b()]}\nmodel: [b()]\n", ""},
        {"blocks: {b(): 'b()'}\nmodel: [b()]\n", ""},
        {"blocks: {b(): [b(), b()]}\nmodel: [b()]\n", ""},
        {"blocks: {b(): {c: b(), forward: x}}\nmodel: [b()]\n", ""},
        {"blocks: {b(): [relu()], b( ): [relu()]}\nmodel: [b()]\n",
         "3:25: there are two blocks of this name"},
        /* children */
        {"model: {a: 3}\n", "3:12: a: a child is a layer, a block or none, found the number 3"},
        {"model: {a: relu}\n",
         "3:12: a: a child is a layer, a block or none, found the operator relu: it needs parentheses"},
        {"model: {a: }\n", "3:12: expected an expression, found nothing"},
        {"model: {a: relu(x)}\n",
         "3:17: a: a child is a layer without its input: write relu(…), and call it in 'forward'"},
        {"model: {'a.b': relu()}\n", "3:10: a child's name is not empty, has no '.', and at most 200 bytes"},
        {"model:\n  for i in range(2):\n    a: relu()\n", "5:5: there are two children named 'a'"},
        {"model:\n  'a{1.5}': relu()\n",
         "4:6: a name is made of texts and whole numbers, found the number 1.5"},
        {"model:\n  'a{1': relu()\n", "4:5: expected a name such as \"layer{i}\", with '}' behind '{'"},
        {"model:\n  for i in 3:\n    a: relu()\n", "4:12: expected a list to go over, found the number 3"},
        {"model:\n  for i, j in [[1]]:\n    a: relu()\n",
         "4:15: expected a list of 2 for the 2 names, found a list of 1"},
        {"model:\n  - for i in range(2): relu()\n    a: relu()\n",
         "4:5: an item of a list is either a child or 'for …:' and 'if …:', not both"},
        {"model:\n  if true: relu()\n", "4:12: expected named children here, as in 'name: layer'"},
        {"model:\n  a: relu()\n  if true:\n    forward: a(x)\n",
         "6:5: 'forward' belongs to a module, not under 'for' or 'if'"},
        {"model:\n  a: relu()\n  if true:\n    version: 2\n",
         "6:5: 'version' belongs to a module, not under 'for' or 'if'"},
        {"let: {l: relu()}\nmodel: {a: relu()}\n", "3:10: the operator relu cannot be called here"},
        {"blocks: {b(l): {p: l, q: l}}\nmodel: {a: b(relu())}\n",
         "3:26: a.q: this module is already the child 'a.p': call that one again instead"},
        /* never called */
        {"model:\n  aux: {c: 'conv2d(3, 1)'}\n  r: relu()\n  s: max_pool2d(2)\n  forward: r(x)\n",
         "4:13: aux.c: this layer is never called, so that the shapes of its parameters are not known"},
        {"blocks: {b(): ['conv2d(x.channels, 1)']}\nmodel:\n  a: b()\n  forward: relu(x)\n",
         "3:24: a.0: this module is never called, so that the shape of its input is not known"},
        /* flows */
        {"model:\n  a: relu()\n  forward: a\n",
         "5:12: the result of 'forward' must be a value, found a module"},
        {"model:\n  a: relu()\n  forward: [a(x), 3]\n",
         "5:19: the result of 'forward' must be a value, found the number 3"},
        {"model:\n  a: relu()\n  forward: []\n", "5:12: expected at least one step"},
        {"model:\n  a: relu()\n  forward: [{while x: a(x)}]\n",
         "5:13: expected a step: 'y = EXPR', 'EXPR', 'if EXPR: steps' or 'for a in EXPR: steps'"},
        {"model:\n  forward: relu()\n",
         "4:12: in 'forward' relu needs the value that it is applied to: relu(x)"},
        {"model:\n  forward: conv2d(x, 3, 1)\n",
         "4:12: conv2d has parameters, which need a name: make it a child and call that"},
        {"model:\n  r: relu()\n  forward: x / r\n",
         "5:12: '/' of a value of the data flow and a module: expected values"},
        {"model:\n  r: relu()\n  forward: r / x\n", "5:12: '/' of a module and a value of the data flow: "},
        {"model:\n  forward: x / x[:2]\n", "4:12: the shapes (8, 8, 4) and (8, 8, 2) do not go together"},
        {"model: ['permute([0, 1, 2])']\n", "3:10: 0: dims must be [0, 2, 3, 1] or [0, 3, 1, 2] for an "
                                            "image, or [0, 2, 1] for tokens; the input "
                                            "is (8, 8, 4)"},
        {"model:\n  forward: x // x\n", "4:12: '//' on values is not an operator of this version"},
        {"model:\n  forward: x / 0\n", "4:12: division by zero"},
        {"model:\n  forward: x % 2\n", "4:12: '%' on values is not an operator of this version"},
        {"model:\n  forward: x + true\n",
         "4:12: '+' of a value of the data flow and true: expected values (a module must be called), or a "
         "value and a number"},
        {"model:\n  r: relu()\n  forward: -r\n", "5:12: '*' of a module and the number -1: expected values"},
        {"model:\n  forward: x[0]\n",
         "4:14: one element can be taken of tokens alone; of other values a slice start:stop"},
        {"model:\n  forward: tokens(x)[64]\n", "4:22: the index 64 is outside: there are 64 elements"},
        {"model:\n  forward: 'tokens(x)[0, 1, 2]'\n",
         "4:13: 3 subscripts for 64 tokens of 4 features: expected at most 2"},
        {"model:\n  forward: x[:, 9:]\n", "4:12: the slice is empty: there are 8 elements"},
        {"model:\n  forward: 'x[:, :, :, 1:]'\n", "4:13: 4 subscripts for an image of 4 channels, 8x8: "
                                                  "expected at most 3, as a sample has no batch dimension"},
        {"model:\n  a: [relu()]\n  forward: a(x, x)\n", "4:6: a: a module takes one value, not 2"},
        {"model:\n  a: relu()\n  forward: a(x, 3)\n",
         "5:17: a module is called with values: expected its inputs, found the number 3"},
        {"model:\n  a: relu()\n  forward: a(x, x)\n", "4:6: a: relu takes 1 value, not 2"},
        {"model:\n  a: none\n  forward: a(x, x)\n", "5:12: an absent child takes one value, not 2"},
        {"model:\n  p: parameter([4])\n  forward: x + p\n",
         "5:12: the shapes (8, 8, 4) and (4) do not go together"},
        {"model:\n  p: parameter([2, 3, 4, 5])\n  forward: x + p\n",
         "5:16: a parameter of 4 dimensions without the first 0 is no value"},
        {"model:\n  p: parameter([4])\n  c: 'conv2d(p[0], 1)'\n", "5:14: c: "},
        {"model:\n  p: parameter([4])\n  r: relu()\n",
         "4:6: p: a module with a parameter or buffer needs a 'forward' that says where it goes"},
        {"model:\n  p: parameter(4)\n  forward: relu(x)\n",
         "4:16: p: expected the shape as a list of whole numbers of at least 1, such as [1, 16], with less "
         "than 2^40 elements"},
        {"blocks: {b(): [relu()]}\nmodel:\n  forward: b()\n",
         "5:12: the block b makes a child: give it a name among the children and call that"},
        {"model: {a: none}\n", "3:8: the model gives its input back: there is nothing to compute"},
        {"model:\n  forward: '[relu(x), x]'\n", "4:3: the model gives several values, expected one"},
        /* init */
        {"init: [zeros()]\nmodel: [relu()]\n",
         "3:7: init: expected a mapping of parameters to distributions"},
        {"init: {conv2d.weight: nromal()}\nmodel: ['conv2d(2, 1)']\n",
         "3:23: expected a distribution, such as normal(std=0.01), zeros() or kaiming_normal() (did you mean "
         "'normal'?)"},
        {"init: {conv2d.weight: 0}\nmodel: ['conv2d(2, 1)']\n", "3:23: expected a distribution, such as "},
        {"init: {conv2d.weight: 'normal(0.1)'}\nmodel: ['conv2d(2, 1)']\n",
         "3:31: normal takes the named arguments mean and std"},
        {"init: {conv2d.weight: 'zeros(fan_out=true)'}\nmodel: ['conv2d(2, 1)']\n",
         "3:38: zeros takes no arguments"},
        {"init: {conv2d.weight: 'kaiming_normal(fan_out=1)'}\nmodel: ['conv2d(2, 1)']\n",
         "3:47: expected true or false for 'fan_out', found the number 1"},
        {"init: {conv2d.weight: 'normal(std=-1)'}\nmodel: ['conv2d(2, 1)']\n",
         "3:24: expected a std of at least 0, and low not above high"},
        {"init: {batch_norm2d.weight: kaiming_normal()}\nmodel: [batch_norm2d()]\n",
         "3:29: 0.weight has no fan for kaiming or xavier to scale by; use normal, uniform or constant"},
        /* sections */
        {"modle: [relu()]\n", "3:1: an architecture has no section 'modle' (did you mean 'model'?)"},
        {"model: 3x\n", "3:9: a number ends here, expected an operator before the next word"},
        {"model: 3\n", "3:8: a child is a layer, a block or none, found the number 3"},
        {"let: [a]\nmodel: [relu()]\n", "3:6: let: expected a mapping of names to expressions"},
        {"variants: {v: {nn: 2}}\nargs: {n: 1}\nmodel: [relu()]\n",
         "3:16: the architecture has no argument 'nn' (did you mean 'n'?); it has n"},
        {"args: {n: 1 // 0}\nmodel: [relu()]\n", "3:11: division by zero"},
        {"model: [relu()\n", "4:1: not YAML"},
        {"model:\n  a: [relu()]\n  a: [relu()]\n",
         "5:3: key 'a' stands twice in one mapping (first on line 4)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *found = refuse(eg_arena_printf(&arena, HEAD "%s", cases[i][0]), NULL);
        size_t length = strlen(cases[i][1]);
        bool same = strncmp(found, cases[i][1], length) == 0;
        if (length == 0) same = strstr(found, "does a block contain itself?") != NULL;
        if (!same) print_error("%sfound    %s\nexpected %s\n", cases[i][0], found, cases[i][1]);
        wrong += !same;
    }
    assert_int_equal(wrong, 0);
}

static void test_wrong_documents(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "1:1: expected an architecture: a mapping with 'arch', 'input' and 'model'"},
        {"[1]", "1:1: expected an architecture: a mapping with 'arch', 'input' and 'model'"},
        {"arch: t\nmodel: [relu()]\n", "1:1: the section 'input' is missing"},
        {"arch: []\ninput: [1]\nmodel: [relu()]\n", "1:7: arch: expected the name of the family"},
        {"arch: t\ninput: 3\nmodel: [relu()]\n",
         "2:8: input: expected [channels, height, width], [tokens, features] or [features]"},
        {"arch: t\ninput: [3, 0, 2]\nmodel: [relu()]\n",
         "2:12: input: expected a whole number from 1 to 1048576, found the number 0"},
        {"arch: t\ninput: [3, 'x', 2]\nmodel: [relu()]\n", "2:13: there is no 'x' here"},
        {"arch: t\ninput: [1000000, 1000000, 2]\nmodel: [relu()]\n",
         "2:9: input: expected at most 2^32 numbers in a sample"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *found = refuse(cases[i][0], NULL);
        if (strcmp(found, cases[i][1]) != 0) print_error("%s\n", cases[i][0]);
        assert_string_equal(found, cases[i][1]);
    }
}

/* All syntax errors of a file are told in one go. */
static void test_many_mistakes(void **state)
{
    (void)state;
    eg_problems problems = {.arena = &arena};
    eg_error err = {0};
    const char *text = "arch: t\ninput: [1 +, 2]\nblocks:\n  b(: [relu()]\n  c(): ['relu(']\nmodel:\n  a: x "
                       "y\n  forward: ['a(', 'b)']\n";
    assert_null(eg_net_parse(&arena, "net.yaml", text, NULL, &problems, &err));
    assert_int_equal(problems.errors, 6);
    assert_non_null(strstr(err.text, "(and 5 more)"));
}

/* Doubling blocks, long loops and huge layers end in a sentence, not in exhausted memory. */
static void test_bounds(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"blocks:\n  b(n): ['b(n - 1) if n else relu()', 'b(n - 1) if n else relu()']\nmodel: [b(40)]\n",
         "this architecture "},
        {"model:\n  - for i in range(1000):\n      - for j in range(1000): relu()\n",
         "this architecture takes more than"},
        {"model:\n  r: relu()\n  forward:\n    - for i in range(900000): x = r(x)\n",
         "does a block contain itself?"},
        {"model:\n  - for i in range(100000): [relu()]\n", "this architecture "},
        {"model: ['conv2d(16000000, 1)', 'conv2d(16000000, 8)']\n", "elements"},
        {"model: ['conv2d(9000000000000000000, 1)']\n", "out_channels"},
        {"model: [relu(), 'adaptive_avg_pool2d(16000000)']\n", "elements"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *found = refuse(eg_arena_printf(&arena, HEAD "%s", cases[i][0]), NULL);
        if (!strstr(found, cases[i][1])) print_error("%s%s\n", cases[i][0], found);
        assert_non_null(strstr(found, cases[i][1]));
    }
    /* deep but honest nesting is fine */
    const eg_net *net =
        build(HEAD "blocks:\n  b(n):\n    - \"b(n - 1) if n else conv2d(4, 1)\"\nmodel: [b(40)]\n", NULL);
    assert_int_equal(net->node_count, 1);
    assert_int_equal(net->module_count, 43);
}

static void test_show(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    eg_net_show(build(HEAD "model:\n  c: conv2d(1000, 1)\n  r: [flatten(), linear(2)]\n", NULL), out);
    fclose(out);
    static const char *const lines[] = {
        "  conv2d (c)                                  [1000, 8, 8]                   5,000        512.00 "
        "k\n",
        "    linear (1)                                [2]                          128,002        256.00 "
        "k\n",
        "input             [4, 8, 8]\nparameters        133,002\nbuffers           0\nmultiply-adds     "
        "384.00 k (768.00 k FLOPs)\ninput size        0.00 MB\nparameters size   0.53 MB\nforward/backward  "
        "0.51 MB\ntotal size        1.05 MB\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) assert_non_null(strstr(text, lines[i]));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_keys, clear),
        cmocka_unit_test_teardown(test_totals, clear),
        cmocka_unit_test_teardown(test_families, clear),
        cmocka_unit_test_teardown(test_arguments, clear),
        cmocka_unit_test_teardown(test_library, clear),
        cmocka_unit_test_teardown(test_structure, clear),
        cmocka_unit_test_teardown(test_blocks, clear),
        cmocka_unit_test_teardown(test_flow, clear),
        cmocka_unit_test_teardown(test_init, clear),
        cmocka_unit_test_teardown(test_versions, clear),
        cmocka_unit_test_teardown(test_operands, clear),
        cmocka_unit_test_teardown(test_sharing, clear),
        cmocka_unit_test_teardown(test_places, clear),
        cmocka_unit_test_teardown(test_inputs, clear),
        cmocka_unit_test_teardown(test_values_of_arguments, clear),
        cmocka_unit_test_teardown(test_mistakes, clear),
        cmocka_unit_test_teardown(test_wrong_documents, clear),
        cmocka_unit_test_teardown(test_many_mistakes, clear),
        cmocka_unit_test_teardown(test_bounds, clear),
        cmocka_unit_test_teardown(test_show, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
