"""Counts the words of documents: a task each, one that merges, one that reports. Whichever nodes have the handlers run
them; this program only submits and waits, and could end in between.

    PYTHONPATH=config/clients/python python3 config/examples/documents/pipeline.py http://127.0.0.1:8000/a.txt ...
"""

import sys

import hearsay

urls = sys.argv[1:]
if not urls:
    sys.exit("which documents? Give their URLs")

cluster = hearsay.connect()
# Under a key: if this program is started again, the documents that are counted already are not counted anew.
counts = cluster.submit_many(
    {"type": "countWords", "payload": {"url": url}, "idempotency_key": f"count {url}"} for url in urls
)
# A document that cannot be had is left out of the report, and does not prevent it.
merged = cluster.submit("merge", depends_on=counts, on_dependency_failure="run")
title = f"Words of {len(urls)} documents"
print(cluster.wait(cluster.submit("report", {"title": title}, depends_on=[merged], priority=8)))
