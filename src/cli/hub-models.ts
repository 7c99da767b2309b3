/** Models of the hub that a command names, `hf:owner/name`: fetched and converted before it runs, unless they were before. */
import type { HubModelName } from '../models/importers/hub-cache.js';
import { Progress } from './progress.js';

/** What a command lends: where it says things, and what ends it. */
export interface Opening {
  note(text: string): void;
  quiet: boolean;
  signal?: AbortSignal;
}

/** Longest silence of the hub, ms. */
const TIMEOUT_MS = 30_000;

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
export async function fetchHubModels(specs: readonly string[], opening: Opening): Promise<void> {
  const { hubModel } = await import('../models/importers/hub-model.js');
  const { parseHubModel } = await import('../models/importers/hub-cache.js');
  for (const spec of specs) {
    const name = parseHubModel(spec)!;
    const { notices } = await fetching(name, opening, (connecting) => hubModel(name, connecting));
    for (const notice of notices) opening.note(notice);
  }
}

/** Runs what fetches from the hub, with the connection and the progress that it shows. */
export async function fetching<T>(
  { repo }: HubModelName,
  { note, quiet, signal }: Opening,
  action: (connecting: Connecting) => Promise<T>,
): Promise<T> {
  const { hubEndpoint } = await import('../datasets/hub/endpoint.js');
  const progress = new Progress({ quiet });
  const kilobytes = (bytes: number) => Math.max(1, Math.round(bytes / 1000));
  try {
    return await action({
      connection: {
        endpoint: hubEndpoint(),
        timeoutMs: TIMEOUT_MS,
        pausesMs: [500, 1500],
        onWait: (seconds) => note(`The hub is busy and asks to wait ${seconds} seconds.`),
        signal,
      },
      onStart: ({ revision, bytes }) => {
        note(
          `Fetching ${(bytes / 1e6).toPrecision(2)} MB of ${repo} at ${revision.slice(0, 12)}, to convert it.`,
        );
        progress.start(kilobytes(bytes), `${repo} (kB)`);
      },
      onProgress: (done) => progress.update(kilobytes(done)),
    });
  } finally {
    progress.stop();
  }
}

type Connecting = Pick<
  import('../models/importers/hub-model.js').HubModelOptions,
  'connection' | 'onStart' | 'onProgress'
>;
