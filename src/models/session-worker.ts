/**
 * The thread that holds one session of the runtime. onnxruntime-node's `create` and `run` block their thread; here they
 * block nothing else. Calls run one at a time in the order of arrival, so a caller may queue the next ones.
 *
 * src/workers/session.ts is the entry of the thread: it knows the kinds of states, which higher layers define.
 */
import { parentPort, workerData } from 'node:worker_threads';
import ort, { type InferenceSession, type Tensor } from 'onnxruntime-node';
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
import type { Network, StateKinds } from './session-state.js';

/** Answers that come within this many milliseconds share a message: one message per answer would cost more than it gains. */
const GATHER_MS = 25;

const port = parentPort!; // this module runs in a worker only
const reply = (message: FromWorker, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);

/** Creates the session that this thread was started for, and answers its calls until it is closed. */
export async function serveSession(kinds: StateKinds): Promise<void> {
  ort.env.logLevel = 'fatal'; // errors are thrown as well
  const task = workerData as WorkerTask;
  const session = await create(task);
  if (!session) return port.close();
  const served = new ServedSession(session, task, kinds);
  let previous: Promise<void> = Promise.resolve();
  port.on('message', (message: ToWorker) => {
    previous = previous.then(() => served.receive(message));
  });
}

async function create(task: WorkerTask): Promise<InferenceSession | null> {
  const start = performance.now();
  try {
    const session = await ort.InferenceSession.create(task.graph, sessionOptions(task));
    reply({ kind: 'created', seconds: (performance.now() - start) / 1000 });
    return session;
  } catch (error) {
    reply({ kind: 'create-failed', message: messageOf(error) });
    return null;
  }
}

class ServedSession {
  /** See WorkerTask.progress. */
  private readonly progress: Float64Array;
  /** By number: the state, or the error of one that could not be made or has failed. */
  private readonly states = new Map<number, object>();
  private closed = false;

  constructor(
    private readonly session: InferenceSession,
    private readonly task: WorkerTask,
    private readonly kinds: StateKinds,
  ) {
    this.progress = new Float64Array(task.progress);
    this.progress[1] = Number.POSITIVE_INFINITY;
  }

  async receive(message: ToWorker): Promise<void> {
    if (this.closed) return;
    if (message.kind === 'run') return this.runAll(message.jobs);
    this.closed = true;
    await this.session.release().catch(() => {});
    port.close();
  }

  private async runAll(jobs: readonly WorkerJob[]): Promise<void> {
    let answers: Answer[] = [];
    let since = performance.now();
    for (const [i, job] of jobs.entries()) {
      if ('keep' in job) this.states.set(job.keep, await this.begin(job.kind, job.init));
      else if ('release' in job) this.states.delete(job.release);
      else answers.push(await this.answer(job));
      if (i + 1 < jobs.length && performance.now() - since < GATHER_MS) continue;
      if (answers.length === 0) continue;
      const values = answers.map((answer) => ('value' in answer ? answer.value : null));
      reply({ kind: 'ran', answers }, largeBuffers(values));
      answers = [];
      since = performance.now();
    }
  }

  private async begin(name: string, init: unknown): Promise<object> {
    try {
      if (!Object.hasOwn(this.kinds, name)) throw new Error(`there is no kind of state "${name}"`);
      const kind = await this.kinds[name]();
      return kind.create(init as never);
    } catch (error) {
      return asError(error);
    }
  }

  private async answer(call: WorkerCall): Promise<Answer> {
    const { id } = call;
    this.progress[0] = id;
    const count = { runs: 0, seconds: 0 };
    const network: Network = (feeds) => this.run(feeds, count);
    try {
      const value = await ('state' in call ? this.callState(call, network) : network(call.feeds));
      return { id, value, ...count };
    } catch (error) {
      if ('state' in call && this.states.has(call.state)) this.states.set(call.state, asError(error));
      return { id, failure: messageOf(error), ...(error instanceof WrongLogits && { broken: error.broken }) };
    }
  }

  private callState(
    { state: number, method, argument }: Extract<WorkerCall, { state: number }>,
    network: Network,
  ): Promise<unknown> {
    const state = this.states.get(number);
    if (state === undefined) throw new Error('the state it builds on was released before');
    if (state instanceof Error) throw state;
    return (state as Record<string, (argument: unknown, network: Network) => Promise<unknown>>)[method](
      argument,
      network,
    );
  }

  /** One run of the runtime. A call's time limit covers these alone, not the work of a state before, after and between them. */
  private async run(feeds: Feeds, count: { runs: number; seconds: number }): Promise<Feeds> {
    const { progress } = this;
    const { logits } = this.task;
    progress[1] = Date.now();
    const tensors: Record<string, Tensor> = {};
    for (const [name, { type, data, dims }] of Object.entries(feeds)) {
      tensors[name] = new ort.Tensor(type as 'float32', data as Float32Array, dims);
      // From Node 24 on the package makes a Float16Array of the bits, of which its own addon finds no element.
      if (type === 'float16') Object.defineProperty(tensors[name], 'data', { value: data });
    }
    const start = performance.now();
    const results = await this.session.run(tensors);
    progress[1] = Number.POSITIVE_INFINITY;
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
}

class WrongLogits extends Error {
  constructor(readonly broken: BrokenPromise) {
    super(`logits of shape [${broken.came}]`);
  }
}

/** float16 as its bits: newer versions of Node would return a Float16Array, which older ones cannot receive. */
function elements(data: TensorElements): TensorElements {
  const isFloat16Array = data.constructor.name === 'Float16Array';
  return isFloat16Array ? new Uint16Array(data.buffer, data.byteOffset, data.length) : data;
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

const messageOf = (error: unknown): string => asError(error).message;
