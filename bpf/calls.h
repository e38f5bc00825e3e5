/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * What calls.bpf.c and uring.bpf.c ask of each family of kinds, whose .bpf.c has it: a file of theirs
 * was used. Addresses are numbers, for global functions take nothing else before 5.12. Before 6.8 they
 * are verified even if nobody calls them, so each begins by asking whether its family is traced.
 */
#ifndef CALLS_H
#define CALLS_H
#include "families.h"
#include "syscall.h"

/* A task's call begins, whose files are in ongoing.h; it returned; or its return was skipped */
int pipe_entered(u64 task, u32 thread);
int pipe_returned(s64 result);
int pipe_left(void);

/* A socket, and the result of the call that the current thread is in; or of the request that has completed */
int unix_received(u64 socket, s64 result);
int unix_sent(u64 socket, s64 result);
int unix_completed(u64 socket);
int unix_copied(u64 socket, u32 length);

int loopback_received(u64 socket, s64 result);
int loopback_sent(u64 socket, s64 result);
int loopback_completed(u64 socket);
int loopback_copied(u64 socket, u32 length);
int loopback_listens(u64 socket);

/* A file: of either side of a terminal, of /dev/tty or of /dev/ptmx */
int pty_opened(u64 file);
int pty_closed(u64 file);
int pty_received(u64 file);
int pty_sent(u64 file, s64 result);
int pty_completed(u64 file);

/* What a family that has calls of its own is told of them */
#define TOLD_FILES(name)
#define TOLD_HOOKS(name)
#define TOLD_CALLS(name)                                                                           \
	int name##_entered(u32 call);                                                              \
	int name##_returned(u32 call, s64 result);
#define TOLD(name, NAME, way, kinds) TOLD_##way(name)
FAMILIES(TOLD)
#undef TOLD

#endif
