"""ShopKit as a merchant starts it, on the bench's PostgreSQL: `migrate`, `load`, `serve`; rate limits set high."""

import json
import os
import subprocess
import sys
from pathlib import Path

from bench import database, dataset, load_format, measure, servers, workloads
from bench.database import Postgres

UNLIMITED = "10000000"  # the most that the configuration takes; all our buyers share one address
STARTS = 3


def environ(postgres: Postgres, port: int) -> dict[str, str]:
    return {
        "SHOPKIT_DATA_DIR": str(postgres.data_dir),
        "SHOPKIT_PORT": str(port),
        "SHOPKIT_CARTS_PER_MINUTE": UNLIMITED,
        "SHOPKIT_CHECKOUTS_PER_MINUTE": UNLIMITED,
        "SHOPKIT_LOOKUPS_PER_MINUTE": UNLIMITED,
    }


def load(postgres: Postgres, folder: Path, *, products: int, hot: int) -> None:
    """Migrate and load the dataset through the shop's own command. Raises `RuntimeError` with what it said."""
    file = folder / "dataset.json"
    file.write_text(json.dumps(load_format.document(products, hot), ensure_ascii=False))
    load_format.write_pictures(folder, products, hot)
    _command(postgres, "migrate")
    _command(postgres, "tenant", "create", "bench")
    _command(postgres, "load", str(file))
    database.vacuum(postgres.shop_dsn)


def _command(postgres: Postgres, *words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "shopkit", *words],
        env={**os.environ, **environ(postgres, 8000)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"shopkit {words[0]} failed ({done.returncode}): {(done.stderr or done.stdout)[-1500:]}")


def serve(postgres: Postgres, folder: Path, cpus: measure.Cpus) -> tuple[servers.App, list[float]]:
    """Start on the loaded database, three times for the start-up times; the last one stays."""
    seconds = []
    while True:
        port = servers.free_port()
        app = servers.start(
            "shopkit",
            [sys.executable, "-m", "shopkit", "serve"],
            port=port,
            cpu=cpus.app,
            ready_path=f"{workloads.PREFIX}/products?category={dataset.categories()[0].slug}",
            folder=folder,
            environ=environ(postgres, port),
        )
        seconds.append(app.start_seconds)
        if len(seconds) == STARTS:
            return app, seconds
        app.stop()
