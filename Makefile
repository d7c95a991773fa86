# Two commands do all the set-up: `make demo` and `make test`.
.DEFAULT_GOAL := help
# The system's own Python where it will do: it is built for speed, which those of version managers often are not.
PYTHON ?= $(shell /usr/bin/python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo /usr/bin/python3 || echo python3)
PORT ?= 8000
BIN := .venv/bin

help: ## Show these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: ## Virtual environment and var/dev.env
	@$(PYTHON) config/bootstrap.py $(if $(SEARCH),--search)

demo: setup ## The portal with its sample cohort; PORT=8001 for another port, SEARCH=opensearch to search with it
	@PORTAL_PORT=$(PORT) $(BIN)/python -m config.demo $(if $(SEARCH),--search=$(SEARCH))

test: setup-tests lint test-databases ## Lint, types, import contracts and the whole suite, with PostgreSQL, OpenSearch and Chromium
	@$(BIN)/python -m pytest -n 2 $(T)

test-full: setup-tests lint test-databases ## All that `make test` leaves out too, with coverage in var/coverage.txt; about an hour
	@rm -rf var/coverage && mkdir -p var/coverage
	@$(BIN)/python -m coverage run -m pytest -n 2 --full $(T)

test-fast: setup-tests test-databases ## The suite without a browser
	@$(BIN)/python -m pytest -n 2 -m "not browser" $(T)

setup-tests:
	@$(PYTHON) config/bootstrap.py --tests

test-databases: setup-tests
	@$(BIN)/python -m tests.databases

lint: setup-tests ## Style, templates, types, import contracts, missing migrations
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/djlint --check --lint --quiet templates accounts tenants resources cohort cms search
	@$(BIN)/lint-imports
	@SECRET_KEY=lint $(BIN)/mypy accounts tenants resources cohort cms search config embedded
	@SECRET_KEY=lint DATABASE_URL=postgres://unused@127.0.0.1:1/unused $(BIN)/python manage.py makemigrations --check --dry-run

format: setup-tests ## Put code and templates in shape
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(BIN)/djlint --reformat --quiet templates accounts tenants resources cohort cms search || true

bench: setup-tests ## Benchmarks; NAME=open_city for one
	@$(BIN)/python -m bench $(NAME)

stop: ## Stop the embedded PostgreSQL
	@$(BIN)/python -m embedded stop

lock: setup-tests ## Resolve the dependencies again into requirements/
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile --quiet pyproject.toml --extra dev --extra test --generate-hashes --no-emit-index-url --no-header -o requirements/test.txt
	@$(BIN)/uv pip compile --quiet pyproject.toml --extra dev -c requirements/test.txt --generate-hashes --no-emit-index-url --no-header -o requirements/portal.txt

.PHONY: help setup demo test test-full test-fast setup-tests test-databases lint format bench stop lock
