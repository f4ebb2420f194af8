"""``python -m dispatcher.plan.schema`` prints the JSON Schema of the calendar file."""

from __future__ import annotations

import json

from dispatcher.plan.document import json_schema

if __name__ == "__main__":
    print(json.dumps(json_schema(), ensure_ascii=False, indent=1))
