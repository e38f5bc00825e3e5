/*
 * hang MODE: two processes, ann and bob, that come to hang in a known way. "ann PID" and "bob PID" are printed first;
 * what there is to hang on is made before. Everything ends when stdin does.
 */
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
#include <sys/mman.h>
#include <sys/prctl.h>
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

struct mode {
	const char *name;
	void (*ann)(pid_t bob);
	void (*bob)(pid_t ann);
};

static const struct mode modes[] = {
	{"pipes", pipes_ann, pipes_bob},
	{"wait", wait_ann, pipes_bob},
	{"sockets", sockets_ann, sockets_bob},
	{"reads", reads_ann, reads_bob},
	{"self", self_ann, asleep},
	{"stopped", stopped_ann, reader_bob},
	{"poll", poll_ann, poll_bob},
	{"epoll", poll_ann, epoll_bob},
	{"flock", flock_ann, flock_bob},
	{"mutex", mutex_ann, mutex_bob},
	{"queue", queue_ann, asleep},
	{"backlog", backlog_ann, asleep},
	{"fifo", fifo_ann, asleep},
};

static void prepare(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct mq_attr attributes = {.mq_maxmsg = 2, .mq_msgsize = 16};
	pthread_mutexattr_t shared;

	snprintf(path, sizeof(path), "/tmp/ipcdump-hang-%d", getpid());
	check(!pipe(to_bob) && !pipe(to_ann), "pipe");
	check(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "socketpair");
	if (!strcmp(name, "fifo"))
		check(!mkfifo(path, 0600), "mkfifo");
	if (!strcmp(name, "flock"))
		check(open(path, O_RDWR | O_CREAT, 0600) >= 0, path);
	if (!strcmp(name, "queue")) {
		queue = mq_open(path + 4, O_RDWR | O_CREAT, 0600, &attributes);
		check(queue >= 0, "mq_open");
		mq_unlink(path + 4);
	}
	if (!strcmp(name, "backlog")) {
		strcpy(address.sun_path + 1, path);
		listener = socket(AF_UNIX, SOCK_STREAM, 0);
		check(!bind(listener, (void *)&address, sizeof(sa_family_t) + 1 + strlen(path)) &&
			      !listen(listener, 1),
		      "listen");
	}
	mutex = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check(mutex != MAP_FAILED, "mmap");
	pthread_mutexattr_init(&shared);
	pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(mutex, &shared);
}

/* A process of its own; its standard descriptors are not the test's */
static pid_t start(const char *name, void (*act)(pid_t), pid_t other)
{
	char own[16];
	pid_t pid;

	/* named before it is made: it may be stopped at once */
	prctl(PR_GET_NAME, own);
	prctl(PR_SET_NAME, name);
	pid = fork();
	check(pid >= 0, "fork");
	if (pid) {
		prctl(PR_SET_NAME, own);
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	if (other) {
		close(gate[0]);
		close(gate[1]);
	}
	act(other);
	for (;;)
		pause();
}

/* Ann is bob's parent, as she may wait for him */
static const struct mode *mode;
static void ann_first(pid_t none)
{
	pid_t bob = start("bob", mode->bob, getpid());

	(void)none;
	check(write(gate[1], &bob, sizeof(bob)) == sizeof(bob), "write");
	close(gate[0]);
	close(gate[1]);
	mode->ann(bob);
}

int main(int argc, char **argv)
{
	pid_t ann, bob;
	char end;

	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		if (argc == 2 && !strcmp(modes[i].name, argv[1]))
			mode = &modes[i];
	check(mode != NULL, "hang MODE");
	signal(SIGPIPE, SIG_IGN);
	prepare(mode->name);
	check(!pipe2(gate, O_CLOEXEC), "pipe");
	ann = start("ann", ann_first, 0);
	check(read(gate[0], &bob, sizeof(bob)) == sizeof(bob), "read");
	/* only they have what they hang on */
	for (int i = 0; i < 2; i++) {
		close(to_bob[i]);
		close(to_ann[i]);
		close(pair[i]);
		close(gate[i]);
	}
	if (!strcmp(mode->name, "backlog"))
		close(listener);
	if (!strcmp(mode->name, "queue"))
		mq_close(queue);
	printf("ann %d\nbob %d\n", ann, bob);
	fflush(stdout);
	while (read(0, &end, 1) > 0)
		;
	kill(bob, SIGKILL);
	kill(ann, SIGKILL);
	unlink(path);
	return 0;
}
