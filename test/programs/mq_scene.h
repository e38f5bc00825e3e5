/* A scene of four around one POSIX message queue. */
#pragma once
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
