/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Pseudoterminals: one event per write system call to either side, at its return, or per request of
 * io_uring at its completion. What is written to the master goes to the foreground process group,
 * what is written to the slave to the process that read the master last. The line discipline's echo
 * is no system call, and so no event.
 */
#include "calls.h"
#include "completion.h"
#include "pty_reader.h"

ANCHOR(struct, pty_record);

/* Begins a write; NULL: there is no map */
static __always_inline struct pty_search *new_search(u32 via_uring)
{
	struct pty_search *search = bpf_map_lookup_elem(&searches, &via_uring);

	if (search)
		__builtin_memset(search, 0, sizeof(*search));
	return search;
}

static __always_inline bool is_slave(struct tty_struct *tty)
{
	return driver_subtype(BPF_CORE_READ(tty, driver)) == PTY_TYPE_SLAVE;
}

/* Reports what a task wrote to one side of a terminal. Global, for its frame to lie beside find_reader's */
__noinline int report_write(u64 side, u64 task, u32 count, u32 flags, u32 via_uring)
{
	struct pty_search *search = bpf_map_lookup_elem(&searches, &via_uring);
	struct tty_struct *tty = (void *)side, *other, *slave;
	struct identity self = {};
	bool to_master;
	struct process dst;
	struct pty_record *record;
	struct pid *session;

	if (!search || !has_traced(FAMILY_PTY))
		return 0;
	to_master = is_slave(tty);
	other = BPF_CORE_READ(tty, link);
	slave = to_master ? tty : other;
	if (to_master)
		flags |= PTY_TO_MASTER;
	session = session_of(slave);
	dst = search->reader;
	identify((struct task_struct *)task, &self);
	if (self.who.tgid == config.own_tgid || dst.tgid == config.own_tgid)
		return 0;
	if (!admit(&self, &dst))
		return 0;
	announce(&self);
	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record) {
		count_lost(KIND_PTY, LOST_RING_FULL, 1);
		return 0;
	}
	begin_event(&record->event, KIND_PTY, flags, self.who, dst, count);
	record->master = to_master ? (u64)other : (u64)tty;
	record->index = BPF_CORE_READ(slave, index);
	record->device = instance_of(slave);
	record->reserved = 0;
	record->session = 0;
	if (session)
		record->session = config.pid_namespace ? number_here((u64)session)
						       : BPF_CORE_READ(session, numbers[0].nr);
	record->event.captured = capture(via_uring ? SCRATCH_REQUEST : SCRATCH_CALL, &search->iov,
					 wanted_of(count), record->event.thread);
	bpf_ringbuf_submit(record, wakeup());
	return 0;
}

/* A task wrote `count` bytes to one side of a terminal, which are where `searches` says */
static __always_inline int on_write(struct tty_struct *tty, struct task_struct *task, u32 count,
				    u32 via_uring)
{
	u64 other = (u64)BPF_CORE_READ(tty, link);
	bool to_master = is_slave(tty);
	int guess = find_reader(to_master ? (u64)tty : other, other, to_master, via_uring);

	return report_write((u64)tty, (u64)task, count, guess ? EVENT_DST_GUESS : 0, via_uring);
}

/* A request of io_uring at a terminal completed */
__noinline int pty_completed(u64 address)
{
	struct completion *completion = current_completion();
	struct pty_search *search = new_search(true);
	struct tty_struct *tty;

	if (!serves(FAMILY_PTY) || !completion || !completion->result || !search)
		return 0;
	tty = tty_of((struct file *)address);
	if (tty && sends(completion->opcode)) {
		iov_of_completion(&search->iov, completion);
		on_write(tty, completion->task, completion->result, true);
	} else if (receives(completion->opcode) && is_master(tty)) {
		remember((u64)tty, address, (u64)completion->task, false);
	}
	return 0;
}

__noinline int pty_opened(u64 file)
{
	struct tty_struct *tty;

	if (!has_traced(FAMILY_PTY))
		return 0;
	tty = tty_of((struct file *)file);
	if (is_master(tty))
		remember((u64)tty, file, bpf_get_current_task(), true);
	return 0;
}

/* Whoever closes a master holds it no longer */
__noinline int pty_closed(u64 file)
{
	struct holder *holder;
	u64 key;

	if (!has_traced(FAMILY_PTY))
		return 0;
	key = (u64)tty_of((struct file *)file);
	holder = key ? bpf_map_lookup_elem(&holders, &key) : NULL;
	if (holder && holder->who.tgid == bpf_get_current_pid_tgid() >> 32)
		bpf_map_delete_elem(&holders, &key);
	return 0;
}

__noinline int pty_received(u64 file, s64 result)
{
	struct tty_struct *tty;

	if (!has_traced(FAMILY_PTY) || result <= 0)
		return 0;
	tty = tty_of((struct file *)file);
	if (is_master(tty))
		remember((u64)tty, file, bpf_get_current_task(), false);
	return 0;
}

__noinline int pty_sent(u64 file, s64 result)
{
	struct ongoing *ongoing = current_ongoing();
	struct pty_search *search = new_search(false);
	struct tty_struct *tty;

	if (!serves(FAMILY_PTY) || !ongoing || !search)
		return 0;
	tty = tty_of((struct file *)file);
	/* what is typed into a side, a byte, is what comes from the other */
	if (tty && ongoing->call == CALL_IOCTL) {
		tty = BPF_CORE_READ(tty, link);
		result = !result;
	}
	if (!tty || result <= 0)
		return 0;
	iov_of_call(&search->iov, ongoing);
	return on_write(tty, (void *)bpf_get_current_task(), result, false);
}

/* The current process gave to one what an iterator has passed, or a splice (0), or typed the byte at an address (TIOCSTI) */
__noinline int pty_written(u64 file, u64 from, s64 result, u32 typed)
{
	struct pty_search *search = new_search(false);
	struct tty_struct *tty;

	if (!has_traced(FAMILY_PTY) || result <= 0 || !search)
		return 0;
	tty = tty_of((struct file *)file);
	if (tty && typed)
		tty = BPF_CORE_READ(tty, link);
	if (!tty)
		return 0;
	if (typed) {
		search->iov.kind = IOV_BUFFER;
		search->iov.base = from;
		search->iov.length = 1;
	} else if (from && config.contents) {
		iov_of_passed(&search->iov, (struct iov_iter *)from, result);
	}
	return on_write(tty, (void *)bpf_get_current_task(), result, false);
}
