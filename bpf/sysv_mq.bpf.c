/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* System V message queues; what they have in common with others is in queue.h */
#include "queue.h"

#define IPC_MSG_IDS 1
#define MSG_COPY 040000
#define IPC_MSGSND 11
#define IPC_MSGRCV 12
#define RADIX_BITS 6
#define RADIX_LEVELS 4
/* an id's index in the table; what is above counts how often that was used again */
#define INDEX_BITS 15

/* The bits of a namespace's number that are part of a queue's, which is exact in a double then */
#define SPACE_BITS 21

/* What a call does, where its first argument says so as well; CALL_OTHER: nothing to queues */
static __always_inline enum call operation_of(struct pt_regs *regs, enum call call)
{
	u32 operation;

	if (call != CALL_IPC)
		return call;
	operation = (u16)argument(regs, 0, true);
	return operation == IPC_MSGSND	 ? CALL_MSGSND
	       : operation == IPC_MSGRCV ? CALL_MSGRCV
					 : CALL_OTHER;
}

/* The n-th argument of msgsnd or msgrcv, by ipc one later, but for the pointer, which is the fifth there */
static __always_inline u64 argument_of(struct pt_regs *regs, bool compat, enum call call, u32 n)
{
	u64 value, operation;
	u32 buffer = 0;

	if (call != CALL_IPC)
		return argument(regs, n, compat);
	value = argument(regs, n == 0 ? 1 : n == 1 ? 4 : n == 2 ? 2 : 3, compat);
	operation = argument(regs, 0, compat);
	if (n != 1 || operation != IPC_MSGRCV)
		return value;
	/* in its first version a receive finds buffer and type in memory */
	bpf_probe_read_user(&buffer, sizeof(buffer), (void *)value);
	return buffer;
}

static __always_inline u64 queue_argument(enum call call, u32 n)
{
	return argument_of(current_regs(), in_compat_call(), call, n);
}

static __always_inline enum call queue_call(enum call call)
{
	return operation_of(current_regs(), call);
}

/* The queue with this id in an IPC namespace; global, to be verified once */
__weak __noinline u64 find_queue(u64 address, u32 id)
{
	struct ipc_namespace *space = (void *)address;
	u64 entry = (u64)BPF_CORE_READ(space, ids[IPC_MSG_IDS].ipcs_idr.idr_rt.xa_head);
	u32 index = id & ((1 << INDEX_BITS) - 1);

	for (u32 i = 0; i < RADIX_LEVELS; i++) {
		struct xa_node *node = (void *)(entry & ~3ULL);
		void *next = NULL;
		u32 slot;

		barrier();
		if ((entry & 3) != 2)
			break;
		slot = (index >> BPF_CORE_READ(node, shift)) & ((1 << RADIX_BITS) - 1);
		bpf_probe_read_kernel(&next, sizeof(next),
				      (void *)node + bpf_core_field_offset(struct xa_node, slots) +
					      slot * sizeof(next));
		entry = (u64)next;
	}
	return entry & 3 ? 0 : entry;
}

/* The queue of this id to a task; each namespace has ids of its own */
static __always_inline void queue_of_id(struct queue *queue, struct task_struct *task, u32 id)
{
	struct ipc_namespace *space = BPF_CORE_READ(task, nsproxy, ipc_ns);
	struct msg_queue *found = (void *)find_queue((u64)space, id);

	queue->id = id;
	queue->number = (u64)(BPF_CORE_READ(space, ns.inum) & ((1 << SPACE_BITS) - 1)) << 32 | id;
	if (!found || (u32)BPF_CORE_READ(found, q_perm.id) != id)
		return;
	queue->key = BPF_CORE_READ(found, q_perm.key);
	queue->left = BPF_CORE_READ(found, q_qnum);
}

/* The mtype that stands before the bytes in user memory; before the kernel has read it that may not be there */
static __always_inline u64 read_type(u64 buffer)
{
	s32 narrow = 0;
	u64 type = 0;

	if (in_compat_call())
		return bpf_probe_read_user(&narrow, sizeof(narrow), (void *)buffer)
			       ? TYPE_UNKNOWN
			       : (u64)(s64)narrow;
	return bpf_probe_read_user(&type, sizeof(type), (void *)buffer) ? TYPE_UNKNOWN : type;
}

static __always_inline int on_message(struct msg_msg *message, enum queue_phase phase, u64 length)
{
	enum call raw = call_of(current_call(), in_compat_call()), call = queue_call(raw);
	struct queue queue = {};
	struct user_iov iov = {};

	queue.message = (u64)message;
	queue.count = length;
	if (phase == QUEUE_GONE) {
		if (call != CALL_MSGSND && call != CALL_OTHER && is_call(raw, CLASS_QUEUE))
			return 0;
		report_queue(KIND_SYSV_MQ, phase, &queue, &iov);
		return 0;
	}
	if (call != (phase == QUEUE_SENT ? CALL_MSGSND : CALL_MSGRCV) || !was_made(message))
		return 0;
	if (phase == QUEUE_TAKEN) {
		if (queue_argument(raw, raw == CALL_IPC ? 3 : 4) & MSG_COPY)
			return 0;
		iov_of_message_taken(&iov, message);
		queue.type = BPF_CORE_READ(message, m_type);
	} else {
		queue.type = read_type(queue_argument(raw, 1));
		queue.count = queue_argument(raw, 2);
	}
	queue_of_id(&queue, (void *)bpf_get_current_task(), queue_argument(raw, 0));
	report_queue(KIND_SYSV_MQ, phase, &queue, &iov);
	return 0;
}

SEC("?fexit/load_msg")
int BPF_PROG(sysv_mq_load__fentry, const void *from, u64 length, struct msg_msg *message)
{
	return and_who(on_message((void *)scalar(message), QUEUE_SENT, 0));
}

SEC("?kretprobe/load_msg")
int BPF_KRETPROBE(sysv_mq_load__kprobe, struct msg_msg *message)
{
	return and_who(on_message(message, QUEUE_SENT, 0));
}

SEC("?fentry/store_msg")
int BPF_PROG(sysv_mq_store__fentry, void *to, struct msg_msg *message, u64 length)
{
	return and_who(on_message((void *)scalar(message), QUEUE_TAKEN, length));
}

SEC("?kprobe/store_msg")
int BPF_KPROBE(sysv_mq_store__kprobe, void *to, struct msg_msg *message, u64 length)
{
	return and_who(on_message(message, QUEUE_TAKEN, length));
}

SEC("?fentry/free_msg")
int BPF_PROG(sysv_mq_free__fentry, struct msg_msg *message)
{
	return and_who(on_message((void *)scalar(message), QUEUE_GONE, 0));
}

SEC("?kprobe/free_msg")
int BPF_KPROBE(sysv_mq_free__kprobe, struct msg_msg *message)
{
	return and_who(on_message(message, QUEUE_GONE, 0));
}

/* With tracepoints: a task's call begins */
__noinline int sysv_mq_entered(u64 address, u64 registers, u32 raw)
{
	struct task_struct *task = (void *)address;
	struct pt_regs *regs = (void *)registers;
	bool compat = in_compat_call_of(task);
	enum call call = operation_of(regs, raw);
	enum queue_phase phase = QUEUE_RECEIVES;
	struct queue queue = {};
	struct user_iov iov = {};

	if (!serves(FAMILY_SYSV_MQ) || (call != CALL_MSGSND && call != CALL_MSGRCV))
		return 0;
	queue_of_id(&queue, task, argument_of(regs, compat, raw, 0));
	if (call == CALL_MSGSND) {
		phase = QUEUE_SENDS;
		queue.type = TYPE_UNKNOWN;
		/* the memory of a task that is asleep is not at hand */
		if (address == bpf_get_current_task())
			queue.type = read_type(argument_of(regs, compat, raw, 1));
		queue.count = argument_of(regs, compat, raw, 2);
	}
	begin_queue_call(task, KIND_SYSV_MQ, &queue, NULL);
	report_queue_of(task, KIND_SYSV_MQ, phase, &queue, &iov);
	return 0;
}

/* It has returned */
__noinline int sysv_mq_returned(u32 raw, s64 result)
{
	enum queue_phase phase = QUEUE_NOT_RECEIVED;
	enum call call = queue_call(raw);
	struct queue queue = {};
	struct user_iov iov = {};
	struct queue_call begun;
	u64 buffer;

	if (!serves(FAMILY_SYSV_MQ) || (call != CALL_MSGSND && call != CALL_MSGRCV) ||
	    !end_queue_call(&begun))
		return 0;
	queue_of_id(&queue, (void *)bpf_get_current_task(), queue_argument(raw, 0));
	queue.number = begun.queue;
	queue.type = TYPE_UNKNOWN;
	if (call == CALL_MSGSND) {
		phase = result < 0 ? QUEUE_NOT_SENT : QUEUE_HAS_SENT;
		queue.type = read_type(queue_argument(raw, 1));
	} else if (result >= 0 && !(queue_argument(raw, raw == CALL_IPC ? 3 : 4) & MSG_COPY)) {
		buffer = queue_argument(raw, 1);
		phase = QUEUE_RECEIVED;
		queue.count = result;
		queue.type = read_type(buffer);
		iov.kind = IOV_BUFFER;
		iov.base = buffer + (in_compat_call() ? sizeof(u32) : sizeof(u64));
		iov.length = result;
	}
	report_queue(KIND_SYSV_MQ, phase, &queue, &iov);
	return 0;
}
