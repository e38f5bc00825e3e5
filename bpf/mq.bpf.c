/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* POSIX message queues; what they have in common with others is in queue.h */
#include "queue.h"

#define MQUEUE_MAGIC 0x19800202

/* The queue that a file is; false: it is none */
static __always_inline bool queue_of_file(struct queue *queue, struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	struct mqueue_inode_info *info;

	if (!file || BPF_CORE_READ(inode, i_sb, s_magic) != MQUEUE_MAGIC)
		return false;
	info = (void *)inode - bpf_core_field_offset(struct mqueue_inode_info, vfs_inode);
	queue->number = BPF_CORE_READ(inode, i_ino);
	queue->left = BPF_CORE_READ(info, attr.mq_curmsgs);
	queue->name = BPF_CORE_READ(file, f_path.dentry, d_name.name);
	return true;
}

/* The queue that the current call names by its descriptor; false: it is none */
static __always_inline bool queue_of_descriptor(struct queue *queue)
{
	return queue_of_file(queue, file_of(argument(current_regs(), 0, in_compat_call())));
}

static __always_inline enum call call_in_queue(void)
{
	return call_of(current_call(), in_compat_call());
}

static __always_inline int on_load(struct msg_msg *message)
{
	enum queue_phase phase = QUEUE_SENT;
	struct queue queue = {};
	struct user_iov iov = {};

	queue.message = (u64)message;
	if (!was_made(message) || call_in_queue() != CALL_MQ_SEND || !queue_of_descriptor(&queue))
		return 0;
	queue.type = (u32)argument(current_regs(), 3, in_compat_call());
	queue.count = argument(current_regs(), 2, in_compat_call());
	report_queue(KIND_MQ, phase, &queue, &iov);
	return 0;
}

static __always_inline int on_store(struct msg_msg *message, u64 length)
{
	enum queue_phase phase = QUEUE_TAKEN;
	struct queue queue = {};
	struct user_iov iov = {};

	queue.message = (u64)message;
	if (call_in_queue() != CALL_MQ_RECEIVE)
		return 0;
	queue_of_descriptor(&queue);
	iov_of_message_taken(&iov, message);
	queue.type = BPF_CORE_READ(message, m_type);
	queue.count = length;
	report_queue(KIND_MQ, phase, &queue, &iov);
	return 0;
}

static __always_inline int on_free(struct msg_msg *message)
{
	enum queue_phase phase = QUEUE_GONE;
	enum call call = call_in_queue();
	struct queue queue = {};
	struct user_iov iov = {};

	queue.message = (u64)message;
	if (call != CALL_MQ_SEND && is_call(call, CLASS_QUEUE))
		return 0;
	report_queue(KIND_MQ, phase, &queue, &iov);
	return 0;
}

SEC("?fexit/load_msg")
int BPF_PROG(mq_load__fentry, const void *from, u64 length, struct msg_msg *message)
{
	return and_who(on_load((void *)scalar(message)));
}

SEC("?kretprobe/load_msg")
int BPF_KRETPROBE(mq_load__kprobe, struct msg_msg *message)
{
	return and_who(on_load(message));
}

SEC("?fentry/store_msg")
int BPF_PROG(mq_store__fentry, void *to, struct msg_msg *message, u64 length)
{
	return and_who(on_store((void *)scalar(message), length));
}

SEC("?kprobe/store_msg")
int BPF_KPROBE(mq_store__kprobe, void *to, struct msg_msg *message, u64 length)
{
	return and_who(on_store(message, length));
}

SEC("?fentry/free_msg")
int BPF_PROG(mq_free__fentry, struct msg_msg *message)
{
	return and_who(on_free((void *)scalar(message)));
}

SEC("?kprobe/free_msg")
int BPF_KPROBE(mq_free__kprobe, struct msg_msg *message)
{
	return and_who(on_free(message));
}

/* With tracepoints: a task's call begins */
__noinline int mq_entered(u64 address, u64 registers, u32 call)
{
	struct task_struct *task = (void *)address;
	struct pt_regs *regs = (void *)registers;
	bool compat = in_compat_call_of(task);
	enum queue_phase phase = QUEUE_RECEIVES;
	struct queue queue = {};
	struct user_iov iov = {};
	struct file *file;

	if (!serves(FAMILY_MQ) || (call != CALL_MQ_SEND && call != CALL_MQ_RECEIVE))
		return 0;
	file = file_of_task(task, argument(regs, 0, compat));
	if (!queue_of_file(&queue, file))
		return 0;
	if (call == CALL_MQ_SEND) {
		phase = QUEUE_SENDS;
		queue.type = (u32)argument(regs, 3, compat);
		queue.count = argument(regs, 2, compat);
	}
	begin_queue_call(task, KIND_MQ, &queue, file);
	report_queue_of(task, KIND_MQ, phase, &queue, &iov);
	return 0;
}

/* It has returned */
__noinline int mq_returned(u32 call, s64 result)
{
	enum queue_phase phase = QUEUE_NOT_RECEIVED;
	bool compat = in_compat_call();
	struct queue queue = {};
	struct user_iov iov = {};
	struct queue_call begun;
	u64 asked;
	u32 priority;

	if (!serves(FAMILY_MQ) || (call != CALL_MQ_SEND && call != CALL_MQ_RECEIVE) ||
	    !end_queue_call(&begun))
		return 0;
	/* that file may be gone by now, and another in its place */
	if (!queue_of_file(&queue, (struct file *)begun.object) || queue.number != begun.queue) {
		queue.number = begun.queue;
		queue.left = LEFT_UNKNOWN;
		queue.name = NULL;
	}
	queue.type = TYPE_UNKNOWN;
	if (call == CALL_MQ_SEND) {
		phase = result < 0 ? QUEUE_NOT_SENT : QUEUE_HAS_SENT;
		queue.type = (u32)argument(current_regs(), 3, compat);
	} else if (result >= 0) {
		phase = QUEUE_RECEIVED;
		queue.count = result;
		asked = argument(current_regs(), 3, compat);
		if (asked && !bpf_probe_read_user(&priority, sizeof(priority), (void *)asked))
			queue.type = priority;
		iov.kind = IOV_BUFFER;
		iov.base = argument(current_regs(), 1, compat);
		iov.length = result;
	}
	report_queue(KIND_MQ, phase, &queue, &iov);
	return 0;
}
