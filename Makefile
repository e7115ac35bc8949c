# make demo   sets everything up and runs the main job on data/
# make test   sets everything up and runs all tests
# make help   lists the rest
#
# Everything lives in .venv and build/. Needs Python 3.11 or newer with venv, its headers, g++ and make.

PYTHON ?= python3
BUILD := build
VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
# The environment's own tools first; the compiled glue stays in the repository.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export AEPLUGIN_CACHE := $(CURDIR)/$(BUILD)/cache
export AEPLUGIN_WERROR ?= ON

CXX_SOURCES := $(shell find cxx cmake CMakeLists.txt -type f)
PY_SOURCES := $(shell find python pyproject.toml README.md -type f -not -name '*.pyc')

.PHONY: all help install demo test test-python test-root test-cxx sanitize fuzz lint tidy format bench clean

all: install

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

$(BUILD)/venv.stamp: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	   { echo "error: $(PYTHON) is too old or missing; aeplugin needs Python 3.11 or newer (make PYTHON=...)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	   { echo "error: $(PYTHON) has no venv; on Debian: apt-get install python3-venv"; exit 1; }
	@$(PYTHON) -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' || \
	   { echo "error: the headers of $(PYTHON) are missing; on Debian: apt-get install python3-dev"; exit 1; }
	@command -v c++ >/dev/null || { echo "error: no C++ compiler; on Debian: apt-get install g++"; exit 1; }
	@mkdir -p $(BUILD)
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check $$($(PYTHON) tools/requirements.py build train flow scan tensorboard onnx root coffea cluster remote report hdf5 generate test)
	@touch $@

# Not editable: what the tests see is what a user gets. scikit-build-core keeps build/wheel, so repeats are quick.
$(BUILD)/install.stamp: $(BUILD)/venv.stamp $(CXX_SOURCES) $(PY_SOURCES) $(wildcard macros/*)
	$(PY) -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --force-reinstall .
	@touch $@

$(BUILD)/glue.stamp: $(BUILD)/install.stamp
	$(BIN)/aeplugin config --build root --build torch
	@touch $@

install: $(BUILD)/glue.stamp ## set up .venv with aeplugin, torch, ROOT and ONNX Runtime

demo: install ## the main job on data/: convert, train, compress, decompress, evaluate, plot
	$(PY) tools/demo.py

test: test-cxx test-root test-python ## all tests

test-cxx: $(BUILD)/venv.stamp ## C++ tests through ctest
	cmake --preset dev
	cmake --build --preset dev
	ctest --preset dev

test-root: $(BUILD)/venv.stamp ## C++ tests of the ROOT glue, through ctest
	cmake --preset root
	cmake --build --preset root --target root_tests
	ctest --preset root -R '^root_'

test-python: install ## Python tests, which also run the macros and a CMake consumer
	$(PY) -m pytest

sanitize: $(BUILD)/venv.stamp ## C++ tests under ASan and UBSan, and under TSan
	for preset in sanitize thread; do \
	   cmake --preset $$preset && cmake --build --preset $$preset && ctest --preset $$preset || exit 1; done

lint: $(BUILD)/venv.stamp ## ruff, mypy, codespell, clang-format (check only)
	$(PY) -m pip install --quiet --disable-pip-version-check $$($(PYTHON) tools/requirements.py lint)
	ruff check python tests tools
	ruff format --check python tests tools
	mypy
	codespell python cxx docs macros README.md CHANGELOG.md
	clang-format --dry-run --Werror $$(git ls-files '*.cxx' '*.hxx' '*.h' '*.C')

tidy: $(BUILD)/venv.stamp ## clang-tidy on the core
	$(PY) -m pip install --quiet --disable-pip-version-check $$($(PYTHON) tools/requirements.py lint)
	cmake --preset dev
	clang-tidy -p $(BUILD)/dev --quiet $$(git ls-files 'cxx/src/*.cxx')

format: $(BUILD)/venv.stamp ## reformat Python and C++
	$(PY) -m pip install --quiet --disable-pip-version-check $$($(PYTHON) tools/requirements.py lint)
	ruff check --fix --quiet python tests tools
	ruff format --quiet python tests tools
	clang-format -i $$(git ls-files '*.cxx' '*.hxx' '*.h' '*.C')

fuzz: $(BUILD)/venv.stamp ## a minute of damaged files for the decoder, under ASan and UBSan
	cmake --preset sanitize
	cmake --build --preset sanitize --target fuzz_decoder
	$(BUILD)/sanitize/tests/fuzz/fuzz_decoder 60

bench: install ## benchmarks: parser, engines, sizes and speeds, jobs; tables on the screen, JSON in build/
	$(PY) -m pip install --quiet --disable-pip-version-check $$($(PYTHON) tools/requirements.py bench)
	cmake --preset bench
	cmake --build --preset bench
	$(PY) tests/benchmarks/parsing.py
	$(PY) tests/benchmarks/engines.py
	$(PY) tests/benchmarks/compressing.py
	$(PY) tests/benchmarks/scaling.py
	$(PY) tests/benchmarks/density_speed.py
	$(PY) tests/benchmarks/density_processes.py

clean: ## remove everything that was built
	rm -rf $(BUILD) $(VENV) demo-output
