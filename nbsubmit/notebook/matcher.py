"""A matcher of IPython's completer for the lines of our magics.

It keeps the others silent where it has something to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from IPython.core.completer import CompletionContext, SimpleCompletion, context_matcher
from IPython.core.interactiveshell import InteractiveShell


def install_matcher(
    shell: InteractiveShell, offered: Callable[[str], tuple[str, list[str]]]
) -> None:
    """Have the shell complete the lines of these magics, in the place of an earlier matcher.

    Parameters
    ----------
    shell : InteractiveShell
        The shell.
    offered : callable
        Returns what is typed of a line's last word, and what may stand there, the likely first.
    """

    @context_matcher()  # type: ignore[untyped-decorator]
    def nbsubmit_matcher(context: CompletionContext) -> dict[str, Any]:
        line = context.text_until_cursor
        if line.startswith("%%") and context.cursor_line and _above(context):
            line = ""  # it is text of the cell
        typed, found = offered(line)
        return {
            "completions": [*_completions(found)],
            "matched_fragment": typed,
            "suppress": bool(found),
            "ordered": True,
        }

    remove_matcher(shell)
    shell.Completer.custom_matchers.append(nbsubmit_matcher)


def _above(context: CompletionContext) -> str:
    """Return what stands above the line of the cursor."""
    return "".join(context.full_text.split("\n")[: context.cursor_line]).strip()


def _completions(words: Iterable[str]) -> Iterator[SimpleCompletion]:
    for word in dict.fromkeys(words):
        yield SimpleCompletion(text=word, type="magic" if word.startswith("-") else "nbsubmit")


def remove_matcher(shell: InteractiveShell) -> None:
    """Complete nothing any more."""
    matchers = shell.Completer.custom_matchers
    matchers[:] = [m for m in matchers if getattr(m, "__name__", "") != "nbsubmit_matcher"]
