# Needs make, a POSIX shell and Python 3.11 or later with its venv module; everything else is
# installed from the lock files, by hash, into .venv (to run) and .venv-dev (to develop).
#
#   make run     start the daemon on schedules.yaml        ARGS="--once" and the like are passed on
#   make test    run the tests                             ARGS="-k dropout" and the like
#   make check   lint, types, import directions
#   make wheel   dist/*.whl
#   make smoke   install that wheel into an empty folder and use it (what the Dockerfile does)
#   make campaign   try to break the promise of delivery   ARGS=--short, ARGS="--kind stopped"
#   make lock    renew the lock files from pyproject.toml  ARGS="-P requests" or "-U" to upgrade
#   make catalogs, make schema, make bench, make clean

.PHONY: help run install test lint format types imports check wheel smoke lock catalogs schema bench campaign clean

VENV = .venv
DEV_VENV = .venv-dev
BENCH_VENV = .venv-bench
PYTHON = python3.13 python3.12 python3.11 python3
ARGS =
PIP_FLAGS = -qq --disable-pip-version-check --no-input

help:
	@sed -n '/^#   make/s/^#   //p' Makefile

# ------------------------------------------------------------------------------ environments
# $(call environment,FOLDER,LOCKS): a fresh venv holding exactly what the locks pin, and this
# project in place (edits of the source need no new install). Made anew when a lock changes, so
# that it never keeps what a lock has dropped.

define environment
	@set -e; \
	python=; \
	for candidate in $(PYTHON); do \
	    if $$candidate -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
	        >/dev/null 2>&1; then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	    echo "No Python 3.11 or later with the venv module was found (tried: $(PYTHON))." >&2; \
	    echo "Install one (Debian, Ubuntu: apt install python3 python3-venv)," >&2; \
	    echo "or name yours: make PYTHON=/path/to/python3 ..." >&2; \
	    exit 1; \
	fi; \
	echo "Preparing $(1) with $$($$python --version); this is done once ..."; \
	$$python -m venv --clear "$(1)"; \
	"$(1)/bin/python" -m pip install $(PIP_FLAGS) --require-hashes $(2); \
	"$(1)/bin/python" -m pip install $(PIP_FLAGS) --no-deps --no-build-isolation --editable .; \
	touch "$(1)/.installed"
endef

$(VENV)/.installed: requirements.lock requirements-build.lock pyproject.toml
	$(call environment,$(VENV),-r requirements.lock -r requirements-build.lock)

$(DEV_VENV)/.installed: requirements-dev.lock pyproject.toml
	$(call environment,$(DEV_VENV),-r requirements-dev.lock)

install: $(VENV)/.installed

# --------------------------------------------------------------------------------- every day

run: $(VENV)/.installed
	@exec "$(VENV)/bin/dispatcher" run $(ARGS)

test: $(DEV_VENV)/.installed
	@"$(DEV_VENV)/bin/python" -m pytest $(ARGS)

check: lint types imports

lint: $(DEV_VENV)/.installed
	"$(DEV_VENV)/bin/ruff" check
	"$(DEV_VENV)/bin/ruff" format --check

format: $(DEV_VENV)/.installed
	"$(DEV_VENV)/bin/ruff" check --fix
	"$(DEV_VENV)/bin/ruff" format

types: $(DEV_VENV)/.installed
	"$(DEV_VENV)/bin/mypy"

imports: $(DEV_VENV)/.installed
	"$(DEV_VENV)/bin/lint-imports" --no-logo --no-cache

bench: $(DEV_VENV)/.installed $(BENCH_VENV)/.installed
	"$(DEV_VENV)/bin/python" -m bench $(ARGS)

campaign: $(DEV_VENV)/.installed
	"$(DEV_VENV)/bin/python" -m campaign $(ARGS)

# What this is compared with; it needs none of this project.
$(BENCH_VENV)/.installed: requirements-bench.lock
	@"$(DEV_VENV)/bin/python" -m venv --clear "$(BENCH_VENV)"
	@"$(BENCH_VENV)/bin/python" -m pip install $(PIP_FLAGS) --require-hashes -r $<
	@touch $@

# ------------------------------------------------------------------------ what is handed over

wheel: $(VENV)/.installed
	@rm -rf dist
	"$(VENV)/bin/python" -m pip wheel $(PIP_FLAGS) --no-deps --no-build-isolation -w dist .
	@ls dist/*.whl

smoke: wheel
	@set -e; wheel=$$(ls "$$PWD"/dist/*.whl); lock=$$PWD/requirements.lock; \
	empty=$$(mktemp -d); trap 'rm -rf "$$empty"' EXIT; \
	"$(VENV)/bin/python" -m venv "$$empty/venv"; \
	"$$empty/venv/bin/python" -m pip install $(PIP_FLAGS) --require-hashes -r "$$lock"; \
	"$$empty/venv/bin/python" -m pip install $(PIP_FLAGS) --no-deps "$$wheel"; \
	mkdir "$$empty/home"; cd "$$empty/home"; set -x; \
	"$$empty/venv/bin/dispatcher" --version; \
	"$$empty/venv/bin/dispatcher" init .; \
	DISPATCHER_NOW=2026-06-01T09:00+08:00 "$$empty/venv/bin/dispatcher" check; \
	"$$empty/venv/bin/dispatcher" upcoming --days 30; \
	"$$empty/venv/bin/dispatcher" run --once

# ---------------------------------------------------------------------- what is generated
# The lock files name versions and hashes and no address, so that they serve a mirror, a folder
# of wheels and the public index alike. They are resolved for the lowest Python that is supported.

COMPILE = CUSTOM_COMPILE_COMMAND="make lock" "$(DEV_VENV)/bin/pip-compile" --quiet \
	--generate-hashes --allow-unsafe --strip-extras --newline lf --no-emit-options \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links

EXTRAS = --extra postgresql --extra metrics

lock: $(DEV_VENV)/.installed
	$(COMPILE) $(ARGS) $(EXTRAS) -o requirements.lock pyproject.toml
	$(COMPILE) $(ARGS) --only-build-deps --build-deps-for wheel -o requirements-build.lock pyproject.toml
	$(COMPILE) $(ARGS) $(EXTRAS) --extra dev --build-deps-for wheel \
	    -c requirements.lock -c requirements-build.lock -o requirements-dev.lock pyproject.toml
	$(COMPILE) $(ARGS) -o requirements-bench.lock bench/peers/requirements.in

LOCALE = dispatcher/locale
CATALOG = $(LOCALE)/zh_CN/LC_MESSAGES/dispatcher.po

catalogs: $(DEV_VENV)/.installed
	@mkdir -p build
	"$(DEV_VENV)/bin/pybabel" -q extract -k Text --no-location --sort-output \
	    --project dispatcher -o build/dispatcher.pot dispatcher
	@[ -f $(CATALOG) ] || "$(DEV_VENV)/bin/pybabel" -q init -l zh_CN \
	    -i build/dispatcher.pot -d $(LOCALE) -D dispatcher
	"$(DEV_VENV)/bin/pybabel" -q update -i build/dispatcher.pot -d $(LOCALE) -D dispatcher \
	    --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --no-wrap
	"$(DEV_VENV)/bin/pybabel" compile --use-fuzzy --statistics -d $(LOCALE) -D dispatcher

schema: $(DEV_VENV)/.installed
	@mkdir -p build
	"$(DEV_VENV)/bin/python" -m dispatcher.plan.schema > build/schedules.schema.json
	@mv build/schedules.schema.json schedules.schema.json

clean:
	rm -rf $(VENV) $(DEV_VENV) $(BENCH_VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
