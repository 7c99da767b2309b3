/**
 * Does a network that is taken for autoregressive look at later tokens? Its figure would be the probability of a text by
 * someone who has read it. Names of inputs prove nothing (encoders take an attention mask too), so it is asked: of two
 * sequences that differ in their last token alone, everything before must come out the same.
 *
 * Both are asked in one call where the graph takes two sequences: a graph that quantizes its activations takes their range
 * over the whole call, so that between two calls every position moves a little.
 */
import { ModelError } from '../errors.js';
import type { Checkpoint } from './checkpoint.js';
import type { Provider } from './provider.js';

/** Tokens of the probe's sequences, where the graph does not insist on a length: every model has so many positions. */
const LENGTH = 8;
/** ONNX's code of float16. */
const FLOAT16 = 10;

/** Two sequences of equal length that differ in their last token. */
export interface ProbeSequences {
  plain: Int32Array;
  changed: Int32Array;
}

/** Null for a graph that reads one token at a time, or a vocabulary without two tokens of text: there is nothing to ask. */
export function probeSequences({
  signature,
  fields,
  vocabSize,
  maskTokenId,
}: Checkpoint): ProbeSequences | null {
  const most = Math.min(LENGTH, fields.length.value ?? LENGTH);
  const length = signature.fixedLength ?? Math.max(2, most);
  // The last ids of a vocabulary may be padding that no embedding has.
  const ids = Math.max(2, Math.floor(0.9 * vocabSize));
  const text = (id: number) => (id % ids === maskTokenId ? (id + 1) % ids : id % ids);
  const plain = Int32Array.from({ length }, (_, l) => text(1 + l * 7919));
  const changed = plain.slice();
  changed[length - 1] = text(plain[length - 1] + 1 + (ids >> 1));
  if (changed[length - 1] === plain[length - 1]) changed[length - 1] = text(plain[length - 1] + 1);
  return length < 2 || changed[length - 1] === plain[length - 1] ? null : { plain, changed };
}

/**
 * @param plain ln p of a token at each position but the last, of the plain sequence   @param changed of the same tokens, of the
 * other; more positions are not looked at
 * @throws ModelError `not-causal` when a position moved by more than rounding does
 */
export function checkCausal(
  checkpoint: Checkpoint,
  provider: Provider,
  plain: ArrayLike<number>,
  changed: ArrayLike<number>,
): void {
  const rounding = roundingOf(checkpoint, provider);
  let most = 0;
  for (let l = 0; l < plain.length; l++) {
    const move = Math.abs(plain[l] - changed[l]);
    if (move > rounding * Math.max(1, Math.abs(plain[l]))) most = Math.max(most, move);
  }
  if (most === 0) return;
  throw new ModelError({
    code: 'not-causal',
    message: `${checkpoint.name} is taken for autoregressive, but it looks ahead: with another last token, an earlier position's loss moves by ${most.toPrecision(2)} nats.`,
    hint: 'It would be scored on text that it has seen. Give its family (--family, or "family" in its card), or export it with a causal attention mask.',
  });
}

/** Nats that rounding may move a loss by; of a loss above 1, as a share. */
function roundingOf(checkpoint: Checkpoint, provider: Provider): number {
  const { proto } = checkpoint.graph();
  const quantizes = proto.node.some(({ opType }) => opType === 'DynamicQuantizeLinear');
  if (quantizes && checkpoint.signature.fixedBatch === 1) return 0.5;
  // Weights that are only kept in float16 are widened before they are used.
  const kept = new Set(
    proto.initializer.filter(({ dataType }) => dataType === FLOAT16).map(({ name }) => name),
  );
  const half = proto.node.some(
    ({ opType, input }) => opType !== 'Cast' && input.some((name) => kept.has(name)),
  );
  if (half || checkpoint.signature.logits.dtype === 'float16') return 0.02;
  return provider === 'cpu' ? 1e-4 : 1e-3;
}
