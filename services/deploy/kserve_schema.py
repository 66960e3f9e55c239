"""The JSON schema of KServe's InferenceService, made from the classes of KServe's Python package.

The package is KServe's own, generated from the types of its controller. Its classes say in two
literals each which fields there are and of which types, so that they are read, not imported: that
would need some sixty other packages. What they take from Kubernetes refers to the definitions that
the package kubernetes-validate brings.
"""

import ast
import json
import re
import zipfile
from importlib.resources import files
from pathlib import Path
from typing import Any

from referencing.jsonschema import DRAFT202012, EMPTY_REGISTRY, SchemaRegistry

Schema = dict[str, Any]

KUBERNETES_ID = "https://kubernetes.io/api/_definitions.json"

_SCALARS: dict[str, Schema] = {
    "bool": {"type": "boolean"},
    "float": {"type": "number"},
    "int": {"type": "integer"},
    "str": {"type": "string"},
    "ResourceQuantity": {"type": ["string", "number"]},
}
_CONTAINERS = {
    "list": re.compile(r"list\[(.+)\]"),
    "dict": re.compile(r"dict\(str, (.+)\)"),
}
# Their names in KServe's package, and in the definitions of Kubernetes.
_KUBERNETES_NAMES = (
    (re.compile(r"V1(\w+)"), "io.k8s.api.core.v1."),
    (re.compile(r"V1(\w+)"), "io.k8s.apimachinery.pkg.apis.meta.v1."),
    (re.compile(r"K8sIoApiAppsV1(\w+)"), "io.k8s.api.apps.v1."),
)


def kubernetes_definitions(version: str) -> Schema:
    """The definitions of a Kubernetes version, where an unknown field is an error.

    Args:
        version: As in ``1.37``.
    """
    folder = files("kubernetes_validate") / "kubernetes-json-schema" / f"v{version}.0-local-strict"
    loaded: Schema = json.loads((folder / "_definitions.json").read_text())
    return loaded


def inference_service_schema(wheel: Path, kubernetes: Schema) -> Schema:
    """The schema of ``serving.kserve.io/v1beta1``'s InferenceService.

    A type that stands in neither package is not looked into.

    Args:
        wheel: KServe's package.
        kubernetes: What `kubernetes_definitions` gives.
    """
    known = kubernetes["$defs"]
    classes: dict[str, ast.ClassDef] = {}
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if re.fullmatch(r"kserve/models/\w+\.py", name):
                for node in ast.parse(archive.read(name)).body:
                    if isinstance(node, ast.ClassDef):
                        classes[node.name] = node

    def reference(kind: str) -> Schema:
        if kind in _SCALARS:
            return _SCALARS[kind]
        if item := _CONTAINERS["list"].fullmatch(kind):
            return {"type": "array", "items": reference(item[1])}
        if value := _CONTAINERS["dict"].fullmatch(kind):
            return {"type": "object", "additionalProperties": reference(value[1])}
        if kind in classes:
            return {"$ref": f"#/$defs/{kind}"}
        for pattern, prefix in _KUBERNETES_NAMES:
            match = pattern.fullmatch(kind)
            if match and prefix + match[1] in known:
                return {"$ref": f"{KUBERNETES_ID}#/$defs/{prefix}{match[1]}"}
        return {}

    definitions: dict[str, Schema] = {}
    for name, node in classes.items():
        types, keys = _literal(node, "openapi_types"), _literal(node, "attribute_map")
        definitions[name] = {
            "type": "object",
            "additionalProperties": False,
            "required": sorted(keys[field] for field in _required(node, types)),
            "properties": {keys[field]: reference(kind) for field, kind in types.items()},
        }
    definitions["V1beta1InferenceService"]["required"] = ["apiVersion", "kind", "metadata", "spec"]
    definitions["V1beta1InferenceService"]["properties"] |= {
        "apiVersion": {"const": "serving.kserve.io/v1beta1"},
        "kind": {"const": "InferenceService"},
    }
    return {"$defs": definitions, "$ref": "#/$defs/V1beta1InferenceService"}


def registry(kubernetes: Schema) -> SchemaRegistry:
    """Where a validator finds the definitions of Kubernetes."""
    resource = DRAFT202012.create_resource(kubernetes)
    filled: SchemaRegistry = EMPTY_REGISTRY.with_resource(KUBERNETES_ID, resource)
    return filled


def _literal(node: ast.ClassDef, name: str) -> dict[str, str]:
    """The value of a class attribute that is a literal; nothing if there is no such attribute."""
    for statement in node.body:
        if isinstance(statement, ast.Assign):
            (target,) = statement.targets
            if isinstance(target, ast.Name) and target.id == name:
                value: dict[str, str] = ast.literal_eval(statement.value)
                return value
    return {}


def _required(node: ast.ClassDef, types: dict[str, str]) -> set[str]:
    """The fields that a class's constructor sets whatever they are: the others may be left out."""
    return {
        target.attr
        for function in node.body
        if isinstance(function, ast.FunctionDef) and function.name == "__init__"
        for statement in function.body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Attribute) and target.attr in types
    }
