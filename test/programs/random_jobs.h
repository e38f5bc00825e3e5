/* What players of random.c do one at a time: descriptors passed and moved, lives, and jobs of several steps. */
#pragma once
#include "random_player.h"

union rights {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(PASSED * sizeof(int))];
};

static void pass(const struct job *job, const int *fds, int count)
{
	unsigned char bytes[UNIT];
	struct iovec piece = {bytes, UNIT};
	union rights rights = {.header = {CMSG_LEN(count * sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
	struct msghdr message = {.msg_name = (void *)&job->address,
				 .msg_namelen = job->length,
				 .msg_iov = &piece,
				 .msg_iovlen = 1,
				 .msg_control = &rights,
				 .msg_controllen = CMSG_SPACE(count * sizeof(int))};
	struct job mail = {.kind = UNIX_DGRAM, .id = job->id, .object = job->object};
	int64_t begun;

	memcpy(CMSG_DATA(&rights.header), fds, count * sizeof(int));
	fill(bytes, job->id, UNIT);
	begun = now();
	note_sent(&mail, 0, sendmsg(MAILBOX_FD, &message, 0), begun);
}

/* Into `fds`, by recvmsg or recvmmsg; how many */
static int receive(const struct job *job, int *fds)
{
	unsigned char bytes[UNIT];
	struct iovec piece = {bytes, UNIT};
	union rights rights = {};
	struct mmsghdr vector = {.msg_hdr = {.msg_iov = &piece,
					     .msg_iovlen = 1,
					     .msg_control = &rights,
					     .msg_controllen = sizeof(rights)}};
	int count, call = atomic_fetch_add(&scene->calls, 1);

	if (job->how % 2)
		check(recvmmsg(MAILBOX_FD, &vector, 1, 0, NULL) == 1, "recvmmsg");
	else
		check(recvmsg(MAILBOX_FD, &vector.msg_hdr, 0) == UNIT, "recvmsg");
	note_taken(bytes, UNIT, call, born);
	count = (rights.header.cmsg_len - CMSG_LEN(0)) / sizeof(int);
	check(count > 0 && count <= PASSED, "the descriptors");
	memcpy(fds, CMSG_DATA(&rights.header), count * sizeof(int));
	return count;
}

static void open_mailbox(void)
{
	struct sockaddr_storage address;
	socklen_t length = mailbox_of(self - scene->players, &address);

	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	/* in the place of the parent's */
	check(fd >= 0 && dup2(fd, MAILBOX_FD) == MAILBOX_FD && close(fd) == 0, "dup2");
	check(bind(MAILBOX_FD, (void *)&address, length) == 0, "the mailbox");
}

static void be_named(void)
{
	int index = atomic_fetch_add(&scene->namings, 1);
	char name[16];

	check(index < NAMINGS, "too many names");
	snprintf(name, sizeof(name), "r%d.%d", (int)(self - scene->players), self->generation);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	check(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && prctl(PR_SET_NAME, name) == 0, "prctl");
	scene->naming[index] = (struct naming){.pid = getpid(), .time = now()};
	memcpy(scene->naming[index].name, name, sizeof(name));
}

static void play_on(void);

/* The director is every player's parent, so he is the one they end with. */
static long make_player(int index)
{
	int count = CLONE_PARENT | SIGCHLD;
	long pid = syscall(SYS_clone, count, 0, 0, 0, 0);

	check(pid >= 0, "clone");
	if (pid)
		return pid;
	self = &scene->players[index];
	self->pid = getpid();
	be_named();
	open_mailbox();
	change(&self->state, DONE);
	play_on();
	return 0;
}

static void become_new(void)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", (int)(self - scene->players));
	self->generation++;
	execl("/proc/self/exe", "random", "player", number, NULL);
	die("execl");
}

/* A client's whole life with one connection */
static void ask_once(struct job job)
{
	job.fd = connect_to(&job);
	job.length = 0;
	send_messages(&job);
	job.object = 0;
	take_whole((struct job){.kind = job.kind, .fd = job.fd, .size = UNIT, .how = job.how});
	close(job.fd);
}

/* What is asked, in job->size bytes, is taken and answered with a message of a unit. */
static void answer_at(const struct job *job, int fd)
{
	take_whole((struct job){.kind = job->kind, .fd = fd, .size = job->size, .how = job->how});
	send_messages(&(struct job){.kind = job->kind,
				    .fd = fd,
				    .size = UNIT,
				    .how = job->how,
				    .count = 1,
				    .id = job->id});
	close(fd);
}

/* other: by a child of its own, as servers do that fork */
static void serve_once(const struct job *job)
{
	int fd = accept_one(job), status;
	pid_t child = job->other ? fork() : 0;

	check(child >= 0, "fork");
	if (child == 0) {
		if (job->other)
			born = now();
		answer_at(job, fd);
		if (job->other)
			_exit(0);
		return;
	}
	close(fd);
	check(waitpid(child, &status, 0) == child && status == 0, "a child");
}

static long do_job(struct job *job)
{
	int fd;

	switch (job->work) {
	case SEND:
		return send_messages(job);
	case TAKE:
		return take_once(job);
	case OPEN:
		open_channel(job);
		return 0;
	case OPEN_END:
		return open_end(job->id, job->other);
	case CONNECT:
		return connect_to(job);
	case ACCEPT:
		return accept_one(job);
	case ASK:
		ask_once(*job);
		return 0;
	case SERVE:
		serve_once(job);
		return 0;
	case HAND:
		fd = accept_one(job);
		pass(job, &fd, 1);
		close(fd);
		return 0;
	case ADOPT:
		check(receive(job, &fd) == 1, "more than one");
		answer_at(job, fd);
		return 0;
	case PASS:
		pass(job, job->fds, job->count);
		return 0;
	case RECEIVE:
		return receive(job, self->fds);
	case FORK:
		return make_player(job->other);
	case EXEC:
		become_new();
		return 0;
	case MOVE:
		check(dup2(job->fd, job->other) == job->other, "dup2");
		return close(job->fd);
	case CLOSE:
		return close(job->fd);
	case CLOSE_RANGE:
		return syscall(SYS_close_range, job->fd, job->other, 0);
	case CLOEXEC:
		return fcntl(job->fd, F_SETFD, FD_CLOEXEC);
	case LEAVE:
		_exit(0);
	default:
		return 0;
	}
}

static void *do_in_thread(void *job)
{
	return (void *)do_job(job);
}

/* By the process itself, by a thread of it, or by a child that lives for nothing else */
static long do_somewhere(struct job *job)
{
	pthread_t thread;
	void *result;
	int status;
	pid_t child;

	if (job->in_thread) {
		check(pthread_create(&thread, NULL, do_in_thread, job) == 0, "pthread_create");
		check(pthread_join(thread, &result) == 0, "pthread_join");
		return (long)result;
	}
	if (!job->in_child)
		return do_job(job);
	child = fork();
	check(child >= 0, "fork");
	if (child == 0) {
		born = now();
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (job->in_child > 1)
			prctl(PR_SET_NAME, "kid");
		do_job(job);
		_exit(0);
	}
	check(waitpid(child, &status, 0) == child && status == 0, "a child");
	return 0;
}

static void play_on(void)
{
	for (;;) {
		await_value(&self->state, ASKED);
		self->result = do_somewhere(&self->job);
		change(&self->state, DONE);
	}
}
