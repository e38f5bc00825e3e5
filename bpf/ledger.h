/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * A ledger per pipe: whose bytes are in it, first in first out. Whoever calls in here holds the
 * pipe's mutex (function back ends) or the ledger's lock (tracepoints).
 */
#ifndef LEDGER_H
#define LEDGER_H
#include "count.h"
#include "file.h"
#include "lock.h"
#include "process.h"

#define LEDGERS 8192
#define MAX_SLOTS 256
#define MARKS 16384
#define LOCK_TRIES 1024
#define LOCK_ROUNDS 256

struct ledger {
	u64 pipe; /* its address, the key */
	u64 inode;
	s64 total;	       /* bytes of all runs */
	s64 debt;	       /* bytes read of a write that is still under way */
	struct process writer; /* who wrote, or entered a write, last; introduced */
	struct process reader; /* likewise */
	u32 device;
	u32 flags;
	u32 head; /* buffers that were written until it was looked at last */
	u32 first;
	u32 count;
	u32 writers; /* writes under way */
	u32 readers;
	u32 tainted; /* writes overlapped: what is appended is a guess until the pipe is empty */
	u32 doubted; /* something was moved unseen: what is read is a guess until then */
	u32 misses;  /* shared.misses when it was looked at last */
	u32 lock;    /* of whoever is at it in the tracepoint back end */
	u32 generation; /* of the inode: its number may serve another FIFO by now */
	u32 settled;	/* buffers that were written until it was reconciled last */
	u32 tail;	/* and taken */
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
} ledgers __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct ledger);
} blank_ledger __weak SEC(".maps");

/*
 * How many ledgers are of pipes whose address ends alike: at mutex_unlock, which all of the kernel calls, this tells
 * most mutexes from those of pipes at less than half of what a look into the map costs.
 */
u32 pipe_marks[MARKS] __weak SEC(".bss.marks") = {};

/* By the lower half of an address, which begins at a multiple of 64 */
static __always_inline u32 *mark_of(u32 pipe)
{
	u64 place = pipe >> 6 ^ pipe >> 20;

	/* 5.10 knows of no bounds that come from an exclusive or of 32 bits */
	barrier_var(place);
	return &pipe_marks[place & (MARKS - 1)];
}

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

/*
 * Appends bytes of one writer. What finds all runs taken goes into the last one, which is a guess then: it is named for
 * the first of those whose bytes are in it.
 */
static __always_inline void push(struct ledger *ledger, struct process who, u32 bytes, u32 flags)
{
	u32 count = ledger->count;
	struct run *last = &ledger->runs[(ledger->first + count - 1) & (RUNS - 1)];

	ledger->total += bytes;
	if (count == RUNS || (count && same(&last->who, &who) && last->flags == flags)) {
		last->bytes += bytes;
		return;
	}
	if (count == RUNS - 1)
		flags |= RUN_GUESS;
	last = &ledger->runs[(ledger->first + count) & (RUNS - 1)];
	last->who = who;
	last->bytes = bytes;
	last->flags = flags;
	ledger->count = count + 1;
}

/* 0: locked. Global, for the verifier to go through the loop once */
__weak __noinline int try_lock(u64 pipe)
{
	struct ledger *ledger = bpf_map_lookup_elem(&ledgers, &pipe);
	bool held = false;

	if (!ledger)
		return -1;
	repeat_while(i, LOCK_TRIES, !(held = grab(&ledger->lock)));
	return held ? 0 : -1;
}

/*
 * The holder needs a microsecond, but a hypervisor may take its CPU away meanwhile: some
 * milliseconds of patience, then the event is counted lost.
 */
static __always_inline bool lock_ledger(struct ledger *ledger, u64 pipe)
{
	bool held = grab(&ledger->lock);

	if (!held)
		repeat_while(i, LOCK_ROUNDS, !(held = !try_lock(pipe)));
	return held;
}

static __always_inline void unlock_ledger(struct ledger *ledger)
{
	release(&ledger->lock);
}

/*
 * Whether what the ledger says is not of this life of the pipe: its pipe_inode_info or its inode served another one, or
 * it is a FIFO that all had closed since. `head` is what it is now.
 */
static __always_inline bool is_outlived(struct ledger *ledger, struct inode *inode, u64 pipe, u32 *head)
{
	/* in this order, for another processor may be writing: within one life no later look finds less */
	u32 seen = *(volatile u32 *)&ledger->head;

	*head = BPF_CORE_READ((struct pipe_inode_info *)pipe, head);
	return ledger->inode != BPF_CORE_READ(inode, i_ino) ||
	       ledger->device != BPF_CORE_READ(inode, i_sb, s_dev) ||
	       ledger->generation != BPF_CORE_READ(inode, i_generation) ||
	       is_before(*head, seen);
}

/*
 * Starts a ledger with what is in its pipe by now, from nobody. Under the lock, and once: what a slower processor
 * found in the pipe may be what a faster one has entered meanwhile.
 */
__weak __noinline int renew_ledger(u64 address, u64 pipe)
{
	struct inode *inode = (void *)address;
	struct ledger *ledger = bpf_map_lookup_elem(&ledgers, &pipe);
	struct process nobody = {};
	s64 bytes;
	u32 head;

	if (!ledger)
		return 0;
	if (!lock_ledger(ledger, pipe)) {
		ledger->tainted = 1;
		ledger->doubted = 1;
		return 0;
	}
	if (is_outlived(ledger, inode, pipe, &head)) {
		bytes = occupancy(pipe);
		empty(ledger);
		ledger->writers = 0;
		ledger->readers = 0;
		ledger->flags = LEDGER_FRESH;
		if (BPF_CORE_READ(inode, i_sb, s_magic) != PIPEFS_MAGIC)
			ledger->flags |= LEDGER_FIFO;
		if (bytes > 0)
			push(ledger, nobody, bytes, 0);
		ledger->pipe = pipe;
		ledger->head = head;
		ledger->settled = head;
		ledger->tail = BPF_CORE_READ((struct pipe_inode_info *)pipe, tail);
		ledger->device = BPF_CORE_READ(inode, i_sb, s_dev);
		ledger->generation = BPF_CORE_READ(inode, i_generation);
		barrier();
		ledger->inode = BPF_CORE_READ(inode, i_ino);
	}
	unlock_ledger(ledger);
	return 0;
}

/*
 * The ledger of a pipe. One that is not known yet starts with what is in it by now, and so does one of another life:
 * bytes and writers of the session before are gone with it. NULL: the map is full.
 */
static __always_inline struct ledger *ledger_of(struct file *file, u64 *pipe)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	struct ledger *ledger;
	u32 head;

	*pipe = (u64)BPF_CORE_READ(file, private_data);
	ledger = bpf_map_lookup_elem(&ledgers, pipe);
	if (!ledger) {
		u32 zero = 0;
		struct ledger *blank = bpf_map_lookup_elem(&blank_ledger, &zero);

		if (!blank)
			return NULL;
		/* before it is there, for no unlock to miss it */
		__sync_fetch_and_add(mark_of(*pipe), 1);
		if (bpf_map_update_elem(&ledgers, pipe, blank, BPF_NOEXIST))
			__sync_fetch_and_add(mark_of(*pipe), -1);
		else
			__sync_fetch_and_add(&shared.ledgers, 1);
		ledger = bpf_map_lookup_elem(&ledgers, pipe);
		if (!ledger)
			return NULL;
	}
	if (is_outlived(ledger, inode, *pipe, &head))
		renew_ledger((u64)inode, *pipe);
	else
		ledger->head = head;
	if ((ledger->flags & (LEDGER_FIFO | LEDGER_NAMED)) == LEDGER_FIFO &&
	    !send_path(scalar(file) + bpf_core_field_offset(struct file, f_path), ledger->inode,
		       ledger->device))
		ledger->flags |= LEDGER_NAMED;
	return ledger;
}

/* Announces a process unless `last` says that it just was; with filters it is noted */
static __always_inline void mention(struct identity *id, struct process *last)
{
	if ((selects() || !same(&id->who, last)) && introduce(id))
		*last = id->who;
}

#endif
