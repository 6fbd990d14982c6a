"""The checkout's SQL alone, driven by PostgreSQL's own pgbench: no HTTP, no Python."""

import re
import subprocess
from pathlib import Path

from bench import limits_sql


def run(program: Path, dsn: str, *, folder: Path, clients: int, seconds: float, variants: int) -> float:
    """Checkouts per second. The program runs on the CPUs of its parent, beside PostgreSQL."""
    script = folder / "checkout.sql"
    script.write_text(limits_sql.CHECKOUT_SCRIPT)
    command = [
        str(program), "--no-vacuum", "--protocol=prepared", f"--client={clients}", "--jobs=1",
        f"--time={max(1, round(seconds))}", f"--define=variants={variants}", f"--file={script}", dsn,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
    failed = re.search(r"^number of failed transactions: (\d+)", done.stdout, re.MULTILINE)
    if done.returncode or not found or (failed and int(failed[1])):
        raise RuntimeError(f"pgbench failed: {done.stderr.strip()[-500:]}")
    return float(found[1])
