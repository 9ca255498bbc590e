# booksync's commands. `make` alone lists them. Each command first sets up the packages that it needs, in .venv.

.DEFAULT_GOAL := help

# Which Python makes .venv: the first of these that is new enough. Another: make demo PYTHON=/path/to/python3.12
PYTHON := python3 python3.14 python3.13 python3.12 python3.11

# uv makes .venv in seconds; venv and pip take about a minute. To use pip although uv is installed: make demo UV=
UV := $(shell command -v uv 2>/dev/null)

RUN := .venv/bin/python -m
PYTEST := $(RUN) pytest --numprocesses 3 --dist worksteal

# The tests and the demo start many processes, and without bytecode each of them would compile all sources again.
unexport PYTHONDONTWRITEBYTECODE

# The mark is written when .venv is complete. An incomplete or moved .venv, one made by the other tool, or one whose
# Python is gone has no matching mark, so it is made again.
MARK := $(CURDIR), by $(if $(UV),uv,pip)
ifneq ($(shell .venv/bin/python -c 'print(open(".venv/mark").read())' 2>/dev/null),$(MARK))
.PHONY: .venv/mark
endif

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z.]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: .venv ## See it work on this machine, with a simulated Zoho (options: ARGS="--once --json")
	@exec $(RUN) sandbox.demo $(ARGS)

.PHONY: test
test: .venv ## Run the tests (some of them: ARGS="tests/unit -k phone")
	@exec $(PYTEST) $(ARGS)

.PHONY: slow
slow: .venv ## Run the tests that take over a second each, which `make test` leaves out (some: ARGS="tests/browser")
	@exec $(PYTEST) -m 'slow and not drill' $(ARGS)

.PHONY: matrix
matrix: .venv ## Run a whole sync on each supported Postgres, Redis, Valkey and Python (some: ARGS="--only 'Postgres 16'")
	@exec $(RUN) tests.matrix $(ARGS)

.PHONY: drill
drill: .venv ## Run the long tests: killed workers, long outages, a large upstream that changes all the time
	@$(RUN) pytest --numprocesses 2 --dist worksteal -m drill $(ARGS)
	@exec $(PYTEST) --timeout 900 -m hypothesis --hypothesis-profile many \
		tests/integration/db tests/integration/migrations/legacy

.PHONY: fuzz
fuzz: .venv ## Try many examples of each property, then random bytes for a minute (FUZZ_SECONDS=600, FUZZ_SEED=7)
	@$(PYTEST) --timeout 900 -m hypothesis --hypothesis-profile many \
		tests/unit tests/properties
	@exec $(RUN) pytest -m fuzz tests/fuzz $(ARGS)

# `alembic check`, on an embedded Postgres.
ALEMBIC_CHECK := tests/integration/migrations/test_models_agree.py::test_the_migrations_match_the_models

.PHONY: check
check: .venv ## Check format, lint, types, imports, language, locked packages, containers, and that models and migrations agree
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy
	.venv/bin/lint-imports
	$(RUN) tests.plain_language
	$(RUN) pytest --quiet tests/unit/test_deployment.py tests/unit/test_compose.py tests/unit/test_image.py $(ALEMBIC_CHECK)

.PHONY: screenshots
screenshots: .venv ## Make the README's pictures of the console anew; needs Chromium
	@exec $(RUN) sandbox.screenshots

.PHONY: format
format: .venv ## Format the code and repair what the linter can
	$(RUN) ruff format .
	$(RUN) ruff check --fix .

LOCK := uv pip compile --quiet --generate-hashes --universal --no-header --python-version 3.11

.PHONY: lock
lock: ## Pin every package in requirements*.txt (all to their newest: ARGS=--upgrade); needs uv
	@command -v uv >/dev/null || { echo "make lock needs uv: python3 -m pip install uv" >&2; exit 1; }
	$(LOCK) $(ARGS) pyproject.toml --output-file requirements.txt
	$(LOCK) $(ARGS) pyproject.toml --extra dev --constraint requirements.txt --output-file requirements-dev.txt
	echo hatchling | $(LOCK) - --constraint requirements-dev.txt --output-file requirements-build.txt
	@! grep -n '://' requirements*.txt || { echo "A lock file must not contain an address." >&2; exit 1; }

.PHONY: clean
clean: ## Remove the results of the other commands: .venv, the demo's data, caches
	rm -rf .venv .demo .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +

.PHONY: .venv
.venv: .venv/project ## Make the virtual environment, from the hashed requirements-dev.txt

# This recipe writes to stderr only, because stdout belongs to the command that is being set up.
.venv/mark: requirements-dev.txt
	@exec >&2; python=; found=; \
	for candidate in $(PYTHON); do \
		version=$$("$$candidate" -c 'import platform; print(platform.python_version())' 2>/dev/null) || continue; \
		if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then python=$$candidate; break; fi; \
		found="$$found $$candidate is $$version."; \
	done; \
	if [ -z "$$python" ]; then \
		echo "booksync needs Python 3.11 or newer.$$found Install it, or pass its path: make PYTHON=/path/to/python"; \
		exit 1; \
	fi; \
	set -e; \
	rm -rf .venv; \
	if [ -n "$(UV)" ]; then \
		echo "Making .venv with Python $$version and uv: some seconds, once."; \
		"$(UV)" venv --quiet --no-project --python "$$python" .venv; \
		"$(UV)" pip install --quiet --python .venv/bin/python --require-hashes --requirement requirements-dev.txt; \
	else \
		echo "Making .venv with Python $$version and pip: about a minute, once."; \
		"$$python" -m venv .venv || \
			{ echo "This Python cannot make .venv: install its venv package (Debian: python3-venv), or uv."; exit 1; }; \
		.venv/bin/python -m pip install -qq --require-hashes --requirement requirements-dev.txt; \
	fi; \
	printf '%s' '$(MARK)' > .venv/mark

.venv/project: .venv/mark pyproject.toml
	@exec >&2; set -e; \
	if [ -n "$(UV)" ]; then \
		"$(UV)" pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .; \
	else \
		.venv/bin/python -m pip install -qq --no-deps --no-build-isolation --editable .; \
	fi; \
	touch .venv/project
