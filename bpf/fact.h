/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Records that tell of processes what no event does; event.h has the others, and what these are made of. */
#ifndef FACT_H
#define FACT_H

#define ANCESTORS 8
#define ARGUMENT_DATA 4096

struct ancestor {
	u32 pid; /* in the tracer's pid namespace; 0: it is not in there */
	u8 comm[COMM_LENGTH];
};

/* Who a process is beside its name: its parent first, then the parent's, up to the leader of a session */
struct who_record {
	u32 type;
	u32 length; /* 0: its memory could not be read */
	struct process who;
	u64 born;      /* start_boottime, ns */
	u64 arg_start; /* 0: it has no memory of its own, or has left it */
	u32 uid;       /* the effective one, in the initial user namespace */
	u32 is_cut;
	u32 ancestors;
	u32 reserved;
	struct ancestor ancestor[ANCESTORS];
	u8 data[ARGUMENT_DATA]; /* each ended by a NUL */
};

#define PASSED 256 /* SCM_MAX_FD is 253 */
#define PASSED_NAME 16

/* A descriptor that is passed */
struct passed {
	u64 file; /* the same at both ends */
	u64 inode;
	u32 device;
	u32 mode;  /* i_mode */
	u32 magic; /* of its file system */
	s32 fd;
	u8 name[PASSED_NAME]; /* the beginning of the last part of its path */
};

/* Descriptors that were sent over a unix socket, right before the event, or received. Their paths come before */
struct passed_record {
	u32 type;
	u32 thread;
	u64 time;
	u64 inode; /* of the socket that receives them; 0: not known */
	u32 is_received;
	u32 count;
	struct passed files[PASSED];
};

/* The kernel has marked who a SIGKILL of its own was for: memory was short */
struct oom_record {
	u32 type;
	u32 thread; /* that and `time` are those of the event */
	u64 time;
};

#endif
