#!/bin/sh
# Registers the target once, then becomes the agent.
#
# Ends with 78 if it is told something wrong, 77 if the agent ends before it is
# registered, 69 if that takes too long, and 143 if SIGTERM comes before it
# serves; each but the last with one line that says why, never with the token.
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

# Whatever is running in the background. The agent's end is not waited for,
# since the container ends with us.
registering=
end() {
    [ -z "$registering" ] || kill -TERM "$registering" 2>/dev/null || true
    exit 143
}

# Leaves the token in `token`, and nowhere else.
take_token() {
    # Otherwise it would be exported if somebody had exported one of that name.
    unset token
    token=${ACTIVATION_TOKEN-}
    file=${ACTIVATION_TOKEN_FILE-}
    # From here on no program that is run has it in its environment.
    unset ACTIVATION_TOKEN
    if [ -z "$file" ]; then
        require "ACTIVATION_TOKEN_FILE or ACTIVATION_TOKEN" "$token"
        return
    fi
    [ -z "$token" ] || refuse "only one of ACTIVATION_TOKEN_FILE and ACTIVATION_TOKEN may be set"
    # The lines do not name the file, lest somebody has put the token there.
    [ -f "$file" ] || refuse "the file that ACTIVATION_TOKEN_FILE names is missing"
    token=$(cat -- "$file" 2>/dev/null) || refuse "the file that ACTIVATION_TOKEN_FILE names cannot be read"
    rm -f -- "$file" 2>/dev/null || refuse "the file that ACTIVATION_TOKEN_FILE names cannot be removed"
    [ -n "$token" ] || refuse "the file that ACTIVATION_TOKEN_FILE names is empty"
}

check_deadline() {
    case $1 in
    # A zero in front is refused too: alone, it would mean no deadline at all.
    '' | *[!0-9]* | 0* | ?????*) ;;
    *) [ "$1" -gt 3600 ] || return 0 ;;
    esac
    refuse "REGISTRATION_TIMEOUT must be a number of seconds from 1 to 3600"
}

# A run with a token registers and exits; the agent takes the token by flag
# alone. It runs beside us, because a shell that waits for a program in the
# foreground is deaf to SIGTERM.
register() {
    require SERVICE_URL "${SERVICE_URL-}"
    require ENVIRONMENT_ID "${ENVIRONMENT_ID-}"
    deadline=${REGISTRATION_TIMEOUT-240}
    check_deadline "$deadline"
    take_token
    # Without an id of its own, the agent would use the token as one, and
    # BastionZero shows the ids of targets.
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
    # What `timeout` says of a program that it had to end, or to kill.
    124 | 137)
        echo "entrypoint: no registration within $deadline seconds; see that SERVICE_URL can be reached from here" >&2
        exit 69 # EX_UNAVAILABLE
        ;;
    *)
        echo "entrypoint: no registration: the agent has ended with status $status" >&2
        exit 77 # EX_NOPERM
        ;;
    esac
}

# As process 1, we would otherwise not hear it; the agent brings its own.
trap end TERM INT

# Set, it would make the agent believe that it runs in Kubernetes.
unset BASTIONZERO_IN_CLUSTER

# A token is good for one registration: a restart must not try another.
[ -s "$vault" ] || register

# The shells of users inherit the agent's environment.
unset ACTIVATION_TOKEN ACTIVATION_TOKEN_FILE SERVICE_URL ENVIRONMENT_ID REGISTRATION_TIMEOUT

# In our place, so that SIGTERM reaches the agent itself.
exec bzero
