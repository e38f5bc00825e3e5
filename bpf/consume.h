/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Bytes that leave a pipe: taken off its ledger run by run, then reported, an event for each. */
#ifndef CONSUME_H
#define CONSUME_H
#include "ledger.h"
#include "payload.h"
#include "sums.h"

/* A read that is being reported */
struct reading {
	struct process dst;
	u32 thread;
	u32 count;
	u32 guess; /* of every run */
	u32 rest_guess;
	struct process rest; /* whose the bytes are that the ledger knows nothing of */
	struct user_iov iov;
};

/* Bytes being taken out; in a map for the reason that payload.h gives */
struct consumption {
	u32 left;
	u32 taken; /* runs */
	u32 guess; /* of every run */
	u32 rest_guess;
	struct process rest; /* whose the bytes are that the ledger knows nothing of */
	struct runs_record runs;
};

enum consume_use {
	CONSUME_REPORTED,
	CONSUME_DROPPED,
	CONSUME_USES,
};

/* One program only takes bytes in any one back end, and it does not interrupt itself */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, CONSUME_USES);
	__type(key, u32);
	__type(value, struct consumption);
} consumptions SEC(".maps");

/* Takes one run off the ledger; false: enough */
static __always_inline bool consume_run(struct ledger *ledger, struct consumption *consumption)
{
	struct run *run = &ledger->runs[ledger->first & (RUNS - 1)];
	struct run *into = &consumption->runs.run[consumption->taken & (RUNS - 1)];
	struct run *last = &consumption->runs.run[(consumption->taken - 1) & (RUNS - 1)];
	u32 bytes = consumption->left;

	if (!bytes)
		return false;
	/* a write that has not returned yet goes on with the run of the one before it */
	if (!ledger->count && consumption->taken && same(&last->who, &consumption->rest) &&
	    last->flags == (consumption->guess | consumption->rest_guess)) {
		last->bytes += bytes;
		consumption->left = 0;
		return false;
	}
	consumption->taken++;
	if (!ledger->count) {
		into->who = consumption->rest;
		into->bytes = bytes;
		into->flags = consumption->guess | consumption->rest_guess;
		consumption->left = 0;
		return false;
	}
	into->who = run->who;
	into->flags = run->flags | consumption->guess;
	if (run->bytes > bytes) {
		run->bytes -= bytes;
	} else {
		bytes = run->bytes;
		ledger->first = (ledger->first + 1) & (RUNS - 1);
		ledger->count--;
	}
	into->bytes = bytes;
	ledger->total -= bytes;
	consumption->left -= bytes;
	return true;
}

/* The runs after the first; global for the reason that payload.h gives */
__weak __noinline int consume_more(u64 pipe, u32 use)
{
	struct ledger *ledger = bpf_map_lookup_elem(&ledgers, &pipe);
	struct consumption *consumption = bpf_map_lookup_elem(&consumptions, &use);

	if (!ledger || !consumption)
		return 0;
	repeat_while(i, RUNS - 1, consume_run(ledger, consumption));
	/* all runs there can be, and one more of bytes nobody saw coming */
	if (consumption->left)
		consumption->runs.run[RUNS - 1].bytes += consumption->left;
	return 0;
}

static __always_inline struct consumption *consume(struct ledger *ledger, enum consume_use use,
						   u32 bytes, const struct reading *reading)
{
	u32 index = use;
	struct consumption *consumption = bpf_map_lookup_elem(&consumptions, &index);

	if (!consumption)
		return NULL;
	consumption->left = bytes;
	consumption->taken = 0;
	consumption->guess = reading ? reading->guess : 0;
	if (reading) {
		consumption->rest = reading->rest;
		consumption->rest_guess = reading->rest_guess;
	}
	consume_run(ledger, consumption);
	if (consumption->left)
		consume_more(ledger->pipe, use);
	return consumption;
}

/* Forgets the first `bytes`: a reader of a packet pipe leaves what its buffer was too small for */
static __always_inline void drop(struct ledger *ledger, u32 bytes)
{
	consume(ledger, CONSUME_DROPPED, bytes, NULL);
}

/* Whether the n-th run that was settled may be wanted, of this reader, who is in these groups */
__weak __noinline int run_may_pass(u32 n, u32 groups, u32 reader)
{
	u32 use = CONSUME_REPORTED;
	struct consumption *consumption = bpf_map_lookup_elem(&consumptions, &use);
	struct run *run;

	if (!consumption)
		return true;
	run = &consumption->runs.run[n & (RUNS - 1)];
	if (is_to_self(run->who.tgid, reader))
		return false;
	/* bytes from before tracing are nobody's, for good */
	return may_pass(run->who.tgid ? groups_of(&run->who) : 0, groups);
}

static __always_inline void announce_run(struct consumption *consumption, u32 n)
{
	struct run *run = &consumption->runs.run[n & (RUNS - 1)];

	announce_noted(run->who.tgid, run->who.tag);
}

/*
 * Whether any run that was settled may be wanted; if so, all who have a part in it are announced: user
 * space leaves out the rest, and for that has to know it.
 */
__weak __noinline int admit_runs(u32 tgid, u32 tag)
{
	u32 use = CONSUME_REPORTED;
	struct consumption *consumption = bpf_map_lookup_elem(&consumptions, &use);
	struct process dst = {.tgid = tgid, .tag = tag};
	u32 groups = groups_of(&dst), i;
	bool passes = false;

	if (!consumption)
		return true;
	for (i = 0; i < RUNS; i++) {
		barrier();
		if (i >= consumption->taken || passes)
			break;
		passes = run_may_pass(i, groups, tgid);
	}
	if (!passes)
		return false;
	announce_noted(tgid, tag);
	for (i = 0; i < RUNS; i++) {
		barrier();
		if (i >= consumption->taken)
			break;
		announce_run(consumption, i);
	}
	return true;
}

/* Takes the bytes that leave the pipe off its ledger */
static __always_inline void settle(struct ledger *ledger, const struct reading *reading)
{
	consume(ledger, CONSUME_REPORTED, reading->count, reading);
}

/*
 * Whether the bytes of one writer that were settled last were added to a sum. Those of a FIFO never are: its path may
 * be another by the time of the next ones. Global, for its frame to lie beside others.
 */
__weak __noinline int sum_run(u64 pipe, u32 tgid, u32 tag, u32 count)
{
	u32 use = CONSUME_REPORTED;
	struct consumption *consumption = bpf_map_lookup_elem(&consumptions, &use);
	struct ledger *ledger = bpf_map_lookup_elem(&ledgers, &pipe);
	struct sum_key *key;

	if (!consumption || !ledger || ledger->flags & LEDGER_FIFO)
		return false;
	key = sum_key_of(0, KIND_PIPE,
			 consumption->runs.run[0].flags & RUN_GUESS ? EVENT_SRC_GUESS : 0);
	if (!key)
		return false;
	key->src = consumption->runs.run[0].who;
	key->dst.tgid = tgid;
	key->dst.tag = tag;
	*REST(key, pipe_record, inode) = ledger->inode;
	*REST(key, pipe_record, device) = ledger->device;
	*REST(key, pipe_record, runs) = 1;
	return add_to_sum(key, count);
}

/* Reports what was settled last on this CPU: one event per run of one writer */
static __always_inline void report(struct ledger *ledger, struct reading *reading)
{
	u32 use = CONSUME_REPORTED;
	struct consumption *consumption = bpf_map_lookup_elem(&consumptions, &use);
	struct pipe_record *record;
	struct run first;
	u32 flags, n;

	if (!consumption)
		return;
	n = consumption->taken;
	first = consumption->runs.run[0];
	if (reading->dst.tgid == config.own_tgid || (n == 1 && first.who.tgid == config.own_tgid))
		return;
	if ((selects() || config.no_self) && !admit_runs(reading->dst.tgid, reading->dst.tag))
		return;
	if (config.sums && n == 1 &&
	    sum_run(ledger->pipe, reading->dst.tgid, reading->dst.tag, reading->count))
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
		consumption->runs.type = RECORD_RUNS;
		consumption->runs.thread = reading->thread;
		if (size > sizeof(struct runs_record) ||
		    bpf_ringbuf_output(&ring, &consumption->runs, size, BPF_RB_NO_WAKEUP)) {
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
			capture(SCRATCH_PIPE, &reading->iov, wanted, reading->thread);
	}
	bpf_ringbuf_submit(record, wakeup());
}

#endif
