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

/* The kernel has marked who a SIGKILL of its own was for: memory was short */
struct oom_record {
	u32 type;
	u32 thread; /* that and `time` are those of the event */
	u64 time;
};

#endif
