/** About src/commands/models.ts, src/models/importers/published-models.ts and src/models/importers/hub-model.ts */
import { beforeEach, describe, expect, it } from 'vitest';
import { randomTensors } from '../models/importers/random-tensors.js';
import { localHub } from '../support/hub.js';
import { type Workspace, workspace } from '../support/workspace.js';
import { json, model } from './tiny-duo.js';

const hub = await localHub();
let space: Workspace;
beforeEach(() => {
  space = workspace();
  hub.asked.length = 0;
  hub.repos.clear();
});

const run = (...args: string[]) => space.run(args, { HF_ENDPOINT: hub.url });
const ppl = (spec: string) =>
  run(
    'ppl',
    '--model',
    spec,
    '--dataset',
    space.write('text.txt', 'abc def ghi '.repeat(60)),
    '--json',
    '--length',
    '32',
  );
const tokenizer = model.filter(({ path }) => /^(tokenizer|special)/.test(path));
const evaluated = async (spec: string) => {
  const ran = await ppl(spec);
  expect(ran).toMatchObject({ code: 0 });
  const [{ model: said, metrics }] = JSON.parse(ran.stdout).results;
  expect(metrics.ppl.value).toBeGreaterThan(1);
  return said;
};

const d = 4;
/** A Qwen 3 as SDAR publishes it, but for the keys that its own files may leave out. */
const sdar = (rows: number) => [
  {
    path: 'config.json',
    content: json({
      model_type: 'sdar',
      architectures: ['SDARForCausalLM'],
      auto_map: { AutoModel: 'modeling_sdar.SDARModel' },
      vocab_size: rows,
      hidden_size: d,
      intermediate_size: 4,
      num_hidden_layers: 1,
      num_attention_heads: 1,
      head_dim: 4,
      max_position_embeddings: 32,
      tie_word_embeddings: true,
    }),
  },
  {
    path: 'model.safetensors',
    content: randomTensors({
      'model.embed_tokens.weight': [rows, d],
      'model.layers.0.input_layernorm.weight': [d],
      'model.layers.0.self_attn.q_proj.weight': [4, d],
      'model.layers.0.self_attn.k_proj.weight': [4, d],
      'model.layers.0.self_attn.v_proj.weight': [4, d],
      'model.layers.0.self_attn.q_norm.weight': [4],
      'model.layers.0.self_attn.k_norm.weight': [4],
      'model.layers.0.self_attn.o_proj.weight': [d, 4],
      'model.layers.0.post_attention_layernorm.weight': [d],
      'model.layers.0.mlp.gate_proj.weight': [4, d],
      'model.layers.0.mlp.up_proj.weight': [4, d],
      'model.layers.0.mlp.down_proj.weight': [d, 4],
      'model.norm.weight': [d],
    }),
    isLarge: true,
  },
];

const smdm = (blocks: number, masked: boolean) => {
  const [width, rows] = [256, 280];
  const of = (i: number, part: string, shape: number[]) =>
    [`transformer.h.${i}.${part}.weight`, shape] as const;
  const layers = Array.from({ length: blocks }, (_, i) => [
    of(i, 'norm_1', [width]),
    of(i, 'attn.attn', [3 * width, width]),
    of(i, 'attn.proj', [width, width]),
    of(i, 'norm_2', [width]),
    of(i, 'mlp.swiglu.w1', [4, width]),
    of(i, 'mlp.swiglu.w2', [4, width]),
    of(i, 'mlp.swiglu.w3', [width, 4]),
  ]).flat();
  return randomTensors({
    'transformer.wte.weight': [rows + (masked ? 1 : 0), width],
    ...Object.fromEntries(layers),
    'transformer.ln_f.weight': [width],
    'lm_head.weight': [rows, width],
  });
};

describe('ppl --model hf:owner/name of a known model', () => {
  it('knows the mask and the blocks that SDAR’s files leave out; another name does not', async () => {
    hub.put('JetLM/SDAR-1.7B-Chat', [...sdar(151_680), ...tokenizer]);
    expect(await evaluated('hf:JetLM/SDAR-1.7B-Chat')).toMatchObject({
      family: 'bd3lm',
      name: 'SDAR-1.7B-Chat',
    });
    const inspected = JSON.parse(
      (await run('inspect', 'hf:JetLM/SDAR-1.7B-Chat', '--json', '--no-probe')).stdout,
    );
    expect(inspected.fields.maskTokenId.value).toBe(151_669);
    expect(inspected.fields.blockSize.value).toBe(4);
    hub.put('someone/else', [...sdar(300), ...tokenizer]);
    const failed = await ppl('hf:someone/else');
    expect([failed.code, JSON.parse(failed.stdout).error.message]).toEqual([
      3,
      expect.stringMatching(/how many tokens a block has/),
    ]);
  });

  it('believes the files first', async () => {
    const [config, ...rest] = sdar(300);
    const said = { ...JSON.parse(config.content.toString()), block_size: 8, mask_token_id: 299 };
    hub.put('JetLM/SDAR-4B-Chat', [{ path: 'config.json', content: json(said) }, ...rest, ...tokenizer]);
    await evaluated('hf:JetLM/SDAR-4B-Chat');
    const { fields } = JSON.parse(
      (await run('inspect', 'hf:JetLM/SDAR-4B-Chat', '--json', '--no-probe')).stdout,
    );
    expect([fields.maskTokenId.value, fields.blockSize.value]).toEqual([299, 8]);
  });

  it('fetches a bare file, and the tokenizer that it was trained with', async () => {
    const files = [
      { path: 'mdm-6M-6e18.safetensors', content: smdm(6, true), isLarge: true },
      { path: 'ar-6M-6e18.safetensors', content: smdm(6, false), isLarge: true },
    ];
    hub.put('nieshen/SMDM', files);
    hub.put('TinyLlama/TinyLlama-1.1B-intermediate-step-1431k-3T', tokenizer);
    const masked = await evaluated('hf:nieshen/SMDM/mdm-6M-6e18.safetensors');
    expect(masked).toMatchObject({ family: 'mdlm', name: 'SMDM-mdm-6M-6e18' });
    expect(await evaluated('hf:nieshen/SMDM/ar-6M-6e18.safetensors')).toMatchObject({ family: 'ar' });
    const failed = await ppl('hf:nieshen/SMDM/mdm-7M.safetensors');
    expect([failed.code, JSON.parse(failed.stdout).error.message]).toEqual([
      3,
      expect.stringMatching(/has no file mdm-7M\.safetensors\. It has ar-6M-6e18\.safetensors, mdm-6M/),
    ]);
  });
});

describe('duo-eval models', () => {
  it('lists them within 80 columns where names allow, with what was verified and how', async () => {
    const { stdout, code } = await run('models');
    expect(code).toBe(0);
    expect(stdout).toMatch(/s-sahoo\/duo +duo +170M +1024 +Apache-2\.0 \?$/m);
    expect(stdout).toMatch(/JetLM\/SDAR-8B-Chat +bd3lm +8\.2B +32768 +Apache-2\.0$/m);
    expect(stdout).toMatch(/^\?: as it is usually named; not read on the page/m);
    expect(stdout).toContain('never with the published file');
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });

  it('by family, by a word, as JSON', async () => {
    const { models } = JSON.parse((await run('models', 'SDAR', '--json')).stdout);
    expect(models.map(({ name }: { name: string }) => name)).toEqual([
      'JetLM/SDAR-1.7B-Chat',
      'JetLM/SDAR-4B-Chat',
      'JetLM/SDAR-8B-Chat',
    ]);
    expect(models[0]).toMatchObject({ family: 'bd3lm', millions: 2032, facts: { maskTokenId: 151_669 } });
    const { stdout } = await run('models', '--family', 'sedd');
    expect(stdout).toContain('louaaron/sedd-medium');
    expect(stdout).not.toContain('duo');
    const students = JSON.parse((await run('models', 'sdtt', '--json')).stdout).models;
    expect(students).toMatchObject([
      { name: 'jdeschena/sdtt@baselines_kld_step_70000', revision: 'baselines_kld_step_70000' },
    ]);
    const none = await run('models', 'no-such-model');
    expect([none.code, none.stdout.trim()]).toEqual([0, '']);
    expect(none.stderr).toContain('Other repositories open too');
  });
});
