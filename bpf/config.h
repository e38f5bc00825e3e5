/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What user space sets before load, and the words both sides share while tracing. */
#ifndef CONFIG_H
#define CONFIG_H
#include "event.h"

/* Bits of enum group in select.h */
#define GROUP_BITS 8

struct config {
	/* contents wanted at all, and how many bytes of them an event (0: all) */
	u32 contents;
	u32 max_bytes;
	/* the tracer itself, by its number in the initial pid namespace: its traffic is never reported */
	u32 own_tgid;
	/* those that are traced, 1 << enum kind */
	u32 kinds;
	/* those of them that calls.bpf.c serves */
	u32 calls;
	/* sk_data_ready is hooked: a datagram that did not come by there was received by nobody */
	u32 deliveries;
	/* likewise for unix sockets */
	u32 unix_deliveries;
	/* sock_send_length is hooked: what calls have sent comes by there, with the kernel's own count */
	u32 sends;
	/* inode of the tracer's pid namespace; 0: the initial one, whose numbers are those used here */
	u32 pid_namespace;
	/* the groups of select.h that were given, by pid and by name */
	u32 pid_groups;
	u32 comm_groups;
	/* those that take descendants too */
	u32 followed_groups;
	/* signals that are asked for: bit n - 1 of these 64 is signal n; none: all */
	u32 signals_low;
	u32 signals_high;
	/* signals that the kernel sends by itself are events, too */
	u32 kernel_signals;
	/* what a process does to itself is left out */
	u32 no_self;
	/* names that are patterns; see globs.h */
	u32 globs;
	/* who.h is asked for, and the groups that user space decides by it */
	u32 who;
	u32 who_groups;
	/* nothing but sums is asked for */
	u32 sums;
	/* sock_recv_length is hooked: what requests of io_uring have received comes by there */
	u32 receives;
	u32 reserved;
	u64 glob_first;
	u64 glob_loops;
	u64 glob_accepts[GROUP_BITS];
};

/* Lives in .bss, which user space maps */
struct shared {
	/* [kind][reason], only ever growing */
	u64 lost[KINDS][LOST_REASONS];
	/* the reader drains by itself: no wake-up needed */
	u32 awake;
	/* how often the kernel skipped a program, as the reader last heard */
	u32 misses;
	/* chosen_pids was too small: who is not in it may be anybody */
	u32 crowded;
	/* how many ledgers were begun, only ever growing */
	u32 ledgers;
	/* some call was without a place of its own (ongoing.h) */
	u32 displaced;
	/* somebody makes calls of io_submit(2), or receives by io_uring */
	u32 requests;
	/* so many events more are to have records although there are sums, for people to see some; may be below 0 */
	s32 samples;
	/* who alone receives messages by io_uring that do not tell from which socket; SEVERAL as uring_receive.h has it */
	u32 unplaced;
	/* events that had no room among the sums */
	u64 spilled;
};

#endif
