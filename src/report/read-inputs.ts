/** The files a report is made of: results in JSON and samples in JSON lines, distinguished by their first bytes. */
import { closeSync, readSync } from 'node:fs';
import type { Evaluations, ResultRow } from '../records/evaluation.js';
import { readResults } from '../records/results-file.js';
import { rowsOf } from '../records/rows.js';
import { openSamples } from '../records/samples-file.js';
import { openRegularFile } from '../storage/small-file.js';
import { comparisonsOf, type KnownComparison, type SampleTexts } from './report.js';

export interface ReportInputs {
  rows: ResultRow[];
  known: KnownComparison[];
  samples: SampleTexts[];
}

export interface InputOptions {
  /** Number of texts shown per samples file. */
  texts: number;
}

const LONGEST_TEXT = 4000;

/** @throws FileError, DataError */
export async function readInputs(
  paths: readonly string[],
  evaluations: Evaluations,
  { texts }: InputOptions,
): Promise<ReportInputs> {
  const inputs: ReportInputs = { rows: [], known: [], samples: [] };
  for (const path of paths) {
    if (isSamplesFile(path)) {
      inputs.samples.push(await someSamples(path, texts));
      continue;
    }
    const file = readResults(path, evaluations, { allowUnknown: true });
    inputs.rows.push(...rowsOf(file, path, evaluations));
    inputs.known.push(...comparisonsOf(file, path));
  }
  return inputs;
}

/** The header of a samples file is its first line, and names its kind. */
function isSamplesFile(path: string): boolean {
  let descriptor: number;
  try {
    descriptor = openRegularFile(path).descriptor;
  } catch {
    return false; // reading it later gives the reason
  }
  try {
    const start = Buffer.alloc(4096);
    const bytes = readSync(descriptor, start, 0, start.length, 0);
    return /^[^\n]*"kind"\s*:\s*"samples"/.test(start.toString('utf8', 0, bytes));
  } catch {
    return false;
  } finally {
    closeSync(descriptor);
  }
}

async function someSamples(path: string, most: number): Promise<SampleTexts> {
  const { header, samples } = await openSamples(path);
  const texts: string[] = [];
  for await (const { text } of samples) {
    if (texts.length >= most) break;
    texts.push(text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)} …` : text);
  }
  const { sampler, temperature, length, seed, count, model } = header;
  return {
    file: path,
    model: model.name,
    sampling: `${sampler.name}, ${sampler.steps} steps, ${length} tokens, temperature ${temperature}, seed ${seed}`,
    count,
    texts,
  };
}
