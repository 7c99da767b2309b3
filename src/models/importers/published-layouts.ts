/** The layouts that are known. The first that recognises a model reads it. */
import { bertLayout } from './bert.js';
import { giddLayout } from './gidd.js';
import { gptNeoxLayout } from './gpt-neox.js';
import { diffuGptLayout, gpt2Layout } from './gpt2.js';
import { lladaLayout } from './llada.js';
import { llamaLayout } from './llama.js';
import { llamaDiffusionLayout } from './llama-diffusion.js';
import { modernBertLayout } from './modernbert.js';
import type { PublishedLayout } from './published-layout.js';
import { referenceLayout } from './reference.js';
import { smdmLayout } from './smdm.js';

export const PUBLISHED_LAYOUTS: readonly PublishedLayout[] = [
  gpt2Layout,
  diffuGptLayout,
  llamaDiffusionLayout,
  lladaLayout,
  smdmLayout,
  llamaLayout,
  gptNeoxLayout,
  bertLayout,
  modernBertLayout,
  giddLayout,
  referenceLayout,
];
