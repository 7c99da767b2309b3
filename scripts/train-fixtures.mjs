// Trains the checkpoints of fixtures/ and all that fixtures/README.md measures: `npm run fixtures:train`, hours on two cores. Stopped,
// it goes on where it was. Options: --work <folder> for what lies between (.training), --jobs <n> side by side (2), and names of runs.
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { DISTILLATION, DISTILLED, RUNS, TOKENS } from './fixture-recipes.mjs';
import { stateHeader } from './state-header.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    work: { type: 'string', default: join(root, '.training') },
    jobs: { type: 'string', default: '2' },
    run: { type: 'string' },
  },
});
const tokenizer = join(root, 'fixtures', 'bpe-1024');

if (values.run) await trainOne(values.run);
else await trainAll(positionals.length ? positionals : [...RUNS.keys(), ...DISTILLED.keys()]);

async function trainAll(names) {
  const known = [...RUNS.keys(), ...DISTILLED.keys()];
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length) throw new Error(`No run is called ${unknown.join(', ')}: ${known.join(', ')}`);
  const { trainTokenizer } = await import('../dist/training/train-tokenizer.js');
  if (!existsSync(join(tokenizer, 'tokenizer.json'))) {
    await trainTokenizer({ data: 'sotu-train', vocabSize: TOKENS, leastCount: 2, out: tokenizer });
  }
  const trained = names.filter((name) => RUNS.has(name) && stepsTaken(name) < RUNS.get(name).steps);
  await sideBySide(trained, (name) => inProcess(['--run', name, '--work', values.work], name));
  await sideBySide(
    names.filter((name) => DISTILLED.has(name)),
    (name) => inProcess(distillation(name), name),
  );
}

async function sideBySide(names, start) {
  const left = [...names];
  await Promise.all(
    Array.from({ length: Number(values.jobs) }, async () => {
      for (let name = left.shift(); name; name = left.shift()) await start(name);
    }),
  );
}

function stepsTaken(name) {
  const state = join(values.work, name, 'training.state');
  if (!existsSync(state)) return 0;
  return stateHeader(state).step;
}

/** What the command line of `duo-eval` takes to distil a run. */
function distillation(name) {
  const { teacher, seed } = DISTILLED.get(name);
  const flags = Object.entries({ ...DISTILLATION, seed }).flatMap(([flag, value]) => [
    `--${flag}`,
    `${value}`,
  ]);
  const model = join(values.work, teacher, 'duo.onnx');
  return ['distill', '--model', model, '--dataset', 'sotu-train', '--out', join(values.work, name), ...flags];
}

/** @param args of this script, or of duo-eval where a command comes first */
function inProcess(args, name) {
  const script = args[0].startsWith('--') ? fileURLToPath(import.meta.url) : join(root, 'bin', 'run.js');
  const child = spawn(process.execPath, [script, ...args], { stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${name} ended with ${code}`))));
  });
}

/** One run; of uniform-state ones the state at every save stays, for the variance of their gradients. */
async function trainOne(name) {
  const { runTraining } = await import('../dist/training/run-training.js');
  const out = join(values.work, name);
  const recipe = RUNS.get(name);
  const states = join(out, 'states');
  const interrupted = new AbortController();
  process.on('SIGINT', () => interrupted.abort(new Error(`${name} was stopped`)));
  const started = Date.now();
  const request = {
    ...recipe,
    tokenizer: relative(process.cwd(), tokenizer),
    out,
    dtype: 'float32',
    command: `npm run fixtures:train -- ${name}`,
  };
  const trained = await runTraining(request, {
    signal: interrupted.signal,
    resumed: (step) => console.log(`${name} goes on from step ${step}`),
    stopped: (step) => console.log(`${name} stopped at step ${step}`),
    stepped: () => {},
    validated: (step, { nelbo, stderr }) => {
      const minutes = ((Date.now() - started) / 60_000).toFixed(1);
      console.log(
        `${name} step ${step}: ${nelbo.toFixed(4)} ± ${stderr.toFixed(4)} nats per token, ${minutes} min`,
      );
      if (recipe.family !== 'duo') return;
      mkdirSync(states, { recursive: true });
      copyFileSync(join(out, 'training.state'), join(states, `${step}.state`));
    },
  });
  console.log(`${name}: ${trained.parameters} parameters, loss ${trained.loss.toFixed(4)}`);
}
