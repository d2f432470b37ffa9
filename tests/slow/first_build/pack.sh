#!/bin/sh
# Packs what make.sh made into workspace.tar.gz beside this script, with `@FOLDER@` wherever its path stood.
#
#   pack.sh FOLDER
#
# It needs sqlite3 and GNU tar. The packed workspace stands for workspaces that people have: never make it anew with a
# later build.
set -eu
folder=$(cd "$1" && pwd -P)
here=$(cd "$(dirname "$0")" && pwd -P)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -a "$folder" "$copy/place"
cd "$copy/place"
rm -rf run.log home/data ws/runtime/logs ws/runtime/copies */.git/hooks
# Takes in what the write-ahead log holds.
sqlite3 ws/runtime/paddock.db 'PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE;' > /dev/null
rm -f ws/runtime/paddock.db-wal ws/runtime/paddock.db-shm
{
  sqlite3 ws/runtime/paddock.db "SELECT 'DROP TRIGGER ' || name || ';' FROM sqlite_master WHERE type = 'trigger';"
  echo "UPDATE event SET data = replace(data, '$folder', '@FOLDER@');"
  for table in project objective session gate hierarchy meta; do
    echo "UPDATE $table SET body = replace(body, '$folder', '@FOLDER@');"
  done
  sqlite3 ws/runtime/paddock.db "SELECT sql || ';' FROM sqlite_master WHERE type = 'trigger';"
  echo 'VACUUM; PRAGMA journal_mode = WAL;'
} > "$copy/relocate.sql"
sqlite3 ws/runtime/paddock.db < "$copy/relocate.sql" > /dev/null
rm -f ws/runtime/paddock.db-wal ws/runtime/paddock.db-shm
grep -rlI --null "$folder" . | xargs -0 sed -i "s|$folder|@FOLDER@|g"
if grep -rl "$folder" .; then echo "$folder stands in these files still" >&2; exit 1; fi
tar --sort=name --owner=0 --group=0 --numeric-owner -cf - . | gzip -9n > "$here/workspace.tar.gz"
