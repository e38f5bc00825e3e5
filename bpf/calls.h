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

/*
 * All are declared for every family; those of its way have to be there, and nothing else is asked of it
 *   PIPES: a task's call begins, whose files are in ongoing.h; it returned; or its return was skipped
 *   SOCKETS, FILES: an object, which is a socket or a file, and the result of the call that the current thread is in;
 *     or it is that of a request which has completed
 *   SOCKETS: how much of a buffer is copied out of a socket
 *   FILES: a file was opened, or is closed; or a task's call begins, which gives something to one
 *   CALLS: one of its calls begins, or has returned
 */
#define ASKED(name, NAME, way, kinds)                                                              \
	int name##_begun(u64 task, u32 thread);                                                    \
	int name##_ended(s64 result);                                                              \
	int name##_left(void);                                                                     \
	int name##_received(u64 object, s64 result);                                               \
	int name##_sent(u64 object, s64 result);                                                   \
	int name##_completed(u64 object);                                                          \
	int name##_copied(u64 socket, u64 buffer, u32 length);                                     \
	int name##_opened(u64 file, s32 fd);                                                       \
	int name##_closed(u64 file);                                                               \
	int name##_entered(u64 task, u64 regs, u32 call);                                          \
	int name##_returned(u32 call, s64 result);
FAMILIES(ASKED)
#undef ASKED

/* A socket becomes one that others connect to */
int loopback_listens(u64 socket);

/* Something is about to be sent by a socket, or received from it, that nobody tells of */
int unix_uncounted(u64 socket, u32 is_sent);
int loopback_uncounted(u64 socket);

static __always_inline void note_uncounted(u32 family, u64 socket, bool is_sent)
{
	if (family == FAMILY_UNIX)
		unix_uncounted(socket, is_sent);
	/* TCP itself counts what is received */
	else if (family == FAMILY_LOOPBACK && is_sent)
		loopback_uncounted(socket);
}

/*
 * What is asked of the family of an object, as the cases of a switch: of families of one way, or, for what moves bytes,
 * of sockets and of files
 */
#define ASK(NAME, way, wanted, question)                                                           \
	case FAMILY_##NAME:                                                                        \
		return WAY_##way == WAY_##wanted ? question : 0;
#define ASK_OF_OBJECT(NAME, way, of_socket, of_file)                                               \
	case FAMILY_##NAME:                                                                        \
		return WAY_##way == WAY_SOCKETS ? of_socket : WAY_##way == WAY_FILES ? of_file : 0;

#endif
