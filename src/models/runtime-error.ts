/** Turns the runtime's messages into errors that a user can act on. */
import { ModelError } from '../errors.js';
import { Graph } from '../graph/graph.js';
import { plainText } from '../terminal-text.js';
import { ADDRESS_SPACE_HINT, addressSpace } from './address-space.js';
import { isOfHead, unusableLogits } from './promised-logits.js';

const OUT_OF_MEMORY =
  /failed to allocate|bad[_ ]alloc|bad allocation|out of memory|out_of_memory|ERR_WORKER_OUT_OF_MEMORY|array buffer allocation failed|ALLOC_FAILED|OutOfMemory|cannot allocate memory|failed to map segment|resource temporarily unavailable|pthread_create/i;
const FAILED_NODE = /while running (\S+) node\. Name:'([^']*)' Status Message: ([\s\S]*)$/;
const REJECTED_NODE = /Node \(([^)]*)\) Op \(/;
const UNKNOWN_OPERATOR = /([\w.:-]+)\(-?\d+\) is not a registered function\/op/;
const LONGEST_REASON = 300;

/**
 * @param label what ran, e.g. `sequence 12`   @param raw the runtime's message
 * @param graph the graph, as bytes, to tell a position outside its table from a token outside the vocabulary
 * @param length tokens per sequence that it was fed
 */
export function runFailed(label: string, raw: string, graph?: Uint8Array, length?: number): ModelError {
  const reason = oneLine(raw);
  if (isOutOfMemory(raw)) return outOfMemory(label, reason);
  const node = failedNode(raw);
  // A rotary embedding fails only on a position beyond its tables of angles.
  if (node?.op === 'RotaryEmbedding') {
    return new ModelError({
      code: 'length-past-model',
      message: `${label}: the sequences are longer than the model has positions for.`,
      hint: 'Use a smaller --length: the card says how long the sequences of the model are.',
    });
  }
  const positions = node && (positionsAdded(node, length) ?? (graph ? positionsLookedUp(graph, node) : null));
  if (typeof positions === 'number') {
    return new ModelError({
      code: 'length-past-model',
      message: `${label}: the sequences are longer than the model's positions, of which there are ${positions}.`,
      hint: `Use --length ${positions} or less.`,
    });
  }
  if (node && isOfHead(node.name)) return unusableLogits(label, node.reason);
  return new ModelError({
    code: 'run-failed',
    message: node
      ? `${label}: the runtime failed at the node "${node.name}" (${node.op}): ${node.reason}`
      : `${label}: the runtime failed: ${reason}`,
    hint: /out of (data )?bounds|indices element/i.test(raw)
      ? 'A token id lies outside what the model knows: check --tokenizer and the vocabSize of the card.'
      : graph && takesCache(graph)
        ? "The graph may not accept an empty cache, as its exporter's file for later tokens alone: give decoder_model.onnx, decoder_model_merged.onnx or model.onnx, often in the same folder."
        : 'Check that the length and the batch fit the model (--length, --batch), and the model with duo-eval inspect.',
  });
}

const takesCache = (graph: Uint8Array): boolean =>
  Graph.fromBytes(graph).proto.input.some(({ name }) => name.startsWith('past_key_values.'));

export function createFailed(label: string, raw: string): ModelError {
  if (isOutOfMemory(raw)) return outOfMemory(label, oneLine(raw));
  if (isOfHead(REJECTED_NODE.exec(raw)?.[1] ?? '')) return unusableLogits(label, oneLine(raw));
  const [, operator] = UNKNOWN_OPERATOR.exec(raw) ?? [];
  if (operator !== undefined) {
    return new ModelError({
      code: 'unknown-operator',
      message: `${label}: the runtime has no operator ${plainText(operator)}.`,
      hint: 'The model was made for another runtime or a newer version: take another file of the same model, such as model.onnx or model_fp16.onnx.',
    });
  }
  return new ModelError({
    code: 'model-rejected',
    message: `${label}: the runtime does not accept the model: ${oneLine(raw)}`,
    hint: 'Export the model again, for the CPU and with a common operator set (17 to 21).',
  });
}

export function isOutOfMemory(raw: string): boolean {
  return OUT_OF_MEMORY.test(raw);
}

export function outOfMemory(label: string, reason: string): ModelError {
  return new ModelError({
    code: 'out-of-memory',
    message: `${label}: the memory does not suffice: ${reason}`,
    hint: addressSpace() ? `Use a smaller --batch. ${ADDRESS_SPACE_HINT}` : 'Use a smaller --batch.',
  });
}

/**
 * How many positions a model has, if a lookup failed on a position past the last. A lookup of tokens reads `input_ids`; a
 * lookup of positions reads the shape of a tensor, a mask, or `position_ids`.
 */
function positionsLookedUp(graph: Uint8Array, { op, name, reason }: FailedNode): number | null {
  const range = /idx=(\d+) must be within the inclusive range \[-\d+,(\d+)\]/.exec(reason);
  if (!range || !/^Gather/.test(op)) return null;
  const { node } = Graph.fromBytes(graph).proto;
  const producers = new Map(node.flatMap((each) => each.output.map((output) => [output, each] as const)));
  const waiting = node.find((each) => each.name === name)?.input.slice(1, 2) ?? [];
  const seen = new Set<string>();
  let tellsPositions = false;
  for (let read = waiting.pop(); read !== undefined; read = waiting.pop()) {
    if (read === 'input_ids') return null;
    if (seen.has(read)) continue;
    seen.add(read);
    const producer = producers.get(read);
    if (producer?.opType === 'Shape' || /^(position_ids|attention_mask)$/.test(read)) tellsPositions = true;
    else if (producer) waiting.push(...producer.input);
  }
  return tellsPositions ? Number(range[2]) + 1 : null;
}

/** The same, if the runtime has turned the lookup of positions 0, 1, 2 … into a slice, which ends where its table ends. */
function positionsAdded({ op, reason }: FailedNode, length: number | undefined): number | null {
  const sizes = /broadcast an axis by a dimension other than 1\. (\d+) by (\d+)/.exec(reason);
  if (!sizes || op !== 'Add') return null;
  const [fewer, more] = [Number(sizes[1]), Number(sizes[2])].sort((a, b) => a - b);
  return more === length ? fewer : null;
}

interface FailedNode {
  op: string;
  name: string;
  reason: string;
}

/** The innermost node that failed: a loop or a scan repeats its body's message inside its own. */
function failedNode(raw: string): FailedNode | null {
  let found: FailedNode | null = null;
  for (let rest = raw; ; ) {
    const match = FAILED_NODE.exec(rest);
    if (!match) return found;
    found = { op: plainText(match[1]), name: plainText(match[2]), reason: oneLine(match[3]) };
    rest = match[3];
  }
}

/** One line of limited length, without references to the runtime's own source. */
export function oneLine(raw: string): string {
  const text = plainText(raw)
    .replace(/^.*?\S+\.(cc|h|cpp|cu):\d+ .*? was false\. /, '')
    .replace(/\[ONNXRuntimeError\] : \d+ : \w+ : /g, '')
    .replace(/OrtSessionOptionsAppendExecutionProvider_\w+: /g, '')
    .replace(/\/onnxruntime_src\S*\s*/g, '')
    .trim();
  const short = text.length > LONGEST_REASON ? `${text.slice(0, LONGEST_REASON - 1)}…` : text;
  return /[.!?…]$/.test(short) ? short : `${short}.`;
}
