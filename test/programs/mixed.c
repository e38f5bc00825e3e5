/* A little of everything in lock-step, for runs on different kernels to be compared event by event. */
#include "actor.h"
#include <sys/uio.h>

static void heed(int number)
{
	(void)number;
}

static long handle(long number)
{
	struct sigaction action = {.sa_handler = heed, .sa_flags = SA_RESTART};

	return sigaction(number, &action, NULL);
}

static long ignore(long number)
{
	return signal(number, SIG_IGN) == SIG_ERR;
}

static struct tube a, b;
static struct actor *ann, *bob, *cyd;

static void hit(struct actor *sender, struct actor *target, int number, const char *name, const char *more)
{
	check(call(sender, SYS_kill, target->pid, number) == 0, "kill");
	call(target, SYS_getpid);
	say_sent(sender->name, target->name, number, name, more);
}

static void gather_and_scatter(void)
{
	struct iovec *pieces = (void *)stage->arena;
	char *text = (char *)(stage->arena + 4096);

	strcpy(text, "one two three");
	pieces[0] = (struct iovec){text, 4};
	pieces[1] = (struct iovec){text + 4, 0};
	pieces[2] = (struct iovec){text + 4, 9};
	check(call(bob, SYS_writev, a.out, P(pieces), 3) == 13, "writev");
	pieces[0] = (struct iovec){text + 100, 7};
	pieces[1] = (struct iovec){text + 200, 100};
	check(call(cyd, SYS_readv, a.in, P(pieces), 2) == 13, "readv");
	say_moved("bob", "a", "cyd", "one two three", 13, READ);
}

int main(void)
{
	a = lay("a", 0);
	b = lay("b", 0);
	ann = cast("ann");
	bob = cast("bob");
	cyd = cast("cyd");
	for (int i = 0; i < stage->count; i++)
		play(&stage->actors[i], handle, SIGUSR1);
	play(cyd, ignore, SIGUSR2);

	for (int round = 0; round < 5; round++) {
		put(ann, &a, "hello");
		get_from(ann, bob, &a, 100);
		hit(bob, ann, SIGUSR1, "SIGUSR1", "");

		put(ann, &a, "from ann ");
		put(bob, &a, "and bob");
		check(get(cyd, &a, 100) == 16, "read");
		say_moved("ann", "a", "cyd", "from ann ", 9, READ);
		say_moved("bob", "a", "cyd", "and bob", 7, READ);
		hit(cyd, cyd, SIGUSR1, "SIGUSR1", "");
		hit(ann, cyd, SIGUSR2, "SIGUSR2", ",\"result\":\"ignored\"");

		put(ann, &a, "spliced");
		check(call(bob, SYS_splice, a.in, 0, b.out, 0, 100, 0) == 7, "splice");
		say_moved("ann", "a", "bob", "spliced", 7, SPLICED);
		check(call(cyd, SYS_tee, b.in, a.out, 100, 0) == 7, "tee");
		get_from(bob, ann, &b, 100);
		get_from(cyd, ann, &a, 100);

		gather_and_scatter();
		put(cyd, &b, "0123456789");
		get_from(cyd, ann, &b, 4);
		get_from(cyd, bob, &b, 100);
	}
	exeunt();
	return 0;
}
