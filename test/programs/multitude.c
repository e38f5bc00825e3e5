/*
 * multitude WHAT N: more than the maps hold, and somebody who was there before and has to have his name after it.
 * The crowd is of one name, so that a test can leave it out.
 */
#include "unix.h"
#include <sys/eventfd.h>
#include <sys/resource.h>

static long crowd;

/* To a tracer a process that was renamed is another one. Each tells of itself by a signal. */
static long be_many(long count)
{
	static unsigned names;

	for (long i = 0; i < count; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%x", names++);
		prctl(PR_SET_NAME, name);
		kill(getpid(), SIGWINCH);
	}
	return 0;
}

/* Who writes, reads, sends or receives rarely. */
static void names(void)
{
	struct tube tube = lay("a", 0);
	struct actor *writer = cast("writer"), *reader = cast("reader"), *many = enter("many");
	struct plug a, b;
	int ends[2];

	make_pair(ends, SOCK_STREAM);
	a = keep(cast("ann"), ends[0]);
	b = keep(cast("bob"), ends[1]);
	wait_for_test();
	put(writer, &tube, "before");
	get_from(writer, reader, &tube, 100);
	pass(SOCK_STREAM, NULL, &a, &b, "before");
	put(writer, &tube, "for long");
	/* in parts, for the tracer to keep up with them */
	for (long left = crowd; left > 0; left -= 10000) {
		play(many, be_many, left < 10000 ? left : 10000);
		wait_for_test();
	}
	get_from(writer, reader, &tube, 100);
	put(writer, &tube, "after");
	get_from(writer, reader, &tube, 100);
	pass(SOCK_STREAM, NULL, &a, &b, "after");
	linger();
}

static long breed(long name)
{
	return P(enter((char *)name));
}

__attribute__((noinline)) static void come_and_go(void)
{
	pid_t child = vfork();

	check(child >= 0, "vfork");
	if (child == 0)
		_exit(0);
	check(waitpid(child, NULL, 0) == child, "waitpid");
}

/* Nobody's end is his any more. */
static long outlive(long unused)
{
	(void)unused;
	return prctl(PR_SET_PDEATHSIG, 0);
}

static long rename_self(long name)
{
	return prctl(PR_SET_NAME, name);
}

/* bob used an end and ends without a word, then his child has it. */
static void ends(void)
{
	int renamed = crowd == 0, both[2];
	struct actor *bob, *cyd;
	struct plug a, b;

	make_pair(both, SOCK_STREAM);
	a.who = cast("ann");
	bob = cast("bob");
	a = keep(a.who, both[0]);
	b = keep(bob, both[1]);
	wait_for_test();
	pass(SOCK_STREAM, NULL, &b, &a, "from bob");
	pass(SOCK_STREAM, NULL, &a, &b, "to bob");
	cyd = (void *)play(bob, breed, "cyd");
	play(cyd, outlive, 0);
	say_role("cyd", cyd->pid, "cyd");
	if (renamed)
		play(bob, rename_self, "robert");
	begin(bob, QUIT);
	waitpid(bob->pid, NULL, 0);
	for (long i = 0; i < crowd; i++)
		come_and_go();
	wait_for_test();
	b.who = cyd;
	pass(SOCK_STREAM, NULL, &a, &b, "to cyd");
	wait_for_test();
	begin(cyd, QUIT);
}

enum { PAIRS = 500 };

/* Ends with sockets that it used and never closed. */
static void use_sockets(void)
{
	int pairs[PAIRS][2];
	char byte = '.';

	prctl(PR_SET_NAME, "crowd");
	for (int i = 0; i < PAIRS; i++) {
		check(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]) == 0, "socketpair");
		check(send(pairs[i][0], &byte, 1, 0) == 1, "send");
		check(recv(pairs[i][1], &byte, 1, 0) == 1, "recv");
	}
	_exit(0);
}

static void sockets(void)
{
	struct rlimit files = {2 * PAIRS + 64, 2 * PAIRS + 64};

	check(setrlimit(RLIMIT_NOFILE, &files) == 0, "RLIMIT_NOFILE");
	wait_for_test();
	for (long left = crowd; left > 0; left -= 2 * PAIRS) {
		pid_t child = fork();

		check(child >= 0, "fork");
		if (child == 0)
			use_sockets();
		check(waitpid(child, NULL, 0) == child, "waitpid");
	}
	wait_for_test();
}

enum { HELD = 8000 };

/* Each holds as many as it may, and keeps them until it is ended. */
static void hold_pipes(long count, int ready)
{
	char byte = '.';

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "crowd");
	for (long i = 0; i < count; i++) {
		int both[2];

		check(pipe(both) == 0, "pipe");
		check(write(both[1], &byte, 1) == 1, "write");
		check(read(both[0], &byte, 1) == 1, "read");
	}
	check(eventfd_write(ready, 1) == 0, "eventfd");
	for (;;)
		pause();
}

/* All open at once, each with a byte that comes and goes. When they are closed there is another one. */
static void pipes(void)
{
	struct rlimit files = {2 * HELD + 64, 2 * HELD + 64};
	struct actor *writer, *reader;
	struct tube tube;
	pid_t children[64];
	int count = 0, ready = eventfd(0, EFD_SEMAPHORE | EFD_CLOEXEC);

	check(setrlimit(RLIMIT_NOFILE, &files) == 0, "RLIMIT_NOFILE");
	wait_for_test();
	for (long left = crowd; left > 0; left -= HELD) {
		eventfd_t one;

		check(count < 64, "too many");
		children[count] = fork();
		if (children[count] == 0)
			hold_pipes(left < HELD ? left : HELD, ready);
		count++;
		check(eventfd_read(ready, &one) == 0, "eventfd");
	}
	wait_for_test();
	while (count--) {
		kill(children[count], SIGKILL);
		waitpid(children[count], NULL, 0);
	}
	tube = lay("a", 0);
	writer = cast("writer");
	reader = cast("reader");
	for (int i = 0; i < 3; i++) {
		put(writer, &tube, "after");
		get_from(writer, reader, &tube, 100);
	}
	linger();
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} scenes[] = {{"names", names}, {"ends", ends}, {"sockets", sockets}, {"pipes", pipes}};

	check(argc == 3, "usage: multitude WHAT N");
	crowd = atol(argv[2]);
	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++)
		if (!strcmp(argv[1], scenes[i].name)) {
			scenes[i].run();
			return 0;
		}
	fprintf(stderr, "multitude: no %s here\n", argv[1]);
	return 2;
}
