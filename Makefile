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

# $(call LISTED,WHAT FOR,TARGETS,COLUMNS): these with their lines of help, names in so many columns
LISTED = echo '$(1):'; awk -F '[ \t]+$(hash)$(hash) ' -v wanted=' $(2) ' '/^[a-z-]+:.*$(hash)$(hash)/ { split($$1, t, ":"); \
	 if (wanted == "  " || index(wanted, " " t[1] " ")) printf "  make %-$(3)s %s\n", t[1], $$2 }' Makefile

# On a screen of 24 lines of 80 columns, with the call and a prompt.
help:		## the targets that one wants most often
	@$(call LISTED,to try it,run try shell test,12)
	@$(call LISTED,to test it,check check-unit check-host compare kunit,12)
	@$(call LISTED,to prove it,mutants coverage litmus model bench programs,12)
	@$(call LISTED,to send it,series series-check apply,12)
	@echo '"make help-all" lists all, and what a call may set: KERNEL=7.3, ARCH=arm64 ...'

help-all:	## all targets and options
	@$(call LISTED,targets,,20)
	@echo 'options:'
	@awk -F '"' '$(OPTION) { printf "  %-18s%s\n", $$2 "=" $$4, $$6 }' scripts/core/options.py

run:		## the main job: our kernel built, booted to the suite, judged
	@$(call JOB,run)

test:		## the same for the tests whose names match T=PATTERN
	@$(call JOB,run)

shell:		## boot to a prompt with the suite and the samples in place
	@$(call JOB,run)

try:		## your program in the booted kernel: PROG='./mine --flag'
	@$(call JOB,run)

kunit:		## the in-kernel interface alone, by kunit.py (UML)
	@$(call JOB,kunit)

compare:	## the suite on ours and on the stock kernel, test by test
	@$(call JOB,run)

soak:		## boot the suite N times, and say which tests ever failed
	@$(call JOB,run)

coverage:	## the lines and branches of fs/eventfd.c that the suite runs
	@$(call JOB,coverage)

bench:		## what eventfd costs, counted beside stock; T=REGEX for cases
	@$(call JOB,bench)

bench-asm:	## the instructions of the hot paths, here and on stock, side by side
	@$(call JOB,bench-asm)

bench-doc:	## put what make bench found last into the documentation
	@python3 scripts/eventfd $@

programs:	## what real programs gain by EFD_AUTORESET; T=NAME,NAME
	@$(call JOB,programs)

programs-doc:	## put what make programs found last into the documentation
	@python3 scripts/eventfd $@

check:		## all tests of this project: static checks, suite, harness
	@$(call JOB,check)

check-host:	## what the running system's eventfd does, row by row
	@$(call JOB,host)

check-others:	## the rows on gVisor and QEMU's user mode, beside what is known of these
	@$(call JOB,others)

others-doc:	## write the page of what other systems do otherwise
	@python3 scripts/eventfd $@

conformance-tarball: ## the same as one static program, to test another system with
	@$(call JOB,host)

conformance-tarballs: ## that program for every machine: x86_64, i386, arm64 and s390x
	@$(call JOB,tarballs)

check-static:	## the static checks alone: checkpatch, sparse, W=1, formats, types, pages
	@$(call JOB,static)

check-unit:	## the harness's tests that need no kernel (seconds)
	@$(call JOB,unit)

check-harness:	## the other tests of the harness: they break things and see it turn red
	@$(call JOB,harness)

litmus:		## herd7 on what fs/eventfd.c says about memory ordering
	@$(call JOB,litmus)

model:		## Spin on the model of fs/eventfd.c and its mutants (minutes)
	@$(call JOB,model)

series:		## write the series as patches, in build/series/KERNEL
	@$(call JOB,series)

series-check:	## apply, build, boot and check the series, patch by patch
	@$(call JOB,series-check)

apply:		## apply the series, or its PART, to the git tree KDIR=PATH
	@$(call JOB,apply)

docs:		## build the pages with Sphinx, check the manual page, compile the examples
	@$(call JOB,docs)

mutants:	## show that the tests see some two hundred wrong changes
	@$(call JOB,run)

stress:		## everything at once to a few eventfds for S seconds, in a debug kernel
	@$(call JOB,run)

matrix:		## all that boots, on every kernel and machine, with a table (hours)
	@$(call JOB,check)

matrix-doc:	## put the table of make matrix into the documentation
	@python3 scripts/eventfd $@

dist:		## one archive: the series, the suite, a kernel with ./try, the pages
	@$(call JOB,dist)

distro:		## a Debian with systemd on our kernel: whether all of it comes up
	@$(call JOB,distro)

distro-shell:	## the same system, at a prompt
	@$(call JOB,distro)

check-releases:	## make run, static checks, pages, model, litmus on Debian 12, 13, testing
	@$(call JOB,releases)

check-releases-whole: ## make run and make check there, each from a bare debootstrap (hours)
	@$(call JOB,releases)

releases-doc:	## put the table of make check-releases into the documentation
	@python3 scripts/eventfd $@

doctor:		## say what this machine lacks, and what disk and time the rest takes
	@scripts/doctor check

clean:		## remove all that was built (kernel sources too)
	rm -rf build
