# make serve and make test are all that a fresh clone needs; each sets up what it uses.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: serve test fuzz train explore report compare bench soak check lock docker docker-test clean help

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

serve: $(VENV)/.service ## serve the models on port 8000 (ARGS="--port 9000" for flags)
	$(BIN)/python -m service serve $(ARGS)

test: $(VENV)/.test ## run every test (ARGS="-k tokenizer" for some)
	$(BIN)/python -m pytest $(ARGS)

fuzz: $(VENV)/.test ## try odd requests, files, texts and bundles for ARGS="--minutes 60"
	$(BIN)/python -m tests.fuzz $(ARGS)

train: $(VENV)/.training ## fit, evaluate and export the lecture's network (ARGS="--help" for options)
	$(BIN)/python -m training $(ARGS)

explore: $(VENV)/.training ## look at the data set
	$(BIN)/python -m training explore $(ARGS)

report: $(VENV)/.training ## put a run into one HTML page (ARGS="--run-dir models/imdb-conv1d/reports/1")
	$(BIN)/python -m training report $(ARGS)

compare: $(VENV)/.training ## put models side by side (ARGS="1 2 training/first_sentences.csv")
	$(BIN)/python -m training compare $(ARGS)

bench: $(VENV)/.test ## measure the speed against the usual way of serving (needs wrk)
	$(BIN)/python -m bench $(ARGS)

soak: $(VENV)/.test ## mixed traffic for ARGS="--minutes 20"; memory, file handles and errors at start and end
	$(BIN)/python -m bench.soak $(ARGS)

check: $(VENV)/.test ## ruff, mypy and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docker: ## build the image
	docker build --tag conv1d-sentiment .

docker-test: ## build the image, run it with compose and check it
	docker/smoke

COMPILE = $(BIN)/uv pip compile -q pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --custom-compile-command "make lock"
lock: $(VENV)/.test ## resolve the dependencies anew (ARGS=--upgrade for the newest)
	$(COMPILE) $(ARGS) --extra training --extra tracing --extra parquet --extra test --extra check -o requirements/test.txt
	$(COMPILE) --extra training -c requirements/test.txt -o requirements/training.txt
	$(COMPILE) -c requirements/test.txt -o requirements/service.txt
	$(COMPILE) --extra ray --extra stores -c requirements/service.txt -o requirements/ray.txt
	$(COMPILE) --extra stores -c requirements/test.txt -o requirements/stores.txt

clean: ## remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)

SIZE..service := 220 MB
SIZE..training := 3.3 GB, mostly TensorFlow
SIZE..test := $(SIZE..training)

# A stamp for each set of packages; a larger set holds the smaller ones.
$(VENV)/.%: requirements/%.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing $< into $(VENV): once, and for a few minutes ($(SIZE.$(@F)))."
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@
