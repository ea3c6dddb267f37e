# SPDX-License-Identifier: GPL-2.0
#
# eventfd, rebuilt: see README. "make help" lists what this can do.

hash := \#
# What a call may set, by the harness's own list; anything else is a slip of the pen.
OPTION := /^    Option\("/
OPTIONS := $(shell awk -F '"' '$(OPTION) { print $$2 }' scripts/core/options.py)
# A blank in a value is written with a backslash before it.
blank := \$() $()
unknown := $(filter-out $(OPTIONS),$(foreach o,$(subst $(blank),_,$(MAKEOVERRIDES)),$(firstword $(subst =, ,$(o)))))
ifneq ($(unknown),)
$(error unknown option $(firstword $(unknown))=: use $(OPTIONS); "make help-all" says what for)
endif
export $(OPTIONS)

# All that a target does; what it needs is there then.
JOB = scripts/doctor --install $(1) && python3 scripts/eventfd $@

# Every target with a line of help.
.PHONY: $(shell awk -F: '/^[a-z-]+:.*$(hash)$(hash)/ { print $$1 }' Makefile)
.NOTPARALLEL:

# $(call LISTED,WHAT FOR,TARGETS): these with their lines of help
LISTED = echo '$(1):'; awk -F '[ \t]+$(hash)$(hash) ' -v wanted=' $(2) ' '/^[a-z-]+:.*$(hash)$(hash)/ { split($$1, t, ":"); \
	 if (wanted == "  " || index(wanted, " " t[1] " ")) printf "  make %-20s %s\n", t[1], $$2 }' Makefile

help:		## the targets that one wants most often
	@$(call LISTED,to try it,run try shell test)
	@$(call LISTED,to test it,check check-unit check-host compare kunit)
	@$(call LISTED,to prove it,mutants coverage litmus model bench programs stress)
	@$(call LISTED,to send it,series series-check apply docs)
	@echo '"make help-all" lists all of them, and what a call may set: KERNEL=7.3, KDIR=~/linux, ARCH=arm64 and so on.'

help-all:	## all targets and options
	@$(call LISTED,targets,)
	@echo 'options:'
	@awk -F '"' '$(OPTION) { printf "  %-18s%s\n", $$2 "=" $$4, $$6 }' scripts/core/options.py

run:		## the main job: build a kernel with our eventfd, boot it, run the suite, judge it
	@$(call JOB,run)

test:		## the same for the tests whose names match T=PATTERN
	@$(call JOB,run)

shell:		## boot to a prompt with the suite and the samples in place
	@$(call JOB,run)

try:		## a program of yours in the booted kernel: PROG='./mine --flag'
	@$(call JOB,run)

kunit:		## the in-kernel interface alone, by the kernel's own kunit.py (UML)
	@$(call JOB,run)

compare:	## the same suite on ours and on the stock kernel of the tree, test by test
	@$(call JOB,run)

soak:		## boot the suite N times, and say which tests ever failed
	@$(call JOB,run)

coverage:	## count what of fs/eventfd.c the booted suite runs: every line and branch, but for those listed
	@$(call JOB,coverage)

bench:		## count what eventfd costs, here and on stock, and check the bounds; T=REGEX chooses cases
	@$(call JOB,bench)

bench-asm:	## the instructions of the hot paths, here and on stock, side by side
	@$(call JOB,bench)

bench-doc:	## put what make bench found last into the documentation
	@python3 scripts/eventfd $@

programs:	## what real programs gain by EFD_AUTORESET, counted, with their own tests; T=NAME,NAME
	@$(call JOB,programs)

programs-doc:	## put what make programs found last into the documentation
	@python3 scripts/eventfd $@

check:		## all tests of this project: static checks, suite here, booted suite, stock, harness
	@$(call JOB,check)

check-host:	## what the running system's eventfd does, row by row, whatever that is
	@$(call JOB,host)

check-others:	## the rows on QEMU's user mode and on gVisor, beside what is known to differ there
	@$(call JOB,others)

others-doc:	## write the page of what other systems do otherwise
	@python3 scripts/eventfd $@

conformance-tarball: ## the same as one static program, to test another system with
	@$(call JOB,host)

conformance-tarballs: ## that program for every machine: x86_64, i386, arm64 and s390x
	@$(call JOB,tarballs)

check-static:	## the static checks alone: checkpatch, sparse, W=1, formats, types, pages
	@$(call JOB,check)

check-unit:	## the harness's tests that need no kernel (seconds)
	@$(call JOB,unit)

check-harness:	## the rest of the harness's tests: they break what is checked and see it turn red
	@$(call JOB,check)

litmus:		## check with herd7 what fs/eventfd.c says about memory ordering
	@$(call JOB,litmus)

model:		## check the model of fs/eventfd.c with Spin, exhaustively, and find its mutants (minutes)
	@$(call JOB,model)

series:		## write the series as patches: build/series/KERNEL/0000-cover-letter.patch and so on
	@$(call JOB,series)

series-check:	## apply, build, boot and check the series patch by patch, for 6.12 and 7.3
	@$(call JOB,series-check)

apply:		## apply the series, or its PART, to the git tree KDIR=PATH, on a new branch
	@$(call JOB,apply)

docs:		## build the pages with Sphinx, check the manual page, compile the examples
	@$(call JOB,docs)

mutants:	## show that the tests bite: some two hundred wrong changes, each of which a test has to see
	@$(call JOB,run)

stress:		## everything at once to a few eventfds for S seconds, in a debug kernel, and the books kept
	@$(call JOB,run)

matrix:		## all that needs a booted kernel, on every kernel and machine, with a table at the end (hours)
	@$(call JOB,check)

matrix-doc:	## put the table of make matrix into the documentation
	@python3 scripts/eventfd $@

dist:		## one archive: the series, the suite, a kernel with ./try, the pages
	@$(call JOB,dist)

distro:		## a Debian with systemd on our kernel: whether all of it comes up
	@$(call JOB,distro)

distro-shell:	## the same system, at a prompt
	@$(call JOB,distro)

check-releases:	## the two commands on Debian 12, 13 and testing, each from a bare debootstrap
	@$(call JOB,releases)

releases-doc:	## put the table of make check-releases into the documentation
	@python3 scripts/eventfd $@

doctor:		## say what this machine lacks, and what disk and time the rest takes
	@scripts/doctor check

clean:		## remove all that was built (kernel sources too)
	rm -rf build
