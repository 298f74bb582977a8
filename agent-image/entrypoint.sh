#!/bin/sh
# Registers the target once, then becomes the agent.
set -eu

vault=/etc/bzero/vault.json

# Names the first variable that is missing or empty; 64 is sysexits' EX_USAGE.
refuse() {
    echo "entrypoint: $1 must be set and not empty" >&2
    exit 64
}

# A run with a token registers and exits; the agent takes it by flag alone. It
# runs beside us, because as process 1 a shell that waits for a program in the
# foreground is deaf to SIGTERM.
register() {
    [ -n "${SERVICE_URL-}" ] || refuse SERVICE_URL
    [ -n "${ACTIVATION_TOKEN-}" ] || refuse ACTIVATION_TOKEN
    [ -n "${ENVIRONMENT_ID-}" ] || refuse ENVIRONMENT_ID
    (
        token=$ACTIVATION_TOKEN
        unset ACTIVATION_TOKEN
        exec bzero -serviceUrl "$SERVICE_URL" -activationToken "$token" \
            -environmentId "$ENVIRONMENT_ID"
    ) &
    registering=$!
    trap 'kill -TERM "$registering" 2>/dev/null || true; exit 143' TERM INT
    status=0
    wait "$registering" || status=$?
    trap - TERM INT
    if [ "$status" -ne 0 ]; then
        echo "entrypoint: the registration failed with status $status" >&2
        exit "$status"
    fi
}

# Set, it would make the agent believe that it runs in Kubernetes.
unset BASTIONZERO_IN_CLUSTER

# A token is good for one registration: a restart must not try another.
[ -s "$vault" ] || register

# The shells of users inherit the agent's environment.
unset SERVICE_URL ACTIVATION_TOKEN ENVIRONMENT_ID

# In our place, so that SIGTERM reaches the agent itself.
exec bzero
