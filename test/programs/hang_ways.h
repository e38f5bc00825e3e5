/* What ann and bob come to hang on: what each of them does, and what there is for that. */
#pragma once
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void check(int good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(1);
}

/* by which ann tells who bob is */
static int gate[2];
static char block[1 << 20];
static int to_bob[2], to_ann[2], pair[2], listener, connections[64];
static char path[64];
static pthread_mutex_t *mutex;
static mqd_t queue;
static int semaphores, messages;

static void fill(int fd)
{
	for (;;)
		check(write(fd, block, sizeof(block)) > 0, "write");
}

static void drain(int fd)
{
	while (read(fd, block, sizeof(block)) > 0)
		;
}

static void own_only(int fd, int theirs)
{
	close(theirs);
	(void)fd;
}

/* Both write to full pipes */
static void pipes_ann(pid_t bob)
{
	(void)bob;
	fill(to_bob[1]);
}
static void pipes_bob(pid_t ann)
{
	(void)ann;
	fill(to_ann[1]);
}

/* Ann waits for bob's end before she reads what he writes */
static void wait_ann(pid_t bob)
{
	close(to_ann[1]);
	waitpid(bob, NULL, 0);
}

/* Both ends of one socket are full */
static void sockets_ann(pid_t bob)
{
	(void)bob;
	own_only(pair[0], pair[1]);
	fill(pair[0]);
}
static void sockets_bob(pid_t ann)
{
	(void)ann;
	own_only(pair[1], pair[0]);
	fill(pair[1]);
}

/* Both read what the other would have to write first */
static void reads_ann(pid_t bob)
{
	(void)bob;
	close(to_ann[1]);
	close(to_bob[0]);
	drain(to_ann[0]);
}
static void reads_bob(pid_t ann)
{
	(void)ann;
	close(to_bob[1]);
	close(to_ann[0]);
	drain(to_bob[0]);
}

/* Ann holds the other end of what she reads herself */
static void self_ann(pid_t bob)
{
	(void)bob;
	drain(to_ann[0]);
}
static void asleep(pid_t other)
{
	(void)other;
	close(to_ann[1]);
	close(to_ann[0]);
	for (;;)
		pause();
}

/* Bob, who should read, is stopped */
static void stopped_ann(pid_t bob)
{
	close(to_bob[0]);
	kill(bob, SIGSTOP);
	fill(to_bob[1]);
}
static void reader_bob(pid_t ann)
{
	(void)ann;
	close(to_bob[1]);
	drain(to_bob[0]);
	for (;;)
		pause();
}

/* A pipe's reader polls something else, with no time */
static void poll_bob(pid_t ann)
{
	struct pollfd polled = {.fd = to_ann[0], .events = POLLIN};

	(void)ann;
	close(to_ann[1]);
	close(to_bob[1]);
	poll(&polled, 1, -1);
}
static void poll_ann(pid_t bob)
{
	(void)bob;
	close(to_bob[0]);
	fill(to_bob[1]);
}
static void epoll_bob(pid_t ann)
{
	struct epoll_event event = {.events = EPOLLIN};
	int epoll = epoll_create1(0);

	(void)ann;
	close(to_ann[1]);
	close(to_bob[1]);
	epoll_ctl(epoll, EPOLL_CTL_ADD, to_ann[0], &event);
	epoll_wait(epoll, &event, 1, -1);
}

static void flock_ann(pid_t bob)
{
	int fd = open(path, O_RDWR);

	(void)bob;
	flock(fd, LOCK_EX);
	for (;;)
		pause();
}
static void flock_bob(pid_t ann)
{
	int fd = open(path, O_RDWR);

	(void)ann;
	while (!flock(fd, LOCK_EX | LOCK_NB))
		flock(fd, LOCK_UN);
	flock(fd, LOCK_EX);
	for (;;)
		pause();
}

static void mutex_ann(pid_t bob)
{
	(void)bob;
	pthread_mutex_lock(mutex);
	for (;;)
		pause();
}
static void mutex_bob(pid_t ann)
{
	(void)ann;
	while (!pthread_mutex_trylock(mutex))
		pthread_mutex_unlock(mutex);
	pthread_mutex_lock(mutex);
	for (;;)
		pause();
}

static void queue_ann(pid_t bob)
{
	(void)bob;
	while (!mq_send(queue, "x", 1, 0))
		;
}

/* Bob accepts nobody, and his backlog is full */
static void backlog_ann(pid_t bob)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)bob;
	close(listener);
	strcpy(address.sun_path + 1, path);
	for (int i = 0; i < 64; i++) {
		connections[i] = socket(AF_UNIX, SOCK_STREAM, 0);
		connect(connections[i], (void *)&address, sizeof(sa_family_t) + 1 + strlen(path));
	}
}

static void fifo_ann(pid_t bob)
{
	(void)bob;
	open(path, O_RDONLY);
}

/* Ann has taken what bob waits for; nobody is told who has a semaphore, but who changed it last */
static void semaphore_ann(pid_t bob)
{
	struct sembuf take = {.sem_num = 1, .sem_op = -1};

	(void)bob;
	semop(semaphores, &take, 1);
	for (;;)
		pause();
}
static void semaphore_bob(pid_t ann)
{
	struct sembuf take = {.sem_num = 1, .sem_op = -1};

	/* not before her, and only once */
	while (semctl(semaphores, 1, GETPID) != ann)
		usleep(1000);
	semop(semaphores, &take, 1);
	for (;;)
		pause();
}

/* Bob takes one message of many */
static void messages_ann(pid_t bob)
{
	struct {
		long type;
		char text[1024];
	} message = {.type = 1};

	(void)bob;
	while (!msgsnd(messages, &message, sizeof(message.text), 0))
		;
}
static void messages_bob(pid_t ann)
{
	struct {
		long type;
		char text[1024];
	} message;

	(void)ann;
	msgrcv(messages, &message, sizeof(message.text), 0, 0);
	for (;;)
		pause();
}
