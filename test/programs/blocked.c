/* blocked N: N readers asleep in read on N pipes, then one write to each. */
#include "actor.h"

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 200;
	struct tube tubes[ACTORS];
	struct actor *readers[ACTORS], *writer;
	char names[ACTORS][16], text[16];

	check(count > 0 && count < ACTORS - 1, "too many readers");
	for (int i = 0; i < count; i++) {
		snprintf(names[i], sizeof(names[i]), "p%d", i);
		tubes[i] = lay(names[i], 0);
	}
	writer = cast("writer");
	for (int i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "reader%d", i);
		readers[i] = cast(text);
		begin(readers[i], SYS_read, tubes[i].in, P(stage->arena + 64 * i), 64);
	}
	for (int i = 0; i < count; i++)
		until_blocked(readers[i]->pid, SYS_read);
	for (int i = 0; i < count; i++) {
		char *message = (char *)stage->arena + ARENA / 2;

		sprintf(message, "for reader %d", i);
		put(writer, &tubes[i], message);
	}
	for (int i = 0; i < count; i++) {
		long n = answer(readers[i]);

		check(n > 0, "read");
		say_moved("writer", names[i], readers[i]->name, stage->arena + 64 * i, n, READ);
	}
	exeunt();
	return 0;
}
