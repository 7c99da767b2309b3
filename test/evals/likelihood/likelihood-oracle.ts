/** Oracles B, C and D of test/oracles/likelihood, and F beside the project, from an independent implementation. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { LikelihoodRecord } from '../../../src/evals/likelihood/record.js';
import { sharedIsThere, sharedModel } from '../../end-to-end/shared.js';
import { temporaryFolder } from '../../support/folder.js';
import { fixture, root } from '../../support/run.js';

// Journals of the runs.
process.env.DUO_EVAL_CACHE = temporaryFolder().root;

export interface Exact {
  elbo: number;
  lnEvidence: number;
  leftToRight: number;
  best: number;
  worst: number;
  bestOrder?: number[];
  worstOrder?: number[];
}

/** The whole set beside the project where it is there, else the kept half, without networks that are not here. */
export function oracle(name: string) {
  const whole = sharedOracle(name);
  if (whole) return whole;
  const path = join(root, 'test', 'oracles', 'likelihood', `${name}.json.gz`);
  return JSON.parse(gunzipSync(readFileSync(path)).toString('utf8'));
}

/** Null where the set is not there. */
export function sharedOracle(name: string) {
  const path = join(root, '..', 'shared', 'oracles', 'likelihood', `${name}-a.json`);
  return sharedIsThere && existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null;
}

/** Path of a network of the oracles. */
export function networkOf(name: string): string {
  const [where, model] = name.split('-', 2);
  if (where === 'shared') return sharedModel(model);
  return fixture(where === 'fixture' ? 'mdlm.onnx' : `${name}.onnx`);
}

/** How far a figure is from an oracle's, nats; not a number where there is none. */
export function off(found: number | null | undefined, expected: number): number {
  return Math.abs((found ?? Number.NaN) - expected);
}

/** Largest distance of a record from an oracle's figures, nats. */
export function distance(record: LikelihoodRecord, exact: Exact): number {
  return Math.max(
    off(record.evidence, exact.lnEvidence),
    off(record.bound, exact.elbo),
    off(record.leftToRight, exact.leftToRight),
    off(record.best?.value, exact.best),
    off(record.worst?.value, exact.worst),
  );
}
