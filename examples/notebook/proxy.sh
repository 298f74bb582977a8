#!/bin/sh
# Runs an nginx that leads http://ID.localhost:8080 to the notebook whose id begins with the twelve characters ID, and
# keeps it in step with the server's list of targets. It reads the header of its requests from the file api-header.
set -eu

server=${SERVER:-http://127.0.0.1:3000}
listen=${LISTEN:-127.0.0.1:8080}

PATH=$PATH:/usr/sbin
dir=$(mktemp -d)
# nginx's workers may be another user.
chmod 711 "$dir"
nginx=
clean_up() {
    [ -z "$nginx" ] || kill "$nginx" 2>/dev/null || true
    rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 143' INT TERM HUP

# Writes the map of the notebooks that run; fails if the server does not answer.
look() {
    curl --silent --show-error --fail --max-time 10 --header @api-header \
        --output "$dir/targets.json" "$server/v1/targets?environment=notebook" &&
        jq --raw-output '.targets[] | select(.state == "running") | .id[:12] as $id | .endpoints.web // empty
            | "\($id).localhost \(.host):\(.port);"' "$dir/targets.json" >"$dir/targets.new"
}

# What is known stays in use while the server does not answer.
follow() {
    look || return 0
    if cmp -s "$dir/targets.new" "$dir/targets.map"; then return; fi
    mv "$dir/targets.new" "$dir/targets.map"
    [ -z "$nginx" ] || kill -HUP "$nginx"
}

sed "s/127.0.0.1:8080/$listen/" "$(dirname "$0")/nginx.conf" >"$dir/nginx.conf"
: >"$dir/targets.map"
follow
nginx -p "$dir" -c "$dir/nginx.conf" -g 'daemon off;' &
nginx=$!
while kill -0 "$nginx" 2>/dev/null; do
    follow
    sleep 2
done
wait "$nginx"
