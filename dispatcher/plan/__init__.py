"""What the calendar file means. Pure: no clock, no database, no network, no files.

``reading`` turns the text of a file into a ``model.Plan`` (``nodes`` knows YAML and positions,
``shape`` and ``document`` what may stand where, ``phrases`` the cadence words); ``occurrences``
says what falls due when, ``steps`` when it is told, ``explain`` why; ``workdays`` and ``periods``
are the calendar underneath.
"""
