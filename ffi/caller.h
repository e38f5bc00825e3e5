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
#define AT_FDCWD (-100)
#define PROT_READ 1
#define PROT_WRITE 2
#define MAP_PRIVATE 2
#define MAP_ANONYMOUS 0x20
/* descriptors, where the limit is no bound */
#define MOST_TRIED (1ul << 20)

/* ffi/caller.ts knows it as well */
struct caller {
	unsigned long ignored, blocked; /* signals, the lowest bit is the first one */
	unsigned long files, most_files; /* RLIMIT_NOFILE */
};

/*
 * Which descriptors there were. Bun opens those of the first three that were missing, and has none of the others
 * inherited. ffi/caller.ts knows it as well
 */
#define WORD_BITS 64
struct descriptors {
	unsigned long *open; /* a bit for each */
	unsigned long words;
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

/* As the kernel lists a folder */
struct entry {
	unsigned long inode, next;
	unsigned short size;
	unsigned char type;
	char name[];
};

/* More than the highest descriptor: as /proc has them, else as the limit has it */
static inline unsigned long descriptors_end(unsigned long limit)
{
	static char list[8192] __attribute__((aligned(8)));
	long folder = call5(OPENAT, AT_FDCWD, (long)"/proc/self/fd", 0, 0, 0);
	unsigned long end = 0;
	long length;

	if (folder < 0)
		return limit < MOST_TRIED ? limit : MOST_TRIED;
	while ((length = call(GETDENTS64, folder, (long)list, sizeof(list))) > 0) {
		for (long at = 0; at < length; at += ((struct entry *)(list + at))->size) {
			unsigned long fd = 0;

			for (const char *digit = ((struct entry *)(list + at))->name; *digit > '/'; digit++)
				fd = fd * 10 + *digit - '0';
			if (fd >= end)
				end = fd + 1;
		}
	}
	call(CLOSE, folder, 0, 0);
	return end;
}

static inline void look(struct descriptors *descriptors, unsigned long limit)
{
	static unsigned long few[16];
	unsigned long end = descriptors_end(limit);
	unsigned long words = end / WORD_BITS + 1;

	descriptors->open = few;
	descriptors->words = sizeof(few) / sizeof(*few);
	if (words > descriptors->words) {
		long made = call6(MMAP, 0, words * sizeof(*few), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (made > 0) {
			descriptors->open = (unsigned long *)made;
			descriptors->words = words;
		}
	}
	if (end > descriptors->words * WORD_BITS)
		end = descriptors->words * WORD_BITS;
	for (unsigned long fd = 0; fd < end; fd++)
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
