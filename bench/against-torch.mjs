/**
 * duo-eval beside PyTorch for CPU, leg by leg: `npm run bench -- --against-torch`, with --all for training, decoding and other settings.
 * bench/README.md says what a leg is. PyTorch runs in a process of its own (bench/torch_legs.py), which waits while ours runs.
 */
import '../dist/models/no-telemetry.js';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from '../dist/sampling/generate.js';
import { startSampling } from './cost/sampling.mjs';
import { startTraining, trainingFeeds } from './cost/training.mjs';
import { besideSteps, checkLogits, convert, quotients, startTorch } from './torch-process.mjs';

/** Each row: what PyTorch does, and how many times as long as ours it takes at least (the issue's "must"). */
const STEP_ROWS = [
  ['forward', 'float32', 'forward alone, eager, float32', 4.2],
  ['forward', 'compile float32', 'forward alone, torch.compile, float32', 2.3],
  ['forward', 'bfloat16', 'forward alone, eager, bfloat16', 1.3],
  ['forward', 'compile bfloat16', 'forward alone, torch.compile, bfloat16', null],
  ['step', 'float32', 'reference step, eager, float32', 16.3],
  ['step', 'compile float32', 'reference step, torch.compile, float32', 16.8],
  ['step', 'bfloat16', 'reference step, eager, bfloat16', 17.1],
];
const SIZES = {
  whole: {
    steps: { width: 768, condition: 128, blocks: 12, heads: 12, vocabulary: 50_258, length: 1024 },
    decoding: { n_layer: 12, n_embd: 768, n_head: 12, vocab_size: 50_257 },
    tokens: 64,
  },
  quick: {
    steps: { width: 64, condition: 32, blocks: 2, heads: 2, vocabulary: 300, length: 32 },
    decoding: { n_layer: 2, n_embd: 64, n_head: 2, vocab_size: 300, bos_token_id: 0, eos_token_id: 0 },
    tokens: 8,
  },
};
const TRAINING = { width: 160, condition: 128, blocks: 4, heads: 5, vocabulary: 1024, length: 128 };
const TRAINING_BATCH = 16;

/**
 * @param pairs legs of each side; a leg of PyTorch is one step, call or run of tokens
 * @returns rows for cost/report.mjs, PyTorch's time divided by ours
 */
export async function measureAgainstTorch({ pairs, threads, quick, all, python, say }) {
  const settings = all
    ? [2, 1].flatMap((count) => [undefined, 'passive'].map((wait) => ({ threads: count, wait })))
    : [{ threads, wait: undefined }];
  const rows = [];
  for (const setting of settings) {
    const parts = all ? [measureSteps, measureTraining, measureDecoding] : [measureSteps];
    for (const measure of parts) {
      const folder = await mkdtemp(join(tmpdir(), 'duo-eval-torch-'));
      try {
        const label = `${setting.threads} ${setting.threads === 1 ? 'thread' : 'threads'}${setting.wait ? `, ${setting.wait}` : ''}`;
        const found = await measure({ ...setting, folder, pairs, quick, python, say });
        rows.push(
          ...found.map((row) => ({ ...row, what: settings.length > 1 ? `${row.what}; ${label}` : row.what })),
        );
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }
  }
  return rows;
}

async function measureSteps({ folder, pairs, threads, wait, quick, python, say }) {
  const sizes = (quick ? SIZES.quick : SIZES.whole).steps;
  say(`PyTorch makes a network of ${sizes.blocks} blocks …`);
  const torch = await startTorch({ python, part: 'steps', folder, sizes, threads, wait });
  const path = join(folder, 'ours.onnx');
  await convert(folder, path);
  await checkLogits(torch, path, sizes, threads);
  const steps = quick ? 4 : 2;
  const { session, plan } = await startSampling(path, { samplerName: 'ancestral', steps, threads });
  const beside = besideSteps(torch, { session, plan });
  const rows = [];
  for (const [leg, mode, what, target] of STEP_ROWS) {
    say(`${what} …`);
    // The reference's step takes half a minute: fewer of them, so that a configuration takes less than 15 minutes.
    const values = await beside(leg, mode, leg === 'step' ? Math.ceil(pairs / 4) : pairs);
    rows.push({
      kind: 'ratio',
      what,
      to: 'a step of ancestral',
      values,
      target: quick ? null : target,
      aim: null,
      atLeast: true,
    });
  }
  await session.close();
  const int8 = join(folder, 'int8.onnx');
  await convert(folder, int8, ['--dtype', 'int8']);
  const rounded = await startSampling(int8, { samplerName: 'ancestral', steps, threads });
  const besideRounded = besideSteps(torch, rounded);
  for (const mode of ['bfloat16', 'compile bfloat16']) {
    say(`forward alone, ${mode}, beside int8 …`);
    const values = await besideRounded('forward', mode, pairs);
    const what = STEP_ROWS.find(([leg, of]) => leg === 'forward' && of === mode)[2];
    rows.push({
      kind: 'ratio',
      what,
      to: 'a step of ancestral, int8',
      values,
      target: null,
      aim: null,
      atLeast: true,
    });
  }
  await rounded.session.close();
  await torch.end();
  return rows;
}

async function measureTraining({ folder, pairs, threads, wait, python, say }) {
  say('a step of training …');
  const torch = await startTorch({
    python,
    part: 'training',
    folder,
    sizes: TRAINING,
    threads,
    wait,
    batch: TRAINING_BATCH,
  });
  const training = await startTraining(threads);
  let step = 0;
  const rows = [];
  for (const [mode, target] of [
    ['eager', 1.49],
    ['compile', 1.22],
  ]) {
    await torch.ask('train', mode);
    const values = await quotients(
      torch,
      { leg: 'train', mode },
      async () => {
        for (let i = 0; i < 2; i++) await training.step(++step, trainingFeeds(step));
        return 2;
      },
      pairs,
    );
    rows.push({
      kind: 'ratio',
      what: `training step, ${mode}`,
      to: 'a step of train',
      values,
      target,
      aim: null,
      atLeast: true,
    });
  }
  await training.close();
  await torch.end();
  return rows;
}

async function measureDecoding({ folder, pairs, threads, wait, quick, python, say }) {
  const { decoding: sizes, tokens } = quick ? SIZES.quick : SIZES.whole;
  say('cached decoding …');
  const torch = await startTorch({ python, part: 'decoding', folder, sizes, threads, wait });
  const path = join(folder, 'ours.onnx');
  await convert(folder, path);
  const { session, plan } = await startSampling(path, {
    samplerName: 'ar',
    steps: tokens,
    threads,
    length: tokens + 1,
  });
  await torch.ask('generate', tokens);
  const values = await quotients(
    torch,
    { leg: 'generate', mode: tokens },
    async () => {
      for await (const _ of generate({ ...plan, source: session.source }));
      return 1;
    },
    pairs,
  );
  await session.close();
  await torch.end();
  const what = `generate of transformers, GPT-2 124M, ${tokens} tokens`;
  return [
    { kind: 'ratio', what, to: 'sample', values, target: quick ? null : 2.6, aim: null, atLeast: true },
  ];
}
