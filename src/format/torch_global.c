#include "format/torch_global.h"

#include <string.h>

#include "base/str.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

const char *eg_global_modern(eg_arena *arena, const char *module)
{
    static const char *const names[][2] = {
        {"__builtin__", "builtins"}, {"copy_reg", "copyreg"},    {"torch.tensor", "torch._tensor"},
        {"cPickle", "_pickle"},      {"exceptions", "builtins"}, {"Queue", "queue"},
        {"UserDict", "collections"}, {"commands", "subprocess"},
    };
    for (size_t i = 0; i < COUNT(names); i++)
        if (strcmp(module, names[i][0]) == 0) return names[i][1];
    if (eg_starts_with(module, "numpy._core"))
        return eg_arena_printf(arena, "numpy.core%s", module + strlen("numpy._core"));
    return module;
}

/* "os" covers "os" and "os.path"; a name with dots (protocol 4) counts by its first part too. */
static bool within(const char *module, const char *root)
{
    size_t n = strlen(root);
    return strncmp(module, root, n) == 0 && (module[n] == '\0' || module[n] == '.');
}

static const char *const dangerous_modules[] = {
    "os",
    "posix",
    "nt",
    "ntpath",
    "posixpath",
    "sys",
    "subprocess",
    "_posixsubprocess",
    "runpy",
    "pty",
    "socket",
    "_socket",
    "ssl",
    "ctypes",
    "_ctypes",
    "importlib",
    "imp",
    "pickle",
    "_pickle",
    "marshal",
    "operator",
    "_operator",
    "functools",
    "_functools",
    "shutil",
    "webbrowser",
    "code",
    "codeop",
    "pdb",
    "bdb",
    "timeit",
    "cProfile",
    "profile",
    "trace",
    "asyncio",
    "pip",
    "ensurepip",
    "venv",
    "idlelib",
    "pydoc",
    "doctest",
    "distutils",
    "setuptools",
    "multiprocessing",
    "_thread",
    "urllib",
    "urllib2",
    "http",
    "httplib",
    "requests",
    "ftplib",
    "smtplib",
    "telnetlib",
    "xmlrpc",
    "aiohttp",
    "pkgutil",
    "zipimport",
    "zipfile",
    "tarfile",
    "linecache",
    "dill",
    "cloudpickle",
    "joblib",
    "shelve",
    "lib2to3",
    "torch.hub",
    "torch.serialization",
    "torch.utils.cpp_extension",
    "torch.package",
    "torch._inductor",
    "torch._dynamo",
    "torch.utils.bottleneck",
    "torch.utils.collect_env",
    "numpy.f2py",
    "numpy.testing",
    "torch.jit.unsupported_tensor_ops",
    "test.support",
};

static const char *const dangerous_names[][2] = {
    {"builtins", "eval"},
    {"builtins", "exec"},
    {"builtins", "execfile"},
    {"builtins", "compile"},
    {"builtins", "getattr"},
    {"builtins", "setattr"},
    {"builtins", "delattr"},
    {"builtins", "open"},
    {"builtins", "file"},
    {"builtins", "__import__"},
    {"builtins", "globals"},
    {"builtins", "locals"},
    {"builtins", "vars"},
    {"builtins", "input"},
    {"builtins", "breakpoint"},
    {"builtins", "apply"},
    {"builtins", "reduce"},
    {"io", "open"},
    {"_io", "open"},
    {"_io", "FileIO"},
    {"builtins", "__build_class__"},
    {"builtins", "memoryview"},
    {"builtins", "help"},
    {"builtins", "exit"},
    {"builtins", "quit"},
    {"torch", "load"},
    {"torch", "compile"},
    {"torch.jit", "load"},
    {"numpy", "load"},
    {"numpy", "fromfile"},
    {"types", "CodeType"},
    {"types", "FunctionType"},
    {"types", "MethodType"},
    {"_codecs", "lookup"},
    {"codecs", "open"},
    {"torch._utils", "_import_dotted_name"},
    {"copyreg", "add_extension"},
};

bool eg_global_is_dangerous(const char *module, const char *name)
{
    for (size_t i = 0; i < COUNT(dangerous_modules); i++)
        if (within(module, dangerous_modules[i])) return true;
    for (size_t i = 0; i < COUNT(dangerous_names); i++)
        if (strcmp(module, dangerous_names[i][0]) == 0 && within(name, dangerous_names[i][1])) return true;
    return strstr(name, "__globals__") || strstr(name, "__builtins__") || strstr(name, "__subclasses__");
}

/* NULL as a name: everything in the module. */
static const char *const plain[][2] = {
    {"torch._utils", NULL},
    {"torch._tensor", NULL},
    {"torch.storage", NULL},
    {"torch.jit._pickle", NULL},
    {"torch.nn.parameter", NULL},
    {"torch.autograd.variable", "Variable"},
    {"torch", "Size"},
    {"torch", "device"},
    {"torch.serialization", "_get_layout"},
    {"collections", "OrderedDict"},
    {"collections", "defaultdict"},
    {"collections", "Counter"},
    {"collections", "deque"},
    {"argparse", "Namespace"},
    {"types", "SimpleNamespace"},
    {"_codecs", "encode"},
    {"builtins", "set"},
    {"builtins", "frozenset"},
    {"builtins", "bytearray"},
    {"builtins", "bytes"},
    {"builtins", "complex"},
    {"builtins", "list"},
    {"builtins", "dict"},
    {"builtins", "tuple"},
    {"builtins", "int"},
    {"builtins", "long"},
    {"builtins", "float"},
    {"builtins", "str"},
    {"builtins", "unicode"},
    {"builtins", "bool"},
    {"builtins", "object"},
    {"builtins", "slice"},
    {"builtins", "range"},
    {"builtins", "xrange"},
    {"numpy", "dtype"},
    {"numpy", "ndarray"},
    {"numpy.core.multiarray", "_reconstruct"},
    {"numpy.core.multiarray", "scalar"},
    {"numpy.core.numeric", "_frombuffer"},
    {"copyreg", "_reconstructor"},
};

static bool is_torch_constant(const char *module, const char *name)
{
    bool torch = strcmp(module, "torch") == 0 || strcmp(module, "torch.cuda") == 0 ||
                 strcmp(module, "torch.sparse") == 0;
    return torch &&
           (eg_storage_class_find(name) || eg_ends_with(name, "Tensor") ||
            eg_torch_dtype_find(name) != EG_DTYPE_COUNT || eg_starts_with(name, "per_") ||
            eg_starts_with(name, "q") || eg_starts_with(name, "sparse_") || strcmp(name, "strided") == 0);
}

bool eg_global_is_plain(const char *module, const char *name)
{
    if (strcmp(module, "torch.serialization") == 0 && strcmp(name, "_get_layout") == 0) return true;
    if (eg_global_is_dangerous(module, name)) return false;
    for (size_t i = 0; i < COUNT(plain); i++)
        if (strcmp(module, plain[i][0]) == 0 && (!plain[i][1] || strcmp(name, plain[i][1]) == 0)) return true;
    return within(module, "__torch__") || is_torch_constant(module, name); /* TorchScript's own classes */
}

bool eg_global_has_no_items(const char *module, const char *name)
{
    return within(module, "torch._utils") || within(module, "torch._tensor") ||
           within(module, "torch.nn.parameter") || within(module, "torch.autograd.variable") ||
           within(module, "torch.storage") || within(module, "_codecs") || within(module, "numpy") ||
           is_torch_constant(module, name);
}

static const eg_storage_class classes[] = {
    {"DoubleStorage", EG_F64, false},
    {"FloatStorage", EG_F32, false},
    {"HalfStorage", EG_F16, false},
    {"BFloat16Storage", EG_BF16, false},
    {"LongStorage", EG_I64, false},
    {"IntStorage", EG_I32, false},
    {"ShortStorage", EG_I16, false},
    {"CharStorage", EG_I8, false},
    {"ByteStorage", EG_U8, false},
    {"BoolStorage", EG_BOOL, false},
    {"ComplexDoubleStorage", EG_C128, false},
    {"ComplexFloatStorage", EG_C64, false},
    {"QInt8Storage", EG_QI8, false},
    {"QUInt8Storage", EG_QU8, false},
    {"QInt32Storage", EG_QI32, false},
    {"QUInt4x2Storage", EG_DTYPE_COUNT, false},
    {"QUInt2x4Storage", EG_DTYPE_COUNT, false},
    {"TypedStorage", EG_DTYPE_COUNT, false},
    {"UntypedStorage", EG_U8, true},
    {"_UntypedStorage", EG_U8, true},
};

const eg_storage_class *eg_storage_class_find(const char *name)
{
    for (size_t i = 0; i < COUNT(classes); i++)
        if (strcmp(name, classes[i].name) == 0) return &classes[i];
    return NULL;
}

const char *eg_storage_class_of(eg_dtype dtype)
{
    for (size_t i = 0; i < COUNT(classes); i++)
        if (classes[i].dtype == dtype && !classes[i].untyped) return classes[i].name;
    return NULL;
}

static const char *const dtype_names[EG_DTYPE_COUNT] = {
    [EG_F32] = "float32",
    [EG_F64] = "float64",
    [EG_F16] = "float16",
    [EG_BF16] = "bfloat16",
    [EG_I64] = "int64",
    [EG_I32] = "int32",
    [EG_I16] = "int16",
    [EG_I8] = "int8",
    [EG_U64] = "uint64",
    [EG_U32] = "uint32",
    [EG_U16] = "uint16",
    [EG_U8] = "uint8",
    [EG_BOOL] = "bool",
    [EG_F8_E4M3] = "float8_e4m3fn",
    [EG_F8_E5M2] = "float8_e5m2",
    [EG_F8_E4M3FNUZ] = "float8_e4m3fnuz",
    [EG_F8_E5M2FNUZ] = "float8_e5m2fnuz",
    [EG_F8_E8M0] = "float8_e8m0fnu",
    [EG_C64] = "complex64",
    [EG_C128] = "complex128",
    [EG_QI8] = "qint8",
    [EG_QU8] = "quint8",
    [EG_QI32] = "qint32",
};

const char *eg_torch_dtype_name(eg_dtype dtype)
{
    return dtype_names[dtype];
}

/* torch pickles the long names, but the aliases are the same objects. */
eg_dtype eg_torch_dtype_find(const char *name)
{
    static const struct {
        const char *alias;
        eg_dtype dtype;
    } aliases[] = {{"float", EG_F32}, {"double", EG_F64}, {"half", EG_F16},   {"long", EG_I64},
                   {"int", EG_I32},   {"short", EG_I16},  {"cfloat", EG_C64}, {"cdouble", EG_C128}};
    for (eg_dtype d = 0; d < EG_DTYPE_COUNT; d++)
        if (strcmp(name, dtype_names[d]) == 0) return d;
    for (size_t i = 0; i < COUNT(aliases); i++)
        if (strcmp(name, aliases[i].alias) == 0) return aliases[i].dtype;
    return EG_DTYPE_COUNT;
}
