/**
 * Does a supposedly autoregressive network look at later tokens? Its figure would then be the probability of a text that
 * it has already read. The names of the inputs prove nothing (encoders take an attention mask too), so the network is
 * probed: for two sequences that differ only in the last token, all earlier outputs must be the same.
 *
 * Both sequences go into one call if the graph takes two: a graph that quantizes its activations scales them by their range
 * over the whole call, so every position moves a little from one call to the next.
 */
import { ModelError } from '../errors.js';
import type { Checkpoint } from './checkpoint.js';
import type { Provider } from './provider.js';
import { roundsByCall } from './stored-weights.js';

/** Tokens per probe sequence if the graph fixes no length: every model has at least this many positions. */
const LENGTH = 8;
/** ONNX's code of float16. */
const FLOAT16 = 10;

/** Two sequences of equal length that differ in their last token. */
export interface ProbeSequences {
  plain: Int32Array;
  changed: Int32Array;
}

/** Ids that are surely tokens: the last ones of a vocabulary may be padding that no embedding has. */
export const sureTokens = ({
  vocabSize,
  textVocabSize,
}: Pick<Checkpoint, 'vocabSize' | 'textVocabSize'>): number =>
  Math.max(2, textVocabSize ?? Math.floor(0.9 * vocabSize));

/** Null for a graph that reads one token at a time, or a vocabulary with fewer than two text tokens: nothing can be probed. */
export function probeSequences(checkpoint: Checkpoint): ProbeSequences | null {
  const { signature, fields, maskTokenId } = checkpoint;
  const most = Math.min(LENGTH, fields.length.value ?? LENGTH);
  const length = signature.fixedLength ?? Math.max(2, most);
  const ids = sureTokens(checkpoint);
  const text = (id: number) => (id % ids === maskTokenId ? (id + 1) % ids : id % ids);
  const plain = Int32Array.from({ length }, (_, l) => text(1 + l * 7919));
  const changed = plain.slice();
  changed[length - 1] = text(plain[length - 1] + 1 + (ids >> 1));
  if (changed[length - 1] === plain[length - 1]) changed[length - 1] = text(plain[length - 1] + 1);
  return length < 2 || changed[length - 1] === plain[length - 1] ? null : { plain, changed };
}

/**
 * @param plain ln p of the token at each position but the last, in the unchanged sequence   @param changed the same for the
 * changed sequence; further positions are ignored
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

/** The change of a loss, in nats, that rounding explains; relative for losses above 1. */
function roundingOf(checkpoint: Checkpoint, provider: Provider): number {
  const graph = checkpoint.graph();
  if (roundsByCall(graph) && checkpoint.signature.fixedBatch === 1) return 0.5;
  const { proto } = graph;
  // Weights that are merely stored as float16 are widened before use, an embedding's rows after they are looked up.
  const kept = new Set(
    proto.initializer.filter(({ dataType }) => dataType === FLOAT16).map(({ name }) => name),
  );
  const half = proto.node.some(
    ({ opType, input }) => !['Cast', 'Gather'].includes(opType) && input.some((name) => kept.has(name)),
  );
  if (half || checkpoint.signature.logits.dtype === 'float16') return 0.02;
  return provider === 'cpu' ? 1e-4 : 1e-3;
}
