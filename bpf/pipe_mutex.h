/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Pipes in the function back ends. Whatever moves bytes through a pipe holds the pipe's mutex, so at
 * its mutex_unlock the difference between what is in the pipe and what the ledger says was moved by
 * the current task, exactly, be it by read, write, splice, tee, vmsplice, sendfile or io_uring. The
 * entry hooks only make a pipe known and remember where a reader's bytes will be.
 */
#ifndef PIPE_MUTEX_H
#define PIPE_MUTEX_H
#include "syscall.h"
#include "consume.h"

#define OPERATIONS 16384

/* A read or write under way in a function back end */
struct operation {
	u64 pipe;
	u64 task;
	u64 iter;
	u64 count; /* bytes asked for */
	u64 reads;
	struct user_iov iov;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, OPERATIONS);
	__type(key, u32);
	__type(value, struct operation);
} operations SEC(".maps");

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
		iov_of_iter(&operation.iov, iter);
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
	u64 address = scalar(pipe);

	if (!bpf_map_delete_elem(&ledgers, &address))
		__sync_fetch_and_add(mark_of(address), -1);
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
static __always_inline void iov_of_read(struct user_iov *iov, enum call call, u64 address, u64 size,
					bool compat)
{
	if (call == CALL_READ) {
		iov->kind = IOV_BUFFER;
		iov->base = address;
		iov->length = size;
	} else if (call == CALL_READV) {
		iov->kind = compat ? IOV_COMPAT_SEGMENTS : IOV_USER_SEGMENTS;
		iov->segments = address;
		iov->segment_count = size;
	}
}

/* The same for a read whose entry no hook saw: it began before, or the program was skipped */
static __always_inline void iov_of_current(struct user_iov *iov, u64 pipe)
{
	struct pt_regs *regs = current_regs();
	bool compat = in_compat_call();
	enum call call = call_of(call_number(regs), compat);
	struct file *file;

	if (call != CALL_READ && call != CALL_READV)
		return;
	file = file_of(argument(regs, 0, compat));
	if (file && (u64)BPF_CORE_READ(file, private_data) == pipe)
		iov_of_read(iov, call, argument(regs, 1, compat), argument(regs, 2, compat),
			    compat);
}

static __always_inline int on_unlock(u64 pipe)
{
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
	if (!moved) {
		/* F_SETPIPE_SZ counts anew */
		ledger->head = BPF_CORE_READ((struct pipe_inode_info *)pipe, head);
		return 0;
	}
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
			reading.iov = operation->iov;
		} else if (config.contents) {
			iov_of_current(&reading.iov, pipe);
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
	return and_who(0);
}

/* The lower half of an address that the verifier allows no arithmetic on: it is no pointer any more */
static __always_inline u32 lower_half(const void *typed)
{
	u64 half;

	asm volatile("r3 = %1; w3 = w3; %0 = r3" : "=r"(half) : "r"(typed) : "r3");
	return half;
}

/* Any mutex's: most are no pipe's, and whoever has them pays for each step here */
static __always_inline int on_mutex_unlock(struct mutex *lock)
{
	u32 offset = bpf_core_field_offset(struct pipe_inode_info, mutex);

	if (!*mark_of(lower_half(lock) - offset))
		return 0;
	return on_unlock((u64)lock - offset);
}

#endif
