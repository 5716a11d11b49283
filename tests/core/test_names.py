"""Which names a cell uses: a table of constructs, and what the table does not say.

Promise 2 of README.
"""

from __future__ import annotations

import builtins
import json
import sys
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from IPython.core.inputtransformer2 import TransformerManager

from nbsubmit.core.names import Magics, NameUse, analyse

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "capture_cases.json").read_text(encoding="utf-8")
)
# What a caller drops after looking into the notebook's namespace.
ALWAYS_THERE = {*dir(builtins), "get_ipython", "display", "__file__", "__builtins__"}


def version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


HERE = [case for case in CASES if version(case["min_python"]) <= sys.version_info]


def transform(text: str) -> str:
    return str(TransformerManager().transform_cell(text))


def use_of(source: str) -> NameUse:
    return analyse(source, transform=transform)


def reads(source: str) -> set[str]:
    """Return the names read, without what is there in every notebook."""
    return set(use_of(source).reads) - ALWAYS_THERE


# The table


def test_the_table_has_more_than_seventy_rows_and_each_its_own_name() -> None:
    assert len({case["name"] for case in CASES}) == len(CASES) > 70


@pytest.mark.parametrize("case", HERE, ids=[case["name"] for case in HERE])
def test_each_construct_does_to_names_what_the_table_says(case: dict[str, Any]) -> None:
    use = use_of(case["source"])
    # Whether an object is a module is known only where the namespace is.
    mutates = use.mutates - ALWAYS_THERE - set(case["modules"])
    assert use.sure_reads <= use.reads - use.maybe_reads
    found = {
        "reads": use.reads - ALWAYS_THERE,
        "maybe_reads": use.maybe_reads - ALWAYS_THERE,
        "writes": use.writes,
        "deletes": use.deletes,
        "mutates": mutates,
        "escapes": use.escapes - ALWAYS_THERE,
        "dynamic": use.dynamic,
        "star_imports": use.star_imports,
    }
    assert {field: sorted(names) for field, names in found.items()} == {
        field: sorted(case[field]) for field in found
    }
    assert use.ipython == case["ipython"]


# Functions: who may call them, and when


@dataclass
class Late:
    """A cell in which `Z` is read by a function that the cell's text calls nowhere, or too late."""

    title: str
    source: str


LATE = [
    Late("held by another name", "def f(): return h()\ng = f\ndef h(): return Z\ng()"),
    Late("in a generator", "g = (h() for _ in y)\ndef h(): return Z\nlist(g)"),
    Late("in a lambda", "keep(lambda: h())\ndef h(): return Z\nrun()"),
    Late("next round", "while c:\n    if k: h()\n    def h(): return Z"),
    Late(
        "held in one round, defined in the next",
        "while c:\n    def h(): return Z\n    sum(g)\n    h = None\n    g = (h() for _ in y)",
    ),
    Late(
        "defined in a finally that a break runs through",
        "while True:\n    try:\n        break\n    finally:\n        def f(): return Z\nf()",
    ),
    Late("defined before an exception", "try:\n    def f(): return Z\n    1/0\nexcept E:\n    f()"),
    Late("handed to a decorator", "@register\ndef f(): return Z"),
    Late("in a class given keywords", "class C(metaclass=M):\n    def m(self): return Z"),
    Late("by a class that inherits", "class A:\n    def m(self): return Z\nclass B(A): pass"),
    Late("by a class that has the name later", "def f(): return Z\nclass C:\n    f()\n    f = 1"),
    Late("called in the class body", "class A:\n    def m(): return Z\n    x = m()"),
    Late("as a default", "def f(x=Z): pass"),
    Late("in a nested function", "def f():\n    def g(): return Z\n    return g\nf()"),
    Late("after a function of the same name", "def f(): return a\ndef f(): return Z\nf()"),
]


@pytest.mark.parametrize("late", LATE, ids=[late.title for late in LATE])
def test_what_a_function_reads_is_read_however_it_gets_called(late: Late) -> None:
    assert "Z" in reads(late.source)


def test_functions_that_call_each_other_are_followed_once() -> None:
    source = "def a(): return b() + X\ndef b(): return a() + Y\na()"
    assert reads(source) == {"X", "Y"}


def test_a_chain_of_two_thousand_functions_is_followed_to_its_end() -> None:
    chain = "\n".join(f"def f{n}(): return f{n + 1}()" for n in range(2000))
    assert reads(f"{chain}\nf0()") == {"f2000"}


def test_a_function_used_on_one_path_is_used_again_where_the_paths_meet() -> None:
    assert "x" in reads("def f(): return x\nif c:\n    x = 1\n    f()\nf()")


def test_a_cached_or_static_function_still_waits_for_its_use() -> None:
    source = "@functools.lru_cache(None)\ndef f(): return Z"
    assert reads(source) == {"functools"}
    assert reads("class C:\n    @property\n    def p(self): return Z") == set()


def test_what_unused_functions_would_read_is_told_apart() -> None:
    use = use_of("def f(): return df.mean() + g()\ndef g(): return K")
    assert use.reads == set()
    assert use.later == {"f": {"df", "g"}, "g": {"K"}}


def test_a_name_stored_by_a_function_may_come_back_after_its_deletion() -> None:
    use = use_of("def f():\n    global x\n    x = 1\nf()\ndel x\nf()")
    assert "x" in use.writes


def test_a_name_stored_by_a_generator_may_come_back_after_its_deletion() -> None:
    assert "x" in use_of("g = ((x := i) for i in y)\ndel x\nlist(g)").writes


# Scopes


def test_a_method_does_not_see_the_names_of_its_class() -> None:
    assert reads("class C:\n    x = 1\n    def m(self): return x\nC") == {"x"}


def test_a_comprehension_in_a_class_sees_only_its_first_iterable_there() -> None:
    assert reads("class C:\n    x = 1\n    y = [x for _ in [x]]") == {"x"}
    assert reads("class C:\n    x = 1\n    y = [z for z in x]") == set()


def test_a_name_deleted_from_a_class_means_the_global_again() -> None:
    assert reads("class C:\n    x = 1\n    del x\n    y = x") == {"x"}


def test_a_method_may_speak_of_its_class_and_super() -> None:
    assert reads("class C:\n    def m(self): return __class__, super()\nC") == set()


def test_the_annotations_of_local_variables_are_not_evaluated() -> None:
    assert reads("def f():\n    x: T = 1\n    return x\nf()") == set()
    assert reads("def f(x: T) -> U: pass") == {"T", "U"}


def test_a_global_declared_by_the_function_around_is_global_inside() -> None:
    source = "def f():\n    global n\n    n = 0\n    def g(): return n\n    return g\nf()"
    assert use_of(source).writes == {"f", "n"}


# Paths


def test_an_exception_may_leave_a_with_block_whose_manager_swallows_it() -> None:
    assert "x" in use_of("with guard:\n    x = 1\n    raise E\nprint(x)").maybe_reads


def test_each_case_starts_where_the_one_before_gave_up() -> None:
    use = use_of("match p:\n    case [a, b] if a: pass\n    case Point(x=0): b\n    case _: pass")
    assert use.reads == {"p", "Point", "b"}
    assert use.maybe_reads == {"b"}
    assert use.writes == {"a", "b"}


def test_a_catch_all_case_makes_the_match_complete() -> None:
    assert reads("match p:\n    case 1: v = 1\n    case other: v = 2\nv") == {"p"}


def test_what_a_finally_binds_is_bound_on_every_way_out() -> None:
    assert reads(
        "for i in y:\n    try:\n        break\n    finally:\n        z = 1\nelse: z = 2\nz"
    ) == {"y"}


def test_a_round_that_is_cut_short_binds_less() -> None:
    assert use_of("for i in [1]:\n    if c: continue\n    x = i\nx").maybe_reads == {"x"}


def test_code_behind_a_jump_is_not_read() -> None:
    assert reads("while True:\n    break\n    a\nelse:\n    b\nraise c\nd") == {"c"}


def test_a_loop_may_end_in_a_later_round_than_the_first() -> None:
    use = use_of("del x, y\nwhile True:\n    if ready(): break\n    x = 1")
    assert use.writes == {"x"}
    assert use.deletes == {"x", "y"}


def test_the_right_side_of_and_runs_only_after_the_left() -> None:
    use = use_of("a and (m := b) and f(m)")
    assert use.reads == {"a", "b", "f"}


# Sure reads: whoever refuses a cell for one of them must be right


@pytest.mark.parametrize(
    ("source", "sure"),
    [
        ("x", "x"),
        ("if c: x", "c"),
        ("if c: x\nelse: x", "c x"),
        ("if c: x\nelif d: x\nelse: raise E", "c x"),
        ("if c: raise E\nx", "c x"),
        ("if True: x", "x"),
        ("x if c else y", "c"),
        ("a and b or c", "a"),
        ("a < b < c", "a b"),
        ("assert a, b", "a"),
        ("for i in xs: x", "xs"),
        ("for i in range(3): x", "range x"),
        ("for i in range(3):\n    if c: continue\n    x", "range c"),
        ("for i in range(3): pass\nelse: x", "range x"),
        ("while c: x", "c"),
        ("while True:\n    x\n    if c: break", "x c"),
        ("a\nwhile True:\n    x", "a x"),
        ("while True:\n    if c: break\n    x\ny", "c y"),
        ("try: x\nexcept E: y", "x"),
        ("try:\n    f(x)\nexcept E: y\nelse: z\nfinally: w", "f x z w"),
        ("try: import m\nexcept ImportError: x", ""),
        ("try:\n    x\n    raise E\nexcept F: y", "E F x y"),
        ("with m: x", "m x"),
        ("with suppress(E): x", "suppress E x"),
        ("with m:\n    if c: raise E\n    x\ny", "m c x y"),
        ("match p:\n    case A.b: x\n    case C(): y", "p A"),
        ("match p:\n    case (A.b, _): x\n    case _: x", "p x"),
        ("[x for i in xs]", "xs"),
        ("g = (x for i in xs)", "xs"),
        ("def f(a=x): y\nf()", "x"),
        ("f = lambda: x\nf()", ""),
        ("class A(B):\n    x\n    def m(self): y\nA()", "B x"),
        ("@d\ndef f(): x", "d"),
        ("x = 1\nx", ""),
        ("if c: x = 1\nx", "c"),
        ("if c: x\nif d: x = 1\nx", "c d"),
        ("x += 1", "x"),
        ("del x", "x"),
        ("from m import *\nx", ""),
        ("eval('x')", "eval x"),
        ("df.query('a > @x')", "df"),
        ("!ls {x}", ""),
        ("%time f(x)", "f x"),
        ("%timeit f(x)", ""),
        ("x\nraise E", "x E"),
        ("if c: raise E\nelse: raise F", "c"),
    ],
)
def test_a_read_is_sure_where_no_way_through_the_cell_goes_round_it(source: str, sure: str) -> None:
    assert use_of(source).sure_reads - {"get_ipython"} == set(sure.split())


def test_code_that_is_read_flatly_has_no_sure_reads() -> None:
    assert use_of("x = data" + ".step(arg)" * 800).sure_reads == set()


# Changes in place


def test_a_list_of_objects_passes_changes_on_to_each() -> None:
    use = use_of("for name, m in [('a', one), ('b', two)]:\n    m.fit(X)")
    assert use.mutates == {"one", "two"}
    assert use.escapes == {"X"}


def test_aliases_are_followed_through_several_names_and_functions() -> None:
    assert use_of("a = d['k']\nb = a.part\nb.x = 1").mutates == {"d"}
    assert use_of("def f():\n    c = cache\n    c[0] = 1\nf()").mutates == {"cache"}
    assert use_of("[m.fit() for m in models.values()]").mutates == {"models"}


def test_augmented_assignment_changes_what_the_name_was_taken_from() -> None:
    use = use_of("a = d['k']\na += [1]")
    assert use.mutates == {"d"}


def test_a_key_function_may_keep_what_it_sorts() -> None:
    assert use_of("sorted(xs)").escapes == set()
    assert use_of("sorted(xs, key=f)").escapes >= {"xs"}


def test_names_called_directly_are_told_for_objects_that_change_when_called() -> None:
    assert use_of("out = model(x)").calls == {"model"}


# Text that stands for names


def test_the_line_of_a_first_read_is_the_users_own() -> None:
    assert use_of("a = 1\nb = c\nd = c + e").lines == {"c": 2, "e": 3}


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("\n\n!ls\nf(x)", {"f": 4, "x": 4}),
        ("%%time\ny = 1\nz = f(x)", {"f": 3, "x": 3}),
        ("!ls \\\n  -l\nf(x)", {"f": 3, "x": 3}),
        ("%%timeit a\nb", {"a": 1, "b": 2}),
        ("x = 1\neval('p')", {"p": 2, "eval": 2}),
    ],
)
def test_lines_are_right_where_the_transformer_moves_them(
    source: str, lines: dict[str, int]
) -> None:
    use = use_of(source)
    assert {name: use.lines[name] for name in use.reads - {"get_ipython"}} == lines


def test_identifiers_in_strings_are_told_only_where_code_may_be_built_from_them() -> None:
    assert use_of("x = 'alpha'").strings == set()
    use = use_of("eval('alp' + 'ha')\nf'beta {x} {y!r:gamma}'")
    assert use.dynamic == ("eval",)
    assert use.strings == {"alp", "ha", "beta", "gamma"}


def test_evaluated_code_sees_globals_where_a_local_has_no_value_yet() -> None:
    assert "x" in reads("def f():\n    eval('x')\n    x = 1\nf()")


def test_executed_code_binds_in_the_cell_but_not_in_a_function() -> None:
    assert reads("exec('x = y')\nx") == {"y"}
    assert "x" in reads("def f():\n    exec('x = 1')\n    return x\nf()")


def test_eval_mentioned_without_a_call_is_dynamic_but_a_method_of_that_name_is_not() -> None:
    assert use_of("map(eval, texts)").dynamic == ("eval",)
    assert use_of("model.eval()").dynamic == ()
    assert use_of("def eval(x): return x\neval(y)").dynamic == ()


def test_a_function_that_is_never_called_makes_no_cell_dynamic() -> None:
    assert use_of("def f(): return globals()").dynamic == ()
    assert use_of("def f(): return globals()\nf()").dynamic == ("globals",)


def test_queries_name_variables() -> None:
    assert use_of("df.query(f'a > @low and b < @{x}')").maybe_reads == {"low"}
    assert use_of("con.execute('select * from table1')").maybe_reads >= {"table1"}
    assert use_of("pd.eval('one + two')").maybe_reads == {"one", "two"}
    assert use_of("log.query('one two')").maybe_reads == set()


@pytest.mark.parametrize(
    ("source", "read", "written", "dynamic"),
    [
        ("x = !ls {a.b[0]} $c", {"a", "c"}, {"x"}, ()),
        ("!awk '{print $1}' {f", set(), set(), ()),
        ("x = %time f(y)", {"f", "y"}, {"x"}, ()),
        ("%%time\n!ls {d}\nz = w", {"d", "w"}, {"z"}, ()),
        ("%%timeit -n 3 s = a\ns + b\nt = 1", {"a", "b"}, set(), ()),
        ("%prun -l 5 x = f()", {"f"}, {"x"}, ()),
        ("%%bash --out text\necho {x}", set(), {"text"}, ()),
        ("%%sx\necho {x}", {"x"}, set(), ()),
        ("%%writefile {name}.py\nx = y", {"name"}, set(), ()),
        ("%%cython\nx = y", set(), set(), ("%%cython",)),
        ("%%time\nx = = 1", set(), set(), ("%%time",)),
        ("%store x", set(), set(), ("%store",)),
        ("%matplotlib inline\nplt.plot(x)", {"plt", "x"}, set(), ()),
        ("get_ipython().user_ns['x']", set(), set(), ("user_ns",)),
        ("def f():\n    !ls {x}\nf()", {"x"}, {"f"}, ()),
        ("%%capture out --no-stderr\n%time x = y", {"y"}, {"out", "x"}, ()),
    ],
)
def test_ipython_lines_use_names(
    source: str, read: set[str], written: set[str], dynamic: Iterable[str]
) -> None:
    use = use_of(source)
    assert use.reads - ALWAYS_THERE == read
    assert use.writes == written
    assert use.dynamic == dynamic


# Star imports and the transform, which the caller hands in


def test_a_star_import_of_a_known_module_binds_its_names() -> None:
    known = {"math": ["sin", "cos"]}
    use = analyse("from math import *\ny = sin(x)", star_names=known.get)
    assert use.reads == {"x"}
    assert use.maybe_reads == set()
    assert use.writes == {"sin", "cos", "y"}
    assert use.star_imports == {"math"}


def test_python_is_never_transformed() -> None:
    def refuse(text: str) -> str:
        raise AssertionError("called for plain Python")

    assert analyse("await x", transform=refuse).ipython is False


def test_text_that_is_no_python_is_the_callers_business() -> None:
    with pytest.raises(SyntaxError):
        analyse("%time x")
    with pytest.raises(SyntaxError):
        analyse("x = = 1", transform=transform)
    with pytest.raises(SyntaxError):
        analyse("x = '\0'")


def test_reading_a_cell_warns_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert reads("x = '\\d' + y") == {"y"}


# Size


def test_long_sums_and_ladders_do_not_exhaust_the_stack() -> None:
    names = [f"n{number}" for number in range(900)]
    assert reads("x = " + " + ".join(names)) == set(names)
    ladder = "if a:\n    pass\n" + "\n".join(f"elif {name}:\n    pass" for name in names)
    assert reads(ladder) == {"a", *names}


def test_code_nested_beyond_the_stack_is_read_flatly_and_says_so() -> None:
    use = use_of("x = data" + ".step(arg)" * 800)
    assert use.reads == {"data", "x", "arg"}
    assert use.writes == {"x"}
    assert use.dynamic == ("nested too deeply to follow",)


@pytest.mark.parametrize("opener", ["for i in x:", "try: pass\n{}finally:", "with m:", "if c:"])
def test_deep_nesting_costs_no_more_than_its_length(opener: str) -> None:
    def calls(depth: int) -> int:
        lines = [indent + opener.format(indent) for indent in map(("    ").__mul__, range(depth))]
        code = "\n".join([*lines, "    " * depth + "use(late)"])
        return calls_of(lambda: "late" in reads(code))

    assert calls(18) < 5 * calls(9)


def calls_of(check: Callable[[], bool]) -> int:
    """How many functions are called by a check, which is to hold."""
    calls = 0

    def count(_frame: object, event: str, _given: object) -> None:
        nonlocal calls
        calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        holds = check()
    finally:
        sys.setprofile(before)
    assert holds
    return calls


def test_an_empty_cell_uses_nothing() -> None:
    assert use_of("") == use_of("# only words")
    assert use_of("").reads == set()


if sys.version_info >= (3, 12):

    def test_type_parameters_and_aliases_are_read_when_used() -> None:
        assert reads("type Row = list[Cell]") == set()
        assert reads("type Row = list[Cell]\nRow") == {"Cell"}
        assert reads("class Box[T: Bound](Base[T]): pass") == {"Base"}
        assert reads("for _ in y:\n    keep(Row)\n    type Row = Cell") >= {"Cell"}
        assert reads("def f[T: Bound](x: T) -> T: return x\nf") == {"Bound"}


if sys.version_info >= (3, 14):

    def test_template_strings_read_what_they_hold() -> None:
        assert reads("t'{x} {y!r:{z}}'") == {"x", "y", "z"}


@pytest.mark.parametrize(
    ("source", "magics"),
    [
        ("%mine 1", {"%mine": True}),
        ("x = %mine 1", {"%mine": True}),
        ("if x:\n    %mine", {"%mine": False}),
        ("def f():\n    %mine", {}),
        ("def f():\n    %mine\nf()", {"%mine": False}),
        ("%time f()", {"%time": True}),
        ("%%mine\nf()", {"%%mine": True}),
        ("%short 1", {"%short": True, "%timeit": True}),
        ("ip.run_line_magic('mine', '')", {"%mine": True}),
        ("ip.run_cell_magic('mine', line, body)", {"%%mine": True}),
    ],
)
def test_the_magics_that_a_cell_calls_are_found(source: str, magics: dict[str, bool]) -> None:
    aliases = Magics({"%short": ("%timeit", "-n1")})
    assert analyse(source, transform=transform, magics=lambda: aliases).magics == magics


def test_the_shells_magics_are_not_gone_through_for_a_cell_that_calls_none() -> None:
    asked = []

    def known() -> Magics:
        asked.append("magics")
        return Magics()

    analyse("def f():\n    return x % 2\ny = f()\n!ls {y}", transform=transform, magics=known)
    assert asked == []
    analyse("%mine", transform=transform, magics=known)
    assert asked == ["magics"]


def test_a_magic_of_ones_own_may_read_whatever_its_text_names() -> None:
    own = Magics(own=frozenset({"%mine", "%%mine"}))
    assert analyse("%mine data", transform=transform, magics=lambda: own).maybe_reads == {"data"}
    assert "data" not in analyse("%mine data", transform=transform).reads
    found = analyse("%%mine one\ntwo + 1", transform=transform, magics=lambda: own)
    assert found.maybe_reads == {"one", "two"}
