# PyTorch's side of bench/against-torch.mjs; only for checking. It makes the networks, saves them as the published layouts, for `duo-eval convert`,
# and then does one leg for each line on its standard input: {"leg": "forward", "mode": "float32"} is answered by
# {"seconds": …, "processor": …}. The driver decides when; between legs this process waits for a line and uses no processor.
import argparse
import copy
import json
import os
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

FREQUENCIES = 256


class Normalised(torch.nn.Module):
    """Layer normalisation with a weight and no bias."""

    def __init__(self, width):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(width))

    def forward(self, x):
        return F.layer_norm(x, (x.shape[-1],), self.weight)


def modulated(x, shift, scale):
    return x * (1 + scale) + shift


class Block(torch.nn.Module):
    def __init__(self, width, condition, heads):
        super().__init__()
        self.heads = heads
        self.norm1 = Normalised(width)
        self.attn_qkv = torch.nn.Linear(width, 3 * width, bias=False)
        self.attn_out = torch.nn.Linear(width, width, bias=False)
        self.norm2 = Normalised(width)
        self.mlp = torch.nn.Sequential(
            torch.nn.Linear(width, 4 * width), torch.nn.GELU(approximate="tanh"), torch.nn.Linear(4 * width, width)
        )
        self.adaLN_modulation = torch.nn.Linear(condition, 6 * width)

    def forward(self, x, condition, cos, sin):
        shift1, scale1, gate1, shift2, scale2, gate2 = self.adaLN_modulation(condition)[:, None].chunk(6, dim=2)
        x = x + gate1 * self.attention(modulated(self.norm1(x), shift1, scale1), cos, sin)
        return x + gate2 * self.mlp(modulated(self.norm2(x), shift2, scale2))

    def attention(self, x, cos, sin):
        batch, length, width = x.shape
        q, k, v = self.attn_qkv(x).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(turned(q, cos, sin), turned(k, cos, sin), v)
        return self.attn_out(attended.transpose(1, 2).reshape(batch, length, width))


def turned(x, cos, sin):
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)


class Embedding(torch.nn.Module):
    def __init__(self, rows, width):
        super().__init__()
        self.embedding = torch.nn.Parameter(torch.randn(rows, width) / width**0.5)

    def forward(self, ids):
        return self.embedding[ids]


class NoiseLevel(torch.nn.Module):
    def __init__(self, condition):
        super().__init__()
        self.mlp = torch.nn.Sequential(
            torch.nn.Linear(FREQUENCIES, condition), torch.nn.SiLU(), torch.nn.Linear(condition, condition)
        )
        half = FREQUENCIES // 2
        self.register_buffer("turns", 10_000 ** (-torch.arange(half) / half), persistent=False)

    def forward(self, sigma):
        angles = sigma[:, None] * self.turns
        return self.mlp(torch.cat((angles.cos(), angles.sin()), dim=1))


class Last(torch.nn.Module):
    def __init__(self, width, condition, vocabulary):
        super().__init__()
        self.norm_final = Normalised(width)
        self.linear = torch.nn.Linear(width, vocabulary)
        self.adaLN_modulation = torch.nn.Linear(condition, 2 * width)

    def forward(self, x, condition):
        shift, scale = self.adaLN_modulation(condition)[:, None].chunk(2, dim=2)
        return self.linear(modulated(self.norm_final(x), shift, scale))


class DiffusionTransformer(torch.nn.Module):
    """The network of src/models/architectures/dit.ts, with the names of the published weights."""

    def __init__(self, width, condition, blocks, heads, vocabulary, length):
        super().__init__()
        self.vocab_embed = Embedding(vocabulary, width)
        self.sigma_map = NoiseLevel(condition)
        self.blocks = torch.nn.ModuleList(Block(width, condition, heads) for _ in range(blocks))
        self.output_layer = Last(width, condition, vocabulary)
        size = width // heads
        angles = torch.arange(length)[:, None] * 10_000 ** (-torch.arange(0, size, 2) / size)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)

    def forward(self, ids, sigma):
        x = self.vocab_embed(ids)
        condition = F.silu(self.sigma_map(sigma.to(x.dtype)))
        cos, sin = self.cos[: ids.shape[1]], self.sin[: ids.shape[1]]
        for block in self.blocks:
            x = block(x, condition, cos, sin)
        return self.output_layer(x, condition)


def reference_step(logits, z, alpha_t, alpha_s):
    """The posterior of Duo (arXiv 2506.10892) over the whole vocabulary in float64, and a Gumbel draw from it."""
    x0 = F.log_softmax(logits, -1).to(torch.float64).exp()
    V = x0.shape[-1]
    hot = F.one_hot(z, V).to(torch.float64)
    ratio = alpha_t / alpha_s
    q = (alpha_t * V * x0 * hot + (ratio - alpha_t) * hot + (alpha_s - alpha_t) * x0 + (1 - ratio) * (1 - alpha_s) / V) / (
        alpha_t * V * torch.gather(x0, -1, z[..., None]) + 1 - alpha_t
    )
    return (q / (1e-10 - (torch.rand_like(q) + 1e-10).log())).argmax(-1)


def duo_loss(logits, x, z, alpha, slope):
    """The bound's integrand per token, in the form whose terms are all at least 0 (src/diffusion/heads/losses.ts)."""
    V = logits.shape[-1]
    a, rest = alpha[:, None, None], 1 - alpha[:, None, None]
    mixed = (V * a * logits.softmax(-1) + rest).log()
    at = lambda values, ids: values.gather(-1, ids[..., None])
    c = rest / (V * a + rest)
    same = (x == z)[..., None]
    log_ratio = mixed - at(mixed, z)
    true = torch.where(same, c, torch.ones_like(c)).expand_as(log_ratio)
    true = torch.where(same | (F.one_hot(x, V) == 0), true, 1 / c)
    terms = log_ratio.exp() - true - true * (log_ratio - true.log())
    terms = terms * (F.one_hot(z, V) == 0)
    return (-slope[:, None] / (V * alpha[:, None]) * terms.sum(-1)).mean()


class Steps:
    """A call of the network at the sizes of a sampler's step, and the whole step of the reference."""

    def __init__(self, arguments, folder):
        torch.manual_seed(0)
        sizes = json.loads(arguments.sizes)
        self.network = DiffusionTransformer(**sizes).eval()
        self.length = sizes["length"]
        self.vocabulary = sizes["vocabulary"]
        save_file({name: value.cpu() for name, value in self.network.state_dict().items()}, folder / "model.safetensors")
        config = {"model_type": "duo", "cond_dim": sizes["condition"], "n_heads": sizes["heads"]}
        (folder / "config.json").write_text(json.dumps({**config, "model_length": sizes["length"]}))
        self.ready = {}

    def inputs(self):
        ids = (torch.arange(self.length) * 7919 % self.vocabulary)[None]
        return ids, torch.tensor([0.7])

    def network_in(self, mode):
        if mode not in self.ready:
            network = copy.deepcopy(self.network).bfloat16() if "bfloat16" in mode else self.network
            self.ready[mode] = torch.compile(network) if "compile" in mode else network
        return self.ready[mode]

    def forward(self, mode):
        with torch.inference_mode():
            return self.network_in(mode)(*self.inputs()).float()

    def step(self, mode):
        ids, _ = self.inputs()
        with torch.inference_mode():
            return reference_step(self.forward(mode), ids, 0.4, 0.5)

    def logits(self, _):
        """The first and last rows, to compare the two networks."""
        return self.forward("float32")[0, [0, -1]].double().tolist()


class Training:
    """Steps of duo's plain loss by AdamW, with an average of the weights, as `duo-eval train` makes them."""

    def __init__(self, arguments, _):
        torch.manual_seed(0)
        sizes = json.loads(arguments.sizes)
        self.batch, self.length, self.vocabulary = arguments.batch, sizes["length"], sizes["vocabulary"]
        self.network = DiffusionTransformer(**sizes)
        self.average = [p.detach().clone() for p in self.network.parameters()]
        self.optimiser = torch.optim.AdamW(self.network.parameters(), lr=1e-4, weight_decay=0, fused=True)
        self.loss = {"eager": self.loss_of, "compile": torch.compile(self.loss_of)}

    def loss_of(self, x, z, sigma, alpha, slope):
        return duo_loss(self.network(z, sigma), x, z, alpha, slope)

    def train(self, mode):
        x = torch.randint(self.vocabulary, (self.batch, self.length))
        t = (torch.arange(self.batch) + torch.rand(())) / self.batch * 0.998 + 1e-3
        alpha, slope = 1 - 0.999 * t, torch.full_like(t, -0.999)
        noisy = torch.rand(self.batch, self.length) >= alpha[:, None]
        z = torch.where(noisy, torch.randint_like(x, self.vocabulary), x)
        self.optimiser.zero_grad(set_to_none=True)
        loss = self.loss[mode](x, z, -alpha.log(), alpha, slope)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        with torch.no_grad():
            torch._foreach_lerp_(self.average, list(self.network.parameters()), 0.001)
        return loss.item()


class Decoding:
    """transformers' own `generate` of GPT-2's size, sampled, with its cache of keys and values."""

    def __init__(self, arguments, folder):
        from transformers import GPT2Config, GPT2LMHeadModel

        torch.manual_seed(0)
        self.model = GPT2LMHeadModel(GPT2Config(**json.loads(arguments.sizes))).eval()
        self.model.save_pretrained(folder)

    def generate(self, tokens):
        with torch.inference_mode():
            first = torch.tensor([[0]])
            options = {"do_sample": True, "top_k": 0, "eos_token_id": None, "pad_token_id": 0}
            made = self.model.generate(
                first, attention_mask=torch.ones_like(first), min_new_tokens=int(tokens), max_new_tokens=int(tokens), **options
            )
        return made.shape[1] - 1


PARTS = {"steps": Steps, "training": Training, "decoding": Decoding}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", required=True, help="JSON")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.set_default_device(arguments.device)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    part = PARTS[arguments.part](arguments, arguments.folder)
    say = lambda value: print(json.dumps(value), flush=True)
    say({"torch": torch.__version__, "threads": torch.get_num_threads(), "wait": os.environ.get("OMP_WAIT_POLICY")})
    for line in sys.stdin:
        asked = json.loads(line)
        wall, processor = time.perf_counter(), time.process_time()
        value = getattr(part, asked["leg"])(asked["mode"])
        if arguments.device.startswith("cuda"):
            torch.cuda.synchronize()
        took = {"seconds": time.perf_counter() - wall, "processor": time.process_time() - processor}
        say({**took, "value": value} if isinstance(value, (int, float, list)) else took)


main()
