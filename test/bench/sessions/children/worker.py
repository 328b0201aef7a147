"""The same short task, in Python. Arguments: the node's data folder, the type, the slots."""

import sys

import hearsay

folder, kind, slots = sys.argv[1:]
worker = hearsay.connect(data=folder).worker(slots=int(slots))


@worker.task(kind)
def short(payload):
    return {"n": payload["n"]}


worker.run()
