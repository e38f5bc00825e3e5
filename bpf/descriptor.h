/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What a look at all open files says of one of them: written to an iterator's file, never to the ring. */
#ifndef DESCRIPTOR_H
#define DESCRIPTOR_H
#include "event.h"

#define SOCKET_PATH 112

enum descriptor_of {
	OF_PIPE = 1,
	OF_UNIX = 2,
	OF_INET = 3,
	OF_PTY_MASTER = 4,
	OF_PTY_SLAVE = 5,
	OF_MQ = 6,
	OF_OTHER = 7, /* neither a regular file nor a folder; user space asks /proc what it is */
};

enum descriptor_mode {
	MODE_READ = 1,
	MODE_WRITE = 2,
	MODE_NONBLOCK = 4,
	MODE_STOPPED = 8,    /* a terminal by its flow control */
	MODE_PEER_PATH = 16, /* `path` is the peer's, as this socket has none */
};

struct descriptor_record {
	u64 file;   /* the same for descriptors that share a position and flags */
	u64 object; /* the pipe, socket, terminal: only told apart, never followed */
	u64 peer;   /* the object at the other end, 0 when there is none */
	u64 inode;
	u64 queued; /* bytes that can be received here, of datagrams and queues messages */
	u64 acked;  /* TCP: bytes that the other end's host has taken since the connection began */
	u64 unsent; /* bytes that were sent and not taken: of TCP by the other end's host, of unix by who has it */
	u32 tgid;
	u32 fd;
	u32 of;
	u32 mode;
	u32 device;
	u32 net;
	u32 used; /* of `room`: a pipe's buffers, a listener's connections that wait */
	u32 room;
	u32 type;  /* of a socket: SOCK_STREAM … */
	u32 state; /* of a socket: TCP_ESTABLISHED … */
	u32 protocol;
	u32 index; /* of a terminal */
	u32 local_port;
	u32 remote_port;
	u8 local[16];
	u8 remote[16];
	u32 taken_until; /* TCP: the number of the next byte that is received here, and of the next that is sent */
	u32 sent_until;
	u32 path_length;
	u32 reserved;
	u8 path[SOCKET_PATH];
};

#define LEFT_WRITERS 4

/* What a process had not read as it ended, of what nobody else could read: on its way through the ring */
struct left_record {
	u32 type;
	u32 reserved;
	struct process who;
	struct process from[LEFT_WRITERS]; /* whose bytes they are, as far as that is known; tgid 0: nobody more */
	struct descriptor_record descriptor;
};

#endif
