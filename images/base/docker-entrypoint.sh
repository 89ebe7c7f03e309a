#!/usr/bin/env bash
# Entrypoint of dbake's test base images.
#
# Serves the datadir. An empty one is initialised first: accounts and database
# from MYSQL_* or MARIADB_* variables (or NAME_FILE, a file with the value),
# then every script in /docker-entrypoint-initdb.d, then the real server.
set -euo pipefail

log() { echo "[entrypoint] $*" >&2; }
die() { log "error: $*"; exit 1; }

# setting NAME prints $MARIADB_NAME, $MYSQL_NAME, or what their _FILE twins hold.
setting() {
	local prefix name file
	for prefix in MARIADB MYSQL; do
		name=${prefix}_$1 file=${prefix}_$1_FILE
		if [[ -n ${!name:-} ]]; then
			printf '%s' "${!name}"
			return
		elif [[ -n ${!file:-} ]]; then
			cat -- "${!file}"
			return
		fi
	done
}

# quote TEXT prints an SQL string literal.
quote() {
	local text=${1//\\/\\\\}
	printf "'%s'" "${text//\'/\\\'}"
}

# identifier NAME prints a quoted SQL identifier.
identifier() { printf '`%s`' "${1//\`/\`\`}"; }

# option NAME prints the value the server would use; the list of values follows
# a line of dashes.
option() {
	"${server[@]}" --verbose --help 2>/dev/null |
		awk -v name="$1" '/^-----/ { values = 1 } values && $1 == name && !found { print $2; found = 1 }'
}

is_mariadb() { command -v mariadbd >/dev/null; }

initialise() {
	log "initialising $datadir"
	if is_mariadb; then
		mariadb-install-db --datadir="$datadir" --force --skip-test-db --auth-root-authentication-method=normal \
			--default-time-zone=SYSTEM --enforce-storage-engine= --skip-log-bin >/dev/null
	else
		"${server[@]}" --initialize-insecure --default-time-zone=SYSTEM
	fi
}

sql() { mysql --no-defaults --protocol=socket --socket="$socket" --user=root "$@"; }

# start_private runs the server where only this script reaches it.
start_private() {
	"${server[@]}" --skip-networking --socket="$socket" --default-time-zone=SYSTEM &
	private=$!
	local i
	for ((i = 0; i < 600; i++)); do
		sql --database=mysql --execute='SELECT 1' >/dev/null 2>&1 && return
		kill -0 "$private" 2>/dev/null || die "the server ended while it was being set up; see the lines above"
		sleep 0.1
	done
	die "the server did not answer within a minute"
}

stop_private() {
	kill "$private"
	wait "$private" || die "the server did not stop cleanly"
}

# load_time_zones fills the named time zones.
load_time_zones() {
	[[ -z $(setting INITDB_SKIP_TZINFO) && -d /usr/share/zoneinfo ]] || return 0
	local program=mysql_tzinfo_to_sql
	is_mariadb && program=mariadb-tzinfo-to-sql
	command -v "$program" >/dev/null || return 0
	"$program" /usr/share/zoneinfo 2>/dev/null | sed 's/Local time zone must be set--see zic manual page/FCTY/' |
		sql --database=mysql
}

# run_scripts runs /docker-entrypoint-initdb.d in name order.
run_scripts() {
	local file
	for file in /docker-entrypoint-initdb.d/*; do
		case $file in
		*.sh) log "running $file"; bash "$file" ;;
		*.sql) log "loading $file"; as_root "${database[@]}" <"$file" ;;
		*.sql.gz) log "loading $file"; gunzip --stdout "$file" | as_root "${database[@]}" ;;
		*.sql.zst) log "loading $file"; zstd --decompress --stdout "$file" | as_root "${database[@]}" ;;
		*/\*) ;;
		*) log "ignoring $file" ;;
		esac
	done
}

as_root() { MYSQL_PWD=$password sql "$@"; }

# accounts prints the statements that make the accounts.
accounts() {
	local host name user user_password
	host=$(setting ROOT_HOST)
	host=${host:-%}
	echo "SET @@SESSION.SQL_LOG_BIN = 0;"
	if [[ $host != localhost ]]; then
		echo "CREATE USER root@$(quote "$host") IDENTIFIED BY $(quote "$password");"
		echo "GRANT ALL ON *.* TO root@$(quote "$host") WITH GRANT OPTION;"
	fi
	echo "ALTER USER root@localhost IDENTIFIED BY $(quote "$password");"
	name=$(setting DATABASE)
	[[ -z $name ]] || echo "CREATE DATABASE IF NOT EXISTS $(identifier "$name");"
	user=$(setting USER) user_password=$(setting PASSWORD)
	if [[ -n $user && -n $user_password ]]; then
		echo "CREATE USER $(quote "$user")@'%' IDENTIFIED BY $(quote "$user_password");"
		[[ -z $name ]] || echo "GRANT ALL ON $(identifier "${name//_/\\_}").* TO $(quote "$user")@'%';"
	fi
}

set_up() {
	password=$(setting ROOT_PASSWORD)
	if [[ -z $password && -n $(setting RANDOM_ROOT_PASSWORD) ]]; then
		password=$(openssl rand -base64 24)
		log "generated root password: $password"
	fi
	[[ -n $password || -n $(setting ALLOW_EMPTY_PASSWORD)$(setting ALLOW_EMPTY_ROOT_PASSWORD) ]] ||
		die "set MYSQL_ROOT_PASSWORD, MYSQL_RANDOM_ROOT_PASSWORD or MYSQL_ALLOW_EMPTY_PASSWORD"
	database=()
	[[ -z $(setting DATABASE) ]] || database=(--database="$(setting DATABASE)")
	initialise
	start_private
	load_time_zones
	accounts | sql --database=mysql
	run_scripts
	stop_private
	log "ready for start-up"
}

main() {
	[[ $# -gt 0 && ${1:0:1} != - ]] || set -- "$(command -v mariadbd || command -v mysqld)" "$@"
	case ${1##*/} in
	mysqld | mariadbd) ;;
	*) exec "$@" ;;
	esac
	local argument
	for argument; do
		case $argument in
		-'?' | --help | --print-defaults | -V | --version) exec "$@" ;;
		esac
	done

	server=("$@")
	datadir=$(option datadir) socket=$(option socket)
	[[ -n $datadir ]] || die "the server refuses its options: $("$@" --verbose --help 2>&1 >/dev/null | tail -n 5)"
	if [[ $EUID == 0 ]]; then
		install -d -o mysql -g mysql "$datadir" "${socket%/*}"
		find "$datadir" "${socket%/*}" ! -user mysql -exec chown mysql: {} +
		exec setpriv --reuid=mysql --regid=mysql --init-groups "${BASH_SOURCE[0]}" "$@"
	fi
	[[ -d $datadir/mysql ]] || set_up
	exec "$@"
}

main "$@"
