/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * What travels through the ring: the only truth for its layouts (src/layout.ts is generated from
 * the BTF of these structs). Fixed widths, no holes, no bitfields; u64 first.
 */
#ifndef EVENT_H
#define EVENT_H
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
	RECORD_PIPE = 3,
	RECORD_RUNS = 4,
	RECORD_CHUNK = 5,
	RECORD_SIGNAL = 6,
	RECORD_USE = 7,
	RECORD_ADDRESS = 8,
	RECORD_UNIX = 9,
	RECORD_LOOPBACK = 10,
	RECORD_PTY = 11,
};

enum kind {
	KIND_UNKNOWN = 0,
	KIND_PIPE = 1,
	KIND_SIGNAL = 2,
	KIND_UNIX_STREAM = 3,
	KIND_UNIX_DGRAM = 4,
	KIND_UNIX_SEQPACKET = 5,
	KIND_LOOPBACK_TCP = 6,
	KIND_LOOPBACK_UDP = 7,
	KIND_PTY = 8,
	KINDS = 16,
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

/* The name of a process, sent before its first use */
struct name_record {
	u32 type;
	u32 reserved;
	struct process who;
	u8 comm[COMM_LENGTH];
};

/* Path of a FIFO: its components, the last first, each ended by a NUL */
struct path_record {
	u32 type;
	u32 length;
	u64 inode;
	u32 device;
	u32 reserved;
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

enum pipe_flags {
	PIPE_FIFO = 1,
	PIPE_DST_GUESS = 2,
};

/*
 * Bytes left a pipe. With one run, its writer is src; with more, a runs_record of the same thread
 * follows. `captured` bytes follow in chunk_records. Both come before the thread's next record.
 */
struct pipe_record {
	u32 type;
	u32 thread;
	u64 time;
	u64 inode;
	struct process src;
	struct process dst;
	u32 device;
	u32 flags;
	u32 count;
	u32 captured;
	u32 runs;
	u32 src_flags;
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

enum signal_flags {
	SIGNAL_GROUP = 1,
};

struct signal_record {
	u32 type;
	u32 flags;
	u64 time;
	struct process src;
	struct process dst;
	u32 thread;
	u32 number;
	u32 result;
	u32 reserved;
};

/* A process was seen using a socket for the first time, or another one than before */
struct use_record {
	u32 type;
	u32 reserved;
	u64 sock;
	u64 inode;
	struct process who;
};

#define ADDRESS_DATA 112

/* The address a unix socket is bound to or a datagram goes to: the bytes behind sun_family */
struct address_record {
	u32 type;
	u32 length;
	u64 key;
	u8 data[ADDRESS_DATA];
};

enum send_flags {
	SEND_TO_ADDRESS = 1, /* the receiver is only known by the address */
	SEND_BOUND = 2, /* address is the key of an address_record */
	SEND_LISTENER = 4, /* nobody has accepted the connection yet */
};

/* Sent over a unix socket; `captured` bytes follow in chunk_records */
struct unix_record {
	u32 type;
	u32 thread;
	u64 time;
	struct process src;
	struct process dst;
	u64 src_inode;
	u64 dst_inode;
	u64 dst_sock;
	u64 address;
	u32 kind;
	u32 flags;
	u32 count;
	u32 captured;
	u32 net;
	u32 reserved;
};

/* Sent over the loopback device; addresses are IPv6 or v4-mapped, ports in host order */
struct loopback_record {
	u32 type;
	u32 thread;
	u64 time;
	struct process src;
	struct process dst;
	u64 src_inode;
	u64 dst_inode;
	u64 dst_sock;
	u32 kind;
	u32 flags;
	u32 count;
	u32 captured;
	u32 net;
	u32 src_port;
	u32 dst_port;
	u32 reserved;
	u8 src_address[16];
	u8 dst_address[16];
};

enum pty_flags {
	PTY_TO_MASTER = 1,
	PTY_DST_GUESS = 2,
};

/* Written to a pseudoterminal */
struct pty_record {
	u32 type;
	u32 thread;
	u64 time;
	struct process src;
	struct process dst;
	u64 dst_tty;
	u32 index;
	u32 session;
	u32 flags;
	u32 count;
	u32 captured;
	u32 reserved;
};

/* What is only reserved in the ring is not in BTF: a pointer in a section of its own anchors it */
#define ANCHOR(type, name) const type name *anchor_##name SEC(".ipc.events")

#endif
