/** A model as a command's flag names it: an ONNX file, or `hf:owner/name`, which is fetched and converted at its first use. */
import type { Checkpoint, CheckpointOverrides } from '../models/checkpoint.js';
import type { HubModelName } from '../models/importers/hub-model.js';
import { Progress } from './progress.js';

export interface ModelSpec {
  /** `name=` before the path, if given. */
  name: string | undefined;
  /** A file, or `hf:owner/name`. */
  path: string;
}

/** What a command lends: where it says things, and what ends it. */
export interface Opening {
  note(text: string): void;
  quiet: boolean;
  signal?: AbortSignal;
}

/** Longest silence of the hub, ms. */
const TIMEOUT_MS = 30_000;

/** @throws ModelError, DataError (the hub's), UsageError, FileError, InterruptedError */
export async function openModel(
  { name, path }: ModelSpec,
  overrides: CheckpointOverrides,
  opening: Opening,
): Promise<Checkpoint> {
  const { openCheckpoint } = await import('../models/checkpoint.js');
  if (!path.startsWith('hf:')) return openCheckpoint(path, overrides, name);
  const { hubModel, parseHubModel } = await import('../models/importers/hub-model.js');
  const hubName = parseHubModel(path)!;
  const { family, schedule, maskTokenId } = overrides;
  const model = await fetching(hubName, opening, (connecting) =>
    hubModel(hubName, { ...connecting, overrides: { family, schedule, maskTokenId } }),
  );
  for (const notice of model.notices) opening.note(notice);
  const { repo, revision } = model.record;
  const checkpoint = await openCheckpoint(model.path, overrides, name ?? repo.split('/')[1]);
  // Said in results: what it is, not where this machine keeps it.
  return { ...checkpoint, path: `hf:${repo}@${revision}` };
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
      connection: { endpoint: hubEndpoint(), timeoutMs: TIMEOUT_MS, pausesMs: [500, 1500], signal },
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
