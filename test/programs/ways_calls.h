/* One message sent or received, by each call there is for it. A job is what an actor is asked for. */
#pragma once
#include "net.h"
#include "pty.h"
#include "ring.h"
#include "unix.h"
#include <linux/aio_abi.h>
#include <sys/sendfile.h>

static struct actor *ann, *bob, *cyd;

enum { LONGEST = 160 };

struct job {
	int fd;
	long count;
	char text[LONGEST], got[LONGEST];
};

static inline long answered(long result)
{
	return result < 0 ? -errno : result;
}

#define JOB(argument) struct job *job = (struct job *)(argument)
/* In two pieces */
#define PIECES_OF(bytes) struct iovec pieces[2] = {{(bytes), 5}, {(bytes) + 5, job->count - 5}}
#define MESSAGE_OF(bytes) PIECES_OF(bytes); struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 2}

/* The call's own name; result: an expression of job, and of pieces or message where there are some */
#define WAY(name, preparation, result)                                                                                 \
	static inline long name(long argument)										\
	{                                                                                                              \
		JOB(argument);                                                                                         \
		preparation;                                                                                           \
		return answered(result);                                                                               \
	}

WAY(by_write, , write(job->fd, job->text, job->count))
WAY(by_writev, PIECES_OF(job->text), writev(job->fd, pieces, 2))
WAY(by_pwritev2, PIECES_OF(job->text), pwritev2(job->fd, pieces, 2, -1, 0))
WAY(by_send, , send(job->fd, job->text, job->count, 0))
WAY(by_sendto, , sendto(job->fd, job->text, job->count, MSG_NOSIGNAL, NULL, 0))
WAY(by_sendmsg, MESSAGE_OF(job->text), sendmsg(job->fd, &message, 0))
WAY(take_by_read, , read(job->fd, job->got, LONGEST))
WAY(take_by_readv, PIECES_OF(job->got), readv(job->fd, pieces, 2))
WAY(take_by_preadv2, PIECES_OF(job->got), preadv2(job->fd, pieces, 2, -1, 0))
WAY(take_by_recv, , recv(job->fd, job->got, LONGEST, 0))
WAY(take_by_recvmsg, MESSAGE_OF(job->got), recvmsg(job->fd, &message, 0))

static inline long take_by_recvfrom(long argument)
{
	JOB(argument);
	struct sockaddr_storage from;
	socklen_t length = sizeof(from);

	return answered(recvfrom(job->fd, job->got, LONGEST, 0, (void *)&from, &length));
}

static inline long by_sendmmsg(long argument)
{
	JOB(argument);
	MESSAGE_OF(job->text);
	struct mmsghdr one = {.msg_hdr = message};

	return sendmmsg(job->fd, &one, 1, 0) == 1 ? (long)one.msg_len : -errno;
}

static inline long take_by_recvmmsg(long argument)
{
	JOB(argument);
	MESSAGE_OF(job->got);
	struct mmsghdr one = {.msg_hdr = message};

	return recvmmsg(job->fd, &one, 1, 0, NULL) == 1 ? (long)one.msg_len : -errno;
}

struct ends {
	int in, out;
};

static struct ends new_pipe(void)
{
	int both[2];

	check(pipe(both) == 0, "pipe");
	return (struct ends){both[0], both[1]};
}

static inline long close_both(struct ends ends, long result)
{
	close(ends.in);
	close(ends.out);
	return result;
}

static inline long splice_out(struct ends ends, const struct job *job)
{
	return close_both(ends, answered(splice(ends.in, NULL, job->fd, NULL, job->count, 0)));
}

static inline long by_splice(long argument)
{
	JOB(argument);
	struct ends ends = new_pipe();

	write_all(ends.out, job->text, job->count);
	return splice_out(ends, job);
}

static inline long by_vmsplice(long argument)
{
	JOB(argument);
	struct iovec piece = {job->text, job->count};
	struct ends ends = new_pipe();

	check(vmsplice(ends.out, &piece, 1, 0) == job->count, "vmsplice");
	return splice_out(ends, job);
}

static inline long by_tee(long argument)
{
	JOB(argument);
	struct ends first = new_pipe(), second = new_pipe();

	write_all(first.out, job->text, job->count);
	check(tee(first.in, second.out, job->count, 0) == job->count, "tee");
	close(first.in);
	close(first.out);
	return splice_out(second, job);
}

/* What was spliced to a pipe */
static inline long read_spliced(struct ends ends, struct job *job, long count)
{
	if (count > 0)
		check(read(ends.in, job->got, LONGEST) == count, "read");
	return close_both(ends, count);
}

static inline long take_by_splice(long argument)
{
	JOB(argument);
	struct ends ends = new_pipe();

	return read_spliced(ends, job, answered(splice(job->fd, NULL, ends.out, NULL, LONGEST, 0)));
}

/* Before 5.12 sendfile takes from files only. */
static inline long take_by_sendfile(long argument)
{
	JOB(argument);
	struct ends ends = new_pipe();
	long count = answered(sendfile(ends.out, job->fd, NULL, LONGEST));

	if (count == -EINVAL)
		count = answered(splice(job->fd, NULL, ends.out, NULL, LONGEST, 0));
	return read_spliced(ends, job, count);
}

static inline long by_sendfile(long argument)
{
	JOB(argument);
	int file = memfd_create("text", 0);
	off_t start = 0;
	long result;

	write_all(file, job->text, job->count);
	result = answered(sendfile(job->fd, file, &start, job->count));
	close(file);
	return result;
}

static inline long submit(struct job *job, int opcode, const void *buffer, long count)
{
	struct iocb request = {.aio_lio_opcode = opcode, .aio_fildes = job->fd, .aio_buf = P(buffer), .aio_nbytes = count};
	struct iocb *list = &request;
	aio_context_t context = 0;
	struct io_event event;

	check(syscall(SYS_io_setup, 1, &context) == 0, "io_setup");
	check(syscall(SYS_io_submit, context, 1, &list) == 1, "io_submit");
	check(syscall(SYS_io_getevents, context, 1, 1, &event, NULL) == 1, "io_getevents");
	syscall(SYS_io_destroy, context);
	return event.res;
}

static inline long ring(struct job *job, int opcode, int flags, const void *buffer, long count)
{
	return complete_request(&(struct io_uring_sqe){
		.opcode = opcode, .flags = flags, .fd = job->fd, .addr = P(buffer), .len = count});
}

/* These answer as the kernel does */
#define REQUEST(name, preparation, result)                                                                             \
	static inline long name(long argument)										\
	{                                                                                                              \
		JOB(argument);                                                                                         \
		preparation;                                                                                           \
		return result;                                                                                         \
	}

REQUEST(by_aio, , submit(job, IOCB_CMD_PWRITE, job->text, job->count))
REQUEST(by_aio_pieces, PIECES_OF(job->text), submit(job, IOCB_CMD_PWRITEV, pieces, 2))
REQUEST(take_by_aio, , submit(job, IOCB_CMD_PREAD, job->got, LONGEST))
REQUEST(take_by_aio_pieces, PIECES_OF(job->got), submit(job, IOCB_CMD_PREADV, pieces, 2))
REQUEST(ring_send, , ring(job, IORING_OP_SEND, 0, job->text, job->count))
REQUEST(ring_sendmsg, MESSAGE_OF(job->text), ring(job, IORING_OP_SENDMSG, 0, &message, 1))
REQUEST(ring_write, , ring(job, IORING_OP_WRITE, 0, job->text, job->count))
REQUEST(ring_writev, PIECES_OF(job->text), ring(job, IORING_OP_WRITEV, 0, pieces, 2))
REQUEST(ring_send_zc, , ring(job, IORING_OP_SEND_ZC, 0, job->text, job->count))
REQUEST(ring_sendmsg_zc, MESSAGE_OF(job->text), ring(job, IORING_OP_SENDMSG_ZC, 0, &message, 1))
REQUEST(ring_worker_write, , ring(job, IORING_OP_WRITE, IOSQE_ASYNC, job->text, job->count))
REQUEST(take_ring_recv, , ring(job, IORING_OP_RECV, 0, job->got, LONGEST))
REQUEST(take_ring_recvmsg, MESSAGE_OF(job->got), ring(job, IORING_OP_RECVMSG, 0, &message, 1))
REQUEST(take_ring_read, , ring(job, IORING_OP_READ, 0, job->got, LONGEST))
REQUEST(take_ring_readv, PIECES_OF(job->got), ring(job, IORING_OP_READV, 0, pieces, 2))
REQUEST(take_ring_worker, , ring(job, IORING_OP_READ, IOSQE_ASYNC, job->got, LONGEST))

static inline long ring_splice_between(int from, int to, long count)
{
	return complete_request(&(struct io_uring_sqe){.opcode = IORING_OP_SPLICE, .fd = to, .off = -1, .len = count,
						       .splice_off_in = -1, .splice_fd_in = from});
}

static inline long ring_splice(long argument)
{
	JOB(argument);
	struct ends ends = new_pipe();

	write_all(ends.out, job->text, job->count);
	return close_both(ends, ring_splice_between(ends.in, job->fd, job->count));
}

static inline long take_ring_splice(long argument)
{
	JOB(argument);
	struct ends ends = new_pipe();

	return read_spliced(ends, job, ring_splice_between(job->fd, ends.out, LONGEST));
}
