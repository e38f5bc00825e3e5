/* Names that are hard to get right: gone, renamed, exec'ed since, of a thread. */
#include "actor.h"
#include <pthread.h>

static struct tube a;

/* Writes and is gone at once: fifty processes, then fifty reads. */
static void mayfly(void)
{
	struct actor *reader;
	char name[16], text[16];

	reader = cast("reader");
	for (int i = 0; i < 50; i++) {
		pid_t pid;

		snprintf(name, sizeof(name), "mayfly%d", i);
		snprintf(text, sizeof(text), "by mayfly %d", i);
		pid = fork();
		if (pid == 0) {
			prctl(PR_SET_NAME, name);
			write_all(a.out, text, strlen(text));
			_exit(0);
		}
		check(waitpid(pid, NULL, 0) == pid, "waitpid");
		say_role(name, pid, name);
		check(get(reader, &a, 100) == strlen(text), "read");
		say_moved(name, "a", "reader", text, strlen(text), READ);
	}
}

/* A whole life, exec included, in a millisecond. */
static void mayfly_exec(void)
{
	struct actor *reader = cast("reader");

	for (int i = 0; i < 20; i++) {
		char role[16];
		pid_t pid = fork();

		if (pid == 0) {
			dup2(a.out, STDOUT_FILENO);
			execl("/proc/self/exe", "name", "hello", NULL);
			die("exec");
		}
		check(waitpid(pid, NULL, 0) == pid, "waitpid");
		snprintf(role, sizeof(role), "mayfly%d", i);
		say_role(role, pid, "exe");
		check(get(reader, &a, 100) == 5, "read");
		say_moved(role, "a", "reader", "hello", 5, READ);
	}
}

static void hello(void)
{
	write_all(STDOUT_FILENO, "hello", 5);
}

static int comm_is(pid_t pid, const char *comm)
{
	char path[64], text[32] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	fd = open(path, O_RDONLY);
	check(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0, path);
	close(fd);
	return strncmp(text, comm, strlen(comm)) == 0;
}

/* The source is named as at the write, though it is another program at the read. */
static void exec_writer(void)
{
	struct actor *reader = cast("reader");
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, "before");
		write_all(a.out, "by the old one", 14);
		execl("/proc/self/exe", "name", "sleep", NULL);
		die("exec");
	}
	say_role("writer", pid, "before");
	while (!comm_is(pid, "exe"))
		pause_briefly();
	check(get(reader, &a, 100) == 14, "read");
	say_moved("writer", "a", "reader", "by the old one", 14, READ);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* The destination is named as at the read. */
static void exec_reader(void)
{
	struct actor *writer = cast("writer");
	char byte;
	pid_t pid;

	put(writer, &a, "?");
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, "before");
		check(read(a.in, &byte, 1) == 1, "read");
		execl("/proc/self/exe", "name", "sleep", NULL);
		die("exec");
	}
	say_role("reader", pid, "before");
	while (!comm_is(pid, "exe"))
		pause_briefly();
	say_moved("writer", "a", "reader", "?", 1, READ);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void sleep_on(void)
{
	for (;;)
		pause();
}

/* One process, two names, both as at the write; and fifteen bytes of a longer one. */
static void rename_writer(void)
{
	struct actor *writer = cast("old"), *reader = cast("reader");

	put(writer, &a, "as old");
	get_from(writer, reader, &a, 100);
	check(call(writer, SYS_prctl, PR_SET_NAME, P("new name, and too long")) == 0, "PR_SET_NAME");
	say_role("new", writer->pid, "new name, and t");
	put(writer, &a, "as new");
	check(get(reader, &a, 100) == 6, "read");
	say_moved("new", "a", "reader", "as new", 6, READ);
}

static void *thread_write(void *name)
{
	prctl(PR_SET_NAME, name);
	write_all(a.out, "by a thread", 11);
	return NULL;
}

static long from_thread(long name)
{
	pthread_t thread;

	check(pthread_create(&thread, NULL, thread_write, (void *)name) == 0, "pthread_create");
	return pthread_join(thread, NULL);
}

/* A thread's own name does not matter: the process is shown, by its leader's. */
static void thread(void)
{
	struct actor *writer = cast("leader"), *reader = cast("reader");

	check(play(writer, from_thread, "a-thread") == 0, "thread");
	get_from(writer, reader, &a, 100);
}

static void *write_without_leader(void *unused)
{
	char path[64], text[512] = "";

	/* the leader is a zombie by then */
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", getpid());
	while (!strstr(text, ") Z ")) {
		int fd = open(path, O_RDONLY);

		check(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0, path);
		close(fd);
	}
	prctl(PR_SET_NAME, "orphan-thread");
	write_all(a.out, "leaderless", 10);
	_exit(0);
	return unused;
}

/* The leading thread is gone when another one writes. */
static void leader_gone(void)
{
	struct actor *reader = cast("reader");
	pid_t pid = fork();

	if (pid == 0) {
		pthread_t thread;

		prctl(PR_SET_NAME, "leader");
		check(pthread_create(&thread, NULL, write_without_leader, NULL) == 0, "pthread_create");
		pthread_exit(NULL);
	}
	say_role("leader", pid, "leader");
	check(waitpid(pid, NULL, 0) == pid, "waitpid");
	check(get(reader, &a, 100) == 10, "read");
	say_moved("leader", "a", "reader", "leaderless", 10, READ);
}

/* A thread that is not the leader calls exec: the pid stays, the name is the new program's. */
static void *exec_from_thread(void *unused)
{
	dup2(a.out, STDOUT_FILENO);
	execl("/proc/self/exe", "name", "hello", NULL);
	die("exec");
	return unused;
}

static void thread_exec(void)
{
	struct actor *reader = cast("reader");
	pid_t pid = fork();

	if (pid == 0) {
		pthread_t thread;

		pthread_create(&thread, NULL, exec_from_thread, NULL);
		for (;;)
			pause();
	}
	check(waitpid(pid, NULL, 0) == pid, "waitpid");
	say_role("writer", pid, "exe");
	check(get(reader, &a, 100) == 5, "read");
	say_moved("writer", "a", "reader", "hello", 5, READ);
}

/* A name that must be escaped. */
static void odd(void)
{
	struct actor *writer = cast("writer"), *reader = cast("reader");

	check(call(writer, SYS_prctl, PR_SET_NAME, P("q\"\\\x1b\n")) == 0, "PR_SET_NAME");
	say_role("odd", writer->pid, "q\\\"\\\\\\u001b\\n");
	put(writer, &a, "odd");
	check(get(reader, &a, 100) == 3, "read");
	say_moved("odd", "a", "reader", "odd", 3, READ);
}

static const struct mode modes[] = {
	{"mayfly", mayfly},
	{"mayfly_exec", mayfly_exec},
	{"exec_writer", exec_writer},
	{"exec_reader", exec_reader},
	{"rename", rename_writer},
	{"thread", thread},
	{"leader_gone", leader_gone},
	{"thread_exec", thread_exec},
	{"odd", odd},
	/* what the others exec */
	{"hello", hello},
	{"sleep", sleep_on},
};

int main(int argc, char **argv)
{
	int status;

	if (argc > 1 && (!strcmp(argv[1], "hello") || !strcmp(argv[1], "sleep")))
		return RUN_MODE(modes, argc, argv);
	a = lay("a", 0);
	fcntl(a.out, F_SETFD, 0);
	status = RUN_MODE(modes, argc, argv);
	if (status == 0)
		exeunt();
	return status;
}
