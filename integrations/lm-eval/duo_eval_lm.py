"""lm-evaluation-harness scores what `duo-eval serve` serves, over /v1/loglikelihood, where context and continuation are told apart.

    duo-eval serve --model duo.onnx
    python duo_eval_lm.py run --model duo-eval --model_args base_url=http://127.0.0.1:8765 --tasks blimp

Arguments: base_url, items (continuations a request), concurrency (requests at a time), max_gen_toks, timeout (seconds). The server's
token is read from DUO_EVAL_TOKEN. Families without a likelihood of single tokens have no is_greedy: it counts as False.
"""

import json, os, time, urllib.error, urllib.request
from concurrent.futures import ThreadPoolExecutor

from lm_eval.api.model import LM
from lm_eval.api.registry import register_model
from lm_eval.utils import get_rolling_token_windows, make_disjoint_window


@register_model("duo-eval")
class DuoEvalLM(LM):
    def __init__(self, base_url="http://127.0.0.1:8765", items=32, concurrency=4, max_gen_toks=None, timeout=600, **_):
        super().__init__()
        self.base_url, self.timeout = str(base_url).rstrip("/"), float(timeout)
        self.items, self.concurrency = int(items), int(concurrency)
        [self.served] = self.ask("/v1/models")["data"]
        length = self.served["max_model_len"] or 2048
        self.max_length = length - (self.served["tail"] == "eos")
        self.max_gen_toks = int(max_gen_toks) if max_gen_toks else length // 2

    def ask(self, path, body=None):
        token = os.environ.get("DUO_EVAL_TOKEN", "none")
        headers = {"Content-Type": "application/json", "Authorization": "Bearer " + token}
        data = body and json.dumps(body).encode()
        for left in range(9, -1, -1):
            try:
                request = urllib.request.Request(self.base_url + path, data, headers)
                with urllib.request.urlopen(request, timeout=self.timeout) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                if left == 0 or error.code not in (429, 503):
                    raise RuntimeError(f"{path}: {error.read().decode(errors='replace')}") from None
                time.sleep(float(error.headers.get("Retry-After") or 1))

    def score(self, items):
        parts = [items[i : i + self.items] for i in range(0, len(items), self.items)]
        with ThreadPoolExecutor(self.concurrency) as pool:
            answers = list(pool.map(lambda part: self.ask("/v1/loglikelihood", {"items": part}), parts))
        return [(one["loglikelihood"], bool(one["is_greedy"])) for answer in answers for one in answer["data"]]

    def loglikelihood(self, requests, disable_tqdm=False):
        return self.score([dict(zip(("context", "continuation", "question"), (*r.args, r.doc_id))) for r in requests])

    def loglikelihood_rolling(self, requests, disable_tqdm=False):
        first = self.served["bos_token_id"]
        if first is None:
            raise RuntimeError("Rolling likelihoods need a BOS or an EOS, and the served model names neither.")
        items, ends = [], []
        for request in requests:
            ids = self.ask("/tokenize", {"prompt": request.args[0]})["tokens"]
            windows = get_rolling_token_windows(ids, first, self.max_length - 1, 1)
            items += [{"context": c, "continuation": x} for c, x in map(make_disjoint_window, windows)]
            ends.append(len(items))
        scores = [score for score, _ in self.score(items)]
        return [sum(scores[a:b]) for a, b in zip([0] + ends, ends)]

    def generate_until(self, requests, disable_tqdm=False):
        def written(request):
            context, given = request.args
            until = given.get("until") or []
            body = {"prompt": context, "max_tokens": int(given.get("max_gen_toks") or self.max_gen_toks), "seed": 1234}
            body["stop"] = [until] if isinstance(until, str) else [stop for stop in until if stop]
            body["temperature"] = given.get("temperature", 1.0 if given.get("do_sample") else 0)
            return self.ask("/v1/completions", body)["choices"][0]["text"]

        with ThreadPoolExecutor(self.concurrency) as pool:
            return list(pool.map(written, requests))


if __name__ == "__main__":
    __import__("lm_eval.__main__").__main__.cli_evaluate()
