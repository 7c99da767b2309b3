/** A suite of three models on two data sets, how it is run, and what it leaves. */
import { existsSync, readdirSync } from 'node:fs';
import { fixture } from '../support/run.js';
import { type Workspace, workspace } from '../support/workspace.js';

export const suite = (ppl = 'limit: 24, draws: 4, batch: 4') => `
models:
  - ${fixture('markov-ar.onnx')}
  - {name: masked, path: ${fixture('markov-mdlm.onnx')}}
  - ${fixture('markov-duo.onnx')}
datasets: [sotu, moby-dick]
ppl: {protocol: strict, seeds: [1, 2], ${ppl}}
`;

/** A workspace with the suite in it, `suite.yaml`. */
export function suiteWorkspace(): Workspace {
  const space = workspace();
  space.write('suite.yaml', suite());
  return space;
}

export const run = (out: string, ...more: string[]) => [
  'run',
  'suite.yaml',
  '--quiet',
  '--out',
  out,
  ...more,
];

/** A results file without how long things took. */
export const timeless = (space: Workspace, name: string) =>
  space.read(name).replace(/^\s*"(wallSeconds|tokensPerSecond)":.*$/gm, '');

/** Names of the cells that are kept. */
export function cells(space: Workspace): string[] {
  const folder = space.at('.cache/cells');
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')) : [];
}
