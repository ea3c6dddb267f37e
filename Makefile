# SPDX-License-Identifier: GPL-2.0
#
# eventfd, rebuilt: see README. "make help" lists what this can do.

# What a call may set; anything else is a slip of the pen.
OPTIONS := KERNEL KDIR ARCH ACCEL DEBUG KCSAN FAULTS PREEMPT SMP ROUNDS T N S SEED BUILD
unknown := $(filter-out $(OPTIONS),$(foreach o,$(MAKEOVERRIDES),$(firstword $(subst =, ,$(o)))))
ifneq ($(unknown),)
$(error unknown option $(firstword $(unknown))=: use $(OPTIONS); "make help" says what for)
endif
export $(OPTIONS)

PYTHON := PYTHONDONTWRITEBYTECODE=1 python3

hash := \#
# Every target with a line of help.
.PHONY: $(shell awk -F: '/^[a-z-]+:.*$(hash)$(hash)/ { print $$1 }' Makefile)
.NOTPARALLEL:

help:		## list these targets
	@awk -F '##' '/^[a-z-]+:.*##/ { split($$1, t, ":"); printf "  make %-20s%s\n", t[1], $$2 }' Makefile
	@echo
	@echo "  KERNEL=6.12|7.3   Debian's kernel to use (6.12)     KDIR=PATH     a kernel tree of yours instead"
	@echo "  ARCH=MACHINE      x86_64, i386, arm64, s390x        ACCEL=tcg|kvm how QEMU runs it (what works)"
	@echo "  DEBUG=1           lockdep, KASAN, kmemleak, faults  BUILD=DIR     where to build (build/)"
	@echo "  T=PATTERN         test, kunit, compare, soak: which ROUNDS=N      how often tests of races try (200)"
	@echo "  N=NUMBER          boots of make soak (20)           FAULTS=1      with allocations that can be made to fail"
	@echo "  S=SECONDS         how long make stress takes (60)   SEED=N        its schedule, to see it again"
	@echo "  KCSAN=1           run, compare: data races          PREEMPT=1     a preemptible kernel"
	@echo "  SMP=0             a kernel for one processor"

run:		## the main job: build a kernel with our eventfd, boot it, run the suite, judge it
	@scripts/doctor --install run
	@$(PYTHON) scripts/run.py run

test:		## the same for the tests whose names match T=PATTERN
	@scripts/doctor --install run
	@$(PYTHON) scripts/run.py test

shell:		## boot to a prompt with the suite in place
	@scripts/doctor --install run
	@$(PYTHON) scripts/run.py shell

kunit:		## the in-kernel interface alone, by the kernel's own kunit.py (UML)
	@scripts/doctor --install run
	@$(PYTHON) scripts/kunit.py

compare:	## the same suite on ours and on the stock kernel of the tree, test by test
	@scripts/doctor --install run
	@$(PYTHON) scripts/compare.py

soak:		## boot the suite N times, and say which tests ever failed
	@scripts/doctor --install run
	@$(PYTHON) scripts/soak.py

coverage:	## count what of fs/eventfd.c the booted suite runs: every line and branch, but for those listed
	@scripts/doctor --install coverage
	@$(PYTHON) scripts/coverage.py

bench:		## count what eventfd costs, here and on stock, and check the bounds; T=REGEX chooses cases
	@scripts/doctor --install bench
	@$(PYTHON) scripts/bench.py run

bench-asm:	## the instructions of the hot paths, here and on stock, side by side
	@scripts/doctor --install bench
	@$(PYTHON) scripts/bench.py asm

bench-doc:	## put what make bench found last into the documentation
	@$(PYTHON) scripts/bench.py document

check:		## all tests of this project: static checks, suite here, booted suite, stock, harness
	@scripts/doctor --install check
	@$(PYTHON) scripts/check.py

check-host:	## what the running system's eventfd does, row by row, whatever that is
	@scripts/doctor --install host
	@$(PYTHON) scripts/check.py host

conformance-tarball: ## the same as one static program, to test another system with
	@scripts/doctor --install host
	@$(PYTHON) scripts/conformance.py tarball

check-static:	## the static checks alone: checkpatch, sparse, W=1, formats, pages
	@scripts/doctor --install check
	@$(PYTHON) scripts/check.py static docs

check-harness:	## the harness's own tests alone: they break what is checked and see it turn red
	@scripts/doctor --install check
	@$(PYTHON) scripts/check.py harness

litmus:		## check with herd7 what fs/eventfd.c says about memory ordering
	@$(PYTHON) scripts/litmus.py

model:		## check the model of fs/eventfd.c with Spin, exhaustively, and find its mutants (minutes)
	@scripts/doctor --install check
	@$(PYTHON) scripts/model.py

series:		## write the series as patches: build/series/KERNEL/0000-cover-letter.patch and so on
	@scripts/doctor --install series
	@$(PYTHON) scripts/series.py make

series-check:	## apply, build, boot and check the series patch by patch, for 6.12 and 7.3
	@scripts/doctor --install series
	@$(PYTHON) scripts/series_check.py

apply:		## apply the series to the git tree KDIR=PATH, on a new branch
	@scripts/doctor --install series
	@$(PYTHON) scripts/series.py apply

docs:		## build the pages with Sphinx, check the manual page, compile the examples
	@scripts/doctor --install check
	@$(PYTHON) scripts/docs.py

mutants:	## show that the tests bite: some two hundred wrong changes, each of which a test has to see
	@scripts/doctor --install run
	@$(PYTHON) scripts/mutants.py

stress:		## everything at once to a few eventfds for S seconds, in a debug kernel, and the books kept
	@scripts/doctor --install run
	@$(PYTHON) scripts/stress.py

matrix:		## all that needs a booted kernel, on every kernel and machine, with a table at the end (hours)
	@scripts/doctor --install check
	@$(PYTHON) scripts/matrix.py run

matrix-doc:	## put the table of make matrix into the documentation
	@$(PYTHON) scripts/matrix.py document

doctor:		## say what this machine lacks, and what disk and time the rest takes
	@scripts/doctor check

clean:		## remove all that was built (kernel sources too)
	rm -rf build
