"""Makes JSON schemas of requests from the Engine's published API, in Swagger 2, for the operations that this project uses.

Reads the published YAML from stdin and writes JSON to stdout. Prose, examples and responses are left out. In a schema
of Swagger, unknown properties are allowed and null is an extension; in the result, a property that no schema names is an
error, except in a map and in an object without named properties.
"""

import copy
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

# What no request is judged by.
LEFT_OUT = ("default", "description", "example", "format", "title")


def merge(into, part):
    """Merges a schema into another."""
    for key, value in part.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = copy.deepcopy(value)


def resolved(schema):
    """A schema with its own reference and its `allOf` resolved. A validator that sees the parts of `allOf` one by one
    would call a property of one part unknown after a wrong value in that part."""
    if "$ref" in schema:
        return resolved(document["definitions"][name_of(schema["$ref"])])
    made = {key: value for key, value in schema.items() if key != "allOf"}
    for part in schema.get("allOf", []):
        merge(made, resolved(part))
    return made


def strict(schema):
    """The JSON schema of a schema of Swagger."""
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}
    made = copy.deepcopy(resolved(schema))
    for key in LEFT_OUT:
        made.pop(key, None)
    for key in ("items", "additionalProperties"):
        if isinstance(made.get(key), dict):
            made[key] = strict(made[key])
    if "properties" in made:
        made["properties"] = {key: strict(part) for key, part in made["properties"].items()}
        made.setdefault("additionalProperties", False)
    if made.pop("x-nullable", None):
        made["type"] = [made["type"], "null"]
        if "enum" in made:
            made["enum"].append(None)
    return made


def name_of(reference):
    return reference.removeprefix("#/definitions/")


def only(properties, required=()):
    """The schema of an object with these properties and no others."""
    required = {"required": required} if required else {}
    return {"additionalProperties": False, "properties": properties} | required


def of_query(parameter):
    """The schema of a parameter in a query. For a specification, filters are a text; only its prose says that they are
    lists of texts, and which ones there are."""
    if parameter["name"] == "filters":
        names = re.findall("`([a-z-]+)=", parameter["description"])
        return {"type": "object"} | only({name: {"type": "array", "items": {"type": "string"}} for name in names})
    return strict({key: value for key, value in parameter.items() if key not in ("in", "name", "required")})


def of_request(operation):
    """The schema of a request, as the check makes a value of it."""
    parameters = operation.get("parameters", [])
    query = {one["name"]: of_query(one) for one in parameters if one["in"] == "query"}
    required = [one["name"] for one in parameters if one["in"] == "query" and one.get("required")]
    parts = {
        "query": only(query, required),
        "header": only({one["name"].lower(): {} for one in parameters if one["in"] == "header"}),
        "content-type": {"enum": operation.get("consumes", document["consumes"])},
    }
    bodies = [one for one in parameters if one["in"] == "body"]
    parts |= {"body": strict(body["schema"]) for body in bodies}
    return only(parts, [body["in"] for body in bodies if body.get("required")])


document = yaml.safe_load(sys.stdin)
# Engines and their own client spell this one otherwise (moby, `api/types/swarm/container.go`).
service = document["definitions"]["TaskSpec"]["properties"]["ContainerSpec"]["properties"]
service["Healthcheck"] = service.pop("HealthCheck")
# Services have this from API 1.44 on; /health and starts refuse managers whose Engine is older.
service["Privileges"]["properties"].setdefault("NoNewPrivileges", {"type": "boolean"})
# Engines have always taken it, as `docker run --restart=no` sends it; the list of API 1.41 lacks it.
restarts = document["definitions"]["RestartPolicy"]["properties"]["Name"]["enum"]
restarts += {"no"} - set(restarts)

operations, definitions = {}, {}
for path, methods in document["paths"].items():
    for method, operation in methods.items():
        if operation["operationId"] in OPERATIONS:
            operations[f"{method.upper()} {path}"] = of_request(operation)
            OPERATIONS.remove(operation["operationId"])
if OPERATIONS:
    sys.exit(f"not in this version: {', '.join(OPERATIONS)}")
needed = [operations]
while needed:
    for reference in re.findall(r'"(#/definitions/\w+)"', json.dumps(needed.pop())):
        name = name_of(reference)
        if name not in definitions:
            definitions[name] = strict(document["definitions"][name])
            needed.append(definitions[name])
made = {"version": document["info"]["version"], "operations": operations, "definitions": definitions}
json.dump(made, sys.stdout, indent=1, sort_keys=True)
print()
