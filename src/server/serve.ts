/** Puts a server together: the network's process, the model with its texts, and HTTP. */
import { ModelError } from '../errors.js';
import type { BosRule, TailKind } from '../evals/likelihood/items.js';
import type { ScoringMethod } from '../evals/likelihood/question-walks.js';
import { type Checkpoint, type CheckpointOverrides, checkReadsSequences } from '../models/checkpoint.js';
import type { Placement } from '../models/provider.js';
import type { Observer } from '../observer.js';
import { Network } from './network.js';
import { ServedModel } from './served-model.js';
import { type RunningServer, type ServerOptions, startServer } from './server.js';

export interface ServeRequest
  extends Pick<ServerOptions, 'host' | 'port' | 'token' | 'places' | 'timeoutMs' | 'bodyBytes' | 'sendMs'> {
  checkpoint: Checkpoint;
  /** What the checkpoint was opened from, for the process that opens it again. */
  spec: string;
  overrides: CheckpointOverrides;
  /** As `ServedModelOptions` has them. */
  batch?: number;
  bos: BosRule;
  tail: TailKind;
  method: ScoringMethod;
  draws?: number;
  provider: Placement;
  threads?: number;
}

/** @throws ModelError, DataError for a model that cannot be served, UsageError for an address that cannot be listened on */
export async function serve(
  request: ServeRequest,
  observer: Observer,
): Promise<RunningServer & { network: Network }> {
  const { checkpoint, spec, overrides, provider, threads, timeoutMs } = request;
  checkReadsSequences(checkpoint);
  if (checkpoint.path === null) {
    throw new ModelError({
      code: 'no-model-file',
      message: `${checkpoint.name} is no file, and the process that runs it could not open it.`,
    });
  }
  const { tail, bos, method, draws, batch } = request;
  const network: Network = new Network(
    {
      ...{ spec, overrides, provider, threads, timeoutMs, bosTokenId: null, eosTokenId: null },
      likelihood: { tail, bos, method, draws, batch },
    },
    (why) => observer.warn?.(`The process that runs the network was lost: ${why}. It is started again.`),
  );
  const model = await ServedModel.open({ ...request, network, tokenizer: overrides.tokenizer });
  network.model.bosTokenId = model.tokenizer.bosTokenId;
  network.model.eosTokenId = model.tokenizer.eosTokenId;
  try {
    await network.start();
    const unforeseen = (error: unknown) =>
      observer.warn?.(
        `A request failed in a way it should not: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
    const server = await startServer({ ...request, model, network, unforeseen });
    return { ...server, network };
  } catch (error) {
    network.close();
    throw error;
  }
}
