# make lab    opens the workbook in JupyterLab
# make test   passes the tests: lint, build, unit, grading, misconceptions, browser, nbval, each a
#             target too
#
# TORCH_INDEX=ADDRESS takes torch from that package index, such as PyTorch's CPU index
# PYTHON=PATH         makes .venv with that Python

PYTHON ?= python3 python3.14 python3.13 python3.12 python3.11 python
TORCH_INDEX ?=
BIN := .venv/bin
LAB := .venv/.installed-lab
DEV := .venv/.installed-dev
ON_TWO := COURSE_DEVICE=cpu OMP_NUM_THREADS=1 $(BIN)/pytest -n 2

.PHONY: lab test lint build unit grading misconceptions browser nbval
.NOTPARALLEL:

lab: $(LAB)
	@$(BIN)/course lab

test: lint build unit grading misconceptions browser nbval

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

build: $(DEV)
	$(BIN)/course build --check

unit: $(DEV)
	$(ON_TWO) --dist loadfile -m "not notebook" tests --ignore=tests/misconceptions \
		--ignore=tests/browser --ignore=tests/grading

grading: $(DEV)
	$(ON_TWO) --dist loadfile -rs tests/grading

misconceptions: $(DEV)
	$(ON_TWO) tests/misconceptions

browser: $(DEV)
	$(BIN)/pytest tests/browser

nbval: $(DEV)
	$(ON_TWO) --dist loadfile --nbval --nbval-sanitize-with tests/nbval_sanitize.cfg \
		--nbval-cell-timeout 120 solutions
	$(ON_TWO) -m notebook tests/test_authoring_student.py

# The stamps: a second call installs nothing. [dev] holds [lab].
$(LAB) $(DEV): .venv/.installed-%: pyproject.toml constraints.txt
	@$(make-venv)
	$(if $(TORCH_INDEX),$(BIN)/python -m pip install --no-deps -c constraints.txt \
		--index-url "$(TORCH_INDEX)" torch)
	$(BIN)/python -m pip install -c constraints.txt -e ".[$*]"
	@touch $@ $(if $(filter dev,$*),$(LAB))

define make-venv
$(BIN)/python -m pip --version >/dev/null 2>&1 && exit 0; \
for python in $(PYTHON); do \
	if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
		exec "$$python" -m venv .venv; \
	fi; \
done; \
echo "The course needs Python 3.11 or newer and found none ($(PYTHON)): install one, or name it with PYTHON=PATH." >&2; \
exit 1
endef
