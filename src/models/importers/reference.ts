/**
 * Models of the reference implementation (s-sahoo/duo, models/dit.py), and others with the same tensors: MDLM, also distilled
 * (SDTT), SEDD, block diffusion (kuleshov-group/bd3lms), and RADD. The tensors show whether the transformer is told the noise
 * level, is causal or is RADD's, and all sizes but the number of heads; the configuration states the rest and must not contradict the tensors.
 */
import { ModelError, UsageError } from '../../errors.js';
import { type Dimensions, dimensionProblem, SIZES } from '../architectures/dimensions.js';
import { timelessGraph, timelessParameters } from '../architectures/dit.js';
import { type Architecture, architectures } from '../architectures/index.js';
import { FREQUENCY_SIZE } from '../architectures/parameters.js';
import type { Card } from '../card.js';
import { type Family, isInBlocks, isInSteps, isMasked, readsNoiseLevel } from '../family.js';
import { blocksOfCard } from '../save-checkpoint.js';
import {
  blocksIn,
  checkTensors,
  type ImportedModel,
  matrixSizes,
  namedSource,
  shapeOutIn,
  withAdded,
} from './imported-model.js';
import type { PublishedLayout, PublishedModel } from './published-layout.js';
import { type Fact, type ReferenceConfig, readReferenceConfig, trainedSchedule } from './reference-config.js';
import { specialTokens } from './special-tokens.js';
import { elementsOf, type StoredTensor, type StoredTensors } from './stored-tensor.js';

type ReferenceSource = Omit<PublishedModel, 'config'> & { config: ReferenceConfig | null };

const EMBEDDING = 'vocab_embed.embedding';
/** What the reference adds, outside the network, to the logit of a mask that it leaves out (`subs_masking`). */
const LEFT_OUT = -1e6;
const PREFIX = /^((module|_orig_mod|model|backbone)\.)*$/;
/** The rotary frequencies, which PyTorch stores with the weights. */
const FREQUENCIES = 'rotary_emb.inv_freq';
const ROTARY_BASE = 10_000;
/** Of all networks with these names, RADD's alone has biases in its layer normalisation; it sees all tokens, and no noise level. */
const TIMELESS = 'output_layer.norm_final.bias';
/** The schedule of SDTT's training may have a parameter, which stands for nothing. */
const NOISE = /^noise\./;
/** The range of noise levels that variance-minimising training ended with (arXiv 2503.09573, section 5), which only training uses. */
const TRAINED_RANGE = ['sampling_eps_min', 'sampling_eps_max'];
const USUAL_LENGTH = 1024;
/** Limit on the length of a sequence, because the rotary tables have that length. */
const LARGEST_LENGTH = 1 << 20;

/** The prefix of the names of the network's tensors; null when the file holds no such network. */
function referencePrefix(tensors: StoredTensors): string | null {
  const prefixes = [...tensors.keys()]
    .filter((name) => name.endsWith(EMBEDDING))
    .map((name) => name.slice(0, -EMBEDDING.length))
    .filter((prefix) => PREFIX.test(prefix));
  return prefixes.sort((a, b) => a.length - b.length)[0] ?? null;
}

export const referenceLayout: PublishedLayout = {
  description:
    'the transformers of s-sahoo/duo, MDLM, SDTT, SEDD, RADD and BD3-LM (vocab_embed.embedding, blocks.0.attn_qkv.weight)',
  recognises: ({ tensors }) => referencePrefix(tensors) !== null,
  read: referenceModel,
};

/** @throws ModelError naming the tensors, or the contradiction, and the flag that would help */
function referenceModel(model: PublishedModel): ImportedModel {
  const config = model.config && readReferenceConfig(model.config.path, model.config.json);
  const source: ReferenceSource = { ...model, config };
  const { where, overrides, tokenizer } = source;
  const prefix = referencePrefix(source.tensors) ?? '';
  const tensors = new Map(
    [...source.tensors].filter(([name]) => name.startsWith(prefix) || !source.isTraining),
  );
  if (config) checkKnown(config);
  const timeless = tensors.has(prefix + TIMELESS);
  const told = !timeless && tensors.has(`${prefix}sigma_map.mlp.0.weight`);
  const causal = !timeless && !told;
  if (causal) checkTellsNoise(source);
  const found = sizesOf({ where, tensors }, prefix, told);
  const heads = headsOf(source, tensors.get(prefix + FREQUENCIES), found);
  const length = overrides.length ?? config?.length?.value ?? USUAL_LENGTH;
  if (length > LARGEST_LENGTH) throw tooLong(where, length);
  const family = timeless ? timelessFamily(source) : familyOf(source, causal);
  const blockSize = isInBlocks(family) ? blockSizeOf(source) : undefined;
  const dimensions: Dimensions = { ...found, heads, length, ...(blockSize !== undefined && { blockSize }) };
  const problem = dimensionProblem(dimensions);
  if (problem) throw new ModelError({ ...problem, message: `${where}: ${problem.message}` });

  const kind = timeless ? 'radd' : causal ? 'causal' : blockSize === undefined ? 'dit' : 'block-diffusion';
  const architecture = kind === 'radd' ? TIMELESS_NETWORK : architectures[kind];
  const parameters = architecture.parameters(dimensions);
  const expected = parameters.map((parameter) => ({
    name: prefix + parameter.name,
    shape: shapeOutIn(parameter),
  }));
  checkTensors(
    where,
    expected,
    tensors,
    (name) => name === prefix + FREQUENCIES || TRAINED_RANGE.includes(name) || NOISE.test(name),
  );
  if (config) checkAgainst(config, where, found, { told, causal }, tensors, prefix);

  const special = specialTokens(family, found.vocabSize, tokenizer);
  const { vocabSize, length: _, blockSize: __, ...size } = dimensions;
  const card: Card = {
    family,
    vocabSize,
    length,
    ...blocksOfCard(blockSize),
    ...special.card,
    // Whatever token of that name the tokenizer has.
    ...(config?.rows && isMasked(family) && { maskTokenId: found.vocabSize - 1 }),
    ...(overrides.maskTokenId !== undefined && { maskTokenId: overrides.maskTokenId }),
    ...(!causal && { schedule: trainedSchedule(family, config, overrides) }),
    timeConditioning: told && (config?.timeConditioning?.value ?? readsNoiseLevel(family)),
    ...(config?.distilled && { distilled: true }),
    architecture: { name: kind, ...size },
  };
  const notices = overrides.maskTokenId === undefined && !config?.rows ? special.notices : [];
  if (overrides.length === undefined && !config?.length) {
    notices.push(
      `Nothing says how long its sequences are: ${USUAL_LENGTH} is assumed; --length says otherwise.`,
    );
  }
  if (card.schedule?.steps !== undefined && overrides.diffusionSteps === undefined && !config?.steps) {
    notices.push(
      `Nothing says how many steps its time has: ${card.schedule.steps} are assumed; --diffusion-steps says otherwise.`,
    );
  }
  const leftOut = isInSteps(family) && config?.leavesMaskOut?.value ? card.maskTokenId : undefined;
  return {
    parameters,
    graph: (options) => architecture.checkpointGraph(dimensions, options),
    source: withAdded(
      namedSource(tensors, ({ name }) => prefix + name, true),
      'output_layer.linear.bias',
      leftOut,
      LEFT_OUT,
    ),
    card,
    notices,
  };
}

const TIMELESS_NETWORK: Architecture = { parameters: timelessParameters, checkpointGraph: timelessGraph };

/** @throws ModelError for a model whose configuration asks for what no family here does, though its tensors look alike */
function checkKnown({ where, process, scaledBySigma, kind, di4c }: ReferenceConfig): void {
  if (di4c?.value) {
    throw new ModelError({
      code: 'unknown-architecture',
      message: `${where} says ${di4c.key} is true: its network reads a random number besides the tokens, and is not known here.`,
      hint: 'Models distilled without Di4C (SDTT) open.',
    });
  }
  if (process?.value === 'uniform') {
    throw new ModelError({
      code: 'family-not-supported',
      message: `${where} says ${process.key} is "uniform": a SEDD whose noise puts any token in place of another, and score entropy is known here for masks alone.`,
      hint: 'Its published variant with graph.type "absorb" opens. The family duo has such noise, but its networks predict clean tokens, not scores.',
    });
  }
  if (scaledBySigma?.value === false && kind?.key === process?.key) {
    throw new ModelError({
      code: 'family-not-supported',
      message: `${where} says ${scaledBySigma.key} is false; the scores of the SEDD known here are divided by e^σ − 1.`,
      hint: 'The published SEDD models are. Correct the configuration if this one is, too.',
    });
  }
}

/** RADD's losses (arXiv 2406.03736, λ-DCE and t-DCE) are the bound of masked diffusion, in other variables. */
function timelessFamily({ where, overrides: { family: flag } }: ReferenceSource): Family {
  if (flag === undefined || flag === 'mdlm') return 'mdlm';
  throw contradiction(
    where,
    flag,
    'its tensors are those of RADD, which is masked diffusion: the family mdlm',
  );
}

/** @throws ModelError `bad-config` for a network of block diffusion without the layers that are told the noise level */
function checkTellsNoise({ where, config, overrides }: ReferenceSource): void {
  const family = overrides.family ?? config?.family;
  if (!family || !isInBlocks(family) || config?.causal?.value) return;
  throw new ModelError({
    code: 'bad-config',
    message: `${where} is said to be of the family ${family}, but no tensor is told the noise level${config?.adaLN?.value === false ? ` (${config.adaLN.key} is false)` : ''}; such a network is not known here.`,
    hint: 'The published models have adaptive normalisation (sigma_map, adaLN_modulation). Check that the file is whole.',
  });
}

/** @throws UsageError `block-size-unknown`   @throws ModelError `bad-config` for a network that reads no clean text */
function blockSizeOf({ where, config, overrides }: ReferenceSource): number {
  const reads = config?.readsCleanText ?? null;
  if (reads?.value === false) {
    throw new ModelError({
      code: 'bad-config',
      message: `${config?.where} says ${reads.key} is false: its network reads no clean text, so that no block knows the earlier ones.`,
      hint: 'That is no block diffusion. If it was trained as masked diffusion over whole texts, give --family mdlm.',
    });
  }
  const size = overrides.blockSize ?? config?.blockSize?.value;
  if (size !== undefined) return size;
  throw new UsageError({
    code: 'block-size-unknown',
    message: `${where}: nothing says how many tokens a block of it has, and the tensors are the same for any.`,
    hint: 'Put its config.json with block_size beside it, or give --block-size.',
  });
}

function tooLong(where: string, length: number): ModelError {
  return new ModelError({
    code: 'bad-config',
    message: `${where}: sequences of ${length} tokens are longer than any that such a network reads.`,
    hint: `Correct its configuration, or give --length, at most ${LARGEST_LENGTH}.`,
  });
}

type Sizes = Omit<Dimensions, 'heads' | 'length'>;

/** The sizes that the shapes of the tensors show; the check of names and shapes follows later. */
function sizesOf(
  { where, tensors }: Pick<PublishedModel, 'where' | 'tensors'>,
  prefix: string,
  told: boolean,
): Sizes {
  const [vocabSize, hiddenSize] = matrixSizes(where, tensors, prefix + EMBEDDING);
  const blocks = blocksIn(tensors, `${prefix}blocks.`);
  const conditionSize = told ? matrixSizes(where, tensors, `${prefix}sigma_map.mlp.0.weight`)[0] : 128;
  return { vocabSize, hiddenSize, conditionSize, blocks };
}

/** The number of heads: from the flag, the configuration, the number of rotary frequencies, or the published sizes. */
function headsOf(
  { where, config, overrides }: ReferenceSource,
  frequencies: StoredTensor | undefined,
  { hiddenSize, blocks }: Sizes,
): number {
  const heads =
    overrides.heads ??
    config?.heads?.value ??
    (frequencies?.shape.length === 1 && frequencies.shape[0] > 0
      ? hiddenSize / (2 * frequencies.shape[0])
      : Object.values(SIZES).find((size) => size.hiddenSize === hiddenSize && size.blocks === blocks)?.heads);
  if (heads === undefined) {
    throw new UsageError({
      code: 'heads-unknown',
      message: `${where}: its tensors do not say how many attention heads it has, and no configuration lies beside them.`,
      hint: 'Put its config.json beside it, or give --heads.',
    });
  }
  if (frequencies) checkFrequencies(where, frequencies, hiddenSize / heads, config?.heads ?? null);
  return heads;
}

function checkFrequencies(
  where: string,
  tensor: StoredTensor,
  headSize: number,
  said: Fact<number> | null,
): void {
  const wrong = (why: string) =>
    new ModelError({
      code: 'config-contradicts-tensors',
      message: `${where}: ${why}.`,
      hint: 'The configuration is of another model, or --heads is wrong.',
    });
  if (String(tensor.shape) !== String([headSize / 2])) {
    const heads = said ? `${said.key} is ${said.value}, so ` : '';
    throw wrong(
      `${heads}heads are ${headSize} wide, but "${tensor.name}" is [${tensor.shape}], and not half of that`,
    );
  }
  let i = 0;
  for (const piece of elementsOf(tensor)) {
    for (const value of piece) {
      const usual = ROTARY_BASE ** ((-2 * i++) / headSize);
      if (Math.abs(value - usual) > 0.05 * usual)
        throw wrong(`"${tensor.name}" is not of the base ${ROTARY_BASE}`);
    }
  }
}

function checkAgainst(
  config: ReferenceConfig,
  where: string,
  found: Sizes,
  { told, causal }: { told: boolean; causal: boolean },
  tensors: StoredTensors,
  prefix: string,
): void {
  const embedding = `"${prefix}${EMBEDDING}" is [${tensors.get(prefix + EMBEDDING)?.shape}]`;
  const facts: [Fact<unknown> | null, unknown, string][] = [
    [config.vocabSize, found.vocabSize, embedding],
    [config.rows, found.vocabSize, embedding],
    [config.hiddenSize, found.hiddenSize, embedding],
    [config.blocks, found.blocks, `there are tensors of ${found.blocks} blocks`],
    [
      config.causal,
      causal,
      causal ? 'no tensor is told the noise level' : 'its tensors are told the noise level',
    ],
    [
      told ? config.conditionSize : null,
      found.conditionSize,
      `"${prefix}sigma_map.mlp.0.weight" is [${found.conditionSize},${FREQUENCY_SIZE}]`,
    ],
  ];
  for (const [fact, tensor, evidence] of facts) {
    if (!fact || fact.value === tensor) continue;
    throw new ModelError({
      code: 'config-contradicts-tensors',
      message: `${config.where} says ${fact.key} is ${fact.value}, but in ${where} ${evidence}.`,
      hint: 'The configuration is of another model: put the right one beside the weights.',
    });
  }
}

function familyOf({ where, config, overrides }: ReferenceSource, causal: boolean): Family {
  const { family: flag } = overrides;
  const said = flag ?? config?.family ?? null;
  if (causal) {
    if (said === null || said === 'ar' || (config?.causal?.value === true && !flag)) return 'ar';
    throw contradiction(where, said, 'its network is causal, which only the family ar is');
  }
  if (said === 'ar')
    throw contradiction(where, said, 'its network is told the noise level, so it is no family ar');
  if (said) return said;
  throw new UsageError({
    code: 'family-unknown',
    message: config?.kind
      ? `${config.where} says ${config.kind.key} is "${config.kind.value}", which is no family of models known here.`
      : `${where}: nothing says which family of models it is; the tensors of duo, mdlm, sedd, bd3lm and d3pm are the same.`,
    hint: 'Give --family duo, mdlm, sedd, bd3lm or d3pm.',
  });
}

function contradiction(where: string, said: string, evidence: string): ModelError {
  return new ModelError({
    code: 'config-contradicts-tensors',
    message: `${where} is said to be of the family ${said}, but ${evidence}.`,
    hint: 'Check --family, and that the configuration is of this model.',
  });
}
