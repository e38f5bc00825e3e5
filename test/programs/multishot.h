/* Receives by a request of io_uring that stays and completes once for each, into buffers that it chooses. */
#pragma once
#include "channels.h"
#include <poll.h>

enum { LISTENER = KINDS + 2, ALL_ENDS, BUFFERS = 1024, BUFFER = LONGEST, GROUP = 1, NAME_ROOM = 16, CONTROL_ROOM = 32 };

#define READ_MULTISHOT 49 /* IORING_OP_READ_MULTISHOT, which headers of 2023 lack */

enum by { BY_RECV, BY_RECVMSG, BY_READ, BY_POLL, HOW_MANY, BY_ACCEPT = HOW_MANY };

static const char *const by_names[] = {"recv", "recvmsg", "read", "poll and read"};

/* What an actor is asked for */
struct shot {
	int end, by;
	struct job job;
	int once; /* the kernel has no such requests: each receives one time */
};

/* A process's own, by the end that they are for */
struct armed {
	struct ring ring;
	unsigned char buffers[BUFFERS][BUFFER];
	struct msghdr message;
	struct iovec piece;
	int is_under_way, once;
};

static struct armed armed[ALL_ENDS];

static inline struct io_uring_sqe request_of(struct armed *armed, const struct shot *shot)
{
	struct io_uring_sqe request = {.fd = shot->job.fd, .flags = IOSQE_BUFFER_SELECT, .buf_group = GROUP, .user_data = GROUP};

	switch (shot->by) {
	case BY_RECV:
		request.opcode = IORING_OP_RECV;
		break;
	case BY_RECVMSG:
		request.opcode = IORING_OP_RECVMSG;
		armed->piece = (struct iovec){NULL, BUFFER};
		armed->message = (struct msghdr){.msg_iov = &armed->piece, .msg_iovlen = 1};
		if (!armed->once) {
			armed->message.msg_namelen = NAME_ROOM;
			armed->message.msg_controllen = CONTROL_ROOM;
		}
		request.addr = P(&armed->message);
		request.len = 1;
		break;
	case BY_READ:
		request.opcode = armed->once ? IORING_OP_READ : READ_MULTISHOT;
		break;
	case BY_POLL:
		request.opcode = IORING_OP_POLL_ADD;
		request.flags = 0;
		request.buf_group = 0;
		request.poll32_events = POLLIN;
		request.len = armed->once ? 0 : IORING_POLL_ADD_MULTI;
		return request;
	case BY_ACCEPT:
		request.opcode = IORING_OP_ACCEPT;
		request.flags = 0;
		request.buf_group = 0;
		request.ioprio = armed->once ? 0 : IORING_ACCEPT_MULTISHOT;
		return request;
	}
	if (armed->once && shot->by != BY_RECVMSG)
		request.len = BUFFER;
	if (!armed->once && shot->by != BY_READ)
		request.ioprio = IORING_RECV_MULTISHOT;
	return request;
}

static inline void put_request(struct armed *armed, const struct shot *shot)
{
	struct io_uring_sqe request = request_of(armed, shot);

	submit_requests(&armed->ring, &request, 1, 0);
	armed->is_under_way = 1;
}

/* Begins to receive from an end */
static long arm(long argument)
{
	struct shot *shot = (struct shot *)argument;
	struct armed *mine = &armed[shot->end];
	struct io_uring_sqe buffers = {.opcode = IORING_OP_PROVIDE_BUFFERS, .fd = BUFFERS, .addr = P(mine->buffers),
				       .len = BUFFER, .buf_group = GROUP};

	mine->ring = open_ring(BUFFERS, 0);
	mine->once = 0;
	submit_requests(&mine->ring, &buffers, 1, 1);
	check(next_completion(&mine->ring).res >= 0, "IORING_OP_PROVIDE_BUFFERS");
	put_request(mine, shot);
	if (has_completion(&mine->ring)) {
		check(next_completion(&mine->ring).res == -EINVAL, "a request that is not known");
		mine->once = 1;
		put_request(mine, shot);
	}
	shot->once = mine->once;
	return 0;
}

/* What came next, as the kernel answers */
static long catch_next(long argument)
{
	struct shot *shot = (struct shot *)argument;
	struct armed *mine = &armed[shot->end];
	struct completion completion;
	unsigned char *got;

	if (!mine->is_under_way)
		put_request(mine, shot);
	completion = next_completion(&mine->ring);
	if (!(completion.flags & IORING_CQE_F_MORE))
		mine->is_under_way = 0;
	if (completion.res <= 0 || shot->by == BY_ACCEPT)
		return completion.res;
	if (shot->by == BY_POLL)
		return answered(read(shot->job.fd, shot->job.got, LONGEST));
	got = mine->buffers[completion.flags >> IORING_CQE_BUFFER_SHIFT];
	if (shot->by == BY_RECVMSG && !mine->once) {
		int head = sizeof(struct io_uring_recvmsg_out) + NAME_ROOM + CONTROL_ROOM;

		completion.res -= head;
		got += head;
	}
	check(completion.res <= LONGEST, "more than was sent");
	memcpy(shot->job.got, got, completion.res);
	return completion.res;
}

/* Receives no more */
static inline long disarm(long argument)
{
	struct shot *shot = (struct shot *)argument;
	struct armed *mine = &armed[shot->end];
	struct io_uring_sqe cancel = {.opcode = IORING_OP_ASYNC_CANCEL, .addr = GROUP, .user_data = GROUP + 1};

	submit_requests(&mine->ring, &cancel, mine->is_under_way, mine->is_under_way);
	while (mine->is_under_way) {
		struct completion completion = next_completion(&mine->ring);

		if (completion.user_data == GROUP && !(completion.flags & IORING_CQE_F_MORE))
			mine->is_under_way = 0;
	}
	close(mine->ring.fd);
	return 0;
}
