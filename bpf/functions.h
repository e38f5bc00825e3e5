/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What functions.bpf.c and its like ask of families of sockets and files, as calls.h has it of calls. */
#ifndef FUNCTIONS_H
#define FUNCTIONS_H
#include "vmlinux.h"

/* A process (its task_struct) uses a unix socket by a descriptor, or has received it by SCM_RIGHTS */
int on_sock_used(u64 socket, u64 task, s32 fd, u32 received);
/* A message is about to be sent, was, or was in pieces; `header` is the kernel's struct msghdr */
int unix_message_begins(u64 socket);
int unix_message_sent(u64 socket, u64 header, u64 length, s64 result);
int unix_pieces_sent(u64 socket, s64 sum);
/* One was received, by the function that `ongoing` tells of; or bytes were spliced from a stream */
int unix_message_received(u64 socket, s64 result);
/* Descriptors that one gave have got their numbers, which the kernel has written to a process's memory */
int unix_rights_received(u64 socket, u64 control, u32 compat);
int unix_spliced(u64 socket, s64 result);
/* One is connected */
int unix_connected(u64 socket);

int on_inet_sock_used(u64 socket, u64 task, s32 fd);
int loopback_message_begins(u64 socket);
int loopback_message_sent(u64 socket, u64 header, u64 length, s64 result);
int loopback_pieces_sent(u64 socket, s64 sum);
int loopback_message_received(u64 socket, s64 result);
int loopback_spliced(u64 socket, s64 result);
/* A setsockopt that may have sent the datagram which was held back */
int loopback_uncorked(s64 result);

/* The current thread begins to write to a terminal, or to type into it */
int pty_write_begins(u64 file, u32 typed);
/* What an iterator has passed was written, or spliced (0); or the byte at an address was typed */
int pty_written(u64 file, u64 from, s64 result, u32 typed);

#endif
