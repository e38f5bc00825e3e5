/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Pipes in the tracepoint back end: sys_enter counts the writes and reads under way, sys_exit moves
 * the bytes. Exact while writes do not overlap; where they do, the runs carry RUN_GUESS.
 */
#ifndef PIPE_CALLS_H
#define PIPE_CALLS_H
#include "call_iov.h"
#include "consume.h"
#include "ongoing.h"

static __always_inline struct ledger *enter_pipe(u64 address, u64 *pipe)
{
	struct file *file = (void *)address;
	struct ledger *ledger;

	*pipe = 0;
	if (!file || !is_pipe(file))
		return NULL;
	ledger = ledger_of(file, pipe);
	if (ledger && (BPF_CORE_READ(file, f_flags) & O_DIRECT))
		ledger->flags |= LEDGER_PACKETS;
	return ledger;
}

/* The caller looks the ledger up: it is in hand, mostly */
static __always_inline void leave_ledger(struct ledger *ledger, bool reads)
{
	/* one that was begun since knows of none */
	if (reads && ledger->readers)
		__sync_fetch_and_add(&ledger->readers, -1);
	else if (!reads && ledger->writers)
		__sync_fetch_and_add(&ledger->writers, -1);
}

static __always_inline void leave(u64 pipe, bool reads)
{
	struct ledger *ledger = pipe ? bpf_map_lookup_elem(&ledgers, &pipe) : NULL;

	if (ledger)
		leave_ledger(ledger, reads);
}

/*
 * When nobody moves anything, what is in the pipe is what the ledger must say. What went unseen, by
 * io_uring perhaps, went in or out among the others, where nobody can tell: the rest is a guess.
 */
static __always_inline void reconcile(struct ledger *ledger, u64 pipe)
{
	struct process nobody = {};
	s64 bytes = occupancy(pipe);

	ledger->head = BPF_CORE_READ((struct pipe_inode_info *)pipe, head);
	ledger->settled = ledger->head;
	ledger->tail = BPF_CORE_READ((struct pipe_inode_info *)pipe, tail);
	if (ledger->writers || bytes < 0)
		return;
	if (bytes > ledger->total) {
		ledger->doubted = 1;
		push(ledger, nobody, bytes - ledger->total, RUN_GUESS);
	}
	if (!bytes)
		ledger->tainted = 0;
	if (ledger->readers)
		return;
	if (bytes < ledger->total) {
		/* a reader whose buffer was too small for a packet leaves nothing of it */
		if (!(ledger->flags & LEDGER_PACKETS))
			ledger->doubted = 1;
		drop(ledger, ledger->total - bytes);
	}
	if (!bytes)
		empty(ledger);
}

/*
 * Some may have been put in or taken unseen since the ledger was looked at last, which the look at the end of the next
 * call would take for that one's doing. While no read is under way that is counted the tail stays, and while no write is
 * the head does: who ends one writes them down, under the lock.
 */
static __always_inline void find_unseen(struct ledger *ledger, u64 pipe)
{
	u32 settled = *(volatile u32 *)&ledger->settled, taken = *(volatile u32 *)&ledger->tail;
	u32 head = BPF_CORE_READ((struct pipe_inode_info *)pipe, head);
	u32 tail = BPF_CORE_READ((struct pipe_inode_info *)pipe, tail);
	u32 writers, readers;

	/* in this order: whoever moved them meanwhile is counted, or at the ledger, or has been */
	barrier();
	readers = *(volatile u32 *)&ledger->readers;
	writers = *(volatile u32 *)&ledger->writers;
	barrier();
	if (!ledger->total || readers || *(volatile u32 *)&ledger->lock)
		return;
	barrier();
	if ((tail != taken && *(volatile u32 *)&ledger->tail == taken) ||
	    (head != settled && !writers && *(volatile u32 *)&ledger->settled == settled))
		ledger->doubted = 1;
}

/* The same at the end of a write, which has moved the head itself, under the lock */
static __always_inline void find_taken(struct ledger *ledger, u64 pipe)
{
	u32 tail = BPF_CORE_READ((struct pipe_inode_info *)pipe, tail);

	barrier();
	if (!*(volatile u32 *)&ledger->readers && tail != ledger->tail)
		ledger->doubted = 1;
}

static __always_inline void begin(struct ledger *ledger)
{
	u32 misses = *(volatile u32 *)&shared.misses;

	if (ledger->misses != misses) {
		ledger->misses = misses;
		ledger->doubted = 1;
	}
}

/*
 * How much a call has written whose result does not say: of io_submit, or of one that could not write down where it
 * stopped. It is what has come in since, when nobody else was at it; else reconcile() finds it, and it is a guess.
 */
static __always_inline s64 written(struct ledger *ledger, const struct ongoing *ongoing,
				   long result)
{
	/* not in the macro: it would relocate this as if it were the kernel's */
	u64 pipe = ongoing->to_pipe;
	s64 bytes;

	if (ongoing->call == CALL_FCNTL)
		return 0;
	if (ongoing->call != CALL_AIO && !(result < 0 && moves_in_pieces(ongoing->call)))
		return result;
	if (ledger->writers || ledger->readers)
		return 0;
	bytes = occupancy(pipe);
	return bytes < 0 ? 0 : bytes - ledger->total + ledger->debt;
}

static __always_inline void finish_write(struct ledger *ledger, const struct ongoing *ongoing,
					 long result)
{
	/* as above */
	u64 pipe = ongoing->to_pipe;
	u32 bytes;

	if (!lock_ledger(ledger, pipe)) {
		leave_ledger(ledger, false);
		ledger->doubted = 1;
		return;
	}
	begin(ledger);
	leave_ledger(ledger, false);
	if (ledger->writers)
		ledger->tainted = 1;
	/* which counts anew */
	if (ongoing->call != CALL_FCNTL)
		find_taken(ledger, pipe);
	result = written(ledger, ongoing, result);
	bytes = result;
	if (result > 0) {
		s64 paid = ledger->debt < bytes ? ledger->debt : bytes;

		ledger->debt -= paid;
		bytes -= paid;
		if (bytes)
			push(ledger, ongoing->writer, bytes, ledger->tainted ? RUN_GUESS : 0);
	}
	if (!ledger->writers) {
		ledger->debt = 0;
		reconcile(ledger, pipe);
	}
	unlock_ledger(ledger);
}

/*
 * Whether the ledger does not tell whose bytes a read took that has returned: some were put in or taken unseen, by
 * io_uring perhaps, since it was reconciled. Of a packet a short read leaves nothing. Global, for its frame to lie beside
 * others.
 */
__weak __noinline int was_moved_unseen(u64 pipe, s64 result)
{
	struct ledger *ledger = bpf_map_lookup_elem(&ledgers, &pipe);
	/* first, as below */
	u32 head = BPF_CORE_READ((struct pipe_inode_info *)pipe, head);
	s64 bytes = occupancy(pipe);

	barrier();
	if (!ledger || !ledger->total || ledger->readers || ledger->writers ||
	    ledger->flags & LEDGER_PACKETS)
		return false;
	return head != ledger->settled || (bytes >= 0 && bytes + result != ledger->total);
}

/*
 * Whether a read that returned has taken nothing from this pipe: between the look at its descriptor at the
 * entry and the kernel's own, another thread made that something else.
 */
static __always_inline bool took_nothing(struct ledger *ledger, u64 pipe)
{
	/* first: whoever moves bytes meanwhile is still counted after it, for leaving takes the lock */
	s64 bytes = occupancy(pipe);

	return ledger->total && bytes >= ledger->total && !ledger->readers && !ledger->writers;
}

static __always_inline void finish_read(struct ledger *ledger, u64 pipe, long result,
					struct reading *reading)
{
	struct process nobody = {};
	u32 others, writers;

	if (!lock_ledger(ledger, pipe)) {
		leave_ledger(ledger, true);
		ledger->doubted = 1;
		if (result > 0)
			count_lost(KIND_PIPE, LOST_FAULT, 1);
		return;
	}
	begin(ledger);
	leave_ledger(ledger, true);
	others = ledger->readers;
	/* in this order: one that begins meanwhile is counted before it is named */
	reading->rest = ledger->writer;
	barrier();
	writers = *(volatile u32 *)&ledger->writers;
	if (writers > 1)
		ledger->tainted = 1;
	if (result > 0 && took_nothing(ledger, pipe)) {
		count_lost(KIND_PIPE, LOST_FAULT, 1);
		result = 0;
	}
	if (result > 0 && was_moved_unseen(pipe, result))
		ledger->doubted = 1;
	if (result > 0) {
		struct identity self = {};

		identify((void *)bpf_get_current_task(), &self);
		mention(&self, &ledger->reader);
		reading->dst = self.who;
		reading->count = result;
		if (!writers) {
			reading->rest = nobody;
		} else if (result > ledger->total) {
			/* of a writer that has not returned yet */
			ledger->debt += result - ledger->total;
			if (ledger->tainted)
				reading->rest_guess = RUN_GUESS;
		}
		/*
		 * Two readers at once: which of them got whose bytes is known only when they are all one's, and nobody
		 * has put in others whose call has not returned
		 */
		if (ledger->doubted ||
		    (others && (ledger->count > 1 || (ledger->count && ledger->writers))))
			reading->guess = RUN_GUESS;
		settle(ledger, reading);
	}
	ledger->tail = BPF_CORE_READ((struct pipe_inode_info *)pipe, tail);
	if (!ledger->writers)
		reconcile(ledger, pipe);
	else if (ledger->flags & LEDGER_PACKETS)
		ledger->doubted = 1;
	unlock_ledger(ledger);
	/* copying contents takes its time: others need the ledger meanwhile */
	if (result > 0)
		report(ledger, reading);
}

#endif
