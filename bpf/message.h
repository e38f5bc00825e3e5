/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* A message, or the bytes of one call or request: who sends it, by which socket, from where, to whom. */
#ifndef MESSAGE_H
#define MESSAGE_H
#include "completion.h"
#include "syscall.h"

/* As many as the kernel takes of one sendmmsg, by rounds */
#define MESSAGES 1024
#define MESSAGE_ROUND 32

struct message {
	struct sock *sk;
	u64 inode;
	u64 name; /* a sockaddr; 0: it goes to whom the socket is connected to */
	u32 name_length;
	u32 name_copied; /* the name is in kernel memory */
	u32 count;
	u32 reserved;
	u64 control; /* messages to the kernel that go along; 0: there are none */
	u64 control_length;
	u32 control_copied; /* they are in kernel memory */
	u32 control_compat; /* they are as a 32-bit program has them */
	u64 passed; /* the time of its passed_record */
	u64 fields[6]; /* what `header` begins with */
	struct user_iov iov;
	struct identity self;
};

static __always_inline void begin_message(struct message *message, struct sock *sk,
					  struct task_struct *task, u32 count)
{
	identify(task, &message->self);
	message->sk = sk;
	message->inode = sock_inode(sk);
	message->count = count;
}

/* The n-th struct mmsghdr of a vector */
static __always_inline u64 message_at(u64 vector, u32 n, bool compat)
{
	return vector + (u64)n * (compat ? 32 : 64);
}

/* The sockaddr that a struct msghdr names, and whether there is a control message */
static __always_inline void read_name(struct message *message, u64 header, bool compat)
{
	u64 *fields = message->fields;
	u32 *words = (void *)message->fields;

	if (bpf_probe_read_user(fields, compat ? 24 : 48, (void *)header))
		return;
	message->name = compat ? words[0] : fields[0];
	message->name_length = compat ? words[1] : (u32)fields[1];
	message->control = compat ? words[4] : fields[4];
	message->control_length = compat ? words[5] : fields[5];
	message->control_compat = compat;
}

/* The n-th of a sendmmsg */
static __always_inline void message_of_vector(struct message *message, struct sock *sk, u64 vector,
					      u32 n, bool compat)
{
	u64 header = message_at(vector, n, compat);

	begin_message(message, sk, (void *)bpf_get_current_task(), 0);
	bpf_probe_read_user(&message->count, 4, (void *)(header + (compat ? 28 : 56)));
	read_name(message, header, compat);
	iov_of_message(&message->iov, header, compat);
}

/* What the current system call has sent; of a sendmmsg or io_submit the next message */
static __always_inline void message_of_call(struct message *message, struct sock *sk,
					    struct ongoing *ongoing, long result)
{
	if (ongoing->call == CALL_SENDMMSG) {
		message_of_vector(message, sk, ongoing->argument[1], ongoing->messages++,
				  ongoing->compat);
		message->count = result;
		return;
	}
	begin_message(message, sk, (void *)bpf_get_current_task(), result);
	if (ongoing->call == CALL_SENDTO) {
		message->name = ongoing->argument[4];
		message->name_length = (u32)ongoing->argument[5];
	} else if (ongoing->call == CALL_SENDMSG) {
		read_name(message, ongoing->argument[1], ongoing->compat);
	}
	iov_of_call(&message->iov, ongoing);
}

/* What a request of io_uring has sent */
static __always_inline void message_of_request(struct message *message, struct sock *sk,
					       struct completion *completion)
{
	begin_message(message, sk, completion->task, completion->result);
	if (is_message(completion->opcode)) {
		if (completion->readable)
			read_name(message, completion->base, completion->compat);
	} else if (completion->readable || completion->copied) {
		message->name = completion->name;
		message->name_length = completion->name_length;
		message->name_copied = completion->copied;
	}
	if (!message->name_length)
		message->name = 0;
	iov_of_completion(&message->iov, completion);
}

/* A message that was sent: `length` bytes were to be, of which the iterator of its header has passed some */
static __always_inline void message_of_header(struct message *message, struct sock *sk, u64 address,
					      u64 length, s64 result)
{
	struct msghdr *header = (void *)address;
	struct iov_iter *iter = (void *)(address + bpf_core_field_offset(header->msg_iter));
	u64 left = BPF_CORE_READ(iter, count);

	begin_message(message, sk, (void *)bpf_get_current_task(), result);
	message->name = (u64)BPF_CORE_READ(header, msg_name);
	message->name_length = BPF_CORE_READ(header, msg_namelen);
	message->name_copied = true;
	if (!message->name_length)
		message->name = 0;
	message->control = (u64)BPF_CORE_READ(header, msg_control);
	message->control_length = BPF_CORE_READ(header, msg_controllen);
	message->control_copied = true;
	if (config.contents)
		iov_of_passed(&message->iov, iter, left < length ? length - left : 0);
}

#endif
