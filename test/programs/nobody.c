/* nobody COMMAND [ARGUMENT…]: runs it without any privilege, as the user nobody usually is. */
#include "truth.h"
#include <grp.h>

int main(int argc, char **argv)
{
	int program;

	check(argc > 1, "usage: nobody COMMAND");
	/* opened first: the folders above it may be closed to nobody */
	program = open(argv[1], O_PATH);
	check(setgroups(0, NULL) == 0, "setgroups");
	check(setresgid(65534, 65534, 65534) == 0, "setresgid");
	check(setresuid(65534, 65534, 65534) == 0, "setresuid");
	fexecve(program, argv + 1, environ);
	die(argv[1]);
}
