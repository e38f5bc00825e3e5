/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Pipes and FIFOs.
 *
 * Function back ends: whatever moves bytes through a pipe holds the pipe's mutex, so at its
 * mutex_unlock the difference between what is in the pipe and what the ledger says was moved by the
 * current task, exactly, be it by read, write, splice, tee, vmsplice, sendfile or io_uring. The
 * entry hooks only make a pipe known and remember where a reader's bytes will be.
 *
 * Tracepoint back end: sys_enter counts the writes and reads under way, sys_exit moves the bytes.
 * Exact while writes do not overlap; where they do, the runs carry RUN_GUESS.
 */
#include "ledger.h"
#include "syscall.h"
#include <bpf/bpf_tracing.h>

#define OPERATIONS 16384
#define LOCK_TRIES 512
#define LOCK_ROUNDS 256

char LICENSE[] SEC("license") = "Dual MIT/GPL";
ANCHOR(struct, name_record);
ANCHOR(struct, path_record);
ANCHOR(struct, pipe_record);
ANCHOR(struct, runs_record);
ANCHOR(struct, run);
ANCHOR(struct, chunk_record);
ANCHOR(struct, ledger);
ANCHOR(enum, record_type);
ANCHOR(enum, kind);
ANCHOR(enum, lost_reason);
ANCHOR(enum, run_flags);
ANCHOR(enum, event_flags);
ANCHOR(struct, event_record);

/* A read or write under way in a function back end */
struct operation {
	u64 pipe;
	u64 task;
	u64 iter;
	u64 count; /* bytes asked for */
	u64 reads;
	struct source source;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, OPERATIONS);
	__type(key, u32);
	__type(value, struct operation);
} operations SEC(".maps");

/* A system call under way in the tracepoint back end: what it reads from and writes to, 0 for neither */
struct transfer {
	u64 from;
	u64 to;
	struct process who;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, OPERATIONS);
	__type(key, u32);
	__type(value, struct transfer);
} transfers SEC(".maps");

/* bpf_spin_lock is refused in raw tracepoints, and so are value-returning atomics on 5.10 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u64);
	__type(value, u32);
} locks SEC(".maps");

/* --- function back ends --- */

/* The task whose work the current one does */
static __always_inline struct task_struct *task_of(struct kiocb *kiocb)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct io_kiocb___task *request = (void *)kiocb;

	/* 5.10's io_uring works in kernel threads; since 5.12 they are threads of the process itself:
	 * 3bfe6106693b ("io-wq: fork worker threads from original task") */
	if ((BPF_CORE_READ(task, flags) & PF_KTHREAD) && bpf_core_field_exists(request->task))
		return BPF_CORE_READ(request, task);
	return task;
}

static __always_inline int on_io(struct kiocb *kiocb, struct iov_iter *iter, bool reads)
{
	u32 thread = bpf_get_current_pid_tgid();
	struct operation operation = {};

	if (!ledger_of(BPF_CORE_READ(kiocb, ki_filp), &operation.pipe)) {
		if (reads)
			count_lost(KIND_PIPE, LOST_MAP_FULL, 1);
		return 0;
	}
	operation.task = (u64)task_of(kiocb);
	operation.iter = (u64)iter;
	operation.count = BPF_CORE_READ(iter, count);
	operation.reads = reads;
	if (reads && config.contents)
		source_of_iter(&operation.source, iter);
	bpf_map_update_elem(&operations, &thread, &operation, BPF_ANY);
	return 0;
}

static __always_inline int on_file(struct file *file)
{
	u32 thread = bpf_get_current_pid_tgid();
	u64 pipe;

	if (!file || !is_pipe(file))
		return 0;
	ledger_of(file, &pipe);
	bpf_map_delete_elem(&operations, &thread);
	return 0;
}

static __always_inline int on_free(struct pipe_inode_info *pipe)
{
	u64 address = (u64)pipe;

	bpf_map_delete_elem(&ledgers, &address);
	return 0;
}

/* How much of an operation is done by now */
static __always_inline u64 progress(struct operation *operation)
{
	struct iov_iter *iter = (void *)operation->iter;
	u64 left = BPF_CORE_READ(iter, count);

	return left < operation->count ? operation->count - left : 0;
}

/* Where a read system call puts what it reads */
static __always_inline void source_of_read(struct source *source, enum call call, struct pt_regs *regs,
					   bool compat)
{
	if (call == CALL_READ) {
		source->kind = SOURCE_BUFFER;
		source->base = argument(regs, 1, compat);
		source->length = argument(regs, 2, compat);
	} else if (call == CALL_READV) {
		source->kind = compat ? SOURCE_COMPAT_SEGMENTS : SOURCE_USER_SEGMENTS;
		source->segments = argument(regs, 1, compat);
		source->segment_count = argument(regs, 2, compat);
	}
}

/* The same for a read whose entry no hook saw: it began before, or the program was skipped */
static __always_inline void source_of_current(struct source *source, u64 pipe)
{
	struct pt_regs *regs = current_regs();
	bool compat = in_compat_call();
	enum call call = call_of(BPF_CORE_READ(regs, orig_ax), compat);
	struct file *file;

	if (call != CALL_READ && call != CALL_READV)
		return;
	file = file_of(argument(regs, 0, compat));
	if (file && (u64)BPF_CORE_READ(file, private_data) == pipe)
		source_of_read(source, call, regs, compat);
}

static __always_inline int on_unlock(struct mutex *lock)
{
	u64 pipe = (u64)lock - bpf_core_field_offset(struct pipe_inode_info, mutex);
	struct ledger *ledger = bpf_map_lookup_elem(&ledgers, &pipe);
	struct task_struct *task = (void *)bpf_get_current_task();
	struct operation *operation;
	struct identity self = {};
	struct reading reading = {};
	s64 moved, bytes, done = 0;

	if (!ledger)
		return 0;
	reading.thread = bpf_get_current_pid_tgid();
	operation = bpf_map_lookup_elem(&operations, &reading.thread);
	if (operation && operation->pipe != pipe)
		operation = NULL;
	if (operation) {
		done = progress(operation);
		task = (void *)operation->task;
	}
	bytes = occupancy(ledger->pipe);
	if (bytes < 0) /* too many slots to walk: the iterator alone tells */
		bytes = operation && operation->reads ? ledger->total - done : ledger->total + done;
	if ((ledger->flags & LEDGER_FRESH) && operation) {
		u32 before = operation->reads ? bytes + done : bytes - done;

		empty(ledger);
		if (before)
			push(ledger, reading.rest, before, 0);
	}
	ledger->flags &= ~LEDGER_FRESH;
	moved = bytes - ledger->total;
	if (!moved)
		return 0;
	identify(task, &self);
	if (moved > 0) {
		mention(&self, &ledger->writer);
		/* a program was skipped: part of this is somebody else's */
		if (operation && !operation->reads && done != moved)
			ledger->tainted = 1;
		push(ledger, self.who, moved, ledger->tainted ? RUN_GUESS : 0);
	} else {
		moved = -moved;
		mention(&self, &ledger->reader);
		reading.dst = self.who;
		reading.count = moved;
		reading.guess = ledger->tainted ? RUN_GUESS : 0;
		if (operation && operation->reads && done && done <= moved) {
			/* more than that left it when the buffer was too small for a packet */
			reading.count = done;
			reading.source = operation->source;
		} else if (config.contents) {
			source_of_current(&reading.source, pipe);
		}
		settle(ledger, &reading);
		report(ledger, &reading);
		if (moved > reading.count)
			drop(ledger, moved - reading.count);
		if (!bytes)
			ledger->tainted = 0;
	}
	if (operation)
		operation->count -= done;
	return 0;
}

#define FUNCTION_HOOKS(backend)                                                                    \
	SEC("?" #backend "/pipe_read")                                                             \
	int BPF_HOOK_##backend(pipe_read__##backend, struct kiocb *kiocb, struct iov_iter *to)     \
	{                                                                                          \
		return on_io(kiocb, to, true);                                                     \
	}                                                                                          \
	SEC("?" #backend "/pipe_write")                                                            \
	int BPF_HOOK_##backend(pipe_write__##backend, struct kiocb *kiocb, struct iov_iter *from)  \
	{                                                                                          \
		return on_io(kiocb, from, false);                                                  \
	}                                                                                          \
	SEC("?" #backend "/mutex_unlock")                                                          \
	int BPF_HOOK_##backend(pipe_unlock__##backend, struct mutex *lock)                         \
	{                                                                                          \
		return on_unlock(lock);                                                            \
	}                                                                                          \
	SEC("?" #backend "/free_pipe_info")                                                        \
	int BPF_HOOK_##backend(pipe_free__##backend, struct pipe_inode_info *pipe)                 \
	{                                                                                          \
		return on_free(pipe);                                                              \
	}                                                                                          \
	SEC("?" #backend "/do_splice")                                                             \
	int BPF_HOOK_##backend(pipe_splice__##backend, struct file *in, void *in_offset,           \
			       struct file *out)                                                   \
	{                                                                                          \
		on_file(in);                                                                       \
		return on_file(out);                                                               \
	}                                                                                          \
	SEC("?" #backend "/do_tee")                                                                \
	int BPF_HOOK_##backend(pipe_tee__##backend, struct file *in, struct file *out)             \
	{                                                                                          \
		on_file(in);                                                                       \
		return on_file(out);                                                               \
	}                                                                                          \
	SEC("?" #backend "/do_sendfile")                                                           \
	int BPF_HOOK_##backend(pipe_sendfile__##backend, int out)                                  \
	{                                                                                          \
		return on_file(file_of(out));                                                      \
	}                                                                                          \
	SEC("?" #backend "/__x64_sys_vmsplice")                                                    \
	int BPF_HOOK_##backend(pipe_vmsplice__##backend, struct pt_regs *regs)                     \
	{                                                                                          \
		return on_file(file_of(argument(regs, 0, false)));                                 \
	}

#define BPF_HOOK_fentry BPF_PROG
#define BPF_HOOK_kprobe BPF_KPROBE
FUNCTION_HOOKS(fentry)
FUNCTION_HOOKS(kprobe)

/* --- tracepoint back end --- */

/* 0: locked. Global, for the verifier to go through the loop once */
__noinline int try_lock(u64 pipe)
{
	u32 held = 1;

	for (int i = 0; i < LOCK_TRIES; i++)
		if (!bpf_map_update_elem(&locks, &pipe, &held, BPF_NOEXIST))
			return 0;
	return -1;
}

/*
 * The holder needs a microsecond, but a hypervisor may take its CPU away meanwhile: some
 * milliseconds of patience, then the event is counted lost.
 */
static __always_inline bool lock_ledger(u64 pipe)
{
	for (int i = 0; i < LOCK_ROUNDS; i++)
		if (!try_lock(pipe))
			return true;
	return false;
}

static __always_inline void unlock_ledger(u64 pipe)
{
	bpf_map_delete_elem(&locks, &pipe);
}

/* The descriptors a call takes from and gives to; -1: none */
static __always_inline void descriptors(enum call call, struct pt_regs *regs, bool compat, int *from,
					int *to)
{
	int fd = argument(regs, 0, compat);

	switch (call) {
	case CALL_READ:
	case CALL_READV:
		*from = fd;
		break;
	case CALL_WRITE:
	case CALL_WRITEV:
	case CALL_SENDFILE:
		*to = fd;
		break;
	case CALL_SPLICE:
		*from = fd;
		*to = argument(regs, 2, compat);
		break;
	case CALL_TEE:
		*to = argument(regs, 1, compat);
		break;
	case CALL_VMSPLICE: {
		struct file *file = file_of(fd);

		if (file && (BPF_CORE_READ(file, f_mode) & FMODE_WRITE))
			*to = fd;
		else
			*from = fd;
		break;
	}
	default:
		break;
	}
}

static __always_inline struct ledger *enter_pipe(int fd, u64 *pipe)
{
	struct file *file = fd < 0 ? NULL : file_of(fd);
	struct ledger *ledger;

	*pipe = 0;
	if (!file || !is_pipe(file))
		return NULL;
	ledger = ledger_of(file, pipe);
	if (!ledger)
		*pipe = 0;
	else if (BPF_CORE_READ(file, f_flags) & O_DIRECT)
		ledger->flags |= LEDGER_PACKETS;
	return ledger;
}

static __always_inline void leave(u64 pipe, bool reads)
{
	struct ledger *ledger = pipe ? bpf_map_lookup_elem(&ledgers, &pipe) : NULL;

	if (!ledger)
		return;
	if (reads)
		__sync_fetch_and_add(&ledger->readers, -1);
	else
		__sync_fetch_and_add(&ledger->writers, -1);
}

SEC("?tp_btf/sys_enter")
int BPF_PROG(pipe_enter__tracepoint, struct pt_regs *regs, long number)
{
	bool compat = in_compat_call();
	enum call call = call_of(number, compat);
	struct transfer transfer = {}, *stale;
	struct ledger *from, *to;
	int from_fd = -1, to_fd = -1;
	struct identity self = {};
	u32 thread;

	if (call == CALL_OTHER || call > CALL_VMSPLICE)
		return 0;
	descriptors(call, regs, compat, &from_fd, &to_fd);
	from = enter_pipe(from_fd, &transfer.from);
	to = enter_pipe(to_fd, &transfer.to);
	/* not the pointers: clang would or them, which the verifier forbids */
	if (!transfer.from && !transfer.to)
		return 0;
	thread = bpf_get_current_pid_tgid();
	stale = bpf_map_lookup_elem(&transfers, &thread);
	if (stale) {
		/* its sys_exit was skipped */
		leave(stale->from, true);
		leave(stale->to, false);
	}
	if (from)
		__sync_fetch_and_add(&from->readers, 1);
	if (to) {
		identify((void *)bpf_get_current_task(), &self);
		mention(&self, &to->writer);
		to->writer = self.who;
		transfer.who = self.who;
		__sync_fetch_and_add(&to->writers, 1);
	}
	if (bpf_map_update_elem(&transfers, &thread, &transfer, BPF_ANY)) {
		leave(transfer.from, true);
		leave(transfer.to, false);
	}
	return 0;
}

/* When nobody moves anything, what is in the pipe is what the ledger must say */
static __always_inline void reconcile(struct ledger *ledger, u64 pipe)
{
	struct process nobody = {};
	s64 bytes = occupancy(pipe);

	if (ledger->writers || bytes < 0)
		return;
	if (bytes > ledger->total) {
		/* by io_uring, perhaps: where among the others they are, nobody can tell */
		ledger->doubted = 1;
		push(ledger, nobody, bytes - ledger->total, RUN_GUESS);
	}
	if (!bytes)
		ledger->tainted = 0;
	if (ledger->readers)
		return;
	if (bytes < ledger->total)
		drop(ledger, ledger->total - bytes);
	if (!bytes)
		empty(ledger);
}

static __always_inline void begin(struct ledger *ledger)
{
	u32 misses = *(volatile u32 *)&shared.misses;

	if (ledger->misses != misses) {
		ledger->misses = misses;
		ledger->doubted = 1;
	}
}

static __always_inline void finish_write(struct ledger *ledger, struct transfer *transfer, bool counted,
					 long result)
{
	u64 pipe = transfer->to;
	u32 bytes = result;

	if (!lock_ledger(pipe)) {
		leave(counted ? pipe : 0, false);
		ledger->doubted = 1;
		return;
	}
	begin(ledger);
	leave(counted ? pipe : 0, false);
	if (ledger->writers || !counted)
		ledger->tainted = 1;
	if (result > 0) {
		s64 paid = ledger->debt < bytes ? ledger->debt : bytes;

		ledger->debt -= paid;
		bytes -= paid;
		if (bytes)
			push(ledger, transfer->who, bytes, ledger->tainted ? RUN_GUESS : 0);
	}
	if (!ledger->writers) {
		ledger->debt = 0;
		reconcile(ledger, pipe);
	}
	unlock_ledger(pipe);
}

static __always_inline void finish_read(struct ledger *ledger, struct transfer *transfer, bool counted,
					long result, struct reading *reading)
{
	u64 pipe = transfer->from;
	u32 others;

	if (!lock_ledger(pipe)) {
		leave(counted ? pipe : 0, true);
		ledger->doubted = 1;
		if (result > 0)
			count_lost(KIND_PIPE, LOST_FAULT, 1);
		return;
	}
	begin(ledger);
	leave(counted ? pipe : 0, true);
	others = ledger->readers;
	if (ledger->writers > 1)
		ledger->tainted = 1;
	if (result > 0) {
		struct identity self = {};

		identify((void *)bpf_get_current_task(), &self);
		mention(&self, &ledger->reader);
		reading->dst = self.who;
		reading->count = result;
		if (result > ledger->total && ledger->writers) {
			/* a writer that has not returned yet */
			ledger->debt += result - ledger->total;
			reading->rest = ledger->writer;
			if (ledger->tainted)
				reading->rest_guess = RUN_GUESS;
		}
		/* two readers at once: which of them got whose bytes is known only when they are all one's */
		if (ledger->doubted || (others && (ledger->count > 1 || (ledger->count && reading->rest.tgid))))
			reading->guess = RUN_GUESS;
		settle(ledger, reading);
	}
	if (!ledger->writers)
		reconcile(ledger, pipe);
	else if (ledger->flags & LEDGER_PACKETS)
		ledger->doubted = 1;
	unlock_ledger(pipe);
	/* copying contents takes its time: others need the ledger meanwhile */
	if (result > 0)
		report(ledger, reading);
}

SEC("?tp_btf/sys_exit")
int BPF_PROG(pipe_exit__tracepoint, struct pt_regs *regs, long result)
{
	bool compat = in_compat_call();
	enum call call = call_of(BPF_CORE_READ(regs, orig_ax), compat);
	u32 thread = bpf_get_current_pid_tgid();
	struct transfer transfer = {}, *known;
	struct reading reading = {};
	struct ledger *ledger;
	int from_fd = -1, to_fd = -1;

	if (call == CALL_OTHER || call > CALL_VMSPLICE)
		return 0;
	known = bpf_map_lookup_elem(&transfers, &thread);
	if (known) {
		transfer = *known;
		bpf_map_delete_elem(&transfers, &thread);
	} else {
		/* entered before tracing began, or not a pipe at all */
		if (result <= 0)
			return 0;
		descriptors(call, regs, compat, &from_fd, &to_fd);
		enter_pipe(from_fd, &transfer.from);
		if (enter_pipe(to_fd, &transfer.to)) {
			struct identity self = {};

			identify((void *)bpf_get_current_task(), &self);
			announce(&self);
			transfer.who = self.who;
		}
	}
	if (transfer.from) {
		ledger = bpf_map_lookup_elem(&ledgers, &transfer.from);
		reading.thread = thread;
		source_of_read(&reading.source, call, regs, compat);
		if (ledger)
			finish_read(ledger, &transfer, known, result, &reading);
	}
	if (transfer.to) {
		ledger = bpf_map_lookup_elem(&ledgers, &transfer.to);
		if (ledger)
			finish_write(ledger, &transfer, known, result);
	}
	return 0;
}
