/*
 * contested MODE: calls that are not what they look like at their return.
 *
 *   taken_over      a read of a pipe is under way when another thread gives its descriptor to a socket
 *   sent_elsewhere  a send is, when another makes its descriptor that of another connection
 *   forged          a read of a socket is, when its descriptor becomes that of a pipe with somebody's bytes in it
 *   pretended_*     what a seccomp supervisor answers in the kernel's place
 *   numbers_of_*    calls by numbers with bits above the half that the kernel looks at
 *   kept_from_returning  a receive that has taken something waits for memory
 *   nothing         writev of no buffers, which sends no datagram, and send of no bytes, which does
 */
#include "contested_late.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/ioctl.h>

enum { LARGE = 300000 };

/* A call of one thread, during which another makes `fd` the same as `over`. */
struct contest {
	long job[7];
	int fd, over;
	/* then the other thread writes as much to this one, or reads as much of that; 0: it does not */
	int write, drain;
	_Atomic uint32_t thread, lost;
};

static void *run_job(void *argument)
{
	struct contest *contest = argument;

	change(&contest->thread, gettid());
	return (void *)perform(contest->job);
}

static long contend(long argument)
{
	struct contest *contest = (struct contest *)argument;
	pthread_t thread;
	void *result;

	check(pthread_create(&thread, NULL, run_job, contest) == 0, "pthread_create");
	while (!contest->thread)
		pause_briefly();
	until_blocked(contest->thread, contest->job[0]);
	check(dup2(contest->over, contest->fd) == contest->fd, "dup2");
	change(&contest->lost, 1);
	if (contest->write)
		write_all(contest->write, "chosen bytes", contest->job[3]);
	for (long left = contest->drain ? contest->job[3] : 0; left > 0;) {
		long n = read(contest->drain, stage->arena, TAKEN);

		check(n > 0, "read");
		left -= n;
	}
	check(pthread_join(thread, &result) == 0, "pthread_join");
	return (long)result;
}

/* Begins one, and waits until the descriptor is another's. */
static void begin_contest(struct actor *who, struct contest contest)
{
	struct contest *lent;

	contest.fd = contest.job[1];
	lent = lend_copy(&contest, sizeof(contest));
	begin(who, PLAY, P(contend), P(lent));
	await_value(&lent->lost, 1);
}

static int *pair_of(struct actor *who, int type)
{
	int *ends = lend(2 * sizeof(int));

	must(call(who, SYS_socketpair, AF_UNIX, type, 0, P(ends)), "socketpair");
	return ends;
}

static void taken_over(void)
{
	static const char text[] = "for who began to read";
	struct tube tube = lay("tube", 0);
	struct actor *ann = cast("ann"), *bob = cast("bob");
	int *ends = pair_of(bob, SOCK_STREAM), spare = call(bob, SYS_dup, tube.in);

	begin_contest(bob, (struct contest){.job = {SYS_read, spare, P(stage->arena), 64}, .over = ends[0]});
	put(ann, &tube, text);
	check(answer(bob) == sizeof(text) - 1, "read");
	say_moved("ann", "tube", "bob", text, sizeof(text) - 1, READ);
}

static void sent_elsewhere(void)
{
	struct actor *ann = cast("ann");
	int *ours = pair_of(ann, SOCK_STREAM), *others = pair_of(ann, SOCK_STREAM);
	struct plug from = plug(ann, ours[0]), to = plug(ann, ours[1]);
	char *large = lend(LARGE);

	plug(ann, others[0]);
	plug(ann, others[1]);
	memset(large, 'x', LARGE);
	begin_contest(ann, (struct contest){.job = {SYS_write, call(ann, SYS_dup, ours[0]), P(large), LARGE},
					    .over = others[0],
					    .drain = ours[1]});
	check(answer(ann) == LARGE, "write");
	say_letter((struct letter){.type = SOCK_STREAM, .from = &from, .to = &to, .bytes = large, .count = LARGE});
}

static void forged(void)
{
	struct tube tube = lay("tube", 0);
	struct actor *ann = cast("ann"), *bob = cast("bob"), *eve = cast("eve");
	int *ends = pair_of(eve, SOCK_STREAM);
	struct plug from = plug(eve, ends[0]), to = plug(eve, ends[1]);

	put(ann, &tube, "harmless");
	begin_contest(eve, (struct contest){.job = {SYS_read, call(eve, SYS_dup, ends[1]), P(stage->arena), 8},
					    .over = tube.in,
					    .write = ends[0]});
	check(answer(eve) == 8, "read");
	say_letter((struct letter){.type = SOCK_STREAM, .from = &from, .to = &to, .bytes = "chosen bytes", .count = 8});
	get_from(ann, bob, &tube, 64);
}

/* From now on the current process asks before it makes the call; the listener's number. */
static long submit(long number)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(*filter), filter};

	check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "PR_SET_NO_NEW_PRIVS");
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

/* The script supervises an actor's calls of this number; its listener. */
static int supervise(struct actor *who, long number)
{
	long fd = play(who, submit, number);
	int process = syscall(SYS_pidfd_open, who->pid, 0), listener;

	must(fd, "seccomp");
	check(process >= 0, "pidfd_open");
	listener = syscall(SYS_pidfd_getfd, process, fd, 0);
	check(listener >= 0, "pidfd_getfd");
	close(process);
	return listener;
}

/* Answers the next of them with a result of its own, or lets it run. */
static void decide(int listener, long result, int runs)
{
	struct seccomp_notif asked = {};
	struct seccomp_notif_resp given = {};

	check(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) == 0, "SECCOMP_IOCTL_NOTIF_RECV");
	given.id = asked.id;
	given.val = runs ? 0 : result;
	given.flags = runs ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0;
	check(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &given) == 0, "SECCOMP_IOCTL_NOTIF_SEND");
}

static void pretended_write(void)
{
	static const char fake[] = "not written", text[] = "written";
	struct tube tube = lay("tube", 0);
	struct actor *ann = cast("ann"), *bob = cast("bob"), *reader = cast("reader");
	int listener;

	put(ann, &tube, "before");
	get_from(ann, reader, &tube, 64);
	listener = supervise(ann, SYS_write);
	begin(ann, SYS_write, tube.out, P(lend_copy(fake, sizeof(fake))), sizeof(fake));
	decide(listener, sizeof(fake), 0);
	check(answer(ann) == sizeof(fake), "write");
	put(bob, &tube, "another's");
	get_from(bob, reader, &tube, 64);
	begin(ann, SYS_write, tube.out, P(lend_copy(text, sizeof(text))), sizeof(text));
	decide(listener, 0, 1);
	check(answer(ann) == sizeof(text), "write");
	get_from(ann, reader, &tube, 64);
}

static void pretended_send(void)
{
	static const char fake[] = "not sent", text[] = "sent";
	struct actor *ann = cast("ann");
	int *ends = pair_of(ann, SOCK_STREAM), listener;
	struct plug from = plug(ann, ends[0]), to = plug(ann, ends[1]);

	pass(SOCK_STREAM, NULL, &from, &to, "before");
	listener = supervise(ann, SYS_sendto);
	begin(ann, SYS_sendto, from.fd, P(lend_copy(fake, sizeof(fake))), sizeof(fake), 0, 0, 0);
	decide(listener, sizeof(fake), 0);
	check(answer(ann) == sizeof(fake), "send");
	begin(ann, SYS_sendto, from.fd, P(lend_copy(text, sizeof(text))), sizeof(text), 0, 0, 0);
	decide(listener, 0, 1);
	check(answer(ann) == sizeof(text), "send");
	say_letter((struct letter){.type = SOCK_STREAM, .from = &from, .to = &to, .bytes = text, .count = sizeof(text)});
	check(take(&to) == sizeof(text), "recv");
}

/* A number whose lower half is that of the call. */
static long high(long number)
{
	return sizeof(long) > 4 ? number | 1L << 40 : number;
}

static void numbers_of_pipes(void)
{
	static const char text[] = "by another number";
	struct tube tube = lay("tube", 0);
	struct actor *ann = cast("ann"), *bob = cast("bob");
	const char *lent = lend_copy(text, sizeof(text));

	for (int i = 0; i < 4; i++) {
		long sends = i & 1 ? high(SYS_write) : SYS_write, takes = i & 2 ? high(SYS_read) : SYS_read;

		check(call(ann, sends, tube.out, P(lent), sizeof(text)) == sizeof(text), "write");
		check(call(bob, takes, tube.in, P(stage->arena), 64) == sizeof(text), "read");
		say_moved("ann", "tube", "bob", text, sizeof(text), READ);
	}
}

static void numbers_of_sockets(void)
{
	static const char text[] = "by another number";
	struct actor *ann = cast("ann");
	int *ends = pair_of(ann, SOCK_STREAM);
	struct plug from = plug(ann, ends[0]), to = plug(ann, ends[1]);

	check(call(ann, high(SYS_sendto), from.fd, P(lend_copy(text, sizeof(text))), sizeof(text), 0, 0, 0) ==
		      sizeof(text),
	      "send");
	say_letter((struct letter){.type = SOCK_STREAM, .from = &from, .to = &to, .bytes = text, .count = sizeof(text)});
	check(take(&to) == sizeof(text), "recv");
}

static void nothing(void)
{
	struct actor *ann = cast("ann");
	int *ends = pair_of(ann, SOCK_DGRAM);
	struct plug from = plug(ann, ends[0]), to = plug(ann, ends[1]);

	check(call(ann, SYS_writev, from.fd, 0, 0) == 0, "writev");
	check(call(ann, SYS_sendto, from.fd, 0, 0, 0, 0, 0) == 0, "send");
	say_letter((struct letter){.type = SOCK_DGRAM, .from = &from, .to = &to, .bytes = "", .count = 0});
	check(take(&to) == 0, "recv");
	pass(SOCK_DGRAM, NULL, &from, &to, "the end");
}

static const struct mode modes[] = {
	{"taken_over", taken_over},
	{"sent_elsewhere", sent_elsewhere},
	{"forged", forged},
	{"pretended_write", pretended_write},
	{"pretended_send", pretended_send},
	{"numbers_of_pipes", numbers_of_pipes},
	{"numbers_of_sockets", numbers_of_sockets},
	{"kept_from_returning", kept_from_returning},
	{"nothing", nothing},
};

int main(int argc, char **argv)
{
	int status = RUN_MODE(modes, argc, argv);

	if (status == 0)
		linger();
	return status;
}
