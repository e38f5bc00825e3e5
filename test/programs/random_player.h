/* A player of random.c: does its jobs, and writes down what it sent and what it received. */
#pragma once
#include "random_scene.h"
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <termios.h>

static struct player *self;
/* of this process, if it was made for one job */
static int64_t born;

/* What came of a send: the bytes of each message */
static void note_sent(const struct job *job, int index, long size, int64_t begun)
{
	struct message *message = &scene->message[job->id + index];

	message->pid = getpid();
	name_self(message->name);
	message->kind = job->kind;
	message->begun = begun;
	message->ended = now();
	message->size = size > 0 ? size : 0;
	if (size > 0)
		atomic_fetch_add(&scene->pending[job->object], is_stream(job->kind) ? size : 1);
}

/* One message by one call */
static long send_one(const struct job *job, unsigned char *bytes)
{
	struct iovec pieces[2] = {{bytes, UNIT}, {bytes + UNIT, job->size - UNIT}};
	struct msghdr message = {.msg_name = job->length ? (void *)&job->address : NULL,
				 .msg_namelen = job->length,
				 .msg_iov = pieces,
				 .msg_iovlen = 2};
	int is_socket = job->kind != PIPE && job->kind != PTY;

	if (is_socket && (job->length || job->how % 5 == 2))
		return job->how & 1 ? sendmsg(job->fd, &message, MSG_NOSIGNAL)
				    : sendto(job->fd, bytes, job->size, MSG_NOSIGNAL,
					     message.msg_name, job->length);
	if (is_socket && job->how % 5 == 3)
		return send(job->fd, bytes, job->size, MSG_NOSIGNAL);
	return job->how % 5 == 1 ? writev(job->fd, pieces, 2) : write(job->fd, bytes, job->size);
}

static long send_together(const struct job *job, unsigned char (*bytes)[LARGEST])
{
	struct mmsghdr messages[BATCH] = {};
	struct iovec pieces[BATCH];

	for (int i = 0; i < job->count; i++) {
		pieces[i] = (struct iovec){bytes[i], job->size};
		messages[i].msg_hdr =
			(struct msghdr){.msg_name = job->length ? (void *)&job->address : NULL,
					.msg_namelen = job->length,
					.msg_iov = &pieces[i],
					.msg_iovlen = 1};
	}
	return sendmmsg(job->fd, messages, job->count, MSG_NOSIGNAL);
}

static long send_messages(const struct job *job)
{
	static _Thread_local unsigned char bytes[BATCH][LARGEST];
	int is_socket = job->kind != PIPE && job->kind != PTY;
	int64_t begun;

	for (int i = 0; i < job->count; i++)
		fill(bytes[i], job->id + i, job->size);
	begun = now();
	if (is_socket && job->count > 1 && job->how % 3 == 0) {
		long sent = send_together(job, bytes);

		for (int i = 0; i < job->count; i++)
			note_sent(job, i, i < sent ? job->size : 0, begun);
		return sent;
	}
	for (int i = 0; i < job->count; i++)
		note_sent(job, i, send_one(job, bytes[i]), begun = now());
	return job->count;
}

/* Up to `size` bytes, or a message, or several of them; how many bytes */
static long take_once(const struct job *job)
{
	static _Thread_local unsigned char bytes[BATCH][ROOM];
	struct iovec pieces[BATCH][2];
	struct mmsghdr messages[BATCH] = {};
	int call = atomic_fetch_add(&scene->calls, 1),
	    size = is_stream(job->kind) ? job->size : ROOM, count = 1;
	int is_socket = job->kind != PIPE && job->kind != PTY;
	long n, total = 0;

	for (int i = 0; i < BATCH; i++) {
		pieces[i][0] = (struct iovec){bytes[i], UNIT};
		pieces[i][1] = (struct iovec){bytes[i] + UNIT, size - UNIT};
		messages[i].msg_hdr = (struct msghdr){.msg_iov = pieces[i], .msg_iovlen = 2};
	}
	if (is_socket && job->how % 6 == 0) {
		count = recvmmsg(job->fd, messages, BATCH, MSG_WAITFORONE, NULL);
		n = count > 0 ? (int)messages[0].msg_len : count;
	} else if (is_socket && job->how % 6 == 1)
		n = messages[0].msg_len = recvmsg(job->fd, &messages[0].msg_hdr, 0);
	else if (is_socket && job->how % 6 == 2)
		n = messages[0].msg_len = recv(job->fd, bytes[0], size, 0);
	else if (is_socket && job->how % 6 == 3 && recv(job->fd, bytes[0], size, MSG_PEEK) < 0)
		return -errno;
	else
		n = messages[0].msg_len = job->how % 6 == 4 ? readv(job->fd, pieces[0], 2)
							    : read(job->fd, bytes[0], size);
	if (n <= 0)
		return n < 0 ? -errno : 0;
	for (int i = 0; i < count; i++) {
		/* calls are told apart by number: a recvmmsg is one for each message */
		note_taken(bytes[i], messages[i].msg_len,
			   i ? atomic_fetch_add(&scene->calls, 1) : call, born);
		total += messages[i].msg_len;
	}
	atomic_fetch_sub(&scene->pending[job->object], is_stream(job->kind) ? total : count);
	return total;
}

/* All of one message of `size` bytes */
static void take_whole(struct job job)
{
	while (job.size > 0) {
		long n = take_once(&job);

		check(n > 0, "take");
		job.size -= n;
	}
}

static long connect_to(const struct job *job)
{
	static const int types[KINDS] = {[UNIX_STREAM] = SOCK_STREAM,
					 [UNIX_DGRAM] = SOCK_DGRAM,
					 [UNIX_SEQPACKET] = SOCK_SEQPACKET,
					 [TCP] = SOCK_STREAM,
					 [UDP] = SOCK_DGRAM};
	sa_family_t family = job->address.ss_family;
	int fd = socket(family, types[job->kind], 0);

	check(fd >= 0, "socket");
	/* for whoever accepts it to know whose it is; the kernel chooses a name */
	if (family == AF_UNIX)
		check(bind(fd, (void *)&family, sizeof(family)) == 0, "bind");
	check(connect(fd, (void *)&job->address, job->length) == 0, "connect");
	self->length = sizeof(self->address);
	check(getsockname(fd, (void *)&self->address, &self->length) == 0, "getsockname");
	return fd;
}

static long accept_one(const struct job *job)
{
	int fd;

	self->length = sizeof(self->address);
	fd = accept(job->fd, (void *)&self->address, &self->length);
	check(fd >= 0, "accept");
	return fd;
}

/* What listens, or receives from everybody, at an address that it tells */
static void open_server(const struct job *job, sa_family_t family, int type)
{
	struct sockaddr_storage address = {.ss_family = family};
	socklen_t length = family == AF_UNIX ? sizeof(family) : sizeof(struct sockaddr_in6);
	int fd = socket(family, type, 0);

	if (family == AF_INET) {
		((struct sockaddr_in *)&address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		length = sizeof(struct sockaddr_in);
	} else if (family == AF_INET6) {
		((struct sockaddr_in6 *)&address)->sin6_addr = in6addr_loopback;
	}
	check(fd >= 0 && bind(fd, (void *)&address, length) == 0, "bind");
	check(type == SOCK_DGRAM || listen(fd, 64) == 0, "listen");
	self->length = sizeof(self->address);
	check(getsockname(fd, (void *)&self->address, &self->length) == 0, "getsockname");
	self->fds[0] = fd;
	(void)job;
}

/* One end of a FIFO; nobody waits for the other */
static int open_end(int fifo, int writes)
{
	char path[64];
	int fd;

	path_of(fifo, path);
	fd = open(path, (writes ? O_WRONLY : O_RDONLY) | O_NONBLOCK);
	check(fd >= 0 && fcntl(fd, F_SETFL, 0) == 0, path);
	return fd;
}

/* Both ends of one, which is there already when this is another life of it */
static void open_fifo(int fifo)
{
	char path[64];

	path_of(fifo, path);
	check(mkfifo(path, 0600) == 0 || errno == EEXIST, "mkfifo");
	self->fds[0] = open_end(fifo, 0);
	self->fds[1] = open_end(fifo, 1);
}

/* The master, and the slave, which is nobody's terminal and gives what it gets as it is */
static void open_terminal(void)
{
	struct termios mode;
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;

	check(master >= 0 && unlockpt(master) == 0, "posix_openpt");
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	check(slave >= 0 && tcgetattr(slave, &mode) == 0, "the slave");
	cfmakeraw(&mode);
	check(tcsetattr(slave, TCSANOW, &mode) == 0, "tcsetattr");
	self->fds[0] = master;
	self->fds[1] = slave;
}

/* how: 0 a pair, 1 by name, 2 by IPv6 */
static void open_channel(const struct job *job)
{
	static const int types[KINDS] = {[UNIX_STREAM] = SOCK_STREAM,
					 [UNIX_DGRAM] = SOCK_DGRAM,
					 [UNIX_SEQPACKET] = SOCK_SEQPACKET,
					 [TCP] = SOCK_STREAM,
					 [UDP] = SOCK_DGRAM};

	if (job->kind == PIPE && job->how == 0)
		check(pipe(self->fds) == 0, "pipe");
	else if (job->kind == PIPE)
		open_fifo(job->id);
	else if (job->kind == PTY)
		open_terminal();
	else if (job->kind == TCP || job->kind == UDP)
		open_server(job, job->how == 2 ? AF_INET6 : AF_INET, types[job->kind]);
	else if (job->how == 0)
		check(socketpair(AF_UNIX, types[job->kind], 0, self->fds) == 0, "socketpair");
	else
		open_server(job, AF_UNIX, types[job->kind]);
}
