/* mq MODE: POSIX message queues; each message is said as its receiver had it. */
#include "mq_scene.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>

static void plain(void)
{
	set_scene();
	send_text(ann, "one", 0);
	send_text(bob, "two", 0);
	receive(ann, cyd);
	receive(bob, dan);
	send_text(cyd, "", 0);
	receive(cyd, cyd);
}

static void priorities(void)
{
	set_scene();
	send_text(ann, "low", 1);
	send_text(bob, "high", 9);
	send_text(ann, "as high", 9);
	send_text(cyd, "highest", 32767);
	receive(cyd, dan);
	receive(bob, dan);
	receive(ann, dan);
	receive(ann, dan);
}

/* The receiver does not ask for the priority */
static void unasked(void)
{
	set_scene();
	send_text(ann, "first", 3);
	send_text(bob, "second", 4);
	check(call(cyd, SYS_mq_timedreceive, queue, P(place_of(cyd)), 8192, 0, 0) == 6, "mq_receive");
	say_taken(bob, cyd, 4, 6, SURE);
	check(call(cyd, SYS_mq_timedreceive, queue, P(place_of(cyd)), 8192, 0, 0) == 5, "mq_receive");
	say_taken(ann, cyd, 3, 5, SURE);
}

static void full(void)
{
	set_scene();
	for (int i = 0; i < 4; i++)
		send_text(ann, "fills it", 0);
	begin_send(bob, "waits for room", 0);
	until_blocked(bob->pid, SYS_mq_timedsend);
	receive(ann, cyd);
	check(answer(bob) == 0, "mq_send");
	for (int i = 0; i < 3; i++)
		receive(ann, cyd);
	receive(bob, cyd);
}

static void waiting_reader(void)
{
	set_scene();
	begin_receive(cyd);
	until_blocked(cyd->pid, SYS_mq_timedreceive);
	send_text(ann, "awaited", 2);
	end_receive(ann, cyd, SURE);
}

static void two_readers(void)
{
	set_scene();
	for (int i = 0; i < 20; i++) {
		begin_receive(cyd);
		until_blocked(cyd->pid, SYS_mq_timedreceive);
		begin_receive(dan);
		until_blocked(dan->pid, SYS_mq_timedreceive);
		/* who waits longest is served first */
		send_text(ann, "for cyd", 0);
		send_text(bob, "for dan", 0);
		end_receive(ann, cyd, MAY_GUESS);
		end_receive(bob, dan, MAY_GUESS);
	}
}

static long notify(long number)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = number};

	signal(number, SIG_IGN);
	return mq_notify(queue, &event);
}

static void notified(void)
{
	set_scene();
	check(play(cyd, notify, SIGUSR1) == 0, "mq_notify");
	send_text(ann, "rings", 0);
	receive(ann, cyd);
}

/* None of these takes a message */
static void refused(void)
{
	struct timespec *past;

	set_scene();
	past = (struct timespec *)stage->arena;
	past->tv_sec = 1;
	check(call(cyd, SYS_mq_timedreceive, queue, P(place_of(cyd)), 8192, 0, P(past)) == -ETIMEDOUT, "empty");
	check(call(cyd, SYS_mq_timedreceive, queue, P(place_of(cyd)), 10, 0, 0) == -EMSGSIZE, "small");
	for (int i = 0; i < 4; i++)
		send_text(ann, "fills it", 0);
	strcpy(place_of(bob), "no room");
	check(call(bob, SYS_mq_timedsend, queue, P(place_of(bob)), 7, 0, P(past)) == -ETIMEDOUT, "full");
	check(call(bob, SYS_mq_timedsend, queue, P(place_of(bob)), 9000, 0, 0) == -EMSGSIZE, "large");
	for (int i = 0; i < 4; i++)
		receive(ann, dan);
}

/* From here on a filter answers these calls, with 0 */
static long pretend(long number)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(*filter), filter};

	check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "PR_SET_NO_NEW_PRIVS");
	check(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0, "seccomp");
	return 0;
}

/* A message is gone whose priority could not be written down; and what a filter answers has not happened */
static void feigned(void)
{
	set_scene();
	send_text(ann, "is lost", 1);
	check(call(dan, SYS_mq_timedreceive, queue, P(place_of(dan)), 8192, 8, 0) == -EFAULT, "EFAULT");
	send_text(bob, "comes after", 1);
	receive(bob, cyd);
	send_text(ann, "stays", 1);
	play(dan, pretend, SYS_mq_timedreceive);
	check(call(dan, SYS_mq_timedreceive, queue, P(place_of(dan)), 8192, 0, 0) == 0, "pretended");
	send_text(bob, "stays as well", 1);
	receive(ann, cyd);
	receive(bob, cyd);
}

static int spare, other;
static _Atomic uint32_t taker;

static void *take(void *place)
{
	change(&taker, syscall(SYS_gettid));
	check(mq_receive(spare, place, 8192, (unsigned *)((char *)place + 32768)) >= 0, "mq_receive");
	return NULL;
}

/* A thread waits at the queue when its descriptor becomes another's */
static long swap(long address)
{
	struct actor *self = (struct actor *)address;
	pthread_t thread;

	spare = dup(queue);
	check(pthread_create(&thread, NULL, take, place_of(self)) == 0, "pthread_create");
	while (!taker)
		pause_briefly();
	until_blocked(taker, SYS_mq_timedreceive);
	check(dup2(other, spare) == spare, "dup2");
	strcpy(place_of(self), "one's own");
	check(mq_send(queue, place_of(self), 9, 2) == 0, "mq_send");
	return pthread_join(thread, NULL);
}

static void swapped(void)
{
	int first;

	open_queue(4, 8192);
	check(mq_unlink(name) == 0, "mq_unlink");
	other = queue;
	set_scene();
	first = queue;
	queue = other;
	send_text(ann, "not for dan", 1);
	queue = first;
	check(play(dan, swap, dan) == 0, "swap");
	say_taken(dan, dan, 2, 9, SURE);
	queue = other;
	receive(ann, cyd);
}

/* Both have waited since before tracing */
static void awaited(void)
{
	set_scene();
	begin_receive(cyd);
	until_blocked(cyd->pid, SYS_mq_timedreceive);
	begin_receive(dan);
	until_blocked(dan->pid, SYS_mq_timedreceive);
	wait_for_test();
	send_text(ann, "for cyd", 0);
	send_text(bob, "for dan", 0);
	end_receive(ann, cyd, MAY_GUESS);
	end_receive(bob, dan, MAY_GUESS);
}

static void large(void)
{
	set_scene();
	for (int i = 0; i < 8192; i++)
		place_of(ann)[i] = "0123456789abcdef!"[i % 17];
	check(call(ann, SYS_mq_timedsend, queue, P(place_of(ann)), 8192, 1, 0) == 0, "mq_send");
	receive(ann, bob);
}

static void early(void)
{
	set_scene();
	send_text(ann, "from before", 0);
	send_text(bob, "as well", 0);
	wait_for_test();
	receive(NULL, cyd);
	receive(NULL, cyd);
	send_text(bob, "from now", 0);
	receive(bob, dan);
}

static void left_over(void)
{
	set_scene();
	send_text(ann, "nobody", 0);
	send_text(bob, "reads these", 0);
	wait_for_test();
}

static const struct mode modes[] = {
	{"plain", plain},	  {"priorities", priorities}, {"unasked", unasked},
	{"full", full},		  {"waiting", waiting_reader}, {"readers", two_readers},
	{"notified", notified}, {"refused", refused},	     {"large", large},
	{"early", early},	  {"left", left_over},	     {"feigned", feigned},
	{"swapped", swapped},	  {"awaited", awaited},
};

int main(int argc, char **argv)
{
	int status = RUN_MODE(modes, argc, argv);

	if (stage)
		exeunt();
	return status;
}
