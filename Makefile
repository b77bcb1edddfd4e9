# SPDX-License-Identifier: MIT
# A thin front door to Meson; `make help` says what is behind it.
BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
SECONDS ?= 60

# On a terminal one line that moves, elsewhere only what matters.  (Make has taken the shell's stdout; stderr is ours.)
NINJA = ninja $(shell [ -t 2 ] || echo --quiet) -C $(BUILD)

.PHONY: all build demo test bench install clean fuzz conform lint help
all: build

help:
	@echo 'make demo                the crawler: 85 answers that take 100 ms each, in about 100 ms; then six ways compared'
	@echo 'make test                build and run all tests'
	@echo 'make install PREFIX=DIR  library, headers, bide, man page (no root if DIR is writable); DESTDIR too'
	@echo 'make bench               the figures of bench/README.md'
	@echo 'make fuzz [SECONDS=60]   the fuzz targets, each for so long (clang)'
	@echo 'make conform             the public suites of ../shared/conformance'
	@echo 'make lint                who includes whom, shellcheck, clang-tidy'
	@echo 'make clean               remove what was built'

build:
	@scripts/deps.sh
	@scripts/configure.sh $(BUILD) -Dlibdir=lib
	@$(NINJA)

demo: build
	@scripts/demo.sh $(BUILD)/bide

test: build
	@scripts/deps.sh --test
	@meson test -C $(BUILD) --no-rebuild --print-errorlogs $(TESTS)

bench: build
	@scripts/configure.sh $(BUILD) -Dbench=true
	@$(NINJA)
	@bench/run.sh $(BUILD)

install: build
	@scripts/configure.sh $(BUILD) -Dprefix="$$(realpath -m -- '$(PREFIX)')"
	@$(NINJA)
	@meson install -C $(BUILD) --no-rebuild --quiet $(if $(DESTDIR),--destdir "$$(realpath -m -- '$(DESTDIR)')")
	@echo "installed in $(DESTDIR)$$(realpath -m -- '$(PREFIX)')"

fuzz:
	@scripts/deps.sh --ci
	@CC=clang scripts/configure.sh build-fuzz -Dfuzz=true -Db_lundef=false -Db_ndebug=false -Dexamples=false
	@ninja -C build-fuzz
	@scripts/fuzz.sh build-fuzz $(SECONDS)

conform: build
	@tests/conform/conform.sh $(abspath $(BUILD))/bide $(abspath $(BUILD))/tests/conform/bide-conform

lint: build
	@scripts/deps.sh --ci
	@scripts/rooms.py --build $(BUILD)
	@find .ci/run scripts tests bench \( -name '*.sh' -o -path .ci/run \) -exec shellcheck {} +
	@scripts/tidy.sh $(BUILD)

clean:
	@rm -rf build build-* demo/test
