/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * A ledger per pipe: whose bytes are in it, first in first out. Whoever calls in here holds the
 * pipe's mutex (function back ends) or the ledger's lock (tracepoints).
 */
#ifndef LEDGER_H
#define LEDGER_H
#include "file.h"
#include "payload.h"
#include "process.h"

#define LEDGERS 8192
#define MAX_SLOTS 256

struct ledger {
	u64 pipe; /* its address, the key */
	u64 inode;
	s64 total;	       /* bytes of all runs */
	s64 debt;	       /* bytes read of a write that is still under way */
	struct process writer; /* who wrote, or entered a write, last; introduced */
	struct process reader; /* likewise */
	u32 device;
	u32 flags;
	u32 opens; /* how often the pipe was opened */
	u32 first;
	u32 count;
	u32 writers; /* writes under way */
	u32 readers;
	u32 tainted; /* writes overlapped: what is appended is a guess until the pipe is empty */
	u32 doubted; /* something was moved unseen: what is read is a guess until then */
	u32 misses;  /* shared.misses when it was looked at last */
	u32 lock;    /* of whoever is at it in the tracepoint back end */
	u32 reserved;
	struct run runs[RUNS];
};

enum ledger_flags {
	LEDGER_FIFO = 1,
	LEDGER_NAMED = 2,   /* the FIFO's path was sent */
	LEDGER_FRESH = 4,   /* what was in it at first sight was counted without the mutex */
	LEDGER_PACKETS = 8, /* opened with O_DIRECT: a short read discards the rest of a packet */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LEDGERS);
	__type(key, u64);
	__type(value, struct ledger);
} ledgers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct ledger);
} blank_ledger SEC(".maps");

static __always_inline bool add_slot(u64 slots, u32 index, s64 *bytes)
{
	struct pipe_buffer *slot =
		(void *)(slots + (u64)index * bpf_core_type_size(struct pipe_buffer));

	*bytes += BPF_CORE_READ(slot, len);
	return true;
}

/*
 * Bytes in a pipe right now; exact under its mutex. -1: more slots than are walked here (a pipe
 * above 1 MiB, which only root can make). A global function: verified once, not at every call.
 */
__weak __noinline s64 occupancy(u64 address)
{
	struct pipe_inode_info *pipe = (void *)address;
	u32 head = BPF_CORE_READ(pipe, head);
	u32 tail = BPF_CORE_READ(pipe, tail);
	u32 mask = BPF_CORE_READ(pipe, ring_size) - 1;
	u64 slots = (u64)BPF_CORE_READ(pipe, bufs);
	u32 used = head - tail;
	s64 bytes = 0;

	if (used > MAX_SLOTS)
		return -1;
	repeat_while(i, MAX_SLOTS, i < used && add_slot(slots, (tail + i) & mask, &bytes));
	return bytes;
}

static __always_inline void empty(struct ledger *ledger)
{
	ledger->first = 0;
	ledger->count = 0;
	ledger->total = 0;
	ledger->debt = 0;
	ledger->tainted = 0;
	ledger->doubted = 0;
}

/* Appends bytes of one writer; past the last free run nobody's name is kept */
static __always_inline void push(struct ledger *ledger, struct process who, u32 bytes, u32 flags)
{
	u32 count = ledger->count;
	struct run *last = &ledger->runs[(ledger->first + count - 1) & (RUNS - 1)];

	ledger->total += bytes;
	if (count >= RUNS - 1) {
		if (count == RUNS || (same(&last->who, &who) && last->flags == flags)) {
			last->bytes += bytes;
			return;
		}
		who.tgid = 0;
		who.tag = 0;
		flags = 0;
	}
	if (count && same(&last->who, &who) && last->flags == flags) {
		last->bytes += bytes;
		return;
	}
	last = &ledger->runs[(ledger->first + count) & (RUNS - 1)];
	last->who = who;
	last->bytes = bytes;
	last->flags = flags;
	ledger->count = count + 1;
}

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

/*
 * The ledger of a pipe. One that is not known yet starts with what is in it by now, from nobody; a
 * pipe_inode_info or an inode that serves another pipe by now starts anew. NULL: the map is full.
 */
static __always_inline struct ledger *ledger_of(struct file *file, u64 *pipe)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	u64 number = BPF_CORE_READ(inode, i_ino);
	u32 device = BPF_CORE_READ(inode, i_sb, s_dev);
	struct ledger *ledger;

	struct pipe_inode_info *info = BPF_CORE_READ(file, private_data);
	u32 opens = BPF_CORE_READ(info, r_counter) + BPF_CORE_READ(info, w_counter);

	*pipe = (u64)info;
	ledger = bpf_map_lookup_elem(&ledgers, pipe);
	if (!ledger) {
		u32 zero = 0;
		struct ledger *blank = bpf_map_lookup_elem(&blank_ledger, &zero);

		if (!blank)
			return NULL;
		bpf_map_update_elem(&ledgers, pipe, blank, BPF_NOEXIST);
		ledger = bpf_map_lookup_elem(&ledgers, pipe);
		if (!ledger)
			return NULL;
		__sync_fetch_and_add(&shared.ledgers, 1);
	}
	if (ledger->inode != number || ledger->device != device || opens < ledger->opens) {
		struct process nobody = {};
		s64 bytes = occupancy(*pipe);

		empty(ledger);
		ledger->pipe = *pipe;
		ledger->inode = number;
		ledger->device = device;
		ledger->writers = 0;
		ledger->readers = 0;
		ledger->flags = LEDGER_FRESH;
		if (BPF_CORE_READ(inode, i_sb, s_magic) != PIPEFS_MAGIC)
			ledger->flags |= LEDGER_FIFO;
		if (bytes > 0)
			push(ledger, nobody, bytes, 0);
	}
	ledger->opens = opens;
	if ((ledger->flags & (LEDGER_FIFO | LEDGER_NAMED)) == LEDGER_FIFO &&
	    !send_path(scalar(file), number, device))
		ledger->flags |= LEDGER_NAMED;
	return ledger;
}

/* Announces a process unless `last` says that it just was; with filters it is noted */
static __always_inline void mention(struct identity *id, struct process *last)
{
	if ((selects() || !same(&id->who, last)) && introduce(id))
		*last = id->who;
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
