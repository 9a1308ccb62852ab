"""The yardstick: fetches all pods as JSON pages of 500 and throws them away. Prints bytes, pages, wall and CPU seconds of the fetch."""

import json
import sys
import time

from bench import api


def main(kubeconfig: str) -> None:
    server = api.load(kubeconfig)
    began, cpu = time.monotonic(), time.process_time()
    sizes = [len(page) for page in api.pages(server)]
    wall, used = time.monotonic() - began, time.process_time() - cpu
    print(json.dumps({"wall": wall, "cpu": used, "bytes": sum(sizes), "pages": len(sizes)}))


if __name__ == "__main__":
    main(sys.argv[1])
