/** Models of the hub that a command names, `hf:owner/name`: fetched and converted before it runs, unless they were before. */

import { fetchHubModel } from '../library/checkpoints.js';
import { Progress, progressOf } from './progress.js';

/** What a command lends: where it says things, and what ends it. */
export interface Opening {
  note(text: string): void;
  quiet: boolean;
  signal?: AbortSignal;
}

/** Flags and arguments that take a model. */
const NAMES = ['model', 'judge', 'against'] as const;

/** What a command was given of the hub: `hf:owner/name` or `name=hf:owner/name`. */
export function hubModelsIn(values: Readonly<Record<string, unknown>>): string[] {
  const specs = NAMES.flatMap((name) => values[name] ?? []).filter((spec) => typeof spec === 'string');
  return [...new Set(specs.map((spec) => spec.replace(/^[A-Za-z0-9][\w.+-]*=(?=hf:)/, '')))].filter((spec) =>
    spec.startsWith('hf:'),
  );
}

/** @throws DataError (the hub's), ModelError, UsageError, FileError, InterruptedError */
export async function fetchHubModels(
  specs: readonly string[],
  { note, quiet, signal }: Opening,
): Promise<void> {
  for (const spec of specs) {
    const progress = new Progress({ quiet });
    try {
      await fetchHubModel(spec, { note, progress: progressOf(progress), signal });
    } finally {
      progress.stop();
    }
  }
}
