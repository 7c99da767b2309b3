/**
 * The draw from a model, appended to its graph: uniform numbers in; for each position a token drawn from x_θ, x_θ of that token
 * and x_θ of the present token out. A sampler's step is composed of these (../posterior.ts), and the logits (206 MB per
 * sequence at V = 50,257, L = 1,024) stay in the runtime.
 *
 * x_θ is the softmax of the logits after temperature, top-k and top-p, in this order. SEDD's scores are normalised to x_θ:
 * s_v/Σs = softmax(f)_v without the mask; Σs of the network's own scores is a further output.
 */
import type { Graph, Value } from '../../graph/graph.js';
import {
  ArgMax,
  Cast,
  Gather,
  GatherElements,
  GatherND,
  IfAll,
  LogSoftmax,
  Mul,
  Reshape,
  Shape,
  Softmax,
  Squeeze,
  Sub,
  Unsqueeze,
} from '../../graph/operators.js';
import { besidesDraw, type Family, isMasked, isUniformState } from '../../models/family.js';
import type { ScoredOrder } from '../unmasking.js';
import { HEAD, type HeadOptions, textLogits } from './head.js';
import { inverseCdf } from './inverse-cdf.js';
import { policyScore } from './policy-score.js';
import { atPositions, atRows } from './rows.js';
import { truncateLogits } from './truncation.js';

/** Names of the inputs and outputs that the draw adds. Shapes are [rows], or [batch, length] for ar. */
export const DRAW = {
  /** int64 [rows, 2]: the (sequence, position) pairs to draw at; not for ar. */
  rows: HEAD.rows,
  /** float64 in [0, 1). Without float64: float32, and for the choice of the vocabulary block alone. */
  uniforms: 'duo_eval_uniforms',
  /** float32 in [0, 1), for the token inside the block; only without float64. */
  fineUniforms: 'duo_eval_fine_uniforms',
  /** float32 [], 1/temperature; only if asked for. */
  inverseTemperature: 'duo_eval_inverse_temperature',
  /** bool []: take the most probable token of the network's own logits and ignore the uniforms. */
  greedy: 'duo_eval_greedy',
  /** int64 */
  token: 'duo_eval_token',
  /** float32: x_θ of the token. */
  probability: 'duo_eval_probability',
  /** float32: x_θ of the present token, for uniform states; for d3pm, what the network gives the mask. */
  present: 'duo_eval_present',
  /** float64: ln Σ_v e^{f_v}, the mask left out; sedd only. */
  logSumExp: 'duo_eval_log_sum_exp',
  /** float32: what an unmasking policy ranks the position by; only if asked for. */
  score: 'duo_eval_score',
} as const;

export interface DrawOptions extends HeadOptions {
  /** Whether there is an input for the temperature, which costs a pass over the logits; false by default. */
  temperature?: boolean;
  topK?: number | null;
  topP?: number | null;
  /** Whether the small sums are float64, which not every provider has; true by default. */
  double?: boolean;
  /** Masked families: the score to return of each position, of the network's own distribution whatever shapes the draw. */
  score?: ScoredOrder | null;
}

/** About forty operators process a block, and each waits for its threads: blocks twice as large as for a loss halve the waiting. */
const BLOCK_BYTES = 12 * 2 ** 20;

/** Whether the draw is at asked positions: of the other families, a text's draws are needed together. */
export const drawsAtRows = (family: Family): boolean => family !== 'ar';

/** Appends the draw; it becomes all that the graph returns. */
export function appendDrawHead(graph: Graph, family: Family, drawOptions: DrawOptions): void {
  const options = { blockBytes: BLOCK_BYTES, ...drawOptions };
  graph.scope('duo_eval', () => {
    const besides = besidesDraw(family);
    const atSome = drawsAtRows(family);
    const shape = atSome ? ['rows'] : ['batch', 'length'];
    const uniforms = uniformInputs(graph, shape, options.double ?? true);
    const settings: RowSettings = {
      ...options,
      scores: besides === 'scoreSum',
      greedy: graph.input(DRAW.greedy, 'bool', []),
      inverse: options.temperature ? graph.input(DRAW.inverseTemperature, 'float32', []) : null,
    };
    const rows = atSome ? graph.input(DRAW.rows, 'int64', ['rows', 2]) : null;
    let drawn: Value[];
    if (rows === null) {
      drawn = atPositions(graph, options, uniforms, (f, ...us) => drawRows(settings, f, us, null));
    } else if (isMasked(family)) {
      const whole =
        besides === 'present' ? { ...options, maskTokenId: null, keptTokenId: options.maskTokenId } : options;
      drawn = atRows(graph, whole, rows, uniforms, (f, ...us) =>
        besides === 'present' ? drawRowsBesideMask(settings, f, us) : drawRows(settings, f, us, null),
      );
    } else {
      const z = GatherND(graph.value('input_ids', 'int64'), rows);
      const maskTokenId = isUniformState(family) ? null : options.maskTokenId;
      drawn = atRows(graph, { ...options, maskTokenId }, rows, [...uniforms, z], (f, ...known) =>
        drawRows(settings, f, known.slice(0, -1), known[known.length - 1]),
      );
    }
    graph.clearOutputs();
    const [token, probability, more] = drawn;
    const score = drawn[drawn.length - 1];
    graph.output(token, DRAW.token, shape);
    graph.output(probability, DRAW.probability, shape);
    if (besides === 'present') graph.output(more, DRAW.present, shape);
    if (besides === 'scoreSum') graph.output(more, DRAW.logSumExp, shape);
    if (options.score) graph.output(score, DRAW.score, shape);
  });
}

/** The draw's uniform numbers as inputs: see DRAW. */
export function uniformInputs(graph: Graph, shape: readonly string[], double: boolean): Value[] {
  if (double) return [graph.input(DRAW.uniforms, 'float64', shape)];
  return [graph.input(DRAW.uniforms, 'float32', shape), graph.input(DRAW.fineUniforms, 'float32', shape)];
}

interface RowSettings extends DrawOptions {
  scores: boolean;
  greedy: Value;
  inverse: Value | null;
}

/**
 * @param f logits, [rows…, vocab]   @param uniforms [rows…] each   @param z the present tokens, [rows…], or null
 * @returns token and its x_θ, then x_θ(z) if z is given, ln Σe^f for scores, and the policy's score; [rows…] each
 */
function drawRows(settings: RowSettings, f: Value, uniforms: readonly Value[], z: Value | null): Value[] {
  const { vocabSize, greedy } = settings;
  const shape = Shape(uniforms[0]);
  const flat = Reshape(f, [-1, vocabSize]);
  const us = uniforms.map((u) => Reshape(u, [-1]));
  const present = z ? Reshape(z, [-1]) : null;
  const results = IfAll(
    { ...greedy, graph: flat.graph },
    (capture) => {
      const logits = capture(flat);
      return withProbabilities(
        Softmax(logits),
        ArgMax(logits, { keepdims: false }),
        present && capture(present),
      );
    },
    (capture) => {
      const x = Softmax(shapeLogits(settings, capture(flat)));
      return withProbabilities(x, inverseCdf(x, vocabSize, us.map(capture)), present && capture(present));
    },
  );
  if (settings.scores) results.push(logSumExp(flat, results[0]));
  if (settings.score) results.push(policyScore(LogSoftmax(flat), settings.score));
  return results.map((value) => Reshape(value, shape));
}

/** The same of a network whose softmax holds the mask: token and its x_θ among the others, then that of the mask. */
function drawRowsBesideMask(settings: RowSettings, f: Value, uniforms: readonly Value[]): Value[] {
  const [token, probability, ...score] = drawRows(settings, textLogits(f, settings), uniforms, null);
  // a masked family has a mask token
  const ofMask = Gather(Softmax(f), settings.maskTokenId!, { axis: -1 });
  return [token, probability, ofMask, ...score];
}

/** Logits after temperature, top-k and top-p. */
function shapeLogits({ inverse, vocabSize, double = true, ...settings }: RowSettings, logits: Value): Value {
  const f = inverse ? Mul(logits, inverse) : logits;
  return truncateLogits(f, vocabSize, settings, double ? 'float64' : 'float32');
}

function withProbabilities(x: Value, token: Value, present: Value | null): Value[] {
  const results = [token, atToken(x, token)];
  if (present) results.push(atToken(x, present));
  return results;
}

const atToken = (values: Value, token: Value): Value =>
  Squeeze(GatherElements(values, Unsqueeze(token, [-1])), [-1]);

/** ln Σ e^f from two numbers per row: f at a token minus its log-probability. */
function logSumExp(f: Value, token: Value): Value {
  const exact = (value: Value): Value => Cast(value, { to: 'float64' });
  return Sub(exact(atToken(f, token)), exact(atToken(LogSoftmax(f), token)));
}
