/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Pseudoterminals: one event per write system call to either side, at its return, or per request of
 * io_uring at its completion. What is written to the master goes to the foreground process group,
 * what is written to the slave to the process that read the master last. The line discipline's echo
 * is no system call, and so no event.
 */
#include "calls.h"
#include "completion.h"
#include "pty_begun.h"

ANCHOR(struct, pty_record);

/* Begins a write; NULL: there is no map */
static __always_inline struct pty_search *new_search(u32 via_uring)
{
	struct pty_search *search = bpf_map_lookup_elem(&searches, &via_uring);

	if (search)
		__builtin_memset(search, 0, sizeof(*search));
	return search;
}

/* Reports what a task wrote to one side of a terminal. Global, for its frame to lie beside find_reader's */
__noinline int report_write(u64 side, u64 task, u32 count, u32 flags, u32 via_uring)
{
	struct pty_search *search = bpf_map_lookup_elem(&searches, &via_uring);
	struct tty_struct *tty = (void *)side, *other, *slave;
	struct identity self = {};
	struct process dst = {};
	struct pty_record *record;
	bool to_master;
	u32 end = 0;

	if (!search || !has_traced(FAMILY_PTY))
		return 0;
	to_master = is_slave(tty);
	other = BPF_CORE_READ(tty, link);
	slave = to_master ? tty : other;
	if (to_master)
		flags |= PTY_TO_MASTER;
	/* of an open event only who may be expected */
	if (search->beginning.line)
		flags |= EVENT_OPEN;
	else
		dst = search->reader;
	if (!search->beginning.line)
		lose_end((u64)other);
	identify((struct task_struct *)task, &self);
	if (self.who.tgid == config.own_tgid || search->reader.tgid == config.own_tgid)
		return 0;
	if (!admit(&self, &dst))
		return 0;
	announce(&self);
	if (search->beginning.line)
		end = find_end((u64)other, &search->beginning, count);
	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record) {
		count_lost(KIND_PTY, LOST_RING_FULL, 1);
		return 0;
	}
	begin_event(&record->event, KIND_PTY, flags, self.who, dst, count);
	record->event.dst = search->reader;
	record->line = search->beginning.line;
	record->position = search->beginning.position;
	record->end = end;
	record->reserved = 0;
	record->master = to_master ? (u64)other : (u64)tty;
	record->index = BPF_CORE_READ(slave, index);
	record->device = instance_of(slave);
	record->session = search->session;
	record->event.captured = capture(via_uring ? SCRATCH_REQUEST : SCRATCH_CALL, &search->iov,
					 wanted_of(count), record->event.thread);
	bpf_ringbuf_submit(record, wakeup());
	return 0;
}

/* A task wrote `count` bytes to one side of a terminal, which are where `search` says */
static __always_inline int on_write(struct pty_search *search, struct tty_struct *tty,
				    struct task_struct *task, u32 count, u32 via_uring)
{
	int guess = search_reader(search, tty, via_uring);

	if (!via_uring)
		guess = settle_reader(search, tty, guess);
	return report_write((u64)tty, (u64)task, count, guess ? EVENT_DST_GUESS : 0, via_uring);
}

/* A task has read so much at one side */
static __always_inline void on_read(struct tty_struct *tty, u64 file, u64 task, u32 count, s32 fd)
{
	remember((u64)tty, file, task, false, fd);
	line_read((u64)tty, task, count);
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
		on_write(search, tty, completion->task, completion->result, true);
	} else if (tty && receives(completion->opcode)) {
		on_read(tty, address, (u64)completion->task, completion->result, UNSURE);
	}
	return 0;
}

static __always_inline void forget_holder(struct tty_struct *tty)
{
	u64 side = (u64)tty;

	bpf_map_delete_elem(&holders, &side);
}

__noinline int pty_opened(u64 file, s32 fd)
{
	struct tty_struct *tty;

	if (!has_traced(FAMILY_PTY))
		return 0;
	tty = tty_of((struct file *)file);
	if (!is_master(tty))
		return 0;
	forget_lines(tty);
	forget_holder(BPF_CORE_READ(tty, link));
	remember((u64)tty, file, bpf_get_current_task(), true, fd);
	return 0;
}

/* Whoever closes a side holds it no longer */
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
	struct ongoing *ongoing = current_ongoing();
	struct tty_struct *tty;
	s32 fd = UNSURE;

	if (!has_traced(FAMILY_PTY) || result <= 0)
		return 0;
	tty = tty_of((struct file *)file);
	if (by_functions(FAMILY_PTY))
		fd = HELD;
	else if (ongoing)
		fd = ongoing->from_fd;
	if (tty)
		on_read(tty, file, bpf_get_current_task(), result, fd);
	return 0;
}

/* What a file is written to, or typed into, which comes from its other side then; NULL: it is no pseudoterminal */
static __always_inline struct tty_struct *written_side(u64 file, bool typed)
{
	struct tty_struct *tty = tty_of((struct file *)file);

	return tty && typed ? BPF_CORE_READ(tty, link) : tty;
}

/* A task's call begins to write to a terminal */
__noinline int pty_begun(u64 task, u32 thread)
{
	struct ongoing *ongoing = ongoing_of(thread);
	struct tty_struct *tty;

	if (!serves(FAMILY_PTY) || !ongoing)
		return 0;
	tty = written_side(ongoing->to, ongoing->call == CALL_IOCTL);
	return tty ? begin_write(tty, thread) : 0;
}

__noinline int pty_sent(u64 file, s64 result)
{
	struct ongoing *ongoing = current_ongoing();
	struct pty_search *search = new_search(false);
	struct tty_struct *tty;

	if (!serves(FAMILY_PTY) || !ongoing || !search)
		return 0;
	tty = written_side(file, ongoing->call == CALL_IOCTL);
	/* it is a byte that is typed */
	if (ongoing->call == CALL_IOCTL)
		result = !result;
	if (!tty || result <= 0)
		return 0;
	iov_of_call(&search->iov, ongoing);
	on_write(search, tty, (void *)bpf_get_current_task(), result, false);
	forget_write();
	return 0;
}

/* The current thread begins to write to one, or to type into it */
__noinline int pty_write_begins(u64 file, u32 typed)
{
	struct tty_struct *tty;

	if (!has_traced(FAMILY_PTY))
		return 0;
	tty = written_side(file, typed);
	return tty ? begin_write(tty, bpf_get_current_pid_tgid()) : 0;
}

/* The current process gave to one what an iterator has passed, or a splice (0), or typed the byte at an address (TIOCSTI) */
__noinline int pty_written(u64 file, u64 from, s64 result, u32 typed)
{
	struct pty_search *search = new_search(false);
	struct tty_struct *tty;

	if (!has_traced(FAMILY_PTY) || result <= 0 || !search)
		return 0;
	tty = written_side(file, typed);
	if (!tty)
		return 0;
	if (typed) {
		search->iov.kind = IOV_BUFFER;
		search->iov.base = from;
		search->iov.length = 1;
	} else if (from && config.contents) {
		iov_of_passed(&search->iov, (struct iov_iter *)from, result);
	}
	on_write(search, tty, (void *)bpf_get_current_task(), result, false);
	forget_write();
	return 0;
}
