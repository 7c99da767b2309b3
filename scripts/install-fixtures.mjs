// Puts what fixtures:train made into fixtures/, kept as float16, with the losses of every step: `npm run fixtures:install`. Option:
// --work <folder> as fixtures:train had it; names of fixtures for some of them.
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { distillationFile } from '../dist/training/distillation/distill.js';
import { trainingFile } from '../dist/training/state-file.js';
import { saveTrained, trainingNote } from '../dist/training/trained-checkpoint.js';
import { DISTILLED, FIXTURES, RUNS } from './fixture-recipes.mjs';
import { stateHeader } from './state-header.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { work: { type: 'string', default: join(root, '.training') } },
});
const fixtures = join(root, 'fixtures');
mkdirSync(join(fixtures, 'curves'), { recursive: true });

for (const name of positionals.length ? positionals : FIXTURES.keys()) {
  const run = FIXTURES.get(name);
  const folder = join(values.work, run);
  const distilled = DISTILLED.has(run);
  const file = distilled ? 'duo-dcd' : RUNS.get(run).family;
  const { settings, step, average } = await lastState(folder, distilled);
  const { family: _, ...card } = JSON.parse(readFileSync(join(folder, `${file}.card.json`), 'utf8'));
  const saved = await saveTrained(
    join(fixtures, `${name}.onnx`),
    settings,
    average,
    { ...card, tokenizer: './bpe-1024', ...(!distilled && { note: trainingNote(step, settings) }) },
    'float16',
  );
  for (const [curve, as] of [
    ['loss.csv', `${name}.csv`],
    ['validation.csv', `${name}-validation.csv`],
  ])
    if (existsSync(join(folder, curve))) copyFileSync(join(folder, curve), join(fixtures, 'curves', as));
  console.log(`${name}  ${run}, ${step} steps, ${saved.bytes} bytes`);
}

async function lastState(folder, distilled) {
  const path = join(folder, 'training.state');
  const { settings } = stateHeader(path);
  const { step, vectors } = await (distilled ? distillationFile : trainingFile).load(path, settings);
  return { settings, step, average: vectors.average };
}
