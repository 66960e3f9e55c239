"""The protos keep the house's rules, and the committed stubs are what they generate.

`buf lint` checks the same and more where npx is there; these tests need no network.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    ServiceDescriptorProto,
)
from grpc_tools import protoc

PROTOS = Path(__file__).resolve().parents[2] / "protos"
VERSIONED_PACKAGE = re.compile(r"fourcast\.[a-z0-9]+\.v[0-9]+")
GOOD = """
syntax = "proto3";
package fourcast.dice.v1;
// Rolls.
service DiceService {
  // One roll.
  rpc Roll(RollRequest) returns (RollResponse);
}
// Asks.
message RollRequest {
  // 1 to 100.
  uint32 sides = 1;
}
// Answers.
message RollResponse {
  // 1 to the number of sides.
  uint32 roll = 1;
  // How it feels.
  Luck luck = 2;
}
// A feeling.
enum Luck {
  // Never sent.
  LUCK_UNSPECIFIED = 0;
  // Good.
  LUCK_GOOD = 1;
}
"""


def describe(shelf: Path, target: Path) -> FileDescriptorSet:
    """The descriptors, with comments, of every .proto file under a folder."""
    names = sorted(path.relative_to(shelf).as_posix() for path in shelf.rglob("*.proto"))
    assert names, f"no .proto file under {shelf}"
    output = target / "descriptors.bin"
    options = [f"--proto_path={shelf}", f"--descriptor_set_out={output}", "--include_source_info"]
    assert protoc.main(["protoc", *options, *names]) == 0
    return FileDescriptorSet.FromString(output.read_bytes())


def problems(file: FileDescriptorProto) -> Iterator[str]:
    """What a file does against the rules of CONTRIBUTING.md, one line each."""
    folder = Path(file.name).parent.as_posix()
    if not VERSIONED_PACKAGE.fullmatch(file.package):
        yield f"package {file.package} is not fourcast.<domain>.v<number>"
    if folder != file.package.replace(".", "/"):
        yield f"package {file.package} stands in folder {folder}"
    if len(file.service) > 1:
        yield f"{len(file.service)} services in one file"
    for service in file.service:
        yield from service_problems(service, file.package)
    for enum in [
        *file.enum_type,
        *(enum for entry in file.message_type for enum in entry.enum_type),
    ]:
        yield from enum_problems(enum)
    commented = {
        tuple(location.path)
        for location in file.source_code_info.location
        if location.leading_comments.strip() or location.trailing_comments.strip()
    }
    yield from (f"{name} has no comment" for name, path in elements(file) if path not in commented)


def service_problems(service: ServiceDescriptorProto, package: str) -> Iterator[str]:
    if not service.name.endswith("Service"):
        yield f"service {service.name} does not end in Service"
    for rpc in service.method:
        for kind, actual in (("Request", rpc.input_type), ("Response", rpc.output_type)):
            if actual != f".{package}.{rpc.name}{kind}":
                yield f"rpc {rpc.name} has {actual} in place of {rpc.name}{kind}"


def enum_problems(enum: EnumDescriptorProto) -> Iterator[str]:
    prefix = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", enum.name).upper() + "_"
    if enum.value[0].name != f"{prefix}UNSPECIFIED":
        yield f"enum {enum.name} starts with {enum.value[0].name} in place of {prefix}UNSPECIFIED"
    for value in enum.value:
        if not value.name.startswith(prefix):
            yield f"enum value {value.name} does not start with {prefix}"


def elements(file: FileDescriptorProto) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Name and source path of all that needs a comment.

    The numbers are those of the fields of FileDescriptorProto and its parts.
    """
    for index, service in enumerate(file.service):
        yield service.name, (6, index)
        for number, rpc in enumerate(service.method):
            yield f"{service.name}.{rpc.name}", (6, index, 2, number)
    for index, enum in enumerate(file.enum_type):
        yield from enum_elements(enum, (5, index))
    for index, message in enumerate(file.message_type):
        yield from message_elements(message, (4, index))


def message_elements(
    message: DescriptorProto, path: tuple[int, ...]
) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield message.name, path
    for number, field in enumerate(message.field):
        yield f"{message.name}.{field.name}", (*path, 2, number)
    for number, nested in enumerate(message.nested_type):
        if not nested.options.map_entry:
            yield from message_elements(nested, (*path, 3, number))
    for number, enum in enumerate(message.enum_type):
        yield from enum_elements(enum, (*path, 4, number))


def enum_elements(
    enum: EnumDescriptorProto, path: tuple[int, ...]
) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield enum.name, path
    for number, value in enumerate(enum.value):
        yield value.name, (*path, 2, number)


def test_protos_keep_the_rules(tmp_path: Path) -> None:
    found = [
        f"{file.name}: {problem}"
        for file in describe(PROTOS, tmp_path).file
        for problem in problems(file)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "", []),
        (
            "dice.v1",
            "dice",
            [
                "package fourcast.dice is not fourcast.<domain>.v<number>",
                "package fourcast.dice stands in folder fourcast/dice/v1",
            ],
        ),
        (
            "// Asks.",
            "// More.\nservice MoreService {}\n// Asks.",
            ["2 services in one file"],
        ),
        ("DiceService", "Dice", ["service Dice does not end in Service"]),
        (
            "(RollResponse)",
            "(RollRequest)",
            ["rpc Roll has .fourcast.dice.v1.RollRequest in place of RollResponse"],
        ),
        (
            "LUCK_UNSPECIFIED",
            "LUCK_NONE",
            ["enum Luck starts with LUCK_NONE in place of LUCK_UNSPECIFIED"],
        ),
        ("LUCK_GOOD", "GOOD", ["enum value GOOD does not start with LUCK_"]),
        ("// Rolls.", "", ["DiceService has no comment"]),
        ("// One roll.", "", ["DiceService.Roll has no comment"]),
        ("// Asks.", "", ["RollRequest has no comment"]),
        ("// How it feels.", "", ["RollResponse.luck has no comment"]),
        ("// A feeling.", "", ["Luck has no comment"]),
        ("// Good.", "", ["LUCK_GOOD has no comment"]),
    ],
)
def test_each_broken_rule_is_reported(
    tmp_path: Path, old: str, new: str, expected: list[str]
) -> None:
    folder = tmp_path / "fourcast" / "dice" / "v1"
    folder.mkdir(parents=True)
    (folder / "dice.proto").write_text(GOOD.replace(old, new))
    (file,) = describe(tmp_path, tmp_path).file
    assert list(problems(file)) == expected


def run_generator(shelf: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(shelf / "generate.py"), "--check"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_stubs_are_up_to_date() -> None:
    result = run_generator(PROTOS)
    assert (result.returncode, result.stderr) == (0, "")


def test_stale_missing_and_orphaned_stubs_are_reported(tmp_path: Path) -> None:
    shelf = tmp_path / "protos"
    shutil.copytree(PROTOS, shelf)
    folder = shelf / "fourcast" / "connect4" / "v1"
    proto = folder / "connect4.proto"
    proto.write_text(proto.read_text().replace("string model = 3;", "string network = 3;"))
    (folder / "connect4_pb2_grpc.py").unlink()
    (folder / "checkers_pb2.py").write_text("")
    result = run_generator(shelf)
    assert result.returncode == 1
    prefix = "protos/fourcast/connect4/v1/"
    assert result.stderr.splitlines() == [
        f"{prefix}connect4_pb2_grpc.py: missing; run `make protos`",
        f"{prefix}checkers_pb2.py: has no .proto file; run `make protos`",
        f"{prefix}connect4_pb2.py: differs from what its .proto file generates; run `make protos`",
        f"{prefix}connect4_pb2.pyi: differs from what its .proto file generates; run `make protos`",
    ]


def test_a_proto_with_a_mistake_fails_in_words(tmp_path: Path) -> None:
    shelf = tmp_path / "protos"
    shutil.copytree(PROTOS, shelf)
    (shelf / "fourcast" / "connect4" / "v1" / "connect4.proto").write_text("no proto")
    result = run_generator(shelf)
    assert result.returncode == 1
    assert "connect4.proto:1:1" in result.stderr
    assert result.stderr.endswith("generate.py: protoc failed; its own words stand above\n")
