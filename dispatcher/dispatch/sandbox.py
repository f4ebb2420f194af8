"""The templates' sandbox: an office's edit may fail, but it may not run away.

Jinja2's sandbox keeps a template from Python's inside, not from memory: ``'a' * 500000000`` is
allowed there. So text cannot be multiplied or padded here, and the output is counted as it comes.
Not bounded: the time of loops that print nothing. Templates are files of the office itself.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, TemplateSyntaxError, select_autoescape
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

LIMIT = 1_000_000
"""Characters that a template may print."""
FILTERS = frozenset(
    "abs capitalize count d default dictsort e escape first float groupby int join last length "
    "list lower map max min reject rejectattr replace reverse round select selectattr sort string "
    "sum title trim truncate unique upper wordcount".split()
)
"""What is left of the filters: none that pads or indents, nor ``safe``."""


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja2 with undefined names as errors, HTML escaped, and no way to grow a text."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def __init__(self, folders: Sequence[Path]) -> None:
        super().__init__(
            loader=FileSystemLoader(folders),
            undefined=StrictUndefined,
            autoescape=select_autoescape(["html"], default=False),
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.filters = {name: call for name, call in self.filters.items() if name in FILTERS}
        del self.globals["lipsum"]

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """A text's methods are refused too: ``center`` and ``format`` grow it without bound."""
        return not isinstance(obj, str) and super().is_safe_attribute(obj, attr, value)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Multiplies numbers only."""
        if operator == "**" or not (isinstance(left, int) and isinstance(right, int)):
            raise SecurityError(f"only whole numbers can be multiplied or divided ({operator})")
        return super().call_binop(context, operator, left, right)

    def printed(self, name: str, view: Mapping[str, Any]) -> str:
        """What template ``name`` prints for ``view``; SecurityError beyond LIMIT characters."""
        pieces, size = [], 0
        for piece in self.get_template(name).generate(view):
            size += len(piece)
            if size > LIMIT:
                raise SecurityError(f"more than {LIMIT} characters printed")
            pieces.append(piece)
        return "".join(pieces).strip()


def fault(name: str, error: Exception) -> str:
    """Where a template failed, and why: ``digest.txt:3: 'foo' is undefined``."""
    if isinstance(error, TemplateSyntaxError):
        return f"{error.name or name}:{error.lineno}: {error.message}"
    suffix = Path(name).suffix
    lines = [
        f"{Path(frame.filename).name}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).suffix == suffix
    ]
    return f"{lines[-1] if lines else name}: {str(error) or type(error).__name__}"
