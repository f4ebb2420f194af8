"""dispatcher: a duty calendar that chases itself.

The rooms, from the inside out: ``plan`` (what the file means), ``ledger`` (what has
happened), ``dispatch`` (one pass: plan + ledger + now -> messages), ``channels`` (how a
message leaves), ``daemon`` and ``cli`` (who calls it). ``docs/design.md`` explains the words.
"""

__version__ = "0.1.0"
