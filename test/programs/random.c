/*
 * random SEED OPERATIONS: processes that come and go talk by channels of every kind, that they open, inherit, pass on,
 * move and close as the seed has it. Each message has a number, and whoever receives one writes down what and when.
 * At the end all of that is said: {"salt":7}, then for each message sent, each receipt and each
 * name a line.
 *
 * What is done follows from the seed; who of several gets a message, and whether soon, does not.
 */
#include "random_jobs.h"
#include "random_lives.h"
#include "random_servers.h"

/* Longer than anybody waits for a receiver */
static void let_wait(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 130000000}, NULL);
}

struct chance {
	int weight;
	void (*run)(void);
};

static const struct chance chances[] = {
	{100, exchange},  {30, take_rest}, {14, open_something}, {9, open_by_path}, {14, link_one},
	{12, serve_some}, {6, hand_over},  {9, fork_one},	 {5, leave_one},    {8, pass_some},
	{4, exec_one},	  {3, move_one},   {3, close_some},	 {6, close_one},    {1, let_wait},
};

static void do_something(void)
{
	int total = 0, left;

	for (size_t i = 0; i < sizeof(chances) / sizeof(*chances); i++)
		total += chances[i].weight;
	left = roll(total);
	for (size_t i = 0; i < sizeof(chances) / sizeof(*chances); i++)
		if ((left -= chances[i].weight) < 0) {
			chances[i].run();
			return;
		}
}

static void say_all(void)
{
	printf("{\"salt\":%u}\n", scene->salt);
	for (int i = 0; i < next_id; i++) {
		struct message *one = &scene->message[i];
		char path[64] = "";

		if (one->fifo)
			path_of(one->fifo, path);
		if (one->size)
			printf("{\"sent\":%d,\"pid\":%d,\"comm\":\"%s\",\"type\":\"%s\","
			       "\"operation\":%d,\"size\":%d,\"alone\":%d,\"holders\":%d,\"path\":"
			       "\"%s\",\"begun\":"
			       "%ld,\"ended\":%ld}\n",
			       i, one->pid, one->name, kind_names[one->kind], one->operation,
			       one->size, one->alone, one->holders, path, (long)one->begun,
			       (long)one->ended);
	}
	for (int i = 0; i < scene->receipts; i++) {
		struct receipt *one = &scene->receipt[i];

		printf("{\"taken\":%d,\"offset\":%d,\"size\":%d,\"call\":%d,\"pid\":%d,\"comm\":\"%"
		       "s\",\"born\":%ld,\"time\":%ld}\n",
		       one->id, one->offset, one->size, one->call, one->pid, one->name,
		       (long)one->born, (long)one->time);
	}
	for (int i = 0; i < scene->namings; i++) {
		struct naming *one = &scene->naming[i];

		printf("{\"named\":%d,\"comm\":\"%s\",\"time\":%ld}\n", one->pid, one->name,
		       (long)one->time);
	}
}

static void enter_player(int index)
{
	map_scene();
	self = &scene->players[index];
	be_named();
	change(&self->state, DONE);
	play_on();
}

/* The first players are the director's own children, who have nothing open. */
static void enter_first(int place)
{
	int index = player_count++;
	pid_t pid = fork();

	check(pid >= 0, "fork");
	cast_at[place] = index;
	if (pid == 0) {
		self = &scene->players[index];
		self->pid = getpid();
		be_named();
		open_mailbox();
		change(&self->state, DONE);
		play_on();
	}
	finish_job(place);
}

int main(int argc, char **argv)
{
	int operations;

	if (argc != 3) {
		fprintf(stderr, "usage: random SEED OPERATIONS\n");
		return 2;
	}
	if (strcmp(argv[1], "player") == 0)
		enter_player(atoi(argv[2]));
	operations = atoi(argv[2]);
	sigaction(SIGCHLD,
		  &(struct sigaction){.sa_sigaction = on_end, .sa_flags = SA_SIGINFO | SA_RESTART},
		  NULL);
	make_scene();
	scene->salt = getpid();
	for (int i = 0; i < 4; i++)
		enter_first(i);
	for (int i = 1; i <= operations; i++) {
		dice = (strtoull(argv[1], NULL, 10) * 1000003 + i) * 0x9e3779b97f4a7c15 | 1;
		scene->operation = i;
		do_something();
	}
	say_all();
	while (fifo_count)
		remove_fifo(fifos[--fifo_count].number);
	return 0;
}
