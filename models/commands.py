"""`surtitle models`: models on a GPU server (serve, install) and in folders (list, get, check)."""

from collections.abc import Sequence

FOLDERS = ("list", "get", "check")
HELP = """usage: surtitle models {serve,install,list,get,check} ...

  serve translator|recognizer   run a model with SGLang, on a card
  install sglang                make the environment that SGLang runs in
  list                          what each tier has on this machine
  get MODEL                     fetch a model's folder from a hub
  check FOLDER                  try a folder: what it is, how fast, how large

`surtitle models serve --help` and so on say more."""


def main(argv: Sequence[str]) -> int:
    """Run the command; its exit code."""
    if not argv or argv[0] in ("-h", "--help"):
        print(HELP)
        return 0 if argv else 2
    if argv[0] in FOLDERS:
        from models.local.main import main as of_folders

        return of_folders(argv)
    from models.sglang.launch.main import main as of_servers

    return of_servers(argv)
