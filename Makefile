# make demo: the whole method on a small corpus of its own. make lab: the notebooks. make check: after a change, minutes.
# make test: everything that is checked.
.DEFAULT_GOAL := help
.PHONY: help setup demo lab docs check test lint wheel clean
# Another environment beside this one: VENV=.venv-3.13 PYTHON=python3.13 make check
VENV ?= .venv
bin := $(VENV)/bin
export VENV

help:  ## show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST)

setup:  ## make .venv, once; PYTHON=python3.13 chooses the interpreter
	@./setup.sh

demo: setup  ## run the `mini` experiment and print the ladder and the report's path
	@$(bin)/sedlab run mini $(if $(cores),--cores $(cores))

lab: setup  ## open JupyterLab on the notebooks
	@$(bin)/sedlab lab

docs: setup  ## build the documentation site into site/, with the pictures of RUN=runs/mini (none: without)
	@$(bin)/python docs/site/make_site.py $(if $(RUN),--run $(RUN))

# One thread in each test process: more would only compete for the cores. Four processes, for a laptop's two cores:
# tests of browsers, kernels and servers also wait. The tests of a file share fixtures that take minutes, so a file
# stays in one process; tests/conftest.py says which files come first.
check: setup  ## run the quick tests, in a few minutes
	@OMP_NUM_THREADS=1 $(bin)/pytest -n 4 --dist loadfile --no-loadscope-reorder -m "not slow"

test: setup  ## run all tests
	@OMP_NUM_THREADS=1 $(bin)/pytest -n 4 --dist loadfile --no-loadscope-reorder --durations=25 --durations-min=5

lint: setup  ## check style, the import contract, and that notebooks hold no outputs
	@$(bin)/ruff check .
	@$(bin)/ruff format --check .
	@$(bin)/lint-imports --no-cache
	@$(bin)/nbstripout --verify notebooks/*.ipynb

wheel: setup  ## build dist/sedlab-VERSION-py3-none-any.whl and the source archive (docs/install.md)
	@rm -rf dist
	@$(bin)/python -m build

clean:  ## remove runs, the `mini` corpus, the site and caches (not .venv)
	rm -rf runs data/mini site dist build/docs .snakemake .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find sedlab tests notebooks -name __pycache__ -prune -exec rm -rf {} +
