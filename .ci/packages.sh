# Sourced by .ci/start and .ci/test from the checkout's top: gets Bun, the packages of .ci/packages, a built ipcdump.
# Everything said here goes to stderr: stdout belongs to ipcdump.

say() {
	printf '%s\n' "$*" >&2
}

# The Bun of package.json's version, which npm installs with everything else. PATH's own may be any other.
prepare_bun() {
	wanted=$(sed -n 's/.*"bun": *"\([0-9][0-9.]*\)".*/\1/p' package.json | head -n 1)
	# "bun run" passes its own path, also when it isn't in PATH.
	case ${npm_config_user_agent:-} in
	bun/*) bun=${npm_execpath:-bun} ;;
	*) bun=bun ;;
	esac
	bun_answers && return 0
	# Installed with lifecycle scripts off, the bun package is there and its executable is not.
	finish_bun && return 0
	if command -v npm >/dev/null 2>&1 && [ "$bun" = bun ]; then
		say 'installing the JavaScript packages (npm ci)'
		# .npmrc silences npm for the sake of our stdout; here its errors are wanted.
		npm ci --no-audit --no-fund --loglevel=error >&2 || {
			say 'ipcdump: npm ci failed; its reason is above'
			return 1
		}
	elif command -v "$bun" >/dev/null 2>&1; then
		say 'installing the JavaScript packages (bun install)'
		"$bun" install --no-save >&2 || {
			say 'ipcdump: bun install failed; its reason is above'
			return 1
		}
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

install_packages() {
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
	prepare_bun && prepare_packages static "$@" || return 1
	build --static || {
		say 'ipcdump: the build failed; its reason is above'
		return 1
	}
}
