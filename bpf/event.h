/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * What travels through the ring: the only truth for its layouts (src/layout.ts is generated from
 * the BTF of these structs). Fixed widths, no holes, no bitfields; u64 first.
 */
#ifndef EVENT_H
#define EVENT_H
#include "families.h"
#include "vmlinux.h"

#define COMM_LENGTH 16
/* the kernel keeps the order of writers exactly up to this many runs a pipe, less one */
#define RUNS 128
#define CHUNK_DATA 32640
/* 4096 bytes of path, the last component whole */
#define PATH_DATA 4352

enum record_type {
	RECORD_NAME = 1,
	RECORD_PATH = 2,
	RECORD_EVENT = 3,
	RECORD_RUNS = 4,
	RECORD_CHUNK = 5,
	RECORD_USE = 6,
	RECORD_ADDRESS = 7,
	RECORD_FORK = 8,
	RECORD_UDP_DELIVERY = 9,
	RECORD_RECEIVE = 10,
	/* path_records of a process, which stands in place of the inode; its who_record follows */
	RECORD_EXE = 12,
	RECORD_CGROUP = 13,
	RECORD_WHO = 14,
	RECORD_OOM = 15,
	RECORD_LEFT = 16,
	RECORD_PASSED = 17,
	RECORD_RENAME = 18,
};

enum lost_reason {
	LOST_RING_FULL = 0,
	LOST_MAP_FULL = 1,
	LOST_FAULT = 2,
	LOST_REASONS = 4,
};

/*
 * Who: the tgid and a hash of start time and name, so that neither a reused pid nor a process that
 * was renamed since can lend its name. tgid 0: nobody we know.
 */
struct process {
	u32 tgid;
	u32 tag;
};

/* The name of a process and its number for the tracer, sent before its first use */
struct name_record {
	u32 type;
	u32 pid; /* in the tracer's pid namespace; 0: it is not in there */
	struct process who;
	u8 comm[COMM_LENGTH];
};

/* Path of a file that is a FIFO, a socket or a folder: its components, the last first, each ended by a NUL */
struct path_record {
	u32 type;
	u32 length;
	u64 inode;
	u32 device;
	u32 is_cut; /* its beginning is missing: it is too deep, or too long */
	u8 data[PATH_DATA];
};

enum run_flags {
	RUN_GUESS = 1,
};

/* Successive bytes in a pipe that one process wrote */
struct run {
	struct process who;
	u32 bytes;
	u32 flags;
};

enum event_flags {
	EVENT_SRC_GUESS = 1,
	EVENT_DST_GUESS = 2,
	EVENT_OPEN = 4, /* whoever receives it is `dst`, which is who used the receiver last */
	PIPE_FIFO = 16,
	SIGNAL_GROUP = 16,
	SIGNAL_KERNEL = 32,    /* no process asked for it */
	SIGNAL_BARE = 64,      /* and it has no siginfo */
	SIGNAL_EXITING = 128,  /* it was sent as a process ended */
	SIGNAL_PDEATH = 256,   /* it is the target's PR_SET_PDEATHSIG */
	SIGNAL_OOM = 512,      /* its target shares the memory of who was marked */
	SIGNAL_LIMITED = 1024, /* to itself, by a process that has a limit of time */
	SEND_BOUND = 16,       /* `address` is the key of an address_record */
	SEND_TO_ADDRESS = 32,  /* the receiver is only known by the address */
	SEND_UNHELD =
		64, /* no process had the receiver: its descriptors were on their way by SCM_RIGHTS */
	SEND_FROM_BOUND = 128, /* `src_address` is the key of one, too */
	SEND_PASSES = 256,     /* descriptors, by a passed_record of this thread and time */
	PTY_TO_MASTER = 16,
};

/*
 * How the record of every event begins. `captured` bytes of its contents follow in chunk_records,
 * all of them before the thread's next event.
 */
struct event_record {
	u32 type;
	u32 thread;
	u64 time; /* CLOCK_BOOTTIME */
	struct process src;
	struct process dst;
	u32 kind;
	u32 flags;
	u32 count;
	u32 captured;
};

/* Bytes left a pipe: with more than one writer a runs_record of the same thread follows */
struct pipe_record {
	struct event_record event;
	u64 inode;
	u32 device;
	u32 runs;
};

struct runs_record {
	u32 type;
	u32 thread;
	struct run run[RUNS];
};

struct chunk_record {
	u32 type;
	u32 thread;
	u32 offset;
	u32 length;
	u8 data[CHUNK_DATA];
};

struct signal_record {
	struct event_record event;
	u32 number;
	u32 result;
	u32 target; /* thread, by its number for the tracer */
	s32 code;   /* si_code of SIGNAL_KERNEL */
};

/* A process was seen using a socket for the first time, or another one than before */
struct use_record {
	u32 type;
	u32 received; /* the descriptor, by SCM_RIGHTS; 0: data, or a connection */
	u64 time;
	u64 inode;
	u64 channel; /* of what is sent there, when it is a unix socket's */
	struct process who;
};

/* A process received what more than one might have: from `position` on so many bytes, or messages */
struct receive_record {
	u32 type;
	u32 position;
	u64 time;
	u64 inode;
	u64 channel;
	struct process who;
	u32 count;
	u32 unclear; /* it may have been another who received this, and he something else */
};

/* A process made another; before any event of that. Both by their numbers for the tracer */
struct fork_record {
	u32 type;
	u32 reserved;
	u32 parent;
	u32 child;
};

/* A process gets another name, by exec too */
struct rename_record {
	u32 type;
	u32 pid; /* its number for the tracer; 0: it has none */
	u64 time;
	u8 comm[COMM_LENGTH]; /* until now */
};

#define ADDRESS_DATA 112

/*
 * The address a unix socket is bound to or a datagram goes to: the bytes behind sun_family. Its file, if it has one,
 * or the folder in which the address was looked for: the path of either was sent before.
 */
struct address_record {
	u32 type;
	u32 length;
	u64 key;
	u64 inode; /* 0: neither */
	u32 device;
	u32 is_folder;
	u8 data[ADDRESS_DATA];
};

/* Sent over a unix socket */
struct unix_record {
	struct event_record event;
	u64 src_inode;
	u64 dst_inode;
	u64 channel; /* the receive_records of the direction have the same */
	u64 address;
	u64 src_address;
	u32 net;
	u32 position; /* and `end`: between them it was sent */
	u32 end;
	u32 reserved;
};

/* Sent over the loopback device; addresses are IPv6 or v4-mapped, ports in host order */
struct loopback_record {
	struct event_record event;
	u64 src_inode;
	u64 dst_inode;
	u64 channel; /* the receive_records of the direction have the same */
	u32 net;
	u32 src_port;
	u32 dst_port;
	u32 nat_port; /* 0: the receiver sees the same two ends */
	u32 position; /* of TCP; and `end`: between them it was sent */
	u32 end;
	u8 src_address[16];
	u8 dst_address[16];
	u8 nat_address[16];
};

/* A datagram came to a socket on another's time than its sender's, whose event waits for this */
struct udp_delivery_record {
	u32 type;
	u32 length; /* 0 also when it was read before it could be looked at, as are the next */
	u64 time;
	u64 dst_inode;
	struct process dst;
	u32 net;
	u32 src_port; /* 0: not known, nor where it was sent */
	u32 dst_port;
	u32 copy_of;	 /* the same for all sockets that got one datagram */
	u32 is_filtered; /* the socket has a filter, which may have cut it */
	u32 is_guess;	 /* others have the socket open as well */
	u8 dst_address[16];
};

/* Written to a pseudoterminal */
struct pty_record {
	struct event_record event;
	u64 master;
	u32 index;
	u32 session;
	u32 device; /* of the devpts instance that counts it so */
	u32 position; /* of an open event: it begins there at the earliest, */
	u32 end;      /* and ends here at the latest */
	u32 reserved;
	u64 line; /* as the channel of the receive_records */
};

/* What a queue_record says: of a message whose place in memory is known, or of a call */
enum queue_phase {
	QUEUE_SENT = 0, /* or about to be */
	QUEUE_TAKEN = 1,
	QUEUE_GONE = 2, /* taken by nobody, or taken before */
	QUEUE_SENDS = 3,
	QUEUE_HAS_SENT = 4,
	QUEUE_NOT_SENT = 5,
	QUEUE_RECEIVES = 6,
	QUEUE_RECEIVED = 7,
	QUEUE_NOT_RECEIVED = 8,
};

#define QUEUE_NAME 256
#define LEFT_UNKNOWN (~0U)

/* A message on its way through a queue: two of these phases are events */
struct queue_record {
	struct event_record event;
	u64 message;
	u64 queue;
	u64 message_type; /* or its priority; all ones: not known, or not asked for */
	u32 phase;
	u32 left; /* messages in the queue; LEFT_UNKNOWN */
	u32 key;
	u32 id;
	u8 name[QUEUE_NAME];
};

/* What is only reserved in the ring is not in BTF: a pointer in a section of its own anchors it */
#define ANCHOR(type, name) const type name *anchor_##name SEC(".ipc.events")

#include "fact.h"

#endif
