/**
 * Masked diffusion models with the network of Llama or Qwen, as their authors publish them: the weights are those of an autoregressive
 * model trained on, and a token sees all others, or those of its block and of earlier blocks. Their repositories bring code of
 * their own, which is never run: what it does is known by its model_type.
 */
import { ModelError } from '../../errors.js';
import type { DecoderAttention } from '../architectures/decoder-dimensions.js';
import type { Card } from '../card.js';
import type { ImportedModel } from './imported-model.js';
import { LLAMA_KINDS, type LlamaKind, llamaDimensions, llamaImport } from './llama.js';
import { maskTokenOf, type PublishedLayout, type PublishedModel } from './published-layout.js';
import { modelType, TransformersConfig, textTokens } from './transformers-config.js';

interface DiffusionKind {
  /** The network. */
  of: LlamaKind;
  /** Its class, in the code of the repository. */
  className: string;
  /** Logits of token i come from the state of token i − 1, and the first token is never masked. */
  shift?: true;
  /** Blocks from left to right: the key that says their size. */
  blockKey?: string;
  /** The mask of its code, where its files say none. */
  maskTokenId?: number;
}

const KINDS: Readonly<Record<string, DiffusionKind>> = {
  // dllm (ZHZisZZ/dllm, pipelines/a2d): every mask but that of padding is dropped.
  'a2d-llama': { of: LLAMA_KINDS.llama, className: 'A2DLlamaLMHeadModel' },
  'a2d-qwen2': { of: LLAMA_KINDS.qwen2, className: 'A2DQwen2LMHeadModel' },
  'a2d-qwen3': { of: LLAMA_KINDS.qwen3, className: 'A2DQwen3LMHeadModel' },
  // Dream (arXiv 2508.15487)
  Dream: { of: LLAMA_KINDS.qwen2, className: 'DreamModel', shift: true },
  // SDAR (arXiv 2510.06303): blocks in two streams, as in block diffusion
  sdar: { of: LLAMA_KINDS.qwen3, className: 'SDARForCausalLM', blockKey: 'block_size' },
  // Fast-dLLM v2 (arXiv 2509.26328): the same on Qwen 2.5, with logits of the token before
  Fast_dLLM_Qwen: {
    of: LLAMA_KINDS.qwen2,
    className: 'Fast_dLLM_QwenForCausalLM',
    shift: true,
    blockKey: 'bd_size',
    maskTokenId: 151_665,
  },
};

const kindOf = (type: string | null): DiffusionKind | null =>
  type !== null && Object.hasOwn(KINDS, type) ? KINDS[type] : null;

export const llamaDiffusionLayout: PublishedLayout = {
  description: `masked diffusion on Llama and Qwen (model_type ${Object.keys(KINDS).join(', ')})`,
  recognises: ({ config }) => kindOf(modelType(config)) !== null,
  read: diffusionModel,
};

/** @throws ModelError as llamaDimensions, and `no-mask-token`, `no-block-size` */
function diffusionModel(model: PublishedModel): ImportedModel {
  const config = TransformersConfig.of(model);
  // recognised by it
  const kind = kindOf(modelType(model.config))!;
  const foreign = config.list('architectures').find((name) => name !== kind.className);
  if (foreign !== undefined)
    throw config.unsupported('architectures', `of this model_type, ${kind.className} is known`);
  const blockSize = blockSizeOf(model, config, kind);
  const attention: DecoderAttention = blockSize === null ? 'full' : { blockCausal: blockSize };
  const { dimensions, notices } = llamaDimensions(model, config, kind.of, attention);
  const { vocabSize } = dimensions;
  const family = blockSize === null ? 'mdlm' : 'bd3lm';
  const card: Card = {
    family,
    ...textTokens(config, vocabSize, model.tokenizer),
    maskTokenId: maskTokenOf(model, vocabSize, saidMask(config, kind, vocabSize)),
    ...(kind.shift && blockSize === null && { neverMasked: [0] }),
  };
  return llamaImport(model, kind.of, {
    dimensions: { ...dimensions, ...(kind.shift && { shift: true }) },
    card,
    notices,
  });
}

function saidMask(
  config: TransformersConfig,
  { maskTokenId }: DiffusionKind,
  vocabSize: number,
): number | undefined {
  const ofCode = maskTokenId !== undefined && maskTokenId < vocabSize ? maskTokenId : undefined;
  return config.token('mask_token_id', vocabSize) ?? ofCode;
}

/** L′; null of a network that sees all tokens. dllm also trains its models in blocks, which the files do not say. */
function blockSizeOf(
  { overrides, known }: PublishedModel,
  config: TransformersConfig,
  { blockKey, shift }: DiffusionKind,
): number | null {
  const said = blockKey !== undefined && config.has(blockKey) ? config.count(blockKey) : undefined;
  const blockSize = overrides.blockSize ?? said ?? known?.blockSize;
  const inBlocks = blockKey !== undefined || (overrides.family ?? known?.family) === 'bd3lm';
  if (!inBlocks) return null;
  if (shift && blockKey === undefined)
    throw config.unsupported('model_type', 'its network has no blocks, and --family asks for them');
  if (blockSize === undefined) {
    throw new ModelError({
      code: 'no-block-size',
      message: `${config.path} does not say how many tokens a block has.`,
      hint: 'Give --block-size: the name of the repository often says it.',
    });
  }
  return blockSize;
}
