/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What a process was given by whoever called it, as far as Bun changes it for itself: cmd shall have it as it was. */
#ifndef CALLER_H
#define CALLER_H
#include "call.h"

#define SIGNALS 64
#define SIG_DFL 0
#define SIG_IGN 1
#define SIG_SETMASK 2
#define SIGCHLD 17
#define RLIMIT_NOFILE 7
#define F_GETFD 1
#define EBADF 9

/* ffi/caller.ts knows it as well */
struct caller {
	unsigned long ignored, blocked; /* signals, the lowest bit is the first one */
	unsigned long files, most_files; /* RLIMIT_NOFILE */
};

/* Which of the lowest descriptors there were, a bit for each. Bun opens those of the first three that were missing, and has
 * none of the others inherited. ffi/caller.ts knows it as well */
#define DESCRIPTORS_KNOWN 4096
#define WORD_BITS 64
struct descriptors {
	unsigned long open[DESCRIPTORS_KNOWN / WORD_BITS];
};

/* As the kernel has it, in the longest way there is; only the first word is looked at */
struct action {
	unsigned long handler, rest[3];
};

static inline unsigned long bit(int signal)
{
	return 1ul << (signal - 1);
}

static inline void learn(struct caller *caller)
{
	for (int signal = 1; signal <= SIGNALS; signal++) {
		struct action action = {0};

		call5(RT_SIGACTION, signal, 0, (long)&action, sizeof(long), 0);
		if (action.handler == SIG_IGN)
			caller->ignored |= bit(signal);
	}
	call5(RT_SIGPROCMASK, SIG_SETMASK, 0, (long)&caller->blocked, sizeof(long), 0);
	call5(PRLIMIT64, 0, RLIMIT_NOFILE, 0, (long)&caller->files, 0);
}

static inline void look(struct descriptors *descriptors)
{
	for (int fd = 0; fd < DESCRIPTORS_KNOWN; fd++)
		if (call(FCNTL, fd, F_GETFD, 0) != -EBADF)
			descriptors->open[fd / WORD_BITS] |= 1ul << fd % WORD_BITS;
}

/* Gives this process what the caller gave; a signal that is not ignored is handled by default */
static inline void become_like(const struct caller *caller)
{
	for (int signal = 1; signal <= SIGNALS; signal++) {
		struct action action = {caller->ignored & bit(signal) ? SIG_IGN : SIG_DFL, {0}};

		call5(RT_SIGACTION, signal, (long)&action, 0, sizeof(long), 0);
	}
	call5(PRLIMIT64, 0, RLIMIT_NOFILE, (long)&caller->files, 0, 0);
	call5(RT_SIGPROCMASK, SIG_SETMASK, (long)&caller->blocked, 0, sizeof(long), 0);
}

#endif
