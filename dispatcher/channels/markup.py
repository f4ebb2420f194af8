"""Plain text that no dialect of markup takes for anything else.

The robots' dialects are described loosely, and none says how a character is escaped in all of its
clients. So nothing is escaped: what could begin a mention, a link, an image, a font or an entity is
written full-width, as Chinese text writes punctuation, and means nothing anywhere.
"""

from __future__ import annotations

import re
from unicodedata import category

MARKUP = str.maketrans({char: chr(ord(char) + 0xFEE0) for char in "<>[]*_`~#@!&|\\"})
UNSEEN = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
"""Unicode's categories of controls, of signs for joining and direction, of halves of a character,
and of ends of lines: what is not seen, and may reverse what is."""
AT_START = re.compile(r"[-+=]")
"""What makes a list, a rule or a heading at the start of a line."""


def plain(text: str) -> str:
    """``text`` as one line that stands for itself.

    >>> plain("<@all> [x](https://a.example)\\n- &lt;")
    '＜＠all＞ ［x］(https：//a.example) - ＆lt;'
    """
    seen = "".join(" " if char.isspace() else char for char in text if _is_shown(char))
    said = " ".join(seen.split()).translate(MARKUP).replace("://", "：//")
    return AT_START.sub(lambda found: chr(ord(found[0]) + 0xFEE0), said[:1]) + said[1:]


def _is_shown(char: str) -> bool:
    return char.isspace() or category(char) not in UNSEEN
