# `make run` shows streamd at work, `make test` proves it; both install what is missing first. `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

SWIFT ?= swift
PREFIX ?= /usr/local
DESTDIR ?=
BINDIR = $(PREFIX)/bin
UNITDIR = $(PREFIX)/lib/systemd/user
DOCDIR = $(PREFIX)/share/doc/streamd
INCLUDEDIR = $(PREFIX)/include
PROFILEDIR = $(PREFIX)/share/streamd/profiles
RELEASE = .build/release
# The Swift runtime goes into the binaries, so they run on machines without the toolchain.
RELEASE_FLAGS = -c release --static-swift-stdlib
# Tests run the code as users get it, but for what lets them look inside.
TEST_FLAGS = -c release -Xswiftc -enable-testing --scratch-path .build/check
SOURCES = Package.swift Sources Tests $(wildcard Benchmarks Fuzzing)
# Test modules whose code is threads and memory, not servers: what the sanitizers are for.
TSAN_TESTS = AppRingsTests|AudioCoreTests|AudioIOTests|MixerTests|CaptureTests|ControlTests
# Of those the ones that spend hours of virtual time in one thread.
ONE_THREAD = ClockBridgeTests/(holds|aDay|aClock|aWriter)|BridgeControlTests|FillControllerTests|TimelineTests|BusPlayerTests/twoDrivers|ringsAndNodes|silenceOfHours|LiveEditTests|NodeFuzzTests|ResponseNodeTests|VoiceNodeTests
# Tests with a long form.
CAMPAIGNS = killedAtAnyMoment|ServerKillTests|DefaultSinkChangeTests|KilledLeaseTests|KilledRoutingTests|RecordingReplugTests|ReplugTests|StreamStormTests|EvenPacingTests|GraphChangeTests|RingTests|AppRingsTests|NodeFuzzTests|$(WIDE)
# Tests that go through more cases there.
WIDE = ContractTests|MicInletTests|MicSendTests|MicMuteTests|MicLatencyTests|RecorderTests|VirtualSinkTests|PlayerTests|ToneTests|LiveEditTests|QuickStartTests|TimelineTests|BusPlayerTests|DefaultSinkFadeTests|DefaultDeviceTests|GameStreamTests|ProcessorTests|RenderCommandTests
# The microphone's parsers are among the probes; the rest of it is the soak's.
ASAN_TESTS = AppRingsTests|WireTests|ProbeTests|ControlTests|SettingsTests|OpusCodecTests

# bash has a SECONDS of its own: here it is a make variable only, as in `make run SECONDS=10`.
unexport SECONDS
soak-seconds = $(if $(filter command line,$(origin SECONDS)),$(SECONDS))
duration = $(if $(filter command line,$(origin SECONDS)),--seconds $(SECONDS))
filter-words = $(if $(FILTER),--filter '$(FILTER)')

.PHONY: help
help: ## Lists the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1 \2/p' Makefile | while read -r name text; do \
	  printf 'make %-14s %s\n' "$$name" "$$text"; done

.PHONY: dependencies
dependencies: ## Installs the Debian packages the build needs
	@scripts/install-dependencies

.PHONY: release
release: dependencies ## Builds streamd and streamctl, optimised
	$(SWIFT) build $(RELEASE_FLAGS) --product streamd
	$(SWIFT) build $(RELEASE_FLAGS) --product streamctl

.PHONY: run
run: release ## Captures this desktop's sound and shows it arrive [SECONDS=n] [CHANNELS=2|6|8] [PRIVATE=1]
	@scripts/demo $(duration) $(if $(CHANNELS),--channels $(CHANNELS)) $(if $(PRIVATE),--private)

.PHONY: test
test: ## Runs every test [FILTER=regular expression]
	@scripts/install-dependencies --tests
	@scripts/run-tests $(TEST_FLAGS) $(filter-words)

.PHONY: lint
lint: ## Checks the format of every source
	$(SWIFT) format lint --strict --parallel --recursive $(SOURCES)

.PHONY: format
format: ## Formats every source
	$(SWIFT) format --in-place --parallel --recursive $(SOURCES)

.PHONY: check
check: lint release test ## Format, build and tests: what a change must pass

.PHONY: tsan
tsan: ## Runs the threaded modules' tests under the thread sanitizer [FILTER=…]
	@scripts/install-dependencies --tests
	@$(if $(FILTER),,STREAMD_TESTS='$(TSAN_TESTS)') scripts/run-tests --sanitize=thread --scratch-path .build/tsan --filter '$(or $(FILTER),$(TSAN_TESTS))' --skip '$(ONE_THREAD)'

.PHONY: asan
asan: ## Runs the parsing modules' tests under the address sanitizer [FILTER=…]
	@scripts/install-dependencies --tests
	@$(if $(FILTER),,STREAMD_TESTS='$(ASAN_TESTS)') scripts/run-tests --sanitize=address --scratch-path .build/asan --filter '$(or $(FILTER),$(ASAN_TESTS))'

.PHONY: fuzz
fuzz: dependencies ## Searches every parser of untrusted bytes for inputs that break it [SECONDS=n for each]
	@scripts/fuzz $(duration)

.PHONY: bench
bench: ## Measures throughput, the whole path and how late a client's voice is
	@scripts/install-dependencies --tests --bench
	$(SWIFT) run -c release --package-path Benchmarks
	$(SWIFT) run -c release --package-path Benchmarks bench --callbacks 20
	$(SWIFT) run -c release --package-path Benchmarks bench --recordings 10
	@STREAMD_SOAK=1 scripts/run-tests $(TEST_FLAGS) --filter MicLatencyTests | grep -E '^(measured|run-tests)'

.PHONY: soak
soak: release ## The long campaigns: ten minutes each of streaming, kills, even pacing, 300 players, fuzzing [SECONDS=n]
	@scripts/demo --private $(or $(duration),--seconds 600) $(if $(CHANNELS),--channels $(CHANNELS))
	@STREAMD_SOAK=1 scripts/run-tests $(TEST_FLAGS) --filter '$(CAMPAIGNS)'
	@STREAMS_SOAK=$(or $(soak-seconds),600) scripts/run-tests $(TEST_FLAGS) --filter greatCrowdForLong
	@$(MAKE) fuzz SECONDS=$(or $(soak-seconds),600)
	@$(MAKE) asan FILTER=VirtualMicTests

.PHONY: install
install: ## Installs binaries, user unit, profiles, the header for applications and documents [PREFIX=/usr/local] [DESTDIR=]
	@[ -x $(RELEASE)/streamd ] && [ -x $(RELEASE)/streamctl ] || $(MAKE) release
	install -D -m 0755 $(RELEASE)/streamd $(DESTDIR)$(BINDIR)/streamd
	install -D -m 0755 $(RELEASE)/streamctl $(DESTDIR)$(BINDIR)/streamctl
	install -D -m 0644 include/streamd_ring.h $(DESTDIR)$(INCLUDEDIR)/streamd_ring.h
	install -d $(DESTDIR)$(UNITDIR) $(DESTDIR)$(DOCDIR) $(DESTDIR)$(PROFILEDIR)
	install -m 0644 profiles/*.toml $(DESTDIR)$(PROFILEDIR)/
	sed -e 's|@BINDIR@|$(BINDIR)|; s|@DOCDIR@|$(DOCDIR)|' packaging/streamd.service \
	  > $(DESTDIR)$(UNITDIR)/streamd.service
	chmod 0644 $(DESTDIR)$(UNITDIR)/streamd.service
	for document in $(wildcard README.md docs/*.md); do install -m 0644 $$document $(DESTDIR)$(DOCDIR)/; done

.PHONY: clean
clean: ## Removes everything that was built
	rm -rf .build Benchmarks/.build Fuzzing/.build
