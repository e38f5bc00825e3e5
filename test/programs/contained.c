/*
 * contained ROOT NUMBERS COMMAND [ARGUMENT...]: runs it as a container engine starts a container's first process: as
 * root of another root, with these capabilities (separated by commas) and no way to more.
 */
#include "truth.h"
#include <sys/prctl.h>

int main(int argc, char **argv)
{
	unsigned long long kept = 0;

	check(argc > 3, "usage: contained ROOT NUMBERS COMMAND");
	for (char *word = strtok(argv[2], ","); word; word = strtok(NULL, ","))
		kept |= 1ull << atoi(word);
	check(chroot(argv[1]) == 0, "chroot");
	check(chdir("/") == 0, "chdir");
	/* root has as many of them after execve as are left here */
	for (int capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; capability++)
		if (!(kept >> capability & 1))
			check(prctl(PR_CAPBSET_DROP, capability) == 0, "dropping a capability");
	check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no new privileges");
	execv(argv[3], argv + 3);
	die(argv[3]);
}
