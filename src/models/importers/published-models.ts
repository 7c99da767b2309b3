/**
 * Published models by the name of their repository: what is known of them, and what their own files leave out. What flags or
 * files say wins over this table. Sizes and contexts are as their authors state them; so are the licences that were read on their pages.
 */
import type { Family } from '../family.js';
import type { PublishedFacts } from './published-layout.js';

export interface PublishedModelEntry {
  /** `owner/name` on the Hugging Face hub; of some, a file of it. */
  repo: string;
  file?: string;
  /** The branch that holds it, where the main one does not. */
  revision?: string;
  family: Family;
  /** Millions of parameters. */
  millions: number;
  /** Null: not known here. */
  licence: string | null;
  /** Whether it was read on the page of the repository when this was written. */
  licenceRead: boolean;
  /** Tokens of its context. */
  context: number;
  /** How reading it is verified: never with the published file, which no test can reach. */
  verified: string;
  /** What its files leave out. */
  facts?: PublishedFacts;
}

const REFERENCE = 'layout: logits of the reference code, random weights';
const ORACLE = 'layout: logits of an independent implementation, random weights';
const TRANSFORMERS = 'layout: logits of transformers, random weights';
const LIMITS = 'layout: logits of transformers as one block and in blocks of one token; cached as uncached';
const LADDER = 'layout: that of the masked ones, on a network verified for others';

/** Repositories whose page was read; nothing else of the licences has been checked. */
const READ_PAGES = [
  'dvruette/gidd-',
  'Efficient-Large-Model/Fast_dLLM_v2_',
  'JetLM/SDAR-',
  'answerdotai/ModernBERT-base',
];

const entry = (
  name: string,
  family: Family,
  millions: number,
  context: number,
  licence: string | null,
  verified: string,
  facts?: PublishedFacts,
): PublishedModelEntry => {
  const [path, revision] = name.split('@');
  const [owner, repo, ...file] = path.split('/');
  const place = { ...(file.length > 0 && { file: file.join('/') }), ...(revision && { revision }) };
  return {
    repo: `${owner}/${repo}`,
    ...place,
    family,
    millions,
    licence,
    licenceRead: READ_PAGES.some((page) => name.startsWith(page)),
    context,
    verified,
    ...(facts && { facts }),
  };
};

const blocks = (blockSize: number): PublishedFacts => ({ family: 'bd3lm', blockSize });
/** Its tokenizer comes as code of the repository; the text's ids are those of the Qwen that it began as. */
const dream: PublishedFacts = { maskTokenId: 151_666, tokenizer: 'Qwen/Qwen2.5-7B' };
const sdar: PublishedFacts = { maskTokenId: 151_669, ...blocks(4) };
const smdm: PublishedFacts = { tokenizer: 'TinyLlama/TinyLlama-1.1B-intermediate-step-1431k-3T' };

const gpt2Tokenizer: PublishedFacts = { tokenizer: 'openai-community/gpt2' };

export const PUBLISHED_MODELS: readonly PublishedModelEntry[] = [
  entry('s-sahoo/duo', 'duo', 170, 1024, 'Apache-2.0', REFERENCE),
  entry('s-sahoo/duo-distilled', 'duo', 170, 1024, 'Apache-2.0', REFERENCE),
  entry('kuleshov-group/mdlm-owt', 'mdlm', 170, 1024, 'Apache-2.0', REFERENCE),
  entry('kuleshov-group/bd3lm-owt-block_size4', 'bd3lm', 170, 1024, 'Apache-2.0', ORACLE, blocks(4)),
  entry('kuleshov-group/bd3lm-owt-block_size8', 'bd3lm', 170, 1024, 'Apache-2.0', ORACLE, blocks(8)),
  entry('kuleshov-group/bd3lm-owt-block_size16', 'bd3lm', 170, 1024, 'Apache-2.0', ORACLE, blocks(16)),
  entry('louaaron/sedd-small', 'sedd', 170, 1024, 'MIT', ORACLE),
  entry('louaaron/sedd-medium', 'sedd', 424, 1024, 'MIT', ORACLE),
  entry('JingyangOu/radd-lambda-dce', 'mdlm', 162, 1024, 'Apache-2.0', ORACLE),
  entry('JingyangOu/radd-t-dce', 'mdlm', 162, 1024, 'Apache-2.0', ORACLE),
  // The last round with the KL divergence; other branches hold other rounds, losses and sizes.
  entry('jdeschena/sdtt@baselines_kld_step_70000', 'mdlm', 170, 1024, null, ORACLE),
  ...(['0.0', '0.1', '0.2'] as const).flatMap((share) => [
    entry(`dvruette/gidd-small-p_unif-${share}`, 'gidd', 170, 512, 'MIT', ORACLE, gpt2Tokenizer),
    entry(`dvruette/gidd-base-p_unif-${share}`, 'gidd', 424, 512, 'MIT', ORACLE, gpt2Tokenizer),
  ]),
  entry('diffusionfamily/diffugpt-s', 'mdlm', 124, 1024, 'Apache-2.0', ORACLE, {
    maskTokenId: 10_541,
    tokenizer: 'openai-community/gpt2',
  }),
  entry('diffusionfamily/diffugpt-m', 'mdlm', 355, 1024, 'Apache-2.0', ORACLE, {
    maskTokenId: 50_257,
    tokenizer: 'openai-community/gpt2',
  }),
  entry('nieshen/SMDM/mdm-170M-100e18.safetensors', 'mdlm', 219, 2048, 'Apache-2.0', ORACLE, smdm),
  entry('nieshen/SMDM/mdm-1028M-1600e18.safetensors', 'mdlm', 1143, 2048, 'Apache-2.0', ORACLE, smdm),
  entry('nieshen/SMDM/ar-170M-100e18.safetensors', 'ar', 219, 2048, 'Apache-2.0', LADDER, smdm),
  entry('nieshen/SMDM/ar-1028M-100e18.safetensors', 'ar', 1143, 2048, 'Apache-2.0', LADDER, smdm),
  entry('dllm-hub/Qwen3-0.6B-diffusion-mdlm-v0.1', 'mdlm', 596, 40_960, 'Apache-2.0', ORACLE, {
    maskTokenId: 151_669,
  }),
  entry('dllm-hub/Qwen3-0.6B-diffusion-bd3lm-v0.1', 'bd3lm', 596, 40_960, 'Apache-2.0', LIMITS, {
    maskTokenId: 151_669,
    ...blocks(32),
  }),
  entry('dllm-hub/ModernBERT-base-chat-v0.1', 'mdlm', 149, 8192, null, TRANSFORMERS),
  entry('dllm-hub/ModernBERT-large-chat-v0.1', 'mdlm', 395, 8192, null, TRANSFORMERS),
  entry('answerdotai/ModernBERT-base', 'mdlm', 149, 8192, 'Apache-2.0', TRANSFORMERS),
  entry('google-bert/bert-base-uncased', 'mdlm', 110, 512, 'Apache-2.0', TRANSFORMERS),
  entry('GSAI-ML/LLaDA-8B-Base', 'mdlm', 8016, 4096, 'MIT', ORACLE),
  entry('GSAI-ML/LLaDA-8B-Instruct', 'mdlm', 8016, 4096, 'MIT', ORACLE),
  entry('Dream-org/Dream-v0-Base-7B', 'mdlm', 7616, 131_072, 'Apache-2.0', ORACLE, dream),
  entry('Dream-org/Dream-v0-Instruct-7B', 'mdlm', 7616, 131_072, 'Apache-2.0', ORACLE, dream),
  entry('JetLM/SDAR-1.7B-Chat', 'bd3lm', 2032, 32_768, 'Apache-2.0', LIMITS, sdar),
  entry('JetLM/SDAR-4B-Chat', 'bd3lm', 4412, 32_768, 'Apache-2.0', LIMITS, sdar),
  entry('JetLM/SDAR-8B-Chat', 'bd3lm', 8191, 32_768, 'Apache-2.0', LIMITS, sdar),
  entry('Efficient-Large-Model/Fast_dLLM_v2_1.5B', 'bd3lm', 1544, 32_768, 'Apache-2.0', TRANSFORMERS),
  entry('Efficient-Large-Model/Fast_dLLM_v2_7B', 'bd3lm', 7616, 32_768, 'Apache-2.0', TRANSFORMERS),
  entry('openai-community/gpt2', 'ar', 124, 1024, 'MIT', TRANSFORMERS),
  entry('openai-community/gpt2-large', 'ar', 774, 1024, 'MIT', TRANSFORMERS),
  entry('HuggingFaceTB/SmolLM2-135M', 'ar', 135, 8192, 'Apache-2.0', TRANSFORMERS),
  entry('HuggingFaceTB/SmolLM2-360M', 'ar', 362, 8192, 'Apache-2.0', TRANSFORMERS),
  entry('EleutherAI/pythia-160m', 'ar', 162, 2048, 'Apache-2.0', TRANSFORMERS),
  entry('EleutherAI/pythia-410m', 'ar', 405, 2048, 'Apache-2.0', TRANSFORMERS),
  entry('Qwen/Qwen2.5-0.5B', 'ar', 494, 32_768, 'Apache-2.0', TRANSFORMERS),
  entry('Qwen/Qwen3-0.6B-Base', 'ar', 596, 32_768, 'Apache-2.0', TRANSFORMERS),
  entry('mistralai/Mistral-7B-v0.1', 'ar', 7242, 32_768, 'Apache-2.0', TRANSFORMERS),
];

/** What the table says of a repository's model beside its files; null if it does not know it, or they say all. */
export function publishedFacts({ repo, file }: { repo: string; file?: string }): PublishedFacts | null {
  const known = PUBLISHED_MODELS.filter((each) => each.repo === repo);
  return (known.find((each) => each.file === file) ?? known[0])?.facts ?? null;
}
