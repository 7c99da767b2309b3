/**
 * The thread that holds one session of the runtime. onnxruntime-node's `create` and `run` block their thread; here they
 * block nothing else. Calls are made in the order they came, one at a time, so a caller may have the next ones waiting.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Feeds, TensorElements, TensorType } from './feeds.js';
import { type BrokenPromise, checkPromise } from './promised-logits.js';
import { sessionOptions } from './session-options.js';
import {
  type Answer,
  type FromWorker,
  largeBuffers,
  type ToWorker,
  type WorkerCall,
  type WorkerJob,
  type WorkerTask,
} from './session-protocol.js';
import type { StateSpec, WorkerState } from './session-state.js';

const port = parentPort!;
const reply = (message: FromWorker, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);

const ort = (await import('onnxruntime-node')).default;
ort.env.logLevel = 'fatal'; // what goes wrong is thrown, too

const { progress, logits } = workerData as WorkerTask;
const current = new Float64Array(progress);
current[1] = Number.POSITIVE_INFINITY; // nothing has begun

/** Answers are gathered while they come this fast: a message each would cost more than it tells. */
const GATHER_MS = 25;

let closed = false;
const session = await create(workerData as WorkerTask);
if (session) {
  let previous: Promise<void> = Promise.resolve();
  port.on('message', (message: ToWorker) => {
    previous = previous.then(() => {
      if (closed) return;
      return message.kind === 'close' ? close() : runAll(message.jobs);
    });
  });
} else {
  port.close();
}

async function create(task: WorkerTask): Promise<InferenceSession | null> {
  const start = performance.now();
  try {
    const made = await ort.InferenceSession.create(task.graph, sessionOptions(task));
    reply({ kind: 'created', seconds: (performance.now() - start) / 1000 });
    return made;
  } catch (error) {
    reply({ kind: 'create-failed', message: messageOf(error) });
    return null;
  }
}

/** States by number; of one that could not be made or went wrong, the reason. */
const states = new Map<number, WorkerState | Error>();

async function runAll(jobs: readonly WorkerJob[]): Promise<void> {
  let answers: Answer[] = [];
  let since = performance.now();
  for (const [i, job] of jobs.entries()) {
    if ('keep' in job) states.set(job.keep, await createState(job.spec));
    else if ('release' in job) states.delete(job.release);
    else answers.push(await answer(job));
    if (i + 1 < jobs.length && performance.now() - since < GATHER_MS) continue;
    if (answers.length === 0) continue;
    const outputs = answers.flatMap((answer) => ('outputs' in answer ? [answer.outputs] : []));
    reply({ kind: 'ran', answers }, largeBuffers(outputs));
    answers = [];
    since = performance.now();
  }
}

async function answer({ id, feeds, state: number }: WorkerCall): Promise<Answer> {
  current[0] = id;
  const count = { runs: 0, seconds: 0 };
  const network = (fed: Feeds) => run(fed, count);
  try {
    const state = number === undefined ? null : states.get(number);
    if (state === undefined) throw new Error('what it builds on was released before');
    if (state instanceof Error) throw state;
    const outputs = await (state ? state.call(feeds, network) : network(feeds));
    return { id, outputs, ...count };
  } catch (error) {
    if (number !== undefined && states.has(number)) states.set(number, asError(error));
    return { id, failure: messageOf(error), ...(error instanceof WrongLogits && { broken: error.broken }) };
  }
}

/** One run of the runtime, all that a call's time limit counts: not what a state does before, after and between. */
async function run(feeds: Feeds, count: { runs: number; seconds: number }): Promise<Feeds> {
  current[1] = Date.now();
  const tensors: Record<string, Tensor> = {};
  for (const [name, { type, data, dims }] of Object.entries(feeds)) {
    tensors[name] = new ort.Tensor(type as 'float32', data as Float32Array, dims);
  }
  const start = performance.now();
  const results = await session!.run(tensors);
  current[1] = Number.POSITIVE_INFINITY;
  count.runs++;
  count.seconds += (performance.now() - start) / 1000;
  const outputs: Feeds = {};
  for (const [name, tensor] of Object.entries(results)) {
    const data = elements(tensor.data as unknown as TensorElements);
    outputs[name] = { type: tensor.type as TensorType, data, dims: [...tensor.dims] };
  }
  const broken = logits ? checkPromise(logits, feeds, outputs) : null;
  if (broken) throw new WrongLogits(broken);
  return outputs;
}

class WrongLogits extends Error {
  constructor(readonly broken: BrokenPromise) {
    super(`logits of shape [${broken.came}]`);
  }
}

async function createState({ module, init }: StateSpec): Promise<WorkerState | Error> {
  try {
    const { createState } = await import(new URL(`../${module}`, import.meta.url).href);
    return createState(init);
  } catch (error) {
    return asError(error);
  }
}

async function close(): Promise<void> {
  closed = true;
  await session!.release().catch(() => {});
  port.close();
}

/** float16 as its bits: newer versions of Node would return a Float16Array, which older ones cannot receive. */
function elements(data: TensorElements): TensorElements {
  const isFloat16Array = data.constructor.name === 'Float16Array';
  return isFloat16Array ? new Uint16Array(data.buffer, data.byteOffset, data.length) : data;
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
