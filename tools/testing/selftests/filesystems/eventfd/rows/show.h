/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#define SHOW(call, expected) do { \
	long long saw; \
	printf("%s: expected %s, ", #call, #expected); \
	saw = (call); \
	if (saw == -1) \
		saw = -errno; \
	printf("saw %lld%s%s\n", saw, saw < 0 ? " " : "", saw < 0 ? strerror(-saw) : ""); \
	differs |= saw != (expected); \
} while (0)

static int differs;
