/**
 * GIDD (arXiv 2503.04482, dvruette/gidd): the reference's diffusion transformer under its own names, told the time itself. The
 * vocabulary is that of GPT-2 with padding and the mask, which is the last token; the share of uniform noise is in the configuration.
 */
import { ModelError } from '../../errors.js';
import { type Dimensions, dimensionProblem } from '../architectures/dimensions.js';
import { architectures } from '../architectures/index.js';
import { rotaryTables } from '../architectures/rotary.js';
import type { Card } from '../card.js';
import { usualSchedule } from '../fields.js';
import {
  blocksIn,
  checkTensors,
  type ImportedModel,
  matrixSizes,
  namedSource,
  shapeOutIn,
} from './imported-model.js';
import type { PublishedLayout, PublishedModel } from './published-layout.js';
import { publishedTokenizer } from './special-tokens.js';
import { elementsOf, type StoredTensor } from './stored-tensor.js';
import { TransformersConfig } from './transformers-config.js';

const EMBEDDING = 'vocab_embed.embedding';
/** Tables of the rotary positions, [1, length, 3, 1, width of a head]: queries and keys turn, the entry of the values is 1 or 0. */
const TABLES = { cos: 'rotary_emb.cos_cached', sin: 'rotary_emb.sin_cached' } as const;
/** The least share of uniform noise of the reference, which stands for none. */
const LEAST_SHARE = Math.exp(-20);

export const giddLayout: PublishedLayout = {
  description: 'GIDD (vocab_embed.embedding, rotary_emb.cos_cached)',
  recognises: ({ tensors }) => tensors.has(EMBEDDING) && tensors.has(TABLES.cos),
  read: giddModel,
};

/** @throws ModelError naming the tensors, or the setting that contradicts them */
function giddModel(model: PublishedModel): ImportedModel {
  const { where, tensors, overrides } = model;
  const config = TransformersConfig.of(model);
  checkOverrides(model);
  const [vocabSize, hiddenSize] = matrixSizes(where, tensors, EMBEDDING);
  const [conditionSize] = matrixSizes(where, tensors, 'sigma_map.mlp.0.weight');
  const blocks = blocksIn(tensors, 'blocks.');
  const heads = overrides.heads ?? config.count('num_attention_heads');
  const context = config.count('max_seq_len');
  config.checkSizes({
    vocab_size: vocabSize,
    hidden_size: hiddenSize,
    timestep_cond_dim: conditionSize,
    num_hidden_layers: blocks,
  });
  const length = overrides.length ?? context;
  if (length > context) {
    throw new ModelError({
      code: 'length-past-context',
      message: `${where}: its positions are for ${context} tokens, and --length asks for ${length}.`,
      hint: `Use --length ${context} or less.`,
    });
  }
  const dimensions: Dimensions = { vocabSize, hiddenSize, conditionSize, blocks, heads, length };
  const problem = dimensionProblem(dimensions);
  if (problem) throw new ModelError({ ...problem, message: `${where}: ${problem.message}` });
  const { parameters: parametersOf, checkpointGraph } = architectures.dit;
  const parameters = parametersOf(dimensions);
  const table = [1, context, 3, 1, hiddenSize / heads];
  checkTensors(
    where,
    [
      ...parameters.map((parameter) => ({ name: parameter.name, shape: shapeOutIn(parameter) })),
      ...Object.values(TABLES).map((name) => ({ name, shape: table })),
    ],
    tensors,
  );
  checkTables(where, model.tensors, hiddenSize / heads);
  const { vocabSize: _, length: __, ...size } = dimensions;
  const tokenizer = model.tokenizer ?? publishedTokenizer(vocabSize - 2);
  const card: Card = {
    family: 'gidd',
    vocabSize,
    length,
    ...(tokenizer?.bosTokenId != null && { bosTokenId: tokenizer.bosTokenId }),
    ...(tokenizer?.eosTokenId != null && { eosTokenId: tokenizer.eosTokenId }),
    maskTokenId: overrides.maskTokenId ?? vocabSize - 1,
    schedule: { ...usualSchedule('gidd'), ...trained(config) },
    timeConditioning: true,
    timestepInput: 't',
    architecture: { name: 'dit', ...size },
  };
  return {
    parameters,
    graph: (options) => checkpointGraph(dimensions, options),
    source: namedSource(tensors, ({ name }) => name, true),
    card,
    notices: [],
  };
}

/** p and ε of the training. @throws ModelError `bad-config` for a share that is none */
function trained(config: TransformersConfig): { uniformShare: number; eps: number } {
  const eps = config.positive('t_eps', usualSchedule('gidd').eps);
  const uniformShare = config.share('p_uniform');
  if (eps >= 0.5) throw config.unsupported('t_eps', 'it leaves no times between');
  return { uniformShare: Math.max(LEAST_SHARE, uniformShare), eps };
}

/** @throws ModelError for flags that say what such a model is not */
function checkOverrides({ where, overrides: { family, schedule } }: PublishedModel): void {
  const said = family !== undefined && family !== 'gidd' ? `of the family ${family}` : null;
  const noise = schedule && schedule.type !== 'mixed' ? `trained with ${schedule.type} noise` : null;
  if (!said && !noise) return;
  throw new ModelError({
    code: 'config-contradicts-tensors',
    message: `${where} is said to be ${said ?? noise}, but its tensors are those of GIDD, whose noise is masks and uniform noise together.`,
    hint: said
      ? 'Leave out --family: it is gidd.'
      : 'Leave out --schedule: p_uniform of its configuration says it.',
  });
}

/** @throws ModelError where positions turn otherwise than is built */
function checkTables(where: string, tensors: PublishedModel['tensors'], headSize: number): void {
  const usual = rotaryTables(2, headSize);
  for (const kind of ['cos', 'sin'] as const) {
    // checkTensors found both
    const tensor = tensors.get(TABLES[kind]) as StoredTensor;
    const second = entriesOf(tensor, 3 * headSize, headSize / 2);
    const due = usual[kind].slice(headSize / 2);
    if (second.length < due.length || due.every((value, i) => Math.abs(value - second[i]) < 0.02)) continue;
    throw new ModelError({
      code: 'unknown-architecture',
      message: `${where}: "${TABLES[kind]}" does not turn positions by the base 10,000, as the GIDD that is known here does.`,
      hint: 'Export this model to ONNX instead.',
    });
  }
}

/** `count` elements from one on. */
function entriesOf(tensor: StoredTensor, from: number, count: number): number[] {
  const found: number[] = [];
  let at = 0;
  for (const piece of elementsOf(tensor)) {
    for (let i = Math.max(0, from - at); i < piece.length && found.length < count; i++) found.push(piece[i]);
    at += piece.length;
    if (found.length === count) break;
  }
  return found;
}
