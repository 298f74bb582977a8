"""Runs a command in a target and ends with its exit code: run.py KEY COMMAND [ARGUMENT …]"""

import os
import sys

from dynamic_access_client import AuthenticatedClient
from dynamic_access_client.api.targets import start_target, wait_for_target
from dynamic_access_client.models import Order, Target, TargetState, WaitForTargetFor

client = AuthenticatedClient(
    base_url=os.environ.get("SERVER", "http://127.0.0.1:3000"),
    token=os.environ["API_SECRET"],
    timeout=30,
)
key, *command = sys.argv[1:]
order = Order(environment="worker", command=command)
target = start_target.sync(client=client, body=order, idempotency_key=key)
while isinstance(target, Target) and target.state != TargetState.ENDED:
    target = wait_for_target.sync(target.id, client=client, for_=WaitForTargetFor.ENDED)
sys.exit(target.exit_code if isinstance(target, Target) else target.detail)
