"""A worker that loads a model once and keeps it: what a program in Python does that serves a model.

    PYTHONPATH=config/clients/python python3 config/examples/model/worker.py

Submit to it from anywhere in the cluster:

    npx hearsay submit generate '{"prompt":"a poem about queues"}' --label model=stand-in
"""

import time

import hearsay


class Model:
    """Stands in for a model that takes long to load, and answers one prompt at a time."""

    def __init__(self) -> None:
        time.sleep(1)
        self.answered = 0

    def generate(self, prompt: str) -> str:
        time.sleep(0.05)
        self.answered += 1
        return prompt[::-1]


model = Model()
worker = hearsay.connect().worker(slots=1, labels={"model": "stand-in"}, name="model")


@worker.task("generate")
def generate(payload, task):
    if not isinstance(payload, dict) or not isinstance(payload.get("prompt"), str):
        raise hearsay.NonRetryable('the payload has to be such as {"prompt": "a poem"}')
    task.log("generating", len(payload["prompt"]), "characters")
    return {"text": model.generate(payload["prompt"]), "answered": model.answered}


worker.run()
