/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * What becomes `-- cmd`. It has the pid that is traced before tracing is on, waits until it is told what the caller of
 * ipcdump gave, and then executes cmd with just that; when the pipe ends without it, tracing never started and it leaves
 * quietly.
 *
 *   argv: name, descriptor to read struct caller from, descriptor for the errno of a failed execve,
 *         path of cmd, argv[0] of cmd, arguments of cmd...
 *
 * It also is the two ends of doctor's traffic, which write to a descriptor, read from one or send a signal:
 *
 *   argv: name, "w" descriptor | "r" descriptor | "k" pid signal | "c" number and arguments of a system call,
 *         of which @ is a buffer
 *
 * Freestanding: it starts in no time and does nothing else that could be traced. dist/ipcdump-static has it inside
 * a second time, and dist/ipcdump: see begin.h.
 */
#include "caller.h"

#define ENOEXEC 8
#define EINTR 4
#define F_SETFD 2
#define FD_CLOEXEC 1
#define WRONG_USAGE 2
#define CANNOT_RUN 126

#ifndef CHILD_IS_PART
#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall start\n");
#else
__asm__(".globl _start\n_start:\n\tmov x0, sp\n\tbl start\n");
#endif
#endif

static long number(const char *digits)
{
	long value = 0;

	while (*digits)
		value = value * 10 + *digits++ - '0';
	return value;
}

/* A call with up to five arguments; static for its buffer is no part of the stack */
static long any_call(char **words, long which, char *buffer)
{
	long values[5] = {0};

	for (int i = 0; i < 5 && words[i]; i++)
		values[i] = *words[i] == '@' ? (long)buffer : number(words[i]);
	return call5(which, values[0], values[1], values[2], values[3], values[4]);
}

__attribute__((noreturn)) static void make_traffic(char **arguments)
{
	static char buffer[8192] = "ipcdump doctor";
	char bytes[] = "ipcdump doctor";
	long target = number(arguments[2]);
	long result;

	if (*arguments[1] == 'w')
		result = call(WRITE, target, (long)bytes, sizeof(bytes) - 1);
	else if (*arguments[1] == 'r')
		result = call(READ, target, (long)bytes, sizeof(bytes));
	else if (*arguments[1] == 'c')
		result = any_call(arguments + 3, target, buffer);
	else
		result = call(KILL, target, number(arguments[3]), 0);
	leave(result < 0);
}

/* Whether all words are there that are looked at */
static int is_complete(long count, char **arguments)
{
	if (count < 3)
		return 0;
	if (*arguments[1] > '9')
		return count >= (*arguments[1] == 'k' ? 4 : 3);
	return count >= 5;
}

__attribute__((noreturn, used)) void start(long *stack)
{
	long count = stack[0];
	char **arguments = (char **)(stack + 1);
	char **environment = arguments + count + 1;

	if (!is_complete(count, arguments)) {
		static const char words[] = "ipcdump-child: only ipcdump itself starts this\n";

		call(WRITE, 2, (long)words, sizeof(words) - 1);
		leave(WRONG_USAGE);
	}
	if (*arguments[1] > '9')
		make_traffic(arguments);

	long release = number(arguments[1]);
	long failure = number(arguments[2]);
	struct caller caller;
	long result;

	call(FCNTL, release, F_SETFD, FD_CLOEXEC);
	call(FCNTL, failure, F_SETFD, FD_CLOEXEC);
	do
		result = call(READ, release, (long)&caller, sizeof(caller));
	while (result == -EINTR);
	if (result != sizeof(caller))
		leave(0);
	become_like(&caller);
	result = call(EXECVE, (long)arguments[3], (long)(arguments + 4), (long)environment);
	if (result == -ENOEXEC) {
		/* a script without its #! line, which every shell runs like this */
		arguments[4] = arguments[3];
		arguments[3] = "/bin/sh";
		result = call(EXECVE, (long)arguments[3], (long)(arguments + 3), (long)environment);
	}
	int error = -result;
	call(WRITE, failure, (long)&error, sizeof(error));
	leave(CANNOT_RUN);
}
