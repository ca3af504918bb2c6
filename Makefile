# Two doors: `make run` and `make test`. Everything else hangs off them. `make help` lists them.
PORT ?= 8000
HOST ?= 127.0.0.1
KILLS ?= 200
SEED ?= 0
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
# The first Python that is new enough; `make PYTHON=/path/to/python` chooses another.
PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11 python,\
	$(shell $(name) -c 'import sys; sys.version_info >= (3, 11) and print("$(name)")' 2>/dev/null)))

.PHONY: help run test lint format bench chaos example-tryage browser screenshots query-counts clean
.DEFAULT_GOAL := help

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 16

run: $(VENV)/.installed-run ## Start Assay on this machine (PORT=8000 HOST=127.0.0.1)
	@exec $(BIN)/python manage.py up --host $(HOST) --port $(PORT) $(ARGS)

test: $(VENV)/.installed-dev ## Run all tests (ARGS="-k name" for some)
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

lint: $(VENV)/.installed-dev ## Check style, types, layers, templates, migrations, licences and pins
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy apps project tests manage.py
	$(BIN)/lint-imports
	$(BIN)/djlint templates --lint --quiet
	$(BIN)/djlint templates --check --quiet
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py supply

format: $(VENV)/.installed-dev ## Put code and templates into the house's form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djlint templates --reformat --quiet

bench: $(VENV)/.installed-dev ## Measure what the product promises (ARGS="board" for one)
	@$(BIN)/python manage.py bench $(ARGS)

chaos: $(VENV)/.installed-dev ## Kill workers, servers and models, spoil endpoints; prove that no job suffers (KILLS=200 SEED=0)
	@$(BIN)/python manage.py chaos --kills $(KILLS) --seed $(SEED) $(ARGS)

example-tryage: $(VENV)/.installed-run ## Train four small language models and a router that tells them apart
	@OMP_NUM_THREADS=1 $(BIN)/python -m apps.core.demo.tryage

browser: $(VENV)/.installed-dev ## Drive every page in a real Chromium
	@$(BIN)/python -m pytest tests/browser -m browser $(ARGS)

screenshots: $(VENV)/.installed-dev ## Photograph every page, light and dark, in three widths, into screenshots/
	@ASSAY_SCREENSHOTS=screenshots $(BIN)/python -m pytest tests/browser/test_screenshots.py -m browser $(ARGS)

query-counts: $(VENV)/.installed-dev ## Write down anew how many queries each page makes
	@ASSAY_WRITE_QUERY_COUNTS=1 $(BIN)/python -m pytest tests/test_queries.py -q $(ARGS)

clean: ## Remove what can be made again; data/ stays
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache screenshots

# A stamp is written last and holds this folder's path, so that a half-made or moved .venv is noticed.
$(foreach kind,run dev,$(if $(filter $(CURDIR),$(shell cat $(VENV)/.installed-$(kind) 2>/dev/null)),,\
	$(eval .PHONY: $(VENV)/.installed-$(kind))))

$(VENV)/.installed-run: pyproject.toml constraints.txt
	@$(call install,.,run)

# Whoever develops can also run.
$(VENV)/.installed-dev: pyproject.toml constraints.txt
	@$(call install,.[dev],dev)
	@cp $@ $(VENV)/.installed-run

define install
set -e; \
fail() { echo "Assay: $$1" >&2; exit 1; }; \
test -n "$(PYTHON)" || fail "no Python 3.11 or newer was found; install one or name it: make PYTHON=/path/to/python"; \
test -w . || fail "the folder $(CURDIR) cannot be written; copy or clone Assay to one that can"; \
if test -e $(VENV) && ! grep -qsxF '$(CURDIR)' $(VENV)/.installed-run; then \
	echo "Assay: $(VENV) is half-made or comes from another folder; making it anew"; rm -rf $(VENV); fi; \
test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || { rm -rf $(VENV); \
	fail "$(PYTHON) cannot make a virtual environment; on Debian: apt install python3-venv"; }; \
echo "Assay: installing into $(VENV); the first time takes a minute or two"; \
$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '$(1)' \
	|| fail "the installation failed for the reason above"; \
printf '%s\n' '$(CURDIR)' > $(VENV)/.installed-$(2)
endef
