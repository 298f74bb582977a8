#!/bin/sh
# Registers the target once, then becomes the agent.
#
# Exits with 78 if its configuration is wrong, 77 if the agent ends before it is
# registered, 69 if the registration takes too long, and 143 if SIGTERM arrives
# before the agent serves. All but the last print one line that says why; that
# line never holds the token.
set -eu

vault=/etc/bzero/vault.json

# 78 is sysexits' EX_CONFIG.
refuse() {
    echo "entrypoint: $1" >&2
    exit 78
}

require() {
    [ -n "$2" ] || refuse "$1 must be set and not empty"
}

# The registration that runs in the background, if any. SIGTERM does not wait
# for it, because the container ends with this script.
registering=
end() {
    [ -z "$registering" ] || kill -TERM "$registering" 2>/dev/null || true
    exit 143
}

# Puts the token into `token`, and leaves it nowhere else.
take_token() {
    # If the environment has a variable `token`, the shell would export ours too.
    unset token
    token=${ACTIVATION_TOKEN-}
    file=${ACTIVATION_TOKEN_FILE-}
    # From here on, no program that we run has it in its environment.
    unset ACTIVATION_TOKEN
    if [ -z "$file" ]; then
        require "ACTIVATION_TOKEN_FILE or ACTIVATION_TOKEN" "$token"
        return
    fi
    [ -z "$token" ] || refuse "only one of ACTIVATION_TOKEN_FILE and ACTIVATION_TOKEN may be set"
    # The messages do not name the file: someone may have put the token there.
    [ -f "$file" ] || refuse "the file that ACTIVATION_TOKEN_FILE names is missing"
    token=$(cat -- "$file" 2>/dev/null) || refuse "the file that ACTIVATION_TOKEN_FILE names cannot be read"
    # On a Swarm it is a read-only mount of its own, which goes with the container.
    rm -f -- "$file" 2>/dev/null || [ ! -w "$file" ] ||
        refuse "the file that ACTIVATION_TOKEN_FILE names cannot be removed"
    [ -n "$token" ] || refuse "the file that ACTIVATION_TOKEN_FILE names is empty"
}

check_deadline() {
    case $1 in
    # A leading zero is refused too: zero alone would mean no deadline at all.
    '' | *[!0-9]* | 0* | ?????*) ;;
    *) [ "$1" -gt 3600 ] || return 0 ;;
    esac
    refuse "REGISTRATION_TIMEOUT must be a number of seconds from 1 to 3600"
}

# With a token, the agent registers and exits; it takes the token only as a
# flag. It runs in the background, because a shell that waits for a program in
# the foreground does not handle SIGTERM.
register() {
    require SERVICE_URL "${SERVICE_URL-}"
    require ENVIRONMENT_ID "${ENVIRONMENT_ID-}"
    deadline=${REGISTRATION_TIMEOUT-240}
    check_deadline "$deadline"
    take_token
    # Without an id, the agent would use the token as its id, and BastionZero
    # shows the ids of targets.
    read -r target_id </proc/sys/kernel/random/uuid
    timeout --kill-after=5 "$deadline" \
        bzero -serviceUrl "$SERVICE_URL" -activationToken "$token" \
        -environmentId "$ENVIRONMENT_ID" -targetId "$target_id" &
    registering=$!
    status=0
    wait "$registering" || status=$?
    registering=
    case $status in
    0) ;;
    # `timeout` exits with these for a program that it had to end or to kill.
    124 | 137)
        echo "entrypoint: no registration within $deadline seconds; check that SERVICE_URL can be reached from here" >&2
        exit 69 # EX_UNAVAILABLE
        ;;
    *)
        echo "entrypoint: no registration: the agent has ended with status $status" >&2
        exit 77 # EX_NOPERM
        ;;
    esac
}

# Process 1 ignores these signals without a handler. The agent has its own.
trap end TERM INT

# If this is set, the agent believes that it runs in Kubernetes.
unset BASTIONZERO_IN_CLUSTER

# A token is valid for one registration, so a restart must not try again.
[ -s "$vault" ] || register

# The shells of users inherit the agent's environment.
unset ACTIVATION_TOKEN ACTIVATION_TOKEN_FILE SERVICE_URL ENVIRONMENT_ID REGISTRATION_TIMEOUT

# The agent replaces this script, so that SIGTERM reaches it.
exec bzero
