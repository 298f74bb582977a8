"""Keeps of the Engine's published API, in Swagger 2, only the operations that this project uses.

Reads the published YAML from stdin and writes JSON to stdout. Prose, examples and responses are left out, except for the
description of `filters`, which alone says which filters there are.
"""

import json
import re
import sys

import yaml

OPERATIONS = """
ContainerCreate ContainerDelete ContainerInspect ContainerList ContainerStart ContainerStats ContainerStop
PutContainerArchive
ImageCreate ImageInspect NetworkInspect NetworkList NodeList
SecretCreate SecretDelete SecretList ServiceCreate ServiceDelete ServiceInspect ServiceList ServiceUpdate TaskList
VolumeCreate VolumeDelete VolumeList
""".split()

LEFT_OUT = {"description", "example", "produces", "responses", "summary", "tags"}


def cut(node):
    if isinstance(node, list):
        return [cut(part) for part in node]
    if not isinstance(node, dict):
        return node
    left_out = LEFT_OUT - {"description"} if node.get("name") == "filters" else LEFT_OUT
    return {key: cut(part) for key, part in node.items() if key not in left_out}


def references(node):
    return re.findall(r'"#/definitions/(\w+)"', json.dumps(node))


document = yaml.safe_load(sys.stdin)
paths, definitions = {}, {}
for path, methods in document["paths"].items():
    for method, operation in methods.items():
        if operation["operationId"] in OPERATIONS:
            paths.setdefault(path, {})[method] = cut(operation)
            OPERATIONS.remove(operation["operationId"])
if OPERATIONS:
    sys.exit(f"not in this version: {', '.join(OPERATIONS)}")
needed = references(paths)
while needed:
    name = needed.pop()
    if name not in definitions:
        definitions[name] = cut(document["definitions"][name])
        needed += references(definitions[name])
# Engines and their own client spell this one otherwise (moby, `api/types/swarm/container.go`).
service = definitions["TaskSpec"]["properties"]["ContainerSpec"]["properties"]
service["Healthcheck"] = service.pop("HealthCheck")
# Services have this from API 1.44 on; /health and starts refuse managers whose Engine is older.
service["Privileges"]["properties"].setdefault("NoNewPrivileges", {"type": "boolean"})
# Engines have always taken it, as `docker run --restart=no` sends it; the list of API 1.41 lacks it.
restarts = definitions["RestartPolicy"]["properties"]["Name"]["enum"]
restarts += {"no"} - set(restarts)
kept = {key: document[key] for key in ("swagger", "info", "consumes")} | {"paths": paths, "definitions": definitions}
kept["info"] = {"version": document["info"]["version"]}
json.dump(kept, sys.stdout, indent=1, sort_keys=True)
print()
