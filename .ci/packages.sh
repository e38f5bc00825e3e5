# Sourced by .ci/start and .ci/test from the checkout's top: gets Bun, the packages of .ci/packages, a built ipcdump.
# Everything said here goes to stderr: stdout belongs to ipcdump.

say() {
	printf '%s\n' "$*" >&2
}

# The Bun of package.json's version and the packages of its "dependencies"; of "devDependencies" too with "all". They
# come by npm or by Bun, whoever runs this. PATH's own Bun may be any other.
prepare_bun() {
	whose=$1
	wanted=$(sed -n 's/.*"bun": *"\([0-9][0-9.]*\)".*/\1/p' package.json | head -n 1)
	# "bun run" passes its own path, also when it isn't in PATH.
	case ${npm_config_user_agent:-} in
	bun/*) bun=${npm_execpath:-bun} ;;
	*) bun=bun ;;
	esac
	javascript_ready && return 0
	# One of several at a time, and those that wait find what it installed. The lock is inherited: what a killed one
	# left running has it until it ends.
	(
		! command -v flock >/dev/null 2>&1 || flock 9
		javascript_ready || install_javascript
	) 9<package.json
}

javascript_ready() {
	# Installed with lifecycle scripts off, the bun package is there and its executable is not.
	javascript_complete "$whose" && { bun_answers || finish_bun; }
}

# Are the packages there, in package.json's versions? The last thing npm writes says that it came to its end; for Bun
# we write it.
javascript_complete() {
	[ -e node_modules/.package-lock.json ] || [ -e node_modules/.complete ] || return 1
	package_versions "$1" | while read -r name version; do
		[ "$(sed -n 's/^ *"version": *"\(.*\)".*/\1/p' "node_modules/$name/package.json" 2>/dev/null | head -n 1)" = "$version" ] ||
			exit 1
	done
}

# Lines "name version" of package.json: of "dependencies", with "all" of "devDependencies" too.
package_versions() {
	sections=dependencies
	[ "$1" != all ] || sections='dependencies devDependencies'
	for section in $sections; do
		sed -n "/^ *\"$section\": {/,/}/s/^ *\"\(.*\)\": *\"\([0-9].*\)\".*/\1 \2/p" package.json
	done
}

install_javascript() {
	if command -v npm >/dev/null 2>&1 && [ "$bun" = bun ]; then
		# "ci" empties the folder first; what others run from it has to stay where only something is to be added.
		how=ci
		! javascript_complete start || how='install --no-save'
		[ "$whose" = all ] || how="$how --omit=dev"
		say "installing the JavaScript packages (npm $how)"
		rm -f node_modules/.package-lock.json node_modules/.complete
		# .npmrc silences npm for the sake of our stdout; here its errors are wanted.
		# shellcheck disable=SC2086 # a list of words
		npm $how --no-audit --no-fund --loglevel=error >&2 || {
			say "ipcdump: npm ${how%% *} failed; its reason is above"
			return 1
		}
	elif command -v "$bun" >/dev/null 2>&1; then
		how='install --no-save'
		[ "$whose" = all ] || how="$how --omit=dev"
		say "installing the JavaScript packages (bun $how)"
		rm -f node_modules/.complete
		# shellcheck disable=SC2086 # a list of words
		"$bun" $how >&2 || {
			say 'ipcdump: bun install failed; its reason is above'
			return 1
		}
		touch node_modules/.complete
	else
		say 'ipcdump: neither npm nor bun is in PATH'
		return 1
	fi
	bun_answers && return 0
	finish_bun && return 0
	say "ipcdump: Bun $wanted does not run here; node_modules/.bin/bun --version says:"
	node_modules/.bin/bun --version >&2
	return 1
}

finish_bun() {
	[ "$(sed -n 's/.*"version": *"\(.*\)".*/\1/p' node_modules/bun/package.json 2>/dev/null)" = "$wanted" ] || return 1
	if command -v node >/dev/null 2>&1; then
		node node_modules/bun/install.js >&2
	else
		"$bun" node_modules/bun/install.js >&2
	fi
	bun_answers
}

bun_answers() {
	[ "$(node_modules/.bin/bun --version 2>/dev/null)" = "$wanted" ]
}

# Names of one column (2 Debian, 3 dnf, 4 apk) of .ci/packages for the stages given.
package_names() {
	column=$1
	shift
	awk -v column="$column" -v stages=" $* " \
		'!/^#/ && $column != "-" && index(stages, " " $1 " ") { printf "%s%s", gap, $column; gap = " " }' .ci/packages
}

# Debian packages of the stages given that are not installed.
missing_packages() {
	names=$(package_names 2 "$@")
	# shellcheck disable=SC2086 # a list of words
	installed=" $(dpkg-query -W -f '${db:Status-Status}:${binary:Package} ' $names 2>/dev/null)"
	for name in $names; do
		case $installed in
		*" installed:$name "* | *" installed:$name:"*) ;;
		*) printf '%s ' "$name" ;;
		esac
	done
}

# Gets the packages of the stages given: 0 all there, 1 something is missing and has been said.
prepare_packages() {
	if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
		say 'ipcdump: builds on Debian, whose mirrors have what it bundles; this machine has no apt'
		if command -v dnf >/dev/null 2>&1; then
			say "the packages' names here: dnf install $(package_names 3 "$@")"
		elif command -v apk >/dev/null 2>&1; then
			say "the packages' names here: apk add $(package_names 4 "$@")"
		fi
		return 1
	fi
	missing=$(missing_packages "$@")
	[ -n "$missing" ] || return 0
	line="apt-get install -y --no-install-recommends ${missing% }"
	if [ "$(id -u)" != 0 ]; then
		say 'Debian packages are missing:'
		say "  sudo $line"
		return 1
	fi
	say 'Debian packages are missing:'
	say "  $line"
	if [ -t 0 ] && [ -t 2 ] && [ -z "${CI:-}" ]; then
		printf 'Install them now? [Y/n] ' >&2
		read -r answer || answer=n
		case $answer in
		'' | [Yy]*) ;;
		*) return 1 ;;
		esac
	fi
	install_packages "$line" || {
		say 'ipcdump: apt-get failed; its reason is above'
		return 1
	}
}

# Installs by the line given. One at a time, and the lock is inherited: what a killed one left running has it until it
# ends, and whoever waited installs only what is still missing.
install_packages() {
	(
		! command -v flock >/dev/null 2>&1 || flock 9
		# shellcheck disable=SC2086 # a list of words
		apt_installs "$1" || { repair_dpkg && apt_installs "$1"; }
	) 9</var/lib/dpkg
}

apt_installs() {
	DEBIAN_FRONTEND=noninteractive
	export DEBIAN_FRONTEND
	quiet='-qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120'
	# A fresh image has no lists, an old one has lists of packages that are gone.
	fresh=
	if ! ls /var/lib/apt/lists/*Packages* >/dev/null 2>&1; then
		# shellcheck disable=SC2086
		apt-get $quiet update >&2 || return 1
		fresh=yes
	fi
	# shellcheck disable=SC2086
	apt-get $quiet ${1#apt-get } >&2 </dev/null && return 0
	[ -z "$fresh" ] || return 1
	say 'trying again with fresh package lists'
	# shellcheck disable=SC2086
	apt-get $quiet update >&2 && apt-get $quiet ${1#apt-get } >&2 </dev/null
}

# Finishes what dpkg was killed in; fails when there is nothing of the kind.
repair_dpkg() {
	[ -n "$(dpkg --audit 2>&1)" ] || [ -n "$(ls /var/lib/dpkg/updates 2>/dev/null)" ] || return 1
	say 'dpkg was interrupted; finishing (dpkg --configure -a)'
	dpkg --configure -a --force-confdef --force-confold >&2 </dev/null
	apt-get -qq -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 --fix-broken install >&2 </dev/null
}

build() {
	node_modules/.bin/bun build.ts "$@" >&2
}

# Where people expect the kernel's events; some containers and minimal systems leave it empty.
mount_tracefs() {
	[ "$(id -u)" = 0 ] || return 0
	[ -e /sys/kernel/tracing/events ] || mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null || :
}

# All that tests and bench are made with: Bun, the Debian packages of these stages, both executables.
prepare() {
	prepare_bun all && prepare_packages static "$@" || return 1
	build --static || {
		say 'ipcdump: the build failed; its reason is above'
		return 1
	}
}
