// SPDX-License-Identifier: GPL-2.0
/*
 * No name of a machine is looked up by a test: libc's own resolver would load libraries, which
 * a static program in an initramfs has not.
 */
#include <netdb.h>

int getaddrinfo(const char*, const char*, const addrinfo*, addrinfo**) { return EAI_FAIL; }

void freeaddrinfo(addrinfo*) {}
