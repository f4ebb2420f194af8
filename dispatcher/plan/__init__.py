"""What the calendar file means. Pure: no clock, no database, no network, no files.

``reading`` turns the text of a file into a ``model.Plan``: ``nodes`` knows YAML and positions,
``shape``, ``scalars`` and ``document`` what may stand where, ``names``, ``when`` and ``duties``
whom and how often it means, ``phrases``, ``days`` and ``english`` the cadence words. ``spread``
lays a ``cadence`` over the calendar (``periods``, ``workdays``), ``occurrences`` says what falls
due when, ``steps`` when it is told, ``explain`` why, ``coverage`` what it all amounts to.
``comparing`` says what an edit comes to (``edits``: in the file's words), ``editing`` and
``amending`` make one in the text of the file.
"""
