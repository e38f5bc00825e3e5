/*
 * hang MODE: two processes, ann and bob, that come to hang in a known way. "ann PID" and "bob PID" are printed first;
 * what there is to hang on is made before. Everything ends when stdin does.
 */
#include "hang_ways.h"

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
	{"semaphore", semaphore_ann, semaphore_bob},
	{"messages", messages_ann, messages_bob},
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
	if (!strcmp(name, "semaphore")) {
		semaphores = semget(IPC_PRIVATE, 2, 0600);
		check(semaphores >= 0 && !semctl(semaphores, 1, SETVAL, 1), "semget");
	}
	if (!strcmp(name, "messages")) {
		messages = msgget(IPC_PRIVATE, 0600);
		check(messages >= 0, "msgget");
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
	if (!strcmp(mode->name, "semaphore"))
		semctl(semaphores, 0, IPC_RMID);
	if (!strcmp(mode->name, "messages"))
		msgctl(messages, IPC_RMID, NULL);
	return 0;
}
