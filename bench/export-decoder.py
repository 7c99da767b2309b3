# Makes what decoding.mjs compares, with PyTorch, transformers, onnxscript: FOLDER/hf, a Llama of SmolLM-135M's shape with random
# weights, for `duo-eval convert`; FOLDER/export.onnx, the same network as PyTorch exports it, with cached keys and values. With
# --time, instead of that: milliseconds per token of PyTorch itself, one by one with its own cache.
import sys
import time
from pathlib import Path

import torch
from transformers import DynamicCache, LlamaConfig, LlamaForCausalLM

BLOCKS, HEADS, WIDTH = 30, 3, 64
folder = Path(sys.argv[1])


class Cached(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask, position_ids, past):
        out = self.model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=DynamicCache(list(past)),
            use_cache=True,
        )
        return out.logits, [(layer.keys, layer.values) for layer in out.past_key_values.layers]


def export(model):
    past = [(torch.randn(1, HEADS, 5, WIDTH), torch.randn(1, HEADS, 5, WIDTH)) for _ in range(BLOCKS)]
    inputs = (torch.ones(1, 1).long(), torch.ones(1, 6).long(), torch.full((1, 1), 5), past)
    length = torch.export.Dim("past", min=2, max=2000)
    parts = [f"{i}.{part}" for i in range(BLOCKS) for part in ("key", "value")]
    program = torch.onnx.export(
        Cached(model),
        inputs,
        dynamo=True,
        dynamic_shapes=(None, {1: length + 1}, None, [({2: length}, {2: length})] * BLOCKS),
        input_names=["input_ids", "attention_mask", "position_ids"] + [f"past_key_values.{p}" for p in parts],
        output_names=["logits"] + [f"present.{p}" for p in parts],
    )
    program.save(folder / "export.onnx", external_data=True)


def milliseconds_per_token(model, tokens):
    cache = DynamicCache()
    with torch.inference_mode():
        start = time.perf_counter()
        for i in range(tokens):
            model(input_ids=torch.tensor([[7919 * i % 49152]]), past_key_values=cache, use_cache=True)
    return 1000 * (time.perf_counter() - start) / tokens


if "--time" in sys.argv:
    model = LlamaForCausalLM.from_pretrained(folder / "hf").eval()
    torch.set_num_threads(2)
    runs = sorted(milliseconds_per_token(model, 64) for _ in range(7))
    print(f"{runs[3]:.1f} ms per token, median of 7 runs of 64 tokens (shortest {runs[0]:.1f})")
else:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=49152,
        hidden_size=576,
        intermediate_size=1536,
        num_hidden_layers=BLOCKS,
        num_attention_heads=9,
        num_key_value_heads=HEADS,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        rms_norm_eps=1e-5,
    )
    model = LlamaForCausalLM(config).eval()
    model.save_pretrained(folder / "hf")
    export(model)
