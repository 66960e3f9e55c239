"""``fourcast-train``: finds the commands of every folder of this package and runs one of them.

A folder offers commands by the dictionary COMMANDS in its ``__init__.py``. Nothing is listed here.
"""

import importlib
import importlib.abc
import importlib.util
import logging
import pkgutil
import sys
from collections.abc import Callable

import fourcast_training

USAGE = """\
usage: fourcast-train COMMAND [OPTIONS]

Label data, train a network, measure it and publish it to models/repository.

commands:
{commands}

examples:
  fourcast-train connect4 --preset smoke     the whole path in under two minutes
  fourcast-train connect4 --evaluate         measure the published network again
  fourcast-train connect4 --help             every option of a command
"""


def main() -> None:
    """Run the command that the arguments name."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    commands = _commands()
    name = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if name in ("-h", "--help"):
        print(_usage(commands), end="")
        return
    if name not in commands:
        print(
            f"fourcast-train: there is no command {name!r}\n\n{_usage(commands)}", file=sys.stderr
        )
        sys.exit(2)
    try:
        run: Callable[[list[str]], None] = importlib.import_module(commands[name]).main
        run(sys.argv[2:])
    except KeyboardInterrupt:
        print("\nstopped; the same command continues where this one was", file=sys.stderr)
        sys.exit(130)
    except (ValueError, RuntimeError, OSError) as error:
        print(f"fourcast-train: {error}", file=sys.stderr)
        sys.exit(1)
    except ModuleNotFoundError as error:
        print(f"fourcast-train: {error}: pip install 'fourcast[train]'", file=sys.stderr)
        sys.exit(1)


def _commands() -> dict[str, str]:
    """Every command and its module, from the folders of this package."""
    found: dict[str, str] = {}
    for module in pkgutil.iter_modules(fourcast_training.__path__, "fourcast_training."):
        if module.ispkg:
            found |= importlib.import_module(module.name).COMMANDS
    return dict(sorted(found.items()))


def _usage(commands: dict[str, str]) -> str:
    width = max(map(len, commands)) + 2
    lines = [f"  {name:{width}}{_first_line(module)}" for name, module in commands.items()]
    return USAGE.format(commands="\n".join(lines))


def _first_line(module: str) -> str:
    """The first line of a module's docstring, read without importing torch for it."""
    spec = importlib.util.find_spec(module)
    loader = spec.loader if spec else None
    if not isinstance(loader, importlib.abc.InspectLoader):
        return ""
    source = loader.get_source(module) or ""
    return source.split('"""', 2)[1].splitlines()[0]


if __name__ == "__main__":
    main()
