/**
 * The real lm-evaluation-harness drives the server. LM_EVAL_PYTHON names a Python that has it, else `python3` is asked.
 * About src/server/completions.ts, src/server/served-model.ts, src/server/routes.ts
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadTokenizer } from '../../src/datasets/tokenizer.js';
import { fixture, root } from '../support/run.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';
import { type Served, served } from './served.js';

const python = process.env.LM_EVAL_PYTHON ?? 'python3';
const data = join(root, '../shared/data');
const missing = (() => {
  try {
    execFileSync(python, ['-c', 'import lm_eval, transformers'], { stdio: 'ignore' });
  } catch {
    return 'no lm-evaluation-harness (LM_EVAL_PYTHON names a Python that has it)';
  }
  return existsSync(join(data, 'tasks')) ? null : 'no ../shared/data';
})();

const TASK = `dataset_path: json
validation_split: validation
num_fewshot: 0
metadata: {version: 1.0}
`;
const LAMBADA = `${TASK}output_type: loglikelihood
doc_to_text: "{{text.split(' ')[:-1]|join(' ')}}"
doc_to_target: "{{' ' + text.split(' ')[-1]}}"
metric_list: [{metric: acc}]
`;
const dataOf = (path: string) => `dataset_kwargs: {data_files: {validation: ${path}}}\n`;

/** Slices of the real tasks: texts that fit into the model, and some that do not. */
async function slices(space: Workspace): Promise<void> {
  const linesOf = (path: string) => readFileSync(join(data, path), 'utf8').trim().split('\n');
  const tokenizer = await loadTokenizer(fixture('bpe-1024'));
  const lambada = linesOf('lambada/lambada_test.jsonl');
  const fits = (line: string) => tokenizer.encode(JSON.parse(line).text).length <= 100;
  const write = (name: string, lines: readonly string[], task: string) => {
    space.write(`${name}.jsonl`, `${lines.join('\n')}\n`);
    space.write(`${name}.yaml`, `task: ${name}\n${dataOf(`${name}.jsonl`)}${task}`);
  };
  write('short_lambada', lambada.filter(fits).slice(0, 4), LAMBADA);
  write('long_lambada', lambada.filter((line) => !fits(line)).slice(0, 3), LAMBADA);
  write(
    'blimp_slice',
    linesOf('tasks/blimp/anaphor_number_agreement.jsonl').slice(0, 6),
    `${TASK}output_type: multiple_choice
doc_to_text: ""
doc_to_target: 0
doc_to_choice: "{{[sentence_good, sentence_bad]}}"
metric_list: [{metric: acc}]
`,
  );
  write(
    'sudoku',
    linesOf('tasks/sudoku/sudoku_4x4_12.jsonl').slice(0, 3),
    `${TASK}output_type: generate_until
doc_to_text: "{{input}}\\n\\n"
doc_to_target: "{{output}}"
generation_kwargs: {until: ["\\n\\n"], max_gen_toks: 24, do_sample: false}
metric_list: [{metric: exact_match}]
`,
  );
}

interface Item {
  logLikelihoods: number[];
  isGreedy: (boolean | null)[];
  /** Absent where the task's accuracy needs the greedy text, which uniform states do not have. */
  acc?: number;
}

/** What duo-eval tasks finds, by task. */
async function ours(
  space: Workspace,
  model: string,
  tasks: string[],
  more: string[] = [],
): Promise<Map<string, Item[]>> {
  const args = [
    'tasks',
    '--model',
    fixture(`${model}.onnx`),
    '--log-items',
    'items.jsonl',
    '--tail',
    'none',
    ...more,
  ];
  await succeed(space, [...args, ...tasks.flatMap((task) => ['--task', `${task}.yaml`])]);
  const items = new Map<string, Item[]>();
  for (const line of space.read('items.jsonl').trim().split('\n')) {
    const { task, logLikelihoods, isGreedy, figures } = JSON.parse(line);
    items.set(task, [...(items.get(task) ?? []), { logLikelihoods, isGreedy, acc: figures.acc }]);
  }
  return items;
}

interface Sample {
  doc_id: number;
  resps: unknown[][];
  acc: number;
}

/** Runs lm_eval. Its closing table may lack a package; the samples are written before. */
async function theirs(
  space: Workspace,
  out: string,
  tasks: string[],
  args: string[],
): Promise<Map<string, Sample[]>> {
  const [tool, ...rest] = args;
  const child = spawn(
    python,
    [
      ...(tool === 'lm_eval' ? ['-m', 'lm_eval'] : [tool]),
      ...[
        'run',
        '--tasks',
        tasks.join(),
        '--include_path',
        space.folder,
        '--output_path',
        space.at(out),
        '--log_samples',
      ],
      ...rest,
    ],
    {
      cwd: space.folder,
      env: { ...process.env, HF_HUB_OFFLINE: '1', HF_HOME: space.at('.hf') },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let complaints = '';
  child.stderr.on('data', (chunk) => {
    complaints += chunk;
  });
  await new Promise((resolve) => child.on('close', resolve));
  const folder = existsSync(space.at(out))
    ? readdirSync(space.at(out), { recursive: true, encoding: 'utf8' })
    : [];
  const found = new Map<string, Sample[]>();
  for (const path of folder) {
    const task = /samples_(.+)_\d{4}-/.exec(path)?.[1];
    if (task === undefined) continue;
    const samples: Sample[] = readFileSync(join(space.at(out), path), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    found.set(
      task,
      samples.sort((a, b) => a.doc_id - b.doc_id),
    );
  }
  if (found.size !== tasks.length)
    throw new Error(`lm_eval wrote ${found.size} of ${tasks.length} tasks: ${complaints.slice(-3000)}`);
  return found;
}

const viaCompletions = ({ url }: Served, model: string, tokenized: boolean, more = '') => [
  'lm_eval',
  ...['--model', 'local-completions', '--batch_size', tokenized ? '4' : '1', '--model_args'],
  `model=${model},base_url=${url}/v1/completions,tokenizer=${fixture('bpe-1024')},tokenizer_backend=huggingface,tokenized_requests=${tokenized ? 'True' : 'False'},max_length=129${more}`,
];
const viaFile = ({ url }: Served) => [
  join(root, 'integrations/lm-eval/duo_eval_lm.py'),
  ...['--model', 'duo-eval', '--model_args', `base_url=${url},max_gen_toks=24`],
];

function expectEqual(samples: Map<string, Sample[]>, items: Map<string, Item[]>): void {
  for (const [task, found] of samples) {
    const own = items.get(task)!; // the same tasks were asked
    expect(found.length).toBe(own.length);
    for (const [i, { resps, acc }] of found.entries()) {
      // Each response is [[ln p, is greedy]], as texts.
      const scores = resps.map(([one]) => one as [string, string]);
      for (const [c, [logLikelihood, isGreedy]] of scores.entries()) {
        expect(Math.abs(Number(logLikelihood) - own[i].logLikelihoods[c])).toBeLessThan(1e-4);
        expect(isGreedy).toBe(own[i].isGreedy[c] ? 'True' : 'False');
      }
      // Without single tokens' probabilities nothing is greedy: lm_eval counts it as wrong, duo-eval tasks has no such figure.
      expect(acc).toBe(own[i].acc ?? 0);
    }
  }
}

describe.skipIf(missing)('lm-evaluation-harness', () => {
  const scored = ['short_lambada', 'blimp_slice'];

  it.each(['ar', 'mdlm'])(
    'finds by completions of %s what duo-eval tasks finds, with ids and with texts',
    async (model) => {
      const space = workspace();
      await slices(space);
      const server = await served(model);
      const items = await ours(space, model, [...scored, 'long_lambada']);
      const ofIds = await theirs(
        space,
        'ids',
        [...scored, 'long_lambada'],
        viaCompletions(server, model, true),
      );
      expectEqual(ofIds, items);
      expectEqual(await theirs(space, 'texts', scored, viaCompletions(server, model, false)), items);
    },
  );

  it.each(['ar', 'mdlm', 'duo'])(
    'finds by the file of this project, with %s, what duo-eval tasks finds',
    async (model) => {
      const space = workspace();
      await slices(space);
      const server = await served(model, { draws: 16 });
      const items = await ours(space, model, scored, model === 'duo' ? ['--draws', '16'] : []);
      expectEqual(await theirs(space, 'file', scored, viaFile(server)), items);
    },
  );

  it('lets texts be written, by completions and by the file, and gets the same ones', async () => {
    const space = workspace();
    await slices(space);
    const server = await served('mdlm');
    const textsOf = (samples: Map<string, Sample[]>) =>
      samples.get('sudoku')?.map(({ resps }) => resps[0][0]);
    const completed = await theirs(
      space,
      'completed',
      ['sudoku'],
      viaCompletions(server, 'mdlm', true, ',max_gen_toks=24'),
    );
    const written = await theirs(space, 'written', ['sudoku'], viaFile(server));
    expect(textsOf(completed)).toHaveLength(3);
    expect(textsOf(completed)?.every((text) => typeof text === 'string' && text.length > 0)).toBe(true);
    expect(textsOf(written)).toEqual(textsOf(completed));
  });
});
