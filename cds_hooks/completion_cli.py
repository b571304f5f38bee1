"""The `telecode completion` command: what a shell needs to complete commands, options and names of samples."""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

SHELLS = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
PROGRAM = "telecode"
VARIABLE = "_TELECODE_COMPLETE"
"""By this variable the script asks for completions, and click answers whenever the program starts with it."""

EXAMPLES = """\b
Examples:
  telecode completion bash > ~/.local/share/bash-completion/completions/telecode
  telecode completion zsh > ~/.zfunc/_telecode
  telecode completion fish > ~/.config/fish/completions/telecode.fish
"""


@click.command(epilog=EXAMPLES)
@click.argument("shell", type=click.Choice(list(SHELLS)))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that lets a shell complete telecode: to be read by the shell at its start."""
    root = context.find_root().command
    completer = SHELLS[shell](root, {}, PROGRAM, VARIABLE)
    click.echo(completer.source_template % completer.source_vars())
