// SPDX-License-Identifier: GPL-2.0
/*
 * Runs a program as a system would that lacks something, as far as the program can see:
 *
 *	lacking RULE... -- PROGRAM ARGUMENT...
 *
 *	call:NUMBER:ERRNO[:ARGUMENT:BITS]
 *				a system call fails: each, or those in which an argument (0 is the first) has
 *				one of these bits, or is 0 where BITS is 0
 *	lost			write(2) of 8 bytes says that it wrote them, and did not: who waits hangs
 *	aio:OPCODE		io_submit(2) fails with EINVAL for a request with this opcode
 *	nowait			preadv2(2) takes RWF_NOWAIT and does not heed it
 *	swapped			preadv2(2) with RWF_NOWAIT reads nothing, and says that it read 1 << 56
 *	file:PATTERN		no path that matches, as a shell has it, can be opened, looked at or executed
 *	line:PATTERN:KEY	a file whose path matches has no line that starts so
 *	word:PATTERN:NUMBER	the first word of such a file is another number
 *	storage			a thread that has handled a signal has the storage of the thread made last
 *
 * The program is traced, and stops only in calls that a rule is about. x86_64 has what this needs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <linux/aio_abi.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_RULES 16
#define MOST_FILES 256

struct rule {
	const char *kind, *pattern, *rest;
};

static struct rule rules[MOST_RULES];
static int rule_count;

static int has_rule(const char *kind)
{
	for (int i = 0; i < rule_count; i++)
		if (!strcmp(rules[i].kind, kind))
			return 1;
	return 0;
}

static void fail(const char *what)
{
	perror(what);
	exit(99);
}

static struct sock_filter filter[5 * MOST_RULES + 16];
static unsigned short filter_length;

static void add(struct sock_filter statement)
{
	filter[filter_length++] = statement;
}

static void answer_call(unsigned int number, unsigned int answer)
{
	add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
	add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, answer));
}

/* The same where an argument, of which the lower half counts, is as the rule says. */
static void answer_call_with(unsigned int number, unsigned int answer, const char *rest)
{
	unsigned int argument, bits;

	if (sscanf(rest, "%*u:%u:%i", &argument, &bits) != 2) {
		answer_call(number, answer);
		return;
	}
	add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 4));
	add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					 offsetof(struct seccomp_data, args) + 8 * argument));
	if (bits)
		add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1));
	else
		add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1));
	add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, answer));
	add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
}

static void make_filter(void)
{
	add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)));
	/* What is no call of this machine's own is let be. */
	add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0));
	add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
	for (int i = 0; i < rule_count; i++) {
		if (!strcmp(rules[i].kind, "call"))
			answer_call_with(atoi(rules[i].pattern), SECCOMP_RET_ERRNO | atoi(rules[i].rest),
					 rules[i].rest);
		else if (!strcmp(rules[i].kind, "nowait") || !strcmp(rules[i].kind, "swapped"))
			answer_call(SYS_preadv2, SECCOMP_RET_TRACE);
		else if (!strcmp(rules[i].kind, "lost"))
			answer_call(SYS_write, SECCOMP_RET_TRACE);
		else if (!strcmp(rules[i].kind, "aio"))
			answer_call(SYS_io_submit, SECCOMP_RET_TRACE);
		else if (!strcmp(rules[i].kind, "storage"))
			answer_call(SYS_rt_sigreturn, SECCOMP_RET_TRACE);
	}
	answer_call(SYS_openat, SECCOMP_RET_TRACE);
	answer_call(SYS_access, SECCOMP_RET_TRACE);
	answer_call(SYS_execve, SECCOMP_RET_TRACE);
	answer_call(SYS_newfstatat, SECCOMP_RET_TRACE);
	add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
}

/* The program's string at an address; empty where there is none. */
static void get_string(pid_t pid, unsigned long address, char *text, size_t size)
{
	size_t got = 0;

	while (got < size - 1) {
		/* Never beyond a page, behind which there may be nothing. */
		size_t part = 4096 - (address + got) % 4096;
		struct iovec mine = {text + got, 0};
		struct iovec theirs = {(void *)(address + got), 0};

		mine.iov_len = part < size - 1 - got ? part : size - 1 - got;
		theirs.iov_len = mine.iov_len;
		ssize_t length = process_vm_readv(pid, &mine, 1, &theirs, 1, 0);

		if (length <= 0 || memchr(text + got, 0, length))
			break;
		got += length;
	}
	text[size - 1] = 0;
}

/* The file's text as the rules of this path have it, in a file of ours that the program can open. */
static int changed_file(pid_t pid, const char *path, char *name, size_t size)
{
	static FILE *last[MOST_FILES];
	static char text[1 << 16];
	static int turn;
	char place[256];
	int touched = 0, ours;
	FILE *file, *changed;

	if (!strncmp(path, "/proc/self/", 11))
		snprintf(place, sizeof(place), "/proc/%d/%s", pid, path + 11);
	else
		snprintf(place, sizeof(place), "%s", path);
	for (int i = 0; i < rule_count; i++)
		touched |= !strcmp(rules[i].kind, "line") && !fnmatch(rules[i].pattern, path, 0);
	for (int i = 0; i < rule_count; i++)
		touched |= !strcmp(rules[i].kind, "word") && !fnmatch(rules[i].pattern, path, 0);
	if (!touched)
		return 0;
	file = fopen(place, "r");
	if (!file)
		return 0;
	ours = memfd_create("changed", 0);
	changed = ours < 0 ? NULL : fdopen(ours, "w");
	if (!changed)
		fail("memfd_create");
	while (fgets(text, sizeof(text), file)) {
		int drop = 0;
		const char *from = text;

		for (int i = 0; i < rule_count; i++) {
			if (!rules[i].pattern || fnmatch(rules[i].pattern, path, 0))
				continue;
			if (!strcmp(rules[i].kind, "line"))
				drop |= !strncmp(text, rules[i].rest, strlen(rules[i].rest));
			if (!strcmp(rules[i].kind, "word") && text[0] >= '0' && text[0] <= '9') {
				from = strchr(text, ' ') ? strchr(text, ' ') : "\n";
				fputs(rules[i].rest, changed);
			}
		}
		if (!drop)
			fputs(from, changed);
	}
	fclose(file);
	fflush(changed);
	/* The program opens it next, and so the one of many turns ago is not needed any more. */
	if (last[turn])
		fclose(last[turn]);
	last[turn] = changed;
	turn = (turn + 1) % MOST_FILES;
	snprintf(name, size, "/proc/%d/fd/%d", getpid(), ours);
	return 1;
}

static void change_path(pid_t pid, struct user_regs_struct *regs, unsigned long long *argument)
{
	char path[256] = "", name[64] = "/there/is/none";
	int gone = 0;

	get_string(pid, *argument, path, sizeof(path));
	for (int i = 0; i < rule_count; i++)
		gone |= !strcmp(rules[i].kind, "file") && !fnmatch(rules[i].pattern, path, 0);
	if (!gone && !changed_file(pid, path, name, sizeof(name)))
		return;
	/* Below what the program has on its stack, and out of reach of signal handlers. */
	unsigned long address = (regs->rsp - 4096) & ~7ul;
	struct iovec mine = {name, sizeof(name)};
	struct iovec theirs = {(void *)address, sizeof(name)};

	if (process_vm_writev(pid, &mine, 1, &theirs, 1, 0) != sizeof(name))
		return;
	*argument = address;
	if (ptrace(PTRACE_SETREGS, pid, 0, regs))
		fail("PTRACE_SETREGS");
}

/* One request at a time is all that is submitted to it. */
static void refuse_request(pid_t pid, struct user_regs_struct *regs)
{
	struct iocb request = {0};
	unsigned long first = 0;
	struct iovec mine[] = {{&first, sizeof(first)}, {&request, sizeof(request)}};
	struct iovec theirs[] = {{(void *)regs->rdx, sizeof(first)}, {NULL, sizeof(request)}};

	if (process_vm_readv(pid, &mine[0], 1, &theirs[0], 1, 0) != sizeof(first))
		return;
	theirs[1].iov_base = (void *)first;
	if (process_vm_readv(pid, &mine[1], 1, &theirs[1], 1, 0) != sizeof(request))
		return;
	for (int i = 0; i < rule_count; i++) {
		if (strcmp(rules[i].kind, "aio") || request.aio_lio_opcode != atoi(rules[i].pattern))
			continue;
		/* No call is made, and this is what it returns. */
		regs->orig_rax = -1;
		regs->rax = -EINVAL;
		ptrace(PTRACE_SETREGS, pid, 0, regs);
		return;
	}
}

/* As many bytes as a count has, into the first of the buffers. */
static void give_another_count(pid_t pid, struct user_regs_struct *regs)
{
	unsigned long long count = 1ULL << 56;
	struct iovec first = {0};
	struct iovec mine[] = {{&first, sizeof(first)}, {&count, sizeof(count)}};
	struct iovec theirs[] = {{(void *)regs->rsi, sizeof(first)}, {NULL, sizeof(count)}};

	if (process_vm_readv(pid, &mine[0], 1, &theirs[0], 1, 0) != sizeof(first))
		return;
	theirs[1].iov_base = first.iov_base;
	if (process_vm_writev(pid, &mine[1], 1, &theirs[1], 1, 0) != sizeof(count))
		return;
	regs->orig_rax = -1;
	regs->rax = sizeof(count);
	ptrace(PTRACE_SETREGS, pid, 0, regs);
}

/* Where the thread that was made last has what is its own; who forks takes a copy along. */
static unsigned long long last_storage;

static void note_storage(pid_t pid)
{
	struct user_regs_struct regs;

	if (!ptrace(PTRACE_GETREGS, pid, 0, &regs) && regs.fs_base)
		last_storage = regs.fs_base;
}

static void change_call(pid_t pid)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, pid, 0, &regs))
		return;
	if (regs.orig_rax == SYS_preadv2 && has_rule("swapped")) {
		if (regs.r9 & RWF_NOWAIT)
			give_another_count(pid, &regs);
	} else if (regs.orig_rax == SYS_preadv2) {
		regs.r9 &= ~(unsigned long long)RWF_NOWAIT;
		ptrace(PTRACE_SETREGS, pid, 0, &regs);
	} else if (regs.orig_rax == SYS_write) {
		if (regs.rdx != 8)
			return;
		regs.orig_rax = -1;
		regs.rax = 8;
		ptrace(PTRACE_SETREGS, pid, 0, &regs);
	} else if (regs.orig_rax == SYS_rt_sigreturn) {
		regs.fs_base = last_storage;
		ptrace(PTRACE_SETREGS, pid, 0, &regs);
	} else if (regs.orig_rax == SYS_io_submit) {
		refuse_request(pid, &regs);
	} else if (regs.orig_rax == SYS_access || regs.orig_rax == SYS_execve) {
		change_path(pid, &regs, &regs.rdi);
	} else {
		change_path(pid, &regs, &regs.rsi);
	}
}

static void parse(char *word)
{
	struct rule *rule = &rules[rule_count++];
	char *colon = strchr(word, ':');

	rule->kind = word;
	rule->pattern = "";
	rule->rest = "";
	if (!colon)
		return;
	*colon = 0;
	rule->pattern = colon + 1;
	colon = strchr(colon + 1, ':');
	if (!colon)
		return;
	*colon = 0;
	rule->rest = colon + 1;
}

int main(int argc, char **argv)
{
	struct sock_fprog program = {0, filter};
	int at = 1, status, result = 99;
	pid_t child, pid;

	while (at < argc && strcmp(argv[at], "--")) {
		if (rule_count == MOST_RULES)
			return 99;
		parse(argv[at++]);
	}
	if (++at >= argc)
		return 99;
	make_filter();
	program.len = filter_length;
	child = fork();
	if (child < 0)
		fail("fork");
	if (!child) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || ptrace(PTRACE_TRACEME, 0, 0, 0))
			fail("ptrace");
		raise(SIGSTOP);
		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
			fail("seccomp");
		execv(argv[at], argv + at);
		fail(argv[at]);
	}
	if (waitpid(child, &status, 0) != child)
		fail("waitpid");
	if (ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_EXITKILL | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK |
		   PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC))
		fail("PTRACE_SETOPTIONS");
	ptrace(PTRACE_CONT, child, 0, 0);
	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		int signal = 0;

		if (WIFEXITED(status) || WIFSIGNALED(status)) {
			if (pid == child)
				result = WIFEXITED(status) ? WEXITSTATUS(status) : 98;
			continue;
		}
		if (status >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8))
			change_call(pid);
		else if (WSTOPSIG(status) == SIGSTOP && pid != child)
			note_storage(pid);
		else if (!(status >> 16) && WSTOPSIG(status) != SIGTRAP && WSTOPSIG(status) != SIGSTOP)
			signal = WSTOPSIG(status);
		ptrace(PTRACE_CONT, pid, 0, signal);
	}
	return result;
}
