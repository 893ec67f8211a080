# SPDX-License-Identifier: Apache-2.0 OR MIT
# For people: each target calls CMake, ctest or a script in tools/. `make help` lists them.
# Variables: PREFIX, DESTDIR, CMAKE_ARGS (more -D options), CTEST_ARGS, FUZZ_SECONDS.

PREFIX       ?= /usr/local
DESTDIR      ?=
CMAKE_ARGS   ?=
CTEST_ARGS   ?=
FUZZ_SECONDS ?= 60

build := build
junit := $(CURDIR)/$(build)/junit.xml
ctest := ctest --test-dir $(build) -j2 --output-on-failure --no-tests=error --output-junit $(junit)

# What is installed; the tests come with `make test`.
product := whist_cli whist_shared whist_static

.PHONY: all configure build build-tests demo test bench soak install uninstall clean help
.NOTPARALLEL:

all:
	@tools/install-deps --check build
	@$(MAKE) --no-print-directory build

configure:
	@cmake --preset release -Wno-dev -DCMAKE_INSTALL_PREFIX="$(PREFIX)" $(CMAKE_ARGS) \
	    >$(build).log 2>&1 || { cat $(build).log; rm -f $(build).log; exit 1; }
	@rm -f $(build).log

build: configure
	@cmake --build $(build) --target $(product)

build-tests: configure
	@cmake --build $(build)

demo:
	@tools/install-deps build
	@$(MAKE) --no-print-directory build
	@tools/demo

test:
	@tools/install-deps build test
	@$(MAKE) --no-print-directory build-tests
	@$(ctest) $(CTEST_ARGS)

bench:
	@tools/install-deps build
	@$(MAKE) --no-print-directory build
	@$(build)/whist bench engine
	@$(build)/whist bench channel

soak:
	@tools/install-deps
	@$(MAKE) --no-print-directory build-tests
	@WHIST_TEST_SOAK=10 $(ctest) $(CTEST_ARGS)
	@tools/fuzz $(FUZZ_SECONDS)

install:
	@tools/install-deps build
	@$(MAKE) --no-print-directory build
	@DESTDIR="$(DESTDIR)" cmake --install $(build)
	@tools/manifest record "$(build)/install_manifest.txt" "$(DESTDIR)" "$(PREFIX)"

uninstall:
	@tools/manifest remove "$(DESTDIR)" "$(PREFIX)"

clean:
	@rm -rf $(build)

help:
	@echo 'make            build the library and the command (build/whist); asks nothing'
	@echo 'make demo       three parties on this machine compute over HTTP'
	@echo 'make test       all tests (at most 15 minutes on 2 cores)'
	@echo 'make bench      measure the engine and the channel'
	@echo 'make soak       the long versions of the tests, then every fuzzer for FUZZ_SECONDS=$(FUZZ_SECONDS)'
	@echo 'make install    install to PREFIX=$(PREFIX), below DESTDIR if given'
	@echo 'make uninstall  remove what make install put there'
	@echo 'make clean      remove $(build)/'
	@echo 'All but the plain make and uninstall first install missing Debian packages (tools/install-deps).'
