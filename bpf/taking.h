/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Bytes that leave a pipe: taken off its ledger run by run, then reported, an event for each. */
#ifndef TAKING_H
#define TAKING_H
#include "ledger.h"
#include "payload.h"

/* A read that is being reported */
struct reading {
	struct process dst;
	u32 thread;
	u32 count;
	u32 guess; /* of every run */
	u32 rest_guess;
	struct process rest; /* whose the bytes are that the ledger knows nothing of */
	struct source source;
};

/* Bytes being taken out; in a map for the reason that payload.h gives */
struct taking {
	u32 left;
	u32 taken; /* runs */
	u32 guess; /* of every run */
	u32 rest_guess;
	struct process rest; /* whose the bytes are that the ledger knows nothing of */
	struct runs_record runs;
};

enum taking_use {
	TAKING_REPORTED,
	TAKING_DROPPED,
	TAKINGS,
};

/* One program only takes bytes in any one back end, and it does not interrupt itself */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, TAKINGS);
	__type(key, u32);
	__type(value, struct taking);
} takings SEC(".maps");

/* Takes one run off the ledger; false: enough */
static __always_inline bool take_run(struct ledger *ledger, struct taking *taking)
{
	struct run *run = &ledger->runs[ledger->first & (RUNS - 1)];
	struct run *into = &taking->runs.run[taking->taken & (RUNS - 1)];
	u32 bytes = taking->left;

	if (!bytes)
		return false;
	taking->taken++;
	if (!ledger->count) {
		into->who = taking->rest;
		into->bytes = bytes;
		into->flags = taking->guess | taking->rest_guess;
		taking->left = 0;
		return false;
	}
	into->who = run->who;
	into->flags = run->flags | taking->guess;
	if (run->bytes > bytes) {
		run->bytes -= bytes;
	} else {
		bytes = run->bytes;
		ledger->first = (ledger->first + 1) & (RUNS - 1);
		ledger->count--;
	}
	into->bytes = bytes;
	ledger->total -= bytes;
	taking->left -= bytes;
	return true;
}

/* The runs after the first; global for the reason that payload.h gives */
__weak __noinline int take_more(u64 pipe, u32 use)
{
	struct ledger *ledger = bpf_map_lookup_elem(&ledgers, &pipe);
	struct taking *taking = bpf_map_lookup_elem(&takings, &use);

	if (!ledger || !taking)
		return 0;
	repeat_while(i, RUNS - 1, take_run(ledger, taking));
	/* all runs there can be, and one more of bytes nobody saw coming */
	if (taking->left)
		taking->runs.run[RUNS - 1].bytes += taking->left;
	return 0;
}

static __always_inline struct taking *take(struct ledger *ledger, enum taking_use use, u32 bytes,
					   const struct reading *reading)
{
	u32 index = use;
	struct taking *taking = bpf_map_lookup_elem(&takings, &index);

	if (!taking)
		return NULL;
	taking->left = bytes;
	taking->taken = 0;
	taking->guess = reading ? reading->guess : 0;
	if (reading) {
		taking->rest = reading->rest;
		taking->rest_guess = reading->rest_guess;
	}
	take_run(ledger, taking);
	if (taking->left)
		take_more(ledger->pipe, use);
	return taking;
}

/* Forgets the first `bytes`: a reader of a packet pipe leaves what its buffer was too small for */
static __always_inline void drop(struct ledger *ledger, u32 bytes)
{
	take(ledger, TAKING_DROPPED, bytes, NULL);
}

/* Whether the n-th run that was settled may be wanted by a reader of these groups */
__weak __noinline int run_may_pass(u32 n, u32 groups)
{
	u32 use = TAKING_REPORTED;
	struct taking *taking = bpf_map_lookup_elem(&takings, &use);
	struct run *run;

	if (!taking)
		return true;
	run = &taking->runs.run[n & (RUNS - 1)];
	/* bytes from before tracing are nobody's, for good */
	return may_pass(run->who.tgid ? groups_of(&run->who) : 0, groups);
}

static __always_inline void announce_run(struct taking *taking, u32 n)
{
	struct run *run = &taking->runs.run[n & (RUNS - 1)];

	announce_noted(run->who.tgid, run->who.tag);
}

/*
 * Whether any run that was settled may be wanted; if so, all who have a part in it are announced: user
 * space leaves out the rest, and for that has to know it.
 */
__weak __noinline int admit_runs(u32 tgid, u32 tag)
{
	u32 use = TAKING_REPORTED;
	struct taking *taking = bpf_map_lookup_elem(&takings, &use);
	struct process dst = {.tgid = tgid, .tag = tag};
	u32 groups = groups_of(&dst), i;
	bool passes = false;

	if (!taking)
		return true;
	for (i = 0; i < RUNS; i++) {
		barrier();
		if (i >= taking->taken || passes)
			break;
		passes = run_may_pass(i, groups);
	}
	if (!passes)
		return false;
	announce_noted(tgid, tag);
	for (i = 0; i < RUNS; i++) {
		barrier();
		if (i >= taking->taken)
			break;
		announce_run(taking, i);
	}
	return true;
}

/* Takes the bytes that leave the pipe off its ledger */
static __always_inline void settle(struct ledger *ledger, const struct reading *reading)
{
	take(ledger, TAKING_REPORTED, reading->count, reading);
}

/* Reports what was settled last on this CPU: one event per run of one writer */
static __always_inline void report(struct ledger *ledger, struct reading *reading)
{
	u32 use = TAKING_REPORTED;
	struct taking *taking = bpf_map_lookup_elem(&takings, &use);
	struct pipe_record *record;
	struct run first;
	u32 flags, n;

	if (!taking)
		return;
	n = taking->taken;
	first = taking->runs.run[0];
	if (reading->dst.tgid == config.own_tgid || (n == 1 && first.who.tgid == config.own_tgid))
		return;
	if (selects() && !admit_runs(reading->dst.tgid, reading->dst.tag))
		return;
	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record) {
		count_lost(KIND_PIPE, LOST_RING_FULL, n);
		return;
	}
	flags = (ledger->flags & LEDGER_FIFO ? PIPE_FIFO : 0) |
		(first.flags & RUN_GUESS ? EVENT_SRC_GUESS : 0);
	begin_event(&record->event, KIND_PIPE, flags, first.who, reading->dst, reading->count);
	record->inode = ledger->inode;
	record->device = ledger->device;
	record->runs = n;
	if (n > 1) {
		u64 size = offsetof(struct runs_record, run) + (u64)n * sizeof(struct run);

		barrier_var(size);
		taking->runs.type = RECORD_RUNS;
		taking->runs.thread = reading->thread;
		if (size > sizeof(struct runs_record) ||
		    bpf_ringbuf_output(&ring, &taking->runs, size, BPF_RB_NO_WAKEUP)) {
			count_lost(KIND_PIPE, LOST_RING_FULL, n);
			bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
			return;
		}
	}
	if (config.contents) {
		u64 wanted = reading->count;

		if (n == 1 && config.max_bytes && wanted > config.max_bytes)
			wanted = config.max_bytes;
		record->event.captured =
			capture(SLOT_PIPE, &reading->source, wanted, reading->thread);
	}
	bpf_ringbuf_submit(record, wakeup());
}

#endif
