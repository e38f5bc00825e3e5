/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Message queues, POSIX and System V: both keep a struct msg_msg for each message. Where functions are hooked it
 * is followed: load_msg makes it in the sender's call, store_msg copies it out in the receiver's, free_msg ends
 * it. With tracepoints sends and receives are told as they begin and end, and user space simulates the queue.
 */
#ifndef QUEUE_H
#define QUEUE_H
#include "calls.h"
#include "family.h"
#include "payload.h"
#include "process.h"
#include <bpf/bpf_tracing.h>

#define MAX_ERRNO 4095
#define QUEUE_CALLS 8192
#define TYPE_UNKNOWN (~0ULL)

/* A queue, and what happens in it. All 0 at first: constants would come out of a map of their own */
struct queue {
	u64 message;
	u64 type; /* its type or priority */
	u64 number;
	u32 count;
	u32 left; /* messages in it */
	u32 key;
	u32 id;
	const unsigned char *name;
};

/* A thread's call on a queue: at its return the descriptor may stand for another one */
struct queue_call {
	u64 queue;  /* its number */
	u64 object; /* of POSIX: struct file */
};

/* Those that have begun, by thread. A return without a beginning is of a call that never ran, as ongoing.h says */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, QUEUE_CALLS);
	__type(key, u32);
	__type(value, struct queue_call);
} queue_calls __weak SEC(".maps");

/* A task begins a call on a queue */
static __always_inline void begin_queue_call(struct task_struct *task, enum kind kind,
					     const struct queue *queue, struct file *file)
{
	struct queue_call call = {.queue = queue->number, .object = (u64)file};
	u32 thread = BPF_CORE_READ(task, pid);

	if (bpf_map_update_elem(&queue_calls, &thread, &call, BPF_ANY))
		count_lost(kind, LOST_MAP_FULL, 1);
}

/* The current thread's call on a queue ends; false: it has not begun */
static __always_inline bool end_queue_call(struct queue_call *call)
{
	u32 thread = bpf_get_current_pid_tgid();
	struct queue_call *begun = bpf_map_lookup_elem(&queue_calls, &thread);

	if (!begun)
		return false;
	*call = *begun;
	bpf_map_delete_elem(&queue_calls, &thread);
	return true;
}

/* Whether a message was made by this: load_msg gives an error by its address as well */
static __always_inline bool was_made(const struct msg_msg *message)
{
	return (u64)message && (u64)message < (u64)-MAX_ERRNO;
}

/* Reports what a task does */
static __always_inline void report_queue_of(struct task_struct *task, enum kind kind,
					    enum queue_phase phase, const struct queue *queue,
					    const struct user_iov *iov)
{
	bool takes = phase == QUEUE_TAKEN || phase == QUEUE_RECEIVED;
	struct identity self = {};
	struct process nobody = {};
	struct queue_record *record;
	u64 wanted = 0;

	identify(task, &self);
	if (self.who.tgid == config.own_tgid)
		return;
	announce(&self);
	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record) {
		count_lost(kind, LOST_RING_FULL, takes);
		return;
	}
	begin_event(&record->event, kind, 0, takes ? nobody : self.who, takes ? self.who : nobody,
		    queue->count);
	record->event.thread = BPF_CORE_READ(task, pid);
	record->message = queue->message;
	record->queue = queue->number;
	record->message_type = queue->type;
	record->phase = phase;
	record->left = queue->left;
	record->key = queue->key;
	record->id = queue->id;
	__builtin_memset(record->name, 0, sizeof(record->name));
	if (queue->name)
		bpf_probe_read_kernel_str(record->name, sizeof(record->name), queue->name);
	if (config.contents)
		wanted = config.max_bytes && queue->count > config.max_bytes ? config.max_bytes
									     : queue->count;
	if (takes && wanted)
		record->event.captured = capture(SCRATCH_QUEUE, iov, wanted, record->event.thread);
	bpf_ringbuf_submit(record, wakeup());
}

static __always_inline void report_queue(enum kind kind, enum queue_phase phase,
					 const struct queue *queue, const struct user_iov *iov)
{
	report_queue_of((void *)bpf_get_current_task(), kind, phase, queue, iov);
}

/* The message's bytes where the kernel has them */
static __always_inline void iov_of_message_taken(struct user_iov *iov,
						 const struct msg_msg *message)
{
	u64 room = PAGE_BYTES - bpf_core_type_size(struct msg_msg);

	iov->kind = IOV_MESSAGE;
	iov->base = (u64)message + bpf_core_type_size(struct msg_msg);
	iov->segments = (u64)BPF_CORE_READ(message, next);
	iov->length = iov->segments ? room : BPF_CORE_READ(message, m_ts);
	iov->segment_count = -1;
}

#endif
