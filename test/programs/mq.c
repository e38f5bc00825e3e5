/* mq MODE: POSIX message queues; each message is said as its receiver had it. */
#include "actor.h"
#include <mqueue.h>

static char name[64];
static int queue;
static struct actor *ann, *bob, *cyd, *dan;

static void open_queue(long most, long size)
{
	struct mq_attr attributes = {.mq_maxmsg = most, .mq_msgsize = size};

	snprintf(name, sizeof(name), "/ipcdump-%d", getpid());
	queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
	check(queue >= 0, "mq_open");
}

static void set_scene(void)
{
	open_queue(4, 8192);
	ann = cast("ann");
	bob = cast("bob");
	cyd = cast("cyd");
	dan = cast("dan");
	check(mq_unlink(name) == 0, "mq_unlink");
}

/* The bytes are written by whoever calls this, at a place for each sender */
static char *place_of(struct actor *actor)
{
	return (char *)stage->arena + 65536 * (1 + (actor - stage->actors));
}

static void begin_send(struct actor *sender, const char *text, long priority)
{
	strcpy(place_of(sender), text);
	begin(sender, SYS_mq_timedsend, queue, P(place_of(sender)), strlen(text), priority, 0);
}

static void send_text(struct actor *sender, const char *text, long priority)
{
	begin_send(sender, text, priority);
	check(answer(sender) == 0, "mq_send");
}

static void begin_receive(struct actor *receiver)
{
	unsigned *priority = (unsigned *)(place_of(receiver) + 32768);

	begin(receiver, SYS_mq_timedreceive, queue, P(place_of(receiver)), 8192, P(priority), 0);
}

static void say_taken(struct actor *sender, struct actor *receiver, long priority, long count, enum guess guess)
{
	char meta[128];

	snprintf(meta, sizeof(meta), "\"mq_name\":\"%s\",\"priority\":%ld", name, priority);
	say_carried("mq", sender ? sender->name : "?", receiver->name, meta, place_of(receiver), count, READ, guess);
}

/* What the receiver got has to be this sender's */
static void end_receive(struct actor *sender, struct actor *receiver, enum guess guess)
{
	long count = answer(receiver);

	check(count >= 0, "mq_receive");
	say_taken(sender, receiver, *(unsigned *)(place_of(receiver) + 32768), count, guess);
}

static void receive(struct actor *sender, struct actor *receiver)
{
	begin_receive(receiver);
	end_receive(sender, receiver, SURE);
}

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
	{"early", early},	  {"left", left_over},
};

int main(int argc, char **argv)
{
	int status = RUN_MODE(modes, argc, argv);

	if (stage)
		exeunt();
	return status;
}
