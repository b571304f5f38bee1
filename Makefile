# The two commands of the README are `make run` and `make test`. Both set up all they need in .venv.
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check

.PHONY: run sandbox test servers docs bench fuzz soak lint lock clean

# The public CDS Hooks Sandbox, served on this machine, may call, and is shown a patient's latest telehealth visit.
run sandbox: export TELECODE_CLIENT ?= sandbox
run sandbox: export TELECODE_CORS_ORIGINS ?= http://localhost:8080,http://127.0.0.1:8080
# So that cards link to the calculator.
run sandbox: export TELECODE_PUBLIC_URL ?= http://127.0.0.1:$(PORT)

run: .venv/run
	PORT=$(PORT) $(BIN)/telecode serve

# The service beside a FHIR server that holds the samples. Needs Node 20.
sandbox: .venv/run sandbox/node_modules/.package-lock.json
	PORT=$(PORT) BIN=$(BIN) sandbox/run

test: .venv/dev
	$(BIN)/pytest

# What needs more than Python: Debian's postgresql, nginx and chromium, and Node 20.
servers: .venv/dev tests/servers/node/node_modules/.package-lock.json sandbox/node_modules/.package-lock.json
	$(BIN)/pytest tests/servers

# Writes anew what the documents show of commands and tables.
docs: .venv/dev
	$(BIN)/python -m tests.documents_made

# Seconds of coverage-guided fuzzing for each of the two doors.
FUZZ ?= 30

fuzz: .venv/dev
	$(PIP) --no-deps --require-hashes -r requirements-fuzz.txt
	$(BIN)/python tests/fuzz/json_door.py -max_total_time=$(FUZZ) -artifact_prefix=.hypothesis/
	$(BIN)/python tests/fuzz/note_reader.py -max_total_time=$(FUZZ) -dict=tests/fuzz/note.dict -artifact_prefix=.hypothesis/

# What takes too long for every change: a quarter of a million charts, faults under load, ten minutes of it; an hour in all.
soak: .venv/dev
	TESTS_EXAMPLES=250000 $(BIN)/pytest -q --hypothesis-show-statistics tests/test_generated.py
	$(BIN)/pytest -q tests/servers/test_faults.py
	$(BIN)/python -m bench tail memory --memory-seconds 600

# Ratios to peers and figures of parts, for docs/performance.md; needs Debian's wrk, and takes half an hour.
bench: .venv/dev
	$(BIN)/python -m bench

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/yamllint --strict .
	$(BIN)/hadolint deploy/Containerfile
	$(BIN)/telecode policy check

# The build tools stand in the locks too, so that nothing outside them is ever fetched. A lock is whole, and installed as it
# stands: told to look for dependencies, pip would take the newest coverage[toml], which no lock names, and refuse it.
.venv/run: .venv/python requirements.txt pyproject.toml
	$(PIP) --no-deps --require-hashes -r requirements.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev: .venv/python requirements-dev.txt pyproject.toml
	$(PIP) --no-deps --require-hashes -r requirements-dev.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

%/node_modules/.package-lock.json: %/package-lock.json %/package.json
	@command -v npm >/dev/null || { echo "this needs Node 20.19 or newer (nodejs.org)" >&2; exit 1; }
	cd $* && npm ci --silent

.venv/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "telecode needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv
	@touch $@

# Needs uv; writes no registry's address into the locks.
lock:
	uv pip compile pyproject.toml --extra serve --extra postgresql --group build --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet -o requirements.txt
	uv pip compile pyproject.toml --extra serve --extra postgresql --group test --group lint --group build --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet -o requirements-dev.txt
	uv pip compile --group fuzz --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet -o requirements-fuzz.txt
	uv pip compile bench/requirements-healthchain.in --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet -o bench/requirements-healthchain.txt

clean:
	rm -rf .venv tests/servers/node/node_modules sandbox/node_modules
